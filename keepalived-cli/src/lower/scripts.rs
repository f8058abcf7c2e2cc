//! Scripts: which program, as whom, and whether that is safe.

use std::cell::OnceCell;
use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keepalived_config::model::{GlobalDefs, Notify, Script, ScriptUser};
use keepalived_driver::hooks::{HookCommand, HookSet};

use super::Machine;

/// The account that runs scripts when nothing else is configured, if it exists.
pub(crate) const DEFAULT_USER: &str = "keepalived_script";

/// What looking at a program came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It can run. The path is the one to execute.
    Fine(PathBuf),
    /// It can run, but somebody other than root could change what it does.
    Insecure(PathBuf, String),
    /// There is no such program.
    Missing(String),
    /// It may not be executed by that user.
    NotExecutable(String),
}

/// Why a script is not run, or should not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScriptTrouble {
    /// For people.
    pub(crate) message: String,
}

/// How scripts of this configuration are run.
pub(super) struct Scripts<'a> {
    machine: &'a dyn Machine,
    security: bool,
    user: Option<&'a ScriptUser>,
    /// All scripts run with all groups of their users.
    groups: bool,
    /// Symbolic links in paths stay.
    links: bool,
    /// Looked up when the first script asks: it loads the system's whole name service.
    default: OnceCell<Result<(u32, u32), String>>,
}

impl<'a> Scripts<'a> {
    pub(super) fn new(global: &'a GlobalDefs, machine: &'a dyn Machine) -> Self {
        Self {
            machine,
            security: global.script_security,
            user: global.script_user.as_ref(),
            groups: global.supplementary_groups,
            links: global.symlink_paths,
            default: OnceCell::new(),
        }
    }

    /// The account for scripts that name none. SCR-02.
    fn default_account(&self) -> Result<(u32, u32), String> {
        let look_up = || match self.user {
            Some(user) => resolve(self.machine, user),
            None => default_account(self.machine, self.security).ok_or_else(|| {
                format!("no `script_user` is set and there is no user {DEFAULT_USER}")
            }),
        };
        self.default.get_or_init(look_up).clone()
    }

    /// What is wrong with the account that the file names for scripts, whether or not one asks for it.
    pub(super) fn complaint(&self) -> Option<String> {
        let why = self.user.and_then(|_| self.default_account().err())?;
        Some(format!(
            "`script_user`: {why}; scripts without a user of their own do not run"
        ))
    }

    pub(super) fn hook_set(
        &self,
        name: &str,
        notify: &Notify,
        trouble: &mut Vec<ScriptTrouble>,
    ) -> HookSet {
        let mut take = |script: &Option<Script>| {
            script
                .as_ref()
                .and_then(|script| self.command(name, script, trouble))
        };
        let mut set = HookSet::default();
        set.master = take(&notify.master);
        set.backup = take(&notify.backup);
        set.fault = take(&notify.fault);
        set.stop = take(&notify.stop);
        set.deleted = take(&notify.deleted);
        set.master_rx_lower_priority = take(&notify.master_rx_lower_pri);
        set.generic = take(&notify.any);
        set.report_deleted = notify.report_deleted;
        set
    }

    /// Whom a file belongs to that scripts are to use. SCR-03.
    pub(super) fn owner(&self, owner: Option<&ScriptUser>) -> Result<(u32, u32), String> {
        owner.map_or_else(
            || self.default_account(),
            |owner| resolve(self.machine, owner),
        )
    }

    /// The supplementary groups of a script, where they are wanted. SCR-06.
    fn supplementary(&self, script: &Script, gid: u32) -> Vec<u32> {
        let user = script.user.as_ref().or(self.user);
        let wanted = self.groups || user.is_some_and(|user| user.supplementary);
        if !wanted {
            return Vec::new();
        }
        let name = user.map_or(DEFAULT_USER, |user| user.user.as_str());
        self.machine.groups(name, gid)
    }

    /// A command that can run, or `None` and a complaint under the name of `instance`. SCR-08.
    pub(super) fn command(
        &self,
        instance: &str,
        script: &Script,
        trouble: &mut Vec<ScriptTrouble>,
    ) -> Option<Arc<HookCommand>> {
        let program = script.argv.first()?;
        let mut complain = |message: String| {
            trouble.push(ScriptTrouble {
                message: format!("({instance}) {message}"),
            });
        };
        let account = match &script.user {
            Some(user) => resolve(self.machine, user),
            None => self.default_account(),
        };
        let (uid, gid) = match account {
            Ok(account) => account,
            Err(error) => {
                complain(format!("script {program} disabled: {error}"));
                return None;
            }
        };
        let path = match self.machine.judge(program, uid, self.links) {
            Judgement::Fine(path) => path,
            Judgement::Insecure(path, why) if uid != 0 || !self.security => {
                if uid == 0 {
                    complain(format!(
                        "script {program} is not safe to run as root: {why}"
                    ));
                }
                path
            }
            Judgement::Insecure(_, why) => {
                complain(format!("script {program} disabled: insecure: {why}"));
                return None;
            }
            Judgement::Missing(why) | Judgement::NotExecutable(why) => {
                complain(format!("script {program} disabled: {why}"));
                return None;
            }
        };
        let arguments = script.argv.iter().skip(1).map(Into::into);
        let is_link = path != Path::new(program);
        let argv = std::iter::once(path.into_os_string()).chain(arguments);
        let mut command = HookCommand::new(argv);
        if is_link {
            command = command.with_name(program);
        }
        let own = self.machine.own_account();
        let groups = self.supplementary(script, gid);
        Some(Arc::new(if (uid, gid) == own && groups.is_empty() {
            command
        } else {
            command.with_account(uid, gid).with_groups(groups)
        }))
    }

