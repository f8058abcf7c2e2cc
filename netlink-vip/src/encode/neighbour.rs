//! Entries of the neighbour table.

use std::net::IpAddr;

use netlink_packet_core::{NLM_F_DUMP, ParseableParametrized};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourHeader, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::{Undecodable, append, attributes_of};

const HEADER_LEN: usize = 12;
const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) link: u32,
    pub(crate) address: IpAddr,
    /// Absent while it is not known, or not any longer.
    pub(crate) mac: Option<[u8; 6]>,
}

/// Asks for the neighbours of both families.
pub(crate) fn dump_neighbours(seq: u32, out: &mut Vec<u8>) {
    let message = NeighbourMessage::default();
    let message = RouteNetlinkMessage::GetNeighbour(message);
    append(message, NLM_F_DUMP, seq, out);
}

/// `None` for an entry of another family: bridges keep their ports' in the same way.
pub(super) fn entry(body: &[u8]) -> Result<Option<Entry>, Undecodable> {
    let header = NeighbourHeader::parse(body).map_err(|_| Undecodable::Body)?;
    if !matches!(header.family, AddressFamily::Inet | AddressFamily::Inet6) {
        return Ok(None);
    }
    let (mut address, mut mac) = (None, None);
    for attribute in attributes_of(body.get(HEADER_LEN..).unwrap_or_default()) {
        if !matches!(attribute.kind(), NDA_DST | NDA_LLADDR) {
            continue;
        }
        match NeighbourAttribute::parse_with_param(&attribute, header.family) {
            Ok(NeighbourAttribute::Destination(NeighbourAddress::Inet(v4))) => {
                address = Some(IpAddr::from(v4));
            }
            Ok(NeighbourAttribute::Destination(NeighbourAddress::Inet6(v6))) => {
                address = Some(IpAddr::from(v6));
            }
            Ok(NeighbourAttribute::LinkLayerAddress(octets)) => mac = octets.try_into().ok(),
            _ => {}
        }
    }
    // The address of an entry that failed is the one that did not answer.
    let known = !matches!(
        header.state,
        NeighbourState::Incomplete
            | NeighbourState::Failed
            | NeighbourState::Noarp
            | NeighbourState::None
    );
    Ok(address.map(|address| Entry {
        link: header.ifindex,
        address,
        mac: mac.filter(|_| known),
    }))
}
