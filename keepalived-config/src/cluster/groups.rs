//! Whether what changes state together on one node does so on the others.

use std::collections::{BTreeMap, BTreeSet};

use super::pairing::Router;
use super::{Findings, Member, Node};
use crate::diagnostic::Severity::Warning;
use crate::model::SyncGroup;

/// A group of one node, its members by the number of their virtual routers.
struct Group<'a> {
    group: &'a SyncGroup,
    routers: BTreeSet<usize>,
}

/// Compares the groups of every two nodes, as far as both have the virtual routers.
pub(super) fn members(nodes: &[Node<'_>], routers: &[Router<'_>], findings: &mut Findings<'_>) {
    let mut number = BTreeMap::new();
    let mut there: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); nodes.len()];
    for (position, router) in routers.iter().enumerate() {
        for member in &router.members {
            number.insert((member.node, member.instance.name.value.as_str()), position);
            there[member.node].insert(position);
        }
    }
    let groups: Vec<Vec<Group<'_>>> = nodes
        .iter()
        .enumerate()
        .map(|(node, Node { config, .. })| {
            let routers = |group: &SyncGroup| {
                let members = group.members.iter();
                members
                    .filter_map(|member| config.instances.get(*member))
                    .filter_map(|instance| number.get(&(node, instance.name.value.as_str())))
                    .copied()
                    .collect()
            };
            let all = config.groups.iter();
            all.map(|group| Group {
                group,
                routers: routers(group),
            })
            .collect()
        })
        .collect();
    for one in 0..nodes.len() {
        for other in one + 1..nodes.len() {
            let both: BTreeSet<usize> = there[one].intersection(&there[other]).copied().collect();
            let mut reported = BTreeSet::new();
            for (from, to) in [(one, other), (other, one)] {
                for group in &groups[from] {
                    let shared: BTreeSet<usize> =
                        group.routers.intersection(&both).copied().collect();
                    // A greater group of the other node is found the other way round.
                    let held = groups[to]
                        .iter()
                        .any(|theirs| shared.is_subset(&theirs.routers));
                    if held || shared.len() < 2 || !reported.is_disjoint(&shared) {
                        continue;
                    }
                    let places: Vec<Member<'_>> = shared
                        .iter()
                        .flat_map(|router| &routers[*router].members)
                        .filter(|member| member.node == from || member.node == to)
                        .copied()
                        .collect();
                    let [here, away] = [from, to].map(|node| nodes[node].name);
                    let names: Vec<&str> = places
                        .iter()
                        .filter(|member| member.node == from)
                        .map(|member| member.instance.name.value.as_str())
                        .collect();
                    findings.add(
                        Warning,
                        "group-members-differ",
                        &places,
                        [
                            format!(
                                "the group `{}` holds {} together on {here}, and no group does so \
                                on {away}",
                                group.group.name.value,
                                names.join(", ")
                            ),
                            format!(
                                "when one of them alone fails on {away}, its addresses are \
                                nowhere, or on another node than those of the others"
                            ),
                            "list the same members in one `vrrp_sync_group` on all nodes"
                                .to_owned(),
                        ],
                    );
                    reported.extend(shared);
                }
            }
        }
    }
}
