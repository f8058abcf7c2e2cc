//! The packets of `vectors/vrrp.json`, each in the context it is meant for: the reason has to be
//! ours, under the interoperable profile and, where the configuration can express it, the strict
//! one.

mod common;

use std::net::IpAddr;

use common::*;
use serde_json::Value;
use vrrp_fsm::proto::{
    AdvertInterval, AhPacket, Checksum, ChecksumPolicy, Family, ParseError, Vrid, split_ipv4,
    split_ipv6,
};
use vrrp_fsm::{
    Action, AddressCheck, Event, Fault, InstanceConfig, InterfaceId, Notice, Peer, Preempt,
    Rejected, Role, Router, RouterConfig, Rx, State, Transport, V2Auth, WireFormat,
};

const INTERFACE: InterfaceId = InterfaceId(7);

#[derive(Clone, Copy, PartialEq)]
enum Profile {
    Default,
    Strict,
}

fn vectors() -> Vec<Value> {
    let text = include_str!("vectors/vrrp.json");
    let mut file: Value = serde_json::from_str(text).unwrap();
    match file["vectors"].take() {
        Value::Array(vectors) => vectors,
        other => panic!("{other}"),
    }
}

fn ip(value: &Value) -> IpAddr {
    value.as_str().unwrap().parse().unwrap()
}

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .bytes()
        .map(|c| char::from(c).to_digit(16).unwrap() as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// The local configuration; `None` for the authentication that is not supported (type 2).
fn config(ctx: &Value, profile: Profile) -> InstanceConfig {
    let strict = profile == Profile::Strict;
    let family = match ctx["family"].as_str().unwrap() {
        "ipv4" => Family::Ipv4,
        "ipv6" => Family::Ipv6,
        other => panic!("{other}"),
    };
    let role = match ctx["local_priority"].as_u64().unwrap() {
        255 => Role::Owner,
        priority => backup(u8::try_from(priority).unwrap(), Preempt::Immediately),
    };
    let vrid = u8::try_from(ctx["vrid"].as_u64().unwrap()).unwrap();
    let addresses = ctx["addresses"].as_array().unwrap().iter().map(ip);
    let mut config =
        InstanceConfig::new(Vrid::new(vrid).unwrap(), family, role).with_addresses(addresses);
    if ctx["version"] == 2 {
        let auth = match ctx["auth"]["type"].as_u64().unwrap() {
            0 => V2Auth::None,
            1 => {
                let key = ctx["auth"]["key_ascii"].as_str().unwrap();
                V2Auth::Password(vrrp_fsm::proto::pad_password(key.as_bytes()).0)
            }
            2 => {
                let key = ctx["auth"]["key_ascii"].as_str().unwrap();
                V2Auth::Ah(vrrp_fsm::proto::pad_password(key.as_bytes()).0)
            }
            other => panic!("{other}"),
        };
        config.format = WireFormat::V2 { auth };
        let seconds = ctx["advert_int_s"].as_u64().unwrap();
        config.interval = AdvertInterval::from_secs(u8::try_from(seconds).unwrap()).unwrap();
        config.owner_ignores_adverts = strict;
        if strict {
            config.address_check = AddressCheck::Drop;
        }
    } else {
        if strict {
            config.format = WireFormat::V3 {
                ipv4_checksum: Checksum::MessageOnly,
                accept: ChecksumPolicy::Only(Checksum::MessageOnly),
            };
        }
        let centis = ctx["advert_int_cs"].as_u64().unwrap();
        config.interval = AdvertInterval::from_centis(u16::try_from(centis).unwrap()).unwrap();
        config.link_local_first = strict;
    }
    if ctx["mode"] == "unicast" {
        let min = ctx
            .get("min_ttl")
            .map(|min| u8::try_from(min.as_u64().unwrap()).unwrap());
        let peer = |value| {
            let peer = Peer::new(ip(value));
            match min {
                Some(min) => peer.with_hop_limit(min..=255),
                None if strict => peer.with_hop_limit(255..=255),
                None => peer,
            }
        };
        config.transport = Transport::Unicast {
            peers: ctx["peers"].as_array().unwrap().iter().map(peer).collect(),
            check_source: ctx.get("check_unicast_src").is_some(),
        };
    }
    config
}

/// The reasons of the vector file that our reason may stand for.
fn code(vector: &str, reason: &Rejected) -> &'static [&'static str] {
    match reason {
        Rejected::Parse(error) => match error {
            ParseError::IpTruncated { .. } | ParseError::IpTotalLength { .. } => &["TRUNCATED"],
            ParseError::IpVersion { .. } | ParseError::IpHeaderLength { .. } => &["BAD_IP_HEADER"],
            ParseError::IpHeaderChecksum => &["IP_HEADER_CHECKSUM"],
            ParseError::Protocol { .. } => &["WRONG_PROTOCOL"],
            ParseError::HopLimit { .. } => &["TTL_NOT_255"],
            ParseError::HeaderTruncated { .. }
            | ParseError::AddressesTruncated { .. }
            | ParseError::AuthDataMissing { .. } => &["TRUNCATED"],
            ParseError::Version { .. } => &["BAD_VERSION"],
            ParseError::Version2OverIpv6 => &["VERSION_MISMATCH"],
            ParseError::Type { .. } => &["BAD_TYPE"],
            ParseError::SurplusOctets { .. } => &["LENGTH_MISMATCH"],
            ParseError::Checksum => &["BAD_CHECKSUM"],
            ParseError::VridZero => &["VRID_ZERO"],
            ParseError::AuthType { .. } => &["AUTH_TYPE_UNKNOWN"],
            // Interval 0 equals no local one.
            ParseError::V2IntervalZero => &["INTERVAL_MISMATCH"],
            ParseError::CountZero => &["COUNT_ZERO"],
            ParseError::V3IntervalZero => &["INTERVAL_ZERO"],
            ParseError::FirstNotLinkLocal => &["FIRST_ADDRESS_NOT_LINK_LOCAL"],
            other => panic!("{vector}: {other:?}"),
        },
        Rejected::HopLimit(_) => &["TTL_OUT_OF_RANGE", "TTL_NOT_255"],
        Rejected::VersionMismatch(_) => &["VERSION_MISMATCH"],
        Rejected::UnknownVrid(_) => &["UNKNOWN_VRID"],
        Rejected::AuthType(_) => &["AUTH_TYPE_MISMATCH"],
        Rejected::AuthData | Rejected::AhCheckValue | Rejected::AhMissing => &["AUTH_FAILED"],
        Rejected::AhReplay(_) => &["AUTH_REPLAY"],
        Rejected::Interval { .. } => &["INTERVAL_MISMATCH"],
        Rejected::Destination(_) => &["DST_NOT_GROUP", "DST_IS_GROUP"],
        Rejected::UnknownPeer(_) => &["UNKNOWN_PEER"],
        Rejected::OwnAdvert => &["OWN_ADDRESS"],
        Rejected::OwnerIgnores => &["LOCAL_IS_OWNER"],
        Rejected::Addresses => &["ADDRESS_LIST_MISMATCH"],
        other => panic!("{vector}: {other:?}"),
    }
}

