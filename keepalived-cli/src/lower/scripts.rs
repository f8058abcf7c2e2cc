//! Scripts: which program, as whom, and whether that is safe.

mod judge;

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use keepalived_config::model::{GlobalDefs, Notify, Script, ScriptUser};
use keepalived_driver::hooks::{HookCommand, HookSet};

use super::Machine;

pub(super) use judge::judge;
pub(crate) use judge::{Judgement, RunAs};

/// The account that runs scripts when nothing else is configured, if it exists.
pub(crate) const DEFAULT_USER: &str = "keepalived_script";

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
    /// A script that a hundred thousand servers share is looked at once.
    judged: RefCell<HashMap<(String, RunAs), Judgement>>,
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
            judged: RefCell::default(),
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

    fn judge(&self, program: &str, who: &RunAs) -> Judgement {
        let mut judged = self.judged.borrow_mut();
        let known = judged.entry((program.to_owned(), who.clone()));
        let judgement = known.or_insert_with(|| self.machine.judge(program, who, self.links));
        judgement.clone()
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
        let user = script.user.as_ref().or(self.user);
        let groups = supplementary(self.machine, user, self.groups, gid);
        let who = RunAs { uid, gid, groups };
        let path = match self.judge(program, &who) {
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
            Judgement::Missing(why) | Judgement::Hidden(why) | Judgement::NotExecutable(why) => {
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
        Some(Arc::new(if (uid, gid) == own && who.groups.is_empty() {
            command
        } else {
            command.with_account(uid, gid).with_groups(who.groups)
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

/// The supplementary groups of a script, where all of them are wanted or its user has them. SCR-06.
pub(crate) fn supplementary(
    machine: &dyn Machine,
    user: Option<&ScriptUser>,
    all: bool,
    gid: u32,
) -> Vec<u32> {
    if !all && !user.is_some_and(|user| user.supplementary) {
        return Vec::new();
    }
    let name = user.map_or(DEFAULT_USER, |user| user.user.as_str());
    machine.groups(name, gid)
}

fn resolve(machine: &dyn Machine, user: &ScriptUser) -> Result<(u32, u32), String> {
    machine
        .account(&user.user, user.group.as_deref())
        .ok_or_else(|| match &user.group {
            Some(group) => format!("no such user or group: {} {group}", user.user),
            None => format!("no such user: {}", user.user),
        })
}
