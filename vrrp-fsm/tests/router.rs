//! Many virtual routers: who gets which packet, when, and in which order things are done.

mod common;

use common::*;
use core::time::Duration;
use std::net::IpAddr;

use vrrp_fsm::State::{Active, Backup};
use vrrp_fsm::proto::{Family, IpMeta, ParseError, Vrid};
use vrrp_fsm::{
    Action, Event, Fault, InstanceConfig, InstanceId, Instant, InterfaceId, Notice, Peer, Preempt,
    Reason, Rejected, Role, Router, RouterConfig, Rx, Transport,
};

const ETH0: InterfaceId = InterfaceId(0);
const ETH1: InterfaceId = InterfaceId(1);

fn of_vrid(mut config: InstanceConfig, vrid: u8) -> InstanceConfig {
    config.vrid = Vrid::new(vrid).unwrap();
    config
}

fn config() -> InstanceConfig {
    v3(backup(100, Preempt::Immediately))
}

fn unicast(config: InstanceConfig) -> InstanceConfig {
    config.with_transport(Transport::Unicast {
        peers: vec![Peer::new(peer(9))],
        check_source: true,
    })
}

/// A router with these, none started yet.
fn router(
    configs: impl IntoIterator<Item = (InterfaceId, InstanceConfig)>,
) -> (Router, Vec<InstanceId>) {
    let mut router = Router::new();
    let config = RouterConfig {
        instances: configs.into_iter().collect(),
        ..RouterConfig::new()
    };
    let ids = router.reload(nanos(0), config).unwrap().ids;
    for id in &ids {
        let own = match router.instance(*id).unwrap().config().family {
            Family::Ipv4 => address(OWN),
            Family::Ipv6 => "fe80::5".parse().unwrap(),
        };
        router.handle_event(nanos(0), *id, Event::PrimaryAddress(Some(own)));
        router.handle_event(nanos(0), *id, Event::FaultCleared(Fault::NoReceivePath));
    }
    drain_router(&mut router);
    (router, ids)
}

fn running(
    configs: impl IntoIterator<Item = (InterfaceId, InstanceConfig)>,
) -> (Router, Vec<InstanceId>) {
    let (mut router, ids) = router(configs);
    for id in &ids {
        router.handle_event(nanos(0), *id, Event::Start);
    }
    drain_router(&mut router);
    (router, ids)
}

fn drain_router(router: &mut Router) -> Vec<(InstanceId, Action)> {
    std::iter::from_fn(|| router.poll_action()).collect()
}

/// An advert for `config`, as it comes in by `interface`.
fn rx(
    config: &InstanceConfig,
    interface: InterfaceId,
    destination: IpAddr,
) -> (InterfaceId, IpMeta, Vec<u8>) {
    let source = match config.family {
        Family::Ipv4 => peer(9),
        Family::Ipv6 => "fe80::9".parse().unwrap(),
    };
    let (mut ip, octets) = message(config, source, 200, centis(100));
    ip.destination = destination;
    (interface, ip, octets)
}

fn feed(
    router: &mut Router,
    now: Instant,
    (interface, ip, message): &(InterfaceId, IpMeta, Vec<u8>),
) -> Result<InstanceId, Rejected> {
    let (interface, ip) = (*interface, *ip);
    router.handle_packet(
        now,
        Rx {
            interface,
            ip,
            message,
        },
    )
}

/// VRRP-GEN-04, VRRP-V2-RX-07, VRRP-V3-RX-06: the same VRID, six virtual routers.
#[test]
fn packet_reaches_the_virtual_router_of_its_interface_family_vrid_and_destination() {
    let group = IpAddr::from([239, 1, 2, 3]);
    let elsewhere = config().with_transport(Transport::Multicast { group });
    let six = v6(backup(100, Preempt::Immediately));
    let all = [
        (ETH0, config()),
        (ETH1, config()),
        (ETH0, six.clone()),
        (ETH0, of_vrid(config(), 52)),
        (ETH0, unicast(config())),
        (ETH0, elsewhere.clone()),
    ];
    let (mut router, ids) = running(all);
    let packets = [
        rx(&config(), ETH0, Family::Ipv4.group()),
        rx(&config(), ETH1, Family::Ipv4.group()),
        rx(&six, ETH0, Family::Ipv6.group()),
        rx(&of_vrid(config(), 52), ETH0, Family::Ipv4.group()),
        rx(&config(), ETH0, address(OWN)),
        rx(&elsewhere, ETH0, group),
    ];
    for (place, packet) in packets.iter().enumerate() {
        assert_eq!(feed(&mut router, secs(1.0), packet), Ok(ids[place]));
        for (other, id) in ids.iter().enumerate() {
            let received = router.instance(*id).unwrap().stats().adverts_received;
            assert_eq!(received, u64::from(other <= place), "{place} {other}");
        }
    }
}

