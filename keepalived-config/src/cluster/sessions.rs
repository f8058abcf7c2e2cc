//! BFD sessions between the nodes: whether both ends want the same one.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use vrrp_proto::Version;

use super::hosts::own_addresses;
use super::pairing::Router;
use super::{Findings, Member, Node, Place};
use crate::diagnostic::Severity::{Error, Warning};
use crate::model::{BfdInstance, Transport, VrrpInstance};

/// A session and the node it is on.
#[derive(Clone, Copy)]
struct End<'a> {
    node: usize,
    session: &'a BfdInstance,
}

impl End<'_> {
    fn place(&self) -> Place {
        Place {
            node: self.node,
            instance: format!("bfd_instance {}", self.session.name.value),
            span: self.session.span,
        }
    }
}

/// Only sessions with a known address at both ends can be held against each other.
pub(super) fn both_ends(nodes: &[Node<'_>], findings: &mut Findings<'_>) {
    let mut hosts: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for (node, view) in nodes.iter().enumerate() {
        for address in own_addresses(view) {
            hosts.entry(address).or_insert(node);
        }
    }
    for (node, view) in nodes.iter().enumerate() {
        for session in view.config.bfd.iter().filter(|one| one.sbfd.is_none()) {
            let Some(source) = &session.source else {
                continue;
            };
            let Some(away) = hosts.get(&session.neighbor.value).copied() else {
                continue;
            };
            let Some(far) = nodes.get(away).filter(|_| away != node) else {
                continue;
            };
            let here = End { node, session };
            let back: Vec<End<'_>> = far
                .config
                .bfd
                .iter()
                .filter(|other| other.sbfd.is_none() && other.neighbor.value == source.value)
                .map(|session| End {
                    node: away,
                    session,
                })
                .collect();
            // One of the other kind is the mistake, if there is none of this kind.
            let end = back
                .iter()
                .find(|end| end.session.multihop == session.multihop)
                .or_else(|| back.first());
            match end {
                None => one_sided(here, away, source.value, findings),
                // Each pair once.
                Some(end) if node < away => agree(here, *end, findings),
                Some(_) => {}
            }
        }
    }
}

const NEVER_UP: &str =
    "the session never comes up; who tracks it stays in FAULT, or without its weight";

fn one_sided(here: End<'_>, away: usize, source: IpAddr, findings: &mut Findings<'_>) {
    let name = &here.session.name.value;
    let other = findings.name(away).to_owned();
    findings.add_at(
        Warning,
        "bfd-one-sided",
        vec![here.place()],
        [
            format!(
                "the session `{name}` of {} is with {other}, which has none with {source}",
                findings.name(here.node)
            ),
            NEVER_UP.to_owned(),
            format!("add a `bfd_instance` with `neighbor_ip {source}` on {other}"),
        ],
    );
}

/// Never says what the keys are.
fn agree(one: End<'_>, other: End<'_>, findings: &mut Findings<'_>) {
    let (a, b) = (one.session, other.session);
    let signs_for = |from: &BfdInstance, to: &BfdInstance| match (&from.auth, &to.auth) {
        (None, None) => true,
        (Some(from), Some(to)) => {
            from.kind == to.kind && from.keys.first().is_some_and(|key| to.keys.contains(key))
        }
        _ => false,
    };
    let (what, fix) = if a.multihop != b.multihop {
        (
            "`multihop` is set at one end",
            "set `multihop` at both ends, or at none",
        )
    } else if !signs_for(a, b) || !signs_for(b, a) {
        (
            "the authentication of one end is refused by the other",
            "use the same `auth` lines at both ends, the key that signs first",
        )
    } else if a.passive && b.passive {
        ("both ends are `passive`", "remove `passive` from one end")
    } else {
        return;
    };
    let message = format!(
        "the session `{}` of {} with {}: {what}",
        a.name.value,
        findings.name(one.node),
        findings.name(other.node)
    );
    findings.add_at(
        Warning,
        "bfd-differs",
        vec![one.place(), other.place()],
        [message, NEVER_UP.to_owned(), fix.to_owned()],
    );
}

/// Whether a session that a member tracks is with another node of the cluster, as far as the files tell.
pub(super) fn is_with_a_node(member: &Member<'_>, session: &str, findings: &Findings<'_>) -> bool {
    let view = findings.nodes.get(member.node);
    let mut sessions = view.into_iter().flat_map(|view| &view.config.bfd);
    let Some(session) = sessions.find(|known| known.name.value == session) else {
        return false;
    };
    let address = session.neighbor.value;
    let peer = match &member.instance.transport {
        Transport::Unicast { peers, .. } => peers.iter().any(|peer| peer.address == address),
        Transport::Multicast { .. } => false,
    };
    let nodes = findings.nodes.iter().enumerate();
    let mut others = nodes.filter(|(node, _)| *node != member.node);
    peer || others.any(|(_, view)| own_addresses(view).any(|own| own == address))
}

/// A session with another node that is tracked without weight: who survives that node is at fault.
pub(super) fn survivors(router: &Router<'_>, findings: &mut Findings<'_>) {
    let caught: Vec<(Member<'_>, String)> = router
        .members
        .iter()
        .filter_map(|member| {
            let mut sessions = member.instance.tracked_bfd.iter();
            let session = sessions.find(|one| {
                one.weight == 0 && !one.reverse && is_with_a_node(member, &one.name.value, findings)
            })?;
            Some((*member, session.name.value.clone()))
        })
        .collect();
    let Some((first, session)) = caught.first() else {
        return;
    };
    let members: Vec<Member<'_>> = caught.iter().map(|(member, _)| *member).collect();
    let node = findings.node(first).to_owned();
    findings.add(
        Error,
        "survivor-is-at-fault",
        &members,
        [
            format!(
                "`{}` on {node} tracks the session `{session}` with another node without weight",
                first.instance.name.value
            ),
            format!(
                "when that node dies the session does, and {node} goes to FAULT instead of taking \
                over: the addresses are nowhere"
            ),
            format!("give it a weight, as in `{session} weight 1`: it only has to be noticed"),
        ],
    );
}

/// A session with another node by which a member wants to know of its loss, and that notices it later than the adverts
/// do. That is known only with the file of the other end (RFC 5880 6.8.4).
pub(super) fn too_slow(router: &Router<'_>, findings: &mut Findings<'_>) {
    let caught = router.members.iter().find_map(|member| {
        let node = findings.nodes.get(member.node)?;
        let mut tracked = member.instance.tracked_bfd.iter();
        let (session, after) = tracked.find_map(|tracked| {
            let mut sessions = node.config.bfd.iter();
            let session = sessions.find(|known| known.name.value == tracked.name.value)?;
            let after = detection_time(member.node, session, findings)?;
            (after >= down_interval(member.instance)).then_some((session, after))
        })?;
        Some((*member, session.name.value.clone(), after))
    });
    let Some((member, session, after)) = caught else {
        return;
    };
    let node = findings.node(&member).to_owned();
    findings.add(
        Warning,
        "bfd-too-slow",
        &[member],
        [
            format!(
                "`{}` on {node} tracks the session `{session}`, which is down {after:.1?} after the last packet",
                member.instance.name.value
            ),
            format!(
                "adverts are missed after {:.1?} already: the session makes no takeover faster",
                down_interval(member.instance)
            ),
            "lower `min_rx`, `min_tx` or `multiplier` at both ends: the longer of the two times counts, and the multiplier \
            of the other end"
                .to_owned(),
        ],
    );
}

/// How long a session of this node lasts without a packet of the other one, if both ends are known.
fn detection_time(node: usize, session: &BfdInstance, findings: &Findings<'_>) -> Option<Duration> {
    let source = session.source.as_ref()?.value;
    let mut others = findings.nodes.iter().enumerate();
    let (_, far) = others.find(|(other, view)| {
        *other != node && own_addresses(view).any(|own| own == session.neighbor.value)
    })?;
    let mut ends = far.config.bfd.iter();
    let end = ends.find(|end| {
        end.sbfd.is_none() && end.neighbor.value == source && end.multihop == session.multihop
    })?;
    let interval = session.min_rx.max(end.min_tx);
    session
        .sbfd
        .is_none()
        .then(|| interval * u32::from(end.multiplier))
}

/// RFC 9568 6.1, RFC 3768 6.1.
fn down_interval(instance: &VrrpInstance) -> Duration {
    let interval = instance.advert_interval.to_duration();
    let unit = match instance.version {
        Version::V2 => Duration::from_secs(1),
        Version::V3 => interval,
    };
    let skew = unit * (256 - u32::from(instance.priority.get())) / 256;
    interval * u32::from(instance.down_timer_adverts) + skew
}
