//! Deciding what to do, when a request can be sent.

use sans_io_time::Instant;

use super::batch::{Batch, Effect, Item, News, Step};
use super::object::{Id, Key};
use super::sync::ANSWER_TIMEOUT;
use super::{ENODEV, Reconciler};
use crate::desired::OwnerId;
use crate::encode::{self, Verb};
use crate::observed::{Identity, ObservedAddress};
use crate::plan::{Judgement, judge};
use crate::timing::after;

impl Reconciler {
    pub(super) fn identity_of(&self, key: &Key) -> Option<Id> {
        Some(match *key {
            Key::Address(device, place) => {
                let index = self.observed.link_named(device)?.index;
                Id::Address(Identity { index, place })
            }
            Key::Route(place) => Id::Route(place),
            Key::Rule(place) => Id::Rule(place),
        })
    }

    pub(super) fn key_of(&self, id: Id) -> Option<Key> {
        Some(match id {
            Id::Address(identity) => {
                let name = self.observed.link_by_index(identity.index)?.name;
                Key::Address(name, identity.place)
            }
            Id::Route(place) => Key::Route(place),
            Id::Rule(place) => Key::Rule(place),
        })
    }

    /// Whether something of ours is in this place.
    fn is_ours(&self, id: Id) -> bool {
        match id {
            Id::Address(identity) => self.observed.get(identity).is_some_and(|seen| seen.ours),
            Id::Route(place) => self.observed.routes_at(&place).iter().any(|seen| seen.ours),
            Id::Rule(place) => self.observed.rules_at(&place).iter().any(|seen| seen.ours),
        }
    }

    /// The last owner has dropped this object.
    pub(super) fn dropped(&mut self, owner: OwnerId, key: Key) {
        let Some(identity) = self.identity_of(&key) else {
            return;
        };
        self.troubles.forget(identity);
        let ours = self.is_ours(identity);
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
        let rules = self
            .observed
            .rule_places()
            .map(|p| (Id::Rule(p), Key::Rule(p)));
        let routes = self
            .observed
            .route_places()
            .map(|p| (Id::Route(p), Key::Route(p)));
        for (id, key) in rules.chain(routes) {
            if self.is_ours(id) && !self.claims.is_wanted_on(&key) {
                self.queue.push(id, Step::Remove);
            }
        }
        // Secondaries first, for the reason given at `plan`.
        for secondary in [true, false] {
            for identity in self.observed.identities() {
                let fits = |seen: &ObservedAddress| seen.ours && seen.is_secondary() == secondary;
                if self.observed.get(identity).is_some_and(fits)
                    && !self
                        .key_of(identity.into())
                        .is_some_and(|key| self.claims.is_wanted_on(&key))
                {
                    self.queue.push(identity.into(), Step::Remove);
                }
            }
        }
    }

    /// Notes the state of an object, and queues it if there is something to do. While a request
    /// about it is not answered, that has to wait for the answer.
    pub(super) fn look_at(&mut self, now: Instant, identity: Id) {
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
    pub(super) fn examine(&mut self, id: Id) -> Option<Step> {
        match id {
            Id::Address(identity) => self.examine_address(identity),
            Id::Route(_) | Id::Rule(_) => self.examine_group(id),
        }
    }

    fn examine_address(&mut self, identity: Identity) -> Option<Step> {
        let id = Id::Address(identity);
        let seen = self.observed.get(identity);
        let Some(link) = self.observed.link_by_index(identity.index) else {
            self.claims.left(id, &mut self.events);
            return None;
        };
        let key = Key::Address(link.name, identity.place);
        let Some(vip) = self.claims.vip(&key) else {
            if seen.is_some_and(|seen| seen.ours) {
                return (self.cleaning || self.claims.is_leaving(id)).then_some(Step::Remove);
            }
            self.claims.left(id, &mut self.events);
            self.troubles.forget(id);
            return None;
        };
        let judgement = judge(seen, link, vip);
        self.claims.left(id, &mut self.events);
        match judgement {
            Judgement::Present => {
                if let Some(times) = self.troubles.recovered(id) {
                    self.report_repair(&key, times);
                }
                self.claims.mark(&key, true, &mut self.events);
                None
            }
            Judgement::Foreign => {
                self.report_foreign(&key);
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
                if self.troubles.is_unfixable(id) {
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
            let start = out.len();
            if let Some(item) = self.write(now, identity, step, out) {
                last_start = start;
                items.push(item);
            }
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
        id: Id,
        step: Step,
        out: &mut Vec<u8>,
    ) -> Option<Item> {
        let seq = self.take_seq();
        let effect = match (id, step) {
            (Id::Address(identity), Step::Remove | Step::Recreate) => {
                encode::remove_address(self.observed.get(identity)?, seq, out);
                Effect::NoAddress
            }
            (Id::Address(identity), Step::Put(verb)) => {
                let vip = self.claims.vip(&self.key_of(id)?)?;
                encode::put_address(verb, identity.index, vip, self.tag, seq, out);
                let expected = ObservedAddress::expected(identity.index, vip, self.tag);
                Effect::Address(Box::new(expected))
            }
            _ => self.write_group(id, step, seq, out)?,
        };
        if step.is_fix() {
            self.troubles.fixing(now, id);
        }
        Some(Item {
            seq,
            identity: id,
            step,
            effect,
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
