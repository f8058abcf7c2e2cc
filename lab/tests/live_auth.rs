//! Authentication: with C Keepalived by IP authentication header, and between daemons of ours by
//! signed adverts, through every stage of a roll-out.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use lab::forge::Forged;
use lab::wait::holds_for;
use lab::{Capture, Conf, Daemon, Kind, Lan, Scratch, clock, wait_until};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(20);

/// Two instances each way, multicast and unicast.
fn pair(own: u8, other: u8, higher: bool) -> String {
    let mut text = String::from("global_defs {\n    router_id lab\n}\n");
    for (vrid, ours_first, unicast) in [
        (1, true, false),
        (2, false, false),
        (3, true, true),
        (4, false, true),
    ] {
        let priority = if ours_first == higher { 200 } else { 100 };
        let _ = write!(
            text,
            "vrrp_instance VI_{vrid} {{\n    interface eth0\n    virtual_router_id {vrid}\n    \
             priority {priority}\n    advert_int 1\n    authentication {{\n        auth_type AH\n        \
             auth_pass s3cret{vrid}\n    }}\n"
        );
        if unicast {
            let _ = write!(
                text,
                "    unicast_src_ip 10.9.0.{own}\n    unicast_peer {{\n        10.9.0.{other}\n    }}\n"
            );
        }
        let _ = write!(
            text,
            "    virtual_ipaddress {{\n        10.9.1.{vrid}\n    }}\n}}\n"
        );
    }
    text
}

fn address(vrid: u8) -> IpAddr {
    Ipv4Addr::new(10, 9, 1, vrid).into()
}

/// VRRP-V2-AUTH-05, VRRP-V2-AUTH-06: each takes over from the other when it dies, and gives way when it
/// returns, by multicast and by unicast. A restarted daemon begins to count anew.
#[test]
#[ignore = "live: cargo xtask live"]
fn ours_and_c_believe_each_other_by_authentication_header() {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    let mut ours = Daemon::start_with(Kind::Ours, a, &pair(1, 2, true));
    let mut theirs = Daemon::start_with(Kind::CKeepalived, b, &pair(2, 1, false));
    let holds = |expected: [&str; 4]| {
        for (vrid, host) in (1..).zip(expected) {
            let what = format!("10.9.1.{vrid} is on {host} alone");
            wait_until(&what, PATIENCE, || lan.holders(address(vrid)) == [host]);
        }
        let all = || {
            (1..)
                .zip(expected)
                .all(|(vrid, host)| lan.holders(address(vrid)) == [host])
        };
        holds_for("the addresses stay", Duration::from_millis(3500), all);
    };
    holds(["a", "b", "a", "b"]);
    theirs.kill();
    b.netns.ip(&["addr flush dev eth0 to 10.9.1.0/24"]);
    holds(["a", "a", "a", "a"]);
    theirs.start_again(b);
    holds(["a", "b", "a", "b"]);
    ours.kill();
    a.netns.ip(&["addr flush dev eth0 to 10.9.1.0/24"]);
    holds(["b", "b", "b", "b"]);
    ours.start_again(a);
    holds(["a", "b", "a", "b"]);
    let status = ours.status();
    assert_eq!(status["instances"][0]["auth_type"], "ah");
    for instance in status["instances"].as_array().unwrap() {
        assert_eq!(instance["rejected"]["ah_check_value"], 0, "{instance}");
    }
}

/// VRRP-V2-AUTH-05: with another password neither believes the other, and it can be seen why.
///
/// Flips: vrrp_instance.authentication.auth_type, vrrp_instance.authentication.auth_pass.
#[test]
#[ignore = "live: cargo xtask live"]
fn another_key_or_no_header_is_refused_and_counted() {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let conf = |priority, kind: &str, pass: &str| {
        Conf::new(priority).version2().with(&format!(
            "authentication {{\n auth_type {kind}\n auth_pass {pass}\n }}"
        ))
    };
    let daemon = Daemon::start(Kind::Ours, lan.host("a"), &conf(100, "AH", "s3cret12"));
    let theirs = Daemon::start(
        Kind::CKeepalived,
        lan.host("b"),
        &conf(200, "AH", "s3cret13"),
    );
    let count = |name: &str| {
        daemon.status()["instances"][0]["rejected"][name]
            .as_u64()
            .unwrap()
    };
    let vip = Conf::new(1).service_address();
    wait_until("both hold the address", PATIENCE, || {
        lan.holders(vip).len() == 2
    });
    wait_until("the wrong key is counted", PATIENCE, || {
        count("ah_check_value") > 0
    });
    let _ = theirs.reload_with(&conf(200, "PASS", "s3cret12").text());
    wait_until("the missing header is counted", PATIENCE, || {
        count("auth_type_mismatch") > 0
    });
    drop(theirs);
    let theirs = Daemon::start(
        Kind::CKeepalived,
        lan.host("b"),
        &conf(200, "AH", "s3cret12"),
    );
    wait_until("the right key is believed", PATIENCE, || {
        lan.holders(vip) == ["b"]
    });
    drop(theirs);
}

