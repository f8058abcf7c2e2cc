//! The checks at work: their probes, sockets and programs, their deadlines, and how many of them run
//! at once.

mod sockets;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use healthcheck::{Checker, CheckerEvent, Health, Input, Output, WeightChange};
use mio::{Registry, Token};
use sans_io_time::Instant;
use vrrp_fsm::TrackStatus;

use super::agenda::Agenda;
use super::check::CheckSetup;
use super::conn::Conn;
use super::probes::{AnyProbe, level_of, make};
use super::scripts::{Ended, RunId};
use crate::hooks::HookCommand;
use crate::tracked::TrackerId;

/// Attempts that begin in one turn before sockets are looked at again.
const STARTS_PER_TURN: usize = 512;
/// Octets read from one socket in one turn: a fast talker does not hold back the others.
const OCTETS_PER_TURN: usize = 64 << 10;
/// Room for one reading, and so for the longest datagram.
const BUFFER: usize = 64 << 10;
/// How soon to try again what no descriptor was left for.
const SCARCE: Duration = Duration::from_millis(20);

/// Which check; never used twice.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CheckId(u64);

/// Whose check it is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) service: u64,
    pub(super) server: usize,
    pub(super) check: usize,
}

/// What is to be heard of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum CheckNews {
    Event(CheckerEvent),
    /// Start this program.
    Run(RunId, Arc<HookCommand>),
    /// End it.
    Kill(RunId),
    /// More are due than may run; so many do.
    Crowded(usize),
}

pub(super) struct RunningCheck {
    pub(super) checker: Checker<AnyProbe>,
    pub(super) place: Place,
    /// When its health last changed, and how often it has.
    pub(super) since: Instant,
    pub(super) transitions: u64,
    told: Option<TrackerId>,
    command: Option<Arc<HookCommand>>,
    conn: Option<(Token, Conn)>,
    /// It wants a socket that could not be had.
    wants: Option<Output>,
    run: Option<RunId>,
    /// Failures that were counted.
    failures: u64,
}

/// All checks.
pub(super) struct Checks {
    registry: Registry,
    checks: HashMap<CheckId, RunningCheck>,
    next_id: u64,
    agenda: Agenda<CheckId>,
    tokens: HashMap<Token, CheckId>,
    next_token: usize,
    /// Sockets with more to read.
    unread: BTreeSet<Token>,
    runs: HashMap<RunId, CheckId>,
    next_run: RunId,
    /// Runs that have not ended, those of checks that are gone included.
    alive: BTreeSet<RunId>,
    levels: HashMap<TrackerId, TrackStatus>,
    listeners: HashMap<TrackerId, BTreeSet<CheckId>>,
    /// Due, and waiting for room: those with sockets, those with programs.
    waiting: [VecDeque<CheckId>; 2],
    limits: [usize; 2],
    crowded: bool,
    /// Checks whose socket could not be had.
    wanting: VecDeque<CheckId>,
    try_again: Option<Instant>,
    seeds: RandomState,
    buffer: Vec<u8>,
    /// [`OCTETS_PER_TURN`].
    budget: usize,
    news: VecDeque<(CheckId, CheckNews)>,
    /// Attempts that began.
    pub(super) attempts: u64,
    /// Attempts that failed.
    pub(super) failures: u64,
}

impl Checks {
    /// No checks yet. Tokens are taken from `first_token` on.
    pub(super) fn new(registry: Registry, first_token: usize) -> Self {
        Self {
            registry,
            checks: HashMap::new(),
            next_id: 0,
            agenda: Agenda::new(),
            tokens: HashMap::new(),
            next_token: first_token,
            unread: BTreeSet::new(),
            runs: HashMap::new(),
            next_run: 0,
            alive: BTreeSet::new(),
            levels: HashMap::new(),
            listeners: HashMap::new(),
            waiting: [VecDeque::new(), VecDeque::new()],
            limits: [usize::MAX; 2],
            crowded: false,
            wanting: VecDeque::new(),
            try_again: None,
            seeds: RandomState::new(),
            buffer: vec![0; BUFFER],
            budget: OCTETS_PER_TURN,
            news: VecDeque::new(),
            attempts: 0,
            failures: 0,
        }
    }

    /// How many may run at once: with sockets, and with programs. At least one of each.
    pub(super) fn set_limits(&mut self, sockets: usize, scripts: usize) {
        self.limits = [sockets.max(1), scripts.max(1)];
    }

