//! Reload as a difference: what is the same is not touched.

mod common;

use common::*;
use vrrp_fsm::State::{Active, Backup, Initialize};
use vrrp_fsm::proto::{Family, Vrid};
use vrrp_fsm::{
    Action, ConfigError, Event, Fault, InstanceConfig, InstanceId, InterfaceId, Peer, Preempt,
    Reason, Reload, Role, Router, RouterConfig, Rx, State, Transmit, Transport,
};

const ETH0: InterfaceId = InterfaceId(0);
const ETH1: InterfaceId = InterfaceId(1);
const DOWN: f64 = 3.609375;

fn config(vrid: u8) -> InstanceConfig {
    let mut config = v3(backup(100, Preempt::Immediately));
    config.vrid = Vrid::new(vrid).unwrap();
    config
}

fn owner(vrid: u8) -> InstanceConfig {
    let mut config = config(vrid);
    config.role = Role::Owner;
    config.with_startup(vrrp_fsm::Startup::Active)
}

fn all(configs: impl IntoIterator<Item = InstanceConfig>) -> RouterConfig {
    RouterConfig {
        instances: configs.into_iter().map(|config| (ETH0, config)).collect(),
        ..RouterConfig::new()
    }
}

fn start(router: &mut Router, ids: &[InstanceId]) {
    let own = Event::PrimaryAddress(Some(address(OWN)));
    for id in ids {
        for event in [own, Event::FaultCleared(Fault::NoReceivePath), Event::Start] {
            router.handle_event(nanos(0), *id, event);
        }
    }
}

fn running(config: &RouterConfig) -> (Router, Vec<InstanceId>) {
    let mut router = Router::new();
    let ids = router.reload(nanos(0), config.clone()).unwrap().ids;
    start(&mut router, &ids);
    drain(&mut router);
    (router, ids)
}

fn drain(router: &mut Router) -> Vec<(InstanceId, Action)> {
    std::iter::from_fn(|| router.poll_action()).collect()
}

fn state(router: &Router, id: InstanceId) -> State {
    router.instance(id).unwrap().state()
}

/// LESSONS A3: reload with an equal configuration.
#[test]
fn equal_configuration_causes_nothing() {
    let config = all([config(1), owner(2), config(3)]);
    let (mut router, ids) = running(&config);
    let before = format!("{router:?}");
    let reload = router.reload(secs(1.0), config).unwrap();
    let expected = Reload {
        kept: ids.clone(),
        ids,
        ..Reload::default()
    };
    assert_eq!(reload, expected);
    assert_eq!(drain(&mut router), []);
    assert_eq!(format!("{router:?}"), before);
}

/// The order of the configuration is no difference.
#[test]
fn other_order_is_no_difference() {
    let (mut router, ids) = running(&all([config(1), owner(2), config(3)]));
    let turned = all([config(3), config(1), owner(2)]);
    let reload = router.reload(secs(1.0), turned).unwrap();
    assert_eq!(reload.ids, [ids[2], ids[0], ids[1]]);
    assert_eq!(reload.kept, reload.ids);
    assert_eq!(drain(&mut router), []);
}

/// A changed one keeps its state, its counters and its deadline as far as they are not concerned.
#[test]
fn changed_one_keeps_state_and_counters() {
    let (mut router, ids) = running(&all([owner(1), config(2)]));
    router.handle_timeout(secs(1.0));
    drain(&mut router);
    let sent = router.instance(ids[0]).unwrap().stats().clone();
    assert_eq!(sent.adverts_sent, 2);
    let changed = all([owner(1).with_interval(centis(200)), config(2)]);
    let reload = router.reload(secs(1.5), changed).unwrap();
    assert_eq!((reload.changed, reload.kept), (vec![ids[0]], vec![ids[1]]));
    assert_eq!(drain(&mut router), []);
    let one = router.instance(ids[0]).unwrap();
    assert_eq!((one.state(), one.stats()), (Active, &sent));
    assert_eq!(one.next_timeout(), Some(secs(2.0)));
    assert_eq!(one.advert(Transmit::Advert).interval, centis(200));
}

/// KA#754: a small change causes no switchover, and other addresses only what they need.
#[test]
fn other_addresses_are_installed_and_announced() {
    let (mut router, ids) = running(&all([owner(1), config(2)]));
    let addresses = [address(100), address(101)];
    let changed = all([owner(1), config(2)].map(|config| config.with_addresses(addresses)));
    let reload = router.reload(secs(0.5), changed).unwrap();
    assert_eq!(reload.changed, ids);
    assert_eq!(
        drain(&mut router),
        [(ids[0], INSTALL), (ids[0], REASSERT)],
        "those of the Backup are nowhere"
    );
    let advert = router.instance(ids[0]).unwrap().advert(Transmit::Advert);
    assert_eq!(advert.addresses.len(), 2);
    assert_eq!(router.next_timeout(), Some(secs(1.0)));
}

