#![doc = include_str!("../README.md")]
//! # The four kinds of method
//!
//! [`Instance`] and [`Router`] have the same verbs:
//!
//! 1. **Accessors** (`state`, `config`, `stats`, ...) change nothing.
//! 2. **Inputs** (`handle_packet`, `handle_event`, `handle_timeout`, `reconfigure` or `reload`)
//!    take the time as an argument. It must not go backwards from one call to the next. An input
//!    never waits, and never calls back.
//! 3. **Outputs** (`poll_action`) come out of one queue, in the order in which things have to be
//!    done. They are owned values: nothing is borrowed, and what is not polled is not lost.
//! 4. **`next_timeout`** says when `handle_timeout` is needed next. Any input can change it.
//!
//! # The order of a turn
//!
//! 1. Read the clock once; use that instant for the whole turn.
//! 2. Hand over every packet that is there. A process that was stopped for a while has to hear
//!    what is in its sockets before it judges its timers (FSM-OPEN-01, FSM-OPEN-02).
//! 3. Hand over the events: links, addresses, trackers, the operator.
//! 4. Call `handle_timeout`. Too early or twice does nothing.
//! 5. Poll actions until there are none. An advert is made by [`Instance::advert`] at the moment
//!    it is sent; [`Instance::advert_version`] says whether an encoded one is still right.
//! 6. Sleep until `next_timeout`, a packet or an event.
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
mod group;
mod hmac;
mod instance;
mod notice;
mod reload;
mod router;
mod schedule;
mod stats;
#[cfg(feature = "serde")]
mod stored;
mod timing;
mod track;

pub use action::{Action, Announce, Reason, State, Transmit};
pub use config::{
    AddressCheck, BackupPriority, InstanceConfig, Peer, Preempt, Role, Startup, Transport, V2Auth,
    WireFormat,
};
pub use error::{ConfigError, Rejected};
pub use event::{Event, Fault, Faults};
pub use group::{GroupConfig, GroupId, GroupTransition};
pub use hmac::{AntiReplay, Hmac, HmacMode};
pub use instance::{ActiveRouter, Authenticate, Instance};
pub use notice::Notice;
pub use reload::{Reload, RouterConfig};
pub use router::{GroupView, InstanceId, InterfaceId, Router, Rx};
pub use sans_io_time::Instant;
pub use stats::{NewActiveReason, Rejections, Stats};
pub use track::{Effect, Influence, TrackStatus, total_adjustment};
pub use vrrp_proto as proto;
