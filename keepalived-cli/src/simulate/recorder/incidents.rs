//! What the command line makes happen, and what it changes.

use std::sync::Arc;

use netsim::{Fault, Net, NodeId};

use super::super::document::{Incident, State};
use super::super::frame::Order;
use super::{LIMIT, Recorder};

impl Recorder<'_> {
    /// The facts change before a node can look.
    fn take_in(&mut self, fault: &Fault<Order>) {
        if let Fault::Heal = fault {
            self.shared.facts.borrow_mut().cuts.heal();
        }
        if let Fault::Tell(node, order) = fault {
            let mut facts = self.shared.facts.borrow_mut();
            match order {
                Order::Link { interface, up } => {
                    let port = (node.0, *interface);
                    if *up {
                        facts.unplugged.remove(&port);
                    } else {
                        facts.unplugged.insert(port);
                    }
                }
                Order::Object { id, is } => {
                    facts.objects.insert((node.0, id.clone()), *is);
                }
                Order::Reload(file) => {
                    if let Some(present) = facts.file.get_mut(node.0) {
                        *present = *file;
                    }
                }
                Order::Clock(step) => facts.step_clock(node.0, *step),
                Order::Cut { wire, from, to } => facts.cuts.cut(*wire, *from, *to),
                Order::Part { wire, cells } => facts.cuts.part(*wire, cells.clone()),
            }
        }
    }

    pub(super) fn fault(&mut self, fault: &Fault<Order>, net: &Net) {
        self.take_in(fault);
        match fault {
            Fault::Stall(NodeId(node), _) => {
                let now = self.now;
                if let Some(held_up) = self.held_up.get_mut(*node) {
                    *held_up = Some(now);
                }
            }
            Fault::Crash(NodeId(node)) if net.is_running(NodeId(*node)) => {
                self.killed = Some(*node);
            }
            Fault::SetLink(link) => {
                self.clean = link.is_clean();
                self.delay = self.delay.max(link.longest());
            }
            _ => {}
        }
        let first = match fault {
            Fault::Start(NodeId(node)) => {
                let ran = self.ran.get_mut(*node);
                // Clients are always there.
                ran.is_none_or(|ran| !std::mem::replace(ran, true))
            }
            _ => false,
        };
        if first {
            if let Fault::Start(NodeId(node)) = fault
                && *node < self.names.len()
            {
                self.event(Some(*node), None, "starts".to_owned());
            }
        } else if let Some((nodes, text)) = self.incident(fault)
            && self.found.incidents.len() < LIMIT
        {
            let (at, order) = (self.now, self.happens());
            let text = text + self.without_effect(fault, net);
            self.found.incidents.push(Incident {
                at,
                order,
                nodes,
                text,
            });
        }
        if let Fault::Stall(node, length) = fault
            && net.is_running(*node)
            && let Some(frozen) = self.frozen.get_mut(node.0)
        {
            *frozen = (*frozen).max(Some(self.now + *length));
        }
        for place in 0..self.instances.len() {
            self.disturb(place, net);
        }
        self.judge(net);
    }

    /// It is not frozen any more.
    pub(super) fn thaw(&mut self, node: usize) {
        if let Some(frozen) = self.frozen.get_mut(node) {
            *frozen = None;
        }
    }

    /// A node is off.
    pub(super) fn off(&mut self, node: usize, net: &Net) {
        if node >= self.names.len() {
            return;
        }
        let killed = self.killed.take_if(|killed| *killed == node).is_some();
        self.reach.off(node);
        self.thaw(node);
        let off = State::Off.word();
        for place in 0..self.instances.len() {
            // One that ran and was stopped has said so itself, and one that a reload has removed was off before.
            let runs = self
                .seat(node, place)
                .is_some_and(|seat| seat.member && seat.state != State::Off);
            if runs {
                let why = if killed { "killed" } else { "stopped" };
                let text = format!("{} {off}: {why}", self.title(node, place));
                self.event(Some(node), Some(place), text);
                self.enter(node, place, State::Off, why.to_owned());
            }
            self.watch(place, net, false);
        }
        for group in self.groups(node) {
            self.event(Some(node), None, format!("group {group} {off}"));
        }
        self.judge(net);
    }

    /// The groups of the file that a node runs.
    fn groups(&self, node: usize) -> Vec<Arc<str>> {
        let setup = self.runs(node);
        let groups = setup.iter().flat_map(|setup| &setup.driver.groups);
        groups.map(|group| Arc::clone(&group.name)).collect()
    }
}
