//! Whether adverts reach the others.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::pairing::Router;
use super::{Findings, Member};
use crate::diagnostic::Severity::{Error, Warning};
use crate::model::{Transport, VrrpInstance};

pub(super) fn destinations(router: &Router<'_>, findings: &mut Findings<'_>) {
    let Some((first, others)) = router.members.split_first() else {
        return;
    };
    for other in others {
        let pair = [*first, *other];
        let (a, b) = (first.instance, other.instance);
        if a.family != b.family || a.vrid.value != b.vrid.value {
            continue;
        }
        let name = &a.name.value;
        match (&a.transport, &b.transport) {
            (Transport::Multicast { group: ours }, Transport::Multicast { group: theirs })
                if ours != theirs =>
            {
                findings.add(
                    Error,
                    "group-differs",
                    &pair,
                    [
                        format!(
                            "`{name}` sends to {ours} on {} and to {theirs} on {}",
                            findings.node(first),
                            findings.node(other)
                        ),
                        "the nodes do not hear each other; both become master".to_owned(),
                        "set the same multicast group on all nodes".to_owned(),
                    ],
                );
            }
            (Transport::Multicast { .. }, Transport::Unicast { .. })
            | (Transport::Unicast { .. }, Transport::Multicast { .. }) => {
                let way = |i: &VrrpInstance| {
                    let unicast = matches!(i.transport, Transport::Unicast { .. });
                    if unicast { "unicast" } else { "multicast" }.to_owned()
                };
                findings.add(
                    Error,
                    "transport-differs",
                    &pair,
                    [
                        format!("`{name}` is {}", findings.each(&pair, way)),
                        "the nodes do not hear each other; both become master".to_owned(),
                        "give all nodes a `unicast_peer` block, or none".to_owned(),
                    ],
                );
            }
            _ => {}
        }
    }
    same_source(router, findings);
    unicast(router, findings);
    copied(router, findings);
    hops(router, findings);
}

/// Two nodes that list the same peers and say nothing of themselves: one of them lists itself.
fn copied(router: &Router<'_>, findings: &mut Findings<'_>) {
    let list = |member: &Member<'_>| {
        let own = member.instance.source.is_none();
        let peers = peers(member.instance).filter(|_| own)?;
        Some(peers.collect::<BTreeSet<IpAddr>>())
    };
    let members = &router.members;
    for (position, one) in members.iter().enumerate() {
        let Some(ours) = list(one).filter(|ours| (1..members.len()).contains(&ours.len())) else {
            continue;
        };
        let rest = members.iter().skip(position + 1);
        let Some(other) = rest
            .into_iter()
            .find(|other| list(other).as_ref() == Some(&ours))
        else {
            continue;
        };
        let listed: Vec<String> = ours.iter().map(ToString::to_string).collect();
        let pair = [*one, *other];
        let nodes = [one, other].map(|member| findings.node(member).to_owned());
        findings.add(
            Error,
            "peers-same",
            &pair,
            [
                format!(
                    "`{}` lists the same peers on {} and on {}: {}",
                    one.instance.name.value,
                    nodes[0],
                    nodes[1],
                    listed.join(", ")
                ),
                "a file was copied: a node that lists itself sends nothing to the other, and both \
                become master"
                    .to_owned(),
                "list the other nodes on each node, and set unicast_src_ip to its own address"
                    .to_owned(),
            ],
        );
        return;
    }
}

