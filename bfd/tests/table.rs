//! Many sessions: whose packet it is, from where it may come, and whose turn it is. RFC 5881,
//! RFC 5883.

mod common;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use bfd::{
    AuthKind, BackOff, ConfigError, Control, Definition, InitiatorConfig, InterfaceId, Purpose,
    Rejected, Rx, Seamless, SessionConfig, Signature, State, TRAFFIC_CLASS, Table,
};
use common::*;

/// A first packet, from a peer that does not know us.
fn first() -> Vec<u8> {
    let control = Control {
        your_discriminator: None,
        ..peer(State::Down)
    };
    encode(&control, &Signature::None)
}

/// BFD-RX-09, BFD-SH-07, BFD-MH-03.
#[test]
fn a_first_packet_finds_its_session_by_addresses_and_interface() {
    let mut other_interface = neighbour(1);
    other_interface.interface = InterfaceId(6);
    let (mut table, ids) = table([
        single(1),
        single(3),
        Definition::SingleHop(other_interface, config()),
        multi(1),
    ]);
    let first = first();
    let found = table.handle_packet(at(0.0), &rx(&first, 3, 3784, 255));
    assert_eq!(found, Ok(ids[1]));
    let mut elsewhere = rx(&first, 1, 3784, 255);
    elsewhere.interface = InterfaceId(6);
    assert_eq!(table.handle_packet(at(0.0), &elsewhere), Ok(ids[2]));
    let found = table.handle_packet(at(0.0), &rx(&first, 1, 4784, 9));
    assert_eq!(found, Ok(ids[3]));
    let found = table.handle_packet(at(0.0), &rx(&first, 1, 3784, 255));
    assert_eq!(found, Ok(ids[0]));
    for (last, port) in [(9, 3784), (9, 4784)] {
        let result = table.handle_packet(at(0.0), &rx(&first, last, port, 255));
        assert_eq!(result, Err(Rejected::NoSession));
    }
    let mut other_end = rx(&first, 1, 4784, 255);
    other_end.destination = address(4);
    let result = table.handle_packet(at(0.0), &other_end);
    assert_eq!(result, Err(Rejected::NoSession), "another pair");
    assert_eq!(table.rejected().of(&Rejected::NoSession), 3);
}

/// BFD-RX-09: whoever wants that creates a session for the unknown peer.
#[test]
fn an_unknown_peer_may_be_given_a_session() {
    let (mut table, _) = table([]);
    let first = first();
    let rx = rx(&first, 9, 3784, 255);
    assert_eq!(table.handle_packet(at(0.0), &rx), Err(Rejected::NoSession));
    let id = table
        .add(at(0.0), Definition::SingleHop(neighbour(9), passive()))
        .unwrap();
    assert_eq!(table.handle_packet(at(0.0), &rx), Ok(id));
    assert_eq!(state(&table, id), State::Init);
}

/// BFD-RX-07, BFD-RX-26.
#[test]
fn a_packet_that_names_its_session_needs_no_address() {
    let (mut table, ids) = table([single(1), single(3)]);
    let packet = named(&table, ids[0], State::Init);
    let mut strange = rx(&packet, 99, 3784, 255);
    strange.interface = InterfaceId(77);
    assert_eq!(table.handle_packet(at(0.0), &strange), Ok(ids[0]));
    assert_eq!(state(&table, ids[0]), State::Up);
    let sent = transmits(&mut table, at(0.0));
    assert!(
        sent.iter()
            .any(|(t, _)| t.id == ids[0] && t.destination == address(1))
    );
    let your = discr(12345);
    let control = Control {
        your_discriminator: Some(your),
        ..peer(State::Up)
    };
    let packet = encode(&control, &Signature::None);
    let result = table.handle_packet(at(0.0), &rx(&packet, 1, 3784, 255));
    assert_eq!(result, Err(Rejected::UnknownDiscriminator { your }));
}

