//! The entries of `track_bfd`.

use super::{WEIGHTS, number};
use crate::diagnostic::Diagnostics;
use crate::model::bfd::{BfdInstance, TrackedBfd};
use crate::model::read::instance::{self, text};
use crate::model::read::track::first_time;
use crate::model::spanned::Spanned;
use crate::tree::Node;

/// The entries of `track_bfd`; a weight that is not given here is that of the session.
pub(in crate::model::read) fn tracked(
    block: &Node,
    raw: &mut instance::Raw,
    diagnostics: &mut Diagnostics,
) {
    for entry in block.entries() {
        let Some(name) = entry.words.first() else {
            continue;
        };
        if !first_time("bfd", name, &mut raw.seen_tracked, diagnostics) {
            continue;
        }
        if let Some(weight) = entry_weight(entry, diagnostics) {
            raw.tracked_bfd.push(RawTracked {
                name: text(name),
                weight,
                of_group: false,
            });
        }
    }
}

/// An entry of `track_bfd`, before it is known whether there is such a session.
#[derive(Clone, Debug)]
pub(crate) struct RawTracked {
    pub(in crate::model) name: Spanned<String>,
    /// The group of the instance tracks it.
    pub(in crate::model) of_group: bool,
    /// The weight, and whether it is reversed; what was not written is that of the session.
    pub(in crate::model) weight: (Option<i16>, Option<bool>),
}

impl RawTracked {
    /// The tracker, if there is a session of this name for it. Complains if there is none.
    pub(in crate::model) fn resolve(
        self,
        sessions: &[BfdInstance],
        instance: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<TrackedBfd> {
        let Self { name, weight, .. } = self;
        let found = sessions
            .iter()
            .find(|session| session.name.value == name.value);
        match found {
            Some(session) if session.for_vrrp => Some(TrackedBfd {
                weight: weight.0.unwrap_or(session.weight),
                reverse: weight.1.unwrap_or(session.reverse),
                name,
            }),
            found => {
                let message = match found {
                    Some(_) => format!("`{}` is for checkers only", name.value),
                    None => {
                        format!(
                            "there is no `bfd_instance {}` for `{instance}` to track",
                            name.value
                        )
                    }
                };
                let names = sessions.iter().map(|session| session.name.value.as_str());
                let near = crate::schema::nearest(&name.value, names);
                let help = match near.filter(|_| found.is_none()) {
                    Some(near) => format!("did you mean `{near}`? the entry is left out"),
                    None => "the entry is left out".to_owned(),
                };
                diagnostics
                    .error("unknown-tracker", name.span, message)
                    .help(help);
                None
            }
        }
    }
}

/// `[weight N [reverse|noreverse]]`; `None` if the weight cannot be used, which would make it a fault.
fn entry_weight(
    entry: &Node,
    diagnostics: &mut Diagnostics,
) -> Option<(Option<i16>, Option<bool>)> {
    let mut words = entry.arguments().iter();
    let Some(word) = words.next() else {
        return Some((None, None));
    };
    if word.as_str() != "weight" {
        let message = format!("a tracked session has no option `{}`", word.as_str());
        diagnostics
            .error("unknown-option", word.span, message)
            .help(
                "use `weight N`, `weight N reverse` or `weight N noreverse`; the word is left out",
            );
        return Some((None, None));
    }
    let Some(value) = words.next() else {
        let message = format!("`weight` needs {WEIGHTS}");
        diagnostics
            .error("missing-value", word.span, message)
            .help("the entry is left out");
        return None;
    };
    let weight = number("weight", value, "the entry is left out", diagnostics)?;
    let reverse = match words.next() {
        None => None,
        Some(word) if word.as_str() == "reverse" => Some(true),
        Some(word) if word.as_str() == "noreverse" => Some(false),
        Some(word) => {
            let message = format!("`{}` cannot stand behind the weight", word.as_str());
            diagnostics
                .error("unknown-option", word.span, message)
                .help("only `reverse` and `noreverse` can; the word is left out");
            None
        }
    };
    Some((Some(weight), reverse))
}
