//! What the configuration wants on this host whatever the elections say: static addresses, routes
//! and rules. They have an owner of their own.

use netlink_vip::{Desired, OwnerId, ROUTE_GROUPS};
use sans_io_time::Instant;

use super::Elections;
use crate::config::Config;
use crate::report::Report;

/// The owner of static objects. The first one, so that what instances want can rest on them.
pub(super) const STATIC: OwnerId = OwnerId(0);

impl Config {
    /// Whether any route or rule is wanted.
    fn wants_routes(&self) -> bool {
        let wants = |desired: &Desired| !desired.routes.is_empty() || !desired.rules.is_empty();
        let instances = self.instances.iter();
        wants(&self.statics)
            || instances
                .clone()
                .any(|setup| !setup.routes.is_empty() || !setup.rules.is_empty())
    }
}

impl Elections {
    /// Take over the static part of `config`. STAT-02, STAT-03.
    pub(super) fn apply_statics(&mut self, now: Instant, config: &Config) {
        if config.wants_routes() && !self.hears_routes {
            self.hears_routes = true;
            if let Err(error) = self.monitor.join(&ROUTE_GROUPS) {
                self.reports.push(Report::Trouble {
                    message: format!("changes of routes and rules cannot be heard of: {error}"),
                });
            }
            if self.known {
                self.reconciler.resync_routes(now);
            }
        }
        if config.statics != self.config.statics {
            self.reconciler.set(now, STATIC, config.statics.clone());
        }
    }

    /// They go when the loop ends.
    pub(super) fn remove_statics(&mut self, now: Instant) {
        self.reconciler.set(now, STATIC, Desired::default());
    }

    /// Which static objects are missing, and not just for a moment: instances that track one of
    /// them must know (STAT-04).
    pub(super) fn settle_statics(&mut self) {
        let tracking = |setup: &crate::InstanceSetup| !setup.track_statics.is_empty();
        if !self.config.instances.iter().any(|setup| tracking(setup)) {
            self.lost_statics.clear();
            return;
        }
        let missing = self.reconciler.missing(STATIC).into_iter();
        let lost = missing.filter(|missing| missing.for_longer);
        let lost: Vec<_> = lost.map(|missing| missing.object).collect();
        if lost != self.lost_statics {
            self.lost_statics = lost;
            let affected = self.instances.values().filter(|r| tracking(&r.setup));
            self.dirty.extend(affected.map(|running| running.interface));
        }
    }
}
