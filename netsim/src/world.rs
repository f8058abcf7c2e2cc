//! Virtual time: one ordered queue of what is on its way, and the timers of the nodes.

mod delivery;

use core::cmp::Reverse;
use core::fmt;
use core::time::Duration;
use std::collections::{BinaryHeap, VecDeque};

use sans_io_time::Instant;

use crate::fault::Fault;
use crate::link::{Link, Path, later};
use crate::net::Net;
use crate::node::{Effect, Node, Power};
use crate::observe::{Observer, Violation};
use crate::queue::{Missed, Pending, Slot, Stall, What};
use crate::rng::Random;
use crate::trace::{Record, Trace};

/// A node of a world: its place in the list the world was made of.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub usize);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// Bounds that turn a run gone wild into a [`Violation`] instead of a hang or a full memory.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Most records in one window.
    pub records: u64,
    /// Length of a window in virtual time.
    pub window: Duration,
    /// Most frames and scripted faults waiting at a time.
    pub pending: usize,
    /// Most frames a stalled node keeps; the rest is lost, as in a full socket buffer.
    pub stall_queue: usize,
}

impl Default for Budget {
    fn default() -> Self {
        let window = Duration::from_secs(1);
        Self {
            records: 100_000,
            window,
            pending: 65_536,
            stall_queue: 256,
        }
    }
}

/// A network of nodes in virtual time.
///
/// At one instant the order is: scripted faults, frames, stalled nodes that wake, timers (in the order of
/// the nodes). All chance comes from one seed and is drawn in the order of events.
pub struct World<N: Node> {
    now: Instant,
    random: Random,
    link: Link,
    slots: Vec<Slot<N>>,
    paths: Vec<Path>,
    net: Net,
    queue: BinaryHeap<Reverse<Pending<N>>>,
    sequence: u64,
    shuffle: Option<u64>,
    budget: Budget,
    window_end: Instant,
    window_limit: u64,
    trace: Trace,
}

/// Keeps the pairs of nodes apart in a seed.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

type Outcome = Result<(), Violation>;

impl<N: Node> World<N> {
    /// A world at instant zero. All nodes are off and plugged in, all in one cell; `link` is every path.
    #[must_use]
    pub fn new(seed: u64, nodes: Vec<N>, link: Link) -> Self {
        let count = nodes.len();
        let slot = |node| Slot {
            node,
            timeout: None,
            stall: None,
        };
        let budget = Budget::default();
        Self {
            now: Instant::ZERO,
            random: Random::new(seed),
            link,
            slots: nodes.into_iter().map(slot).collect(),
            paths: vec![Path::new(); count * count],
            net: Net::new(count),
            queue: BinaryHeap::new(),
            sequence: 0,
            shuffle: None,
            budget,
            window_end: later(Instant::ZERO, budget.window),
            window_limit: budget.records,
            trace: Trace::default(),
        }
    }

    /// Sets the bounds.
    pub fn set_budget(&mut self, budget: Budget) {
        self.budget = budget;
        self.window_end = later(self.now, budget.window);
        self.window_limit = self.trace.records() + budget.records;
    }

    /// Frames that arrive at one instant come in an order that follows from `seed`, and not in that in which they
    /// were sent; those of one sender to one receiver stay in theirs. The rest of the chance is the same.
    pub fn shuffle(&mut self, seed: u64) {
        self.shuffle = Some(seed);
    }

    /// Keeps the last `lines` lines of the trace as text (none by default, text is slow).
    pub fn keep_trace(&mut self, lines: usize) {
        self.trace.keep(lines);
    }

    /// Schedules an incident; one in the past takes place now.
    ///
    /// # Panics
    ///
    /// If the incident names a node that is not in this world: a script error.
    pub fn at(&mut self, when: Instant, fault: Fault<N::Order>) {
        let named = match &fault {
            Fault::Start(node)
            | Fault::Stop(node)
            | Fault::Crash(node)
            | Fault::Stall(node, _)
            | Fault::LinkDown(node)
            | Fault::LinkUp(node)
            | Fault::Tell(node, _) => *node,
            Fault::OneWay(from, to) | Fault::SetPath(from, to, _) => *from.max(to),
            Fault::Partition(_) | Fault::Heal | Fault::SetLink(_) => NodeId(0),
        };
        assert!(named.0 < self.slots.len(), "{named} is not in this world");
        self.push(when.max(self.now), What::Fault(Box::new(fault)));
    }

    /// Schedules the start of every node at the present instant.
    pub fn start_all(&mut self) {
        for node in self.net.nodes() {
            self.at(self.now, Fault::Start(node));
        }
    }

