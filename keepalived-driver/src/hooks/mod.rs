//! Scripts run on state changes (`notify_master`, `notify`, ...).
//!
//! [`Hooks`] owns one thread that starts the scripts and waits for them, away from the elections
//! loop and from everything else. Per [`ObjectId`] (an instance, a group) scripts run one at a time
//! and in the order of the state changes; keepalived starts them side by side, so that a MASTER
//! and a BACKUP script can finish in the wrong order.
//!
//! * **Stale states do not run.** When a state change comes in while older ones of the same object
//!   still wait, the waiting ones are dropped: only the newest state matters then. What is running
//!   is not disturbed. [`HookReport::Superseded`] tells what was dropped.
//! * **A slow script may take its time while nobody waits for it**, because some people start
//!   databases from a hook. Once another script of the same object waits, it is ended when it has
//!   run for [`HookSettings::patience`]; [`HookCommand::limit`] ends it in any case. Ending means
//!   TERM to its process group, and KILL [`HookSettings::grace`] later.
//! * **A program that cannot be started is a failure** and reported, never a success.
//! * The child gets `/dev/null` as standard input, output and error (a pipe would have to be
//!   drained, and would break when a script leaves a server in the background), its own process
//!   group, default signal handling, no other descriptor, and an environment without the variables
//!   that change what a program loads or how a shell reads its script.
//!
//! * **Readers of pipes are kept running** ([`Hooks::set_readers`]): started again when they end, never
//!   two for one pipe.
//!
//! A signal at the death of the daemon and supplementary groups need a [launcher](launch), a program
//! that calls [`launch::launch`]: what would have to happen between fork and exec cannot be done safely
//! there. Without one, a script with a user of its own has no supplementary groups at all.

pub(crate) mod child;
mod command;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
pub mod launch;
mod once;
mod queue;
mod readers;
mod report;
mod runner;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mio::Waker;

pub use command::{HookCommand, HookSet};
pub use once::run_once;
pub use readers::ReaderSettings;
pub use report::{HookReport, Outcome};

use queue::Queues;

/// How scripts are run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HookSettings {
    /// A script that has run for this long is ended as soon as another one of its object waits.
    pub patience: Duration,
    /// Time between TERM and KILL.
    pub grace: Duration,
    /// Most scripts running at one moment, over all objects. 255 instances changing state at once
    /// must not mean 255 forks at once.
    pub concurrency: usize,
    /// Collect children that are not ours but were given to us by the kernel: needed when this
    /// process is number 1 of its process namespace or a sub-reaper. Every child of this process
    /// must then be one started here.
    pub reap_orphans: bool,
    /// The program that becomes the scripts, see [`launch`]; without one they are started directly.
    pub launcher: Option<PathBuf>,
}

impl Default for HookSettings {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(60),
            grace: Duration::from_secs(2),
            concurrency: 64,
            reap_orphans: std::process::id() == 1,
            launcher: None,
        }
    }
}

/// Whose state changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectId {
    /// A `vrrp_instance`.
    Instance(Arc<str>),
    /// A `vrrp_sync_group`.
    Group(Arc<str>),
    /// A `virtual_server`, by its label.
    Service(Arc<str>),
    /// A `real_server`: the label of its service, and its own.
    Server(Arc<str>, Arc<str>),
    /// A pipe that a program reads.
    Pipe(Arc<str>),
    /// The daemon itself.
    Daemon,
}

impl ObjectId {
    /// The first argument of a `notify` script.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Instance(_) => "INSTANCE",
            Self::Group(_) => "GROUP",
            Self::Service(_) => "VS",
            Self::Server(..) => "RS",
            Self::Pipe(_) => "FIFO",
            Self::Daemon => "DAEMON",
        }
    }

    /// The name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Instance(name)
            | Self::Group(name)
            | Self::Service(name)
            | Self::Server(_, name)
            | Self::Pipe(name) => name,
            Self::Daemon => "daemon",
        }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.name())
    }
}

