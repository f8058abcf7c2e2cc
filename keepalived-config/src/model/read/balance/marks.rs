//! `nftables_ipvs`: which groups one mark stands for, and what speaks against it.

use crate::diagnostic::Diagnostics;
use crate::model::GlobalDefs;
use crate::model::balance::{
    Forwarding, GroupEntry, GroupMarks, ServiceAddress, ServiceGroup, VirtualServer,
};
use crate::tree::Span;

/// Complains, and takes back the marks where they would be in the way of other rules of ours.
pub(in crate::model) fn check(
    global: &mut GlobalDefs,
    groups: &[ServiceGroup],
    services: &[VirtualServer],
    diagnostics: &mut Diagnostics,
) {
    let filter = &global.links.table;
    let marks = &mut global.balance.group_marks;
    let Some(table) = &marks.table else {
        return;
    };
    if table.value == *filter {
        let message = format!("`nftables` has a table `{filter}` as well");
        diagnostics
            .error("shared-table", table.span, message)
            .help("each would remove the rules of the other; packets are not marked");
        marks.table = None;
        return;
    }
    let mut gathered = 0;
    for service in services {
        let ServiceAddress::Group(name) = &service.address else {
            continue;
        };
        let Some(group) = groups.iter().find(|group| group.name.value == name.value) else {
            continue;
        };
        if !marks.stand_for(group) {
            let message = format!("the group `{}` has a `fwmark` of its own", name.value);
            diagnostics
                .warning("marked-group", service.span, message)
                .help(
                    "as with Keepalived its addresses are services each; \
                     put the mark into another group",
                );
            continue;
        }
        gathered += 1;
        kept_ports(service, group, diagnostics);
    }
    let first = marks.first.get();
    let last = first.saturating_add(gathered).saturating_sub(1);
    let ours = first..=last;
    let mut clash = |mark: u32, span: Span| {
        if gathered > 0 && ours.contains(&mark) {
            let message = if first == last {
                format!("{first} is the mark that the group gets")
            } else {
                format!("{first} to {last} are the marks that groups get")
            };
            diagnostics
                .warning("mark-of-group", span, message)
                .help(format!(
                    "{mark} stays with this service and the group gets another; \
                     `nftables_ipvs_start_fwmark` says where they begin"
                ));
        }
    };
    for service in services {
        match &service.address {
            ServiceAddress::Mark(mark) => clash(*mark, service.span),
            ServiceAddress::Group(name) => {
                let group = groups.iter().find(|group| group.name.value == name.value);
                for entry in group.into_iter().flat_map(|group| &group.entries) {
                    if let GroupEntry::Mark(mark, _) = entry {
                        clash(*mark, service.span);
                    }
                }
            }
            ServiceAddress::Address { .. } => {}
        }
    }
}

/// A persistent service of a mark leaves the port of a packet as it is: the kernel rewrites it only for
/// a service that has a port.
fn kept_ports(service: &VirtualServer, group: &ServiceGroup, diagnostics: &mut Diagnostics) {
    if service.persistence.is_none() {
        return;
    }
    let other = |port: u16| {
        let entries = group.entries.iter();
        let mut ports = entries.filter_map(|entry| match entry {
            GroupEntry::Addresses { port, .. } => Some(*port),
            GroupEntry::Mark(..) => None,
        });
        ports.find(|of_entry| *of_entry != port)
    };
    let mut servers = service.servers.iter();
    let found = servers.find_map(|server| {
        let rewritten = server.forwarding == Forwarding::Nat && server.port != 0;
        Some((server, other(server.port).filter(|_| rewritten)?))
    });
    if let Some((server, port)) = found {
        let port = if port == 0 {
            "all ports".to_owned()
        } else {
            format!("port {port}")
        };
        let message = format!("clients of {port} do not get to port {}", server.port);
        diagnostics
            .warning("port-of-group", server.span, message)
            .help(
                "a persistent service behind one mark leaves the port of a connection as it is: \
                 let the server have that port, or put the address into another group",
            );
    }
}

impl GroupMarks {
    /// Whether one mark stands for this group: as with Keepalived not if it has a mark of its own.
    #[must_use]
    pub fn stand_for(&self, group: &ServiceGroup) -> bool {
        let own = |entry: &GroupEntry| matches!(entry, GroupEntry::Mark(..));
        self.table.is_some() && !group.entries.iter().any(own)
    }
}
