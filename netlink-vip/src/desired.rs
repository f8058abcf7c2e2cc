//! What an owner wants to be in the kernel.

use std::net::{IpAddr, Ipv4Addr};

use crate::name::InterfaceName;
use crate::route::Route;
use crate::rule::Rule;

/// Who wants something: a virtual router, the static section, anything the caller numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerId(pub u32);

/// What marks an object as ours: the address protocol (`IFA_PROTO`, Linux 5.18 and later), the
/// routing protocol of a route, the protocol of a rule.
///
/// A daemon that was killed finds its leftovers by it. Two daemons in one network namespace need
/// two tags, or each cleans up after the other. 0 is no tag; 1 to 3 belong to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u8);

impl Tag {
    /// 18, the number registered for Keepalived as a routing protocol, used for addresses too.
    pub const KEEPALIVED: Self = Self(18);
}

/// One address on one device.
///
/// Two entries are about the same kernel object if device and address agree and, for IPv4, prefix
/// length and network of the peer too.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Vip {
    /// The address itself.
    pub address: IpAddr,
    /// Prefix length, 0 to 32 or 0 to 128; [`Vip::new`] cuts what is more.
    pub prefix_len: u8,
    /// The device, which need not exist yet.
    pub device: InterfaceName,
    /// Scope as in `rt_scopes`: 0 global, 253 link, 254 host. IPv4 only: the kernel derives the
    /// scope of an IPv6 address from the address.
    pub scope: u8,
    /// Broadcast address, IPv4 only.
    pub broadcast: Option<Ipv4Addr>,
    /// The other end of a point-to-point link, of the same family as `address`.
    pub peer: Option<IpAddr>,
    /// Label, IPv4 only, at most 15 bytes; the device name if absent.
    pub label: Option<String>,
    /// Seconds during which the address is preferred as a source; `None` is for ever, `Some(0)`
    /// never. The address itself stays valid for ever in all cases.
    pub preferred_lifetime: Option<u32>,
    /// Flags.
    pub flags: VipFlags,
    /// Losing it again and again is told to the owner as [`GaveUp`](crate::KernelEvent::GaveUp).
    pub tracked: bool,
    /// It belongs to this host and adverts may be sent from it, unlike a virtual address.
    pub own: bool,
}

impl Vip {
    /// An address with the given prefix on the given device, everything else at its default.
    #[must_use]
    pub fn new(address: IpAddr, prefix_len: u8, device: InterfaceName) -> Self {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        Self {
            address,
            prefix_len: prefix_len.min(longest),
            device,
            scope: 0,
            broadcast: None,
            peer: None,
            label: None,
            preferred_lifetime: None,
            flags: VipFlags::default(),
            tracked: true,
            own: false,
        }
    }

    /// Sets whether its loss matters.
    #[must_use]
    pub fn with_tracked(mut self, tracked: bool) -> Self {
        self.tracked = tracked;
        self
    }

    /// Sets whether it is an address of this host itself.
    #[must_use]
    pub fn with_own(mut self, own: bool) -> Self {
        self.own = own;
        self
    }

    /// Sets the scope.
    #[must_use]
    pub fn with_scope(mut self, scope: u8) -> Self {
        self.scope = scope;
        self
    }

    /// Sets the broadcast address.
    #[must_use]
    pub fn with_broadcast(mut self, broadcast: Option<Ipv4Addr>) -> Self {
        self.broadcast = broadcast;
        self
    }

    /// Sets the peer; one of the other family is ignored.
    #[must_use]
    pub fn with_peer(mut self, peer: Option<IpAddr>) -> Self {
        self.peer = peer.filter(|p| p.is_ipv4() == self.address.is_ipv4());
        self
    }

    /// Sets the label.
    #[must_use]
    pub fn with_label(mut self, label: Option<String>) -> Self {
        self.label = label;
        self
    }

    /// Sets the preferred lifetime in seconds.
    #[must_use]
    pub fn with_preferred_lifetime(mut self, seconds: Option<u32>) -> Self {
        self.preferred_lifetime = seconds;
        self
    }

    /// Sets the flags.
    #[must_use]
    pub fn with_flags(mut self, flags: VipFlags) -> Self {
        self.flags = flags;
        self
    }
}

/// Flags of an address; all off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct VipFlags {
    /// Run duplicate address detection (IPv6). Off by default: an announcement for an address
    /// that is still tentative would come too early (ND-13).
    pub dad: bool,
    /// Home address (IPv6).
    pub home: bool,
    /// The kernel manages temporary addresses made from this one (IPv6, /64).
    pub mngtmpaddr: bool,
    /// No route for the prefix.
    pub noprefixroute: bool,
    /// Join the multicast group of the address.
    pub autojoin: bool,
}

/// All that one owner wants. The default wants nothing, which is how an owner is removed.
///
/// Addresses are added before routes and routes before rules, and removed the other way round,
/// because a route may need an address as its source.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// Addresses, added in this order. A second entry for the same kernel object is ignored.
    pub addresses: Vec<Vip>,
    /// Routes, added in this order.
    pub routes: Vec<Route>,
    /// Policy rules, added in this order.
    pub rules: Vec<Rule>,
}

impl Desired {
    /// Wants these addresses and nothing else.
    #[must_use]
    pub fn addresses(addresses: Vec<Vip>) -> Self {
        Self {
            addresses,
            ..Self::default()
        }
    }

    /// Wants these routes too.
    #[must_use]
    pub fn with_routes(mut self, routes: Vec<Route>) -> Self {
        self.routes = routes;
        self
    }

    /// Wants these rules too.
    #[must_use]
    pub fn with_rules(mut self, rules: Vec<Rule>) -> Self {
        self.rules = rules;
        self
    }

    /// Whether nothing is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.routes.is_empty() && self.rules.is_empty()
    }
}
