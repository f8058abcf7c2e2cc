//! Programs of checks, on a thread of their own: starting a program waits until it has begun, and a
//! file system may take its time with that. The deadline of a check is kept by whoever ordered it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel, sync_channel};
use std::thread;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use sans_io_time::Instant;

use super::conn::scarce;
use crate::clock::Clock;
use crate::hooks::child::{End, Job, RunningChild};
use crate::hooks::{HookCommand, Outcome};

const WAKER: Token = Token(usize::MAX);
/// Time between TERM and KILL.
const GRACE: Duration = Duration::from_secs(2);
/// The same when the loop stops.
const STOP_GRACE: Duration = Duration::from_millis(200);
/// A thread that panics again and again must not spin.
const BETWEEN_LIVES: Duration = Duration::from_millis(500);
/// What could not be started for want of a descriptor, a process or memory of ours is tried again for so long.
const SCARCE: Duration = Duration::from_secs(2);
/// While a group is being ended, its leader is looked at this often; and what was wanting.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Number of a run; never used twice.
pub(super) type RunId = usize;

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It ran; `None` for a signal.
    Exited(Option<i32>),
    /// It never began.
    NotStarted(String),
}

#[derive(Debug)]
enum Order {
    Start(RunId, Arc<HookCommand>),
    Kill(RunId),
    Launcher(Option<PathBuf>),
    Stop,
}

/// A handle on the thread. Every run that is started ends, in one way or the other.
#[derive(Debug)]
pub(super) struct Scripts {
    orders: Sender<Order>,
    waker: Arc<Waker>,
    ends: Receiver<(RunId, Ended)>,
    done: Receiver<()>,
}

impl Scripts {
    /// A thread that calls `wake` after each end.
    pub(super) fn start(wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let (orders, inbox) = channel();
        let (sender, ends) = channel();
        let (finished, done) = sync_channel(1);
        let mut post = Post {
            poll,
            _waker: Arc::clone(&waker),
            inbox,
            launcher: None,
            known: BTreeSet::new(),
            tell: Box::new(move |run, ended| {
                // The loop may be gone.
                let _ = sender.send((run, ended));
                wake();
            }),
        };
        let life = move || {
            while catch_unwind(AssertUnwindSafe(|| live(&mut post))).is_err() {
                post.give_up();
                thread::sleep(BETWEEN_LIVES);
            }
            post.give_up();
            let _ = finished.try_send(());
        };
        thread::Builder::new()
            .name("check scripts".into())
            .spawn(life)?;
        Ok(Self {
            orders,
            waker,
            ends,
            done,
        })
    }

    pub(super) fn run(&self, run: RunId, command: Arc<HookCommand>) {
        self.order(Order::Start(run, command));
    }

    /// TERM to its process group, and KILL a little later. Its end still comes.
    pub(super) fn kill(&self, run: RunId) {
        self.order(Order::Kill(run));
    }

    /// From now on scripts that need one start through this program.
    pub(super) fn set_launcher(&self, launcher: Option<PathBuf>) {
        self.order(Order::Launcher(launcher));
    }

    /// The next run that has ended.
    pub(super) fn poll_end(&self) -> Option<(RunId, Ended)> {
        self.ends.try_recv().ok()
    }

    /// Ends everything; returns when that is done, or after `patience`.
    pub(super) fn stop(&self, patience: Duration) {
        self.order(Order::Stop);
        let end = self.done.recv_timeout(patience);
        debug_assert!(end != Err(RecvTimeoutError::Disconnected));
    }

    fn order(&self, order: Order) {
        // Both fail only after the end of the thread.
        let _ = self.orders.send(order);
        let _ = self.waker.wake();
    }
}

/// Whoever ordered them is gone, perhaps by a panic: nothing of it runs on.
impl Drop for Scripts {
    fn drop(&mut self) {
        self.order(Order::Stop);
    }
}

/// What outlives a life of the thread that ended by a panic.
struct Post {
    poll: Poll,
    /// Closed with its last owner, it would take a call along that was not heard yet.
    _waker: Arc<Waker>,
    inbox: Receiver<Order>,
    launcher: Option<PathBuf>,
    /// Runs whose end was not told yet.
    known: BTreeSet<RunId>,
    tell: Box<dyn Fn(RunId, Ended) + Send>,
}

impl Post {
    fn ended(&mut self, run: RunId, ended: Ended) {
        if self.known.remove(&run) {
            (self.tell)(run, ended);
        }
    }

    /// Nobody will hear of them any more.
    fn give_up(&mut self) {
        for run in std::mem::take(&mut self.known) {
            (self.tell)(run, Ended::Exited(None));
        }
    }
}

/// A run that is to begin.
struct Wanted {
    run: RunId,
    command: Arc<HookCommand>,
    /// Until then what we lack says nothing about the server.
    until: Instant,
}

struct Run {
    command: Arc<HookCommand>,
}

impl Job for Run {
    fn command(&self) -> &HookCommand {
        &self.command
    }

    fn appended(&self) -> &[String] {
        &[]
    }
}

