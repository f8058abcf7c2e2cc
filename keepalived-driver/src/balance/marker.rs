//! One service for all addresses of a group: which mark it has, and that packets get it.
//!
//! Where packets cannot be marked each address is a service of its own, as without marks: clients are
//! served, and only what reaches over the whole group, such as persistence, is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipvs::{Marks, Service, ServiceKey};
use mio::Waker;
use sans_io_time::Instant;

use super::config::{MarkSettings, ServiceSetup};
use super::report::BalanceReport;
use super::run::Balancing;
use super::snapshot::MarksSnapshot;
use crate::nft::{Job, Nft};

/// Pause after the first failure, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// How often it is looked whether the tables are still there: who loads rules of their own often
/// begins with removing everything.
const LOOK: Duration = Duration::from_secs(10);

/// What `nft` is at.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Doing {
    Nothing,
    /// It puts these in force; `whole`: whatever is there.
    Setting {
        marks: Marks,
        whole: bool,
    },
    Looking,
    Cleaning,
}

/// The marks, and who sets them.
pub(super) struct Marker {
    waker: Arc<Waker>,
    space: Option<PathBuf>,
    nft: Option<Nft>,
    numbers: BTreeMap<Arc<str>, NonZeroU32>,
    /// Where the numbers begin.
    first: NonZeroU32,
    doing: Doing,
    in_force: Option<Marks>,
    /// Why there are no marks.
    failed: Option<String>,
    pause: Duration,
    /// When to try again, or to look.
    next: Option<Instant>,
    /// What is wanted may have changed.
    stale: bool,
    /// A killed run may have left tables.
    unclean: bool,
}

impl Marker {
    /// Marks packets in this network namespace. `unclean`: an earlier run has left things behind.
    pub(super) fn new(waker: Arc<Waker>, space: Option<PathBuf>, unclean: bool) -> Self {
        Self {
            waker,
            space,
            nft: None,
            numbers: BTreeMap::new(),
            first: NonZeroU32::MIN,
            doing: Doing::Nothing,
            in_force: None,
            failed: None,
            pause: FIRST_PAUSE,
            next: None,
            stale: true,
            unclean,
        }
    }

    /// IPVS-OPS-09: gives numbers to those who have none yet. Who has one keeps it, unless somebody else's service has
    /// that mark, or the numbers begin elsewhere now.
    pub(super) fn assign(&mut self, settings: &MarkSettings, services: &[Arc<ServiceSetup>]) {
        self.stale = true;
        let gathered = services.iter().filter(|one| one.gather.is_some());
        let labels: BTreeSet<&str> = gathered.clone().map(|one| &*one.label).collect();
        if labels.is_empty() {
            self.numbers.clear();
            return;
        }
        let keys = services.iter().flat_map(|setup| &setup.services);
        let others: BTreeSet<NonZeroU32> = keys
            .filter_map(|service| match service.key {
                ServiceKey::Mark { mark, .. } => Some(mark),
                ServiceKey::Address { .. } => None,
            })
            .collect();
        if std::mem::replace(&mut self.first, settings.first) != settings.first {
            self.numbers.clear();
        }
        self.numbers
            .retain(|label, mark| labels.contains(&**label) && !others.contains(mark));
        let mut taken: BTreeSet<NonZeroU32> = self.numbers.values().copied().collect();
        taken.extend(&others);
        for setup in gathered {
            if self.numbers.contains_key(&setup.label) {
                continue;
            }
            let mut mark = settings.first;
            while taken.contains(&mark) {
                // There are more numbers than services.
                mark = mark.checked_add(1).unwrap_or(NonZeroU32::MIN);
            }
            taken.insert(mark);
            self.numbers.insert(Arc::clone(&setup.label), mark);
        }
    }

