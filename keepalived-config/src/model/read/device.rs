//! Lines about devices and the packet filter.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::global::set;
use super::instance::text;
use super::line::{LEFT_OUT, Line, interface_name, keep, not_in_names, parse_unsigned, refuse};
use crate::diagnostic::Diagnostics;
use crate::model::device::{DeviceKind, ExtraAnnounce, IpvlanFlag, LinkDefs, ReceiveRoom};
use crate::model::spanned::Spanned;
use crate::names::{Names, Table};
use crate::tree::{Span, Word};

const DEFAULT_NAME: &str = "its device gets the name that it has without one";
/// A day, as Keepalived has it.
const LONGEST_REFRESH: u64 = 86_400;

/// What an instance says about its device.
#[derive(Debug, Default)]
pub(crate) struct RawDevice {
    pub(crate) vmac: Option<RawVmac>,
    pub(crate) ipvlan: Option<RawVmac>,
    pub(crate) xmit_base: Option<Span>,
    pub(crate) for_addresses: Option<Span>,
    pub(crate) no_accept: Option<Span>,
    pub(crate) promote_secondaries: bool,
    pub(crate) linkbeat: bool,
    pub(crate) vrf: Option<Spanned<String>>,
    pub(crate) extra_announce: Option<ExtraAnnounce>,
}

/// `use_vmac` or `use_ipvlan`.
#[derive(Debug)]
pub(crate) struct RawVmac {
    pub(crate) span: Span,
    pub(crate) name: Option<String>,
    pub(crate) kind: DeviceKind,
    /// The last octet of the address is the number of the virtual router.
    pub(crate) short_mac: bool,
    pub(crate) group: Option<u32>,
}

/// Reads a line of an instance; false if it is about something else.
pub(super) fn instance_line(
    line: Line<'_>,
    raw: &mut RawDevice,
    names: &Names,
    diagnostics: &mut Diagnostics,
) -> bool {
    let span = line.node.span();
    match line.keyword() {
        "use_vmac" => {
            let kind = DeviceKind::Vmac { mac: None };
            raw.vmac = Some(device(line, kind, names, diagnostics));
        }
        "use_ipvlan" => {
            let kind = DeviceKind::Ipvlan {
                flag: IpvlanFlag::Bridge,
                address: None,
            };
            raw.ipvlan = Some(device(line, kind, names, diagnostics));
        }
        "vmac_xmit_base" => raw.xmit_base = line.flag(diagnostics).then_some(span),
        "use_vmac_addr" => raw.for_addresses = line.flag(diagnostics).then_some(span),
        "no_accept" => raw.no_accept = line.flag(diagnostics).then_some(span),
        "linkbeat_use_polling" => raw.linkbeat = line.flag(diagnostics),
        "promote_secondaries" => raw.promote_secondaries = line.flag(diagnostics),
        "vrf" => {
            if let Some(word) = line.interface(LEFT_OUT, diagnostics) {
                raw.vrf = Some(text(word));
            }
        }
        "garp_extra_if" | "vmac_garp_intvl" => {
            if let Some(extra) = extra_announce(line, 0..=LONGEST_REFRESH, diagnostics) {
                raw.extra_announce = Some(extra);
            }
        }
        _ => return false,
    }
    true
}

/// `[[name] IFNAME] [ADDRESS] [flags] [group N]`, in any order. A word that cannot be used is left
/// out, and not the device: without it the instance would answer for its addresses with another MAC
/// address than the other router.
fn device(
    line: Line<'_>,
    kind: DeviceKind,
    names: &Names,
    diagnostics: &mut Diagnostics,
) -> RawVmac {
    let mut raw = RawVmac {
        span: line.node.span(),
        name: None,
        kind,
        short_mac: false,
        group: None,
    };
    let mut words = line.node.arguments().iter();
    while let Some(word) = words.next() {
        if option(line, word, &mut words, &mut raw, names, diagnostics) {
            continue;
        }
        if raw.name.is_some() {
            refuse(
                diagnostics,
                "unknown-option",
                line.keyword(),
                "one name, and options",
                word,
                "the word is left out",
            );
        } else if interface_name(word, DEFAULT_NAME, diagnostics) {
            raw.name = Some(word.as_str().to_owned());
        }
    }
    raw
}

