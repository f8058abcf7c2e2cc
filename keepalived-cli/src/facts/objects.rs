//! Routes and rules in keepalived's notation, as in its dump: `prepend 10.2.0.0/16 via inet 192.0.2.9
//! dev eth0 proto 18 metric 5`.

use std::fmt::Write as _;
use std::net::IpAddr;

use netlink_vip::{
    Encap, Hop, Metric, Placement, Prefix, Route, RouteKind, Rule, RuleAction, TABLE_MAIN,
};

/// Names of metrics, and by what their values are divided.
const METRICS: [(Metric, &str, u32); 14] = [
    (Metric::Mtu, "mtu", 1),
    (Metric::HopLimit, "hoplimit", 1),
    (Metric::AdvMss, "advmss", 1),
    (Metric::Rtt, "rtt", 8),
    (Metric::RttVar, "rttvar", 4),
    (Metric::Reordering, "reordering", 1),
    (Metric::Window, "window", 1),
    (Metric::Cwnd, "cwnd", 1),
    (Metric::SsThresh, "ssthresh", 1),
    (Metric::RtoMin, "rto_min", 1),
    (Metric::InitCwnd, "initcwnd", 1),
    (Metric::InitRwnd, "initrwnd", 1),
    (Metric::QuickAck, "quickack", 1),
    (Metric::FastopenNoCookie, "fastopen_no_cookie", 1),
];

/// The number of keepalived among routing protocols.
const KEEPALIVED: u8 = 18;

macro_rules! add {
    ($text:expr, $($format:tt)*) => {{
        let _ = write!($text, $($format)*);
    }};
}

fn prefix(prefix: Prefix) -> String {
    if prefix.length == 0 {
        return "default".to_owned();
    }
    prefix.to_string()
}

/// A route.
pub(crate) fn route_text(route: &Route) -> String {
    let mut text = String::from(match route.placement {
        Placement::Prepend => "prepend",
        Placement::Append => "append",
        Placement::Alone => "add",
    });
    if route.kind != RouteKind::UNICAST
        && let Some(name) = route.kind.name()
    {
        add!(text, " {name}");
    }
    add!(text, " {}", prefix(route.destination));
    if let Some(source) = route.source {
        add!(text, " from {source}");
    }
    if let [only] = route.hops.as_slice() {
        via(&mut text, only);
    }
    if let Some(source) = route.preferred_source {
        add!(text, " src {source}");
    }
    if route.tos != 0 {
        add!(text, " tos {}", route.tos);
    }
    if let [only] = route.hops.as_slice() {
        device(&mut text, only);
    }
    if route.table != TABLE_MAIN {
        add!(text, " table {}", route.table);
    }
    if let Some(protocol) = route
        .protocol
        .or_else(|| route.tracked.then_some(KEEPALIVED))
    {
        add!(text, " proto {protocol}");
    }
    if let Some(scope) = route.scope {
        add!(text, " scope {scope}");
    }
    if let Some(metric) = route.metric {
        add!(text, " metric {metric}");
    }
    if let Some(seconds) = route.expires {
        add!(text, " expires {seconds}sec");
    }
    let lock = |locked| if locked { "lock " } else { "" };
    if let Some((name, locked)) = route.metrics.congestion_control() {
        add!(text, " congctl {}{name}", lock(locked));
    }
    for (metric, name, unit) in METRICS {
        if let Some((value, locked)) = route.metrics.get(metric) {
            add!(text, " {name} {}{}", lock(locked), value / unit);
        }
    }
    if route.metrics.get(Metric::Features).is_some() {
        text.push_str(" features ecn");
    }
    match route.preference {
        None => {}
        Some(0) => text.push_str(" pref medium"),
        Some(1) => text.push_str(" pref high"),
        Some(3) => text.push_str(" pref low"),
        Some(other) => add!(text, " pref {other}"),
    }
    if let Some(on) = route.ttl_propagate {
        let word = if on { "enabled" } else { "disabled" };
        add!(text, " ttl-propagate {word}");
    }
    if route.hops.len() > 1 {
        for hop in &route.hops {
            text.push_str(" nexthop");
            via(&mut text, hop);
            device(&mut text, hop);
            add!(text, " weight {}", u16::from(hop.weight) + 1);
        }
    }
    if !route.tracked {
        text.push_str(" no_track");
    }
    text
}

fn via(text: &mut String, hop: &Hop) {
    if let Some(via) = hop.via {
        let family = match via {
            IpAddr::V4(_) => "inet",
            IpAddr::V6(_) => "inet6",
        };
        add!(text, " via {family} {via}");
    }
}

fn device(text: &mut String, hop: &Hop) {
    if let Some(device) = hop.device {
        add!(text, " dev {device}");
    }
    if hop.onlink {
        text.push_str(" onlink");
    }
    if let Some(realms) = hop.realms {
        add!(text, " realms {}/{}", realms >> 16, realms & 0xffff);
    }
    if let Some(encap) = &hop.encap {
        encapsulation(text, encap);
    }
}

fn encapsulation(text: &mut String, encap: &Encap) {
    add!(text, " encap {encap}");
}

