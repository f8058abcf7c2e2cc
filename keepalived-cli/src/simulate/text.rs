//! The document for people: what happened, line by line; who was what, as bars; and what it came to.

use std::fmt::Write;
use std::time::Duration;

use vrrp_proto::Family;

use super::document::{Document, Instance, Seeds, Spread, State, Verdict};
use crate::nodes::counted;

/// Characters of a bar.
const WIDTH: u32 = 60;

/// A time with three decimals, or more if that would say nothing.
pub(super) fn seconds(time: Duration) -> String {
    if time < Duration::from_millis(10) && !time.is_zero() {
        return format!("{:.2} ms", time.as_secs_f64() * 1e3);
    }
    format!("{:.3} s", time.as_secs_f64())
}

/// Everything.
pub(super) fn text(document: &Document) -> String {
    let mut out = String::new();
    header(document, &mut out);
    timeline(document, &mut out);
    bars(document, &mut out);
    takeovers(document, &mut out);
    outages(document, &mut out);
    unanswered(document, &mut out);
    conflicts(document, &mut out);
    handovers(document, &mut out);
    violations(document, &mut out);
    if let Some(all) = &document.seeds {
        seeds(all, &mut out);
    }
    out
}

// Writing to a string cannot fail: the results below are of no use.

fn name(document: &Document, node: usize) -> &str {
    let node = document.nodes.get(node);
    node.map_or("?", |node| node.name.as_str())
}

/// `VI_1`, and the wire if several virtual routers have that name.
fn title(document: &Document, place: usize) -> String {
    let Some(instance) = document.instances.get(place) else {
        return "?".to_owned();
    };
    let mut others = document.instances.iter().enumerate();
    let twice = others.any(|(other, one)| other != place && one.name == instance.name);
    if twice {
        format!("{} ({})", instance.name, key(instance))
    } else {
        instance.name.clone()
    }
}

fn key(instance: &Instance) -> String {
    let family = match instance.family {
        Family::Ipv4 => "IPv4",
        Family::Ipv6 => "IPv6",
    };
    format!("{family} VRID {} on {}", instance.vrid, instance.wire)
}

fn header(document: &Document, out: &mut String) {
    let meta = &document.meta;
    let link = &meta.link;
    let _ = write!(
        out,
        "Simulated: {} of {}, seed {}. Frames take {} to {}",
        seconds(meta.length),
        counted(document.nodes.len(), "node"),
        meta.seed,
        seconds(link.delay_min),
        seconds(link.delay_max)
    );
    if link.loss_percent > 0.0 {
        let _ = write!(out, ", {}% are lost", link.loss_percent);
    }
    if link.duplicate_percent > 0.0 {
        let _ = write!(out, ", {}% come twice", link.duplicate_percent);
    }
    let order = if link.reorder { ", in any order" } else { "" };
    let _ = writeln!(out, "{order}.");
    for (place, instance) in document.instances.iter().enumerate() {
        let members: Vec<String> = instance
            .members
            .iter()
            .map(|member| format!("{} {}", name(document, member.node), member.priority))
            .collect();
        let addresses: Vec<String> = instance.addresses.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            out,
            "  {}: {}; priorities {}; {}",
            title(document, place),
            key(instance),
            members.join(", "),
            addresses.join(" ")
        );
    }
    if !document.not_simulated.is_empty() {
        out.push_str("Not simulated, or assumed:\n");
        for remark in &document.not_simulated {
            let _ = writeln!(out, "  {}: {}", name(document, remark.node), remark.text);
        }
    }
    out.push('\n');
}

fn timeline(document: &Document, out: &mut String) {
    // What clients feel is told after all that happened at that moment.
    let mut lines: Vec<(Duration, u8, u64, String)> = Vec::new();
    for incident in &document.incidents {
        let line = format!("*** {}", incident.text);
        lines.push((incident.at, 0, incident.order, line));
    }
    for event in &document.events {
        let node = event.node.map_or("", |node| name(document, node));
        let line = format!("{node} {}", event.text);
        lines.push((event.at, 0, event.order, line));
    }
    for outage in &document.outages {
        let who = format!("the client on {}", outage.wire);
        lines.push((
            outage.from,
            1,
            0,
            format!("{who} does not reach {}: {}", outage.address, outage.why),
        ));
        let (address, length) = (outage.address, seconds(outage.length));
        lines.push(match outage.until {
            Some(until) => (
                until,
                2,
                0,
                format!("{who} reaches {address} again, after {length}"),
            ),
            None => (
                document.meta.length,
                2,
                0,
                format!("the end: {who} has not reached {address} for {length}"),
            ),
        });
    }
    lines.sort_by_key(|(at, class, order, _)| (*at, *class, *order));
    for (at, _, _, line) in lines {
        let _ = writeln!(out, "{:>10.3} s  {line}", at.as_secs_f64());
    }
    if document.events_left_out > 0 {
        let _ = writeln!(
            out,
            "... and {}",
            counted(document.events_left_out, "more event")
        );
    }
    out.push('\n');
}

