//! The balancing loop: checks and their deadlines on one thread that waits for nothing but its own
//! poll.
//!
//! One turn: read the clock once; read what is ready; take levels, results and commands; then
//! expired deadlines; then carry out what the checks came to; then sleep until the next deadline.
//! Answers come before timers because a process that was stopped for seconds must hear the answer in
//! its socket before it decides that there was none.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::os::fd::AsRawFd;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use ipvs::{ServiceKey, SyncDaemon, SyncRole};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sans_io_time::Instant;

use super::agenda::Agenda;
use super::checks::Checks;
use super::config::{BalanceConfig, OnStop};
use super::kernel::{Kernel, Start};
use super::marker::Marker;
use super::numbers::Numbers;
use super::presence::Presence;
use super::remote::{BalanceRemote, Command, Masters};
use super::report::BalanceReport;
use super::scripts::{RunId, Scripts};
use super::service::RunningService;
use crate::clock::Clock;
use crate::reports::Reports;
use crate::timer::Timer;
use crate::tracked::TrackerDoor;
use crate::turning::Turning;

const TIMER: Token = Token(0);
const WAKER: Token = Token(1);
const MONITOR: Token = Token(2);
const COMMAND: Token = Token(3);
/// Tokens of sockets begin here.
const FIRST_TOKEN: usize = 16;

/// Descriptors that are left for everything but checks.
const RESERVE: u64 = 512;
/// No more than one word in this time about a turn that is late.
const BETWEEN_WORDS: Duration = Duration::from_secs(10);
/// How long programs may take to end at stop.
const SCRIPTS_PATIENCE: Duration = Duration::from_secs(2);
/// How long the kernel may take at stop.
const KERNEL_PATIENCE: Duration = Duration::from_secs(40);
/// How long last reports may wait for their reader.
const REPORTS_PATIENCE: u32 = 200;
/// How long it may take to load the module.
pub(super) const MODULE_PATIENCE: Duration = Duration::from_secs(10);

/// The balancing loop. Own the outer loop by calling [`turn`](Self::turn), or give it a thread with
/// [`run`](Self::run).
///
/// Dropped, also by a panic, it leaves the kernel's table as it is. The next one takes over what
/// its configuration wants; name what it does not want any more in [`BalanceConfig::adopt`].
pub struct Balancing {
    pub(super) clock: Clock,
    poll: Poll,
    events: Events,
    timer: Timer,
    waker: Arc<Waker>,
    commands: Receiver<Command>,
    pub(super) reports: Reports<BalanceReport>,
    pub(super) config: BalanceConfig,

    pub(super) checks: Checks,
    pub(super) services: BTreeMap<u64, RunningService>,
    /// In the order of the configuration.
    pub(super) order: Vec<u64>,
    pub(super) next_service: u64,
    /// Who has which of the kernel's services. Of two that want one the first keeps it.
    pub(super) owners: HashMap<ServiceKey, u64>,
    /// Services whose placements may have changed in this turn.
    pub(super) dirty: BTreeSet<u64>,
    /// When services have drained servers.
    pub(super) drains: Agenda<u64>,

    pub(super) kernel: Kernel,
    pub(super) marker: Marker,
    /// The program that loads the module, and until when it may.
    pub(super) module: Option<(RunId, Instant)>,
    pub(super) module_tried: bool,
    pub(super) scripts: Scripts,
    trackers: TrackerDoor,
    masters: Masters,
    presence: Option<Presence>,
    /// The first word about addresses has come.
    presence_known: bool,

    pub(super) started_wall: SystemTime,
    deadline: Option<Instant>,
    /// There is more to do than was done in a turn.
    busy: bool,
    ready_reported: bool,
    pub(super) turns: u64,
    pub(super) thread: Turning,
}

impl std::fmt::Debug for Balancing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Balancing")
            .field("services", &self.services.len())
            .field("turns", &self.turns)
            .finish_non_exhaustive()
    }
}

impl Balancing {
    /// A loop that runs `config`, and the handle to it. The network namespace of the checks is that of
    /// the calling thread.
    ///
    /// # Errors
    /// What the system refuses: a descriptor, a thread.
    pub fn new(
        mut config: BalanceConfig,
        reports: Reports<BalanceReport>,
    ) -> io::Result<(Self, BalanceRemote)> {
        let clock = Clock;
        let poll = Poll::new()?;
        let timer = Timer::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let fd = timer.as_raw_fd();
        poll.registry()
            .register(&mut SourceFd(&fd), TIMER, Interest::READABLE)?;
        let (remote, commands) = BalanceRemote::new(Arc::clone(&waker));
        let start = Start {
            namespace: config.namespace.clone(),
            flush: config.flush_at_start,
            adopt: std::mem::take(&mut config.adopt),
            file: config.services_file.take(),
        };
        let (numbers, unbelieved) = Numbers::read(config.marks_file.take());
        let marker = Marker::new(Arc::clone(&waker), start.namespace.clone(), numbers);
        let wake = Arc::clone(&waker);
        let kernel = Kernel::start(start, move || drop(wake.wake()))?;
        // Not from the thread of the loop, whose scheduling is not for programs.
        let wake = Arc::clone(&waker);
        let scripts = Scripts::start(move || drop(wake.wake()))?;
        let checks = Checks::new(poll.registry().try_clone()?, FIRST_TOKEN);
        let mut balancing = Self {
            clock,
            poll,
            events: Events::with_capacity(1024),
            timer,
            waker,
            commands,
            reports,
            config: BalanceConfig::new(Vec::new()),
            checks,
            services: BTreeMap::new(),
            order: Vec::new(),
            next_service: 0,
            owners: HashMap::new(),
            dirty: BTreeSet::new(),
            drains: Agenda::new(),
            kernel,
            marker,
            module: None,
            module_tried: false,
            scripts,
            trackers: remote.trackers(),
            masters: remote.masters(),
            presence: None,
            presence_known: false,
            started_wall: clock.wall(),
            deadline: None,
            busy: true,
            ready_reported: false,
            turns: 0,
            thread: Turning::new("The balancing thread", BETWEEN_WORDS),
        };
        if let Some(trouble) = unbelieved {
            balancing.trouble(trouble);
        }
        balancing.apply(clock.now(), config)?;
        Ok((balancing, remote))
    }

