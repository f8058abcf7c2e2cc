//! What a client gets through the director. In the virtual machine: `cargo xtask ipvs`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use lab::director::{SERVICE, SERVICE6};
use lab::servers::{Server, Talk, ask, ask_many};
use lab::{Daemon, Director, clock};

const PATIENCE: Duration = Duration::from_secs(10);
/// How long a client waits for an answer.
const LIMIT: Duration = Duration::from_secs(1);

/// Two servers that say their names, checked each second, with these weights.
struct Case {
    director: Director,
    servers: Vec<Server>,
    _daemon: Daemon,
}

fn case(weights: [u32; 2], method: &str) -> Case {
    lab::require_guest();
    let director = Director::new(2);
    let servers = [director.lan.host("s1"), director.lan.host("s2")];
    let servers = servers.map(|host| Server::tcp(host, 80, Talk::Text(host.name.clone())));
    let service = |virtual_address: &str, prefix: &str| {
        let real = |number: usize, weight: u32| {
            format!(
                " real_server {prefix}{number} 80 {{\n weight {weight}\n TCP_CHECK {{\n connect_timeout 1\n retry 1\n \
                 delay_before_retry 1\n }}\n }}\n"
            )
        };
        format!(
            "virtual_server {virtual_address} 80 {{\n delay_loop 1\n warmup 0\n lvs_sched wrr\n lvs_method {method}\n \
             protocol TCP\n{}{}}}\n",
            real(3, weights[0]),
            real(4, weights[1])
        )
    };
    let mut conf = service(SERVICE, "10.9.0.");
    if method == "NAT" {
        conf += &service(SERVICE6, "2001:db8::");
    }
    let daemon = director.start(&conf);
    let lines = if method == "NAT" { 6 } else { 3 };
    lab::wait_until("the services are there", PATIENCE, || {
        director.table().len() == lines
    });
    Case {
        director,
        servers: servers.into(),
        _daemon: daemon,
    }
}

fn service() -> IpAddr {
    SERVICE.parse().expect("an address")
}

/// How many answers came from each server.
fn counted(case: &Case, address: SocketAddr, times: usize) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for answer in ask_many(case.director.lan.host("c"), address, times, LIMIT) {
        *counts.entry(answer.expect("answered")).or_default() += 1;
    }
    counts
}

#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn ten_thousand_requests_follow_the_weights() {
    let case = case([3, 1], "NAT");
    let counts = counted(&case, SocketAddr::new(service(), 80), 10_000);
    println!("\nfigure: 10000 requests, weights 3 and 1: {counts:?}");
    let first = counts.get("s1").copied().unwrap_or_default();
    assert!((7_300..=7_700).contains(&first), "{counts:?}");
    assert_eq!(counts.values().sum::<usize>(), 10_000);
}

#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn requests_over_ipv6_follow_the_weights() {
    let case = case([1, 1], "NAT");
    let address: IpAddr = SERVICE6.parse().expect("an address");
    let counts = counted(&case, SocketAddr::new(address, 80), 100);
    assert_eq!(
        counts,
        BTreeMap::from([("s1".to_owned(), 50), ("s2".to_owned(), 50)])
    );
}

/// The servers answer by themselves: they hold the address, and do not tell.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn directly_routed_and_tunnelled_requests_are_answered() {
    for method in ["DR", "TUN"] {
        let case = case([1, 1], method);
        for name in ["s1", "s2"] {
            let host = &case.director.lan.host(name).netns;
            host.shell(
                "cd /proc/sys/net/ipv4/conf; for d in all eth0; do echo 1 > $d/arp_ignore; echo 2 > $d/arp_announce; done",
            );
            // Past the balancer, which takes nobody else's packets from an address that is its own.
            host.ip(&[
                "addr add 10.8.0.100/32 dev lo",
                "route replace 10.8.0.0/24 dev eth0",
            ]);
            if method == "TUN" {
                host.shell("modprobe ipip");
                host.ip(&["link set tunl0 up"]);
                host.shell("echo 0 > /proc/sys/net/ipv4/conf/tunl0/rp_filter");
            }
        }
        let counts = counted(&case, SocketAddr::new(service(), 80), 20);
        assert_eq!(
            counts,
            BTreeMap::from([("s1".to_owned(), 10), ("s2".to_owned(), 10)]),
            "{method}"
        );
    }
}

