//! Where text comes from, and which text was read.
//!
//! The parser never opens a file: it asks a [`Source`]. [`FileSource`] reads the file system,
//! [`MemorySource`] is a set of named texts for tests and for embedding. Everything that was read is
//! kept in a [`SourceMap`], which turns spans into lines and columns.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, OnceLock};

use crate::tree::{FileId, Span};

mod files;
mod glob;

pub use files::FileSource;
pub(crate) use glob::has_wildcard;

/// Where configuration text comes from.
///
/// Paths reach the source as written in the file, made absolute (if the including file's path is) by
/// putting the directory of the including file in front.
pub trait Source {
    /// The bytes of the file at `path`; `from` is the file that includes it, absent for the root.
    ///
    /// # Errors
    ///
    /// What the file system says; [`io::ErrorKind::InvalidInput`] for a file that must not be
    /// configuration: not a regular file, or executable (LANG-17).
    fn read(&mut self, path: &str, from: Option<FileId>) -> io::Result<Vec<u8>>;

    /// The paths that match a pattern of `*`, `?` and `[…]`, sorted. Brace lists have been expanded
    /// before. A pattern without wildcards matches itself if it exists.
    fn glob(&mut self, pattern: &str) -> Vec<String>;

    /// The value of an environment variable, for `${_ENV NAME}`.
    fn env(&self, name: &str) -> Option<String>;

    /// A path without dependence on the working directory, for `${_PWD}`. As it is by default.
    fn absolute(&self, path: &str) -> String {
        path.to_owned()
    }
}

/// Texts kept in memory, by path. No file system, no environment but what was put in.
#[derive(Clone, Debug, Default)]
pub struct MemorySource {
    files: BTreeMap<String, Vec<u8>>,
    environment: BTreeMap<String, String>,
}

impl MemorySource {
    /// A source without any file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file.
    #[must_use]
    pub fn with_file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), bytes.into());
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }
}

impl Source for MemorySource {
    fn read(&mut self, path: &str, _from: Option<FileId>) -> io::Result<Vec<u8>> {
        self.files
            .get(path)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn glob(&mut self, pattern: &str) -> Vec<String> {
        self.files
            .keys()
            .filter(|path| glob::matches_path(pattern, path))
            .cloned()
            .collect()
    }

    fn env(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }
}

/// One file that was read.
#[derive(Debug)]
struct SourceFile {
    path: String,
    text: Arc<String>,
    /// Byte offsets at which lines start; made when first needed.
    line_starts: OnceLock<Vec<u32>>,
}

/// Everything that was read in one run.
#[derive(Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

/// A place as a person says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location<'a> {
    /// Path of the file, as it was opened.
    pub path: &'a str,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl SourceMap {
    /// A map without files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a text. Bytes that are not UTF-8 are replaced one for one by U+001A, so that offsets
    /// stay those of the file.
    pub fn add(&mut self, path: &str, bytes: Vec<u8>) -> FileId {
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => replace_invalid(error.as_bytes()),
        };
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(SourceFile {
            path: path.to_owned(),
            text: Arc::new(text),
            line_starts: OnceLock::new(),
        });
        id
    }

    /// The number of files read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether nothing was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Path and text of every file, in the order in which they were read.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + '_ {
        self.files
            .iter()
            .map(|file| (file.path.as_str(), file.text.as_str()))
    }

    /// The paths in the order of reading.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = &str> + '_ {
        self.files.iter().map(|file| file.path.as_str())
    }

    /// The path under which a file was read; "" for a file of another run.
    #[must_use]
    pub fn path(&self, file: FileId) -> &str {
        self.file(file).map_or("", |file| file.path.as_str())
    }

    /// The text of a file; "" for a file of another run.
    #[must_use]
    pub fn text(&self, file: FileId) -> &str {
        self.file(file).map_or("", |file| file.text.as_str())
    }

    /// The text of a file, shared.
    pub(crate) fn shared(&self, file: FileId) -> Arc<String> {
        self.file(file)
            .map_or_else(Arc::default, |file| Arc::clone(&file.text))
    }

    /// The text that a span covers; "" if it is not on character boundaries of the file.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text(span.file)
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    /// File, line and column of the start of a span. Lines are counted when first asked for.
    #[must_use]
    pub fn location(&self, span: Span) -> Location<'_> {
        let (number, start) = self.line_at(span.file, span.start);
        let before = self
            .text(span.file)
            .get(start as usize..span.start as usize);
        let column = before.map_or(0, |text| text.chars().count());
        Location {
            path: self.path(span.file),
            line: number,
            column: u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1),
        }
    }

    /// The whole line on which a span starts, without its line end, and the offset of its first byte.
    #[must_use]
    pub fn line(&self, span: Span) -> (&str, u32) {
        let (_, start) = self.line_at(span.file, span.start);
        let rest = self
            .text(span.file)
            .get(start as usize..)
            .unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        (line.strip_suffix('\r').unwrap_or(line), start)
    }

    fn file(&self, file: FileId) -> Option<&SourceFile> {
        self.files.get(file.0 as usize)
    }

    /// Number (from 1) and first byte of the line that contains `offset`.
    fn line_at(&self, file: FileId, offset: u32) -> (u32, u32) {
        let Some(file) = self.file(file) else {
            return (1, 0);
        };
        let starts = file.line_starts.get_or_init(|| {
            let newlines = file
                .text
                .bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n');
            let after = newlines.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX));
            std::iter::once(0).chain(after).collect()
        });
        let index = starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1);
        let start = starts.get(index).copied().unwrap_or(0);
        (
            u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1),
            start,
        )
    }
}

/// Stands for one byte that is not UTF-8.
pub(crate) const INVALID: char = '\u{1a}';

fn replace_invalid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| INVALID));
    }
    text
}
