//! One check script: when it runs next, and what its results come to. Pure: no clock, no
//! processes.

use std::sync::Arc;
use std::time::Duration;

use sans_io_time::Instant;
use vrrp_fsm::TrackStatus;

use super::super::{ScriptCheck, TrackerFacts, TrackerSetup};
use crate::hooks::Outcome;

/// A script, its cadence, and its state.
#[derive(Debug)]
pub(super) struct Schedule {
    pub(super) setup: Arc<TrackerSetup>,
    check: ScriptCheck,
    /// When it is to start next.
    due: Instant,
    status: TrackStatus,
    /// Results in a row that contradict the state.
    contrary: u32,
    runs: u64,
    /// How the last run ended.
    last: Option<Ending>,
    /// The log was told that it is still running when it should run again.
    pub(super) overlap_told: bool,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It ran.
    Ran(Outcome),
    /// It could not even be started, for this reason.
    NotStarted(String),
}

impl Ending {
    fn is_good(&self) -> bool {
        *self == Self::Ran(Outcome::Exited(0))
    }

    pub(super) fn code(&self) -> Option<i32> {
        match self {
            Self::Ran(Outcome::Exited(code)) => Some(*code),
            _ => None,
        }
    }
}

/// What a result means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    /// The state is another one, or known for the first time.
    pub(super) changed: bool,
    /// The exit status is not that of the run before.
    pub(super) other_code: bool,
    /// The state now.
    pub(super) status: TrackStatus,
}

impl Schedule {
    pub(super) fn new(setup: Arc<TrackerSetup>, check: ScriptCheck, due: Instant) -> Self {
        Self {
            status: setup.initial(),
            setup,
            check,
            due,
            contrary: 0,
            runs: 0,
            last: None,
            overlap_told: false,
        }
    }

    pub(super) fn check(&self) -> &ScriptCheck {
        &self.check
    }

    pub(super) fn due(&self) -> Instant {
        self.due
    }

    pub(super) fn status(&self) -> TrackStatus {
        self.status
    }

    /// A start at `now`, or one that has to be skipped: the next one keeps the cadence. What was
    /// missed is not made up for.
    pub(super) fn advance(&mut self, now: Instant) {
        let interval = self.check.interval.max(Duration::from_millis(1));
        let next = self.due.checked_add(interval).unwrap_or(now);
        self.due = if next > now {
            next
        } else {
            now.checked_add(interval).unwrap_or(now)
        };
    }

    /// A run has ended, or has run into its timeout. KA-W-07, TRK-11: the first result counts at
    /// once, later ones only so many in a row; a check that begins as failed needs its `rise`.
    pub(super) fn judge(&mut self, ending: Ending) -> Judged {
        self.runs = self.runs.saturating_add(1);
        let good = ending.is_good();
        let before = self.last.as_ref().map_or(Some(0), Ending::code);
        let other_code = ending.code().is_some() && ending.code() != before;
        self.last = Some(ending);
        let result = if good {
            TrackStatus::Up
        } else {
            TrackStatus::Down
        };
        let first = self.status == TrackStatus::Unknown;
        if self.status == result {
            self.contrary = 0;
            return self.judged(false, other_code);
        }
        self.contrary = self.contrary.saturating_add(1);
        let needed = if good {
            self.check.rise
        } else {
            self.check.fall
        };
        if !first && self.contrary < needed {
            return self.judged(false, other_code);
        }
        self.contrary = 0;
        self.status = result;
        self.judged(true, other_code)
    }

    fn judged(&self, changed: bool, other_code: bool) -> Judged {
        Judged {
            changed,
            other_code,
            status: self.status,
        }
    }

    pub(super) fn facts(&self) -> TrackerFacts {
        TrackerFacts {
            runs: self.runs,
            exit_code: self.last.as_ref().and_then(Ending::code),
            matching: None,
            outcome: self.last.as_ref().map(|ending| match ending {
                Ending::Ran(outcome) => outcome.to_string(),
                Ending::NotStarted(why) => format!("could not be started: {why}"),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Watch;
    use super::*;
    use crate::hooks::HookCommand;

    fn schedule(change: impl FnOnce(&mut ScriptCheck)) -> Schedule {
        let mut check = ScriptCheck::new(Arc::new(HookCommand::new(["/bin/true"])));
        change(&mut check);
        let setup = TrackerSetup::new("chk", Watch::Script(check.clone()));
        Schedule::new(Arc::new(setup), check, at(0))
    }

    fn at(milliseconds: i64) -> Instant {
        Instant::from_nanos(milliseconds * 1_000_000)
    }

    /// The state after each of these exit codes.
    fn states(schedule: &mut Schedule, codes: &[i32]) -> Vec<TrackStatus> {
        let judge = |code: &i32| schedule.judge(Ending::Ran(Outcome::Exited(*code))).status;
        codes.iter().map(judge).collect()
    }

    use TrackStatus::{Down, Up};

    /// KA-W-07, TRK-11.
    #[test]
    fn the_first_result_counts_at_once_and_later_ones_only_in_a_row() {
        let strict = |check: &mut ScriptCheck| (check.rise, check.fall) = (3, 2);
        let mut script = schedule(strict);
        let codes = [0, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0];
        let expected = [Up, Up, Up, Up, Down, Down, Down, Down, Down, Down, Up];
        assert_eq!(states(&mut script, &codes), expected);
        assert_eq!(
            states(&mut schedule(strict), &[7, 0, 0]),
            [Down, Down, Down]
        );
    }

    /// TRK-10: a check that begins as failed has to rise first.
    #[test]
    fn init_fail_begins_as_failed_and_rises_like_any_other() {
        let mut script = schedule(|check| (check.init_fail, check.rise) = (true, 2));
        assert_eq!(script.status(), Down);
        assert_eq!(states(&mut script, &[0, 0]), [Down, Up]);
    }

    /// KA-W-07, SCR-13, LESSONS A6: a time-out, a signal and a program that is not there are
    /// failures.
    #[test]
    fn whatever_is_not_an_exit_with_zero_is_a_failure() {
        for ending in [
            Ending::Ran(Outcome::TimedOut),
            Ending::Ran(Outcome::Signalled(9)),
            Ending::Ran(Outcome::Exited(126)),
            Ending::NotStarted("no such file".to_owned()),
        ] {
            let mut script = schedule(|_| {});
            script.judge(Ending::Ran(Outcome::Exited(0)));
            let judged = script.judge(ending.clone());
            assert_eq!((judged.changed, judged.status), (true, Down), "{ending:?}");
        }
    }

    /// A machine that slept for a minute owes nobody sixty runs.
    #[test]
    fn runs_keep_their_cadence_and_missed_ones_are_not_made_up_for() {
        let mut script = schedule(|check| check.interval = Duration::from_millis(300));
        script.advance(at(5));
        assert_eq!(script.due(), at(300));
        script.advance(at(60_000));
        assert_eq!(script.due(), at(60_300));
    }
}
