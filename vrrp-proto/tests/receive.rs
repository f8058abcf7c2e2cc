//! One test for every receive rule that the octets alone can break, and the order of the rules.

mod support;

use support::{Covers, Raw, split, unhex, vector_named};
use vrrp_proto::{Advert, Auth, HopLimit, IpMeta, ParseError, ParsePolicy, peek_vrid};

/// VRRP-V2-RX-01, VRRP-V3-RX-02: the packets the other tests damage are good ones.
#[test]
fn an_undamaged_packet_of_each_kind_is_accepted() {
    for raw in [Raw::v2(), Raw::v3(), Raw::v3_ipv6()] {
        assert_eq!(raw.verdict(), Ok(()), "{raw:?}");
    }
}

/// VRRP-V2-RX-02, VRRP-V3-RX-01, RFC 9568 5.1.1.3 and 5.1.2.3.
#[test]
fn a_multicast_packet_with_another_hop_limit_than_255_is_refused() {
    for raw in [Raw::v2(), Raw::v3(), Raw::v3_ipv6()] {
        for found in [0, 1, 64, 254] {
            let raw = Raw {
                hop_limit: found,
                ..raw.clone()
            };
            assert_eq!(
                raw.verdict(),
                Err(ParseError::HopLimit { found }),
                "{raw:?}"
            );
        }
    }
}

/// VRRP-EXT-02: the range a peer may have is the receiver's business.
#[test]
fn a_unicast_packet_may_have_any_hop_limit_unless_the_policy_is_strict() {
    let raw = Raw {
        destination: [192, 0, 2, 2].into(),
        hop_limit: 64,
        ..Raw::v3()
    };
    assert_eq!(raw.verdict(), Ok(()));
    let strict = ParsePolicy::default().with_hop_limit(HopLimit::Exact255);
    assert_eq!(
        raw.verdict_under(&strict),
        Err(ParseError::HopLimit { found: 64 })
    );
    let lax = ParsePolicy::default().with_hop_limit(HopLimit::Any);
    assert_eq!(
        Raw {
            hop_limit: 1,
            ..Raw::v2()
        }
        .verdict_under(&lax),
        Ok(())
    );
}

/// VRRP-V2-RX-03, VRRP-V3-RX-02, RFC 9568 7.1.
#[test]
fn only_versions_2_and_3_are_accepted() {
    for found in (0..16).filter(|version| ![2, 3].contains(version)) {
        for raw in [Raw::v2(), Raw::v3(), Raw::v3_ipv6()] {
            let raw = Raw {
                version: found,
                ..raw
            };
            assert_eq!(raw.verdict(), Err(ParseError::Version { found }), "{raw:?}");
        }
    }
}

/// VRRP-V3-RX-02, VRRP-EXT-13: Keepalived can be told to send such packets.
#[test]
fn version_2_over_ipv6_is_refused_with_its_own_reason() {
    let raw = Raw {
        version: 2,
        ..Raw::v3_ipv6()
    };
    assert_eq!(raw.verdict(), Err(ParseError::Version2OverIpv6));
}

/// VRRP-V2-RX-04, VRRP-V3-RX-03, RFC 9568 5.2.2.
#[test]
fn only_type_1_is_accepted() {
    for found in (0..16).filter(|kind| *kind != 1) {
        for raw in [Raw::v2(), Raw::v3(), Raw::v3_ipv6()] {
            let raw = Raw { kind: found, ..raw };
            assert_eq!(raw.verdict(), Err(ParseError::Type { found }), "{raw:?}");
        }
    }
}

