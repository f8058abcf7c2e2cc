//! What the words that all checkers share change, seen by the servers that are checked and in the pipe
//! of events. One daemon runs every kind of checker, with and without the word side by side.

use std::path::PathBuf;
use std::time::Duration;

use lab::backends::{self, Opening};
use lab::balancer::Balancer;
use lab::pipe::PipeReader;
use lab::wait::holds_for;
use lab::{Scratch, wait_until};

const PATIENCE: Duration = Duration::from_secs(25);
const MOMENT: Duration = Duration::from_millis(100);

/// Where a word stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Service,
    Server,
    Check,
    /// In the `host` block of an SMTP check.
    Host,
}

/// One kind of checker, or one place for words that are handed down.
#[derive(Clone, Copy, Debug)]
struct Item {
    block: &'static str,
    /// What it needs to be one.
    inner: &'static str,
    protocol: u8,
    port: u16,
    place: Place,
}

const fn item(block: &'static str, inner: &'static str, protocol: u8, port: u16) -> Item {
    Item {
        block,
        inner,
        protocol,
        port,
        place: Place::Check,
    }
}

const fn at(place: Place, block: &'static str, port: u16) -> Item {
    Item {
        place,
        ..item(block, "", 6, port)
    }
}

/// Everything that connects.
const CONNECTING: [Item; 8] = [
    item("TCP_CHECK", "", 6, backends::TCP[0]),
    item("HTTP_GET", "url {\n path /\n }", 6, backends::HTTP),
    item("SSL_GET", "url {\n path /\n }", 6, backends::HTTPS),
    item("SMTP_CHECK", "", 6, backends::SMTP[0]),
    at(Place::Host, "SMTP_CHECK", backends::SMTP[1]),
    item("DNS_CHECK", "", 17, backends::DNS),
    item("UDP_CHECK", "require_reply", 17, backends::UDP),
    item("PING_CHECK", "", 1, 0),
];
const MISC: Item = item("MISC_CHECK", "misc_path \"DIR/runs.sh NAME\"", 0, 0);
/// Words of the checkers that services and servers hand down.
const HANDED_DOWN: [Item; 2] = [
    at(Place::Service, "TCP_CHECK", backends::TCP[1]),
    at(Place::Server, "TCP_CHECK", backends::TCP[2]),
];

/// With the word: this server. Without: the other one.
const WITH: &str = "10.9.0.102";
const WITHOUT: &str = "10.9.0.2";

/// A service for an item. Its address says which: 10.8.0.N without the word, 10.8.1.N with it.
fn service(item: &Item, number: usize, line: Option<&str>, base: &str, server: &str) -> String {
    let name = name(number, line.is_some());
    let line = line.unwrap_or_default();
    let put = |place: Place| if item.place == place { line } else { "" };
    let inner = item.inner.replace("NAME", &name);
    let inner = match item.place {
        Place::Host => format!("host {{\n{line}\n}}"),
        _ => inner,
    };
    let port = if item.port == 0 { 9 } else { item.port };
    format!(
        "virtual_server {name} 80 {{\n protocol TCP\n{base}\n{}\n real_server {server} {port} {{\n{}\n \
         {} {{\n{inner}\n{}\n }}\n }}\n}}\n",
        put(Place::Service),
        put(Place::Server),
        item.block,
        put(Place::Check),
    )
}

/// Every item twice, with the word and without.
fn both(items: &[Item], line: &str, base: &str) -> String {
    let mut services = String::new();
    for (number, item) in items.iter().enumerate() {
        services += &service(item, number, None, base, WITHOUT);
        services += &service(item, number, Some(line), base, WITH);
    }
    services
}

fn name(number: usize, with: bool) -> String {
    format!("10.8.{}.{}", u8::from(with), number + 1)
}

/// A line in the pipe about a service.
fn event(number: usize, with: bool, word: &str) -> String {
    format!("VS [{}]:tcp:80 {word}", name(number, with))
}

/// The balancer and the servers, and what is between them.
struct Bench {
    balancer: Balancer,
    runs: PathBuf,
    /// Scripts fail.
    bad: bool,
}

