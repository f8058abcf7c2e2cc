//! The document as a table for people.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::{balance, bfd, refusal, trackers};

/// One line per instance, and what needs explaining below it. `local` writes a time of day.
pub(super) fn table(
    document: &Value,
    local: &dyn Fn(SystemTime) -> String,
    now: SystemTime,
) -> String {
    let empty = Vec::new();
    let instances = document["instances"].as_array().unwrap_or(&empty);
    let mut text = format!(
        "keepalived-rs {}, process {}, running since {}\n\n",
        word(&document["version"]),
        document["pid"],
        time(&document["started_at"]).map_or_else(String::new, local),
    );
    if let Some(note) = refusal::note(document, &|at| since(at, local, now)) {
        text.push_str(&note);
        text.push('\n');
    }
    let sessions = bfd::rows(document, &|at| since(at, local, now));
    let services = balance::rows(document, &|at| since(at, local, now));
    let reflector = bfd::reflector(document);
    if instances.is_empty() && sessions.is_empty() && services.is_empty() && reflector.is_none() {
        text.push_str("Neither virtual routers nor services are configured.\n");
        return text;
    }
    if !instances.is_empty() {
        let header = [
            "INSTANCE",
            "STATE",
            "PRIORITY",
            "INTERFACE",
            "ACTIVE ROUTER",
            "ADDRESSES",
            "SINCE",
        ];
        let rows = instances.iter().map(|instance| row(instance, local, now));
        columns(&mut text, header, &rows.collect::<Vec<_>>());
    }
    let groups = document["groups"].as_array().unwrap_or(&empty);
    if !groups.is_empty() {
        text.push('\n');
        let since = |at: &Value| since(at, local, now);
        let rows = groups.iter().map(|one| group(one, instances, &since));
        let header = ["GROUP", "STATE", "MEMBERS", "SINCE"];
        columns(&mut text, header, &rows.collect::<Vec<_>>());
    }
    let tracked = trackers::rows(document, &|at| since(at, local, now));
    if !tracked.is_empty() {
        text.push('\n');
        columns(&mut text, trackers::HEADER, &tracked);
    }
    let filter = filter_note(&document["firewall"]);
    let notes: Vec<String> = instances.iter().filter_map(note).chain(filter).collect();
    if !notes.is_empty() {
        text.push('\n');
        notes.iter().for_each(|note| text.push_str(note));
    }
    if let Some(lost @ 1..) = document["log"]["lines_lost"].as_u64() {
        let _ = writeln!(text, "\n{lost} log lines were lost.");
    }
    if !sessions.is_empty() {
        if !instances.is_empty() {
            text.push('\n');
        }
        columns(&mut text, bfd::HEADER, &sessions);
        let notes = bfd::notes(document, &|at| time(at).map_or_else(String::new, local));
        if !notes.is_empty() {
            text.push('\n');
            text.push_str(&notes);
        }
    }
    if let Some(reflector) = &reflector {
        if !(instances.is_empty() && sessions.is_empty()) {
            text.push('\n');
        }
        text.push_str(reflector);
        text.push('\n');
    }
    if !services.is_empty() {
        if !(instances.is_empty() && sessions.is_empty() && reflector.is_none()) {
            text.push('\n');
        }
        columns(&mut text, balance::HEADER, &services);
        let notes = balance::notes(document);
        if !notes.is_empty() {
            text.push('\n');
            text.push_str(&notes);
        }
    }
    text
}

/// Why the packet filter is not as it is wanted. FW-02, FW-05.
fn filter_note(filter: &Value) -> Option<String> {
    let why = filter["trouble"].as_str()?;
    let table = filter["table"].as_str().unwrap_or_default();
    Some(if filter["in_force"] == true {
        format!("Packet filter: in table {table}: {why}\n")
    } else {
        format!("Packet filter: not there: {why}\n")
    })
}

