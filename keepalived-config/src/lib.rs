#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod build;
pub mod cluster;
pub mod diagnostic;
mod include;
mod keywords;
mod lex;
mod line;
pub mod model;
mod names;
pub mod options;
mod parse;
pub mod schema;
mod sequence;
pub mod source;
mod substitute;
pub mod tree;
pub mod values;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use lex::{QuoteError, split_command};
pub use model::Config;
pub use options::Options;
pub use source::{FileSource, MemorySource, Source, SourceMap};
pub use tree::{Block, FileId, Node, Span, Text, Word};

/// What a run gives.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parsed {
    /// The configuration, without whatever could not be understood.
    pub config: Config,
    /// Every complaint, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// Every file that was read, for showing the complaints.
    pub sources: SourceMap,
}

impl Parsed {
    /// Whether any complaint is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// What the language half alone gives: the spanned tree, before any value is looked at.
#[derive(Debug)]
#[non_exhaustive]
pub struct Tree {
    /// The top-level lines.
    pub entries: Vec<Node>,
    /// Every complaint so far.
    pub diagnostics: Diagnostics,
    /// Every file that was read.
    pub sources: SourceMap,
}

/// Reads the file `root` and all it includes, and makes the configuration out of it.
///
/// Never fails and never stops at the first problem: what cannot be understood is left out and
/// reported. Equal input gives equal output, to the byte.
pub fn parse(source: &mut dyn Source, root: &str, options: &Options) -> Parsed {
    let mut intake = model::Intake::default();
    let parse::Read {
        mut diagnostics,
        sources,
        uses,
    } = parse::read(source, root, options, &mut intake);
    let names = model::names(source, intake.lines());
    let config = model::build(intake, options, &names, &mut diagnostics);
    let mut diagnostics = diagnostics.into_sorted();
    for diagnostic in &mut diagnostics {
        // A value that came out of a definition is shown where it is used and where it was made.
        if let Some(defined) = diagnostic.span.and_then(|span| uses.get(&span)) {
            let name = sources.slice(*defined);
            diagnostic.note(*defined, format!("`{name}` is defined here"));
        }
    }
    Parsed {
        config,
        diagnostics,
        sources,
    }
}

/// Reads the file `root` and all it includes into a tree, without looking at any value.
pub fn read_tree(source: &mut dyn Source, root: &str, options: &Options) -> Tree {
    let mut entries = Vec::new();
    let read = parse::read(source, root, options, &mut entries);
    Tree {
        entries,
        diagnostics: read.diagnostics,
        sources: read.sources,
    }
}
