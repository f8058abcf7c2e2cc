//! A server that is a function, and time that passes when it is told to.
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use healthcheck::{ConnId, Input, Instant, Outcome, Output, Probe, Target};

pub(crate) const LIMIT: Duration = Duration::from_secs(5);

pub(crate) fn at(milliseconds: u64) -> Instant {
    Instant::from_nanos(0)
        .checked_add(Duration::from_millis(milliseconds))
        .expect("in range")
}

pub(crate) fn target() -> Target {
    Target::new("192.0.2.1:8080".parse().expect("address"))
}

/// A probe, what it sent, and its verdict.
pub(crate) struct Bench<P> {
    pub(crate) probe: P,
    pub(crate) now: Instant,
    pub(crate) conn: Option<ConnId>,
    pub(crate) connects: Vec<Output>,
    pub(crate) sent: Vec<Vec<u8>>,
    pub(crate) other: Vec<Output>,
    pub(crate) outcome: Option<Outcome>,
}

impl<P: Probe> Bench<P> {
    /// Starts an attempt.
    pub(crate) fn new(probe: P) -> Self {
        let mut bench = Self {
            probe,
            now: at(0),
            conn: None,
            connects: Vec::new(),
            sent: Vec::new(),
            other: Vec::new(),
            outcome: None,
        };
        bench.start();
        bench
    }

    pub(crate) fn start(&mut self) {
        self.outcome = None;
        self.sent.clear();
        self.probe.start(self.now);
        self.drain();
    }

    /// The connection stands.
    pub(crate) fn connected(mut self) -> Self {
        let conn = self.conn.expect("it connects");
        self.input(Input::Connected(conn));
        self
    }

    pub(crate) fn input(&mut self, input: Input<'_>) {
        self.probe.handle_input(self.now, input);
        self.drain();
    }

    /// The server sends; nothing once the connection is closed.
    pub(crate) fn hear(&mut self, octets: &[u8]) {
        if let Some(conn) = self.conn {
            self.input(Input::Bytes(conn, octets));
        }
    }

    /// The server closes.
    pub(crate) fn eof(&mut self) {
        if let Some(conn) = self.conn {
            self.input(Input::Eof(conn));
        }
    }

    pub(crate) fn pass(&mut self, milliseconds: u64) {
        let span = Duration::from_millis(milliseconds);
        self.now = self.now.checked_add(span).expect("in range");
        self.probe.handle_timeout(self.now);
        self.drain();
    }

    /// Lets octets trickle in, one each so many milliseconds, until there is a verdict; how long that
    /// took.
    pub(crate) fn trickle(&mut self, milliseconds: u64, mut octet: impl FnMut() -> u8) -> Duration {
        let begin = self.now;
        for _ in 0..100_000 {
            if self.outcome.is_some() {
                return self.now.saturating_duration_since(begin);
            }
            self.pass(milliseconds);
            let octet = [octet()];
            self.hear(&octet);
        }
        panic!("no verdict");
    }

    pub(crate) fn verdict(&self) -> &Outcome {
        self.outcome.as_ref().expect("a verdict")
    }

    /// All that was sent, in one.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&self.sent.concat()).into_owned()
    }

    pub(crate) fn drain(&mut self) {
        while let Some(output) = self.probe.poll_output() {
            assert!(self.outcome.is_none(), "after the end: {output:?}");
            match output {
                Output::Connect { conn, .. } => {
                    assert_eq!(self.conn, None, "two connections");
                    self.conn = Some(conn);
                    self.connects.push(output);
                }
                Output::Send { conn, bytes } => {
                    assert_eq!(self.conn, Some(conn));
                    self.sent.push(bytes);
                }
                Output::Close(conn) => {
                    assert_eq!(self.conn.take(), Some(conn));
                }
                Output::Done(outcome) => {
                    assert_eq!(self.conn, None, "left open");
                    assert_eq!(self.probe.next_timeout(), None, "still waits");
                    self.outcome = Some(outcome);
                }
                other => self.other.push(other),
            }
        }
    }
}
