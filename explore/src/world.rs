//! A state of the small world, and the steps out of it.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use vrrp_fsm::State;

use crate::clock::{ADVERT, DELAY, settled, skew};
use crate::node::{Deeds, Node};
use crate::plan::{Budget, Plan};

/// A message on its way.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frame {
    /// Its sender, by place.
    pub from: u8,
    /// Its receiver, by place.
    pub to: u8,
    /// What the sender's priority was, 0 for a release.
    pub priority: u8,
    /// For how many ticks it has been on its way.
    pub age: u8,
    /// The octets of the VRRP message.
    pub message: Arc<[u8]>,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (name(self.from), name(self.to));
        write!(f, "{from}→{to} with {}", self.priority)
    }
}

fn name(place: u8) -> char {
    char::from(b'a' + place)
}

/// One thing that can happen.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// Nothing else happens for a quarter of an interval.
    Tick,
    /// The expired timer of a router is seen.
    Fire(u8),
    /// A frame arrives.
    Deliver(Frame),
    /// A frame is lost.
    Lose(Frame),
    /// A frame arrives, and once more later.
    Double(Frame),
    /// A router is switched on.
    Start(u8),
    /// A router vanishes.
    Crash(u8),
    /// A router is stopped in good order.
    Stop(u8),
    /// What a router tracks changes.
    Weigh(u8),
    /// A process is stopped.
    Stall(u8),
    /// It goes on.
    Wake(u8),
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tick => write!(f, "a tick"),
            Self::Fire(place) => write!(f, "{} fires", name(*place)),
            Self::Deliver(frame) => write!(f, "{frame:?} arrives"),
            Self::Lose(frame) => write!(f, "{frame:?} is lost"),
            Self::Double(frame) => write!(f, "{frame:?} arrives, the first of two"),
            Self::Start(place) => write!(f, "{} starts", name(*place)),
            Self::Crash(place) => write!(f, "{} crashes", name(*place)),
            Self::Stop(place) => write!(f, "{} stops", name(*place)),
            Self::Weigh(place) => write!(f, "{} tracks a change", name(*place)),
            Self::Stall(place) => write!(f, "{} stalls", name(*place)),
            Self::Wake(place) => write!(f, "{} wakes", name(*place)),
        }
    }
}

/// A state.
#[derive(Clone)]
pub struct World {
    /// The time; not a part of the state, which knows times from now on only.
    now: u32,
    nodes: Vec<Option<Arc<Node>>>,
    /// Sorted: their order means nothing.
    frames: Vec<Frame>,
    left: Budget,
    /// Ticks since the last trouble, as far as they count.
    calm: u8,
    /// Ticks for which there may still be two Active routers.
    clash: Option<u8>,
    /// Frames sent since the last tick.
    sent: u8,
    /// One was lost since the last tick.
    lost: bool,
    /// A rule that a step has broken.
    wrong: Option<&'static str>,
}

impl Hash for World {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        for node in &self.nodes {
            node.is_some().hash(hasher);
            if let Some(node) = node {
                node.hash_at(self.now, hasher);
            }
        }
        (&self.frames, self.left, self.calm, self.clash).hash(hasher);
        (self.sent, self.lost, self.wrong).hash(hasher);
    }
}

/// The checker wants it, and tells states apart by their hash.
impl PartialEq for World {
    fn eq(&self, other: &Self) -> bool {
        let hash = |world: &Self| {
            let mut hasher = DefaultHasher::new();
            world.hash(&mut hasher);
            hasher.finish()
        };
        hash(self) == hash(other)
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tick {}:", self.now)?;
        for (place, node) in (0..).zip(&self.nodes) {
            match node {
                None => write!(f, " {} off", name(place))?,
                Some(node) => write!(
                    f,
                    " {} {:?}({})",
                    name(place),
                    node.state(),
                    node.priority()
                )?,
            }
        }
        if let Some(wrong) = self.wrong {
            write!(f, "; {wrong}")?;
        }
        Ok(())
    }
}

