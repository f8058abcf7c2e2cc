//! S-BFD between two of our daemons: one asks, the other one answers without knowing who asks.

use std::time::Duration;

use lab::bfd::session;
use lab::{Capture, Daemon, Host, Kind, Lan, tshark, wait_for};
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

fn wait_state(daemon: &Daemon, name: &str, state: &str) -> Value {
    wait_session(daemon, name, state, |found| found["state"] == state)
}

fn asking(name: &str, neighbor: &str, discriminator: &str, more: &str) -> String {
    format!(
        "bfd_instance {name} {{ neighbor_ip {neighbor}
            sbfd {discriminator}
            min_tx 50
            multiplier 5
            {more}
        }}\n"
    )
}

fn answering(more: &str) -> String {
    format!(
        "sbfd_reflector {{
            discriminator 10.9.0.2
            discriminator 0x1234
            {more}
        }}\n"
    )
}

fn initiators(more: &str) -> String {
    asking("four", "10.9.0.2", "10.9.0.2", more)
        + &asking("six", "2001:db8::2", "4660", more)
        + &asking("nobody", "10.9.0.2", "99", more)
}

/// BFD-SB-09, BFD-SB-10, BFD-SB-11, RFC 7880 7.2, 7.3, RFC 7881 2, 3: ports, TTL, discriminators, the pace of the reflector, its being
/// closed, and keys.
///
/// Flips: (root).sbfd_reflector, sbfd_reflector.discriminator, sbfd_reflector.min_rx,
/// sbfd_reflector.admin_down, sbfd_reflector.auth, bfd_instance.sbfd.
#[test]
#[ignore = "live: cargo xtask live"]
fn an_initiator_is_up_while_the_reflector_answers() {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    let mut capture = Capture::start_matching(&lan, "udp port 7784");
    let reflector = start(b, &answering("min_rx 80"));
    let daemon = start(a, &initiators(""));
    for name in ["four", "six"] {
        let found = wait_session(&daemon, name, "asks every 80 ms", |found| {
            found["state"] == "up" && found["transmit_interval_seconds"] == 0.08
        });
        assert_eq!(found["kind"], "seamless");
        assert_eq!(found["detection_time_seconds"], 0.4);
    }
    assert_eq!(session(&daemon, "nobody")["state"], "down");
    let answered = |least: u64| {
        let totals = reflector.status()["bfd_totals"]["sbfd_reflector"].clone();
        (totals["answered"].as_u64() > Some(least)).then_some(totals)
    };
    let totals = wait_for("answers", PATIENCE, || answered(20));
    assert!(
        totals["rejected"]["unknown_discriminator"].as_u64() > Some(0),
        "{totals}"
    );
    // It works, and does not want to be used.
    reflector.reload_with(&answering("admin_down"));
    for name in ["four", "six"] {
        let found = wait_state(&daemon, name, "down");
        assert_eq!(found["remote"]["state"], "admin_down");
    }
    reflector.reload_with(&answering(""));
    wait_session(&daemon, "four", "asks every 50 ms", |found| {
        found["state"] == "up" && found["transmit_interval_seconds"] == 0.05
    });
    // Keys on one side only.
    let auth = "auth meticulous_sha1 7 \"s3cret12\"";
    reflector.reload_with(&answering(auth));
    wait_state(&daemon, "four", "down");
    daemon.reload_with(&initiators(auth));
    for name in ["four", "six"] {
        wait_state(&daemon, name, "up");
    }
    // Nobody answers.
    reflector.reload_with("bfd_instance other { neighbor_ip 10.9.0.9\n}");
    let down = wait_state(&daemon, "four", "down");
    let last = down["transitions"].as_array().and_then(|all| all.last());
    assert_eq!(
        last.map(|last| &last["reason"]),
        Some(&"detection_time_expired".into())
    );
    drop((daemon, reflector));
    let file = capture.finish();
    let faults = tshark::fields(&file, "_ws.malformed", &["frame.number"]);
    assert!(faults.is_empty(), "Wireshark objects to {faults:?}");
    for (filter, demand, discriminators) in [
        (
            "ip.dst == 10.9.0.2 && udp.dstport == 7784 && ip.ttl == 255",
            "1",
            "0x0a090002",
        ),
        (
            "ipv6.dst == 2001:db8::2 && udp.dstport == 7784 && ipv6.hlim == 255",
            "1",
            "0x00001234",
        ),
    ] {
        let filter = format!(
            "{filter} && bfd.flags.d == {demand} && bfd.your_discriminator == {discriminators}"
        );
        let rows = tshark::fields(&file, &filter, &["udp.srcport"]);
        assert!(rows.len() > 10, "{} packets with {filter}", rows.len());
        assert!(
            rows.iter()
                .all(|row| row[0] != "7784" && row[0] == rows[0][0])
        );
    }
    for filter in [
        "ip.src == 10.9.0.2 && udp.srcport == 7784 && ip.ttl == 255 && bfd.flags.d == 0 && bfd.sta == 3",
        "ipv6.src == 2001:db8::2 && udp.srcport == 7784 && ipv6.hlim == 255 && bfd.flags.d == 0 && bfd.sta == 3",
    ] {
        let rows = tshark::fields(&file, filter, &["frame.number"]);
        assert!(rows.len() > 10, "{} packets with {filter}", rows.len());
    }
}
