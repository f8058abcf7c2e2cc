//! Against a kernel that has IPVS, as root, with the whole table for itself: `cargo xtask ipvs` boots
//! a virtual machine for that. `ipvsadm` is the witness.
#![cfg(feature = "client")]

mod common;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use ipvs::netlink::{Reply, Request};
use ipvs::{
    Checksum, Client, ClientError, Destination, Family, Forward, Granularity, KernelError, Op,
    Persistence, Protocol, Service, ServiceFlags, ServiceKey, SyncDaemon, SyncRole, Table,
    Timeouts, Tunnel, diff,
};
use proptest::prelude::*;

fn client() -> Client {
    let mut client = Client::connect().expect("a kernel with IPVS");
    client.request(&Request::Flush).expect("allowed");
    client
}

fn web(port: u16) -> ServiceKey {
    ServiceKey::address(
        Protocol::TCP,
        SocketAddr::new([192, 0, 2, 100].into(), port),
    )
}

fn server(text: &str, forward: Forward, weight: u32) -> Destination {
    Destination::new(
        text.parse::<SocketAddr>().expect("address"),
        forward,
        weight,
    )
}

fn service(key: ServiceKey, scheduler: &str) -> Service {
    Service::new(key, scheduler.parse().expect("name"))
}

/// What `ipvsadm` prints, one sorted line for each service and destination.
fn ipvsadm(arguments: &str) -> Vec<String> {
    let output = Command::new("ipvsadm")
        .args(arguments.split_whitespace())
        .output()
        .expect("ipvsadm starts");
    assert!(output.status.success(), "ipvsadm {arguments}: {output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    sorted(&text)
}

fn sorted(text: &str) -> Vec<String> {
    // ipvsadm leaves spaces at the ends of some lines, and a flag option without a flag.
    let line = |line: &str| line.trim_end().trim_end_matches(" -b").to_owned();
    let mut lines: Vec<_> = text.lines().map(line).collect();
    lines.sort();
    lines
}

/// A table as `ipvsadm -S` shows it: it forgets the thresholds, and the third flag of schedulers
/// that give names to the first two. We print them.
fn as_saved(table: &Table) -> Vec<String> {
    let text = table.to_string();
    let lines = text.lines().map(|line| {
        let end = line.find(" -x ").unwrap_or(line.len());
        let line = &line[..end];
        let names = line.contains(" -s sh") || line.contains(" -s mh");
        let third = [",flag-3", " -b flag-3"];
        let third = third.iter().find(|flag| names && line.contains(*flag));
        third.map_or_else(|| line.to_owned(), |flag| line.replace(flag, ""))
    });
    sorted(&lines.collect::<Vec<_>>().join("\n"))
}

fn refused(result: Result<(), ClientError>) -> KernelError {
    match result {
        Err(ClientError::Refused { error, .. }) => error,
        other => panic!("not refused: {other:?}"),
    }
}

/// IPVS-OPS-07: the family is found, which loads the module.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn the_kernel_tells_its_version() {
    let replies = client().request(&Request::GetInfo).expect("allowed");
    let [Reply::Info(info)] = replies[..] else {
        panic!("{replies:?}");
    };
    assert!(info.version_parts() >= (1, 2, 1), "{info:?}");
    assert!(info.table_size.is_power_of_two(), "{info:?}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    })]

    /// IPVS-ENC-01/08, IPVS-DEC-06, IPVS-OPS-01: random tables, from each to the next, are read back
    /// equal, and `ipvsadm` sees the same. Starting that takes longer than all the rest on an
    /// emulated processor, so it looks at each tenth table only.
    #[test]
    #[ignore = "kernel: cargo xtask ipvs"]
    fn a_thousand_tables_are_read_back_equal(want in common::table()) {
        let mut client = Client::connect().expect("a kernel with IPVS");
        client.replace(&want).expect("the kernel takes it");
        let dumped = client.dump().expect("allowed");
        prop_assert_eq!(dumped.unreadable, 0);
        prop_assert_eq!(&dumped.table(), &want);
        prop_assert_eq!(diff(&dumped.table(), &want), vec![]);
        static TABLES: AtomicU32 = AtomicU32::new(0);
        if TABLES.fetch_add(1, Ordering::Relaxed).is_multiple_of(10) {
            prop_assert_eq!(ipvsadm("-S -n"), as_saved(&want));
        }
    }
}

/// Every scheduler that the kernel was built with.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn every_scheduler_is_taken_and_one_that_is_none_is_refused() {
    let mut client = client();
    let names = [
        "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf",
    ];
    let services = (1..).zip(names).map(|(port, name)| {
        let servers = vec![
            server("198.51.100.1:80", Forward::Masquerade, 1),
            server("198.51.100.2:80", Forward::Masquerade, 3),
        ];
        (service(web(port), name), servers)
    });
    let table: Table = services.collect();
    client.replace(&table).expect("all of them");
    assert_eq!(client.dump().expect("allowed").table(), table);
    assert_eq!(ipvsadm("-S -n"), as_saved(&table));
    let unknown = Op::NewService(service(web(99), "zufall"));
    assert_eq!(refused(client.apply(&[unknown])), KernelError::NoScheduler);
    let mut engine = service(web(99), "rr");
    engine.engine = Some("nobody".parse().expect("name"));
    let unknown = Op::NewService(engine);
    assert_eq!(refused(client.apply(&[unknown])), KernelError::NoScheduler);
    // Changing the scheduler keeps the destinations.
    let changed = Op::SetService(service(web(1), "mh"));
    client
        .apply(std::slice::from_ref(&changed))
        .expect("allowed");
    let mut expected = table;
    expected.apply(&changed).expect("it fits");
    assert_eq!(client.dump().expect("allowed").table(), expected);
}

