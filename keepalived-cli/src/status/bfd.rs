//! BFD sessions in the document, and in the table for people.

use std::fmt::Write;
use std::net::Ipv4Addr;

use bfd::{Definition, Demand, Micros, SessionConfig, State};
use keepalived_driver::Snapshot;
use keepalived_driver::bfd::BfdSnapshot;
use serde_json::{Map, Value, json};
use vrrp_fsm::TrackStatus;

use super::document::{seconds, stamp};
use crate::messages::bfd::mac_address;

/// Every session, in the order of the configuration.
pub(super) fn sessions(snapshot: &Snapshot) -> Vec<Value> {
    snapshot.bfd.iter().map(session).collect()
}

/// What belongs to no session.
pub(super) fn totals(snapshot: &Snapshot) -> Value {
    let totals = &snapshot.bfd_totals;
    let unclaimed: Map<String, Value> = reasons(&totals.rejected);
    json!({
        "packets_received": totals.received,
        "packets_sent": totals.sent,
        "echo_packets_returned": totals.echoed,
        "unclaimed_packets": unclaimed,
        "sbfd_reflector": totals.reflector.as_ref().map(|reflector| json!({
            "discriminators": reflector.config.discriminators.iter().map(|one| one.get()).collect::<Vec<_>>(),
            "admin_down": reflector.config.admin_down,
            "answered": reflector.reflected,
            "rejected": reasons(&reflector.rejected),
        })),
    })
}

fn reasons(rejections: &bfd::Rejections) -> Map<String, Value> {
    let counts = rejections.iter();
    counts
        .map(|(name, count)| (name.to_owned(), json!(count)))
        .collect()
}

fn session(taken: &BfdSnapshot) -> Value {
    let path = taken.setup.definition.path();
    let (config, asked) = match &taken.setup.definition {
        Definition::SingleHop(_, config) | Definition::Multihop(_, config) => (Some(config), None),
        Definition::Seamless(_, asked) => (None, Some(asked)),
    };
    let auth = config.map_or_else(
        || asked.and_then(|asked| asked.auth.as_ref()),
        |config| config.auth.as_ref(),
    );
    let (timers, remote, stats) = (&taken.timers, &taken.remote, &taken.stats);
    let heard = remote.discriminator.is_some();
    json!({
        "name": &*taken.setup.name,
        "kind": match taken.setup.definition {
            Definition::SingleHop(..) => "single_hop",
            Definition::Multihop(..) => "multihop",
            Definition::Seamless(..) => "seamless",
        },
        "state": taken.state.name(),
        "state_number": taken.state.bits(),
        "diagnostic": taken.diagnostic.name(),
        "tracked": match taken.tracked {
            TrackStatus::Up => "up",
            TrackStatus::Down => "down",
            _ => "unknown",
        },
        "neighbor": path.peer(),
        "source": taken.source,
        "source_wanted": path.local(),
        "source_port": taken.source_port,
        "interface": taken.setup.interface.as_ref().map(ToString::to_string),
        "reflector_discriminator": asked.map(|asked| asked.remote.get()),
        "discriminator": taken.discriminator.get(),
        "passive": config.is_some_and(|config| config.role == bfd::Role::Passive),
        "auth": auth.map(|auth| {
            json!({ "type": auth.kind().number(), "keys": auth.keys().len() })
        }),
        "detect_mult": config.map(|config| config.detect_mult.get())
            .or_else(|| asked.map(|asked| asked.detect_mult.get())),
        "transmit_interval_seconds": interval(timers.transmit_interval),
        "detection_time_seconds": timers.detection_time.map(seconds),
        "desired_min_tx_seconds": interval(timers.desired_min_tx),
        "required_min_rx_seconds": interval(timers.required_min_rx),
        "echo_wanted_seconds": config.and_then(|config| config.echo).map(interval),
        "echo_interval_seconds": timers.echo_interval.map(interval),
        "echo_round_trip_seconds": taken.echo_round_trip.map(seconds),
        "echo_via": taken.echo_via.map(mac_address),
        "demand": config.map(demand),
        "demand_active": taken.demand.0,
        "polling": taken.polling,
        "remote": heard.then(|| json!({
            "discriminator": remote.discriminator.map(bfd::Discriminator::get),
            "state": remote.state.name(),
            "diagnostic": remote.diagnostic.name(),
            "detect_mult": remote.detect_mult.map(std::num::NonZeroU8::get),
            "desired_min_tx_seconds": interval(remote.desired_min_tx),
            "required_min_rx_seconds": interval(remote.required_min_rx),
            "required_min_echo_rx_seconds": interval(remote.required_min_echo_rx),
            "demand_active": taken.demand.1,
        })),
        "heard_at": taken.heard_at.map(stamp),
        "counters": {
            "received": stats.received,
            "sent": stats.sent,
            "send_errors": taken.send_errors,
            "unsigned": stats.unsigned,
            "ups": stats.ups,
            "flaps": stats.flaps,
            "polls": stats.polls,
            "finals": stats.finals,
            "echo_sent": stats.echo_sent,
            "echo_received": stats.echo_received,
            "rejected": stats.rejected.total(),
        },
        "rejected": reasons(&stats.rejected),
        "transitions": taken.history.iter().map(|(at, transition)| json!({
            "at": stamp(*at),
            "from": transition.from.name(),
            "to": transition.to.name(),
            "reason": transition.reason.name(),
            "diagnostic": transition.diagnostic.name(),
        })).collect::<Vec<_>>(),
    })
}

