//! `real_server`.

use super::prelude::{Block, Context, Keyword, Line, NotYet, P0, P1, P2};

table! { REAL_SERVER, RealServer;
    "BFD_CHECK", Block(Context::BfdCheck), "{ ... }", P2, NotYet, "", "",
        "";
    "DNS_CHECK", Block(Context::DnsCheck), "{ ... }", P1, NotYet, "", "",
        "";
    "FILE_CHECK", Block(Context::FileCheck), "{ ... }", P2, NotYet, "", "",
        "";
    "HTTP_GET", Block(Context::HttpGet), "{ ... }", P0, NotYet, "", "",
        "";
    "MISC_CHECK", Block(Context::MiscCheck), "{ ... }", P0, NotYet, "", "",
        "";
    "PING_CHECK", Block(Context::PingCheck), "{ ... }", P1, NotYet, "", "",
        "";
    "SMTP_CHECK", Block(Context::SmtpCheck), "{ ... }", P1, NotYet, "", "",
        "";
    "SSL_GET", Block(Context::SslGet), "{ ... }", P0, NotYet, "", "",
        "";
    "TCP_CHECK", Block(Context::TcpCheck), "{ ... }", P0, NotYet, "", "",
        "";
    "UDP_CHECK", Block(Context::UdpCheck), "{ ... }", P1, NotYet, "", "",
        "";
    "alpha", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "connect_timeout", Line, "TIMER(0.000001..4294.967295)", P1, NotYet, "", "",
        "";
    "delay_before_retry", Line, "TIMER", P1, NotYet, "", "",
        "";
    "delay_loop", Line, "TIMER(0.000001..)", P1, NotYet, "", "",
        "";
    "inhibit_on_failure", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "lthreshold", Line, "UINT", P1, NotYet, "", "",
        "";
    "lvs_method", Line, "NAT|DR|TUN [type ipip|gue|gre] [port UINT(1..65535)] [nocsum|csum|remcsum]",
        P1, NotYet, "", "",
        "";
    "notify_down", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, NotYet, "", "",
        "";
    "notify_up", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, NotYet, "", "",
        "";
    "retry", Line, "UINT(1..)", P1, NotYet, "", "",
        "";
    "smtp_alert", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "snmp_name", Line, "STRING", P2, NotYet, "", "",
        "";
    "uthreshold", Line, "UINT", P1, NotYet, "", "",
        "";
    "virtualhost", Line, "STRING", P1, NotYet, "", "",
        "";
    "warmup", Line, "TIMER", P1, NotYet, "", "",
        "";
    "weight", Line, "UINT(0..2147483647)", P0, NotYet, "", "",
        "";
}
