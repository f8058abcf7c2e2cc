//! `global_defs`.

use super::prelude::{
    Context, Entries, EntryKind, Keyword, Line, NO_SNMP, NoEffect, P0, P1, P2, Refused, Works,
};

const NO_DBUS: &str = "there is no D-Bus service here; use `keepalived-rs status --json`, the JSON dump, signals and the notify pipes";

const ASKED: &str =
    "each request is answered before the next one is sent, and what was lost is asked for again";
const REREAD: &str = "when news was lost everything is read again";

table! { GLOBAL_DEFS, GlobalDefs;
    "bfd_cpu_affinity", Line, "CPU_ID [CPU_ID ...]", P2, Works, "all", "2.0.17",
        "Processors BFD may run on; it shares the thread of VRRP, and vrrp_cpu_affinity goes first.";
    "bfd_no_swap", Line, "", P2, Works, "off", "2.0.0",
        "Keep the whole process in memory.";
    "bfd_priority", Line, "INT(-20..19)", P2, Works, "unchanged", "2.0.0",
        "Nice value of BFD, which runs on the thread of VRRP: the smaller of both values counts.";
    "bfd_process_name", Line, "STRING", P2, Works, "keepalived_bfd", "2.0.16",
        "Name of the thread of BFD, which is that of VRRP: used if vrrp_process_name is not given.";
    "bfd_rlimit_rtime", Line, "UINT(usec)", P2, Works, "", "2.0.0",
        "The old name of bfd_rlimit_rttime.";
    "bfd_rlimit_rttime", Line, "UINT(usec)", P2, Works, "no limit", "2.1.0",
        "Microseconds of processor time between two sleeps in real-time mode.";
    "bfd_rt_priority", Line, "INT(1..99)", P2, Works, "off", "2.0.0",
        "Real-time priority of BFD, which runs on the thread of VRRP: the greater of both values counts.";
    "checker_cpu_affinity", Line, "CPU_ID [CPU_ID ...]", P2, Works, "all", "2.0.17",
        "Processors the health checker process may run on.";
    "checker_log_all_failures", Line, "[BOOL]", P1, Works, "off", "2.0.11",
        "Log every failed check, not only changes.";
    "checker_no_swap", Line, "", P2, Works, "off", "1.2.20",
        "Keep the health checker process in memory.";
    "checker_priority", Line, "INT(-20..19)", P2, Works, "unchanged", "1.2.20",
        "Nice value of the health checker process.";
    "checker_process_name", Line, "STRING", P2, Works, "keepalived_lvs", "2.2.0",
        "Name of the health checker process, at most 15 characters.";
    "checker_rlimit_rtime", Line, "UINT(usec)", P2, Works, "", "2.0.0",
        "The old name of checker_rlimit_rttime.";
    "checker_rlimit_rttime", Line, "UINT(usec)", P2, Works, "10000 us", "2.1.0",
        "Microseconds of processor time between two sleeps in real-time mode.";
    "checker_rt_priority", Line, "INT(1..99)", P2, Works, "off", "2.0.0",
        "Real-time priority of the health checker process.";
    "config_save_dir", Line, "DIRECTORY", P2, Works, "none", "2.2.3",
        "Directory for copies of configuration and state around each reload.";
    "data_use_instance", Line, "[BOOL]", P2, Works, "off", "2.2.3",
        "Put the instance name into the names of dump files.";
    "dbus_no_interface_name", Line, "STRING", P2, Refused(NO_DBUS), "", "2.3.0",
        "Path element of instances without interface on D-Bus.";
    "dbus_service_name", Line, "DBUS_NAME", P2, Refused(NO_DBUS), "org.keepalived.Vrrp1", "1.3.7",
        "Name of the D-Bus service.";
    "default_interface", Line, "IFNAME", P1, Works, "eth0", "1.2.24",
        "Interface for static addresses that name none.";
    "disable_local_igmp", Line, "", P2, Works, "off", "2.2.0",
        "Keep the kernel from reporting membership of 224.0.0.0/24.";
    "dynamic_interfaces", Line, "[allow_if_changes]", P1, Works, "off", "2.0.0",
        "A missing interface is no error for a configuration test; while running they always may come and go.";
    "enable_dbus", Line, "", P1, Refused(NO_DBUS), "off", "1.3.0",
        "Offer the D-Bus service.";
    "enable_script_security", Line, "", P0, Works, "off", "1.3.0",
        "Refuse scripts run as root that others can change.";
    "enable_snmp_checker", Line, "", P1, Refused(NO_SNMP), "off", "1.2.20",
        "Serve the service tables over SNMP.";
    "enable_snmp_keepalived", Line, "", P2, Refused(NO_SNMP), "", "1.2.20",
        "The old name of enable_snmp_vrrp.";
    "enable_snmp_rfc", Line, "", P1, Refused(NO_SNMP), "off", "1.2.20",
        "Serve both RFC MIBs over SNMP.";
    "enable_snmp_rfcv2", Line, "", P1, Refused(NO_SNMP), "off", "1.2.20",
        "Serve the VRRPv2 MIB over SNMP.";
    "enable_snmp_rfcv3", Line, "", P1, Refused(NO_SNMP), "off", "1.2.20",
        "Serve the VRRPv3 MIB over SNMP.";
    "enable_snmp_vrrp", Line, "", P1, Refused(NO_SNMP), "off", "2.0.0",
        "Serve the VRRP tables over SNMP.";
    "enable_traps", Line, "", P1, Refused(NO_SNMP), "off", "1.2.5",
        "Send SNMP traps.";
    "fifo_write_vrrp_states_on_reload", Line, "", P2, Works, "off", "2.2.5",
        "Write all states to the pipes again after a reload.";
    "include_check", Line, "[[+|-]read|match|wildcard_match|brace_match ...]",
        P1, Works, "none", "2.2.0",
        "Which problems with included files are errors.";
    "iproute_etc_dir", Line, "DIRECTORY", P2, Works, "", "2.3.2",
        "Directory of the administrator's iproute2 name tables.";
    "iproute_usr_dir", Line, "DIRECTORY", P2, Works, "", "2.3.2",
        "Directory of the distribution's iproute2 name tables.";
    "json_dump_file", Line, "PATH|DIRECTORY/",
        P2, NoEffect("Keepalived ignores it too"), "/tmp/keepalived.json", "2.3.3",
        "Meant for where the JSON dump is written.";
    "json_version", Line, "1|2", P1, Works, "1", "2.2.8",
        "Format of the JSON dump: 1 is an array, 2 an object.";
    "log_unknown_vrids", Line, "", P2, Works, "off", "2.0.16",
        "Log adverts for virtual routers that are not configured here.";
    "lvs_flush", Line, "", P1, Works, "off", "1.2.23",
        "Empty the IPVS table at start.";
    "lvs_flush_on_stop", Line, "[VS]", P1, Works, "off", "2.2.0",
        "Empty the IPVS table at stop, or drop the services whole.";
    "lvs_flush_onstop", Line, "[VS]", P2, Works, "", "2.0.15",
        "The old name of lvs_flush_on_stop.";
    "lvs_netlink_cmd_rcv_bufs", Line, "UINT(bytes)", P2, NoEffect(ASKED), "the kernel's", "2.0.0",
        "Receive buffer in bytes of the checker netlink command socket.";
    "lvs_netlink_cmd_rcv_bufs_force", Line, "[BOOL]", P2, NoEffect(ASKED), "off", "2.0.0",
        "May exceed the kernel's limit for that buffer.";
    "lvs_netlink_monitor_rcv_bufs", Line, "UINT(bytes)", P2, NoEffect(REREAD), "the kernel's", "2.0.0",
        "Receive buffer in bytes of the checker netlink event socket.";
    "lvs_netlink_monitor_rcv_bufs_force", Line, "[BOOL]", P2, NoEffect(REREAD), "off", "2.0.0",
        "May exceed the kernel's limit for that buffer.";
    "lvs_notify_fifo", Line, "PATH [USER [[:]GROUP]]", P1, Works, "none", "1.3.6",
        "Named pipe that gets a line for every IPVS event.";
    "lvs_notify_fifo_script", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, Works, "none", "1.3.6",
        "Reader that is started for lvs_notify_fifo.";
    "lvs_process_name", Line, "STRING", P2, Works, "", "2.0.16",
        "The old name of checker_process_name.";
    "lvs_sync_daemon", Line, "IFNAME [[inst] VRRP_INSTANCE] [id UINT(0..255)] [maxlen UINT(1..65507)] [port UINT(1..65535)] [ttl UINT(1..255)] [group MCAST_IPADDR]",
        P1, Works, "off", "1.2.20",
        "Run the IPVS connection synchronisation, following an instance.";
    "lvs_timeouts", Line, "[tcp UINT(0..2678400)] [tcpfin UINT] [udp UINT]",
        P2, Works, "the kernel's", "1.2.24",
        "IPVS connection timeouts in seconds for TCP, TCP after FIN, and UDP.";
    "max_auto_priority", Line, "[INT(-1..99)]", P1, Works, "0 (off)", "2.1.0",
        "Highest real-time priority that is taken by itself when timers run late; -1 silences the hint.";
    "min_auto_priority_delay", Line, "UINT(1..10000000 usec)", P2, Works, "1000000 us", "2.1.0",
        "Lateness in microseconds that triggers max_auto_priority.";
    "nftables", Line, "[TABLENAME]", P1, Works, "keepalived", "2.0.11",
        "Name of the nftables tables for firewall rules; they are made when an instance needs rules.";
    "nftables_counters", Line, "", P2, Works, "off", "2.0.11",
        "Count packets in the nftables rules.";
    "nftables_ifindex", Line, "", P2, Works, "off", "2.0.11",
        "Match link-local addresses by the index of their interface instead of its name.";
    "nftables_ipvs", Line, "[TABLENAME]", P1, Works, "keepalived_ipvs", "2.2.2",
        "Mark packets to the addresses of a service group with nftables, in tables of this name: one service of the kernel for the whole group and protocol.";
    "nftables_ipvs_priority", Line, "INT32", P2, Works, "-1", "2.2.2",
        "Priority of the nftables chains for marks, in the input hook; below 98.";
    "nftables_ipvs_start_fwmark", Line, "UINT32(1..)", P2, Works, "1000", "2.2.2",
        "First mark for service groups; marks of services in the file are passed over.";
    "nftables_priority", Line, "INT32", P2, Works, "-1", "2.0.11",
        "Priority of the nftables chains.";
    "no_checker_emails", Line, "[BOOL]", P1, Works, "off", "2.0.0",
        "Mail only when a real server is added or removed.";
    "no_email_faults", Line, "", P2, Works, "off", "2.0.0",
        "Send no mail for FAULT.";
    "notification_email", Entries(EntryKind::Email), "{ EMAIL|\"Display name <EMAIL>\" ... }",
        P0, Works, "none", "0.5",
        "Recipients of alert mails.";
    "notification_email_from", Line, "EMAIL|\"Display name <EMAIL>\"",
        P0, Works, "keepalived@ and the host name", "0.5",
        "Sender of alert mails.";
    "notify_fifo", Line, "PATH [USER [[:]GROUP]]", P1, Works, "none", "1.3.6",
        "Named pipe that gets a line for every VRRP and IPVS event.";
    "notify_fifo_script", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, Works, "none", "1.3.6",
        "Reader that is started for notify_fifo.";
    "process_monitor_rcv_bufs", Line, "UINT(bytes)", P2, Works, "the kernel's", "2.0.11",
        "Receive buffer in bytes of the process event socket, from its opening on.";
    "process_monitor_rcv_bufs_force", Line, "[BOOL]", P2, Works, "off", "2.0.11",
        "May exceed the kernel's limit for that buffer.";
    "process_name", Line, "STRING", P2, Works, "keepalived", "2.0.16",
        "Name of the main thread and so of the process, at most 15 characters.";
    "process_names", Line, "", P2, Works, "off", "2.0.16",
        "Give each thread Keepalived's name in ps -L and top -H.";
    "random_seed", Line, "UINT", P2, Works, "from the clock", "2.0.15",
        "Seed of random numbers, to make a run repeatable.";
    "reload_check_config", Line, "[LOG_FILE]", P1, Works, "off", "2.2.0",
        "Test a new configuration in a process of its own before a reload.";
    "reload_file", Line, "[ABSOLUTE_PATH]", P2, Works, "none", "2.2.0",
        "File that exists while the configuration is being read.";
    "reload_repeat", Line, "", P2, Works, "off", "2.1.0",
        "Repeat the timed reload every day.";
    "reload_time_file", Line, "ABSOLUTE_PATH", P2, Works, "none", "2.1.0",
        "File that holds the time of the next reload. It is looked at every second.";
    "router_id", Line, "STRING", P0, Works, "the host name", "1.1.8",
        "Name of this machine in mail subjects, SNMP and dumps.";
    "rs_init_notifies", Line, "[BOOL]", P2, Works, "off", "2.0.0",
        "Run notify_up of real servers that are up at start, or that a reload brings, as well. The notify_down of one that begins as failed (alpha) is run with its first failure in any case.";
    "script_user", Line, "USER [[:]GROUP]", P0, Works, "keepalived_script if it exists", "1.3.0",
        "User and group that scripts run as.";
    "set_supplementary_groups", Line, "[BOOL]", P2, Works, "off", "2.4.3+",
        "Run scripts with all groups of their user.";
    "shutdown_script", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, Works, "none", "2.1.0",
        "Command run after everything has stopped.";
    "shutdown_script_timeout", Line, "UINT(1..1000 seconds)", P2, Works, "10 s", "2.1.0",
        "Seconds the shut-down command may take.";
    "smtp_alert", Line, "[BOOL]", P1, Works, "", "2.0.0",
        "Default of smtp_alert everywhere.";
    "smtp_alert_checker", Line, "[BOOL]", P1, Works, "", "2.0.0",
        "Default of smtp_alert in virtual and real servers.";
    "smtp_alert_vrrp", Line, "[BOOL]", P1, Works, "", "2.0.0",
        "Default of smtp_alert in instances and sync groups.";
    "smtp_connect_timeout", Line, "UINT(seconds)", P0, Works, "30 s", "0.5",
        "Seconds to wait for the mail server.";
    "smtp_helo_name", Line, "STRING", P1, Works, "the host name", "1.2.20",
        "Name given to the mail server in HELO.";
    "smtp_server", Line, "IPADDR|HOSTNAME [PORT|SERVICE]", P0, Works, "port 25", "0.5",
        "Mail server, with an optional port.";
    "snmp_rs_stats_update_interval", Line, "TIMER(0.001..30)", P2, Refused(NO_SNMP), "5 s", "2.3.0",
        "Age in seconds at which statistics of real servers are read again.";
    "snmp_socket", Line, "AGENTX_ADDRESS (e.g. unix:PATH, udp:HOST:PORT, tcp:HOST:PORT)",
        P1, Refused(NO_SNMP), "the agent's default", "1.2.20",
        "Socket of the SNMP master agent.";
    "snmp_vs_stats_update_interval", Line, "TIMER(0.001..30)", P2, Refused(NO_SNMP), "5 s", "2.3.0",
        "Age in seconds at which statistics of virtual servers are read again.";
    "startup_script", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, Works, "none", "2.1.0",
        "Command run before anything else starts.";
    "startup_script_timeout", Line, "UINT(1..1000 seconds)", P2, Works, "10 s", "2.1.0",
        "Seconds the start-up command may take.";
    "state_dump_file", Line, "PATH|DIRECTORY/", P2, Works, "/tmp/keepalived.data", "2.3.3",
        "Where SIGUSR1 writes the state.";
    "stats_dump_file", Line, "PATH|DIRECTORY/",
        P2, NoEffect("Keepalived ignores it too"), "/tmp/keepalived.stats", "2.3.3",
        "Meant for where SIGUSR2 writes the counters.";
    "tmp_config_directory", Line, "DIRECTORY", P2, NoEffect("the configuration is read once, by one process"), "memory", "2.2.0",
        "Directory for the copy of the configuration that all processes read.";
    "umask", Line, "MODE | I{R,W,X}{USR,GRP,OTH}|IRWX{U,G,O} [| ...]",
        P2, Works, "0177", "2.0.9",
        "Permission bits that files created by the daemon do not get.";
    "use_symlink_paths", Line, "[BOOL]", P2, Works, "off", "2.3.0",
        "Keep symbolic links in script paths instead of resolving them.";
    "v3_checksum_as_v2", Line, "[BOOL]", P1, Works, "off", "2.2.8",
        "Leave the pseudo-header out of the VRRPv3 checksum over IPv4.";
    "vmac_addr_prefix", Line, "STRING", P2, Works, "", "2.2.0",
        "How names of VMAC interfaces for single addresses begin.";
    "vmac_prefix", Line, "STRING", P2, Works, "vrrp", "2.2.0",
        "How names of generated VMAC interfaces begin.";
    "vrrp_check_unicast_src", Line, "", P1, Works, "off", "1.2.20",
        "Accept unicast adverts from configured peers only.";
    "vrrp_cpu_affinity", Line, "CPU_ID [CPU_ID ...]", P2, Works, "all", "2.0.17",
        "Processors the thread of VRRP and BFD may run on.";
    "vrrp_delay_after_boot", Line, "TIMER(0.001..)", P1, Works, "0 s", "2.4.0",
        "Uptime of the host in seconds before which no instance takes part.";
    "vrrp_down_timer_adverts", Line, "UINT(1..100)", P2, Works, "3", "2.2.3",
        "Lost adverts until a backup takes over.";
    "vrrp_garp_extra_if", Line, "[all] UINT(1..86400 seconds)", P2, Works, "off", "2.2.3",
        "Seconds between announcements of addresses on interfaces other than the instance's own.";
    "vrrp_garp_interval", Line, "TIMER(0.000001..)", P1, Works, "0 s", "1.2.21",
        "Least seconds between two gratuitous ARPs on an interface.";
    "vrrp_garp_lower_prio_delay", Line, "UINT(seconds)",
        P1, Works, "as vrrp_garp_master_delay", "1.2.20",
        "Seconds until the second burst after a lower-priority advert.";
    "vrrp_garp_lower_prio_repeat", Line, "UINT", P1, Works, "as vrrp_garp_master_repeat", "1.2.20",
        "Announcements per address after a lower-priority advert.";
    "vrrp_garp_master_delay", Line, "UINT(seconds)", P1, Works, "5 s", "1.2.20",
        "Seconds until the second burst of announcements; 0 sends none.";
    "vrrp_garp_master_refresh", Line, "UINT(seconds)", P1, Works, "0 s", "1.2.20",
        "Seconds between announcements while MASTER; 0 turns them off.";
    "vrrp_garp_master_refresh_repeat", Line, "UINT(1..)", P1, Works, "1", "1.2.20",
        "Announcements per address at each refresh.";
    "vrrp_garp_master_repeat", Line, "UINT(1..)", P1, Works, "5", "1.2.20",
        "Announcements per address in a burst.";
    "vrrp_gna_interval", Line, "TIMER(0.000001..)", P1, Works, "0 s", "1.2.21",
        "Least seconds between two unsolicited neighbour advertisements on an interface.";
    "vrrp_higher_prio_send_advert", Line, "[BOOL]", P1, Works, "off", "1.3.5",
        "Send one last advert before giving way to a higher priority.";
    "vrrp_ipsets", Line, "[SET4 [SET6 [SET_IF6 [SET_IGMP [SET_MLD [SET_ND]]]]]]",
        P2, NoEffect("nftables has sets of its own"), "keepalived and others", "1.2.20",
        "Names of the IP sets used with iptables.";
    "vrrp_iptables", Line, "[IN_CHAIN [OUT_CHAIN]]",
        P1, NoEffect("the same rules are written with nftables, in a table of their own"), "INPUT OUTPUT", "1.2.20",
        "Use iptables for firewall rules, in these chains.";
    "vrrp_lower_prio_no_advert", Line, "[BOOL]", P1, Works, "off", "1.2.20",
        "Do not answer a lower-priority advert.";
    "vrrp_mcast_group4", Line, "IPV4_MCAST", P1, Works, "224.0.0.18", "1.2.10",
        "IPv4 group that adverts are sent to.";
    "vrrp_mcast_group6", Line, "IPV6_MCAST", P1, Works, "ff02::12", "1.2.10",
        "IPv6 group that adverts are sent to.";
    "vrrp_min_garp", Line, "[BOOL]", P1, Works, "off", "2.0.12",
        "Announce once and send no second burst.";
    "vrrp_netlink_cmd_rcv_bufs", Line, "UINT(bytes)", P2, Works, "the kernel's", "2.0.0",
        "Receive buffer in bytes of the VRRP netlink command socket.";
    "vrrp_netlink_cmd_rcv_bufs_force", Line, "[BOOL]", P2, Works, "off", "2.0.0",
        "May exceed the kernel's limit for that buffer.";
    "vrrp_netlink_monitor_rcv_bufs", Line, "UINT(bytes)", P2, Works, "the kernel's", "2.0.0",
        "Receive buffer in bytes of the VRRP netlink event socket.";
    "vrrp_netlink_monitor_rcv_bufs_force", Line, "[BOOL]", P2, Works, "off", "2.0.0",
        "May exceed the kernel's limit for that buffer.";
    "vrrp_no_swap", Line, "", P1, Works, "off", "1.2.20",
        "Keep the whole process in memory.";
    "vrrp_notify_fifo", Line, "PATH [USER [[:]GROUP]]", P1, Works, "none", "1.3.6",
        "Named pipe that gets a line for every VRRP event.";
    "vrrp_notify_fifo_script", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, Works, "none", "1.3.6",
        "Reader that is started for vrrp_notify_fifo.";
    "vrrp_notify_priority_changes", Line, "[BOOL]", P2, Works, "off", "2.0.16",
        "Write priority changes to the pipes.";
    "vrrp_owner_ignore_adverts", Line, "[BOOL]", P2, Works, "off", "2.3.3",
        "Priority 255 ignores the adverts of others.";
    "vrrp_priority", Line, "INT(-20..19)", P1, Works, "unchanged", "1.2.20",
        "Nice value of the thread of VRRP and BFD.";
    "vrrp_process_name", Line, "STRING", P2, Works, "keepalived_vrrp", "2.0.16",
        "Name of the thread of VRRP, at most 15 characters.";
    "vrrp_rlimit_rtime", Line, "UINT(usec)", P2, Works, "", "2.0.0",
        "The old name of vrrp_rlimit_rttime.";
    "vrrp_rlimit_rttime", Line, "UINT(usec)", P2, Works, "no limit", "2.1.0",
        "Microseconds of processor time between two sleeps in real-time mode.";
    "vrrp_rt_priority", Line, "INT(1..99)", P1, Works, "off", "2.0.0",
        "Real-time priority of the thread of VRRP and BFD.";
    "vrrp_rx_bufs_multiplier", Line, "UINT(1..)", P2, Works, "3", "2.0.3",
        "Factor applied to the size found by vrrp_rx_bufs_policy.";
    "vrrp_rx_bufs_policy", Line, "MTU|ADVERT|UINT(bytes)", P2, Works, "the kernel's", "2.0.3",
        "How the receive buffer of VRRP sockets is sized.";
    "vrrp_skip_check_adv_addr", Line, "[BOOL]", P1, Works, "off", "1.2.20",
        "Compare the address list of the first advert of a master only.";
    "vrrp_startup_delay", Line, "TIMER(0.001..)", P1, Works, "0 s", "2.0.14",
        "Seconds after start during which no instance takes part.";
    "vrrp_strict", Line, "[BOOL]", P1, Works, "off", "1.2.20",
        "Refuse or reset whatever the RFC forbids.";
    "vrrp_version", Line, "2|3", P1, Works, "2", "1.2.20",
        "VRRP version of IPv4 instances.";
    "vrrp_vmac_garp_intvl", Line, "[all] UINT(1..86400 seconds)", P2, Works, "", "2.2.0",
        "The old name of vrrp_garp_extra_if.";
}
