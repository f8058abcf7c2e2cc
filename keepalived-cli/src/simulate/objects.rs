//! Tracked objects as a node finds them out: scripts by running them every so often, the others at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use keepalived_driver::tracked::{TrackerId, TrackerKind, TrackerSetup, Watch};
use netsim::Instant;
use vrrp_fsm::TrackStatus;

use super::topology::{Object, Shared};

/// Every tracker of a node's configuration.
#[derive(Debug, Default)]
pub(super) struct Objects {
    known: BTreeMap<TrackerId, Known>,
}

#[derive(Debug)]
struct Known {
    setup: Arc<TrackerSetup>,
    status: TrackStatus,
    /// The next run of a script, or the end of the delay of a process.
    due: Option<Instant>,
    /// Results in a row that speak against `status`.
    contrary: u32,
}

impl Objects {
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }

    /// Takes over what a configuration says; what is known about an object stays.
    pub(super) fn replace(&mut self, now: Instant, trackers: &[Arc<TrackerSetup>]) {
        let mut old = std::mem::take(&mut self.known);
        for setup in trackers {
            let due = matches!(setup.watch, Watch::Script(_)).then_some(now);
            let known = match old.remove(&setup.id) {
                Some(known) => Known {
                    setup: Arc::clone(setup),
                    ..known
                },
                None => Known {
                    setup: Arc::clone(setup),
                    status: setup.initial(),
                    due,
                    contrary: 0,
                },
            };
            self.known.insert(setup.id.clone(), known);
        }
    }

    /// How an object is, as far as the node knows.
    pub(super) fn status(&self, id: &TrackerId) -> TrackStatus {
        let known = self.known.get(id);
        known.map_or(TrackStatus::Unknown, |known| known.status)
    }

    /// BFD says how a session is.
    pub(super) fn set(&mut self, id: &TrackerId, status: TrackStatus) -> bool {
        match self.known.get_mut(id) {
            Some(known) if known.status != status => {
                known.status = status;
                true
            }
            _ => false,
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.known.values().filter_map(|known| known.due).min()
    }

    /// Looks at files and processes, and runs the scripts that are due. Says what is found to be
    /// another way than before.
    pub(super) fn look(
        &mut self,
        now: Instant,
        node: usize,
        shared: &Shared,
        mut news: impl FnMut(&TrackerId, TrackStatus),
    ) {
        for (id, known) in &mut self.known {
            let object = shared.object(node, id);
            let before = known.status;
            match &known.setup.watch {
                Watch::Script(check) => {
                    if known.due.is_none_or(|due| due > now) {
                        continue;
                    }
                    let interval = check.interval.max(std::time::Duration::from_millis(1));
                    known.due = now.checked_add(interval);
                    let result = verdict(object != Some(Object::Bad));
                    let needed = match result {
                        TrackStatus::Up => check.rise,
                        _ => check.fall,
                    };
                    if known.status == result {
                        known.contrary = 0;
                    } else {
                        known.contrary = known.contrary.saturating_add(1);
                        // KA-W-07: the first result counts at once.
                        if known.status == TrackStatus::Unknown || known.contrary >= needed {
                            known.contrary = 0;
                            known.status = result;
                        }
                    }
                }
                Watch::File(file) => {
                    let initial = file.init.map_or(0, |init| init.value);
                    known.status = TrackStatus::Value(match object {
                        Some(Object::Value(value)) => value,
                        Some(Object::Bad) => 1,
                        Some(Object::Good) => 0,
                        None => initial,
                    });
                }
                Watch::Process(process) => {
                    let is = verdict(object != Some(Object::Bad));
                    if known.status == is {
                        known.due = None;
                    } else {
                        let delay = match (known.status, is) {
                            (TrackStatus::Unknown, _) => std::time::Duration::ZERO,
                            (_, TrackStatus::Up) => process.fork_delay,
                            _ => process.terminate_delay,
                        };
                        let after = || now.checked_add(delay).unwrap_or(now);
                        let due = *known.due.get_or_insert_with(after);
                        if due <= now {
                            known.due = None;
                            known.status = is;
                        }
                    }
                }
                // Sessions are told of by `set`; what is not simulated is taken to be in order.
                Watch::Bfd => {}
            }
            if known.status != before {
                news(id, known.status);
            }
        }
    }
}

fn verdict(good: bool) -> TrackStatus {
    if good {
        TrackStatus::Up
    } else {
        TrackStatus::Down
    }
}

/// What users call an object: `script check_web`.
pub(super) fn name(id: &TrackerId) -> String {
    let kind = match id.kind {
        TrackerKind::Script => "script",
        TrackerKind::File => "file",
        TrackerKind::Process => "process",
        TrackerKind::Bfd => "BFD session",
    };
    format!("{kind} {}", id.name)
}
