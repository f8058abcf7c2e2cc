//! Taking down what happens.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use bfd::Table;
use sans_io_time::Instant;
use serde::Serialize;
use vrrp_fsm::{Authenticate, InterfaceId, Router, RouterConfig};
use vrrp_proto::{AhPacket, IpMeta};

use crate::record::{Authentication, Checkpoint, Input, Names, News, Output, Record};
use crate::ring::{Ring, Write};
use crate::secrets::{self, Secrets};

/// Octets that make a chunk, though the turn be not over.
const CHUNK: usize = 32 * 1024;

/// How a recording is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Octets that the file may have: [`MIN_SIZE`](crate::MIN_SIZE) to [`MAX_SIZE`](crate::MAX_SIZE).
    pub size: u64,
    /// Put others in the place of passwords and keys.
    pub without_secrets: bool,
    /// Version of the program.
    pub program: String,
}

/// A recording cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    /// The state alone does not fit.
    #[error(
        "the state alone has {needed} octets and a segment has room for {room}: the recording needs a larger file"
    )]
    TooSmall {
        /// Octets of the state.
        needed: usize,
        /// Octets for it.
        room: usize,
    },
    /// The state cannot be written down.
    #[error("the state cannot be stored")]
    State,
}

/// Makes writes to a file of what it is told.
///
/// Call the method for each call of a machine, then [`end_turn`](Self::end_turn), and carry out what
/// [`poll_write`](Self::poll_write) gives, in order. What cannot be carried out is given to
/// [`lose`](Self::lose): the recording then has a gap, and goes on after it.
#[derive(Debug)]
pub struct Recorder {
    settings: Settings,
    ring: Ring,
    buffer: Vec<u8>,
    /// Records in the buffer.
    records: u64,
    /// Of the last call.
    now: Option<Instant>,
    writes: VecDeque<Write>,
    /// A segment begins at the end of the turn: none has begun, or something is missing.
    broken: bool,
    /// Other machines follow than those of before.
    restarted: bool,
    /// Records lost since a segment last began.
    missing: u64,
    /// Ever.
    lost: u64,
    recorded: u64,
    names: Names,
    secrets: Secrets,
}

