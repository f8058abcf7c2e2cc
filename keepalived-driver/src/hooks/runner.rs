//! The hooks thread: starts what may run, hears of ends through process descriptors, and ends what
//! takes too long.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use sans_io_time::Instant;
use signal_hook::consts::SIGCHLD;
use signal_hook_mio::v1_0::Signals;

use super::child::{End, RunningChild, ours};
use super::queue::Run;
use super::readers::{Ended, Readers};
use super::report::HookReport;
use super::{HookSettings, Shared, Trigger, lock};
use crate::clock::Clock;

const WAKER: Token = Token(0);
const ORPHANS: Token = Token(1);
const FIRST_CHILD: usize = 2;

/// While the daemon stops, a script of an earlier state that holds up the stop script gets this
/// long before TERM, and again before KILL.
const STOP_GRACE: Duration = Duration::from_millis(250);

pub(super) struct Runner<F> {
    settings: HookSettings,
    shared: Arc<Mutex<Shared>>,
    report: F,
    poll: Poll,
    children: BTreeMap<Token, RunningChild<Run>>,
    readers: Readers,
    next_token: usize,
    orphans: Option<Signals>,
    clock: Clock,
    /// When the stop began, and when to end at the latest.
    stopping: Option<(Instant, Instant)>,
}

impl<F: FnMut(HookReport)> Runner<F> {
    pub(super) fn new(
        settings: HookSettings,
        shared: Arc<Mutex<Shared>>,
        report: F,
    ) -> io::Result<(Self, Arc<Waker>)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let orphans = if settings.reap_orphans {
            let mut signals = Signals::new([SIGCHLD])?;
            poll.registry()
                .register(&mut signals, ORPHANS, Interest::READABLE)?;
            Some(signals)
        } else {
            None
        };
        let runner = Self {
            settings,
            shared,
            report,
            poll,
            children: BTreeMap::new(),
            readers: Readers::default(),
            next_token: FIRST_CHILD,
            orphans,
            clock: Clock,
            stopping: None,
        };
        Ok((runner, waker))
    }

    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(128);
        loop {
            let now = self.clock.now();
            let timeout = self.next_timeout().map(|at| {
                // Rounded up: the poll must not return just before the deadline, again and again.
                at.saturating_duration_since(now)
                    .saturating_add(Duration::from_millis(1))
            });
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                // Cannot happen with a valid descriptor; without a poll there is nothing to do.
                return;
            }
            let now = self.clock.now();
            for event in &events {
                match event.token() {
                    WAKER => {}
                    ORPHANS => self.reap_orphans(),
                    token => self.check_end(token, now),
                }
            }
            self.notice_stop(now);
            self.take_readers(now);
            self.handle_timeouts(now);
            self.tell_dropped();
            self.start_ready(now);
            self.start_readers(now);
            if self.may_end(now) {
                self.abandon_rest();
                return;
            }
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        let queues = &lock(&self.shared).queues;
        let children = self.children.values().filter_map(|child| {
            if !child.is_undisturbed() {
                return child.kill_at();
            }
            let waits = queues.is_waited_for(&child.run.object);
            self.deadline(child, waits)
        });
        children
            .chain(self.stopping.map(|(_, end)| end))
            .chain(self.readers.next_timeout())
            .min()
    }

    /// When something is to be done about a script that runs undisturbed.
    fn deadline(&self, child: &RunningChild<Run>, waited_for: bool) -> Option<Instant> {
        let after = |duration: Duration| child.started.checked_add(duration);
        if child.run.trigger == Trigger::Read {
            // It sees the end of its pipe, and may end by itself; else it is asked to.
            return self
                .stopping
                .and_then(|(begin, _)| begin.checked_add(STOP_GRACE));
        }
        let limit = child.run.command.limit.and_then(after);
        let patience = after(self.settings.patience).filter(|_| waited_for || !child.slow_told);
        let earlier = child.run.trigger != Trigger::Stop;
        let stop = self
            .stopping
            .filter(|_| waited_for && earlier)
            .map(|(begin, _)| begin.checked_add(STOP_GRACE).unwrap_or(begin));
        limit.into_iter().chain(patience).chain(stop).min()
    }

    fn handle_timeouts(&mut self, now: Instant) {
        let mut ended = Vec::new();
        let mut slow = Vec::new();
        for (token, child) in &mut self.children {
            child.handle_timeout(now);
            if child.is_undisturbed() {
                continue;
            }
            ended.push(*token);
        }
        for token in ended {
            self.check_end(token, now);
        }
        let overdue: Vec<_> = {
            let queues = &lock(&self.shared).queues;
            self.children
                .iter()
                .filter(|(_, child)| child.is_undisturbed())
                .filter_map(|(token, child)| {
                    let waits = queues.is_waited_for(&child.run.object);
                    let due = self.deadline(child, waits).is_some_and(|at| at <= now);
                    due.then_some((*token, waits))
                })
                .collect()
        };
        let grace = if self.stopping.is_some() {
            STOP_GRACE
        } else {
            self.settings.grace
        };
        for (token, waited_for) in overdue {
            let Some(child) = self.children.get_mut(&token) else {
                continue;
            };
            let running = child.running_for(now);
            if waited_for
                || child.run.trigger == Trigger::Read
                || child
                    .run
                    .command
                    .limit
                    .is_some_and(|limit| limit <= running)
            {
                child.terminate(now, grace);
            } else {
                child.slow_told = true;
                slow.push(HookReport::Slow {
                    object: child.run.object.clone(),
                    command: child.run.command.display(),
                    running,
                });
            }
        }
        slow.into_iter().for_each(&mut self.report);
    }

    fn check_end(&mut self, token: Token, now: Instant) {
        let Some(child) = self.children.get_mut(&token) else {
            return;
        };
        if child.run.trigger == Trigger::Read {
            // The next reader of its pipe waits.
            child.hasten(now);
        }
        let Some(end) = child.poll_end() else {
            return;
        };
        let Some(child) = self.children.remove(&token) else {
            return;
        };
        let took = child.running_for(now);
        let _ = self
            .poll
            .registry()
            .deregister(&mut SourceFd(&child.pidfd().as_raw_fd()));
        let run = child.run;
        let command = run.command.display();
        match self.readers.ended(token, now) {
            Ended::NoReader => lock(&self.shared).queues.done(&run.object),
            Ended::Dismissed if self.stopping.is_none() => {
                return (self.report)(HookReport::Dismissed {
                    object: run.object,
                    command,
                });
            }
            Ended::Dismissed | Ended::ByItself => {}
        }
        (self.report)(match end {
            End::Outcome(outcome) => HookReport::Ended {
                object: run.object,
                trigger: run.trigger,
                command,
                outcome,
                took,
            },
            End::NotStarted(error) => HookReport::NotStarted {
                object: run.object,
                trigger: run.trigger,
                command,
                error,
            },
        });
    }

    fn start_ready(&mut self, now: Instant) {
        while self
            .children
            .len()
            .saturating_sub(self.readers.running().len())
            < self.settings.concurrency.max(1)
        {
            // The lock is not held while a process is made.
            let Some(run) = lock(&self.shared).queues.next() else {
                return;
            };
            match RunningChild::spawn(run, now, self.settings.launcher.as_deref()) {
                Ok(child) => drop(self.watch(child)),
                Err((run, error)) => {
                    lock(&self.shared).queues.done(&run.object);
                    (self.report)(HookReport::NotStarted {
                        command: run.command.display(),
                        object: run.object,
                        trigger: run.trigger,
                        error,
                    });
                }
            }
        }
    }

    /// What a reload wants: those that run end first.
    fn take_readers(&mut self, now: Instant) {
        let wanted = lock(&self.shared).readers.take();
        if let Some(wanted) = wanted {
            for token in self.readers.set(wanted) {
                if let Some(child) = self.children.get_mut(&token) {
                    child.terminate(now, self.settings.grace);
                }
            }
        }
        if self.stopping.is_some() {
            self.readers.stop();
        }
    }

    fn start_readers(&mut self, now: Instant) {
        while let Some((index, run)) = self.readers.next(now) {
            match RunningChild::spawn(run, now, self.settings.launcher.as_deref()) {
                Ok(child) => {
                    let token = self.watch(child);
                    self.readers.started(index, token, now);
                }
                Err((run, error)) => {
                    self.readers.failed(index, now);
                    (self.report)(HookReport::NotStarted {
                        command: run.command.display(),
                        object: run.object,
                        trigger: run.trigger,
                        error,
                    });
                }
            }
        }
    }

    fn watch(&mut self, child: RunningChild<Run>) -> Token {
        let token = Token(self.next_token);
        // Tokens are never used twice, so a late event cannot be taken for another child's.
        self.next_token = self.next_token.wrapping_add(1).max(FIRST_CHILD);
        let fd = child.pidfd().as_raw_fd();
        let registered =
            self.poll
                .registry()
                .register(&mut SourceFd(&fd), token, Interest::READABLE);
        self.children.insert(token, child);
        if registered.is_err() {
            // It would end unheard; ending it now is bounded by the grace, which polls.
            let now = self.clock.now();
            if let Some(child) = self.children.get_mut(&token) {
                child.terminate(now, Duration::ZERO);
            }
        }
        token
    }

    fn tell_dropped(&mut self) {
        while let Some(dropped) = { lock(&self.shared).queues.poll_dropped() } {
            (self.report)(HookReport::Superseded {
                object: dropped.object,
                dropped: dropped.triggers,
                by: dropped.by,
            });
        }
    }

    /// NOTI-02.
    fn notice_stop(&mut self, now: Instant) {
        if self.stopping.is_none()
            && let Some(patience) = lock(&self.shared).stop
        {
            self.stopping = Some((now, now.checked_add(patience).unwrap_or(now)));
        }
    }

    fn may_end(&self, now: Instant) -> bool {
        let Some((_, end)) = self.stopping else {
            return false;
        };
        end <= now || (lock(&self.shared).queues.is_idle() && self.readers.is_idle())
    }

    fn abandon_rest(&mut self) {
        for run in lock(&self.shared).queues.drain_waiting() {
            (self.report)(HookReport::Abandoned {
                command: run.command.display(),
                object: run.object,
                trigger: run.trigger,
                started: false,
            });
        }
        // A moment for those that listen; then nothing of them may outlive the daemon.
        let now = self.clock.now();
        for child in self.children.values_mut() {
            child.terminate(now, STOP_GRACE);
        }
        let end = now.checked_add(STOP_GRACE).unwrap_or(now);
        while self.clock.now() < end && !self.children.values().all(RunningChild::leader_ended) {
            std::thread::sleep(Duration::from_millis(5));
        }
        for (_, child) in std::mem::take(&mut self.children) {
            let run = child.abandon();
            (self.report)(HookReport::Abandoned {
                command: run.command.display(),
                object: run.object,
                trigger: run.trigger,
                started: true,
            });
        }
    }

    /// Collect processes that the kernel gave to us because their own parent is gone.
    fn reap_orphans(&mut self) {
        if let Some(signals) = &mut self.orphans {
            signals.pending().for_each(drop);
        }
        // Check scripts are children too. No new one can come while this is held.
        let ours = ours();
        for pid in children_of_this_process() {
            if !ours.contains(&pid.as_raw_nonzero().get()) {
                // Still alive, or gone already: both are fine.
                let _ = waitid(
                    WaitId::Pid(pid),
                    WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
                );
            }
        }
    }
}

/// Every child of every thread of this process.
fn children_of_this_process() -> Vec<Pid> {
    let Ok(threads) = fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| {
            list.split_ascii_whitespace()
                .filter_map(|word| word.parse().ok().and_then(Pid::from_raw))
                .collect::<Vec<_>>()
        })
        .collect()
}
