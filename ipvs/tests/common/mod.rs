//! Tables to try things with.
#![allow(dead_code, reason = "each test file uses its part")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::{NonZeroU16, NonZeroU32};

use ipvs::{
    Checksum, Destination, DestinationKey, Family, Forward, Granularity, Persistence, Protocol,
    Service, ServiceFlags, ServiceKey, Table, Tunnel,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn host(family: Family, number: u8) -> IpAddr {
    match family {
        Family::Ipv4 => Ipv4Addr::new(192, 0, 2, number).into(),
        Family::Ipv6 => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into()).into(),
    }
}

pub(crate) fn family() -> impl Strategy<Value = Family> {
    prop_oneof![3 => Just(Family::Ipv4), 2 => Just(Family::Ipv6)]
}

/// Few enough that tables share services.
pub(crate) fn key() -> impl Strategy<Value = ServiceKey> {
    let protocol = prop_oneof![
        Just(Protocol::TCP),
        Just(Protocol::UDP),
        Just(Protocol::SCTP)
    ];
    let address =
        (protocol, family(), 1..4_u8, 80..82_u16).prop_map(|(protocol, family, number, port)| {
            ServiceKey::Address {
                protocol,
                address: host(family, number),
                port,
            }
        });
    let mark = (1..3_u32, family()).prop_map(|(mark, family)| ServiceKey::Mark {
        mark: NonZeroU32::new(mark).expect("not 0"),
        family,
    });
    prop_oneof![3 => address, 1 => mark]
}

pub(crate) fn service() -> impl Strategy<Value = Service> {
    let scheduler = prop_oneof![Just("rr"), Just("wrr"), Just("wlc"), Just("sh"), Just("mh")];
    let persistence = option::of((1..100_000_u32, option::of(0..=127_u8)));
    let engine = option::weighted(0.1, Just("sip"));
    (
        key(),
        scheduler,
        persistence,
        engine,
        0..64_u32,
        any::<bool>(),
    )
        .prop_map(|(key, scheduler, persistence, engine, bits, any_port)| {
            let mut service = Service::new(key, scheduler.parse().expect("a name"));
            service.persistence = persistence.map(|(timeout, length)| Persistence {
                timeout,
                granularity: match (length, key.family()) {
                    (Some(length @ 1..), Family::Ipv6) => Granularity::Prefix(length),
                    (Some(length @ 1..=31), Family::Ipv4) => {
                        let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
                        Granularity::Mask(mask.into())
                    }
                    _ => Granularity::Host,
                },
            });
            let mut flags = ServiceFlags::from_bits(bits & !ServiceFlags::ONE_PACKET.bits());
            if let ServiceKey::Address { protocol, port, .. } = &mut service.key {
                if *protocol == Protocol::UDP {
                    flags = ServiceFlags::from_bits(bits);
                }
                if any_port && service.persistence.is_some() {
                    *port = 0;
                }
            }
            service.flags = flags;
            service.engine = engine.map(|name| name.parse().expect("a name"));
            service.check().expect("a service that can be");
            service
        })
}

fn tunnel() -> impl Strategy<Value = Tunnel> {
    let checksum = prop_oneof![
        Just(Checksum::None),
        Just(Checksum::Full),
        Just(Checksum::Remote)
    ];
    let plain = prop_oneof![Just(Checksum::None), Just(Checksum::Full)];
    prop_oneof![
        Just(Tunnel::Ipip),
        (1..=u16::MAX, checksum).prop_map(|(port, checksum)| Tunnel::Gue {
            port: NonZeroU16::new(port).expect("not 0"),
            checksum,
        }),
        plain.prop_map(|checksum| Tunnel::Gre { checksum }),
    ]
}

pub(crate) fn destination(service: Family) -> impl Strategy<Value = Destination> {
    let forward = prop_oneof![
        Just(Forward::Masquerade),
        Just(Forward::DirectRoute),
        tunnel().prop_map(Forward::Tunnel),
    ];
    let weight = prop_oneof![Just(0), 1..5_u32, Just(Destination::MAX_WEIGHT)];
    let place = (family(), 10..14_u8, 80..82_u16);
    (place, forward, weight, 0..3_u32, 0..3_u32).prop_map(
        move |((other, number, port), forward, weight, one, two)| {
            let family = match forward {
                Forward::Tunnel(_) => other,
                _ => service,
            };
            let key = DestinationKey {
                address: host(family, number),
                port,
            };
            let destination =
                Destination::new(key, forward, weight).with_thresholds(one.max(two), one.min(two));
            destination
                .check(service)
                .expect("a destination that can be");
            destination
        },
    )
}

pub(crate) fn table() -> impl Strategy<Value = Table> {
    let entry = service().prop_flat_map(|service| {
        let destinations = vec(destination(service.key.family()), 0..5);
        (Just(service), destinations)
    });
    vec(entry, 0..6).prop_map(|entries| entries.into_iter().collect())
}
