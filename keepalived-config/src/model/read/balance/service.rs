//! One `virtual_server`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use vrrp_proto::Family;

use super::{Inherited, LEFT_OUT, checker, endpoint, keep, method, ports, server, string};
use crate::diagnostic::Diagnostics;
use crate::model::balance::{
    Forwarding, GroupEntry, Persistence, Protocol, RealServer, ServiceAddress, ServiceGroup,
    SorryServer, VirtualServer,
};
use crate::model::read::line::{Line, refuse};
use crate::model::read::script;
use crate::model::script::Script;
use crate::model::spanned::Spanned;
use crate::tree::{Node, Span};

/// Schedulers of the kernel.
const SCHEDULERS: [&str; 14] = [
    "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "mh", "dh", "fo", "ovf", "sed", "nq", "twos",
];
/// What is used where nothing is written.
const SCHEDULER: &str = "wlc";
/// Seconds of `persistence_timeout` without a number.
const DEFAULT_PERSISTENCE: u32 = 360;
const MOST_PERSISTENCE: u32 = 31 * 24 * 3600;
const MOST_WEIGHT: u32 = i32::MAX.cast_unsigned();
/// A day, in microseconds.
const LONGEST_DRAIN: u64 = 24 * 3600 * 1_000_000;

/// What the lines of a service say.
#[derive(Debug, Default)]
struct Raw {
    inherited: Inherited,
    scheduler: Option<&'static str>,
    flags: [bool; 3],
    one_packet: Option<Span>,
    forwarding: Option<Forwarding>,
    timeout: Option<u32>,
    granularity: Option<u8>,
    engine: Option<String>,
    protocol: Option<Spanned<Protocol>>,
    family: Option<Spanned<Family>>,
    quorum: Option<u32>,
    hysteresis: Option<u32>,
    drain: Option<Duration>,
    panic_threshold: Option<u8>,
    quorum_up: Option<Box<Script>>,
    quorum_down: Option<Box<Script>>,
    omega: bool,
    inhibit: bool,
    ha_suspend: Option<Span>,
    smtp_alert: Option<bool>,
    snmp_name: Option<String>,
    weight: Option<u32>,
    sorry: Option<(IpAddr, u16, Span)>,
    sorry_inhibit: Option<Span>,
    sorry_forwarding: Option<Spanned<Forwarding>>,
}

/// Reads a service; `None` after a complaint that says why nothing is left of it.
pub(in crate::model) fn service(
    node: &Node,
    groups: &[ServiceGroup],
    diagnostics: &mut Diagnostics,
) -> Option<VirtualServer> {
    let address = address(node, groups, diagnostics)?;
    let mut raw = Raw::default();
    for entry in node.entries() {
        read(entry, &mut raw, diagnostics);
    }
    let forwarding = raw.forwarding.unwrap_or(Forwarding::Nat);
    let outer = server::Outer {
        inherited: &raw.inherited,
        forwarding,
        inhibit: raw.inhibit,
        weight: raw.weight.unwrap_or(1),
    };
    let mut servers: Vec<RealServer> = Vec::new();
    let mut seen: BTreeMap<(IpAddr, u16), Span> = BTreeMap::new();
    let blocks = node
        .entries()
        .iter()
        .filter(|entry| entry.keyword() == "real_server");
    for block in blocks {
        let Some(server) = server::server(block, &outer, diagnostics) else {
            continue;
        };
        let key = (server.address, server.port);
        if let Some(first) = seen.insert(key, server.span) {
            diagnostics
                .error(
                    "duplicate-server",
                    server.span,
                    "this server is listed twice",
                )
                .help("the first one counts")
                .note(first, "the other one is here");
            continue;
        }
        servers.push(server);
    }
    if let Some(stray) = node.entries().iter().find(|entry| entry.meaning.is_none()) {
        for server in servers.iter_mut().filter(|one| one.checkers.is_empty()) {
            server.checkers = vec![checker::outside(stray)];
        }
    }
    servers.shrink_to_fit();
    finish(node, address, raw, servers, forwarding, groups, diagnostics)
}

