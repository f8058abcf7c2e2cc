//! One service for all addresses of a group: which mark it has, and that packets get it.
//!
//! Where packets cannot be marked each address is a service of its own, as without marks: clients are
//! served, and only what reaches over the whole group, such as persistence, is missing.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use ipvs::{Marks, Service, ServiceKey};
use mio::Waker;
use sans_io_time::Instant;

use super::config::{MarkSettings, ServiceSetup};
use super::numbers::Numbers;
use super::report::BalanceReport;
use super::run::Balancing;
use super::snapshot::MarksSnapshot;
use crate::nft::{Keeper, Said};

/// The marks, and who sets them.
pub(super) struct Marker {
    waker: Arc<Waker>,
    space: Option<PathBuf>,
    keeper: Option<Keeper<Marks>>,
    numbers: Numbers,
    /// What was last asked for.
    asked: Option<Marks>,
    in_force: Option<Marks>,
    /// Why there are no marks.
    failed: Option<String>,
    /// Why the name that is wanted is not the one in force.
    trouble: Option<String>,
    repairs: u64,
    /// What is wanted may have changed.
    stale: bool,
}

impl Marker {
    /// Marks packets in this network namespace, with these numbers where they are wanted.
    pub(super) fn new(waker: Arc<Waker>, space: Option<PathBuf>, numbers: Numbers) -> Self {
        Self {
            waker,
            space,
            keeper: None,
            numbers,
            asked: None,
            in_force: None,
            failed: None,
            trouble: None,
            repairs: 0,
            stale: true,
        }
    }

    /// Each group has a number from now on. What could not be remembered, in words.
    pub(super) fn assign(
        &mut self,
        settings: &MarkSettings,
        services: &[Arc<ServiceSetup>],
    ) -> Option<String> {
        self.stale = true;
        self.numbers.assign(settings, services)
    }

    /// Whoever comes next begins anew.
    pub(super) fn forget(&mut self) -> Option<String> {
        self.numbers.forget()
    }

    /// The mark of a virtual server; absent for one that has none, and while packets cannot be marked.
    pub(super) fn mark(&self, setup: &ServiceSetup) -> Option<NonZeroU32> {
        let number = self.numbers.get(&setup.identity);
        number.filter(|_| setup.gather.is_some() && self.failed.is_none())
    }

    /// The services of the kernel, where they are not those of the definition.
    pub(super) fn services(&self, setup: &ServiceSetup) -> Option<Vec<Service>> {
        let mark = self.mark(setup)?;
        let like = setup.gather.iter().flat_map(|gather| &gather.services);
        Some(
            like.map(|service| Service {
                key: ServiceKey::Mark {
                    mark,
                    family: service.key.family(),
                },
                ..service.clone()
            })
            .collect(),
        )
    }

    /// What is to be in force.
    fn wanted(&self, settings: &MarkSettings, services: &[Arc<ServiceSetup>]) -> Marks {
        let mut marks = Marks::new(&settings.table);
        marks.priority = settings.priority;
        marks.counters = settings.counters;
        marks.owner.clone_from(&settings.owner);
        for setup in services {
            let number = self.numbers.get(&setup.identity);
            if let (Some(gather), Some(number)) = (&setup.gather, number) {
                let ranges = gather.ranges.iter().map(|range| (*range, number));
                marks.ranges.extend(ranges);
            }
        }
        let all_ports = marks.ranges.keys().filter(|range| range.port == 0);
        let all_ports: Vec<_> = all_ports.copied().collect();
        if !all_ports.is_empty() {
            let own = services.iter().filter(|setup| setup.gather.is_none());
            let own = own.flat_map(|setup| &setup.services);
            let own = own.map(|service| service.key);
            let within = |key: &ServiceKey| all_ports.iter().any(|range| range.contains(key));
            marks.spared = own.filter(within).collect();
        }
        marks
    }

    pub(super) fn snapshot(&self, table: &str) -> Option<MarksSnapshot> {
        let in_force = self.in_force.as_ref().filter(|marks| !marks.is_empty());
        (!self.numbers.is_empty()).then(|| MarksSnapshot {
            table: in_force.map_or(table, |marks| &marks.table).to_owned(),
            in_force: self.failed.is_none() && in_force.is_some(),
            trouble: self.failed.clone().or_else(|| self.trouble.clone()),
            repairs: self.repairs,
        })
    }

