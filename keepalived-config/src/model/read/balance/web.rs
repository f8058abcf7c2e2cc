//! `HTTP_GET` and `SSL_GET`.

use std::time::Duration;

use super::checker::Place;
use super::{Inherited, LEFT_OUT, keep, string};
use crate::diagnostic::Diagnostics;
use crate::model::balance::{Checker, CheckerKind, HttpVersion, RegexOption, Url, WebCheck};
use crate::model::read::line::{Line, refuse};
use crate::model::spanned::Spanned;
use crate::schema::BROKEN_CHECK;
use crate::tree::Node;

/// Options of a pattern, as Keepalived names them.
const OPTIONS: [&str; 24] = [
    "allow_empty_class",
    "alt_bsux",
    "auto_callout",
    "caseless",
    "dollar_endonly",
    "dotall",
    "dupnames",
    "extended",
    "firstline",
    "match_unset_backref",
    "multiline",
    "never_ucp",
    "never_utf",
    "no_auto_capture",
    "no_auto_possess",
    "no_dotstar_anchor",
    "no_start_optimize",
    "ucp",
    "ungreedy",
    "utf",
    "never_backslash_c",
    "alt_circumflex",
    "alt_verbnames",
    "use_offset_limit",
];

/// Lines that say more about a `regex`.
const ABOUT_A_PATTERN: [&str; 4] = [
    "regex_no_match",
    "regex_options",
    "regex_min_offset",
    "regex_max_offset",
];

/// Reads the check; `None` if it fetches nothing.
pub(super) fn read(place: &Place<'_>, tls: bool, diagnostics: &mut Diagnostics) -> Option<Checker> {
    let mut common = place.common();
    let mut check = WebCheck {
        tls,
        version: HttpVersion::default(),
        urls: Vec::new(),
        fast_recovery: false,
        sni: false,
        sni_name: None,
        verify: false,
        tls_compliant: false,
    };
    let flag = |slot: &mut bool, value: Option<bool>| *slot = value.unwrap_or(*slot);
    for entry in place.node.entries() {
        let line = Line::new(entry);
        if common.take(line, diagnostics) {
            continue;
        }
        match entry.keyword() {
            "http_protocol" => {
                if let Some(version) = version(line, diagnostics) {
                    check.version = version;
                }
            }
            "fast_recovery" => flag(&mut check.fast_recovery, line.boolean(diagnostics)),
            "enable_sni" => flag(&mut check.sni, line.boolean(diagnostics)),
            "sni_name" => keep(
                &mut check.sni_name,
                string(line, "a host name", diagnostics),
            ),
            "ssl_verify" => flag(&mut check.verify, line.boolean(diagnostics)),
            "tls_compliant" => flag(&mut check.tls_compliant, line.boolean(diagnostics)),
            _ => {}
        }
    }
    let compliant = check.tls_compliant;
    let blocks = place
        .node
        .entries()
        .iter()
        .filter(|entry| entry.keyword() == "url");
    check.urls = blocks
        .map(|block| url(block, compliant, diagnostics))
        .collect();
    if check.urls.is_empty() {
        let message = format!("`{}` has no `url`", place.node.keyword());
        diagnostics
            .error("incomplete-checker", place.node.keyword_span(), message)
            .help(BROKEN_CHECK);
        return None;
    }
    let named = check.sni_name.is_some()
        || common
            .virtual_host()
            .or(place.inherited.virtual_host.as_ref())
            .is_some()
        || check.urls.iter().any(|url| url.virtual_host.is_some());
    let mut entries = place.node.entries().iter();
    if check.sni
        && !named
        && let Some(line) = entries.rfind(|entry| entry.keyword() == "enable_sni")
    {
        lone(line, "without `sni_name` or `virtualhost`", diagnostics);
    }
    let kind = |target, inherited: &Inherited| {
        for url in &mut check.urls {
            if url.virtual_host.is_none() {
                url.virtual_host.clone_from(&inherited.virtual_host);
            }
        }
        CheckerKind::Web(target, Box::new(check))
    };
    let port = if tls { 443 } else { 80 };
    let pause = Some(Duration::from_secs(3));
    Some(place.finish(common, 1, pause, kind, port, diagnostics))
}