    pub(super) fn get(&self, id: CheckId) -> Option<&RunningCheck> {
        self.checks.get(&id)
    }

    pub(super) fn running(&self) -> usize {
        self.tokens.len() + self.alive.len()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.iter().map(VecDeque::len).sum()
    }

    /// A number for a program that is no check's. Its end is given back by [`Self::handle_end`].
    pub(super) fn run_id(&mut self) -> RunId {
        let run = self.next_run;
        self.next_run += 1;
        run
    }

    /// A check that begins within its warm-up.
    pub(super) fn add(
        &mut self,
        setup: &CheckSetup,
        place: Place,
        before: Option<(Health, WeightChange)>,
        suspended: bool,
        now: Instant,
    ) -> CheckId {
        let id = CheckId(self.next_id);
        self.next_id += 1;
        let seed = self.seeds.hash_one((id, now.as_nanos()));
        let (probe, told, command) = make(&setup.probe, seed.rotate_left(32));
        let mut checker = Checker::new(probe, setup.schedule, seed, now);
        if let Some((health, weight)) = before {
            checker.adopt(health, weight);
        }
        checker.suspend(now, suspended);
        if let Some(tracker) = &told {
            let listeners = self.listeners.entry(tracker.clone()).or_default();
            listeners.insert(id);
        }
        let level = told.as_ref().and_then(|told| self.levels.get(told));
        if let Some(level) = level.copied().and_then(level_of) {
            checker.handle_input(now, Input::Level(level));
        }
        let check = RunningCheck {
            checker,
            place,
            since: now,
            transitions: 0,
            told,
            command,
            conn: None,
            wants: None,
            run: None,
            failures: 0,
        };
        self.checks.insert(id, check);
        self.drive(id, now);
        id
    }

    /// It belongs to another place now, and goes on as if nothing had happened.
    pub(super) fn move_to(&mut self, id: CheckId, place: Place) {
        if let Some(check) = self.checks.get_mut(&id) {
            check.place = place;
        }
    }

    /// Gives up an attempt and forgets the check.
    pub(super) fn remove(&mut self, id: CheckId) {
        let Some(check) = self.checks.remove(&id) else {
            return;
        };
        self.agenda.set(id, None);
        if let Some((token, _)) = check.conn {
            self.tokens.remove(&token);
            self.unread.remove(&token);
        }
        if let Some(run) = check.run {
            self.runs.remove(&run);
            self.news.push_back((id, CheckNews::Kill(run)));
        }
        if let Some(told) = check.told
            && let Some(listeners) = self.listeners.get_mut(&told)
        {
            listeners.remove(&id);
        }
    }

    pub(super) fn suspend(&mut self, id: CheckId, on: bool, now: Instant) {
        if let Some(check) = self.checks.get_mut(&id) {
            check.checker.suspend(now, on);
            self.drive(id, now);
        }
    }

    /// What is watched elsewhere is so now.
    pub(super) fn handle_level(&mut self, tracker: &TrackerId, status: TrackStatus, now: Instant) {
        self.levels.insert(tracker.clone(), status);
        let Some(level) = level_of(status) else {
            return;
        };
        let listeners = self.listeners.get(tracker).cloned().unwrap_or_default();
        for id in listeners {
            if let Some(check) = self.checks.get_mut(&id) {
                check.checker.handle_input(now, Input::Level(level));
                self.drive(id, now);
            }
        }
    }

    /// A program has ended. `false` if that is no check's.
    pub(super) fn handle_end(&mut self, run: RunId, ended: Ended, now: Instant) -> bool {
        let was_alive = self.alive.remove(&run);
        let Some(id) = self.runs.remove(&run) else {
            return was_alive;
        };
        let Some(check) = self.checks.get_mut(&id) else {
            return true;
        };
        check.run = None;
        match ended {
            Ended::Exited(code) => check.checker.handle_input(now, Input::Exited { code }),
            Ended::NotStarted(error) => {
                let input = Input::SpawnFailed(&error);
                check.checker.handle_input(now, input);
            }
        }
        self.drive(id, now);
        true
    }

