//! Routes: what an owner wants, and what the kernel shows.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::desired::Tag;
use crate::name::InterfaceName;
use crate::observed::Observed;

/// A prefix: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    /// The address, bits behind the prefix cleared.
    pub address: IpAddr,
    /// 0 to 32 or 0 to 128.
    pub length: u8,
}

impl Prefix {
    /// The prefix that `address` is in; `length` is cut to what the family has.
    #[must_use]
    pub fn new(address: IpAddr, length: u8) -> Self {
        match address {
            IpAddr::V4(v4) => {
                let length = length.min(32);
                let host = 32_u32.saturating_sub(u32::from(length));
                let mask = u32::MAX.checked_shl(host).unwrap_or(0);
                Self {
                    address: Ipv4Addr::from_bits(v4.to_bits() & mask).into(),
                    length,
                }
            }
            IpAddr::V6(v6) => {
                let length = length.min(128);
                let host = 128_u32.saturating_sub(u32::from(length));
                let mask = u128::MAX.checked_shl(host).unwrap_or(0);
                Self {
                    address: Ipv6Addr::from_bits(v6.to_bits() & mask).into(),
                    length,
                }
            }
        }
    }

    /// Everything: `0.0.0.0/0` or `::/0`.
    #[must_use]
    pub const fn all(v6: bool) -> Self {
        Self {
            address: if v6 {
                IpAddr::V6(Ipv6Addr::UNSPECIFIED)
            } else {
                IpAddr::V4(Ipv4Addr::UNSPECIFIED)
            },
            length: 0,
        }
    }

    pub(crate) fn is_host(self) -> bool {
        self.length == if self.address.is_ipv4() { 32 } else { 128 }
    }
}

/// What is done with a packet that the route matches (`RTN_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteKind(pub u8);

impl RouteKind {
    /// To a gateway or directly.
    pub const UNICAST: Self = Self(1);
    /// To this host.
    pub const LOCAL: Self = Self(2);
    /// As link-layer broadcast.
    pub const BROADCAST: Self = Self(3);
    /// As broadcast on sending, as unicast on receipt.
    pub const ANYCAST: Self = Self(4);
    /// To a group.
    pub const MULTICAST: Self = Self(5);
    /// Dropped in silence.
    pub const BLACKHOLE: Self = Self(6);
    /// Refused: unreachable.
    pub const UNREACHABLE: Self = Self(7);
    /// Refused: prohibited.
    pub const PROHIBIT: Self = Self(8);
    /// The lookup goes on in the next table.
    pub const THROW: Self = Self(9);
    /// Address translation, which no kernel of today does.
    pub const NAT: Self = Self(10);
    /// An external resolver, which no kernel of today has.
    pub const XRESOLVE: Self = Self(11);

    /// Whether packets are refused, dropped or sent on to another table, so that there is no hop.
    #[must_use]
    pub const fn has_no_hop(self) -> bool {
        matches!(self.0, 6..=9)
    }
}

/// Where among routes of the same key a new one goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Placement {
    /// Before them.
    #[default]
    Prepend,
    /// Behind them.
    Append,
    /// Only if there is none.
    Alone,
}

/// A metric of a route (`RTAX_*`), by its number in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are those of ip-route(8)")]
pub enum Metric {
    Mtu,
    Window,
    /// In eighths of a millisecond.
    Rtt,
    /// In quarters of a millisecond.
    RttVar,
    SsThresh,
    Cwnd,
    AdvMss,
    Reordering,
    HopLimit,
    InitCwnd,
    /// 1: explicit congestion notification.
    Features,
    /// In milliseconds.
    RtoMin,
    InitRwnd,
    QuickAck,
    FastopenNoCookie,
}

impl Metric {
    pub(crate) const fn number(self) -> u16 {
        match self {
            Self::Mtu => 2,
            Self::Window => 3,
            Self::Rtt => 4,
            Self::RttVar => 5,
            Self::SsThresh => 6,
            Self::Cwnd => 7,
            Self::AdvMss => 8,
            Self::Reordering => 9,
            Self::HopLimit => 10,
            Self::InitCwnd => 11,
            Self::Features => 12,
            Self::RtoMin => 13,
            Self::InitRwnd => 14,
            Self::QuickAck => 15,
            Self::FastopenNoCookie => 17,
        }
    }
}

