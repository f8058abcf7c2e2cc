//! A process without a descriptor to spare. Alone in its program, because it takes them from everybody.

#[path = "balance/bench.rs"]
#[allow(dead_code, reason = "each test program uses its part")]
mod bench;

use std::fs::File;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};

use bench::{Bench, check, config, serve, server, service, tcp};

/// LESSONS A10: what we lack says nothing about a server. The attempt waits, and is made.
#[test]
fn a_server_does_not_fail_for_want_of_our_descriptors() {
    let few = Rlimit {
        current: Some(64),
        maximum: Some(64),
    };
    setrlimit(Resource::Nofile, few).unwrap();
    let checks = vec![check(tcp(serve(drop)), 50)];
    let mut bench = Bench::start(config(vec![service("v", vec![server("a", checks)])]));
    let attempts = |more: u64| {
        move |all: &keepalived_driver::balance::BalanceSnapshot| {
            all.services[0].servers[0].checks[0].attempts >= more
        }
    };
    bench.until("checked", attempts(3));
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    // Long enough for an attempt to begin in vain, and shorter than its time limit.
    std::thread::sleep(Duration::from_millis(300));
    let during = bench.snapshot().services[0].servers[0].checks[0].attempts;
    drop(taken);
    let all = bench.until("checked again", attempts(during + 3));
    let server = &all.services[0].servers[0];
    assert!(server.up && server.checks[0].failures == 0, "{server:?}");
    let told = bench.rest();
    assert!(!told.iter().any(|told| told.contains("down")), "{told:?}");
}
