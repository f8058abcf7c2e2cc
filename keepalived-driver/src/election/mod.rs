//! Loop 1: elections. Sockets, rtnetlink and deadlines on one thread that never waits for anything
//! but its own poll.
//!
//! One turn: read the clock once; read what is ready, adverts first; then expired deadlines; then
//! carry out what the state machines asked for, adverts first; then sleep until the next deadline.
//! Packets come before timers because a process that was stopped for seconds must hear the adverts
//! in its socket before it decides that the Active router is gone.

mod bfd;
mod conflicts;
mod contested;
mod device_thread;
mod devices;
mod facts;
mod firewall;
mod groups;
mod instance;
mod interfaces;
mod linkbeat;
mod outputs;
mod paths;
mod present;
mod readiness;
mod receive;
mod recording;
mod reload;
mod secondaries;
mod settings;
mod shutdown;
mod snapshots;
mod source;
mod statics;
mod taped;
mod trackers;

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use netlink_vip::{Announcer, Channel, OwnerId, Reconciler};
use sans_io_time::Instant;
use vrrp_fsm::{InstanceId, InterfaceId};

use crate::clock::Clock;
use crate::config::Config;
use crate::remote::{Command, Remote};
use crate::report::{InstanceLabel, LinkState, Report};
use crate::reports::Reports;
use crate::snapshot::TurnStats;
use crate::sockets::frames::FrameSenders;
use crate::sockets::netlink::{Netlink, Received};
use crate::sockets::vrrp::ReceiveBuffer;
use crate::sources::Source;
use crate::timer::Timer;
use crate::tracked::TrackerDoor;
use crate::turning::Turning;

use conflicts::Conflicts;
use contested::Contests;
use devices::Devices;
use firewall::Filter;
use groups::Groups;
use instance::Running;
use interfaces::{Interfaces, PathKey, ReceivePath};
use linkbeat::Linkbeat;
use outputs::Outbox;
use readiness::Readiness;
use settings::Settings;
use shutdown::Shutdown;
pub(crate) use taped::Kept;
use taped::{Recording, TapedRouter};
use trackers::Trackers;

/// Netlink datagrams read in one turn; what is left waits for the next one, so that a flood on one
/// socket cannot hold back the deadlines.
const NETLINK_PER_TURN: usize = 64;
/// How often something that failed to open is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The elections loop. Own the outer loop by calling [`turn`](Self::turn), or give it a thread
/// with [`run`](Self::run).
#[derive(Debug)]
pub struct Elections {
    clock: Clock,
    poll: Poll,
    events: Events,
    timer: Timer,
    commands: Receiver<Command>,
    reports: Reports,
    /// Sources that had more than a turn's worth.
    ready: BTreeSet<Source>,

    router: TapedRouter,
    recording: Recording,
    reconciler: Reconciler,
    announcer: Announcer,
    monitor: Netlink,
    command: Netlink,
    frames: FrameSenders,
    conflicts: Conflicts,
    contests: Contests,
    devices: Devices,
    filter: Filter,
    readiness: Readiness,
    linkbeat: Linkbeat,

    interfaces: Interfaces,
    paths: HashMap<PathKey, ReceivePath>,
    instances: HashMap<InstanceId, Running>,
    /// In the order of the configuration.
    order: Vec<InstanceId>,
    owners: HashMap<OwnerId, InstanceId>,
    next_owner: u32,
    /// Removed by a reload; kept until their last actions are carried out.
    leaving: Vec<InstanceId>,
    by_interface: HashMap<InterfaceId, Vec<InstanceId>>,
    /// Instances with a refused address whose announcement waits.
    refusing: BTreeSet<InstanceId>,
    /// What was last said about each interface.
    link_states: HashMap<InterfaceId, LinkState>,
    /// Interfaces whose facts changed in this turn.
    dirty: BTreeSet<InterfaceId>,
    /// Instances of which something else changed.
    dirty_instances: BTreeSet<InstanceId>,
    groups: Groups,
    /// Instances of which nothing has been reported yet, and whose facts are known now.
    first_words: Vec<InstanceId>,
    /// New members of groups that were there before: started once the facts about them are known, so
    /// that a member that is not yet open for business does not take the others down.
    to_start: BTreeSet<InstanceId>,
    trackers: Trackers,
    tracker_door: TrackerDoor,
    bfd: bfd::Sessions,
    config: Config,

