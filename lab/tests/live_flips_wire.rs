//! What a keyword changes on the wire: virtual routers that differ in one keyword run side by side on
//! one host, or hear the same forged advert.
//!
//! Every table is also tried with C Keepalived, which proves that the difference is the one meant.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use lab::clock::{self, Stamp};
use lab::forge::Forged;
use lab::wait::holds_for;
use lab::wire::{Advert, Frame};
use lab::{Capture, Daemon, Host, Kind, Lan, inject, wait_until};

const PATIENCE: Duration = Duration::from_secs(15);

lab::for_kinds! {
    c = CKeepalived {
        what_an_advert_says;
        what_an_advert_says_by_default;
        how_often_addresses_are_announced;
        how_often_addresses_are_announced_by_default;
        what_a_lower_advert_brings_about;
        what_a_lower_advert_brings_about_by_default;
        what_a_higher_advert_brings_about;
        who_takes_over_and_when;
        who_takes_over_and_when_by_default;
    }

    ours = Ours {
        /// Flips: vrrp_instance.version, vrrp_instance.priority, vrrp_instance.virtual_router_id,
        /// vrrp_instance.virtual_ipaddress, vrrp_instance.virtual_ipaddress_excluded,
        /// vrrp_instance.no_virtual_ipaddress, vrrp_instance.advert_int, vrrp_instance.authentication,
        /// vrrp_instance.authentication.auth_type, vrrp_instance.authentication.auth_pass,
        /// vrrp_instance.mcast_src_ip, vrrp_instance.mcast_dst_ip, vrrp_instance.unicast_src_ip,
        /// vrrp_instance.unicast_peer, vrrp_instance.unicast_ttl, vrrp_instance.v3_checksum_as_v2,
        /// vrrp_instance.old_unicast_checksum, vrrp_instance.interface,
        /// UNICAST-PEER-ENTRY/(address), (root).vrrp_instance.
        what_an_advert_says;
        /// Flips: (root).global_defs, global_defs.vrrp_version, global_defs.vrrp_mcast_group4,
        /// global_defs.v3_checksum_as_v2.
        what_an_advert_says_by_default;
        /// Flips: vrrp_instance.garp_master_repeat, vrrp_instance.garp_master_delay,
        /// vrrp_instance.garp_master_refresh, vrrp_instance.garp_master_refresh_repeat.
        how_often_addresses_are_announced;
        /// Flips: global_defs.vrrp_garp_master_repeat, global_defs.vrrp_garp_master_delay,
        /// global_defs.vrrp_garp_master_refresh, global_defs.vrrp_garp_master_refresh_repeat,
        /// global_defs.vrrp_min_garp.
        how_often_addresses_are_announced_by_default;
        /// Flips: vrrp_instance.lower_prio_no_advert, vrrp_instance.garp_lower_prio_repeat,
        /// vrrp_instance.garp_lower_prio_delay.
        what_a_lower_advert_brings_about;
        /// Flips: global_defs.vrrp_lower_prio_no_advert, global_defs.vrrp_garp_lower_prio_repeat,
        /// global_defs.vrrp_garp_lower_prio_delay.
        what_a_lower_advert_brings_about_by_default;
        /// Flips: vrrp_instance.higher_prio_send_advert, global_defs.vrrp_higher_prio_send_advert.
        what_a_higher_advert_brings_about;
        /// Flips: vrrp_instance.nopreempt, vrrp_instance.preempt, vrrp_instance.preempt_delay,
        /// vrrp_instance.down_timer_adverts.
        who_takes_over_and_when;
        /// Flips: global_defs.vrrp_down_timer_adverts.
        who_takes_over_and_when_by_default;
        /// Flips: UNICAST-PEER-ENTRY/min_ttl, UNICAST-PEER-ENTRY/max_ttl.
        whose_adverts_count;
        /// Flips: vrrp_instance.check_unicast_src, global_defs.vrrp_check_unicast_src.
        strangers_count_only_where_they_are_let;
    }
}

