//! Which of the wanted addresses the kernel has, asked for many at a time.

use std::collections::HashSet;
use std::net::IpAddr;

use netlink_vip::{Reconciler, Vip};

/// The addresses of this machine at one moment.
#[derive(Debug)]
pub(super) struct Present<'a> {
    reconciler: &'a Reconciler,
    addresses: HashSet<(u32, IpAddr, u8)>,
}

/// All of them: asking for thousands one by one would look through thousands each time.
pub(super) fn present_addresses(reconciler: &Reconciler) -> Present<'_> {
    let addresses = reconciler
        .links()
        .flat_map(|link| reconciler.addresses(link.index))
        .map(|seen| (seen.index, seen.address, seen.prefix_len))
        .collect();
    Present {
        reconciler,
        addresses,
    }
}

impl Present<'_> {
    /// Whether this one is there.
    pub(super) fn holds(&self, vip: &Vip) -> bool {
        self.reconciler
            .link(vip.device.as_str())
            .is_some_and(|link| {
                self.addresses
                    .contains(&(link.index, vip.address, vip.prefix_len))
            })
    }
}
