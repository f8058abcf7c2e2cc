//! From one configuration to the next. What is the same is not touched.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;

use healthcheck::{Health, Pool, ServerId, WeightChange};
use ipvs::ServiceKey;
use sans_io_time::Instant;

use super::check::ProbeSetup;
use super::checks::{CheckId, Place};
use super::config::{BalanceConfig, ServiceSetup};
use super::plan::{Fate, ServicePlan, plan, plan_service};
use super::report::{BalanceReport, Moved, ServerRef};
use super::run::Balancing;
use super::service::{RunningServer, RunningService, pool_config};

impl Balancing {
    /// Runs this from now on.
    pub(super) fn apply(&mut self, now: Instant, config: BalanceConfig) -> io::Result<()> {
        let first = self.turns == 0;
        if !first && config.namespace != self.config.namespace {
            self.trouble("the namespace of IPVS cannot be changed by a reload".into());
        }
        self.config = config;
        self.settle_limits();
        self.scripts.set_launcher(self.config.launcher.clone());
        self.settle_presence(now);
        let old: Vec<Arc<ServiceSetup>> = self
            .order
            .iter()
            .filter_map(|id| Some(Arc::clone(&self.services.get(id)?.setup)))
            .collect();
        let marks: Vec<_> = old.iter().map(|setup| self.marker.mark(setup)).collect();
        let unremembered = self
            .marker
            .assign(&self.config.marks, &self.config.services);
        if let Some(trouble) = unremembered {
            self.trouble(trouble);
        }
        let new = self.config.services.clone();
        let plan = plan(&old, &new);
        if !first {
            let take = |list: &[Arc<ServiceSetup>], places: &[usize]| {
                let places = places.iter().filter_map(|at| list.get(*at).cloned());
                places.collect::<Vec<_>>()
            };
            let moved = |(before, at): &(usize, usize)| {
                let service = new.get(*at)?;
                let from = marks.get(*before).copied().flatten()?;
                let to = self.marker.mark(service).filter(|to| *to != from)?;
                let service = Arc::clone(service);
                Some(Moved { service, from, to })
            };
            let (other, kept): (Vec<_>, Vec<_>) =
                plan.kept.iter().partition(|pair| moved(pair).is_some());
            let changed = plan.changed.iter().chain(other);
            let changed: Vec<usize> = changed.map(|(_, at)| *at).collect();
            self.reports.push(BalanceReport::Reloaded {
                added: take(&new, &plan.added),
                changed: take(&new, &changed),
                removed: take(&old, &plan.removed),
                moved: plan
                    .changed
                    .iter()
                    .chain(&plan.kept)
                    .filter_map(moved)
                    .collect(),
                kept: kept.len(),
            });
        }
        let old_order = std::mem::take(&mut self.order);
        let id_of = |at: &usize| old_order.get(*at).copied();
        let mut gone: BTreeSet<ServiceKey> = BTreeSet::new();
        for id in plan.removed.iter().filter_map(id_of) {
            let had = self.retire(id);
            gone.extend(self.release(id, had));
        }
        let mut ids: HashMap<usize, u64> = HashMap::new();
        for (before, at) in &plan.kept {
            let (Some(id), Some(setup)) = (id_of(before), new.get(*at)) else {
                continue;
            };
            if let Some(service) = self.services.get_mut(&id) {
                // Equal to what it has, and the other copy can go.
                service.setup = Arc::clone(setup);
            }
            ids.insert(*at, id);
        }
        for (before, at) in &plan.changed {
            if let (Some(id), Some(setup)) = (id_of(before), new.get(*at)) {
                let had = self.redefine(id, setup, now);
                gone.extend(self.release(id, had));
                ids.insert(*at, id);
            }
        }
        for at in &plan.added {
            if let Some(setup) = new.get(*at) {
                let id = self.begin(setup, now);
                ids.insert(*at, id);
            }
        }
        self.order = (0..new.len())
            .filter_map(|at| ids.get(&at).copied())
            .collect();
        gone.extend(self.take_over_marks());
        self.settle_kernel();
        self.hand_over(gone, now);
        Ok(())
    }