fn address(
    node: &Node,
    groups: &[ServiceGroup],
    diagnostics: &mut Diagnostics,
) -> Option<ServiceAddress> {
    let arguments = node.arguments();
    let kind = arguments.first().map(crate::tree::Word::as_str);
    match (kind, arguments.get(1)) {
        (Some("fwmark"), word) => {
            let mark = word.and_then(|word| word.as_str().parse::<u32>().ok());
            let Some(mark @ 1..) = mark else {
                diagnostics
                    .error("bad-mark", node.span(), "`fwmark` takes a number from 1")
                    .help("the service is left out");
                return None;
            };
            Some(ServiceAddress::Mark(mark))
        }
        (Some("group"), Some(name)) => {
            if !groups.iter().any(|group| group.name.value == name.as_str()) {
                let message = format!("there is no `virtual_server_group {}`", name.as_str());
                diagnostics
                    .error("unknown-group", name.span, message)
                    .help("the service is left out");
                return None;
            }
            Some(ServiceAddress::Group(Spanned::new(
                name.as_str().to_owned(),
                name.span,
            )))
        }
        _ => {
            let (address, port) = endpoint(node, diagnostics)?;
            Some(ServiceAddress::Address { address, port })
        }
    }
}

fn read(entry: &Node, raw: &mut Raw, diagnostics: &mut Diagnostics) {
    let line = Line::new(entry);
    if raw.inherited.take(line, 1, diagnostics) {
        return;
    }
    match entry.keyword() {
        "lb_algo" | "lvs_sched" => keep(&mut raw.scheduler, scheduler(line, diagnostics)),
        "flag-1" | "sh-fallback" | "mh-fallback" => raw.flags[0] = line.flag(diagnostics),
        "flag-2" | "sh-port" | "mh-port" => raw.flags[1] = line.flag(diagnostics),
        "flag-3" => raw.flags[2] = line.flag(diagnostics),
        "ops" => raw.one_packet = line.flag(diagnostics).then(|| entry.span()),
        "lb_kind" | "lvs_method" => {
            keep(&mut raw.forwarding, method::forwarding(line, diagnostics));
        }
        "persistence_timeout" => keep(&mut raw.timeout, persistence(line, diagnostics)),
        "persistence_granularity" => keep(&mut raw.granularity, granularity(line, diagnostics)),
        "persistence_engine" => keep(&mut raw.engine, string(line, "a name", diagnostics)),
        "protocol" => keep(&mut raw.protocol, protocol(line, diagnostics)),
        "ip_family" => keep(&mut raw.family, family(line, diagnostics)),
        "quorum" => keep(
            &mut raw.quorum,
            line.number(1..=u32::MAX, LEFT_OUT, diagnostics),
        ),
        "hysteresis" => keep(
            &mut raw.hysteresis,
            line.number(0..=u32::MAX, LEFT_OUT, diagnostics),
        ),
        "lvs_drain_time" => keep(
            &mut raw.drain,
            line.seconds(0..=LONGEST_DRAIN, LEFT_OUT, diagnostics),
        ),
        "panic_threshold" => keep(
            &mut raw.panic_threshold,
            line.number(1..=100, LEFT_OUT, diagnostics),
        ),
        "quorum_up" => keep(
            &mut raw.quorum_up,
            script::read(line, diagnostics).map(Box::new),
        ),
        "quorum_down" => keep(
            &mut raw.quorum_down,
            script::read(line, diagnostics).map(Box::new),
        ),
        "omega" => raw.omega = line.flag(diagnostics),
        "inhibit_on_failure" => raw.inhibit = line.flag(diagnostics),
        "ha_suspend" => raw.ha_suspend = line.flag(diagnostics).then(|| entry.span()),
        "smtp_alert" => keep(&mut raw.smtp_alert, line.boolean(diagnostics)),
        "snmp_name" => keep(&mut raw.snmp_name, string(line, "a name", diagnostics)),
        "weight" => keep(
            &mut raw.weight,
            super::weight(line, 1..=MOST_WEIGHT, diagnostics),
        ),
        "sorry_server" => {
            let read = endpoint(entry, diagnostics);
            keep(
                &mut raw.sorry,
                read.map(|(address, port)| (address, port, entry.span())),
            );
        }
        "sorry_server_inhibit" => {
            raw.sorry_inhibit = line.flag(diagnostics).then(|| entry.span());
        }
        "sorry_server_lvs_method" => {
            let read = method::forwarding(line, diagnostics);
            keep(
                &mut raw.sorry_forwarding,
                read.map(|forwarding| Spanned::new(forwarding, entry.span())),
            );
        }
        _ => {}
    }
}

