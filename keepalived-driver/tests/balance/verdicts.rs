//! What checks come to, from the socket to the report.

use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use healthcheck::{DnsQuery, HttpConfig, Page, QueryType, Target, UdpConfig, WeightChange};
use ipvs::{Destination, Forward};
use keepalived_driver::Reports;
use keepalived_driver::balance::{Balancing, CheckSetup, OnStop, ProbeSetup, SorrySetup};
use keepalived_driver::hooks::HookCommand;

use crate::bench::{
    Bench, LONG, check, closed_port, config, every, mortal_listener, serve, server, service, tcp,
    web,
};

const SECOND: Duration = Duration::from_secs(1);

/// CHK-10, LVS-11, LVS-14: down, sorry server, and back.
#[test]
fn a_server_goes_with_its_port_and_comes_back_with_it() {
    let listener = mortal_listener();
    let address = listener.local_addr().unwrap();
    let mut setup = service("v", vec![server("a", vec![check(tcp(address), 50)])]);
    setup.sorry = Some(SorrySetup {
        label: "s".into(),
        destination: Destination::new(closed_port(), Forward::Masquerade, 1),
        inhibit: false,
    });
    let mut bench = Bench::start(config(vec![setup]));
    bench.expect("v started true [true]");
    bench.expect("Ready");
    bench.expect("no IPVS");
    bench.until("checked", |all| all.services[0].servers[0].checks[0].known);
    assert_eq!(bench.rest(), Vec::<String>::new());
    drop(listener);
    // Refused, or reset if it came in just before.
    bench.expect("TCP_CHECK failed after 0: connection *");
    bench.expect("a down: connection *");
    bench.expect("v lost 0");
    bench.expect("v sorry true");
    let all = bench.snapshot();
    let (service, server) = (&all.services[0], &all.services[0].servers[0]);
    assert!(service.sorry && !service.quorum && !server.up);
    assert_eq!((server.placed, server.transitions), (None, 1));
    let failure = server.checks[0].last_failure.as_ref().unwrap();
    assert!(failure.1.to_string().starts_with("connection re"));
    let _listener = TcpListener::bind(address).unwrap();
    bench.expect("TCP_CHECK passed");
    bench.expect("a up");
    bench.expect("v gained 1");
    bench.expect("v sorry false");
    assert_eq!(bench.snapshot().services[0].servers[0].placed, Some(1));
    assert_eq!(bench.stop(), ["Stopped"]);
}

/// CHK-05, CHK-07: a retry is waited for, and each failed attempt told where that is wanted.
#[test]
fn a_failure_counts_after_its_retries_and_each_attempt_is_told() {
    let listener = mortal_listener();
    let mut check = check(tcp(listener.local_addr().unwrap()), 100);
    check.schedule.retries = 2;
    check.schedule.delay_before_retry = Duration::from_millis(10);
    check.schedule.log_all_failures = true;
    let mut bench = Bench::start(config(vec![service("v", vec![server("a", vec![check])])]));
    // Retries are for what was seen working.
    bench.until("checked", |all| all.services[0].servers[0].checks[0].known);
    drop(listener);
    bench.expect("TCP_CHECK failed after 2: connection *");
    bench.expect("a down: connection *");
    let attempts = bench.told.iter().filter(|told| told.starts_with("attempt"));
    assert_eq!(attempts.count(), 2);
    bench.expect("attempt: connection refused");
}

/// CHK-05: who is dead from the beginning is out without them, and nobody says that there were some.
#[test]
fn a_first_failure_is_told_without_retries() {
    let listener = mortal_listener();
    let mut check = check(tcp(listener.local_addr().unwrap()), 100);
    drop(listener);
    check.schedule.retries = 2;
    let mut bench = Bench::start(config(vec![service("v", vec![server("a", vec![check])])]));
    bench.expect("TCP_CHECK failed after 0: connection *");
}

