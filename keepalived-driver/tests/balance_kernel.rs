//! The balancing loop against a kernel that has IPVS, as root, with the whole table for itself:
//! `cargo xtask ipvs` boots a virtual machine for that. `ipvsadm` is the witness.

#[path = "balance/bench.rs"]
#[allow(dead_code, reason = "each test program uses its part")]
mod bench;

use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::process::Command;
use std::time::Duration;

use ipvs::{
    Destination, Family, Forward, Protocol, Service, ServiceKey, SyncDaemon, SyncRole, Timeouts,
};
use keepalived_driver::balance::{
    BalanceConfig, BalanceSnapshot, OnStop, ServerSetup, ServiceSetup, SorrySetup, SyncSetup,
};

use bench::{Bench, check, server, service, tcp};

fn ipvsadm(arguments: &str) -> String {
    let output = Command::new("ipvsadm")
        .args(arguments.split_whitespace())
        .output()
        .expect("ipvsadm starts");
    assert!(output.status.success(), "ipvsadm {arguments}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The table, sorted, with its addresses shortened to what tells them apart.
fn saved() -> Vec<String> {
    let text = ipvsadm("-S -n")
        .replace("192.0.2.", "V")
        .replace("198.51.100.", "R");
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.sort();
    lines
}

/// The table of the test before is gone.
fn config(services: Vec<ServiceSetup>) -> BalanceConfig {
    ipvsadm("-C");
    BalanceConfig::new(services)
}

fn settled(all: &BalanceSnapshot) -> bool {
    all.ipvs.settled
}

fn v(label: &str) -> String {
    format!("V{}:80", label.as_bytes()[0])
}

fn r(label: &str) -> String {
    format!("R{}:80", label.as_bytes()[0])
}

/// LVS-20, IPVS-OPS-01, IPVS-OPS-02: there while it runs, gone afterwards; those of others stay.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn services_are_there_while_the_loop_runs_and_nothing_of_others_is_touched() {
    let servers = vec![server("a", vec![]), server("b", vec![])];
    let config = config(vec![service("v", servers)]);
    ipvsadm("-A -u 192.0.2.1:53 -s rr");
    let mut bench = Bench::start(config);
    bench.expect("IpvsAvailable*");
    let all = bench.until("settled", settled);
    let other = "-A -u V1:53 -s rr".to_owned();
    let ours = [
        format!("-A -t {} -s wlc", v("v")),
        format!("-a -t {} -r {} -m -w 1", v("v"), r("a")),
        format!("-a -t {} -r {} -m -w 1", v("v"), r("b")),
    ];
    let mut expected = vec![other.clone()];
    expected.extend(ours);
    expected.sort();
    assert_eq!(saved(), expected);
    assert_eq!((all.ipvs.services, all.ipvs.destinations), (1, 2));
    assert!(all.ipvs.info.is_some());
    assert_eq!(bench.stop(), ["Stopped"]);
    assert_eq!(saved(), [other]);
}

/// IPVS-OPS-03, IPVS-OPS-08, LVS-14, LVS-15.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn a_failed_server_leaves_the_table_or_stays_without_weight() {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let addresses = [0, 1].map(|at: usize| listeners[at].local_addr().unwrap());
    let mut setup = service(
        "v",
        vec![
            server("a", vec![check(tcp(addresses[0]), 50)]),
            server("b", vec![check(tcp(addresses[1]), 50)]),
        ],
    );
    setup.servers[1].inhibit = true;
    let sorry = SocketAddr::new([198, 51, 100, 99].into(), 80);
    setup.sorry = Some(SorrySetup {
        label: "s".into(),
        destination: Destination::new(sorry, Forward::DirectRoute, 1),
        inhibit: false,
    });
    let mut bench = Bench::start(config(vec![setup]));
    bench.until("settled", settled);
    assert_eq!(saved().len(), 3);
    drop(listeners);
    bench.expect("v sorry true");
    bench.until("settled", settled);
    let expected = [
        format!("-A -t {} -s wlc", v("v")),
        format!("-a -t {} -r R99:80 -g -w 1", v("v")),
        format!("-a -t {} -r {} -m -w 0", v("v"), r("b")),
    ];
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(saved(), expected);
    let _back = TcpListener::bind(addresses[0]).unwrap();
    bench.expect("v sorry false");
    bench.until("settled", settled);
    let expected = [
        format!("-A -t {} -s wlc", v("v")),
        format!("-a -t {} -r {} -m -w 1", v("v"), r("a")),
        format!("-a -t {} -r {} -m -w 0", v("v"), r("b")),
    ];
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(saved(), expected);
    bench.stop();
}

