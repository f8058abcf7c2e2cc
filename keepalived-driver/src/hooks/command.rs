//! What to run for which state: the command of one hook, and the hooks of one object.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::queue::Run;
use super::{ObjectId, Trigger, launch};

/// Where programs are found when the daemon itself was started without a `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// One program with its arguments and the account it runs under.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HookCommand {
    /// The program and its configured arguments. It is run directly, without a shell, unless it is
    /// a text file without a `#!` line.
    pub argv: Vec<OsString>,
    /// What the program is told that it is called, if not by its path: one that is reached by a link, as
    /// the parts of busybox are, does what its name says.
    pub name: Option<OsString>,
    /// Run as this user; as the daemon's user if absent.
    pub uid: Option<u32>,
    /// Run as this group; as the daemon's group if absent.
    pub gid: Option<u32>,
    /// Supplementary groups; none if empty and a user or group is given, else the daemon's.
    pub groups: Vec<u32>,
    /// End it after this time even if nobody waits for it.
    pub limit: Option<Duration>,
}

impl HookCommand {
    /// A command that runs under the daemon's own account, without a limit of time.
    #[must_use]
    pub fn new(argv: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        let argv = argv.into_iter().map(Into::into).collect();
        Self {
            argv,
            name: None,
            uid: None,
            gid: None,
            groups: Vec::new(),
            limit: None,
        }
    }

    /// The same under another name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<OsString>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same under another account.
    #[must_use]
    pub fn with_account(mut self, uid: u32, gid: u32) -> Self {
        self.uid = Some(uid);
        self.gid = Some(gid);
        self
    }

    /// The same with supplementary groups. They need a launcher: see
    /// [`HookSettings::launcher`](super::HookSettings::launcher).
    #[must_use]
    pub fn with_groups(mut self, groups: impl IntoIterator<Item = u32>) -> Self {
        self.groups = groups.into_iter().collect();
        self
    }

    /// The same with a limit of time.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// As it appears in reports: every word in single quotes.
    #[must_use]
    pub fn display(&self) -> String {
        let mut text = String::new();
        for word in &self.argv {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push('\'');
            text.push_str(&word.to_string_lossy());
            text.push('\'');
        }
        text
    }

    /// Ready to be spawned; an error without a program, or if only a launcher could do it. SCR-01.
    pub(super) fn prepare(&self, appended: &[String], through_shell: bool) -> io::Result<Command> {
        let Some((program, arguments)) = self.argv.split_first() else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "no program given",
            ));
        };
        if !self.groups.is_empty() {
            let what = "supplementary groups need a launcher";
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
        let mut command = if through_shell {
            let mut shell = Command::new("/bin/sh");
            shell.arg(program);
            shell
        } else {
            let mut direct = Command::new(program);
            direct.arg0(self.name.as_ref().unwrap_or(program));
            direct
        };
        command.args(arguments).args(appended);
        surround(&mut command);
        if let Some(gid) = self.gid {
            command.gid(gid);
        }
        if let Some(uid) = self.uid {
            command.uid(uid);
        }
        Ok(command)
    }

    /// The same through a launcher, which does the rest; standard output is the caller's to set.
    pub(super) fn prepare_launch(&self, appended: &[String], launcher: &Path) -> Command {
        let mut command = Command::new(launcher);
        command
            .args(launch::arguments(self))
            .args(&self.argv)
            .args(appended);
        surround(&mut command);
        command
    }
}

/// What every script finds around it. SCR-10.
fn surround(command: &mut Command) {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        .process_group(0);
    for (name, _) in env::vars_os() {
        if !may_be_inherited(&name) {
            command.env_remove(&name);
        }
    }
    if env::var_os("PATH").is_none_or(|path| path.is_empty()) {
        command.env("PATH", DEFAULT_PATH);
    }
}

/// Whether a script may see this variable of the daemon's environment. Refused is what changes
/// which code a program loads or how a shell reads its input, and what belongs to the conversation
/// between the daemon and its service manager.
fn may_be_inherited(name: &OsStr) -> bool {
    const REFUSED: &[&str] = &[
        "IFS",
        "ENV",
        "BASH_ENV",
        "BASHOPTS",
        "SHELLOPTS",
        "CDPATH",
        "GLOBIGNORE",
        "PS4",
        "GCONV_PATH",
        "NOTIFY_SOCKET",
        "WATCHDOG_PID",
        "WATCHDOG_USEC",
        "LISTEN_PID",
        "LISTEN_FDS",
        "LISTEN_FDNAMES",
    ];
    let name = name.as_bytes();
    !name.starts_with(b"LD_")
        && !name.starts_with(b"BASH_FUNC_")
        && !REFUSED.iter().any(|refused| refused.as_bytes() == name)
}

