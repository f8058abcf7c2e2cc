//! The reconciler against the running kernel.
//!
//! Needs root, `ip` and `unshare`, and runs only with `KEEPALIVED_LIVE=1`. Every test runs itself
//! again in a network namespace of its own.

use std::collections::BTreeMap;
use std::env;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::Command;
use std::time::Duration;

use netlink_sys::{Socket, SocketAddr};
use netlink_vip::{
    AddressFlags, Channel, Desired, FOREVER, Instant, InterfaceName, KernelEvent, Object,
    ObservedAddress, OwnerId, Reconciler, Tag, Vip, VipFlags, plan,
};

const ENOBUFS: i32 = 105;
const A: OwnerId = OwnerId(1);
const B: OwnerId = OwnerId(2);

/// Runs `body` in a namespace of its own; `name` is the name of the test.
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

/// `ip` with these words.
fn ip(words: &str) {
    let status = Command::new("ip")
        .args(words.split_whitespace())
        .status()
        .unwrap();
    assert!(status.success(), "ip {words}");
}

/// What `ip -o addr show` prints about a device.
fn shown(device: &str) -> String {
    let output = Command::new("ip")
        .args(["-o", "addr", "show", "dev", device])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn veth() {
    ip("link add v0 type veth peer name v1");
    ip("link set v0 up");
    ip("link set v1 up");
}

fn v4(host: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + host).into()
}

fn v6(host: u16) -> IpAddr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host).into()
}

fn vip(address: IpAddr, device: &str) -> Vip {
    Vip::new(address, 128, InterfaceName::new(device).unwrap())
}

/// A driver in small: two sockets and one reconciler.
struct Driver {
    command: Socket,
    monitor: Socket,
    origin: std::time::Instant,
    reconciler: Reconciler,
    events: Vec<KernelEvent>,
    sends: u32,
    /// Time spent in sends, which is what the kernel takes for the work.
    in_kernel: Duration,
    longest_send: Duration,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test against the real kernel needs its time"
)]
fn clock() -> std::time::Instant {
    std::time::Instant::now()
}

impl Driver {
    fn new() -> Self {
        let mut driver = Self::unstarted();
        driver.reconciler.start(driver.now());
        driver.until(Reconciler::is_ready);
        driver
    }

    fn unstarted() -> Self {
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
        for group in [1, 5, 9] {
            monitor.add_membership(group).unwrap();
        }
        monitor.set_rx_buf_sz(1_i32 << 22).unwrap();
        Self {
            command: socket(),
            monitor,
            origin: clock(),
            reconciler: Reconciler::new(Tag::KEEPALIVED),
            events: Vec::new(),
            sends: 0,
            in_kernel: Duration::ZERO,
            longest_send: Duration::ZERO,
        }
    }

    fn now(&self) -> Instant {
        let nanos = self.origin.elapsed().as_nanos();
        Instant::from_nanos(i64::try_from(nanos).unwrap())
    }