/// What `ipvsadm` was told is what we read, so that no mistake is made both ways alike.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn what_ipvsadm_sets_is_read() {
    let mut client = client();
    let port = |port| std::num::NonZeroU16::new(port).expect("not 0");
    let dns = ServiceKey::address(
        Protocol::UDP,
        "[2001:db8::100]:53".parse().expect("address"),
    );
    let mark = |mark, family| ServiceKey::Mark {
        mark: std::num::NonZeroU32::new(mark).expect("not 0"),
        family,
    };
    let persistent = |timeout, granularity| Persistence {
        timeout,
        granularity,
    };
    let gue = Tunnel::Gue {
        port: port(6080),
        checksum: Checksum::Remote,
    };
    let gre = Tunnel::Gre {
        checksum: Checksum::Full,
    };
    let ops = [
        Op::NewService(service(web(80), "rr").with_persistence(persistent(
            360,
            Granularity::Mask([255, 255, 255, 0].into()),
        ))),
        Op::NewDest(
            web(80),
            server("198.51.100.1:8080", Forward::Masquerade, 5).with_thresholds(1000, 500),
        ),
        Op::NewDest(web(80), server("198.51.100.2:80", Forward::DirectRoute, 0)),
        Op::NewDest(
            web(80),
            server("198.51.100.3:80", Forward::Tunnel(Tunnel::Ipip), 65535),
        ),
        Op::NewDest(web(80), server("198.51.100.4:80", Forward::Tunnel(gue), 1)),
        Op::NewDest(web(80), server("198.51.100.5:80", Forward::Tunnel(gre), 1)),
        Op::NewDest(
            web(80),
            server("[2001:db8::5]:80", Forward::Tunnel(Tunnel::Ipip), 1),
        ),
        Op::NewService(
            service(dns, "sh")
                .with_flags(ServiceFlags::ONE_PACKET.with(ServiceFlags::SCHEDULER_2))
                .with_persistence(persistent(60, Granularity::Prefix(64)))
                .with_engine("sip".parse().expect("name")),
        ),
        Op::NewDest(dns, server("[2001:db8::1]:53", Forward::DirectRoute, 1)),
        Op::NewService(service(mark(7, Family::Ipv4), "lc")),
        Op::NewDest(
            mark(7, Family::Ipv4),
            Destination::new(
                SocketAddr::new([198, 51, 100, 6].into(), 0),
                Forward::DirectRoute,
                2,
            ),
        ),
        Op::NewService(
            service(mark(7, Family::Ipv6), "mh")
                .with_flags(ServiceFlags::SCHEDULER_1.with(ServiceFlags::SCHEDULER_2)),
        ),
    ];
    let mut expected = Table::new();
    for op in &ops {
        ipvsadm(&op.to_string());
        expected.apply(op).expect("it fits");
        assert_eq!(
            client.dump().expect("allowed").table(),
            expected,
            "after {op}"
        );
    }
    let thresholds = ipvsadm("-L -n --thresholds").join("\n");
    assert!(thresholds.contains("1000       500"), "{thresholds}");
    // And one by one, the service by itself.
    let replies = client.request(&Request::GetService(dns)).expect("there");
    let [Reply::Service(status)] = &replies[..] else {
        panic!("{replies:?}");
    };
    assert_eq!(
        Some(&status.service),
        expected.get(&dns).map(ipvs::Entry::service)
    );
}

