//! The two extensions with a key: the IP authentication header and the HMAC trailer.
#![cfg(feature = "auth")]

use std::net::IpAddr;

use serde_json::Value;
use vrrp_proto::{
    AddressList, Advert, AdvertInterval, AdvertRepr, AhPacket, Auth, Checksum, EmitError, Format,
    HOP_LIMIT, HmacKey, IpMeta, ParseError, ParsePolicy, Priority, Sequence, TRAILER_LEN, Trailer,
    Vrid,
};

const KEY: &[u8; 8] = b"s3cret12";

fn octets(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn packet_of(name: &str) -> Vec<u8> {
    let text = include_str!("vectors/vrrp.json");
    let all: Value = serde_json::from_str(text).unwrap();
    let found = all["vectors"].as_array().unwrap().iter();
    let vector = found.clone().find(|vector| vector["name"] == name).unwrap();
    octets(vector["hex"].as_str().unwrap())
}

/// Captured from keepalived 2.2.7 with `unicast_ttl 64`: there the TTL is not covered.
const UNICAST: &str = "45c0004000010000403365b60a0900010a090002700400000a0900010000000171506a6d622c6aee04da6c072133c80102010a5d0a0900640000000000000000";

/// VRRP-V2-AUTH-05, RFC 2402 3.3.3.
#[test]
fn packets_that_keepalived_signed_verify_with_its_password_and_no_other() {
    for packet in [
        packet_of("v2-captured-keepalived-2.2.7-auth-ah"),
        octets(UNICAST),
    ] {
        let packet = AhPacket::parse(&packet).unwrap();
        assert!(packet.verifies(KEY));
        assert!(!packet.verifies(b"s3cret13"));
        assert!(packet.index_is_source());
        assert_eq!(packet.sequence(), 1);
        let advert = Advert::parse(packet.message(), packet.meta(), &ParsePolicy::new()).unwrap();
        assert_eq!(advert.auth(), Auth::Ah);
        assert_eq!(advert.priority(), Priority::new(200));
    }
}

/// VRRP-V2-AUTH-05, RFC 2402 3.3.3.1.1.1: what routers may change is not covered, all else is.
#[test]
fn every_octet_of_a_signed_packet_is_covered_but_those_that_routers_change() {
    for packet in [
        packet_of("v2-captured-keepalived-2.2.7-auth-ah"),
        octets(UNICAST),
    ] {
        let unicast = packet[16] < 224;
        // TOS, flags and fragment offset, header checksum.
        let mut mutable = vec![1, 6, 7, 10, 11];
        if unicast {
            mutable.push(8);
        }
        for at in 0..packet.len() {
            let mut changed = packet.clone();
            changed[at] ^= if at == 6 { 0x40 } else { 1 };
            changed[10..12].fill(0);
            let sum = header_sum(&changed[..20]);
            changed[10..12].copy_from_slice(&sum);
            let verifies = AhPacket::parse(&changed).is_ok_and(|packet| packet.verifies(KEY));
            // The low bit of the fragment offset makes a fragment of it.
            assert_eq!(verifies, mutable.contains(&at) && at != 7, "octet {at}");
        }
    }
}

fn header_sum(header: &[u8]) -> [u8; 2] {
    let words = header
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!u16::try_from(sum).unwrap()).to_be_bytes()
}

fn ah_repr(addresses: &[std::net::Ipv4Addr]) -> AdvertRepr<'_> {
    AdvertRepr {
        format: Format::V2 { auth: Auth::Ah },
        vrid: Vrid::new(51).unwrap(),
        priority: Priority::new(200),
        interval: AdvertInterval::DEFAULT,
        addresses: AddressList::V4(addresses),
    }
}

