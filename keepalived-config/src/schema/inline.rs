//! Words that are not keywords: options inside a line and directives of the language itself.

use super::{Priority, Status};

/// An option word of a line kind, or a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InlineWord {
    /// The kind of line it belongs to: an entry kind, a keyword, or `(directive)`.
    pub place: &'static str,
    /// The word, or what it stands for in parentheses.
    pub name: &'static str,
    /// What may follow it.
    pub arguments: &'static str,
    /// How many configurations need it.
    pub priority: Priority,
    /// What this daemon does with it.
    pub status: Status,
}

impl InlineWord {
    /// Place and word, joined by a slash: `ADDRESS-ENTRY/dev`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}", self.place, self.name)
    }
}

/// Every inline word, grouped by place.
pub fn inline_words() -> impl Iterator<Item = &'static InlineWord> {
    crate::keywords::INLINE.iter()
}
