//! What is tracked, in the document of `status`.

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
