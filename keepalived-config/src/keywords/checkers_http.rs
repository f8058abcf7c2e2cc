//! Web checkers and their TLS settings.

use super::prelude::{Block, Context, Keyword, Line, NotYet, P0, P1, P2};

table! { SSL, Ssl;
    "ca", Line, "FILE", P1, NotYet, "", "",
        "";
    "certificate", Line, "FILE", P1, NotYet, "", "",
        "";
    "key", Line, "FILE", P1, NotYet, "", "",
        "";
    "password", Line, "STRING", P1, NotYet, "", "",
        "";
}

table! { HTTP_GET, HttpGet;
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
    "enable_sni", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "fast_recovery", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "fwmark", Line, "UINT32", P1, NotYet, "", "",
        "";
    "http_protocol", Line, "1.0|1.0C|1.0c|1.1", P1, NotYet, "", "",
        "";
    "log_all_failures", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "nb_get_retry", Line, "UINT", P0, NotYet, "", "",
        "";
    "retry", Line, "UINT", P0, NotYet, "", "",
        "";
    "sni_name", Line, "STRING", P1, NotYet, "", "",
        "";
    "url", Block(Context::HttpGetUrl), "{ ... }", P0, NotYet, "", "",
        "";
    "virtualhost", Line, "STRING", P1, NotYet, "", "",
        "";
    "warmup", Line, "TIMER", P1, NotYet, "", "",
        "";
}

table! { HTTP_GET_URL, HttpGetUrl;
    "digest", Line, "MD5_HEX(32 digits)", P0, NotYet, "", "",
        "";
    "path", Line, "STRING", P0, NotYet, "", "",
        "";
    "regex", Line, "QUOTED-STRING (PCRE2)", P2, NotYet, "", "",
        "";
    "regex_max_offset", Line, "UINT", P2, NotYet, "", "",
        "";
    "regex_min_offset", Line, "UINT", P2, NotYet, "", "",
        "";
    "regex_no_match", Line, "", P2, NotYet, "", "",
        "";
    "regex_options", Line, "OPTION [OPTION ...]", P2, NotYet, "", "",
        "";
    "regex_stack", Line, "UINT(start bytes) UINT(max bytes)", P2, NotYet, "", "",
        "";
    "status_code", Line, "CODE|CODE-CODE [CODE|CODE-CODE ...]", P0, NotYet, "", "",
        "";
    "virtualhost", Line, "STRING", P1, NotYet, "", "",
        "";
}

table! { SSL_GET, SslGet;
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
    "enable_sni", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "fast_recovery", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "fwmark", Line, "UINT32", P1, NotYet, "", "",
        "";
    "http_protocol", Line, "1.0|1.0C|1.0c|1.1", P1, NotYet, "", "",
        "";
    "log_all_failures", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "nb_get_retry", Line, "UINT", P0, NotYet, "", "",
        "";
    "retry", Line, "UINT", P0, NotYet, "", "",
        "";
    "sni_name", Line, "STRING", P1, NotYet, "", "",
        "";
    "tls_compliant", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "url", Block(Context::SslGetUrl), "{ ... }", P0, NotYet, "", "",
        "";
    "virtualhost", Line, "STRING", P1, NotYet, "", "",
        "";
    "warmup", Line, "TIMER", P1, NotYet, "", "",
        "";
}

table! { SSL_GET_URL, SslGetUrl;
    "digest", Line, "MD5_HEX(32 digits)", P0, NotYet, "", "",
        "";
    "path", Line, "STRING", P0, NotYet, "", "",
        "";
    "regex", Line, "QUOTED-STRING (PCRE2)", P2, NotYet, "", "",
        "";
    "regex_max_offset", Line, "UINT", P2, NotYet, "", "",
        "";
    "regex_min_offset", Line, "UINT", P2, NotYet, "", "",
        "";
    "regex_no_match", Line, "", P2, NotYet, "", "",
        "";
    "regex_options", Line, "OPTION [OPTION ...]", P2, NotYet, "", "",
        "";
    "regex_stack", Line, "UINT(start bytes) UINT(max bytes)", P2, NotYet, "", "",
        "";
    "status_code", Line, "CODE|CODE-CODE [CODE|CODE-CODE ...]", P0, NotYet, "", "",
        "";
    "tls_compliant", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "virtualhost", Line, "STRING", P1, NotYet, "", "",
        "";
}
