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

/// What the open blocks have said so far, the outermost first.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    seen: Vec<(&'static str, Span)>,
}

/// A block that is being looked at.
pub(super) struct Opened {
    /// Where its lines begin in the list.
    first: usize,
    looked_at: bool,
}

impl Repeats {
    /// The lines of a block follow, until it is [closed](Self::close).
    pub(super) fn open(&self, context: Context) -> Opened {
        Opened {
            first: self.seen.len(),
            // At the top level and in `global_defs` many lines are lists, and files include each other.
            looked_at: !matches!(
                context,
                Context::Root | Context::GlobalDefs | Context::GarpGroup | Context::TrackGroup
            ),
        }
    }

    /// Its lines are forgotten.
    pub(super) fn close(&mut self, block: &Opened) {
        self.seen.truncate(block.first);
    }

    /// A line of the innermost block. A flag may be raised twice; two values contradict each other.
    pub(super) fn see(
        &mut self,
        block: &Opened,
        keyword: &Keyword,
        node: &Node,
        diagnostics: &mut Diagnostics,
    ) {
        let value = matches!(keyword.shape, Shape::Line) && !node.arguments().is_empty();
        if !value || !block.looked_at {
            return;
        }
        let name = canonical(keyword.name);
        let mut seen = self.seen.iter().skip(block.first);
        let Some((_, first)) = seen.find(|(known, _)| *known == name) else {
            self.seen.push((name, node.span()));
            return;
        };
        if MANY.contains(&name) || has_its_own_complaint(name) {
            return;
        }
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
