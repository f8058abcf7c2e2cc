//! Loop 2: real servers are checked, and the kernel's load balancer follows.
//!
//! [`Balancing`] runs what a [`BalanceConfig`] says, on a thread of its own, sends
//! [`BalanceReport`]s through a bounded queue, and is spoken to through a [`BalanceRemote`]. A
//! virtual server ([`ServiceSetup`]) is known by its identity, a real server by its address and port, a
//! check by its definition: that is what a reload compares.
//!
//! Behind it are two more threads, which may wait where a check must not: one talks to the kernel's
//! IPVS and keeps its table as wanted, one runs programs. Neither this loop nor loop 1 waits for
//! another thread.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use healthcheck::{Schedule, Target};
//! use ipvs::{Destination, Forward, Protocol, Service, ServiceKey};
//! use keepalived_driver::Reports;
//! use keepalived_driver::balance::{
//!     BalanceConfig, Balancing, CheckSetup, ProbeSetup, ServerSetup, ServiceSetup,
//! };
//!
//! let address = "198.51.100.1:80".parse()?;
//! let probe = ProbeSetup::Tcp {
//!     target: Target::new(address),
//!     timeout: Duration::from_secs(5),
//! };
//! let destination = Destination::new(address, Forward::Masquerade, 1);
//! let mut server = ServerSetup::new("[198.51.100.1]:tcp:80", destination);
//! server.checks = vec![CheckSetup::new(probe, Schedule::every(Duration::from_secs(10)))];
//! let key = ServiceKey::address(Protocol::TCP, "192.0.2.100:80".parse()?);
//! let services = vec![Service::new(key, "wlc".parse()?)];
//! let service = ServiceSetup::new("[192.0.2.100]:tcp:80", services, vec![server]);
//!
//! let (reports, inbox) = Reports::new(|| {});
//! let (balancing, remote) = Balancing::new(BalanceConfig::new(vec![service]), reports)?;
//! let thread = std::thread::spawn(move || balancing.run());
//! for report in inbox {
//!     println!("{report:?}");
//! }
//! # drop((thread, remote));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod agenda;
mod check;
mod checks;
mod config;
mod conn;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod kernel;
mod marker;
mod news;
mod numbers;
mod plan;
mod presence;
mod probes;
mod reload;
mod remote;
mod report;
mod run;
mod scripts;
mod service;
mod snapshot;
mod snapshots;
#[cfg(any(test, feature = "fuzzing"))]
mod test_setups;

pub use check::{CheckSetup, ProbeSetup};
pub use config::{
    BalanceConfig, Gather, MarkSettings, OnStop, ServerSetup, ServiceSetup, SorrySetup, SyncSetup,
};
pub use remote::BalanceRemote;
pub use report::{BalanceReport, CheckRef, Moved, ServerRef};
pub use run::Balancing;
pub use snapshot::{
    BalanceSnapshot, BalanceStats, CheckSnapshot, IpvsSnapshot, MarksSnapshot, ServerSnapshot,
    ServiceSnapshot,
};
