//! Many sessions: which packet is whose, and whose turn it is.

mod path;
mod reload;
mod slot;
#[cfg(feature = "serde")]
mod storing;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use crate::Instant;
use crate::error::{ConfigError, Rejected};
use crate::event::{Event, SessionEvent};
use crate::packet::{Buffer, ControlPacket};
use crate::rng::Rng;
use crate::seamless::Initiator;
use crate::session::{Session, peek_echo};
use crate::stats::Rejections;
use crate::timing::{after, earlier};
use crate::types::{
    Discriminator, ECHO_PORT, FIRST_SOURCE_PORT, MULTIHOP_PORT, SINGLE_HOP_PORT, TTL,
};

use path::Identity;
pub use path::{Definition, InterfaceId, Multihop, Path, Seamless, SingleHop};
pub use reload::Reload;
pub use slot::Member;
use slot::{Machine, Slot};

/// Packets that are due within this time go out together.
const COMPANY: Duration = Duration::from_millis(1);
/// How many UDP source ports there are.
const SOURCE_PORTS: u32 = 16384;

/// A session of a [`Table`].
///
/// A place and how often it was used before: an identifier that has gone out of use is not
/// mistaken for that of a later session in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SessionId(u32);

impl SessionId {
    const PLACE_BITS: u32 = 20;
    const PLACES: u32 = 1 << Self::PLACE_BITS;

    const fn new(place: u32, uses: u32) -> Self {
        Self((uses << Self::PLACE_BITS) | (place & (Self::PLACES - 1)))
    }

    const fn place(self) -> u32 {
        self.0 & (Self::PLACES - 1)
    }

    /// The number, unique among the sessions that exist.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A received UDP datagram.
#[derive(Clone, Copy, Debug)]
pub struct Rx<'a> {
    /// The interface it came in by.
    pub interface: InterfaceId,
    /// Who says to have sent it.
    pub source: IpAddr,
    /// The address it was sent to.
    pub destination: IpAddr,
    /// The UDP port it was sent to.
    pub destination_port: u16,
    /// TTL or hop limit of the packet as received, from `IP_RECVTTL` or `IPV6_RECVHOPLIMIT`.
    /// Without it there is no judging how far away the sender is; there is no default.
    pub ttl: u8,
    /// The payload.
    pub payload: &'a [u8],
}

/// What a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Purpose {
    /// A control packet.
    Control,
    /// An echo packet: to our own address, by way of the neighbour. BFD-EC-05.
    Echo,
}

/// How to send what was written into the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Transmit {
    /// Whose it is.
    pub id: SessionId,
    /// Octets in the buffer.
    pub length: usize,
    /// Control or echo.
    pub purpose: Purpose,
    /// The interface, if it has to be this one.
    pub interface: Option<InterfaceId>,
    /// The source address; `None` to let the kernel choose.
    pub source: Option<IpAddr>,
    /// The UDP source port: one of its own for each session. BFD-SH-02, BFD-SH-03.
    pub source_port: u16,
    /// The destination address.
    pub destination: IpAddr,
    /// The UDP destination port.
    pub destination_port: u16,
    /// The neighbour to hand it to, for echo packets.
    pub next_hop: Option<IpAddr>,
    /// TTL or hop limit.
    pub ttl: u8,
}

#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Place {
    uses: u32,
    slot: Option<Slot>,
}

/// Many sessions with one set of verbs.
///
/// Deadlines are kept in order, so a call costs what is due and not what there is. Periodic
/// packets which fall due within a millisecond, and within a twentieth of their interval, go out
/// in the company of others. A detection time is never cut short.
#[derive(Clone, Debug)]
pub struct Table {
    places: Vec<Place>,
    /// Empty places, longest empty first.
    empty: VecDeque<u32>,
    by_discriminator: BTreeMap<Discriminator, u32>,
    by_identity: BTreeMap<Identity, SessionId>,
    /// Those that only say farewell.
    retiring: BTreeMap<Identity, SessionId>,
    transmits: BTreeSet<(Instant, u32)>,
    expiries: BTreeSet<(Instant, u32)>,
    /// Those that have something to send.
    ready: VecDeque<u32>,
    events: VecDeque<(SessionId, SessionEvent)>,
    rng: Rng,
    rejected: Rejections,
    /// Where answers of S-BFD reflectors come to, over IPv4 and IPv6; absent: one for each initiator.
    seamless_ports: [Option<u16>; 2],
}

