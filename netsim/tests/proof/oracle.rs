//! Looks at every record of a run and objects to what the invariants forbid.
//!
//! Two kinds of rule. Local ones compare each virtual router with its [`Model`] after every turn of its
//! node: state, adverts sent, addresses, order of actions. Global ones know nothing of timers but the
//! bounds: one Active, takeover in time, no clash, nothing unreachable.

use std::net::IpAddr;

use netsim::vrrp::{AdvertFrame, Frame, Key, Note, Order, Station};
use netsim::{Fault, Instant, Lost, Net, NodeId, Observer, Record, Violation};
use vrrp_fsm::proto::Family;
use vrrp_fsm::{Announce, Event, InstanceConfig, Role, State, Transmit};

use super::model::{ANSWER_GAP, Is, Model, Setup, Turn, early};
use super::rfc;
use super::scenario::Scenario;

/// What a run was made of.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub seeds: u64,
    pub records: u64,
    pub nanos: i128,
    pub transitions: u64,
    pub adverts: u64,
    pub takeovers: u64,
    pub hand_overs: u64,
    pub clashes: u64,
    pub converged: u64,
    pub host_checks: u64,
    pub tainted: u64,
    /// Largest (takeover - (last advert + 3A + S)), of [`Figures::takeovers`], and the seed.
    pub latest: (i64, u64),
    /// Longest time two Actives that had heard each other went on, and the seed.
    pub longest_clash: (i64, u64),
    /// Outages of hosts: how many, their sum, the longest one and its seed.
    pub outages: u64,
    pub dark: i128,
    pub darkest: (i64, u64),
}

impl Figures {
    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.records += other.records;
        self.nanos += other.nanos;
        self.transitions += other.transitions;
        self.adverts += other.adverts;
        self.takeovers += other.takeovers;
        self.hand_overs += other.hand_overs;
        self.clashes += other.clashes;
        self.converged += other.converged;
        self.host_checks += other.host_checks;
        self.tainted += other.tainted;
        self.latest = self.latest.max(other.latest);
        self.longest_clash = self.longest_clash.max(other.longest_clash);
        self.outages += other.outages;
        self.dark += other.dark;
        self.darkest = self.darkest.max(other.darkest);
    }
}

/// Something that happened to a stalled node and has not reached it yet.
#[derive(Clone)]
enum Missed {
    Stop,
    Link(bool),
    Order(Order),
}

#[derive(Default)]
struct Box_ {
    configs: Vec<InstanceConfig>,
    missed: Vec<Missed>,
    /// As of the last record: when the record of waking comes, time has passed for a stalled node.
    stalled: bool,
    woke: bool,
    /// Packets it has to refuse in this turn.
    refusals: u32,
    /// It was told nothing new and must do nothing.
    silent: bool,
}

/// Somebody has to take over.
struct Takeover {
    from: usize,
    by: i64,
    /// When the best one is due.
    due: i64,
    graceful: bool,
}

/// One virtual router on all nodes.
struct Group {
    key: Key,
    models: Vec<Model>,
    seen: Vec<Is>,
    active_since: Vec<i64>,
    installed: Vec<bool>,
    /// How far each node is on its way to Active: nothing, advert, installed, announced.
    step: Vec<u8>,
    /// When the last adverts were sent that did not get from one to the other, since the last that did.
    lost: Vec<Vec<Vec<i64>>>,
    /// Since when two Actives have heard each other, and how long that may go on.
    clash: Vec<Vec<Option<(i64, i64)>>>,
    takeover: Option<Takeover>,
    /// Whom the host believes for each address.
    believed: Vec<Option<NodeId>>,
    /// Whom it has to believe by when.
    believe: Option<(i64, usize)>,
    /// States were looked at since they last changed.
    judged: bool,
    host_judged: bool,
}

impl Group {
    fn loses(&mut self, from: usize, to: usize, now: i64) {
        let lost = &mut self.lost[from][to];
        // More than enough adverts in a row.
        if lost.len() < 10 {
            lost.push(now);
        }
    }
}

