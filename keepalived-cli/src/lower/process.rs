//! The process itself: threads, names, scripts around everything.

use std::sync::Arc;
use std::time::Duration;

use keepalived_config::Config as Model;
use keepalived_config::model::Script;
use keepalived_driver::hooks::HookCommand;
use keepalived_driver::threads::{AutoPriority, ThreadSettings};

use super::scripts::{ScriptTrouble, Scripts};

/// What `ps` shows for keepalived's processes when `process_names` is given.
const USUAL_MAIN: &str = "keepalived";
const USUAL_VRRP: &str = "keepalived_vrrp";
const USUAL_CHECKERS: &str = "keepalived_lvs";

/// How the process is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProcessPlan {
    /// Name of the main thread.
    pub(crate) name: Option<String>,
    /// Nothing of it goes to the swap space.
    pub(crate) no_swap: bool,
    /// Run first of all.
    pub(crate) startup: Option<Around>,
    /// Run last of all.
    pub(crate) shutdown: Option<Around>,
}

/// A script before or after everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Around {
    pub(crate) command: Arc<HookCommand>,
    /// Longer it may not run.
    pub(crate) limit: Duration,
}

impl ProcessPlan {
    pub(super) fn new(
        model: &Model,
        scripts: &Scripts<'_>,
        trouble: &mut Vec<ScriptTrouble>,
    ) -> Self {
        let process = &model.global.process;
        let mut around = |what: &str, script: &Option<Script>, limit| {
            let command = scripts.command(what, script.as_ref()?, trouble)?;
            Some(Around { command, limit })
        };
        let usual = process.names.usual.then(|| USUAL_MAIN.to_owned());
        Self {
            name: process.names.main.clone().or(usual),
            no_swap: [&process.vrrp, &process.bfd, &process.checker]
                .iter()
                .any(|thread| thread.no_swap),
            startup: around(
                "startup_script",
                &process.startup_script,
                process.startup_timeout,
            ),
            shutdown: around(
                "shutdown_script",
                &process.shutdown_script,
                process.shutdown_timeout,
            ),
        }
    }
}

/// The thread of checks and services.
pub(super) fn balance_thread(model: &Model) -> ThreadSettings {
    let process = &model.global.process;
    let wanted = &process.checker;
    let usual = process.names.usual.then(|| USUAL_CHECKERS.to_owned());
    let mut thread = ThreadSettings::default();
    thread.name = process.names.checker.clone().or(usual);
    thread.nice = wanted.nice;
    thread.realtime = wanted.realtime;
    thread.cpus.clone_from(&wanted.cpus);
    thread.rttime = wanted.rttime;
    thread
}

/// The thread of the elections, which BFD shares.
pub(super) fn elections_thread(model: &Model) -> ThreadSettings {
    let process = &model.global.process;
    let wanted = process.vrrp.with(&process.bfd);
    let names = &process.names;
    let usual = names.usual.then(|| USUAL_VRRP.to_owned());
    let mut thread = ThreadSettings::default();
    thread.name = names.vrrp.clone().or_else(|| names.bfd.clone()).or(usual);
    thread.nice = wanted.nice;
    thread.realtime = wanted.realtime;
    thread.cpus = wanted.cpus;
    thread.rttime = wanted.rttime;
    thread.auto = process.max_auto_priority.map(|max| AutoPriority {
        max,
        delay: process.min_auto_priority_delay,
    });
    thread
}
