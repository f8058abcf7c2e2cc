//! What goes wrong again and again, and when to try next.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use sans_io_time::Instant;

use super::object::Id;
use crate::timing::after;

/// Repairs or failures in a row after which the owner is told to give up.
pub(super) const GIVE_UP_AFTER: u32 = 6;
/// Delay before the second repair and after the first failure; doubles from there.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// Longest delay: attempts never end.
const LAST_DELAY: Duration = Duration::from_secs(30);
/// The longest before something that others removed is put back: its owner may be the only one to hold it.
const LAST_REPAIR: Duration = Duration::from_secs(1);
/// After this time without trouble counting starts again.
const CALM: Duration = Duration::from_secs(60);

/// Objects that made trouble, and the timers of those that wait.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    known: BTreeMap<Id, Trouble>,
    timers: BTreeSet<(Instant, Id)>,
}

#[derive(Clone, Copy, Debug)]
struct Trouble {
    /// Requests refused in a row.
    failures: u32,
    /// Error number of the last refusal.
    errno: i32,
    /// Removals by others.
    losses: u32,
    /// Attempts to correct attributes.
    fixes: u32,
    /// Removed by somebody else and not back yet.
    lost: bool,
    last: Instant,
    /// No request before this time.
    retry_at: Option<Instant>,
    /// No correction before this time.
    fix_at: Option<Instant>,
}

/// What to tell about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// It is new, or for another reason than before.
    pub(super) news: bool,
    /// It has just been too many.
    pub(super) give_up: bool,
}

impl Troubles {
    /// Somebody else removed the object (STAT-01, VIP-06). Says whether that has just been too often.
    pub(super) fn lost(&mut self, now: Instant, identity: Id) -> bool {
        let trouble = self.touch(now, identity);
        trouble.lost = true;
        trouble.losses = trouble.losses.saturating_add(1);
        let losses = trouble.losses;
        // The first repair is immediate.
        let wait = losses.checked_sub(2).map_or(Duration::ZERO, delay);
        let wait = wait.min(LAST_REPAIR);
        self.hold(now, identity, wait, |trouble| &mut trouble.retry_at);
        losses == GIVE_UP_AFTER
    }

    /// It is there again; how often it had been lost, if it was.
    pub(super) fn recovered(&mut self, identity: Id) -> Option<u32> {
        let trouble = self.known.get_mut(&identity)?;
        core::mem::take(&mut trouble.lost).then_some(trouble.losses)
    }

    /// A request was refused.
    pub(super) fn failed(&mut self, now: Instant, identity: Id, errno: i32) -> Verdict {
        let trouble = self.touch(now, identity);
        let before = trouble.failures;
        trouble.failures = before.saturating_add(1);
        let verdict = Verdict {
            news: before == 0 || trouble.errno != errno,
            give_up: trouble.failures == GIVE_UP_AFTER,
        };
        trouble.errno = errno;
        self.hold(now, identity, delay(before), |trouble| {
            &mut trouble.retry_at
        });
        verdict
    }

    /// A request succeeded.
    pub(super) fn succeeded(&mut self, identity: Id) {
        if let Some(trouble) = self.known.get_mut(&identity) {
            trouble.failures = 0;
        }
    }

    /// An attempt to correct attributes is made; the next has to wait.
    pub(super) fn fixing(&mut self, now: Instant, identity: Id) {
        let trouble = self.touch(now, identity);
        let before = trouble.fixes;
        trouble.fixes = before.saturating_add(1);
        // One correction is ordinary, after a changed configuration for example.
        if let Some(n) = before.checked_sub(1) {
            self.hold(now, identity, delay(n), |trouble| &mut trouble.fix_at);
        }
    }

    /// Attributes were corrected more than once, to no avail.
    pub(super) fn is_unfixable(&self, identity: Id) -> bool {
        self.known
            .get(&identity)
            .is_some_and(|trouble| trouble.fixes > 2)
    }

    /// The next attempt need not wait: what it lacked may have come.
    pub(super) fn retry(&mut self, identity: Id) {
        if let Some(trouble) = self.known.get_mut(&identity)
            && let Some(at) = trouble.retry_at.take()
            && trouble.fix_at != Some(at)
        {
            self.timers.remove(&(at, identity));
        }
    }

    /// Whether what is missing now will not be there in a moment.
    pub(super) fn is_lasting(&self, identity: Id) -> bool {
        self.known
            .get(&identity)
            .is_some_and(|trouble| trouble.failures > 0 || (trouble.lost && trouble.losses > 1))
    }

    /// Whether nothing may be asked for this object, or nothing corrected, before its timer.
    pub(super) fn is_held(&self, now: Instant, identity: Id, fix: bool) -> bool {
        self.known.get(&identity).is_some_and(|trouble| {
            let fix_at = trouble.fix_at.filter(|_| fix);
            trouble
                .retry_at
                .into_iter()
                .chain(fix_at)
                .any(|at| at > now)
        })
    }

    pub(super) fn forget(&mut self, identity: Id) {
        if let Some(trouble) = self.known.remove(&identity) {
            for at in trouble.retry_at.into_iter().chain(trouble.fix_at) {
                self.timers.remove(&(at, identity));
            }
        }
    }

    /// Forgets all on this interface.
    pub(super) fn forget_link(&mut self, index: u32) {
        let there = self
            .known
            .keys()
            .filter(|id| matches!(id, Id::Address(identity) if identity.index == index));
        for identity in there.copied().collect::<Vec<_>>() {
            self.forget(identity);
        }
    }

    /// One object whose timer has expired.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Id> {
        let (at, identity) = *self.timers.first()?;
        if at > now {
            return None;
        }
        self.timers.pop_first();
        if let Some(trouble) = self.known.get_mut(&identity) {
            trouble.retry_at = trouble.retry_at.filter(|other| *other != at);
            trouble.fix_at = trouble.fix_at.filter(|other| *other != at);
        }
        Some(identity)
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    fn touch(&mut self, now: Instant, identity: Id) -> &mut Trouble {
        let fresh = Trouble {
            failures: 0,
            errno: 0,
            losses: 0,
            fixes: 0,
            lost: false,
            last: now,
            retry_at: None,
            fix_at: None,
        };
        let trouble = self.known.entry(identity).or_insert(fresh);
        if now.saturating_duration_since(trouble.last) >= CALM {
            (trouble.failures, trouble.losses, trouble.fixes) = (0, 0, 0);
        }
        trouble.last = now;
        trouble
    }

    fn hold(
        &mut self,
        now: Instant,
        identity: Id,
        wait: Duration,
        slot: impl Fn(&mut Trouble) -> &mut Option<Instant>,
    ) {
        let Some(trouble) = self.known.get_mut(&identity) else {
            return;
        };
        let until = (!wait.is_zero()).then(|| after(now, wait));
        let old = core::mem::replace(slot(trouble), until);
        // The other timer may be for the same time.
        let kept = [trouble.retry_at, trouble.fix_at];
        if let Some(old) = old.filter(|_| !kept.contains(&old)) {
            self.timers.remove(&(old, identity));
        }
        if let Some(at) = until {
            self.timers.insert((at, identity));
        }
    }
}

/// 100 ms, 200 ms, 400 ms, up to 30 s.
fn delay(n: u32) -> Duration {
    let factor = 1_u32.checked_shl(n.min(16)).unwrap_or(u32::MAX);
    FIRST_DELAY.saturating_mul(factor).min(LAST_DELAY)
}
