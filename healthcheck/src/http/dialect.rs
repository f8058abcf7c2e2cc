//! Where an expression means one thing to PCRE2, for which it was written, and another to us. What is
//! refused by itself is not here: only what would be taken without a word and match something else.

/// The first such construct, by its name.
pub(super) fn ambiguous(expression: &str) -> Option<&'static str> {
    let mut rest = expression.chars().peekable();
    let mut class = false;
    // A quantifier that a `+` would make possessive.
    let mut quantified = false;
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        let quantifier = std::mem::take(&mut quantified);
        if c == '\\' {
            rest.next();
            match next {
                Some('<' | '>') => return Some("`\\<` and `\\>`"),
                Some('v') => return Some("`\\v`"),
                _ => {}
            }
            continue;
        }
        if class {
            match (c, next) {
                ('[', Some(':')) => {
                    // A class with a name, such as `[:alpha:]`.
                    while rest.next().is_some_and(|c| c != ']') {}
                }
                ('[', _) => return Some("`[` within a class"),
                ('&', Some('&')) | ('-', Some('-')) | ('~', Some('~')) => {
                    return Some("`&&`, `--` and `~~` within a class");
                }
                (']', _) => class = false,
                _ => {}
            }
            continue;
        }
        match (c, next) {
            ('[', _) => {
                class = true;
                rest.next_if_eq(&'^');
                // The first one belongs to the class.
                rest.next_if_eq(&']');
            }
            ('(', Some('?')) => {
                rest.next();
                if rest.peek() == Some(&'R') {
                    return Some("`(?R)`");
                }
            }
            ('+', _) if quantifier => return Some("possessive quantifiers"),
            ('*' | '+' | '?' | '}', _) => quantified = true,
            _ => {}
        }
    }
    None
}
