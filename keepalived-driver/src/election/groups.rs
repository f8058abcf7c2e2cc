//! Groups: from the names of the configuration to the numbers of the state machine and back, and the
//! reports about them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

use vrrp_fsm::{
    Fault, Faults, GroupConfig, GroupId, GroupTransition, GroupView, Instance, InstanceId, Reason,
    State,
};

use super::Elections;
use crate::config::{Config, GroupSetup};
use crate::report::Report;
use crate::snapshot::GroupSnapshot;

/// Every group of the configuration.
#[derive(Debug, Default)]
pub(super) struct Groups {
    known: HashMap<GroupId, Known>,
    /// The number of every name there ever was, so that a group that comes back is the same one.
    numbers: HashMap<Arc<str>, GroupId>,
    /// Those of which nothing has been reported yet.
    untold: BTreeSet<GroupId>,
}

#[derive(Debug)]
struct Known {
    setup: Arc<GroupSetup>,
    last_transition: Option<(SystemTime, Reason)>,
}

impl Groups {
    /// The groups of a configuration, by number.
    pub(super) fn configs(&mut self, config: &Config) -> Vec<GroupConfig> {
        let groups = config.groups.iter();
        groups
            .map(|setup| GroupConfig {
                id: self.number(&setup.name),
                members: setup.members.clone(),
            })
            .collect()
    }

    fn number(&mut self, name: &Arc<str>) -> GroupId {
        let next = GroupId(u32::try_from(self.numbers.len()).unwrap_or(u32::MAX));
        *self.numbers.entry(Arc::clone(name)).or_insert(next)
    }

    /// All numbers with their names.
    pub(super) fn names(&self) -> Vec<(u32, String)> {
        let numbers = self.numbers.iter();
        let mut names: Vec<_> = numbers.map(|(name, id)| (id.0, name.to_string())).collect();
        names.sort_unstable();
        names
    }

    /// Whether there is such a group already.
    pub(super) fn knows(&self, id: GroupId) -> bool {
        self.known.contains_key(&id)
    }

    /// The configuration was taken.
    pub(super) fn replace(&mut self, config: &Config) {
        let mut old = std::mem::take(&mut self.known);
        for setup in &config.groups {
            let id = self.number(&setup.name);
            let last_transition = match old.remove(&id) {
                Some(known) => known.last_transition,
                None => {
                    self.untold.insert(id);
                    None
                }
            };
            let setup = Arc::clone(setup);
            self.known.insert(
                id,
                Known {
                    setup,
                    last_transition,
                },
            );
        }
        let known = &self.known;
        self.untold.retain(|id| known.contains_key(id));
    }
}

impl Elections {
    /// Why an instance is held. If the others of its group only wait, it waits too.
    pub(super) fn faults_of(&self, id: InstanceId) -> Faults {
        let faults = self.router.instance(id).map(Instance::faults);
        let faults = faults.unwrap_or_default();
        if !faults.contains(Fault::SyncGroup) {
            return faults;
        }
        let group = self
            .router
            .group_of(id)
            .and_then(|id| self.router.group(id));
        match group {
            Some(group) if group.faulted() == 0 => {
                faults.without(Fault::SyncGroup).with(Fault::Held)
            }
            _ => faults,
        }
    }

    /// The faults of all members, but for those they have because of each other.
    fn group_faults(&self, group: GroupView<'_>) -> Faults {
        if group.state() != State::Initialize {
            return Faults::NONE;
        }
        let members = group.members().filter_map(|id| self.router.instance(id));
        let faults = members.flat_map(|instance| instance.faults().iter());
        faults.filter(|fault| *fault != Fault::SyncGroup).collect()
    }

    /// First words about groups that begin at fault; for the others their transition will do. One that
    /// is only waited for has nothing to say yet: that it is at fault may be its first word still.
    pub(super) fn tell_groups(&mut self) {
        if self.groups.untold.is_empty() {
            return;
        }
        let started = |id: &InstanceId| {
            let running = self.instances.get(id);
            running.is_some_and(|running| running.first_state.is_some())
        };
        let mut first_words = Vec::new();
        for id in &self.groups.untold {
            let Some((group, known)) = self.router.group(*id).zip(self.groups.known.get(id)) else {
                continue;
            };
            if group.state() == State::Initialize && group.members().all(|id| started(&id)) {
                let faults = self.group_faults(group);
                if faults != Faults::NONE.with(Fault::Held) {
                    first_words.push((*id, Arc::clone(&known.setup.name), faults));
                }
            }
        }
        for (id, group, faults) in first_words {
            self.groups.untold.remove(&id);
            self.reports.push(Report::GroupStarted {
                group,
                state: State::Initialize,
                faults,
            });
        }
    }

    /// A group has changed its state.
    pub(super) fn group_changed(&mut self, transition: GroupTransition) {
        let GroupTransition {
            group: id,
            from,
            to,
            reason,
        } = transition;
        let at = self.clock.wall();
        let faults = self.router.group(id).map(|group| self.group_faults(group));
        let faults = faults.unwrap_or_default();
        let Some(known) = self.groups.known.get_mut(&id) else {
            return;
        };
        known.last_transition = Some((at, reason));
        let group = Arc::clone(&known.setup.name);
        let report = if self.groups.untold.remove(&id) {
            Report::GroupStarted {
                group,
                state: to,
                faults,
            }
        } else {
            Report::GroupTransition {
                group,
                from,
                to,
                faults,
                reason,
                at,
            }
        };
        self.reports.push(report);
    }

    /// The name of the group that an instance is in.
    pub(super) fn group_name(&self, id: InstanceId) -> Option<Arc<str>> {
        let group = self.router.group_of(id)?;
        let known = self.groups.known.get(&group)?;
        Some(Arc::clone(&known.setup.name))
    }

    /// Every group, in the order of the configuration.
    pub(super) fn group_snapshots(&self) -> Vec<GroupSnapshot> {
        let name = |id: InstanceId| {
            let running = self.instances.get(&id);
            running.map(|running| Arc::clone(&running.setup.name))
        };
        let groups = self.router.groups();
        groups
            .filter_map(|group| {
                let known = self.groups.known.get(&group.id())?;
                Some(GroupSnapshot {
                    setup: Arc::clone(&known.setup),
                    members: group.members().filter_map(name).collect(),
                    state: group.state(),
                    faults: self.group_faults(group),
                    faulted: group.faulted(),
                    waiting: group.waiting(),
                    last_transition: known.last_transition,
                })
            })
            .collect()
    }
}
