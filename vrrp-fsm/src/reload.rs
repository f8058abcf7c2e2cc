//! From one configuration to the next, as a difference.

use alloc::vec::Vec;

use crate::config::InstanceConfig;
use crate::router::{InstanceId, InterfaceId};

/// Every virtual router there has to be.
///
/// A virtual router is the same as before if interface, family, VRID and destination (the group,
/// or unicast) are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouterConfig {
    /// The virtual routers, each with the interface it runs on.
    pub instances: Vec<(InterfaceId, InstanceConfig)>,
}

impl RouterConfig {
    /// Without any virtual router.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            instances: Vec::new(),
        }
    }

    /// Adds a virtual router.
    #[must_use]
    pub fn with_instance(mut self, interface: InterfaceId, config: InstanceConfig) -> Self {
        self.instances.push((interface, config));
        self
    }
}

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reload {
    /// The identifier of every configured virtual router, in the order of the configuration.
    pub ids: Vec<InstanceId>,
    /// New ones. They wait for their [`Event`](crate::Event)s: source address, receive path,
    /// start.
    pub added: Vec<InstanceId>,
    /// Those whose configuration changed; state and counters are kept.
    pub changed: Vec<InstanceId>,
    /// Those whose configuration is the same; nothing happened to them.
    pub kept: Vec<InstanceId>,
    /// Those that are not configured any more; they are stopped, and gone once their last action
    /// is polled.
    pub removed: Vec<InstanceId>,
}
