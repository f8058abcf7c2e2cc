//! Looks on, and writes the document.

mod holders;
mod incidents;
mod notes;
mod reach;
mod rules;
mod takeovers;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use keepalived_driver::InstanceSetup;
use netsim::vrrp::Frame;
use netsim::{Instant, Lost, Net, Observer, Record};

use super::document::{
    Advert, Conflict, Event, Incident, Instance, Outage, Span, State, Takeover, Totals, Unanswered,
    Unreached, Violation,
};
use super::frame::Carried;
use super::station::Station;
use super::topology::{Setup, Shared};

use holders::Contested;
use reach::Reach;
use rules::Watch;

/// Most adverts that are kept.
const ADVERTS: usize = 2_000;
/// Most of every other list that is kept.
const LIMIT: usize = 5_000;

/// One virtual router on one node.
#[derive(Clone, Debug)]
struct Seat {
    /// The node has it, in one of its files.
    member: bool,
    state: State,
    since: Duration,
    reason: String,
    priority: u8,
    /// When its down timer began to run, and the lowest priority since.
    armed: Duration,
    lowest: u8,
    /// The first advert with a lower priority, if none but such have come since.
    lower: Option<Duration>,
    /// The interval of the advert that did it, if one did.
    interval: Option<Duration>,
    /// Only the skew time has to pass.
    short: bool,
    /// It has heard an advert since it runs.
    heard: bool,
}

/// What a run has come to.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// How long the run was.
    pub(super) length: Duration,
    pub(super) spans: Vec<Span>,
    pub(super) adverts: Vec<Advert>,
    pub(super) adverts_left_out: u64,
    pub(super) incidents: Vec<Incident>,
    pub(super) events: Vec<Event>,
    pub(super) events_left_out: u64,
    pub(super) takeovers: Vec<Takeover>,
    pub(super) outages: Vec<Outage>,
    pub(super) never_reached: Vec<Unreached>,
    pub(super) unanswered: Vec<Unanswered>,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) handovers: Vec<Conflict>,
    pub(super) violations: Vec<Violation>,
    pub(super) totals: Totals,
}

impl Found {
    /// Several were MASTER, or held an address: for no longer than a handover takes, or for longer.
    fn contested(&mut self, handover: bool, conflict: Conflict) {
        let list = match handover {
            true => &mut self.handovers,
            false => &mut self.conflicts,
        };
        // What has no length has not been.
        if list.len() < LIMIT && !conflict.length.is_zero() {
            list.push(conflict);
        }
    }
}

/// The time that is in any of them; in the order of their beginnings.
fn covered(conflicts: &[Conflict]) -> Duration {
    let mut seen = Duration::ZERO;
    let mut until = Duration::ZERO;
    for one in conflicts {
        let end = one.from + one.length;
        seen += end.saturating_sub(until.max(one.from));
        until = until.max(end);
    }
    seen
}

