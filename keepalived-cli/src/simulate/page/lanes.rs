//! What one row of the chart is drawn with.
//!
//! Places along a row are percent of the simulation, so that a wider chart shows more and distorts
//! nothing. Below [`PIXELS`] for each percent the chart scrolls.

use std::fmt::Write;
use std::time::Duration;

use super::text::{css_percent, escape, percent};

/// Pixels for one percent of the chart at its narrowest, not magnified.
const PIXELS: f64 = 8.0;
/// How many times the chart can be magnified.
pub(super) const ZOOMS: [u32; 5] = [1, 2, 4, 8, 16];

/// A bar: a time in which something was so.
pub(super) struct Bar<'a> {
    /// CSS class, for its colours.
    pub(super) class: &'a str,
    pub(super) from: Duration,
    pub(super) until: Duration,
    /// What stands in it where there is room.
    pub(super) word: &'a str,
    /// What stands in it where there is little.
    pub(super) letter: &'a str,
    /// Everything about it, not escaped.
    pub(super) label: &'a str,
}

/// Height of a bar in pixels.
const BAR: u32 = 22;
/// Room above and below bars.
const GAP: u32 = 3;
/// Height of the marks of adverts.
const TICKS: u32 = 8;

/// Height of a row with bars, and with adverts below them if wanted.
pub(super) const fn height(adverts: bool) -> u32 {
    let ticks = if adverts { TICKS } else { 0 };
    BAR + 2 * GAP + ticks
}

/// The first magnification at which so many pixels have room in a bar; absent: none.
fn zoom_for(width: f64, pixels: f64) -> Option<u32> {
    ZOOMS
        .into_iter()
        .find(|zoom| width * PIXELS * f64::from(*zoom) >= pixels)
}

/// Adds a bar, which the keyboard reaches and screen readers read.
pub(super) fn bar(svg: &mut String, whole: Duration, bar: &Bar<'_>) {
    let from = percent(bar.from, whole);
    // What is too short to be seen is drawn a little longer.
    let width = (percent(bar.until, whole) - from).max(0.15);
    let letters = |text: &str| f64::from(u32::try_from(text.chars().count()).unwrap_or(u32::MAX));
    let label = escape(bar.label);
    let _ = write!(
        svg,
        "<svg class=\"shape bar {}\" x=\"{}\" y=\"{GAP}\" width=\"{}\" height=\"{BAR}\" tabindex=\"0\" \
         role=\"img\" aria-label=\"{label}\"><title>{label}</title><rect class=\"fill\" width=\"100%\" \
         height=\"100%\"/><rect class=\"pattern\" width=\"100%\" height=\"100%\"/>",
        bar.class,
        css_percent(from),
        css_percent(width),
    );
    let word = zoom_for(width, letters(bar.word) * 7.4 + 12.0);
    let letter = zoom_for(width, letters(bar.letter) * 8.0 + 6.0);
    if let Some(zoom) = word {
        let text = escape(bar.word);
        let _ = write!(
            svg,
            "<text class=\"from{zoom}\" x=\"6\" y=\"15\">{text}</text>"
        );
    }
    if let Some(zoom) = letter.filter(|zoom| word.is_none_or(|word| *zoom < word)) {
        let hidden = word.map(|word| format!(" until{word}")).unwrap_or_default();
        let text = escape(bar.letter);
        let _ = write!(
            svg,
            "<text class=\"from{zoom}{hidden}\" x=\"50%\" y=\"15\" text-anchor=\"middle\">{text}</text>"
        );
    }
    svg.push_str("</svg>");
}

/// Adds thin marks, all in one path.
pub(super) fn ticks(
    svg: &mut String,
    whole: Duration,
    class: &str,
    (top, height): (u32, u32),
    times: impl Iterator<Item = Duration>,
) {
    let mut path = String::new();
    for at in times {
        let _ = write!(path, "M{:.0} 0V1", percent(at, whole) * 1000.0);
    }
    if path.is_empty() {
        return;
    }
    let _ = write!(
        svg,
        "<svg class=\"{class}\" y=\"{top}\" width=\"100%\" height=\"{height}\" viewBox=\"0 0 100000 1\" \
         preserveAspectRatio=\"none\" aria-hidden=\"true\"><path d=\"{path}\"/></svg>"
    );
}

/// The marks of adverts below the bars; those that say goodbye are longer.
pub(super) fn adverts(
    svg: &mut String,
    whole: Duration,
    plain: impl Iterator<Item = Duration>,
    goodbyes: impl Iterator<Item = Duration>,
) {
    let top = GAP + BAR + 2;
    ticks(svg, whole, "ticks", (top, TICKS), plain);
    ticks(
        svg,
        whole,
        "ticks goodbye",
        (GAP + BAR / 2, TICKS + BAR / 2 + 2),
        goodbyes,
    );
}

