//! Options inside a line and directives: place, word, arguments, priority, status.

use super::prelude::{InlineWord, NotYet, P0, P1, P2, Works};

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
        "comment to end of line, anywhere outside a quoted string (\\# gives a literal #)",
        P0, Works;
    "(directive)", "!",
        "comment to end of line, anywhere outside a quoted string (\\! gives a literal !)",
        P0, Works;
    "(directive)", "include", "PATH-OR-GLOB (wildcards and {a,b} braces)", P0, Works;
    "(directive)", "includer", "PATH-OR-GLOB (unreadable file is an error)", P2, Works;
    "(directive)", "includem", "PATH-OR-GLOB (no match without wildcard is an error)", P2, Works;
    "(directive)", "includew", "PATH-OR-GLOB (no match even with wildcard is an error)", P2, Works;
    "(directive)", "includeb", "PATH-OR-GLOB (each brace alternative must match)", P2, Works;
    "(directive)", "includea", "PATH-OR-GLOB (all checks)", P2, Works;
    "(directive)", "@", "@ID rest-of-line (line kept only if ID equals the config id)", P1, Works;
    "(directive)", "@^",
        "@^ID rest-of-line (line kept only if ID differs from the config id)",
        P1, Works;
    "(directive)", "$NAME=",
        "$NAME=VALUE (VALUE may continue over lines ending in a backslash)",
        P1, Works;
    "(directive)", "$NAME",
        "use of a definition; must be followed by white space or end of line",
        P1, Works;
    "(directive)", "${NAME}", "use of a definition anywhere in a line", P1, Works;
    "(directive)", "${_PWD}", "directory of the file being read", P1, Works;
    "(directive)", "${_INSTANCE}", "instance name", P1, Works;
    "(directive)", "${_RANDOM}", "${_RANDOM [MIN [MAX]]} (default 0..32767)", P2, Works;
    "(directive)", "${_ENV}", "${_ENV VARIABLE}", P1, Works;
    "(directive)", "${_HASH}", "literal #", P2, Works;
    "(directive)", "${_BANG}", "literal !", P2, Works;
    "(directive)", "~SEQ", "~SEQ(VAR[, START[, STEP]], END) rest-of-line", P2, Works;
    "(directive)", "~SEQx",
        "~SEQx(VAR[, START[, STEP]], END) rest-of-line, hexadecimal digits",
        P2, Works;
    "(directive)", "~LST",
        "~LST(VAR, V1, V2, ...) or ~LST({VAR1, VAR2}, {A1, A2}, {B1, B2}, ...) rest-of-line",
        P2, Works;
    "ADDRESS-ENTRY", "(address)", "IPADDR[/PREFIX]", P0, Works;
    "ADDRESS-ENTRY", "dev", "IFNAME", P0, Works;
    "ADDRESS-ENTRY", "scope", "global|nowhere|host|link|site|NAME|0..255", P1, Works;
    "ADDRESS-ENTRY", "brd", "IPV4|+|-", P1, Works;
    "ADDRESS-ENTRY", "broadcast", "IPV4|+|-", P1, Works;
    "ADDRESS-ENTRY", "label", "STRING(up to 15 characters, IPv4 only)", P1, Works;
    "ADDRESS-ENTRY", "peer", "IPADDR (no prefix)", P2, Works;
    "ADDRESS-ENTRY", "home", "(none) IPv6", P2, Works;
    "ADDRESS-ENTRY", "-nodad", "(none) IPv6", P2, Works;
    "ADDRESS-ENTRY", "mngtmpaddr", "(none) IPv6", P2, Works;
    "ADDRESS-ENTRY", "noprefixroute", "", P2, Works;
    "ADDRESS-ENTRY", "autojoin", "", P2, Works;
    "ADDRESS-ENTRY", "no_track", "", P2, Works;
    "ADDRESS-ENTRY", "preferred_lft", "UINT(seconds)|forever", P2, Works;
    "ADDRESS-ENTRY", "track_group", "NAME (static_ipaddress only)", P2, NotYet;
    "ADDRESS-ENTRY", "use_vmac",
        "(none) (virtual_ipaddress and virtual_ipaddress_excluded only)",
        P2, NotYet;
    "ROUTE-ENTRY", "(destination)",
        "[to] [TYPE] IPADDR[/PREFIX]|default|any|all|default6",
        P1, NotYet;
    "ROUTE-ENTRY", "inet", "(none) force IPv4", P2, NotYet;
    "ROUTE-ENTRY", "inet6", "(none) force IPv6", P2, NotYet;
    "ROUTE-ENTRY", "to", "DESTINATION", P1, NotYet;
    "ROUTE-ENTRY", "unicast|local|broadcast|multicast|throw|unreachable|prohibit|blackhole|nat|anycast|xresolve",
        "(none) route type before the destination",
        P2, NotYet;
    "ROUTE-ENTRY", "via", "[inet|inet6] IPADDR", P1, NotYet;
    "ROUTE-ENTRY", "gw", "IPADDR (deprecated spelling of via)", P1, NotYet;
    "ROUTE-ENTRY", "src", "IPADDR", P1, NotYet;
    "ROUTE-ENTRY", "from", "IPV6[/PREFIX]", P2, NotYet;
    "ROUTE-ENTRY", "as", "[to] ADDRESS (accepted, ignored with an error)", P2, NotYet;
    "ROUTE-ENTRY", "tos", "NAME|0..255", P2, NotYet;
    "ROUTE-ENTRY", "dsfield", "NAME|0..255", P2, NotYet;
    "ROUTE-ENTRY", "table", "NAME|UINT32", P1, NotYet;
    "ROUTE-ENTRY", "vrf", "VRF_IFNAME", P2, NotYet;
    "ROUTE-ENTRY", "protocol", "NAME|0..255", P2, NotYet;
    "ROUTE-ENTRY", "scope", "NAME|0..255", P1, NotYet;
    "ROUTE-ENTRY", "metric", "UINT32", P1, NotYet;
    "ROUTE-ENTRY", "priority", "UINT32", P2, NotYet;
    "ROUTE-ENTRY", "preference", "UINT32", P2, NotYet;
    "ROUTE-ENTRY", "dev", "IFNAME", P1, NotYet;
    "ROUTE-ENTRY", "oif", "IFNAME", P2, NotYet;
    "ROUTE-ENTRY", "onlink", "", P2, NotYet;
    "ROUTE-ENTRY", "encap ip",
        "[id UINT64] [dst IPV4] [src IPV4] [tos V] [ttl V] [flags V]",
        P2, NotYet;
    "ROUTE-ENTRY", "encap ip6",
        "[id UINT64] [dst IPV6] [src IPV6] [tc V] [hoplimit V] [flags V]",
        P2, NotYet;
    "ROUTE-ENTRY", "encap mpls", "LABEL[/LABEL...]", P2, NotYet;
    "ROUTE-ENTRY", "encap ila", "LOCATOR", P2, NotYet;
    "ROUTE-ENTRY", "expires", "UINT(seconds, IPv6)", P2, NotYet;
    "ROUTE-ENTRY", "mtu", "[lock] UINT", P2, NotYet;
    "ROUTE-ENTRY", "hoplimit", "UINT(0..255)", P2, NotYet;
    "ROUTE-ENTRY", "advmss", "[lock] UINT", P2, NotYet;
    "ROUTE-ENTRY", "rtt", "[lock] TIME[ms|s]", P2, NotYet;
    "ROUTE-ENTRY", "rttvar", "[lock] TIME[ms|s]", P2, NotYet;
    "ROUTE-ENTRY", "reordering", "[lock] UINT", P2, NotYet;
    "ROUTE-ENTRY", "window", "UINT", P2, NotYet;
    "ROUTE-ENTRY", "cwnd", "[lock] UINT", P2, NotYet;
    "ROUTE-ENTRY", "ssthresh", "[lock] UINT", P2, NotYet;
    "ROUTE-ENTRY", "realms", "[FROM/]TO (IPv4)", P2, NotYet;
    "ROUTE-ENTRY", "rto_min", "[lock] TIME[ms|s]", P2, NotYet;
    "ROUTE-ENTRY", "initcwnd", "UINT", P2, NotYet;
    "ROUTE-ENTRY", "initrwnd", "UINT", P2, NotYet;
    "ROUTE-ENTRY", "features", "ecn", P2, NotYet;
    "ROUTE-ENTRY", "quickack", "0|1", P2, NotYet;
    "ROUTE-ENTRY", "congctl", "[lock] NAME", P2, NotYet;
    "ROUTE-ENTRY", "pref", "low|medium|high|0..255 (IPv6)", P2, NotYet;
    "ROUTE-ENTRY", "ttl-propagate", "enabled|disabled", P2, NotYet;
    "ROUTE-ENTRY", "fastopen_no_cookie", "0|1", P2, NotYet;
    "ROUTE-ENTRY", "add", "(none) fail if a matching route exists", P2, NotYet;
    "ROUTE-ENTRY", "prepend", "(none) default", P2, NotYet;
    "ROUTE-ENTRY", "append", "", P2, NotYet;
    "ROUTE-ENTRY", "or", "IPADDR (deprecated second gateway)", P2, NotYet;
    "ROUTE-ENTRY", "nexthop",
        "[via [inet|inet6] IPADDR] [dev IFNAME] [weight 1..256] [onlink] [encap ...] [realms ...]; repeatable, must end the line",
        P1, NotYet;
    "ROUTE-ENTRY", "no_track", "", P2, NotYet;
    "ROUTE-ENTRY", "track_group", "NAME (static_routes only, needs dev)", P2, NotYet;
    "RULE-ENTRY", "inet", "(none) force IPv4", P2, NotYet;
    "RULE-ENTRY", "inet6", "(none) force IPv6", P2, NotYet;
    "RULE-ENTRY", "not", "", P2, NotYet;
    "RULE-ENTRY", "from", "IPADDR[/PREFIX]|default|any|all", P1, NotYet;
    "RULE-ENTRY", "to", "IPADDR[/PREFIX]|default|any|all", P1, NotYet;
    "RULE-ENTRY", "table", "NAME|UINT32(1..)", P1, NotYet;
    "RULE-ENTRY", "lookup", "NAME|UINT32(1..)", P1, NotYet;
    "RULE-ENTRY", "preference", "UINT32", P1, NotYet;
    "RULE-ENTRY", "priority", "UINT32", P1, NotYet;
    "RULE-ENTRY", "order", "UINT32", P2, NotYet;
    "RULE-ENTRY", "tos", "NAME|0..255", P2, NotYet;
    "RULE-ENTRY", "dsfield", "NAME|0..255", P2, NotYet;
    "RULE-ENTRY", "fwmark", "UINT32[/MASK]", P1, NotYet;
    "RULE-ENTRY", "realms", "[FROM/]TO (IPv4)", P2, NotYet;
    "RULE-ENTRY", "suppress_prefixlength", "INT", P2, NotYet;
    "RULE-ENTRY", "sup_pl", "INT", P2, NotYet;
    "RULE-ENTRY", "suppress_ifgroup", "NAME|UINT", P2, NotYet;
    "RULE-ENTRY", "sup_group", "NAME|UINT", P2, NotYet;
    "RULE-ENTRY", "dev", "IFNAME", P1, NotYet;
    "RULE-ENTRY", "iif", "IFNAME", P1, NotYet;
    "RULE-ENTRY", "oif", "IFNAME", P1, NotYet;
    "RULE-ENTRY", "tunnel-id", "UINT64", P2, NotYet;
    "RULE-ENTRY", "uidrange", "UINT-UINT", P2, NotYet;
    "RULE-ENTRY", "l3mdev", "", P2, NotYet;
    "RULE-ENTRY", "protocol", "UINT(0..255, number only)", P2, NotYet;
    "RULE-ENTRY", "ipproto", "NAME|UINT(0..255)", P2, NotYet;
    "RULE-ENTRY", "sport", "UINT-UINT (a single port is rejected in this snapshot)", P2, NotYet;
    "RULE-ENTRY", "dport", "UINT-UINT (a single port is rejected in this snapshot)", P2, NotYet;
    "RULE-ENTRY", "type", "ACTION (optional word before goto/nop/blackhole/...)", P2, NotYet;
    "RULE-ENTRY", "goto", "UINT32", P2, NotYet;
    "RULE-ENTRY", "nop", "", P2, NotYet;
    "RULE-ENTRY", "blackhole", "", P2, NotYet;
    "RULE-ENTRY", "unreachable", "", P2, NotYet;
    "RULE-ENTRY", "prohibit", "", P2, NotYet;
    "RULE-ENTRY", "no_track", "", P2, NotYet;
    "RULE-ENTRY", "track_group", "NAME (static_rules only)", P2, NotYet;
    "UNICAST-PEER-ENTRY", "(address)",
        "IPADDR (anything from / or - onwards is dropped)",
        P0, Works;
    "UNICAST-PEER-ENTRY", "min_ttl", "UINT(0..255)", P2, Works;
    "UNICAST-PEER-ENTRY", "max_ttl", "UINT(0..255)", P2, Works;
    "TRACK-ENTRY", "(name)", "NAME", P0, Works;
    "TRACK-ENTRY", "weight", "INT", P0, Works;
    "TRACK-ENTRY", "reverse", "(none) (only after weight N)", P1, Works;
    "TRACK-ENTRY", "noreverse", "(none) (only after weight N; not for track_interface)", P2, NotYet;
    "VSG-ENTRY", "(address)", "IPADDR [PORT]", P1, NotYet;
    "VSG-ENTRY", "(range)", "IPADDR-LASTPART|IPADDR-IPADDR|NETWORK/PREFIX then [PORT]", P1, NotYet;
    "VSG-ENTRY", "fwmark", "UINT32 [inet|inet6]", P1, NotYet;
    "linkbeat_interfaces", "MII", "", P2, NotYet;
    "linkbeat_interfaces", "ETHTOOL", "", P2, NotYet;
    "linkbeat_interfaces", "IOCTL", "", P2, NotYet;
    "global_defs.lvs_sync_daemon", "inst", "VRRP_INSTANCE", P1, NotYet;
    "global_defs.lvs_sync_daemon", "id", "UINT(0..255)", P1, NotYet;
    "global_defs.lvs_sync_daemon", "maxlen", "UINT(1..65507)", P2, NotYet;
    "global_defs.lvs_sync_daemon", "port", "UINT(1..65535)", P1, NotYet;
    "global_defs.lvs_sync_daemon", "ttl", "UINT(1..255)", P2, NotYet;
    "global_defs.lvs_sync_daemon", "group", "MCAST_IPADDR", P2, NotYet;
    "global_defs.lvs_timeouts", "tcp", "UINT(0..2678400)", P2, NotYet;
    "global_defs.lvs_timeouts", "tcpfin", "UINT(0..2678400)", P2, NotYet;
    "global_defs.lvs_timeouts", "udp", "UINT(0..2678400)", P2, NotYet;
    "global_defs.vrrp_garp_extra_if", "all", "", P2, NotYet;
    "global_defs.dynamic_interfaces", "allow_if_changes", "", P2, NotYet;
    "vrrp_instance.use_vmac", "name", "IFNAME", P2, NotYet;
    "vrrp_instance.use_vmac", "netlink_notify_msg", "", P2, NotYet;
    "vrrp_instance.use_vmac", "group", "LINK_GROUP", P2, NotYet;
    "vrrp_instance.use_ipvlan", "name", "IFNAME", P2, NotYet;
    "vrrp_instance.use_ipvlan", "bridge", "", P2, NotYet;
    "vrrp_instance.use_ipvlan", "private", "", P2, NotYet;
    "vrrp_instance.use_ipvlan", "vepa", "", P2, NotYet;
    "vrrp_instance.use_ipvlan", "group", "LINK_GROUP", P2, NotYet;
    "track_file.init_file", "overwrite", "", P2, NotYet;
    "*.lvs_method", "NAT", "", P0, NotYet;
    "*.lvs_method", "DR", "", P0, NotYet;
    "*.lvs_method", "TUN", "", P0, NotYet;
    "*.lvs_method", "type", "ipip|gue|gre", P2, NotYet;
    "*.lvs_method", "port", "UINT(1..65535) (required for gue, forbidden otherwise)", P2, NotYet;
    "*.lvs_method", "nocsum", "", P2, NotYet;
    "*.lvs_method", "csum", "(none) (gue, gre)", P2, NotYet;
    "*.lvs_method", "remcsum", "(none) (gue only)", P2, NotYet;
    "virtual_server", "fwmark", "UINT32 (instead of an address)", P1, NotYet;
    "virtual_server", "group", "VSG_NAME (instead of an address)", P1, NotYet;
}
