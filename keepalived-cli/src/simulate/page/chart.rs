//! The chart: a row for each node of each virtual router, and one for each address that was away.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use vrrp_proto::Family;

use super::lanes::{self, Bar, Layout, Mark, ZOOMS, bar, marks};
use super::tables::{event_id, incident_id};
use super::text::{bdi, escape, moment, plural, shortened, time};
use crate::simulate::document::{Advert, Document, Instance, Member, Span, State};

/// The class of a state, and its letter.
pub(super) const fn look(state: State) -> (&'static str, &'static str) {
    match state {
        State::Off => ("off", "O"),
        State::Fault => ("fault", "F"),
        State::Waiting => ("waiting", "W"),
        State::Backup => ("backup", "B"),
        State::Master => ("master", "M"),
    }
}

/// What belongs to a node's share in a virtual router.
struct Shares<'a> {
    spans: BTreeMap<(usize, usize), Vec<&'a Span>>,
    adverts: BTreeMap<(usize, usize), Vec<&'a Advert>>,
}

/// What tells colours apart for those who do not see them.
const PATTERNS: &str = "<svg class=\"patterns\" width=\"0\" height=\"0\" aria-hidden=\"true\" \
     style=\"position:absolute\"><defs><pattern id=\"hatch\" width=\"7\" height=\"7\" \
     patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><path d=\"M0 0V7\"/></pattern><pattern \
     id=\"dots\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\"><circle cx=\"2\" cy=\"2\" \
     r=\"1.2\"/></pattern><pattern id=\"stripes\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" \
     patternTransform=\"rotate(-45)\"><path d=\"M0 0V8\"/></pattern></defs></svg>\n";

/// Heading, legend, magnifier and the chart.
pub(super) fn section(document: &Document) -> String {
    let mut html = String::from(
        "<section id=\"timeline\" aria-labelledby=\"timeline-title\">\n<h2 \
         id=\"timeline-title\">Timeline</h2>\n",
    );
    html.push_str(PATTERNS);
    html.push_str(&legend(document));
    html.push_str("<fieldset class=\"zoom\"><legend>Magnify</legend>");
    for zoom in ZOOMS {
        let checked = if zoom == 1 {
            " checked=\"checked\""
        } else {
            ""
        };
        let _ = write!(
            html,
            "<label><input type=\"radio\" name=\"zoom\" id=\"zoom{zoom}\"{checked}/>{zoom}×</label>"
        );
    }
    html.push_str("</fieldset>\n<p id=\"detail\" class=\"detail\" aria-live=\"polite\" hidden=\"hidden\">Point at a bar, or reach it with Tab and the arrow keys, and what it is stands here.</p>\n");
    html.push_str(
        "<div id=\"chart\" class=\"chart\" role=\"region\" aria-label=\"Timeline\" \
         tabindex=\"0\">\n<div class=\"grid\">\n",
    );
    html.push_str(&rows(document));
    html.push_str("</div>\n</div>\n</section>\n");
    html
}

fn rows(document: &Document) -> String {
    let whole = document.meta.length;
    let mut html = String::new();
    row(
        &mut html,
        "axis",
        "<span class=\"muted\">Time</span>",
        22,
        &lanes::axis(whole),
        None,
    );
    if !document.incidents.is_empty() {
        let (height, svg) = incidents(document);
        row(
            &mut html,
            "marks",
            "Incidents",
            height,
            &svg,
            Some("Incidents"),
        );
    }
    if !document.events.is_empty() {
        let (height, svg) = events(document);
        row(&mut html, "marks", "Events", height, &svg, Some("Events"));
    }
    let mut shares = Shares {
        spans: BTreeMap::new(),
        adverts: BTreeMap::new(),
    };
    for span in &document.spans {
        let key = (span.instance, span.node);
        shares.spans.entry(key).or_default().push(span);
    }
    for advert in &document.adverts {
        let key = (advert.instance, advert.node);
        shares.adverts.entry(key).or_default().push(advert);
    }
    for (number, instance) in document.instances.iter().enumerate() {
        html.push_str(&head(instance));
        for member in &instance.members {
            let label = format!(
                "<span class=\"name\" title=\"{}, {}\">{}</span><span class=\"muted\">{}</span>",
                escape(name(document, member.node)),
                escape(&member.interface),
                bdi(name(document, member.node)),
                member.priority
            );
            let svg = lane(document, number, instance, member, &shares);
            let about = format!("{}, {}", name(document, member.node), instance.name);
            row(
                &mut html,
                "node",
                &label,
                lanes::height(true),
                &svg,
                Some(&about),
            );
        }
        html.push_str(&outages(document, number));
        html.push_str(&conflicts(document, number, instance));
    }
    html
}

pub(super) fn name(document: &Document, node: usize) -> &str {
    document
        .nodes
        .get(node)
        .map_or("?", |node| node.name.as_str())
}