    fn keep(&mut self, wanted: &Marks, beside: Option<String>) -> Result<(), String> {
        if self.keeper.is_none() {
            let waker = Arc::clone(&self.waker);
            let keeper = Keeper::start("marks", self.space.clone(), move || drop(waker.wake()));
            self.keeper = Some(keeper.map_err(|error| error.to_string())?);
        }
        // A reload starts one that has died anew.
        let died = |keeper: &mut Keeper<Marks>| !keeper.keep(wanted.clone(), beside);
        match self.keeper.take_if(died) {
            None => Ok(()),
            Some(_) => Err("the thread for nft has died".to_owned()),
        }
    }

    /// Takes everything away, and waits for that.
    pub(super) fn remove(&mut self) -> Result<(), String> {
        self.keeper.as_mut().map_or(Ok(()), |keeper| {
            keeper.remove();
            keeper.finish()
        })
    }

    /// These are in force. Whether that is news.
    fn set(&mut self, marks: Marks, trouble: Option<String>) -> bool {
        let any = !marks.is_empty();
        let before = self.in_force.replace(marks);
        let before = before.as_ref().filter(|marks| !marks.is_empty());
        let how = |marks: &Marks| (marks.table.clone(), marks.priority, marks.counters);
        let changed = before.map(how) != self.in_force.as_ref().map(how);
        let failed = self.failed.take().is_some();
        self.trouble = trouble;
        any && (failed || changed)
    }
}

impl Balancing {
    /// Takes in what was said of the marks, and asks for others if there are any.
    pub(super) fn settle_marks(&mut self, now: Instant) {
        while let Some(said) = self.marker.keeper.as_mut().and_then(Keeper::poll) {
            match said {
                Said::Set(marks) => {
                    let report = BalanceReport::Marked {
                        table: marks.table.clone(),
                        priority: marks.priority,
                        counters: marks.counters,
                    };
                    if self.marker.set(marks, None) {
                        self.reports.push(report);
                    }
                    self.regather(now);
                }
                Said::Kept { rules, error } => {
                    let text = format!("{error}; packets are marked in table {}", rules.table);
                    self.marker.set(rules, Some(error));
                    self.trouble(text);
                    self.regather(now);
                }
                Said::Failed { error, .. } => self.unmarked(error, now),
                Said::Trouble(text) => self.trouble(format!("marks of packets: {text}")),
                Said::Drift(told) => {
                    self.marker.repairs += 1;
                    let marks = self.marker.in_force.as_ref();
                    if let Some((marks, unsaid)) = marks.zip(told) {
                        let table = marks.table.clone();
                        let report = BalanceReport::MarksRepaired { table, unsaid };
                        self.reports.push(report);
                    }
                }
            }
        }
        if !std::mem::take(&mut self.marker.stale) {
            return;
        }
        let wanted = self
            .marker
            .wanted(&self.config.marks, &self.config.services);
        if self.marker.asked.as_ref() == Some(&wanted) {
            return;
        }
        match self.marker.keep(&wanted, self.config.marks.beside.clone()) {
            Ok(()) => self.marker.asked = Some(wanted),
            Err(error) => self.unmarked(error, now),
        }
    }

    /// Packets cannot be marked: said once for each reason.
    fn unmarked(&mut self, error: String, now: Instant) {
        if self.marker.failed.as_ref() != Some(&error) {
            let told = error.clone();
            self.reports.push(BalanceReport::Unmarked { error: told });
        }
        self.marker.failed = Some(error);
        self.marker.in_force = None;
        self.regather(now);
    }

    /// Whether packets can be marked may have changed: the services of the kernel follow.
    fn regather(&mut self, now: Instant) {
        let gone = self.take_over_marks();
        if !gone.is_empty() {
            self.hand_over(gone, now);
        }
    }

