//! The control thread: accepts, checks who it is, and lets each connection do its steps.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::net::UnixStream;
use mio::{Events, Interest, Poll, Token, Waker};
use rustix::net::sockopt::socket_peercred;

use super::client::{Client, Step};
use super::listener::Listener;
use super::{ControlSettings, Peer};
use crate::clock::Clock;

const WAKER: Token = Token(0);
const LISTENER: Token = Token(1);
const FIRST_CLIENT: usize = 2;

pub(super) struct Server<H> {
    settings: ControlSettings,
    listener: Listener,
    stop: Arc<AtomicBool>,
    handle: H,
    poll: Poll,
    clients: BTreeMap<Token, Client<UnixStream>>,
    next_token: usize,
    clock: Clock,
    own_uid: u32,
}

impl<H: FnMut(&str, Peer) -> String> Server<H> {
    pub(super) fn new(
        settings: ControlSettings,
        mut listener: Listener,
        stop: Arc<AtomicBool>,
        handle: H,
    ) -> io::Result<(Self, Arc<Waker>)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        poll.registry()
            .register(&mut listener.socket, LISTENER, Interest::READABLE)?;
        let server = Self {
            settings,
            listener,
            stop,
            handle,
            poll,
            clients: BTreeMap::new(),
            next_token: FIRST_CLIENT,
            clock: Clock,
            own_uid: rustix::process::geteuid().as_raw(),
        };
        Ok((server, waker))
    }

    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(64);
        while !self.stop.load(Ordering::Acquire) {
            let now = self.clock.now();
            let timeout = self.clients.values().map(Client::deadline).min().map(|at| {
                // Rounded up, so that the poll does not return just before the deadline.
                at.saturating_duration_since(now)
                    .saturating_add(Duration::from_millis(1))
            });
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                return;
            }
            for event in &events {
                match event.token() {
                    WAKER => {}
                    LISTENER => self.accept_all(),
                    token => self.step(token),
                }
            }
            let now = self.clock.now();
            self.clients.retain(|_, client| client.deadline() > now);
        }
    }

    fn accept_all(&mut self) {
        // Edge-triggered: until it would block. Each connection accepted here is kept, or dropped
        // at once, so the loop is bounded by what clients can open in the meantime.
        loop {
            match self.listener.socket.accept() {
                Ok((stream, _)) => self.admit(stream),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Out of descriptors counts as nobody there: the next connection brings us back.
                Err(_) => return,
            }
        }
    }

    fn admit(&mut self, stream: UnixStream) {
        let Ok(credentials) = socket_peercred(&stream) else {
            return;
        };
        let peer = Peer {
            pid: credentials.pid.as_raw_nonzero().get(),
            uid: credentials.uid.as_raw(),
            gid: credentials.gid.as_raw(),
        };
        let mut client = Client::new(stream, peer, self.clock.now(), self.settings.idle);
        if !self.may_speak(peer) {
            return client.refuse(r#"{"error":"not permitted"}"#);
        }
        if self.clients.len() >= self.settings.clients {
            return client.refuse(r#"{"error":"too many clients"}"#);
        }
        let token = Token(self.next_token);
        self.next_token = self.next_token.wrapping_add(1).max(FIRST_CLIENT);
        let interest = Interest::READABLE | Interest::WRITABLE;
        if self
            .poll
            .registry()
            .register(&mut client.stream, token, interest)
            .is_ok()
        {
            self.clients.insert(token, client);
            // What came with the connection may have no event of its own.
            self.step(token);
        }
    }

    /// The kernel has checked the socket file's mode when the client connected, and with it
    /// supplementary groups; this is the second lock on the same door.
    fn may_speak(&self, peer: Peer) -> bool {
        peer.uid == 0 || peer.uid == self.own_uid || self.settings.group.is_some()
    }

    fn step(&mut self, token: Token) {
        let Some(client) = self.clients.get_mut(&token) else {
            return;
        };
        let now = self.clock.now();
        let (idle, limit) = (self.settings.idle, self.settings.request_limit);
        if client.handle_ready(now, idle, limit, &mut self.handle) == Step::Close {
            self.clients.remove(&token);
        }
    }
}
