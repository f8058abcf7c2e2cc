//! Top-level keywords.

use super::prelude::{Block, Context, Entries, EntryKind, Keyword, Line, NotYet, P0, P1, P2};

table! { ROOT, Root;
    "SSL", Block(Context::Ssl), "{ ... }", P1, NotYet, "", "",
        "";
    "bfd_instance", Block(Context::Bfd), "NAME(<32 chars) { ... }", P1, NotYet, "", "",
        "";
    "child_wait_time", Line, "UINT(seconds)", P2, NotYet, "", "",
        "";
    "garp_group", Block(Context::GarpGroup), "{ ... }", P2, NotYet, "", "",
        "";
    "global_defs", Block(Context::GlobalDefs), "{ ... }", P0, NotYet, "", "",
        "";
    "instance", Line, "NAME", P1, NotYet, "", "",
        "";
    "interface_up_down_delays", Entries(EntryKind::Delay), "{ IFNAME TIMER(down,0..255) [TIMER(up,0..255)] ... }",
        P2, NotYet, "", "",
        "";
    "linkbeat_interfaces", Entries(EntryKind::Linkbeat), "{ IFNAME [MII|ETHTOOL|IOCTL] ... }",
        P2, NotYet, "", "",
        "";
    "linkbeat_use_polling", Line, "", P2, NotYet, "", "",
        "";
    "namespace_with_ipsets", Line, "", P2, NotYet, "", "",
        "";
    "net_namespace", Line, "NAME", P1, NotYet, "", "",
        "";
    "net_namespace_ipvs", Line, "[NAME]", P2, NotYet, "", "",
        "";
    "static_ipaddress", Entries(EntryKind::Address), "{ ADDRESS-ENTRY ... }", P1, NotYet, "", "",
        "";
    "static_routes", Entries(EntryKind::Route), "{ ROUTE-ENTRY ... }", P1, NotYet, "", "",
        "";
    "static_rules", Entries(EntryKind::Rule), "{ RULE-ENTRY ... }", P1, NotYet, "", "",
        "";
    "track_file", Block(Context::TrackFile), "NAME { ... }", P1, NotYet, "", "",
        "";
    "track_group", Block(Context::TrackGroup), "NAME { ... }", P2, NotYet, "", "",
        "";
    "use_pid_dir", Line, "", P2, NotYet, "", "",
        "";
    "virtual_server", Block(Context::VirtualServer), "IPADDR [PORT] { ... } / fwmark UINT(1..) { ... } / group VSG_NAME { ... }",
        P0, NotYet, "", "",
        "";
    "virtual_server_group", Entries(EntryKind::VirtualServer), "NAME { VSG-ENTRY ... }",
        P1, NotYet, "", "",
        "";
    "vrrp_instance", Block(Context::Instance), "NAME { ... }", P0, NotYet, "", "",
        "";
    "vrrp_script", Block(Context::Script), "NAME { ... }", P0, NotYet, "", "",
        "";
    "vrrp_sync_group", Block(Context::SyncGroup), "NAME { ... }", P0, NotYet, "", "",
        "";
    "vrrp_track_file", Block(Context::VrrpTrackFile), "NAME { ... }", P1, NotYet, "", "",
        "";
    "vrrp_track_process", Block(Context::TrackProcess), "NAME { ... }", P1, NotYet, "", "",
        "";
}
