//! Check scripts (`vrrp_script`): run again and again on a thread of their own.
//!
//! A run that takes longer than its timeout has failed at that moment; its process group gets TERM,
//! and KILL two seconds later. The next run starts when the one before is gone, never beside it. A
//! program that cannot be started is a failure, with its reason (keepalived counts it as success).
//! Many scripts do not start in the same instant, and only so many run at once.

mod schedule;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Token};
use sans_io_time::Instant;
use vrrp_fsm::TrackStatus;

use super::report::TrackReport;
use super::thread::{Order, Post, WAKER};
use super::{TrackerId, TrackerSetup, Watch};
use crate::clock::Clock;
use crate::hooks::child::{End, Job, RunningChild};
use crate::hooks::{HookCommand, Outcome};
use schedule::{Ending, Schedule};

/// Most scripts that run at once: each takes a process and a descriptor.
const CONCURRENCY: usize = 256;
/// Most scripts started before ends are looked at again.
const STARTS_PER_TURN: usize = 16;
/// So many may start at once; more are spread over their interval, or a second.
const AT_ONCE: usize = 16;
const SPREAD: Duration = Duration::from_secs(1);
/// Time between TERM and KILL.
const GRACE: Duration = Duration::from_secs(2);
/// The same when the daemon stops.
const STOP_GRACE: Duration = Duration::from_millis(200);

/// The life of the thread. `launcher` starts scripts that need supplementary groups.
pub(super) fn watch(post: &mut Post, launcher: Option<&Path>) -> io::Result<()> {
    Runner {
        post,
        launcher,
        scripts: HashMap::new(),
        due: BTreeSet::new(),
        children: BTreeMap::new(),
        next_token: WAKER.0 + 1,
        crowded: false,
    }
    .run()
}

/// What a child was started for.
struct Run {
    id: TrackerId,
    command: Arc<HookCommand>,
    /// Nobody waits for its result any more: it has been judged, or its script is gone.
    forgotten: bool,
    times_out: Instant,
}

impl Job for Run {
    fn command(&self) -> &HookCommand {
        &self.command
    }

    fn appended(&self) -> &[String] {
        &[]
    }
}

struct Script {
    schedule: Schedule,
    /// Its process, if one is there.
    child: Option<Token>,
}

struct Runner<'a> {
    post: &'a mut Post,
    launcher: Option<&'a Path>,
    scripts: HashMap<TrackerId, Script>,
    /// When each is to start.
    due: BTreeSet<(Instant, TrackerId)>,
    children: BTreeMap<Token, RunningChild<Run>>,
    next_token: usize,
    /// The log was told that scripts wait for others to end.
    crowded: bool,
}

