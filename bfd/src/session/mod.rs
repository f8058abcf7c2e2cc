//! One session: RFC 5880 6.8.

mod demand;
mod echo;
mod events;
mod machine;
mod negotiate;
mod receive;
mod transmit;

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::Instant;
use crate::auth::Sequence;
use crate::config::{BackOff, SessionConfig};
use crate::error::ConfigError;
use crate::event::{Reason, SessionEvent, Transition};
use crate::rng::Rng;
use crate::stats::{History, Stats};
use crate::timing::{detection_time, earlier};
use crate::types::{DetectMult, Diagnostic, Discriminator, Micros, State};

use demand::DemandMode;
use echo::Echo;
pub(crate) use echo::peek as peek_echo;
use negotiate::Negotiation;
use transmit::Outbox;

/// What is known of the other side, RFC 5880 6.8.1. It survives the session's going down for one
/// detection time: BFD-VAR-10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Remote {
    /// RemoteDiscr; `None` before the first packet and after a detection time of silence.
    /// BFD-VAR-03.
    pub discriminator: Option<Discriminator>,
    /// RemoteSessionState. BFD-VAR-01.
    pub state: State,
    /// Why the other side changed its state last.
    pub diagnostic: Diagnostic,
    /// RemoteDemandMode. BFD-VAR-07.
    pub demand: bool,
    /// RemoteMinRxInterval: how often the other side can receive; 0 for no periodic packets.
    /// BFD-VAR-06.
    pub required_min_rx: Micros,
    /// How often the other side can send back echo packets; 0 for not at all.
    pub required_min_echo_rx: Micros,
    /// How often the other side would like to send.
    pub desired_min_tx: Micros,
    /// How many of its packets in a row have to be missing.
    pub detect_mult: Option<DetectMult>,
    /// When its last packet was accepted.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    pub heard: Option<Instant>,
}

impl Remote {
    pub(crate) const UNKNOWN: Self = Self {
        discriminator: None,
        state: State::Down,
        diagnostic: Diagnostic::NONE,
        demand: false,
        required_min_rx: Micros::new(1),
        required_min_echo_rx: Micros::ZERO,
        desired_min_tx: Micros::ZERO,
        detect_mult: None,
        heard: None,
    };
}

/// The intervals in force, and those on offer while a poll sequence is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timers {
    /// How often we send, before jitter. Nothing is sent at this interval while the other side
    /// does not want it.
    pub transmit_interval: Micros,
    /// How long nothing may be heard; `None` before the first packet.
    pub detection_time: Option<Duration>,
    /// DesiredMinTxInterval on the wire.
    pub desired_min_tx: Micros,
    /// RequiredMinRxInterval on the wire.
    pub required_min_rx: Micros,
    /// How often echo packets are sent; `None` if they are not.
    pub echo_interval: Option<Micros>,
}

/// A BFD session with one other system.
///
/// The four kinds of method are explained at the [crate](crate). Single hop or multihop, address
/// and TTL are the business of whoever has the sockets; [`Table`](crate::Table) takes care of
/// them for many sessions.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Session {
    config: SessionConfig,
    local: Discriminator,
    state: State,
    diagnostic: Diagnostic,
    remote: Remote,
    negotiation: Negotiation,
    demand: DemandMode,
    sequence: Sequence,
    outbox: Outbox,
    echo: Echo,
    rng: Rng,
    events: VecDeque<SessionEvent>,
    history: History,
    stats: Stats,
    /// Intervals that were told last.
    told: Option<(Micros, Option<Duration>)>,
    /// Things told only once.
    told_poll_and_final: bool,
    told_interval_zero: bool,
}

