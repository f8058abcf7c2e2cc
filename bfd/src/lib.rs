#![doc = include_str!("../README.md")]
//! # The four kinds of method
//!
//! [`Session`], [`Table`] and [`Initiator`] have the same verbs:
//!
//! 1. **Accessors** (`state`, `timers`, `stats`, `history`, ...) change nothing.
//! 2. **Inputs** (`handle_packet`, `handle_event`, `handle_timeout`, `reconfigure` or `reload`)
//!    take the time as an argument. It must not go backwards from one call to the next. An input
//!    never waits, and never calls back.
//! 3. **Outputs**: `poll_transmit` writes the next packet into a buffer, made of what is true at
//!    that moment; `poll_event` gives the next thing to tell. What is not polled is not lost,
//!    only late.
//! 4. **`next_timeout`** says when `handle_timeout` is needed next. Any other call can change it.
//!
//! # The order of a turn
//!
//! 1. Read the clock once; use that instant for the whole turn.
//! 2. Hand over every packet that is there. A process that was stopped for a while has to hear
//!    what is in its sockets before it declares anybody dead.
//! 3. Hand over the events.
//! 4. Call `handle_timeout`. Too early or twice does nothing.
//! 5. Poll packets until there are none, and send them; poll events until there are none.
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

mod auth;
mod client;
mod config;
mod error;
mod event;
mod packet;
mod rng;
mod seamless;
mod session;
mod stats;
#[cfg(feature = "serde")]
mod stored;
mod table;
mod timing;
mod types;

pub use auth::{AuthConfig, AuthKind, AuthSection, Key, Lifetime, Secret, Signature};
pub use client::Client;
pub use config::{BackOff, Demand, Role, SessionConfig};
pub use error::{AuthError, ConfigError, EmitError, ParseError, Rejected};
pub use event::{Concatenated, Event, Reason, SessionEvent, Transition};
pub use packet::{Buffer, Control, ControlPacket, HEADER_LEN, MAX_LEN};
pub use sans_io_time::Instant;
pub use seamless::{Initiator, InitiatorConfig, Reflector, ReflectorConfig};
pub use session::{Remote, Session, Timers};
pub use stats::{HISTORY_LEN, Rejections, Stats};
pub use table::{
    Definition, InterfaceId, Member, Multihop, Path, Purpose, Reload, Rx, Seamless, SessionId,
    SingleHop, Table, Transmit,
};
pub use types::{
    DetectMult, Diagnostic, Discriminator, ECHO_PORT, FIRST_SOURCE_PORT, MULTIHOP_PORT, Micros,
    SEAMLESS_PORT, SINGLE_HOP_PORT, State, TRAFFIC_CLASS, TTL,
};
