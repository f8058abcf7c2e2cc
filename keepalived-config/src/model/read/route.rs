//! Entries of `virtual_routes` and `static_routes`.

mod encap;
mod hop;

use std::net::IpAddr;

use super::entry::{Entry, all};
use crate::diagnostic::Diagnostics;
use crate::model::route::{Hop, Metric, MetricValue, Placement, Route};
use crate::model::spanned::Spanned;
use crate::names::{Names, Table, unsigned};
use crate::schema::nearest;
use crate::tree::{Node, Word};

/// Kinds of routes, with their numbers in the kernel.
const KINDS: [(&str, u8); 9] = [
    ("unicast", 1),
    ("local", 2),
    ("broadcast", 3),
    ("anycast", 4),
    ("multicast", 5),
    ("blackhole", 6),
    ("unreachable", 7),
    ("prohibit", 8),
    ("throw", 9),
];

/// Words with which an option begins, for guessing at misspelled ones.
const OPTIONS: [&str; 49] = [
    "inet",
    "inet6",
    "to",
    "via",
    "gw",
    "src",
    "from",
    "as",
    "tos",
    "dsfield",
    "table",
    "vrf",
    "protocol",
    "scope",
    "metric",
    "priority",
    "preference",
    "dev",
    "oif",
    "onlink",
    "encap",
    "expires",
    "mtu",
    "hoplimit",
    "advmss",
    "rtt",
    "rttvar",
    "reordering",
    "window",
    "cwnd",
    "ssthresh",
    "realms",
    "rto_min",
    "initcwnd",
    "initrwnd",
    "features",
    "quickack",
    "congctl",
    "pref",
    "ttl-propagate",
    "fastopen_no_cookie",
    "add",
    "prepend",
    "append",
    "or",
    "nexthop",
    "no_track",
    "track_group",
    "blackhole",
];

/// Metrics that are plain numbers: name, metric, whether `lock` may stand before the value, greatest.
const METRICS: [(&str, Metric, bool, u32); 11] = [
    ("mtu", Metric::Mtu, true, u32::MAX),
    ("hoplimit", Metric::HopLimit, false, 255),
    ("advmss", Metric::AdvMss, true, u32::MAX),
    ("reordering", Metric::Reordering, true, u32::MAX),
    ("window", Metric::Window, false, u32::MAX),
    ("cwnd", Metric::Cwnd, true, u32::MAX),
    ("ssthresh", Metric::SsThresh, true, u32::MAX),
    ("initcwnd", Metric::InitCwnd, false, u32::MAX),
    ("initrwnd", Metric::InitRwnd, false, u32::MAX),
    ("quickack", Metric::QuickAck, false, 1),
    ("fastopen_no_cookie", Metric::FastopenNoCookie, false, 1),
];

/// Reads one entry; `None` after a complaint. `is_static`: of `static_routes`.
pub(super) fn read(
    entry: &Node,
    is_static: bool,
    names: &Names,
    diagnostics: &mut Diagnostics,
) -> Option<Route> {
    let mut draft = Draft::new(entry);
    let mut words = Entry::new(entry, "route", names, diagnostics);
    while let Some(word) = words.next() {
        draft.option(word, is_static, &mut words)?;
    }
    draft.finish(entry, &mut words)
}

struct Draft {
    route: Route,
    ipv6: Option<bool>,
    has_destination: bool,
    /// The way on of a route with one.
    hop: Hop,
    /// A second gateway (`or`).
    second: Option<IpAddr>,
    /// Ways on of `nexthop`.
    hops: Vec<Hop>,
}

impl Draft {
    fn new(entry: &Node) -> Self {
        Self {
            route: Route {
                destination: all(false),
                source: None,
                kind: 1,
                table: 254,
                tos: 0,
                metric: None,
                scope: None,
                protocol: None,
                preferred_source: None,
                hops: Vec::new(),
                preference: None,
                expires: None,
                ttl_propagate: None,
                metrics: Vec::new(),
                congestion_control: None,
                placement: Placement::default(),
                no_track: false,
                track_group: None,
                span: entry.span(),
            },
            ipv6: None,
            has_destination: false,
            hop: hop::new(),
            second: None,
            hops: Vec::new(),
        }
    }

