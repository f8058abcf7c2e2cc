//! From what is the case to what each state machine is told: level-triggered.
//!
//! Whatever came in which order, an instance is held exactly for the reasons that are true now.

use std::net::IpAddr;

use keepalived_recording::News;
use netlink_vip::{Burst, InterfaceName, KernelEvent, OwnerId};
use sans_io_time::Instant;
use vrrp_fsm::{Event, Fault, InstanceId, State};

use super::Elections;
use super::recording::link_news;
use super::source::KnownSources;
use super::statics::STATIC;
use crate::config::InstanceSetup;
use crate::report::{InstanceLabel, LinkState, Report};

impl Elections {
    /// Take in the kernel's news, then bring every affected instance up to date.
    pub(super) fn settle_facts(&mut self, now: Instant) {
        self.take_news(now);
        if !self.known {
            return;
        }
        self.settle_statics();
        let mut sources = KnownSources::default();
        while let Some(interface) = self.dirty.pop_first() {
            self.settle_paths(now, interface);
            for id in self
                .by_interface
                .get(&interface)
                .cloned()
                .unwrap_or_default()
            {
                self.settle_instance(now, id, &mut sources);
            }
        }
        while let Some(id) = self.dirty_instances.pop_first() {
            self.settle_instance(now, id, &mut sources);
        }
        // Only now: what holds the members of a group depends on all of them.
        for id in std::mem::take(&mut self.first_words) {
            self.first_word(id);
        }
        self.tell_groups();
        if !self.ready_reported {
            self.ready_reported = true;
            self.reports.push(Report::Ready);
        }
    }

    /// Take in the kernel's news. What they change about instances is settled in the next turn.
    pub(super) fn take_news(&mut self, now: Instant) {
        while let Some(event) = self.reconciler.poll_event() {
            self.take_in(now, event);
        }
        // Where some address is refused, no news will say that all are there.
        for id in std::mem::take(&mut self.refusing) {
            if self.start_announcing(now, id) {
                self.refusing.insert(id);
            }
        }
    }

    /// One piece of news; an interface may go and come (KA-F-08), and addresses are told of (CLI-21).
    fn take_in(&mut self, now: Instant, event: KernelEvent) {
        match event {
            KernelEvent::Ready => {
                self.known = true;
                let leftovers = self
                    .reconciler
                    .links()
                    .flat_map(|link| self.reconciler.addresses(link.index))
                    .filter(|address| address.ours)
                    .count();
                let observed = self.reconciler.observed();
                let routes = observed.routes().filter(|route| route.ours).count();
                let rules = observed.rules().filter(|rule| rule.ours).count();
                let leftovers = leftovers + routes + rules;
                self.reconciler.adopt_or_clean(now);
                self.clean_devices();
                self.filter.stale = true;
                if leftovers > 0 {
                    self.reports
                        .push(Report::LeftoversCleaned { removed: leftovers });
                }
                self.mark_all_dirty();
            }
            KernelEvent::LinkAppeared { name, up, .. }
            | KernelEvent::LinkChanged { name, up, .. } => {
                self.devices.stale = true;
                self.filter.stale = true;
                self.linkbeat.hurry();
                let state = self.state_of_link(name, up);
                self.link_news(now, &name, state);
                self.bfd.stale(now);
            }
            KernelEvent::LinkGone { index, name } => {
                self.bfd.stale(now);
                self.frames.forget(index);
                self.announcer.forget_link(index);
                let trouble = self.devices.forget(name);
                self.trouble_of_settings(trouble);
                // A new interface of that name begins with the system's default.
                self.promoted.remove(&name);
                self.filter.stale = true;
                self.link_news(now, &name, LinkState::Gone);
            }
            KernelEvent::AddressAppeared { index, address, .. }
            | KernelEvent::AddressGone { index, address, .. } => {
                self.bfd.stale(now);
                let name = self.reconciler.link_by_index(index).map(|link| link.name);
                if self.config.report_addresses {
                    self.reports.push(Report::Address {
                        interface: name
                            .map_or_else(|| format!("number {index}"), |name| name.to_string()),
                        address,
                        present: matches!(event, KernelEvent::AddressAppeared { .. }),
                    });
                }
                if let Some(id) = name.and_then(|name| self.interfaces.find(&name)) {
                    self.dirty.insert(id);
                    let here = matches!(event, KernelEvent::AddressAppeared { .. });
                    self.recording.news(now, News::Address(id.0, address, here));
                }
                // A configured source address may be on any interface.
                self.dirty.extend(
                    self.instances
                        .values()
                        .filter(|running| running.setup.source.is_some())
                        .map(|running| running.interface),
                );
            }
            KernelEvent::Installed { owner: STATIC } => self.mark_all_dirty(),
            KernelEvent::Installed { owner } => {
                let Some(id) = self.owners.get(&owner).copied() else {
                    return;
                };
                if let Some(running) = self.instances.get_mut(&id) {
                    running.refused.clear();
                }
                // Without a promotion behind it, the addresses went and came with their link.
                if self.state_of(id) == State::Active
                    && let Some(running) = self.instances.get_mut(&id)
                {
                    running.announce.get_or_insert(Burst::Reassert);
                }
                self.start_announcing(now, id);
            }
            KernelEvent::Foreign { owner, object, .. } => {
                let instance = self.label_of(owner);
                self.reports.push(Report::Foreign { instance, object });
            }
            KernelEvent::Repaired {
                owner,
                object,
                times,
            } => {
                let instance = self.label_of(owner);
                let is_address = object.address().is_some();
                let id = self.owners.get(&owner).copied();
                if let Some(id) = id
                    && self.contests.lost_again(now, id, &object, self.heard(id))
                {
                    self.hand_over(now, id);
                }
                if let Some(running) = id.and_then(|id| self.instances.get_mut(&id)) {
                    running.note_repair(&object);
                }
                self.reports.push(Report::Repaired {
                    instance,
                    object,
                    times,
                });
                let Some(id) = id.filter(|_| is_address) else {
                    return;
                };
                // While it was gone, neighbours may have learned otherwise.
                if let Some(running) = self.instances.get_mut(&id) {
                    running.announce.get_or_insert(Burst::Reassert);
                }
                self.start_announcing(now, id);
            }
            KernelEvent::Failed {
                owner,
                object,
                errno,
                message,
            } => {
                if let Some(id) = self.owners.get(&owner).copied() {
                    if let Some(running) = self.instances.get_mut(&id) {
                        running.refused.push(object.clone());
                    }
                    self.refusing.insert(id);
                }
                let instance = self.label_of(owner);
                let error = std::io::Error::from_raw_os_error(errno);
                let error = match message {
                    Some(message) => format!("{error}: {message}"),
                    None => error.to_string(),
                };
                self.reports.push(Report::Refused {
                    instance,
                    object,
                    error,
                });
            }
            // One that the kernel never took is no reason to let go of the others: no other router
            // may be able to hold it either. One that somebody keeps taking away is.
            KernelEvent::GaveUp { owner, object } => {
                let id = self.owners.get(&owner).copied();
                let refused = id.and_then(|id| self.instances.get(&id));
                let refused = refused.is_some_and(|running| running.refused.contains(&object));
                if refused {
                    return;
                }
                if let Some(id) = id {
                    let lost = self.state_of(id) == State::Active
                        && self.contests.lost(now, id, &object, self.heard(id));
                    if !lost {
                        return;
                    }
                    self.hand_over(now, id);
                }
                let instance = self.label_of(owner);
                self.reports.push(Report::GaveUp { instance, object });
            }
            // Resynced: nothing to do; Removed: the shutdown asks the reconciler.
            _ => {}
        }
    }

