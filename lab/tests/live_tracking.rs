//! Other interfaces and other people's addresses: what is tracked, what is announced, what is left alone.
//!
//! `c::` runs C Keepalived where it makes the same promise, which proves the test; `ours::` runs ours.

use std::net::IpAddr;
use std::time::Duration;

use lab::clock::{self, Stamp};
use lab::wait::holds_for;
use lab::wire::Frame;
use lab::{Capture, Conf, Daemon, Host, Kind, Lan, wait_until};

const PATIENCE: Duration = Duration::from_secs(12);

lab::for_kinds! {
    c = CKeepalived {
        the_device_of_an_address_is_tracked;
        no_track_lets_the_device_of_an_address_be;
        a_unicast_source_is_announced_after_a_fault;
        a_unicast_source_is_announced_after_a_fault_over_ipv6;
        reverse_negates_the_weight_of_an_interface;
        foreign_addresses_outlive_a_master;
        the_kernel_may_take_secondaries_along;
        promoted_secondaries_stay;
    }

    ours = Ours {
        /// KA-F-06.
        ///
        /// Flips: ADDRESS-ENTRY/dev.
        the_device_of_an_address_is_tracked;
        /// KA-F-06.
        ///
        /// Flips: ADDRESS-ENTRY/no_track.
        no_track_lets_the_device_of_an_address_be;
        /// KA-F-04.
        a_unicast_source_is_announced_after_a_fault;
        /// KA-F-04.
        a_unicast_source_is_announced_after_a_fault_over_ipv6;
        /// KA-W-02, KA-W-03.
        ///
        /// Flips: vrrp_instance.track_interface, TRACK-ENTRY/(name), TRACK-ENTRY/weight,
        /// TRACK-ENTRY/reverse.
        reverse_negates_the_weight_of_an_interface;
        /// KA-ST-07, in our way: by its mark, not by its value.
        foreign_addresses_outlive_a_master;
        the_kernel_may_take_secondaries_along;
        promoted_secondaries_stay;
        /// ARP-09, ND-01, ND-12, VRRP-HOST-10, RFC 9568 8.1.2, 8.2.2.
        only_addresses_that_exist_are_announced;
    }
}

