//! Who is due when.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::Instant;

/// The deadlines of many, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    deadlines: BTreeSet<(Instant, u32)>,
    /// From when on those that may be early may be.
    early: BTreeSet<(Instant, u32)>,
    /// What is in the two sets, by place.
    armed: Vec<Armed>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Armed {
    deadline: Option<Instant>,
    early: Option<Instant>,
}

impl Schedule {
    /// Arms, moves or disarms the timer of one.
    pub(crate) fn set(&mut self, place: u32, deadline: Option<Instant>, early: Option<Instant>) {
        let Ok(at) = usize::try_from(place) else {
            return;
        };
        let next = Armed { deadline, early };
        if self.armed.len() <= at {
            // Nothing to remember: asking changes nothing, as the comparison of states relies on.
            if next == Armed::default() {
                return;
            }
            self.armed.resize(at.saturating_add(1), Armed::default());
        }
        let Some(armed) = self.armed.get_mut(at) else {
            return;
        };
        let old = core::mem::replace(armed, next);
        replace(&mut self.deadlines, place, old.deadline, deadline);
        replace(&mut self.early, place, old.early, early);
    }

    /// The earliest deadline.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Takes those out whose deadline has come, in order. They stay out until set again.
    pub(crate) fn take_due(&mut self, now: Instant, due: &mut Vec<u32>) {
        while let Some((deadline, place)) = self.deadlines.first().copied()
            && deadline <= now
        {
            self.set(place, None, None);
            due.push(place);
        }
    }

    /// Takes those out that may be early now, in order. They stay out until set again.
    pub(crate) fn take_early(&mut self, now: Instant, due: &mut Vec<u32>) {
        while let Some((from, place)) = self.early.first().copied()
            && from <= now
        {
            self.set(place, None, None);
            due.push(place);
        }
    }
}

fn replace(
    set: &mut BTreeSet<(Instant, u32)>,
    place: u32,
    old: Option<Instant>,
    new: Option<Instant>,
) {
    if old == new {
        return;
    }
    if let Some(old) = old {
        set.remove(&(old, place));
    }
    if let Some(new) = new {
        set.insert((new, place));
    }
}
