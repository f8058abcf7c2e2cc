//! What the kernel says.

use sans_io_time::Instant;

use super::batch::{Effect, Item, News, Step};
use super::object::{Id, Key};
use super::sync::{Next, Table};
use super::{Channel, EADDRNOTAVAIL, EEXIST, ENODEV, Reconciler};
use crate::encode::{self, Fact, Message, Verb};
use crate::event::KernelEvent;
use crate::link::Link;
use crate::observed::{AddressFlags, Identity, ObservedAddress};

const EAFNOSUPPORT: i32 = 97;
const EOPNOTSUPP: i32 = 95;

/// Why an address is no longer there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// We removed it, or it went along with one that we removed.
    Ourselves,
    /// Its link is off or gone.
    Link,
    /// Somebody else.
    Others,
}

impl Reconciler {
    /// Takes in one datagram, which can hold many messages. Undecodable ones are skipped and
    /// counted.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &[u8], from: Channel) {
        for message in encode::messages(datagram) {
            match message {
                Ok(message) => self.handle_message(now, message, from),
                Err(_) => {
                    self.counters.undecodable = self.counters.undecodable.saturating_add(1);
                }
            }
        }
    }

    fn handle_message(&mut self, now: Instant, message: Message, from: Channel) {
        let (seq, of_dump) = (message.seq, from == Channel::Command && message.of_dump);
        if from == Channel::Command && message.port != 0 {
            self.port = message.port;
        }
        if message.interrupted && self.sync.table_of(seq).is_some() {
            self.sync.doubt();
        }
        match message.fact {
            Fact::NewLink(link) if of_dump => {
                if self.sync.is_answer(Table::Links, seq) {
                    self.dumped_link(now, link);
                }
            }
            Fact::NewAddress(seen) if of_dump => {
                if self.sync.is_answer(Table::Addresses, seq) {
                    self.dumped_address(now, seen);
                }
            }
            Fact::NewRoutes { routes, .. } if of_dump => {
                if self.sync.is_answer(Table::Routes4, seq)
                    || self.sync.is_answer(Table::Routes6, seq)
                {
                    self.sync.routes.extend(routes);
                }
            }
            Fact::NewRule(rule) if of_dump => {
                if self.sync.is_answer(Table::Rules, seq) {
                    self.sync.rules.push(rule);
                }
            }
            Fact::NewLink(link) => {
                self.touch_link(link.index);
                self.link_seen(now, link);
            }
            Fact::DelLink { index } => {
                self.touch_link(index);
                self.link_gone(now, index);
            }
            Fact::NewAddress(seen) => {
                self.touch(Identity::of(&seen).into(), true);
                self.address_seen(now, seen);
            }
            Fact::DelAddress(seen) => {
                let identity = Identity::of(&seen);
                self.touch(identity.into(), false);
                let cause = self.cause(identity, message.port);
                self.address_gone(now, identity, cause);
            }
            Fact::NewRoutes { routes, replaced } => {
                self.routes_seen(now, seq, routes, replaced, from);
            }
            Fact::DelRoutes(routes) => self.routes_deleted(now, message.port, &routes),
            Fact::NewRule(rule) => self.rule_seen(now, seq, rule, from),
            Fact::DelRule(rule) => self.rule_deleted(now, message.port, &rule),
            Fact::Answer { errno, message } => self.answered(now, seq, errno, message),
            Fact::Done { errno } => self.dump_ended(now, seq, errno),
            Fact::Overrun => self.handle_overrun(now),
            Fact::Neighbour(_) | Fact::NoNeighbour(_) | Fact::Other => {}
        }
    }

    /// Remembers what notifications are about while a dump or an answer is awaited.
    pub(super) fn touch(&mut self, identity: Id, there: bool) {
        if let Some(batch) = &mut self.in_flight {
            batch.heard(identity, there);
        }
        if !self.sync.is_idle() {
            self.sync.touched.insert(identity);
        }
    }

    fn touch_link(&mut self, index: u32) {
        if !self.sync.is_idle() {
            self.sync.touched_links.insert(index);
        }
    }

    fn cause(&self, identity: Identity, port: u32) -> Cause {
        let off = |link: &Link| identity.place.is_ipv6() && !link.flags.admin_up;
        let removing = self
            .in_flight
            .as_ref()
            .is_some_and(|batch| batch.removes(identity.into()));
        if self.observed.link_by_index(identity.index).is_none_or(off) {
            Cause::Link
        } else if removing || (port != 0 && port == self.port) {
            Cause::Ourselves
        } else {
            Cause::Others
        }
    }
}

