//! How the rest of the program talks to the elections loop: a bounded queue and a waker.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use mio::Waker;

use crate::config::Config;
use crate::election::Kept;
use crate::recording::{RecordError, RecordSettings, RecordStatus, Sink};
use crate::snapshot::Snapshot;
use crate::tracked::TrackerDoor;

/// Commands that may wait in the queue. They come from people and signals, a few a second at most;
/// when it is full the sender is told so rather than blocked.
pub(crate) const COMMAND_QUEUE: usize = 64;

/// What loop 1 can be asked to do.
#[derive(Debug)]
pub(crate) enum Command {
    Reload(Box<Config>),
    Snapshot(SyncSender<Box<Snapshot>>),
    ClearStats,
    LeaveRealtime,
    Record(Box<Sink>),
    RecordStop(SyncSender<Option<(RecordStatus, Sink)>>),
    RecordStatus(SyncSender<Option<RecordStatus>>),
    Stop,
}

/// A handle to a running elections loop; cheap to clone, usable from any thread.
#[derive(Clone, Debug)]
pub struct Remote {
    commands: SyncSender<Command>,
    waker: Arc<Waker>,
    trackers: TrackerDoor,
    kept: Kept,
}

/// Why a request to a loop came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The loop has ended.
    #[error("the loop has ended")]
    Ended,
    /// Too many commands wait already.
    #[error("the loop has {COMMAND_QUEUE} commands waiting and takes no more")]
    Busy,
    /// The loop did not answer in time.
    #[error("the loop did not answer within {0:?}")]
    Timeout(Duration),
    /// The loop could not be woken.
    #[error("the loop could not be woken: {0}")]
    Wake(#[from] io::Error),
}

impl Remote {
    /// `before`: the handle of a loop that has failed.
    pub(crate) fn new(waker: Arc<Waker>, before: Option<&Self>) -> (Self, Receiver<Command>) {
        let (commands, receiver) = sync_channel(COMMAND_QUEUE);
        let trackers = TrackerDoor::new(Arc::clone(&waker));
        let remote = Self {
            commands,
            waker,
            trackers,
            kept: before.map(Self::kept).unwrap_or_default(),
        };
        (remote, receiver)
    }

    /// What a recording leaves to the next loop.
    pub(crate) fn kept(&self) -> Kept {
        self.kept.clone()
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

    /// Run `config` from now on. The outcome comes as [`Report::Reloaded`](crate::Report) or
    /// `ReloadRefused`.
    pub fn reload(&self, config: Config) -> Result<(), RemoteError> {
        self.send(Command::Reload(Box::new(config)))
    }

    /// A copy of the loop's state; waits at most `patience` for it.
    pub fn snapshot(&self, patience: Duration) -> Result<Box<Snapshot>, RemoteError> {
        let (sender, receiver) = sync_channel(1);
        self.send(Command::Snapshot(sender))?;
        let mut snapshot = answer(&receiver, patience)?;
        // Not the loop's business: it only knows how things are.
        for tracker in &mut snapshot.trackers {
            tracker.facts = self.trackers.facts(&tracker.setup);
        }
        Ok(snapshot)
    }

    /// For those who look at tracked objects.
    #[must_use]
    pub fn trackers(&self) -> TrackerDoor {
        self.trackers.clone()
    }

    /// Set every counter to zero.
    pub fn clear_stats(&self) -> Result<(), RemoteError> {
        self.send(Command::ClearStats)
    }

    /// Run under normal scheduling until the next configuration: the process got `SIGXCPU`, so the
    /// loop has used more time than it may without a pause.
    pub fn leave_realtime(&self) -> Result<(), RemoteError> {
        self.send(Command::LeaveRealtime)
    }

    /// Record what the loop hears and does from now on, for
    /// [`keepalived_recording`] to replay. A recording that runs is ended. The file is made here, on the thread
    /// of the caller.
    ///
    /// # Errors
    ///
    /// The file cannot be made; a recording that runs goes on then, if it has another file.
    pub fn record(&self, settings: RecordSettings) -> Result<(), RecordError> {
        let sink = Sink::open(settings)?;
        Ok(self.send(Command::Record(Box::new(sink)))?)
    }

    /// End the recording, and wait for its file, at most for `patience` each time. What has come of it; `None` if
    /// there was none.
    pub fn stop_recording(&self, patience: Duration) -> Result<Option<RecordStatus>, RemoteError> {
        let (sender, receiver) = sync_channel(1);
        self.send(Command::RecordStop(sender))?;
        let Some((mut status, sink)) = answer(&receiver, patience)? else {
            return Ok(None);
        };
        let progress = sink.progress();
        if !sink.finish(patience) {
            return Err(RemoteError::Timeout(patience));
        }
        (status.written, status.error) = progress.now(status.error);
        Ok(Some(status))
    }

    /// What the recording, or the last one, has come to.
    pub fn recording(&self, patience: Duration) -> Result<Option<RecordStatus>, RemoteError> {
        let (sender, receiver) = sync_channel(1);
        self.send(Command::RecordStatus(sender))?;
        answer(&receiver, patience)
    }

    /// Release everything and end: adverts with priority 0 are sent, addresses removed, then
    /// [`Report::Stopped`](crate::Report) comes.
    pub fn stop(&self) -> Result<(), RemoteError> {
        self.send(Command::Stop)
    }
}

fn answer<T>(receiver: &Receiver<T>, patience: Duration) -> Result<T, RemoteError> {
    receiver
        .recv_timeout(patience)
        .map_err(|error| match error {
            RecvTimeoutError::Timeout => RemoteError::Timeout(patience),
            RecvTimeoutError::Disconnected => RemoteError::Ended,
        })
}
