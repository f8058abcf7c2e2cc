//! What tracked objects come to for an instance, and in which words: the elections and the simulator agree on it.

use netlink_vip::InterfaceName;
use vrrp_fsm::{Effect, Fault, TrackStatus, total_adjustment};

use super::{TrackerId, TrackerKind};
use crate::config::InstanceSetup;

impl InstanceSetup {
    /// What the interfaces and trackers of the instance come to: reasons to hold it, which `fault` is told, and the
    /// sum of weights. `runs`: it is not held now, and what runs is not thrown out because something new has
    /// not been looked at (TRK-10).
    pub fn tracked_effects(
        &self,
        runs: bool,
        is_up: impl Fn(InterfaceName) -> bool,
        status_of: impl Fn(&TrackerId) -> TrackStatus,
        mut fault: impl FnMut(Fault, String),
    ) -> i16 {
        let mut adjustments = Vec::with_capacity(self.track_interfaces.len() + self.trackers.len());
        for tracked in &self.track_interfaces {
            match tracked.verdict(is_up(tracked.name)) {
                Ok(adjustment) => adjustments.push(adjustment),
                Err(reason) => fault(Fault::Tracker, reason),
            }
        }
        for tracked in &self.trackers {
            let id = &tracked.tracker;
            let status = status_of(id);
            match tracked.influence.effect(status) {
                Effect::Adjust(adjustment) => adjustments.push(adjustment),
                Effect::Fault => fault(Fault::Tracker, describe(id, status)),
                Effect::Waiting if runs => {}
                Effect::Waiting => {
                    fault(Fault::Held, format!("waiting for the first result of {id}"));
                }
            }
        }
        total_adjustment(adjustments)
    }
}

/// How an object is, in words: as a fault, and for who reads a recording.
pub(crate) fn describe(id: &TrackerId, status: TrackStatus) -> String {
    match (id.kind, status) {
        (_, TrackStatus::Value(value)) => format!("tracked {id} says {value}"),
        (_, TrackStatus::Unknown) => format!("tracked {id} has no result yet"),
        (TrackerKind::Script, TrackStatus::Down) => format!("tracked {id} has failed"),
        (TrackerKind::Script, _) => format!("tracked {id} has succeeded"),
        (TrackerKind::Process, TrackStatus::Down) => {
            format!("tracked {id}: quorum not achieved")
        }
        (TrackerKind::Process, _) => format!("tracked {id}: quorum achieved"),
        (TrackerKind::File | TrackerKind::Bfd, TrackStatus::Down) => {
            format!("tracked {id} is down")
        }
        (TrackerKind::File | TrackerKind::Bfd, _) => format!("tracked {id} is up"),
    }
}
