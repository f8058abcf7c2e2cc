//! What there is to complain about, and how it is shown.
//!
//! A [`Diagnostic`] is data: a stable code, a place, a sentence, a hint. [`render`] makes the long form
//! for people, [`one_line`] the short one for logs. Both are deterministic and without colour.

use std::fmt::Write as _;

use crate::source::SourceMap;
use crate::tree::Span;

mod codes;
mod render;

pub use codes::{CODES, meaning};
pub use render::{one_line, render, render_all};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Information that belongs to the configuration as a whole.
    Note,
    /// It runs, but probably not as meant.
    Warning,
    /// Something was written that cannot be used; it has been left out.
    Error,
}

impl Severity {
    /// `note`, `warning` or `error`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A further place, or a further sentence, that belongs to a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where, if anywhere.
    pub span: Option<Span>,
    /// A sentence.
    pub message: String,
}

/// One complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Stable name of the kind of problem, such as `unknown-keyword`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Where; absent if no text is to blame (a missing root file).
    pub span: Option<Span>,
    /// What is wrong: one sentence, lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Places and sentences that explain it.
    pub notes: Vec<Note>,
}

impl Diagnostic {
    /// A diagnostic without help and notes.
    #[must_use]
    pub fn new(
        severity: Severity,
        code: &'static str,
        span: impl Into<Option<Span>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity,
            span: span.into(),
            message: message.into(),
            help: None,
            notes: Vec::new(),
        }
    }

    /// Says what to do about it.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Points at a further place, or adds a further sentence.
    pub fn note(&mut self, span: impl Into<Option<Span>>, message: impl Into<String>) -> &mut Self {
        self.notes.push(Note {
            span: span.into(),
            message: message.into(),
        });
        self
    }
}

/// Collects diagnostics. Keeps the first ten thousand and counts the rest, so that a generated
/// file with a mistake in every line cannot exhaust the memory.
#[derive(Debug, Default)]
pub struct Diagnostics {
    kept: Vec<Diagnostic>,
    dropped: usize,
    dropped_errors: usize,
    overflow: Option<Diagnostic>,
}

impl Diagnostics {
    /// The number of diagnostics kept.
    pub const LIMIT: usize = 10_000;

    /// Nothing to complain about yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a diagnostic and returns it, so that help and notes can be attached.
    pub fn push(&mut self, diagnostic: Diagnostic) -> &mut Diagnostic {
        debug_assert!(
            meaning(diagnostic.code).is_some(),
            "{} is not explained",
            diagnostic.code
        );
        if self.kept.len() >= Self::LIMIT {
            self.dropped += 1;
            self.dropped_errors += usize::from(diagnostic.severity == Severity::Error);
            return self.overflow.insert(diagnostic);
        }
        self.kept.push(diagnostic);
        let last = self.kept.len() - 1;
        &mut self.kept[last]
    }

    /// Adds an error.
    pub fn error(
        &mut self,
        code: &'static str,
        span: impl Into<Option<Span>>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Diagnostic::new(Severity::Error, code, span, message))
    }

    /// Adds a warning.
    pub fn warning(
        &mut self,
        code: &'static str,
        span: impl Into<Option<Span>>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Diagnostic::new(Severity::Warning, code, span, message))
    }

    /// Whether any error was added, kept or not.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.dropped_errors > 0
            || self
                .kept
                .iter()
                .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// What has been kept so far, in the order of adding.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Diagnostic> + '_ {
        self.kept.iter()
    }

    /// What was added behind the first `count` of those that are kept, to be looked at again by who knows more.
    pub(crate) fn added_behind(&mut self, count: usize) -> &mut [Diagnostic] {
        self.kept.get_mut(count..).unwrap_or_default()
    }

    /// Everything, in the order of the text: by file in the order of reading, then by place.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.kept
            .sort_by_key(|diagnostic| diagnostic.span.map(|span| (span.file, span.start)));
        if self.dropped > 0 {
            let severity = if self.dropped_errors > 0 {
                Severity::Error
            } else {
                Severity::Warning
            };
            let mut message = String::new();
            let _ = write!(message, "{} further problems are not shown", self.dropped);
            self.kept.push(Diagnostic::new(
                severity,
                "too-many-problems",
                None,
                message,
            ));
        }
        self.kept
    }
}
