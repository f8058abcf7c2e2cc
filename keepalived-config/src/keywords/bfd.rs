//! `bfd_instance`.

use super::prelude::{Context, Keyword, Line, NotYet, P1, P2};

table! { BFD, Bfd;
    "checker", Line, "", P2, NotYet, "", "",
        "";
    "hoplimit", Line, "UINT(1..255)", P2, NotYet, "", "",
        "";
    "idle_tx", Line, "DECIMAL_MS(1000..4294967)", P1, NotYet, "", "",
        "";
    "max_hops", Line, "INT(-1..255)", P2, NotYet, "", "",
        "";
    "min_rx", Line, "DECIMAL_MS(1..4294967)", P1, NotYet, "", "",
        "";
    "min_tx", Line, "DECIMAL_MS(1..4294967)", P1, NotYet, "", "",
        "";
    "multihop", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "multiplier", Line, "UINT(1..255)", P1, NotYet, "", "",
        "";
    "neighbor_ip", Line, "IPADDR", P1, NotYet, "", "",
        "";
    "neighbour_ip", Line, "IPADDR", P1, NotYet, "", "",
        "";
    "passive", Line, "", P2, NotYet, "", "",
        "";
    "source_ip", Line, "IPADDR", P1, NotYet, "", "",
        "";
    "ttl", Line, "UINT(1..255)", P2, NotYet, "", "",
        "";
    "vrrp", Line, "", P2, NotYet, "", "",
        "";
    "weight", Line, "INT(-253..253) [reverse]", P1, NotYet, "", "",
        "";
}