/// A virtual router with an address of its own, 10.9.1.VRID, every 100 ms, unless `lines` say otherwise.
#[derive(Clone, Copy)]
struct Twin {
    vrid: u8,
    lines: &'static str,
}

impl Twin {
    fn text(&self) -> String {
        let Self { vrid, lines } = self;
        let mut text = format!("vrrp_instance VI_{vrid} {{\n    virtual_router_id {vrid}\n");
        for (word, line) in [
            ("interface ", "interface eth0"),
            ("version ", "version 3"),
            ("priority ", "priority 200"),
            ("advert_int ", "advert_int 0.1"),
        ] {
            if !lines.contains(word) {
                let _ = writeln!(text, "    {line}");
            }
        }
        if !lines.contains("virtual_ipaddress {") && !lines.contains("no_virtual_ipaddress") {
            let _ = writeln!(
                text,
                "    virtual_ipaddress {{\n        {}\n    }}",
                self.address()
            );
        }
        format!("{text}    {lines}\n}}\n")
    }

    fn address(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 9, 1, self.vrid)
    }
}

/// Twins: the first of two neighbouring VRIDs has the first lines, the other the second.
fn twins(rows: &[(&'static str, &'static str)]) -> Vec<[Twin; 2]> {
    (1..)
        .step_by(2)
        .zip(rows)
        .map(|(vrid, (plain, flipped))| {
            [
                Twin { vrid, lines: plain },
                Twin {
                    vrid: vrid + 1,
                    lines: flipped,
                },
            ]
        })
        .collect()
}

fn file(global: &str, twins: &[[Twin; 2]]) -> String {
    let instances: String = twins.iter().flatten().map(Twin::text).collect();
    format!("global_defs {{\n    router_id lab\n    {global}\n}}\n{instances}")
}

/// A host with a daemon, another one to forge from, and what is on the wire.
struct Scene {
    daemon: Daemon,
    capture: Capture,
    started: Stamp,
    lan: Lan,
}

impl Scene {
    fn start(kind: Kind, conf: &str) -> Self {
        lab::require_live();
        let lan = Lan::new(&["a", "c"]);
        let host = lan.host("a");
        host.netns.ip(&[
            "addr add 10.9.0.77/24 dev eth0",
            "link add other0 type veth peer name far0",
            "link set far0 up",
            "link set other0 up",
            "addr add 10.8.0.1/24 dev other0",
        ]);
        let capture = Capture::start(&lan);
        let started = clock::stamp();
        let daemon = Daemon::start_with(kind, host, conf);
        Self {
            daemon,
            capture,
            started,
            lan,
        }
    }

    fn host(&self) -> &Host {
        self.lan.host("a")
    }

    fn adverts(&self, vrid: u8, since: Stamp) -> Vec<(Stamp, Advert)> {
        let all = self.capture.adverts().into_iter();
        all.filter(|(at, host, advert)| host == "a" && *at >= since && advert.vrid == vrid)
            .map(|(at, _, advert)| (at, advert))
            .collect()
    }

    fn latest(&self, twin: Twin) -> Option<Advert> {
        self.adverts(twin.vrid, self.started)
            .pop()
            .map(|(_, advert)| advert)
    }

    fn wait_active(&self, twin: Twin) -> Advert {
        let what = format!("{} advertises: {}", twin.vrid, self.daemon.log());
        lab::wait_for(&what, PATIENCE, || self.latest(twin))
    }

    fn announced(&self, address: Ipv4Addr, since: Stamp) -> usize {
        let sent = self.capture.sent().into_iter();
        sent.filter(|sent| {
            let ours = sent.host == "a" && sent.at >= since;
            ours && matches!(sent.frame, Frame::GratuitousArp { address: seen, .. } if seen == address)
        })
        .count()
    }

    /// From another router, to the group.
    fn forge(&self, twin: Twin, priority: u8) -> Stamp {
        let at = clock::stamp();
        let forged = Forged::new(twin.vrid, priority, twin.address());
        forged.send(self.lan.host("c"), self.host());
        at
    }
}

