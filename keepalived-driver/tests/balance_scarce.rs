//! A process without a descriptor to spare. Alone in its program, because it takes them from everybody.

#[path = "balance/bench.rs"]
#[allow(dead_code, reason = "each test program uses its part")]
mod bench;

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};

use keepalived_driver::balance::{BalanceSnapshot, ProbeSetup};
use keepalived_driver::hooks::HookCommand;

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
    let program = ProbeSetup::Script {
        command: Arc::new(HookCommand::new(["/bin/true"])),
        dynamic: false,
        timeout: Duration::from_secs(5),
    };
    let servers = vec![server("a", checks), server("b", vec![check(program, 50)])];
    let mut bench = Bench::start(config(vec![service("v", servers)]));
    let made = |all: &BalanceSnapshot| {
        let servers = &all.services[0].servers;
        [0, 1].map(|server| servers[server].checks[0].attempts)
    };
    let attempts = |least: [u64; 2], more: u64| {
        move |all: &BalanceSnapshot| {
            let made = made(all);
            made[0] >= least[0] + more && made[1] >= least[1] + more
        }
    };
    bench.until("checked", attempts([0; 2], 3));
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    // Long enough for an attempt to begin in vain, and shorter than its time limit.
    std::thread::sleep(Duration::from_millis(300));
    let during = made(&bench.snapshot());
    drop(taken);
    let all = bench.until("checked again", attempts(during, 3));
    for server in &all.services[0].servers {
        assert!(server.up && server.checks[0].failures == 0, "{server:?}");
    }
    let told = bench.rest();
    assert!(!told.iter().any(|told| told.contains("down")), "{told:?}");
}
