//! From one configuration to the next.

use std::sync::Arc;
use std::time::Duration;

use keepalived_driver::balance::{CheckSetup, ProbeSetup, ServiceSetup};
use keepalived_driver::hooks::HookCommand;

use crate::bench::{
    Bench, check, closed_port, config, mortal_listener, serve, server, service, tcp,
};

/// LVS-20, LESSONS A3: KA#608 put a failed server back into service by a reload.
#[test]
fn a_failed_server_stays_failed_while_its_definition_is_the_same() {
    let (good, bad) = (serve(drop), closed_port());
    let with = |weight: u32| {
        let mut setup = service(
            "v",
            vec![
                server("a", vec![check(tcp(good), 20)]),
                server("b", vec![check(tcp(bad), 20)]),
            ],
        );
        setup.servers[0].destination.weight = weight;
        setup
    };
    let mut bench = Bench::start(config(vec![with(1)]));
    bench.expect("b down: connection refused");
    let before = bench.until("checked", |all| {
        all.services[0].servers[0].checks[0].attempts > 3
    });
    bench.rest();
    bench.remote.reload(config(vec![with(1)])).unwrap();
    bench.expect("reloaded 0 0 0 1");
    bench.remote.reload(config(vec![with(9)])).unwrap();
    bench.expect("reloaded 0 1 0 0");
    let after = bench.until("placed", |all| all.services[0].servers[0].placed == Some(9));
    let attempts = |all: &keepalived_driver::balance::BalanceSnapshot| {
        all.services[0].servers[0].checks[0].attempts
    };
    assert!(attempts(&after) >= attempts(&before), "it went on");
    assert!(!after.services[0].servers[1].up);
    assert_eq!(after.services[0].servers[1].placed, None);
    assert_eq!(
        bench.rest(),
        Vec::<String>::new(),
        "nothing changed its state"
    );
}

/// A changed check begins anew, but does not by itself bring back who had failed, nor take out who
/// works.
#[test]
fn a_changed_check_has_to_prove_itself_in_both_directions() {
    let (good, bad) = (serve(drop), closed_port());
    let with = |target: [std::net::SocketAddr; 2], alpha: bool| {
        let check = |to| {
            let mut check = check(tcp(to), 100);
            check.schedule.alpha = alpha;
            check.schedule.warmup = Duration::from_millis(200);
            check
        };
        service(
            "v",
            vec![
                server("a", vec![check(target[0])]),
                server("b", vec![check(target[1])]),
            ],
        )
    };
    let mut bench = Bench::start(config(vec![with([good, bad], false)]));
    bench.expect("b down: connection refused");
    let other = serve(drop);
    bench
        .remote
        .reload(config(vec![with([other, other], true)]))
        .unwrap();
    bench.expect("reloaded 0 1 0 0");
    // The working one is never told as down; the failed one comes with its first success.
    bench.expect("b up");
    let told = bench.told.iter().filter(|told| told.starts_with("a "));
    assert_eq!(told.count(), 0, "{:?}", bench.told);
}

/// At other times the same is looked at, and what was found of it counts: the weight too.
#[test]
fn what_a_check_found_counts_when_only_its_times_change() {
    let with = |milliseconds: u64| {
        let probe = ProbeSetup::Script {
            command: Arc::new(HookCommand::new(["/bin/sh", "-c", "exit 7"])),
            dynamic: true,
            timeout: Duration::from_secs(10),
        };
        let mut check = check(probe, milliseconds);
        check.schedule.warmup = Duration::from_millis(milliseconds);
        config(vec![service("v", vec![server("a", vec![check])])])
    };
    let mut bench = Bench::start(with(20));
    bench.expect("a weight 5");
    bench.remote.reload(with(100_000_000)).unwrap();
    bench.expect("reloaded 0 1 0 0");
    let all = bench.snapshot();
    let server = &all.services[0].servers[0];
    assert_eq!((server.checks[0].attempts, server.weight), (0, 5));
}

#[test]
fn a_server_that_a_reload_brings_back_has_gone_up_once_more() {
    let with = |checks: Vec<CheckSetup>| config(vec![service("v", vec![server("a", checks)])]);
    let mut bench = Bench::start(with(vec![check(tcp(closed_port()), 20)]));
    bench.expect("a down: connection refused");
    assert_eq!(bench.snapshot().services[0].servers[0].transitions, 1);
    bench.remote.reload(with(vec![])).unwrap();
    bench.expect("reloaded 0 1 0 0");
    bench.expect("a up");
    assert_eq!(bench.snapshot().services[0].servers[0].transitions, 2);
}

