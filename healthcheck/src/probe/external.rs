//! What is watched elsewhere: a file (CHK-19), a BFD session (CHK-20). There is nothing to attempt;
//! each new level is a result.

use std::collections::VecDeque;

use sans_io_time::Instant;

use super::Probe;
use crate::io::{Input, Level, Output};
use crate::outcome::{Failure, Outcome, Passed, WeightChange};

/// A weight at which a file fails its server.
const LOWEST: i64 = -2_147_483_648;

/// Adds the number in a file, times a weight, to the weight of the server; fails at the lowest number
/// that a weight can have (CHK-19).
#[derive(Debug)]
pub struct FileProbe {
    weight: i64,
    value: Option<i64>,
    outputs: VecDeque<Output>,
}

impl FileProbe {
    /// Multiplies the number in the file by `weight`.
    #[must_use]
    pub fn new(weight: i32) -> Self {
        Self {
            weight: weight.into(),
            value: None,
            outputs: VecDeque::new(),
        }
    }

    fn judge(&self) -> Outcome {
        let value = self.value.unwrap_or(0);
        let change = value.saturating_mul(self.weight);
        if change <= LOWEST {
            return Err(Failure::FileValue(value));
        }
        Ok(Passed {
            complete: true,
            weight: WeightChange::By(change),
        })
    }
}

impl Probe for FileProbe {
    fn start(&mut self, _now: Instant) {
        self.outputs.push_back(Output::Done(self.judge()));
    }

    fn handle_input(&mut self, _now: Instant, input: Input<'_>) {
        if let Input::Level(Level::Value(value)) = input {
            self.value = value;
            self.outputs.push_back(Output::Done(self.judge()));
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

/// Passes while a BFD session is up (CHK-20).
#[derive(Debug, Default)]
pub struct BfdProbe {
    up: Option<bool>,
    outputs: VecDeque<Output>,
}

impl BfdProbe {
    /// A session of which nothing is known yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            up: None,
            outputs: VecDeque::new(),
        }
    }

    fn tell(&mut self) {
        let outcome = match self.up {
            // Nothing is known, so nothing is said.
            None => return,
            Some(true) => Ok(Passed::PLAIN),
            Some(false) => Err(Failure::Down),
        };
        self.outputs.push_back(Output::Done(outcome));
    }
}

impl Probe for BfdProbe {
    fn start(&mut self, _now: Instant) {
        self.tell();
    }

    fn handle_input(&mut self, _now: Instant, input: Input<'_>) {
        if let Input::Level(Level::Up(up)) = input {
            self.up = Some(up);
            self.tell();
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}
