//! A host that uses virtual addresses: it keeps a neighbour cache and believes announcements.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use sans_io_time::Instant;

use super::frame::Frame;
use super::router::Note;
use crate::link::later;
use crate::node::{Effect, Power, To};
use crate::world::NodeId;

/// A host with an ARP or neighbour cache for some virtual addresses.
///
/// It learns from announcements at once (they overwrite an entry, as in Linux with `arp_accept` or an existing
/// entry), and asks again for every address after `refresh`, which stands for neighbour
/// unreachability detection.
#[derive(Debug)]
pub struct HostNode {
    wants: Vec<IpAddr>,
    refresh: Duration,
    cache: BTreeMap<IpAddr, NodeId>,
    ask_at: Option<Instant>,
    out: VecDeque<Effect<Frame, Note>>,
}

impl HostNode {
    /// A host that wants to reach these addresses and doubts its cache every `refresh`.
    #[must_use]
    pub const fn new(wants: Vec<IpAddr>, refresh: Duration) -> Self {
        Self {
            wants,
            refresh,
            cache: BTreeMap::new(),
            ask_at: None,
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
        self.ask_at = None;
        if power == Power::Start {
            self.ask(now);
        }
    }

    pub(super) fn handle_frame(&mut self, frame: &Frame) {
        match frame {
            Frame::Announce { holder, addresses } => {
                addresses
                    .iter()
                    .for_each(|address| self.learn(*address, *holder));
            }
            Frame::Answer { holder, address } => self.learn(*address, *holder),
            Frame::Advert(_) | Frame::Ask(_) => {}
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.ask_at.is_some_and(|at| at <= now) {
            self.ask(now);
        }
    }

    pub(super) const fn next_timeout(&self) -> Option<Instant> {
        self.ask_at
    }

    pub(super) fn poll_effect(&mut self) -> Option<Effect<Frame, Note>> {
        self.out.pop_front()
    }

    fn ask(&mut self, now: Instant) {
        self.ask_at = Some(later(now, self.refresh));
        let ask = |address| Effect::Send {
            to: To::Everyone,
            frame: Frame::Ask(address),
        };
        self.out.extend(self.wants.iter().copied().map(ask));
    }

    fn learn(&mut self, address: IpAddr, holder: NodeId) {
        if self.wants.contains(&address) && self.cache.insert(address, holder) != Some(holder) {
            self.out
                .push_back(Effect::Note(Note::Learned { address, holder }));
        }
    }
}
