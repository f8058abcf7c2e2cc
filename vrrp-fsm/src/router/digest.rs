//! What the future of many virtual routers depends on.

use core::hash::{Hash, Hasher};

use crate::{Instant, timing};

use super::{Place, Router, Slot};

impl Router {
    /// Hashes all that decides what this router does from `now` on: what it will send, install and
    /// announce, and when. Times count from `now`, so that a router in the same situation an hour later
    /// hashes the same.
    ///
    /// Two routers with the same configuration that differ here may behave differently; two that do not
    /// differ behave alike. Left out are the configuration, which the caller knows, and what is told and never
    /// asked: counters, the time and reason of the last transition, and which notices were given lately. This is
    /// for programs that walk through every state there is, and for those that compare two runs.
    pub fn hash_behaviour(&self, now: Instant, hasher: &mut impl Hasher) {
        // Every field is named, so that a new one does not compile before it is decided on.
        let Self {
            places,
            empty,
            index,
            // Follows from the timers of the virtual routers.
            schedule: _,
            queue,
            // Empty between two calls.
            lent: _,
            after_adverts: _,
            due: _,
            groups,
            leaving,
            // Counters.
            unroutable: _,
            wall,
        } = self;
        for Place { uses, slot } in places {
            uses.hash(hasher);
            slot.is_some().hash(hasher);
            if let Some(slot) = slot {
                slot.hash_behaviour(now, hasher);
            }
        }
        for group in groups {
            group.hash_behaviour(now, hasher);
        }
        let ids = index.iter().map(|(_, id)| id);
        for id in ids {
            id.hash(hasher);
        }
        (empty, queue, leaving).hash(hasher);
        // Without signatures the time of day is not looked at.
        if self
            .instances()
            .any(|(_, _, instance)| instance.config().hmac.is_some())
        {
            let time_of_day =
                wall.map(|(told, wall)| wall.saturating_add(timing::lateness(now, told)));
            time_of_day.hash(hasher);
        }
    }
}

impl Slot {
    fn hash_behaviour(&self, now: Instant, hasher: &mut impl Hasher) {
        let Self {
            instance,
            interface,
            removed,
            queued,
            advert_queued,
            group,
            standing,
            held,
            waits,
            joins,
            refreshes,
        } = self;
        instance.hash_behaviour(now, hasher);
        (interface, removed, queued, advert_queued, group).hash(hasher);
        (standing, held, waits, joins, refreshes).hash(hasher);
    }
}
