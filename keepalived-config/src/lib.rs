#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod diagnostic;
mod keywords;
pub mod options;
pub mod schema;
pub mod source;
pub mod tree;
pub mod values;

/// Stand-in until the model is there.
pub mod model {
    use crate::diagnostic::Diagnostics;
    use crate::options::Options;
    use crate::tree::Node;

    /// The configuration.
    #[derive(Debug, Default)]
    pub struct Config;

    /// Makes the configuration out of the tree.
    pub fn build(_tree: &[Node], _options: &Options, _diagnostics: &mut Diagnostics) -> Config {
        Config
    }
}

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
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
/// reported.
pub fn parse(source: &mut dyn Source, root: &str, options: &Options) -> Parsed {
    let mut tree = read_tree(source, root, options);
    let config = model::build(&tree.entries, options, &mut tree.diagnostics);
    Parsed {
        config,
        diagnostics: tree.diagnostics.into_sorted(),
        sources: tree.sources,
    }
}

/// Reads the file `root` and all it includes into a tree.
pub fn read_tree(source: &mut dyn Source, root: &str, _options: &Options) -> Tree {
    let mut sources = SourceMap::new();
    if let Ok(bytes) = source.read(root, None) {
        sources.add(root, bytes);
    }
    Tree {
        entries: Vec::new(),
        diagnostics: Diagnostics::new(),
        sources,
    }
}
