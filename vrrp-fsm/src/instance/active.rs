//! RFC 9568 6.4.3: Active.

use core::hash::{Hash, Hasher};
use core::time::Duration;

use vrrp_proto::Priority;

use crate::action::{Action, Announce, Reason, State};
use crate::admit::Heard;
use crate::config::{Preempt, Role};
use crate::election::{self, Contest};
use crate::notice::Notice;
use crate::{Instant, timing};

use super::digest::ahead;
use super::{Instance, Timer, add_one};

/// Least time between two adverts in answer to lower ones. FSM-V3-A-09.
pub(super) const ANSWER_GAP: Duration = Duration::from_millis(10);

/// Own adverts that another owner has to leave unanswered. KA-M-05.
const UNHEARD_ADVERTS: u8 = 2;

/// Another owner that would have to give way and does not. KA-M-05.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Rival {
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    last_heard: Instant,
    own_adverts: u8,
    /// After enough own adverts: from when on it is taken for deaf.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    deaf_from: Option<Instant>,
}

impl Rival {
    pub(super) const fn count_own_advert(&mut self) {
        self.own_adverts = self.own_adverts.saturating_add(1);
    }

    /// See [`Router::hash_behaviour`](crate::Router::hash_behaviour).
    pub(super) fn hash_behaviour(&self, now: Instant, hasher: &mut impl Hasher) {
        let Self {
            last_heard,
            own_adverts,
            deaf_from,
        } = self;
        let deaf_from = deaf_from.map(|from| ahead(now, from).max(0));
        (ahead(now, *last_heard), own_adverts, deaf_from).hash(hasher);
    }
}

impl Instance {
    /// RFC 9568 6.4.3 (625-640): the advert timer fires.
    ///
    /// FSM-V2-M-02, FSM-V3-A-02, FSM-T-11, VRRP-GEN-10. After a silence in which others have
    /// taken us for gone, hosts have to be told again.
    pub(super) fn advert_timer(&mut self, now: Instant, due: Instant) {
        let late = timing::lateness(now, due);
        if let Some(priority) = self.config.yield_after_stall
            && self.config.preempt() == Preempt::Never
            && self.silent_too_long_for(now, Priority::new(priority.get()))
        {
            return self.step_down_after_stall(now, late);
        }
        let stalled = self.silent_too_long(now);
        self.timer = Timer::Advert {
            due: timing::next_advert(due, now, self.active_interval),
        };
        self.send_advert();
        if stalled || self.announce_due {
            self.announce(Announce::Reassert);
        }
        if stalled {
            add_one(&mut self.stats.stalls);
            self.notice(now, Notice::Stalled { late });
        } else if late > self.active_interval.to_duration() {
            self.notice(now, Notice::AdvertLate { late });
        }
    }

    /// KA-M-09: somebody must have taken over, heard or not. Should nobody have, the release lets
    /// those that wait take over at once; whoever is Active answers it with an advert.
    fn step_down_after_stall(&mut self, now: Instant, late: Duration) {
        add_one(&mut self.stats.stalls);
        self.send_release();
        self.let_go();
        self.become_backup(now, Reason::Stalled);
        self.notice(now, Notice::Stalled { late });
    }

    /// RFC 9568 6.4.3 (700-795): an advert is received. The preemption mode is not looked at
    /// (FSM-V2-M-09), but for one case: see [`resumes_as_backup`](Self::resumes_as_backup).
    pub(super) fn advert_in_active(&mut self, now: Instant, heard: Heard) {
        if heard.priority == Priority::RELEASE {
            return self.release_in_active(now);
        }
        let own = (self.priority, self.primary);
        match election::contest(own, (heard.priority, heard.source)) {
            Contest::Lost => self.yield_to(now, heard),
            Contest::Won if self.resumes_as_backup(now) => {
                self.let_go();
                self.accept(now, heard);
                self.transition(now, State::Backup, Reason::Stalled);
            }
            Contest::Won if self.gives_way(now, heard) => self.give_way_to(now, heard),
            Contest::Won => self.answer(now, heard),
            Contest::Undecided => self.notice(
                now,
                Notice::SameAddressAndPriority {
                    source: heard.source,
                    priority: heard.priority,
                },
            ),
        }
    }

    /// RFC 9568 6.4.3 (705-715): another Active router goes; this advert keeps the Backups from
    /// believing that nobody is left.
    ///
    /// FSM-V2-M-03, FSM-V3-A-03, KA-M-03.
    fn release_in_active(&mut self, now: Instant) {
        if !self.silent_too_long(now) {
            self.send_advert();
            self.restart_advert_timer(now);
        }
    }

    /// RFC 9568 6.4.3 (725-775): a better router is Active. No release: it is there already.
    ///
    /// FSM-V2-M-04, FSM-V2-M-05, FSM-V3-A-04, FSM-V3-A-05, KA-M-04.
    fn yield_to(&mut self, now: Instant, heard: Heard) {
        if self.config.advert_on_yield {
            self.send_advert();
        }
        self.let_go();
        self.accept(now, heard);
        let reason = Reason::HigherPriority {
            source: heard.source,
            priority: heard.priority,
        };
        self.transition(now, State::Backup, reason);
    }