/// FSM-OPEN-04: another priority in Backup moves the deadline by the skew.
#[test]
fn other_priority_moves_the_down_timer() {
    let (mut router, ids) = running(&all([config(1)]));
    let mut changed = config(1);
    changed.role = backup(150, Preempt::Immediately);
    router.reload(secs(1.0), all([changed])).unwrap();
    assert_eq!(router.next_timeout(), Some(secs(3.4140625)));
    assert_eq!(state(&router, ids[0]), Backup);
}

/// KA#1009: the weights are facts and survive.
#[test]
fn weights_survive_another_priority() {
    let (mut router, ids) = running(&all([config(1)]));
    router.handle_event(secs(0.5), ids[0], Event::Adjust(-30));
    let mut changed = config(1);
    changed.role = backup(150, Preempt::Immediately);
    router.reload(secs(1.0), all([changed])).unwrap();
    let one = router.instance(ids[0]).unwrap();
    assert_eq!(one.effective_priority().get(), 120);
}

/// What a Backup has learned from the Active router is not the configuration's to change.
#[test]
fn learned_interval_survives_another_own_one() {
    let (mut router, ids) = running(&all([config(51)]));
    let (ip, octets) = message(&config(51), peer(9), 200, centis(20));
    let message = &octets;
    let interface = ETH0;
    router
        .handle_packet(
            secs(1.0),
            Rx {
                interface,
                ip,
                message,
            },
        )
        .unwrap();
    let changed = all([config(51).with_interval(centis(500))]);
    router.reload(secs(1.1), changed).unwrap();
    let one = router.instance(ids[0]).unwrap();
    assert_eq!(one.active_interval(), centis(20));
    assert_eq!(one.next_timeout(), Some(secs(1.721875)));
    assert_eq!(one.active_router().unwrap().address, peer(9));
    // Without anybody heard it is the own one.
    let (mut router, ids) = running(&all([config(51)]));
    let changed = all([config(51).with_interval(centis(500))]);
    router.reload(secs(1.1), changed).unwrap();
    let one = router.instance(ids[0]).unwrap();
    assert_eq!(one.next_timeout(), Some(secs(5.0 * DOWN)));
}

/// Another interval is no reason to believe that the process was stopped.
#[test]
fn much_shorter_interval_is_no_stall() {
    let (mut router, ids) = running(&all([config(1).with_interval(centis(4095))]));
    let changed = all([config(1).with_interval(centis(1))]);
    router.reload(secs(100.0), changed).unwrap();
    assert_eq!(router.next_timeout(), Some(secs(100.0)));
    router.handle_timeout(secs(100.0));
    assert_eq!(state(&router, ids[0]), Active);
    assert_eq!(router.instance(ids[0]).unwrap().stats().stalls, 0);
}

/// Those that are gone release first; `instance` answers while there is something to do for them.
#[test]
fn removed_one_is_stopped_and_there_until_its_actions_are_polled() {
    let (mut router, ids) = running(&all([owner(1), config(2)]));
    let reload = router.reload(secs(0.5), RouterConfig::new()).unwrap();
    assert_eq!(reload.removed, ids);
    assert_eq!(router.next_timeout(), None);
    assert_eq!(router.instances().count(), 0);
    for expected in [
        RELEASE,
        REMOVE,
        transition(Active, Initialize, Reason::Reconfigured),
    ] {
        assert_eq!(router.poll_action(), Some((ids[0], expected)));
        // The release is made of it, and the removal needs its addresses.
        let one = router.instance(ids[0]).unwrap();
        assert_eq!(one.advert(Transmit::Release).priority.get(), 0);
    }
    let gone = transition(Backup, Initialize, Reason::Reconfigured);
    assert_eq!(router.poll_action(), Some((ids[1], gone)));
    assert!(router.instance(ids[0]).is_none());
    assert!(router.instance(ids[1]).is_some());
    assert_eq!(router.poll_action(), None);
    assert!(router.instance(ids[1]).is_none());
}

