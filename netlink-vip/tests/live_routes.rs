//! Routes and rules against the running kernel: every attribute is asked for, shown by `ip`, known
//! again by a second run, and removed.
//!
//! Needs root, `ip` and `unshare`, and runs only with `KEEPALIVED_LIVE=1`. Every test runs itself
//! again in a network namespace of its own.

use std::env;
use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;

use netlink_sys::{Socket, SocketAddr};
use netlink_vip::{
    Channel, Desired, Encap, Hop, Instant, InterfaceName, KernelEvent, Metric, OwnerId, Placement,
    Prefix, ROUTE_GROUPS, Reconciler, Route, RouteKind, Rule, RuleAction, Tag, plan,
};

const A: OwnerId = OwnerId(1);

fn in_namespace(name: &str, body: impl FnOnce()) {
    if env::var_os("KEEPALIVED_LIVE_INSIDE").is_some() {
        body();
        return;
    }
    if env::var("KEEPALIVED_LIVE").as_deref() != Ok("1") {
        eprintln!("skipped: KEEPALIVED_LIVE is not 1");
        return;
    }
    let status = Command::new("timeout")
        .args(["60", "unshare", "-n"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env("KEEPALIVED_LIVE_INSIDE", "1")
        .status()
        .unwrap();
    assert!(status.success(), "{name} failed inside its namespace");
}

fn ip(words: &str) -> String {
    let output = Command::new("ip")
        .args(words.split_whitespace())
        .output()
        .unwrap();
    assert!(output.status.success(), "ip {words}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn addr(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn prefix(text: &str) -> Prefix {
    let (address, length) = text.split_once('/').unwrap();
    Prefix::new(addr(address), length.parse().unwrap())
}

fn name(text: &str) -> InterfaceName {
    InterfaceName::new(text).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test against the real kernel needs its time"
)]
fn clock() -> std::time::Instant {
    std::time::Instant::now()
}

struct Driver {
    command: Socket,
    monitor: Socket,
    origin: std::time::Instant,
    reconciler: Reconciler,
    events: Vec<KernelEvent>,
}

impl Driver {
    fn new() -> Self {
        let socket = || {
            let mut socket = Socket::new(0).unwrap();
            socket.bind_auto().unwrap();
            socket.set_non_blocking(true).unwrap();
            socket.set_ext_ack(true).unwrap();
            socket.set_cap_ack(true).unwrap();
            socket.set_netlink_get_strict_chk(true).unwrap();
            socket
        };
        let monitor = socket();
        for group in [1, 5, 9].into_iter().chain(ROUTE_GROUPS) {
            monitor.add_membership(group).unwrap();
        }
        let mut driver = Self {
            command: socket(),
            monitor,
            origin: clock(),
            reconciler: Reconciler::new(Tag::KEEPALIVED),
            events: Vec::new(),
        };
        driver.reconciler.start(driver.now());
        driver.until("ready", Reconciler::is_ready);
        driver
    }

    fn now(&self) -> Instant {
        let nanos = self.origin.elapsed().as_nanos();
        Instant::from_nanos(i64::try_from(nanos).unwrap())
    }

    fn turn(&mut self) -> bool {
        let now = self.now();
        let mut busy = false;
        let mut buffer = Vec::with_capacity(1 << 16);
        for channel in [Channel::Monitor, Channel::Command] {
            let socket = match channel {
                Channel::Monitor => &self.monitor,
                Channel::Command => &self.command,
            };
            loop {
                buffer.clear();
                match socket.recv_from(&mut buffer, 0) {
                    Ok(_) => {
                        self.reconciler.handle_datagram(now, &buffer, channel);
                        busy = true;
                    }
                    Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => break,
                    Err(e) => panic!("{e}"),
                }
            }
        }
        self.reconciler.handle_timeout(now);
        if self.reconciler.poll_request(now, &mut buffer) {
            self.command
                .send_to(&buffer, &SocketAddr::new(0, 0), 0)
                .unwrap();
            busy = true;
        }
        while let Some(event) = self.reconciler.poll_event() {
            self.events.push(event);
        }
        busy
    }

    fn until(&mut self, what: &str, mut done: impl FnMut(&Reconciler) -> bool) {
        let begin = clock();
        while !done(&self.reconciler) {
            if !self.turn() {
                std::thread::sleep(Duration::from_micros(200));
            }
            assert!(
                begin.elapsed() < Duration::from_secs(15),
                "not {what}: {:?}",
                self.reconciler
                    .missing(A)
                    .iter()
                    .map(|missing| missing.object.to_string())
                    .collect::<Vec<_>>()
            );
        }
    }

    fn settle(&mut self) {
        let mut quiet = 0;
        while quiet < 5 {
            let busy = self.turn();
            quiet = if busy || !self.reconciler.is_idle() {
                0
            } else {
                quiet + 1
            };
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn set(&mut self, desired: Desired) {
        let now = self.now();
        self.reconciler.set(now, A, desired);
    }
}

/// Things and words that `ip` shows of them.
type Shown<T> = Vec<(T, &'static str)>;

/// Every route and rule, and what `ip -d` shows of it.
fn everything() -> (Shown<Route>, Shown<Rule>) {
    let v0 = || Some(name("v0"));
    let via = |text: &str| Hop::new(Some(addr(text)), v0());
    let four = |destination: &str| Route::new(prefix(destination), vec![via("192.0.2.9")]);
    let six = |destination: &str| Route::new(prefix(destination), vec![via("2001:db8::9")]);
    let mut routes = vec![
        (
            four("10.0.0.0/16"),
            "unicast 10.0.0.0/16 via 192.0.2.9 dev v0 proto keepalived scope global",
        ),
        (
            Route::new(prefix("10.1.0.0/16"), vec![Hop::new(None, v0())]),
            "unicast 10.1.0.0/16 dev v0 proto keepalived scope link",
        ),
        (
            Route::new(
                prefix("10.2.0.0/16"),
                vec![Hop::new(Some(addr("192.0.2.9")), None)],
            ),
            "unicast 10.2.0.0/16 via 192.0.2.9 dev v0 proto keepalived",
        ),
        (
            Route::new(prefix("10.3.0.0/16"), vec![via("fe80::9")]),
            "10.3.0.0/16 via inet6 fe80::9 dev v0 proto keepalived",
        ),
        (
            six("2001:db8:1::/48"),
            "unicast 2001:db8:1::/48 via 2001:db8::9 dev v0 proto keepalived scope global metric 1024 pref medium",
        ),
    ];
    for (kind, word) in [
        (RouteKind::BLACKHOLE, "blackhole"),
        (RouteKind::UNREACHABLE, "unreachable"),
        (RouteKind::PROHIBIT, "prohibit"),
        (RouteKind::THROW, "throw"),
    ] {
        for (text, ipv6) in [("10.4.0.0/16", false), ("2001:db8:4::/48", true)] {
            let mut route = Route::new(prefix(text), Vec::new());
            route.kind = kind;
            route.table = 100 + u32::from(kind.0);
            routes.push((route, if ipv6 { "2001:db8:4::/48" } else { word }));
        }
    }
    let mut change = |mut route: Route, shown, with: &dyn Fn(&mut Route)| {
        with(&mut route);
        routes.push((route, shown));
    };
    change(
        four("10.5.0.0/16"),
        "10.5.0.0/16 via 192.0.2.9 dev v0 table 5000",
        &|r| r.table = 5000,
    );
    change(four("10.6.0.0/16"), "metric 77", &|r| r.metric = Some(77));
    change(four("10.7.0.0/16"), "tos 0x08", &|r| r.tos = 8);
    change(four("10.8.0.0/16"), "src 192.0.2.1", &|r| {
        r.preferred_source = Some(addr("192.0.2.1"));
    });
    change(four("10.9.0.0/16"), "proto bird", &|r| {
        r.protocol = Some(12);
    });
    change(
        Route::new(prefix("10.10.0.0/16"), vec![Hop::new(None, v0())]),
        "10.10.0.0/16 dev v0 proto keepalived scope host",
        &|r| r.scope = Some(254),
    );
    change(
        four("10.11.0.0/16"),
        "via 203.0.113.1 dev v0 proto keepalived scope global onlink",
        &|r| {
            r.hops[0].via = Some(addr("203.0.113.1"));
            r.hops[0].onlink = true;
        },
    );
    change(four("10.12.0.0/16"), "realms 5/6", &|r| {
        r.hops[0].realms = Some(5 << 16 | 6);
    });
    change(
        four("10.13.0.0/16"),
        "encap ip id 5 src 0.0.0.0 dst 192.0.2.7 ttl 4 tos 3",
        &|r| {
            r.hops = vec![Hop::new(None, Some(name("v0")))];
            r.hops[0].encap = Some(Encap::Ip {
                id: 5,
                destination: "192.0.2.7".parse().unwrap(),
                source: "0.0.0.0".parse().unwrap(),
                tos: 3,
                ttl: 4,
                flags: 0,
            });
        },
    );
    change(
        six("2001:db8:13::/48"),
        "encap ip6 id 5 src :: dst 2001:db8::7 hoplimit 9 tc 3",
        &|r| {
            r.hops = vec![Hop::new(None, Some(name("v0")))];
            r.hops[0].encap = Some(Encap::Ip6 {
                id: 5,
                destination: "2001:db8::7".parse().unwrap(),
                source: "::".parse().unwrap(),
                traffic_class: 3,
                hop_limit: 9,
                flags: 0,
            });
        },
    );
    for (metric, value, shown) in [
        (Metric::Mtu, 1400, "mtu lock 1400"),
        (Metric::Window, 2000, "window 2000"),
        (Metric::Rtt, 800, "rtt lock 100ms"),
        (Metric::RttVar, 400, "rttvar lock 100ms"),
        (Metric::SsThresh, 7, "ssthresh lock 7"),
        (Metric::Cwnd, 8, "cwnd lock 8"),
        (Metric::AdvMss, 1300, "advmss lock 1300"),
        (Metric::Reordering, 9, "reordering lock 9"),
        (Metric::HopLimit, 44, "hoplimit 44"),
        (Metric::InitCwnd, 11, "initcwnd 11"),
        (Metric::Features, 1, "features ecn"),
        (Metric::RtoMin, 250, "rto_min lock 250ms"),
        (Metric::InitRwnd, 12, "initrwnd 12"),
        (Metric::QuickAck, 1, "quickack 1"),
        (Metric::FastopenNoCookie, 1, "fastopen_no_cookie 1"),
    ] {
        for destination in ["10.14.0.0/16", "2001:db8:14::/48"] {
            let route = if destination.starts_with("10") {
                four(destination)
            } else {
                six(destination)
            };
            let table = 200 + value * 20 + u32::try_from(shown.len()).unwrap();
            change(route, shown, &|r| {
                r.table = table;
                r.metrics.set(metric, value, shown.contains("lock"));
            });
        }
    }
    change(four("10.15.0.0/16"), "congctl lock cubic", &|r| {
        r.metrics.set_congestion_control("cubic", true);
    });
    change(six("2001:db8:16::/48"), "pref high", &|r| {
        r.preference = Some(1);
    });
    change(
        six("2001:db8:17::/48"),
        "2001:db8:17::/48 from 2001:db8:99::/48",
        &|r| r.source = Some(prefix("2001:db8:99::/48")),
    );
    change(six("2001:db8:18::/48"), "expires", &|r| {
        r.expires = Some(100);
    });
    change(four("10.18.0.0/16"), "10.18.0.0/16 via 192.0.2.9", &|r| {
        r.placement = Placement::Alone;
    });
    change(four("10.19.0.0/16"), "weight 3", &|r| {
        let mut second = Hop::new(Some(addr("192.0.2.10")), Some(name("v0")));
        second.weight = 2;
        r.hops.push(second);
    });
    change(six("2001:db8:19::/48"), "2001:db8:19::/48", &|r| {
        let mut second = Hop::new(Some(addr("2001:db8::10")), Some(name("v0")));
        second.weight = 2;
        r.hops.push(second);
    });
    // Two that share a key.
    change(four("10.20.0.0/16"), "10.20.0.0/16 via 192.0.2.9", &|_| {});
    change(four("10.20.0.0/16"), "10.20.0.0/16 via 192.0.2.10", &|r| {
        r.hops[0].via = Some(addr("192.0.2.10"));
        r.placement = Placement::Append;
    });

    let mut rules = Vec::new();
    let mut add = |shown, ipv6: bool, action, with: &dyn Fn(&mut Rule)| {
        let mut rule = Rule::new(ipv6, 1000, action);
        rule.preference += u32::try_from(rules.len()).unwrap();
        with(&mut rule);
        rules.push((rule, shown));
    };
    let look = RuleAction::Lookup(7);
    add("from 10.0.0.0/8 lookup 7", false, look, &|r| {
        r.from = Some(prefix("10.0.0.0/8"));
    });
    add("from all to 10.0.0.0/8 lookup 7", false, look, &|r| {
        r.to = Some(prefix("10.0.0.0/8"));
    });
    add("from 2001:db8::/32 lookup 7", true, look, &|r| {
        r.from = Some(prefix("2001:db8::/32"));
    });
    add("from all iif v0 lookup 7", false, look, &|r| {
        r.iif = Some(name("v0"));
    });
    add(
        "from all oif gone7 [detached] lookup 7",
        false,
        look,
        &|r| r.oif = Some(name("gone7")),
    );
    add("tos 0x08", false, look, &|r| r.tos = 8);
    add("fwmark 0x5/0xff", false, look, &|r| {
        r.mark = Some((5, 0xff));
    });
    add("fwmark 0x6 ", false, look, &|r| {
        r.mark = Some((6, u32::MAX));
    });
    add("uidrange 5-9", false, look, &|r| r.users = Some((5, 9)));
    add("ipproto tcp", false, look, &|r| r.ip_protocol = Some(6));
    add("sport 5-9", false, look, &|r| r.source_ports = Some((5, 9)));
    add("dport 8-80", true, look, &|r| {
        r.destination_ports = Some((8, 80));
    });
    add("tun_id 99", false, look, &|r| r.tunnel_id = Some(99));
    add(
        "lookup [l3mdev-table]",
        false,
        RuleAction::Lookup(0),
        &|r| r.l3mdev = true,
    );
    add("realms 3/4", false, look, &|r| r.realms = Some(3 << 16 | 4));
    add("suppress_prefixlength 0", false, look, &|r| {
        r.suppress_prefix_length = Some(0);
    });
    add("suppress_ifgroup 3", false, look, &|r| {
        r.suppress_group = Some(3);
    });
    add("not from 10.1.0.0/16 lookup 7", false, look, &|r| {
        r.from = Some(prefix("10.1.0.0/16"));
        r.invert = true;
    });
    add("lookup 70000", false, RuleAction::Lookup(70_000), &|_| {});
    add("goto 2000", false, RuleAction::Goto(2000), &|_| {});
    add(" nop", false, RuleAction::Nop, &|_| {});
    add("blackhole", false, RuleAction::Blackhole, &|r| {
        r.from = Some(prefix("10.77.0.0/16"));
    });
    add("unreachable", true, RuleAction::Unreachable, &|r| {
        r.from = Some(prefix("2001:db8:77::/48"));
    });
    add("prohibit", false, RuleAction::Prohibit, &|r| {
        r.from = Some(prefix("10.77.0.0/16"));
    });
    (routes, rules)
}

fn shown() -> (String, String) {
    let routes = ip("-d -4 route show table all") + &ip("-d -6 route show table all");
    // As `ip route show` writes it.
    let routes = routes.replace(" table main ", " ");
    let rules = ip("-d rule") + &ip("-d -6 rule");
    (routes, rules)
}

fn prepare() {
    ip("link set lo up");
    ip("link add v0 type veth peer name v1");
    ip("link set v0 up");
    ip("link set v1 up");
    ip("addr add 192.0.2.1/24 dev v0");
    ip("-6 addr add 2001:db8::1/64 dev v0 nodad");
}

/// STAT-07, STAT-09: what is asked for is what `ip` shows; asking again writes nothing; a second
/// run knows it all again; and in the end all is as it was before.
#[test]
fn the_kernel_shows_what_was_asked_for() {
    in_namespace("the_kernel_shows_what_was_asked_for", || {
        prepare();
        let before = shown();
        let mut driver = Driver::new();
        let (routes, rules) = everything();
        let desired = Desired::default()
            .with_routes(routes.iter().map(|(route, _)| route.clone()).collect())
            .with_rules(rules.iter().map(|(rule, _)| rule.clone()).collect());
        driver.set(desired.clone());
        driver.until("installed", |r| r.is_installed(A));
        let there = shown();
        for (route, words) in &routes {
            assert!(there.0.contains(words), "{route}: {words}\n{}", there.0);
        }
        for (rule, words) in &rules {
            let line = there
                .1
                .lines()
                .find(|line| line.starts_with(&format!("{}:", rule.preference)));
            let line = line.map(|line| format!("{line} "));
            assert!(
                line.is_some_and(|line| line.contains(words)),
                "{rule}: {words}\n{}",
                there.1
            );
        }
        driver.settle();
        let requests = driver.reconciler.counters().requests;
        driver.set(desired.clone());
        driver.settle();
        let now = driver.now();
        driver.reconciler.resync_routes(now);
        driver.settle();
        std::thread::sleep(Duration::from_millis(150));
        driver.settle();
        assert_eq!(driver.reconciler.counters().requests, requests);
        // As after a kill: by what is in the kernel alone.
        let mut second = Driver::new();
        let wishes = [(A, desired.clone())].into_iter().collect();
        let difference = plan(second.reconciler.observed(), &wishes);
        let odd: Vec<_> = difference
            .iter()
            .map(|change| format!("{change:?}"))
            .collect();
        assert!(
            odd.iter()
                .all(|change| change.contains("protocol: Some(12)")),
            "{odd:#?}"
        );
        second.set(desired);
        let now = second.now();
        second.reconciler.adopt_or_clean(now);
        second.until("installed", |r| r.is_installed(A));
        second.settle();
        assert_eq!(second.reconciler.counters().requests, 0);
        driver.set(Desired::default());
        driver.settle();
        assert_eq!(shown(), before);
    });
}

/// VIP-06, STAT-08: what `ip` removes or replaces is back at once, whoever did it and however.
#[test]
fn what_others_do_to_routes_and_rules_is_undone() {
    in_namespace("what_others_do_to_routes_and_rules_is_undone", || {
        prepare();
        let mut driver = Driver::new();
        let via = |text: &str| Hop::new(Some(addr(text)), Some(name("v0")));
        let routes = vec![
            Route::new(prefix("10.0.0.0/16"), vec![via("192.0.2.9")]),
            Route::new(prefix("2001:db8:1::/48"), vec![via("2001:db8::9")]),
        ];
        let mut rule = Rule::new(false, 1000, RuleAction::Lookup(7));
        rule.from = Some(prefix("10.0.0.0/8"));
        let desired = Desired::default()
            .with_routes(routes)
            .with_rules(vec![rule]);
        driver.set(desired);
        driver.until("installed", |r| r.is_installed(A));
        let there = shown();
        for (n, words) in [
            "route del 10.0.0.0/16",
            "-6 route del 2001:db8:1::/48",
            "rule del pref 1000",
            "route replace 10.0.0.0/16 via 192.0.2.10 proto static",
            "route flush proto keepalived",
        ]
        .iter()
        .enumerate()
        {
            ip(words);
            let repaired = u64::try_from(n).unwrap();
            driver.until(words, |r| {
                r.is_installed(A) && r.counters().repaired > repaired
            });
            driver.settle();
            if words.contains("replace") {
                ip("route del 10.0.0.0/16 proto static");
                driver.settle();
            }
            assert_eq!(shown(), there, "{words}");
        }
        // Not by others, but with their link.
        let repaired = driver.reconciler.counters().repaired;
        ip("link set v0 down");
        driver.until("gone", |r| !r.is_installed(A));
        ip("link set v0 up");
        ip("-6 addr replace 2001:db8::1/64 dev v0 nodad");
        driver.until("back", |r| r.is_installed(A));
        driver.settle();
        assert_eq!(driver.reconciler.counters().repaired, repaired);
        assert!(shown().0.contains("10.0.0.0/16 via 192.0.2.9"));
    });
}
