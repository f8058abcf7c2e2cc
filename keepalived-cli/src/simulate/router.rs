//! A node that runs one file: the elections of the daemon, with simulated sockets and a simulated kernel
//! around them.
//!
//! What holds an instance is computed from what is the case, as in the daemon, and the state machine is
//! told the difference.

mod announcing;
mod facts;
mod hearing;
mod output;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use keepalived_driver::tracked::{TrackerId, TrackerKind};
use keepalived_driver::{Config, InstanceSetup};
use netlink_vip::InterfaceName;
use netsim::{Effect, Instant, Power};
use vrrp_fsm::{
    Event, Fault, GroupConfig, GroupId, InstanceId, InterfaceId, Router, RouterConfig, State,
    TrackStatus,
};

use announcing::Announcing;

use super::frame::{Note, Order, Wired};
use super::objects::Objects;
use super::sessions::{Sessions, is_simulated};
use super::topology::{OnWire, Setup, Shared};

/// What the node keeps for one instance beside its state machine.
#[derive(Debug)]
struct Running {
    setup: Arc<InstanceSetup>,
    place: usize,
    /// What the state machine was told.
    faults: Vec<Fault>,
    adjustment: i16,
    source: Option<IpAddr>,
    /// Why it is held, in words.
    why: Arc<str>,
    /// When its timer is due, to see whether a packet has moved it.
    deadline: Option<Instant>,
    priority: u8,
}

/// An interface with `vrrp_..._delay`: what counts is not what is.
#[derive(Debug)]
struct Delayed {
    down: Duration,
    up: Duration,
    counts: bool,
    turns: Option<Instant>,
}

/// One node.
#[derive(Debug)]
pub(super) struct RouterBox {
    node: usize,
    shared: Shared,
    seed: u64,
    setup: Arc<Setup>,
    router: Option<Router>,
    running: BTreeMap<InstanceId, Running>,
    /// In the order of the configuration.
    order: Vec<InstanceId>,
    interfaces: Vec<InterfaceName>,
    groups: Vec<Arc<str>>,
    objects: Objects,
    sessions: Option<Sessions>,
    delayed: BTreeMap<InterfaceName, Delayed>,
    /// The end of the start-up delay.
    release_at: Option<Instant>,
    /// What is on the interfaces beside the primary addresses, by virtual router.
    table: BTreeMap<usize, Arc<[OnWire]>>,
    announcing: Announcing,
    now: Instant,
    out: VecDeque<Effect<Wired, Note>>,
}

impl RouterBox {
    /// A node that is off.
    pub(super) fn new(node: usize, shared: Shared, setup: Arc<Setup>, seed: u64) -> Self {
        Self {
            node,
            shared,
            seed,
            setup,
            router: None,
            running: BTreeMap::new(),
            order: Vec::new(),
            interfaces: Vec::new(),
            groups: Vec::new(),
            objects: Objects::default(),
            sessions: None,
            delayed: BTreeMap::new(),
            release_at: None,
            table: BTreeMap::new(),
            announcing: Announcing::default(),
            now: Instant::ZERO,
            out: VecDeque::new(),
        }
    }

    pub(super) fn handle_power(&mut self, now: Instant, power: Power) {
        self.now = now;
        match power {
            Power::Start => self.start(),
            Power::Stop => {
                for id in self.order.clone() {
                    self.tell(id, Event::Stop);
                }
                if let Some(sessions) = &mut self.sessions {
                    sessions.retire(now);
                }
                self.collect();
                // Its members at rest are no FAULT: who looks on tells that the groups are off with the node.
                let is_group = |effect: &_| matches!(effect, Effect::Note(Note::Group { .. }));
                self.out.retain(|effect| !is_group(effect));
                self.off();
            }
            Power::Crash => {
                self.off();
                self.out.clear();
            }
        }
    }

    fn off(&mut self) {
        self.router = None;
        self.sessions = None;
        self.running.clear();
        self.order.clear();
        self.objects.clear();
        self.delayed.clear();
        self.release_at = None;
        self.table.clear();
        self.announcing = Announcing::default();
    }

