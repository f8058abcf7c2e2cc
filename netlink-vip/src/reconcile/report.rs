//! Telling owners.

use super::Reconciler;
use super::claims::Key;
use crate::event::KernelEvent;
use crate::observed::Identity;

impl Reconciler {
    pub(super) fn report_failure(
        &mut self,
        key: &Key,
        leaving: Option<Identity>,
        errno: i32,
        message: Option<&str>,
    ) {
        let mut owners = self.claims.owners_of(key);
        if let Some(identity) = leaving {
            owners.extend(self.claims.owners_leaving(identity));
        }
        for owner in owners {
            self.events.push_back(KernelEvent::Failed {
                owner,
                address: key.1.address(),
                errno,
                message: message.map(str::to_owned),
            });
        }
    }

    pub(super) fn report_give_up(&mut self, key: &Key) {
        for owner in self.claims.owners_of(key) {
            let address = key.1.address();
            self.events
                .push_back(KernelEvent::GaveUp { owner, address });
        }
    }

    pub(super) fn report_foreign(&mut self, key: &Key, identity: Identity) {
        if !self.claims.first_foreign(key) {
            return;
        }
        for owner in self.claims.owners_of(key) {
            self.events.push_back(KernelEvent::Foreign {
                owner,
                index: identity.index,
                address: key.1.address(),
            });
        }
    }

    pub(super) fn report_repair(&mut self, key: &Key, times: u32) {
        self.counters.repaired = self.counters.repaired.saturating_add(1);
        for owner in self.claims.owners_of(key) {
            let address = key.1.address();
            self.events.push_back(KernelEvent::Repaired {
                owner,
                address,
                times,
            });
        }
    }
}
