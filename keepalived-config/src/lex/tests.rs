use super::*;

/// The words of a line, or what else comes, in short form.
fn tokens(text: &str, quoting: Quoting) -> String {
    let mut out = Vec::new();
    let mut changed = String::new();
    let mut at = 0;
    loop {
        let (token, behind) = next(text, at, quoting, &mut changed);
        assert!(behind >= at && behind <= text.len());
        at = behind;
        out.push(match token {
            Token::Word {
                value: Value::Slice(start, end),
                ..
            } => text[start..end].to_owned(),
            Token::Word {
                value: Value::Changed,
                ..
            } => changed.clone(),
            Token::Open(_) => "<".to_owned(),
            Token::Close(_) => ">".to_owned(),
            Token::Bad { error, .. } => format!("{error:?}"),
            Token::End { glued } => {
                if glued.is_some() {
                    out.push("glued".to_owned());
                }
                return out.join("|");
            }
        });
    }
}

/// LANG-01 to LANG-03; compared with Keepalived 2.2.7.
#[test]
fn plain_lines_are_cut_into_words() {
    for (line, expected) in [
        ("", ""),
        ("a b\tc", "a|b|c"),
        ("a{b}c", "a|<|b|>|c"),
        ("x2\"y z\"w", "x2|y z|w"),
        ("\"\" a", "|a"),
        ("a\\\\b a\\ b", "a\\\\b|a\\|b"),
        ("a\\#b#c", "a#b|glued"),
        ("\\#", "#"),
        ("a # b", "a"),
        ("}# b", ">"),
        ("\"a\\\"b\"", "a\\|b|Unterminated"),
        ("'a b'", "'a|b'"),
        ("a${B c}d", "a${B c}d"),
        ("a$ {", "a$|<"),
        ("${ a }", "$|<|a|>"),
        ("${1}", "$|<|1|>"),
        ("${A", "$|<|A"),
    ] {
        assert_eq!(tokens(line, Quoting::Plain), expected, "{line}");
    }
}

/// LANG-02.
#[test]
fn command_lines_join_quoted_and_bare_parts() {
    for (line, expected) in [
        ("script '/bin/x y' { #", "script|/bin/x y|<"),
        ("abcd\" efg h jkl \"mnop", "abcd efg h jkl mnop"),
        ("abcd \"efg h jkl\" mnop", "abcd|efg h jkl|mnop"),
        ("a\\\"b \"c\\\"d\" 'e\"f'", "a\"b|c\"d|e\"f"),
        ("\\101\\x42\\cC\\103\\1034", "AB\u{3}CC4"),
        ("a\\#b", "a#b"),
        ("'a", "Unterminated"),
        ("a\\", "DanglingBackslash"),
        ("${A b}c", "${A b}c"),
    ] {
        assert_eq!(tokens(line, Quoting::Script), expected, "{line}");
    }
}

/// LANG-01.
#[test]
fn comments_are_cut_outside_quotes_only() {
    for (line, expected) in [
        ("a # b", "a"),
        ("a \"# b\" ! c", "a \"# b\""),
        ("a \\# b  ", "a \\# b"),
        ("# a", ""),
        ("\"a # b", "\"a # b"),
    ] {
        assert_eq!(&line[..without_comment(line)], expected, "{line}");
    }
}