type Judge = fn(&Advert, &Advert) -> bool;

/// Each row: the lines of two twins, and what is true of their adverts.
const SAYINGS: &[(&str, &str, Judge)] = &[
    (
        "",
        "version 2\n    advert_int 1\n    priority 255",
        |a, b| a.version == 3 && b.version == 2,
    ),
    ("", "priority 150", |a, b| {
        a.priority == 200 && b.priority == 150
    }),
    (
        "",
        "virtual_ipaddress {\n        10.9.2.1\n        10.9.2.2\n    }",
        |a, b| a.addresses.len() == 1 && b.addresses.len() == 2,
    ),
    (
        "",
        "virtual_ipaddress_excluded {\n        10.9.2.3\n    }",
        |a, b| a.addresses.len() == 1 && b.addresses.len() == 1,
    ),
    (
        "version 2\n    advert_int 1\n    priority 255",
        "version 2\n    advert_int 1\n    priority 255\n    authentication {\n        auth_type PASS\n        auth_pass s3cret\n    }",
        |a, b| a.message[4] == 0 && b.message[4] == 1 && b.message.ends_with(b"s3cret\0\0"),
    ),
    (
        "version 2\n    advert_int 1\n    priority 255\n    authentication {\n        auth_type PASS\n        auth_pass s3cret\n    }",
        "version 2\n    advert_int 1\n    priority 255\n    authentication {\n        auth_type PASS\n        auth_pass other\n    }",
        |a, b| a.message.ends_with(b"s3cret\0\0") && b.message.ends_with(b"other\0\0\0"),
    ),
    ("", "mcast_src_ip 10.9.0.77", |a, b| {
        a.source != b.source && b.source == v4(10, 9, 0, 77)
    }),
    ("", "mcast_dst_ip 224.0.0.77", |a, b| {
        a.destination == v4(224, 0, 0, 18) && b.destination == v4(224, 0, 0, 77)
    }),
    ("", "unicast_peer {\n        10.9.0.2\n    }", |a, b| {
        a.destination.is_multicast() && b.destination == v4(10, 9, 0, 2)
    }),
    (
        "unicast_peer {\n        10.9.0.2\n    }",
        "unicast_src_ip 10.9.0.77\n    unicast_peer {\n        10.9.0.2\n    }",
        |a, b| a.source == v4(10, 9, 0, 1) && b.source == v4(10, 9, 0, 77),
    ),
    (
        "unicast_peer {\n        10.9.0.2\n    }",
        "unicast_ttl 42\n    unicast_peer {\n        10.9.0.2\n    }",
        |a, b| a.hop_limit == 255 && b.hop_limit == 42,
    ),
    ("v3_checksum_as_v2 off", "v3_checksum_as_v2 on", |a, b| {
        !sum_is_of_message_alone(&a.message) && sum_is_of_message_alone(&b.message)
    }),
    (
        "unicast_peer {\n        10.9.0.2\n    }",
        "old_unicast_checksum\n    unicast_peer {\n        10.9.0.2\n    }",
        |a, b| sum_counts_destination(a) && !sum_counts_destination(b),
    ),
];

fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    Ipv4Addr::new(a, b, c, d).into()
}

/// The Internet checksum over the message and nothing else (RFC 9568 5.2.8 for IPv4).
fn sum_is_of_message_alone(message: &[u8]) -> bool {
    sums_up(message)
}

/// The same with the addresses of the packet, as Keepalived and RFC 5798 have it.
fn sum_counts_destination(advert: &Advert) -> bool {
    let octets = |address| match address {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(_) => [0; 4],
    };
    let length = u8::try_from(advert.message.len()).unwrap_or_default();
    let mut summed = [octets(advert.source), octets(advert.destination)].concat();
    summed.extend([0, 112, 0, length]);
    summed.extend(&advert.message);
    sums_up(&summed)
}

fn sums_up(octets: &[u8]) -> bool {
    let pairs = octets.chunks(2);
    let mut sum: u32 = pairs
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum == 0xffff
}

