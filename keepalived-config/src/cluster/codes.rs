//! The kinds of mistakes, by their stable names.

/// Every code that [`check`](super::check) may give, with what it means in one sentence. Sorted; a
/// name is never given another meaning.
pub const CODES: &[(&str, &str)] = &[
    (
        "accept-differs",
        "What is sent to the addresses is dropped on one node and accepted on another.",
    ),
    (
        "address-in-two-routers",
        "A virtual address is in different virtual routers of different nodes.",
    ),
    (
        "address-of-a-node",
        "A virtual address is the own address of a node that is not its owner.",
    ),
    (
        "addresses-differ",
        "A virtual address is missing on some node.",
    ),
    (
        "advertised-differ",
        "The nodes advertise different parts of the same addresses.",
    ),
    (
        "anti-replay-differs",
        "Signed adverts are protected against replay in different ways.",
    ),
    (
        "authentication-differs",
        "Adverts are authenticated in different ways.",
    ),
    (
        "bfd-differs",
        "The two ends of a BFD session want different things.",
    ),
    (
        "bfd-one-sided",
        "The other end of a BFD session does not have it.",
    ),
    (
        "bfd-too-slow",
        "A BFD session notices the loss of a node later than the adverts do.",
    ),
    (
        "family-differs",
        "An instance is IPv4 on one node and IPv6 on another.",
    ),
    (
        "group-differs",
        "Adverts are sent to different multicast groups.",
    ),
    (
        "group-members-differ",
        "Instances are synchronised on one node and not on another.",
    ),
    (
        "hmac-key-missing",
        "A node signs with a key that another one does not have.",
    ),
    (
        "hmac-mode-differs",
        "The nodes are at different stages of a change to signed adverts.",
    ),
    ("interval-differs", "`advert_int` differs."),
    ("no-partner", "An instance is missing on some node."),
    (
        "nopreempt-missing",
        "`nopreempt` is set on some of the nodes that could take over.",
    ),
    ("owners", "Several nodes have priority 255."),
    (
        "peer-missing",
        "A node does not list another one as its unicast peer.",
    ),
    (
        "peer-unknown",
        "A unicast peer is the address of none of the nodes.",
    ),
    (
        "peers-same",
        "Two nodes list the same unicast peers: one of them lists itself.",
    ),
    (
        "preempt-delay-misplaced",
        "`preempt_delay` is only where nothing is ever taken over.",
    ),
    (
        "prefix-differs",
        "A virtual address has different prefixes.",
    ),
    ("priority-equal", "Several nodes have the same priority."),
    (
        "refresh-differs",
        "Addresses are announced again and again by one node, and once by another.",
    ),
    ("routes-differ", "A virtual route is missing on some node."),
    ("rules-differ", "A virtual rule is missing on some node."),
    ("secret-differs", "Passwords or keys differ."),
    (
        "service-differs",
        "A balanced service has other servers or settings on another node.",
    ),
    (
        "service-missing",
        "A balanced service is missing where its address can be.",
    ),
    (
        "source-same",
        "Several nodes have the same source address, unicast_src_ip or mcast_src_ip.",
    ),
    ("state-master", "`state MASTER` is set on several nodes."),
    (
        "state-misplaced",
        "`state MASTER` is set on a node that loses the election.",
    ),
    (
        "survivor-is-at-fault",
        "A node goes to FAULT when the other one dies, because it tracks their BFD session without weight.",
    ),
    (
        "sync-daemon-differs",
        "The nodes do not tell each other of their connections.",
    ),
    (
        "transport-differs",
        "Some nodes use unicast, others multicast.",
    ),
    (
        "ttl-refused",
        "A node sends with a TTL that another one refuses.",
    ),
    (
        "version-differs",
        "The nodes speak different versions of VRRP.",
    ),
    (
        "vmac-differs",
        "The virtual MAC address changes at a takeover.",
    ),
    (
        "vrid-collision",
        "Different virtual routers have the same number.",
    ),
    (
        "vrid-differs",
        "One virtual router has different numbers on the nodes.",
    ),
    (
        "weights-and-nopreempt",
        "A weight cannot move the addresses, because nobody takes over from a living master.",
    ),
    (
        "weights-too-small",
        "No failure that counts by weight can move the addresses.",
    ),
];
