//! The global rules: what a network that is left alone does, and by when.

use netsim::vrrp::Order;
use netsim::{Fault, Instant, NodeId, Violation};
use vrrp_fsm::Event;

use super::{Check, Oracle, Takeover};
use crate::proof::model::Is;
use crate::proof::rfc;

impl Oracle<'_> {
    /// Nothing changes between `self.now` and `now`. Was everything done that had to be done by then?
    pub(super) fn time_passes(&mut self, now: i64) -> Check {
        let before = core::mem::replace(&mut self.now, now);
        debug_assert!(before <= now);
        for vr in 0..self.groups.len() {
            if !self.weak {
                self.timers_were_kept(vr, now)?;
            }
            self.bounds_were_kept(vr, now)?;
            if self.is_settled() {
                self.one_active(vr)?;
                self.hosts_know(vr)?;
            }
        }
        Ok(())
    }

    pub(super) fn timers_were_kept(&self, vr: usize, now: i64) -> Check {
        let group = &self.groups[vr];
        for (node, model) in group.models.iter().enumerate() {
            if self.seats[node].stalled {
                continue;
            }
            let key = group.key;
            match model.is {
                Is::Backup if now > model.must_fire_by() => {
                    let by = model.must_fire_by();
                    return broken!(
                        now,
                        "3 takeover",
                        "n{node} {key} had to take over by {by} ns"
                    );
                }
                Is::Active if now > model.due.1.saturating_add(1) => {
                    let by = model.due.1;
                    return broken!(
                        now,
                        "3 adverts",
                        "n{node} {key} had to advertise by {by} ns"
                    );
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn bounds_were_kept(&mut self, vr: usize, now: i64) -> Check {
        let host = self.scenario.host.is_some();
        let group = &mut self.groups[vr];
        let key = group.key;
        if let Some(takeover) = &group.takeover
            && now > takeover.by
        {
            let Takeover {
                from, by, graceful, ..
            } = takeover;
            let rule = if *graceful {
                "4 hand-over"
            } else {
                "3 takeover"
            };
            return broken!(now, rule, "{key} nobody took over from n{from} by {by} ns");
        }
        for one in 0..group.seen.len() {
            for other in 0..group.seen.len() {
                if let Some((since, until)) = group.clash[one][other]
                    && now > until
                {
                    return broken!(
                        now,
                        "5 clash",
                        "{key} n{one} and n{other} are both Active, heard at {since} ns, allowed until {until} ns"
                    );
                }
            }
        }
        if let Some((by, holder)) = group.believe
            && now > by
            && host
        {
            group.believe = None;
            self.figures.host_checks += 1;
            if group
                .believed
                .iter()
                .any(|believed| *believed != Some(NodeId(holder)))
            {
                let believed = &group.believed;
                return broken!(
                    now,
                    "7 reach",
                    "{key} the host had to know n{holder} by {by} ns and believes {believed:?}"
                );
            }
        }
        Ok(())
    }

    /// Nodes that take part: on, plugged in, without fault.
    pub(super) fn takes_part(&self, vr: usize, node: usize) -> bool {
        let model = &self.groups[vr].models[node];
        self.net.is_running(NodeId(node))
            && !self.seats[node].stalled
            && self.net.is_plugged(NodeId(node))
            && !model.faulted
            && !model.unplugged
    }

    /// Invariants 1 and 2 in a network that has been left alone for long enough.
    pub(super) fn one_active(&mut self, vr: usize) -> Check {
        if self.groups[vr].judged {
            return Ok(());
        }
        self.groups[vr].judged = true;
        self.figures.converged += 1;
        let now = self.now;
        let parts: Vec<usize> = (0..self.scenario.routers)
            .filter(|node| self.takes_part(vr, *node))
            .collect();
        let group = &self.groups[vr];
        let key = group.key;
        for &first in &parts {
            let cell: Vec<usize> = parts
                .iter()
                .copied()
                .filter(|node| *node == first || self.net.connected(NodeId(first), NodeId(*node)))
                .collect();
            let active: Vec<usize> = cell
                .iter()
                .copied()
                .filter(|node| group.seen[*node] == Is::Active)
                .collect();
            let &[holder] = active.as_slice() else {
                let since = self.calm_since;
                return broken!(
                    now,
                    "1 one Active",
                    "{key} cell {cell:?} has the Actives {active:?}, calm since {since} ns"
                );
            };
            let best = group.models[holder].priority();
            for node in cell {
                let model = &group.models[node];
                if model.preempts() && model.priority() > best {
                    return broken!(
                        now,
                        "2 best Active",
                        "{key} n{holder} is Active with {best}, n{node} has {} and preempts",
                        model.priority()
                    );
                }
            }
        }
        Ok(())
    }

    /// Invariant 7, seen from outside: after one more round of questions the host knows the Active.
    pub(super) fn hosts_know(&mut self, vr: usize) -> Check {
        let (Some(refresh), Some(host)) = (self.scenario.host, self.scenario.host()) else {
            return Ok(());
        };
        let rest = refresh + 2 * self.scenario.longest;
        let late = self.now > self.calm_since + self.settle + rest;
        if !late || self.groups[vr].host_judged || !self.net.is_running(host) {
            return Ok(());
        }
        let active = (0..self.scenario.routers).find(|node| {
            self.groups[vr].seen[*node] == Is::Active
                && self.takes_part(vr, *node)
                && self.net.connected(host, NodeId(*node))
        });
        let group = &mut self.groups[vr];
        group.host_judged = true;
        if let Some(holder) = active {
            self.figures.host_checks += 1;
            if group
                .believed
                .iter()
                .any(|believed| *believed != Some(NodeId(holder)))
            {
                let (key, believed) = (group.key, &group.believed);
                return broken!(
                    self.now,
                    "7 reach",
                    "{key} n{holder} is Active and the host believes {believed:?}"
                );
            }
        }
        Ok(())
    }

    /// If this fault takes the Active away from a settled network, somebody has to take over in time.
    pub(super) fn who_takes_over(&self, vr: usize, fault: &Fault<Order>) -> Option<Takeover> {
        let tracker = vrrp_fsm::Fault::Tracker;
        let (NodeId(from), graceful) = match fault {
            Fault::Crash(node) | Fault::LinkDown(node) => (*node, false),
            Fault::Stop(node) | Fault::Tell(node, Order::Event(Event::AddressLost)) => {
                (*node, true)
            }
            Fault::Tell(node, Order::Of(_, Event::AddressLost)) => (*node, true),
            Fault::Tell(
                node,
                Order::Event(Event::Fault(fault)) | Order::Of(_, Event::Fault(fault)),
            ) if *fault == tracker => (*node, true),
            _ => return None,
        };
        let group = &self.groups[vr];
        group.models.get(from)?;
        let usual = self.is_settled() && !self.net.is_stalled(NodeId(from));
        if !usual || group.seen[from] != Is::Active {
            return None;
        }
        // Of a group the last member decides.
        let members = || {
            let all = self.groups.iter().enumerate();
            all.filter(|(other, _)| *other == vr || self.scenario.grouped)
                .map(|(_, group)| group)
        };
        let due = |node: &usize| {
            let due = members().map(|group| {
                let (gone, model) = (&group.models[from], &group.models[*node]);
                let (version, interval) = (gone.setup.version, gone.setup.interval);
                match graceful {
                    true => self.now + rfc::skew(version, interval, model.priority()),
                    false => gone.last_advert + model.patience(interval),
                }
            });
            due.max().unwrap_or(i64::MAX)
        };
        let waits_for_it = |node: &usize| {
            members().all(|group| {
                let gone = &group.models[from];
                group.models[*node].armed_by == Some(gone.setup.address)
            })
        };
        let rest: Vec<usize> = (0..self.seats.len())
            .filter(|node| *node != from && self.takes_part(vr, *node))
            .filter(|node| self.net.connected(NodeId(from), NodeId(*node)))
            .filter(waits_for_it)
            .collect();
        let due = rest.iter().map(due).min()?;
        // Rounding of the skew on both sides.
        let by = due + self.scenario.longest + 1;
        Some(Takeover {
            from,
            by,
            due,
            graceful,
        })
    }
}