/// BFD-RX-10, BFD-SH-06: GTSM, once the session is known; and not with authentication.
#[test]
fn neighbours_are_one_hop_away() {
    let signed = config().with_auth(auth(AuthKind::KeyedSha1));
    let (mut table, ids) = table([single(1), Definition::SingleHop(neighbour(3), signed)]);
    let first = first();
    for ttl in 0..255 {
        let result = table.handle_packet(at(0.0), &rx(&first, 1, 3784, ttl));
        let refused = Rejected::Ttl {
            found: ttl,
            least: 255,
        };
        assert_eq!(result, Err(refused));
    }
    assert_eq!(state(&table, ids[0]), State::Down);
    let stats = table.member(ids[0]).unwrap().session().unwrap().stats();
    assert_eq!(stats.rejected.total(), 255, "the session's own counter");
    table
        .handle_packet(at(0.0), &rx(&first, 1, 3784, 255))
        .unwrap();
    let secret = secret();
    let signature = Signature::Key {
        kind: AuthKind::KeyedSha1,
        id: 7,
        secret: &secret,
        sequence: 1,
    };
    let control = Control {
        your_discriminator: None,
        ..peer(State::Down)
    };
    let routed = encode(&control, &signature);
    assert_eq!(
        table.handle_packet(at(0.0), &rx(&routed, 3, 3784, 60)),
        Ok(ids[1])
    );
}

/// BFD-RX-10 for IPv6: the hop limit.
#[test]
fn ipv6_neighbours_are_one_hop_away() {
    let (peer, local): (IpAddr, IpAddr) = ("fe80::1".parse().unwrap(), "fe80::2".parse().unwrap());
    let mut path = neighbour(1);
    (path.peer, path.local) = (peer, Some(local));
    let (mut table, ids) = table([Definition::SingleHop(path, config())]);
    let first = first();
    let mut packet = rx(&first, 1, 3784, 64);
    (packet.source, packet.destination) = (peer, local);
    let refused = Rejected::Ttl {
        found: 64,
        least: 255,
    };
    assert_eq!(table.handle_packet(at(0.0), &packet), Err(refused));
    packet.ttl = 255;
    assert_eq!(table.handle_packet(at(0.0), &packet), Ok(ids[0]));
}

/// BFD-SH-01, BFD-SH-05, BFD-SH-10, BFD-MH-01, RFC 7881 2: what goes on the wire, and where.
#[test]
fn every_kind_of_path_has_its_port_and_ttl() {
    let seamless = Seamless {
        target: address(8),
        local: None,
    };
    let ask = InitiatorConfig::new(discr(5), ms(50), mult(3));
    let mut far = distant(1);
    far.ttl = 64;
    let (mut table, _) = table([
        single(1),
        Definition::Multihop(far, config()),
        Definition::Seamless(seamless, ask),
    ]);
    let sent = transmits(&mut table, at(0.0));
    let facts: Vec<_> = sent
        .iter()
        .map(|(t, _)| {
            (
                t.destination,
                t.destination_port,
                t.ttl,
                t.interface,
                t.source,
            )
        })
        .collect();
    let expected = [
        (address(1), 3784, 255, Some(INTERFACE), Some(address(2))),
        (address(1), 4784, 64, None, Some(address(2))),
        (address(8), 7784, 255, None, None),
    ];
    assert_eq!(facts, expected);
    assert!(
        sent.iter()
            .all(|(t, _)| t.purpose == Purpose::Control && t.next_hop.is_none())
    );
    assert_eq!(TRAFFIC_CLASS >> 2, 48, "DSCP CS6");
}

/// BFD-SH-02, BFD-SH-03.
#[test]
fn every_session_has_a_source_port_of_its_own_and_keeps_it() {
    let mut table = Table::new(1);
    let mut ports = BTreeSet::new();
    for number in 0..16384_u32 {
        let mut path = neighbour(1);
        path.interface = InterfaceId(number);
        let id = table
            .add(at(0.0), Definition::SingleHop(path, config()))
            .unwrap();
        ports.insert(table.source_port(id).unwrap());
    }
    assert_eq!(ports.len(), 16384);
    assert_eq!(
        (*ports.first().unwrap(), *ports.last().unwrap()),
        (49152, 65535)
    );
    for _ in 0..3 {
        let now = table.next_timeout().unwrap_or_else(|| at(0.0));
        table.handle_timeout(now);
        for (transmit, _) in transmits(&mut table, now) {
            assert_eq!(table.source_port(transmit.id), Some(transmit.source_port));
        }
    }
}

