//! Two boxes, one session: a random history, a calm, a cut.

use std::num::NonZeroU8;
use std::time::Duration;

use bfd::{AuthConfig, AuthKind, BackOff, Event, Key, Micros, Role, Secret, SessionConfig, State};
use netsim::bfd::{BfdNode, BfdOrder, Neighbour};
use netsim::{Fault, Instant, Link, Loss, NodeId, Random, Violation, World};

use super::Figures;
use super::watch::Watch;

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);
const MILLI: i64 = 1_000_000;
/// A lost packet costs a second, and so may a forgotten sequence number.
const HANDSHAKE: i64 = 4_000 * MILLI;
/// The history.
const TROUBLE: i64 = 6_000 * MILLI;
/// No detection time of a session that is up is longer.
const LONGEST: i64 = 8 * 500 * MILLI + 100 * MILLI;
/// Twice the longest detection time lets a sequence start anew, and then there is a handshake.
const RECOVERY: i64 = 2 * 8 * 1_500 * MILLI + HANDSHAKE;

/// Two boxes and what happens to them.
#[derive(Clone, Debug)]
pub struct Scenario {
    seed: u64,
    configs: [SessionConfig; 2],
    delay: Duration,
    trouble: Link,
    script: Vec<(i64, Fault<BfdOrder>)>,
    cut: i64,
    one_way: bool,
}

fn at(nanos: i64) -> Instant {
    Instant::from_nanos(nanos)
}

fn pick<T: Copy>(random: &mut Random, from: &[T]) -> T {
    from[random.below(from.len() as u64) as usize]
}

fn config(random: &mut Random, auth: Option<AuthKind>, role: Role) -> SessionConfig {
    let millis = |random: &mut Random| {
        let millis = pick(random, &[10, 20, 50, 50, 50, 100, 100, 200, 300, 500]);
        Micros::from_millis(millis).expect("short")
    };
    let mult = NonZeroU8::new(pick(random, &[1, 2, 3, 3, 3, 5, 8])).expect("not 0");
    let secret = || Secret::new(b"s3cret12").expect("short");
    let keys = |kind| AuthConfig::new(kind, vec![Key::new(7, secret())]).expect("one key");
    SessionConfig::new(millis(random), millis(random), mult)
        .with_auth(auth.map(keys))
        .with_back_off(BackOff::Off)
        .with_role(role)
}

fn trouble(random: &mut Random, delay: Duration) -> Link {
    let mut link = if random.chance(600_000) {
        Link::fixed(delay)
    } else {
        Link::new(delay..=delay + Duration::from_micros(random.below(30_000)))
    };
    let often = pick(random, &[0, 0, 10_000, 50_000, 200_000, 400_000]);
    link = link.with_loss(match random.below(3) {
        0 => Loss::Burst {
            enter: often / 4,
            leave: 300_000,
        },
        _ => Loss::Random(often),
    });
    if random.chance(100_000) {
        link = link.with_reordering();
    }
    if random.chance(150_000) {
        link = link.with_duplicates(100_000);
    }
    link
}

impl Scenario {
    pub fn new(seed: u64) -> Self {
        let random = &mut Random::new(seed ^ 0xbfd0_5e55);
        let auth = pick(
            random,
            &[
                None,
                None,
                None,
                None,
                Some(AuthKind::Simple),
                Some(AuthKind::KeyedMd5),
                Some(AuthKind::MeticulousSha1),
            ],
        );
        let passive = match random.chance(250_000) {
            true => Role::Passive,
            false => Role::Active,
        };
        let roles = [Role::Active, passive];
        let configs = roles.map(|role| config(random, auth, role));
        let delay = Duration::from_micros(random.below(15_000));
        let mut scenario = Self {
            seed,
            configs,
            delay,
            trouble: trouble(random, delay),
            script: Vec::new(),
            cut: random.below(1_000_000_000) as i64,
            one_way: random.chance(300_000),
        };
        for _ in 0..random.below(6) {
            let when = HANDSHAKE + random.below(TROUBLE as u64) as i64;
            let side = random.below(2) as usize;
            let (node, other) = if side == 0 { (A, B) } else { (B, A) };
            let faults: Vec<Fault<BfdOrder>> = match random.below(10) {
                0..4 => {
                    let config = config(random, auth, roles[side]);
                    let neighbour = Neighbour {
                        node: other,
                        config,
                    };
                    vec![Fault::Tell(node, BfdOrder::Reload(vec![neighbour]))]
                }
                4 => vec![Fault::OneWay(node, other)],
                5 => vec![Fault::Partition(vec![vec![A], vec![B]])],
                6 => vec![Fault::Crash(node), Fault::Start(node)],
                7 => vec![Fault::Heal],
                8 => {
                    let length = Duration::from_millis(random.below(900));
                    vec![Fault::Stall(node, length)]
                }
                _ => {
                    let event = pick(random, &[Event::AdminDown, Event::ForwardingReset]);
                    let told = |event| Fault::Tell(node, BfdOrder::Event(other, event));
                    vec![told(event), told(Event::AdminUp)]
                }
            };
            let pause = random.below(1_000_000_000) as i64;
            for (fault, later) in faults.into_iter().zip([0, pause]) {
                scenario.script.push((when + later, fault));
            }
        }
        scenario
    }

