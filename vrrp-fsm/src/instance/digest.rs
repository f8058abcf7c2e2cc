//! What the future of a virtual router depends on.

use core::hash::{Hash, Hasher};

use crate::{Instant, timing};

use super::active::ANSWER_GAP;
use super::{Instance, Timer};

impl Instance {
    /// See [`Router::hash_behaviour`](crate::Router::hash_behaviour).
    pub(crate) fn hash_behaviour(&self, now: Instant, hasher: &mut impl Hasher) {
        // Every field is named, so that a new one does not compile before it is decided on.
        let Self {
            config,
            // Follows from the configuration.
            list: _,
            state,
            timer,
            started,
            waiting_for_first_start,
            reported,
            faults,
            primary,
            weights,
            priority,
            gave_way,
            active_interval,
            accepted,
            preempt_hold,
            grouped,
            ready,
            lower_discarded,
            last_answer,
            last_suspicion,
            announce_due,
            rival,
            // Told, and never asked.
            advert_version: _,
            last_transition: _,
            new_active: _,
            stats: _,
            // Which notices are due: for people.
            limiter: _,
            // See `wall_time`.
            wall: _,
            signatures,
            ah_sequence,
            ah_accepted,
            actions,
        } = self;
        (state, started, waiting_for_first_start, reported, faults).hash(hasher);
        (primary, weights, priority, gave_way, active_interval).hash(hasher);
        (accepted, grouped, ready, lower_discarded, announce_due).hash(hasher);
        (ah_sequence, ah_accepted, signatures, actions).hash(hasher);
        match timer {
            Timer::None => 0_u8.hash(hasher),
            Timer::Down {
                since,
                wait,
                deadline,
            } => (1_u8, ahead(now, *since), wait, ahead(now, *deadline)).hash(hasher),
            Timer::Advert { due } => (2_u8, ahead(now, *due)).hash(hasher),
        }
        // Once it is over, when it was does not matter.
        preempt_hold
            .map(|until| ahead(now, until).max(0))
            .hash(hasher);
        for last in [last_answer, last_suspicion] {
            let over = last.map(|last| timing::after(last, ANSWER_GAP));
            over.map(|over| ahead(now, over))
                .filter(|ahead| *ahead > 0)
                .hash(hasher);
        }
        if let Some(rival) = rival {
            rival.hash_behaviour(now, hasher);
        }
        // Without signatures the time of day is not looked at.
        if config.hmac.is_some() {
            self.wall_time(now).hash(hasher);
        }
    }
}

/// How far ahead an instant is, in nanoseconds; negative if it is past.
pub(super) const fn ahead(now: Instant, at: Instant) -> i64 {
    at.as_nanos().saturating_sub(now.as_nanos())
}