/// VRRP-V2-RX-15, VRRP-V3-RX-17: the destination alone is wrong, so that the one with this VRID
/// says so.
#[test]
fn packet_with_a_wrong_destination_is_rejected_by_the_virtual_router_of_its_vrid() {
    let (mut router, ids) = running([(ETH0, config()), (ETH0, unicast(of_vrid(config(), 52)))]);
    let other = IpAddr::from([224, 0, 0, 19]);
    for (config, destination, id) in [
        (config(), other, ids[0]),
        (config(), address(OWN), ids[0]),
        (of_vrid(config(), 52), Family::Ipv4.group(), ids[1]),
    ] {
        let packet = rx(&config, ETH0, destination);
        let reason = Rejected::Destination(destination);
        assert_eq!(feed(&mut router, secs(1.0), &packet), Err(reason));
        let stats = router.instance(id).unwrap().stats();
        assert!(stats.rejected(&reason) > 0);
        assert_eq!(stats.last_reject, Some((secs(1.0), reason)));
    }
    assert_eq!(router.unroutable().total(), 0);
}

/// VRRP-V2-RX-07, VRRP-V3-RX-06, VRRP-GEN-12: what is for nobody is counted, under what is wrong
/// with it first.
#[test]
fn packet_for_nobody_is_counted_under_its_reason() {
    let (mut router, _) = running([(ETH0, config())]);
    let group = Family::Ipv4.group();
    let unknown = rx(&of_vrid(config(), 52), ETH0, group);
    assert_eq!(
        feed(&mut router, secs(1.0), &unknown),
        Err(Rejected::UnknownVrid(52))
    );
    let elsewhere = rx(&config(), ETH1, group);
    assert_eq!(
        feed(&mut router, secs(1.0), &elsewhere),
        Err(Rejected::UnknownVrid(51))
    );
    assert_eq!(router.unroutable().count(&Rejected::UnknownVrid(0)), 2);

    let mut broken = unknown.clone();
    broken.2[7] ^= 1;
    let reason = Rejected::Parse(ParseError::Checksum);
    assert_eq!(feed(&mut router, secs(1.0), &broken), Err(reason));
    let mut hops = unknown.clone();
    hops.1.hop_limit = 254;
    let reason = Rejected::Parse(ParseError::HopLimit { found: 254 });
    assert_eq!(feed(&mut router, secs(1.0), &hops), Err(reason));
    let mut mixed = unknown.clone();
    mixed.1.source = "fe80::9".parse().unwrap();
    let reason = Rejected::Parse(ParseError::MixedFamilies);
    assert_eq!(feed(&mut router, secs(1.0), &mixed), Err(reason));
    // What is looked at after the identifier does not matter where nobody has that.
    let mut no_interval = unknown.clone();
    let sum = u16::from_be_bytes([no_interval.2[6], no_interval.2[7]]);
    no_interval.2[4..6].fill(0);
    no_interval.2[6..8].copy_from_slice(&(sum + 100).to_be_bytes());
    let reason = Rejected::UnknownVrid(52);
    assert_eq!(feed(&mut router, secs(1.0), &no_interval), Err(reason));
    // But nobody has 0.
    no_interval.2[1] = 0;
    no_interval.2[6..8].copy_from_slice(&(sum + 152).to_be_bytes());
    let reason = Rejected::Parse(ParseError::VridZero);
    assert_eq!(feed(&mut router, secs(1.0), &no_interval), Err(reason));
    let empty = (ETH0, unknown.1, Vec::new());
    let reason = Rejected::Parse(ParseError::HeaderTruncated { got: 0 });
    assert_eq!(feed(&mut router, secs(1.0), &empty), Err(reason));
    assert_eq!(router.unroutable().total(), 8);
    assert_eq!(
        router
            .unroutable()
            .iter()
            .filter(|(_, count)| *count > 0)
            .count(),
        6
    );
    assert_eq!(drain_router(&mut router), []);
}

