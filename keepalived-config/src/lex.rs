//! Words, braces and comments of one line.
//!
//! Two ways of quoting exist. Ordinary lines know double quotes only: what is between them is one
//! word, unchanged, and a quote in the middle of a word starts a new word. Lines that carry a command
//! or a pattern know single and double quotes and backslash escapes, and quoted and bare parts that touch are one
//! word (LANG-02).

use thiserror::Error;

/// Which quoting a line has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// Double quotes without escapes; braces and comments are syntax.
    Plain,
    /// Both quotes and escapes; braces and comments are syntax outside quotes.
    Script,
    /// Both quotes and escapes; braces and comment signs are ordinary letters.
    Command,
}

/// Why a quoted word cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QuoteError {
    /// A quote is opened and not closed on the line.
    #[error("this quote is not closed on the same line")]
    Unterminated,
    /// A backslash is the last character.
    #[error("there is nothing after the backslash")]
    DanglingBackslash,
    /// `\x` without a digit.
    #[error("`\\x` must be followed by one or two hexadecimal digits")]
    HexDigits,
    /// An octal escape above 377.
    #[error("an octal escape must be at most `\\377`")]
    OctalRange,
    /// The escapes of a word make up a NUL byte.
    #[error("a word cannot contain a zero byte")]
    Zero,
    /// The escapes of a word make up something that is not UTF-8.
    #[error("the escapes do not make up UTF-8 text")]
    NotUtf8,
}

/// What a word says: mostly a part of the line as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// These bytes of the line.
    Slice(usize, usize),
    /// Something was escaped: what is left is in the buffer that was given for it.
    Changed,
}

/// The next thing on a line. Numbers are byte offsets into the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Word {
        start: usize,
        end: usize,
        value: Value,
        quoted: bool,
    },
    Open(usize),
    Close(usize),
    /// End of the line, or a comment. The offset of a comment that touches the word before it.
    End {
        glued: Option<usize>,
    },
    /// A word that cannot be read, and where the fault is. It extends to `end`.
    Bad {
        error: QuoteError,
        at: usize,
        end: usize,
    },
}

/// Blanks between words. A carriage return is one, so that CRLF files read like others; a line feed
/// can only come out of the escapes of a command.
pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c)
}

/// Bytes that are themselves in a plain word. Most of a file are such bytes.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0_u8;
    loop {
        let special = matches!(byte, b'{' | b'"' | b'}' | b'#' | b'!' | b'\\');
        plain[byte as usize] = !special && !is_blank(byte);
        if byte == u8::MAX {
            break plain;
        }
        byte += 1;
    }
};

/// The first offset from `at` on that is not a blank.
pub(crate) fn skip_blanks(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| is_blank(**byte)).count()
}

/// Reads the token at or behind `at`; returns it and the offset behind it. A word that says something else than what
/// is written is put into `changed`.
pub(crate) fn next(
    text: &str,
    at: usize,
    quoting: Quoting,
    changed: &mut String,
) -> (Token, usize) {
    let start = skip_blanks(text, at);
    let bytes = text.as_bytes();
    let Some(&first) = bytes.get(start) else {
        return (Token::End { glued: None }, text.len());
    };
    if quoting != Quoting::Command {
        match first {
            b'{' => return (Token::Open(start), start + 1),
            b'}' => return (Token::Close(start), start + 1),
            b'#' | b'!' => {
                let touches = start == at && start > 0;
                let before = touches.then(|| bytes[start - 1]);
                let word = before.is_some_and(|b| !is_blank(b) && b != b'{' && b != b'}');
                return (
                    Token::End {
                        glued: word.then_some(start),
                    },
                    text.len(),
                );
            }
            _ => {}
        }
    }
    let token = match quoting {
        Quoting::Plain if first == b'"' => plain_quoted(text, start),
        Quoting::Plain => plain_word(text, start, changed),
        Quoting::Script | Quoting::Command => escaped_word(text, start, quoting, changed),
    };
    let end = match token {
        Token::Word { end, .. } | Token::Bad { end, .. } => end,
        _ => text.len(),
    };
    (token, end)
}

