//! `global_defs`.

use super::prelude::{Context, Entries, EntryKind, Keyword, Line, NotYet, P0, P1, P2};

table! { GLOBAL_DEFS, GlobalDefs;
    "bfd_cpu_affinity", Line, "CPU_ID [CPU_ID ...]", P2, NotYet, "", "",
        "";
    "bfd_no_swap", Line, "", P2, NotYet, "", "",
        "";
    "bfd_priority", Line, "INT(-20..19)", P2, NotYet, "", "",
        "";
    "bfd_process_name", Line, "STRING", P2, NotYet, "", "",
        "";
    "bfd_rlimit_rtime", Line, "UINT(usec)", P2, NotYet, "", "",
        "";
    "bfd_rlimit_rttime", Line, "UINT(usec)", P2, NotYet, "", "",
        "";
    "bfd_rt_priority", Line, "INT(1..99)", P2, NotYet, "", "",
        "";
    "checker_cpu_affinity", Line, "CPU_ID [CPU_ID ...]", P2, NotYet, "", "",
        "";
    "checker_log_all_failures", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "checker_no_swap", Line, "", P2, NotYet, "", "",
        "";
    "checker_priority", Line, "INT(-20..19)", P2, NotYet, "", "",
        "";
    "checker_process_name", Line, "STRING", P2, NotYet, "", "",
        "";
    "checker_rlimit_rtime", Line, "UINT(usec)", P2, NotYet, "", "",
        "";
    "checker_rlimit_rttime", Line, "UINT(usec)", P2, NotYet, "", "",
        "";
    "checker_rt_priority", Line, "INT(1..99)", P2, NotYet, "", "",
        "";
    "config_save_dir", Line, "DIRECTORY", P2, NotYet, "", "",
        "";
    "data_use_instance", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "dbus_no_interface_name", Line, "STRING", P2, NotYet, "", "",
        "";
    "dbus_service_name", Line, "DBUS_NAME", P2, NotYet, "", "",
        "";
    "default_interface", Line, "IFNAME", P1, NotYet, "", "",
        "";
    "disable_local_igmp", Line, "", P2, NotYet, "", "",
        "";
    "dynamic_interfaces", Line, "[allow_if_changes]", P1, NotYet, "", "",
        "";
    "enable_dbus", Line, "", P1, NotYet, "", "",
        "";
    "enable_script_security", Line, "", P0, NotYet, "", "",
        "";
    "enable_snmp_checker", Line, "", P1, NotYet, "", "",
        "";
    "enable_snmp_keepalived", Line, "", P2, NotYet, "", "",
        "";
    "enable_snmp_rfc", Line, "", P1, NotYet, "", "",
        "";
    "enable_snmp_rfcv2", Line, "", P1, NotYet, "", "",
        "";
    "enable_snmp_rfcv3", Line, "", P1, NotYet, "", "",
        "";
    "enable_snmp_vrrp", Line, "", P1, NotYet, "", "",
        "";
    "enable_traps", Line, "", P1, NotYet, "", "",
        "";
    "fifo_write_vrrp_states_on_reload", Line, "", P2, NotYet, "", "",
        "";
    "include_check", Line, "[[+|-]read|match|wildcard_match|brace_match ...]", P1, NotYet, "", "",
        "";
    "iproute_etc_dir", Line, "DIRECTORY", P2, NotYet, "", "",
        "";
    "iproute_usr_dir", Line, "DIRECTORY", P2, NotYet, "", "",
        "";
    "json_dump_file", Line, "PATH|DIRECTORY/", P2, NotYet, "", "",
        "";
    "json_version", Line, "1|2", P1, NotYet, "", "",
        "";
    "log_unknown_vrids", Line, "", P2, NotYet, "", "",
        "";
    "lvs_flush", Line, "", P1, NotYet, "", "",
        "";
    "lvs_flush_on_stop", Line, "[VS]", P1, NotYet, "", "",
        "";
    "lvs_flush_onstop", Line, "[VS]", P2, NotYet, "", "",
        "";
    "lvs_netlink_cmd_rcv_bufs", Line, "UINT(bytes)", P2, NotYet, "", "",
        "";
    "lvs_netlink_cmd_rcv_bufs_force", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "lvs_netlink_monitor_rcv_bufs", Line, "UINT(bytes)", P2, NotYet, "", "",
        "";
    "lvs_netlink_monitor_rcv_bufs_force", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "lvs_notify_fifo", Line, "PATH [USER [[:]GROUP]]", P1, NotYet, "", "",
        "";
    "lvs_notify_fifo_script", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, NotYet, "", "",
        "";
    "lvs_process_name", Line, "STRING", P2, NotYet, "", "",
        "";
    "lvs_sync_daemon", Line, "IFNAME [[inst] VRRP_INSTANCE] [id UINT(0..255)] [maxlen UINT(1..65507)] [port UINT(1..65535)] [ttl UINT(1..255)] [group MCAST_IPADDR]",
        P1, NotYet, "", "",
        "";
    "lvs_timeouts", Line, "[tcp UINT(0..2678400)] [tcpfin UINT] [udp UINT]", P2, NotYet, "", "",
        "";
    "max_auto_priority", Line, "[INT(-1..99)]", P1, NotYet, "", "",
        "";
    "min_auto_priority_delay", Line, "UINT(1..10000000 usec)", P2, NotYet, "", "",
        "";
    "nftables", Line, "[TABLENAME]", P1, NotYet, "", "",
        "";
    "nftables_counters", Line, "", P2, NotYet, "", "",
        "";
    "nftables_ifindex", Line, "", P2, NotYet, "", "",
        "";
    "nftables_ipvs", Line, "[TABLENAME]", P1, NotYet, "", "",
        "";
    "nftables_ipvs_priority", Line, "INT32", P2, NotYet, "", "",
        "";
    "nftables_ipvs_start_fwmark", Line, "UINT32(1..)", P2, NotYet, "", "",
        "";
    "nftables_priority", Line, "INT32", P2, NotYet, "", "",
        "";
    "no_checker_emails", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "no_email_faults", Line, "", P2, NotYet, "", "",
        "";
    "notification_email", Entries(EntryKind::Email), "{ EMAIL|\"Display name <EMAIL>\" ... }",
        P0, NotYet, "", "",
        "";
    "notification_email_from", Line, "EMAIL|\"Display name <EMAIL>\"", P0, NotYet, "", "",
        "";
    "notify_fifo", Line, "PATH [USER [[:]GROUP]]", P1, NotYet, "", "",
        "";
    "notify_fifo_script", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, NotYet, "", "",
        "";
    "process_monitor_rcv_bufs", Line, "UINT(bytes)", P2, NotYet, "", "",
        "";
    "process_monitor_rcv_bufs_force", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "process_name", Line, "STRING", P2, NotYet, "", "",
        "";
    "process_names", Line, "", P2, NotYet, "", "",
        "";
    "random_seed", Line, "UINT", P2, NotYet, "", "",
        "";
    "reload_check_config", Line, "[LOG_FILE]", P1, NotYet, "", "",
        "";
    "reload_file", Line, "[ABSOLUTE_PATH]", P2, NotYet, "", "",
        "";
    "reload_repeat", Line, "", P2, NotYet, "", "",
        "";
    "reload_time_file", Line, "ABSOLUTE_PATH", P2, NotYet, "", "",
        "";
    "router_id", Line, "STRING", P0, NotYet, "", "",
        "";
    "rs_init_notifies", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "script_user", Line, "USER [[:]GROUP]", P0, NotYet, "", "",
        "";
    "set_supplementary_groups", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "shutdown_script", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, NotYet, "", "",
        "";
    "shutdown_script_timeout", Line, "UINT(1..1000 seconds)", P2, NotYet, "", "",
        "";
    "smtp_alert", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "smtp_alert_checker", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "smtp_alert_vrrp", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "smtp_connect_timeout", Line, "UINT(seconds)", P0, NotYet, "", "",
        "";
    "smtp_helo_name", Line, "STRING", P1, NotYet, "", "",
        "";
    "smtp_server", Line, "IPADDR|HOSTNAME [PORT|SERVICE]", P0, NotYet, "", "",
        "";
    "snmp_rs_stats_update_interval", Line, "TIMER(0.001..30)", P2, NotYet, "", "",
        "";
    "snmp_socket", Line, "AGENTX_ADDRESS (e.g. unix:PATH, udp:HOST:PORT, tcp:HOST:PORT)",
        P1, NotYet, "", "",
        "";
    "snmp_vs_stats_update_interval", Line, "TIMER(0.001..30)", P2, NotYet, "", "",
        "";
    "startup_script", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, NotYet, "", "",
        "";
    "startup_script_timeout", Line, "UINT(1..1000 seconds)", P2, NotYet, "", "",
        "";
    "state_dump_file", Line, "PATH|DIRECTORY/", P2, NotYet, "", "",
        "";
    "stats_dump_file", Line, "PATH|DIRECTORY/", P2, NotYet, "", "",
        "";
    "tmp_config_directory", Line, "DIRECTORY", P2, NotYet, "", "",
        "";
    "umask", Line, "NUMBER(octal/hex/decimal) | BIT['|'BIT ...] where BIT is I{R,W,X}{USR,GRP,OTH} or IRWX{U,G,O}",
        P2, NotYet, "", "",
        "";
    "use_symlink_paths", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "v3_checksum_as_v2", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "vmac_addr_prefix", Line, "STRING", P2, NotYet, "", "",
        "";
    "vmac_prefix", Line, "STRING", P2, NotYet, "", "",
        "";
    "vrrp_check_unicast_src", Line, "", P1, NotYet, "", "",
        "";
    "vrrp_cpu_affinity", Line, "CPU_ID [CPU_ID ...]", P2, NotYet, "", "",
        "";
    "vrrp_delay_after_boot", Line, "TIMER(0.001..)", P1, NotYet, "", "",
        "";
    "vrrp_down_timer_adverts", Line, "UINT(1..100)", P2, NotYet, "", "",
        "";
    "vrrp_garp_extra_if", Line, "[all] UINT(1..86400 seconds)", P2, NotYet, "", "",
        "";
    "vrrp_garp_interval", Line, "TIMER(0.000001..)", P1, NotYet, "", "",
        "";
    "vrrp_garp_lower_prio_delay", Line, "UINT(seconds)", P1, NotYet, "", "",
        "";
    "vrrp_garp_lower_prio_repeat", Line, "UINT", P1, NotYet, "", "",
        "";
    "vrrp_garp_master_delay", Line, "UINT(seconds)", P1, NotYet, "", "",
        "";
    "vrrp_garp_master_refresh", Line, "UINT(seconds)", P1, NotYet, "", "",
        "";
    "vrrp_garp_master_refresh_repeat", Line, "UINT(0 is treated as 1)", P1, NotYet, "", "",
        "";
    "vrrp_garp_master_repeat", Line, "UINT(0 is treated as 1)", P1, NotYet, "", "",
        "";
    "vrrp_gna_interval", Line, "TIMER(0.000001..)", P1, NotYet, "", "",
        "";
    "vrrp_higher_prio_send_advert", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "vrrp_ipsets", Line, "[SET4 [SET6 [SET_IF6 [SET_IGMP [SET_MLD [SET_ND]]]]]]",
        P2, NotYet, "", "",
        "";
    "vrrp_iptables", Line, "[IN_CHAIN [OUT_CHAIN]]", P1, NotYet, "", "",
        "";
    "vrrp_lower_prio_no_advert", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "vrrp_mcast_group4", Line, "IPV4_MCAST", P1, NotYet, "", "",
        "";
    "vrrp_mcast_group6", Line, "IPV6_MCAST", P1, NotYet, "", "",
        "";
    "vrrp_min_garp", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "vrrp_netlink_cmd_rcv_bufs", Line, "UINT(bytes)", P2, NotYet, "", "",
        "";
    "vrrp_netlink_cmd_rcv_bufs_force", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "vrrp_netlink_monitor_rcv_bufs", Line, "UINT(bytes)", P2, NotYet, "", "",
        "";
    "vrrp_netlink_monitor_rcv_bufs_force", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "vrrp_no_swap", Line, "", P1, NotYet, "", "",
        "";
    "vrrp_notify_fifo", Line, "PATH [USER [[:]GROUP]]", P1, NotYet, "", "",
        "";
    "vrrp_notify_fifo_script", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, NotYet, "", "",
        "";
    "vrrp_notify_priority_changes", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "vrrp_owner_ignore_adverts", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "vrrp_priority", Line, "INT(-20..19)", P1, NotYet, "", "",
        "";
    "vrrp_process_name", Line, "STRING", P2, NotYet, "", "",
        "";
    "vrrp_rlimit_rtime", Line, "UINT(usec)", P2, NotYet, "", "",
        "";
    "vrrp_rlimit_rttime", Line, "UINT(usec)", P2, NotYet, "", "",
        "";
    "vrrp_rt_priority", Line, "INT(1..99)", P1, NotYet, "", "",
        "";
    "vrrp_rx_bufs_multiplier", Line, "UINT(1..)", P2, NotYet, "", "",
        "";
    "vrrp_rx_bufs_policy", Line, "MTU|ADVERT|UINT(bytes)", P2, NotYet, "", "",
        "";
    "vrrp_skip_check_adv_addr", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "vrrp_startup_delay", Line, "TIMER(0.001..)", P1, NotYet, "", "",
        "";
    "vrrp_strict", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "vrrp_version", Line, "2|3", P1, NotYet, "", "",
        "";
    "vrrp_vmac_garp_intvl", Line, "[all] UINT(1..86400 seconds)", P2, NotYet, "", "",
        "";
}
