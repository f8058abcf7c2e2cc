//! What loop 2 tells the rest of the program: owned values, through a bounded queue.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use healthcheck::Failure;
use ipvs::{Info, KernelError, Op, SyncRole};

use super::check::CheckSetup;
use super::config::{ServerSetup, ServiceSetup};
use crate::reports::Lossy;

/// A real server in a report.
#[derive(Clone, Debug)]
pub struct ServerRef {
    /// Its virtual server.
    pub service: Arc<ServiceSetup>,
    /// Its place in [`ServiceSetup::servers`].
    pub server: usize,
}

impl ServerRef {
    /// Its definition; absent only for a place that there is not.
    #[must_use]
    pub fn setup(&self) -> Option<&ServerSetup> {
        self.service.servers.get(self.server)
    }
}

/// A check in a report.
#[derive(Clone, Debug)]
pub struct CheckRef {
    /// Its server.
    pub server: ServerRef,
    /// Its place in [`ServerSetup::checks`].
    pub check: usize,
}

impl CheckRef {
    /// Its definition; absent only for a place that there is not.
    #[must_use]
    pub fn setup(&self) -> Option<&CheckSetup> {
        self.server.setup()?.checks.get(self.check)
    }
}

/// One thing that happened in the balancing loop.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum BalanceReport {
    /// The checks have begun. Comes after the first word about each virtual server.
    Ready,
    /// The first word about a virtual server: once after the start, once when a reload adds it. It
    /// stands for the transitions into that state.
    Started {
        /// Which.
        service: Arc<ServiceSetup>,
        /// There is enough weight.
        quorum: bool,
        /// Weight of the live servers.
        live: u64,
        /// Of each server: it is up, or believed to be.
        up: Vec<bool>,
    },
    /// A real server works again, or a reload added it and it is believed to work.
    ServerUp {
        /// Which.
        server: ServerRef,
    },
    /// A real server failed.
    ServerDown {
        /// Which.
        server: ServerRef,
        /// Why; absent when the loop stops, and when a reload removed it or made it so.
        reason: Option<Failure>,
    },
    /// The first result about a real server that counted as failed from the start (`alpha`) is that it is.
    /// Once for each; not a transition.
    StartsDown {
        /// Which.
        server: ServerRef,
    },
    /// A reload has brought a real server to a virtual server there was, and it counts as working until a check says
    /// otherwise. Not a transition.
    StartsUp {
        /// Which.
        server: ServerRef,
    },
    /// All checks of a virtual server have had a result, and it has never had enough weight. Once for each; not a
    /// transition.
    StartsWithoutQuorum {
        /// Which virtual server.
        service: Arc<ServiceSetup>,
        /// Weight of the live servers.
        live: u64,
    },
    /// The weight of a real server changed by what its checks say.
    Weight {
        /// Which.
        server: ServerRef,
        /// The weight now.
        weight: u32,
    },
    /// There is enough weight again.
    QuorumGained {
        /// Which virtual server.
        service: Arc<ServiceSetup>,
        /// Weight of the live servers.
        live: u64,
    },
    /// There is not enough weight any more.
    QuorumLost {
        /// Which virtual server.
        service: Arc<ServiceSetup>,
        /// Weight of the live servers.
        live: u64,
    },
    /// The sorry server takes over, or goes.
    Sorry {
        /// Which virtual server.
        service: Arc<ServiceSetup>,
        /// It serves.
        serves: bool,
    },
    /// Too few servers are live to believe the checks; or they are believed again.
    Disbelief {
        /// Which virtual server.
        service: Arc<ServiceSetup>,
        /// They are disbelieved.
        on: bool,
    },
    /// The checks rest because no address of the service is here, or go on.
    Suspended {
        /// Which virtual server.
        service: Arc<ServiceSetup>,
        /// They rest.
        on: bool,
    },
    /// A check passes after it failed.
    CheckPassed {
        /// Which.
        check: CheckRef,
    },
    /// A check failed after it passed, its retries included; or from the beginning, with none.
    CheckFailed {
        /// Which.
        check: CheckRef,
        /// How many there were.
        retries: u32,
        /// Why.
        failure: Failure,
    },
    /// An attempt failed that does not decide: another one follows, or the check had failed already.
    /// Only with `log_all_failures`.
    AttemptFailed {
        /// Which check.
        check: CheckRef,
        /// Why.
        failure: Failure,
    },
    /// The kernel's IPVS can be used.
    IpvsAvailable {
        /// What it is.
        info: Info,
    },
    /// The kernel's IPVS cannot be used. Said once until it can; checks go on, and it is tried again.
    IpvsUnavailable {
        /// Why.
        error: String,
    },
    /// Packets to the addresses of groups are marked, and one service stands for each group: the first
    /// time, in another way than before, and after it could not be done.
    Marked {
        /// Name of the nftables tables.
        table: String,
        /// Priority of their chains.
        priority: i32,
        /// What is marked is counted.
        counters: bool,
    },
    /// Packets cannot be marked: each address of a group is a service of its own. Said once for each
    /// reason; it is tried again.
    Unmarked {
        /// Why.
        error: String,
    },
    /// Somebody else changed the tables that mark packets, which are put right again. Where that goes on after three
    /// times it is told in growing gaps, from ten seconds to five minutes.
    MarksRepaired {
        /// Name of the nftables tables.
        table: String,
        /// How often it has happened since it was last told, this time not counted.
        unsaid: u64,
    },
    /// Somebody else changed our services; this puts things right again. Where that goes on after ten
    /// times it is told in growing gaps, from ten seconds to five minutes.
    Repaired {
        /// The changes.
        repairs: Vec<Op>,
        /// How often it has happened since it was last told, this time not counted.
        unsaid: u64,
    },
    /// The kernel refused a change. It is tried again, and not told again before something else is
    /// wanted.
    Refused {
        /// The change.
        op: Box<Op>,
        /// Why.
        error: KernelError,
    },
    /// A sync daemon of the kernel was started or stopped.
    SyncDaemon {
        /// Its role.
        role: SyncRole,
        /// It runs.
        running: bool,
    },
    /// Something that was asked of the kernel, other than a change of the table, was refused.
    Trouble {
        /// The story in one line.
        text: String,
    },
    /// More checks are due than may run at once; said once until it is better.
    Crowded {
        /// How many run.
        running: usize,
    },
    /// A new configuration is in force.
    Reloaded {
        /// Virtual servers that are new. A [`BalanceReport::Started`] follows for each.
        added: Vec<Arc<ServiceSetup>>,
        /// Those that are defined in another way now, or have another mark.
        changed: Vec<Arc<ServiceSetup>>,
        /// Those that are gone.
        removed: Vec<Arc<ServiceSetup>>,
        /// Which of them have another mark.
        moved: Vec<Moved>,
        /// How many go on as they were.
        kept: usize,
    },
    /// The loop came back later than it should have, by this much.
    Late {
        /// How much.
        by: Duration,
    },
    /// So many reports did not fit into the queue.
    Lost {
        /// How many.
        count: u64,
    },
    /// The loop has ended in order.
    Stopped,
}

impl Lossy for BalanceReport {
    fn lost(count: u64) -> Self {
        Self::Lost { count }
    }
}

/// A virtual server whose packets get another mark after a reload than before it.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Which.
    pub service: Arc<ServiceSetup>,
    /// The mark until then.
    pub from: NonZeroU32,
    /// The mark from now on.
    pub to: NonZeroU32,
}
