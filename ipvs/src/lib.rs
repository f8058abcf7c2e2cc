#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::panic
    )
)]

#[cfg(feature = "client")]
mod client;
mod counters;
mod daemon;
mod destination;
mod diff;
mod dump;
mod error;
mod marks;
mod name;
pub mod netlink;
mod reconcile;
mod service;
mod show;
mod table;

#[cfg(feature = "client")]
pub use client::{Client, ClientError};
pub use counters::{Counters, DestinationStatus, ServiceStatus};
pub use daemon::{Info, SyncDaemon, SyncRole, Timeouts};
pub use destination::{Checksum, Destination, DestinationKey, Forward, Tunnel};
pub use diff::diff;
pub use dump::{Dump, Dumped};
pub use error::{ConfigError, DecodeError, KernelError};
pub use marks::{AddressRange, Marks};
pub use name::{Engine, InterfaceName, Name, Scheduler};
pub use reconcile::{Event, Reconciler};
pub use sans_io_time::Instant;
pub use service::{Family, Granularity, Persistence, Protocol, Service, ServiceFlags, ServiceKey};
pub use table::{ApplyError, Entry, Op, Table};
