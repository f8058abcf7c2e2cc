//! What holds for all services: the table of the kernel, and the identity that checks show.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::global::NetlinkBuffer;
use crate::model::spanned::Spanned;

/// `global_defs` lines about services and checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BalanceDefs {
    /// Every failure of a check is logged, unless the check says otherwise.
    pub log_all_failures: bool,
    /// Servers that start up are told about like those that come up (`rs_init_notifies`).
    pub init_notifies: bool,
    /// The table is emptied at start.
    pub flush: bool,
    /// What happens to the table at stop.
    pub at_stop: AtStop,
    /// Synchronisation of connections between kernels.
    pub sync_daemon: Option<SyncDaemon>,
    /// Time limits of connections in the kernel.
    pub timeouts: ConnectionTimeouts,
    /// Marks that stand for groups.
    pub group_marks: GroupMarks,
    /// Receive buffer of the netlink socket for requests.
    pub netlink_command_buffer: NetlinkBuffer,
}

/// How packets to the addresses of a group are marked, so that one service stands for them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupMarks {
    /// Name of the nftables tables; absent: packets are not marked (`nftables_ipvs`).
    pub table: Option<Spanned<String>>,
    /// Priority of the chains (`nftables_ipvs_priority`), below that of IPVS, which is 98.
    pub priority: i32,
    /// The first mark (`nftables_ipvs_start_fwmark`).
    pub first: NonZeroU32,
}

impl GroupMarks {
    /// The name of the tables if none is said.
    pub const TABLE: &'static str = "keepalived_ipvs";
    /// The first mark if none is said.
    pub const FIRST: NonZeroU32 = NonZeroU32::new(1000).expect("it is not zero");
}

impl Default for GroupMarks {
    fn default() -> Self {
        Self {
            table: None,
            priority: -1,
            first: Self::FIRST,
        }
    }
}

/// What happens to the table of the kernel at stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtStop {
    /// Our servers and services are taken out.
    #[default]
    Remove,
    /// Our services are taken out, and their servers with them (`lvs_flush_on_stop VS`).
    RemoveServices,
    /// Everything goes, other people's services too (`lvs_flush_on_stop`).
    Flush,
}

/// `lvs_sync_daemon`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncDaemon {
    /// Interface of the messages.
    pub interface: Spanned<String>,
    /// The daemon of the sender or that of the receiver, as this instance is MASTER or not; absent:
    /// both run.
    pub instance: Option<Spanned<String>>,
    /// Tells groups of balancers apart, 0..=255; that of the virtual router if none was given.
    pub id: u8,
    pub(in crate::model) id_given: bool,
    /// Longest message in bytes, 1..=65507; absent: the kernel's choice.
    pub max_length: Option<u16>,
    /// UDP port.
    pub port: u16,
    /// Time to live of the messages, 1..=255; absent: the kernel's, which is 1.
    pub ttl: Option<u8>,
    /// Multicast group.
    pub group: IpAddr,
}

impl SyncDaemon {
    /// The kernel's port.
    pub const PORT: u16 = 8848;
    /// The kernel's group.
    pub const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 81));

    /// With Keepalived's defaults.
    #[must_use]
    pub const fn new(interface: Spanned<String>) -> Self {
        Self {
            interface,
            instance: None,
            id: 0,
            id_given: false,
            max_length: None,
            port: Self::PORT,
            ttl: None,
            group: Self::GROUP,
        }
    }
}

/// `lvs_timeouts`; absent: as the kernel has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionTimeouts {
    /// TCP.
    pub tcp: Option<Duration>,
    /// TCP after a FIN.
    pub tcp_fin: Option<Duration>,
    /// UDP.
    pub udp: Option<Duration>,
}

/// `SSL`: who we are to servers that ask, and whom we believe.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// File with trusted certificates (PEM).
    pub ca: Option<Spanned<PathBuf>>,
    /// File with our certificate (PEM).
    pub certificate: Option<Spanned<PathBuf>>,
    /// File with its private key (PEM).
    pub key: Option<Spanned<PathBuf>>,
    /// Password of that key.
    pub password: Option<Spanned<String>>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The password stays out of logs.
        f.debug_struct("Identity")
            .field("ca", &self.ca)
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .finish()
    }
}

/// Where the table of the kernel is that services are put into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BalanceNamespace {
    /// In the network namespace of everything else.
    #[default]
    Same,
    /// In the one that the daemon was started in.
    Original,
    /// In this one.
    Named(Spanned<String>),
}
