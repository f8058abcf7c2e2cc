//! A thousand services with ten servers each, timed beside `ipvsadm -R` and C Keepalived in the same
//! machine. There a nanosecond is an instruction, so that the figures say how much work it was. In the
//! virtual machine: `cargo xtask ipvs`.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ipvs::netlink::Request;
use ipvs::{Client, Destination, Forward, Op, Protocol, Service, ServiceKey};
use lab::director::kind;
use lab::{Daemon, Director, Kind, Orders, Scratch, clock, wait_until};
use socket2::{Domain, Socket, Type};

const SERVICES: usize = 1_000;
const SERVERS: usize = 10;
/// Rounds on an emulated processor.
const PATIENCE: Duration = Duration::from_secs(100);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(3);

fn conf() -> String {
    let mut text = String::from("global_defs {\n script_user root\n}\n");
    for port in 1..=SERVICES {
        let _ = writeln!(
            text,
            "virtual_server 10.8.0.100 {port} {{\n lvs_sched rr\n lb_kind NAT\n protocol TCP"
        );
        for server in 1..=SERVERS {
            let _ = writeln!(text, " real_server 10.9.1.{server} 80 {{\n weight 1\n }}");
        }
        text.push_str("}\n");
    }
    text
}

fn saved() -> String {
    let mut text = String::new();
    for port in 1..=SERVICES {
        let _ = writeln!(text, "-A -t 10.8.0.100:{port} -s rr");
        for server in 1..=SERVERS {
            let _ = writeln!(
                text,
                "-a -t 10.8.0.100:{port} -r 10.9.1.{server}:80 -m -w 1"
            );
        }
    }
    text
}

/// Does something with the kernel's table, in the network of the balancer.
fn with_client<T: Send + 'static>(
    director: &Director,
    work: impl FnOnce(&mut Client) -> T + Send + 'static,
) -> T {
    let netns = &director.host().netns;
    let done = netns.spawn(move || work(&mut Client::connect().expect("a kernel with IPVS")));
    done.join().expect("the kernel answers")
}

fn service(port: usize) -> ServiceKey {
    let port = u16::try_from(port).expect("a port");
    ServiceKey::address(Protocol::TCP, SocketAddr::new([10, 8, 0, 100].into(), port))
}

/// Services and servers in the table. Not out of `/proc`: where that goes on with its listing it
/// counts the services of other namespaces too, and so misses some of ours.
fn entries(client: &mut Client) -> usize {
    let dumped = client.dump().expect("the table is readable");
    dumped.services.iter().map(|(_, all)| 1 + all.len()).sum()
}

/// How long after `start` all of it was there. To look is work like any other on a processor that
/// counts instructions, so only the service that comes last is looked at again and again.
fn installed(director: &Director, start: Instant) -> Duration {
    with_client(director, move |client| {
        let last = Request::DumpDestinations(service(SERVICES));
        loop {
            let there = client.request(&last).expect("the kernel answers").len();
            let took = start.elapsed();
            if there == SERVERS && entries(client) == SERVICES * (SERVERS + 1) {
                return took;
            }
            assert!(took < PATIENCE, "{} entries are there", entries(client));
            std::thread::sleep(LOOK);
        }
    })
}

/// Installed and removed by a daemon: how long each took.
fn timed(kind: Kind, conf: &str) -> [Duration; 2] {
    let director = Director::new(0);
    let _loads_the_module = director.ipvsadm("-L");
    let start = clock::now();
    let mut daemon = Daemon::start_in(kind, director.host(), Scratch::new("lb"), conf, &[]);
    let installed = installed(&director, start);
    if kind == Kind::Ours {
        let orders = Orders::listen(director.host());
        let before = daemon.logged("reload");
        daemon.reload_with(conf);
        wait_until("it has reloaded", PATIENCE, || {
            daemon.logged("reload") > before
        });
        std::thread::sleep(Duration::from_secs(5));
        assert_eq!(
            orders.writes(),
            Vec::<u8>::new(),
            "a reload without a change"
        );
        // The monitor sees what there is to see.
        director.ipvsadm("-A -f 1 -s rr");
        wait_until("it is seen", PATIENCE, || orders.writes() == [1]);
        director.ipvsadm("-D -f 1");
    }
    let start = clock::now();
    daemon.terminate();
    daemon.wait_exit(PATIENCE);
    let removed = start.elapsed();
    assert_eq!(with_client(&director, entries), 0);
    [installed, removed]
}

