//! Alert mails: handed to a mail server by a thread of its own, away from everything else.
//!
//! Looking up the server's name, connecting and talking all block, and may take minutes when the
//! name service or the server is dead; only this thread waits. The queue is bounded: when the server
//! has been away for too long the newest mails are dropped and counted. A mail that is not taken is tried
//! again, for those who have not got it; meanwhile the others go.

mod dialogue;
mod field;
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
/// Between the attempts for one mail. Who restarts is back in seconds; who makes strangers wait (greylisting)
/// means minutes.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(5),
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(600),
];
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
    /// One of the recipients will not get it.
    Refused(Refusal),
    /// It is given up.
    Failed {
        /// Why the last attempt failed.
        error: io::Error,
        /// How many were made.
        attempts: usize,
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
    /// Attempts so far.
    attempts: usize,
    /// When there is to be the next one; the first is made at once.
    due: Option<Instant>,
}

impl Letter {
    fn is_due(&self) -> bool {
        self.due.is_none_or(|due| due <= Clock.now())
    }
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
            state.waiting.push_back(Letter {
                server: Arc::clone(server),
                envelope,
                attempts: 0,
                due: None,
            });
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Give what is due this long, then end. Returns how many mails were left behind.
    #[must_use]
    pub fn stop(self, patience: Duration) -> usize {
        let works = |state: &mut State| state.busy || state.waiting.iter().any(Letter::is_due);
        let guard = self.shared.lock();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(guard, patience, works);
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
    while let Some((mut state, letter)) = next(shared) {
        state.busy = true;
        let tell_full = state.lost > 0 && !state.full_told;
        state.full_told |= tell_full;
        let recovered = state.full_told && state.waiting.len() <= QUEUE / 2;
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
        let again = deliver(letter, &mut report);
        let mut state = shared.lock();
        state.waiting.extend(again);
        state.busy = false;
        drop(state);
        shared.changed.notify_all();
    }
}

/// Waits for a mail that is due. `None` when there is nothing more to do.
fn next(shared: &Shared) -> Option<(MutexGuard<'_, State>, Letter)> {
    let mut state = shared.lock();
    while !state.stop {
        let due = state.waiting.iter().position(Letter::is_due);
        if let Some(letter) = due.and_then(|place| state.waiting.remove(place)) {
            return Some((state, letter));
        }
        let first = state.waiting.iter().filter_map(|letter| letter.due).min();
        state = if let Some(first) = first {
            let pause = first.saturating_duration_since(Clock.now());
            let waited = shared.changed.wait_timeout(state, pause);
            waited.unwrap_or_else(PoisonError::into_inner).0
        } else {
            let waited = shared.changed.wait(state);
            waited.unwrap_or_else(PoisonError::into_inner)
        };
    }
    None
}

/// One attempt. Gives the mail back for those who are to have another one.
fn deliver(mut letter: Letter, report: &mut impl FnMut(MailReport)) -> Option<Letter> {
    letter.attempts += 1;
    let error = match attempt(&letter) {
        Ok(dialogue) => {
            let error = settle(&dialogue, &mut letter.envelope, report);
            error.map(|error| (error.is_transient(), io::Error::other(error)))
        }
        Err(error) => Some((true, error)),
    };
    let (transient, error) = error?;
    let pause = PAUSES.get(letter.attempts - 1).filter(|_| transient);
    letter.due = pause.and_then(|pause| Clock.now().checked_add(*pause));
    if letter.due.is_some() {
        report(MailReport::Delayed { error });
        return Some(letter);
    }
    let attempts = letter.attempts;
    report(MailReport::Failed { error, attempts });
    None
}

/// Leaves in the envelope who has neither got the mail nor been refused for good, with the reason. `None` when
/// that is nobody.
fn settle(
    dialogue: &Dialogue,
    envelope: &mut Envelope,
    report: &mut impl FnMut(MailReport),
) -> Option<Refusal> {
    let refused = dialogue.refused();
    let refusal = |recipient: &String| {
        let mut found = refused.iter().filter(|(who, _)| who == recipient);
        found.next().map(|(_, refusal)| refusal)
    };
    let taken = dialogue.outcome() == Some(&Ok(()));
    if taken {
        report(MailReport::Sent);
    }
    envelope
        .recipients
        .retain(|recipient| match refusal(recipient) {
            Some(refusal) if !refusal.is_transient() => {
                report(MailReport::Refused(refusal.clone()));
                false
            }
            Some(_) => true,
            None => !taken,
        });
    let first = envelope.recipients.first()?;
    match dialogue.outcome() {
        Some(Err(whole)) => Some(whole.clone()),
        _ => refusal(first).cloned(),
    }
}

/// One connection to the first address that answers. MAIL-04.
fn attempt(letter: &Letter) -> io::Result<Dialogue> {
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
fn converse(mut stream: TcpStream, letter: &Letter) -> io::Result<Dialogue> {
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
        if dialogue.outcome().is_some() {
            return Ok(dialogue);
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
