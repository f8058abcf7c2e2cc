//! One session and what belongs to it in a table.

use alloc::vec::Vec;

use crate::Instant;
use crate::config::SessionConfig;
use crate::error::Rejected;
use crate::event::{Event, SessionEvent, Transition};
use crate::packet::{Buffer, ControlPacket};
use crate::seamless::Initiator;
use crate::session::{Remote, Session, Timers};
use crate::stats::Stats;
use crate::table::path::{Definition, Identity, Path};
use crate::table::{Purpose, SessionId};
use crate::timing::earlier;
use crate::types::{Diagnostic, Discriminator, State};

/// A session of either kind.
#[derive(Clone, Copy, Debug)]
pub enum Member<'a> {
    /// RFC 5880.
    Session(&'a Session),
    /// RFC 7880.
    Initiator(&'a Initiator),
}

impl<'a> Member<'a> {
    /// The state.
    #[must_use]
    pub const fn state(&self) -> State {
        match self {
            Self::Session(session) => session.state(),
            Self::Initiator(initiator) => initiator.state(),
        }
    }

    /// Why the state changed last.
    #[must_use]
    pub const fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Session(session) => session.diagnostic(),
            Self::Initiator(initiator) => initiator.diagnostic(),
        }
    }

    /// Our own discriminator.
    #[must_use]
    pub const fn local_discriminator(&self) -> Discriminator {
        match self {
            Self::Session(session) => session.local_discriminator(),
            Self::Initiator(initiator) => initiator.local_discriminator(),
        }
    }

    /// What is known of the other side.
    #[must_use]
    pub fn remote(&self) -> Remote {
        match self {
            Self::Session(session) => *session.remote(),
            Self::Initiator(initiator) => initiator.remote(),
        }
    }

    /// The intervals in force and on offer.
    #[must_use]
    pub fn timers(&self) -> Timers {
        match self {
            Self::Session(session) => session.timers(),
            Self::Initiator(initiator) => initiator.timers(),
        }
    }

    /// The counters.
    #[must_use]
    pub const fn stats(&self) -> &'a Stats {
        match self {
            Self::Session(session) => session.stats(),
            Self::Initiator(initiator) => initiator.stats(),
        }
    }

    /// The last changes of state, oldest first.
    #[must_use]
    pub fn history(&self) -> Vec<Transition> {
        match self {
            Self::Session(session) => session.history().copied().collect(),
            Self::Initiator(initiator) => initiator.history().copied().collect(),
        }
    }

    /// The session, if it is one of RFC 5880.
    #[must_use]
    pub const fn session(&self) -> Option<&'a Session> {
        match self {
            Self::Session(session) => Some(session),
            Self::Initiator(_) => None,
        }
    }

    /// The initiator, if it is one of RFC 7880.
    #[must_use]
    pub const fn initiator(&self) -> Option<&'a Initiator> {
        match self {
            Self::Session(_) => None,
            Self::Initiator(initiator) => Some(initiator),
        }
    }
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all of them are sessions")]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) enum Machine {
    Session(Session),
    Initiator(Initiator),
}

#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Slot {
    pub(super) id: SessionId,
    pub(super) definition: Definition,
    pub(super) machine: Machine,
    pub(super) discriminator: Discriminator,
    pub(super) source_port: u16,
    /// In the queue of those that have something to send.
    pub(super) queued: bool,
    /// Says farewell until then.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    pub(super) retires: Option<Instant>,
    /// Its entries in the schedule.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    pub(super) transmit_at: Option<Instant>,
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    pub(super) expires_at: Option<Instant>,
}

impl Slot {
    pub(super) const fn member(&self) -> Member<'_> {
        match &self.machine {
            Machine::Session(session) => Member::Session(session),
            Machine::Initiator(initiator) => Member::Initiator(initiator),
        }
    }

    pub(super) const fn path(&self) -> Path {
        self.definition.path()
    }

    pub(super) const fn identity(&self) -> Identity {
        self.definition.identity()
    }

    pub(super) const fn session_config(&self) -> Option<&SessionConfig> {
        match &self.definition {
            Definition::SingleHop(_, config) | Definition::Multihop(_, config) => Some(config),
            Definition::Seamless(..) => None,
        }
    }

    pub(super) fn is_authenticated(&self) -> bool {
        self.session_config()
            .is_some_and(|config| config.auth.is_some())
    }

    pub(super) fn handle_packet(
        &mut self,
        now: Instant,
        packet: &ControlPacket<'_>,
    ) -> Result<(), Rejected> {
        match &mut self.machine {
            Machine::Session(session) => session.handle_packet(now, packet),
            Machine::Initiator(initiator) => initiator.handle_packet(now, packet),
        }
    }

    pub(super) fn handle_echo(&mut self, now: Instant, payload: &[u8]) -> Result<(), Rejected> {
        match &mut self.machine {
            Machine::Session(session) => session.handle_echo(now, payload),
            Machine::Initiator(_) => Err(Rejected::Echo),
        }
    }

    pub(super) fn handle_event(&mut self, now: Instant, event: Event) {
        match &mut self.machine {
            Machine::Session(session) => session.handle_event(now, event),
            Machine::Initiator(initiator) => initiator.handle_event(now, event),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match &mut self.machine {
            Machine::Session(session) => session.handle_timeout(now),
            Machine::Initiator(initiator) => initiator.handle_timeout(now),
        }
    }

    pub(super) fn handle_early(&mut self, now: Instant) {
        if let Machine::Session(session) = &mut self.machine {
            session.handle_early(now);
        }
    }

    pub(super) fn count_rejected(&mut self, reason: &Rejected) {
        match &mut self.machine {
            Machine::Session(session) => session.count_rejected(reason),
            Machine::Initiator(initiator) => initiator.count_rejected(reason),
        }
    }

    pub(super) fn clear_stats(&mut self) {
        match &mut self.machine {
            Machine::Session(session) => session.clear_stats(),
            Machine::Initiator(initiator) => initiator.clear_stats(),
        }
    }

    pub(super) fn poll_event(&mut self) -> Option<SessionEvent> {
        match &mut self.machine {
            Machine::Session(session) => session.poll_event(),
            Machine::Initiator(initiator) => initiator.poll_event(),
        }
    }

    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        out: &mut Buffer,
    ) -> Option<(Purpose, usize)> {
        match &mut self.machine {
            Machine::Session(session) => session
                .poll_transmit(now, out)
                .map(|length| (Purpose::Control, length))
                .or_else(|| {
                    let length = session.poll_echo(now, out)?;
                    Some((Purpose::Echo, length))
                }),
            Machine::Initiator(initiator) => {
                let length = initiator.poll_transmit(now, out)?;
                Some((Purpose::Control, length))
            }
        }
    }

    pub(super) fn wants_transmit(&self) -> bool {
        match &self.machine {
            Machine::Session(session) => session.wants_transmit(),
            Machine::Initiator(initiator) => initiator.wants_transmit(),
        }
    }

    /// When something is due: sending, and anything else.
    pub(super) fn plan(&self) -> (Option<Instant>, Option<Instant>) {
        let expires_at = earlier(self.next_expiry(), self.retires);
        (self.next_transmit(), expires_at)
    }

    fn next_transmit(&self) -> Option<Instant> {
        match &self.machine {
            Machine::Session(session) => session.next_transmit(),
            Machine::Initiator(initiator) => initiator.next_transmit(),
        }
    }

    fn next_expiry(&self) -> Option<Instant> {
        match &self.machine {
            Machine::Session(session) => session.next_expiry(),
            Machine::Initiator(initiator) => initiator.next_expiry(),
        }
    }
}
