//! What holds for all services.

use std::path::PathBuf;
use std::time::Duration;

use ipvs::{InterfaceName, SyncDaemon, SyncRole, Timeouts};
use keepalived_config::Config as Model;
use keepalived_config::model::balance::{AtStop, BalanceNamespace, SyncDaemon as Wanted};
use keepalived_driver::balance::{BalanceConfig, MarkSettings, OnStop, SyncSetup};

use crate::lower::process;

pub(super) fn apply(model: &Model, config: &mut BalanceConfig, remarks: &mut Vec<String>) {
    let defs = &model.global.balance;
    let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    config.timeouts = Timeouts {
        tcp: defs.timeouts.tcp.map(seconds),
        tcp_fin: defs.timeouts.tcp_fin.map(seconds),
        udp: defs.timeouts.udp.map(seconds),
    };
    config.sync = defs.sync_daemon.as_ref().and_then(|wanted| {
        let daemon = sync(wanted);
        daemon
            .inspect_err(|error| remarks.push(format!("Nothing is synchronised: {error}")))
            .ok()
    });
    config.flush_at_start = defs.flush;
    config.on_stop = match defs.at_stop {
        AtStop::Remove | AtStop::RemoveServices => OnStop::Remove,
        AtStop::Flush => OnStop::Flush,
    };
    let marks = &defs.group_marks;
    let mut how = MarkSettings::default();
    if let Some(table) = &marks.table {
        how.table.clone_from(&table.value);
    }
    how.priority = marks.priority;
    how.first = marks.first;
    how.counters = model.global.links.filter_counters;
    how.beside = Some(model.global.links.table.clone());
    config.marks = how;
    config.namespace = match &model.balance_namespace {
        BalanceNamespace::Same => None,
        BalanceNamespace::Original => Some(PathBuf::from(ORIGINAL)),
        BalanceNamespace::Named(name) => Some(PathBuf::from(NAMESPACES).join(&name.value)),
    };
    config.launcher = Some(crate::daemonize::THIS_PROGRAM.into());
    config.thread = process::balance_thread(model);
}

/// Where `ip netns` keeps them.
const NAMESPACES: &str = "/run/netns";
/// The namespace of the process that has number 1, which is the one that everything starts in.
const ORIGINAL: &str = "/proc/1/ns/net";

fn sync(wanted: &Wanted) -> Result<SyncSetup, String> {
    let interface = InterfaceName::new(&wanted.interface.value);
    let interface = interface.map_err(|error| error.to_string())?;
    let mut daemon = SyncDaemon::new(SyncRole::Backup, interface, wanted.id);
    daemon.max_length = wanted.max_length.unwrap_or(0);
    daemon.group = (wanted.group != Wanted::GROUP).then_some(wanted.group);
    daemon.port = if wanted.port == Wanted::PORT {
        0
    } else {
        wanted.port
    };
    daemon.ttl = wanted.ttl.unwrap_or(0);
    Ok(SyncSetup {
        daemon,
        instance: wanted
            .instance
            .as_ref()
            .map(|name| name.value.as_str().into()),
    })
}
