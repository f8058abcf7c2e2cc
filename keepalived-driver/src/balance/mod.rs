//! Loop 2: real servers are checked, and the kernel's load balancer follows.
//!
//! A [`BalanceConfig`] says what to run, [`BalanceReport`]s tell what happened, a
//! [`BalanceSnapshot`] how things are. A virtual server ([`ServiceSetup`]) is known by its label, a
//! real server by its address and port, a check by its definition: that is what a reload compares.

mod check;
mod config;
mod report;
mod snapshot;

pub use check::{CheckSetup, ProbeSetup};
pub use config::{BalanceConfig, OnStop, ServerSetup, ServiceSetup, SorrySetup, SyncSetup};
pub use report::{BalanceReport, CheckRef, ServerRef};
pub use snapshot::{
    BalanceSnapshot, BalanceStats, CheckSnapshot, IpvsSnapshot, ServerSnapshot, ServiceSnapshot,
};
