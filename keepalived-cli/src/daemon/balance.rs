//! The thread of services and checks: its start, its next start when it fails, its reloads and its
//! end. Whatever becomes of it, the elections go on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use keepalived_driver::Reports;
use keepalived_driver::balance::{
    BalanceConfig, BalanceRemote, BalanceReport, BalanceSnapshot, Balancing, OnStop,
};
use keepalived_driver::clock::Clock;
use keepalived_driver::tracked::{TrackReport, TrackerDoor, Watchers};
use mio::Waker;
use vrrp_fsm::Instant;

use super::respawn::Respawn;
use super::{SNAPSHOT_PATIENCE, STOP_CHECK_PATIENCE};
use crate::log::{Level, Log};
use crate::lower::BalancePlan;
use crate::messages;

/// How long services may take to be removed at the end: thousands take the kernel a while.
const PATIENCE: Duration = Duration::from_secs(60);

/// Servers that are down, by the label of their service and their own.
pub(super) type Failed = BTreeSet<(Arc<str>, Arc<str>)>;

/// Services and checks, as the daemon sees them.
#[derive(Debug)]
pub(super) struct Balance {
    waker: Arc<Waker>,
    log: Log,
    how: BalanceSettings,
    life: Life,
    running: Option<Running>,
    /// For the control socket, which outlives any one thread.
    shared: SharedBalance,
    pub(super) plan: BalancePlan,
    /// What to switch to once the loop has taken the new configurations, in their order.
    pending: VecDeque<BalancePlan>,
    respawn: Respawn,
    watchers: Option<Watchers>,
    /// Levels that a loop that starts has to hear of.
    masters: BTreeMap<Arc<str>, bool>,
    sessions: BTreeMap<Arc<str>, bool>,
}

/// What the command line says about services.
#[derive(Clone, Debug)]
pub(super) struct BalanceSettings {
    /// They stay in the kernel at exit (`-I`).
    pub(super) keep: bool,
    /// A loop that fails is not started again (`-R`).
    pub(super) no_respawn: bool,
    /// Where it is remembered which services are ours; absent if there are to be none (`-P`).
    pub(super) services_file: Option<PathBuf>,
    /// Tells our tables of the packet filter from those of others.
    pub(super) owner: String,
}

/// Where the daemon is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    /// Told to stop, and given up at this time.
    Stopping(Instant),
    Stopped,
}

/// The thread, as seen from here.
#[derive(Debug)]
struct Running {
    remote: BalanceRemote,
    reports: Receiver<BalanceReport>,
    thread: JoinHandle<io::Result<()>>,
    started: Instant,
}

/// A handle to whichever loop runs now.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedBalance(Arc<Mutex<Option<BalanceRemote>>>);

impl SharedBalance {
    /// A copy of the state, if there is a loop and it answers.
    pub(super) fn snapshot(&self) -> Option<Box<BalanceSnapshot>> {
        let remote = self.lock().clone();
        remote?.snapshot(SNAPSHOT_PATIENCE).ok()
    }

    fn set(&self, remote: Option<BalanceRemote>) {
        *self.lock() = remote;
    }

    fn lock(&self) -> MutexGuard<'_, Option<BalanceRemote>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Balance {
    /// Starts the thread if there is anything for it to do.
    pub(super) fn start(
        plan: BalancePlan,
        how: BalanceSettings,
        waker: &Arc<Waker>,
        log: &Log,
    ) -> Self {
        let mut balance = Self {
            waker: Arc::clone(waker),
            log: log.clone(),
            how,
            life: Life::Running,
            running: None,
            shared: SharedBalance::default(),
            plan,
            pending: VecDeque::new(),
            respawn: Respawn::default(),
            watchers: None,
            masters: BTreeMap::new(),
            sessions: BTreeMap::new(),
        };
        // What a run that was killed has left is to be removed, even if nothing else is to be done.
        let file = balance.how.services_file.as_ref();
        if balance.plan.wanted || file.is_some_and(|file| file.exists()) {
            balance.launch(Vec::new(), Failed::new());
        }
        balance
    }

    /// For the control socket.
    pub(super) fn shared(&self) -> SharedBalance {
        self.shared.clone()
    }

    /// For dumps.
    pub(super) fn snapshot(&self) -> Option<Box<BalanceSnapshot>> {
        self.shared.snapshot()
    }

