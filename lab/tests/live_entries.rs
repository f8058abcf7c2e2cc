//! The words of addresses, routes and rules, as `ip` shows them.
//!
//! Each word stands in a line of its own and beside it the same line without the word. C Keepalived runs
//! on the same file, which proves the table.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use lab::routing::{line, routes, rules};
use lab::{Daemon, Kind, Lan, Scratch, wait_until};

const PATIENCE: Duration = Duration::from_secs(12);

/// Name tables of our own.
fn tables() -> Scratch {
    let scratch = Scratch::new("iproute2");
    for (file, text) in [
        ("rt_tables", "33 small\n"),
        ("rt_protos", "12 bird\n18 keepalived\n"),
        ("rt_scopes", "0 global\n77 near\n"),
        ("rt_realms", "5 cosmos\n"),
        ("group", "0 default\n6 uplinks\n"),
        ("rt_dsfield", "0x10 lowdelay\n"),
    ] {
        fs::write(scratch.file(file), text).expect("scratch is writable");
    }
    scratch
}

/// A file with these blocks and nothing that elects.
fn conf(global: &str, blocks: &str) -> String {
    format!("global_defs {{\n    router_id lab\n    script_user root\n{global}}}\n{blocks}")
}

/// Words of routes: the destination, the line behind it, and what is shown with the words and is not
/// shown of the line before it, which is the same without them.
const ROUTES: &[(&str, &str, &str)] = &[
    ("10.1.1.0/24", "via 10.9.0.7", "via 10.9.0.7 dev eth0"),
    ("10.1.2.0/24", "gw 10.9.0.8", "via 10.9.0.8 dev eth0"),
    ("10.1.3.0/24", "dev eth0", "10.1.3.0/24 dev eth0"),
    (
        "10.1.4.0/24",
        "oif eth0 scope host",
        "dev eth0 proto keepalived scope host",
    ),
    ("10.1.5.0/24", "via 10.9.0.7 src 10.9.0.1", "src 10.9.0.1"),
    ("10.1.6.0/24", "via 10.9.0.7 table 4000", "table 4000"),
    ("10.1.7.0/24", "via 10.9.0.7 table small", "table 33"),
    ("10.1.8.0/24", "via 10.9.0.7 tos 8", "tos 0x08"),
    ("10.1.9.0/24", "via 10.9.0.7 dsfield lowdelay", "tos 0x10"),
    (
        "10.1.10.0/24",
        "via 10.9.0.7 protocol bird no_track",
        "proto bird",
    ),
    ("10.1.11.0/24", "dev eth0 scope near", "scope 77"),
    ("10.1.12.0/24", "via 10.9.0.7 metric 5", "metric 5"),
    ("10.1.13.0/24", "via 10.9.0.7 priority 6", "metric 6"),
    ("10.1.14.0/24", "via 10.9.0.7 preference 7", "metric 7"),
    ("10.1.15.0/24", "via 203.0.113.9 dev eth0 onlink", "onlink"),
    (
        "10.1.16.0/24",
        "encap ip id 5 dst 10.9.0.9 src 10.9.0.1 tos 4 ttl 3 dev eth0",
        "encap ip id 5 src 10.9.0.1 dst 10.9.0.9 ttl 3 tos 4",
    ),
    (
        "2001:db8:16::/48",
        "encap ip6 id 6 dst 2001:db8::9 hoplimit 3 dev eth0",
        "encap ip6 id 6 src :: dst 2001:db8::9 hoplimit 3",
    ),
    ("2001:db8:17::/48", "via 2001:db8::7 expires 500", "expires"),
    (
        "10.1.18.0/24",
        "via 10.9.0.7 mtu lock 1400",
        "mtu lock 1400",
    ),
    ("10.1.19.0/24", "via 10.9.0.7 mtu 1400", "mtu 1400"),
    ("10.1.20.0/24", "via 10.9.0.7 hoplimit 33", "hoplimit 33"),
    (
        "10.1.21.0/24",
        "via 10.9.0.7 advmss lock 1300",
        "advmss lock 1300",
    ),
    ("10.1.22.0/24", "via 10.9.0.7 reordering 9", "reordering 9"),
    ("10.1.23.0/24", "via 10.9.0.7 window 9000", "window 9000"),
    ("10.1.24.0/24", "via 10.9.0.7 cwnd lock 9", "cwnd lock 9"),
    ("10.1.25.0/24", "via 10.9.0.7 ssthresh 9", "ssthresh 9"),
    ("10.1.26.0/24", "via 10.9.0.7 realms cosmos/6", "realms"),
    (
        "10.1.27.0/24",
        "via 10.9.0.7 rto_min lock 2s",
        "rto_min lock 2s",
    ),
    ("10.1.28.0/24", "via 10.9.0.7 initcwnd 9", "initcwnd 9"),
    ("10.1.29.0/24", "via 10.9.0.7 initrwnd 9", "initrwnd 9"),
    ("10.1.30.0/24", "via 10.9.0.7 features ecn", "features ecn"),
    ("10.1.31.0/24", "via 10.9.0.7 quickack 1", "quickack 1"),
    (
        "10.1.32.0/24",
        "via 10.9.0.7 congctl lock cubic",
        "congctl lock cubic",
    ),
    ("2001:db8:33::/48", "via 2001:db8::7 pref high", "pref high"),
    (
        "10.1.34.0/24",
        "via 10.9.0.7 fastopen_no_cookie 1",
        "fastopen_no_cookie 1",
    ),
    (
        "10.1.35.0/24",
        "nexthop via 10.9.0.7 dev eth0 weight 3 nexthop via 10.9.0.8 weight 2",
        "weight 3",
    ),
    (
        "2001:db8:36::/48",
        "nexthop via 2001:db8::7 dev eth0 weight 3 nexthop via 2001:db8::8 dev eth0",
        "weight 3",
    ),
    ("10.1.37.0/24", "via 10.9.0.7 or 10.9.0.8", "nexthop"),
    (
        "2001:db8:38::/48",
        "from 2001:db8:99::/48 via 2001:db8::7",
        "from 2001:db8:99::/48",
    ),
];