    /// One turn: read all, timers, one send.
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
                    Ok((_, from)) => {
                        assert_eq!(from.port_number(), 0, "not from the kernel");
                        self.reconciler.handle_datagram(now, &buffer, channel);
                        busy = true;
                    }
                    Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => break,
                    Err(e) if e.raw_os_error() == Some(ENOBUFS) => {
                        self.reconciler.handle_overrun(now);
                    }
                    Err(e) => panic!("{e}"),
                }
            }
        }
        self.reconciler.handle_timeout(now);
        if self.reconciler.poll_request(now, &mut buffer) {
            let begin = clock();
            let sent = self
                .command
                .send_to(&buffer, &SocketAddr::new(0, 0), 0)
                .unwrap();
            let took = begin.elapsed();
            self.in_kernel += took;
            self.longest_send = self.longest_send.max(took);
            assert_eq!(sent, buffer.len());
            self.sends += 1;
            busy = true;
        }
        while let Some(event) = self.reconciler.poll_event() {
            self.events.push(event);
        }
        busy
    }

    /// Turns until the condition holds, for at most 20 seconds.
    fn until(&mut self, mut done: impl FnMut(&Reconciler) -> bool) {
        let begin = self.now();
        loop {
            let busy = self.turn();
            if done(&self.reconciler) {
                return;
            }
            let waited = self.now().saturating_duration_since(begin);
            assert!(
                waited < Duration::from_secs(20),
                "no progress: {:?}",
                self.events
            );
            if !busy {
                std::thread::sleep(Duration::from_micros(200));
            }
        }
    }

    /// Turns until this event has come, and removes it and all before it.
    fn expect(&mut self, wanted: impl Fn(&KernelEvent) -> bool) -> KernelEvent {
        let begin = self.now();
        loop {
            if let Some(at) = self.events.iter().position(&wanted) {
                return self.events.drain(..=at).next_back().unwrap();
            }
            let busy = self.turn();
            let waited = self.now().saturating_duration_since(begin);
            assert!(
                waited < Duration::from_secs(20),
                "did not come: {:?}",
                self.events
            );
            if !busy {
                std::thread::sleep(Duration::from_micros(200));
            }
        }
    }

    fn set(&mut self, owner: OwnerId, vips: Vec<Vip>) {
        let now = self.now();
        self.reconciler.set(now, owner, Desired::addresses(vips));
    }

    fn install(&mut self, owner: OwnerId, vips: Vec<Vip>) {
        self.set(owner, vips);
        self.expect(|e| *e == KernelEvent::Installed { owner });
    }

    fn remove(&mut self, owner: OwnerId) {
        self.set(owner, Vec::new());
        self.expect(|e| *e == KernelEvent::Removed { owner });
    }

    /// Turns until nothing is left to do and nothing more comes.
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

    fn seen(&self, device: &str, address: IpAddr) -> Option<ObservedAddress> {
        let index = self.reconciler.link(device)?.index;
        self.reconciler
            .addresses(index)
            .find(|seen| seen.address == address)
            .cloned()
    }

    /// The mirror agrees with a fresh dump, and there is nothing left to plan.
    fn assert_true_and_done(&mut self, desired: &BTreeMap<OwnerId, Desired>) {
        self.settle();
        let mut fresh = Self::new();
        fresh.settle();
        let facts = |driver: &Self| -> Vec<String> {
            let links = driver.reconciler.links();
            let all = links.flat_map(|link| driver.reconciler.addresses(link.index));
            all.map(|seen| format!("{seen:?}")).collect()
        };
        for (mine, true_one) in facts(self).iter().zip(&facts(&fresh)) {
            assert_eq!(mine, true_one);
        }
        assert_eq!(facts(self).len(), facts(&fresh).len());
        assert_eq!(plan(fresh.reconciler.observed(), desired), []);
    }
}

/// VIP-01, VIP-02, VIP-09, STAT-05, STAT-06, ND-13: all attributes arrive in the kernel as wanted,
/// the plan is empty afterwards, and removal leaves nothing.
#[test]
fn addresses_with_all_attributes_are_added_and_removed() {
    in_namespace(
        "addresses_with_all_attributes_are_added_and_removed",
        || {
            veth();
            let mut driver = Driver::new();
            let flags = |f: fn(&mut VipFlags)| {
                let mut flags = VipFlags::default();
                f(&mut flags);
                flags
            };
            let device = InterfaceName::new("v0").unwrap();
            let vips = vec![
                Vip::new([192, 0, 2, 77].into(), 24, device)
                    .with_label(Some("v0:77".into()))
                    .with_broadcast(Some(Ipv4Addr::new(192, 0, 2, 255))),
                Vip::new([192, 0, 2, 78].into(), 24, device),
                Vip::new([198, 51, 100, 1].into(), 32, device).with_scope(253),
                Vip::new([198, 51, 100, 2].into(), 32, device)
                    .with_peer(Some([10, 9, 0, 2].into())),
                Vip::new([198, 51, 100, 3].into(), 32, device).with_preferred_lifetime(Some(1000)),
                Vip::new([198, 51, 100, 4].into(), 24, device)
                    .with_flags(flags(|f| f.noprefixroute = true)),
                Vip::new(v6(1), 64, device),
                vip(v6(2), "v0").with_preferred_lifetime(Some(0)),
                vip(v6(3), "v0").with_flags(flags(|f| f.home = true)),
                Vip::new(v6(4), 64, device).with_flags(flags(|f| f.mngtmpaddr = true)),
                Vip::new(v6(5), 64, device).with_flags(flags(|f| f.noprefixroute = true)),
                vip(v6(6), "v0").with_peer(Some(v6(0x600))),
                Vip::new(v6(7), 64, device).with_flags(flags(|f| f.dad = true)),
                Vip::new("fe80::51".parse().unwrap(), 64, device),
            ];
            driver.install(A, vips.clone());
            let shown = shown("v0");
            for text in [
                "192.0.2.77/24 brd 192.0.2.255 scope global v0:77",
                "192.0.2.78/24 scope global secondary v0",
                "198.51.100.1/32 scope link v0",
                "198.51.100.2 peer 10.9.0.2/32",
                "198.51.100.4/24 scope global noprefixroute",
                "2001:db8::1/64 scope global nodad",
                "2001:db8::2/128 scope global nodad deprecated",
                "home",
                "mngtmpaddr",
                "2001:db8::6 peer 2001:db8::600/128",
                "fe80::51/64 scope link nodad",
            ] {
                assert!(shown.contains(text), "{text} is not in {shown}");
            }
            assert!(driver.seen("v0", v6(7)).unwrap().is_usable());
            let owned = BTreeMap::from([(A, Desired::addresses(vips.clone()))]);
            driver.assert_true_and_done(&owned);
            let sends = driver.sends;
            driver.install(A, vips);
            assert_eq!(driver.sends, sends, "an equal set sends nothing");
            driver.remove(A);
            driver.assert_true_and_done(&BTreeMap::new());
            let ours = |driver: &Driver| driver.reconciler.observed().addresses(2).any(|a| a.ours);
            assert!(!ours(&driver));
        },
    );
}