/// VRRP-V2-RX-06, VRRP-V3-RX-04, RFC 9568 7.1: every length, with a checksum that is right for
/// the octets that are there.
#[test]
fn a_message_cut_short_anywhere_is_refused_with_what_is_missing() {
    for raw in [Raw::v2(), Raw::v3(), Raw::v3_ipv6()] {
        let needed = raw.message().len();
        let list_end = 8 + usize::from(raw.count) * if raw.source.is_ipv6() { 16 } else { 4 };
        for got in 0..needed {
            let expected = if got < 8 {
                ParseError::HeaderTruncated { got }
            } else if got < list_end {
                ParseError::AddressesTruncated { needed, got }
            } else {
                ParseError::AuthDataMissing { needed, got }
            };
            let raw = Raw {
                cut: Some(got),
                ..raw.clone()
            };
            assert_eq!(raw.verdict(), Err(expected), "{raw:?}");
        }
    }
}

/// VRRP-GEN-08: the claimed count costs nothing.
#[test]
fn a_count_of_255_in_eight_octets_is_refused() {
    for (raw, needed) in [(Raw::v2(), 1036), (Raw::v3(), 1028), (Raw::v3_ipv6(), 4088)] {
        let raw = Raw {
            count: 255,
            cut: Some(8),
            ..raw
        };
        let expected = ParseError::AddressesTruncated { needed, got: 8 };
        assert_eq!(raw.verdict(), Err(expected));
    }
}

/// VRRP-V2-RX-14, VRRP-V3-RX-15: among them the HMAC trailer of Keepalived, 28 octets.
#[test]
fn surplus_octets_are_refused() {
    for raw in [Raw::v2(), Raw::v3(), Raw::v3_ipv6()] {
        let expected = raw.message().len();
        for surplus in [1, 4, 8, 28, 60_000] {
            let mut raw = raw.clone();
            raw.body.extend(std::iter::repeat_n(0, surplus));
            let got = expected + surplus;
            assert_eq!(
                raw.verdict(),
                Err(ParseError::SurplusOctets { expected, got })
            );
        }
    }
}

/// VRRP-V3-RX-14, RFC 9568 5.2.9: the family of the addresses is the family of the packet.
#[test]
fn an_ipv6_address_in_an_ipv4_packet_is_refused_by_its_length() {
    let raw = Raw {
        body: vec![0; 16],
        ..Raw::v3()
    };
    assert_eq!(
        raw.verdict(),
        Err(ParseError::SurplusOctets {
            expected: 12,
            got: 24
        })
    );
    let raw = Raw {
        body: vec![0; 4],
        count: 1,
        ..Raw::v3_ipv6()
    };
    assert_eq!(
        raw.verdict(),
        Err(ParseError::AddressesTruncated {
            needed: 24,
            got: 12
        })
    );
}

/// VRRP-V2-RX-07, VRRP-V3-RX-06, RFC 9568 5.2.3.
#[test]
fn vrid_zero_is_refused() {
    for raw in [Raw::v2(), Raw::v3(), Raw::v3_ipv6()] {
        assert_eq!(Raw { vrid: 0, ..raw }.verdict(), Err(ParseError::VridZero));
    }
}

/// VRRP-V2-AUTH-01, RFC 3768 5.3.6.
#[test]
fn every_authentication_type_but_0_1_and_2_is_unknown() {
    for found in 0..=255 {
        let raw = Raw {
            timing: [found, 1],
            ..Raw::v2()
        };
        let expected = if found > 2 {
            Err(ParseError::AuthType { found })
        } else {
            Ok(())
        };
        assert_eq!(raw.verdict(), expected, "{found}");
    }
}

/// VRRP-V2-RX-11, RFC 3768 7.1: 0 equals no legal local interval.
#[test]
fn a_version_2_interval_of_zero_is_refused_with_its_own_reason() {
    let raw = Raw {
        timing: [0, 0],
        ..Raw::v2()
    };
    assert_eq!(raw.verdict(), Err(ParseError::V2IntervalZero));
}

