//! All 148 recorded packets, both ways.

mod support;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use support::{Vector, unhex, vector_named, vectors};
use vrrp_proto::{
    AddressList, Advert, AdvertRepr, Auth, Checksum, ChecksumPolicy, Format, HopLimit, IpMeta,
    ParseError, ParsePolicy, Version,
};

/// Reasons that need the configuration of the receiver: these packets are adverts, and whether
/// they are welcome is judged by the state machine crate.
const JUDGED_BY_THE_RECEIVER: [&str; 13] = [
    "ADDRESS_LIST_MISMATCH",
    "AUTH_FAILED",
    "AUTH_REPLAY",
    "AUTH_TYPE_MISMATCH",
    "DST_IS_GROUP",
    "DST_NOT_GROUP",
    "INTERVAL_MISMATCH",
    "LOCAL_IS_OWNER",
    "OWN_ADDRESS",
    "TTL_OUT_OF_RANGE",
    "UNKNOWN_PEER",
    "UNKNOWN_VRID",
    "VERSION_MISMATCH",
];

/// Every packet that the default profile drops for such a reason, by name.
const PARSED_AND_LEFT_TO_THE_RECEIVER: [&str; 21] = [
    "v2-auth0-received-pass-configured",
    "v2-auth1-password-case-differs",
    "v2-auth1-received-none-configured",
    "v2-auth1-wrong-password",
    "v2-auth2-without-ah-header",
    "v2-context-receives-v3",
    "v2-dst-other-group",
    "v2-dst-unicast-on-multicast-instance",
    "v2-interval-mismatch",
    "v2-multicast-on-unicast-instance",
    "v2-own-source-address",
    "v2-unicast-ttl-below-min",
    "v2-unicast-unknown-peer",
    "v2-vrid-not-configured",
    "v3-ipv4-context-receives-v2",
    "v3-ipv4-dst-unicast-on-multicast-instance",
    "v3-ipv4-own-source-address-pseudo",
    "v3-ipv4-vrid-not-configured",
    "v3-ipv6-own-source-address",
    "v3-ipv6-vrid-not-configured",
    "v3-ipv6-wrong-group",
];

/// The IP authentication header is recognised and refused; verifying it is not supported.
const WITH_AUTHENTICATION_HEADER: [&str; 3] = [
    "v2-auth-ah-bad-icv",
    "v2-auth-ah-replayed-sequence",
    "v2-captured-keepalived-2.2.7-auth-ah",
];

/// The reason code of the vectors for each of our errors.
fn code(error: ParseError) -> &'static str {
    match error {
        ParseError::IpTruncated { .. }
        | ParseError::HeaderTruncated { .. }
        | ParseError::AddressesTruncated { .. }
        | ParseError::AuthDataMissing { .. } => "TRUNCATED",
        ParseError::IpVersion { .. }
        | ParseError::IpHeaderLength { .. }
        | ParseError::IpTotalLength { .. } => "BAD_IP_HEADER",
        ParseError::IpHeaderChecksum => "IP_HEADER_CHECKSUM",
        ParseError::Protocol { .. } => "WRONG_PROTOCOL",
        ParseError::HopLimit { .. } => "TTL_NOT_255",
        ParseError::Version { .. } => "BAD_VERSION",
        ParseError::Version2OverIpv6 => "VERSION_MISMATCH",
        ParseError::Type { .. } => "BAD_TYPE",
        ParseError::SurplusOctets { .. } => "LENGTH_MISMATCH",
        ParseError::Checksum => "BAD_CHECKSUM",
        ParseError::VridZero => "VRID_ZERO",
        ParseError::AuthType { .. } => "AUTH_TYPE_UNKNOWN",
        ParseError::V2IntervalZero => "INTERVAL_MISMATCH",
        ParseError::CountZero => "COUNT_ZERO",
        ParseError::V3IntervalZero => "INTERVAL_ZERO",
        ParseError::FirstNotLinkLocal => "FIRST_ADDRESS_NOT_LINK_LOCAL",
        other => panic!("no vector shows {other:?}"),
    }
}

