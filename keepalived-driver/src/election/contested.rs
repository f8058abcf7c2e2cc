//! What somebody else removes again and again: the instance hands over, if there is anybody to hand over
//! to.
//!
//! A router that is MASTER does not know whether there is another one: backups are silent. So it lets go
//! and listens. When another router takes over, the instance is held, ever longer: giving up for one
//! election only would let the router take everything back seconds later and lose it again, for ever. It
//! is not held longer than the other one is heard. When nobody takes over, it becomes MASTER again and
//! puts back what is removed: an address that is there most of the time is better than none. Whether
//! somebody has come meanwhile it asks ever more rarely.

use std::collections::BTreeMap;
use std::time::Duration;

use netlink_vip::Object;
use sans_io_time::Instant;
use vrrp_fsm::{Event, Instance, InstanceId, Rejected, State};

use super::Elections;
use crate::report::Report;

/// How long an instance is held, or goes on without asking, the first time; twice as long each time after.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// The longest pause.
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
    stage: Stage,
    /// Adverts heard when this was last looked at.
    heard: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Handed over, and nobody has been heard yet.
    Asking,
    /// Another router is there, and counts as gone at this time if it is not heard before.
    Held { gone_at: Instant },
    /// Nobody has taken over.
    Alone,
    /// Not held any more.
    Over,
}

/// How an instance is now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// How many adverts it has heard so far.
    pub(super) heard: u64,
    pub(super) state: State,
    /// Another router that is silent for so long is gone.
    pub(super) silence: Duration,
}

/// What has come of a contest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    Held,
    Alone,
    Released,
}

impl<K> Default for Contests<K> {
    fn default() -> Self {
        Self {
            known: BTreeMap::new(),
        }
    }
}

impl<K: Copy + Ord> Contests<K> {
    /// It lost this object once too often. True: it has to hand over.
    pub(super) fn lost(&mut self, now: Instant, id: K, object: &Object, heard: u64) -> bool {
        let old = self.known.get(&id);
        match old.map(|contest| (contest.stage, contest.until)) {
            // While it is held it holds nothing that could be lost: a second word is about the same loss.
            Some((Stage::Asking | Stage::Held { .. }, _)) => return false,
            Some((Stage::Alone, until)) if now < until => return false,
            _ => {}
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
            stage: Stage::Asking,
            heard,
        };
        self.known.insert(id, contest);
        true
    }

    /// It lost this object once more. True: it has to hand over, to ask again whether somebody is there.
    pub(super) fn lost_again(&mut self, now: Instant, id: K, object: &Object, heard: u64) -> bool {
        let Some(contest) = self.known.get(&id) else {
            return false;
        };
        if contest.stage != Stage::Alone || now < contest.until {
            return false;
        }
        if now.saturating_duration_since(contest.until) >= CALM {
            self.known.remove(&id);
            return false;
        }
        self.lost(now, id, object, heard)
    }

    /// Why it is held, if it is.
    pub(super) fn reason(&self, id: K) -> Option<&str> {
        let held = |contest: &&Contest| matches!(contest.stage, Stage::Held { .. });
        let contest = self.known.get(&id).filter(held)?;
        Some(&contest.reason)
    }

    /// A reload: somebody has looked after it.
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let timeout = |contest: &Contest| match contest.stage {
            Stage::Held { gone_at } => Some(gone_at.min(contest.until)),
            Stage::Asking | Stage::Alone | Stage::Over => None,
        };
        self.known.values().filter_map(timeout).min()
    }

    /// Looks at each of them. Of an instance that is no more there is no look.
    fn settle(&mut self, now: Instant, look: impl Fn(K) -> Option<Look>) -> Vec<(K, News)> {
        let mut news = Vec::new();
        self.known.retain(|id, contest| {
            let Some(look) = look(*id) else {
                return false;
            };
            let somebody = look.heard > contest.heard;
            contest.heard = look.heard;
            let gone_at = now.checked_add(look.silence).unwrap_or(now);
            match contest.stage {
                Stage::Asking if somebody => {
                    contest.stage = Stage::Held { gone_at };
                    news.push((*id, News::Held));
                }
                Stage::Asking if look.state == State::Active => {
                    contest.stage = Stage::Alone;
                    news.push((*id, News::Alone));
                }
                // Something else holds it now.
                Stage::Asking if look.state == State::Initialize => contest.stage = Stage::Over,
                Stage::Held { gone_at } if contest.until.min(gone_at) <= now && !somebody => {
                    contest.stage = Stage::Over;
                    contest.until = contest.until.min(now);
                    news.push((*id, News::Released));
                }
                Stage::Held { .. } if contest.until <= now => {
                    contest.stage = Stage::Over;
                    news.push((*id, News::Released));
                }
                Stage::Held { .. } if somebody => contest.stage = Stage::Held { gone_at },
                Stage::Asking | Stage::Held { .. } | Stage::Alone | Stage::Over => {}
            }
            true
        });
        news
    }
}

fn heard(instance: &Instance) -> u64 {
    let stats = instance.stats();
    let while_held = stats.rejected(&Rejected::NotRunning);
    stats.adverts_received.saturating_add(while_held)
}

impl Elections {
    /// How many good adverts this instance has heard, also while it is held.
    pub(super) fn heard(&self, id: InstanceId) -> u64 {
        self.router.instance(id).map_or(0, heard)
    }

