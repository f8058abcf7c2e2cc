//! The side that answers, RFC 7880 7.2.

use alloc::vec::Vec;

use crate::Instant;
use crate::auth::{AuthConfig, AuthKind, signature, verify};
use crate::error::{AuthError, ConfigError, Rejected};
use crate::packet::{Buffer, Control, ControlPacket};
use crate::rng::Rng;
use crate::stats::{Rejections, count};
use crate::types::{Diagnostic, Discriminator, Micros, State};

/// What a reflector answers to, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReflectorConfig {
    /// The S-BFD discriminators of this system, which everybody is to know.
    pub discriminators: Vec<Discriminator>,
    /// How often each initiator may ask. Not 0.
    pub required_min_rx: Micros,
    /// Answers with AdminDown instead of Up: the system works, and does not want to be used.
    pub admin_down: bool,
    /// How packets are authenticated; `None` for not at all. Since a reflector remembers nothing,
    /// it cannot judge sequence numbers.
    pub auth: Option<AuthConfig>,
}

impl ReflectorConfig {
    /// A reflector for these discriminators.
    #[must_use]
    pub const fn new(discriminators: Vec<Discriminator>, required_min_rx: Micros) -> Self {
        Self {
            discriminators,
            required_min_rx,
            admin_down: false,
            auth: None,
        }
    }

    /// Answers with AdminDown.
    #[must_use]
    pub const fn with_admin_down(mut self, admin_down: bool) -> Self {
        self.admin_down = admin_down;
        self
    }

    /// Authentication.
    #[must_use]
    pub fn with_auth(mut self, auth: Option<AuthConfig>) -> Self {
        self.auth = auth;
        self
    }
}

/// An S-BFD reflector. The answer goes from UDP port [`SEAMLESS_PORT`](crate::SEAMLESS_PORT) and
/// the address that was asked to the address and port that asked, with a TTL of 255.
#[derive(Clone, Debug)]
pub struct Reflector {
    config: ReflectorConfig,
    sequence: u32,
    reflected: u64,
    rejected: Rejections,
}

impl Reflector {
    /// A reflector; `seed` is for the first sequence number.
    ///
    /// # Errors
    ///
    /// [`ReceiveIntervalZero`](ConfigError::ReceiveIntervalZero).
    pub fn new(config: ReflectorConfig, seed: u64) -> Result<Self, ConfigError> {
        if config.required_min_rx.is_zero() {
            return Err(ConfigError::ReceiveIntervalZero);
        }
        Ok(Self {
            config,
            sequence: Rng::new(seed).next_u32(),
            reflected: 0,
            rejected: Rejections::default(),
        })
    }

    /// Writes the answer to the payload of a UDP datagram that came to port 7784, and returns its
    /// length.
    ///
    /// RFC 7880 7.2, RFC 7881 3.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    pub fn reflect(
        &mut self,
        now: Instant,
        payload: &[u8],
        out: &mut Buffer,
    ) -> Result<usize, Rejected> {
        let result = self.answer(now, payload, out);
        match &result {
            Ok(_) => count(&mut self.reflected),
            Err(reason) => self.rejected.add(reason),
        }
        result
    }

    /// BFD-SB-01, BFD-SB-02, BFD-SB-03, BFD-SB-08.
    fn answer(
        &mut self,
        now: Instant,
        payload: &[u8],
        out: &mut Buffer,
    ) -> Result<usize, Rejected> {
        let packet = ControlPacket::parse(payload)?;
        let asked = packet.control();
        if !asked.demand {
            // Another reflector's answer: two of them would go on for ever.
            return Err(Rejected::Demand { found: false });
        }
        let local = asked.your_discriminator.ok_or(Rejected::NoSession)?;
        if !self.config.discriminators.contains(&local) {
            return Err(Rejected::UnknownDiscriminator { your: local });
        }
        let auth = self.config.auth.as_ref();
        verify(auth, now, &packet, None)?;
        if auth.is_some_and(|auth| auth.kind() != AuthKind::Simple) {
            self.sequence = self.sequence.wrapping_add(1);
        }
        let signature = signature(auth, now, self.sequence).map_err(|_| AuthError::Missing)?;
        let answer = Control {
            diagnostic: Diagnostic::NONE,
            state: if self.config.admin_down {
                State::AdminDown
            } else {
                State::Up
            },
            poll: false,
            final_bit: asked.poll,
            control_plane_independent: false,
            demand: false,
            detect_mult: asked.detect_mult,
            my_discriminator: local,
            your_discriminator: Some(asked.my_discriminator),
            desired_min_tx: asked.desired_min_tx,
            required_min_rx: self.config.required_min_rx,
            required_min_echo_rx: Micros::ZERO,
        };
        answer
            .emit(&signature, out)
            .map_err(|_| Rejected::NoSession)
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &ReflectorConfig {
        &self.config
    }

    /// Packets answered.
    #[must_use]
    pub const fn reflected(&self) -> u64 {
        self.reflected
    }

    /// Sets all counters to 0.
    pub fn clear_stats(&mut self) {
        self.reflected = 0;
        self.rejected = Rejections::default();
    }

    /// Packets not answered, by reason.
    #[must_use]
    pub const fn rejected(&self) -> &Rejections {
        &self.rejected
    }
}
