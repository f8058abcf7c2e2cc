//! The daemon's own loop: everything that may take its time.
//!
//! Signals, the log, scripts, dumps, the control socket and reading the configuration live here,
//! away from the elections and from services and checks, which run on threads of their own and are
//! spoken to through queues.

mod around;
mod awaited;
mod balance;
mod changes;
mod elections;
mod reload;
mod reports;
mod respawn;
mod servers;
mod watching;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::TryRecvError;
use std::time::Duration;

use keepalived_driver::clock::Clock;
use keepalived_driver::control::{Control, ControlSettings, Peer};
use keepalived_driver::hooks::{HookSet, Hooks, Trigger};
use keepalived_driver::recording::RecordSettings;
use keepalived_driver::tracked::{ProcessBuffer, Watchers};
use keepalived_driver::{InstanceLabel, Remote, Report, Snapshot, StartError};
use mio::{Events, Interest, Poll, Token, Waker};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU};
use signal_hook_mio::v1_0::Signals;

use crate::alerts::Alerts;
use crate::dump::{self, DumpSettings};
use crate::load::{ConfigSource, Loaded};
use crate::log::{Level, Log};
use crate::lower::{Around, BalancePlan};
use crate::messages;
use crate::record;
use crate::service;
use crate::signals::{self, SIGJSON, SIGSTATS_CLEAR};
use crate::status::{self, SharedRefusal};

pub(crate) use around::run_around;
pub(crate) use reload::{Standing, says_nothing};

use around::hook_settings;
use awaited::Awaited;
use balance::{Balance, BalanceSettings, SharedBalance};
use changes::{complain, keep_copy, without_bfd};
use elections::Running;
use reload::{Appointment, Copies};
use respawn::Respawn;
use servers::Told;
use watching::{process_buffer, watchers};

const SIGNALS: Token = Token(0);
const REPORTS: Token = Token(1);
/// How long a copy of the state may take to come.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(2);
/// How long `notify_stop` scripts are waited for.
const STOP_SCRIPT_PATIENCE: Duration = Duration::from_secs(1);
/// How long check scripts that run at the end are waited for.
const STOP_CHECK_PATIENCE: Duration = Duration::from_secs(1);
/// How the daemon is run.
#[derive(Debug)]
pub(crate) struct DaemonSettings {
    /// The configuration.
    pub(crate) source: ConfigSource,
    /// Where dumps go.
    pub(crate) dumps: DumpSettings,
    /// The control socket; none if it is switched off.
    pub(crate) control: Option<ControlSettings>,
    /// Marks our addresses in the kernel.
    pub(crate) tag: netlink_vip::Tag,
    /// And our tables of nftables.
    pub(crate) owner: String,
    /// Record what the elections hear and do.
    pub(crate) record: Option<RecordSettings>,
    /// Leave the addresses in place at exit.
    pub(crate) keep_addresses: bool,
    /// A failure of the elections loop ends the daemon.
    pub(crate) no_respawn: bool,
    /// The log has room for details.
    pub(crate) detail: bool,
    /// Every address that comes or goes is worth a line (`-a`).
    pub(crate) addresses: bool,
    /// VRRP is not to be run.
    pub(crate) no_vrrp: bool,
    /// Services and checks are not to be run.
    pub(crate) no_checkers: bool,
    /// BFD is not to be run.
    pub(crate) no_bfd: bool,
    /// Leave the services in the kernel at exit.
    pub(crate) keep_services: bool,
    /// The network namespace of the command line.
    pub(crate) namespace: Option<String>,
    /// Where the pid file is.
    pub(crate) pid_folder: PathBuf,
    /// Remembers what settings of the kernel were.
    pub(crate) settings_file: PathBuf,
    /// Remembers which services of the kernel are ours.
    pub(crate) services_file: PathBuf,
    /// Run last of all.
    pub(crate) shutdown: Option<Around>,
}