fn live(post: &mut Post) {
    Runner {
        children: BTreeMap::new(),
        wanting: Vec::new(),
        post,
    }
    .run();
}

struct Runner<'a> {
    post: &'a mut Post,
    children: BTreeMap<RunId, RunningChild<Run>>,
    /// What they need could not be had.
    wanting: Vec<Wanted>,
}

impl Runner<'_> {
    fn run(mut self) {
        let mut events = Events::with_capacity(256);
        loop {
            let ending = self.children.values().any(|child| !child.is_undisturbed());
            let again = ending || !self.wanting.is_empty();
            let patience = again.then_some(LOOK_AGAIN);
            if let Err(error) = self.post.poll.poll(&mut events, patience)
                && error.kind() != io::ErrorKind::Interrupted
            {
                // Nothing can be heard of any more. The next life polls anew.
                thread::sleep(LOOK_AGAIN);
            }
            let now = Clock.now();
            for event in &events {
                self.check_end(event.token().0, now);
            }
            let ending: Vec<RunId> = self
                .children
                .iter()
                .filter(|(_, child)| !child.is_undisturbed())
                .map(|(run, _)| *run)
                .collect();
            for run in ending {
                self.check_end(run, now);
            }
            for wanted in std::mem::take(&mut self.wanting) {
                self.start(wanted, now);
            }
            loop {
                match self.post.inbox.try_recv() {
                    Ok(Order::Start(run, command)) => {
                        self.post.known.insert(run);
                        let until = now.checked_add(SCARCE).unwrap_or(now);
                        self.start(
                            Wanted {
                                run,
                                command,
                                until,
                            },
                            now,
                        );
                    }
                    Ok(Order::Kill(run)) => {
                        if let Some(place) =
                            self.wanting.iter().position(|wanted| wanted.run == run)
                        {
                            self.wanting.swap_remove(place);
                            self.post.ended(run, Ended::Exited(None));
                        }
                        if let Some(child) = self.children.get_mut(&run) {
                            child.terminate(now, GRACE);
                        }
                    }
                    Ok(Order::Launcher(launcher)) => self.post.launcher = launcher,
                    Ok(Order::Stop) | Err(TryRecvError::Disconnected) => return self.stop(),
                    Err(TryRecvError::Empty) => break,
                }
            }
        }
    }

    fn start(&mut self, wanted: Wanted, now: Instant) {
        let run = wanted.run;
        let command = Arc::clone(&wanted.command);
        let groups = !command.groups.is_empty();
        let launcher = self.post.launcher.as_deref().filter(|_| groups);
        let child = match RunningChild::spawn(Run { command }, now, launcher) {
            Ok(child) => child,
            // The second is how the system says that there are processes enough.
            Err((_, error))
                if now < wanted.until
                    && (scarce(&error) || error.kind() == io::ErrorKind::WouldBlock) =>
            {
                return self.wanting.push(wanted);
            }
            Err((_, error)) => {
                return self.post.ended(run, Ended::NotStarted(error.to_string()));
            }
        };
        let fd = child.pidfd().as_raw_fd();
        let registry = self.post.poll.registry();
        match registry.register(&mut SourceFd(&fd), Token(run), Interest::READABLE) {
            Ok(()) => drop(self.children.insert(run, child)),
            Err(error) => {
                // It would end unheard.
                child.kill_now();
                self.post.ended(run, Ended::NotStarted(error.to_string()));
            }
        }
    }

    fn check_end(&mut self, run: RunId, now: Instant) {
        let Some(child) = self.children.get_mut(&run) else {
            return;
        };
        if !child.is_undisturbed() {
            child.hasten(now);
            child.handle_timeout(now);
        }
        let Some(end) = child.poll_end() else {
            return;
        };
        if let Some(child) = self.children.remove(&run) {
            let fd = child.pidfd().as_raw_fd();
            let registry = self.post.poll.registry();
            let _ = registry.deregister(&mut SourceFd(&fd));
        }
        let ended = match end {
            End::Outcome(Outcome::Exited(code)) => Ended::Exited(Some(code)),
            End::Outcome(_) => Ended::Exited(None),
            End::NotStarted(error) => Ended::NotStarted(error.to_string()),
        };
        self.post.ended(run, ended);
    }

    /// TERM to all, and a moment later KILL.
    fn stop(&mut self) {
        let begin = Clock.now();
        for child in self.children.values_mut() {
            child.terminate(begin, STOP_GRACE);
        }
        while !self.children.is_empty() {
            thread::sleep(Duration::from_millis(10));
            let now = Clock.now();
            let runs: Vec<RunId> = self.children.keys().copied().collect();
            for run in runs {
                self.check_end(run, now);
            }
            if now.saturating_duration_since(begin) > 4 * STOP_GRACE {
                break;
            }
        }
    }
}

/// A life that ends by a panic leaves no process behind.
impl Drop for Runner<'_> {
    fn drop(&mut self) {
        for (_, child) in std::mem::take(&mut self.children) {
            child.kill_now();
        }
    }
}