impl Bench {
    fn new() -> Self {
        Self {
            balancer: Balancer::new(),
            runs: PathBuf::new(),
            bad: false,
        }
    }

    /// Starts with servers that work, which is seen; then they refuse, and scripts fail. Retries are for what was
    /// seen working. One attempt of each was made before, and the next comes at once.
    fn start_and_refuse(&mut self, services: &str) -> PipeReader {
        let now = "delay_loop 1000";
        assert!(services.contains(now), "no other check soon");
        let pipe = self.start("", services);
        let daemon = self.balancer.daemon();
        wait_until("every check has passed", PATIENCE, || {
            let status = daemon.status();
            let services = status["balance"]["services"].as_array();
            let passed = |service: &serde_json::Value| {
                let check = &service["servers"][0]["checks"][0];
                check["attempts"] == 1 && check["failed_attempts"] == 0
            };
            services.is_some_and(|all| all.iter().all(passed))
        });
        self.balancer.backends.refuse();
        std::fs::write(self.runs.with_file_name("bad"), "").expect("scratch is writable");
        // Another schedule of what was seen working.
        let another = services.replace(now, "delay_loop 1001");
        self.balancer.reload("", &another);
        pipe
    }

    /// All servers refuse, and scripts fail.
    fn refusing() -> Self {
        let mut bench = Self::new();
        bench.balancer.backends.refuse();
        bench.bad = true;
        bench
    }

    /// Starts the daemon with these services; the pipe that hears of them.
    fn start(&mut self, global: &str, services: &str) -> PipeReader {
        let scratch = Scratch::new("checks");
        let script = "#!/bin/sh\necho $1 >> DIR/runs\ntest ! -e DIR/bad\n";
        scratch.script("runs.sh", script);
        self.runs = scratch.file("runs");
        if self.bad {
            std::fs::write(scratch.file("bad"), "").expect("scratch is writable");
        }
        self.balancer.start(scratch, global, services)
    }

    /// The same with every item twice, with the word and without.
    fn start_both(&mut self, items: &[Item], line: &str, base: &str) -> PipeReader {
        self.start("", &both(items, line, base))
    }

    /// Attempts of the check of an item so far.
    fn attempts(&self, item: &Item, number: usize, with: bool) -> usize {
        if item.protocol == 0 {
            let runs = std::fs::read_to_string(&self.runs).unwrap_or_default();
            let name = name(number, with);
            return runs.lines().filter(|line| **line == name).count();
        }
        self.openings(item, with).len()
    }

    /// So many, and no more. What writes them down may be a little behind.
    fn attempted(&self, item: &Item, number: usize, with: bool, expected: usize) {
        let now = || self.attempts(item, number, with);
        wait_until(&format!("{expected} of {item:?}"), PATIENCE, || {
            now() >= expected
        });
        holds_for(&format!("{expected} of {item:?}"), MOMENT, || {
            now() == expected
        });
    }

    fn openings(&self, item: &Item, with: bool) -> Vec<Opening> {
        let server = if with { WITH } else { WITHOUT };
        self.all(item, server)
    }

    fn all(&self, item: &Item, server: &str) -> Vec<Opening> {
        let server: std::net::Ipv4Addr = server.parse().expect("an address");
        let wanted = |one: &Opening| {
            one.protocol == item.protocol && one.port == item.port && one.destination == server
        };
        self.balancer
            .backends
            .openings()
            .into_iter()
            .filter(wanted)
            .collect()
    }
}

/// Waits for an event of every item, with or without the word.
fn wait_all(pipe: &mut PipeReader, items: &[Item], with: bool, word: &str) {
    for number in 0..items.len() {
        pipe.wait_line(&event(number, with, word), PATIENCE);
    }
}

/// What happened to items with or without the word.
fn happened(pipe: &mut PipeReader, items: &[Item], with: bool, word: &str) -> Vec<&'static str> {
    let lines = pipe.lines();
    let all = items.iter().enumerate();
    let found = all.filter(|(number, _)| lines.contains(&event(*number, with, word)));
    found.map(|(_, item)| item.block).collect()
}

fn whole() -> Vec<Item> {
    CONNECTING
        .into_iter()
        .chain([MISC])
        .chain(HANDED_DOWN)
        .collect()
}

