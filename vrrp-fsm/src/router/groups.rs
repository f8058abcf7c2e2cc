//! The groups of a router: [`group`](crate::group) decides, here the members are told.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::Instant;
use crate::action::{Action, Reason, State};
use crate::event::{Fault, Faults};
use crate::group::{self, Group, GroupConfig, GroupId, GroupTransition, Move, Standing};
use crate::instance::Instance;

use super::{InstanceId, Router, Slot, enqueue};

/// A synchronisation group as it is now.
#[derive(Clone, Copy, Debug)]
pub struct GroupView<'a> {
    router: &'a Router,
    group: &'a Group,
}

impl<'a> GroupView<'a> {
    /// Its number.
    #[must_use]
    pub const fn id(&self) -> GroupId {
        self.group.id
    }

    /// Active or Backup with all its members; Initialize if one is at fault or none runs.
    #[must_use]
    pub const fn state(&self) -> State {
        self.group.state
    }

    /// Its members, in the order of the configuration.
    pub fn members(&self) -> impl Iterator<Item = InstanceId> + use<'a> {
        let router = self.router;
        let places = self.group.members.iter();
        places.filter_map(move |place| router.id_of(*place))
    }

    /// How many members have a fault of their own, other than [`Fault::Held`] alone.
    #[must_use]
    pub fn faulted(&self) -> usize {
        let unable = self.group.tally.count(Standing::Unable);
        unable.saturating_sub(self.group.waiting)
    }

    /// How many members have no fault of their own but [`Fault::Held`].
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.group.waiting
    }

    /// When the state last changed, and why.
    #[must_use]
    pub const fn last_transition(&self) -> Option<(Instant, Reason)> {
        self.group.last_transition
    }
}

impl Slot {
    /// Brings the tally of its group up to date.
    pub(super) fn recount(&mut self, group: &mut Group) {
        let standing = self.instance.standing(self.joins);
        group.tally.remove(self.standing);
        group.tally.add(standing);
        self.standing = standing;
        let faults = self.instance.faults();
        let held = standing == Standing::Held && faults.contains(Fault::SyncGroup);
        move_count(&mut group.held, &mut self.held, held);
        let only_waits = faults.without(Fault::SyncGroup) == Faults::NONE.with(Fault::Held);
        let waits = standing == Standing::Unable && only_waits;
        move_count(&mut group.waiting, &mut self.waits, waits);
    }
}

/// Counts one that was counted or not, and is or is not to be.
fn move_count(count: &mut usize, counted: &mut bool, counts: bool) {
    let before = usize::from(core::mem::replace(counted, counts));
    *count = count
        .saturating_sub(before)
        .saturating_add(usize::from(counts));
}