/// CHK-02, LESSONS A10.
#[test]
fn a_check_that_cannot_have_its_source_fails_and_says_so() {
    let address = serve(drop);
    let mut target = Target::new(address);
    target.bind_address = Some("192.0.2.77".parse().unwrap());
    let timeout = SECOND;
    let probe = ProbeSetup::Tcp { target, timeout };
    let setup = service("v", vec![server("a", vec![check(probe, 50)])]);
    let mut bench = Bench::start(config(vec![setup]));
    bench.expect("a down: the source address 192.0.2.77 is not on this machine");
}

/// SCR-09: nobody looks, so nobody believes that the server works; not for a moment, and not because it
/// worked before.
#[test]
fn a_server_whose_check_cannot_be_had_is_down_with_that_reason() {
    let good = serve(drop);
    let with = |check: CheckSetup| config(vec![service("v", vec![server("a", vec![check])])]);
    let unusable = || CheckSetup::unusable("MISC_CHECK", "no such program");
    let down = |all: &keepalived_driver::balance::BalanceSnapshot| {
        let server = &all.services[0].servers[0];
        let reason = server.checks[0].last_failure.as_ref();
        let reason = reason.map(|(_, failure)| failure.to_string());
        let why = "cannot be checked: no such program";
        !server.up && server.placed.is_none() && reason.as_deref() == Some(why)
    };
    let mut bench = Bench::start(with(unusable()));
    bench.expect("v started false [false]");
    bench.until("failed", down);
    bench.remote.reload(with(check(tcp(good), 20))).unwrap();
    bench.expect("a up");
    bench.remote.reload(with(unusable())).unwrap();
    bench.expect("a down");
    bench.until("failed again", down);
}

/// LVS-12, LVS-18.
#[test]
fn of_a_server_that_begins_as_failed_the_first_failure_is_told_once() {
    let alpha = |to| {
        let mut check = check(tcp(to), 20);
        check.schedule.alpha = true;
        check
    };
    let (bad, good) = (closed_port(), serve(drop));
    let servers = vec![
        server("a", vec![alpha(bad), alpha(bad)]),
        server("b", vec![alpha(good)]),
    ];
    let mut bench = Bench::start(config(vec![service("v", servers)]));
    bench.expect("attempt: connection refused");
    bench.expect("a starts down");
    bench.until("checked", |all| {
        all.services[0].servers[0].checks[1].attempts > 3
    });
    bench.rest();
    let told = |text: &str| bench.told.iter().filter(|told| *told == text).count();
    assert_eq!(told("a starts down"), 1);
    assert_eq!(told("attempt: connection refused"), 2, "of each check");
    assert_eq!((told("b starts down"), told("b up")), (0, 1));
}

/// LVS-12, LVS-18: what began without its quorum and has not found it, when all there is to know is known.
#[test]
fn a_service_that_begins_without_its_quorum_is_told_of_once() {
    let unusable = || CheckSetup::unusable("MISC_CHECK", "no such program");
    let alpha = |to, rise| {
        let mut check = check(tcp(to), 20);
        (check.schedule.alpha, check.schedule.rise) = (true, rise);
        check
    };
    let (bad, good) = (closed_port(), serve(drop));
    let services = vec![
        service(
            "broken",
            vec![server("a", vec![unusable()]), server("b", vec![unusable()])],
        ),
        service("dead", vec![server("c", vec![alpha(bad, 1)])]),
        service("rising", vec![server("d", vec![alpha(good, 3)])]),
        service(
            "alive",
            vec![
                server("e", vec![alpha(good, 1)]),
                server("f", vec![alpha(bad, 1)]),
            ],
        ),
        // It had one, as far as anybody knew.
        service("lost", vec![server("g", vec![check(tcp(bad), 20)])]),
    ];
    let mut bench = Bench::start(config(services));
    bench.expect("broken started false [false, false]");
    bench.until("checked", |all| {
        let servers = all.services.iter().flat_map(|one| &one.servers);
        let mut checks = servers.flat_map(|one| &one.checks);
        checks.all(|check| check.attempts > 0) && all.services[2].quorum
    });
    bench.rest();
    let told = |name: &str| {
        let text = format!("{name} starts without quorum");
        bench.told.iter().filter(|told| **told == text).count()
    };
    let all = ["broken", "dead", "rising", "alive", "lost"].map(told);
    assert_eq!(all, [1, 1, 0, 0, 0], "{:#?}", bench.told);
    let count = |text: &str| bench.told.iter().filter(|told| *told == text).count();
    assert_eq!((count("a starts down"), count("d starts down")), (1, 0));
}

