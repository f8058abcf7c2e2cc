//! Synchronisation groups: virtual routers that change state together, decided by pure functions.
//!
//! A group is Active when every member can be, and at fault when one member is. Nothing of it is
//! remembered that does not follow from where the members stand now ([`Standing`]), so that the
//! order of events does not matter and members cannot wait for each other: a member counts as at
//! fault for its own faults only, never for [`Fault::SyncGroup`](crate::Fault::SyncGroup).
//!
//! # What happens
//!
//! | A member | and the others | then |
//! |---|---|---|
//! | has a fault of its own | any | all are in Initialize; those that were Active release. The others have `Fault::SyncGroup` (KA-G-04) |
//! | loses its last fault | one has another | it waits with `Fault::SyncGroup` |
//! | loses its last fault | none has one | all enter Backup with full down timers (KA-G-05) |
//! | is an owner that starts | all are | all are Active at once |
//! | is an owner that starts | some are not | all enter Backup; the members decide as below (KA-G-10) |
//! | has its down timer fire | one's still runs | it is ready and stays Backup, without a timer (KA-G-01) |
//! | has its down timer fire | all are ready | all become Active in one turn, adverts before addresses (KA-G-02) |
//! | Backup, accepts an advert | any | it is not ready any more, its down timer runs (KA-G-06). So the member with the lowest priority, with `nopreempt` or with the longest preempt delay decides for all |
//! | Backup, ignores a lower advert | any | nothing: it stays ready |
//! | Backup, hears a release | any | its down timer is set to the skew, unless it is ready already |
//! | Active, hears a lower advert | Active | it answers; all announce their addresses again, the others at most once a second (KA-M-02) |
//! | Active, hears a higher advert | Active | all become Backup. No release: the better router is there with its whole group (KA-G-03) |
//! | Active, loses an address | Active | all release and become Backup, so that the peer takes over all of them |
//! | is stopped, or not started yet | Active or Backup | they stay what they are and get no further: no order of stopping is seen from outside |
//! | is not started | in Initialize | they wait for it with `Fault::SyncGroup`: no order of starting is seen from outside |
//! | is removed by a reload | any | what only it held back happens |
//! | starts (again) | Active | it joins: Backup while the others stay Active. When its down timer fires it becomes Active too. DEVIATION(keepalived 2.2.7): that one makes all Backup for a down interval when a reload adds a member |
//! | joins, and accepts an advert | Active | another router is Active for it: all release and become Backup. The peer has them after a skew |
//! | starts (again) | Backup | it enters Backup |
//! | is moved into a group by a reload | mixed | as joining: those in Backup listen, and if one knows of another Active router all become Backup |
//! | is moved out by a reload | any | it stays what it is; if it was ready it becomes Active, and if only the group held it back it enters Backup |
//!
//! Members with different priorities work as the table says, but two groups of which each wins one
//! contest and loses another make each other Backup again and again, until one is a moment faster.

use alloc::vec::Vec;
use core::hash::{Hash, Hasher};
use core::time::Duration;

use crate::Instant;
use crate::action::{Reason, State};
use crate::error::ConfigError;
use crate::timing;

/// A synchronisation group, by a number that the caller chooses. The same number is the same
/// group from one configuration to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GroupId(pub u32);

/// Virtual routers that change state together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GroupConfig {
    /// Which group.
    pub id: GroupId,
    /// Its members, by position in [`RouterConfig::instances`](crate::RouterConfig::instances):
    /// at least one, none twice, and none that is in another group.
    pub members: Vec<usize>,
}

/// A group has changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GroupTransition {
    /// Which group.
    pub group: GroupId,
    /// The state left.
    pub from: State,
    /// The state entered: Active and Backup are those of the members; Initialize when one is at
    /// fault or none runs.
    pub to: State,
    /// Why the member that caused it is where it is.
    pub reason: Reason,
}

/// Where a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Standing {
    /// Not started.
    Out,
    /// Started, with a fault of its own.
    Unable,
    /// In Initialize, without a fault of its own.
    Held,
    /// Backup, and its down timer runs.
    Waiting,
    /// As `Waiting`, but it came to an Active group and has heard of no other Active router.
    Joining,
    /// Backup, and its down timer has fired.
    Ready,
    /// Active.
    Active,
}

/// How many members stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally([usize; 7]);

impl Tally {
    const fn place(standing: Standing) -> usize {
        match standing {
            Standing::Out => 0,
            Standing::Unable => 1,
            Standing::Held => 2,
            Standing::Waiting => 3,
            Standing::Joining => 4,
            Standing::Ready => 5,
            Standing::Active => 6,
        }
    }

    pub(crate) fn count(&self, standing: Standing) -> usize {
        self.0.get(Self::place(standing)).copied().unwrap_or(0)
    }

    fn any(&self, standing: Standing) -> bool {
        self.count(standing) > 0
    }

    /// Whether some member is Backup or Active.
    pub(crate) fn runs(&self) -> bool {
        use Standing::{Active, Joining, Ready, Waiting};
        [Active, Waiting, Joining, Ready]
            .into_iter()
            .any(|standing| self.any(standing))
    }

    pub(crate) fn add(&mut self, standing: Standing) {
        if let Some(count) = self.0.get_mut(Self::place(standing)) {
            *count = count.saturating_add(1);
        }
    }

