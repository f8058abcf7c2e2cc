//! The thread of the elections: its start, and its next start when it fails.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;
use std::time::Duration;

use keepalived_driver::clock::Clock;
use keepalived_driver::{Elections, Remote, Report, Reports};
use mio::Waker;
use vrrp_fsm::Instant;

use super::{Daemon, DaemonError, STOP_CHECK_PATIENCE};
use crate::log::Level;

/// How long it may take to remove what a loop that failed has left.
const CLEAR_PATIENCE: Duration = Duration::from_secs(20);

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

    /// The elections will not run again: what they have set in the kernel goes. Where they do not run any more, a loop that
    /// wants nothing takes it over, by our mark, and stops.
    pub(super) fn clear(&mut self) {
        let runs = self.elections.thread.is_some();
        if !runs && self.settings.keep_addresses {
            return;
        }
        let outcome = if runs {
            drop(self.elections.remote.stop());
            self.wait_for_end(&self.elections)
        } else {
            let clearing = self.start_clearing();
            let clearing = clearing.map_err(|error| error.to_string());
            clearing.and_then(|clearing| self.wait_for_end(&clearing))
        };
        if let Err(error) = outcome {
            let line = format!("What the elections had set could not be removed: {error}");
            self.log.line(Level::Error, &line);
        }
    }

    /// Waits until the elections have stopped, and stops them once they know what there is.
    fn wait_for_end(&self, elections: &Running) -> Result<(), String> {
        let end = Clock.now().checked_add(CLEAR_PATIENCE);
        loop {
            let left = end.map(|end| end.saturating_duration_since(Clock.now()));
            match elections.reports.recv_timeout(left.unwrap_or_default()) {
                Ok(Report::Ready) => drop(elections.remote.stop()),
                Ok(Report::Stopped) => return Ok(()),
                Ok(Report::Trouble { message }) => self.log.line(Level::Error, &message),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    fn start_clearing(&self) -> Result<Running, DaemonError> {
        let mut nothing = keepalived_driver::Config::new(Vec::new());
        nothing.tag = self.current.tag;
        nothing
            .settings_file
            .clone_from(&self.current.settings_file);
        nothing.firewall = self.current.firewall.clone();
        Running::start(nothing, &self.waker, None)
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
