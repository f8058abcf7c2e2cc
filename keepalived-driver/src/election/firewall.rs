//! The packet filter: rules follow from facts, and a thread of its own hands them to `nft`.

use std::collections::BTreeSet;
use std::sync::Arc;

use mio::Waker;
use netlink_vip::{Firewall, FirewallVmac, Refused, Vip};

use super::Elections;
use crate::config::InstanceSetup;
use crate::nft::{Keeper, Said};
use crate::report::Report;
use crate::snapshot::FirewallSnapshot;
use crate::sources::Source;

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
    keeper: Option<Keeper<Firewall>>,
    known: Known,
    /// What was last asked for.
    asked: Option<Firewall>,
    in_force: Option<Firewall>,
    /// Why the name that is wanted is not the one in force.
    trouble: Option<String>,
    repairs: u64,
    /// Rules are to be looked at again.
    pub(super) stale: bool,
}

impl Filter {
    pub(super) fn new(waker: Arc<Waker>) -> Self {
        Self {
            waker,
            keeper: None,
            known: Known::Nothing,
            asked: None,
            in_force: None,
            trouble: None,
            repairs: 0,
            stale: false,
        }
    }

    /// Nothing is being done.
    pub(super) fn is_idle(&self) -> bool {
        self.keeper.as_ref().is_none_or(Keeper::is_idle)
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

    /// What can be said of it; nothing if no rules are wanted.
    pub(super) fn snapshot(&self) -> Option<FirewallSnapshot> {
        let asked = self.asked.as_ref()?;
        let failed = match &self.known {
            Known::Failed(why) => Some(why),
            Known::Nothing | Known::Asked | Known::Set => self.trouble.as_ref(),
        };
        let in_force = self.in_force.as_ref();
        (!asked.is_empty()).then(|| FirewallSnapshot {
            table: in_force.unwrap_or(asked).table.clone(),
            in_force: self.known == Known::Set,
            trouble: failed.cloned(),
            repairs: self.repairs,
        })
    }

    fn keep(&mut self, wanted: Firewall, beside: Option<String>) {
        if self.keeper.is_none() {
            let waker = Arc::clone(&self.waker);
            match Keeper::start("firewall", None, move || drop(waker.wake())) {
                Ok(keeper) => self.keeper = Some(keeper),
                Err(error) => {
                    self.known = Known::Failed(error.to_string());
                    return;
                }
            }
        }
        if let Some(keeper) = &mut self.keeper
            && keeper.keep(wanted.clone(), beside)
        {
            self.asked = Some(wanted);
            // What has failed is so until it succeeds.
            if !matches!(self.known, Known::Failed(_)) {
                self.known = Known::Asked;
            }
        }
    }

    /// Takes in one word of the thread. What is to be reported of it.
    fn said(&mut self, said: Said<Firewall>) -> Option<Report> {
        let message = match said {
            Said::Set(rules) => {
                self.known = Known::Set;
                self.in_force = Some(rules);
                self.trouble = None;
                return None;
            }
            Said::Kept { rules, error } => {
                let message = format!("{error}; the rules stay in table {}", rules.table);
                self.known = Known::Set;
                self.in_force = Some(rules);
                self.trouble = Some(error);
                message
            }
            Said::Failed { error, stays } => {
                self.known = Known::Failed(error.clone());
                self.in_force = self.in_force.take().filter(|_| stays);
                error
            }
            Said::Trouble(text) => text,
            Said::Drift(told) => {
                self.repairs += 1;
                let table = self.in_force.as_ref()?.table.clone();
                return told.map(|unsaid| Report::RulesRepaired { table, unsaid });
            }
        };
        let message = format!("firewall: {message}");
        Some(Report::Trouble { message })
    }
}

impl Elections {
    /// Takes in what was said of the rules, and asks for new ones if there are any.
    pub(super) fn settle_firewall(&mut self) {
        let mut news = false;
        while let Some(said) = self.filter.keeper.as_mut().and_then(Keeper::poll) {
            news = true;
            if let Some(report) = self.filter.said(said) {
                self.reports.push(report);
            }
        }
        if news {
            self.mark_all_dirty();
            // What follows from it is settled in the next turn, at once.
            self.ready.insert(Source::Timer);
        }
        let ready = self.known && self.shutdown.is_none();
        if !ready || !std::mem::take(&mut self.filter.stale) {
            return;
        }
        let wanted = self.rules();
        if self.filter.asked.as_ref() != Some(&wanted) {
            let beside = self.config.firewall.beside.clone();
            self.filter.keep(wanted, beside);
        }
    }

    /// Removes all rules at the end.
    pub(super) fn remove_firewall(&mut self) {
        if let Some(keeper) = &mut self.filter.keeper {
            keeper.remove();
        }
    }

    /// The rules that follow from the configuration and the interfaces there are.
    fn rules(&self) -> Firewall {
        let setup = &self.config.firewall;
        let mut firewall = Firewall::new(&setup.table);
        firewall.priority = setup.priority;
        firewall.counters = setup.counters;
        firewall.by_index = setup.by_index;
        firewall.mark.clone_from(&setup.owner);
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
