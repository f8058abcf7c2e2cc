//! Ways on: of the route itself, or one of several behind `nexthop`.

use std::net::IpAddr;

use super::encap;
use crate::model::read::entry::Entry;
use crate::model::route::Hop;
use crate::tree::Word;

/// A way on of which nothing is known yet.
pub(super) fn new() -> Hop {
    Hop {
        weight: 1,
        ..Hop::default()
    }
}

/// Options that a way on has, alone or behind `nexthop`. False: it is something else.
pub(super) fn option(hop: &mut Hop, word: &Word, words: &mut Entry<'_, '_>) -> Option<bool> {
    match word.as_str() {
        "dev" | "oif" => hop.device = Some(words.interface(word)?),
        "onlink" => hop.onlink = true,
        "realms" => hop.realms = Some(words.realms(word)?),
        "encap" => hop.encap = Some(encap::read(word, words)?),
        _ => return Some(false),
    }
    Some(true)
}

/// What follows `nexthop`, up to the next one or the end.
pub(super) fn behind_nexthop(words: &mut Entry<'_, '_>) -> Option<Hop> {
    let mut hop = new();
    while let Some(next) = words.peek() {
        if next == "nexthop" {
            break;
        }
        let word = words.next()?;
        match word.as_str() {
            "via" => hop.via = Some(gateway(word, words)?),
            "weight" => hop.weight = u16::try_from(words.number(word, 1, 256)?).ok()?,
            text => {
                if !option(&mut hop, word, words)? {
                    let message = format!("a `nexthop` has no option `{text}`");
                    words
                        .error("unknown-option", word.span, message)
                        .note(None, "`nexthop` and its options have to end the line");
                    return None;
                }
            }
        }
    }
    Some(hop)
}

/// What follows `via`.
pub(super) fn gateway(word: &Word, words: &mut Entry<'_, '_>) -> Option<IpAddr> {
    let family = match words.peek() {
        Some("inet") => Some(false),
        Some("inet6") => Some(true),
        _ => None,
    };
    if family.is_some() {
        words.next();
    }
    let address = words.address(word)?;
    if family.is_some_and(|ipv6| ipv6 != address.is_ipv6()) {
        let message = format!("`{address}` is of the other family");
        words.error("mixed-families", word.span, message);
        return None;
    }
    Some(address)
}
