//! The whole state of the elections loop at one moment, for dumps, `status` and metrics.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use netlink_vip::{Desired, Object, Vip};
use vrrp_fsm::{ActiveRouter, Faults, Reason, State, Stats, TrackStatus};
use vrrp_proto::{AdvertInterval, Priority};

use crate::bfd::{BfdSnapshot, BfdTotals};
use crate::config::{GroupSetup, InstanceSetup};
use crate::report::LinkState;
use crate::tracked::{TrackerFacts, TrackerSetup};

/// Everything an outside observer may ask for. Taking it does not disturb the loop: it is a copy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// When it was taken, by the wall clock.
    pub taken_at: SystemTime,
    /// When the loop started, by the wall clock.
    pub started_at: SystemTime,
    /// The virtual routers in the order of the configuration.
    pub instances: Vec<InstanceSnapshot>,
    /// What the static part of the configuration wants.
    pub statics: Desired,
    /// What of it is not in the kernel now.
    pub statics_missing: Vec<Object>,
    /// The groups in the order of the configuration.
    pub groups: Vec<GroupSnapshot>,
    /// The BFD sessions in the order of the configuration.
    pub bfd: Vec<BfdSnapshot>,
    /// BFD packets as a whole.
    pub bfd_totals: BfdTotals,
    /// The interfaces of this machine, by index.
    pub links: Vec<LinkSnapshot>,
    /// What is tracked apart from interfaces, in the order of the configuration.
    pub trackers: Vec<TrackerSnapshot>,
    /// The rules of the packet filter; absent if none are wanted.
    pub firewall: Option<FirewallSnapshot>,
    /// Packets that no instance wanted, by reason.
    pub unclaimed_packets: Vec<(&'static str, u64)>,
    /// The loop's own health.
    pub turns: TurnStats,
}

/// One virtual router.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InstanceSnapshot {
    /// Its definition.
    pub setup: Arc<InstanceSetup>,
    /// The name of its group.
    pub group: Option<Arc<str>>,
    /// RFC 9568 state.
    pub state: State,
    /// Why it is held in Initialize; empty otherwise.
    pub faults: Faults,
    /// Details of the faults, for people: the bind error, the missing interface.
    pub fault_details: Vec<String>,
    /// Base priority plus trackers.
    pub effective_priority: Priority,
    /// Source address of its adverts.
    pub primary_address: Option<IpAddr>,
    /// Who is Active, as far as it has heard.
    pub active_router: Option<ActiveRouter>,
    /// The interval in force: learned as Backup, its own as Active.
    pub active_interval: AdvertInterval,
    /// The skew time now.
    pub skew_time: Duration,
    /// The down interval now.
    pub down_interval: Duration,
    /// When its state last changed, and why.
    pub last_transition: Option<(SystemTime, Reason)>,
    /// The kernel has all its addresses.
    pub addresses_installed: bool,
    /// The addresses the kernel has now, out of those it should hold.
    pub installed: Vec<Vip>,
    /// Of its routes and rules, those that the kernel should have and has not.
    pub missing: Vec<Object>,
    /// What others removed and was put back, and how often since its definition last changed.
    pub repairs: Vec<(Object, u64)>,
    /// Its counters.
    pub stats: Stats,
    /// Where it runs now.
    pub interface_index: Option<u32>,
}

/// One tracker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackerSnapshot {
    /// Its definition.
    pub setup: Arc<TrackerSetup>,
    /// How its object is, as far as the elections know.
    pub status: TrackStatus,
    /// Since when, by the wall clock.
    pub since: SystemTime,
    /// The instances that use it.
    pub users: Vec<Arc<str>>,
    /// What was found by whoever looks at it; nothing yet if absent.
    pub facts: Option<TrackerFacts>,
}

/// One group of instances.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GroupSnapshot {
    /// Its definition.
    pub setup: Arc<GroupSetup>,
    /// The names of its members.
    pub members: Vec<Arc<str>>,
    /// RFC 9568 state of its members.
    pub state: State,
    /// Why its members are held in Initialize: the faults of all of them together.
    pub faults: Faults,
    /// Members with a fault of their own.
    pub faulted: usize,
    /// Members that only wait, for a delay or the first result of a tracker.
    pub waiting: usize,
    /// When its state last changed, and why.
    pub last_transition: Option<(SystemTime, Reason)>,
}

/// The rules of the packet filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FirewallSnapshot {
    /// Name of the tables: of those that are in force, if there are any.
    pub table: String,
    /// They are as wanted, but for their name perhaps.
    pub in_force: bool,
    /// Why they are not, or not under the name that is wanted.
    pub trouble: Option<String>,
    /// Times somebody else's changes were undone.
    pub repairs: u64,
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSnapshot {
    /// Kernel index.
    pub index: u32,
    /// Kernel name.
    pub name: String,
    /// Up or down.
    pub state: LinkState,
    /// In octets.
    pub mtu: u32,
    /// Hardware address, if it is an Ethernet-like interface.
    pub mac: Option<[u8; 6]>,
}

/// How the loop itself is doing.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnStats {
    /// Turns so far.
    pub turns: u64,
    /// Datagrams received on VRRP sockets.
    pub packets_received: u64,
    /// Adverts handed to the kernel.
    pub packets_sent: u64,
    /// Adverts the kernel refused.
    pub send_errors: u64,
    /// Announcement frames sent.
    pub frames_sent: u64,
    /// Announcement frames the kernel refused.
    pub frame_errors: u64,
    /// Netlink batches sent.
    pub netlink_requests: u64,
    /// Times the kernel's notifications overran our buffer and everything was read again.
    pub netlink_overruns: u64,
    /// The greatest lateness of a turn after its deadline.
    pub worst_lateness: Duration,
}
