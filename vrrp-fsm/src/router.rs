//! Many virtual routers.

use vrrp_proto::IpMeta;

use crate::Instant;
use crate::action::Action;
use crate::error::{ConfigError, Rejected};
use crate::event::Event;
use crate::instance::Instance;
use crate::reload::{Reload, RouterConfig};
use crate::stats::Rejections;

/// An interface, by a number that the caller chooses. It should stay the same when the interface
/// is deleted and comes back, so better not the kernel's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceId(pub u32);

/// A virtual router of a [`Router`]. Never used again for another one while it can be mixed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(u32);

impl InstanceId {
    /// The number, unique among the virtual routers that exist.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A received packet.
#[derive(Clone, Copy, Debug)]
pub struct Rx<'a> {
    /// The interface it came in by.
    pub interface: InterfaceId,
    /// Its IP header.
    pub ip: IpMeta,
    /// The VRRP message.
    pub message: &'a [u8],
}

/// Many virtual routers.
#[derive(Debug, Default)]
pub struct Router {
    counters: Rejections,
}

impl Router {
    /// Without any virtual router.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Todo.
    ///
    /// # Errors
    ///
    /// Todo.
    pub fn reload(&mut self, now: Instant, config: RouterConfig) -> Result<Reload, ConfigError> {
        let _ = (now, config);
        Err(ConfigError::TooManyInstances)
    }
    /// Todo.
    ///
    /// # Errors
    ///
    /// Todo.
    pub fn handle_packet(&mut self, now: Instant, rx: Rx<'_>) -> Result<InstanceId, Rejected> {
        let _ = (now, rx);
        Err(Rejected::NotRunning)
    }
    /// Todo.
    pub fn handle_event(&mut self, now: Instant, id: InstanceId, event: Event) {
        let _ = (now, id, event);
    }
    /// Todo.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }
    /// Todo.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<(InstanceId, Action)> {
        None
    }
    /// Todo.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        None
    }
    /// Todo.
    #[must_use]
    pub fn instance(&self, id: InstanceId) -> Option<&Instance> {
        let _ = id;
        None
    }
    /// The virtual routers that are configured.
    pub fn instances(&self) -> impl Iterator<Item = (InstanceId, InterfaceId, &Instance)> {
        core::iter::empty()
    }
    /// Todo.
    pub fn clear_stats(&mut self) {}
    /// Packets that belonged to no virtual router, by reason.
    #[must_use]
    pub const fn unroutable(&self) -> &Rejections {
        &self.counters
    }
}
