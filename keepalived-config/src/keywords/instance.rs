//! `vrrp_instance` and the blocks in it.

use super::prelude::{Block, Context, Entries, EntryKind, Keyword, Line, NotYet, P0, P1, P2};

table! { INSTANCE, Instance;
    "accept", Line, "", P1, NotYet, "", "",
        "";
    "advert_int", Line, "TIMER(0.01..255)", P0, NotYet, "", "",
        "";
    "auth_hmac", Block(Context::AuthHmac), "{ ... }", P1, NotYet, "", "",
        "";
    "authentication", Block(Context::Authentication), "{ ... }", P0, NotYet, "", "",
        "";
    "check_unicast_src", Line, "", P1, NotYet, "", "",
        "";
    "debug", Line, "UINT(0..4)", P2, NotYet, "", "",
        "";
    "dont_track_primary", Line, "", P1, NotYet, "", "",
        "";
    "down_timer_adverts", Line, "UINT(1..100)", P2, NotYet, "", "",
        "";
    "garp_extra_if", Line, "[all] UINT(0..86400 seconds)", P2, NotYet, "", "",
        "";
    "garp_lower_prio_delay", Line, "UINT(seconds)", P1, NotYet, "", "",
        "";
    "garp_lower_prio_repeat", Line, "UINT", P1, NotYet, "", "",
        "";
    "garp_master_delay", Line, "UINT(seconds)", P1, NotYet, "", "",
        "";
    "garp_master_refresh", Line, "UINT(seconds)", P1, NotYet, "", "",
        "";
    "garp_master_refresh_repeat", Line, "UINT(0 is treated as 1)", P1, NotYet, "", "",
        "";
    "garp_master_repeat", Line, "UINT(0 is treated as 1)", P1, NotYet, "", "",
        "";
    "higher_prio_send_advert", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "interface", Line, "IFNAME", P0, NotYet, "", "",
        "";
    "kernel_rx_buf_size", Line, "UINT(bytes)", P2, NotYet, "", "",
        "";
    "linkbeat_use_polling", Line, "", P2, NotYet, "", "",
        "";
    "lower_prio_no_advert", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "lvs_sync_daemon_interface", Line, "IFNAME", P1, NotYet, "", "",
        "";
    "mcast_dst_ip", Line, "MCAST_IPADDR", P2, NotYet, "", "",
        "";
    "mcast_src_ip", Line, "IPADDR", P0, NotYet, "", "",
        "";
    "native_ipv6", Line, "", P1, NotYet, "", "",
        "";
    "no_accept", Line, "", P1, NotYet, "", "",
        "";
    "no_virtual_ipaddress", Line, "", P1, NotYet, "", "",
        "";
    "nopreempt", Line, "", P0, NotYet, "", "",
        "";
    "notify", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P0, NotYet, "", "",
        "";
    "notify_backup", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P0, NotYet, "", "",
        "";
    "notify_deleted", Line, "[SCRIPT-LINE [USER [[:]GROUP]]]", P2, NotYet, "", "",
        "";
    "notify_fault", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P0, NotYet, "", "",
        "";
    "notify_master", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P0, NotYet, "", "",
        "";
    "notify_master_rx_lower_pri", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, NotYet, "", "",
        "";
    "notify_priority_changes", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "notify_stop", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, NotYet, "", "",
        "";
    "old_unicast_checksum", Line, "[never]", P2, NotYet, "", "",
        "";
    "owner_ignore_adverts", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "preempt", Line, "", P1, NotYet, "", "",
        "";
    "preempt_delay", Line, "TIMER(0..1000)", P1, NotYet, "", "",
        "";
    "priority", Line, "UINT(1..255)", P0, NotYet, "", "",
        "";
    "promote_secondaries", Line, "", P1, NotYet, "", "",
        "";
    "skip_check_adv_addr", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "smtp_alert", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "state", Line, "MASTER|BACKUP", P0, NotYet, "", "",
        "";
    "strict_mode", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "thread_timer_expired", Line, "[UINT(1..254)]", P2, NotYet, "", "",
        "";
    "timer_expired_backup", Line, "[UINT(1..254)]", P2, NotYet, "", "",
        "";
    "track_bfd", Entries(EntryKind::Track), "{ BFD_NAME [weight INT(-253..253) [reverse|noreverse]] ... }",
        P1, NotYet, "", "",
        "";
    "track_file", Entries(EntryKind::Track), "{ TRACK_FILE_NAME [weight INT(-254..254) [reverse|noreverse]] ... }",
        P1, NotYet, "", "",
        "";
    "track_interface", Entries(EntryKind::Track), "{ IFNAME [weight INT(-253..253) [reverse]] ... }",
        P0, NotYet, "", "",
        "";
    "track_process", Entries(EntryKind::Track), "{ TRACK_PROCESS_NAME [weight INT(-254..254) [reverse|noreverse]] ... }",
        P1, NotYet, "", "",
        "";
    "track_script", Entries(EntryKind::Track), "{ SCRIPT_NAME [weight INT(-254..254) [reverse|noreverse]] ... }",
        P0, NotYet, "", "",
        "";
    "track_src_ip", Line, "", P1, NotYet, "", "",
        "";
    "unicast_fault_no_peer", Line, "", P2, NotYet, "", "",
        "";
    "unicast_peer", Entries(EntryKind::Peer), "{ IPADDR [min_ttl UINT(0..255)] [max_ttl UINT(0..255)] ... }",
        P0, NotYet, "", "",
        "";
    "unicast_src_ip", Line, "IPADDR", P0, NotYet, "", "",
        "";
    "unicast_ttl", Line, "UINT(0..255)", P2, NotYet, "", "",
        "";
    "use_ipvlan", Line, "[[name] IFNAME] [IPADDR[/PREFIX]] [bridge|private|vepa] [group LINK_GROUP]",
        P2, NotYet, "", "",
        "";
    "use_vmac", Line, "[[name] IFNAME] [MAC(5 or 6 octets)] [netlink_notify_msg] [group LINK_GROUP]",
        P1, NotYet, "", "",
        "";
    "use_vmac_addr", Line, "", P2, NotYet, "", "",
        "";
    "v3_checksum_as_v2", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "version", Line, "2|3", P1, NotYet, "", "",
        "";
    "virtual_ipaddress", Entries(EntryKind::Address), "{ ADDRESS-ENTRY ... }", P0, NotYet, "", "",
        "";
    "virtual_ipaddress_excluded", Entries(EntryKind::Address), "{ ADDRESS-ENTRY ... }",
        P0, NotYet, "", "",
        "";
    "virtual_router_id", Line, "UINT(1..255)", P0, NotYet, "", "",
        "";
    "virtual_routes", Entries(EntryKind::Route), "{ ROUTE-ENTRY ... }", P1, NotYet, "", "",
        "";
    "virtual_rules", Entries(EntryKind::Rule), "{ RULE-ENTRY ... }", P1, NotYet, "", "",
        "";
    "vmac_garp_intvl", Line, "[all] UINT(0..86400 seconds)", P2, NotYet, "", "",
        "";
    "vmac_xmit_base", Line, "", P1, NotYet, "", "",
        "";
    "vrf", Line, "VRF_IFNAME", P2, NotYet, "", "",
        "";
}

table! { AUTHENTICATION, Authentication;
    "auth_pass", Line, "STRING(first 8 bytes used)", P0, NotYet, "", "",
        "";
    "auth_type", Line, "PASS|AH", P0, NotYet, "", "",
        "";
}

table! { AUTH_HMAC, AuthHmac;
    "active_key", Line, "UINT(1..255)", P1, NotYet, "", "",
        "";
    "anti_replay", Line, "time|monotonic", P1, NotYet, "", "",
        "";
    "key", Line, "UINT(1..255) hex:HEXDIGITS|ASCII_STRING|file:PATH", P1, NotYet, "", "",
        "";
    "mode", Line, "enforce|permissive|receive-only", P1, NotYet, "", "",
        "";
    "time_window", Line, "UINT(1..300 seconds)", P1, NotYet, "", "",
        "";
}
