//! Whether the routes and policy rules that come with the addresses come with them on every node.

use std::net::IpAddr;

use super::pairing::Router;
use super::rules::shortened;
use super::{Findings, Member};
use crate::diagnostic::Severity::Warning;
use crate::model::route::Prefix;
use crate::model::rule::RuleAction;
use crate::model::{Route, Rule};

/// How the kernel calls its main table.
const MAIN: u32 = 254;

/// What one node has and another one lacks, in words.
struct Kind {
    code: &'static str,
    /// What follows `has a virtual`.
    has: &'static str,
    lacks: &'static str,
    consequence: &'static str,
    fix: &'static str,
}

const ROUTES: Kind = Kind {
    code: "routes-differ",
    has: "route to",
    lacks: "none",
    consequence: "what goes there takes another way, or none",
    fix: "list the same destinations in `virtual_routes` on all nodes; gateways may differ",
};

const RULES: Kind = Kind {
    code: "rules-differ",
    has: "rule",
    lacks: "none like it",
    consequence: "that traffic is routed in another way",
    fix: "list the same rules in `virtual_rules` on all nodes; interfaces may differ",
};

/// Of each pair of members only what one of them has for a destination, or a kind of traffic, and the other has not:
/// gateways and interfaces may well be others on another node.
pub(super) fn agree(router: &Router<'_>, findings: &mut Findings<'_>) {
    let Some((first, others)) = router.members.split_first() else {
        return;
    };
    for other in others {
        for pair in [[*first, *other], [*other, *first]] {
            let [near, far] = pair.map(|member| member.instance);
            let leads = |route: &Route| (net(&route.destination), route.table);
            let same = |one: &Route, other: &Route| leads(one) == leads(other);
            let missing = lacking(&near.routes, &far.routes, same, destination);
            report(&ROUTES, &pair, &missing, findings);
            let missing = lacking(&near.rules, &far.rules, are_alike, selector);
            report(&RULES, &pair, &missing, findings);
        }
    }
}

/// Those of one node that the other one has nothing like, in words.
fn lacking<T>(
    near: &[T],
    far: &[T],
    alike: impl Fn(&T, &T) -> bool,
    words: impl Fn(&T) -> String,
) -> Vec<String> {
    let is_there = |one: &&T| far.iter().any(|known| alike(known, one));
    let missing = near.iter().filter(|one| !is_there(one));
    missing.map(words).collect()
}

fn report(kind: &Kind, pair: &[Member<'_>; 2], missing: &[String], findings: &mut Findings<'_>) {
    if missing.is_empty() {
        return;
    }
    let [here, there] = pair.map(|member| findings.node(&member).to_owned());
    let name = &pair[0].instance.name.value;
    let missing = shortened(missing);
    findings.add(
        Warning,
        kind.code,
        pair,
        [
            format!(
                "`{name}` has a virtual {} {missing} on {here}, and {} on {there}",
                kind.has, kind.lacks
            ),
            format!("while {there} is master, {}", kind.consequence),
            kind.fix.to_owned(),
        ],
    );
}

/// The bits of a prefix that count.
fn net(prefix: &Prefix) -> (bool, u128, u8) {
    let (bits, whole) = match prefix.address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let beyond = u32::from(whole - prefix.length.min(whole));
    let mask = u128::MAX.checked_shl(beyond).unwrap_or_default();
    (prefix.address.is_ipv4(), bits & mask, prefix.length)
}

fn destination(route: &Route) -> String {
    let prefix = written(&route.destination);
    match route.table {
        MAIN => prefix,
        table => format!("{prefix} in table {table}"),
    }
}

fn written(prefix: &Prefix) -> String {
    match prefix.length {
        0 => "default".to_owned(),
        32 if prefix.address.is_ipv4() => prefix.address.to_string(),
        128 => prefix.address.to_string(),
        length => format!("{}/{length}", prefix.address),
    }
}

/// The same traffic has the same done to it. Preferences may be given by the daemon.
fn are_alike(one: &Rule, other: &Rule) -> bool {
    let selects = |rule: &Rule| {
        (
            (rule.ipv6, rule.invert, rule.tos, rule.mark, rule.users),
            (rule.from.as_ref().map(net), rule.to.as_ref().map(net)),
            (rule.iif.is_some(), rule.oif.is_some()),
            (rule.ip_protocol, rule.source_ports, rule.destination_ports),
            (rule.tunnel_id, rule.action),
        )
    };
    selects(one) == selects(other)
}

fn selector(rule: &Rule) -> String {
    let mut words = Vec::new();
    for (word, prefix) in [("from", &rule.from), ("to", &rule.to)] {
        if let Some(prefix) = prefix {
            words.push(format!("{word} {}", written(prefix)));
        }
    }
    for (word, interface) in [("iif", &rule.iif), ("oif", &rule.oif)] {
        if let Some(interface) = interface {
            words.push(format!("{word} {interface}"));
        }
    }
    if let Some((mark, _)) = rule.mark {
        words.push(format!("fwmark {mark}"));
    }
    if let RuleAction::Table(table) = rule.action {
        words.push(format!("table {table}"));
    }
    match words.is_empty() {
        true => format!("of preference {}", rule.preference),
        false => format!("`{}`", words.join(" ")),
    }
}