    /// What the command line has to say is said.
    fn complete(&self, mut config: BalanceConfig) -> BalanceConfig {
        if self.how.keep {
            config.on_stop = OnStop::Keep;
        }
        config.services_file.clone_from(&self.how.services_file);
        let beside = |file: &PathBuf| file.with_extension("marks");
        config.marks_file = self.how.services_file.as_ref().map(beside);
        config.marks.owner.clone_from(&self.how.owner);
        config
    }

    /// Starts the loop. What it finds of `adopt` in the kernel, and does not want, it removes; who had
    /// failed has to prove that it works.
    fn launch(&mut self, adopt: Vec<ipvs::ServiceKey>, failed: Failed) {
        let mut config = self.complete(self.plan.config.clone());
        config.adopt = adopt;
        config.failed = failed;
        let now = Clock.now();
        match Running::start(config, &self.waker) {
            Ok(running) => {
                for (name, master) in &self.masters {
                    running.remote.set_master(name, *master);
                }
                for (name, up) in &self.sessions {
                    running.remote.set_bfd(name, *up);
                }
                self.shared.set(Some(running.remote.clone()));
                let door = running.remote.trackers();
                self.watchers = Some(match &self.watchers {
                    Some(old) => old.followed_by(door),
                    None => self.watchers(door),
                });
                self.running = Some(running);
                self.watch();
            }
            Err(error) => {
                let line = format!("Services and checks cannot be started: {error}");
                self.log.line(Level::Error, &line);
                if !self.how.no_respawn {
                    self.respawn.failed(now, now);
                }
            }
        }
    }

    /// Nobody yet.
    fn watchers(&self, door: TrackerDoor) -> Watchers {
        let log = self.log.clone();
        let say = move |report: TrackReport| {
            let (level, line) = messages::track(&report);
            log.line(level, &line);
        };
        Watchers::new(door, say).with_launcher(crate::daemonize::THIS_PROGRAM)
    }

    /// Have the files read that checks look at.
    fn watch(&mut self) {
        let Some(watchers) = &mut self.watchers else {
            return;
        };
        if let Err(error) = watchers.watch(&self.plan.files) {
            let line = format!("Files cannot be watched for checks: {error}");
            self.log.line(Level::Error, &line);
        }
    }

    /// The next thing the loop tells.
    pub(super) fn next_report(&mut self) -> Option<BalanceReport> {
        let running = self.running.as_ref()?;
        match running.reports.try_recv() {
            Ok(report) => {
                match &report {
                    BalanceReport::Reloaded { .. } => {
                        if let Some(plan) = self.pending.pop_front() {
                            let old = std::mem::replace(&mut self.plan, plan);
                            self.plan.inherit(old);
                            self.watch();
                        }
                    }
                    BalanceReport::Stopped => self.ended(),
                    _ => {}
                }
                Some(report)
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.failed();
                None
            }
        }
    }

    /// The thread has said that it stopped.
    fn ended(&mut self) {
        self.shared.set(None);
        if let Some(mut watchers) = self.watchers.take() {
            watchers.stop(STOP_CHECK_PATIENCE);
        }
        if let Some(running) = self.running.take()
            && running.thread.join().is_err()
        {
            let line = "The balancing loop panicked while it stopped";
            self.log.line(Level::Error, line);
        }
        self.life = Life::Stopped;
    }

    /// The thread has gone without saying that it stopped: it will be started again. What it left in
    /// the kernel goes on meanwhile, and is taken over.
    fn failed(&mut self) {
        self.shared.set(None);
        if let Some(watchers) = &mut self.watchers {
            watchers.stop(STOP_CHECK_PATIENCE);
        }
        let Some(running) = self.running.take() else {
            return;
        };
        let why = match running.thread.join() {
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it panicked".to_owned(),
            Ok(Ok(())) => "it ended".to_owned(),
        };
        let line = format!("The balancing loop failed: {why}; the elections go on");
        self.log.line(Level::Error, &line);
        if self.life == Life::Running && !self.how.no_respawn {
            self.respawn.failed(running.started, Clock.now());
        } else {
            self.life = Life::Stopped;
        }
    }

    /// How long the daemon may sleep.
    pub(super) fn patience(&self, now: Instant) -> Option<Duration> {
        let end = match self.life {
            Life::Stopping(until) => Some(until.saturating_duration_since(now)),
            _ => None,
        };
        self.respawn.patience(now).into_iter().chain(end).min()
    }

