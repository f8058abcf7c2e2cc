//! The adapter: routers, hosts, timelines and reachability, with stories that users have told.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use netsim::vrrp::{
    HostNode, Key, Lan, Note, Order, Reach, RouterNode, Station, Timeline, TimelineState,
};
use netsim::{Fault, Instant, Link, Net, NodeId, Observer, Record, Violation, World};
use vrrp_fsm::proto::{Family, Vrid};
use vrrp_fsm::{
    BackupPriority, Event, Fault as Broken, InstanceConfig, Preempt, Role, State, Transport,
};

const BEST: NodeId = NodeId(0);
const OTHER: NodeId = NodeId(1);
const HOST: NodeId = NodeId(2);

fn key() -> Key {
    Key {
        family: Family::Ipv4,
        vrid: 51,
    }
}

fn address() -> IpAddr {
    "192.0.2.100".parse().expect("an address")
}

fn config(priority: u8, preempt: Preempt) -> InstanceConfig {
    let priority = BackupPriority::new(priority).expect("1..=254");
    let role = Role::Backup { priority, preempt };
    let vrid = Vrid::new(51).expect("1..=255");
    InstanceConfig::new(vrid, Family::Ipv4, role).with_addresses([address()])
}

/// Priorities 200 and 100, a second between adverts, a host, 1 ms from each to each.
fn pair(preempt: Preempt) -> World<Station> {
    pair_of([config(200, preempt), config(100, preempt)])
}

fn pair_of([best, other]: [InstanceConfig; 2]) -> World<Station> {
    let lan = Lan::counted(3);
    let host = HostNode::new(vec![address()], Duration::from_secs(3600));
    let stations: Vec<Station> = vec![
        RouterNode::new(BEST, Arc::clone(&lan), vec![best]).into(),
        RouterNode::new(OTHER, lan, vec![other]).into(),
        host.into(),
    ];
    let mut world = World::new(1, stations, Link::fixed(Duration::from_millis(1)));
    world.start_all();
    world
}

