//! The thread of the elections: its start, and its next start when it fails.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use keepalived_driver::clock::Clock;
use keepalived_driver::{Elections, Remote, Report, Reports};
use mio::Waker;
use vrrp_fsm::Instant;

use super::{Daemon, DaemonError, STOP_CHECK_PATIENCE};
use crate::log::Level;

/// The elections thread, as seen from here.
pub(super) struct Running {
    pub(super) remote: Remote,
    pub(super) reports: Receiver<Report>,
    pub(super) thread: Option<JoinHandle<io::Result<()>>>,
    pub(super) started: Instant,
    /// For the control socket, which outlives any one elections thread.
    pub(super) shared: Arc<std::sync::Mutex<Remote>>,
}

impl Running {
    pub(super) fn start(
        config: keepalived_driver::Config,
        waker: &Arc<Waker>,
        shared: Option<Arc<std::sync::Mutex<Remote>>>,
    ) -> Result<Self, DaemonError> {
        let waker = waker.clone();
        let wake = move || {
            // Fails only if the poll is gone, that is, at the very end.
            let _ = waker.wake();
        };
        let before = shared
            .as_ref()
            .and_then(|shared| Some(shared.lock().ok()?.clone()));
        let (reports, receiver) = Reports::new(wake.clone());
        // Made on the thread it runs on, so that its memory is all in one heap: the one that
        // reading the configuration has just left behind.
        let (announce, announced) = std::sync::mpsc::sync_channel(1);
        let life = move || {
            let made = match &before {
                Some(before) => Elections::again(config, reports, before),
                None => Elections::new(config, reports),
            };
            let elections = match made {
                Ok((elections, remote)) => {
                    let _ = announce.send(Ok(remote));
                    elections
                }
                Err(error) => {
                    let _ = announce.send(Err(error));
                    return Ok(());
                }
            };
            let outcome = catch_unwind(AssertUnwindSafe(|| elections.run()));
            // The reports are gone by now: let the other loop see that.
            wake();
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        let thread = std::thread::Builder::new()
            .name("elections".to_owned())
            .spawn(life)?;
        let remote = announced.recv().map_err(|_| DaemonError::Failed)??;
        let shared = shared.unwrap_or_else(|| Arc::new(std::sync::Mutex::new(remote.clone())));
        if let Ok(mut current) = shared.lock() {
            *current = remote.clone();
        }
        Ok(Self {
            remote,
            reports: receiver,
            thread: Some(thread),
            started: Clock.now(),
            shared,
        })
    }
}

impl Daemon<'_> {
    /// The elections thread has gone without saying that it stopped: it will be started again.
    /// Addresses it left behind carry our mark and are taken over or removed.
    pub(super) fn elections_ended(&mut self) -> Result<(), DaemonError> {
        let outcome = self.elections.thread.take().map(JoinHandle::join);
        let why = match outcome {
            Some(Ok(Err(error))) => error.to_string(),
            Some(Err(_)) => "it panicked".to_owned(),
            _ => "it ended".to_owned(),
        };
        self.log
            .line(Level::Error, &format!("The elections loop failed: {why}"));
        if self.settings.no_respawn || self.stopping {
            return Err(DaemonError::Failed);
        }
        self.respawn.failed(self.elections.started, Clock.now());
        // What was sent to it and not answered is lost; the newest configuration counts.
        if let Some(loaded) = self.pending.pop_back() {
            self.pending.clear();
            self.switch_to(loaded);
        }
        Ok(())
    }

    pub(super) fn respawn(&mut self) -> Result<(), DaemonError> {
        let shared = self.elections.shared.clone();
        self.elections = Running::start(self.current.clone(), &self.waker, Some(shared))?;
        // New elections know nothing of what was found out for the old ones.
        self.watchers.stop(STOP_CHECK_PATIENCE);
        self.watchers = self.watchers.followed_by(self.elections.remote.trackers());
        self.watch();
        Ok(())
    }
}