impl Session {
    /// A session that is Down. If it is active, its first packet is to be sent at once.
    ///
    /// `local` has to be unique among the sessions of this system, and should be random; `seed`
    /// is for jitter, sequence numbers and echo packets and should be different for each session.
    ///
    /// BFD-VAR-01, BFD-VAR-02, BFD-VAR-04, BFD-VAR-08, BFD-VAR-09.
    ///
    /// # Errors
    ///
    /// See [`SessionConfig::check`].
    pub fn new(
        config: SessionConfig,
        local: Discriminator,
        seed: u64,
        now: Instant,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let mut rng = Rng::new(seed);
        let mut session = Self {
            negotiation: Negotiation::new(&config),
            config,
            local,
            state: State::Down,
            diagnostic: Diagnostic::NONE,
            remote: Remote::UNKNOWN,
            demand: DemandMode::default(),
            sequence: Sequence::new(rng.next_u32()),
            outbox: Outbox::new(),
            echo: Echo::new(rng.next_u64()),
            rng,
            events: VecDeque::new(),
            history: History::default(),
            stats: Stats::default(),
            told: None,
            told_poll_and_final: false,
            told_interval_zero: false,
        };
        session.settle(now);
        Ok(session)
    }

    /// The time. Does nothing before [`next_timeout`](Self::next_timeout).
    ///
    /// Hand over the packets that are there first: a process that was stopped for a while has to
    /// hear what is in its sockets before it declares anybody dead.
    pub fn handle_timeout(&mut self, now: Instant) {
        let due = |deadline: Option<Instant>| deadline.is_some_and(|at| at <= now);
        if !due(self.next_timeout()) {
            return;
        }
        if due(self.detection_deadline()) {
            self.handle_silence(now);
        }
        if due(self.echo_deadline()) {
            self.fail_echo(now);
        }
        self.negotiation.handle_timeout(now);
        if due(self.demand.verify_at) {
            self.demand.verify_at = None;
            self.verify();
        }
        self.settle(now);
    }

    #[cfg(feature = "serde")]
    pub(crate) fn replace_secrets(
        &mut self,
        stand_in: &mut dyn FnMut(&crate::auth::Secret) -> crate::auth::Secret,
    ) {
        if let Some(auth) = &mut self.config.auth {
            auth.replace_secrets(stand_in);
        }
    }