/// The one router of the context, running, and what it makes of the packet.
fn judge(
    vector: &Value,
    config: InstanceConfig,
) -> (Router, Result<vrrp_fsm::InstanceId, Rejected>) {
    let mut router = Router::new();
    let config = RouterConfig::new().with_instance(INTERFACE, config);
    let id = router.reload(secs(0.0), config).unwrap().ids[0];
    let own = Event::PrimaryAddress(Some(ip(&vector["ctx"]["local_primary"])));
    for event in [own, Event::FaultCleared(Fault::NoReceivePath), Event::Start] {
        router.handle_event(secs(0.0), id, event);
    }
    while router.poll_action().is_some() {}

    let datagram = octets(vector["hex"].as_str().unwrap());
    if vector["ctx"]["auth"]["type"] == 2
        && let Ok(packet) = AhPacket::parse(&datagram)
    {
        if vector["ctx"]["auth"]["last_seq"] == packet.sequence() {
            let first = router.handle_ah_packet(secs(0.0), INTERFACE, &packet);
            assert!(first.is_ok());
            while router.poll_action().is_some() {}
            router.clear_stats();
        }
        let result = router.handle_ah_packet(secs(0.5), INTERFACE, &packet);
        return (router, result);
    }
    let split = match vector["ctx"]["family"].as_str().unwrap() {
        "ipv4" => split_ipv4(&datagram),
        _ => split_ipv6(&datagram),
    };
    let result = match split {
        Ok((ip, message)) => {
            let interface = INTERFACE;
            let rx = Rx {
                interface,
                ip,
                message,
            };
            router.handle_packet(secs(0.5), rx)
        }
        Err(error) => Err(Rejected::Parse(error)),
    };
    (router, result)
}

