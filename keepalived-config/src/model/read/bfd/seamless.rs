//! S-BFD: `sbfd` of a session, and `sbfd_reflector`.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::{LEFT_OUT, Line, Raw, WHOLE, auth, millis};
use crate::diagnostic::Diagnostics;
use crate::model::bfd::SbfdReflector;
use crate::model::read::line::refuse;
use crate::model::spanned::Spanned;
use crate::tree::Node;

/// What means nothing to one that asks a reflector, RFC 7880 7.3.
pub(super) const SESSION_ONLY: &[&str] = &[
    "demand",
    "echo",
    "hoplimit",
    "idle_tx",
    "interface",
    "max_hops",
    "min_rx",
    "multihop",
    "passive",
    "ttl",
];

/// A number, hexadecimal with `0x`, or four octets as in an address; not 0.
pub(super) fn discriminator(
    line: Line<'_>,
    instead: &str,
    diagnostics: &mut Diagnostics,
) -> Option<u32> {
    let what = "a discriminator: 1 to 4294967295, 0x1 to 0xffffffff, or an IPv4 address";
    let word = line.word_or(what, instead, diagnostics)?;
    let text = word.as_str();
    let read = match text.strip_prefix("0x") {
        Some(digits) if !digits.starts_with('+') => u32::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None => text
            .parse::<Ipv4Addr>()
            .map(Ipv4Addr::to_bits)
            .or_else(|_| text.parse())
            .ok(),
    };
    let found = read.filter(|number| *number != 0);
    if found.is_none() {
        refuse(
            diagnostics,
            "bad-discriminator",
            line.keyword(),
            what,
            word,
            instead,
        );
    }
    found
}

/// Leaves out what means nothing to one that asks a reflector.
pub(super) fn settle(name: &Spanned<String>, raw: &mut Raw, diagnostics: &mut Diagnostics) {
    if raw.sbfd.is_none() {
        return;
    }
    for (keyword, span) in std::mem::take(&mut raw.session_only) {
        let message = format!(
            "`{}` asks an S-BFD reflector, to which `{keyword}` means nothing",
            name.value
        );
        diagnostics
            .error("no-session", span, message)
            .help(LEFT_OUT);
    }
    *raw = Raw {
        neighbor: raw.neighbor.take(),
        source: raw.source.take(),
        min_tx: raw.min_tx,
        multiplier: raw.multiplier,
        weight: raw.weight,
        vrrp: raw.vrrp,
        checker: raw.checker,
        auth: raw.auth.take(),
        sbfd: raw.sbfd,
        ..Raw::default()
    };
}

/// Reads one block. `None` after a complaint if there can be no reflector.
pub(in crate::model::read) fn reflector(
    node: &Node,
    before: Option<&SbfdReflector>,
    diagnostics: &mut Diagnostics,
) -> Option<SbfdReflector> {
    if let Some(before) = before {
        diagnostics
            .error(
                "duplicate-reflector",
                node.span(),
                "there is another `sbfd_reflector`",
            )
            .help("put all discriminators into one; this block is left out")
            .note(before.span, "the other one is here");
        return None;
    }
    let mut read = SbfdReflector {
        discriminators: Vec::new(),
        min_rx: Duration::from_millis(10),
        admin_down: false,
        auth: None,
        span: node.span(),
    };
    let mut safe = true;
    for entry in node.entries() {
        let line = Line::new(entry);
        match line.keyword() {
            "discriminator" => {
                let found = discriminator(line, LEFT_OUT, diagnostics);
                let known = &mut read.discriminators;
                known.extend(found.filter(|found| !known.contains(found)));
            }
            "min_rx" => read.min_rx = millis(line, 1, diagnostics).unwrap_or(read.min_rx),
            "admin_down" => read.admin_down = line.flag(diagnostics),
            "auth" => safe &= auth::auth(line, &mut read.auth, diagnostics),
            _ => {}
        }
    }
    if read.discriminators.is_empty() {
        let message = "an `sbfd_reflector` needs a `discriminator`";
        diagnostics
            .error("no-discriminator", node.keyword_span(), message)
            .help(WHOLE.replace("session", "block"));
        return None;
    }
    safe.then_some(read)
}
