//! What the checks and the kernel tell, and what follows from it.

use std::sync::Arc;

use healthcheck::{CheckerEvent, Health, PoolEvent, ServerId};
use sans_io_time::Instant;

use super::checks::{CheckNews, Place};
use super::kernel::KernelNews;
use super::report::{BalanceReport, CheckRef, ServerRef};
use super::run::{Balancing, MODULE_PATIENCE};
use super::service::{destinations, sorry_serves, wanted};

impl Balancing {
    /// Carries out what the checks came to, down to the kernel's table.
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some((id, news)) = self.checks.poll_news() {
            match news {
                CheckNews::Run(run, command) => self.scripts.run(run, command),
                CheckNews::Kill(run) => self.scripts.kill(run),
                CheckNews::Crowded(running) => {
                    self.reports.push(BalanceReport::Crowded { running });
                }
                CheckNews::Event(event) => {
                    if let Some(place) = self.checks.get(id).map(|check| check.place) {
                        self.handle_event(place, &event, now);
                    }
                }
            }
        }
        self.settle_table();
    }

    fn handle_event(&mut self, place: Place, event: &CheckerEvent, now: Instant) {
        if let Some(check) = self.check_ref(place) {
            let report = match event {
                CheckerEvent::Up => Some(BalanceReport::CheckPassed { check }),
                CheckerEvent::Down(failure) => Some(BalanceReport::CheckFailed {
                    retries: self.retries(&check, place),
                    check,
                    failure: failure.clone(),
                }),
                CheckerEvent::AttemptFailed(failure) => Some(BalanceReport::AttemptFailed {
                    check,
                    failure: failure.clone(),
                }),
                _ => None,
            };
            report
                .into_iter()
                .for_each(|report| self.reports.push(report));
        }
        if *event == CheckerEvent::FirstResult {
            self.tell_start(place);
            self.tell_start_of_service(place.service);
        }
        if let Some(service) = self.services.get_mut(&place.service) {
            let server = ServerId(place.server);
            service.pool.handle_check(server, place.check, event);
        }
        self.tell_pool(place.service, now);
    }

    /// CHK-05: who fails the very first attempt is out at once.
    fn retries(&self, check: &CheckRef, place: Place) -> u32 {
        let setup = check.setup();
        let running = self.services.get(&place.service);
        let running = running.and_then(|service| service.servers.get(place.server));
        let running = running.and_then(|server| server.checks.get(place.check));
        let running = running.and_then(|id| self.checks.get(*id));
        let first = running.is_some_and(|running| running.checker.results().attempts == 1);
        setup
            .filter(|_| !first)
            .map_or(0, |setup| setup.schedule.retries)
    }

    /// LVS-18: a server with `alpha` is down because that has been found, and no longer because nothing
    /// has.
    fn tell_start(&mut self, place: Place) {
        let Some(service) = self.services.get_mut(&place.service) else {
            return;
        };
        let Some(server) = service.servers.get_mut(place.server) else {
            return;
        };
        let check = server.checks.get(place.check);
        let check = check.and_then(|check| self.checks.get(*check));
        // With `rise` one that passed is still down.
        let down = check.is_some_and(|check| {
            let checker = &check.checker;
            checker.health() == Health::Down && checker.results().failures > 0
        });
        // Who was up until now goes down in the same moment, which is told by itself.
        let was_up = service.pool.is_up(ServerId(place.server));
        if down && !was_up && !std::mem::replace(&mut server.start_told, true) {
            let server = ServerRef {
                service: Arc::clone(&service.setup),
                server: place.server,
            };
            self.reports.push(BalanceReport::StartsDown { server });
        }
    }

    /// The same for a service that began without its quorum, when each of its checks has had its say.
    fn tell_start_of_service(&mut self, id: u64) {
        let Some(service) = self.services.get_mut(&id) else {
            return;
        };
        service.unknown = service.unknown.saturating_sub(1);
        if service.unknown > 0 || service.start_told || service.pool.quorum() {
            return;
        }
        let checks = service.servers.iter().flat_map(|server| &server.checks);
        let mut found = checks.filter_map(|check| self.checks.get(*check));
        // Some only have to pass once more.
        if found.any(|check| check.checker.progress().passed > 0) {
            return;
        }
        service.start_told = true;
        self.reports.push(BalanceReport::StartsWithoutQuorum {
            service: Arc::clone(&service.setup),
            live: service.pool.live_weight(),
        });
    }

    /// What a pool has to tell.
    pub(super) fn tell_pool(&mut self, id: u64, now: Instant) {
        let Some(service) = self.services.get_mut(&id) else {
            return;
        };
        while let Some(event) = service.pool.poll_event() {
            self.dirty.insert(id);
            let setup = Arc::clone(&service.setup);
            let refer = |ServerId(server): ServerId| ServerRef {
                service: Arc::clone(&setup),
                server,
            };
            if let PoolEvent::ServerUp(server) | PoolEvent::ServerDown(server, _) = &event
                && let Some(server) = service.servers.get_mut(server.0)
            {
                server.since = now;
                server.transitions += 1;
                server.start_told = true;
            }
            if let PoolEvent::QuorumGained { .. } | PoolEvent::QuorumLost { .. } = &event {
                service.since = now;
                service.transitions += 1;
                service.start_told = true;
            }
            let report = match event {
                PoolEvent::ServerUp(server) => BalanceReport::ServerUp {
                    server: refer(server),
                },
                PoolEvent::ServerDown(server, reason) => BalanceReport::ServerDown {
                    server: refer(server),
                    reason,
                },
                PoolEvent::Weight(server, weight) => BalanceReport::Weight {
                    server: refer(server),
                    weight,
                },
                PoolEvent::QuorumGained { live } => BalanceReport::QuorumGained {
                    service: setup,
                    live,
                },
                PoolEvent::QuorumLost { live } => BalanceReport::QuorumLost {
                    service: setup,
                    live,
                },
                PoolEvent::Panic(on) => BalanceReport::Disbelief { service: setup, on },
                _ => continue,
            };
            self.reports.push(report);
        }
    }

    fn check_ref(&self, place: Place) -> Option<CheckRef> {
        let service = self.services.get(&place.service)?;
        Some(CheckRef {
            server: ServerRef {
                service: Arc::clone(&service.setup),
                server: place.server,
            },
            check: place.check,
        })
    }

    /// Tells the kernel what it is to have of the services that changed.
    fn settle_table(&mut self) {
        let mut changes = Vec::new();
        for id in std::mem::take(&mut self.dirty) {
            let Some(service) = self.services.get_mut(&id) else {
                continue;
            };
            let placements = service.pool.placements();
            let serves = sorry_serves(&placements);
            if std::mem::replace(&mut service.sorry, serves) != serves {
                let service = Arc::clone(&service.setup);
                self.reports.push(BalanceReport::Sorry { service, serves });
            }
            let draining = service.draining.iter().map(|(_, destination)| destination);
            service.placed = destinations(&service.setup, &placements, draining).into();
            let owners = &mut self.owners;
            let own = wanted(service.services(), &service.placed)
                .filter(|(key, _)| *owners.entry(*key).or_insert(id) == id);
            changes.extend(own);
        }
        if !changes.is_empty() {
            self.kernel.update(changes);
        }
    }

    /// Servers that have been drained for long enough.
    pub(super) fn handle_drains(&mut self, now: Instant) {
        while let Some(id) = self.drains.pop_due(now) {
            if let Some(service) = self.services.get_mut(&id) {
                service.draining.retain(|(until, _)| *until > now);
                self.drains.set(id, service.drained_at());
                self.dirty.insert(id);
            }
        }
    }

    pub(super) fn read_kernel(&mut self, now: Instant) {
        while let Some(news) = self.kernel.poll_news() {
            let report = match news {
                KernelNews::Available(info) => BalanceReport::IpvsAvailable { info },
                KernelNews::Unavailable { missing: true, .. } if self.load_module(now) => continue,
                KernelNews::Unavailable { error, .. } => BalanceReport::IpvsUnavailable { error },
                KernelNews::Repaired { repairs, unsaid } => {
                    BalanceReport::Repaired { repairs, unsaid }
                }
                KernelNews::Refused(op, error) => BalanceReport::Refused {
                    op: Box::new(op),
                    error,
                },
                KernelNews::Daemon(role, running) => BalanceReport::SyncDaemon { role, running },
                KernelNews::Trouble(text) => BalanceReport::Trouble { text },
            };
            self.reports.push(report);
        }
    }

    /// IPVS-OPS-07. `false` if there is nothing (more) to try.
    fn load_module(&mut self, now: Instant) -> bool {
        let Some(command) = self.config.load_module.clone() else {
            return false;
        };
        if std::mem::replace(&mut self.module_tried, true) {
            return false;
        }
        let run = self.checks.run_id();
        self.scripts.run(run, command);
        let until = now.checked_add(MODULE_PATIENCE).unwrap_or(now);
        self.module = Some((run, until));
        true
    }

    /// It takes too long to load.
    pub(super) fn handle_module(&mut self, now: Instant) {
        if let Some((run, until)) = self.module
            && until <= now
        {
            self.module = None;
            self.scripts.kill(run);
            self.kernel.retry();
        }
    }
}