/// Words in front of the destination: line, what is shown.
const KINDS: &[(&str, &str)] = &[
    ("blackhole 10.2.1.0/24", "blackhole 10.2.1.0/24"),
    ("unreachable 10.2.2.0/24", "unreachable 10.2.2.0/24"),
    ("prohibit 10.2.3.0/24", "prohibit 10.2.3.0/24"),
    ("throw 10.2.4.0/24", "throw 10.2.4.0/24"),
    (
        "src 10.9.0.1 to 10.2.5.0/24 via 10.9.0.7",
        "10.2.5.0/24 via 10.9.0.7",
    ),
    ("inet 10.2.6.0/24 via 10.9.0.7", "10.2.6.0/24 via 10.9.0.7"),
    (
        "inet6 default via 2001:db8::7 table 50",
        "default via 2001:db8::7 dev eth0 table 50",
    ),
    (
        "inet default via 10.9.0.7 table 51",
        "default via 10.9.0.7 dev eth0 table 51",
    ),
    (
        "10.2.7.0/24 via 10.9.0.7 as to 10.9.0.8",
        "10.2.7.0/24 via 10.9.0.7",
    ),
];

fn route_file() -> String {
    let mut text = String::from("static_routes {\n");
    for (destination, words, _) in ROUTES {
        let _ = writeln!(text, "    {destination} {words}");
    }
    for (words, _) in KINDS {
        let _ = writeln!(text, "    {words}");
    }
    text.push_str("}\n");
    text
}

