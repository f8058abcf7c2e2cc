//! What the run has come to, as tables: rules that were broken, takeovers, addresses away, several holders at a time.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::chart::end;
use super::table::{Table, node, number, router, section};
use super::text::{bdi, css_percent, escape, moment, percent, plural, time};
use crate::simulate::document::{Conflict, Document, Outage, Takeover, Verdict};

/// Rules that were broken; nothing if none was.
pub(super) fn violations(document: &Document) -> String {
    if document.violations.is_empty() {
        return String::new();
    }
    let mut table = Table::new("", &["#Time (s)", "Rule", "What was seen"]);
    for violation in &document.violations {
        table.row(
            None,
            &[
                number(moment(violation.at)),
                format!("<code>{}</code>", escape(violation.rule)),
                escape(&violation.text),
            ],
        );
    }
    let section = section("violations", "Rules that were broken", &table.end());
    format!("<div class=\"alarm\">\n{section}</div>\n")
}

/// Every takeover, with its time against the bound.
pub(super) fn takeovers(document: &Document) -> String {
    if document.takeovers.is_empty() {
        return section("takeovers", "Takeovers", "<p>Nobody became MASTER.</p>\n");
    }
    let longest = document
        .takeovers
        .iter()
        .flat_map(|takeover| [Some(takeover.took), takeover.bound])
        .flatten()
        .max()
        .unwrap_or_default();
    let mut table = Table::new(
        "Each time a node became MASTER: how long it took, and the longest that the protocol and the \
         wires allow. The line in the drawing is that bound.",
        &[
            "#Time (s)",
            "Instance",
            "From",
            "To",
            "Why",
            "#Took",
            "#Bound",
            "Verdict",
            "<span class=\"muted\">Drawn</span>",
        ],
    );
    for takeover in &document.takeovers {
        let verdict = match takeover.verdict {
            Verdict::Within => "<span class=\"good\">✓ within</span>",
            Verdict::Late => "<strong class=\"bad\">✗ late</strong>",
            Verdict::NoBound => "<span class=\"muted\">no bound</span>",
        };
        table.row(
            None,
            &[
                number(moment(takeover.at)),
                router(document, takeover.instance),
                takeover.from.map_or_else(
                    || "<span class=\"muted\">nobody</span>".to_owned(),
                    |from| node(document, from),
                ),
                node(document, takeover.to),
                escape(takeover.why.text()),
                number(time(takeover.took)),
                number(takeover.bound.map_or_else(|| "–".to_owned(), time)),
                verdict.to_owned(),
                gauge(takeover, longest),
            ],
        );
    }
    section("takeovers", "Takeovers", &table.end())
}

/// A bar for the time, and a line for the bound.
fn gauge(takeover: &Takeover, longest: Duration) -> String {
    let late = if takeover.verdict == Verdict::Late {
        " late"
    } else {
        ""
    };
    let took = css_percent(percent(takeover.took, longest));
    let mut svg = format!(
        "<svg class=\"gauge\" width=\"120\" height=\"14\" aria-hidden=\"true\"><rect class=\"value{late}\" \
         y=\"3\" width=\"{took}\" height=\"8\"/>"
    );
    if let Some(bound) = takeover.bound {
        let place = css_percent(percent(bound, longest));
        let _ = write!(
            svg,
            "<line class=\"whisker\" x1=\"{place}\" x2=\"{place}\" y1=\"0\" y2=\"14\"/>"
        );
    }
    svg.push_str("</svg>");
    svg
}

fn why(outage: &Outage) -> String {
    let why = escape(&outage.why);
    match outage.unheard {
        Duration::ZERO => why,
        unheard => format!(
            "{why}; <strong>for {} another node held it and the client had not heard of that</strong>",
            time(unheard)
        ),
    }
}

