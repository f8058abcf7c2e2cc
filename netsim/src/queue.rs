//! What is on its way: the ordered queue's entries, and what waits for a stalled node.

use core::cmp::Ordering;
use std::collections::VecDeque;

use sans_io_time::Instant;

use crate::fault::Fault;
use crate::node::Node;
use crate::world::NodeId;

pub(crate) struct Slot<N: Node> {
    pub(crate) node: N,
    pub(crate) timeout: Option<Instant>,
    pub(crate) stall: Option<Stall<N>>,
}

pub(crate) struct Stall<N: Node> {
    pub(crate) until: Instant,
    pub(crate) frames: VecDeque<Arrival<N>>,
    pub(crate) missed: Vec<Missed<N::Order>>,
}

/// What happened to a stalled node besides frames.
pub(crate) enum Missed<O> {
    Stop,
    Link(bool),
    Order(O),
}

pub(crate) struct Arrival<N: Node> {
    pub(crate) from: NodeId,
    pub(crate) frame: N::Frame,
    pub(crate) damaged: bool,
}

pub(crate) struct Pending<N: Node> {
    pub(crate) at: Instant,
    /// What decides among frames that arrive at one instant: 0, or a draw for each sender and receiver.
    pub(crate) draw: u64,
    pub(crate) sequence: u64,
    pub(crate) what: What<N>,
}

pub(crate) enum What<N: Node> {
    Fault(Box<Fault<N::Order>>),
    Arrival(NodeId, Arrival<N>),
    Wake(NodeId),
}

impl<N: Node> Pending<N> {
    fn key(&self) -> (Instant, u8, u64, u64) {
        let class = match self.what {
            What::Fault(_) => 0,
            What::Arrival(..) => 1,
            What::Wake(_) => 2,
        };
        (self.at, class, self.draw, self.sequence)
    }
}

impl<N: Node> PartialEq for Pending<N> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<N: Node> Eq for Pending<N> {}

impl<N: Node> PartialOrd for Pending<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<N: Node> Ord for Pending<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}