    fn option(&mut self, word: &Word, is_static: bool, words: &mut Entry<'_, '_>) -> Option<()> {
        let text = word.as_str();
        let route = &mut self.route;
        match text {
            "inet" => self.ipv6 = Some(false),
            "inet6" => self.ipv6 = Some(true),
            "to" => {
                let value = words.value(word)?;
                self.destination(value, words)?;
            }
            "via" | "gw" => {
                if text == "gw" {
                    words
                        .diagnostics
                        .warning("deprecated", word.span, "`gw` is an old spelling")
                        .help("write `via`");
                }
                self.hop.via = Some(hop::gateway(word, words)?);
            }
            "or" => {
                words
                    .diagnostics
                    .warning("deprecated", word.span, "`or` is an old spelling")
                    .help("write `nexthop via ADDRESS nexthop via ADDRESS`");
                self.second = Some(words.address(word)?);
            }
            "src" => route.preferred_source = Some(words.address(word)?),
            "from" => {
                let value = words.value(word)?;
                route.source = Some(words.prefix(value, Some(true))?);
            }
            "as" => {
                words.takes("to");
                let _ = words.value(word)?;
                words
                    .diagnostics
                    .warning("no-effect", word.span, "`as` is for MPLS routes only")
                    .help("the word and its address do nothing");
            }
            "tos" | "dsfield" => route.tos = words.named_u8(word, Table::TypesOfService)?,
            "table" => route.table = words.named(word, Table::Tables, u32::MAX)?,
            "vrf" => {
                let message = "`vrf` of a route is not supported".to_owned();
                words.error("refused", word.span, message).help(
                    "write `table` with the number of the table of the VRF; the route is left out",
                );
                return None;
            }
            "protocol" => route.protocol = Some(words.named_u8(word, Table::Protocols)?),
            "scope" => route.scope = Some(words.named_u8(word, Table::Scopes)?),
            "metric" | "priority" | "preference" => route.metric = Some(words.u32(word)?),
            "add" => route.placement = Placement::Add,
            "prepend" => route.placement = Placement::Prepend,
            "append" => route.placement = Placement::Append,
            "no_track" => route.no_track = true,
            "expires" => route.expires = Some(words.u32(word)?),
            "pref" => route.preference = Some(preference(word, words)?),
            "ttl-propagate" => {
                route.ttl_propagate = Some(one_of(
                    word,
                    words,
                    &[("enabled", true), ("disabled", false)],
                )?);
            }
            "features" => {
                let value = one_of(word, words, &[("ecn", 1)])?;
                self.metric(Metric::Features, value, false);
            }
            "congctl" => {
                let lock = words.takes("lock");
                let name = words.value(word)?;
                route.congestion_control = Some((name.as_str().to_owned(), lock));
            }
            "rtt" | "rttvar" | "rto_min" => {
                let lock = words.takes("lock");
                let value = milliseconds(word, words)?;
                let metric = match text {
                    "rtt" => Metric::Rtt,
                    "rttvar" => Metric::RttVar,
                    _ => Metric::RtoMin,
                };
                self.metric(metric, value, lock);
            }
            "track_group" if is_static => {
                let name = words.value(word)?;
                route.track_group = Some(Spanned::new(name.as_str().to_owned(), name.span));
            }
            "nexthop" => {
                let hop = hop::behind_nexthop(words)?;
                self.hops.push(hop);
            }
            _ => {
                if hop::option(&mut self.hop, word, words)? {
                    return Some(());
                }
                return self.other(word, words);
            }
        }
        Some(())
    }

