//! Balanced services: `virtual_server`, its servers and their checks, every default handed down.

mod checker;
mod defs;

use std::net::IpAddr;
use std::time::Duration;

use vrrp_proto::Family;

use super::script::Script;
use super::spanned::Spanned;
use crate::tree::Span;

pub use checker::{
    Checker, CheckerKind, DnsType, HttpVersion, RegexOption, Schedule, Source, Target, UdpReply,
    Url, WebCheck,
};
pub use defs::{
    AtStop, BalanceDefs, BalanceNamespace, ConnectionTimeouts, GroupMarks, Identity, SyncDaemon,
};

/// One `virtual_server`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VirtualServer {
    /// What clients connect to.
    pub address: ServiceAddress,
    /// Family of the service. That of the address; for a mark `ip_family`, or that of its servers.
    pub family: Family,
    /// Transport protocol; `None` for a mark.
    pub protocol: Option<Protocol>,
    /// Scheduler of the kernel, such as `wlc`.
    pub scheduler: &'static str,
    /// The three flags of the scheduler (`flag-1` to `flag-3`, and their names for `sh` and `mh`).
    pub scheduler_flags: [bool; 3],
    /// Every UDP packet is scheduled by itself (`ops`).
    pub one_packet: bool,
    /// Clients stay with their server.
    pub persistence: Option<Persistence>,
    /// Least total weight of live servers, from 1.
    pub quorum: u32,
    /// Margin around the quorum, below it.
    pub hysteresis: u32,
    /// How long a server that a reload removes stays with weight 0 (`lvs_drain_time`).
    pub drain: Duration,
    /// With fewer live servers than so many percent, 1..=100, all of them stay in service.
    pub panic_threshold: Option<u8>,
    /// Run when the quorum is gained.
    pub quorum_up: Option<Box<Script>>,
    /// Run when the quorum is lost.
    pub quorum_down: Option<Box<Script>>,
    /// Servers count as failed until their checks have passed.
    pub alpha: bool,
    /// At stop the down notifications are run.
    pub omega: bool,
    /// Checks rest while the address of the service is not on this host.
    pub ha_suspend: bool,
    /// Mail when the quorum changes; absent: as `global_defs` says.
    pub smtp_alert: Option<bool>,
    /// Label in SNMP.
    pub snmp_name: Option<String>,
    /// Used alone while there is no quorum.
    pub sorry: Option<SorryServer>,
    /// At least one, in the order of the file, each address and port once.
    pub servers: Vec<RealServer>,
    /// From the keyword to its last argument.
    pub span: Span,
}

/// What a service is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceAddress {
    /// Address and port; port 0 for all ports (a persistent service).
    Address {
        /// Address.
        address: IpAddr,
        /// Port.
        port: u16,
    },
    /// Packets that carry this mark, from 1.
    Mark(u32),
    /// The entries of a `virtual_server_group`, which exists.
    Group(Spanned<String>),
}

/// One `virtual_server_group`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceGroup {
    /// Its name, unique in the configuration.
    pub name: Spanned<String>,
    /// In the order of the file.
    pub entries: Vec<GroupEntry>,
}

/// A member of a service group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupEntry {
    /// Addresses from the first to the last, both included, with one port.
    Addresses {
        /// First.
        first: IpAddr,
        /// Last, of the same family; equal to the first for a single address.
        last: IpAddr,
        /// Port; 0 for all.
        port: u16,
    },
    /// A mark; the family where it was written.
    Mark(u32, Option<Family>),
}

/// Transport protocol of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// Clients stay with their server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Persistence {
    /// Seconds after the last connection, 1..=2678400.
    pub timeout: u32,
    /// Bits of the client's address that count: 32 or 128 for a client by itself.
    pub prefix_len: u8,
    /// How the kernel recognises a client, such as `sip`.
    pub engine: Option<String>,
}

/// How packets reach a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarding {
    /// Address translation.
    Nat,
    /// Direct routing.
    DirectRouting,
    /// A tunnel.
    Tunnel(Tunnel),
}

/// Which tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tunnel {
    /// IP in IP.
    Ipip,
    /// Generic UDP encapsulation.
    Gue {
        /// UDP port.
        port: u16,
        /// What protects the header.
        checksum: TunnelChecksum,
    },
    /// Generic routing encapsulation.
    Gre {
        /// What protects the header.
        checksum: TunnelChecksum,
    },
}

/// Checksum of a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TunnelChecksum {
    /// `nocsum`.
    #[default]
    None,
    /// `csum`.
    Full,
    /// `remcsum`, GUE only.
    Remote,
}

/// One `real_server`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RealServer {
    /// Address.
    pub address: IpAddr,
    /// Port; 0 for that of the packet.
    pub port: u16,
    /// 0..=2147483647.
    pub weight: u32,
    /// How packets reach it.
    pub forwarding: Forwarding,
    /// Connections above which it gets no more; 0 for no limit.
    pub upper_threshold: u32,
    /// Connections below which it gets new ones again; 0 for three quarters of the upper one.
    pub lower_threshold: u32,
    /// Failed, it gets weight 0 instead of being removed.
    pub inhibit: bool,
    /// It counts as failed until its checks have passed.
    pub alpha: bool,
    /// Run when it comes up.
    pub notify_up: Option<Box<Script>>,
    /// Run when it goes down.
    pub notify_down: Option<Box<Script>>,
    /// Mail when it changes; absent: as `global_defs` says, which is on for servers.
    pub smtp_alert: Option<bool>,
    /// Label in SNMP.
    pub snmp_name: Option<String>,
    /// It is up while all of them are.
    pub checkers: Vec<Checker>,
    /// From the keyword to its last argument.
    pub span: Span,
}

/// `sorry_server`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SorryServer {
    /// Address.
    pub address: IpAddr,
    /// Port; 0 for that of the packet.
    pub port: u16,
    /// How packets reach it.
    pub forwarding: Forwarding,
    /// It stays in the table, with weight 0, while it is not needed.
    pub inhibit: bool,
    /// From the keyword to its last argument.
    pub span: Span,
}