/// Metrics of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    pub(crate) values: BTreeMap<u16, u32>,
    pub(crate) locked: u32,
    pub(crate) congestion_control: Option<String>,
}

/// Number of the congestion control algorithm among the metrics.
const CC_ALGO: u16 = 16;

impl Metrics {
    /// Sets one; a locked one is not changed by what TCP learns.
    pub fn set(&mut self, metric: Metric, value: u32, lock: bool) {
        self.values.insert(metric.number(), value);
        if lock {
            self.lock(metric.number());
        }
    }

    /// Sets the congestion control algorithm.
    pub fn set_congestion_control(&mut self, name: &str, lock: bool) {
        self.congestion_control = Some(name.to_owned());
        if lock {
            self.lock(CC_ALGO);
        }
    }

    fn lock(&mut self, number: u16) {
        self.locked |= 1_u32.checked_shl(u32::from(number)).unwrap_or(0);
    }

    /// The value of one, and whether it is locked.
    #[must_use]
    pub fn get(&self, metric: Metric) -> Option<(u32, bool)> {
        let number = metric.number();
        let bit = 1_u32.checked_shl(u32::from(number)).unwrap_or(0);
        let value = self.values.get(&number)?;
        Some((*value, self.locked & bit != 0))
    }

    /// The congestion control algorithm, and whether it is locked.
    #[must_use]
    pub fn congestion_control(&self) -> Option<(&str, bool)> {
        let bit = 1_u32.checked_shl(u32::from(CC_ALGO)).unwrap_or(0);
        let name = self.congestion_control.as_deref()?;
        Some((name, self.locked & bit != 0))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.congestion_control.is_none()
    }
}

/// A light-weight tunnel that packets of the route enter.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Encap {
    /// IPv4 metadata for a collecting tunnel device.
    Ip {
        /// Tunnel key.
        id: u64,
        /// Destination; unspecified if not given.
        destination: Ipv4Addr,
        /// Source; unspecified if not given.
        source: Ipv4Addr,
        /// Type of service.
        tos: u8,
        /// Time to live; 0 for the default.
        ttl: u8,
        /// Tunnel flags.
        flags: u16,
    },
    /// IPv6 metadata for a collecting tunnel device.
    Ip6 {
        /// Tunnel key.
        id: u64,
        /// Destination; unspecified if not given.
        destination: Ipv6Addr,
        /// Source; unspecified if not given.
        source: Ipv6Addr,
        /// Traffic class.
        traffic_class: u8,
        /// Hop limit; 0 for the default.
        hop_limit: u8,
        /// Tunnel flags.
        flags: u16,
    },
    /// MPLS labels, outermost first.
    Mpls(Vec<u32>),
    /// An identifier locator.
    Ila(u64),
    /// Something that is not described further, by its type in the kernel.
    Other(u16),
}

/// One way on.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// Gateway, of either family.
    pub via: Option<IpAddr>,
    /// Device, which need not exist yet. Absent: the kernel finds it by the gateway.
    pub device: Option<InterfaceName>,
    /// Weight less one, 0 to 255.
    pub weight: u8,
    /// The gateway is taken as reachable on the device.
    pub onlink: bool,
    /// Realms (IPv4): source in the upper, destination in the lower half.
    pub realms: Option<u32>,
    /// Tunnel.
    pub encap: Option<Encap>,
}

impl Hop {
    /// By this gateway and device.
    #[must_use]
    pub fn new(via: Option<IpAddr>, device: Option<InterfaceName>) -> Self {
        Self {
            via,
            device,
            ..Self::default()
        }
    }
}

