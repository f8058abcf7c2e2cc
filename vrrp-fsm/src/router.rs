//! Many virtual routers.

mod digest;
mod groups;
#[cfg(feature = "serde")]
mod storing;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use vrrp_proto::{Advert, AhPacket, Family, IpMeta, ParseError, ParsePolicy, Vrid, peek_vrid};

use crate::Instant;
use crate::action::{Action, Announce, Transmit};
use crate::config::{InstanceConfig, Transport};
use crate::error::{ConfigError, Rejected};
use crate::event::{Event, Fault};
use crate::group::{Group, Standing};
use crate::instance::{Authenticate, Instance};
use crate::schedule::Schedule;
use crate::stats::Rejections;

pub use self::groups::GroupView;

/// An interface, by a number that the caller chooses. It should stay the same when the interface
/// is deleted and comes back, so better not the kernel's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InterfaceId(pub u32);

/// A virtual router of a [`Router`].
///
/// A place and how often it was used before: an identifier that has gone out of use is not
/// mistaken for that of a later virtual router in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InstanceId(u32);

impl InstanceId {
    const PLACE_BITS: u32 = 20;
    const PLACES: u32 = 1 << Self::PLACE_BITS;

    const fn new(place: u32, uses: u32) -> Self {
        Self((uses << Self::PLACE_BITS) | (place & (Self::PLACES - 1)))
    }

    pub(crate) const fn place(self) -> u32 {
        self.0 & (Self::PLACES - 1)
    }

    const fn uses(self) -> u32 {
        self.0 >> Self::PLACE_BITS
    }

    /// The number, unique among the virtual routers that exist.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A received packet.
#[derive(Clone, Copy, Debug)]
pub struct Rx<'a> {
    /// The interface it came in by.
    pub interface: InterfaceId,
    /// What its IP header said.
    pub ip: IpMeta,
    /// The VRRP message.
    pub message: &'a [u8],
}

/// What tells one virtual router from another: VRRP-GEN-04, and multicast from unicast.
///
/// The order is that of the index: those which a packet's interface, family and VRID fit are next
/// to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Identity {
    pub(crate) interface: InterfaceId,
    pub(crate) family: Family,
    pub(crate) vrid: u8,
    /// The group, or `None` for unicast.
    pub(crate) group: Option<IpAddr>,
    /// Which one of several unicast ones with different peers.
    pub(crate) ordinal: u8,
}

impl Identity {
    pub(crate) const fn of(interface: InterfaceId, config: &InstanceConfig) -> Self {
        Self {
            interface,
            family: config.family,
            vrid: config.vrid.get(),
            group: match config.transport {
                Transport::Multicast { group } => Some(group),
                Transport::Unicast { .. } => None,
            },
            ordinal: 0,
        }
    }

    pub(crate) fn duplicate(&self) -> ConfigError {
        ConfigError::Duplicate {
            interface: self.interface,
            family: self.family,
            vrid: Vrid::new(self.vrid).unwrap_or(FIRST_VRID),
        }
    }

    /// Interface, family and VRID.
    const fn prefix(&self) -> (InterfaceId, Family, u8) {
        (self.interface, self.family, self.vrid)
    }
}

const FIRST_VRID: Vrid = match Vrid::new(1) {
    Some(vrid) => vrid,
    None => unreachable!(),
};

/// One virtual router and what belongs to it here.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Slot {
    instance: Instance,
    interface: InterfaceId,
    /// Removed by a reload, with actions that are not polled yet.
    removed: bool,
    /// Its actions in the queue.
    queued: usize,
    /// The last of them, notices aside, is an advert.
    advert_queued: bool,
    /// In which group, by position.
    group: Option<usize>,
    /// Where it stands in that group, as counted there.
    standing: Standing,
    /// Counted among those that the group holds.
    held: bool,
    /// Counted among those that only wait themselves.
    waits: bool,
    /// It came to the group when that was Active already, and is Backup.
    joins: bool,
    /// It has heard a lower advert, which the others of its group are not told of yet.
    refreshes: bool,
}

#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Place {
    uses: u32,
    slot: Option<Slot>,
}

