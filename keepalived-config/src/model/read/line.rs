//! Reading the arguments of one line, with complaints that name the range.

use std::fmt::{self, Display};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::schema::keywords;
use crate::tree::{Node, Word};
use crate::values::{parse_bool, parse_seconds};

/// What most often becomes of a line that cannot be used.
pub(super) const LEFT_OUT: &str = "the line is left out";

/// Stores a value that was read; keeps the one before if none was.
pub(super) fn keep<T>(slot: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *slot = value;
    }
}

/// A keyword line that is being read.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) node: &'a Node,
}

impl<'a> Line<'a> {
    pub(super) const fn new(node: &'a Node) -> Self {
        Self { node }
    }

    pub(super) fn keyword(self) -> &'a str {
        self.node.keyword()
    }

    /// The one argument; complains if there is none, and about further ones.
    pub(super) fn word(
        self,
        what: impl Display,
        diagnostics: &mut Diagnostics,
    ) -> Option<&'a Word> {
        self.word_or(what, LEFT_OUT, diagnostics)
    }

    /// As [`word`](Self::word); `instead` says what becomes of it if there is none.
    pub(super) fn word_or(
        self,
        what: impl Display,
        instead: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<&'a Word> {
        self.at_most(1, diagnostics);
        self.required_or(what, instead, diagnostics)
    }

    /// The first argument; complains if there is none.
    ///
    /// Keepalived ends at once with exit code 2 in this case.
    pub(super) fn required(
        self,
        what: impl Display,
        diagnostics: &mut Diagnostics,
    ) -> Option<&'a Word> {
        self.required_or(what, LEFT_OUT, diagnostics)
    }

    fn required_or(
        self,
        what: impl Display,
        instead: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<&'a Word> {
        let first = self.node.arguments().first();
        if first.is_none() {
            let message = format!("`{}` needs {what}", self.keyword());
            diagnostics
                .error("missing-argument", self.node.keyword_span(), message)
                .help(instead);
        }
        first
    }

    /// Says that words behind the first `count` arguments do nothing.
    pub(super) fn at_most(self, count: usize, diagnostics: &mut Diagnostics) {
        let Some(surplus) = self.node.arguments().get(count..) else {
            return;
        };
        let (Some(first), Some(last)) = (surplus.first(), surplus.last()) else {
            return;
        };
        let takes = match count {
            0 => "no argument".to_owned(),
            1 => "one argument".to_owned(),
            many => format!("{many} arguments"),
        };
        let message = format!("`{}` takes {takes}; the rest does nothing", self.keyword());
        let complaint = diagnostics.warning("surplus-argument", first.span.to(last.span), message);
        if keywords().any(|keyword| keyword.name == first.as_str()) {
            complaint.help(format!(
                "`{}` is a keyword: write it on a line of its own",
                first.as_str()
            ));
        }
    }

    /// A whole number in `range`; `None` after a complaint. `instead` says what is used then.
    pub(super) fn number<T>(
        self,
        range: RangeInclusive<T>,
        instead: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<T>
    where
        T: TryFrom<u64> + PartialOrd + Display,
    {
        // Put into words only where somebody has to read them.
        let what = format_args!("a whole number from {} to {}", range.start(), range.end());
        let word = self.word(what, diagnostics)?;
        let parsed = parse_unsigned(word.as_str());
        let value = parsed.and_then(|number| T::try_from(number).ok());
        if let Some(value) = value.filter(|value| range.contains(value)) {
            return Some(value);
        }
        let code = if parsed.is_some() {
            "out-of-range"
        } else {
            "bad-number"
        };
        refuse(diagnostics, code, self.keyword(), what, word, instead);
        None
    }

    /// Complains that a word is not the number that the keyword takes.
    pub(super) fn bad_number(
        self,
        what: &str,
        word: &Word,
        instead: &str,
        diagnostics: &mut Diagnostics,
    ) {
        refuse(
            diagnostics,
            "bad-number",
            self.keyword(),
            what,
            word,
            instead,
        );
    }

    /// A protocol version: 2 or 3.
    pub(super) fn version(self, diagnostics: &mut Diagnostics) -> Option<u8> {
        let word = self.word("2 or 3", diagnostics)?;
        match word.as_str() {
            "2" => Some(2),
            "3" => Some(3),
            _ => {
                let instead = "the line is left out";
                refuse(
                    diagnostics,
                    "out-of-range",
                    self.keyword(),
                    "2 or 3",
                    word,
                    instead,
                );
                None
            }
        }
    }

    /// A number of whole seconds.
    pub(super) fn whole_seconds(
        self,
        instead: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<Duration> {
        self.number(0..=u32::MAX, instead, diagnostics)
            .map(|seconds| Duration::from_secs(u64::from(seconds)))
    }

    /// Decimal seconds in `range`, given in microseconds.
    pub(super) fn seconds(
        self,
        range: RangeInclusive<u64>,
        instead: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<Duration> {
        let (low, high) = (*range.start(), *range.end());
        let what = format_args!("seconds from {} to {}", Seconds(low), Seconds(high));
        let word = self.word(what, diagnostics)?;
        match parse_seconds(word.as_str()) {
            Ok(time) => {
                let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
                if range.contains(&micros) {
                    return Some(time);
                }
                refuse(
                    diagnostics,
                    "out-of-range",
                    self.keyword(),
                    what,
                    word,
                    instead,
                );
            }
            Err(why) => {
                refuse(diagnostics, "bad-time", self.keyword(), what, word, instead)
                    .note(None, why.to_string());
            }
        }
        None
    }

    /// `on`, `off` and their like; the keyword alone means on.
    pub(super) fn boolean(self, diagnostics: &mut Diagnostics) -> Option<bool> {
        self.at_most(1, diagnostics);
        let Some(word) = self.node.arguments().first() else {
            return Some(true);
        };
        let value = parse_bool(word.as_str());
        if value.is_none() {
            let what = "`on` or `off` (also `true`, `false`, `yes`, `no`, in lower case)";
            refuse(
                diagnostics,
                "bad-boolean",
                self.keyword(),
                what,
                word,
                "the line is left out",
            );
        }
        value
    }

    /// A keyword without argument.
    pub(super) fn flag(self, diagnostics: &mut Diagnostics) -> bool {
        self.at_most(0, diagnostics);
        true
    }

    /// An IP address; a mask or a range behind it is cut off, as Keepalived does.
    pub(super) fn address(self, diagnostics: &mut Diagnostics) -> Option<(IpAddr, &'a Word)> {
        self.address_or(LEFT_OUT, diagnostics)
    }

    /// As [`address`](Self::address); `instead` says what becomes of it if there is none.
    pub(super) fn address_or(
        self,
        instead: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<(IpAddr, &'a Word)> {
        let word = self.word_or("an IP address", instead, diagnostics)?;
        if let Some(address) = cut_address(word, self.keyword(), diagnostics) {
            return Some((address, word));
        }
        refuse(
            diagnostics,
            "bad-address",
            self.keyword(),
            "an IP address",
            word,
            instead,
        );
        None
    }

    /// The name of an interface.
    pub(super) fn interface(
        self,
        instead: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<&'a Word> {
        let word = self.word("the name of an interface", diagnostics)?;
        interface_name(word, instead, diagnostics).then_some(word)
    }
}

/// What no name of an interface has, beside its length of 1 to 15: the kernel refuses it, reads
/// `%d` as a wish for a number of its choice, and shows blanks and control characters as they are.
pub(super) fn not_in_names(c: char) -> bool {
    matches!(c, '/' | ':' | '%') || c.is_whitespace() || c.is_control()
}

/// Checks the name of an interface (the kernel takes 15 bytes).
pub(super) fn interface_name(word: &Word, instead: &str, diagnostics: &mut Diagnostics) -> bool {
    let text = word.as_str();
    let good = (1..=15).contains(&text.len())
        && !matches!(text, "." | "..")
        && !text.contains(not_in_names);
    if !good {
        let shown = text.escape_debug();
        let message = format!("`{shown}` cannot be the name of an interface");
        let (real, alias) = text.split_once(':').unwrap_or_default();
        let number = !alias.is_empty() && alias.bytes().all(|byte| byte.is_ascii_digit());
        let help = if number && !real.is_empty() && !real.contains(not_in_names) {
            format!("this is a label, of an address on `{real}`: write `{real}`; {instead}")
        } else if matches!(text, "." | "..") {
            format!("`.` and `..` are no names; {instead}")
        } else {
            format!(
                "interface names have 1 to 15 characters, no blanks and none of `/`, `:`, `%`; {instead}"
            )
        };
        diagnostics
            .error("bad-interface", word.span, message)
            .help(help);
    }
    good
}

/// Parses an address and says so if something behind it is ignored.
pub(super) fn cut_address(
    word: &Word,
    keyword: &str,
    diagnostics: &mut Diagnostics,
) -> Option<IpAddr> {
    let text = word.as_str();
    // Nearly all are, and a file may have a hundred thousand.
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (kept, dropped) = text.split_at(text.find(['/', '-'])?);
    let address = kept.parse().ok()?;
    let message = format!("`{dropped}` behind the address does nothing in `{keyword}`");
    diagnostics
        .warning("surplus-mask", word.span, message)
        .help(format!("write `{address}`"));
    Some(address)
}

/// Decimal digits, with an optional plus sign.
pub(super) fn parse_unsigned(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Too many digits are out of every range, not "not a number".
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// Complains that a word is not what the keyword takes.
pub(super) fn refuse<'d>(
    diagnostics: &'d mut Diagnostics,
    code: &'static str,
    keyword: &str,
    what: impl Display,
    word: &Word,
    instead: &str,
) -> &'d mut Diagnostic {
    let message = format!("`{keyword}` takes {what}, not `{}`", word.as_str());
    diagnostics.error(code, word.span, message).help(instead)
}

/// Microseconds, shown as decimal seconds without superfluous zeros.
struct Seconds(u64);

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if fraction == 0 {
            return whole.fmt(f);
        }
        let digits = format!("{fraction:06}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}
