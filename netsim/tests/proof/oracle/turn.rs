//! The local rules: what one turn of a node may and must contain.

use netsim::vrrp::{AdvertFrame, Key, Note, Order};
use netsim::{Instant, NodeId, Violation};
use vrrp_fsm::proto::Family;
use vrrp_fsm::{Announce, Event, InstanceConfig, Role, State, Transmit};

use super::{Check, Group, Missed, Oracle};
use crate::proof::model::{ANSWER_GAP, Is, Model, Turn};
use crate::proof::rfc;

impl Oracle<'_> {
    pub(super) fn tell(&mut self, NodeId(node): NodeId, what: Missed) {
        if node >= self.seats.len() {
            return;
        }
        if let Missed::Link(up) = what
            && self
                .groups
                .iter()
                .all(|group| group.models[node].unplugged != up)
            && self.seats[node].missed.is_empty()
        {
            // No change; a stalled node may have several changes waiting.
            return;
        }
        if !self.net.is_running(NodeId(node)) {
            return;
        }
        if self.net.is_stalled(NodeId(node)) {
            self.seats[node].missed.push(what);
        } else {
            self.reach(node, &what);
        }
    }

    pub(super) fn reach(&mut self, node: usize, what: &Missed) {
        let now = self.now;
        if self.scenario.grouped
            && let Missed::Order(Order::Event(event) | Order::Of(_, event)) = what
        {
            let told: Vec<usize> = (0..self.groups.len())
                .filter(|vr| !matches!(what, Missed::Order(Order::Of(key, _)) if *key != self.groups[*vr].key))
                .collect();
            self.tell_group(node, &told, *event);
            return;
        }
        if let Missed::Order(Order::Reload(configs)) = what {
            let same = *configs == self.seats[node].configs;
            self.seats[node].silent = same && !self.seats[node].woke;
            self.seats[node].configs.clone_from(configs);
        }
        for (vr, group) in self.groups.iter_mut().enumerate() {
            let model = &mut group.models[node];
            match what {
                Missed::Stop => model.fault(now),
                Missed::Link(up) => {
                    model.unplugged = !up;
                    if *up {
                        model.fault_cleared(now);
                    } else {
                        model.fault(now);
                    }
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

    /// Some members of a group are told something: what is one's fault is everybody's.
    fn tell_group(&mut self, node: usize, told: &[usize], event: Event) {
        let now = self.now;
        let faulted = &mut self.seats[node].faulted;
        match event {
            Event::Fault(_) => faulted.extend(told),
            Event::FaultCleared(_) => faulted.retain(|vr| !told.contains(vr)),
            _ => {}
        }
        let any = !faulted.is_empty();
        for (vr, group) in self.groups.iter_mut().enumerate() {
            let model = &mut group.models[node];
            match event {
                Event::Adjust(weight) if told.contains(&vr) => {
                    model.change(now, |model| model.weight = i64::from(weight));
                }
                Event::Fault(_) | Event::FaultCleared(_) if any != model.faulted => {
                    model.faulted = any;
                    if any {
                        model.fault(now);
                    } else {
                        model.fault_cleared(now);
                    }
                }
                Event::AddressLost => model.address_lost(now),
                _ => {}
            }
        }
    }

    /// Invariant 8: members are the same after every turn, but for those of a node that is off.
    fn members_agree(&self, node: usize) -> Check {
        if !self.scenario.grouped {
            return Ok(());
        }
        let states: Vec<Is> = self.groups.iter().map(|group| group.seen[node]).collect();
        let first = states.first().copied().unwrap_or(Is::Off);
        if states.iter().any(|state| *state != first) {
            return broken!(self.now, "8 group", "the members of n{node} are {states:?}");
        }
        Ok(())
    }

    /// After the queued frames of a stalled node come the other things that it missed.
    pub(super) fn catch_up(&mut self, node: usize) {
        if !core::mem::take(&mut self.seats[node].woke) {
            return;
        }
        self.seats[node].woke = false;
        let missed = core::mem::take(&mut self.seats[node].missed);
        for what in missed {
            self.reach(node, &what);
            self.seats[node].silent = false;
            if matches!(what, Missed::Stop) {
                break;
            }
        }
    }

    pub(super) fn delivered(
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
            self.seats[to].refusals += 1;
            // One bit in 65,536 addresses makes one checksum rule look like the other: not our subject.
            self.tainted |= facts.is_some();
            return;
        }
        let family = Family::of(advert.source);
        let Some((facts, vr)) = facts
            .and_then(|facts| Some((self.group_of(family, facts.vrid)?, facts)))
            .map(swap)
        else {
            self.seats[to].refusals += 1;
            return;
        };
        let (now, clean) = (self.now, self.clean);
        let group = &mut self.groups[vr];
        let both = group.seen[from] == Is::Active && group.seen[to] == Is::Active;
        let usual = clean && self.net.connected(NodeId(from), NodeId(to)) && facts.priority > 0;
        let awake = !self.seats[from].stalled && !self.seats[to].woke;
        // What was on its way during a fault may carry a priority that is not true any more.
        let fresh = now - self.scenario.longest > self.last_fault;
        if both && usual && awake && fresh && group.clash[from][to].is_none() {
            // Whoever wins answers at once, unless it just did or was told not to: then with its next advert.
            let winner = &group.models[if loses(group, to, &facts, advert) {
                from
            } else {
                to
            }];
            let quick = winner.setup.answer_lower && now - winner.last_advert > ANSWER_GAP;
            let wait = if quick {
                0
            } else {
                winner.setup.interval * 102 / 100
            };
            let until = now + wait + self.scenario.longest;
            group.clash[from][to] = Some((now, until));
            self.figures.clashes += 1;
        }
        // This one was sent no earlier than that: what was lost before does not count any more.
        let sent = now - self.scenario.longest;
        group.lost[from][to].retain(|lost| *lost >= sent);
        if !group.models[to].hear(now, facts.priority, facts.interval, advert.source) {
            self.seats[to].refusals += 1;
        }
    }

    pub(super) fn note(&mut self, node: usize, note: &Note) -> Check {
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
        if self.seats[node].silent {
            return broken!(
                now,
                "9 reload",
                "n{node} loads what it has and says: {note}"
            );
        }
        match note {
            Note::Refused { rule } => match self.seats[node].refusals.checked_sub(1) {
                Some(rest) => self.seats[node].refusals = rest,
                None => return broken!(now, "10 facts", "n{node} refuses a good packet: {rule}"),
            },
            Note::Transmits { key, what } => return self.transmits(node, *key, *what),
            Note::Installed { key, .. } => {
                let waits = |group: &Group| group.step[node] == 0 && group.seen[node] != Is::Active;
                if self.scenario.grouped && self.groups.iter().any(waits) {
                    return broken!(
                        now,
                        "8 group",
                        "n{node} {key} installs before all members have advertised"
                    );
                }
                let group = self.group_mut(*key);
                if group.seen[node] != Is::Active && group.step[node] != 1 {
                    return broken!(
                        now,
                        "7 addresses",
                        "n{node} {key} installs without an advert"
                    );
                }
                group.installed[node] = true;
                group.step[node] = 2;
            }
            Note::Removed { key } => self.group_mut(*key).installed[node] = false,
            Note::Announced { key, why } => {
                let group = self.group_mut(*key);
                if !group.installed[node] {
                    return broken!(
                        now,
                        "7 addresses",
                        "n{node} {key} announces what it has not"
                    );
                }
                let promotion = group.seen[node] != Is::Active;
                if promotion != (*why == Announce::Promotion) {
                    return broken!(now, "7 addresses", "n{node} {key} announces {why:?}");
                }
                group.step[node] = 3;
                group.models[node].announced(now);
            }
            Note::Group { to, .. } => {
                let is = state_of(*to);
                let seen = self.groups.iter().map(|group| group.seen[node]);
                if seen.clone().any(|seen| seen != is) {
                    let seen: Vec<Is> = seen.collect();
                    return broken!(
                        now,
                        "8 group",
                        "the group of n{node} is {to:?}, its members {seen:?}"
                    );
                }
            }
            Note::State { key, from, to, .. } => return self.changed(node, *key, *from, *to),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn transmits(&mut self, node: usize, key: Key, what: Transmit) -> Check {
        let (now, weak) = (self.now, self.weak);
        let group = self.group_mut(key);
        let model = &mut group.models[node];
        if what == Transmit::Release {
            if weak {
                return Ok(());
            }
            if group.seen[node] != Is::Active || !model.turn.may_release {
                let is = model.is;
                return broken!(
                    now,
                    "4 hand-over",
                    "n{node} {key} releases and is to be {is:?}"
                );
            }
            model.turn.released = true;
            return Ok(());
        }
        if group.seen[node] != Is::Active {
            group.step[node] = 1;
        }
        if weak {
            model.last_advert = now;
            return Ok(());
        }
        if !model.sends(now) {
            let (is, due, deadline) = (model.is, model.due, model.deadline());
            let rule = match (is, group.before[node]) {
                (Is::Backup, _) if model.turn.woke => "8 stall",
                (Is::Backup, Is::Active) => "5 clash",
                (Is::Backup, _) => "3 takeover",
                _ => "3 adverts",
            };
            return broken!(
                now,
                rule,
                "n{node} {key} advertises and is to be {is:?} (advert due {due:?}, down {deadline})"
            );
        }
        Ok(())
    }

    pub(super) fn changed(&mut self, node: usize, key: Key, from: State, to: State) -> Check {
        let now = self.now;
        self.figures.transitions += 1;
        let settled = self.is_settled();
        let (last_fault, longest, jitter) =
            (self.last_fault, self.scenario.longest, self.scenario.jitter);
        let index = self.group_of(key.family, key.vrid).expect("one of ours");
        if settled {
            return broken!(
                now,
                "2 no change",
                "n{node} {key} goes to {to:?} in a calm network"
            );
        }
        let group = &mut self.groups[index];
        group.judged = false;
        group.host_judged = false;
        let is = state_of(to);
        group.seen[node] = is;
        let step = core::mem::take(&mut group.step[node]);
        group.believe = None;
        if is != Is::Active {
            if group.installed[node] {
                return broken!(
                    now,
                    "7 addresses",
                    "n{node} {key} is {to:?} and has the addresses"
                );
            }
            group.clash[node].fill(None);
            group.clash.iter_mut().for_each(|row| row[node] = None);
            return Ok(());
        }
        group.active_since[node] = now;
        if step != 3 {
            return broken!(
                now,
                "7 addresses",
                "n{node} {key} Active after step {step} of 3"
            );
        }
        let model = &group.models[node];
        if from == State::Backup && !model.heard_release() {
            let skew = rfc::skew(model.setup.version, model.waited(), model.priority());
            let least = model.setup.down_adverts - i64::from(jitter + 1 >= skew);
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
                let hears =
                    |host| self.net.is_running(host) && self.net.connected(host, NodeId(node));
                if self.clean && self.scenario.host().is_some_and(hears) {
                    group.believe = Some((now + longest, node));
                }
            }
        }
        Ok(())
    }

    pub(super) fn sent(&mut self, node: usize, advert: &AdvertFrame) -> Check {
        let now = self.now;
        self.figures.adverts += 1;
        let Some(facts) = rfc::read(&advert.message, advert.source, advert.destination) else {
            return broken!(now, "10 facts", "n{node} sends {:02x?}", advert.message);
        };
        let Some(vr) = self.group_of(Family::of(advert.source), facts.vrid) else {
            return broken!(
                now,
                "10 facts",
                "n{node} sends for another virtual router: {facts:?}"
            );
        };
        let (model, one) = (&self.groups[vr].models[node], &self.scenario.virtuals[vr]);
        let priority = if facts.priority == 0 {
            0
        } else {
            model.priority()
        };
        let expected = rfc::Facts {
            version: one.version,
            vrid: one.vrid,
            priority,
            interval: model.setup.interval,
            addresses: one.addresses.clone(),
        };
        let released = facts.priority == 0 && !model.turn.may_release;
        if facts != expected || released || advert.source != model.setup.address {
            return broken!(
                now,
                "10 facts",
                "n{node} sends {facts:?} instead of {expected:?}"
            );
        }
        Ok(())
    }

    pub(super) fn settled(&mut self, node: usize) -> Check {
        self.catch_up(node);
        let now = self.now;
        let refusals = core::mem::take(&mut self.seats[node].refusals);
        if refusals > 0 {
            return broken!(
                now,
                "10 facts",
                "n{node} accepts {refusals} packets it must refuse"
            );
        }
        self.seats[node].silent = false;
        let weak = self.weak;
        for group in &mut self.groups {
            let (key, seen) = (group.key, group.seen[node]);
            let model = &mut group.models[node];
            if let Some((one, other)) = model.turn.either
                && (seen == one || seen == other)
            {
                model.adopt(now, seen);
            }
            if model.is != seen && weak {
                model.follow(now, seen);
            }
            if model.is != seen {
                let (is, deadline) = (model.is, model.deadline());
                let rule = match (is, seen, group.before[node]) {
                    (Is::Backup, Is::Active, _) if model.turn.woke => "8 stall",
                    (Is::Backup, Is::Active, Is::Active) => "5 clash",
                    (Is::Backup, Is::Active, _) => "3 takeover",
                    (Is::Active, Is::Backup, Is::Active) => "2 displaced",
                    (Is::Active, Is::Backup, _) => "3 takeover",
                    _ => "1 state",
                };
                return broken!(
                    now,
                    rule,
                    "n{node} {key} is {seen:?} and should be {is:?} (down timer {deadline} ns)"
                );
            }
            group.before[node] = seen;
            let turn = core::mem::take(&mut model.turn);
            if turn.sent < turn.owed && !weak {
                let Turn { owed, sent, .. } = turn;
                return broken!(
                    now,
                    "5 answer",
                    "n{node} {key} owes {owed} adverts, sent {sent}"
                );
            }
            if turn.owes_release && !turn.released && !weak {
                return broken!(now, "4 hand-over", "n{node} {key} goes without a release");
            }
            if turn.owes_announcement && !turn.announced && !weak {
                return broken!(now, "7 reach", "n{node} {key} has to announce again");
            }
            if group.installed[node] != (seen == Is::Active) {
                let has = group.installed[node];
                return broken!(
                    now,
                    "7 addresses",
                    "n{node} {key} is {seen:?}, installed: {has}"
                );
            }
            if group.step[node] != 0 && seen != Is::Active {
                return broken!(now, "7 addresses", "n{node} {key} half way to Active");
            }
            group.step[node] = 0;
        }
        self.members_agree(node)
    }

    pub(super) fn off(&mut self, node: usize) {
        self.seats[node].missed.clear();
        self.seats[node].woke = false;
        self.seats[node].stalled = false;
        self.seats[node].refusals = 0;
        for group in &mut self.groups {
            group.models[node].is = Is::Off;
            group.models[node].turn = Turn::default();
            group.seen[node] = Is::Off;
            group.before[node] = Is::Off;
            group.installed[node] = false;
            group.step[node] = 0;
        }
    }
}

fn state_of(state: State) -> Is {
    match state {
        State::Initialize => Is::Initialize,
        State::Backup => Is::Backup,
        State::Active => Is::Active,
    }
}

fn swap<A, B>((a, b): (A, B)) -> (B, A) {
    (b, a)
}

fn loses(group: &Group, node: usize, facts: &rfc::Facts, advert: &AdvertFrame) -> bool {
    let own = (
        group.models[node].priority(),
        group.models[node].setup.address,
    );
    (facts.priority, advert.source) > own
}

fn reload(model: &mut Model, now: i64, config: &InstanceConfig) {
    if let Role::Backup { priority, preempt } = config.role {
        model.change(now, |model| {
            model.setup.base = i64::from(priority.get());
            model.setup.preempt = preempt;
        });
    }
}
