//! A whole router as it is stored: everything it remembers, and nothing that follows from it.
//!
//! Who restores what somebody else has written cannot make a router that goes round in circles:
//! deadlines and counts of groups are made anew from the virtual routers, and what does not fit together is
//! refused.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use vrrp_proto::HmacKey;

use crate::action::Action;
use crate::config::{InstanceConfig, V2Auth, WireFormat};
use crate::group::{Group, Tally};
use crate::reload::RouterConfig;
use crate::stats::Rejections;
use crate::stored::Stored;

use super::{Identity, InstanceId, Place, Router};

/// What is written, in this order.
#[derive(Serialize)]
struct Lent<'a> {
    places: &'a [Place],
    empty: &'a VecDeque<u32>,
    index: &'a [(Identity, InstanceId)],
    queue: &'a VecDeque<(InstanceId, Action)>,
    groups: &'a [Group],
    leaving: Option<InstanceId>,
    unroutable: &'a Rejections,
    wall: Option<(i64, Duration)>,
}

/// What is read.
#[derive(Deserialize)]
struct Owned {
    places: Vec<Place>,
    empty: VecDeque<u32>,
    index: Vec<(Identity, InstanceId)>,
    queue: VecDeque<(InstanceId, Action)>,
    groups: Vec<Group>,
    leaving: Option<InstanceId>,
    unroutable: Rejections,
    wall: Option<(i64, Duration)>,
}

/// Everything the router remembers, keys of its configuration included. The form is that of this
/// version of the crate and no other.
impl Serialize for Router {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lent = Lent {
            places: &self.places,
            empty: &self.empty,
            index: &self.index,
            queue: &self.queue,
            groups: &self.groups,
            leaving: self.leaving,
            unroutable: &self.unroutable,
            wall: self.wall.form(),
        };
        lent.serialize(serializer)
    }
}

/// The router that was stored. It goes on as if nothing had happened.
impl<'de> Deserialize<'de> for Router {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let owned = Owned::deserialize(deserializer)?;
        let mut router = Self {
            places: owned.places,
            empty: owned.empty,
            index: owned.index,
            queue: owned.queue,
            groups: owned.groups,
            leaving: owned.leaving,
            unroutable: owned.unroutable,
            wall: Option::restore(owned.wall).flatten(),
            ..Self::default()
        };
        router.complete().map_err(D::Error::custom)?;
        Ok(router)
    }
}