    /// A command that opens a path for reading and succeeds if that works. `/dev/tcp/HOST/PORT` is
    /// not a file but something that bash understands; another shell would always fail (SCR-12).
    pub(super) fn open(
        &self,
        name: &str,
        path: &Script,
        trouble: &mut Vec<ScriptTrouble>,
    ) -> Option<Arc<HookCommand>> {
        let target = path.argv.first()?;
        let bash = ["/dev/tcp/", "/dev/udp/"]
            .iter()
            .any(|prefix| target.starts_with(prefix));
        let shell = if bash { "/bin/bash" } else { "/bin/sh" };
        let mut script = path.clone();
        // The path is an argument, so nothing in it is anything but a path.
        script.argv = [shell, "-c", r#": <"$1""#, "open", target]
            .map(str::to_owned)
            .to_vec();
        self.command(name, &script, trouble)
    }
}

/// The account where the file names none. Where security is wanted nothing runs as root unless the file says so.
/// SCR-02.
pub(crate) fn default_account(machine: &dyn Machine, security: bool) -> Option<(u32, u32)> {
    let account = machine.account(DEFAULT_USER, None);
    account.or_else(|| (!security).then(|| machine.own_account()))
}

fn resolve(machine: &dyn Machine, user: &ScriptUser) -> Result<(u32, u32), String> {
    machine
        .account(&user.user, user.group.as_deref())
        .ok_or_else(|| match &user.group {
            Some(group) => format!("no such user or group: {} {group}", user.user),
            None => format!("no such user: {}", user.user),
        })
}

/// Look at a program as the user that would run it: found in `PATH` if it is a bare name, and with
/// every folder on the way. What runs is what symbolic links lead to now; with `links` it is what they
/// lead to when it runs, so that each of them must be safe as well. SCR-07.
pub(super) fn judge(program: &str, uid: u32, links: bool) -> Judgement {
    let candidates: Vec<PathBuf> = if program.contains('/') {
        vec![PathBuf::from(program)]
    } else {
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/sbin:/usr/bin".into());
        std::env::split_paths(&path)
            .map(|folder| folder.join(program))
            .collect()
    };
    let found = candidates.iter().find_map(|candidate| {
        let metadata = fs::metadata(candidate).ok().filter(Metadata::is_file)?;
        Some((candidate, fs::canonicalize(candidate).ok()?, metadata))
    });
    let Some((named, real, metadata)) = found else {
        return Judgement::Missing("no such program".to_owned());
    };
    if !may_execute(&metadata, uid) {
        return Judgement::NotExecutable(format!("user {uid} may not execute it"));
    }
    let insecure = match links {
        true => insecure_part(named, LINKS),
        false => insecure_part(&real, LINKS),
    };
    let path = if links { named.clone() } else { real };
    match insecure {
        None => Judgement::Fine(path),
        Some(part) => {
            let why = format!("{} can be changed by others than root", part.display());
            Judgement::Insecure(path, why)
        }
    }
}

fn may_execute(metadata: &Metadata, uid: u32) -> bool {
    let mode = metadata.permissions().mode();
    if uid == 0 {
        return mode & 0o111 != 0;
    }
    if metadata.uid() == uid {
        return mode & 0o100 != 0;
    }
    // Group membership is judged by the kernel when it runs; either bit may do.
    mode & 0o011 != 0
}

/// Symbolic links that are followed, as the kernel has it.
const LINKS: u32 = 40;

/// The first part of the path that somebody other than root may write to or replace, where links
/// lead included. SCR-04.
fn insecure_part(path: &Path, links: u32) -> Option<PathBuf> {
    path.ancestors().find_map(|part| {
        let metadata = fs::symlink_metadata(part).ok()?;
        if metadata.is_symlink() {
            // Its own mode says nothing; the folder it is in says who may replace it.
            let target = fs::read_link(part).ok()?;
            let target = part.parent().unwrap_or(part).join(target);
            if metadata.uid() != 0 || links == 0 {
                return Some(part.to_owned());
            }
            return insecure_part(&target, links - 1);
        }
        let mode = metadata.permissions().mode();
        // In a sticky folder others may add files but not replace ours.
        let sticky_folder = metadata.is_dir() && mode & 0o1000 != 0;
        let by_owner = metadata.uid() != 0;
        let by_group = mode & 0o020 != 0 && metadata.gid() != 0;
        let by_all = mode & 0o002 != 0;
        ((by_owner || by_group || by_all) && !sticky_folder).then(|| part.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SCR-04.
    #[test]
    fn a_program_in_a_folder_that_anybody_may_write_to_is_insecure() {
        let folder = std::env::temp_dir().join(format!("judge-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        let script = folder.join("hook.sh");
        fs::write(&script, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let judgement = judge(script.to_str().unwrap(), 0, false);
        fs::set_permissions(&script, fs::Permissions::from_mode(0o644)).unwrap();
        let not_executable = judge(script.to_str().unwrap(), 0, false);
        fs::remove_dir_all(&folder).unwrap();
        assert!(
            matches!(judgement, Judgement::Insecure(..)),
            "{judgement:?}"
        );
        assert!(
            matches!(not_executable, Judgement::NotExecutable(_)),
            "{not_executable:?}"
        );
    }

    /// SCR-08.
    #[test]
    fn a_bare_name_is_looked_up_in_the_path() {
        assert!(matches!(
            judge("sh", 0, false),
            Judgement::Fine(_) | Judgement::Insecure(..)
        ));
        assert!(matches!(
            judge("no-such-program-here", 0, false),
            Judgement::Missing(_)
        ));
    }
}