/// One route.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Destination; its family is that of the route.
    pub destination: Prefix,
    /// Source prefix (IPv6).
    pub source: Option<Prefix>,
    /// Kind.
    pub kind: RouteKind,
    /// Table; 254 is the main table.
    pub table: u32,
    /// Type of service.
    pub tos: u8,
    /// Priority among routes of the same destination; absent: the kernel's default.
    pub metric: Option<u32>,
    /// Scope (IPv4); absent: by kind and gateway, as `ip route` does.
    pub scope: Option<u8>,
    /// Routing protocol; absent: our tag. A route with a protocol of its own cannot be recognised as
    /// ours by a later run.
    pub protocol: Option<u8>,
    /// Preferred source address.
    pub preferred_source: Option<IpAddr>,
    /// Ways on: none for a route that refuses, one, or several that share the load.
    pub hops: Vec<Hop>,
    /// Router preference (IPv6): 0 medium, 1 high, 3 low.
    pub preference: Option<u8>,
    /// Seconds until the route goes by itself (IPv6). It is not put back then.
    pub expires: Option<u32>,
    /// Copy the TTL into the label and back (MPLS).
    pub ttl_propagate: Option<bool>,
    /// Metrics.
    pub metrics: Metrics,
    /// Where among others of the same key.
    pub placement: Placement,
    /// Losing it again and again is told to the owner as [`GaveUp`](crate::KernelEvent::GaveUp).
    pub tracked: bool,
}

/// The main table.
pub const TABLE_MAIN: u32 = 254;

impl Route {
    /// A unicast route in the main table, everything else at its default.
    #[must_use]
    pub fn new(destination: Prefix, hops: Vec<Hop>) -> Self {
        Self {
            destination,
            source: None,
            kind: RouteKind::UNICAST,
            table: TABLE_MAIN,
            tos: 0,
            metric: None,
            scope: None,
            protocol: None,
            preferred_source: None,
            hops,
            preference: None,
            expires: None,
            ttl_propagate: None,
            metrics: Metrics::default(),
            placement: Placement::default(),
            tracked: true,
        }
    }

    /// Whether it is an IPv6 route.
    #[must_use]
    pub fn is_ipv6(&self) -> bool {
        self.destination.address.is_ipv6()
    }

    /// The scope that is asked for: routes over a gateway lead everywhere, direct ones to the link,
    /// local ones stay in the host.
    #[must_use]
    pub fn effective_scope(&self) -> u8 {
        if self.is_ipv6() {
            return 0;
        }
        self.scope.unwrap_or_else(|| match self.kind {
            RouteKind::LOCAL | RouteKind::NAT => 254,
            RouteKind::BROADCAST | RouteKind::MULTICAST | RouteKind::ANYCAST => 253,
            RouteKind::UNICAST if self.hops.iter().all(|hop| hop.via.is_none()) => 253,
            _ => 0,
        })
    }

    pub(crate) fn place(&self) -> RoutePlace {
        // IPv6 has no metric 0.
        let metric = match self.metric {
            Some(0) | None if self.is_ipv6() => 1024,
            other => other.unwrap_or(0),
        };
        RoutePlace {
            table: self.table,
            destination: self.destination,
            source: self.source.filter(|prefix| prefix.length > 0),
            tos: self.tos,
            metric,
        }
    }

    /// With absence written out, and without what makes no other kernel object of it.
    fn normal(&self) -> Self {
        let no_hop = self.kind.has_no_hop();
        Self {
            metric: Some(self.place().metric),
            source: self.place().source,
            scope: Some(self.effective_scope()),
            preference: Some(self.preference.unwrap_or(0)),
            hops: if no_hop {
                Vec::new()
            } else {
                self.hops.clone()
            },
            expires: None,
            placement: Placement::default(),
            tracked: true,
            ..self.clone()
        }
    }

    /// Whether the kernel would take the second for the first.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self == other || self.normal() == other.normal()
    }

    /// IPv6 knows no route with several hops, only several routes that share the load.
    pub(crate) fn split(self) -> Vec<Self> {
        if !self.is_ipv6() || self.hops.len() < 2 {
            return vec![self];
        }
        let one = |(at, hop): (usize, &Hop)| Self {
            hops: vec![hop.clone()],
            // The first may insist on being alone; the others stand beside it.
            placement: if at == 0 {
                self.placement
            } else {
                Placement::Append
            },
            ..self.clone()
        };
        self.hops.iter().enumerate().map(one).collect()
    }
}

/// What routes that stand in each other's way have in common: the kernel's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RoutePlace {
    pub(crate) table: u32,
    pub(crate) destination: Prefix,
    pub(crate) source: Option<Prefix>,
    pub(crate) tos: u8,
    pub(crate) metric: u32,
}