/// The typed errors, from the kernel itself.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn what_cannot_be_is_refused_with_its_reason() {
    let mut client = client();
    let one = server("198.51.100.1:80", Forward::Masquerade, 1);
    let new = Op::NewService(service(web(80), "rr"));
    client
        .apply(&[new.clone(), Op::NewDest(web(80), one)])
        .expect("new");
    for (op, error) in [
        (new, KernelError::ServiceExists),
        (Op::NewDest(web(80), one), KernelError::DestinationExists),
        (
            Op::SetService(service(web(81), "rr")),
            KernelError::NoService,
        ),
        (Op::DelService(web(81)), KernelError::NoService),
        (Op::NewDest(web(81), one), KernelError::NoService),
        (
            Op::SetDest(web(80), server("198.51.100.2:80", Forward::Masquerade, 1)),
            KernelError::NoDestination,
        ),
        (
            Op::DelDest(
                web(80),
                "198.51.100.2:80".parse::<SocketAddr>().expect("ok").into(),
            ),
            KernelError::NoDestination,
        ),
        (
            Op::NewDest(web(80), server("[2001:db8::1]:80", Forward::DirectRoute, 1)),
            KernelError::Invalid,
        ),
        (
            Op::SetDest(web(80), one.with_thresholds(1, 2)),
            KernelError::OutOfRange,
        ),
    ] {
        let name = op.to_string();
        assert_eq!(refused(client.apply(&[op])), error, "{name}");
    }
    let missing = client.request(&Request::GetService(web(81)));
    assert!(
        matches!(missing, Err(ClientError::Kernel(KernelError::NoService))),
        "{missing:?}"
    );
    // A dump of the destinations of nothing is empty.
    let nothing = client
        .request(&Request::DumpDestinations(web(81)))
        .expect("no error");
    assert_eq!(nothing, []);
}

/// In a batch, what follows a refused change is done all the same, and the first error is told.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn a_refused_change_holds_up_none_after_it() {
    let mut client = client();
    let ops = [
        Op::NewService(service(web(80), "rr")),
        Op::NewService(service(web(81), "nosuch")),
        Op::NewDest(web(81), server("198.51.100.1:80", Forward::Masquerade, 1)),
        Op::NewDest(web(80), server("198.51.100.1:80", Forward::Masquerade, 1)),
    ];
    assert_eq!(refused(client.apply(&ops)), KernelError::NoScheduler);
    let table = client.dump().expect("allowed").table();
    assert_eq!(table.get(&web(80)).expect("there").destinations().len(), 1);
}

/// IPVS-OPS-05: what is needed to restore timeouts.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn timeouts_are_set_and_read() {
    let mut client = client();
    let get = |client: &mut Client| {
        let replies = client.request(&Request::GetTimeouts).expect("allowed");
        let [Reply::Timeouts(timeouts)] = replies[..] else {
            panic!("{replies:?}");
        };
        timeouts
    };
    let before = get(&mut client);
    let only_udp = Timeouts {
        udp: Some(77),
        ..Timeouts::default()
    };
    client
        .request(&Request::SetTimeouts(only_udp))
        .expect("allowed");
    let after = get(&mut client);
    assert_eq!(
        after,
        Timeouts {
            udp: Some(77),
            ..before
        }
    );
    let all = Timeouts {
        tcp: Some(901),
        tcp_fin: Some(121),
        udp: Some(301),
    };
    client.request(&Request::SetTimeouts(all)).expect("allowed");
    let told = ipvsadm("-L --timeout").join(" ");
    assert!(told.contains("901 121 301"), "{told}");
    client
        .request(&Request::SetTimeouts(before))
        .expect("allowed");
    assert_eq!(get(&mut client), before);
}