const KEY_1: &str = "0123456789abcdef0123456789abcdef";
const KEY_2: &str = "fedcba9876543210fedcba9876543210";

fn signed(priority: u8, lines: &str) -> Conf {
    Conf::new(priority).with(&format!("auth_hmac {{\n{lines}\n}}"))
}

/// KA-AX-08, KA-AX-02: from no signatures to demanded ones, and from one key to another, on one
/// router after the other: never an advert missed, never a second MASTER, never a transition.
///
/// Flips: vrrp_instance.auth_hmac, vrrp_instance.auth_hmac.mode.
#[test]
#[ignore = "live: cargo xtask live"]
fn signatures_and_new_keys_are_rolled_out_without_a_transition() {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let capture = Capture::start(&lan);
    let plain = Conf::new(200);
    let a = Daemon::start(Kind::Ours, lan.host("a"), &plain);
    let b = Daemon::start(Kind::Ours, lan.host("b"), &Conf::new(100));
    let vip = plain.service_address();
    wait_until("a is MASTER", PATIENCE, || lan.holders(vip) == ["a"]);
    let transitions = |daemon: &Daemon| {
        daemon.status()["instances"][0]["counters"]["became_master"]
            .as_u64()
            .unwrap()
    };
    let before = (transitions(&a), transitions(&b));
    let stages = [
        (
            "receive-only",
            format!("key 1 {KEY_1}\nactive_key 1\nmode receive-only"),
            12,
        ),
        (
            "permissive",
            format!("key 1 {KEY_1}\nactive_key 1\nmode permissive"),
            40,
        ),
        (
            "enforce",
            format!("key 1 {KEY_1}\nactive_key 1\nmode enforce"),
            40,
        ),
        (
            "both keys",
            format!("key 1 {KEY_1}\nkey 2 {KEY_2}\nactive_key 1"),
            40,
        ),
        (
            "new key",
            format!("key 1 {KEY_1}\nkey 2 {KEY_2}\nactive_key 2"),
            40,
        ),
        (
            "only the new key",
            format!("key 2 {KEY_2}\nactive_key 2"),
            40,
        ),
    ];
    for (reloads, (stage, lines, length)) in (1..).zip(&stages) {
        for (daemon, priority) in [(&b, 100), (&a, 200)] {
            let _ = daemon.reload_with(&signed(priority, lines).text());
            wait_until("the file is loaded", PATIENCE, || {
                daemon.status()["instances"][0]["auth_hmac"]["keys"].is_array()
            });
            let since = clock::stamp();
            wait_until(stage, PATIENCE, || {
                let sent = capture.adverts().into_iter();
                sent.filter(|(at, ..)| *at > since).count() > 6
            });
            assert_eq!(lan.holders(vip), ["a"], "{stage}: {reloads}");
        }
        let last = capture.adverts().pop().unwrap().2;
        assert_eq!(last.message.len(), *length, "{stage}");
    }
    assert_eq!((transitions(&a), transitions(&b)), before);
    for daemon in [&a, &b] {
        let rejected = &daemon.status()["instances"][0]["rejected"];
        for (name, count) in rejected.as_object().unwrap() {
            // While one has the file of the next stage and the other not yet.
            assert_eq!(count, 0, "{name}: {rejected}");
        }
    }
}

