//! What clients feel: for how long could an address not be reached?

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use netsim::{Net, NodeId};

use super::super::document::{Outage, Unanswered, Unreached};
use super::super::topology::{OnWire, Topology};
use super::{LIMIT, Recorder};

/// What is shorter is the handover itself: the new one has announced, and the old one let go, while frames
/// were on their way.
const LEAST: Duration = Duration::from_millis(1);

/// Who holds what, and what the clients believe.
#[derive(Debug, Default)]
pub(super) struct Reach {
    watched: Vec<Watched>,
    /// By node and virtual router: the addresses that are there, each with its wire.
    addresses: BTreeMap<(usize, usize), Arc<[OnWire]>>,
}

#[derive(Debug)]
struct Watched {
    wire: usize,
    address: IpAddr,
    place: usize,
    believes: Option<usize>,
    reached: bool,
    /// It has been reached once.
    ever: bool,
    /// Since when it is not reached any more, and why.
    lost: Option<(Duration, String)>,
    /// Since when another node holds it and the client has not heard of that, and for how long of this outage it
    /// was so before.
    astray: Option<Duration>,
    unheard: Duration,
    /// Since when it is reached at a node that drops what is for it.
    dropped: Option<(Duration, usize)>,
}

impl Reach {
    pub(super) fn new(topology: &Topology) -> Self {
        let wires = topology.wanted.iter().enumerate();
        let watched = wires.flat_map(|(wire, wanted)| {
            wanted.iter().map(move |(address, place)| Watched {
                wire,
                address: *address,
                place: *place,
                believes: None,
                reached: false,
                ever: false,
                lost: None,
                astray: None,
                unheard: Duration::ZERO,
                dropped: None,
            })
        });
        Self {
            watched: watched.collect(),
            ..Self::default()
        }
    }

    pub(super) fn removed(&mut self, node: usize, place: usize) {
        self.addresses.remove(&(node, place));
    }

    pub(super) fn off(&mut self, node: usize) {
        self.addresses.retain(|(holder, _), _| *holder != node);
    }

    /// Which nodes have an address on a wire, each with the virtual router that it has it for.
    pub(super) fn holders(&self, wire: usize, address: IpAddr) -> BTreeSet<(usize, usize)> {
        let all = self.addresses.iter();
        all.filter(|(_, addresses)| addresses.contains(&(wire, address)))
            .map(|(holder, _)| *holder)
            .collect()
    }

    /// On which wires a node has an address.
    fn wires(&self, node: usize, address: IpAddr) -> BTreeSet<usize> {
        let all = self.addresses.iter().filter(|(holder, _)| holder.0 == node);
        let all = all.flat_map(|(_, addresses)| addresses.iter());
        all.filter(|(_, known)| *known == address)
            .map(|(wire, _)| *wire)
            .collect()
    }
}