/// BFD-SH-04: `Rx` has no source port. BFD-SH-09: on tunnels, authenticate; then TTL is no matter.
#[test]
fn the_source_port_of_a_packet_is_nobodys_business() {
    let (mut table, ids) = table([single(1)]);
    let first = first();
    assert_eq!(
        table.handle_packet(at(0.0), &rx(&first, 1, 3784, 255)),
        Ok(ids[0])
    );
}

/// BFD-SH-07, BFD-CL-04, BFD-MH-03.
#[test]
fn there_is_one_session_for_a_path() {
    let (mut table, ids) = table([single(1), multi(1)]);
    let other = SessionConfig::new(ms(10), ms(10), mult(5));
    let result = table.add(at(0.0), Definition::SingleHop(neighbour(1), other.clone()));
    assert_eq!(result, Err(ConfigError::Duplicate { existing: ids[0] }));
    let result = table.add(at(0.0), Definition::Multihop(distant(1), other));
    assert_eq!(result, Err(ConfigError::Duplicate { existing: ids[1] }));
    assert_eq!(table.len(), 2);
    let mut mixed = neighbour(1);
    mixed.local = Some("::1".parse().unwrap());
    let result = table.add(at(0.0), Definition::SingleHop(mixed, config()));
    assert_eq!(result, Err(ConfigError::MixedFamilies));
}

/// BFD-SH-08.
#[test]
fn on_a_point_to_point_interface_any_source_is_the_peer() {
    let mut path = neighbour(1);
    path.point_to_point = true;
    let (mut table, ids) = table([Definition::SingleHop(path, config())]);
    let first = first();
    assert_eq!(
        table.handle_packet(at(0.0), &rx(&first, 200, 3784, 255)),
        Ok(ids[0])
    );
    let sent = transmits(&mut table, at(0.0));
    assert!(
        sent.iter()
            .all(|(transmit, _)| transmit.destination == address(1))
    );
    let mut v6 = rx(&first, 1, 3784, 255);
    v6.source = "fe80::1".parse().unwrap();
    assert_eq!(table.handle_packet(at(0.0), &v6), Err(Rejected::NoSession));
}

/// BFD-TX-13: unless somebody says otherwise, everybody speaks first.
#[test]
fn single_hop_sessions_are_active() {
    let (mut table, _) = table([single(1)]);
    assert_eq!(transmits(&mut table, at(0.0)).len(), 1);
    assert_eq!(config().role, bfd::Role::Active);
}

/// BFD-MH-01.
#[test]
fn sessions_take_packets_from_their_own_port_only() {
    let (mut table, ids) = table([single(1), multi(1)]);
    for (id, port) in [(ids[0], 4784), (ids[1], 3784), (ids[0], 7784)] {
        let packet = named(&table, id, State::Init);
        let result = table.handle_packet(at(0.0), &rx(&packet, 1, port, 255));
        assert_eq!(result, Err(Rejected::Port { found: port }));
    }
    let first = first();
    let result = table.handle_packet(at(0.0), &rx(&first, 1, 5000, 255));
    assert_eq!(result, Err(Rejected::Port { found: 5000 }));
}