impl DaemonSettings {
    /// What the command line, not the file, says about the elections.
    fn complete(&self, config: &mut keepalived_driver::Config) {
        config.tag = self.tag;
        config.firewall.owner.clone_from(&self.owner);
        config.settings_file = Some(self.settings_file.clone());
        config.record.clone_from(&self.record);
        config.keep_addresses = self.keep_addresses;
        config.report_announcements = self.detail;
        config.report_addresses = self.addresses;
        if self.no_vrrp {
            config.instances.clear();
            config.groups.clear();
        }
        if self.no_checkers {
            config.firewall.beside = None;
        }
        if self.no_bfd {
            config.bfd.clear();
            config.bfd_reflector = None;
        }
    }

    /// And about services and checks.
    fn complete_balance(&self, plan: &mut BalancePlan) {
        if self.no_checkers {
            plan.clear();
        }
        if self.no_bfd {
            plan.settle_without_bfd();
        }
    }
}

/// Why the daemon could not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DaemonError {
    #[error(transparent)]
    Elections(#[from] StartError),
    #[error("the daemon could not be set up: {0}")]
    Io(#[from] io::Error),
    #[error("the elections loop failed and must not be started again")]
    Failed,
}

/// Run until told to stop. `started` is called once everything is set up.
pub(crate) fn run(
    settings: DaemonSettings,
    loaded: Loaded,
    log: &Log,
    started: impl FnOnce() -> io::Result<()>,
) -> Result<(), DaemonError> {
    let mut daemon = Daemon::start(settings, loaded, log)?;
    started()?;
    loop {
        // A panic here must not take the elections with it.
        match catch_unwind(AssertUnwindSafe(|| daemon.turn())) {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => break,
            Ok(Err(error)) => {
                daemon.clear();
                daemon.stop_services();
                return Err(error);
            }
            Err(_) => log.line(Level::Error, "A bug in the housekeeping was survived"),
        }
    }
    if let Some(script) = daemon.finish() {
        run_around("shutdown", &script, log);
    }
    log.line(Level::Info, "Stopped");
    Ok(())
}

struct Daemon<'a> {
    settings: DaemonSettings,
    log: &'a Log,
    poll: Poll,
    events: Events,
    signals: Signals,
    waker: Arc<Waker>,
    elections: Running,
    hooks: Hooks,
    watchers: Watchers,
    process_buffer: ProcessBuffer,
    hook_sets: BTreeMap<Arc<str>, HookSet>,
    group_hook_sets: BTreeMap<Arc<str>, HookSet>,
    alerts: Alerts,
    awaited: Awaited,
    /// The last known effective priorities, for the scripts that run after the elections.
    priorities: BTreeMap<Arc<str>, u8>,
    /// What to switch to once the elections have taken the new configurations, in their order.
    pending: VecDeque<Loaded>,
    current: keepalived_driver::Config,
    control: Option<Control>,
    refusal: SharedRefusal,
    standing: Standing,
    copies: Copies,
    appointment: Option<Appointment>,
    stopping: bool,
    elections_stopped: bool,
    respawn: Respawn,
    balance: Balance,
    told: Told,
}

