//! The words of an entry of routes or rules, one after the other.

use std::net::IpAddr;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::route::Prefix;
use crate::names::{Names, Table, unsigned};
use crate::tree::{Node, Span, Word};

use super::line::interface_name;

/// An entry that is being read. A complaint drops the whole of it: half a route leads packets astray.
pub(super) struct Entry<'a, 'd> {
    words: &'a [Word],
    last: Span,
    /// `route` or `rule`.
    what: &'static str,
    pub(super) names: &'d Names,
    pub(super) diagnostics: &'d mut Diagnostics,
}

impl<'a, 'd> Entry<'a, 'd> {
    pub(super) fn new(
        entry: &'a Node,
        what: &'static str,
        names: &'d Names,
        diagnostics: &'d mut Diagnostics,
    ) -> Self {
        Self {
            words: &entry.words,
            last: entry.keyword_span(),
            what,
            names,
            diagnostics,
        }
    }

    pub(super) fn next(&mut self) -> Option<&'a Word> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        self.last = first.span;
        Some(first)
    }

    pub(super) fn peek(&self) -> Option<&'a str> {
        self.words.first().map(Word::as_str)
    }

    /// Takes the next word if it is this one.
    pub(super) fn takes(&mut self, word: &str) -> bool {
        let there = self.peek() == Some(word);
        if there {
            self.next();
        }
        there
    }

    pub(super) fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: String,
    ) -> &mut Diagnostic {
        let help = format!("the {} is left out", self.what);
        self.diagnostics.error(code, span, message).help(help)
    }

    /// The value of an option.
    pub(super) fn value(&mut self, option: &Word) -> Option<&'a Word> {
        let value = self.next();
        if value.is_none() {
            let message = format!("`{}` needs a value", option.as_str());
            self.error("missing-value", option.span, message);
        }
        value
    }

    fn refuse(&mut self, option: &Word, what: &str, value: &Word) {
        let message = format!(
            "`{}` takes {what}, not `{}`",
            option.as_str(),
            value.as_str()
        );
        self.error("bad-value", value.span, message);
    }

    /// A number from `low` to `high`, in decimal, hexadecimal or octal notation.
    pub(super) fn number(&mut self, option: &Word, low: u64, high: u64) -> Option<u64> {
        let value = self.value(option)?;
        let number = unsigned(value.as_str()).filter(|n| (low..=high).contains(n));
        if number.is_none() {
            self.refuse(
                option,
                &format!("a whole number from {low} to {high}"),
                value,
            );
        }
        number
    }

    pub(super) fn u32(&mut self, option: &Word) -> Option<u32> {
        let number = self.number(option, 0, u64::from(u32::MAX))?;
        u32::try_from(number).ok()
    }

    pub(super) fn u8(&mut self, option: &Word) -> Option<u8> {
        u8::try_from(self.number(option, 0, 255)?).ok()
    }

    /// A name of one of iproute2's tables, or a number up to `high`.
    pub(super) fn named(&mut self, option: &Word, table: Table, high: u32) -> Option<u32> {
        let value = self.value(option)?;
        self.lookup(option, value, value.as_str(), table, high)
    }

    fn lookup(
        &mut self,
        option: &Word,
        value: &Word,
        text: &str,
        table: Table,
        high: u32,
    ) -> Option<u32> {
        let number = self.names.number(table, text).filter(|n| *n <= high);
        if number.is_none() {
            let file = match table {
                Table::Tables => "rt_tables",
                Table::Protocols => "rt_protos",
                Table::Scopes => "rt_scopes",
                Table::Realms => "rt_realms",
                Table::Groups => "group",
                Table::TypesOfService => "rt_dsfield",
            };
            let what = format!("a number from 0 to {high} or a name in `{file}` of iproute2");
            self.refuse(option, &what, value);
        }
        number
    }

    pub(super) fn named_u8(&mut self, option: &Word, table: Table) -> Option<u8> {
        u8::try_from(self.named(option, table, 255)?).ok()
    }

    /// `[FROM/]TO`.
    pub(super) fn realms(&mut self, option: &Word) -> Option<(u16, u16)> {
        let value = self.value(option)?;
        let (from, to) = match value.as_str().split_once('/') {
            Some((from, to)) => (Some(from), to),
            None => (None, value.as_str()),
        };
        let mut realm = |text: &str| {
            let number = self.lookup(option, value, text, Table::Realms, 65535)?;
            u16::try_from(number).ok()
        };
        let from = match from {
            Some(from) => realm(from)?,
            None => 0,
        };
        Some((from, realm(to)?))
    }

    /// An address of any family.
    pub(super) fn address(&mut self, option: &Word) -> Option<IpAddr> {
        let value = self.value(option)?;
        let address = value.as_str().parse().ok();
        if address.is_none() {
            self.refuse(option, "an IP address", value);
        }
        address
    }

    /// `ADDRESS[/LENGTH]`, or `default`, `any`, `all` of the family if it is known.
    pub(super) fn prefix(&mut self, word: &Word, ipv6: Option<bool>) -> Option<Prefix> {
        let text = word.as_str();
        if matches!(text, "default" | "any" | "all") {
            return Some(all(ipv6.unwrap_or(false)));
        }
        if text == "default6" {
            self.diagnostics
                .warning("deprecated", word.span, "`default6` is an old spelling")
                .help("write `inet6 default`");
            return Some(all(true));
        }
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let Ok(address) = address.parse::<IpAddr>() else {
            let message = format!("`{text}` is not an address or a prefix");
            self.error("bad-address", word.span, message);
            return None;
        };
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => Some(longest),
            Some(digits) => unsigned(digits)
                .and_then(|length| u8::try_from(length).ok())
                .filter(|length| *length <= longest),
        };
        let Some(length) = length else {
            let message =
                format!("the prefix length of `{text}` is not a number from 0 to {longest}");
            self.error("bad-prefix", word.span, message);
            return None;
        };
        Some(Prefix { address, length })
    }

    pub(super) fn interface(&mut self, option: &Word) -> Option<String> {
        let value = self.value(option)?;
        let instead = format!("the {} is left out", self.what);
        interface_name(value, &instead, self.diagnostics).then(|| value.as_str().to_owned())
    }

    /// `FIRST-LAST`, or one number that is both.
    pub(super) fn range(&mut self, option: &Word, high: u64) -> Option<(u64, u64)> {
        let value = self.value(option)?;
        let text = value.as_str();
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range = unsigned(first).zip(unsigned(last));
        let range = range.filter(|(first, last)| first <= last && *last <= high);
        if range.is_none() {
            let what = format!("a range FIRST-LAST of whole numbers up to {high}");
            self.refuse(option, &what, value);
        }
        range
    }
}

/// Everything of a family.
pub(super) fn all(ipv6: bool) -> Prefix {
    Prefix {
        address: if ipv6 {
            std::net::Ipv6Addr::UNSPECIFIED.into()
        } else {
            std::net::Ipv4Addr::UNSPECIFIED.into()
        },
        length: 0,
    }
}
