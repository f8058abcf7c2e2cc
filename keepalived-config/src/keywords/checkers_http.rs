//! Web checkers and their TLS settings.

use super::prelude::{Block, Context, Keyword, Line, NoEffect, P0, P1, P2, Works};

table! { SSL, Ssl;
    "ca", Line, "FILE", P1, Works, "none", "0.5",
        "File with trusted certificates, of authorities or of servers, for checks with ssl_verify. Others believe anybody, as in Keepalived.";
    "certificate", Line, "FILE", P1, Works, "none", "0.5",
        "File with the client certificate.";
    "key", Line, "FILE", P1, Works, "none", "0.5",
        "File with the private key.";
    "password", Line, "STRING", P1, Works, "none", "0.5",
        "Password of the private key, which is one of PKCS#8 (ENCRYPTED PRIVATE KEY).";
}

table! { HTTP_GET, HttpGet;
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
    "delay_before_retry", Line, "TIMER", P0, Works, "3 s", "1.3.7",
        "Seconds between attempts.";
    "delay_loop", Line, "TIMER(0.000001..)", P1, Works, "as the server", "1.3.7",
        "Seconds between checks.";
    "enable_sni", Line, "[BOOL]", P1, NoEffect("there is no TLS in HTTP_GET"), "off", "1.4.3",
        "Send the host name in the TLS greeting.";
    "fall", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Failures in a row, each with its retries, that take a server down.";
    "fast_recovery", Line, "[BOOL]", P1, Works, "off", "2.0.17",
        "Check all pages at once when coming back.";
    "fwmark", Line, "UINT32", P1, Works, "none", "1.2.13",
        "Mark on the packets of the check.";
    "http_protocol", Line, "1.0|1.0C|1.0c|1.1", P1, Works, "1.0", "2.0.17",
        "HTTP version of the request.";
    "log_all_failures", Line, "[BOOL]", P2, Works, "as in global_defs", "2.0.11",
        "Log every failure, not only changes.";
    "nb_get_retry", Line, "UINT", P0, Works, "", "0.5",
        "The old name of retry.";
    "retry", Line, "UINT", P0, Works, "as the server", "1.3.7",
        "Further attempts after a failure.";
    "rise", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Successes in a row that bring a server back.";
    "sni_name", Line, "STRING", P1, NoEffect("there is no TLS in HTTP_GET"), "as virtualhost", "2.4.3+",
        "Host name to send in the TLS greeting.";
    "url", Block(Context::HttpGetUrl), "{ ... }", P0, Works, "", "0.5",
        "A page to fetch.";
    "virtualhost", Line, "STRING", P1, Works, "as the server", "1.3.6",
        "Host name in the request.";
    "warmup", Line, "TIMER", P1, Works, "as delay_loop", "1.3.7",
        "Longest random delay in seconds before the first check.";
}

table! { HTTP_GET_URL, HttpGetUrl;
    "digest", Line, "MD5_HEX(32 digits)", P0, Works, "not checked", "0.5",
        "MD5 of the page.";
    "path", Line, "STRING", P0, Works, "/", "0.5",
        "Path of the page.";
    "regex", Line, "QUOTED-STRING (PCRE2)", P2, Works, "none", "2.0.7",
        "Pattern the page must match. The word has escapes, as a command has: `\\\\d` is the class `\\d`.";
    "regex_max_offset", Line, "UINT", P2, Works, "none", "2.0.7",
        "Last byte at which a match may begin.";
    "regex_min_offset", Line, "UINT", P2, Works, "0", "2.0.7",
        "First byte at which a match may begin.";
    "regex_no_match", Line, "", P2, Works, "off", "2.0.7",
        "The page must not match the pattern.";
    "regex_options", Line, "OPTION [OPTION ...]", P2, Works, "none", "2.0.7",
        "Options of the pattern.";
    "regex_stack", Line, "UINT(bytes) UINT(bytes)", P2, NoEffect("patterns are matched in linear time, without a stack"), "", "2.0.7",
        "First and greatest size in bytes of the matcher's stack.";
    "status_code", Line, "CODE|CODE-CODE [CODE|CODE-CODE ...]", P0, Works, "200-299", "0.7.6",
        "Status codes that pass.";
    "virtualhost", Line, "STRING", P1, Works, "as the checker", "1.3.6",
        "Host name in the request.";
}

