//! What the kernel's table holds for each keyword about services and servers. In the virtual machine:
//! `cargo xtask ipvs`. The lines are what `ipvsadm -Sn` shows, and C Keepalived makes the same ones.

use std::time::Duration;

use lab::director::kind;
use lab::{Daemon, Director, Kind, Scratch};

const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a configuration, in which nothing is checked, and C Keepalived with the same beside it.
fn shows(conf: &str, wanted: &[&str]) {
    let (_ours, _daemon) = running(conf, wanted);
}

fn running(conf: &str, wanted: &[&str]) -> (Director, Daemon) {
    lab::require_guest();
    let director = Director::new(0);
    let daemon = director.start(conf);
    director.wait_table(wanted, PATIENCE);
    if kind() == Kind::Ours {
        let other = Director::new(0);
        let scratch = Scratch::new("c");
        let _c = Daemon::start_in(Kind::CKeepalived, other.host(), scratch, conf, &[]);
        other.wait_table(wanted, PATIENCE);
    }
    (director, daemon)
}

/// A service on this port with these lines, and a server that has them too.
fn service(port: u16, lines: &str, server: &str) -> String {
    format!(
        "virtual_server 10.8.0.100 {port} {{\n {lines}\n real_server 10.9.0.3 {port} {{\n {server}\n }}\n}}\n"
    )
}

/// The two lines of such a service.
fn pair(port: u16, options: &str, server: &str) -> [String; 2] {
    [
        format!("-A -t 10.8.0.100:{port} {options}"),
        format!("-a -t 10.8.0.100:{port} -r 10.9.0.3:{port} {server}"),
    ]
}

/// Services that differ in one line each: lines of the service, lines of the server, and options of both in
/// the table.
fn each(cases: &[(&str, &str, &str, &str)]) {
    let (mut conf, mut wanted) = (String::new(), Vec::new());
    for (port, (lines, server, options, destination)) in (1000..).zip(cases) {
        conf += &service(port, &format!("protocol TCP\n {lines}"), server);
        wanted.extend(pair(port, options, destination));
    }
    let wanted: Vec<_> = wanted.iter().map(String::as_str).collect();
    shows(&conf, &wanted);
}

/// Flips: virtual_server.lvs_sched, virtual_server.lb_algo.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn every_scheduler_of_the_kernel_is_used() {
    let names = "rr wrr lc wlc lblc lblcr dh sh mh sed nq fo ovf";
    let cases: Vec<_> = names
        .split(' ')
        .map(|name| (format!("lvs_sched {name}"), format!("-s {name}")))
        .chain([
            ("lb_algo dh".to_owned(), "-s dh".to_owned()),
            (String::new(), "-s wlc".to_owned()),
        ])
        .collect();
    let cases: Vec<_> = cases
        .iter()
        .map(|(line, option)| (line.as_str(), "", option.as_str(), "-m -w 1"))
        .collect();
    each(&cases);
}

/// Flips: virtual_server.flag-1, virtual_server.flag-2, virtual_server.flag-3, virtual_server.sh-port,
/// virtual_server.sh-fallback, virtual_server.mh-port, virtual_server.mh-fallback.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn flags_of_schedulers_are_set() {
    let dest = "-m -w 1";
    each(&[
        ("lvs_sched sh", "", "-s sh", dest),
        ("lvs_sched sh\n sh-port", "", "-s sh -b sh-port", dest),
        (
            "lvs_sched sh\n sh-fallback",
            "",
            "-s sh -b sh-fallback",
            dest,
        ),
        ("lvs_sched mh\n mh-port", "", "-s mh -b mh-port", dest),
        (
            "lvs_sched mh\n mh-fallback",
            "",
            "-s mh -b mh-fallback",
            dest,
        ),
        ("lvs_sched rr\n flag-1", "", "-s rr -b flag-1", dest),
        ("lvs_sched rr\n flag-2", "", "-s rr -b flag-2", dest),
        ("lvs_sched rr\n flag-3", "", "-s rr -b flag-3", dest),
        (
            "lvs_sched rr\n flag-1\n flag-3",
            "",
            "-s rr -b flag-1,flag-3",
            dest,
        ),
    ]);
}

