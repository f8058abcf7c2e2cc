//! What is queued, and what has been sent and not been answered.

use std::collections::{BTreeSet, VecDeque};

use sans_io_time::Instant;

use crate::encode::Verb;
use crate::observed::{Identity, ObservedAddress};

/// Objects to look at, each at most once.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Served first: an address that stays where it no longer belongs harms more than one that
    /// comes a millisecond later.
    removals: VecDeque<Identity>,
    others: VecDeque<Identity>,
    members: BTreeSet<Identity>,
}

impl Queue {
    pub(super) fn push(&mut self, identity: Identity, step: Step) {
        if self.members.insert(identity) {
            match step {
                Step::Remove => self.removals.push_back(identity),
                Step::Recreate | Step::Put(_) => self.others.push_back(identity),
            }
        }
    }

    /// Moves an object that may have a place already to the end of the removals.
    pub(super) fn hasten(&mut self, identity: Identity) {
        self.members.insert(identity);
        self.removals.push_back(identity);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn pop(&mut self) -> Option<Identity> {
        loop {
            let next = self.removals.pop_front();
            let identity = next.or_else(|| self.others.pop_front())?;
            // Not the former place of one that was moved.
            if self.members.remove(&identity) {
                return Some(identity);
            }
        }
    }
}

/// One request to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Remove what nobody wants.
    Remove,
    /// Remove what is wanted otherwise; adding it is the next step.
    Recreate,
    Put(Verb),
}

impl Step {
    /// Whether it corrects something that is there.
    pub(super) fn is_fix(self) -> bool {
        matches!(self, Self::Recreate | Self::Put(Verb::Replace))
    }
}

/// Requests of one send. Only the last asks for an acknowledgement: errors come without asking,
/// in order and before it, so all others have then succeeded.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) items: Vec<Item>,
    pub(super) last_seq: u32,
    pub(super) deadline: Instant,
}

#[derive(Debug)]
pub(super) struct Item {
    pub(super) seq: u32,
    pub(super) identity: Identity,
    pub(super) step: Step,
    /// What the kernel holds if it succeeds.
    pub(super) expected: Option<ObservedAddress>,
    /// Error number and text of the kernel, if it refused.
    pub(super) refusal: Option<(i32, Option<String>)>,
}

impl Batch {
    pub(super) fn puts(&self, identity: Identity) -> bool {
        let of = |item: &&Item| item.identity == identity;
        self.items
            .iter()
            .find(of)
            .is_some_and(|item| matches!(item.step, Step::Put(_)))
    }

    pub(super) fn removes(&self, identity: Identity) -> bool {
        let of = |item: &&Item| item.identity == identity;
        self.items
            .iter()
            .find(of)
            .is_some_and(|item| !matches!(item.step, Step::Put(_)))
    }
}
