//! Include lines: patterns, brace lists, and what counts as a mistake (LANG-08 to LANG-10).

/// What about an include is an error rather than a warning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checks {
    /// A match that cannot be read, is not a regular file, or is executable.
    pub(crate) read: bool,
    /// A name without wildcards that does not exist.
    pub(crate) exact: bool,
    /// A pattern with wildcards that matches nothing.
    pub(crate) wildcard: bool,
    /// A part of a brace list that matches nothing.
    pub(crate) brace: bool,
}

impl Checks {
    pub(crate) const ALL: Self = Self {
        read: true,
        exact: true,
        wildcard: true,
        brace: true,
    };
    const NONE: Self = Self {
        read: false,
        exact: false,
        wildcard: false,
        brace: false,
    };

    /// What an include word demands by itself; absent if `word` is none.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "include" => Self::NONE,
            "includer" => Self {
                read: true,
                ..Self::NONE
            },
            "includem" => Self {
                read: true,
                exact: true,
                ..Self::NONE
            },
            "includew" => Self {
                read: true,
                wildcard: true,
                ..Self::NONE
            },
            "includeb" => Self {
                read: true,
                brace: true,
                ..Self::NONE
            },
            "includea" => Self::ALL,
            _ => return None,
        })
    }

    /// A word of an `include_check` line without its sign.
    fn of_policy(word: &str) -> Option<Self> {
        Some(match word {
            "read" | "readable" => Self {
                read: true,
                ..Self::NONE
            },
            "match" => Self {
                read: true,
                exact: true,
                ..Self::NONE
            },
            "wildcard_match" => Self {
                read: true,
                wildcard: true,
                ..Self::NONE
            },
            "brace_match" => Self {
                read: true,
                brace: true,
                ..Self::NONE
            },
            _ => return None,
        })
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            read: self.read || other.read,
            exact: self.exact || other.exact,
            wildcard: self.wildcard || other.wildcard,
            brace: self.brace || other.brace,
        }
    }

    /// Takes away one check. The check that a match can be read stays unless it is named.
    const fn without(self, other: Self, named_read: bool) -> Self {
        Self {
            read: self.read && !named_read,
            exact: self.exact && !other.exact,
            wildcard: self.wildcard && !other.wildcard,
            brace: self.brace && !other.brace,
        }
    }

    /// Applies the words of an `include_check` line. The second value is the first word that is not
    /// understood.
    pub(crate) fn apply<'w>(
        self,
        words: impl IntoIterator<Item = &'w str>,
    ) -> (Self, Option<usize>) {
        let mut now = self;
        let mut any = false;
        for (index, word) in words.into_iter().enumerate() {
            let (sign, name) = match word.as_bytes().first() {
                Some(b'+') => ('+', &word[1..]),
                Some(b'-') => ('-', &word[1..]),
                _ => (' ', word),
            };
            let Some(check) = Self::of_policy(name) else {
                return (now, Some(index));
            };
            now = match sign {
                '+' => now.and(check),
                '-' => now.without(check, matches!(name, "read" | "readable")),
                // The first bare word starts afresh, further ones add.
                _ if any => now.and(check),
                _ => check,
            };
            any = true;
        }
        (if any { now } else { Self::ALL }, None)
    }
}

/// Splits `text` (behind the include word) into the pattern and what follows: the pattern ends at a
/// blank, at a comment, or at a `}` that closes nothing in it. Offsets of start, end, and the rest.
pub(crate) fn pattern(text: &str, at: usize) -> Option<(usize, usize, usize)> {
    let bytes = text.as_bytes();
    let start = crate::lex::skip_blanks(text, at);
    if bytes.get(start) == Some(&b'"') {
        let inside = start + 1;
        let length = text[inside..].find('"')?;
        return Some((inside, inside + length, inside + length + 1));
    }
    let mut depth = 0_u32;
    let mut end = start;
    while let Some(&byte) = bytes.get(end) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => break,
            b'}' => depth -= 1,
            b'#' | b'!' if end == start || bytes[end - 1] != b'[' => break,
            byte if crate::lex::is_blank(byte) => break,
            _ => {}
        }
        end += 1;
    }
    (end > start).then_some((start, end, end))
}

/// More alternatives than this in one pattern are a mistake.
const MOST_ALTERNATIVES: usize = 1024;