/// VRRP-V2-AUTH-05: octet for octet what keepalived sent, to a group and to a peer.
#[test]
fn a_signed_packet_is_written_as_keepalived_writes_it() {
    for packet in [
        packet_of("v2-captured-keepalived-2.2.7-auth-ah"),
        octets(UNICAST),
    ] {
        let seen = AhPacket::parse(&packet).unwrap();
        let advert = Advert::parse(seen.message(), seen.meta(), &ParsePolicy::new()).unwrap();
        let addresses: Vec<_> = advert
            .addresses()
            .map(|address| match address {
                IpAddr::V4(address) => address,
                IpAddr::V6(_) => unreachable!("IPv4 only"),
            })
            .collect();
        let repr = ah_repr(&addresses);
        let mut out = [0xee; 128];
        let len = repr
            .emit_ah(seen.meta(), KEY, seen.sequence(), &mut out)
            .unwrap();
        assert_eq!(len, repr.ah_packet_len());
        assert_eq!(out[..len], packet);
    }
}

/// VRRP-V2-AUTH-05: a raw socket fills an identification of zero, which would break the check value.
#[test]
fn the_identification_of_a_signed_packet_is_never_zero() {
    let ip = IpMeta {
        source: [192, 0, 2, 1].into(),
        destination: [224, 0, 0, 18].into(),
        hop_limit: HOP_LIMIT,
    };
    let addresses = [[192, 0, 2, 100].into()];
    for sequence in [0, 1, 0x1_0000, 0x1_0001, u32::MAX] {
        let mut out = [0; 128];
        let len = ah_repr(&addresses)
            .emit_ah(&ip, KEY, sequence, &mut out)
            .unwrap();
        assert_ne!(out[4..6], [0, 0], "{sequence}");
        let packet = AhPacket::parse(&out[..len]).unwrap();
        assert!(packet.verifies(KEY));
        assert_eq!(packet.sequence(), sequence);
    }
}

/// VRRP-V2-AUTH-05: neither half can be written without the other.
#[test]
fn a_message_of_type_two_is_not_written_without_its_header_nor_the_header_for_another_type() {
    let ip = IpMeta {
        source: [192, 0, 2, 1].into(),
        destination: [224, 0, 0, 18].into(),
        hop_limit: HOP_LIMIT,
    };
    let addresses = [[192, 0, 2, 100].into()];
    let mut out = [0; 128];
    let mut repr = ah_repr(&addresses);
    assert_eq!(
        repr.emit(&ip, &mut out),
        Err(EmitError::AuthenticationHeader)
    );
    repr.format = Format::V2 { auth: Auth::None };
    let verdict = repr.emit_ah(&ip, KEY, 1, &mut out);
    assert_eq!(verdict, Err(EmitError::AuthenticationHeader));
}

/// VRRP-V2-AUTH-05: the identification of the IP header follows the sequence number. It is never 0: a kernel
/// that writes the header would put in one of its own, and that is what the check value covers.
#[test]
fn the_identification_is_the_sequence_number_and_never_0() {
    let ip = IpMeta {
        source: [192, 0, 2, 1].into(),
        destination: [224, 0, 0, 18].into(),
        hop_limit: HOP_LIMIT,
    };
    let addresses = [[192, 0, 2, 100].into()];
    let mut out = [0; 128];
    for (sequence, identification) in [
        (5, [0, 5]),
        (0x0100, [1, 0]),
        (0x0203, [2, 3]),
        (0x1_0000, [0, 1]),
        (0x1_0100, [1, 0]),
    ] {
        let length = ah_repr(&addresses)
            .emit_ah(&ip, KEY, sequence, &mut out)
            .unwrap();
        assert_eq!(out[4..6], identification, "{sequence:#x}");
        let packet = AhPacket::parse(&out[..length]).unwrap();
        assert!(packet.verifies(KEY));
        assert_eq!(packet.sequence(), sequence);
        assert!(packet.index_is_source());
        // The check value of another key is that of a packet that was signed with it.
        let other = b"another!";
        let expected = packet.check_value(other);
        ah_repr(&addresses)
            .emit_ah(&ip, other, sequence, &mut out)
            .unwrap();
        assert_eq!(out[32..44], expected, "{sequence:#x}");
        out[27] ^= 1;
        assert!(!AhPacket::parse(&out[..length]).unwrap().index_is_source());
    }
}