/// BFD-MH-02.
#[test]
fn a_bound_on_the_ttl_is_kept() {
    let mut near = distant(1);
    near.min_ttl = 250;
    let (mut table, ids) = table([Definition::Multihop(near, config()), multi(3)]);
    let first = first();
    for ttl in 0..250 {
        let result = table.handle_packet(at(0.0), &rx(&first, 1, 4784, ttl));
        let refused = Rejected::Ttl {
            found: ttl,
            least: 250,
        };
        assert_eq!(result, Err(refused));
    }
    assert_eq!(
        table.handle_packet(at(0.0), &rx(&first, 1, 4784, 250)),
        Ok(ids[0])
    );
    assert_eq!(
        table.handle_packet(at(0.0), &rx(&first, 3, 4784, 0)),
        Ok(ids[1]),
        "no bound"
    );
}

/// BFD-MH-03: any address of ours, unless there is a session for this one.
#[test]
fn a_multihop_session_may_be_for_any_local_address() {
    let mut anywhere = distant(1);
    anywhere.local = None;
    let (mut table, ids) = table([Definition::Multihop(anywhere, config()), multi(1)]);
    let first = first();
    let mut packet = rx(&first, 1, 4784, 64);
    assert_eq!(table.handle_packet(at(0.0), &packet), Ok(ids[1]));
    packet.destination = address(77);
    assert_eq!(table.handle_packet(at(0.0), &packet), Ok(ids[0]));
}

/// BFD-MH-04: any type of authentication works over several hops.
#[test]
fn multihop_sessions_can_be_authenticated() {
    let signed = config().with_auth(auth(AuthKind::MeticulousSha1));
    let (mut table, _) = table([Definition::Multihop(distant(1), signed)]);
    let sent = transmits(&mut table, at(0.0));
    assert_eq!(sent[0].1.len(), 52);
}

/// BFD-MH-06.
#[test]
fn multihop_sessions_back_off_unless_told_otherwise() {
    let never = config().with_back_off(BackOff::Off);
    let (table, ids) = table([single(1), multi(1), Definition::Multihop(distant(3), never)]);
    let back_off = |id| {
        table
            .member(id)
            .unwrap()
            .session()
            .unwrap()
            .config()
            .back_off
    };
    assert_eq!(back_off(ids[0]), BackOff::OverSeveralHops);
    assert_eq!(back_off(ids[1]), BackOff::On);
    assert_eq!(back_off(ids[2]), BackOff::Off);
}

/// BFD-TX-09: a table answers a poll at once, also when nothing else is due.
#[test]
fn a_poll_is_answered_at_once() {
    let (mut table, ids) = table([single(1)]);
    for state in [State::Init, State::Up] {
        let mut packet = named(&table, ids[0], state);
        packet[1] |= 0x10;
        table
            .handle_packet(at(0.0), &rx(&packet, 1, 3784, 255))
            .unwrap();
        transmits(&mut table, at(0.0));
    }
    let mut packet = named(&table, ids[0], State::Up);
    table
        .handle_packet(at(1.0), &rx(&packet, 1, 3784, 255))
        .unwrap();
    assert!(transmits(&mut table, at(1.0)).is_empty(), "nothing is due");
    packet[1] |= 0x20;
    table
        .handle_packet(at(1.0), &rx(&packet, 1, 3784, 255))
        .unwrap();
    let sent = transmits(&mut table, at(1.0));
    assert_eq!(sent.len(), 1);
    assert!(sent[0].1[1] & 0x10 != 0, "with F");
}

/// What one session has to send is not lost with another one.
#[test]
fn a_session_that_is_removed_takes_no_packets_of_others_along() {
    let (mut table, ids) = table([single(1), single(3), single(4)]);
    assert!(!table.is_empty());
    // All three have their first packet to send.
    table.remove(ids[1]);
    let senders: Vec<_> = transmits(&mut table, at(0.0))
        .into_iter()
        .map(|(transmit, _)| transmit.id)
        .collect();
    assert_eq!(senders, [ids[0], ids[2]]);
    // And one whose packets are all sent does not hold up a new one in its place.
    table.remove(ids[0]);
    let anew = table.add(at(1.0), single(5)).unwrap();
    let sent = transmits(&mut table, at(1.0));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0.id, anew);
}

