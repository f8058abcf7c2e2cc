//! Commands that the daemon runs.

use crate::tree::Span;

/// A command with its arguments and whom it runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Script {
    /// Program and arguments. Never empty; the program may be a bare name to be looked up in PATH.
    pub argv: Vec<String>,
    /// User and group given with the command; absent: `script_user`.
    pub user: Option<ScriptUser>,
    /// The words of the command.
    pub span: Span,
}

/// Whom scripts run as. Names or numbers; looked up by the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScriptUser {
    /// Name or number of the user.
    pub user: String,
    /// Name or number of the group; absent: the first group of the user.
    pub group: Option<String>,
    /// Whether the group was written with a colon: all other groups of the user apply too.
    pub supplementary: bool,
    /// Where it was written.
    pub span: Span,
}

/// The commands of an instance, by occasion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notify {
    /// On becoming MASTER. No arguments are appended.
    pub master: Option<Script>,
    /// On becoming BACKUP. No arguments are appended.
    pub backup: Option<Script>,
    /// On entering FAULT. No arguments are appended.
    pub fault: Option<Script>,
    /// On stopping. No arguments are appended.
    pub stop: Option<Script>,
    /// When a MASTER hears one of lower priority. No arguments are appended.
    pub master_rx_lower_pri: Option<Script>,
    /// When the instance disappears at a reload. No arguments are appended.
    pub deleted: Option<Script>,
    /// A removed instance reports DELETED instead of FAULT (`notify_deleted`, with or without command).
    pub report_deleted: bool,
    /// At every change. The daemon appends four arguments: kind, name, state, priority.
    pub any: Option<Script>,
    /// Mail on every change of state (`smtp_alert`); absent: as in `global_defs`.
    pub mail: Option<bool>,
    /// Changes of priority go to the pipes; absent: as in `global_defs`.
    pub priority_changes: Option<bool>,
}

impl Notify {
    /// Every command there is.
    pub fn scripts(&self) -> impl Iterator<Item = &Script> {
        [
            &self.master,
            &self.backup,
            &self.fault,
            &self.stop,
            &self.master_rx_lower_pri,
            &self.deleted,
            &self.any,
        ]
        .into_iter()
        .flatten()
    }
}