fn plain_quoted(text: &str, start: usize) -> Token {
    let inside = start + 1;
    match text[inside..].find('"') {
        Some(length) => Token::Word {
            start,
            end: inside + length + 1,
            value: Value::Slice(inside, inside + length),
            quoted: true,
        },
        None => Token::Bad {
            error: QuoteError::Unterminated,
            at: start,
            end: text.len(),
        },
    }
}

fn plain_word(text: &str, start: usize, changed: &mut String) -> Token {
    let bytes = text.as_bytes();
    let mut kept = start;
    changed.clear();
    let mut at = start;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        at += rest
            .iter()
            .take_while(|byte| PLAIN[usize::from(**byte)])
            .count();
        let Some(&byte) = bytes.get(at) else { break };
        match byte {
            b'{' => match placeholder(text, at) {
                Some(end) => at = end,
                None => break,
            },
            b'"' | b'}' | b'#' | b'!' => break,
            b'\\' if matches!(bytes.get(at + 1), Some(b'#' | b'!')) => {
                changed.push_str(&text[kept..at]);
                kept = at + 1;
                at += 2;
            }
            byte if is_blank(byte) => break,
            _ => at += 1,
        }
    }
    let value = if kept == start {
        Value::Slice(start, at)
    } else {
        changed.push_str(&text[kept..at]);
        Value::Changed
    };
    Token::Word {
        start,
        end: at,
        value,
        quoted: false,
    }
}

/// `${…}` that stands for nothing stays in its word; its braces do not open a block. `brace` is the
/// offset of the `{`; the answer is the offset behind the `}`.
fn placeholder(text: &str, brace: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    if brace == 0 || bytes[brace - 1] != b'$' {
        return None;
    }
    let first = *bytes.get(brace + 1)?;
    if !(first.is_ascii_alphabetic() || first == b'_') {
        return None;
    }
    let length = text[brace + 1..].find(['{', '}', '"'])?;
    let end = brace + 1 + length;
    (bytes[end] == b'}').then_some(end + 1)
}

fn escaped_word(text: &str, start: usize, quoting: Quoting, changed: &mut String) -> Token {
    let bytes = text.as_bytes();
    let mut said: Vec<u8> = Vec::new();
    let mut open: Option<(u8, usize)> = None;
    let mut quoted = false;
    let mut at = start;
    let bad = |error, at| Token::Bad {
        error,
        at,
        end: text.len(),
    };
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => match escape(text, at + 1) {
                Ok((value, next)) => {
                    said.extend_from_slice(value.as_bytes(text));
                    at = next;
                    continue;
                }
                Err(error) => return bad(error, at),
            },
            quote @ (b'"' | b'\'') => match open {
                None => {
                    open = Some((quote, at));
                    quoted = true;
                }
                Some((opened, _)) if opened == quote => open = None,
                Some(_) => said.push(byte),
            },
            _ if open.is_some() => said.push(byte),
            byte if is_blank(byte) => break,
            b'{' if quoting == Quoting::Script => match placeholder(text, at) {
                Some(end) => {
                    said.extend_from_slice(&bytes[at..end]);
                    at = end;
                    continue;
                }
                None => break,
            },
            b'}' | b'#' | b'!' if quoting == Quoting::Script => break,
            _ => said.push(byte),
        }
        at += 1;
    }
    if let Some((_, opened)) = open {
        return bad(QuoteError::Unterminated, opened);
    }
    if said.contains(&0) {
        return bad(QuoteError::Zero, start);
    }
    match String::from_utf8(said) {
        Ok(said) => {
            let value = if said == text[start..at] {
                Value::Slice(start, at)
            } else {
                *changed = said;
                Value::Changed
            };
            Token::Word {
                start,
                end: at,
                value,
                quoted,
            }
        }
        Err(_) => bad(QuoteError::NotUtf8, start),
    }
}

/// What an escape stands for.
enum Escaped {
    Byte([u8; 1]),
    /// The character itself, which may be several bytes.
    Itself(usize, usize),
}

