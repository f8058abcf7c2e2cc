//! A host that uses virtual addresses: it keeps a neighbour cache and believes announcements.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use sans_io_time::Instant;

use super::frame::Frame;
use super::neighbours::{Neighbours, Whom};
use super::router::Note;
use crate::link::later;
use crate::node::{Effect, Power, To};
use crate::world::NodeId;

/// A host with an ARP or neighbour cache for some virtual addresses.
///
/// It learns from announcements at once: they overwrite an entry, as in Linux with `arp_accept` or an existing
/// entry. What it does when it hears nothing depends on how it was made. What it last believed stands until
/// it learns another thing.
#[derive(Debug)]
pub struct HostNode {
    wants: Vec<IpAddr>,
    doubts: Doubts,
    cache: BTreeMap<IpAddr, NodeId>,
    out: VecDeque<Effect<Frame, Note>>,
}

/// When it asks.
#[derive(Debug)]
enum Doubts {
    /// For everything, again and again.
    Every {
        refresh: Duration,
        ask_at: Option<Instant>,
    },
    /// As Linux does.
    Linux(Neighbours),
}

impl HostNode {
    /// A host that wants to reach these addresses and doubts its cache every `refresh`: then it asks everybody
    /// for all of them.
    #[must_use]
    pub const fn new(wants: Vec<IpAddr>, refresh: Duration) -> Self {
        let ask_at = None;
        Self::with(wants, Doubts::Every { refresh, ask_at })
    }

    /// A host that always sends to these addresses, and doubts each as Linux does: 15 to 45 s after the last answer
    /// (drawn anew each time) it waits for 5 s, asks the one that it believes in three times, a second
    /// apart, and then everybody once a second. An announcement confirms nothing: an entry that it changes
    /// is doubted from then on.
    #[must_use]
    pub const fn like_linux(wants: Vec<IpAddr>, seed: u64) -> Self {
        Self::with(wants, Doubts::Linux(Neighbours::new(seed)))
    }

    const fn with(wants: Vec<IpAddr>, doubts: Doubts) -> Self {
        Self {
            wants,
            doubts,
            cache: BTreeMap::new(),
            out: VecDeque::new(),
        }
    }

    /// Where the host believes an address to be.
    #[must_use]
    pub fn believes(&self, address: IpAddr) -> Option<NodeId> {
        self.cache.get(&address).copied()
    }

    pub(super) fn handle_power(&mut self, now: Instant, power: Power) {
        self.cache.clear();
        self.out.clear();
        let on = power == Power::Start;
        match &mut self.doubts {
            Doubts::Every { ask_at, .. } => *ask_at = on.then_some(now),
            Doubts::Linux(neighbours) if on => neighbours.start(now, &self.wants),
            Doubts::Linux(neighbours) => neighbours.stop(),
        }
        self.handle_timeout(now);
    }

    pub(super) fn handle_frame(&mut self, now: Instant, frame: &Frame) {
        match frame {
            Frame::Announce { holder, addresses } => {
                for address in addresses.iter() {
                    let changed = self.learn(*address, *holder);
                    if let Doubts::Linux(neighbours) = &mut self.doubts {
                        neighbours.announced(now, *address, changed);
                    }
                }
            }
            Frame::Answer { holder, address } => {
                self.learn(*address, *holder);
                if let Doubts::Linux(neighbours) = &mut self.doubts {
                    neighbours.confirm(now, *address);
                }
            }
            Frame::Advert(_) | Frame::Ask(_) => {}
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let questions = match &mut self.doubts {
            Doubts::Every { refresh, ask_at } if ask_at.is_some_and(|at| at <= now) => {
                *ask_at = Some(later(now, *refresh));
                let all = self.wants.iter();
                all.map(|address| (*address, Whom::Everyone)).collect()
            }
            Doubts::Every { .. } => Vec::new(),
            Doubts::Linux(neighbours) => neighbours.due(now),
        };
        for (address, whom) in questions {
            let believed = self.cache.get(&address);
            let to = match (whom, believed) {
                (Whom::Believed, Some(holder)) => To::Node(*holder),
                _ => To::Everyone,
            };
            let frame = Frame::Ask(address);
            self.out.push_back(Effect::Send { to, frame });
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        match &self.doubts {
            Doubts::Every { ask_at, .. } => *ask_at,
            Doubts::Linux(neighbours) => neighbours.next(),
        }
    }

    pub(super) fn poll_effect(&mut self) -> Option<Effect<Frame, Note>> {
        self.out.pop_front()
    }

    /// Whether that is another one than before.
    fn learn(&mut self, address: IpAddr, holder: NodeId) -> bool {
        let changed =
            self.wants.contains(&address) && self.cache.insert(address, holder) != Some(holder);
        if changed {
            self.out
                .push_back(Effect::Note(Note::Learned { address, holder }));
        }
        changed
    }
}