fn what_an_advert_says(kind: Kind) {
    let rows: Vec<_> = SAYINGS
        .iter()
        .map(|(plain, flipped, _)| (*plain, *flipped))
        .collect();
    let known = |lines: &str| {
        let newer = ["v3_checksum_as_v2", "no_virtual_ipaddress"];
        kind == Kind::Ours || !newer.iter().any(|word| lines.contains(word))
    };
    let judged = twins(&rows);
    let mut pairs: Vec<_> = judged
        .iter()
        .copied()
        .filter(|[_, flipped]| known(flipped.lines))
        .collect();
    let twin = |vrid, lines| Twin { vrid, lines };
    let [slow, elsewhere] = [twin(102, "advert_int 0.3"), twin(104, "interface other0")];
    let without = twin(
        106,
        "no_virtual_ipaddress\n    virtual_ipaddress_excluded {\n        10.9.1.106\n    }",
    );
    pairs.extend([[twin(101, ""), slow], [twin(103, ""), elsewhere]]);
    if known(without.lines) {
        pairs.push([twin(105, ""), without]);
    }
    let scene = Scene::start(kind, &file("", &pairs));
    for ([plain, flipped], (.., judge)) in judged.iter().zip(SAYINGS) {
        if known(flipped.lines) {
            let (a, b) = (scene.wait_active(*plain), scene.wait_active(*flipped));
            assert!(judge(&a, &b), "{}\n{a:#?}\n{b:#?}", flipped.lines);
        }
    }
    if known(without.lines) {
        assert!(scene.wait_active(without).addresses.is_empty());
    }
    // What is excluded from the advert is held all the same.
    wait_until("the excluded address is held", PATIENCE, || {
        scene.host().holds(v4(10, 9, 2, 3))
    });
    scene.wait_active(slow);
    let since = clock::stamp();
    wait_until("some adverts are sent", PATIENCE, || {
        scene.adverts(101, since).len() > 12
    });
    assert!(scene.adverts(102, since).len() < 8, "three times as slow");
    wait_until("the other interface has its address", PATIENCE, || {
        let addresses = scene
            .host()
            .netns
            .ip_json(&["address", "show", "dev", "other0"]);
        addresses
            .to_string()
            .contains(&elsewhere.address().to_string())
    });
    assert_eq!(scene.latest(elsewhere), None, "nothing of it is on the LAN");
}

fn what_an_advert_says_by_default(kind: Kind) {
    let bare = |vrid| {
        let mut text = format!(
            "vrrp_instance VI_{vrid} {{\n    virtual_router_id {vrid}\n    interface eth0\n"
        );
        let _ = write!(
            text,
            "    priority 255\n    virtual_ipaddress {{\n        10.9.1.{vrid}\n    }}\n}}\n"
        );
        text
    };
    let twin = Twin { vrid: 1, lines: "" };
    let seen = |global: &str| {
        let scene = Scene::start(
            kind,
            &format!(
                "global_defs {{\n    router_id lab\n    {global}\n}}\n{}",
                bare(1)
            ),
        );
        scene.wait_active(twin)
    };
    assert_eq!(seen("").version, 2);
    let three = seen("vrrp_version 3");
    assert_eq!((three.version, three.destination), (3, v4(224, 0, 0, 18)));
    assert!(!sum_is_of_message_alone(&three.message));
    assert_eq!(
        seen("vrrp_mcast_group4 224.0.0.99").destination,
        v4(224, 0, 0, 99)
    );
    if kind == Kind::Ours {
        // 2.2.7 has the keyword in instances only.
        assert!(sum_is_of_message_alone(
            &seen("vrrp_version 3\n    v3_checksum_as_v2").message
        ));
    }
}