impl Router {
    /// Makes what follows from the rest, and tells if the rest contradicts itself.
    fn complete(&mut self) -> Result<(), &'static str> {
        self.check_places()?;
        self.check_queue()?;
        for group in &mut self.groups {
            group.tally = Tally::default();
            (group.held, group.waiting) = (0, 0);
            let mut members = BTreeSet::new();
            if !group.members.iter().all(|place| members.insert(*place)) {
                return Err("a member is in its group twice");
            }
        }
        let mut members: usize = 0;
        for (place, entry) in (0..).zip(&mut self.places) {
            let Some(slot) = &mut entry.slot else {
                continue;
            };
            let (next, early) = (slot.instance.next_timeout(), slot.instance.early_timeout());
            self.schedule.set(place, next, early);
            let Some(position) = slot.group else {
                continue;
            };
            let group = self
                .groups
                .get_mut(position)
                .ok_or("there is no such group")?;
            if !group.members.contains(&place) {
                return Err("a member is not in its group");
            }
            group.tally.add(slot.standing);
            group.held = group.held.saturating_add(usize::from(slot.held));
            group.waiting = group.waiting.saturating_add(usize::from(slot.waits));
            slot.recount(group);
            members = members.saturating_add(1);
        }
        let listed = self.groups.iter().map(|group| group.members.len());
        if listed.fold(0, usize::saturating_add) != members {
            return Err("a group has members that are not in it");
        }
        Ok(())
    }

    fn check_places(&self) -> Result<(), &'static str> {
        let most = usize::try_from(InstanceId::PLACES).unwrap_or(usize::MAX);
        let mut empty = BTreeSet::new();
        for (place, entry) in (0..).zip(&self.places) {
            if entry.slot.is_none() {
                empty.insert(place);
            }
        }
        let listed: BTreeSet<u32> = self.empty.iter().copied().collect();
        if self.places.len() > most || listed != empty || self.empty.len() != empty.len() {
            return Err("the places and the list of empty ones differ");
        }
        let sorted = self.index.is_sorted_by(|(one, _), (next, _)| one < next);
        let mut indexed = BTreeSet::new();
        let all = self.index.iter().all(|(identity, id)| {
            let slot = self.slot(*id).filter(|slot| !slot.removed);
            let fits = slot.is_some_and(|slot| {
                let found = Identity::of(slot.interface, slot.instance.config());
                let ordinal = identity.ordinal;
                Identity { ordinal, ..found } == *identity
            });
            fits && indexed.insert(*id)
        });
        let slots = self.places.iter().filter_map(|place| place.slot.as_ref());
        let living = slots.filter(|slot| !slot.removed).count();
        if !sorted || !all || living != self.index.len() {
            return Err("the places and the index differ");
        }
        Ok(())
    }

    fn check_queue(&self) -> Result<(), &'static str> {
        let mut queued: Vec<usize> = vec![0; self.places.len()];
        for (id, _) in &self.queue {
            let at = usize::try_from(id.place()).unwrap_or(usize::MAX);
            match queued.get_mut(at) {
                Some(count) if self.slot(*id).is_some() => *count = count.saturating_add(1),
                _ => return Err("an action is nobody's"),
            }
        }
        for ((at, place), queued) in (0..).zip(&self.places).zip(queued) {
            let Some(slot) = &place.slot else {
                continue;
            };
            let leaves = self.leaving == Some(InstanceId::new(at, place.uses));
            let goes = slot.removed && queued == 0;
            if slot.queued != queued || goes != leaves {
                return Err("the queue and the places differ");
            }
        }
        Ok(())
    }

    /// The virtual router of this [number](InstanceId::get), if there is one.
    #[must_use]
    pub fn id_of_number(&self, number: u32) -> Option<InstanceId> {
        let id = InstanceId(number);
        self.slot(id).map(|_| id)
    }

    /// Puts what `word` and `key` make of each password and each key in their places, for storing a router whose
    /// secrets are nobody's business.
    pub fn replace_secrets(
        &mut self,
        word: &mut dyn FnMut([u8; 8]) -> [u8; 8],
        key: &mut dyn FnMut(&HmacKey) -> HmacKey,
    ) {
        let slots = self
            .places
            .iter_mut()
            .filter_map(|place| place.slot.as_mut());
        for slot in slots {
            slot.instance.config_mut().replace_secrets(word, key);
        }
    }
}

impl RouterConfig {
    /// As [`Router::replace_secrets`].
    pub fn replace_secrets(
        &mut self,
        word: &mut dyn FnMut([u8; 8]) -> [u8; 8],
        key: &mut dyn FnMut(&HmacKey) -> HmacKey,
    ) {
        for (_, config) in &mut self.instances {
            config.replace_secrets(word, key);
        }
    }
}

impl InstanceConfig {
    /// As [`Router::replace_secrets`].
    pub fn replace_secrets(
        &mut self,
        word: &mut dyn FnMut([u8; 8]) -> [u8; 8],
        key: &mut dyn FnMut(&HmacKey) -> HmacKey,
    ) {
        if let WireFormat::V2 {
            auth: V2Auth::Password(secret) | V2Auth::Ah(secret),
        } = &mut self.format
        {
            *secret = word(*secret);
        }
        if let Some(hmac) = &mut self.hmac {
            hmac.replace_keys(key);
        }
    }
}
