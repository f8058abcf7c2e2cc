//! One running script: its process, the descriptor that tells of its end, and how it is ended.

use std::collections::BTreeSet;
use std::io;
use std::io::PipeReader;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, waitid,
};
use sans_io_time::Instant;

use super::command::HookCommand;
use super::launch;
use super::report::Outcome;

/// How far a script is on the way to its end.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// TERM was sent; KILL follows at this time.
    Terminating(Instant),
    Killed,
}

/// Children of this process that were started here and not yet collected. Where this process has to
/// collect orphans too, these must be left to those who wait for them.
static OURS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Each change is one insertion or removal, so the set is whole even after a panic.
pub(super) fn ours() -> MutexGuard<'static, BTreeSet<i32>> {
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a child was started for.
pub(crate) trait Job {
    /// The program.
    fn command(&self) -> &HookCommand;
    /// Arguments after the configured ones.
    fn appended(&self) -> &[String];
}

/// A script that was started and not yet waited for. As long as it exists its process number
/// cannot be given to another process, so signals reach the right one.
#[derive(Debug)]
pub(crate) struct RunningChild<J> {
    pub(crate) run: J,
    pub(crate) started: Instant,
    /// The log was told that it is slow.
    pub(crate) slow_told: bool,
    pid: Pid,
    child: Child,
    phase: Phase,
    pidfd: OwnedFd,
    /// Where a launcher says why it could not become the script.
    complaints: Option<PipeReader>,
    _claim: Claim,
}

/// How it came to its end.
#[derive(Debug)]
pub(crate) enum End {
    /// The script ran.
    Outcome(Outcome),
    /// It never began.
    NotStarted(io::Error),
}

impl<J: Job> RunningChild<J> {
    /// Start the script of `run`. On failure the run is given back with the reason. SCR-13.
    pub(crate) fn spawn(
        run: J,
        now: Instant,
        launcher: Option<&Path>,
    ) -> Result<Self, (J, io::Error)> {
        // Nobody may collect it before it is known to be ours.
        let mut ours = ours();
        let spawned = match launcher {
            Some(launcher) => spawn_through(&run, launcher),
            None => spawn(&run).map(|child| (child, None)),
        };
        let (child, complaints) = match spawned {
            Ok(spawned) => spawned,
            Err(error) => return Err((run, error)),
        };
        let pid = Pid::from_child(&child);
        let number = pid.as_raw_nonzero().get();
        ours.insert(number);
        drop(ours);
        let claim = Claim(number);
        // The child has not been waited for, so the number is still its own.
        match pidfd_open(pid, PidfdFlags::NONBLOCK) {
            Ok(pidfd) => Ok(Self {
                run,
                started: now,
                slow_told: false,
                pid,
                child,
                phase: Phase::Running,
                pidfd,
                complaints,
                _claim: claim,
            }),
            Err(error) => {
                // Out of descriptors, most likely. A script that cannot be watched must not run on.
                let mut child = child;
                let _ = kill_process_group(pid, Signal::KILL);
                let _ = child.wait();
                Err((run, error.into()))
            }
        }
    }

    pub(crate) fn pidfd(&self) -> &OwnedFd {
        &self.pidfd
    }

    pub(crate) fn running_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    /// Ask the whole process group to end.
    pub(crate) fn terminate(&mut self, now: Instant, grace: Duration) {
        if self.phase == Phase::Running {
            self.signal(Signal::TERM);
            self.phase = Phase::Terminating(now.checked_add(grace).unwrap_or(now));
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn kill_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Terminating(at) => Some(at),
            Phase::Running | Phase::Killed => None,
        }
    }

    /// TERM is still to be sent, if it comes to that.
    pub(crate) fn is_undisturbed(&self) -> bool {
        self.phase == Phase::Running
    }

    /// Kill the process group when its grace is over. SCR-11.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.kill_at().is_some_and(|at| at <= now) {
            self.signal(Signal::KILL);
            self.phase = Phase::Killed;
        }
    }

    /// How it ended, if it did; the process is collected then. While the group is being ended the
    /// leader is left uncollected until KILL was sent, so that the group's number stays reserved
    /// and the rest of the group is ended too.
    pub(crate) fn poll_end(&mut self) -> Option<End> {
        if matches!(self.phase, Phase::Terminating(_)) {
            return None;
        }
        match self.child.try_wait() {
            Ok(Some(status)) => Some(self.end(status)),
            Ok(None) => None,
            // Somebody else collected it: it is gone in any case, and how is not known.
            Err(_) => Some(End::Outcome(Outcome::Exited(-1))),
        }
    }

    fn end(&mut self, status: ExitStatus) -> End {
        // Its other end is closed: by becoming the script, or with the process.
        let complaints = self.complaints.take();
        if status.code() == Some(launch::FAILED)
            && let Some(error) = complaints.and_then(launch::complaint)
        {
            return End::NotStarted(error);
        }
        End::Outcome(self.outcome(status))
    }

    fn outcome(&self, status: ExitStatus) -> Outcome {
        match (self.phase, status.code(), status.signal()) {
            (Phase::Running, Some(code), _) => Outcome::Exited(code),
            (Phase::Running, None, signal) => Outcome::Signalled(signal.unwrap_or(0)),
            _ => Outcome::TimedOut,
        }
    }

    fn signal(&self, signal: Signal) {
        // The group may have no member left but the uncollected leader; that is not an error.
        let _ = kill_process_group(self.pid, signal);
    }

    /// Its leader has ended after TERM: what is left of the group need not be given more time than
    /// it took.
    pub(crate) fn hasten(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Terminating(_)) && self.leader_ended() {
            self.phase = Phase::Terminating(now);
            self.handle_timeout(now);
        }
    }

    /// Whether the leader has ended, without collecting it.
    pub(crate) fn leader_ended(&self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        matches!(waitid(WaitId::Pid(self.pid), look), Ok(Some(_)))
    }

    /// Kill the process group and collect the leader, without waiting for longer than that takes.
    pub(crate) fn kill_now(mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }

    /// End of the daemon: kill what is left of the process group, without waiting for it to be gone.
    pub(crate) fn abandon(self) -> J {
        self.signal(Signal::KILL);
        self.run
    }
}

/// As long as it exists the child is ours to collect.
#[derive(Debug)]
struct Claim(i32);

impl Drop for Claim {
    fn drop(&mut self) {
        ours().remove(&self.0);
    }
}

fn spawn(run: &impl Job) -> io::Result<Child> {
    match run.command().prepare(run.appended(), false)?.spawn() {
        // A text file without a `#!` line: the shell runs it, as keepalived does.
        Err(error) if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
            run.command().prepare(run.appended(), true)?.spawn()
        }
        other => other,
    }
}

/// Through the launcher, which can take groups and ask for a death signal.
fn spawn_through(run: &impl Job, launcher: &Path) -> io::Result<(Child, Option<PipeReader>)> {
    let (reader, writer) = io::pipe()?;
    let child = run
        .command()
        .prepare_launch(run.appended(), launcher)
        .stdout(Stdio::from(writer))
        .spawn()?;
    Ok((child, Some(reader)))
}
