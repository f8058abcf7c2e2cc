//! What words the configuration language has: one table, known before any file is read.
//!
//! The parser asks [`lookup`] what a word means in a block and how the rest of its line is shaped;
//! the model asks it whether the daemon honours the word; the parity page prints all of it.
//! The data is in `keywords/`, one file per block family.

mod context;
mod inline;
mod parity;
mod reference;
mod suggest;

pub use context::Context;
pub use inline::{InlineWord, inline_words};
pub use parity::{Counts, counts, parity_markdown};
pub use reference::reference_pages;
pub(crate) use suggest::idle;
pub use suggest::{Suggestions, nearest, suggestions};

/// One word of the language in one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keyword {
    /// The word as it is written in a file.
    pub name: &'static str,
    /// The block in which it has this meaning.
    pub context: Context,
    /// What may follow it on the line, in the notation of the parity page.
    pub arguments: &'static str,
    /// What the parser has to expect after it.
    pub shape: Shape,
    /// How many configurations need it.
    pub priority: Priority,
    /// What this daemon does with it.
    pub status: Status,
    /// One line that says what it is for.
    pub doc: &'static str,
    /// The value used when it is absent; empty if there is none.
    pub default: &'static str,
    /// The first Keepalived release that has it, or [`OURS`]; `0.5` standing for the oldest one there is and `+`
    /// for what came after; empty if not determined.
    pub since: &'static str,
}

impl Keyword {
    /// Block and name, joined by a dot: `vrrp_instance.priority`, `(root).global_defs`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.context.path(), self.name)
    }

    /// Whether a command line follows, which has a quoting of its own.
    pub(crate) fn takes_command(&self) -> bool {
        let arguments = self.arguments.strip_prefix('[').unwrap_or(self.arguments);
        arguments.starts_with("SCRIPT-LINE")
    }

    /// Whether a pattern follows, whose backslashes are doubled.
    pub(crate) fn takes_pattern(&self) -> bool {
        self.arguments.starts_with("QUOTED-STRING")
    }
}

/// Where a release of Keepalived would stand, for words that only keepalived-rs knows.
pub const OURS: &str = "keepalived-rs";

/// What follows a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Nothing but the rest of the line.
    Line,
    /// A block of keywords (after the arguments, if it takes any).
    Block(Context),
    /// A block of free-form entries.
    Entries(EntryKind),
}

/// What one entry of a free-form block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntryKind {
    /// An address with options (`virtual_ipaddress`, `static_ipaddress`).
    Address,
    /// A route.
    Route,
    /// A policy rule.
    Rule,
    /// The name of a tracked object with an optional weight.
    Track,
    /// A unicast peer with optional hop limits.
    Peer,
    /// A mail address.
    Email,
    /// The name of a VRRP instance.
    InstanceName,
    /// The name of an interface.
    Interface,
    /// An interface and the way its link is polled.
    Linkbeat,
    /// An interface and its down and up delays.
    Delay,
    /// A member of a virtual server group.
    VirtualServer,
}

impl EntryKind {
    /// Whether every word is an entry of its own, so that several may share a line.
    ///
    /// Where this is false an entry is a whole line.
    #[must_use]
    pub const fn one_word_each(self) -> bool {
        matches!(self, Self::InstanceName | Self::Interface | Self::Email)
    }
}

/// How widely a keyword is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Nearly every configuration.
    P0,
    /// Common in production.
    P1,
    /// Specialised.
    P2,
}

/// What this daemon does with a keyword today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It has its effect.
    Works,
    /// It is accepted and changes nothing, and does not need to; the text says why.
    NoEffect(&'static str),
    /// It is known and not built yet: a warning, or an error under the strict option.
    NotYet,
    /// It is known and will not be honoured; the text says why.
    Refused(&'static str),
}

/// Finds a word in a block, in time logarithmic in the number of words of the block.
#[must_use]
pub fn lookup(context: Context, word: &str) -> Option<&'static Keyword> {
    let table = crate::keywords::table(context);
    let index = table
        .binary_search_by(|keyword| keyword.name.cmp(word))
        .ok()?;
    table.get(index)
}

/// The keywords that were looked up last: those of a large file are few, and come again and again.
pub(crate) struct Recent([Option<&'static Keyword>; 64]);

impl Recent {
    pub(crate) const fn new() -> Self {
        Self([None; 64])
    }

    /// As [`lookup`], mostly in the time that a comparison takes.
    pub(crate) fn lookup(&mut self, context: Context, word: &str) -> Option<&'static Keyword> {
        let bytes = word.as_bytes();
        let (first, last) = (bytes.first()?, bytes.last()?);
        // Spreads the words of the blocks that large files consist of.
        let place =
            usize::from(*first) + 4 * usize::from(*last) + 2 * bytes.len() + 5 * context as usize;
        let slot = self.0.get_mut(place % 64)?;
        match slot {
            Some(known) if known.context == context && known.name == word => Some(*known),
            _ => {
                let found = lookup(context, word)?;
                Some(*slot.insert(found))
            }
        }
    }
}

/// Every registered keyword, block by block, sorted by name within a block.
pub fn keywords() -> impl Iterator<Item = &'static Keyword> {
    Context::ALL
        .iter()
        .flat_map(|&context| keywords_of(context))
}

/// The keywords of one block, sorted by name.
pub fn keywords_of(context: Context) -> impl Iterator<Item = &'static Keyword> {
    crate::keywords::table(context).iter()
}

/// What becomes of a check that cannot be read, or lacks what it needs, whether or not its configuration is taken.
pub const BROKEN_CHECK: &str = "a check that cannot be made fails its server";

/// A checker of a real server.
pub(crate) fn is_check(keyword: &Keyword) -> bool {
    keyword.context == Context::RealServer && matches!(keyword.shape, Shape::Block(_))
}

/// A word that ends as the checkers do.
pub(crate) fn named_as_check(word: &str) -> bool {
    let word = word.to_ascii_uppercase();
    word.ends_with("_CHECK") || word.ends_with("_GET")
}

#[cfg(test)]
mod tests;