/// KA#1877: what somebody else removes or changes is back within a second, and told.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn what_somebody_else_does_to_the_table_is_undone_and_told() {
    let setup = service("v", vec![server("a", vec![]), server("b", vec![])]);
    let mut bench = Bench::start(config(vec![setup]));
    bench.until("settled", settled);
    let before = saved();
    for what in [
        format!("-d -t 192.0.2.{}:80 -r 198.51.100.97:80", u32::from(b'v')),
        format!(
            "-e -t 192.0.2.{}:80 -r 198.51.100.98:80 -m -w 7",
            u32::from(b'v')
        ),
        format!("-D -t 192.0.2.{}:80", u32::from(b'v')),
    ] {
        ipvsadm(&what);
        let repairs = bench.snapshot().ipvs.repairs;
        bench.expect("Repaired*");
        bench.until("settled", |all| {
            all.ipvs.settled && all.ipvs.repairs >= repairs
        });
        assert_eq!(saved(), before, "{what}");
    }
    assert_eq!(bench.stop(), ["Stopped"]);
}

/// LVS-20: nothing is written for what is the same, and only what differs for the rest.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn a_reload_writes_what_differs_and_nothing_else() {
    let with = |weight| {
        let mut servers = vec![server("a", vec![]), server("b", vec![])];
        servers[0].destination.weight = weight;
        vec![
            service("v", servers),
            service("w", vec![server("c", vec![])]),
        ]
    };
    let bench = Bench::start(config(with(1)));
    let first = bench.until("settled", settled).ipvs.changes;
    assert_eq!(first, 5);
    bench.remote.reload(BalanceConfig::new(with(1))).unwrap();
    let all = bench.until("settled", settled);
    assert_eq!(all.ipvs.changes, first);
    bench.remote.reload(BalanceConfig::new(with(4))).unwrap();
    let all = bench.until("changed", |all| {
        all.ipvs.settled && all.ipvs.changes > first
    });
    assert_eq!(all.ipvs.changes, first + 1);
    assert!(saved().contains(&format!("-a -t {} -r {} -m -w 4", v("v"), r("a"))));
    bench
        .remote
        .reload(BalanceConfig::new(with(4)[..1].to_vec()))
        .unwrap();
    bench.until("removed", |all| {
        all.ipvs.settled && all.ipvs.changes == first + 2
    });
    assert_eq!(saved().len(), 3);
    bench.stop();
    assert_eq!(saved(), Vec::<String>::new());
}

/// LESSONS A11, A24: a loop that ended without a word leaves its table; the next one takes it over,
/// and removes what it is told of and does not want.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn the_next_life_takes_over_what_the_last_one_left() {
    let services = || {
        vec![
            service("v", vec![server("a", vec![])]),
            service("w", vec![server("b", vec![])]),
        ]
    };
    let mut config = config(services());
    config.on_stop = OnStop::Keep;
    let bench = Bench::start(config);
    bench.until("settled", settled);
    bench.stop();
    assert_eq!(saved().len(), 4);
    let mut config = BalanceConfig::new(services()[..1].to_vec());
    let keys = services().into_iter().map(|setup| setup.services[0].key);
    config.adopt = keys.collect();
    let bench = Bench::start(config);
    let all = bench.until("settled", settled);
    assert_eq!(all.ipvs.changes, 1, "the other one is removed");
    assert_eq!(saved().len(), 2);
    bench.stop();
}

