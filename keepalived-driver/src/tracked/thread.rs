//! A thread that watches: told what to watch, started again when a bug has ended it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use mio::{Events, Poll, Token, Waker};

use super::report::TrackReport;
use super::{TrackerDoor, TrackerSetup};

/// The token under which a watcher hears that it is wanted.
pub(super) const WAKER: Token = Token(0);
/// A watcher that panics again and again must not spin.
const BETWEEN_LIVES: Duration = Duration::from_millis(500);
/// What the system refuses it may grant later.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Where watchers put what is worth a log line.
pub(super) type Say = Arc<dyn Fn(TrackReport) + Send + Sync>;

/// What a watcher is told.
#[derive(Debug, Default)]
pub(super) struct Orders {
    /// What to watch.
    wanted: Vec<Arc<TrackerSetup>>,
    /// It has changed since the watcher looked.
    changed: bool,
    stop: bool,
}

/// A watcher's side of the thread.
pub(super) struct Post {
    pub(super) poll: Poll,
    pub(super) door: TrackerDoor,
    pub(super) say: Say,
    orders: Arc<Mutex<Orders>>,
}

/// What a watcher has to do now.
pub(super) enum Order {
    /// Go on.
    Continue,
    /// Watch these.
    Watch(Vec<Arc<TrackerSetup>>),
    /// End.
    Stop,
}

impl Post {
    /// What is wanted now; to be asked after every wake-up.
    pub(super) fn orders(&self) -> Order {
        let mut orders = lock(&self.orders);
        if orders.stop {
            return Order::Stop;
        }
        if std::mem::take(&mut orders.changed) {
            return Order::Watch(orders.wanted.clone());
        }
        Order::Continue
    }
}

/// A handle on the thread.
pub(super) struct Watcher {
    orders: Arc<Mutex<Orders>>,
    waker: Arc<Waker>,
    ended: Receiver<()>,
}

impl Watcher {
    /// Start a thread that runs `life` until it ends in order. A life that panics is followed by
    /// another one, which is told everything anew.
    pub(super) fn start(
        what: &'static str,
        door: TrackerDoor,
        say: Say,
        life: impl Fn(&mut Post) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let orders = Arc::new(Mutex::new(Orders::default()));
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let (sender, ended) = sync_channel(1);
        let mut post = Post {
            poll,
            door,
            say,
            orders: Arc::clone(&orders),
        };
        thread::Builder::new().name(what.into()).spawn(move || {
            loop {
                let outcome = catch_unwind(AssertUnwindSafe(|| life(&mut post)));
                match outcome {
                    Ok(Ok(())) => break,
                    Ok(Err(error)) => {
                        let error = error.to_string();
                        (post.say)(TrackReport::Failed { what, error });
                        // Or until there is something new to try.
                        let mut events = Events::with_capacity(4);
                        let _ = post.poll.poll(&mut events, Some(AFTER_FAILURE));
                    }
                    Err(_) => {
                        (post.say)(TrackReport::Restarted { what });
                        thread::sleep(BETWEEN_LIVES);
                    }
                }
                let mut orders = lock(&post.orders);
                orders.changed = true;
                if orders.stop {
                    break;
                }
            }
            // Nobody listening any more is fine.
            let _ = sender.try_send(());
        })?;
        Ok(Self {
            orders,
            waker,
            ended,
        })
    }

    /// Watch these from now on.
    pub(super) fn watch(&self, wanted: Vec<Arc<TrackerSetup>>) {
        let mut orders = lock(&self.orders);
        orders.wanted = wanted;
        orders.changed = true;
        drop(orders);
        self.wake();
    }

    /// End, within `patience` if the thread can.
    pub(super) fn stop(&self, patience: Duration) {
        lock(&self.orders).stop = true;
        self.wake();
        let _ = self.ended.recv_timeout(patience);
    }

    fn wake(&self) {
        // Fails only if the thread's poll is gone, that is, after its end.
        let _ = self.waker.wake();
    }
}

/// Each change of the orders is whole, so a panic elsewhere leaves them in order.
fn lock(orders: &Mutex<Orders>) -> MutexGuard<'_, Orders> {
    orders.lock().unwrap_or_else(PoisonError::into_inner)
}
