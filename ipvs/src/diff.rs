//! From what is to what should be.
//!
//! The order keeps every service served meanwhile: what takes connections comes first, what gives
//! them up comes last (IPVS-OPS-08). So after each step a service that has somebody to serve it
//! before and afterwards has somebody: one of the old destinations, or one of the new.

use crate::service::ServiceKey;
use crate::table::{Entry, Op, Table};

/// The changes that make `desired` of `current`; none when they are equal. Services of `current`
/// that are not in `desired` are removed: leave those of others out of `current`
/// ([`Table::retain`], IPVS-OPS-02).
#[must_use]
pub fn diff(current: &Table, desired: &Table) -> Vec<Op> {
    changes(current, desired).collect()
}

/// The same one after the other: of a large table there are as many changes as destinations.
pub(crate) fn changes(current: &Table, desired: &Table) -> impl Iterator<Item = Op> + use<> {
    let mut steps = Steps::default();
    for entry in desired.entries() {
        let service = entry.service();
        let old = current.get(&service.key);
        match old {
            None => steps.services.push(Op::NewService(service.clone())),
            Some(old) if old.service() != service => {
                steps.services.push(Op::SetService(service.clone()));
            }
            Some(_) => {}
        }
        destinations(service.key, old, entry, &mut steps);
    }
    for entry in current.entries() {
        let key = entry.service().key;
        if desired.get(&key).is_none() {
            steps.gone.push(Op::DelService(key));
        }
    }
    steps.in_order()
}

/// One after the other: a change of a later list may count on the earlier ones.
#[derive(Default)]
struct Steps {
    services: Vec<Op>,
    takes: Vec<Op>,
    gives: Vec<Op>,
    leaves: Vec<Op>,
    gone: Vec<Op>,
}

impl Steps {
    fn in_order(self) -> impl Iterator<Item = Op> {
        [
            self.services,
            self.takes,
            self.gives,
            self.leaves,
            self.gone,
        ]
        .into_iter()
        .flatten()
    }
}

/// Who comes is put before who goes: IPVS-OPS-08.
fn destinations(service: ServiceKey, old: Option<&Entry>, new: &Entry, steps: &mut Steps) {
    for wanted in new.destinations() {
        let op = match old.and_then(|old| old.destination(&wanted.key)) {
            Some(is) if is == wanted => continue,
            // IPVS-OPS-04: a changed weight is a change, never a removal.
            Some(_) => Op::SetDest(service, *wanted),
            None => Op::NewDest(service, *wanted),
        };
        let list = if wanted.weight > 0 {
            &mut steps.takes
        } else {
            &mut steps.gives
        };
        list.push(op);
    }
    for is in old.into_iter().flat_map(Entry::destinations) {
        if new.destination(&is.key).is_none() {
            steps.leaves.push(Op::DelDest(service, is.key));
        }
    }
}