/// A rule.
pub(crate) fn rule_text(rule: &Rule) -> String {
    let mut text = String::new();
    if rule.invert {
        text.push_str("not ");
    }
    let all = || "all".to_owned();
    let from = rule.from.map_or_else(all, |from| from.to_string());
    add!(text, "from {from}");
    if let Some(to) = rule.to {
        add!(text, " to {to}");
    }
    add!(text, " priority {} tos 0x{:x}", rule.preference, rule.tos);
    match rule.mark {
        Some((mark, u32::MAX)) => add!(text, " fwmark 0x{mark:x}"),
        Some((mark, mask)) => add!(text, " fwmark 0x{mark:x}/0x{mask:x}"),
        None => {}
    }
    if let Some(iif) = rule.iif {
        add!(text, " iif {iif}");
    }
    if let Some(oif) = rule.oif {
        add!(text, " oif {oif}");
    }
    if let Some(length) = rule.suppress_prefix_length {
        add!(text, " suppress_prefixlen {length}");
    }
    if let Some(group) = rule.suppress_group {
        add!(text, " suppress_ifgroup {group}");
    }
    if let Some(id) = rule.tunnel_id {
        add!(text, " tunnel-id {id}");
    }
    if let Some((first, last)) = rule.users {
        add!(text, " uidrange {first}-{last}");
    }
    if let Some(protocol) = rule.ip_protocol {
        add!(text, " ipproto {protocol}");
    }
    if let Some((first, last)) = rule.source_ports {
        add!(text, " sport {first}-{last}");
    }
    if let Some((first, last)) = rule.destination_ports {
        add!(text, " dport {first}-{last}");
    }
    if let Some(realms) = rule.realms {
        add!(text, " realms {}/{}", realms >> 16, realms & 0xffff);
    }
    if let Some(protocol) = rule.protocol.or_else(|| rule.tracked.then_some(KEEPALIVED)) {
        add!(text, " protocol {protocol}");
    }
    match rule.action {
        RuleAction::Lookup(_) if rule.l3mdev => text.push_str(" l3mdev"),
        RuleAction::Lookup(table) => add!(text, " lookup {table}"),
        RuleAction::Goto(preference) => add!(text, " type goto {preference}"),
        RuleAction::Nop => text.push_str(" type nop"),
        RuleAction::Blackhole => text.push_str(" type blackhole"),
        RuleAction::Unreachable => text.push_str(" type unreachable"),
        RuleAction::Prohibit => text.push_str(" type prohibit"),
        other => add!(text, " {other:?}"),
    }
    if !rule.tracked {
        text.push_str(" no_track");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Prefix {
        let (address, length) = text.split_once('/').unwrap();
        Prefix::new(address.parse().unwrap(), length.parse().unwrap())
    }

    fn hop(via: Option<&str>) -> Hop {
        Hop::new(
            via.map(|via| via.parse().unwrap()),
            Some("v0".parse().unwrap()),
        )
    }

    /// Compared with the dump of keepalived 2.2.7 for the same lines of configuration.
    #[test]
    fn routes_are_written_as_keepalived_writes_them() {
        let mut first = Route::new(net("10.2.0.0/16"), vec![hop(Some("192.0.2.9"))]);
        first.metric = Some(5);
        first.tracked = false;
        let mut two = Route::new(
            net("10.3.0.0/16"),
            vec![hop(Some("192.0.2.9")), hop(Some("192.0.2.10"))],
        );
        two.hops[0].weight = 1;
        two.tracked = false;
        two.protocol = Some(18);
        let mut direct = Route::new(net("10.5.0.0/16"), vec![hop(None)]);
        direct.preferred_source = Some([192, 0, 2, 100].into());
        direct.tos = 8;
        direct.table = 77;
        direct.scope = Some(253);
        direct.metrics.set_congestion_control("cubic", false);
        direct.metrics.set(Metric::Mtu, 1400, false);
        let six = Route::new(net("2001:db8:2::/48"), vec![hop(Some("2001:db8::9"))]);
        for (route, expected) in [
            (
                first,
                "prepend 10.2.0.0/16 via inet 192.0.2.9 dev v0 metric 5 no_track",
            ),
            (
                two,
                "prepend 10.3.0.0/16 proto 18 nexthop via inet 192.0.2.9 dev v0 weight 2 nexthop via inet 192.0.2.10 dev v0 weight 1 no_track",
            ),
            (
                direct,
                "prepend 10.5.0.0/16 src 192.0.2.100 tos 8 dev v0 table 77 proto 18 scope 253 congctl cubic mtu 1400",
            ),
            (
                six,
                "prepend 2001:db8:2::/48 via inet6 2001:db8::9 dev v0 proto 18",
            ),
        ] {
            assert_eq!(route_text(&route), expected);
        }
    }

    /// Compared with the dump of keepalived 2.2.7 for the same lines of configuration.
    #[test]
    fn rules_are_written_as_keepalived_writes_them() {
        let mut rule = Rule::new(false, 16383, RuleAction::Lookup(7));
        rule.from = Some(net("10.2.0.0/16"));
        rule.tracked = false;
        assert_eq!(
            rule_text(&rule),
            "from 10.2.0.0/16 priority 16383 tos 0x0 lookup 7 no_track"
        );
        let mut rule = Rule::new(false, 99, RuleAction::Lookup(254));
        rule.from = Some(net("10.3.0.0/16"));
        rule.to = Some(net("10.4.0.0/16"));
        rule.tos = 8;
        rule.mark = Some((5, 6));
        rule.iif = Some("v0".parse().unwrap());
        rule.oif = rule.iif;
        rule.suppress_prefix_length = Some(0);
        assert_eq!(
            rule_text(&rule),
            "from 10.3.0.0/16 to 10.4.0.0/16 priority 99 tos 0x8 fwmark 0x5/0x6 iif v0 oif v0 \
             suppress_prefixlen 0 protocol 18 lookup 254"
        );
        let mut rule = Rule::new(false, 98, RuleAction::Blackhole);
        rule.from = Some(net("10.3.0.0/16"));
        rule.invert = true;
        assert_eq!(
            rule_text(&rule),
            "not from 10.3.0.0/16 priority 98 tos 0x0 protocol 18 type blackhole"
        );
    }
}