/// Dumps.
impl Reconciler {
    fn dumped_link(&mut self, now: Instant, link: Link) {
        self.sync.seen_links.insert(link.index);
        if !self.sync.touched_links.contains(&link.index) {
            self.link_seen(now, link);
        } else if self.observed.link_by_index(link.index) != Some(&link) {
            self.sync.doubt();
        }
    }

    fn dumped_address(&mut self, now: Instant, seen: ObservedAddress) {
        let identity = Identity::of(&seen);
        self.sync.seen.insert(identity);
        if !self.sync.touched.contains(&identity.into()) {
            // Between what was known and this, it may have been removed and put by others.
            if self.tags_work
                && let Some(known) = self.observed.get_mut(identity)
            {
                known.ours = false;
            }
            self.address_seen(now, seen);
        } else if self
            .observed
            .get(identity)
            .is_none_or(|known| known.flags != seen.flags)
        {
            self.sync.doubt();
        }
    }

    fn dump_ended(&mut self, now: Instant, seq: u32, errno: i32) {
        let Some(table) = self.sync.table_of(seq) else {
            return;
        };
        if errno != 0 {
            self.sync.refused(now);
            return;
        }
        match table {
            Table::Links => self.drop_unseen_links(now),
            Table::Addresses => self.drop_unseen_addresses(now),
            Table::Routes4 | Table::Routes6 | Table::Rules => self.group_dump_ended(now, table),
        }
        match self.sync.ended(now, table) {
            Next::MoreToCome => return,
            Next::RoutesComplete => {
                self.look_at_groups(now);
                return;
            }
            Next::Complete => {}
        }
        self.counters.dumps = self.counters.dumps.saturating_add(1);
        let first = !core::mem::replace(&mut self.ready, true);
        self.events.push_back(if first {
            KernelEvent::Ready
        } else {
            KernelEvent::Resynced
        });
        if self.cleaning {
            self.look_for_leftovers();
        }
        let keys: Vec<_> = self.claims.keys().collect();
        for key in keys {
            self.look_for(now, &key);
        }
        self.look_at_groups(now);
    }

    fn drop_unseen_links(&mut self, now: Instant) {
        let unseen = |link: &&Link| !self.sync.seen_links.contains(&link.index);
        let unseen: Vec<_> = self
            .observed
            .links()
            .filter(unseen)
            .map(|link| link.index)
            .collect();
        for index in unseen {
            if self.sync.touched_links.contains(&index) {
                self.sync.doubt();
            } else {
                self.link_gone(now, index);
            }
        }
    }

    fn drop_unseen_addresses(&mut self, now: Instant) {
        let unseen = |identity: &Identity| !self.sync.seen.contains(identity);
        let unseen: Vec<_> = self.observed.identities().filter(unseen).collect();
        for identity in unseen {
            if self.sync.touched.contains(&Id::from(identity)) {
                self.sync.doubt();
            } else {
                let cause = self.cause(identity, 0);
                self.address_gone(now, identity, cause);
            }
        }
    }
}

/// Links and addresses.
impl Reconciler {
    fn link_seen(&mut self, now: Instant, link: Link) {
        let (index, name, up) = (link.index, link.name, link.up());
        let admin_up = link.flags.admin_up;
        let old = self.observed.insert_link(link);
        let renamed = old
            .as_ref()
            .filter(|old| old.name != name)
            .map(|old| old.name);
        if let Some(name) = renamed {
            self.events.push_back(KernelEvent::LinkGone { index, name });
            self.lost_link_name(now, index, name);
        }
        if old.is_none() || renamed.is_some() {
            self.events
                .push_back(KernelEvent::LinkAppeared { index, name, up });
        } else if old.as_ref() != self.observed.link_by_index(index) {
            self.events
                .push_back(KernelEvent::LinkChanged { index, name, up });
        }
        let switched = old.is_none_or(|old| old.flags.admin_up != admin_up);
        if switched && !admin_up {
            self.routes_over_link_gone(now, index);
        }
        if self.ready && (switched || renamed.is_some()) {
            // IPv6 addresses vanish when a link goes down, and can be added when it comes up.
            let keys: Vec<_> = self.claims.keys_on(name).collect();
            for key in keys {
                self.look_for(now, &key);
            }
            self.look_for_routes(now);
        }
    }