fn how_often_addresses_are_announced(kind: Kind) {
    let pairs = twins(&[
        (
            "garp_master_repeat 3\n    garp_master_delay 0",
            "garp_master_repeat 1\n    garp_master_delay 0",
        ),
        (
            "garp_master_repeat 2\n    garp_master_delay 1",
            "garp_master_repeat 2\n    garp_master_delay 0",
        ),
        (
            "garp_master_repeat 1\n    garp_master_delay 0\n    garp_master_refresh 1\n    garp_master_refresh_repeat 3",
            "garp_master_repeat 1\n    garp_master_delay 0\n    garp_master_refresh 1\n    garp_master_refresh_repeat 1",
        ),
    ]);
    let scene = Scene::start(kind, &file("", &pairs));
    let count = |twin: Twin| scene.announced(twin.address(), scene.started);
    let [[thrice, once], [again, at_once], [many, few]] = [pairs[0], pairs[1], pairs[2]];
    wait_until("a refresh of three", PATIENCE, || count(many) >= 7);
    wait_until("both bursts", PATIENCE, || count(again) == 4);
    assert_eq!([count(thrice), count(once), count(at_once)], [3, 1, 2]);
    assert!(count(few) < count(many), "{} {}", count(few), count(many));
    let before = count(few);
    wait_until("the refresh goes on", PATIENCE, || count(few) > before);
}

fn how_often_addresses_are_announced_by_default(kind: Kind) {
    let pairs = twins(&[("", "")]);
    let seen = |global: &str, wanted: usize| {
        let scene = Scene::start(kind, &file(global, &pairs));
        let twin = pairs[0][0];
        scene.wait_active(twin);
        let count = || scene.announced(twin.address(), scene.started);
        wait_until(
            &format!("{wanted} announcements with {global}"),
            PATIENCE,
            || count() >= wanted,
        );
        holds_for(
            &format!("no more than {wanted} with {global}"),
            Duration::from_millis(600),
            || count() == wanted,
        );
        scene
    };
    seen("vrrp_garp_master_repeat 2\n    vrrp_garp_master_delay 0", 2);
    seen("vrrp_garp_master_repeat 2\n    vrrp_garp_master_delay 1", 4);
    seen("vrrp_min_garp", 1);
    for (repeat, count) in [(1, 2), (4, 5)] {
        let global = format!(
            "vrrp_garp_master_repeat 1\n    vrrp_garp_master_delay 0\n    vrrp_garp_master_refresh 2\n    \
             vrrp_garp_master_refresh_repeat {repeat}"
        );
        seen(&global, count);
    }
}

/// How many announcements and adverts follow a forged advert of lower priority within 60 ms: the next
/// regular advert is 500 ms away.
fn after_lower(scene: &Scene, twin: Twin) -> (usize, usize) {
    scene.wait_active(twin);
    let before = scene.adverts(twin.vrid, scene.started).len();
    wait_until("an advert has just gone out", PATIENCE, || {
        scene.adverts(twin.vrid, scene.started).len() > before
    });
    let at = scene.forge(twin, 50);
    let span = Duration::from_millis(2500);
    let (mut announced, mut answers) = (0, 0);
    let start = clock::now();
    while start.elapsed() < span {
        announced = scene.announced(twin.address(), at);
        let soon =
            |(sent, _): &(Stamp, Advert)| sent.saturating_sub(at) < Duration::from_millis(200);
        answers = scene
            .adverts(twin.vrid, at)
            .iter()
            .filter(|advert| soon(advert))
            .count();
    }
    (announced, answers)
}

const SLOW: &str =
    "advert_int 1\n    priority 255\n    garp_master_repeat 1\n    garp_master_delay 0\n    ";

fn what_a_lower_advert_brings_about(kind: Kind) {
    let line = |line: &str| -> &'static str {
        format!("{}{line}", SLOW.replace("priority 255", "priority 254")).leak()
    };
    let plain = "garp_lower_prio_repeat 1\n    garp_lower_prio_delay 0";
    let pairs = twins(&[
        (
            line(plain),
            line("garp_lower_prio_repeat 4\n    garp_lower_prio_delay 0"),
        ),
        (
            line(plain),
            line("garp_lower_prio_repeat 1\n    garp_lower_prio_delay 1"),
        ),
        (
            line(plain),
            line(&format!("lower_prio_no_advert\n    {plain}")),
        ),
    ]);
    let scene = Scene::start(kind, &file("", &pairs));
    let [[base, four], [_, twice], [_, silent]] = [pairs[0], pairs[1], pairs[2]];
    assert_eq!(after_lower(&scene, base), (1, 1));
    assert_eq!(after_lower(&scene, four), (4, 1));
    assert_eq!(after_lower(&scene, twice), (2, 1));
    assert_eq!(after_lower(&scene, silent).1, 0);
}