/// Words of rules: the line, and what is shown; every second one is there for the contrast.
const RULES: &[(&str, &str)] = &[
    ("from 10.1.0.0/16 table 7", "from 10.1.0.0/16 lookup 7 "),
    (
        "to 10.2.0.0/16 lookup 7",
        "from all to 10.2.0.0/16 lookup 7 ",
    ),
    (
        "from 10.3.0.0/16 table small",
        "from 10.3.0.0/16 lookup 33 ",
    ),
    (
        "not from 10.4.0.0/16 table 7",
        "not from 10.4.0.0/16 lookup 7 ",
    ),
    (
        "inet from 10.5.0.0/16 table 7",
        "from 10.5.0.0/16 lookup 7 ",
    ),
    (
        "inet6 from 2001:db8:5::/48 table 7",
        "from 2001:db8:5::/48 lookup 7 ",
    ),
    (
        "from 10.6.0.0/16 table 7 preference 60",
        "60: from 10.6.0.0/16 lookup 7 ",
    ),
    (
        "from 10.7.0.0/16 table 7 priority 61",
        "61: from 10.7.0.0/16 lookup 7 ",
    ),
    (
        "from 10.8.0.0/16 table 7 order 62",
        "62: from 10.8.0.0/16 lookup 7 ",
    ),
    (
        "from 10.9.9.0/24 tos 8 table 7",
        "from 10.9.9.0/24 tos 0x08 lookup 7 ",
    ),
    (
        "from 10.10.0.0/16 dsfield lowdelay table 7",
        "from 10.10.0.0/16 tos 0x10 lookup 7 ",
    ),
    (
        "from 10.11.0.0/16 fwmark 5/0xff table 7",
        "from 10.11.0.0/16 fwmark 0x5/0xff lookup 7 ",
    ),
    (
        "from 10.12.0.0/16 fwmark 6 table 7",
        "from 10.12.0.0/16 fwmark 0x6 lookup 7 ",
    ),
    (
        "from 10.13.0.0/16 realms cosmos/6 table 7",
        "from 10.13.0.0/16 lookup 7 realms 5/6 ",
    ),
    (
        "from 10.14.0.0/16 table main suppress_prefixlength 0",
        "from 10.14.0.0/16 lookup main suppress_prefixlength 0 ",
    ),
    (
        "from 10.15.0.0/16 table main sup_pl 1",
        "from 10.15.0.0/16 lookup main suppress_prefixlength 1 ",
    ),
    (
        "from 10.16.0.0/16 table main suppress_ifgroup uplinks",
        "from 10.16.0.0/16 lookup main suppress_ifgroup 6 ",
    ),
    (
        "from 10.17.0.0/16 table main sup_group 7",
        "from 10.17.0.0/16 lookup main suppress_ifgroup 7 ",
    ),
    (
        "iif eth0 from 10.18.0.0/16 table 7",
        "from 10.18.0.0/16 iif eth0 lookup 7 ",
    ),
    (
        "dev eth0 from 10.19.0.0/16 table 7",
        "from 10.19.0.0/16 iif eth0 lookup 7 ",
    ),
    (
        "oif eth0 from 10.20.0.0/16 table 7",
        "from 10.20.0.0/16 oif eth0 lookup 7 ",
    ),
    (
        "from 10.21.0.0/16 tunnel-id 99 table 7",
        "from 10.21.0.0/16 tun_id 99 lookup 7 ",
    ),
    (
        "from 10.22.0.0/16 uidrange 5-9 table 7",
        "from 10.22.0.0/16 uidrange 5-9 lookup 7 ",
    ),
    (
        "from 10.23.0.0/16 l3mdev",
        "from 10.23.0.0/16 lookup [l3mdev-table] ",
    ),
    (
        "from 10.24.0.0/16 table 7 protocol 12 no_track",
        "from 10.24.0.0/16 lookup 7 proto bird ",
    ),
    (
        "from 10.25.0.0/16 ipproto tcp table 7",
        "from 10.25.0.0/16 ipproto tcp lookup 7 ",
    ),
    (
        "from 10.26.0.0/16 ipproto tcp sport 5-9 table 7",
        "from 10.26.0.0/16 ipproto tcp sport 5-9 lookup 7 ",
    ),
    (
        "from 10.27.0.0/16 ipproto udp dport 5-9 table 7",
        "from 10.27.0.0/16 ipproto udp dport 5-9 lookup 7 ",
    ),
    (
        "from 10.28.0.0/16 goto 30000 preference 63",
        "from 10.28.0.0/16 goto 30000 ",
    ),
    ("from 10.29.0.0/16 nop", "from 10.29.0.0/16 nop "),
    (
        "from 10.30.0.0/16 type blackhole",
        "from 10.30.0.0/16 blackhole ",
    ),
    (
        "from 10.31.0.0/16 unreachable",
        "from 10.31.0.0/16 unreachable ",
    ),
    ("from 10.32.0.0/16 prohibit", "from 10.32.0.0/16 prohibit "),
];

