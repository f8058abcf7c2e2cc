//! What happens to the network: start, a few incidents, peace.

use std::time::Duration;

use netsim::vrrp::{Key, Order};
use netsim::{Fault, Link, Loss, NodeId, Random};
use vrrp_fsm::{Event, Preempt};

use super::scenario::{Scenario, Step, between, choose};

/// Writes the script.
pub struct History<'a> {
    random: &'a mut Random,
    routers: usize,
    clean: Link,
    interval: i64,
    settle: i64,
    now: i64,
    on: Vec<bool>,
    steps: Vec<Step>,
}

impl<'a> History<'a> {
    pub fn new(scenario: &Scenario, random: &'a mut Random) -> Self {
        Self {
            random,
            routers: scenario.routers,
            clean: scenario.link.clone(),
            interval: scenario.slowest(),
            settle: scenario.preemption() + 2 * scenario.longest,
            now: 0,
            on: vec![false; scenario.routers],
            steps: Vec::new(),
        }
    }

    pub fn write(mut self, scenario: &mut Scenario) {
        if let Some(host) = scenario.host() {
            self.step(Fault::Start(host));
        }
        let spread = *choose(self.random, &[0, 0, 1, 3]) * self.interval;
        for node in 0..self.routers {
            if node == 0 || !self.random.chance(150_000) {
                self.now = between(self.random, 0, spread);
                self.step(Fault::Start(NodeId(node)));
                self.on[node] = true;
            }
        }
        self.now = spread;
        if self.random.chance(400_000) {
            let link = self.dirty();
            self.step(Fault::SetLink(link));
        }
        for _ in 0..between(self.random, 1, 6) {
            self.pause();
            self.incident(scenario);
        }
        self.pause();
        self.finish(scenario.host);
        scenario.end = self.now;
        self.steps.sort_by_key(|(at, _)| *at);
        scenario.script = self.steps;
    }

    fn step(&mut self, fault: Fault<Order>) {
        self.steps.push((self.now, fault));
    }

    /// Often long enough for all to settle, often in the middle of something.
    fn pause(&mut self) {
        self.now += match self.random.below(8) {
            0 => between(self.random, 0, self.interval / 8),
            1 | 2 => between(self.random, 0, 2 * self.interval),
            3 => between(self.random, 0, self.settle),
            _ => self.settle + between(self.random, 0, self.interval),
        };
    }

    fn node(&mut self) -> NodeId {
        NodeId(self.random.below(self.routers as u64) as usize)
    }

    /// A node that is on, if there is one, as far as the script can know; often the best one.
    fn running(&mut self, scenario: &Scenario) -> NodeId {
        if self.random.chance(500_000) {
            let members = &scenario.virtuals[0].members;
            let on = (0..self.routers).filter(|node| self.on[*node]);
            let best = on.max_by_key(|node| members[*node].priority);
            return NodeId(best.unwrap_or(0));
        }
        let first = self.node().0;
        let found = (0..self.routers)
            .map(|n| (first + n) % self.routers)
            .find(|n| self.on[*n]);
        NodeId(found.unwrap_or(first))
    }

    fn dirty(&mut self) -> Link {
        let mut link = self.clean.clone();
        let random = &mut *self.random;
        match random.below(4) {
            0 => link = link.with_loss(Loss::Random(random.below(300_000) as u32)),
            1 => {
                let (enter, leave) = (random.below(100_000), 200_000 + random.below(500_000));
                link = link.with_loss(Loss::Burst {
                    enter: enter as u32,
                    leave: leave as u32,
                });
            }
            _ => {}
        }
        match random.below(4) {
            0 => link = link.with_reordering(),
            1 => link = link.with_duplicates(random.below(300_000) as u32),
            2 => link = link.with_corruption(random.below(300_000) as u32),
            _ => {}
        }
        link
    }