/// VRRP-V3-RX-12, RFC 9568 5.2.7 (erratum 8301); VRRP-V3-RX-09: set reserve bits do not make it
/// another interval.
#[test]
fn a_version_3_interval_of_zero_is_refused_with_its_own_reason() {
    for reserve in 0..16 {
        for raw in [Raw::v3(), Raw::v3_ipv6()] {
            let raw = Raw {
                timing: [reserve << 4, 0],
                ..raw
            };
            assert_eq!(raw.verdict(), Err(ParseError::V3IntervalZero));
        }
    }
}

/// VRRP-V3-RX-09, RFC 9568 5.2.6.
#[test]
fn the_reserve_nibble_is_ignored_and_reported() {
    for reserve in 0..16 {
        let raw = Raw {
            timing: [reserve << 4 | 0x0f, 0xff],
            ..Raw::v3()
        };
        let (message, policy) = (raw.message(), ParsePolicy::default());
        let advert = Advert::parse(&message, &raw.ip(), &policy).unwrap();
        assert_eq!(advert.interval().centis(), 4095);
        assert_eq!(advert.reserved_clear(), reserve == 0);
    }
}

/// VRRP-V3-RX-08, RFC 9568 5.2.5 (erratum 8299).
#[test]
fn a_version_3_advert_without_addresses_is_refused_unless_the_policy_allows_it() {
    let allow = ParsePolicy::default().with_allow_no_addresses(true);
    for raw in [Raw::v3(), Raw::v3_ipv6()] {
        let raw = Raw {
            count: 0,
            body: Vec::new(),
            ..raw
        };
        assert_eq!(raw.verdict(), Err(ParseError::CountZero));
        assert_eq!(raw.verdict_under(&allow), Ok(()));
        let strict = allow.with_link_local_first(true);
        assert_eq!(
            raw.verdict_under(&strict),
            Ok(()),
            "no first address, nothing to refuse"
        );
    }
}

/// VRRP-V2-RX-10: count 0 is a list that differs at most; no receive rule of RFC 3768 forbids it.
#[test]
fn a_version_2_advert_without_addresses_is_accepted() {
    let raw = Raw {
        count: 0,
        body: vec![0; 8],
        ..Raw::v2()
    };
    let (message, policy) = (raw.message(), ParsePolicy::default());
    let advert = Advert::parse(&message, &raw.ip(), &policy).unwrap();
    assert_eq!(advert.addresses().next(), None);
}

/// VRRP-V3-RX-13, RFC 9568 5.2.9 (erratum 8300); VRRP-V3-RX-16 for the source.
#[test]
fn a_first_address_that_is_not_link_local_is_refused_on_request_only() {
    let mut raw = Raw::v3_ipv6();
    let strict = ParsePolicy::default().with_link_local_first(true);
    assert_eq!(raw.verdict_under(&strict), Ok(()));
    raw.source = "2001:db8::1".parse().unwrap();
    assert_eq!(
        raw.verdict_under(&strict),
        Ok(()),
        "the source is not the first address"
    );
    raw.body.rotate_left(16);
    assert_eq!(raw.verdict(), Ok(()));
    assert_eq!(
        raw.verdict_under(&strict),
        Err(ParseError::FirstNotLinkLocal)
    );
    assert_eq!(
        Raw::v3().verdict_under(&strict),
        Ok(()),
        "IPv4 has no such rule"
    );
}

/// VRRP-V2-RX-13, VRRP-V2-AUTH-02, VRRP-V2-AUTH-04: what the types make of the data.
#[test]
fn the_authentication_data_is_a_password_in_type_1_only() {
    let data = *b"abc\0\0\0\0\0";
    let policy = ParsePolicy::default();
    for number in 0..3 {
        let body = [&[192, 0, 2, 100][..], &data].concat();
        let raw = Raw {
            timing: [number, 1],
            body,
            ..Raw::v2()
        };
        let message = raw.message();
        let advert = Advert::parse(&message, &raw.ip(), &policy).unwrap();
        let expected = [Auth::None, Auth::Password(&data), Auth::Ah][usize::from(number)];
        assert_eq!(advert.auth(), expected);
        assert_eq!(advert.auth().is_password(&data), number == 1);
        assert_eq!(
            advert.reserved_clear(),
            number == 1,
            "data where none belongs is reported"
        );
    }
}

