//! A check over time: probes at intervals, retries, and what follows from their results.

use std::collections::VecDeque;
use std::time::Duration;

use sans_io_time::Instant;

use crate::io::{Input, Output};
use crate::outcome::{Failure, Outcome, Passed, WeightChange};
use crate::probe::Probe;
use crate::rng::Rng;
use crate::schedule::Schedule;

/// What is held of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It works, or has not been seen failing.
    Up,
    /// It fails, or has not been seen working.
    Down,
}

/// Something that changed.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckerEvent {
    /// Came up.
    Up,
    /// Went down, and why.
    Down(Failure),
    /// Says something else about the weight.
    Weight(WeightChange),
    /// An attempt failed that does not decide yet, or changes nothing; only when asked for, and the first
    /// one of a check that begins as failed.
    AttemptFailed(Failure),
    /// The first result came; sent once, whether anything changed or not.
    FirstResult,
}

/// What came of all attempts so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Results {
    /// Attempts that ended, and levels that were told.
    pub attempts: u64,
    /// Those of them that failed.
    pub failures: u64,
    /// When and how the last of these did.
    pub last_failure: Option<(Instant, Failure)>,
}

/// How far a check is on the way to another verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// While up: failed attempts of the present check that have another one behind them
    /// ([`Schedule::retries`](crate::Schedule::retries)).
    pub retries: u32,
    /// While up: failed checks in a row ([`Schedule::fall`](crate::Schedule::fall)).
    pub failed: u32,
    /// While down: passed ones in a row ([`Schedule::rise`](crate::Schedule::rise)).
    pub passed: u32,
}

/// A probe and when it runs.
#[derive(Debug)]
pub struct Checker<P> {
    probe: P,
    schedule: Schedule,
    rng: Rng,
    health: Health,
    weight: WeightChange,
    known: bool,
    suspended: bool,
    running: bool,
    /// Start of the last check that was not a retry.
    started: Option<Instant>,
    next: Option<Instant>,
    /// Failed attempts of one check while up, successes in a row while down.
    row: u32,
    /// Failed checks in a row while up, retries included.
    falls: u32,
    results: Results,
    events: VecDeque<CheckerEvent>,
}

impl<P: Probe> Checker<P> {
    /// A check whose first attempt comes within the warm-up from now. `seed` decides when.
    #[must_use]
    pub fn new(probe: P, schedule: Schedule, seed: u64, now: Instant) -> Self {
        let mut checker = Self {
            probe,
            schedule,
            rng: Rng::new(seed),
            health: if schedule.alpha {
                Health::Down
            } else {
                Health::Up
            },
            weight: WeightChange::None,
            known: false,
            suspended: false,
            running: false,
            started: None,
            next: None,
            row: 0,
            falls: 0,
            results: Results::default(),
            events: VecDeque::new(),
        };
        checker.next = Some(checker.spread(now));
        checker
    }

    /// What is held of the server.
    #[must_use]
    pub const fn health(&self) -> Health {
        self.health
    }

    /// What the check says about the weight.
    #[must_use]
    pub const fn weight(&self) -> WeightChange {
        self.weight
    }

