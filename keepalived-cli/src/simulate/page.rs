//! `simulate --html FILE`: the document as one page for a browser.
//!
//! The page asks for nothing from elsewhere and says so (its content security policy permits nothing).
//! It is whole without scripts; the one script only adds arrow keys, a line of details and a filter.
//! Everything drawn is also in a table, and every text that is not ours is escaped.

mod chart;
mod colours;
mod findings;
mod lanes;
mod runs;
mod script;
mod style;
mod table;
mod tables;
mod text;

use std::fmt::Write;

use super::document::Document;
use text::{bdi, escape, plural, time};

/// What browsers may load: nothing. What stands in the page itself is styled and may run.
const POLICY: &str = include_str!("page/policy.txt").trim_ascii_end();

/// What each page begins with, and nothing else does.
pub(super) const BEGINNING: &str =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n";

/// The whole page.
pub(crate) fn page(document: &Document) -> String {
    let names: Vec<&str> = document
        .nodes
        .iter()
        .map(|node| node.name.as_str())
        .collect();
    let title = escape(&format!("Simulation of {}", names.join(", ")));
    let mut page = format!(
        "{BEGINNING}<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\"/>\n\
         <title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">To what happened</a>\n\
         <a class=\"skip\" href=\"#takeovers\">To the tables</a>\n",
        style::sheet(document),
    );
    page.push_str(&header(document));
    page.push_str("<main id=\"main\" tabindex=\"-1\">\n");
    page.push_str(&findings::violations(document));
    page.push_str(&chart::section(document));
    page.push_str(&findings::takeovers(document));
    page.push_str(&findings::outages(document));
    page.push_str(&findings::conflicts(document));
    page.push_str(&findings::handovers(document));
    page.push_str(&tables::happenings(document));
    page.push_str(&tables::states(document));
    page.push_str(&tables::adverts(document));
    page.push_str(&runs::seeds(document));
    page.push_str(&tables::not_simulated(document));
    page.push_str("</main>\n");
    let _ = writeln!(
        page,
        "<script>\n{}</script>\n</body>\n</html>",
        script::TEXT
    );
    page
}

/// What was run, and the short answer.
fn header(document: &Document) -> String {
    let (meta, totals) = (&document.meta, &document.totals);
    let names: Vec<String> = document.nodes.iter().map(|node| bdi(&node.name)).collect();
    let broken = document.violations.len();
    let (class, verdict) = match broken {
        0 => ("good", document.all_is_well().to_owned()),
        _ => (
            "bad",
            format!("{} broken.", plural(broken, "rule was", "rules were")),
        ),
    };
    let mut text = format!(
        "<header>\n<h1>Simulation of {}</h1>\n<p class=\"verdict {class}\">{verdict}</p>\n<dl class=\"tiles\">\n",
        names.join(", ")
    );
    let late = match totals.late {
        0 => "none late".to_owned(),
        late => format!("{late} late"),
    };
    let link = &meta.link;
    let mut wire = format!("{} to {}", time(link.delay_min), time(link.delay_max));
    for (share, what) in [
        (link.loss_percent, "lost"),
        (link.duplicate_percent, "doubled"),
    ] {
        if share > 0.0 {
            let _ = write!(wire, ", {share} % {what}");
        }
    }
    if link.reorder {
        wire.push_str(", reordered");
    }
    let tiles = [
        ("Simulated", time(meta.length)),
        ("Takeovers", format!("{} ({late})", totals.takeovers)),
        (
            "Longest outage",
            match (totals.outages, document.never_reached.len()) {
                (0, 0) => "none".to_owned(),
                (_, 0) => {
                    let longest = time(totals.outage_longest);
                    let mut all = document.outages.iter();
                    match all.any(|one| one.until.is_none() && one.length == totals.outage_longest)
                    {
                        true => format!("{longest}, not over"),
                        false => longest,
                    }
                }
                (_, never) => format!("{} never reached", plural(never, "address", "addresses")),
            },
        ),
        (
            "Several MASTERs or holders",
            match document.conflicts.len() {
                0 => "never".to_owned(),
                _ => time(totals.conflict_any),
            },
        ),
        (
            "Adverts",
            format!(
                "{} sent, {} not arrived",
                totals.adverts_sent, totals.adverts_lost
            ),
        ),
        ("Wire", wire),
        ("Seed", meta.seed.to_string()),
    ];
    for (name, value) in tiles {
        let value = escape(&value);
        let _ = writeln!(text, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    let _ = writeln!(
        text,
        "</dl>\n<p class=\"again\">Again: <code>{}</code> <span class=\"muted\">(keepalived-rs {})</span></p>\n</header>",
        escape(&meta.command),
        escape(&meta.version)
    );
    text
}

#[cfg(test)]
mod tests;
