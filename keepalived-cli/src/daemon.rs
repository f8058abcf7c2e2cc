//! Loop 2: everything of the daemon that may take its time.
//!
//! Signals, the log, scripts, dumps, the control socket and reading the configuration live here,
//! away from the elections, which run on a thread of their own and are spoken to through queues.

mod awaited;
mod reload;
mod watching;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread::JoinHandle;
use std::time::Duration;

use keepalived_config::Severity;
use keepalived_driver::clock::Clock;
use keepalived_driver::control::{Control, ControlSettings};
use keepalived_driver::hooks::{
    HookSet, HookSettings, Hooks, ObjectId, Outcome, Trigger, run_once,
};
use keepalived_driver::tracked::{ProcessBuffer, Watchers};
use keepalived_driver::{Elections, InstanceLabel, Remote, Report, Reports, Snapshot, StartError};
use mio::{Events, Interest, Poll, Token, Waker};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU};
use signal_hook_mio::v1_0::Signals;
use vrrp_fsm::{Fault, Faults, Instant, Notice, Reason, State};

use crate::alerts::Alerts;
use crate::dump::{self, DumpSettings};
use crate::load::{ConfigSource, Loaded};
use crate::log::{Level, Log};
use crate::lower::Around;
use crate::messages;
use crate::service;
use crate::signals::{self, SIGJSON, SIGSTATS_CLEAR};
use crate::status;

use awaited::Awaited;
use reload::{Appointment, Copies, Marker, Standing};
use watching::{process_buffer, watchers};

const SIGNALS: Token = Token(0);
const REPORTS: Token = Token(1);
/// How long a copy of the state may take to come.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(2);
/// How long `notify_stop` scripts are waited for.
const STOP_SCRIPT_PATIENCE: Duration = Duration::from_secs(1);
/// How long check scripts that run at the end are waited for.
const STOP_CHECK_PATIENCE: Duration = Duration::from_secs(1);
/// A loop that ran this long is started again at once; others after a growing delay.
const LONG_LIFE: Duration = Duration::from_secs(60);
/// Between a failure of the elections loop and the next attempt; doubled up to a minute.
const FIRST_RESPAWN: Duration = Duration::from_secs(1);
const LAST_RESPAWN: Duration = Duration::from_secs(60);

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
    /// The network namespace of the command line.
    pub(crate) namespace: Option<String>,
    /// Where the pid file is.
    pub(crate) pid_folder: PathBuf,
    /// Run last of all.
    pub(crate) shutdown: Option<Around>,
}

