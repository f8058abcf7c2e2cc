//! What a configuration needs that is not on this machine, or not as it has to be.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use keepalived_config::model::balance::CheckerKind;
use keepalived_config::model::{Command, Config, GlobalDefs, Purpose, ScriptUser};
use keepalived_config::schema::BROKEN_CHECK;
use keepalived_config::{Diagnostic, Severity};

use crate::load::UNSECURED;
use crate::lower::{
    DEFAULT_USER, Judgement, Machine, RunAs, ThisMachine, default_account, file_troubles,
    supplementary,
};

/// Of what only the daemon may look at.
const UNSEEN: &str = "nobody has looked into it; run this as root";
/// What to do where the file is that of another machine.
const ELSEWHERE: &str = "with --elsewhere, for the file of another machine, nobody looks";

/// Adds a complaint for each program, account and file that is missing here, or is not what it has to be.
pub(super) fn missing(config: &Config, diagnostics: &mut Vec<Diagnostic>) {
    let here = ThisMachine::default();
    let mut found = Vec::new();
    scripts(config, &here, &mut found);
    if let Some(command) = config.unsecured(&here) {
        let span = command.script.span;
        // Keepalived's words, of what is as it always was: who asks for no warnings need not mend it.
        let mut warning = Diagnostic::new(Severity::Note, "no-script-security", span, UNSECURED);
        warning.help("write `enable_script_security` into `global_defs`");
        found.push(warning);
    }
    certificates(config, &here, &mut found);
    tracked_files(config, &mut found);
    diagnostics.extend(found);
    // As everything else: in the order of the text.
    diagnostics.sort_by_key(|found| found.span.map(|span| (span.file, span.start)));
}

/// Programs, and whom they run as.
fn scripts(config: &Config, here: &ThisMachine, found: &mut Vec<Diagnostic>) {
    let global = &config.global;
    // A script that a hundred servers share is missing once; of all who run it the one counts whose failure is an error.
    let mut programs: BTreeMap<(&str, RunAs), &Command> = BTreeMap::new();
    let mut strangers = BTreeMap::new();
    for command in &config.commands {
        let script = &command.script;
        // What begins with `<` opens a path and is no program (SCR-12).
        let program = script.argv.first().filter(|name| !name.starts_with('<'));
        let user = script.user.as_ref().or(global.script_user.as_ref());
        let who = match whom(user, global, here) {
            Ok(who) => who,
            Err(message) => {
                let span = user.map_or(script.span, |user| user.span);
                // Of all who would run as this user the one counts whose failure is an error.
                let then = consequence(command.purpose);
                let known = strangers.entry((span, message)).or_insert(then);
                if then.0 == Severity::Error {
                    *known = then;
                }
                continue;
            }
        };
        let Some(name) = program else { continue };
        let known = programs.entry((name, who)).or_insert(command);
        if consequence(command.purpose).0 > consequence(known.purpose).0 {
            *known = command;
        }
    }
    for ((name, who), command) in programs {
        let script = &command.script;
        let (code, message) = match here.judge(name, &who, global.symlink_paths) {
            Judgement::Insecure(_, why) if who.uid == 0 && global.script_security => (
                "insecure-program",
                format!("`{name}` is not run as root, as `enable_script_security` has it: {why}"),
            ),
            Judgement::Insecure(_, why) if who.uid == 0 => {
                let message = format!("`{name}` is not safe to run as root: {why}");
                let mut complaint =
                    Diagnostic::new(Severity::Warning, "insecure-program", script.span, message);
                complaint.help("it is run all the same; with `enable_script_security` it is not");
                found.push(complaint);
                continue;
            }
            Judgement::Fine(_) | Judgement::Insecure(..) => continue,
            Judgement::Missing(_) => (
                "no-such-program",
                format!("there is no program `{name}` on this machine"),
            ),
            Judgement::NotExecutable(why) => (
                "not-executable",
                format!("`{name}` cannot be started: {why}"),
            ),
            Judgement::Hidden(why) => {
                let message = format!("whether there is a program `{name}` is not known: {why}");
                let mut complaint =
                    Diagnostic::new(Severity::Warning, "no-such-program", script.span, message);
                complaint.help(UNSEEN);
                found.push(complaint);
                continue;
            }
        };
        let (severity, then) = consequence(command.purpose);
        let mut complaint = Diagnostic::new(severity, code, script.span, message);
        complaint.help(format!("{then}; {ELSEWHERE}"));
        found.push(complaint);
    }
    for ((span, message), (severity, then)) in strangers {
        let mut complaint = Diagnostic::new(severity, "no-such-user", span, message);
        complaint.help(format!("{then}; {ELSEWHERE}"));
        found.push(complaint);
    }
}