/// Whether the word, and what belongs to it, has been read, or complained about.
fn option<'a>(
    line: Line<'_>,
    word: &'a Word,
    rest: &mut impl Iterator<Item = &'a Word>,
    raw: &mut RawVmac,
    names: &Names,
    diagnostics: &mut Diagnostics,
) -> bool {
    let mut value = |what: &str, diagnostics: &mut Diagnostics| {
        let next = rest.next();
        if next.is_none() {
            let message = format!("`{}` needs {what}", word.as_str());
            diagnostics
                .error("missing-value", word.span, message)
                .help("the word is left out");
        }
        next
    };
    match word.as_str() {
        "name" => {
            let name = value("the name of an interface", diagnostics);
            if let Some(name) = name
                && interface_name(name, DEFAULT_NAME, diagnostics)
            {
                raw.name = Some(name.as_str().to_owned());
            }
            return true;
        }
        "group" => {
            let what = "a number or a name in `group` of iproute2";
            let Some(group) = value(what, diagnostics) else {
                return true;
            };
            let number = names.number(Table::Groups, group.as_str());
            if number.is_none() {
                let help = "the group is left out";
                refuse(diagnostics, "bad-group", "group", what, group, help);
            }
            raw.group = number;
            return true;
        }
        _ => {}
    }
    match &mut raw.kind {
        DeviceKind::Vmac { mac } => {
            if word.as_str() == "netlink_notify_msg" {
                true
            } else if word.as_str().matches(':').count() >= 4 {
                if let Some((octets, short)) = mac_address(line, word, diagnostics) {
                    (*mac, raw.short_mac) = (Some(octets), short);
                }
                true
            } else {
                false
            }
        }
        DeviceKind::Ipvlan { flag, address } => match word.as_str() {
            "bridge" => {
                *flag = IpvlanFlag::Bridge;
                true
            }
            "private" => {
                *flag = IpvlanFlag::Private;
                true
            }
            "vepa" => {
                *flag = IpvlanFlag::Vepa;
                true
            }
            other => {
                *address = address.or(prefix(other));
                prefix(other).is_some()
            }
        },
    }
}

fn prefix(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/').unwrap_or((text, ""));
    let address: IpAddr = address.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let length = match length {
        "" => longest,
        digits => digits.parse().ok().filter(|length| *length <= longest)?,
    };
    Some((address, length))
}

/// Six octets, or five and the number of the virtual router. Unicast, and not all zero.
fn mac_address(
    line: Line<'_>,
    word: &Word,
    diagnostics: &mut Diagnostics,
) -> Option<([u8; 6], bool)> {
    let octets: Option<Vec<u8>> = word
        .as_str()
        .split(':')
        .map(|octet| {
            u8::from_str_radix(octet, 16)
                .ok()
                .filter(|_| octet.len() <= 2)
        })
        .collect();
    let read = octets.and_then(|mut octets| {
        let short = octets.len() == 5;
        if short {
            octets.push(0);
        }
        let mac: [u8; 6] = octets.try_into().ok()?;
        let multicast = mac[0] & 1 == 1;
        (!multicast && mac != [0; 6]).then_some((mac, short))
    });
    if read.is_none() {
        let what = "a unicast MAC address of five or six octets";
        let help = "its device gets the MAC address of the virtual router";
        refuse(diagnostics, "bad-mac", line.keyword(), what, word, help);
    }
    read
}

/// `[all] SECONDS`.
fn extra_announce(
    line: Line<'_>,
    range: RangeInclusive<u64>,
    diagnostics: &mut Diagnostics,
) -> Option<ExtraAnnounce> {
    line.at_most(2, diagnostics);
    let what = format!(
        "`all` or nothing, then whole seconds from {} to {}",
        range.start(),
        range.end()
    );
    let mut words = line.node.arguments().iter();
    let mut word = line.required(&what, diagnostics)?;
    let all = word.as_str() == "all";
    words.next();
    if all {
        word = words.next().unwrap_or(word);
    }
    let seconds = parse_unsigned(word.as_str()).filter(|seconds| range.contains(seconds));
    let Some(seconds) = seconds else {
        refuse(
            diagnostics,
            "out-of-range",
            line.keyword(),
            &what,
            word,
            LEFT_OUT,
        );
        return None;
    };
    Some(ExtraAnnounce {
        all,
        every: Duration::from_secs(seconds),
    })
}

