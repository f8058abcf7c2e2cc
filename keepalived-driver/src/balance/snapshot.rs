//! The whole state of the balancing loop at one moment, for dumps, `status` and metrics.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use healthcheck::{Failure, Health, Progress, WeightChange};
use ipvs::{Dumped, Info, Service, SyncRole};

use super::config::ServiceSetup;

/// Everything an outside observer may ask for. Taking it does not disturb the loop: it is a copy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BalanceSnapshot {
    /// When it was taken, by the wall clock.
    pub taken_at: SystemTime,
    /// When the loop started, by the wall clock.
    pub started_at: SystemTime,
    /// The virtual servers in the order of the configuration.
    pub services: Vec<ServiceSnapshot>,
    /// The kernel's side.
    pub ipvs: IpvsSnapshot,
    /// The marks of packets; absent if no virtual server has one.
    pub marks: Option<MarksSnapshot>,
    /// The loop's own health.
    pub turns: BalanceStats,
}

/// One virtual server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServiceSnapshot {
    /// Its definition.
    pub setup: Arc<ServiceSetup>,
    /// The mark that stands for all of its addresses now.
    pub mark: Option<NonZeroU32>,
    /// Its services of the kernel while that is so; else they are those of the definition.
    pub gathered: Option<Vec<Service>>,
    /// There is enough weight.
    pub quorum: bool,
    /// Weight of the live servers.
    pub live: u64,
    /// The sorry server serves.
    pub sorry: bool,
    /// The checks rest (`ha_suspend`).
    pub suspended: bool,
    /// Quorums gained and lost since the loop began or a reload added it.
    pub transitions: u64,
    /// When the quorum last changed, by the wall clock.
    pub since: SystemTime,
    /// Of each server in [`ServiceSetup::servers`].
    pub servers: Vec<ServerSnapshot>,
    /// Servers that a reload removed and that still have connections to bring to an end.
    pub draining: Vec<ipvs::DestinationKey>,
}

/// One real server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerSnapshot {
    /// It is up, or believed to be.
    pub up: bool,
    /// The weight that it is to have in the kernel's table, where there is one; absent when it is not to be in it.
    pub placed: Option<u32>,
    /// The weight it has or would have: the configured one and what its checks add.
    pub weight: u32,
    /// Times it went up or down since the loop began or a reload added it.
    pub transitions: u64,
    /// When that was last, by the wall clock.
    pub since: SystemTime,
    /// Of each check in [`ServerSetup::checks`](super::ServerSetup::checks).
    pub checks: Vec<CheckSnapshot>,
}

/// One check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckSnapshot {
    /// What is held of it.
    pub health: Health,
    /// There was a result, in this life of the loop or the one before a reload.
    pub known: bool,
    /// It rests.
    pub suspended: bool,
    /// An attempt runs now.
    pub running: bool,
    /// What it says about the weight.
    pub weight: WeightChange,
    /// Attempts that ended, and levels that were told.
    pub attempts: u64,
    /// Of these, those that failed.
    pub failures: u64,
    /// Times its health changed.
    pub transitions: u64,
    /// When that was last, by the wall clock.
    pub since: SystemTime,
    /// How the last failed attempt failed, and when.
    pub last_failure: Option<(SystemTime, Failure)>,
    /// How far it is on the way to another verdict.
    pub progress: Progress,
    /// When the next attempt begins, by the wall clock; absent while one runs, while the check rests, and for
    /// what is told. It has passed while the check waits for another one to end.
    pub next: Option<SystemTime>,
}

impl ServiceSnapshot {
    /// Its services of the kernel.
    #[must_use]
    pub fn services(&self) -> &[Service] {
        self.gathered.as_ref().unwrap_or(&self.setup.services)
    }
}

/// The marks of packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MarksSnapshot {
    /// Name of the nftables tables: of those that are in force, if there are any.
    pub table: String,
    /// Packets are marked.
    pub in_force: bool,
    /// Why they cannot be, or not in the tables that are wanted.
    pub trouble: Option<String>,
    /// Times somebody else's changes of the tables were undone.
    pub repairs: u64,
}

/// The kernel's side.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct IpvsSnapshot {
    /// What it is, if it can be used.
    pub info: Option<Info>,
    /// Why it cannot be used.
    pub unavailable: Option<String>,
    /// The kernel holds what is wanted.
    pub settled: bool,
    /// The changes that the kernel refuses, and why.
    pub refused: Vec<(String, String)>,
    /// Services that are wanted.
    pub services: usize,
    /// Destinations that are wanted.
    pub destinations: usize,
    /// The table with the kernel's counters, ours and that of others, as it was last read.
    pub counters: Arc<Dumped>,
    /// Roles of the sync daemons that were last seen running or started.
    pub sync: Vec<SyncRole>,
    /// Changes of the table that were sent.
    pub changes: u64,
    /// Times somebody else's changes were undone.
    pub repairs: u64,
    /// Times the table was read.
    pub dumps: u64,
    /// How long the last reading took.
    pub dump_took: Duration,
}

/// How the loop itself is doing.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct BalanceStats {
    /// Turns so far.
    pub turns: u64,
    /// Attempts that began.
    pub attempts: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Attempts that run now.
    pub running: usize,
    /// Checks that are due and wait for another one to end.
    pub waiting: usize,
    /// The greatest lateness of a turn after its deadline.
    pub worst_lateness: Duration,
}
