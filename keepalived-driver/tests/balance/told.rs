//! What is watched elsewhere, and what rests.

use std::path::Path;
use std::sync::Arc;

use healthcheck::Schedule;
use keepalived_driver::balance::{CheckSetup, ProbeSetup};
use keepalived_driver::hooks::HookCommand;
use keepalived_driver::tracked::{FileWatch, TrackerFacts, TrackerSetup, Watch};
use vrrp_fsm::TrackStatus;

use crate::bench::{Bench, check, config, serve, server, service, tcp};

/// CHK-19, CHK-20: levels, also of a name that was told before anybody wanted to know.
#[test]
fn files_and_sessions_decide_as_they_are_told() {
    let file = CheckSetup::new(
        ProbeSetup::File {
            name: "load".into(),
            weight: 2,
        },
        Schedule::told(),
    );
    let session = CheckSetup::new(
        ProbeSetup::Bfd {
            name: "peer".into(),
        },
        Schedule::told(),
    );
    let mut alpha = session.clone();
    alpha.schedule.alpha = true;
    let mut bench = Bench::start(config(vec![
        service("v", vec![server("a", vec![file])]),
        service("w", vec![server("b", vec![session])]),
    ]));
    bench.expect("w started true [true]");
    // Of neither anything was told.
    let taken = bench.snapshot();
    let mut checks = taken.services.iter().map(|one| &one.servers[0].checks[0]);
    assert!(checks.all(|check| check.next.is_none() && !check.running));
    let tracker = Arc::new(TrackerSetup::new("load", Watch::File(FileWatch::new("/f"))));
    let door = bench.remote.trackers();
    let post = |value| door.post(&tracker, TrackStatus::Value(value), TrackerFacts::default());
    post(21);
    bench.expect("a weight 43");
    post(-2_147_483_648);
    bench.expect("a down: value -2147483648 in the file");
    post(0);
    bench.expect("a up");
    bench.remote.set_bfd("peer", false);
    bench.expect("b down: down");
    bench.remote.set_bfd("peer", true);
    bench.expect("b up");
    bench.remote.set_bfd("peer", false);
    bench.expect("b down: down");
    let setup = service("x", vec![server("c", vec![alpha])]);
    bench.remote.reload(config(vec![setup])).unwrap();
    bench.expect("x started false [false]");
    bench.remote.set_bfd("peer", true);
    bench.expect("c up");
}

/// LVS-16.
#[test]
fn checks_rest_while_no_address_of_the_service_is_here() {
    let address = serve(drop);
    let with = |label, addresses: &[&str]| {
        let mut setup = service(label, vec![server("a", vec![check(tcp(address), 20)])]);
        let addresses = addresses.iter().map(|text| text.parse().unwrap());
        setup.suspend_without = addresses.collect();
        setup
    };
    let mut bench = Bench::start(config(vec![
        with("v", &["192.0.2.199"]),
        with("w", &["192.0.2.199", "127.0.0.1"]),
        with("x", &[]),
    ]));
    let all = bench.until("under way", |all| {
        let attempts = |at: usize| all.services[at].servers[0].checks[0].attempts;
        attempts(1) > 3 && attempts(2) > 3
    });
    assert!(all.services[0].suspended && !all.services[1].suspended);
    let resting = &all.services[0].servers[0].checks[0];
    assert!(resting.suspended && resting.attempts == 0 && !resting.known);
    assert!(all.services[0].servers[0].up, "what was held stays so");
    let told = bench.rest();
    let told = told.iter().filter(|told| told.contains("suspended"));
    assert_eq!(told.collect::<Vec<_>>(), ["v suspended true"]);
}

/// IPVS-OPS-07: said once, and the checks go on.
#[test]
fn a_host_without_ipvs_checks_all_the_same_and_says_so_once() {
    let setup = service("v", vec![server("a", vec![check(tcp(serve(drop)), 20)])]);
    let mut bench = Bench::start(config(vec![setup]));
    bench.expect("no IPVS");
    bench.until("checking", |all| {
        all.services[0].servers[0].checks[0].attempts > 20
    });
    assert!(bench.snapshot().ipvs.unavailable.is_some());
    assert!(!bench.rest().contains(&"no IPVS".to_owned()));
}

/// IPVS-OPS-07: loading the module is tried once, before anybody is told. Only where there is no
/// module to be loaded; the table is not touched in any case.
#[test]
fn a_kernel_without_ipvs_is_asked_to_load_it_once() {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let modules = Path::new("/lib/modules").join(release.trim());
    if modules.exists() || Path::new("/proc/net/ip_vs").exists() {
        eprintln!("skipped: this kernel may have IPVS");
        return;
    }
    let mark = Path::new(env!("CARGO_TARGET_TMPDIR")).join("balance-module");
    let _ = std::fs::remove_file(&mark);
    let mut config = keepalived_driver::balance::BalanceConfig::new(vec![]);
    let text = format!("echo loaded >> {}", mark.display());
    config.load_module = Some(Arc::new(HookCommand::new(["/bin/sh", "-c", &text])));
    let mut bench = Bench::start(config);
    bench.expect("no IPVS");
    assert_eq!(std::fs::read_to_string(&mark).unwrap(), "loaded\n");
    let error = bench.snapshot().ipvs.unavailable.clone().unwrap();
    assert!(error.contains("ip_vs"), "{error}");
}
