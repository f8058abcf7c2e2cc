//! Copies of sessions, for dumps, `status` and metrics.

use bfd::SessionId;

use crate::bfd::{BfdSnapshot, BfdTotals};
use crate::election::Elections;

impl Elections {
    /// Every session, in the order of the configuration.
    pub(in crate::election) fn bfd_snapshots(&self) -> Vec<BfdSnapshot> {
        let order = self.bfd.order.iter();
        order.filter_map(|id| self.bfd_snapshot(*id)).collect()
    }

    /// Counters that belong to no session.
    pub(in crate::election) fn bfd_totals(&self) -> BfdTotals {
        BfdTotals {
            rejected: self.bfd.table.rejected().clone(),
            ..self.bfd.totals.clone()
        }
    }

    fn bfd_snapshot(&self, id: SessionId) -> Option<BfdSnapshot> {
        let running = self.bfd.running.get(&id)?;
        let session = self.bfd.table.member(id)?.session()?;
        Some(BfdSnapshot {
            setup: running.setup.clone(),
            state: session.state(),
            diagnostic: session.diagnostic(),
            discriminator: session.local_discriminator(),
            remote: *session.remote(),
            timers: session.timers(),
            polling: session.is_polling(),
            demand: session.demand_active(),
            source: running.source,
            source_port: self.bfd.table.source_port(id)?,
            stats: session.stats().clone(),
            send_errors: running.send_errors,
            history: session
                .history()
                .map(|transition| (self.clock.wall_at(transition.at), *transition))
                .collect(),
            heard_at: session.remote().heard.map(|at| self.clock.wall_at(at)),
            echo_round_trip: session.echo_round_trip(),
            echo_via: running.via.map(|(_, mac)| mac),
            tracked: running.tracked,
        })
    }
}
