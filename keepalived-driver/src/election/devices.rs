//! Devices of ours: made, set up, raised, sent from, and removed at the end.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use mio::Waker;
use netlink_vip::{
    InterfaceName, Link, LinkEvent, LinkKeeper, Pace, Setting, SettingPlace, Tag, WantedLink,
};
use sans_io_time::Instant;
use vrrp_fsm::Fault;
use vrrp_proto::Family;

use super::Elections;
use super::device_thread::DeviceThread;
use super::facts::add_fault;
use super::interfaces::PathKey;
use super::settings::{self, Settings};
use crate::config::InstanceSetup;
use crate::report::Report;
use crate::sockets::vrrp::VrrpSocket;

/// Everything about them.
#[derive(Debug)]
pub(super) struct Devices {
    keeper: LinkKeeper,
    waker: Arc<Waker>,
    thread: Option<DeviceThread>,
    pub(super) settings: Settings,
    /// Sockets that adverts leave by, where that is not the interface they come in by.
    pub(super) senders: HashMap<PathKey, Sender>,
    request: Vec<u8>,
    rp_filter_moved: bool,
    /// To be looked at again.
    pub(super) stale: bool,
}

#[derive(Debug)]
pub(super) struct Sender {
    pub(super) socket: VrrpSocket,
    source: Option<IpAddr>,
}

impl Devices {
    pub(super) fn new(tag: Tag, waker: Arc<Waker>, settings: Settings) -> Self {
        Self {
            keeper: LinkKeeper::new(tag),
            waker,
            thread: None,
            settings,
            senders: HashMap::new(),
            request: Vec::new(),
            rp_filter_moved: false,
            stale: false,
        }
    }

    /// Hands the request to the thread.
    fn submit(&mut self) -> io::Result<()> {
        let thread = match &mut self.thread {
            Some(thread) => thread,
            none => none.insert(DeviceThread::start(self.waker.clone())?),
        };
        thread.submit(&self.request);
        Ok(())
    }

    pub(super) fn set(&mut self, wanted: impl IntoIterator<Item = WantedLink>) {
        self.keeper.set(wanted);
        self.stale = true;
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let busy = self.thread.as_ref().is_some_and(DeviceThread::is_busy);
        self.keeper.next_timeout().filter(|_| !busy)
    }

    /// Why this device does not carry traffic, if it does not.
    pub(super) fn obstacle(&self, name: InterfaceName) -> Option<String> {
        if self.keeper.is_up(name) {
            return None;
        }
        Some(match self.keeper.trouble(name) {
            Some(reason) => format!("{name} cannot be made: {reason}"),
            None => format!("{name} is being made"),
        })
    }

    /// Whether this is a device that we make; what becomes of it is told elsewhere.
    pub(super) fn is_ours(&self, name: InterfaceName) -> bool {
        self.keeper.knows(name)
    }

    /// Whether this device is on its way, and nothing is known against it.
    pub(super) fn is_coming(&self, name: InterfaceName) -> bool {
        !self.keeper.is_up(name) && self.keeper.trouble(name).is_none()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.keeper.count()
    }

    pub(super) fn is_gone(&self) -> bool {
        self.keeper.is_gone()
    }

    /// An interface is no more. What could not be done, in words.
    pub(super) fn forget(&mut self, name: InterfaceName) -> Option<String> {
        self.stale = true;
        self.settings.forget(name)
    }
}

impl Elections {
    /// Devices left by a killed run go, unless they are wanted.
    pub(super) fn clean_devices(&mut self) {
        self.devices.keeper.clean(self.reconciler.observed());
        self.devices.stale = true;
    }

    /// Brings devices and settings nearer to what they are to be. What comes of it is told by
    /// news of links.
    pub(super) fn settle_devices(&mut self, now: Instant) {
        let due = self.devices.next_timeout().is_some_and(|at| at <= now);
        if !self.known || !self.read_devices(now) || !(self.devices.stale || due) {
            return;
        }
        self.devices.stale = false;
        if self.shutdown.is_none() {
            self.settle_settings();
        }
        self.settle_paces();
        let devices = &mut self.devices;
        let observed = self.reconciler.observed();
        let request = &mut devices.request;
        if devices.keeper.poll_request(now, observed, request)
            && let Err(error) = devices.submit()
        {
            let message = format!("devices cannot be asked for: {error}");
            self.reports.push(Report::Trouble { message });
        }
        self.device_news();
    }