/// Reads a line of `global_defs`; false if it is about something else.
pub(super) fn global_line(
    line: Line<'_>,
    links: &mut LinkDefs,
    diagnostics: &mut Diagnostics,
) -> bool {
    match line.keyword() {
        "vmac_prefix" => keep(&mut links.vmac_prefix, name_prefix(line, diagnostics)),
        "vmac_addr_prefix" => keep(&mut links.vmac_addr_prefix, name_prefix(line, diagnostics)),
        "nftables" => {
            line.at_most(1, diagnostics);
            if let Some(table) = line.node.arguments().first()
                && let Some(table) = table_name(line, table, &links.table, diagnostics)
            {
                links.table = table;
            }
        }
        "nftables_priority" => set(&mut links.filter_priority, hook_priority(line, diagnostics)),
        "nftables_counters" => links.filter_counters = line.flag(diagnostics),
        "nftables_ifindex" => links.filter_by_index = line.flag(diagnostics),
        "disable_local_igmp" => links.no_local_igmp = line.flag(diagnostics),
        "vrrp_garp_extra_if" | "vrrp_vmac_garp_intvl" => {
            let extra = extra_announce(line, 1..=LONGEST_REFRESH, diagnostics);
            keep(&mut links.extra_announce, extra);
        }
        "vrrp_rx_bufs_policy" => receive_room(line, links, diagnostics),
        "vrrp_rx_bufs_multiplier" => {
            if let Some(number) = line.number(1..=u32::MAX, LEFT_OUT, diagnostics) {
                links.receive_multiplier = number;
            }
        }
        _ => return false,
    }
    true
}

/// A dot and the number of the virtual router follow, perhaps a digit between.
fn name_prefix(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<String> {
    let what = "1 to 10 characters, no blanks and none of `/`, `:`, `%`";
    let word = line.word(what, diagnostics)?;
    let good = (1..=10).contains(&word.as_str().len()) && !word.as_str().contains(not_in_names);
    if !good {
        refuse(
            diagnostics,
            "bad-prefix",
            line.keyword(),
            what,
            word,
            LEFT_OUT,
        );
    }
    good.then(|| word.as_str().to_owned())
}

/// The name of an nftables table; else `instead` is used, which is said.
pub(super) fn table_name(
    line: Line<'_>,
    word: &Word,
    instead: &str,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    let text = word.as_str();
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let good = text.len() <= 31
        && text.chars().all(letter)
        && text.starts_with(|c: char| c.is_ascii_alphabetic());
    if !good {
        let what = "a name of letters, digits, `_`, `-` and `.`";
        let help = format!("`{instead}` is used");
        refuse(diagnostics, "bad-table", line.keyword(), what, word, &help);
    }
    good.then(|| text.to_owned())
}

/// The priority of an nftables chain.
pub(super) fn hook_priority(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<i32> {
    let what = "a whole number from -2147483648 to 2147483647";
    let word = line.word(what, diagnostics)?;
    let number = word.as_str().parse();
    if number.is_err() {
        line.bad_number(what, word, LEFT_OUT, diagnostics);
    }
    number.ok()
}

fn receive_room(line: Line<'_>, links: &mut LinkDefs, diagnostics: &mut Diagnostics) {
    let what = "`MTU`, `ADVERT` or a number of bytes";
    let Some(word) = line.word(what, diagnostics) else {
        return;
    };
    let bytes = || parse_unsigned(word.as_str()).and_then(|number| u32::try_from(number).ok());
    links.receive_room = Some(match word.as_str() {
        "MTU" => ReceiveRoom::Mtu,
        "ADVERT" => ReceiveRoom::Advert,
        _ => match bytes().filter(|bytes| *bytes > 0) {
            Some(bytes) => ReceiveRoom::Bytes(bytes),
            None => {
                line.bad_number(what, word, LEFT_OUT, diagnostics);
                return;
            }
        },
    });
}