fn version(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<HttpVersion> {
    let what = "1.0, 1.0C or 1.1";
    let word = line.word(what, diagnostics)?;
    match word.as_str() {
        "1.0" => Some(HttpVersion::Http10),
        "1.0C" | "1.0c" => Some(HttpVersion::Http10Close),
        "1.1" => Some(HttpVersion::Http11),
        _ => {
            refuse(
                diagnostics,
                "bad-version",
                line.keyword(),
                what,
                word,
                LEFT_OUT,
            );
            None
        }
    }
}

fn url(block: &Node, tls_compliant: bool, diagnostics: &mut Diagnostics) -> Url {
    let mut url = Url {
        path: "/".to_owned(),
        digest: None,
        status: Vec::new(),
        virtual_host: None,
        regex: None,
        regex_no_match: false,
        regex_options: Vec::new(),
        regex_min_offset: 0,
        regex_max_offset: None,
        tls_compliant,
    };
    let has_path = block
        .entries()
        .iter()
        .any(|entry| entry.keyword() == "path");
    if !has_path {
        diagnostics
            .warning("no-path", block.keyword_span(), "this `url` has no `path`")
            .help("`/` is asked for, where Keepalived leaves the page out; write the path");
    }
    for entry in block.entries() {
        let line = Line::new(entry);
        match entry.keyword() {
            "path" => {
                if let Some(path) = string(line, "a path", diagnostics) {
                    slashless(entry, &path, diagnostics);
                    url.path = path;
                }
            }
            "digest" => keep(&mut url.digest, digest(line, diagnostics)),
            "status_code" => status(line, &mut url.status, diagnostics),
            "virtualhost" => keep(
                &mut url.virtual_host,
                string(line, "a host name", diagnostics),
            ),
            "regex" => {
                let word = line.word("a pattern", diagnostics);
                keep(
                    &mut url.regex,
                    word.map(|word| Spanned::new(word.as_str().to_owned(), word.span)),
                );
            }
            "regex_no_match" => url.regex_no_match = line.flag(diagnostics),
            "regex_options" => options(line, &mut url.regex_options, diagnostics),
            "regex_min_offset" => {
                let number = line.number(0..=u32::MAX, LEFT_OUT, diagnostics);
                url.regex_min_offset = number.map_or(0, |number| number as usize);
            }
            "regex_max_offset" => {
                let number = line.number(0..=u32::MAX, LEFT_OUT, diagnostics);
                url.regex_max_offset = number.map(|number| number as usize);
            }
            "tls_compliant" => {
                url.tls_compliant = line.boolean(diagnostics).unwrap_or(url.tls_compliant);
            }
            _ => {}
        }
    }
    let has = |keyword: &str| {
        block
            .entries()
            .iter()
            .any(|entry| entry.keyword() == keyword)
    };
    for entry in block.entries().iter().filter(|_| !has("regex")) {
        if ABOUT_A_PATTERN.contains(&entry.keyword()) {
            lone(entry, "without `regex`", diagnostics);
        }
    }
    if url.status.is_empty() {
        url.status.push((200, 299));
    }
    url
}

/// A server takes a path, or the whole address as a proxy does; anything else is most likely a mistake.
fn slashless(line: &Node, path: &str, diagnostics: &mut Diagnostics) {
    if !path.starts_with('/') && !path.contains("://") {
        let message = format!("the path `{path}` does not begin with `/`");
        let help = format!("it is asked for as it is, which servers refuse; write `path /{path}`");
        diagnostics
            .warning("path-without-slash", line.span(), message)
            .help(help);
    }
}

/// A line that says more about another one, which is not there.
fn lone(line: &Node, without: &str, diagnostics: &mut Diagnostics) {
    let message = format!("`{}` does nothing {without}", line.keyword());
    diagnostics
        .warning("lone-line", line.keyword_span(), message)
        .help("write what it belongs to, or leave it out");
}

fn digest(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<[u8; 16]> {
    let what = "an MD5 digest of 32 hexadecimal digits";
    let word = line.word(what, diagnostics)?;
    let parsed = u128::from_str_radix(word.as_str(), 16).ok();
    let parsed = parsed.filter(|_| word.as_str().len() == 32 && !word.as_str().starts_with('+'));
    if parsed.is_none() {
        refuse(
            diagnostics,
            "bad-digest",
            line.keyword(),
            what,
            word,
            LEFT_OUT,
        );
    }
    parsed.map(u128::to_be_bytes)
}

fn status(line: Line<'_>, codes: &mut Vec<(u16, u16)>, diagnostics: &mut Diagnostics) {
    let what = "status codes from 100 to 999, or ranges of them";
    if line.required(what, diagnostics).is_none() {
        return;
    }
    for word in line.node.arguments() {
        let text = word.as_str();
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let code = |text: &str| {
            text.parse::<u16>()
                .ok()
                .filter(|code| (100..=999).contains(code))
        };
        match (code(first), code(last)) {
            (Some(first), Some(last)) if first <= last => codes.push((first, last)),
            _ => {
                refuse(
                    diagnostics,
                    "bad-status",
                    line.keyword(),
                    what,
                    word,
                    "it is left out",
                );
            }
        }
    }
}

fn options(line: Line<'_>, options: &mut Vec<RegexOption>, diagnostics: &mut Diagnostics) {
    let what = "options of a pattern";
    if line.required(what, diagnostics).is_none() {
        return;
    }
    for word in line.node.arguments() {
        match OPTIONS.iter().find(|name| **name == word.as_str()) {
            Some(name) => options.push(RegexOption(name)),
            None => {
                let what = format!("one of {}", OPTIONS.join(", "));
                refuse(
                    diagnostics,
                    "bad-option",
                    line.keyword(),
                    &what,
                    word,
                    "it is left out",
                );
            }
        }
    }
}