impl Table {
    /// Without any session. `seed` is for discriminators, jitter and sequence numbers; take it
    /// from the system's random numbers.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            places: Vec::new(),
            empty: VecDeque::new(),
            by_discriminator: BTreeMap::new(),
            by_identity: BTreeMap::new(),
            retiring: BTreeMap::new(),
            transmits: BTreeSet::new(),
            expiries: BTreeSet::new(),
            ready: VecDeque::new(),
            events: VecDeque::new(),
            rng: Rng::new(seed),
            rejected: Rejections::default(),
            seamless_ports: [None; 2],
        }
    }

    /// All S-BFD initiators of a family send from this UDP port, and are answered at it, instead of
    /// each from one of its own: discriminators tell them apart. RFC 7881 2: not
    /// [`SEAMLESS_PORT`](crate::SEAMLESS_PORT).
    pub const fn set_seamless_port(&mut self, ipv6: bool, port: u16) {
        let [v4, v6] = &mut self.seamless_ports;
        *(if ipv6 { v6 } else { v4 }) = Some(port);
    }

    /// The port that a session sends from. BFD-SB-12.
    fn port_of(&self, slot: &Slot) -> u16 {
        let [v4, v6] = self.seamless_ports;
        let shared = match slot.path() {
            Path::Seamless(path) if path.target.is_ipv6() => v6,
            Path::Seamless(_) => v4,
            _ => None,
        };
        shared.unwrap_or(slot.source_port)
    }

    /// Adds a session, with a random discriminator and a source port of its own. BFD-VAR-02,
    /// BFD-SH-02, BFD-SH-03.
    ///
    /// # Errors
    ///
    /// Why the definition cannot be used. [`Duplicate`](ConfigError::Duplicate) names the session
    /// that there is for this path: clients of one path share it (BFD-CL-04).
    pub fn add(&mut self, now: Instant, definition: Definition) -> Result<SessionId, ConfigError> {
        definition.check()?;
        let definition = definition.complete();
        let identity = definition.identity();
        if let Some(&existing) = self.by_identity.get(&identity) {
            return Err(ConfigError::Duplicate { existing });
        }
        if let Some(old) = self.retiring.get(&identity).copied() {
            // Two voices to one peer would contradict each other.
            self.drop_slot(old);
        }
        let discriminator = self.draw_discriminator();
        let seed = self.rng.next_u64();
        let machine = match &definition {
            Definition::SingleHop(_, config) | Definition::Multihop(_, config) => {
                Machine::Session(Session::new(config.clone(), discriminator, seed, now)?)
            }
            Definition::Seamless(_, config) => {
                Machine::Initiator(Initiator::new(config.clone(), discriminator, seed)?)
            }
        };
        let place = self.free_place().ok_or(ConfigError::TooMany)?;
        let Some(entry) = self.place_mut(place) else {
            return Err(ConfigError::TooMany);
        };
        let id = SessionId::new(place, entry.uses);
        entry.slot = Some(Slot {
            id,
            definition,
            machine,
            discriminator,
            source_port: source_port(place),
            queued: false,
            retires: None,
            transmit_at: None,
            expires_at: None,
        });
        self.by_discriminator.insert(discriminator, place);
        self.by_identity.insert(identity, id);
        self.update(place);
        Ok(id)
    }

    /// Removes a session without a word. The other side will notice when its detection time is
    /// over.
    pub fn remove(&mut self, id: SessionId) {
        self.drop_slot(id);
    }

    /// Removes a session: it is AdminDown and tells so for one more detection time. BFD-FSM-21.
    pub fn retire(&mut self, now: Instant, id: SessionId) {
        let Some(identity) = self.slot(id).map(Slot::identity) else {
            return;
        };
        if self.by_identity.get(&identity) != Some(&id) {
            return;
        }
        self.by_identity.remove(&identity);
        self.retiring.insert(identity, id);
        let _ = self.work(id.place(), |slot| {
            slot.handle_event(now, Event::AdminDown);
            let silence = slot.member().session().and_then(|session| {
                let timers = session.timers();
                timers
                    .detection_time
                    .filter(|_| session.remote().discriminator.is_some())
            });
            slot.retires = Some(after(now, silence.unwrap_or_default()));
        });
    }

    /// Takes a received datagram to the session it is for: the one with its discriminator, or if
    /// it has none, the one with its addresses and interface. BFD-RX-07, BFD-RX-09, BFD-RX-26,
    /// BFD-SH-04, BFD-SH-08, BFD-MH-03.
    ///
    /// The first packet of an unknown peer is [`NoSession`](Rejected::NoSession); whoever wants
    /// sessions to come about by themselves adds one then, and hands over the packet again.
    ///
    /// # Errors
    ///
    /// Why the packet changed nothing but counters: those of the session, or, if it is for none,
    /// those of [`rejected`](Self::rejected).
    pub fn handle_packet(&mut self, now: Instant, rx: &Rx<'_>) -> Result<SessionId, Rejected> {
        let found = ControlPacket::parse(rx.payload)
            .map_err(Rejected::Parse)
            .and_then(|packet| Ok((packet, self.find(&packet, rx)?)));
        let (packet, place) = match found {
            Ok(found) => found,
            Err(reason) => {
                self.rejected.add(&reason);
                return Err(reason);
            }
        };
        let own_port = self.slot_at(place).map_or(0, |slot| self.port_of(slot));
        self.work(place, |slot| {
            let (port, ttl) = (rx.destination_port, rx.ttl);
            let authenticated = slot.is_authenticated();
            slot.path()
                .check(port, own_port, ttl, authenticated)
                .inspect_err(|reason| slot.count_rejected(reason))?;
            slot.handle_packet(now, &packet)?;
            Ok(slot.id)
        })
        .unwrap_or(Err(Rejected::NoSession))
    }

    fn find(&self, packet: &ControlPacket<'_>, rx: &Rx<'_>) -> Result<u32, Rejected> {
        if let Some(your) = packet.control().your_discriminator {
            let place = self.by_discriminator.get(&your).copied();
            return place.ok_or(Rejected::UnknownDiscriminator { your });
        }
        let (interface, peer) = (rx.interface, rx.source);
        let candidates = match rx.destination_port {
            SINGLE_HOP_PORT => {
                let ipv6 = peer.is_ipv6();
                let anywhere = InterfaceId::ANY;
                [
                    Some(Identity::Neighbour { interface, peer }),
                    Some(Identity::PointToPoint { interface, ipv6 }),
                    Some(Identity::Neighbour {
                        interface: anywhere,
                        peer,
                    }),
                ]
            }
            MULTIHOP_PORT => {
                let local = Some(rx.destination);
                let any = Identity::Pair { peer, local: None };
                [Some(Identity::Pair { peer, local }), Some(any), None]
            }
            found => return Err(Rejected::Port { found }),
        };
        let mut candidates = candidates.iter().flatten();
        let id = candidates.find_map(|identity| self.by_identity.get(identity));
        id.map(|id| id.place()).ok_or(Rejected::NoSession)
    }

    /// Takes an echo packet that has come back to UDP port [`ECHO_PORT`].
    ///
    /// # Errors
    ///
    /// [`Rejected::Echo`] if it is nobody's. Those of the other side are its forwarding plane's
    /// business: BFD-EC-01.
    pub fn handle_echo(&mut self, now: Instant, payload: &[u8]) -> Result<SessionId, Rejected> {
        let place = peek_echo(payload).and_then(|your| self.by_discriminator.get(&your).copied());
        let Some(place) = place else {
            self.rejected.add(&Rejected::Echo);
            return Err(Rejected::Echo);
        };
        self.work(place, |slot| {
            slot.handle_echo(now, payload).map(|()| slot.id)
        })
        .unwrap_or(Err(Rejected::Echo))
    }

    /// Tells a session of an event. Does nothing if there is no such one.
    pub fn handle_event(&mut self, now: Instant, id: SessionId, event: Event) {
        if self.slot(id).is_some_and(|slot| slot.retires.is_none()) {
            let _ = self.work(id.place(), |slot| slot.handle_event(now, event));
        }
    }

    /// The time. Does nothing before [`next_timeout`](Self::next_timeout); then calls those that
    /// are due, and has those send along that may. Hand over the packets that are there first.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_timeout().is_none_or(|next| next > now) {
            return;
        }
        while let Some(place) = first_due(&self.expiries, now) {
            self.expire(now, place);
        }
        while let Some(place) = first_due(&self.transmits, now) {
            let _ = self.work(place, |slot| slot.handle_timeout(now));
        }
        let soon = after(now, COMPANY);
        let company: Vec<u32> = self
            .transmits
            .range(..=(soon, u32::MAX))
            .map(|(_, place)| *place)
            .collect();
        for place in company {
            let _ = self.work(place, |slot| slot.handle_early(now));
        }
    }

    fn expire(&mut self, now: Instant, place: u32) {
        let slot = self.slot_at(place);
        match slot.map(|slot| (slot.id, slot.retires)) {
            Some((id, Some(end))) if end <= now => self.drop_slot(id),
            Some(_) => {
                let _ = self.work(place, |slot| slot.handle_timeout(now));
            }
            None => {}
        }
    }

    /// Writes the next packet to send, and tells how. Poll until `None`.
    #[must_use = "a packet that is polled has to be sent"]
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Buffer) -> Option<Transmit> {
        loop {
            let place = *self.ready.front()?;
            let port = self.slot_at(place).map_or(0, |slot| self.port_of(slot));
            let transmit = self
                .work(place, |slot| {
                    let (purpose, length) = slot.poll_transmit(now, out)?;
                    Some(transmit(slot, port, purpose, length))
                })
                .flatten();
            if transmit.is_some() {
                return transmit;
            }
            self.ready.pop_front();
            if let Some(slot) = self.slot_at_mut(place) {
                slot.queued = false;
            }
        }
    }

    /// The next thing a session has to tell.
    #[must_use = "an event that is polled is gone"]
    pub fn poll_event(&mut self) -> Option<(SessionId, SessionEvent)> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has to be called; `None` for never.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        let first = |set: &BTreeSet<(Instant, u32)>| set.first().map(|(at, _)| *at);
        earlier(first(&self.transmits), first(&self.expiries))
    }

    // Accessors.

    /// A session, if it exists. One that is retiring does.
    #[must_use]
    pub fn member(&self, id: SessionId) -> Option<Member<'_>> {
        self.slot(id).map(Slot::member)
    }

    /// The path of a session.
    #[must_use]
    pub fn path(&self, id: SessionId) -> Option<Path> {
        self.slot(id).map(Slot::path)
    }

    /// The UDP source port of a session, 49152 to 65535; of initiators perhaps
    /// [another](Self::set_seamless_port).
    #[must_use]
    pub fn source_port(&self, id: SessionId) -> Option<u16> {
        self.slot(id).map(|slot| self.port_of(slot))
    }

    /// All sessions but for retiring ones, ordered by path.
    pub fn members(&self) -> impl Iterator<Item = (SessionId, Path, Member<'_>)> {
        self.by_identity.values().filter_map(|id| {
            let slot = self.slot(*id)?;
            Some((*id, slot.path(), slot.member()))
        })
    }

    /// Number of sessions, without retiring ones.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_identity.len()
    }

    /// Whether there is no session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_identity.is_empty()
    }

    /// Packets that were for no session, by reason.
    #[must_use]
    pub const fn rejected(&self) -> &Rejections {
        &self.rejected
    }

    /// Sets all counters to 0.
    pub fn clear_stats(&mut self) {
        self.rejected = Rejections::default();
        for slot in self.places.iter_mut().filter_map(|p| p.slot.as_mut()) {
            slot.clear_stats();
        }
    }

    // Inside.

    /// Does something with a session, and keeps order afterwards.
    fn work<T>(&mut self, place: u32, f: impl FnOnce(&mut Slot) -> T) -> Option<T> {
        let result = f(self.slot_at_mut(place)?);
        self.update(place);
        Some(result)
    }

    /// Collects events, plans deadlines and queues those with something to send.
    fn update(&mut self, place: u32) {
        let entry = usize::try_from(place)
            .ok()
            .and_then(|at| self.places.get_mut(at));
        let Some(slot) = entry.and_then(|entry| entry.slot.as_mut()) else {
            return;
        };
        while let Some(event) = slot.poll_event() {
            self.events.push_back((slot.id, event));
        }
        let (transmit_at, expires_at) = slot.plan();
        replan(
            &mut self.transmits,
            place,
            &mut slot.transmit_at,
            transmit_at,
        );
        replan(&mut self.expiries, place, &mut slot.expires_at, expires_at);
        if !slot.queued && slot.wants_transmit() {
            slot.queued = true;
            self.ready.push_back(place);
        }
    }

    fn drop_slot(&mut self, id: SessionId) {
        if self.slot(id).is_none() {
            return;
        }
        let place = id.place();
        let Some(slot) = self.place_mut(place).and_then(|entry| {
            entry.uses = entry.uses.wrapping_add(1);
            entry.slot.take()
        }) else {
            return;
        };
        self.by_discriminator.remove(&slot.discriminator);
        let identity = slot.identity();
        for index in [&mut self.by_identity, &mut self.retiring] {
            if index.get(&identity) == Some(&id) {
                index.remove(&identity);
            }
        }
        let mut planned = slot.transmit_at;
        replan(&mut self.transmits, place, &mut planned, None);
        let mut planned = slot.expires_at;
        replan(&mut self.expiries, place, &mut planned, None);
        if slot.queued {
            self.ready.retain(|queued| *queued != place);
        }
        self.empty.push_back(place);
    }

    fn draw_discriminator(&mut self) -> Discriminator {
        loop {
            if let Some(drawn) = Discriminator::new(self.rng.next_u32())
                && !self.by_discriminator.contains_key(&drawn)
            {
                return drawn;
            }
        }
    }

    fn free_place(&mut self) -> Option<u32> {
        if let Some(place) = self.empty.pop_front() {
            return Some(place);
        }
        let place = u32::try_from(self.places.len()).ok()?;
        if place >= SessionId::PLACES {
            return None;
        }
        self.places.push(Place::default());
        Some(place)
    }

    fn place_mut(&mut self, place: u32) -> Option<&mut Place> {
        self.places.get_mut(usize::try_from(place).ok()?)
    }

    fn slot_at(&self, place: u32) -> Option<&Slot> {
        self.places.get(usize::try_from(place).ok()?)?.slot.as_ref()
    }

    fn slot_at_mut(&mut self, place: u32) -> Option<&mut Slot> {
        self.place_mut(place)?.slot.as_mut()
    }

    fn slot(&self, id: SessionId) -> Option<&Slot> {
        self.slot_at(id.place()).filter(|slot| slot.id == id)
    }
}

