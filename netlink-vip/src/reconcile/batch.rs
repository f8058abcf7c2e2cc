//! What is queued, and what has been sent and not been answered.

use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

use sans_io_time::Instant;

use super::object::Id;
use crate::encode::Verb;
use crate::observed::ObservedAddress;
use crate::route::{ObservedRoute, Route};
use crate::rule::{ObservedRule, Rule};

/// Most requests in one send. The kernel works them off within the system call, 6 to 60 µs each.
pub const BATCH_MAX: usize = 64;
/// Fewest, however slow the kernel is.
const BATCH_MIN: usize = 8;
/// A batch should not take longer than this.
const SLICE: Duration = Duration::from_millis(2);

/// Objects to look at, each at most once.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Served first: an address that stays where it no longer belongs harms more than one that
    /// comes a millisecond later.
    removals: VecDeque<Id>,
    others: VecDeque<Id>,
    members: BTreeSet<Id>,
}

impl Queue {
    pub(super) fn push(&mut self, identity: Id, step: Step) {
        if self.members.insert(identity) {
            match step {
                Step::Remove => self.removals.push_back(identity),
                Step::Recreate | Step::Put(_) => self.others.push_back(identity),
            }
        }
    }

    /// Moves an object that may have a place already to the end of the removals.
    pub(super) fn hasten(&mut self, identity: Id) {
        self.members.insert(identity);
        self.removals.push_back(identity);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn pop(&mut self) -> Option<Id> {
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
    pub(super) sent_at: Instant,
    pub(super) deadline: Instant,
}

#[derive(Debug)]
pub(super) struct Item {
    pub(super) seq: u32,
    pub(super) identity: Id,
    pub(super) step: Step,
    pub(super) effect: Effect,
    /// Error number and text of the kernel, if it refused.
    pub(super) refusal: Option<(i32, Option<String>)>,
    /// What notifications have said about the object since the request was sent.
    pub(super) news: News,
}

/// What a request does if it succeeds.
#[derive(Debug)]
pub(super) enum Effect {
    /// The address of the item goes.
    NoAddress,
    /// The kernel holds this address.
    Address(Box<ObservedAddress>),
    /// The kernel has this route, and says how it shows it.
    Route(Box<Route>),
    NoRoute(Box<ObservedRoute>),
    /// The kernel has this rule, and says how it shows it.
    Rule(Box<Rule>),
    NoRule(Box<ObservedRule>),
}

/// What notifications have said about an object while a request about it was not answered.
/// Answers and notifications come on two sockets, in no order between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum News {
    #[default]
    None,
    /// It is there.
    There,
    /// It is gone, and nothing after that.
    Gone,
    /// It was gone and is there again.
    Again,
}

/// How many requests the next batch may hold. The kernel takes the longer for each the more
/// addresses there are already, and the caller can do nothing else meanwhile, so a batch that
/// took long is followed by a smaller one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size(usize);

impl Size {
    pub(super) fn get(self) -> usize {
        self.0
    }

    /// A batch of this many requests was answered after this time.
    pub(super) fn learn(&mut self, requests: usize, took: Duration) {
        if took > SLICE {
            self.0 = (self.0 / 2).max(BATCH_MIN);
        } else if took < SLICE / 3 && requests >= self.0 {
            self.0 = self.0.saturating_mul(2).min(BATCH_MAX);
        }
    }
}

impl Default for Size {
    fn default() -> Self {
        Self(BATCH_MAX)
    }
}

impl Batch {
    fn item(&self, identity: Id) -> Option<&Item> {
        self.items.iter().find(|item| item.identity == identity)
    }

    pub(super) fn concerns(&self, identity: Id) -> bool {
        self.item(identity).is_some()
    }

    pub(super) fn removes(&self, identity: Id) -> bool {
        self.item(identity)
            .is_some_and(|item| !matches!(item.step, Step::Put(_)))
    }

    /// A notification says that the object is there, or that it is gone.
    pub(super) fn heard(&mut self, identity: Id, there: bool) {
        let of = |item: &&mut Item| item.identity == identity;
        if let Some(item) = self.items.iter_mut().find(of) {
            item.news = match (there, item.news) {
                (false, _) => News::Gone,
                (true, News::Gone | News::Again) => News::Again,
                (true, News::None | News::There) => News::There,
            };
        }
    }
}
