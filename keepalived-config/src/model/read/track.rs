//! What is tracked: `track_interface`, `track_script`, `track_file`, `track_process`.

use std::collections::HashMap;

use super::instance::{Raw, text};
use super::line::{interface_name, refuse};
use crate::diagnostic::Diagnostics;
use crate::model::instance::TrackedInterface;
use crate::model::trackers::{RawUse, TrackedKind};
use crate::tree::{Node, Span, Word};

/// What was tracked so far, to find what is tracked twice.
pub(in crate::model) type Seen = HashMap<(&'static str, String), Span>;

/// The entries of `track_interface`. TRK-01.
pub(super) fn interfaces(block: &Node, raw: &mut Raw, diagnostics: &mut Diagnostics) {
    for entry in block.entries() {
        let Some(name) = entry.words.first() else {
            continue;
        };
        if !interface_name(name, "the entry is left out", diagnostics)
            || !first_time("interface", name, &mut raw.seen_tracked, diagnostics)
        {
            continue;
        }
        let instead = "the entry is left out";
        match weight(entry, "interface", 253, &["reverse"], instead, diagnostics) {
            // An interface without its weight would be a fault instead.
            Written::Unusable => {}
            Written::Nothing => raw.tracked_interfaces.push(TrackedInterface {
                name: text(name),
                weight: 0,
                reverse: false,
            }),
            Written::Weight(weight, reverse) => raw.tracked_interfaces.push(TrackedInterface {
                name: text(name),
                weight,
                reverse: reverse.unwrap_or(false),
            }),
        }
    }
}

/// The entries of `track_script`, `track_file` or `track_process`, of an instance or a group.
/// TRK-03.
pub(super) fn objects(block: &Node, raw: &mut Raw, diagnostics: &mut Diagnostics) {
    let kind = match block.keyword() {
        "track_script" => TrackedKind::Script,
        "track_file" => TrackedKind::File,
        _ => TrackedKind::Process,
    };
    let what = kind.word();
    for entry in block.entries() {
        let Some(name) = entry.words.first() else {
            continue;
        };
        if !first_time(what, name, &mut raw.seen_tracked, diagnostics) {
            continue;
        }
        let words = &["reverse", "noreverse"];
        let instead = "the weight of its definition counts";
        // An object that guards something goes on to do so, whatever is wrong with its weight.
        let (value, reverse) = match weight(entry, what, kind.most(), words, instead, diagnostics) {
            Written::Weight(weight, reverse) => (Some(weight), reverse),
            Written::Nothing | Written::Unusable => (None, None),
        };
        raw.used.push(RawUse {
            of_group: false,
            kind,
            name: text(name),
            value,
            reverse,
        });
    }
}

pub(super) fn first_time(
    what: &'static str,
    name: &Word,
    seen: &mut Seen,
    diagnostics: &mut Diagnostics,
) -> bool {
    let Some(first) = seen.insert((what, name.as_str().to_owned()), name.span) else {
        return true;
    };
    let message = format!("`{}` is tracked twice", name.as_str());
    diagnostics
        .error("duplicate-tracker", name.span, message)
        .help("the first one counts")
        .note(first, "the other one is here");
    seen.insert((what, name.as_str().to_owned()), first);
    false
}

/// What an entry says about its weight.
enum Written {
    Nothing,
    Weight(i16, Option<bool>),
    Unusable,
}

/// `[weight N [reverse|noreverse]]`. KA-W-11.
fn weight(
    entry: &Node,
    what: &str,
    most: i16,
    directions: &[&str],
    instead: &str,
    diagnostics: &mut Diagnostics,
) -> Written {
    let mut words = entry.arguments().iter();
    let Some(word) = words.next() else {
        return Written::Nothing;
    };
    if word.as_str() != "weight" {
        let message = format!("a tracked {what} has no option `{}`", word.as_str());
        let complaint = diagnostics.error("unknown-option", word.span, message);
        if directions.contains(&word.as_str()) {
            complaint.help(format!(
                "`{}` has to follow `weight N`; the word is left out",
                word.as_str()
            ));
        } else {
            complaint.help("use `weight N` or `weight N reverse`; the word is left out");
        }
        return Written::Nothing;
    }
    let range = format!("a whole number from {} to {most}", -most);
    let Some(value) = words.next() else {
        let message = format!("`weight` needs {range}");
        diagnostics
            .error("missing-value", word.span, message)
            .help(instead);
        return Written::Unusable;
    };
    let Some(weight) = number(value, most, instead, diagnostics) else {
        return Written::Unusable;
    };
    let reverse = words.next().and_then(|word| match word.as_str() {
        known if directions.contains(&known) => Some(known == "reverse"),
        other => {
            let message = format!("`{other}` cannot stand behind the weight");
            let known: Vec<String> = directions.iter().map(|word| format!("`{word}`")).collect();
            diagnostics
                .error("unknown-option", word.span, message)
                .help(format!(
                    "only {} can; the word is left out",
                    known.join(" or ")
                ));
            None
        }
    });
    Written::Weight(weight, reverse)
}

/// A weight of at most `most`; one more, which is what 254 is to a script, is cut.
pub(super) fn number(
    value: &Word,
    most: i16,
    instead: &str,
    diagnostics: &mut Diagnostics,
) -> Option<i16> {
    let range = format!("a whole number from {} to {most}", -most);
    match value.as_str().parse::<i16>() {
        Ok(number) if (-most..=most).contains(&number) => Some(number),
        Ok(number @ (-254 | 254)) => {
            let cut = number.signum() * most;
            let message = format!("`weight` takes {range}, not `{number}`");
            diagnostics
                .error("out-of-range", value.span, message)
                .help(format!("{cut} is used"));
            Some(cut)
        }
        _ => {
            refuse(
                diagnostics,
                "out-of-range",
                "weight",
                &range,
                value,
                instead,
            );
            None
        }
    }
}