/// One virtual router of the table below: what of `auth_hmac` it has.
const RECEIVERS: [(u8, &str); 9] = [
    (1, "key 1 KEY_1\nactive_key 1"),
    (2, "key 1 KEY_2\nactive_key 1"),
    (3, "key 2 KEY_1\nactive_key 2"),
    (4, "key 1 KEY_1\nactive_key 1\ntime_window 60"),
    (5, "key 1 KEY_1\nactive_key 1\nanti_replay monotonic"),
    (6, "key 1 KEY_1\nactive_key 1\nmode permissive"),
    (7, "key 1 KEY_1\nactive_key 1\nmode receive-only"),
    (8, "key 1 KEY_1\nkey 2 KEY_2\nactive_key 1"),
    (9, "key 1 KEY_1\nkey 2 KEY_2\nactive_key 2"),
];

/// What is sent to each of them.
#[derive(Clone, Copy, Debug)]
enum Forgery {
    Plain,
    Now,
    SecondsAgo(u64),
    Wrong,
}

/// The trailer, made here once more and by the description alone.
fn trailer(message: &[u8], source: Ipv4Addr, id: u8, key: &[u8], at: Duration) -> Vec<u8> {
    let mut fixed = vec![1, id, 0, 0];
    fixed.extend(u32::try_from(at.as_secs()).unwrap().to_be_bytes());
    let fraction = u64::from(at.subsec_nanos()) * 65_536 / 1_000_000_000;
    fixed.extend(u16::try_from(fraction).unwrap().to_be_bytes());
    fixed.extend([0, 0]);
    let mut covered = vec![4, message[0] >> 4, message[1], 0];
    covered.extend(source.octets());
    covered.extend([0; 12]);
    covered.extend(&message[..6]);
    covered.extend([0, 0]);
    covered.extend(&message[8..]);
    covered.extend(&fixed);
    covered.extend([0; 16]);
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    mac.update(&covered);
    fixed.extend(&mac.finalize().into_bytes()[..16]);
    fixed
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is forged carries the time of day"
)]
fn time_of_day() -> Duration {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("after 1970")
}