/// STAT-01, LESSONS "drift watch and repair": an address that somebody removes is back at once,
/// each time later, and in the end it is said to be hopeless.
#[test]
fn removed_address_comes_back_until_it_is_hopeless() {
    in_namespace("removed_address_comes_back_until_it_is_hopeless", || {
        veth();
        let mut driver = Driver::new();
        driver.install(A, vec![vip(v4(1), "v0"), vip(v6(1), "v0")]);
        for (n, (text, address)) in [("10.0.0.1/32", v4(1)), ("2001:db8::1/128", v6(1))]
            .iter()
            .cycle()
            .take(10)
            .enumerate()
        {
            ip(&format!("addr del {text} dev v0"));
            let times = u32::try_from(n / 2 + 1).unwrap();
            let repaired = KernelEvent::Repaired {
                owner: A,
                object: Object::Address(*address),
                times,
            };
            driver.expect(|event| *event == repaired);
            assert!(shown("v0").contains(text));
        }
        ip("addr del 10.0.0.1/32 dev v0");
        let gave_up = KernelEvent::GaveUp {
            owner: A,
            object: Object::Address(v4(1)),
        };
        driver.expect(|event| *event == gave_up);
        driver.remove(A);
        assert_eq!(driver.reconciler.counters().repaired, 10);
    });
}

/// VIP-09: what a killed run left is adopted if wanted, else removed; what others put is neither.
#[test]
fn leftovers_are_adopted_or_removed_and_foreign_addresses_stay() {
    in_namespace(
        "leftovers_are_adopted_or_removed_and_foreign_addresses_stay",
        || {
            veth();
            let mut killed = Driver::new();
            killed.install(
                A,
                vec![vip(v4(1), "v0"), vip(v4(2), "v0"), vip(v6(1), "v0")],
            );
            drop(killed);
            ip("addr add 10.0.0.3/32 dev v0");
            ip("addr add 2001:db8::3/128 dev v0 nodad");
            let mut driver = Driver::new();
            driver.set(
                A,
                vec![vip(v4(1), "v0"), vip(v4(3), "v0"), vip(v6(3), "v0")],
            );
            driver.reconciler.adopt_or_clean(driver.now());
            driver.expect(|e| *e == KernelEvent::Installed { owner: A });
            driver.settle();
            let now_there = shown("v0");
            assert!(now_there.contains("10.0.0.1/32") && !now_there.contains("10.0.0.2/32"));
            assert!(!now_there.contains("2001:db8::1/128"));
            assert_eq!(
                driver.reconciler.counters().requests,
                2,
                "two removals and nothing else"
            );
            driver.remove(A);
            driver.settle();
            let now_there = shown("v0");
            assert!(!now_there.contains("10.0.0.1/32"));
            assert!(now_there.contains("10.0.0.3/32") && now_there.contains("2001:db8::3/128"));
        },
    );
}

/// Two owners share an address: it goes with the last of them.
#[test]
fn shared_address_goes_with_its_last_owner() {
    in_namespace("shared_address_goes_with_its_last_owner", || {
        veth();
        let mut driver = Driver::new();
        driver.install(A, vec![vip(v4(1), "v0"), vip(v4(2), "v0")]);
        driver.install(B, vec![vip(v4(2), "v0")]);
        driver.remove(A);
        driver.settle();
        let now_there = shown("v0");
        assert!(!now_there.contains("10.0.0.1/32") && now_there.contains("10.0.0.2/32"));
        driver.remove(B);
        assert!(!shown("v0").contains("10.0.0.2/32"));
    });
}

