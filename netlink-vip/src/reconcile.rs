//! The reconciler: what the kernel holds is brought to what the owners want, and kept there.
//!
//! It is driven by levels, not edges. Events only say *where* to look; what to do is decided when
//! a request is about to be sent, by comparing the mirror of the kernel's tables with what is
//! wanted then, with the same function that [`plan`](crate::plan()) uses. A lost, late or repeated
//! event therefore costs at most a needless look.

mod batch;
mod claims;
mod decide;
mod facts;
mod groups;
mod object;
mod report;
mod sync;
mod trouble;

use std::collections::{BTreeSet, VecDeque};
use std::net::{Ipv4Addr, Ipv6Addr};

use sans_io_time::Instant;

use crate::desired::{Desired, OwnerId, Tag};
use crate::encode;
use crate::event::KernelEvent;
use crate::link::Link;
use crate::observed::{Observed, ObservedAddress};

use batch::{Batch, Queue, Size};
use claims::Claims;
use sync::{Sync, Table};
use trouble::Troubles;

pub use batch::BATCH_MAX;
pub use groups::Missing;

const ENODEV: i32 = 19;
const EEXIST: i32 = 17;
const EADDRNOTAVAIL: i32 = 99;

/// The multicast groups with news of routes and rules: `RTNLGRP_IPV4_ROUTE`, `RTNLGRP_IPV4_RULE`,
/// `RTNLGRP_IPV6_ROUTE`, `RTNLGRP_IPV6_RULE`. On a router with a full table they are busy, so who
/// wants no routes had better not join them; who joins late calls
/// [`resync_routes`](Reconciler::resync_routes) then.
pub const ROUTE_GROUPS: [u32; 4] = [7, 8, 11, 19];

/// Which socket a datagram came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The socket that sends our requests: acknowledgements and dumps.
    Command,
    /// The socket that joined the multicast groups: notifications.
    Monitor,
}

/// Counters of a [`Reconciler`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages that could not be decoded and were skipped.
    pub undecodable: u64,
    /// Overruns reported, request timeouts included.
    pub overruns: u64,
    /// Full dumps completed.
    pub dumps: u64,
    /// Requests sent that change something.
    pub requests: u64,
    /// Requests that the kernel refused, harmless refusals not counted.
    pub refused: u64,
    /// Addresses put back after somebody else had removed them.
    pub repaired: u64,
}

/// Desired state in, netlink bytes out, kernel truth fed back.
///
/// It owns no socket. The caller has two, one for requests and one that joined the groups
/// `RTNLGRP_LINK` (1), `RTNLGRP_IPV4_IFADDR` (5) and `RTNLGRP_IPV6_IFADDR` (9) before
/// [`start`](Self::start), and [`ROUTE_GROUPS`] before routes or rules are wanted, passes in all that can be read, and then sends what
/// [`poll_request`](Self::poll_request) gives. Only datagrams from the kernel (port 0) may be
/// passed in.
#[derive(Debug)]
pub struct Reconciler {
    tag: Tag,
    observed: Observed,
    claims: Claims,
    queue: Queue,
    in_flight: Option<Batch>,
    batch_size: Size,
    troubles: Troubles,
    sync: Sync,
    /// The first dump is complete.
    ready: bool,
    /// What bears our tag and nobody wants is removed.
    cleaning: bool,
    /// The kernel shows tags, so ours decides what is ours.
    tags_work: bool,
    /// Our port, as learnt from answers.
    port: u32,
    next_seq: u32,
    /// Protocols, beside our own, of routes and rules that the mirror shows.
    known_protocols: BTreeSet<u8>,
    events: VecDeque<KernelEvent>,
    counters: Counters,
}

