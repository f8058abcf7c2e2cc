//! The event loops of keepalived-rs: the only crate with sockets and a clock.
//!
//! Loop 1, [`Elections`], runs VRRP and the addresses on a thread of its own and never waits for
//! anything but its poll. It takes a [`Config`], sends [`Report`]s through a bounded queue, and is
//! spoken to through a [`Remote`]. Everything that may be slow lives elsewhere: scripts in
//! [`hooks`], clients in [`control`].
//!
//! ```no_run
//! use keepalived_driver::{Config, Elections, InstanceSetup, Reports};
//! use vrrp_fsm::{BackupPriority, InstanceConfig, Preempt, Role};
//! use vrrp_proto::{Family, Vrid};
//!
//! let role = Role::Backup {
//!     priority: BackupPriority::new(100).ok_or("1 to 254")?,
//!     preempt: Preempt::Immediately,
//! };
//! let address = "192.0.2.100".parse()?;
//! let fsm = InstanceConfig::new(Vrid::new(51).ok_or("1 to 255")?, Family::Ipv4, role)
//!     .with_addresses([address]);
//! let mut setup = InstanceSetup::new("VI_1", "eth0".parse()?, fsm);
//! setup.addresses = vec![netlink_vip::Vip::new(address, 24, "eth0".parse()?)];
//!
//! let (reports, receiver) = Reports::new(|| {});
//! let (elections, remote) = Elections::new(Config::new(vec![setup]), reports)?;
//! let thread = std::thread::spawn(move || elections.run());
//! for report in receiver {
//!     println!("{report:?}");
//! }
//! # drop((thread, remote));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(unsafe_code)]

pub mod balance;
pub mod bfd;
pub mod clock;
pub mod config;
pub mod control;
mod election;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod gaps;
pub mod hooks;
pub mod mail;
mod namespace;
mod nft;
pub mod once;
pub mod pipes;
pub mod recording;
mod remote;
mod report;
mod reports;
mod snapshot;
mod sockets;
mod sources;
mod state_file;
pub mod threads;
mod timer;
pub mod tracked;
mod turning;
mod vmac;

pub use config::{Config, GroupSetup, InstanceSetup, TrackedInterface};
pub use election::{Elections, StartError};
pub use remote::{Remote, RemoteError};
pub use report::{InstanceLabel, LinkState, Report};
pub use reports::{Lossy, Reports};
pub use snapshot::{
    FirewallSnapshot, GroupSnapshot, InstanceSnapshot, LinkSnapshot, Snapshot, TrackerSnapshot,
    TurnStats,
};
pub use sockets::netlink::NetlinkBuffer;
pub use vmac::{ExtraAnnounce, FirewallSetup, GarpGroup, LinkDelay, Vmac};
