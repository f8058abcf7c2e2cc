//! A new configuration: read, judged, handed on, and taken up once the elections run it.

use keepalived_config::Severity;
use keepalived_config::model::Config as Model;

use super::reload::{self, Appointment, Copies, Marker, Standing};
use super::watching::process_buffer;
use super::{Daemon, DaemonSettings};
use crate::load::Loaded;
use crate::log::{Level, Log};
use crate::lower::BalancePlan;
use crate::status::Refusal;
use crate::{dump, service};

impl Daemon<'_> {
    /// Read the configuration anew. One that is not in order changes nothing.
    pub(super) fn reload(&mut self) {
        if self.stopping {
            return;
        }
        self.log.reopen();
        self.log.line(Level::Info, "Reloading");
        service::reloading();
        self.copies.begin();
        self.copy_state("before");
        let marker = Marker::set(&self.standing, &self.settings.pid_folder);
        let mut loaded = self.settings.source.load();
        match marker {
            Ok(marker) => drop(marker),
            Err(error) => {
                let line = format!("The file of `reload_file` could not be made: {error}");
                self.log.line(Level::Warning, &line);
            }
        }
        // As they would run here, without sessions or without checks.
        self.settings.complete_balance(&mut loaded.lowered.balance);
        let path = self.settings.source.path().display();
        let refusal = if loaded.unreadable() {
            Some(format!("{path} cannot be read"))
        } else if loaded.has_errors() {
            Some(format!("{path} has errors"))
        } else {
            let why = self.standing.forbids(&Standing::new(&loaded.model));
            let why = why.or_else(|| self.newly_unusable(&loaded.lowered.balance));
            why.map(|why| format!("{path}: {why}"))
        };
        complain(self.log, &loaded);
        if self.settings.no_bfd {
            without_bfd(self.log, &self.settings, &loaded.model);
        }
        keep_copy(self.log, &self.copies, loaded.text.as_deref());
        if let Some(path) = &self.standing.check_log
            && let Err(error) = reload::write_check_log(path, &loaded)
        {
            let line = format!("{}: {error}", path.display());
            self.log.line(Level::Warning, &line);
        }
        if let Some(why) = refusal {
            let line = format!("Reload refused: {why}; nothing was changed");
            self.log.line(Level::Error, &line);
            let errors = loaded.complaints.into_iter();
            let mut errors = errors.filter(|(severity, _)| *severity == Severity::Error);
            let error = errors.next().map(|(_, line)| line);
            self.refusal.set(Some(Refusal::new(why, error)));
            service::ready();
            return;
        }
        self.settings.complete(&mut loaded.lowered.driver);
        let config = loaded.lowered.driver.clone();
        self.pending.push_back(loaded);
        self.tell("reload", |remote| remote.reload(config));
    }

    /// Why these services cannot be taken over: a server that is looked at now would count as failed.
    fn newly_unusable(&self, new: &BalancePlan) -> Option<String> {
        let all = new.unusable();
        let known = self.balance.plan.unusable();
        all.difference(&known).next().cloned()
    }

    pub(super) fn look_for_appointment(&mut self) {
        let Some(appointment) = &mut self.appointment else {
            return;
        };
        let (said, due) = appointment.look();
        if let Some(line) = said {
            self.log.line(Level::Info, &line);
        }
        if due {
            self.reload();
        }
    }

    /// For `config_save_dir`.
    pub(super) fn copy_state(&self, when: &str) {
        if let Some(path) = self.copies.state_file(when) {
            self.dump("saved state", move |snapshot, settings| {
                dump::data_to(&path, snapshot, settings)
            });
        }
    }

    /// The elections run this configuration now, or will when they start.
    pub(super) fn switch_to(&mut self, loaded: Loaded) {
        self.refusal.set(None);
        self.settings.dumps = crate::run::dumps(&loaded, self.settings.namespace.as_deref());
        crate::run::dress(&loaded.lowered.process, self.log);
        self.copies.set_folder(&loaded.model);
        self.standing = Standing::new(&loaded.model);
        if !self
            .appointment
            .as_ref()
            .is_some_and(|known| known.is_for(&loaded.model))
        {
            self.appointment = Appointment::new(&loaded.model);
        }
        self.settings
            .shutdown
            .clone_from(&loaded.lowered.process.shutdown);
        self.balance.reload(loaded.lowered.balance);
        self.alerts.set(loaded.lowered.alerts, &self.hooks);
        self.hook_sets = loaded.lowered.hooks;
        self.group_hook_sets = loaded.lowered.group_hooks;
        self.current = loaded.lowered.driver;
        self.process_buffer = process_buffer(&loaded.model.global);
        self.watchers.set_process_buffer(self.process_buffer);
        self.watch();
    }
}

/// CORE-13.
pub(super) fn keep_copy(log: &Log, copies: &Copies, text: Option<&str>) {
    if let Some(text) = text
        && let Err(error) = copies.configuration(text)
    {
        let line = format!("The copy of the configuration could not be saved: {error}");
        log.line(Level::Warning, &line);
    }
}

/// Says what becomes of those who track a session, with `-B`.
pub(super) fn without_bfd(log: &Log, settings: &DaemonSettings, model: &Model) {
    let (checks, vrrp) = (!settings.no_checkers, !settings.no_vrrp);
    for line in crate::lower::without_bfd(model, checks, vrrp) {
        log.line(Level::Warning, &line);
    }
}

pub(super) fn complain(log: &Log, loaded: &Loaded) {
    for (severity, line) in &loaded.complaints {
        let level = match severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
            Severity::Note => Level::Info,
        };
        log.line(level, line);
    }
    for remark in &loaded.lowered.remarks {
        log.line(Level::Warning, remark);
    }
    for trouble in &loaded.lowered.script_trouble {
        log.line(Level::Warning, &trouble.message);
    }
}
