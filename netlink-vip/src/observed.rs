//! What is in the kernel, as far as dumps and notifications told.

mod tables;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::desired::{Tag, Vip};
use crate::link::Link;
use crate::name::InterfaceName;
use crate::route::{ObservedRoute, RoutePlace};
use crate::rule::{ObservedRule, RulePlace};

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
    /// It is ours, but somebody else has changed it, and with that taken the tag off.
    pub tag_lost: bool,
}

impl ObservedAddress {
    /// What the kernel shows once `vip` is on the interface with this index.
    #[must_use]
    pub fn expected(index: u32, vip: &Vip, tag: Tag) -> Self {
        let v4 = vip.address.is_ipv4();
        let mut flags = flags_of(vip).with(AddressFlags::PERMANENT);
        if !v4 && vip.flags.dad {
            flags = flags.with(AddressFlags::TENTATIVE);
        }
        if vip.preferred_lifetime == Some(0) {
            flags = flags.with(AddressFlags::DEPRECATED);
        }
        let label = vip.label.clone().unwrap_or_else(|| vip.device.to_string());
        Self {
            index,
            address: vip.address,
            prefix_len: vip.prefix_len,
            peer: vip.peer.filter(|peer| *peer != vip.address),
            scope: if v4 { vip.scope } else { 0 },
            broadcast: vip.broadcast.filter(|_| v4),
            label: v4.then_some(label),
            // For an IPv4 address that is valid for ever the kernel shows no other lifetime.
            preferred: vip.preferred_lifetime.filter(|_| !v4).unwrap_or(FOREVER),
            valid: FOREVER,
            flags,
            protocol: tag.0,
            ours: true,
            tag_lost: false,
        }
    }

    pub(crate) fn is_secondary(&self) -> bool {
        self.address.is_ipv4() && self.flags.contains(AddressFlags::SECONDARY)
    }

    /// Neither tentative nor found to be a duplicate: the kernel answers for it.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        !self.flags.contains(AddressFlags::TENTATIVE)
            && !self.flags.contains(AddressFlags::DADFAILED)
    }
}

/// The flags that a request for this address asks for.
pub(crate) fn flags_of(vip: &Vip) -> AddressFlags {
    let v6 = vip.address.is_ipv6();
    let chosen = [
        (v6 && !vip.flags.dad, AddressFlags::NODAD),
        (v6 && vip.flags.home, AddressFlags::HOME),
        (v6 && vip.flags.mngtmpaddr, AddressFlags::MNGTMPADDR),
        (vip.flags.noprefixroute, AddressFlags::NOPREFIXROUTE),
        (vip.flags.autojoin, AddressFlags::AUTOJOIN),
    ];
    chosen
        .into_iter()
        .filter_map(|(wanted, flag)| wanted.then_some(flag))
        .fold(AddressFlags::default(), AddressFlags::with)
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
    /// Valid for ever.
    pub const PERMANENT: Self = Self(0x80);
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

/// Which kernel object an address is, apart from the interface.
///
/// The kernel tells IPv4 addresses apart by address, prefix length and network of the peer, and
/// IPv6 addresses by the address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    V4 {
        address: Ipv4Addr,
        prefix_len: u8,
        network: u32,
    },
    V6(Ipv6Addr),
}

impl Place {
    const FIRST: Self = Self::V4 {
        address: Ipv4Addr::UNSPECIFIED,
        prefix_len: 0,
        network: 0,
    };

    pub(crate) fn of(address: IpAddr, prefix_len: u8, peer: Option<IpAddr>) -> Self {
        match address {
            IpAddr::V4(address) => {
                let far = match peer {
                    Some(IpAddr::V4(peer)) => peer,
                    _ => address,
                };
                let host_bits = 32_u32.saturating_sub(u32::from(prefix_len));
                let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
                Self::V4 {
                    address,
                    prefix_len,
                    network: far.to_bits() & mask,
                }
            }
            IpAddr::V6(address) => Self::V6(address),
        }
    }

    pub(crate) fn of_vip(vip: &Vip) -> Self {
        Self::of(vip.address, vip.prefix_len, vip.peer)
    }

    /// The first and the last place with this address.
    pub(crate) fn range_of(address: IpAddr) -> (Self, Self) {
        let v4 = |address, prefix_len, network| Self::V4 {
            address,
            prefix_len,
            network,
        };
        match address {
            IpAddr::V4(a) => (v4(a, 0, 0), v4(a, u8::MAX, u32::MAX)),
            IpAddr::V6(a) => (Self::V6(a), Self::V6(a)),
        }
    }

    pub(crate) fn address(self) -> IpAddr {
        match self {
            Self::V4 { address, .. } => address.into(),
            Self::V6(address) => address.into(),
        }
    }

    pub(crate) fn is_ipv6(self) -> bool {
        matches!(self, Self::V6(_))
    }
}

/// Which kernel object an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Identity {
    pub(crate) index: u32,
    pub(crate) place: Place,
}

impl Identity {
    pub(crate) fn of(seen: &ObservedAddress) -> Self {
        Self {
            index: seen.index,
            place: Place::of(seen.address, seen.prefix_len, seen.peer),
        }
    }
}

/// Links, addresses, and the routes and rules that concern us, of one network namespace.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    links: BTreeMap<u32, Link>,
    names: BTreeMap<InterfaceName, u32>,
    addresses: BTreeMap<Identity, Record>,
    routes: BTreeMap<RoutePlace, Vec<ObservedRoute>>,
    rules: BTreeMap<RulePlace, Vec<ObservedRule>>,
    arrivals: u64,
}

