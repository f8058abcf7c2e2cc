//! What must not be: two MASTERs between whom frames pass, or none while somebody could be.

use std::time::Duration;

use netsim::{Net, NodeId};
use vrrp_fsm::Transport;

use super::super::document::{Conflict, State};
use super::Recorder;
use crate::nodes::counted;

/// What one virtual router is watched for.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// Several are MASTER: who, since when, and why that is.
    conflict: Option<Open>,
    /// Since when nobody is, although somebody could be.
    nobody: Option<Duration>,
}

#[derive(Clone, Debug)]
struct Open {
    nodes: Vec<usize>,
    from: Duration,
    why: String,
    /// Since when two of them could hear each other.
    hear: Option<Duration>,
    /// When the first advert arrived since then, and whether one was lost by chance.
    arrived: Option<Duration>,
    missed: bool,
    /// Adverts between them that the wire has lost by chance, and whether there is no other reason than that they have
    /// yet to hear each other.
    lost: u64,
    yet: bool,
}

/// Beside all that is known: the time within one turn.
pub(super) const TURN: Duration = Duration::from_millis(1);

impl Recorder<'_> {
    /// The network has changed: what was due before need not be any more.
    pub(super) fn disturb(&mut self, place: usize, net: &Net) {
        self.watch(place, net, false);
        let now = self.now;
        if let Some(watch) = self.watch.get_mut(place) {
            watch.nobody = watch.nobody.map(|_| now);
        }
    }

    /// Who is what has changed, or who hears whom.
    pub(super) fn watch(&mut self, place: usize, net: &Net, end: bool) {
        let Some(mut watch) = self.watch.get_mut(place).map(std::mem::take) else {
            return;
        };
        let now = self.now;
        let in_state = |state: State| {
            let seats = self.seats.iter().enumerate();
            let of = move |(node, seats): (usize, &Vec<super::Seat>)| {
                (seats.get(place)?.state == state).then_some(node)
            };
            seats.filter_map(of).collect::<Vec<usize>>()
        };
        let (masters, backups) = (in_state(State::Master), in_state(State::Backup));
        let awake = |node: &usize| net.is_running(NodeId(*node)) && !net.is_stalled(NodeId(*node));
        let pairs = masters.iter().enumerate().flat_map(|(nth, one)| {
            masters
                .iter()
                .skip(nth + 1)
                .map(move |other| (*one, *other))
        });
        let pairs: Vec<(usize, usize)> = pairs.collect();
        let hear = pairs.iter().any(|(one, other)| {
            awake(one) && awake(other) && self.connected(*one, *other, place, net)
        });
        let again = watch.conflict.as_ref();
        let same = again.is_some_and(|open| open.nodes == masters);
        if !same || end || !hear {
            self.judge_hearing(place, watch.conflict.as_mut());
        }
        if !same || end {
            if let Some(open) = watch.conflict.take() {
                self.close_conflict(place, open, end && same);
            }
            if masters.len() > 1 && !end {
                let (why, yet) = self.why(&masters, place, net);
                watch.conflict = Some(Open {
                    nodes: masters.clone(),
                    from: now,
                    why,
                    hear: None,
                    arrived: None,
                    missed: false,
                    lost: self.just_lost_between(&masters),
                    yet,
                });
            }
        }
        if let Some(open) = &mut watch.conflict {
            open.hear = if hear { open.hear.or(Some(now)) } else { None };
        }
        let could = backups.iter().any(awake);
        let nobody = could && !masters.iter().any(awake);
        if let Some(since) = watch.nobody
            && (!nobody || end)
        {
            let limit = self.longest_wait(place) + self.delay * 2 + TURN;
            let limit = if self.clean { limit } else { limit * 3 };
            let length = now.saturating_sub(since);
            if length > limit {
                let text = format!(
                    "nobody was MASTER of {} for {} although {} could be",
                    self.title(usize::MAX, place),
                    super::super::text::seconds(length),
                    backups.first().map_or("somebody", |node| self.name(*node))
                );
                self.object("no-master", text);
            }
        }
        watch.nobody = if nobody {
            watch.nobody.or(Some(now))
        } else {
            None
        };
        if let Some(slot) = self.watch.get_mut(place) {
            *slot = watch;
        }
    }

    /// An advert has arrived: until one has, nobody can know of the other.
    pub(super) fn arrived(&mut self, node: usize, place: usize, from: usize, net: &Net) {
        // What comes in one direction only settles nothing.
        if !self.connected(node, from, place, net) {
            return;
        }
        let now = self.now;
        let open = self.watch.get_mut(place);
        if let Some(open) = open.and_then(|watch| watch.conflict.as_mut())
            && open.nodes.contains(&node)
            && open.nodes.contains(&from)
        {
            open.arrived.get_or_insert(now);
        }
    }

    /// The wire has lost an advert.
    pub(super) fn missed(&mut self, node: usize, from: usize) {
        if self.just_lost.0 != self.now {
            self.just_lost = (self.now, Vec::new());
        }
        self.just_lost.1.push((from, node));
        let open = self.watch.iter_mut();
        for open in open.filter_map(|watch| watch.conflict.as_mut()) {
            let between = open.nodes.contains(&node) && open.nodes.contains(&from);
            open.missed |= between;
            open.lost += u64::from(between);
        }
    }

    /// The first advert of a new MASTER is on its way when it says that it is one.
    fn just_lost_between(&self, nodes: &[usize]) -> u64 {
        let (at, lost) = &self.just_lost;
        let between = |(from, to): &&(usize, usize)| nodes.contains(from) && nodes.contains(to);
        match *at == self.now {
            true => u64::try_from(lost.iter().filter(between).count()).unwrap_or(u64::MAX),
            false => 0,
        }
    }

    /// Two that hear each other settle it within an interval, and the way there and back.
    fn judge_hearing(&mut self, place: usize, open: Option<&mut Open>) {
        let Some((open, since)) = open.and_then(|open| {
            let since = open.hear.take()?;
            let (arrived, missed) = (open.arrived.take(), std::mem::take(&mut open.missed));
            if missed && arrived.is_none() {
                (open.why, open.yet) = ("the wire loses whatever they say".to_owned(), false);
            }
            // Where the wire takes nothing away, what does not arrive was sent to nobody.
            let since = if missed { arrived? } else { since };
            Some((open, since))
        }) else {
            return;
        };
        let interval = self.longest_interval(place);
        let limit = interval + self.delay * 2 + TURN;
        let limit = if self.clean { limit } else { limit * 10 };
        let length = self.now.saturating_sub(since);
        if length > limit {
            let names: Vec<&str> = open.nodes.iter().map(|node| self.name(*node)).collect();
            let text = format!(
                "{} were MASTER of {} for {} although frames pass between them",
                names.join(" and "),
                self.title(usize::MAX, place),
                super::super::text::seconds(length)
            );
            (open.why, open.yet) = (self.disagreement(&open.nodes, place), false);
            self.object("two-masters", text);
        }
    }

    /// Why several are MASTER: who is frozen, and of the others who does not hear whom; and whether the last two of them
    /// only have yet to.
    fn why(&self, masters: &[usize], place: usize, net: &Net) -> (String, bool) {
        let (asleep, awake): (Vec<usize>, Vec<usize>) = masters
            .iter()
            .partition(|node| net.is_stalled(NodeId(**node)));
        let mut words: Vec<String> = asleep
            .iter()
            .map(|node| format!("{} is frozen and does not know", self.name(*node)))
            .collect();
        let mut yet = false;
        for (nth, one) in awake.iter().enumerate() {
            for other in awake.iter().skip(nth + 1) {
                let (a, b) = (self.name(*one), self.name(*other));
                let passes = |from, to| self.passes(from, to, place, net);
                let both = (passes(*one, *other), passes(*other, *one));
                yet = both == (true, true);
                words.push(match both {
                    (true, true) => format!("{a} and {b} have yet to hear each other"),
                    (false, false) => format!("{a} and {b} do not hear each other"),
                    (true, false) => format!("{a} does not hear {b}"),
                    (false, true) => format!("{b} does not hear {a}"),
                });
            }
        }
        (words.join("; "), yet)
    }

    /// Why several are MASTER though frames pass between them.
    fn disagreement(&self, masters: &[usize], place: usize) -> String {
        let mut words = Vec::new();
        for from in masters {
            for to in masters.iter().filter(|to| *to != from) {
                let (Some(sender), Some(receiver)) =
                    (self.setup(*from, place), self.setup(*to, place))
                else {
                    continue;
                };
                let towards = self
                    .shared
                    .topology
                    .primary
                    .get(&((*to, receiver.interface), receiver.fsm.family));
                let (from, to) = (self.name(*from), self.name(*to));
                match (&sender.fsm.transport, &receiver.fsm.transport) {
                    (
                        Transport::Multicast { group: sent },
                        Transport::Multicast { group: heard },
                    ) if sent != heard => {
                        words.push(format!(
                            "{to} listens to {heard} and {from} sends to {sent}"
                        ));
                    }
                    (Transport::Multicast { .. }, Transport::Unicast { .. }) => {
                        words.push(format!("{to} listens to no group and {from} sends to one"));
                    }
                    (Transport::Unicast { peers, .. }, _)
                        if !peers.iter().any(|peer| Some(&peer.address) == towards) =>
                    {
                        words.push(format!("{from} sends nothing to {to}"));
                    }
                    _ => {}
                }
            }
        }
        match words.is_empty() {
            true => "frames pass between them, but they do not agree".to_owned(),
            false => words.join("; "),
        }
    }

    /// Frames pass from one to the other on the wire of a virtual router.
    fn passes(&self, from: usize, to: usize, place: usize, net: &Net) -> bool {
        let (Some(here), Some(there)) = (self.setup(from, place), self.setup(to, place)) else {
            return false;
        };
        let (here, there) = ((from, here.interface), (to, there.interface));
        let ends = self.shared.is_plugged(here) && self.shared.is_plugged(there);
        ends && self.shared.passes(here, Some(to)) && net.hears(NodeId(from), NodeId(to))
    }

    /// Frames pass in both directions.
    fn connected(&self, one: usize, other: usize, place: usize, net: &Net) -> bool {
        self.passes(one, other, place, net) && self.passes(other, one, place, net)
    }

    fn close_conflict(&mut self, place: usize, open: Open, lasts: bool) {
        let length = self.now.saturating_sub(open.from);
        let until = (!lasts).then_some(self.now);
        let why = match open.lost {
            lost @ 1.. if open.yet => {
                format!("the wire lost {} between them", counted(lost, "advert"))
            }
            _ => open.why,
        };
        self.found.contested(
            // That is a handover: the old one lets go as soon as it hears the new one.
            length <= self.delay * 2 + TURN,
            Conflict {
                instance: place,
                address: None,
                nodes: open.nodes,
                from: open.from,
                until,
                length,
                why,
            },
        );
    }
}
