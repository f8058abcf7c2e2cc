//! What is tracked, in `keepalived.data`: the sections of scripts, files and processes.

use std::fmt::Write;
use std::time::Duration;

use keepalived_driver::tracked::{
    FileWatch, ProcessWatch, ScriptCheck, TrackedObject, TrackerKind, Watch,
};
use keepalived_driver::{Snapshot, TrackerSnapshot};
use vrrp_fsm::TrackStatus;

/// Appends a line; writing to a string cannot fail.
macro_rules! line {
    ($text:expr, $($format:tt)*) => {{
        let _ = writeln!($text, $($format)*);
    }};
}

/// What one instance tracks, as keepalived writes it.
pub(super) fn used(text: &mut String, tracked: &[TrackedObject]) {
    for (kind, title) in [
        (TrackerKind::Script, "Tracked scripts"),
        (TrackerKind::File, "Tracked files"),
        (TrackerKind::Process, "Tracked processes"),
        (TrackerKind::Bfd, "Tracked BFDs"),
    ] {
        let mut all = tracked
            .iter()
            .filter(|one| one.tracker.kind == kind)
            .peekable();
        if all.peek().is_some() {
            line!(text, "   {title} :");
        }
        for one in all {
            // As keepalived has it, each in its own way.
            let comma = match kind {
                TrackerKind::Script => "",
                TrackerKind::File | TrackerKind::Process => ",",
                TrackerKind::Bfd => ":",
            };
            line!(text, "     {}{comma} {}", one.tracker.name, weight(one));
        }
    }
}

fn weight(tracked: &TrackedObject) -> String {
    let reverse = if tracked.influence.reverse {
        " reverse"
    } else {
        ""
    };
    format!("weight {}{reverse}", tracked.influence.weight)
}

/// The sections of all trackers.
pub(super) fn sections(text: &mut String, snapshot: &Snapshot) {
    let mut title = None;
    for kind in [TrackerKind::Script, TrackerKind::File, TrackerKind::Process] {
        for tracker in &snapshot.trackers {
            let section = match (&tracker.setup.watch, kind) {
                (Watch::Script(_), TrackerKind::Script) => "VRRP Scripts",
                (Watch::File(_), TrackerKind::File) => "VRRP Track files",
                (Watch::Process(_), TrackerKind::Process) => "VRRP Track processes",
                _ => continue,
            };
            if title != Some(section) {
                line!(text, "------< {section} >------");
                title = Some(section);
            }
            match &tracker.setup.watch {
                Watch::Script(check) => script(text, tracker, check),
                Watch::File(watch) => file(text, tracker, watch),
                Watch::Process(watch) => process(text, tracker, watch),
                Watch::Bfd => {}
            }
            users(text, tracker, snapshot);
        }
    }
}

fn script(text: &mut String, tracker: &TrackerSnapshot, check: &ScriptCheck) {
    let facts = tracker.facts.clone().unwrap_or_default();
    line!(text, " VRRP Script = {}", tracker.setup.id.name);
    line!(text, "   Command = {}", check.command.display());
    line!(text, "   Interval = {} sec", seconds(check.interval));
    line!(text, "   Timeout = {} sec", seconds(check.timeout));
    line!(text, "   Rise = {}", check.rise);
    line!(text, "   Fall = {}", check.fall);
    line!(text, "   Runs = {}", facts.runs);
    if let Some(outcome) = &facts.outcome {
        line!(text, "   Last run = {outcome}");
    }
    if check.init_fail {
        line!(text, "   Init state = FAILED");
    }
    let status = match tracker.status {
        TrackStatus::Up => "GOOD",
        TrackStatus::Down => "BAD",
        _ => "INIT",
    };
    line!(text, "   Status = {status}");
    let number = |id: Option<u32>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let (uid, gid) = (number(check.command.uid), number(check.command.gid));
    line!(text, "   Script uid:gid = {uid}:{gid}");
}

fn file(text: &mut String, tracker: &TrackerSnapshot, watch: &FileWatch) {
    line!(text, " Track file = {}", tracker.setup.id.name);
    line!(text, "   File = {}", watch.path.display());
    match tracker.status {
        TrackStatus::Value(value) => line!(text, "   Status = {value}"),
        _ => line!(text, "   Status = not read yet"),
    }
}

fn process(text: &mut String, tracker: &TrackerSnapshot, watch: &ProcessWatch) {
    let facts = tracker.facts.clone().unwrap_or_default();
    line!(text, " VRRP Track process = {}", tracker.setup.id.name);
    line!(text, "   Process = {}", watch.process.to_string_lossy());
    if !watch.arguments.is_empty() {
        let words: Vec<_> = watch
            .arguments
            .iter()
            .map(|word| word.to_string_lossy())
            .collect();
        line!(text, "   Parameters = {}", words.join(" "));
    }
    line!(text, "   Min processes = {}", watch.quorum);
    if let Some(most) = watch.quorum_max {
        line!(text, "   Max processes = {most}");
    }
    line!(
        text,
        "   Current processes = {}",
        facts.matching.unwrap_or(0)
    );
    line!(
        text,
        "   Have quorum = {}",
        tracker.status == TrackStatus::Up
    );
    line!(
        text,
        "   Terminate delay = {:.6}s",
        watch.terminate_delay.as_secs_f64()
    );
    line!(
        text,
        "   Fork delay = {:.6}s",
        watch.fork_delay.as_secs_f64()
    );
    line!(text, "   Full command = {}", watch.full_command);
}

fn users(text: &mut String, tracker: &TrackerSnapshot, snapshot: &Snapshot) {
    line!(text, "   Tracking instances :");
    for instance in &snapshot.instances {
        let setup = &instance.setup;
        let mut uses = setup.trackers.iter();
        if let Some(used) = uses.find(|used| used.tracker == tracker.setup.id) {
            line!(text, "     {}, {}", setup.name, weight(used));
        }
    }
}

fn seconds(duration: Duration) -> String {
    duration.as_secs_f64().to_string()
}

/// Names of the tracked objects of one kind, for JSON.
pub(super) fn names(tracked: &[TrackedObject], kind: TrackerKind) -> impl Iterator<Item = String> {
    let of_kind = tracked.iter().filter(move |one| one.tracker.kind == kind);
    of_kind.map(|one| one.tracker.name.to_string())
}
