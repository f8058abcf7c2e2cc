//! One virtual router.

use core::net::IpAddr;
use core::time::Duration;

use vrrp_proto::{AdvertInterval, AdvertRepr, IpMeta, Priority};

use crate::Instant;
use crate::action::{Action, Reason, State, Transmit};
use crate::config::InstanceConfig;
use crate::error::{ConfigError, Rejected};
use crate::event::{Event, Faults};
use crate::stats::{NewActiveReason, Stats};

/// Who is Active, as far as this router knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveRouter {
    /// Source address of its adverts.
    pub address: IpAddr,
    /// Its priority.
    pub priority: Priority,
    /// Its interval.
    pub interval: AdvertInterval,
}

/// One virtual router.
#[derive(Clone, Debug)]
pub struct Instance {
    config: InstanceConfig,
    stats: Stats,
}

impl Instance {
    /// Todo.
    ///
    /// # Errors
    ///
    /// What [`InstanceConfig::check`] finds.
    pub fn new(config: InstanceConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            config,
            stats: Stats::default(),
        })
    }
    /// Todo.
    ///
    /// # Errors
    ///
    /// Todo.
    pub fn handle_packet(
        &mut self,
        now: Instant,
        ip: &IpMeta,
        message: &[u8],
    ) -> Result<(), Rejected> {
        let _ = (now, ip, message);
        Err(Rejected::NotRunning)
    }
    /// Todo.
    pub fn handle_event(&mut self, now: Instant, event: Event) {
        let _ = (now, event);
    }
    /// Todo.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }
    /// Todo.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<Action> {
        None
    }
    /// Todo.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        None
    }
    /// Todo.
    ///
    /// # Errors
    ///
    /// Todo.
    pub fn reconfigure(&mut self, now: Instant, config: InstanceConfig) -> Result<(), ConfigError> {
        config.check()?;
        let _ = now;
        self.config = config;
        Ok(())
    }
    /// Todo.
    #[must_use]
    pub fn advert(&self, transmit: Transmit) -> AdvertRepr<'_> {
        let _ = transmit;
        todo!()
    }
    /// Todo.
    #[must_use]
    pub fn advert_version(&self) -> u32 {
        0
    }
    /// Todo.
    #[must_use]
    pub const fn config(&self) -> &InstanceConfig {
        &self.config
    }
    /// Todo.
    #[must_use]
    pub const fn state(&self) -> State {
        State::Initialize
    }
    /// Todo.
    #[must_use]
    pub const fn faults(&self) -> Faults {
        Faults::NONE
    }
    /// Todo.
    #[must_use]
    pub const fn effective_priority(&self) -> Priority {
        self.config.role.priority()
    }
    /// Todo.
    #[must_use]
    pub const fn primary_address(&self) -> Option<IpAddr> {
        None
    }
    /// Todo.
    #[must_use]
    pub fn active_router(&self) -> Option<ActiveRouter> {
        None
    }
    /// Todo.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }
    /// Todo.
    pub fn clear_stats(&mut self) {
        self.stats = Stats::default();
    }
    /// Todo.
    #[must_use]
    pub const fn last_transition(&self) -> Option<(Instant, Reason)> {
        None
    }
    /// Todo.
    #[must_use]
    pub const fn new_active_reason(&self) -> NewActiveReason {
        NewActiveReason::NotActive
    }
    /// Todo.
    #[must_use]
    pub fn down_interval(&self) -> Duration {
        Duration::ZERO
    }
    /// Todo.
    #[must_use]
    pub fn skew_time(&self) -> Duration {
        Duration::ZERO
    }
    /// Todo.
    #[must_use]
    pub const fn active_interval(&self) -> AdvertInterval {
        self.config.interval
    }
}