    /// Runs it. The error has the trace, as far as `lines` were kept.
    pub fn run(&self, lines: usize) -> Result<Figures, (Violation, String)> {
        let nodes = [(A, B), (B, A)].map(|(node, other)| {
            let neighbour = Neighbour {
                node: other,
                config: self.configs[node.0].clone(),
            };
            BfdNode::new(node, vec![neighbour], self.seed * 2 + node.0 as u64)
        });
        let mut world = World::new(self.seed, nodes.into(), Link::fixed(self.delay));
        world.keep_trace(lines);
        world.start_all();
        let mut watch = Watch::new();
        match self.play(&mut world, &mut watch) {
            Ok(()) => Ok(watch.figures),
            Err(violation) => Err((violation, world.trace().to_string())),
        }
    }

    fn play(&self, world: &mut World<BfdNode>, watch: &mut Watch) -> Result<(), Violation> {
        world.run_until(at(HANDSHAKE), watch)?;
        calm(world)?;
        // A history.
        watch.even = self.trouble.delay.start() == self.trouble.delay.end() && self.trouble.fifo;
        watch.in_order = self.trouble.fifo && self.trouble.duplicate == 0;
        world.at(at(HANDSHAKE), Fault::SetLink(self.trouble.clone()));
        for (when, fault) in &self.script {
            world.at(at(*when), fault.clone());
        }
        let mut now = HANDSHAKE + TROUBLE + 1_000 * MILLI;
        world.run_until(at(now), watch)?;
        // A calm, in which both come up and all poll sequences end.
        world.at(at(now), Fault::Heal);
        world.at(at(now), Fault::SetLink(Link::fixed(self.delay)));
        let limit = now + RECOVERY;
        // What was lost before may still take one down.
        now += LONGEST;
        world.run_until(at(now), watch)?;
        while now < limit && calm(world).is_err() {
            now += 250 * MILLI;
            world.run_until(at(now), watch)?;
        }
        calm(world)?;
        // What was on its way came another way.
        now += 100 * MILLI;
        world.run_until(at(now), watch)?;
        (watch.even, watch.in_order) = (true, true);
        let before = [0, 1].map(|side| watch.left_up(side));
        now += 500 * MILLI + self.cut;
        world.run_until(at(now), watch)?;
        calm(world)?;
        if before != [0, 1].map(|side| watch.left_up(side)) {
            return broken(world, "flap", "down in a calm".to_owned());
        }
        self.cut(world, watch)
    }

    /// Silence is noticed in time, by whoever has to listen to it.
    fn cut(&self, world: &mut World<BfdNode>, watch: &mut Watch) -> Result<(), Violation> {
        let now = world.now();
        let cut = match self.one_way {
            true => Fault::OneWay(A, B),
            false => Fault::Partition(vec![vec![A], vec![B]]),
        };
        world.at(now, cut);
        let deaf = if self.one_way { 1..2 } else { 0..2 };
        for side in deaf {
            let Some(detection) = watch.detection(side) else {
                return broken(world, "cut", "nothing was ever heard".to_owned());
            };
            let limit = now.as_nanos()
                + detection
                + i64::try_from(self.delay.as_nanos()).unwrap_or(i64::MAX);
            world.run_until(at(limit).max(world.now()), watch)?;
            watch.figures.cuts += 1;
            let left = watch.left_up(side);
            if left < now.as_nanos() || left > limit {
                let detail = format!("n{side} is not down in {detection} ns after the cut");
                return broken(world, "cut", detail);
            }
        }
        Ok(())
    }

    pub fn story(&self) -> String {
        match self.run(60) {
            Ok(_) => String::new(),
            Err((_, trace)) => format!("{self:?}\n{trace}"),
        }
    }
}

fn broken<T>(world: &World<BfdNode>, rule: &'static str, detail: String) -> Result<T, Violation> {
    Err(Violation::Broken {
        at: world.now(),
        rule,
        detail,
    })
}

/// Both up, nobody polls, and both agree on what was wanted.
fn calm(world: &World<BfdNode>) -> Result<(), Violation> {
    let sessions = [(A, B), (B, A)].map(|(node, other)| world.node(node)?.session(other));
    let [Some(a), Some(b)] = sessions else {
        return broken(world, "calm", "a session is missing".to_owned());
    };
    for (own, other) in [(a, b), (b, a)] {
        if own.state() != State::Up {
            return broken(
                world,
                "calm",
                format!("{:?} without any reason", own.state()),
            );
        }
        if own.is_polling() {
            return broken(world, "calm", "a poll sequence does not end".to_owned());
        }
        let (timers, wanted) = (own.timers(), own.config());
        let interval = wanted.desired_min_tx.max(other.config().required_min_rx);
        let time = interval.to_duration() * u32::from(wanted.detect_mult.get());
        if timers.transmit_interval != interval || other.timers().detection_time != Some(time) {
            let detail = format!("no agreement: {timers:?}, {:?}", other.timers());
            return broken(world, "calm", detail);
        }
    }
    Ok(())
}
