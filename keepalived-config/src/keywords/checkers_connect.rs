//! Checkers that connect to the server.

use super::prelude::{Block, Context, Keyword, Line, NotYet, P0, P1, P2};

table! { SMTP_CHECK, SmtpCheck;
    "alpha", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "bind_if", Line, "IFNAME", P2, NotYet, "", "",
        "";
    "bind_port", Line, "UINT(1..65535)", P2, NotYet, "", "",
        "";
    "bindto", Line, "IPADDR", P1, NotYet, "", "",
        "";
    "connect_ip", Line, "IPADDR", P1, NotYet, "", "",
        "";
    "connect_port", Line, "UINT(1..65535)", P1, NotYet, "", "",
        "";
    "connect_timeout", Line, "TIMER(0.000001..4294.967295)", P1, NotYet, "", "",
        "";
    "delay_before_retry", Line, "TIMER", P1, NotYet, "", "",
        "";
    "delay_loop", Line, "TIMER(0.000001..)", P1, NotYet, "", "",
        "";
    "fwmark", Line, "UINT32", P1, NotYet, "", "",
        "";
    "helo_name", Line, "STRING", P1, NotYet, "", "",
        "";
    "host", Block(Context::SmtpCheckHost), "{ ... }", P2, NotYet, "", "",
        "";
    "log_all_failures", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "retry", Line, "UINT", P1, NotYet, "", "",
        "";
    "warmup", Line, "TIMER", P1, NotYet, "", "",
        "";
}

table! { SMTP_CHECK_HOST, SmtpCheckHost;
    "alpha", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "bind_if", Line, "IFNAME", P2, NotYet, "", "",
        "";
    "bind_port", Line, "UINT(1..65535)", P2, NotYet, "", "",
        "";
    "bindto", Line, "IPADDR", P2, NotYet, "", "",
        "";
    "connect_ip", Line, "IPADDR", P2, NotYet, "", "",
        "";
    "connect_port", Line, "UINT(1..65535)", P2, NotYet, "", "",
        "";
    "connect_timeout", Line, "TIMER(0.000001..4294.967295)", P2, NotYet, "", "",
        "";
    "delay_before_retry", Line, "TIMER", P2, NotYet, "", "",
        "";
    "delay_loop", Line, "TIMER(0.000001..)", P2, NotYet, "", "",
        "";
    "fwmark", Line, "UINT32", P2, NotYet, "", "",
        "";
    "log_all_failures", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "retry", Line, "UINT", P2, NotYet, "", "",
        "";
    "warmup", Line, "TIMER", P2, NotYet, "", "",
        "";
}

table! { TCP_CHECK, TcpCheck;
    "alpha", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "bind_if", Line, "IFNAME", P2, NotYet, "", "",
        "";
    "bind_port", Line, "UINT(1..65535)", P2, NotYet, "", "",
        "";
    "bindto", Line, "IPADDR", P1, NotYet, "", "",
        "";
    "connect_ip", Line, "IPADDR", P1, NotYet, "", "",
        "";
    "connect_port", Line, "UINT(1..65535)", P0, NotYet, "", "",
        "";
    "connect_timeout", Line, "TIMER(0.000001..4294.967295)", P0, NotYet, "", "",
        "";
    "delay_before_retry", Line, "TIMER", P0, NotYet, "", "",
        "";
    "delay_loop", Line, "TIMER(0.000001..)", P1, NotYet, "", "",
        "";
    "fwmark", Line, "UINT32", P1, NotYet, "", "",
        "";
    "log_all_failures", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "retry", Line, "UINT", P0, NotYet, "", "",
        "";
    "warmup", Line, "TIMER", P1, NotYet, "", "",
        "";
}

table! { PING_CHECK, PingCheck;
    "alpha", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "bind_if", Line, "IFNAME", P2, NotYet, "", "",
        "";
    "bind_port", Line, "UINT(1..65535)", P2, NotYet, "", "",
        "";
    "bindto", Line, "IPADDR", P1, NotYet, "", "",
        "";
    "connect_ip", Line, "IPADDR", P1, NotYet, "", "",
        "";
    "connect_port", Line, "UINT(1..65535)", P1, NotYet, "", "",
        "";
    "connect_timeout", Line, "TIMER(0.000001..4294.967295)", P1, NotYet, "", "",
        "";
    "delay_before_retry", Line, "TIMER", P1, NotYet, "", "",
        "";
    "delay_loop", Line, "TIMER(0.000001..)", P1, NotYet, "", "",
        "";
    "fwmark", Line, "UINT32", P1, NotYet, "", "",
        "";
    "log_all_failures", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "retry", Line, "UINT", P1, NotYet, "", "",
        "";
    "warmup", Line, "TIMER", P1, NotYet, "", "",
        "";
}

table! { UDP_CHECK, UdpCheck;
    "alpha", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "bind_if", Line, "IFNAME", P2, NotYet, "", "",
        "";
    "bind_port", Line, "UINT(1..65535)", P2, NotYet, "", "",
        "";
    "bindto", Line, "IPADDR", P1, NotYet, "", "",
        "";
    "connect_ip", Line, "IPADDR", P1, NotYet, "", "",
        "";
    "connect_port", Line, "UINT(1..65535)", P1, NotYet, "", "",
        "";
    "connect_timeout", Line, "TIMER(0.000001..4294.967295)", P1, NotYet, "", "",
        "";
    "delay_before_retry", Line, "TIMER", P1, NotYet, "", "",
        "";
    "delay_loop", Line, "TIMER(0.000001..)", P1, NotYet, "", "",
        "";
    "fwmark", Line, "UINT32", P1, NotYet, "", "",
        "";
    "log_all_failures", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "max_reply_length", Line, "UINT(0..65535)", P2, NotYet, "", "",
        "";
    "min_reply_length", Line, "UINT(0..65535)", P2, NotYet, "", "",
        "";
    "payload", Line, "HEX_STR", P1, NotYet, "", "",
        "";
    "require_reply", Line, "[HEX_STR with X as wildcard nibble]", P1, NotYet, "", "",
        "";
    "retry", Line, "UINT", P1, NotYet, "", "",
        "";
    "warmup", Line, "TIMER", P1, NotYet, "", "",
        "";
}

table! { DNS_CHECK, DnsCheck;
    "alpha", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "bind_if", Line, "IFNAME", P2, NotYet, "", "",
        "";
    "bind_port", Line, "UINT(1..65535)", P2, NotYet, "", "",
        "";
    "bindto", Line, "IPADDR", P1, NotYet, "", "",
        "";
    "connect_ip", Line, "IPADDR", P1, NotYet, "", "",
        "";
    "connect_port", Line, "UINT(1..65535)", P1, NotYet, "", "",
        "";
    "connect_timeout", Line, "TIMER(0.000001..4294.967295)", P1, NotYet, "", "",
        "";
    "delay_before_retry", Line, "TIMER", P1, NotYet, "", "",
        "";
    "delay_loop", Line, "TIMER(0.000001..)", P1, NotYet, "", "",
        "";
    "fwmark", Line, "UINT32", P1, NotYet, "", "",
        "";
    "log_all_failures", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "name", Line, "DOMAIN", P1, NotYet, "", "",
        "";
    "retry", Line, "UINT", P1, NotYet, "", "",
        "";
    "type", Line, "A|NS|CNAME|SOA|MX|TXT|AAAA", P1, NotYet, "", "",
        "";
    "warmup", Line, "TIMER", P1, NotYet, "", "",
        "";
}