/// What happened, in keepalived's words.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// It became master.
    Master,
    /// It became backup.
    Backup,
    /// Something keeps it from running.
    Fault,
    /// The daemon stops.
    Stop,
    /// A reload took it out of the configuration.
    Deleted,
    /// A server works again, or a service has its quorum again.
    Up,
    /// A server failed, or a service lost its quorum.
    Down,
    /// While master it heard a master of lower priority. Not a change of state: it neither
    /// supersedes what waits nor reaches the generic script.
    MasterRxLowerPriority,
    /// It is a reader, kept running: no state at all.
    Read,
}

impl Trigger {
    /// The third argument of a `notify` script.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Master => "MASTER",
            Self::Backup => "BACKUP",
            Self::Fault => "FAULT",
            Self::Stop => "STOP",
            Self::Deleted => "DELETED",
            Self::Up => "UP",
            Self::Down => "DOWN",
            Self::MasterRxLowerPriority => "MASTER_RX_LOWER_PRI",
            Self::Read => "reading",
        }
    }
}

/// State shared with the thread; the lock is held for a few instructions only.
#[derive(Debug, Default)]
struct Shared {
    queues: Queues,
    /// The readers to have from now on, until the thread has taken them over.
    readers: Option<Vec<ReaderSettings>>,
    /// Set once: end, this long after the thread sees it at the latest.
    stop: Option<Duration>,
}

/// A handle on the running hooks thread.
#[derive(Debug)]
pub struct Hooks {
    shared: Arc<Mutex<Shared>>,
    waker: Arc<Waker>,
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Hooks {
    /// Start the thread. `report` is called on it for everything worth a log line; it must not
    /// block.
    ///
    /// # Errors
    ///
    /// When the poll or the thread cannot be created.
    pub fn start(
        settings: HookSettings,
        report: impl FnMut(HookReport) + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (sender, ended) = sync_channel(1);
        let (runner, waker) = runner::Runner::new(settings, Arc::clone(&shared), report)?;
        let thread = thread::Builder::new().name("hooks".into()).spawn(move || {
            runner.run();
            // Nobody listening any more is fine.
            let _ = sender.try_send(());
        })?;
        Ok(Self {
            shared,
            waker,
            ended,
            thread,
        })
    }

    /// Run what `set` wants for `trigger`: first the script of that trigger with nothing appended,
    /// then the generic one with kind, name, state word and priority. Returns at once; what waits
    /// is bounded by the number of objects, so nothing is ever lost for want of room.
    pub fn notify(&self, object: &ObjectId, set: &HookSet, trigger: Trigger, priority: u8) {
        let runs = set.runs(object, trigger, priority);
        if runs.is_empty() {
            return;
        }
        lock(&self.shared).queues.push(object, trigger, runs);
        // The waker only fails if the thread's poll is gone, that is, after its end.
        let _ = self.waker.wake();
    }

    /// Keep exactly these programs running from now on. Those that run and are not among these are ended.
    pub fn set_readers(&self, readers: Vec<ReaderSettings>) {
        lock(&self.shared).readers = Some(readers);
        let _ = self.waker.wake();
    }

    /// Let everything that waits run (the stop scripts, after [`notify`](Self::notify) with
    /// [`Trigger::Stop`]) and end the thread after `patience` at the latest. A script that was
    /// running before and holds up another one is ended early. Returns whether all scripts ended
    /// by themselves in time; those that did not got TERM, a moment later KILL for the whole process
    /// group, and were reported.
    #[must_use]
    pub fn stop(self, patience: Duration) -> bool {
        lock(&self.shared).stop = Some(patience);
        let _ = self.waker.wake();
        // The thread keeps to `patience` by itself; the margin is for a machine under load.
        match self
            .ended
            .recv_timeout(patience.saturating_add(Duration::from_secs(1)))
        {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                let joined = self.thread.join().is_ok();
                joined && lock(&self.shared).queues.is_idle()
            }
            Err(RecvTimeoutError::Timeout) => false,
        }
    }
}

/// A panic while the lock was held leaves queues that are still whole: each change of them is one
/// call.
fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
