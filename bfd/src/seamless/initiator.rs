//! The side that asks, RFC 7880 7.3.
//!
//! ```text
//!                   +--+
//!      ADMIN DOWN,  |  |
//!            TIMER  |  V
//!                 +------+   UP                +------+
//!                 |      |-------------------->|      |----+
//!                 | DOWN |                     |  UP  |    | UP
//!                 |      |<--------------------|      |<---+
//!                 +------+   ADMIN DOWN,       +------+
//!                            TIMER
//! ```

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::Instant;
use crate::auth::{AuthConfig, Sequence, signature, verify};
use crate::error::{ConfigError, Rejected};
use crate::event::{Event, Reason, SessionEvent, Transition};
use crate::packet::{Buffer, Control, ControlPacket};
use crate::rng::Rng;
use crate::session::{Remote, Timers};
use crate::stats::{History, Stats, count};
use crate::timing::{Pace, after, detection_time, earlier};
use crate::types::{DetectMult, Diagnostic, Discriminator, Micros, State};

/// The configuration of an initiator.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InitiatorConfig {
    /// The S-BFD discriminator of the reflector.
    pub remote: Discriminator,
    /// How many answers in a row have to be missing.
    pub detect_mult: DetectMult,
    /// How often to ask when up, if the reflector can take it; once a second otherwise. Not 0.
    pub desired_min_tx: Micros,
    /// How packets are authenticated; `None` for not at all.
    pub auth: Option<AuthConfig>,
}

impl InitiatorConfig {
    /// Without authentication.
    #[must_use]
    pub const fn new(
        remote: Discriminator,
        desired_min_tx: Micros,
        detect_mult: DetectMult,
    ) -> Self {
        Self {
            remote,
            detect_mult,
            desired_min_tx,
            auth: None,
        }
    }

    /// Authentication.
    #[must_use]
    pub fn with_auth(mut self, auth: Option<AuthConfig>) -> Self {
        self.auth = auth;
        self
    }
}

/// An S-BFD initiator: finds out whether a reflector can be reached. It has the verbs of a
/// [`Session`](crate::Session).
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Initiator {
    config: InitiatorConfig,
    local: Discriminator,
    state: State,
    diagnostic: Diagnostic,
    /// How often the reflector can be asked; not known at first.
    remote_min_rx: Micros,
    /// The state in the last answer.
    remote_state: State,
    /// When the last answer came.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    heard: Option<Instant>,
    sequence: Sequence,
    pace: Pace,
    ready: bool,
    no_key: bool,
    rng: Rng,
    events: VecDeque<SessionEvent>,
    history: History,
    stats: Stats,
}

impl Initiator {
    #[cfg(feature = "serde")]
    pub(crate) fn replace_secrets(
        &mut self,
        stand_in: &mut dyn FnMut(&crate::auth::Secret) -> crate::auth::Secret,
    ) {
        if let Some(auth) = &mut self.config.auth {
            auth.replace_secrets(stand_in);
        }
    }

    /// An initiator that is Down; its first packet is to be sent at once.
    ///
    /// # Errors
    ///
    /// [`TransmitIntervalZero`](ConfigError::TransmitIntervalZero).
    pub fn new(
        config: InitiatorConfig,
        local: Discriminator,
        seed: u64,
    ) -> Result<Self, ConfigError> {
        if config.desired_min_tx.is_zero() {
            return Err(ConfigError::TransmitIntervalZero);
        }
        let mut rng = Rng::new(seed);
        Ok(Self {
            config,
            local,
            state: State::Down,
            diagnostic: Diagnostic::NONE,
            remote_min_rx: Micros::ZERO,
            remote_state: State::Down,
            heard: None,
            sequence: Sequence::new(rng.next_u32()),
            pace: Pace::START,
            ready: true,
            no_key: false,
            rng,
            events: VecDeque::new(),
            history: History::default(),
            stats: Stats::default(),
        })
    }

