//! What must not be either: one address held by two nodes for virtual routers with different numbers, who
//! will never hear of each other.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use netsim::{Net, NodeId};

use super::super::document::Conflict;
use super::super::text::seconds;
use super::super::topology::{Topology, on_wires};
use super::Recorder;
use super::rules::TURN;

/// Who holds it: a node, for a virtual router.
type Holder = (usize, usize);

/// An address on a wire that several virtual routers have.
#[derive(Debug)]
pub(super) struct Contested {
    wire: usize,
    address: IpAddr,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    holders: BTreeSet<Holder>,
    from: Duration,
    /// Since when two of them are connected.
    connected: Option<Duration>,
}

/// Every address that the files give to more than one virtual router of a wire.
pub(super) fn contested(topology: &Topology) -> Vec<Contested> {
    let mut places: BTreeMap<(usize, IpAddr), BTreeSet<usize>> = BTreeMap::new();
    for (node, files) in topology.setups.iter().enumerate() {
        for setup in files {
            for (one, place) in setup.driver.instances.iter().zip(&setup.places) {
                for (wire, address) in on_wires(&topology.wire_of, node, one) {
                    // What is on a loopback interface is nobody else's business.
                    let ports = topology.wires.get(wire).into_iter().flatten();
                    if ports.into_iter().any(|port| port.1.to_string() == "lo") {
                        continue;
                    }
                    places.entry((wire, address)).or_default().insert(*place);
                }
            }
        }
    }
    let several = places.into_iter().filter(|(_, places)| places.len() > 1);
    several
        .map(|((wire, address), _)| Contested {
            wire,
            address,
            open: None,
        })
        .collect()
}

/// Different nodes that hold it for different virtual routers.
fn pairs(holders: &BTreeSet<Holder>) -> impl Iterator<Item = (Holder, Holder)> {
    holders.iter().enumerate().flat_map(move |(nth, one)| {
        let others = holders.iter().skip(nth + 1);
        let others = others.filter(|other| other.0 != one.0 && other.1 != one.1);
        others.map(|other| (*one, *other))
    })
}

impl Recorder<'_> {
    /// Who holds what has changed, or who is connected with whom.
    pub(super) fn judge_holders(&mut self, net: &Net, end: bool) {
        let mut contested = std::mem::take(&mut self.contested);
        for one in &mut contested {
            let holders = self.reach.holders(one.wire, one.address);
            let held_twice = pairs(&holders).next().is_some();
            let connected =
                pairs(&holders).any(|(one, other)| self.awake_and_connected(one, other, net));
            let same = one
                .open
                .as_ref()
                .is_some_and(|open| open.holders == holders);
            if (!same || end || !connected)
                && let Some(open) = &mut one.open
                && let Some(since) = open.connected.take()
            {
                self.judge_contest(one.address, &open.holders, since);
            }
            if (!same || end)
                && let Some(open) = one.open.take()
            {
                self.close_contest(one.address, &open, end && same);
            }
            if held_twice && !end {
                let now = self.now;
                let open = one.open.get_or_insert(Open {
                    holders,
                    from: now,
                    connected: None,
                });
                if connected {
                    open.connected.get_or_insert(now);
                }
            }
        }
        self.contested = contested;
    }

    fn awake_and_connected(&self, one: Holder, other: Holder, net: &Net) -> bool {
        let fit = |(node, place): Holder| {
            let awake = net.is_running(NodeId(node)) && !net.is_stalled(NodeId(node));
            let setup = self.setup(node, place);
            awake && setup.is_some_and(|setup| self.shared.is_plugged((node, setup.interface)))
        };
        // They are two virtual routers, but the wire of the address is one.
        let passes = |from: Holder, to: Holder| {
            let setup = self.setup(from.0, from.1);
            setup.is_none_or(|setup| self.shared.passes((from.0, setup.interface), Some(to.0)))
        };
        let whole = passes(one, other) && passes(other, one);
        whole && fit(one) && fit(other) && net.connected(NodeId(one.0), NodeId(other.0))
    }

    /// No advert will ever settle it: it may last as long as a handover.
    fn judge_contest(&mut self, address: IpAddr, holders: &BTreeSet<Holder>, since: Duration) {
        let length = self.now.saturating_sub(since);
        if length > self.delay * 2 + TURN {
            let text = format!(
                "{address} is held twice for {}: {}",
                seconds(length),
                self.holders(holders)
            );
            self.object("address-held-twice", text);
        }
    }

    fn close_contest(&mut self, address: IpAddr, open: &Open, lasts: bool) {
        let length = self.now.saturating_sub(open.from);
        let nodes: BTreeSet<usize> = open.holders.iter().map(|holder| holder.0).collect();
        let conflict = Conflict {
            instance: open.holders.first().map_or(0, |holder| holder.1),
            address: Some(address),
            nodes: nodes.into_iter().collect(),
            from: open.from,
            until: (!lasts).then_some(self.now),
            length,
            why: format!(
                "{}, which do not know of each other",
                self.holders(&open.holders)
            ),
        };
        let handover = length <= self.delay * 2 + TURN;
        self.found.contested(handover, conflict);
    }

    /// `a for VRID 51 and b for VRID 52`.
    fn holders(&self, holders: &BTreeSet<Holder>) -> String {
        let words: Vec<String> = holders
            .iter()
            .map(|(node, place)| {
                let vrid = self.instances.get(*place).map_or(0, |one| one.vrid);
                format!("{} for VRID {vrid}", self.name(*node))
            })
            .collect();
        words.join(" and ")
    }
}
