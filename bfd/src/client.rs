//! What those see who want to know whether a path works, RFC 5882.

use core::time::Duration;

use crate::Instant;
use crate::event::Transition;
use crate::timing::after;

/// Whether a path can be used, seen through a delay that hides short failures.
///
/// Feed it with the transitions of a session. With a hold time of zero it repeats what they say;
/// with a longer one, a session that is up again within that time was never down for the client.
/// BFD-CL-03.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    hold: Duration,
    usable: bool,
    pending: Option<Instant>,
}

impl Client {
    /// A client for whom the path cannot be used as yet. BFD-CL-02.
    #[must_use]
    pub const fn new(hold: Duration) -> Self {
        Self {
            hold,
            usable: false,
            pending: None,
        }
    }

    /// Whether the path can be used, as far as the client was told.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        self.usable
    }

    /// Takes a transition. `Some` is news for the client.
    pub fn handle_transition(&mut self, transition: &Transition) -> Option<bool> {
        match transition.usable()? {
            true => {
                self.pending = None;
                self.set(true)
            }
            false if self.hold.is_zero() => self.set(false),
            false => {
                self.pending = Some(after(transition.at, self.hold));
                None
            }
        }
    }

    /// The time. `Some` is news for the client.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<bool> {
        self.pending.filter(|at| *at <= now)?;
        self.pending = None;
        self.set(false)
    }

    /// When [`handle_timeout`](Self::handle_timeout) has to be called; `None` for never.
    #[must_use]
    pub const fn next_timeout(&self) -> Option<Instant> {
        self.pending
    }

    fn set(&mut self, usable: bool) -> Option<bool> {
        (core::mem::replace(&mut self.usable, usable) != usable).then_some(usable)
    }
}
