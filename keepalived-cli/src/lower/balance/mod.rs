//! Balanced services: from `virtual_server` to what the balancing loop runs, and whom to tell about
//! what happens to them.

mod check;
mod identity;
mod names;
mod service;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use ipvs::ServiceKey;
use keepalived_config::Config as Model;
use keepalived_config::model::{Script, TrackFile, TrackedKind, VirtualServer};
use keepalived_driver::balance::{
    BalanceConfig, CheckSetup, ProbeSetup, ServerRef, ServerSetup, ServiceSetup,
};
use keepalived_driver::hooks::HookSet;
use keepalived_driver::tracked::{TrackerSetup, Watch};

use super::bfd::NO_BFD;
use super::scripts::{ScriptTrouble, Scripts};
use super::{Purpose, trackers};

pub(crate) use check::unusable as unusable_checks;
pub(crate) use identity::file_troubles;

use check::Checks;
use names::{Name, Names};

/// What the balancing loop runs, and whom to tell.
#[derive(Debug)]
pub(crate) struct BalancePlan {
    /// For the loop.
    pub(crate) config: BalanceConfig,
    /// Who wants to know, by the identity of the service.
    pub(crate) wishes: BTreeMap<Arc<str>, ServiceWishes>,
    /// Files that checks read.
    pub(crate) files: Vec<Arc<TrackerSetup>>,
    /// Servers that start up are told about like those that come up.
    pub(crate) init_notifies: bool,
    /// Mail about each check, not only about servers and services.
    pub(crate) check_mails: bool,
    /// There is something to run.
    pub(crate) wanted: bool,
}

/// Who wants to know of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServiceWishes {
    /// `quorum_up` and `quorum_down`.
    pub(crate) hooks: HookSet,
    /// Mail when the quorum comes or goes.
    pub(crate) mail: bool,
    /// Its servers, by their labels.
    pub(crate) servers: BTreeMap<Arc<str>, ServerWishes>,
}

/// Who wants to know of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerWishes {
    /// `notify_up` and `notify_down`.
    pub(crate) hooks: HookSet,
    /// Mail when it changes.
    pub(crate) mail: bool,
}

impl BalancePlan {
    pub(super) fn new(
        model: &Model,
        scripts: &Scripts<'_>,
        mail: bool,
        purpose: Purpose,
        remarks: &mut Vec<String>,
        trouble: &mut Vec<ScriptTrouble>,
    ) -> Self {
        let mut lowering = Lowering {
            model,
            scripts,
            mail,
            names: Names::default(),
            taken: HashSet::new(),
            checks: Checks::new(model),
            wishes: BTreeMap::new(),
            remarks,
            trouble,
        };
        let mut services = Vec::with_capacity(model.services.len());
        for service in &model.services {
            let setup = lowering.service(service);
            match purpose {
                Purpose::Run => services.extend(setup),
                Purpose::Test => lowering.wishes.clear(),
            }
        }
        let Lowering { checks, wishes, .. } = lowering;
        let files = used_files(model, checks.files());
        let mut config = BalanceConfig::new(services);
        settings::apply(model, &mut config, remarks);
        let defs = &model.global.balance;
        let wanted = !config.services.is_empty() || config.sync.is_some() || config.flush_at_start;
        Self {
            config,
            wishes,
            files,
            init_notifies: defs.init_notifies,
            check_mails: !model.global.mail.no_checker,
            wanted,
        }
    }

    /// The checks that cannot be had, each with its server and the reason.
    pub(crate) fn unusable(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for service in &self.config.services {
            for server in &service.servers {
                for check in &server.checks {
                    if let ProbeSetup::Unusable { word, why } = &check.probe {
                        let (server, service) = (&server.label, &service.label);
                        all.insert(format!("{word} of {server} of {service}: {why}"));
                    }
                }
            }
        }
        all
    }