/// A removed one hears nothing more.
#[test]
fn removed_one_takes_no_events_and_packets() {
    let (mut router, ids) = running(&all([config(51)]));
    router.reload(secs(0.5), RouterConfig::new()).unwrap();
    router.handle_event(secs(0.6), ids[0], Event::Start);
    let (ip, octets) = message(&config(51), peer(9), 200, centis(20));
    let message = &octets;
    let interface = ETH0;
    assert!(
        router
            .handle_packet(
                secs(0.6),
                Rx {
                    interface,
                    ip,
                    message
                }
            )
            .is_err()
    );
    assert_eq!(drain(&mut router).len(), 1);
}

/// KA#1854: an address that moves from one virtual router to another is let go before it is taken.
#[test]
fn address_that_moves_is_removed_before_it_is_installed() {
    let moving = [address(100), address(101)];
    let (mut router, ids) = running(&all([owner(1).with_addresses(moving), owner(2)]));
    let config = all([owner(2).with_addresses(moving)]);
    router.reload(secs(0.5), config).unwrap();
    assert_eq!(
        drain(&mut router),
        [
            (ids[0], RELEASE),
            (ids[0], REMOVE),
            (ids[0], transition(Active, Initialize, Reason::Reconfigured)),
            (ids[1], INSTALL),
            (ids[1], REASSERT),
        ]
    );
}

/// Added ones wait for what the world is like.
#[test]
fn added_one_waits_for_its_events() {
    let (mut router, ids) = running(&all([config(1)]));
    let reload = router
        .reload(secs(1.0), all([owner(2), config(1)]))
        .unwrap();
    assert_eq!(reload.kept, ids);
    assert_eq!(reload.ids, [reload.added[0], ids[0]]);
    assert_eq!(drain(&mut router), []);
    assert_eq!(state(&router, reload.added[0]), Initialize);
    assert_eq!(router.next_timeout(), Some(secs(DOWN)));
    start(&mut router, &reload.added);
    assert_eq!(state(&router, reload.added[0]), Active);
}

/// LESSONS A3 (KA PR#1707, KA#1756): a bad configuration changes nothing.
#[test]
fn bad_configuration_changes_nothing() {
    let (mut router, _) = running(&all([owner(1), config(2)]));
    let before = format!("{router:?}");
    let bad = all([config(3), config(4).with_addresses([])]);
    assert_eq!(router.reload(secs(0.5), bad), Err(ConfigError::NoAddresses));
    let twice = all([config(1), config(3), config(3)]);
    let error = ConfigError::Duplicate {
        interface: ETH0,
        family: Family::Ipv4,
        vrid: Vrid::new(3).unwrap(),
    };
    assert_eq!(router.reload(secs(0.5), twice), Err(error));
    assert_eq!(format!("{router:?}"), before);
}

/// What tells virtual routers apart: interface, family, VRID, group or unicast.
#[test]
fn same_vrid_may_exist_elsewhere() {
    let group = Transport::Multicast {
        group: [239, 1, 2, 3].into(),
    };
    let unicast = Transport::Unicast {
        peers: vec![Peer::new(peer(9))],
        check_source: false,
    };
    let config = RouterConfig::new()
        .with_instance(ETH0, config(51))
        .with_instance(ETH1, config(51))
        .with_instance(ETH0, v6(backup(100, Preempt::Immediately)))
        .with_instance(ETH0, config(51).with_transport(group))
        .with_instance(ETH0, config(51).with_transport(unicast));
    let mut router = Router::new();
    assert_eq!(router.reload(secs(0.0), config).unwrap().added.len(), 5);
    assert_eq!(router.instances().count(), 5);
}

/// Peers may change without being another virtual router.
#[test]
fn other_peers_are_a_change() {
    let with = |last| {
        let transport = Transport::Unicast {
            peers: vec![Peer::new(peer(last))],
            check_source: false,
        };
        all([owner(1).with_transport(transport)])
    };
    let (mut router, ids) = running(&with(8));
    let reload = router.reload(secs(0.5), with(9)).unwrap();
    assert_eq!(reload.changed, ids);
    assert_eq!(state(&router, ids[0]), Active);
    assert_eq!(drain(&mut router), []);
}

/// UNI-10: as many as there are numbers for them, which is more than anybody has.
#[test]
fn one_identifier_is_for_255_unicast_routers_at_most() {
    let with = |count: u16| {
        (0..count).fold(RouterConfig::new(), |config, number| {
            let [high, low] = number.to_be_bytes();
            let peer = std::net::IpAddr::from([198, 18, high, low]);
            let transport = vrrp_fsm::Transport::Unicast {
                peers: vec![vrrp_fsm::Peer::new(peer)],
                check_source: false,
            };
            let instance = v3(vrrp_fsm::Role::DEFAULT).with_transport(transport);
            config.with_instance(InterfaceId(1), instance)
        })
    };
    for (count, fits) in [(255, true), (256, false), (257, false)] {
        let mut router = Router::new();
        let result = router.reload(secs(0.0), with(count));
        let refused = matches!(result, Err(ConfigError::Duplicate { .. }));
        assert_eq!((result.is_ok(), refused), (fits, !fits), "{count}");
        assert_eq!(router.instances().count(), if fits { 255 } else { 0 });
    }
}

