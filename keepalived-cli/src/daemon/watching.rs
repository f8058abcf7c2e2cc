//! Who watches tracked objects, made for this daemon.

use keepalived_config::model::{GlobalDefs, NetlinkBuffer};
use keepalived_driver::Remote;
use keepalived_driver::tracked::{ProcessBuffer, TrackReport, Watchers};

use crate::log::Log;
use crate::messages;

/// Nobody yet, who will tell these elections.
pub(super) fn watchers(remote: &Remote, buffer: ProcessBuffer, log: &Log) -> Watchers {
    let log = log.clone();
    let say = move |report: TrackReport| {
        let (level, line) = messages::track(&report);
        log.line(level, &line);
    };
    let mut watchers =
        Watchers::new(remote.trackers(), say).with_launcher(crate::daemonize::THIS_PROGRAM);
    watchers.set_process_buffer(buffer);
    watchers
}

/// `process_monitor_rcv_bufs`; what this machine cannot count is as good as no limit.
pub(super) fn process_buffer(global: &GlobalDefs) -> ProcessBuffer {
    let NetlinkBuffer { size, force } = global.process_monitor_buffer;
    ProcessBuffer {
        size: size.map(|size| usize::try_from(size).unwrap_or(usize::MAX)),
        force,
    }
}
