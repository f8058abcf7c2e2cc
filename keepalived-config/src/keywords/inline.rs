//! Options inside a line and directives: place, word, arguments, priority, status.

use super::prelude::{InlineWord, NoEffect, P0, P1, P2, Refused, Works};

/// One word per statement.
macro_rules! inline {
    ($($place:literal, $name:literal, $arguments:literal, $priority:ident, $status:expr;)*) => {
        pub(crate) static INLINE: &[InlineWord] = &[$(InlineWord {
            place: $place,
            name: $name,
            arguments: $arguments,
            priority: $priority,
            status: $status,
        }),*];
    };
}

inline! {
    "(directive)", "#",
        "starts a comment; \\# is the sign itself",
        P0, Works;
    "(directive)", "!",
        "starts a comment; \\! is the sign itself",
        P0, Works;
    "(directive)", "include", "PATTERN", P0, Works;
    "(directive)", "includer", "PATTERN, all matches readable", P2, Works;
    "(directive)", "includem", "PATTERN, plain names exist", P2, Works;
    "(directive)", "includew", "PATTERN, wildcards match", P2, Works;
    "(directive)", "includeb", "PATTERN, every part of a brace list matches", P2, Works;
    "(directive)", "includea", "PATTERN, all of these", P2, Works;
    "(directive)", "@", "@ID LINE, for the configuration id ID", P1, Works;
    "(directive)", "@^",
        "@^ID LINE, for other configuration ids",
        P1, Works;
    "(directive)", "$NAME=",
        "VALUE, over several lines with a backslash at their ends",
        P1, Works;
    "(directive)", "$NAME",
        "the value, when a blank follows",
        P1, Works;
    "(directive)", "${NAME}", "the value, anywhere", P1, Works;
    "(directive)", "${_PWD}", "directory of this file", P1, Works;
    "(directive)", "${_INSTANCE}", "the instance name", P1, Works;
    "(directive)", "${_RANDOM}", "[MIN [MAX]], default 0 to 32767", P2, Works;
    "(directive)", "${_ENV}", "VARIABLE", P1, Works;
    "(directive)", "${_HASH}", "the sign #", P2, Works;
    "(directive)", "${_BANG}", "the sign !", P2, Works;
    "(directive)", "~SEQ", "(VAR[, START[, STEP]], END) LINE", P2, Works;
    "(directive)", "~SEQx",
        "(VAR[, START[, STEP]], END) LINE, in hexadecimal",
        P2, Works;
    "(directive)", "~LST",
        "(VAR, VALUE, ...) LINE, also with tuples in braces",
        P2, Works;
    "ADDRESS-ENTRY", "(address)", "IPADDR[/PREFIX]", P0, Works;
    "ADDRESS-ENTRY", "dev", "IFNAME", P0, Works;
    "ADDRESS-ENTRY", "scope", "global|nowhere|host|link|site|NAME|0..255", P1, Works;
    "ADDRESS-ENTRY", "brd", "IPV4|+|-", P1, Works;
    "ADDRESS-ENTRY", "broadcast", "IPV4|+|-", P1, Works;
    "ADDRESS-ENTRY", "label", "STRING(up to 15 characters, IPv4 only)", P1, Works;
    "ADDRESS-ENTRY", "peer", "IPADDR", P2, Works;
    "ADDRESS-ENTRY", "home", "IPv6 only", P2, Works;
    "ADDRESS-ENTRY", "-nodad", "IPv6 only; always so for virtual addresses", P2, Works;
    "ADDRESS-ENTRY", "mngtmpaddr", "IPv6 only", P2, Works;
    "ADDRESS-ENTRY", "noprefixroute", "", P2, Works;
    "ADDRESS-ENTRY", "autojoin", "", P2, Works;
    "ADDRESS-ENTRY", "no_track", "", P2, Works;
    "ADDRESS-ENTRY", "preferred_lft", "UINT(seconds)|forever", P2, Works;
    "ADDRESS-ENTRY", "track_group", "NAME, static addresses only", P2, Works;
    "ADDRESS-ENTRY", "use_vmac",
        "virtual addresses only",
        P2, Works;
    "ROUTE-ENTRY", "(destination)",
        "[to] [TYPE] IPADDR[/PREFIX]|default|any|all|default6",
        P1, Works;
    "ROUTE-ENTRY", "inet", "IPv4", P2, Works;
    "ROUTE-ENTRY", "inet6", "IPv6", P2, Works;
    "ROUTE-ENTRY", "to", "DESTINATION", P1, Works;
    "ROUTE-ENTRY", "unicast|local|broadcast|multicast|throw|unreachable|prohibit|blackhole|nat|anycast|xresolve",
        "kind of route, first word",
        P2, Works;
    "ROUTE-ENTRY", "via", "[inet|inet6] IPADDR", P1, Works;
    "ROUTE-ENTRY", "gw", "IPADDR, old for via", P1, Works;
    "ROUTE-ENTRY", "src", "IPADDR", P1, Works;
    "ROUTE-ENTRY", "from", "IPV6[/PREFIX]", P2, Works;
    "ROUTE-ENTRY", "as", "[to] ADDRESS, does nothing", P2, NoEffect("it is for MPLS routes, which cannot be written here");
    "ROUTE-ENTRY", "tos", "NAME|0..255", P2, Works;
    "ROUTE-ENTRY", "dsfield", "NAME|0..255", P2, Works;
    "ROUTE-ENTRY", "table", "NAME|UINT32", P1, Works;
    "ROUTE-ENTRY", "vrf", "VRF_IFNAME", P2, Refused("give the number of the table of the VRF with `table`");
    "ROUTE-ENTRY", "protocol", "NAME|0..255", P2, Works;
    "ROUTE-ENTRY", "scope", "NAME|0..255", P1, Works;
    "ROUTE-ENTRY", "metric", "UINT32", P1, Works;
    "ROUTE-ENTRY", "priority", "UINT32", P2, Works;
    "ROUTE-ENTRY", "preference", "UINT32", P2, Works;
    "ROUTE-ENTRY", "dev", "IFNAME", P1, Works;
    "ROUTE-ENTRY", "oif", "IFNAME", P2, Works;
    "ROUTE-ENTRY", "onlink", "", P2, Works;
    "ROUTE-ENTRY", "encap ip",
        "[id UINT64] [dst IPV4] [src IPV4] [tos V] [ttl V] [flags V]",
        P2, Works;
    "ROUTE-ENTRY", "encap ip6",
        "[id UINT64] [dst IPV6] [src IPV6] [tc V] [hoplimit V] [flags V]",
        P2, Works;
    "ROUTE-ENTRY", "encap mpls", "LABEL[/LABEL...]", P2, Works;
    "ROUTE-ENTRY", "encap ila", "LOCATOR", P2, Works;
    "ROUTE-ENTRY", "expires", "UINT(seconds, IPv6)", P2, Works;
    "ROUTE-ENTRY", "mtu", "[lock] UINT", P2, Works;
    "ROUTE-ENTRY", "hoplimit", "UINT(0..255)", P2, Works;
    "ROUTE-ENTRY", "advmss", "[lock] UINT", P2, Works;
    "ROUTE-ENTRY", "rtt", "[lock] TIME[ms|s]", P2, Works;
    "ROUTE-ENTRY", "rttvar", "[lock] TIME[ms|s]", P2, Works;
    "ROUTE-ENTRY", "reordering", "[lock] UINT", P2, Works;
    "ROUTE-ENTRY", "window", "UINT", P2, Works;
    "ROUTE-ENTRY", "cwnd", "[lock] UINT", P2, Works;
    "ROUTE-ENTRY", "ssthresh", "[lock] UINT", P2, Works;
    "ROUTE-ENTRY", "realms", "[FROM/]TO (IPv4)", P2, Works;
    "ROUTE-ENTRY", "rto_min", "[lock] TIME[ms|s]", P2, Works;
    "ROUTE-ENTRY", "initcwnd", "UINT", P2, Works;
    "ROUTE-ENTRY", "initrwnd", "UINT", P2, Works;
    "ROUTE-ENTRY", "features", "ecn", P2, Works;
    "ROUTE-ENTRY", "quickack", "0|1", P2, Works;
    "ROUTE-ENTRY", "congctl", "[lock] NAME", P2, Works;
    "ROUTE-ENTRY", "pref", "low|medium|high|0..255 (IPv6)", P2, Works;
    "ROUTE-ENTRY", "ttl-propagate", "enabled|disabled", P2, Works;
    "ROUTE-ENTRY", "fastopen_no_cookie", "0|1", P2, Works;
    "ROUTE-ENTRY", "add", "only if there is none yet", P2, Works;
    "ROUTE-ENTRY", "prepend", "the default", P2, Works;
    "ROUTE-ENTRY", "append", "", P2, Works;
    "ROUTE-ENTRY", "or", "IPADDR, old for a second gateway", P2, Works;
    "ROUTE-ENTRY", "nexthop",
        "[via [inet|inet6] IPADDR] [dev IFNAME] [weight 1..256] [onlink] [encap ...] [realms ...]; repeatable, must end the line",
        P1, Works;
    "ROUTE-ENTRY", "no_track", "", P2, Works;
    "ROUTE-ENTRY", "track_group", "NAME, static routes with dev", P2, Works;
    "RULE-ENTRY", "inet", "IPv4", P2, Works;
    "RULE-ENTRY", "inet6", "IPv6", P2, Works;
    "RULE-ENTRY", "not", "", P2, Works;
    "RULE-ENTRY", "from", "IPADDR[/PREFIX]|default|any|all", P1, Works;
    "RULE-ENTRY", "to", "IPADDR[/PREFIX]|default|any|all", P1, Works;
    "RULE-ENTRY", "table", "NAME|UINT32(1..)", P1, Works;
    "RULE-ENTRY", "lookup", "NAME|UINT32(1..)", P1, Works;
    "RULE-ENTRY", "preference", "UINT32", P1, Works;
    "RULE-ENTRY", "priority", "UINT32", P1, Works;
    "RULE-ENTRY", "order", "UINT32", P2, Works;
    "RULE-ENTRY", "tos", "NAME|0..255", P2, Works;
    "RULE-ENTRY", "dsfield", "NAME|0..255", P2, Works;
    "RULE-ENTRY", "fwmark", "UINT32[/MASK]", P1, Works;
    "RULE-ENTRY", "realms", "[FROM/]TO (IPv4)", P2, Works;
    "RULE-ENTRY", "suppress_prefixlength", "INT", P2, Works;
    "RULE-ENTRY", "sup_pl", "INT", P2, Works;
    "RULE-ENTRY", "suppress_ifgroup", "NAME|UINT", P2, Works;
    "RULE-ENTRY", "sup_group", "NAME|UINT", P2, Works;
    "RULE-ENTRY", "dev", "IFNAME", P1, Works;
    "RULE-ENTRY", "iif", "IFNAME", P1, Works;
    "RULE-ENTRY", "oif", "IFNAME", P1, Works;
    "RULE-ENTRY", "tunnel-id", "UINT64", P2, Works;
    "RULE-ENTRY", "uidrange", "UINT-UINT", P2, Works;
    "RULE-ENTRY", "l3mdev", "", P2, Works;
    "RULE-ENTRY", "protocol", "UINT(0..255)", P2, Works;
    "RULE-ENTRY", "ipproto", "NAME|UINT(0..255)", P2, Works;
    "RULE-ENTRY", "sport", "UINT-UINT", P2, Works;
    "RULE-ENTRY", "dport", "UINT-UINT", P2, Works;
    "RULE-ENTRY", "type", "ACTION", P2, Works;
    "RULE-ENTRY", "goto", "UINT32", P2, Works;
    "RULE-ENTRY", "nop", "", P2, Works;
    "RULE-ENTRY", "blackhole", "", P2, Works;
    "RULE-ENTRY", "unreachable", "", P2, Works;
    "RULE-ENTRY", "prohibit", "", P2, Works;
    "RULE-ENTRY", "no_track", "", P2, Works;
    "RULE-ENTRY", "track_group", "NAME, static rules only", P2, Works;
    "UNICAST-PEER-ENTRY", "(address)",
        "IPADDR",
        P0, Works;
    "UNICAST-PEER-ENTRY", "min_ttl", "UINT(0..255)", P2, Works;
    "UNICAST-PEER-ENTRY", "max_ttl", "UINT(0..255)", P2, Works;
    "TRACK-ENTRY", "(name)", "NAME", P0, Works;
    "TRACK-ENTRY", "weight", "INT", P0, Works;
    "TRACK-ENTRY", "reverse", "behind a weight", P1, Works;
    "TRACK-ENTRY", "noreverse", "behind a weight, not of an interface", P2, Works;
    "VSG-ENTRY", "(address)", "IPADDR [PORT]", P1, Works;
    "VSG-ENTRY", "(range)", "IPADDR-LASTPART|IPADDR-IPADDR|NETWORK/PREFIX then [PORT]", P1, Works;
    "VSG-ENTRY", "fwmark", "UINT32 [inet|inet6]", P1, Works;
    "linkbeat_interfaces", "MII", "", P2, NoEffect("drivers that know their link by MII read it when ethtool asks");
    "linkbeat_interfaces", "ETHTOOL", "", P2, NoEffect("so is asked without it");
    "linkbeat_interfaces", "IOCTL", "", P2, Works;
    "global_defs.lvs_sync_daemon", "inst", "VRRP_INSTANCE", P1, Works;
    "global_defs.lvs_sync_daemon", "id", "UINT(0..255)", P1, Works;
    "global_defs.lvs_sync_daemon", "maxlen", "UINT(1..65507)", P2, Works;
    "global_defs.lvs_sync_daemon", "port", "UINT(1..65535)", P1, Works;
    "global_defs.lvs_sync_daemon", "ttl", "UINT(1..255)", P2, Works;
    "global_defs.lvs_sync_daemon", "group", "MCAST_IPADDR", P2, Works;
    "global_defs.lvs_timeouts", "tcp", "UINT(0..2678400)", P2, Works;
    "global_defs.lvs_timeouts", "tcpfin", "UINT(0..2678400)", P2, Works;
    "global_defs.lvs_timeouts", "udp", "UINT(0..2678400)", P2, Works;
    "global_defs.vrrp_garp_extra_if", "all", "", P2, Works;
    "global_defs.dynamic_interfaces", "allow_if_changes", "", P2, NoEffect("interfaces are followed whatever they turn into");
    "vrrp_instance.use_vmac", "name", "IFNAME", P2, Works;
    "vrrp_instance.use_vmac", "netlink_notify_msg", "", P2, NoEffect("the state of devices is known from the kernel's own messages");
    "vrrp_instance.use_vmac", "group", "LINK_GROUP", P2, Works;
    "vrrp_instance.use_ipvlan", "name", "IFNAME", P2, Works;
    "vrrp_instance.use_ipvlan", "bridge", "", P2, Works;
    "vrrp_instance.use_ipvlan", "private", "", P2, Works;
    "vrrp_instance.use_ipvlan", "vepa", "", P2, Works;
    "vrrp_instance.use_ipvlan", "group", "LINK_GROUP", P2, Works;
    "track_file.init_file", "overwrite", "", P2, Works;
    "*.lvs_method", "NAT", "", P0, Works;
    "*.lvs_method", "DR", "", P0, Works;
    "*.lvs_method", "TUN", "", P0, Works;
    "*.lvs_method", "type", "ipip|gue|gre", P2, Works;
    "*.lvs_method", "port", "UINT(1..65535), for gue", P2, Works;
    "*.lvs_method", "nocsum", "", P2, Works;
    "*.lvs_method", "csum", "gue and gre", P2, Works;
    "*.lvs_method", "remcsum", "gue", P2, Works;
    "virtual_server", "fwmark", "UINT32", P1, Works;
    "virtual_server", "group", "VSG_NAME", P1, Works;
}
