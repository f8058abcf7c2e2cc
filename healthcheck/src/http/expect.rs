//! What a page has to look like.

use std::ops::RangeInclusive;

use md5::{Digest as _, Md5};

use super::request::Page;
use crate::outcome::HttpFailure;

/// Status codes that pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusList(Vec<RangeInclusive<u16>>);

impl StatusList {
    /// These ranges.
    #[must_use]
    pub fn new(ranges: impl IntoIterator<Item = RangeInclusive<u16>>) -> Self {
        Self(ranges.into_iter().collect())
    }

    /// Whether a code is among them.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl Default for StatusList {
    /// 200 to 299.
    fn default() -> Self {
        Self::new([200..=299])
    }
}

/// Where in a body a match may begin, in octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offsets {
    /// What comes before is not looked at.
    pub min: usize,
    /// The last place; `None` is anywhere.
    pub max: Option<usize>,
}

/// What a page has to look like. All of it has to be so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expectation {
    /// Its status.
    pub status: StatusList,
    /// MD5 of its body as it is on the wire: what `genhash` prints.
    pub digest: Option<[u8; 16]>,
    /// What is to be found in its body, or not.
    #[cfg(feature = "regex")]
    pub regex: Option<BodyRegex>,
}

#[cfg(feature = "regex")]
pub use with_regex::{BodyRegex, RegexError};

#[cfg(feature = "regex")]
mod with_regex {
    use regex::bytes::{Regex, RegexBuilder};
    use thiserror::Error;

    use super::super::dialect::ambiguous;
    use super::Offsets;

    /// Why a regular expression cannot be used.
    #[non_exhaustive]
    #[derive(Clone, Debug, PartialEq, Eq, Error)]
    pub enum RegexError {
        /// Not a regular expression, or one with look-around or back references, which cannot be
        /// searched for in linear time.
        #[error("{0}")]
        Syntax(String),
        /// An option of PCRE2 that changes matching and has no counterpart.
        #[error("option {0} is not supported")]
        Option(String),
        /// It would be taken, and match something else than with PCRE2.
        #[error("{0} would match something else than with PCRE2")]
        Ambiguous(&'static str),
    }

    /// One line: a syntax error comes as a drawing of the expression, with the reason at its end.
    fn reason(error: &regex::Error) -> String {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        last.strip_prefix("error: ").unwrap_or(last).to_owned()
    }

    /// A regular expression over a body. Equal when it was made of the same.
    #[derive(Clone, Debug)]
    pub struct BodyRegex {
        regex: Regex,
        /// As they were given.
        options: Vec<String>,
        dollar_end_only: bool,
        /// Where a match may begin.
        pub offsets: Offsets,
        /// A match fails the check.
        pub no_match: bool,
    }

    impl PartialEq for BodyRegex {
        fn eq(&self, other: &Self) -> bool {
            let of = |it: &Self| (it.dollar_end_only, it.offsets, it.no_match);
            self.regex.as_str() == other.regex.as_str()
                && self.options == other.options
                && of(self) == of(other)
        }
    }

    impl BodyRegex {
        /// Compiles an expression with options of `regex_options`.
        ///
        /// # Errors
        /// What cannot be had.
        pub fn new<'a>(
            expression: &str,
            options: impl IntoIterator<Item = &'a str>,
        ) -> Result<Self, RegexError> {
            let mut builder = RegexBuilder::new(expression);
            builder.unicode(false);
            let (mut dollar_end_only, mut multi_line) = (false, false);
            let mut given = Vec::new();
            for option in options {
                given.push(option.to_owned());
                match option {
                    "caseless" => drop(builder.case_insensitive(true)),
                    "dotall" => drop(builder.dot_matches_new_line(true)),
                    "extended" => drop(builder.ignore_whitespace(true)),
                    "multiline" => {
                        builder.multi_line(true);
                        multi_line = true;
                    }
                    "ungreedy" => drop(builder.swap_greed(true)),
                    "utf" | "ucp" => drop(builder.unicode(true)),
                    "dollar_endonly" => dollar_end_only = true,
                    // These say how to search, not what is found; or they forbid what cannot be
                    // written here anyhow.
                    "auto_callout" | "no_auto_capture" | "no_auto_possess"
                    | "no_dotstar_anchor" | "no_start_optimize" | "never_backslash_c"
                    | "never_ucp" | "never_utf" | "use_offset_limit" | "alt_verbnames" => {}
                    other => return Err(RegexError::Option(other.to_owned())),
                }
            }
            if let Some(what) = ambiguous(expression) {
                return Err(RegexError::Ambiguous(what));
            }
            let regex = builder.build();
            let regex = regex.map_err(|error| RegexError::Syntax(reason(&error)))?;
            Ok(Self {
                regex,
                options: given,
                dollar_end_only: dollar_end_only || multi_line,
                offsets: Offsets::default(),
                no_match: false,
            })
        }