/// Many virtual routers: routes packets to them, calls them in time, and puts their actions into
/// one ordered queue.
///
/// # Use
///
/// The four kinds of method are those of [`Instance`]. A turn of the caller's loop is:
///
/// 1. read the clock once, for all calls of the turn;
/// 2. [`handle_packet`](Self::handle_packet) for what has come in, first of all;
/// 3. [`handle_event`](Self::handle_event) for what else has happened;
/// 4. [`handle_timeout`](Self::handle_timeout);
/// 5. [`poll_action`](Self::poll_action) until `None`;
/// 6. sleep until [`next_timeout`](Self::next_timeout), or until something happens.
///
/// Deadlines are kept in order, so that a turn takes as long as what is due, however many virtual
/// routers there are. Adverts which fall due within 1% of their interval, at most 10 ms, go out
/// early in the company of others. A down timer is never early.
#[derive(Clone, Debug, Default)]
pub struct Router {
    places: Vec<Place>,
    /// Empty places, longest empty first.
    empty: VecDeque<u32>,
    /// Sorted.
    index: Vec<(Identity, InstanceId)>,
    schedule: Schedule,
    queue: VecDeque<(InstanceId, Action)>,
    /// Lent to the instance at work.
    lent: VecDeque<Action>,
    groups: Vec<Group>,
    /// While a group moves: what has to be done after the adverts of all its members.
    after_adverts: Option<VecDeque<(InstanceId, Action)>>,
    due: Vec<u32>,
    /// A removed one whose last action has been polled: gone with the next call.
    leaving: Option<InstanceId>,
    unroutable: Rejections,
    /// The wall clock, since 1970, and when it was told.
    wall: Option<(Instant, Duration)>,
}

impl Router {
    /// Without any virtual router.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a received packet to the virtual router it is for: the one with its interface,
    /// family, VRID and destination. If only the destination fits none, one of the others rejects
    /// it.
    ///
    /// VRRP-V2-RX-07, VRRP-V3-RX-06, VRRP-GEN-04.
    ///
    /// # Errors
    ///
    /// Why the packet changed nothing but counters: those of the virtual router, or, if it is for
    /// none, those of [`unroutable`](Self::unroutable).
    pub fn handle_packet(&mut self, now: Instant, rx: Rx<'_>) -> Result<InstanceId, Rejected> {
        let wall = self.wall;
        self.deliver(now, &rx, |instance| {
            instance.wall_clock_is(wall);
            instance.handle_packet(now, &rx.ip, rx.message)
        })
    }

    /// As [`handle_packet`](Self::handle_packet), of one with an IP authentication header.
    ///
    /// # Errors
    ///
    /// As for [`handle_packet`](Self::handle_packet).
    pub fn handle_ah_packet(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        packet: &AhPacket<'_>,
    ) -> Result<InstanceId, Rejected> {
        let rx = Rx {
            interface,
            ip: *packet.meta(),
            message: packet.message(),
        };
        self.deliver(now, &rx, |instance| instance.handle_ah_packet(now, packet))
    }

    fn deliver(
        &mut self,
        now: Instant,
        rx: &Rx<'_>,
        to: impl FnOnce(&mut Instance) -> Result<(), Rejected>,
    ) -> Result<InstanceId, Rejected> {
        let Some(id) = self.route(rx) else {
            let reason = unroutable(rx);
            self.unroutable.add(&reason);
            return Err(reason);
        };
        self.act(now, id.place(), to)
            .unwrap_or(Err(Rejected::NotRunning))
            .map(|()| id)
    }

    /// Tells all virtual routers the wall clock: see [`Event::WallClock`].
    pub fn wall_clock_is(&mut self, now: Instant, since_1970: Duration) {
        self.wall = Some((now, since_1970));
    }

    /// What to send with an advert of this virtual router now: see [`Instance::authenticate`].
    pub fn authenticate(
        &mut self,
        now: Instant,
        id: InstanceId,
        transmit: Transmit,
    ) -> Authenticate {
        let wall = self.wall;
        match self.slot_mut(id) {
            Some(slot) => {
                slot.instance.wall_clock_is(wall);
                slot.instance.authenticate(now, transmit)
            }
            None => Authenticate::Impossible,
        }
    }

    fn route(&self, rx: &Rx<'_>) -> Option<InstanceId> {
        let prefix = (rx.interface, rx.ip.family()?, peek_vrid(rx.message)?);
        let start = self
            .index
            .partition_point(|(identity, _)| identity.prefix() < prefix);
        let mut candidates = self
            .index
            .get(start..)?
            .iter()
            .take_while(|(identity, _)| identity.prefix() == prefix);
        let destination = rx.ip.destination;
        let group = destination.is_multicast().then_some(destination);
        let mut fitting = candidates
            .clone()
            .filter(|(identity, _)| identity.group == group);
        // Several unicast ones are told apart by whose peer the sender is.
        let is_peer = |id: InstanceId| {
            self.instance(id)
                .is_some_and(|instance| instance.is_peer(rx.ip.source))
        };
        let of_peer = match group {
            None => fitting.clone().find(|(_, id)| is_peer(*id)),
            Some(_) => None,
        };
        let exact = of_peer.or_else(|| fitting.next());
        exact.or_else(|| candidates.next()).map(|(_, id)| *id)
    }