    /// What somebody else wants of these services of the kernel becomes that one's, the rest goes.
    pub(super) fn hand_over(&mut self, mut gone: BTreeSet<ServiceKey>, now: Instant) {
        self.bequeath(&mut gone);
        self.settle(now);
        // After those that are new, so that what moved from one to the other is never missing.
        self.kernel.update(gone.into_iter().map(|key| (key, None)));
    }

    /// A virtual server does without these services of the kernel. Which of them were its own.
    pub(super) fn release(&mut self, id: u64, had: Vec<ServiceKey>) -> Vec<ServiceKey> {
        let owners = &mut self.owners;
        let own = had.into_iter().filter(|key| {
            let own = owners.get(key) == Some(&id);
            if own {
                owners.remove(key);
            }
            own
        });
        own.collect()
    }

    /// What one has released and another wants is that one's now, and is written anew with its
    /// servers. What is left nobody wants.
    fn bequeath(&mut self, gone: &mut BTreeSet<ServiceKey>) {
        for id in &self.order {
            let Some(service) = self.services.get(id) else {
                continue;
            };
            for wanted in service.services() {
                if gone.remove(&wanted.key) {
                    self.owners.insert(wanted.key, *id);
                    self.dirty.insert(*id);
                }
            }
        }
    }

    /// A virtual server is no more. Which of the kernel's services it had.
    fn retire(&mut self, id: u64) -> Vec<ServiceKey> {
        let Some(service) = self.services.remove(&id) else {
            return Vec::new();
        };
        self.dirty.remove(&id);
        self.drains.set(id, None);
        for (at, server) in service.servers.iter().enumerate() {
            for check in &server.checks {
                self.checks.remove(*check);
            }
            self.tell_gone(&service, at);
        }
        if service.pool.quorum() {
            self.reports.push(BalanceReport::QuorumLost {
                service: Arc::clone(&service.setup),
                live: 0,
            });
        }
        let services = service.services().iter();
        services.map(|service| service.key).collect()
    }

    /// A server that is gone is not up any more.
    fn tell_gone(&mut self, service: &RunningService, server: usize) {
        if service.pool.is_up(ServerId(server)) {
            self.reports.push(BalanceReport::ServerDown {
                server: ServerRef {
                    service: Arc::clone(&service.setup),
                    server,
                },
                reason: None,
            });
        }
    }

    /// A virtual server is new.
    fn begin(&mut self, setup: &Arc<ServiceSetup>, now: Instant) -> u64 {
        let id = self.next_service;
        self.next_service += 1;
        let service = self.build(id, setup, None, &ServicePlan::default(), now);
        let up = (0..setup.servers.len()).map(|at| service.pool.is_up(ServerId(at)));
        self.reports.push(BalanceReport::Started {
            service: Arc::clone(setup),
            quorum: service.pool.quorum(),
            live: service.pool.live_weight(),
            up: up.collect(),
        });
        self.services.insert(id, service);
        self.tell_suspension(id);
        self.dirty.insert(id);
        id
    }

    /// A virtual server is defined in another way now. Which of the kernel's services it had.
    fn redefine(&mut self, id: u64, setup: &Arc<ServiceSetup>, now: Instant) -> Vec<ServiceKey> {
        let Some(old) = self.services.remove(&id) else {
            return Vec::new();
        };
        let plan = plan_service(&old.setup, setup);
        let mut service = self.build(id, setup, Some(&old), &plan, now);
        // Those that are still there tell what the reload made of them.
        for (at, server) in plan.servers.iter().enumerate() {
            let is = service.pool.is_up(ServerId(at));
            let Some(before) = server.old else {
                if is {
                    self.reports.push(BalanceReport::StartsUp {
                        server: ServerRef {
                            service: Arc::clone(setup),
                            server: at,
                        },
                    });
                }
                continue;
            };
            if old.pool.is_up(ServerId(before)) == is {
                continue;
            }
            if let Some(server) = service.servers.get_mut(at) {
                server.since = now;
                server.transitions += 1;
            }
            let server = ServerRef {
                service: Arc::clone(setup),
                server: at,
            };
            self.reports.push(if is {
                BalanceReport::ServerUp { server }
            } else {
                let reason = None;
                BalanceReport::ServerDown { server, reason }
            });
        }
        for at in &plan.gone {
            self.tell_gone(&old, *at);
            let server = old.servers.get(*at);
            for check in server.into_iter().flat_map(|server| &server.checks) {
                self.checks.remove(*check);
            }
        }
        self.drain(&mut service, &old, now);
        self.drains.set(id, service.drained_at());
        self.services.insert(id, service);
        self.tell_suspension(id);
        self.tell_pool(id, now);
        self.dirty.insert(id);
        let services = old.services().iter();
        services.map(|service| service.key).collect()
    }

