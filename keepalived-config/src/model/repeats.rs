//! Lines that are written twice in one block, of which only one can count.

use crate::diagnostic::Diagnostics;
use crate::schema::{Context, Keyword, Shape};
use crate::tree::{Node, Span};

/// Lines of which there may be many, or about which their readers complain in their own words.
const MANY: [&str; 7] = [
    "auth",
    "discriminator",
    "key",
    "regex_options",
    "status_code",
    "debug",
    "native_ipv6",
];

/// What one block has said so far.
pub(super) struct Repeats {
    /// Absent where nothing is looked for.
    seen: Option<Vec<(&'static str, Span)>>,
}

impl Repeats {
    pub(super) fn new(context: Context) -> Self {
        // At the top level and in `global_defs` many lines are lists, and files include each other.
        let looked_at = !matches!(
            context,
            Context::Root | Context::GlobalDefs | Context::GarpGroup | Context::TrackGroup
        );
        Self {
            seen: looked_at.then(Vec::new),
        }
    }

    /// A line of the block. A flag may be raised twice; two values contradict each other.
    pub(super) fn see(&mut self, keyword: &Keyword, node: &Node, diagnostics: &mut Diagnostics) {
        let Some(seen) = &mut self.seen else {
            return;
        };
        let name = canonical(keyword.name);
        let value = matches!(keyword.shape, Shape::Line) && !node.arguments().is_empty();
        if !value || MANY.contains(&name) || has_its_own_complaint(name) {
            return;
        }
        let Some((_, first)) = seen.iter().find(|(known, _)| *known == name) else {
            seen.push((name, node.span()));
            return;
        };
        let message = format!("`{}` is given twice", node.keyword());
        diagnostics
            .warning("repeated-keyword", node.span(), message)
            .help("one line is enough: the last one that can be used counts")
            .note(*first, "the first one is here");
    }
}

/// Scripts: the first one counts.
fn has_its_own_complaint(name: &str) -> bool {
    name == "notify" || name.starts_with("notify_")
}

/// Two spellings of one line.
fn canonical(name: &'static str) -> &'static str {
    match name {
        "neighbour_ip" => "neighbor_ip",
        "hoplimit" => "ttl",
        "nb_get_retry" => "retry",
        "lvs_sched" => "lb_algo",
        other => other,
    }
}
