//! A node that runs `bfd::Table` the way a driver would: packets in, timers after packets, what is
//! due out.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::mem::discriminant;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ::bfd::{
    Buffer, Definition, Event, InterfaceId, MAX_LEN, Rx, SINGLE_HOP_PORT, Session, SessionConfig,
    SessionEvent, SessionId, SingleHop, TTL, Table, Transition,
};
use sans_io_time::Instant;

use crate::node::{Effect, Node, Power, To};
use crate::world::NodeId;

/// The one interface a simulated box has.
const LAN: InterfaceId = InterfaceId(1);

/// The address of a node: 192.0.2.1 for the first one, and so on, for up to 250 nodes.
#[must_use]
pub fn address(node: NodeId) -> IpAddr {
    let last = u8::try_from(node.0.saturating_add(1)).unwrap_or(u8::MAX);
    Ipv4Addr::new(192, 0, 2, last).into()
}

/// A control packet, as octets. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BfdFrame(pub Arc<[u8]>);

impl fmt::Display for BfdFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let packet = ::bfd::ControlPacket::parse(&self.0);
        match packet.as_ref().map(::bfd::ControlPacket::control) {
            Ok(control) => write!(
                f,
                "BFD {:?}{}{} every {} us, takes {} us, times {}",
                control.state,
                if control.poll { " poll" } else { "" },
                if control.final_bit { " final" } else { "" },
                control.desired_min_tx.get(),
                control.required_min_rx.get(),
                control.detect_mult,
            ),
            Err(error) => write!(f, "BFD {error}"),
        }
    }
}

/// A session that a box is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// With whom.
    pub node: NodeId,
    /// How.
    pub config: SessionConfig,
}

/// What an operator tells a box.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BfdOrder {
    /// A new configuration.
    Reload(Vec<Neighbour>),
    /// An event for the session with one node.
    Event(NodeId, Event),
}

impl fmt::Display for BfdOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reload(all) => {
                write!(f, "to load {} sessions:", all.len())?;
                for Neighbour { node, config } in all {
                    let (tx, rx) = (config.desired_min_tx.get(), config.required_min_rx.get());
                    let mult = config.detect_mult;
                    write!(f, " {node} every {tx} us, takes {rx} us, times {mult}")?;
                }
                Ok(())
            }
            Self::Event(node, event) => write!(f, "{event:?} for the session with {node}"),
        }
    }
}

/// What a box reports about its sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BfdNote {
    /// A session changed state.
    State {
        /// With whom.
        peer: NodeId,
        /// From where to where, and why.
        transition: Transition,
        /// The detection time in force before.
        detection: Option<Duration>,
    },
    /// A packet was refused.
    Refused {
        /// Who sent it.
        peer: NodeId,
        /// The packet.
        frame: BfdFrame,
    },
}

impl Hash for BfdNote {
    fn hash<H: Hasher>(&self, hash: &mut H) {
        match self {
            Self::State {
                peer,
                transition,
                detection,
            } => {
                let Transition {
                    from, to, reason, ..
                } = transition;
                (0u8, peer, discriminant(from), discriminant(to)).hash(hash);
                (discriminant(reason), detection).hash(hash);
            }
            Self::Refused { peer, .. } => (1u8, peer).hash(hash),
        }
    }
}

impl fmt::Display for BfdNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State {
                peer, transition, ..
            } => {
                let Transition {
                    from, to, reason, ..
                } = transition;
                write!(
                    f,
                    "session with {peer} {from:?} -> {to:?} ({})",
                    reason.name()
                )
            }
            Self::Refused { peer, .. } => write!(f, "refuses a packet of {peer}"),
        }
    }
}

/// A box with BFD sessions.
#[derive(Debug)]
pub struct BfdNode {
    id: NodeId,
    neighbours: Vec<Neighbour>,
    seed: u64,
    boots: u64,
    table: Option<Table>,
    ids: BTreeMap<SessionId, NodeId>,
    /// The detection times in force, as they were before the call that is being handled.
    detection: BTreeMap<SessionId, Duration>,
    /// The time of the last call.
    now: Instant,
    out: VecDeque<Effect<BfdFrame, BfdNote>>,
}

impl BfdNode {
    /// A box that is off. `id` is its place in the world; `seed` is for its discriminators and
    /// its jitter.
    #[must_use]
    pub const fn new(id: NodeId, neighbours: Vec<Neighbour>, seed: u64) -> Self {
        Self {
            id,
            neighbours,
            seed,
            boots: 0,
            table: None,
            ids: BTreeMap::new(),
            detection: BTreeMap::new(),
            now: Instant::ZERO,
            out: VecDeque::new(),
        }
    }