impl RoutePlace {
    /// None comes before it.
    pub(crate) const FIRST: Self = Self {
        table: 0,
        destination: Prefix::all(false),
        source: None,
        tos: 0,
        metric: 0,
    };
}

/// A way on, as the kernel shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SeenHop {
    pub(crate) via: Option<IpAddr>,
    pub(crate) index: u32,
    pub(crate) weight: u8,
    pub(crate) onlink: bool,
    pub(crate) realms: Option<u32>,
    pub(crate) encap: Option<Encap>,
}

/// One route in the kernel. IPv6 routes that share the load are shown one by one.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct ObservedRoute {
    pub(crate) place: RoutePlace,
    pub(crate) kind: RouteKind,
    pub(crate) scope: u8,
    pub(crate) preferred_source: Option<IpAddr>,
    pub(crate) hops: Vec<SeenHop>,
    pub(crate) preference: u8,
    pub(crate) metrics: Metrics,
    /// Routing protocol.
    pub protocol: u8,
    /// It bears our tag, or this process added it.
    pub ours: bool,
    /// What it was added for: the kernel may show it in another way than it was asked for.
    pub(crate) wish: Option<Box<Route>>,
}

impl PartialEq for ObservedRoute {
    /// Whether it is the same kernel object.
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
            && self.kind == other.kind
            && self.scope == other.scope
            && self.preferred_source == other.preferred_source
            && self.hops == other.hops
            && self.preference == other.preference
            && self.metrics == other.metrics
            && self.protocol == other.protocol
    }
}

impl Eq for ObservedRoute {}

impl ObservedRoute {
    /// What the kernel shows once `route` has been added among these links.
    #[must_use]
    pub fn expected(route: &Route, tag: Tag, observed: &Observed) -> Self {
        let index = |name| observed.link_named(name).map_or(0, |link| link.index);
        let seen = |hop: &Hop| SeenHop {
            via: hop.via,
            index: hop.device.map_or(0, index),
            weight: hop.weight,
            onlink: hop.onlink,
            realms: hop.realms,
            encap: hop.encap.clone(),
        };
        Self {
            place: route.place(),
            kind: route.kind,
            scope: route.effective_scope(),
            preferred_source: route.preferred_source,
            hops: if route.kind.has_no_hop() {
                Vec::new()
            } else {
                route.hops.iter().map(seen).collect()
            },
            preference: route.preference.unwrap_or(0),
            metrics: route.metrics.clone(),
            protocol: route.protocol.unwrap_or(tag.0),
            ours: true,
            wish: None,
        }
    }

    /// Destination.
    #[must_use]
    pub fn destination(&self) -> Prefix {
        self.place.destination
    }

    /// Table.
    #[must_use]
    pub fn table(&self) -> u32 {
        self.place.table
    }

    /// Whether this is what was wanted.
    pub(crate) fn fits(&self, route: &Route, index: impl Fn(InterfaceName) -> Option<u32>) -> bool {
        if self.ours && self.wish.as_deref() == Some(route) {
            return true;
        }
        let whose = match route.protocol {
            Some(protocol) => self.protocol == protocol,
            None => self.ours,
        };
        let device = |seen: &SeenHop, wanted: &Hop| match wanted.device {
            Some(name) => index(name) == Some(seen.index),
            None => true,
        };
        let hop = |(seen, wanted): (&SeenHop, &Hop)| {
            seen.via == wanted.via
                && device(seen, wanted)
                && seen.onlink == wanted.onlink
                && seen.weight == wanted.weight
                && seen.realms == wanted.realms
                && seen.encap == wanted.encap
        };
        let hops = if route.kind.has_no_hop() {
            self.hops.is_empty()
        } else {
            self.hops.len() == route.hops.len() && self.hops.iter().zip(&route.hops).all(hop)
        };
        whose
            && hops
            && self.place == route.place()
            && self.kind == route.kind
            && self.scope == route.effective_scope()
            && self.preferred_source == route.preferred_source
            && self.preference == route.preference.unwrap_or(0)
            && self.metrics == route.metrics
    }

    /// Whether it leads over this link.
    pub(crate) fn uses(&self, index: u32) -> bool {
        self.hops.iter().any(|hop| hop.index == index)
    }
}
