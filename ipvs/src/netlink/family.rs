//! The number of the family, which the kernel gives out when the module is loaded.
//!
//! Asking for it also loads the module. The answer is read attribute by attribute: the types of
//! netlink-packet-generic refuse the whole answer for one attribute that they do not know, and
//! panic on a short policy.

use netlink_packet_core::NLM_F_REQUEST;

use super::attributes::{append, array, parse_all};
use super::request::frame;
use crate::error::DecodeError;

/// Type of messages to the controller of all families.
const CONTROLLER: u16 = 16;
const GET_FAMILY: u8 = 3;
const ATTRIBUTE_ID: u16 = 1;
const ATTRIBUTE_NAME: u16 = 2;

/// The message type of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FamilyId(pub u16);

/// Appends the request for the number of `IPVS`. An error 2 (`ENOENT`) as answer means that the
/// kernel has no IPVS; read it with [`super::Command::GET_FAMILY`].
pub fn resolve(seq: u32, out: &mut Vec<u8>) {
    frame(CONTROLLER, NLM_F_REQUEST, seq, out, |out| {
        out.extend_from_slice(&[GET_FAMILY, 1, 0, 0]);
        append(ATTRIBUTE_NAME, out, |out| out.extend_from_slice(b"IPVS\0"));
    });
}

/// The number in an answer of the controller: the payload after the netlink header.
///
/// # Errors
/// What is wrong with the bytes.
pub fn resolved(payload: &[u8]) -> Result<FamilyId, DecodeError> {
    let attributes = payload.get(4..).ok_or(DecodeError::Header)?;
    let ids = parse_all(attributes, |attribute| match attribute.kind() {
        ATTRIBUTE_ID => array(attribute).map(u16::from_ne_bytes).map(Some),
        _ => Ok(None),
    })?;
    let id = ids.into_iter().flatten().next();
    let id = id.filter(|id| *id >= CONTROLLER);
    id.map(FamilyId).ok_or(DecodeError::Missing("FAMILY_ID"))
}
