//! What a route wraps packets in (`encap`).

use std::net::IpAddr;

use crate::model::read::entry::Entry;
use crate::model::route::Encap;
use crate::names::{Table, unsigned};
use crate::tree::Word;

/// What follows `encap`.
pub(super) fn read(word: &Word, words: &mut Entry<'_, '_>) -> Option<Encap> {
    let kind = words.value(word)?;
    match kind.as_str() {
        "ip" | "ip6" => tunnel(kind, words),
        "mpls" => {
            let labels = words.value(kind)?;
            let label = |text: &str| {
                unsigned(text)
                    .filter(|l| *l < 1 << 20)
                    .and_then(|l| u32::try_from(l).ok())
            };
            let list: Option<Vec<u32>> = labels.as_str().split('/').map(label).collect();
            if list.is_none() {
                let message = format!(
                    "`{}` is not a list of MPLS labels such as 100/200",
                    labels.as_str()
                );
                words.error("bad-value", labels.span, message);
            }
            list.map(Encap::Mpls)
        }
        "ila" => {
            let locator = words.value(kind)?;
            let parts: Option<Vec<u16>> = locator
                .as_str()
                .split(':')
                .map(|part| u16::from_str_radix(part, 16).ok())
                .collect();
            match parts.as_deref() {
                Some(&[a, b, c, d]) => {
                    let parts = [a, b, c, d];
                    Some(Encap::Ila(
                        parts
                            .iter()
                            .fold(0, |all, part| all << 16 | u64::from(*part)),
                    ))
                }
                _ => {
                    let message = format!(
                        "`{}` is not a locator such as 2001:db8:1:1",
                        locator.as_str()
                    );
                    words.error("bad-value", locator.span, message);
                    None
                }
            }
        }
        other => {
            let message = format!("`encap` takes ip, ip6, mpls or ila, not `{other}`");
            words.error("bad-value", kind.span, message);
            None
        }
    }
}

fn tunnel(kind: &Word, words: &mut Entry<'_, '_>) -> Option<Encap> {
    let ipv6 = kind.as_str() == "ip6";
    let (mut id, mut tos, mut ttl, mut flags) = (0, 0, 0, 0);
    let (mut destination, mut source) = (None, None);
    loop {
        let option = match words.peek() {
            Some("id" | "dst" | "src" | "flags") => words.next()?,
            Some("tos" | "ttl") if !ipv6 => words.next()?,
            Some("tc" | "hoplimit") if ipv6 => words.next()?,
            _ => break,
        };
        match option.as_str() {
            "id" => id = words.number(option, 0, u64::MAX)?,
            "dst" => destination = Some(words.address(option)?),
            "src" => source = Some(words.address(option)?),
            "tos" | "tc" => tos = words.named_u8(option, Table::TypesOfService)?,
            "ttl" | "hoplimit" => ttl = words.u8(option)?,
            _ => flags = u16::try_from(words.number(option, 0, 65535)?).ok()?,
        }
    }
    let given = [destination, source];
    if given
        .iter()
        .flatten()
        .any(|address| address.is_ipv6() != ipv6)
    {
        let message = format!(
            "addresses of `encap {}` are of the other family",
            kind.as_str()
        );
        words.error("mixed-families", kind.span, message);
        return None;
    }
    let v4 = |address| match address {
        Some(IpAddr::V4(v4)) => Some(v4),
        _ => None,
    };
    let v6 = |address| match address {
        Some(IpAddr::V6(v6)) => Some(v6),
        _ => None,
    };
    Some(if ipv6 {
        Encap::Ip6 {
            id,
            destination: v6(destination),
            source: v6(source),
            traffic_class: tos,
            hop_limit: ttl,
            flags,
        }
    } else {
        Encap::Ip {
            id,
            destination: v4(destination),
            source: v4(source),
            tos,
            ttl,
            flags,
        }
    })
}