    started_wall: SystemTime,
    /// Links and addresses are known.
    known: bool,
    /// The monitor socket has joined the groups of routes and rules.
    hears_routes: bool,
    /// Static objects that are missing for longer.
    lost_statics: Vec<netlink_vip::Object>,
    /// Interfaces whose secondaries are promoted because of us.
    promoted: BTreeSet<netlink_vip::InterfaceName>,
    ready_reported: bool,
    /// When instances held at start may run.
    release_at: Option<Instant>,
    /// When to try again to open what could not be opened.
    retry_at: Option<Instant>,
    /// What the timer is armed for.
    deadline: Option<Instant>,
    shutdown: Option<Shutdown>,

    outbox: Outbox,
    receive: ReceiveBuffer,
    netlink_buffer: BytesMut,
    request: Vec<u8>,
    turns: TurnStats,
    thread: Turning,
    /// Packets that were not even IP.
    malformed: HashMap<&'static str, u64>,
    /// Some instance signs adverts or verifies signatures.
    signed: bool,
}

impl Elections {
    /// Open what every configuration needs and take `config`. Nothing is sent before the first
    /// turn.
    ///
    /// # Errors
    /// The poll, the timer or the netlink sockets could not be opened, or the configuration
    /// contradicts itself.
    pub fn new(config: Config, reports: Reports) -> Result<(Self, Remote), StartError> {
        Self::make(config, reports, None)
    }