    /// Turn until told to stop.
    ///
    /// # Errors
    /// The poll itself failed, which leaves nothing to wait with.
    pub fn run(mut self) -> io::Result<()> {
        while self.turn()? {}
        Ok(())
    }

    /// One turn: wait for something, handle it, do what follows. False: stopped in order.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub fn turn(&mut self) -> io::Result<bool> {
        for line in self.thread.settle(&self.config.thread) {
            self.trouble(line);
        }
        let mut patience = self.busy.then_some(Duration::ZERO);
        while let Err(error) = self.poll.poll(&mut self.events, patience) {
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
            patience = Some(Duration::ZERO);
        }
        let now = self.clock.now();
        self.turns += 1;
        let (late, raised) = self.thread.begin(now, self.deadline);
        if let Some(by) = late {
            self.reports.push(BalanceReport::Late { by });
        }
        if let Some(line) = raised {
            self.trouble(line);
        }
        if !std::mem::replace(&mut self.ready_reported, true) {
            self.reports.push(BalanceReport::Ready);
        }
        for event in &self.events {
            match event.token() {
                TIMER => self.timer.fired(),
                WAKER | MONITOR | COMMAND => {}
                _ => self.checks.handle_ready(event, now),
            }
        }
        self.checks.handle_unread(now);
        self.read_levels(now);
        let more_addresses = self.read_addresses(now);
        self.read_ends(now);
        self.read_kernel(now);
        if !self.read_commands(now) {
            self.stop();
            return Ok(false);
        }
        let more_checks = self.checks.handle_due(now);
        self.handle_drains(now);
        self.handle_module(now);
        self.settle_marks(now);
        self.settle(now);
        self.reports.flush();
        self.busy = more_checks || more_addresses;
        self.deadline = [
            self.checks.next_timeout(now),
            self.drains.next(),
            self.module.map(|(_, until)| until),
            self.presence.as_ref().and_then(Presence::next_timeout),
            self.reports.next_timeout(now),
        ]
        .into_iter()
        .flatten()
        .min();
        self.timer.arm(self.deadline)?;
        Ok(true)
    }

    pub(super) fn trouble(&mut self, text: String) {
        self.reports.push(BalanceReport::Trouble { text });
    }

    /// How files and sessions are, and who is master.
    fn read_levels(&mut self, now: Instant) {
        let Some(news) = self.trackers.take_news() else {
            // Somebody has the lock just now: come back.
            let _ = self.waker.wake();
            return;
        };
        for (setup, status) in news {
            self.checks.handle_level(&setup.id, status, now);
        }
        if self.config.sync.is_some() {
            self.settle_kernel();
        }
    }

    /// What the whole of the kernel's balancer is to be.
    pub(super) fn settle_kernel(&self) {
        let daemons = self.daemons();
        let config = &self.config;
        self.kernel.set(config.timeouts, daemons, config.verify);
    }

    /// IPVS-OPS-06.
    fn daemons(&self) -> Vec<SyncDaemon> {
        let Some(sync) = &self.config.sync else {
            return Vec::new();
        };
        let masters = self.masters.lock();
        let masters = masters.unwrap_or_else(PoisonError::into_inner);
        let roles = match &sync.instance {
            None => vec![SyncRole::Master, SyncRole::Backup],
            Some(instance) if masters.get(instance) == Some(&true) => vec![SyncRole::Master],
            Some(_) => vec![SyncRole::Backup],
        };
        let daemon = |role| SyncDaemon {
            role,
            ..sync.daemon.clone()
        };
        roles.into_iter().map(daemon).collect()
    }

    /// LVS-16. Whether there may be more to read.
    fn read_addresses(&mut self, now: Instant) -> bool {
        let Some(presence) = &mut self.presence else {
            return false;
        };
        let (any, more) = presence.turn(now);
        if any && presence.is_ready() {
            self.presence_known = true;
            for id in self.order.clone() {
                self.settle_suspension(id, now);
                self.tell_suspension(id);
            }
        }
        more
    }

    /// Whether the checks of a service rest. They do until the addresses are known.
    pub(super) fn rests(&self, setup: &super::ServiceSetup) -> bool {
        let mut addresses = setup.suspend_without.iter();
        let presence = self.presence.as_ref().filter(|_| self.presence_known);
        let here =
            |address: &std::net::IpAddr| presence.is_some_and(|presence| presence.has(*address));
        !setup.suspend_without.is_empty() && !addresses.any(here)
    }

    fn settle_suspension(&mut self, id: u64, now: Instant) {
        let Some(service) = self.services.get(&id) else {
            return;
        };
        let rests = self.rests(&service.setup);
        if rests == service.suspended {
            return;
        }
        let Some(service) = self.services.get_mut(&id) else {
            return;
        };
        service.suspended = rests;
        for server in &service.servers {
            for check in &server.checks {
                self.checks.suspend(*check, rests, now);
            }
        }
    }

    /// Says whether checks rest, once that is known, and if it is not what was said before.
    pub(super) fn tell_suspension(&mut self, id: u64) {
        let Some(service) = self.services.get_mut(&id).filter(|_| self.presence_known) else {
            return;
        };
        let on = service.suspended;
        if std::mem::replace(&mut service.suspension_told, on) != on {
            let service = Arc::clone(&service.setup);
            self.reports.push(BalanceReport::Suspended { service, on });
        }
    }

    /// Listens for addresses from the time on when somebody wants to know.
    pub(super) fn settle_presence(&mut self, now: Instant) {
        let wanted = self
            .config
            .services
            .iter()
            .any(|service| !service.suspend_without.is_empty());
        if wanted && self.presence.is_none() {
            match Presence::open(self.poll.registry(), MONITOR, COMMAND, now) {
                Ok(presence) => {
                    self.presence = Some(presence);
                    self.busy = true;
                }
                Err(error) => self.trouble(format!("cannot listen for addresses: {error}")),
            }
        }
    }

    fn read_ends(&mut self, now: Instant) {
        while let Some((run, ended)) = self.scripts.poll_end() {
            if self.module.is_some_and(|(module, _)| module == run) {
                self.module = None;
                self.kernel.retry();
            } else {
                self.checks.handle_end(run, ended, now);
            }
        }
    }

    /// False when told to stop.
    fn read_commands(&mut self, now: Instant) -> bool {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Reload(config) => {
                    // What came before the reload counts by the old configuration.
                    self.settle(now);
                    if let Err(error) = self.apply(now, *config) {
                        self.trouble(format!("reload: {error}"));
                    }
                }
                Command::Snapshot(reply) => {
                    self.settle(now);
                    // The asker may have gone; that is its own affair.
                    let _ = reply.try_send(Box::new(self.snapshot()));
                }
                Command::LeaveRealtime => {
                    if let Some(line) = self.thread.leave_realtime() {
                        self.trouble(line);
                    }
                }
                Command::Stop => return false,
                #[cfg(feature = "fuzzing")]
                Command::Panic => panic!("told to"),
            }
        }
        true
    }

    /// Most attempts at once: what is wanted, and what there are descriptors for.
    pub(super) fn settle_limits(&mut self) {
        let wanted = u64::try_from(self.config.concurrency).unwrap_or(u64::MAX);
        let needed = wanted.saturating_add(RESERVE);
        let limit = getrlimit(Resource::Nofile);
        if limit.current.is_some_and(|current| current < needed) {
            let current = limit.maximum.map_or(needed, |most| most.min(needed));
            let maximum = limit.maximum;
            let current = Some(current);
            // If not, there are fewer at once.
            let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
        }
        let there = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let most = wanted.min(there.saturating_sub(RESERVE).max(there / 2));
        let sockets = usize::try_from(most).unwrap_or(usize::MAX);
        self.checks
            .set_limits(sockets, self.config.script_concurrency);
    }

    /// LVS-13, and what the configuration says about the table.
    pub(super) fn stop(&mut self) {
        for id in self.order.clone() {
            if let Some(service) = self.services.get_mut(&id) {
                service.pool.stop();
            }
            self.tell_pool(id, self.clock.now());
        }
        self.reports.flush();
        self.kernel.begin_stop(self.config.on_stop);
        self.scripts.stop(SCRIPTS_PATIENCE);
        if !self.kernel.ended(KERNEL_PATIENCE) {
            self.trouble(format!(
                "the kernel did not do within {KERNEL_PATIENCE:?} what it was to do at the end"
            ));
        }
        if self.config.on_stop != OnStop::Keep {
            // After the services: packets that are marked for none go as if they were not.
            if let Err(error) = self.marker.remove() {
                self.trouble(format!("the marks of packets stay: {error}"));
            }
            if let Some(trouble) = self.marker.forget() {
                self.trouble(trouble);
            }
        }
        self.read_kernel(self.clock.now());
        self.reports.push(BalanceReport::Stopped);
        for _ in 0..REPORTS_PATIENCE {
            self.reports.flush();
            if self.reports.next_timeout(self.clock.now()).is_none() {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