/// Flips: virtual_server.persistence_timeout, virtual_server.persistence_granularity.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn clients_that_come_back_are_remembered() {
    let dest = "-m -w 1";
    each(&[
        ("lvs_sched rr", "", "-s rr", dest),
        (
            "lvs_sched rr\n persistence_timeout 50",
            "",
            "-s rr -p 50",
            dest,
        ),
        (
            "lvs_sched rr\n persistence_timeout",
            "",
            "-s rr -p 360",
            dest,
        ),
        (
            "lvs_sched rr\n persistence_timeout 50\n persistence_granularity 255.255.255.0",
            "",
            "-s rr -p 50 -M 255.255.255.0",
            dest,
        ),
    ]);
}

/// Flips: virtual_server.lb_kind, virtual_server.lvs_method, virtual_server.real_server.lvs_method,
/// *.lvs_method/NAT, *.lvs_method/DR, *.lvs_method/TUN, *.lvs_method/type, *.lvs_method/port,
/// *.lvs_method/nocsum, *.lvs_method/csum, *.lvs_method/remcsum.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn packets_reach_servers_in_every_way() {
    let rr = "-s rr";
    each(&[
        ("lvs_sched rr\n lvs_method NAT", "", rr, "-m -w 1"),
        ("lvs_sched rr\n lvs_method DR", "", rr, "-g -w 1"),
        ("lvs_sched rr\n lb_kind DR", "", rr, "-g -w 1"),
        (
            "lvs_sched rr\n lvs_method TUN",
            "",
            rr,
            "-i -w 1 --tun-type ipip",
        ),
        (
            "lvs_sched rr\n lvs_method DR",
            "lvs_method NAT",
            rr,
            "-m -w 1",
        ),
        (
            "lvs_sched rr\n lvs_method TUN type gue port 6080",
            "",
            rr,
            "-i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum",
        ),
        (
            "lvs_sched rr\n lvs_method TUN type gue port 6081 csum",
            "",
            rr,
            "-i -w 1 --tun-type gue --tun-port 6081 --tun-csum",
        ),
        (
            "lvs_sched rr\n lvs_method TUN type gue port 6081 remcsum",
            "",
            rr,
            "-i -w 1 --tun-type gue --tun-port 6081 --tun-remcsum",
        ),
        (
            "lvs_sched rr\n lvs_method TUN type gre",
            "",
            rr,
            "-i -w 1 --tun-type gre --tun-nocsum",
        ),
        (
            "lvs_sched rr\n lvs_method TUN type gre csum",
            "",
            rr,
            "-i -w 1 --tun-type gre --tun-csum",
        ),
        (
            "lvs_sched rr",
            "lvs_method TUN type gre csum",
            rr,
            "-i -w 1 --tun-type gre --tun-csum",
        ),
    ]);
}

/// Flips: virtual_server.real_server.weight, virtual_server.weight.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn weights_are_those_of_the_server_or_else_of_the_service() {
    each(&[
        ("lvs_sched rr", "", "-s rr", "-m -w 1"),
        ("lvs_sched rr", "weight 7", "-s rr", "-m -w 7"),
        ("lvs_sched rr", "weight 0", "-s rr", "-m -w 0"),
        ("lvs_sched rr\n weight 5", "", "-s rr", "-m -w 5"),
        ("lvs_sched rr\n weight 5", "weight 7", "-s rr", "-m -w 7"),
    ]);
}

/// Flips: virtual_server.protocol, virtual_server.ops, virtual_server.persistence_engine.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn services_of_each_protocol_are_there() {
    let with = |port, lines| service(port, lines, "weight 1");
    let conf = [
        with(1, "lvs_sched rr\n protocol TCP"),
        with(2, "lvs_sched rr\n protocol UDP"),
        with(3, "lvs_sched rr\n protocol SCTP"),
        with(4, "lvs_sched rr"),
        with(5, "lvs_sched rr\n protocol UDP\n ops"),
        with(
            6,
            "lvs_sched rr\n protocol UDP\n persistence_timeout 60\n persistence_engine sip",
        ),
    ];
    shows(
        &conf.concat(),
        &[
            "-A -t 10.8.0.100:1 -s rr",
            "-a -t 10.8.0.100:1 -r 10.9.0.3:1 -m -w 1",
            "-A -u 10.8.0.100:2 -s rr",
            "-a -u 10.8.0.100:2 -r 10.9.0.3:2 -m -w 1",
            "-A --sctp-service 10.8.0.100:3 -s rr",
            "-a --sctp-service 10.8.0.100:3 -r 10.9.0.3:3 -m -w 1",
            "-A -u 10.8.0.100:4 -s rr",
            "-a -u 10.8.0.100:4 -r 10.9.0.3:4 -m -w 1",
            "-A -u 10.8.0.100:5 -s rr -o",
            "-a -u 10.8.0.100:5 -r 10.9.0.3:5 -m -w 1",
            "-A -u 10.8.0.100:6 -s rr -p 60 --pe sip",
            "-a -u 10.8.0.100:6 -r 10.9.0.3:6 -m -w 1",
        ],
    );
}

