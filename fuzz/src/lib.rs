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
pub mod netlink_datagram;
pub mod router_ops;

/// Does something with the bytes of one run.
pub type Body = fn(&[u8]);

/// Every target.
pub const TARGETS: [(&str, Body); 11] = [
    ("advert_parse", advert_parse::run),
    ("arp_nd", arp_nd::run),
    ("bfd_ops", bfd_ops::run),
    ("bfd_packet", bfd_packet::run),
    ("check_dns", checks::dns),
    ("check_http", checks::http),
    ("check_smtp", checks::smtp),
    ("config_parse", config_parse::run),
    ("ipvs_datagram", ipvs_datagram::run),
    ("netlink_datagram", netlink_datagram::run),
    ("router_ops", router_ops::run),
];
