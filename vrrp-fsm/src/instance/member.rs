//! What a synchronisation group asks of its members. The group decides, see
//! [`group`](crate::group); here is how each obeys.

use crate::Instant;
use crate::action::{Announce, Reason, State};
use crate::config::{Role, Startup};
use crate::event::Fault;
use crate::group::Standing;

use super::{Instance, Timer};

impl Instance {
    /// From now on the group says when to leave Initialize and when to become Active.
    pub(crate) const fn join_group(&mut self) {
        self.grouped = true;
    }

    /// From now on alone: what only the group held back happens now.
    pub(crate) fn leave_group(&mut self, now: Instant) {
        self.grouped = false;
        self.drop_group_fault(now);
        self.leave_initialize(now, Reason::FaultsCleared);
        if let Some(reason) = self.ready.take() {
            self.become_active(now, reason);
        }
    }

    /// Where it stands. `joins`: it came to a group that was Active.
    pub(crate) fn standing(&self, joins: bool) -> Standing {
        if !self.started {
            return Standing::Out;
        }
        if !self.faults.without(Fault::SyncGroup).is_empty() {
            return Standing::Unable;
        }
        match self.state {
            State::Initialize => Standing::Held,
            State::Active => Standing::Active,
            State::Backup if self.ready.is_some() => Standing::Ready,
            State::Backup if joins && self.accepted.is_none() => Standing::Joining,
            State::Backup => Standing::Waiting,
        }
    }

    /// The down timer has fired: nothing is to be waited for but the others. KA-G-01, KA-G-06: it
    /// stays so until a better router is heard.
    pub(super) fn become_ready(&mut self, reason: Reason) {
        self.timer = Timer::None;
        self.ready = Some(reason);
        // Whoever was heard has fallen silent.
        self.accepted = None;
    }

    /// Another member is at fault. KA-G-04.
    pub(crate) fn hold(&mut self, now: Instant) {
        self.reported = self.reported.with(Fault::SyncGroup);
        self.update_faults(now);
    }

    /// The opposite of [`hold`](Self::hold), without leaving Initialize.
    pub(crate) fn drop_group_fault(&mut self, now: Instant) {
        if self.reported.contains(Fault::SyncGroup) {
            self.reported = self.reported.without(Fault::SyncGroup);
            self.update_faults(now);
        }
    }

    /// As owner on its first start it need not listen (KA-ST-01, KA-F-03).
    pub(crate) fn may_start_active(&self) -> bool {
        self.waiting_for_first_start
            && self.config.role == Role::Owner
            && self.config.startup == Startup::Active
    }

    /// Leaves Initialize, with the others, which is all that it waits for. KA-G-05.
    pub(crate) fn enter(&mut self, now: Instant, active: bool) {
        self.drop_group_fault(now);
        let first = core::mem::take(&mut self.waiting_for_first_start);
        if active {
            self.become_active(now, Reason::OwnerStart);
        } else if first {
            self.become_backup(now, Reason::Started);
        } else {
            self.become_backup(now, Reason::FaultsCleared);
        }
    }

    /// All are ready. KA-G-02.
    pub(crate) fn promote(&mut self, now: Instant) {
        if let Some(reason) = self.ready.take() {
            self.become_active(now, reason);
        }
    }

    /// Another member is not Active any more. KA-G-03.
    pub(crate) fn demote(&mut self, now: Instant, release: bool) {
        if self.state == State::Active {
            if release {
                self.send_release();
            }
            self.let_go();
            self.become_backup(now, Reason::SyncGroup);
        }
    }

    /// Another member has heard a lower advert: hosts may be wrong about this one too. KA-M-02.
    pub(crate) fn refresh(&mut self) {
        if self.state == State::Active {
            self.announce(Announce::LowerPriority);
        }
    }
}
