//! Real peers: FRR, BIRD and Keepalived in network namespaces of our own, with tshark looking on.
//!
//! Needs root, and runs only with `KEEPALIVED_LIVE=1`:
//!
//! ```sh
//! KEEPALIVED_LIVE=1 cargo test -p bfd --test live -- --nocapture --test-threads=1
//! ```
//!
//! A peer that is not installed is said to be missing, and its tests are skipped.

#[path = "live/agent.rs"]
mod agent;
mod common;
#[path = "live/net.rs"]
mod net;
#[path = "live/peers.rs"]
mod peers;

use std::net::IpAddr;
use std::time::Duration;

use bfd::{
    AuthConfig, AuthKind, Definition, Demand, Diagnostic, Event, Key, Multihop, Reason, Secret,
    SessionConfig, SingleHop, State,
};

use agent::{Agent, Command, INTERFACE, Snapshot};
use common::{ms, mult};
use net::{Net, Process};
use peers::{Bird, Frr, Keepalived, has};

/// A busy machine may take this long to wake somebody up.
const SLACK: Duration = Duration::from_millis(300);

fn wanted(programs: &[&str]) -> bool {
    if std::env::var("KEEPALIVED_LIVE").as_deref() != Ok("1") {
        eprintln!("skipped: KEEPALIVED_LIVE is not 1");
        return false;
    }
    has(&["ip", "sysctl"]) && has(programs)
}

const BIRD: &[&str] = &["bird", "birdc"];
const FRR: &[&str] = &["/usr/lib/frr/bfdd", "/usr/lib/frr/zebra", "vtysh"];

fn config(millis: u32) -> SessionConfig {
    SessionConfig::new(ms(millis), ms(millis), mult(3))
}

fn neighbour(local: &str, peer: &str, config: SessionConfig) -> Definition {
    let path = SingleHop {
        interface: INTERFACE,
        peer: peer.parse().unwrap(),
        local: Some(local.parse::<IpAddr>().unwrap()),
        point_to_point: false,
        ttl: 255,
        min_ttl: 255,
    };
    Definition::SingleHop(path, config)
}

fn v4(config: SessionConfig) -> Definition {
    neighbour("192.0.2.1", "192.0.2.2", config)
}

fn distant(min_ttl: u8, config: SessionConfig) -> Definition {
    let path = Multihop {
        peer: "198.51.100.2".parse().unwrap(),
        local: Some("192.0.2.1".parse().unwrap()),
        min_ttl,
        ttl: 255,
    };
    Definition::Multihop(path, config)
}

fn start(net: &Net, definition: Definition) -> Agent {
    let agent = Agent::start(&net.namespace('a'), definition);
    agent.wait("there", |_| true);
    agent
}

/// Wireshark understands every packet of the run and has nothing to say against it.
fn finish(mut net: Net) {
    match net.verdict() {
        None => eprintln!("skipped: no tcpdump or tshark to look at the packets"),
        Some((wrong, packets)) => {
            assert_eq!(wrong, "", "tshark objects");
            assert!(packets > 10, "{packets} packets");
        }
    }
}

const BIRD_V4: &str = "neighbor 192.0.2.1 dev \"vb\" local 192.0.2.2;";

fn bird(options: &str) -> String {
    format!("interface \"vb\" {{ {options} }}; {BIRD_V4}")
}

/// The session comes up, both sides use what was negotiated, and nothing was rejected.
fn check_up(agent: &Agent, interval: u32, detection: u64) -> Snapshot {
    let found = agent.wait_up();
    assert_eq!(found.timers.transmit_interval, ms(interval));
    assert_eq!(
        found.timers.detection_time,
        Some(Duration::from_millis(detection))
    );
    assert_eq!(
        found.stats.rejected.total(),
        0,
        "{:?}",
        found.stats.rejected
    );
    found
}

/// The peer dies without a word: down after exactly the detection time, as seen from the last
/// packet.
fn check_death(agent: &Agent, name: &str, kill: impl FnOnce()) {
    std::thread::sleep(Duration::from_millis(500));
    let detection = agent.look().timers.detection_time.unwrap();
    let before = agent.now();
    kill();
    let found = agent.wait_down();
    let (transition, silence) = found.transitions.last().unwrap();
    assert_eq!(transition.reason, Reason::DetectionTime);
    assert_eq!(transition.diagnostic, Diagnostic::TIME_EXPIRED);
    assert!(*silence >= detection, "{silence:?} is early");
    assert!(*silence <= detection + SLACK, "{silence:?} is late");
    let since = transition.at.saturating_duration_since(before);
    assert!(since <= detection + SLACK, "{since:?} after the kill");
    let late = *silence - detection;
    eprintln!("{name}: down {late:?} after the detection time of {detection:?}");
}