fn what_a_lower_advert_brings_about_by_default(kind: Kind) {
    let lines = SLOW.replace("priority 255", "priority 254").leak();
    let pairs = twins(&[(lines, lines)]);
    let seen = |global: &str| {
        let scene = Scene::start(kind, &file(global, &pairs));
        after_lower(&scene, pairs[0][0])
    };
    let base = "vrrp_garp_lower_prio_repeat 1\n    vrrp_garp_lower_prio_delay 0";
    assert_eq!(seen(base), (1, 1));
    assert_eq!(
        seen("vrrp_garp_lower_prio_repeat 3\n    vrrp_garp_lower_prio_delay 0"),
        (3, 1)
    );
    assert_eq!(
        seen("vrrp_garp_lower_prio_repeat 1\n    vrrp_garp_lower_prio_delay 1"),
        (2, 1)
    );
    assert_eq!(
        seen(&format!("vrrp_lower_prio_no_advert true\n    {base}")).1,
        0
    );
}

fn what_a_higher_advert_brings_about(kind: Kind) {
    let last_words = |global: &str, lines: &'static str| {
        let twin = Twin { vrid: 1, lines };
        let scene = Scene::start(kind, &file(global, &[[twin, Twin { vrid: 2, lines: "" }]]));
        scene.wait_active(twin);
        let at = scene.forge(twin, 250);
        let entered = if kind == Kind::Ours {
            "(VI_1) Entering BACKUP STATE"
        } else {
            "Entering BACKUP STATE"
        };
        wait_until("it yields", PATIENCE, || {
            scene.daemon.logged(entered) > 1 || scene.daemon.logged("received advert from") > 0
        });
        // At an interval of two seconds no regular advert falls into this.
        let start = clock::now();
        while start.elapsed() < Duration::from_millis(300) {}
        let soon =
            |(sent, _): &&(Stamp, Advert)| sent.saturating_sub(at) < Duration::from_millis(300);
        scene.adverts(1, at).iter().filter(soon).count()
    };
    let slow = "advert_int 1\n    priority 200";
    assert_eq!(last_words("", slow), 0);
    assert_eq!(
        last_words(
            "",
            "advert_int 1\n    priority 200\n    higher_prio_send_advert"
        ),
        1
    );
    assert_eq!(last_words("vrrp_higher_prio_send_advert true", slow), 1);
}

/// A forged master of priority 100 speaks every 100 ms; a router of priority 200 comes up and takes over,
/// or does not.
fn who_takes_over_and_when(kind: Kind) {
    let pairs = twins(&[
        ("", "nopreempt"),
        ("preempt_delay 2", "nopreempt\n    preempt"),
    ]);
    let scene = Scene::start(kind, &file("", &pairs));
    let all: Vec<Twin> = pairs.iter().flatten().copied().collect();
    let frames = all
        .iter()
        .map(|twin| Forged::new(twin.vrid, 100, twin.address()))
        .map(|forged| inject::frame(scene.lan.host("c"), &forged.packet()))
        .collect();
    // Each of the four every 50 ms, for four seconds.
    assert_eq!(inject::flood(scene.lan.host("c"), frames, 80, 320).len(), 4);
    let first = [1, 2, 3, 4].map(|vrid| {
        scene
            .adverts(vrid, scene.started)
            .first()
            .map(|(at, _)| *at)
    });
    let after = first.map(|at| at.map(|at| at.saturating_sub(scene.started)));
    let [plain, never, delayed, again] = after;
    let (plain, again) = (
        plain.expect("preempts"),
        again.expect("preempt undoes nopreempt"),
    );
    assert!(never.is_none(), "{after:?}");
    let delayed = delayed.expect("preempts after its delay");
    assert!(delayed > Duration::from_secs(2), "{after:?}");
    assert!(plain < delayed && again < delayed, "{after:?}");

    // Nobody speaks any more: who counts to ten takes longer than who counts to three.
    let pairs = twins(&[("", "down_timer_adverts 12")]);
    down(&Scene::start(kind, &file("", &pairs)), pairs[0]);
}

