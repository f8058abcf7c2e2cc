//! What somebody else removes again and again: the instance is held, and tried again ever more rarely.
//!
//! Giving up for one election only would let the router take everything back seconds later and lose it
//! again, for ever.

use std::collections::BTreeMap;
use std::time::Duration;

use netlink_vip::Object;
use sans_io_time::Instant;
use vrrp_fsm::InstanceId;

use super::Elections;

/// How long an instance is held the first time; twice as long each time after.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// The longest pause. A router that is alone is not lost for ever.
const LAST_PAUSE: Duration = Duration::from_secs(300);
/// After this time without another such loss the next pause is the first one again.
const CALM: Duration = Duration::from_secs(60);

/// Instances that lost something again and again.
#[derive(Debug)]
pub(super) struct Contests<K = InstanceId> {
    known: BTreeMap<K, Contest>,
}

#[derive(Debug)]
struct Contest {
    reason: String,
    pause: Duration,
    until: Instant,
    held: bool,
}

impl<K> Default for Contests<K> {
    fn default() -> Self {
        Self {
            known: BTreeMap::new(),
        }
    }
}

impl<K: Copy + Ord> Contests<K> {
    /// It lost this object once too often. Held from now on.
    pub(super) fn lost(&mut self, now: Instant, id: K, object: &Object) {
        let old = self.known.get(&id);
        // While it is held it holds nothing that could be lost: a second word is about the same loss.
        if old.is_some_and(|contest| contest.held) {
            return;
        }
        let pause = old
            .filter(|contest| now.saturating_duration_since(contest.until) < CALM)
            .map_or(FIRST_PAUSE, |contest| {
                contest.pause.saturating_mul(2).min(LAST_PAUSE)
            });
        let contest = Contest {
            reason: format!(
                "{} {object} is removed by somebody else again and again; tried again after {} s",
                object.class(),
                pause.as_secs()
            ),
            pause,
            until: now.checked_add(pause).unwrap_or(now),
            held: true,
        };
        self.known.insert(id, contest);
    }

    /// Why it is held, if it is.
    pub(super) fn reason(&self, id: K) -> Option<&str> {
        let contest = self.known.get(&id).filter(|contest| contest.held)?;
        Some(&contest.reason)
    }

    /// A reload: somebody has looked after it.
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let held = self.known.values().filter(|contest| contest.held);
        held.map(|contest| contest.until).min()
    }

    /// Those that are no longer held from now on.
    fn release(&mut self, now: Instant) -> Vec<K> {
        let mut released = Vec::new();
        for (id, contest) in &mut self.known {
            if contest.held && contest.until <= now {
                contest.held = false;
                released.push(*id);
            }
        }
        released
    }
}

impl Elections {
    pub(super) fn settle_contests(&mut self, now: Instant) {
        let released = self.contests.release(now);
        self.dirty_instances.extend(released);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_nanos(seconds * 1_000_000_000)
    }

    /// VIP-06.
    #[test]
    fn the_pause_doubles_until_it_has_been_calm() {
        let object = Object::Address("192.0.2.1".parse().unwrap());
        let id = 7;
        let mut contests = Contests::<u8>::default();
        let mut now = 0;
        for pause in [10, 20, 40, 80, 160, 300, 300] {
            contests.lost(at(now), id, &object);
            assert!(contests.reason(id).unwrap().contains("192.0.2.1"));
            // The same loss, told twice.
            contests.lost(at(now + 1), id, &object);
            assert_eq!(contests.next_timeout(), Some(at(now + pause)));
            assert!(contests.release(at(now + pause - 1)).is_empty());
            assert_eq!(contests.release(at(now + pause)), [id]);
            assert_eq!(contests.reason(id), None);
            now += pause + 30;
        }
        now += 30;
        contests.lost(at(now), id, &object);
        assert_eq!(contests.next_timeout(), Some(at(now + 10)));
        contests.clear();
        assert_eq!((contests.next_timeout(), contests.reason(id)), (None, None));
    }
}
