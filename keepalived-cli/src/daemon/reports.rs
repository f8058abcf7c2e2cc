//! What follows from what the elections tell: log lines, scripts, pipes, mail.

use std::sync::Arc;

use keepalived_driver::bfd::BfdNews;
use keepalived_driver::hooks::{ObjectId, Trigger};
use keepalived_driver::{InstanceLabel, Report};
use vrrp_fsm::{Fault, Faults, Notice, Reason, State};

use super::Daemon;
use crate::log::Level;
use crate::status::Refusal;
use crate::{messages, service};

impl Daemon<'_> {
    pub(super) fn handle_report(&mut self, report: &Report) {
        if let Some(instance) = self.awaited.at_fault(report) {
            self.log
                .line(Level::Info, &messages::fault_at_start(&instance.name));
            self.notify(instance, Trigger::Fault);
        }
        for (level, line) in messages::lines(report) {
            self.log.line(level, &line);
        }
        if let Report::Started { instance, .. }
        | Report::Transition { instance, .. }
        | Report::PriorityChanged { instance, .. } = report
        {
            self.priorities
                .insert(instance.name.clone(), instance.priority);
        }
        match report {
            Report::Started {
                instance, state, ..
            }
            | Report::Transition {
                instance,
                to: state,
                ..
            } => self
                .balance
                .set_master(&instance.name, *state == State::Active),
            Report::Bfd {
                name,
                news: BfdNews::State { transition, .. },
            } if [transition.from, transition.to].contains(&bfd::State::Up) => {
                // On its way up a session was no more down than before.
                self.balance.set_bfd(name, transition.to == bfd::State::Up);
            }
            _ => {}
        }
        if let Report::PriorityChanged {
            instance, state, ..
        } = report
        {
            let object = ObjectId::Instance(instance.name.clone());
            self.alerts.priority(&object, *state, instance.priority);
        }
        match report {
            Report::Started {
                instance, faults, ..
            } if runs_fault_scripts(*faults) => {
                self.notify(instance, Trigger::Fault);
            }
            Report::Started {
                instance,
                state: State::Backup,
                ..
            } => {
                self.notify(instance, Trigger::Backup);
            }
            Report::Transition {
                instance,
                to,
                faults,
                reason,
                ..
            } => match to {
                State::Active => self.notify(instance, Trigger::Master),
                State::Backup => self.notify(instance, Trigger::Backup),
                // Stopping runs its own scripts, once for every instance.
                State::Initialize if *reason == Reason::Stopped => {}
                State::Initialize if faults.is_empty() => {}
                State::Initialize => self.notify(instance, Trigger::Fault),
            },
            Report::GroupStarted {
                group,
                state,
                faults,
            } => self.group_is(group, *state, *faults),
            Report::GroupTransition {
                group,
                to,
                faults,
                reason,
                ..
            } if *reason != Reason::Stopped => self.group_is(group, *to, *faults),
            Report::Notice {
                instance,
                notice: Notice::LowerPriorityAdvert { .. },
            } => {
                self.notify(instance, Trigger::MasterRxLowerPriority);
            }
            Report::Reloaded { removed, .. } => {
                for name in removed {
                    let label = InstanceLabel {
                        name: name.clone(),
                        priority: self.priority_of(name),
                    };
                    self.notify(&label, Trigger::Deleted);
                    self.alerts.forget(&ObjectId::Instance(name.clone()));
                }
                if let Some(loaded) = self.pending.pop_front() {
                    self.switch_to(loaded);
                }
                self.alerts.reloaded();
                self.copy_state("after");
                service::ready();
            }
            Report::ReloadRefused { error } => {
                self.pending.pop_front();
                self.refusal
                    .set(Some(Refusal::new(error.to_string(), None)));
                service::ready();
            }
            Report::Ready => service::ready(),
            _ => {}
        }
    }

    /// The effective priority as last heard; the configured one if nothing was heard under this
    /// name, as after a change of name.
    pub(super) fn priority_of(&self, name: &Arc<str>) -> u8 {
        let configured = || {
            let setup = self
                .current
                .instances
                .iter()
                .find(|setup| setup.name == *name);
            setup.map_or(0, |setup| setup.fsm.role.priority().get())
        };
        self.priorities
            .get(name)
            .copied()
            .unwrap_or_else(configured)
    }

    pub(super) fn notify(&mut self, instance: &InstanceLabel, trigger: Trigger) {
        let object = ObjectId::Instance(instance.name.clone());
        if let Some(set) = self.hook_sets.get(&instance.name) {
            self.hooks.notify(&object, set, trigger, instance.priority);
        }
        self.alerts.state(&object, trigger, instance.priority);
    }

    /// A group has come to this state.
    pub(super) fn group_is(&mut self, group: &Arc<str>, state: State, faults: Faults) {
        match state {
            State::Active => self.notify_group(group, Trigger::Master),
            State::Backup => self.notify_group(group, Trigger::Backup),
            State::Initialize if runs_fault_scripts(faults) => {
                self.notify_group(group, Trigger::Fault);
            }
            State::Initialize => {}
        }
    }

    /// Runs the scripts of a group, KA-G-08.
    pub(super) fn notify_group(&mut self, name: &Arc<str>, trigger: Trigger) {
        let object = ObjectId::Group(name.clone());
        if let Some(set) = self.group_hook_sets.get(name) {
            self.hooks.notify(&object, set, trigger, 0);
        }
        self.alerts.state(&object, trigger, 0);
    }
}

/// A start-up delay alone is not a fault that scripts should hear of.
fn runs_fault_scripts(faults: Faults) -> bool {
    faults.iter().any(|fault| fault != Fault::Held)
}
