//! DNS: an answer with the id of the question and response code 0 (CHK-15). The answer section is
//! not looked at: an empty answer passes, as in Keepalived. One that was cut short for want of room is asked
//! for again over TCP; a server that has UDP and nothing else is judged by what it said there.

use std::time::Duration;

use sans_io_time::Instant;

use super::Probe;
use super::attempt::Attempt;
use crate::io::{Input, Output, Target, Transport};
use crate::outcome::{DnsFailure, Failure, Passed, Stage};
use crate::rng::Rng;

/// Header of a message in octets.
const HEADER: usize = 12;

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueryType {
    /// IPv4 address.
    A,
    /// Name server.
    Ns,
    /// Alias.
    Cname,
    /// Start of authority.
    #[default]
    Soa,
    /// Mail exchanger.
    Mx,
    /// Text.
    Txt,
    /// IPv6 address.
    Aaaa,
}

impl QueryType {
    const fn number(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Ns => 2,
            Self::Cname => 5,
            Self::Soa => 6,
            Self::Mx => 15,
            Self::Txt => 16,
            Self::Aaaa => 28,
        }
    }
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsQuery {
    /// Type and name as they are on the wire.
    question: Vec<u8>,
}

impl DnsQuery {
    /// A question about a name; the root is `.`. `None` when a label is empty or longer than 63
    /// octets, or the name longer than 255.
    #[must_use]
    pub fn new(kind: QueryType, name: &str) -> Option<Self> {
        let mut question = Vec::new();
        let name = name.strip_suffix('.').unwrap_or(name);
        for label in name.split('.').filter(|_| !name.is_empty()) {
            let length = u8::try_from(label.len()).ok()?;
            if !(1..=63).contains(&length) {
                return None;
            }
            question.push(length);
            question.extend(label.as_bytes());
        }
        question.push(0);
        if question.len() > 255 {
            return None;
        }
        question.extend(kind.number().to_be_bytes());
        question.extend(1_u16.to_be_bytes());
        Some(Self { question })
    }

    fn message(&self, id: u16) -> Vec<u8> {
        let mut message = id.to_be_bytes().to_vec();
        // Recursion desired, one question.
        message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        message.extend(&self.question);
        message
    }
}

/// What an answer says: whether it was cut short and has to be asked for over TCP.
fn judge(message: &[u8], id: u16) -> Result<bool, DnsFailure> {
    let (header, _) = message
        .split_first_chunk::<HEADER>()
        .ok_or(DnsFailure::Malformed)?;
    let [id_high, id_low, flags_high, flags_low, ..] = *header;
    if flags_high & 0x80 == 0 {
        return Err(DnsFailure::Malformed);
    }
    if u16::from_be_bytes([id_high, id_low]) != id {
        return Err(DnsFailure::WrongId);
    }
    match flags_low & 0x0f {
        0 => Ok(flags_high & 0x02 != 0),
        code => Err(DnsFailure::ResponseCode(code)),
    }
}

/// Passes when a name server answers (CHK-15).
#[derive(Debug)]
pub struct DnsProbe {
    attempt: Attempt,
    target: Target,
    query: DnsQuery,
    rng: Rng,
    id: u16,
    transport: Transport,
    connected: bool,
    stream: Vec<u8>,
}

impl DnsProbe {
    /// Asks `target`; all within `limit`. Ids come from `seed`.
    #[must_use]
    pub fn new(target: Target, query: DnsQuery, seed: u64, limit: Duration) -> Self {
        Self {
            attempt: Attempt::new(limit),
            target,
            query,
            rng: Rng::new(seed),
            id: 0,
            transport: Transport::Udp,
            connected: false,
            stream: Vec::new(),
        }
    }

    fn connect(&mut self, transport: Transport) {
        self.transport = transport;
        self.connected = false;
        self.stream.clear();
        self.attempt.connect(transport, self.target.clone());
    }

    fn ask(&mut self) {
        self.connected = true;
        let message = self.query.message(self.id);
        let mut bytes = Vec::new();
        if self.transport == Transport::Tcp {
            let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
            bytes.extend(length.to_be_bytes());
        }
        bytes.extend(message);
        self.attempt.send(bytes);
    }

    /// CHK-21, CHK-22.
    fn answered(&mut self, octets: &[u8]) {
        if self.transport == Transport::Udp {
            match judge(octets, self.id) {
                Ok(true) => self.connect(Transport::Tcp),
                Ok(false) => self.attempt.finish(Ok(Passed::PLAIN)),
                Err(failure) => self.attempt.fail(failure),
            }
            return;
        }
        // No more than the length field can say, and that is not much.
        let room = usize::from(u16::MAX).saturating_add(2);
        let room = room.saturating_sub(self.stream.len());
        self.stream.extend(octets.get(..room).unwrap_or(octets));
        let Some((length, rest)) = self.stream.split_first_chunk::<2>() else {
            return;
        };
        let length = usize::from(u16::from_be_bytes(*length));
        if let Some(message) = rest.get(..length) {
            match judge(message, self.id) {
                // Cut short where there is no need to: an answer all the same.
                Ok(_) => self.attempt.finish(Ok(Passed::PLAIN)),
                Err(failure) => self.attempt.fail(failure),
            }
        }
    }

    /// Nothing whole came. Over TCP that is no failure: there was an answer before, and many clients never ask for more.
    fn lost(&mut self, failure: Failure) {
        let outcome = match self.transport {
            Transport::Tcp => Ok(Passed::PLAIN),
            _ => Err(failure),
        };
        self.attempt.finish(outcome);
    }

    const fn stage(&self) -> Stage {
        if self.connected {
            Stage::Reply
        } else {
            Stage::Connecting
        }
    }
}

impl Probe for DnsProbe {
    fn start(&mut self, now: Instant) {
        self.id = self.rng.short();
        self.attempt.begin(now);
        self.connect(Transport::Udp);
    }

    fn handle_input(&mut self, _now: Instant, input: Input<'_>) {
        match input {
            Input::Connected(conn) if self.attempt.is_ours(conn) && !self.connected => {
                self.ask();
            }
            Input::Bytes(conn, octets) if self.attempt.is_ours(conn) => self.answered(octets),
            Input::Eof(conn) if self.attempt.is_ours(conn) => {
                self.lost(Failure::Closed(Stage::Reply));
            }
            Input::Failed(conn, failure) if self.attempt.is_ours(conn) => {
                self.lost(self.attempt.io(failure));
            }
            _ => {}
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.attempt.is_due(now) {
            self.lost(Failure::Timeout(self.stage()));
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
