//! `virtual_server` as a model: what is handed down, what is corrected, what is refused.

use std::net::IpAddr;
use std::time::Duration;

use keepalived_config::model::VirtualServer;
use keepalived_config::model::balance::{
    CheckerKind, Forwarding, GroupEntry, HttpVersion, Protocol, ServiceAddress, Tunnel,
    TunnelChecksum,
};
use keepalived_config::{MemorySource, Options, Parsed, parse};

fn parsed(text: &str) -> Parsed {
    let mut source = MemorySource::new().with_file("/test.conf", text);
    parse(&mut source, "/test.conf", &Options::default())
}

fn codes(text: &str) -> Vec<&'static str> {
    let found = parsed(text).diagnostics.into_iter().map(|found| found.code);
    // Most services here have neither scheduler nor method, which is said of each.
    let plain = ["not-supported-yet", "no-scheduler", "no-forwarding"];
    found.filter(|code| !plain.contains(code)).collect()
}

/// The one service that `lines` make, with one server of `server` lines; nothing to complain about.
fn service(lines: &str, server: &str) -> VirtualServer {
    let text = text("192.0.2.1 80", lines, server);
    assert_eq!(codes(&text), Vec::<&str>::new(), "{text}");
    parsed(&text).config.services.remove(0)
}

fn text(address: &str, lines: &str, server: &str) -> String {
    let protocol = if lines.contains("protocol") || address.contains("fwmark") {
        ""
    } else {
        "protocol TCP"
    };
    // What a server may name is there.
    let named = if server.contains("FILE_CHECK") {
        "track_file f {\nfile /f\n}\n"
    } else if server.contains("BFD_CHECK") {
        "bfd_instance b {\nneighbor_ip 192.0.2.8\n}\n"
    } else {
        ""
    };
    format!(
        "{named}virtual_server {address} {{\n{protocol}\n{lines}\nreal_server 192.0.2.9 80 {{\n{server}\n}}\n}}\n"
    )
}