/// VRRP-V3-RX-14: a caller that mixes families gets an error and no panic.
#[test]
fn source_and_destination_of_different_families_are_refused() {
    for raw in [Raw::v3(), Raw::v3_ipv6()] {
        let other = if raw.source.is_ipv6() {
            Raw::v3()
        } else {
            Raw::v3_ipv6()
        };
        let ip = IpMeta {
            destination: other.destination,
            ..raw.ip()
        };
        let verdict = Advert::parse(&raw.message(), &ip, &ParsePolicy::default()).map(drop);
        assert_eq!(verdict, Err(ParseError::MixedFamilies));
    }
}

/// VRRP-GEN-12: of two faults the earlier one is reported. Every pair that can meet in one packet.
#[test]
fn of_two_faults_the_one_that_is_checked_first_is_reported() {
    type Damage = fn(&mut Raw);
    let faults: [(&str, Damage); 9] = [
        ("hop_limit", |raw| raw.hop_limit = 64),
        ("version", |raw| raw.version = 9),
        ("type", |raw| raw.kind = 2),
        ("surplus_octets", |raw| raw.body.extend([0; 4])),
        ("checksum", |raw| raw.covers = Covers::Wrong(1)),
        ("vrid_zero", |raw| raw.vrid = 0),
        ("auth_type", |raw| raw.timing[0] = 7),
        ("v2_interval_zero", |raw| raw.timing[1] = 0),
        ("none", |_| {}),
    ];
    for (i, (name, damage)) in faults.iter().enumerate() {
        for (_, other) in &faults[i + 1..] {
            let mut raw = Raw::v2();
            damage(&mut raw);
            other(&mut raw);
            assert_eq!(raw.verdict().unwrap_err().name(), *name, "{raw:?}");
        }
    }
    let faults: [(&str, Damage); 10] = [
        ("hop_limit", |raw| raw.hop_limit = 64),
        ("version2_over_ipv6", |raw| raw.version = 2),
        ("type", |raw| raw.kind = 2),
        ("addresses_truncated", |raw| raw.cut = Some(38)),
        ("checksum", |raw| raw.covers = Covers::Wrong(1)),
        ("vrid_zero", |raw| raw.vrid = 0),
        ("v3_interval_zero", |raw| raw.timing = [0, 0]),
        ("first_not_link_local", |raw| raw.body.rotate_left(16)),
        ("none", |_| {}),
        ("none", |_| {}),
    ];
    let policy = ParsePolicy::default().with_link_local_first(true);
    for (i, (name, damage)) in faults[..8].iter().enumerate() {
        for (_, other) in &faults[i + 1..] {
            let mut raw = Raw::v3_ipv6();
            damage(&mut raw);
            other(&mut raw);
            assert_eq!(
                raw.verdict_under(&policy).unwrap_err().name(),
                *name,
                "{raw:?}"
            );
        }
    }
    let raw = Raw {
        count: 0,
        body: Vec::new(),
        timing: [0, 0],
        ..Raw::v3()
    };
    assert_eq!(
        raw.verdict(),
        Err(ParseError::CountZero),
        "count before interval"
    );
    let raw = Raw {
        hop_limit: 1,
        cut: Some(3),
        ..Raw::v3()
    };
    assert_eq!(
        raw.verdict(),
        Err(ParseError::HopLimit { found: 1 }),
        "hop limit before length"
    );
    let raw = Raw {
        version: 9,
        cut: Some(7),
        ..Raw::v3()
    };
    assert_eq!(
        raw.verdict(),
        Err(ParseError::HeaderTruncated { got: 7 }),
        "length before version"
    );
}