pub struct Oracle<'a> {
    scenario: &'a Scenario,
    now: i64,
    /// As it was since the last record.
    net: Net,
    boxes: Vec<Box_>,
    groups: Vec<Group>,
    /// Nothing has gone wrong since.
    calm_since: i64,
    last_fault: i64,
    clean: bool,
    settle: i64,
    tainted: bool,
    pub figures: Figures,
}

type Check = Result<(), Violation>;

macro_rules! broken {
    ($now:expr, $rule:expr, $($detail:tt)*) => {
        Err(Violation::Broken {
            at: Instant::from_nanos($now),
            rule: $rule,
            detail: format!($($detail)*),
        })
    };
}

impl<'a> Oracle<'a> {
    /// `net` is the network before anything happens.
    pub fn new(scenario: &'a Scenario, net: &Net) -> Self {
        let n = scenario.routers;
        let group = |(vr, one): (usize, &super::scenario::Virtual)| Group {
            key: Key { family: one.family, vrid: one.vrid },
            models: (0..n).map(|node| Model::new(setup(scenario, vr, node))).collect(),
            seen: vec![Is::Off; n],
            active_since: vec![0; n],
            installed: vec![false; n],
            step: vec![0; n],
            lost: vec![vec![Vec::new(); n]; n],
            clash: vec![vec![None; n]; n],
            takeover: None,
            believed: vec![None; one.addresses.len()],
            believe: None,
            judged: false,
            host_judged: false,
        };
        let boxes = (0..n).map(|node| Box_ { configs: scenario.configs(node), ..Box_::default() });
        Self {
            now: 0,
            net: net.clone(),
            boxes: boxes.collect(),
            groups: scenario.virtuals.iter().enumerate().map(group).collect(),
            calm_since: 0,
            last_fault: 0,
            clean: scenario.link.is_clean(),
            settle: scenario.preemption(),
            tainted: false,
            figures: Figures::default(),
            scenario,
        }
    }

    /// The run is over: checks what had to happen before `end`.
    pub fn finish(&mut self, end: Instant) -> Check {
        if self.tainted {
            self.figures.tainted = 1;
            return Ok(());
        }
        self.time_passes(end.as_nanos())
    }

    fn disturb(&mut self) {
        self.calm_since = self.now;
        for group in &mut self.groups {
            group.takeover = None;
            group.believe = None;
            group.judged = false;
            group.host_judged = false;
            group.clash.iter_mut().for_each(|row| row.fill(None));
        }
    }

    fn is_settled(&self) -> bool {
        self.clean && !self.net.is_lopsided() && self.now > self.calm_since + self.settle
    }

    /// Nothing changes between `self.now` and `now`. Was everything done that had to be done by then?
    fn time_passes(&mut self, now: i64) -> Check {
        let before = core::mem::replace(&mut self.now, now);
        debug_assert!(before <= now);
        for vr in 0..self.groups.len() {
            self.timers_were_kept(vr, now)?;
            self.bounds_were_kept(vr, now)?;
            if self.is_settled() {
                self.one_active(vr)?;
                self.hosts_know(vr)?;
            }
        }
        Ok(())
    }

