//! Two sessions on one virtual clock, with loss, delay, reordering, cuts and changes of mind, all
//! from one seed. They exchange real octets.
//!
//! 2,000 seeds; `BFD_SEEDS=100000` for more. A failing seed is printed and replays exactly with
//! `BFD_SEED=n`.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use bfd::{
    AuthKind, BackOff, Buffer, Control, ControlPacket, Event, Instant, MAX_LEN, Micros, Reason,
    Role, Session, SessionConfig, SessionEvent, State, Transition,
};
use common::{at, auth, discr, later, ms, mult};

/// A small generator of our own: the sessions' one is not to be trusted here.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }

    /// True this often in a thousand.
    fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }
}

/// What happens on the way from one side to the other.
#[derive(Clone, Copy, Debug, Default)]
struct Link {
    delay: Duration,
    /// Up to this much more, which reorders packets.
    spread: Duration,
    /// Packets lost, in a thousand.
    loss: u64,
    cut: bool,
}

/// A packet that was sent and is neither heard nor known to be lost.
#[derive(Clone, Copy, Debug)]
struct Sent {
    at: Instant,
    number: u64,
}

struct Side {
    session: Session,
    /// The link from this side to the other one.
    link: Link,
    sent: u64,
    /// The last packet of this side that the other side has heard.
    heard: Option<Sent>,
    /// When this side last left Up or changed what it sends.
    unsteady: Instant,
    last_periodic: Option<(Instant, Micros)>,
    /// What the last packet said.
    last_content: Option<Control>,
    transitions: Vec<Transition>,
}

struct World {
    dice: Dice,
    now: Instant,
    sides: [Side; 2],
    wire: BTreeMap<(Instant, u64), (usize, Vec<u8>, Sent)>,
    number: u64,
    /// No packet overtakes another one.
    in_order: bool,
}

impl World {
    fn new(seed: u64, configs: [SessionConfig; 2], link: Link) -> Self {
        let mut number = 0;
        let sides = configs.map(|config| {
            number += 1;
            let seed = seed.wrapping_mul(31).wrapping_add(u64::from(number));
            Side {
                session: Session::new(config, discr(number), seed, at(0.0)).unwrap(),
                link,
                sent: 0,
                heard: None,
                unsteady: at(0.0),
                last_periodic: None,
                last_content: None,
                transitions: Vec::new(),
            }
        });
        let mut world = Self {
            dice: Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            now: at(0.0),
            sides,
            wire: BTreeMap::new(),
            number: 0,
            in_order: link.spread.is_zero(),
        };
        world.settle();
        world
    }

    fn both(&mut self, f: impl Fn(&mut Side)) {
        self.sides.iter_mut().for_each(f);
        self.settle();
    }

    fn run_until(&mut self, end: Instant) {
        let mut budget = 400_000;
        loop {
            let timeouts = self
                .sides
                .iter()
                .filter_map(|side| side.session.next_timeout());
            let arrival = self.wire.keys().next().map(|(at, _)| *at);
            let next = timeouts.chain(arrival).min();
            let Some(now) = next.filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            budget -= 1;
            assert!(budget > 0, "storm");
            self.now = self.now.max(now);
            // Packets before timers.
            while let Some(entry) = self.wire.first_entry().filter(|e| e.key().0 <= self.now) {
                let (to, octets, sent) = entry.remove();
                self.deliver(to, &octets, sent);
            }
            for side in &mut self.sides {
                side.session.handle_timeout(self.now);
                let next = side.session.next_timeout();
                assert!(next.is_none_or(|next| next > self.now), "no progress");
            }
            self.settle();
        }
    }

    fn deliver(&mut self, to: usize, octets: &[u8], sent: Sent) {
        let packet = ControlPacket::parse(octets).expect("what is sent can be read");
        let result = self.sides[to].session.handle_packet(self.now, &packet);
        if result.is_ok() {
            let heard = &mut self.sides[1 - to].heard;
            if heard.is_none_or(|before| before.number < sent.number) {
                *heard = Some(sent);
            }
        }
        self.settle();
    }

    /// Sends what is to be sent and hears what is told, with the checks that need no patience.
    fn settle(&mut self) {
        for from in 0..2 {
            let side = &mut self.sides[from];
            let interval = side.session.timers().transmit_interval;
            let sends = side.session.is_sending();
            // Whoever changed the pace in between, if only for a moment, is not measured.
            side.last_periodic = side
                .last_periodic
                .filter(|(_, then)| sends && *then == interval);
            let mut buffer: Buffer = [0; MAX_LEN];
            while let Some(length) = self.sides[from]
                .session
                .poll_transmit(self.now, &mut buffer)
            {
                self.send(from, buffer[..length].to_vec());
            }
            while let Some(event) = self.sides[from].session.poll_event() {
                if let SessionEvent::State(transition) = event {
                    self.judge(from, transition);
                }
            }
        }
    }

