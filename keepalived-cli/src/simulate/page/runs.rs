//! All runs of `--seeds` together: how their times are distributed, and where the worst run is among them.

use std::fmt::Write;
use std::time::Duration;

use super::table::{Table, number, section};
use super::text::{css_percent, escape, percent, time};
use crate::simulate::document::{Document, Spread};
use crate::simulate::text::runs;

/// All runs together; nothing if there was one.
pub(super) fn seeds(document: &Document) -> String {
    let Some(seeds) = &document.seeds else {
        return String::new();
    };
    let mut table = Table::new(
        "",
        &[
            "",
            "#Times",
            "#Least",
            "#Median",
            "#99 of 100",
            "#Most",
            "<span class=\"muted\">Drawn</span>",
        ],
    );
    let longest = [&seeds.takeover, &seeds.outage]
        .into_iter()
        .flatten()
        .map(|spread| spread.max)
        .max()
        .unwrap_or_default();
    for (name, spread) in [
        ("Takeovers with a bound", &seeds.takeover),
        ("Longest outage of a run", &seeds.outage),
    ] {
        let Some(spread) = spread else {
            continue;
        };
        table.row(
            None,
            &[
                name.to_owned(),
                number(spread.count),
                number(time(spread.min)),
                number(time(spread.median)),
                number(time(spread.p99)),
                number(time(spread.max)),
                box_of(spread, longest),
            ],
        );
    }
    let drawn: String = [
        ("takeovers", "Takeovers with a bound", &seeds.takeover),
        ("outages", "Longest outage of a run", &seeds.outage),
    ]
    .into_iter()
    .filter_map(|(id, name, spread)| Some(histogram(id, name, spread.as_ref()?)))
    .collect();
    let content = format!(
        "<p>{}; this page shows the worst of them, seed {}.</p>\n{}<p>Takeovers \
         that were late: {}. Runs in which a rule was broken: {}. Runs with several MASTERs or holders for longer \
         than a handover takes: {}.</p>\n<p>Again: <code>{}</code></p>\n",
        runs(seeds),
        seeds.worst,
        table.end() + &drawn,
        seeds.late,
        seeds.runs_with_violations,
        seeds.runs_with_conflicts,
        escape(&seeds.replay)
    );
    section("seeds", "All runs", &content)
}

/// From the least to 99 of 100 as a box, the median in it, and a line to the most.
fn box_of(spread: &Spread, longest: Duration) -> String {
    let place = |time: Duration| percent(time, longest);
    let (least, median) = (place(spread.min), place(spread.median));
    let (p99, most) = (place(spread.p99), place(spread.max));
    format!(
        "<svg class=\"gauge\" width=\"160\" height=\"16\" aria-hidden=\"true\"><line class=\"whisker\" \
         x1=\"{}\" x2=\"{}\" y1=\"8\" y2=\"8\"/><rect class=\"ground\" x=\"{}\" width=\"{}\" y=\"2\" \
         height=\"12\"/><rect class=\"value\" x=\"{}\" width=\"3\" y=\"1\" height=\"14\"/></svg>",
        css_percent(least),
        css_percent(most),
        css_percent(least),
        css_percent((p99 - least).max(1.0)),
        css_percent(median),
    )
}

/// Height of the highest column, in pixels.
const HEIGHT: f64 = 120.0;

/// How many times fall between what and what, as columns with a mark where the worst run is, and as a table.
fn histogram(id: &str, name: &str, spread: &Spread) -> String {
    let most = spread.bins.iter().max().copied().unwrap_or_default();
    let edge = |nth: usize| spread.edge(nth);
    let width = 100.0 / (spread.bins.len().max(1) as f64);
    let mut svg = format!(
        "<svg class=\"columns\" width=\"100%\" height=\"{}\" role=\"img\" aria-label=\"{name}: {} times from {} to {}, \
         at most {most} in one column; the same is in the table below\">\n",
        HEIGHT + 40.0,
        spread.count,
        escape(&time(spread.min)),
        escape(&time(spread.max)),
    );
    let mut table = Table::new("", &["#From", "#To", "#Times", "Worst run"]);
    let worst = spread.worst_bin();
    for (nth, count) in spread.bins.iter().enumerate() {
        let is_worst = worst == Some(nth);
        // What is there is seen, however little it is.
        let height = match count {
            0 => 0.0,
            _ => (*count as f64 / most as f64 * HEIGHT).max(2.0),
        };
        let class = if is_worst { "value worst" } else { "value" };
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{}\" width=\"{}\" y=\"{:.1}\" height=\"{height:.1}\"/>",
            css_percent(width * nth as f64),
            css_percent(width * 0.92),
            HEIGHT + 18.0 - height,
        );
        if is_worst {
            let middle = css_percent(width * (nth as f64 + 0.46));
            // Above all columns, so that it hides none, and a line down to its own.
            let _ = writeln!(
                svg,
                "<line class=\"lead\" x1=\"{middle}\" x2=\"{middle}\" y1=\"15\" y2=\"{:.1}\"/>\n\
                 <text class=\"worst\" x=\"{middle}\" y=\"11\" text-anchor=\"{}\">▼ worst run</text>",
                HEIGHT + 18.0 - height,
                anchor(nth, spread.bins.len()),
            );
        }
        table.row(
            None,
            &[
                number(time(edge(nth))),
                number(time(edge(nth + 1))),
                number(count),
                match is_worst {
                    true => "here".to_owned(),
                    false => String::new(),
                },
            ],
        );
    }
    let ground = HEIGHT + 18.0;
    let _ = writeln!(
        svg,
        "<line class=\"whisker\" x1=\"0\" x2=\"100%\" y1=\"{ground}\" y2=\"{ground}\"/>\n\
         <text x=\"0\" y=\"{y}\">{}</text>\n\
         <text x=\"100%\" y=\"{y}\" text-anchor=\"end\">{}</text>\n</svg>",
        escape(&time(spread.min)),
        escape(&time(spread.max)),
        y = HEIGHT + 34.0,
    );
    format!(
        "<figure id=\"spread-{id}\">\n<figcaption>{name}: how often each time came, at most {most} times in a \
         column</figcaption>\n{svg}<details>\n<summary>As a table</summary>\n{}</details>\n</figure>\n",
        table.end()
    )
}

/// So that a text at the edge stays in the picture.
fn anchor(nth: usize, count: usize) -> &'static str {
    match nth * 4 {
        at if at < count => "start",
        at if at >= count * 3 => "end",
        _ => "middle",
    }
}