const NOTHING: [&str; 0] = [];
/// One check, and no other one soon.
const ONCE: &str = "delay_loop 1000\nwarmup 0\ndelay_before_retry 0.1\nconnect_timeout 5";

/// CHK-01: the server may be somewhere else than where it is checked.
///
/// Flips: virtual_server.real_server.TCP_CHECK.connect_ip, virtual_server.real_server.HTTP_GET.connect_ip,
/// virtual_server.real_server.SSL_GET.connect_ip, virtual_server.real_server.SMTP_CHECK.connect_ip,
/// virtual_server.real_server.SMTP_CHECK.host.connect_ip, virtual_server.real_server.SMTP_CHECK.host,
/// virtual_server.real_server.DNS_CHECK.connect_ip, virtual_server.real_server.UDP_CHECK.connect_ip,
/// virtual_server.real_server.PING_CHECK.connect_ip, virtual_server.real_server.TCP_CHECK,
/// virtual_server.real_server.HTTP_GET, virtual_server.real_server.SSL_GET,
/// virtual_server.real_server.SMTP_CHECK, virtual_server.real_server.DNS_CHECK,
/// virtual_server.real_server.UDP_CHECK, virtual_server.real_server.PING_CHECK,
/// (root).virtual_server, virtual_server.real_server, global_defs.lvs_notify_fifo,
/// virtual_server.real_server.HTTP_GET.url, virtual_server.real_server.SSL_GET.url,
/// virtual_server.real_server.HTTP_GET.url.path, virtual_server.real_server.SSL_GET.url.path.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_check_goes_to_the_address_of_its_line() {
    let mut bench = Bench::new();
    let mut services = String::new();
    let line = format!("connect_ip {WITH}");
    for (number, item) in CONNECTING.iter().enumerate() {
        // Nobody is there.
        services += &service(item, number, None, ONCE, "10.9.0.77");
        services += &service(item, number, Some(&line), ONCE, "10.9.0.77");
    }
    let mut pipe = bench.start("", &services);
    wait_all(&mut pipe, &CONNECTING, false, "DOWN");
    for (number, item) in CONNECTING.iter().enumerate() {
        bench.attempted(item, number, true, 1);
    }
    assert_eq!(happened(&mut pipe, &CONNECTING, true, "DOWN"), NOTHING);
}

/// CHK-01. An echo has no port.
///
/// Flips: virtual_server.real_server.TCP_CHECK.connect_port, virtual_server.real_server.HTTP_GET.connect_port,
/// virtual_server.real_server.SSL_GET.connect_port, virtual_server.real_server.SMTP_CHECK.connect_port,
/// virtual_server.real_server.SMTP_CHECK.host.connect_port,
/// virtual_server.real_server.DNS_CHECK.connect_port, virtual_server.real_server.UDP_CHECK.connect_port.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_check_goes_to_the_port_of_its_line() {
    let mut bench = Bench::new();
    let items = &CONNECTING[..7];
    let mut services = String::new();
    for (number, item) in items.iter().enumerate() {
        let line = format!("connect_port {}", item.port);
        let closed = Item {
            port: 8999,
            ..*item
        };
        services += &service(&closed, number, None, ONCE, WITHOUT);
        services += &service(&closed, number, Some(&line), ONCE, WITH);
    }
    let mut pipe = bench.start("", &services);
    wait_all(&mut pipe, items, false, "DOWN");
    for (number, item) in items.iter().enumerate() {
        bench.attempted(item, number, true, 1);
    }
    assert_eq!(happened(&mut pipe, items, true, "DOWN"), NOTHING);
}