    fn send(&mut self, from: usize, octets: Vec<u8>) {
        let side = &mut self.sides[from];
        let control = *ControlPacket::parse(&octets).unwrap().control();
        assert!(!(control.poll && control.final_bit), "BFD-TX-10");
        if side.session.state() != State::Up {
            assert!(control.desired_min_tx >= Micros::SECOND, "BFD-TX-04");
            assert!(!control.demand, "BFD-DM-01");
        }
        let content = Control {
            poll: false,
            final_bit: false,
            ..control
        };
        let news = side.last_content.replace(content) != Some(content);
        if news {
            side.unsteady = self.now;
        }
        if !control.final_bit {
            let interval = side.session.timers().transmit_interval;
            let last = side.last_periodic.replace((self.now, interval));
            if let Some((last, _)) = last.filter(|_| !news) {
                let gap = self.now.saturating_duration_since(last);
                let whole = interval.to_duration();
                let least = whole * 3 / 4 - Duration::from_nanos(1);
                assert!(gap >= least, "BFD-TX-02: {gap:?} of {whole:?}");
                let most = if control.detect_mult.get() == 1 {
                    whole * 9 / 10
                } else {
                    whole
                };
                assert!(gap <= most, "BFD-TX-02, BFD-TX-03: {gap:?} of {whole:?}");
            } else {
                side.unsteady = self.now;
            }
        }
        side.sent += 1;
        let sent = Sent {
            at: self.now,
            number: side.sent,
        };
        let link = side.link;
        if link.cut || self.dice.chance(link.loss) {
            return;
        }
        let spread = u64::try_from(link.spread.as_nanos()).unwrap();
        let extra = Duration::from_nanos(self.dice.below(spread + 1));
        self.number += 1;
        let arrival = later(self.now, link.delay + extra);
        self.wire
            .insert((arrival, self.number), (1 - from, octets, sent));
    }

    /// A session never drops for silence without silence, and never without `detect_mult`
    /// packets of the other side lost in a row, as long as that one was up and well.
    fn judge(&mut self, side: usize, transition: Transition) {
        let (this, that) = (&self.sides[side], &self.sides[1 - side]);
        if transition.reason == Reason::DetectionTime && transition.from == State::Up {
            let heard = that.heard.expect("it was up");
            let missing = that.sent - heard.number;
            let multiplier = that.session.config().detect_mult.get();
            let steady = that.session.state() == State::Up && that.unsteady <= heard.at;
            if steady && self.in_order {
                assert!(
                    missing >= u64::from(multiplier),
                    "down after {missing} lost packets, multiplier {multiplier}"
                );
            }
            let talking = that.session.state() == State::Up;
            assert!(
                missing > 0 || !talking || !self.in_order,
                "down without a lost packet"
            );
        }
        if transition.from == State::Up {
            self.sides[side].unsteady = self.now;
        } else if transition.to == State::Up {
            assert!(this.session.remote().discriminator.is_some());
        }
        self.sides[side].transitions.push(transition);
    }

    /// Up and in agreement, at the latest then; does not run on when that is reached.
    fn recover_until(&mut self, end: Instant) {
        while !self.is_calm() && self.now < end {
            self.run_until(later(self.now, Duration::from_millis(250)));
        }
        assert_eq!(self.states(), [State::Up; 2]);
        assert!(self.is_calm(), "still polling");
    }

    fn is_calm(&self) -> bool {
        let wanted = |session: &Session| {
            let timers = session.timers();
            let config = session.config();
            timers.desired_min_tx == config.desired_min_tx
                && timers.required_min_rx == config.required_min_rx
                && !session.is_polling()
        };
        self.states() == [State::Up; 2] && self.sides.iter().all(|side| wanted(&side.session))
    }

    fn states(&self) -> [State; 2] {
        [self.sides[0].session.state(), self.sides[1].session.state()]
    }

    fn flaps(&self) -> u64 {
        self.sides
            .iter()
            .map(|side| side.session.stats().flaps)
            .sum()
    }
}

const KINDS: [Option<AuthKind>; 8] = [
    None,
    None,
    None,
    Some(AuthKind::Simple),
    Some(AuthKind::KeyedMd5),
    Some(AuthKind::MeticulousMd5),
    Some(AuthKind::KeyedSha1),
    Some(AuthKind::MeticulousSha1),
];

