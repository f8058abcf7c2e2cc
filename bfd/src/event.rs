//! What happens to a session, and what a session has to tell.

use crate::Instant;
use crate::types::{Diagnostic, Discriminator, State};

/// What happens to a session besides packets and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Event {
    /// The operator wants it down.
    AdminDown,
    /// Something else than BFD knows that the path is down; holds it down like
    /// [`AdminDown`](Self::AdminDown) until [`AdminUp`](Self::AdminUp). BFD-FSM-20.
    PathDown,
    /// Nobody holds it down any longer.
    AdminUp,
    /// The forwarding plane was reset. BFD-FSM-19.
    ForwardingReset,
    /// An echo function outside of this crate has failed. BFD-FSM-18.
    EchoFailed,
    /// A path that continues this one has gone down or is back. BFD-FSM-23.
    ConcatenatedPath(Concatenated),
    /// Find out now whether the other side answers, for demand mode.
    Verify,
}

/// The state of a path that continues the one of the session, RFC 5880 6.8.17.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Concatenated {
    /// It works.
    Up,
    /// It is down.
    Down,
    /// It is down in the other direction.
    ReverseDown,
}

/// Why a session changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Reason {
    /// The other side's state in a packet.
    Received(State),
    /// Nothing was heard for the detection time.
    DetectionTime,
    /// In demand mode, a poll was not answered. BFD-DM-05.
    PollUnanswered,
    /// Echo packets did not come back.
    EchoFailed,
    /// The operator, or something that knows better, holds it down.
    AdminDown,
    /// Nobody holds it down any longer.
    AdminUp,
    /// The forwarding plane was reset.
    ForwardingReset,
}

impl Reason {
    /// A short name: lower case with underscores.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Received(State::AdminDown) => "received_admin_down",
            Self::Received(State::Down) => "received_down",
            Self::Received(State::Init) => "received_init",
            Self::Received(State::Up) => "received_up",
            Self::DetectionTime => "detection_time_expired",
            Self::PollUnanswered => "poll_unanswered",
            Self::EchoFailed => "echo_failed",
            Self::AdminDown => "admin_down",
            Self::AdminUp => "admin_up",
            Self::ForwardingReset => "forwarding_reset",
        }
    }
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Transition {
    /// When.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    pub at: Instant,
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// What the other side is told.
    pub diagnostic: Diagnostic,
    /// Why.
    pub reason: Reason,
}

impl Transition {
    /// What a client without a way of its own to see that the path works has to think:
    /// `Some(true)` for up, `Some(false)` for down, `None` for no news. Coming up for the first
    /// time is never preceded by a failure. BFD-CL-02, BFD-CL-05.
    #[must_use]
    pub const fn usable(&self) -> Option<bool> {
        match (self.from, self.to) {
            (State::Up, State::Up) => None,
            (_, State::Up) => Some(true),
            (State::Up, _) => Some(false),
            _ => None,
        }
    }

    /// Whether the path has failed, as opposed to an operator on either side having closed the
    /// session. A client that can see for itself whether the path works should act on nothing
    /// else. BFD-CL-01.
    #[must_use]
    pub const fn is_failure(&self) -> bool {
        let by_operator = matches!(
            self.reason,
            Reason::AdminDown | Reason::Received(State::AdminDown)
        ) && self.diagnostic.bits() != Diagnostic::PATH_DOWN.bits();
        matches!(self.usable(), Some(false)) && !by_operator
    }
}

/// What a session has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SessionEvent {
    /// It is in another state.
    State(Transition),
    /// The intervals have changed, see [`Session::timers`](crate::Session::timers).
    Timers,
    /// The other side has another discriminator, or none that we know of. BFD-RX-26.
    RemoteDiscriminator(Option<Discriminator>),
    /// There is a packet to send and no key that may sign it now: nothing is sent.
    NoKey,
    /// There is a key again.
    KeyAgain,
    /// Packets with both P and F: the other side is not in its right mind. Told once.
    /// BFD-RX-24.
    PollAndFinal,
    /// The other side's transmit interval is 0, which is reserved. Told once. BFD-RX-25.
    TransmitIntervalZero,
}