    /// It lets go, so that another router can take over.
    pub(super) fn hand_over(&mut self, now: Instant, id: InstanceId) {
        self.router.handle_event(now, id, Event::AddressLost);
        // This may be the end of a turn: the next must not wait.
        self.ready.insert(crate::sources::Source::Timer);
    }

    pub(super) fn settle_contests(&mut self, now: Instant) {
        let router = &self.router;
        let look = |id| {
            let instance = router.instance(id)?;
            let own = instance.config().interval.to_duration();
            Some(Look {
                heard: heard(instance),
                state: instance.state(),
                silence: instance.down_interval().saturating_add(own),
            })
        };
        for (id, news) in self.contests.settle(now, look) {
            match news {
                News::Held | News::Released => {
                    self.dirty_instances.insert(id);
                }
                News::Alone => {
                    if let Some(instance) = self.label(id) {
                        self.reports.push(Report::NobodyTookOver { instance });
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: u8 = 7;

    fn at(seconds: i64) -> Instant {
        Instant::from_nanos(seconds * 1_000_000_000)
    }

    fn object() -> Object {
        Object::Address("192.0.2.1".parse().unwrap())
    }

    /// Looks at it when it has heard so many adverts and is in this state.
    fn settle(contests: &mut Contests<u8>, now: i64, heard: u64, state: State) -> Option<News> {
        let silence = Duration::from_secs(4);
        let news = contests.settle(at(now), |_| {
            Some(Look {
                heard,
                state,
                silence,
            })
        });
        news.first().map(|(_, news)| *news)
    }

    /// VIP-06.
    #[test]
    fn the_pause_doubles_until_it_has_been_calm() {
        let object = object();
        let mut contests = Contests::default();
        let (mut now, mut heard) = (0, 0);
        for pause in [10, 20, 40, 80, 160, 300, 300] {
            assert!(contests.lost(at(now), ID, &object, heard));
            assert_eq!(contests.reason(ID), None);
            assert_eq!(settle(&mut contests, now, heard, State::Backup), None);
            heard += 1;
            let news = settle(&mut contests, now, heard, State::Backup);
            assert_eq!(news, Some(News::Held));
            assert!(contests.reason(ID).unwrap().contains("192.0.2.1"));
            // The same loss, told twice.
            assert!(!contests.lost(at(now + 1), ID, &object, heard));
            for second in 1..pause {
                heard += 1;
                let news = settle(&mut contests, now + second, heard, State::Initialize);
                assert_eq!(news, None);
            }
            assert_eq!(contests.next_timeout(), Some(at(now + pause)));
            now += pause;
            let news = settle(&mut contests, now, heard, State::Initialize);
            assert_eq!(news, Some(News::Released));
            assert_eq!((contests.next_timeout(), contests.reason(ID)), (None, None));
            now += 30;
        }
        now += 30;
        assert!(contests.lost(at(now), ID, &object, heard));
        settle(&mut contests, now, heard + 1, State::Backup);
        assert_eq!(contests.next_timeout(), Some(at(now + 4)));
        let at_last = contests.known.get(&ID).map(|contest| contest.until);
        assert_eq!(at_last, Some(at(now + 10)));
        contests.clear();
        assert_eq!((contests.next_timeout(), contests.reason(ID)), (None, None));
    }

    /// VIP-06: held only for the sake of a router that is there.
    #[test]
    fn it_is_held_no_longer_than_the_other_router_is_heard() {
        let mut contests = Contests::default();
        assert!(contests.lost(at(0), ID, &object(), 5));
        assert_eq!(settle(&mut contests, 0, 6, State::Backup), Some(News::Held));
        assert_eq!(settle(&mut contests, 3, 7, State::Initialize), None);
        assert_eq!(contests.next_timeout(), Some(at(7)));
        assert_eq!(
            settle(&mut contests, 7, 7, State::Initialize),
            Some(News::Released)
        );
        // It was held for seven seconds, and is held for twice the first pause if that goes on.
        assert!(contests.lost(at(12), ID, &object(), 7));
        settle(&mut contests, 12, 8, State::Backup);
        assert!(contests.reason(ID).unwrap().ends_with("after 20 s"));
    }

    /// VIP-06: where nobody takes over it is asked again after the pause, if it still goes on.
    #[test]
    fn a_router_that_is_alone_asks_ever_more_rarely() {
        let object = object();
        let mut contests = Contests::default();
        let mut now = 0;
        for pause in [10, 20, 40] {
            let again = match now {
                0 => contests.lost(at(now), ID, &object, 0),
                _ => contests.lost_again(at(now), ID, &object, 0),
            };
            assert!(again);
            assert_eq!(settle(&mut contests, now + 1, 0, State::Backup), None);
            let news = settle(&mut contests, now + 4, 0, State::Active);
            assert_eq!(news, Some(News::Alone));
            assert_eq!((contests.next_timeout(), contests.reason(ID)), (None, None));
            for second in [5, pause - 1] {
                let then = at(now + second);
                assert!(!contests.lost(then, ID, &object, 0));
                assert!(!contests.lost_again(then, ID, &object, 0));
            }
            now += pause;
        }
        // Removed once by hand, long after.
        assert!(!contests.lost_again(at(now + 60), ID, &object, 0));
        assert!(contests.known.is_empty());
    }
}
