//! Ports of servers that cannot be: direct routing and tunnels leave packets as they are (RS-01), and a
//! mark stands for any port.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Diagnostics;
use crate::model::balance::{
    Forwarding, GroupEntry, RealServer, ServiceAddress, ServiceGroup, SorryServer,
};
use crate::tree::Span;

/// What ports packets of the service come for.
enum Ports {
    /// This one; 0 for all.
    One(u16),
    /// A mark tells of none.
    Any,
    /// Those of a group, each of which is a service of its own.
    Several(BTreeSet<u16>),
}

/// Corrects what is only a number in the file, and says so.
pub(super) fn settle(
    address: &ServiceAddress,
    groups: &[ServiceGroup],
    servers: &mut Vec<RealServer>,
    sorry: Option<&mut SorryServer>,
    diagnostics: &mut Diagnostics,
) {
    let ports = ports(address, groups);
    alone(&ports, servers, diagnostics);
    for server in servers {
        if server.forwarding != Forwarding::Nat {
            let what = ("server", server.span);
            untranslated(&ports, what, &mut server.port, true, diagnostics);
        } else if let Ports::One(port @ 1..) = ports
            && server.port == 0
        {
            diagnostics
                .warning("port-zero", server.span, "the server has no port")
                .help(format!(
                    "connections go to that of the service, {port}; write it, or another one"
                ));
        }
    }
    if let Some(sorry) = sorry
        && sorry.forwarding != Forwarding::Nat
    {
        let what = ("sorry server", sorry.span);
        untranslated(&ports, what, &mut sorry.port, false, diagnostics);
    }
}

/// Leaves out servers that differ in a port only that packets never get to see.
fn alone(ports: &Ports, servers: &mut Vec<RealServer>, diagnostics: &mut Diagnostics) {
    let mut seen = BTreeMap::new();
    servers.retain(|server| {
        let translated = server.forwarding == Forwarding::Nat;
        let port = match ports {
            _ if translated => Some(server.port),
            Ports::One(port) => Some(*port),
            Ports::Any => Some(0),
            Ports::Several(_) => None,
        };
        let first = match seen.entry((server.address, port)) {
            Entry::Vacant(entry) => {
                entry.insert(server.span);
                return true;
            }
            Entry::Occupied(entry) => *entry.get(),
        };
        let message = match ports {
            Ports::One(port) => format!(
                "without address translation the server has the port of the service, {port}, and is one with \
                 another"
            ),
            _ => "without address translation the port of a server makes no other server of it".to_owned(),
        };
        diagnostics
            .warning("port-of-service", server.span, message)
            .help("it is left out; the first one counts")
            .note(first, "the other one is here");
        false
    });
}

fn ports(address: &ServiceAddress, groups: &[ServiceGroup]) -> Ports {
    let name = match address {
        ServiceAddress::Address { port, .. } => return Ports::One(*port),
        ServiceAddress::Mark(_) => return Ports::Any,
        ServiceAddress::Group(name) => name,
    };
    let group = groups.iter().find(|group| group.name.value == name.value);
    let entries = group.into_iter().flat_map(|group| &group.entries);
    let ports = entries.filter_map(|entry| match entry {
        GroupEntry::Addresses { port, .. } => Some(*port),
        GroupEntry::Mark(..) => None,
    });
    let ports: BTreeSet<u16> = ports.collect();
    if ports.is_empty() {
        Ports::Any
    } else {
        Ports::Several(ports)
    }
}

/// A server that gets packets as they came.
fn untranslated(
    ports: &Ports,
    (what, span): (&str, Span),
    own: &mut u16,
    checked: bool,
    diagnostics: &mut Diagnostics,
) {
    let checks = if checked {
        format!("; checks without `connect_port` go to {own}, as the line says")
    } else {
        String::new()
    };
    match ports {
        Ports::One(port) if *own == 0 => *own = *port,
        Ports::One(port) if port != own => {
            let message = format!(
                "without address translation the {what} has the port of the service, {port}"
            );
            diagnostics
                .warning("port-of-service", span, message)
                .help(format!("it is used{checks}"));
            *own = *port;
        }
        Ports::Any if *own != 0 => {
            let message =
                format!("without address translation the {what} has no port behind a mark");
            diagnostics
                .warning("port-of-mark", span, message)
                .help(format!("packets keep the port that they came for{checks}"));
            *own = 0;
        }
        // The kernel's table shows the number, and packets keep theirs.
        Ports::Several(ports) if *own != 0 && ports.iter().any(|port| port != own) => {
            let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
            let ports = ports.join(", ");
            let message = format!(
                "without address translation the {what} has the ports of the group, {ports}, and not {own}"
            );
            diagnostics
                .warning("port-of-service", span, message)
                .help(format!("packets keep the port that they came for{checks}"));
        }
        _ => {}
    }
}
