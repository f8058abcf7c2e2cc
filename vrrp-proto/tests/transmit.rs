//! One test for every rule about what is sent.

mod support;

use std::net::{Ipv4Addr, Ipv6Addr};

use support::{Covers, Raw, unhex};
use vrrp_proto::{
    AddressList, AdvertInterval, AdvertRepr, Auth, Checksum, EmitError, Format, GROUP_V4, GROUP_V6,
    IpMeta, Priority, Vrid, pad_password,
};

const VIP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);
const VIP6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x51),
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x100),
];

fn repr<'a>(format: Format<'a>, addresses: AddressList<'a>) -> AdvertRepr<'a> {
    AdvertRepr {
        format,
        vrid: Vrid::new(51).unwrap(),
        priority: Priority::new(200),
        interval: AdvertInterval::DEFAULT,
        addresses,
    }
}

fn v2(auth: Auth<'_>) -> AdvertRepr<'_> {
    repr(Format::V2 { auth }, AddressList::V4(&[VIP]))
}

fn v3(ipv4_checksum: Checksum) -> AdvertRepr<'static> {
    repr(Format::V3 { ipv4_checksum }, AddressList::V4(&[VIP]))
}

fn v3_ipv6() -> AdvertRepr<'static> {
    repr(
        Format::V3 {
            ipv4_checksum: Checksum::MessageOnly,
        },
        AddressList::V6(&VIP6),
    )
}

fn ipv4() -> IpMeta {
    Raw::v2().ip()
}

fn ipv6() -> IpMeta {
    Raw::v3_ipv6().ip()
}

fn written(repr: AdvertRepr<'_>, ip: &IpMeta) -> Vec<u8> {
    let mut out = [0xee; 5000];
    let len = repr.emit(ip, &mut out).unwrap();
    assert_eq!(len, repr.buffer_len());
    assert!(
        out[len..].iter().all(|octet| *octet == 0xee),
        "nothing is written past the message"
    );
    out[..len].to_vec()
}

/// VRRP-V2-TX-01, VRRP-V2-CK-01, VRRP-V2-TX-05, RFC 3768 7.2.
#[test]
fn a_version_2_advert_is_the_worked_packet() {
    let expected = unhex("2133c80100015465c00002640000000000000000");
    assert_eq!(written(v2(Auth::None), &ipv4()), expected);
}

/// VRRP-V2-AUTH-02, VRRP-V2-TX-01: the same octets as a captured Keepalived packet.
#[test]
fn a_password_ends_the_message() {
    let expected = unhex("2133c8010101e618c00002647333637265743132");
    assert_eq!(written(v2(Auth::Password(b"s3cret12")), &ipv4()), expected);
}

/// VRRP-V2-AUTH-04.
#[test]
fn a_short_password_is_padded_and_a_long_one_is_cut_with_a_remark() {
    assert_eq!(pad_password(b""), ([0; 8], false));
    assert_eq!(pad_password(b"abc"), (*b"abc\0\0\0\0\0", false));
    assert_eq!(pad_password(b"s3cret12"), (*b"s3cret12", false));
    assert_eq!(pad_password(b"s3cret123"), (*b"s3cret12", true));
}

/// VRRP-V2-AUTH-03: every single octet counts.
#[test]
fn a_password_that_differs_anywhere_is_another_password() {
    let auth = Auth::Password(b"s3cret12");
    assert!(auth.is_password(b"s3cret12"));
    for position in 0..8 {
        let mut other = *b"s3cret12";
        other[position] ^= 0x20;
        assert!(!auth.is_password(&other), "{position}");
        // Differences do not make up for each other.
        other[(position + 3) % 8] ^= 0x20;
        assert!(!auth.is_password(&other), "{position} and another");
    }
    assert!(!Auth::None.is_password(&[0; 8]) && !Auth::Ah.is_password(&[0; 8]));
}

/// VRRP-V3-CK-01, VRRP-V3-TX-01, RFC 9568 5.2.8.
#[test]
fn a_version_3_advert_over_ipv4_can_leave_the_pseudo_header_out() {
    let expected = unhex("3133c80100644402c0000264");
    assert_eq!(written(v3(Checksum::MessageOnly), &ipv4()), expected);
}