/// VRRP-V2-AUTH-05, VRRP-GEN-08: whatever the octets, an answer.
#[test]
fn authentication_headers_of_other_shapes_are_refused() {
    let good = packet_of("v2-captured-keepalived-2.2.7-auth-ah");
    let with = |at: usize, value: u8| {
        let mut packet = good.clone();
        packet[at] = value;
        packet
    };
    let parse = |packet: &[u8]| AhPacket::parse(packet).map(|_| ()).unwrap_err();
    assert_eq!(parse(&with(20, 6)), ParseError::Protocol { found: 6 });
    assert_eq!(parse(&with(21, 5)), ParseError::AuthenticationHeaderShape);
    for len in 0..good.len() {
        let mut packet = good[..len].to_vec();
        if len >= 20 {
            packet[3] = u8::try_from(len).unwrap();
            packet[10..12].fill(0);
            let sum = header_sum(&packet[..20]);
            packet[10..12].copy_from_slice(&sum);
        }
        assert!(
            !AhPacket::parse(&packet).is_ok_and(|packet| packet.verifies(KEY)),
            "{len}"
        );
    }
}

struct Signed {
    name: String,
    version: u64,
    ip: IpMeta,
    id: u8,
    key: HmacKey,
    sequence: Sequence,
    payload: Vec<u8>,
}