/// VRRP-GEN-05, VRRP-GEN-06: a thousand bad packets are a thousand in the counter and few in the log.
#[test]
fn rejected_packets_are_all_counted_and_seldom_told() {
    let (mut router, ids) = running([(ETH0, config())]);
    let mut packet = rx(&config(), ETH0, Family::Ipv4.group());
    packet.1.hop_limit = 1;
    let reason = Rejected::Parse(ParseError::HopLimit { found: 1 });
    for n in 0..1000 {
        let now = nanos(n * 1_000_000);
        assert_eq!(feed(&mut router, now, &packet), Err(reason));
    }
    let told = Action::Notice(Notice::Rejected { reason, total: 1 });
    assert_eq!(drain_router(&mut router), [(ids[0], told)]);
    let stats = router.instance(ids[0]).unwrap().stats();
    assert_eq!(stats.rejected(&reason), 1000);
    assert_eq!(stats.rejections.total(), 1000);
    assert_eq!(router.instance(ids[0]).unwrap().state(), Backup);
    let _ = feed(&mut router, secs(10.0), &packet);
    let told = Action::Notice(Notice::Rejected {
        reason,
        total: 1001,
    });
    assert_eq!(drain_router(&mut router), [(ids[0], told)]);
}

/// One queue: what belongs to one virtual router stays in order, and so do they.
#[test]
fn actions_come_in_the_order_of_what_caused_them() {
    let all = (1..=3).map(|vrid| (ETH0, of_vrid(config(), vrid)));
    let (mut router, ids) = running(all);
    let down = router.next_timeout().unwrap();
    router.handle_event(secs(1.0), ids[2], Event::Stop);
    router.handle_timeout(down);
    let mut expected = vec![(
        ids[2],
        transition(Backup, vrrp_fsm::State::Initialize, Reason::Stopped),
    )];
    for id in &ids[..2] {
        expected.extend(promotion(Backup, Reason::DownTimer).map(|action| (*id, action)));
    }
    assert_eq!(drain_router(&mut router), expected);
}

/// Owners that started at these nanoseconds, so that their adverts are due a second later.
fn owners(starts: &[i64]) -> (Router, Vec<InstanceId>) {
    let vrids = 1..=u8::try_from(starts.len()).unwrap();
    let all = vrids.map(|vrid| (ETH0, of_vrid(v3(Role::Owner), vrid)));
    let (mut router, ids) = router(all);
    for (id, start) in ids.iter().zip(starts) {
        router.handle_event(nanos(*start), *id, Event::Start);
    }
    drain_router(&mut router);
    (router, ids)
}

fn senders(router: &mut Router) -> Vec<InstanceId> {
    let actions = drain_router(router).into_iter();
    actions
        .filter(|(_, action)| *action == ADVERT)
        .map(|(id, _)| id)
        .collect()
}

/// Adverts due within 1% of their interval go along with one that is due, early rather than late.
#[test]
fn adverts_go_out_early_in_company() {
    let (mut router, ids) = owners(&[0, 5_000_000, 10_000_000, 10_000_001]);
    assert_eq!(router.next_timeout(), Some(secs(1.0)));
    router.handle_timeout(nanos(999_999_999));
    assert_eq!(senders(&mut router), [], "nobody is due: no company");
    router.handle_timeout(secs(1.0));
    assert_eq!(senders(&mut router), ids[..3]);
    assert_eq!(router.next_timeout(), Some(nanos(1_010_000_001)));
    router.handle_timeout(nanos(1_010_000_001));
    assert_eq!(senders(&mut router), ids[3..]);
}

/// DESIGN 5 invariant 6: after an early advert the next one comes one interval later, not more, or
/// a Backup of high priority would count three intervals in the time of two lost adverts. Routers
/// that met once stay in step.
#[test]
fn the_gap_after_an_early_advert_is_one_interval() {
    let (mut router, ids) = owners(&[0, 10_000_000]);
    for second in 1..100 {
        let now = secs(f64::from(second));
        assert_eq!(router.next_timeout(), Some(now));
        router.handle_timeout(now);
        assert_eq!(senders(&mut router), ids);
        let next = router.instance(ids[1]).unwrap().next_timeout();
        assert_eq!(next, Some(nanos(now.as_nanos() + 1_000_000_000)));
    }
}