/// What the kernel does not change is removed and added again; what it changes is changed.
#[test]
fn changed_attributes_reach_the_kernel() {
    in_namespace("changed_attributes_reach_the_kernel", || {
        veth();
        let mut driver = Driver::new();
        let four = || vip(v4(1), "v0");
        let six = || vip(v6(1), "v0");
        driver.install(A, vec![four(), six()]);
        let changes = [
            vec![
                four().with_scope(253),
                six().with_preferred_lifetime(Some(0)),
            ],
            vec![four().with_label(Some("v0:x".into())), six()],
            vec![
                four().with_broadcast(Some(Ipv4Addr::new(10, 0, 0, 9))),
                six().with_flags(VipFlags {
                    home: true,
                    ..VipFlags::default()
                }),
            ],
            vec![
                four().with_preferred_lifetime(Some(0)),
                Vip::new(v6(1), 64, InterfaceName::new("v0").unwrap()),
            ],
            vec![
                Vip::new(v4(1), 24, InterfaceName::new("v0").unwrap()),
                six(),
            ],
        ];
        for vips in changes {
            driver.install(A, vips.clone());
            let owned = BTreeMap::from([(A, Desired::addresses(vips))]);
            driver.assert_true_and_done(&owned);
        }
        // Somebody else tampers with the lifetime.
        ip("addr change 2001:db8::1/128 dev v0 preferred_lft 0");
        driver.until(|reconciler| {
            let mut seen = reconciler.addresses(reconciler.link("v0").unwrap().index);
            seen.any(|seen| seen.address == v6(1) && seen.preferred == 0)
        });
        driver.settle();
        let seen = driver.seen("v0", v6(1)).unwrap();
        assert_eq!(seen.preferred, FOREVER);
        assert!(seen.flags.contains(AddressFlags::NODAD));
    });
}

/// LESSONS A4 and A8: the device comes late, goes, comes back with another index, is renamed,
/// goes down and up.
#[test]
fn addresses_follow_the_name_of_their_device() {
    in_namespace("addresses_follow_the_name_of_their_device", || {
        let mut driver = Driver::new();
        driver.set(A, vec![vip(v4(1), "v0"), vip(v6(1), "v0")]);
        driver.expect(|e| matches!(e, KernelEvent::Failed { errno: 19, .. }));
        veth();
        driver.expect(|e| *e == KernelEvent::Installed { owner: A });
        let first = driver.reconciler.link("v0").unwrap().index;
        ip("link del v0");
        driver.expect(|e| matches!(e, KernelEvent::LinkGone { index, .. } if *index == first));
        assert!(!driver.reconciler.is_installed(A));
        veth();
        driver.expect(|e| *e == KernelEvent::Installed { owner: A });
        assert_ne!(driver.reconciler.link("v0").unwrap().index, first);

        // IPv6 addresses vanish when the link goes down. That is nobody's mischief.
        ip("link set v0 down");
        driver.expect(|e| matches!(e, KernelEvent::LinkChanged { up: false, .. }));
        driver.until(|reconciler| !reconciler.is_installed(A));
        driver.settle();
        assert!(!shown("v0").contains("2001:db8::1"));
        assert!(shown("v0").contains("10.0.0.1/32"));
        ip("link set v0 up");
        driver.expect(|e| *e == KernelEvent::Installed { owner: A });
        assert!(shown("v0").contains("2001:db8::1/128"));
        assert_eq!(driver.reconciler.counters().repaired, 0);

        // Under another name they are in the wrong place.
        driver.reconciler.adopt_or_clean(driver.now());
        ip("link set v0 name w0");
        driver.until(|reconciler| reconciler.link("w0").is_some());
        driver.settle();
        assert!(!shown("w0").contains("10.0.0.1") && !shown("w0").contains("2001:db8::1"));
        ip("link set w0 name v0");
        driver.expect(|e| *e == KernelEvent::Installed { owner: A });
        assert!(shown("v0").contains("10.0.0.1/32") && shown("v0").contains("2001:db8::1/128"));
    });
}

