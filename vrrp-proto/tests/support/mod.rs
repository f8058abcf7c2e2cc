//! Shared by the test files: the vectors, and packets put together octet by octet.
//!
//! Nothing in here uses the code under test, except for its types.

#![allow(dead_code, reason = "every test file uses another part of this")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;
use vrrp_proto::{Advert, IpMeta, ParseError, ParsePolicy, split_ipv4, split_ipv6};

/// One entry of `vectors/vrrp.json`.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) packet: Vec<u8>,
    pub(crate) reason: String,
    pub(crate) strict_reason: String,
    pub(crate) json: Value,
}

impl Vector {
    /// A member of the decoded VRRP message.
    pub(crate) fn field(&self, name: &str) -> &Value {
        &self.json["decoded"]["vrrp"][name]
    }

    pub(crate) fn warns(&self, code: &str) -> bool {
        self.json["warnings"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one == code))
    }

    pub(crate) fn split(&self) -> Result<(IpMeta, &[u8]), ParseError> {
        split(&self.packet)
    }

    pub(crate) fn parse(&self, policy: &ParsePolicy) -> Result<Advert<'_>, ParseError> {
        let (ip, message) = self.split()?;
        Advert::parse(message, &ip, policy)
    }
}

pub(crate) fn vectors() -> Vec<Vector> {
    let file: Value = serde_json::from_str(include_str!("../vectors/vrrp.json")).unwrap();
    let vectors: Vec<_> = file["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .map(vector)
        .collect();
    assert_eq!(vectors.len(), 148, "no vector is skipped");
    vectors
}

pub(crate) fn vector_named(name: &str) -> Vector {
    vectors()
        .into_iter()
        .find(|vector| vector.name == name)
        .unwrap()
}

fn vector(json: &Value) -> Vector {
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    Vector {
        name: text("name"),
        packet: unhex(&text("hex")),
        reason: text("reason"),
        strict_reason: text("strict_reason"),
        json: json.clone(),
    }
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "{text}");
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
        .collect()
}

/// Splits by the version nibble, as a packet socket reader would.
pub(crate) fn split(packet: &[u8]) -> Result<(IpMeta, &[u8]), ParseError> {
    match packet.first().map(|first| first >> 4) {
        Some(6) => split_ipv6(packet),
        _ => split_ipv4(packet),
    }
}

/// The Internet checksum the slow way, RFC 1071.
pub(crate) fn internet_checksum(parts: &[&[u8]]) -> [u8; 2] {
    let octets = parts.concat();
    let sum = octets.chunks(2).fold(0_u16, |sum, pair| {
        let word = u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
        let (sum, carry) = sum.overflowing_add(word);
        sum + u16::from(carry)
    });
    (!sum).to_be_bytes()
}

/// What a checksum of a hand-made packet covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Covers {
    Message,
    PseudoHeader,
    /// The pseudo header has another destination than the packet.
    OtherDestination(IpAddr),
    /// Not a checksum at all: this is added to the right one.
    Wrong(u8),
}

/// A packet with every field free to be wrong.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) hop_limit: u8,
    pub(crate) version: u8,
    pub(crate) kind: u8,
    pub(crate) vrid: u8,
    pub(crate) priority: u8,
    pub(crate) count: u8,
    /// Octets 4 and 5: authentication type and seconds, or reserve nibble and centiseconds.
    pub(crate) timing: [u8; 2],
    /// Everything after the fixed part.
    pub(crate) body: Vec<u8>,
    /// Cut the message to this length before the checksum is made.
    pub(crate) cut: Option<usize>,
    pub(crate) covers: Covers,
}

impl Raw {
    /// VRRPv2, one address, VRID 51, priority 200, 1 s, no authentication.
    pub(crate) fn v2() -> Self {
        Self {
            version: 2,
            timing: [0, 1],
            body: [&[192, 0, 2, 100][..], &[0; 8]].concat(),
            covers: Covers::Message,
            ..Self::v3()
        }
    }

