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
            reflector: self.bfd.reflector_snapshot(),
            ..self.bfd.totals.clone()
        }
    }

    fn bfd_snapshot(&self, id: SessionId) -> Option<BfdSnapshot> {
        let running = self.bfd.running.get(&id)?;
        let member = self.bfd.table.member(id)?;
        let session = member.session();
        let remote = member.remote();
        Some(BfdSnapshot {
            setup: running.setup.clone(),
            state: member.state(),
            diagnostic: member.diagnostic(),
            discriminator: member.local_discriminator(),
            remote,
            timers: member.timers(),
            polling: session.is_some_and(bfd::Session::is_polling),
            demand: session.map_or((true, false), bfd::Session::demand_active),
            source: running.source,
            source_port: self.bfd.table.source_port(id)?,
            stats: member.stats().clone(),
            send_errors: running.send_errors,
            history: member
                .history()
                .into_iter()
                .map(|transition| (self.clock.wall_at(transition.at), transition))
                .collect(),
            heard_at: remote.heard.map(|at| self.clock.wall_at(at)),
            echo_round_trip: session.and_then(bfd::Session::echo_round_trip),
            echo_via: running.via.map(|(_, mac)| mac),
            tracked: running.tracked,
        })
    }
}