impl Recorder {
    /// Nothing is written before the first [`end_turn`](Self::end_turn), so begin with one.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let ring = Ring::new(settings.size);
        Self {
            writes: VecDeque::from([ring.header()]),
            settings,
            ring,
            buffer: Vec::new(),
            records: 0,
            now: None,
            broken: true,
            restarted: false,
            missing: 0,
            lost: 0,
            recorded: 0,
            names: Names::default(),
            secrets: Secrets::default(),
        }
    }

    /// Records taken down so far, lost ones included.
    #[must_use]
    pub const fn recorded(&self) -> u64 {
        self.recorded
    }

    /// Records lost so far.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Whether secrets are left out.
    #[must_use]
    pub const fn is_without_secrets(&self) -> bool {
        self.settings.without_secrets
    }

    /// A call, at this time.
    pub fn input(&mut self, now: Instant, input: Input<'_>) {
        self.at(now);
        self.record(&Record::Input(input));
    }

    /// What the kernel, or who looks at tracked objects, said, at this time. Between the calls: not after one that has yet to give something.
    pub fn news(&mut self, now: Instant, news: News) {
        self.at(now);
        self.record(&Record::News(news));
    }

    fn at(&mut self, now: Instant) {
        if self.now != Some(now) {
            self.now = Some(now);
            self.record(&Record::Now(now.as_nanos()));
        }
    }

    /// A call that is not told the time.
    pub fn call(&mut self, input: Input<'_>) {
        self.record(&Record::Input(input));
    }

    /// What it gave.
    pub fn output(&mut self, output: Output<'_>) {
        self.record(&Record::Output(output));
    }

    /// A packet for `router`, before it is handled.
    pub fn packet(
        &mut self,
        now: Instant,
        router: &Router,
        interface: InterfaceId,
        ip: IpMeta,
        message: &[u8],
    ) {
        let message = if self.settings.without_secrets {
            self.secrets.message(router, interface, &ip, message)
        } else {
            Cow::Borrowed(message)
        };
        let interface = interface.0;
        self.input(
            now,
            Input::Packet {
                interface,
                ip,
                message,
            },
        );
    }

    /// A packet with an authentication header, before it is handled.
    pub fn ah_packet(
        &mut self,
        now: Instant,
        router: &Router,
        interface: InterfaceId,
        packet: &AhPacket<'_>,
    ) {
        let datagram = if self.settings.without_secrets {
            self.secrets.ah_packet(router, interface, packet)
        } else {
            packet.pieces().concat()
        };
        let datagram = Cow::Owned(datagram);
        let interface = interface.0;
        self.input(
            now,
            Input::AhPacket {
                interface,
                datagram,
            },
        );
    }

    /// A reload of the router, before it is done.
    pub fn reload(&mut self, now: Instant, config: &RouterConfig) {
        let config = if self.settings.without_secrets {
            Cow::Owned(self.secrets.config(config))
        } else {
            Cow::Borrowed(config)
        };
        self.input(now, Input::Reload(config));
    }

    /// A reload of the BFD sessions, before it is done.
    pub fn bfd_reload(&mut self, now: Instant, definitions: &[bfd::Definition]) {
        let definitions = if self.settings.without_secrets {
            let mut definitions = definitions.to_vec();
            for definition in &mut definitions {
                definition.replace_secrets(&mut |secret| self.secrets.bfd(secret));
            }
            Cow::Owned(definitions)
        } else {
            Cow::Borrowed(definitions)
        };
        self.input(now, Input::BfdReload(definitions));
    }

    /// A received BFD packet, before it is handled.
    pub fn bfd_packet(&mut self, now: Instant, table: &Table, rx: &bfd::Rx<'_>) {
        let mut payload = Cow::Borrowed(rx.payload);
        if self.settings.without_secrets {
            table.disguise(None, payload.to_mut(), &mut |secret| {
                self.secrets.bfd(secret)
            });
        }
        let input = Input::BfdPacket {
            interface: rx.interface.0,
            source: rx.source,
            destination: rx.destination,
            port: rx.destination_port,
            ttl: rx.ttl,
            payload,
        };
        self.input(now, input);
    }

    /// What `poll_transmit` gave, and the buffer it wrote to.
    pub fn bfd_transmit(&mut self, table: &Table, transmit: Option<bfd::Transmit>, buffer: &[u8]) {
        let sent = transmit.map(|transmit| {
            let packet = buffer.get(..transmit.length).unwrap_or(buffer);
            let mut packet = Cow::Borrowed(packet);
            if self.settings.without_secrets && transmit.purpose == bfd::Purpose::Control {
                table.disguise(Some(transmit.id), packet.to_mut(), &mut |secret| {
                    self.secrets.bfd(secret)
                });
            }
            (transmit, packet)
        });
        self.output(Output::BfdTransmit(sent));
    }

    /// What `authenticate` gave.
    pub fn authentication(&mut self, with: &Authenticate) {
        let without_secrets = self.settings.without_secrets;
        self.output(Output::Authentication(authentication(
            with,
            without_secrets,
        )));
    }

    /// The names of what there is, which are told only when they are others.
    pub fn names(&mut self, names: Names) {
        if self.names != names {
            self.names.clone_from(&names);
            self.record(&Record::Names(names));
        }
    }

    /// Ends a turn of the loop, at `wall` since 1970. Without an input since the last one it does nothing. `known` is asked
    /// how links and tracked objects are where a segment begins.
    ///
    /// # Errors
    ///
    /// Why the recording cannot go on.
    pub fn end_turn(
        &mut self,
        now: Instant,
        wall: Duration,
        router: &Router,
        table: &Table,
        known: impl FnOnce() -> Vec<News>,
    ) -> Result<(), Impossible> {
        if !self.broken && self.records == 0 {
            return Ok(());
        }
        let nanos = |at: Option<Instant>| at.map(|at| at.as_nanos());
        self.input(now, Input::Deadlines);
        self.output(Output::Deadlines {
            router: nanos(router.next_timeout()),
            bfd: nanos(table.next_timeout()),
        });
        self.flush();
        // A turn may be long; most of them are not.
        if !self.broken && self.ring.room() >= self.ring.slot_len() / 4 {
            return Ok(());
        }
        if !self.broken {
            self.record(&Record::Continues);
            self.flush();
        }
        self.begin_segment(now, wall, router, table, known())
    }

    fn begin_segment(
        &mut self,
        now: Instant,
        wall: Duration,
        router: &Router,
        table: &Table,
        known: Vec<News>,
    ) -> Result<(), Impossible> {
        let (router, table) = if self.settings.without_secrets {
            let router = self.secrets.router(router);
            let mut table = table.clone();
            table.replace_secrets(&mut |secret| self.secrets.bfd(secret));
            (store(&router)?, store(&table)?)
        } else {
            (store(router)?, store(table)?)
        };
        let checkpoint = Checkpoint {
            program: self.settings.program.clone(),
            now: now.as_nanos(),
            wall,
            without_secrets: self.settings.without_secrets,
            lost: self.missing,
            restarted: self.restarted,
            names: self.names.clone(),
            known,
            router,
            table,
        };
        let content = store(&checkpoint)?;
        self.ring.next_segment();
        // There has to be room for what happens, too.
        let room = self.ring.room() / 2;
        if content.len() > room {
            let needed = content.len();
            return Err(Impossible::TooSmall { needed, room });
        }
        let mut write = self.ring.chunk(&content, 0).ok_or(Impossible::State)?;
        write.begins = Some(self.missing);
        self.writes.push_back(write);
        (self.missing, self.broken, self.now) = (0, false, Some(now));
        self.restarted = false;
        Ok(())
    }

    /// Writes down what there is in the middle of a turn: it will not be ended, because a machine has failed.
    pub fn cut(&mut self) {
        self.flush();
    }

    /// The machines that were recorded are gone, and others follow: what there is of the former is written down,
    /// and a new segment begins at the end of a turn of the latter.
    pub fn restart(&mut self) {
        self.flush();
        (self.broken, self.restarted) = (true, true);
    }

    /// The next thing to write to the file.
    pub fn poll_write(&mut self) -> Option<Write> {
        self.writes.pop_front()
    }

    /// This one, and those that wait, could not be written. A new segment begins at the end of the turn.
    pub fn lose(&mut self, write: &Write) {
        let waiting = std::mem::take(&mut self.writes);
        let lost = || std::iter::once(write).chain(&waiting);
        if lost().any(|write| write.offset == 0) {
            self.writes.push_back(self.ring.header());
        }
        if let Some(before) = lost().find_map(|write| write.begins) {
            self.ring.forget_segment();
            self.missing = before;
        }
        let records = lost().fold(0, |sum: u64, write| sum.saturating_add(write.records));
        // A state counts as a record: where it is missing the next one does not follow from what is there.
        let state = lost().any(|write| write.begins.is_some()) && self.ring.has_segment();
        self.lose_records(records.max(state.into()));
    }

    fn lose_records(&mut self, records: u64) {
        self.missing = self.missing.saturating_add(records);
        self.lost = self.lost.saturating_add(records);
        self.broken = true;
    }

    fn record(&mut self, record: &Record<'_>) {
        self.recorded = self.recorded.saturating_add(1);
        if self.broken {
            // What leads to the state that is stored next need not be known.
            let more = u64::from(self.missing > 0);
            self.missing = self.missing.saturating_add(more);
            self.lost = self.lost.saturating_add(more);
            return;
        }
        let buffer = std::mem::take(&mut self.buffer);
        match postcard::to_extend(record, buffer) {
            Ok(buffer) => {
                self.buffer = buffer;
                self.records = self.records.saturating_add(1);
            }
            Err(_) => self.lose_records(self.records.saturating_add(1)),
        }
        if self.buffer.len() >= CHUNK {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let records = std::mem::take(&mut self.records);
        if self.broken {
            self.buffer.clear();
            return;
        }
        if records > 0 {
            match self.ring.chunk(&self.buffer, records) {
                Some(write) => self.writes.push_back(write),
                None => self.lose_records(records),
            }
        }
        self.buffer.clear();
    }
}

/// What of an authentication is recorded.
pub(crate) fn authentication(with: &Authenticate, without_secrets: bool) -> Authentication {
    match with {
        Authenticate::Nothing => Authentication::Nothing,
        Authenticate::Ah { sequence, .. } => Authentication::Ah(*sequence),
        Authenticate::Trailer(octets) => {
            let before_signature = octets.get(..secrets::TRAILER_FIXED_LEN);
            let kept = before_signature.filter(|_| without_secrets);
            Authentication::Trailer(kept.unwrap_or(octets).to_vec())
        }
        Authenticate::Impossible => Authentication::Impossible,
    }
}

pub(crate) fn store<T: Serialize>(value: &T) -> Result<Vec<u8>, Impossible> {
    postcard::to_allocvec(value).map_err(|_| Impossible::State)
}
