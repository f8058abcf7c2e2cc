//! Everything the chart shows, as tables, and what it does not show.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::chart::look;
use super::table::{Table, node, number, router, section};
use super::text::{bdi, escape, moment, time};
use crate::simulate::document::Document;

/// The id of the line of an incident.
pub(super) fn incident_id(index: usize) -> String {
    format!("incident-{}", index + 1)
}

/// The id of the line of an event.
pub(super) fn event_id(index: usize) -> String {
    format!("event-{}", index + 1)
}

/// Incidents and events, in the order of time.
pub(super) fn happenings(document: &Document) -> String {
    let mut lines: Vec<(Duration, u64, String, [String; 4])> = Vec::new();
    for (index, incident) in document.incidents.iter().enumerate() {
        let nodes: Vec<String> = incident
            .nodes
            .iter()
            .map(|at| node(document, *at))
            .collect();
        let nodes = match nodes.as_slice() {
            [] => "all".to_owned(),
            nodes => nodes.join(", "),
        };
        lines.push((
            incident.at,
            incident.order,
            incident_id(index),
            [
                format!("<strong>Incident {}</strong>", index + 1),
                nodes,
                String::new(),
                escape(&incident.text),
            ],
        ));
    }
    for (index, event) in document.events.iter().enumerate() {
        lines.push((
            event.at,
            event.order,
            event_id(index),
            [
                "Event".to_owned(),
                event.node.map(|at| node(document, at)).unwrap_or_default(),
                event
                    .instance
                    .map(|at| router(document, at))
                    .unwrap_or_default(),
                escape(&event.text),
            ],
        ));
    }
    if lines.is_empty() {
        return section("happenings-title", "Events", "<p>Nothing happened.</p>\n");
    }
    lines.sort_by_key(|(at, order, ..)| (*at, *order));
    let mut table = Table::new(
        "",
        &["#Time (s)", "Kind", "Node", "Instance", "What happened"],
    );
    for (at, _, id, [kind, nodes, instance, what]) in lines {
        table.row(
            Some(&id),
            &[number(moment(at)), kind, nodes, instance, what],
        );
    }
    let more = match document.events_left_out {
        0 => String::new(),
        1 => "<p class=\"muted\">1 more event is left out.</p>\n".to_owned(),
        more => format!("<p class=\"muted\">{more} more events are left out.</p>\n"),
    };
    let content = format!(
        "<label class=\"filter\" hidden=\"hidden\">Only lines with <input id=\"filter\" \
         type=\"search\"/> <output id=\"found\" aria-live=\"polite\"></output></label>\n<div id=\"happenings\">{}</div>\n{more}",
        table.end()
    );
    section("happenings-title", "Incidents and events", &content)
}

/// Every bar of the chart.
pub(super) fn states(document: &Document) -> String {
    let mut table = Table::new(
        "",
        &[
            "Instance",
            "Node",
            "State",
            "#From (s)",
            "#To (s)",
            "#Length",
            "Why",
        ],
    );
    let mut spans: Vec<_> = document.spans.iter().collect();
    spans.sort_by_key(|span| (span.instance, span.node, span.since));
    for span in spans {
        let (class, _) = look(span.state);
        table.row(
            None,
            &[
                router(document, span.instance),
                node(document, span.node),
                format!("<span class=\"word {class}\">{}</span>", span.state.word()),
                number(moment(span.since)),
                number(moment(span.until)),
                number(time(span.until.saturating_sub(span.since))),
                escape(&span.reason),
            ],
        );
    }
    format!(
        "<details id=\"states\">\n<summary>States as a table ({})</summary>\n{}</details>\n",
        document.spans.len(),
        table.end()
    )
}

/// Who sent how many adverts.
pub(super) fn adverts(document: &Document) -> String {
    let mut sent: BTreeMap<(usize, usize), (usize, usize, Duration, Duration)> = BTreeMap::new();
    for advert in &document.adverts {
        let entry = sent
            .entry((advert.instance, advert.node))
            .or_insert((0, 0, advert.at, advert.at));
        entry.0 += 1;
        entry.1 += usize::from(advert.priority == 0);
        entry.3 = advert.at;
    }
    let left_out = match document.adverts_left_out {
        0 => String::new(),
        more => format!(" {more} further ones were left out of the drawing."),
    };
    let caption = format!("Adverts that are drawn.{left_out}");
    let mut table = Table::new(
        &caption,
        &[
            "Instance",
            "Node",
            "#Drawn",
            "#Goodbyes",
            "#First (s)",
            "#Last (s)",
        ],
    );
    for ((instance, at), (count, goodbyes, first, last)) in sent {
        table.row(
            None,
            &[
                router(document, instance),
                node(document, at),
                number(count),
                number(goodbyes),
                number(moment(first)),
                number(moment(last)),
            ],
        );
    }
    format!(
        "<details id=\"adverts\">\n<summary>Adverts as a table</summary>\n{}</details>\n",
        table.end()
    )
}

/// What of the files has no part in this; nothing if all has.
pub(super) fn not_simulated(document: &Document) -> String {
    let mut files = String::from("<ul>\n");
    for node in &document.nodes {
        let _ = writeln!(
            files,
            "<li>{}: <code>{}</code></li>",
            bdi(&node.name),
            escape(&node.file.to_string_lossy())
        );
    }
    files.push_str("</ul>\n");
    let mut html = section("files", "Files", &files);
    if document.not_simulated.is_empty() {
        return html;
    }
    let mut content = String::from("<ul>\n");
    for remark in &document.not_simulated {
        let _ = writeln!(
            content,
            "<li>{}: {}</li>",
            node(document, remark.node),
            escape(&remark.text)
        );
    }
    content.push_str("</ul>\n");
    html.push_str(&section(
        "not-simulated",
        "Not simulated, or assumed",
        &content,
    ));
    html
}