fn run(program: &str, arguments: &str) {
    let status = Command::new(program)
        .args(arguments.split_whitespace())
        .status();
    let status = status.expect("it starts");
    assert!(status.success(), "{program} {arguments}: {status}");
}

/// IPVS-OPS-06.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn the_sync_daemon_changes_its_role() {
    let mut client = client();
    run("ip", "link add dummy7 type dummy");
    run("ip", "addr add 192.0.2.7/24 dev dummy7");
    run("ip", "link set dummy7 up");
    let interface: ipvs::InterfaceName = "dummy7".parse().expect("name");
    let running = |client: &mut Client| -> Vec<SyncDaemon> {
        let replies = client.request(&Request::DumpDaemons).expect("allowed");
        let daemons = replies.into_iter().map(|reply| match reply {
            Reply::Daemon(daemon) => daemon,
            other => panic!("{other:?}"),
        });
        daemons.collect()
    };
    assert_eq!(running(&mut client), []);
    let backup = SyncDaemon::new(SyncRole::Backup, interface.clone(), 51);
    let mut master = SyncDaemon::new(SyncRole::Master, interface, 51);
    master.max_length = 1400;
    master.group = Some("224.0.0.82".parse().expect("address"));
    master.port = 8849;
    master.ttl = 3;
    for wanted in [
        vec![backup.clone()],
        vec![master.clone()],
        vec![master.clone(), backup.clone()],
    ] {
        for request in SyncDaemon::requests(&running(&mut client), &wanted) {
            client
                .request(&request)
                .unwrap_or_else(|error| panic!("{request:?}: {error}"));
        }
        let is = running(&mut client);
        assert_eq!(is.len(), wanted.len(), "{is:?}");
        assert!(
            wanted
                .iter()
                .all(|wanted| is.iter().any(|is| wanted.is_met_by(is))),
            "{is:?}"
        );
        assert_eq!(SyncDaemon::requests(&is, &wanted), [], "again");
    }
    let told = ipvsadm("-L --daemon").join("\n");
    assert!(
        told.contains("master") && told.contains("maxlen=1400"),
        "{told}"
    );
    assert!(
        told.contains("224.0.0.82") && told.contains("port=8849"),
        "{told}"
    );
    let twice = client.request(&Request::StartDaemon(master));
    assert!(
        matches!(twice, Err(ClientError::Kernel(KernelError::DaemonRuns))),
        "{twice:?}"
    );
    for request in SyncDaemon::requests(&running(&mut client), &[]) {
        client.request(&request).expect("it runs");
    }
    let gone = client.request(&Request::StopDaemon(SyncRole::Backup));
    assert!(
        matches!(gone, Err(ClientError::Kernel(KernelError::NoDaemon))),
        "{gone:?}"
    );
    run("ip", "link del dummy7");
}

/// A daemon that is stopped before its thread has run is gone without an acknowledgement, at least
/// on one processor: nobody may wait for that.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn a_sync_daemon_is_stopped_as_soon_as_it_was_started() {
    let mut client = client();
    run("ip", "link add dummy8 type dummy");
    run("ip", "addr add 192.0.2.8/24 dev dummy8");
    run("ip", "link set dummy8 up");
    let interface: ipvs::InterfaceName = "dummy8".parse().expect("name");
    for round in 0..20 {
        for role in [SyncRole::Backup, SyncRole::Master] {
            let daemon = SyncDaemon::new(role, interface.clone(), round);
            client
                .request(&Request::StartDaemon(daemon))
                .expect("starts");
            client.request(&Request::StopDaemon(role)).expect("stops");
            let running = client.request(&Request::DumpDaemons).expect("allowed");
            assert_eq!(running, [], "round {round}");
        }
    }
    run("ip", "link del dummy8");
}

