//! What is in the kernel, as far as dumps and notifications told.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::desired::Vip;
use crate::link::Link;
use crate::name::InterfaceName;

/// A lifetime that never ends.
pub const FOREVER: u32 = u32::MAX;

/// One address in the kernel.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedAddress {
    /// The interface.
    pub index: u32,
    /// The local address.
    pub address: IpAddr,
    /// Prefix length.
    pub prefix_len: u8,
    /// The other end of a point-to-point link.
    pub peer: Option<IpAddr>,
    /// Scope: 0 global, 253 link, 254 host.
    pub scope: u8,
    /// Broadcast address.
    pub broadcast: Option<Ipv4Addr>,
    /// IPv4 label.
    pub label: Option<String>,
    /// Seconds left as preferred source, [`FOREVER`] if without end.
    pub preferred: u32,
    /// Seconds left, [`FOREVER`] if without end.
    pub valid: u32,
    /// Flags.
    pub flags: AddressFlags,
    /// Address protocol (`IFA_PROTO`), 0 if none.
    pub protocol: u8,
    /// It bears our tag, or this process added it.
    pub ours: bool,
}

/// Flags of an address in the kernel (`IFA_F_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AddressFlags(pub u32);

impl AddressFlags {
    /// Secondary address of its subnet (IPv4), temporary address (IPv6).
    pub const SECONDARY: Self = Self(0x01);
    /// No duplicate address detection.
    pub const NODAD: Self = Self(0x02);
    /// Duplicate address detection failed: the address is not usable.
    pub const DADFAILED: Self = Self(0x08);
    /// Home address.
    pub const HOME: Self = Self(0x10);
    /// Not preferred as a source.
    pub const DEPRECATED: Self = Self(0x20);
    /// Duplicate address detection is going on: the address is not usable yet.
    pub const TENTATIVE: Self = Self(0x40);
    /// Temporary addresses are made from it.
    pub const MNGTMPADDR: Self = Self(0x100);
    /// No route for the prefix.
    pub const NOPREFIXROUTE: Self = Self(0x200);
    /// The multicast group of the address is joined.
    pub const AUTOJOIN: Self = Self(0x400);

    /// Whether all flags of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Links and addresses of one network namespace.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    links: BTreeMap<u32, Link>,
    names: BTreeMap<InterfaceName, u32>,
}
