//! Deciding what to do, when a request can be sent.

use sans_io_time::Instant;

use super::batch::{Batch, Item, News, Step};
use super::claims::Key;
use super::sync::ANSWER_TIMEOUT;
use super::{ENODEV, Reconciler};
use crate::desired::OwnerId;
use crate::encode::{self, Verb};
use crate::observed::{Identity, ObservedAddress};
use crate::plan::{Judgement, judge};
use crate::timing::after;

impl Reconciler {
    pub(super) fn identity_of(&self, key: &Key) -> Option<Identity> {
        let (device, place) = *key;
        let index = self.observed.link_named(device)?.index;
        Some(Identity { index, place })
    }

    pub(super) fn key_of(&self, identity: Identity) -> Option<Key> {
        let name = self.observed.link_by_index(identity.index)?.name;
        Some((name, identity.place))
    }

    /// The last owner has dropped this object.
    pub(super) fn dropped(&mut self, owner: OwnerId, key: Key) {
        let Some(identity) = self.identity_of(&key) else {
            return;
        };
        self.troubles.forget(identity);
        let ours = self.observed.get(identity).is_some_and(|seen| seen.ours);
        let unanswered = self
            .in_flight
            .as_ref()
            .is_some_and(|batch| batch.concerns(identity));
        if ours || unanswered {
            self.claims.leave(identity, owner);
            self.queue.hasten(identity);
        }
    }

    /// Looks for a wanted object on a device that may not exist.
    pub(super) fn look_for(&mut self, now: Instant, key: &Key) {
        if let Some(identity) = self.identity_of(key) {
            self.look_at(now, identity);
        } else if self.claims.first_missing(key) {
            self.report_failure(key, None, ENODEV, Some("no such device"));
        }
    }

    pub(super) fn look_for_leftovers(&mut self) {
        // Secondaries first, for the reason given at `plan`.
        for secondary in [true, false] {
            for identity in self.observed.identities() {
                let fits = |seen: &ObservedAddress| seen.ours && seen.is_secondary() == secondary;
                if self.observed.get(identity).is_some_and(fits)
                    && !self
                        .key_of(identity)
                        .is_some_and(|key| self.claims.is_wanted_on(&key))
                {
                    self.queue.push(identity, Step::Remove);
                }
            }
        }
    }

    /// Notes the state of an object, and queues it if there is something to do. While a request
    /// about it is not answered, that has to wait for the answer.
    pub(super) fn look_at(&mut self, now: Instant, identity: Identity) {
        let concerns = |batch: &Batch| batch.concerns(identity);
        if self.in_flight.as_ref().is_some_and(concerns) {
            return;
        }
        if let Some(step) = self.examine(identity)
            && !self.troubles.is_held(now, identity, step.is_fix())
        {
            self.queue.push(identity, step);
        }
    }

    /// Compares what is with what is wanted in one place, notes the outcome, and returns what is
    /// to be done.
    pub(super) fn examine(&mut self, identity: Identity) -> Option<Step> {
        let seen = self.observed.get(identity);
        let Some(link) = self.observed.link_by_index(identity.index) else {
            self.claims.left(identity, &mut self.events);
            return None;
        };
        let key = (link.name, identity.place);
        let Some(vip) = self.claims.vip(&key) else {
            if seen.is_some_and(|seen| seen.ours) {
                return (self.cleaning || self.claims.is_leaving(identity)).then_some(Step::Remove);
            }
            self.claims.left(identity, &mut self.events);
            self.troubles.forget(identity);
            return None;
        };
        let judgement = judge(seen, link, vip);
        self.claims.left(identity, &mut self.events);
        match judgement {
            Judgement::Present => {
                if let Some(times) = self.troubles.recovered(identity) {
                    self.report_repair(&key, times);
                }
                self.claims.mark(&key, true, &mut self.events);
                None
            }
            Judgement::Foreign => {
                self.report_foreign(&key, identity);
                self.claims.mark(&key, true, &mut self.events);
                None
            }
            Judgement::Wait => {
                self.claims.mark(&key, false, &mut self.events);
                None
            }
            Judgement::Add => {
                self.claims.mark(&key, false, &mut self.events);
                Some(Step::Put(Verb::Add))
            }
            Judgement::Replace | Judgement::Recreate => {
                // Good enough, if it cannot be had any better.
                if self.troubles.is_unfixable(identity) {
                    self.claims.mark(&key, true, &mut self.events);
                }
                let replace = judgement == Judgement::Replace;
                Some(if replace {
                    Step::Put(Verb::Replace)
                } else {
                    Step::Recreate
                })
            }
        }
    }

    pub(super) fn fill_batch(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        let mut items = Vec::new();
        let mut last_start = 0;
        while items.len() < self.batch_size.get() {
            let Some(identity) = self.queue.pop() else {
                break;
            };
            let Some(step) = self.examine(identity) else {
                continue;
            };
            if self.troubles.is_held(now, identity, step.is_fix()) {
                continue;
            }
            last_start = out.len();
            items.extend(self.write(now, identity, step, out));
        }
        let Some(last) = items.last() else {
            return false;
        };
        encode::ask_for_ack(out, last_start);
        let requests = u64::try_from(items.len()).unwrap_or(u64::MAX);
        self.counters.requests = self.counters.requests.saturating_add(requests);
        self.in_flight = Some(Batch {
            last_seq: last.seq,
            sent_at: now,
            deadline: after(now, ANSWER_TIMEOUT),
            items,
        });
        true
    }

    pub(super) fn write(
        &mut self,
        now: Instant,
        identity: Identity,
        step: Step,
        out: &mut Vec<u8>,
    ) -> Option<Item> {
        let seq = self.take_seq();
        let expected = match step {
            Step::Remove | Step::Recreate => {
                encode::remove_address(self.observed.get(identity)?, seq, out);
                None
            }
            Step::Put(verb) => {
                let vip = self.claims.vip(&self.key_of(identity)?)?;
                encode::put_address(verb, identity.index, vip, self.tag, seq, out);
                Some(ObservedAddress::expected(identity.index, vip, self.tag))
            }
        };
        if step.is_fix() {
            self.troubles.fixing(now, identity);
        }
        Some(Item {
            seq,
            identity,
            step,
            expected,
            refusal: None,
            news: News::None,
        })
    }

    pub(super) fn take_seq(&mut self) -> u32 {
        let seq = self.next_seq;
        // 0 is what notifications bear that nobody asked for.
        self.next_seq = seq.checked_add(1).unwrap_or(1);
        seq
    }
}
