//! Announcements: when which gratuitous ARP or unsolicited neighbour advertisement is sent.

mod stream;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv6Addr};

use sans_io_time::Instant;

use crate::desired::OwnerId;
use crate::link::Link;
use crate::timing::after;

use stream::Stream;

/// Room that [`Announcer::poll_frame`] needs, in octets.
pub const FRAME_MAX: usize = 128;

/// Which announcements an owner sends, and when (ARP-03, KA-M-01, KA-O-04, KA-O-05).
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnouncePolicy {
    /// Announcements per address in the first burst, and in the second.
    pub repeat: u16,
    /// From the first burst to the second; zero: no second burst.
    pub delay: Duration,
    /// From one refresh to the next; zero: none.
    pub refresh: Duration,
    /// Announcements per address in a refresh.
    pub refresh_repeat: u16,
    /// As `repeat`, after an advert of lower priority.
    pub lower_prio_repeat: u16,
    /// As `delay`, after an advert of lower priority.
    pub lower_prio_delay: Duration,
    /// Shortest time between two gratuitous ARPs on one interface.
    pub garp_interval: Duration,
    /// Shortest time between two neighbour advertisements on one interface.
    pub gna_interval: Duration,
    /// Target MAC of a gratuitous ARP request (ARP-02).
    pub arp_target: ArpTarget,
    /// Send the reply form of a gratuitous ARP after each request form (ARP-05).
    pub arp_reply_too: bool,
}

impl Default for AnnouncePolicy {
    fn default() -> Self {
        let second_burst = Duration::from_secs(5);
        Self {
            repeat: 5,
            delay: second_burst,
            refresh: Duration::ZERO,
            refresh_repeat: 1,
            lower_prio_repeat: 5,
            lower_prio_delay: second_burst,
            garp_interval: Duration::ZERO,
            gna_interval: Duration::ZERO,
            arp_target: ArpTarget::Broadcast,
            arp_reply_too: false,
        }
    }
}

/// What stands in the target MAC field of a gratuitous ARP request; receivers ignore it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArpTarget {
    /// All ones, as Keepalived and FRR send.
    #[default]
    Broadcast,
    /// The announced MAC, as RFC 9568 has it.
    Sender,
    /// Zero, as in RFC 5227.
    Zero,
}

/// Why announcements are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Burst {
    /// The owner became Active.
    Promotion,
    /// An Active with lower priority was heard.
    LowerPriority,
    /// There are signs that others may have been answering for our addresses.
    Reassert,
}

/// One address to announce on one interface.
///
/// Only [`Target::new`] makes one, so there is none for an interface without neighbours.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address.
    pub address: IpAddr,
    /// The interface to send on.
    pub index: u32,
    /// The MAC address that the address belongs to.
    pub mac: [u8; 6],
    /// Router flag of a neighbour advertisement (ND-02).
    pub router: bool,
    /// IPv6 source; the address itself if `None`.
    pub source: Option<Ipv6Addr>,
}

impl Target {
    /// The address on this interface; `None` if nobody there listens to announcements
    /// ([`Link::has_neighbours`]). `mac` is the virtual MAC, or `None` for the interface's own.
    #[must_use]
    pub fn new(link: &Link, address: IpAddr, mac: Option<[u8; 6]>, router: bool) -> Option<Self> {
        let own = link.mac.filter(|_| link.has_neighbours())?;
        Some(Self {
            address,
            index: link.index,
            mac: mac.unwrap_or(own),
            router,
            source: None,
        })
    }

    /// Sends neighbour advertisements from this address instead of the announced one.
    #[must_use]
    pub fn with_source(mut self, source: Option<Ipv6Addr>) -> Self {
        self.source = source;
        self
    }
}

/// One Ethernet frame to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The interface to send on.
    pub index: u32,
    /// Octets used in the buffer, Ethernet header included, no padding.
    pub len: usize,
}

/// The spacing of announcements on one interface, where that is not for their owners to say
/// (GARP-06).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Interfaces with the same number share one spacing: whatever is sent on one of them holds
    /// back what is to be sent on the others.
    pub group: u32,
    /// Shortest time between two gratuitous ARPs; the owner's if absent.
    pub garp_interval: Option<Duration>,
    /// Shortest time between two neighbour advertisements; the owner's if absent.
    pub gna_interval: Option<Duration>,
}

