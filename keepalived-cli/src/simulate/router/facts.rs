//! From what is the case to what each state machine is told, as in the daemon.

use std::net::IpAddr;
use std::sync::Arc;

use keepalived_driver::InstanceSetup;
use netlink_vip::InterfaceName;
use vrrp_fsm::{Event, Fault, Faults, Instance, InstanceId, State};

use super::RouterBox;

impl RouterBox {
    /// Whether a link counts as up.
    fn is_up(&self, interface: InterfaceName) -> bool {
        match self.delayed.get(&interface) {
            Some(link) => link.counts,
            None => self.shared.is_plugged((self.node, interface)),
        }
    }

    /// The address that adverts are sent from: a configured one is taken to be there.
    pub(super) fn source_of(&self, setup: &InstanceSetup) -> Option<IpAddr> {
        let own = ((self.node, setup.interface), setup.fsm.family);
        let primary = &self.shared.topology.primary;
        setup.source.or_else(|| primary.get(&own).copied())
    }

    /// Tells every state machine what is the case.
    pub(super) fn settle(&mut self) {
        for id in self.order.clone() {
            self.settle_one(id);
        }
    }

    fn settle_one(&mut self, id: InstanceId) {
        let Some(running) = self.running.get(&id) else {
            return;
        };
        let setup = Arc::clone(&running.setup);
        let source = self.source_of(&setup);
        let (found, adjustment) = self.facts_of(id, &setup);
        let (old_source, old_adjustment) = (running.source, running.adjustment);
        let old = running.faults.clone();
        let why: Vec<&str> = found.iter().map(|(_, why)| why.as_str()).collect();
        let why: Arc<str> = why.join("; ").into();
        let faults: Vec<Fault> = found.iter().map(|(fault, _)| *fault).collect();
        if let Some(running) = self.running.get_mut(&id) {
            running.why = why;
        }
        if old_source != source {
            self.tell(id, Event::PrimaryAddress(source));
        }
        if old_adjustment != adjustment {
            self.tell(id, Event::Adjust(adjustment));
        }
        for fault in faults.iter().filter(|fault| !old.contains(fault)) {
            self.tell(id, Event::Fault(*fault));
        }
        for fault in old.iter().filter(|fault| !faults.contains(fault)) {
            self.tell(id, Event::FaultCleared(*fault));
        }
        if let Some(running) = self.running.get_mut(&id) {
            running.faults = faults;
            running.adjustment = adjustment;
            running.source = source;
        }
    }

    /// Why an instance is held, and the sum of its weights.
    fn facts_of(&self, id: InstanceId, setup: &InstanceSetup) -> (Vec<(Fault, String)>, i16) {
        let mut faults: Vec<(Fault, String)> = Vec::new();
        let mut fault = |fault: Fault, detail: String| {
            if !faults.iter().any(|(known, _)| *known == fault) {
                faults.push((fault, detail));
            }
        };
        if let Some(reason) = &setup.hold {
            fault(Fault::Configuration, reason.to_string());
        }
        if self.release_at.is_some() {
            fault(Fault::Held, "start-up delay".to_owned());
        }
        let name = setup.interface;
        if setup.track_primary && !self.is_up(name) {
            fault(Fault::LinkDown, format!("{name} is down"));
        }
        for device in setup
            .track_devices
            .iter()
            .filter(|device| !self.is_up(**device))
        {
            let detail = format!("{device}, with an address of it, is down");
            fault(Fault::Tracker, detail);
        }
        let adjustment = setup.tracked_effects(
            self.state_of(id) != State::Initialize,
            |name| self.is_up(name),
            |id| self.objects.status(id),
            fault,
        );
        (faults, adjustment)
    }

    /// What holds an instance, and whether that is only a wait.
    pub(super) fn held_by(&self, id: InstanceId) -> (Faults, bool, Arc<str>) {
        let router = self.router.as_ref();
        let faults = router
            .and_then(|router| router.instance(id))
            .map(Instance::faults)
            .unwrap_or_default();
        let group = router.and_then(|router| router.group(router.group_of(id)?));
        let group_waits = group.is_some_and(|group| group.faulted() == 0);
        let waits = !faults.is_empty()
            && faults
                .iter()
                .all(|fault| fault == Fault::Held || (fault == Fault::SyncGroup && group_waits));
        let running = self.running.get(&id);
        let why = running.map_or_else(|| "".into(), |running| Arc::clone(&running.why));
        (faults, waits, why)
    }
}
