//! SMTP: a greeting of 220, HELO answered by 250, QUIT (CHK-14).

use std::time::Duration;

use sans_io_time::Instant;

use super::Probe;
use super::attempt::Attempt;
use crate::io::{Input, Output, Target, Transport};
use crate::outcome::{Failure, Passed, SmtpFailure, Stage};

/// Longest line of a reply in octets, its end included. RFC 5321 4.5.3.1.5 allows 512; some servers
/// greet with more.
pub const SMTP_LINE: usize = 2048;

/// Lines of one reply.
const MOST_LINES: u32 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Greeting,
    Helo,
    Quit,
}

/// Passes when a mail server says that it is ready (CHK-14).
#[derive(Debug)]
pub struct SmtpProbe {
    attempt: Attempt,
    target: Target,
    helo: String,
    state: State,
    line: Vec<u8>,
    lines: u32,
}

impl SmtpProbe {
    /// Says `helo` to `target`; all within `limit`.
    #[must_use]
    pub fn new(target: Target, helo: &str, limit: Duration) -> Self {
        Self {
            attempt: Attempt::new(limit),
            target,
            // What would end the line would be a command of its own.
            helo: helo.replace(['\r', '\n'], ""),
            state: State::Connecting,
            line: Vec::new(),
            lines: 0,
        }
    }

    /// Takes in what the server says, as far as a line may go: CHK-21.
    fn octets(&mut self, octets: &[u8]) -> Result<(), SmtpFailure> {
        for octet in octets {
            if self.line.len() >= SMTP_LINE {
                return Err(SmtpFailure::LineTooLong);
            }
            self.line.push(*octet);
            if *octet == b'\n' {
                self.lines = self.lines.saturating_add(1);
                if self.lines > MOST_LINES {
                    return Err(SmtpFailure::TooManyLines);
                }
                let line = std::mem::take(&mut self.line);
                if let Some(code) = last_line(&line)? {
                    self.lines = 0;
                    self.reply(code)?;
                }
            }
        }
        Ok(())
    }

    fn reply(&mut self, code: u16) -> Result<(), SmtpFailure> {
        match (self.state, code) {
            (State::Greeting, 220) => {
                self.state = State::Helo;
                let helo = format!("HELO {}\r\n", self.helo);
                self.attempt.send(helo.into_bytes());
            }
            (State::Helo, 250) => {
                self.state = State::Quit;
                self.attempt.send(b"QUIT\r\n".to_vec());
            }
            // Its code is not looked at.
            (State::Quit, _) => self.attempt.finish(Ok(Passed::PLAIN)),
            _ => return Err(SmtpFailure::Code(code)),
        }
        Ok(())
    }

    const fn stage(&self) -> Stage {
        match self.state {
            State::Connecting => Stage::Connecting,
            State::Greeting => Stage::Greeting,
            State::Helo | State::Quit => Stage::Reply,
        }
    }
}

/// The code of the last line of a reply; `None` for a line that another one follows.
fn last_line(line: &[u8]) -> Result<Option<u16>, SmtpFailure> {
    let (digits, rest) = line
        .split_first_chunk::<3>()
        .ok_or(SmtpFailure::Malformed)?;
    let mut code = 0_u16;
    for digit in digits {
        let value = match digit {
            b'0'..=b'9' => u16::from(digit.wrapping_sub(b'0')),
            _ => return Err(SmtpFailure::Malformed),
        };
        code = code.saturating_mul(10).saturating_add(value);
    }
    match rest.first() {
        Some(b'-') => Ok(None),
        Some(b' ' | b'\r' | b'\n') => Ok(Some(code)),
        _ => Err(SmtpFailure::Malformed),
    }
}

impl Probe for SmtpProbe {
    fn start(&mut self, now: Instant) {
        self.state = State::Connecting;
        self.line.clear();
        self.lines = 0;
        self.attempt.begin(now);
        self.attempt.connect(Transport::Tcp, self.target.clone());
    }

    fn handle_input(&mut self, _now: Instant, input: Input<'_>) {
        match input {
            Input::Connected(conn)
                if self.attempt.is_ours(conn) && self.state == State::Connecting =>
            {
                self.state = State::Greeting;
            }
            Input::Bytes(conn, octets) if self.attempt.is_ours(conn) => {
                if let Err(failure) = self.octets(octets) {
                    self.attempt.fail(failure);
                }
            }
            Input::Eof(conn) if self.attempt.is_ours(conn) => match self.state {
                State::Quit => self.attempt.finish(Ok(Passed::PLAIN)),
                _ => self.attempt.fail(Failure::Closed(self.stage())),
            },
            Input::Failed(conn, failure) if self.attempt.is_ours(conn) => {
                self.attempt.fail(self.attempt.io(failure));
            }
            _ => {}
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.attempt.is_due(now) {
            self.attempt.fail(Failure::Timeout(self.stage()));
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