    fn start(&mut self) {
        self.off();
        self.out.clear();
        self.seed = self.seed.wrapping_add(1);
        self.router = Some(Router::new());
        let file = self.shared.facts.borrow().file.get(self.node).copied();
        let files = self.shared.topology.setups.get(self.node);
        if let Some((file, files)) = file.zip(files)
            && let Some(setup) = files.get(file)
        {
            self.setup = Arc::clone(setup);
            self.runs(file);
        }
        let delay = self.setup.driver.startup_delay;
        self.release_at = self.now.checked_add(delay).filter(|_| !delay.is_zero());
        self.load();
    }

    /// Which of its files it runs.
    fn runs(&self, file: usize) {
        let mut facts = self.shared.facts.borrow_mut();
        if let Some(runs) = facts.runs.get_mut(self.node) {
            *runs = file;
        }
    }

    /// Takes another file whole, or not at all, as the daemon does.
    fn reload(&mut self, file: usize, setup: Arc<Setup>) {
        let why = if setup.faulty {
            Some("it has mistakes".to_owned())
        } else {
            self.setup.standing.forbids(&setup.standing)
        };
        match why {
            Some(why) => self.out.push_back(Effect::Note(Note::Refuses { why })),
            None => {
                self.setup = setup;
                self.runs(file);
                self.load();
            }
        }
    }

    /// Runs the present configuration.
    fn load(&mut self) {
        let setup = Arc::clone(&self.setup);
        let driver = &setup.driver;
        let now = self.now;
        let wanted = RouterConfig {
            instances: driver
                .instances
                .iter()
                .map(|one| (self.intern(&one.interface), one.fsm.clone()))
                .collect(),
            groups: driver
                .groups
                .iter()
                .map(|group| GroupConfig {
                    id: self.group_id(&group.name),
                    members: group.members.clone(),
                })
                .collect(),
        };
        let Some(router) = &mut self.router else {
            return;
        };
        let reload = match router.reload(now, wanted) {
            Ok(reload) => reload,
            Err(error) => {
                let error = error.to_string();
                self.out.push_back(Effect::Note(Note::NotLoaded { error }));
                return;
            }
        };
        let first = self.running.is_empty();
        let mut changed = 0;
        let mut elsewhere = Vec::new();
        let mut refreshed = Vec::new();
        for ((id, one), place) in reload.ids.iter().zip(&driver.instances).zip(&setup.places) {
            match self.running.get_mut(id) {
                Some(running) if !reload.added.contains(id) => {
                    let old = std::mem::replace(&mut running.setup, Arc::clone(one));
                    changed += usize::from(old != *one);
                    if old.addresses != one.addresses {
                        elsewhere.push(*id);
                    }
                    if old.announce.refresh != one.announce.refresh {
                        refreshed.push((*id, Arc::clone(one)));
                    }
                }
                _ => {
                    let running = Running {
                        setup: Arc::clone(one),
                        place: *place,
                        // Each begins with this one. RFC 9568 6.4.1 would let it run at once.
                        faults: vec![Fault::NoReceivePath],
                        adjustment: 0,
                        source: None,
                        why: "".into(),
                        deadline: None,
                        priority: one.fsm.role.priority().get(),
                    };
                    self.running.insert(*id, running);
                }
            }
        }
        self.order.clone_from(&reload.ids);
        self.objects.replace(now, &driver.trackers);
        let sessions = driver.bfd.iter().filter(|one| is_simulated(one)).count();
        if sessions > 0 {
            let new = || Sessions::new(self.seed);
            self.sessions.get_or_insert_with(new).reload(now, driver);
        } else {
            self.sessions = None;
        }
        for other in driver.bfd.iter().filter(|one| !is_simulated(one)) {
            let id = TrackerId::new(TrackerKind::Bfd, &other.name);
            self.objects.set(&id, TrackStatus::Up);
        }
        self.delay_links(driver);
        let time_of_day = self.shared.facts.borrow().time_of_day(self.node, now);
        for id in &reload.added {
            self.tell(*id, Event::WallClock(time_of_day));
            self.tell(*id, Event::Start);
        }
        if !first {
            self.out.push_back(Effect::Note(Note::Loaded {
                added: reload.added.len(),
                changed,
                removed: reload.removed.len(),
            }));
        }
        for id in elsewhere {
            self.addresses_changed(id);
        }
        for (id, setup) in refreshed {
            if self.state_of(id) == State::Active {
                self.announcing.refresh_otherwise(now, id, &setup);
            }
        }
        self.look();
        self.settle();
        self.collect();
        self.announce_due();
        let (running, order) = (&mut self.running, &self.order);
        running.retain(|id, _| order.contains(id));
    }

