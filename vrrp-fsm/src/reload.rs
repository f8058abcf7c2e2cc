//! From one configuration to the next, as a difference.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::Instant;
use crate::action::Reason;
use crate::config::InstanceConfig;
use crate::config::Transport;
use crate::error::ConfigError;
use crate::group::{self, GroupConfig, GroupId};
use crate::router::{Identity, InstanceId, InterfaceId, Router};

/// Every virtual router there has to be.
///
/// A virtual router is the same as before if interface, family, VRID and destination (the group,
/// or unicast) are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RouterConfig {
    /// The virtual routers, each with the interface it runs on.
    pub instances: Vec<(InterfaceId, InstanceConfig)>,
    /// Those of them that change state together.
    pub groups: Vec<GroupConfig>,
}

impl RouterConfig {
    /// Without any virtual router.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            instances: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// Adds a virtual router.
    #[must_use]
    pub fn with_instance(mut self, interface: InterfaceId, config: InstanceConfig) -> Self {
        self.instances.push((interface, config));
        self
    }

    /// Adds a group of virtual routers, by position in [`instances`](Self::instances).
    #[must_use]
    pub fn with_group(mut self, id: GroupId, members: impl IntoIterator<Item = usize>) -> Self {
        let members = members.into_iter().collect();
        self.groups.push(GroupConfig { id, members });
        self
    }
}

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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

impl Router {
    /// Makes the virtual routers those of the configuration: a difference by identity and
    /// definition, so that what is the same in both is not touched, and the same configuration
    /// again causes no action.
    ///
    /// Those that are gone are stopped first ([`Reason::Reconfigured`]), then the others are
    /// changed in the order of the configuration, and last the groups. See [`RouterConfig`] for what makes two the
    /// same, and [`Instance::reconfigure`](crate::Instance::reconfigure) for what a change does.
    ///
    /// # Errors
    ///
    /// The first problem of the configuration. Then nothing has changed.
    pub fn reload(&mut self, now: Instant, config: RouterConfig) -> Result<Reload, ConfigError> {
        self.forget_leaving();
        let identities = check(&config)?;
        let mut wanted = identities.clone();
        wanted.sort_unstable();
        let new = wanted
            .iter()
            .filter(|identity| self.find(identity).is_none())
            .count();
        if !self.has_room_for(new) {
            return Err(ConfigError::TooManyInstances);
        }
        let mut reload = Reload::default();
        for (identity, id) in self.index().clone() {
            if wanted.binary_search(&identity).is_err() {
                self.remove(id, |instance| instance.stop(now, Reason::Reconfigured));
                reload.removed.push(id);
            }
        }
        let mut index = Vec::with_capacity(wanted.len());
        let groups = config.groups;
        for ((interface, config), identity) in config.instances.into_iter().zip(identities) {
            let id = if let Some(id) = self.find(&identity) {
                let change =
                    |instance: &mut crate::Instance| instance.reconfigure_unchecked(now, config);
                if self.work(id.place(), change) == Some(true) {
                    reload.changed.push(id);
                } else {
                    reload.kept.push(id);
                }
                id
            } else {
                // There is room: see above.
                let Some(id) = self.add(interface, config) else {
                    continue;
                };
                reload.added.push(id);
                id
            };
            index.push((identity, id));
            reload.ids.push(id);
        }
        self.set_index(index);
        self.set_groups(now, &groups, &reload.ids);
        Ok(reload)
    }
}

/// The identities of a configuration that makes sense, in its order.
fn check(config: &RouterConfig) -> Result<Vec<Identity>, ConfigError> {
    let mut wanted = Vec::with_capacity(config.instances.len());
    for (interface, config) in &config.instances {
        config.check()?;
        wanted.push(Identity::of(*interface, config));
    }
    group::check(&config.groups, wanted.len())?;
    // By identity, each with its place: those of one identity come together, in their order.
    let mut sorted: Vec<(Identity, usize)> = wanted.iter().copied().zip(0..).collect();
    sorted.sort_unstable();
    for same in sorted.chunk_by(|(one, _), (next, _)| one == next) {
        check_same(same, config)?;
        for ((_, place), ordinal) in same.iter().zip(0..=u8::MAX) {
            if let Some(identity) = wanted.get_mut(*place) {
                identity.ordinal = ordinal;
            }
        }
    }
    Ok(wanted)
}

/// Several virtual routers with one identifier are possible if their peers tell them apart (UNI-10).
fn check_same(same: &[(Identity, usize)], config: &RouterConfig) -> Result<(), ConfigError> {
    let [(identity, _), _, ..] = same else {
        return Ok(());
    };
    if same.len() > usize::from(u8::MAX) {
        return Err(identity.duplicate());
    }
    let mut seen = BTreeSet::new();
    for (identity, place) in same {
        let peers = match config
            .instances
            .get(*place)
            .map(|(_, config)| &config.transport)
        {
            Some(Transport::Unicast { peers, .. }) => peers.as_slice(),
            _ => &[],
        };
        if peers.is_empty() || peers.iter().any(|peer| !seen.insert(peer.address)) {
            return Err(identity.duplicate());
        }
    }
    Ok(())
}
