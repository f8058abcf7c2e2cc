//! Trackers that are not supported yet: who is not guarded, and which names do not even exist.

use std::collections::{BTreeSet, HashMap};

use super::NOT_SUPPORTED_YET;
use super::spanned::Spanned;
use crate::diagnostic::Diagnostics;
use crate::schema::nearest;
use crate::tree::Node;

/// Top-level blocks that define something to track, and the kind of tracker that uses it.
const DEFINITIONS: [(&str, &str); 4] = [
    ("vrrp_script", "script"),
    ("vrrp_track_process", "process"),
    ("track_file", "file"),
    ("vrrp_track_file", "file"),
];

/// With more names than this, looking for a similar one takes too long.
const MOST_COMPARED: usize = 1000;

/// The names that are defined, by kind.
pub(super) struct Defined<'a>(HashMap<&'static str, BTreeSet<&'a str>>);

impl<'a> Defined<'a> {
    pub(super) fn new(tree: &'a [Node]) -> Self {
        let mut names: HashMap<&'static str, BTreeSet<&'a str>> = HashMap::new();
        for node in tree {
            let kind = DEFINITIONS
                .iter()
                .find(|(keyword, _)| *keyword == node.keyword());
            if let (Some((_, kind)), Some(name)) = (kind, node.arguments().first()) {
                names.entry(kind).or_default().insert(name.as_str());
            }
        }
        Self(names)
    }

    /// Says what each tracker of an instance does, or rather does not.
    pub(super) fn report(
        &self,
        name: &Spanned<String>,
        trackers: &[Spanned<String>],
        diagnostics: &mut Diagnostics,
    ) {
        for tracker in trackers {
            let (kind, object) = tracker
                .value
                .split_once(' ')
                .unwrap_or(("", &tracker.value));
            let known = self.0.get(kind);
            if known.is_some_and(|known| known.contains(object)) {
                let message = format!(
                    "`{}` is not guarded by `{object}`: `track_{kind}` is not supported yet",
                    name.value
                );
                diagnostics
                    .warning(NOT_SUPPORTED_YET, tracker.span, message)
                    .help("the instance runs as if the check always passed");
                continue;
            }
            let message = format!(
                "there is no `{} {object}` for `{}` to track",
                definition(kind),
                name.value
            );
            let known = known.filter(|known| known.len() <= MOST_COMPARED);
            let near = known.and_then(|known| nearest(object, known.iter().copied()));
            let help = match near {
                Some(near) => format!("did you mean `{near}`? the entry is left out"),
                None => "the entry is left out".to_owned(),
            };
            diagnostics
                .error("unknown-tracker", tracker.span, message)
                .help(help);
        }
    }
}

/// The keyword that defines a thing of this kind.
fn definition(kind: &str) -> &'static str {
    let found = DEFINITIONS.iter().find(|(_, of)| *of == kind);
    found.map_or("", |(keyword, _)| keyword)
}
