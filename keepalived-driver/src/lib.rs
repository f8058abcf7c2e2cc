//! The event loops of keepalived-rs.

#![deny(unsafe_code)]

pub mod clock;
pub mod config;
pub mod control;
pub mod hooks;
mod remote;
mod report;
mod snapshot;

pub use config::{Config, InstanceSetup, TrackedInterface};
pub use remote::{Remote, RemoteError};
pub use report::{InstanceLabel, LinkState, Report};
pub use snapshot::{InstanceSnapshot, LinkSnapshot, Snapshot, TurnStats};
