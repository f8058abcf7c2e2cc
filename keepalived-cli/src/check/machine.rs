//! What a configuration needs that is not on this machine.

use std::collections::BTreeSet;

use keepalived_config::model::{Config, Purpose};
use keepalived_config::{Diagnostic, Severity};

use crate::lower::{Judgement, Machine, ThisMachine};

/// Adds a warning for each program and each file that is missing here.
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
        let mut complaint = Diagnostic::new(Severity::Warning, code, script.span, message);
        let then = match command.purpose {
            Purpose::Track => "what it tracks counts as failed",
            _ => "it is not run",
        };
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
        let mut complaint = Diagnostic::new(Severity::Warning, "no-such-file", file.span, message);
        let then = match word {
            "ca" => "no certificate of a server is verified anyway",
            _ => "no check over TLS can be made",
        };
        complaint.help(then);
        found.push(complaint);
    }
    diagnostics.extend(found);
    // As everything else: in the order of the text.
    diagnostics.sort_by_key(|found| found.span.map(|span| (span.file, span.start)));
}