/// LVS-18: one that has not had its say may yet bring the quorum.
#[test]
fn a_service_is_not_without_its_quorum_while_a_check_has_no_result() {
    let alpha = |probe| {
        let mut check = check(probe, 20);
        check.schedule.alpha = true;
        check
    };
    let silent = ProbeSetup::Http {
        target: Target::new(serve_silence()),
        config: HttpConfig::new(vec![Page::new("/")]),
        timeout: Duration::from_secs(60),
    };
    let servers = vec![
        server("a", vec![alpha(tcp(closed_port()))]),
        server("b", vec![alpha(silent)]),
    ];
    let mut bench = Bench::start(config(vec![service("v", servers)]));
    bench.expect("a starts down");
    bench.until("tried again", |all| {
        all.services[0].servers[0].checks[0].attempts > 3
    });
    bench.rest();
    let told = bench
        .told
        .iter()
        .filter(|told| told.contains("without quorum"));
    assert_eq!(told.count(), 0, "{:?}", bench.told);
}

/// Who had failed before the loop was started again is not in service until a check has passed.
#[test]
fn a_server_that_failed_in_an_earlier_life_has_to_prove_itself() {
    let good = serve(drop);
    let servers = vec![server("a", vec![check(tcp(good), 20)]), server("b", vec![])];
    let mut config = config(vec![service("v", servers)]);
    for label in ["a", "b"] {
        config.failed.insert(("v".into(), label.into()));
    }
    let mut bench = Bench::start(config);
    // Of one that nobody checks nothing can be found out.
    bench.expect("v started true [false, true]");
    bench.expect("a up");
}

/// CHK-11, CHK-14, CHK-15, CHK-17, CHK-18: one of each kind, good and bad.
#[test]
fn each_kind_of_check_finds_who_works_and_who_does_not() {
    use std::io::{Read, Write};
    let http = |answer| ProbeSetup::Http {
        target: Target::new(web(answer)),
        config: HttpConfig::new(vec![Page::new("/")]),
        timeout: LONG,
    };
    let smtp = |greeting: &'static str| ProbeSetup::Smtp {
        target: Target::new(serve(move |mut stream| {
            let mut octets = [0; 512];
            let _ = stream.write_all(greeting.as_bytes());
            while stream.read(&mut octets).is_ok_and(|length| length > 0) {
                let _ = stream.write_all(b"250 well\r\n");
            }
        })),
        helo: "checker.example".into(),
        timeout: LONG,
    };
    // A name server that answers with this code, or not at all.
    let dns = |code: Option<u8>| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut octets = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut octets) {
                if let Some(code) = code {
                    octets[2] |= 0x80;
                    octets[3] = code;
                    let _ = socket.send_to(&octets[..length], from);
                }
            }
        });
        ProbeSetup::Dns {
            target: Target::new(address),
            query: DnsQuery::new(QueryType::Soa, ".").unwrap(),
            timeout: code.map_or(SECOND, |_| LONG),
        }
    };
    let udp = |address| ProbeSetup::Udp {
        target: Target::new(address),
        config: UdpConfig::default(),
        timeout: Duration::from_millis(200),
    };
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let cases = [
        (http(b"HTTP/1.0 200 OK\r\n\r\nhello"), None),
        (
            http(b"HTTP/1.0 503 Away\r\n\r\n"),
            Some("status code 503 of /"),
        ),
        (smtp("220 here\r\n"), None),
        (smtp("554 gone\r\n"), Some("SMTP reply 554")),
        (dns(Some(0)), None),
        (dns(Some(2)), Some("DNS response code 2")),
        (dns(None), Some("timed out while waiting for a reply")),
        (udp(silent.local_addr().unwrap()), None),
        (udp(closed_port()), Some("connection refused")),
    ];
    for (probe, expected) in cases {
        let word = probe.word();
        let mut alpha = check(probe, 100);
        alpha.schedule.alpha = expected.is_none();
        let setup = service("v", vec![server("a", vec![alpha])]);
        let mut bench = Bench::start(config(vec![setup]));
        match expected {
            None => bench.expect("a up"),
            Some(reason) => bench.expect(&format!("{word} failed after 0: {reason}")),
        };
        bench.stop();
    }
}