/// The check finds out at most one interval, one retry and the pause before it after the death.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn requests_to_a_dead_server_fail_no_longer_than_the_schedule_promises() {
    const BOUND: Duration = Duration::from_millis(2_500);
    let mut case = case([1, 1], "NAT");
    let client = case.director.lan.host("c");
    drop(case.servers.remove(0));
    let death = clock::now();
    let (mut failed, mut last, mut good) = (0, Duration::ZERO, 0);
    while death.elapsed() < BOUND * 2 {
        let answer = ask(client, service(), 80, LIMIT);
        if answer.is_ok() {
            good += 1;
        } else {
            failed += 1;
            last = death.elapsed();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    println!(
        "\nfigure: one of two servers dies: {failed} of {} requests failed, the last after {last:?}",
        failed + good
    );
    assert!(failed > 0, "the server was not asked");
    assert!(last <= BOUND, "failed for {last:?}");
}

/// A request of SIP in this call, from one of two addresses of the client and a port of its own.
fn invite(director: &Director, call: usize, from: u8) {
    let request = format!(
        "INVITE sip:bob@example.net SIP/2.0\r\nVia: SIP/2.0/UDP client:5060;branch=z9hG4bK{call}\r\n\
         From: <sip:alice@example.net>;tag=1\r\nTo: <sip:bob@example.net>\r\nCall-ID: call-{call}@example.net\r\n\
         CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    );
    let sent = director.lan.host("c").netns.spawn(move || {
        let source = Ipv4Addr::new(10, 8, 0, from);
        let socket = UdpSocket::bind((source, 0)).expect("an address of its own");
        socket.send_to(request.as_bytes(), (SERVICE, 5060))
    });
    sent.join().expect("it runs").expect("it is sent");
}

/// The requests of one call have one server, from whatever port of a client, and the calls of a client are spread; by
/// addresses all calls of a client have one server. (To the kernel the same call from another address is another one.)
/// Flips: virtual_server.persistence_engine.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn the_requests_of_a_call_have_one_server() {
    const CALLS: usize = 6;
    const REQUESTS: u64 = 4;
    lab::require_guest();
    for (engine, servers_of_a_client) in [("persistence_engine sip", 2), ("", 1)] {
        let director = Director::new(2);
        let client = &director.lan.host("c").netns;
        client.ip(&["addr add 10.8.0.3/24 dev eth0"]);
        let servers = ["s1", "s2"].map(|name| Server::echo(director.lan.host(name), 5060));
        // Each packet is looked at for itself, so that it is the engine that keeps them together.
        let _daemon = director.start(&format!(
            "virtual_server {SERVICE} 5060 {{\n lvs_sched rr\n lvs_method NAT\n protocol UDP\n ops\n \
             persistence_timeout 60\n {engine}\n real_server 10.9.0.3 5060 {{\n }}\n \
             real_server 10.9.0.4 5060 {{\n }}\n}}\n"
        ));
        lab::wait_until("the service is there", PATIENCE, || {
            director.table().len() == 3
        });
        let served = || servers.each_ref().map(Server::served);
        for from in [2, 3] {
            let mut used = [false; 2];
            for call in 0..CALLS {
                let before = served();
                for _ in 0..REQUESTS {
                    let come: u64 = served().iter().sum();
                    invite(&director, call, from);
                    lab::wait_until("it has come", PATIENCE, || {
                        served().iter().sum::<u64>() == come + 1
                    });
                }
                let now = served();
                let got = [now[0] - before[0], now[1] - before[1]];
                assert!(
                    got == [REQUESTS, 0] || got == [0, REQUESTS],
                    "{engine:?}: call {call} from {from}: {got:?}"
                );
                used = [used[0] || got[0] > 0, used[1] || got[1] > 0];
            }
            let used = used.iter().filter(|used| **used).count();
            assert_eq!(used, servers_of_a_client, "{engine:?}, client {from}");
        }
    }
}
