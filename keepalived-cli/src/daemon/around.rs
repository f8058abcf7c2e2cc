//! Scripts before and after everything.

use keepalived_driver::hooks::{HookSettings, Outcome, run_once};

use crate::log::{Level, Log};
use crate::lower::Around;

/// Scripts are started through a copy of this very program.
pub(super) fn hook_settings() -> HookSettings {
    let mut settings = HookSettings::default();
    settings.launcher = Some(crate::daemonize::THIS_PROGRAM.into());
    settings
}

/// Run a script before or after everything, in keepalived's words. CORE-08.
pub(crate) fn run_around(what: &str, script: &Around, log: &Log) {
    let program = script.command.argv.first();
    let program = program.map_or_else(String::new, |program| {
        program.to_string_lossy().into_owned()
    });
    log.line(Level::Info, &format!("Running {what} script {program}"));
    let (level, line) = match run_once(&script.command, &hook_settings(), script.limit) {
        Ok(Outcome::Exited(0)) => (Level::Info, format!("{what} script succeeded")),
        Ok(Outcome::Exited(code)) => (
            Level::Warning,
            format!("{what} script failed, status {code}"),
        ),
        Ok(Outcome::TimedOut) => (Level::Warning, format!("{what} script timed out")),
        Ok(outcome) => (Level::Warning, format!("{what} script {outcome}")),
        Err(error) => (
            Level::Warning,
            format!("{what} script could not be started: {error}"),
        ),
    };
    log.line(level, &line);
}
