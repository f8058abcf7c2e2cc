//! Any bytes as an Ethernet frame: ARP, neighbour discovery or an error; what is written again says
//! the same; and a claim to one of our addresses is somebody else's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_vip::arp::ArpFrame;
use netlink_vip::conflict;
use netlink_vip::ndisc::NdFrame;

/// One frame.
pub fn run(data: &[u8]) {
    let mut frame = data.to_vec();
    judge(&frame);
    // A checksum is right by luck once in 65,536 times, so put it right and look again.
    correct_checksum(&mut frame);
    judge(&frame);
}

fn judge(frame: &[u8]) {
    if let Ok(arp) = ArpFrame::parse(frame) {
        let mut buffer = vec![0; arp.buffer_len()];
        let length = arp.emit(&mut buffer).expect("what was read can be written");
        assert_eq!(ArpFrame::parse(&buffer[..length]).as_ref(), Ok(&arp));
    }
    if let Ok(nd) = NdFrame::parse(frame) {
        let mut buffer = vec![0; nd.buffer_len()];
        let length = nd.emit(&mut buffer).expect("what was read can be written");
        assert_eq!(NdFrame::parse(&buffer[..length]).as_ref(), Ok(&nd));
    }
    let ours = [
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, 100)),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ];
    let own_mac = [2, 0, 0, 0, 0, 1];
    let claim = conflict::detect(
        frame,
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

/// Of an ICMPv6 message right behind the two headers.
fn correct_checksum(frame: &mut [u8]) {
    if frame.len() < 14 + 40 + 8 || frame[12..14] != [0x86, 0xdd] {
        return;
    }
    let length = u16::from_be_bytes([frame[18], frame[19]]);
    let end = (54 + usize::from(length)).min(frame.len());
    if end < 62 {
        return;
    }
    frame[56..58].fill(0);
    let mut sum = u32::from(length) + 58;
    for pair in frame[22..end].chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let checksum = !u16::try_from(sum).unwrap_or(0);
    frame[56..58].copy_from_slice(&checksum.to_be_bytes());
}
