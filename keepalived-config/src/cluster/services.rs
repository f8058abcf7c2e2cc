//! Whether the next master balances as the last one did.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::pairing::Router;
use super::{Findings, Node, Place};
use crate::diagnostic::Severity::Warning;
use crate::model::balance::{GroupEntry, Protocol, ServiceAddress, SyncDaemon, VirtualServer};

/// What clients see of a service: equal on two nodes if it is the same service.
fn key(service: &VirtualServer) -> String {
    let protocol = match service.protocol {
        None => "",
        Some(Protocol::Tcp) => " TCP",
        Some(Protocol::Udp) => " UDP",
        Some(Protocol::Sctp) => " SCTP",
    };
    match &service.address {
        ServiceAddress::Address { address, port } => format!("{address} {port}{protocol}"),
        ServiceAddress::Mark(mark) => format!("fwmark {mark}"),
        ServiceAddress::Group(name) => format!("group {}{protocol}", name.value),
    }
}

/// The first address that clients of the service use, if it is not chosen by marks.
fn address(node: &Node<'_>, service: &VirtualServer) -> Option<IpAddr> {
    match &service.address {
        ServiceAddress::Address { address, .. } => Some(*address),
        ServiceAddress::Mark(_) => None,
        ServiceAddress::Group(name) => {
            let mut groups = node.config.service_groups.iter();
            let group = groups.find(|group| group.name.value == name.value)?;
            group.entries.iter().find_map(|entry| match entry {
                GroupEntry::Addresses { first, .. } => Some(*first),
                GroupEntry::Mark(..) => None,
            })
        }
    }
}

fn place(node: usize, service: &VirtualServer) -> Place {
    Place {
        node,
        instance: format!("virtual_server {}", key(service)),
        span: service.span,
    }
}

/// Every service is on every node that its address can move to, and is the same there.
pub(super) fn balanced(nodes: &[Node<'_>], routers: &[Router<'_>], findings: &mut Findings<'_>) {
    let mut services: BTreeMap<String, Vec<(usize, &VirtualServer)>> = BTreeMap::new();
    for (node, view) in nodes.iter().enumerate() {
        for service in &view.config.services {
            services
                .entry(key(service))
                .or_default()
                .push((node, service));
        }
    }
    for (name, there) in services {
        let Some(((node, first), others)) = there.split_first() else {
            continue;
        };
        let reach = reach(nodes, routers, *node, first);
        let missing: Vec<&str> = reach
            .into_iter()
            .filter(|wanted| there.iter().all(|(node, _)| node != wanted))
            .map(|node| findings.name(node))
            .collect();
        if !missing.is_empty() {
            let message = format!("the service {name} is not on {}", missing.join(", "));
            let places = there.iter().map(|(node, one)| place(*node, one)).collect();
            findings.add_at(
                Warning,
                "service-missing",
                places,
                [
                    message,
                    "while that node is master, nobody answers for the service".to_owned(),
                    "give all nodes the same `virtual_server` blocks".to_owned(),
                ],
            );
        }
        for (away, other) in others {
            let difference = difference(first, other);
            if difference.is_empty() {
                continue;
            }
            let (here, there) = (findings.name(*node), findings.name(*away));
            let message = format!(
                "the service {name} on {here} and on {there} differs: {}",
                difference.join("; ")
            );
            findings.add_at(
                Warning,
                "service-differs",
                vec![place(*node, first), place(*away, other)],
                [
                    message,
                    "after a takeover clients are spread in another way, or over other servers"
                        .to_owned(),
                    "keep the services in one file that all nodes `include`".to_owned(),
                ],
            );
        }
    }
}

