//! Copies of the whole state, for dumps, `status` and metrics.

use vrrp_fsm::{Instance, InstanceId};

use netlink_vip::{Object, OwnerId};

use super::Elections;
use super::instance::Running;
use super::present::{Present, present_addresses};
use super::statics::STATIC;
use crate::snapshot::{InstanceSnapshot, LinkSnapshot, Snapshot, TurnStats};

impl Elections {
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut unclaimed: Vec<(&'static str, u64)> = self.router.unroutable().iter().collect();
        for (name, count) in &self.malformed {
            match unclaimed.iter_mut().find(|(known, _)| known == name) {
                Some((_, total)) => *total += count,
                None => unclaimed.push((name, *count)),
            }
        }
        let present = present_addresses(&self.reconciler);
        Snapshot {
            taken_at: self.clock.wall(),
            started_at: self.started_wall,
            instances: self
                .order
                .iter()
                .filter_map(|id| self.instance_snapshot(*id, &present))
                .collect(),
            statics: self.config.statics.clone(),
            statics_missing: self.missing_of(STATIC),
            groups: self.group_snapshots(),
            bfd: self.bfd_snapshots(),
            bfd_totals: self.bfd_totals(),
            links: self
                .reconciler
                .links()
                .map(|link| LinkSnapshot {
                    index: link.index,
                    name: link.name.to_string(),
                    state: self.state_of_link(link.name, link.up()),
                    mtu: link.mtu,
                    mac: link.mac,
                })
                .collect(),
            trackers: self.tracker_snapshots(),
            firewall: self.filter.snapshot(),
            unclaimed_packets: unclaimed,
            turns: TurnStats {
                worst_lateness: self.thread.worst_lateness,
                ..self.turns
            },
        }
    }

    fn missing_of(&self, owner: OwnerId) -> Vec<Object> {
        let missing = self.reconciler.missing(owner).into_iter();
        missing.map(|missing| missing.object).collect()
    }

    fn instance_snapshot(&self, id: InstanceId, present: &Present<'_>) -> Option<InstanceSnapshot> {
        let running: &Running = self.instances.get(&id)?;
        let instance: &Instance = self.router.instance(id)?;
        let setup = running.setup.clone();
        let link = self.reconciler.link(setup.interface.as_str());
        Some(InstanceSnapshot {
            state: instance.state(),
            group: self.group_name(id),
            faults: self.faults_of(id),
            fault_details: running
                .faults
                .iter()
                .map(|(_, detail)| detail)
                .filter(|detail| !detail.is_empty())
                .cloned()
                .collect(),
            effective_priority: instance.effective_priority(),
            primary_address: instance.primary_address(),
            active_router: instance.active_router(),
            active_interval: instance.active_interval(),
            skew_time: instance.skew_time(),
            down_interval: instance.down_interval(),
            last_transition: running.last_transition,
            addresses_installed: self.reconciler.is_installed(running.owner),
            installed: setup
                .addresses
                .iter()
                .filter(|vip| present.holds(vip))
                .cloned()
                .collect(),
            missing: self.missing_of(running.owner),
            repairs: running.repairs.clone(),
            stats: instance.stats().clone(),
            interface_index: link.map(|link| link.index),
            setup,
        })
    }
}