fn rule_file() -> String {
    let mut text = String::from("static_rules {\n");
    for (words, _) in RULES {
        let _ = writeln!(text, "    {words}");
    }
    text.push_str("}\n");
    text
}

/// `ip` must not know our names, which it reads from its own files: numbers are what counts.
fn with_tables(tables: &Scratch) -> String {
    let path = tables.path().display();
    format!("    iproute_etc_dir {path}\n    iproute_usr_dir {path}\n")
}

/// STAT-02, STAT-07, STAT-11.
/// Flips: (root).static_routes, global_defs.iproute_etc_dir, global_defs.iproute_usr_dir,
/// ROUTE-ENTRY/(destination), ROUTE-ENTRY/inet, ROUTE-ENTRY/inet6, ROUTE-ENTRY/to, ROUTE-ENTRY/via,
/// ROUTE-ENTRY/unicast|local|broadcast|multicast|throw|unreachable|prohibit|blackhole|nat|anycast|xresolve,
/// ROUTE-ENTRY/gw, ROUTE-ENTRY/src, ROUTE-ENTRY/from, ROUTE-ENTRY/tos, ROUTE-ENTRY/dsfield,
/// ROUTE-ENTRY/table, ROUTE-ENTRY/protocol, ROUTE-ENTRY/scope, ROUTE-ENTRY/metric,
/// ROUTE-ENTRY/priority, ROUTE-ENTRY/preference, ROUTE-ENTRY/dev, ROUTE-ENTRY/oif,
/// ROUTE-ENTRY/onlink, ROUTE-ENTRY/encap ip, ROUTE-ENTRY/encap ip6, ROUTE-ENTRY/expires,
/// ROUTE-ENTRY/mtu, ROUTE-ENTRY/hoplimit, ROUTE-ENTRY/advmss, ROUTE-ENTRY/rtt, ROUTE-ENTRY/rttvar,
/// ROUTE-ENTRY/reordering, ROUTE-ENTRY/window, ROUTE-ENTRY/cwnd, ROUTE-ENTRY/ssthresh,
/// ROUTE-ENTRY/realms, ROUTE-ENTRY/rto_min, ROUTE-ENTRY/initcwnd, ROUTE-ENTRY/initrwnd,
/// ROUTE-ENTRY/features, ROUTE-ENTRY/quickack, ROUTE-ENTRY/congctl, ROUTE-ENTRY/pref,
/// ROUTE-ENTRY/fastopen_no_cookie, ROUTE-ENTRY/or, ROUTE-ENTRY/nexthop.
#[test]
#[ignore = "live: cargo xtask live"]
fn routes_are_what_their_words_say() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    let before = routes(host);
    let tables = tables();
    // Times are milliseconds without a unit; C's are other ones (see the table of differences).
    let mut text = route_file().replace("static_routes {\n", "static_routes {\n    10.3.1.0/24 via 10.9.0.7 rtt lock 100ms\n    10.3.2.0/24 via 10.9.0.7 rttvar 100\n");
    let plain = "    10.3.9.0/24 via 10.9.0.7\n    2001:db8:39::/48 via 2001:db8::7\n";
    text = text.replace("static_routes {\n", &format!("static_routes {{\n{plain}"));
    let mut daemon = Daemon::start_with(Kind::Ours, host, &conf(&with_tables(&tables), &text));
    wait_until("the last route is there", PATIENCE, || {
        line(&routes(host), "10.2.7.0/24").is_some()
    });
    wait_until("all routes are there", PATIENCE, || {
        routes(host).lines().count() >= before.lines().count() + ROUTES.len() + KINDS.len() + 4
    });
    let shown = routes(host);
    let base = [
        line(&shown, "10.3.9.0/24"),
        line(&shown, "2001:db8:39::/48"),
    ]
    .map(|l| l.expect("plain routes").to_owned());
    for (destination, words, sign) in ROUTES.iter().copied().chain([
        ("10.3.1.0/24", "rtt lock 100ms", "rtt lock 100ms"),
        ("10.3.2.0/24", "rttvar 100", "rttvar 100ms"),
    ]) {
        let route = line(&shown, &format!("{destination} "))
            .unwrap_or_else(|| panic!("{destination} {words}:\n{shown}\n{}", daemon.log()));
        assert!(
            format!("{route} ").contains(sign),
            "{destination} {words}: {route}"
        );
        let plain = sign.contains("via 10.9.0.7 dev");
        assert!(
            plain || base.iter().all(|base| !base.contains(sign)),
            "{sign}: {base:?}"
        );
    }
    for (words, sign) in KINDS {
        assert!(line(&shown, sign).is_some(), "{words}:\n{shown}");
    }
    daemon.terminate();
    daemon.wait_exit(PATIENCE);
    assert_eq!(routes(host), before);
}

