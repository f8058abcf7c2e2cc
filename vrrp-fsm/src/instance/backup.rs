//! RFC 9568 6.4.2: Backup.

use core::net::IpAddr;

use vrrp_proto::{Priority, Version};

use crate::action::{Action, Announce, Reason, State};
use crate::admit::Heard;
use crate::config::Preempt;
use crate::election::{Contest, contest};
use crate::notice::Notice;
use crate::{Instant, timing};

use super::{Instance, Timer, Wait, add_one};

impl Instance {
    /// RFC 9568 6.4.2 (315-400): the down timer fires.
    ///
    /// FSM-V2-B-02, FSM-V3-B-02, FSM-T-01, FSM-T-02, FSM-T-03, FSM-T-04. If it fires too late by more than a whole down interval, then
    /// this process was stopped, and what it knows is old: it listens for another interval and
    /// skew before it takes the addresses.
    pub(super) fn down_timer(&mut self, now: Instant, deadline: Instant) {
        let late = timing::lateness(now, deadline);
        if late > self.down_interval() {
            add_one(&mut self.stats.stalls);
            self.set_down_timer(now, Wait::Listen);
            self.notice(now, Notice::Stalled { late });
            return;
        }
        let reason = match self.timer {
            Timer::Down {
                wait: Wait::Skew, ..
            } => Reason::ReleaseHeard,
            Timer::Down {
                wait: Wait::Lost, ..
            } => Reason::ActiveLost,
            _ if self.lower_discarded => Reason::PreemptedLower,
            _ => Reason::DownTimer,
        };
        if self.grouped {
            self.become_ready(reason);
        } else {
            self.become_active(now, reason);
        }
    }

    /// RFC 9568 6.4.1 (105-140) and 6.4.2 (320-400): advert first, so that another Active router
    /// lets go before hosts are told; then the addresses; then the hosts (KA-M-01).
    ///
    /// FSM-V2-I-01, FSM-V2-B-02, FSM-V3-I-01, FSM-V3-B-02, FSM-V3-A-11, FSM-OPEN-09: adverts
    /// come at the own interval again.
    pub(super) fn become_active(&mut self, now: Instant, reason: Reason) {
        // Nobody claims the addresses any more: nobody to give way to (KA-B-10).
        self.stop_giving_way(now);
        self.active_interval = self.config.interval;
        self.timer = Timer::Advert {
            due: timing::after(now, self.active_interval.to_duration()),
        };
        self.send_advert();
        self.actions.push_back(Action::InstallAddresses);
        self.announce(Announce::Promotion);
        self.transition(now, State::Active, reason);
        self.new_active = reason.new_active();
        add_one(&mut self.stats.became_active);
    }

    /// RFC 9568 6.4.2 (405-450): an advert is received, one that passed every check (KA-B-09).
    pub(super) fn advert_in_backup(&mut self, now: Instant, heard: Heard) {
        if heard.priority != Priority::OWNER {
            self.stop_giving_way(now);
        }
        if heard.priority == Priority::RELEASE {
            self.release_in_backup(now);
        } else if self.accepts_in_backup(now, heard.priority) {
            self.accept(now, heard);
        } else {
            self.lower_discarded = true;
        }
    }

    /// RFC 9568 6.4.2 (405-410): the Active router goes. The timer is set to the skew even if it
    /// is shorter already, the interval is not learned, and neither preemption mode matters.
    ///
    /// FSM-V2-B-03, FSM-V2-B-09, FSM-V3-B-03, FSM-T-03, FSM-T-09, KA-B-03.
    fn release_in_backup(&mut self, now: Instant) {
        // A member of a group that waits for the others only has waited longer than that already.
        if self.ready.is_none() {
            self.set_down_timer(now, Wait::Skew);
        }
    }

    /// As if the Active router had released its addresses, only that it cannot say so itself. The
    /// skew keeps the order among several backups. An advert of it, or of another one, that comes
    /// in time is believed. A timer that is shorter already stays.
    ///
    /// FSM-OPEN-11.
    pub(super) fn active_lost(&mut self, now: Instant, address: IpAddr) {
        let is_active = self.accepted.is_some_and(|heard| heard.source == address);
        let Timer::Down { deadline, .. } = self.timer else {
            return;
        };
        if is_active && timing::after(now, self.duration_of(Wait::Lost)) < deadline {
            self.set_down_timer(now, Wait::Lost);
        }
    }

    /// RFC 9568 6.4.2 (420, 445): equal priority is accepted without a look at the address, lower
    /// priority only if it is not to be preempted, or not yet.
    ///
    /// FSM-V2-B-04, FSM-V2-B-05, FSM-V2-B-06, FSM-V2-B-07, FSM-V3-B-04, FSM-V3-B-05, FSM-V3-B-06,
    /// FSM-V3-B-07, FSM-OPEN-10, KA-B-01, KA-B-02, KA-B-04, KA-B-05, FSM-T-05, FSM-T-06.
    fn accepts_in_backup(&mut self, now: Instant, priority: Priority) -> bool {
        if priority >= self.priority {
            self.preempt_hold = None;
            return true;
        }
        match self.config.preempt() {
            Preempt::Never => true,
            Preempt::Immediately => false,
            Preempt::After(delay) => {
                let until = self
                    .preempt_hold
                    .get_or_insert_with(|| timing::after(now, delay));
                now < *until
            }
        }
    }

    /// RFC 9568 6.4.2 (425-440): learns the interval, and sets the down timer to it. VRRPv2 has
    /// only the local interval, which the advert's was found to equal.
    ///
    /// FSM-V2-B-04, FSM-V3-B-04, KA-B-01.
    pub(super) fn accept(&mut self, now: Instant, heard: Heard) {
        if self.is_of_a_loser(now, heard) {
            return;
        }
        if self.config.version() == Version::V3 {
            self.active_interval = heard.interval;
        }
        self.accepted = Some(heard);
        self.set_down_timer(now, Wait::Down);
    }

    /// DEVIATION(RFC 9568 6.4.2): a router that loses against the present Active one does not bring the down timer
    /// forward. Of two that are Active for a moment the loser's last advert comes after the winner's, and with a
    /// shorter interval it would let this router take over from the winner; and so on among the others for ever where
    /// the winner is told not to answer. Once the Active router is gone such adverts do set the timer, since they go on.
    fn is_of_a_loser(&self, now: Instant, heard: Heard) -> bool {
        let Timer::Down {
            wait: Wait::Down,
            deadline,
            ..
        } = self.timer
        else {
            return false;
        };
        let Some(present) = self
            .accepted
            .filter(|present| present.source != heard.source)
        else {
            return false;
        };
        let version = self.config.version();
        let skew = timing::skew(version, heard.interval, self.priority);
        let interval = timing::down(heard.interval, skew, self.config.down_adverts);
        let present = (present.priority, Some(present.source));
        version == Version::V3
            && contest(present, (heard.priority, heard.source)) == Contest::Won
            && timing::after(now, interval) < deadline
    }
}
