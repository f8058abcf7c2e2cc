//! Instances that wait for the first word about something they track.
//!
//! A bad word does not change their state, which stays Initialize; but in keepalived's words they are
//! FAULT from then on, and whoever wants to know of that is to be told.

use std::collections::BTreeSet;
use std::sync::Arc;

use keepalived_driver::{InstanceLabel, Report};
use vrrp_fsm::{Fault, Faults};

/// Those that have only been waited for so far: neither started nor at fault.
#[derive(Debug, Default)]
pub(super) struct Awaited(BTreeSet<Arc<str>>);

impl Awaited {
    /// Takes in a report; the instance that is at fault by it for the first time, if it is such a one.
    pub(super) fn at_fault<'r>(&mut self, report: &'r Report) -> Option<&'r InstanceLabel> {
        match report {
            Report::Started {
                instance, faults, ..
            } if *faults == Faults::NONE.with(Fault::Held) => {
                self.0.insert(instance.name.clone());
                None
            }
            Report::Started { instance, .. } | Report::Transition { instance, .. } => {
                self.0.remove(&instance.name);
                None
            }
            Report::FaultChanged {
                instance,
                fault,
                set: true,
                ..
            } if *fault != Fault::Held => self.0.remove(&instance.name).then_some(instance),
            Report::Reloaded { removed, .. } => {
                self.0.retain(|name| !removed.contains(name));
                None
            }
            _ => None,
        }
    }
}