    /// Takes in what the kernel answered. False: it has not yet, and must not be asked anew.
    fn read_devices(&mut self, now: Instant) -> bool {
        let devices = &mut self.devices;
        let Some(thread) = &mut devices.thread else {
            return true;
        };
        if let Some(answer) = thread.answer() {
            devices.stale = true;
            match answer {
                Ok(datagrams) => {
                    for datagram in datagrams {
                        devices.keeper.handle_datagram(now, &datagram);
                    }
                }
                Err(error) => {
                    let message = format!("sending to netlink failed: {error}");
                    self.reports.push(Report::Trouble { message });
                }
            }
            self.device_news();
        }
        self.devices.thread.as_ref().is_none_or(|t| !t.is_busy())
    }

    fn device_news(&mut self) {
        while let Some(event) = self.devices.keeper.poll_event() {
            let (name, message) = match event {
                LinkEvent::Raised { name } => (name, String::new()),
                LinkEvent::Made { name, adopted } => {
                    self.prepare_device(name);
                    let what = if adopted { "taken over" } else { "made" };
                    (name, format!("virtual interface {name} {what}"))
                }
                LinkEvent::Removed { name } => (name, format!("virtual interface {name} removed")),
                LinkEvent::Lost { name } => (
                    name,
                    format!("virtual interface {name} is gone or off; it is made again"),
                ),
                LinkEvent::Failed { name, reason } => (
                    name,
                    format!("virtual interface {name} cannot be made: {reason}"),
                ),
                _ => continue,
            };
            if !message.is_empty() {
                self.reports.push(Report::Device { message });
            }
            if let Some(id) = self.interfaces.find(&name) {
                self.dirty.insert(id);
            }
            self.devices.stale = true;
            // The news has to be settled, and there may be more to ask for.
            self.ready.insert(crate::sources::Source::Timer);
        }
    }

    /// Settings of a device, while it is still switched off.
    fn prepare_device(&mut self, name: InterfaceName) {
        let trouble = self.devices.settings.forget(name);
        self.trouble_of_settings(trouble);
        let mut wanted = Vec::new();
        for running in self.instances.values() {
            if let Some(link) = running.setup.links().find(|link| link.name == name) {
                let (ipv4, ipv6) = running.setup.families_on(name);
                wanted = Setting::of_device(link, ipv4, ipv6);
                break;
            }
        }
        self.apply_settings(wanted, true);
    }

    /// Settings of interfaces that are not ours to make, and of the namespace.
    fn settle_settings(&mut self) {
        let mut wanted = BTreeSet::new();
        let mut moves = false;
        for running in self.order.iter().filter_map(|id| self.instances.get(id)) {
            let setup = &running.setup;
            for link in setup.links() {
                if setup.families_on(link.name).0 {
                    moves = true;
                    if self.reconciler.link(link.parent.as_str()).is_some() {
                        wanted.extend(Setting::of_parent(link.parent));
                    }
                }
            }
        }
        if self.config.no_local_igmp {
            wanted.insert(Setting::no_local_igmp());
        }
        // Those of devices were applied when they were made, and vanish with them.
        let devices: BTreeSet<SettingPlace> = self
            .instances
            .values()
            .flat_map(|running| running.setup.links())
            .map(|link| SettingPlace::Interface(link.name))
            .collect();
        let promoted = &self.promoted;
        let promotes = |held: &Setting| match held.place {
            SettingPlace::Interface(name) => {
                *held == Setting::promote_secondaries(name) && promoted.contains(&name)
            }
            _ => false,
        };
        let trouble = self.devices.settings.keep(|held| {
            devices.contains(&held.place)
                || (moves && held.key == "rp_filter")
                || promotes(held)
                || wanted.iter().any(|setting| setting.path() == held.path())
        });
        self.trouble_of_settings(trouble);
        if moves && !self.devices.rp_filter_moved {
            let moved = self.rp_filter();
            self.apply_settings(moved, false);
        }
        self.devices.rp_filter_moved = moves;
        self.apply_settings(wanted, false);
    }

    /// Which interfaces share a spacing of announcements. A device has that of the interface below.
    fn settle_paces(&mut self) {
        let mut paces = BTreeMap::new();
        for (number, group) in (0_u32..).zip(&self.config.garp_groups) {
            let pace = Pace {
                group: number,
                garp_interval: group.garp_interval,
                gna_interval: group.gna_interval,
            };
            for name in &group.interfaces {
                let Some(member) = self.reconciler.link(name.as_str()) else {
                    continue;
                };
                paces.insert(member.index, pace);
                let above = |link: &&Link| link.parent == Some(member.index);
                paces.extend(
                    self.reconciler
                        .links()
                        .filter(above)
                        .map(|l| (l.index, pace)),
                );
            }
        }
        self.announcer.set_paces(paces);
    }