#[test]
fn bird_comes_up_and_its_death_is_noticed() {
    if !wanted(BIRD) {
        return;
    }
    for (millis, name) in [(50, "BIRD 50 ms x 3"), (10, "BIRD 10 ms x 3")] {
        let net = Net::new();
        let mut bird = Bird::start(&net, &bird(&format!("interval {millis} ms; multiplier 3;")));
        let agent = start(&net, v4(config(millis)));
        let found = check_up(&agent, millis, u64::from(millis) * 3);
        assert_eq!(found.remote.detect_mult, Some(mult(3)));
        let text = bird.ask("show bfd sessions");
        let seconds = f64::from(millis) / 1000.0;
        let expected = format!("{seconds:.3}    {:.3}", seconds * 3.0);
        assert!(text.contains("Up") && text.contains(&expected), "{text}");
        std::thread::sleep(Duration::from_secs(2));
        assert_eq!(agent.look().stats.flaps, 0);
        check_death(&agent, name, || bird.kill());
        finish(net);
    }
}

#[test]
fn bird_comes_up_over_ipv6() {
    if !wanted(BIRD) {
        return;
    }
    for (local, peer) in [("2001:db8::1", "2001:db8::2"), ("fe80::1", "fe80::2")] {
        let net = Net::new();
        let protocol = format!(
            "interface \"vb\" {{ interval 50 ms; multiplier 3; }}; \
             neighbor {local} dev \"vb\" local {peer};"
        );
        let _bird = Bird::start(&net, &protocol);
        let agent = start(&net, neighbour(local, peer, config(50)));
        check_up(&agent, 50, 150);
        finish(net);
    }
}

fn auth(kind: AuthKind, secret: &str) -> Option<AuthConfig> {
    let key = Key::new(7, Secret::new(secret.as_bytes()).unwrap());
    Some(AuthConfig::new(kind, vec![key]).unwrap())
}

const KINDS: [(AuthKind, &str); 5] = [
    (AuthKind::Simple, "simple"),
    (AuthKind::KeyedMd5, "keyed md5"),
    (AuthKind::MeticulousMd5, "meticulous keyed md5"),
    (AuthKind::KeyedSha1, "keyed sha1"),
    (AuthKind::MeticulousSha1, "meticulous keyed sha1"),
];

#[test]
fn bird_and_we_authenticate_each_other_in_all_five_ways() {
    if !wanted(BIRD) {
        return;
    }
    for (kind, name) in KINDS {
        let net = Net::new();
        let options = format!(
            "interval 50 ms; multiplier 3; authentication {name}; \
             password \"s3cret12\" {{ id 7; }};"
        );
        let mut bird = Bird::start(&net, &bird(&options));
        let agent = start(&net, v4(config(50).with_auth(auth(kind, "s3cret12"))));
        check_up(&agent, 50, 150);
        // Long enough for many windows of sequence numbers.
        std::thread::sleep(Duration::from_secs(3));
        let found = agent.look();
        assert_eq!((found.state, found.stats.flaps), (State::Up, 0), "{name}");
        assert_eq!(
            found.stats.rejected.total(),
            0,
            "{name}: {:?}",
            found.stats.rejected
        );
        check_death(&agent, &format!("BIRD {name}"), || bird.kill());
        finish(net);
    }
}

#[test]
fn bird_with_another_key_or_without_any_stays_outside() {
    if !wanted(BIRD) {
        return;
    }
    for (options, ours, reason) in [
        (
            "authentication keyed sha1; password \"an0ther\" { id 7; };",
            auth(AuthKind::KeyedSha1, "s3cret12"),
            "auth_digest",
        ),
        (
            "authentication keyed sha1; password \"s3cret12\" { id 8; };",
            auth(AuthKind::KeyedSha1, "s3cret12"),
            "auth_unknown_key",
        ),
        (
            "",
            auth(AuthKind::MeticulousSha1, "s3cret12"),
            "auth_missing",
        ),
        (
            "authentication simple; password \"s3cret12\" { id 7; };",
            None,
            "auth_unexpected",
        ),
    ] {
        let net = Net::new();
        let _bird = Bird::start(&net, &bird(&format!("interval 50 ms; {options}")));
        let agent = start(&net, v4(config(50).with_auth(ours)));
        let found = agent.wait("rejecting", |found| found.stats.rejected.total() >= 3);
        assert_eq!((found.state, found.stats.received), (State::Down, 0));
        let counted: Vec<_> = found
            .stats
            .rejected
            .iter()
            .filter(|(_, n)| *n > 0)
            .collect();
        assert!(counted.len() == 1 && counted[0].0 == reason, "{counted:?}");
    }
}