/// The rows of marks that so many marks at these places need, so that none hides another, and the
/// row of each. Where that would be more rows than `most`, marks do overlap.
pub(super) fn levels(places: &[f64], room: f64, most: usize) -> (usize, Vec<usize>) {
    let mut ends: Vec<f64> = Vec::new();
    let mut chosen = Vec::with_capacity(places.len());
    for place in places {
        let free = ends.iter().position(|end| *end <= *place);
        let level = match free {
            Some(level) => level,
            None if ends.len() < most => {
                ends.push(0.0);
                ends.len() - 1
            }
            None => {
                let mut by_end: Vec<usize> = (0..ends.len()).collect();
                by_end.sort_by(|a, b| ends[*a].total_cmp(&ends[*b]));
                by_end.first().copied().unwrap_or(0)
            }
        };
        ends[level] = place + room;
        chosen.push(level);
    }
    (ends.len().max(1), chosen)
}

/// A mark that leads to its line in the table.
pub(super) struct Mark<'a> {
    /// CSS class.
    pub(super) class: &'a str,
    pub(super) at: Duration,
    /// The id of the line.
    pub(super) target: String,
    /// What is drawn around its place.
    pub(super) shape: String,
    /// Everything about it, not escaped.
    pub(super) label: String,
}

/// How marks of a kind are laid out.
pub(super) struct Layout {
    /// Pixels from one mark to the next.
    pub(super) room: f64,
    /// Height of a row of them in pixels.
    pub(super) height: u32,
    /// Rows at most.
    pub(super) rows: usize,
}

/// One row of the chart with all these marks; how high it is, and what is drawn.
pub(super) fn marks(whole: Duration, marks: &[Mark<'_>], layout: &Layout) -> (u32, String) {
    let places: Vec<f64> = marks.iter().map(|mark| percent(mark.at, whole)).collect();
    let (count, levels) = levels(&places, layout.room / PIXELS, layout.rows);
    let height = layout.height;
    let mut svg = String::new();
    for ((mark, place), level) in marks.iter().zip(&places).zip(levels) {
        let label = escape(&mark.label);
        let y = u32::try_from(level).unwrap_or(0) * height;
        let _ = write!(
            svg,
            "<a class=\"shape mark {}\" href=\"#{}\" aria-label=\"{label}\"><title>{label}</title><svg \
             x=\"{}\" y=\"{y}\" width=\"1\" height=\"{height}\" overflow=\"visible\">{}</svg></a>",
            mark.class,
            mark.target,
            css_percent(*place),
            mark.shape
        );
    }
    (u32::try_from(count).unwrap_or(1) * height + 4, svg)
}

/// The distance of the lines of the axis: a round number, so that there are ten at most.
pub(super) fn step(whole: Duration) -> Duration {
    const ROUND: [u64; 12] = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1800];
    let most = whole.as_secs_f64() / 10.0;
    if most <= 1.0 {
        // Below a second: 1, 2 or 5 of a power of ten.
        let mut unit = 1e-6;
        loop {
            for factor in [1.0, 2.0, 5.0] {
                if unit * factor >= most * 0.999_999 {
                    return Duration::from_secs_f64(unit * factor);
                }
            }
            unit *= 10.0;
        }
    }
    let seconds = ROUND
        .into_iter()
        .find(|seconds| Duration::from_secs(*seconds).as_secs_f64() >= most)
        .unwrap_or_else(|| (whole.as_secs() / 10).div_ceil(3600).max(1) * 3600);
    Duration::from_secs(seconds)
}

/// The axis itself.
pub(super) fn axis(whole: Duration) -> String {
    let step = step(whole);
    let mut svg = String::new();
    let mut label = |at: Duration, class: &str| {
        let place = percent(at, whole);
        let anchor = match place {
            _ if place < 1.0 => "start",
            _ if place > 98.0 => "end",
            _ => "middle",
        };
        let text = super::text::time(at);
        let place = css_percent(place);
        let _ = write!(
            svg,
            "<text class=\"{class}\" x=\"{place}\" y=\"15\" text-anchor=\"{anchor}\">{text}</text>"
        );
    };
    // In between, once there is room.
    let (major, fine) = (step, step / 4);
    let mut at = Duration::ZERO;
    let mut count = 0_u32;
    while at <= whole && count < 200 {
        label(
            at,
            if count.is_multiple_of(4) {
                "from1"
            } else {
                "from4"
            },
        );
        count += 1;
        at = major * (count / 4) + fine * (count % 4);
    }
    svg
}