/// VRRP-V2-RX-01, VRRP-V2-RX-02, VRRP-V2-RX-03, VRRP-V2-RX-04, VRRP-V2-RX-05, VRRP-V2-RX-06,
/// VRRP-V2-RX-14, VRRP-V3-RX-01, VRRP-V3-RX-02, VRRP-V3-RX-03, VRRP-V3-RX-04, VRRP-V3-RX-05,
/// VRRP-V3-RX-08, VRRP-V3-RX-12, VRRP-V3-RX-15: the interoperable profile.
#[test]
fn every_vector_gets_the_verdict_of_its_reason_code() {
    let (mut accepted, mut refused, mut left, mut header) = (0, 0, Vec::new(), Vec::new());
    for vector in vectors() {
        let verdict = vector.parse(&ParsePolicy::default());
        match (verdict, vector.reason.as_str()) {
            (Err(ParseError::AuthenticationHeader), _) => header.push(vector.name),
            (Ok(_), "ok") => accepted += 1,
            (Ok(_), reason) if JUDGED_BY_THE_RECEIVER.contains(&reason) => left.push(vector.name),
            (Err(error), reason) if code(error) == reason => refused += 1,
            (verdict, reason) => panic!("{}: {reason}, but {verdict:?}", vector.name),
        }
    }
    left.sort();
    header.sort();
    assert_eq!(left, PARSED_AND_LEFT_TO_THE_RECEIVER);
    assert_eq!(header, WITH_AUTHENTICATION_HEADER);
    assert_eq!((accepted, refused), (64, 60));
    assert_eq!(
        accepted + refused + left.len() + header.len(),
        148,
        "no vector is skipped"
    );
}

/// VRRP-V3-CK-01, VRRP-V3-RX-13, VRRP-V2-RX-02: RFC 9568 and RFC 3768 to the letter.
#[test]
fn every_vector_gets_the_verdict_of_its_strict_reason_code() {
    let (mut agreed, mut earlier) = (0, Vec::new());
    for vector in vectors() {
        let reason = vector.strict_reason.as_str();
        let left_to_the_receiver = JUDGED_BY_THE_RECEIVER.contains(&reason);
        match vector.parse(&ParsePolicy::rfc9568()) {
            Ok(_) if reason == "ok" || left_to_the_receiver => agreed += 1,
            Err(error) if error != ParseError::AuthenticationHeader && code(error) == reason => {
                agreed += 1;
            }
            // The octets alone are reason enough, before the receiver looks at them.
            Err(error) => earlier.push((vector.name, error)),
            verdict => panic!("{}: {reason}, but {verdict:?}", vector.name),
        }
    }
    earlier.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("v2-auth-ah-bad-icv", ParseError::AuthenticationHeader),
        (
            "v2-auth-ah-replayed-sequence",
            ParseError::AuthenticationHeader,
        ),
        (
            "v2-captured-keepalived-2.2.7-auth-ah",
            ParseError::AuthenticationHeader,
        ),
        ("v2-context-receives-v3", ParseError::Checksum),
        (
            "v2-unicast-ttl-below-min",
            ParseError::HopLimit { found: 60 },
        ),
        ("v3-ipv4-count0-pseudo", ParseError::Checksum),
        (
            "v3-ipv4-dst-unicast-on-multicast-instance",
            ParseError::Checksum,
        ),
        ("v3-ipv4-interval-zero-pseudo", ParseError::Checksum),
        ("v3-ipv4-own-source-address-pseudo", ParseError::Checksum),
    ];
    assert!(
        earlier
            .iter()
            .map(|(name, error)| (name.as_str(), *error))
            .eq(expected),
        "{earlier:#?}"
    );
    assert_eq!(agreed + expected.len(), 148, "no vector is skipped");
}

