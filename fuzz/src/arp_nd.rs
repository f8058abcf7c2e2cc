//! Any bytes as an Ethernet frame on which somebody may claim one of our addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_vip::conflict;

/// One frame.
pub fn run(data: &[u8]) {
    let ours = [
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, 100)),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ];
    let own_mac = [2, 0, 0, 0, 0, 1];
    let claim = conflict::detect(
        data,
        |address| ours.contains(&address),
        |mac| mac == own_mac,
    );
    if let Some(claim) = claim {
        assert!(
            ours.contains(&claim.address),
            "{claim:?} is about an address of somebody else"
        );
        assert_ne!(claim.claimed_by, own_mac, "our own frame is no conflict");
    }
}