/// The same file makes the same routes: the table above is right about keepalived.
#[test]
#[ignore = "live: cargo xtask live"]
fn routes_are_those_of_c() {
    lab::require_live();
    // Its names come from /etc/iproute2 alone, and its scope of a route without gateway is global.
    let names = ["small", "bird", "near", "cosmos", "lowdelay"];
    let mut text = String::from("static_routes {\n");
    for (destination, words, _) in ROUTES {
        let own = names.iter().any(|name| words.contains(name));
        if !own && !words.contains("encap") {
            let words = words.replace("dev eth0 scope", "scope");
            let scope = if words.starts_with("dev") {
                " scope link"
            } else {
                ""
            };
            let _ = writeln!(text, "    {destination} {words}{scope}");
        }
    }
    // Its 2.2.7 does not know `inet` and `inet6` here.
    for (words, _) in KINDS.iter().filter(|(words, _)| !words.starts_with("inet")) {
        let _ = writeln!(text, "    {words}");
    }
    text.push_str("}\n");
    let made = |kind| {
        let lan = Lan::new(&["a"]);
        let host = lan.host("a");
        let before = routes(host);
        let _daemon = Daemon::start_with(kind, host, &conf("", &text));
        wait_until("the last route is there", PATIENCE, || {
            line(&routes(host), "10.2.7.0/24").is_some()
        });
        wait_until("it is quiet", PATIENCE, || {
            let one = routes(host);
            std::thread::sleep(Duration::from_millis(200));
            one == routes(host)
        });
        let known: Vec<String> = before.lines().map(str::to_owned).collect();
        let now = routes(host);
        let mut new: Vec<String> = now
            .lines()
            .filter(|l| !known.contains(&(*l).to_owned()))
            .map(|l| l.split("expires").next().unwrap_or(l).to_owned())
            .collect();
        new.sort();
        new
    };
    let (ours, c) = (made(Kind::Ours), made(Kind::CKeepalived));
    let differ: Vec<_> = ours
        .iter()
        .filter(|l| !c.contains(l))
        .chain(c.iter().filter(|l| !ours.contains(l)))
        .collect();
    assert!(differ.is_empty(), "{differ:#?}");
}

/// STAT-03, STAT-09, STAT-10, STAT-11.
/// Flips: (root).static_rules, RULE-ENTRY/inet, RULE-ENTRY/inet6, RULE-ENTRY/not, RULE-ENTRY/from,
/// RULE-ENTRY/to, RULE-ENTRY/table, RULE-ENTRY/lookup, RULE-ENTRY/preference, RULE-ENTRY/priority,
/// RULE-ENTRY/order, RULE-ENTRY/tos, RULE-ENTRY/dsfield, RULE-ENTRY/fwmark, RULE-ENTRY/realms,
/// RULE-ENTRY/suppress_prefixlength, RULE-ENTRY/sup_pl, RULE-ENTRY/suppress_ifgroup,
/// RULE-ENTRY/sup_group, RULE-ENTRY/dev, RULE-ENTRY/iif, RULE-ENTRY/oif, RULE-ENTRY/tunnel-id,
/// RULE-ENTRY/uidrange, RULE-ENTRY/l3mdev, RULE-ENTRY/protocol, RULE-ENTRY/ipproto,
/// RULE-ENTRY/sport, RULE-ENTRY/dport, RULE-ENTRY/type, RULE-ENTRY/goto, RULE-ENTRY/nop,
/// RULE-ENTRY/blackhole, RULE-ENTRY/unreachable, RULE-ENTRY/prohibit.
#[test]
#[ignore = "live: cargo xtask live"]
fn rules_are_what_their_words_say() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    let before = rules(host);
    let tables = tables();
    let mut daemon =
        Daemon::start_with(Kind::Ours, host, &conf(&with_tables(&tables), &rule_file()));
    wait_until("all rules are there", PATIENCE, || {
        rules(host).lines().count() == before.lines().count() + RULES.len()
    });
    let shown = rules(host).replace('\t', " ");
    for (words, sign) in RULES {
        assert!(line(&shown, sign).is_some(), "{words}:\n{shown}");
    }
    // Automatic preferences count down from 16384, per family.
    assert!(line(&shown, "16384: from 10.1.0.0/16").is_some(), "{shown}");
    assert!(
        line(&shown, "16383: from all to 10.2.0.0/16").is_some(),
        "{shown}"
    );
    assert!(
        line(&shown, "16384: from 2001:db8:5::/48").is_some(),
        "{shown}"
    );
    daemon.terminate();
    daemon.wait_exit(PATIENCE);
    assert_eq!(rules(host), before);
}

