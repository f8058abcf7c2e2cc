//! What happens to nodes and wires on a script's orders.

use core::fmt;
use core::time::Duration;

use crate::link::Link;
use crate::world::NodeId;

/// One scripted incident. `O` is what an operator can tell a node ([`Node::Order`](crate::Node::Order)).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault<O> {
    /// Power on with empty memory. Nothing if already running.
    Start(NodeId),
    /// A graceful stop: the node is told, drained and then off.
    Stop(NodeId),
    /// Power off at once; whatever the node knew and held is gone.
    Crash(NodeId),
    /// The node gets no processor time until it wakes. Arriving frames queue up (bounded); on waking it
    /// is handed the frames first, then what else happened to it, then its expired timers.
    Stall(NodeId, Duration),
    /// Only members of one cell reach each other. A node in no cell is alone. Replaces earlier cells.
    Partition(Vec<Vec<NodeId>>),
    /// Frames of the first node no longer reach the second.
    OneWay(NodeId, NodeId),
    /// One cell again, no one-way cuts. Links that are down stay down.
    Heal,
    /// The cable of a node is pulled. The wire is dead before the node notices.
    LinkDown(NodeId),
    /// The cable of a node is plugged in.
    LinkUp(NodeId),
    /// A new quality for every path, those set by [`Fault::SetPath`] included.
    SetLink(Link),
    /// A new quality for the path from the first to the second node.
    SetPath(NodeId, NodeId, Link),
    /// An operator (or a health check) tells a node something: priority, configuration, ...
    Tell(NodeId, O),
}

impl<O: fmt::Display> fmt::Display for Fault<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(node) => write!(f, "start {node}"),
            Self::Stop(node) => write!(f, "stop {node}"),
            Self::Crash(node) => write!(f, "crash {node}"),
            Self::Stall(node, length) => write!(f, "stall {node} for {length:?}"),
            Self::Partition(cells) => {
                write!(f, "partition")?;
                for cell in cells {
                    write!(f, " [")?;
                    for (index, node) in cell.iter().enumerate() {
                        write!(f, "{}{node}", if index == 0 { "" } else { " " })?;
                    }
                    write!(f, "]")?;
                }
                Ok(())
            }
            Self::OneWay(from, to) => write!(f, "cut {from} -> {to}"),
            Self::Heal => write!(f, "heal"),
            Self::LinkDown(node) => write!(f, "link of {node} down"),
            Self::LinkUp(node) => write!(f, "link of {node} up"),
            Self::SetLink(link) => write!(f, "every path: {link}"),
            Self::SetPath(from, to, link) => write!(f, "path {from} -> {to}: {link}"),
            Self::Tell(node, order) => write!(f, "tell {node}: {order}"),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "delay {:?}..{:?}", self.delay.start(), self.delay.end())?;
        if self.is_clean() {
            return write!(f, ", clean");
        }
        write!(
            f,
            ", {}, loss {:?}, duplicate {} ppm, corrupt {} ppm",
            if self.fifo { "in order" } else { "any order" },
            self.loss,
            self.duplicate,
            self.corrupt
        )
    }
}
