//! `track_interface`, and the trackers that are not supported yet.

use super::instance::{Raw, text};
use super::line::{interface_name, refuse};
use crate::diagnostic::Diagnostics;
use crate::model::instance::TrackedInterface;
use crate::model::spanned::Spanned;
use crate::tree::Node;

/// The entries of `track_interface`.
pub(super) fn interfaces(block: &Node, raw: &mut Raw, diagnostics: &mut Diagnostics) {
    for entry in block.entries() {
        let Some(name) = entry.words.first() else {
            continue;
        };
        if !interface_name(name, "the entry is left out", diagnostics) {
            continue;
        }
        if let Some(first) = raw
            .seen_interfaces
            .insert(name.as_str().to_owned(), name.span)
        {
            let message = format!("`{}` is tracked twice", name.as_str());
            diagnostics
                .error("duplicate-tracker", name.span, message)
                .help("the first one counts")
                .note(first, "the other one is here");
            continue;
        }
        let mut tracked = TrackedInterface {
            name: text(name),
            weight: 0,
            reverse: false,
        };
        if weight(entry, &mut tracked, diagnostics).is_some() {
            raw.tracked_interfaces.push(tracked);
        }
    }
}

/// `[weight N [reverse]]`; `None` if the weight cannot be used, which would turn it into a fault.
fn weight(
    entry: &Node,
    tracked: &mut TrackedInterface,
    diagnostics: &mut Diagnostics,
) -> Option<()> {
    let mut words = entry.arguments().iter();
    let Some(word) = words.next() else {
        return Some(());
    };
    if word.as_str() != "weight" {
        let message = format!("a tracked interface has no option `{}`", word.as_str());
        let complaint = diagnostics.error("unknown-option", word.span, message);
        match word.as_str() {
            "reverse" => complaint.help("`reverse` has to follow `weight N`; the word is left out"),
            _ => complaint.help("use `weight N` or `weight N reverse`; the word is left out"),
        };
        return Some(());
    }
    let what = "a whole number from -253 to 253";
    let Some(value) = words.next() else {
        let message = format!("`weight` needs {what}");
        diagnostics
            .error("missing-value", word.span, message)
            .help("the entry is left out");
        return None;
    };
    match value.as_str().parse::<i16>() {
        Ok(number @ (-254 | 254)) => {
            let most = number - number.signum();
            let message = format!("`weight` takes {what}, not `{number}`");
            diagnostics
                .error("out-of-range", value.span, message)
                .help(format!("{most} is used"));
            tracked.weight = most;
        }
        Ok(number @ -253..=253) => tracked.weight = number,
        _ => {
            refuse(
                diagnostics,
                "out-of-range",
                "weight",
                what,
                value,
                "the entry is left out",
            );
            return None;
        }
    }
    match words.next() {
        Some(word) if word.as_str() == "reverse" => tracked.reverse = true,
        Some(word) => {
            let message = format!("`{}` cannot stand behind the weight", word.as_str());
            diagnostics
                .error("unknown-option", word.span, message)
                .help("only `reverse` can; the word is left out");
        }
        None => {}
    }
    Some(())
}

/// Remembers what a tracker that is not supported yet would have watched.
pub(super) fn unsupported(block: &Node, raw: &mut Raw) {
    let kind = block.keyword().strip_prefix("track_").unwrap_or_default();
    for entry in block.entries() {
        let name = format!("{kind} {}", entry.keyword());
        raw.unguarded.push(Spanned::new(name, entry.keyword_span()));
    }
}
