//! Who is told about changes besides the scripts: pipes, their readers, and mail.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use keepalived_config::Config as Model;
use keepalived_config::model::{Mailbox, Notify, Pipe};
use keepalived_driver::hooks::{HookCommand, ReaderSettings};
use keepalived_driver::mail::MailServer;
use keepalived_driver::pipes::{PipeSettings, Topic};

use super::scripts::{ScriptTrouble, Scripts};

/// What to tell, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AlertPlan {
    /// Pipes that get a line for every event.
    pub(crate) pipes: Vec<PipeSettings>,
    /// Programs that read them.
    pub(crate) readers: Vec<ReaderSettings>,
    /// After a reload every state is written to the pipes again.
    pub(crate) states_on_reload: bool,
    /// How mails are sent; `None` if nobody is to get any.
    pub(crate) mail: Option<MailPlan>,
    /// What single instances want; those that are not here want nothing.
    pub(crate) instances: BTreeMap<Arc<str>, Wishes>,
    /// What sync groups want.
    pub(crate) groups: BTreeMap<Arc<str>, Wishes>,
}

/// What one instance or group wants to be told about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// Mail on every change of state.
    pub(crate) mail: bool,
    /// Changes of priority go to the pipes.
    pub(crate) priorities: bool,
    /// Removed by a reload it is DELETED, not at FAULT.
    pub(crate) deleted: bool,
}

/// How mails are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MailPlan {
    pub(crate) server: Arc<MailServer>,
    pub(crate) from: Mailbox,
    pub(crate) to: Vec<Mailbox>,
    /// No mail about FAULT.
    pub(crate) no_faults: bool,
    /// Begins every subject.
    pub(crate) router_id: String,
}

impl AlertPlan {
    pub(super) fn new(
        model: &Model,
        scripts: &Scripts<'_>,
        remarks: &mut Vec<String>,
        trouble: &mut Vec<ScriptTrouble>,
    ) -> Self {
        let mut plan = Self {
            states_on_reload: model.global.pipes.states_on_reload,
            mail: mail(model, remarks),
            ..Self::default()
        };
        plan.pipe(
            "notify_fifo",
            &model.global.pipes.all,
            None,
            scripts,
            remarks,
            trouble,
        );
        plan.pipe(
            "vrrp_notify_fifo",
            &model.global.pipes.vrrp,
            Some(Topic::Vrrp),
            scripts,
            remarks,
            trouble,
        );
        plan.pipe(
            "lvs_notify_fifo",
            &model.global.pipes.balance,
            Some(Topic::Balance),
            scripts,
            remarks,
            trouble,
        );
        for instance in &model.instances {
            let wishes = plan.wishes(model, &instance.notify);
            plan.want(instance.name.as_str().into(), wishes);
        }
        for group in &model.groups {
            let mut wishes = plan.wishes(model, &group.notify);
            // Groups have no priority; their word counts for their members.
            if std::mem::take(&mut wishes.priorities) {
                for member in &group.members {
                    let name = model
                        .instances
                        .get(*member)
                        .map(|one| one.name.as_str().into());
                    let member = name.map(|name| plan.instances.entry(name).or_default());
                    if let Some(member) = member {
                        member.priorities = true;
                    }
                }
            }
            if wishes != Wishes::default() {
                plan.groups.insert(group.name.as_str().into(), wishes);
            }
        }
        let asked = |notify: &Notify| notify.mail == Some(true);
        let asked = model.global.mail.vrrp
            || model.instances.iter().any(|one| asked(&one.notify))
            || model.groups.iter().any(|group| asked(&group.notify));
        if asked && plan.mail.is_none() {
            remarks.push(
                "No mail is sent: `smtp_server` and `notification_email` are both needed"
                    .to_owned(),
            );
        }
        plan
    }

    fn want(&mut self, name: Arc<str>, wishes: Wishes) {
        if wishes != Wishes::default() {
            self.instances.insert(name, wishes);
        }
    }

    /// Defaults filled in; nothing that nobody could be told. MAIL-06.
    fn wishes(&self, model: &Model, notify: &Notify) -> Wishes {
        let global = &model.global;
        let mail = notify.mail.unwrap_or(global.mail.vrrp) && self.mail.is_some();
        let priorities = notify
            .priority_changes
            .unwrap_or(global.pipes.priority_changes);
        Wishes {
            mail,
            priorities: priorities && !self.pipes.is_empty(),
            deleted: notify.report_deleted,
        }
    }

    fn pipe(
        &mut self,
        keyword: &str,
        pipe: &Pipe,
        only: Option<Topic>,
        scripts: &Scripts<'_>,
        remarks: &mut Vec<String>,
        trouble: &mut Vec<ScriptTrouble>,
    ) {
        let Some(path) = &pipe.path else {
            if pipe.reader.is_some() {
                remarks.push(format!(
                    "`{keyword}_script` does nothing without `{keyword}`"
                ));
            }
            return;
        };
        if self.pipes.iter().any(|other| other.path == *path) {
            remarks.push(format!(
                "`{keyword}` names a pipe that another line names already"
            ));
            return;
        }
        let mut settings = PipeSettings::new(path);
        settings.only = only;
        match scripts.owner(pipe.owner.as_ref()) {
            Ok((uid, gid)) => settings = settings.with_owner(uid, gid),
            Err(error) => {
                remarks.push(format!("`{keyword}` belongs to the daemon's user: {error}"));
            }
        }
        self.pipes.push(settings);
        if let Some(reader) = &pipe.reader
            && let Some(command) = scripts.command(keyword, reader, trouble)
        {
            let mut reader = ReaderSettings::new(path, command);
            reader.edition = edition(&reader.command);
            self.readers.push(reader);
        }
    }
}

/// Which edition of its files a command is: who changes a reader and reloads wants the new one.
fn edition(command: &HookCommand) -> Vec<i64> {
    let files = command
        .argv
        .iter()
        .filter_map(|word| fs::metadata(word).ok());
    let stamp = |file: fs::Metadata| {
        let inode = file.ino().cast_signed();
        [
            inode,
            file.size().cast_signed(),
            file.mtime(),
            file.mtime_nsec(),
        ]
    };
    files
        .filter(fs::Metadata::is_file)
        .flat_map(stamp)
        .collect()
}

fn mail(model: &Model, remarks: &mut Vec<String>) -> Option<MailPlan> {
    let mail = &model.global.mail;
    let server = mail
        .server
        .as_ref()
        .filter(|_| !mail.recipients.is_empty())?;
    let host = crate::run::host_name();
    let helo = mail.helo.clone().unwrap_or_else(|| host.clone());
    let from = mail
        .from
        .clone()
        .or_else(|| Mailbox::parse(&format!("{}@{host}", user())));
    let Some(from) = from else {
        remarks.push("No mail is sent: `notification_email_from` is needed here".to_owned());
        return None;
    };
    let server = MailServer {
        host: server.host.clone(),
        port: server.port,
        timeout: mail.connect_timeout,
        helo,
    };
    Some(MailPlan {
        server: server.into(),
        from,
        to: mail.recipients.clone(),
        no_faults: mail.no_faults,
        router_id: crate::run::router_id(model),
    })
}

/// Who this process is, for the sender's address.
fn user() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid());
    user.ok()
        .flatten()
        .map_or_else(|| "keepalived".to_owned(), |user| user.name)
}
