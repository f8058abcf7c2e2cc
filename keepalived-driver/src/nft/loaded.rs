//! Whether the kernel has nftables at hand. To ask it for tables makes it load the modules, which takes a second on a
//! small machine and is not ours to do where nobody wants any.

use std::fs;

/// The number of the netlink protocol that is behind nftables.
const NETFILTER: &str = "12";

/// There can be tables in this network namespace: what they need is there, or it cannot be told.
pub(super) fn can_have_tables() -> bool {
    let sockets = fs::read_to_string("/proc/thread-self/net/netlink").ok();
    // Absent without modules at all.
    let modules = fs::read_to_string("/proc/modules").ok();
    possible(sockets.as_deref(), modules.as_deref())
}

/// The same of the texts of these files, as far as they can be read.
fn possible(sockets: Option<&str>, modules: Option<&str>) -> bool {
    let Some(sockets) = sockets else { return true };
    // The kernel's own socket of each protocol is listed too.
    let protocols = sockets
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(1));
    if !protocols.into_iter().any(|protocol| protocol == NETFILTER) {
        return false;
    }
    let loaded = |name: &str| {
        let mut modules = modules.unwrap_or_default().lines();
        modules.any(|line| line.split_whitespace().next() == Some(name))
    };
    // What needs a module is none that is built in.
    loaded("nf_tables") || !loaded("nfnetlink")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOCKETS: &str = "\
sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode
00000000a65d3e6d 0   0          00000000 0        0        0     2        0        413457
";
    const NETFILTER_TOO: &str = "\
sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode
00000000a65d3e6d 0   0          00000000 0        0        0     2        0        413457
000000007c4df9e7 12  0          00000000 0        0        0     2        0        413464
";

    /// FW-04: what is not loaded has no tables, and is not loaded to find that out.
    #[test]
    fn tables_are_possible_only_where_the_kernel_has_nftables_at_hand() {
        let conntrack = "nf_conntrack 176128 1 xt, Live 0x0\nnfnetlink 20480 2 - Live 0x0\n";
        let nftables = "nf_tables 290816 0 - Live 0x0\nnfnetlink 20480 2 nf_tables, Live 0x0\n";
        assert!(!possible(Some(SOCKETS), Some("")));
        assert!(!possible(Some(NETFILTER_TOO), Some(conntrack)));
        assert!(possible(Some(NETFILTER_TOO), Some(nftables)));
        // Built in, the one or the other, or nothing to be known.
        assert!(possible(
            Some(NETFILTER_TOO),
            Some("ext4 753664 1 - Live 0x0\n")
        ));
        assert!(possible(Some(NETFILTER_TOO), None));
        assert!(possible(None, None));
    }
}
