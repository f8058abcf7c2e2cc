//! Addresses of the nodes themselves, as far as the files tell.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::pairing::Router;
use super::{Findings, Member, Node};
use crate::diagnostic::Severity::Error;

/// The own addresses that the file of a node names.
pub(super) fn own_addresses(node: &Node<'_>) -> impl Iterator<Item = IpAddr> {
    let instances = node.config.instances.iter();
    let sources = instances.filter_map(|instance| instance.source.as_ref());
    let sessions = node.config.bfd.iter();
    let ends = sessions.filter_map(|session| session.source.as_ref());
    sources.chain(ends).map(|source| source.value)
}

/// A virtual address that some node has for itself, without being the owner.
pub(super) fn owned(routers: &[Router<'_>], findings: &mut Findings<'_>) {
    let mut owners: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for (node, view) in findings.nodes.iter().enumerate() {
        for address in own_addresses(view) {
            owners.entry(address).or_insert(node);
        }
    }
    for router in routers {
        let found = router.members.iter().find_map(|member| {
            let mut held = member.instance.held_addresses();
            held.find_map(|vip| {
                let node = *owners.get(&vip.address)?;
                let owner = router.members.iter().any(|other| {
                    other.node == node && other.instance.priority == vrrp_proto::Priority::OWNER
                });
                (!owner).then_some((vip.address, node))
            })
        });
        let Some((address, node)) = found else {
            continue;
        };
        let holders: Vec<Member<'_>> = router
            .members
            .iter()
            .filter(|member| {
                let mut held = member.instance.held_addresses();
                held.any(|vip| vip.address == address)
            })
            .copied()
            .collect();
        let Some(first) = holders.first() else {
            continue;
        };
        let owner = findings.name(node).to_owned();
        findings.add(
            Error,
            "address-of-a-node",
            &holders,
            [
                format!(
                    "`{}` has the virtual address {address}, which is {owner}'s own",
                    first.instance.name.value
                ),
                format!(
                    "{owner} answers for it all the time, and so does whichever other node is \
                    master"
                ),
                format!(
                    "use an address that no node has, or make {owner} its owner with priority 255"
                ),
            ],
        );
    }
}
