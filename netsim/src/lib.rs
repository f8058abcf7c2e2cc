#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "bfd")]
pub mod bfd;
mod fault;
mod link;
mod net;
mod node;
mod observe;
mod queue;
mod rng;
mod trace;
#[cfg(feature = "vrrp")]
pub mod vrrp;
mod world;

pub use fault::Fault;
pub use link::{Link, Loss};
pub use net::Net;
pub use node::{Effect, Node, Power, To};
pub use observe::{Observer, Violation};
pub use rng::{ALWAYS, Ppm, Random};
pub use sans_io_time::Instant;
pub use trace::{Lost, Record, Seconds, Trace};
pub use world::{Budget, NodeId, World};
