//! Routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::spanned::Spanned;
use crate::tree::Span;

/// A prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The address, as written.
    pub address: IpAddr,
    /// 0..=32 or 0..=128.
    pub length: u8,
}

/// A route of `virtual_routes` or `static_routes`. Numbers are those of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// Destination; its family is that of the route.
    pub destination: Prefix,
    /// Source prefix, IPv6 only.
    pub source: Option<Prefix>,
    /// Kind (`RTN_*`): 1 unicast, 6 blackhole, 7 unreachable, 8 prohibit, 9 throw.
    pub kind: u8,
    /// Table.
    pub table: u32,
    /// Type of service.
    pub tos: u8,
    /// Priority.
    pub metric: Option<u32>,
    /// Scope, IPv4 only; absent: by kind and gateway.
    pub scope: Option<u8>,
    /// Routing protocol; absent: the daemon's own, by which it knows its routes.
    pub protocol: Option<u8>,
    /// Preferred source address.
    pub preferred_source: Option<IpAddr>,
    /// Ways on: none, one, or several that share the load.
    pub hops: Vec<Hop>,
    /// Router preference, IPv6 only.
    pub preference: Option<u8>,
    /// Seconds until it goes by itself, IPv6 only.
    pub expires: Option<u32>,
    /// TTL propagation, MPLS only.
    pub ttl_propagate: Option<bool>,
    /// Metrics, each at most once.
    pub metrics: Vec<MetricValue>,
    /// Congestion control algorithm, and whether it is locked.
    pub congestion_control: Option<(String, bool)>,
    /// Where among routes of the same key.
    pub placement: Placement,
    /// Its loss has no consequence.
    pub no_track: bool,
    /// Instances that its loss faults (static routes only).
    pub track_group: Option<Spanned<String>>,
    /// The whole entry.
    pub span: Span,
}

/// Where a route goes among others of the same key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// Before them.
    #[default]
    Prepend,
    /// Behind them.
    Append,
    /// Only if there are none.
    Add,
}

/// One way on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hop {
    /// Gateway.
    pub via: Option<IpAddr>,
    /// Interface.
    pub device: Option<String>,
    /// 1..=256.
    pub weight: u16,
    /// The gateway is taken as reachable.
    pub onlink: bool,
    /// Realms: source and destination.
    pub realms: Option<(u16, u16)>,
    /// Tunnel.
    pub encap: Option<Encap>,
}

/// A tunnel that packets enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encap {
    /// `encap ip`.
    Ip {
        /// Key.
        id: u64,
        /// Destination.
        destination: Option<Ipv4Addr>,
        /// Source.
        source: Option<Ipv4Addr>,
        /// Type of service.
        tos: u8,
        /// Time to live.
        ttl: u8,
        /// Flags.
        flags: u16,
    },
    /// `encap ip6`.
    Ip6 {
        /// Key.
        id: u64,
        /// Destination.
        destination: Option<Ipv6Addr>,
        /// Source.
        source: Option<Ipv6Addr>,
        /// Traffic class.
        traffic_class: u8,
        /// Hop limit.
        hop_limit: u8,
        /// Flags.
        flags: u16,
    },
    /// `encap mpls`: labels, outermost first.
    Mpls(Vec<u32>),
    /// `encap ila`.
    Ila(u64),
}

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricValue {
    /// Which.
    pub metric: Metric,
    /// Its value; times in milliseconds.
    pub value: u32,
    /// TCP must not change it.
    pub lock: bool,
}

/// Metrics of routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the options")]
pub enum Metric {
    Mtu,
    HopLimit,
    AdvMss,
    Rtt,
    RttVar,
    Reordering,
    Window,
    Cwnd,
    SsThresh,
    RtoMin,
    InitCwnd,
    InitRwnd,
    QuickAck,
    FastopenNoCookie,
    /// 1: explicit congestion notification.
    Features,
}