/// BFD-VAR-02: random, unique, not 0.
#[test]
fn discriminators_are_random_and_unique() {
    let draw = |seed| {
        let mut table = Table::new(seed);
        (0..1000)
            .map(|number| {
                let mut path = neighbour(1);
                path.interface = InterfaceId(number);
                let id = table
                    .add(at(0.0), Definition::SingleHop(path, config()))
                    .unwrap();
                let session = table.member(id).unwrap().session().unwrap();
                session.local_discriminator()
            })
            .collect::<BTreeSet<_>>()
    };
    let (one, other) = (draw(1), draw(2));
    assert_eq!((one.len(), other.len()), (1000, 1000));
    assert!(one.is_disjoint(&other));
}

/// Thousands of sessions send in company: many packets for each wake-up, and every one of them
/// within the bounds of jitter. BFD-TX-02.
#[test]
fn a_thousand_sessions_share_wake_ups() {
    let mut table = Table::new(3);
    let slow = SessionConfig::new(ms(2000), ms(2000), mult(3));
    let ids: Vec<_> = (0..1000)
        .map(|number| {
            let mut path = neighbour(1);
            path.interface = InterfaceId(number);
            table
                .add(at(0.0), Definition::SingleHop(path, slow.clone()))
                .unwrap()
        })
        .collect();
    let mut last = vec![at(0.0); ids.len()];
    transmits(&mut table, at(0.0));
    let (mut wakes, mut packets) = (0, 0);
    while let Some(now) = table.next_timeout().filter(|next| *next < at(20_000.0)) {
        table.handle_timeout(now);
        assert!(table.next_timeout().is_none_or(|next| next > now));
        wakes += 1;
        for (transmit, _) in transmits(&mut table, now) {
            packets += 1;
            let number = ids.iter().position(|id| *id == transmit.id).unwrap();
            let gap = now.saturating_duration_since(last[number]);
            assert!((Duration::from_millis(1500)..=Duration::from_millis(2000)).contains(&gap));
            last[number] = now;
        }
    }
    assert!(packets > 10_000, "{packets}");
    assert!(
        wakes * 3 < packets * 2,
        "{wakes} wake-ups for {packets} packets"
    );
}

/// Company is kept for a twentieth of the interval, however short that is.
#[test]
fn nobody_sends_more_than_a_twentieth_of_the_interval_early() {
    let mut table = Table::new(3);
    let mut plans = std::collections::BTreeMap::new();
    for number in 0..40 {
        let mut path = neighbour(1);
        path.interface = InterfaceId(number);
        let fast = SessionConfig::new(ms(10), ms(10), mult(3));
        let id = table
            .add(at(0.0), Definition::SingleHop(path, fast))
            .unwrap();
        for state in [State::Init, State::Up] {
            let mut packet = named(&table, id, state);
            packet[1] |= 0x10;
            // Receives every 10 ms.
            packet[16..20].copy_from_slice(&10_000_u32.to_be_bytes());
            table
                .handle_packet(at(0.0), &rx(&packet, 1, 3784, 255))
                .unwrap();
            transmits(&mut table, at(0.0));
        }
    }
    let (mut now, mut early, mut sent) = (at(0.0), 0, 0);
    while now < at(140.0) {
        for (id, _, member) in table.members() {
            plans.insert(id, member.session().unwrap().next_timeout().unwrap());
        }
        now = table.next_timeout().unwrap();
        table.handle_timeout(now);
        for (transmit, _) in transmits(&mut table, now) {
            let waived = plans[&transmit.id].saturating_duration_since(now);
            assert!(waived <= Duration::from_micros(500), "{waived:?}");
            early += u32::from(!waived.is_zero());
            sent += 1;
        }
    }
    assert!(early > 50 && sent > 500, "{early} of {sent} early");
}

