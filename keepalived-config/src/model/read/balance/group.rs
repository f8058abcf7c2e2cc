//! `virtual_server_group`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use vrrp_proto::Family;

use crate::diagnostic::Diagnostics;
use crate::model::balance::{GroupEntry, ServiceGroup};
use crate::model::read::line::refuse;
use crate::model::spanned::Spanned;
use crate::tree::{Node, Word};

use super::port;

/// The most addresses of one range.
const MOST: u32 = 65_536;

/// `NAME { ADDRESS [PORT] | RANGE [PORT] | fwmark MARK [FAMILY] ... }`.
pub(in crate::model) fn group(node: &Node, diagnostics: &mut Diagnostics) -> Option<ServiceGroup> {
    let [name] = node.arguments() else {
        diagnostics
            .error(
                "bad-group-name",
                node.span(),
                "`virtual_server_group` takes one name",
            )
            .help("the group is left out");
        return None;
    };
    let entries = node.entries().iter();
    let entries: Vec<_> = entries
        .filter_map(|entry| read(entry, diagnostics))
        .collect();
    if entries.is_empty() {
        diagnostics
            .warning("empty-group", name.span, "the group has no entries")
            .help("a service that names it is not run");
    }
    Some(ServiceGroup {
        name: Spanned::new(name.as_str().to_owned(), name.span),
        entries,
    })
}

/// An address, a range or a mark: LVS-02.
fn read(entry: &Node, diagnostics: &mut Diagnostics) -> Option<GroupEntry> {
    let first = entry.words.first()?;
    if first.as_str() == "fwmark" {
        return mark(entry, diagnostics);
    }
    let Some((from, to)) = range(first.as_str()) else {
        let what = "an address, a range (`192.0.2.1-9`) or a network (`192.0.2.0/28`)";
        let here = "virtual_server_group";
        refuse(
            diagnostics,
            "bad-address",
            here,
            what,
            first,
            "the entry is left out",
        );
        return None;
    };
    if let Some((address, length)) = first.as_str().split_once('/')
        && address.parse() != Ok(from)
    {
        let message = format!(
            "`{}` is the address of a host, not of a network",
            first.as_str()
        );
        diagnostics
            .error("bad-range", first.span, message)
            .help(format!(
                "the network is `{from}/{length}`; the entry is left out"
            ));
        return None;
    }
    if count(from, to).is_none_or(|count| count > MOST) {
        let message = format!(
            "`{}` is not a range of 1 to {MOST} addresses",
            first.as_str()
        );
        diagnostics
            .error("bad-range", first.span, message)
            .help("the entry is left out");
        return None;
    }
    let port = match entry.words.get(1) {
        Some(word) => port(word, "virtual_server_group", diagnostics)?,
        None => 0,
    };
    Some(GroupEntry::Addresses {
        first: from,
        last: to,
        port,
    })
}

fn mark(entry: &Node, diagnostics: &mut Diagnostics) -> Option<GroupEntry> {
    let number = entry
        .words
        .get(1)
        .and_then(|word| word.as_str().parse::<u32>().ok());
    let family = match entry.words.get(2).map(Word::as_str) {
        None => Some(None),
        Some("inet") => Some(Some(Family::Ipv4)),
        Some("inet6") => Some(Some(Family::Ipv6)),
        Some(_) => None,
    };
    let (Some(number @ 1..), Some(family)) = (number, family) else {
        diagnostics
            .error(
                "bad-mark",
                entry.span(),
                "`fwmark` takes a number from 1, and `inet` or `inet6`",
            )
            .help("the entry is left out");
        return None;
    };
    Some(GroupEntry::Mark(number, family))
}

/// `A`, `A-B`, `A-LASTPART` or `NETWORK/PREFIX`, first and last included.
fn range(text: &str) -> Option<(IpAddr, IpAddr)> {
    if let Some((address, prefix)) = text.split_once('/') {
        return network(address.parse().ok()?, prefix.parse().ok()?);
    }
    let Some((first, last)) = text.split_once('-') else {
        let address = text.parse().ok()?;
        return Some((address, address));
    };
    let first: IpAddr = first.parse().ok()?;
    if let Ok(last) = last.parse::<IpAddr>() {
        return (last.is_ipv4() == first.is_ipv4()).then_some((first, last));
    }
    let last = match first {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, last.parse().ok()?))
        }
        IpAddr::V6(address) => {
            let part = u16::from_str_radix(last, 16).ok()?;
            let bits = address.to_bits() & !u128::from(u16::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(bits | u128::from(part)))
        }
    };
    Some((first, last))
}

/// All addresses that begin with the prefix.
fn network(address: IpAddr, prefix: u32) -> Option<(IpAddr, IpAddr)> {
    match address {
        IpAddr::V4(address) => {
            let host = u32::MAX.checked_shr(prefix).unwrap_or(0);
            let low = address.to_bits() & !host;
            let v4 = |bits| IpAddr::V4(Ipv4Addr::from_bits(bits));
            (prefix <= 32).then_some((v4(low), v4(low | host)))
        }
        IpAddr::V6(address) => {
            let host = u128::MAX.checked_shr(prefix).unwrap_or(0);
            let low = address.to_bits() & !host;
            let v6 = |bits| IpAddr::V6(Ipv6Addr::from_bits(bits));
            (prefix <= 128).then_some((v6(low), v6(low | host)))
        }
    }
}

/// How many there are; `None` if the last comes before the first, or far too many.
fn count(first: IpAddr, last: IpAddr) -> Option<u32> {
    let less = match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => last.to_bits().checked_sub(first.to_bits())?,
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            u32::try_from(last.to_bits().checked_sub(first.to_bits())?).ok()?
        }
        _ => return None,
    };
    less.checked_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An address, a range or a mark: LVS-02.
    #[test]
    fn a_range_is_written_in_four_ways() {
        let pair = |a: &str, b: &str| Some((a.parse().unwrap(), b.parse().unwrap()));
        for (text, expected) in [
            ("192.0.2.7", pair("192.0.2.7", "192.0.2.7")),
            ("192.0.2.7-9", pair("192.0.2.7", "192.0.2.9")),
            ("192.0.2.7-192.0.3.1", pair("192.0.2.7", "192.0.3.1")),
            ("192.0.2.0/29", pair("192.0.2.0", "192.0.2.7")),
            ("192.0.2.4/31", pair("192.0.2.4", "192.0.2.5")),
            ("2001:db8::10-1f", pair("2001:db8::10", "2001:db8::1f")),
            ("2001:db8::/126", pair("2001:db8::", "2001:db8::3")),
            ("192.0.2.7-x", None),
            ("192.0.2.0/33", None),
            ("192.0.2.1-2001:db8::1", None),
        ] {
            assert_eq!(range(text), expected, "{text}");
        }
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(count(address("192.0.2.9"), address("192.0.2.7")), None);
        assert_eq!(count(address("::"), address("1::")), None);
    }
}
