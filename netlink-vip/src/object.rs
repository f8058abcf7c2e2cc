//! One wanted thing, for reports: written as `ip` would take it.

use core::fmt;
use std::net::IpAddr;

use crate::desired::Vip;
use crate::route::{Encap, Hop, Metric, Placement, Prefix, Route, RouteKind, TABLE_MAIN};
use crate::rule::{Rule, RuleAction};

/// An address, a route or a rule.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// An address.
    Address(IpAddr),
    /// A route.
    Route(Box<Route>),
    /// A rule.
    Rule(Box<Rule>),
}

impl Object {
    /// The address, if it is one.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Route(_) | Self::Rule(_) => None,
        }
    }

    /// `address`, `route` or `rule`.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Route(_) => "route",
            Self::Rule(_) => "rule",
        }
    }
}

impl From<&Vip> for Object {
    fn from(vip: &Vip) -> Self {
        Self::Address(vip.address)
    }
}

impl From<&Route> for Object {
    fn from(route: &Route) -> Self {
        Self::Route(Box::new(route.clone()))
    }
}

impl From<&Rule> for Object {
    fn from(rule: &Rule) -> Self {
        Self::Rule(Box::new(rule.clone()))
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Route(route) => route.fmt(f),
            Self::Rule(rule) => rule.fmt(f),
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_host() {
            return self.address.fmt(f);
        }
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl RouteKind {
    /// As in ip-route(8).
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::UNICAST => "unicast",
            Self::LOCAL => "local",
            Self::BROADCAST => "broadcast",
            Self::ANYCAST => "anycast",
            Self::MULTICAST => "multicast",
            Self::BLACKHOLE => "blackhole",
            Self::UNREACHABLE => "unreachable",
            Self::PROHIBIT => "prohibit",
            Self::THROW => "throw",
            Self::NAT => "nat",
            Self::XRESOLVE => "xresolve",
            _ => return None,
        })
    }
}

impl fmt::Display for Encap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip {
                id,
                destination,
                source,
                tos,
                ttl,
                flags,
            } => write!(
                f,
                "ip id {id} dst {destination} src {source} tos {tos} ttl {ttl} flags 0x{flags:x}"
            ),
            Self::Ip6 {
                id,
                destination,
                source,
                traffic_class,
                hop_limit,
                flags,
            } => write!(
                f,
                "ip6 id {id} dst {destination} src {source} tc {traffic_class} hoplimit {hop_limit} \
                 flags 0x{flags:x}"
            ),
            Self::Mpls(labels) => {
                let labels: Vec<_> = labels.iter().map(u32::to_string).collect();
                write!(f, "mpls {}", labels.join("/"))
            }
            Self::Ila(locator) => write!(f, "ila {locator:x}"),
            Self::Other(kind) => write!(f, "type {kind}"),
        }
    }
}

fn realms(f: &mut fmt::Formatter<'_>, realms: u32) -> fmt::Result {
    let (from, to) = (realms >> 16, realms & 0xffff);
    if from == 0 {
        write!(f, " realms {to}")
    } else {
        write!(f, " realms {from}/{to}")
    }
}

fn hop(f: &mut fmt::Formatter<'_>, hop: &Hop, ipv6: bool) -> fmt::Result {
    if let Some(encap) = &hop.encap {
        write!(f, " encap {encap}")?;
    }
    if let Some(via) = hop.via {
        let family = match (via, ipv6) {
            (IpAddr::V6(_), false) => "inet6 ",
            (IpAddr::V4(_), true) => "inet ",
            _ => "",
        };
        write!(f, " via {family}{via}")?;
    }
    if let Some(device) = hop.device {
        write!(f, " dev {device}")?;
    }
    if hop.onlink {
        f.write_str(" onlink")?;
    }
    hop.realms.map_or(Ok(()), |value| realms(f, value))
}