fn bars(document: &Document, out: &mut String) {
    let length = document.meta.length;
    let _ = writeln!(
        out,
        "One column is {}: # MASTER  - BACKUP  ~ WAITING  ! FAULT  (blank) OFF",
        seconds(length / WIDTH)
    );
    let rows = document.instances.iter().enumerate();
    let label =
        |place: usize, node: usize| format!("{} {}", title(document, place), name(document, node));
    let labels = rows.clone().flat_map(|(place, instance)| {
        let members = instance.members.iter();
        members.map(move |member| label(place, member.node).chars().count())
    });
    let width = labels.max().unwrap_or_default();
    for (place, instance) in rows {
        for member in &instance.members {
            let bar: String = (0..WIDTH)
                .map(|column| mark(document, place, member.node, column))
                .collect();
            let _ = writeln!(out, "{:width$} |{bar}|", label(place, member.node));
        }
    }
    let marks: String = (0..WIDTH)
        .map(|column| {
            let (from, to) = slice(document, column);
            let mut all = document.incidents.iter();
            if all.any(|incident| incident.at >= from && incident.at < to) {
                '*'
            } else {
                ' '
            }
        })
        .collect();
    if !document.incidents.is_empty() {
        let _ = writeln!(out, "{:width$} |{marks}|", "");
    }
    out.push('\n');
}

fn slice(document: &Document, column: u32) -> (Duration, Duration) {
    let length = document.meta.length;
    (length * column / WIDTH, length * (column + 1) / WIDTH)
}

/// The strongest state within a column.
fn mark(document: &Document, place: usize, node: usize, column: u32) -> char {
    let (from, to) = slice(document, column);
    let spans = document.spans.iter().filter(|span| {
        span.instance == place && span.node == node && span.since < to && span.until > from
    });
    let state = spans.map(|span| span.state).max();
    match state.unwrap_or(State::Off) {
        State::Off => ' ',
        State::Fault => '!',
        State::Waiting => '~',
        State::Backup => '-',
        State::Master => '#',
    }
}

fn takeovers(document: &Document, out: &mut String) {
    if document.takeovers.is_empty() {
        out.push_str("Takeovers: none.\n\n");
        return;
    }
    out.push_str("Takeovers (time since what began it, beside the most the protocol allows):\n");
    for takeover in &document.takeovers {
        let from = takeover.from.map_or_else(
            || "nobody".to_owned(),
            |from| name(document, from).to_owned(),
        );
        let bound = takeover
            .bound
            .map_or_else(String::new, |bound| format!(" of {}", seconds(bound)));
        let late = match takeover.verdict {
            Verdict::Late => "  LATE",
            Verdict::Within | Verdict::NoBound => "",
        };
        let _ = writeln!(
            out,
            "{:>10.3} s  {}: {} -> {}, {}{bound} ({}){late}",
            takeover.at.as_secs_f64(),
            title(document, takeover.instance),
            from,
            name(document, takeover.to),
            seconds(takeover.took),
            takeover.why.text()
        );
    }
    out.push('\n');
}

fn outages(document: &Document, out: &mut String) {
    let totals = &document.totals;
    if totals.outages == 0 && document.never_reached.is_empty() {
        out.push_str("Outages: none, once an address was reached it stayed so.\n");
        return;
    }
    out.push_str("Outages, as the client of the wire felt them:\n");
    for one in &document.never_reached {
        let _ = writeln!(
            out,
            "  never reached: {} ({}): {}",
            one.address,
            title(document, one.instance),
            one.why
        );
    }
    for (place, instance) in document.instances.iter().enumerate() {
        for address in &instance.addresses {
            let mine = document
                .outages
                .iter()
                .filter(|one| one.instance == place && one.address == *address);
            let lengths: Vec<Duration> = mine.clone().map(|one| one.length).collect();
            let lasts = mine.clone().any(|one| one.until.is_none());
            let (Some(longest), total) = (lengths.iter().max(), lengths.iter().sum::<Duration>())
            else {
                continue;
            };
            let _ = writeln!(
                out,
                "  {address} ({}): {} in {}, the longest {}{}",
                title(document, place),
                seconds(total),
                lengths.len(),
                seconds(*longest),
                if lasts {
                    ", and it was not back at the end"
                } else {
                    ""
                }
            );
            let unheard = mine.filter(|one| !one.unheard.is_zero());
            let unheard: Vec<Duration> = unheard.map(|one| one.unheard).collect();
            if !unheard.is_empty() {
                let _ = writeln!(
                    out,
                    "    {} of that, in {}, another node held it and the client had not heard of that",
                    seconds(unheard.iter().sum()),
                    unheard.len()
                );
            }
        }
    }
}

