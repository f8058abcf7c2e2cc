//! What a service is, and what of it is corrected or refused.

use std::net::IpAddr;
use std::time::Duration;

use keepalived_config::model::balance::{
    CheckerKind, Forwarding, GroupEntry, Protocol, ServiceAddress, Tunnel, TunnelChecksum,
};

use crate::{codes, parsed, seconds, service, text};

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

/// LVS-21: as Keepalived reads it. Left out, the service would be one of UDP.
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
