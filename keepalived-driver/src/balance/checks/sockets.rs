//! The sockets of checks: what they tell, and how they are opened.

use std::os::fd::AsRawFd;

use healthcheck::{Input, IoFailure, Output};
use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Interest, Token};
use sans_io_time::Instant;

use super::super::conn::{Conn, OpenError, ReadOutcome};
use super::{CheckId, Checks, SCARCE};

impl Checks {
    /// A socket has something to tell. Nothing to do for one that is closed.
    pub(in super::super) fn handle_ready(&mut self, event: &Event, now: Instant) {
        let token = event.token();
        let Some(id) = self.tokens.get(&token).copied() else {
            return;
        };
        let Some(check) = self.checks.get_mut(&id) else {
            return;
        };
        let Some((_, conn)) = &mut check.conn else {
            return;
        };
        let name = conn.id;
        let outcome = if conn.is_connected() {
            conn.flush().map(|()| None)
        } else if event.is_writable() {
            conn.arrive().map(|()| Some(Input::Connected(name)))
        } else {
            Ok(None)
        };
        let input = outcome.unwrap_or_else(|failure| Some(Input::Failed(name, failure)));
        if let Some(input) = input {
            check.checker.handle_input(now, input);
        }
        self.drive(id, now);
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.read(token, now);
        }
    }

    /// Sockets that had more than a turn's worth.
    pub(in super::super) fn handle_unread(&mut self, now: Instant) {
        for token in std::mem::take(&mut self.unread) {
            self.read(token, now);
        }
    }

    fn read(&mut self, token: Token, now: Instant) {
        let mut left = self.budget;
        loop {
            let Some(id) = self.tokens.get(&token).copied() else {
                return;
            };
            let Some(check) = self.checks.get_mut(&id) else {
                return;
            };
            let Some((_, conn)) = &check.conn else { return };
            if !conn.is_connected() {
                return;
            }
            let name = conn.id;
            let input = match conn.read(&mut self.buffer) {
                ReadOutcome::Blocked => return,
                ReadOutcome::Data(length) => {
                    // An empty datagram costs a system call as well.
                    left = left.saturating_sub(length.max(64));
                    let octets = self.buffer.get(..length).unwrap_or_default();
                    Input::Bytes(name, conn.content(octets))
                }
                ReadOutcome::Eof => Input::Eof(name),
                ReadOutcome::Failed(failure) => Input::Failed(name, failure),
            };
            let last = matches!(input, Input::Eof(_) | Input::Failed(..));
            check.checker.handle_input(now, input);
            self.drive(id, now);
            if last {
                return;
            }
            if left == 0 {
                // If it is still there.
                if self.tokens.contains_key(&token) {
                    self.unread.insert(token);
                }
                return;
            }
        }
    }

    pub(super) fn connect(&mut self, id: CheckId, output: Output, now: Instant) {
        let Some(check) = self.checks.get_mut(&id) else {
            return;
        };
        let Output::Connect {
            conn: name,
            transport,
            ref target,
        } = output
        else {
            return;
        };
        let mut failure = None;
        match Conn::open(name, transport, target) {
            Ok(conn) => {
                // Tokens are never used twice, so a late event cannot be taken for another socket's.
                let token = Token(self.next_token);
                self.next_token += 1;
                let interest = Interest::READABLE | Interest::WRITABLE;
                let fd = conn.as_raw_fd();
                match self.registry.register(&mut SourceFd(&fd), token, interest) {
                    Ok(()) => {
                        let connected = conn.is_connected();
                        self.tokens.insert(token, id);
                        check.conn = Some((token, conn));
                        if connected {
                            check.checker.handle_input(now, Input::Connected(name));
                        }
                    }
                    Err(error) => {
                        failure = Some(IoFailure::Other(error.raw_os_error().unwrap_or(0)));
                    }
                }
            }
            Err(OpenError::Failed(reason)) => failure = Some(reason),
            Err(OpenError::Scarce) => {
                // The attempt goes on until its deadline.
                check.wants = Some(output);
                self.wanting.push_back(id);
                if self.try_again.is_none() {
                    self.try_again = now.checked_add(SCARCE);
                }
                return;
            }
        }
        if let Some(failure) = failure {
            check
                .checker
                .handle_input(now, Input::Failed(name, failure));
        }
    }

    pub(super) fn reopen(&mut self, id: CheckId, now: Instant) {
        let check = self.checks.get_mut(&id);
        if let Some(output) = check.and_then(|check| check.wants.take()) {
            self.connect(id, output, now);
            self.drive(id, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use healthcheck::{HttpConfig, Page, Schedule, Target};
    use mio::{Events, Poll};

    use super::super::super::check::{CheckSetup, ProbeSetup};
    use super::super::Place;
    use super::*;
    use crate::clock::Clock;

    const LONG: Duration = Duration::from_secs(30);

    /// LESSONS A10: however much a server has sent, no more than a turn's worth is read before the others
    /// have theirs.
    #[test]
    fn a_server_that_sends_much_is_read_a_little_in_each_turn() {
        const BODY: usize = 48 << 10;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let (sent, all_sent) = channel();
        let (end, ended) = channel::<()>();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).unwrap();
            // It fits into the socket of the other side, which does not read yet.
            let head = "HTTP/1.0 200 OK\r\n\r\n".to_owned();
            stream
                .write_all((head + &"x".repeat(BODY)).as_bytes())
                .unwrap();
            sent.send(()).unwrap();
            let _ = ended.recv();
        });
        let mut poll = Poll::new().unwrap();
        let mut checks = Checks::new(poll.registry().try_clone().unwrap(), 1);
        (checks.buffer, checks.budget) = (vec![0; 1024], 4096);
        let probe = ProbeSetup::Http {
            target: Target::new(to),
            config: HttpConfig::new(vec![Page::new("/")]),
            timeout: LONG,
        };
        let mut schedule = Schedule::every(LONG);
        schedule.warmup = Duration::ZERO;
        let place = Place {
            service: 0,
            server: 0,
            check: 0,
        };
        let setup = CheckSetup::new(probe, schedule);
        checks.add(&setup, place, None, false, Clock.now());
        checks.handle_due(Clock.now());
        let mut events = Events::with_capacity(4);
        while all_sent.try_recv().is_err() {
            poll.poll(&mut events, Some(Duration::from_millis(10)))
                .unwrap();
            // Until the request has gone; what comes back waits.
            for event in events.iter().filter(|event| event.is_writable()) {
                if !event.is_readable() {
                    checks.handle_ready(event, Clock.now());
                }
            }
        }
        let token = *checks.tokens.keys().next().unwrap();
        checks.read(token, Clock.now());
        let mut turns = 1;
        while !checks.unread.is_empty() {
            checks.handle_unread(Clock.now());
            turns += 1;
        }
        let least = BODY / (4096 + 1024);
        assert!(turns >= least, "{turns} turns for {BODY} octets");
        drop(end);
    }
}
