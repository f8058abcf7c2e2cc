//! TCP: the connection can be established (CHK-10).

use std::time::Duration;

use sans_io_time::Instant;

use super::Probe;
use super::attempt::Attempt;
use crate::io::{Input, Output, Target, Transport};
use crate::outcome::{Failure, Passed, Stage};

/// Passes when the server accepts a connection (CHK-10).
#[derive(Debug)]
pub struct TcpProbe {
    attempt: Attempt,
    target: Target,
}

impl TcpProbe {
    /// Connects to `target` within `limit`.
    #[must_use]
    pub fn new(target: Target, limit: Duration) -> Self {
        let attempt = Attempt::new(limit);
        Self { attempt, target }
    }
}

impl Probe for TcpProbe {
    fn start(&mut self, now: Instant) {
        self.attempt.begin(now);
        self.attempt.connect(Transport::Tcp, self.target.clone());
    }

    fn handle_input(&mut self, _now: Instant, input: Input<'_>) {
        match input {
            Input::Connected(conn) if self.attempt.is_ours(conn) => {
                self.attempt.finish(Ok(Passed::PLAIN));
            }
            Input::Failed(conn, failure) if self.attempt.is_ours(conn) => {
                self.attempt.fail(self.attempt.io(failure));
            }
            _ => {}
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.attempt.is_due(now) {
            self.attempt.fail(Failure::Timeout(Stage::Connecting));
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.attempt.poll()
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.attempt.deadline()
    }

    fn abort(&mut self) {
        self.attempt.abort();
    }
}
