//! One `virtual_server`.

mod whole;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use vrrp_proto::Family;

use super::{Inherited, LEFT_OUT, checker, endpoint, keep, method, server, string};
use crate::diagnostic::Diagnostics;
use crate::model::balance::{
    Forwarding, Protocol, RealServer, ServiceAddress, ServiceGroup, VirtualServer,
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
    whole::finish(node, address, raw, servers, forwarding, groups, diagnostics)
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
    // In any spelling, unlike the other words of a service.
    let protocol = match &*word.as_str().to_ascii_uppercase() {
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
