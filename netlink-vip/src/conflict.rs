//! Somebody else claims one of our addresses.

use std::net::IpAddr;

/// Another MAC address claims an address of ours (ARP-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The address.
    pub address: IpAddr,
    /// Who claims it.
    pub claimed_by: [u8; 6],
}

/// Looks for a claim to one of our addresses in a received Ethernet frame (ARP or neighbour
/// advertisement). `is_ours` tells addresses and MACs of ours; other frames give `None`.
#[must_use]
pub fn detect(
    _frame: &[u8],
    _is_our_address: impl Fn(IpAddr) -> bool,
    _is_our_mac: impl Fn([u8; 6]) -> bool,
) -> Option<Conflict> {
    todo!()
}