/// Adverts that are sent with a TTL that the receiver refuses.
fn hops(router: &Router<'_>, findings: &mut Findings<'_>) {
    for sender in &router.members {
        let Transport::Unicast { ttl, .. } = &sender.instance.transport else {
            continue;
        };
        let Some(own) = sender.instance.source.as_ref().map(|source| source.value) else {
            continue;
        };
        for receiver in router.members.iter().filter(|one| one.node != sender.node) {
            let Transport::Unicast { peers, .. } = &receiver.instance.transport else {
                continue;
            };
            let entry = peers.iter().find(|peer| peer.address == own);
            let Some(least) = entry.and_then(|peer| peer.min_ttl).filter(|min| ttl < min) else {
                continue;
            };
            let (from, to) = (
                findings.node(sender).to_owned(),
                findings.node(receiver).to_owned(),
            );
            findings.add(
                Error,
                "ttl-refused",
                &[*sender, *receiver],
                [
                    format!(
                        "`{}` sends with TTL {ttl} on {from}, and {to} takes {least} or more",
                        sender.instance.name.value
                    ),
                    format!("{to} refuses the adverts of {from} and becomes master beside it"),
                    format!("raise unicast_ttl on {from}, or lower min_ttl on {to}"),
                ],
            );
        }
    }
}

/// The peers of a unicast instance, and nothing for a multicast one.
fn peers(instance: &VrrpInstance) -> Option<impl Iterator<Item = IpAddr> + '_> {
    match &instance.transport {
        Transport::Unicast { peers, .. } => Some(peers.iter().map(|peer| peer.address)),
        Transport::Multicast { .. } => None,
    }
}

/// One source address on several nodes.
fn same_source(router: &Router<'_>, findings: &mut Findings<'_>) {
    let members = router.members.iter().enumerate();
    for (position, member) in members {
        let Some(own) = member.instance.source.as_ref() else {
            continue;
        };
        let keyword = match member.instance.transport {
            Transport::Unicast { .. } => "unicast_src_ip",
            Transport::Multicast { .. } => "mcast_src_ip",
        };
        for other in router.members.iter().skip(position + 1) {
            let theirs = other.instance.source.as_ref();
            if theirs.map(|source| source.value) != Some(own.value) {
                continue;
            }
            findings.add(
                Error,
                "source-same",
                &[*member, *other],
                [
                    format!(
                        "`{}` has {keyword} {} on {} and on {}",
                        member.instance.name.value,
                        own.value,
                        findings.node(member),
                        findings.node(other)
                    ),
                    "a file was copied: one of them has not this address and stays in \
                    FAULT, or both take the adverts of the other for their own"
                        .to_owned(),
                    format!("set {keyword} to the address of the node"),
                ],
            );
        }
    }
}

/// A source address that is written down can be held against the peers of the others.
fn unicast(router: &Router<'_>, findings: &mut Findings<'_>) {
    let source = |member: &Member<'_>| member.instance.source.as_ref().map(|source| source.value);
    let unicast: Vec<Member<'_>> = router
        .members
        .iter()
        .filter(|member| peers(member.instance).is_some())
        .copied()
        .collect();
    // Only if every node has said who it is can a peer be a stranger.
    let sources: BTreeSet<IpAddr> = unicast.iter().filter_map(source).collect();
    let all_known = sources.len() == router.members.len();
    for member in &unicast {
        let Some(own) = source(member) else {
            continue;
        };
        let name = &member.instance.name.value;
        for other in &unicast {
            let mut theirs = peers(other.instance).into_iter().flatten();
            if other.node != member.node
                && source(other) != Some(own)
                && !theirs.any(|peer| peer == own)
            {
                findings.add(
                    Error,
                    "peer-missing",
                    &[*other, *member],
                    [
                        format!(
                            "`{name}` on {} does not list {own}, the address of {}",
                            findings.node(other),
                            findings.node(member)
                        ),
                        format!(
                            "{} does not hear it and becomes master beside it",
                            findings.node(member)
                        ),
                        format!("add {own} to the `unicast_peer` block"),
                    ],
                );
            }
        }
        if !all_known {
            continue;
        }
        for peer in peers(member.instance).into_iter().flatten() {
            if !sources.contains(&peer) {
                findings.add(
                    Warning,
                    "peer-unknown",
                    &[*member],
                    [
                        format!(
                            "`{name}` on {} lists {peer}, which is the address of none of \
                        these nodes",
                            findings.node(member)
                        ),
                        "adverts for it are lost, unless there is a further node".to_owned(),
                        "remove it, or check the file of that node too".to_owned(),
                    ],
                );
            }
        }
    }
}
