//! Services, servers and checks: in the document, and as a table.

use std::collections::HashMap;

use healthcheck::{Health, WeightChange};
use ipvs::{DestinationStatus, ServiceFlags, ServiceKey, ServiceStatus, SyncRole};
use keepalived_driver::balance::{
    BalanceSnapshot, CheckSetup, CheckSnapshot, ProbeSetup, ServerSetup, ServerSnapshot,
    ServiceSnapshot,
};
use serde_json::{Value, json};

use super::document::{seconds, stamp};
use crate::dump::forward;
use crate::lower::NO_BFD;

/// What the kernel has.
struct Kernel<'a> {
    /// It has an IPVS.
    there: bool,
    /// What it counted, by the key of the service.
    counted: HashMap<ServiceKey, &'a (ServiceStatus, Vec<DestinationStatus>)>,
}

/// Everything about services.
pub(super) fn document(snapshot: &BalanceSnapshot) -> Value {
    let ipvs = &snapshot.ipvs;
    let counted = ipvs.counters.services.iter();
    let kernel = Kernel {
        there: ipvs.info.is_some(),
        counted: counted.map(|one| (one.0.service.key, one)).collect(),
    };
    let version = ipvs.info.map(|info| {
        let (major, minor, patch) = info.version_parts();
        format!("{major}.{minor}.{patch}")
    });
    let turns = &snapshot.turns;
    json!({
        "taken_at": stamp(snapshot.taken_at),
        "started_at": stamp(snapshot.started_at),
        "services": snapshot.services.iter().map(|one| service(one, &kernel)).collect::<Vec<_>>(),
        "ipvs": {
            "version": version,
            "unavailable": ipvs.unavailable,
            "settled": ipvs.settled,
            "refused": ipvs.refused.iter().map(|(change, reason)| json!({
                "change": change,
                "reason": reason,
            })).collect::<Vec<_>>(),
            "services_wanted": ipvs.services,
            "destinations_wanted": ipvs.destinations,
            "changes": ipvs.changes,
            "repairs": ipvs.repairs,
            "dumps": ipvs.dumps,
            "last_dump_seconds": seconds(ipvs.dump_took),
            "sync_daemons": ipvs.sync.iter().map(|role| match role {
                SyncRole::Master => "master",
                SyncRole::Backup => "backup",
            }).collect::<Vec<_>>(),
        },
        "marks": snapshot.marks.as_ref().map(|marks| json!({
            "table": marks.table,
            "in_force": marks.in_force,
            "trouble": marks.trouble,
            "repairs": marks.repairs,
        })),
        "loop": {
            "turns": turns.turns,
            "attempts": turns.attempts,
            "failed_attempts": turns.failures,
            "running": turns.running,
            "waiting": turns.waiting,
            "worst_lateness_seconds": seconds(turns.worst_lateness),
        },
    })
}