fn checker(lines: &str, server: &str) -> keepalived_config::model::balance::Checker {
    service(lines, server).servers.remove(0).checkers.remove(0)
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// B16. Handed down like the number of retries.
#[test]
fn rise_and_fall_are_one_unless_written() {
    let counts = |lines: &str, server: &str| {
        let schedule = checker(lines, server).schedule;
        (schedule.rise, schedule.fall)
    };
    assert_eq!(counts("", "TCP_CHECK {\n}"), (1, 1));
    assert_eq!(counts("rise 2\nfall 3", "TCP_CHECK {\n}"), (2, 3));
    assert_eq!(
        counts("rise 2\nfall 3", "fall 4\nTCP_CHECK {\nrise 5\n}"),
        (5, 4)
    );
    let zero = text("192.0.2.1 80", "rise 0", "");
    assert_eq!(codes(&zero), ["out-of-range"]);
}

#[test]
fn what_goes_beyond_keepalived_is_off_unless_written() {
    let plain = service("", "");
    assert_eq!((plain.drain, plain.panic_threshold), (Duration::ZERO, None));
    let service = service("lvs_drain_time 2.5\npanic_threshold 30", "");
    assert_eq!(service.drain, Duration::from_millis(2500));
    assert_eq!(service.panic_threshold, Some(30));
}

/// LVS-03, LVS-06, LVS-07, LVS-09, LVS-11, RS-02; the defaults of features 31.3.
#[test]
fn a_bare_service_has_the_defaults_of_keepalived() {
    let service = service("", "TCP_CHECK {\n}");
    assert_eq!(service.scheduler, "wlc");
    assert_eq!(service.protocol, Some(Protocol::Tcp));
    assert_eq!((service.quorum, service.hysteresis), (1, 0));
    assert_eq!(service.persistence, None);
    let server = &service.servers[0];
    assert_eq!((server.weight, server.forwarding), (1, Forwarding::Nat));
    let checker = &server.checkers[0];
    assert_eq!(checker.schedule.delay_loop, seconds(60));
    assert_eq!(checker.schedule.warmup, seconds(60));
    assert_eq!(
        (checker.schedule.retry, checker.schedule.delay_before_retry),
        (1, seconds(1))
    );
    let CheckerKind::Tcp(target) = &checker.kind else {
        panic!("{checker:?}");
    };
    assert_eq!(
        (target.address, target.port),
        ("192.0.2.9".parse().unwrap(), 80)
    );
    assert_eq!(target.timeout, seconds(5));
}

/// Features 31.3: each kind of checker has its own defaults.
#[test]
fn checkers_differ_in_their_retries() {
    for (block, retry, pause) in [
        ("HTTP_GET {\nurl {\npath /\n}\n}", 1, 3),
        ("SSL_GET {\nurl {\npath /\n}\n}", 1, 3),
        ("DNS_CHECK {\n}", 3, 60),
        ("MISC_CHECK {\nmisc_path /bin/true\n}", 0, 1),
        ("UDP_CHECK {\n}", 1, 1),
        ("PING_CHECK {\n}", 1, 1),
        ("SMTP_CHECK {\n}", 1, 1),
    ] {
        let schedule = checker("", block).schedule;
        assert_eq!(
            (schedule.retry, schedule.delay_before_retry),
            (retry, seconds(pause)),
            "{block}"
        );
    }
}

/// LVS-10, CHK-05, CHK-06: the nearest word counts.
#[test]
fn what_is_said_outside_counts_inside_unless_said_again() {
    let lines = "delay_loop 10\nretry 4\ndelay_before_retry 2\nconnect_timeout 7\nwarmup 3\nvirtualhost outside";
    let schedule = checker(lines, "TCP_CHECK {\n}").schedule;
    assert_eq!((schedule.delay_loop, schedule.retry), (seconds(10), 4));
    assert_eq!(
        (schedule.delay_before_retry, schedule.warmup),
        (seconds(2), seconds(3))
    );
    let schedule = checker(lines, "retry 5\nTCP_CHECK {\ndelay_loop 0.5\nretry 0\n}").schedule;
    assert_eq!(
        (schedule.delay_loop, schedule.retry),
        (Duration::from_millis(500), 0)
    );
    assert_eq!(schedule.delay_before_retry, seconds(2));
    // Lines behind the checker count too.
    assert_eq!(checker(lines, "TCP_CHECK {\n}\nretry 6").schedule.retry, 6);
    let CheckerKind::Web(target, check) = checker(
        lines,
        "HTTP_GET {\nurl {\npath /\n}\nurl {\npath /\nvirtualhost inside\n}\n}",
    )
    .kind
    else {
        panic!("a web check");
    };
    assert_eq!(target.timeout, seconds(7));
    let hosts: Vec<_> = check
        .urls
        .iter()
        .map(|url| url.virtual_host.as_deref())
        .collect();
    assert_eq!(hosts, [Some("outside"), Some("inside")]);
}

/// LVS-06: tunnels with their kinds.
#[test]
fn a_forwarding_method_has_its_words() {
    let method = |line: &str| service(line, "").servers[0].forwarding;
    assert_eq!(method("lb_kind DR"), Forwarding::DirectRouting);
    assert_eq!(method("lvs_method TUN"), Forwarding::Tunnel(Tunnel::Ipip));
    let gue = Tunnel::Gue {
        port: 6080,
        checksum: TunnelChecksum::Remote,
    };
    assert_eq!(
        method("lvs_method TUN type gue port 6080 remcsum"),
        Forwarding::Tunnel(gue)
    );
    let gre = Tunnel::Gre {
        checksum: TunnelChecksum::Full,
    };
    assert_eq!(
        method("lvs_method TUN type gre csum"),
        Forwarding::Tunnel(gre)
    );
    for bad in [
        "TUN type gue",
        "TUN type ipip port 3",
        "TUN type gre remcsum",
        "TUN port",
        "XY",
        "TUN type sit",
    ] {
        let text = text("192.0.2.1 80", &format!("lvs_method {bad}"), "");
        let code = codes(&text);
        assert!(
            code == ["bad-tunnel"] || code == ["bad-method"],
            "{bad}: {code:?}"
        );
        assert_eq!(
            parsed(&text).config.services[0].servers[0].forwarding,
            Forwarding::Nat
        );
    }
}

/// LVS-07.
#[test]
fn persistence_may_be_given_in_three_ways() {
    let persistence = |lines: &str| {
        let persistence = service(lines, "").persistence.unwrap();
        (persistence.timeout, persistence.prefix_len)
    };
    assert_eq!(persistence("persistence_timeout"), (360, 32));
    assert_eq!(persistence("persistence_timeout 50"), (50, 32));
    assert_eq!(
        persistence("persistence_granularity 255.255.255.0"),
        (360, 24)
    );
    assert_eq!(
        codes(&text("192.0.2.1 80", "persistence_timeout 0", "")),
        ["out-of-range"]
    );
    assert_eq!(
        codes(&text(
            "192.0.2.1 80",
            "persistence_granularity 255.0.255.0",
            ""
        )),
        ["bad-granularity"]
    );
}

/// LVS-19, LVS-21, RS-01.
#[test]
fn what_cannot_be_meant_is_corrected_with_a_word() {
    let cases: &[(&str, &str)] = &[
        (
            "virtual_server 192.0.2.1 80 {\nreal_server 192.0.2.9 80 {\n}\n}",
            "no-protocol",
        ),
        (
            "virtual_server fwmark 3 {\nprotocol TCP\nreal_server 192.0.2.9 80 {\n}\n}",
            "protocol-of-mark",
        ),
        (
            "virtual_server 192.0.2.1 80 {\nprotocol TCP\nops\nreal_server 192.0.2.9 80 {\n}\n}",
            "ops-not-udp",
        ),
        (
            "virtual_server 192.0.2.1 {\nprotocol TCP\nreal_server 192.0.2.9 80 {\n}\n}",
            "all-ports",
        ),
        (
            "virtual_server_group G {\n192.0.2.1 80\n192.0.2.2\n}\nvirtual_server group G {\nprotocol TCP\n\
             real_server 192.0.2.9 80 {\n}\n}",
            "all-ports",
        ),
        (
            "virtual_server fwmark 3 {\nha_suspend\nreal_server 192.0.2.9 80 {\n}\n}",
            "suspend-of-mark",
        ),
        (
            "virtual_server 192.0.2.1 80 {\nprotocol TCP\nlb_kind DR\nreal_server 192.0.2.9 8080 {\n}\n}",
            "port-of-service",
        ),
        (
            "virtual_server fwmark 3 {\nlb_kind DR\nreal_server 192.0.2.9 8080 {\n}\n}",
            "port-of-mark",
        ),
        (
            "virtual_server_group G {\n192.0.2.1 80\n192.0.2.1 81\nfwmark 3\n}\nvirtual_server group G {\n\
             protocol TCP\nlb_kind TUN\nreal_server 192.0.2.9 80 {\n}\n}",
            "port-of-service",
        ),
        (
            "virtual_server_group G {\nfwmark 3\n}\nvirtual_server group G {\nlb_kind DR\n\
             real_server 192.0.2.9 80 {\n}\n}",
            "port-of-mark",
        ),
        (
            "virtual_server_group G {\nfwmark 3\n}\nvirtual_server group G {\nprotocol TCP\n\
             real_server 192.0.2.9 80 {\n}\n}",
            "protocol-of-mark",
        ),
        (
            "virtual_server 192.0.2.1 80 {\nprotocol TCP\nlb_kind DR\nsorry_server 192.0.2.8 81\n\
             real_server 192.0.2.9 80 {\n}\n}",
            "port-of-service",
        ),
        (
            "virtual_server 192.0.2.1 80 {\nprotocol TCP\nsorry_server_inhibit\nreal_server 192.0.2.9 80 {\n}\n}",
            "inhibit-without-sorry",
        ),
        (
            "virtual_server 192.0.2.1 80 {\nprotocol TCP\nquorum 9\nreal_server 192.0.2.9 80 {\n}\n}",
            "quorum-too-large",
        ),
        (
            "virtual_server 192.0.2.1 80 {\nprotocol TCP\nhysteresis 2\nreal_server 192.0.2.9 80 {\n}\n}",
            "hysteresis-too-large",
        ),
    ];
    for (text, code) in cases {
        assert_eq!(codes(text), [*code], "{text}");
        assert_eq!(parsed(text).config.services.len(), 1, "{text}");
    }
}

/// LVS-08, LVS-21: as Keepalived reads it. Left out, the service would be one of UDP.
#[test]
fn a_protocol_is_read_in_any_spelling() {
    for (word, protocol) in [
        ("tcp", Protocol::Tcp),
        ("Udp", Protocol::Udp),
        ("sctp", Protocol::Sctp),
    ] {
        let text = format!(
            "virtual_server 192.0.2.1 80 {{\nprotocol {word}\nreal_server 192.0.2.9 80 {{\n}}\n}}"
        );
        assert_eq!(codes(&text), [""; 0], "{text}");
        assert_eq!(parsed(&text).config.services[0].protocol, Some(protocol));
    }
}

/// LVS-01, RS-01: as Keepalived reads it.
#[test]
fn a_mask_behind_an_address_costs_neither_service_nor_server() {
    let text = "virtual_server 192.0.2.1/32 80 {\nprotocol TCP\nsorry_server 192.0.2.8/24 80\n\
                real_server 192.0.2.9/24 80 {\n}\n}";
    assert_eq!(codes(text), ["surplus-mask"; 3]);
    let found = parsed(text).config;
    let servers: Vec<_> = found.services[0]
        .servers
        .iter()
        .map(|one| one.address.to_string())
        .collect();
    assert_eq!(servers, ["192.0.2.9"]);
    assert_eq!(
        found.services[0]
            .sorry
            .as_ref()
            .unwrap()
            .address
            .to_string(),
        "192.0.2.8"
    );
}

/// LVS-21: Keepalived says it too, and its exit code of a test depends on it.
#[test]
fn what_a_service_does_not_say_is_said_with_what_is_used() {
    let text = "virtual_server 192.0.2.1 80 {\nprotocol TCP\nreal_server 192.0.2.9 80 {\n}\n}";
    let found = parsed(text).diagnostics;
    let said: Vec<_> = found
        .iter()
        .map(|found| (found.code, found.help.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        said,
        [
            ("no-scheduler", "wlc is used"),
            ("no-forwarding", "NAT is used")
        ]
    );
}

/// RS-01: the kernel sees one server where only ports differ that packets never get to see.
#[test]
fn of_servers_that_differ_in_a_port_that_is_not_used_the_first_one_counts() {
    let servers = |head: &str, kind: &str| {
        let text = format!(
            "virtual_server_group G {{\n192.0.2.1 80\n192.0.2.1 81\n}}\n\
             virtual_server {head} {{\nprotocol TCP\nlb_algo rr\nlb_kind {kind}\n\
             real_server 192.0.2.9 8080 {{\n}}\nreal_server 192.0.2.9 8081 {{\n}}\nreal_server 192.0.2.8 8081 {{\n}}\n}}"
        );
        let found = parsed(&text);
        let helps = found
            .diagnostics
            .iter()
            .filter(|it| it.code == "port-of-service");
        let out =
            helps.filter(|it| it.help.as_deref() == Some("it is left out; the first one counts"));
        let out = out.count();
        let servers = &found.config.services[0].servers;
        let all: Vec<_> = servers
            .iter()
            .map(|one| (one.address.to_string(), one.port))
            .collect();
        (all, out)
    };
    let own = |ports: &[(&str, u16)]| {
        let all = ports.iter();
        all.map(|(address, port)| ((*address).to_owned(), *port))
            .collect::<Vec<_>>()
    };
    let two = own(&[("192.0.2.9", 80), ("192.0.2.8", 80)]);
    assert_eq!(servers("192.0.2.1 80", "DR"), (two, 1));
    let two = own(&[("192.0.2.9", 8080), ("192.0.2.8", 8081)]);
    assert_eq!(servers("group G", "TUN"), (two, 1));
    let three = own(&[
        ("192.0.2.9", 8080),
        ("192.0.2.9", 8081),
        ("192.0.2.8", 8081),
    ]);
    assert_eq!(servers("192.0.2.1 80", "NAT"), (three, 0));
}

/// RS-01: a port is translated with the address, behind a mark too; without that there is nothing to say
/// where it is that of the service.
#[test]
fn ports_that_can_be_are_kept_without_a_word() {
    for (head, kind, port) in [
        ("fwmark 3", "NAT", 8080),
        ("fwmark 3", "DR", 0),
        ("192.0.2.1 80", "DR", 80),
        ("192.0.2.1 80", "NAT", 8080),
    ] {
        let protocol = if head.contains("fwmark") {
            ""
        } else {
            "protocol TCP\n"
        };
        let text = format!(
            "virtual_server {head} {{\n{protocol}lb_algo rr\nlb_kind {kind}\nreal_server 192.0.2.9 {port} {{\n}}\n}}"
        );
        assert_eq!(codes(&text), Vec::<&str>::new(), "{text}");
        let server = &parsed(&text).config.services[0].servers[0];
        assert_eq!(server.port, port, "{text}");
    }
}

/// LVS-19: what cannot be run is left out, with an error.
#[test]
fn what_cannot_be_used_is_left_out_with_an_error() {
    let server = "real_server 192.0.2.9 80 {\n}";
    let cases: &[(String, &str, usize)] = &[
        (
            "virtual_server 192.0.2.1 80 {\nprotocol TCP\n}".into(),
            "no-server",
            0,
        ),
        (
            format!("virtual_server group G {{\nprotocol TCP\n{server}\n}}"),
            "unknown-group",
            0,
        ),
        (
            format!("virtual_server fwmark 0 {{\n{server}\n}}"),
            "bad-mark",
            0,
        ),
        (
            format!("virtual_server nonsense 80 {{\nprotocol TCP\n{server}\n}}"),
            "bad-address",
            0,
        ),
        (
            format!("virtual_server 192.0.2.1 80000 {{\nprotocol TCP\n{server}\n}}"),
            "bad-port",
            0,
        ),
        (
            format!("virtual_server 192.0.2.1 80 {{\nprotocol TCP\n{server}\n{server}\n}}"),
            "duplicate-server",
            1,
        ),
        (
            format!(
                "virtual_server 192.0.2.1 80 {{\nprotocol TCP\n{server}\nreal_server 2001:db8::1 80 {{\n}}\n}}"
            ),
            "family-mismatch",
            1,
        ),
        (
            format!(
                "virtual_server 192.0.2.1 80 {{\nprotocol TCP\nsorry_server 2001:db8::1 80\n{server}\n}}"
            ),
            "family-mismatch",
            1,
        ),
        (
            format!("virtual_server 192.0.2.1 80 {{\nprotocol TCP\n{server}\n}}\n").repeat(2),
            "duplicate-service",
            1,
        ),
    ];
    for (text, code, services) in cases {
        assert_eq!(codes(text), [*code], "{text}");
        assert_eq!(parsed(text).config.services.len(), *services, "{text}");
    }
}

/// CHK-20: as in Keepalived, and easily missed, since a BFD session is down until it is not.
#[test]
fn a_session_that_never_came_up_counts_as_up_without_alpha_and_that_is_said() {
    let text = |lines: &str, check: &str| {
        let check = format!("BFD_CHECK {{\nname b\n{check}\n}}");
        text("192.0.2.1 80", lines, &check)
    };
    assert_eq!(codes(&text("", "")), ["bfd-without-alpha"]);
    assert_eq!(codes(&text("alpha", "alpha off")), ["bfd-without-alpha"]);
    assert_eq!(codes(&text("", "alpha")), Vec::<&str>::new());
    assert_eq!(codes(&text("alpha", "")), Vec::<&str>::new());
}

/// LVS-17: the address decides.
#[test]
fn a_family_that_is_not_that_of_the_address_does_nothing_and_that_is_said() {
    let text = |family: &str| {
        format!(
            "virtual_server 192.0.2.1 80 {{\nip_family {family}\nprotocol TCP\n\
             real_server 192.0.2.9 80 {{\n}}\n}}\n"
        )
    };
    assert_eq!(codes(&text("inet6")), ["family-of-address"]);
    assert_eq!(codes(&text("inet")), Vec::<&str>::new());
    let service = &parsed(&text("inet6")).config.services[0];
    assert_eq!(service.family, vrrp_proto::Family::Ipv4);
}

/// LVS-21: it would be said to serve, and the kernel would not have it.
#[test]
fn a_sorry_server_of_another_family_is_left_out_unless_a_tunnel_joins_them() {
    let text = |lines: &str| {
        format!(
            "virtual_server 192.0.2.1 80 {{\nprotocol TCP\nsorry_server 2001:db8::1 80\n{lines}\n\
             real_server 192.0.2.9 80 {{\n}}\n}}\n"
        )
    };
    let there = |lines: &str| parsed(&text(lines)).config.services[0].sorry.is_some();
    assert!(!there(""));
    assert!(!there("sorry_server_lvs_method DR"));
    assert!(there("sorry_server_lvs_method TUN"));
    assert_eq!(
        codes(&text("sorry_server_lvs_method TUN")),
        Vec::<&str>::new()
    );
}

/// LVS-01, LVS-02, LVS-17.
#[test]
fn a_service_is_an_address_a_mark_or_a_group() {
    let text = "virtual_server group web {\nprotocol TCP\nreal_server 192.0.2.9 80 {\n}\n}\n\
                virtual_server_group web {\n192.0.2.1-3 80\nfwmark 7\n}\n\
                virtual_server fwmark 9 {\nip_family inet6\nlb_kind TUN\nreal_server 192.0.2.9 {\n}\n}\n";
    let config = parsed(text).config;
    assert!(
        matches!(&config.services[0].address, ServiceAddress::Group(name) if name.value == "web")
    );
    assert_eq!(config.services[1].address, ServiceAddress::Mark(9));
    assert_eq!(config.services[1].family, vrrp_proto::Family::Ipv6);
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let range = GroupEntry::Addresses {
        first: address("192.0.2.1"),
        last: address("192.0.2.3"),
        port: 80,
    };
    assert_eq!(
        config.service_groups[0].entries,
        [range, GroupEntry::Mark(7, None)]
    );
    assert_eq!(codes(text), Vec::<&str>::new());
}

/// CHK-01, CHK-02, CHK-04.
#[test]
fn a_check_may_go_elsewhere_and_leave_from_somewhere() {
    let lines = "connect_ip 192.0.2.77\nconnect_port 8080\nbindto 192.0.2.5\nbind_port 1024\nbind_if eth3\nfwmark 6";
    let CheckerKind::Tcp(target) = checker("", &format!("TCP_CHECK {{\n{lines}\n}}")).kind else {
        panic!("a TCP check");
    };
    assert_eq!(
        (target.address.to_string(), target.port),
        ("192.0.2.77".to_owned(), 8080)
    );
    let source = target.source.unwrap();
    assert_eq!(source.address.unwrap().to_string(), "192.0.2.5");
    assert_eq!(
        (source.port, source.interface.as_deref(), source.mark),
        (Some(1024), Some("eth3"), Some(6))
    );
}

/// CHK-02. To leave from anywhere else is to ask something else: such a check is none.
#[test]
fn a_check_that_is_to_leave_from_an_address_of_another_family_makes_its_server_fail() {
    for block in [
        "TCP_CHECK {\nbindto 2001:db8::1\n}",
        "PING_CHECK {\nbindto 2001:db8::1\n}",
        "TCP_CHECK {\nbindto 192.0.2.5\nconnect_ip 2001:db8::2\n}",
        "HTTP_GET {\nbindto 2001:db8::1\nurl {\npath /\nstatus_code 200\n}\n}",
        "SMTP_CHECK {\nbindto 192.0.2.5\nhost {\nconnect_ip 2001:db8::2\n}\n}",
        "SMTP_CHECK {\nhost {\nbindto 2001:db8::1\n}\n}",
    ] {
        let text = text("192.0.2.1 80", "", block);
        let checkers = &parsed(&text).config.services[0].servers[0].checkers;
        let [
            keepalived_config::model::balance::Checker {
                kind: CheckerKind::Broken { why, .. },
                ..
            },
        ] = checkers.as_slice()
        else {
            panic!("one broken check of {block}: {checkers:?}");
        };
        assert!(why.contains("has another address family than"), "{why}");
        assert_eq!(codes(&text), ["family-mismatch"], "{block}");
    }
}

/// CHK-11, LANG-02. As C Keepalived 2.2.7 reads them: `"d\\wf"` finds `def` there, `"d\wf"` does not.
#[test]
fn backslashes_of_a_pattern_are_doubled() {
    for (written, pattern) in [
        (r#""d\\wf""#, r"d\wf"),
        (r"d\\wf", r"d\wf"),
        (r#""w\\.x""#, r"w\.x"),
        (r#""\144ef""#, "def"),
        (r#""a{2} # it's \"b\"""#, r#"a{2} # it's "b""#),
    ] {
        let block = format!("HTTP_GET {{\nurl {{\npath \"/a\\\\b\"\nregex {written}\n}}\n}}");
        let CheckerKind::Web(_, check) = checker("", &block).kind else {
            panic!("a web check");
        };
        let url = &check.urls[0];
        assert_eq!(url.regex.as_ref().unwrap().value, pattern, "{written}");
        // Other lines of the block have no escapes.
        assert_eq!(url.path, r"/a\\b");
    }
    let single = "HTTP_GET {\nurl {\npath /\nregex \"d\\wf\"\n}\n}";
    assert_eq!(codes(&text("192.0.2.1 80", "", single)), ["lost-backslash"]);
}

/// CHK-11, CHK-12.
#[test]
fn a_web_check_knows_what_passes() {
    let block = "SSL_GET {\nenable_sni\nvirtualhost v\nhttp_protocol 1.1\nurl {\npath /x\n\
                 digest 0123456789abcdef0123456789abcdef\nstatus_code 200 300-399\nregex \"a b\"\nregex_no_match\n\
                 regex_options caseless utf\nregex_min_offset 3\nregex_max_offset 9\n}\n}";
    let CheckerKind::Web(target, check) = checker("", block).kind else {
        panic!("a web check");
    };
    assert_eq!(target.port, 80);
    assert!(check.tls && check.sni);
    assert_eq!(check.version, HttpVersion::Http11);
    let url = &check.urls[0];
    assert_eq!(
        (url.path.as_str(), url.status.as_slice()),
        ("/x", [(200, 200), (300, 399)].as_slice())
    );
    assert_eq!(url.digest.unwrap()[..2], [0x01, 0x23]);
    assert_eq!(url.regex.as_ref().unwrap().value, "a b");
    assert!(url.regex_no_match);
    assert_eq!(
        (
            url.regex_options.len(),
            url.regex_min_offset,
            url.regex_max_offset
        ),
        (2, 3, Some(9))
    );
    for (line, code) in [
        ("digest 12", "bad-digest"),
        ("status_code 99", "bad-status"),
        ("status_code 300-200", "bad-status"),
        ("regex x\nregex_options shouting", "bad-option"),
    ] {
        let text = text(
            "192.0.2.1 80",
            "",
            &format!("HTTP_GET {{\nurl {{\npath /\n{line}\n}}\n}}"),
        );
        assert_eq!(codes(&text), [code], "{line}");
    }
    assert_eq!(
        codes(&text("192.0.2.1 80", "", "HTTP_GET {\n}")),
        ["incomplete-checker"]
    );
}

/// CHK-14 to CHK-20.
#[test]
fn the_other_checkers_read_their_words() {
    let CheckerKind::Udp { payload, reply, .. } = checker(
        "",
        "UDP_CHECK {\npayload 0aff\nrequire_reply 01XX\nmin_reply_length 2\n}",
    )
    .kind
    else {
        panic!("a UDP check");
    };
    assert_eq!(*payload, [0x0a, 0xff]);
    let reply = reply.unwrap();
    assert_eq!(reply.pattern, [Some(0), Some(1), None, None]);
    assert_eq!((reply.min_length, reply.max_length), (2, 255));
    let CheckerKind::Script {
        timeout,
        dynamic,
        command,
    } = checker(
        "",
        "MISC_CHECK {\nmisc_path \"/bin/x -y\"\nmisc_timeout 4\nmisc_dynamic\nuser nobody\n}",
    )
    .kind
    else {
        panic!("a script");
    };
    assert_eq!(
        (timeout, dynamic, command.argv.as_slice()),
        (
            seconds(4),
            true,
            ["/bin/x".to_owned(), "-y".to_owned()].as_slice()
        )
    );
    assert_eq!(command.user.unwrap().user, "nobody");
    let CheckerKind::File {
        name,
        weight,
        reverse,
    } = checker("", "FILE_CHECK {\ntrack_file f\nweight -1000 reverse\n}").kind
    else {
        panic!("a file");
    };
    assert_eq!(
        (name.value.as_str(), weight, reverse),
        ("f", Some(-1000), true)
    );
    let smtp = service(
        "",
        "SMTP_CHECK {\nhelo_name me\nhost {\nconnect_port 26\n}\nhost {\nconnect_ip 192.0.2.3\n}\n}",
    );
    let ports: Vec<_> = smtp.servers[0]
        .checkers
        .iter()
        .map(|checker| match &checker.kind {
            CheckerKind::Smtp { target, helo } => {
                (target.address.to_string(), target.port, helo.clone())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        ports,
        [
            ("192.0.2.9".to_owned(), 26, "me".into()),
            ("192.0.2.3".to_owned(), 80, "me".into())
        ]
    );
    for (block, code) in [
        ("MISC_CHECK {\n}", "incomplete-checker"),
        ("BFD_CHECK {\n}", "incomplete-checker"),
        ("FILE_CHECK {\n}", "incomplete-checker"),
        ("UDP_CHECK {\npayload 0g\n}", "bad-hex"),
        (
            "UDP_CHECK {\nmin_reply_length 9\nmax_reply_length 8\n}",
            "bad-length",
        ),
        ("DNS_CHECK {\ntype ANY\n}", "bad-record"),
    ] {
        assert_eq!(codes(&text("192.0.2.1 80", "", block)), [code], "{block}");
    }
}
