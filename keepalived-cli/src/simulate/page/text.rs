//! Texts: escaped, and times in words.

use std::fmt::Write;
use std::time::Duration;

/// A text that is not ours, for an element or an attribute.
///
/// Characters that no page may have, and those that turn the direction of what follows, become
/// U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(' '),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => {
                escaped.push('\u{fffd}');
            }
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A name, which keeps its direction to itself.
pub(super) fn bdi(name: &str) -> String {
    format!("<bdi>{}</bdi>", escape(name))
}

/// `3.609 s`, `0.4 ms`, `2 min 5 s`.
pub(super) fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if time.is_zero() {
        return "0 s".to_owned();
    }
    if seconds < 0.000_999_5 {
        return format!("{} µs", trimmed(seconds * 1e6, 0));
    }
    if seconds < 0.099_95 {
        return format!("{} ms", trimmed(seconds * 1e3, 1));
    }
    if seconds < 600.0 {
        return format!("{} s", trimmed(seconds, 3));
    }
    let whole = time.as_secs();
    let rest = Duration::new(whole % 60, time.subsec_nanos());
    let rest = trimmed(rest.as_secs_f64(), 3);
    match whole / 60 {
        minutes if minutes < 60 => format!("{minutes} min {rest} s"),
        minutes => format!("{} h {} min {rest} s", minutes / 60, minutes % 60),
    }
}

/// A moment: seconds since the beginning, always in the same way, so that columns can be compared.
pub(super) fn moment(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

fn trimmed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    if digits == 0 {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `1 rule was`, `3 rules were`.
pub(super) fn plural(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    }
}

/// How far along something is, in percent of the whole, for a length in a page.
pub(super) fn percent(part: Duration, whole: Duration) -> f64 {
    if whole.is_zero() {
        return 0.0;
    }
    (part.as_secs_f64() / whole.as_secs_f64() * 100.0).clamp(0.0, 100.0)
}

/// `12.345%`.
pub(super) fn css_percent(value: f64) -> String {
    format!("{}%", trimmed(value, 4))
}

/// Items joined, those past the first few counted.
pub(super) fn shortened(items: &[String], shown: usize) -> String {
    let mut text = items
        .iter()
        .take(shown)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if let Some(more) = items.len().checked_sub(shown).filter(|more| *more > 0) {
        let _ = write!(text, " and {more} more");
    }
    text
}
