//! `lvs_sync_daemon` of `global_defs`.

use std::net::IpAddr;

use super::LEFT_OUT;
use crate::diagnostic::Diagnostics;
use crate::model::balance::{BalanceDefs, SyncDaemon};
use crate::model::read::line::{Line, interface_name, parse_unsigned, refuse};
use crate::model::spanned::Spanned;
use crate::schema::nearest;
use crate::tree::Word;

const OPTIONS: [&str; 6] = ["inst", "id", "maxlen", "port", "ttl", "group"];

/// The option that a word was probably meant to be: misspelled, or as `ipvsadm` calls it
/// (`syncid`, `sync-maxlen`, `mcast-port`, `mcast-ttl`, `mcast-group`).
pub(super) fn option_meant(word: &str) -> Option<&'static str> {
    let longer = |option: &&&str| word.len() > option.len() && word.ends_with(**option);
    OPTIONS
        .iter()
        .find(longer)
        .copied()
        .or_else(|| nearest(word, OPTIONS))
}

fn not_an_option(word: &&Word) -> bool {
    !OPTIONS.contains(&word.as_str())
}

/// `INTERFACE [[inst] INSTANCE] [id N] [maxlen N] [port N] [ttl N] [group ADDRESS]`.
pub(super) fn daemon(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<SyncDaemon> {
    let first = line.required("an interface", diagnostics)?;
    if !interface_name(first, LEFT_OUT, diagnostics) {
        return None;
    }
    let spanned = |word: &Word| Spanned::new(word.as_str().to_owned(), word.span);
    let mut daemon = SyncDaemon::new(spanned(first));
    let mut words = line.node.arguments().iter().skip(1).peekable();
    if let Some(name) = words.next_if(not_an_option) {
        daemon.instance = Some(spanned(name));
        if let Some(word) = words.next_if(|word| parse_unsigned(word.as_str()).is_some()) {
            bare_id(&mut daemon, line, word, diagnostics);
        }
    }
    while let Some(word) = words.next() {
        let option = word.as_str();
        if !OPTIONS.contains(&option) {
            // What follows is its value, and would only earn a second complaint.
            let last = std::iter::from_fn(|| words.next_if(not_an_option)).last();
            unknown(line, word, last.unwrap_or(word), &daemon, diagnostics);
            continue;
        }
        let Some(value) = words.next() else {
            let message = format!("`{option}` needs a value");
            diagnostics
                .error("missing-argument", word.span, message)
                .help("the word is left out");
            return Some(daemon);
        };
        let text = value.as_str();
        let within = |low: u64, high: u64| {
            let number = parse_unsigned(text).filter(|number| (low..=high).contains(number));
            number.and_then(|number| u16::try_from(number).ok())
        };
        let byte = |low: u64| within(low, 255).and_then(|number| u8::try_from(number).ok());
        let what = match option {
            "inst" => {
                daemon.instance = Some(spanned(value));
                continue;
            }
            "id" => match byte(0) {
                Some(id) => {
                    daemon.id = id;
                    daemon.id_given = true;
                    continue;
                }
                None => "`id` with a number from 0 to 255",
            },
            "maxlen" => match within(1, 65_507) {
                Some(length) => {
                    daemon.max_length = Some(length);
                    continue;
                }
                None => "`maxlen` with a number from 1 to 65507",
            },
            "port" => match within(1, 65_535) {
                Some(port) => {
                    daemon.port = port;
                    continue;
                }
                None => "`port` with a number from 1 to 65535",
            },
            "ttl" => match byte(1) {
                Some(ttl) => {
                    daemon.ttl = Some(ttl);
                    continue;
                }
                None => "`ttl` with a number from 1 to 255",
            },
            _ => match text.parse::<IpAddr>().ok().filter(IpAddr::is_multicast) {
                Some(group) => {
                    daemon.group = group;
                    continue;
                }
                None => "`group` with a multicast address",
            },
        };
        refuse(
            diagnostics,
            "bad-option",
            line.keyword(),
            what,
            value,
            "it is left out",
        );
    }
    Some(daemon)
}

/// `INTERFACE INSTANCE N`, as the line was written before there was `id`.
fn bare_id(daemon: &mut SyncDaemon, line: Line<'_>, word: &Word, diagnostics: &mut Diagnostics) {
    let Some(id) = parse_unsigned(word.as_str()).and_then(|number| u8::try_from(number).ok())
    else {
        let what = "`id` with a number from 0 to 255";
        refuse(
            diagnostics,
            "bad-option",
            line.keyword(),
            what,
            word,
            "it is left out",
        );
        return;
    };
    daemon.id = id;
    daemon.id_given = true;
    diagnostics
        .warning(
            "bare-id",
            word.span,
            "a number alone is the old way to write `id`",
        )
        .help(format!("write `id {id}`"));
}

fn unknown(
    line: Line<'_>,
    word: &Word,
    last: &Word,
    daemon: &SyncDaemon,
    diagnostics: &mut Diagnostics,
) {
    let text = word.as_str();
    let message = format!("`{}` has no option `{text}`", line.keyword());
    let complaint = diagnostics.error("unknown-option", word.span.to(last.span), message);
    let number = parse_unsigned(text).is_some();
    match option_meant(text) {
        Some(option) => {
            complaint.help(format!("did you mean `{option}`? it is left out"));
        }
        None if !number && daemon.instance.is_none() => {
            complaint
                .help("an instance comes after the interface, or after `inst`; it is left out");
        }
        None => {
            complaint.help(format!(
                "it is left out; the options are `{}`",
                OPTIONS.join("`, `")
            ));
        }
    }
}

pub(super) fn take(
    defs: &mut BalanceDefs,
    daemon: SyncDaemon,
    line: Line<'_>,
    diagnostics: &mut Diagnostics,
) {
    if let Some(first) = &defs.sync_daemon {
        diagnostics
            .error(
                "duplicate-sync-daemon",
                line.node.span(),
                "there is another `lvs_sync_daemon`",
            )
            .help("the first one counts")
            .note(first.interface.span, "the other one is here");
        return;
    }
    defs.sync_daemon = Some(daemon);
}
