//! A copy of everything, for others to look at.

use std::sync::Arc;

use healthcheck::ServerId;
use sans_io_time::Instant;

use super::checks::CheckId;
use super::run::Balancing;
use super::service::RunningService;
use super::snapshot::{
    BalanceSnapshot, BalanceStats, CheckSnapshot, ServerSnapshot, ServiceSnapshot,
};

impl Balancing {
    pub(super) fn snapshot(&self) -> BalanceSnapshot {
        let services = self.order.iter().filter_map(|id| self.services.get(id));
        BalanceSnapshot {
            taken_at: self.clock.wall(),
            started_at: self.started_wall,
            services: services.map(|service| self.service(service)).collect(),
            ipvs: self.kernel.snapshot(),
            marks: self.marker.snapshot(&self.config.marks.table),
            turns: BalanceStats {
                turns: self.turns,
                attempts: self.checks.attempts,
                failures: self.checks.failures,
                running: self.checks.running(),
                waiting: self.checks.waiting(),
                worst_lateness: self.thread.worst_lateness,
            },
        }
    }

    fn service(&self, service: &RunningService) -> ServiceSnapshot {
        let wall = |at: Instant| self.clock.wall_at(at);
        let servers = service.setup.servers.iter().zip(&service.servers);
        let servers = servers.enumerate().map(|(at, (setup, server))| {
            let key = setup.destination.key;
            let mut placed = service.placed.iter();
            ServerSnapshot {
                up: service.pool.is_up(ServerId(at)),
                placed: placed.find(|is| is.key == key).map(|is| is.weight),
                weight: service.pool.weight(ServerId(at)),
                transitions: server.transitions,
                since: wall(server.since),
                checks: server
                    .checks
                    .iter()
                    .filter_map(|check| self.check(*check))
                    .collect(),
            }
        });
        let draining = service.draining.iter();
        ServiceSnapshot {
            setup: Arc::clone(&service.setup),
            mark: self.marker.mark(&service.setup),
            gathered: service.gathered.clone(),
            quorum: service.pool.quorum(),
            live: service.pool.live_weight(),
            sorry: service.sorry,
            suspended: service.suspended,
            transitions: service.transitions,
            since: wall(service.since),
            servers: servers.collect(),
            draining: draining.map(|(_, destination)| destination.key).collect(),
        }
    }

    fn check(&self, id: CheckId) -> Option<CheckSnapshot> {
        let check = self.checks.get(id)?;
        let wall = |at: Instant| self.clock.wall_at(at);
        let checker = &check.checker;
        let results = checker.results();
        let last_failure = results.last_failure.as_ref();
        Some(CheckSnapshot {
            health: checker.health(),
            known: checker.is_known(),
            suspended: checker.is_suspended(),
            running: checker.is_running(),
            weight: checker.weight(),
            attempts: results.attempts,
            failures: results.failures,
            transitions: check.transitions,
            since: wall(check.since),
            last_failure: last_failure.map(|(at, failure)| (wall(*at), failure.clone())),
            progress: checker.progress(),
            next: checker.starts_at().map(wall),
        })
    }
}