    /// The link has another name now: what was wanted on the old name is no longer there, and
    /// what we put on it is in the wrong place.
    fn lost_link_name(&mut self, now: Instant, index: u32, name: crate::InterfaceName) {
        let keys: Vec<_> = self.claims.keys_on(name).collect();
        for key in keys {
            self.claims.excuse(&key);
            self.claims.mark(&key, false, &mut self.events);
        }
        let there: Vec<_> = self.observed.identities_on(index).collect();
        for identity in there {
            self.look_at(now, identity.into());
        }
        // What stays on it is not what is wanted of the one with the old name.
        self.look_at_groups(now);
    }

    fn link_gone(&mut self, now: Instant, index: u32) {
        let there: Vec<_> = self.observed.identities_on(index).collect();
        for identity in there {
            self.address_gone(now, identity, Cause::Link);
        }
        // The addresses have been told to be gone before the link.
        let name = self.observed.link_by_index(index).map(|link| link.name);
        let keys: Vec<_> = name
            .into_iter()
            .flat_map(|n| self.claims.keys_on(n))
            .collect();
        for key in keys {
            self.claims.excuse(&key);
            self.claims.mark(&key, false, &mut self.events);
        }
        self.troubles.forget_link(index);
        self.routes_over_link_gone(now, index);
        if let Some(link) = self.observed.remove_link(index) {
            let name = link.name;
            self.events.push_back(KernelEvent::LinkGone { index, name });
        }
        self.claims.link_gone(index, &mut self.events);
    }

    fn address_seen(&mut self, now: Instant, mut seen: ObservedAddress) {
        let identity = Identity::of(&seen);
        let old = self.observed.get(identity);
        let tagged = self.tag.0 != 0 && seen.protocol == self.tag.0;
        // Its own addresses bear the kernel's, from that of the loopback interface on.
        self.tags_work |= seen.protocol != 0;
        // Kernels before 5.18 do not keep the tag; and whoever changes an address takes it off.
        seen.ours = tagged || old.is_some_and(|old| old.ours);
        seen.tag_lost = seen.ours && !tagged && self.tags_work;
        let news = old.is_none_or(|old| (old.flags, old.scope) != (seen.flags, seen.scope));
        if news && !seen.ours {
            self.events.push_back(KernelEvent::AddressAppeared {
                index: seen.index,
                address: seen.address,
                prefix_len: seen.prefix_len,
            });
        }
        let appeared = self.observed.insert_address(seen).is_none();
        self.look_at(now, identity.into());
        if appeared && self.ready {
            // A route may have waited for it as its source.
            self.look_for_routes(now);
        }
    }

    fn address_gone(&mut self, now: Instant, identity: Identity, cause: Cause) {
        let old = self.observed.remove(identity);
        if let Some(old) = old.as_ref().filter(|old| !old.ours) {
            self.events.push_back(KernelEvent::AddressGone {
                index: old.index,
                address: old.address,
                prefix_len: old.prefix_len,
            });
        }
        if let Some(key) = self.key_of(identity.into()) {
            let had_it = old.as_ref().is_some_and(|old| old.ours) && self.claims.is_present(&key);
            match cause {
                Cause::Others if had_it => self.stolen(now, identity.into(), &key),
                Cause::Link => self.claims.excuse(&key),
                Cause::Others | Cause::Ourselves => {}
            }
            if cause == Cause::Link {
                self.claims.mark(&key, false, &mut self.events);
            }
        }
        self.look_at(now, identity.into());
        if old.is_some() {
            self.address_of_routes_gone(now);
        }
    }
}

/// Answers to requests.
impl Reconciler {
    pub(super) fn stolen(&mut self, now: Instant, identity: Id, key: &Key) {
        if self.troubles.lost(now, identity) {
            self.report_give_up(key);
        }
    }

