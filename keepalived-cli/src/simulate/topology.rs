//! What is connected with what, and what each thing is like at the moment.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use keepalived_driver::tracked::TrackerId;
use keepalived_driver::{Config, InstanceSetup};
use netlink_vip::InterfaceName;
use netsim::{Instant, NodeId};
use vrrp_proto::Family;

use super::cuts::{Cuts, Somebody};
use crate::daemon::Standing;

/// An interface of a node.
pub(super) type Port = (usize, InterfaceName);

/// One file of a node, lowered.
#[derive(Debug)]
pub(super) struct Setup {
    /// Where it is, as given.
    pub(super) file: PathBuf,
    /// What the daemon would run.
    pub(super) driver: Config,
    /// Which virtual router of the document each of its instances belongs to.
    pub(super) places: Vec<usize>,
    /// What of it a reload must not change.
    pub(super) standing: Standing,
    /// It has mistakes: a daemon starts with the rest of it, and refuses to reload it.
    pub(super) faulty: bool,
}

/// What never changes while a simulation runs.
#[derive(Debug)]
pub(super) struct Topology {
    /// For each node the file at the beginning, then those that it is to reload.
    pub(super) setups: Vec<Vec<Arc<Setup>>>,
    /// The wires: which interfaces each of them connects.
    pub(super) wires: Vec<Vec<Port>>,
    /// Which wire each interface is on.
    pub(super) wire_of: BTreeMap<Port, usize>,
    /// The address of each interface.
    pub(super) primary: BTreeMap<(Port, Family), IpAddr>,
    /// Where each address is that belongs to a node for good.
    pub(super) owner: BTreeMap<IpAddr, Port>,
    /// Virtual addresses by wire: what the client of that wire wants to reach.
    pub(super) wanted: Vec<Vec<(IpAddr, usize)>>,
}

impl Topology {
    /// How many nodes there are.
    pub(super) fn nodes(&self) -> usize {
        self.setups.len()
    }

    /// The client of a wire.
    pub(super) fn client(&self, wire: usize) -> NodeId {
        NodeId(self.nodes() + wire)
    }

    /// The wire of a client.
    pub(super) fn wire_of_client(&self, node: NodeId) -> Option<usize> {
        node.0
            .checked_sub(self.nodes())
            .filter(|wire| *wire < self.wires.len())
    }

    /// The other interfaces on the wire of this one.
    pub(super) fn neighbours(&self, port: Port) -> impl Iterator<Item = Port> {
        let wire = self
            .wire_of
            .get(&port)
            .and_then(|wire| self.wires.get(*wire));
        let ports = wire.into_iter().flatten().copied();
        ports.filter(move |other| other.0 != port.0)
    }

    /// Every interface of a node.
    pub(super) fn ports(&self, node: usize) -> impl Iterator<Item = InterfaceName> {
        let all = self.wire_of.keys();
        all.filter(move |port| port.0 == node).map(|port| port.1)
    }
}

/// A virtual address, and the wire that it is on.
pub(super) type OnWire = (usize, IpAddr);

/// Every virtual address of an instance with the wire that it is on: a device that is made for addresses
/// is on the wire of the interface below it.
pub(super) fn on_wires(
    wire_of: &BTreeMap<Port, usize>,
    node: usize,
    one: &InstanceSetup,
) -> Vec<OnWire> {
    let wire = |interface: InterfaceName| wire_of.get(&(node, interface)).copied();
    let addresses = one.addresses.iter();
    addresses
        .filter_map(|vip| {
            let wire = wire(vip.device).or_else(|| wire(one.interface))?;
            Some((wire, vip.address))
        })
        .collect()
}

/// How a tracked object is, whoever looks at it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// In order.
    Good,
    /// Not in order.
    Bad,
    /// A file with this number.
    Value(i64),
}

/// What changes: the state of things, whether a node is on to notice or not.
#[derive(Debug)]
pub(super) struct Facts {
    /// Interfaces without a link.
    pub(super) unplugged: BTreeSet<Port>,
    /// Who does not reach whom on a single wire.
    pub(super) cuts: Cuts,
    /// Tracked objects that are not as at the beginning.
    pub(super) objects: BTreeMap<(usize, TrackerId), Object>,
    /// Which of its files each node has.
    pub(super) file: Vec<usize>,
    /// Which of them it runs: another one if it has refused to reload that.
    pub(super) runs: Vec<usize>,
    /// The time of day at the beginning as each node has it.
    wall: Vec<Duration>,
}

/// The time of day when a simulation begins: 2027.
const BEGIN: Duration = Duration::from_secs(1_800_000_000);

impl Facts {
    /// All is in order.
    pub(super) fn new(nodes: usize) -> Self {
        Self {
            unplugged: BTreeSet::new(),
            cuts: Cuts::default(),
            objects: BTreeMap::new(),
            file: vec![0; nodes],
            runs: vec![0; nodes],
            wall: vec![BEGIN; nodes],
        }
    }

    /// The time of day of a node.
    pub(super) fn time_of_day(&self, node: usize, now: Instant) -> Duration {
        let begin = self.wall.get(node).copied().unwrap_or(BEGIN);
        begin.saturating_add(now.saturating_duration_since(Instant::ZERO))
    }

    /// The clock of a node makes a step, in seconds.
    pub(super) fn step_clock(&mut self, node: usize, seconds: i64) {
        if let Some(wall) = self.wall.get_mut(node) {
            let by = Duration::from_secs(seconds.unsigned_abs());
            *wall = if seconds < 0 {
                wall.saturating_sub(by)
            } else {
                wall.saturating_add(by)
            };
        }
    }
}

/// What all nodes of a world share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    /// What never changes.
    pub(super) topology: Arc<Topology>,
    /// What does.
    pub(super) facts: Rc<RefCell<Facts>>,
}

impl Shared {
    /// Everything as at the beginning.
    pub(super) fn new(topology: &Arc<Topology>) -> Self {
        let facts = Facts::new(topology.nodes());
        Self {
            topology: Arc::clone(topology),
            facts: Rc::new(RefCell::new(facts)),
        }
    }

    /// Whether an interface has a link.
    pub(super) fn is_plugged(&self, port: Port) -> bool {
        !self.facts.borrow().unplugged.contains(&port)
    }

    /// Whether frames get from an interface to a node, or to the client, as far as cuts of its wire go.
    pub(super) fn passes(&self, from: Port, to: Somebody) -> bool {
        let wire = self.topology.wire_of.get(&from);
        wire.is_none_or(|wire| self.passes_on(*wire, Some(from.0), to))
    }

    /// The same, from the client too.
    pub(super) fn passes_on(&self, wire: usize, from: Somebody, to: Somebody) -> bool {
        self.facts.borrow().cuts.passes(wire, from, to)
    }

    /// How a tracked object is.
    pub(super) fn object(&self, node: usize, id: &TrackerId) -> Option<Object> {
        let facts = self.facts.borrow();
        facts.objects.get(&(node, id.clone())).copied()
    }
}