/// The limit is 10 ms also for long intervals, and 1% for short ones.
#[test]
fn early_is_at_most_1_percent_and_10_milliseconds() {
    for (interval, early) in [(4095, 10_000_000), (100, 10_000_000), (10, 1_000_000)] {
        for (offset, company) in [(early, true), (early + 1, false)] {
            let config = |vrid| of_vrid(v3(Role::Owner).with_interval(centis(interval)), vrid);
            let (mut router, ids) = router([(ETH0, config(1)), (ETH0, config(2))]);
            router.handle_event(nanos(0), ids[0], Event::Start);
            router.handle_event(nanos(offset), ids[1], Event::Start);
            drain_router(&mut router);
            let due = router.next_timeout().unwrap();
            router.handle_timeout(due);
            let sent = senders(&mut router).len();
            assert_eq!(sent, if company { 2 } else { 1 }, "{interval} {offset}");
        }
    }
}

/// DESIGN: a down timer is never early.
#[test]
fn down_timers_are_never_early() {
    let (mut router, ids) = router([
        (ETH0, of_vrid(config(), 1)),
        (ETH0, of_vrid(config(), 2)),
        (ETH0, of_vrid(v3(Role::Owner), 3)),
    ]);
    router.handle_event(nanos(0), ids[0], Event::Start);
    router.handle_event(nanos(1), ids[1], Event::Start);
    let due = router.next_timeout().unwrap();
    // An owner with an advert due at the same instant does not help.
    router.handle_event(nanos(due.as_nanos() - 1_000_000_000), ids[2], Event::Start);
    drain_router(&mut router);
    router.handle_timeout(due);
    assert_eq!(router.instance(ids[0]).unwrap().state(), Active);
    assert_eq!(router.instance(ids[1]).unwrap().state(), Backup);
    assert_eq!(router.next_timeout(), Some(nanos(due.as_nanos() + 1)));
}

/// PERFORMANCE: the wake-up is the price.
#[test]
fn early_company_saves_wake_ups() {
    let starts: Vec<_> = (0..250).map(|n| n * 4_000_000).collect();
    let (mut router, _) = owners(&starts);
    let (mut wake_ups, mut sent) = (0, 0);
    while let Some(next) = router.next_timeout().filter(|next| *next < secs(11.0)) {
        router.handle_timeout(next);
        wake_ups += 1;
        sent += senders(&mut router).len();
    }
    assert!((2500..=2503).contains(&sent), "{sent}");
    assert!(wake_ups <= 10 * 91, "{wake_ups}");
}

/// Calling too early or twice does nothing.
#[test]
fn repeated_timeouts_do_nothing() {
    let (mut router, _) = running([(ETH0, config()), (ETH1, config())]);
    let due = router.next_timeout().unwrap();
    router.handle_timeout(nanos(due.as_nanos() - 1));
    assert_eq!(drain_router(&mut router), []);
    router.handle_timeout(due);
    assert_eq!(drain_router(&mut router).len(), 8);
    router.handle_timeout(due);
    assert_eq!(drain_router(&mut router), []);
}

/// The earliest deadline of all is known at every time.
#[test]
fn next_timeout_is_the_earliest_of_all() {
    let (mut router, ids) = running((1..=50).map(|vrid| (ETH0, of_vrid(config(), vrid))));
    for (place, id) in ids.iter().enumerate() {
        let weights = i16::try_from(place).unwrap();
        router.handle_event(secs(1.0), *id, Event::Adjust(weights));
        let earliest = router
            .instances()
            .filter_map(|(_, _, one)| one.next_timeout())
            .min();
        assert_eq!(router.next_timeout(), earliest);
    }
    for id in &ids {
        router.handle_event(secs(1.0), *id, Event::Stop);
    }
    assert_eq!(router.next_timeout(), None);
}

