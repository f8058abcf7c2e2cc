//! RFC 9568 6.4.1: Initialize.

use crate::Instant;
use crate::action::{Action, Reason, State};
use crate::notice::Notice;

use super::{Instance, Wait};

impl Instance {
    /// RFC 9568 6.4.1, Startup.
    ///
    /// FSM-V2-I-01, FSM-V2-I-02, FSM-V3-I-01, FSM-V3-I-02, FSM-V2-B-08, FSM-T-08, KA-ST-07: unless it
    /// becomes Active at once, addresses left over from an earlier run are removed first. Faults
    /// that keep it from running are told (KA-F-01).
    pub(super) fn start(&mut self, now: Instant) {
        if self.started {
            return;
        }
        self.started = true;
        self.waiting_for_first_start = true;
        if !(self.faults.is_empty() && self.starts_active()) {
            self.actions.push_back(Action::RemoveAddresses);
        }
        self.leave_initialize(now, Reason::Started);
        if !self.faults.is_empty() {
            let faults = self.faults;
            self.notice(now, Notice::FaultsChanged { faults });
        }
    }

    /// RFC 9568 6.4.1: the owner becomes Active (100-140), everybody else Backup (145-165).
    /// Only without faults (KA-F-02), and with the own interval and the full down timer
    /// (KA-F-03).
    pub(super) fn leave_initialize(&mut self, now: Instant, reason: Reason) {
        if self.state != State::Initialize || !self.started || !self.faults.is_empty() {
            return;
        }
        // With the others: see `enter`.
        if self.grouped {
            return;
        }
        let starts_active = self.starts_active();
        self.waiting_for_first_start = false;
        if starts_active {
            self.become_active(now, Reason::OwnerStart);
        } else {
            self.become_backup(now, reason);
        }
    }

    /// KA-ST-01 and KA-F-03: an owner that has run before listens first, like everybody else
    /// (KA-ST-02, KA-ST-03).
    fn starts_active(&self) -> bool {
        !self.grouped && self.may_start_active()
    }

    /// Enters Backup with the own interval: RFC 9568 6.4.1 (145-165). FSM-V3-I-02, KA-B-06,
    /// FSM-OPEN-09.
    pub(super) fn become_backup(&mut self, now: Instant, reason: Reason) {
        self.active_interval = self.config.interval;
        self.set_down_timer(now, Wait::Down);
        self.transition(now, State::Backup, reason);
    }

    /// RFC 9568 6.4.2 and 6.4.3, Shutdown; in Initialize nothing happens.
    ///
    /// FSM-V2-I-04, FSM-V2-B-01, FSM-V2-M-01, FSM-V3-B-01, FSM-V3-A-01, KA-M-10.
    pub(crate) fn stop(&mut self, now: Instant, reason: Reason) {
        self.started = false;
        self.waiting_for_first_start = false;
        self.become_initialize(now, reason);
    }

    /// Leaves Backup or Active for Initialize, RFC 9568 6.4.2 (310) and 6.4.3 (610-620), both for
    /// a shutdown and for a fault (KA-M-11).
    pub(super) fn become_initialize(&mut self, now: Instant, reason: Reason) {
        match self.state {
            State::Initialize => return,
            State::Backup => {}
            State::Active => {
                self.send_release();
                self.let_go();
            }
        }
        self.transition(now, State::Initialize, reason);
        self.stop_giving_way(now);
    }
}