    /// Metrics, kinds, and the destination without any word before it.
    fn other(&mut self, word: &Word, words: &mut Entry<'_, '_>) -> Option<()> {
        let text = word.as_str();
        if let Some((_, metric, can_lock, high)) = METRICS.iter().find(|m| m.0 == text) {
            let lock = *can_lock && words.takes("lock");
            let value = words.number(word, 0, u64::from(*high))?;
            self.metric(*metric, u32::try_from(value).ok()?, lock);
            return Some(());
        }
        if matches!(text, "nat" | "xresolve") {
            let message = format!("no kernel of today has `{text}` routes");
            words.error("refused", word.span, message);
            return None;
        }
        if let Some((_, kind)) = KINDS.iter().find(|kind| kind.0 == text) {
            self.route.kind = *kind;
            let value = words.value(word)?;
            return self.destination(value, words);
        }
        let starts_address = text.starts_with(|c: char| c.is_ascii_hexdigit() || c == ':');
        let is_name = matches!(text, "default" | "default6" | "any" | "all");
        if !self.has_destination && (is_name || starts_address && text.contains(['.', ':', '/'])) {
            return self.destination(word, words);
        }
        if text == "track_group" {
            let message = "`track_group` is for static routes only".to_owned();
            words.error("unknown-option", word.span, message);
            return None;
        }
        let message = format!("a route has no option `{text}`");
        let complaint = words.error("unknown-option", word.span, message);
        if let Some(near) = nearest(text, OPTIONS) {
            complaint.help(format!("did you mean `{near}`? the route is left out"));
        }
        None
    }

    fn destination(&mut self, word: &Word, words: &mut Entry<'_, '_>) -> Option<()> {
        let (mut word, text) = (word, word.as_str());
        if let Some((_, kind)) = KINDS.iter().find(|kind| kind.0 == text) {
            self.route.kind = *kind;
            word = words.value(word)?;
        }
        let prefix = words.prefix(word, self.ipv6)?;
        if word.as_str() == "default6" {
            self.ipv6 = Some(true);
        }
        self.route.destination = prefix;
        self.has_destination = true;
        Some(())
    }

    fn metric(&mut self, metric: Metric, value: u32, lock: bool) {
        let metrics = &mut self.route.metrics;
        metrics.retain(|known| known.metric != metric);
        metrics.push(MetricValue {
            metric,
            value,
            lock,
        });
    }

    fn finish(mut self, entry: &Node, words: &mut Entry<'_, '_>) -> Option<Route> {
        let span = entry.span();
        if !self.has_destination {
            words.error(
                "no-destination",
                span,
                "the route has no destination".to_owned(),
            );
            return None;
        }
        let gateways = self
            .hop
            .via
            .into_iter()
            .chain(self.hops.iter().filter_map(|hop| hop.via));
        let source = self.route.preferred_source;
        let addresses: Vec<IpAddr> = gateways.chain(source).collect();
        let ipv6 = self.family(&addresses);
        if self.route.destination.length == 0 {
            // `default` takes its family from what else is in the line.
            self.route.destination = all(ipv6);
        }
        let is_v6 = self.route.destination.address.is_ipv6();
        // An IPv4 route may go over an IPv6 gateway; all else must agree.
        let odd = source.is_some_and(|source| source.is_ipv6() != is_v6)
            || self.ipv6.is_some_and(|ipv6| ipv6 != is_v6)
            || (is_v6 && addresses.iter().any(IpAddr::is_ipv4));
        if odd {
            words.error(
                "mixed-families",
                span,
                "the route mixes IPv4 and IPv6 addresses".to_owned(),
            );
            return None;
        }
        if self.route.source.is_some() && !is_v6 {
            words.error(
                "mixed-families",
                span,
                "`from` is for IPv6 routes only".to_owned(),
            );
            return None;
        }
        self.hops(words)?;
        if !self.route.no_track
            && self
                .route
                .protocol
                .take()
                .is_some_and(|protocol| protocol != 18)
        {
            words
                .diagnostics
                .warning(
                    "corrected",
                    span,
                    "a route with a `protocol` of its own cannot be tracked",
                )
                .help("add `no_track`; until then the protocol is keepalived's, 18");
        }
        Some(self.route)
    }

