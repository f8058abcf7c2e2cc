//! Entries of `virtual_ipaddress`, `virtual_ipaddress_excluded` and `static_ipaddress`.

use std::net::{IpAddr, Ipv4Addr};

use super::line::{interface_name, parse_unsigned};
use crate::diagnostic::Diagnostics;
use crate::model::spanned::Spanned;
use crate::model::vip::Vip;
use crate::names::{Names, Table};
use crate::schema::nearest;
use crate::tree::{Node, Word};

/// Words with which an option begins, for guessing at misspelled ones.
const OPTIONS: [&str; 15] = [
    "dev",
    "scope",
    "brd",
    "broadcast",
    "label",
    "peer",
    "home",
    "-nodad",
    "mngtmpaddr",
    "noprefixroute",
    "autojoin",
    "no_track",
    "preferred_lft",
    "use_vmac",
    "track_group",
];

/// Names of scopes, as iproute2 has them built in.
const SCOPES: [(&str, u8); 5] = [
    ("global", 0),
    ("nowhere", 255),
    ("host", 254),
    ("link", 253),
    ("site", 200),
];

/// One entry; `None` after a complaint that drops the whole address.
pub(super) fn read(
    entry: &Node,
    is_static: bool,
    names: &Names,
    diagnostics: &mut Diagnostics,
) -> Option<Vip> {
    let mut vip = address(entry, diagnostics)?;
    let mut words = entry.arguments().iter();
    while let Some(option) = words.next() {
        match option.as_str() {
            "home" => vip.flags.home = true,
            "mngtmpaddr" => vip.flags.mngtmpaddr = true,
            "noprefixroute" => vip.flags.noprefixroute = true,
            "autojoin" => vip.flags.autojoin = true,
            "no_track" => vip.no_track = true,
            "-nodad" => vip.nodad = true,
            "track_group" if is_static => {
                let Some(name) = words.next() else {
                    let message = "`track_group` needs the name of a group";
                    diagnostics
                        .error("missing-value", option.span, message)
                        .help("the word is left out");
                    continue;
                };
                vip.track_group = Some(Spanned::new(name.as_str().to_owned(), name.span));
            }
            "use_vmac" if !is_static => vip.use_vmac = true,
            "dev" | "scope" | "brd" | "broadcast" | "label" | "peer" | "preferred_lft" => {
                let Some(value) = words.next() else {
                    let message = format!("`{}` needs a value", option.as_str());
                    diagnostics
                        .error("missing-value", option.span, message)
                        .help("the address is left out");
                    return None;
                };
                set(&mut vip, option.as_str(), value, names, diagnostics)?;
            }
            _ => unknown(option, &mut words, diagnostics),
        }
    }
    Some(vip)
}

fn address(entry: &Node, diagnostics: &mut Diagnostics) -> Option<Vip> {
    let word = entry.words.first()?;
    let (text, prefix) = match word.as_str().split_once('/') {
        Some((text, prefix)) => (text, Some(prefix)),
        None => (word.as_str(), None),
    };
    let Ok(address) = text.parse::<IpAddr>() else {
        let message = format!("`{}` is not an IP address", word.as_str());
        let complaint = diagnostics.error("bad-address", word.span, message);
        complaint.help("write an address such as 192.0.2.10/24; the entry is left out");
        if text.contains('-') {
            complaint.note(None, "ranges of addresses are not possible here");
        }
        return None;
    };
    // The kernel takes a group for an address only together with joining it.
    let joins = entry
        .arguments()
        .iter()
        .any(|word| word.as_str() == "autojoin");
    if address.is_unspecified() || (address.is_multicast() && !joins) {
        let message = format!("`{address}` cannot be an address of an interface");
        diagnostics
            .error("bad-address", word.span, message)
            .help("the entry is left out");
        return None;
    }
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let length = match prefix {
        None | Some("") => longest,
        Some(digits) => prefix_length(digits, longest).unwrap_or_else(|| {
            let message =
                format!("`/{digits}` is not a prefix length; it is a number from 0 to {longest}");
            let help = match netmask(digits) {
                Some(length) => format!("write /{length}; until then /{longest} is used"),
                None => format!("/{longest} is used"),
            };
            diagnostics
                .error("bad-prefix", word.span, message)
                .help(help);
            longest
        }),
    };
    Some(Vip::new(address, length, entry.span()))
}

fn prefix_length(digits: &str, longest: u8) -> Option<u8> {
    let length = u8::try_from(parse_unsigned(digits)?).ok()?;
    (length <= longest).then_some(length)
}

/// The prefix length that a netmask in dotted form stands for.
fn netmask(text: &str) -> Option<u32> {
    let bits = text.parse::<Ipv4Addr>().ok()?.to_bits();
    (bits.leading_ones() + bits.trailing_zeros() == 32).then(|| bits.leading_ones())
}

