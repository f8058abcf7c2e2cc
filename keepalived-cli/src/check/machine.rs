//! What a configuration needs that is not on this machine.

use std::collections::BTreeSet;
use std::path::Path;

use keepalived_config::model::balance::CheckerKind;
use keepalived_config::model::{Config, Purpose};
use keepalived_config::{Diagnostic, Severity};

use crate::lower::{Judgement, Machine, ThisMachine};

/// What becomes of a check whose program is missing.
const BROKEN: &str = "its server counts as failed";

/// Adds a complaint for each program and each file that is missing here.
pub(super) fn missing(config: &Config, diagnostics: &mut Vec<Diagnostic>) {
    let here = ThisMachine::default();
    let mut found = Vec::new();
    // A script that a hundred servers share is missing once.
    let mut seen = BTreeSet::new();
    for command in &config.commands {
        let script = &command.script;
        // What begins with `<` opens a path and is no program (SCR-12).
        let program = script.argv.first().filter(|name| !name.starts_with('<'));
        let Some(name) = program.filter(|name| seen.insert(*name)) else {
            continue;
        };
        let (code, message) = match here.judge(name, 0, false) {
            Judgement::Fine(_) | Judgement::Insecure(..) => continue,
            Judgement::Missing(_) => (
                "no-such-program",
                format!("there is no program `{name}` on this machine"),
            ),
            Judgement::NotExecutable(_) => (
                "not-executable",
                format!("`{name}` may not be executed on this machine"),
            ),
        };
        let (severity, then) = match command.purpose {
            Purpose::Track => (Severity::Warning, "what it tracks counts as failed"),
            Purpose::Check => (Severity::Error, BROKEN),
            _ => (Severity::Warning, "it is not run"),
        };
        let mut complaint = Diagnostic::new(severity, code, script.span, message);
        complaint.help(format!(
            "{then}; with --elsewhere, for the file of another machine, nobody looks"
        ));
        found.push(complaint);
    }
    let identity = &config.identity;
    for (word, file) in [
        ("ca", &identity.ca),
        ("certificate", &identity.certificate),
        ("key", &identity.key),
    ] {
        let Some(file) = file.as_ref().filter(|file| !file.value.exists()) else {
            continue;
        };
        let message = format!(
            "the file {} of `{word}` is not on this machine",
            file.value.display()
        );
        let (severity, then) = match word {
            "ca" if verifies(config) => (
                Severity::Error,
                "each server with `ssl_verify` counts as failed",
            ),
            "ca" => (
                Severity::Warning,
                "no certificate of a server is verified anyway",
            ),
            _ if uses_tls(config) => (
                Severity::Error,
                "each server with `SSL_GET` counts as failed",
            ),
            _ => (Severity::Warning, "no check over TLS could be made"),
        };
        let mut complaint = Diagnostic::new(severity, "no-such-file", file.span, message);
        complaint.help(then);
        found.push(complaint);
    }
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
    diagnostics.extend(found);
    // As everything else: in the order of the text.
    diagnostics.sort_by_key(|found| found.span.map(|span| (span.file, span.start)));
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
