//! Messages of the generic-netlink family `IPVS`, version 1.
//!
//! Three layers: attributes as they are on the wire ([`Message`]), what they mean ([`Request`],
//! [`Reply`]), and the family's number, which the kernel gives out at run time ([`FamilyId`]).

mod attributes;
mod convert;
mod family;
mod message;
mod reply;
mod request;

pub use attributes::{DaemonAttribute, DestinationAttribute, ServiceAttribute};
pub use family::{FamilyId, resolve, resolved};
pub use message::{Attribute, Command, Message};
pub use reply::{Answer, Context, Replies, Reply, replies};
pub use request::Request;