/// Sets an option that has a value. `None` drops the address.
fn set(
    vip: &mut Vip,
    option: &str,
    value: &Word,
    names: &Names,
    diagnostics: &mut Diagnostics,
) -> Option<()> {
    match option {
        "dev" => {
            if !interface_name(value, "the address is left out", diagnostics) {
                return None;
            }
            vip.device = Some(value.as_str().to_owned());
        }
        "scope" => match scope(value.as_str(), names) {
            Some(scope) => vip.scope = scope,
            None => {
                let message = format!("`{}` is not a scope", value.as_str());
                diagnostics.error("bad-scope", value.span, message).help(
                    "use global, site, link, host, nowhere, a name in `rt_scopes` of iproute2 or \
                         a number from 0 to 255",
                );
            }
        },
        "brd" | "broadcast" => broadcast(vip, value, diagnostics)?,
        "label" => label(vip, value, diagnostics)?,
        "peer" => peer(vip, value, diagnostics),
        _ => lifetime(vip, value, diagnostics),
    }
    Some(())
}

fn scope(text: &str, names: &Names) -> Option<u8> {
    let named = SCOPES
        .iter()
        .find(|(name, _)| *name == text)
        .map(|&(_, number)| number);
    let number = || {
        let plain = parse_unsigned(text).and_then(|number| u32::try_from(number).ok());
        u8::try_from(plain.or_else(|| names.number(Table::Scopes, text))?).ok()
    };
    named.or_else(number)
}

fn broadcast(vip: &mut Vip, value: &Word, diagnostics: &mut Diagnostics) -> Option<()> {
    let IpAddr::V4(address) = vip.address else {
        let message = "an IPv6 address has no broadcast address";
        diagnostics
            .error("bad-broadcast", value.span, message)
            .help("the address is left out");
        return None;
    };
    let host_bits = u32::MAX.checked_shr(u32::from(vip.prefix_len)).unwrap_or(0);
    vip.broadcast = match value.as_str() {
        "+" | "-" if vip.prefix_len > 30 => {
            let message = format!("a /{} has no broadcast address", vip.prefix_len);
            diagnostics
                .error("bad-broadcast", value.span, message)
                .help("give the address a prefix of at most 30 bits; no broadcast address is set");
            None
        }
        "+" => Some(Ipv4Addr::from_bits(address.to_bits() | host_bits)),
        "-" => Some(Ipv4Addr::from_bits(address.to_bits() & !host_bits)),
        text => {
            let Ok(address) = text.parse() else {
                let message = format!("`{text}` is not an IPv4 broadcast address");
                diagnostics
                    .error("bad-broadcast", value.span, message)
                    .help("use an IPv4 address, `+` for all ones or `-` for all zeros; the address is left out");
                return None;
            };
            Some(address)
        }
    };
    Some(())
}

fn label(vip: &mut Vip, value: &Word, diagnostics: &mut Diagnostics) -> Option<()> {
    let text = value.as_str();
    if vip.address.is_ipv6() {
        let message = "an IPv6 address cannot have a label";
        diagnostics
            .error("bad-label", value.span, message)
            .help("the label is left out");
    } else if text.len() > 15 {
        let message = format!("the label `{text}` is longer than 15 characters");
        diagnostics
            .error("bad-label", value.span, message)
            .help("the address is left out");
        return None;
    } else if !text.is_empty() {
        vip.label = Some(text.to_owned());
    }
    Some(())
}

fn peer(vip: &mut Vip, value: &Word, diagnostics: &mut Diagnostics) {
    let text = value.as_str();
    match text.parse::<IpAddr>() {
        Ok(peer) if peer.is_ipv4() == vip.address.is_ipv4() => vip.peer = Some(peer),
        Ok(_) => {
            let message = format!(
                "the peer `{text}` is of another family than `{}`",
                vip.address
            );
            diagnostics
                .error("bad-peer", value.span, message)
                .help("the peer is left out");
        }
        Err(_) => {
            let message = format!("`{text}` is not the address of a peer");
            diagnostics
                .error("bad-peer", value.span, message)
                .help("write an address without prefix; the peer is left out");
        }
    }
}

fn lifetime(vip: &mut Vip, value: &Word, diagnostics: &mut Diagnostics) {
    let text = value.as_str();
    if text == "forever" {
        vip.preferred_lifetime = None;
        return;
    }
    match parse_unsigned(text).and_then(|seconds| u32::try_from(seconds).ok()) {
        // The kernel's way to write "for ever".
        Some(u32::MAX) => vip.preferred_lifetime = None,
        Some(seconds) => vip.preferred_lifetime = Some(seconds),
        None => {
            let message = format!(
                "`preferred_lft` takes seconds from 0 to {} or `forever`, not `{text}`",
                u32::MAX
            );
            diagnostics
                .error("bad-number", value.span, message)
                .help("the lifetime is left out");
        }
    }
}

fn unknown<'a>(
    option: &Word,
    rest: &mut impl Iterator<Item = &'a Word>,
    diagnostics: &mut Diagnostics,
) {
    let text = option.as_str();
    if text == "track_group" {
        let message = "`track_group` is for static addresses only";
        diagnostics
            .error("unknown-option", option.span, message)
            .help("the word is left out");
        // Its value would only earn a second complaint.
        let _ = rest.next();
        return;
    }
    let message = format!("an address has no option `{text}`");
    let complaint = diagnostics.error("unknown-option", option.span, message);
    if text.parse::<IpAddr>().is_ok() || text.contains('/') {
        complaint.help("write one address per line; this one is left out");
    } else if let Some(near) = nearest(text, OPTIONS) {
        complaint.help(format!("did you mean `{near}`? the word is left out"));
    } else {
        complaint.help("the word is left out");
    }
}