    /// The mark of a virtual server; absent for one that has none, and while packets cannot be marked.
    pub(super) fn mark(&self, setup: &ServiceSetup) -> Option<NonZeroU32> {
        let number = self.numbers.get(&setup.label).copied();
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
            let number = self.numbers.get(&setup.label);
            if let (Some(gather), Some(number)) = (&setup.gather, number) {
                let ranges = gather.ranges.iter().map(|range| (*range, *number));
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

    /// When there is something to be done.
    pub(super) const fn next_timeout(&self) -> Option<Instant> {
        match self.doing {
            Doing::Nothing => self.next,
            _ => None,
        }
    }

    pub(super) fn snapshot(&self, table: &str) -> Option<MarksSnapshot> {
        (!self.numbers.is_empty()).then(|| MarksSnapshot {
            table: table.to_owned(),
            in_force: self.failed.is_none() && self.in_force.is_some(),
            trouble: self.failed.clone(),
        })
    }

    fn submit(&mut self, job: Job, doing: Doing) -> Result<(), String> {
        if self.nft.is_none() {
            let waker = Arc::clone(&self.waker);
            let nft = Nft::start("marks", self.space.clone(), move || drop(waker.wake()));
            self.nft = Some(nft.map_err(|error| error.to_string())?);
        }
        if self.nft.as_mut().is_some_and(|nft| nft.submit(job)) {
            self.doing = doing;
            Ok(())
        } else {
            self.nft = None;
            Err("the thread for nft has died".to_owned())
        }
    }

    /// Takes everything away, and waits for that.
    pub(super) fn remove(&mut self) -> Result<(), String> {
        if let Doing::Setting { marks, .. } = &self.doing {
            // Whether it came about is not known, and the table may be somebody else's.
            let asked = Job::Clean(marks.cleaning());
            self.submit(asked, Doing::Nothing)?;
        }
        if let Some(was) = self.in_force.take() {
            self.submit(Job::Set(was.removal()), Doing::Nothing)?;
        }
        self.nft.as_mut().map_or(Ok(()), Nft::finish)
    }
}

/// What came of a job, for the services.
enum Came {
    /// There are marks, now or still.
    Set(Option<BalanceReport>),
    /// There are none.
    Failed(String),
}

impl Marker {
    fn answered(&mut self, answer: Result<(), String>, now: Instant) -> Option<Came> {
        match (std::mem::replace(&mut self.doing, Doing::Nothing), answer) {
            (Doing::Setting { marks, .. }, Ok(())) => {
                self.pause = FIRST_PAUSE;
                self.next = now.checked_add(LOOK).filter(|_| !marks.is_empty());
                let any = !marks.is_empty();
                let first = self.in_force.replace(marks).is_none();
                let news = self.failed.take().is_some() || first;
                let table = self.in_force.as_ref().map(|marks| marks.table.clone());
                let report = table.filter(|_| news && any);
                Some(Came::Set(
                    report.map(|table| BalanceReport::Marked { table }),
                ))
            }
            (Doing::Setting { whole: false, .. }, Err(_)) => {
                // Somebody may have been at the table: once more, all of it.
                self.in_force = None;
                self.stale = true;
                None
            }
            (Doing::Setting { whole: true, .. }, Err(error)) => {
                self.in_force = None;
                self.unclean = true;
                self.next = now.checked_add(self.pause);
                self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
                Some(Came::Failed(error))
            }
            (Doing::Looking, Err(_)) => {
                self.in_force = None;
                self.stale = true;
                None
            }
            (Doing::Looking, Ok(())) => {
                self.next = now.checked_add(LOOK);
                None
            }
            (Doing::Nothing | Doing::Cleaning, _) => None,
        }
    }
}

impl Balancing {
    /// Takes in what `nft` said, and gives it something to do if there is anything.
    pub(super) fn settle_marks(&mut self, now: Instant) {
        while let Some(answer) = self.marker.nft.as_mut().and_then(Nft::poll_answer) {
            match self.marker.answered(answer.unwrap_or(Ok(())), now) {
                None => {}
                Some(Came::Set(report)) => {
                    if let Some(report) = report {
                        self.reports.push(report);
                    }
                    self.regather(now);
                }
                Some(Came::Failed(error)) => self.unmarked(error, now),
            }
        }
        let marker = &mut self.marker;
        if marker.doing != Doing::Nothing {
            return;
        }
        let due = marker.next.is_some_and(|next| next <= now);
        if due {
            marker.next = None;
        }
        if !marker.stale && !due {
            return;
        }
        let wanted = marker.wanted(&self.config.marks, &self.config.services);
        marker.stale = false;
        let (job, doing) = match &marker.in_force {
            Some(before) if *before == wanted => {
                if !due || wanted.is_empty() {
                    return;
                }
                (Job::Set(wanted.probe()), Doing::Looking)
            }
            Some(before) => {
                let claims = wanted.claims();
                let (script, whole) = (wanted.change(before), false);
                let marks = wanted;
                (
                    Job::Claim { claims, script },
                    Doing::Setting { marks, whole },
                )
            }
            None if wanted.is_empty() => {
                marker.failed = None;
                if !std::mem::take(&mut marker.unclean) {
                    return;
                }
                (Job::Clean(wanted.cleaning()), Doing::Cleaning)
            }
            None => {
                marker.unclean = false;
                let (claims, script, whole) = (wanted.claims(), wanted.transaction(), true);
                let marks = wanted;
                (
                    Job::Claim { claims, script },
                    Doing::Setting { marks, whole },
                )
            }
        };
        if let Err(error) = self.marker.submit(job, doing) {
            self.marker.next = now.checked_add(FIRST_PAUSE);
            self.unmarked(error, now);
        }
    }

    /// Packets cannot be marked: said once for each reason.
    fn unmarked(&mut self, error: String, now: Instant) {
        if self.marker.failed.as_ref() != Some(&error) {
            let told = error.clone();
            self.reports.push(BalanceReport::Unmarked { error: told });
        }
        self.marker.failed = Some(error);
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
        Marker::new(waker, None, false)
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

    /// Somebody who asks for one port of an address gets it, whatever the group has.
    #[test]
    fn services_of_their_own_are_spared_where_all_ports_are_marked() {
        let (mut all, mut own) = (group("a"), service("a", &[1]));
        let at = |port| {
            ServiceKey::address(Protocol::TCP, SocketAddr::new([192, 0, 2, 97].into(), port))
        };
        all.services[0].key = at(0);
        all.gather.as_mut().unwrap().ranges = AddressRange::of([at(0)]);
        own.label = "own".into();
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
}