    pub(super) fn link_news(&mut self, now: Instant, name: &InterfaceName, state: LinkState) {
        self.settle_secondaries();
        let Some(id) = self.interfaces.find(name) else {
            return;
        };
        self.dirty.insert(id);
        self.readiness.note(now, *name, state);
        let before = self.link_states.insert(id, state);
        if before != Some(state) {
            self.recording.news(now, link_news(id.0, state));
        }
        let ours = self.devices.is_ours(*name);
        if self.known && before != Some(state) && !ours {
            self.reports.push(Report::Link {
                name: name.to_string(),
                state,
            });
        }
    }

    /// Tell one state machine what is the case.
    fn settle_instance(&mut self, now: Instant, id: InstanceId, sources: &mut KnownSources) {
        let Some(running) = self.instances.get(&id) else {
            return;
        };
        let setup = running.setup.clone();
        if running.first_state.is_none() && self.is_being_prepared(&setup) {
            return;
        }
        let source = self.source_of(&setup, sources);
        let interface = running.interface;
        let sender = self.settle_sender(&setup, source);
        let (mut faults, adjustment) = self.facts_of(id, &setup, interface, source);
        self.device_faults(&setup, sender, &mut faults);
        let Some(running) = self.instances.get(&id) else {
            return;
        };
        if running.source != source {
            self.router
                .handle_event(now, id, Event::PrimaryAddress(source));
        }
        if running.adjustment != adjustment {
            self.router.handle_event(now, id, Event::Adjust(adjustment));
        }
        let old = running.faults.clone();
        // The state machine concludes a missing source address from the address itself.
        let told = |fault: Fault| fault != Fault::NoSourceAddress;
        for (fault, _) in faults.iter().filter(|(fault, _)| told(*fault)) {
            if !old.iter().any(|(known, _)| known == fault) {
                self.router.handle_event(now, id, Event::Fault(*fault));
            }
        }
        for (fault, _) in old.iter().filter(|(fault, _)| told(*fault)) {
            if !faults.iter().any(|(current, _)| current == fault) {
                self.router
                    .handle_event(now, id, Event::FaultCleared(*fault));
            }
        }
        // A new member of a group takes the others down if it is at fault, but not because nobody
        // knows yet whether it is.
        let only_waits = |faults: &[(Fault, String)]| {
            !faults.is_empty() && faults.iter().all(|(fault, _)| *fault == Fault::Held)
        };
        if !only_waits(&faults) && self.to_start.remove(&id) {
            self.router.handle_event(now, id, Event::Start);
        }
        let held = self.state_of(id) == State::Initialize;
        let Some(running) = self.instances.get_mut(&id) else {
            return;
        };
        running.source = source;
        running.adjustment = adjustment;
        running.faults.clone_from(&faults);
        if running.first_state.is_none() {
            self.first_words.push(id);
            return;
        }
        let Some(instance) = self.label(id) else {
            return;
        };
        // At the end its own devices go, which is no news.
        if !held || self.shutdown.is_some() {
            return;
        }
        // What holds it, in words; the transition alone says only that something does.
        for (set, from, to) in [(true, &faults, &old), (false, &old, &faults)] {
            for entry @ (fault, detail) in from {
                let changed = !to.iter().any(|(other, _)| other == fault);
                if changed || (set && !to.contains(entry)) {
                    self.reports.push(Report::FaultChanged {
                        instance: instance.clone(),
                        fault: *fault,
                        set,
                        detail: detail.clone(),
                    });
                }
            }
        }
    }