/// RFC 9568 5.2, RFC 3768 5.3; VRRP-V3-RX-09, VRRP-V2-RX-13, VRRP-V2-RX-16.
#[test]
fn every_advert_decodes_to_the_listed_fields() {
    let mut decoded = 0;
    for vector in vectors() {
        let Ok(advert) = vector.parse(&ParsePolicy::default()) else {
            continue;
        };
        let name = &vector.name;
        let number = |field: &str| vector.field(field).as_u64().unwrap();
        assert_eq!(
            u64::from(advert.version().number()),
            number("version"),
            "{name}"
        );
        assert_eq!(u64::from(advert.vrid().get()), number("vrid"), "{name}");
        assert_eq!(
            u64::from(advert.priority().get()),
            number("priority"),
            "{name}"
        );
        assert_eq!(advert.addresses().len() as u64, number("count"), "{name}");
        let addresses: Vec<String> = advert.addresses().map(|one| one.to_string()).collect();
        let listed = vector.field("addresses").as_array().unwrap();
        assert!(
            addresses
                .iter()
                .eq(listed.iter().map(|one| one.as_str().unwrap())),
            "{name}"
        );
        let interval = match advert.version() {
            Version::V2 => number("advert_int_s") * 100,
            Version::V3 => number("max_advert_int_cs"),
        };
        assert_eq!(u64::from(advert.interval().centis()), interval, "{name}");
        check_auth(&vector, &advert);
        let remark = vector.warns("RESERVED_NONZERO") || vector.warns("AUTH_DATA_NONZERO");
        assert_eq!(advert.reserved_clear(), !remark, "{name}");
        match vector.json["checksum_form"].as_str() {
            Some("pseudo") => assert_eq!(advert.checksum(), Checksum::PseudoHeader, "{name}"),
            Some("message-only") => assert_eq!(advert.checksum(), Checksum::MessageOnly, "{name}"),
            Some(other) => panic!("{name}: {other}"),
            None => {}
        }
        decoded += 1;
    }
    assert_eq!(decoded, 64 + 21);
}

fn check_auth(vector: &Vector, advert: &Advert<'_>) {
    let name = &vector.name;
    if advert.version() == Version::V3 {
        assert_eq!(advert.auth(), Auth::None, "{name}");
        return;
    }
    assert_eq!(vector.field("auth_type"), advert.auth().number(), "{name}");
    if let Auth::Password(data) = advert.auth() {
        let listed = unhex(vector.field("auth_data").as_str().unwrap());
        assert_eq!(data[..], listed[..], "{name}");
    }
}

/// VRRP-V2-TX-01, VRRP-V3-TX-01, VRRP-V3-TX-02: captured packets of Keepalived 2.2.7 are among
/// them.
#[test]
fn every_advert_is_written_octet_for_octet_as_it_was_read() {
    let (mut same, mut differs) = (0, Vec::new());
    for vector in vectors() {
        let Ok((ip, message)) = vector.split() else {
            continue;
        };
        let Ok(advert) = Advert::parse(message, &ip, &ParsePolicy::default()) else {
            continue;
        };
        if advert.auth() == Auth::Ah {
            differs.push(vector.name.clone());
            continue;
        }
        let written = write(&advert, &ip);
        if written == message {
            same += 1;
        } else {
            // What only a receiver has to put up with is not written.
            assert!(!advert.reserved_clear(), "{}", vector.name);
            differs.push(vector.name.clone());
        }
    }
    differs.sort();
    let expected = [
        "v2-auth0-nonzero-auth-data",
        "v2-auth2-without-ah-header",
        "v3-ipv4-reserved-bits-set",
        "v3-ipv4-reserved-bits-set-pseudo",
        "v3-ipv6-reserved-bits-set",
    ];
    assert_eq!(differs, expected);
    assert_eq!(same + expected.len(), 64 + 21);
}