#[test]
#[ignore = "live: cargo xtask live"]
fn rules_are_those_of_c() {
    lab::require_live();
    // Names it has not, and words that its 2.2.7 does not know.
    let names = ["small", "cosmos", "lowdelay", "uplinks", "inet"];
    let mut text = String::from("static_rules {\n");
    for (words, _) in RULES {
        if !names.iter().any(|name| words.contains(name)) {
            let _ = writeln!(text, "    {words}");
        }
    }
    text.push_str("}\n");
    let made = |kind| {
        let lan = Lan::new(&["a"]);
        let host = lan.host("a");
        let _daemon = Daemon::start_with(kind, host, &conf("", &text));
        wait_until("the last rule is there", PATIENCE, || {
            line(&rules(host), "from 10.32.0.0/16").is_some()
        });
        rules(host)
    };
    let (ours, c) = (made(Kind::Ours), made(Kind::CKeepalived));
    assert_eq!(ours, c);
}

/// STAT-05, STAT-06.
/// Flips: ADDRESS-ENTRY/scope, ADDRESS-ENTRY/brd, ADDRESS-ENTRY/broadcast, ADDRESS-ENTRY/label,
/// ADDRESS-ENTRY/peer, ADDRESS-ENTRY/home, ADDRESS-ENTRY/mngtmpaddr, ADDRESS-ENTRY/noprefixroute,
/// ADDRESS-ENTRY/autojoin, ADDRESS-ENTRY/preferred_lft, ADDRESS-ENTRY/-nodad.
#[test]
#[ignore = "live: cargo xtask live"]
fn addresses_are_what_their_words_say() {
    lab::require_live();
    const WORDS: &[(&str, &str)] = &[
        ("10.8.1.1/24 dev eth0 scope link", "scope link"),
        ("10.8.2.1/24 dev eth0 brd +", "brd 10.8.2.255"),
        ("10.8.3.1/24 dev eth0 broadcast 10.8.3.7", "brd 10.8.3.7"),
        ("10.8.4.1/24 dev eth0 label eth0:x", "eth0:x"),
        ("10.8.5.1 peer 10.8.5.2 dev eth0", "peer 10.8.5.2"),
        ("2001:db8:6::1/64 dev eth0 home", " home"),
        ("2001:db8:7::1/64 dev eth0 mngtmpaddr", "mngtmpaddr"),
        ("2001:db8:8::1/64 dev eth0 noprefixroute", "noprefixroute"),
        ("10.8.9.1/24 dev eth0 noprefixroute", "noprefixroute"),
        ("239.8.10.1/24 dev eth0 autojoin", "autojoin"),
        (
            "2001:db8:11::1/64 dev eth0 preferred_lft 500",
            "preferred_lft",
        ),
        ("2001:db8:12::1/128 dev eth0", "deprecated"),
        ("2001:db8:14::1/64 dev eth0 -nodad", "nodad"),
    ];
    const PLAIN: &str = "10.8.99.1/24 dev eth0\n 2001:db8:99::1/64 dev eth0\n 2001:db8:98::1/128 dev eth0 preferred_lft forever\n";
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    let mut text = format!("static_ipaddress {{\n {PLAIN}");
    for (words, _) in WORDS.iter() {
        let _ = writeln!(text, " {words}");
    }
    text.push_str("}\n");
    let _daemon = Daemon::start_with(Kind::Ours, host, &conf("", &text));
    let shown = || {
        host.netns
            .shell("ip -d -o address show dev eth0")
            .replace('\\', " ")
    };
    wait_until("the last is there", PATIENCE, || {
        shown().contains("2001:db8:14::1")
    });
    let shown = shown();
    let plain: Vec<_> = shown
        .lines()
        .filter(|line| {
            line.contains("99.1/24") || line.contains(":99::1") || line.contains(":98::1")
        })
        .collect();
    assert_eq!(plain.len(), 3, "{shown}");
    for (words, sign) in WORDS.iter() {
        let address = words.split(['/', ' ']).next().expect("an address");
        let line =
            line(&shown, &format!(" {address}")).unwrap_or_else(|| panic!("{words}: {shown}"));
        if *sign == "preferred_lft" {
            assert!(!line.contains("preferred_lft forever"), "{line}");
            continue;
        }
        assert!(line.contains(sign), "{words}: {line}");
        assert!(
            plain.iter().all(|plain| !plain.contains(sign)),
            "{sign}: {plain:?}"
        );
    }
}