fn transmit(slot: &Slot, source_port: u16, purpose: Purpose, length: usize) -> Transmit {
    let path = slot.path();
    let echo = purpose == Purpose::Echo;
    let own = path.local().filter(|_| echo);
    Transmit {
        id: slot.id,
        length,
        purpose,
        interface: path.interface(),
        source: path.local(),
        source_port,
        destination: own.unwrap_or_else(|| path.peer()),
        destination_port: if echo { ECHO_PORT } else { path.port() },
        next_hop: echo.then(|| path.peer()),
        ttl: if echo { TTL } else { path.ttl() },
    }
}

/// Above 16384 sessions, some of them share one. BFD-SH-02, BFD-SH-03.
fn source_port(place: u32) -> u16 {
    let offset = u16::try_from(place % SOURCE_PORTS).unwrap_or_default();
    FIRST_SOURCE_PORT.saturating_add(offset)
}

fn first_due(set: &BTreeSet<(Instant, u32)>, now: Instant) -> Option<u32> {
    set.first()
        .filter(|(at, _)| *at <= now)
        .map(|(_, place)| *place)
}

fn replan(
    set: &mut BTreeSet<(Instant, u32)>,
    place: u32,
    planned: &mut Option<Instant>,
    at: Option<Instant>,
) {
    if *planned == at {
        return;
    }
    if let Some(old) = planned.take() {
        set.remove(&(old, place));
    }
    if let Some(new) = at {
        set.insert((new, place));
    }
    *planned = at;
}