/// Address of the virtual router on the interface of the LAN.
fn vip() -> IpAddr {
    Conf::new(1).service_address()
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// A second interface of a host, `other0`; its cable ends in `far0`, in the same namespace.
fn second_interface(host: &Host) {
    host.netns.ip(&[
        "link add other0 type veth peer name far0",
        "link set far0 up",
        "link set other0 up",
    ]);
}

fn cut_second(host: &Host) {
    host.netns.ip(&["link set far0 down"]);
}

fn plug_second(host: &Host) {
    host.netns.ip(&["link set far0 up"]);
}

/// Whether `other0` of a host has this address.
fn second_holds(host: &Host, address: &str) -> bool {
    let answer = host.netns.ip_json(&["address", "show", "dev", "other0"]);
    answer.to_string().contains(&format!("\"{address}\""))
}

#[track_caller]
fn wait_only_master(lan: &Lan, capture: &Capture, host: &str) {
    wait_until(&format!("{host} is the only master"), PATIENCE, || {
        capture.alone(host, Duration::from_millis(300)) && lan.holders(vip()) == [host]
    });
}

/// `a` with an address on its second interface over `b`, which is C Keepalived with the same.
fn with_second_interface(option: &str, kind: Kind, then: impl FnOnce(&Lan, &Capture, &Daemon)) {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let capture = Capture::start(&lan);
    lan.hosts().iter().for_each(second_interface);
    let conf = |priority| {
        let mut conf = Conf::new(priority);
        let other = format!("10.8.0.100/24 dev other0{option}");
        conf.addresses.push(other);
        conf
    };
    let a = Daemon::start(kind, lan.host("a"), &conf(200));
    wait_only_master(&lan, &capture, "a");
    wait_until("the second address is there", PATIENCE, || {
        second_holds(lan.host("a"), "10.8.0.100")
    });
    let b = Daemon::start(Kind::CKeepalived, lan.host("b"), &conf(100));
    b.wait_log("Entering BACKUP STATE", 1, PATIENCE);
    then(&lan, &capture, &a);
}

/// A router that cannot serve one of its addresses hands over all of them.
fn the_device_of_an_address_is_tracked(kind: Kind) {
    with_second_interface("", kind, |lan, capture, a| {
        cut_second(lan.host("a"));
        a.wait_log("Entering FAULT STATE", 1, PATIENCE);
        wait_only_master(lan, capture, "b");
        wait_until("both addresses move", PATIENCE, || {
            !second_holds(lan.host("a"), "10.8.0.100") && second_holds(lan.host("b"), "10.8.0.100")
        });
        plug_second(lan.host("a"));
        wait_only_master(lan, capture, "a");
    });
}

fn no_track_lets_the_device_of_an_address_be(kind: Kind) {
    with_second_interface(" no_track", kind, |lan, capture, a| {
        cut_second(lan.host("a"));
        holds_for("a stays the master", Duration::from_secs(1), || {
            capture.alone("a", Duration::from_millis(300)) && lan.holders(vip()) == ["a"]
        });
        assert_eq!(a.logged("Entering FAULT STATE"), 0, "{}", a.log());
    });
}

fn a_unicast_source_is_announced_after_a_fault(kind: Kind) {
    source_after_fault(kind, &Conf::new(100), |host| host.ipv4.into());
}

fn a_unicast_source_is_announced_after_a_fault_over_ipv6(kind: Kind) {
    source_after_fault(kind, &Conf::new(100).ipv6(), |host| host.ipv6.into());
}

/// The peer must know where to send its unicast adverts: once, for the own address of the router.
fn source_after_fault(kind: Kind, conf: &Conf, own: impl Fn(&Host) -> IpAddr) {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let capture = Capture::start(&lan);
    let (a, b) = (lan.host("a"), lan.host("b"));
    let better = Conf {
        priority: 200,
        ..conf.clone()
    };
    let vip = conf.service_address();
    let _b = Daemon::start(Kind::CKeepalived, b, &better.unicast(b, a));
    wait_until("b serves", PATIENCE, || lan.holders(vip) == ["b"]);
    let daemon = Daemon::start(kind, a, &conf.clone().unicast(a, b));
    daemon.wait_log("Entering BACKUP STATE", 1, PATIENCE);
    lan.cut("a");
    daemon.wait_log("Entering FAULT STATE", 1, PATIENCE);
    let plugged = clock::stamp();
    lan.plug("a");
    daemon.wait_log("Entering BACKUP STATE", 2, PATIENCE);
    let own = own(a);
    let count = || announcements(&capture, "a", own, plugged);
    wait_until("it announces its own address", PATIENCE, || count() > 0);
    holds_for("once", Duration::from_millis(500), || count() == 1);
}

/// How often a host announced an address, to everybody, since then.
fn announcements(capture: &Capture, host: &str, wanted: IpAddr, since: Stamp) -> usize {
    let sent = capture.sent();
    let own = sent.iter().filter(|s| s.host == host && s.at >= since);
    let announced = own.filter(|sent| match sent.frame {
        Frame::GratuitousArp { address, .. } => IpAddr::from(address) == wanted,
        Frame::UnsolicitedNa { address, .. } => IpAddr::from(address) == wanted,
        _ => false,
    });
    announced.count()
}

/// The kernel refuses one address: the other is announced, that one never.
fn only_addresses_that_exist_are_announced(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let capture = Capture::start(&lan);
    let host = lan.host("a");
    host.netns
        .shell("echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6");
    let refused = address("2001:db8::100");
    let conf = Conf::new(200)
        .with("garp_master_repeat 2")
        .with("garp_master_delay 1")
        .with("virtual_ipaddress_excluded {\n        2001:db8::100/64\n    }");
    let started = clock::stamp();
    let a = Daemon::start(kind, host, &conf);
    a.wait_log("Entering MASTER STATE", 1, PATIENCE);
    let count = |address| announcements(&capture, "a", address, started);
    // Both bursts.
    wait_until("the first is announced", PATIENCE, || count(vip()) >= 4);
    assert!(host.holds(vip()) && !host.holds(refused));
    assert_eq!(count(refused), 0, "announced, and nobody has it");
}

/// What the adverts of a router with priority 100 say while the tracked interface is up, and down.
const WEIGHTS: [(&str, &str, u8, u8); 4] = [
    ("a", "20 reverse", 80, 100),
    ("b", "-20 reverse", 100, 120),
    ("c", "20", 120, 100),
    ("d", "-20", 100, 80),
];

fn reverse_negates_the_weight_of_an_interface(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&WEIGHTS.map(|(host, ..)| host));
    let capture = Capture::start(&lan);
    let mut daemons = Vec::new();
    for (vrid, (host, weight, ..)) in (51..).zip(WEIGHTS) {
        second_interface(lan.host(host));
        let track = format!("track_interface {{\n        other0 weight {weight}\n    }}");
        let conf = Conf {
            vrid,
            addresses: vec![format!("10.9.0.{}/24", 50 + vrid)],
            ..Conf::new(100).with(&track)
        };
        daemons.push(Daemon::start(kind, lan.host(host), &conf));
    }
    let says = |when: &str, wanted: fn(&(&str, &str, u8, u8)) -> u8| {
        for row in &WEIGHTS {
            let wanted = wanted(row);
            let what = format!("weight {} says {wanted} while {when}", row.1);
            wait_until(&what, PATIENCE, || last(&capture, row.0) == Some(wanted));
            holds_for(&what, Duration::from_millis(300), || {
                last(&capture, row.0) == Some(wanted)
            });
        }
    };
    says("up", |row| row.2);
    WEIGHTS.iter().for_each(|row| cut_second(lan.host(row.0)));
    says("down", |row| row.3);
    WEIGHTS.iter().for_each(|row| plug_second(lan.host(row.0)));
    says("up again", |row| row.2);
}

