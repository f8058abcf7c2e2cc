//! Our BFD beside BIRD's and FRR's, and what it does for elections when a router falls silent.

use std::time::Duration;

use lab::bfd::session;
use lab::peers::{Bird, Frr, installed};
use lab::{Capture, Daemon, Host, Kind, Lan, clock, wait_for, wait_until};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(20);

fn start(host: &Host, conf: &str) -> Daemon {
    let daemon = Daemon::start_with(Kind::Ours, host, conf);
    daemon.wait_log("Startup complete", 1, PATIENCE);
    daemon
}

fn wait_session(daemon: &Daemon, name: &str, what: &str, check: impl Fn(&Value) -> bool) -> Value {
    lab::bfd::wait_session(daemon, name, what, PATIENCE, check)
}

fn wait_up(daemon: &Daemon, name: &str) -> Value {
    wait_session(daemon, name, "is up", |session| session["state"] == "up")
}

fn conf(name: &str, source: &str, neighbor: &str, more: &str) -> String {
    format!(
        "bfd_instance {name} {{ neighbor_ip {neighbor}
            source_ip {source}
            min_tx 50
            min_rx 50
            multiplier 3
            {more}
        }}\n"
    )
}

/// BFD-AU-01, BFD-AU-02, BFD-AU-05, BFD-AU-09, BFD-MH-01, BFD-SH-07: every way of authentication,
/// both families, and several hops.
#[test]
#[ignore = "live: cargo xtask live"]
fn bird_and_we_come_up_in_every_way() {
    lab::require_live();
    if !installed("bird") {
        return;
    }
    let kinds = [
        ("simple", "simple"),
        ("md5", "keyed md5"),
        ("meticulous_md5", "meticulous keyed md5"),
        ("sha1", "keyed sha1"),
        ("meticulous_sha1", "meticulous keyed sha1"),
    ];
    for (ours, theirs) in kinds {
        let lan = Lan::new(&["a", "b"]);
        let (a, b) = (lan.host("a"), lan.host("b"));
        let options = format!(
            "interval 50 ms; multiplier 3; authentication {theirs}; password \"s3cret12\" {{ id 7; }};"
        );
        let protocol = format!(
            "interface \"eth0\" {{ {options} }}; multihop {{ interval 50 ms; multiplier 3; }}; \
             neighbor 10.9.0.1 dev \"eth0\" local 10.9.0.2; \
             neighbor 2001:db8::1 dev \"eth0\" local 2001:db8::2;"
        );
        let mut bird = Bird::start(b, &protocol);
        let auth = format!("auth {ours} 7 \"s3cret12\"");
        let daemon = start(
            a,
            &(conf("four", "10.9.0.1", "10.9.0.2", &auth)
                + &conf("six", "2001:db8::1", "2001:db8::2", &auth)),
        );
        for name in ["four", "six"] {
            wait_up(&daemon, name);
            wait_session(&daemon, name, "agrees on 150 ms", |session| {
                session["detection_time_seconds"] == 0.15
            });
        }
        // Long enough for many windows of sequence numbers.
        let from = clock::stamp();
        std::thread::sleep(Duration::from_secs(2));
        for name in ["four", "six"] {
            let found = session(&daemon, name);
            // Half of a detection time without the processor may be all of it for BIRD.
            let late = lab::lateness_between(from, clock::stamp());
            let busy = late > Duration::from_millis(75);
            assert!(
                busy || found["counters"]["flaps"] == 0,
                "{ours}, late {late:?}: {found}"
            );
            assert_eq!(
                found["counters"]["rejected"], 0,
                "{ours}: {}",
                found["rejected"]
            );
        }
        bird.kill();
        let down = wait_session(&daemon, "four", "is down", |session| {
            session["state"] == "down"
        });
        // It may have come up by way of Init or not.
        let last = down["transitions"].as_array().and_then(|all| all.last());
        let last = last.expect("there was a transition");
        assert_eq!(last["reason"], "detection_time_expired", "{down}");
    }
}