/// VRRP-GEN-04: the router finds the instance before it parses.
#[test]
fn the_vrid_of_any_message_can_be_peeked_at() {
    assert_eq!(peek_vrid(&[]), None);
    assert_eq!(peek_vrid(&[0x31]), None);
    assert_eq!(peek_vrid(&[0x31, 51]), Some(51));
    assert_eq!(peek_vrid(&Raw::v2().message()), Some(51));
}

/// VRRP-V3-RX-05, VRRP-V2-RX-05: the checksum finds every single flipped bit that the other
/// rules let through.
#[test]
fn no_packet_with_one_flipped_bit_in_the_message_is_accepted() {
    for name in [
        "v2-basic-prio200",
        "v3-ipv4-prio200-pseudo",
        "v3-ipv6-basic",
    ] {
        let mut packet = vector_named(name).packet;
        let start = packet.len() - split(&packet).unwrap().1.len();
        for bit in start * 8..packet.len() * 8 {
            packet[bit / 8] ^= 1 << (bit % 8);
            let (ip, message) = split(&packet).unwrap();
            let verdict = Advert::parse(message, &ip, &ParsePolicy::default());
            assert!(verdict.is_err(), "{name}, bit {bit}");
            packet[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// VRRP-GEN-06: counters by reason are arrays.
#[test]
fn every_reason_has_its_own_index_and_its_own_name() {
    let all = [
        ParseError::IpTruncated { needed: 0, got: 0 },
        ParseError::IpVersion { found: 0 },
        ParseError::IpHeaderLength { octets: 0 },
        ParseError::IpTotalLength {
            total: 0,
            header: 0,
        },
        ParseError::IpHeaderChecksum,
        ParseError::IpFragment,
        ParseError::MixedFamilies,
        ParseError::AuthenticationHeader,
        ParseError::AuthenticationHeaderShape,
        ParseError::Protocol { found: 0 },
        ParseError::HopLimit { found: 0 },
        ParseError::HeaderTruncated { got: 0 },
        ParseError::Version { found: 0 },
        ParseError::Version2OverIpv6,
        ParseError::Type { found: 0 },
        ParseError::AddressesTruncated { needed: 0, got: 0 },
        ParseError::AuthDataMissing { needed: 0, got: 0 },
        ParseError::SurplusOctets {
            expected: 0,
            got: 0,
        },
        ParseError::Checksum,
        ParseError::VridZero,
        ParseError::AuthType { found: 0 },
        ParseError::V2IntervalZero,
        ParseError::CountZero,
        ParseError::V3IntervalZero,
        ParseError::FirstNotLinkLocal,
    ];
    assert_eq!(all.len(), ParseError::COUNT);
    for (position, error) in all.iter().enumerate() {
        assert_eq!(error.index(), position, "{error:?}");
        assert_eq!(error.name(), ParseError::NAMES[position]);
        // The name says the same as the variant: HopLimit is hop_limit.
        let variant = format!("{error:?}");
        let variant = variant.split(' ').next().unwrap();
        let name: String = error.name().split('_').collect();
        assert_eq!(name, variant.to_lowercase());
        assert!(!error.to_string().ends_with('.'));
    }
}

/// Nobody wants a password in a log file.
#[test]
fn no_debug_output_shows_the_password() {
    let vector = vector_named("v2-auth1-password8");
    let advert = vector.parse(&ParsePolicy::default()).unwrap();
    assert_eq!(advert.auth(), Auth::Password(b"s3cret12"));
    let shown = format!("{advert:?} {:?}", advert.auth());
    assert!(shown.contains("Password(..)"), "{shown}");
    assert!(shown.contains("192.0.2.100"), "{shown}");
    let octets = unhex("7333637265743132")
        .iter()
        .map(u8::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    assert!(
        !shown.contains("s3cret") && !shown.contains(&octets),
        "{shown}"
    );
}
