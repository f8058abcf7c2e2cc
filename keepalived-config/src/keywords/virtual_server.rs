//! `virtual_server`.

use super::prelude::{Block, Context, Keyword, Line, NotYet, P0, P1, P2};

table! { VIRTUAL_SERVER, VirtualServer;
    "alpha", Line, "", P1, NotYet, "", "",
        "";
    "connect_timeout", Line, "TIMER(0.000001..4294.967295)", P0, NotYet, "", "",
        "";
    "delay_before_retry", Line, "TIMER", P1, NotYet, "", "",
        "";
    "delay_loop", Line, "TIMER(0.000001..)", P0, NotYet, "", "",
        "";
    "flag-1", Line, "", P2, NotYet, "", "",
        "";
    "flag-2", Line, "", P2, NotYet, "", "",
        "";
    "flag-3", Line, "", P2, NotYet, "", "",
        "";
    "ha_suspend", Line, "", P1, NotYet, "", "",
        "";
    "hashed", Line, "", P2, NotYet, "", "",
        "";
    "hysteresis", Line, "UINT", P1, NotYet, "", "",
        "";
    "inhibit_on_failure", Line, "", P1, NotYet, "", "",
        "";
    "ip_family", Line, "inet|inet6", P2, NotYet, "", "",
        "";
    "lb_algo", Line, "rr|wrr|lc|wlc|lblc|sh|mh|dh|fo|ovf|lblcr|sed|nq|twos", P0, NotYet, "", "",
        "";
    "lb_kind", Line, "NAT|DR|TUN [type ipip|gue|gre] [port UINT(1..65535)] [nocsum|csum|remcsum]",
        P0, NotYet, "", "",
        "";
    "lvs_method", Line, "NAT|DR|TUN [type ipip|gue|gre] [port UINT(1..65535)] [nocsum|csum|remcsum]",
        P0, NotYet, "", "",
        "";
    "lvs_sched", Line, "rr|wrr|lc|wlc|lblc|sh|mh|dh|fo|ovf|lblcr|sed|nq|twos", P0, NotYet, "", "",
        "";
    "mh-fallback", Line, "", P1, NotYet, "", "",
        "";
    "mh-port", Line, "", P1, NotYet, "", "",
        "";
    "omega", Line, "", P1, NotYet, "", "",
        "";
    "ops", Line, "", P1, NotYet, "", "",
        "";
    "persistence_engine", Line, "STRING(e.g. sip)", P2, NotYet, "", "",
        "";
    "persistence_granularity", Line, "IPV4_NETMASK|UINT(IPv6 prefix 1..128)", P1, NotYet, "", "",
        "";
    "persistence_timeout", Line, "[UINT(1..2678400 seconds)]", P0, NotYet, "", "",
        "";
    "protocol", Line, "TCP|UDP|SCTP (any case)", P0, NotYet, "", "",
        "";
    "quorum", Line, "UINT(1..)", P0, NotYet, "", "",
        "";
    "quorum_down", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, NotYet, "", "",
        "";
    "quorum_up", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, NotYet, "", "",
        "";
    "real_server", Block(Context::RealServer), "IPADDR [PORT] { ... }", P0, NotYet, "", "",
        "";
    "retry", Line, "UINT(1..)", P1, NotYet, "", "",
        "";
    "sh-fallback", Line, "", P1, NotYet, "", "",
        "";
    "sh-port", Line, "", P1, NotYet, "", "",
        "";
    "smtp_alert", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "snmp_name", Line, "STRING", P2, NotYet, "", "",
        "";
    "sorry_server", Line, "IPADDR [PORT]", P0, NotYet, "", "",
        "";
    "sorry_server_inhibit", Line, "", P2, NotYet, "", "",
        "";
    "sorry_server_lvs_method", Line, "NAT|DR|TUN [type ipip|gue|gre] [port UINT(1..65535)] [nocsum|csum|remcsum]",
        P1, NotYet, "", "",
        "";
    "virtualhost", Line, "STRING", P1, NotYet, "", "",
        "";
    "warmup", Line, "TIMER", P1, NotYet, "", "",
        "";
    "weight", Line, "UINT(1..2147483647)", P2, NotYet, "", "",
        "";
}