    /// Starts the loop again when it is time for that.
    pub(super) fn look(&mut self, now: Instant, failed: impl FnOnce() -> Failed) {
        if self.life == Life::Running && self.respawn.take_due(now) {
            let (known, failed) = (keys(&self.plan), failed());
            // What was sent to the old one and not answered is lost; the newest one counts.
            if let Some(plan) = self.pending.pop_back() {
                self.pending.clear();
                self.plan = plan;
            }
            self.launch(known, failed);
        }
        if let Life::Stopping(until) = self.life
            && until <= now
        {
            let line = "The services could not be removed in time; some may be left";
            self.log.line(Level::Error, line);
            self.life = Life::Stopped;
        }
    }

    /// Run this plan from now on.
    pub(super) fn reload(&mut self, plan: BalancePlan) {
        let config = self.complete(plan.config.clone());
        match &self.running {
            Some(running) => match running.remote.reload(config) {
                Ok(()) => self.pending.push_back(plan),
                Err(error) => {
                    let line = format!("Cannot reload the services: {error}");
                    self.log.line(Level::Error, &line);
                }
            },
            None => {
                let known = keys(&self.plan);
                self.plan = plan;
                let waits = self.respawn.patience(Clock.now()).is_some();
                if self.plan.wanted && !waits && self.life == Life::Running {
                    self.launch(known, Failed::new());
                }
            }
        }
    }

    /// Remove the services and end.
    pub(super) fn stop(&mut self) {
        let Some(running) = &self.running else {
            self.life = Life::Stopped;
            return;
        };
        let now = Clock.now();
        self.life = Life::Stopping(now.checked_add(PATIENCE).unwrap_or(now));
        if let Err(error) = running.remote.stop() {
            let line = format!("Cannot stop the services: {error}");
            self.log.line(Level::Error, &line);
            self.life = Life::Stopped;
        }
    }

    /// Nothing more will come.
    pub(super) fn has_stopped(&self) -> bool {
        self.life == Life::Stopped
    }

    /// It was told to stop.
    pub(super) fn is_stopping(&self) -> bool {
        matches!(self.life, Life::Stopping(_))
    }

    /// A virtual router is master, or not.
    pub(super) fn set_master(&mut self, name: &Arc<str>, master: bool) {
        self.masters.insert(Arc::clone(name), master);
        if let Some(running) = &self.running {
            running.remote.set_master(name, master);
        }
    }

    /// A BFD session is up, or down.
    pub(super) fn set_bfd(&mut self, name: &Arc<str>, up: bool) {
        self.sessions.insert(Arc::clone(name), up);
        if let Some(running) = &self.running {
            running.remote.set_bfd(name, up);
        }
    }

    /// The process has used more time than it may under real-time scheduling.
    pub(super) fn leave_realtime(&self) {
        if let Some(running) = &self.running
            && let Err(error) = running.remote.leave_realtime()
        {
            let line = format!("Cannot leave real-time scheduling: {error}");
            self.log.line(Level::Error, &line);
        }
    }
}

/// Every service of the kernel that a plan wants.
fn keys(plan: &BalancePlan) -> Vec<ipvs::ServiceKey> {
    let services = plan.config.services.iter();
    services
        .flat_map(|service| service.services.iter().map(|one| one.key))
        .collect()
}