/// UNI-10: one identifier twice on one interface, if the peers tell who is meant; VRRP-EXT-05: none at
/// all is held.
#[test]
fn unicast_routers_with_one_identifier_are_told_apart_by_their_peers() {
    let interface = InterfaceId(1);
    let unicast = |peers: &[u8]| {
        let peers = peers.iter().map(|last| vrrp_fsm::Peer::new(address(*last)));
        v3(vrrp_fsm::Role::DEFAULT).with_transport(vrrp_fsm::Transport::Unicast {
            peers: peers.collect(),
            check_source: false,
        })
    };
    let config = |all: &[&[u8]]| {
        all.iter().fold(RouterConfig::new(), |config, peers| {
            config.with_instance(interface, unicast(peers))
        })
    };
    let mut router = Router::new();
    let same = router.reload(secs(0.0), config(&[&[1, 2], &[2, 3]]));
    assert!(
        matches!(same, Err(ConfigError::Duplicate { .. })),
        "{same:?}"
    );
    let ids = router
        .reload(secs(0.0), config(&[&[1, 2], &[3]]))
        .unwrap()
        .ids;
    for id in &ids {
        for event in [
            Event::PrimaryAddress(Some(address(OWN))),
            Event::FaultCleared(Fault::NoReceivePath),
            Event::Start,
        ] {
            router.handle_event(secs(0.0), *id, event);
        }
    }
    for (source, place) in [(1, 0), (3, 1), (2, 0)] {
        let ip = vrrp_fsm::proto::IpMeta {
            source: address(source),
            destination: address(OWN),
            hop_limit: 255,
        };
        let repr = vrrp_fsm::proto::AdvertRepr {
            format: vrrp_fsm::proto::Format::V3 {
                ipv4_checksum: vrrp_fsm::proto::Checksum::MessageOnly,
            },
            vrid: unicast(&[]).vrid,
            priority: vrrp_fsm::proto::Priority::new(50),
            interval: centis(100),
            addresses: vrrp_fsm::proto::AddressList::V4(&[[192, 0, 2, 100].into()]),
        };
        let message = emit(&repr, &ip);
        let rx = Rx {
            interface,
            ip,
            message: &message,
        };
        assert_eq!(
            router.handle_packet(secs(0.1), rx),
            Ok(ids[place]),
            "{source}"
        );
    }
    // The same again touches neither.
    let again = router.reload(secs(0.2), config(&[&[1, 2], &[3]])).unwrap();
    assert_eq!(again.kept, ids);
    let empty = router.reload(secs(0.3), config(&[&[]])).unwrap();
    let held = router.instance(empty.ids[0]).unwrap();
    assert!(held.faults().contains(Fault::Configuration));
    assert_eq!(held.state(), State::Initialize);
}

/// KA-ST-08: in others the timer is not armed again after a reload in the start-up delay, and the router
/// never leaves Backup.
#[test]
fn a_reload_in_the_start_up_delay_leaves_the_timer_to_be_armed_at_its_end() {
    let (mut router, ids) = running(&all([config(51)]));
    let id = ids[0];
    router.handle_event(nanos(0), id, Event::Fault(Fault::Held));
    let mut other = config(51);
    other.role = backup(200, Preempt::Immediately);
    let reload = router.reload(secs(1.0), all([other])).unwrap();
    assert_eq!(reload.changed, [id]);
    assert_eq!(
        (state(&router, id), router.next_timeout()),
        (Initialize, None)
    );
    router.handle_event(secs(5.0), id, Event::FaultCleared(Fault::Held));
    assert_eq!(state(&router, id), Backup);
    assert_eq!(router.next_timeout(), Some(secs(8.21875)));
    router.handle_timeout(secs(8.21875));
    assert_eq!(state(&router, id), Active);
}

#[test]
fn a_reload_in_backup_keeps_the_timer_running() {
    let (mut router, ids) = running(&all([config(51)]));
    let mut other = config(51);
    other.addresses.push(address(101));
    router.reload(secs(1.0), all([other])).unwrap();
    assert_eq!(router.next_timeout(), Some(secs(DOWN)));
    router.handle_timeout(secs(DOWN));
    assert_eq!(state(&router, ids[0]), Active);
}
