//! What follows from what the balancing loop tells: log lines, scripts, pipes, mail.

use std::collections::BTreeMap;
use std::sync::Arc;

use keepalived_driver::balance::{BalanceReport, CheckRef, ServerRef, ServiceSetup};
use keepalived_driver::clock::Clock;
use keepalived_driver::hooks::{ObjectId, Trigger};

use super::Daemon;
use super::balance::Failed;
use crate::messages::balance::{self as words, Before};

/// What was told of services and servers so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    services: BTreeMap<Arc<str>, Service>,
    /// A check that passes; whether its server does is told next, if it does.
    passed: Option<CheckRef>,
}

#[derive(Debug, Default)]
struct Service {
    /// It has its quorum; absent before the first word.
    quorum: Option<bool>,
    /// That it has none was told.
    down_told: bool,
    /// Those that are down, or have another weight than the configured one.
    servers: BTreeMap<Arc<str>, Before>,
}

impl Service {
    /// Answers with what was known before.
    fn learn(&mut self, server: &Arc<str>, change: impl FnOnce(&mut Before)) -> Before {
        let before = self.servers.get(server).copied().unwrap_or_default();
        let mut known = before;
        change(&mut known);
        if known == before {
            return before;
        }
        if known == Before::default() {
            self.servers.remove(server);
        } else {
            self.servers.insert(Arc::clone(server), known);
        }
        before
    }
}

impl Told {
    fn known(&self, server: &ServerRef) -> Before {
        let find = || {
            let service = self.services.get(&server.service.identity)?;
            service.servers.get(&server.setup()?.label).copied()
        };
        find().unwrap_or_default()
    }

    fn learn(&mut self, server: &ServerRef, change: impl FnOnce(&mut Before)) {
        if let Some(setup) = server.setup() {
            let service = Arc::clone(&server.service.identity);
            let service = self.services.entry(service).or_default();
            service.learn(&setup.label, change);
        }
    }

    /// Servers that are down, as far as was told.
    pub(super) fn failed(&self) -> Failed {
        let services = self.services.iter();
        let servers = services.flat_map(|(service, known)| {
            let down = known.servers.iter().filter(|(_, before)| !before.up);
            down.map(|(server, _)| (Arc::clone(service), Arc::clone(server)))
        });
        servers.collect()
    }

    fn before(&self, report: &BalanceReport) -> Before {
        match report {
            BalanceReport::Weight { server, .. } => self.known(server),
            _ => Before::default(),
        }
    }
}

