//! Taking a configuration: at start and at every reload, the same way.

use std::collections::HashMap;
use std::sync::Arc;

use netlink_vip::{Burst, Desired, OwnerId};
use sans_io_time::Instant;
use vrrp_fsm::{Event, RouterConfig, State};

use super::instance::Running;
use super::{Elections, StartError};
use crate::config::Config;
use crate::report::Report;

impl Elections {
    /// Run `config` from now on. Instances that are the same in both are left alone; on error
    /// everything is.
    pub(super) fn apply(&mut self, now: Instant, config: Config) -> Result<(), StartError> {
        self.check_bfd(&config)?;
        let first = self.config.instances.is_empty() && !self.known;
        let router_config = RouterConfig {
            instances: config
                .instances
                .iter()
                .map(|setup| (self.interfaces.intern(&setup.interface), setup.fsm.clone()))
                .collect(),
            groups: self.groups.configs(&config),
        };
        let outcome = self.router.reload(now, router_config)?;
        let names = |ids: &[vrrp_fsm::InstanceId], instances: &HashMap<_, Running>| {
            ids.iter()
                .filter_map(|id| instances.get(id))
                .map(|r| r.setup.name.clone())
                .collect()
        };
        let removed: Vec<Arc<str>> = names(&outcome.removed, &self.instances);
        self.leaving.extend(&outcome.removed);

        let mut changed = Vec::new();
        let mut announcing_otherwise = Vec::new();
        let mut added = Vec::new();
        for (id, setup) in outcome.ids.iter().zip(&config.instances) {
            let interface = self.interfaces.intern(&setup.interface);
            let known = self
                .instances
                .get_mut(id)
                .filter(|_| !outcome.added.contains(id));
            if let Some(running) = known {
                if running.setup != *setup {
                    changed.push(setup.name.clone());
                    let addresses = running.setup.addresses != setup.addresses;
                    let others =
                        running.setup.routes != setup.routes || running.setup.rules != setup.rules;
                    if running.setup.announce != setup.announce
                        || running.setup.extra_announce != setup.extra_announce
                    {
                        announcing_otherwise.push(*id);
                    }
                    running.replace(setup.clone());
                    if addresses {
                        self.addresses_changed(now, *id);
                    } else if others && self.state_of(*id) == State::Active {
                        self.install(now, *id);
                    }
                } else {
                    // Equal to what it has, and the other copy can go.
                    running.setup = setup.clone();
                }
            } else {
                added.push(setup.name.clone());
                let owner = OwnerId(self.next_owner);
                self.next_owner += 1;
                self.owners.insert(owner, *id);
                let running = Running::new(setup.clone(), interface, owner);
                self.instances.insert(*id, running);
                let group = self.router.group_of(*id);
                if group.is_some_and(|group| self.groups.knows(group)) {
                    self.to_start.insert(*id);
                } else {
                    self.router.handle_event(now, *id, Event::Start);
                }
            }
        }
        self.order = outcome.ids;
        self.apply_statics(now, &config);
        if config.netlink_command_buffer != self.config.netlink_command_buffer {
            self.command.set_buffer(config.netlink_command_buffer);
        }
        if config.netlink_monitor_buffer != self.config.netlink_monitor_buffer {
            self.monitor.set_buffer(config.netlink_monitor_buffer);
        }
        self.groups.replace(&config);
        self.signed = config
            .instances
            .iter()
            .any(|setup| setup.fsm.hmac.is_some());
        self.config = config;
        self.settle_secondaries();
        self.apply_devices(now);
        for id in announcing_otherwise {
            self.announce_otherwise(now, id);
        }
        self.apply_linkbeat();
        self.contests.clear();
        self.index_interfaces();
        self.index_trackers();
        self.apply_bfd(now, first)?;
        self.recording.renamed = true;
        self.conflicts.stale = true;
        self.mark_all_dirty();
        if !first {
            let kept = self.order.len() - added.len() - changed.len();
            self.reports.push(Report::Reloaded {
                added,
                changed,
                removed,
                kept,
            });
        }
        Ok(())
    }

    /// What devices there are to be, and by which of them adverts leave.
    fn apply_devices(&mut self, now: Instant) {
        let mut links = Vec::new();
        for id in self.order.clone() {
            let Some(running) = self.instances.get_mut(&id) else {
                continue;
            };
            let setup = running.setup.clone();
            links.extend(setup.links().cloned());
            let outward = setup.vmac.as_ref().and_then(crate::Vmac::sends);
            let outward = outward.unwrap_or(setup.interface);
            running.outward = self.interfaces.intern(&outward);
            if setup.extra_announce.is_some() && running.extra_owner.is_none() {
                running.extra_owner = Some(OwnerId(self.next_owner));
                self.next_owner += 1;
            }
            let own = setup
                .vmac
                .as_ref()
                .and_then(|vmac| vmac.own_address.clone());
            if own.is_none() && running.device_owner.is_none() {
                continue;
            }
            let owner = *running.device_owner.get_or_insert_with(|| {
                let owner = OwnerId(self.next_owner);
                self.next_owner += 1;
                owner
            });
            let desired = Desired::addresses(own.into_iter().collect());
            self.reconciler.set(now, owner, desired);
        }
        self.devices.set(links);
        self.readiness
            .set(&self.config.link_delays, &self.reconciler);
        self.filter.stale = true;
    }

    /// The state machine knows only the advertised addresses; this also sees the others, and
    /// changes of prefix, device or label.
    fn addresses_changed(&mut self, now: Instant, id: vrrp_fsm::InstanceId) {
        let active = self
            .router
            .instance(id)
            .is_some_and(|i| i.state() == State::Active);
        if !active {
            return;
        }
        if let Some(running) = self.instances.get_mut(&id) {
            running.announce = Some(Burst::Promotion);
        }
        self.install(now, id);
        self.start_announcing(now, id);
    }

    /// The settings of announcements changed: what is repeated for as long as it is Active follows
    /// them, and nothing is announced because of it. KA-M-01, KA-O-06.
    fn announce_otherwise(&mut self, now: Instant, id: vrrp_fsm::InstanceId) {
        if self.state_of(id) != State::Active {
            return;
        }
        // An announcement that still waits will begin with the new settings.
        let Some(running) = self.instances.get(&id).filter(|r| r.announce.is_none()) else {
            return;
        };
        self.announcer
            .set_policy(now, running.owner, &running.setup.announce);
        self.announce_elsewhere(now, id);
    }

    /// Which instances care about which interface: the one they run on and those they track.
    fn index_interfaces(&mut self) {
        // Interfaces nobody uses any more keep an empty entry, so that their sockets are closed.
        self.by_interface.values_mut().for_each(Vec::clear);
        for id in &self.order {
            let Some(running) = self.instances.get(id) else {
                continue;
            };
            let setup = running.setup.clone();
            let tracked = setup.track_interfaces.iter().map(|tracked| &tracked.name);
            let devices = &setup.track_devices;
            let links = setup.links().map(|link| &link.name);
            let names = [&setup.interface].into_iter().chain(tracked).chain(devices);
            for name in names.chain(links) {
                let interface = self.interfaces.intern(name);
                let interested = self.by_interface.entry(interface).or_default();
                if !interested.contains(id) {
                    interested.push(*id);
                }
            }
        }
    }
}
