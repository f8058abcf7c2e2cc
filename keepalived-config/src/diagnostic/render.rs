//! The two printed forms of a diagnostic.

use std::fmt::Write as _;

use super::{Diagnostic, SourceMap, Span};

/// The long form for people: sentence, place, the line with the culprit underlined, notes, help.
/// Ends with a line feed.
#[must_use]
pub fn render(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}[{}]: {}",
        diagnostic.severity.name(),
        diagnostic.code,
        clean(&diagnostic.message)
    );
    let spans = diagnostic
        .span
        .iter()
        .chain(diagnostic.notes.iter().filter_map(|n| n.span.as_ref()));
    let widest = spans
        .map(|span| sources.location(*span).line)
        .max()
        .unwrap_or(1);
    let gutter = widest.to_string().len();
    if let Some(span) = diagnostic.span {
        snippet(&mut out, gutter, span, sources);
    }
    for note in &diagnostic.notes {
        let _ = writeln!(out, "{:gutter$} = note: {}", "", clean(&note.message));
        if let Some(span) = note.span {
            snippet(&mut out, gutter, span, sources);
        }
    }
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(out, "{:gutter$} = help: {}", "", clean(help));
    }
    out
}

/// All diagnostics in the long form, an empty line between them.
#[must_use]
pub fn render_all(diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    let texts: Vec<String> = diagnostics.iter().map(|one| render(one, sources)).collect();
    texts.join("\n")
}

/// The short form for logs: `file:line:col: error: message [code]`. No line feed.
#[must_use]
pub fn one_line(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let mut out = String::new();
    if let Some(span) = diagnostic.span {
        let place = sources.location(span);
        let _ = write!(
            out,
            "{}:{}:{}: ",
            clean(place.path),
            place.line,
            place.column
        );
    }
    let _ = write!(
        out,
        "{}: {} [{}]",
        diagnostic.severity.name(),
        clean(&diagnostic.message),
        diagnostic.code
    );
    out
}

/// Place, line, underline.
fn snippet(out: &mut String, gutter: usize, span: Span, sources: &SourceMap) {
    let place = sources.location(span);
    let (line, start) = sources.line(span);
    let from = (span.start.saturating_sub(start) as usize).min(line.len());
    let to = (span.end.saturating_sub(start) as usize).clamp(from, line.len());
    let (line, from, to) = window(line, from, to);
    let before = line.get(..from).unwrap_or_default();
    let marked = line.get(from..to).unwrap_or_default();
    let width = |text: &str| clean(text).chars().count();
    let carets = width(marked).max(1);
    let _ = writeln!(
        out,
        "{:gutter$}--> {}:{}:{}",
        "",
        clean(place.path),
        place.line,
        place.column
    );
    let _ = writeln!(out, "{:gutter$} |", "");
    let _ = writeln!(out, "{:>gutter$} | {}", place.line, clean(line).trim_end());
    let _ = writeln!(
        out,
        "{:gutter$} | {:before$}{:^<carets$}",
        "",
        "",
        "",
        before = width(before)
    );
}

/// At most 160 bytes of a long line, around the marked part.
fn window(line: &str, from: usize, to: usize) -> (&str, usize, usize) {
    const WIDTH: usize = 160;
    if line.len() <= WIDTH {
        return (line, from, to);
    }
    let first = line.floor_char_boundary(from.saturating_sub(WIDTH / 4));
    let last = line.floor_char_boundary((first + WIDTH).min(line.len()));
    let part = line.get(first..last).unwrap_or_default();
    (part, from - first, to.min(last).saturating_sub(first))
}

/// Tabs become four blanks; other control characters (which could steer a terminal) a replacement.
fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push_str("    "),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