impl Daemon<'_> {
    pub(super) fn handle_balance_report(&mut self, report: &BalanceReport) {
        self.settle_passed(report);
        // At the end keepalived says what it shuts down, and nothing else.
        let quiet = self.balance.is_stopping()
            && matches!(
                report,
                BalanceReport::ServerDown { .. }
                    | BalanceReport::QuorumLost { .. }
                    | BalanceReport::Sorry { .. }
            );
        if !quiet {
            for (level, line) in words::lines(report, self.told.before(report)) {
                self.log.line(level, &line);
            }
        }
        match report {
            BalanceReport::Started {
                service,
                quorum,
                live,
                up,
            } => self.service_started(service, *quorum, *live, up),
            BalanceReport::ServerUp { server } => self.server_is(server, true, true),
            BalanceReport::ServerDown { server, reason } => {
                let by_check = reason.is_some() || self.balance.is_stopping();
                self.server_is(server, false, by_check);
            }
            BalanceReport::StartsUp { server } => {
                self.told.learn(server, |known| known.up = true);
                if self.balance.plan.init_notifies {
                    self.tell_server(server, true);
                }
            }
            // As Keepalived does it, with `rs_init_notifies` and without.
            BalanceReport::StartsDown { server } => self.tell_server(server, false),
            BalanceReport::StartsWithoutQuorum { service, live } => {
                self.starts_without_quorum(service, *live);
            }
            BalanceReport::Weight { server, weight } => {
                let configured = server.setup().map(|setup| setup.destination.weight);
                let weight = Some(*weight).filter(|weight| Some(*weight) != configured);
                self.told.learn(server, |known| known.weight = weight);
            }
            BalanceReport::QuorumGained { service, live } => {
                let body = format!("=> {} <=", words::gained(service, *live));
                self.service_is(service, true, body);
            }
            BalanceReport::QuorumLost { service, live } => {
                let body = format!("=> {} <=", words::lost(service, *live));
                self.service_is(service, false, body);
            }
            BalanceReport::CheckPassed { check } => self.told.passed = Some(check.clone()),
            BalanceReport::CheckFailed { check, .. } => self.check_mail(check, false, false),
            BalanceReport::Reloaded { removed, .. } => {
                for service in removed {
                    self.told.services.remove(&service.identity);
                }
            }
            _ => {}
        }
    }

    /// The first word about a service.
    fn service_started(
        &mut self,
        service: &Arc<ServiceSetup>,
        quorum: bool,
        live: u64,
        up: &[bool],
    ) {
        if service.suspend_without.is_empty() {
            for (level, line) in words::activated(service) {
                self.log.line(level, &line);
            }
        }
        let identity = &service.identity;
        // In an earlier life of the loop some were up already, and told of.
        let first = !self.told.services.contains_key(identity);
        let known = self.told.services.entry(Arc::clone(identity)).or_default();
        let wanted = self.balance.plan.init_notifies;
        let mut came_up = Vec::new();
        for (place, (setup, up)) in service.servers.iter().zip(up).enumerate() {
            let before = known.learn(&setup.label, |known| known.up = *up);
            if wanted && *up && (first || !before.up) {
                came_up.push(place);
            }
        }
        let before = known.quorum.replace(quorum);
        known.down_told &= !quorum;
        for server in came_up {
            let service = Arc::clone(service);
            self.tell_server(&ServerRef { service, server }, true);
        }
        if quorum && before != Some(true) {
            let words = words::gained(service, live);
            let words = words.strip_prefix("Gained quorum").unwrap_or(&words);
            self.tell_service(
                service,
                true,
                format!("=> Starting with quorum up{words} <="),
            );
        } else if !quorum && before == Some(true) {
            let body = format!("=> {} <=", words::lost(service, live));
            self.service_is(service, false, body);
        } else if service.sorry.is_some() {
            // As Keepalived does it: the sorry server serves from now on. Without one there may be servers in a moment.
            self.starts_without_quorum(service, live);
        }
    }

    /// A service never had its quorum, and that is no news to who has heard of it.
    fn starts_without_quorum(&mut self, service: &Arc<ServiceSetup>, live: u64) {
        let known = self.told.services.get(&service.identity);
        if known.is_some_and(|known| known.quorum == Some(false) && !known.down_told) {
            let body = format!("=> {} <=", words::started_without(service, live));
            self.service_is(service, false, body);
        }
    }

    fn server_is(&mut self, server: &ServerRef, up: bool, by_check: bool) {
        self.told.learn(server, |known| known.up = up);
        self.tell_server(server, up);
        // With mails about each check that mail has told of it; of what a reload takes away none has.
        if !(by_check && self.balance.plan.check_mails) {
            let body = if up { "=> Adding <=" } else { "=> Removing <=" };
            self.server_mail(server, up, body.to_owned());
        }
    }

    /// Its script, and the pipes.
    fn tell_server(&mut self, server: &ServerRef, up: bool) {
        let Some(setup) = server.setup() else {
            return;
        };
        let service = &server.service.label;
        if let Some(wishes) = self.balance.plan.server_wishes(server) {
            let object = ObjectId::Server(Arc::clone(service), Arc::clone(&setup.label));
            self.hooks.notify(&object, &wishes.hooks, trigger(up), 0);
        }
        self.alerts.server(service, &setup.label, up);
    }

    fn service_is(&mut self, service: &Arc<ServiceSetup>, up: bool, body: String) {
        let identity = Arc::clone(&service.identity);
        let known = self.told.services.entry(identity).or_default();
        (known.quorum, known.down_told) = (Some(up), !up);
        self.tell_service(service, up, body);
    }

    /// Its script, the pipes and mail.
    fn tell_service(&mut self, service: &Arc<ServiceSetup>, up: bool, body: String) {
        let label = &service.label;
        let mut mail = false;
        if let Some(wishes) = self.balance.plan.wishes.get(&service.identity) {
            let object = ObjectId::Service(Arc::clone(label));
            self.hooks.notify(&object, &wishes.hooks, trigger(up), 0);
            mail = wishes.mail;
        }
        self.alerts.service(label, up);
        if mail {
            self.alerts.service_mail(label, up, body);
        }
    }

    /// Now it is known whether the server of the check that passed is up.
    fn settle_passed(&mut self, next: &BalanceReport) {
        let Some(check) = self.told.passed.take() else {
            return;
        };
        let same = |server: &ServerRef| {
            server.server == check.server.server
                && server.service.identity == check.server.service.identity
        };
        let up = match next {
            BalanceReport::ServerUp { server } => same(server),
            _ => false,
        };
        let known = self.told.known(&check.server);
        self.check_mail(&check, true, up || known.up);
    }

    /// No more reports wait.
    pub(super) fn settle_balance(&mut self) {
        self.settle_passed(&BalanceReport::Ready);
    }

    /// A mail about a check, unless only servers are to be told of.
    fn check_mail(&mut self, check: &CheckRef, passed: bool, server_up: bool) {
        if !self.balance.plan.check_mails {
            return;
        }
        if let Some(setup) = check.setup() {
            self.server_mail(&check.server, server_up, words::mail(setup, passed));
        }
    }

    fn server_mail(&mut self, server: &ServerRef, up: bool, body: String) {
        let Some(setup) = server.setup() else {
            return;
        };
        let wishes = self.balance.plan.server_wishes(server);
        if wishes.is_some_and(|wishes| wishes.mail) {
            let service = &server.service.label;
            self.alerts.server_mail(service, &setup.label, up, body);
        }
    }

    /// Everything is shut down from here on.
    pub(super) fn stop_balance(&mut self) {
        if self.balance.has_stopped() || self.balance.is_stopping() {
            return;
        }
        for service in &self.balance.plan.config.services {
            for (level, line) in words::shut_down(service) {
                self.log.line(level, &line);
            }
        }
        self.balance.stop();
    }

    /// The daemon ends by a failure: its services go all the same, as the addresses do.
    pub(super) fn stop_services(&mut self) {
        self.stop_balance();
        while !self.balance.has_stopped() {
            let patience = self.balance.patience(Clock.now());
            // Whatever it is, what was told is looked at.
            let _ = self.poll.poll(&mut self.events, patience);
            self.balance.look(Clock.now(), || self.told.failed());
            while let Some(report) = self.balance.next_report() {
                self.handle_balance_report(&report);
            }
        }
    }
}

const fn trigger(up: bool) -> Trigger {
    if up { Trigger::Up } else { Trigger::Down }
}
