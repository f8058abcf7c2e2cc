//! A second, independent reading of what is on the wire: VRRP, gratuitous ARP, unsolicited NA.
//!
//! It is deliberately not the codec under test, and it judges nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a captured frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A VRRP advertisement.
    Advert(Advert),
    /// An ARP packet whose sender and target address are equal.
    GratuitousArp {
        /// The address announced.
        address: Ipv4Addr,
        /// Where it is said to be.
        mac: [u8; 6],
    },
    /// A neighbour advertisement with the solicited flag clear.
    UnsolicitedNa {
        /// The address announced.
        address: Ipv6Addr,
        /// The target link-layer address option.
        mac: Option<[u8; 6]>,
    },
    /// Anything else.
    Other,
}

/// The facts of a VRRP advertisement, unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advert {
    /// 2 or 3.
    pub version: u8,
    /// Virtual router id.
    pub vrid: u8,
    /// 0 releases.
    pub priority: u8,
    /// IP source.
    pub source: IpAddr,
    /// IP destination.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub hop_limit: u8,
    /// The addresses listed.
    pub addresses: Vec<IpAddr>,
    /// The whole message, for what is not read here.
    pub message: Vec<u8>,
}

/// Reads a packet that starts after the Ethernet header.
#[must_use]
pub fn read(ethertype: u16, packet: &[u8]) -> Frame {
    let frame = match ethertype {
        0x0800 => ipv4(packet),
        0x86dd => ipv6(packet),
        0x0806 => arp(packet),
        _ => None,
    };
    frame.unwrap_or(Frame::Other)
}

fn ipv4(packet: &[u8]) -> Option<Frame> {
    let header = usize::from(packet.first()? & 15) * 4;
    let total = usize::from(u16::from_be_bytes(array(packet, 2)?));
    let source = Ipv4Addr::from(array::<4>(packet, 12)?).into();
    let destination = Ipv4Addr::from(array::<4>(packet, 16)?).into();
    (*packet.get(9)? == 112).then_some(())?;
    vrrp(
        source,
        destination,
        *packet.get(8)?,
        packet.get(header..total)?,
    )
}

fn ipv6(packet: &[u8]) -> Option<Frame> {
    let source = Ipv6Addr::from(array::<16>(packet, 8)?).into();
    let destination = Ipv6Addr::from(array::<16>(packet, 24)?).into();
    let length = usize::from(u16::from_be_bytes(array(packet, 4)?));
    let payload = packet.get(40..40 + length)?;
    match packet.get(6)? {
        112 => vrrp(source, destination, *packet.get(7)?, payload),
        58 => advertisement(payload),
        _ => None,
    }
}

fn vrrp(source: IpAddr, destination: IpAddr, hop_limit: u8, message: &[u8]) -> Option<Frame> {
    let width = if source.is_ipv4() { 4 } else { 16 };
    let count = usize::from(*message.get(3)?);
    let list = message.get(8..8 + count * width)?;
    let address = |bytes: &[u8]| match bytes.len() {
        4 => array::<4>(bytes, 0).map(|octets| IpAddr::from(Ipv4Addr::from(octets))),
        _ => array::<16>(bytes, 0).map(|octets| IpAddr::from(Ipv6Addr::from(octets))),
    };
    Some(Frame::Advert(Advert {
        version: message.first()? >> 4,
        vrid: *message.get(1)?,
        priority: *message.get(2)?,
        source,
        destination,
        hop_limit,
        addresses: list.chunks_exact(width).filter_map(address).collect(),
        message: message.to_vec(),
    }))
}

fn arp(packet: &[u8]) -> Option<Frame> {
    let sender: [u8; 4] = array(packet, 14)?;
    let target: [u8; 4] = array(packet, 24)?;
    (sender == target).then_some(())?;
    Some(Frame::GratuitousArp {
        address: sender.into(),
        mac: array(packet, 8)?,
    })
}

fn advertisement(message: &[u8]) -> Option<Frame> {
    (*message.first()? == 136 && message.get(4)? & 0x40 == 0).then_some(())?;
    let option = message.get(24..26) == Some(&[2, 1]);
    let mac = if option { array(message, 26) } else { None };
    Some(Frame::UnsolicitedNa {
        address: array::<16>(message, 8)?.into(),
        mac,
    })
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}
