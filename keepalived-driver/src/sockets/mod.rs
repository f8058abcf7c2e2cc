//! The sockets of the elections loop: adverts, announcement frames, netlink.

pub(crate) mod bfd;
pub(crate) mod frames;
pub(crate) mod netlink;
pub(crate) mod vrrp;
pub(crate) mod watch;
