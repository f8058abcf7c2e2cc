//! One running script: its process, the descriptor that tells of its end, and how it is ended.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use sans_io_time::Instant;

use super::queue::Run;
use super::report::Outcome;

/// How far a script is on the way to its end.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// TERM was sent; KILL follows at this time.
    Terminating(Instant),
    Killed,
}

/// A script that was started and not yet waited for. As long as it exists its process number
/// cannot be given to another process, so signals reach the right one.
#[derive(Debug)]
pub(super) struct RunningChild {
    pub(super) run: Run,
    pub(super) started: Instant,
    /// The log was told that it is slow.
    pub(super) slow_told: bool,
    pid: Pid,
    child: Child,
    phase: Phase,
    pidfd: OwnedFd,
}

impl RunningChild {
    /// Start the script of `run`. On failure the run is given back with the reason.
    pub(super) fn spawn(run: Run, now: Instant) -> Result<Self, (Run, io::Error)> {
        let child = match spawn(&run) {
            Ok(child) => child,
            Err(error) => return Err((run, error)),
        };
        let pid = Pid::from_child(&child);
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

    pub(super) fn pidfd(&self) -> &OwnedFd {
        &self.pidfd
    }

    pub(super) fn running_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    /// Ask the whole process group to end.
    pub(super) fn terminate(&mut self, now: Instant, grace: Duration) {
        if self.phase == Phase::Running {
            self.signal(Signal::TERM);
            self.phase = Phase::Terminating(now.checked_add(grace).unwrap_or(now));
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(super) fn kill_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Terminating(at) => Some(at),
            Phase::Running | Phase::Killed => None,
        }
    }

    /// TERM is still to be sent, if it comes to that.
    pub(super) fn is_undisturbed(&self) -> bool {
        self.phase == Phase::Running
    }

    /// Kill the process group when its grace is over.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.kill_at().is_some_and(|at| at <= now) {
            self.signal(Signal::KILL);
            self.phase = Phase::Killed;
        }
    }

    /// How it ended, if it did; the process is collected then. While the group is being ended the
    /// leader is left uncollected until KILL was sent, so that the group's number stays reserved
    /// and the rest of the group is ended too.
    pub(super) fn poll_end(&mut self) -> Option<Outcome> {
        if matches!(self.phase, Phase::Terminating(_)) {
            return None;
        }
        match self.child.try_wait() {
            Ok(Some(status)) => Some(self.outcome(status)),
            Ok(None) => None,
            // Somebody else collected it: it is gone in any case, and how is not known.
            Err(_) => Some(Outcome::Exited(-1)),
        }
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

    /// End of the daemon: ask it to end and do not wait.
    pub(super) fn abandon(self) -> Run {
        self.signal(Signal::TERM);
        self.run
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }
}

fn spawn(run: &Run) -> io::Result<Child> {
    let no_program = || io::Error::new(io::ErrorKind::InvalidInput, "no program given");
    let mut direct = run
        .command
        .prepare(&run.appended, false)
        .ok_or_else(no_program)?;
    match direct.spawn() {
        // A text file without a `#!` line: the shell runs it, as keepalived does.
        Err(error) if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => run
            .command
            .prepare(&run.appended, true)
            .ok_or_else(no_program)?
            .spawn(),
        other => other,
    }
}
