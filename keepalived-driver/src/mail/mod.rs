//! Alert mails: handed to a mail server by a thread of its own, away from everything else.
//!
//! Looking up the server's name, connecting and talking all block, and may take minutes when the
//! name service or the server is dead; only this thread waits. The queue is bounded: when the server
//! has been away for too long the newest mails are dropped and counted. Each mail is tried a few times.

mod dialogue;
mod message;

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

pub use dialogue::{Dialogue, Envelope, Refusal};
pub use message::Message;

use sans_io_time::Instant;

use crate::clock::Clock;

/// Mails that wait at most.
const QUEUE: usize = 1024;
/// How often one mail is tried.
const ATTEMPTS: u32 = 3;
/// Between the attempts.
const PAUSE: Duration = Duration::from_secs(5);
/// A server that sends a little every now and then must not hold the queue for ever: a conversation
/// may take this many times the time limit of one step.
const STEPS: u32 = 8;

/// Where mails are handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailServer {
    /// An address, or a name that is looked up for each mail.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How long connecting and each answer may take; more than zero.
    pub timeout: Duration,
    /// Name given in HELO.
    pub helo: String,
}

/// What became of mails.
#[derive(Debug)]
#[non_exhaustive]
pub enum MailReport {
    /// The server took it.
    Sent,
    /// An attempt failed; there will be another.
    Delayed {
        /// Why.
        error: io::Error,
    },
    /// It is given up.
    Failed {
        /// Why the last attempt failed.
        error: io::Error,
        /// How many were made.
        attempts: u32,
    },
    /// The queue is full: mails are being dropped from now on.
    Full,
    /// The queue has room again.
    Recovered {
        /// Mails dropped meanwhile.
        lost: u64,
    },
}

#[derive(Debug)]
struct Letter {
    server: Arc<MailServer>,
    envelope: Envelope,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Letter>,
    /// One has been taken out and is being delivered.
    busy: bool,
    lost: u64,
    full_told: bool,
    stop: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle on the mail thread.
#[derive(Debug)]
pub struct Mailer {
    shared: Arc<Shared>,
}

impl Mailer {
    /// Start the thread. `report` is called on it and must not block.
    ///
    /// # Errors
    ///
    /// When there can be no more threads.
    pub fn start(report: impl FnMut(MailReport) + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        thread::Builder::new()
            .name("mail".into())
            .spawn(move || serve(&theirs, report))?;
        Ok(Self { shared })
    }

    /// Hand over a mail; never waits. What does not fit is dropped, counted, and told.
    pub fn post(&self, server: &Arc<MailServer>, envelope: Envelope) {
        let mut state = self.shared.lock();
        if state.waiting.len() >= QUEUE {
            state.lost += 1;
        } else {
            let server = Arc::clone(server);
            state.waiting.push_back(Letter { server, envelope });
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Give what waits this long, then end. Returns how many mails were left behind.
    #[must_use]
    pub fn stop(self, patience: Duration) -> usize {
        let idle = |state: &mut State| state.busy || !state.waiting.is_empty();
        let guard = self.shared.lock();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(guard, patience, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.stop = true;
        let left = state.waiting.len() + usize::from(state.busy);
        drop(state);
        // The thread is not waited for: it may be in the middle of a name look-up.
        self.shared.changed.notify_all();
        left
    }
}

fn serve(shared: &Shared, mut report: impl FnMut(MailReport)) {
    loop {
        let waiting = |state: &mut State| state.waiting.is_empty() && !state.stop;
        let guard = shared.changed.wait_while(shared.lock(), waiting);
        let mut state = guard.unwrap_or_else(PoisonError::into_inner);
        if state.stop {
            return;
        }
        let letter = state.waiting.pop_front();
        state.busy = letter.is_some();
        let tell_full = state.lost > 0 && !state.full_told;
        state.full_told |= tell_full;
        let recovered = state.full_told && state.waiting.is_empty();
        let lost = if recovered {
            std::mem::take(&mut state.lost)
        } else {
            0
        };
        state.full_told &= !recovered;
        drop(state);
        if tell_full {
            report(MailReport::Full);
        }
        if recovered {
            report(MailReport::Recovered { lost });
        }
        if let Some(letter) = letter {
            deliver(shared, &letter, &mut report);
        }
        shared.lock().busy = false;
        shared.changed.notify_all();
    }
}

fn deliver(shared: &Shared, letter: &Letter, report: &mut impl FnMut(MailReport)) {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let error = match attempt(letter) {
            Ok(Ok(())) => return report(MailReport::Sent),
            Ok(Err(refusal)) if !refusal.is_transient() => {
                let error = io::Error::other(refusal);
                return report(MailReport::Failed { error, attempts });
            }
            Ok(Err(refusal)) => io::Error::other(refusal),
            Err(error) => error,
        };
        if attempts >= ATTEMPTS {
            return report(MailReport::Failed { error, attempts });
        }
        report(MailReport::Delayed { error });
        let running = |state: &mut State| !state.stop;
        let waited = shared
            .changed
            .wait_timeout_while(shared.lock(), PAUSE, running);
        if waited.unwrap_or_else(PoisonError::into_inner).0.stop {
            return;
        }
    }
}

/// One connection to the first address that answers. MAIL-04.
fn attempt(letter: &Letter) -> io::Result<Result<(), Refusal>> {
    let server = &letter.server;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the mail server has no address");
    for address in (server.host.as_str(), server.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, server.timeout) {
            Ok(stream) => return converse(stream, letter),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The dialogue of one mail: MAIL-05, MAIL-08.
fn converse(mut stream: TcpStream, letter: &Letter) -> io::Result<Result<(), Refusal>> {
    let server = &letter.server;
    stream.set_read_timeout(Some(server.timeout))?;
    stream.set_write_timeout(Some(server.timeout))?;
    let end = Clock
        .now()
        .checked_add(server.timeout.saturating_mul(STEPS));
    let mut dialogue = Dialogue::deliver(server.helo.clone(), letter.envelope.clone());
    let mut room = [0; 4096];
    loop {
        if let Some(octets) = dialogue.poll_transmit() {
            let sent = stream.write_all(&octets);
            if dialogue.outcome().is_none() {
                sent?;
            }
        }
        if let Some(outcome) = dialogue.outcome() {
            return Ok(outcome.clone());
        }
        if end.is_none_or(|end: Instant| end <= Clock.now()) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match stream.read(&mut room) {
            Ok(0) => dialogue.handle_end(),
            Ok(count) => dialogue.handle_octets(room.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
