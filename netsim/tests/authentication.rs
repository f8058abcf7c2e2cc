//! Signed adverts and authentication headers on a bad network, with clocks that are wrong, restarts,
//! and somebody who repeats what was heard: never two lasting Actives.

use std::sync::Arc;
use std::time::Duration;

use netsim::vrrp::{Frame, Key, Lan, Note, Order, RouterNode, Station, Timeline};
use netsim::{Fault, Instant, Link, Loss, Net, NodeId, Observer, Record, Violation, World};
use vrrp_fsm::proto::{Family, HmacKey, Vrid};
use vrrp_fsm::{
    AntiReplay, BackupPriority, Event, Hmac, HmacMode, InstanceConfig, Preempt, Role, V2Auth,
    WireFormat,
};

const BEST: NodeId = NodeId(0);
const OTHER: NodeId = NodeId(1);
/// What the boxes of the simulator show at its beginning.
const BEGIN: Duration = Duration::from_secs(1_800_000_000);

fn key() -> Key {
    Key {
        family: Family::Ipv4,
        vrid: 51,
    }
}

fn plain(priority: u8) -> InstanceConfig {
    let priority = BackupPriority::new(priority).expect("1..=254");
    let role = Role::Backup {
        priority,
        preempt: Preempt::Immediately,
    };
    InstanceConfig::new(Vrid::new(51).expect("1..=255"), Family::Ipv4, role)
        .with_addresses(["192.0.2.100".parse().expect("an address")])
}

fn hmac(ids: &[u8], active: u8) -> Hmac {
    let keys = ids
        .iter()
        .map(|id| (*id, HmacKey::new(&[*id; 32]).expect("32 octets")))
        .collect();
    Hmac::new(keys, active).expect("the active key is there")
}

fn ah(priority: u8) -> InstanceConfig {
    let auth = V2Auth::Ah(*b"s3cret12");
    plain(priority).with_format(WireFormat::V2 { auth })
}

fn world(seed: u64, configs: Vec<InstanceConfig>) -> World<Station> {
    let lan = Lan::counted(3);
    let stations = (0..).zip(configs).map(|(place, config)| {
        Station::from(RouterNode::new(
            NodeId(place),
            Arc::clone(&lan),
            vec![config],
        ))
    });
    let mut world = World::new(
        seed,
        stations.collect(),
        Link::fixed(Duration::from_millis(1)),
    );
    world.start_all();
    world
}

fn at(millis: u64) -> Instant {
    Instant::from_nanos(i64::try_from(millis).expect("a short simulation") * 1_000_000)
}

/// The right time of day at some moment of the simulation, or that much ahead or behind.
fn clock(millis: u64, off: i64) -> Order {
    let right = BEGIN + Duration::from_millis(millis);
    let by = Duration::from_secs(off.unsigned_abs());
    Order::Event(Event::WallClock(if off < 0 {
        right - by
    } else {
        right + by
    }))
}

/// Numbers from a seed (xorshift), for scripts.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Exactly this one is Active at every moment of a span.
fn alone(timeline: &Timeline, who: NodeId, from: u64, to: u64, what: &str) {
    for millis in (from..to).step_by(50) {
        let actives = timeline.active_at(key(), at(millis));
        assert_eq!(actives, [who], "{what}: at {millis} ms");
    }
}

/// A minute of losses, repetitions, restarts, stalls and clocks that jump; then all is well.
fn a_bad_minute(seed: u64, configs: Vec<InstanceConfig>, steps: u64) {
    let count = u64::try_from(configs.len()).expect("a few");
    let mut world = world(seed, configs);
    let mut dice = Dice::new(seed);
    let bad = Link::new(Duration::from_millis(1)..=Duration::from_millis(40))
        .with_loss(Loss::Random(100_000))
        .with_duplicates(100_000)
        .with_reordering();
    world.at(at(0), Fault::SetLink(bad));
    for _ in 0..12 {
        let when = 1_000 + dice.below(58_000);
        let node = NodeId(usize::try_from(dice.below(count)).expect("a few"));
        match dice.below(4) {
            0 => {
                world.at(at(when), Fault::Crash(node));
                world.at(at(when + dice.below(6_000)), Fault::Start(node));
            }
            1 => world.at(
                at(when),
                Fault::Stall(node, Duration::from_millis(dice.below(8_000))),
            ),
            _ if steps > 0 => {
                let off = i64::try_from(dice.below(2 * steps)).expect("hours at most")
                    - i64::try_from(steps).expect("hours at most");
                world.at(at(when), Fault::Tell(node, clock(when, off)));
            }
            _ => {}
        }
    }
    world.at(
        at(70_000),
        Fault::SetLink(Link::fixed(Duration::from_millis(1))),
    );
    for place in 0..usize::try_from(count).expect("a few") {
        world.at(at(70_000), Fault::Start(NodeId(place)));
        world.at(at(70_000), Fault::Tell(NodeId(place), clock(70_000, 0)));
    }
    let mut timeline = Timeline::new();
    world
        .run_until(at(100_000), &mut timeline)
        .expect("no violation");
    // A window of 5 s until what was signed by a fast clock is old, and three adverts and more.
    alone(&timeline, BEST, 80_000, 100_000, &format!("seed {seed}"));
}