    pub(crate) fn remove(&mut self, standing: Standing) {
        if let Some(count) = self.0.get_mut(Self::place(standing)) {
            *count = count.saturating_sub(1);
        }
    }

    /// The state of a group whose members stand like this, when there is nothing left to do.
    pub(crate) fn state(&self) -> State {
        if self.any(Standing::Unable) {
            State::Initialize
        } else if self.any(Standing::Active) {
            State::Active
        } else if self.runs() {
            State::Backup
        } else {
            State::Initialize
        }
    }
}

/// What the members have to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// Those that are able go to Initialize, or stay there, with `Fault::SyncGroup`.
    Hold,
    /// Those in Initialize that are able leave it.
    Enter,
    /// All go Backup.
    Demote,
    /// Those that are ready become Active.
    Promote,
}

/// The table above. Each move leaves nothing of what it was for, so that asking again and again
/// comes to an end; `held` are those of the able members that have `Fault::SyncGroup` already.
pub(crate) fn decide(tally: &Tally, held: usize) -> Option<Move> {
    use Standing::{Active, Held, Joining, Out, Ready, Unable, Waiting};
    let running = tally.runs();
    if tally.any(Unable) || (tally.any(Out) && !running) {
        return (running || tally.count(Held) > held).then_some(Move::Hold);
    }
    if tally.any(Held) {
        return Some(Move::Enter);
    }
    if tally.any(Active) && tally.any(Waiting) {
        return Some(Move::Demote);
    }
    let complete =
        !tally.any(Waiting) && !tally.any(Out) && (tally.any(Active) || !tally.any(Joining));
    (complete && tally.any(Ready)).then_some(Move::Promote)
}

/// Whether the others have to release when a member made the group Backup for this reason: not
/// if it gave way to a router that is Active already.
pub(crate) const fn releases(cause: Option<Reason>) -> bool {
    !matches!(cause, Some(Reason::HigherPriority { .. } | Reason::Stalled))
}

/// Least time between two announcements of the members that did not themselves hear a lower
/// advert. KA-M-02.
const REFRESH_GAP: Duration = Duration::from_secs(1);

/// One group at run time.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Group {
    pub(crate) id: GroupId,
    /// Their places in the router.
    pub(crate) members: Vec<u32>,
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) tally: Tally,
    #[cfg_attr(feature = "serde", serde(skip))]
    /// Members with `Fault::SyncGroup`.
    pub(crate) held: usize,
    #[cfg_attr(feature = "serde", serde(skip))]
    /// Members whose only own fault is `Fault::Held`.
    pub(crate) waiting: usize,
    /// As last told.
    pub(crate) state: State,
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    pub(crate) last_transition: Option<(Instant, Reason)>,
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    refreshed: Option<Instant>,
}

impl Group {
    pub(crate) const fn new(id: GroupId) -> Self {
        Self {
            id,
            members: Vec::new(),
            tally: Tally([0; 7]),
            held: 0,
            waiting: 0,
            state: State::Initialize,
            last_transition: None,
            refreshed: None,
        }
    }

    /// The group of that number in the next configuration, without members yet.
    pub(crate) fn successor(&self) -> Self {
        Self {
            state: self.state,
            last_transition: self.last_transition,
            refreshed: self.refreshed,
            ..Self::new(self.id)
        }
    }

    /// Whether the other members may announce now; if so it is remembered.
    pub(crate) fn may_refresh(&mut self, now: Instant) -> bool {
        let limited = self
            .refreshed
            .is_some_and(|last| now < timing::after(last, REFRESH_GAP));
        if !limited {
            self.refreshed = Some(now);
        }
        !limited
    }

    /// See [`Router::hash_behaviour`](crate::Router::hash_behaviour).
    pub(crate) fn hash_behaviour(&self, now: Instant, hasher: &mut impl Hasher) {
        let Self {
            id,
            members,
            // These follow from the members.
            tally: _,
            held: _,
            waiting: _,
            state,
            last_transition: _,
            refreshed,
        } = self;
        let silent = refreshed.map_or(Duration::ZERO, |last| {
            timing::lateness(timing::after(last, REFRESH_GAP), now)
        });
        (id, members, state, silent).hash(hasher);
    }
}

/// Checks the groups of a configuration with so many virtual routers. KA-G-09.
pub(crate) fn check(groups: &[GroupConfig], instances: usize) -> Result<(), ConfigError> {
    let mut taken = Vec::new();
    taken.resize(instances, false);
    let mut ids: Vec<GroupId> = groups.iter().map(|group| group.id).collect();
    ids.sort_unstable();
    let mut neighbours = ids.iter().zip(ids.iter().skip(1));
    if let Some((id, _)) = neighbours.find(|(one, next)| one == next) {
        return Err(ConfigError::DuplicateGroup(*id));
    }
    for group in groups {
        if group.members.is_empty() {
            return Err(ConfigError::EmptyGroup(group.id));
        }
        for member in &group.members {
            match taken.get_mut(*member) {
                None => return Err(ConfigError::NoSuchMember(group.id)),
                Some(taken) if *taken => return Err(ConfigError::MemberTwice(group.id)),
                Some(taken) => *taken = true,
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