/// Counters count, survive a change (IPVS-OPS-04), and go to zero when told.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn counters_survive_changes_and_are_set_to_zero() {
    let mut client = client();
    let listener = TcpListener::bind("127.0.0.1:8081").expect("free");
    let virtual_address: SocketAddr = "127.0.0.1:8080".parse().expect("address");
    let key = ServiceKey::address(Protocol::TCP, virtual_address);
    let local = server("127.0.0.1:8081", Forward::Masquerade, 1);
    let ops = [Op::NewService(service(key, "rr")), Op::NewDest(key, local)];
    client.apply(&ops).expect("new");
    for _ in 0..5 {
        let mut near = TcpStream::connect(virtual_address).expect("balanced");
        let (mut far, _) = listener.accept().expect("accepted");
        near.write_all(b"x").expect("sent");
        let mut octet = [0];
        far.read_exact(&mut octet).expect("received");
    }
    let counters = |client: &mut Client| {
        let dumped = client.dump().expect("allowed");
        let [(service, destinations)] = &dumped.services[..] else {
            panic!("{dumped:?}");
        };
        (service.counters, destinations[0])
    };
    // The kernel adds its counters up every two seconds.
    for _ in 0..200 {
        if counters(&mut client).0.connections == 5 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let (all, one) = counters(&mut client);
    assert_eq!((all.connections, one.counters.connections), (5, 5));
    assert!(all.in_packets >= 15 && all.in_bytes > 0, "{all:?}");
    assert_eq!(one.active + one.inactive, 5, "{one:?}");
    let heavier = Destination { weight: 9, ..local };
    client.apply(&[Op::SetDest(key, heavier)]).expect("there");
    client
        .apply(&[Op::SetService(service(key, "wlc"))])
        .expect("there");
    assert_eq!(counters(&mut client).0.connections, 5);
    client.request(&Request::Zero(Some(key))).expect("there");
    let (all, one) = counters(&mut client);
    assert_eq!((all.connections, one.counters.connections), (0, 0));
    assert_eq!(one.active + one.inactive, 5, "connections are not counters");
    client.request(&Request::Zero(None)).expect("allowed");
    client.request(&Request::Flush).expect("allowed");
    assert!(client.dump().expect("allowed").services.is_empty());
}

/// A table of many datagrams, both ways.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn a_thousand_services_with_ten_destinations_each_are_read_back_equal() {
    let mut client = client();
    let table: Table = (1..=1000)
        .map(|port| {
            let servers = (1..=10).map(|number| {
                let address = SocketAddr::new([198, 51, 100, number].into(), 80);
                Destination::new(address, Forward::Masquerade, number.into())
            });
            (service(web(port), "wrr"), servers.collect())
        })
        .collect();
    let ops = client.replace(&table).expect("all of it");
    assert_eq!(ops.len(), 11_000);
    assert_eq!(client.dump().expect("allowed").table(), table);
    assert_eq!(client.replace(&table).expect("nothing to do"), []);
    client.request(&Request::Flush).expect("allowed");
}

/// Only flags in the mask change. IPVS-ENC-05.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn flags_outside_the_mask_stay() {
    let mut client = client();
    let with = |flags| service(web(80), "sh").with_flags(flags);
    let (first, second) = (ServiceFlags::SCHEDULER_1, ServiceFlags::SCHEDULER_2);
    client.apply(&[Op::NewService(with(first))]).expect("new");
    let mask = second.bits();
    let service = with(second);
    client
        .request(&Request::SetServiceFlags { service, mask })
        .expect("there");
    let table = client.dump().expect("allowed").table();
    let flags = table.get(&web(80)).expect("there").service().flags;
    assert_eq!(flags, first.with(second));
}

/// Typed, and the family is found all the same.
#[test]
#[ignore = "kernel: cargo xtask ipvs"]
fn without_rights_it_is_not_permitted() {
    use std::os::unix::process::CommandExt as _;
    const NAME: &str = "without_rights_it_is_not_permitted";
    if std::env::var_os("WITHOUT_RIGHTS").is_some() {
        let error = Client::connect().and_then(|mut client| client.dump());
        let expected = Err::<(), _>(KernelError::NotPermitted);
        let error = error.map(drop).map_err(|error| match error {
            ClientError::Kernel(error) => error,
            other => panic!("{other}"),
        });
        assert_eq!(error, expected);
        return;
    }
    let here = std::env::current_exe().expect("a path");
    let status = Command::new(here)
        .args([NAME, "--exact", "--include-ignored"])
        .env("WITHOUT_RIGHTS", "1")
        .uid(65534)
        .gid(65534)
        .stdout(std::process::Stdio::null())
        .status();
    assert!(status.expect("it starts").success());
}