impl Reconciler {
    /// A reconciler that marks what it adds with `tag`.
    #[must_use]
    pub fn new(tag: Tag) -> Self {
        Self {
            tag,
            observed: Observed::new(),
            claims: Claims::default(),
            queue: Queue::default(),
            in_flight: None,
            batch_size: Size::default(),
            troubles: Troubles::default(),
            sync: Sync::default(),
            ready: false,
            cleaning: false,
            tags_work: false,
            port: 0,
            next_seq: 1,
            known_protocols: BTreeSet::new(),
            events: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// Asks for links and addresses. Nothing is changed before these are known
    /// ([`KernelEvent::Ready`]).
    pub fn start(&mut self, now: Instant) {
        self.sync.request(now);
    }

    /// Sets all that `owner` wants, replacing what it wanted before. Wanting nothing removes the
    /// owner.
    ///
    /// Each call is answered by one [`KernelEvent::Installed`] or [`KernelEvent::Removed`] unless
    /// another call comes first. What is already as wanted is not touched (VIP-01, VIP-02, VIP-09).
    pub fn set(&mut self, now: Instant, owner: OwnerId, desired: Desired) {
        let delta = self.claims.set(owner, desired);
        let protocols = self.claims.protocols();
        if !protocols.is_subset(&self.known_protocols) && self.ready {
            // Routes and rules with these were not looked at until now.
            self.sync.request_routes(now);
        }
        self.known_protocols.clone_from(protocols);
        for key in delta.dropped {
            self.dropped(owner, key);
        }
        if self.ready {
            for key in delta.changed {
                if let Some(identity) = self.identity_of(&key) {
                    // What went wrong was about another wish.
                    self.troubles.forget(identity);
                }
                self.look_for(now, &key);
            }
        }
        self.claims.answer(owner, &mut self.events);
    }

    /// From now on addresses that bear our tag and that no owner wants are removed: what a killed
    /// run left behind. Call it after [`set`](Self::set) for those to be kept. Addresses of others
    /// are never touched (VIP-09).
    pub fn adopt_or_clean(&mut self, _now: Instant) {
        self.cleaning = true;
        if self.ready {
            self.look_for_leftovers();
        }
    }

    /// Messages were lost (`ENOBUFS` on either socket), or a send failed: everything is dumped
    /// again, and what is found to differ is repaired.
    pub fn handle_overrun(&mut self, now: Instant) {
        self.counters.overruns = self.counters.overruns.saturating_add(1);
        // Whether these succeeded the dump will tell.
        for item in self
            .in_flight
            .take()
            .map(|batch| batch.items)
            .unwrap_or_default()
        {
            self.queue.push(item.identity, item.step);
        }
        self.sync.request(now);
    }

    /// Asks for routes and rules again, for example because news of them come in from now on only.
    pub fn resync_routes(&mut self, now: Instant) {
        self.sync.request_routes(now);
    }

    /// Lets timers expire: delayed repeats, overdue answers.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(identity) = self.troubles.pop_due(now) {
            self.look_at(now, identity);
        }
        let overdue = self
            .in_flight
            .as_ref()
            .is_some_and(|batch| batch.deadline <= now);
        if overdue || self.sync.is_overdue(now) {
            self.handle_overrun(now);
        }
    }

    /// Fills `out` with the bytes of ONE send on the command socket, up to [`BATCH_MAX`] requests,
    /// and says whether there are any. `out` is cleared first.
    ///
    /// At most one batch of changes is unanswered at a time, so that the caller can do other
    /// things, such as sending adverts, between two batches. The kernel answers within the send.
    /// Batches become smaller if answers take more than 2 ms, as they do with thousands of
    /// addresses on one interface.
    #[must_use]
    pub fn poll_request(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        out.clear();
        if self.in_flight.is_some() {
            return false;
        }
        if let Some(table) = self.sync.poll(now, self.next_seq) {
            let seq = self.take_seq();
            match table {
                Table::Links => encode::dump_links(seq, out),
                Table::Addresses => encode::dump_addresses(seq, out),
                Table::Routes4 | Table::Routes6 => {
                    // Of a table with a million entries only ours are of interest.
                    let only = if self.claims.has_protocols() {
                        0
                    } else {
                        self.tag.0
                    };
                    encode::dump_routes(table == Table::Routes6, only, seq, out);
                }
                Table::Rules => encode::dump_rules(seq, out),
            }
            return true;
        }
        if !self.ready || !self.sync.is_idle() {
            return false;
        }
        self.fill_batch(now, out)
    }

    /// What happened, in order.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<KernelEvent> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next, and after it
    /// [`poll_request`](Self::poll_request).
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        let answer = self.in_flight.as_ref().map(|batch| batch.deadline);
        // A dump that is due waits for the answer.
        let dump = if answer.is_some() {
            None
        } else {
            self.sync.next_timeout()
        };
        [self.troubles.next_timeout(), answer, dump]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether the first dump is complete.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Nothing queued, nothing unanswered, no dump: what is left are timers.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.in_flight.is_none() && self.sync.is_idle()
    }

    /// Whether all that `owner` wants is in the kernel and usable, and nothing it wanted before
    /// waits for removal. False for an owner that wants nothing.
    #[must_use]
    pub fn is_installed(&self, owner: OwnerId) -> bool {
        self.claims.is_complete(owner)
    }

    /// The link of this name.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.observed.link(name)
    }

    /// The link of this index.
    #[must_use]
    pub fn link_by_index(&self, index: u32) -> Option<&Link> {
        self.observed.link_by_index(index)
    }

    /// All links, by index.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.observed.links()
    }

    /// The addresses of one link, IPv4 before IPv6.
    pub fn addresses(&self, index: u32) -> impl Iterator<Item = &ObservedAddress> {
        self.observed.addresses(index)
    }

    /// Primary IPv4 address to send adverts from: the first that is not secondary, not ours and
    /// not wanted by any owner on this link.
    #[must_use]
    pub fn source_ipv4(&self, index: u32) -> Option<Ipv4Addr> {
        self.observed
            .source_ipv4(index, |seen| self.may_be_source(seen))
    }

    /// Link-local IPv6 address to send adverts from: usable, not ours and not wanted by any owner
    /// on this link.
    #[must_use]
    pub fn source_ipv6(&self, index: u32) -> Option<Ipv6Addr> {
        self.observed
            .source_ipv6(index, |seen| self.may_be_source(seen))
    }

    /// The mirror of the kernel's tables.
    #[must_use]
    pub fn observed(&self) -> &Observed {
        &self.observed
    }

    /// Counters.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }
}
