//! The kernel's side: a thread that keeps the table of IPVS as wanted.
//!
//! The kernel works a request off within the send, and some take it long (to stop a sync daemon it waits
//! for a thread of its own), so they are not sent by the thread that checks. That one says what is
//! wanted, a level for each service, and is told what came of it.

mod life;
mod remembered;
mod socket;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use ipvs::{
    Destination, Info, KernelError, Op, Service, ServiceKey, SyncDaemon, SyncRole, Timeouts,
};

use super::config::OnStop;
use super::snapshot::IpvsSnapshot;
use crate::clock::Clock;
use crate::namespace;
use remembered::Remembered;
#[cfg(feature = "fuzzing")]
pub(super) use remembered::reread as reread_services;

/// A thread that panics again and again must not spin.
const BETWEEN_LIVES: Duration = Duration::from_millis(500);
/// Pieces of news that may wait to be fetched.
const MOST_NEWS: usize = 4096;

/// A service and its destinations, shared with who wants them.
pub(super) type Wanted = (Service, Arc<[Destination]>);

/// What is to be heard of.
#[derive(Clone, Debug)]
pub(super) enum KernelNews {
    Available(Info),
    /// `missing`: loading the module may help.
    Unavailable {
        error: String,
        missing: bool,
    },
    Repaired {
        repairs: Vec<Op>,
        unsaid: u64,
    },
    Refused(Op, KernelError),
    Daemon(SyncRole, bool),
    Trouble(String),
}

/// What is wanted of the kernel.
#[derive(Debug, Default)]
struct Wants {
    table: BTreeMap<ServiceKey, Wanted>,
    /// Services that have changed since the thread looked.
    dirty: BTreeSet<ServiceKey>,
    /// Services that this daemon has put at some time.
    ours: BTreeSet<ServiceKey>,
    timeouts: Timeouts,
    daemons: Vec<SyncDaemon>,
    verify: Duration,
    /// Empty the table first.
    flush: bool,
    /// Look again whether there is an IPVS.
    retry: bool,
    /// Something of all this is new.
    changed: bool,
    stop: Option<OnStop>,
    /// Go, and leave everything as it is.
    leave: bool,
}

/// What both sides see.
struct Shared {
    wants: Mutex<Wants>,
    wake: Condvar,
    facts: Mutex<IpvsSnapshot>,
    news: Mutex<VecDeque<KernelNews>>,
    /// Tells the other side that there is news.
    tell: Box<dyn Fn() + Send + Sync>,
}

impl Shared {
    fn wants(&self) -> MutexGuard<'_, Wants> {
        lock(&self.wants)
    }

    fn facts(&self) -> MutexGuard<'_, IpvsSnapshot> {
        lock(&self.facts)
    }

    fn say(&self, piece: KernelNews) {
        let mut news = lock(&self.news);
        if news.len() < MOST_NEWS {
            news.push_back(piece);
            drop(news);
            (self.tell)();
        }
    }
}

/// Each change is whole, so a panic elsewhere leaves things in order.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A handle on the thread. Dropped, it ends the thread and leaves the table as it is.
pub(super) struct Kernel {
    shared: Arc<Shared>,
    done: Receiver<()>,
}

/// How the thread begins.
#[derive(Debug)]
pub(super) struct Start {
    /// The network namespace, by its file.
    pub(super) namespace: Option<PathBuf>,
    /// Empty the table first.
    pub(super) flush: bool,
    /// Count these as ours.
    pub(super) adopt: Vec<ServiceKey>,
    /// Where it is remembered which are ours.
    pub(super) file: Option<PathBuf>,
}

impl Kernel {
    /// A thread that wants nothing yet and calls `tell` when it has news.
    pub(super) fn start(start: Start, tell: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        let wants = Wants {
            ours: start.adopt.into_iter().collect(),
            flush: start.flush,
            ..Wants::default()
        };
        let shared = Arc::new(Shared {
            wants: Mutex::new(wants),
            wake: Condvar::new(),
            facts: Mutex::default(),
            news: Mutex::default(),
            tell: Box::new(tell),
        });
        let (finished, done) = sync_channel(1);
        let (here, namespace, file) = (Arc::clone(&shared), start.namespace, start.file);
        thread::Builder::new().name("ipvs".into()).spawn(move || {
            run(&here, namespace.as_ref(), file);
            // Nobody listening any more is fine.
            let _ = finished.try_send(());
        })?;
        Ok(Self { shared, done })
    }