    fn timers_were_kept(&self, vr: usize, now: i64) -> Check {
        let group = &self.groups[vr];
        for (node, model) in group.models.iter().enumerate() {
            if self.boxes[node].stalled {
                continue;
            }
            let key = group.key;
            match model.is {
                Is::Backup if now > model.must_fire_by() => {
                    let by = model.must_fire_by();
                    return broken!(now, "3 takeover", "n{node} {key} had to take over by {by} ns");
                }
                Is::Active if now > model.due.1.saturating_add(1) => {
                    let by = model.due.1;
                    return broken!(now, "3 adverts", "n{node} {key} had to advertise by {by} ns");
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn bounds_were_kept(&mut self, vr: usize, now: i64) -> Check {
        let host = self.scenario.host.is_some();
        let group = &mut self.groups[vr];
        let key = group.key;
        if let Some(takeover) = &group.takeover
            && now > takeover.by
        {
            let Takeover { from, by, graceful, .. } = takeover;
            let rule = if *graceful { "4 hand-over" } else { "3 takeover" };
            return broken!(now, rule, "{key} nobody took over from n{from} by {by} ns");
        }
        for one in 0..group.seen.len() {
            for other in 0..group.seen.len() {
                if let Some((since, until)) = group.clash[one][other]
                    && now > until
                {
                    return broken!(
                        now,
                        "5 clash",
                        "{key} n{one} and n{other} are both Active, heard at {since} ns, allowed until {until} ns"
                    );
                }
            }
        }
        if let Some((by, holder)) = group.believe
            && now > by
            && host
        {
            group.believe = None;
            self.figures.host_checks += 1;
            if group.believed.iter().any(|believed| *believed != Some(NodeId(holder))) {
                let believed = &group.believed;
                return broken!(
                    now,
                    "7 reach",
                    "{key} the host had to know n{holder} by {by} ns and believes {believed:?}"
                );
            }
        }
        Ok(())
    }

    /// Nodes that take part: on, plugged in, without fault.
    fn takes_part(&self, vr: usize, node: usize) -> bool {
        let model = &self.groups[vr].models[node];
        self.net.is_running(NodeId(node))
            && !self.boxes[node].stalled
            && self.net.is_plugged(NodeId(node))
            && !model.faulted
            && !model.unplugged
    }

    /// Invariants 1 and 2 in a network that has been left alone for long enough.
    fn one_active(&mut self, vr: usize) -> Check {
        if self.groups[vr].judged {
            return Ok(());
        }
        self.groups[vr].judged = true;
        self.figures.converged += 1;
        let now = self.now;
        let parts: Vec<usize> =
            (0..self.scenario.routers).filter(|node| self.takes_part(vr, *node)).collect();
        let group = &self.groups[vr];
        let key = group.key;
        for &first in &parts {
            let cell: Vec<usize> = parts
                .iter()
                .copied()
                .filter(|node| *node == first || self.net.connected(NodeId(first), NodeId(*node)))
                .collect();
            let active: Vec<usize> =
                cell.iter().copied().filter(|node| group.seen[*node] == Is::Active).collect();
            let &[holder] = active.as_slice() else {
                let since = self.calm_since;
                return broken!(
                    now,
                    "1 one Active",
                    "{key} cell {cell:?} has the Actives {active:?}, calm since {since} ns"
                );
            };
            let best = group.models[holder].priority();
            for node in cell {
                let model = &group.models[node];
                if model.preempts() && model.priority() > best {
                    return broken!(
                        now,
                        "2 best Active",
                        "{key} n{holder} is Active with {best}, n{node} has {} and preempts",
                        model.priority()
                    );
                }
            }
        }
        Ok(())
    }

    /// Invariant 7, seen from outside: after one more round of questions the host knows the Active.
    fn hosts_know(&mut self, vr: usize) -> Check {
        let (Some(refresh), Some(host)) = (self.scenario.host, self.scenario.host()) else {
            return Ok(());
        };
        let rest = refresh + 2 * self.scenario.longest;
        let late = self.now > self.calm_since + self.settle + rest;
        let group = &mut self.groups[vr];
        if !late || group.host_judged || !self.net.is_running(host) {
            return Ok(());
        }
        group.host_judged = true;
        let active = (0..self.scenario.routers)
            .find(|n| group.seen[*n] == Is::Active && self.net.connected(host, NodeId(*n)));
        if let Some(holder) = active {
            self.figures.host_checks += 1;
            if group.believed.iter().any(|believed| *believed != Some(NodeId(holder))) {
                let (key, believed) = (group.key, &group.believed);
                return broken!(
                    self.now,
                    "7 reach",
                    "{key} n{holder} is Active and the host believes {believed:?}"
                );
            }
        }
        Ok(())
    }

    fn fault(&mut self, fault: &Fault<Order>, net: &Net) -> Check {
        let takeovers: Vec<Option<Takeover>> =
            (0..self.groups.len()).map(|vr| self.who_takes_over(vr, fault)).collect();
        self.net = net.clone();
        self.disturb();
        self.last_fault = self.now;
        for (group, takeover) in self.groups.iter_mut().zip(takeovers) {
            group.takeover = takeover;
        }
        match fault {
            Fault::SetLink(link) => self.clean = link.is_clean(),
            Fault::SetPath(_, _, link) => self.clean &= link.is_clean(),
            Fault::Stall(NodeId(node), _) if *node < self.boxes.len() => {
                self.boxes[*node].stalled = net.is_stalled(NodeId(*node));
            }
            Fault::Start(NodeId(node)) if *node < self.boxes.len() => {
                for group in &mut self.groups {
                    if group.models[*node].is == Is::Off {
                        group.models[*node].unplugged = !net.is_plugged(NodeId(*node));
                        group.models[*node].start(self.now);
                    }
                }
            }
            Fault::Stop(node) => self.tell(*node, Missed::Stop),
            Fault::LinkDown(node) => self.tell(*node, Missed::Link(false)),
            Fault::LinkUp(node) => self.tell(*node, Missed::Link(true)),
            Fault::Tell(node, order) => self.tell(*node, Missed::Order(order.clone())),
            _ => {}
        }
        Ok(())
    }

    /// If this fault takes the Active away from a settled network, somebody has to take over in time.
    fn who_takes_over(&self, vr: usize, fault: &Fault<Order>) -> Option<Takeover> {
        let tracker = vrrp_fsm::Fault::Tracker;
        let (NodeId(from), graceful) = match fault {
            Fault::Crash(node) | Fault::LinkDown(node) => (*node, false),
            Fault::Stop(node) => (*node, true),
            Fault::Tell(node, Order::Event(Event::Fault(fault))) if *fault == tracker => {
                (*node, true)
            }
            _ => return None,
        };
        let group = &self.groups[vr];
        let gone = group.models.get(from)?;
        let usual = self.is_settled() && !self.net.is_stalled(NodeId(from));
        if !usual || group.seen[from] != Is::Active {
            return None;
        }
        let (version, interval) = (gone.setup.version, gone.setup.interval);
        let due = |node: &usize| {
            let model = &group.models[*node];
            match graceful {
                true => self.now + rfc::skew(version, interval, model.priority()),
                false => gone.last_advert + model.patience(interval),
            }
        };
        let rest: Vec<usize> = (0..self.boxes.len())
            .filter(|node| *node != from && self.takes_part(vr, *node))
            .filter(|node| self.net.connected(NodeId(from), NodeId(*node)))
            .filter(|node| group.models[*node].armed_by == Some(gone.setup.address))
            .collect();
        let due = rest.iter().map(due).min()?;
        // Rounding of the skew on both sides.
        let by = due + self.scenario.longest + 1;
        Some(Takeover { from, by, due, graceful })
    }

    fn tell(&mut self, NodeId(node): NodeId, what: Missed) {
        if node >= self.boxes.len() {
            return;
        }
        if let Missed::Link(up) = what
            && self.groups.iter().all(|group| group.models[node].unplugged != up)
            && self.boxes[node].missed.is_empty()
        {
            // No change; a stalled node may have several changes waiting.
            return;
        }
        if !self.net.is_running(NodeId(node)) {
            return;
        }
        if self.net.is_stalled(NodeId(node)) {
            self.boxes[node].missed.push(what);
        } else {
            self.reach(node, &what);
        }
    }

    fn reach(&mut self, node: usize, what: &Missed) {
        let now = self.now;
        if let Missed::Order(Order::Reload(configs)) = what {
            let same = *configs == self.boxes[node].configs;
            self.boxes[node].silent = same && !self.boxes[node].woke;
            self.boxes[node].configs.clone_from(configs);
        }
        for (vr, group) in self.groups.iter_mut().enumerate() {
            let model = &mut group.models[node];
            match what {
                Missed::Stop => model.fault(now),
                Missed::Link(up) => {
                    model.unplugged = !up;
                    if *up { model.fault_cleared(now) } else { model.fault(now) }
                }
                Missed::Order(Order::Reload(configs)) => reload(model, now, &configs[vr]),
                Missed::Order(Order::Event(event)) => match event {
                    Event::Adjust(weight) => {
                        model.change(now, |model| model.weight = i64::from(*weight));
                    }
                    Event::Fault(_) => {
                        model.faulted = true;
                        model.fault(now);
                    }
                    Event::FaultCleared(_) => {
                        model.faulted = false;
                        model.fault_cleared(now);
                    }
                    Event::AddressLost => model.address_lost(now),
                    _ => {}
                },
                Missed::Order(_) => {}
            }
        }
    }

    /// After the queued frames of a stalled node come the other things that it missed.
    fn catch_up(&mut self, node: usize) {
        if !core::mem::take(&mut self.boxes[node].woke) {
            return;
        }
        self.boxes[node].woke = false;
        let missed = core::mem::take(&mut self.boxes[node].missed);
        for what in missed {
            self.reach(node, &what);
            self.boxes[node].silent = false;
            if matches!(what, Missed::Stop) {
                break;
            }
        }
    }

    fn group_of(&self, family: Family, vrid: u8) -> Option<usize> {
        self.groups.iter().position(|group| group.key == Key { family, vrid })
    }

    fn delivered(
        &mut self,
        from: usize,
        to: usize,
        advert: &AdvertFrame,
        damaged: bool,
    ) {
        let facts = rfc::read(&advert.message, advert.source, advert.destination);
        if damaged {
            self.disturb();
            for group in &mut self.groups {
                group.loses(from, to, self.now);
            }
            self.boxes[to].refusals += 1;
            // One bit in 65,536 addresses makes one checksum rule look like the other: not our subject.
            self.tainted |= facts.is_some();
            return;
        }
        let family = Family::of(advert.source);
        let Some((facts, vr)) =
            facts.and_then(|facts| Some((self.group_of(family, facts.vrid)?, facts))).map(swap)
        else {
            self.boxes[to].refusals += 1;
            return;
        };
        let (now, clean) = (self.now, self.clean);
        let group = &mut self.groups[vr];
        let both = group.seen[from] == Is::Active && group.seen[to] == Is::Active;
        let usual = clean && self.net.connected(NodeId(from), NodeId(to)) && facts.priority > 0;
        let awake = !self.net.is_stalled(NodeId(from)) && self.boxes[to].woke.eq(&false);
        if both && usual && awake && group.clash[from][to].is_none() {
            // Whoever wins answers at once, unless it just did or was told not to: then with its next advert.
            let winner = &group.models[if loses(group, to, &facts, advert) { from } else { to }];
            let quick = winner.setup.answer_lower && now - winner.last_advert > ANSWER_GAP;
            let wait = if quick { 0 } else { winner.setup.interval * 102 / 100 };
            let until = now + wait + self.scenario.longest;
            group.clash[from][to] = Some((now, until));
            self.figures.clashes += 1;
        }
        // This one was sent no earlier than that: what was lost before does not count any more.
        let sent = now - self.scenario.longest;
        group.lost[from][to].retain(|lost| *lost >= sent);
        if !group.models[to].hear(now, facts.priority, facts.interval, advert.source) {
            self.boxes[to].refusals += 1;
        }
    }

    fn note(&mut self, node: usize, note: &Note) -> Check {
        let now = self.now;
        if let Note::Learned { address, holder } = note {
            for (group, one) in self.groups.iter_mut().zip(&self.scenario.virtuals) {
                for (believed, known) in group.believed.iter_mut().zip(&one.addresses) {
                    if known == address {
                        *believed = Some(*holder);
                    }
                }
            }
            return Ok(());
        }
        self.catch_up(node);
        if self.boxes[node].silent {
            return broken!(now, "9 reload", "n{node} loads what it has and says: {note}");
        }
        match note {
            Note::Refused { rule } => match self.boxes[node].refusals.checked_sub(1) {
                Some(rest) => self.boxes[node].refusals = rest,
                None => return broken!(now, "10 facts", "n{node} refuses a good packet: {rule}"),
            },
            Note::Transmits { key, what } => return self.transmits(node, *key, *what),
            Note::Installed { key, .. } => {
                let group = self.group_mut(*key);
                if group.seen[node] != Is::Active && group.step[node] != 1 {
                    return broken!(now, "7 addresses", "n{node} {key} installs without an advert");
                }
                group.installed[node] = true;
                group.step[node] = 2;
            }
            Note::Removed { key } => self.group_mut(*key).installed[node] = false,
            Note::Announced { key, why } => {
                let group = self.group_mut(*key);
                if !group.installed[node] {
                    return broken!(now, "7 addresses", "n{node} {key} announces what it has not");
                }
                let promotion = group.seen[node] != Is::Active;
                if promotion != (*why == Announce::Promotion) {
                    return broken!(now, "7 addresses", "n{node} {key} announces {why:?}");
                }
                group.step[node] = 3;
            }
            Note::State { key, from, to, .. } => return self.changed(node, *key, *from, *to),
            _ => {}
        }
        Ok(())
    }

    fn group_mut(&mut self, key: Key) -> &mut Group {
        let index = self.group_of(key.family, key.vrid).expect("one of ours");
        &mut self.groups[index]
    }

    fn transmits(&mut self, node: usize, key: Key, what: Transmit) -> Check {
        let now = self.now;
        let group = self.group_mut(key);
        let model = &mut group.models[node];
        if what == Transmit::Release {
            if group.seen[node] != Is::Active || !model.turn.may_release {
                let is = model.is;
                return broken!(now, "4 hand-over", "n{node} {key} releases and is to be {is:?}");
            }
            return Ok(());
        }
        if group.seen[node] != Is::Active {
            group.step[node] = 1;
        }
        if !model.sends(now) {
            let (is, due, deadline) = (model.is, model.due, model.deadline());
            return broken!(
                now,
                if is == Is::Backup { "3 takeover" } else { "3 adverts" },
                "n{node} {key} advertises and is to be {is:?} (advert due {due:?}, down {deadline})"
            );
        }
        Ok(())
    }

    fn changed(&mut self, node: usize, key: Key, from: State, to: State) -> Check {
        let now = self.now;
        self.figures.transitions += 1;
        let settled = self.is_settled();
        let (last_fault, longest, jitter) =
            (self.last_fault, self.scenario.longest, self.scenario.jitter);
        let index = self.group_of(key.family, key.vrid).expect("one of ours");
        if settled {
            return broken!(now, "2 no change", "n{node} {key} goes to {to:?} in a calm network");
        }
        let group = &mut self.groups[index];
        group.judged = false;
        group.host_judged = false;
        let is = match to {
            State::Initialize => Is::Initialize,
            State::Backup => Is::Backup,
            State::Active => Is::Active,
        };
        group.seen[node] = is;
        let step = core::mem::take(&mut group.step[node]);
        group.believe = None;
        if is != Is::Active {
            if group.installed[node] {
                return broken!(now, "7 addresses", "n{node} {key} is {to:?} and has the addresses");
            }
            group.clash[node].fill(None);
            group.clash.iter_mut().for_each(|row| row[node] = None);
            return Ok(());
        }
        group.active_since[node] = now;
        if step != 3 {
            return broken!(now, "7 addresses", "n{node} {key} Active after step {step} of 3");
        }
        let model = &group.models[node];
        if from == State::Backup && !model.heard_release() {
            let skew = rfc::skew(model.setup.version, model.waited(), model.priority());
            // An advert that went along early with another virtual router's makes a longer gap.
            let early = match self.scenario.virtuals.len() {
                1 => 0,
                _ => early(model.waited()),
            };
            let least = model.setup.down_adverts - i64::from(jitter + early + 1 >= skew);
            for (other, peer) in group.models.iter().enumerate() {
                let live = group.seen[other] == Is::Active
                    && other != node
                    && group.active_since[other] < model.armed - longest
                    && last_fault < model.armed - 2 * peer.setup.interval
                    && self.net.hears(NodeId(other), NodeId(node))
                    && (peer.priority() >= model.priority() || !model.preempts())
                    && model.armed_by == Some(peer.setup.address);
                let lost = group.lost[other][node].len() as i64;
                if live && lost < least && !model.weighed_since_armed() {
                    return broken!(
                        now,
                        "6 no false alarm",
                        "n{node} {key} takes over from n{other} after {lost} lost adverts"
                    );
                }
            }
        }
        if let Some(takeover) = group.takeover.take_if(|takeover| takeover.from != node) {
            if takeover.graceful {
                self.figures.hand_overs += 1;
            } else {
                self.figures.takeovers += 1;
                let late = now - takeover.due;
                self.figures.latest = self.figures.latest.max((late, self.scenario.seed));
                let hears = |host| self.net.is_running(host) && self.net.connected(host, NodeId(node));
                if self.clean && self.scenario.host().is_some_and(hears) {
                    group.believe = Some((now + longest, node));
                }
            }
        }
        Ok(())
    }

    fn sent(&mut self, node: usize, advert: &AdvertFrame) -> Check {
        let now = self.now;
        self.figures.adverts += 1;
        let Some(facts) = rfc::read(&advert.message, advert.source, advert.destination) else {
            return broken!(now, "10 facts", "n{node} sends {:02x?}", advert.message);
        };
        let Some(vr) = self.group_of(Family::of(advert.source), facts.vrid) else {
            return broken!(now, "10 facts", "n{node} sends for another virtual router: {facts:?}");
        };
        let (model, one) = (&self.groups[vr].models[node], &self.scenario.virtuals[vr]);
        let priority = if facts.priority == 0 { 0 } else { model.priority() };
        let expected = rfc::Facts {
            version: one.version,
            vrid: one.vrid,
            priority,
            interval: model.setup.interval,
            addresses: one.addresses.clone(),
        };
        let released = facts.priority == 0 && !model.turn.may_release;
        if facts != expected || released || advert.source != model.setup.address {
            return broken!(now, "10 facts", "n{node} sends {facts:?} instead of {expected:?}");
        }
        Ok(())
    }

    fn settled(&mut self, node: usize) -> Check {
        self.catch_up(node);
        let now = self.now;
        let refusals = core::mem::take(&mut self.boxes[node].refusals);
        if refusals > 0 {
            return broken!(now, "10 facts", "n{node} accepts {refusals} packets it must refuse");
        }
        self.boxes[node].silent = false;
        for group in &mut self.groups {
            let (key, seen) = (group.key, group.seen[node]);
            let model = &mut group.models[node];
            if let Some((one, other)) = model.turn.either
                && (seen == one || seen == other)
            {
                model.adopt(now, seen);
            }
            if model.is != seen {
                let (is, deadline) = (model.is, model.deadline());
                let rule = match (is, seen) {
                    (Is::Backup, Is::Active) => "3 takeover",
                    (Is::Active, Is::Backup) => "2 displaced",
                    _ => "1 state",
                };
                return broken!(
                    now,
                    rule,
                    "n{node} {key} is {seen:?} and should be {is:?} (down timer {deadline} ns)"
                );
            }
            let Turn { owed, sent, .. } = core::mem::take(&mut model.turn);
            if sent < owed {
                return broken!(now, "5 answer", "n{node} {key} owes {owed} adverts, sent {sent}");
            }
            if group.installed[node] != (seen == Is::Active) {
                let has = group.installed[node];
                return broken!(now, "7 addresses", "n{node} {key} is {seen:?}, installed: {has}");
            }
            if group.step[node] != 0 && seen != Is::Active {
                return broken!(now, "7 addresses", "n{node} {key} half way to Active");
            }
            group.step[node] = 0;
        }
        Ok(())
    }

    fn off(&mut self, node: usize) {
        self.boxes[node].missed.clear();
        self.boxes[node].woke = false;
        self.boxes[node].stalled = false;
        self.boxes[node].refusals = 0;
        for group in &mut self.groups {
            group.models[node].is = Is::Off;
            group.models[node].turn = Turn::default();
            group.seen[node] = Is::Off;
            group.installed[node] = false;
            group.step[node] = 0;
        }
    }
}

impl Observer<Station> for Oracle<'_> {
    fn observe(&mut self, now: Instant, record: &Record<'_, Station>, net: &Net) -> Check {
        if self.tainted {
            return Ok(());
        }
        let routers = self.boxes.len();
        if now.as_nanos() > self.now {
            self.time_passes(now.as_nanos())?;
        }
        match record {
            Record::Fault(fault) => self.fault(fault, net)?,
            Record::Delivered { from, to, frame: Frame::Advert(advert), damaged } => {
                if to.0 < routers {
                    self.delivered(from.0, to.0, advert, *damaged);
                }
            }
            Record::Sent { from, frame: Frame::Advert(advert), .. } => self.sent(from.0, advert)?,
            Record::Lost { from, to, frame, why } => {
                if matches!(why, Lost::Chance | Lost::QueueFull | Lost::Damaged) {
                    self.disturb();
                }
                if let (Frame::Advert(advert), true) = (frame, to.0 < routers)
                    && let Some(vr) =
                        self.group_of(Family::of(advert.source), advert.message[1])
                {
                    self.groups[vr].loses(from.0, to.0, self.now);
                }
            }
            Record::Woke(node) if node.0 < routers => {
                self.net = net.clone();
                self.disturb();
                self.last_fault = self.now;
                self.boxes[node.0].woke = true;
                self.boxes[node.0].stalled = false;
            }
            Record::Timer(node) if node.0 < routers => {
                self.catch_up(node.0);
                for group in &mut self.groups {
                    group.models[node.0].timer(self.now);
                }
            }
            Record::Note { node, note } => self.note(node.0, note)?,
            Record::Settled(node) => {
                if !self.net.is_running(*node) {
                    // The first turn of a node that was started.
                    self.net = net.clone();
                }
                if node.0 < routers {
                    self.settled(node.0)?;
                }
            }
            Record::Off(node) => {
                self.net = net.clone();
                if node.0 < routers {
                    self.off(node.0);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn swap<A, B>((a, b): (A, B)) -> (B, A) {
    (b, a)
}

fn loses(group: &Group, node: usize, facts: &rfc::Facts, advert: &AdvertFrame) -> bool {
    let own = (group.models[node].priority(), group.models[node].setup.address);
    (facts.priority, advert.source) > own
}

fn setup(scenario: &Scenario, vr: usize, node: usize) -> Setup {
    let one = &scenario.virtuals[vr];
    let member = &one.members[node];
    let address: IpAddr = scenario.lan.address(NodeId(node), one.family).expect("planned");
    Setup {
        version: one.version,
        address,
        interval: member.interval(),
        down_adverts: one.down_adverts,
        base: i64::from(member.priority),
        preempt: member.preempt,
        answer_lower: one.answer_lower,
        advert_on_yield: one.advert_on_yield,
    }
}

fn reload(model: &mut Model, now: i64, config: &InstanceConfig) {
    if let Role::Backup { priority, preempt } = config.role {
        model.change(now, |model| {
            model.setup.base = i64::from(priority.get());
            model.setup.preempt = preempt;
        });
    }
}