    /// What a link counts as after the delays that were asked for.
    fn delay_links(&mut self, driver: &Config) {
        let mut old = std::mem::take(&mut self.delayed);
        for delay in &driver.link_delays {
            let port = (self.node, delay.interface);
            let known = old.remove(&delay.interface);
            let counts = known.as_ref().map(|known| known.counts);
            self.delayed.insert(
                delay.interface,
                Delayed {
                    down: delay.down,
                    up: delay.up,
                    counts: counts.unwrap_or_else(|| self.shared.is_plugged(port)),
                    turns: known.and_then(|known| known.turns),
                },
            );
        }
    }

    fn intern(&mut self, name: &InterfaceName) -> InterfaceId {
        let found = self.interfaces.iter().position(|known| known == name);
        let place = found.unwrap_or_else(|| {
            self.interfaces.push(*name);
            self.interfaces.len() - 1
        });
        InterfaceId(u32::try_from(place).unwrap_or(u32::MAX))
    }

    fn group_id(&mut self, name: &Arc<str>) -> GroupId {
        let found = self.groups.iter().position(|known| known == name);
        let place = found.unwrap_or_else(|| {
            self.groups.push(Arc::clone(name));
            self.groups.len() - 1
        });
        GroupId(u32::try_from(place).unwrap_or(u32::MAX))
    }

    fn tell(&mut self, id: InstanceId, event: Event) {
        if let Some(router) = &mut self.router {
            router.handle_event(self.now, id, event);
        }
    }

    fn state_of(&self, id: InstanceId) -> State {
        let instance = self.router.as_ref().and_then(|router| router.instance(id));
        instance.map_or(State::Initialize, vrrp_fsm::Instance::state)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        if let Some(sessions) = &mut self.sessions {
            sessions.handle_timeout(now);
        }
        self.hear_sessions();
        let mut stale = self.release_at.take_if(|at| *at <= now).is_some();
        for link in self.delayed.values_mut() {
            if link.turns.take_if(|at| *at <= now).is_some() {
                link.counts = !link.counts;
                stale = true;
            }
        }
        stale |= self.look();
        if stale {
            self.settle();
        }
        self.announce_due();
        if let Some(router) = &mut self.router {
            router.handle_timeout(now);
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let router = self.router.as_ref()?;
        let delays = self.delayed.values().filter_map(|link| link.turns).min();
        let sessions = self.sessions.as_ref().and_then(Sessions::next_timeout);
        let all = [
            router.next_timeout(),
            self.objects.next_timeout(),
            sessions,
            delays,
            self.release_at,
            self.announcing.next_timeout(),
        ];
        all.into_iter().flatten().min()
    }

    pub(super) fn handle_order(&mut self, now: Instant, order: &Order) {
        self.now = now;
        match order {
            Order::Link { interface, up } => {
                if let Some(link) = self.delayed.get_mut(interface) {
                    let delay = if *up { link.up } else { link.down };
                    if link.counts == *up {
                        link.turns = None;
                    } else if delay.is_zero() {
                        (link.counts, link.turns) = (*up, None);
                    } else {
                        link.turns = link.turns.or_else(|| now.checked_add(delay));
                    }
                }
                self.settle();
            }
            Order::Object { .. } => {
                if self.look() {
                    self.settle();
                }
            }
            Order::Reload(file) => {
                let files = self.shared.topology.setups.get(self.node);
                if let Some(setup) = files.and_then(|files| files.get(*file)).cloned() {
                    self.reload(*file, setup);
                }
            }
            // These are for wires.
            Order::Cut { .. } | Order::Part { .. } => {}
            Order::Clock(_) => {
                let time_of_day = self.shared.facts.borrow().time_of_day(self.node, now);
                for id in self.order.clone() {
                    self.tell(id, Event::WallClock(time_of_day));
                }
            }
        }
    }

    /// Looks at tracked objects. Returns whether one is found to be another way than before.
    fn look(&mut self) -> bool {
        let out = &mut self.out;
        let mut changed = false;
        self.objects
            .look(self.now, self.node, &self.shared, |id, status| {
                changed = true;
                out.push_back(Effect::Note(Note::Tracker {
                    id: id.clone(),
                    status,
                }));
            });
        changed
    }
}