/// CHK-02: seen in the packets.
///
/// Flips: virtual_server.real_server.TCP_CHECK.bindto, virtual_server.real_server.HTTP_GET.bindto,
/// virtual_server.real_server.SSL_GET.bindto, virtual_server.real_server.SMTP_CHECK.bindto,
/// virtual_server.real_server.SMTP_CHECK.host.bindto, virtual_server.real_server.DNS_CHECK.bindto,
/// virtual_server.real_server.UDP_CHECK.bindto, virtual_server.real_server.PING_CHECK.bindto.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_check_comes_from_the_address_of_its_line() {
    let mut bench = Bench::new();
    bench
        .balancer
        .lan
        .host("a")
        .netns
        .ip(&["addr add 10.9.0.50/24 dev eth0"]);
    let _pipe = bench.start_both(&CONNECTING, "bindto 10.9.0.50", ONCE);
    for item in &CONNECTING {
        for (with, source) in [(true, "10.9.0.50"), (false, "10.9.0.1")] {
            wait_until(&format!("{item:?} {with}"), PATIENCE, || {
                !bench.openings(item, with).is_empty()
            });
            let first = &bench.openings(item, with)[0];
            assert_eq!(first.source.to_string(), source, "{item:?}");
        }
    }
}

/// CHK-02: seen in the packets. An echo has no port, but may not ask for one that is taken.
///
/// Flips: virtual_server.real_server.TCP_CHECK.bind_port, virtual_server.real_server.HTTP_GET.bind_port,
/// virtual_server.real_server.SSL_GET.bind_port, virtual_server.real_server.SMTP_CHECK.bind_port,
/// virtual_server.real_server.SMTP_CHECK.host.bind_port, virtual_server.real_server.DNS_CHECK.bind_port,
/// virtual_server.real_server.UDP_CHECK.bind_port.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_check_comes_from_the_port_of_its_line() {
    let mut bench = Bench::new();
    let items = &CONNECTING[..7];
    let mut services = String::new();
    for (number, item) in items.iter().enumerate() {
        let line = format!("bindto 10.9.0.1\nbind_port {}", 7100 + number);
        services += &service(item, number, None, ONCE, WITHOUT);
        services += &service(item, number, Some(&line), ONCE, WITH);
    }
    let _pipe = bench.start("", &services);
    for (number, item) in items.iter().enumerate() {
        for with in [true, false] {
            wait_until(&format!("{item:?} {with}"), PATIENCE, || {
                !bench.openings(item, with).is_empty()
            });
            let port = usize::from(bench.openings(item, with)[0].source_port);
            assert_eq!(port == 7100 + number, with, "{item:?}: {port}");
        }
    }
}

/// CHK-02: a cable of its own.
///
/// Flips: virtual_server.real_server.TCP_CHECK.bind_if, virtual_server.real_server.HTTP_GET.bind_if,
/// virtual_server.real_server.SSL_GET.bind_if, virtual_server.real_server.SMTP_CHECK.bind_if,
/// virtual_server.real_server.SMTP_CHECK.host.bind_if, virtual_server.real_server.DNS_CHECK.bind_if,
/// virtual_server.real_server.UDP_CHECK.bind_if, virtual_server.real_server.PING_CHECK.bind_if.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_check_leaves_by_the_interface_of_its_line() {
    let mut bench = Bench::new();
    let (a, b) = (bench.balancer.lan.host("a"), bench.balancer.lan.host("b"));
    a.netns.ip(&[
        &format!(
            "link add other0 type veth peer name far0 netns {}",
            b.netns.name()
        ),
        "link set other0 up",
        "addr add 10.7.0.1/24 dev other0",
    ]);
    b.netns
        .ip(&["link set far0 up", "addr add 10.7.0.2/24 dev far0"]);
    a.netns
        .ip(&["route add 10.9.0.102 via 10.7.0.2 dev other0 metric 500"]);
    // Without it the way would be this one.
    a.netns.ip(&["route add 10.9.0.102 dev eth0 metric 5"]);
    bench.balancer.backends.record(b, "far0");
    let _pipe = bench.start_both(&CONNECTING, "bind_if other0", ONCE);
    for item in &CONNECTING {
        for (with, source) in [(true, "10.7.0.1"), (false, "10.9.0.1")] {
            wait_until(&format!("{item:?} {with}"), PATIENCE, || {
                !bench.openings(item, with).is_empty()
            });
            let first = &bench.openings(item, with)[0];
            assert_eq!(first.source.to_string(), source, "{item:?}");
        }
    }
}