    fn incident(&mut self, scenario: &Scenario) {
        let node = self.running(scenario);
        match self.random.below(20) {
            0..=2 => self.power(Fault::Crash(node), node, false),
            3..=4 => self.power(Fault::Stop(node), node, false),
            5 => {
                self.power(Fault::Crash(node), node, false);
                self.now += between(self.random, 0, 4 * self.interval);
                self.power(Fault::Start(node), node, true);
            }
            6..=7 => {
                let off = (0..self.routers)
                    .find(|n| !self.on[*n])
                    .map_or(node, NodeId);
                self.power(Fault::Start(off), off, true);
            }
            8..=10 => {
                let most = *choose(self.random, &[1, 4, 12]) * self.interval;
                let length = between(self.random, 1, most);
                self.step(Fault::Stall(node, Duration::from_nanos(length as u64)));
                if self.random.chance(500_000) {
                    self.now += length;
                }
            }
            11 => {
                let mut cells = vec![Vec::new(), Vec::new()];
                for node in 0..self.routers + usize::from(scenario.host.is_some()) {
                    cells[self.random.below(2) as usize].push(NodeId(node));
                }
                self.step(Fault::Partition(cells));
            }
            12 => {
                let other = self.node();
                if other != node {
                    self.step(Fault::OneWay(node, other));
                }
            }
            13 => self.step(Fault::Heal),
            14 => {
                self.step(Fault::LinkDown(node));
                self.now += between(self.random, 0, 3 * self.interval);
                if self.random.chance(700_000) {
                    self.step(Fault::LinkUp(node));
                }
            }
            15..=16 => {
                let weight = between(self.random, -253, 253) as i16;
                let weight = *choose(self.random, &[0, weight, -20, 20, -1, 1]);
                self.step(Fault::Tell(node, Order::Event(Event::Adjust(weight))));
            }
            17 => {
                let clear = Event::FaultCleared(vrrp_fsm::Fault::Tracker);
                let whom = self.whom(scenario);
                let order = |event| whom.map_or(Order::Event(event), |key| Order::Of(key, event));
                let fault = Event::Fault(vrrp_fsm::Fault::Tracker);
                self.step(Fault::Tell(node, order(fault)));
                self.now += between(self.random, 0, 6 * self.interval);
                self.step(Fault::Tell(node, order(clear)));
            }
            18 => {
                let event = *choose(self.random, &[Event::AddressLost, Event::Suspect]);
                let whom = self.whom(scenario);
                let order = whom.map_or(Order::Event(event), |key| Order::Of(key, event));
                self.step(Fault::Tell(node, order));
            }
            _ => self.reload(scenario, node),
        }
    }

    /// One member of a group, or nobody in particular.
    fn whom(&mut self, scenario: &Scenario) -> Option<Key> {
        if !scenario.grouped || self.random.chance(300_000) {
            return None;
        }
        let one = choose(self.random, &scenario.virtuals);
        Some(Key {
            family: one.family,
            vrid: one.vrid,
        })
    }

    fn power(&mut self, fault: Fault<Order>, node: NodeId, on: bool) {
        self.step(fault);
        self.on[node.0] = on;
    }

    /// The same again, or another priority and preemption.
    fn reload(&mut self, scenario: &Scenario, node: NodeId) {
        let same = self.random.chance(400_000);
        let mut configs = Vec::new();
        let mut alike = None;
        for (vr, one) in scenario.virtuals.iter().enumerate() {
            let mut member = one.members[node.0];
            if let Some(first) = alike {
                member = first;
            } else if !same && member.priority != 255 {
                member.priority = between(self.random, 1, 254) as u8;
                // A delay is left alone: one that is running is neither old nor new.
                if !matches!(member.preempt, Preempt::After(_)) {
                    let modes = [Preempt::Never, Preempt::Immediately];
                    member.preempt = *choose(self.random, &modes);
                }
            }
            if scenario.grouped {
                alike = Some(member);
            }
            configs.push(scenario.config(vr, node.0, &member));
        }
        self.step(Fault::Tell(node, Order::Reload(configs)));
    }

    /// Peace, with or without the cuts, for long enough that everything must be settled.
    fn finish(&mut self, host: Option<i64>) {
        let clean = self.clean.clone();
        self.step(Fault::SetLink(clean));
        if self.random.chance(700_000) {
            self.step(Fault::Heal);
            for node in 0..self.routers {
                self.step(Fault::LinkUp(NodeId(node)));
            }
        }
        // The last stall may still be running: 12 intervals at most.
        self.now += 12 * self.interval + self.settle + host.unwrap_or(0) + 2 * self.interval;
    }
}
