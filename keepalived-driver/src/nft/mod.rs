//! Tables of nftables that are to be there, and a thread that keeps them so.
//!
//! The thread is told what is wanted, a level; it gives transactions to the program `nft`, hears of what others do to
//! the tables, and puts them back. A table that lacks our owner chain is somebody else's and is left alone.

mod kernel;
mod life;
mod loaded;
mod program;
mod ruleset;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread;
use std::time::Duration;

use mio::{Poll, Token, Waker};

use life::Life;
pub(crate) use ruleset::Ruleset;

const WAKER: Token = Token(0);
/// A thread that panics again and again must not spin.
const BETWEEN_LIVES: Duration = Duration::from_millis(500);

/// What the thread is to do.
#[derive(Debug)]
enum Job<R> {
    /// Keep these, and spare what others of this daemon keep under this name.
    Keep { wanted: R, beside: Option<String> },
    /// Remove everything.
    Remove,
}

/// What came of it, and what else has happened.
#[derive(Debug)]
pub(crate) enum Said<R> {
    /// These are in force.
    Set(R),
    /// They are not, and why: said once for each reason. `stays`: what was in force before still is.
    Failed { error: String, stays: bool },
    /// Something else went wrong.
    Trouble(String),
    /// Under the name that is wanted they cannot be. They are in force under the name that they had.
    Kept { rules: R, error: String },
    /// Somebody else had changed the tables, which were put back. To be told if there is a number: how often it has
    /// happened since that was last done.
    Drift(Option<u64>),
}

/// A word of the thread.
#[derive(Debug)]
enum Word<R> {
    Said(Said<R>),
    /// So many jobs are done.
    Done(usize),
}

/// A handle on the thread. Dropped, it ends the thread and leaves the tables as they are.
#[derive(Debug)]
pub(crate) struct Keeper<R> {
    jobs: Option<Sender<Job<R>>>,
    words: Receiver<Word<R>>,
    waker: Arc<Waker>,
    unanswered: usize,
}

impl<R: Ruleset> Keeper<R> {
    /// Starts the thread under this name, in this network namespace (its file) or else that of the
    /// caller. It calls `wake` after each word.
    pub(crate) fn start(
        name: &str,
        space: Option<PathBuf>,
        wake: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, todo) = channel();
        let (say, words) = channel();
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let tell = move |word| {
            // Nobody listening any more is fine.
            let _ = say.send(word);
            wake();
        };
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let mut life = Life::new(poll, space, todo, tell);
                while catch_unwind(AssertUnwindSafe(|| life.run())).is_err() {
                    life.begin_anew();
                    thread::sleep(BETWEEN_LIVES);
                }
            })?;
        Ok(Self {
            jobs: Some(jobs),
            words,
            waker,
            unanswered: 0,
        })
    }

    /// From now on these are to be in force. `beside`: another table of ours, not to be taken for one that a killed
    /// run has left. `false` if the thread has died.
    pub(crate) fn keep(&mut self, wanted: R, beside: Option<String>) -> bool {
        self.submit(Job::Keep { wanted, beside })
    }

    /// Everything is to go.
    pub(crate) fn remove(&mut self) -> bool {
        self.submit(Job::Remove)
    }

    fn submit(&mut self, job: Job<R>) -> bool {
        let jobs = self.jobs.as_ref();
        let taken = jobs.is_some_and(|jobs| jobs.send(job).is_ok()) && self.waker.wake().is_ok();
        self.unanswered += usize::from(taken);
        taken
    }

    /// Nothing is being done that was asked for.
    pub(crate) const fn is_idle(&self) -> bool {
        self.unanswered == 0
    }

    /// The next thing that it says.
    pub(crate) fn poll(&mut self) -> Option<Said<R>> {
        loop {
            match self.words.try_recv() {
                Ok(Word::Said(said)) => return Some(said),
                Ok(Word::Done(jobs)) => self.unanswered = self.unanswered.saturating_sub(jobs),
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => return self.died(),
            }
        }
    }

    /// Said once.
    fn died(&mut self) -> Option<Said<R>> {
        self.unanswered = 0;
        self.jobs.take()?;
        let error = "its thread has died".to_owned();
        Some(Said::Failed { error, stays: true })
    }

    /// Waits until all is done, not for longer than that may take. The last failure.
    pub(crate) fn finish(&mut self) -> Result<(), String> {
        let mut last = Ok(());
        while !self.is_idle() {
            match self.words.recv_timeout(program::LIMIT * 2) {
                Ok(Word::Done(jobs)) => self.unanswered = self.unanswered.saturating_sub(jobs),
                Ok(Word::Said(Said::Failed { error, .. })) => last = Err(error),
                Ok(Word::Said(_)) => last = Ok(()),
                Err(RecvTimeoutError::Timeout) => return Err("nft does not come to an end".into()),
                Err(RecvTimeoutError::Disconnected) => return Err("its thread has died".into()),
            }
        }
        last
    }
}

impl<R> Drop for Keeper<R> {
    fn drop(&mut self) {
        self.jobs = None;
        let _ = self.waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use netlink_vip::Firewall;

    use super::*;

    /// LESSONS A11: a bug ends one life of the thread; the next one does what was asked for.
    #[test]
    fn a_thread_that_panicked_goes_on_with_what_was_asked_for() {
        let first = AtomicBool::new(true);
        // Not the tables of whoever runs the tests.
        let space = Some("/nonexistent/namespace".into());
        let keeper = Keeper::start("tables", space, move || {
            assert!(!first.swap(false, Ordering::Relaxed), "once");
        });
        let mut keeper = keeper.unwrap();
        assert!(keeper.keep(Firewall::new("t"), None));
        assert_eq!(keeper.finish(), Ok(()));
        let mut wanted = Firewall::new("t");
        wanted.refused.push(netlink_vip::Refused {
            address: [192, 0, 2, 1].into(),
            device: "eth0".parse().unwrap(),
            index: None,
        });
        assert!(keeper.keep(wanted, None));
        let error = keeper.finish().unwrap_err();
        assert!(error.contains("cannot enter the namespace"), "{error}");
    }
}
