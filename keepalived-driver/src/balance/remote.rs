//! How the rest of the program talks to the balancing loop: a bounded queue for commands, and levels
//! for what is watched elsewhere. Nobody waits for the loop, and it waits for nobody.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mio::Waker;
use vrrp_fsm::TrackStatus;

use super::config::BalanceConfig;
use super::snapshot::BalanceSnapshot;
use crate::remote::{COMMAND_QUEUE, RemoteError};
use crate::tracked::{TrackerDoor, TrackerFacts, TrackerSetup, Watch};

/// What loop 2 can be asked to do.
#[derive(Debug)]
pub(super) enum Command {
    Reload(Box<BalanceConfig>),
    Snapshot(SyncSender<Box<BalanceSnapshot>>),
    LeaveRealtime,
    Stop,
    /// As if there were a bug.
    #[cfg(feature = "fuzzing")]
    Panic,
}

/// Which virtual routers are master, as far as was told.
pub(super) type Masters = Arc<Mutex<BTreeMap<Arc<str>, bool>>>;

/// A handle to a running balancing loop; cheap to clone, usable from any thread.
#[derive(Clone, Debug)]
pub struct BalanceRemote {
    commands: SyncSender<Command>,
    waker: Arc<Waker>,
    trackers: TrackerDoor,
    masters: Masters,
}

impl BalanceRemote {
    pub(super) fn new(waker: Arc<Waker>) -> (Self, Receiver<Command>) {
        let (commands, receiver) = sync_channel(COMMAND_QUEUE);
        let remote = Self {
            commands,
            trackers: TrackerDoor::new(Arc::clone(&waker)),
            waker,
            masters: Masters::default(),
        };
        (remote, receiver)
    }

    pub(super) fn masters(&self) -> Masters {
        Arc::clone(&self.masters)
    }

    fn send(&self, command: Command) -> Result<(), RemoteError> {
        self.commands
            .try_send(command)
            .map_err(|error| match error {
                TrySendError::Full(_) => RemoteError::Busy,
                TrySendError::Disconnected(_) => RemoteError::Ended,
            })?;
        Ok(self.waker.wake()?)
    }

    /// Run `config` from now on. [`BalanceReport::Reloaded`](super::BalanceReport) tells what that
    /// came to.
    ///
    /// # Errors
    /// The loop has ended, or has more to do than it takes.
    pub fn reload(&self, config: BalanceConfig) -> Result<(), RemoteError> {
        self.send(Command::Reload(Box::new(config)))
    }

    /// A copy of the loop's state; waits at most `patience` for it.
    ///
    /// # Errors
    /// The loop has ended, has more to do than it takes, or did not answer in time.
    pub fn snapshot(&self, patience: Duration) -> Result<Box<BalanceSnapshot>, RemoteError> {
        let (sender, receiver) = sync_channel(1);
        self.send(Command::Snapshot(sender))?;
        receiver
            .recv_timeout(patience)
            .map_err(|error| match error {
                RecvTimeoutError::Timeout => RemoteError::Timeout(patience),
                RecvTimeoutError::Disconnected => RemoteError::Ended,
            })
    }

    /// For those who look at the files of `FILE_CHECK`: give it to
    /// [`Watchers`](crate::tracked::Watchers) of their own, with the `track_file`s as
    /// [`TrackerSetup`]s.
    #[must_use]
    pub fn trackers(&self) -> TrackerDoor {
        self.trackers.clone()
    }

    /// The BFD session of this name is up, or down. The latest word counts.
    pub fn set_bfd(&self, name: &str, up: bool) {
        let setup = Arc::new(TrackerSetup::new(name, Watch::Bfd));
        let status = if up {
            TrackStatus::Up
        } else {
            TrackStatus::Down
        };
        self.trackers.post(&setup, status, TrackerFacts::default());
    }

    /// The virtual router of this name is master, or not. The latest word counts.
    pub fn set_master(&self, instance: &str, master: bool) {
        let masters = self.masters.lock();
        let mut masters = masters.unwrap_or_else(PoisonError::into_inner);
        if masters.insert(instance.into(), master) != Some(master) {
            drop(masters);
            // Fails only if the loop is gone.
            let _ = self.waker.wake();
        }
    }

    /// Run under normal scheduling until the next configuration: the process got `SIGXCPU`, so the
    /// loop has used more time than it may without a pause.
    ///
    /// # Errors
    /// The loop has ended, or has more to do than it takes.
    pub fn leave_realtime(&self) -> Result<(), RemoteError> {
        self.send(Command::LeaveRealtime)
    }

    #[cfg(feature = "fuzzing")]
    pub(super) fn panic(&self) -> Result<(), RemoteError> {
        self.send(Command::Panic)
    }

    /// End in order: what the configuration says about the end is done, then
    /// [`BalanceReport::Stopped`](super::BalanceReport) comes.
    ///
    /// # Errors
    /// The loop has ended, or has more to do than it takes.
    pub fn stop(&self) -> Result<(), RemoteError> {
        self.send(Command::Stop)
    }
}
