//! One script, run to its end while nothing else runs yet, or nothing runs any more.

use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::child::{End, RunningChild};
use super::queue::Run;
use super::{HookCommand, HookSettings, ObjectId, Outcome, Trigger};
use crate::clock::Clock;

/// Run `command` and wait for its end; after `limit` it gets TERM, and KILL a little later. For
/// scripts before the start of everything and after the end of it: nothing else goes on meanwhile.
///
/// # Errors
///
/// When it could not be started.
pub fn run_once(
    command: &HookCommand,
    settings: &HookSettings,
    limit: Duration,
) -> io::Result<Outcome> {
    let clock = Clock;
    let begin = clock.now();
    let run = Run {
        object: ObjectId::Daemon,
        trigger: Trigger::Stop,
        command: command.clone().into(),
        appended: Vec::new(),
    };
    let spawned = RunningChild::spawn(run, begin, settings.launcher.as_deref());
    let mut child = spawned.map_err(|(_, error)| error)?;
    let end = begin.checked_add(limit).unwrap_or(begin);
    loop {
        match child.poll_end() {
            Some(End::Outcome(outcome)) => return Ok(outcome),
            Some(End::NotStarted(error)) => return Err(error),
            None => {}
        }
        let now = clock.now();
        if now >= end {
            child.terminate(now, settings.grace);
        }
        child.handle_timeout(now);
        let next = child
            .kill_at()
            .or_else(|| child.is_undisturbed().then_some(end));
        wait(&child, next.map(|at| at.saturating_duration_since(now)));
    }
}

/// Until the child ends or this long; a child that was asked to end is looked at again and again,
/// because its group is waited for too.
fn wait(child: &RunningChild<Run>, patience: Option<Duration>) {
    const LOOK_AGAIN: Duration = Duration::from_millis(20);
    let patience = match patience {
        Some(patience) if child.is_undisturbed() => {
            patience.saturating_add(Duration::from_millis(1))
        }
        _ => LOOK_AGAIN,
    };
    let mut watched = [PollFd::new(child.pidfd(), PollFlags::IN)];
    if child.is_undisturbed() {
        let patience = Timespec::try_from(patience).ok();
        // Interrupted: the loop looks again.
        let _ = poll(&mut watched, patience.as_ref());
    } else {
        std::thread::sleep(patience);
    }
}
