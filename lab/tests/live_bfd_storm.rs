//! BFD under fire: packets that nobody should send, and a path that works in one direction only.

use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use lab::{Capture, Daemon, Host, Kind, Lan, clock, tshark, wait_for, wait_until};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(20);
const PER_SECOND: u32 = 10_000;
const SECONDS: u32 = 4;

fn start(host: &Host, neighbor: &str) -> Daemon {
    let conf = format!(
        "bfd_instance one {{ neighbor_ip {neighbor}
            source_ip {}
            min_tx 50
            min_rx 50
            multiplier 3
        }}\n",
        host.ipv4
    );
    let daemon = Daemon::start_with(Kind::Ours, host, &conf);
    daemon.wait_log("Startup complete", 1, PATIENCE);
    daemon
}

fn session(daemon: &Daemon) -> Value {
    daemon.status()["bfd"][0].clone()
}

fn wait_state(daemon: &Daemon, state: &str) -> Value {
    wait_for(&format!("the session is {state}"), PATIENCE, || {
        Some(session(daemon)).filter(|session| session["state"] == state)
    })
}

/// Payload and TTL of the vectors that a session without authentication discards, whoever it is
/// with.
fn malformed() -> Vec<(Vec<u8>, u32)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bfd/tests/vectors/bfd.json");
    let text = std::fs::read_to_string(file).expect("the vectors of the crate");
    let all: Value = serde_json::from_str(&text).expect("JSON");
    let discarded = |vector: &&Value| {
        let reason = vector["reason"].as_str().unwrap_or_default();
        // These depend on the session that the vector is for.
        let depends = [
            "ok",
            "",
            "AUTH_MISSING",
            "NO_SESSION",
            "SESSION_ADMIN_DOWN",
            "TTL_BELOW_MIN",
            "WRONG_PORT",
        ];
        vector["valid"] == false && vector["dport"] == 3784 && !depends.contains(&reason)
    };
    let octets = |hex: &str| -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2);
        let octet = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok();
        digits.map(|two| octet(two).expect("hex")).collect()
    };
    let vectors = all["vectors"].as_array().expect("a list");
    vectors
        .iter()
        .filter(discarded)
        .map(|vector| {
            let hex = vector["hex"].as_str().expect("hex");
            let ttl = vector["ttl"].as_u64().expect("a TTL");
            (octets(hex), u32::try_from(ttl).expect("an octet"))
        })
        .collect()
}

fn sum(counters: &Value) -> u64 {
    let counters = counters.as_object().expect("counters by reason");
    counters.values().filter_map(Value::as_u64).sum()
}

/// Everything that was discarded, of a session or of nobody.
fn discarded(daemon: &Daemon) -> u64 {
    let status = daemon.status();
    sum(&status["bfd"][0]["rejected"]) + sum(&status["bfd_totals"]["unclaimed_packets"])
}

/// BFD-RX-01 to BFD-RX-08, BFD-RX-10, BFD-RX-11, BFD-RX-22, BFD-RX-23: ten thousand a second, from
/// the neighbour's own address.
#[test]
#[ignore = "live: cargo xtask live"]
fn malformed_packets_change_nothing_but_counters() {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    let (daemon, other) = (start(a, "10.9.0.2"), start(b, "10.9.0.1"));
    wait_state(&daemon, "up");
    wait_state(&other, "up");
    let vectors = malformed();
    assert!(vectors.len() > 30, "{} vectors", vectors.len());
    let before = (session(&daemon), discarded(&daemon));
    let storm = b.netns.spawn(move || {
        let sockets = [255, 254].map(|ttl| {
            let socket = UdpSocket::bind("10.9.0.2:0").expect("an address of this host");
            socket.set_ttl(ttl).expect("a TTL");
            socket.connect("10.9.0.1:3784").expect("a neighbour");
            socket
        });
        let begin = clock::now();
        let mut sent = 0_u32;
        while sent < PER_SECOND * SECONDS {
            let due = begin.elapsed().as_secs_f64() * f64::from(PER_SECOND);
            while f64::from(sent) < due && sent < PER_SECOND * SECONDS {
                let (octets, ttl) = &vectors[sent as usize % vectors.len()];
                let socket = &sockets[usize::from(*ttl != 255)];
                socket.send(octets).expect("sent");
                sent += 1;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        (u64::from(sent), begin.elapsed())
    });
    let (sent, length) = storm.join().expect("the storm is over");
    assert!(
        length < Duration::from_secs(u64::from(SECONDS) * 2),
        "{sent} packets took {length:?}"
    );
    wait_until("all are counted", PATIENCE, || {
        discarded(&daemon) >= before.1 + sent
    });
    assert_eq!(discarded(&daemon), before.1 + sent);
    let after = session(&daemon);
    assert_eq!(after["state"], "up", "{after}");
    for field in ["flaps", "ups", "polls"] {
        assert_eq!(after["counters"][field], before.0["counters"][field]);
    }
    let remote = |session: &Value| session["remote"]["discriminator"].clone();
    assert_eq!(remote(&after), remote(&before.0));
    assert_eq!(session(&other)["counters"]["flaps"], 0);
    assert_eq!(daemon.logged("Entering Down state"), 0, "{}", daemon.log());
}

/// BFD-FSM-17, BFD-FSM-22: whoever hears nothing goes down, and tells the other side, which hears
/// that. Wireshark reads what both send.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_path_that_works_in_one_direction_is_down_in_both() {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    let mut capture = Capture::start_matching(&lan, "udp port 3784");
    let (daemon, other) = (start(a, "10.9.0.2"), start(b, "10.9.0.1"));
    for round in 1..=3 {
        wait_state(&daemon, "up");
        wait_state(&other, "up");
        // What `a` sends arrives; what `b` sends does not.
        lan.deafen("a");
        daemon.wait_log(
            "Entering Down state (Local diagnostic - Control Detection Time Expired",
            round,
            PATIENCE,
        );
        let told = wait_state(&other, "down");
        assert_eq!(
            told["diagnostic"], "neighbor_signaled_session_down",
            "{told}"
        );
        lan.unmute("a");
    }
    wait_state(&daemon, "up");
    wait_state(&other, "up");
    let file = capture.finish();
    // The kernel leaves the checksum of what goes through its own sockets to the network card.
    let filter = "_ws.malformed || (_ws.expert.severity >= 0x600000 && udp.checksum.status != 0)";
    let faults = tshark::fields(&file, filter, &["frame.number"]);
    assert!(faults.is_empty(), "Wireshark objects to {faults:?}");
    let fields = ["ip.src", "bfd.sta", "bfd.diag", "bfd.version", "ip.ttl"];
    let read = tshark::fields(&file, "bfd", &fields);
    assert!(read.len() > 30, "{} packets", read.len());
    assert!(read.iter().all(|row| row[3] == "1" && row[4] == "255"));
    let says = |from: &str, state: u8, diagnostic: u8| {
        let hex = |text: &str| u8::from_str_radix(text.trim_start_matches("0x"), 16).ok();
        read.iter().any(|row| {
            row[0] == from && hex(&row[1]) == Some(state) && hex(&row[2]) == Some(diagnostic)
        })
    };
    // RFC 5880 4.1: down for silence is 1, down for the neighbour's word is 3.
    assert!(says("10.9.0.1", 1, 1), "`a` says why: {read:?}");
    assert!(says("10.9.0.2", 1, 3), "`b` says why: {read:?}");
}