    /// RFC 9568 6.4.3 (780-790): a worse router is Active. It and the hosts that believed it are
    /// told at once, but no more than every 10 ms; what falls within is left to the next advert.
    /// An advert that goes out takes the place of the next one.
    ///
    /// FSM-V3-A-06, FSM-V3-A-07, FSM-V3-A-09, FSM-V3-A-10, KA-M-02, VRRP-V3-TX-08. Without
    /// [`answer_lower`](crate::InstanceConfig::answer_lower) FSM-V2-M-06 and FSM-V2-M-08.
    /// DEVIATION(RFC 3768 6.4.3): by default in VRRPv2 too, as keepalived does.
    fn answer(&mut self, now: Instant, heard: Heard) {
        add_one(&mut self.stats.lower_priority_received);
        let limited = self
            .last_answer
            .is_some_and(|last| now < timing::after(last, ANSWER_GAP));
        if limited {
            self.announce_due = true;
        } else if !self.silent_too_long(now) {
            self.last_answer = Some(now);
            if self.config.answer_lower {
                self.send_advert();
                self.restart_advert_timer(now);
            }
            self.announce(Announce::LowerPriority);
        }
        self.notice(
            now,
            Notice::LowerPriorityAdvert {
                source: heard.source,
                priority: heard.priority,
            },
        );
    }

    /// KA-M-05: another owner, which would have to give way, goes on sending although it has had
    /// two adverts of ours and time to hear them. It is deaf or does not care, so that we have to
    /// be the one.
    fn gives_way(&mut self, now: Instant, heard: Heard) -> bool {
        if self.config.role != Role::Owner || heard.priority != Priority::OWNER {
            return false;
        }
        let theirs = heard.interval.to_duration();
        let slower = theirs.max(self.config.interval.to_duration());
        let mut rival = match self.rival {
            Some(rival) if now <= timing::after(rival.last_heard, slower.saturating_mul(3)) => {
                rival
            }
            _ => Rival {
                last_heard: now,
                own_adverts: 0,
                deaf_from: None,
            },
        };
        rival.last_heard = now;
        if rival.own_adverts >= UNHEARD_ADVERTS && rival.deaf_from.is_none() {
            // 1.2 times the slower interval.
            let patience = slower.saturating_add(slower / 5);
            rival.deaf_from = Some(timing::after(now, patience));
        }
        self.rival = Some(rival);
        rival.deaf_from.is_some_and(|from| now >= from)
    }

    /// KA-M-05: with priority 254 for as long as the other owner is there (KA-B-10).
    fn give_way_to(&mut self, now: Instant, heard: Heard) {
        self.gave_way = true;
        self.update_priority(now);
        self.yield_to(now, heard);
    }

    /// KA-B-10, KA-M-05.
    pub(super) fn stop_giving_way(&mut self, now: Instant) {
        if self.gave_way {
            self.gave_way = false;
            self.update_priority(now);
        }
    }

    /// KA-M-09: resuming after a silence so long that somebody else has become Active. If we
    /// would not preempt it as Backup, we do not as Active either.
    fn resumes_as_backup(&self, now: Instant) -> bool {
        self.config.preempt() == Preempt::Never && self.silent_too_long(now)
    }

    /// Whether the last advert of ours was so long ago that a Backup of the highest priority has
    /// taken over. Then an expired timer is waiting: it sends the advert, right after the packets
    /// that came in meanwhile.
    fn silent_too_long(&self, now: Instant) -> bool {
        let best = Priority::new(Priority::OWNER.get().saturating_sub(1));
        self.silent_too_long_for(now, best)
    }

    /// The same, of a Backup of this priority.
    fn silent_too_long_for(&self, now: Instant, priority: Priority) -> bool {
        let Timer::Advert { due } = self.timer else {
            return false;
        };
        let interval = self.active_interval;
        let skew = timing::skew(self.config.version(), interval, priority);
        let silence = timing::lateness(now, due).saturating_add(interval.to_duration());
        silence > timing::down(interval, skew, self.config.down_adverts)
    }

    fn restart_advert_timer(&mut self, now: Instant) {
        self.timer = Timer::Advert {
            due: timing::after(now, self.active_interval.to_duration()),
        };
    }

    /// Gives up the addresses.
    pub(super) fn let_go(&mut self) {
        self.actions.push_back(Action::RemoveAddresses);
        add_one(&mut self.stats.released_active);
    }

    /// KA-M-08: without its addresses there is nothing to be Active for; maybe another router can
    /// hold them. It says so (VIP-06): others take over after their skew time, long before this one
    /// tries again.
    pub(super) fn address_lost(&mut self, now: Instant) {
        if self.state == State::Active {
            self.send_release();
            self.let_go();
            self.become_backup(now, Reason::AddressLost);
        }
    }

    /// A conflict seen outside of VRRP: tells the hosts again, at the same limited rate as after a
    /// lower advert.
    pub(super) fn suspect(&mut self, now: Instant) {
        if self.state != State::Active {
            return;
        }
        let limited = self
            .last_suspicion
            .is_some_and(|last| now < timing::after(last, ANSWER_GAP));
        if limited {
            self.announce_due = true;
        } else {
            self.last_suspicion = Some(now);
            self.announce(Announce::Reassert);
        }
    }

    /// FSM-OPEN-06: the next advert comes no later than one new interval from now.
    pub(super) fn shorten_advert_timer(&mut self, now: Instant) {
        if let Timer::Advert { due } = self.timer {
            let latest = timing::after(now, self.config.interval.to_duration());
            self.timer = Timer::Advert {
                due: due.min(latest),
            };
        }
    }
}