    /// The session with a node, while the box is on.
    #[must_use]
    pub fn session(&self, peer: NodeId) -> Option<&Session> {
        let (id, _) = self.ids.iter().find(|(_, node)| **node == peer)?;
        self.table.as_ref()?.member(*id)?.session()
    }

    fn reload(&mut self, now: Instant) {
        let Some(table) = &mut self.table else {
            return;
        };
        let own = address(self.id);
        let definition = |neighbour: &Neighbour| {
            let path = SingleHop::new(LAN, address(neighbour.node)).with_local(Some(own));
            Definition::SingleHop(path, neighbour.config.clone())
        };
        let definitions = self.neighbours.iter().map(definition).collect();
        let reload = table.reload(now, definitions).expect("a scenario is legal");
        let nodes = self.neighbours.iter().map(|neighbour| neighbour.node);
        self.ids.extend(reload.ids.into_iter().zip(nodes));
    }

    fn collect(&mut self) {
        let Some(table) = &mut self.table else {
            return;
        };
        // Events first: who is told of a state change is told before the neighbour is.
        while let Some((id, event)) = table.poll_event() {
            if let (SessionEvent::State(transition), Some(&peer)) = (event, self.ids.get(&id)) {
                let detection = self.detection.get(&id).copied();
                self.out.push_back(Effect::Note(BfdNote::State {
                    peer,
                    transition,
                    detection,
                }));
            }
        }
        let mut buffer: Buffer = [0; MAX_LEN];
        while let Some(transmit) = table.poll_transmit(self.now, &mut buffer) {
            let peer = self.ids.get(&transmit.id);
            let octets = buffer.get(..transmit.length);
            if let (Some(&peer), Some(octets)) = (peer, octets) {
                self.out.push_back(Effect::Send {
                    to: To::Node(peer),
                    frame: BfdFrame(octets.into()),
                });
            }
        }
        self.ids.retain(|id, _| table.member(*id).is_some());
        self.detection.clear();
        for id in self.ids.keys() {
            let session = table.member(*id).and_then(|member| member.session());
            if let Some(time) = session.and_then(|session| session.timers().detection_time) {
                self.detection.insert(*id, time);
            }
        }
    }
}

impl Node for BfdNode {
    type Frame = BfdFrame;
    type Order = BfdOrder;
    type Note = BfdNote;

    fn handle_power(&mut self, now: Instant, power: Power) {
        self.now = now;
        self.out.clear();
        match power {
            Power::Start => {
                self.boots += 1;
                let seed = self.seed ^ (self.boots << 32);
                self.table = Some(Table::new(seed));
                self.ids.clear();
                self.reload(now);
            }
            Power::Stop => {
                if let Some(table) = &mut self.table {
                    for id in self.ids.keys() {
                        table.retire(now, *id);
                    }
                }
                self.collect();
                self.table = None;
            }
            Power::Crash => self.table = None,
        }
    }

    fn handle_frame(&mut self, now: Instant, from: NodeId, frame: &BfdFrame) {
        self.now = now;
        let Some(table) = &mut self.table else {
            return;
        };
        let rx = Rx {
            interface: LAN,
            source: address(from),
            destination: address(self.id),
            destination_port: SINGLE_HOP_PORT,
            ttl: TTL,
            payload: &frame.0,
        };
        if table.handle_packet(now, &rx).is_err() {
            self.out.push_back(Effect::Note(BfdNote::Refused {
                peer: from,
                frame: frame.clone(),
            }));
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        if let Some(table) = &mut self.table {
            table.handle_timeout(now);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.table.as_ref()?.next_timeout()
    }

    fn poll_effect(&mut self) -> Option<Effect<BfdFrame, BfdNote>> {
        if self.out.is_empty() {
            self.collect();
        }
        self.out.pop_front()
    }

    fn handle_order(&mut self, now: Instant, order: &BfdOrder) {
        self.now = now;
        match order {
            BfdOrder::Reload(neighbours) => {
                self.neighbours.clone_from(neighbours);
                self.reload(now);
            }
            BfdOrder::Event(peer, event) => {
                let id = self.ids.iter().find(|(_, node)| *node == peer);
                if let (Some(table), Some((id, _))) = (&mut self.table, id) {
                    table.handle_event(now, *id, *event);
                }
            }
        }
    }
}