/// KA-AX-05, KA-AX-06, KA-AX-07.
#[test]
fn once_the_clocks_are_right_there_is_one_active_router() {
    for seed in 0..100 {
        let steps = [2, 8, 3600][usize::try_from(seed % 3).expect("below 3")];
        let signed = |priority| plain(priority).with_hmac(hmac(&[1], 1));
        a_bad_minute(seed, vec![signed(200), signed(150), signed(100)], steps);
    }
}

/// KA-AX-07: also of a router whose memory and clock are gone.
#[test]
fn a_sequence_that_only_grows_finds_one_active_router() {
    for seed in 0..100 {
        let signed = |priority| {
            let hmac = hmac(&[1], 1).with_anti_replay(AntiReplay::Monotonic);
            plain(priority).with_hmac(hmac)
        };
        a_bad_minute(seed, vec![signed(200), signed(150), signed(100)], 3600);
    }
}

/// VRRP-V2-AUTH-06: whoever restarts begins to count anew, and is believed again.
#[test]
fn routers_with_authentication_headers_find_one_active_router() {
    for seed in 0..100 {
        a_bad_minute(seed, vec![ah(200), ah(150), ah(100)], 0);
    }
}

/// KA-AX-05: no signature can be in time where clocks differ; as soon as they do not, there is one.
#[test]
fn clocks_further_apart_than_the_window_make_two_active_routers_for_so_long_only() {
    let signed = |priority| plain(priority).with_hmac(hmac(&[1], 1));
    let mut world = world(1, vec![signed(200), signed(100)]);
    world.at(at(10_000), Fault::Tell(BEST, clock(10_000, 60)));
    world.at(at(30_000), Fault::Tell(BEST, clock(30_000, 0)));
    // A difference within the window changes nothing.
    world.at(at(60_000), Fault::Tell(BEST, clock(60_000, 4)));
    let mut timeline = Timeline::new();
    world
        .run_until(at(90_000), &mut timeline)
        .expect("no violation");
    alone(&timeline, BEST, 5_000, 10_000, "before");
    assert_eq!(timeline.active_at(key(), at(20_000)), [BEST, OTHER]);
    alone(&timeline, BEST, 32_000, 90_000, "after");
}

/// Every advert that anybody has sent.
#[derive(Default)]
struct Recorder(Vec<Frame>);

impl Observer<Station> for Recorder {
    fn observe(
        &mut self,
        _: Instant,
        record: &Record<'_, Station>,
        _: &Net,
    ) -> Result<(), Violation> {
        if let Record::Sent { frame, .. } = record
            && matches!(frame, Frame::Advert(_))
        {
            self.0.push(Frame::clone(frame));
        }
        Ok(())
    }
}

/// KA-AX-06, VRRP-V2-AUTH-06: somebody repeats the adverts of a router that is gone, its release
/// among them, to those that are left: nobody gives way and nobody takes over.
#[test]
fn adverts_that_are_repeated_move_nobody() {
    let monotonic = || hmac(&[1], 1).with_anti_replay(AntiReplay::Monotonic);
    let signed = |priority| plain(priority).with_hmac(hmac(&[1], 1));
    let growing = |priority| plain(priority).with_hmac(monotonic());
    let worlds = [
        ("time", [200, 150, 100].map(signed)),
        ("header", [200, 150, 100].map(ah)),
        ("monotonic", [200, 150, 100].map(growing)),
    ];
    for (name, configs) in worlds {
        for seed in 0..30 {
            let mut world = world(seed, configs.to_vec());
            let mut dice = Dice::new(seed);
            let mut recorder = Recorder::default();
            world.at(at(10_000), Fault::Stop(BEST));
            let mut timeline = Timeline::new();
            world
                .run_until(at(11_000), &mut (&mut timeline, &mut recorder))
                .expect("no violation");
            assert!(recorder.0.len() > 5, "{name}");
            // What the successor says itself is repeated too.
            for _ in 0..300 {
                let place = usize::try_from(dice.below(recorder.0.len() as u64)).expect("few");
                let victim = NodeId(1 + usize::try_from(dice.below(2)).expect("two"));
                let when = 11_000 + dice.below(30_000);
                let frame = recorder.0[place].clone();
                world.at(at(when), Fault::Tell(victim, Order::Hear(frame)));
            }
            world
                .run_until(at(45_000), &mut timeline)
                .expect("no violation");
            alone(
                &timeline,
                OTHER,
                11_000,
                45_000,
                &format!("{name}, seed {seed}"),
            );
        }
    }
}