    /// The present instant.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// The nodes in order.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &N> {
        self.slots.iter().map(|slot| &slot.node)
    }

    /// One node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&N> {
        self.slots.get(id.0).map(|slot| &slot.node)
    }

    /// Who is on and who hears whom.
    #[must_use]
    pub const fn net(&self) -> &Net {
        &self.net
    }

    /// What happened so far.
    #[must_use]
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// A fingerprint of all that happened so far.
    #[must_use]
    pub fn trace_hash(&self) -> u64 {
        self.trace.hash()
    }

    /// Lets `length` of virtual time pass.
    ///
    /// # Errors
    ///
    /// A bound of the [`Budget`] was broken, or a node asked for a timer that does not advance.
    pub fn run_for(&mut self, length: Duration) -> Outcome {
        self.run_until(later(self.now, length), &mut ())
    }

    /// Lets time pass up to and including `end`, showing everything to `observer`.
    ///
    /// # Errors
    ///
    /// As [`run_for`](Self::run_for), or what the observer objects to.
    pub fn run_until(&mut self, end: Instant, observer: &mut impl Observer<N>) -> Outcome {
        loop {
            let pending = self.queue.peek().map(|Reverse(pending)| pending.at);
            let timer = self.next_timer();
            match (pending, timer) {
                (Some(at), timer) if at <= end && timer.is_none_or(|(due, _)| at <= due) => {
                    self.now = at;
                    let Some(Reverse(pending)) = self.queue.pop() else {
                        return Ok(());
                    };
                    match pending.what {
                        What::Fault(fault) => self.incident(&fault, observer)?,
                        What::Arrival(to, arrival) => self.arrive(to, arrival, observer)?,
                        What::Wake(node) => self.wake(node, observer)?,
                    }
                }
                (_, Some((due, node))) if due <= end => {
                    self.now = due;
                    self.expire(node, observer)?;
                }
                _ => break,
            }
        }
        self.now = end.max(self.now);
        Ok(())
    }

    /// The earliest timer of a node that can run.
    fn next_timer(&self) -> Option<(Instant, NodeId)> {
        let awake = |(index, slot): (usize, &Slot<N>)| match (&slot.stall, slot.timeout) {
            (None, Some(due)) => Some((due.max(self.now), NodeId(index))),
            _ => None,
        };
        self.slots.iter().enumerate().filter_map(awake).min()
    }

    fn push(&mut self, at: Instant, what: What<N>) {
        self.sequence += 1;
        let draw = match (&self.shuffle, &what) {
            (Some(seed), What::Arrival(to, arrival)) => {
                let ends = (arrival.from.0 as u64) << 32 | to.0 as u64;
                let key = seed ^ ends.wrapping_mul(SPREAD) ^ (at.as_nanos() as u64).rotate_left(17);
                Random::new(key).bits()
            }
            _ => 0,
        };
        self.queue.push(Reverse(Pending {
            at,
            draw,
            sequence: self.sequence,
            what,
        }));
    }

    fn record(&mut self, record: &Record<'_, N>, observer: &mut impl Observer<N>) -> Outcome {
        self.trace.write(self.now, record);
        if self.trace.records() > self.window_limit {
            if self.now < self.window_end {
                return Err(Violation::Storm {
                    at: self.now,
                    records: self.budget.records,
                });
            }
            self.window_end = later(self.now, self.budget.window);
            self.window_limit = self.trace.records() + self.budget.records;
        }
        observer.observe(self.now, record, &self.net)
    }

    fn incident(&mut self, fault: &Fault<N::Order>, observer: &mut impl Observer<N>) -> Outcome {
        // The network changes first, so that observers see the new one with the record of the fault.
        let replugged = match fault {
            Fault::LinkDown(node) => self.net.set_plugged(*node, false),
            Fault::LinkUp(node) => self.net.set_plugged(*node, true),
            _ => false,
        };
        match fault {
            Fault::Stall(node, length) => self.stall(*node, *length),
            Fault::Partition(cells) => self.net.partition(cells),
            Fault::OneWay(from, to) => self.net.cut(*from, *to),
            Fault::Heal => self.net.heal(),
            Fault::SetLink(link) => {
                self.link = link.clone();
                self.paths.iter_mut().for_each(|path| path.link = None);
            }
            Fault::SetPath(from, to, link) => {
                let way = from.0 * self.slots.len() + to.0;
                self.paths[way].link = Some(link.clone());
            }
            _ => {}
        }
        self.record(&Record::Fault(fault), observer)?;
        match fault {
            Fault::Start(node) => self.start(*node, observer),
            Fault::Stop(node) => self.tell(*node, Missed::Stop, observer),
            Fault::Crash(node) => self.crash(*node, observer),
            Fault::LinkDown(node) if replugged => self.tell(*node, Missed::Link(false), observer),
            Fault::LinkUp(node) if replugged => self.tell(*node, Missed::Link(true), observer),
            Fault::Tell(node, order) => self.tell(*node, Missed::Order(order.clone()), observer),
            _ => Ok(()),
        }
    }

    fn start(&mut self, id: NodeId, observer: &mut impl Observer<N>) -> Outcome {
        if self.net.is_running(id) {
            return Ok(());
        }
        self.net.set_running(id, true);
        let node = &mut self.slots[id.0].node;
        node.handle_power(self.now, Power::Start);
        if !self.net.is_plugged(id) {
            node.handle_link(self.now, false);
        }
        self.settle(id, observer)
    }

    fn crash(&mut self, id: NodeId, observer: &mut impl Observer<N>) -> Outcome {
        if !self.net.is_running(id) {
            return Ok(());
        }
        let slot = &mut self.slots[id.0];
        slot.stall = None;
        slot.node.handle_power(self.now, Power::Crash);
        while slot.node.poll_effect().is_some() {}
        self.off(id, observer)
    }

    fn off(&mut self, id: NodeId, observer: &mut impl Observer<N>) -> Outcome {
        self.net.set_running(id, false);
        self.net.set_stalled(id, false);
        self.slots[id.0].timeout = None;
        self.record(&Record::Off(id), observer)
    }

    fn stall(&mut self, id: NodeId, length: Duration) {
        let until = later(self.now, length);
        if !self.net.is_running(id) {
            return;
        }
        match &mut self.slots[id.0].stall {
            Some(stall) => stall.until = stall.until.max(until),
            empty @ None => {
                *empty = Some(Stall {
                    until,
                    frames: VecDeque::new(),
                    missed: Vec::new(),
                });
            }
        }
        self.net.set_stalled(id, true);
        self.push(until, What::Wake(id));
    }

    /// Something happens to a node: now if it is awake, later if it is stalled, never if it is off.
    fn tell(
        &mut self,
        id: NodeId,
        what: Missed<N::Order>,
        observer: &mut impl Observer<N>,
    ) -> Outcome {
        if !self.net.is_running(id) {
            return Ok(());
        }
        if let Some(stall) = &mut self.slots[id.0].stall {
            stall.missed.push(what);
            return Ok(());
        }
        self.hand_over(id, &what);
        self.settle(id, observer)?;
        if matches!(what, Missed::Stop) {
            self.off(id, observer)
        } else {
            Ok(())
        }
    }

    fn hand_over(&mut self, id: NodeId, what: &Missed<N::Order>) {
        let node = &mut self.slots[id.0].node;
        match what {
            Missed::Stop => node.handle_power(self.now, Power::Stop),
            Missed::Link(up) => node.handle_link(self.now, *up),
            Missed::Order(order) => node.handle_order(self.now, order),
        }
    }

    /// A node gets the processor back: missed frames, other events, timers, and only then a drain, as
    /// in one turn of an event loop.
    fn wake(&mut self, id: NodeId, observer: &mut impl Observer<N>) -> Outcome {
        let slot = &mut self.slots[id.0];
        let Some(stall) = slot.stall.take_if(|stall| stall.until <= self.now) else {
            return Ok(());
        };
        self.net.set_stalled(id, false);
        self.record(&Record::Woke(id), observer)?;
        for arrival in &stall.frames {
            self.deliver(id, arrival, observer)?;
        }
        let mut stopped = false;
        for missed in &stall.missed {
            if !stopped {
                self.hand_over(id, missed);
                stopped = matches!(missed, Missed::Stop);
            }
        }
        if stopped {
            self.settle(id, observer)?;
            return self.off(id, observer);
        }
        self.expire(id, observer)
    }

    fn expire(&mut self, id: NodeId, observer: &mut impl Observer<N>) -> Outcome {
        self.record(&Record::Timer(id), observer)?;
        self.slots[id.0].node.handle_timeout(self.now);
        self.settle(id, observer)?;
        match self.slots[id.0].timeout {
            Some(timeout) if timeout <= self.now => Err(Violation::StuckTimer {
                at: self.now,
                node: id,
                timeout,
            }),
            _ => Ok(()),
        }
    }

    fn settle(&mut self, id: NodeId, observer: &mut impl Observer<N>) -> Outcome {
        while let Some(effect) = self.slots[id.0].node.poll_effect() {
            match effect {
                Effect::Send { to, frame } => self.transmit(id, to, &frame, observer)?,
                Effect::Note(note) => self.record(
                    &Record::Note {
                        node: id,
                        note: &note,
                    },
                    observer,
                )?,
            }
        }
        let slot = &mut self.slots[id.0];
        slot.timeout = slot.node.next_timeout();
        self.record(&Record::Settled(id), observer)
    }
}