    /// Takes a packet with the discriminator of this initiator.
    ///
    /// # Errors
    ///
    /// Why the packet changed nothing but counters.
    pub fn handle_packet(
        &mut self,
        now: Instant,
        packet: &ControlPacket<'_>,
    ) -> Result<(), Rejected> {
        let result = self.receive(now, packet);
        if let Err(reason) = &result {
            self.stats.rejected.add(reason);
        }
        result
    }

    /// BFD-SB-05, BFD-SB-06.
    fn receive(&mut self, now: Instant, packet: &ControlPacket<'_>) -> Result<(), Rejected> {
        let control = packet.control();
        if control.demand {
            return Err(Rejected::Demand { found: true });
        }
        match control.your_discriminator {
            Some(your) if your == self.local => {}
            Some(your) => return Err(Rejected::UnknownDiscriminator { your }),
            None => return Err(Rejected::NoSession),
        }
        if control.my_discriminator != self.config.remote {
            let found = control.my_discriminator;
            return Err(Rejected::Responder { found });
        }
        let last = self.sequence.last(now);
        let number = verify(self.config.auth.as_ref(), now, packet, last)?;
        if self.state == State::AdminDown {
            return Err(Rejected::AdminDown);
        }
        count(&mut self.stats.received);
        self.heard = Some(now);
        self.remote_min_rx = control.required_min_rx;
        self.remote_state = control.state;
        if let Some(number) = number {
            let silence = self.detection_time().saturating_mul(2);
            self.sequence.accept(number, after(now, silence));
        }
        let reason = Reason::Received(control.state);
        match (self.state, control.state) {
            (State::Down, State::Up) => self.transition(now, State::Up, Diagnostic::NONE, reason),
            (State::Up, State::AdminDown) => {
                self.transition(now, State::Down, Diagnostic::NEIGHBOR_DOWN, reason);
            }
            _ => {}
        }
        Ok(())
    }

    /// Tells of an event. Those that mean nothing here do nothing.
    pub fn handle_event(&mut self, now: Instant, event: Event) {
        match (event, self.state) {
            (Event::AdminDown, State::Down | State::Up) => {
                let diagnostic = Diagnostic::ADMIN_DOWN;
                self.transition(now, State::AdminDown, diagnostic, Reason::AdminDown);
            }
            (Event::PathDown, State::Down | State::Up) => {
                let diagnostic = Diagnostic::PATH_DOWN;
                self.transition(now, State::AdminDown, diagnostic, Reason::AdminDown);
            }
            (Event::AdminUp, State::AdminDown) => {
                self.transition(now, State::Down, Diagnostic::NONE, Reason::AdminUp);
            }
            _ => {}
        }
    }