/// BFD-FSM-17: a process that was stopped finds what is due long ago still due.
#[test]
fn a_table_that_is_called_late_does_what_is_due() {
    let (mut table, ids) = table([single(1)]);
    for state in [State::Init, State::Up] {
        let packet = named(&table, ids[0], state);
        table
            .handle_packet(at(0.0), &rx(&packet, 1, 3784, 255))
            .unwrap();
    }
    transmits(&mut table, at(0.0));
    assert_eq!(state(&table, ids[0]), State::Up);
    assert!(table.next_timeout().unwrap() < at(60_000.0));
    table.handle_timeout(at(60_000.0));
    assert_eq!(state(&table, ids[0]), State::Down);
    assert!(!transmits(&mut table, at(60_000.0)).is_empty());
}

/// Every counter has its name, also those that are zero.
#[test]
fn packets_for_nobody_are_counted_under_their_names() {
    let (mut table, _) = table([single(1)]);
    let first = first();
    for (last, port) in [(9, 3784), (9, 3784), (1, 4784)] {
        let _ = table.handle_packet(at(0.0), &rx(&first, last, port, 255));
    }
    let counts: Vec<(&str, u64)> = table.rejected().iter().collect();
    let names: Vec<&str> = counts.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, Rejected::names().collect::<Vec<_>>());
    let of_nobody = ("no_session", table.rejected().of(&Rejected::NoSession));
    assert!(
        of_nobody.1 >= 2 && counts.contains(&of_nobody),
        "{counts:?}"
    );
    let sum: u64 = counts.iter().map(|(_, count)| count).sum();
    assert_eq!(sum, table.rejected().total());
}

/// Counters can be set back, everywhere.
#[test]
fn counters_can_be_cleared() {
    let (mut table, ids) = table([single(1)]);
    let first = first();
    table
        .handle_packet(at(0.0), &rx(&first, 9, 3784, 255))
        .unwrap_err();
    table
        .handle_packet(at(0.0), &rx(&first, 1, 3784, 1))
        .unwrap_err();
    table
        .handle_packet(at(0.0), &rx(&first[..9], 1, 3784, 255))
        .unwrap_err();
    assert_eq!(table.rejected().total(), 2);
    table.clear_stats();
    assert_eq!(table.rejected().total(), 0);
    let stats = table.member(ids[0]).unwrap().session().unwrap().stats();
    assert_eq!(stats.rejected.total(), 0);
}

/// BFD-SH-06, BFD-SH-07: of one neighbour, a session with an interface comes before one without.
#[test]
fn a_session_without_interface_hears_its_neighbour_anywhere() {
    let mut anywhere = neighbour(9);
    anywhere.interface = InterfaceId::ANY;
    let definitions = [single(9), Definition::SingleHop(anywhere, config())];
    let (mut table, ids) = table(definitions);
    let payload = first();
    for (interface, expected) in [(INTERFACE, ids[0]), (InterfaceId(77), ids[1])] {
        let rx = Rx {
            interface,
            ..rx(&payload, 9, 3784, 255)
        };
        assert_eq!(table.handle_packet(at(0.1), &rx), Ok(expected));
    }
    let all = transmits(&mut table, at(0.2));
    let of = |id| all.iter().find(|(transmit, _)| transmit.id == id).unwrap();
    assert_eq!(of(ids[0]).0.interface, Some(INTERFACE));
    assert_eq!(of(ids[1]).0.interface, None);
}

/// BFD-SH-05, BFD-SH-06: a neighbour that sends a TTL of its own choice.
#[test]
fn a_lower_ttl_can_be_agreed_upon_with_a_neighbour() {
    let mut path = neighbour(9);
    (path.ttl, path.min_ttl) = (64, 63);
    let (mut table, ids) = table([Definition::SingleHop(path, config())]);
    let payload = first();
    let far = table.handle_packet(at(0.1), &rx(&payload, 9, 3784, 62));
    assert_eq!(
        far,
        Err(Rejected::Ttl {
            found: 62,
            least: 63
        })
    );
    let near = table.handle_packet(at(0.1), &rx(&payload, 9, 3784, 63));
    assert_eq!(near, Ok(ids[0]));
    assert!(
        transmits(&mut table, at(0.2))
            .iter()
            .all(|(t, _)| t.ttl == 64)
    );
}