fn service(taken: &ServiceSnapshot, kernel: &Kernel<'_>) -> Value {
    let setup = &taken.setup;
    let first = setup.services.first();
    let flags = first.map_or(ServiceFlags::NONE, |service| service.flags);
    let keys = taken
        .services()
        .iter()
        .map(|service| service.key.to_string());
    let servers = setup.servers.iter().zip(&taken.servers);
    let servers = servers.map(|(setup, state)| server(setup, state, taken, kernel));
    json!({
        "name": &*setup.label,
        "state": word(taken.quorum),
        "quorum": setup.quorum,
        "hysteresis": setup.hysteresis,
        "panic_threshold": setup.panic_below,
        "drain_seconds": setup.drain.as_secs_f64(),
        "live_weight": taken.live,
        "sorry_server": setup.sorry.as_ref().map(|sorry| json!({
            "name": &*sorry.label,
            "serves": taken.sorry,
            "inhibit": sorry.inhibit,
        })),
        "suspended": taken.suspended,
        "transitions": taken.transitions,
        "last_transition": stamp(taken.since),
        "scheduler": first.map(|service| service.scheduler.to_string()),
        "scheduler_flags": [
            flags.contains(ServiceFlags::SCHEDULER_1),
            flags.contains(ServiceFlags::SCHEDULER_2),
            flags.contains(ServiceFlags::SCHEDULER_3),
        ],
        "one_packet": flags.contains(ServiceFlags::ONE_PACKET),
        "persistence_seconds": first
            .and_then(|service| service.persistence)
            .map(|persistence| persistence.timeout),
        "mark": taken.mark,
        "kernel_services": keys.collect::<Vec<_>>(),
        "counters": counters(taken, kernel),
        "servers": servers.collect::<Vec<_>>(),
        "draining": taken.draining.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// Those of all kernel services of one virtual server together.
fn counters(taken: &ServiceSnapshot, kernel: &Kernel<'_>) -> Value {
    let ours = taken.services().iter();
    let mut sum = [0_u64; 5];
    let mut any = false;
    for (status, _) in ours.filter_map(|service| kernel.counted.get(&service.key)) {
        any = true;
        add(&mut sum, &status.counters);
    }
    if any { numbers(&sum) } else { Value::Null }
}

fn add(sum: &mut [u64; 5], counters: &ipvs::Counters) {
    let more = [
        counters.connections,
        counters.in_packets,
        counters.out_packets,
        counters.in_bytes,
        counters.out_bytes,
    ];
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum = sum.saturating_add(more);
    }
}

fn numbers([connections, packets_in, packets_out, octets_in, octets_out]: &[u64; 5]) -> Value {
    json!({
        "connections": connections,
        "packets_in": packets_in,
        "packets_out": packets_out,
        "octets_in": octets_in,
        "octets_out": octets_out,
    })
}

fn server(
    setup: &ServerSetup,
    state: &ServerSnapshot,
    service: &ServiceSnapshot,
    kernel: &Kernel<'_>,
) -> Value {
    let checks = setup.checks.iter().zip(&state.checks);
    let ours = service.services().iter();
    let found = ours.filter_map(|service| Some((service, kernel.counted.get(&service.key)?)));
    let found = found.flat_map(|(service, (_, servers))| {
        let here = setup.destination.within(&service.key).key;
        servers
            .iter()
            .filter(move |status| status.destination.key == here)
    });
    let (mut sum, mut active, mut inactive, mut any) = ([0; 5], 0_u64, 0_u64, false);
    for status in found {
        any = true;
        add(&mut sum, &status.counters);
        active = active.saturating_add(status.active.into());
        inactive = inactive.saturating_add(status.inactive.into());
    }
    json!({
        "name": &*setup.label,
        "state": word(state.up),
        "address": setup.destination.key.address,
        "port": setup.destination.key.port,
        "forwarding": forward(setup.destination.forward),
        "weight": setup.destination.weight,
        "effective_weight": state.weight,
        "weight_in_kernel": state.placed.filter(|_| kernel.there),
        "inhibit": setup.inhibit,
        "transitions": state.transitions,
        "last_transition": stamp(state.since),
        "counters": if any { numbers(&sum) } else { Value::Null },
        "active_connections": any.then_some(active),
        "inactive_connections": any.then_some(inactive),
        "checks": checks.map(|(setup, state)| check(setup, state)).collect::<Vec<_>>(),
    })
}

fn check(setup: &CheckSetup, state: &CheckSnapshot) -> Value {
    json!({
        "kind": setup.probe.word(),
        "target": target(&setup.probe),
        "state": word(state.health == Health::Up),
        "known": state.known,
        "suspended": state.suspended,
        "running": state.running,
        "weight": match state.weight {
            WeightChange::None => Value::Null,
            WeightChange::To(weight) => json!({ "to": weight }),
            WeightChange::By(change) => json!({ "by": change }),
        },
        "interval_seconds": setup.schedule.interval.map(seconds),
        "attempts": state.attempts,
        "failed_attempts": state.failures,
        "retry": setup.schedule.retries,
        "retries_begun": state.progress.retries,
        "fall": setup.schedule.fall,
        "failed_in_a_row": state.progress.failed,
        "rise": setup.schedule.rise,
        "passed_in_a_row": state.progress.passed,
        "transitions": state.transitions,
        "last_transition": stamp(state.since),
        "last_failure": state.last_failure.as_ref().map(|(at, failure)| json!({
            "at": stamp(*at),
            "reason": failure.to_string(),
        })),
        "next": state.next.map(stamp),
    })
}

/// Where a check connects to: with its port, if there are ports.
fn target(probe: &ProbeSetup) -> Option<String> {
    let to = probe.target()?.to;
    Some(match probe {
        ProbeSetup::Ping { .. } => to.ip().to_string(),
        _ => to.to_string(),
    })
}

const fn word(up: bool) -> &'static str {
    if up { "UP" } else { "DOWN" }
}

/// Titles of the table.
pub(super) const HEADER: [&str; 5] = ["SERVICE / SERVER", "STATE", "WEIGHT", "CHECKS", "SINCE"];

/// A row for each service, then one for each of its servers. `since` writes a time.
pub(super) fn rows(document: &Value, since: &dyn Fn(&Value) -> String) -> Vec<[String; 5]> {
    let none = Vec::new();
    let list = |value: &Value| value.as_array().unwrap_or(&none).clone();
    let mut rows = Vec::new();
    for service in list(&document["balance"]["services"]) {
        let state = match (&service["sorry_server"]["serves"], &service["suspended"]) {
            (Value::Bool(true), _) => format!("{}, sorry", text(&service["state"])),
            (_, Value::Bool(true)) => format!("{}, suspended", text(&service["state"])),
            _ => text(&service["state"]).to_owned(),
        };
        let weight = format!("{} of {} needed", service["live_weight"], service["quorum"]);
        let servers = list(&service["servers"]);
        let up = servers.iter().filter(|one| one["state"] == "UP").count();
        rows.push([
            match service["mark"].as_u64() {
                Some(mark) => format!("{} (mark {mark})", text(&service["name"])),
                None => text(&service["name"]).to_owned(),
            },
            state,
            weight,
            format!("{up} of {} servers up", servers.len()),
            since(&service["last_transition"]),
        ]);
        rows.extend(servers.iter().map(|one| server_row(one, since)));
    }
    rows
}

fn server_row(server: &Value, since: &dyn Fn(&Value) -> String) -> [String; 5] {
    let (weight, effective) = (&server["weight"], &server["effective_weight"]);
    let weight = if weight == effective {
        weight.to_string()
    } else {
        format!("{effective} (base {weight})")
    };
    let none = Vec::new();
    let checks = server["checks"].as_array().unwrap_or(&none);
    let checks: Vec<String> = checks
        .iter()
        .map(|check| {
            let state = match (text(&check["state"]), &check["known"]) {
                (_, Value::Bool(false)) => "not yet",
                ("UP", _) => "ok",
                _ => "failed",
            };
            format!("{} {state}{}", text(&check["kind"]), progress(check))
        })
        .collect();
    let checks = if checks.is_empty() {
        "none".to_owned()
    } else {
        checks.join(", ")
    };
    [
        format!("  {}", text(&server["name"])),
        text(&server["state"]).to_owned(),
        weight,
        checks,
        since(&server["last_transition"]),
    ]
}

/// How far a check is on the way to another verdict, in brackets.
fn progress(check: &Value) -> String {
    let number = |name: &str| check[name].as_u64().unwrap_or(0);
    let [failed, retries, passed] =
        ["failed_in_a_row", "retries_begun", "passed_in_a_row"].map(number);
    let mut parts = Vec::new();
    if failed > 0 {
        parts.push(format!("failed {failed} of {}", number("fall")));
    }
    if retries > 0 {
        parts.push(format!("retry {retries} of {}", number("retry")));
    }
    if passed > 0 {
        parts.push(format!("passed {passed} of {}", number("rise")));
    }
    match parts.is_empty() {
        true => String::new(),
        false => format!(" ({})", parts.join("; ")),
    }
}

/// What needs explaining: a kernel without IPVS, what it refuses, why checks fail.
pub(super) fn notes(document: &Value) -> String {
    let balance = &document["balance"];
    let mut notes = String::new();
    let mut note = |line: String| {
        notes.push_str(&line);
        notes.push('\n');
    };
    let none = Vec::new();
    if let Some(why) = balance["ipvs"]["unavailable"].as_str() {
        note(format!("IPVS: not there, nothing is balanced: {why}"));
    }
    if let Some(why) = balance["marks"]["trouble"].as_str() {
        note(match &balance["marks"] {
            marks if marks["in_force"] == true => {
                format!("Marks: set in table {}: {why}", text(&marks["table"]))
            }
            _ => format!("Marks: each address of a group is a service of its own: {why}"),
        });
    }
    for refused in balance["ipvs"]["refused"].as_array().unwrap_or(&none) {
        let (change, reason) = (text(&refused["change"]), text(&refused["reason"]));
        note(format!("IPVS: refused {change}: {reason}"));
    }
    for service in balance["services"].as_array().unwrap_or(&none) {
        for leaving in service["draining"].as_array().unwrap_or(&none) {
            let (leaving, name) = (text(leaving), text(&service["name"]));
            note(format!(
                "{leaving} of {name}: removed, and stays with weight 0 until its time to drain is over"
            ));
        }
        for server in service["servers"].as_array().unwrap_or(&none) {
            for check in server["checks"].as_array().unwrap_or(&none) {
                if document["bfd_disabled"] == true
                    && text(&check["kind"]) == "BFD_CHECK"
                    && text(&check["state"]) == "UP"
                {
                    note(format!(
                        "{} of {}: BFD_CHECK: {NO_BFD}: it is up, whatever becomes of the server",
                        text(&server["name"]),
                        text(&service["name"]),
                    ));
                }
                let why = &check["last_failure"]["reason"];
                if let (Some("DOWN"), Some(why)) = (check["state"].as_str(), why.as_str()) {
                    note(format!(
                        "{} of {}: {}: {why}",
                        text(&server["name"]),
                        text(&service["name"]),
                        text(&check["kind"])
                    ));
                }
            }
        }
    }
    notes
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_says_how_far_it_is_on_the_way_to_another_verdict() {
        let said = |failed: u32, retries: u32, passed: u32| {
            progress(&json!({
                "fall": 3, "failed_in_a_row": failed,
                "retry": 2, "retries_begun": retries,
                "rise": 4, "passed_in_a_row": passed,
            }))
        };
        assert_eq!(said(0, 0, 0), "");
        assert_eq!(said(0, 1, 0), " (retry 1 of 2)");
        assert_eq!(said(2, 1, 0), " (failed 2 of 3; retry 1 of 2)");
        assert_eq!(said(0, 0, 3), " (passed 3 of 4)");
    }

    /// CHK-18: ICMP has no ports.
    #[test]
    fn a_ping_has_an_address_for_a_target_and_others_have_a_port_too() {
        let to = |text: &str| healthcheck::Target::new(text.parse().unwrap());
        let timeout = std::time::Duration::from_secs(1);
        for (ip, said) in [
            ("192.0.2.1:0", "192.0.2.1"),
            ("[2001:db8::1]:0", "2001:db8::1"),
        ] {
            let target = to(ip);
            assert_eq!(
                super::target(&ProbeSetup::Ping { target, timeout }).as_deref(),
                Some(said)
            );
        }
        let target = to("[2001:db8::1]:80");
        let tcp = ProbeSetup::Tcp { target, timeout };
        assert_eq!(super::target(&tcp).as_deref(), Some("[2001:db8::1]:80"));
    }

    #[test]
    fn a_server_that_is_removed_and_drains_is_told_of() {
        let service = json!({ "name": "VS", "draining": ["10.9.0.12:80"], "servers": [] });
        let document = json!({ "balance": { "services": [service] } });
        let said = "10.9.0.12:80 of VS: removed, and stays with weight 0 until its time to drain is over\n";
        assert_eq!(notes(&document), said);
    }
}
