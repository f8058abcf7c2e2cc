//! S-BFD, RFC 7880 and 7881: one side asks, the other one answers without remembering anything.

mod initiator;
mod reflector;

pub use initiator::{Initiator, InitiatorConfig};
pub use reflector::{Reflector, ReflectorConfig};
