//! Who wants what, and who still waits for an answer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

use smallvec::SmallVec;

use super::object::{Id, Key, Wish};
use crate::desired::{Desired, OwnerId, Vip};
use crate::event::KernelEvent;
use crate::name::InterfaceName;
use crate::object::Object;
use crate::observed::Place;
use crate::route::{Route, RoutePlace};
use crate::rule::{Rule, RulePlace};

/// Bookkeeping of owners. Knows nothing of the kernel but what it is told.
#[derive(Debug, Default)]
pub(super) struct Claims {
    wanted: BTreeMap<Key, Entry>,
    owners: BTreeMap<OwnerId, Owner>,
    /// Nobody wants these any more; they are on their way out for these owners.
    leaving: BTreeMap<Id, SmallVec<[OwnerId; 1]>>,
    /// Protocols that wanted routes and rules have of their own.
    protocols: BTreeSet<u8>,
}

#[derive(Debug)]
struct Entry {
    /// By owner; the first describes an address, all together the routes or rules of a place.
    claims: SmallVec<[(OwnerId, Wish); 1]>,
    /// It is in the kernel and usable.
    present: bool,
    told_foreign: bool,
    told_missing: bool,
    /// Routes and rules that somebody else has put in the same way, says the kernel.
    elsewhere: Vec<Object>,
    /// Routes that have been there and were to go by themselves.
    had_their_time: Vec<Route>,
}

impl Entry {
    /// How the object is wanted.
    fn wish(&self) -> Option<Wish> {
        let mut all = self.claims.iter().map(|(_, wish)| wish.clone());
        let mut wish = all.next()?;
        all.for_each(|other| wish.merge(other));
        Some(wish)
    }
}

#[derive(Debug, Default)]
struct Owner {
    /// In configured order.
    keys: Vec<Key>,
    /// How many of them are not present.
    missing: usize,
    /// How many objects are on their way out.
    leaving: usize,
    /// The last `set` has been answered.
    answered: bool,
}

/// What a `set` changed.
#[derive(Debug, Default)]
pub(super) struct Delta {
    /// Nobody wants these any more.
    pub(super) dropped: Vec<Key>,
    /// New, or described in another way.
    pub(super) changed: Vec<Key>,
}

impl Claims {
    /// How the object is wanted, if it is.
    pub(super) fn vip(&self, key: &Key) -> Option<&Vip> {
        match self.wanted.get(key)?.claims.first() {
            Some((_, Wish::Address(vip))) => Some(vip),
            _ => None,
        }
    }

    fn wishes(&self, key: &Key) -> impl Iterator<Item = &Wish> {
        let claims = self.wanted.get(key).map(|entry| &entry.claims);
        claims.into_iter().flatten().map(|(_, wish)| wish)
    }

    /// The routes that are wanted in this place.
    pub(super) fn routes(&self, place: &RoutePlace) -> Vec<&Route> {
        let mut all: Vec<&Route> = Vec::new();
        for route in self.wishes(&Key::Route(*place)).flat_map(Wish::routes) {
            if !all.iter().any(|known| known.is_same(route)) {
                all.push(route);
            }
        }
        all
    }

    /// The rules that are wanted in this place.
    pub(super) fn rules(&self, place: &RulePlace) -> Vec<&Rule> {
        let mut all: Vec<&Rule> = Vec::new();
        for rule in self.wishes(&Key::Rule(*place)).flat_map(Wish::rules) {
            if !all.iter().any(|known| known.is_same(rule)) {
                all.push(rule);
            }
        }
        all
    }

    /// Whether the loss of this matters to anybody.
    pub(super) fn is_tracked(&self, key: &Key) -> bool {
        self.wishes(key).any(Wish::is_tracked)
    }

    /// The protocols that wanted routes and rules have of their own.
    pub(super) fn protocols(&self) -> &BTreeSet<u8> {
        &self.protocols
    }

    /// Whether routes or rules with protocols other than ours are wanted.
    pub(super) fn has_protocols(&self) -> bool {
        !self.protocols.is_empty()
    }

    /// Whether this need not be ours.
    pub(super) fn is_elsewhere(&self, key: &Key, object: &Object) -> bool {
        self.wanted.get(key).is_some_and(|entry| {
            entry.elsewhere.contains(object)
                || matches!(object, Object::Route(route) if entry.had_their_time.contains(route))
        })
    }

    /// Somebody else has put the same.
    pub(super) fn found_elsewhere(&mut self, key: &Key, object: Object) {
        if let Some(entry) = self.wanted.get_mut(key) {
            entry.elsewhere.push(object);
        }
    }

    /// What others have put there must be seen anew.
    pub(super) fn forget_elsewhere(&mut self, key: &Key) {
        if let Some(entry) = self.wanted.get_mut(key) {
            entry.elsewhere.clear();
        }
    }

    /// A route that goes by itself has been there.
    pub(super) fn has_begun(&mut self, key: &Key, route: &Route) {
        if let Some(entry) = self.wanted.get_mut(key) {
            entry.had_their_time.push(route.clone());
        }
    }

