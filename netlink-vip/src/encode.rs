//! Netlink bytes: requests out, facts in.
//!
//! This file and those in its folder are the only ones that name types of netlink-packet-core and
//! netlink-packet-route. What comes in
//! is decoded attribute by attribute, and only the attributes that are used: one that a newer
//! kernel writes differently must not hide the rest of its message.

pub(crate) mod neighbour;
mod route;
mod rule;

use std::net::IpAddr;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_CREATE, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_EXCL,
    NLM_F_MULTIPART, NLM_F_REPLACE, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NLMSG_OVERRUN,
    NetlinkHeader, NetlinkMessage, NlaBuffer, NlasIterator, Parseable, ParseableParametrized,
};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags as RouteAddressFlags, AddressHeader, AddressHeaderFlags,
    AddressMessage, AddressProtocol, CacheInfo,
};
use netlink_packet_route::link::{
    LinkAttribute, LinkExtentMask, LinkFlags as RouteLinkFlags, LinkHeader, LinkMessage,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use thiserror::Error;

use crate::desired::{Tag, Vip};
use crate::link::{Link, LinkFlags};
use crate::name::InterfaceName;
use crate::observed::{AddressFlags, FOREVER, ObservedAddress, flags_of};
use crate::route::ObservedRoute;
use crate::rule::ObservedRule;

pub(crate) use route::{add_route, dump_routes, remove_route};
pub(crate) use rule::{add_rule, dump_rules, remove_rule};

pub(crate) mod link;

const HEADER_LEN: usize = 16;
const LINK_HEADER_LEN: usize = 16;
const ADDRESS_HEADER_LEN: usize = 8;

const NEWLINK: u16 = 16;
const DELLINK: u16 = 17;
const NEWADDR: u16 = 20;
const DELADDR: u16 = 21;
const NEWNEIGH: u16 = 28;
const DELNEIGH: u16 = 29;
const NEWROUTE: u16 = 24;
const DELROUTE: u16 = 25;
const NEWRULE: u16 = 32;
const DELRULE: u16 = 33;

const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_IFALIAS: u16 = 20;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_MACVLAN_MODE: u16 = 1;
const IFLA_LINK_NETNSID: u16 = 37;
const NLMSGERR_ATTR_MSG: u16 = 1;

/// One decoded message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Sequence number: of the request for answers, of whoever caused it for notifications.
    pub(crate) seq: u32,
    /// Port of the socket that asked or caused it; 0 is the kernel itself.
    pub(crate) port: u32,
    /// Part of a dump.
    pub(crate) of_dump: bool,
    /// The kernel says that the dump this belongs to is not of one piece.
    pub(crate) interrupted: bool,
    /// What it says.
    pub(crate) fact: Fact,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    NewLink(Link),
    DelLink {
        index: u32,
    },
    NewAddress(ObservedAddress),
    DelAddress(ObservedAddress),
    /// `replaced`: others of the same key may have given way.
    NewRoutes {
        routes: Vec<ObservedRoute>,
        replaced: bool,
    },
    DelRoutes(Vec<ObservedRoute>),
    NewRule(ObservedRule),
    DelRule(ObservedRule),
    Neighbour(neighbour::Entry),
    NoNeighbour(neighbour::Entry),
    /// Answer to a request: 0 is success, else a positive error number.
    Answer {
        errno: i32,
        message: Option<String>,
    },
    /// End of a dump, with a positive error number or 0.
    Done {
        errno: i32,
    },
    /// The kernel lost messages.
    Overrun,
    /// Something that does not concern us.
    Other,
}

/// Why a message was skipped. Private: it only feeds a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Undecodable {
    #[error("message header does not fit the datagram")]
    Header,
    #[error("message body cannot be decoded")]
    Body,
}

/// The messages of one datagram. Ends after a header that does not fit, because what follows
/// cannot be found then.
pub(crate) struct Messages<'a> {
    rest: &'a [u8],
}

/// Splits a datagram: one can hold many messages.
pub(crate) fn messages(datagram: &[u8]) -> Messages<'_> {
    Messages { rest: datagram }
}

impl Iterator for Messages<'_> {
    type Item = Result<Message, Undecodable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((message, rest)) = split(self.rest) else {
            self.rest = &[];
            return Some(Err(Undecodable::Header));
        };
        self.rest = rest;
        Some(decode(message))
    }
}

fn split(datagram: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::try_from(u32_at(datagram, 0)?).ok()?;
    if length < HEADER_LEN || length > datagram.len() {
        return None;
    }
    let message = datagram.get(..length)?;
    // The last message need not be padded.
    let next = length.checked_next_multiple_of(4)?;
    Some((message, datagram.get(next..).unwrap_or_default()))
}

