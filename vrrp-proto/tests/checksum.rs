//! Which checksum forms verify, for each version, family and policy.

mod support;

use std::net::IpAddr;

use support::{Covers, Raw};
use vrrp_proto::{Advert, Checksum, ChecksumPolicy, ParseError, ParsePolicy};

fn form(raw: &Raw, policy: &ParsePolicy) -> Result<Checksum, ParseError> {
    Advert::parse(&raw.message(), &raw.ip(), policy).map(|advert| advert.checksum())
}

fn with(covers: Covers) -> impl Fn(Raw) -> Raw {
    move |raw| Raw { covers, ..raw }
}

/// VRRP-V3-CK-04: either form by default, and which one it was is reported.
#[test]
fn version_3_over_ipv4_verifies_with_and_without_the_pseudo_header() {
    let default = ParsePolicy::default();
    let message_only = with(Covers::Message)(Raw::v3());
    assert_eq!(form(&message_only, &default), Ok(Checksum::MessageOnly));
    let pseudo_header = with(Covers::PseudoHeader)(Raw::v3());
    assert_eq!(form(&pseudo_header, &default), Ok(Checksum::PseudoHeader));
}

/// VRRP-V3-CK-04.
#[test]
fn a_policy_for_one_form_refuses_the_other() {
    for (covers, found) in [
        (Covers::Message, Checksum::MessageOnly),
        (Covers::PseudoHeader, Checksum::PseudoHeader),
    ] {
        for wanted in [
            Checksum::MessageOnly,
            Checksum::PseudoHeader,
            Checksum::OldUnicast,
        ] {
            let policy = ParsePolicy::default().with_checksum(ChecksumPolicy::Only(wanted));
            let expected = if wanted == found {
                Ok(found)
            } else {
                Err(ParseError::Checksum)
            };
            assert_eq!(
                form(&with(covers)(Raw::v3()), &policy),
                expected,
                "{covers:?} {wanted:?}"
            );
        }
    }
}

/// VRRP-V3-CK-02, whatever the policy says about IPv4.
#[test]
fn version_3_over_ipv6_verifies_with_the_pseudo_header_only() {
    for policy in [ParsePolicy::default(), ParsePolicy::rfc9568()] {
        assert_eq!(form(&Raw::v3_ipv6(), &policy), Ok(Checksum::PseudoHeader));
        let without = with(Covers::Message)(Raw::v3_ipv6());
        assert_eq!(form(&without, &policy), Err(ParseError::Checksum));
        let other: IpAddr = "ff02::13".parse().unwrap();
        let other = with(Covers::OtherDestination(other))(Raw::v3_ipv6());
        assert_eq!(form(&other, &policy), Err(ParseError::Checksum));
    }
}

/// VRRP-V2-CK-01, whatever the policy says about VRRPv3.
#[test]
fn version_2_verifies_without_a_pseudo_header_only() {
    let only = ChecksumPolicy::Only(Checksum::PseudoHeader);
    for policy in [
        ParsePolicy::default(),
        ParsePolicy::default().with_checksum(only),
    ] {
        assert_eq!(form(&Raw::v2(), &policy), Ok(Checksum::MessageOnly));
        let with_pseudo_header = with(Covers::PseudoHeader)(Raw::v2());
        assert_eq!(
            form(&with_pseudo_header, &policy),
            Err(ParseError::Checksum)
        );
    }
}

/// VRRP-V2-CK-01, RFC 3768 5.3.8: the authentication data is covered.
#[test]
fn version_2_covers_the_authentication_data() {
    let raw = Raw::v2();
    let mut message = raw.message();
    *message.last_mut().unwrap() = 1;
    let verdict = Advert::parse(&message, &raw.ip(), &ParsePolicy::default());
    assert_eq!(verdict, Err(ParseError::Checksum));
}

/// VRRP-V3-CK-05: for unicast packets, and for those only.
#[test]
fn the_old_unicast_form_has_to_be_asked_for_and_is_for_unicast() {
    let group: IpAddr = [224, 0, 0, 18].into();
    let old = with(Covers::OtherDestination(group));
    let unicast = old(Raw {
        destination: [192, 0, 2, 2].into(),
        ..Raw::v3()
    });
    let default = ParsePolicy::default();
    let asked = default.with_old_unicast_checksum(true);
    assert_eq!(form(&unicast, &default), Err(ParseError::Checksum));
    assert_eq!(form(&unicast, &asked), Ok(Checksum::OldUnicast));
    let strict = ParsePolicy::rfc9568().with_old_unicast_checksum(true);
    assert_eq!(form(&unicast, &strict), Ok(Checksum::OldUnicast));
    let other_group = old(Raw {
        destination: [224, 0, 0, 19].into(),
        ..Raw::v3()
    });
    assert_eq!(form(&other_group, &asked), Err(ParseError::Checksum));
}

/// VRRP-V3-CK-06, RFC 1071: a sum of zero may be sent as either zero.
#[test]
fn a_checksum_of_zero_verifies_as_0000_and_as_ffff() {
    let zero = (0..=u16::MAX)
        .map(|low| {
            let [a, b] = low.to_be_bytes();
            Raw {
                body: vec![192, 0, a, b],
                covers: Covers::Message,
                ..Raw::v3()
            }
        })
        .find(|raw| raw.message()[6..8] == [0, 0])
        .unwrap();
    let mut message = zero.message();
    for field in [[0x00, 0x00], [0xff, 0xff]] {
        message[6..8].copy_from_slice(&field);
        let advert = Advert::parse(&message, &zero.ip(), &ParsePolicy::rfc9568());
        assert_eq!(
            advert.unwrap().checksum(),
            Checksum::MessageOnly,
            "{field:02x?}"
        );
    }
    message[7] = 0xfe;
    let verdict = Advert::parse(&message, &zero.ip(), &ParsePolicy::default());
    assert_eq!(verdict, Err(ParseError::Checksum));
}

/// VRRP-V3-CK-04, VRRP-V3-CK-06: with a source that makes the pseudo header sum to zero both
/// forms verify; the one the policy accepts is reported.
#[test]
fn where_both_forms_verify_the_first_accepted_one_is_reported() {
    // e000 + 0012 + 0070 + 000c = e08e; 1f71 fills that up to ffff.
    let raw = Raw {
        source: [0x1f, 0x71, 0, 0].into(),
        ..Raw::v3()
    };
    let default = ParsePolicy::default();
    assert_eq!(form(&raw, &default), Ok(Checksum::MessageOnly));
    let only = default.with_checksum(ChecksumPolicy::Only(Checksum::PseudoHeader));
    assert_eq!(form(&raw, &only), Ok(Checksum::PseudoHeader));
}
