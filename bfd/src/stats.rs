//! Counters, and what happened lately.

use alloc::collections::VecDeque;

use crate::error::Rejected;
use crate::event::Transition;
use crate::types::State;

/// How many transitions are remembered.
pub const HISTORY_LEN: usize = 10;

/// Rejected packets by reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rejections(
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))] [u64; Rejected::COUNT],
);

impl Default for Rejections {
    fn default() -> Self {
        Self([0; Rejected::COUNT])
    }
}

impl Rejections {
    pub(crate) fn add(&mut self, reason: &Rejected) {
        if let Some(counter) = self.0.get_mut(reason.index()) {
            *counter = counter.saturating_add(1);
        }
    }

    /// How many packets were rejected for this reason, whatever its data.
    #[must_use]
    pub fn of(&self, reason: &Rejected) -> u64 {
        self.0.get(reason.index()).copied().unwrap_or_default()
    }

    /// How many packets were rejected.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Name and counter of every reason.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Rejected::names().zip(self.0.iter().copied())
    }
}

/// The counters of a session. They start at 0 and never go back by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Stats {
    /// Control packets accepted.
    pub received: u64,
    /// Control packets sent.
    pub sent: u64,
    /// Control packets not sent for want of a key.
    pub unsigned: u64,
    /// Times the session came up.
    pub ups: u64,
    /// Times the session left Up: flaps.
    pub flaps: u64,
    /// Poll sequences begun.
    pub polls: u64,
    /// Polls of the other side answered.
    pub finals: u64,
    /// Packets with both P and F. BFD-RX-24.
    pub poll_and_final: u64,
    /// Echo packets sent.
    pub echo_sent: u64,
    /// Echo packets that came back.
    pub echo_received: u64,
    /// Packets rejected, by reason.
    pub rejected: Rejections,
}

/// Adds one.
pub(crate) const fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

impl Stats {
    pub(crate) const fn count_transition(&mut self, transition: &Transition) {
        match (transition.from, transition.to) {
            (_, State::Up) => count(&mut self.ups),
            (State::Up, _) => count(&mut self.flaps),
            _ => {}
        }
    }
}

/// The last transitions, oldest first.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct History(VecDeque<Transition>);

impl History {
    pub(crate) fn add(&mut self, transition: Transition) {
        while self.0.len() >= HISTORY_LEN {
            self.0.pop_front();
        }
        self.0.push_back(transition);
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Transition> {
        self.0.iter()
    }

    pub(crate) fn last(&self) -> Option<&Transition> {
        self.0.back()
    }
}
