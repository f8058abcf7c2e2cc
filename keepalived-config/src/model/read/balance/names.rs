//! Names that a service, a check or the synchronisation uses must be those of something.

use std::collections::HashSet;

use super::sync::option_meant;
use crate::diagnostic::Diagnostics;
use crate::model::balance::{Checker, CheckerKind, SyncDaemon, VirtualServer};
use crate::model::bfd::BfdInstance;
use crate::model::global::GlobalDefs;
use crate::model::instance::VrrpInstance;
use crate::model::spanned::Spanned;
use crate::model::trackers::Trackers;
use crate::schema::{BROKEN_CHECK, nearest};
use crate::tree::Span;

/// Finds checks of files and sessions that do not exist.
pub(in crate::model) fn checks(
    services: &mut [VirtualServer],
    trackers: &Trackers,
    sessions: &[BfdInstance],
    diagnostics: &mut Diagnostics,
) {
    let files: HashSet<&str> = trackers
        .files
        .iter()
        .map(|file| file.name.value.as_str())
        .collect();
    let sessions: HashSet<&str> = sessions.iter().map(|one| one.name.value.as_str()).collect();
    let servers = services.iter_mut().flat_map(|service| &mut service.servers);
    for server in servers {
        for checker in &mut server.checkers {
            let (known, name, what) = match &checker.kind {
                CheckerKind::File { name, .. } => (&files, name, "track_file"),
                CheckerKind::Bfd { name } => (&sessions, name, "bfd_instance"),
                _ => continue,
            };
            let span = name.span;
            if known.contains(name.value.as_str()) {
                if matches!(checker.kind, CheckerKind::Bfd { .. }) && !checker.alpha {
                    without_alpha(checker.span, &name.value, diagnostics);
                }
                continue;
            }
            let message = format!("there is no `{what} {}`", name.value);
            *checker = Checker::broken(checker.kind.word(), &message, checker.span);
            diagnostics
                .error("unknown-tracker", span, message)
                .help(BROKEN_CHECK);
        }
    }
}

/// Keepalived's default, and a surprise: a session that never comes up takes no server out.
fn without_alpha(span: Span, session: &str, diagnostics: &mut Diagnostics) {
    let message =
        format!("the server counts as up until the session `{session}` has come up and failed");
    diagnostics
        .warning("bfd-without-alpha", span, message)
        .help("with `alpha` it counts as failed until the session is up");
}

/// Settles `lvs_sync_daemon`: the old line in an instance stands for it, the instance has to exist,
/// and gives its number where there is none.
pub(in crate::model) fn sync_daemon(
    global: &mut GlobalDefs,
    old: Vec<(Spanned<String>, Spanned<String>)>,
    instances: &[VrrpInstance],
    diagnostics: &mut Diagnostics,
) {
    let slot = &mut global.balance.sync_daemon;
    for (instance, interface) in old {
        if let Some(first) = slot {
            diagnostics
                .error(
                    "duplicate-sync-daemon",
                    interface.span,
                    "there is another synchronisation daemon",
                )
                .help("the first one counts; `lvs_sync_daemon` of `global_defs` before all")
                .note(first.interface.span, "the other one is here");
            continue;
        }
        let mut daemon = SyncDaemon::new(interface);
        daemon.instance = Some(instance);
        *slot = Some(daemon);
    }
    let Some(daemon) = slot else {
        return;
    };
    let Some(name) = &daemon.instance else {
        return;
    };
    match instances.iter().find(|one| one.name.value == name.value) {
        Some(instance) if !daemon.id_given => daemon.id = instance.vrid.value.get(),
        Some(_) => {}
        None => {
            let message = format!("there is no `vrrp_instance {}`", name.value);
            let known = instances.iter().map(|one| one.name.value.as_str());
            let near = nearest(&name.value, known).or_else(|| option_meant(&name.value));
            let help = match near {
                Some(near) => format!("did you mean `{near}`? nothing is synchronised"),
                None => "nothing is synchronised".to_owned(),
            };
            diagnostics
                .error("unknown-instance", name.span, message)
                .help(help);
            *slot = None;
        }
    }
}
