//! The echo function: packets to ourselves, sent back by a kernel, by FRR's host, or by our own daemon
//! where its kernel does not forward.

use std::time::Duration;

use lab::bfd::session;
use lab::peers::{Frr, installed};
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

fn returned(session: &Value) -> u64 {
    session["counters"]["echo_received"].as_u64().unwrap_or(0)
}

fn conf(name: &str, source: &str, neighbor: &str, more: &str) -> String {
    format!(
        "bfd_instance {name} {{ neighbor_ip {neighbor}
            source_ip {source}
            min_tx 50
            min_rx 50
            multiplier 5
            {more}
        }}\n"
    )
}

/// Both families, from one side to the other.
fn both(own: u8, other: u8, more: &str) -> String {
    let (v4, v6) = (
        |last| format!("10.9.0.{last}"),
        |last| format!("2001:db8::{last}"),
    );
    conf("four", &v4(own), &v4(other), more) + &conf("six", &v6(own), &v6(other), more)
}

fn forward(host: &Host, on: bool) {
    let on = u8::from(on);
    host.netns.shell(&format!(
        "echo {on} >/proc/sys/net/ipv4/conf/all/forwarding; echo {on} >/proc/sys/net/ipv6/conf/all/forwarding"
    ));
}

/// BFD-EC-02, BFD-EC-04, BFD-EC-05, BFD-FSM-18: over both families, by our daemon and by a kernel.
///
/// Flips: bfd_instance.echo.
#[test]
#[ignore = "live: cargo xtask live"]
fn echo_packets_come_back_and_end_the_session_when_they_do_not() {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    for host in [a, b] {
        forward(host, false);
    }
    b.netns.ip(&["addr add 10.9.0.3/24 dev eth0"]);
    let capture = Capture::start_matching(&lan, "udp port 3784 or udp port 3785");
    let ours = start(
        a,
        &(both(1, 2, "echo 40") + &conf("plain", "10.9.0.1", "10.9.0.3", "")),
    );
    let theirs = start(b, &both(2, 1, "echo 60"));
    for name in ["four", "six"] {
        let found = wait_session(&ours, name, "has echoes back", |found| returned(found) > 20);
        assert_eq!(found["state"], "up");
        // The neighbour can take one every 60 ms, and control packets become rare.
        assert_eq!(found["echo_interval_seconds"], 0.06);
        assert_eq!(found["required_min_rx_seconds"], 1.0);
        assert!(found["echo_via"].is_string());
        assert!(found["echo_round_trip_seconds"].is_number());
        wait_session(&theirs, name, "has echoes back", |found| {
            returned(found) > 20
        });
    }
    let by_daemon = theirs.status()["bfd_totals"]["echo_packets_returned"].as_u64();
    assert!(by_daemon > Some(40), "{by_daemon:?}");
    // A kernel that forwards does it alone, and nothing comes back twice.
    forward(b, true);
    wait_for("the kernel sends them back", PATIENCE, || {
        let count = || theirs.status()["bfd_totals"]["echo_packets_returned"].as_u64();
        let before = (
            count(),
            returned(&session(&ours, "four")),
            returned(&session(&ours, "six")),
        );
        std::thread::sleep(Duration::from_millis(500));
        let now = (
            returned(&session(&ours, "four")),
            returned(&session(&ours, "six")),
        );
        (count() == before.0 && now.0 > before.1 + 2 && now.1 > before.2 + 2).then_some(())
    });
    let rejected = |daemon: &Daemon, name: &str| session(daemon, name)["rejected"]["echo"].clone();
    let rejected_before = rejected(&ours, "four");
    // The neighbour has another MAC address, and the kernel hears of it.
    b.netns.ip(&["link set eth0 address 02:00:00:00:0b:0b"]);
    a.netns.ip(&[
        "neigh replace 10.9.0.2 lladdr 02:00:00:00:0b:0b dev eth0",
        "neigh replace 2001:db8::2 lladdr 02:00:00:00:0b:0b dev eth0",
    ]);
    for name in ["four", "six"] {
        wait_session(&ours, name, "follows", |found| {
            found["echo_via"] == "02:00:00:00:0b:0b" && found["state"] == "up"
        });
        let before = returned(&session(&ours, name));
        wait_session(&ours, name, "goes on", |found| {
            returned(found) > before + 10
        });
    }
    assert_eq!(rejected(&ours, "four"), rejected_before);
    // Control packets come through, echo packets do not.
    b.netns.shell(
        "nft add table inet drops; nft 'add chain inet drops in { type filter hook prerouting priority -400; }'; \
         nft add rule inet drops in udp dport 3785 drop",
    );
    for name in ["four", "six"] {
        wait_session(&ours, name, "is down", |found| {
            let all = found["transitions"].as_array();
            all.is_some_and(|all| all.iter().any(|one| one["reason"] == "echo_failed"))
        });
    }
    drop((ours, theirs));
    let mut capture = capture;
    let file = capture.finish();
    let faults = tshark::fields(&file, "_ws.malformed", &["frame.number"]);
    assert!(faults.is_empty(), "Wireshark objects to {faults:?}");
    let own = "udp.dstport == 3785 && ((ip.src == 10.9.0.1 && ip.dst == 10.9.0.1) || \
               (ipv6.src == 2001:db8::1 && ipv6.dst == 2001:db8::1))";
    for (family, ttl) in
        [("ip.ttl", "ip"), ("ipv6.hlim", "ipv6")].map(|(field, proto)| (proto, field))
    {
        for hops in [255, 254] {
            let filter = format!("{own} && {family} && {ttl} == {hops}");
            let found = tshark::fields(&file, &filter, &["bfd_echo"]);
            assert!(found.len() > 20, "{} packets with {filter}", found.len());
        }
    }
    let plain = tshark::fields(
        &file,
        "ip.dst == 10.9.0.3 && udp.dstport == 3784",
        &["bfd.required_min_echo_interval"],
    );
    assert!(
        !plain.is_empty() && plain.iter().all(|row| row[0] == "0"),
        "{plain:?}"
    );
    let promised = tshark::fields(
        &file,
        "ip.dst == 10.9.0.2 && udp.dstport == 3784",
        &["bfd.required_min_echo_interval"],
    );
    assert!(
        !promised.is_empty() && promised.iter().all(|row| row[0] == "40000"),
        "{promised:?}"
    );
}