fn down(scene: &Scene, [quick, slow]: [Twin; 2]) {
    scene.wait_active(quick);
    assert_eq!(scene.latest(slow), None);
    scene.wait_active(slow);
    let first = |twin: Twin| scene.adverts(twin.vrid, scene.started)[0].0;
    let later = first(slow).saturating_sub(first(quick));
    assert!(later > Duration::from_millis(700), "{later:?}");
}

fn who_takes_over_and_when_by_default(kind: Kind) {
    let pairs = twins(&[("down_timer_adverts 3", "")]);
    down(
        &Scene::start(kind, &file("vrrp_down_timer_adverts 12", &pairs)),
        pairs[0],
    );
}

/// A higher advert from somebody who is too far away, or too near, moves nothing. (2.2.7 takes it all
/// the same.)
fn whose_adverts_count(kind: Kind) {
    let peer = "unicast_peer {\n        10.9.0.2\n    }";
    let pairs = twins(&[
        (peer, "unicast_peer {\n        10.9.0.2 min_ttl 200\n    }"),
        (
            peer,
            "unicast_peer {\n        10.9.0.2 min_ttl 1 max_ttl 50\n    }",
        ),
    ]);
    let scene = Scene::start(kind, &file("", &pairs));
    for [plain, picky] in pairs {
        assert_eq!(silenced(&scene, plain, PEER), Some(true), "{}", plain.lines);
        assert_eq!(
            silenced(&scene, picky, PEER),
            Some(false),
            "{}",
            picky.lines
        );
    }
}

/// Nor does one from somebody who is no peer, if told so. (2.2.7 takes it all the same.)
fn strangers_count_only_where_they_are_let(kind: Kind) {
    let peer = "unicast_peer {\n        10.9.0.2\n    }";
    let pairs = twins(&[(
        peer,
        "check_unicast_src\n    unicast_peer {\n        10.9.0.2\n    }",
    )]);
    let [plain, picky] = pairs[0];
    for (global, twin, yields) in [
        ("", plain, true),
        ("", picky, false),
        ("vrrp_check_unicast_src", plain, false),
    ] {
        let scene = Scene::start(kind, &file(global, &pairs));
        assert_eq!(
            silenced(&scene, twin, STRANGER),
            Some(yields),
            "{global} {}",
            twin.lines
        );
    }
}

/// The address of the other host.
const PEER: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
/// An address that nobody has.
const STRANGER: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 99);

/// Whether forged adverts of priority 250 and TTL 100 to this router alone silence it.
fn silenced(scene: &Scene, twin: Twin, source: Ipv4Addr) -> Option<bool> {
    scene.wait_active(twin);
    let mut forged = Forged::new(twin.vrid, 250, twin.address());
    forged.source = source;
    forged.destination = scene.host().ipv4;
    forged.ttl = 100;
    let sender = scene.lan.host("c");
    let mut frame = inject::frame(sender, &forged.packet());
    frame[..6].copy_from_slice(&scene.host().mac);
    let start = clock::now();
    while start.elapsed() < PATIENCE {
        let heard = clock::stamp() + Duration::from_millis(200);
        // Every 50 ms for a second.
        assert_eq!(inject::flood(sender, vec![frame.clone()], 20, 20).len(), 1);
        match scene.adverts(twin.vrid, heard).len() {
            0 => return Some(true),
            // A gap of the sender on a busy machine.
            1 | 2 => {}
            _ => return Some(false),
        }
    }
    None
}