/// CHK-04: a packet filter sees the mark.
///
/// Flips: virtual_server.real_server.TCP_CHECK.fwmark, virtual_server.real_server.HTTP_GET.fwmark,
/// virtual_server.real_server.SSL_GET.fwmark, virtual_server.real_server.SMTP_CHECK.fwmark,
/// virtual_server.real_server.SMTP_CHECK.host.fwmark, virtual_server.real_server.DNS_CHECK.fwmark,
/// virtual_server.real_server.UDP_CHECK.fwmark, virtual_server.real_server.PING_CHECK.fwmark.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_check_bears_the_mark_of_its_line() {
    let mut bench = Bench::new();
    bench.balancer.lan.host("a").netns.shell(
        "nft 'table ip m { chain o { type filter hook output priority 0; meta mark 7 drop; }; }'",
    );
    let base = "delay_loop 1000\nwarmup 0\ndelay_before_retry 0.1\nconnect_timeout 1";
    let mut pipe = bench.start_both(&CONNECTING, "fwmark 7", base);
    wait_all(&mut pipe, &CONNECTING, true, "DOWN");
    for (number, item) in CONNECTING.iter().enumerate() {
        assert!(bench.attempts(item, number, false) > 0, "{item:?}");
        assert_eq!(bench.attempts(item, number, true), 0, "{item:?}");
    }
    assert_eq!(happened(&mut pipe, &CONNECTING, false, "DOWN"), NOTHING);
}

/// CHK-03: servers that say nothing fail when the time is over.
///
/// Flips: virtual_server.real_server.TCP_CHECK.connect_timeout,
/// virtual_server.real_server.HTTP_GET.connect_timeout,
/// virtual_server.real_server.SSL_GET.connect_timeout, virtual_server.real_server.SMTP_CHECK.connect_timeout,
/// virtual_server.real_server.SMTP_CHECK.host.connect_timeout,
/// virtual_server.real_server.DNS_CHECK.connect_timeout,
/// virtual_server.real_server.UDP_CHECK.connect_timeout, virtual_server.real_server.PING_CHECK.connect_timeout,
/// virtual_server.connect_timeout, virtual_server.real_server.connect_timeout.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_silent_server_is_waited_for_as_long_as_the_line_says() {
    let mut bench = Bench::new();
    bench.balancer.backends.swallow();
    let items: Vec<Item> = CONNECTING.into_iter().chain(HANDED_DOWN).collect();
    let base = "delay_loop 1000\nwarmup 0\ndelay_before_retry 0.1\nconnect_timeout 600";
    let mut pipe = bench.start_both(&items, "connect_timeout 0.3", base);
    wait_all(&mut pipe, &items, true, "DOWN");
    for (number, item) in items.iter().enumerate() {
        assert!(bench.attempts(item, number, false) > 0, "{item:?}");
    }
    assert_eq!(happened(&mut pipe, &items, false, "DOWN"), NOTHING);
}

/// CHK-06: how often.
///
/// Flips: virtual_server.real_server.TCP_CHECK.delay_loop, virtual_server.real_server.HTTP_GET.delay_loop,
/// virtual_server.real_server.SSL_GET.delay_loop, virtual_server.real_server.SMTP_CHECK.delay_loop,
/// virtual_server.real_server.SMTP_CHECK.host.delay_loop, virtual_server.real_server.DNS_CHECK.delay_loop,
/// virtual_server.real_server.UDP_CHECK.delay_loop, virtual_server.real_server.PING_CHECK.delay_loop,
/// virtual_server.real_server.MISC_CHECK.delay_loop, virtual_server.delay_loop,
/// virtual_server.real_server.delay_loop, virtual_server.real_server.MISC_CHECK,
/// virtual_server.real_server.MISC_CHECK.misc_path.
#[test]
#[ignore = "live: cargo xtask live"]
fn checks_run_as_often_as_the_line_says() {
    let mut bench = Bench::new();
    let items = whole();
    let _pipe = bench.start_both(&items, "delay_loop 0.2", ONCE);
    for (number, item) in items.iter().enumerate() {
        wait_until(&format!("{item:?} again and again"), PATIENCE, || {
            bench.attempts(item, number, true) >= 5
        });
        bench.attempted(item, number, false, 1);
    }
}

