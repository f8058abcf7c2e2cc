//! What strict mode, the delay after boot and stepping down after a stall change on the wire.

use std::fmt::Write as _;
use std::time::Duration;

use lab::wait::holds_for;
use lab::wire::Advert;
use lab::{Capture, Conf, Daemon, Kind, Lan, clock, wait_until};

const PATIENCE: Duration = Duration::from_secs(15);

/// Version 2, with a password, which strict mode does not have, and a wish to be MASTER, which it gives to
/// owners alone.
fn instance(vrid: u8, lines: &str) -> String {
    format!(
        "vrrp_instance VI_{vrid} {{\n    interface eth0\n    virtual_router_id {vrid}\n    state MASTER\n    \
         priority 200\n    advert_int 1\n    authentication {{\n        auth_type PASS\n        \
         auth_pass s3cret12\n    }}\n    {lines}\n    virtual_ipaddress {{\n        10.9.1.{vrid}\n    }}\n}}\n"
    )
}

fn strict(kind: Kind) {
    lab::require_live();
    // The instance itself, the default, and the instance against the default.
    for (global, alone, expected) in [
        ("", ["", "strict_mode"], [false, true]),
        ("vrrp_strict", ["strict_mode off", ""], [false, true]),
    ] {
        let lan = Lan::new(&["a"]);
        let capture = Capture::start(&lan);
        let mut conf = format!("global_defs {{\n    router_id lab\n    {global}\n}}\n");
        for (vrid, lines) in (1..).zip(alone) {
            let _ = write!(conf, "{}", instance(vrid, lines));
        }
        let _daemon = Daemon::start_with(kind, lan.host("a"), &conf);
        for (vrid, strict) in (1..).zip(expected) {
            let advert = lab::wait_for("an advert", PATIENCE, || first(&capture, vrid));
            let password = advert.message.ends_with(b"s3cret12");
            assert_eq!(password, !strict, "{global} {alone:?}: {advert:?}");
        }
    }
}

fn first(capture: &Capture, vrid: u8) -> Option<Advert> {
    let mut adverts = capture.adverts().into_iter().map(|(.., advert)| advert);
    adverts.find(|advert| advert.vrid == vrid)
}

/// KA-O-02: C Keepalived resets the same.
#[test]
#[ignore = "live: cargo xtask live"]
fn strict_mode_of_c_sends_no_password() {
    strict(Kind::CKeepalived);
}

/// KA-O-02.
///
/// Flips: vrrp_instance.strict_mode, global_defs.vrrp_strict.
#[test]
#[ignore = "live: cargo xtask live"]
fn strict_mode_sends_no_password() {
    strict(Kind::Ours);
}

/// A source address for unicast alone, as is; with the keyword that faults; and a list without members,
/// which only C takes for multicast.
fn no_peer(kind: Kind, empty_list_sends: bool) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let capture = Capture::start(&lan);
    let mut conf = String::from("global_defs {\n    router_id lab\n}\n");
    let source = "unicast_src_ip 10.9.0.1";
    let rows = [
        (1, source.to_owned(), true),
        (2, format!("{source}\n    unicast_fault_no_peer"), false),
        (
            3,
            format!("{source}\n    unicast_peer {{\n    }}"),
            empty_list_sends,
        ),
    ];
    for (vrid, lines, _) in &rows {
        let _ = write!(conf, "{}", instance(*vrid, lines));
    }
    let daemon = Daemon::start_with(kind, lan.host("a"), &conf);
    daemon.wait_log("Startup complete", 1, PATIENCE);
    let sends: Vec<_> = rows.iter().filter(|row| row.2).collect();
    for (vrid, ..) in &sends {
        let advert = lab::wait_for("an advert", PATIENCE, || first(&capture, *vrid));
        assert!(advert.destination.is_multicast(), "{advert:?}");
    }
    holds_for("the others send nothing", Duration::from_secs(4), || {
        let mut silent = rows.iter().filter(|row| !row.2);
        silent.all(|(vrid, ..)| first(&capture, *vrid).is_none())
    });
}

/// VRRP-EXT-05: so does C Keepalived, but for the empty list.
#[test]
#[ignore = "live: cargo xtask live"]
fn c_without_peers_multicasts_unless_told_to_fault() {
    no_peer(Kind::CKeepalived, true);
}

