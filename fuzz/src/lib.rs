//! What each fuzz target does with its input. The targets are one line each; the same bodies run
//! without a fuzzer in `cargo test -p xtask`, so that they always build and never rot.
//!
//! A body panics when the code under test breaks a promise, and does nothing else.

pub mod advert_parse;
pub mod arp_nd;
pub mod bfd_ops;
pub mod bfd_packet;
pub mod checks;
pub mod config_parse;
pub mod input;
pub mod ipvs_datagram;
pub mod ipvs_diff;
pub mod netlink_datagram;
pub mod pool_ops;
pub mod recorder_ops;
pub mod recording;
pub mod router_ops;
pub mod vip_ops;

/// Does something with the bytes of one run.
pub type Body = fn(&[u8]);

/// Every target.
pub const TARGETS: [(&str, Body); 22] = [
    ("advert_parse", advert_parse::run),
    ("arp_nd", arp_nd::run),
    ("balance_plan", keepalived_driver::fuzzing::balance_plan),
    ("bfd_ops", bfd_ops::run),
    ("bfd_packet", bfd_packet::run),
    ("check_dns", checks::dns),
    ("check_http", checks::http),
    ("check_smtp", checks::smtp),
    ("config_parse", config_parse::run),
    (
        "control_socket",
        keepalived_driver::fuzzing::control_connection,
    ),
    ("hook_fifo", keepalived_driver::fuzzing::hook_fifo),
    ("hook_queue", keepalived_driver::fuzzing::hook_queue),
    ("ipvs_datagram", ipvs_datagram::run),
    ("ipvs_diff", ipvs_diff::run),
    ("netlink_datagram", netlink_datagram::run),
    ("pool_ops", pool_ops::run),
    ("process_events", keepalived_driver::fuzzing::process_events),
    ("recorder_ops", recorder_ops::run),
    ("recording", recording::run),
    ("router_ops", router_ops::run),
    ("state_files", state_files),
    ("vip_ops", vip_ops::run),
];

/// Files that somebody else may have written: tracked numbers, remembered services and marks.
fn state_files(data: &[u8]) {
    keepalived_driver::fuzzing::track_file(data);
    keepalived_driver::fuzzing::services_file(data);
}

/// Runs the target of this name.
pub fn run(name: &str, data: &[u8]) {
    if let Some((_, body)) = TARGETS.iter().find(|(known, _)| *known == name) {
        body(data);
    }
}