/// Schedules gratuitous ARP and unsolicited neighbour advertisements.
///
/// A burst walks all addresses of its owner once per repetition: a1, a2, a1, a2 (ARP-04). Owners
/// that announce on the same interface take turns, frame by frame, and keep the shortest time
/// between two frames that their policies ask for, ARP and neighbour discovery apart.
///
/// However often it is started, an owner has at most one burst under way per interface: a start
/// during a burst makes it as long as a fresh one, and a start within a second of another is put
/// off until that second is over. So a flood of foreign adverts makes no flood of announcements.
///
/// Start an owner only when its addresses are in the kernel
/// ([`KernelEvent::Installed`](crate::KernelEvent)), and stop it before they are removed (ARP-09,
/// ND-12).
#[derive(Debug, Default)]
pub struct Announcer {
    streams: BTreeMap<StreamKey, Stream>,
    lanes: BTreeMap<LaneKey, Lane>,
    /// Lanes with somebody in the queue, by when they may send; the number makes them take turns.
    ready: BTreeSet<(Instant, u64, LaneKey)>,
    turn: u64,
    timers: BTreeSet<(Instant, StreamKey)>,
    /// By interface.
    paces: BTreeMap<u32, Pace>,
}

/// One kind of announcements on one interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct LaneKey {
    index: u32,
    family: Family,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Arp,
    Nd,
}

impl LaneKey {
    fn of(target: &Target) -> Self {
        Self {
            index: target.index,
            family: if target.address.is_ipv4() {
                Family::Arp
            } else {
                Family::Nd
            },
        }
    }
}

type StreamKey = (OwnerId, LaneKey);

#[derive(Debug)]
struct Lane {
    /// Not before this time, because of the last frame.
    free_at: Instant,
    /// Owners with a burst under way.
    queue: VecDeque<OwnerId>,
    /// Its place in `ready`.
    ticket: Option<(Instant, u64)>,
}

impl Announcer {
    /// Nothing to announce.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Announces these addresses: one burst now, a second after the delay, then refreshes
    /// (ARP-01, ARP-03, ND-01, GARP-01 to GARP-05). What was announced for the owner before and is
    /// not among them is dropped.
    pub fn start(
        &mut self,
        now: Instant,
        owner: OwnerId,
        kind: Burst,
        targets: &[Target],
        policy: &AnnouncePolicy,
    ) {
        let mut lanes: BTreeMap<LaneKey, Vec<Target>> = BTreeMap::new();
        for target in targets {
            lanes.entry(LaneKey::of(target)).or_default().push(*target);
        }
        for key in self.keys_of(owner) {
            if !lanes.contains_key(&key.1) {
                self.drop_stream(key);
            }
        }
        for (lane, targets) in lanes {
            let key = (owner, lane);
            let stream = self.streams.entry(key).or_insert_with(Stream::new);
            stream.configure(lane.family, targets, policy);
            stream.start(now, kind, policy);
            self.reschedule(key);
            self.enqueue(now, key);
        }
    }

    /// What this owner announces goes on under another policy: refreshes begin, end or change their
    /// rhythm. Nothing is sent because of it; the bursts of the policy are for the next start.
    pub fn set_policy(&mut self, now: Instant, owner: OwnerId, policy: &AnnouncePolicy) {
        for key in self.keys_of(owner) {
            if let Some(stream) = self.streams.get_mut(&key) {
                stream.adopt(now, key.1.family, policy);
            }
            self.reschedule(key);
        }
    }

    /// Drops all that is queued or planned for this owner.
    pub fn stop(&mut self, owner: OwnerId) {
        for key in self.keys_of(owner) {
            self.drop_stream(key);
        }
    }

    /// Sets the spacing of whole interfaces, by index, replacing what was set before.
    pub fn set_paces(&mut self, paces: BTreeMap<u32, Pace>) {
        self.paces = paces;
    }

    /// A frame went out: the interfaces that share a spacing with this one have to wait too.
    fn hold_back(&mut self, now: Instant, sent: LaneKey, spacing: Duration) {
        let Some(pace) = self.paces.get(&sent.index).copied() else {
            return;
        };
        let own = match sent.family {
            Family::Arp => pace.garp_interval,
            Family::Nd => pace.gna_interval,
        };
        let free_at = after(now, own.unwrap_or(spacing));
        let members = self
            .paces
            .iter()
            .filter(|(_, other)| other.group == pace.group);
        for index in members.map(|(index, _)| *index).collect::<Vec<_>>() {
            let family = sent.family;
            let key = LaneKey { index, family };
            // A lane that is made later is as free as if it had been alone, but for this.
            let lane = self.lanes.entry(key).or_insert_with(|| Lane {
                free_at,
                queue: VecDeque::new(),
                ticket: None,
            });
            lane.free_at = free_at;
            if let Some((at, turn)) = lane.ticket.take() {
                self.ready.remove(&(at, turn, key));
                lane.ticket = Some((free_at, turn));
                self.ready.insert((free_at, turn, key));
            }
        }
    }