    /// Who wants to know of it.
    pub(crate) fn server_wishes(&self, server: &ServerRef) -> Option<&ServerWishes> {
        let service = self.wishes.get(&server.service.identity)?;
        service.servers.get(&server.setup()?.label)
    }

    /// NOTI-07: of services and servers that are no more who had them is told, as they wanted it in the old plan.
    pub(crate) fn inherit(&mut self, old: Self) {
        let services = self.config.services.iter();
        let is: HashMap<&str, &ServiceSetup> = services
            .map(|service| (&*service.identity, &**service))
            .collect();
        let mut wishes = old.wishes;
        // What the old plan had inherited itself has been told of.
        for before in &old.config.services {
            let Some(mut had) = wishes.remove(&before.identity) else {
                continue;
            };
            let Some(now) = is.get(&*before.identity) else {
                self.wishes.insert(Arc::clone(&before.identity), had);
                continue;
            };
            let labels = |service: &ServiceSetup| -> HashSet<Arc<str>> {
                let servers = service.servers.iter();
                servers.map(|server| Arc::clone(&server.label)).collect()
            };
            let gone = &labels(before) - &labels(now);
            had.servers.retain(|server, _| gone.contains(server));
            if !had.servers.is_empty() {
                let has = self.wishes.entry(Arc::clone(&before.identity));
                has.or_default().servers.extend(had.servers);
            }
        }
    }

    /// This, and nobody wants to know.
    #[cfg(test)]
    pub(crate) fn of(config: BalanceConfig) -> Self {
        Self {
            config,
            wishes: BTreeMap::new(),
            files: Vec::new(),
            init_notifies: false,
            check_mails: false,
            wanted: true,
        }
    }

    /// Name of the tables that mark packets, if there are to be any.
    pub(super) fn marks_table(&self) -> Option<String> {
        let mut services = self.config.services.iter();
        let marked = services.any(|service| service.gather.is_some());
        marked.then(|| self.config.marks.table.clone())
    }

    /// No session runs: `-B`. A check of one that is down until then says why; without `alpha` it is up, as with
    /// Keepalived.
    pub(crate) fn settle_without_bfd(&mut self) {
        let waits = |check: &CheckSetup| {
            check.schedule.alpha && matches!(check.probe, ProbeSetup::Bfd { .. })
        };
        for service in &mut self.config.services {
            let all = service.servers.iter().flat_map(|server| &server.checks);
            if !all.into_iter().any(waits) {
                continue;
            }
            let servers = &mut Arc::make_mut(service).servers;
            let all = servers.iter_mut().flat_map(|server| &mut server.checks);
            for check in all.filter(|check| waits(check)) {
                *check = CheckSetup::unusable(check.probe.word(), NO_BFD);
            }
        }
    }

    /// Nothing at all: `-P`.
    pub(crate) fn clear(&mut self) {
        let thread = std::mem::take(&mut self.config.thread);
        self.config = BalanceConfig::new(Vec::new());
        self.config.thread = thread;
        self.wishes.clear();
        self.files.clear();
        self.wanted = false;
    }
}

/// The files of these names, as they are watched for checks.
fn used_files(model: &Model, names: &BTreeSet<Arc<str>>) -> Vec<Arc<TrackerSetup>> {
    let files = model.trackers.files.iter();
    let used = files.filter(|file| names.contains(file.name.as_str()));
    let tracked = |file: &TrackFile| {
        let tracked = model.instances.iter().flat_map(|one| &one.tracked);
        let mut files = tracked.filter(|one| one.kind == TrackedKind::File);
        files.any(|one| one.name.value == file.name.value)
    };
    used.map(|file| {
        let mut watch = trackers::file(file);
        if tracked(file) {
            // Who watches it for the instances writes into it at the start, once.
            watch.init = None;
        }
        Arc::new(TrackerSetup::new(&file.name, Watch::File(watch)))
    })
    .collect()
}

