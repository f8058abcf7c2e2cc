//! The packet filter: rules follow from facts, and a thread of its own hands them to `nft`.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use mio::Waker;
use netlink_vip::{Firewall, FirewallVmac, Refused, Vip};

use super::{Elections, RETRY};
use sans_io_time::Instant;

use crate::clock::Clock;
use crate::config::InstanceSetup;
use crate::report::Report;
use crate::sources::Source;

/// How long `nft` may take.
const LIMIT: Duration = Duration::from_secs(10);
const PROGRAM: &str = "nft";
const NO_PROGRAM: &str = "there is no program nft; install nftables";

/// What is known of the rules in the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Known {
    /// There were never any.
    #[default]
    Nothing,
    /// `nft` is at work.
    Asked,
    /// As wanted.
    Set,
    /// It could not be done.
    Failed(String),
}

/// The rules, and who sets them.
#[derive(Debug)]
pub(super) struct Filter {
    waker: Arc<Waker>,
    worker: Option<Worker>,
    known: Known,
    /// What was last asked for.
    asked: Option<Firewall>,
    /// What is in force: a transaction replaces all or nothing.
    in_force: Option<Firewall>,
    /// What was last complained about.
    told: Option<String>,
    /// Leftovers of an earlier run have been looked for.
    cleaned: bool,
    /// Rules are to be looked at again.
    pub(super) stale: bool,
}

#[derive(Debug)]
enum Job {
    /// One transaction, whose outcome matters.
    Set(String),
    /// Transactions that mostly find nothing to do, and fail then.
    Clean([String; 2]),
}

#[derive(Debug)]
struct Worker {
    jobs: Sender<Job>,
    results: Receiver<Option<Result<(), String>>>,
    unanswered: usize,
}

impl Filter {
    pub(super) fn new(waker: Arc<Waker>) -> Self {
        Self {
            waker,
            worker: None,
            known: Known::Nothing,
            asked: None,
            in_force: None,
            told: None,
            cleaned: false,
            stale: false,
        }
    }

    /// Nothing is being done.
    pub(super) fn is_idle(&self) -> bool {
        self.worker
            .as_ref()
            .is_none_or(|worker| worker.unanswered == 0)
    }

    /// Why an instance that accepts no traffic cannot run yet, and whether that is for good.
    pub(super) fn obstacle(&self, setup: &InstanceSetup) -> Option<(bool, String)> {
        let same = |a: &Refused, vip: &Vip| a.address == vip.address && a.device == vip.device;
        let covers = |vip: &Vip| {
            let rules = self.in_force.iter().flat_map(|rules| &rules.refused);
            rules.into_iter().any(|refused| same(refused, vip))
        };
        if setup.addresses.iter().all(covers) {
            return None;
        }
        Some(match &self.known {
            Known::Failed(why) => (true, why.clone()),
            Known::Nothing | Known::Asked | Known::Set => (false, String::new()),
        })
    }

    fn submit(&mut self, job: Job) {
        if self.worker.is_none() {
            match Worker::start(self.waker.clone()) {
                Ok(worker) => self.worker = Some(worker),
                Err(error) => {
                    self.known = Known::Failed(error.to_string());
                    return;
                }
            }
        }
        if let Some(worker) = &mut self.worker
            && worker.jobs.send(job).is_ok()
        {
            worker.unanswered += 1;
            self.known = Known::Asked;
        }
    }
}

impl Worker {
    fn start(waker: Arc<Waker>) -> io::Result<Self> {
        let (jobs, todo) = channel::<Job>();
        let (done, results) = channel();
        thread::Builder::new()
            .name("firewall".to_owned())
            .spawn(move || {
                for job in todo {
                    let result = match job {
                        Job::Set(script) => Some(run(&script)),
                        Job::Clean(scripts) => {
                            let _ = scripts.iter().try_for_each(|script| match run(script) {
                                // Without the program there is nothing of ours either.
                                Err(error) if error == NO_PROGRAM => Err(()),
                                _ => Ok(()),
                            });
                            None
                        }
                    };
                    if done.send(result).is_err() {
                        return;
                    }
                    let _ = waker.wake();
                }
            })?;
        Ok(Self {
            jobs,
            results,
            unanswered: 0,
        })
    }
}