/// Flips: virtual_server.ip_family.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn services_are_addresses_of_both_families_or_marks() {
    shows(
        "virtual_server 2001:db8:8::100 80 {\n lvs_sched rr\n protocol TCP\n persistence_timeout 60\n \
         persistence_granularity 64\n real_server 2001:db8::3 80 {\n }\n}\n\
         virtual_server fwmark 7 {\n lvs_sched rr\n real_server 10.9.0.3 {\n weight 2\n }\n}\n\
         virtual_server fwmark 8 {\n lvs_sched rr\n lvs_method TUN\n ip_family inet6\n \
         real_server 10.9.0.3 {\n }\n}\n\
         virtual_server fwmark 9 {\n lvs_sched rr\n lvs_method TUN\n ip_family inet\n \
         real_server 10.9.0.3 {\n }\n}\n\
         virtual_server 10.8.0.100 81 {\n lvs_sched rr\n protocol TCP\n lvs_method TUN\n \
         real_server 2001:db8::3 81 {\n }\n}\n",
        &[
            "-A -t [2001:db8:8::100]:80 -s rr -p 60 -M 64",
            "-a -t [2001:db8:8::100]:80 -r [2001:db8::3]:80 -m -w 1",
            "-A -f 7 -s rr",
            "-a -f 7 -r 10.9.0.3:0 -m -w 2",
            "-A -f 8 -6 -s rr",
            "-a -f 8 -6 -r 10.9.0.3:0 -i -w 1 --tun-type ipip",
            "-A -f 9 -s rr",
            "-a -f 9 -r 10.9.0.3:0 -i -w 1 --tun-type ipip",
            "-A -t 10.8.0.100:81 -s rr",
            "-a -t 10.8.0.100:81 -r [2001:db8::3]:81 -i -w 1 --tun-type ipip",
        ],
    );
}

/// Flips: virtual_server.real_server.uthreshold, virtual_server.real_server.lthreshold.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn thresholds_of_servers_are_set() {
    let conf = service(
        80,
        "protocol TCP\n lvs_sched rr",
        "uthreshold 100\n lthreshold 50",
    ) + &service(81, "protocol TCP\n lvs_sched rr", "uthreshold 200");
    let wanted = [pair(80, "-s rr", "-m -w 1"), pair(81, "-s rr", "-m -w 1")].concat();
    let wanted: Vec<_> = wanted.iter().map(String::as_str).collect();
    let (director, _daemon) = running(&conf, &wanted);
    let seen = |server, column| director.column("--thresholds", server, column);
    assert_eq!(seen("10.9.0.3:80 ", 0), Some(100));
    assert_eq!(seen("10.9.0.3:80 ", 1), Some(50));
    assert_eq!(seen("10.9.0.3:81 ", 0), Some(200));
    assert_eq!(seen("10.9.0.3:81 ", 1), Some(0));
}

/// A group of these entries, and a service that uses it.
fn group(entries: &str) -> String {
    format!(
        "virtual_server_group G {{\n {entries}\n}}\n\
         virtual_server group G {{\n lvs_sched rr\n protocol TCP\n real_server 10.9.0.3 80 {{\n }}\n}}\n"
    )
}

/// The lines of these services, each with that server.
fn all(services: &[&str]) -> Vec<String> {
    let both = services.iter().flat_map(|service| {
        [
            format!("-A {service} -s rr"),
            format!("-a {service} -r 10.9.0.3:80 -m -w 1"),
        ]
    });
    both.collect()
}

fn shows_all(entries: &str, services: &[&str]) {
    let wanted = all(services);
    let wanted: Vec<_> = wanted.iter().map(String::as_str).collect();
    shows(&group(entries), &wanted);
}

