//! Settings of the whole balancer: connection synchronisation, timeouts, version.

use std::net::IpAddr;

use crate::name::InterfaceName;
use crate::netlink::Request;

/// What a sync daemon does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SyncRole {
    /// Sends its connections.
    Master,
    /// Receives those of another balancer.
    Backup,
}

impl SyncRole {
    /// Number in messages.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Master => 1,
            Self::Backup => 2,
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Master => Self::Backup,
            Self::Backup => Self::Master,
        }
    }
}

/// A sync daemon of the kernel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SyncDaemon {
    /// What it does.
    pub role: SyncRole,
    /// Interface of its multicast.
    pub interface: InterfaceName,
    /// Only messages with the same id are taken, 0 to 255.
    pub id: u8,
    /// Largest message in octets; 0 follows the MTU.
    pub max_length: u16,
    /// Multicast group; `None` is the kernel's 224.0.0.81.
    pub group: Option<IpAddr>,
    /// UDP port; 0 is the kernel's 8848.
    pub port: u16,
    /// TTL or hop limit; 0 is the kernel's 1.
    pub ttl: u8,
}

impl SyncDaemon {
    /// A daemon with the kernel's defaults.
    #[must_use]
    pub const fn new(role: SyncRole, interface: InterfaceName, id: u8) -> Self {
        Self {
            role,
            interface,
            id,
            max_length: 0,
            group: None,
            port: 0,
            ttl: 0,
        }
    }
}

impl SyncDaemon {
    /// Whether a daemon that runs is this one; what this one leaves to the kernel may be anything.
    #[must_use]
    pub fn is_met_by(&self, running: &Self) -> bool {
        let left = |wanted: u16, is: u16| wanted == 0 || wanted == is;
        self.role == running.role
            && self.interface == running.interface
            && self.id == running.id
            && left(self.max_length, running.max_length)
            && left(self.port, running.port)
            && left(self.ttl.into(), running.ttl.into())
            && self.group.is_none_or(|group| running.group == Some(group))
    }

    /// The requests that make the wanted daemons of those that run: at most one of each role. A
    /// daemon that follows a virtual router wants the role of its state; one that follows none
    /// wants both (IPVS-OPS-06). What is to stop stops first.
    #[must_use]
    pub fn requests(running: &[Self], wanted: &[Self]) -> Vec<Request> {
        let met = |wanted: &Self| running.iter().any(|running| wanted.is_met_by(running));
        let stays = |running: &Self| wanted.iter().any(|wanted| wanted.is_met_by(running));
        let stops = running.iter().filter(|running| !stays(running));
        let starts = wanted.iter().filter(|wanted| !met(wanted));
        stops
            .map(|running| Request::StopDaemon(running.role))
            .chain(starts.map(|wanted| Request::StartDaemon(wanted.clone())))
            .collect()
    }
}

/// How long idle connections are remembered, in seconds. `None` in a request leaves the value
/// as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP.
    pub tcp: Option<u32>,
    /// TCP after a FIN.
    pub tcp_fin: Option<u32>,
    /// UDP.
    pub udp: Option<u32>,
}

/// What the kernel's IPVS is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Version as 0x00MMmmpp.
    pub version: u32,
    /// Number of hash buckets of the connection table.
    pub table_size: u32,
}

impl Info {
    /// Major, minor and patch version.
    #[must_use]
    pub const fn version_parts(&self) -> (u8, u8, u8) {
        let [_, major, minor, patch] = self.version.to_be_bytes();
        (major, minor, patch)
    }
}