    fn family(&self, addresses: &[IpAddr]) -> bool {
        let from_destination = self.route.destination.address.is_ipv6();
        if self.route.destination.length > 0 || from_destination {
            return from_destination;
        }
        self.ipv6
            .unwrap_or_else(|| addresses.first().is_some_and(IpAddr::is_ipv6))
    }

    fn hops(&mut self, words: &mut Entry<'_, '_>) -> Option<()> {
        let hop = std::mem::replace(&mut self.hop, hop::new());
        let is_plain = hop == hop::new();
        if !self.hops.is_empty() {
            if !is_plain || self.second.is_some() {
                let message =
                    "a route with `nexthop` has its gateways and interfaces there".to_owned();
                words.error("mixed-nexthops", self.route.span, message);
                return None;
            }
            self.route.hops = std::mem::take(&mut self.hops);
        } else if let Some(second) = self.second {
            let other = Hop {
                via: Some(second),
                ..hop.clone()
            };
            self.route.hops = vec![hop, other];
        } else if !is_plain {
            self.route.hops = vec![hop];
        }
        let refuses = matches!(self.route.kind, 6..=9);
        if refuses && self.route.hops.iter().any(|hop| hop.via.is_some()) {
            let message = "a route of this kind leads nowhere and has no gateway".to_owned();
            words.error("surplus-gateway", self.route.span, message);
            return None;
        }
        if !refuses && self.route.hops.is_empty() {
            let message =
                "the route says neither by which gateway nor by which interface".to_owned();
            words
                .error("no-gateway", self.route.span, message)
                .help("add `via ADDRESS` or `dev INTERFACE`; the route is left out");
            return None;
        }
        Some(())
    }
}

fn one_of<T: Copy>(word: &Word, words: &mut Entry<'_, '_>, values: &[(&str, T)]) -> Option<T> {
    let value = words.value(word)?;
    let found = values.iter().find(|(name, _)| *name == value.as_str());
    if found.is_none() {
        let all: Vec<_> = values.iter().map(|(name, _)| format!("`{name}`")).collect();
        let message = format!(
            "`{}` takes {}, not `{}`",
            word.as_str(),
            all.join(" or "),
            value.as_str()
        );
        words.error("bad-value", value.span, message);
    }
    found.map(|(_, value)| *value)
}

fn preference(word: &Word, words: &mut Entry<'_, '_>) -> Option<u8> {
    match words.peek() {
        Some("low") => words.next().map(|_| 3),
        Some("medium") => words.next().map(|_| 0),
        Some("high") => words.next().map(|_| 1),
        _ => words.u8(word),
    }
}

/// `NUMBER`, `NUMBERms` or `NUMBERs`; without a unit it is milliseconds.
fn milliseconds(word: &Word, words: &mut Entry<'_, '_>) -> Option<u32> {
    let value = words.value(word)?;
    let text = value.as_str();
    let (digits, factor) = if let Some(digits) = text.strip_suffix("ms") {
        (digits, 1)
    } else if let Some(digits) = text.strip_suffix('s') {
        (digits, 1000)
    } else {
        (text, 1)
    };
    let time = unsigned(digits)
        .and_then(|number| number.checked_mul(factor))
        // The kernel counts in eighths of a millisecond.
        .filter(|time| *time <= u64::from(u32::MAX / 8))
        .and_then(|time| u32::try_from(time).ok());
    if time.is_none() {
        let message = format!(
            "`{}` takes a time such as 200ms or 2s, not `{text}`",
            word.as_str()
        );
        words.error("bad-time", value.span, message);
    }
    time
}