impl World {
    /// All routers are off.
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            now: 0,
            nodes: vec![None; plan.members.len()],
            frames: Vec::new(),
            left: plan.budget,
            calm: 0,
            clash: None,
            sent: 0,
            lost: false,
            wrong: None,
        }
    }

    /// The routers that are on.
    pub(crate) fn running(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().flatten().map(Arc::as_ref)
    }

    /// Those of them that are Active and not stopped.
    pub(crate) fn active(&self) -> impl Iterator<Item = &Node> {
        let active = |node: &&Node| node.state() == State::Active && node.stalled.is_none();
        self.running().filter(active)
    }

    /// Nothing has gone wrong for as long as it takes to settle.
    pub(crate) fn is_settled(&self, plan: &Plan) -> bool {
        self.calm >= patience(plan)
    }

    /// The rule that the last step has broken.
    pub(crate) const fn wrong(&self) -> Option<&'static str> {
        self.wrong
    }

    /// Everything that can happen next.
    pub(crate) fn steps(&self, plan: &Plan, steps: &mut Vec<Step>) {
        if self.wrong.is_some() {
            return;
        }
        let mut may_tick = self.frames.iter().all(|frame| frame.age < DELAY);
        for (place, node) in (0..).zip(&self.nodes) {
            let Some(node) = node else {
                steps.push(Step::Start(place));
                continue;
            };
            if self.left.crashes > 0 {
                steps.push(Step::Crash(place));
            }
            if let Some(ticks) = node.stalled {
                may_tick &= ticks < plan.longest_stall;
                steps.push(Step::Wake(place));
                continue;
            }
            if node.is_due(self.now, plan) {
                may_tick = false;
                steps.push(Step::Fire(place));
            }
            let troubles = [
                (self.left.stops > 0, Step::Stop(place)),
                (self.left.stalls > 0, Step::Stall(place)),
                (self.left.weights > 0 && node.weighs(), Step::Weigh(place)),
            ];
            let possible = troubles.into_iter().filter(|(possible, _)| *possible);
            steps.extend(possible.map(|(_, step)| step));
        }
        if may_tick {
            steps.push(Step::Tick);
        }
        let mut last = None;
        for frame in &self.frames {
            // Of equal ones it does not matter which.
            if last.replace(frame) == Some(frame) {
                continue;
            }
            steps.push(Step::Deliver(frame.clone()));
            if self.left.losses > 0 {
                steps.push(Step::Lose(frame.clone()));
            }
            if self.left.doubles > 0 {
                steps.push(Step::Double(frame.clone()));
            }
        }
    }

    /// The state after a step.
    pub(crate) fn after(&self, step: &Step, plan: &Plan) -> Self {
        let mut next = self.clone();
        let before = next.active().count();
        next.take(step, plan);
        let trouble = !matches!(step, Step::Tick | Step::Fire(_) | Step::Deliver(_));
        if trouble {
            next.calm = 0;
        }
        let active = next.active().count();
        next.clash = match next.clash {
            _ if active < 2 => None,
            // Whatever was said is lost or out of date; it is said again with the next advert.
            left if trouble => left.max(Some(ADVERT + 2 * DELAY)),
            // An Active router that has answered somebody at this instant does not answer again, and does
            // not know that the answer was lost.
            left if active > before && next.lost => left.max(Some(ADVERT + 2 * DELAY)),
            left if active > before => left.max(Some(2 * DELAY)),
            left => left,
        };
        next
    }

    fn take(&mut self, step: &Step, plan: &Plan) {
        let now = self.now;
        match step {
            Step::Tick => self.tick(plan),
            Step::Fire(place) => self.with(*place, plan, |node| vec![node.fire(now, plan)]),
            Step::Deliver(frame) => {
                self.remove(frame);
                self.with(frame.to, plan, |node| vec![node.hear(now, frame, plan)]);
            }
            Step::Lose(frame) => {
                self.left.losses -= 1;
                self.lost = true;
                self.remove(frame);
                self.with(frame.to, plan, |node| {
                    node.watch.loses();
                    Vec::new()
                });
            }
            Step::Double(frame) => {
                self.left.doubles -= 1;
                self.with(frame.to, plan, |node| vec![node.hear(now, frame, plan)]);
            }
            Step::Start(place) => {
                let (node, deeds) = Node::start(*place, plan, now);
                self.nodes[usize::from(*place)] = Some(Arc::new(node));
                self.see(*place, deeds, plan);
            }
            Step::Crash(place) => {
                self.left.crashes -= 1;
                self.gone(*place);
            }
            Step::Stop(place) => {
                self.left.stops -= 1;
                self.with(*place, plan, |node| vec![node.stop(now, plan)]);
                self.gone(*place);
            }
            Step::Weigh(place) => {
                self.left.weights -= 1;
                self.with(*place, plan, |node| vec![node.weigh(now, plan)]);
            }
            Step::Stall(place) => {
                self.left.stalls -= 1;
                self.with(*place, plan, |node| {
                    node.stall();
                    Vec::new()
                });
            }
            Step::Wake(place) => self.with(*place, plan, |node| node.wake(now, plan)),
        }
    }

    fn tick(&mut self, plan: &Plan) {
        self.now += 1;
        self.sent = 0;
        self.lost = false;
        for frame in &mut self.frames {
            frame.age += 1;
        }
        for node in self.nodes.iter_mut().flatten() {
            Arc::make_mut(node).tick();
        }
        let stalled = self.running().any(|node| node.stalled.is_some());
        self.calm = match stalled {
            true => 0,
            false => (self.calm + 1).min(patience(plan)),
        };
        match &mut self.clash {
            Some(0) => self.wrong = Some("two Active routers hear each other and go on"),
            Some(left) => *left -= 1,
            None => {}
        }
    }

    fn remove(&mut self, frame: &Frame) {
        if let Some(at) = self.frames.iter().position(|other| other == frame) {
            self.frames.remove(at);
        }
    }

    /// A router is off: what was on its way to it arrives nowhere.
    fn gone(&mut self, place: u8) {
        self.nodes[usize::from(place)] = None;
        self.frames.retain(|frame| frame.to != place);
    }

    fn with(&mut self, place: u8, plan: &Plan, act: impl FnOnce(&mut Node) -> Vec<Deeds>) {
        let Some(node) = &mut self.nodes[usize::from(place)] else {
            return;
        };
        for deeds in act(Arc::make_mut(node)) {
            self.see(place, deeds, plan);
        }
    }

    /// What a router has done reaches the others, and is judged.
    fn see(&mut self, place: u8, deeds: Deeds, plan: &Plan) {
        self.wrong = self.wrong.or(deeds.wrong);
        if let Some(watch) = deeds.became_active {
            if watch.due_in > 0 {
                self.wrong = Some("a Backup takes over before its time");
            }
            if watch.is_down() && !watch.disturbed && self.lives(place, watch.waited, watch.lost) {
                self.wrong = Some("a Backup takes over from a live Active router");
            }
        }
        for (priority, message) in deeds.sent {
            for (to, node) in (0..).zip(&self.nodes) {
                if to != place && node.is_some() {
                    self.sent += 1;
                    self.frames.push(Frame {
                        from: place,
                        to,
                        priority,
                        age: 0,
                        message: Arc::clone(&message),
                    });
                }
            }
        }
        self.frames.sort_unstable();
        let routers = plan.members.len();
        if usize::from(self.sent) > 4 * routers * (routers - 1) {
            self.wrong = Some("adverts without end");
        }
    }

    /// There is an Active router that this one had to hear and to respect all the time it has waited.
    fn lives(&self, place: u8, waited: u8, lost: u8) -> bool {
        let Some(own) = &self.nodes[usize::from(place)] else {
            return false;
        };
        // A skew that is no longer than a frame may be late is as good as one advert less.
        let needed = if skew(own.priority()) > DELAY { 3 } else { 2 };
        let others = (0..).zip(&self.nodes).filter(|(other, _)| *other != place);
        lost < needed
            && others.filter_map(|(_, node)| node.as_ref()).any(|other| {
                other.state() == State::Active
                    && other.watch.steady >= waited
                    && (other.priority() >= own.priority() || !own.preempts())
            })
    }
}

/// How long it takes to settle.
fn patience(plan: &Plan) -> u8 {
    let all = plan.members.iter();
    let lowest = all.map(|member| member.priority.min(member.weighed)).min();
    settled(lowest.unwrap_or(1))
}