fn decode(message: &[u8]) -> Result<Message, Undecodable> {
    let kind = u16_at(message, 4).ok_or(Undecodable::Header)?;
    let flags = u16_at(message, 6).ok_or(Undecodable::Header)?;
    let seq = u32_at(message, 8).ok_or(Undecodable::Header)?;
    let port = u32_at(message, 12).ok_or(Undecodable::Header)?;
    let body = message.get(HEADER_LEN..).ok_or(Undecodable::Header)?;
    let fact = match kind {
        NEWLINK | DELLINK => link_message(kind, body)?,
        NEWADDR => Fact::NewAddress(address(body)?),
        DELADDR => Fact::DelAddress(address(body)?),
        NEWROUTE => Fact::NewRoutes {
            routes: route::routes(body)?,
            replaced: flags & NLM_F_REPLACE != 0,
        },
        DELROUTE => Fact::DelRoutes(route::routes(body)?),
        NEWRULE => rule::rule(body)?.map_or(Fact::Other, Fact::NewRule),
        DELRULE => rule::rule(body)?.map_or(Fact::Other, Fact::DelRule),
        NEWNEIGH => neighbour::entry(body)?.map_or(Fact::Other, Fact::Neighbour),
        DELNEIGH => neighbour::entry(body)?.map_or(Fact::Other, Fact::NoNeighbour),
        NLMSG_ERROR => answer(flags, body)?,
        NLMSG_DONE => Fact::Done {
            // Some dumps end with an empty body.
            errno: i32_at(body, 0).map_or(0, i32::wrapping_neg),
        },
        NLMSG_OVERRUN => Fact::Overrun,
        _ => Fact::Other,
    };
    Ok(Message {
        seq,
        port,
        of_dump: flags & NLM_F_MULTIPART != 0,
        interrupted: flags & NLM_F_DUMP_INTR != 0,
        fact,
    })
}

