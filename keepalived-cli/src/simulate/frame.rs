//! What travels, what nodes are told, and what they say.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem::discriminant;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use keepalived_driver::tracked::TrackerId;
use netlink_vip::InterfaceName;
use netsim::NodeId;
use netsim::vrrp::Frame;
use vrrp_fsm::{Faults, Notice, Reason, State, TrackStatus};

use super::cuts::Somebody;
use super::topology::{Object, OnWire};

/// A frame on its way to one interface.
#[derive(Clone, Debug)]
pub(super) struct Wired {
    /// The interface of the receiver. Clients have but one, and do not look.
    pub(super) interface: InterfaceName,
    /// What it carries.
    pub(super) carries: Carried,
}

/// What a frame carries. Cloning is cheap.
#[derive(Clone, Debug)]
pub(super) enum Carried {
    /// VRRP, ARP or neighbour discovery.
    Vrrp(Frame),
    /// A BFD control packet.
    Bfd(Arc<BfdPacket>),
}

/// A BFD control packet and the IP facts that a receiver learns from its socket.
#[derive(Clone, Debug, Hash)]
pub(super) struct BfdPacket {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) port: u16,
    pub(super) ttl: u8,
    pub(super) payload: Vec<u8>,
}

impl Hash for Wired {
    fn hash<H: Hasher>(&self, hash: &mut H) {
        match &self.carries {
            Carried::Vrrp(frame) => frame.hash(hash),
            Carried::Bfd(packet) => packet.hash(hash),
        }
    }
}

impl fmt::Display for Wired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.carries {
            Carried::Vrrp(frame) => frame.fmt(f),
            Carried::Bfd(packet) => write!(f, "BFD from {}", packet.source),
        }
    }
}

/// What happens to one node alone. The facts change first, and the node is told to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// A link goes or comes.
    Link { interface: InterfaceName, up: bool },
    /// A tracked object is like this now.
    Object { id: TrackerId, is: Object },
    /// There is another configuration: this one of its files.
    Reload(usize),
    /// The clock makes a step, in seconds.
    Clock(i64),
    /// On this wire frames of the first do not reach the second. Told to its client, as is the next.
    Cut {
        wire: usize,
        from: Somebody,
        to: Somebody,
    },
    /// This wire falls apart.
    Part {
        wire: usize,
        cells: Vec<Vec<Somebody>>,
    },
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// What a node says. Virtual routers are named by their places in the document.
#[derive(Clone, Debug)]
pub(super) enum Note {
    /// A virtual router changed state.
    State {
        place: usize,
        from: State,
        to: State,
        reason: Reason,
        /// What holds it, and whether that is only a wait.
        faults: Faults,
        waits: bool,
        why: Arc<str>,
    },
    /// What holds a virtual router has changed.
    Faults {
        place: usize,
        faults: Faults,
        waits: bool,
        why: Arc<str>,
    },
    /// The effective priority is another one.
    Priority { place: usize, priority: u8 },
    /// An advert has arrived, whatever will be thought of it.
    Arrived { place: usize, from: NodeId },
    /// An advert was taken.
    Heard {
        place: usize,
        from: NodeId,
        priority: u8,
        interval: Duration,
        /// The down timer runs anew.
        armed: bool,
    },
    /// An advert is on its way out.
    Transmits { place: usize, priority: u8 },
    /// An advert went nowhere: its wire is cut.
    Lost,
    /// The addresses are there now, each on the wire of its interface.
    Installed {
        place: usize,
        addresses: Arc<[OnWire]>,
    },
    /// They are gone.
    Removed { place: usize },
    /// The members of a group have another state.
    Group { name: Arc<str>, to: State },
    /// A packet was refused.
    Refused {
        from: NodeId,
        rule: &'static str,
        why: String,
    },
    /// Something worth a line.
    Notice { place: usize, notice: Notice },
    /// A tracked object is found to be like this.
    Tracker { id: TrackerId, status: TrackStatus },
    /// A BFD session is up, or not any more.
    Session {
        name: Arc<str>,
        up: bool,
        why: &'static str,
    },
    /// BFD has lost the neighbour, and this virtual router was told.
    Gone { place: usize },
    /// Another configuration was taken: so many virtual routers are new, changed, gone.
    Loaded {
        added: usize,
        changed: usize,
        removed: usize,
    },
    /// It was not taken, as the daemon would not take it.
    Refuses { why: String },
    /// It was not taken.
    NotLoaded { error: String },
    /// A client learned where an address is.
    Learned { address: IpAddr, holder: NodeId },
}

impl Hash for Note {
    fn hash<H: Hasher>(&self, hash: &mut H) {
        discriminant(self).hash(hash);
        match self {
            Self::State { place, to, .. } => (place, discriminant(to)).hash(hash),
            Self::Arrived { place, from } | Self::Heard { place, from, .. } => {
                (place, from).hash(hash);
            }
            Self::Faults { place, .. }
            | Self::Priority { place, .. }
            | Self::Transmits { place, .. }
            | Self::Installed { place, .. }
            | Self::Removed { place }
            | Self::Notice { place, .. }
            | Self::Gone { place } => place.hash(hash),
            Self::Learned { address, holder } => (address, holder).hash(hash),
            _ => {}
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