    /// What is due. `true` if there was more than a turn's worth.
    pub(super) fn handle_due(&mut self, now: Instant) -> bool {
        if self.try_again.is_some_and(|at| at <= now) {
            self.try_again = None;
            for id in std::mem::take(&mut self.wanting) {
                self.reopen(id, now);
            }
        }
        let mut begun = 0;
        for kind in [0, 1] {
            while begun < STARTS_PER_TURN
                && self.has_room(kind)
                && let Some(id) = self.waiting.get_mut(kind).and_then(VecDeque::pop_front)
            {
                begun += 1;
                self.expire(id, now);
            }
        }
        self.crowded = self.crowded && self.waiting() > 0;
        while begun < STARTS_PER_TURN {
            let Some(id) = self.agenda.pop_due(now) else {
                return false;
            };
            let Some(check) = self.checks.get(&id) else {
                continue;
            };
            let begins = check.checker.starts_at().is_some_and(|at| at <= now)
                && !check.checker.is_running()
                && check.told.is_none()
                && check.run.is_none();
            let kind = usize::from(check.command.is_some());
            if begins && !self.has_room(kind) {
                if !std::mem::replace(&mut self.crowded, true) {
                    let running = self.running();
                    self.news.push_back((id, CheckNews::Crowded(running)));
                }
                if let Some(waiting) = self.waiting.get_mut(kind) {
                    waiting.push_back(id);
                }
                continue;
            }
            begun += usize::from(begins);
            self.expire(id, now);
        }
        true
    }

    fn has_room(&self, kind: usize) -> bool {
        let running = [self.tokens.len() + self.wanting.len(), self.alive.len()];
        running.get(kind) < self.limits.get(kind)
    }

    fn expire(&mut self, id: CheckId, now: Instant) {
        if let Some(check) = self.checks.get_mut(&id) {
            let ran = check.checker.is_running();
            check.checker.handle_timeout(now);
            self.attempts += u64::from(!ran && check.checker.is_running());
            self.drive(id, now);
        }
    }

    pub(super) fn poll_news(&mut self) -> Option<(CheckId, CheckNews)> {
        self.news.pop_front()
    }

    /// When [`Self::handle_due`] is needed next; at once if a socket has more to read, or somebody
    /// waits for whom there is room.
    pub(super) fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let room = |kind: usize| {
            let waits = self.waiting.get(kind).is_some_and(|list| !list.is_empty());
            waits && self.has_room(kind)
        };
        if !self.unread.is_empty() || room(0) || room(1) {
            return Some(now);
        }
        [self.agenda.next(), self.try_again]
            .into_iter()
            .flatten()
            .min()
    }

    /// Does what a checker wants done, and arms its deadline.
    fn drive(&mut self, id: CheckId, now: Instant) {
        loop {
            let Some(check) = self.checks.get_mut(&id) else {
                return;
            };
            let Some(output) = check.checker.poll_output(now) else {
                break;
            };
            match output {
                Output::Connect { .. } => self.connect(id, output, now),
                Output::Send { conn, bytes } => {
                    if let Some((_, open)) = &mut check.conn
                        && open.id == conn
                        && let Err(failure) = open.send(bytes)
                    {
                        check
                            .checker
                            .handle_input(now, Input::Failed(conn, failure));
                    }
                }
                Output::Close(_) => {
                    // A probe has one connection at a time.
                    check.wants = None;
                    if let Some((token, _)) = check.conn.take() {
                        self.tokens.remove(&token);
                        self.unread.remove(&token);
                    }
                }
                Output::Spawn { .. } => {
                    let run = self.next_run;
                    self.next_run += 1;
                    check.run = Some(run);
                    if let Some(command) = check.command.clone() {
                        self.runs.insert(run, id);
                        self.alive.insert(run);
                        self.news.push_back((id, CheckNews::Run(run, command)));
                    }
                }
                Output::Kill => {
                    if let Some(run) = check.run {
                        self.news.push_back((id, CheckNews::Kill(run)));
                    }
                }
                // The checker keeps it to itself.
                _ => {}
            }
        }
        let Some(check) = self.checks.get_mut(&id) else {
            return;
        };
        while let Some(event) = check.checker.poll_event() {
            if matches!(event, CheckerEvent::Up | CheckerEvent::Down(_)) {
                check.since = now;
                check.transitions += 1;
            }
            self.news.push_back((id, CheckNews::Event(event)));
        }
        let failures = check.checker.results().failures;
        self.failures += failures - std::mem::replace(&mut check.failures, failures);
        let known = |told: &TrackerId| self.levels.get(told).copied().and_then(level_of).is_some();
        // Of what was never told nothing can be said.
        let mute = check.told.as_ref().is_some_and(|told| !known(told));
        let next = check.checker.next_timeout().filter(|_| !mute);
        self.agenda.set(id, next);
    }
}
