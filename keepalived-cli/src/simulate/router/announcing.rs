//! Gratuitous ARP and unsolicited neighbour advertisements, as often as the file says.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use keepalived_driver::InstanceSetup;
use netsim::Instant;
use vrrp_fsm::{Announce, InstanceId};
use vrrp_proto::Family;

use super::RouterBox;

/// When announcements are due, and of which instance.
#[derive(Debug, Default)]
pub(super) struct Announcing {
    due: BTreeSet<(Instant, InstanceId, What)>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// One, and its number, so that several may be due at a time.
    Copy(u16),
    /// A refresh, after which the next one is due.
    Refresh,
}

impl Announcing {
    /// A burst now and one later, in place of those that are still due.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        id: InstanceId,
        setup: &InstanceSetup,
        why: Announce,
    ) {
        let policy = &setup.announce;
        let (repeat, delay) = match why {
            Announce::LowerPriority => (policy.lower_prio_repeat, policy.lower_prio_delay),
            _ => (policy.repeat, policy.delay),
        };
        self.due
            .retain(|(_, of, what)| *of != id || *what == What::Refresh);
        self.burst(now, id, setup, repeat);
        if let Some(later) = now.checked_add(delay).filter(|_| !delay.is_zero()) {
            self.burst(later, id, setup, repeat);
        }
        let refreshes = self
            .due
            .iter()
            .any(|(_, of, what)| (*of, *what) == (id, What::Refresh));
        if !refreshes {
            self.refresh(now, id, setup);
        }
    }

    /// Refreshes are as often as the setup says from now on.
    pub(super) fn refresh_otherwise(
        &mut self,
        now: Instant,
        id: InstanceId,
        setup: &InstanceSetup,
    ) {
        self.due
            .retain(|(_, of, what)| (*of, *what) != (id, What::Refresh));
        self.refresh(now, id, setup);
    }

    fn refresh(&mut self, now: Instant, id: InstanceId, setup: &InstanceSetup) {
        let every = setup.announce.refresh;
        if let Some(next) = now.checked_add(every).filter(|_| !every.is_zero()) {
            self.due.insert((next, id, What::Refresh));
        }
    }

    fn burst(&mut self, from: Instant, id: InstanceId, setup: &InstanceSetup, repeat: u16) {
        let spacing = match setup.fsm.family {
            Family::Ipv4 => setup.announce.garp_interval,
            Family::Ipv6 => setup.announce.gna_interval,
        };
        for copy in 0..repeat {
            let wait: Duration = spacing * u32::from(copy);
            if let Some(at) = from.checked_add(wait) {
                self.due.insert((at, id, What::Copy(copy)));
            }
        }
    }

    /// The addresses are gone.
    pub(super) fn forget(&mut self, id: InstanceId) {
        self.due.retain(|(_, of, _)| *of != id);
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(at, ..)| *at)
    }
}

impl RouterBox {
    /// Sends what is due.
    pub(super) fn announce_due(&mut self) {
        while let Some((at, id, what)) = self.announcing.due.first().copied() {
            if at > self.now {
                break;
            }
            self.announcing.due.pop_first();
            let Some(setup) = self.running.get(&id).map(|one| Arc::clone(&one.setup)) else {
                continue;
            };
            if what == What::Refresh {
                let repeat = setup.announce.refresh_repeat;
                self.announcing.refresh(self.now, id, &setup);
                self.announcing.burst(self.now, id, &setup, repeat);
            } else {
                self.announce(&setup);
            }
        }
    }
}
