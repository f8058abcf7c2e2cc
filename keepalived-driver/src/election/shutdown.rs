//! Leaving in good order: last words first, then the addresses, then the end.

use std::time::Duration;

use sans_io_time::Instant;
use vrrp_fsm::Event;

use super::Elections;
use crate::report::Report;
use crate::sources::Source;

/// How long the kernel may take to remove the addresses before we leave all the same, and say so.
const PATIENCE: Duration = Duration::from_secs(5);
/// And for each device more: it takes its time to remove one.
const FOR_EACH_DEVICE: Duration = Duration::from_millis(500);

/// A stop in progress.
#[derive(Debug)]
pub(super) struct Shutdown {
    deadline: Instant,
    /// Addresses are gone; devices and rules are being removed.
    releasing: bool,
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
        self.shutdown = Some(Shutdown {
            deadline,
            releasing: false,
        });
        self.retire_bfd(now);
        for id in self.order.clone() {
            self.router.handle_event(now, id, Event::Stop);
        }
        // The last words are sent before the kernel is asked to remove anything.
        self.remove_statics(now);
    }

    /// Addresses are gone: what carried and guarded them can go too.
    fn release(&mut self, now: Instant) {
        let devices = u32::try_from(self.devices.count()).unwrap_or(u32::MAX);
        if let Some(shutdown) = &mut self.shutdown {
            shutdown.releasing = true;
            let patience = PATIENCE.saturating_add(FOR_EACH_DEVICE.saturating_mul(devices));
            shutdown.deadline = now.checked_add(patience).unwrap_or(now);
        }
        self.release_devices();
        self.remove_firewall();
        self.ready.insert(Source::Timer);
    }

    /// True when nothing is left to release.
    pub(super) fn shutdown_done(&mut self, now: Instant) -> bool {
        let Some(shutdown) = &self.shutdown else {
            return false;
        };
        let late = now >= shutdown.deadline;
        if self.reconciler.is_idle() {
            let releasing = shutdown.releasing;
            self.restore_secondaries();
            if self.config.keep_addresses {
                return true;
            }
            if !releasing {
                self.release(now);
            }
            if self.devices.is_gone() && self.filter.is_idle() {
                self.restore_settings();
                return true;
            }
        }
        if late {
            self.restore_settings();
            self.reports.push(Report::Trouble {
                message: format!(
                    "the kernel did not confirm within {PATIENCE:?} and more that all is removed"
                ),
            });
            self.restore_secondaries();
        }
        late
    }
}
