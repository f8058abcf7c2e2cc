//! A program: exit code 0 passes; with `dynamic` 2 to 255 pass too and say the weight (CHK-16).

use std::time::Duration;

use sans_io_time::Instant;

use super::Probe;
use super::attempt::Attempt;
use crate::io::{Input, Output};
use crate::outcome::{Failure, Outcome, Passed, Stage, WeightChange};

/// Passes when a program says so (CHK-16).
#[derive(Debug)]
pub struct ScriptProbe {
    attempt: Attempt,
    argv: Vec<String>,
    dynamic: bool,
    /// The program was started and has not ended yet, whatever became of its attempt.
    alive: bool,
}

impl ScriptProbe {
    /// Runs a program for no longer than `limit`. With `dynamic` exit codes from 2 set the weight to
    /// two less.
    #[must_use]
    pub fn new(argv: Vec<String>, dynamic: bool, limit: Duration) -> Self {
        Self {
            attempt: Attempt::new(limit),
            argv,
            dynamic,
            alive: false,
        }
    }

    fn judge(&self, code: Option<i32>) -> Outcome {
        match code {
            Some(0) => Ok(Passed::PLAIN),
            Some(code @ 2..=255) if self.dynamic => {
                let weight = u32::try_from(code).unwrap_or(2).saturating_sub(2);
                Ok(Passed {
                    complete: true,
                    weight: WeightChange::To(weight),
                })
            }
            Some(code) => Err(Failure::Exit(code)),
            None => Err(Failure::Signal),
        }
    }

    fn kill(&mut self) {
        if self.alive {
            self.attempt.push(Output::Kill);
        }
    }
}

impl Probe for ScriptProbe {
    fn start(&mut self, now: Instant) {
        self.attempt.begin(now);
        if self.alive {
            // Never two at once.
            self.kill();
            self.attempt.fail(Failure::StillRunning);
            return;
        }
        self.alive = true;
        let argv = self.argv.clone();
        self.attempt.push(Output::Spawn { argv });
    }

    fn handle_input(&mut self, _now: Instant, input: Input<'_>) {
        match input {
            Input::Exited { code } => {
                self.alive = false;
                let outcome = self.judge(code);
                self.attempt.finish(outcome);
            }
            Input::SpawnFailed(why) => {
                self.alive = false;
                self.attempt.fail(Failure::NotStarted(why.to_owned()));
            }
            _ => {}
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.attempt.is_due(now) {
            self.kill();
            self.attempt.fail(Failure::Timeout(Stage::Running));
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.attempt.poll()
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.attempt.deadline()
    }

    fn abort(&mut self) {
        if self.attempt.runs() {
            self.kill();
        }
        self.attempt.abort();
    }
}
