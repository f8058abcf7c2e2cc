//! The adverts that go out, octet for octet.

mod common;

use common::*;
use std::net::IpAddr;

use serde_json::Value;
use vrrp_fsm::proto::{AddressList, Auth, Checksum, ChecksumPolicy, Family, Format, IpMeta};
use vrrp_fsm::{Event, Instance, InstanceConfig, Preempt, Role, Transmit, V2Auth, WireFormat};

fn ours(config: InstanceConfig, source: &str, transmit: Transmit) -> String {
    let family = config.family;
    let mut instance = started(config);
    let source: IpAddr = source.parse().unwrap();
    instance.handle_event(secs(0.0), Event::PrimaryAddress(Some(source)));
    let ip = IpMeta {
        source,
        destination: family.group(),
        hop_limit: 255,
    };
    let octets = emit(&instance.advert(transmit), &ip);
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The VRRP part of a recorded packet.
fn theirs(name: &str) -> String {
    let file: Value = serde_json::from_str(include_str!("vectors/vrrp.json")).unwrap();
    let mut vectors = file["vectors"].as_array().unwrap().iter();
    let vector = vectors.find(|vector| vector["name"] == name).unwrap();
    let header = if vector["ctx"]["family"] == "ipv4" {
        20
    } else {
        40
    };
    vector["hex"].as_str().unwrap()[2 * header..].to_owned()
}

fn sending(checksum: Checksum) -> WireFormat {
    WireFormat::V3 {
        ipv4_checksum: checksum,
        accept: ChecksumPolicy::Either,
    }
}

const PREEMPT: Preempt = Preempt::Immediately;

/// VRRP-V2-TX-01, VRRP-V2-TX-05, VRRP-V2-TX-06, VRRP-V3-TX-01, VRRP-V3-TX-02, VRRP-V3-TX-07,
/// VRRP-V3-CK-01, VRRP-V3-CK-03, VRRP-V3-CK-04, RFC 9568 7.2, RFC 3768 7.2.
#[test]
fn adverts_are_those_of_the_recorded_packets() {
    let role = backup(200, PREEMPT);
    let six = v6(role);
    let pseudo = v3(role).with_format(sending(Checksum::PseudoHeader));
    let auth = V2Auth::Password(*b"s3cret12");
    let password = v2(role).with_format(WireFormat::V2 { auth });
    for (name, config, source, transmit) in [
        ("v2-basic-prio200", v2(role), "192.0.2.1", Transmit::Advert),
        ("v2-prio0-release", v2(role), "192.0.2.1", Transmit::Release),
        (
            "v2-auth1-password8",
            password,
            "192.0.2.1",
            Transmit::Advert,
        ),
        (
            "v3-ipv4-prio200-message-only",
            v3(role),
            "192.0.2.1",
            Transmit::Advert,
        ),
        (
            "v3-ipv4-prio200-pseudo",
            pseudo.clone(),
            "192.0.2.1",
            Transmit::Advert,
        ),
        (
            "v3-ipv4-release-pseudo",
            pseudo,
            "192.0.2.1",
            Transmit::Release,
        ),
        ("v3-ipv6-basic", six.clone(), "fe80::1", Transmit::Advert),
        ("v3-ipv6-release", six, "fe80::1", Transmit::Release),
    ] {
        assert_eq!(ours(config, source, transmit), theirs(name), "{name}");
    }
}

/// VRRP-V3-TX-04, VRRP-V3-TX-06, RFC 9568 5.2.9: link-local first, and otherwise the order of the
/// configuration.
#[test]
fn link_local_address_comes_first_and_the_order_is_kept() {
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    for (configured, sent) in [
        (
            ["fe80::51", "2001:db8::2", "2001:db8::1"],
            ["fe80::51", "2001:db8::2", "2001:db8::1"],
        ),
        (
            ["2001:db8::2", "2001:db8::1", "fe80::51"],
            ["fe80::51", "2001:db8::2", "2001:db8::1"],
        ),
        (
            ["2001:db8::3", "2001:db8::2", "2001:db8::1"],
            ["2001:db8::3", "2001:db8::2", "2001:db8::1"],
        ),
        (
            ["2001:db8::2", "fe80::51", "fe80::50"],
            ["fe80::51", "2001:db8::2", "fe80::50"],
        ),
    ] {
        let config = v6(Role::Owner).with_addresses(configured.map(ip));
        let instance = Instance::new(config).unwrap();
        let AddressList::V6(list) = instance.advert(Transmit::Advert).addresses else {
            panic!("not IPv6");
        };
        let list: Vec<_> = list.iter().copied().map(IpAddr::V6).collect();
        assert_eq!(list, sent.map(ip));
    }
    let config = v3(Role::Owner).with_addresses([address(102), address(100), address(101)]);
    let instance = Instance::new(config).unwrap();
    let AddressList::V4(list) = instance.advert(Transmit::Advert).addresses else {
        panic!("not IPv4");
    };
    let list: Vec<_> = list.iter().copied().map(IpAddr::V4).collect();
    assert_eq!(list, [address(102), address(100), address(101)]);
}

/// VRRP-V2-AUTH-02, VRRP-V2-AUTH-07: VRRPv3 cannot be configured with authentication at all.
#[test]
fn only_v2_adverts_carry_authentication() {
    let auth = V2Auth::Password(*b"s3cret12");
    let config = v2(Role::DEFAULT).with_format(WireFormat::V2 { auth });
    let instance = Instance::new(config).unwrap();
    let Format::V2 { auth } = instance.advert(Transmit::Advert).format else {
        panic!("not VRRPv2");
    };
    assert_eq!(auth, Auth::Password(b"s3cret12"));
    let instance = Instance::new(v3(Role::DEFAULT)).unwrap();
    let format = instance.advert(Transmit::Advert).format;
    assert!(matches!(format, Format::V3 { .. }));
}

/// VRRP-GEN-02, RFC 9568 5.2.4.
#[test]
fn owner_advertises_255_and_the_default_is_100() {
    let priority = |role| {
        let instance = Instance::new(v3(role)).unwrap();
        instance.advert(Transmit::Advert).priority.get()
    };
    assert_eq!(priority(Role::Owner), 255);
    assert_eq!(priority(Role::DEFAULT), 100);
    assert_eq!(
        InstanceConfig::new(
            vrrp_fsm::proto::Vrid::new(1).unwrap(),
            Family::Ipv4,
            Role::DEFAULT
        )
        .interval,
        centis(100)
    );
}