/// CHK-18. Where neither kind of socket may be opened, that is what the check says.
#[test]
fn loopback_answers_a_ping() {
    for to in ["127.0.0.1:0", "[::1]:0"] {
        let ping = ProbeSetup::Ping {
            target: Target::new(to.parse().unwrap()),
            timeout: SECOND,
        };
        let mut alpha = check(ping, 100);
        alpha.schedule.alpha = true;
        alpha.schedule.log_all_failures = true;
        let setup = service("v", vec![server("a", vec![alpha])]);
        let bench = Bench::start(config(vec![setup]));
        let all = bench.until("checked", |all| all.services[0].servers[0].checks[0].known);
        let check = &all.services[0].servers[0].checks[0];
        let reason = check.last_failure.as_ref().map(|(_, why)| why.to_string());
        // EACCES, EPERM, EAFNOSUPPORT, and an IPv6 without addresses.
        let excused = [
            "error 13",
            "error 1",
            "error 97",
            "the source address is not on this machine",
        ];
        match reason {
            None => assert!(all.services[0].servers[0].up),
            Some(reason) => assert!(excused.contains(&&*reason), "{to}: {reason}"),
        }
        bench.stop();
    }
}

/// A text for [`misc`].
fn script(name: &str, text: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("balance-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("check");
    std::fs::write(&path, format!("{text}\n")).unwrap();
    path
}

/// The shell reads it. The kernel would not run it while a program that another test has just started
/// still has it open to write.
fn misc(path: &Path, dynamic: bool, timeout: Duration) -> ProbeSetup {
    program(
        HookCommand::new([Path::new("/bin/sh"), path]),
        dynamic,
        timeout,
    )
}

fn program(command: HookCommand, dynamic: bool, timeout: Duration) -> ProbeSetup {
    ProbeSetup::Script {
        command: Arc::new(command),
        dynamic,
        timeout,
    }
}

/// CHK-16.
#[test]
fn a_script_says_whether_a_server_works_and_how_much_it_counts() {
    let path = script("dynamic", "exit $(cat \"$0.code\")");
    let code = path.with_file_name("check.code");
    std::fs::write(&code, "7").unwrap();
    let probe = misc(&path, true, SECOND);
    let setup = service("v", vec![server("a", vec![check(probe, 50)])]);
    let mut bench = Bench::start(config(vec![setup]));
    bench.expect("a weight 5");
    let all = bench.until("placed", |all| all.services[0].servers[0].placed == Some(5));
    let check = &all.services[0].servers[0].checks[0];
    assert_eq!(check.weight, WeightChange::To(5));
    std::fs::write(&code, "1").unwrap();
    bench.expect("a down: exit code 1");
    std::fs::write(&code, "0").unwrap();
    bench.expect("a up");
}

/// CHK-16, LESSONS A6: a run that takes too long has failed, and all it has started goes with it.
#[test]
fn a_script_that_takes_too_long_has_failed_and_its_group_is_ended() {
    let path = script("slow", "sleep 300 & echo $! > \"$0.pid\"\nwait");
    for limit in [300, 3_000, 15_000] {
        let probe = misc(&path, false, Duration::from_millis(limit));
        let setup = service("v", vec![server("a", vec![check(probe, 60_000)])]);
        let mut bench = Bench::start(config(vec![setup]));
        bench.expect("a down: timed out while the program was running");
        bench.until("ended", |all| all.turns.running == 0);
        // On a busy machine the time may be over before it has begun.
        let pid = std::fs::read_to_string(path.with_file_name("check.pid")).unwrap_or_default();
        if pid.ends_with('\n') {
            return wait_for_end(&PathBuf::from(format!("/proc/{}", pid.trim())));
        }
    }
    panic!("it never began");
}

fn wait_for_end(process: &Path) {
    let gone = || {
        let status = std::fs::read_to_string(process.join("status"));
        status.map_or(true, |status| status.contains("State:\tZ"))
    };
    for _ in 0..3000 {
        if gone() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{} lives on", process.display());
}

/// LESSONS A11: a loop that ends without a word, as by a panic, leaves no program behind.
#[test]
fn a_loop_that_is_dropped_ends_its_programs() {
    let path = script("dropped", "sleep 300 & echo $! > \"$0.pid\"\nwait");
    let probe = misc(&path, false, Duration::from_secs(300));
    let setup = service("v", vec![server("a", vec![check(probe, 300_000)])]);
    let (reports, _inbox) = Reports::new(|| {});
    let (mut balancing, remote) = Balancing::new(config(vec![setup]), reports).unwrap();
    let (mut pid, mut master) = (String::new(), false);
    while !pid.ends_with('\n') {
        // So that the turn does not wait.
        master = !master;
        remote.set_master("somebody", master);
        assert!(balancing.turn().unwrap());
        pid = std::fs::read_to_string(path.with_file_name("check.pid")).unwrap_or_default();
    }
    drop(balancing);
    wait_for_end(&PathBuf::from(format!("/proc/{}", pid.trim())));
}

/// Features 34, item 21: a script that cannot be started is a failure. It is told as any other: why, and once.
#[test]
fn a_script_that_is_not_there_is_a_failure_that_is_told_once() {
    let probe = program(HookCommand::new(["/nonexistent/check"]), false, SECOND);
    let setup = service("v", vec![server("a", vec![check(probe, 50)])]);
    let mut bench = Bench::start(config(vec![setup]));
    bench.expect("a down: the program cannot be started: No such file or directory (os error 2)");
    bench.expect("v lost 0");
    bench.until("a third failure", |view| {
        view.services[0].servers[0].checks[0].failures >= 3
    });
    let view = bench.snapshot();
    let last = view.services[0].servers[0].checks[0].last_failure.as_ref();
    let why = last.unwrap().1.to_string();
    assert!(why.contains("os error 2"), "{why}");
    let rest = bench.rest();
    assert_eq!(rest, Vec::<String>::new(), "after {:?}", bench.told);
}

/// LVS-13.
#[test]
fn with_omega_everything_is_told_as_down_at_the_end() {
    let mut loud = service("v", vec![server("a", vec![]), server("b", vec![])]);
    loud.omega = true;
    let quiet = service("w", vec![server("c", vec![])]);
    let mut config = config(vec![loud, quiet]);
    config.on_stop = OnStop::Keep;
    let mut bench = Bench::start(config);
    bench.expect("Ready");
    bench.expect("no IPVS");
    assert_eq!(bench.stop(), ["a down", "b down", "v lost 0", "Stopped"]);
}

/// More checks than may run at once wait for their turn, and their time counts from when they begin.
#[test]
fn checks_over_the_limit_wait_for_room() {
    let http = || ProbeSetup::Http {
        target: Target::new(serve_silence()),
        config: HttpConfig::new(vec![Page::new("/")]),
        timeout: Duration::from_millis(200),
    };
    let checks = (0..24).map(|_| CheckSetup::new(http(), every(60_000)));
    let setup = service("v", vec![server("a", checks.collect())]);
    let mut config = config(vec![setup]);
    config.concurrency = 4;
    let mut bench = Bench::start(config);
    bench.expect("Crowded { running: 4 }");
    let mut most = 0;
    for _ in 0..3000 {
        let all = bench.snapshot();
        most = most.max(all.turns.running);
        if all.turns.failures == 24 {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let all = bench.snapshot();
    assert_eq!(all.turns.failures, 24);
    assert_eq!(most, 4);
    let late = "timed out while reading the head of the answer";
    for check in &all.services[0].servers[0].checks {
        assert_eq!(check.last_failure.as_ref().unwrap().1.to_string(), late);
    }
}

/// Takes connections and says nothing.
fn serve_silence() -> std::net::SocketAddr {
    serve(|stream| {
        std::thread::sleep(Duration::from_secs(60));
        drop(stream);
    })
}