/// What is needed for every service.
struct Lowering<'a> {
    model: &'a Model,
    scripts: &'a Scripts<'a>,
    /// Mail can be sent.
    mail: bool,
    names: Names,
    /// What the services so far have of the kernel's.
    taken: HashSet<ServiceKey>,
    checks: Checks<'a>,
    wishes: BTreeMap<Arc<str>, ServiceWishes>,
    remarks: &'a mut Vec<String>,
    trouble: &'a mut Vec<ScriptTrouble>,
}

impl Lowering<'_> {
    /// `None` after a remark that says why it is not run.
    fn service(&mut self, wanted: &VirtualServer) -> Option<ServiceSetup> {
        let Name { label, identity } = self.names.service(wanted);
        let keys = service::services(self.model, wanted, &mut self.taken);
        let keys = match keys {
            Ok(keys) if keys.is_empty() => {
                let remark = format!("{label} not run: its group has no entry");
                self.remarks.push(remark);
                return None;
            }
            Ok(keys) => keys,
            Err(error) => {
                self.remarks.push(format!("{label} not run: {error}"));
                return None;
            }
        };
        let mail = self.model.global.mail.checker;
        let mut wishes = ServiceWishes {
            hooks: self.hooks(
                &label,
                [&wanted.quorum_up, &wanted.quorum_down].map(Option::as_deref),
            ),
            // Off unless somebody says on, unlike that of servers.
            mail: self.mail && wanted.smtp_alert.or(mail).unwrap_or(false),
            servers: BTreeMap::new(),
        };
        let mut servers: Vec<ServerSetup> = Vec::with_capacity(wanted.servers.len());
        // What is one destination in one service is in each.
        let same = keys.first().map(|service| service.key);
        let mut seen = HashSet::with_capacity(wanted.servers.len());
        for server in &wanted.servers {
            let name = names::server(wanted, server.address, server.port);
            let destination = service::destination(server);
            if same
                .iter()
                .any(|key| !seen.insert(destination.within(key).key))
            {
                let remark =
                    format!("{name} of {label} not run: without its port it is another one");
                self.remarks.push(remark);
                continue;
            }
            let mut setup = ServerSetup::new(&name, destination);
            setup.inhibit = server.inhibit;
            setup.checks = self.checks(&label, &name, &server.checkers);
            let told = ServerWishes {
                hooks: self.hooks(
                    &name,
                    [&server.notify_up, &server.notify_down].map(Option::as_deref),
                ),
                mail: self.mail && server.smtp_alert.or(mail).unwrap_or(true),
            };
            if told != ServerWishes::default() {
                wishes.servers.insert(setup.label.clone(), told);
            }
            servers.push(setup);
        }
        let gather = service::gather(self.model, wanted, &keys);
        let gather = gather.unwrap_or_else(|error| {
            self.remarks.push(format!("{label} has no mark: {error}"));
            None
        });
        let mut setup = service::setup(&label, wanted, keys, servers);
        setup.gather = gather;
        if identity != label {
            setup.identity = identity.into();
        }
        if wishes != ServiceWishes::default() {
            self.wishes.insert(setup.identity.clone(), wishes);
        }
        Some(setup)
    }

    fn checks(
        &mut self,
        service: &str,
        server: &str,
        checkers: &[keepalived_config::model::balance::Checker],
    ) -> Vec<CheckSetup> {
        let name = || format!("{server} of {service}");
        let Self {
            checks,
            scripts,
            remarks,
            trouble,
            ..
        } = self;
        let checkers = checkers.iter();
        checkers
            .map(|checker| checks.setup(name, checker, scripts, remarks, trouble))
            .collect()
    }

    fn hooks(&mut self, name: &str, [up, down]: [Option<&Script>; 2]) -> HookSet {
        let mut take = |script: Option<&Script>| self.scripts.command(name, script?, self.trouble);
        let mut set = HookSet::default();
        set.up = take(up);
        set.down = take(down);
        set
    }
}