/// The observer.
pub(super) struct Recorder<'a> {
    shared: Shared,
    names: &'a [String],
    wires: &'a [String],
    instances: &'a [Instance],
    /// Keep what only a reader wants to know.
    detailed: bool,
    /// The longest delay of a wire, and whether it loses frames.
    delay: Duration,
    clean: bool,
    now: Duration,
    /// By node and virtual router.
    seats: Vec<Vec<Seat>>,
    ran: Vec<bool>,
    /// Until when each node is frozen.
    frozen: Vec<Option<Duration>>,
    /// The node that is being killed at this moment.
    killed: Option<usize>,
    /// When each node was last held up.
    held_up: Vec<Option<Duration>>,
    /// When each node last took another file.
    reloaded: Vec<Duration>,
    last_master: Vec<Option<usize>>,
    last_advert: Vec<Vec<Option<Duration>>>,
    every: usize,
    sent: usize,
    /// Incidents and events so far.
    happened: u64,
    told: BTreeSet<(usize, usize, &'static str)>,
    watch: Vec<Watch>,
    /// Adverts that the wire has lost at this moment: from whom, to whom.
    just_lost: (Duration, Vec<(usize, usize)>),
    reach: Reach,
    contested: Vec<Contested>,
    found: Found,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(
        shared: Shared,
        names: &'a [String],
        wires: &'a [String],
        instances: &'a [Instance],
    ) -> Self {
        let nodes = names.len();
        let seat = |instance: &Instance, node: usize| {
            let mut members = instance.members.iter();
            let member = members.find(|member| member.node == node);
            Seat {
                member: member.is_some(),
                state: State::Off,
                since: Duration::ZERO,
                reason: String::new(),
                priority: member.map_or(0, |member| member.priority),
                armed: Duration::ZERO,
                lowest: member.map_or(0, |member| member.priority),
                lower: None,
                interval: None,
                short: false,
                heard: false,
            }
        };
        let seats = |node| instances.iter().map(|one| seat(one, node)).collect();
        let reach = Reach::new(&shared.topology);
        let contested = holders::contested(&shared.topology);
        Self {
            shared,
            names,
            wires,
            instances,
            detailed: true,
            delay: Duration::ZERO,
            clean: true,
            now: Duration::ZERO,
            seats: (0..nodes).map(seats).collect(),
            ran: vec![false; nodes],
            frozen: vec![None; nodes],
            killed: None,
            held_up: vec![None; nodes],
            reloaded: vec![Duration::ZERO; nodes],
            last_master: vec![None; instances.len()],
            last_advert: vec![vec![None; nodes]; instances.len()],
            every: 1,
            sent: 0,
            happened: 0,
            told: BTreeSet::new(),
            watch: vec![Watch::default(); instances.len()],
            just_lost: Default::default(),
            reach,
            contested,
            found: Found::default(),
        }
    }

    /// What the wires are like.
    pub(super) fn on(mut self, delay: Duration, clean: bool) -> Self {
        (self.delay, self.clean) = (delay, clean);
        self
    }

    /// Keeps no adverts and no events.
    pub(super) fn brief(mut self) -> Self {
        self.detailed = false;
        self
    }

    /// The end, and what it has come to.
    pub(super) fn finish(mut self, end: Duration, net: &Net) -> Found {
        self.now = end;
        self.found.length = end;
        for place in 0..self.instances.len() {
            self.watch(place, net, true);
        }
        self.judge_holders(net, true);
        self.end_outages(net);
        for node in 0..self.names.len() {
            for place in 0..self.instances.len() {
                self.close(node, place);
            }
        }
        self.found
            .spans
            .sort_by_key(|span| (span.since, span.node, span.instance));
        self.found.conflicts.sort_by_key(|conflict| conflict.from);
        self.found.handovers.sort_by_key(|conflict| conflict.from);
        self.found.outages.sort_by_key(|outage| outage.from);
        self.found.unanswered.sort_by_key(|one| one.from);
        let totals = &mut self.found.totals;
        totals.conflict_total = self.found.conflicts.iter().map(|one| one.length).sum();
        totals.conflict_any = covered(&self.found.conflicts);
        self.found
    }

    /// A run ended because of this.
    pub(super) fn object(&mut self, rule: &'static str, text: String) {
        debug_assert!(
            super::RULES.iter().any(|(known, _)| *known == rule),
            "{rule}"
        );
        if self.found.violations.len() < LIMIT {
            let at = self.now;
            self.found.violations.push(Violation { at, rule, text });
        }
    }

    fn name(&self, node: usize) -> &str {
        self.names.get(node).map_or("?", String::as_str)
    }

    /// How a virtual router is called on a node.
    fn title(&self, node: usize, place: usize) -> &str {
        let Some(instance) = self.instances.get(place) else {
            return "?";
        };
        let mut members = instance.members.iter();
        let member = members.find(|member| member.node == node);
        member.map_or(&instance.name, |member| &member.name)
    }

    fn seat(&mut self, node: usize, place: usize) -> Option<&mut Seat> {
        self.seats.get_mut(node)?.get_mut(place)
    }

    /// The file that a node runs.
    fn runs(&self, node: usize) -> Option<&Arc<Setup>> {
        let file = *self.shared.facts.borrow().runs.get(node)?;
        self.shared.topology.setups.get(node)?.get(file)
    }

    /// The instance of a node as it is configured now.
    fn setup(&self, node: usize, place: usize) -> Option<Arc<InstanceSetup>> {
        let setup = self.runs(node)?;
        let local = setup.places.iter().position(|known| *known == place)?;
        setup.driver.instances.get(local).map(Arc::clone)
    }

    /// The place of what happens now among all that happens.
    const fn happens(&mut self) -> u64 {
        self.happened += 1;
        self.happened
    }

    fn event(&mut self, node: Option<usize>, instance: Option<usize>, text: String) {
        if !self.detailed {
            return;
        }
        if self.found.events.len() >= LIMIT {
            self.found.events_left_out += 1;
            return;
        }
        let (at, order) = (self.now, self.happens());
        self.found.events.push(Event {
            at,
            order,
            node,
            instance,
            text,
        });
    }

    /// A span ends.
    fn close(&mut self, node: usize, place: usize) {
        let now = self.now;
        let Some(seat) = self.seat(node, place).filter(|seat| seat.member) else {
            return;
        };
        let span = Span {
            node,
            instance: place,
            state: seat.state,
            since: seat.since,
            until: now,
            reason: std::mem::take(&mut seat.reason),
        };
        seat.since = now;
        if span.until > span.since && self.found.spans.len() < LIMIT * 2 {
            self.found.spans.push(span);
        }
    }

    fn enter(&mut self, node: usize, place: usize, state: State, reason: String) {
        self.close(node, place);
        if let Some(seat) = self.seat(node, place) {
            seat.state = state;
            seat.reason = reason;
        }
    }
}

impl Observer<Station> for Recorder<'_> {
    fn observe(
        &mut self,
        now: Instant,
        record: &Record<'_, Station>,
        net: &Net,
    ) -> Result<(), netsim::Violation> {
        self.now = now.saturating_duration_since(Instant::ZERO);
        match record {
            Record::Note { node, note } => self.note(node.0, note, net),
            Record::Fault(fault) => self.fault(fault, net),
            Record::Off(node) => self.off(node.0, net),
            Record::Woke(node) => {
                let at = self.now;
                if let Some(held_up) = self.held_up.get_mut(node.0) {
                    *held_up = Some(at);
                }
                self.thaw(node.0);
                self.event(Some(node.0), None, "runs again".to_owned());
                for place in 0..self.instances.len() {
                    self.disturb(place, net);
                }
                self.judge(net);
            }
            Record::Lost {
                from,
                to,
                frame,
                why: why @ (Lost::Chance | Lost::Cut | Lost::QueueFull),
            } if matches!(frame.carries, Carried::Vrrp(Frame::Advert(_))) => {
                self.found.totals.adverts_lost += 1;
                if *why == Lost::Chance {
                    self.missed(to.0, from.0);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_with_two_conflicts_counts_once() {
        let s = Duration::from_secs;
        let conflict = |from, length| Conflict {
            instance: 0,
            address: None,
            nodes: vec![0, 1],
            from: s(from),
            until: None,
            length: s(length),
            why: String::new(),
        };
        let all = [
            conflict(1, 4),
            conflict(2, 1),
            conflict(3, 4),
            conflict(9, 1),
        ];
        assert_eq!(covered(&all), s(7));
        assert_eq!(covered(&[]), Duration::ZERO);
    }
}
