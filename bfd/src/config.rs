//! What an operator decides about a session.

use crate::auth::AuthConfig;
use crate::error::ConfigError;
use crate::types::{DetectMult, Micros};

/// Who speaks first, RFC 5880 6.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Role {
    /// Sends whether or not the other side was heard. Single-hop sessions have to: BFD-TX-13.
    #[default]
    Active,
    /// Sends nothing before the other side was heard. BFD-TX-06, BFD-MH-05.
    Passive,
}

/// Demand mode of one's own, RFC 5880 6.6: the other side is asked to send no periodic packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Demand {
    /// Not wanted. The other side's wish is respected all the same. BFD-DM-06.
    #[default]
    Off,
    /// Wanted. Something else has to notice failures, or ask for a
    /// [verification](crate::Event::Verify).
    On,
    /// Wanted, and the path is verified by a poll this often.
    Verify(Micros),
}

/// Whether intervals get longer when packets are lost, and shorter again when they are not.
/// RFC 5880 7 asks for that over several hops. BFD-MH-06.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum BackOff {
    /// In the multihop sessions of a [`Table`](crate::Table).
    #[default]
    OverSeveralHops,
    /// In this session.
    On,
    /// Not in this session.
    Off,
}

/// The configuration of a session. [`check`](Self::check) finds what cannot be used; whoever takes
/// a configuration does it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SessionConfig {
    /// Who speaks first.
    pub role: Role,
    /// How many of our packets in a row the other side has to miss.
    pub detect_mult: DetectMult,
    /// How often to send when up, if the other side can take it. Not 0.
    pub desired_min_tx: Micros,
    /// How often the other side may send. Not 0.
    pub required_min_rx: Micros,
    /// How often to send when not up, at least one second.
    pub idle_tx: Micros,
    /// Whether our forwarding plane sends back the other side's echo packets, and how often it
    /// can; 0 for not at all. BFD-TX-14, BFD-EC-01.
    pub required_min_echo_rx: Micros,
    /// How often to send echo packets when up, if the other side can take it; `None` for not at
    /// all.
    pub echo: Option<Micros>,
    /// Demand mode of our own.
    pub demand: Demand,
    /// Whether this BFD survives a restart of its control plane: the C bit.
    pub control_plane_independent: bool,
    /// How packets are authenticated; `None` for not at all.
    pub auth: Option<AuthConfig>,
    /// What to do when packets are lost.
    pub back_off: BackOff,
}

impl SessionConfig {
    /// An active session without authentication, echo and demand mode.
    #[must_use]
    pub const fn new(
        desired_min_tx: Micros,
        required_min_rx: Micros,
        detect_mult: DetectMult,
    ) -> Self {
        Self {
            role: Role::Active,
            detect_mult,
            desired_min_tx,
            required_min_rx,
            idle_tx: Micros::SECOND,
            required_min_echo_rx: Micros::ZERO,
            echo: None,
            demand: Demand::Off,
            control_plane_independent: false,
            auth: None,
            back_off: BackOff::OverSeveralHops,
        }
    }

    /// Speaks first or not.
    #[must_use]
    pub const fn with_role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// How often to send when not up.
    #[must_use]
    pub const fn with_idle_tx(mut self, interval: Micros) -> Self {
        self.idle_tx = interval;
        self
    }

    /// How often the forwarding plane can send back echo packets.
    #[must_use]
    pub const fn with_required_min_echo_rx(mut self, interval: Micros) -> Self {
        self.required_min_echo_rx = interval;
        self
    }

    /// Sends echo packets this often.
    #[must_use]
    pub const fn with_echo(mut self, interval: Option<Micros>) -> Self {
        self.echo = interval;
        self
    }

    /// Demand mode of our own.
    #[must_use]
    pub const fn with_demand(mut self, demand: Demand) -> Self {
        self.demand = demand;
        self
    }

    /// The C bit.
    #[must_use]
    pub const fn with_control_plane_independent(mut self, independent: bool) -> Self {
        self.control_plane_independent = independent;
        self
    }

    /// Authentication.
    #[must_use]
    pub fn with_auth(mut self, auth: Option<AuthConfig>) -> Self {
        self.auth = auth;
        self
    }

    /// What to do when packets are lost.
    #[must_use]
    pub const fn with_back_off(mut self, back_off: BackOff) -> Self {
        self.back_off = back_off;
        self
    }

    /// Whether it can be used.
    ///
    /// # Errors
    ///
    /// The first rule broken.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.desired_min_tx.is_zero() {
            return Err(ConfigError::TransmitIntervalZero);
        }
        if self.required_min_rx.is_zero() {
            return Err(ConfigError::ReceiveIntervalZero);
        }
        if self.idle_tx < Micros::SECOND {
            return Err(ConfigError::IdleIntervalTooShort);
        }
        if self.echo.is_some_and(Micros::is_zero) {
            return Err(ConfigError::EchoIntervalZero);
        }
        if self.demand == Demand::Verify(Micros::ZERO) {
            return Err(ConfigError::VerifyIntervalZero);
        }
        Ok(())
    }
}
