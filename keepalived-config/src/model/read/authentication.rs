//! `authentication` and `auth_hmac`.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use super::instance::Raw;
use super::line::{LEFT_OUT, Line, parse_unsigned, refuse};
use crate::diagnostic::Diagnostics;
use crate::model::authentication::{HmacKey, HmacMode, KeyBytes, KeySource, Password};
use crate::model::spanned::Spanned;
use crate::tree::{Node, Span};

/// `auth_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthType {
    Pass,
    Ah,
    Unknown,
}

/// `auth_hmac` as written.
#[derive(Debug)]
pub(crate) struct RawHmac {
    pub(crate) span: Span,
    /// The usable ones.
    pub(crate) keys: Vec<HmacKey>,
    pub(crate) active: Option<Spanned<u8>>,
    /// The sequence alone counts.
    pub(crate) monotonic: bool,
    pub(crate) time_window: Option<Duration>,
    pub(crate) mode: Option<Spanned<HmacMode>>,
}

/// The `authentication` block.
pub(super) fn legacy(block: &Node, raw: &mut Raw, diagnostics: &mut Diagnostics) {
    for entry in block.entries() {
        let line = Line::new(entry);
        match entry.keyword() {
            "auth_type" => {
                let Some(word) = line.word("`PASS` or `AH`", diagnostics) else {
                    continue;
                };
                let kind = match word.as_str() {
                    "PASS" => AuthType::Pass,
                    "AH" => AuthType::Ah,
                    _ => AuthType::Unknown,
                };
                raw.auth_type = Some(Spanned::new(kind, word.span));
            }
            "auth_pass" => password(line, block, raw, diagnostics),
            _ => {}
        }
    }
}

/// Complaints point at the block, because the line of the password would show it in the log.
fn password(line: Line<'_>, block: &Node, raw: &mut Raw, diagnostics: &mut Diagnostics) {
    let Some(word) = line.required("a password", diagnostics) else {
        return;
    };
    let span = block.keyword_span();
    if line.node.arguments().len() > 1 {
        diagnostics
            .warning(
                "surplus-argument",
                span,
                "`auth_pass` takes one argument; the rest does nothing",
            )
            .help("put a password with blanks in double quotes");
    }
    if word.as_str().len() > 8 {
        diagnostics
            .warning(
                "long-password",
                span,
                "only the first 8 bytes of `auth_pass` count",
            )
            .help("shorten it on every member; the rest is cut off");
    }
    raw.auth_pass =
        (!word.as_str().is_empty()).then(|| Spanned::new(Password::new(word.as_str()), span));
}

/// The `auth_hmac` block.
pub(super) fn hmac(block: &Node, raw: &mut Raw, diagnostics: &mut Diagnostics) {
    let mut hmac = RawHmac {
        span: block.keyword_span(),
        keys: Vec::new(),
        active: None,
        monotonic: false,
        time_window: None,
        mode: None,
    };
    let mut seen = HashSet::new();
    for entry in block.entries() {
        let line = Line::new(entry);
        match entry.keyword() {
            "key" => {
                let Some(key) = key(line, block.keyword_span(), diagnostics) else {
                    continue;
                };
                if !seen.insert(key.id.value) {
                    let message = format!("key {} is given twice", key.id.value);
                    diagnostics
                        .error("duplicate-key", key.id.span, message)
                        .help("the first one is used");
                    continue;
                }
                hmac.keys.push(key);
            }
            "active_key" => {
                let id = line.number(1..=255, LEFT_OUT, diagnostics);
                hmac.active = id.map(|id| Spanned::new(id, entry.span())).or(hmac.active);
            }
            "time_window" => {
                let instead = "the default is used";
                let seconds = line.number(1..=300_u16, instead, diagnostics);
                let window = seconds.map(|seconds| Duration::from_secs(seconds.into()));
                hmac.time_window = window.or(hmac.time_window);
            }
            "anti_replay" => anti_replay(line, &mut hmac, diagnostics),
            "mode" => mode(line, &mut hmac, diagnostics),
            _ => {}
        }
    }
    raw.auth_hmac = Some(hmac);
}

fn anti_replay(line: Line<'_>, hmac: &mut RawHmac, diagnostics: &mut Diagnostics) {
    let what = "`time` or `monotonic`";
    let Some(word) = line.word(what, diagnostics) else {
        return;
    };
    match word.as_str() {
        "time" => hmac.monotonic = false,
        "monotonic" => hmac.monotonic = true,
        _ => {
            let keyword = line.keyword();
            refuse(diagnostics, "unknown-option", keyword, what, word, LEFT_OUT);
        }
    }
}

/// The stage of a roll-out, KA-AX-08.
fn mode(line: Line<'_>, hmac: &mut RawHmac, diagnostics: &mut Diagnostics) {
    let what = "`enforce`, `permissive` or `receive-only`";
    let Some(word) = line.word(what, diagnostics) else {
        return;
    };
    let mode = match word.as_str() {
        "enforce" => HmacMode::Enforce,
        "permissive" => HmacMode::Permissive,
        "receive-only" => HmacMode::ReceiveOnly,
        _ => {
            // The safe side.
            let (keyword, instead) = (line.keyword(), "`enforce` is used");
            refuse(diagnostics, "unknown-option", keyword, what, word, instead);
            HmacMode::Enforce
        }
    };
    hmac.mode = Some(Spanned::new(mode, word.span));
}

/// Complaints point at the block, because the line would show the key in the log.
fn key(line: Line<'_>, span: Span, diagnostics: &mut Diagnostics) -> Option<HmacKey> {
    let number = line.required("a number from 1 to 255 and a key", diagnostics)?;
    let id = parse_unsigned(number.as_str())
        .and_then(|id| u8::try_from(id).ok())
        .filter(|id| *id > 0);
    let Some(id) = id else {
        diagnostics
            .error(
                "bad-key",
                span,
                "a key has a number from 1 to 255 in front of it",
            )
            .help("the key is left out");
        return None;
    };
    let [_, value, rest @ ..] = line.node.arguments() else {
        diagnostics
            .error("missing-argument", span, format!("key {id} is missing"))
            .help("write `key NUMBER TEXT`, `key NUMBER hex:DIGITS` or `key NUMBER file:PATH`");
        return None;
    };
    if !rest.is_empty() {
        diagnostics
            .warning(
                "surplus-argument",
                span,
                format!("key {id} is one word; the rest does nothing"),
            )
            .help("put a key with blanks in double quotes");
    }
    let text = value.as_str();
    let id = Spanned::new(id, span);
    if let Some(path) = text.strip_prefix("file:") {
        let key = KeySource::File(PathBuf::from(path));
        return Some(HmacKey { id, key });
    }
    match KeyBytes::from_text(text.as_bytes()) {
        Ok(bytes) => Some(HmacKey {
            id,
            key: KeySource::Here(bytes),
        }),
        Err(why) => {
            diagnostics
                .error(
                    "bad-key",
                    span,
                    format!("key {} cannot be used: {why}", id.value),
                )
                .help("a key has 32 to 64 bytes; this one is left out");
            None
        }
    }
}