fn demand(config: &SessionConfig) -> Value {
    match config.demand {
        Demand::Off => Value::Null,
        Demand::On => json!({ "verify_seconds": null }),
        Demand::Verify(every) => json!({ "verify_seconds": interval(every) }),
    }
}

fn interval(interval: Micros) -> Value {
    seconds(interval.to_duration())
}

/// One line per session.
pub(super) fn rows(document: &Value, since: &dyn Fn(&Value) -> String) -> Vec<[String; 7]> {
    let none = Vec::new();
    let sessions = document["bfd"].as_array().unwrap_or(&none);
    sessions.iter().map(|session| row(session, since)).collect()
}

/// The titles of the columns of [`rows`].
pub(super) const HEADER: [&str; 7] = [
    "BFD SESSION",
    "STATE",
    "NEIGHBOUR",
    "SEND EVERY",
    "DETECT IN",
    "FLAPS",
    "SINCE",
];

fn row(session: &Value, since: &dyn Fn(&Value) -> String) -> [String; 7] {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let up = text(&session["state"]) == State::Up.name();
    let state = match text(&session["diagnostic"]).as_str() {
        "none" => text(&session["state"]),
        _ if up => text(&session["state"]),
        reason => format!("{} ({reason})", text(&session["state"])),
    };
    let millis = |value: &Value| match value.as_f64() {
        Some(seconds) => {
            let mut text = String::new();
            // Writing to a string cannot fail.
            let _ = write!(text, "{} ms", (seconds * 1e6).round() / 1e3);
            text
        }
        None => "-".to_owned(),
    };
    let last = session["transitions"].as_array().and_then(|all| all.last());
    [
        text(&session["name"]),
        state,
        text(&session["neighbor"]),
        millis(&session["transmit_interval_seconds"]),
        millis(&session["detection_time_seconds"]),
        session["counters"]["flaps"].to_string(),
        last.map_or_else(|| "-".to_owned(), |last| since(&last["at"])),
    ]
}

/// What has become of the echo function, where it is wanted.
fn echo(session: &Value) -> Option<String> {
    let wanted = session["echo_wanted_seconds"].as_f64()?;
    let millis = |seconds: f64| (seconds * 1e6).round() / 1e3;
    let Some(every) = session["echo_interval_seconds"].as_f64() else {
        let why = match session["remote"]["required_min_echo_rx_seconds"].as_f64() {
            Some(0.0) => "the neighbour does not send them back",
            _ => "the session is not up",
        };
        return Some(format!(
            "no echo packets every {} ms: {why}",
            millis(wanted)
        ));
    };
    let via = session["echo_via"]
        .as_str()
        .unwrap_or("nobody, for want of a MAC address");
    let back = session["echo_round_trip_seconds"].as_f64();
    let back = back.map_or_else(String::new, |time| {
        format!(", back after {} ms", millis(time))
    });
    Some(format!(
        "an echo packet every {} ms via {via}{back}",
        millis(every)
    ))
}