impl Escaped {
    fn as_bytes<'t>(&'t self, text: &'t str) -> &'t [u8] {
        match self {
            Self::Byte(byte) => byte,
            Self::Itself(start, end) => &text.as_bytes()[*start..*end],
        }
    }
}

/// Reads the escape whose first character behind the backslash is at `at`; also gives what follows.
fn escape(text: &str, at: usize) -> Result<(Escaped, usize), QuoteError> {
    let bytes = text.as_bytes();
    let first = text[at..]
        .chars()
        .next()
        .ok_or(QuoteError::DanglingBackslash)?;
    let byte = |value, next| Ok((Escaped::Byte([value]), next));
    match first {
        'a' => byte(0x07, at + 1),
        'b' => byte(0x08, at + 1),
        'E' => byte(0x1b, at + 1),
        'f' => byte(0x0c, at + 1),
        'n' => byte(b'\n', at + 1),
        'r' => byte(b'\r', at + 1),
        't' => byte(b'\t', at + 1),
        'v' => byte(0x0b, at + 1),
        '0'..='7' => {
            let digits = bytes[at..]
                .iter()
                .take(3)
                .take_while(|b| (b'0'..=b'7').contains(b));
            let (mut value, mut length) = (0_u32, 0);
            for digit in digits {
                value = value * 8 + u32::from(digit - b'0');
                length += 1;
            }
            byte(
                u8::try_from(value).map_err(|_| QuoteError::OctalRange)?,
                at + length,
            )
        }
        'x' => {
            let digits = bytes[at + 1..]
                .iter()
                .take(2)
                .take_while(|b| b.is_ascii_hexdigit());
            let length = digits.count();
            let value = u8::from_str_radix(&text[at + 1..at + 1 + length], 16);
            byte(value.map_err(|_| QuoteError::HexDigits)?, at + 1 + length)
        }
        'c' => match bytes.get(at + 1) {
            Some(letter) if letter.is_ascii() => byte(letter & 0x1f, at + 2),
            _ => Err(QuoteError::DanglingBackslash),
        },
        other => Ok((
            Escaped::Itself(at, at + other.len_utf8()),
            at + other.len_utf8(),
        )),
    }
}

/// The first escape of a word that loses its backslash and says something else to a pattern without it: a class, an
/// edge, or a sign that is to stand for itself.
pub(crate) fn lost_escape(word: &str) -> Option<(usize, char)> {
    let mut letters = word.char_indices();
    while let Some((at, letter)) = letters.next() {
        if letter == '\\'
            && let Some((_, escaped)) = letters.next()
            && "dDwWsSBAzpP.*+?()[]{}|^$".contains(escaped)
        {
            return Some((at, escaped));
        }
    }
    None
}

/// Splits the text of a command into its words, as the last step before it can be run.
///
/// A command line is quoted twice: once as a word of the configuration line, once inside. This is
/// the inner step, so that `script "/bin/check 'two words' \x41"` runs `/bin/check` with the
/// arguments `two words` and `A`.
///
/// # Errors
///
/// [`QuoteError`] if a quote is not closed or an escape is not one.
pub fn split_command(text: &str) -> Result<Vec<String>, QuoteError> {
    let mut words = Vec::new();
    let mut changed = String::new();
    let mut at = 0;
    loop {
        let (token, next) = next(text, at, Quoting::Command, &mut changed);
        match token {
            Token::Word { value, .. } => words.push(match value {
                Value::Slice(start, end) => text[start..end].to_owned(),
                Value::Changed => std::mem::take(&mut changed),
            }),
            Token::Bad { error, .. } => return Err(error),
            Token::Open(_) | Token::Close(_) | Token::End { .. } => return Ok(words),
        }
        at = next;
    }
}

/// The part of a line before its comment, as an end offset; a trailing blank is cut too.
pub(crate) fn without_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut quoted = false;
    let mut end = bytes.len();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'#' | b'!' if !quoted && (at == 0 || bytes[at - 1] != b'\\') => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    while end > 0 && is_blank(bytes[end - 1]) {
        end -= 1;
    }
    end
}

#[cfg(test)]
mod tests;
