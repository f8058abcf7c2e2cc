//! Desired state in, messages out, the kernel's answers back in.
//!
//! The family announces no changes, so what others do to the table is found by asking again
//! ([`Reconciler::verify`]). Only services that were once wanted are touched (IPVS-OPS-02).

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use sans_io_time::Instant;

use crate::destination::Destination;
use crate::diff::{changes, diff};
use crate::dump::{Dump, Dumped};
use crate::error::KernelError;
use crate::netlink::{Answer, FamilyId, Reply, Request, replies};
use crate::service::{Service, ServiceKey};
use crate::table::{Op, Table};

/// Messages in one datagram. More would hold back other work of the same thread.
const BATCH: usize = 64;

/// Pause after the first refusal; doubled by each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Something to tell.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The kernel holds what is wanted.
    Settled,
    /// Somebody else changed our services; what is undone here was not ours.
    Drift {
        /// The changes that put things right again.
        repairs: Vec<Op>,
    },
    /// The kernel refused a change; it is tried again after a pause.
    Refused {
        /// The change.
        op: Op,
        /// Why.
        error: KernelError,
    },
    /// The table could not be read; tried again after a pause.
    Unreadable(KernelError),
    /// The table was read; counters included.
    Read(Dumped),
}

/// Keeps the kernel's table as wanted.
#[derive(Clone, Debug)]
pub struct Reconciler {
    family: FamilyId,
    seq: u32,
    desired: Table,
    /// Every service that was wanted since the start and may still be there.
    ours: BTreeSet<ServiceKey>,
    /// What the kernel holds of ours; `None` until it has been read.
    current: Option<Table>,
    dump: Option<Dump>,
    plan: VecDeque<Op>,
    /// In the order of sending, which is that of the answers. Only the last of a datagram is
    /// acknowledged, and with it all before it that were not refused.
    in_flight: VecDeque<(u32, Op)>,
    /// Refused, and not to be tried again before the pause is over.
    refused: BTreeSet<Op>,
    pause: Duration,
    retry_at: Option<Instant>,
    settled: bool,
    events: VecDeque<Event>,
}

impl Reconciler {
    /// Wants an empty table and owns nothing; reads the table first.
    #[must_use]
    pub fn new(family: FamilyId) -> Self {
        Self {
            family,
            seq: 0,
            desired: Table::new(),
            ours: BTreeSet::new(),
            current: None,
            dump: Some(Dump::new()),
            plan: VecDeque::new(),
            in_flight: VecDeque::new(),
            refused: BTreeSet::new(),
            pause: FIRST_PAUSE,
            retry_at: None,
            settled: false,
            events: VecDeque::new(),
        }
    }

    /// Counts services as ours that an earlier run put.
    pub fn adopt(&mut self, keys: impl IntoIterator<Item = ServiceKey>) {
        self.ours.extend(keys);
        self.current = None;
        self.verify();
    }

    /// Says what the table should be.
    pub fn set(&mut self, desired: Table) {
        let new: Vec<_> = desired.entries().map(|entry| entry.service().key).collect();
        // What the kernel holds of a service that was not ours until now is not known.
        if new.iter().any(|key| !self.ours.contains(key)) {
            self.verify();
        }
        self.ours.extend(new);
        self.desired = desired;
        self.refused.clear();
        self.retry_at = None;
        self.pause = FIRST_PAUSE;
        self.settled = false;
        self.replan();
        self.check_settled();
    }

    /// Says what some services should be, and leaves the others as they are wanted. Costs what
    /// changes, not what there is.
    pub fn change(
        &mut self,
        changes: impl IntoIterator<Item = (ServiceKey, Option<(Service, Vec<Destination>)>)>,
    ) {
        let mut keys = BTreeSet::new();
        let mut unknown = false;
        for (key, wanted) in changes {
            match wanted {
                Some((service, destinations)) => {
                    unknown |= self.ours.insert(key);
                    self.desired.put(service, destinations);
                }
                None => drop(self.desired.remove(&key)),
            }
            keys.insert(key);
        }
        if unknown {
            self.verify();
        }
        self.refused.retain(|op| !keys.contains(op.service()));
        if self.refused.is_empty() {
            self.retry_at = None;
            self.pause = FIRST_PAUSE;
        }
        self.settled = false;
        self.replan_some(&keys);
        self.check_settled();
    }