/// CHK-05: how many attempts make a failure.
///
/// Flips: virtual_server.real_server.TCP_CHECK.retry, virtual_server.real_server.HTTP_GET.retry,
/// virtual_server.real_server.SSL_GET.retry, virtual_server.real_server.SMTP_CHECK.retry,
/// virtual_server.real_server.SMTP_CHECK.host.retry, virtual_server.real_server.DNS_CHECK.retry,
/// virtual_server.real_server.UDP_CHECK.retry, virtual_server.real_server.PING_CHECK.retry,
/// virtual_server.real_server.MISC_CHECK.retry, virtual_server.retry, virtual_server.real_server.retry.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_check_is_repeated_as_often_as_the_line_says() {
    let mut bench = Bench::new();
    let items = whole();
    let base = "delay_loop 1000\nwarmup 0\nretry 1\ndelay_before_retry 0.1\nconnect_timeout 0.3";
    let mut pipe = bench.start_and_refuse(&both(&items, "retry 3", base));
    for with in [false, true] {
        wait_all(&mut pipe, &items, with, "DOWN");
        for (number, item) in items.iter().enumerate() {
            let expected = if with { 1 + 4 } else { 1 + 2 };
            bench.attempted(item, number, with, expected);
        }
    }
}

/// CHK-05: what was never seen working is not tried again.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_server_that_fails_from_the_beginning_is_out_at_once() {
    let mut bench = Bench::refusing();
    let items = whole();
    let base = "delay_loop 1000\nwarmup 0\nretry 3\ndelay_before_retry 0.1\nconnect_timeout 0.3";
    let mut services = String::new();
    for (number, item) in items.iter().enumerate() {
        services += &service(item, number, None, base, WITHOUT);
    }
    let mut pipe = bench.start("", &services);
    wait_all(&mut pipe, &items, false, "DOWN");
    for (number, item) in items.iter().enumerate() {
        bench.attempted(item, number, false, 1);
    }
}

/// B16: how many failures in a row make a server fail.
///
/// Flips: virtual_server.real_server.TCP_CHECK.fall, virtual_server.real_server.HTTP_GET.fall,
/// virtual_server.real_server.SSL_GET.fall, virtual_server.real_server.SMTP_CHECK.fall,
/// virtual_server.real_server.SMTP_CHECK.host.fall, virtual_server.real_server.DNS_CHECK.fall,
/// virtual_server.real_server.UDP_CHECK.fall, virtual_server.real_server.PING_CHECK.fall,
/// virtual_server.real_server.MISC_CHECK.fall, virtual_server.fall, virtual_server.real_server.fall.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_server_fails_after_as_many_failures_as_the_line_says() {
    let mut bench = Bench::refusing();
    let items = whole();
    let base = "delay_loop 0.3\nwarmup 0\nretry 1\ndelay_before_retry 0.1\nconnect_timeout 0.2";
    let mut pipe = bench.start_both(&items, "fall 1000", base);
    wait_all(&mut pipe, &items, false, "DOWN");
    for (number, item) in items.iter().enumerate() {
        wait_until(&format!("{item:?} again and again"), PATIENCE, || {
            bench.attempts(item, number, true) >= 6
        });
    }
    assert_eq!(happened(&mut pipe, &items, true, "DOWN"), NOTHING);
}

/// B16: how many successes in a row bring it back.
///
/// Flips: virtual_server.real_server.TCP_CHECK.rise, virtual_server.real_server.HTTP_GET.rise,
/// virtual_server.real_server.SSL_GET.rise, virtual_server.real_server.SMTP_CHECK.rise,
/// virtual_server.real_server.SMTP_CHECK.host.rise, virtual_server.real_server.DNS_CHECK.rise,
/// virtual_server.real_server.UDP_CHECK.rise, virtual_server.real_server.PING_CHECK.rise,
/// virtual_server.real_server.MISC_CHECK.rise, virtual_server.rise, virtual_server.real_server.rise.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_server_comes_back_after_as_many_successes_as_the_line_says() {
    let mut bench = Bench::new();
    let items = whole();
    let base =
        "alpha\ndelay_loop 0.3\nwarmup 0\nretry 1\ndelay_before_retry 0.1\nconnect_timeout 5";
    let mut pipe = bench.start_both(&items, "rise 1000", base);
    wait_all(&mut pipe, &items, false, "UP");
    for (number, item) in items.iter().enumerate() {
        wait_until(&format!("{item:?} again and again"), PATIENCE, || {
            bench.attempts(item, number, true) >= 4
        });
    }
    assert_eq!(happened(&mut pipe, &items, true, "UP"), NOTHING);
}