    /// Whether there was a result yet.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.known
    }

    /// Whether the check rests.
    #[must_use]
    pub const fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// Whether an attempt runs.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.running
    }

    /// When the next attempt begins; `None` while one runs, while the check rests, and for what is
    /// [told](Schedule::told): that is looked at once, and then waited for.
    #[must_use]
    pub const fn starts_at(&self) -> Option<Instant> {
        match self.schedule.interval {
            Some(_) => self.next,
            None => None,
        }
    }

    /// What came of the attempts.
    #[must_use]
    pub const fn results(&self) -> &Results {
        &self.results
    }

    /// How far it is on the way to another verdict.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        let (retries, passed) = match self.health {
            Health::Up => (self.row, 0),
            Health::Down => (0, self.row),
        };
        Progress {
            retries,
            failed: self.falls,
            passed,
        }
    }

    /// Takes over what another run of the same definition knew, so that a reload keeps a failed
    /// server failed.
    pub fn adopt(&mut self, health: Health, weight: WeightChange) {
        self.health = health;
        self.weight = weight;
        self.known = true;
    }

    /// LVS-16: stops checking, or goes on. What is held of the server stays as it is meanwhile; an attempt
    /// that runs is given up.
    pub fn suspend(&mut self, now: Instant, on: bool) {
        if self.suspended == on {
            return;
        }
        self.suspended = on;
        self.row = 0;
        self.falls = 0;
        if on {
            self.running = false;
            self.next = None;
            self.probe.abort();
        } else {
            self.started = None;
            self.next = Some(self.spread(now));
        }
    }

    /// Takes what the driver tells.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        self.probe.handle_input(now, input);
    }

    /// Does what is due. Too early or twice does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.probe.handle_timeout(now);
        if !self.running && self.next.is_some_and(|next| next <= now) {
            self.next = None;
            self.running = true;
            // Retries belong to the check that they repeat.
            if self.row == 0 || self.health == Health::Down {
                self.started = Some(now);
            }
            self.probe.start(now);
        }
    }

    /// The next thing to do. The end of an attempt is dealt with here, and not given out.
    pub fn poll_output(&mut self, now: Instant) -> Option<Output> {
        loop {
            match self.probe.poll_output()? {
                Output::Done(outcome) => self.done(now, outcome),
                output => return Some(output),
            }
        }
    }

    /// The next change.
    pub fn poll_event(&mut self) -> Option<CheckerEvent> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] is needed next.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        let probe = self.probe.next_timeout();
        [probe, self.next].into_iter().flatten().min()
    }

    fn done(&mut self, now: Instant, outcome: Outcome) {
        if self.suspended {
            return;
        }
        let attempt = std::mem::take(&mut self.running);
        let first = !std::mem::replace(&mut self.known, true);
        self.results.attempts = self.results.attempts.saturating_add(1);
        let pause = match outcome {
            Ok(passed) => self.passed(passed),
            Err(failure) => {
                self.results.failures = self.results.failures.saturating_add(1);
                self.results.last_failure = Some((now, failure.clone()));
                self.failed(failure, first)
            }
        };
        if first {
            self.events.push_back(CheckerEvent::FirstResult);
        }
        // What is told by itself has no turn of its own, and disturbs none.
        if attempt && let Some(interval) = self.schedule.interval {
            self.next = Some(match pause {
                Some(pause) => now.checked_add(pause).unwrap_or(now),
                None => self.regular(now, interval),
            });
        }
    }

    /// From start to start, however long the check took. One that took longer, its retries included, is
    /// followed by a whole interval: a server in trouble is not asked without a pause.
    fn regular(&self, now: Instant, interval: Duration) -> Instant {
        let next = self.started.and_then(|start| start.checked_add(interval));
        next.filter(|next| *next > now)
            .or_else(|| now.checked_add(interval))
            .unwrap_or(now)
    }

    /// The pause until the next attempt, if not the regular one.
    fn passed(&mut self, passed: Passed) -> Option<Duration> {
        if passed.weight != self.weight && passed.complete {
            self.weight = passed.weight;
            self.events.push_back(CheckerEvent::Weight(passed.weight));
        }
        match self.health {
            Health::Up => {
                self.row = 0;
                if passed.complete {
                    self.falls = 0;
                }
            }
            Health::Down if passed.complete => {
                self.row = self.row.saturating_add(1);
                if self.row >= self.schedule.rise {
                    self.row = 0;
                    self.health = Health::Up;
                    self.events.push_back(CheckerEvent::Up);
                }
            }
            Health::Down if self.schedule.fast_recovery => return Some(Duration::ZERO),
            Health::Down => {}
        }
        None
    }

    fn failed(&mut self, failure: Failure, first: bool) -> Option<Duration> {
        let mut pause = None;
        match self.health {
            // CHK-05: retries are for what was seen working; who fails from the beginning is out at once.
            Health::Up if !first && self.row < self.schedule.retries => {
                self.row = self.row.saturating_add(1);
                pause = Some(self.schedule.delay_before_retry);
            }
            Health::Up => {
                self.row = 0;
                self.falls = self.falls.saturating_add(1);
                if self.falls >= self.schedule.fall {
                    self.falls = 0;
                    self.health = Health::Down;
                    self.events.push_back(CheckerEvent::Down(failure));
                    return None;
                }
            }
            Health::Down => self.row = 0,
        }
        // With `alpha` nobody else says why it does not come up.
        let unsaid = first && self.health == Health::Down;
        if self.schedule.log_all_failures || unsaid {
            self.events.push_back(CheckerEvent::AttemptFailed(failure));
        }
        pause
    }

    fn spread(&mut self, now: Instant) -> Instant {
        let most = u64::try_from(self.schedule.warmup.as_nanos()).unwrap_or(u64::MAX);
        let wait = Duration::from_nanos(self.rng.up_to(most));
        now.checked_add(wait).unwrap_or(now)
    }
}