impl Recorder<'_> {
    /// Addresses are there.
    pub(super) fn installed(&mut self, node: usize, place: usize, addresses: &Arc<[OnWire]>) {
        let addresses = Arc::clone(addresses);
        self.reach.addresses.insert((node, place), addresses);
    }

    /// A client has learned where an address is.
    pub(super) fn learned(&mut self, client: usize, address: IpAddr, holder: usize) {
        let wire = self.shared.topology.wire_of_client(NodeId(client));
        let mut watched = self.reach.watched.iter_mut();
        let one = watched.find(|one| Some(one.wire) == wire && one.address == address);
        if let Some(one) = one {
            one.believes = Some(holder);
        }
    }

    /// Why a client does not reach an address; nothing if it does.
    fn obstacle(&self, one: &Watched, net: &Net) -> Option<String> {
        match one.believes {
            Some(holder) => self.obstacle_at(one, holder, net),
            None => Some("nobody has announced it".to_owned()),
        }
    }

    /// Why a client would not reach an address at this node.
    fn obstacle_at(&self, one: &Watched, holder: usize, net: &Net) -> Option<String> {
        let name = self.name(holder);
        let client = self.shared.topology.client(one.wire);
        if !net.is_running(NodeId(holder)) {
            return Some(format!("{name} is off"));
        }
        if net.is_stalled(NodeId(holder)) {
            return Some(format!("{name} is frozen"));
        }
        let ports = self.shared.topology.wires.get(one.wire);
        let mut ports = ports.into_iter().flatten();
        let port = ports.find(|port| port.0 == holder)?;
        if !self.shared.is_plugged(*port) {
            return Some(format!("the link of {name} is down"));
        }
        let passes = |from, to| self.shared.passes_on(one.wire, from, to);
        let whole = passes(None, Some(holder)) && passes(Some(holder), None);
        if !whole || !net.connected(client, NodeId(holder)) {
            return Some(format!("{name} and the client are cut from each other"));
        }
        let wires = self.reach.wires(holder, one.address);
        match wires.first() {
            None => Some(format!("{name} does not hold it any more")),
            Some(_) if wires.contains(&one.wire) => None,
            Some(other) => Some(format!("{name} holds it on {}", self.wire(*other))),
        }
    }

    /// Whether a client goes on with a node where it does not reach an address (any more), and would reach it at another
    /// one: that ends when it doubts what it believes.
    pub(in crate::simulate) fn is_astray(&self, net: &Net) -> bool {
        let mut away = self.reach.watched.iter().filter(|one| one.lost.is_some());
        away.any(|one| {
            let holders = self.reach.holders(one.wire, one.address);
            let mut holders = holders.iter();
            holders.any(|(node, _)| self.obstacle_at(one, *node, net).is_none())
        })
    }

    /// Looks at every client and address.
    pub(super) fn judge(&mut self, net: &Net) {
        let mut watched = std::mem::take(&mut self.reach.watched);
        for one in &mut watched {
            match (self.obstacle(one, net), one.reached) {
                (None, false) => {
                    (one.reached, one.ever) = (true, true);
                    self.settle_astray(one, false);
                    if let Some((from, why)) = one.lost.take() {
                        self.outage(one, from, Some(self.now), why);
                    }
                }
                (Some(why), true) => {
                    one.reached = false;
                    one.lost = Some((self.now, why));
                }
                _ => {}
            }
            let drops = one
                .believes
                .filter(|holder| one.reached && self.drops(one, *holder));
            self.settle_dropped(one, drops);
            let astray = one.lost.is_some() && self.believes_another(one, net);
            self.settle_astray(one, astray);
        }
        self.reach.watched = watched;
        self.judge_holders(net, false);
    }

    /// Whether a holder drops what is for the address itself. The file of an owner does not ask for that (RFC 9568 6.1).
    fn drops(&self, one: &Watched, holder: usize) -> bool {
        let holders = self.reach.holders(one.wire, one.address);
        let mut here = holders.iter().filter(|(node, _)| *node == holder);
        here.any(|(node, place)| {
            let setup = self.setup(*node, *place);
            setup.is_some_and(|setup| setup.refuse_traffic)
        })
    }

    fn settle_dropped(&mut self, one: &mut Watched, drops: Option<usize>) {
        if one.dropped.map(|(_, node)| node) == drops {
            return;
        }
        if let Some((from, node)) = one.dropped.take() {
            self.unanswered(one, from, node, Some(self.now));
        }
        one.dropped = drops.map(|node| (self.now, node));
    }

    fn unanswered(&mut self, one: &Watched, from: Duration, node: usize, until: Option<Duration>) {
        let length = until.unwrap_or(self.now).saturating_sub(from);
        if length < LEAST || self.found.unanswered.len() >= LIMIT {
            return;
        }
        self.found.unanswered.push(Unanswered {
            instance: one.place,
            wire: self.wires.get(one.wire).cloned().unwrap_or_default(),
            address: one.address,
            node,
            from,
            until,
            length,
        });
    }

    /// The client uses a node that does not hold the address (any more), and another one does.
    fn believes_another(&self, one: &Watched, net: &Net) -> bool {
        let holders = self.reach.holders(one.wire, one.address);
        let awake = |node: usize| net.is_running(NodeId(node)) && !net.is_stalled(NodeId(node));
        one.believes.is_some_and(|believed| {
            holders.iter().all(|(node, _)| *node != believed)
                && holders.iter().any(|(node, _)| awake(*node))
        })
    }

    fn settle_astray(&self, one: &mut Watched, astray: bool) {
        match (astray, one.astray) {
            (true, None) => one.astray = Some(self.now),
            (false, Some(since)) => {
                one.unheard += self.now.saturating_sub(since);
                one.astray = None;
            }
            _ => {}
        }
    }

    pub(super) fn end_outages(&mut self, net: &Net) {
        let watched = std::mem::take(&mut self.reach.watched);
        for mut one in watched {
            let wire = self.wires.get(one.wire).cloned().unwrap_or_default();
            // A loopback interface has no clients.
            if !one.ever && wire != "lo" {
                let why = self.obstacle(&one, net).unwrap_or_default();
                self.found.never_reached.push(Unreached {
                    instance: one.place,
                    wire,
                    address: one.address,
                    why,
                });
            }
            if let Some((from, node)) = one.dropped.take() {
                self.unanswered(&one, from, node, None);
            }
            if let Some((from, why)) = one.lost.take() {
                self.settle_astray(&mut one, false);
                self.outage(&mut one, from, None, why);
            }
        }
    }

    fn outage(&mut self, one: &mut Watched, from: Duration, until: Option<Duration>, why: String) {
        let length = until.unwrap_or(self.now).saturating_sub(from);
        let unheard = std::mem::take(&mut one.unheard);
        if length < LEAST {
            return;
        }
        // As long as its announcement is on the way it is no wonder.
        let unheard = Some(unheard).filter(|time| *time >= LEAST + self.delay);
        let unheard = unheard.unwrap_or_default();
        let totals = &mut self.found.totals;
        totals.outages += 1;
        totals.outage_total += length;
        totals.outage_longest = totals.outage_longest.max(length);
        totals.outages_unheard += u64::from(!unheard.is_zero());
        totals.outage_unheard_total += unheard;
        if self.found.outages.len() < LIMIT {
            self.found.outages.push(Outage {
                instance: one.place,
                wire: self.wires.get(one.wire).cloned().unwrap_or_default(),
                address: one.address,
                from,
                until,
                length,
                unheard,
                why,
            });
        }
    }
}
