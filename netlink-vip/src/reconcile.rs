//! The reconciler: what the kernel holds is brought to what the owners want, and kept there.
//!
//! It is driven by levels, not edges. Events only say *where* to look; what to do is decided when
//! a request is about to be sent, by comparing the mirror of the kernel's tables with what is
//! wanted then, with the same function that [`plan`](crate::plan()) uses. A lost, late or repeated
//! event therefore costs at most a needless look.

mod claims;
mod facts;
mod sync;
mod trouble;

use std::collections::{BTreeSet, VecDeque};
use std::net::{Ipv4Addr, Ipv6Addr};

use sans_io_time::Instant;

use crate::desired::{Desired, OwnerId, Tag};
use crate::encode::{self, Verb};
use crate::event::KernelEvent;
use crate::link::Link;
use crate::observed::{Identity, Observed, ObservedAddress};
use crate::plan::{Judgement, judge};
use crate::timing::after;

use claims::{Claims, Key};
use sync::{ANSWER_TIMEOUT, Sync, Table};
use trouble::Troubles;

/// Most requests in one send. The kernel works them off within the system call, 6 to 60 µs each.
pub const BATCH_MAX: usize = 64;

const ENODEV: i32 = 19;
const EEXIST: i32 = 17;
const EADDRNOTAVAIL: i32 = 99;

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
/// [`start`](Self::start), passes in all that can be read, and then sends what
/// [`poll_request`](Self::poll_request) gives. Only datagrams from the kernel (port 0) may be
/// passed in.
#[derive(Debug)]
pub struct Reconciler {
    tag: Tag,
    observed: Observed,
    claims: Claims,
    queue: Queue,
    in_flight: Option<Batch>,
    troubles: Troubles,
    sync: Sync,
    /// The first dump is complete.
    ready: bool,
    /// What bears our tag and nobody wants is removed.
    cleaning: bool,
    /// Our port, as learnt from answers.
    port: u32,
    next_seq: u32,
    events: VecDeque<KernelEvent>,
    counters: Counters,
}

/// Objects to look at, each at most once.
#[derive(Debug, Default)]
struct Queue {
    /// Served first: an address that stays where it no longer belongs harms more than one that
    /// comes a millisecond later.
    removals: VecDeque<Identity>,
    others: VecDeque<Identity>,
    members: BTreeSet<Identity>,
}

impl Queue {
    fn push(&mut self, identity: Identity, step: Step) {
        if self.members.insert(identity) {
            match step {
                Step::Remove => self.removals.push_back(identity),
                Step::Recreate | Step::Put(_) => self.others.push_back(identity),
            }
        }
    }

    /// Moves an object that may have a place already to the end of the removals.
    fn hasten(&mut self, identity: Identity) {
        self.members.insert(identity);
        self.removals.push_back(identity);
    }

    fn pop(&mut self) -> Option<Identity> {
        loop {
            let next = self.removals.pop_front();
            let identity = next.or_else(|| self.others.pop_front())?;
            // Not the former place of one that was moved.
            if self.members.remove(&identity) {
                return Some(identity);
            }
        }
    }
}

/// One request to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Remove what nobody wants.
    Remove,
    /// Remove what is wanted otherwise; adding it is the next step.
    Recreate,
    Put(Verb),
}

impl Step {
    /// Whether it corrects something that is there.
    fn is_fix(self) -> bool {
        matches!(self, Self::Recreate | Self::Put(Verb::Replace))
    }
}

/// Requests of one send. Only the last asks for an acknowledgement: errors come without asking,
/// in order and before it, so all others have then succeeded.
#[derive(Debug)]
struct Batch {
    items: Vec<Item>,
    last_seq: u32,
    deadline: Instant,
}

