//! Policy rules.

use std::net::IpAddr;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_DUMP, NLM_F_ECHO, NLM_F_EXCL, Parseable};
use netlink_packet_route::route::{RouteProtocol, RouteRealm};
use netlink_packet_route::rule::{
    RuleAction as KernelAction, RuleAttribute, RuleFlags, RuleHeader, RuleMessage, RulePortRange,
    RuleUidRange,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::{Undecodable, append, attributes_of};
use crate::name::InterfaceName;
use crate::route::Prefix;
use crate::rule::{ObservedRule, Rule, RuleAction};

const RULE_HEADER_LEN: usize = 12;

/// Asks for the rules of all families.
pub(crate) fn dump_rules(seq: u32, out: &mut Vec<u8>) {
    let message = RuleMessage::default();
    append(RouteNetlinkMessage::GetRule(message), NLM_F_DUMP, seq, out);
}

/// Adds a rule. The kernel is asked to show what it made of it. STAT-09.
pub(crate) fn add_rule(rule: &Rule, protocol: u8, seq: u32, out: &mut Vec<u8>) {
    let message = message_for(rule, rule.protocol.unwrap_or(protocol));
    let flags = NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO;
    append(RouteNetlinkMessage::NewRule(message), flags, seq, out);
}

/// Removes exactly this rule.
pub(crate) fn remove_rule(seen: &ObservedRule, seq: u32, out: &mut Vec<u8>) {
    let message = message_for(&seen.rule, seen.protocol);
    append(RouteNetlinkMessage::DelRule(message), 0, seq, out);
}

fn family(ipv6: bool) -> AddressFamily {
    if ipv6 {
        AddressFamily::Inet6
    } else {
        AddressFamily::Inet
    }
}

fn message_for(rule: &Rule, protocol: u8) -> RuleMessage {
    let mut message = RuleMessage::default();
    let (action, table) = match rule.action {
        RuleAction::Lookup(table) => (KernelAction::ToTable, table),
        RuleAction::Goto(_) => (KernelAction::Goto, 0),
        RuleAction::Nop => (KernelAction::Nop, 0),
        RuleAction::Blackhole => (KernelAction::Blackhole, 0),
        RuleAction::Unreachable => (KernelAction::Unreachable, 0),
        RuleAction::Prohibit => (KernelAction::Prohibit, 0),
    };
    let small = u8::try_from(table).ok();
    message.header = RuleHeader {
        family: family(rule.ipv6),
        dst_len: rule.to.map_or(0, |to| to.length),
        src_len: rule.from.map_or(0, |from| from.length),
        tos: rule.tos,
        table: small.unwrap_or(0),
        action,
        flags: if rule.invert {
            RuleFlags::Invert
        } else {
            RuleFlags::default()
        },
    };
    let list = &mut message.attributes;
    list.push(RuleAttribute::Priority(rule.preference));
    let given = |prefix: Prefix| (prefix.length > 0).then_some(prefix.address);
    if let Some(address) = rule.from.and_then(given) {
        list.push(RuleAttribute::Source(address));
    }
    if let Some(address) = rule.to.and_then(given) {
        list.push(RuleAttribute::Destination(address));
    }
    if let Some((mark, mask)) = rule.mark {
        list.push(RuleAttribute::FwMark(mark));
        list.push(RuleAttribute::FwMask(mask));
    }
    if let Some(iif) = rule.iif {
        list.push(RuleAttribute::Iifname(iif.to_string()));
    }
    if let Some(oif) = rule.oif {
        list.push(RuleAttribute::Oifname(oif.to_string()));
    }
    if let Some((start, end)) = rule.users {
        list.push(RuleAttribute::UidRange(RuleUidRange { start, end }));
    }
    if let Some(number) = rule.ip_protocol {
        list.push(RuleAttribute::IpProtocol(number.into()));
    }
    if let Some((start, end)) = rule.source_ports {
        list.push(RuleAttribute::SourcePortRange(RulePortRange { start, end }));
    }
    if let Some((start, end)) = rule.destination_ports {
        let range = RulePortRange { start, end };
        list.push(RuleAttribute::DestinationPortRange(range));
    }
    if let Some(id) = rule.tunnel_id {
        list.push(RuleAttribute::TunId(id));
    }
    if rule.l3mdev {
        list.push(RuleAttribute::L3MDev(true));
    }
    if let Some(realms) = rule.realms {
        let [low, high, source_low, source_high] = realms.to_le_bytes();
        list.push(RuleAttribute::Realm(RouteRealm {
            source: u16::from_le_bytes([source_low, source_high]),
            destination: u16::from_le_bytes([low, high]),
        }));
    }
    if let Some(length) = rule.suppress_prefix_length {
        list.push(RuleAttribute::SuppressPrefixLen(length));
    }
    if let Some(group) = rule.suppress_group {
        list.push(RuleAttribute::SuppressIfGroup(group));
    }
    if small.is_none() {
        list.push(RuleAttribute::Table(table));
    }
    if let RuleAction::Goto(preference) = rule.action {
        list.push(RuleAttribute::Goto(preference));
    }
    list.push(RuleAttribute::Protocol(RouteProtocol::from(protocol)));
    message
}

/// What a message shows; `None` for a rule of another family, or of a kind that we never make.
pub(super) fn rule(body: &[u8]) -> Result<Option<ObservedRule>, Undecodable> {
    let header = RuleHeader::parse(body).map_err(|_| Undecodable::Body)?;
    let ipv6 = match header.family {
        AddressFamily::Inet => false,
        AddressFamily::Inet6 => true,
        _ => return Ok(None),
    };
    let mut rule = Rule::new(ipv6, 0, RuleAction::Nop);
    rule.invert = header.flags.contains(RuleFlags::Invert);
    rule.tos = header.tos;
    let (mut table, mut target, mut protocol) = (u32::from(header.table), 0, 0);
    let (mut mark, mut mask) = (0, None);
    let prefix = |address: IpAddr, length| Some(Prefix::new(address, length));
    for attribute in attributes_of(body.get(RULE_HEADER_LEN..).unwrap_or_default()) {
        match RuleAttribute::parse(&attribute).map_err(|_| Undecodable::Body)? {
            RuleAttribute::Source(address) => rule.from = prefix(address, header.src_len),
            RuleAttribute::Destination(address) => rule.to = prefix(address, header.dst_len),
            RuleAttribute::Priority(preference) => rule.preference = preference,
            RuleAttribute::Iifname(name) => rule.iif = InterfaceName::new(&name).ok(),
            RuleAttribute::Oifname(name) => rule.oif = InterfaceName::new(&name).ok(),
            RuleAttribute::FwMark(value) => mark = value,
            RuleAttribute::FwMask(value) => mask = Some(value),
            RuleAttribute::Realm(realm) => {
                rule.realms = Some(u32::from(realm.source) << 16 | u32::from(realm.destination));
            }
            RuleAttribute::TunId(id) => rule.tunnel_id = Some(id),
            RuleAttribute::SuppressIfGroup(group) => rule.suppress_group = Some(group),
            RuleAttribute::SuppressPrefixLen(length) => {
                rule.suppress_prefix_length = Some(length);
            }
            RuleAttribute::Table(value) => table = value,
            RuleAttribute::L3MDev(on) => rule.l3mdev = on,
            RuleAttribute::UidRange(range) => rule.users = Some((range.start, range.end)),
            RuleAttribute::Protocol(value) => protocol = value.into(),
            RuleAttribute::IpProtocol(value) => rule.ip_protocol = Some(u8::from(value)),
            RuleAttribute::SourcePortRange(range) => {
                rule.source_ports = Some((range.start, range.end));
            }
            RuleAttribute::DestinationPortRange(range) => {
                rule.destination_ports = Some((range.start, range.end));
            }
            RuleAttribute::Goto(preference) => target = preference,
            _ => {}
        }
    }
    if mark != 0 || mask.is_some() {
        rule.mark = Some((mark, mask.unwrap_or(u32::MAX)));
    }
    rule.action = match header.action {
        KernelAction::ToTable if rule.l3mdev => RuleAction::Lookup(0),
        KernelAction::ToTable => RuleAction::Lookup(table),
        KernelAction::Goto => RuleAction::Goto(target),
        KernelAction::Nop => RuleAction::Nop,
        KernelAction::Blackhole => RuleAction::Blackhole,
        KernelAction::Unreachable => RuleAction::Unreachable,
        KernelAction::Prohibit => RuleAction::Prohibit,
        _ => return Ok(None),
    };
    Ok(Some(ObservedRule {
        rule: rule.normal(),
        protocol,
        ours: false,
        wish: None,
    }))
}
