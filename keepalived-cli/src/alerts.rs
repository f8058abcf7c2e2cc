//! Telling others about changes of state, besides the scripts: named pipes and mail, in
//! keepalived's words.
//!
//! Nothing here waits: pipes are written without blocking, mails are handed to a thread.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use keepalived_driver::hooks::{Hooks, ObjectId, Trigger};
use keepalived_driver::mail::{Envelope, MailReport, MailServer, Mailer, Message};
use keepalived_driver::pipes::{PipeReport, Pipes, Topic};
use vrrp_fsm::State;

use crate::log::{Level, Log, local_text, wall_clock};
use crate::lower::{AlertPlan, MailPlan, Wishes};
use crate::messages;

mod services;

/// How long mails that wait are given when the daemon stops.
const MAIL_PATIENCE: std::time::Duration = std::time::Duration::from_millis(500);

/// Pipes and mail of the running daemon.
#[derive(Debug)]
pub(crate) struct Alerts {
    plan: AlertPlan,
    pipes: Pipes,
    mailer: Option<Mailer>,
    /// The last state told about each object, with its priority.
    told: BTreeMap<ObjectId, (Trigger, u8)>,
    log: Log,
}

impl Alerts {
    pub(crate) fn new(log: &Log) -> Self {
        Self {
            plan: AlertPlan::default(),
            pipes: Pipes::default(),
            mailer: None,
            told: BTreeMap::new(),
            log: log.clone(),
        }
    }

    /// Work by this plan from now on.
    pub(crate) fn set(&mut self, plan: AlertPlan, hooks: &Hooks) {
        let log = &self.log;
        let mut readers = plan.readers.clone();
        self.pipes.set(&plan.pipes, |report| {
            tell_pipe(log, &report);
            // What is there instead of the pipe has no events in it.
            if let PipeReport::Unusable { path, .. } = &report {
                readers.retain(|reader| reader.pipe != *path);
            }
        });
        hooks.set_readers(readers);
        self.plan = plan;
    }

    /// Something changed its state.
    pub(crate) fn state(&mut self, object: &ObjectId, trigger: Trigger, priority: u8) {
        let wishes = self.wishes(object);
        let trigger = match trigger {
            Trigger::Deleted if !wishes.deleted => Trigger::Fault,
            other => other,
        };
        self.line(object, trigger.word(), priority);
        match trigger {
            Trigger::MasterRxLowerPriority | Trigger::Read | Trigger::Up | Trigger::Down => return,
            Trigger::Stop | Trigger::Deleted => drop(self.told.remove(object)),
            _ => drop(self.told.insert(object.clone(), (trigger, priority))),
        }
        if wishes.mail {
            self.mail(object, trigger);
        }
    }

    /// An instance, or a group, is no longer in the configuration.
    pub(crate) fn forget(&mut self, object: &ObjectId) {
        self.told.remove(object);
    }

    /// The effective priority of an instance changed. NOTI-08.
    pub(crate) fn priority(&mut self, object: &ObjectId, state: State, priority: u8) {
        if let Some((_, known)) = self.told.get_mut(object) {
            *known = priority;
        }
        if self.wishes(object).priorities {
            let word = match state {
                State::Active => "MASTER_PRIORITY",
                _ => "BACKUP_PRIORITY",
            };
            self.line(object, word, priority);
        }
    }

    /// A reload is complete and everything that changed has been told. NOTI-09.
    pub(crate) fn reloaded(&mut self) {
        if self.plan.states_on_reload {
            for (object, (trigger, priority)) in self.told.clone() {
                self.line(&object, trigger.word(), priority);
            }
        }
    }

    /// Close the pipes, so that their readers see the end, and give mails a moment.
    pub(crate) fn stop(self) {
        drop(self.pipes);
        let left = self.mailer.map_or(0, |mailer| mailer.stop(MAIL_PATIENCE));
        if left > 0 {
            let line = format!("{left} mails could not be sent before the stop");
            self.log.line(Level::Warning, &line);
        }
    }

    fn wishes(&self, object: &ObjectId) -> Wishes {
        let wishes = match object {
            ObjectId::Instance(name) => self.plan.instances.get(name),
            ObjectId::Group(name) => self.plan.groups.get(name),
            _ => None,
        };
        wishes.copied().unwrap_or_default()
    }

    /// features 32.10: `INSTANCE "V1" MASTER 100`.
    fn line(&mut self, object: &ObjectId, word: &str, priority: u8) {
        if self.pipes.is_empty() {
            return;
        }
        let priority = match object {
            ObjectId::Instance(_) => priority,
            // Groups have no priority of their own.
            _ => 0,
        };
        let line = format!(
            "{} \"{}\" {word} {priority}\n",
            object.kind(),
            object.name()
        );
        let log = &self.log;
        self.pipes
            .write(Topic::Vrrp, &line, |report| tell_pipe(log, &report));
    }