/// Expands `a{b,c{d,e}}` to `ab acd ace`. Absent if there are too many, or the braces do not match.
pub(crate) fn expand_braces(pattern: &str) -> Option<Vec<String>> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(pattern) = open.pop() {
        if done.len() + open.len() >= MOST_ALTERNATIVES {
            return None;
        }
        let Some(start) = pattern.find('{') else {
            if pattern.contains('}') {
                return None;
            }
            done.push(pattern);
            continue;
        };
        let (close, commas) = closing(&pattern, start)?;
        let (before, after) = (&pattern[..start], &pattern[close + 1..]);
        let mut from = start + 1;
        let mut alternatives = Vec::new();
        for end in commas.into_iter().chain([close]) {
            alternatives.push(format!("{before}{}{after}", &pattern[from..end]));
            from = end + 1;
        }
        // Last in, first out: reversed, so that the order of the text is kept.
        open.extend(alternatives.into_iter().rev());
        if open.len() > MOST_ALTERNATIVES || open.iter().map(String::len).sum::<usize>() > 1 << 20 {
            return None;
        }
    }
    Some(done)
}

/// The brace that closes the one at `start`, and the commas that belong to it.
fn closing(pattern: &str, start: usize) -> Option<(usize, Vec<usize>)> {
    let mut depth = 0_u32;
    let mut commas = Vec::new();
    for (at, byte) in pattern.bytes().enumerate().skip(start) {
        match byte {
            b'{' => depth += 1,
            b',' if depth == 1 => commas.push(at),
            b'}' if depth == 1 => return Some((at, commas)),
            b'}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

/// The directory of a path, without the slash at its end.
pub(crate) fn directory(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) => "/",
        Some(at) => &path[..at],
        None => "",
    }
}

/// `path` as seen from `directory`.
pub(crate) fn join(directory: &str, path: &str) -> String {
    match directory {
        _ if path.starts_with('/') => path.to_owned(),
        "" => path.to_owned(),
        "/" => format!("/{path}"),
        _ => format!("{directory}/{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LANG-08.
    #[test]
    fn brace_lists_expand_in_order_and_nest() {
        let expanded = |pattern| expand_braces(pattern).map(|all| all.join(" "));
        assert_eq!(expanded("a{b,c{d,e}}f").as_deref(), Some("abf acdf acef"));
        assert_eq!(
            expanded("{foo/{,cat,dog},bar}").as_deref(),
            Some("foo/ foo/cat foo/dog bar")
        );
        assert_eq!(expanded("plain*").as_deref(), Some("plain*"));
        assert_eq!(expanded("{a"), None);
        assert_eq!(expanded("a}"), None);
    }

    /// A pattern of twenty doubled pairs would be a million files.
    #[test]
    fn brace_lists_cannot_explode() {
        assert_eq!(expand_braces(&"{a,b}".repeat(20)), None);
    }

    /// LANG-10.
    #[test]
    fn the_policy_is_set_and_changed_word_by_word() {
        let apply = |from: Checks, words: &str| from.apply(words.split_whitespace());
        assert_eq!(apply(Checks::NONE, ""), (Checks::ALL, None));
        let set = apply(Checks::ALL, "match").0;
        assert_eq!(
            set,
            Checks {
                read: true,
                exact: true,
                wildcard: false,
                brace: false
            }
        );
        let changed = apply(Checks::ALL, "+match -wildcard_match").0;
        assert_eq!(
            changed,
            Checks {
                wildcard: false,
                ..Checks::ALL
            }
        );
        assert_eq!(
            apply(Checks::ALL, "-readable").0,
            Checks {
                read: false,
                ..Checks::ALL
            }
        );
        assert_eq!(apply(Checks::NONE, "read bogus").1, Some(1));
    }

    /// LANG-08.
    #[test]
    fn a_pattern_ends_where_its_braces_are_balanced() {
        let cut = |text: &'static str| pattern(text, 0).map(|(s, e, _)| &text[s..e]);
        assert_eq!(cut(" a.conf # x"), Some("a.conf"));
        assert_eq!(cut(" {a,b}.conf }"), Some("{a,b}.conf"));
        assert_eq!(cut(" a.conf}"), Some("a.conf"));
        assert_eq!(cut(" \"a b.conf\" x"), Some("a b.conf"));
        assert_eq!(cut(" [!a].conf"), Some("[!a].conf"));
        assert_eq!(cut("  "), None);
        assert_eq!(cut(" # x"), None);
    }

    #[test]
    fn paths_are_relative_to_the_including_file() {
        assert_eq!(join(directory("/etc/k/a.conf"), "b.conf"), "/etc/k/b.conf");
        assert_eq!(join(directory("/a.conf"), "b.conf"), "/b.conf");
        assert_eq!(join(directory("a.conf"), "b.conf"), "b.conf");
        assert_eq!(join(directory("/etc/k/a.conf"), "/x"), "/x");
    }
}