    /// Each virtual server that runs has the mark that is its own now, or none. What its services were
    /// before.
    pub(super) fn take_over_marks(&mut self) -> BTreeSet<ServiceKey> {
        let mut gone = BTreeSet::new();
        for id in self.order.clone() {
            let Some(service) = self.services.get_mut(&id) else {
                continue;
            };
            let services = self.marker.services(&service.setup);
            if service.setup.gather.is_none() || services == service.gathered {
                continue;
            }
            let had = service.services().iter().map(|service| service.key);
            let had = had.collect();
            service.gathered = services;
            gone.extend(self.release(id, had));
            self.dirty.insert(id);
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use ipvs::{AddressRange, Family, Protocol};
    use mio::{Poll, Token};

    use super::super::test_setups::service;
    use super::super::{BalanceConfig, Gather};
    use super::*;
    use crate::reports::Reports;

    fn number(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    /// A group with one address.
    fn group(label: &str) -> ServiceSetup {
        let mut setup = service(label, &[1]);
        let keys = setup.services.iter().map(|one| one.key);
        let ranges = AddressRange::of(keys);
        let mut like = setup.services[0].clone();
        like.key = mark(1);
        setup.gather = Some(Gather {
            ranges,
            services: vec![like],
        });
        setup
    }

    fn mark(of: u32) -> ServiceKey {
        ServiceKey::Mark {
            mark: number(of),
            family: Family::Ipv4,
        }
    }

    fn arcs(all: &[ServiceSetup]) -> Vec<Arc<ServiceSetup>> {
        all.iter().cloned().map(Arc::new).collect()
    }

    fn marker() -> Marker {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        Marker::new(waker, None, Numbers::read(None).0)
    }

    fn numbers(marker: &Marker, services: &[Arc<ServiceSetup>]) -> Vec<Option<u32>> {
        let numbers = services.iter().map(|setup| marker.mark(setup));
        numbers.map(|mark| mark.map(NonZeroU32::get)).collect()
    }

    /// IPVS-OPS-09.
    #[test]
    fn a_group_keeps_its_mark_over_reloads() {
        let settings = MarkSettings::default();
        let mut marker = marker();
        let mut assigned = |settings: &MarkSettings, services: &[ServiceSetup]| {
            let services = arcs(services);
            marker.assign(settings, &services);
            numbers(&marker, &services)
        };
        let (a, b, c, plain) = (group("a"), group("b"), group("c"), service("p", &[1]));
        assert_eq!(
            assigned(&settings, &[a.clone(), plain, b.clone()]),
            [Some(1000), None, Some(1001)]
        );
        // In another order, with a new one before.
        assert_eq!(
            assigned(&settings, &[c.clone(), b.clone(), a.clone()]),
            [Some(1002), Some(1001), Some(1000)]
        );
        // What is free is given again.
        assert_eq!(
            assigned(&settings, &[c.clone(), b.clone()]),
            [Some(1002), Some(1001)]
        );
        assert_eq!(
            assigned(&settings, &[c.clone(), b.clone(), a.clone()]),
            [Some(1002), Some(1001), Some(1000)]
        );
        // A service of the file has its mark for itself.
        let mut own = service("o", &[1]);
        own.services[0].key = mark(1001);
        assert_eq!(
            assigned(&settings, &[own, c.clone(), b.clone()]),
            [None, Some(1002), Some(1000)]
        );
        let mut elsewhere = settings;
        elsewhere.first = number(7);
        assert_eq!(assigned(&elsewhere, &[c, b]), [Some(7), Some(8)]);
    }

    /// IPVS-OPS-09: a service that is another one in the kernel did not stay as it was.
    #[test]
    fn a_reload_that_moves_a_mark_tells_from_where_to_where() {
        let mut config = BalanceConfig::new(vec![group("a"), service("p", &[1])]);
        config.namespace = Some("/nonexistent/namespace".into());
        let (reports, inbox) = Reports::new(|| {});
        let (mut balancing, _remote) = Balancing::new(config.clone(), reports).unwrap();
        balancing.turns = 1;
        let now = balancing.clock.now();
        let mut told = |first: u32| {
            config.marks.first = number(first);
            balancing.apply(now, config.clone()).unwrap();
            balancing.reports.flush();
            let reports = inbox.try_iter();
            let mut told = reports.filter_map(|report| match report {
                BalanceReport::Reloaded {
                    changed,
                    moved,
                    kept,
                    ..
                } => {
                    let moved = moved.iter().map(|moved| {
                        let (from, to) = (moved.from.get(), moved.to.get());
                        (moved.service.label.to_string(), from, to)
                    });
                    Some((changed.len(), moved.collect::<Vec<_>>(), kept))
                }
                _ => None,
            });
            told.next().unwrap()
        };
        assert_eq!(told(1000), (0, Vec::new(), 2));
        assert_eq!(told(2000), (1, vec![("a".to_owned(), 1000, 2000)], 1));
        assert_eq!(told(2000), (0, Vec::new(), 2));
    }

    /// Somebody who asks for one port of an address gets it, whatever the group has.
    #[test]
    fn services_of_their_own_are_spared_where_all_ports_are_marked() {
        let (mut all, mut own) = (group("a"), service("a", &[1]));
        let at = |port| {
            ServiceKey::address(Protocol::TCP, SocketAddr::new([192, 0, 2, 97].into(), port))
        };
        all.services[0].key = at(0);
        all.gather.as_mut().unwrap().ranges = AddressRange::of([at(0)]);
        own.identity = "own".into();
        own.services[0].key = at(80);
        let services = arcs(&[all, own, service("other", &[1])]);
        let mut marker = marker();
        marker.assign(&MarkSettings::default(), &services);
        let marks = marker.wanted(&MarkSettings::default(), &services);
        assert_eq!(
            marks.ranges.into_values().collect::<Vec<_>>(),
            [number(1000)]
        );
        assert_eq!(marks.spared, BTreeSet::from([at(80)]));
    }

    /// Where packets cannot be marked each address is a service, and when they can be, that of the mark.
    #[test]
    fn a_group_whose_packets_cannot_be_marked_is_a_service_for_each_address() {
        let (setup, rest) = (group("a"), service("b", &[2]));
        let address = setup.services[0].key;
        let mut config = BalanceConfig::new(vec![setup, rest]);
        config.namespace = Some("/nonexistent/namespace".into());
        let (reports, _inbox) = Reports::new(|| {});
        let (mut balancing, _remote) = Balancing::new(config.clone(), reports).unwrap();
        let now = balancing.clock.now();
        let there = |balancing: &Balancing, key| balancing.kernel.wanted(&key).is_some();
        let both =
            |balancing: &Balancing| (there(balancing, mark(1000)), there(balancing, address));
        assert_eq!(both(&balancing), (true, false));
        let snapshot = balancing.snapshot();
        assert_eq!(snapshot.services[0].mark, Some(number(1000)));
        balancing.unmarked("no".to_owned(), now);
        assert_eq!(both(&balancing), (false, true));
        let snapshot = balancing.snapshot();
        assert_eq!(snapshot.services[0].mark, None);
        assert_eq!(snapshot.marks.unwrap().trouble.as_deref(), Some("no"));
        balancing.marker.failed = None;
        balancing.regather(now);
        assert_eq!(both(&balancing), (true, false));
        // A reload that takes the mark for itself: the group has another one, and nothing is left of the
        // first.
        let mut own = service("o", &[1]);
        own.services[0].key = mark(1000);
        config.services.push(Arc::new(own));
        balancing.apply(now, config).unwrap();
        assert!(there(&balancing, mark(1000)) && there(&balancing, mark(1001)));
        assert_eq!(
            balancing.services[&balancing.order[0]].services()[0].key,
            mark(1001)
        );
    }

    /// IPVS-OPS-09: connections and clients of a mark are those of one group, whatever the order of the file was
    /// when the groups came.
    #[test]
    fn a_group_keeps_its_mark_when_a_run_is_killed() {
        let folder = std::env::temp_dir().join(format!("marker-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("keepalived.marks");
        let config = |labels: &[&str]| {
            let groups = labels.iter().map(|label| group(label));
            let mut config = BalanceConfig::new(groups.collect());
            config.namespace = Some("/nonexistent/namespace".into());
            config.marks_file = Some(file.clone());
            config
        };
        let run = |labels: &[&str]| {
            let (reports, _inbox) = Reports::new(|| {});
            Balancing::new(config(labels), reports).unwrap().0
        };
        let marks = |balancing: &Balancing| {
            let snapshot = balancing.snapshot();
            let marks = snapshot.services.iter().map(|one| one.mark.unwrap().get());
            marks.collect::<Vec<_>>()
        };
        let mut first = run(&["a", "b"]);
        let now = first.clock.now();
        first.apply(now, config(&["c", "b", "a"])).unwrap();
        assert_eq!(marks(&first), [1002, 1001, 1000]);
        // Without an end.
        drop(first);
        let mut second = run(&["c", "d", "a"]);
        assert_eq!(marks(&second), [1002, 1001, 1000]);
        second.stop();
        assert!(!file.exists(), "what was removed is not remembered");
        assert_eq!(marks(&run(&["c", "d", "a"])), [1000, 1001, 1002]);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
