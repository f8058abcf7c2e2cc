//! `bfd_instance` and `sbfd_reflector`.

use super::prelude::{Context, Keyword, Line, P1, P2, Works};

table! { BFD, Bfd;
    "auth", Line, "simple|md5|meticulous_md5|sha1|meticulous_sha1 KEY_ID(0..255) KEY|hex:HEXDIGITS",
        P2, Works, "none", "keepalived-rs",
        "Authenticate packets with this key; the first of several keys signs, all are accepted.";
    "checker", Line, "", P2, Works, "both", "2.0.0",
        "Report to the checkers only.";
    "demand", Line, "DECIMAL_MS(1..4294967)", P2, Works, "off", "keepalived-rs",
        "Ask the neighbour for silence while up, and verify by a poll this often.";
    "echo", Line, "DECIMAL_MS(1..4294967)", P2, Works, "off", "keepalived-rs",
        "Send echo packets to source_ip, which is needed, by way of the neighbour this often, and have its own sent back.";
    "hoplimit", Line, "UINT(1..255)", P2, Works, "", "2.0.0",
        "The same as ttl.";
    "idle_tx", Line, "DECIMAL_MS(1000..4294967)", P1, Works, "1000 ms", "2.0.0",
        "Milliseconds between packets while the session is not up.";
    "interface", Line, "IFNAME", P2, Works, "any", "keepalived-rs",
        "Interface of the neighbour; needed for link-local addresses.";
    "max_hops", Line, "INT(-1..255)", P2, Works, "0", "2.0.0",
        "Hops a received packet may have lost; -1 and 255 check nothing.";
    "min_rx", Line, "DECIMAL_MS(1..4294967)", P1, Works, "10 ms", "2.0.0",
        "Least milliseconds between packets we want to receive.";
    "min_tx", Line, "DECIMAL_MS(1..4294967)", P1, Works, "10 ms", "2.0.0",
        "Least milliseconds between packets we want to send.";
    "multihop", Line, "[BOOL]", P2, Works, "off", "2.2.8",
        "Use the multi-hop port 4784.";
    "multiplier", Line, "UINT(1..255)", P1, Works, "5", "2.0.0",
        "Lost packets after which the session is down.";
    "neighbor_ip", Line, "IPADDR", P1, Works, "required", "2.0.0",
        "Address of the neighbour.";
    "neighbour_ip", Line, "IPADDR", P1, Works, "", "2.0.0",
        "Another spelling of neighbor_ip.";
    "passive", Line, "", P2, Works, "off", "2.0.0",
        "Wait for the neighbour to begin.";
    "sbfd", Line, "UINT(1..4294967295)|0xHEX|IPV4ADDR", P2, Works, "off", "keepalived-rs",
        "Ask the S-BFD reflector (RFC 7880) with this discriminator at neighbor_ip, instead of a session; min_tx, multiplier, source_ip, auth and weight go with it.";
    "source_ip", Line, "IPADDR", P1, Works, "the kernel's choice", "2.0.0",
        "Own address of the session.";
    "ttl", Line, "UINT(1..255)", P2, Works, "255; of IPv6, 64 is accepted", "2.0.0",
        "TTL or hop limit of sent packets, and that expected of received ones.";
    "vrrp", Line, "", P2, Works, "both", "2.0.0",
        "Report to the VRRP part only.";
    "weight", Line, "INT(-253..253) [reverse]", P1, Works, "0", "2.0.0",
        "What the session adds to or takes from the priority; 0 means down is FAULT.";
}

table! { SBFD_REFLECTOR, SbfdReflector;
    "admin_down", Line, "", P2, Works, "off", "keepalived-rs",
        "Answer that the system does not want to be used.";
    "auth", Line, "simple|md5|meticulous_md5|sha1|meticulous_sha1 KEY_ID(0..255) KEY|hex:HEXDIGITS",
        P2, Works, "none", "keepalived-rs",
        "Answer only what is signed with one of these keys; the first one signs the answers.";
    "discriminator", Line, "UINT(1..4294967295)|0xHEX|IPV4ADDR", P2, Works, "required", "keepalived-rs",
        "What initiators know this system by; several lines for several of them.";
    "min_rx", Line, "DECIMAL_MS(1..4294967)", P2, Works, "10 ms", "keepalived-rs",
        "Least milliseconds between questions of one initiator.";
}