/// The thread that talks to the kernel is in one namespace for its life.
#[test]
fn a_reload_with_another_namespace_says_that_it_stays() {
    let with = |namespace: &str| {
        let mut config = config(vec![]);
        config.namespace = Some(namespace.into());
        config
    };
    let mut bench = Bench::start(with("/nonexistent/one"));
    for namespace in ["/nonexistent/one", "/nonexistent/two", "/nonexistent/two"] {
        bench.remote.reload(with(namespace)).unwrap();
        bench.expect("reloaded 0 0 0 0");
    }
    let told = bench.told.iter().filter(|told| told.contains("namespace"));
    let wanted = r#"Trouble { text: "the namespace of IPVS cannot be changed by a reload" }"#;
    assert_eq!(told.collect::<Vec<_>>(), [wanted]);
}

/// LESSONS A24: removed servers drain; removed services are told of as gone.
#[test]
fn what_a_reload_removes_is_told_and_drains_where_that_is_wanted() {
    let with = |servers: &[&str], drain: u64| {
        let servers = servers.iter().map(|label| server(label, vec![]));
        let mut setup = service("v", servers.collect());
        setup.drain = Duration::from_millis(drain);
        setup
    };
    let gone = || service("w", vec![server("z", vec![])]);
    let mut bench = Bench::start(config(vec![with(&["a", "b"], 0), gone()]));
    bench.expect("Ready");
    bench
        .remote
        .reload(config(vec![with(&["a", "c"], 60_000)]))
        .unwrap();
    bench.expect("reloaded 0 1 1 0");
    bench.expect("z down");
    bench.expect("w lost 0");
    bench.expect("c starts up");
    bench.expect("b down");
    let key = |label| server(label, vec![]).destination.key;
    let all = bench.snapshot();
    assert_eq!(all.services.len(), 1);
    assert_eq!(all.services[0].draining, [key("b")]);
    // It comes back: no draining. And another one goes.
    bench
        .remote
        .reload(config(vec![with(&["b", "c"], 60_000)]))
        .unwrap();
    bench.expect("reloaded 0 1 0 0");
    assert_eq!(bench.snapshot().services[0].draining, [key("a")]);
    // For a moment only, and the other one goes on.
    bench
        .remote
        .reload(config(vec![with(&["b"], 100)]))
        .unwrap();
    bench.expect("reloaded 0 1 0 0");
    bench.until("drained", |all| all.services[0].draining == [key("a")]);
}

/// LESSONS A24.
#[test]
fn what_drains_goes_on_to_over_further_reloads() {
    let with = |servers: &[&str], drain: u64| {
        let servers = servers.iter().map(|label| server(label, vec![]));
        let mut setup = service("v", servers.collect());
        setup.drain = Duration::from_secs(drain);
        config(vec![setup])
    };
    let mut bench = Bench::start(with(&["a", "b"], 60));
    let gone = server("b", vec![]).destination.key;
    // Of those that follow `c` goes at once.
    for setup in [with(&["a"], 60), with(&["a", "c"], 60), with(&["a"], 0)] {
        bench.remote.reload(setup).unwrap();
        bench.expect("reloaded 0 1 0 0");
        assert_eq!(bench.snapshot().services[0].draining, [gone]);
    }
}

/// The quorum with its hysteresis is remembered: 2 of 3 is enough for who had it, not to gain it.
#[test]
fn a_quorum_within_its_hysteresis_survives_a_reload() {
    let good = serve(drop);
    let listener = mortal_listener();
    let failing = listener.local_addr().unwrap();
    let with = |label: &str| -> Vec<ServiceSetup> {
        let mut setup = service(
            "v",
            vec![
                server("a", vec![check(tcp(good), 20)]),
                server("b", vec![check(tcp(good), 20)]),
                server("c", vec![check(tcp(failing), 20)]),
            ],
        );
        setup.quorum = 2;
        setup.hysteresis = 1;
        setup.servers[0].label = label.into();
        vec![setup]
    };
    let mut bench = Bench::start(config(with("a")));
    bench.expect("v started true [true, true, true]");
    drop(listener);
    // Refused, or reset if it came in just before.
    bench.expect("c down: connection *");
    bench.remote.reload(config(with("renamed"))).unwrap();
    bench.expect("reloaded 0 1 0 0");
    let all = bench.snapshot();
    assert!(all.services[0].quorum);
    assert_eq!(bench.rest(), Vec::<String>::new());
}