    /// The next thing the session has to tell.
    #[must_use = "an event that is polled is gone"]
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has to be called; `None` for never.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        earlier(self.next_transmit(), self.next_expiry())
    }

    /// When the next periodic packet is due, control or echo.
    pub(crate) fn next_transmit(&self) -> Option<Instant> {
        earlier(self.outbox.next, self.echo.next())
    }

    /// When something other than sending is due.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        let silence = earlier(self.detection_deadline(), self.echo_deadline());
        let rest = earlier(self.negotiation.next_timeout(), self.demand.verify_at);
        earlier(silence, rest)
    }

    /// Takes another configuration, and keeps the session as it is as far as possible: it stays
    /// up, and new intervals are negotiated by a poll sequence. BFD-TM-03.
    ///
    /// # Errors
    ///
    /// See [`SessionConfig::check`]; nothing has changed then.
    pub fn reconfigure(&mut self, now: Instant, config: SessionConfig) -> Result<(), ConfigError> {
        config.check()?;
        let kind = |config: &SessionConfig| config.auth.as_ref().map(crate::AuthConfig::kind);
        if kind(&self.config) != kind(&config) {
            self.sequence.forget();
        }
        self.config = config;
        self.settle(now);
        Ok(())
    }

    // Accessors.

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &SessionConfig {
        &self.config
    }

    /// SessionState.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// LocalDiag: why the state changed last.
    #[must_use]
    pub const fn diagnostic(&self) -> Diagnostic {
        self.diagnostic
    }

    /// LocalDiscr.
    #[must_use]
    pub const fn local_discriminator(&self) -> Discriminator {
        self.local
    }

    /// The other side.
    #[must_use]
    pub const fn remote(&self) -> &Remote {
        &self.remote
    }

    /// The intervals in force and on offer.
    #[must_use]
    pub fn timers(&self) -> Timers {
        Timers {
            transmit_interval: self.transmit_interval(),
            detection_time: self.detection_time(),
            desired_min_tx: self.negotiation.offer.desired_min_tx,
            required_min_rx: self.negotiation.offer.required_min_rx,
            echo_interval: self.echo_interval(),
        }
    }

    /// Whether a poll sequence is under way.
    #[must_use]
    pub const fn is_polling(&self) -> bool {
        self.negotiation.is_polling()
    }

    /// Whether periodic packets are sent at present. BFD-TX-06, BFD-TX-07, BFD-TX-08.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.may_send()
    }

    /// Whether demand mode is active: here, and on the other side.
    #[must_use]
    pub fn demand_active(&self) -> (bool, bool) {
        (self.negotiation.offer.demand, self.remote_demand_active())
    }

    /// The sequence number that was accepted last.
    #[must_use]
    pub fn received_sequence(&self) -> Option<u32> {
        self.sequence.received()
    }

    /// The counters.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Sets all counters to 0.
    pub fn clear_stats(&mut self) {
        self.stats = Stats::default();
    }

    /// The last [`HISTORY_LEN`](crate::HISTORY_LEN) changes of state, oldest first.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &Transition> {
        self.history.iter()
    }

    /// The last change of state.
    #[must_use]
    pub fn last_transition(&self) -> Option<&Transition> {
        self.history.last()
    }

    // Inside.

    /// Whether there is a packet to poll.
    pub(crate) fn wants_transmit(&self) -> bool {
        self.outbox.is_answering() || (self.is_due() && self.may_send()) || self.echo.is_ready()
    }

    /// Counts a packet that did not get as far as this session's own rules.
    pub(crate) fn count_rejected(&mut self, reason: &crate::Rejected) {
        self.stats.rejected.add(reason);
    }

    fn is_up(&self) -> bool {
        self.state == State::Up
    }

    /// RFC 5880 6.8.4. BFD-TM-01.
    fn detection_time(&self) -> Option<Duration> {
        let mult = self.remote.detect_mult?;
        let receiver = self.negotiation.used.required_min_rx;
        Some(detection_time(mult, receiver, self.remote.desired_min_tx))
    }

    fn tell(&mut self, event: SessionEvent) {
        self.events.push_back(event);
    }

    /// Another state. What follows from it is settled afterwards.
    fn transition(
        &mut self,
        now: Instant,
        to: State,
        diagnostic: Option<Diagnostic>,
        reason: Reason,
    ) {
        let from = core::mem::replace(&mut self.state, to);
        self.diagnostic = diagnostic.unwrap_or(self.diagnostic);
        let transition = Transition {
            at: now,
            from,
            to,
            diagnostic: self.diagnostic,
            reason,
        };
        self.stats.count_transition(&transition);
        self.history.add(transition);
        self.tell(SessionEvent::State(transition));
        let lost = matches!(reason, Reason::DetectionTime | Reason::PollUnanswered);
        if from == State::Up && lost && self.config.back_off == BackOff::On {
            self.negotiation.back_off();
        }
    }

    /// Draws the consequences of whatever has changed. Ends every input. While demand mode is
    /// active on either side, all news takes a poll: BFD-DM-04.
    fn settle(&mut self, now: Instant) {
        self.update_echo(now);
        let negotiated = self.negotiate(now);
        let content = self.content();
        let anew = self.outbox.announce(content);
        let demand = self.negotiation.offer.demand || self.remote_demand_active();
        if self.remote.discriminator.is_some() && (negotiated || (anew && demand)) {
            self.start_poll();
        }
        self.update_demand(now);
        self.reschedule(now);
        let intervals = (self.transmit_interval(), self.detection_time());
        if self.told != Some(intervals) {
            self.told = Some(intervals);
            self.tell(SessionEvent::Timers);
        }
    }
}