#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_thousand_services_come_and_go_and_a_reload_without_a_change_asks_for_nothing() {
    lab::require_guest();
    let director = Director::new(0);
    let _loads_the_module = director.ipvsadm("-L");
    let scratch = Scratch::new("saved");
    let path = scratch.file("saved");
    fs::write(&path, saved()).expect("scratch is writable");
    let start = clock::now();
    let input = fs::File::open(&path).expect("it was written");
    let restore = move || {
        let mut command = Command::new("ipvsadm");
        command
            .arg("-R")
            .stdin(Stdio::from(input))
            .status()
            .is_ok_and(|status| status.success())
    };
    assert!(director.host().netns.spawn(restore).join().expect("it ran"));
    let restored = start.elapsed();
    assert_eq!(with_client(&director, entries), SERVICES * (SERVERS + 1));
    drop(director);
    let conf = conf();
    println!("\nfigure: {SERVICES} x {SERVERS}: ipvsadm -R {restored:?}");
    let kinds = match kind() {
        Kind::Ours => vec![Kind::CKeepalived, Kind::Ours],
        kind @ Kind::CKeepalived => vec![kind],
    };
    for kind in kinds {
        let [installed, removed] = timed(kind, &conf);
        println!(
            "\nfigure: {SERVICES} x {SERVERS}: {kind:?} installed after {installed:?}, ended after {removed:?}"
        );
    }
}

/// All of it, in the order in which it is to be done.
fn changes() -> Vec<Op> {
    let mut changes = Vec::new();
    for port in 1..=SERVICES {
        let key = service(port);
        let scheduler = "rr".parse().expect("a name");
        changes.push(Op::NewService(Service::new(key, scheduler)));
        for server in 1..=SERVERS {
            let server = u8::try_from(server).expect("an octet");
            let to = SocketAddr::new([10, 9, 1, server].into(), 80);
            let destination = Destination::new(to, Forward::Masquerade, 1);
            changes.push(Op::NewDest(key, destination));
        }
    }
    changes
}

/// What no program can do without: the kernel's own work, many changes to a send and nothing but a
/// refusal answered. In a namespace of its own: among servers that were removed shortly before, which
/// the kernel keeps for a while and looks through for each new one, it takes four times as long.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn the_kernel_takes_all_of_it_in_sends_of_many_without_an_answer() {
    const MANY: usize = 64;
    lab::require_guest();
    let director = Director::new(0);
    let family = with_client(&director, |client| client.family());
    let mut datagrams = Vec::new();
    for many in changes().chunks(MANY) {
        let mut datagram = Vec::new();
        for (seq, op) in (1..).zip(many) {
            let request = Request::Change(op.clone());
            request.encode_unacknowledged(family, seq, &mut datagram);
        }
        datagrams.push(datagram);
    }
    let netns = &director.host().netns;
    let sends = move || {
        // Generic netlink; what is sent without an address goes to the kernel.
        let socket = Socket::new(Domain::from(16), Type::RAW, Some(16.into())).expect("allowed");
        let start = clock::now();
        for datagram in &datagrams {
            let sent = socket.send(datagram).expect("the kernel takes it");
            assert_eq!(sent, datagram.len());
        }
        start.elapsed()
    };
    let took = netns.spawn(sends).join().expect("it ran");
    assert_eq!(with_client(&director, entries), SERVICES * (SERVERS + 1));
    println!("\nfigure: {SERVICES} x {SERVERS}: the kernel alone {took:?}");
}