/// The priority in the latest advert of a host.
fn last(capture: &Capture, host: &str) -> Option<u8> {
    let adverts = capture.adverts();
    let own = adverts.iter().filter(|(_, from, _)| from == host);
    own.map(|(_, _, advert)| advert.priority).next_back()
}

/// On prefixes that ours are not on, and on a prefix where ours is secondary; through promotion,
/// reload, death, return and stop.
fn foreign_addresses_outlive_a_master(kind: Kind) {
    const FOREIGN: [&str; 4] = [
        "10.77.0.1/24",
        "10.9.0.200/24",
        "10.9.0.201/32",
        "2001:db8::200/64",
    ];
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let capture = Capture::start(&lan);
    let host = lan.host("a");
    let add = FOREIGN.map(|foreign| format!("addr add {foreign} dev eth0"));
    host.netns.ip(&add.each_ref().map(String::as_str));
    let untouched = || {
        let bare = |text: &str| address(text.split('/').next().unwrap_or(text));
        FOREIGN.iter().all(|foreign| host.holds(bare(foreign)))
    };
    let mut conf = Conf::new(200);
    let mut a = Daemon::start(kind, host, &conf);
    wait_only_master(&lan, &capture, "a");
    assert!(untouched(), "after the promotion: {:?}", host.addresses());
    conf.addresses.push("10.9.0.101/24".to_owned());
    a.reload_with(&conf.text());
    wait_until("the second address comes", PATIENCE, || {
        host.holds(address("10.9.0.101"))
    });
    assert!(untouched(), "after the reload: {:?}", host.addresses());
    a.kill();
    a.start_again(host);
    wait_only_master(&lan, &capture, "a");
    assert!(untouched(), "after the return: {:?}", host.addresses());
    a.terminate();
    a.wait_exit(PATIENCE);
    let ours = ["10.9.0.100", "10.9.0.101"].map(address);
    assert!(!ours.iter().any(|&ours| host.holds(ours)), "ours stayed");
    assert!(untouched(), "after the stop: {:?}", host.addresses());
}

/// The exception that no daemon can prevent: when ours is the primary address of a prefix, the kernel
/// removes the secondaries with it.
fn the_kernel_may_take_secondaries_along(kind: Kind) {
    assert!(!secondary_outlives_primary(kind, false));
}

/// Unless `promote_secondaries` is set.
fn promoted_secondaries_stay(kind: Kind) {
    assert!(secondary_outlives_primary(kind, true));
}

fn secondary_outlives_primary(kind: Kind, promote: bool) -> bool {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    let value = u8::from(promote);
    host.netns.shell(&format!(
        "for d in all eth0; do echo {value} > /proc/sys/net/ipv4/conf/$d/promote_secondaries; done"
    ));
    let (ours, foreign) = (address("10.20.0.100"), address("10.20.0.200"));
    let conf = Conf {
        addresses: vec!["10.20.0.100/24".to_owned()],
        ..Conf::new(200)
    };
    let mut a = Daemon::start(kind, host, &conf);
    wait_until("ours is there", PATIENCE, || host.holds(ours));
    host.netns.ip(&["addr add 10.20.0.200/24 dev eth0"]);
    assert!(host.holds(foreign));
    a.terminate();
    a.wait_exit(PATIENCE);
    assert!(!host.holds(ours), "ours stayed");
    host.holds(foreign)
}