    /// The time. Does nothing before [`next_timeout`](Self::next_timeout).
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_expiry().is_some_and(|at| at <= now) {
            let diagnostic = Diagnostic::TIME_EXPIRED;
            self.transition(now, State::Down, diagnostic, Reason::DetectionTime);
            self.remote_min_rx = Micros::ZERO;
            self.remote_state = State::Down;
        }
        if self.next_transmit().is_some_and(|at| at <= now) {
            self.ready = true;
        }
    }

    /// Writes the next packet to send, and returns its length.
    #[must_use = "a packet that is polled has to be sent"]
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Buffer) -> Option<usize> {
        if !self.ready {
            return None;
        }
        self.ready = false;
        self.pace.sent(now, &mut self.rng, self.config.detect_mult);
        let auth = self.config.auth.as_ref();
        let mut number = 0;
        if let Some(auth) = auth.filter(|auth| auth.sending_key(now).is_some()) {
            number = self.sequence.advance(auth.kind(), true);
        }
        let length = match signature(auth, now, number) {
            Ok(signature) => self.content().emit(&signature, out).ok(),
            Err(_) => None,
        };
        let missing = length.is_none();
        if core::mem::replace(&mut self.no_key, missing) != missing {
            self.events.push_back(if missing {
                SessionEvent::NoKey
            } else {
                SessionEvent::KeyAgain
            });
        }
        count(if missing {
            &mut self.stats.unsigned
        } else {
            &mut self.stats.sent
        });
        length
    }

    /// D set, nothing required, the other side's discriminator known from the start. BFD-SB-04.
    fn content(&self) -> Control {
        Control {
            diagnostic: self.diagnostic,
            state: self.state,
            poll: false,
            final_bit: false,
            control_plane_independent: false,
            demand: true,
            detect_mult: self.config.detect_mult,
            my_discriminator: self.local,
            your_discriminator: Some(self.config.remote),
            desired_min_tx: self.interval(),
            required_min_rx: Micros::ZERO,
            required_min_echo_rx: Micros::ZERO,
        }
    }

    /// The next thing to tell.
    #[must_use = "an event that is polled is gone"]
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has to be called; `None` for never.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        earlier(self.next_transmit(), self.next_expiry())
    }

    /// When the next packet is due, unless it is already. A path that must not be used is not
    /// asked for.
    pub(crate) fn next_transmit(&self) -> Option<Instant> {
        self.pace
            .next(self.interval())
            .filter(|_| !self.ready && self.state != State::AdminDown)
    }

    /// When silence has lasted too long.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        let heard = self.heard.filter(|_| self.state == State::Up)?;
        Some(after(heard, self.detection_time()))
    }

    /// BFD-SB-07.
    fn interval(&self) -> Micros {
        let wanted = self.config.desired_min_tx.max(self.remote_min_rx);
        if self.state == State::Up {
            wanted
        } else {
            wanted.max(Micros::SECOND)
        }
    }

    /// How long there may be no answer. Both directions belong to one path here, so the interval
    /// is our own.
    #[must_use]
    pub fn detection_time(&self) -> Duration {
        let interval = self.interval();
        detection_time(self.config.detect_mult, interval, interval)
    }

    fn transition(&mut self, now: Instant, to: State, diagnostic: Diagnostic, reason: Reason) {
        let transition = Transition {
            at: now,
            from: core::mem::replace(&mut self.state, to),
            to,
            diagnostic,
            reason,
        };
        self.diagnostic = diagnostic;
        self.stats.count_transition(&transition);
        self.history.add(transition);
        self.events.push_back(SessionEvent::State(transition));
        self.ready = to != State::AdminDown;
    }

    /// Takes another configuration. The state stays.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); nothing has changed then.
    pub fn reconfigure(&mut self, config: InitiatorConfig) -> Result<(), ConfigError> {
        if config.desired_min_tx.is_zero() {
            return Err(ConfigError::TransmitIntervalZero);
        }
        let kind = |config: &InitiatorConfig| config.auth.as_ref().map(AuthConfig::kind);
        if kind(&self.config) != kind(&config) {
            self.sequence.forget();
        }
        self.config = config;
        Ok(())
    }

    /// Whether there is a packet to poll.
    pub(crate) const fn wants_transmit(&self) -> bool {
        self.ready
    }

    pub(crate) fn count_rejected(&mut self, reason: &Rejected) {
        self.stats.rejected.add(reason);
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &InitiatorConfig {
        &self.config
    }

    /// The state: Down, Up or AdminDown.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Why the state changed last.
    #[must_use]
    pub const fn diagnostic(&self) -> Diagnostic {
        self.diagnostic
    }

    /// Our own discriminator.
    #[must_use]
    pub const fn local_discriminator(&self) -> Discriminator {
        self.local
    }

    /// The reflector, as far as it has answered.
    #[must_use]
    pub fn remote(&self) -> Remote {
        Remote {
            discriminator: self.heard.map(|_| self.config.remote),
            state: self.remote_state,
            required_min_rx: self.remote_min_rx,
            heard: self.heard,
            ..Remote::UNKNOWN
        }
    }

    /// The intervals in force. The detection time is that of an initiator that is up.
    #[must_use]
    pub fn timers(&self) -> Timers {
        Timers {
            transmit_interval: self.interval(),
            detection_time: self.heard.map(|_| self.detection_time()),
            desired_min_tx: self.interval(),
            required_min_rx: Micros::ZERO,
            echo_interval: None,
        }
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
}
