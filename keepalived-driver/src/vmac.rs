//! Devices and packet filter rules around an instance, as they are configured.

use std::time::Duration;

use netlink_vip::{InterfaceName, Vip, WantedLink};

/// The device that carries the addresses of an instance: a macvlan with the virtual MAC address,
/// or an ipvlan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Vmac {
    /// The device; its parent is the interface of the instance.
    pub link: WantedLink,
    /// Adverts leave by the interface itself and with its MAC address (`vmac_xmit_base`).
    pub xmit_base: bool,
    /// An address of the device itself, from which adverts are sent (`use_ipvlan` with an address).
    pub own_address: Option<Vip>,
}

impl Vmac {
    /// A device by which adverts leave too.
    #[must_use]
    pub const fn new(link: WantedLink) -> Self {
        Self {
            link,
            xmit_base: false,
            own_address: None,
        }
    }

    /// The device by which adverts leave, if it is another than the instance's interface.
    /// VRRP-EXT-09, VRRP-EXT-10, VMAC-03.
    #[must_use]
    pub fn sends(&self) -> Option<InterfaceName> {
        (!self.xmit_base).then_some(self.link.name)
    }
}

/// Periodic announcements of addresses on other interfaces (`garp_extra_if`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtraAnnounce {
    /// On every other interface; else on devices of ours only.
    pub all: bool,
    /// From one to the next.
    pub every: Duration,
}

/// Interfaces that share one spacing of announcements (`garp_group`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GarpGroup {
    /// Its members, and with each of them the devices on it.
    pub interfaces: Vec<InterfaceName>,
    /// Shortest time between two gratuitous ARPs; as the instance says if absent.
    pub garp_interval: Option<Duration>,
    /// Shortest time between two neighbour advertisements; as the instance says if absent.
    pub gna_interval: Option<Duration>,
}

/// How long a link has to stay down or up before it counts (`interface_up_down_delays`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkDelay {
    /// The interface.
    pub interface: InterfaceName,
    /// Down for this long.
    pub down: Duration,
    /// Up for this long.
    pub up: Duration,
}

/// How the rules of the packet filter are written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FirewallSetup {
    /// Name of the tables (`nftables`). One that lacks the chain [`owner`](Self::owner) is somebody else's and is left alone; what is in
    /// one of ours is replaced.
    pub table: String,
    /// Priority of the base chains (`nftables_priority`).
    pub priority: i32,
    /// Count what rules match (`nftables_counters`).
    pub counters: bool,
    /// Match link-local addresses by interface index (`nftables_ifindex`).
    pub by_index: bool,
    /// Name of an empty chain in the tables, by which a later run knows them for ours.
    pub owner: String,
    /// Name of other tables with that chain that are kept elsewhere in this program: they were not left behind by a
    /// killed run.
    pub beside: Option<String>,
}

impl Default for FirewallSetup {
    fn default() -> Self {
        Self {
            table: "keepalived".to_owned(),
            priority: -1,
            counters: false,
            by_index: false,
            owner: "keepalived_rs".to_owned(),
            beside: None,
        }
    }
}