/// The old name of `retry`.
///
/// Flips: virtual_server.real_server.HTTP_GET.nb_get_retry, virtual_server.real_server.SSL_GET.nb_get_retry.
#[test]
#[ignore = "live: cargo xtask live"]
fn the_old_name_of_retry_counts_too() {
    let mut bench = Bench::new();
    let items = &CONNECTING[1..3];
    let base = "delay_loop 1000\nwarmup 0\nretry 1\ndelay_before_retry 0.1";
    let mut pipe = bench.start_and_refuse(&both(items, "nb_get_retry 3", base));
    for with in [false, true] {
        wait_all(&mut pipe, items, with, "DOWN");
        for (number, item) in items.iter().enumerate() {
            let expected = if with { 1 + 4 } else { 1 + 2 };
            bench.attempted(item, number, with, expected);
        }
    }
}

/// CHK-05: how long after a failure.
///
/// Flips: virtual_server.real_server.TCP_CHECK.delay_before_retry,
/// virtual_server.real_server.HTTP_GET.delay_before_retry,
/// virtual_server.real_server.SSL_GET.delay_before_retry,
/// virtual_server.real_server.SMTP_CHECK.delay_before_retry,
/// virtual_server.real_server.SMTP_CHECK.host.delay_before_retry,
/// virtual_server.real_server.DNS_CHECK.delay_before_retry,
/// virtual_server.real_server.UDP_CHECK.delay_before_retry,
/// virtual_server.real_server.PING_CHECK.delay_before_retry,
/// virtual_server.real_server.MISC_CHECK.delay_before_retry, virtual_server.delay_before_retry,
/// virtual_server.real_server.delay_before_retry.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_check_is_repeated_as_soon_as_the_line_says() {
    let mut bench = Bench::new();
    let items = whole();
    let base = "delay_loop 1000\nwarmup 0\nretry 1\ndelay_before_retry 500\nconnect_timeout 0.3";
    let services = both(&items, "delay_before_retry 0.1", base);
    let mut pipe = bench.start_and_refuse(&services);
    wait_all(&mut pipe, &items, true, "DOWN");
    for (number, item) in items.iter().enumerate() {
        bench.attempted(item, number, false, 1 + 1);
    }
    assert_eq!(happened(&mut pipe, &items, false, "DOWN"), NOTHING);
}

/// CHK-06: when the first one comes. One of a hundred thousand runs is unlucky.
///
/// Flips: virtual_server.real_server.TCP_CHECK.warmup, virtual_server.real_server.HTTP_GET.warmup,
/// virtual_server.real_server.SSL_GET.warmup, virtual_server.real_server.SMTP_CHECK.warmup,
/// virtual_server.real_server.SMTP_CHECK.host.warmup, virtual_server.real_server.DNS_CHECK.warmup,
/// virtual_server.real_server.UDP_CHECK.warmup, virtual_server.real_server.PING_CHECK.warmup,
/// virtual_server.real_server.MISC_CHECK.warmup, virtual_server.warmup, virtual_server.real_server.warmup.
#[test]
#[ignore = "live: cargo xtask live"]
fn the_first_check_comes_within_the_time_of_the_line() {
    let mut bench = Bench::new();
    let items = whole();
    let base = "delay_loop 1000\nwarmup 1000000\nconnect_timeout 5";
    let _pipe = bench.start_both(&items, "warmup 0", base);
    for (number, item) in items.iter().enumerate() {
        wait_until(&format!("{item:?} at once"), PATIENCE, || {
            bench.attempts(item, number, true) == 1
        });
    }
    for (number, item) in items.iter().enumerate() {
        assert_eq!(bench.attempts(item, number, false), 0, "{item:?}");
    }
}