    /// What the table should be.
    #[must_use]
    pub const fn desired(&self) -> &Table {
        &self.desired
    }

    /// What the kernel holds of ours, as far as is known.
    #[must_use]
    pub const fn current(&self) -> Option<&Table> {
        self.current.as_ref()
    }

    /// Whether something that was sent is not answered yet.
    #[must_use]
    pub fn awaits_answers(&self) -> bool {
        !self.in_flight.is_empty() || self.dump.as_ref().is_some_and(Dump::awaits_answers)
    }

    /// How many changes were sent and are not answered yet.
    #[must_use]
    pub fn changes_in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether the table is being read.
    #[must_use]
    pub const fn is_reading(&self) -> bool {
        self.dump.is_some()
    }

    /// Reads the table again, as soon as nothing else is on its way.
    pub fn verify(&mut self) {
        if self.dump.is_none() {
            self.dump = Some(Dump::new());
        }
    }

    /// Answers were lost (`ENOBUFS`): whatever they said is read from the table instead.
    pub fn handle_overrun(&mut self) {
        if let Some(dump) = &mut self.dump {
            dump.again();
        }
        if !self.in_flight.is_empty() {
            self.in_flight.clear();
            self.forget();
            self.verify();
        }
    }

    /// Takes a datagram from the kernel.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        let dump = self.dump.as_ref();
        let context = dump.map_or_else(
            || Dump::new().context(self.family),
            |dump| dump.context(self.family),
        );
        for answer in replies(datagram, context) {
            match answer {
                Ok(answer) => self.handle_answer(now, &answer),
                Err(_) => {
                    if let Some(dump) = &mut self.dump {
                        dump.handle_unreadable();
                    }
                }
            }
        }
        self.finish_dump(now);
    }

    /// Does what is due. Too early or twice does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            self.refused.clear();
            self.verify();
        }
    }

    /// When [`Self::handle_timeout`] is needed next.
    #[must_use]
    pub const fn next_timeout(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Appends the next datagram, at most 64 messages; `false` when there is nothing to send now.
    pub fn poll_request(&mut self, out: &mut Vec<u8>) -> bool {
        if !self.in_flight.is_empty() {
            return false;
        }
        if let Some(dump) = &mut self.dump {
            self.seq = self.seq.wrapping_add(1);
            return dump.poll_request(self.family, self.seq, out);
        }
        while self.in_flight.len() < BATCH {
            let Some(op) = self.plan.pop_front() else {
                break;
            };
            self.seq = self.seq.wrapping_add(1);
            let last = self.plan.is_empty() || self.in_flight.len().saturating_add(1) >= BATCH;
            let request = Request::Change(op);
            if last {
                request.encode(self.family, self.seq, out);
            } else {
                request.encode_unacknowledged(self.family, self.seq, out);
            }
            if let Request::Change(op) = request {
                self.in_flight.push_back((self.seq, op));
            }
        }
        if self.plan.is_empty() {
            // A large table was put in: its memory goes.
            self.plan.shrink_to(BATCH);
        }
        !self.in_flight.is_empty()
    }

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn handle_answer(&mut self, now: Instant, answer: &Answer) {
        if self.dump.as_mut().is_some_and(|dump| dump.handle(answer)) {
            return;
        }
        let errno = match answer.reply {
            Reply::Ack => 0,
            Reply::Error(errno) => errno,
            _ => return,
        };
        if !self.in_flight.iter().any(|(seq, _)| *seq == answer.seq) {
            return;
        }
        while let Some((seq, op)) = self.in_flight.pop_front() {
            let answered = seq == answer.seq;
            let error = (answered && errno != 0).then(|| KernelError::of(op.command(), errno));
            self.answered(now, op, error);
            if answered {
                break;
            }
        }
        self.check_settled();
    }

    /// IPVS-OPS-01: what is to be gone and is gone is well, what is to be new and is there is
    /// looked at again.
    fn answered(&mut self, now: Instant, op: Op, error: Option<KernelError>) {
        let deletes = matches!(op, Op::DelService(_) | Op::DelDest(..));
        let known = match error {
            None => true,
            Some(KernelError::NoService | KernelError::NoDestination) if deletes => true,
            Some(
                KernelError::ServiceExists
                | KernelError::DestinationExists
                | KernelError::NoService
                | KernelError::NoDestination,
            ) => false,
            Some(error) => {
                self.refused.insert(op.clone());
                self.events.push_back(Event::Refused { op, error });
                self.back_off(now);
                return;
            }
        };
        let applied = self
            .current
            .as_mut()
            .is_some_and(|current| current.apply(&op).is_ok());
        if !known || (error.is_none() && !applied) {
            // The kernel is not as we thought: look, at once for the first time, else after a pause.
            self.forget();
            if self.retry_at.is_none() && self.pause == FIRST_PAUSE {
                self.verify();
            }
            self.back_off(now);
        } else if let Op::DelService(key) = op
            && self.desired.get(&key).is_none()
        {
            self.ours.remove(&key);
        }
    }

    fn back_off(&mut self, now: Instant) {
        if self.retry_at.is_none() {
            self.retry_at = Some(now.checked_add(self.pause).unwrap_or(now));
            self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    /// What the kernel holds is no longer known.
    fn forget(&mut self) {
        self.plan.clear();
        self.current = None;
    }

    fn finish_dump(&mut self, now: Instant) {
        let Some(result) = self.dump.as_mut().and_then(Dump::result) else {
            return;
        };
        self.dump = None;
        match result {
            Ok(dumped) => {
                let mut table = dumped.table();
                table.retain(|key| self.ours.contains(key));
                self.look_for_drift(&table);
                let (desired, here) = (&self.desired, &table);
                let gone = |key: &ServiceKey| desired.get(key).is_none() && here.get(key).is_none();
                self.ours.retain(|key| !gone(key));
                self.current = Some(table);
                self.share();
                self.events.push_back(Event::Read(dumped));
                self.replan();
                self.check_settled();
            }
            Err(error) => {
                self.events.push_back(Event::Unreadable(error));
                self.back_off(now);
            }
        }
    }

    fn look_for_drift(&mut self, found: &Table) {
        let Some(known) = &self.current else { return };
        // A service that has become ours since was not known.
        let mut found = found.clone();
        found.retain(|key| known.get(key).is_some() || self.desired.get(key).is_none());
        let repairs = diff(&found, known);
        if !repairs.is_empty() {
            self.settled = false;
            self.events.push_back(Event::Drift { repairs });
        }
    }

    fn replan(&mut self) {
        self.plan.clear();
        let Some(current) = &self.current else { return };
        let ops = changes(current, &self.desired);
        self.intend(ops);
    }

    /// The same for these services only.
    fn replan_some(&mut self, keys: &BTreeSet<ServiceKey>) {
        self.plan.retain(|op| !keys.contains(op.service()));
        let Some(current) = &self.current else { return };
        let ops = changes(&current.part(keys), &self.desired.part(keys));
        self.intend(ops);
    }

    fn intend(&mut self, ops: impl Iterator<Item = Op>) {
        let lost = |op: &Op| match op {
            // Its service was refused, so this would be too.
            Op::NewDest(key, _) | Op::SetDest(key, _) => self
                .refused
                .iter()
                .any(|refused| matches!(refused, Op::NewService(service) if service.key == *key)),
            _ => false,
        };
        let ops = ops.filter(|op| !self.refused.contains(op) && !lost(op));
        self.plan.extend(ops);
    }

    /// One copy is enough while the kernel holds what is wanted.
    fn share(&mut self) {
        if let Some(current) = &mut self.current
            && *current == self.desired
        {
            current.clone_from(&self.desired);
        }
    }

    fn check_settled(&mut self) {
        let quiet = self.plan.is_empty()
            && self.in_flight.is_empty()
            && self.dump.is_none()
            && self.refused.is_empty();
        if quiet && !self.settled && self.current.as_ref() == Some(&self.desired) {
            self.settled = true;
            self.share();
            self.pause = FIRST_PAUSE;
            self.events.push_back(Event::Settled);
        }
    }
}
