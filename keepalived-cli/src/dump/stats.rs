//! `keepalived.stats`: features 32.7.

use std::fmt::Write;

use keepalived_driver::Snapshot;
use vrrp_fsm::Stats;

use super::json::{Counters, extension};

/// Counters of every instance.
pub(super) fn text(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    for instance in &snapshot.instances {
        let setup = &instance.setup;
        section(
            &mut text,
            &setup.name,
            &instance.stats,
            setup.fsm.hmac.is_some(),
        );
    }
    text
}

pub(super) fn section(text: &mut String, name: &str, stats: &Stats, signed: bool) {
    let counters = Counters::of(stats);
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "VRRP Instance: {name}\n\
         \x20 Advertisements:\n\
         \x20   Received: {}\n\
         \x20   Sent: {}\n\
         \x20 Became master: {}\n\
         \x20 Released master: {}\n\
         \x20 Packet Errors:\n\
         \x20   Length: {}\n\
         \x20   TTL: {}\n\
         \x20   Invalid Type: {}\n\
         \x20   Advertisement Interval: {}\n\
         \x20   Address List: {}\n\
         \x20 Authentication Errors:\n\
         \x20   Invalid Type: {}\n\
         \x20   Type Mismatch: {}\n\
         \x20   Failure: {}\n",
        stats.adverts_received,
        counters.adverts_sent,
        stats.became_active,
        stats.released_active,
        counters.length,
        counters.hop_limit,
        counters.invalid_type,
        counters.interval,
        counters.address_list,
        counters.auth_type_invalid,
        counters.auth_type_mismatch,
        counters.auth_failure,
    );
    if signed {
        text.push_str("  Authentication Extension Errors:\n");
        for (_, words, count) in extension(stats) {
            let _ = writeln!(text, "    {words}: {count}");
        }
    }
    let _ = write!(
        text,
        "\x20 Priority Zero:\n\
         \x20   Received: {}\n\
         \x20   Sent: {}\n",
        stats.priority_zero_received, stats.priority_zero_sent,
    );
}
