//! Splitting whole IP packets: bounds, options, padding, protocols.

mod support;

use support::{Raw, fix_ipv4_header, vector_named};
use vrrp_proto::{ParseError, split_ipv4, split_ipv6};

/// VRRP-GEN-09: Router Alert is the option seen in the field.
#[test]
fn ip_options_are_skipped() {
    let vector = vector_named("v2-ip-options-router-alert");
    let (ip, message) = split_ipv4(&vector.packet).unwrap();
    assert_eq!(message, &vector.packet[24..]);
    assert_eq!((ip.source, ip.hop_limit), ([192, 0, 2, 1].into(), 255));
    // The longest header there is: 60 octets.
    let plain = Raw::v2().ipv4_packet();
    let mut long = [&plain[..20], &[1; 40], &plain[20..]].concat();
    (long[0], long[3]) = (0x4f, 80);
    fix_ipv4_header(&mut long);
    assert_eq!(split_ipv4(&long).unwrap().1, &plain[20..]);
}

/// VRRP-GEN-09: the buffer may be longer than the packet, never shorter.
#[test]
fn the_total_length_bounds_the_message() {
    let packet = Raw::v2().ipv4_packet();
    let padded = [&packet[..], &[0xff; 6]].concat();
    assert_eq!(split_ipv4(&padded), split_ipv4(&packet));
    let needed = packet.len();
    for got in 0..needed {
        let needed = if got < 20 { 20 } else { needed };
        let expected = ParseError::IpTruncated { needed, got };
        assert_eq!(split_ipv4(&packet[..got]), Err(expected));
    }
}

/// VRRP-GEN-09.
#[test]
fn an_ipv4_header_that_contradicts_itself_is_refused() {
    let packet = Raw::v2().ipv4_packet();
    let with = |change: fn(&mut Vec<u8>)| {
        let mut packet = packet.clone();
        change(&mut packet);
        split_ipv4(&packet).unwrap_err()
    };
    assert_eq!(with(|p| p[0] = 0x65), ParseError::IpVersion { found: 6 });
    for words in 0..5 {
        let mut packet = packet.clone();
        packet[0] = 0x40 | words;
        let expected = ParseError::IpHeaderLength { octets: words * 4 };
        assert_eq!(split_ipv4(&packet), Err(expected));
    }
    assert_eq!(
        with(|p| p[3] = 19),
        ParseError::IpTotalLength {
            total: 19,
            header: 20
        }
    );
    assert_eq!(
        with(|p| (p[0], p[3]) = (0x46, 23)),
        ParseError::IpTotalLength {
            total: 23,
            header: 24
        }
    );
    assert_eq!(with(|p| p[10] ^= 1), ParseError::IpHeaderChecksum);
    assert_eq!(with(|p| p[1] ^= 1), ParseError::IpHeaderChecksum);
}

/// VRRP-GEN-09: a fragment is not a packet; Don't Fragment is no reason to refuse.
#[test]
fn ipv4_fragments_are_refused() {
    for (word, expected) in [
        (0x2000_u16, false),
        (0x0001, false),
        (0x4000, true),
        (0, true),
    ] {
        let mut packet = Raw::v2().ipv4_packet();
        packet[6..8].copy_from_slice(&word.to_be_bytes());
        fix_ipv4_header(&mut packet);
        let verdict = split_ipv4(&packet).map(drop);
        let refused = Err(ParseError::IpFragment);
        assert_eq!(
            verdict,
            if expected { Ok(()) } else { refused },
            "{word:04x}"
        );
    }
}

/// RFC 9568 5.1.1.4; VRRP-V2-AUTH-05 for 51.
#[test]
fn another_ip_protocol_is_refused_and_the_authentication_header_has_its_own_reason() {
    for protocol in 0..=255 {
        let mut packet = Raw::v2().ipv4_packet();
        packet[9] = protocol;
        fix_ipv4_header(&mut packet);
        let expected = match protocol {
            112 => Ok(()),
            51 => Err(ParseError::AuthenticationHeader),
            found => Err(ParseError::Protocol { found }),
        };
        assert_eq!(split_ipv4(&packet).map(drop), expected);
    }
}

/// VRRP-GEN-09 and RFC 9568 5.1.2 for IPv6 packets with a header.
#[test]
fn an_ipv6_packet_is_split_by_its_payload_length() {
    let vector = vector_named("v3-ipv6-basic");
    let (ip, message) = split_ipv6(&vector.packet).unwrap();
    assert_eq!(message, &vector.packet[40..]);
    assert_eq!(ip, Raw::v3_ipv6().ip());
    let padded = [&vector.packet[..], &[0xff; 6]].concat();
    assert_eq!(split_ipv6(&padded), Ok((ip, message)));
    let whole = vector.packet.len();
    for got in 0..whole {
        let needed = if got < 40 { 40 } else { whole };
        let expected = ParseError::IpTruncated { needed, got };
        assert_eq!(split_ipv6(&vector.packet[..got]), Err(expected));
    }
    let mut packet = vector.packet.clone();
    packet[0] = 0x4c;
    assert_eq!(split_ipv6(&packet), Err(ParseError::IpVersion { found: 4 }));
    packet[0] = 0x6c;
    packet[6] = 51;
    assert_eq!(split_ipv6(&packet), Err(ParseError::AuthenticationHeader));
    packet[6] = 0;
    assert_eq!(split_ipv6(&packet), Err(ParseError::Protocol { found: 0 }));
}