    /// Tells a virtual router of an event. Does nothing if there is no such one.
    ///
    /// [`Fault::SyncGroup`] is no news to a member of a group: the router computes it.
    pub fn handle_event(&mut self, now: Instant, id: InstanceId, event: Event) {
        let computed = matches!(
            event,
            Event::Fault(Fault::SyncGroup) | Event::FaultCleared(Fault::SyncGroup)
        );
        if self.live(id) && !(computed && self.group_of(id).is_some()) {
            let _ = self.act(now, id.place(), |instance| {
                instance.handle_event(now, event);
            });
        }
    }

    /// Tells the time. Does nothing before [`next_timeout`](Self::next_timeout); then calls those
    /// that are due, and the adverts that may go along.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_timeout().is_none_or(|next| next > now) {
            return;
        }
        let mut due = core::mem::take(&mut self.due);
        self.schedule.take_due(now, &mut due);
        for place in due.drain(..) {
            let _ = self.act(now, place, |instance| instance.handle_timeout(now));
        }
        self.schedule.take_early(now, &mut due);
        for place in due.drain(..) {
            let _ = self.act(now, place, |instance| instance.handle_early_timeout(now));
        }
        self.due = due;
    }

    /// The next thing to do, in the order in which things have to be done, and the virtual router
    /// whose it is. Calling it late delays what has to be done and loses nothing.
    #[must_use = "an action has to be carried out"]
    pub fn poll_action(&mut self) -> Option<(InstanceId, Action)> {
        self.forget_leaving();
        let (id, action) = self.queue.pop_front()?;
        if let Some(slot) = self.slot_mut(id) {
            slot.queued = slot.queued.saturating_sub(1);
            if let Action::Transmit(transmit) = action {
                slot.instance.count_sent(transmit);
                slot.advert_queued &= transmit != Transmit::Advert;
            }
            if slot.removed && slot.queued == 0 {
                self.leaving = Some(id);
            }
        }
        Some((id, action))
    }

    /// When [`handle_timeout`](Self::handle_timeout) has to be called; `None` for never.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        self.schedule.first()
    }

    /// A virtual router. One that a reload has removed is there until the call after the one that
    /// has polled its last action.
    #[must_use]
    pub fn instance(&self, id: InstanceId) -> Option<&Instance> {
        self.slot(id).map(|slot| &slot.instance)
    }

    /// The interface of a virtual router.
    #[must_use]
    pub fn interface(&self, id: InstanceId) -> Option<InterfaceId> {
        self.slot(id).map(|slot| slot.interface)
    }

    /// The virtual routers that are configured.
    pub fn instances(&self) -> impl Iterator<Item = (InstanceId, InterfaceId, &Instance)> {
        self.index.iter().filter_map(|(identity, id)| {
            let instance = self.instance(*id)?;
            Some((*id, identity.interface, instance))
        })
    }

    /// Sets all counters to zero.
    pub fn clear_stats(&mut self) {
        self.unroutable = Rejections::default();
        for slot in self
            .places
            .iter_mut()
            .filter_map(|place| place.slot.as_mut())
        {
            slot.instance.clear_stats();
        }
    }

    /// Packets that were for no virtual router, by reason.
    #[must_use]
    pub const fn unroutable(&self) -> &Rejections {
        &self.unroutable
    }

    // For the reload.

    pub(crate) fn find(&self, identity: &Identity) -> Option<InstanceId> {
        let at = self
            .index
            .binary_search_by(|(other, _)| other.cmp(identity))
            .ok()?;
        self.index.get(at).map(|(_, id)| *id)
    }

    pub(crate) const fn index(&self) -> &Vec<(Identity, InstanceId)> {
        &self.index
    }

    /// Replaces the index, which is sorted here.
    pub(crate) fn set_index(&mut self, mut index: Vec<(Identity, InstanceId)>) {
        index.sort_unstable();
        self.index = index;
    }

    /// Places in use, and removed ones that are not polled yet.
    pub(crate) fn has_room_for(&self, instances: usize) -> bool {
        let occupied = self.places.len().saturating_sub(self.empty.len());
        let places = usize::try_from(InstanceId::PLACES).unwrap_or(usize::MAX);
        occupied.saturating_add(instances) <= places
    }

    /// Adds a virtual router; `None` if there is no place left.
    pub(crate) fn add(
        &mut self,
        interface: InterfaceId,
        config: InstanceConfig,
    ) -> Option<InstanceId> {
        let place = match self.empty.pop_front() {
            Some(place) => place,
            None => {
                let place = u32::try_from(self.places.len()).ok()?;
                if place >= InstanceId::PLACES {
                    return None;
                }
                self.places.push(Place::default());
                place
            }
        };
        let entry = self.place_mut(place)?;
        entry.slot = Some(Slot {
            instance: Instance::unchecked(config),
            interface,
            removed: false,
            queued: 0,
            advert_queued: false,
            group: None,
            standing: Standing::Out,
            held: false,
            waits: false,
            joins: false,
            refreshes: false,
        });
        Some(InstanceId::new(place, entry.uses))
    }

    /// Stops a virtual router, and lets it go once its last action is polled.
    pub(crate) fn remove(&mut self, id: InstanceId, stop: impl FnOnce(&mut Instance)) {
        let _ = self.work(id.place(), stop);
        let Some(slot) = self.slot_mut(id) else {
            return;
        };
        slot.removed = true;
        if slot.queued == 0 {
            self.forget(id);
        }
    }

    pub(crate) fn forget_leaving(&mut self) {
        if let Some(id) = self.leaving.take() {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: InstanceId) {
        self.schedule.set(id.place(), None, None);
        let Some(place) = self.place_mut(id.place()) else {
            return;
        };
        if place.slot.take().is_some() {
            // Wraps after 4096 uses, long after anybody remembers the first.
            place.uses = InstanceId::new(0, place.uses.wrapping_add(1)).uses();
            self.empty.push_back(id.place());
        }
    }

    /// Lets a virtual router work, and then its group.
    fn act<T>(
        &mut self,
        now: Instant,
        place: u32,
        f: impl FnOnce(&mut Instance) -> T,
    ) -> Option<T> {
        let before = self.standing(place);
        let result = self.work(place, f)?;
        self.settle_member(now, place, before);
        Some(result)
    }

    /// Lets a virtual router work, queues what it wants done, arms its timer, and counts where it
    /// stands now.
    pub(crate) fn work<T>(&mut self, place: u32, f: impl FnOnce(&mut Instance) -> T) -> Option<T> {
        let entry = self.places.get_mut(usize::try_from(place).ok()?)?;
        let slot = entry.slot.as_mut()?;
        let id = InstanceId::new(place, entry.uses);
        core::mem::swap(slot.instance.actions_mut(), &mut self.lent);
        let result = f(&mut slot.instance);
        core::mem::swap(slot.instance.actions_mut(), &mut self.lent);
        for action in self.lent.drain(..) {
            if slot.group.is_some() {
                slot.refreshes |= action == Action::Announce(Announce::LowerPriority);
            }
            match &mut self.after_adverts {
                Some(later) if !matches!(action, Action::Transmit(_)) => {
                    later.push_back((id, action));
                }
                _ => enqueue(&mut self.queue, slot, id, action),
            }
        }
        let (next, early) = (slot.instance.next_timeout(), slot.instance.early_timeout());
        self.schedule.set(place, next, early);
        if let Some(group) = slot.group.and_then(|group| self.groups.get_mut(group)) {
            slot.recount(group);
        }
        Some(result)
    }

    /// Whether this one is there and not removed.
    fn live(&self, id: InstanceId) -> bool {
        self.slot(id).is_some_and(|slot| !slot.removed)
    }

    fn slot(&self, id: InstanceId) -> Option<&Slot> {
        let place = self.places.get(usize::try_from(id.place()).ok()?)?;
        place.slot.as_ref().filter(|_| place.uses == id.uses())
    }

    fn slot_mut(&mut self, id: InstanceId) -> Option<&mut Slot> {
        let place = self.place_mut(id.place())?;
        let current = place.uses == id.uses();
        place.slot.as_mut().filter(|_| current)
    }

    fn place_mut(&mut self, place: u32) -> Option<&mut Place> {
        self.places.get_mut(usize::try_from(place).ok()?)
    }
}

/// Puts an action into the queue. An advert is made when it is sent, so that one that waits makes
/// another needless.
fn enqueue(
    queue: &mut VecDeque<(InstanceId, Action)>,
    slot: &mut Slot,
    id: InstanceId,
    action: Action,
) {
    match action {
        Action::Transmit(Transmit::Advert) if slot.advert_queued => return,
        Action::Transmit(Transmit::Advert) => slot.advert_queued = true,
        Action::Notice(_) => {}
        _ => slot.advert_queued = false,
    }
    slot.queued = slot.queued.saturating_add(1);
    queue.push_back((id, action));
}

/// Why a packet is for no virtual router. What is wrong with the octets comes first
/// (VRRP-GEN-12).
fn unroutable(rx: &Rx<'_>) -> Rejected {
    let policy = ParsePolicy::new().with_allow_no_addresses(true);
    match Advert::parse(rx.message, &rx.ip, &policy) {
        Ok(advert) => Rejected::UnknownVrid(advert.vrid().get()),
        // These come after the VRID.
        Err(error) if error.index() > ParseError::VridZero.index() => {
            Rejected::UnknownVrid(peek_vrid(rx.message).unwrap_or(0))
        }
        Err(error) => Rejected::Parse(error),
    }
}
