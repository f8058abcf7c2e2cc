//! Checkers that connect to the server.

use super::prelude::{Block, Context, Keyword, Line, NoEffect, P0, P1, P2, Works};

table! { SMTP_CHECK, SmtpCheck;
    "alpha", Line, "[BOOL]", P1, Works, "off", "1.3.7",
        "Count as failed until the first check has passed.";
    "bind_if", Line, "IFNAME", P2, Works, "by route", "1.3.7",
        "Interface the check leaves by.";
    "bind_port", Line, "UINT(1..65535)", P2, Works, "the kernel's choice", "1.2.13",
        "Source port of the check.";
    "bindto", Line, "IPADDR", P1, Works, "the kernel's choice", "1.1.2",
        "Source address of the check.";
    "connect_ip", Line, "IPADDR", P1, Works, "the server's", "1.2.13",
        "Address to check instead of the server's.";
    "connect_port", Line, "UINT(1..65535)", P1, Works, "the server's", "0.5.8",
        "Port to check instead of the server's.";
    "connect_timeout", Line, "TIMER(0.000001..4294.967295)", P1, Works, "as the server", "0.5",
        "Seconds to wait for the connection or reply.";
    "delay_before_retry", Line, "TIMER", P1, Works, "as the server", "1.3.7",
        "Seconds between attempts.";
    "delay_loop", Line, "TIMER(0.000001..)", P1, Works, "as the server", "1.3.7",
        "Seconds between checks.";
    "fall", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Failures in a row, each with its retries, that take a server down.";
    "fwmark", Line, "UINT32", P1, Works, "none", "1.2.13",
        "Mark on the packets of the check.";
    "helo_name", Line, "STRING", P1, Works, "smtpchecker.keepalived.org", "1.1.8",
        "Name given in HELO.";
    "host", Block(Context::SmtpCheckHost), "{ ... }", P2, Works, "", "1.1.8",
        "The old way to name a target; several make several checkers.";
    "log_all_failures", Line, "[BOOL]", P2, Works, "as in global_defs", "2.0.11",
        "Log every failure, not only changes.";
    "retry", Line, "UINT", P1, Works, "as the server", "1.3.7",
        "Further attempts after a failure.";
    "rise", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Successes in a row that bring a server back.";
    "warmup", Line, "TIMER", P1, Works, "as delay_loop", "1.3.7",
        "Longest random delay in seconds before the first check.";
}

table! { SMTP_CHECK_HOST, SmtpCheckHost;
    "alpha", Line, "[BOOL]", P2, Works, "off", "1.3.7",
        "Count as failed until the first check has passed.";
    "bind_if", Line, "IFNAME", P2, Works, "by route", "1.3.7",
        "Interface the check leaves by.";
    "bind_port", Line, "UINT(1..65535)", P2, Works, "the kernel's choice", "1.2.13",
        "Source port of the check.";
    "bindto", Line, "IPADDR", P2, Works, "the kernel's choice", "1.1.2",
        "Source address of the check.";
    "connect_ip", Line, "IPADDR", P2, Works, "the server's", "1.2.13",
        "Address to check instead of the server's.";
    "connect_port", Line, "UINT(1..65535)", P2, Works, "the server's", "0.5.8",
        "Port to check instead of the server's.";
    "connect_timeout", Line, "TIMER(0.000001..4294.967295)", P2, Works, "as the server", "0.5",
        "Seconds to wait for the connection or reply.";
    "delay_before_retry", Line, "TIMER", P2, Works, "as the server", "1.3.7",
        "Seconds between attempts.";
    "delay_loop", Line, "TIMER(0.000001..)", P2, Works, "as the server", "1.3.7",
        "Seconds between checks.";
    "fall", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Failures in a row, each with its retries, that take a server down.";
    "fwmark", Line, "UINT32", P2, Works, "none", "1.2.13",
        "Mark on the packets of the check.";
    "log_all_failures", Line, "[BOOL]", P2, Works, "as in global_defs", "2.0.11",
        "Log every failure, not only changes.";
    "retry", Line, "UINT", P2, Works, "as the server", "1.3.7",
        "Further attempts after a failure.";
    "rise", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Successes in a row that bring a server back.";
    "warmup", Line, "TIMER", P2, Works, "as delay_loop", "1.3.7",
        "Longest random delay in seconds before the first check.";
}

