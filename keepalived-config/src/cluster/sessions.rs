//! BFD sessions between the nodes: whether both ends want the same one.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::hosts::own_addresses;
use super::{Findings, Node, Place};
use crate::diagnostic::Severity::Warning;
use crate::model::BfdInstance;

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