/// The hooks of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HookSet {
    /// `notify_master`.
    pub master: Option<Arc<HookCommand>>,
    /// `notify_backup`.
    pub backup: Option<Arc<HookCommand>>,
    /// `notify_fault`.
    pub fault: Option<Arc<HookCommand>>,
    /// `notify_stop`.
    pub stop: Option<Arc<HookCommand>>,
    /// `notify_deleted` with a script.
    pub deleted: Option<Arc<HookCommand>>,
    /// `notify_deleted` was given: report DELETED when the object is gone, not FAULT.
    pub report_deleted: bool,
    /// `notify_master_rx_lower_pri`.
    pub master_rx_lower_priority: Option<Arc<HookCommand>>,
    /// `notify_up` of a server, `quorum_up` of a service.
    pub up: Option<Arc<HookCommand>>,
    /// `notify_down` of a server, `quorum_down` of a service.
    pub down: Option<Arc<HookCommand>>,
    /// `notify`: for every change of state, with four arguments appended.
    pub generic: Option<Arc<HookCommand>>,
}

impl HookSet {
    /// Nothing to run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self
            == Self {
                report_deleted: self.report_deleted,
                ..Self::default()
            }
    }

    /// What to run, in order. NOTI-04. NOTI-01.
    pub(super) fn runs(&self, object: &ObjectId, trigger: Trigger, priority: u8) -> Vec<Run> {
        let trigger = match trigger {
            Trigger::Deleted if !self.report_deleted => Trigger::Fault,
            other => other,
        };
        let specific = match trigger {
            Trigger::Master => &self.master,
            Trigger::Backup => &self.backup,
            Trigger::Fault => &self.fault,
            Trigger::Stop => &self.stop,
            Trigger::Deleted => &self.deleted,
            Trigger::MasterRxLowerPriority => &self.master_rx_lower_priority,
            Trigger::Up => &self.up,
            Trigger::Down => &self.down,
            Trigger::Read => &None,
        };
        let run = |command: &Arc<HookCommand>, appended| Run {
            object: object.clone(),
            trigger,
            command: Arc::clone(command),
            appended,
        };
        let mut runs = Vec::new();
        if let Some(command) = specific {
            runs.push(run(command, Vec::new()));
        }
        if let Some(command) = &self.generic
            && trigger != Trigger::MasterRxLowerPriority
        {
            // Groups have no priority of their own.
            let priority = match object {
                ObjectId::Instance(_) => priority,
                _ => 0,
            };
            let words = [
                object.kind(),
                object.name(),
                trigger.word(),
                &priority.to_string(),
            ];
            runs.push(run(command, words.map(str::to_owned).to_vec()));
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(set: &HookSet, object: &ObjectId, trigger: Trigger) -> Vec<String> {
        set.runs(object, trigger, 150)
            .iter()
            .map(|run| format!("{} {}", run.command.display(), run.appended.join(" ")))
            .collect()
    }

    /// features 32.9: configured arguments first, nothing appended to the specific script, which
    /// comes first.
    #[test]
    fn the_specific_script_runs_bare_and_before_the_generic_one_with_four_words() {
        let set = HookSet {
            master: Some(HookCommand::new(["/m", "a b"]).into()),
            generic: Some(HookCommand::new(["/n", "x"]).into()),
            ..HookSet::default()
        };
        let instance = ObjectId::Instance("V 1".into());
        assert_eq!(
            lines(&set, &instance, Trigger::Master),
            ["'/m' 'a b' ", "'/n' 'x' INSTANCE V 1 MASTER 150"]
        );
        assert_eq!(
            lines(&set, &instance, Trigger::Stop),
            ["'/n' 'x' INSTANCE V 1 STOP 150"]
        );
        let group = ObjectId::Group("G".into());
        assert_eq!(
            lines(&set, &group, Trigger::Fault),
            ["'/n' 'x' GROUP G FAULT 0"]
        );
    }

    /// NOTI-04: without `notify_deleted` a vanished instance says FAULT.
    #[test]
    fn a_deleted_object_says_fault_unless_it_was_told_to_say_deleted() {
        let mut set = HookSet {
            fault: Some(HookCommand::new(["/f"]).into()),
            deleted: Some(HookCommand::new(["/d"]).into()),
            generic: Some(HookCommand::new(["/n"]).into()),
            ..HookSet::default()
        };
        let object = ObjectId::Instance("V".into());
        assert_eq!(
            lines(&set, &object, Trigger::Deleted),
            ["'/f' ", "'/n' INSTANCE V FAULT 150"]
        );
        set.report_deleted = true;
        assert_eq!(
            lines(&set, &object, Trigger::Deleted),
            ["'/d' ", "'/n' INSTANCE V DELETED 150"]
        );
    }

    /// NOTI-05: the generic script hears of states only.
    #[test]
    fn a_lower_priority_master_runs_its_own_script_only() {
        let set = HookSet {
            master_rx_lower_priority: Some(HookCommand::new(["/l"]).into()),
            generic: Some(HookCommand::new(["/n"]).into()),
            ..HookSet::default()
        };
        let object = ObjectId::Instance("V".into());
        assert_eq!(
            lines(&set, &object, Trigger::MasterRxLowerPriority),
            ["'/l' "]
        );
    }

    /// SCR-10.
    #[test]
    fn variables_that_change_what_a_program_loads_are_kept_from_scripts() {
        for name in [
            "IFS",
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "BASH_ENV",
            "NOTIFY_SOCKET",
        ] {
            assert!(!may_be_inherited(OsStr::new(name)), "{name}");
        }
        for name in ["PATH", "HOME", "LANG", "LDAP_SERVER", "MY_SETTING"] {
            assert!(may_be_inherited(OsStr::new(name)), "{name}");
        }
    }
}
