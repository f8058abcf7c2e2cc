//! Matching of `*`, `?` and `[…]` against file names.

/// Whether a part of a path contains anything to expand.
pub(crate) fn has_wildcard(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// Whether a whole path matches a pattern, part by part: a wildcard never matches a `/`.
pub(crate) fn matches_path(pattern: &str, path: &str) -> bool {
    let mut patterns = pattern.split('/');
    let mut parts = path.split('/');
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(pattern), Some(part)) if matches(pattern, part) => {}
            _ => return false,
        }
    }
}

/// Whether one file name matches one pattern without `/`. A leading dot is matched only by a dot.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where to go on if the last star has to take one more character.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            retry = Some((p, n));
            p += 1;
            continue;
        }
        if let Some(next) = one(&pattern, p, name[n]) {
            p = next;
            n += 1;
        } else if let Some((star, taken)) = retry {
            p = star + 1;
            n = taken + 1;
            retry = Some((star, taken + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// If the pattern element at `at` matches `c`: the index behind the element.
fn one(pattern: &[char], at: usize, c: char) -> Option<usize> {
    match pattern.get(at)? {
        '?' => Some(at + 1),
        '\\' if at + 1 < pattern.len() => (pattern[at + 1] == c).then_some(at + 2),
        '[' => match class(pattern, at, c) {
            Some((true, next)) => Some(next),
            Some((false, _)) => None,
            None => (c == '[').then_some(at + 1),
        },
        literal => (*literal == c).then_some(at + 1),
    }
}

/// `[abc]`, `[a-z]`, `[!a]`: whether `c` is in it, and the index behind it. Absent if never closed.
fn class(pattern: &[char], at: usize, c: char) -> Option<(bool, usize)> {
    let mut i = at + 1;
    let negated = matches!(pattern.get(i), Some('!' | '^'));
    i += usize::from(negated);
    let mut found = false;
    let mut first = true;
    loop {
        let low = *pattern.get(i)?;
        if low == ']' && !first {
            return Some((found != negated, i + 1));
        }
        first = false;
        let high = match (pattern.get(i + 1), pattern.get(i + 2)) {
            (Some('-'), Some(high)) if *high != ']' => {
                i += 2;
                *high
            }
            _ => low,
        };
        found |= low <= c && c <= high;
        i += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LANG-08.
    #[test]
    fn wildcards_match_like_the_shell() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", ".hidden.conf", false),
            (".*", ".hidden", true),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]x", "]x", true),
            ("[ab", "[ab", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("\\*", "*", true),
            ("\\*", "x", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_wildcard_stays_inside_one_directory() {
        assert!(matches_path("/etc/*/b.conf", "/etc/a/b.conf"));
        assert!(!matches_path("/etc/*.conf", "/etc/a/b.conf"));
        assert!(!matches_path("/etc/a", "/etc/a/b"));
    }
}
