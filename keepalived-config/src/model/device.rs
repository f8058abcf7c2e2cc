//! Devices, packet filter and links: what surrounds an instance on its machine.

use std::net::IpAddr;
use std::time::Duration;

use super::spanned::Spanned;
use crate::tree::Span;

/// The device that carries the addresses of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// What it is.
    pub kind: DeviceKind,
    /// Its name; absent: made from a prefix and the number of the virtual router.
    pub name: Option<String>,
    /// Its link group.
    pub group: Option<u32>,
    /// Adverts leave by the interface below (`vmac_xmit_base`).
    pub xmit_base: bool,
    /// The line.
    pub span: Span,
}

/// Kinds of [`Device`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// A macvlan.
    Vmac {
        /// Its address; absent: that of the RFC for the virtual router.
        mac: Option<[u8; 6]>,
    },
    /// An ipvlan.
    Ipvlan {
        /// How it treats its siblings.
        flag: IpvlanFlag,
        /// An address of its own, with the length of its prefix, and the source of adverts.
        address: Option<(IpAddr, u8)>,
    },
}

/// How ipvlan devices on one interface treat each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IpvlanFlag {
    /// They talk to each other.
    #[default]
    Bridge,
    /// They do not.
    Private,
    /// They do by way of the switch.
    Vepa,
}

/// Periodic announcements of addresses on other interfaces than that of the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtraAnnounce {
    /// On every other interface; else on devices with a virtual MAC address only.
    pub all: bool,
    /// From one to the next; zero: none.
    pub every: Duration,
}

/// How much room the kernel keeps for received adverts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveRoom {
    /// For so many packets as large as the interface allows, per instance.
    Mtu,
    /// For so many adverts of the instance.
    Advert,
    /// This many bytes for the socket.
    Bytes(u32),
}

/// Settings of `global_defs` about devices, packet filter and links.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkDefs {
    /// How names of devices begin that carry an instance; absent: `vrrp`.
    pub vmac_prefix: Option<String>,
    /// How names of devices begin that carry single addresses; absent: as `vmac_prefix`.
    pub vmac_addr_prefix: Option<String>,
    /// Name of the packet filter's tables.
    pub table: String,
    /// Priority of their chains.
    pub filter_priority: i32,
    /// Rules count what they match.
    pub filter_counters: bool,
    /// Rules name interfaces by index.
    pub filter_by_index: bool,
    /// The kernel reports no membership of 224.0.0.0/24.
    pub no_local_igmp: bool,
    /// Default of `garp_extra_if`.
    pub extra_announce: Option<ExtraAnnounce>,
    /// Room for received adverts; absent: the driver's choice.
    pub receive_room: Option<ReceiveRoom>,
    /// Packets to keep room for, from 1.
    pub receive_multiplier: u32,
}

impl Default for LinkDefs {
    fn default() -> Self {
        Self {
            vmac_prefix: None,
            vmac_addr_prefix: None,
            table: "keepalived".to_owned(),
            filter_priority: -1,
            filter_counters: false,
            filter_by_index: false,
            no_local_igmp: false,
            extra_announce: None,
            receive_room: None,
            receive_multiplier: 3,
        }
    }
}

/// Interfaces that share one spacing of announcements (`garp_group`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GarpGroup {
    /// Its members; none is in another group.
    pub interfaces: Vec<String>,
    /// Between two gratuitous ARPs on any of them; absent: as everywhere.
    pub garp_interval: Option<Duration>,
    /// Between two neighbour advertisements on any of them; absent: as everywhere.
    pub gna_interval: Option<Duration>,
}

/// What links are polled (`linkbeat_interfaces`, `linkbeat_use_polling`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Linkbeat {
    /// Those of all interfaces that instances run on, track, or have addresses on.
    pub all: bool,
    /// Those of these interfaces, each once. Of the others no driver is asked.
    pub interfaces: Vec<String>,
    /// Those that are not polled, whatever `all` says: the flags of the kernel (`IOCTL`) are what it
    /// tells anyway.
    pub flags_only: Vec<String>,
}

/// How long a link has to stay down or up before it counts (`interface_up_down_delays`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkDelay {
    /// The interface.
    pub interface: Spanned<String>,
    /// Down for this long.
    pub down: Duration,
    /// Up for this long.
    pub up: Duration,
}
