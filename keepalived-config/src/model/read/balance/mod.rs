//! `virtual_server` and what is inside: from lines to services, with the defaults handed down.

mod checker;
mod claims;
mod connect;
pub(super) mod defs;
mod group;
pub(in crate::model) mod marks;
mod method;
pub(in crate::model) mod names;
mod ports;
mod server;
mod service;
pub(in crate::model) mod stray;
mod sync;
mod web;

use std::collections::HashMap;
use std::time::Duration;

use crate::diagnostic::Diagnostics;
use crate::model::balance::{Checker, CheckerKind, Identity, ServiceGroup, VirtualServer};
use crate::model::read::line::{LEFT_OUT, Line, cut_address, keep, refuse};
use crate::tree::{Node, Span, Word};

use claims::Claims;

/// A service of the file.
#[derive(Debug)]
pub(in crate::model) enum Incoming {
    Read(VirtualServer),
    /// It names a group, which may stand behind it.
    Waits(Node),
}

/// It cannot be read before all groups are known.
pub(in crate::model) fn waits(service: &Node) -> bool {
    let kind = service.arguments().first();
    kind.is_some_and(|word| word.as_str() == "group")
}

/// Reads a service that names no group; `None` after a complaint that says why nothing is left of it.
pub(in crate::model) fn service(
    node: &Node,
    diagnostics: &mut Diagnostics,
) -> Option<VirtualServer> {
    service::service(node, &[], diagnostics)
}

/// All groups and services of a file. The order of groups and services does not matter.
pub(in crate::model) fn services(
    tree: &[Node],
    incoming: Vec<Incoming>,
    diagnostics: &mut Diagnostics,
) -> (Vec<ServiceGroup>, Vec<VirtualServer>) {
    let mut names: HashMap<String, Span> = HashMap::new();
    let mut groups = Vec::new();
    for node in tree
        .iter()
        .filter(|node| node.keyword() == "virtual_server_group")
    {
        let Some(group) = group::group(node, diagnostics) else {
            continue;
        };
        if let Some(first) = names.insert(group.name.value.clone(), group.name.span) {
            let message = format!("there is another group `{}`", group.name.value);
            diagnostics
                .error("duplicate-group", group.name.span, message)
                .help("the first one counts")
                .note(first, "the other one is here");
            continue;
        }
        groups.push(group);
    }
    let mut claims = Claims::default();
    // In place: what comes in and what goes out are the same size.
    let services = incoming.into_iter().filter_map(|incoming| {
        let service = match incoming {
            Incoming::Read(service) => service,
            Incoming::Waits(node) => service::service(&node, &groups, diagnostics)?,
        };
        claims
            .admit(&service, &groups, diagnostics)
            .then_some(service)
    });
    let mut services: Vec<VirtualServer> = services.collect();
    services.shrink_to_fit();
    (groups, services)
}

/// Somebody has thought of whom to believe, and nobody is asked.
pub(in crate::model) fn unverified(
    identity: &Identity,
    services: &[VirtualServer],
    diagnostics: &mut Diagnostics,
) {
    let Some(ca) = &identity.ca else {
        return;
    };
    let servers = services.iter().flat_map(|service| &service.servers);
    let mut checkers = servers.flat_map(|server| &server.checkers);
    let verifies =
        |checker: &Checker| matches!(&checker.kind, CheckerKind::Web(_, web) if web.verify);
    if !checkers.any(verifies) {
        diagnostics
            .warning("unverified", ca.span, "no check looks at certificates")
            .help("write `ssl_verify` in `SSL_GET`; without it any server is believed, as by Keepalived");
    }
}

/// What a block hands down to the blocks inside it.
#[derive(Clone, Debug, Default)]
struct Inherited {
    delay_loop: Option<Duration>,
    retry: Option<u32>,
    rise: Option<u32>,
    fall: Option<u32>,
    delay_before_retry: Option<Duration>,
    warmup: Option<Duration>,
    connect_timeout: Option<Duration>,
    alpha: Option<bool>,
    virtual_host: Option<String>,
}