/// A group: its members, and which of them are at fault by themselves.
fn group(group: &Value, instances: &[Value], since: &dyn Fn(&Value) -> String) -> [String; 4] {
    let none = Vec::new();
    let members = group["members"].as_array().unwrap_or(&none);
    let faults = |name: &str| {
        let known = instances.iter().find(|one| word(&one["name"]) == name)?;
        // That of the group is what the others are at fault for.
        let faults = known["faults"].as_array()?.iter();
        Some(faults.filter(|fault| **fault != "sync_group").count())
    };
    let members = members.iter().map(word).map(|name| match faults(name) {
        Some(1..) => format!("{name} (at fault)"),
        _ => name.to_owned(),
    });
    [
        word(&group["name"]).to_owned(),
        word(&group["state"]).to_owned(),
        members.collect::<Vec<_>>().join(", "),
        since(&group["last_transition"]["at"]),
    ]
}

/// A title and rows, each column as wide as its widest cell.
fn columns<const N: usize>(text: &mut String, header: [&str; N], rows: &[[String; N]]) {
    let header = header.map(str::to_owned);
    let all = || std::iter::once(&header).chain(rows);
    let width = |column: usize| {
        all()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
    for row in all() {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a string cannot fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

/// A time of day, and how long ago that was.
fn since(at: &Value, local: &dyn Fn(SystemTime) -> String, now: SystemTime) -> String {
    time(at).map_or_else(
        || "-".to_owned(),
        |at| {
            let ago = ago(now.duration_since(at).unwrap_or_default());
            format!("{} ({ago} ago)", local(at))
        },
    )
}

fn row(instance: &Value, local: &dyn Fn(SystemTime) -> String, now: SystemTime) -> [String; 7] {
    let (base, effective) = (&instance["priority"], &instance["effective_priority"]);
    let priority = if base == effective {
        base.to_string()
    } else {
        format!("{effective} (base {base})")
    };
    let active = &instance["active_router"];
    let active = match (&active["address"], active["self"].as_bool()) {
        (_, Some(true)) => "this one".to_owned(),
        (Value::String(address), _) => format!("{address}, priority {}", active["priority"]),
        _ => "-".to_owned(),
    };
    let none = Vec::new();
    let addresses = instance["addresses"].as_array().unwrap_or(&none);
    let set = addresses
        .iter()
        .filter(|address| address["set"] == true)
        .count();
    let addresses = match (set, addresses.len()) {
        (0, all) => format!("none of {all} set"),
        (set, all) if set == all => format!("all {all} set"),
        (set, all) => format!("{set} of {all} set"),
    };
    let since = since(&instance["last_transition"]["at"], local, now);
    [
        word(&instance["name"]).to_owned(),
        word(&instance["state"]).to_owned(),
        priority,
        word(&instance["interface"]).to_owned(),
        active,
        addresses,
        since,
    ]
}

/// What needs explaining about an instance: why it does not run, what it refuses.
fn note(instance: &Value) -> Option<String> {
    let name = word(&instance["name"]);
    let mut text = String::new();
    let reason = word(&instance["last_transition"]["text"]);
    if !reason.is_empty() {
        let _ = writeln!(text, "{name}: last changed because {reason}");
    }
    let faults = word(&instance["fault_text"]);
    if !faults.is_empty() {
        let _ = writeln!(text, "{name}: {faults}");
    }
    let none = Vec::new();
    let details = instance["fault_details"].as_array().unwrap_or(&none).iter();
    for detail in details.chain([&instance["hold"]]).filter_map(Value::as_str) {
        let _ = writeln!(text, "{name}:   {detail}");
    }
    let rejected: Vec<String> = instance["rejected"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, count)| count.as_u64().is_some_and(|count| count > 0))
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    if !rejected.is_empty() {
        let _ = writeln!(text, "{name}: packets rejected: {}", rejected.join(", "));
    }
    (!text.is_empty()).then_some(text)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn time(value: &Value) -> Option<SystemTime> {
    let stamp: jiff::Timestamp = value.as_str()?.parse().ok()?;
    Some(stamp.into())
}

/// `42 s`, `3 min`, `5 h 7 min`, `12 d 3 h`.
fn ago(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {} min", minutes % 60),
        (days, hours, _) => format!("{days} d {} h", hours % 24),
    }
}
