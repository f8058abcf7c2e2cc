//! The network itself, with nodes that only write down what happens to them.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use netsim::{
    Budget, Effect, Fault, Instant, Link, Loss, Lost, Net, Node, NodeId, Observer, Power, Random,
    Record, To, Violation, World,
};

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);
const C: NodeId = NodeId(2);

/// Sends a number on every tick; writes a diary.
#[derive(Default)]
struct Diarist {
    tick: Option<Duration>,
    next: Option<Instant>,
    sent: u32,
    echo: bool,
    diary: Vec<(i64, String)>,
    out: VecDeque<Effect<u32, String>>,
}

impl Diarist {
    fn ticking(tick: Duration) -> Self {
        Self {
            tick: Some(tick),
            ..Self::default()
        }
    }

    fn write(&mut self, now: Instant, what: impl Into<String>) {
        self.diary.push((now.as_nanos(), what.into()));
    }

    fn heard(&self) -> Vec<&str> {
        let lines = self.diary.iter().map(|(_, line)| line.as_str());
        lines
            .filter(|line| line.starts_with(|first: char| first.is_ascii_digit()))
            .collect()
    }
}

impl Node for Diarist {
    type Frame = u32;
    type Order = &'static str;
    type Note = String;

    fn handle_power(&mut self, now: Instant, power: Power) {
        self.write(now, format!("{power:?}"));
        self.next = match power {
            Power::Start => self.tick.map(|tick| now + tick),
            Power::Stop | Power::Crash => None,
        };
        if power == Power::Stop {
            self.out.push_back(Effect::Send {
                to: To::Everyone,
                frame: 0,
            });
        }
    }