/// VRRP-EXT-05: a list that some template left empty never becomes multicast.
///
/// Flips: vrrp_instance.unicast_fault_no_peer.
#[test]
#[ignore = "live: cargo xtask live"]
fn without_peers_nothing_is_sent_if_a_list_or_a_fault_was_asked_for() {
    no_peer(Kind::Ours, false);
}

/// KA-ST-09: the longer of the two delays counts.
///
/// Flips: global_defs.vrrp_delay_after_boot.
#[test]
#[ignore = "live: cargo xtask live"]
fn nobody_takes_part_until_the_host_has_been_up_for_long_enough() {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let capture = Capture::start(&lan);
    let uptime: f64 = std::fs::read_to_string("/proc/uptime")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .expect("the kernel says how long it is up");
    let read = clock::now();
    let conf = |boot: f64, vrid| {
        let mut conf = Conf::new(100);
        conf.vrid = vrid;
        conf.addresses = vec![format!("10.9.1.{vrid}/24")];
        conf.global.push(format!("vrrp_delay_after_boot {boot:.3}"));
        conf
    };
    let _past = Daemon::start(Kind::Ours, lan.host("a"), &conf(uptime - 1.0, 1));
    let _late = Daemon::start(Kind::Ours, lan.host("b"), &conf(uptime + 6.0, 2));
    lab::wait_for("the host has been up for long", PATIENCE, || {
        first(&capture, 1)
    });
    let advert = lab::wait_for("the host is up for long enough", PATIENCE, || {
        first(&capture, 2)
    });
    let waited = read.elapsed();
    assert!(waited > Duration::from_secs(6), "{waited:?}: {advert:?}");
}

/// KA-M-09: who was stopped for longer than a backup waits steps down where it is told to, and takes
/// the address back only after it has listened.
///
/// Flips: vrrp_instance.timer_expired_backup, vrrp_instance.thread_timer_expired.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_master_that_was_stopped_steps_down_if_it_is_told_to() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let mut conf = String::from("global_defs {\n    router_id lab\n}\n");
    for (vrid, line) in [
        (1, ""),
        (2, "timer_expired_backup"),
        (3, "thread_timer_expired 254"),
        // Of priority 1 nobody would have been so quick.
        (4, "timer_expired_backup 1"),
    ] {
        let adverts = if vrid == 4 { 100 } else { 3 };
        let _ = write!(
            conf,
            "vrrp_instance VI_{vrid} {{\n    interface eth0\n    virtual_router_id {vrid}\n    version 3\n    \
             nopreempt\n    {line}\n    advert_int 0.1\n    down_timer_adverts {adverts}\n    \
             virtual_ipaddress {{\n        10.9.1.{vrid}\n    }}\n}}\n"
        );
    }
    let mut daemon = Daemon::start_with(Kind::Ours, lan.host("a"), &conf);
    daemon.wait_log("Startup complete", 1, PATIENCE);
    let became = |daemon: &Daemon| -> Vec<u64> {
        let status = daemon.status();
        let instances = status["instances"].as_array().unwrap().iter();
        instances
            .map(|one| one["counters"]["became_master"].as_u64().unwrap())
            .collect()
    };
    wait_until("all are MASTER", PATIENCE, || {
        became(&daemon).iter().all(|times| *times > 0)
    });
    // A busy machine may have stopped it before.
    let before = became(&daemon);
    let again = |daemon: &Daemon| -> Vec<bool> {
        let now = became(daemon).into_iter().zip(&before);
        now.map(|(now, before)| now > *before).collect()
    };
    daemon.freeze();
    // As long as this takes on a busy machine, it is longer than 0.4 s and shorter than 10 s.
    let start = clock::now();
    wait_until("a second has passed", PATIENCE, || {
        start.elapsed() > Duration::from_secs(1)
    });
    daemon.thaw();
    wait_until("those that are told to have stepped down", PATIENCE, || {
        again(&daemon) == [false, true, true, false]
    });
    holds_for("and no other", Duration::from_secs(1), || {
        again(&daemon) == [false, true, true, false]
    });
}