#[test]
fn bird_and_we_change_intervals_while_up() {
    if !wanted(BIRD) {
        return;
    }
    let net = Net::new();
    let bird_process = Bird::start(&net, &bird("interval 50 ms; multiplier 3;"));
    let agent = start(&net, v4(config(50)));
    check_up(&agent, 50, 150);
    for (tx, rx) in [(200, 200), (20, 20), (100, 30)] {
        let definition = v4(SessionConfig::new(ms(tx), ms(rx), mult(3)));
        agent.send(Command::Reload(definition));
        let interval = tx.max(50);
        let detection = u64::from(rx.max(50)) * 3;
        let found = agent.wait("changed", |found| {
            found.timers.transmit_interval == ms(interval)
                && found.timers.detection_time == Some(Duration::from_millis(detection))
                && !found.polling
        });
        assert_eq!(found.stats.flaps, 0);
    }
    bird_process.reconfigure(&bird("interval 300 ms; multiplier 5;"));
    let found = agent.wait("changed by the peer", |found| {
        found.timers.transmit_interval == ms(300)
            && found.timers.detection_time == Some(Duration::from_millis(1500))
    });
    assert_eq!((found.state, found.stats.flaps), (State::Up, 0));
    finish(net);
}

#[test]
fn bird_comes_up_over_several_hops_within_the_bound_only() {
    if !wanted(BIRD) {
        return;
    }
    let protocol = "multihop { interval 50 ms; multiplier 3; }; \
                    neighbor 192.0.2.1 local 198.51.100.2 multihop;";
    // BIRD sends with a TTL of 64 over several hops, and there is one router in between.
    for (min_ttl, comes_up) in [(63, true), (64, false), (0, true)] {
        let net = Net::routed();
        let mut bird = Bird::start(&net, protocol);
        let agent = start(&net, distant(min_ttl, config(50)));
        if comes_up {
            check_up(&agent, 50, 150);
            check_death(&agent, "BIRD multihop", || bird.kill());
            finish(net);
        } else {
            let found = agent.wait("rejecting", |found| found.stats.rejected.total() >= 3);
            assert_eq!((found.state, found.stats.received), (State::Down, 0));
        }
    }
}

#[test]
fn bird_falls_silent_in_demand_mode_and_answers_polls() {
    if !wanted(BIRD) {
        return;
    }
    let net = Net::new();
    let mut bird = Bird::start(&net, &bird("interval 50 ms; multiplier 3;"));
    let agent = start(&net, v4(config(50).with_demand(Demand::Verify(ms(500)))));
    agent.wait_up();
    std::thread::sleep(Duration::from_millis(500));
    let before = agent.look().stats;
    std::thread::sleep(Duration::from_secs(3));
    let after = agent.look();
    assert_eq!((after.state, after.stats.flaps), (State::Up, 0));
    let heard = after.stats.received - before.received;
    // Six verifications; periodic packets would be seventy.
    assert!(
        (4..=14).contains(&heard),
        "{heard} packets in three seconds"
    );
    bird.kill();
    let found = agent.wait_down();
    assert_eq!(
        found.transitions.last().unwrap().0.reason,
        Reason::PollUnanswered
    );
    finish(net);
}

#[test]
fn bird_loses_one_direction_and_both_sides_know() {
    if !wanted(BIRD) || !has(&["nft"]) {
        return;
    }
    let net = Net::new();
    let bird = Bird::start(&net, &bird("interval 50 ms; multiplier 3;"));
    let agent = start(&net, v4(config(50)));
    check_up(&agent, 50, 150);
    for host in ['b', 'a'] {
        let flaps = agent.look().stats.flaps;
        net.inside(host, "nft add table inet cut");
        net.inside(
            host,
            "nft add chain inet cut out { type filter hook output priority 0 ; }",
        );
        net.inside(host, "nft add rule inet cut out udp dport 3784 drop");
        let found = agent.wait_down();
        let reason = found
            .transitions
            .iter()
            .rev()
            .find(|(t, _)| t.from == State::Up);
        let expected = if host == 'b' {
            Reason::DetectionTime
        } else {
            Reason::Received(State::Down)
        };
        assert_eq!(reason.unwrap().0.reason, expected);
        let deadline = agent::now() + Duration::from_secs(5);
        while bird.ask("show bfd sessions").contains("Up") {
            assert!(agent::now() < deadline, "BIRD does not know");
        }
        net.inside(host, "nft delete table inet cut");
        agent.wait_up();
        assert_eq!(agent.look().stats.flaps, flaps + 1);
    }
    finish(net);
}