/// Flips: (root).virtual_server, (root).virtual_server_group, virtual_server/group, virtual_server/fwmark,
/// VSG-ENTRY/(address), VSG-ENTRY/(range), VSG-ENTRY/fwmark.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn groups_are_services_of_each_address() {
    shows_all(
        "10.8.0.100 80\n 10.8.0.101-103 80\n 10.8.1.5-10.8.1.6 81\n fwmark 5",
        &[
            "-t 10.8.0.100:80",
            "-t 10.8.0.101:80",
            "-t 10.8.0.102:80",
            "-t 10.8.0.103:80",
            "-t 10.8.1.5:81",
            "-t 10.8.1.6:81",
            "-f 5",
        ],
    );
}

/// The first and the last one too.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_group_has_all_addresses_of_a_network() {
    shows_all(
        "10.8.3.8/30 82",
        &[
            "-t 10.8.3.8:82",
            "-t 10.8.3.9:82",
            "-t 10.8.3.10:82",
            "-t 10.8.3.11:82",
        ],
    );
}

/// C Keepalived 2.2.7 counts in the last octet only and comes to no end.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_range_may_cross_into_the_next_network() {
    if kind() == Kind::CKeepalived {
        return;
    }
    lab::require_guest();
    let director = Director::new(0);
    let _daemon = director.start(&group("10.8.1.255-10.8.2.1 81"));
    let wanted = all(&["-t 10.8.1.255:81", "-t 10.8.2.0:81", "-t 10.8.2.1:81"]);
    let wanted: Vec<_> = wanted.iter().map(String::as_str).collect();
    director.wait_table(&wanted, PATIENCE);
}

/// RS-01: direct routing and tunnels leave the port as it is; address translation may change it, behind a
/// mark too.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_server_has_a_port_of_its_own_where_ports_are_translated() {
    let group = "virtual_server_group g {\n 10.8.0.101 80\n 10.8.0.102 81\n fwmark 9\n}\n";
    let service = |head: &str, kind: &str, server: &str| {
        format!(
            "virtual_server {head} {{\n lvs_sched rr\n lvs_method {kind}\n protocol TCP\n \
             real_server {server} {{\n weight 1\n }}\n}}\n"
        )
    };
    let mut conf = group.to_owned();
    for (head, kind, server) in [
        ("fwmark 1", "NAT", "10.9.0.3 82"),
        ("fwmark 2", "DR", "10.9.0.3 82"),
        ("10.8.0.100 0", "NAT", "10.9.0.3 82"),
        ("10.8.0.101 0", "DR", "10.9.0.3 82"),
        ("10.8.0.100 83", "DR", "10.9.0.3 82"),
        ("10.8.0.100 84", "NAT", "10.9.0.3 82"),
        ("10.8.0.100 85", "NAT", "10.9.0.3"),
        ("group g", "DR", "10.9.0.3 82"),
    ] {
        conf += &service(head, kind, server);
    }
    shows(
        &conf,
        &[
            "-A -f 1 -s rr",
            "-a -f 1 -r 10.9.0.3:82 -m -w 1",
            "-A -f 2 -s rr",
            "-a -f 2 -r 10.9.0.3:0 -g -w 1",
            "-A -t 10.8.0.100:0 -s rr -p 360",
            "-a -t 10.8.0.100:0 -r 10.9.0.3:82 -m -w 1",
            "-A -t 10.8.0.101:0 -s rr -p 360",
            "-a -t 10.8.0.101:0 -r 10.9.0.3:0 -g -w 1",
            "-A -t 10.8.0.100:83 -s rr",
            "-a -t 10.8.0.100:83 -r 10.9.0.3:83 -g -w 1",
            "-A -t 10.8.0.100:84 -s rr",
            "-a -t 10.8.0.100:84 -r 10.9.0.3:82 -m -w 1",
            "-A -t 10.8.0.100:85 -s rr",
            "-a -t 10.8.0.100:85 -r 10.9.0.3:85 -m -w 1",
            "-A -t 10.8.0.101:80 -s rr",
            "-a -t 10.8.0.101:80 -r 10.9.0.3:80 -g -w 1",
            "-A -t 10.8.0.102:81 -s rr",
            "-a -t 10.8.0.102:81 -r 10.9.0.3:81 -g -w 1",
            "-A -f 9 -s rr",
            "-a -f 9 -r 10.9.0.3:0 -g -w 1",
        ],
    );
}
