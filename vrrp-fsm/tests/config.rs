//! What configurations are refused.

mod common;

use common::*;
use core::num::NonZeroU8;
use core::time::Duration;
use std::net::IpAddr;

use vrrp_fsm::proto::Version;
use vrrp_fsm::{
    BackupPriority, ConfigError, Instance, InstanceConfig, Peer, Preempt, Role, Transport,
};

fn good() -> InstanceConfig {
    v3(backup(100, Preempt::Immediately))
}

fn unicast(peers: &[Peer]) -> InstanceConfig {
    good().with_transport(Transport::Unicast {
        peers: peers.to_vec(),
        check_source: false,
    })
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// VRRP-GEN-03, RFC 9568 5.2.4.
#[test]
fn priorities_0_and_255_cannot_be_configured() {
    assert_eq!(BackupPriority::new(0), None);
    assert_eq!(BackupPriority::new(255), None);
    for priority in 1..=254 {
        assert_eq!(BackupPriority::new(priority).unwrap().get(), priority);
    }
    assert_eq!(Role::DEFAULT.priority().get(), 100);
    assert_eq!(Role::Owner.priority().get(), 255);
}

/// VRRP-TMR-05, RFC 9568 6.1.
#[test]
fn v3_takes_intervals_up_to_4095_centiseconds() {
    for (interval, good_one) in [(1, true), (4095, true), (4096, false), (25500, false)] {
        let config = good().with_interval(centis(interval));
        let version = Version::V3;
        let interval = centis(interval);
        let error = ConfigError::Interval { version, interval };
        assert_eq!(config.check(), if good_one { Ok(()) } else { Err(error) });
    }
}

/// VRRP-TMR-06, RFC 3768 6.1, VRRP-EXT-12.
#[test]
fn v2_takes_whole_seconds() {
    for (interval, good_one) in [(100, true), (25500, true), (50, false), (150, false)] {
        let config = v2(backup(100, Preempt::Immediately)).with_interval(centis(interval));
        let version = Version::V2;
        let interval = centis(interval);
        let error = ConfigError::Interval { version, interval };
        assert_eq!(config.check(), if good_one { Ok(()) } else { Err(error) });
    }
}

/// VRRP-EXT-13.
#[test]
fn v2_over_ipv6_is_refused() {
    let mut config = v6(backup(100, Preempt::Immediately));
    assert_eq!(config.check(), Ok(()));
    config.format = v2(backup(100, Preempt::Immediately)).format;
    assert_eq!(config.check(), Err(ConfigError::Version2OverIpv6));
}

/// VRRP-V3-TX-05, VRRP-V2-TX-07.
#[test]
fn advert_needs_1_to_255_addresses() {
    let many = |count: u16| {
        good().with_addresses((1..=count).map(|n| {
            let [high, low] = n.to_be_bytes();
            IpAddr::from([10, 0, high, low])
        }))
    };
    assert_eq!(many(255).check(), Ok(()));
    let error = ConfigError::TooManyAddresses(256);
    assert_eq!(many(256).check(), Err(error));
    assert_eq!(many(0).check(), Err(ConfigError::NoAddresses));
    assert_eq!(many(0).with_allow_no_addresses(true).check(), Ok(()));
}

/// The addresses have to be addresses of one host each, of the family, and different.
#[test]
fn addresses_have_to_make_sense() {
    let one = address(1);
    for (list, error) in [
        (
            vec![one, ip("2001:db8::1")],
            ConfigError::AddressFamily(ip("2001:db8::1")),
        ),
        (
            vec![one, address(2), one],
            ConfigError::DuplicateAddress(one),
        ),
        (vec![ip("0.0.0.0")], ConfigError::AddressKind(ip("0.0.0.0"))),
        (
            vec![ip("224.0.0.1")],
            ConfigError::AddressKind(ip("224.0.0.1")),
        ),
        (
            vec![ip("255.255.255.255")],
            ConfigError::AddressKind(ip("255.255.255.255")),
        ),
    ] {
        assert_eq!(good().with_addresses(list).check(), Err(error));
    }
}

/// KA-O-01.
#[test]
fn lost_adverts_are_1_to_100() {
    let with = |adverts| good().with_down_adverts(NonZeroU8::new(adverts).unwrap());
    assert_eq!(with(1).check(), Ok(()));
    assert_eq!(with(100).check(), Ok(()));
    assert_eq!(with(101).check(), Err(ConfigError::DownAdverts(101)));
}

/// KA-B-07.
#[test]
fn preempt_delay_is_up_to_1000_seconds() {
    let with = |delay| v3(backup(100, Preempt::After(delay)));
    assert_eq!(with(Duration::from_secs(1000)).check(), Ok(()));
    let delay = Duration::from_millis(1_000_001);
    assert_eq!(with(delay).check(), Err(ConfigError::PreemptDelay(delay)));
}

/// VRRP-EXT-01, VRRP-EXT-02, VRRP-EXT-05: no silent fall-back to multicast.
#[test]
fn unicast_needs_peers_that_make_sense() {
    let one = Peer::new(address(1));
    assert_eq!(
        unicast(&[one.clone(), Peer::new(address(2))]).check(),
        Ok(())
    );
    let twice = unicast(&[one.clone(), one.clone().with_hop_limit(1..=2)]);
    assert_eq!(twice.check(), Err(ConfigError::DuplicatePeer(address(1))));
    for peer in ["224.0.0.18", "0.0.0.0", "255.255.255.255", "fe80::1"] {
        let config = unicast(&[Peer::new(ip(peer))]);
        assert_eq!(config.check(), Err(ConfigError::Peer(ip(peer))));
    }
    #[expect(clippy::reversed_empty_ranges, reason = "that is the mistake")]
    let empty = unicast(&[one.with_hop_limit(64..=63)]);
    assert_eq!(empty.check(), Err(ConfigError::HopLimitRange(address(1))));
}

/// VRRP-EXT-08.
#[test]
fn group_has_to_be_a_multicast_address_of_the_family() {
    for (group, good_one) in [
        ("224.0.0.18", true),
        ("239.1.2.3", true),
        ("192.0.2.1", false),
        ("ff02::12", false),
    ] {
        let group = ip(group);
        let config = good().with_transport(Transport::Multicast { group });
        let error = ConfigError::Group(group);
        assert_eq!(config.check(), if good_one { Ok(()) } else { Err(error) });
    }
}

/// A bad configuration makes no instance and changes none.
#[test]
fn bad_configuration_changes_nothing() {
    let bad = good().with_addresses([]);
    assert!(Instance::new(bad.clone()).is_err());
    let mut instance = started(good());
    let before = format!("{instance:?}");
    let result = instance.reconfigure(secs(1.0), bad);
    assert_eq!(result, Err(ConfigError::NoAddresses));
    let mut other = good();
    other.vrid = vrrp_fsm::proto::Vrid::new(52).unwrap();
    let result = instance.reconfigure(secs(1.0), other);
    assert_eq!(result, Err(ConfigError::Identity));
    let other = v6(backup(100, Preempt::Immediately));
    let result = instance.reconfigure(secs(1.0), other);
    assert_eq!(result, Err(ConfigError::Identity));
    assert_eq!(format!("{instance:?}"), before);
}

/// STYLE: what is wrong is told in one lower-case line, without secrets.
#[test]
fn errors_and_secrets_print_well() {
    let text = ConfigError::NoAddresses.to_string();
    assert_eq!(text, "there are no addresses");
    let auth = vrrp_fsm::V2Auth::Password(*b"s3cret12");
    assert!(!format!("{auth:?}").contains("s3cret"));
    assert!(!format!("{auth:?}").contains("115"));
}