const FRR_PEER: &str = "peer 192.0.2.1 local-address 192.0.2.2 interface vb";

fn frr(options: &[&str]) -> String {
    format!(" {FRR_PEER}\n  {}\n exit", options.join("\n  "))
}

const FRR_50: &[&str] = &[
    "detect-multiplier 3",
    "receive-interval 50",
    "transmit-interval 50",
];

/// Waits until FRR says this of its peer.
fn wait_frr(frr: &Frr, key: &str, value: &serde_json::Value) -> serde_json::Value {
    let deadline = agent::now() + Duration::from_secs(15);
    loop {
        let peer = frr.peer();
        if peer[key] == *value {
            return peer;
        }
        assert!(agent::now() < deadline, "{key} is not {value}: {peer}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn frr_comes_up_dies_and_comes_back() {
    if !wanted(FRR) {
        return;
    }
    let net = Net::new();
    let mut frr = Frr::start(&net, &frr(FRR_50));
    let agent = start(&net, v4(config(50)));
    check_up(&agent, 50, 150);
    let peer = wait_frr(&frr, "status", &"up".into());
    assert_eq!(peer["remote-receive-interval"], 50);
    assert_eq!(peer["remote-transmit-interval"], 50);
    assert_eq!(peer["remote-detect-multiplier"], 3);
    check_death(&agent, "FRR 50 ms x 3", || frr.kill());
    frr.restart(&net);
    agent.wait_up();
    // A restart of our side, which FRR hears of before its detection time or after.
    drop(agent);
    let agent = start(&net, v4(config(50)));
    agent.wait_up();
    wait_frr(&frr, "status", &"up".into());
    finish(net);
}

/// `examples/udp.rs`, as it is built beside this test.
#[test]
fn frr_comes_up_with_the_example() {
    if !wanted(FRR) {
        return;
    }
    let example = std::env::current_exe().unwrap();
    let example = example
        .parent()
        .unwrap()
        .with_file_name("examples")
        .join("udp");
    if !has(&[example.to_str().unwrap()]) {
        return;
    }
    for (local, peer) in [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")] {
        let net = Net::new();
        let line = format!(
            " peer {local} local-address {peer} interface vb\n  \
             receive-interval 50\n  transmit-interval 50\n exit"
        );
        let frr = Frr::start(&net, &line);
        let mut command = net.command('a', example.to_str().unwrap());
        command.args([local, peer, "va", "50"]);
        let mut ours = Process::start(command);
        let peer = wait_frr(&frr, "status", &"up".into());
        assert_eq!(peer["remote-transmit-interval"], 50);
        ours.kill();
        let peer = wait_frr(&frr, "status", &"down".into());
        assert_eq!(
            peer["diagnostic"], "control detection time expired",
            "{peer}"
        );
        finish(net);
    }
}

#[test]
fn frr_comes_up_over_ipv6() {
    if !wanted(FRR) {
        return;
    }
    let net = Net::new();
    let peer = " peer 2001:db8::1 local-address 2001:db8::2 interface vb\n  \
                receive-interval 50\n  transmit-interval 50\n exit";
    let frr = Frr::start(&net, peer);
    let agent = start(&net, neighbour("2001:db8::1", "2001:db8::2", config(50)));
    check_up(&agent, 50, 150);
    wait_frr(&frr, "status", &"up".into());
    finish(net);
}

#[test]
fn frr_and_we_respect_each_others_operators() {
    if !wanted(FRR) {
        return;
    }
    let net = Net::new();
    let frr = Frr::start(&net, &frr(FRR_50));
    let agent = start(&net, v4(config(50)));
    agent.wait_up();
    agent.send(Command::Event(Event::AdminDown));
    let peer = wait_frr(&frr, "status", &"down".into());
    assert_eq!(peer["remote-diagnostic"], "administratively down", "{peer}");
    agent.wait("held", |found| found.state == State::AdminDown);
    agent.send(Command::Event(Event::AdminUp));
    agent.wait_up();
    wait_frr(&frr, "status", &"up".into());
    frr.change(FRR_PEER, "shutdown");
    let found = agent.wait_down();
    let (transition, _) = found.transitions.last().unwrap();
    assert_eq!(transition.reason, Reason::Received(State::AdminDown));
    assert!(!transition.is_failure());
    assert_eq!(transition.diagnostic, Diagnostic::NEIGHBOR_DOWN);
    frr.change(FRR_PEER, "no shutdown");
    agent.wait_up();
    finish(net);
}

#[test]
fn frr_and_we_change_intervals_while_up() {
    if !wanted(FRR) {
        return;
    }
    let net = Net::new();
    let frr = Frr::start(&net, &frr(FRR_50));
    let agent = start(&net, v4(config(50)));
    agent.wait_up();
    for (ours, interval, detection) in [(200, 200, 600), (50, 50, 150), (300, 300, 900)] {
        agent.send(Command::Reload(v4(config(ours))));
        let found = agent.wait("changed", |found| {
            found.timers.transmit_interval == ms(interval)
                && found.timers.detection_time == Some(Duration::from_millis(detection))
                && !found.polling
        });
        assert_eq!(found.stats.flaps, 0);
        wait_frr(&frr, "remote-receive-interval", &ours.into());
    }
    agent.send(Command::Reload(v4(config(50))));
    frr.change(FRR_PEER, "transmit-interval 400");
    frr.change(FRR_PEER, "receive-interval 250");
    frr.change(FRR_PEER, "detect-multiplier 4");
    let found = agent.wait("changed by the peer", |found| {
        found.timers.transmit_interval == ms(250)
            && found.timers.detection_time == Some(Duration::from_millis(1600))
    });
    assert_eq!((found.state, found.stats.flaps), (State::Up, 0));
    finish(net);
}

#[test]
fn frr_comes_up_over_several_hops() {
    if !wanted(FRR) {
        return;
    }
    let net = Net::routed();
    let peer = " peer 192.0.2.1 multihop local-address 198.51.100.2\n  \
                receive-interval 50\n  transmit-interval 50\n exit";
    let mut frr = Frr::start(&net, peer);
    // FRR sends with a TTL of 255, and there is one router in between.
    let agent = start(&net, distant(254, config(50)));
    check_up(&agent, 50, 150);
    check_death(&agent, "FRR multihop", || frr.kill());
    finish(net);
}

#[test]
fn the_kernel_below_frr_sends_echoes_back() {
    if !wanted(FRR) {
        return;
    }
    let net = Net::new();
    net.echo();
    let frr = Frr::start(&net, &frr(FRR_50));
    let agent = start(&net, v4(config(50).with_echo(Some(ms(50)))));
    let found = agent.wait("echoing", |found| found.stats.echo_received > 20);
    assert_eq!(found.state, State::Up);
    assert_eq!(found.timers.echo_interval, Some(ms(50)));
    assert_eq!(found.timers.required_min_rx, ms(1000));
    assert_eq!(found.stats.flaps, 0);
    eprintln!("FRR echo: {:?} there and back", found.round_trip.unwrap());
    // FRR lives, and its host forwards no more: only the echo function can tell.
    net.inside('b', "sysctl -qw net.ipv4.conf.all.forwarding=0");
    let before = agent.now();
    let found = agent.wait_down();
    let down = found.transitions.iter().find(|(t, _)| t.from == State::Up);
    let (down, _) = down.unwrap();
    assert_eq!(down.reason, Reason::EchoFailed);
    let late = down.at.saturating_duration_since(before);
    assert!(late <= Duration::from_millis(150) + SLACK, "{late:?}");
    drop(frr);
    finish(net);
}

#[test]
fn keepalived_comes_up_dies_and_comes_back() {
    if !wanted(&["keepalived", "unshare"]) {
        return;
    }
    let configuration = "bfd_instance peer {\n neighbor_ip 192.0.2.1\n source_ip 192.0.2.2\n \
                         min_rx 50\n min_tx 50\n multiplier 3\n}\n\
                         vrrp_instance V {\n state BACKUP\n interface vb\n virtual_router_id 51\n \
                         priority 100\n track_bfd {\n  peer\n }\n \
                         virtual_ipaddress {\n  192.0.2.99/24\n }\n}";
    let net = Net::new();
    let mut keepalived = Keepalived::start(&net, configuration);
    let agent = start(&net, v4(config(50)));
    check_up(&agent, 50, 150);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(agent.look().stats.flaps, 0);
    check_death(&agent, "Keepalived 50 ms x 3", || keepalived.kill());
    let _again = Keepalived::start(&net, configuration);
    agent.wait_up();
    finish(net);
}