    fn handle_frame(&mut self, now: Instant, from: NodeId, frame: &u32) {
        self.write(now, frame.to_string());
        if self.echo {
            self.out.push_back(Effect::Send {
                to: To::Node(from),
                frame: *frame,
            });
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.next.is_some_and(|next| next <= now) {
            self.write(now, "tick");
            self.sent += 1;
            self.next = self.tick.map(|tick| now + tick);
            self.out.push_back(Effect::Send {
                to: To::Everyone,
                frame: self.sent,
            });
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.next
    }

    fn poll_effect(&mut self) -> Option<Effect<u32, String>> {
        self.out.pop_front()
    }

    fn handle_link(&mut self, now: Instant, up: bool) {
        self.write(now, if up { "plugged" } else { "unplugged" });
    }

    fn handle_order(&mut self, now: Instant, order: &&'static str) {
        self.write(now, *order);
    }

    fn corrupt(frame: &u32, random: &mut Random) -> Option<u32> {
        random.chance(500_000).then_some(frame + 1_000_000)
    }
}

const SECOND: Duration = Duration::from_secs(1);

fn at(millis: i64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn link(millis: u64) -> Link {
    Link::fixed(Duration::from_millis(millis))
}

/// A ticks every second, the others listen.
fn world(seed: u64, link: Link) -> World<Diarist> {
    let nodes = vec![
        Diarist::ticking(SECOND),
        Diarist::default(),
        Diarist::default(),
    ];
    let mut world = World::new(seed, nodes, link);
    world.start_all();
    world
}

fn diary(world: &World<Diarist>, node: NodeId) -> Vec<(i64, &str)> {
    let diary = &world.node(node).expect("there").diary;
    diary
        .iter()
        .map(|(at, line)| (at / 1_000_000, line.as_str()))
        .collect()
}

/// API 3.7: virtual time jumps from event to event, and every node but the sender hears.
#[test]
fn a_frame_arrives_after_its_delay_at_everybody_else() {
    let mut world = world(1, link(20));
    world.run_for(Duration::from_millis(1_500)).expect("quiet");
    assert_eq!(diary(&world, A), [(0, "Start"), (1_000, "tick")]);
    assert_eq!(diary(&world, B), [(0, "Start"), (1_020, "1")]);
    assert_eq!(diary(&world, C), [(0, "Start"), (1_020, "1")]);
    assert_eq!(world.now(), at(1_500));
}

/// FSM-OPEN-01: at the same instant packets come before timers.
#[test]
fn at_one_instant_frames_come_before_timers() {
    let nodes = vec![Diarist::ticking(SECOND), Diarist::ticking(SECOND * 2)];
    let mut world = World::new(1, nodes, Link::fixed(SECOND));
    world.start_all();
    world.run_for(SECOND * 2).expect("quiet");
    assert_eq!(
        diary(&world, B),
        [(0, "Start"), (2_000, "1"), (2_000, "tick")]
    );
}

/// FSM-OPEN-02: after a stall the queue comes first, then what else happened, then the timers.
#[test]
fn a_stalled_node_wakes_to_its_frames_then_events_then_timers() {
    let nodes = vec![Diarist::ticking(SECOND), Diarist::ticking(SECOND * 2)];
    let mut world = World::new(1, nodes, link(1));
    world.start_all();
    world.at(at(500), Fault::Stall(B, SECOND * 5));
    world.at(at(600), Fault::Tell(B, "hello"));
    world.at(at(2_500), Fault::LinkDown(B));
    world.at(at(3_500), Fault::LinkUp(B));
    world.run_for(SECOND * 6).expect("quiet");
    let expected = [
        (0, "Start"),
        (5_500, "1"),
        (5_500, "2"),
        (5_500, "4"),
        (5_500, "5"),
        (5_500, "hello"),
        (5_500, "unplugged"),
        (5_500, "plugged"),
        (5_500, "tick"),
    ];
    assert_eq!(diary(&world, B), expected);
}

/// The queue of a stalled node is bounded, like a socket's.
#[test]
fn a_stalled_node_keeps_only_so_many_frames() {
    let mut world = world(1, link(1));
    world.set_budget(Budget {
        stall_queue: 2,
        ..Budget::default()
    });
    world.at(at(500), Fault::Stall(B, SECOND * 5));
    world.run_for(SECOND * 6).expect("quiet");
    assert_eq!(world.node(B).expect("there").heard(), ["1", "2"]);
}

/// A crash loses the queue and the wake-up; a new start begins anew.
#[test]
fn a_crash_ends_a_stall_and_loses_its_queue() {
    let mut world = world(1, link(1));
    world.at(at(500), Fault::Stall(B, SECOND * 5));
    world.at(at(2_500), Fault::Crash(B));
    world.at(at(3_500), Fault::Start(B));
    world.run_for(SECOND * 6).expect("quiet");
    let expected = [
        (0, "Start"),
        (2_500, "Crash"),
        (3_500, "Start"),
        (4_001, "4"),
        (5_001, "5"),
    ];
    assert_eq!(diary(&world, B), expected);
}

/// What a node says when it is stopped gets out; after that it hears nothing.
#[test]
fn a_graceful_stop_is_drained_before_the_node_is_off() {
    let mut world = world(1, link(1));
    world.at(at(1_500), Fault::Stop(A));
    world.run_for(SECOND * 4).expect("quiet");
    assert_eq!(world.node(B).expect("there").heard(), ["1", "0"]);
    assert!(!world.net().is_running(A));
}

/// API 3.7: partitions are cells, cuts are one-way, and healing restores both.
#[test]
fn cells_and_one_way_cuts_hold_until_they_are_healed() {
    let nodes = vec![Diarist::ticking(SECOND), Diarist::ticking(SECOND)];
    let mut world = World::new(1, nodes, link(1));
    world.start_all();
    world.at(at(1_500), Fault::OneWay(A, B));
    world.at(at(2_500), Fault::Partition(vec![vec![A], vec![B]]));
    world.at(at(3_500), Fault::Heal);
    world.run_for(Duration::from_millis(4_500)).expect("quiet");
    assert_eq!(world.node(A).expect("there").heard(), ["1", "2", "4"]);
    assert_eq!(world.node(B).expect("there").heard(), ["1", "4"]);
}

/// A node named in no cell is alone.
#[test]
fn a_partition_leaves_unnamed_nodes_alone() {
    let mut world = world(1, link(1));
    world.at(at(0), Fault::Partition(vec![vec![A, B]]));
    world.run_for(Duration::from_millis(1_500)).expect("quiet");
    assert_eq!(world.node(B).expect("there").heard(), ["1"]);
    assert!(world.node(C).expect("there").heard().is_empty());
}

/// A pulled cable loses what is on the wire, too.
#[test]
fn a_frame_in_flight_is_lost_with_the_cable() {
    let mut world = world(1, link(100));
    world.at(at(1_050), Fault::LinkDown(B));
    world.run_for(Duration::from_millis(1_500)).expect("quiet");
    assert!(world.node(B).expect("there").heard().is_empty());
    assert_eq!(world.node(C).expect("there").heard(), ["1"]);
}

/// API 3.7: links keep the order unless told otherwise.
#[test]
fn links_keep_the_order_unless_reordering_is_wanted() {
    let run = |link: Link| {
        let nodes = vec![
            Diarist::ticking(Duration::from_millis(1)),
            Diarist::default(),
        ];
        let mut world = World::new(3, nodes, link);
        world.start_all();
        world.run_for(SECOND).expect("quiet");
        let heard = world.node(B).expect("there").heard();
        heard
            .iter()
            .map(|text| text.parse().expect("a number"))
            .collect::<Vec<u32>>()
    };
    let wide = Link::new(Duration::ZERO..=Duration::from_millis(20));
    let mixed = run(wide.clone().with_reordering());
    assert!(run(wide).is_sorted());
    assert!(!mixed.is_sorted());
}

/// Loss, doubling and damage come at about the probability that was asked for.
#[test]
fn links_lose_double_and_damage_in_proportion() {
    let run = |link: Link| {
        let nodes = vec![
            Diarist::ticking(Duration::from_millis(1)),
            Diarist::default(),
        ];
        let mut world = World::new(3, nodes, link);
        world.start_all();
        world.run_for(Duration::from_millis(10_100)).expect("quiet");
        let heard = world.node(B).expect("there").heard();
        let damaged = heard.iter().filter(|text| text.len() == 7).count();
        (heard.len(), damaged)
    };
    let near = |found: usize, expected: usize| found.abs_diff(expected) < 300;
    assert_eq!(run(link(1)).0, 10_099);
    assert!(near(run(link(1).with_loss(Loss::Random(300_000))).0, 7_000));
    assert!(near(run(link(1).with_duplicates(300_000)).0, 13_000));
    // Half of the damaged ones are lost altogether: see `Diarist::corrupt`.
    let (heard, damaged) = run(link(1).with_corruption(300_000));
    assert!(
        near(heard, 8_500) && near(damaged, 1_500),
        "{heard} {damaged}"
    );
    let bursts = link(1).with_loss(Loss::Burst {
        enter: 100_000,
        leave: 300_000,
    });
    assert!(near(run(bursts).0, 7_500));
}

/// A path of its own quality, until every path is set.
#[test]
fn one_path_can_have_a_quality_of_its_own() {
    let mut world = world(1, link(1));
    let deaf = link(1).with_loss(Loss::Random(netsim::ALWAYS));
    world.at(at(0), Fault::SetPath(A, B, deaf));
    world.at(at(1_500), Fault::SetLink(link(5)));
    world.run_for(Duration::from_millis(2_500)).expect("quiet");
    assert_eq!(diary(&world, B), [(0, "Start"), (2_005, "2")]);
    assert_eq!(world.node(C).expect("there").heard(), ["1", "2"]);
}

/// Invariant 10: an exchange without end is a violation and not a hang, even in no time at all.
#[test]
fn a_storm_is_a_violation() {
    let node = || Diarist {
        echo: true,
        ..Diarist::ticking(SECOND)
    };
    let mut world = World::new(1, vec![node(), node()], link(0));
    world.start_all();
    let storm = Violation::Storm {
        at: at(1_000),
        records: 100_000,
    };
    assert_eq!(world.run_for(SECOND * 2), Err(storm));
}

/// Memory is bounded: so many frames on the way and no more.
#[test]
fn a_flood_is_a_violation() {
    let mut world = world(1, Link::fixed(SECOND * 1_000));
    world.set_budget(Budget {
        pending: 10,
        ..Budget::default()
    });
    let flood = Violation::Flood {
        at: at(6_000),
        pending: 10,
    };
    assert_eq!(world.run_for(SECOND * 100), Err(flood));
}

/// I15: after its timer was handled a node wants the next one later, or none.
#[test]
fn a_timer_that_does_not_advance_is_a_violation() {
    let mut world = World::new(1, vec![Diarist::ticking(Duration::ZERO)], link(1));
    world.start_all();
    let stuck = Violation::StuckTimer {
        at: at(0),
        node: A,
        timeout: at(0),
    };
    assert_eq!(world.run_for(SECOND), Err(stuck));
}

/// I17: chance comes from the seed alone.
#[test]
fn the_hash_of_a_run_depends_on_the_seed_and_on_nothing_else() {
    let run = |seed| {
        let noisy = Link::new(Duration::ZERO..=Duration::from_millis(20))
            .with_loss(Loss::Random(100_000))
            .with_duplicates(100_000)
            .with_corruption(100_000);
        let mut world = world(seed, noisy);
        world.run_for(SECOND * 100).expect("quiet");
        world.trace_hash()
    };
    let hashes: BTreeSet<u64> = (0..50).map(run).collect();
    assert_eq!(hashes.len(), 50);
    assert_eq!(run(7), run(7));
}

/// The text of a trace is bounded, and does not change the run.
#[test]
fn a_kept_trace_has_the_last_lines_and_the_same_hash() {
    let mut plain = world(1, link(1));
    plain.run_for(SECOND * 20).expect("quiet");
    let mut kept = world(1, link(1));
    kept.keep_trace(3);
    kept.run_for(SECOND * 20).expect("quiet");
    assert_eq!(plain.trace_hash(), kept.trace_hash());
    let lines: Vec<_> = kept
        .trace()
        .lines()
        .map(|(_, line)| line.to_string())
        .collect();
    assert_eq!(lines, ["n2 hears from n0 19", "n0 timer", "n0 sends 20"]);
}

/// An observer can end a run, and sees why frames are lost.
#[test]
fn an_observer_may_object() {
    struct NoLoss;
    impl Observer<Diarist> for NoLoss {
        fn observe(
            &mut self,
            at: Instant,
            record: &Record<'_, Diarist>,
            net: &Net,
        ) -> Result<(), Violation> {
            match record {
                Record::Lost {
                    to, why: Lost::Off, ..
                } => {
                    assert!(!net.is_running(*to));
                    let detail = format!("{to} is off");
                    Err(Violation::Broken {
                        at,
                        rule: "no loss",
                        detail,
                    })
                }
                _ => Ok(()),
            }
        }
    }
    let mut world = world(1, link(1));
    world.at(at(1_500), Fault::Crash(C));
    let objection = world
        .run_until(at(10_000), &mut NoLoss)
        .expect_err("C is off");
    assert_eq!(objection.to_string(), "no loss: at 2.001000000 s n2 is off");
}

/// Frames of several senders that arrive at one instant: in an order that follows from a seed, another one with
/// another seed, and those of one sender in theirs.
#[test]
fn frames_of_one_instant_come_in_the_order_of_a_seed() {
    let run = |seed: Option<u64>| {
        let nodes = (0..4).map(|_| Diarist::ticking(SECOND)).collect();
        let mut world = World::new(1, nodes, link(10));
        if let Some(seed) = seed {
            world.shuffle(seed);
        }
        world.start_all();
        world.run_for(SECOND * 20).expect("quiet");
        let diary = diary(&world, NodeId(3));
        let froms: Vec<String> = diary.iter().map(|(_, line)| (*line).to_owned()).collect();
        (froms, world.trace_hash())
    };
    let plain = run(None);
    assert_eq!(plain, run(None));
    let shuffled: Vec<_> = (0..20).map(|seed| run(Some(seed))).collect();
    assert_eq!(shuffled[7], run(Some(7)));
    let others = shuffled.iter().filter(|one| one.1 != plain.1).count();
    assert!(others >= 18, "{others}");
    // Links keep the order of one sender.
    let nodes = vec![
        Diarist::ticking(Duration::from_millis(1)),
        Diarist::default(),
    ];
    let mut world = World::new(
        3,
        nodes,
        Link::new(Duration::ZERO..=Duration::from_millis(20)),
    );
    world.shuffle(9);
    world.start_all();
    world.run_for(SECOND).expect("quiet");
    let heard = world.node(B).expect("there").heard();
    let numbers: Vec<u32> = heard
        .iter()
        .map(|text| text.parse().expect("a number"))
        .collect();
    assert!(numbers.is_sorted());
}