/// A caller that does not poll finds one advert a virtual router, not one an interval.
#[test]
fn adverts_that_nobody_polls_do_not_pile_up() {
    let (mut router, ids) = owners(&[0, 0, 0]);
    assert!(ids[0].get() != ids[1].get() && ids[1].get() != ids[2].get());
    for second in 1..100 {
        router.handle_timeout(secs(f64::from(second)));
    }
    assert_eq!(senders(&mut router), ids);
    // What was handed out is what counts as sent.
    let stats = router.instance(ids[0]).unwrap().stats();
    assert_eq!(stats.adverts_sent, 2);
    // After it was handed out there is room for the next.
    router.handle_timeout(secs(100.0));
    // And a word to the operator is no reason for another.
    let mut packet = rx(&of_vrid(config(), 1), ETH0, Family::Ipv4.group());
    packet.1.hop_limit = 1;
    assert!(feed(&mut router, secs(100.5), &packet).is_err());
    router.handle_timeout(secs(101.0));
    let actions = drain_router(&mut router);
    let told = |(_, action): &&(InstanceId, Action)| matches!(action, Action::Notice(_));
    assert_eq!(actions.iter().filter(told).count(), 1, "{actions:?}");
    let adverts = actions.iter().filter(|(_, action)| *action == ADVERT);
    assert_eq!(adverts.map(|(id, _)| *id).collect::<Vec<_>>(), ids);
}

/// An advert that waits stands only for those before anything else happens.
#[test]
fn advert_of_a_later_term_is_not_left_out() {
    let (mut router, ids) = running([(ETH0, config())]);
    let first = router.next_timeout().unwrap();
    router.handle_timeout(first);
    drain_router(&mut router);
    router.handle_timeout(router.next_timeout().unwrap());
    let packet = rx(&config(), ETH0, Family::Ipv4.group());
    feed(&mut router, secs(5.0), &packet).unwrap();
    router.handle_timeout(router.next_timeout().unwrap());
    let yields = transition(Active, Backup, higher(peer(9), 200));
    let mut expected = vec![ADVERT, REMOVE, yields];
    expected.extend(promotion(Backup, Reason::DownTimer));
    let expected: Vec<_> = expected
        .into_iter()
        .map(|action| (ids[0], action))
        .collect();
    assert_eq!(drain_router(&mut router), expected);
}

/// MIB-02.
#[test]
fn cleared_counters_are_zero() {
    let (mut router, ids) = running([(ETH0, config())]);
    let mut packet = rx(&config(), ETH0, Family::Ipv4.group());
    assert!(feed(&mut router, secs(1.0), &packet).is_ok());
    packet.0 = ETH1;
    assert!(feed(&mut router, secs(1.0), &packet).is_err());
    router.clear_stats();
    assert_eq!(router.unroutable().total(), 0);
    let stats = router.instance(ids[0]).unwrap().stats();
    assert_eq!(stats, &vrrp_fsm::Stats::default());
    assert_eq!(router.instance(ids[0]).unwrap().state(), Backup);
}

/// The names of the counters are different ones, so that they can be labels of a metric.
#[test]
fn every_reason_has_a_name_of_its_own() {
    let stats = vrrp_fsm::Stats::default();
    let mut names: Vec<_> = stats.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), Rejected::COUNT);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Rejected::COUNT);
    assert!(!names.contains(&"unknown"));
    let reason = Rejected::UnknownPeer(peer(1));
    assert_eq!(reason.name(), "unknown_peer");
}

/// An identifier that is out of use says nothing about a later virtual router.
#[test]
fn identifier_of_a_removed_one_means_nobody() {
    let (mut router, ids) = running([(ETH0, config())]);
    router.reload(secs(1.0), RouterConfig::new()).unwrap();
    drain_router(&mut router);
    assert_eq!(router.poll_action(), None);
    let again = RouterConfig::new().with_instance(ETH0, config());
    let reload = router.reload(secs(1.0), again).unwrap();
    assert_ne!(reload.ids, ids);
    router.handle_event(secs(1.0), ids[0], Event::Start);
    assert!(router.instance(ids[0]).is_none());
    assert_eq!(router.interface(ids[0]), None);
    assert_eq!(drain_router(&mut router), []);
    assert_eq!(router.interface(reload.ids[0]), Some(ETH0));
}

/// Ten thousand that are due at once are served in one turn.
#[test]
fn all_that_is_due_is_served_in_one_turn() {
    let all = (0..40_u32).flat_map(|interface| {
        (1..=250).map(move |vrid| (InterfaceId(interface), of_vrid(config(), vrid)))
    });
    let (mut router, ids) = running(all);
    assert_eq!(ids.len(), 10_000);
    let due = router.next_timeout().unwrap();
    router.handle_timeout(due);
    assert!(router.instances().all(|(_, _, one)| one.state() == Active));
    let next = Duration::from_secs(1);
    let next = nanos(due.as_nanos() + i64::try_from(next.as_nanos()).unwrap());
    assert_eq!(router.next_timeout(), Some(next));
}