/// Gives `nft` one transaction and waits for it, not for ever.
fn run(script: &str) -> Result<(), String> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => NO_PROGRAM.to_owned(),
        _ => format!("nft cannot be run: {error}"),
    };
    let mut child = Command::new(PROGRAM)
        .args(["-f", "-"])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        // If it has ended already its words say why.
        let _ = input.write_all(script.as_bytes());
    }
    let ended = wait(&mut child).map_err(failed)?;
    let mut words = String::new();
    if let Some(mut errors) = child.stderr.take() {
        let _ = errors.read_to_string(&mut words);
    }
    match ended {
        Some(true) => Ok(()),
        Some(false) => Err(format!("nft refuses the rules: {}", words.trim())),
        None => Err(format!("nft did not end within {LIMIT:?}")),
    }
}

/// Whether it succeeded; nothing if it had to be killed.
fn wait(child: &mut Child) -> io::Result<Option<bool>> {
    let start = Clock.now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if Clock.now().saturating_duration_since(start) >= LIMIT {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(2));
    }
}

impl Elections {
    /// Takes in what `nft` said, and gives it new rules if there are any.
    pub(super) fn settle_firewall(&mut self, now: Instant) {
        let (mut news, mut failed) = (false, false);
        if let Some(worker) = &mut self.filter.worker {
            while let Ok(result) = worker.results.try_recv() {
                worker.unanswered = worker.unanswered.saturating_sub(1);
                news = true;
                let Some(result) = result else { continue };
                match result {
                    Ok(()) => {
                        self.filter.known = Known::Set;
                        self.filter.told = None;
                        self.filter.in_force.clone_from(&self.filter.asked);
                    }
                    Err(error) => {
                        if self.filter.told.as_ref() != Some(&error) {
                            self.filter.told = Some(error.clone());
                            let message = format!("firewall: {error}");
                            self.reports.push(Report::Trouble { message });
                        }
                        self.filter.known = Known::Failed(error);
                        self.filter.asked = None;
                        failed = true;
                    }
                }
            }
        }
        if news {
            self.mark_all_dirty();
            // What follows from it is settled in the next turn, at once.
            self.ready.insert(Source::Timer);
        }
        if failed {
            self.retry_at = self.retry_at.or_else(|| now.checked_add(RETRY));
        }
        // One transaction at a time; what changes meanwhile goes into the next.
        let ready = self.known && self.shutdown.is_none() && self.filter.is_idle();
        if !ready || !std::mem::take(&mut self.filter.stale) {
            return;
        }
        let wanted = self.rules();
        if self.filter.asked.as_ref() == Some(&wanted) {
            return;
        }
        let mut script = String::new();
        if let Some(old) = &self.filter.in_force
            && old.table != wanted.table
        {
            script = old.removal();
        }
        if self.filter.in_force.is_none() && wanted.is_empty() {
            if !std::mem::replace(&mut self.filter.cleaned, true) {
                self.filter.submit(Job::Clean(wanted.cleaning()));
            }
            return;
        }
        script.push_str(&wanted.transaction());
        self.filter.cleaned = true;
        self.filter.asked = Some(wanted);
        self.filter.submit(Job::Set(script));
    }

    /// Removes all rules at the end.
    pub(super) fn remove_firewall(&mut self) {
        let asked = self.filter.asked.take();
        if let Some(old) = self.filter.in_force.take().or(asked) {
            self.filter.submit(Job::Set(old.removal()));
        }
    }

    /// The rules that follow from the configuration and the interfaces there are.
    fn rules(&self) -> Firewall {
        let setup = &self.config.firewall;
        let mut firewall = Firewall::new(&setup.table);
        firewall.priority = setup.priority;
        firewall.counters = setup.counters;
        firewall.by_index = setup.by_index;
        firewall.mark = format!("keepalived_rs_{}", self.config.tag.0);
        let mut devices = BTreeSet::new();
        for running in self.order.iter().filter_map(|id| self.instances.get(id)) {
            let setup = &running.setup;
            for link in setup.links() {
                let seen = self.reconciler.link(link.name.as_str());
                let parent = self.reconciler.link(link.parent.as_str());
                if let (Some(seen), Some(parent)) = (seen, parent)
                    && devices.insert(seen.index)
                {
                    let (ipv4, ipv6) = setup.families_on(link.name);
                    firewall.vmacs.push(FirewallVmac {
                        index: seen.index,
                        parent: parent.index,
                        ipv4,
                        ipv6,
                    });
                }
            }
            if setup.refuse_traffic {
                firewall.refused.extend(setup.addresses.iter().map(|vip| {
                    Refused {
                        address: vip.address,
                        device: vip.device,
                        index: self
                            .reconciler
                            .link(vip.device.as_str())
                            .map(|link| link.index),
                    }
                }));
            }
        }
        firewall
    }
}
