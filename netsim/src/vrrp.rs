//! VRRP on the simulated network: routers that run [`vrrp_fsm::Router`] and exchange real octets, hosts
//! that learn from announcements, and observers that say who was Active when and who could not
//! reach what for how long.
//!
//! A [`Station`] is what stands on the network: a [`RouterNode`] or a [`HostNode`]. A [`Lan`] is their
//! address plan. [`Timeline`] and [`Reach`] are observers for [`World::run_until`](crate::World::run_until).

mod frame;
mod host;
mod neighbours;
mod reach;
mod router;
mod station;
mod timeline;

pub use frame::{AdvertFrame, Frame};
pub use host::HostNode;
pub use reach::{Outage, Reach};
pub use router::{Key, Note, Order, RouterNode};
pub use station::{Lan, Station};
pub use timeline::{Span, Timeline, TimelineState};