/// Transitions, to see that there is none.
#[derive(Default)]
struct Transitions(Vec<(Instant, String)>);

impl Observer<Station> for Transitions {
    fn observe(
        &mut self,
        now: Instant,
        record: &Record<'_, Station>,
        _: &Net,
    ) -> Result<(), Violation> {
        if let Record::Note { note, .. } = record
            && matches!(note, Note::State { .. } | Note::Refused { .. })
        {
            self.0.push((now, note.to_string()));
        }
        Ok(())
    }
}

/// KA-AX-08, KA-AX-02: three routers go through the stages and to another key, in whatever order
/// within a stage: no advert is refused and nobody changes state.
#[test]
fn a_roll_out_in_stages_moves_nobody() {
    let stage = |number: u64, priority| {
        let config = plain(priority);
        let both = || hmac(&[1, 2], 1);
        match number {
            0 => config,
            1 => config.with_hmac(both().with_mode(HmacMode::ReceiveOnly)),
            2 => config.with_hmac(both().with_mode(HmacMode::Permissive)),
            3 => config.with_hmac(both()),
            4 => config.with_hmac(hmac(&[1, 2], 2)),
            _ => config.with_hmac(hmac(&[2], 2)),
        }
    };
    for seed in 0..200 {
        let priorities = [200, 150, 100];
        let configs = priorities.map(|priority| stage(0, priority)).to_vec();
        let mut world = world(seed, configs);
        let mut dice = Dice::new(seed);
        for number in 1..=5 {
            for (place, priority) in (0..).zip(priorities) {
                let when = 5_000 + number * 10_000 + dice.below(9_000);
                let order = Order::Reload(vec![stage(number, priority)]);
                world.at(at(when), Fault::Tell(NodeId(place), order));
            }
        }
        let mut timeline = Timeline::new();
        world
            .run_until(at(10_000), &mut timeline)
            .expect("no violation");
        let mut seen = Transitions::default();
        world
            .run_until(at(80_000), &mut (&mut timeline, &mut seen))
            .expect("no violation");
        assert_eq!(seen.0, [], "seed {seed}");
        alone(&timeline, BEST, 10_000, 80_000, &format!("seed {seed}"));
    }
}

/// KA-AX-08: who skips a stage hears what cannot be believed, until the others follow.
#[test]
fn a_stage_that_is_skipped_is_mended_by_the_next_reload() {
    let mut world = world(1, vec![plain(200), plain(100)]);
    let signed = |priority| Order::Reload(vec![plain(priority).with_hmac(hmac(&[1], 1))]);
    world.at(at(10_000), Fault::Tell(BEST, signed(200)));
    world.at(at(20_000), Fault::Tell(OTHER, signed(100)));
    let mut timeline = Timeline::new();
    world
        .run_until(at(40_000), &mut timeline)
        .expect("no violation");
    assert_eq!(timeline.active_at(key(), at(19_000)), [BEST, OTHER]);
    alone(&timeline, BEST, 22_000, 40_000, "after");
}

/// VRRP-V2-AUTH-06: two that have counted alike send the same numbers at the same time. Neither repeats the
/// other, so the one with the lower address gives way.
#[test]
fn equals_that_count_in_step_find_one_active_router() {
    for seed in 0..100 {
        let mut world = world(seed, vec![ah(100), ah(100)]);
        let delay = Duration::from_millis(5)..=Duration::from_millis(20);
        let link = Link::new(delay).with_loss(Loss::Random(10_000));
        world.at(at(0), Fault::SetLink(link));
        let mut timeline = Timeline::new();
        let result = world.run_until(at(60_000), &mut timeline);
        result.expect("nothing runs wild");
        for millis in (10_000..60_000).step_by(50) {
            let actives = timeline.active_at(key(), at(millis));
            assert!(actives.len() < 2, "seed {seed}: {actives:?} at {millis} ms");
        }
    }
}
