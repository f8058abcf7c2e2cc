//! Who may run next: one lane per object, one run at a time in a lane, stale states dropped.
//!
//! Pure: no clock, no processes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::child::Job;
use super::command::HookCommand;
use super::{ObjectId, Trigger};

/// One execution of one script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) object: ObjectId,
    pub(super) trigger: Trigger,
    pub(super) command: Arc<HookCommand>,
    /// Arguments after the configured ones.
    pub(super) appended: Vec<String>,
}

impl Job for Run {
    fn command(&self) -> &HookCommand {
        &self.command
    }

    fn appended(&self) -> &[String] {
        &self.appended
    }
}

/// States that were never told, and the one that took their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) object: ObjectId,
    pub(super) triggers: Vec<Trigger>,
    pub(super) by: Trigger,
}

#[derive(Debug, Default)]
struct Lane {
    busy: bool,
    waiting: VecDeque<Run>,
}

/// All lanes. A lane exists only while something runs or waits in it, and holds at most one
/// trigger's runs plus one run for a lower-priority master: its size is bounded.
#[derive(Debug, Default)]
pub(super) struct Queues {
    lanes: BTreeMap<ObjectId, Lane>,
    /// Idle lanes with something waiting, longest waiting first.
    ready: VecDeque<ObjectId>,
    dropped: VecDeque<Dropped>,
}

impl Queues {
    /// Append the runs of one trigger. KA-O-08, NOTI-05.
    pub(super) fn push(&mut self, object: &ObjectId, trigger: Trigger, runs: Vec<Run>) {
        let lane = self.lanes.entry(object.clone()).or_default();
        if trigger == Trigger::MasterRxLowerPriority {
            if lane.waiting.iter().any(|run| run.trigger == trigger) {
                return;
            }
        } else if !lane.waiting.is_empty() {
            let mut triggers: Vec<_> = lane.waiting.drain(..).map(|run| run.trigger).collect();
            triggers.dedup();
            self.dropped.push_back(Dropped {
                object: object.clone(),
                triggers,
                by: trigger,
            });
        }
        lane.waiting.extend(runs);
        if !lane.busy && !self.ready.contains(object) {
            self.ready.push_back(object.clone());
        }
    }

    /// The next run that may start now; its lane is busy until [`done`](Self::done).
    pub(super) fn next(&mut self) -> Option<Run> {
        let object = self.ready.pop_front()?;
        let lane = self.lanes.get_mut(&object)?;
        let run = lane.waiting.pop_front()?;
        lane.busy = true;
        Some(run)
    }

    /// The run of this object has ended.
    pub(super) fn done(&mut self, object: &ObjectId) {
        let Some(lane) = self.lanes.get_mut(object) else {
            return;
        };
        lane.busy = false;
        if lane.waiting.is_empty() {
            self.lanes.remove(object);
        } else {
            self.ready.push_back(object.clone());
        }
    }

    /// Something waits for this object.
    pub(super) fn is_waited_for(&self, object: &ObjectId) -> bool {
        self.lanes
            .get(object)
            .is_some_and(|lane| !lane.waiting.is_empty())
    }

    /// States dropped since the last call.
    pub(super) fn poll_dropped(&mut self) -> Option<Dropped> {
        self.dropped.pop_front()
    }

    /// Take out everything that waits.
    pub(super) fn drain_waiting(&mut self) -> Vec<Run> {
        self.ready.clear();
        self.lanes
            .values_mut()
            .flat_map(|lane| lane.waiting.drain(..))
            .collect()
    }

    /// Nothing runs and nothing waits.
    pub(super) fn is_idle(&self) -> bool {
        self.lanes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str) -> ObjectId {
        ObjectId::Instance(name.into())
    }

    fn push(queues: &mut Queues, name: &str, trigger: Trigger) {
        let run = |path: &str| Run {
            object: object(name),
            trigger,
            command: HookCommand::new([path]).into(),
            appended: Vec::new(),
        };
        queues.push(
            &object(name),
            trigger,
            vec![run("/specific"), run("/generic")],
        );
    }

    fn next(queues: &mut Queues) -> Option<(String, Trigger, String)> {
        let run = queues.next()?;
        Some((
            run.object.name().to_owned(),
            run.trigger,
            run.command.display(),
        ))
    }

    /// LESSONS A6 in one table: order per object, side by side over objects.
    #[test]
    fn one_object_runs_one_script_at_a_time_and_objects_do_not_wait_for_each_other() {
        let mut queues = Queues::default();
        push(&mut queues, "a", Trigger::Backup);
        push(&mut queues, "b", Trigger::Backup);
        let specific = "'/specific'".to_owned();
        assert_eq!(
            next(&mut queues),
            Some(("a".into(), Trigger::Backup, specific.clone()))
        );
        assert_eq!(
            next(&mut queues),
            Some(("b".into(), Trigger::Backup, specific))
        );
        assert_eq!(next(&mut queues), None);
        queues.done(&object("a"));
        let generic = "'/generic'".to_owned();
        assert_eq!(
            next(&mut queues),
            Some(("a".into(), Trigger::Backup, generic))
        );
        assert_eq!(next(&mut queues), None);
    }

    /// Stale states are not told: MASTER, BACKUP, MASTER behind a slow BACKUP is one MASTER.
    #[test]
    fn of_the_states_that_wait_only_the_last_one_runs() {
        let mut queues = Queues::default();
        push(&mut queues, "a", Trigger::Backup);
        assert!(queues.next().is_some());
        assert!(queues.is_waited_for(&object("a")), "its own generic script");
        for trigger in [Trigger::Master, Trigger::Backup, Trigger::Master] {
            push(&mut queues, "a", trigger);
        }
        let mut dropped = Vec::new();
        while let Some(drop) = queues.poll_dropped() {
            dropped.push((drop.triggers, drop.by));
        }
        assert_eq!(
            dropped,
            [
                (vec![Trigger::Backup], Trigger::Master),
                (vec![Trigger::Master], Trigger::Backup),
                (vec![Trigger::Backup], Trigger::Master),
            ]
        );
        queues.done(&object("a"));
        assert_eq!(next(&mut queues).map(|run| run.1), Some(Trigger::Master));
        queues.done(&object("a"));
        assert_eq!(next(&mut queues).map(|run| run.1), Some(Trigger::Master));
        queues.done(&object("a"));
        assert!(queues.is_idle());
    }

    /// NOTI-05.
    #[test]
    fn repeated_lower_priority_masters_wait_once_and_displace_no_state() {
        let mut queues = Queues::default();
        push(&mut queues, "a", Trigger::Master);
        assert!(queues.next().is_some());
        for _ in 0..1000 {
            push(&mut queues, "a", Trigger::MasterRxLowerPriority);
        }
        assert_eq!(queues.drain_waiting().len(), 3);
        assert_eq!(queues.poll_dropped(), None);
    }
}
