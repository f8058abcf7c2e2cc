//! `virtual_server`.

use super::prelude::{
    Block, Context, Keyword, Line, NO_SNMP, NoEffect, P0, P1, P2, Refused, Works,
};

table! { VIRTUAL_SERVER, VirtualServer;
    "alpha", Line, "", P1, Works, "off", "1.3.7",
        "Count as failed until the first check has passed.";
    "connect_timeout", Line, "TIMER(0.000001..4294.967295)", P0, Works, "5 s", "2.0.13",
        "Seconds to wait for a connection in checks.";
    "delay_before_retry", Line, "TIMER", P1, Works, "1 s", "1.3.7",
        "Seconds between attempts.";
    "delay_loop", Line, "TIMER(0.000001..)", P0, Works, "60 s", "1.3.7",
        "Seconds between checks.";
    "fall", Line, "UINT(1..)", P2, Works, "1", "keepalived-rs",
        "Failures in a row, each with its retries, that take a server down.";
    "flag-1", Line, "", P2, Works, "off", "1.3.0",
        "First flag of the scheduler.";
    "flag-2", Line, "", P2, Works, "off", "1.3.0",
        "Second flag of the scheduler.";
    "flag-3", Line, "", P2, Works, "off", "1.3.0",
        "Third flag of the scheduler.";
    "ha_suspend", Line, "", P1, Works, "off", "1.0.0",
        "Check only while the service's address is on this host.";
    "hashed", Line, "", P2, NoEffect("Keepalived ignores it too"), "", "1.3.0",
        "A word that sets nothing.";
    "hysteresis", Line, "UINT", P1, Works, "0", "1.1.16",
        "Margin around the quorum before it counts as changed.";
    "inhibit_on_failure", Line, "", P1, Works, "off", "1.3.7",
        "A failed server gets weight 0 instead of being removed.";
    "ip_family", Line, "inet|inet6", P2, Works, "that of the servers", "1.2.20",
        "Address family of a service given by a mark.";
    "lb_algo", Line, "rr|wrr|lc|wlc|lblc|sh|mh|dh|fo|ovf|lblcr|sed|nq|twos",
        P0, Works, "wlc", "0.5",
        "Scheduler that picks the server.";
    "lb_kind", Line, "NAT|DR|TUN [type ipip|gue|gre] [port UINT(1..65535)] [nocsum|csum|remcsum]",
        P0, Works, "NAT", "0.5",
        "How packets reach the servers.";
    "lvs_drain_time", Line, "TIMER(0..86400)", P2, Works, "0", "keepalived-rs",
        "Seconds for which a server that a reload removes stays with weight 0, and its connections with it.";
    "lvs_method", Line, "NAT|DR|TUN [type ipip|gue|gre] [port UINT(1..65535)] [nocsum|csum|remcsum]",
        P0, Works, "NAT", "1.1.5",
        "The newer name of lb_kind.";
    "lvs_sched", Line, "rr|wrr|lc|wlc|lblc|sh|mh|dh|fo|ovf|lblcr|sed|nq|twos",
        P0, Works, "wlc", "1.1.5",
        "The newer name of lb_algo.";
    "mh-fallback", Line, "", P1, Works, "off", "2.0.20",
        "Maglev hashing goes to the next server when the first is down.";
    "mh-port", Line, "", P1, Works, "off", "2.0.20",
        "Maglev hashing includes the port.";
    "omega", Line, "", P1, Works, "off", "1.1.16",
        "Run the down notifications at stop.";
    "ops", Line, "", P1, Works, "off", "1.2.8",
        "Schedule every UDP packet by itself.";
    "panic_threshold", Line, "UINT(1..100)", P2, Works, "off", "keepalived-rs",
        "When fewer than so many percent of the servers are live, the checks are disbelieved and all stay in service.";
    "persistence_engine", Line, "STRING(e.g. sip)", P2, Works, "by address", "1.2.20",
        "How the kernel recognises a client.";
    "persistence_granularity", Line, "IPV4_NETMASK|UINT(IPv6 prefix 1..128)",
        P1, Works, "one address", "0.5.7",
        "Netmask or prefix of clients that count as one.";
    "persistence_timeout", Line, "[UINT(1..2678400 seconds)]",
        P0, Works, "off; 360 s without a number", "0.5",
        "Seconds for which a client stays with its server.";
    "protocol", Line, "TCP|UDP|SCTP", P0, Works, "UDP", "0.5",
        "Transport protocol of the service.";
    "quorum", Line, "UINT(1..)", P0, Works, "1", "1.1.16",
        "Least total weight of live servers.";
    "quorum_down", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, Works, "none", "1.1.16",
        "Command run when the quorum is lost.";
    "quorum_up", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, Works, "none", "1.1.16",
        "Command run when the quorum is gained.";
    "real_server", Block(Context::RealServer), "IPADDR [PORT] { ... }", P0, Works, "", "0.5",
        "A server of the service.";
    "retry", Line, "UINT(1..)", P1, Works, "1", "1.3.7",
        "Further attempts after a failure.";
    "rise", Line, "UINT(1..)", P2, Works, "1", "keepalived-rs",
        "Successes in a row that bring a server back.";
    "sh-fallback", Line, "", P1, Works, "off", "1.3.0",
        "Source hashing goes to the next server when the first is down.";
    "sh-port", Line, "", P1, Works, "off", "1.3.0",
        "Source hashing includes the port.";
    "smtp_alert", Line, "[BOOL]", P1, Works, "as in global_defs", "2.0.0",
        "Send mail when the quorum changes.";
    "snmp_name", Line, "STRING", P2, Refused(NO_SNMP), "none", "2.2.3",
        "Label of the service in SNMP.";
    "sorry_server", Line, "IPADDR [PORT]", P0, Works, "none", "0.5",
        "Server used when the quorum is lost.";
    "sorry_server_inhibit", Line, "", P2, Works, "off", "1.2.13",
        "Keep the sorry server in the table with weight 0.";
    "sorry_server_lvs_method", Line, "NAT|DR|TUN [type ipip|gue|gre] [port UINT(1..65535)] [nocsum|csum|remcsum]",
        P1, Works, "as lvs_method", "1.3.6",
        "How packets reach the sorry server.";
    "virtualhost", Line, "STRING", P1, Works, "none", "1.3.7",
        "Host name for web checks of all servers.";
    "warmup", Line, "TIMER", P1, Works, "as delay_loop", "1.3.7",
        "Longest random delay in seconds before the first check.";
    "weight", Line, "UINT(1..2147483647)", P2, Works, "1", "1.3.7",
        "Weight of servers that give none.";
}