/// An acknowledgement or error. Behind the error number stands the header of the request, the
/// whole request unless `NLM_F_CAPPED` says that it was cut, then the extended acknowledgement.
fn answer(flags: u16, body: &[u8]) -> Result<Fact, Undecodable> {
    let errno = i32_at(body, 0).ok_or(Undecodable::Body)?.wrapping_neg();
    let mut message = None;
    if flags & NLM_F_ACK_TLVS != 0 {
        let request = if flags & NLM_F_CAPPED != 0 {
            HEADER_LEN
        } else {
            let length = u32_at(body, 4).ok_or(Undecodable::Body)?;
            usize::try_from(length).map_err(|_| Undecodable::Body)?
        };
        let start = request
            .checked_next_multiple_of(4)
            .and_then(|l| l.checked_add(4));
        let attributes = start
            .and_then(|start| body.get(start..))
            .unwrap_or_default();
        message = attributes_of(attributes)
            .find(|a| a.kind() == NLMSGERR_ATTR_MSG)
            .map(|a| text(a.value()));
    }
    Ok(Fact::Answer { errno, message })
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

/// A link. Messages of a bridge about its ports use the same numbers with another family: a
/// `DELLINK` of that kind means that the port left the bridge, not that the link is gone.
fn link_message(kind: u16, body: &[u8]) -> Result<Fact, Undecodable> {
    let header = LinkHeader::parse(body).map_err(|_| Undecodable::Body)?;
    if header.interface_family != AddressFamily::Unspec {
        return Ok(Fact::Other);
    }
    if kind == DELLINK {
        return Ok(Fact::DelLink {
            index: header.index,
        });
    }
    let flag = |flag| header.flags.contains(flag);
    let flags = LinkFlags {
        admin_up: flag(RouteLinkFlags::Up),
        running: flag(RouteLinkFlags::Running),
        noarp: flag(RouteLinkFlags::Noarp),
        pointopoint: flag(RouteLinkFlags::Pointopoint),
        loopback: flag(RouteLinkFlags::Loopback),
        multicast: flag(RouteLinkFlags::Multicast),
        broadcast: flag(RouteLinkFlags::Broadcast),
    };
    let mut name = None;
    let (mut link_kind, mut mode, mut alias) = (None, None, None);
    let (mut mac, mut mtu, mut parent, mut controller) = (None, 0, None, None);
    let mut parent_is_elsewhere = false;
    for attribute in attributes_of(body.get(LINK_HEADER_LEN..).unwrap_or_default()) {
        match attribute.kind() {
            IFLA_LINK_NETNSID => parent_is_elsewhere = true,
            IFLA_LINKINFO => {
                link_kind = kind_of(attribute.value());
                mode = mode_of(attribute.value());
            }
            IFLA_IFALIAS => alias = Some(text(attribute.value())),
            IFLA_ADDRESS | IFLA_IFNAME | IFLA_MTU | IFLA_LINK | IFLA_MASTER => {
                match LinkAttribute::parse_with_param(&attribute, AddressFamily::Unspec) {
                    Ok(LinkAttribute::IfName(text)) => name = InterfaceName::new(&text).ok(),
                    Ok(LinkAttribute::Address(bytes)) => mac = bytes.try_into().ok(),
                    Ok(LinkAttribute::Mtu(octets)) => mtu = octets,
                    Ok(LinkAttribute::Link(index)) => parent = Some(index),
                    Ok(LinkAttribute::Controller(index)) => controller = Some(index),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    Ok(Fact::NewLink(Link {
        index: header.index,
        name: name.ok_or(Undecodable::Body)?,
        mac,
        mtu,
        flags,
        macvlan_mode: mode.filter(|_| link_kind.as_deref() == Some("macvlan")),
        kind: link_kind,
        parent: parent.filter(|p| !parent_is_elsewhere && *p != 0 && *p != header.index),
        controller: controller.filter(|c| *c != 0),
        alias,
    }))
}

/// Only the kind: the rest of the nest depends on it and is the first to be undecodable.
fn kind_of(nest: &[u8]) -> Option<String> {
    let attribute = attributes_of(nest).find(|a| a.kind() == IFLA_INFO_KIND)?;
    Some(text(attribute.value()))
}

/// The mode, if this nest is about a macvlan.
fn mode_of(nest: &[u8]) -> Option<u32> {
    let data = attributes_of(nest).find(|a| a.kind() == IFLA_INFO_DATA)?;
    let mode = attributes_of(data.value()).find(|a| a.kind() == IFLA_MACVLAN_MODE)?;
    Some(u32::from_ne_bytes(mode.value().try_into().ok()?))
}

fn address(body: &[u8]) -> Result<ObservedAddress, Undecodable> {
    let header = AddressHeader::parse(body).map_err(|_| Undecodable::Body)?;
    let (mut local, mut other) = (None, None);
    let mut seen = ObservedAddress {
        index: header.index,
        address: IpAddr::from([0, 0, 0, 0]),
        prefix_len: header.prefix_len,
        peer: None,
        scope: header.scope.into(),
        broadcast: None,
        label: None,
        preferred: FOREVER,
        valid: FOREVER,
        flags: AddressFlags(u32::from(header.flags.bits())),
        protocol: 0,
        ours: false,
        tag_lost: false,
    };
    for attribute in attributes_of(body.get(ADDRESS_HEADER_LEN..).unwrap_or_default()) {
        match AddressAttribute::parse(&attribute) {
            Ok(AddressAttribute::Local(ip)) => local = Some(ip),
            Ok(AddressAttribute::Address(ip)) => other = Some(ip),
            Ok(AddressAttribute::Label(label)) => seen.label = Some(label),
            Ok(AddressAttribute::Broadcast(ip)) => seen.broadcast = Some(ip),
            Ok(AddressAttribute::CacheInfo(info)) => {
                (seen.preferred, seen.valid) = (info.ifa_preferred, info.ifa_valid);
            }
            Ok(AddressAttribute::Flags(flags)) => seen.flags = AddressFlags(flags.bits()),
            Ok(AddressAttribute::Protocol(protocol)) => seen.protocol = protocol.into(),
            _ => {}
        }
    }
    // IFA_LOCAL is the address and IFA_ADDRESS the peer, or there is only IFA_ADDRESS.
    seen.address = local.or(other).ok_or(Undecodable::Body)?;
    seen.peer = other.filter(|other| *other != seen.address);
    let same_family = seen
        .peer
        .is_none_or(|p| p.is_ipv4() == seen.address.is_ipv4());
    let longest = if seen.address.is_ipv4() { 32 } else { 128 };
    if !same_family || seen.prefix_len > longest {
        return Err(Undecodable::Body);
    }
    Ok(seen)
}

/// The attributes up to the first that does not fit.
fn attributes_of(bytes: &[u8]) -> impl Iterator<Item = NlaBuffer<&[u8]>> {
    NlasIterator::new(bytes).map_while(Result::ok)
}

/// What an address request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Add; fails if it is there.
    Add,
    /// Change what is there.
    Replace,
}

/// Asks for all links, without their statistics, which are most of such a dump.
pub(crate) fn dump_links(seq: u32, out: &mut Vec<u8>) {
    let mut message = LinkMessage::default();
    message
        .attributes
        .push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    append(RouteNetlinkMessage::GetLink(message), NLM_F_DUMP, seq, out);
}

/// Asks for all addresses of both families. Everything but the size of the header is zero, as
/// strict checking wants it.
pub(crate) fn dump_addresses(seq: u32, out: &mut Vec<u8>) {
    append(
        RouteNetlinkMessage::GetAddress(AddressMessage::default()),
        NLM_F_DUMP,
        seq,
        out,
    );
}

/// Adds or changes an address (STAT-05, STAT-06, ND-13).
pub(crate) fn put_address(
    verb: Verb,
    index: u32,
    vip: &Vip,
    tag: Tag,
    seq: u32,
    out: &mut Vec<u8>,
) {
    let flags = flags_of(vip);
    let mut message = message_for(index, vip.address, vip.prefix_len, vip.peer);
    message.header.scope = scope_of(vip).into();
    // The kernel looks at the eight bits of the header only if the attribute is absent.
    message.header.flags = AddressHeaderFlags::from_bits_retain(flags.0.to_le_bytes()[0]);
    let attributes = &mut message.attributes;
    if let (Some(broadcast), true) = (vip.broadcast, vip.address.is_ipv4()) {
        attributes.push(AddressAttribute::Broadcast(broadcast));
    }
    if let (Some(label), true) = (&vip.label, vip.address.is_ipv4()) {
        attributes.push(AddressAttribute::Label(label.clone()));
    }
    if let Some(seconds) = vip.preferred_lifetime {
        let mut info = CacheInfo::default();
        (info.ifa_preferred, info.ifa_valid) = (seconds, FOREVER);
        attributes.push(AddressAttribute::CacheInfo(info));
    }
    attributes.push(AddressAttribute::Flags(
        RouteAddressFlags::from_bits_retain(flags.0),
    ));
    if tag.0 != 0 {
        attributes.push(AddressAttribute::Protocol(AddressProtocol::from(tag.0)));
    }
    let flags = match verb {
        Verb::Add => NLM_F_CREATE | NLM_F_EXCL,
        Verb::Replace => NLM_F_REPLACE,
    };
    append(RouteNetlinkMessage::NewAddress(message), flags, seq, out);
}

/// Removes an address.
pub(crate) fn remove_address(seen: &ObservedAddress, seq: u32, out: &mut Vec<u8>) {
    let message = message_for(seen.index, seen.address, seen.prefix_len, seen.peer);
    append(RouteNetlinkMessage::DelAddress(message), 0, seq, out);
}

/// Both `IFA_LOCAL` and `IFA_ADDRESS`: IPv4 needs both, IPv6 takes both.
fn message_for(
    index: u32,
    address: IpAddr,
    prefix_len: u8,
    peer: Option<IpAddr>,
) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header = AddressHeader {
        family: if address.is_ipv4() {
            AddressFamily::Inet
        } else {
            AddressFamily::Inet6
        },
        prefix_len,
        index,
        ..AddressHeader::default()
    };
    message.attributes.push(AddressAttribute::Local(address));
    message
        .attributes
        .push(AddressAttribute::Address(peer.unwrap_or(address)));
    message
}

/// The scope that a request asks for: IPv6 has none of its own.
fn scope_of(vip: &Vip) -> u8 {
    if vip.address.is_ipv4() { vip.scope } else { 0 }
}

/// Makes the message that starts at `start` ask for an acknowledgement.
pub(crate) fn ask_for_ack(out: &mut [u8], start: usize) {
    let field = start.checked_add(6).and_then(|at| out.get_mut(at..));
    if let Some(flags) = field.and_then(|field| field.first_chunk_mut::<2>()) {
        *flags = (u16::from_ne_bytes(*flags) | NLM_F_ACK).to_ne_bytes();
    }
}

/// The one place where messages are put together: `serialize` panics unless `finalize` was called.
fn append(payload: RouteNetlinkMessage, flags: u16, seq: u32, out: &mut Vec<u8>) {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | flags;
    header.sequence_number = seq;
    let mut message = NetlinkMessage::new(header, payload.into());
    message.finalize();
    let start = out.len();
    // All our attributes are padded, so the end is aligned for the next message.
    out.resize(start.saturating_add(message.buffer_len()), 0);
    if let Some(room) = out.get_mut(start..) {
        message.serialize(room);
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let field = bytes.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_ne_bytes(*field))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_ne_bytes(*field))
}

fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    u32_at(bytes, at).map(u32::cast_signed)
}

#[cfg(test)]
mod routing_tests;
#[cfg(test)]
mod tests;
