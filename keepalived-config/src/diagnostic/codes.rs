//! The codes of complaints about one file.

/// Every code that a [`Diagnostic`](super::Diagnostic) of this crate, or of the command `check`, may have, with
/// what it means in one sentence. Sorted; a name is never given another meaning.
pub const CODES: &[(&str, &str)] = &[
    (
        "accept-twice",
        "`accept` and `no_accept` are both there; `no_accept` counts.",
    ),
    (
        "all-ports",
        "A service without port has to be persistent, and gets a persistence time.",
    ),
    (
        "auth-both",
        "An `authentication` block beside signed adverts is ignored.",
    ),
    (
        "auth-incomplete",
        "`auth_pass` is without `auth_type PASS`; the instance runs without authentication.",
    ),
    (
        "auth-key",
        "`active_key` names no key that can be used; the instance stays in FAULT.",
    ),
    (
        "auth-strict",
        "Strict mode has no authentication; the block is ignored.",
    ),
    (
        "auth-version-3",
        "VRRP version 3 has no authentication; the block is ignored.",
    ),
    (
        "bad-address",
        "Something is not an address, a prefix or a host, or one that cannot be used there.",
    ),
    (
        "bad-auth-type",
        "The type of authentication is none that is known.",
    ),
    (
        "bad-bfd-name",
        "The name of a BFD session is missing, too long, or more than one word.",
    ),
    ("bad-boolean", "A switch is neither on nor off."),
    ("bad-broadcast", "A broadcast address cannot be used there."),
    ("bad-command", "The command of a script cannot be read."),
    (
        "bad-digest",
        "A digest of a page is not 32 hexadecimal digits.",
    ),
    (
        "bad-discriminator",
        "A discriminator of BFD is not a number from 1 to 4294967295.",
    ),
    ("bad-family", "An address family is neither inet nor inet6."),
    (
        "bad-granularity",
        "The granularity of persistence is neither a mask nor a prefix length.",
    ),
    (
        "bad-group",
        "A multicast group is none, or of the other family.",
    ),
    (
        "bad-group-name",
        "The name of a group is missing, or more than one word.",
    ),
    (
        "bad-hex",
        "Something is not made of pairs of hexadecimal digits.",
    ),
    (
        "bad-include",
        "An include is without the name of a file, or cannot be read.",
    ),
    (
        "bad-instance-name",
        "The name of an instance is missing, or more than one word.",
    ),
    (
        "bad-interface",
        "A word cannot be the name of an interface.",
    ),
    (
        "bad-key",
        "A key of signed adverts or of BFD cannot be used.",
    ),
    (
        "bad-label",
        "The label of an address is too long, or the address can have none.",
    ),
    (
        "bad-length",
        "No answer can have the lengths that are asked for.",
    ),
    (
        "bad-mac",
        "Something is not a MAC address, or not one that an interface can have.",
    ),
    ("bad-mail-address", "A mail address cannot be read."),
    (
        "bad-mark",
        "A firewall mark is not a number from 1, or its family is unknown.",
    ),
    ("bad-method", "A forwarding method is unknown."),
    (
        "bad-name",
        "A name is missing, too long, or has characters that it cannot have.",
    ),
    (
        "bad-number",
        "Something is not a number of the range that is allowed.",
    ),
    (
        "bad-option",
        "An option in a line is unknown, or lacks what belongs to it.",
    ),
    ("bad-path", "A path does not begin with `/`."),
    (
        "bad-peer",
        "A unicast peer is no address, or of another family.",
    ),
    ("bad-port", "Something is not a port."),
    (
        "bad-prefix",
        "A prefix length is not one of the family of the address.",
    ),
    ("bad-protocol", "A protocol is none of TCP, UDP and SCTP."),
    (
        "bad-quoting",
        "Quotes or a backslash at the end of a line are not closed.",
    ),
    (
        "bad-range",
        "Something is not a range of addresses, or too large a one.",
    ),
    ("bad-record", "A type of DNS records is unknown."),
    ("bad-repetition", "A `~SEQ` repetition cannot be read."),
    ("bad-scheduler", "A scheduler of IPVS is unknown."),
    ("bad-scope", "The scope of an address is unknown."),
    ("bad-state", "`state` is neither MASTER nor BACKUP."),
    (
        "bad-status",
        "Something is not a status code of HTTP, or a range of them.",
    ),
    (
        "bad-substitution",
        "A built-in definition cannot be made use of like this.",
    ),
    (
        "bad-table",
        "A routing table is neither a name nor a number.",
    ),
    (
        "bad-time",
        "Something is not a time, or not in the unit that it has there.",
    ),
    (
        "bad-track-group",
        "The name of a track group is missing, or more than one word.",
    ),
    ("bad-tunnel", "Options of a tunnel do not fit its type."),
    ("bad-umask", "Something is not a file creation mask."),
    (
        "bad-value",
        "A value is none that the keyword or option takes.",
    ),
    ("bad-version", "A version of HTTP is unknown."),
    ("bad-word", "A word is none that the keyword takes."),
    (
        "bare-id",
        "The number of a synchronisation is written without `id`.",
    ),
    (
        "bfd-without-alpha",
        "A server counts as up until its BFD session has come up and failed.",
    ),
    ("cannot-read", "The file itself cannot be read."),
    (
        "comment-in-word",
        "`#` or `!` in a word makes the rest of the line a comment.",
    ),
    (
        "corrected",
        "A setting contradicts another one, or strict mode, and was changed.",
    ),
    ("definition-cycle", "A definition uses itself."),
    ("deprecated", "A word is an old spelling of another one."),
    (
        "device-name-taken",
        "A device for virtual MAC addresses would be called as an interface is.",
    ),
    (
        "device-name-twice",
        "Two devices for virtual MAC addresses have the same name.",
    ),
    ("duplicate-address", "An address is listed twice."),
    ("duplicate-bfd", "Two BFD sessions have the same name."),
    ("duplicate-group", "Two groups have the same name."),
    ("duplicate-instance", "Two instances have the same name."),
    (
        "duplicate-key",
        "Two keys have the same number, or an active one is named twice.",
    ),
    ("duplicate-list", "A group has two lists of members."),
    (
        "duplicate-neighbor",
        "Two BFD sessions have the same neighbour.",
    ),
    ("duplicate-peer", "A unicast peer is listed twice."),
    ("duplicate-reflector", "There are two S-BFD reflectors."),
    ("duplicate-script", "A notify script is given twice."),
    ("duplicate-server", "A real server is listed twice."),
    (
        "duplicate-service",
        "Two services are one and the same to the kernel.",
    ),
    (
        "duplicate-sync-daemon",
        "The synchronisation of connections is configured twice.",
    ),
    (
        "duplicate-tracker",
        "Something is tracked twice, or two tracked objects have the same name.",
    ),
    (
        "duplicate-vrid",
        "Two instances are the same virtual router on the same interface.",
    ),
    ("empty-command", "The command of a script is empty."),
    ("empty-file", "Nothing is configured in a file."),
    ("empty-group", "A group of servers has no address."),
    (
        "empty-range",
        "The least TTL of a peer is above its greatest: nothing could be accepted.",
    ),
    (
        "expansion-limit",
        "Definitions and repetitions produce more text than is allowed.",
    ),
    (
        "expansion-too-deep",
        "Definitions lead to definitions too many times.",
    ),
    (
        "family-mismatch",
        "Two addresses that belong together are of different families.",
    ),
    (
        "family-of-address",
        "`ip_family` contradicts the address of the service.",
    ),
    (
        "group-of-unicast",
        "A multicast group does nothing with unicast peers.",
    ),
    (
        "hysteresis-too-large",
        "The hysteresis is not below the quorum.",
    ),
    (
        "idle-keyword",
        "Files often have this keyword in this block, and Keepalived does not know it there: it does nothing.",
    ),
    (
        "ignored-auth",
        "`auth_type` without `auth_pass` is ignored.",
    ),
    ("include-check", "The name of an include check is unknown."),
    ("include-cycle", "A file includes itself."),
    ("include-depth", "Files include files too many times."),
    (
        "include-limit",
        "Too many files, or too large ones, are included.",
    ),
    ("include-missing", "No file is there for an include."),
    ("include-unreadable", "An included file cannot be read."),
    (
        "incomplete-checker",
        "A checker lacks a keyword that it needs.",
    ),
    (
        "inhibit-without-sorry",
        "`sorry_server_inhibit` does nothing without `sorry_server`.",
    ),
    (
        "insecure-program",
        "A program that is to run as root can be changed by others.",
    ),
    (
        "invalid-text",
        "A word has a zero byte, or bytes that are no UTF-8.",
    ),
    (
        "ipv6-version-2",
        "VRRP version 2 has no IPv6; the instance stays in FAULT.",
    ),
    (
        "large-weight",
        "A weight is above the one that `ipvsadm --restore` takes.",
    ),
    (
        "late-marks",
        "Packets are to be marked after the kernel's balancer has taken them.",
    ),
    ("line-too-long", "A line is longer than can be read."),
    (
        "lone-line",
        "A line does nothing without another one that is not there.",
    ),
    (
        "long-delay",
        "The delay of a link is longer than a backup waits.",
    ),
    (
        "long-interval",
        "An advertisement interval is longer than an advert can say.",
    ),
    ("long-line", "A line is longer than Keepalived reads."),
    (
        "long-password",
        "A password is longer than the 8 bytes that count.",
    ),
    (
        "lost-backslash",
        "A backslash of a pattern is not doubled, and so is an escape of the line.",
    ),
    (
        "mark-of-group",
        "A service has a mark that a group would get, and keeps it.",
    ),
    (
        "marked-group",
        "A group has a mark of its own, so that no mark stands for it.",
    ),
    (
        "member-twice",
        "An instance is in two groups, or in one of them twice.",
    ),
    (
        "method-without-sorry",
        "`sorry_server_lvs_method` does nothing without `sorry_server`.",
    ),
    ("missing-argument", "A keyword is without what it needs."),
    (
        "missing-block",
        "A keyword is without the block that it needs.",
    ),
    (
        "missing-keyword",
        "A block is without a line that it needs.",
    ),
    ("missing-value", "An option is without its value."),
    (
        "mixed-families",
        "Addresses of one instance, group or session are of different families.",
    ),
    (
        "mixed-nexthops",
        "A route has gateways both in itself and in its `nexthop` parts.",
    ),
    ("native-ipv6", "`native_ipv6` contradicts the addresses."),
    (
        "needs-braces",
        "A definition is used without braces where no blank follows.",
    ),
    (
        "needs-nopreempt",
        "A keyword does nothing without `nopreempt`.",
    ),
    ("no-action", "A rule does nothing."),
    ("no-address", "An instance has no virtual address."),
    ("no-destination", "A route has no destination."),
    (
        "no-discriminator",
        "An S-BFD reflector has no discriminator.",
    ),
    ("no-echo", "A BFD session cannot have echo packets."),
    ("no-effect", "A word of a route does nothing there."),
    (
        "no-forwarding",
        "A service has no forwarding method; NAT is used.",
    ),
    (
        "no-gateway",
        "A route says neither by which gateway nor by which interface.",
    ),
    (
        "no-interface",
        "An instance or a session does not say on which interface it is.",
    ),
    (
        "no-interval",
        "A `garp_group` without intervals does nothing.",
    ),
    ("no-neighbor", "A BFD session has no neighbour."),
    ("no-path", "A `url` has no path; `/` is asked for."),
    (
        "no-peer",
        "No unicast peer can be used; the instance stays in FAULT.",
    ),
    (
        "no-peer-fault",
        "The instance stays in FAULT for want of a peer, as it was asked to.",
    ),
    ("no-preference", "A rule has no preference and gets one."),
    ("no-protocol", "A service has no protocol; UDP is used."),
    (
        "no-scheduler",
        "A service has no scheduler, and gets the usual one.",
    ),
    (
        "no-script-security",
        "Scripts are run without `enable_script_security`.",
    ),
    ("no-server", "A service has no real server."),
    (
        "no-session",
        "A keyword means nothing to a session with an S-BFD reflector.",
    ),
    (
        "no-source",
        "A keyword needs a source address that is not there.",
    ),
    (
        "no-such-file",
        "A file that is named is not on this machine.",
    ),
    (
        "no-such-program",
        "A program that is named is not on this machine.",
    ),
    (
        "no-such-user",
        "A user or group that is to run a script is not on this machine.",
    ),
    ("no-vrid", "An instance has no `virtual_router_id`."),
    (
        "nopreempt-master",
        "`nopreempt` is ignored with `state MASTER`.",
    ),
    (
        "nopreempt-owner",
        "`nopreempt` is ignored with priority 255.",
    ),
    (
        "not-executable",
        "A program that is named cannot be started by its user on this machine.",
    ),
    (
        "not-supported-yet",
        "The keyword is known, and has no effect yet.",
    ),
    (
        "old-keyword",
        "The keyword is an old name for something else.",
    ),
    (
        "ops-not-udp",
        "One-packet scheduling is for UDP and for marks only.",
    ),
    (
        "out-of-range",
        "A number or a time is outside of its range.",
    ),
    (
        "own-address",
        "An own address is named where that of another machine belongs.",
    ),
    (
        "path-without-slash",
        "The path of a `url` does not begin with `/`.",
    ),
    (
        "port-of-group",
        "A persistent service behind the mark of its group does not rewrite ports.",
    ),
    (
        "port-of-mark",
        "The packets of a service of a firewall mark keep their port.",
    ),
    (
        "port-of-ping",
        "A port does nothing in a check that has none.",
    ),
    (
        "port-of-service",
        "Without address translation a server has the port of the service.",
    ),
    ("port-zero", "A check has no port to go to."),
    (
        "preempt-delay",
        "`preempt_delay` is ignored where nothing is ever taken over, or by the owner.",
    ),
    (
        "protocol-of-mark",
        "A service of a firewall mark has no protocol.",
    ),
    (
        "quorum-order",
        "The greatest quorum is less than the least.",
    ),
    (
        "quorum-too-large",
        "The quorum is more than the weight of all servers.",
    ),
    (
        "refused",
        "The keyword is refused for good: what it asks for will not be done.",
    ),
    (
        "repeated-keyword",
        "A keyword that counts once is given twice; the last one counts.",
    ),
    (
        "reserved-name",
        "The name of a definition begins with an underscore.",
    ),
    (
        "rounded-interval",
        "An advertisement interval was rounded to what an advert can say.",
    ),
    ("second-action", "A rule has a second action."),
    (
        "shared-address",
        "Two instances of the file have the same address.",
    ),
    (
        "shared-table",
        "Two tables of packet filter rules have one name; packets are not marked.",
    ),
    (
        "shell-word",
        "What a shell would read is an argument of a program.",
    ),
    ("small-group", "A group has fewer than two members."),
    (
        "strict-address",
        "In strict mode the first IPv6 address has to be link-local.",
    ),
    ("strict-unicast", "Strict mode has no unicast."),
    (
        "surplus-argument",
        "There are more arguments than the keyword takes.",
    ),
    ("surplus-brace", "A `}` closes nothing."),
    (
        "surplus-gateway",
        "A route that leads nowhere has a gateway.",
    ),
    (
        "surplus-mask",
        "A prefix length behind an address does nothing there.",
    ),
    (
        "suspend-of-mark",
        "`ha_suspend` does nothing for a service of a firewall mark.",
    ),
    (
        "thresholds",
        "The lower threshold of a server is above its upper one.",
    ),
    (
        "too-many-addresses",
        "An advert does not hold all virtual addresses; the rest is moved.",
    ),
    (
        "too-many-problems",
        "There are more problems than are shown.",
    ),
    (
        "tracked-by-both",
        "An instance and its group track the same.",
    ),
    (
        "tracks-itself",
        "An instance tracks its own interface, which is tracked anyway.",
    ),
    (
        "two-devices",
        "`use_ipvlan` and `use_vmac` are both there; `use_vmac` counts.",
    ),
    ("two-groups", "An interface is in two `garp_group` blocks."),
    (
        "unchecked-server",
        "A check is outside of every server, and servers have none.",
    ),
    ("unclosed-block", "A block is not closed."),
    (
        "undefined-name",
        "A definition is used that does not exist.",
    ),
    (
        "uneven-group",
        "The members of a group differ where they had better not.",
    ),
    ("unexpected-block", "A block follows where none can be."),
    (
        "unicast-ttl",
        "`unicast_ttl` does nothing without unicast peers.",
    ),
    (
        "unknown-group",
        "There is no group of servers with this name.",
    ),
    ("unknown-instance", "There is no instance with this name."),
    (
        "unknown-keyword",
        "The keyword does not exist in this block.",
    ),
    (
        "unknown-member",
        "A group names an instance that does not exist.",
    ),
    ("unknown-option", "A word in a line is no option there."),
    (
        "unknown-track-group",
        "There is no track group with this name.",
    ),
    (
        "unknown-tracker",
        "There is no script, file, process or session with this name.",
    ),
    (
        "unquoted-command",
        "A command with arguments has to be in quotes.",
    ),
    ("unusable-check", "A checker cannot be made."),
    (
        "unusable-file",
        "A file that is named cannot be read, or has not in it what it has to have.",
    ),
    (
        "unusable-tracker",
        "What is tracked cannot be used, so that nothing is guarded by it.",
    ),
    (
        "unverified",
        "A file of trusted certificates is there, and no check looks at certificates.",
    ),
    ("vrf-of-interface", "`vrf` does nothing beside `interface`."),
    (
        "weight-in-group",
        "A weight would move one member of a group away from the others.",
    ),
    ("weight-of-owner", "A weight cannot change priority 255."),
    (
        "xmit-base",
        "`vmac_xmit_base` does nothing without `use_vmac`.",
    ),
    ("zero-interval", "An interval or delay of 0 says nothing."),
];

/// What a code means.
#[must_use]
pub fn meaning(code: &str) -> Option<&'static str> {
    let found = CODES.binary_search_by_key(&code, |(known, _)| known);
    let row = CODES.get(found.ok()?)?;
    Some(row.1)
}

#[cfg(test)]
mod tests;