/// LVS-12, CHK-07: down until it is known to be up.
///
/// Flips: virtual_server.real_server.TCP_CHECK.alpha, virtual_server.real_server.HTTP_GET.alpha,
/// virtual_server.real_server.SSL_GET.alpha, virtual_server.real_server.SMTP_CHECK.alpha,
/// virtual_server.real_server.SMTP_CHECK.host.alpha, virtual_server.real_server.DNS_CHECK.alpha,
/// virtual_server.real_server.UDP_CHECK.alpha, virtual_server.real_server.PING_CHECK.alpha,
/// virtual_server.real_server.MISC_CHECK.alpha, virtual_server.alpha, virtual_server.real_server.alpha.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_server_is_down_until_it_was_checked_where_the_line_says_so() {
    let mut bench = Bench::new();
    let items = whole();
    let base = "delay_loop 1000\nwarmup 1000000";
    let mut pipe = bench.start_both(&items, "alpha", base);
    wait_all(&mut pipe, &items, false, "UP");
    let daemon = bench.balancer.daemon();
    daemon.wait_log("Activating healthchecker", items.len() * 2, PATIENCE);
    assert_eq!(happened(&mut pipe, &items, true, "UP"), NOTHING);
    let status = daemon.status();
    let services = status["balance"]["services"].as_array().expect("a list");
    assert_eq!(services.len(), items.len() * 2);
    for service in services {
        let alpha = service["name"]
            .as_str()
            .is_some_and(|name| name.contains("10.8.1."));
        let expected = if alpha { "DOWN" } else { "UP" };
        assert_eq!(service["state"], expected, "{service}");
    }
}

/// CHK-07: every failure, or the one that decides.
///
/// Flips: virtual_server.real_server.TCP_CHECK.log_all_failures,
/// virtual_server.real_server.HTTP_GET.log_all_failures,
/// virtual_server.real_server.SSL_GET.log_all_failures,
/// virtual_server.real_server.SMTP_CHECK.log_all_failures,
/// virtual_server.real_server.SMTP_CHECK.host.log_all_failures,
/// virtual_server.real_server.DNS_CHECK.log_all_failures,
/// virtual_server.real_server.UDP_CHECK.log_all_failures,
/// virtual_server.real_server.PING_CHECK.log_all_failures,
/// virtual_server.real_server.MISC_CHECK.log_all_failures, global_defs.checker_log_all_failures.
#[test]
#[ignore = "live: cargo xtask live"]
fn every_failure_is_logged_where_the_line_says_so() {
    let items: Vec<Item> = CONNECTING.into_iter().chain([MISC]).collect();
    for (global, line, word) in [
        ("", "log_all_failures", "with"),
        (
            "checker_log_all_failures",
            "log_all_failures off",
            "without",
        ),
    ] {
        let mut bench = Bench::refusing();
        let base = "delay_loop 0.3\nwarmup 0\ndelay_before_retry 0.1\nconnect_timeout 0.2";
        let mut services = String::new();
        for (number, item) in items.iter().enumerate() {
            services += &service(item, number, None, base, WITHOUT);
            services += &service(item, number, Some(line), base, WITH);
        }
        let mut pipe = bench.start(global, &services);
        for with in [false, true] {
            wait_all(&mut pipe, &items, with, "DOWN");
        }
        for (number, item) in items.iter().enumerate() {
            let failures = |with: bool| {
                let port = if item.port == 0 { 9 } else { item.port };
                let server = if with { WITH } else { WITHOUT };
                let vs = format!("VS [{}]", name(number, with));
                let (rs, smtp) = (
                    format!("[{server}]:tcp:{port}"),
                    format!("[{server}]:{port}"),
                );
                let told = |line: &&str| {
                    let failed = line.contains("fail") || line.contains("refused");
                    let failed = failed || line.contains("timed out");
                    match item.protocol {
                        0 => failed && line.contains(&vs),
                        1 => failed && line.contains("ICMP") && line.contains(&rs),
                        _ => failed && (line.contains(&rs) || line.contains(&smtp)),
                    }
                };
                bench.balancer.daemon().log().lines().filter(told).count()
            };
            let all = word == "with";
            wait_until(&format!("{item:?} fails again and again"), PATIENCE, || {
                failures(all) > 6
            });
            assert!(failures(!all) <= 2, "{item:?}: {}", failures(!all));
        }
    }
}