impl Inherited {
    /// Takes a line that sets one of them; false if it is another line.
    fn take(&mut self, line: Line<'_>, retry_from: u32, diagnostics: &mut Diagnostics) -> bool {
        const FOREVER: u64 = u32::MAX as u64 * 1_000_000;
        match line.keyword() {
            "delay_loop" => keep(
                &mut self.delay_loop,
                line.seconds(1..=FOREVER, LEFT_OUT, diagnostics),
            ),
            "connect_timeout" => {
                let most = 4_294_967_295_000;
                keep(
                    &mut self.connect_timeout,
                    line.seconds(1..=most, LEFT_OUT, diagnostics),
                );
            }
            "retry" | "nb_get_retry" => {
                keep(
                    &mut self.retry,
                    line.number(retry_from..=u32::MAX, LEFT_OUT, diagnostics),
                );
            }
            "rise" => keep(
                &mut self.rise,
                line.number(1..=u32::MAX, LEFT_OUT, diagnostics),
            ),
            "fall" => keep(
                &mut self.fall,
                line.number(1..=u32::MAX, LEFT_OUT, diagnostics),
            ),
            "delay_before_retry" => {
                keep(
                    &mut self.delay_before_retry,
                    line.seconds(0..=FOREVER, LEFT_OUT, diagnostics),
                );
            }
            "warmup" => keep(
                &mut self.warmup,
                line.seconds(0..=FOREVER, LEFT_OUT, diagnostics),
            ),
            "alpha" => keep(&mut self.alpha, line.boolean(diagnostics)),
            "virtualhost" => keep(
                &mut self.virtual_host,
                string(line, "a host name", diagnostics),
            ),
            _ => return false,
        }
        true
    }

    /// What is not set here comes from outside.
    fn or(self, outer: &Self) -> Self {
        Self {
            delay_loop: self.delay_loop.or(outer.delay_loop),
            retry: self.retry.or(outer.retry),
            rise: self.rise.or(outer.rise),
            fall: self.fall.or(outer.fall),
            delay_before_retry: self.delay_before_retry.or(outer.delay_before_retry),
            warmup: self.warmup.or(outer.warmup),
            connect_timeout: self.connect_timeout.or(outer.connect_timeout),
            alpha: self.alpha.or(outer.alpha),
            virtual_host: self.virtual_host.or_else(|| outer.virtual_host.clone()),
        }
    }
}

fn string(line: Line<'_>, what: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let word = line.word(what, diagnostics)?;
    Some(word.as_str().to_owned())
}

/// A port from 1, or 0 where all ports are meant.
fn port(word: &Word, keyword: &str, diagnostics: &mut Diagnostics) -> Option<u16> {
    let parsed = word.as_str().parse::<u16>().ok();
    if parsed.is_none() {
        let what = "a port from 0 to 65535";
        refuse(
            diagnostics,
            "bad-port",
            keyword,
            what,
            word,
            "it is left out",
        );
    }
    parsed
}

/// `ADDRESS [PORT]`; a mask behind the address is cut off, as Keepalived does.
fn endpoint(node: &Node, diagnostics: &mut Diagnostics) -> Option<(std::net::IpAddr, u16)> {
    let line = Line::new(node);
    let word = line.required("an address", diagnostics)?;
    line.at_most(2, diagnostics);
    let Some(address) = cut_address(word, node.keyword(), diagnostics) else {
        let what = "an IP address and a port";
        refuse(
            diagnostics,
            "bad-address",
            node.keyword(),
            what,
            word,
            "it is left out",
        );
        return None;
    };
    let port = match node.arguments().get(1) {
        Some(word) => port(word, node.keyword(), diagnostics)?,
        None => 0,
    };
    Some((address, port))
}

/// The most that `ipvsadm` sets; the kernel takes more.
const USUAL_WEIGHT: u32 = 65_535;

/// The weight of a server, or of all servers of a service.
fn weight(
    line: Line<'_>,
    range: std::ops::RangeInclusive<u32>,
    diagnostics: &mut Diagnostics,
) -> Option<u32> {
    let weight = line.number(range, LEFT_OUT, diagnostics)?;
    if weight > USUAL_WEIGHT {
        let message = format!("the weight {weight} is above {USUAL_WEIGHT}");
        diagnostics
            .warning("large-weight", line.node.span(), message)
            .help(
                "it is used, and `ipvsadm --restore` refuses it; weights count in proportion to \
                each other, so that smaller ones say the same",
            );
    }
    Some(weight)
}