fn run(profile: Profile, valid: &str, reason: &str) {
    let mut judged = 0;
    for vector in vectors() {
        let name = vector["name"].as_str().unwrap();
        let config = config(&vector["ctx"], profile);
        let owner = config.role == Role::Owner;
        let (mut router, result) = judge(&vector, config);
        judged += 1;
        match result {
            Ok(id) => {
                assert_eq!(vector[valid], true, "{name}: accepted");
                let stats = router.instance(id).unwrap().stats();
                assert_eq!(stats.adverts_received, 1, "{name}");
                assert_eq!(stats.rejections.total(), 0, "{name}");
                if profile == Profile::Default {
                    check_warnings(&vector, owner, &mut router);
                }
            }
            Err(rejected) => {
                assert_eq!(vector[valid], false, "{name}: {rejected:?}");
                let expected = vector[reason].as_str().unwrap();
                let codes = code(name, &rejected);
                // Packets with another fault besides the checksum form: the checksum is first
                // (VRRP-GEN-12).
                let form_first = profile == Profile::Strict
                    && vector["checksum_form"] == "pseudo"
                    && codes == ["BAD_CHECKSUM"];
                assert!(
                    codes.contains(&expected) || form_first,
                    "{name}: {rejected:?}"
                );
                check_untouched(name, &router, &rejected);
            }
        }
    }
    assert_eq!(judged, 148);
}

/// A rejected packet is counted under its reason, and nowhere else, and changes no state.
fn check_untouched(name: &str, router: &Router, rejected: &Rejected) {
    let (_, _, instance) = router.instances().next().unwrap();
    assert_eq!(instance.stats().adverts_received, 0, "{name}");
    let owner = instance.config().role == Role::Owner;
    let (state, next) = match owner {
        true => (State::Active, instance.config().interval.to_duration()),
        false => (State::Backup, instance.down_interval()),
    };
    assert_eq!(instance.state(), state, "{name}");
    let next = i64::try_from(next.as_nanos()).unwrap();
    assert_eq!(instance.next_timeout(), Some(nanos(next)), "{name}");
    let counted = instance.stats().rejections.total() + router.unroutable().total();
    let here = instance.stats().rejected(rejected) + router.unroutable().count(rejected);
    // What fails before there is an IP header's content never reaches the router.
    let header = matches!(rejected, Rejected::Parse(error)
        if error.index() <= ParseError::Protocol { found: 0 }.index());
    assert_eq!(counted, u64::from(!header), "{name}");
    assert_eq!(here, u64::from(!header), "{name}");
}

/// The oddities of accepted packets, VRRP-V2-RX-12 and others.
fn check_warnings(vector: &Value, owner: bool, router: &mut Router) {
    let name = vector["name"].as_str().unwrap();
    let mut told = Vec::new();
    while let Some((_, action)) = router.poll_action() {
        let Action::Notice(notice) = action else {
            continue;
        };
        told.push(match notice {
            Notice::AddressListMismatch { .. } => "ADDRESS_LIST_MISMATCH",
            Notice::IntervalMismatch { .. } => "INTERVAL_MISMATCH",
            Notice::FirstAddressNotLinkLocal { .. } => "FIRST_ADDRESS_NOT_LINK_LOCAL",
            Notice::SourceNotLinkLocal { .. } => "SRC_NOT_LINK_LOCAL",
            Notice::LowerPriorityAdvert { .. } | Notice::SecondOwner { .. } if owner => {
                "OWNER_RECEIVED_ADVERT"
            }
            other => panic!("{name}: {other:?}"),
        });
    }
    let expected: Vec<_> = vector["warnings"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|warning| warning.as_str().unwrap())
        // Reserved bits are to be ignored, RFC 9568 5.2.6 and RFC 3768 5.3.10.
        .filter(|warning| !matches!(*warning, "RESERVED_NONZERO" | "AUTH_DATA_NONZERO"))
        .collect();
    // An owner tells of a second one, and that it is answered.
    told.dedup();
    assert_eq!(told, expected, "{name}");
}

