//! Which instances of which nodes are one virtual router, in the mind of whoever wrote the files.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Member, Node};
use crate::model::VrrpInstance;

/// A virtual router: at most one instance on each node, in the order of the nodes.
#[derive(Clone, Debug)]
pub(super) struct Router<'a> {
    pub(super) members: Vec<Member<'a>>,
    /// How many nodes there are.
    pub(super) nodes: usize,
}

/// How surely two instances of different nodes are meant to be one; the greatest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// The same number, family and name, or the same number, family and some address.
    Sure,
    /// Some address, and another number: addresses are what a virtual router is for.
    Address,
    /// The same number and family, and nothing speaks against it.
    Number,
    /// The same name, and another number or family.
    Name,
}

impl Likeness {
    const ALL: [Self; 4] = [Self::Sure, Self::Address, Self::Number, Self::Name];
}

fn likeness(one: &VrrpInstance, other: &VrrpInstance) -> Option<Likeness> {
    let number = one.vrid.value == other.vrid.value && one.family == other.family;
    let name = one.name.value == other.name.value;
    let addresses = share_addresses(one, other);
    match (number, addresses, name) {
        (true, true, _) | (true, _, true) => Some(Likeness::Sure),
        (false, true, _) => Some(Likeness::Address),
        (true, false, false) => Some(Likeness::Number),
        (false, false, true) => Some(Likeness::Name),
        (false, false, false) => None,
    }
}

fn addresses(instance: &VrrpInstance) -> BTreeSet<IpAddr> {
    instance.held_addresses().map(|vip| vip.address).collect()
}

pub(super) fn share_addresses(one: &VrrpInstance, other: &VrrpInstance) -> bool {
    !addresses(one).is_disjoint(&addresses(other))
}

/// Pairs greedily, the surest first, so that a mistake in one instance does not take the partner of
/// another.
pub(super) fn routers<'a>(nodes: &'a [Node<'a>]) -> Vec<Router<'a>> {
    let mut routers: Vec<Router<'a>> = Vec::new();
    for (node, Node { config, .. }) in nodes.iter().enumerate() {
        let all = config.instances.iter();
        let mut left: Vec<&VrrpInstance> = all.filter(|one| !one.is_left_out()).collect();
        for wanted in Likeness::ALL {
            left.retain(|instance| {
                let home = routers.iter_mut().find(|router| {
                    router.members.iter().all(|member| member.node != node)
                        && router
                            .members
                            .iter()
                            .any(|member| likeness(member.instance, instance) == Some(wanted))
                });
                let Some(home) = home else {
                    return true;
                };
                home.members.push(Member { node, instance });
                false
            });
        }
        routers.extend(left.into_iter().map(|instance| Router {
            members: vec![Member { node, instance }],
            nodes: nodes.len(),
        }));
    }
    routers
}
