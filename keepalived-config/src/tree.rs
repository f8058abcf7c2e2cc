//! The spanned tree between the language and the model.
//!
//! The language half turns text into [`Node`]s: one node per logical line, its block attached. Every
//! word remembers where in which file it stands, so that a complaint about a value can show the text
//! the user wrote, even if the value came out of a definition or a `~SEQ`.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::schema::Keyword;

/// Names one file that was read. Valid for the [`SourceMap`](crate::source::SourceMap) of the same run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub(crate) u32);

impl FileId {
    /// The first file of a run: the one given as root.
    pub const ROOT: Self = Self(0);

    /// Position in the order of reading, from 0.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.0
    }
}

/// A range of bytes in one file: `start..end`, in bytes from the beginning of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes `start..end` of `file`; an end before the start gives an empty span.
    #[must_use]
    pub const fn new(file: FileId, start: u32, end: u32) -> Self {
        let end = if end < start { start } else { end };
        Self { file, start, end }
    }

    /// From the start of this span to the end of `last`. If `last` is in another file, this span.
    #[must_use]
    pub const fn to(self, last: Self) -> Self {
        if self.file.0 == last.file.0 && last.end > self.start {
            Self {
                file: self.file,
                start: self.start,
                end: last.end,
            }
        } else {
            self
        }
    }
}

/// An immutable piece of text, cheap to clone: words of one file share the text of the file.
#[derive(Clone)]
pub struct Text(Said);

#[derive(Clone)]
enum Said {
    /// A part of a file, or of a line that was put together.
    Part {
        whole: Arc<String>,
        start: u32,
        end: u32,
    },
    /// A keyword.
    Known(&'static str),
}

impl Text {
    /// The bytes `start..end` of `whole`. A range that is not on character boundaries gives "".
    #[must_use]
    pub fn slice(whole: &Arc<String>, start: u32, end: u32) -> Self {
        Self(Said::Part {
            whole: Arc::clone(whole),
            start,
            end,
        })
    }

    /// The name of a keyword: most words of a large file are the same few.
    pub(crate) const fn known(name: &'static str) -> Self {
        Self(Said::Known(name))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Said::Part { whole, start, end } => whole
                .get(*start as usize..*end as usize)
                .unwrap_or_default(),
            Said::Known(name) => name,
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
        Self(Said::Part {
            whole: Arc::new(text.to_owned()),
            start: 0,
            end,
        })
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One word of a line, with quotes removed and definitions replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What the word says. `word.text.as_str()`, or `&*word.text`.
    pub text: Text,
    /// Where it was written, quotes included. For a word out of a definition: where it was used.
    pub span: Span,
    /// Whether any part of it was quoted, so that `"{"` or `""` can be told from syntax.
    pub quoted: bool,
}

impl Word {
    /// What the word says.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }
}

/// One logical line: a keyword (or the first word of a free-form entry), its arguments, its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The words, keyword first. Never empty.
    pub words: Vec<Word>,
    /// The block behind the words, if they opened one.
    pub block: Option<Box<Block>>,
    /// What the first word means here; absent in a block of free-form entries.
    pub(crate) meaning: Option<&'static Keyword>,
}

impl Node {
    /// The keyword, or the first word of an entry.
    #[must_use]
    pub fn keyword(&self) -> &str {
        self.words.first().map_or("", Word::as_str)
    }

    /// The words behind the keyword.
    #[must_use]
    pub fn arguments(&self) -> &[Word] {
        self.words.get(1..).unwrap_or_default()
    }

    /// Where the keyword stands.
    #[must_use]
    pub fn keyword_span(&self) -> Span {
        self.words
            .first()
            .map_or(Span::new(FileId::ROOT, 0, 0), |word| word.span)
    }

    /// From the keyword to the last argument (the block not included).
    #[must_use]
    pub fn span(&self) -> Span {
        let first = self.keyword_span();
        self.words.last().map_or(first, |last| first.to(last.span))
    }

    /// What the block contains; empty if there is none.
    #[must_use]
    pub fn entries(&self) -> &[Self] {
        self.block
            .as_ref()
            .map_or(&[], |block| block.entries.as_slice())
    }
}

/// What stands between `{` and `}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The opening brace.
    pub open: Span,
    /// The lines inside.
    pub entries: Vec<Node>,
    /// The closing brace; absent if the file ended first (which has been reported).
    pub close: Option<Span>,
}
