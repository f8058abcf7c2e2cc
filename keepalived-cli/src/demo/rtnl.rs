//! Just enough of rtnetlink to lay cables: a bridge, cable pairs into other namespaces, addresses.
//!
//! Done here rather than with the `ip` command, because a machine that has Rust need not have that.

use std::fs::File;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nix::net::if_::if_nametoindex;

use crate::rtnetlink::Rtnetlink;

/// The kernel's ear in the network namespace of the thread that opened it.
pub(super) struct Rtnl(Rtnetlink);

impl Rtnl {
    pub(super) fn open() -> io::Result<Self> {
        Rtnetlink::open().map(Self)
    }

    /// A switch.
    pub(super) fn add_bridge(&self, name: &str) -> io::Result<()> {
        let mut message = LinkMessage::default();
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
        message.attributes = vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)]),
        ];
        self.0.ask(
            RouteNetlinkMessage::NewLink(message),
            NLM_F_CREATE | NLM_F_EXCL,
        )
    }

    /// A cable from port `name` of the bridge to interface `far_name` in another namespace.
    pub(super) fn add_cable(
        &self,
        bridge: &str,
        name: &str,
        far: &File,
        far_name: &str,
    ) -> io::Result<()> {
        let mut peer = LinkMessage::default();
        peer.attributes = vec![
            LinkAttribute::IfName(far_name.to_owned()),
            LinkAttribute::NetNsFd(far.as_raw_fd()),
        ];
        let mut message = LinkMessage::default();
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
        message.attributes = vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::Controller(index(bridge)?),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Veth),
                LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
            ]),
        ];
        self.0.ask(
            RouteNetlinkMessage::NewLink(message),
            NLM_F_CREATE | NLM_F_EXCL,
        )
    }

    /// Take an interface away, and with it the other end of its cable.
    pub(super) fn delete(&self, name: &str) -> io::Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = index(name)?;
        self.0.ask(RouteNetlinkMessage::DelLink(message), 0)
    }

    /// Switch an interface on.
    pub(super) fn set_up(&self, name: &str) -> io::Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = index(name)?;
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
        self.0.ask(RouteNetlinkMessage::SetLink(message), 0)
    }

    /// Give an interface an address.
    pub(super) fn add_address(&self, name: &str, address: Ipv4Addr, prefix: u8) -> io::Result<()> {
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.prefix_len = prefix;
        message.header.index = index(name)?;
        message.attributes = vec![
            AddressAttribute::Local(address.into()),
            AddressAttribute::Address(address.into()),
        ];
        self.0.ask(
            RouteNetlinkMessage::NewAddress(message),
            NLM_F_CREATE | NLM_F_EXCL,
        )
    }
}

fn index(name: &str) -> io::Result<u32> {
    Ok(if_nametoindex(name)?)
}