/// BFD-EC-05: below FRR, the kernel sends them back; FRR's own echo packets come back from us.
#[test]
#[ignore = "live: cargo xtask live"]
fn frr_s_host_sends_echo_packets_back() {
    lab::require_live();
    if !installed("/usr/lib/frr/bfdd") || !installed("vtysh") {
        return;
    }
    let lan = Lan::new(&["a", "b"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    forward(b, true);
    let lines = "detect-multiplier 3\n  receive-interval 50\n  transmit-interval 50\n  echo receive-interval 50\n  echo-mode";
    let text = format!(" peer 10.9.0.1 local-address 10.9.0.2 interface eth0\n  {lines}\n exit");
    let frr = Frr::start(b, &text);
    let daemon = start(a, &conf("four", "10.9.0.1", "10.9.0.2", "echo 50"));
    let found = wait_session(&daemon, "four", "has echoes back", |found| {
        returned(found) > 30
    });
    assert_eq!(
        (&found["state"], &found["counters"]["flaps"]),
        (&"up".into(), &0.into())
    );
    let counters = frr.ask(&["show bfd peers counters json"]);
    let counters: Value = serde_json::from_str(&counters).unwrap_or_default();
    assert!(
        counters[0]["echo-packet-input"].as_u64() > Some(10),
        "{counters}"
    );
    forward(b, false);
    let down = wait_session(&daemon, "four", "is down", |found| {
        found["counters"]["flaps"].as_u64() > Some(0)
    });
    let all = down["transitions"].as_array().cloned().unwrap_or_default();
    assert!(
        all.iter().any(|one| one["reason"] == "echo_failed"),
        "{down}"
    );
}
