//! Opening files: the root, and what include lines name.

use std::io;

use super::{File, Reader};
use crate::include::{self, Checks};
use crate::line::{Line, Origin};
use crate::source::{INVALID, has_wildcard};
use crate::tree::Span;

/// Files may include files this deep.
const DEEPEST: usize = 32;

/// More files than this are a mistake.
const MOST_FILES: usize = 65_536;

/// All files together.
pub(super) const MOST_BYTES: usize = 512 * 1024 * 1024;

impl Reader<'_> {
    /// Reads the root file.
    pub(super) fn root(&mut self, path: &str) {
        match self.source.read(path, None) {
            Ok(bytes) => self.file(path, bytes, None),
            Err(error) => {
                let message = format!("cannot read `{path}`: {}", reason(&error));
                self.diagnostics.error("cannot-read", None, message);
            }
        }
    }

    /// Reads every file that a pattern stands for.
    pub(super) fn include_pattern(&mut self, pattern: &str, span: Span, checks: Checks) {
        let Some(alternatives) = include::expand_braces(pattern) else {
            let message = "the braces of this pattern do not match, or stand for too many names";
            self.diagnostics.error("bad-include", span, message);
            return;
        };
        let directory = match self.files.last() {
            Some(file) => include::directory(self.sources.path(file.id)).to_owned(),
            None => String::new(),
        };
        let several = alternatives.len() > 1;
        let mut any = false;
        let mut missing: Option<String> = None;
        for alternative in alternatives {
            let path = include::join(&directory, &alternative);
            let found = if has_wildcard(&path) {
                self.source.glob(&path)
            } else {
                vec![path]
            };
            if found.is_empty() && missing.is_none() {
                missing = Some(alternative.clone());
            }
            for path in found {
                match self.include_file(&path, span, checks) {
                    Found::Read => any = true,
                    Found::Refused => any = true,
                    Found::Missing => missing = missing.or_else(|| Some(alternative.clone())),
                }
            }
        }
        if let Some(missing) = missing {
            self.report_missing(pattern, &missing, several, any, span, checks);
        }
    }

    fn report_missing(
        &mut self,
        pattern: &str,
        missing: &str,
        several: bool,
        any: bool,
        span: Span,
        checks: Checks,
    ) {
        let wildcard = has_wildcard(pattern);
        let message = if wildcard {
            format!("no file matches `{missing}`")
        } else {
            format!("there is no file `{missing}`")
        };
        let (relevant, worth_a_warning) = match (several, wildcard) {
            (true, _) if any => (checks.brace, !wildcard),
            (_, true) => (checks.wildcard || (several && checks.brace), false),
            (_, false) => (checks.exact || (several && checks.brace), true),
        };
        // `includer` alone asks for files that can be read, which a missing one cannot.
        if relevant || (checks.read && worth_a_warning) {
            self.diagnostics.error("include-missing", span, message);
        } else if worth_a_warning {
            self.diagnostics.warning("include-missing", span, message);
        }
    }

    fn include_file(&mut self, path: &str, span: Span, checks: Checks) -> Found {
        if self
            .files
            .iter()
            .any(|file| self.sources.path(file.id) == path)
        {
            let message = format!("`{path}` includes itself");
            self.diagnostics.error("include-cycle", span, message);
            return Found::Refused;
        }
        if self.files.len() >= DEEPEST {
            let message = format!("files include files more than {DEEPEST} deep");
            self.diagnostics.error("include-depth", span, message);
            return Found::Refused;
        }
        if self.sources.len() >= MOST_FILES || self.file_budget == 0 {
            if !self.exhausted {
                self.exhausted = true;
                let message = format!(
                    "more than {MOST_FILES} files or {MOST_BYTES} bytes are included; the rest is left out"
                );
                self.diagnostics.error("include-limit", span, message);
            }
            return Found::Refused;
        }
        let from = self.files.last().map(|file| file.id);
        match self.source.read(path, from) {
            Ok(bytes) => {
                let saved = self.checks;
                self.file(path, bytes, Some(span));
                // What an included file says about includes holds only inside it.
                self.checks = saved;
                Found::Read
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Missing,
            Err(error) => {
                let message = format!("cannot read `{path}`: {}", reason(&error));
                if checks.read {
                    self.diagnostics.error("include-unreadable", span, message);
                } else {
                    self.diagnostics
                        .warning("include-unreadable", span, message);
                }
                Found::Refused
            }
        }
    }

    /// Reads the text of a file.
    fn file(&mut self, path: &str, bytes: Vec<u8>, included: Option<Span>) {
        if u32::try_from(bytes.len()).is_err() || bytes.len() > self.file_budget {
            self.file_budget = 0;
            let message = format!("`{path}` is too large");
            self.diagnostics.error("include-limit", included, message);
            return;
        }
        self.file_budget -= bytes.len();
        let id = self.sources.add(path, bytes);
        let text = self.sources.shared(id);
        let octets = text.as_bytes();
        self.suspicious |= memchr::memchr2(INVALID as u8, 0, octets).is_some();
        self.dollars |= memchr::memchr(b'$', octets).is_some();
        let end = text.len();
        let at = if text.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
        let whole = Line {
            text,
            start: 0,
            end,
            origin: Origin::File(id),
        };
        self.files.push(File { id, whole, at });
        self.lines();
        self.files.pop();
    }
}

enum Found {
    Read,
    Refused,
    Missing,
}

/// What went wrong, without the number of the operating system.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}
