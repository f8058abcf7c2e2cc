//! One `real_server`.

use super::checker;
use super::{Inherited, LEFT_OUT, endpoint, keep, method, string};
use crate::diagnostic::Diagnostics;
use crate::model::balance::{Forwarding, RealServer};
use crate::model::read::line::Line;
use crate::model::read::script;
use crate::tree::Node;

/// What the service hands down.
pub(super) struct Outer<'a> {
    pub(super) inherited: &'a Inherited,
    pub(super) forwarding: Forwarding,
    pub(super) inhibit: bool,
    pub(super) weight: u32,
}

/// Reads a server with its checkers.
pub(super) fn server(
    node: &Node,
    outer: &Outer<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<RealServer> {
    let (address, port) = endpoint(node, diagnostics)?;
    let mut inherited = Inherited::default();
    let mut server = RealServer {
        address,
        port,
        weight: outer.weight,
        forwarding: outer.forwarding,
        upper_threshold: 0,
        lower_threshold: 0,
        inhibit: outer.inhibit,
        alpha: false,
        notify_up: None,
        notify_down: None,
        smtp_alert: None,
        snmp_name: None,
        checkers: Vec::new(),
        span: node.span(),
    };
    for entry in node.entries() {
        read(entry, &mut server, &mut inherited, diagnostics);
    }
    let inherited = inherited.or(outer.inherited);
    server.alpha = inherited.alpha.unwrap_or(false);
    // Nearly all have one checker, and room for four would be most of a large configuration.
    let blocks = node.entries().iter().filter(|entry| entry.block.is_some());
    server.checkers.reserve_exact(blocks.count());
    for entry in node.entries() {
        checker::read(
            entry,
            (address, port),
            &inherited,
            &mut server.checkers,
            diagnostics,
        );
    }
    server.checkers.shrink_to_fit();
    let (lower, upper) = (server.lower_threshold, server.upper_threshold);
    if upper > 0 && lower > upper {
        let message = format!("the lower threshold {lower} is above the upper one, {upper}");
        diagnostics
            .error("thresholds", server.span, message)
            .help("the lower one is left out");
        server.lower_threshold = 0;
    }
    Some(server)
}

fn read(
    entry: &Node,
    server: &mut RealServer,
    inherited: &mut Inherited,
    diagnostics: &mut Diagnostics,
) {
    const MOST: u32 = i32::MAX.cast_unsigned();
    let line = Line::new(entry);
    if inherited.take(line, 1, diagnostics) {
        return;
    }
    let set = |slot: &mut u32, value: Option<u32>| *slot = value.unwrap_or(*slot);
    match entry.keyword() {
        "weight" => set(
            &mut server.weight,
            super::weight(line, 0..=MOST, diagnostics),
        ),
        "uthreshold" => set(
            &mut server.upper_threshold,
            line.number(0..=u32::MAX, LEFT_OUT, diagnostics),
        ),
        "lthreshold" => set(
            &mut server.lower_threshold,
            line.number(0..=u32::MAX, LEFT_OUT, diagnostics),
        ),
        "lvs_method" => {
            if let Some(forwarding) = method::forwarding(line, diagnostics) {
                server.forwarding = forwarding;
            }
        }
        "inhibit_on_failure" => {
            server.inhibit = line.boolean(diagnostics).unwrap_or(server.inhibit);
        }
        "notify_up" => keep(
            &mut server.notify_up,
            script::read(line, diagnostics).map(Box::new),
        ),
        "notify_down" => keep(
            &mut server.notify_down,
            script::read(line, diagnostics).map(Box::new),
        ),
        "smtp_alert" => keep(&mut server.smtp_alert, line.boolean(diagnostics)),
        "snmp_name" => keep(&mut server.snmp_name, string(line, "a name", diagnostics)),
        _ => {}
    }
}