/// VRRP-V3-CK-03, VRRP-V3-CK-04, RFC 5798 5.2.8.
#[test]
fn a_version_3_advert_over_ipv4_can_have_the_pseudo_header_in() {
    let expected = unhex("3133c8010064a171c0000264");
    assert_eq!(written(v3(Checksum::PseudoHeader), &ipv4()), expected);
}

/// VRRP-V3-CK-05.
#[test]
fn the_old_unicast_checksum_takes_the_group_for_the_destination() {
    let ip = IpMeta {
        destination: [192, 0, 2, 2].into(),
        ..ipv4()
    };
    let covers = Covers::OtherDestination(GROUP_V4.into());
    let expected = Raw {
        destination: ip.destination,
        covers,
        ..Raw::v3()
    }
    .message();
    assert_eq!(written(v3(Checksum::OldUnicast), &ip), expected);
    assert_ne!(written(v3(Checksum::PseudoHeader), &ip), expected);
}

/// VRRP-V3-CK-02, VRRP-V3-CK-07, RFC 9568 5.2.8: the choice for IPv4 means nothing here.
#[test]
fn a_version_3_advert_over_ipv6_always_covers_the_pseudo_header() {
    let expected =
        unhex("3133c8020064daabfe80000000000000000000000000005120010db8000000000000000000000100");
    for ipv4_checksum in [
        Checksum::MessageOnly,
        Checksum::PseudoHeader,
        Checksum::OldUnicast,
    ] {
        let repr = AdvertRepr {
            format: Format::V3 { ipv4_checksum },
            ..v3_ipv6()
        };
        assert_eq!(written(repr, &ipv6()), expected);
    }
    assert_eq!(ipv6().destination, GROUP_V6);
}

/// VRRP-V2-TX-06, VRRP-V3-TX-07, RFC 9568 6.4.3.
#[test]
fn a_release_is_an_advert_of_priority_0() {
    let repr = AdvertRepr {
        priority: Priority::RELEASE,
        ..v2(Auth::None)
    };
    let expected = unhex("2133000100011c66c00002640000000000000000");
    assert_eq!(written(repr, &ipv4()), expected);
    let repr = AdvertRepr {
        priority: Priority::RELEASE,
        ..v3_ipv6()
    };
    assert_eq!(
        written(repr, &ipv6()),
        Raw {
            priority: 0,
            ..Raw::v3_ipv6()
        }
        .message()
    );
}

/// VRRP-V3-TX-02, VRRP-TMR-05, RFC 9568 5.2.6.
#[test]
fn the_longest_version_3_interval_leaves_the_reserve_nibble_zero() {
    let repr = AdvertRepr {
        interval: AdvertInterval::MAX_V3,
        ..v3(Checksum::MessageOnly)
    };
    assert_eq!(written(repr, &ipv4())[4..6], [0x0f, 0xff]);
    let interval = AdvertInterval::from_centis(4096).unwrap();
    let repr = AdvertRepr { interval, ..repr };
    assert_eq!(
        repr.emit(&ipv4(), &mut [0; 64]),
        Err(EmitError::Interval { interval })
    );
}

/// VRRP-TMR-06, VRRP-EXT-12, RFC 3768 5.3.7.
#[test]
fn a_version_2_interval_is_whole_seconds() {
    let repr = AdvertRepr {
        interval: AdvertInterval::MAX_V2,
        ..v2(Auth::None)
    };
    assert_eq!(written(repr, &ipv4())[5], 255);
    for centis in [1, 99, 101, 150, 25_499] {
        let interval = AdvertInterval::from_centis(centis).unwrap();
        let repr = AdvertRepr { interval, ..repr };
        assert_eq!(
            repr.emit(&ipv4(), &mut [0; 64]),
            Err(EmitError::Interval { interval })
        );
    }
}

