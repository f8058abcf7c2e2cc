//! BFD on the simulated network: boxes that run [`bfd::Table`] and exchange real octets.
//!
//! A [`BfdNode`] has a session with each neighbour that it is told of. With the feature `vrrp`,
//! `GuardedRouter` is such a box and a router in one: what its sessions lose, its elections know.

#[cfg(feature = "vrrp")]
mod guarded;
mod node;

#[cfg(feature = "vrrp")]
pub use guarded::{GuardedFrame, GuardedNote, GuardedOrder, GuardedRouter};
pub use node::{BfdFrame, BfdNode, BfdNote, BfdOrder, Neighbour, address};