table! { SSL_GET, SslGet;
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
    "delay_before_retry", Line, "TIMER", P0, Works, "3 s", "1.3.7",
        "Seconds between attempts.";
    "delay_loop", Line, "TIMER(0.000001..)", P1, Works, "as the server", "1.3.7",
        "Seconds between checks.";
    "enable_sni", Line, "[BOOL]", P1, Works, "off", "1.4.3",
        "Send the host name in the TLS greeting.";
    "fall", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Failures in a row, each with its retries, that take a server down.";
    "fast_recovery", Line, "[BOOL]", P1, Works, "off", "2.0.17",
        "Check all pages at once when coming back.";
    "fwmark", Line, "UINT32", P1, Works, "none", "1.2.13",
        "Mark on the packets of the check.";
    "http_protocol", Line, "1.0|1.0C|1.0c|1.1", P1, Works, "1.0", "2.0.17",
        "HTTP version of the request.";
    "log_all_failures", Line, "[BOOL]", P2, Works, "as in global_defs", "2.0.11",
        "Log every failure, not only changes.";
    "nb_get_retry", Line, "UINT", P0, Works, "", "0.5",
        "The old name of retry.";
    "retry", Line, "UINT", P0, Works, "as the server", "1.3.7",
        "Further attempts after a failure.";
    "rise", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Successes in a row that bring a server back.";
    "sni_name", Line, "STRING", P1, Works, "as virtualhost", "2.4.3+",
        "Host name to send in the TLS greeting.";
    "ssl_verify", Line, "[BOOL]", P2, Works, "off", "keepalived-rs",
        "The server's certificate has to be signed by one of the ca of SSL, or be one of them, be of age, and name the host: sni_name, with enable_sni the virtualhost, else the address.";
    "tls_compliant", Line, "[BOOL]", P2, Works, "off", "2.2.8",
        "Treat an unclean end of the TLS session as failure.";
    "url", Block(Context::SslGetUrl), "{ ... }", P0, Works, "", "0.5",
        "A page to fetch.";
    "virtualhost", Line, "STRING", P1, Works, "as the server", "1.3.6",
        "Host name in the request.";
    "warmup", Line, "TIMER", P1, Works, "as delay_loop", "1.3.7",
        "Longest random delay in seconds before the first check.";
}

table! { SSL_GET_URL, SslGetUrl;
    "digest", Line, "MD5_HEX(32 digits)", P0, Works, "not checked", "0.5",
        "MD5 of the page.";
    "path", Line, "STRING", P0, Works, "/", "0.5",
        "Path of the page.";
    "regex", Line, "QUOTED-STRING (PCRE2)", P2, Works, "none", "2.0.7",
        "Pattern the page must match. The word has escapes, as a command has: `\\\\d` is the class `\\d`.";
    "regex_max_offset", Line, "UINT", P2, Works, "none", "2.0.7",
        "Last byte at which a match may begin.";
    "regex_min_offset", Line, "UINT", P2, Works, "0", "2.0.7",
        "First byte at which a match may begin.";
    "regex_no_match", Line, "", P2, Works, "off", "2.0.7",
        "The page must not match the pattern.";
    "regex_options", Line, "OPTION [OPTION ...]", P2, Works, "none", "2.0.7",
        "Options of the pattern.";
    "regex_stack", Line, "UINT(bytes) UINT(bytes)", P2, NoEffect("patterns are matched in linear time, without a stack"), "", "2.0.7",
        "First and greatest size in bytes of the matcher's stack.";
    "status_code", Line, "CODE|CODE-CODE [CODE|CODE-CODE ...]", P0, Works, "200-299", "0.7.6",
        "Status codes that pass.";
    "tls_compliant", Line, "[BOOL]", P2, Works, "as the checker", "2.2.8",
        "Treat an unclean end of the TLS session as failure.";
    "virtualhost", Line, "STRING", P1, Works, "as the checker", "1.3.6",
        "Host name in the request.";
}
