//! Top-level keywords.

use super::prelude::{
    Block, Context, Entries, EntryKind, Keyword, Line, NoEffect, P0, P1, P2, Works,
};

table! { ROOT, Root;
    "SSL", Block(Context::Ssl), "{ ... }", P1, Works, "", "0.5",
        "Client certificate and trust settings of SSL_GET.";
    "bfd_instance", Block(Context::Bfd), "NAME(<32 chars) { ... }", P1, Works, "", "2.0.0",
        "A BFD session with a neighbour.";
    "child_wait_time", Line, "UINT(seconds)", P2, NoEffect("there are no child processes to wait for: one process runs everything"), "5 s", "2.0.0",
        "Seconds that child processes are given to stop before they are killed.";
    "garp_group", Block(Context::GarpGroup), "{ ... }", P2, Works, "", "1.2.21",
        "Interfaces that share one spacing of gratuitous ARP and neighbour advertisements.";
    "global_defs", Block(Context::GlobalDefs), "{ ... }", P0, Works, "", "0.5",
        "Settings of the whole daemon.";
    "instance", Line, "NAME", P1, Works, "", "1.2.24",
        "Name of this daemon, to tell several on one host apart.";
    "interface_up_down_delays", Entries(EntryKind::Delay), "{ IFNAME TIMER(down,0..255) [TIMER(up,0..255)] ... }",
        P2, Works, "", "2.2.3",
        "How long a link has to stay down or up before it counts.";
    "linkbeat_interfaces", Entries(EntryKind::Linkbeat), "{ IFNAME [MII|ETHTOOL|IOCTL] ... }",
        P2, Works, "", "2.0.0",
        "Interfaces whose driver is asked once a second whether there is a link, beside what the kernel tells.";
    "linkbeat_use_polling", Line, "", P2, Works, "", "1.1.18",
        "Ask so about every interface that instances run on or track; the kernel's news count all the same.";
    "namespace_with_ipsets", Line, "", P2, NoEffect("nftables knows namespaces"), "", "1.3.0",
        "Use IP sets although a network namespace is set.";
    "net_namespace", Line, "NAME", P1, Works, "the one it was started in", "1.2.24",
        "Run everything in this network namespace.";
    "net_namespace_ipvs", Line, "[NAME]", P2, Works, "the same as the checks", "2.1.0",
        "Keep the IPVS tables in this network namespace.";
    "sbfd_reflector", Block(Context::SbfdReflector), "{ ... }", P2, Works, "none", "keepalived-rs",
        "Answer S-BFD initiators (RFC 7880) on UDP port 7784.";
    "static_ipaddress", Entries(EntryKind::Address), "{ ADDRESS-ENTRY ... }",
        P1, Works, "", "1.1.0",
        "Addresses that are present while the daemon runs.";
    "static_routes", Entries(EntryKind::Route), "{ ROUTE-ENTRY ... }", P1, Works, "", "1.0.1",
        "Routes that are present while the daemon runs.";
    "static_rules", Entries(EntryKind::Rule), "{ RULE-ENTRY ... }", P1, Works, "", "1.2.20",
        "Policy rules that are present while the daemon runs.";
    "track_file", Block(Context::TrackFile), "NAME { ... }", P1, Works, "", "2.1.0",
        "A file whose number is tracked.";
    "track_group", Block(Context::TrackGroup), "NAME { ... }", P2, Works, "", "2.0.3",
        "Instances that fault together when a static address, route or rule is lost.";
    "use_pid_dir", Line, "", P2, Works, "off", "",
        "Put the pid files in the directory /run/keepalived.";
    "virtual_server", Block(Context::VirtualServer), "IPADDR [PORT] { ... } / fwmark UINT(1..) { ... } / group VSG_NAME { ... }",
        P0, Works, "", "0.5",
        "A balanced service.";
    "virtual_server_group", Entries(EntryKind::VirtualServer), "NAME { VSG-ENTRY ... }",
        P1, Works, "", "1.0.2",
        "Addresses, ranges and marks that form one service.";
    "vrrp_instance", Block(Context::Instance), "NAME { ... }", P0, Works, "", "0.5",
        "One virtual router.";
    "vrrp_script", Block(Context::Script), "NAME { ... }", P0, Works, "", "1.1.13",
        "A command that is run again and again; its exit code is tracked.";
    "vrrp_sync_group", Block(Context::SyncGroup), "NAME { ... }", P0, Works, "", "0.6.1",
        "Instances that change state together.";
    "vrrp_track_file", Block(Context::VrrpTrackFile), "NAME { ... }", P1, Works, "", "2.0.0",
        "The old name of track_file.";
    "vrrp_track_process", Block(Context::TrackProcess), "NAME { ... }", P1, Works, "", "2.0.11",
        "Processes that are tracked by name.";
}
