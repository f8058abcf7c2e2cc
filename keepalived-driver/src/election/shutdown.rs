//! Leaving in good order: last words first, then the addresses, then the end.

use std::time::Duration;

use sans_io_time::Instant;
use vrrp_fsm::Event;

use super::Elections;
use crate::report::Report;

/// How long the kernel may take to remove the addresses before we leave all the same, and say so.
const PATIENCE: Duration = Duration::from_secs(5);

/// A stop in progress.
#[derive(Debug)]
pub(super) struct Shutdown {
    deadline: Instant,
}

impl Shutdown {
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }
}

impl Elections {
    pub(super) fn begin_shutdown(&mut self, now: Instant) {
        if self.shutdown.is_some() {
            return;
        }
        let deadline = now.checked_add(PATIENCE).unwrap_or(now);
        self.shutdown = Some(Shutdown { deadline });
        for id in self.order.clone() {
            self.router.handle_event(now, id, Event::Stop);
        }
        // The last words are sent before the kernel is asked to remove anything.
        self.remove_statics(now);
    }

    /// True when nothing is left to release.
    pub(super) fn shutdown_done(&mut self, now: Instant) -> bool {
        let Some(shutdown) = &self.shutdown else {
            return false;
        };
        if self.reconciler.is_idle() {
            self.restore_secondaries();
            return true;
        }
        let late = now >= shutdown.deadline;
        if late {
            self.reports.push(Report::Trouble {
                message: format!(
                    "the kernel did not confirm the removal of all addresses within {PATIENCE:?}"
                ),
            });
            self.restore_secondaries();
        }
        late
    }
}
