//! One reload after the other, each with other neighbours: a virtual router that the file leaves alone
//! must not notice.
//!
//! A few seconds of it belong to every run; `KEEPALIVED_LAB_CHURN=300` makes it five minutes.

use std::fmt::Write as _;
use std::time::Duration;

use lab::clock;
use lab::wait::holds_for;
use lab::{Capture, Conf, Daemon, Kind, Lan, lateness_between, wait_until};

const PATIENCE: Duration = Duration::from_secs(15);
const TICK: Duration = Duration::from_secs(1);

/// A small generator, so that a failing round can be made again from its number.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

/// Everything around VI_1 in round `round`: instances that come and go and change, trackers, groups,
/// routes, addresses.
fn neighbours(round: u64) -> String {
    let mut dice = Dice(round);
    let mut text = String::new();
    let present: Vec<u64> = (2..9).filter(|_| dice.coin()).collect();
    let script = dice.below(3);
    let _ = write!(
        text,
        "vrrp_script churn {{\n    script \"/bin/true {script}\"\n    interval 1\n    weight {}\n}}\n",
        dice.below(40)
    );
    for vrid in &present {
        let priority = 50 + dice.below(200);
        let _ = write!(
            text,
            "vrrp_instance VI_{vrid} {{\n    interface eth0\n    virtual_router_id {vrid}\n    version 3\n    \
             priority {priority}\n    advert_int 0.{}\n",
            1 + dice.below(9)
        );
        if dice.coin() {
            text.push_str("    track_script {\n        churn\n    }\n");
        }
        if dice.coin() {
            text.push_str("    nopreempt\n");
        }
        text.push_str("    virtual_ipaddress {\n");
        for last in 1..=1 + dice.below(3) {
            let _ = writeln!(text, "        10.9.{vrid}.{last}/32");
        }
        text.push_str("    }\n");
        if dice.coin() {
            let _ = writeln!(
                text,
                "    virtual_routes {{\n        203.0.113.{}/32 via 10.9.0.2\n    }}",
                vrid * 8 + dice.below(8)
            );
        }
        text.push_str("}\n");
    }
    if present.len() > 2 && dice.coin() {
        let _ = writeln!(
            text,
            "vrrp_sync_group churn {{\n    group {{\n        VI_{}\n        VI_{}\n    }}\n}}",
            present[0], present[1]
        );
    }
    if dice.coin() {
        let _ = writeln!(
            text,
            "static_ipaddress {{\n    10.9.200.{}/32 dev eth0\n}}\nstatic_routes {{\n    198.51.100.0/2{} via 10.9.0.2 dev eth0\n}}",
            1 + dice.below(250),
            4 + dice.below(5)
        );
    }
    text
}

/// KA-R-01, and the aim of five minutes at one reload a second.
#[test]
#[ignore = "live: cargo xtask live"]
fn reloads_of_other_objects_are_not_noticed() {
    lab::require_live();
    let rounds = std::env::var("KEEPALIVED_LAB_CHURN")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(6);
    let lan = Lan::new(&["a", "b"]);
    let capture = Capture::start(&lan);
    let conf = Conf::new(200);
    let a = Daemon::start(Kind::Ours, lan.host("a"), &conf);
    let b = Daemon::start(Kind::CKeepalived, lan.host("b"), &Conf::new(100));
    a.wait_log("(VI_1) Entering MASTER STATE", 1, PATIENCE);
    b.wait_log("Entering BACKUP STATE", 1, PATIENCE);
    let of_ours = || -> Vec<_> {
        let adverts = capture.adverts().into_iter();
        adverts
            .filter(|(_, host, advert)| host == "a" && advert.vrid == conf.vrid)
            .map(|(at, ..)| at)
            .collect()
    };
    wait_until("it advertises", PATIENCE, || of_ours().len() > 3);

    let started = clock::stamp();
    let vip = conf.service_address();
    for round in 1..=rounds {
        let reloads = a.logged("Reload complete");
        a.reload_with(&format!("{}{}", conf.text(), neighbours(round)));
        holds_for(&format!("a is master in round {round}"), TICK, || {
            lan.host("a").holds(vip)
        });
        wait_until(&format!("round {round} is loaded"), PATIENCE, || {
            a.logged("Reload complete") > reloads
        });
    }
    assert_eq!(
        a.logged("(VI_1) Entering"),
        2,
        "init and master, and never again\n{}",
        a.log()
    );
    assert_eq!(b.logged("Entering MASTER STATE"), 0, "{}", b.log());
    let stamps: Vec<_> = of_ours().into_iter().filter(|at| *at >= started).collect();
    // A longer gap is a missed advert.
    let limit = conf.interval * 2;
    for pair in stamps.windows(2) {
        let gap = pair[1]
            .saturating_sub(pair[0])
            .saturating_sub(lateness_between(pair[0], pair[1]));
        assert!(gap < limit, "no advert for {gap:?}");
    }
    println!("{rounds} reloads, {} adverts", stamps.len());
}