    /// The instance that is this owner.
    fn label_of(&self, owner: OwnerId) -> Option<InstanceLabel> {
        self.owners.get(&owner).and_then(|id| self.label(*id))
    }

    /// The first report about an instance, with what holds it.
    fn first_word(&mut self, id: InstanceId) {
        let (state, faults) = (self.state_of(id), self.faults_of(id));
        let Some(instance) = self.label(id) else {
            return;
        };
        let Some(running) = self.instances.get_mut(&id) else {
            return;
        };
        // It may have been looked at twice in one turn, because of two interfaces.
        if running.first_state.is_some() {
            return;
        }
        running.first_state = Some(state);
        let details = running.faults.clone();
        self.reports.push(Report::Started {
            instance: instance.clone(),
            state,
            faults,
        });
        for (fault, detail) in details {
            self.reports.push(Report::FaultChanged {
                instance: instance.clone(),
                fault,
                set: true,
                detail,
            });
        }
    }

    pub(super) fn state_of(&self, id: InstanceId) -> State {
        self.router
            .instance(id)
            .map_or(State::Initialize, vrrp_fsm::Instance::state)
    }

    /// Every reason, true now, to hold this instance, and what its trackers add to the priority.
    fn facts_of(
        &self,
        id: InstanceId,
        setup: &InstanceSetup,
        interface: vrrp_fsm::InterfaceId,
        source: Option<IpAddr>,
    ) -> (Vec<(Fault, String)>, i16) {
        let mut faults = Vec::new();
        let mut fault = |fault, detail| add_fault(&mut faults, fault, detail);
        if let Some(reason) = &setup.hold {
            fault(Fault::Configuration, reason.to_string());
        }
        if self.release_at.is_some() {
            fault(
                Fault::Held,
                "start-up delay, or delay after boot".to_owned(),
            );
        }
        let name = setup.interface;
        match self.reconciler.link(name.as_str()) {
            None => fault(
                Fault::NoInterface,
                format!("interface {name} does not exist"),
            ),
            Some(link) if setup.vrf && link.kind.as_deref() != Some("vrf") => {
                fault(Fault::Configuration, format!("{name} is no VRF"));
            }
            Some(_) if setup.track_primary && !self.is_up(name) => {
                fault(Fault::LinkDown, format!("interface {name} is down"));
            }
            Some(_) => {}
        }
        match self.paths.get(&(interface, setup.fsm.family)) {
            Some(path) if path.socket.is_some() => {}
            path => fault(
                Fault::NoReceivePath,
                path.and_then(|path| path.error.clone()).unwrap_or_default(),
            ),
        }
        if source.is_none() {
            fault(Fault::NoSourceAddress, self.why_no_source(setup));
        }
        if let Some(reason) = self.contests.reason(id) {
            fault(Fault::Kernel, reason.to_owned());
        }
        for lost in &self.lost_statics {
            if setup.track_statics.contains(lost) {
                fault(
                    Fault::Tracker,
                    format!("static {} {lost} is missing", lost.class()),
                );
            }
        }
        // KA-F-06.
        for device in &setup.track_devices {
            match self.reconciler.link(device.as_str()) {
                Some(_) if self.is_up(*device) => {}
                Some(_) => fault(
                    Fault::Tracker,
                    format!("{device}, with an address of it, is down"),
                ),
                None => fault(
                    Fault::Tracker,
                    format!("{device}, for an address of it, does not exist"),
                ),
            }
        }
        let state = self.state_of(id);
        let adjustment = self.tracker_effects(setup, state, fault);
        (faults, adjustment)
    }
}

pub(super) fn add_fault(faults: &mut Vec<(Fault, String)>, fault: Fault, detail: String) {
    match faults.iter_mut().find(|(known, _)| *known == fault) {
        Some((_, details)) => {
            details.push_str(", ");
            details.push_str(&detail);
        }
        None => faults.push((fault, detail)),
    }
}