impl Runner<'_> {
    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        loop {
            let now = Clock.now();
            let timeout = self.next_timeout().map(|at| {
                let wait = at.saturating_duration_since(now);
                // Rounded up: the poll must not return just before the deadline, again and again.
                wait.saturating_add(Duration::from_micros(999))
            });
            if let Err(error) = self.post.poll.poll(&mut events, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                return Err(error);
            }
            match self.post.orders() {
                Order::Continue => {}
                Order::Watch(wanted) => self.replace(wanted),
                Order::Stop => return self.stop(),
            }
            let now = Clock.now();
            for event in &events {
                self.check_end(event.token(), now);
            }
            self.handle_timeouts(now);
            self.start_due(now);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        let start = self
            .due
            .first()
            .map(|(at, _)| *at)
            .filter(|_| self.children.len() < CONCURRENCY);
        let children = self.children.values().map(|child| {
            if child.is_undisturbed() {
                child.run.times_out
            } else {
                // One that was killed is heard of through its descriptor.
                child.kill_at().unwrap_or_else(far)
            }
        });
        children.chain(start).min()
    }

    /// Other scripts. One with the same definition goes on as if nothing had happened.
    fn replace(&mut self, wanted: Vec<Arc<TrackerSetup>>) {
        let now = Clock.now();
        let mut old = std::mem::take(&mut self.scripts);
        let count = wanted.len();
        for (position, setup) in wanted.into_iter().enumerate() {
            let Watch::Script(check) = &setup.watch else {
                continue;
            };
            let known = old.remove(&setup.id);
            let script = match known {
                Some(known) if known.schedule.setup == setup => known,
                other => {
                    self.forget(other, now);
                    let delay = start_delay(position, count, check.interval);
                    let due = now.checked_add(delay).unwrap_or(now);
                    Script {
                        schedule: Schedule::new(Arc::clone(&setup), check.clone(), due),
                        child: None,
                    }
                }
            };
            self.scripts.insert(setup.id.clone(), script);
        }
        for (_, gone) in old {
            self.forget(Some(gone), now);
        }
        let dates = self.scripts.iter();
        self.due = dates
            .map(|(id, script)| (script.schedule.due(), id.clone()))
            .collect();
        // The elections may be new too and know nothing.
        for script in self.scripts.values() {
            let schedule = &script.schedule;
            if schedule.status() != TrackStatus::Unknown {
                let door = &self.post.door;
                door.post(&schedule.setup, schedule.status(), schedule.facts());
            }
        }
    }

    /// End what runs for a script that is no more.
    fn forget(&mut self, script: Option<Script>, now: Instant) {
        let token = script.and_then(|script| script.child);
        if let Some(child) = token.and_then(|token| self.children.get_mut(&token)) {
            child.run.forgotten = true;
            child.terminate(now, GRACE);
        }
    }

    /// Starts the scripts whose time has come, TRK-02.
    fn start_due(&mut self, now: Instant) {
        for _ in 0..STARTS_PER_TURN {
            let Some((at, id)) = self.due.first().cloned() else {
                return;
            };
            if at > now {
                return;
            }
            if self.children.len() >= CONCURRENCY {
                if !std::mem::replace(&mut self.crowded, true) {
                    let running = self.children.len();
                    (self.post.say)(TrackReport::ScriptsWait { running });
                }
                return;
            }
            self.due.pop_first();
            let Some(script) = self.scripts.get_mut(&id) else {
                continue;
            };
            script.schedule.advance(now);
            self.due.insert((script.schedule.due(), id.clone()));
            if script.child.is_some() {
                if !std::mem::replace(&mut script.schedule.overlap_told, true) {
                    let name = id.name.to_string();
                    (self.post.say)(TrackReport::ScriptOverlaps { name });
                }
                continue;
            }
            script.schedule.overlap_told = false;
            let check = script.schedule.check();
            let run = Run {
                id: id.clone(),
                command: Arc::clone(&check.command),
                forgotten: false,
                times_out: now.checked_add(check.timeout).unwrap_or_else(far),
            };
            let groups = !run.command.groups.is_empty();
            let launcher = self.launcher.filter(|_| groups);
            match RunningChild::spawn(run, now, launcher) {
                Ok(child) => self.adopt(&id, child),
                Err((_, error)) => self.judge(&id, Ending::NotStarted(error.to_string())),
            }
        }
    }

    fn adopt(&mut self, id: &TrackerId, child: RunningChild<Run>) {
        // Tokens are never used twice, so a late event cannot be taken for another child's.
        let token = Token(self.next_token);
        self.next_token = self.next_token.wrapping_add(1).max(WAKER.0 + 1);
        let fd = child.pidfd().as_raw_fd();
        let registry = self.post.poll.registry();
        let registered = registry.register(&mut SourceFd(&fd), token, Interest::READABLE);
        if let Some(script) = self.scripts.get_mut(id) {
            script.child = Some(token);
        }
        self.children.insert(token, child);
        if let Err(error) = registered {
            // It would end unheard.
            self.judge(id, Ending::NotStarted(error.to_string()));
            if let Some(child) = self.children.get_mut(&token) {
                child.run.forgotten = true;
                child.terminate(Clock.now(), Duration::ZERO);
            }
        }
    }

    fn check_end(&mut self, token: Token, now: Instant) {
        let Some(child) = self.children.get_mut(&token) else {
            return;
        };
        // Once it is being ended its whole group has to go: KILL need not wait for the leader's
        // sake.
        if !child.is_undisturbed() {
            child.hasten(now);
        }
        let Some(end) = child.poll_end() else {
            return;
        };
        let Some(child) = self.children.remove(&token) else {
            return;
        };
        self.crowded = self.crowded && self.children.len() > CONCURRENCY / 2;
        let fd = child.pidfd().as_raw_fd();
        let registry = self.post.poll.registry();
        let _ = registry.deregister(&mut SourceFd(&fd));
        let id = child.run.id;
        if let Some(script) = self.scripts.get_mut(&id)
            && script.child == Some(token)
        {
            script.child = None;
        }
        if !child.run.forgotten {
            self.judge(
                &id,
                match end {
                    End::Outcome(outcome) => Ending::Ran(outcome),
                    End::NotStarted(error) => Ending::NotStarted(error.to_string()),
                },
            );
        }
    }

    fn handle_timeouts(&mut self, now: Instant) {
        let mut late = Vec::new();
        let mut ending = Vec::new();
        for (token, child) in &mut self.children {
            if child.is_undisturbed() {
                if child.run.times_out <= now {
                    child.terminate(now, GRACE);
                    if !std::mem::replace(&mut child.run.forgotten, true) {
                        late.push(child.run.id.clone());
                    }
                }
            } else {
                child.handle_timeout(now);
                ending.push(*token);
            }
        }
        // The result counts now; the process may take its time to go.
        for id in late {
            self.judge(&id, Ending::Ran(Outcome::TimedOut));
        }
        for token in ending {
            self.check_end(token, now);
        }
    }

    /// A result has come.
    fn judge(&mut self, id: &TrackerId, ending: Ending) {
        let Some(script) = self.scripts.get_mut(id) else {
            return;
        };
        let schedule = &mut script.schedule;
        let judged = schedule.judge(ending.clone());
        let name = || id.name.to_string();
        if judged.other_code
            && let Some(code) = ending.code()
        {
            (self.post.say)(TrackReport::ScriptReturns { name: name(), code });
        }
        if judged.changed {
            (self.post.say)(match ending {
                Ending::Ran(outcome) => TrackReport::ScriptChanged {
                    name: name(),
                    outcome,
                },
                Ending::NotStarted(error) => TrackReport::ScriptNotStarted {
                    name: name(),
                    error,
                },
            });
        }
        let door = &self.post.door;
        door.post(&schedule.setup, judged.status, schedule.facts());
    }

    /// End every script that runs, with TERM first.
    fn stop(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        let begin = Clock.now();
        for child in self.children.values_mut() {
            child.run.forgotten = true;
            child.terminate(begin, STOP_GRACE);
        }
        while !self.children.is_empty() {
            let poll = &mut self.post.poll;
            poll.poll(&mut events, Some(Duration::from_millis(10)))?;
            let now = Clock.now();
            let tokens: Vec<Token> = self.children.keys().copied().collect();
            for token in tokens {
                if let Some(child) = self.children.get_mut(&token) {
                    child.handle_timeout(now);
                }
                self.check_end(token, now);
            }
            if now.saturating_duration_since(begin) > 4 * STOP_GRACE {
                break;
            }
        }
        Ok(())
    }
}

/// Later than anything.
fn far() -> Instant {
    Instant::from_nanos(i64::MAX)
}

/// Many scripts do not start in the same instant.
fn start_delay(position: usize, count: usize, interval: Duration) -> Duration {
    if count <= AT_ONCE {
        return Duration::ZERO;
    }
    let share = |number| u32::try_from(number).unwrap_or(u32::MAX);
    interval.min(SPREAD) / share(count) * share(position)
}

/// A life that ends by a panic leaves no process behind.
impl Drop for Runner<'_> {
    fn drop(&mut self) {
        for (_, child) in std::mem::take(&mut self.children) {
            child.kill_now();
        }
    }
}