/// `lvs_sched`, LVS-03.
fn scheduler(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<&'static str> {
    let word = line.word("a scheduler", diagnostics)?;
    let known = SCHEDULERS.iter().find(|name| **name == word.as_str());
    if known.is_none() {
        let what = format!("one of {}", SCHEDULERS.join(", "));
        refuse(
            diagnostics,
            "bad-scheduler",
            line.keyword(),
            &what,
            word,
            LEFT_OUT,
        );
    }
    known.copied()
}

/// `persistence_timeout`, LVS-07.
fn persistence(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<u32> {
    if line.node.arguments().is_empty() {
        return Some(DEFAULT_PERSISTENCE);
    }
    line.number(1..=MOST_PERSISTENCE, LEFT_OUT, diagnostics)
}

/// A netmask, or the length of an IPv6 prefix.
fn granularity(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<u8> {
    let what = "an IPv4 netmask or an IPv6 prefix length from 1 to 128";
    let word = line.word(what, diagnostics)?;
    let length = match word.as_str().parse::<std::net::Ipv4Addr>() {
        Ok(mask) => {
            let ones = mask.to_bits().leading_ones();
            (ones + mask.to_bits().trailing_zeros().min(32) >= 32).then_some(ones)
        }
        Err(_) => word.as_str().parse().ok(),
    };
    let length = length.and_then(|length| u8::try_from(length).ok());
    let length = length.filter(|length| (1..=128).contains(length));
    if length.is_none() {
        refuse(
            diagnostics,
            "bad-granularity",
            line.keyword(),
            what,
            word,
            LEFT_OUT,
        );
    }
    length
}

fn protocol(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<Spanned<Protocol>> {
    let word = line.word("TCP, UDP or SCTP", diagnostics)?;
    let protocol = match word.as_str() {
        "TCP" => Protocol::Tcp,
        "UDP" => Protocol::Udp,
        "SCTP" => Protocol::Sctp,
        _ => {
            refuse(
                diagnostics,
                "bad-protocol",
                line.keyword(),
                "TCP, UDP or SCTP",
                word,
                LEFT_OUT,
            );
            return None;
        }
    };
    Some(Spanned::new(protocol, line.node.span()))
}

fn family(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<Spanned<Family>> {
    let word = line.word("inet or inet6", diagnostics)?;
    let family = |family| Some(Spanned::new(family, line.node.span()));
    match word.as_str() {
        "inet" => family(Family::Ipv4),
        "inet6" => family(Family::Ipv6),
        _ => {
            refuse(
                diagnostics,
                "bad-family",
                line.keyword(),
                "inet or inet6",
                word,
                LEFT_OUT,
            );
            None
        }
    }
}

/// LVS-19, LVS-21: corrections, each with a word.
fn finish(
    node: &Node,
    address: ServiceAddress,
    raw: Raw,
    mut servers: Vec<RealServer>,
    forwarding: Forwarding,
    groups: &[ServiceGroup],
    diagnostics: &mut Diagnostics,
) -> Option<VirtualServer> {
    let span = node.span();
    let marked = matches!(address, ServiceAddress::Mark(_));
    let own = own_family(&address, groups);
    if let (Some(own), Some(said)) = (own, &raw.family)
        && own != said.value
    {
        let own = if own == Family::Ipv4 { "IPv4" } else { "IPv6" };
        let message = format!("the address of the service is one of {own}");
        diagnostics
            .warning("family-of-address", said.span, message)
            .help("the line does nothing; `ip_family` is for services of marks");
    }
    let family = own
        .or_else(|| raw.family.as_ref().map(|said| said.value))
        .or_else(|| servers.first().map(|server| Family::of(server.address)))
        .unwrap_or(Family::Ipv4);
    servers.retain(|server| {
        let fits = Family::of(server.address) == family
            || matches!(server.forwarding, Forwarding::Tunnel(_));
        if !fits {
            other_family("server", server.span, diagnostics);
        }
        fits
    });
    if servers.is_empty() {
        diagnostics
            .error("no-server", span, "the service has no `real_server`")
            .help("the service is left out");
        return None;
    }
    for (code, keyword, used, missing) in [
        (
            "no-scheduler",
            "lb_algo",
            SCHEDULER,
            raw.scheduler.is_none(),
        ),
        (
            "no-forwarding",
            "lb_kind",
            "NAT",
            raw.forwarding.is_none() && method::asked_of(node),
        ),
    ] {
        if missing {
            let message = format!("the service has no `{keyword}`");
            diagnostics
                .warning(code, span, message)
                .help(format!("{used} is used"));
        }
    }
    // A group of nothing but marks is one.
    let marked = marked || only_marks(&address, groups);
    let protocol = match (marked, raw.protocol) {
        (true, Some(protocol)) => {
            diagnostics
                .warning(
                    "protocol-of-mark",
                    protocol.span,
                    "a service of a mark has no protocol",
                )
                .help("the line does nothing");
            None
        }
        (true, None) => None,
        (false, Some(protocol)) => Some(protocol.value),
        (false, None) => {
            diagnostics
                .warning("no-protocol", span, "the service has no `protocol`")
                .help("UDP is used");
            Some(Protocol::Udp)
        }
    };
    let one_packet = raw.one_packet.is_some_and(|place| {
        let fits = marked || protocol == Some(Protocol::Udp);
        if !fits {
            diagnostics
                .warning("ops-not-udp", place, "`ops` is for UDP and for marks only")
                .help("the line does nothing");
        }
        fits
    });
    let ha_suspend = raw.ha_suspend.is_some_and(|place| {
        if marked {
            diagnostics
                .warning(
                    "suspend-of-mark",
                    place,
                    "a mark is no address that could be absent",
                )
                .help("`ha_suspend` does nothing here");
        }
        !marked
    });
    // Without a port only a persistent service makes sense to the kernel.
    let all_ports = matches!(address, ServiceAddress::Address { port: 0, .. });
    let persistent = raw
        .timeout
        .or_else(|| raw.granularity.map(|_| DEFAULT_PERSISTENCE));
    let persistent = persistent.or_else(|| {
        all_ports.then(|| {
            diagnostics
                .warning(
                    "all-ports",
                    span,
                    "a service without port has to be persistent",
                )
                .help(format!(
                    "`persistence_timeout {DEFAULT_PERSISTENCE}` is used"
                ));
            DEFAULT_PERSISTENCE
        })
    });
    let whole = if family == Family::Ipv4 { 32 } else { 128 };
    let persistence = persistent.map(|timeout| Persistence {
        timeout,
        prefix_len: raw.granularity.map_or(whole, |length| length.min(whole)),
        engine: raw.engine.clone(),
    });
    let (quorum, hysteresis) = quorum(&raw, &servers, span, diagnostics);
    let sorry_forwarding = raw.sorry_forwarding;
    for (code, place) in [
        ("inhibit-without-sorry", raw.sorry_inhibit),
        (
            "method-without-sorry",
            sorry_forwarding.as_ref().map(|said| said.span),
        ),
    ] {
        if let (None, Some(place)) = (raw.sorry, place) {
            diagnostics
                .warning(code, place, "there is no `sorry_server`")
                .help("the line does nothing");
        }
    }
    let sorry = raw.sorry.map(|(address, port, span)| SorryServer {
        address,
        port,
        forwarding: sorry_forwarding.map_or(forwarding, |said| said.value),
        inhibit: raw.sorry_inhibit.is_some(),
        span,
    });
    let mut sorry = sorry.filter(|sorry| {
        let joined = matches!(sorry.forwarding, Forwarding::Tunnel(_));
        let fits = joined || Family::of(sorry.address) == family;
        if !fits {
            other_family("sorry server", sorry.span, diagnostics);
        }
        fits
    });
    ports::settle(&address, groups, &mut servers, sorry.as_mut(), diagnostics);
    Some(VirtualServer {
        address,
        family,
        protocol,
        scheduler: raw.scheduler.unwrap_or(SCHEDULER),
        scheduler_flags: raw.flags,
        one_packet,
        persistence,
        quorum,
        hysteresis,
        drain: raw.drain.unwrap_or_default(),
        panic_threshold: raw.panic_threshold,
        quorum_up: raw.quorum_up,
        quorum_down: raw.quorum_down,
        alpha: raw.inherited.alpha.unwrap_or(false),
        omega: raw.omega,
        ha_suspend,
        smtp_alert: raw.smtp_alert,
        snmp_name: raw.snmp_name,
        sorry,
        servers,
        span,
    })
}

/// Each entry of the group is a mark, and there is one.
fn only_marks(address: &ServiceAddress, groups: &[ServiceGroup]) -> bool {
    let ServiceAddress::Group(name) = address else {
        return false;
    };
    let mut groups = groups.iter();
    let group = groups.find(|group| group.name.value == name.value);
    let entries = group.map_or(&[][..], |group| &group.entries);
    let mark = |entry: &GroupEntry| matches!(entry, GroupEntry::Mark(..));
    !entries.is_empty() && entries.iter().all(mark)
}

/// The kernel would not take it.
fn other_family(which: &str, span: Span, diagnostics: &mut Diagnostics) {
    let message = format!("the {which} has another address family than the service");
    diagnostics
        .error("family-mismatch", span, message)
        .help(format!(
            "only a tunnel can join them; the {which} is left out"
        ));
}

/// The family that the address itself has, a mark has none: LVS-17.
fn own_family(address: &ServiceAddress, groups: &[ServiceGroup]) -> Option<Family> {
    match address {
        ServiceAddress::Address { address, .. } => Some(Family::of(*address)),
        ServiceAddress::Mark(_) => None,
        ServiceAddress::Group(name) => {
            let group = groups.iter().find(|group| group.name.value == name.value)?;
            group.entries.iter().find_map(|entry| match entry {
                GroupEntry::Addresses { first, .. } => Some(Family::of(*first)),
                GroupEntry::Mark(_, family) => *family,
            })
        }
    }
}

/// The quorum can be no more than all servers together, and the margin must leave something of it.
fn quorum(
    raw: &Raw,
    servers: &[RealServer],
    span: Span,
    diagnostics: &mut Diagnostics,
) -> (u32, u32) {
    let total = servers
        .iter()
        .fold(0_u32, |sum, server| sum.saturating_add(server.weight));
    let mut quorum = raw.quorum.unwrap_or(1);
    if quorum > total.max(1) {
        let message =
            format!("the quorum of {quorum} is more than the weight of all servers, {total}");
        quorum = total.max(1);
        diagnostics
            .warning("quorum-too-large", span, message)
            .help(format!("{quorum} is used"));
    }
    let mut hysteresis = raw.hysteresis.unwrap_or(0);
    if hysteresis >= quorum {
        let message = format!("the hysteresis of {hysteresis} is not below the quorum of {quorum}");
        hysteresis = quorum - 1;
        if raw.hysteresis.is_some_and(|wanted| wanted > 0) {
            diagnostics
                .warning("hysteresis-too-large", span, message)
                .help(format!("{hysteresis} is used"));
        }
    }
    (quorum, hysteresis)
}