    pub(super) fn is_present(&self, key: &Key) -> bool {
        self.wanted.get(key).is_some_and(|entry| entry.present)
    }

    pub(super) fn is_leaving(&self, identity: Id) -> bool {
        self.leaving.contains_key(&identity)
    }

    /// All wanted objects in order of owners and their configuration.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.owners
            .values()
            .flat_map(|owner| owner.keys.iter().copied())
    }

    /// Those of one owner, in its order.
    pub(super) fn keys_of(&self, owner: OwnerId) -> impl Iterator<Item = Key> {
        let owner = self.owners.get(&owner);
        owner
            .into_iter()
            .flat_map(|owner| owner.keys.iter().copied())
    }

    /// Those on one device.
    pub(super) fn keys_on(&self, device: InterfaceName) -> impl Iterator<Item = Key> {
        self.keys()
            .filter(move |key| matches!(key, Key::Address(name, _) if *name == device))
    }

    /// All places of wanted routes.
    pub(super) fn route_keys(&self) -> impl Iterator<Item = Key> {
        let first = Key::Route(RoutePlace::FIRST);
        self.wanted
            .range(first..)
            .map(|(key, _)| *key)
            .take_while(|key| matches!(key, Key::Route(_)))
    }

    pub(super) fn is_complete(&self, owner: OwnerId) -> bool {
        let complete = |o: &Owner| !o.keys.is_empty() && o.missing == 0 && o.leaving == 0;
        self.owners.get(&owner).is_some_and(complete)
    }

    /// Whether this is an address that somebody wants, on any device.
    pub(super) fn is_wanted_on(&self, key: &Key) -> bool {
        self.wanted.contains_key(key)
    }

    /// Whether anybody wants this address on this device, with whatever prefix; and if so,
    /// whether as one of the host's own.
    pub(super) fn is_vip(&self, device: InterfaceName, address: IpAddr) -> Option<bool> {
        let (first, last) = Place::range_of(address);
        let range = Key::Address(device, first)..=Key::Address(device, last);
        let mut own = None;
        for (_, entry) in self.wanted.range(range) {
            let is_own = |wish: &Wish| matches!(wish, Wish::Address(vip) if vip.own);
            let all_own = entry.claims.iter().all(|(_, wish)| is_own(wish));
            own = Some(own.unwrap_or(true) && all_own);
        }
        own
    }

    pub(super) fn owners_of(&self, key: &Key) -> SmallVec<[OwnerId; 1]> {
        let claims = self.wanted.get(key).map(|entry| &entry.claims);
        claims
            .into_iter()
            .flatten()
            .map(|(owner, _)| *owner)
            .collect()
    }

    pub(super) fn owners_leaving(&self, identity: Id) -> SmallVec<[OwnerId; 1]> {
        self.leaving.get(&identity).cloned().unwrap_or_default()
    }

    /// Replaces what `owner` wants.
    pub(super) fn set(&mut self, id: OwnerId, desired: Desired) -> Delta {
        let mut delta = Delta::default();
        let mut vips = BTreeMap::new();
        let mut keys = Vec::with_capacity(desired.addresses.len());
        let addresses = desired.addresses.into_iter().map(|vip| {
            let key = Key::Address(vip.device, Place::of_vip(&vip));
            (key, Wish::Address(vip))
        });
        let routes = desired.routes.into_iter().flat_map(Route::split);
        let routes = routes.map(|route| (Key::Route(route.place()), Wish::Routes(vec![route])));
        let rules = desired.rules.into_iter();
        let rules = rules.map(|rule| (Key::Rule(rule.place()), Wish::Rules(vec![rule])));
        for (key, wish) in addresses.chain(routes).chain(rules) {
            match vips.entry(key) {
                std::collections::btree_map::Entry::Vacant(room) => {
                    room.insert(wish);
                    keys.push(key);
                }
                std::collections::btree_map::Entry::Occupied(mut known) => {
                    known.get_mut().merge(wish);
                }
            }
        }
        let old = self.owners.entry(id).or_default();
        old.answered = false;
        let old = core::mem::replace(&mut old.keys, keys.clone());
        for key in old {
            if !vips.contains_key(&key) {
                self.withdraw(id, key, &mut delta);
            }
        }
        for key in keys {
            if let Some(vip) = vips.remove(&key) {
                self.claim(id, key, vip, &mut delta);
            }
        }
        delta
            .dropped
            .sort_by_key(|key| core::cmp::Reverse(key.class()));
        self.collect_protocols();
        delta
    }

    fn collect_protocols(&mut self) {
        let later = self.wanted.range(Key::Route(RoutePlace::FIRST)..);
        let wishes = later.flat_map(|(_, entry)| &entry.claims);
        let mut protocols = BTreeSet::new();
        for (_, wish) in wishes {
            protocols.extend(wish.routes().iter().filter_map(|route| route.protocol));
            protocols.extend(wish.rules().iter().filter_map(|rule| rule.protocol));
        }
        self.protocols = protocols;
    }

    fn withdraw(&mut self, id: OwnerId, key: Key, delta: &mut Delta) {
        let Some(entry) = self.wanted.get_mut(&key) else {
            return;
        };
        if !entry.present
            && let Some(owner) = self.owners.get_mut(&id)
        {
            owner.missing = owner.missing.saturating_sub(1);
        }
        let before = entry.wish();
        entry.claims.retain(|(owner, _)| *owner != id);
        if entry.claims.is_empty() {
            self.wanted.remove(&key);
            delta.dropped.push(key);
        } else if entry.wish() != before {
            self.revise(&key);
            delta.changed.push(key);
        }
    }

    fn claim(&mut self, id: OwnerId, key: Key, wish: Wish, delta: &mut Delta) {
        let entry = self.wanted.entry(key).or_insert_with(|| Entry {
            claims: SmallVec::new(),
            present: false,
            told_foreign: false,
            told_missing: false,
            elsewhere: Vec::new(),
            had_their_time: Vec::new(),
        });
        let before = entry.wish();
        match entry.claims.binary_search_by_key(&id, |(owner, _)| *owner) {
            Ok(at) => {
                if let Some((_, old)) = entry.claims.get_mut(at) {
                    *old = wish;
                }
            }
            Err(at) => {
                entry.claims.insert(at, (id, wish));
                if !entry.present
                    && let Some(owner) = self.owners.get_mut(&id)
                {
                    owner.missing = owner.missing.saturating_add(1);
                }
            }
        }
        if entry.wish() != before {
            self.revise(&key);
            delta.changed.push(key);
        }
    }

    /// The description changed: whether the object is as wanted must be seen anew.
    fn revise(&mut self, key: &Key) {
        self.mark(key, false, &mut VecDeque::new());
        if let Some(entry) = self.wanted.get_mut(key) {
            entry.told_foreign = false;
            entry.told_missing = false;
            entry.elsewhere.clear();
            entry.had_their_time.clear();
        }
    }

    /// Notes whether the object is there and usable, and answers owners that are complete now.
    pub(super) fn mark(&mut self, key: &Key, present: bool, events: &mut VecDeque<KernelEvent>) {
        let Some(entry) = self.wanted.get_mut(key) else {
            return;
        };
        if entry.present == present {
            return;
        }
        entry.present = present;
        let owners = self.owners_of(key);
        for id in owners {
            if let Some(owner) = self.owners.get_mut(&id) {
                owner.missing = if present {
                    owner.missing.saturating_sub(1)
                } else {
                    owner.missing.saturating_add(1)
                };
            }
            self.answer(id, events);
        }
    }

    /// The object went for a reason that is no disturbance (the link is off or gone): its owners
    /// get a new answer when it is back.
    pub(super) fn excuse(&mut self, key: &Key) {
        for id in self.owners_of(key) {
            if let Some(owner) = self.owners.get_mut(&id) {
                owner.answered = false;
            }
        }
    }

    /// `id` waits for the removal of this object.
    pub(super) fn leave(&mut self, identity: Id, id: OwnerId) {
        let waiting = self.leaving.entry(identity).or_default();
        if waiting.contains(&id) {
            return;
        }
        waiting.push(id);
        if let Some(owner) = self.owners.get_mut(&id) {
            owner.leaving = owner.leaving.saturating_add(1);
        }
    }

    /// Nobody need wait any more: the object is gone, or wanted again.
    pub(super) fn left(&mut self, identity: Id, events: &mut VecDeque<KernelEvent>) {
        for id in self.leaving.remove(&identity).unwrap_or_default() {
            if let Some(owner) = self.owners.get_mut(&id) {
                owner.leaving = owner.leaving.saturating_sub(1);
            }
            self.answer(id, events);
        }
    }

    /// A link is no more, and with it all that was to be removed from it.
    pub(super) fn link_gone(&mut self, index: u32, events: &mut VecDeque<KernelEvent>) {
        let there = self
            .leaving
            .keys()
            .filter(|id| matches!(id, Id::Address(identity) if identity.index == index));
        for identity in there.copied().collect::<Vec<_>>() {
            self.left(identity, events);
        }
    }

    /// Answers the last `set` of this owner if all it asked for is done.
    pub(super) fn answer(&mut self, id: OwnerId, events: &mut VecDeque<KernelEvent>) {
        let Some(owner) = self.owners.get_mut(&id) else {
            return;
        };
        if owner.answered || owner.missing != 0 || owner.leaving != 0 {
            return;
        }
        owner.answered = true;
        if owner.keys.is_empty() {
            self.owners.remove(&id);
            events.push_back(KernelEvent::Removed { owner: id });
        } else {
            events.push_back(KernelEvent::Installed { owner: id });
        }
    }

    /// Whether this is the first time that somebody else's address is found here.
    pub(super) fn first_foreign(&mut self, key: &Key) -> bool {
        let entry = self.wanted.get_mut(key);
        entry.is_some_and(|entry| !core::mem::replace(&mut entry.told_foreign, true))
    }

    /// Whether this is the first time that the device is found missing.
    pub(super) fn first_missing(&mut self, key: &Key) -> bool {
        let entry = self.wanted.get_mut(key);
        entry.is_some_and(|entry| !core::mem::replace(&mut entry.told_missing, true))
    }
}
