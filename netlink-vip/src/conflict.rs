//! Somebody else claims one of our addresses.

use std::net::IpAddr;

use crate::arp::ArpFrame;
use crate::ndisc::{Kind, NdFrame};

/// Another MAC address claims an address of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The address.
    pub address: IpAddr,
    /// Who claims it.
    pub claimed_by: [u8; 6],
}

/// Looks for a claim to one of our addresses in a received Ethernet frame.
///
/// A claim is an ARP packet, request or reply, whose sender address is ours (ARP-11, RFC 5227
/// 2.4), or a neighbour advertisement for it (RFC 4861 7.2.5), from a MAC that is not ours. Probes
/// and solicitations claim nothing: they are answered by whoever has the address. What is
/// malformed, or about others, gives `None`. The address is never given up for a claim; log it,
/// at a limited rate, and announce the address again.
#[must_use]
pub fn detect(
    frame: &[u8],
    is_our_address: impl Fn(IpAddr) -> bool,
    is_our_mac: impl Fn([u8; 6]) -> bool,
) -> Option<Conflict> {
    let (address, claimed_by) = claim(frame)?;
    let conflict = is_our_address(address) && !is_our_mac(claimed_by);
    conflict.then_some(Conflict {
        address,
        claimed_by,
    })
}

fn claim(frame: &[u8]) -> Option<(IpAddr, [u8; 6])> {
    if let Ok(arp) = ArpFrame::parse(frame) {
        return Some((arp.sender.into(), arp.sender_mac));
    }
    let nd = NdFrame::parse(frame).ok()?;
    match nd.kind {
        Kind::Advertisement { .. } => Some((
            nd.target.into(),
            nd.link_layer.unwrap_or(nd.ethernet.source),
        )),
        Kind::Solicitation => None,
    }
}