impl DaemonSettings {
    /// What the command line, not the file, says about the elections.
    fn complete(&self, config: &mut keepalived_driver::Config) {
        config.tag = self.tag;
        config.keep_addresses = self.keep_addresses;
        config.report_announcements = self.detail;
        config.report_addresses = self.addresses;
        if self.no_vrrp {
            config.instances.clear();
            config.groups.clear();
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
            Ok(Err(error)) => return Err(error),
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
    standing: Standing,
    copies: Copies,
    appointment: Option<Appointment>,
    stopping: bool,
    /// How long to wait before the next start of the elections loop after a failure.
    respawn: Duration,
    respawn_at: Option<Instant>,
}

/// The elections thread, as seen from here.
struct Running {
    remote: Remote,
    reports: Receiver<Report>,
    thread: Option<JoinHandle<io::Result<()>>>,
    started: Instant,
    /// For the control socket, which outlives any one elections thread.
    shared: Arc<std::sync::Mutex<Remote>>,
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
        if loaded.has_errors() {
            let path = settings.source.path().display();
            let line = format!(
                "{path} has errors: what is wrong is left out, and a reload of it will be refused"
            );
            log.line(Level::Warning, &line);
        }
        let mut current = loaded.lowered.driver;
        settings.complete(&mut current);
        let elections = Running::start(current.clone(), &waker, None)?;
        let hook_log = log.clone();
        let hooks = Hooks::start(hook_settings(), move |report| {
            if let Some((level, line)) = messages::hook(&report) {
                hook_log.line(level, &line);
            }
        })?;
        let mut alerts = Alerts::new(log);
        alerts.set(loaded.lowered.alerts, &hooks);
        let mut copies = Copies::default();
        copies.set_folder(&loaded.model);
        keep_copy(log, &copies, loaded.text.as_deref());
        let buffer = process_buffer(&loaded.model.global);
        let watchers = watchers(&elections.remote, buffer, log);
        let control = settings.control.clone().and_then(|control| {
            let shared = elections.shared.clone();
            let path = control.path.clone();
            Control::start(control, move |request, _peer| answer(request, &shared))
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
            hook_sets: loaded.lowered.hooks,
            group_hook_sets: loaded.lowered.group_hooks,
            alerts,
            awaited: Awaited::default(),
            priorities: BTreeMap::new(),
            pending: VecDeque::new(),
            current,
            control,
            standing: Standing::new(&loaded.model),
            copies,
            appointment: Appointment::new(&loaded.model),
            stopping: false,
            respawn: Duration::ZERO,
            respawn_at: None,
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
        let respawn = self
            .respawn_at
            .map(|at| at.saturating_duration_since(Clock.now()));
        let look = self.appointment.as_ref().map(|_| reload::LOOK);
        let patience = respawn.into_iter().chain(look).min();
        match self.poll.poll(&mut self.events, patience) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        if self.respawn_at.is_some_and(|at| at <= Clock.now()) {
            self.respawn()?;
        }
        self.look_for_appointment();
        let signals: Vec<i32> = self.signals.pending().collect();
        for signal in signals {
            self.handle_signal(signal);
        }
        loop {
            match self.elections.reports.try_recv() {
                Ok(Report::Stopped) => return Ok(false),
                Ok(report) => self.handle_report(&report),
                Err(TryRecvError::Empty) => return Ok(true),
                Err(TryRecvError::Disconnected) => break,
            }
        }
        if self.elections.thread.is_some() {
            self.elections_ended()?;
        }
        // With nothing running there is nothing to wait for.
        Ok(!self.stopping)
    }

    fn handle_signal(&mut self, signal: i32) {
        match signal {
            SIGTERM | SIGINT => self.stop(),
            SIGHUP => self.reload(),
            SIGUSR1 => self.dump("data", dump::data),
            SIGUSR2 => self.dump("statistics", dump::stats),
            // The kernel repeats it as long as a loop goes on without a pause.
            SIGXCPU => self.tell("leave real-time scheduling", Remote::leave_realtime),
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
        self.tell("stop", Remote::stop);
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

    /// Read the configuration anew. One that is not in order changes nothing.
    fn reload(&mut self) {
        if self.stopping {
            return;
        }
        self.log.reopen();
        self.log.line(Level::Info, "Reloading");
        service::reloading();
        self.copies.begin();
        self.copy_state("before");
        let marker = Marker::set(&self.standing, &self.settings.pid_folder);
        let mut loaded = self.settings.source.load();
        match marker {
            Ok(marker) => drop(marker),
            Err(error) => {
                let line = format!("The file of `reload_file` could not be made: {error}");
                self.log.line(Level::Warning, &line);
            }
        }
        complain(self.log, &loaded);
        keep_copy(self.log, &self.copies, loaded.text.as_deref());
        if let Some(path) = &self.standing.check_log
            && let Err(error) = reload::write_check_log(path, &loaded)
        {
            let line = format!("{}: {error}", path.display());
            self.log.line(Level::Warning, &line);
        }
        let path = self.settings.source.path().display();
        let refusal = if loaded.unreadable() {
            Some(format!("{path} cannot be read"))
        } else if loaded.has_errors() {
            Some(format!("{path} has errors"))
        } else {
            let why = self.standing.forbids(&loaded.model);
            why.map(|why| format!("{path}: {why}"))
        };
        if let Some(why) = refusal {
            let line = format!("Reload refused: {why}; nothing was changed");
            self.log.line(Level::Error, &line);
            service::ready();
            return;
        }
        self.settings.complete(&mut loaded.lowered.driver);
        let config = loaded.lowered.driver.clone();
        self.pending.push_back(loaded);
        self.tell("reload", |remote| remote.reload(config));
    }

    fn look_for_appointment(&mut self) {
        let Some(appointment) = &mut self.appointment else {
            return;
        };
        let (said, due) = appointment.look();
        if let Some(line) = said {
            self.log.line(Level::Info, &line);
        }
        if due {
            self.reload();
        }
    }

    /// For `config_save_dir`.
    fn copy_state(&self, when: &str) {
        if let Some(path) = self.copies.state_file(when) {
            self.dump("saved state", move |snapshot, settings| {
                dump::data_to(&path, snapshot, settings)
            });
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

    fn handle_report(&mut self, report: &Report) {
        if let Some(instance) = self.awaited.at_fault(report) {
            self.log
                .line(Level::Info, &messages::fault_at_start(&instance.name));
            self.notify(instance, Trigger::Fault);
        }
        for (level, line) in messages::lines(report) {
            self.log.line(level, &line);
        }
        if let Report::Started { instance, .. }
        | Report::Transition { instance, .. }
        | Report::PriorityChanged { instance, .. } = report
        {
            self.priorities
                .insert(instance.name.clone(), instance.priority);
        }
        if let Report::PriorityChanged {
            instance, state, ..
        } = report
        {
            let object = ObjectId::Instance(instance.name.clone());
            self.alerts.priority(&object, *state, instance.priority);
        }
        match report {
            Report::Started {
                instance, faults, ..
            } if runs_fault_scripts(*faults) => {
                self.notify(instance, Trigger::Fault);
            }
            Report::Started {
                instance,
                state: State::Backup,
                ..
            } => {
                self.notify(instance, Trigger::Backup);
            }
            Report::Transition {
                instance,
                to,
                faults,
                reason,
                ..
            } => match to {
                State::Active => self.notify(instance, Trigger::Master),
                State::Backup => self.notify(instance, Trigger::Backup),
                // Stopping runs its own scripts, once for every instance.
                State::Initialize if *reason == Reason::Stopped => {}
                State::Initialize if faults.is_empty() => {}
                State::Initialize => self.notify(instance, Trigger::Fault),
            },
            Report::GroupStarted {
                group,
                state,
                faults,
            } => self.group_is(group, *state, *faults),
            Report::GroupTransition {
                group,
                to,
                faults,
                reason,
                ..
            } if *reason != Reason::Stopped => self.group_is(group, *to, *faults),
            Report::Notice {
                instance,
                notice: Notice::LowerPriorityAdvert { .. },
            } => {
                self.notify(instance, Trigger::MasterRxLowerPriority);
            }
            Report::Reloaded { removed, .. } => {
                for name in removed {
                    let label = InstanceLabel {
                        name: name.clone(),
                        priority: self.priority_of(name),
                    };
                    self.notify(&label, Trigger::Deleted);
                    self.alerts.forget(&ObjectId::Instance(name.clone()));
                }
                if let Some(loaded) = self.pending.pop_front() {
                    self.switch_to(loaded);
                }
                self.alerts.reloaded();
                self.copy_state("after");
                service::ready();
            }
            Report::ReloadRefused { .. } => {
                self.pending.pop_front();
                service::ready();
            }
            Report::Ready => service::ready(),
            _ => {}
        }
    }

    /// The effective priority as last heard; the configured one if nothing was heard under this
    /// name, as after a change of name.
    fn priority_of(&self, name: &Arc<str>) -> u8 {
        let configured = || {
            let setup = self
                .current
                .instances
                .iter()
                .find(|setup| setup.name == *name);
            setup.map_or(0, |setup| setup.fsm.role.priority().get())
        };
        self.priorities
            .get(name)
            .copied()
            .unwrap_or_else(configured)
    }

    fn notify(&mut self, instance: &InstanceLabel, trigger: Trigger) {
        let object = ObjectId::Instance(instance.name.clone());
        if let Some(set) = self.hook_sets.get(&instance.name) {
            self.hooks.notify(&object, set, trigger, instance.priority);
        }
        self.alerts.state(&object, trigger, instance.priority);
    }

    /// A group has come to this state.
    fn group_is(&mut self, group: &Arc<str>, state: State, faults: Faults) {
        match state {
            State::Active => self.notify_group(group, Trigger::Master),
            State::Backup => self.notify_group(group, Trigger::Backup),
            State::Initialize if runs_fault_scripts(faults) => {
                self.notify_group(group, Trigger::Fault);
            }
            State::Initialize => {}
        }
    }

    fn notify_group(&mut self, name: &Arc<str>, trigger: Trigger) {
        let object = ObjectId::Group(name.clone());
        if let Some(set) = self.group_hook_sets.get(name) {
            self.hooks.notify(&object, set, trigger, 0);
        }
        self.alerts.state(&object, trigger, 0);
    }

    /// The elections thread has gone without saying that it stopped: it will be started again.
    /// Addresses it left behind carry our mark and are taken over or removed.
    fn elections_ended(&mut self) -> Result<(), DaemonError> {
        let outcome = self.elections.thread.take().map(JoinHandle::join);
        let why = match outcome {
            Some(Ok(Err(error))) => error.to_string(),
            Some(Err(_)) => "it panicked".to_owned(),
            _ => "it ended".to_owned(),
        };
        self.log
            .line(Level::Error, &format!("The elections loop failed: {why}"));
        if self.settings.no_respawn || self.stopping {
            return Err(DaemonError::Failed);
        }
        let now = Clock.now();
        if now.saturating_duration_since(self.elections.started) >= LONG_LIFE {
            self.respawn = Duration::ZERO;
        }
        self.respawn_at = now.checked_add(self.respawn);
        self.respawn = (self.respawn * 2).clamp(FIRST_RESPAWN, LAST_RESPAWN);
        // What was sent to it and not answered is lost; the newest configuration counts.
        if let Some(loaded) = self.pending.pop_back() {
            self.pending.clear();
            self.switch_to(loaded);
        }
        Ok(())
    }

    fn respawn(&mut self) -> Result<(), DaemonError> {
        self.respawn_at = None;
        let shared = self.elections.shared.clone();
        self.elections = Running::start(self.current.clone(), &self.waker, Some(shared))?;
        // New elections know nothing of what was found out for the old ones.
        self.watchers.stop(STOP_CHECK_PATIENCE);
        self.watchers = watchers(&self.elections.remote, self.process_buffer, self.log);
        self.watch();
        Ok(())
    }

    /// The elections run this configuration now, or will when they start.
    fn switch_to(&mut self, loaded: Loaded) {
        self.settings.dumps = crate::run::dumps(&loaded, self.settings.namespace.as_deref());
        crate::run::dress(&loaded.lowered.process, self.log);
        self.copies.set_folder(&loaded.model);
        self.standing = Standing::new(&loaded.model);
        if !self
            .appointment
            .as_ref()
            .is_some_and(|known| known.is_for(&loaded.model))
        {
            self.appointment = Appointment::new(&loaded.model);
        }
        self.settings
            .shutdown
            .clone_from(&loaded.lowered.process.shutdown);
        self.alerts.set(loaded.lowered.alerts, &self.hooks);
        self.hook_sets = loaded.lowered.hooks;
        self.group_hook_sets = loaded.lowered.group_hooks;
        self.current = loaded.lowered.driver;
        self.process_buffer = process_buffer(&loaded.model.global);
        self.watchers.set_process_buffer(self.process_buffer);
        self.watch();
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

/// Scripts are started through a copy of this very program.
fn hook_settings() -> HookSettings {
    let mut settings = HookSettings::default();
    settings.launcher = Some(crate::daemonize::THIS_PROGRAM.into());
    settings
}

fn keep_copy(log: &Log, copies: &Copies, text: Option<&str>) {
    if let Some(text) = text
        && let Err(error) = copies.configuration(text)
    {
        let line = format!("The copy of the configuration could not be saved: {error}");
        log.line(Level::Warning, &line);
    }
}

/// Run a script before or after everything, in keepalived's words.
pub(crate) fn run_around(what: &str, script: &Around, log: &Log) {
    let program = script.command.argv.first();
    let program = program.map_or_else(String::new, |program| {
        program.to_string_lossy().into_owned()
    });
    log.line(Level::Info, &format!("Running {what} script {program}"));
    let (level, line) = match run_once(&script.command, &hook_settings(), script.limit) {
        Ok(Outcome::Exited(0)) => (Level::Info, format!("{what} script succeeded")),
        Ok(Outcome::Exited(code)) => (
            Level::Warning,
            format!("{what} script failed, status {code}"),
        ),
        Ok(Outcome::TimedOut) => (Level::Warning, format!("{what} script timed out")),
        Ok(outcome) => (Level::Warning, format!("{what} script {outcome}")),
        Err(error) => (
            Level::Warning,
            format!("{what} script could not be started: {error}"),
        ),
    };
    log.line(level, &line);
}

impl Running {
    fn start(
        config: keepalived_driver::Config,
        waker: &Arc<Waker>,
        shared: Option<Arc<std::sync::Mutex<Remote>>>,
    ) -> Result<Self, DaemonError> {
        let waker = waker.clone();
        let wake = move || {
            // Fails only if the poll is gone, that is, at the very end.
            let _ = waker.wake();
        };
        let (reports, receiver) = Reports::new(wake.clone());
        // Made on the thread it runs on, so that its memory is all in one heap: the one that
        // reading the configuration has just left behind.
        let (announce, announced) = std::sync::mpsc::sync_channel(1);
        let life = move || {
            let elections = match Elections::new(config, reports) {
                Ok((elections, remote)) => {
                    let _ = announce.send(Ok(remote));
                    elections
                }
                Err(error) => {
                    let _ = announce.send(Err(error));
                    return Ok(());
                }
            };
            let outcome = catch_unwind(AssertUnwindSafe(|| elections.run()));
            // The reports are gone by now: let the other loop see that.
            wake();
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        let thread = std::thread::Builder::new()
            .name("elections".to_owned())
            .spawn(life)?;
        let remote = announced.recv().map_err(|_| DaemonError::Failed)??;
        let shared = shared.unwrap_or_else(|| Arc::new(std::sync::Mutex::new(remote.clone())));
        if let Ok(mut current) = shared.lock() {
            *current = remote.clone();
        }
        Ok(Self {
            remote,
            reports: receiver,
            thread: Some(thread),
            started: Clock.now(),
            shared,
        })
    }
}

/// A start-up delay alone is not a fault that scripts should hear of.
fn runs_fault_scripts(faults: Faults) -> bool {
    faults.iter().any(|fault| fault != Fault::Held)
}

fn complain(log: &Log, loaded: &Loaded) {
    for (severity, line) in &loaded.complaints {
        let level = match severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
            Severity::Note => Level::Info,
        };
        log.line(level, line);
    }
    for remark in &loaded.lowered.remarks {
        log.line(Level::Warning, remark);
    }
    for trouble in &loaded.lowered.script_trouble {
        log.line(Level::Warning, &trouble.message);
    }
}

/// One request of a control client.
fn answer(request: &str, remote: &std::sync::Mutex<Remote>) -> String {
    let remote = match remote.lock() {
        Ok(remote) => remote.clone(),
        Err(poisoned) => poisoned.into_inner().clone(),
    };
    status::answer(request, || remote.snapshot(SNAPSHOT_PATIENCE))
}
