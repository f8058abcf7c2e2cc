//! What is tracked, in the document of `status` and in the table for people.

use keepalived_driver::TrackerSnapshot;
use keepalived_driver::tracked::{TrackedObject, Watch};
use serde_json::{Value, json};
use vrrp_fsm::TrackStatus;

use super::document::stamp;

/// One tracker: how its object is, since when, what was found, and who uses it.
pub(super) fn one(tracker: &TrackerSnapshot) -> Value {
    let setup = &tracker.setup;
    let facts = tracker.facts.clone().unwrap_or_default();
    let value = match tracker.status {
        TrackStatus::Value(value) => json!(value),
        _ => Value::Null,
    };
    json!({
        "kind": setup.id.kind.word(),
        "name": &*setup.id.name,
        "state": state(tracker.status),
        "value": value,
        "since": stamp(tracker.since),
        "used_by": tracker.users.iter().map(|user| &**user).collect::<Vec<_>>(),
        "runs": facts.runs,
        "exit_code": facts.exit_code,
        "matching": facts.matching,
        "outcome": facts.outcome,
        "watches": watches(&setup.watch),
    })
}

/// A tracker as an instance uses it.
pub(super) fn used(tracked: &TrackedObject) -> Value {
    json!({
        "kind": tracked.tracker.kind.word(),
        "name": &*tracked.tracker.name,
        "weight": tracked.influence.weight,
        "reverse": tracked.influence.reverse,
    })
}

fn state(status: TrackStatus) -> &'static str {
    match status {
        TrackStatus::Unknown => "unknown",
        TrackStatus::Up => "up",
        TrackStatus::Down => "down",
        TrackStatus::Value(_) => "value",
    }
}

fn watches(watch: &Watch) -> Value {
    match watch {
        Watch::Script(check) => json!({
            "command": check.command.display(),
            "interval_seconds": check.interval.as_secs_f64(),
            "timeout_seconds": check.timeout.as_secs_f64(),
            "rise": check.rise,
            "fall": check.fall,
            "init_fail": check.init_fail,
        }),
        Watch::File(file) => json!({ "path": file.path.to_string_lossy() }),
        Watch::Process(process) => json!({
            "process": process.process.to_string_lossy(),
            "arguments": process
                .arguments
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect::<Vec<_>>(),
            "full_command": process.full_command,
            "quorum": process.quorum,
            "quorum_max": process.quorum_max,
            "fork_delay_seconds": process.fork_delay.as_secs_f64(),
            "terminate_delay_seconds": process.terminate_delay.as_secs_f64(),
        }),
        Watch::Bfd => Value::Null,
    }
}

/// The titles of the columns of [`rows`].
pub(super) const HEADER: [&str; 5] = ["TRACKED", "STATE", "FOUND", "USED BY", "SINCE"];

/// One line per tracked object; sessions of BFD have a table of their own, which says more, but not
/// who uses them.
pub(super) fn rows(document: &Value, since: &dyn Fn(&Value) -> String) -> Vec<[String; 5]> {
    let none = Vec::new();
    let trackers = document["trackers"].as_array().unwrap_or(&none);
    let row = |tracker: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let state = match &tracker["value"] {
            Value::Null => text(&tracker["state"]),
            value => format!("number {value}"),
        };
        [
            format!("{} {}", text(&tracker["kind"]), text(&tracker["name"])),
            state,
            found(tracker),
            users(tracker, document),
            since(&tracker["since"]),
        ]
    };
    trackers.iter().map(row).collect()
}

/// What the last look at it has shown.
fn found(tracker: &Value) -> String {
    if let Some(number) = tracker["matching"].as_u64() {
        let (least, most) = (
            &tracker["watches"]["quorum"],
            &tracker["watches"]["quorum_max"],
        );
        return match most {
            Value::Null => format!("{number} processes of at least {least}"),
            most => format!("{number} processes, {least} to {most} wanted"),
        };
    }
    match (&tracker["outcome"], tracker["runs"].as_u64()) {
        (Value::String(outcome), Some(runs)) => format!("{outcome}, run {runs}"),
        (Value::String(outcome), None) => outcome.clone(),
        _ => "-".to_owned(),
    }
}

/// Who uses it, and what it does to them.
fn users(tracker: &Value, document: &Value) -> String {
    let none = Vec::new();
    let instances = document["instances"].as_array().unwrap_or(&none);
    let uses = instances.iter().filter_map(|instance| {
        let tracked = instance["tracked_objects"].as_array()?;
        let used = tracked
            .iter()
            .find(|used| used["kind"] == tracker["kind"] && used["name"] == tracker["name"])?;
        let name = instance["name"].as_str()?;
        let reverse = if used["reverse"] == true {
            ", reverse"
        } else {
            ""
        };
        let file = tracker["kind"] == "file";
        Some(match used["weight"].as_i64().unwrap_or(0) {
            weight if file && weight != 0 => format!("{name} (times {weight}{reverse})"),
            0 => format!("{name} (fault{reverse})"),
            weight => format!("{name} ({weight:+}{reverse})"),
        })
    });
    let uses: Vec<String> = uses.collect();
    match uses.as_slice() {
        [] => "-".to_owned(),
        few if few.len() <= MOST_SHOWN => few.join(", "),
        many => format!(
            "{} and {} more",
            many[..MOST_SHOWN].join(", "),
            many.len() - MOST_SHOWN
        ),
    }
}

/// More users than this are counted only.
const MOST_SHOWN: usize = 4;
