//! Whether the routes and policy rules that come with the addresses come with them on every node.

use std::net::IpAddr;

use super::pairing::Router;
use super::rules::shortened;
use super::{Findings, Member};
use crate::diagnostic::Severity::Warning;
use crate::model::route::Prefix;
use crate::model::rule::RuleAction;
use crate::model::{Route, Rule, VrrpInstance};

/// How the kernel calls its main table.
const MAIN: u32 = 254;

/// Of each pair of members only what one of them has for a destination, or a kind of traffic, and the other has not:
/// gateways and interfaces may well be others on another node.
pub(super) fn agree(router: &Router<'_>, findings: &mut Findings<'_>) {
    let Some((first, others)) = router.members.split_first() else {
        return;
    };
    for other in others {
        for [one, other] in [[first, other], [other, first]] {
            let far = other.instance;
            missing_routes(&[*one, *other], far, findings);
            missing_rules(&[*one, *other], far, findings);
        }
    }
}

fn missing_routes(pair: &[Member<'_>; 2], far: &VrrpInstance, findings: &mut Findings<'_>) {
    let [one, other] = pair;
    let leads = |route: &Route| (net(&route.destination), route.table);
    let is_there = |route: &&Route| far.routes.iter().any(|known| leads(known) == leads(route));
    let missing = one.instance.routes.iter().filter(|route| !is_there(route));
    let missing: Vec<String> = missing.map(destination).collect();
    if missing.is_empty() {
        return;
    }
    let (here, there) = (
        findings.node(one).to_owned(),
        findings.node(other).to_owned(),
    );
    findings.add(
        Warning,
        "routes-differ",
        pair,
        [
            format!(
                "`{}` has a virtual route to {} on {here}, and none on {there}",
                one.instance.name.value,
                shortened(&missing)
            ),
            format!("while {there} is master, what goes there takes another way, or none"),
            "list the same destinations in `virtual_routes` on all nodes; gateways may differ"
                .to_owned(),
        ],
    );
}

fn missing_rules(pair: &[Member<'_>; 2], far: &VrrpInstance, findings: &mut Findings<'_>) {
    let [one, other] = pair;
    let is_there = |rule: &&Rule| far.rules.iter().any(|known| are_alike(known, rule));
    let missing = one.instance.rules.iter().filter(|rule| !is_there(rule));
    let missing: Vec<String> = missing.map(selector).collect();
    if missing.is_empty() {
        return;
    }
    let (here, there) = (
        findings.node(one).to_owned(),
        findings.node(other).to_owned(),
    );
    findings.add(
        Warning,
        "rules-differ",
        pair,
        [
            format!(
                "`{}` has a virtual rule {} on {here}, and none like it on {there}",
                one.instance.name.value,
                shortened(&missing)
            ),
            format!("while {there} is master, that traffic is routed in another way"),
            "list the same rules in `virtual_rules` on all nodes; interfaces may differ".to_owned(),
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