fn write(advert: &Advert<'_>, ip: &IpMeta) -> Vec<u8> {
    let v4: Vec<Ipv4Addr> = advert.addresses().filter_map(only_v4).collect();
    let v6: Vec<Ipv6Addr> = advert.addresses().filter_map(only_v6).collect();
    let format = match advert.version() {
        Version::V2 => Format::V2 {
            auth: advert.auth(),
        },
        Version::V3 => Format::V3 {
            ipv4_checksum: advert.checksum(),
        },
    };
    let addresses = if v6.is_empty() {
        AddressList::V4(&v4)
    } else {
        AddressList::V6(&v6)
    };
    let repr = AdvertRepr {
        format,
        vrid: advert.vrid(),
        priority: advert.priority(),
        interval: advert.interval(),
        addresses,
    };
    let mut out = vec![0xee; repr.buffer_len()];
    assert_eq!(repr.emit(ip, &mut out), Ok(out.len()));
    out
}

fn only_v4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

fn only_v6(address: IpAddr) -> Option<Ipv6Addr> {
    match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => Some(address),
    }
}

/// VRRP-V3-CK-04: every vector with a checksum form under the three settings.
#[test]
fn a_forced_checksum_form_accepts_that_form_and_no_other() {
    let any = ParsePolicy::default()
        .with_hop_limit(HopLimit::Any)
        .with_allow_no_addresses(true);
    let only = |form| any.with_checksum(ChecksumPolicy::Only(form));
    let (mut pseudo, mut message_only, mut neither) = (0, 0, 0);
    for vector in vectors() {
        let Some(form) = vector.json["checksum_form"].as_str() else {
            continue;
        };
        let fails = |policy: ParsePolicy| vector.parse(&policy) == Err(ParseError::Checksum);
        let verdicts = [
            any,
            only(Checksum::PseudoHeader),
            only(Checksum::MessageOnly),
        ]
        .map(fails);
        let too_early = |error: ParseError| error.index() < ParseError::Checksum.index();
        let expected = match form {
            // Dropped before the checksum is looked at, whatever the setting.
            _ if vector.parse(&any).is_err_and(too_early) => [false, false, false],
            "pseudo" => [false, false, true],
            "message-only" => [false, true, false],
            "neither" => [true, true, true],
            other => panic!("{other}"),
        };
        assert_eq!(verdicts, expected, "{}", vector.name);
        match form {
            "pseudo" => pseudo += 1,
            "message-only" => message_only += 1,
            _ => neither += 1,
        }
    }
    assert_eq!(
        (pseudo, message_only, neither),
        (21, 20, 3),
        "no vector is skipped"
    );
}

/// VRRP-V3-CK-05.
#[test]
fn the_old_unicast_checksum_is_dropped_by_default_and_accepted_on_request() {
    let vector = vector_named("v3-ipv4-unicast-old-checksum");
    let default = ParsePolicy::default();
    assert_eq!(vector.parse(&default), Err(ParseError::Checksum));
    let asked = default.with_old_unicast_checksum(true);
    assert_eq!(
        vector.parse(&asked).unwrap().checksum(),
        Checksum::OldUnicast
    );
    let only = default.with_checksum(ChecksumPolicy::Only(Checksum::OldUnicast));
    assert_eq!(
        vector.parse(&only).unwrap().checksum(),
        Checksum::OldUnicast
    );
    // And it is found again when sent.
    let (ip, message) = vector.split().unwrap();
    assert_eq!(write(&vector.parse(&asked).unwrap(), &ip), message);
}

/// VRRP-V3-CK-04: the request for the old form takes nothing away from the other forms.
#[test]
fn the_old_unicast_checksum_comes_on_top_of_the_others() {
    let policy = ParsePolicy::default().with_old_unicast_checksum(true);
    for vector in vectors() {
        if vector.name == "v3-ipv4-unicast-old-checksum" {
            continue;
        }
        assert_eq!(
            vector.parse(&policy),
            vector.parse(&ParsePolicy::default()),
            "{}",
            vector.name
        );
    }
}