impl Running {
    fn start(config: BalanceConfig, waker: &Arc<Waker>) -> io::Result<Self> {
        let waker = Arc::clone(waker);
        let wake = move || {
            // Fails only if the poll is gone, that is, at the very end.
            let _ = waker.wake();
        };
        let (reports, receiver) = Reports::new(wake.clone());
        // Made on the thread it runs on, so that its memory is all in one heap.
        let (announce, announced) = sync_channel(1);
        let life = move || {
            let balancing = match Balancing::new(config, reports) {
                Ok((balancing, remote)) => {
                    let _ = announce.send(Ok(remote));
                    balancing
                }
                Err(error) => {
                    let _ = announce.send(Err(error));
                    return Ok(());
                }
            };
            let outcome = catch_unwind(AssertUnwindSafe(|| balancing.run()));
            // The reports are gone by now: let the other loop see that.
            wake();
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        let thread = std::thread::Builder::new()
            .name("balance".to_owned())
            .spawn(life)?;
        let gone = |_| io::Error::other("the thread ended at once");
        let remote = announced.recv().map_err(gone)??;
        Ok(Self {
            remote,
            reports: receiver,
            thread,
            started: Clock.now(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use healthcheck::{Schedule, Target};
    use ipvs::{Destination, Forward, Protocol, Service, ServiceKey};
    use keepalived_driver::balance::{CheckSetup, ProbeSetup, ServerSetup, ServiceSetup};
    use keepalived_driver::fuzzing::balance_panic;

    use super::*;
    use crate::log::LogSettings;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn server(label: &str, to: SocketAddr) -> ServerSetup {
        let mut server = ServerSetup::new(label, Destination::new(to, Forward::Masquerade, 1));
        let mut schedule = Schedule::every(Duration::from_millis(50));
        schedule.retries = 0;
        let timeout = Duration::from_secs(5);
        let target = Target::new(to);
        server.checks = vec![CheckSetup::new(
            ProbeSetup::Tcp { target, timeout },
            schedule,
        )];
        server
    }

    /// Reports until one fits; what is due in between is done.
    fn until<T>(
        balance: &mut Balance,
        poll: &mut mio::Poll,
        failed: &Failed,
        fits: impl Fn(&BalanceReport) -> Option<T>,
    ) -> T {
        let end = Clock.now().checked_add(PATIENCE).unwrap();
        let mut events = mio::Events::with_capacity(4);
        while Clock.now() < end {
            balance.look(Clock.now(), || failed.clone());
            while let Some(report) = balance.next_report() {
                if let Some(found) = fits(&report) {
                    return found;
                }
            }
            let patience = balance.patience(Clock.now());
            let patience = patience.unwrap_or(PATIENCE).min(Duration::from_secs(1));
            poll.poll(&mut events, Some(patience)).unwrap();
        }
        panic!("nothing of the kind was reported within {PATIENCE:?}");
    }

    /// A bug ends one life of the loop; the next one knows who had failed, and goes on.
    #[test]
    fn a_loop_that_panicked_is_started_again_and_who_had_failed_stays_failed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let good = listener.local_addr().unwrap();
        std::thread::spawn(move || while listener.accept().is_ok() {});
        // Nobody listens there any more, and no other test gets a port of this address.
        let closed = TcpListener::bind("127.77.0.1:0").unwrap();
        let bad = closed.local_addr().unwrap();
        drop(closed);
        let key = ServiceKey::address(Protocol::TCP, "192.0.2.1:80".parse().unwrap());
        let service = Service::new(key, "rr".parse().unwrap());
        let servers = vec![server("good", good), server("bad", bad)];
        let mut config = BalanceConfig::new(vec![ServiceSetup::new("v", vec![service], servers)]);
        // Not the kernel of whoever runs the tests.
        config.namespace = Some("/nonexistent/namespace".into());
        config.load_module = None;
        let plan = BalancePlan::of(config);
        let how = BalanceSettings {
            keep: false,
            no_respawn: false,
            services_file: None,
            owner: "keepalived_rs".to_owned(),
        };
        let log = Log::start(&LogSettings {
            console: false,
            syslog: None,
            file: None,
            flush_file: false,
            detail: false,
            tag_suffix: String::new(),
        });
        let mut poll = mio::Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), mio::Token(0)).unwrap());
        let mut balance = Balance::start(plan, how, &waker, &log.unwrap());
        let started = |report: &BalanceReport| match report {
            BalanceReport::Started { up, .. } => Some(up.clone()),
            _ => None,
        };
        let nobody = Failed::new();
        let up = until(&mut balance, &mut poll, &nobody, started);
        assert_eq!(up, [true, true]);
        let label = until(&mut balance, &mut poll, &nobody, |report| match report {
            BalanceReport::ServerDown { server, .. } => Some(server.setup()?.label.clone()),
            _ => None,
        });
        assert_eq!(&*label, "bad");
        balance_panic(&balance.running.as_ref().unwrap().remote);
        let failed: Failed = [(Arc::from("v"), label)].into();
        let up = until(&mut balance, &mut poll, &failed, started);
        assert_eq!(up, [true, false], "it was not believed in anew");
        // The new one checks, and ends in order.
        let _listener = TcpListener::bind(bad).unwrap();
        until(&mut balance, &mut poll, &failed, |report| match report {
            BalanceReport::ServerUp { server } => Some(server.setup()?.label.clone()),
            _ => None,
        });
        balance.stop();
        until(&mut balance, &mut poll, &failed, |report| {
            matches!(report, BalanceReport::Stopped).then_some(())
        });
        assert!(balance.has_stopped());
    }
}