fn signed() -> Vec<Signed> {
    let all: Value = serde_json::from_str(include_str!("vectors/auth_hmac.json")).unwrap();
    let vectors = all["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 16);
    vectors
        .iter()
        .map(|vector| {
            let text = |field: &str| vector[field].as_str().unwrap();
            let number = |field: &str| vector[field].as_u64().unwrap();
            let seconds = u32::try_from(number("seconds")).unwrap();
            let fraction = u16::try_from(number("fraction")).unwrap();
            let bits = Sequence::at(seconds, fraction).bits() | number("counter");
            Signed {
                name: text("name").to_owned(),
                version: number("version"),
                ip: IpMeta {
                    source: text("source").parse().unwrap(),
                    destination: text("destination").parse().unwrap(),
                    hop_limit: HOP_LIMIT,
                },
                id: u8::try_from(number("key_id")).unwrap(),
                key: HmacKey::new(&octets(text("key"))).unwrap(),
                sequence: Sequence::new(bits),
                payload: octets(text("payload")),
            }
        })
        .collect()
}

/// KA-AX-01.
#[test]
fn trailers_made_by_an_independent_script_verify_and_are_written_the_same() {
    for vector in signed() {
        let Signed {
            name,
            ip,
            key,
            payload,
            ..
        } = &vector;
        let (message, octets) = payload.split_last_chunk::<TRAILER_LEN>().unwrap();
        let trailer = Trailer::parse(octets).unwrap();
        assert_eq!(trailer.key_id(), vector.id, "{name}");
        assert_eq!(trailer.sequence(), vector.sequence, "{name}");
        assert!(key.verifies(ip.source, message, &trailer), "{name}");
        let made = key.sign(vector.id, ip.source, message, vector.sequence);
        assert_eq!(made, *octets, "{name}");
    }
}

/// KA-AX-01: over IPv4 the checksum stops in front of the trailer, over IPv6 it covers it.
#[test]
fn signed_adverts_of_an_independent_script_parse_and_are_written_the_same() {
    for vector in signed() {
        let Signed {
            name, ip, payload, ..
        } = &vector;
        let policy = ParsePolicy::new();
        let parsed = Advert::parse_with_trailer(payload, ip, &policy);
        if vector.version == 2 && ip.source.is_ipv6() {
            assert_eq!(parsed, Err(ParseError::Version2OverIpv6), "{name}");
            continue;
        }
        let (advert, trailer) = parsed.unwrap();
        let trailer = trailer.unwrap();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for address in advert.addresses() {
            match address {
                IpAddr::V4(address) => v4.push(address),
                IpAddr::V6(address) => v6.push(address),
            }
        }
        let repr = AdvertRepr {
            format: match vector.version {
                2 => Format::V2 { auth: Auth::None },
                _ => Format::V3 {
                    ipv4_checksum: Checksum::PseudoHeader,
                },
            },
            vrid: advert.vrid(),
            priority: advert.priority(),
            interval: advert.interval(),
            addresses: match ip.source {
                IpAddr::V4(_) => AddressList::V4(&v4),
                IpAddr::V6(_) => AddressList::V6(&v6),
            },
        };
        let mut out = [0xee; 256];
        let len = repr.emit_with_trailer(ip, trailer, &mut out).unwrap();
        assert_eq!(out[..len], *payload, "{name}");
        // Whoever does not know the trailer sees octets too many.
        let plain = Advert::parse(payload, ip, &policy).unwrap_err();
        assert!(matches!(plain, ParseError::SurplusOctets { .. }), "{name}");
        // Without it, it is an advert like any other, and found to have none.
        let len = repr.emit(ip, &mut out).unwrap();
        let (bare, none) = Advert::parse_with_trailer(&out[..len], ip, &policy).unwrap();
        assert_eq!(
            (bare.addresses().len(), none),
            (advert.addresses().len(), None),
            "{name}"
        );
    }
}

/// KA-AX-01: family, version, identifier, source, message and sequence are covered.
#[test]
fn a_changed_octet_breaks_the_signature_but_for_the_checksum() {
    for vector in signed() {
        let Signed {
            name,
            ip,
            key,
            payload,
            ..
        } = &vector;
        for at in 0..payload.len() {
            let mut changed = payload.clone();
            changed[at] ^= 0x10;
            let (message, octets) = changed.split_last_chunk::<TRAILER_LEN>().unwrap();
            let verifies = Trailer::parse(octets)
                .is_ok_and(|trailer| key.verifies(ip.source, message, &trailer));
            assert_eq!(verifies, at == 6 || at == 7, "{name}: octet {at}");
        }
        let other: IpAddr = match ip.source {
            IpAddr::V4(_) => [192, 0, 2, 9].into(),
            IpAddr::V6(_) => "fe80::9".parse().unwrap(),
        };
        let (message, octets) = payload.split_last_chunk::<TRAILER_LEN>().unwrap();
        let trailer = Trailer::parse(octets).unwrap();
        assert!(!key.verifies(other, message, &trailer), "{name}");
    }
}

/// KA-AX-02: 32 to 64 octets.
#[test]
fn keys_have_thirty_two_to_sixty_four_octets() {
    for octets in 0..=80 {
        let key = HmacKey::new(&vec![7; octets]);
        assert_eq!(key.is_ok(), (32..=64).contains(&octets), "{octets}");
    }
    let shown = format!("{:?}", HmacKey::new(&[b'q'; 40]).unwrap());
    assert!(!shown.contains('q') && !shown.contains("113"), "{shown}");
}

/// KA-AX-04: serial number arithmetic, also past 2106.
#[test]
fn sequences_are_compared_around_the_end_of_their_range() {
    let last = Sequence::new(u64::MAX);
    assert!(last.next().is_after(last));
    assert!(!last.is_after(last.next()));
    assert!(!last.is_after(last));
    assert_eq!(
        Sequence::at(u32::MAX, 0).seconds_from(Sequence::at(2, 9)),
        3
    );
    assert_eq!(
        Sequence::at(2, 9).seconds_from(Sequence::at(u32::MAX, 0)),
        3
    );
}

/// A reload asks whether a key is another one.
#[test]
fn keys_are_equal_if_their_octets_are() {
    let key = |octet| HmacKey::new(&[octet; 32]).unwrap();
    assert_eq!(key(1), key(1));
    assert_ne!(key(1), key(2));
}
