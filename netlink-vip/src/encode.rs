//! Netlink bytes.