/// STAT-07: where a route goes among others of the same key.
/// Flips: ROUTE-ENTRY/add, ROUTE-ENTRY/prepend, ROUTE-ENTRY/append.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_route_goes_where_its_word_puts_it() {
    lab::require_live();
    for (word, expected) in [
        ("", ["10.9.0.7", "10.9.0.8"].as_slice()),
        ("prepend", &["10.9.0.7", "10.9.0.8"]),
        ("append", &["10.9.0.8", "10.9.0.7"]),
        ("add", &["10.9.0.8"]),
    ] {
        let lan = Lan::new(&["a"]);
        let host = lan.host("a");
        host.netns
            .ip(&["route add 10.1.0.0/16 via 10.9.0.8 proto static"]);
        let text = format!("static_routes {{\n 10.1.0.0/16 via 10.9.0.7 {word}\n}}\n");
        let daemon = Daemon::start_with(Kind::Ours, host, &conf("", &text));
        if word == "add" {
            daemon.wait_log("File exists", 1, PATIENCE);
        }
        wait_until(&format!("{word}: {expected:?}"), PATIENCE, || {
            let all = routes(host);
            let gateways = all
                .lines()
                .filter_map(|line| line.split("10.1.0.0/16 via ").nth(1))
                .filter_map(|rest| rest.split(' ').next());
            gateways.collect::<Vec<_>>() == expected
        });
    }
}

/// STAT-07: what a kernel without MPLS and ILA does not show is in the kernel's refusal and in the status.
/// Flips: ROUTE-ENTRY/encap mpls, ROUTE-ENTRY/encap ila, ROUTE-ENTRY/ttl-propagate.
#[test]
#[ignore = "live: cargo xtask live"]
fn tunnels_that_the_kernel_has_not_are_refused_by_name() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    let text = "static_routes {\n 10.4.1.0/24 encap mpls 100/200 via 10.9.0.7\n \
                2001:db8:41::/48 encap ila 2001:db8:1:1 dev eth0\n \
                10.4.2.0/24 via 10.9.0.7 ttl-propagate enabled\n \
                10.4.3.0/24 via 10.9.0.7 ttl-propagate disabled\n 10.4.4.0/24 via 10.9.0.7\n}\n";
    let daemon = Daemon::start_with(Kind::Ours, host, &conf("", text));
    for tunnel in ["encap mpls 100/200", "encap ila"] {
        wait_until(tunnel, PATIENCE, || {
            let shown = routes(host);
            line(&shown, tunnel).is_some()
                || daemon
                    .log()
                    .lines()
                    .any(|line| line.contains(tunnel) && line.contains("encapsulation"))
        });
    }
    wait_until("the plain ones are there", PATIENCE, || {
        line(&routes(host), "10.4.4.0/24 via").is_some()
    });
    let status = daemon.status()["statics"]["routes"].to_string();
    for words in [
        "10.4.2.0/24 via inet 10.9.0.7 proto 18 ttl-propagate enabled",
        "10.4.3.0/24 via inet 10.9.0.7 proto 18 ttl-propagate disabled",
        "10.4.4.0/24 via inet 10.9.0.7 proto 18\"",
    ] {
        assert!(status.contains(words), "{words}: {status}");
    }
}