#[derive(Debug)]
struct Item {
    seq: u32,
    identity: Identity,
    step: Step,
    /// What the kernel holds if it succeeds.
    expected: Option<ObservedAddress>,
    /// Error number and text of the kernel, if it refused.
    refusal: Option<(i32, Option<String>)>,
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
            troubles: Troubles::default(),
            sync: Sync::default(),
            ready: false,
            cleaning: false,
            port: 0,
            next_seq: 1,
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
        self.queue.members.is_empty() && self.in_flight.is_none() && self.sync.is_idle()
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
        let name = self.observed.link_by_index(index)?.name;
        self.observed
            .source_ipv4(index, |address| self.claims.is_vip(name, address))
    }

    /// Link-local IPv6 address to send adverts from: usable, not ours and not wanted by any owner
    /// on this link.
    #[must_use]
    pub fn source_ipv6(&self, index: u32) -> Option<Ipv6Addr> {
        let name = self.observed.link_by_index(index)?.name;
        self.observed
            .source_ipv6(index, |address| self.claims.is_vip(name, address))
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

/// Deciding what to do.
impl Reconciler {
    fn identity_of(&self, key: &Key) -> Option<Identity> {
        let (device, place) = *key;
        let index = self.observed.link_named(device)?.index;
        Some(Identity { index, place })
    }

    fn key_of(&self, identity: Identity) -> Option<Key> {
        let name = self.observed.link_by_index(identity.index)?.name;
        Some((name, identity.place))
    }

    /// The last owner has dropped this object.
    fn dropped(&mut self, owner: OwnerId, key: Key) {
        let Some(identity) = self.identity_of(&key) else {
            return;
        };
        self.troubles.forget(identity);
        let ours = self.observed.get(identity).is_some_and(|seen| seen.ours);
        let unanswered = self
            .in_flight
            .as_ref()
            .is_some_and(|batch| batch.puts(identity));
        if ours || unanswered {
            self.claims.leave(identity, owner);
            self.queue.hasten(identity);
        }
    }

    /// Looks for a wanted object on a device that may not exist.
    fn look_for(&mut self, now: Instant, key: &Key) {
        if let Some(identity) = self.identity_of(key) {
            self.look_at(now, identity);
        } else if self.claims.first_missing(key) {
            self.report_failure(key, None, ENODEV, Some("no such device"));
        }
    }

    fn look_for_leftovers(&mut self) {
        // Secondaries first, for the reason given at `plan`.
        for secondary in [true, false] {
            for identity in self.observed.identities() {
                let fits = |seen: &ObservedAddress| seen.ours && seen.is_secondary() == secondary;
                if self.observed.get(identity).is_some_and(fits)
                    && !self
                        .key_of(identity)
                        .is_some_and(|key| self.claims.is_wanted_on(&key))
                {
                    self.queue.push(identity, Step::Remove);
                }
            }
        }
    }

    /// Notes the state of an object, and queues it if there is something to do.
    fn look_at(&mut self, now: Instant, identity: Identity) {
        if let Some(step) = self.examine(identity)
            && !self.troubles.is_held(now, identity, step.is_fix())
        {
            self.queue.push(identity, step);
        }
    }

    /// Compares what is with what is wanted in one place, notes the outcome, and returns what is
    /// to be done.
    fn examine(&mut self, identity: Identity) -> Option<Step> {
        let seen = self.observed.get(identity);
        let Some(link) = self.observed.link_by_index(identity.index) else {
            self.claims.left(identity, &mut self.events);
            return None;
        };
        let key = (link.name, identity.place);
        let Some(vip) = self.claims.vip(&key) else {
            if seen.is_some_and(|seen| seen.ours) {
                return (self.cleaning || self.claims.is_leaving(identity)).then_some(Step::Remove);
            }
            self.claims.left(identity, &mut self.events);
            self.troubles.forget(identity);
            return None;
        };
        let judgement = judge(seen, link, vip);
        self.claims.left(identity, &mut self.events);
        match judgement {
            Judgement::Present => {
                if let Some(times) = self.troubles.recovered(identity) {
                    self.report_repair(&key, times);
                }
                self.claims.mark(&key, true, &mut self.events);
                None
            }
            Judgement::Foreign => {
                self.report_foreign(&key, identity);
                self.claims.mark(&key, true, &mut self.events);
                None
            }
            Judgement::Wait => {
                self.claims.mark(&key, false, &mut self.events);
                None
            }
            Judgement::Add => {
                self.claims.mark(&key, false, &mut self.events);
                Some(Step::Put(Verb::Add))
            }
            Judgement::Replace | Judgement::Recreate => {
                // Good enough, if it cannot be had any better.
                if self.troubles.is_unfixable(identity) {
                    self.claims.mark(&key, true, &mut self.events);
                }
                let replace = judgement == Judgement::Replace;
                Some(if replace {
                    Step::Put(Verb::Replace)
                } else {
                    Step::Recreate
                })
            }
        }
    }

    fn fill_batch(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        let mut items = Vec::new();
        let mut last_start = 0;
        while items.len() < BATCH_MAX {
            let Some(identity) = self.queue.pop() else {
                break;
            };
            let Some(step) = self.examine(identity) else {
                continue;
            };
            if self.troubles.is_held(now, identity, step.is_fix()) {
                continue;
            }
            last_start = out.len();
            items.extend(self.write(now, identity, step, out));
        }
        let Some(last) = items.last() else {
            return false;
        };
        encode::ask_for_ack(out, last_start);
        let requests = u64::try_from(items.len()).unwrap_or(u64::MAX);
        self.counters.requests = self.counters.requests.saturating_add(requests);
        self.in_flight = Some(Batch {
            last_seq: last.seq,
            deadline: after(now, ANSWER_TIMEOUT),
            items,
        });
        true
    }

    fn write(
        &mut self,
        now: Instant,
        identity: Identity,
        step: Step,
        out: &mut Vec<u8>,
    ) -> Option<Item> {
        let seq = self.take_seq();
        let expected = match step {
            Step::Remove | Step::Recreate => {
                encode::remove_address(self.observed.get(identity)?, seq, out);
                None
            }
            Step::Put(verb) => {
                let vip = self.claims.vip(&self.key_of(identity)?)?;
                encode::put_address(verb, identity.index, vip, self.tag, seq, out);
                Some(ObservedAddress::expected(identity.index, vip, self.tag))
            }
        };
        if step.is_fix() {
            self.troubles.fixing(now, identity);
        }
        Some(Item {
            seq,
            identity,
            step,
            expected,
            refusal: None,
        })
    }

    fn take_seq(&mut self) -> u32 {
        let seq = self.next_seq;
        // 0 is what notifications bear that nobody asked for.
        self.next_seq = seq.checked_add(1).unwrap_or(1);
        seq
    }
}

impl Batch {
    fn puts(&self, identity: Identity) -> bool {
        let of = |item: &&Item| item.identity == identity;
        self.items
            .iter()
            .find(of)
            .is_some_and(|item| matches!(item.step, Step::Put(_)))
    }

    fn removes(&self, identity: Identity) -> bool {
        let of = |item: &&Item| item.identity == identity;
        self.items
            .iter()
            .find(of)
            .is_some_and(|item| !matches!(item.step, Step::Put(_)))
    }
}

/// Reporting.
impl Reconciler {
    fn report_failure(
        &mut self,
        key: &Key,
        leaving: Option<Identity>,
        errno: i32,
        message: Option<&str>,
    ) {
        let mut owners = self.claims.owners_of(key);
        if let Some(identity) = leaving {
            owners.extend(self.claims.owners_leaving(identity));
        }
        for owner in owners {
            self.events.push_back(KernelEvent::Failed {
                owner,
                address: key.1.address(),
                errno,
                message: message.map(str::to_owned),
            });
        }
    }

    fn report_give_up(&mut self, key: &Key) {
        for owner in self.claims.owners_of(key) {
            let address = key.1.address();
            self.events
                .push_back(KernelEvent::GaveUp { owner, address });
        }
    }

    fn report_foreign(&mut self, key: &Key, identity: Identity) {
        if !self.claims.first_foreign(key) {
            return;
        }
        for owner in self.claims.owners_of(key) {
            self.events.push_back(KernelEvent::Foreign {
                owner,
                index: identity.index,
                address: key.1.address(),
            });
        }
    }

    fn report_repair(&mut self, key: &Key, times: u32) {
        self.counters.repaired = self.counters.repaired.saturating_add(1);
        for owner in self.claims.owners_of(key) {
            let address = key.1.address();
            self.events.push_back(KernelEvent::Repaired {
                owner,
                address,
                times,
            });
        }
    }
}