/// VRRP-V3-TX-04, VRRP-V3-TX-06, RFC 9568 5.2.9.
#[test]
fn the_order_of_the_addresses_is_kept() {
    let list: Vec<Ipv6Addr> = (0..200).rev().map(Ipv6Addr::from_bits).collect();
    let repr = AdvertRepr {
        addresses: AddressList::V6(&list),
        ..v3_ipv6()
    };
    let message = written(repr, &ipv6());
    assert_eq!(message[3], 200);
    let octets: Vec<u8> = list.iter().flat_map(Ipv6Addr::octets).collect();
    assert_eq!(message[8..], octets);
}

/// VRRP-V2-TX-07, RFC 3768 5.3.5.
#[test]
fn more_than_255_addresses_are_refused() {
    let list = [VIP; 256];
    for format in [
        Format::V2 { auth: Auth::None },
        v3(Checksum::PseudoHeader).format,
    ] {
        let most = repr(format, AddressList::V4(&list[..255]));
        assert_eq!(written(most, &ipv4())[3], 255);
        let more = repr(format, AddressList::V4(&list));
        let expected = Err(EmitError::TooManyAddresses { count: 256 });
        assert_eq!(more.emit(&ipv4(), &mut [0; 5000]), expected);
    }
}

/// VRRP-V3-TX-05: the configuration says whether there may be none.
#[test]
fn an_empty_list_is_written_as_it_is() {
    let repr = repr(v3(Checksum::PseudoHeader).format, AddressList::V4(&[]));
    assert_eq!(
        written(repr, &ipv4()),
        Raw {
            count: 0,
            body: vec![],
            ..Raw::v3()
        }
        .message()
    );
    assert!(repr.addresses.is_empty());
}

/// VRRP-V2-TX-04, VRRP-V3-TX-03.
#[test]
fn an_advert_whose_addresses_are_of_two_families_is_refused() {
    let mixed = IpMeta {
        source: ipv6().source,
        ..ipv4()
    };
    for (repr, ip) in [
        (v3_ipv6(), ipv4()),
        (v2(Auth::None), ipv6()),
        (v3_ipv6(), mixed),
    ] {
        assert_eq!(repr.emit(&ip, &mut [0; 64]), Err(EmitError::MixedFamilies));
    }
}

/// VRRP-EXT-13.
#[test]
fn version_2_over_ipv6_is_not_sent() {
    let repr = AdvertRepr {
        format: v2(Auth::None).format,
        ..v3_ipv6()
    };
    assert_eq!(
        repr.emit(&ipv6(), &mut [0; 64]),
        Err(EmitError::Version2OverIpv6)
    );
}

/// VRRP-V2-AUTH-05: type 2 without its header would be a packet nobody accepts.
#[test]
fn authentication_type_2_is_not_sent() {
    let verdict = v2(Auth::Ah).emit(&ipv4(), &mut [0; 64]);
    assert_eq!(verdict, Err(EmitError::AuthenticationHeader));
}

/// VRRP-V2-TX-02: all or nothing.
#[test]
fn a_buffer_that_is_too_small_is_refused_untouched() {
    for (repr, ip) in [(v2(Auth::None), ipv4()), (v3_ipv6(), ipv6())] {
        let needed = repr.buffer_len();
        for got in 0..needed {
            let mut out = vec![0xee; got];
            let expected = Err(EmitError::BufferTooSmall { needed, got });
            assert_eq!(repr.emit(&ip, &mut out), expected);
            assert!(out.iter().all(|octet| *octet == 0xee));
        }
    }
}

/// VRRP-V2-TX-02, VRRP-V3-CK-06: what was in the buffer before does not matter.
#[test]
fn an_old_message_in_the_buffer_leaves_no_trace() {
    let mut out = [0xff; 20];
    let one = AdvertRepr {
        priority: Priority::OWNER,
        ..v2(Auth::Password(b"s3cret12"))
    };
    one.emit(&ipv4(), &mut out).unwrap();
    v2(Auth::None).emit(&ipv4(), &mut out).unwrap();
    assert_eq!(out[..], written(v2(Auth::None), &ipv4()));
}