fn row(html: &mut String, class: &str, label: &str, height: u32, svg: &str, about: Option<&str>) {
    let role = match about {
        Some(about) => format!("role=\"group\" aria-label=\"{}\"", escape(about)),
        None => "aria-hidden=\"true\"".to_owned(),
    };
    let _ = writeln!(
        html,
        "<div class=\"row {class}\"><div class=\"label\">{label}</div><svg class=\"lane\" \
         height=\"{height}\" {role}>{svg}</svg></div>"
    );
}

/// What a virtual router is, above its rows.
fn head(instance: &Instance) -> String {
    let family = match instance.family {
        Family::Ipv4 => "IPv4",
        Family::Ipv6 => "IPv6",
    };
    let addresses: Vec<String> = instance.addresses.iter().map(ToString::to_string).collect();
    format!(
        "<div class=\"row head\"><h3>{} <span class=\"muted\">{family}, VRID {}, on {}: \
         {}</span></h3></div>\n",
        bdi(&instance.name),
        instance.vrid,
        bdi(&instance.wire),
        escape(&shortened(&addresses, 3))
    )
}

/// `a, VI_1: MASTER from 3.219 to 10.000 (6.781 s): heard nobody`.
pub(super) fn describe(document: &Document, span: &Span) -> String {
    let instance = document.instances.get(span.instance);
    let mut text = format!(
        "{}, {}: {} from {} to {} ({})",
        name(document, span.node),
        instance.map_or("?", |instance| instance.name.as_str()),
        span.state.word(),
        moment(span.since),
        moment(span.until),
        time(span.until.saturating_sub(span.since))
    );
    if !span.reason.is_empty() {
        let _ = write!(text, ": {}", span.reason);
    }
    text
}

fn lane(
    document: &Document,
    number: usize,
    instance: &Instance,
    member: &Member,
    shares: &Shares<'_>,
) -> String {
    let whole = document.meta.length;
    let key = (number, member.node);
    let mut svg = String::new();
    for span in shares.spans.get(&key).into_iter().flatten() {
        let (class, letter) = look(span.state);
        let drawn = Bar {
            class,
            from: span.since,
            until: span.until,
            word: span.state.word(),
            letter,
            label: &describe(document, span),
        };
        bar(&mut svg, whole, &drawn);
    }
    let sent = || shares.adverts.get(&key).into_iter().flatten();
    let with = |goodbye: bool| {
        sent()
            .filter(move |advert| (advert.priority == 0) == goodbye)
            .map(|advert| advert.at)
    };
    lanes::adverts(&mut svg, whole, with(false), with(true));
    // Where an incident struck this node.
    let struck = document
        .incidents
        .iter()
        .filter(|incident| incident.nodes.is_empty() || incident.nodes.contains(&member.node))
        .map(|incident| incident.at);
    lanes::ticks(&mut svg, whole, "cut", (0, lanes::height(true)), struck);
    debug_assert!(instance.members.iter().any(|one| one.node == member.node));
    svg
}

fn incidents(document: &Document) -> (u32, String) {
    let all: Vec<Mark<'_>> = document
        .incidents
        .iter()
        .enumerate()
        .map(|(index, incident)| Mark {
            class: "incident",
            at: incident.at,
            target: incident_id(index),
            shape: format!(
                "<circle cy=\"11\" r=\"9.5\"/><text y=\"15\" text-anchor=\"middle\">{}</text>",
                index + 1
            ),
            label: format!(
                "Incident {}, at {}: {}",
                index + 1,
                moment(incident.at),
                incident.text
            ),
        })
        .collect();
    let layout = Layout {
        room: 22.0,
        height: 22,
        rows: 8,
    };
    marks(document.meta.length, &all, &layout)
}

fn events(document: &Document) -> (u32, String) {
    let all: Vec<Mark<'_>> = document
        .events
        .iter()
        .enumerate()
        .map(|(index, event)| {
            let node = match event.node {
                Some(node) => format!("{}: ", name(document, node)),
                None => String::new(),
            };
            Mark {
                class: "event",
                at: event.at,
                target: event_id(index),
                shape: "<path d=\"M0 2.5L6.5 9L0 15.5L-6.5 9z\"/>".to_owned(),
                label: format!("At {}: {node}{}", moment(event.at), event.text),
            }
        })
        .collect();
    let layout = Layout {
        room: 15.0,
        height: 15,
        rows: 4,
    };
    marks(document.meta.length, &all, &layout)
}

