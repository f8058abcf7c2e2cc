//! Requests about links: macvlan and ipvlan devices are made, dressed, raised and removed.

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoData, InfoIpVlan, InfoKind, InfoMacVlan,
    IpVlanFlags, IpVlanMode, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, MacVlanMode,
};

use super::append;
use crate::link_wanted::{IpvlanFlag, LinkKind, WantedLink};

/// Of a macvlan; see [`LinkKind::Macvlan`].
const MODE: MacVlanMode = MacVlanMode::Vepa;

/// Makes the device on the link with index `parent`; it stays switched off. Fails if there is a
/// link of this name. VRRP-HOST-05, VRRP-HOST-06, VRRP-HOST-07, VRRP-HOST-11.
pub(crate) fn make(wanted: &WantedLink, parent: u32, seq: u32, out: &mut Vec<u8>) {
    let mut message = LinkMessage::default();
    let attributes = &mut message.attributes;
    attributes.push(LinkAttribute::IfName(wanted.name.to_string()));
    attributes.push(LinkAttribute::Link(parent));
    let info = match wanted.kind {
        LinkKind::Macvlan { mac } => {
            attributes.push(LinkAttribute::Address(mac.to_vec()));
            macvlan()
        }
        LinkKind::Ipvlan { flag } => {
            let flags = match flag {
                IpvlanFlag::Bridge => IpVlanFlags::empty(),
                IpvlanFlag::Private => IpVlanFlags::Private,
                IpvlanFlag::Vepa => IpVlanFlags::Vepa,
            };
            vec![
                LinkInfo::Kind(InfoKind::IpVlan),
                LinkInfo::Data(InfoData::IpVlan(vec![
                    InfoIpVlan::Mode(IpVlanMode::L2),
                    InfoIpVlan::Flags(flags),
                ])),
            ]
        }
    };
    attributes.push(LinkAttribute::LinkInfo(info));
    let flags = NLM_F_CREATE | NLM_F_EXCL;
    append(RouteNetlinkMessage::NewLink(message), flags, seq, out);
}

fn macvlan() -> Vec<LinkInfo> {
    vec![
        LinkInfo::Kind(InfoKind::MacVlan),
        LinkInfo::Data(InfoData::MacVlan(vec![InfoMacVlan::Mode(MODE)])),
    ]
}

/// Whether a macvlan lets the interface below hear the other router with its address.
pub(crate) fn shares_what_it_hears(mode: Option<u32>) -> bool {
    mode == Some(u32::from(MODE))
}

/// Gives a macvlan that somebody else has made, or changed, the mode that is needed.
pub(crate) fn set_mode(wanted: &WantedLink, seq: u32, out: &mut Vec<u8>) {
    let mut message = named(wanted);
    let attributes = &mut message.attributes;
    attributes.push(LinkAttribute::LinkInfo(macvlan()));
    append(RouteNetlinkMessage::NewLink(message), 0, seq, out);
}

/// Gives a device the mark by which a later run knows it, and its group. Not possible while it is
/// made.
pub(crate) fn dress(wanted: &WantedLink, alias: &str, seq: u32, out: &mut Vec<u8>) {
    let mut message = named(wanted);
    let attributes = &mut message.attributes;
    attributes.push(LinkAttribute::IfAlias(alias.to_owned()));
    if let Some(group) = wanted.group {
        attributes.push(LinkAttribute::Group(group));
    }
    append(RouteNetlinkMessage::SetLink(message), 0, seq, out);
}

/// Keeps the kernel from giving a device a link-local address of its own. Refused by the kernel
/// within the request that makes the device, and where there is no IPv6. VRRP-V3-TX-09.
pub(crate) fn no_link_local(wanted: &WantedLink, seq: u32, out: &mut Vec<u8>) {
    let mut message = named(wanted);
    let mode = AfSpecInet6::AddrGenMode(In6AddrGenMode::None);
    let spec = LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet6(vec![mode])]);
    message.attributes.push(spec);
    append(RouteNetlinkMessage::SetLink(message), 0, seq, out);
}

/// Switches a device on.
pub(crate) fn raise(index: u32, seq: u32, out: &mut Vec<u8>) {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    append(RouteNetlinkMessage::SetLink(message), 0, seq, out);
}

/// Removes a device.
pub(crate) fn remove(index: u32, seq: u32, out: &mut Vec<u8>) {
    let mut message = LinkMessage::default();
    message.header.index = index;
    append(RouteNetlinkMessage::DelLink(message), 0, seq, out);
}

/// The kernel finds a link by its name where the index is zero.
fn named(wanted: &WantedLink) -> LinkMessage {
    let mut message = LinkMessage::default();
    message
        .attributes
        .push(LinkAttribute::IfName(wanted.name.to_string()));
    message
}