/// Why there is no address to send from, if there is none.
fn no_source(session: &Value, document: &Value) -> Option<String> {
    if !session["source"].is_null() {
        return None;
    }
    if let Some(interface) = session["interface"].as_str() {
        let links = document["links"].as_array()?;
        if !links.iter().any(|link| link["name"] == interface) {
            return Some(format!("there is no interface {interface} to send from"));
        }
    }
    Some(match session["source_wanted"].as_str() {
        Some(wanted) => format!("{wanted}, the address to send from, is not there"),
        None => "there is no address to send from".to_owned(),
    })
}

/// Who need not send, where demand mode is wanted.
fn demand_mode(session: &Value) -> Option<String> {
    let every = session["demand"]["verify_seconds"].as_f64()?;
    let here = session["demand_active"].as_bool()?;
    let silent = if here {
        "the neighbour may be silent"
    } else {
        "not in force"
    };
    let every = (every * 1e6).round() / 1e3;
    Some(format!("demand mode, verified every {every} ms: {silent}"))
}

/// Packets that were rejected, by reason, while the session is not up: often they say why.
fn rejected(session: &Value) -> Option<String> {
    if session["state"].as_str() == Some(State::Up.name()) {
        return None;
    }
    let reasons = counted(&session["rejected"]);
    (!reasons.is_empty()).then(|| format!("packets rejected: {reasons}"))
}

/// The counters of a document that are not 0.
fn counted(counters: &Value) -> String {
    let counters = counters.as_object().into_iter().flatten();
    let counted = counters.filter(|(_, count)| count.as_u64() != Some(0));
    let counted: Vec<String> = counted
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    counted.join(", ")
}

/// A discriminator as a number, and as the address that it may have been written as.
fn discriminator(value: &Value) -> String {
    match value.as_u64().and_then(|number| u32::try_from(number).ok()) {
        Some(number @ 0x0100_0000..) => format!("{number} ({})", Ipv4Addr::from_bits(number)),
        _ => value.to_string(),
    }
}

/// Who is asked by what is no session, while there is no answer.
fn asked(session: &Value) -> Option<String> {
    let reflector = &session["reflector_discriminator"];
    let silent = session["state"].as_str() != Some(State::Up.name());
    (silent && !reflector.is_null())
        .then(|| format!("asks the S-BFD reflector {}", discriminator(reflector)))
}

/// A line about the S-BFD reflector, if there is one.
pub(super) fn reflector(document: &Value) -> Option<String> {
    let reflector = &document["bfd_totals"]["sbfd_reflector"];
    let discriminators = reflector["discriminators"].as_array()?.iter();
    let known: Vec<String> = discriminators.map(discriminator).collect();
    let closed = match reflector["admin_down"].as_bool() {
        Some(true) => ", says that it is not to be used",
        _ => "",
    };
    let mut text = format!(
        "S-BFD reflector {}: {} answered{closed}",
        known.join(", "),
        reflector["answered"],
    );
    let rejected = counted(&reflector["rejected"]);
    if !rejected.is_empty() {
        let _ = write!(text, ", packets rejected: {rejected}");
    }
    Some(text)
}

/// What needs explaining, and when each of the last transitions was, and why, for sessions that have
/// had trouble.
pub(super) fn notes(document: &Value, local: &dyn Fn(&Value) -> String) -> String {
    let none = Vec::new();
    let mut text = String::new();
    for session in document["bfd"].as_array().unwrap_or(&none) {
        let name = session["name"].as_str().unwrap_or_default();
        let up = session["state"].as_str() == Some(State::Up.name());
        let flaps = session["counters"]["flaps"].as_u64().unwrap_or(0);
        let lines = [
            no_source(session, document),
            asked(session),
            echo(session),
            demand_mode(session),
            rejected(session),
        ];
        for line in lines.into_iter().flatten() {
            let _ = writeln!(text, "{name}: {line}");
        }
        if up && flaps == 0 {
            continue;
        }
        let transitions = session["transitions"].as_array().unwrap_or(&none);
        for transition in transitions {
            let word = |key: &str| transition[key].as_str().unwrap_or("-").to_owned();
            let _ = writeln!(
                text,
                "{name}: {} {} -> {}: {}",
                local(&transition["at"]),
                word("from"),
                word("to"),
                word("reason")
            );
        }
    }
    text
}
