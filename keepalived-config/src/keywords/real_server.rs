//! `real_server`.

use super::prelude::{Block, Context, Keyword, Line, NO_SNMP, P0, P1, P2, Refused, Works};

table! { REAL_SERVER, RealServer;
    "BFD_CHECK", Block(Context::BfdCheck), "{ ... }", P2, Works, "", "2.0.0",
        "Check that a BFD session is up.";
    "DNS_CHECK", Block(Context::DnsCheck), "{ ... }", P1, Works, "", "1.3.0",
        "Check that a name server answers.";
    "FILE_CHECK", Block(Context::FileCheck), "{ ... }", P2, Works, "", "2.1.0",
        "Take weight or failure from the number in a file.";
    "HTTP_GET", Block(Context::HttpGet), "{ ... }", P0, Works, "", "0.5",
        "Check pages over HTTP.";
    "MISC_CHECK", Block(Context::MiscCheck), "{ ... }", P0, Works, "", "0.5",
        "Check with a command.";
    "PING_CHECK", Block(Context::PingCheck), "{ ... }", P1, Works, "", "2.1.0",
        "Check that an ICMP echo is answered.";
    "SMTP_CHECK", Block(Context::SmtpCheck), "{ ... }", P1, Works, "", "1.1.8",
        "Check that a mail server greets and answers HELO.";
    "SSL_GET", Block(Context::SslGet), "{ ... }", P0, Works, "", "0.5",
        "Check pages over HTTPS.";
    "TCP_CHECK", Block(Context::TcpCheck), "{ ... }", P0, Works, "", "0.5",
        "Check that a TCP connection is accepted.";
    "UDP_CHECK", Block(Context::UdpCheck), "{ ... }", P1, Works, "", "2.1.0",
        "Check that a UDP datagram brings no error, or a wanted reply.";
    "alpha", Line, "[BOOL]", P1, Works, "off", "1.3.7",
        "Count as failed until the first check has passed.";
    "connect_timeout", Line, "TIMER(0.000001..4294.967295)", P1, Works, "as the service", "2.0.13",
        "Seconds to wait for a connection in checks.";
    "delay_before_retry", Line, "TIMER", P1, Works, "as the service", "1.3.7",
        "Seconds between attempts.";
    "delay_loop", Line, "TIMER(0.000001..)", P1, Works, "as the service", "1.3.7",
        "Seconds between checks.";
    "fall", Line, "UINT(1..)", P2, Works, "as the service", "keepalived-rs",
        "Failures in a row, each with its retries, that take a server down.";
    "inhibit_on_failure", Line, "[BOOL]", P1, Works, "as the service", "0.6.8",
        "When failed, weight 0 instead of being removed.";
    "lthreshold", Line, "UINT", P1, Works, "none", "1.1.13",
        "Connections below which the server gets new ones again.";
    "lvs_method", Line, "NAT|DR|TUN [type ipip|gue|gre] [port UINT(1..65535)] [nocsum|csum|remcsum]",
        P1, Works, "as the service", "1.3.6",
        "How packets reach this server.";
    "notify_down", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, Works, "none", "1.0.0",
        "Command run when the server goes down.";
    "notify_up", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, Works, "none", "1.0.0",
        "Command run when the server comes up.";
    "retry", Line, "UINT(1..)", P1, Works, "as the service", "1.3.7",
        "Further attempts after a failure.";
    "rise", Line, "UINT(1..)", P2, Works, "as the service", "keepalived-rs",
        "Successes in a row that bring a server back.";
    "smtp_alert", Line, "[BOOL]", P1, Works, "on", "2.0.0",
        "Send mail when the server changes.";
    "snmp_name", Line, "STRING", P2, Refused(NO_SNMP), "none", "2.2.3",
        "Label of the server in SNMP.";
    "uthreshold", Line, "UINT", P1, Works, "none", "1.1.13",
        "Connections above which the server gets no more.";
    "virtualhost", Line, "STRING", P1, Works, "as the service", "1.3.6",
        "Host name for web checks of this server.";
    "warmup", Line, "TIMER", P1, Works, "as delay_loop", "1.3.7",
        "Longest random delay in seconds before the first check.";
    "weight", Line, "UINT(0..2147483647)", P0, Works, "as the service", "0.5",
        "Share of the load; 0 keeps the server without new connections.";
}