/// Every packet in its context.
///
/// VRRP-V2-RX-01, VRRP-V2-RX-02, VRRP-V2-RX-03, VRRP-V2-RX-04, VRRP-V2-RX-05, VRRP-V2-RX-06,
/// VRRP-V2-RX-07, VRRP-V2-RX-08, VRRP-V2-RX-09, VRRP-V2-RX-10, VRRP-V2-RX-11, VRRP-V2-RX-12,
/// VRRP-V2-RX-13, VRRP-V2-RX-14, VRRP-V2-RX-15, VRRP-V2-RX-16, VRRP-V3-RX-01, VRRP-V3-RX-02,
/// VRRP-V3-RX-03, VRRP-V3-RX-04, VRRP-V3-RX-05, VRRP-V3-RX-06, VRRP-V3-RX-07, VRRP-V3-RX-08,
/// VRRP-V3-RX-09, VRRP-V3-RX-10, VRRP-V3-RX-11, VRRP-V3-RX-12, VRRP-V3-RX-13, VRRP-V3-RX-14,
/// VRRP-V3-RX-15, VRRP-V3-RX-16, VRRP-V3-RX-17, VRRP-V2-AUTH-01, VRRP-V2-AUTH-02, VRRP-V2-AUTH-03,
/// VRRP-V2-AUTH-04, VRRP-V2-AUTH-05, VRRP-V3-CK-01, VRRP-V3-CK-02, VRRP-V3-CK-03, VRRP-V3-CK-04,
/// VRRP-V3-CK-05, VRRP-V2-CK-01, VRRP-GEN-07, VRRP-GEN-09, VRRP-GEN-12, VRRP-EXT-01, VRRP-EXT-02,
/// VRRP-EXT-03.
#[test]
fn every_packet_is_judged_as_the_interoperable_profile_has_it() {
    run(Profile::Default, "valid", "reason");
}

/// The same packets by the letter of RFC 3768 and RFC 9568 with its errata.
#[test]
fn every_packet_is_judged_as_the_strict_profile_has_it() {
    run(Profile::Strict, "strict_valid", "strict_reason");
}

/// VRRP-V3-CK-04: each of the three settings.
#[test]
fn checksum_form_is_judged_as_configured() {
    let settings = [
        (
            ChecksumPolicy::Either,
            ["message-only", "pseudo"].as_slice(),
        ),
        (
            ChecksumPolicy::Only(Checksum::MessageOnly),
            &["message-only"],
        ),
        (ChecksumPolicy::Only(Checksum::PseudoHeader), &["pseudo"]),
    ];
    let mut judged = 0;
    for vector in vectors() {
        let (Some(form), true) = (vector["checksum_form"].as_str(), vector["valid"] == true) else {
            continue;
        };
        for (accept, forms) in settings {
            let mut config = config(&vector["ctx"], Profile::Default);
            config.format = WireFormat::V3 {
                ipv4_checksum: Checksum::MessageOnly,
                accept,
            };
            let (_, result) = judge(&vector, config);
            assert_eq!(result.is_ok(), forms.contains(&form), "{}", vector["name"]);
            judged += 1;
        }
    }
    assert_eq!(judged, 3 * 25);
}

/// VRRP-V3-CK-05.
#[test]
fn old_unicast_checksum_is_accepted_if_configured() {
    let vectors = vectors();
    let mut of_name = vectors
        .iter()
        .filter(|v| v["name"] == "v3-ipv4-unicast-old-checksum");
    let vector = of_name.next().unwrap();
    let config = config(&vector["ctx"], Profile::Default);
    let (_, result) = judge(vector, config.clone());
    assert_eq!(result, Err(Rejected::Parse(ParseError::Checksum)));
    let (_, result) = judge(vector, config.with_old_unicast_checksum(true));
    assert!(result.is_ok());
}
