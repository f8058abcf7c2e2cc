//! A field of the head of a mail: on several lines where it is long (RFC 5322 2.2.3), in encoded words where it is
//! not ASCII (RFC 2047). Otherwise it is as keepalived writes it.

use std::borrow::Cow;

/// Longest line in octets without its end. RFC 5322 2.1.1; servers refuse a mail with a longer one.
const LONGEST_LINE: usize = 998;

const BEGIN: &str = "=?UTF-8?Q?";
const END: &str = "?=";
/// What fits between them. RFC 2047 2.
const LONGEST_PIECE: usize = 75 - BEGIN.len() - END.len();

/// Appends a field, whatever its value is, as one.
pub(super) fn push(text: &mut String, name: &str, value: &str) {
    text.push_str(name);
    text.push(':');
    let mut column = name.len() + 1;
    for word in words(value) {
        if !word.is_empty() && column + 1 + word.len() > LONGEST_LINE {
            text.push_str("\r\n");
            column = 0;
        }
        text.push(' ');
        text.push_str(&word);
        column += 1 + word.len();
    }
    text.push_str("\r\n");
}

/// What is between the spaces of a value, in ASCII.
fn words(value: &str) -> Vec<Cow<'_, str>> {
    let space = |c: char| c == ' ' || c.is_control();
    if value.is_ascii() {
        return value.split(space).map(Cow::Borrowed).collect();
    }
    let mut words = Vec::new();
    let mut behind_encoded = false;
    for word in value.split(space) {
        // An address cannot be encoded: whoever has such a one has a server that knows it.
        let encoded = !word.is_ascii() && !word.contains('@');
        if encoded {
            encode(word, behind_encoded, &mut words);
        } else {
            // Of quotes around a name one may have been encoded.
            words.push(Cow::Owned(word.replace('"', "")));
        }
        behind_encoded = encoded;
    }
    words
}

/// Appends a word in pieces of the length that is allowed. What is between two of them is not shown, so that a space
/// has to be within.
fn encode(word: &str, space: bool, words: &mut Vec<Cow<'_, str>>) {
    let whole = |piece: &str| Cow::Owned(format!("{BEGIN}{piece}{END}"));
    let mut piece = if space { "_" } else { "" }.to_owned();
    for letter in word.chars().filter(|c| *c != '"') {
        let written = quoted(letter);
        if piece.len() + written.len() > LONGEST_PIECE {
            words.push(whole(&piece));
            piece.clear();
        }
        piece += &written;
    }
    words.push(whole(&piece));
}

fn quoted(letter: char) -> String {
    if letter.is_ascii_alphanumeric() {
        return letter.to_string();
    }
    let mut room = [0; 4];
    let octets = letter.encode_utf8(&mut room).bytes();
    octets.map(|octet| format!("={octet:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, value: &str) -> String {
        let mut text = String::new();
        push(&mut text, name, value);
        text
    }

    /// Debian's exim refuses a longer line.
    #[test]
    fn no_line_is_longer_than_servers_take() {
        let to: Vec<String> = (0..200).map(|n| format!("admin{n}@x.org")).collect();
        let subject = format!("{}  {}", "x".repeat(900), "y".repeat(900));
        for (name, value) in [("To", to.join(", ")), ("Subject", subject)] {
            let text = field(name, &value);
            assert!(text.lines().all(|line| line.len() <= 998), "{text}");
            let unfolded = text.replace("\r\n ", " ");
            assert_eq!(unfolded, format!("{name}: {value}\r\n"));
        }
    }

    /// RFC 2047: Postfix with `strict_8bitmime` refuses octets that are not ASCII. As Python's `email` reads it.
    #[test]
    fn what_is_not_ascii_is_encoded_word_by_word() {
        for (value, written) in [
            ("[lab] \"as\" it is", "[lab] \"as\" it is"),
            (
                "[gr\u{f6}\u{df}er] V - UP",
                "=?UTF-8?Q?=5Bgr=C3=B6=C3=9Fer=5D?= V - UP",
            ),
            (
                "\"Dr B\u{f6}ll J\u{f6}rg\" <b@x.org>, c@x.org",
                "Dr =?UTF-8?Q?B=C3=B6ll?= =?UTF-8?Q?_J=C3=B6rg?= <b@x.org>, c@x.org",
            ),
            ("<b\u{f6}ll@x.org>", "<b\u{f6}ll@x.org>"),
        ] {
            assert_eq!(field("X", value), format!("X: {written}\r\n"));
        }
        let long = field("X", &"\u{f6}".repeat(40));
        let pieces: Vec<_> = long.trim_end().split(' ').skip(1).collect();
        assert_eq!(pieces.len(), 4);
        for piece in pieces {
            assert!(piece.len() <= 75, "{piece}");
            let inner = piece
                .strip_prefix(BEGIN)
                .and_then(|rest| rest.strip_suffix(END));
            assert_eq!(
                inner.map(|inner| inner.replace("=C3=B6", "")),
                Some(String::new())
            );
        }
    }
}
