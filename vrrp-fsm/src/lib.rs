#![doc = include_str!("../README.md")]
#![no_std]
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

extern crate alloc;
#[cfg(test)]
extern crate std;

mod action;
mod admit;
mod advertised;
mod check;
mod config;
mod election;
mod error;
mod event;
mod instance;
mod notice;
mod reload;
mod router;
mod schedule;
mod stats;
mod timing;

pub use action::{Action, Announce, Reason, State, Transmit};
pub use config::{
    AddressCheck, BackupPriority, InstanceConfig, Peer, Preempt, Role, Startup, Transport, V2Auth,
    WireFormat,
};
pub use error::{ConfigError, Rejected};
pub use event::{Event, Fault, Faults};
pub use instance::{ActiveRouter, Instance};
pub use notice::Notice;
pub use reload::{Reload, RouterConfig};
pub use router::{InstanceId, InterfaceId, Router, Rx};
pub use sans_io_time::Instant;
pub use stats::{NewActiveReason, Rejections, Stats};
pub use vrrp_proto as proto;
