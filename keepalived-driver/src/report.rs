//! What loop 1 tells the rest of the program: owned values, through a bounded queue.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::bfd::BfdNews;
use netlink_vip::Object;
use vrrp_fsm::{Fault, Faults, Notice, Reason, State};

/// One thing that happened in the elections loop.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Report {
    /// Interfaces and addresses are known, sockets are open: elections have begun.
    Ready,
    /// The first word about an instance: once after start, once when reload adds it. If it begins
    /// as Backup, this stands for the transition into that state.
    Started {
        /// Who it is.
        instance: InstanceLabel,
        /// Where it begins.
        state: State,
        /// Why it is held, if it is.
        faults: Faults,
    },
    /// An instance changed state.
    Transition {
        /// Who it is.
        instance: InstanceLabel,
        /// The state it left.
        from: State,
        /// The state it is in now.
        to: State,
        /// What keeps it in Initialize, if it is there.
        faults: Faults,
        /// Why.
        reason: Reason,
        /// When, by the wall clock.
        at: SystemTime,
    },
    /// The first word about a group: once after start, once when a reload adds it. It stands for the
    /// transition into that state, and comes after the reports about its members.
    GroupStarted {
        /// Its name.
        group: Arc<str>,
        /// Where it begins.
        state: State,
        /// Why its members are held, if they are: the faults of all of them together.
        faults: Faults,
    },
    /// A group changed state. The reports about its members come before.
    GroupTransition {
        /// Its name.
        group: Arc<str>,
        /// The state it left.
        from: State,
        /// The state it is in now.
        to: State,
        /// What keeps its members in Initialize, if they are there.
        faults: Faults,
        /// Why the member that caused it is where it is.
        reason: Reason,
        /// When, by the wall clock.
        at: SystemTime,
    },
    /// Something about an instance that an operator may want to know; no change of state.
    Notice {
        /// Who it is.
        instance: InstanceLabel,
        /// What was noticed.
        notice: Notice,
    },
    /// A reason to hold an instance came, changed its details, or went while others remain.
    FaultChanged {
        /// Who it is.
        instance: InstanceLabel,
        /// Which reason.
        fault: Fault,
        /// True if it came.
        set: bool,
        /// Details: the bind error, the missing interface.
        detail: String,
    },
    /// The effective priority changed.
    PriorityChanged {
        /// Who it is, with the new priority.
        instance: InstanceLabel,
        /// The priority before.
        from: u8,
        /// The state it is in.
        state: State,
    },
    /// An interface appeared, went away, or changed between up and down.
    Link {
        /// Its name.
        name: String,
        /// What it is now.
        state: LinkState,
    },
    /// Somebody removed an address, a route or a rule that is wanted; it was put back.
    Repaired {
        /// Who wants it: an instance, or, if absent, the static part of the configuration.
        instance: Option<InstanceLabel>,
        /// What it is.
        object: Object,
        /// How often so far.
        times: u32,
    },
    /// Somebody removes it again and again. The instance lets go, so that another router can take over;
    /// what is static is put back once a second at most.
    GaveUp {
        /// Who wants it.
        instance: Option<InstanceLabel>,
        /// What it is.
        object: Object,
    },
    /// No other router has taken over from an instance that let go: it is Active again.
    NobodyTookOver {
        /// Which.
        instance: InstanceLabel,
    },
    /// The kernel refused it.
    Refused {
        /// Who wants it.
        instance: Option<InstanceLabel>,
        /// What it is.
        object: Object,
        /// The kernel's words.
        error: String,
    },
    /// Something that is wanted was there already, put by somebody else. It counts as held, and
    /// stays when it is no longer wanted.
    Foreign {
        /// Who wants it.
        instance: Option<InstanceLabel>,
        /// What it is.
        object: Object,
    },
    /// An announcement was sent, one of several (`Config::report_announcements`).
    Announced {
        /// The interface.
        interface: String,
        /// Which address.
        address: IpAddr,
    },
    /// An address that is not ours is there, has come or has changed its flags, or is gone
    /// (`Config::report_addresses`).
    Address {
        /// The interface, by its number if it is gone too.
        interface: String,
        /// The address.
        address: IpAddr,
        /// It is there.
        present: bool,
    },
    /// Another host announced an address that an instance holds.
    AddressClaimed {
        /// Whose address.
        instance: InstanceLabel,
        /// Which address.
        address: IpAddr,
        /// By whom.
        by: [u8; 6],
    },
    /// Something about a BFD session.
    Bfd {
        /// Its name.
        name: Arc<str>,
        /// What.
        news: BfdNews,
    },
    /// Addresses, routes and rules that an earlier run left behind were removed, or taken over by
    /// who wants them.
    LeftoversCleaned {
        /// How many were removed.
        removed: usize,
    },
    /// An advert for a VRID that is not configured where it arrived.
    UnknownVrid {
        /// The interface.
        interface: String,
        /// The VRID.
        vrid: u8,
        /// The sender.
        source: IpAddr,
    },
    /// A reload was applied.
    Reloaded {
        /// Instances that are new.
        added: Vec<Arc<str>>,
        /// Instances whose definition changed and that went on with their state.
        changed: Vec<Arc<str>>,
        /// Instances that are gone.
        removed: Vec<Arc<str>>,
        /// Instances that were left alone.
        kept: usize,
    },
    /// A reload was refused; nothing changed.
    ReloadRefused {
        /// Why.
        error: String,
    },
    /// The loop itself was late: the process did not run for this long after it should have.
    Late {
        /// By how much.
        by: Duration,
    },
    /// A device of ours was made, taken over, lost, or cannot be made.
    Device {
        /// The story in one line.
        message: String,
    },
    /// Somebody else changed our rules of the packet filter, which are put right again. Where that goes on after three
    /// times it is told in growing gaps, from ten seconds to five minutes.
    RulesRepaired {
        /// Name of the tables.
        table: String,
        /// How often it has happened since it was last told, this time not counted.
        unsaid: u64,
    },
    /// A recording has begun: its file is there.
    Recording {
        /// The file.
        path: std::path::PathBuf,
    },
    /// A socket or netlink call failed; what it was for and what will be done.
    Trouble {
        /// The story in one line.
        message: String,
    },
    /// Reports were lost because the reader did not keep up.
    Lost {
        /// How many.
        count: u64,
    },
    /// Every instance has stopped and every address is gone; the loop has ended.
    Stopped,
}

/// Which instance a report is about, with what hooks need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceLabel {
    /// The name in the configuration.
    pub name: Arc<str>,
    /// Its effective priority at that moment.
    pub priority: u8,
}

/// The state of an interface.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It exists and has a carrier.
    Up,
    /// It exists and is down, or has no carrier.
    Down,
    /// It does not exist.
    Gone,
}