fn at(millis: i64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn watch(world: &mut World<Station>, until: Instant) -> (Timeline, Reach) {
    let mut timeline = Timeline::new().with_names(["best", "other", "host"]);
    let mut reach = Reach::new(&[HOST], &[address()]);
    world
        .run_until(until, &mut (&mut timeline, &mut reach))
        .expect("no violation");
    (timeline, reach)
}

fn actives(timeline: &Timeline, millis: i64) -> Vec<NodeId> {
    timeline.active_at(key(), at(millis))
}

/// The metric of API 3.7: 3A + S(100) after the last advert, and 1 ms for the announcement.
#[test]
fn a_host_is_cut_off_from_the_crash_until_the_announcement() {
    let mut world = pair(Preempt::Immediately);
    world.at(at(10_000), Fault::Crash(BEST));
    let (timeline, reach) = watch(&mut world, at(20_000));
    assert_eq!(actives(&timeline, 9_000), [BEST]);
    assert_eq!(actives(&timeline, 19_000), [OTHER]);
    // Adverts at 3.21875 s and every second; the last one at 9.21875 s, heard 1 ms later.
    let dark = Duration::from_nanos(9_218_750_000 + 1_000_000 + 3_609_375_000 + 1_000_000)
        - Duration::from_secs(10);
    let lengths: Vec<Duration> = reach.outages().iter().map(|outage| outage.length).collect();
    assert_eq!(lengths, [dark]);
    assert_eq!((reach.total(), reach.longest()), (dark, dark));
    assert_eq!(reach.believes(HOST, address()), Some(OTHER));
    assert!(reach.all_reached());
}

/// E3: an Active that was stopped for five seconds and comes back is believed again within milliseconds.
#[test]
fn after_a_stall_of_the_active_the_host_finds_the_right_router() {
    let mut world = pair(Preempt::Immediately);
    world.at(at(10_000), Fault::Stall(BEST, Duration::from_secs(5)));
    let (timeline, reach) = watch(&mut world, at(20_000));
    assert_eq!(actives(&timeline, 14_999), [BEST, OTHER]);
    assert_eq!(actives(&timeline, 15_010), [BEST]);
    assert_eq!(reach.believes(HOST, address()), Some(BEST));
    assert!(reach.longest() < Duration::from_secs(4));
}

/// A14, KA#2032: the better router comes back from a reboot and leaves the other one alone.
#[test]
fn without_preemption_a_rebooted_router_stays_backup() {
    let mut world = pair(Preempt::Never);
    world.at(at(10_000), Fault::Crash(BEST));
    world.at(at(20_000), Fault::Start(BEST));
    let (timeline, reach) = watch(&mut world, at(60_000));
    assert_eq!(actives(&timeline, 59_000), [OTHER]);
    assert_eq!(reach.outages().len(), 1);
}

/// Invariant 8: without preemption an Active that slept for too long accepts its successor.
#[test]
fn without_preemption_a_stalled_active_comes_back_as_backup() {
    let mut world = pair(Preempt::Never);
    world.at(at(10_000), Fault::Stall(BEST, Duration::from_secs(10)));
    let (timeline, _) = watch(&mut world, at(30_000));
    assert_eq!(actives(&timeline, 20_001), [OTHER]);
    assert_eq!(actives(&timeline, 29_000), [OTHER]);
}

/// A1, E2: who cannot hear must not be Active, however long nobody is heard.
#[test]
fn a_deaf_router_never_becomes_active() {
    let mut world = pair(Preempt::Immediately);
    world.at(
        at(1_000),
        Fault::Tell(BEST, Order::Event(Event::Fault(Broken::NoReceivePath))),
    );
    let (timeline, _) = watch(&mut world, at(60_000));
    assert_eq!(actives(&timeline, 59_000), [OTHER]);
    let state = world
        .node(BEST)
        .and_then(Station::router)
        .and_then(|router| router.state(key()));
    assert_eq!(state, Some(State::Initialize));
}

/// A1: one-way loss makes two Actives, for as long as it lasts; that is VRRP, and this is how it ends.
#[test]
fn one_way_loss_makes_two_actives_until_it_is_healed() {
    let mut world = pair(Preempt::Immediately);
    world.at(at(10_000), Fault::OneWay(BEST, OTHER));
    world.at(at(30_000), Fault::Heal);
    let (timeline, reach) = watch(&mut world, at(40_000));
    assert_eq!(actives(&timeline, 29_000), [BEST, OTHER]);
    assert_eq!(actives(&timeline, 32_000), [BEST]);
    assert_eq!(reach.believes(HOST, address()), Some(BEST));
}

/// VRRP-EXT-01: unicast copies go to the peers, and only to them.
#[test]
fn unicast_routers_elect_the_best_one() {
    let lan = Lan::counted(3);
    let toward = |node, config: InstanceConfig| {
        let address = lan.address(node, Family::Ipv4).expect("planned");
        let peers = vec![vrrp_fsm::Peer::new(address)];
        config.with_transport(Transport::Unicast {
            peers,
            check_source: true,
        })
    };
    let best = toward(OTHER, config(200, Preempt::Immediately));
    let other = toward(BEST, config(100, Preempt::Immediately));
    let mut world = pair_of([best, other]);
    let (timeline, _) = watch(&mut world, at(20_000));
    assert_eq!(actives(&timeline, 19_000), [BEST]);
}

/// Reload: another priority moves the election, the same configuration moves nothing.
#[test]
fn a_reload_with_a_lower_priority_hands_the_addresses_over() {
    let lower = vec![config(50, Preempt::Immediately)];
    let mut world = pair(Preempt::Immediately);
    world.at(at(10_000), Fault::Tell(BEST, Order::Reload(lower)));
    let (timeline, reach) = watch(&mut world, at(30_000));
    assert_eq!(actives(&timeline, 29_000), [OTHER]);
    // The old one kept the addresses until the new one had them.
    assert!(reach.longest() <= Duration::from_millis(1));
}

/// A reload that takes a virtual router away stops it in good order.
#[test]
fn a_reload_without_a_virtual_router_releases_its_addresses() {
    let mut world = pair(Preempt::Immediately);
    world.at(at(10_000), Fault::Tell(BEST, Order::Reload(Vec::new())));
    let (timeline, reach) = watch(&mut world, at(20_000));
    assert_eq!(actives(&timeline, 19_000), [OTHER]);
    assert!(
        !world
            .node(BEST)
            .and_then(Station::router)
            .expect("a router")
            .holds(address())
    );
    // S(100), not the whole down interval.
    assert!(reach.longest() < Duration::from_millis(620));
}

/// Damaged adverts are refused by their checksum, whatever bit was flipped.
#[test]
fn damaged_adverts_are_refused() {
    #[derive(Default)]
    struct Counts {
        damaged: u32,
        refused: u32,
    }
    impl Observer<Station> for Counts {
        fn observe(
            &mut self,
            _: Instant,
            record: &Record<'_, Station>,
            _: &Net,
        ) -> Result<(), Violation> {
            match record {
                Record::Delivered {
                    to: OTHER,
                    damaged: true,
                    ..
                } => self.damaged += 1,
                Record::Note {
                    node: OTHER,
                    note: Note::Refused { .. },
                } => self.refused += 1,
                _ => {}
            }
            Ok(())
        }
    }
    let mut world = pair(Preempt::Immediately);
    let noisy = Link::fixed(Duration::from_millis(1)).with_corruption(500_000);
    world.at(at(5_000), Fault::SetLink(noisy));
    let mut counts = Counts::default();
    world
        .run_until(at(1_000_000), &mut counts)
        .expect("no violation");
    assert!(counts.damaged > 300, "{}", counts.damaged);
    assert_eq!(counts.damaged, counts.refused);
}

/// What `demo` and `simulate` print.
#[test]
fn a_timeline_reads_well() {
    let mut world = pair(Preempt::Immediately);
    world.at(at(8_000), Fault::Stop(BEST));
    let (timeline, _) = watch(&mut world, at(12_800));
    let text = timeline.to_string();
    let expected = "       0.000 s  *** start best
       0.000 s  *** start other
       0.000 s  *** start host
       0.000 s  best IPv4/51 Backup (Started)
       0.000 s  other IPv4/51 Backup (Started)
       3.218 s  best IPv4/51 Active (DownTimer)
       8.000 s  *** stop best
       8.000 s  best IPv4/51 Initialize (Stopped)
       8.000 s  best IPv4/51 Off
       8.610 s  other IPv4/51 Active (ReleaseHeard)
best  IPv4/51 [................#########################                       ]
other IPv4/51 [...........................................#####################]
";
    assert_eq!(text, expected, "\n{text}");
    assert_eq!(timeline.spans()[2].state, TimelineState::Active);
}

/// Five of equal priority, each alone and so Active. Then they hear each other, and whatever comes at one instant
/// comes in any order: the one with the greatest address stays, whoever is heard first.
#[test]
fn in_any_order_of_what_comes_at_one_instant_the_same_router_stays_active() {
    const ROUTERS: usize = 5;
    let mut orders = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let lan = Lan::counted(5);
        let stations: Vec<Station> = (0..ROUTERS)
            .map(|nth| {
                let own = vec![config(100, Preempt::Immediately)];
                RouterNode::new(NodeId(nth), Arc::clone(&lan), own).into()
            })
            .collect();
        let mut world = World::new(1, stations, Link::fixed(Duration::from_millis(1)));
        world.shuffle(seed);
        let alone = (0..ROUTERS).map(|nth| vec![NodeId(nth)]).collect();
        world.at(at(0), Fault::Partition(alone));
        world.start_all();
        world.at(at(10_000), Fault::Heal);
        let mut timeline = Timeline::new();
        world
            .run_until(at(20_000), &mut timeline)
            .expect("no violation");
        assert_eq!(actives(&timeline, 9_999).len(), ROUTERS, "seed {seed}");
        let last = NodeId(ROUTERS - 1);
        // An interval, and the way there and back.
        assert_eq!(actives(&timeline, 11_010), [last], "seed {seed}");
        assert_eq!(actives(&timeline, 19_999), [last], "seed {seed}");
        orders.insert(world.trace_hash());
    }
    assert!(orders.len() > 100, "{} orders", orders.len());
}

/// E12: what happens to a router at one instant may be told in any order; where it comes to follows from what is
/// the case in the end.
#[test]
fn in_any_order_of_facts_the_state_follows_from_the_last_ones() {
    let broken = [Broken::LinkDown, Broken::NoReceivePath, Broken::Tracker];
    for seed in 0..300_u64 {
        let mut random = netsim::Random::new(seed);
        let mut world = pair(Preempt::Immediately);
        // What is told at 5 s, and what of it is the case in the end.
        let mut told = Vec::new();
        let mut holds = [false; 3];
        for _ in 0..12 {
            let which = usize::try_from(random.below(3)).expect("small");
            holds[which] = random.below(2) == 0;
            told.push(match holds[which] {
                true => Event::Fault(broken[which]),
                false => Event::FaultCleared(broken[which]),
            });
        }
        // The same facts at once, in an order of their own.
        let mut last: Vec<Event> = broken
            .iter()
            .zip(holds)
            .map(|(fault, holds)| match holds {
                true => Event::Fault(*fault),
                false => Event::FaultCleared(*fault),
            })
            .collect();
        let turn = usize::try_from(random.below(3)).expect("small");
        last.rotate_left(turn);
        for event in told {
            world.at(at(5_000), Fault::Tell(BEST, Order::Event(event)));
        }
        let mut direct = pair(Preempt::Immediately);
        for event in last {
            direct.at(at(5_000), Fault::Tell(BEST, Order::Event(event)));
        }
        let state = |world: &mut World<Station>| {
            watch(world, at(30_000));
            let of = |node| {
                let router = world.node(node).and_then(Station::router);
                router.and_then(|router| router.state(key()))
            };
            [of(BEST), of(OTHER)]
        };
        let is = state(&mut world);
        assert_eq!(is, state(&mut direct), "seed {seed}");
        let held = holds.contains(&true);
        let expected = match held {
            true => [Some(State::Initialize), Some(State::Active)],
            false => [Some(State::Active), Some(State::Backup)],
        };
        assert_eq!(is, expected, "seed {seed}: {holds:?}");
    }
}