/// How bad it is that a command cannot be run, and what becomes of it.
fn consequence(purpose: Purpose) -> (Severity, &'static str) {
    match purpose {
        Purpose::Track => (Severity::Warning, "what it tracks counts as failed"),
        Purpose::Check => (Severity::Error, BROKEN_CHECK),
        _ => (Severity::Warning, "it is not run"),
    }
}

/// Whom a script runs as, or who is missing. SCR-02.
fn whom(
    user: Option<&ScriptUser>,
    global: &GlobalDefs,
    here: &ThisMachine,
) -> Result<RunAs, String> {
    let (uid, gid) = account(user, global.script_security, here)?;
    let groups = supplementary(here, user, global.supplementary_groups, gid);
    Ok(RunAs { uid, gid, groups })
}

fn account(
    user: Option<&ScriptUser>,
    security: bool,
    here: &ThisMachine,
) -> Result<(u32, u32), String> {
    let number = |user: &str, group: Option<&str>| Machine::account(here, user, group);
    let Some(user) = user else {
        return default_account(here, security).ok_or_else(|| {
            format!("there is no `script_user`, and no user `{DEFAULT_USER}` on this machine")
        });
    };
    let (name, group) = (&user.user, user.group.as_deref());
    match (number(name, group), group) {
        (Some(account), _) => Ok(account),
        (None, Some(group)) if number(name, None).is_some() => {
            Err(format!("there is no group `{group}` on this machine"))
        }
        (None, _) => Err(format!("there is no user `{name}` on this machine")),
    }
}

/// The files of `SSL`.
fn certificates(config: &Config, here: &ThisMachine, found: &mut Vec<Diagnostic>) {
    let identity = &config.identity;
    let (over_tls, verified) = (uses_tls(config), verifies(config));
    for trouble in file_troubles(identity, verified) {
        let (severity, then) = match trouble.word {
            "ca" => (
                Severity::Error,
                "each server with `ssl_verify` counts as failed",
            ),
            _ if over_tls => (
                Severity::Error,
                "each server with `SSL_GET` counts as failed",
            ),
            _ => (Severity::Warning, "no check over TLS could be made"),
        };
        // The daemon is somebody else than who asks.
        let hidden =
            trouble.unread == Some(ErrorKind::PermissionDenied) && here.own_account().0 != 0;
        let code = match trouble.unread {
            Some(ErrorKind::NotFound) => "no-such-file",
            _ => "unusable-file",
        };
        let severity = if hidden { Severity::Warning } else { severity };
        let mut complaint = Diagnostic::new(severity, code, trouble.span, trouble.why);
        complaint.help(match code {
            _ if hidden => UNSEEN.to_owned(),
            "no-such-file" => format!("{then}; {ELSEWHERE}"),
            _ => then.to_owned(),
        });
        found.push(complaint);
    }
    if let Some(file) = identity.ca.as_ref().filter(|_| !verified)
        && !file.value.exists()
    {
        let path = file.value.display();
        let message = format!("the file {path} of `ca` is not on this machine");
        let mut complaint = Diagnostic::new(Severity::Warning, "no-such-file", file.span, message);
        complaint.help("no certificate of a server is verified anyway");
        found.push(complaint);
    }
}

/// Files whose number is watched.
fn tracked_files(config: &Config, found: &mut Vec<Diagnostic>) {
    for file in &config.trackers.files {
        let path = &file.path;
        // With `init_file` it is made at the start.
        if file.init.is_some() || Path::new(&path.value).exists() {
            continue;
        }
        let message = format!(
            "the file {} of `track_file {}` is not on this machine",
            path.value, file.name.value
        );
        let mut complaint = Diagnostic::new(Severity::Warning, "no-such-file", path.span, message);
        complaint.help("it counts as 0 until there is one; `init_file` makes one at the start");
        found.push(complaint);
    }
}

/// Some check wants to know who the server is.
fn verifies(config: &Config) -> bool {
    let servers = config.services.iter().flat_map(|service| &service.servers);
    let mut checkers = servers.flat_map(|server| &server.checkers);
    checkers.any(|checker| matches!(&checker.kind, CheckerKind::Web(_, web) if web.verify))
}

/// Some check is made over TLS.
fn uses_tls(config: &Config) -> bool {
    let servers = config.services.iter().flat_map(|service| &service.servers);
    let mut checkers = servers.flat_map(|server| &server.checkers);
    checkers.any(|checker| checker.kind.word() == "SSL_GET")
}