    fn mail(&mut self, object: &ObjectId, trigger: Trigger) {
        let Some(plan) = &self.plan.mail else {
            return;
        };
        let Some(envelope) = envelope(plan, object, trigger) else {
            return;
        };
        let server = Arc::clone(&plan.server);
        self.post(&server, envelope);
    }

    fn post(&mut self, server: &Arc<MailServer>, envelope: Envelope) {
        if self.mailer.is_none() {
            let log = self.log.clone();
            match Mailer::start(move |report| tell_mail(&log, &report)) {
                Ok(mailer) => self.mailer = Some(mailer),
                Err(error) => {
                    let line = format!("Mail cannot be sent: {error}");
                    self.log.line(Level::Error, &line);
                }
            }
        }
        if let Some(mailer) = &self.mailer {
            mailer.post(server, envelope);
        }
    }
}

fn tell_pipe(log: &Log, report: &PipeReport) {
    log.line(Level::Warning, &report.to_string());
}

fn tell_mail(log: &Log, report: &MailReport) {
    let (level, line) = messages::mail(report);
    log.line(level, &line);
}

/// features 32.11. `None` for what no mail is sent about. NOTI-10, MAIL-07.
fn envelope(plan: &MailPlan, object: &ObjectId, trigger: Trigger) -> Option<Envelope> {
    let (kind, all) = match object {
        ObjectId::Instance(_) => ("Instance", false),
        ObjectId::Group(_) => ("Group", true),
        _ => return None,
    };
    let word = trigger.word();
    let (what, body) = match trigger {
        Trigger::Fault if plan.no_faults => return None,
        Trigger::Master | Trigger::Backup | Trigger::Fault => {
            let body = match trigger {
                _ if all => format!("=> All VRRP group instances are now in {word} state <="),
                Trigger::Master => "=> VRRP Instance is now owning VRRP VIPs <=".to_owned(),
                _ => "=> VRRP Instance is no longer owning VRRP VIPs <=".to_owned(),
            };
            (format!("Entering {word} state"), body)
        }
        Trigger::Deleted => (
            "Deleted".to_owned(),
            "=> VRRP Deleted at reload <=".to_owned(),
        ),
        _ => return None,
    };
    let subject = format!("VRRP {kind} {} - {what}", object.name());
    Some(mail(plan, &subject, body))
}

/// A mail in an envelope; the name of this machine begins its subject.
fn mail(plan: &MailPlan, subject: &str, body: String) -> Envelope {
    let now = wall_clock();
    let message = Message {
        id: mail_id(now, &plan.server.helo),
        date: local_text(now, "%a, %d %b %Y %H:%M:%S %z"),
        from: plan.from.text.clone(),
        to: plan.to.iter().map(|to| to.text.clone()).collect(),
        subject: format!("[{}] {subject}", plan.router_id),
        body,
    };
    Envelope {
        from: plan.from.address.clone(),
        recipients: plan.to.iter().map(|to| to.address.clone()).collect(),
        message: message.encode(),
    }
}

/// What no other mail has: the number of this mail, this process, and the time, for processes have their numbers again.
fn mail_id(now: SystemTime, host: &str) -> String {
    static MAILS: AtomicU64 = AtomicU64::new(0);
    let number = MAILS.fetch_add(1, Ordering::Relaxed);
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH);
    let seconds = seconds.map_or(0, |since| since.as_secs());
    // RFC 5322 3.6.4: words between dots.
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' {
            c
        } else {
            '-'
        }
    };
    let host: String = host.chars().map(plain).collect();
    let words: Vec<_> = host.split('.').filter(|word| !word.is_empty()).collect();
    format!(
        "{number}.{}.{seconds}@{}",
        std::process::id(),
        words.join(".")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5322 3.6.4.
    #[test]
    fn a_mail_has_an_identifier_of_its_own_that_servers_can_read() {
        let id = |host| mail_id(wall_clock(), host);
        assert_ne!(id("lb.example"), id("lb.example"));
        for (host, written) in [
            ("lb.example", "lb.example"),
            ("lb.example.", "lb.example"),
            ("[192.0.2.1]", "-192.0.2.1-"),
            ("a b..c>", "a-b.c-"),
        ] {
            let id = id(host);
            let (left, right) = id.split_once('@').unwrap();
            assert_eq!(right, written);
            assert!(
                left.split('.').all(|word| word.parse::<u64>().is_ok()),
                "{id}"
            );
        }
    }
}