    fn rp_filter(&self) -> Vec<Setting> {
        let value = |place| {
            let setting = Setting {
                ipv6: false,
                place,
                key: "rp_filter",
                value: 0,
            };
            settings::read(&setting).unwrap_or(0)
        };
        let all = value(SettingPlace::All);
        if all == 0 {
            return Vec::new();
        }
        let interfaces = self
            .reconciler
            .links()
            .map(|link| (link.name, value(SettingPlace::Interface(link.name))));
        Setting::move_rp_filter(all, value(SettingPlace::Default), interfaces)
    }

    /// `fleeting`: they vanish with a device of ours.
    pub(super) fn apply_settings(
        &mut self,
        wanted: impl IntoIterator<Item = Setting>,
        fleeting: bool,
    ) {
        let trouble = self.devices.settings.apply(wanted, fleeting);
        self.trouble_of_settings(trouble);
    }

    pub(super) fn trouble_of_settings(&mut self, trouble: impl IntoIterator<Item = String>) {
        for message in trouble {
            self.reports.push(Report::Trouble { message });
        }
    }

    /// Opens what adverts of this instance leave by, if that is a device of ours. Why not, if it
    /// cannot be.
    pub(super) fn settle_sender(
        &mut self,
        setup: &InstanceSetup,
        source: Option<IpAddr>,
    ) -> Result<(), String> {
        let Some(name) = setup.vmac.as_ref().and_then(crate::Vmac::sends) else {
            return Ok(());
        };
        let key = (self.interfaces.intern(&name), setup.fsm.family);
        let Some(index) = self.reconciler.link(name.as_str()).map(|link| link.index) else {
            self.devices.senders.remove(&key);
            return Ok(());
        };
        // The kernel chooses no source for IPv6 from a device without addresses.
        let bound = source.filter(|_| setup.fsm.family == Family::Ipv6);
        let fits = |sender: &Sender| sender.socket.index() == index && sender.source == bound;
        if self.devices.senders.get(&key).is_some_and(fits) {
            return Ok(());
        }
        self.devices.senders.remove(&key);
        match VrrpSocket::sender(name.as_str(), index, setup.fsm.family, bound) {
            Ok(socket) => {
                let sender = Sender {
                    socket,
                    source: bound,
                };
                self.devices.senders.insert(key, sender);
                Ok(())
            }
            Err(error) => Err(format!("cannot send adverts on {name}: {error}")),
        }
    }

    /// Before its first state is told, an instance waits for devices and rules that are under way:
    /// to begin with a fault that lasts some milliseconds would alarm people for nothing.
    pub(super) fn is_being_prepared(&self, setup: &InstanceSetup) -> bool {
        let interface = self.reconciler.link(setup.interface.as_str());
        let coming = |link: &netlink_vip::WantedLink| {
            let parent = self.reconciler.link(link.parent.as_str());
            parent.is_some() && self.devices.is_coming(link.name)
        };
        let waits_for_rules =
            || setup.refuse_traffic && matches!(self.filter.obstacle(setup), Some((false, _)));
        interface.is_some() && (setup.links().any(coming) || waits_for_rules())
    }

    /// Reasons to hold an instance that lie in its devices and in the packet filter.
    pub(super) fn device_faults(
        &self,
        setup: &InstanceSetup,
        sender: Result<(), String>,
        faults: &mut Vec<(Fault, String)>,
    ) {
        if self.shutdown.is_some() {
            return;
        }
        for link in setup.links() {
            if let Some(why) = self.devices.obstacle(link.name) {
                add_fault(faults, Fault::NoInterface, why);
            }
        }
        if let Err(why) = sender {
            add_fault(faults, Fault::NoReceivePath, why);
        }
        if setup.refuse_traffic
            && let Some((failed, why)) = self.filter.obstacle(setup)
        {
            let (fault, why) = if failed {
                let why = format!("traffic to its addresses cannot be refused: {why}");
                (Fault::Configuration, why)
            } else {
                (Fault::Held, "the firewall is being set".to_owned())
            };
            add_fault(faults, fault, why);
        }
    }

    /// At the end: devices go, then the settings are what they were.
    pub(super) fn release_devices(&mut self) {
        self.devices.senders.clear();
        self.devices.set([]);
    }

    pub(super) fn restore_settings(&mut self) {
        let trouble = self.devices.settings.keep(|_| false);
        self.trouble_of_settings(trouble);
    }
}
