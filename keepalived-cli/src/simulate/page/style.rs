//! The style sheet.

use std::fmt::Write;

use super::colours::{COLOURS, css};
use super::lanes::{ZOOMS, step};
use super::text::{css_percent, percent};
use crate::simulate::document::Document;

/// What never changes. Variables are the colours.
const FIXED: &str = include_str!("style.css");

/// The style sheet of the page of this document.
pub(super) fn sheet(document: &Document) -> String {
    let mut sheet = String::new();
    let variables = |dark: bool| {
        let mut text = String::new();
        for (name, light, night) in COLOURS {
            let _ = write!(text, "--{name}:{};", css(if dark { night } else { light }));
        }
        text
    };
    let _ = writeln!(
        sheet,
        ":root{{color-scheme:light dark;{}}}",
        variables(false)
    );
    let _ = writeln!(
        sheet,
        "@media (prefers-color-scheme:dark){{:root{{{}}}}}",
        variables(true)
    );
    sheet.push_str(FIXED);
    let whole = document.meta.length;
    let grid = css_percent(percent(step(whole), whole));
    let _ = writeln!(sheet, ".lane{{background-size:{grid} 100%}}");
    // What appears, and what goes, when the chart is magnified.
    for zoom in ZOOMS {
        if zoom > 1 {
            let _ = writeln!(sheet, ".from{zoom}{{display:none}}");
        }
    }
    for zoom in ZOOMS.into_iter().filter(|zoom| *zoom > 1) {
        let on = format!("body:has(#zoom{zoom}:checked)");
        let _ = writeln!(sheet, "{on} .grid{{--zoom:{zoom}}}");
        for shown in ZOOMS.into_iter().filter(|shown| *shown <= zoom) {
            let _ = writeln!(sheet, "{on} .from{shown}{{display:inline}}");
        }
        for hidden in ZOOMS.into_iter().filter(|hidden| *hidden <= zoom) {
            let _ = writeln!(sheet, "{on} .until{hidden}{{display:none}}");
        }
    }
    sheet
}
