//! Servers that mean ill: a verdict by the deadline, and nobody else is late for it. Alone in its program,
//! because it asks how much memory that has taken.

#[path = "balance/bench.rs"]
#[allow(dead_code, reason = "each test program uses its part")]
mod bench;

use std::io::Write;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use healthcheck::{DnsQuery, HttpConfig, Page, Pattern, QueryType, Target, UdpConfig};
use keepalived_driver::balance::ProbeSetup;
use keepalived_driver::clock::Clock;

use bench::{Bench, LONG, check, config, request, serve, server, service, tcp};

/// Time for an attempt that goes on until then. The others have as much as they may take.
const LIMIT: Duration = Duration::from_millis(500);

fn http(to: SocketAddr, timeout: Duration) -> ProbeSetup {
    ProbeSetup::Http {
        target: Target::new(to),
        config: HttpConfig::new(vec![Page::new("/")]),
        timeout,
    }
}

/// After the request.
fn after(
    timeout: Duration,
    what: impl Fn(TcpStream) + Send + Sync + Clone + 'static,
) -> ProbeSetup {
    let server = serve(move |mut stream| {
        request(&mut stream);
        what(stream);
    });
    http(server, timeout)
}

/// A line of the process's own status, in KiB.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.unwrap().split_whitespace().next();
    number.unwrap().parse().unwrap()
}

/// Sleeps shortly again and again, to see how late this machine wakes sleepers: a bound says something
/// about a program only as far as the machine runs it when it asks.
struct Canary {
    end: Arc<AtomicBool>,
    thread: JoinHandle<Duration>,
}

impl Canary {
    fn start() -> Self {
        const NAP: Duration = Duration::from_millis(2);
        let end = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&end);
        let thread = std::thread::spawn(move || {
            let mut late = Duration::ZERO;
            while !told.load(Ordering::Relaxed) {
                let before = Clock.now();
                std::thread::sleep(NAP);
                let slept = Clock.now().saturating_duration_since(before);
                // Less is the ordinary price of a sleep.
                let this = slept.saturating_sub(NAP);
                if this >= Duration::from_millis(3) {
                    late += this;
                }
            }
            late
        });
        Self { end, thread }
    }

    /// How late it was in all.
    fn stop(self) -> Duration {
        self.end.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn again(mut stream: TcpStream, piece: &[u8], pause: Duration) {
    while stream.write_all(piece).is_ok() {
        std::thread::sleep(pause);
    }
}

/// A10, and the shape of what is to be shown of hostile servers: slow heads, endless bodies,
/// silence, garbage.
#[test]
fn each_has_its_verdict_by_the_deadline_and_the_others_are_on_time() {
    let tick = Duration::from_millis(20);
    let dns = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = dns.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut octets = [0; 512];
        while let Ok((length, from)) = dns.recv_from(&mut octets) {
            // The right id, and then nothing that makes sense.
            octets[2] = 0x80;
            octets[4..length].fill(0xff);
            let _ = dns.send_to(&octets[..length.min(7)], from);
        }
    });
    let garbage = ProbeSetup::Dns {
        target: Target::new(to),
        query: DnsQuery::new(QueryType::Soa, ".").unwrap(),
        timeout: LONG,
    };
    let flood = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = flood.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut octets = [0; 512];
        while let Ok((_, from)) = flood.recv_from(&mut octets) {
            for _ in 0..1000 {
                let _ = flood.send_to(&[7; 400], from);
            }
        }
    });
    let wants = UdpConfig {
        reply: Some(Pattern::default()),
        ..UdpConfig::default()
    };
    let flood = ProbeSetup::Udp {
        target: Target::new(to),
        config: wants,
        timeout: LONG,
    };
    let cases = [
        (
            after(LIMIT, move |stream| again(stream, b"X", tick)),
            "timed out while reading the head of the answer",
        ),
        (
            after(LIMIT, move |mut stream| {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
                again(stream, b"X-Slow: 1\r\n", tick);
            }),
            "timed out while reading the head of the answer",
        ),
        (
            after(LIMIT, |mut stream| {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
                again(stream, b"", Duration::from_millis(100));
            }),
            "timed out while reading the body of the answer",
        ),
        (
            after(LONG, |mut stream| {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
                again(stream, &[b'x'; 8192], Duration::ZERO);
            }),
            "body of the HTTP answer too long",
        ),
        (
            after(LONG, |mut stream| {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
                again(stream, &[b'x'; 8192], Duration::ZERO);
            }),
            "head of the HTTP answer too long",
        ),
        (
            after(LONG, |mut stream| {
                let head =
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n";
                let _ = stream.write_all(head);
                again(stream, b"", Duration::from_millis(100));
            }),
            "malformed chunk",
        ),
        (
            http(
                serve(|stream| {
                    // Unread octets make a reset of the end.
                    let _ = stream.peek(&mut [0]);
                    drop(stream);
                }),
                LONG,
            ),
            "connection reset",
        ),
        (garbage, "malformed DNS answer"),
        (flood, "reply of 400 octets"),
    ];
    let honest = serve(drop);
    let mut servers = vec![server("0", vec![check(tcp(honest), 20)])];
    for (at, (probe, _)) in cases.iter().enumerate() {
        let label = char::from(b'a' + u8::try_from(at).unwrap()).to_string();
        servers.push(server(&label, vec![check(probe.clone(), 60_000)]));
    }
    let resident = status("VmRSS:");
    let canary = Canary::start();
    let mut bench = Bench::start(config(vec![service("v", servers)]));
    bench.expect("Ready");
    let all = bench.until("all judged", |all| {
        let mut servers = all.services[0].servers.iter().skip(1);
        servers.all(|server| server.checks[0].known)
    });
    let late = canary.stop() + bench.waited();
    for (server, (_, expected)) in all.services[0].servers.iter().skip(1).zip(&cases) {
        let (at, failure) = server.checks[0].last_failure.as_ref().unwrap();
        assert_eq!(failure.to_string(), *expected);
        if !expected.starts_with("timed out") {
            continue;
        }
        let took = at.duration_since(all.started_at).unwrap();
        let bound = LIMIT + Duration::from_millis(50);
        assert!(
            took <= bound + late,
            "{expected}: {took:?}, and the machine was late by {late:?} in all"
        );
    }
    // What the servers sent is a multiple of this.
    let grown = status("VmHWM:").saturating_sub(resident);
    assert!(grown < 16 << 10, "{grown} KiB more than before");
    let honest = &all.services[0].servers[0];
    assert!(honest.up && honest.checks[0].failures == 0);
    assert!(honest.checks[0].attempts > 5, "{honest:?}");
}