/// The nodes that can hold the address of a service of `node`; where no virtual router has it, those
/// that balance at all.
fn reach(
    nodes: &[Node<'_>],
    routers: &[Router<'_>],
    node: usize,
    service: &VirtualServer,
) -> BTreeSet<usize> {
    let view = nodes.get(node);
    let address = view.and_then(|view| address(view, service));
    let holders: BTreeSet<usize> = routers
        .iter()
        .flat_map(|router| &router.members)
        .filter(|member| {
            let mut held = member.instance.held_addresses();
            held.any(|vip| Some(vip.address) == address)
        })
        .map(|member| member.node)
        .collect();
    if !holders.is_empty() {
        return holders;
    }
    let balancing = nodes.iter().enumerate();
    balancing
        .filter(|(_, view)| !view.config.services.is_empty())
        .map(|(node, _)| node)
        .collect()
}

/// What a client would notice, in words.
fn difference(one: &VirtualServer, other: &VirtualServer) -> Vec<String> {
    const SHOWN: usize = 3;
    let mut words = Vec::new();
    let servers = |service: &VirtualServer| {
        let servers = service.servers.iter();
        servers
            .map(|server| (server.address, server.port))
            .collect::<BTreeSet<_>>()
    };
    let (ours, theirs) = (servers(one), servers(other));
    let mut only: Vec<String> = ours
        .symmetric_difference(&theirs)
        .map(|(address, port)| format!("{address} {port}"))
        .collect();
    if !only.is_empty() {
        let more = only.len().saturating_sub(SHOWN);
        only.truncate(SHOWN);
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        words.push(format!("real_server {}{more} on one only", only.join(", ")));
    }
    if one.scheduler != other.scheduler {
        words.push(format!("lb_algo {} and {}", one.scheduler, other.scheduler));
    }
    let ways = |service: &VirtualServer| {
        let servers = service.servers.iter();
        let ways = servers.map(|server| ((server.address, server.port), server.forwarding));
        ways.collect::<Vec<_>>()
    };
    let (ours, theirs) = (ways(one), ways(other));
    let other_way = ours.iter().any(|(server, way)| {
        let mut same = theirs.iter().filter(|(known, _)| known == server);
        same.any(|(_, known)| known != way)
    });
    if other_way {
        words.push("lb_kind".to_owned());
    }
    if one.persistence != other.persistence {
        words.push("persistence".to_owned());
    }
    words
}

/// Connections move with the addresses only if both kernels speak the same language.
pub(super) fn synchronisation(nodes: &[Node<'_>], findings: &mut Findings<'_>) {
    let daemon = |node: usize| {
        let view = nodes.get(node)?;
        view.config.global.balance.sync_daemon.as_ref()
    };
    let balancing: Vec<usize> = nodes
        .iter()
        .enumerate()
        .filter(|(_, view)| !view.config.services.is_empty())
        .map(|(node, _)| node)
        .collect();
    let place = |node: usize, daemon: &SyncDaemon| Place {
        node,
        instance: "lvs_sync_daemon".to_owned(),
        span: daemon.interface.span,
    };
    let with: Vec<(usize, &SyncDaemon)> = balancing
        .iter()
        .filter_map(|node| Some((*node, daemon(*node)?)))
        .collect();
    let Some(((node, first), others)) = with.split_first() else {
        return;
    };
    let without: Vec<&str> = balancing
        .iter()
        .filter(|node| daemon(**node).is_none())
        .map(|node| findings.name(*node))
        .collect();
    let consequence = "connections of clients are not known to the next master, and break at a \
        takeover";
    if !without.is_empty() {
        let message = format!("there is no `lvs_sync_daemon` on {}", without.join(", "));
        findings.add_at(
            Warning,
            "sync-daemon-differs",
            with.iter()
                .map(|(node, daemon)| place(*node, daemon))
                .collect(),
            [
                message,
                consequence.to_owned(),
                "set `lvs_sync_daemon` with the same id, group and port on all nodes".to_owned(),
            ],
        );
    }
    for (away, other) in others {
        let words = |daemon: &SyncDaemon| {
            format!(
                "id {}, group {}, port {}",
                daemon.id, daemon.group, daemon.port
            )
        };
        let (ours, theirs) = (words(first), words(other));
        if ours == theirs {
            continue;
        }
        let message = format!(
            "`lvs_sync_daemon` has {ours} on {} and {theirs} on {}",
            findings.name(*node),
            findings.name(*away)
        );
        findings.add_at(
            Warning,
            "sync-daemon-differs",
            vec![place(*node, first), place(*away, other)],
            [
                message,
                consequence.to_owned(),
                "set the same id, group and port on all nodes".to_owned(),
            ],
        );
    }
}
