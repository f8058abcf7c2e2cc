//! Entries of `unicast_peer`.

use std::net::IpAddr;

use super::instance::{Raw, same_family};
use super::line::{cut_address, parse_unsigned, refuse};
use crate::diagnostic::Diagnostics;
use crate::model::instance::Peer;
use crate::tree::{Node, Word};

/// One entry.
pub(super) fn read(entry: &Node, raw: &mut Raw, diagnostics: &mut Diagnostics) {
    raw.listed_peers += 1;
    let Some(word) = entry.words.first() else {
        return;
    };
    let Some(address) = cut_address(word, "unicast_peer", diagnostics) else {
        let message = format!("`{}` is not the IP address of a peer", word.as_str());
        diagnostics
            .error("bad-address", word.span, message)
            .help("host names are not looked up; the peer is left out");
        return;
    };
    if address.is_multicast() || address.is_unspecified() {
        let message = format!("`{address}` cannot be a unicast peer");
        diagnostics
            .error("bad-address", word.span, message)
            .help("the peer is left out");
        return;
    }
    if !same_family(raw, address, word.span, diagnostics) {
        return;
    }
    let mut peer = Peer {
        address,
        min_ttl: None,
        max_ttl: None,
        span: entry.span(),
    };
    let mut words = entry.arguments().iter();
    while let Some(option) = words.next() {
        let slot = match option.as_str() {
            "min_ttl" => &mut peer.min_ttl,
            "max_ttl" => &mut peer.max_ttl,
            other => {
                let message = format!("a peer has no option `{other}`");
                let complaint = diagnostics.error("unknown-option", option.span, message);
                if other.parse::<IpAddr>().is_ok() {
                    complaint.help("write one peer per line; this one is left out");
                } else {
                    complaint.help("use `min_ttl` or `max_ttl`; the word is left out");
                }
                continue;
            }
        };
        *slot = ttl(option, words.next(), diagnostics);
    }
    if let (Some(min), Some(max)) = (peer.min_ttl, peer.max_ttl)
        && min > max
    {
        let message = format!("`min_ttl {min}` is above `max_ttl {max}`: nothing can be accepted");
        diagnostics
            .error("empty-range", peer.span, message)
            .help("exchange the two");
    }
    raw.peers.push(peer);
}

fn ttl(option: &Word, value: Option<&Word>, diagnostics: &mut Diagnostics) -> Option<u8> {
    let what = "a whole number from 0 to 255";
    let Some(value) = value else {
        let message = format!("`{}` needs {what}", option.as_str());
        diagnostics
            .error("missing-value", option.span, message)
            .help("the word is left out");
        return None;
    };
    let number = parse_unsigned(value.as_str()).and_then(|number| u8::try_from(number).ok());
    if number.is_none() {
        refuse(
            diagnostics,
            "out-of-range",
            option.as_str(),
            what,
            value,
            "the limit is left out",
        );
    }
    number
}