    /// LESSONS A24: those that were in the table and are in no definition any more stay for a while.
    fn drain(&self, service: &mut RunningService, old: &RunningService, now: Instant) {
        let setup = &service.setup;
        let is_here = |key| {
            setup
                .servers
                .iter()
                .any(|server| server.destination.key == key)
        };
        let stays = old.draining.iter().filter(|(_, is)| !is_here(is.key));
        service.draining = stays.copied().collect();
        if setup.drain.is_zero() {
            return;
        }
        let until = now.checked_add(setup.drain).unwrap_or(now);
        let was_server = |key| {
            let mut servers = old.setup.servers.iter();
            servers.any(|server| server.destination.key == key)
        };
        for placed in old.placed.iter() {
            // Those that drain already are in no definition.
            if was_server(placed.key) && !is_here(placed.key) {
                service.draining.push((until, *placed));
            }
        }
    }

    /// A virtual server with its checks; those of an old one go on where the plan says so. Checks of
    /// old servers that are gone are left to the caller.
    fn build(
        &mut self,
        id: u64,
        setup: &Arc<ServiceSetup>,
        old: Option<&RunningService>,
        plan: &ServicePlan,
        now: Instant,
    ) -> RunningService {
        let suspended = self.rests(setup);
        let mut config = pool_config(setup);
        let mut servers = Vec::with_capacity(setup.servers.len());
        let mut weights: Vec<Vec<WeightChange>> = Vec::with_capacity(setup.servers.len());
        let mut unknown = 0;
        for (at, server) in setup.servers.iter().enumerate() {
            let plan = plan.servers.get(at);
            let before = plan.and_then(|plan| plan.old);
            let old_server = before.and_then(|before| old?.servers.get(before));
            // A server that had failed is not put into service by a new check that knows nothing, and
            // one that works is not taken out by it (LESSONS A3).
            let inherited = old
                .zip(before)
                .filter(|_| old_server.is_some_and(|server| !server.checks.is_empty()))
                .map(|(old, before)| match old.pool.is_up(ServerId(before)) {
                    true => (Health::Up, WeightChange::None),
                    false => (Health::Down, WeightChange::None),
                });
            let failed = |label: &Arc<str>| {
                let name = (Arc::clone(&setup.identity), Arc::clone(label));
                self.turns == 0 && self.config.failed.contains(&name)
            };
            let inherited = inherited
                .or_else(|| failed(&server.label).then_some((Health::Down, WeightChange::None)));
            let mut left: Vec<CheckId> =
                old_server.map_or_else(Vec::new, |server| server.checks.clone());
            let mut checks = Vec::with_capacity(server.checks.len());
            for (check_at, check) in server.checks.iter().enumerate() {
                let place = Place {
                    service: id,
                    server: at,
                    check: check_at,
                };
                let fate = plan.and_then(|plan| plan.checks.get(check_at));
                let known =
                    |at: usize| old_server.and_then(|server| server.checks.get(at)).copied();
                let check = match fate {
                    Some(Fate::GoesOn(from)) if let Some(known) = known(*from) => {
                        left.retain(|left| *left != known);
                        self.checks.move_to(known, place);
                        self.checks.suspend(known, suspended, now);
                        known
                    }
                    Some(Fate::Adopts(from)) => {
                        let knew = known(*from).and_then(|known| self.checks.get(known));
                        let knew = knew.map(|known| {
                            let checker = &known.checker;
                            (checker.health(), checker.weight())
                        });
                        self.checks.add(check, place, knew, suspended, now)
                    }
                    // Of what nobody can look at it is not believed for a moment that it works.
                    _ if matches!(check.probe, ProbeSetup::Unusable { .. }) => {
                        self.checks.add(check, place, None, suspended, now)
                    }
                    _ => self.checks.add(check, place, inherited, suspended, now),
                };
                checks.push(check);
            }
            for check in left {
                self.checks.remove(check);
            }
            let state = |check: &CheckId| self.checks.get(*check).map(|check| &check.checker);
            let found = || checks.iter().filter_map(state);
            if let Some(config) = config.servers.get_mut(at) {
                config.checks = found().map(healthcheck::Checker::health).collect();
            }
            weights.push(found().map(healthcheck::Checker::weight).collect());
            unknown += found().filter(|checker| !checker.is_known()).count();
            servers.push(RunningServer {
                checks,
                since: old_server.map_or(now, |server| server.since),
                transitions: old_server.map_or(0, |server| server.transitions),
                start_told: old_server
                    .map_or_else(|| failed(&server.label), |server| server.start_told),
            });
        }
        let mut pool = Pool::new(config);
        if let Some(old) = old {
            pool.resume(&weights, old.pool.quorum());
        }
        RunningService {
            setup: Arc::clone(setup),
            gathered: self.marker.services(setup),
            pool,
            servers,
            suspended,
            suspension_told: old.is_some_and(|old| old.suspension_told),
            sorry: old.is_some_and(|old| old.sorry),
            since: old.map_or(now, |old| old.since),
            transitions: old.map_or(0, |old| old.transitions),
            unknown,
            start_told: old.is_some_and(|old| old.start_told),
            draining: Vec::new(),
            placed: Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::BalanceRemote;
    use super::super::test_setups::{server, service};
    use super::*;
    use crate::reports::Reports;

    /// Two that want one service of the kernel, and another.
    fn rivals() -> [Arc<ServiceSetup>; 2] {
        let (first, mut second) = (service("a", &[1]), service("b", &[2]));
        second.services.insert(0, first.services[0].clone());
        [Arc::new(first), Arc::new(second)]
    }

    fn servers(balancing: &Balancing, key: ServiceKey) -> Option<Vec<String>> {
        let found = balancing.kernel.wanted(&key)?;
        Some(found.iter().map(|one| one.key.to_string()).collect())
    }

    #[test]
    fn a_service_of_the_kernel_is_the_first_ones_and_the_others_when_that_one_goes() {
        let [first, second] = rivals();
        let (shared, own) = (second.services[0].key, second.services[1].key);
        let known = |number: u8| {
            let server = server(number);
            Some(vec![server.destination.key.to_string()])
        };
        let both = BalanceConfig::new(vec![(*first).clone(), (*second).clone()]);
        let (mut balancing, _remote) = start(both);
        assert_eq!(servers(&balancing, shared), known(1));
        assert_eq!(servers(&balancing, own), known(2));
        let now = balancing.clock.now();
        let alone = BalanceConfig::new(vec![(*second).clone()]);
        balancing.apply(now, alone).unwrap();
        assert_eq!(servers(&balancing, shared), known(2));
        // It is not handed back, and goes with whom it belongs to.
        let alone = BalanceConfig::new(vec![(*first).clone()]);
        balancing.apply(now, alone).unwrap();
        assert_eq!(servers(&balancing, shared), known(1));
        assert_eq!(servers(&balancing, own), None);
    }

    /// Without a kernel: nothing can be entered here.
    fn start(mut config: BalanceConfig) -> (Balancing, BalanceRemote) {
        config.namespace = Some("/nonexistent/namespace".into());
        let (reports, _) = Reports::new(|| {});
        Balancing::new(config, reports).unwrap()
    }
}