    /// From now on these services are to be like this, or not to be.
    pub(super) fn update(&self, changes: impl IntoIterator<Item = (ServiceKey, Option<Wanted>)>) {
        let mut wants = self.shared.wants();
        let mut any = false;
        for (key, wanted) in changes {
            let same = match &wanted {
                Some(wanted) => wants.table.get(&key) == Some(wanted),
                None => !wants.table.contains_key(&key),
            };
            if same {
                continue;
            }
            any = true;
            match wanted {
                Some(wanted) => drop(wants.table.insert(key, wanted)),
                None => drop(wants.table.remove(&key)),
            }
            wants.ours.insert(key);
            wants.dirty.insert(key);
        }
        if any {
            self.notify(wants);
        }
    }

    #[cfg(test)]
    pub(super) fn wanted(&self, key: &ServiceKey) -> Option<Vec<Destination>> {
        let wants = self.shared.wants();
        wants.table.get(key).map(|(_, servers)| servers.to_vec())
    }

    /// Settings of the whole balancer.
    pub(super) fn set(&self, timeouts: Timeouts, daemons: Vec<SyncDaemon>, verify: Duration) {
        let mut wants = self.shared.wants();
        if (wants.timeouts, &wants.daemons, wants.verify) != (timeouts, &daemons, verify) {
            wants.timeouts = timeouts;
            wants.daemons = daemons;
            wants.verify = verify;
            self.notify(wants);
        }
    }

    /// Something was done about a kernel without IPVS.
    pub(super) fn retry(&self) {
        let mut wants = self.shared.wants();
        wants.retry = true;
        self.notify(wants);
    }

    pub(super) fn poll_news(&self) -> Option<KernelNews> {
        lock(&self.shared.news).pop_front()
    }

    pub(super) fn snapshot(&self) -> IpvsSnapshot {
        // In this order: what is taken over in between is not settled any more.
        let wants = self.shared.wants();
        let destinations = wants
            .table
            .values()
            .map(|(_, destinations)| destinations.len());
        let destinations = destinations.sum();
        let (services, waits) = (wants.table.len(), !wants.dirty.is_empty());
        drop(wants);
        let mut snapshot = self.shared.facts().clone();
        snapshot.services = services;
        snapshot.destinations = destinations;
        snapshot.settled &= !waits;
        snapshot
    }

    /// Begins the end: what is ours is removed, or not.
    pub(super) fn begin_stop(&self, how: OnStop) {
        let mut wants = self.shared.wants();
        wants.stop = Some(how);
        self.notify(wants);
    }

    /// Waits for the end. `false` if it does not come within `patience`.
    pub(super) fn ended(&self, patience: Duration) -> bool {
        self.done.recv_timeout(patience) != Err(RecvTimeoutError::Timeout)
    }

    fn notify(&self, mut wants: MutexGuard<'_, Wants>) {
        wants.changed = true;
        drop(wants);
        self.shared.wake.notify_one();
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        self.shared.wants().leave = true;
        self.shared.wake.notify_one();
    }
}

fn run(shared: &Arc<Shared>, namespace: Option<&PathBuf>, file: Option<PathBuf>) {
    if let Some(path) = namespace
        && let Err(error) = namespace::enter(path)
    {
        // Another table than the one that was meant must not be touched.
        let error = format!("cannot enter the namespace {}: {error}", path.display());
        shared.facts().unavailable = Some(error.clone());
        let missing = false;
        shared.say(KernelNews::Unavailable { error, missing });
        return;
    }
    // Not before: what it says is of one namespace.
    let (mut remembered, trouble) = Remembered::read(file);
    shared.wants().ours.extend(remembered.keys());
    if let Some(trouble) = trouble {
        shared.say(KernelNews::Trouble(trouble));
    }
    while catch_unwind(AssertUnwindSafe(|| life::live(shared, &mut remembered))).is_err() {
        let mut wants = shared.wants();
        let all: Vec<ServiceKey> = wants.table.keys().copied().collect();
        wants.dirty.extend(all);
        wants.changed = true;
        if wants.leave || wants.stop.is_some() {
            return;
        }
        drop(wants);
        shared.say(KernelNews::Trouble(
            "the thread for IPVS had died and was started again".into(),
        ));
        thread::sleep(BETWEEN_LIVES);
    }
}