    /// VRRPv3 over IPv4, one address, VRID 51, priority 200, 100 cs, pseudo header.
    pub(crate) fn v3() -> Self {
        Self {
            source: Ipv4Addr::new(192, 0, 2, 1).into(),
            destination: Ipv4Addr::new(224, 0, 0, 18).into(),
            hop_limit: 255,
            version: 3,
            kind: 1,
            vrid: 51,
            priority: 200,
            count: 1,
            timing: [0, 100],
            body: vec![192, 0, 2, 100],
            cut: None,
            covers: Covers::PseudoHeader,
        }
    }

    /// VRRPv3 over IPv6, addresses fe80::51 and 2001:db8::100.
    pub(crate) fn v3_ipv6() -> Self {
        let first: Ipv6Addr = "fe80::51".parse().unwrap();
        let second: Ipv6Addr = "2001:db8::100".parse().unwrap();
        Self {
            source: "fe80::1".parse().unwrap(),
            destination: "ff02::12".parse().unwrap(),
            count: 2,
            body: [first.octets(), second.octets()].concat(),
            ..Self::v3()
        }
    }

    pub(crate) fn ip(&self) -> IpMeta {
        IpMeta {
            source: self.source,
            destination: self.destination,
            hop_limit: self.hop_limit,
        }
    }

    pub(crate) fn message(&self) -> Vec<u8> {
        let [t0, t1] = self.timing;
        let first = self.version << 4 | self.kind;
        let mut message = vec![first, self.vrid, self.priority, self.count, t0, t1, 0, 0];
        message.extend(&self.body);
        message.truncate(self.cut.unwrap_or(usize::MAX));
        let [high, low] = self.checksum(&message);
        if let [_, _, _, _, _, _, h, l, ..] = &mut message[..] {
            (*h, *l) = (high, low);
        }
        message
    }

    fn checksum(&self, message: &[u8]) -> [u8; 2] {
        let with = |destination| {
            let len = u32::try_from(message.len()).unwrap().to_be_bytes();
            let (source, destination) = (octets(self.source), octets(destination));
            internet_checksum(&[&source, &destination, &len, &[0, 0, 0, 112], message])
        };
        match self.covers {
            Covers::Message => internet_checksum(&[message]),
            Covers::PseudoHeader => with(self.destination),
            Covers::OtherDestination(destination) => with(destination),
            Covers::Wrong(by) => {
                let form = if self.version == 2 {
                    Covers::Message
                } else {
                    Covers::PseudoHeader
                };
                let [high, low] = Self {
                    covers: form,
                    ..self.clone()
                }
                .checksum(message);
                [high, low.wrapping_add(by)]
            }
        }
    }

    /// What the default policy says of the packet.
    pub(crate) fn verdict(&self) -> Result<(), ParseError> {
        self.verdict_under(&ParsePolicy::default())
    }

    pub(crate) fn verdict_under(&self, policy: &ParsePolicy) -> Result<(), ParseError> {
        Advert::parse(&self.message(), &self.ip(), policy).map(drop)
    }

    /// The IPv4 packet, 20 octets of header without options.
    pub(crate) fn ipv4_packet(&self) -> Vec<u8> {
        let message = self.message();
        let total = u16::try_from(20 + message.len()).unwrap().to_be_bytes();
        let mut header = vec![
            0x45,
            0xc0,
            total[0],
            total[1],
            0,
            1,
            0,
            0,
            self.hop_limit,
            112,
            0,
            0,
        ];
        header.extend(octets(self.source));
        header.extend(octets(self.destination));
        fix_ipv4_header(&mut header);
        [header, message].concat()
    }
}

/// Puts the right header checksum into an IPv4 packet.
pub(crate) fn fix_ipv4_header(packet: &mut [u8]) {
    let len = usize::from(packet[0] & 0x0f) * 4;
    packet[10..12].fill(0);
    let checksum = internet_checksum(&[&packet[..len]]);
    packet[10..12].copy_from_slice(&checksum);
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}
