//! `bfd_instance`.

use super::prelude::{Context, Keyword, Line, NotYet, P1, P2};

table! { BFD, Bfd;
    "checker", Line, "", P2, NotYet, "both", "2.0.0",
        "Report to the checkers only.";
    "hoplimit", Line, "UINT(1..255)", P2, NotYet, "", "2.0.0",
        "The same as ttl.";
    "idle_tx", Line, "DECIMAL_MS(1000..4294967)", P1, NotYet, "1000 ms", "2.0.0",
        "Milliseconds between packets while the session is not up.";
    "max_hops", Line, "INT(-1..255)", P2, NotYet, "0", "2.0.0",
        "Hops a received packet may have lost; -1 checks nothing.";
    "min_rx", Line, "DECIMAL_MS(1..4294967)", P1, NotYet, "10 ms", "2.0.0",
        "Least milliseconds between packets we want to receive.";
    "min_tx", Line, "DECIMAL_MS(1..4294967)", P1, NotYet, "10 ms", "2.0.0",
        "Least milliseconds between packets we want to send.";
    "multihop", Line, "[BOOL]", P2, NotYet, "off", "2.2.8",
        "Use the multi-hop port 4784.";
    "multiplier", Line, "UINT(1..255)", P1, NotYet, "5", "2.0.0",
        "Lost packets after which the session is down.";
    "neighbor_ip", Line, "IPADDR", P1, NotYet, "required", "2.0.0",
        "Address of the neighbour.";
    "neighbour_ip", Line, "IPADDR", P1, NotYet, "", "2.0.0",
        "Another spelling of neighbor_ip.";
    "passive", Line, "", P2, NotYet, "off", "2.0.0",
        "Wait for the neighbour to begin.";
    "source_ip", Line, "IPADDR", P1, NotYet, "the kernel's choice", "2.0.0",
        "Own address of the session.";
    "ttl", Line, "UINT(1..255)", P2, NotYet, "255, or 64 for IPv6", "2.0.0",
        "TTL or hop limit of sent packets.";
    "vrrp", Line, "", P2, NotYet, "both", "2.0.0",
        "Report to the VRRP part only.";
    "weight", Line, "INT(-253..253) [reverse]", P1, NotYet, "0", "2.0.0",
        "What the session adds to or takes from the priority; 0 means down is FAULT.";
}