/// A row for each address of a virtual router that was away.
fn outages(document: &Document, number: usize) -> String {
    let mut away = BTreeMap::new();
    for outage in &document.outages {
        if outage.instance == number {
            let key = (outage.address, outage.wire.as_str());
            away.entry(key).or_insert_with(Vec::new).push(outage);
        }
    }
    let mut html = String::new();
    for ((address, wire), outages) in away {
        let mut svg = String::new();
        for outage in &outages {
            let until = outage.until.unwrap_or(document.meta.length);
            let length = time(outage.length);
            let label = format!(
                "{address} could not be reached on {wire} from {} to {} ({length}): {}",
                moment(outage.from),
                end(outage.until),
                outage.why
            );
            let drawn = Bar {
                class: "outage",
                from: outage.from,
                until,
                word: &length,
                letter: "!",
                label: &label,
            };
            bar(&mut svg, document.meta.length, &drawn);
        }
        let label = format!(
            "<span class=\"name bad\" title=\"{address}\">{address}</span><span class=\"muted\">away</span>"
        );
        let about = format!("{address} away, {}", plural(outages.len(), "time", "times"));
        row(
            &mut html,
            "away",
            &label,
            lanes::height(false),
            &svg,
            Some(&about),
        );
    }
    html
}

/// A row for the times with several MASTERs.
fn conflicts(document: &Document, number: usize, instance: &Instance) -> String {
    let mut svg = String::new();
    for conflict in document
        .conflicts
        .iter()
        .filter(|one| one.instance == number)
    {
        let nodes: Vec<&str> = conflict
            .nodes
            .iter()
            .map(|node| name(document, *node))
            .collect();
        let (word, are) = match conflict.address {
            Some(address) => (
                format!("{} holders", nodes.len()),
                format!("hold {address}"),
            ),
            None => (format!("{} MASTERs", nodes.len()), "are MASTER".to_owned()),
        };
        let label = format!(
            "{}: {} {are} at a time from {} to {} ({}): {}",
            instance.name,
            nodes.join(" and "),
            moment(conflict.from),
            end(conflict.until),
            time(conflict.length),
            conflict.why
        );
        let drawn = Bar {
            class: "outage conflict",
            from: conflict.from,
            until: conflict.until.unwrap_or(document.meta.length),
            word: &word,
            letter: "2",
            label: &label,
        };
        bar(&mut svg, document.meta.length, &drawn);
    }
    let mut html = String::new();
    if !svg.is_empty() {
        let about = format!("{}: several MASTERs", instance.name);
        let label = "<span class=\"bad\">Several MASTERs</span>";
        row(
            &mut html,
            "away",
            label,
            lanes::height(false),
            &svg,
            Some(&about),
        );
    }
    html
}

/// When something was over.
pub(super) fn end(until: Option<Duration>) -> String {
    until.map_or_else(|| "the end".to_owned(), moment)
}

/// What the colours, patterns and marks mean.
fn legend(document: &Document) -> String {
    let mut html = String::from("<ul class=\"legend\" aria-label=\"Legend\">\n");
    let mut item = |drawing: &str, text: &str| {
        let _ = writeln!(
            html,
            "<li><svg width=\"34\" height=\"24\" aria-hidden=\"true\">{drawing}</svg> {text}</li>"
        );
    };
    for (state, text) in [
        (State::Master, "MASTER: holds the addresses"),
        (State::Backup, "BACKUP: listens"),
        (State::Waiting, "WAITING: held back at the start"),
        (State::Fault, "FAULT: something it needs is gone"),
        (State::Off, "OFF: not running"),
    ] {
        let (class, letter) = look(state);
        item(
            &format!(
                "<svg class=\"bar {class}\" y=\"1\" width=\"34\" height=\"22\"><rect class=\"fill\" \
                 width=\"100%\" height=\"100%\"/><rect class=\"pattern\" width=\"100%\" \
                 height=\"100%\"/><text x=\"50%\" y=\"15\" text-anchor=\"middle\">{letter}</text></svg>"
            ),
            text,
        );
    }
    item(
        "<svg class=\"bar outage\" y=\"1\" width=\"34\" height=\"22\"><rect class=\"fill\" \
         width=\"100%\" height=\"100%\"/><rect class=\"pattern\" width=\"100%\" height=\"100%\"/><text \
         x=\"50%\" y=\"15\" text-anchor=\"middle\">!</text></svg>",
        "an address away, or several MASTERs or holders",
    );
    item(
        "<g class=\"mark incident\"><circle cx=\"17\" cy=\"12\" r=\"9.5\"/><text x=\"17\" y=\"16\" \
         text-anchor=\"middle\">1</text></g>",
        "an incident, also a line through the nodes it strikes",
    );
    item(
        "<g class=\"mark event\"><path d=\"M17 5.5L23.5 12L17 18.5L10.5 12z\"/></g>",
        "an event",
    );
    let left_out = match document.adverts_left_out {
        0 => String::new(),
        more => format!(" ({more} of {} not drawn)", document.totals.adverts_sent),
    };
    item(
        "<path class=\"tick\" d=\"M7 8V16M14 8V16M21 8V16\"/>",
        &format!("an advert{left_out}"),
    );
    item(
        "<path class=\"tick goodbye\" d=\"M17 2V22\"/>",
        "a goodbye: an advert of priority 0",
    );
    html.push_str("</ul>\n");
    html
}
