//! Demand mode, RFC 5880 6.6.

use crate::Instant;
use crate::config::Demand;
use crate::session::Session;
use crate::timing::after;
use crate::types::State;

#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct DemandMode {
    /// When to find out again whether the other side is there.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    pub(super) verify_at: Option<Instant>,
    /// When the other side was asked to send again: silence before that means nothing.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    pub(super) ended: Option<Instant>,
}

impl Session {
    /// Whether the other side wants no periodic packets: it says so and both are up. BFD-DM-02.
    pub(super) fn remote_demand_active(&self) -> bool {
        self.remote.demand && self.is_up() && self.remote.state == State::Up
    }

    /// Plans the next verification, counted from the end of the last one.
    pub(super) fn update_demand(&mut self, now: Instant) {
        let active = self.negotiation.offer.demand && !self.is_polling();
        self.demand.verify_at = match self.config.demand {
            Demand::Verify(interval) if active => self
                .demand
                .verify_at
                .or_else(|| Some(after(now, interval.to_duration()))),
            _ => None,
        };
    }
}