        /// The same with places where a match may begin.
        #[must_use]
        pub const fn with_offsets(mut self, offsets: Offsets) -> Self {
            self.offsets = offsets;
            self
        }

        /// The same, but a match fails.
        #[must_use]
        pub const fn with_no_match(mut self, no_match: bool) -> Self {
            self.no_match = no_match;
            self
        }

        pub(crate) fn as_str(&self) -> &str {
            self.regex.as_str()
        }

        /// Whether it matches within the offsets. In PCRE `$` matches before a line feed at the end
        /// too, unless told otherwise.
        pub(crate) fn matches(&self, body: &[u8]) -> bool {
            let without = body.strip_suffix(b"\n").filter(|_| !self.dollar_end_only);
            self.found(body) || without.is_some_and(|body| self.found(body))
        }

        fn found(&self, body: &[u8]) -> bool {
            if self.offsets.min > body.len() {
                return false;
            }
            // The leftmost match: if that begins too late, so do all others.
            let found = self.regex.find_at(body, self.offsets.min);
            found.is_some_and(|found| self.offsets.max.is_none_or(|max| found.start() <= max))
        }
    }
}

/// Looks at a body while it comes in.
#[derive(Debug)]
pub(crate) struct Examiner {
    hash: Option<Md5>,
    #[cfg(feature = "regex")]
    kept: Option<Vec<u8>>,
}

impl Examiner {
    pub(crate) fn new(expect: &Expectation) -> Self {
        Self {
            hash: expect.digest.map(|_| Md5::new()),
            #[cfg(feature = "regex")]
            kept: expect.regex.as_ref().map(|_| Vec::new()),
        }
    }

    /// Whether the content is kept until the end.
    #[cfg_attr(not(feature = "regex"), allow(clippy::unused_self))]
    pub(crate) const fn keeps(&self) -> bool {
        #[cfg(feature = "regex")]
        return self.kept.is_some();
        #[cfg(not(feature = "regex"))]
        return false;
    }

    /// Octets of the body as they are on the wire.
    pub(crate) fn raw(&mut self, octets: &[u8]) {
        if let Some(hash) = &mut self.hash {
            hash.update(octets);
        }
    }

    /// Octets of the content. They are kept only for a regular expression, and no more of them than
    /// the limit of what is kept.
    #[cfg_attr(not(feature = "regex"), allow(clippy::unused_self))]
    pub(crate) fn content(&mut self, octets: &[u8]) {
        #[cfg(feature = "regex")]
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(octets);
        }
        #[cfg(not(feature = "regex"))]
        let _ = octets;
    }

    /// The verdict at the end.
    pub(crate) fn judge(self, page: &Page) -> Result<(), HttpFailure> {
        let expect = &page.expect;
        if let (Some(hash), Some(wanted)) = (self.hash, expect.digest) {
            let got: [u8; 16] = hash.finalize().into();
            if got != wanted {
                return Err(HttpFailure::Digest {
                    got: digits(got),
                    wanted: digits(wanted),
                    path: page.path.clone(),
                });
            }
        }
        #[cfg(feature = "regex")]
        if let (Some(kept), Some(regex)) = (self.kept, &expect.regex) {
            let words = || (regex.as_str().to_owned(), page.path.clone());
            match (regex.matches(&kept), regex.no_match) {
                (true, true) => {
                    let (regex, path) = words();
                    return Err(HttpFailure::Match { regex, path });
                }
                (false, false) => {
                    let (regex, path) = words();
                    return Err(HttpFailure::NoMatch { regex, path });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn digits(digest: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(digest))
}
