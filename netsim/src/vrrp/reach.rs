//! The metric users feel: for how long could a host not reach an address?

use core::net::IpAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use sans_io_time::Instant;

use super::router::{Key, Note};
use super::station::Station;
use crate::net::Net;
use crate::observe::{Observer, Violation};
use crate::trace::Record;
use crate::world::NodeId;

/// Most outages a [`Reach`] keeps one by one; the sums go on.
const LIMIT: usize = 10_000;

/// A time during which a host could not reach an address it had reached before.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The host.
    pub host: NodeId,
    /// The address.
    pub address: IpAddr,
    /// Beginning.
    pub since: Instant,
    /// Length, exact to the nanosecond.
    pub length: Duration,
}

/// An [`Observer`] that knows at every instant whether each host reaches each address: its cache names
/// a node that runs, is awake, is connected in both directions and holds the address.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    watched: Vec<Watched>,
    held: BTreeSet<(NodeId, IpAddr)>,
    addresses: BTreeMap<(NodeId, Key), Vec<IpAddr>>,
    outages: Vec<Outage>,
    total: Duration,
    longest: Duration,
}

#[derive(Clone, Debug)]
struct Watched {
    host: NodeId,
    address: IpAddr,
    believes: Option<NodeId>,
    state: Reached,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Reached {
    NotYet,
    Yes,
    NotSince(Instant),
}

impl Reach {
    /// Watches every pair of these hosts and addresses.
    #[must_use]
    pub fn new(hosts: &[NodeId], addresses: &[IpAddr]) -> Self {
        let pairs = hosts.iter().flat_map(|host| {
            addresses.iter().map(|address| Watched {
                host: *host,
                address: *address,
                believes: None,
                state: Reached::NotYet,
            })
        });
        Self {
            watched: pairs.collect(),
            ..Self::default()
        }
    }

    /// The outages that are over, in the order they ended.
    #[must_use]
    pub fn outages(&self) -> &[Outage] {
        &self.outages
    }

    /// Sum over hosts and addresses of the time unreachable, outages that are over only.
    #[must_use]
    pub const fn total(&self) -> Duration {
        self.total
    }

    /// The longest outage that is over.
    #[must_use]
    pub const fn longest(&self) -> Duration {
        self.longest
    }

    /// Every watched host reaches every watched address now.
    #[must_use]
    pub fn all_reached(&self) -> bool {
        self.watched
            .iter()
            .all(|watched| watched.state == Reached::Yes)
    }

    /// Where a host believes an address to be.
    #[must_use]
    pub fn believes(&self, host: NodeId, address: IpAddr) -> Option<NodeId> {
        let is = |watched: &&Watched| watched.host == host && watched.address == address;
        self.watched.iter().find(is)?.believes
    }

    fn judge(&mut self, now: Instant, net: &Net) {
        for watched in &mut self.watched {
            let reached = watched.believes.is_some_and(|holder| {
                net.is_running(holder)
                    && !net.is_stalled(holder)
                    && net.connected(watched.host, holder)
                    && self.held.contains(&(holder, watched.address))
            });
            watched.state = match (watched.state, reached) {
                (Reached::NotSince(since), true) => {
                    let (host, address) = (watched.host, watched.address);
                    let length = now.saturating_duration_since(since);
                    // A handover within one instant is no outage.
                    if !length.is_zero() {
                        self.total += length;
                        self.longest = self.longest.max(length);
                        if self.outages.len() < LIMIT {
                            self.outages.push(Outage {
                                host,
                                address,
                                since,
                                length,
                            });
                        }
                    }
                    Reached::Yes
                }
                (_, true) => Reached::Yes,
                (Reached::Yes, false) => Reached::NotSince(now),
                (state, false) => state,
            };
        }
    }
}

impl Observer<Station> for Reach {
    fn observe(
        &mut self,
        now: Instant,
        record: &Record<'_, Station>,
        net: &Net,
    ) -> Result<(), Violation> {
        match record {
            Record::Note {
                node,
                note: Note::Installed { key, addresses },
            } => {
                self.held
                    .extend(addresses.iter().map(|address| (*node, *address)));
                self.addresses.insert((*node, *key), addresses.to_vec());
            }
            Record::Note {
                node,
                note: Note::Removed { key },
            } => {
                for address in self.addresses.remove(&(*node, *key)).unwrap_or_default() {
                    self.held.remove(&(*node, address));
                }
            }
            Record::Note {
                node,
                note: Note::Learned { address, holder },
            } => {
                let is = |w: &&mut Watched| w.host == *node && w.address == *address;
                self.watched
                    .iter_mut()
                    .filter(is)
                    .for_each(|w| w.believes = Some(*holder));
            }
            Record::Off(node) => {
                self.held.retain(|(holder, _)| holder != node);
                self.addresses.retain(|(holder, _), _| holder != node);
            }
            Record::Fault(_) | Record::Woke(_) => {}
            _ => return Ok(()),
        }
        self.judge(now, net);
        Ok(())
    }
}