fn random_config(dice: &mut Dice, kind: Option<AuthKind>) -> SessionConfig {
    let intervals = [
        Micros::new(3300),
        ms(10),
        ms(20),
        ms(50),
        ms(50),
        ms(100),
        ms(300),
        ms(1500),
    ];
    let multiplier = mult(dice.pick(&[1, 2, 3, 3, 5, 10]));
    SessionConfig::new(dice.pick(&intervals), dice.pick(&intervals), multiplier)
        .with_auth(kind.and_then(auth))
        .with_back_off(BackOff::Off)
}

fn random_pair(dice: &mut Dice) -> [SessionConfig; 2] {
    let kind = dice.pick(&KINDS);
    let one = random_config(dice, kind);
    let mut other = random_config(dice, kind);
    if dice.chance(300) {
        other = other.with_role(Role::Passive);
    }
    [one, other]
}

/// The seeds to try, each with the name of the test in its failure.
fn for_seeds(f: impl Fn(u64)) {
    let number = |name| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    if let Some(seed) = number("BFD_SEED") {
        return f(seed);
    }
    let count = number("BFD_SEEDS").unwrap_or(2000);
    for seed in 1..=count {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| f(seed)));
        if let Err(panic) = result {
            eprintln!("BFD_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

/// Longer than any handshake: a lost packet costs a second, and so may a forgotten sequence.
const HANDSHAKE: Duration = Duration::from_secs(4);

/// Calm: up soon, never down, and every poll sequence ends.
#[test]
fn without_loss_nothing_ever_goes_down() {
    for_seeds(|seed| {
        let mut dice = Dice(seed | 1 << 40);
        let configs = random_pair(&mut dice);
        let link = Link {
            delay: Duration::from_micros(dice.below(20_000)),
            ..Link::default()
        };
        let mut world = World::new(seed, configs, link);
        world.run_until(later(at(0.0), HANDSHAKE));
        assert_eq!(world.states(), [State::Up; 2]);
        for (side, polls) in world.sides.iter().zip(["first", "second"]) {
            assert!(!side.session.is_polling(), "the {polls} side still polls");
        }
        world.run_until(at(8_000.0));
        assert_eq!(world.states(), [State::Up; 2]);
        assert_eq!(world.flaps(), 0);
        for (own, other) in [(0, 1), (1, 0)] {
            // Both sides agree on the interval of each direction.
            let timers = world.sides[own].session.timers();
            let remote = world.sides[other].session.timers();
            let multiplier = world.sides[own].session.config().detect_mult;
            let agreed = timers.transmit_interval.to_duration() * u32::from(multiplier.get());
            assert_eq!(remote.detection_time, Some(agreed));
        }
    });
}

/// Loss: see [`World::judge`]; and when it ends, both are up again, and polls end.
#[test]
fn loss_takes_a_session_down_only_when_the_multiplier_is_reached() {
    for_seeds(|seed| {
        let mut dice = Dice(seed | 1 << 41);
        let configs = random_pair(&mut dice);
        let link = Link {
            delay: Duration::from_micros(dice.below(20_000)),
            loss: dice.pick(&[10, 50, 100, 300, 500]),
            ..Link::default()
        };
        let mut world = World::new(seed, configs, link);
        world.run_until(at(6000.0));
        world.both(|side| side.link.loss = 0);
        // Silence of twice the longest detection time lets a sequence start anew.
        world.recover_until(at(6000.0 + 2.0 * 16_000.0 + 4000.0));
    });
}

/// Delays that reorder packets. Down is then allowed for late packets, but never for none.
#[test]
fn reordering_takes_no_session_down_for_nothing() {
    for_seeds(|seed| {
        let mut dice = Dice(seed | 1 << 42);
        let configs = random_pair(&mut dice);
        let link = Link {
            delay: Duration::from_micros(dice.below(5000)),
            spread: Duration::from_micros(dice.below(30_000)),
            loss: dice.pick(&[0, 0, 50]),
            ..Link::default()
        };
        let mut world = World::new(seed, configs, link);
        world.run_until(at(6000.0));
        world.both(|side| {
            side.link.loss = 0;
            side.link.spread = Duration::ZERO;
        });
        world.recover_until(at(42_000.0));
    });
}

/// A cut, of both directions or of one: down within the detection time after the last packet on
/// its way, not earlier, and on both sides.
#[test]
fn a_cut_is_noticed_within_the_detection_time() {
    for_seeds(|seed| {
        let mut dice = Dice(seed | 1 << 43);
        let configs = random_pair(&mut dice);
        let link = Link {
            delay: Duration::from_micros(dice.below(20_000)),
            ..Link::default()
        };
        let mut world = World::new(seed, configs, link);
        let cut = later(at(4000.0), Duration::from_micros(dice.below(2_000_000)));
        world.run_until(cut);
        assert_eq!(world.states(), [State::Up; 2]);
        let one_way = dice.chance(300);
        world.sides[0].link.cut = true;
        world.sides[1].link.cut = !one_way;
        let deaf = if one_way { 1..2 } else { 0..2 };
        let limits: Vec<_> = (0..2)
            .map(|side| {
                let time = world.sides[side].session.timers().detection_time.unwrap();
                later(cut, time + link.delay)
            })
            .collect();
        world.run_until(limits[0].max(limits[1]));
        // A passive side falls silent then, which takes the other one as long again.
        let again = limits[0].saturating_duration_since(cut) + link.delay;
        world.run_until(later(world.now, again));
        for side in deaf {
            let last = world.sides[side]
                .transitions
                .iter()
                .find(|t| t.at > cut)
                .unwrap();
            assert_eq!((last.to, last.reason), (State::Down, Reason::DetectionTime));
            assert!(
                last.at <= limits[side],
                "{:?} > {:?}",
                last.at,
                limits[side]
            );
            let detection = limits[side].saturating_duration_since(cut) - link.delay;
            let heard = world.sides[1 - side].heard.unwrap().at;
            if !one_way {
                let silence = last.at.saturating_duration_since(later(heard, link.delay));
                assert_eq!(silence, detection, "exactly the detection time");
            }
        }
        if one_way {
            let told = world.sides[0]
                .transitions
                .iter()
                .find(|t| t.at > cut)
                .unwrap();
            // Unless the deaf side may not speak any more: BFD-TX-06.
            let expected = match world.sides[1].session.config().role {
                Role::Active => Reason::Received(State::Down),
                Role::Passive => Reason::DetectionTime,
            };
            assert_eq!(told.reason, expected);
        }
        assert_ne!(world.states(), [State::Up; 2]);
        world.both(|side| side.link.cut = false);
        world.recover_until(later(world.now, Duration::from_secs(35)));
    });
}

/// Other intervals, operators and resets at any time: no flap but those that were asked for, and
/// in the end everybody uses what was wanted last.
#[test]
fn changes_of_mind_take_effect_and_nothing_else_happens() {
    for_seeds(|seed| {
        let mut dice = Dice(seed | 1 << 44);
        let configs = random_pair(&mut dice);
        let kind = configs[0].auth.as_ref().map(bfd::AuthConfig::kind);
        let link = Link {
            delay: Duration::from_micros(dice.below(20_000)),
            ..Link::default()
        };
        let mut world = World::new(seed, configs, link);
        world.run_until(at(4000.0));
        let (mut time, mut asked) = (4000.0, 0);
        for _ in 0..8 {
            time += dice.below(1500) as f64 / 2.0;
            world.run_until(at(time));
            let now = world.now;
            let side = usize::from(dice.chance(500));
            let session = &mut world.sides[side].session;
            if dice.chance(850) {
                let role = session.config().role;
                let config = random_config(&mut dice, kind).with_role(role);
                session.reconfigure(now, config).unwrap();
            } else {
                session.handle_event(now, Event::ForwardingReset);
                asked += 2;
                // Resets within one round trip answer each other for a while.
                time += 200.0;
            }
            world.settle();
        }
        world.recover_until(at(time + 40_000.0));
        world.run_until(later(world.now, Duration::from_millis(2000)));
        assert!(world.is_calm());
        assert!(
            world.flaps() <= asked,
            "{} flaps, {asked} asked for",
            world.flaps()
        );
        for (own, other) in [(0, 1), (1, 0)] {
            let (own, other) = (&world.sides[own].session, &world.sides[other].session);
            assert!(!own.is_polling());
            let wanted = own.config().desired_min_tx;
            assert_eq!(own.timers().desired_min_tx, wanted);
            let interval = wanted.max(other.config().required_min_rx);
            assert_eq!(own.timers().transmit_interval, interval);
        }
    });
}

/// The same seed gives the same history.
#[test]
fn the_same_seed_is_the_same_history() {
    let history = |seed| {
        let mut dice = Dice(seed);
        let configs = random_pair(&mut dice);
        let link = Link {
            loss: 300,
            ..Link::default()
        };
        let mut world = World::new(seed, configs, link);
        world.run_until(at(5000.0));
        let [a, b] = world.sides;
        (a.transitions, b.transitions, a.sent, b.sent)
    };
    assert_eq!(history(77), history(77));
    assert_ne!(history(77), history(78));
}