impl<'a> Daemon<'a> {
    fn start(settings: DaemonSettings, loaded: Loaded, log: &'a Log) -> Result<Self, DaemonError> {
        let poll = Poll::new()?;
        let known = [
            SIGTERM,
            SIGINT,
            SIGHUP,
            SIGUSR1,
            SIGUSR2,
            SIGXCPU,
            SIGJSON(),
            SIGSTATS_CLEAR(),
        ];
        // The others would end the process with its addresses still set.
        let mut signals = Signals::new(known.into_iter().chain(signals::to_ignore()))?;
        poll.registry()
            .register(&mut signals, SIGNALS, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), REPORTS)?);
        complain(log, &loaded);
        if settings.no_bfd {
            without_bfd(log, &settings, &loaded.model);
        }
        if loaded.has_errors() {
            let path = settings.source.path().display();
            let line = format!(
                "{path} has errors: what is wrong is left out, and a reload of it will be refused"
            );
            log.line(Level::Warning, &line);
        }
        let Loaded {
            model,
            lowered,
            text,
            ..
        } = loaded;
        let mut copies = Copies::default();
        copies.set_folder(&model);
        keep_copy(log, &copies, text.as_deref());
        let buffer = process_buffer(&model.global);
        let standing = Standing::new(&model);
        let appointment = Appointment::new(&model);
        // Before the threads begin: the memory of a large configuration goes back to the system only if
        // nothing has been put behind it.
        drop((model, text));
        let mut current = lowered.driver;
        settings.complete(&mut current);
        let elections = Running::start(current.clone(), &waker, None)?;
        let hook_log = log.clone();
        let hooks = Hooks::start(hook_settings(), move |report| {
            if let Some((level, line)) = messages::hook(&report) {
                hook_log.line(level, &line);
            }
        })?;
        let mut plan = lowered.balance;
        settings.complete_balance(&mut plan);
        let how = BalanceSettings {
            keep: settings.keep_services,
            no_respawn: settings.no_respawn,
            services_file: (!settings.no_checkers).then(|| settings.services_file.clone()),
            owner: settings.owner.clone(),
        };
        let balance = Balance::start(plan, how, &waker, log);
        let mut alerts = Alerts::new(log);
        alerts.set(lowered.alerts, &hooks);
        let watchers = watchers(&elections.remote, buffer, log);
        let refusal = SharedRefusal::default();
        let control = settings.control.clone().and_then(|control| {
            let (refusal, no_bfd) = (refusal.clone(), settings.no_bfd);
            let shared = elections.shared.clone();
            let services = balance.shared();
            let path = control.path.clone();
            let counted = log.clone();
            Control::start(control, move |request, peer| {
                let own = status::Own {
                    lines_lost: counted.lines_lost(),
                    no_bfd,
                    refusal: &refusal,
                };
                answer(request, peer, &shared, &services, own, &counted)
            })
            .inspect_err(|error| {
                let path = path.display();
                log.line(
                    Level::Warning,
                    &format!("No control socket at {path}: {error}"),
                );
            })
            .ok()
        });
        let mut daemon = Self {
            settings,
            log,
            poll,
            events: Events::with_capacity(16),
            signals,
            waker,
            elections,
            hooks,
            watchers,
            process_buffer: buffer,
            hook_sets: lowered.hooks,
            group_hook_sets: lowered.group_hooks,
            alerts,
            awaited: Awaited::default(),
            priorities: BTreeMap::new(),
            pending: VecDeque::new(),
            current,
            control,
            refusal,
            standing,
            copies,
            appointment,
            stopping: false,
            elections_stopped: false,
            respawn: Respawn::default(),
            balance,
            told: Told::default(),
        };
        daemon.watch();
        Ok(daemon)
    }

    /// Have everything watched that the current configuration tracks.
    fn watch(&mut self) {
        if let Err(error) = self.watchers.watch(&self.current.trackers) {
            let line = format!("Tracked objects cannot be watched: {error}");
            self.log.line(Level::Error, &line);
        }
    }

    /// Wait for something and handle it. False: stopped.
    fn turn(&mut self) -> Result<bool, DaemonError> {
        let respawn = self.respawn.patience(Clock.now());
        let look = self.appointment.as_ref().map(|_| reload::LOOK);
        let balance = self.balance.patience(Clock.now());
        let patience = respawn.into_iter().chain(look).chain(balance).min();
        match self.poll.poll(&mut self.events, patience) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        if self.respawn.take_due(Clock.now()) {
            self.respawn()?;
        }
        self.look_for_appointment();
        let signals: Vec<i32> = self.signals.pending().collect();
        for signal in signals {
            self.handle_signal(signal);
        }
        self.balance.look(Clock.now(), || self.told.failed());
        let burst = self.log.burst();
        while let Some(report) = self.balance.next_report() {
            self.handle_balance_report(&report);
        }
        drop(burst);
        self.settle_balance();
        loop {
            // The addresses have gone; now the services may.
            if self.elections_stopped {
                self.stop_balance();
                return Ok(!self.balance.has_stopped());
            }
            match self.elections.reports.try_recv() {
                Ok(Report::Stopped) => self.elections_stopped = true,
                Ok(report) => self.handle_report(&report),
                Err(TryRecvError::Empty) => return Ok(true),
                Err(TryRecvError::Disconnected) => break,
            }
        }
        if self.elections.thread.is_some() {
            self.elections_ended()?;
        }
        if self.stopping {
            // No elections run that would have to say that they stopped.
            self.clear();
            self.elections_stopped = true;
            self.stop_balance();
            return Ok(!self.balance.has_stopped());
        }
        Ok(true)
    }

    fn handle_signal(&mut self, signal: i32) {
        match signal {
            SIGTERM | SIGINT => self.stop(),
            SIGHUP => self.reload(),
            SIGUSR1 => {
                self.dump("data", dump::data);
                self.dump_balance();
            }
            SIGUSR2 => self.dump("statistics", dump::stats),
            // The kernel repeats it as long as a loop goes on without a pause.
            SIGXCPU => {
                self.tell("leave real-time scheduling", Remote::leave_realtime);
                self.balance.leave_realtime();
            }
            other if other == SIGJSON() => self.dump("JSON", dump::json),
            other if other == SIGSTATS_CLEAR() => {
                self.dump("statistics", dump::stats);
                self.tell("clear the statistics", Remote::clear_stats);
            }
            _ => {}
        }
    }

    fn stop(&mut self) {
        if self.stopping {
            return;
        }
        self.stopping = true;
        service::stopping();
        self.log.line(Level::Info, "Stopping");
        if self.elections.thread.is_some() {
            self.tell("stop", Remote::stop);
        }
    }

    fn tell<E: std::fmt::Display>(
        &self,
        what: &str,
        command: impl FnOnce(&Remote) -> Result<(), E>,
    ) {
        if let Err(error) = command(&self.elections.remote) {
            self.log
                .line(Level::Error, &format!("Cannot {what}: {error}"));
        }
    }

    fn dump(&self, what: &str, write: impl FnOnce(&Snapshot, &DumpSettings) -> io::Result<()>) {
        let result = self
            .elections
            .remote
            .snapshot(SNAPSHOT_PATIENCE)
            .map_err(io::Error::other)
            .and_then(|snapshot| write(&snapshot, &self.settings.dumps));
        if let Err(error) = result {
            self.log.line(
                Level::Error,
                &format!("Cannot write the {what} dump: {error}"),
            );
        }
    }

    fn dump_balance(&self) {
        let Some(snapshot) = self.balance.snapshot() else {
            return;
        };
        if let Err(error) = dump::balance(&snapshot, &self.settings.dumps) {
            let line = format!("Cannot write the dump of the services: {error}");
            self.log.line(Level::Error, &line);
        }
    }

    /// The elections have stopped: the last scripts, and the end.
    fn finish(mut self) -> Option<Around> {
        self.watchers.stop(STOP_CHECK_PATIENCE);
        let names: Vec<_> = self
            .current
            .instances
            .iter()
            .map(|one| one.name.clone())
            .collect();
        for name in names {
            let priority = self.priority_of(&name);
            self.notify(&InstanceLabel { name, priority }, Trigger::Stop);
        }
        let groups: Vec<_> = self
            .current
            .groups
            .iter()
            .map(|group| group.name.clone())
            .collect();
        for name in groups {
            self.notify_group(&name, Trigger::Stop);
        }
        self.alerts.stop();
        if !self.hooks.stop(STOP_SCRIPT_PATIENCE) {
            self.log
                .line(Level::Warning, "Not all scripts ended in time");
        }
        drop(self.control);
        if let Some(thread) = self.elections.thread
            && thread.join().is_err()
        {
            self.log
                .line(Level::Error, "The elections loop panicked while it stopped");
        }
        self.settings.shutdown
    }
}

/// One request of a control client.
fn answer(
    request: &str,
    peer: Peer,
    remote: &std::sync::Mutex<Remote>,
    services: &SharedBalance,
    own: status::Own<'_>,
    log: &Log,
) -> String {
    let remote = match remote.lock() {
        Ok(remote) => remote.clone(),
        Err(poisoned) => poisoned.into_inner().clone(),
    };
    if let Some(answer) = record::answer(request, peer, &remote, |line| log.line(Level::Info, line))
    {
        return answer;
    }
    status::answer(
        request,
        own,
        || remote.snapshot(SNAPSHOT_PATIENCE),
        || services.snapshot(),
    )
}
