//! What a daemon has recorded is replayed by the same program without a difference.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use lab::bfd::wait_session;
use lab::{Conf, Daemon, Kind, Lan, Scratch, daemon, wait_until};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(15);
const WORD: &str = "hush1234";

fn program(words: &[&str]) -> Output {
    let mut command = Command::new(daemon::program(Kind::Ours));
    command.args(words).output().expect("it runs")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// The document of a replay, which has to end with this exit code.
fn replay(file: &Path, code: i32) -> Value {
    let output = program(&["replay", "--json", file.to_str().expect("UTF-8")]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{told}{output:?}");
    serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"))
}

/// What happened, as told: whose it is and the text.
fn states(document: &Value) -> Vec<String> {
    let lines = document["timeline"].as_array().into_iter().flatten();
    lines
        .filter(|line| line["kind"] == "state")
        .map(|line| line["text"].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn record(daemon: &Daemon, words: &[&str]) -> Output {
    let socket = daemon.directory().join("main.sock");
    let (verb, rest) = words.split_first().expect("a verb");
    let mut all = vec!["record", verb, "--socket", socket.to_str().expect("UTF-8")];
    all.extend(rest);
    program(&all)
}

fn contains(octets: &[u8], word: &str) -> bool {
    octets
        .windows(word.len())
        .any(|window| window == word.as_bytes())
}

/// One that is taken over from, killed, and started again, with a BFD session beside it.
fn failover(flags: &[&str]) -> (Scratch, Value) {
    let lan = Lan::new(&["a", "b"]);
    let conf = |priority: u8, peer: &str| {
        let secret = format!("authentication {{\n auth_type PASS\n auth_pass {WORD}\n }}");
        let conf = Conf::new(priority).version2().with(&secret);
        format!(
            "{}\nbfd_instance other {{\n neighbor_ip {peer}\n min_rx 100\n min_tx 100\n }}\n",
            conf.text()
        )
    };
    let (a, b) = (lan.host("a"), lan.host("b"));
    let (address_a, address_b) = (a.ipv4.to_string(), b.ipv4.to_string());
    let kept = Scratch::new("recording");
    let file = kept.file("tape");
    let mut all = vec!["--record", file.to_str().expect("UTF-8")];
    all.extend(flags);
    let ours = Daemon::start_in(
        Kind::Ours,
        a,
        Scratch::new("a"),
        &conf(90, &address_b),
        &all,
    );
    let mut theirs = Daemon::start_with(Kind::CKeepalived, b, &conf(200, &address_a));
    ours.wait_log("Startup complete", 1, PATIENCE);
    wait_session(&ours, "other", "is up", PATIENCE, |session| {
        session["state"] == "up"
    });
    theirs.wait_log("Entering MASTER STATE", 1, PATIENCE);
    theirs.kill();
    ours.wait_log("Entering MASTER STATE", 1, PATIENCE);
    theirs.start_again(b);
    ours.wait_log("Entering BACKUP STATE", 2, PATIENCE);
    let mut ours = ours;
    ours.terminate();
    ours.wait_exit(PATIENCE);
    let mode = fs::metadata(&file).expect("there").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let document = replay(&file, 0);
    (kept, document)
}

fn expect_failover(document: &Value) {
    let states = states(document);
    let find = |text: &str| {
        let found = states.iter().position(|state| state.starts_with(text));
        found.unwrap_or_else(|| panic!("no {text} in {states:?}"))
    };
    assert!(find("BACKUP -> MASTER") < find("MASTER -> BACKUP"));
    let summary = &document["summary"];
    assert_eq!(summary["differences"], 0);
    assert_eq!(summary["gaps"], 0);
    assert!(summary["calls"].as_u64() > Some(1000), "{summary}");
    let lines = document["timeline"].as_array().into_iter().flatten();
    let mut bfd = lines.filter(|line| line["kind"] == "bfd");
    assert!(bfd.any(|line| line["of"] == "other"), "{document}");
}

#[test]
#[ignore = "live: cargo xtask live"]
fn a_failover_with_keepalived_is_replayed_without_a_difference() {
    lab::require_live();
    let (kept, document) = failover(&[]);
    expect_failover(&document);
    assert_eq!(document["without_secrets"], false);
    let octets = fs::read(kept.file("tape")).expect("there");
    assert!(contains(&octets, WORD), "the other test proves nothing");
    // Cut off anywhere it is good up to there, and says that it was.
    for cut in [octets.len() - 1, octets.len() - 2] {
        fs::write(kept.file("cut"), &octets[..cut]).expect("written");
        let document = replay(&kept.file("cut"), 3);
        assert_eq!(document["summary"]["differences"], 0);
    }
    fs::write(kept.file("cut"), &octets[..40]).expect("written");
    let output = program(&["replay", kept.file("cut").to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
#[ignore = "live: cargo xtask live"]
fn a_recording_without_secrets_has_none_and_is_replayed_all_the_same() {
    lab::require_live();
    let (kept, document) = failover(&["--without-secrets"]);
    expect_failover(&document);
    assert_eq!(document["without_secrets"], true);
    let octets = fs::read(kept.file("tape")).expect("there");
    assert!(!contains(&octets, WORD));
}

#[test]
#[ignore = "live: cargo xtask live"]
fn a_ring_that_has_gone_round_is_replayed_after_a_kill() {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let mut conf = Conf::new(90);
    conf.interval = Duration::from_millis(20);
    let mut better = conf.clone();
    better.priority = 200;
    let kept = Scratch::new("recording");
    let file = kept.file("tape");
    let to = format!("{}:64k", file.display());
    let mut ours = Daemon::start_in(
        Kind::Ours,
        lan.host("a"),
        Scratch::new("a"),
        &conf.text(),
        &["--record", &to],
    );
    let mut theirs = Daemon::start(Kind::CKeepalived, lan.host("b"), &better);
    ours.wait_log("Entering BACKUP STATE", 1, PATIENCE);
    let written = || {
        let output = record(&ours, &["status", "--json"]);
        let status: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(status["lost"], 0, "{status}");
        status["written"].as_u64().unwrap_or(0)
    };
    wait_until("the ring goes round", Duration::from_secs(60), || {
        written() > 150 * 1024
    });
    theirs.kill();
    ours.wait_log("Entering MASTER STATE", 1, PATIENCE);
    wait_until("some of it is written", PATIENCE, || written() > 170 * 1024);
    ours.kill();
    assert!(fs::metadata(&file).expect("there").len() <= 64 * 1024);
    let document = replay(&file, 0);
    let summary = &document["summary"];
    assert!(summary["segments"].as_u64() >= Some(3), "{summary}");
    assert_eq!(
        summary["states_reached"].as_u64(),
        summary["segments"].as_u64().map(|segments| segments - 1),
        "each leads to the state that the next begins with"
    );
    let states = states(&document);
    assert!(states[0].contains("BACKUP"), "where it begins: {states:?}");
    assert!(
        states
            .iter()
            .any(|state| state.starts_with("BACKUP -> MASTER")),
        "{states:?}"
    );
}

/// Why a router was at fault: the machines are told of the fault only.
#[test]
#[ignore = "live: cargo xtask live"]
fn what_the_kernel_says_of_a_link_and_its_addresses_is_in_a_recording() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let kept = Scratch::new("recording");
    let file = kept.file("tape");
    let to = ["--record", file.to_str().expect("UTF-8")];
    let conf = Conf::new(100).text();
    let mut ours = Daemon::start_in(Kind::Ours, lan.host("a"), Scratch::new("a"), &conf, &to);
    ours.wait_log("Entering MASTER STATE", 1, PATIENCE);
    // The kernel tells of this first.
    lan.host("a")
        .netns
        .ip(&["address add 192.0.2.77/32 dev eth0"]);
    lan.cut("a");
    ours.wait_log("Entering FAULT STATE", 1, PATIENCE);
    lan.plug("a");
    ours.wait_log("Entering MASTER STATE", 2, PATIENCE);
    ours.terminate();
    ours.wait_exit(PATIENCE);
    let document = replay(&file, 0);
    let lines = document["timeline"].as_array().expect("a list");
    let find = |kind: &str, text: &str| {
        lines.iter().position(|line| {
            line["kind"] == kind
                && line["text"]
                    .as_str()
                    .is_some_and(|told| told.contains(text))
        })
    };
    let down = find("link", "eth0 is down");
    let fault = find("state", "MASTER -> FAULT");
    let up = lines.iter().rposition(|line| line["kind"] == "link");
    assert!(down.is_some() && down < fault && fault < up, "{document}");
    assert!(find("address", "192.0.2.77 is on").is_some(), "{document}");
}

/// A router that tracks a file with a number in it, and a script that looks for another one.
fn tracking(load: &Path, flag: &Path, conf: Conf) -> String {
    fs::write(load, "0\n").expect("written");
    fs::write(flag, "").expect("written");
    let conf = conf.with("track_script {\n flag\n }");
    let conf = conf.with("track_file {\n load weight -10\n }");
    format!(
        "global_defs {{\n script_user root\n}}\nvrrp_script flag {{\n script \"/usr/bin/test -e {}\"\n interval 1\n}}\n\
         vrrp_track_file load {{\n file {}\n}}\n{}",
        flag.display(),
        load.display(),
        conf.text()
    )
}

/// What scripts and files come to is told to the machines as weights and faults, and leads to the same states again.
#[test]
#[ignore = "live: cargo xtask live"]
fn what_is_tracked_is_in_a_recording_and_leads_to_the_same_states() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let kept = Scratch::new("recording");
    let (file, load, flag) = (kept.file("tape"), kept.file("load"), kept.file("flag"));
    let conf = tracking(&load, &flag, Conf::new(100));
    let to = ["--record", file.to_str().expect("UTF-8")];
    let mut ours = Daemon::start_in(Kind::Ours, lan.host("a"), Scratch::new("a"), &conf, &to);
    ours.wait_log("Entering MASTER STATE", 1, PATIENCE);
    fs::write(&load, "3\n").expect("written");
    ours.wait_log("effective priority from 100 to 70", 1, PATIENCE);
    fs::remove_file(&flag).expect("there");
    ours.wait_log("Entering FAULT STATE", 1, PATIENCE);
    fs::write(&flag, "").expect("written");
    ours.wait_log("Entering MASTER STATE", 2, PATIENCE);
    // When the file is there, and not before.
    let log = ours.log();
    let (begun, start) = (log.find("Recording to"), log.find("Starting keepalived-rs"));
    assert!(
        start.is_some() && begun > start && ours.logged("Recording to") == 1,
        "{log}"
    );
    ours.terminate();
    ours.wait_exit(PATIENCE);
    let document = replay(&file, 0);
    assert_eq!(document["verdict"], "same");
    let lines = document["timeline"].as_array().expect("a list");
    let find = |kind: &str, text: &str| {
        let mut lines = lines.iter();
        lines.position(|line| {
            line["kind"] == kind
                && line["text"]
                    .as_str()
                    .is_some_and(|told| told.contains(text))
        })
    };
    let says = find("tracked", "tracked file load says 3");
    let failed = find("tracked", "tracked script flag has failed");
    let fault = find("state", "MASTER -> FAULT");
    assert!(
        says.is_some() && says < failed && failed < fault,
        "{document}"
    );
}

/// Nothing happens to them while it is recorded: the reader knows from the beginning of it.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_recording_begun_midway_has_how_links_and_tracked_objects_are() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let kept = Scratch::new("recording");
    let (file, load, flag) = (kept.file("tape"), kept.file("load"), kept.file("flag"));
    let conf = Conf::new(100).with("track_bfd {\n other weight -5\n }");
    let conf = tracking(&load, &flag, conf);
    let conf = format!("{conf}\nbfd_instance other {{\n neighbor_ip 10.9.0.99\n }}\n");
    let ours = Daemon::start_with(Kind::Ours, lan.host("a"), &conf);
    ours.wait_log("Entering MASTER STATE", 1, PATIENCE);
    fs::write(&load, "3\n").expect("written");
    ours.wait_log("from 95 to 65", 1, PATIENCE);
    fs::remove_file(&flag).expect("there");
    ours.wait_log("Entering FAULT STATE", 1, PATIENCE);
    let started = record(&ours, &["start", file.to_str().expect("UTF-8")]);
    assert!(started.status.success(), "{started:?}");
    let stopped = record(&ours, &["stop"]);
    assert!(stopped.status.success(), "{stopped:?}");
    let document = replay(&file, 0);
    let lines = document["timeline"].as_array().expect("a list").iter();
    let known = lines.filter(|line| line["kind"] == "link" || line["kind"] == "tracked");
    let known: Vec<&str> = known.filter_map(|line| line["text"].as_str()).collect();
    let expected = [
        "eth0 is up",
        "tracked script flag has failed",
        "tracked file load says 3",
        "tracked bfd other is down",
    ];
    assert_eq!(known, expected, "{document}");
}

#[test]
#[ignore = "live: cargo xtask live"]
fn what_cannot_be_recorded_is_said_and_nothing_else() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let to = ["--record", "/nonexistent/tape"];
    let conf = Conf::new(100).text();
    let ours = Daemon::start_in(Kind::Ours, lan.host("a"), Scratch::new("a"), &conf, &to);
    ours.wait_log("Entering MASTER STATE", 1, PATIENCE);
    ours.wait_log("nothing is recorded: /nonexistent/tape", 1, PATIENCE);
    assert_eq!(ours.logged("Recording to"), 0, "{}", ours.log());
}

#[test]
#[ignore = "live: cargo xtask live"]
fn a_recording_begins_and_ends_while_the_daemon_runs() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let ours = Daemon::start(Kind::Ours, lan.host("a"), &Conf::new(100));
    ours.wait_log("Entering MASTER STATE", 1, PATIENCE);
    let kept = Scratch::new("recording");
    let file = kept.file("tape");
    let path = file.to_str().expect("UTF-8");
    let none = record(&ours, &["status"]);
    assert!(text(&none.stdout).contains("Nothing is recorded"));
    for kept_earlier in [false, true] {
        let started = record(&ours, &["start", path]);
        assert!(started.status.success(), "{started:?}");
        assert!(text(&started.stdout).contains("Passwords and keys are in it"));
        wait_until("something is recorded", PATIENCE, || {
            let status = record(&ours, &["status", "--json"]);
            let status: Value = serde_json::from_slice(&status.stdout).expect("JSON");
            status["recording"] == true && status["records"].as_u64() > Some(100)
        });
        // Whoever began it is not robbed of it.
        let second = record(&ours, &["start", &format!("{path}-2")]);
        assert_eq!(second.status.code(), Some(1), "{second:?}");
        let told = format!("there is a recording to {path} already");
        assert!(text(&second.stderr).contains(&told), "{second:?}");
        assert!(!kept.file("tape-2").exists());
        let stopped = record(&ours, &["stop"]);
        assert!(stopped.status.success(), "{stopped:?}");
        let document = replay(&file, 0);
        assert!(states(&document)[0].contains("MASTER"), "{document}");
        assert_eq!(kept.file("tape.1").exists(), kept_earlier);
    }
    let again = record(&ours, &["stop"]);
    assert!(!again.status.success());
    fs::write(&file, "precious").expect("written");
    let refused = record(&ours, &["start", path]);
    assert!(!refused.status.success());
    assert!(
        text(&refused.stderr).contains("not a recording"),
        "{refused:?}"
    );
    assert_eq!(fs::read(&file).expect("there"), b"precious");
    let full = record(&ours, &["start", "/nonexistent/file"]);
    assert!(!full.status.success());
    assert_eq!(
        ours.logged("Entering"),
        2,
        "the elections go on: {}",
        ours.log()
    );
}