/// Names of metrics as in ip-route(8), and by what their value is divided.
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

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v6 = self.is_ipv6();
        match self.kind.name() {
            Some("unicast") => {}
            Some(name) => write!(f, "{name} ")?,
            None => write!(f, "type {} ", self.kind.0)?,
        }
        if self.destination.length == 0 {
            f.write_str("default")?;
        } else {
            write!(f, "{}", self.destination)?;
        }
        if let Some(source) = self.source {
            write!(f, " from {source}")?;
        }
        if let [only] = self.hops.as_slice() {
            hop(f, only, v6)?;
        }
        if let Some(source) = self.preferred_source {
            write!(f, " src {source}")?;
        }
        if self.tos != 0 {
            write!(f, " tos 0x{:02x}", self.tos)?;
        }
        if self.table != TABLE_MAIN {
            write!(f, " table {}", self.table)?;
        }
        if let Some(protocol) = self.protocol {
            write!(f, " proto {protocol}")?;
        }
        if let Some(scope) = self.scope {
            write!(f, " scope {scope}")?;
        }
        if let Some(metric) = self.metric {
            write!(f, " metric {metric}")?;
        }
        for (metric, name, unit) in METRICS {
            if let Some((value, locked)) = self.metrics.get(metric) {
                let lock = if locked { "lock " } else { "" };
                let value = value.checked_div(unit).unwrap_or(value);
                write!(f, " {name} {lock}{value}")?;
            }
        }
        if self.metrics.get(Metric::Features).is_some() {
            f.write_str(" features ecn")?;
        }
        if let Some((name, locked)) = self.metrics.congestion_control() {
            let lock = if locked { "lock " } else { "" };
            write!(f, " congctl {lock}{name}")?;
        }
        if let Some(seconds) = self.expires {
            write!(f, " expires {seconds}")?;
        }
        match self.preference {
            None => {}
            Some(0) => f.write_str(" pref medium")?,
            Some(1) => f.write_str(" pref high")?,
            Some(3) => f.write_str(" pref low")?,
            Some(other) => write!(f, " pref {other}")?,
        }
        if let Some(on) = self.ttl_propagate {
            let on = if on { "enabled" } else { "disabled" };
            write!(f, " ttl-propagate {on}")?;
        }
        match self.placement {
            Placement::Prepend => {}
            Placement::Append => f.write_str(" append")?,
            Placement::Alone => f.write_str(" add")?,
        }
        if self.hops.len() > 1 {
            for next in &self.hops {
                f.write_str(" nexthop")?;
                hop(f, next, v6)?;
                write!(f, " weight {}", u16::from(next.weight).saturating_add(1))?;
            }
        }
        if !self.tracked {
            f.write_str(" no_track")?;
        }
        Ok(())
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.invert {
            f.write_str("not ")?;
        }
        match (self.from, self.ipv6) {
            (Some(from), _) => write!(f, "from {from}")?,
            (None, false) => f.write_str("from all")?,
            (None, true) => f.write_str("inet6 from all")?,
        }
        if let Some(to) = self.to {
            write!(f, " to {to}")?;
        }
        write!(f, " priority {}", self.preference)?;
        if self.tos != 0 {
            write!(f, " tos 0x{:02x}", self.tos)?;
        }
        if let Some((mark, mask)) = self.mark {
            write!(f, " fwmark 0x{mark:x}")?;
            if mask != u32::MAX {
                write!(f, "/0x{mask:x}")?;
            }
        }
        if let Some(iif) = self.iif {
            write!(f, " iif {iif}")?;
        }
        if let Some(oif) = self.oif {
            write!(f, " oif {oif}")?;
        }
        if let Some((first, last)) = self.users {
            write!(f, " uidrange {first}-{last}")?;
        }
        if let Some(protocol) = self.ip_protocol {
            write!(f, " ipproto {protocol}")?;
        }
        if let Some((first, last)) = self.source_ports {
            write!(f, " sport {first}-{last}")?;
        }
        if let Some((first, last)) = self.destination_ports {
            write!(f, " dport {first}-{last}")?;
        }
        if let Some(id) = self.tunnel_id {
            write!(f, " tunnel-id {id}")?;
        }
        if let Some(value) = self.realms {
            realms(f, value)?;
        }
        if let Some(length) = self.suppress_prefix_length {
            write!(f, " suppress_prefixlength {length}")?;
        }
        if let Some(group) = self.suppress_group {
            write!(f, " suppress_ifgroup {group}")?;
        }
        match self.action {
            RuleAction::Lookup(_) if self.l3mdev => f.write_str(" l3mdev")?,
            RuleAction::Lookup(table) => write!(f, " table {table}")?,
            RuleAction::Goto(preference) => write!(f, " goto {preference}")?,
            RuleAction::Nop => f.write_str(" nop")?,
            RuleAction::Blackhole => f.write_str(" blackhole")?,
            RuleAction::Unreachable => f.write_str(" unreachable")?,
            RuleAction::Prohibit => f.write_str(" prohibit")?,
        }
        if let Some(protocol) = self.protocol {
            write!(f, " protocol {protocol}")?;
        }
        if !self.tracked {
            f.write_str(" no_track")?;
        }
        Ok(())
    }
}