fn unanswered(document: &Document, out: &mut String) {
    for one in &document.unanswered {
        let until = match one.until {
            Some(_) => "",
            None => ", to the end",
        };
        let _ = writeln!(
            out,
            "Reached and without an answer: {} ({}) from {:.3} s for {}{until}: {} forwards, and drops what is for the \
             address itself (no_accept)",
            one.address,
            title(document, one.instance),
            one.from.as_secs_f64(),
            seconds(one.length),
            name(document, one.node)
        );
    }
}

fn conflicts(document: &Document, out: &mut String) {
    for conflict in &document.conflicts {
        let nodes: Vec<&str> = conflict
            .nodes
            .iter()
            .map(|node| name(document, *node))
            .collect();
        let until = match conflict.until {
            Some(_) => "",
            None => ", to the end",
        };
        let _ = writeln!(
            out,
            "Several {}: {} from {:.3} s for {}{until}: {}",
            match conflict.address {
                Some(address) => format!("holders of {address}"),
                None => format!("MASTERs of {}", title(document, conflict.instance)),
            },
            nodes.join(" and "),
            conflict.from.as_secs_f64(),
            seconds(conflict.length),
            conflict.why
        );
    }
}

fn handovers(document: &Document, out: &mut String) {
    let lengths = document.handovers.iter().map(|one| one.length);
    let Some(longest) = lengths.max() else {
        return;
    };
    let count = document.handovers.len();
    let _ = writeln!(
        out,
        "Handovers in which the old MASTER had yet to hear the new one: {count}, the longest {}.",
        seconds(longest)
    );
}

fn violations(document: &Document, out: &mut String) {
    let totals = &document.totals;
    let _ = writeln!(
        out,
        "{} sent, {} of them lost, {} refused; {} of state.",
        counted(totals.adverts_sent, "advert"),
        match totals.adverts_lost {
            1 => "1 copy".to_owned(),
            lost => format!("{lost} copies"),
        },
        totals.adverts_refused,
        counted(totals.transitions, "change")
    );
    if document.violations.is_empty() {
        let _ = writeln!(out, "{}", document.all_is_well());
    }
    for violation in &document.violations {
        let _ = writeln!(
            out,
            "BROKEN at {:.3} s [{}]: {}",
            violation.at.as_secs_f64(),
            violation.rule,
            violation.text
        );
    }
}

fn seeds(seeds: &Seeds, out: &mut String) {
    let _ = writeln!(
        out,
        "\n{}. Above is the worst, seed {}:\n  {}",
        runs(seeds),
        seeds.worst,
        seeds.replay
    );
    let mut line = |what: &str, spread: &Option<Spread>| {
        let Some(spread) = spread else {
            let _ = writeln!(out, "  {what}: none");
            return;
        };
        let _ = writeln!(
            out,
            "  {what}: {} in all, least {}, median {}, 99% {}, greatest {}",
            spread.count,
            seconds(spread.min),
            seconds(spread.median),
            seconds(spread.p99),
            seconds(spread.max)
        );
    };
    line("takeovers", &seeds.takeover);
    line("longest outage of each run", &seeds.outage);
    let _ = writeln!(
        out,
        "  {} late, several MASTERs or holders in {}, a rule broken in {}",
        counted(seeds.late, "takeover"),
        counted(seeds.runs_with_conflicts, "run"),
        counted(seeds.runs_with_violations, "run")
    );
}

/// `1 run, seed 0`, `200 runs, seeds 0 to 199`.
pub(super) fn runs(seeds: &Seeds) -> String {
    let last = seeds.first.saturating_add(seeds.count).saturating_sub(1);
    match seeds.count {
        1 => format!("1 run, seed {last}"),
        count => format!("{count} runs, seeds {} to {last}", seeds.first),
    }
}
