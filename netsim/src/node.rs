//! What a thing must be to live in a world.

use core::fmt::Display;
use core::hash::Hash;

use sans_io_time::Instant;

use crate::rng::Random;
use crate::world::NodeId;

/// A sans-IO machine (or a few of them in one box) on the network.
///
/// Time and input come as arguments; output is pulled with [`poll_effect`](Self::poll_effect) after
/// every call, until there is none.
pub trait Node {
    /// What travels. Cloned once per receiver, so cheap to clone is good.
    type Frame: Clone + Hash + Display;
    /// What an operator can tell a node, see [`Fault::Tell`](crate::Fault::Tell).
    type Order: Clone + Display;
    /// What a node reports about itself, for observers and the trace.
    type Note: Hash + Display;

    /// The power switch.
    fn handle_power(&mut self, now: Instant, power: Power);
    /// A frame arrived.
    fn handle_frame(&mut self, now: Instant, from: NodeId, frame: &Self::Frame);
    /// A timer may have expired. Early or repeated calls do nothing.
    fn handle_timeout(&mut self, now: Instant);
    /// When [`handle_timeout`](Self::handle_timeout) is wanted next. After a call at `now` and a drain
    /// it must lie after `now`.
    fn next_timeout(&self) -> Option<Instant>;
    /// The next output, oldest first.
    fn poll_effect(&mut self) -> Option<Effect<Self::Frame, Self::Note>>;

    /// The cable was plugged in or pulled. Not called for the state at the start, which is plugged in.
    fn handle_link(&mut self, now: Instant, up: bool) {
        let _ = (now, up);
    }

    /// The operator says something.
    fn handle_order(&mut self, now: Instant, order: &Self::Order) {
        let _ = (now, order);
    }

    /// A damaged copy of a frame, or `None` if damage means loss.
    fn corrupt(frame: &Self::Frame, random: &mut Random) -> Option<Self::Frame> {
        let _ = (frame, random);
        None
    }
}

/// What the power switch does.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Power {
    /// On, with empty memory.
    Start,
    /// A request to finish in good order; the output of this call is still delivered.
    Stop,
    /// Off, now. Output of this call is thrown away.
    Crash,
}

/// Output of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<F, N> {
    /// Put a frame on the wire.
    Send {
        /// For whom.
        to: To,
        /// The frame.
        frame: F,
    },
    /// Tell the observers.
    Note(N),
}

/// For whom a frame is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum To {
    /// Every other node (multicast and broadcast; the sender does not hear itself).
    Everyone,
    /// One node.
    Node(NodeId),
}
