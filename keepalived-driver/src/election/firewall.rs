//! The packet filter: rules follow from facts, and a thread of its own hands them to `nft`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mio::Waker;
use netlink_vip::{Firewall, FirewallVmac, Refused, Vip};

use super::{Elections, RETRY};
use sans_io_time::Instant;

use crate::config::InstanceSetup;
use crate::nft::{Job, Nft};
use crate::report::Report;
use crate::sources::Source;

/// Without virtual routers there is no hurry to look for leftovers of an earlier run, and two runs of `nft` are a
/// good part of the work of a start.
const NO_HURRY: Duration = Duration::from_secs(5);

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

/// What a killed run may have left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leftovers {
    Unknown,
    /// They are looked for at this time, or with the first virtual router.
    Later(Instant),
    Due,
    Gone,
}

impl Leftovers {
    /// Whether to look for them now, which is done once.
    fn look(&mut self, now: Instant, hurry: bool) -> bool {
        match self {
            Self::Gone => return false,
            Self::Later(_) if !hurry => return false,
            Self::Unknown if !hurry => {
                *self = Self::Later(now.checked_add(NO_HURRY).unwrap_or(now));
                return false;
            }
            Self::Unknown | Self::Later(_) | Self::Due => {}
        }
        *self = Self::Gone;
        true
    }
}

/// The rules, and who sets them.
#[derive(Debug)]
pub(super) struct Filter {
    waker: Arc<Waker>,
    nft: Option<Nft>,
    known: Known,
    /// What was last asked for.
    asked: Option<Firewall>,
    /// What is in force: a transaction replaces all or nothing.
    in_force: Option<Firewall>,
    /// What was last complained about.
    told: Option<String>,
    leftovers: Leftovers,
    /// Rules are to be looked at again.
    pub(super) stale: bool,
}

impl Filter {
    pub(super) fn new(waker: Arc<Waker>) -> Self {
        Self {
            waker,
            nft: None,
            known: Known::Nothing,
            asked: None,
            in_force: None,
            told: None,
            leftovers: Leftovers::Unknown,
            stale: false,
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        match self.leftovers {
            Leftovers::Later(at) => Some(at),
            Leftovers::Unknown | Leftovers::Due | Leftovers::Gone => None,
        }
    }

    /// Nothing is being done.
    pub(super) fn is_idle(&self) -> bool {
        self.nft.as_ref().is_none_or(Nft::is_idle)
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
        if self.nft.is_none() {
            let waker = Arc::clone(&self.waker);
            match Nft::start("firewall", None, move || drop(waker.wake())) {
                Ok(nft) => self.nft = Some(nft),
                Err(error) => {
                    self.known = Known::Failed(error.to_string());
                    return;
                }
            }
        }
        if let Some(nft) = &mut self.nft
            && nft.submit(job)
        {
            self.known = Known::Asked;
        }
    }
}

impl Elections {
    /// Takes in what `nft` said, and gives it new rules if there are any.
    pub(super) fn settle_firewall(&mut self, now: Instant) {
        let (mut news, mut failed) = (false, false);
        if let Some(nft) = &mut self.filter.nft {
            while let Some(result) = nft.poll_answer() {
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
        if self.filter.next_timeout().is_some_and(|at| at <= now) {
            self.filter.leftovers = Leftovers::Due;
            self.filter.stale = true;
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
            self.clean_firewall(now, &wanted);
            return;
        }
        script.push_str(&wanted.transaction());
        self.filter.leftovers = Leftovers::Gone;
        self.filter.asked = Some(wanted);
        self.filter.submit(Job::Set(script));
    }

    /// Removes, once, what a killed run has left behind.
    fn clean_firewall(&mut self, now: Instant, wanted: &Firewall) {
        let hurry = !self.order.is_empty();
        if self.filter.leftovers.look(now, hurry) {
            self.filter.submit(Job::Clean(wanted.cleaning()));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Two runs of `nft` at every start of a daemon that has no virtual routers were a tenth of its start.
    #[test]
    fn leftovers_are_looked_for_once_and_without_virtual_routers_later() {
        let now = Instant::from_nanos(0);
        let mut hurried = Leftovers::Unknown;
        assert!(hurried.look(now, true));
        assert!(!hurried.look(now, true));
        let mut patient = Leftovers::Unknown;
        assert!(!patient.look(now, false));
        assert_eq!(
            patient,
            Leftovers::Later(now.checked_add(NO_HURRY).unwrap())
        );
        assert!(!patient.look(now, false));
        // A reload brings some.
        let mut reloaded = patient;
        assert!(reloaded.look(now, true));
        patient = Leftovers::Due;
        assert!(patient.look(now, false));
        assert!(!patient.look(now, false));
    }
}