/// IPVS-03, IPVS-04.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn the_table_is_emptied_where_that_is_wanted() {
    let mut config = config(vec![service("v", vec![server("a", vec![])])]);
    ipvsadm("-A -u 192.0.2.1:53 -s rr");
    config.flush_at_start = true;
    config.on_stop = OnStop::Flush;
    let bench = Bench::start(config);
    bench.until("settled", settled);
    assert_eq!(saved().len(), 2, "that of somebody else is gone");
    ipvsadm("-A -u 192.0.2.1:53 -s rr");
    bench.stop();
    assert_eq!(saved(), Vec::<String>::new());
}

/// IPVS-02, IPVS-OPS-05.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn timeouts_are_set_and_put_back() {
    let timeouts = || ipvsadm("-L --timeout");
    let before = timeouts();
    let mut config = config(vec![service("v", vec![server("a", vec![])])]);
    config.timeouts = Timeouts {
        tcp: Some(77),
        ..Timeouts::default()
    };
    let bench = Bench::start(config);
    bench.until("settled", settled);
    assert!(timeouts().contains(": 77 "), "{}", timeouts());
    bench.stop();
    assert_eq!(timeouts(), before);
}

/// IPVS-01, IPVS-OPS-06.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn the_sync_daemon_follows_its_instance() {
    let mut config = config(vec![service("v", vec![server("a", vec![])])]);
    let daemon = SyncDaemon::new(SyncRole::Master, "lo".parse().unwrap(), 51);
    config.sync = Some(SyncSetup {
        daemon,
        instance: Some("VI_1".into()),
    });
    let mut bench = Bench::start(config);
    bench.expect("SyncDaemon { role: Backup, running: true }");
    assert!(ipvsadm("-L --daemon").contains("backup sync daemon"));
    bench.remote.set_master("other", true);
    bench.remote.set_master("VI_1", true);
    bench.expect("SyncDaemon { role: Backup, running: false }");
    bench.expect("SyncDaemon { role: Master, running: true }");
    let running = ipvsadm("-L --daemon");
    assert!(running.contains("master sync daemon") && !running.contains("backup"));
    assert_eq!(bench.snapshot().ipvs.sync, [SyncRole::Master]);
    bench.stop();
    assert_eq!(ipvsadm("-L --daemon").trim(), "");
}

/// LVS-02, LVS-17: addresses and marks of both families with one pool.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn a_group_has_a_service_for_each_of_its_members() {
    let mut setup = service("group", vec![server("a", vec![])]);
    let wlc = || "wlc".parse().unwrap();
    let mark = |mark, family| ServiceKey::Mark {
        mark: NonZeroU32::new(mark).unwrap(),
        family,
    };
    let six = ServiceKey::address(Protocol::UDP, "[2001:db8::1]:53".parse().unwrap());
    for key in [six, mark(5, Family::Ipv4), mark(5, Family::Ipv6)] {
        setup.services.push(Service::new(key, wlc()));
    }
    let to: SocketAddr = "[2001:db8::2]:80".parse().unwrap();
    let six = Destination::new(to, Forward::Masquerade, 3);
    setup.servers.push(ServerSetup::new("six", six));
    let bench = Bench::start(config(vec![setup]));
    bench.until("settled", settled);
    let mut expected = [
        format!("-A -t {} -s wlc", v("g")),
        format!("-a -t {} -r {} -m -w 1", v("g"), r("a")),
        "-A -u [2001:db8::1]:53 -s wlc".into(),
        "-a -u [2001:db8::1]:53 -r [2001:db8::2]:80 -m -w 3".into(),
        "-A -f 5 -s wlc".into(),
        format!("-a -f 5 -r {} -m -w 1", r("a")),
        "-A -f 5 -6 -s wlc".into(),
        "-a -f 5 -6 -r [2001:db8::2]:80 -m -w 3".into(),
    ];
    expected.sort();
    assert_eq!(saved(), expected);
    bench.stop();
}