table! { TCP_CHECK, TcpCheck;
    "alpha", Line, "[BOOL]", P1, Works, "off", "1.3.7",
        "Count as failed until the first check has passed.";
    "bind_if", Line, "IFNAME", P2, Works, "by route", "1.3.7",
        "Interface the check leaves by.";
    "bind_port", Line, "UINT(1..65535)", P2, Works, "the kernel's choice", "1.2.13",
        "Source port of the check.";
    "bindto", Line, "IPADDR", P1, Works, "the kernel's choice", "1.1.2",
        "Source address of the check.";
    "connect_ip", Line, "IPADDR", P1, Works, "the server's", "1.2.13",
        "Address to check instead of the server's.";
    "connect_port", Line, "UINT(1..65535)", P0, Works, "the server's", "0.5.8",
        "Port to check instead of the server's.";
    "connect_timeout", Line, "TIMER(0.000001..4294.967295)", P0, Works, "as the server", "0.5",
        "Seconds to wait for the connection or reply.";
    "delay_before_retry", Line, "TIMER", P0, Works, "as the server", "1.3.7",
        "Seconds between attempts.";
    "delay_loop", Line, "TIMER(0.000001..)", P1, Works, "as the server", "1.3.7",
        "Seconds between checks.";
    "fall", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Failures in a row, each with its retries, that take a server down.";
    "fwmark", Line, "UINT32", P1, Works, "none", "1.2.13",
        "Mark on the packets of the check.";
    "log_all_failures", Line, "[BOOL]", P2, Works, "as in global_defs", "2.0.11",
        "Log every failure, not only changes.";
    "retry", Line, "UINT", P0, Works, "as the server", "1.3.7",
        "Further attempts after a failure.";
    "rise", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Successes in a row that bring a server back.";
    "warmup", Line, "TIMER", P1, Works, "as delay_loop", "1.3.7",
        "Longest random delay in seconds before the first check.";
}

table! { PING_CHECK, PingCheck;
    "alpha", Line, "[BOOL]", P1, Works, "off", "1.3.7",
        "Count as failed until the first check has passed.";
    "bind_if", Line, "IFNAME", P2, Works, "by route", "1.3.7",
        "Interface the check leaves by.";
    "bind_port", Line, "UINT(1..65535)", P2, NoEffect("an echo has no port"), "the kernel's choice", "1.2.13",
        "Source port of the check.";
    "bindto", Line, "IPADDR", P1, Works, "the kernel's choice", "1.1.2",
        "Source address of the check.";
    "connect_ip", Line, "IPADDR", P1, Works, "the server's", "1.2.13",
        "Address to check instead of the server's.";
    "connect_port", Line, "UINT(1..65535)", P1, NoEffect("an echo has no port"), "the server's", "0.5.8",
        "Port to check instead of the server's.";
    "connect_timeout", Line, "TIMER(0.000001..4294.967295)", P1, Works, "as the server", "0.5",
        "Seconds to wait for the connection or reply.";
    "delay_before_retry", Line, "TIMER", P1, Works, "as the server", "1.3.7",
        "Seconds between attempts.";
    "delay_loop", Line, "TIMER(0.000001..)", P1, Works, "as the server", "1.3.7",
        "Seconds between checks.";
    "fall", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Failures in a row, each with its retries, that take a server down.";
    "fwmark", Line, "UINT32", P1, Works, "none", "1.2.13",
        "Mark on the packets of the check.";
    "log_all_failures", Line, "[BOOL]", P2, Works, "as in global_defs", "2.0.11",
        "Log every failure, not only changes.";
    "retry", Line, "UINT", P1, Works, "as the server", "1.3.7",
        "Further attempts after a failure.";
    "rise", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Successes in a row that bring a server back.";
    "warmup", Line, "TIMER", P1, Works, "as delay_loop", "1.3.7",
        "Longest random delay in seconds before the first check.";
}

