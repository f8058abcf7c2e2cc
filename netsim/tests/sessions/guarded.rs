//! Routers that watch each other by BFD: a crash is noticed by the sessions, false alarms pass.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU8;
use std::time::Duration;

use bfd::{BackOff, Micros, SessionConfig};
use netsim::bfd::{GuardedNote, GuardedOrder, GuardedRouter, Neighbour};
use netsim::vrrp::{Key, Lan, Note};
use netsim::{Fault, Instant, Link, Loss, Net, NodeId, Observer, Random, Record, Violation, World};
use vrrp_fsm::proto::{AdvertInterval, Family, Vrid};
use vrrp_fsm::{BackupPriority, InstanceConfig, Preempt, Role, State};

use super::Figures;

const MILLI: i64 = 1_000_000;
const KEY: Key = Key {
    family: Family::Ipv4,
    vrid: 51,
};

/// Two or three routers, the first one the best.
#[derive(Clone, Debug)]
pub struct Scenario {
    seed: u64,
    priorities: Vec<u8>,
    /// Between adverts, in centiseconds.
    centis: u16,
    millis: u32,
    mult: u8,
    delay: Duration,
    /// When the best one dies.
    crash: i64,
    script: Vec<(i64, Fault<GuardedOrder>)>,
}

fn at(nanos: i64) -> Instant {
    Instant::from_nanos(nanos)
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

fn pick<T: Copy>(random: &mut Random, from: &[T]) -> T {
    from[random.below(from.len() as u64) as usize]
}

/// What came of a run up to now: who is Active, and how long two of them have been so with nothing
/// in between.
#[derive(Debug, Default)]
struct Masters {
    states: BTreeMap<NodeId, State>,
    clash: Option<i64>,
    limit: i64,
    seed: u64,
    figures: Figures,
}

impl Masters {
    fn actives(&self) -> Vec<NodeId> {
        let active = |(node, state): (&NodeId, &State)| (*state == State::Active).then_some(*node);
        self.states.iter().filter_map(active).collect()
    }
}

impl Observer<GuardedRouter> for Masters {
    fn observe(
        &mut self,
        now: Instant,
        record: &Record<'_, GuardedRouter>,
        net: &Net,
    ) -> Result<(), Violation> {
        let time = now.as_nanos();
        match record {
            Record::Note {
                node,
                note: GuardedNote::Vrrp(Note::State { to, .. }),
            } => {
                self.states.insert(*node, *to);
            }
            Record::Off(node) => {
                self.states.remove(node);
            }
            // Whoever lost a word, or was kept from hearing it, is given time again.
            Record::Fault(_) | Record::Lost { .. } | Record::Woke(_) => {
                self.clash = self.clash.map(|_| time);
            }
            _ => {}
        }
        let actives = self.actives();
        let meet = |one: NodeId, other: NodeId| {
            net.hears(one, other)
                && net.hears(other, one)
                && !net.is_stalled(one)
                && !net.is_stalled(other)
        };
        let clash = actives.iter().any(|one| {
            actives
                .iter()
                .any(|other| one < other && meet(*one, *other))
        });
        if !clash {
            self.clash = None;
            return Ok(());
        }
        let since = *self.clash.get_or_insert_with(|| {
            self.figures.clashes += 1;
            time
        });
        let length = time - since;
        self.figures.longest_clash = self.figures.longest_clash.max((length, self.seed));
        if length > self.limit {
            return Err(Violation::Broken {
                at: now,
                rule: "two lasting masters",
                detail: format!("{actives:?} are both Active for {length} ns"),
            });
        }
        Ok(())
    }
}

impl Scenario {
    pub fn new(seed: u64) -> Self {
        let random = &mut Random::new(seed ^ 0x6a4d_5e55);
        let priorities = match random.chance(400_000) {
            true => vec![200, 150, 100],
            false => vec![
                pick(random, &[254, 200, 150, 101]),
                pick(random, &[100, 50, 1]),
            ],
        };
        let count = priorities.len();
        let mut scenario = Self {
            seed,
            priorities,
            centis: pick(random, &[50, 100, 100, 200]),
            millis: pick(random, &[20, 50, 100, 100, 100, 200, 200]),
            mult: pick(random, &[2, 3, 3, 5]),
            delay: Duration::from_micros(random.below(4_000)),
            crash: random.below(1_000_000_000) as i64,
            script: Vec::new(),
        };
        for _ in 0..random.below(5) {
            let when = random.below(4_000_000_000) as i64;
            let node = NodeId(random.below(count as u64) as usize);
            let other = NodeId((node.0 + 1) % count);
            let fault = match random.below(6) {
                0 => Fault::OneWay(node, other),
                1 => Fault::Heal,
                2 | 3 => {
                    let loss = Loss::Random(pick(random, &[100_000, 300_000, 600_000]));
                    Fault::SetPath(node, other, Link::fixed(scenario.delay).with_loss(loss))
                }
                4 => Fault::Stall(node, Duration::from_millis(random.below(1_500))),
                _ => Fault::Crash(node),
            };
            scenario.script.push((when, fault));
        }
        scenario
    }

    fn interval(&self) -> i64 {
        i64::from(self.centis) * 10 * MILLI
    }

    /// RFC 9568 6.1.
    fn skew(&self, node: NodeId) -> i64 {
        (256 - i64::from(self.priorities[node.0])) * self.interval() / 256
    }

    fn routers(&self) -> Vec<GuardedRouter> {
        let count = self.priorities.len();
        let lan = Lan::counted(u8::try_from(count).expect("a few"));
        let micros = Micros::from_millis(self.millis).expect("short");
        let mult = NonZeroU8::new(self.mult).expect("not 0");
        let session = SessionConfig::new(micros, micros, mult).with_back_off(BackOff::Off);
        (0..count)
            .map(|own| {
                let role = Role::Backup {
                    priority: BackupPriority::new(self.priorities[own]).expect("1 to 254"),
                    preempt: Preempt::Immediately,
                };
                let vrid = Vrid::new(KEY.vrid).expect("1 to 255");
                let address: IpAddr = [192, 0, 2, 100].into();
                let mut config =
                    InstanceConfig::new(vrid, KEY.family, role).with_addresses([address]);
                config.interval = AdvertInterval::from_centis(self.centis).expect("1 to 4095");
                let others = (0..count).filter(|other| *other != own);
                let neighbours = others.map(|other| Neighbour {
                    node: NodeId(other),
                    config: session.clone(),
                });
                let seed = self.seed * 4 + own as u64;
                GuardedRouter::new(
                    NodeId(own),
                    lan.clone(),
                    vec![config],
                    neighbours.collect(),
                    seed,
                )
            })
            .collect()
    }

    /// Runs it. The error has the trace, as far as `lines` were kept.
    pub fn run(&self, lines: usize) -> Result<Figures, (Violation, String)> {
        let mut world = World::new(self.seed, self.routers(), Link::fixed(self.delay));
        world.keep_trace(lines);
        world.start_all();
        let mut masters = Masters {
            // An advert, and the answer to it.
            limit: self.interval() + 2 * nanos(self.delay) + 1,
            seed: self.seed,
            ..Masters::default()
        };
        match self.play(&mut world, &mut masters) {
            Ok(()) => Ok(masters.figures),
            Err(violation) => Err((violation, world.trace().to_string())),
        }
    }

    fn play(
        &self,
        world: &mut World<GuardedRouter>,
        masters: &mut Masters,
    ) -> Result<(), Violation> {
        let (best, next) = (NodeId(0), NodeId(1));
        // Long enough for a handshake too.
        let settle = 5 * self.interval() + 2_000 * MILLI;
        let mut now = settle + self.crash;
        world.run_until(at(now), masters)?;
        only(world, masters, best, "start")?;
        // The best one dies, and is missed within the detection time and the skew.
        world.at(at(now), Fault::Crash(best));
        let detection = i64::from(self.mult) * i64::from(self.millis) * MILLI;
        now += detection + nanos(self.delay) + self.skew(next) + 1;
        world.run_until(at(now), masters)?;
        if !masters.actives().contains(&next) {
            return only(world, masters, next, "takeover");
        }
        // A lesser one whose session ended sooner may have been first, and hears of it.
        now += nanos(self.delay) + 1;
        world.run_until(at(now), masters)?;
        only(world, masters, next, "takeover")?;
        masters.figures.takeovers += 1;
        // It comes back, and then there is trouble of all kinds.
        world.at(at(now), Fault::Start(best));
        now += settle;
        world.run_until(at(now), masters)?;
        only(world, masters, best, "return")?;
        for (when, fault) in &self.script {
            world.at(at(now + when), fault.clone());
        }
        now += 5_000 * MILLI;
        world.run_until(at(now), masters)?;
        world.at(at(now), Fault::Heal);
        world.at(at(now), Fault::SetLink(Link::fixed(self.delay)));
        world.start_all();
        now += settle + 1_500 * MILLI;
        world.run_until(at(now), masters)?;
        only(world, masters, best, "calm")
    }

    pub fn story(&self) -> String {
        match self.run(60) {
            Ok(_) => String::new(),
            Err((_, trace)) => format!("{self:?}\n{trace}"),
        }
    }
}

/// This one is Active, and nobody else.
fn only(
    world: &World<GuardedRouter>,
    masters: &Masters,
    node: NodeId,
    rule: &'static str,
) -> Result<(), Violation> {
    let actives = masters.actives();
    let held = world.nodes().enumerate().filter_map(|(at, guarded)| {
        (guarded.router.state(KEY) == Some(State::Active)).then_some(NodeId(at))
    });
    let held: Vec<NodeId> = held.collect();
    if actives == [node] && held == [node] {
        return Ok(());
    }
    Err(Violation::Broken {
        at: world.now(),
        rule,
        detail: format!("{held:?} are Active, not {node} alone"),
    })
}