/// KA-AX-03, KA-AX-05, KA-AX-08, KA-AX-09: the same adverts for routers that differ in a line.
///
/// Flips: vrrp_instance.auth_hmac.key, vrrp_instance.auth_hmac.active_key, vrrp_instance.auth_hmac.mode,
/// vrrp_instance.auth_hmac.anti_replay, vrrp_instance.auth_hmac.time_window, vrrp_instance.auth_hmac.
#[test]
#[ignore = "live: cargo xtask live"]
fn each_line_of_auth_hmac_decides_over_what_is_believed() {
    lab::require_live();
    let lan = Lan::new(&["a", "c"]);
    let (host, forger) = (lan.host("a"), lan.host("c"));
    let mut conf = String::from("global_defs {\n    router_id lab\n}\n");
    for (vrid, lines) in RECEIVERS {
        let lines = lines.replace("KEY_1", KEY_1).replace("KEY_2", KEY_2);
        let _ = write!(
            conf,
            "vrrp_instance VI_{vrid} {{\n    interface eth0\n    virtual_router_id {vrid}\n    version 3\n    \
             priority 100\n    advert_int 1\n    auth_hmac {{\n{lines}\n    }}\n    \
             virtual_ipaddress {{\n        10.9.1.{vrid}\n    }}\n}}\n"
        );
    }
    let capture = Capture::start(&lan);
    let daemon = Daemon::start_with(Kind::Ours, host, &conf);
    daemon.wait_log("Startup complete", 1, PATIENCE);
    wait_until("all run", PATIENCE, || {
        let status = daemon.status();
        let instances = status["instances"].as_array().unwrap();
        instances.len() == 9 && instances.iter().all(|one| one["state"] == "BACKUP")
    });
    let instance = |vrid: u8| -> Value {
        let status = daemon.status();
        let instances = status["instances"].as_array().unwrap();
        instances
            .iter()
            .find(|one| one["vrid"] == vrid)
            .unwrap()
            .clone()
    };
    let send = |vrid: u8, what: Forgery| {
        let mut forged = Forged::new(vrid, 50, Ipv4Addr::new(10, 9, 1, vrid));
        forged.interval = 100;
        // A sender of its own for each, so that no mark of an earlier one is in the way.
        forged.source = Ipv4Addr::new(10, 9, 0, 100 + vrid);
        let now = time_of_day();
        let packet = forged.packet_with(|message| {
            let sign = |at| trailer(message, forged.source, 1, KEY_1.as_bytes(), at);
            match what {
                Forgery::Plain => Vec::new(),
                Forgery::Now => sign(now),
                Forgery::SecondsAgo(ago) => sign(now - Duration::from_secs(ago)),
                Forgery::Wrong => {
                    let mut octets = sign(now);
                    octets[27] ^= 1;
                    octets
                }
            }
        });
        forged.send_packet(&packet, forger, host);
    };
    let refused = |vrid: u8, reason: &str, before: u64| {
        wait_until(&format!("{vrid} counts {reason}"), PATIENCE, || {
            instance(vrid)["rejected"][reason].as_u64().unwrap() > before
        });
    };
    let accepted = |vrid: u8, before: u64| {
        wait_until(&format!("{vrid} accepts"), PATIENCE, || {
            instance(vrid)["counters"]["adverts_received"]
                .as_u64()
                .unwrap()
                > before
        });
    };
    use Forgery::{Now, Plain, SecondsAgo, Wrong};
    for (vrid, what, outcome) in [
        (1, Plain, "auth_ext_missing"),
        (1, Wrong, "auth_ext_invalid_hmac"),
        (1, SecondsAgo(30), "auth_ext_stale"),
        (1, Now, ""),
        (2, Now, "auth_ext_invalid_hmac"),
        (3, Now, "auth_ext_unknown_key"),
        (4, SecondsAgo(90), "auth_ext_stale"),
        (4, SecondsAgo(30), ""),
        (5, SecondsAgo(90), ""),
        (5, SecondsAgo(100), "auth_ext_replay"),
        (6, Plain, ""),
        (6, Wrong, "auth_ext_invalid_hmac"),
        (7, Plain, ""),
        (7, Wrong, "auth_ext_invalid_hmac"),
        (8, Now, ""),
    ] {
        let before = instance(vrid);
        send(vrid, what);
        if outcome.is_empty() {
            accepted(
                vrid,
                before["counters"]["adverts_received"].as_u64().unwrap(),
            );
        } else {
            refused(vrid, outcome, before["rejected"][outcome].as_u64().unwrap());
        }
    }
    // What they send: nothing, or signed with the active key.
    let sent = |vrid: u8| {
        lab::wait_for("an advert", PATIENCE, || {
            let adverts = capture.adverts().into_iter();
            adverts
                .filter(|(_, host, advert)| host == "a" && advert.vrid == vrid)
                .map(|(.., advert)| advert.message)
                .next()
        })
    };
    assert_eq!(sent(7).len(), 12, "receive-only signs nothing");
    assert_eq!((sent(6).len(), sent(1).len()), (40, 40));
    assert_eq!((sent(8)[13], sent(9)[13]), (1, 2), "the active key");
}

/// KA-AX-10, KA-AX-02: a key that cannot be used holds the instance, and nothing is ever sent; a key
/// file that appears is used after a reload.
///
/// Flips: vrrp_instance.auth_hmac.key, vrrp_instance.auth_hmac.active_key.
#[test]
#[ignore = "live: cargo xtask live"]
fn an_instance_without_a_usable_key_is_held_and_says_why() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let capture = Capture::start(&lan);
    let scratch = Scratch::new("key");
    let file = scratch.file("key");
    let conf = signed(100, &format!("key 1 file:{}\nactive_key 1", file.display()));
    let daemon = Daemon::start(Kind::Ours, lan.host("a"), &conf);
    daemon.wait_log("Startup complete", 1, PATIENCE);
    wait_until("it is held", PATIENCE, || {
        daemon.status()["instances"][0]["state"] == "FAULT"
    });
    let hold = daemon.status()["instances"][0]["hold"].to_string();
    assert!(hold.contains("cannot be signed"), "{hold}");
    holds_for("nothing is sent", Duration::from_secs(1), || {
        capture.adverts().is_empty()
    });
    std::fs::write(&file, format!("{KEY_1}\n")).unwrap();
    let _ = daemon.reload_with(&conf.text());
    wait_until("it runs", PATIENCE, || {
        capture
            .adverts()
            .first()
            .is_some_and(|(.., advert)| advert.message.len() == 40)
    });
    assert!(
        daemon.logged("SECURITY") > 0,
        "others can read the file: {}",
        daemon.log()
    );
}