impl Router {
    /// The groups, in the order of the configuration.
    pub fn groups(&self) -> impl Iterator<Item = GroupView<'_>> {
        self.groups.iter().map(|group| GroupView {
            router: self,
            group,
        })
    }

    /// A group.
    #[must_use]
    pub fn group(&self, id: GroupId) -> Option<GroupView<'_>> {
        self.groups().find(|group| group.id() == id)
    }

    /// The group that a virtual router is in.
    #[must_use]
    pub fn group_of(&self, id: InstanceId) -> Option<GroupId> {
        let position = self.slot(id)?.group?;
        self.groups.get(position).map(|group| group.id)
    }

    fn id_of(&self, place: u32) -> Option<InstanceId> {
        let entry = self.places.get(usize::try_from(place).ok()?)?;
        entry.slot.as_ref()?;
        Some(InstanceId::new(place, entry.uses))
    }

    /// After something has happened to one virtual router: what follows for its group.
    pub(super) fn settle_member(&mut self, now: Instant, place: u32, before: Standing) {
        let Some(slot) = self.place_mut(place).and_then(|entry| entry.slot.as_mut()) else {
            return;
        };
        let Some(group) = slot.group else {
            return;
        };
        let refreshes = core::mem::take(&mut slot.refreshes);
        let lost = (before == Standing::Active).then(|| slot.instance.last_transition());
        let release = group::releases(lost.flatten().map(|(_, reason)| reason));
        // With a fault of its own it is not held by others.
        if slot.standing == Standing::Unable && slot.instance.faults().contains(Fault::SyncGroup) {
            let _ = self.work(place, |instance| instance.drop_group_fault(now));
        }
        self.settle_group(now, group, place, release, None);
        let limit = |group: &mut Group| group.may_refresh(now);
        if refreshes && self.groups.get_mut(group).is_some_and(limit) {
            self.move_members(group, |router, member| {
                if member != place {
                    let _ = router.work(member, Instance::refresh);
                    router.forget_refresh(member);
                }
            });
        }
    }

    fn forget_refresh(&mut self, place: u32) {
        if let Some(slot) = self.place_mut(place).and_then(|entry| entry.slot.as_mut()) {
            slot.refreshes = false;
        }
    }

    /// Moves the members until there is nothing to move, and tells when the state of the group has
    /// changed.
    fn settle_group(
        &mut self,
        now: Instant,
        at: usize,
        cause: u32,
        release: bool,
        why: Option<Reason>,
    ) {
        while let Some(group) = self.groups.get(at)
            && let Some(step) = group::decide(&group.tally, group.held)
        {
            if !self.only_the_cause_moves(now, at, step, cause) {
                self.carry_out(now, at, step, release);
            }
        }
        let Some(group) = self.groups.get_mut(at) else {
            return;
        };
        let (from, to) = (group.state, group.tally.state());
        if from == to {
            return;
        }
        let caused = why.or_else(|| {
            let entry = self.places.get(usize::try_from(cause).ok()?)?;
            let (_, reason) = entry.slot.as_ref()?.instance.last_transition()?;
            Some(reason)
        });
        let reason = caused.unwrap_or(Reason::Started);
        group.state = to;
        group.last_transition = Some((now, reason));
        let transition = Action::GroupTransition(GroupTransition {
            group: group.id,
            from,
            to,
            reason,
        });
        if let Some(id) = self.id_of(cause) {
            self.push(id, transition);
        }
    }

    fn push(&mut self, id: InstanceId, action: Action) {
        let Ok(place) = usize::try_from(id.place()) else {
            return;
        };
        let slot = self
            .places
            .get_mut(place)
            .and_then(|entry| entry.slot.as_mut());
        if let Some(slot) = slot {
            enqueue(&mut self.queue, slot, id, action);
        }
    }

    /// A step of a group that concerns only the member that caused it, so that one after the other
    /// does not cost the square of their number. False: others have to move too.
    fn only_the_cause_moves(&mut self, now: Instant, at: usize, step: Move, cause: u32) -> bool {
        let Some(group) = self.groups.get(at) else {
            return false;
        };
        let (tally, standing) = (group.tally, self.standing(cause));
        match step {
            Move::Hold if standing == Standing::Held => {
                let only = !tally.runs() && tally.count(Standing::Held) == group.held + 1;
                let held = self.id_of(cause).and_then(|id| self.slot(id));
                if only && held.is_some_and(|slot| !slot.held) {
                    let _ = self.work(cause, |instance| instance.hold(now));
                    return true;
                }
                false
            }
            Move::Promote if standing == Standing::Ready && tally.count(Standing::Ready) == 1 => {
                self.set_joins(cause, false);
                let _ = self.work(cause, |instance| instance.promote(now));
                true
            }
            _ => false,
        }
    }

    /// One step of a group.
    fn carry_out(&mut self, now: Instant, at: usize, step: Move, release: bool) {
        match step {
            Move::Hold => self.move_members(at, |router, member| {
                if !matches!(router.standing(member), Standing::Out | Standing::Unable) {
                    router.set_joins(member, false);
                    let _ = router.work(member, |instance| instance.hold(now));
                }
            }),
            Move::Enter => {
                let (active, joins) = self.how_to_enter(at);
                self.move_members(at, |router, member| {
                    if router.standing(member) == Standing::Held {
                        router.set_joins(member, joins);
                        let _ = router.work(member, |instance| instance.enter(now, active));
                    }
                });
            }
            Move::Demote => self.move_members(at, |router, member| {
                router.set_joins(member, false);
                let _ = router.work(member, |instance| instance.demote(now, release));
            }),
            Move::Promote => self.move_members(at, |router, member| {
                if router.standing(member) == Standing::Ready {
                    router.set_joins(member, false);
                    let _ = router.work(member, |instance| instance.promote(now));
                }
            }),
        }
    }

    /// Whether those that leave Initialize are Active at once, and whether they come to an Active
    /// group.
    fn how_to_enter(&self, at: usize) -> (bool, bool) {
        let Some(group) = self.groups.get(at) else {
            return (false, false);
        };
        let joins = group.tally.count(Standing::Active) > 0;
        let mut running = group.members.iter().filter_map(|place| {
            let id = self.id_of(*place)?;
            self.slot(id).filter(|slot| slot.standing != Standing::Out)
        });
        let active =
            running.all(|slot| slot.standing == Standing::Held && slot.instance.may_start_active());
        (active, joins)
    }

    /// Lets the members work, one after the other; their adverts come before everything else.
    fn move_members(&mut self, at: usize, mut f: impl FnMut(&mut Self, u32)) {
        let Some(group) = self.groups.get_mut(at) else {
            return;
        };
        let members = core::mem::take(&mut group.members);
        self.after_adverts = Some(VecDeque::new());
        for member in &members {
            f(self, *member);
        }
        for (id, action) in self.after_adverts.take().unwrap_or_default() {
            self.push(id, action);
        }
        if let Some(group) = self.groups.get_mut(at) {
            group.members = members;
        }
    }

    pub(super) fn standing(&self, place: u32) -> Standing {
        self.id_of(place)
            .and_then(|id| self.slot(id))
            .map_or(Standing::Out, |slot| slot.standing)
    }

    fn set_joins(&mut self, place: u32, joins: bool) {
        if let Some(slot) = self.place_mut(place).and_then(|entry| entry.slot.as_mut()) {
            slot.joins = joins;
        }
    }

    /// Makes the groups those of the configuration, whose virtual routers have these identifiers.
    /// Members keep their state as far as the rest of their group lets them.
    pub(crate) fn set_groups(&mut self, now: Instant, configs: &[GroupConfig], ids: &[InstanceId]) {
        let mut groups: Vec<Group> = Vec::with_capacity(configs.len());
        let mut membership = Vec::new();
        membership.resize(self.places.len(), None);
        let mut before: Vec<(GroupId, &Group)> =
            self.groups.iter().map(|group| (group.id, group)).collect();
        before.sort_unstable_by_key(|(id, _)| *id);
        for config in configs {
            let known = before.binary_search_by_key(&config.id, |(id, _)| *id).ok();
            let mut group = match known.and_then(|at| before.get(at)) {
                Some((_, old)) => old.successor(),
                None => Group::new(config.id),
            };
            for id in config.members.iter().filter_map(|at| ids.get(*at)) {
                group.members.push(id.place());
                let place = usize::try_from(id.place()).ok();
                if let Some(member) = place.and_then(|place| membership.get_mut(place)) {
                    *member = Some(groups.len());
                }
            }
            groups.push(group);
        }
        self.groups = groups;
        for (place, group) in (0..).zip(membership) {
            let Some(slot) = self.place_mut(place).and_then(|entry| entry.slot.as_mut()) else {
                continue;
            };
            let was = slot.group.take().is_some();
            slot.standing = Standing::Out;
            slot.held = false;
            slot.waits = false;
            slot.joins &= group.is_some();
            match group {
                Some(_) => slot.instance.join_group(),
                None if was => {
                    let _ = self.work(place, |instance| instance.leave_group(now));
                }
                None => {}
            }
            if let Some(slot) = self.place_mut(place).and_then(|entry| entry.slot.as_mut()) {
                slot.group = group;
            }
        }
        for at in 0..self.groups.len() {
            self.regroup(now, at);
        }
    }

    /// Counts the members of a group anew, and moves them.
    fn regroup(&mut self, now: Instant, at: usize) {
        let Some(group) = self.groups.get_mut(at) else {
            return;
        };
        let members = core::mem::take(&mut group.members);
        // Each is counted as `Out` before it is looked at.
        for _ in &members {
            group.tally.add(Standing::Out);
        }
        let mut active = false;
        for member in &members {
            let _ = self.work(*member, |_| ());
            active |= self.standing(*member) == Standing::Active;
        }
        for member in &members {
            let joins = active && self.standing(*member) == Standing::Waiting;
            if joins {
                self.set_joins(*member, true);
                let _ = self.work(*member, |_| ());
            }
            if self.standing(*member) == Standing::Unable {
                let _ = self.work(*member, |instance| instance.drop_group_fault(now));
            }
        }
        let cause = members.first().copied();
        if let Some(group) = self.groups.get_mut(at) {
            group.members = members;
        }
        if let Some(cause) = cause {
            self.settle_group(now, at, cause, true, Some(Reason::Reconfigured));
        }
    }
}