/// For each address: how often and how long it could not be reached.
pub(super) fn outages(document: &Document) -> String {
    let mut away: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for outage in &document.outages {
        let key = (outage.instance, outage.address, outage.wire.as_str());
        away.entry(key).or_default().push(outage);
    }
    let mut addresses = 0_usize;
    let mut missed = 0_usize;
    for (index, instance) in document.instances.iter().enumerate() {
        for address in &instance.addresses {
            addresses += 1;
            let seen = away
                .keys()
                .any(|(at, known, _)| *at == index && known == address);
            let mut never = document.never_reached.iter();
            let seen = seen || never.any(|one| one.instance == index && one.address == *address);
            missed += usize::from(!seen);
        }
    }
    if away.is_empty() && document.never_reached.is_empty() {
        let text = match addresses {
            0 => "<p>There is no address to reach.</p>\n".to_owned(),
            _ => "<p>Once it had been reached, every address could be reached all the time.</p>\n"
                .to_owned(),
        };
        return section("outages", "Addresses away", &(text + &unanswered(document)));
    }
    let mut table = Table::new(
        "Times in which a client on the wire could not reach an address.",
        &[
            "Address",
            "Instance",
            "Wire",
            "#From (s)",
            "#To (s)",
            "#Length",
            "Why",
        ],
    );
    for one in &document.never_reached {
        let whole = document.meta.length;
        table.row(
            None,
            &[
                format!(
                    "<strong>{}</strong><br/><span class=\"bad\">never reached</span>",
                    one.address
                ),
                router(document, one.instance),
                bdi(&one.wire),
                number(moment(Duration::ZERO)),
                number(end(None)),
                number(time(whole)),
                escape(&one.why),
            ],
        );
    }
    for ((instance, address, wire), outages) in &away {
        let whole: Duration = outages.iter().map(|outage| outage.length).sum();
        for (index, outage) in outages.iter().enumerate() {
            let first = match (index, outages.len()) {
                (0, 1) => format!("<strong>{address}</strong>"),
                (0, times) => format!(
                    "<strong>{address}</strong><br/><span class=\"muted\">{times} times, {} in all</span>",
                    time(whole)
                ),
                _ => format!("<span class=\"muted\">{address}</span>"),
            };
            table.row(
                None,
                &[
                    first,
                    router(document, *instance),
                    bdi(wire),
                    number(moment(outage.from)),
                    number(end(outage.until)),
                    number(time(outage.length)),
                    why(outage),
                ],
            );
        }
    }
    let mut content = table.end();
    if missed > 0 {
        let _ = writeln!(
            content,
            "<p class=\"muted\">{} could be reached all the time.</p>",
            plural(missed, "other address", "other addresses")
        );
    }
    content.push_str(&unanswered(document));
    section("outages", "Addresses away", &content)
}

/// When an address was reached that answers nothing itself.
fn unanswered(document: &Document) -> String {
    let mut text = String::new();
    for one in &document.unanswered {
        let _ = writeln!(
            text,
            "<p><strong>{}</strong> was reached and did not answer from {} to {} s: {} forwards, and drops what is for \
             the address itself (<code>no_accept</code>).</p>",
            one.address,
            moment(one.from),
            end(one.until),
            node(document, one.node)
        );
    }
    text
}

/// Times with several MASTERs, or holders of an address; nothing if there were none.
pub(super) fn conflicts(document: &Document) -> String {
    let title = "Several MASTERs or holders at a time";
    contested(document, &document.conflicts, "conflicts", title, "")
}

/// The same for no longer than a handover takes.
pub(super) fn handovers(document: &Document) -> String {
    let caption = "Times in which the old MASTER had yet to hear the new one: for no longer than two frames take.";
    contested(
        document,
        &document.handovers,
        "handovers",
        "Handovers",
        caption,
    )
}

fn contested(
    document: &Document,
    list: &[Conflict],
    id: &str,
    title: &str,
    caption: &str,
) -> String {
    if list.is_empty() {
        return String::new();
    }
    let mut table = Table::new(
        caption,
        &[
            "Instance or address",
            "Nodes",
            "#From (s)",
            "#To (s)",
            "#Length",
            "Why",
        ],
    );
    for conflict in list {
        let nodes: Vec<String> = conflict
            .nodes
            .iter()
            .map(|at| node(document, *at))
            .collect();
        table.row(
            None,
            &[
                match conflict.address {
                    Some(address) => format!("<strong>{address}</strong>"),
                    None => router(document, conflict.instance),
                },
                nodes.join(", "),
                number(moment(conflict.from)),
                number(end(conflict.until)),
                number(time(conflict.length)),
                escape(&conflict.why),
            ],
        );
    }
    section(id, title, &table.end())
}
