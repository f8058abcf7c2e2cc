//! A whole table as it is stored: everything it remembers, and nothing that follows from it.
//!
//! Who restores what somebody else has written cannot make a table that goes round in circles: the ways to a
//! session and the deadlines are made anew from the sessions, and what does not fit together is refused.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::auth::{AuthConfig, Secret, blot};
use crate::event::SessionEvent;
use crate::packet::ControlPacket;
use crate::rng::Rng;
use crate::stats::Rejections;
use crate::table::path::Definition;
use crate::table::slot::Machine;

use super::{Place, SessionId, Table};

/// What is written, in this order.
#[derive(Serialize)]
struct Lent<'a> {
    places: &'a [Place],
    empty: &'a VecDeque<u32>,
    ready: &'a VecDeque<u32>,
    events: &'a VecDeque<(SessionId, SessionEvent)>,
    rng: &'a Rng,
    rejected: &'a Rejections,
    seamless_ports: [Option<u16>; 2],
}

/// What is read.
#[derive(Deserialize)]
struct Owned {
    places: Vec<Place>,
    empty: VecDeque<u32>,
    ready: VecDeque<u32>,
    events: VecDeque<(SessionId, SessionEvent)>,
    rng: Rng,
    rejected: Rejections,
    seamless_ports: [Option<u16>; 2],
}

/// Everything the table remembers, keys of its configuration included. The form is that of this version of
/// the crate and no other.
impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lent = Lent {
            places: &self.places,
            empty: &self.empty,
            ready: &self.ready,
            events: &self.events,
            rng: &self.rng,
            rejected: &self.rejected,
            seamless_ports: self.seamless_ports,
        };
        lent.serialize(serializer)
    }
}

/// The table that was stored. It goes on as if nothing had happened.
impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let owned = Owned::deserialize(deserializer)?;
        let mut table = Self {
            places: owned.places,
            empty: owned.empty,
            ready: owned.ready,
            events: owned.events,
            rng: owned.rng,
            rejected: owned.rejected,
            seamless_ports: owned.seamless_ports,
            ..Self::new(0)
        };
        table.complete().map_err(D::Error::custom)?;
        Ok(table)
    }
}

impl Table {
    /// Makes what follows from the rest, and tells if the rest contradicts itself.
    fn complete(&mut self) -> Result<(), &'static str> {
        let most = usize::try_from(SessionId::PLACES).unwrap_or(usize::MAX);
        let mut empty = BTreeSet::new();
        let mut queued = BTreeSet::new();
        for (place, entry) in (0..).zip(&self.places) {
            let Some(slot) = &entry.slot else {
                empty.insert(place);
                continue;
            };
            if slot.id != SessionId::new(place, entry.uses) {
                return Err("a session is in another's place");
            }
            let kinds = matches!(
                (&slot.machine, &slot.definition),
                (Machine::Initiator(_), Definition::Seamless(..))
                    | (
                        Machine::Session(_),
                        Definition::SingleHop(..) | Definition::Multihop(..)
                    )
            );
            if !kinds || slot.definition.check().is_err() {
                return Err("the definition of a session is wrong");
            }
            if slot.queued {
                queued.insert(place);
            }
            let ways = if slot.retires.is_some() {
                &mut self.retiring
            } else {
                &mut self.by_identity
            };
            let known = ways.insert(slot.identity(), slot.id).is_some()
                | self
                    .by_discriminator
                    .insert(slot.discriminator, place)
                    .is_some();
            if known {
                return Err("two sessions are the same");
            }
            self.transmits
                .extend(slot.transmit_at.map(|at| (at, place)));
            self.expiries.extend(slot.expires_at.map(|at| (at, place)));
        }
        let listed: BTreeSet<u32> = self.empty.iter().copied().collect();
        if self.places.len() > most || listed != empty || self.empty.len() != empty.len() {
            return Err("the places and the list of empty ones differ");
        }
        let listed: BTreeSet<u32> = self.ready.iter().copied().collect();
        if listed != queued || self.ready.len() != queued.len() {
            return Err("the places and the list of ready ones differ");
        }
        let planned = self.places.iter().filter_map(|place| place.slot.as_ref());
        let planned = planned.filter(|slot| slot.plan() != (slot.transmit_at, slot.expires_at));
        if planned.count() > 0 {
            return Err("a deadline is another one");
        }
        Ok(())
    }

    /// The session of this [number](SessionId::get), if there is one.
    #[must_use]
    pub fn id_of_number(&self, number: u32) -> Option<SessionId> {
        let id = SessionId(number);
        self.slot(id).map(|_| id)
    }

    /// Puts what `stand_in` makes of each secret in its place, for storing a table whose secrets are nobody's
    /// business. Two that are equal have to stay equal, and those that are not, different: see
    /// [`Secret::stand_in`].
    pub fn replace_secrets(&mut self, stand_in: &mut dyn FnMut(&Secret) -> Secret) {
        let slots = self
            .places
            .iter_mut()
            .filter_map(|place| place.slot.as_mut());
        for slot in slots {
            slot.definition.replace_secrets(stand_in);
            match &mut slot.machine {
                Machine::Session(session) => session.replace_secrets(stand_in),
                Machine::Initiator(initiator) => initiator.replace_secrets(stand_in),
            }
        }
    }

    /// Takes the secret out of a packet: what one of our keys has signed is signed with what stands in
    /// its place after [`replace_secrets`](Self::replace_secrets). `sender` is the session that sends it; `None`
    /// for a packet that was received.
    pub fn disguise(
        &self,
        sender: Option<SessionId>,
        packet: &mut [u8],
        stand_in: &mut dyn FnMut(&Secret) -> Secret,
    ) {
        let receiver = ControlPacket::parse(packet)
            .ok()
            .filter(ControlPacket::is_authenticated)
            .and_then(|packet| packet.control().your_discriminator)
            .and_then(|your| self.by_discriminator.get(&your))
            .and_then(|place| self.slot_at(*place));
        let one = sender.and_then(|id| self.slot(id)).or(receiver);
        let disguised = match one.and_then(|slot| slot.definition.auth()) {
            Some(auth) => auth.disguise(packet, stand_in),
            // The first packet of a session does not say whose it is.
            None => {
                let slots = self.places.iter().filter_map(|place| place.slot.as_ref());
                let mut keys = slots.filter_map(|slot| slot.definition.auth());
                keys.any(|auth| auth.disguise(packet, stand_in))
            }
        };
        if !disguised {
            blot(packet);
        }
    }
}

impl Definition {
    const fn auth(&self) -> Option<&AuthConfig> {
        match self {
            Self::SingleHop(_, config) | Self::Multihop(_, config) => config.auth.as_ref(),
            Self::Seamless(_, config) => config.auth.as_ref(),
        }
    }

    /// As [`Table::replace_secrets`].
    pub fn replace_secrets(&mut self, stand_in: &mut dyn FnMut(&Secret) -> Secret) {
        let auth = match self {
            Self::SingleHop(_, config) | Self::Multihop(_, config) => &mut config.auth,
            Self::Seamless(_, config) => &mut config.auth,
        };
        if let Some(auth) = auth {
            auth.replace_secrets(stand_in);
        }
    }
}