    /// Drops all that is queued or planned on this interface, which is gone.
    pub fn forget_link(&mut self, index: u32) {
        let there = self.streams.keys().filter(|(_, lane)| lane.index == index);
        for key in there.copied().collect::<Vec<_>>() {
            self.drop_stream(key);
        }
        self.lanes.retain(|lane, _| lane.index != index);
    }

    /// Writes the next frame that is due into `out`, if there is one.
    #[must_use]
    pub fn poll_frame(&mut self, now: Instant, out: &mut [u8; FRAME_MAX]) -> Option<Frame> {
        self.fire_timers(now);
        loop {
            let (at, turn, lane_key) = *self.ready.first()?;
            if at > now {
                return None;
            }
            self.ready.remove(&(at, turn, lane_key));
            let lane = self.lanes.get_mut(&lane_key)?;
            lane.ticket = None;
            let owner = lane.queue.pop_front()?;
            let Some(stream) = self.streams.get_mut(&(owner, lane_key)) else {
                self.requeue(lane_key);
                continue;
            };
            let written = stream.write_next(out);
            stream.queued = stream.walks > 0;
            if stream.queued {
                lane.queue.push_back(owner);
            }
            if written.is_some() {
                lane.free_at = after(now, stream.spacing);
                let spacing = stream.spacing;
                self.hold_back(now, lane_key, spacing);
            }
            self.requeue(lane_key);
            if let Some(len) = written {
                let index = lane_key.index;
                return Some(Frame { index, len });
            }
        }
    }

    /// When to call [`poll_frame`](Self::poll_frame) next. In the past if a frame is due already.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        let ready = self.ready.first().map(|(at, _, _)| *at);
        let timer = self.timers.first().map(|(at, _)| *at);
        ready.into_iter().chain(timer).min()
    }

    fn keys_of(&self, owner: OwnerId) -> Vec<StreamKey> {
        let first = LaneKey {
            index: 0,
            family: Family::Arp,
        };
        let from = self.streams.range((owner, first)..);
        from.map(|(key, _)| *key)
            .take_while(|(id, _)| *id == owner)
            .collect()
    }

    fn drop_stream(&mut self, key: StreamKey) {
        let (owner, lane_key) = key;
        let Some(stream) = self.streams.remove(&key) else {
            return;
        };
        if let Some(at) = stream.timer {
            self.timers.remove(&(at, key));
        }
        if let Some(lane) = self.lanes.get_mut(&lane_key) {
            lane.queue.retain(|queued| *queued != owner);
            if lane.queue.is_empty()
                && let Some((at, turn)) = lane.ticket.take()
            {
                self.ready.remove(&(at, turn, lane_key));
            }
        }
    }

    fn fire_timers(&mut self, now: Instant) {
        while let Some((at, key)) = self.timers.first().copied() {
            if at > now {
                return;
            }
            self.timers.pop_first();
            if let Some(stream) = self.streams.get_mut(&key) {
                stream.timer = None;
                stream.fire(now);
            }
            self.reschedule(key);
            self.enqueue(now, key);
        }
    }

    /// Keeps the timer of a stream in step with its plans.
    fn reschedule(&mut self, key: StreamKey) {
        let Some(stream) = self.streams.get_mut(&key) else {
            return;
        };
        let next = stream.next_plan();
        let old = core::mem::replace(&mut stream.timer, next);
        if let Some(at) = old {
            self.timers.remove(&(at, key));
        }
        if let Some(at) = next {
            self.timers.insert((at, key));
        }
    }

    /// Puts the owner into the queue of its lane if it has something to send.
    fn enqueue(&mut self, now: Instant, key: StreamKey) {
        let (owner, lane_key) = key;
        if self
            .streams
            .get(&key)
            .is_none_or(|stream| stream.walks == 0)
        {
            return;
        }
        let Some(stream) = self.streams.get_mut(&key).filter(|stream| stream.walks > 0) else {
            return;
        };
        let lane = self.lanes.entry(lane_key).or_insert_with(|| Lane {
            free_at: now,
            queue: VecDeque::new(),
            ticket: None,
        });
        if !core::mem::replace(&mut stream.queued, true) {
            lane.queue.push_back(owner);
        }
        self.requeue(lane_key);
    }

    /// Gives a lane with a queue its place among the lanes.
    fn requeue(&mut self, key: LaneKey) {
        let Some(lane) = self.lanes.get_mut(&key) else {
            return;
        };
        if lane.ticket.is_some() || lane.queue.is_empty() {
            return;
        }
        let turn = self.turn;
        self.turn = turn.wrapping_add(1);
        lane.ticket = Some((lane.free_at, turn));
        self.ready.insert((lane.free_at, turn, key));
    }
}