/// An address and when it was first seen: the kernel lists addresses in order of arrival, and the
/// first is the one it would choose as a source.
#[derive(Clone, Debug)]
struct Record {
    arrival: u64,
    address: ObservedAddress,
}

impl Observed {
    /// An empty namespace.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or updates a link; a renamed one gives its old name up. Returns what was there.
    pub fn insert_link(&mut self, link: Link) -> Option<Link> {
        let (index, name) = (link.index, link.name);
        let old = self.links.insert(index, link);
        if let Some(old) = &old {
            self.give_up_name(old.name, index);
        }
        self.names.insert(name, index);
        old
    }

    /// Removes a link and returns it. Its addresses stay until removed one by one.
    pub fn remove_link(&mut self, index: u32) -> Option<Link> {
        let link = self.links.remove(&index)?;
        self.give_up_name(link.name, index);
        Some(link)
    }

    fn give_up_name(&mut self, name: InterfaceName, index: u32) {
        // Another link may have taken the name already.
        if self.names.get(&name) == Some(&index) {
            self.names.remove(&name);
        }
    }

    /// Adds or updates an address and returns what was there.
    pub fn insert_address(&mut self, address: ObservedAddress) -> Option<ObservedAddress> {
        let identity = Identity::of(&address);
        if let Some(record) = self.addresses.get_mut(&identity) {
            return Some(core::mem::replace(&mut record.address, address));
        }
        let arrival = self.arrivals;
        self.arrivals = arrival.wrapping_add(1);
        self.addresses.insert(identity, Record { arrival, address });
        None
    }

    /// Removes the address that is the same kernel object as `address`, and returns it.
    pub fn remove_address(&mut self, address: &ObservedAddress) -> Option<ObservedAddress> {
        self.remove(Identity::of(address))
    }

    pub(crate) fn remove(&mut self, identity: Identity) -> Option<ObservedAddress> {
        self.addresses
            .remove(&identity)
            .map(|record| record.address)
    }

    pub(crate) fn get(&self, identity: Identity) -> Option<&ObservedAddress> {
        self.addresses.get(&identity).map(|record| &record.address)
    }

    pub(crate) fn get_mut(&mut self, identity: Identity) -> Option<&mut ObservedAddress> {
        self.addresses
            .get_mut(&identity)
            .map(|record| &mut record.address)
    }

    pub(crate) fn identities(&self) -> impl Iterator<Item = Identity> {
        self.addresses.keys().copied()
    }

    pub(crate) fn identities_on(&self, index: u32) -> impl Iterator<Item = Identity> {
        self.records(index).map(|(identity, _)| *identity)
    }

    /// The link of this name.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.link_named(InterfaceName::new(name).ok()?)
    }

    pub(crate) fn link_named(&self, name: InterfaceName) -> Option<&Link> {
        self.links.get(self.names.get(&name)?)
    }

    /// The link of this index.
    #[must_use]
    pub fn link_by_index(&self, index: u32) -> Option<&Link> {
        self.links.get(&index)
    }

    /// All links, by index.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.links.values()
    }

    /// The addresses of one link, IPv4 before IPv6.
    pub fn addresses(&self, index: u32) -> impl Iterator<Item = &ObservedAddress> {
        self.records(index).map(|(_, record)| &record.address)
    }

    fn records(&self, index: u32) -> impl Iterator<Item = (&Identity, &Record)> {
        let first = Identity {
            index,
            place: Place::FIRST,
        };
        self.addresses
            .range(first..)
            .take_while(move |(identity, _)| identity.index == index)
    }

    /// The IPv4 address to send from: the first that is not secondary, not of host scope and that
    /// `may_be` one, which a VIP is not (RFC 9568 5.1.1.1).
    #[must_use]
    pub fn source_ipv4(
        &self,
        index: u32,
        may_be: impl Fn(&ObservedAddress) -> bool,
    ) -> Option<Ipv4Addr> {
        let fit = |seen: &ObservedAddress| {
            seen.address.is_ipv4()
                && !seen.flags.contains(AddressFlags::SECONDARY)
                && seen.scope < SCOPE_HOST
                && may_be(seen)
        };
        match self.first(index, fit)?.address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }

    /// The IPv6 address to send from: the first link-local one that is usable and that `may_be`
    /// one, which a VIP is not (RFC 9568 5.1.2.1).
    #[must_use]
    pub fn source_ipv6(
        &self,
        index: u32,
        may_be: impl Fn(&ObservedAddress) -> bool,
    ) -> Option<Ipv6Addr> {
        let fit = |seen: &ObservedAddress| {
            matches!(seen.address, IpAddr::V6(a) if a.is_unicast_link_local())
                && seen.is_usable()
                && may_be(seen)
        };
        match self.first(index, fit)?.address {
            IpAddr::V6(address) => Some(address),
            IpAddr::V4(_) => None,
        }
    }

    fn first(
        &self,
        index: u32,
        fit: impl Fn(&ObservedAddress) -> bool,
    ) -> Option<&ObservedAddress> {
        let mut first: Option<&Record> = None;
        for (_, record) in self.records(index) {
            // `fit` costs more than the comparison, and there may be hundreds of addresses.
            let earlier = first.is_none_or(|first| record.arrival < first.arrival);
            if earlier && fit(&record.address) {
                first = Some(record);
            }
        }
        first.map(|record| &record.address)
    }
}

/// Scope of addresses that are not for others.
const SCOPE_HOST: u8 = 254;