    /// The same in the place of a loop that has failed: what that one recorded goes on in the same file.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn again(
        config: Config,
        reports: Reports,
        before: &Remote,
    ) -> Result<(Self, Remote), StartError> {
        Self::make(config, reports, Some(before))
    }

    fn make(
        config: Config,
        mut reports: Reports,
        before: Option<&Remote>,
    ) -> Result<(Self, Remote), StartError> {
        let clock = Clock;
        let poll = Poll::new()?;
        let timer = Timer::new()?;
        let monitor = Netlink::monitor(config.netlink_monitor_buffer)?;
        let command = Netlink::command(config.netlink_command_buffer)?;
        let conflicts = Conflicts::open()?;
        let waker = Arc::new(Waker::new(poll.registry(), Source::Waker.into())?);
        for (fd, source) in [
            (timer.as_raw_fd(), Source::Timer),
            (monitor.as_raw_fd(), Source::NetlinkMonitor),
            (command.as_raw_fd(), Source::NetlinkCommand),
            (conflicts.arp.as_raw_fd(), Source::Arp),
            (conflicts.advertisements.as_raw_fd(), Source::Advertisements),
        ] {
            poll.registry()
                .register(&mut SourceFd(&fd), source.into(), Interest::READABLE)?;
        }
        let filter = Filter::new(waker.clone());
        let (settings, trouble) = Settings::read(config.settings_file.clone());
        if let Some(message) = trouble {
            reports.push(Report::Trouble { message });
        }
        let devices = Devices::new(config.tag, waker.clone(), settings);
        let linkbeat = Linkbeat::new(waker.clone());
        let (remote, commands) = Remote::new(waker, before);
        let now = clock.now();
        let mut reconciler = Reconciler::new(config.tag);
        reconciler.start(now);
        let release_at = release_at(now, &config);
        let mut elections = Self {
            clock,
            poll,
            events: Events::with_capacity(256),
            timer,
            commands,
            reports,
            // The first turn must not wait: it is what asks the kernel for its state.
            ready: BTreeSet::from([Source::Timer]),
            router: TapedRouter::default(),
            recording: Recording::new(remote.kept()),
            reconciler,
            announcer: Announcer::new(),
            monitor,
            command,
            frames: FrameSenders::default(),
            conflicts,
            contests: Contests::default(),
            devices,
            filter,
            readiness: Readiness::default(),
            linkbeat,
            interfaces: Interfaces::default(),
            paths: HashMap::new(),
            instances: HashMap::new(),
            order: Vec::new(),
            owners: HashMap::new(),
            // 0 is the static part.
            next_owner: 1,
            leaving: Vec::new(),
            by_interface: HashMap::new(),
            refusing: BTreeSet::new(),
            link_states: HashMap::new(),
            dirty: BTreeSet::new(),
            dirty_instances: BTreeSet::new(),
            groups: Groups::default(),
            first_words: Vec::new(),
            to_start: BTreeSet::new(),
            trackers: Trackers::default(),
            bfd: bfd::Sessions::new(),
            tracker_door: remote.trackers(),
            config: Config::new(Vec::new()),
            started_wall: clock.wall(),
            known: false,
            hears_routes: false,
            lost_statics: Vec::new(),
            promoted: BTreeSet::new(),
            ready_reported: false,
            release_at,
            retry_at: None,
            deadline: None,
            shutdown: None,
            outbox: Outbox::default(),
            receive: ReceiveBuffer::default(),
            netlink_buffer: BytesMut::new(),
            request: Vec::new(),
            turns: TurnStats::default(),
            // Each late turn is told: adverts are late with it.
            thread: Turning::new("The elections thread", Duration::ZERO),
            malformed: HashMap::new(),
            signed: false,
        };
        elections.record_on(now, config.record.clone());
        elections.apply(now, config)?;
        Ok((elections, remote))
    }

    /// Turn until told to stop.
    ///
    /// # Errors
    /// The poll itself failed, which leaves nothing to wait with.
    pub fn run(mut self) -> io::Result<()> {
        while self.turn()? {}
        Ok(())
    }

    /// One turn: wait for something, handle it, send what follows. False: stopped, everything is
    /// released.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub fn turn(&mut self) -> io::Result<bool> {
        let trouble = self.thread.settle(&self.config.thread);
        self.trouble_of_thread(trouble);
        let mut patience = (!self.ready.is_empty()).then_some(Duration::ZERO);
        while let Err(error) = self.poll.poll(&mut self.events, patience) {
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
            // A process that was stopped wakes here, with packets waiting. They must be known
            // before the timers are looked at.
            patience = Some(Duration::ZERO);
        }
        let now = self.clock.now();
        self.turns.turns += 1;
        if self.signed {
            self.tell_wall_clock(now);
        }
        self.note_lateness(now);
        for event in &self.events {
            if let Ok(source) = Source::try_from(event.token()) {
                self.ready.insert(source);
            }
        }
        self.read(now);
        self.settle_facts(now);
        self.handle_timeouts(now);
        self.carry_out(now);
        self.settle_firewall();
        self.settle_conflicts();
        self.end_recorded_turn(now);
        if self.shutdown_done(now) {
            self.recording.finish(&mut self.router, &mut self.bfd.table);
            self.reports.push(Report::Stopped);
            self.reports.flush();
            return Ok(false);
        }
        self.reports.flush();
        self.deadline = [
            self.router.next_timeout(),
            self.bfd.next_timeout(self.known),
            self.reconciler.next_timeout(),
            self.announcer.next_timeout(),
            self.devices.next_timeout(),
            self.readiness.next_timeout(),
            self.contests.next_timeout(),
            self.release_at,
            self.retry_at,
            self.shutdown.as_ref().map(Shutdown::deadline),
            self.reports.next_timeout(now),
        ]
        .into_iter()
        .flatten()
        .min();
        self.timer.arm(self.deadline)?;
        Ok(true)
    }

    /// Signed adverts carry the time of day. Told in every turn: it can be put right at any moment.
    fn tell_wall_clock(&mut self, now: Instant) {
        // Before 1970 there was no VRRP: such a clock is as good as none.
        if let Ok(since_1970) = self.clock.wall().duration_since(SystemTime::UNIX_EPOCH) {
            self.router.wall_clock_is(now, since_1970);
        }
    }

    fn note_lateness(&mut self, now: Instant) {
        let (late, raised) = self.thread.begin(now, self.deadline);
        if let Some(by) = late {
            self.reports.push(Report::Late { by });
        }
        self.trouble_of_thread(raised);
    }

    fn trouble_of_thread(&mut self, lines: impl IntoIterator<Item = String>) {
        for message in lines {
            self.reports.push(Report::Trouble { message });
        }
    }

    /// Read every ready source, adverts before netlink before commands.
    fn read(&mut self, now: Instant) {
        let ready = std::mem::take(&mut self.ready);
        for source in ready.iter().rev().copied() {
            let more = match source {
                Source::Vrrp(interface, family) => self.read_adverts(now, (interface, family)),
                Source::Ah(interface) => self.read_ah(now, interface),
                Source::Bfd(socket) => self.read_bfd(now, socket),
                Source::Echo(family) => self.read_echo(now, family),
                _ => false,
            };
            if more {
                self.ready.insert(source);
            }
        }
        for source in ready {
            let more = match source {
                Source::Timer => {
                    self.timer.fired();
                    false
                }
                Source::NetlinkCommand | Source::NetlinkMonitor => self.read_netlink(now, source),
                Source::Arp | Source::Advertisements => self.read_conflicts(now, source),
                Source::Waker => {
                    self.read_commands(now);
                    false
                }
                Source::Neighbours => self.read_neighbours(),
                Source::Vrrp(..) | Source::Ah(_) | Source::Bfd(_) | Source::Echo(_) => false,
            };
            if more {
                self.ready.insert(source);
            }
        }
    }

    /// True if more may be waiting.
    fn read_netlink(&mut self, now: Instant, source: Source) -> bool {
        let (socket, channel) = match source {
            Source::NetlinkCommand => (&self.command, Channel::Command),
            _ => (&self.monitor, Channel::Monitor),
        };
        for _ in 0..NETLINK_PER_TURN {
            match socket.receive(&mut self.netlink_buffer) {
                Ok(Received::Datagram) => {
                    self.reconciler
                        .handle_datagram(now, &self.netlink_buffer, channel);
                }
                Ok(Received::Nothing) => return false,
                Ok(Received::Overrun) => {
                    self.turns.netlink_overruns += 1;
                    self.reconciler.handle_overrun(now);
                }
                Err(error) => {
                    self.reports.push(Report::Trouble {
                        message: format!("receiving from netlink failed: {error}"),
                    });
                    self.reconciler.handle_overrun(now);
                    return false;
                }
            }
        }
        true
    }

    fn read_commands(&mut self, now: Instant) {
        self.read_trackers(now);
        self.read_linkbeat(now);
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Reload(config) => match self.apply(now, *config) {
                    Ok(()) => {}
                    Err(error) => {
                        self.reports.push(Report::ReloadRefused {
                            error: error.to_string(),
                        });
                    }
                },
                // The asker may have gone; that is its own affair.
                Command::Snapshot(reply) => drop(reply.try_send(Box::new(self.snapshot()))),
                Command::ClearStats => {
                    self.router.clear_stats();
                    self.bfd.clear_stats();
                    self.malformed.clear();
                }
                Command::LeaveRealtime => {
                    let left = self.thread.leave_realtime();
                    self.trouble_of_thread(left);
                }
                Command::Record(sink) => self.record(now, *sink),
                Command::RecordStop(reply) => {
                    let (router, table) = (&mut self.router, &mut self.bfd.table);
                    drop(reply.try_send(self.recording.stop(router, table)));
                }
                Command::RecordStatus(reply) => drop(reply.try_send(self.recording.status())),
                Command::Stop => self.begin_shutdown(now),
            }
        }
    }

    fn handle_timeouts(&mut self, now: Instant) {
        if self.release_at.is_some_and(|at| at <= now) {
            self.release_at = None;
            self.mark_all_dirty();
        }
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            self.filter.stale = true;
            self.mark_all_dirty();
            self.open_bfd();
        }
        self.settle_readiness(now);
        self.settle_contests(now);
        self.handle_bfd_timeouts(now);
        self.settle_facts(now);
        self.router.handle_timeout(now);
        self.reconciler.handle_timeout(now);
    }

    fn mark_all_dirty(&mut self) {
        self.dirty.extend(self.by_interface.keys().copied());
    }

    fn label(&self, id: InstanceId) -> Option<InstanceLabel> {
        let running = self.instances.get(&id)?;
        let priority = self
            .router
            .instance(id)
            .map_or(0, |instance| instance.effective_priority().get());
        Some(InstanceLabel {
            name: running.setup.name.clone(),
            priority,
        })
    }

    fn register(&self, fd: std::os::fd::RawFd, token: Token) -> io::Result<()> {
        self.poll
            .registry()
            .register(&mut SourceFd(&fd), token, Interest::READABLE)
    }
}

/// When the instances may run, if not at once: after both delays. KA-ST-09. The clock counts from the
/// boot of the host, suspended time included.
fn release_at(now: Instant, config: &Config) -> Option<Instant> {
    let after_start = now.checked_add(config.startup_delay);
    let after_boot = Instant::from_nanos(0).checked_add(config.delay_after_boot);
    after_start.max(after_boot).filter(|at| *at > now)
}

/// Why the loop could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A descriptor that every configuration needs could not be opened.
    #[error("the elections loop could not be set up: {0}")]
    Io(#[from] io::Error),
    /// The configuration contradicts itself.
    #[error(transparent)]
    Config(#[from] vrrp_fsm::ConfigError),
    /// The BFD sessions contradict each other.
    #[error("BFD: {0}")]
    Bfd(#[from] ::bfd::ConfigError),
}
