//! Telling owners.

use super::Reconciler;
use super::object::{Id, Key};
use crate::desired::OwnerId;
use crate::event::KernelEvent;
use crate::object::Object;
use crate::observed::ObservedAddress;

impl Reconciler {
    /// What this is called in reports: of several routes or rules in one place the one that is
    /// missing, or the first.
    pub(super) fn object_of(&self, key: &Key) -> Option<Object> {
        match key {
            Key::Address(_, place) => Some(Object::Address(place.address())),
            Key::Route(place) => {
                let missing = self.route_group(place).missing.into_iter().next();
                let first = self.claims.routes(place).into_iter().next().cloned();
                let route = missing.or(first)?;
                Some(Object::Route(Box::new(route)))
            }
            Key::Rule(place) => {
                let missing = self.rule_group(place).missing.into_iter().next();
                let first = self.claims.rules(place).into_iter().next().cloned();
                let rule = missing.or(first)?;
                Some(Object::Rule(Box::new(rule)))
            }
        }
    }

    fn tell(&mut self, key: &Key, event: impl Fn(OwnerId, Object) -> KernelEvent) {
        if let Some(object) = self.object_of(key) {
            for owner in self.claims.owners_of(key) {
                self.events.push_back(event(owner, object.clone()));
            }
        }
    }

    pub(super) fn report_failure(
        &mut self,
        key: &Key,
        leaving: Option<Id>,
        errno: i32,
        message: Option<&str>,
    ) {
        let mut owners = self.claims.owners_of(key);
        let mut object = self.object_of(key);
        if let Some(identity) = leaving {
            owners.extend(self.claims.owners_leaving(identity));
            object = object.or_else(|| self.leaving_object(key));
        }
        let Some(object) = object else {
            return;
        };
        for owner in owners {
            self.events.push_back(KernelEvent::Failed {
                owner,
                object: object.clone(),
                errno,
                message: message.map(str::to_owned),
            });
        }
    }

    /// Something that nobody wants and that cannot be removed.
    fn leaving_object(&self, key: &Key) -> Option<Object> {
        match key {
            Key::Address(..) => None,
            Key::Route(place) => {
                let seen = self.observed.routes_at(place).first()?;
                seen.wish.clone().map(Object::Route)
            }
            Key::Rule(place) => {
                let seen = self.observed.rules_at(place).first()?;
                Some(Object::Rule(Box::new(seen.rule.clone())))
            }
        }
    }

    pub(super) fn report_give_up(&mut self, key: &Key) {
        if self.claims.is_tracked(key) {
            self.tell(key, |owner, object| KernelEvent::GaveUp { owner, object });
        }
    }

    pub(super) fn report_foreign(&mut self, key: &Key) {
        if self.claims.first_foreign(key) {
            self.tell(key, |owner, object| KernelEvent::Foreign { owner, object });
        }
    }

    pub(super) fn report_repair(&mut self, key: &Key, times: u32) {
        self.counters.repaired = self.counters.repaired.saturating_add(1);
        self.tell(key, |owner, object| KernelEvent::Repaired {
            owner,
            object,
            times,
        });
    }

    /// Whether this address may be the source of adverts: others' are, unless they are wanted as
    /// virtual ones; of ours only those that are wanted as the host's own.
    pub(super) fn may_be_source(&self, seen: &ObservedAddress) -> bool {
        let name = self
            .observed
            .link_by_index(seen.index)
            .map(|link| link.name);
        match name.and_then(|name| self.claims.is_vip(name, seen.address)) {
            Some(own) => own,
            None => !seen.ours,
        }
    }
}
