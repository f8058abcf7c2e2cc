//! One connection: octets to lines, answers to octets, within limits.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::time::Duration;

use sans_io_time::Instant;

use super::Peer;

/// What is left to do for a connection after a step.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Wait for the poll.
    Wait,
    /// Drop it.
    Close,
}

/// Octets read from one client in one turn at most: a client that keeps sending must not keep the
/// thread from the others.
const TURN_LIMIT: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Client<S> {
    pub(super) stream: S,
    pub(super) peer: Peer,
    deadline: Instant,
    received: Vec<u8>,
    answers: VecDeque<u8>,
    /// The client has shut its side down: answer what came, then close.
    at_end: bool,
}

impl<S: Read + Write> Client<S> {
    pub(super) fn new(stream: S, peer: Peer, now: Instant, idle: Duration) -> Self {
        Self {
            stream,
            peer,
            deadline: after(now, idle),
            received: Vec::new(),
            answers: VecDeque::new(),
            at_end: false,
        }
    }

    /// When it is to be dropped for its silence.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Read, answer, write, as far as the socket lets us.
    pub(super) fn handle_ready(
        &mut self,
        now: Instant,
        idle: Duration,
        limit: usize,
        handle: &mut dyn FnMut(&str, Peer) -> String,
    ) -> Step {
        let mut taken = 0;
        loop {
            match self.write() {
                Ok(0) => {}
                Ok(_) => self.deadline = after(now, idle),
                Err(_) => return Step::Close,
            }
            // No more requests from a client that does not take its answers: bounded memory.
            if !self.answers.is_empty() {
                return Step::Wait;
            }
            if let Some(line) = self.take_line() {
                let mut answer = match std::str::from_utf8(&line) {
                    Ok(line) => handle(line.trim(), self.peer).replace('\n', " "),
                    Err(_) => r#"{"error":"request is not UTF-8"}"#.to_owned(),
                };
                answer.push('\n');
                self.answers.extend(answer.as_bytes());
                continue;
            }
            if self.at_end {
                return Step::Close;
            }
            if self.received.len() > limit {
                self.refuse(&format!(
                    r#"{{"error":"request longer than {limit} octets"}}"#
                ));
                return Step::Close;
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    self.at_end = true;
                    // A last line without its line feed counts.
                    if !self.received.is_empty() {
                        self.received.push(b'\n');
                    }
                }
                Ok(count) => {
                    taken += count;
                    self.received
                        .extend_from_slice(buffer.get(..count).unwrap_or_default());
                    self.deadline = after(now, idle);
                    if taken > TURN_LIMIT {
                        return Step::Close;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Step::Wait,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Step::Close,
            }
        }
    }

    /// A last word to a client that is dropped; as much of it as goes.
    pub(super) fn refuse(&mut self, answer: &str) {
        let _ = self.stream.write(format!("{answer}\n").as_bytes());
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        let end = self.received.iter().position(|octet| *octet == b'\n')?;
        let rest = self.received.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.received, rest);
        line.pop();
        Some(line)
    }

    /// Octets written before the socket was full.
    fn write(&mut self) -> io::Result<usize> {
        let mut written = 0;
        while !self.answers.is_empty() {
            let (front, _) = self.answers.as_slices();
            match self.stream.write(front) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.answers.drain(..count);
                    written += count;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }
}

fn after(now: Instant, idle: Duration) -> Instant {
    now.checked_add(idle).unwrap_or(now)
}
