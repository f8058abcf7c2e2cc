//! Ping: an echo request is answered, over ICMP or ICMPv6 by the family of the target (CHK-18).

use std::time::Duration;

use sans_io_time::Instant;

use super::Probe;
use super::attempt::Attempt;
use crate::io::{Input, Output, Target, Transport};
use crate::outcome::{Failure, Passed, Stage};
use crate::rng::Rng;

/// Octets that make an answer ours: id and sequence may be changed by the kernel.
const TOKEN: usize = 16;

/// Passes when the host answers an echo request (CHK-18).
#[derive(Debug)]
pub struct PingProbe {
    attempt: Attempt,
    target: Target,
    rng: Rng,
    sequence: u16,
    token: [u8; TOKEN],
    sent: bool,
}

impl PingProbe {
    /// Pings `target` once, and waits for as long as `limit`.
    #[must_use]
    pub fn new(target: Target, seed: u64, limit: Duration) -> Self {
        Self {
            attempt: Attempt::new(limit),
            target,
            rng: Rng::new(seed),
            sequence: 0,
            token: [0; TOKEN],
            sent: false,
        }
    }

    const fn types(&self) -> (u8, u8) {
        if self.target.to.is_ipv4() {
            (8, 0)
        } else {
            (128, 129)
        }
    }

    fn request(&mut self) -> Vec<u8> {
        let (kind, _) = self.types();
        let [high, low] = self.sequence.to_be_bytes();
        let [id_high, id_low] = self.rng.short().to_be_bytes();
        let mut message = vec![kind, 0, 0, 0, id_high, id_low, high, low];
        message.extend(self.token);
        if self.target.to.is_ipv4() {
            // The sum of an ICMPv6 message needs addresses: the kernel puts it in.
            let sum = checksum(&message).to_be_bytes();
            if let Some(field) = message.get_mut(2..4) {
                field.copy_from_slice(&sum);
            }
        }
        message
    }

    /// Other people's answers come too where the socket is a raw one: they are not failures.
    fn is_answer(&self, message: &[u8]) -> bool {
        let (_, kind) = self.types();
        let Some((header, data)) = message.split_first_chunk::<8>() else {
            return false;
        };
        let [is, code, _, _, _, _, high, low] = *header;
        is == kind
            && code == 0
            && u16::from_be_bytes([high, low]) == self.sequence
            && data == self.token
    }
}

/// The internet checksum of an even number of octets.
fn checksum(octets: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for pair in octets.chunks(2) {
        if let [high, low] = *pair {
            sum = sum.wrapping_add(u16::from_be_bytes([high, low]).into());
        }
    }
    while let Some(carry @ 1..) = sum.checked_shr(16) {
        sum = (sum & 0xffff).wrapping_add(carry);
    }
    u16::try_from(sum).map_or(0, |sum| !sum)
}

impl Probe for PingProbe {
    fn start(&mut self, now: Instant) {
        self.sequence = self.sequence.wrapping_add(1);
        let [first, second] = [self.rng.next(), self.rng.next()].map(u64::to_be_bytes);
        for (to, from) in self.token.iter_mut().zip(first.into_iter().chain(second)) {
            *to = from;
        }
        self.sent = false;
        self.attempt.begin(now);
        self.attempt.connect(Transport::Ping, self.target.clone());
    }

    fn handle_input(&mut self, _now: Instant, input: Input<'_>) {
        match input {
            Input::Connected(conn) if self.attempt.is_ours(conn) && !self.sent => {
                self.sent = true;
                let request = self.request();
                self.attempt.send(request);
            }
            Input::Bytes(conn, message)
                if self.attempt.is_ours(conn) && self.is_answer(message) =>
            {
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
            let stage = if self.sent {
                Stage::Reply
            } else {
                Stage::Connecting
            };
            self.attempt.fail(Failure::Timeout(stage));
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
