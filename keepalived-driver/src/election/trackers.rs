//! Tracked objects as loop 1 sees them: how each is, and which instances care.
//!
//! There is one door, [`Elections::set_tracker`]. Other threads knock through a
//! [`TrackerDoor`](crate::tracked::TrackerDoor); what runs in loop 1 itself calls it directly. A
//! change touches the instances that use the tracker and nobody else.
//!
//! At a reload a tracker whose definition is unchanged keeps its state. One whose definition
//! changed keeps it too, but only until the first word about the new definition, which counts at
//! once: a master with a good check is not thrown out because the check was reworded, and a
//! router held by a bad one is not let loose before the new one was asked. A new tracker without a
//! state holds instances that do not run yet, and leaves the others alone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

use keepalived_recording::News;
use sans_io_time::Instant;
use vrrp_fsm::{Fault, InstanceId, State, TrackStatus};

use super::Elections;
use crate::config::{Config, InstanceSetup};
use crate::snapshot::TrackerSnapshot;
use crate::sources::Source;
use crate::tracked::{self, TrackerId, TrackerKind, TrackerSetup};

/// Every tracker of the configuration.
#[derive(Debug, Default)]
pub(super) struct Trackers {
    known: HashMap<TrackerId, Known>,
    /// In the order of the configuration.
    order: Vec<TrackerId>,
}

#[derive(Debug)]
struct Known {
    setup: Arc<TrackerSetup>,
    status: TrackStatus,
    since: SystemTime,
    users: Vec<InstanceId>,
}

impl Trackers {
    fn status(&self, id: &TrackerId) -> TrackStatus {
        self.known
            .get(id)
            .map_or(TrackStatus::Unknown, |known| known.status)
    }

    /// How each is, in the order of the configuration.
    pub(super) fn in_words(&self) -> impl Iterator<Item = String> {
        let ids = self.order.iter();
        ids.map(|id| tracked::describe(id, self.status(id)))
    }

    /// Take over what a configuration says.
    fn replace(&mut self, config: &Config, now: SystemTime) {
        // Of a session that is not run nobody will ever hear.
        let sessions: HashSet<&str> = config.bfd.iter().map(|one| &*one.name).collect();
        let runs = |id: &TrackerId| id.kind != TrackerKind::Bfd || sessions.contains(&*id.name);
        let mut old = std::mem::take(&mut self.known);
        self.order = config
            .trackers
            .iter()
            .map(|setup| setup.id.clone())
            .collect();
        for setup in &config.trackers {
            let known = match old.remove(&setup.id) {
                // The state stands even if the definition changed, see above.
                Some(known) => Known {
                    setup: Arc::clone(setup),
                    users: Vec::new(),
                    ..known
                },
                None => Known {
                    setup: Arc::clone(setup),
                    status: match runs(&setup.id) {
                        true => setup.initial(),
                        false => TrackStatus::Down,
                    },
                    since: now,
                    users: Vec::new(),
                },
            };
            self.known.insert(setup.id.clone(), known);
        }
    }
}

impl Elections {
    /// The object of this tracker is like this, from now on. A tracker that the configuration does
    /// not have, or the state it is in already, is no news: false.
    pub(super) fn set_tracker(&mut self, id: &TrackerId, status: TrackStatus) -> bool {
        let Some(known) = self.trackers.known.get_mut(id) else {
            return false;
        };
        if known.status == status {
            return false;
        }
        known.status = status;
        known.since = self.clock.wall();
        self.dirty_instances.extend(known.users.iter().copied());
        true
    }

    /// The instances that use this tracker.
    pub(super) fn tracker_user_ids(&self, id: &TrackerId) -> Vec<InstanceId> {
        let known = self.trackers.known.get(id);
        known.map_or_else(Vec::new, |known| known.users.clone())
    }

    /// Their names.
    pub(super) fn tracker_users(&self, id: &TrackerId) -> Vec<Arc<str>> {
        let users = self.tracker_user_ids(id);
        let running = users.iter().filter_map(|user| self.instances.get(user));
        running.map(|user| Arc::clone(&user.setup.name)).collect()
    }

    /// What other threads have to say about trackers.
    pub(super) fn read_trackers(&mut self, now: Instant) {
        let Some(news) = self.tracker_door.take_news() else {
            // Somebody is just writing. Waiting is not for this thread: the next turn will do.
            self.ready.insert(Source::Waker);
            return;
        };
        for (setup, status) in news {
            let current = self.trackers.known.get(&setup.id);
            if current.is_some_and(|known| known.setup == setup)
                && self.set_tracker(&setup.id, status)
            {
                let text = tracked::describe(&setup.id, status);
                self.recording.news(now, News::Tracked(text));
            }
        }
    }

    /// After a configuration was taken: who uses what.
    pub(super) fn index_trackers(&mut self) {
        self.trackers.replace(&self.config, self.clock.wall());
        for id in &self.order {
            let Some(running) = self.instances.get(id) else {
                continue;
            };
            for tracked in &running.setup.trackers {
                if let Some(known) = self.trackers.known.get_mut(&tracked.tracker)
                    && known.users.last() != Some(id)
                {
                    known.users.push(*id);
                }
            }
        }
    }

    /// What the trackers of an instance come to now: reasons to hold it, and the sum of weights.
    pub(super) fn tracker_effects(
        &self,
        setup: &InstanceSetup,
        state: State,
        fault: impl FnMut(Fault, String),
    ) -> i16 {
        setup.tracked_effects(
            state != State::Initialize,
            |name| self.is_up(name),
            |id| self.trackers.status(id),
            fault,
        )
    }

    /// Every tracker, in the order of the configuration.
    pub(super) fn tracker_snapshots(&self) -> Vec<TrackerSnapshot> {
        let name = |id: &InstanceId| {
            let running = self.instances.get(id);
            running.map(|running| Arc::clone(&running.setup.name))
        };
        let known = self.trackers.order.iter();
        known
            .filter_map(|id| self.trackers.known.get(id))
            .map(|known| TrackerSnapshot {
                setup: Arc::clone(&known.setup),
                status: known.status,
                since: known.since,
                users: known.users.iter().filter_map(name).collect(),
                facts: None,
            })
            .collect()
    }
}
