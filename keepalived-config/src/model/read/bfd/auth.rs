//! `auth` in a `bfd_instance`: the keys of a session.

use crate::diagnostic::Diagnostics;
use crate::model::bfd::{BfdAuth, BfdAuthKind, BfdKey};
use crate::model::read::line::{Line, refuse};

/// `auth KIND ID KEY`. What cannot be understood must not lead to a session without authentication.
/// False after a complaint.
pub(super) fn auth(
    line: Line<'_>,
    auth: &mut Option<BfdAuth>,
    diagnostics: &mut Diagnostics,
) -> bool {
    let Some((kind, key)) = key(line, auth.as_ref(), diagnostics) else {
        return false;
    };
    match auth {
        Some(auth) => auth.keys.push(key),
        None => {
            let keys = vec![key];
            *auth = Some(BfdAuth { kind, keys });
        }
    }
    true
}

const UNSAFE: &str = "the whole block is left out rather than run without authentication";

fn key(
    line: Line<'_>,
    before: Option<&BfdAuth>,
    diagnostics: &mut Diagnostics,
) -> Option<(BfdAuthKind, BfdKey)> {
    let [kind_word, id_word, key_word] = line.node.arguments() else {
        let message = "`auth` needs a type, the number of a key and the key";
        diagnostics
            .error("bad-key", line.node.span(), message)
            .help(format!(
                "for example `auth meticulous_sha1 1 \"a secret\"`; {UNSAFE}"
            ));
        return None;
    };
    let words = BfdAuthKind::WORDS;
    let found = words.iter().find(|(word, _)| *word == kind_word.as_str());
    let Some((_, kind)) = found.copied() else {
        let names: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let what = format!("one of {}", names.join(", "));
        refuse(
            diagnostics,
            "bad-auth-type",
            "auth",
            &what,
            kind_word,
            UNSAFE,
        );
        return None;
    };
    if let Some(before) = before.filter(|before| before.kind != kind) {
        let first = words.iter().find(|(_, kind)| *kind == before.kind);
        let first = first.map_or("", |(word, _)| word);
        let message = format!("all keys of a session have one type, `{first}` here");
        diagnostics
            .error("bad-auth-type", kind_word.span, message)
            .help(UNSAFE);
        return None;
    }
    let Ok(id) = id_word.as_str().parse::<u8>() else {
        let what = "the number of a key, 0 to 255";
        refuse(diagnostics, "out-of-range", "auth", what, id_word, UNSAFE);
        return None;
    };
    if before.is_some_and(|before| before.keys.iter().any(|key| key.id == id)) {
        let message = format!("there is another key {id}");
        diagnostics
            .error("duplicate-key", id_word.span, message)
            .help(format!("give it a number of its own; {UNSAFE}"));
        return None;
    }
    let bytes = match key_word.as_str().strip_prefix("hex:") {
        Some(digits) => hex(digits),
        None => Some(key_word.as_str().as_bytes().to_vec()),
    };
    let longest = kind.longest_key();
    match bytes.filter(|bytes| (1..=longest).contains(&bytes.len())) {
        Some(bytes) => Some((kind, BfdKey { id, bytes })),
        None => {
            let message = format!(
                "a key of this type has 1 to {longest} bytes, as text or as `hex:` and two digits each"
            );
            diagnostics
                .error("bad-key", key_word.span, message)
                .help(UNSAFE);
            None
        }
    }
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let bytes = pairs
        .iter()
        .map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?));
    bytes
        .collect::<Option<Vec<u8>>>()
        .filter(|_| rest.is_empty())
}