table! { UDP_CHECK, UdpCheck;
    "alpha", Line, "[BOOL]", P1, Works, "off", "1.3.7",
        "Count as failed until the first check has passed.";
    "bind_if", Line, "IFNAME", P2, Works, "by route", "1.3.7",
        "Interface the check leaves by.";
    "bind_port", Line, "UINT(1..65535)", P2, Works, "the kernel's choice", "1.2.13",
        "Source port of the check.";
    "bindto", Line, "IPADDR", P1, Works, "the kernel's choice", "1.1.2",
        "Source address of the check.";
    "connect_ip", Line, "IPADDR", P1, Works, "the server's", "1.2.13",
        "Address to check instead of the server's.";
    "connect_port", Line, "UINT(1..65535)", P1, Works, "the server's", "0.5.8",
        "Port to check instead of the server's.";
    "connect_timeout", Line, "TIMER(0.000001..4294.967295)", P1, Works, "as the server", "0.5",
        "Seconds to wait for the connection or reply.";
    "delay_before_retry", Line, "TIMER", P1, Works, "as the server", "1.3.7",
        "Seconds between attempts.";
    "delay_loop", Line, "TIMER(0.000001..)", P1, Works, "as the server", "1.3.7",
        "Seconds between checks.";
    "fall", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Failures in a row, each with its retries, that take a server down.";
    "fwmark", Line, "UINT32", P1, Works, "none", "1.2.13",
        "Mark on the packets of the check.";
    "log_all_failures", Line, "[BOOL]", P2, Works, "as in global_defs", "2.0.11",
        "Log every failure, not only changes.";
    "max_reply_length", Line, "UINT(0..65535)", P2, Works, "255", "2.1.0",
        "Greatest bytes of a reply.";
    "min_reply_length", Line, "UINT(0..65535)", P2, Works, "0", "2.1.0",
        "Least bytes of a reply.";
    "payload", Line, "HEX_STR", P1, Works, "a fixed text", "2.1.0",
        "Bytes to send, in hexadecimal.";
    "require_reply", Line, "[HEX_STR, X for any digit]", P1, Works, "off", "2.1.0",
        "Demand a reply, optionally with these bytes.";
    "retry", Line, "UINT", P1, Works, "as the server", "1.3.7",
        "Further attempts after a failure.";
    "rise", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Successes in a row that bring a server back.";
    "warmup", Line, "TIMER", P1, Works, "as delay_loop", "1.3.7",
        "Longest random delay in seconds before the first check.";
}

table! { DNS_CHECK, DnsCheck;
    "alpha", Line, "[BOOL]", P1, Works, "off", "1.3.7",
        "Count as failed until the first check has passed.";
    "bind_if", Line, "IFNAME", P2, Works, "by route", "1.3.7",
        "Interface the check leaves by.";
    "bind_port", Line, "UINT(1..65535)", P2, Works, "the kernel's choice", "1.2.13",
        "Source port of the check.";
    "bindto", Line, "IPADDR", P1, Works, "the kernel's choice", "1.1.2",
        "Source address of the check.";
    "connect_ip", Line, "IPADDR", P1, Works, "the server's", "1.2.13",
        "Address to check instead of the server's.";
    "connect_port", Line, "UINT(1..65535)", P1, Works, "the server's", "0.5.8",
        "Port to check instead of the server's.";
    "connect_timeout", Line, "TIMER(0.000001..4294.967295)", P1, Works, "as the server", "0.5",
        "Seconds to wait for the connection or reply.";
    "delay_before_retry", Line, "TIMER", P1, Works, "as delay_loop", "1.3.7",
        "Seconds between attempts.";
    "delay_loop", Line, "TIMER(0.000001..)", P1, Works, "as the server", "1.3.7",
        "Seconds between checks.";
    "fall", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Failures in a row, each with its retries, that take a server down.";
    "fwmark", Line, "UINT32", P1, Works, "none", "1.2.13",
        "Mark on the packets of the check.";
    "log_all_failures", Line, "[BOOL]", P2, Works, "as in global_defs", "2.0.11",
        "Log every failure, not only changes.";
    "name", Line, "DOMAIN", P1, Works, ".", "1.3.0",
        "Name to ask for.";
    "retry", Line, "UINT", P1, Works, "3", "1.3.7",
        "Further attempts after a failure.";
    "rise", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Successes in a row that bring a server back.";
    "type", Line, "A|NS|CNAME|SOA|MX|TXT|AAAA", P1, Works, "SOA", "1.3.0",
        "Record type to ask for.";
    "warmup", Line, "TIMER", P1, Works, "as delay_loop", "1.3.7",
        "Longest random delay in seconds before the first check.";
}