/// BFD-MH-02, BFD-TM-03, BFD-TM-04: over several hops, and new intervals while up.
#[test]
#[ignore = "live: cargo xtask live"]
fn intervals_change_while_up_on_either_side() {
    lab::require_live();
    if !installed("bird") {
        return;
    }
    let lan = Lan::new(&["a", "b"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    let protocol = |millis: u32| {
        format!(
            "multihop {{ interval {millis} ms; multiplier 3; }}; \
             neighbor 10.9.0.1 local 10.9.0.2 multihop;"
        )
    };
    let bird = Bird::start(b, &protocol(50));
    // BIRD sends with a TTL of 64 over several hops.
    let ours = |millis: u32| {
        conf("far", "10.9.0.1", "10.9.0.2", "multihop\n ttl 64\n")
            .replace("_tx 50", &format!("_tx {millis}"))
    };
    let daemon = start(a, &ours(50));
    wait_up(&daemon, "far");
    daemon.reload_with(&ours(200));
    wait_session(&daemon, "far", "sends every 200 ms", |session| {
        session["transmit_interval_seconds"] == 0.2
    });
    bird.reconfigure(&protocol(300));
    let found = wait_session(&daemon, "far", "waits 900 ms", |session| {
        session["detection_time_seconds"] == 0.9
    });
    assert_eq!(found["state"], "up");
    assert_eq!(found["counters"]["flaps"], 0);
}

/// BFD-FSM-13, BFD-FSM-21, BFD-CL-01: FRR comes up, is shut down by its operator, and dies.
#[test]
#[ignore = "live: cargo xtask live"]
fn frr_comes_up_is_closed_and_dies() {
    lab::require_live();
    if !installed("/usr/lib/frr/bfdd") || !installed("vtysh") {
        return;
    }
    let lan = Lan::new(&["a", "b"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    let peer = "peer 10.9.0.1 local-address 10.9.0.2 interface eth0";
    let six = "peer 2001:db8::1 local-address 2001:db8::2 interface eth0";
    let lines = "detect-multiplier 3\n  receive-interval 50\n  transmit-interval 50";
    let text = format!(" {peer}\n  {lines}\n exit\n {six}\n  {lines}\n exit");
    let mut frr = Frr::start(b, &text);
    let daemon = start(
        a,
        &(conf("four", "10.9.0.1", "10.9.0.2", "")
            + &conf("six", "2001:db8::1", "2001:db8::2", "")),
    );
    wait_up(&daemon, "four");
    wait_up(&daemon, "six");
    frr.change(peer, "shutdown");
    let closed = wait_session(&daemon, "four", "is closed", |session| {
        session["state"] == "down" && session["remote"]["state"] == "admin_down"
    });
    // The operator's decision is no failure of the path.
    assert_eq!(closed["tracked"], "up");
    frr.change(peer, "no shutdown");
    wait_up(&daemon, "four");
    frr.kill();
    let dead = wait_session(&daemon, "four", "is down", |session| {
        session["tracked"] == "down"
    });
    assert_eq!(dead["diagnostic"], "control_detection_time_expired");
    frr.restart(b);
    wait_up(&daemon, "four");
    // Our restart, which FRR hears of: it is told that the session is closed.
    drop(daemon);
    let daemon = start(a, &conf("four", "10.9.0.1", "10.9.0.2", ""));
    wait_up(&daemon, "four");
}

fn router(priority: u8, own: &str, other: &str) -> String {
    conf("other", own, other, "")
        + &format!(
            "vrrp_instance VI {{
                interface eth0
                virtual_router_id 51
                version 3
                advert_int 1
                priority {priority}
                virtual_ipaddress {{ 10.9.0.100/24 }}
                track_bfd {{ other weight 1 }}
            }}"
        )
}

/// FSM-OPEN-11: with an advert a second, BFD finds a silent master in 150 ms.
#[test]
#[ignore = "live: cargo xtask live"]
fn bfd_takes_over_from_a_silent_master_in_a_quarter_of_a_second() {
    lab::require_live();
    let lan = Lan::new(&["a", "b", "c"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    let vip = "10.9.0.100".parse().expect("an address");
    let capture = Capture::start(&lan);
    let backup = start(b, &router(250, "10.9.0.2", "10.9.0.1"));
    let mut outages = Vec::new();
    for round in 1..=5 {
        let master = start(a, &router(253, "10.9.0.1", "10.9.0.2"));
        wait_until("a is master, and both sides are up", PATIENCE, || {
            lan.holders(vip) == ["a"]
                && session(&master, "other")["state"] == "up"
                && session(&backup, "other")["detection_time_seconds"] == 0.15
        });
        // So that the backup has heard the master lately.
        let from = clock::stamp();
        wait_until("an advert", PATIENCE, || {
            capture.first_advert("a", from).is_some()
        });
        let at = clock::stamp();
        lan.cut("a");
        // It is cut when the command has run; on a busy machine that takes its time.
        let command = clock::stamp().saturating_sub(at);
        let taken = wait_for("b speaks", PATIENCE, || capture.first_advert("b", at));
        let outage = taken.saturating_sub(at);
        let late = lab::lateness_between(at, taken);
        eprintln!(
            "round {round}: b was master {outage:?} after the cut began \
             (it took {command:?}, machine late {late:?})"
        );
        assert!(
            outage < Duration::from_millis(250) + command + late,
            "{outage:?}"
        );
        outages.push(outage);
        drop(master);
        lan.plug("a");
        a.netns
            .shell("ip addr del 10.9.0.100/24 dev eth0 2>/dev/null || true");
    }
    assert_eq!(outages.len(), 5);
}

fn open_files(daemon: &Daemon) -> usize {
    let folder = format!("/proc/{}/fd", daemon.pid());
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

fn resident_kib(daemon: &Daemon) -> u64 {
    let text =
        std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

/// BFD-VAR-10: ten reloads change nothing; five hundred times down and up, sessions come back and
/// nothing is left behind.
#[test]
#[ignore = "live: cargo xtask live"]
fn reloads_and_links_that_come_and_go_leave_nothing_behind() {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    let ours = conf("four", "10.9.0.1", "10.9.0.2", "") + &conf("any", "10.9.0.1", "10.9.0.3", "");
    let daemon = start(a, &ours);
    let _peer = start(b, &conf("four", "10.9.0.2", "10.9.0.1", ""));
    wait_up(&daemon, "four");
    for reload in 1..=10 {
        daemon.reload_with(&ours);
        daemon.wait_log("Reloading", reload, PATIENCE);
    }
    std::thread::sleep(Duration::from_secs(1));
    let found = session(&daemon, "four");
    assert_eq!(
        (&found["state"], &found["counters"]["flaps"]),
        (&"up".into(), &0.into())
    );
    // A connection to its control socket lasts a moment longer than the question.
    let looks = std::iter::repeat_with(|| {
        std::thread::sleep(Duration::from_millis(10));
        open_files(&daemon)
    });
    let files = looks.take(50).min().expect("fifty");
    let memory = resident_kib(&daemon);
    for round in 0..250 {
        a.netns.ip(&[
            "link set eth0 down",
            "link set eth0 up",
            "link set eth0 down",
            "link set eth0 up",
        ]);
        if round % 50 == 49 {
            wait_up(&daemon, "four");
        }
    }
    wait_up(&daemon, "four");
    let grown = resident_kib(&daemon);
    eprintln!("{files} descriptors, resident {memory} -> {grown} KiB");
    wait_until("no descriptor is left behind", PATIENCE, || {
        open_files(&daemon) <= files
    });
    assert!(grown < memory + 2048, "{memory} -> {grown} KiB");
}