    fn answered(&mut self, now: Instant, seq: u32, errno: i32, message: Option<String>) {
        if let Some(table) = self.sync.table_of(seq) {
            if table.is_optional() && matches!(errno, EAFNOSUPPORT | EOPNOTSUPP) {
                // A kernel without IPv6, or without policy rules.
                self.dump_ended(now, seq, 0);
            } else if errno != 0 {
                self.sync.refused(now);
            }
            return;
        }
        let Some(batch) = &mut self.in_flight else {
            return;
        };
        if errno != 0
            && let Some(item) = batch.items.iter_mut().find(|item| item.seq == seq)
        {
            item.refusal = Some((errno, message));
        }
        if seq != batch.last_seq {
            return;
        }
        let Some(batch) = self.in_flight.take() else {
            return;
        };
        let took = now.saturating_duration_since(batch.sent_at);
        self.batch_size.learn(batch.items.len(), took);
        for item in batch.items {
            self.settle(now, item);
        }
    }

    /// Takes in the answer to one request. Where notifications have told more in the meantime,
    /// they are right and the mirror has it already.
    fn settle(&mut self, now: Instant, item: Item) {
        let Id::Address(identity) = item.identity else {
            self.settle_group(now, item);
            return;
        };
        let (id, news) = (item.identity, item.news);
        let expected = match item.effect {
            Effect::Address(expected) => Some(*expected),
            _ => None,
        };
        match (item.step, item.refusal) {
            (Step::Put(_), None) => {
                self.troubles.succeeded(id);
                self.put_done(now, identity, news, expected);
            }
            // If it is not there, that is what was wanted.
            (Step::Remove | Step::Recreate, None | Some((EADDRNOTAVAIL | ENODEV, _))) => {
                self.troubles.succeeded(id);
                if matches!(news, News::None | News::There) {
                    self.address_gone(now, identity, Cause::Ourselves);
                }
            }
            (Step::Put(Verb::Add), Some((EEXIST, message))) => {
                self.already_there(now, identity, message.as_deref());
            }
            (_, Some((errno, message))) => self.refused(now, id, errno, message.as_deref()),
        }
        self.look_at(now, id);
    }

    fn put_done(
        &mut self,
        now: Instant,
        identity: Identity,
        news: News,
        expected: Option<ObservedAddress>,
    ) {
        match (news, expected, self.observed.get_mut(identity)) {
            (News::None, Some(expected), None) => {
                self.observed.insert_address(expected);
            }
            (News::None, Some(expected), Some(seen)) => {
                (seen.ours, seen.tag_lost) = (true, false);
                (seen.preferred, seen.valid) = (expected.preferred, expected.valid);
                let kept = AddressFlags::SECONDARY.with(AddressFlags::TENTATIVE);
                seen.flags = AddressFlags(expected.flags.0 & !kept.0 | seen.flags.0 & kept.0);
            }
            (News::There, _, Some(seen)) => seen.ours = true,
            // Added, and removed by somebody at once.
            (News::Gone, _, _) => {
                if let Some(key) = self.key_of(identity.into()) {
                    self.stolen(now, identity.into(), &key);
                }
            }
            _ => {}
        }
    }

    /// An address that the mirror did not show. If it does now, its notification has come in
    /// meanwhile and tells whose it is; if not, a dump will.
    fn already_there(&mut self, now: Instant, identity: Identity, message: Option<&str>) {
        if self.observed.get(identity).is_some() {
            return;
        }
        let verdict = self.troubles.failed(now, identity.into(), EEXIST);
        if verdict.give_up
            && let Some(key) = self.key_of(identity.into())
        {
            self.report_failure(&key, None, EEXIST, message);
        }
        self.sync.request(now);
    }

    /// Refused for a reason that matters: repeated later, and told.
    pub(super) fn refused(
        &mut self,
        now: Instant,
        identity: Id,
        errno: i32,
        message: Option<&str>,
    ) {
        self.counters.refused = self.counters.refused.saturating_add(1);
        let verdict = self.troubles.failed(now, identity, errno);
        let Some(key) = self.key_of(identity) else {
            return;
        };
        // That a device has just gone is told as such.
        if verdict.news && errno != ENODEV {
            self.report_failure(&key, Some(identity), errno, message);
        }
        if verdict.give_up {
            self.report_give_up(&key);
        }
    }
}
