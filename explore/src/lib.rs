#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod clock;
mod model;
mod node;
mod plan;
mod watch;
mod world;
pub mod worlds;

pub use clock::{ADVERT, DELAY, TICK, down, settled, skew};
pub use model::{Small, Verdict, walk};
pub use plan::{Budget, Member, Plan, Planted};
pub use world::{Frame, Step, World};
