//! The small values: what they refuse and how they read.

use std::net::IpAddr;
use std::time::Duration;

use vrrp_proto::{
    AdvertInterval, Family, GROUP_V4, GROUP_V6, HOP_LIMIT, IpMeta, PROTOCOL, Priority, Version,
    Vrid,
};

/// RFC 9568 5.2.3.
#[test]
fn a_vrid_is_1_to_255() {
    assert_eq!(Vrid::new(0), None);
    for value in 1..=255 {
        assert_eq!(Vrid::new(value).unwrap().get(), value);
    }
    assert_eq!(Vrid::new(51).unwrap().to_string(), "51");
}

/// VRRP-V2-TX-03, VRRP-V3-TX-03, RFC 9568 7.3.
#[test]
fn the_virtual_mac_ends_in_the_vrid_and_tells_the_family() {
    let vrid = Vrid::new(0x33).unwrap();
    assert_eq!(
        vrid.virtual_mac(Family::Ipv4),
        [0x00, 0x00, 0x5e, 0x00, 0x01, 0x33]
    );
    assert_eq!(
        vrid.virtual_mac(Family::Ipv6),
        [0x00, 0x00, 0x5e, 0x00, 0x02, 0x33]
    );
}

/// VRRP-GEN-03, RFC 9568 5.2.4.
#[test]
fn the_named_priorities_are_those_of_the_rfc() {
    let named = [Priority::RELEASE, Priority::DEFAULT, Priority::OWNER];
    assert_eq!(named.map(Priority::get), [0, 100, 255]);
    assert!(Priority::new(99) < Priority::DEFAULT && Priority::DEFAULT < Priority::OWNER);
    assert_eq!(Priority::OWNER.to_string(), "255");
}

/// VRRP-TMR-05, RFC 9568 5.2.7 (erratum 8301).
#[test]
fn version_3_carries_1_to_4095_centiseconds() {
    for centis in 0..=u16::MAX {
        let fits = AdvertInterval::from_centis(centis).is_some_and(|one| one.fits(Version::V3));
        assert_eq!(fits, (1..=4095).contains(&centis), "{centis}");
    }
    assert_eq!(AdvertInterval::MAX_V3.centis(), 4095);
}

/// VRRP-TMR-06, RFC 3768 5.3.7.
#[test]
fn version_2_carries_1_to_255_whole_seconds() {
    assert_eq!(AdvertInterval::from_secs(0), None);
    for secs in 1..=255 {
        let interval = AdvertInterval::from_secs(secs).unwrap();
        assert_eq!(interval.whole_secs(), Some(secs));
        assert!(interval.fits(Version::V2));
    }
    for centis in 1..=25_500 {
        let interval = AdvertInterval::from_centis(centis).unwrap();
        assert_eq!(interval.fits(Version::V2), centis % 100 == 0, "{centis}");
    }
    assert_eq!(AdvertInterval::from_centis(25_501), None);
    assert_eq!(
        AdvertInterval::MAX_V2,
        AdvertInterval::from_secs(255).unwrap()
    );
}

/// RFC 9568 6.1: the default is one second in both versions.
#[test]
fn an_interval_is_a_duration_and_reads_as_seconds() {
    assert_eq!(
        AdvertInterval::default(),
        AdvertInterval::from_secs(1).unwrap()
    );
    let show = |centis| {
        let interval = AdvertInterval::from_centis(centis).unwrap();
        (interval.to_duration(), interval.to_string())
    };
    assert_eq!(show(1), (Duration::from_millis(10), "0.01 s".into()));
    assert_eq!(show(25), (Duration::from_millis(250), "0.25 s".into()));
    assert_eq!(show(100), (Duration::from_secs(1), "1 s".into()));
    assert_eq!(
        show(4095),
        (Duration::from_millis(40_950), "40.95 s".into())
    );
    assert_eq!(show(25_500), (Duration::from_secs(255), "255 s".into()));
}

/// RFC 9568 5.1.1.2, 5.1.1.4, 5.1.2.2 and 5.1.2.3.
#[test]
fn the_groups_and_numbers_are_those_of_the_rfc() {
    assert_eq!(
        Family::Ipv4.group(),
        "224.0.0.18".parse::<IpAddr>().unwrap()
    );
    assert_eq!(Family::Ipv6.group(), "ff02::12".parse::<IpAddr>().unwrap());
    assert_eq!((PROTOCOL, HOP_LIMIT), (112, 255));
    for family in [Family::Ipv4, Family::Ipv6] {
        assert_eq!(Family::of(family.group()), family);
    }
    assert_eq!(Version::V2.number(), 2);
    assert_eq!(
        format!("{} over {}", Version::V3, Family::Ipv6),
        "VRRPv3 over IPv6"
    );
}

/// VRRP-V3-RX-14.
#[test]
fn a_packet_has_a_family_if_its_addresses_have_the_same() {
    let packet = |source, destination| {
        IpMeta {
            source,
            destination,
            hop_limit: 255,
        }
        .family()
    };
    assert_eq!(packet(GROUP_V4.into(), GROUP_V4.into()), Some(Family::Ipv4));
    assert_eq!(packet(GROUP_V6.into(), GROUP_V6.into()), Some(Family::Ipv6));
    assert_eq!(packet(GROUP_V4.into(), GROUP_V6.into()), None);
    assert_eq!(packet(GROUP_V6.into(), GROUP_V4.into()), None);
}

/// VRRP-V3-TX-05: whether a list is empty is asked before it is sent.
#[test]
fn a_list_is_empty_only_without_addresses() {
    use vrrp_proto::AddressList;
    let (v4, v6) = ([[192, 0, 2, 1].into()], ["fe80::1".parse().unwrap()]);
    for (list, empty) in [
        (AddressList::V4(&[]), true),
        (AddressList::V6(&[]), true),
        (AddressList::V4(&v4), false),
        (AddressList::V6(&v6), false),
    ] {
        assert_eq!(list.is_empty(), empty, "{list:?}");
        assert_eq!(list.len(), usize::from(!empty), "{list:?}");
    }
}
