//! What stands on the network, and its address plan.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use sans_io_time::Instant;
use vrrp_proto::Family;

use super::frame::Frame;
use super::host::HostNode;
use super::router::{Note, Order, RouterNode};
use crate::node::{Effect, Node, Power};
use crate::rng::Random;
use crate::world::NodeId;

/// The primary addresses of the nodes of a world, in the order of the nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lan {
    nodes: Vec<(Ipv4Addr, Ipv6Addr)>,
}

impl Lan {
    /// A plan from one IPv4 and one IPv6 address per node.
    #[must_use]
    pub fn new(nodes: Vec<(Ipv4Addr, Ipv6Addr)>) -> Arc<Self> {
        Arc::new(Self { nodes })
    }

    /// 192.0.2.1 and fe80::1 for the first of `count` nodes (at most 250), and so on upwards.
    #[must_use]
    pub fn counted(count: u8) -> Arc<Self> {
        let address = |n: u8| {
            (
                Ipv4Addr::new(192, 0, 2, n),
                Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, n.into()),
            )
        };
        Self::new((1..=count.min(250)).map(address).collect())
    }

    /// The primary address of a node.
    #[must_use]
    pub fn address(&self, node: NodeId, family: Family) -> Option<IpAddr> {
        let (v4, v6) = self.nodes.get(node.0)?;
        Some(match family {
            Family::Ipv4 => IpAddr::V4(*v4),
            Family::Ipv6 => IpAddr::V6(*v6),
        })
    }

    /// The node with this primary address.
    #[must_use]
    pub fn node(&self, address: IpAddr) -> Option<NodeId> {
        let is = |(v4, v6): &(Ipv4Addr, Ipv6Addr)| match address {
            IpAddr::V4(address) => *v4 == address,
            IpAddr::V6(address) => *v6 == address,
        };
        self.nodes.iter().position(is).map(NodeId)
    }
}

/// A router or a host.
#[derive(Debug)]
pub enum Station {
    /// Runs virtual routers.
    Router(Box<RouterNode>),
    /// Uses their addresses.
    Host(HostNode),
}

impl Station {
    /// The router, if it is one.
    #[must_use]
    pub fn router(&self) -> Option<&RouterNode> {
        match self {
            Self::Router(router) => Some(router),
            Self::Host(_) => None,
        }
    }
}

impl From<RouterNode> for Station {
    fn from(router: RouterNode) -> Self {
        Self::Router(Box::new(router))
    }
}

impl From<HostNode> for Station {
    fn from(host: HostNode) -> Self {
        Self::Host(host)
    }
}

impl Node for Station {
    type Frame = Frame;
    type Order = Order;
    type Note = Note;

    fn handle_power(&mut self, now: Instant, power: Power) {
        match self {
            Self::Router(router) => router.handle_power(now, power),
            Self::Host(host) => host.handle_power(now, power),
        }
    }

    fn handle_frame(&mut self, now: Instant, from: NodeId, frame: &Frame) {
        match self {
            Self::Router(router) => router.handle_frame(now, from, frame),
            Self::Host(host) => host.handle_frame(now, frame),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::Router(router) => router.handle_timeout(now),
            Self::Host(host) => host.handle_timeout(now),
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        match self {
            Self::Router(router) => router.next_timeout(),
            Self::Host(host) => host.next_timeout(),
        }
    }

    fn poll_effect(&mut self) -> Option<Effect<Frame, Note>> {
        match self {
            Self::Router(router) => router.poll_effect(),
            Self::Host(host) => host.poll_effect(),
        }
    }

    fn handle_link(&mut self, now: Instant, up: bool) {
        if let Self::Router(router) = self {
            router.handle_link(now, up);
        }
    }

    fn handle_order(&mut self, now: Instant, order: &Order) {
        if let Self::Router(router) = self {
            router.handle_order(now, order);
        }
    }

    fn corrupt(frame: &Frame, random: &mut Random) -> Option<Frame> {
        frame.corrupted(random)
    }
}