/// A refused request is told with the kernel's own words, and repeated until it succeeds.
#[test]
fn refusals_are_told_and_repeated() {
    in_namespace("refusals_are_told_and_repeated", || {
        veth();
        std::fs::write("/proc/sys/net/ipv6/conf/v0/disable_ipv6", "1").unwrap();
        let mut driver = Driver::new();
        driver.set(A, vec![vip(v6(1), "v0")]);
        let event = driver.expect(|e| matches!(e, KernelEvent::Failed { .. }));
        let KernelEvent::Failed { errno, message, .. } = event else {
            unreachable!();
        };
        assert_eq!(errno, 13);
        assert_eq!(
            message.as_deref(),
            Some("ipv6: IPv6 is disabled on this device")
        );
        std::fs::write("/proc/sys/net/ipv6/conf/v0/disable_ipv6", "0").unwrap();
        driver.expect(|e| *e == KernelEvent::Installed { owner: A });
        assert!(driver.reconciler.counters().refused >= 1);
    });
}

/// LESSONS A8 and A20: notifications lost to a full buffer are made good by a dump, whatever
/// happened meanwhile.
#[test]
fn lost_notifications_are_made_good() {
    in_namespace("lost_notifications_are_made_good", || {
        veth();
        let mut driver = Driver::new();
        driver.install(A, vec![vip(v4(1), "v0"), vip(v6(1), "v0")]);
        driver.settle();
        driver.monitor.set_rx_buf_sz(2048_i32).unwrap();
        ip("addr del 10.0.0.1/32 dev v0");
        for n in 0..200 {
            ip(&format!("addr add 172.16.0.{n}/32 dev v0"));
        }
        ip("addr del 2001:db8::1/128 dev v0");
        driver.expect(|e| *e == KernelEvent::Resynced);
        driver.settle();
        assert!(driver.reconciler.counters().overruns >= 1);
        assert!(driver.reconciler.is_installed(A));
        assert!(shown("v0").contains("10.0.0.1/32") && shown("v0").contains("2001:db8::1/128"));
        driver.monitor.set_rx_buf_sz(1_i32 << 22).unwrap();
        let vips = vec![vip(v4(1), "v0"), vip(v6(1), "v0")];
        driver.assert_true_and_done(&BTreeMap::from([(A, Desired::addresses(vips))]));
    });
}

/// The source address is none of the VIPs, whoever put them and whatever came first.
#[test]
fn source_address_is_never_a_vip() {
    in_namespace("source_address_is_never_a_vip", || {
        veth();
        let mut driver = Driver::new();
        let index = driver.reconciler.link("v0").unwrap().index;
        driver.install(
            A,
            vec![Vip::new(v4(1), 24, InterfaceName::new("v0").unwrap())],
        );
        driver.install(
            B,
            vec![Vip::new(
                "fe80::51".parse().unwrap(),
                64,
                InterfaceName::new("v0").unwrap(),
            )],
        );
        assert_eq!(driver.reconciler.source_ipv4(index), None);
        ip("addr add 192.0.2.9/24 dev v0");
        ip("addr add 192.0.2.8/24 dev v0");
        driver.until(|reconciler| reconciler.source_ipv4(index).is_some());
        assert_eq!(
            driver.reconciler.source_ipv4(index),
            Some(Ipv4Addr::new(192, 0, 2, 9))
        );
        driver.until(|reconciler| reconciler.source_ipv6(index).is_some());
        assert_ne!(
            driver.reconciler.source_ipv6(index),
            Some("fe80::51".parse().unwrap())
        );
    });
}

/// PERFORMANCE "Many addresses": 5,000 addresses come and go in batches of 64. Prints times.
#[test]
fn five_thousand_addresses() {
    in_namespace("five_thousand_addresses", || {
        veth();
        for count in [200_u32, 1000, 5000] {
            let mut driver = Driver::new();
            let vips: Vec<_> = (1..=count).map(|n| vip(v4(n), "v0")).collect();
            let (begin, sends) = (clock(), driver.sends);
            driver.install(A, vips);
            let added = begin.elapsed();
            let (added_in_kernel, longest) = (driver.in_kernel, driver.longest_send);
            let sends = driver.sends - sends;
            assert!(
                (count.div_ceil(64)..=count / 4).contains(&sends),
                "{sends} sends"
            );
            assert_eq!(
                shown("v0").matches(" inet ").count(),
                usize::try_from(count).unwrap()
            );
            let begin = clock();
            driver.remove(A);
            let removed = begin.elapsed();
            let removed_in_kernel = driver.in_kernel - added_in_kernel;
            assert_eq!(shown("v0").matches(" inet ").count(), 0);
            println!(
                "{count} addresses: added in {added:?} (of which {added_in_kernel:?} in sends, the \
                 longest {longest:?}), removed in {removed:?} ({removed_in_kernel:?} in sends)"
            );
            assert_eq!(driver.reconciler.counters().overruns, 0);
        }
    });
}
