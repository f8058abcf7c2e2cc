//! `vrrp_instance` and the blocks in it.

use super::prelude::{
    Block, Context, Entries, EntryKind, Keyword, Line, NoEffect, P0, P1, P2, Works,
};

table! { INSTANCE, Instance;
    "accept", Line, "", P1, Works,
        "on, off in strict mode", "1.2.17",
        "Answer traffic to the virtual addresses.";
    "advert_int", Line, "TIMER(0.01..255)", P0, Works, "1 s", "0.5",
        "Seconds between adverts; whole seconds in version 2, at most 40.95 s in version 3.";
    "auth_hmac", Block(Context::AuthHmac), "{ ... }", P1, Works, "none", "2.4.0",
        "Signed adverts, a Keepalived extension.";
    "authentication", Block(Context::Authentication), "{ ... }", P0, Works, "none", "0.5",
        "Authentication of VRRPv2.";
    "check_unicast_src", Line, "", P1, Works, "as vrrp_check_unicast_src", "2.1.0",
        "Accept adverts from configured peers only.";
    "debug", Line, "UINT(0..4)", P2, NoEffect("Keepalived ignores it too"), "0", "0.5",
        "A debug level that nothing reads.";
    "dont_track_primary", Line, "", P1, Works, "off", "1.1.8",
        "Do not fault when the instance's own interface is down.";
    "down_timer_adverts", Line, "UINT(1..100)", P2, Works, "as vrrp_down_timer_adverts", "2.2.3",
        "Lost adverts until a backup takes over.";
    "garp_extra_if", Line, "[all] UINT(0..86400 seconds)",
        P2, Works, "as vrrp_garp_extra_if", "2.2.3",
        "Seconds between announcements of addresses on other interfaces.";
    "garp_lower_prio_delay", Line, "UINT(seconds)", P1, Works, "as garp_master_delay", "1.2.20",
        "Seconds until the second burst after a lower-priority advert.";
    "garp_lower_prio_repeat", Line, "UINT", P1, Works, "as garp_master_repeat", "1.2.20",
        "Announcements per address after a lower-priority advert.";
    "garp_master_delay", Line, "UINT(seconds)", P1, Works, "as vrrp_garp_master_delay", "0.7.1",
        "Seconds until the second burst of announcements; 0 sends none.";
    "garp_master_refresh", Line, "UINT(seconds)",
        P1, Works, "as vrrp_garp_master_refresh", "1.2.10",
        "Seconds between announcements while MASTER; 0 turns them off.";
    "garp_master_refresh_repeat", Line, "UINT(1..)",
        P1, Works, "as vrrp_garp_master_refresh_repeat", "1.2.14",
        "Announcements per address at each refresh.";
    "garp_master_repeat", Line, "UINT(1..)",
        P1, Works, "as vrrp_garp_master_repeat", "1.2.14",
        "Announcements per address in a burst.";
    "higher_prio_send_advert", Line, "[BOOL]",
        P1, Works, "as vrrp_higher_prio_send_advert", "1.3.5",
        "Send one last advert before giving way to a higher priority.";
    "interface", Line, "IFNAME", P0, Works, "none", "0.5",
        "Interface the instance runs on.";
    "kernel_rx_buf_size", Line, "UINT(bytes)", P2, Works, "the kernel's", "2.0.3",
        "Receive buffer in bytes of the VRRP socket.";
    "linkbeat_use_polling", Line, "", P2, Works, "off", "1.1.18",
        "Ask the driver of the interface for its link once a second; deprecated.";
    "lower_prio_no_advert", Line, "[BOOL]", P1, Works, "as vrrp_lower_prio_no_advert", "1.2.20",
        "Do not answer a lower-priority advert.";
    "lvs_sync_daemon_interface", Line, "IFNAME", P1, Works, "none", "0.5.5",
        "Interface of the IPVS synchronisation; deprecated.";
    "mcast_dst_ip", Line, "MCAST_IPADDR", P2, Works, "as vrrp_mcast_group4 or 6", "2.2.5",
        "Multicast group of this instance.";
    "mcast_src_ip", Line, "IPADDR", P0, Works, "first address of the interface", "0.6.1",
        "Source address of multicast adverts.";
    "native_ipv6", Line, "", P1, NoEffect("IPv6 is recognised from the addresses"), "", "1.2.1",
        "Asked for IPv6 when it had to be asked for.";
    "no_accept", Line, "", P1, Works, "off", "1.3.0",
        "Drop traffic to the virtual addresses unless owner.";
    "no_virtual_ipaddress", Line, "", P1, Works, "off", "2.2.8",
        "Run without any virtual address.";
    "nopreempt", Line, "", P0, Works, "off", "1.1.8",
        "Never take over from a living master of lower priority.";
    "notify", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P0, Works, "none", "0.5",
        "Command run at every change, with INSTANCE, name, state and priority appended.";
    "notify_backup", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P0, Works, "none", "0.5.9",
        "Command run on becoming BACKUP.";
    "notify_deleted", Line, "[SCRIPT-LINE [USER [[:]GROUP]]]", P2, Works, "off", "2.1.0",
        "Report a removed instance as DELETED instead of FAULT, and run this command.";
    "notify_fault", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P0, Works, "none", "0.5.9",
        "Command run on entering FAULT.";
    "notify_master", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P0, Works, "none", "0.5.9",
        "Command run on becoming MASTER.";
    "notify_master_rx_lower_pri", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, Works, "none", "2.0.6",
        "Command run when a MASTER hears one of lower priority.";
    "notify_priority_changes", Line, "[BOOL]", P2, Works, "as in global_defs", "2.0.16",
        "Write priority changes to the pipes.";
    "notify_stop", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, Works, "none", "1.1.13",
        "Command run when the instance stops.";
    "old_unicast_checksum", Line, "[never]", P2, Works, "detected", "1.3.7",
        "Send the VRRPv3 unicast checksum of releases before 1.3.7, or do not even accept it.";
    "owner_ignore_adverts", Line, "[BOOL]", P2, Works, "as vrrp_owner_ignore_adverts", "2.3.3",
        "Priority 255 ignores the adverts of others.";
    "preempt", Line, "", P1, Works, "on", "1.2.20",
        "Take over from a master of lower priority; undoes nopreempt.";
    "preempt_delay", Line, "TIMER(0..1000)", P1, Works, "0 s", "1.1.8",
        "Seconds to wait before taking over from a master of lower priority.";
    "priority", Line, "UINT(1..255)", P0, Works, "255 for state MASTER, else 100", "0.5",
        "Who becomes MASTER: the highest wins, 255 owns the addresses.";
    "promote_secondaries", Line, "", P1, Works, "off", "1.3.0",
        "Keep other addresses of a subnet when its first one is removed (the sysctl of this name).";
    "skip_check_adv_addr", Line, "[BOOL]", P1, Works, "as vrrp_skip_check_adv_addr", "1.2.20",
        "Compare the address list of the first advert of a master only.";
    "smtp_alert", Line, "[BOOL]", P1, Works, "as in global_defs", "0.5.7",
        "Send mail when the instance changes state.";
    "state", Line, "MASTER|BACKUP", P0, Works, "MASTER for priority 255, else BACKUP", "0.5",
        "The state the instance wants at start.";
    "strict_mode", Line, "[BOOL]", P1, Works, "as vrrp_strict", "1.2.20",
        "Refuse or reset whatever the RFC forbids.";
    "thread_timer_expired", Line, "[UINT(1..254)]", P2, Works, "", "2.2.8",
        "The old name of timer_expired_backup.";
    "timer_expired_backup", Line, "[UINT(1..254)]", P2, Works, "off", "2.3.2",
        "Step down after a stall in which another must have taken over.";
    "track_bfd", Entries(EntryKind::Track), "{ BFD_NAME [weight INT(-253..253) [reverse|noreverse]] ... }",
        P1, Works, "none", "2.0.0",
        "BFD sessions that fault the instance or change its priority.";
    "track_file", Entries(EntryKind::Track), "{ TRACK_FILE_NAME [weight INT(-254..254) [reverse|noreverse]] ... }",
        P1, Works, "none", "2.0.0",
        "Files that fault the instance or change its priority.";
    "track_interface", Entries(EntryKind::Track), "{ IFNAME [weight INT(-253..253) [reverse]] ... }",
        P0, Works, "none", "1.0.1",
        "Further interfaces that fault the instance or change its priority.";
    "track_process", Entries(EntryKind::Track), "{ TRACK_PROCESS_NAME [weight INT(-254..254) [reverse|noreverse]] ... }",
        P1, Works, "none", "2.0.11",
        "Processes that fault the instance or change its priority.";
    "track_script", Entries(EntryKind::Track), "{ SCRIPT_NAME [weight INT(-254..254) [reverse|noreverse]] ... }",
        P0, Works, "none", "1.1.13",
        "Scripts that fault the instance or change its priority.";
    "track_src_ip", Line, "", P1, NoEffect("an instance without its source address is always in FAULT"),
        "off", "2.0.0",
        "Fault when the source address is not present.";
    "unicast_fault_no_peer", Line, "", P2, Works, "off", "2.2.5",
        "Stay in FAULT when unicast is wanted and no peer is given.";
    "unicast_peer", Entries(EntryKind::Peer), "{ IPADDR [min_ttl UINT(0..255)] [max_ttl UINT(0..255)] ... }",
        P0, Works, "none", "1.2.8",
        "Send adverts to these addresses instead of the multicast group.";
    "unicast_src_ip", Line, "IPADDR", P0, Works, "first address of the interface", "1.2.10",
        "Source address of unicast adverts.";
    "unicast_ttl", Line, "UINT(0..255)", P2, Works, "255", "2.1.0",
        "TTL or hop limit of unicast adverts.";
    "use_ipvlan", Line, "[[name] IFNAME] [IPADDR[/PREFIX]] [bridge|private|vepa] [group LINK_GROUP]",
        P2, Works, "off", "2.0.17",
        "Put the addresses on an ipvlan interface.";
    "use_vmac", Line, "[[name] IFNAME] [MAC(5 or 6 octets)] [netlink_notify_msg] [group LINK_GROUP]",
        P1, Works, "off", "1.2.3",
        "Put the addresses on a macvlan with the virtual MAC address of the RFC.";
    "use_vmac_addr", Line, "", P2, Works, "off", "2.2.0",
        "Use VMAC interfaces also for addresses on other interfaces.";
    "v3_checksum_as_v2", Line, "[BOOL]", P1, Works, "as in global_defs", "2.2.8",
        "Leave the pseudo-header out of the VRRPv3 checksum over IPv4.";
    "version", Line, "2|3", P1, Works, "2, or 3 for IPv6", "1.2.17",
        "VRRP version of this instance.";
    "virtual_ipaddress", Entries(EntryKind::Address), "{ ADDRESS-ENTRY ... }",
        P0, Works, "none", "0.5",
        "Addresses of the MASTER, announced in adverts; all of one family.";
    "virtual_ipaddress_excluded", Entries(EntryKind::Address), "{ ADDRESS-ENTRY ... }",
        P0, Works, "none", "0.5.9",
        "Addresses of the MASTER that adverts do not list; any family.";
    "virtual_router_id", Line, "UINT(1..255)", P0, Works, "required", "0.5",
        "Number of the virtual router, the same on all its members.";
    "virtual_routes", Entries(EntryKind::Route), "{ ROUTE-ENTRY ... }", P1, Works, "none", "1.0.1",
        "Routes of the MASTER.";
    "virtual_rules", Entries(EntryKind::Rule), "{ RULE-ENTRY ... }", P1, Works, "none", "1.2.20",
        "Policy rules of the MASTER.";
    "vmac_garp_intvl", Line, "[all] UINT(0..86400 seconds)", P2, Works, "", "2.2.0",
        "The old name of garp_extra_if.";
    "vmac_xmit_base", Line, "", P1, Works, "off", "1.2.10",
        "Send and receive adverts on the underlying interface.";
    "vrf", Line, "VRF_IFNAME", P2, Works, "none", "2.2.5",
        "VRF the instance belongs to when it has no interface.";
}

table! { AUTHENTICATION, Authentication;
    "auth_pass", Line, "STRING(8 bytes)", P0, Works, "none", "0.5",
        "The password; only the first 8 bytes count.";
    "auth_type", Line, "PASS|AH", P0, Works, "none", "0.5",
        "Kind of authentication: a plain password, or a password as the key of an IP authentication header.";
}

table! { AUTH_HMAC, AuthHmac;
    "active_key", Line, "UINT(1..255)", P1, Works, "required", "2.4.0",
        "Number of the key that signs.";
    "anti_replay", Line, "time|monotonic", P1, Works, "time", "2.4.0",
        "Refuse old adverts by time or by sequence only.";
    "key", Line, "UINT(1..255) hex:HEXDIGITS|ASCII_STRING|file:PATH",
        P1, Works, "required", "2.4.0",
        "A numbered key of 32 to 64 bytes: text, hexadecimal, or from a file.";
    "mode", Line, "enforce|permissive|receive-only", P1, Works, "enforce", "2.4.0",
        "How strictly signatures are demanded while a roll-out is under way.";
    "time_window", Line, "UINT(1..300 seconds)", P1, Works, "3 adverts, 5 to 300 s", "2.4.0",
        "Seconds by which a clock may differ.";
}
