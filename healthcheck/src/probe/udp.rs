//! UDP: no ICMP error within the time; or, if one is required, a reply that fits (CHK-17).

use std::time::Duration;

use sans_io_time::Instant;

use super::Probe;
use super::attempt::Attempt;
use crate::io::{Input, Output, Target, Transport};
use crate::outcome::{Failure, Passed, Stage};
use crate::rng::Rng;

/// Octets of a payload that is made up.
const MADE_UP: usize = 32;

/// Octets, some bits of which do not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern {
    octets: Vec<(u8, u8)>,
}

impl Pattern {
    /// A pattern of values and masks; bits that are 0 in the mask do not matter.
    #[must_use]
    pub fn new(octets: impl IntoIterator<Item = (u8, u8)>) -> Self {
        let octets = octets.into_iter();
        let octets = octets.map(|(value, mask)| (value & mask, mask));
        Self {
            octets: octets.collect(),
        }
    }

    /// Whether a reply fits as far as both go.
    fn fits(&self, reply: &[u8]) -> bool {
        let mut pairs = self.octets.iter().zip(reply);
        pairs.all(|((value, mask), octet)| octet & mask == *value)
    }
}

/// What is sent, and what has to come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpConfig {
    /// What is sent; made up if `None`.
    pub payload: Option<Vec<u8>>,
    /// The reply that is required, if one is.
    pub reply: Option<Pattern>,
    /// Shortest reply in octets.
    pub min_length: usize,
    /// Longest reply in octets.
    pub max_length: usize,
}

impl Default for UdpConfig {
    /// No reply is required; one may have 0 to 255 octets.
    fn default() -> Self {
        Self {
            payload: None,
            reply: None,
            min_length: 0,
            max_length: 255,
        }
    }
}

/// Passes when nobody says that nobody is there, or when the right answer comes (CHK-17).
#[derive(Debug)]
pub struct UdpProbe {
    attempt: Attempt,
    target: Target,
    config: UdpConfig,
    rng: Rng,
    sent: bool,
}

impl UdpProbe {
    /// Sends to `target`. Without a required reply an attempt that succeeds takes all of `limit`
    /// unless a reply comes: the ICMP error may come late.
    #[must_use]
    pub fn new(target: Target, config: UdpConfig, seed: u64, limit: Duration) -> Self {
        Self {
            attempt: Attempt::new(limit),
            target,
            config,
            rng: Rng::new(seed),
            sent: false,
        }
    }

    fn payload(&mut self) -> Vec<u8> {
        self.config.payload.clone().unwrap_or_else(|| {
            let octets = std::iter::repeat_with(|| self.rng.next().to_be_bytes());
            octets.flatten().take(MADE_UP).collect()
        })
    }

    fn judge(&self, reply: &[u8]) -> Result<Passed, Failure> {
        let Some(pattern) = &self.config.reply else {
            return Ok(Passed::PLAIN);
        };
        let fits = self.config.min_length..=self.config.max_length;
        if !fits.contains(&reply.len()) {
            return Err(Failure::ReplyLength(reply.len()));
        }
        if pattern.fits(reply) {
            Ok(Passed::PLAIN)
        } else {
            Err(Failure::ReplyContent)
        }
    }
}

impl Probe for UdpProbe {
    fn start(&mut self, now: Instant) {
        self.sent = false;
        self.attempt.begin(now);
        self.attempt.connect(Transport::Udp, self.target.clone());
    }

    fn handle_input(&mut self, _now: Instant, input: Input<'_>) {
        match input {
            Input::Connected(conn) if self.attempt.is_ours(conn) && !self.sent => {
                self.sent = true;
                // An empty datagram is one too, so it does not go through `send`.
                let bytes = self.payload();
                self.attempt.push(Output::Send { conn, bytes });
            }
            Input::Bytes(conn, reply) if self.attempt.is_ours(conn) => {
                let outcome = self.judge(reply);
                self.attempt.finish(outcome);
            }
            Input::Failed(conn, failure) if self.attempt.is_ours(conn) => {
                self.attempt.fail(self.attempt.io(failure));
            }
            _ => {}
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.attempt.is_due(now) {
            self.attempt.finish(match (self.sent, &self.config.reply) {
                (false, _) => Err(Failure::Timeout(Stage::Connecting)),
                (true, Some(_)) => Err(Failure::Timeout(Stage::Reply)),
                (true, None) => Ok(Passed::PLAIN),
            });
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
