//! Devices that an owner wants on top of an interface: macvlan with a virtual MAC, or ipvlan.

use crate::name::InterfaceName;

/// A device to be there while its owner runs.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WantedLink {
    /// Its name.
    pub name: InterfaceName,
    /// The interface below, which need not exist yet and may come back with another index.
    pub parent: InterfaceName,
    /// What it is.
    pub kind: LinkKind,
    /// The group that `ip link` shows and rules can select; absent: the kernel's default.
    pub group: Option<u32>,
}

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// A macvlan in VEPA mode: within the host it and its siblings do not talk to each other, so
    /// that the virtual router on one is no neighbour of itself on another (VMAC-01). In private mode
    /// the kernel would keep broadcasts and multicasts of the other router with this address from
    /// the interface below, adverts among them, and hand them to the device alone.
    Macvlan {
        /// Its Ethernet address.
        mac: [u8; 6],
    },
    /// An ipvlan in L2 mode, with the address of the interface below (VMAC-06).
    Ipvlan {
        /// What its siblings may do.
        flag: IpvlanFlag,
    },
}

/// How ipvlan devices on one interface treat each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IpvlanFlag {
    /// They talk to each other.
    #[default]
    Bridge,
    /// They do not.
    Private,
    /// They do by way of the switch outside.
    Vepa,
}

impl WantedLink {
    /// A macvlan with this address.
    #[must_use]
    pub const fn macvlan(name: InterfaceName, parent: InterfaceName, mac: [u8; 6]) -> Self {
        Self::new(name, parent, LinkKind::Macvlan { mac })
    }

    /// A device of this kind.
    #[must_use]
    pub const fn new(name: InterfaceName, parent: InterfaceName, kind: LinkKind) -> Self {
        Self {
            name,
            parent,
            kind,
            group: None,
        }
    }

    /// Sets the group.
    #[must_use]
    pub const fn with_group(mut self, group: Option<u32>) -> Self {
        self.group = group;
        self
    }
}

/// The MAC address of a virtual router: `00-00-5E-00-01-{VRID}` for IPv4, `02` for IPv6
/// (RFC 9568 7.3).
#[must_use]
pub const fn virtual_mac(vrid: u8, ipv6: bool) -> [u8; 6] {
    [0, 0, 0x5e, 0, if ipv6 { 2 } else { 1 }, vrid]
}