/// SYS-02 for IPVS (`net_namespace_ipvs`): its table, not ours.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn the_table_may_be_that_of_another_namespace() {
    let (tell, path) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let other = std::thread::spawn(move || {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        // Before it is up no destination is taken.
        let up = Command::new("ip")
            .args(["link", "set", "lo", "up"])
            .status();
        assert!(up.unwrap().success());
        let own = std::fs::read_link("/proc/thread-self").unwrap();
        tell.send(std::path::Path::new("/proc").join(own).join("ns/net"))
            .unwrap();
        let _ = ended.recv();
        saved()
    });
    let mut config = config(vec![service("v", vec![server("a", vec![])])]);
    config.namespace = Some(path.recv().unwrap());
    config.on_stop = OnStop::Keep;
    let bench = Bench::start(config);
    bench.until("settled", settled);
    bench.stop();
    assert_eq!(saved(), Vec::<String>::new());
    drop(end);
    assert_eq!(other.join().unwrap().len(), 2);
}

/// A refusal is told once, and the rest is done.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn what_the_kernel_refuses_is_told_once() {
    let mut bad = service("v", vec![server("a", vec![])]);
    bad.services[0].scheduler = "nosuch".parse().unwrap();
    let good = service("w", vec![server("b", vec![])]);
    let mut bench = Bench::start(config(vec![bad, good]));
    bench.expect("Refused*");
    let all = bench.until("tried again", |all| all.ipvs.changes > 4);
    assert_eq!(all.ipvs.refused.len(), 1);
    assert_eq!(saved().len(), 2);
    assert_eq!(bench.rest(), Vec::<String>::new());
    bench.stop();
}

/// LVS-20: a thousand services of ten servers each. Times are of an emulated processor.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn a_thousand_services_come_stay_and_go() {
    let services = |weight: u32| -> Vec<ServiceSetup> {
        let one = |number: u16| {
            let [high, low] = number.to_be_bytes();
            let address = SocketAddr::new([10, 0, high, low].into(), 80);
            let key = ServiceKey::address(Protocol::TCP, address);
            let service = Service::new(key, "wlc".parse().unwrap());
            let servers = (1..=10).map(|server| {
                let to = SocketAddr::new([10, server, high, low].into(), 80);
                let weight = if number == 0 && server == 1 {
                    weight
                } else {
                    1
                };
                ServerSetup::new(
                    &to.to_string(),
                    Destination::new(to, Forward::Masquerade, weight),
                )
            });
            ServiceSetup::new(&address.to_string(), vec![service], servers.collect())
        };
        (0..1000).map(one).collect()
    };
    let clock = keepalived_driver::clock::Clock;
    let mut begin = clock.now();
    let mut took = |what: &str| {
        let now = clock.now();
        let took = now.saturating_duration_since(begin);
        println!("1000 services of 10 servers: {what} took {took:?}");
        begin = now;
        took
    };
    let bench = Bench::start(config(services(1)));
    let patient = |what: &str, fits: &dyn Fn(&BalanceSnapshot) -> bool| {
        for _ in 0..60_000 {
            let snapshot = bench.remote.snapshot(Duration::from_secs(60)).unwrap();
            if fits(&snapshot) {
                return snapshot;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        panic!("never {what}");
    };
    let all = patient("settled", &settled);
    took("putting them in");
    assert_eq!(all.ipvs.changes, 11_000);
    bench
        .remote
        .reload(BalanceConfig::new(services(1)))
        .unwrap();
    let all = patient("settled", &settled);
    took("a reload of the same");
    assert_eq!(all.ipvs.changes, 11_000);
    bench
        .remote
        .reload(BalanceConfig::new(services(2)))
        .unwrap();
    patient("changed", &|all| {
        all.ipvs.settled && all.ipvs.changes == 11_001
    });
    took("a reload with one other weight");
    println!("reading the table took {:?}", all.ipvs.dump_took);
    bench.stop();
    took("taking them out");
    assert_eq!(saved(), Vec::<String>::new());
}
