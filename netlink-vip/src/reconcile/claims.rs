//! Who wants what, and who still waits for an answer.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use smallvec::SmallVec;

use crate::desired::{Desired, OwnerId, Vip};
use crate::event::KernelEvent;
use crate::name::InterfaceName;
use crate::observed::{Identity, Place};

/// A wanted kernel object; the device is named, because it may come and go.
pub(super) type Key = (InterfaceName, Place);

/// Bookkeeping of owners. Knows nothing of the kernel but what it is told.
#[derive(Debug, Default)]
pub(super) struct Claims {
    wanted: BTreeMap<Key, Entry>,
    owners: BTreeMap<OwnerId, Owner>,
    /// Nobody wants these any more; they are on their way out for these owners.
    leaving: BTreeMap<Identity, SmallVec<[OwnerId; 1]>>,
}

#[derive(Debug)]
struct Entry {
    /// By owner; the first describes the object.
    claims: SmallVec<[(OwnerId, Vip); 1]>,
    /// It is in the kernel and usable.
    present: bool,
    told_foreign: bool,
    told_missing: bool,
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
        self.wanted.get(key)?.claims.first().map(|(_, vip)| vip)
    }

    pub(super) fn is_present(&self, key: &Key) -> bool {
        self.wanted.get(key).is_some_and(|entry| entry.present)
    }

    pub(super) fn is_leaving(&self, identity: Identity) -> bool {
        self.leaving.contains_key(&identity)
    }

    /// All wanted objects in order of owners and their configuration.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.owners
            .values()
            .flat_map(|owner| owner.keys.iter().copied())
    }

    /// Those on one device.
    pub(super) fn keys_on(&self, device: InterfaceName) -> impl Iterator<Item = Key> {
        self.keys().filter(move |(name, _)| *name == device)
    }

    pub(super) fn is_complete(&self, owner: OwnerId) -> bool {
        let complete = |o: &Owner| !o.keys.is_empty() && o.missing == 0 && o.leaving == 0;
        self.owners.get(&owner).is_some_and(complete)
    }

    /// Whether this is an address that somebody wants, on any device.
    pub(super) fn is_wanted_on(&self, key: &Key) -> bool {
        self.wanted.contains_key(key)
    }

    /// Whether anybody wants this address on this device, with whatever prefix.
    pub(super) fn is_vip(&self, device: InterfaceName, address: IpAddr) -> bool {
        let (first, last) = Place::range_of(address);
        self.wanted
            .range((device, first)..=(device, last))
            .next()
            .is_some()
    }

    pub(super) fn owners_of(&self, key: &Key) -> SmallVec<[OwnerId; 1]> {
        let claims = self.wanted.get(key).map(|entry| &entry.claims);
        claims
            .into_iter()
            .flatten()
            .map(|(owner, _)| *owner)
            .collect()
    }

    pub(super) fn owners_leaving(&self, identity: Identity) -> SmallVec<[OwnerId; 1]> {
        self.leaving.get(&identity).cloned().unwrap_or_default()
    }

    /// Replaces what `owner` wants.
    pub(super) fn set(&mut self, id: OwnerId, desired: Desired) -> Delta {
        let mut delta = Delta::default();
        let mut vips = BTreeMap::new();
        let mut keys = Vec::with_capacity(desired.addresses.len());
        for vip in desired.addresses {
            let key = (vip.device, Place::of_vip(&vip));
            if let std::collections::btree_map::Entry::Vacant(room) = vips.entry(key) {
                room.insert(vip);
                keys.push(key);
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
        let before = entry.claims.first().map(|(_, vip)| vip.clone());
        entry.claims.retain(|(owner, _)| *owner != id);
        if entry.claims.is_empty() {
            self.wanted.remove(&key);
            delta.dropped.push(key);
        } else if entry.claims.first().map(|(_, vip)| vip) != before.as_ref() {
            self.revise(&key);
            delta.changed.push(key);
        }
    }

    fn claim(&mut self, id: OwnerId, key: Key, vip: Vip, delta: &mut Delta) {
        let entry = self.wanted.entry(key).or_insert_with(|| Entry {
            claims: SmallVec::new(),
            present: false,
            told_foreign: false,
            told_missing: false,
        });
        let before = entry.claims.first().map(|(_, vip)| vip.clone());
        match entry.claims.binary_search_by_key(&id, |(owner, _)| *owner) {
            Ok(at) => {
                if let Some((_, old)) = entry.claims.get_mut(at) {
                    *old = vip;
                }
            }
            Err(at) => {
                entry.claims.insert(at, (id, vip));
                if !entry.present
                    && let Some(owner) = self.owners.get_mut(&id)
                {
                    owner.missing = owner.missing.saturating_add(1);
                }
            }
        }
        if entry.claims.first().map(|(_, vip)| vip) != before.as_ref() {
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
    pub(super) fn leave(&mut self, identity: Identity, id: OwnerId) {
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
    pub(super) fn left(&mut self, identity: Identity, events: &mut VecDeque<KernelEvent>) {
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
            .filter(|identity| identity.index == index);
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
