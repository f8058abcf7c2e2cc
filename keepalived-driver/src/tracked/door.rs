//! The door through which other threads tell loop 1 how tracked objects are.
//!
//! It holds one state per tracker, the latest, so it is bounded and loses nothing that matters: a
//! state that was overwritten before loop 1 saw it was already the past. Loop 1 takes the lock only
//! if it is free.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use mio::Waker;
use vrrp_fsm::TrackStatus;

use super::{TrackerId, TrackerSetup};

/// What a tracker has found, for people; no effect on anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackerFacts {
    /// Runs of a script that have ended, readings of a file, looks at the processes.
    pub runs: u64,
    /// Exit status of the last run of a script, if it ended by itself.
    pub exit_code: Option<i32>,
    /// Processes that match now.
    pub matching: Option<u32>,
    /// What the last look came to, in words.
    pub outcome: Option<String>,
}

#[derive(Debug)]
struct Posted {
    setup: Arc<TrackerSetup>,
    status: TrackStatus,
    facts: TrackerFacts,
}

/// The latest word about each tracker.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    posted: BTreeMap<TrackerId, Posted>,
    /// Those that loop 1 has not seen.
    unseen: BTreeSet<TrackerId>,
}

/// A handle for those who look at tracked objects; cheap to clone, usable from any thread.
#[derive(Clone, Debug)]
pub struct TrackerDoor {
    mailbox: Arc<Mutex<Mailbox>>,
    waker: Arc<Waker>,
}

impl TrackerDoor {
    pub(crate) fn new(waker: Arc<Waker>) -> Self {
        Self {
            mailbox: Arc::default(),
            waker,
        }
    }

    /// This is how the object of `setup` is. Word about a definition that loop 1 does not run (any
    /// more) has no effect.
    pub fn post(&self, setup: &Arc<TrackerSetup>, status: TrackStatus, facts: TrackerFacts) {
        let mut mailbox = self.lock();
        let same = mailbox
            .posted
            .get(&setup.id)
            .is_some_and(|known| known.status == status && Arc::ptr_eq(&known.setup, setup));
        let posted = Posted {
            setup: Arc::clone(setup),
            status,
            facts,
        };
        mailbox.posted.insert(setup.id.clone(), posted);
        if !same {
            mailbox.unseen.insert(setup.id.clone());
            drop(mailbox);
            // Fails only if the loop is gone.
            let _ = self.waker.wake();
        }
    }

    /// What was last found for each tracker of these definitions.
    pub(crate) fn facts(&self, setup: &TrackerSetup) -> Option<TrackerFacts> {
        let mailbox = self.lock();
        let posted = mailbox.posted.get(&setup.id)?;
        (*posted.setup == *setup).then(|| posted.facts.clone())
    }

    /// What is new, for loop 1; `None` if somebody else has the lock just now.
    pub(crate) fn take_news(&self) -> Option<Vec<(Arc<TrackerSetup>, TrackStatus)>> {
        let mut mailbox = match self.mailbox.try_lock() {
            Ok(mailbox) => mailbox,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let unseen = std::mem::take(&mut mailbox.unseen);
        let news = unseen
            .iter()
            .filter_map(|id| mailbox.posted.get(id))
            .map(|posted| (Arc::clone(&posted.setup), posted.status))
            .collect();
        Some(news)
    }

    /// Each change of the mailbox is one insertion: it is whole even after a panic.
    fn lock(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FileWatch, Watch};
    use super::*;

    fn door() -> (mio::Poll, TrackerDoor) {
        let poll = mio::Poll::new().unwrap();
        let waker = Waker::new(poll.registry(), mio::Token(0)).unwrap();
        (poll, TrackerDoor::new(Arc::new(waker)))
    }

    fn tracker(name: &str) -> Arc<TrackerSetup> {
        Arc::new(TrackerSetup::new(name, Watch::File(FileWatch::new("/f"))))
    }

    /// A level, not a queue: ten thousand changes are one piece of news.
    #[test]
    fn the_door_keeps_the_last_state_of_each_tracker_and_says_it_once() {
        let (_poll, door) = door();
        let (a, b) = (tracker("a"), tracker("b"));
        for value in 0..10_000 {
            door.post(&a, TrackStatus::Value(value), TrackerFacts::default());
        }
        door.post(&b, TrackStatus::Up, TrackerFacts::default());
        let news = door.take_news().unwrap();
        assert_eq!(
            news,
            [
                (a.clone(), TrackStatus::Value(9999)),
                (b.clone(), TrackStatus::Up)
            ]
        );
        assert_eq!(door.take_news(), Some(vec![]));
        door.post(&b, TrackStatus::Up, TrackerFacts::default());
        assert_eq!(door.take_news(), Some(vec![]), "it was up already");
    }

    /// LESSONS A7: the thread that sends adverts waits for nobody.
    #[test]
    fn the_elections_do_not_wait_at_the_door() {
        let (_poll, door) = door();
        let held = door.lock();
        assert_eq!(door.take_news(), None);
        drop(held);
        assert_eq!(door.take_news(), Some(vec![]));
    }
}
