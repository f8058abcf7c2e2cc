//! Virtual addresses.

use std::net::{IpAddr, Ipv4Addr};

use vrrp_proto::Family;

use super::spanned::Spanned;
use crate::tree::Span;

/// An address that the MASTER holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Vip {
    /// The address.
    pub address: IpAddr,
    /// Length of the prefix in bits: 0..=32 or 0..=128. Absent in the file: all bits.
    pub prefix_len: u8,
    /// Interface; absent: that of the instance.
    pub device: Option<String>,
    /// Scope as the kernel numbers it: 0 global, 200 site, 253 link, 254 host, 255 nowhere.
    pub scope: u8,
    /// Broadcast address (IPv4 only).
    pub broadcast: Option<Ipv4Addr>,
    /// Other end of a point-to-point link; of the same family.
    pub peer: Option<IpAddr>,
    /// Label, at most 15 bytes (IPv4 only).
    pub label: Option<String>,
    /// Seconds for which the address is preferred as a source; absent: for ever.
    ///
    /// 0 for an IPv6 address with all 128 bits unless the file says otherwise, so that the host does
    /// not choose it as a source (STAT-06).
    pub preferred_lifetime: Option<u32>,
    /// Kernel flags.
    pub flags: VipFlags,
    /// Duplicate address detection is off (`-nodad`); for virtual addresses it always is.
    pub nodad: bool,
    /// Losing the address, or its interface, has no consequence (`no_track`).
    pub no_track: bool,
    /// It gets a device with a virtual MAC address on its interface (`use_vmac`).
    pub use_vmac: bool,
    /// Instances that its loss faults (static addresses only).
    pub track_group: Option<Spanned<String>>,
    /// The whole entry.
    pub span: Span,
}

/// Kernel flags of an address. Duplicate address detection is always off for virtual addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VipFlags {
    /// Home address of a mobile host (IPv6).
    pub home: bool,
    /// The kernel makes temporary addresses from this one (IPv6).
    pub mngtmpaddr: bool,
    /// The kernel adds no route for the prefix.
    pub noprefixroute: bool,
    /// The kernel joins the group on the interface (multicast addresses).
    pub autojoin: bool,
}

impl Vip {
    /// An address with all defaults.
    #[must_use]
    pub fn new(address: IpAddr, prefix_len: u8, span: Span) -> Self {
        Self {
            address,
            prefix_len,
            device: None,
            scope: 0,
            broadcast: None,
            peer: None,
            label: None,
            preferred_lifetime: match address {
                IpAddr::V6(_) if prefix_len == 128 => Some(0),
                _ => None,
            },
            flags: VipFlags {
                home: false,
                mngtmpaddr: false,
                noprefixroute: false,
                autojoin: false,
            },
            nodad: false,
            no_track: false,
            use_vmac: false,
            track_group: None,
            span,
        }
    }

    /// The family of the address.
    #[must_use]
    pub const fn family(&self) -> Family {
        Family::of(self.address)
    }
}
