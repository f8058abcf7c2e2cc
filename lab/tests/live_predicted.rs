//! What `simulate` predicts, and what two daemons in namespaces then do: the same files, and the same time
//! until the other one is MASTER.
//!
//! Both times are taken from what the one with the address last said (or from its death, where BFD notices
//! that), so that it does not matter when between two adverts something happens.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lab::clock::Stamp;
use lab::{Capture, Daemon, Kind, Lan, Scratch, lateness_between, wait_for, wait_until};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);
/// The prediction is right if it is off by no more than this, or a tenth.
const TOLERANCE: Duration = Duration::from_millis(20);

/// A scenario of `simulate`, and its files with another name in them here and there.
struct Predicted {
    folder: PathBuf,
    document: Value,
}

impl Predicted {
    fn new(scenario: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../keepalived-cli/tests/simulate");
        let folder = root.join(scenario);
        let command = fs::read_to_string(folder.join("command")).expect("a scenario");
        let lines = command.lines().filter(|line| !line.starts_with('#'));
        let output = Command::new(lab::daemon::program(Kind::Ours))
            .arg("simulate")
            .args(lines.flat_map(str::split_whitespace))
            .arg("--json")
            .current_dir(&folder)
            .output()
            .expect("the program starts");
        let document = serde_json::from_slice(&output.stdout).expect("a document");
        Self { folder, document }
    }

    /// What daemon and simulator both read. Scripts are looked at as root does it.
    fn text(&self, node: &str) -> String {
        let text = fs::read_to_string(self.folder.join(format!("{node}.conf"))).expect("a file");
        let script = text.replace("/usr/local/bin/check_web", "DIR/check_web");
        format!("global_defs {{\n    script_user root\n}}\n{script}")
    }

    /// The first time that b follows a.
    fn takeover(&self) -> &Value {
        let mut all = self.document["takeovers"]
            .as_array()
            .expect("a list")
            .iter();
        let found = all.find(|one| one["from"] == 0 && one["to"] == 1);
        found.expect("b takes over")
    }

    /// From the last that a said before, until b is MASTER.
    fn since_the_last_word(&self) -> Duration {
        let takeover = self.takeover();
        let time = |key: &str| takeover[key].as_f64().expect("a time");
        Duration::from_secs_f64(time("at") - time("last_advert"))
    }

    /// From the first incident until b is MASTER.
    fn since_the_incident(&self) -> Duration {
        let at = self.takeover()["at"].as_f64().expect("a time");
        let incident = self.document["incidents"][0]["at"]
            .as_f64()
            .expect("a time");
        Duration::from_secs_f64(at - incident)
    }

    /// From the last advert of a with its whole priority, until b is MASTER.
    fn since_the_last_word_of(&self, priority: u8) -> Duration {
        let at = self.takeover()["at"].as_f64().expect("a time");
        let adverts = self.document["adverts"].as_array().expect("a list").iter();
        let own = adverts.filter(|one| one["node"] == 0 && one["priority"] == priority);
        let times = own.filter_map(|one| one["at"].as_f64());
        let last = times.filter(|time| *time < at).fold(0.0, f64::max);
        Duration::from_secs_f64(at - last)
    }
}

/// The two daemons, a MASTER and b listening.
struct Live {
    lan: Lan,
    capture: Capture,
    a: Daemon,
    b: Daemon,
}

impl Live {
    fn new(predicted: &Predicted) -> Self {
        lab::require_live();
        let lan = Lan::new(&["a", "b"]);
        for (host, address) in [("a", "192.0.2.1/24"), ("b", "192.0.2.2/24")] {
            let add = format!("addr add {address} dev eth0");
            lan.host(host).netns.ip(&[&add]);
        }
        let capture = Capture::start(&lan);
        let start = |host: &str| {
            let scratch = Scratch::new(host);
            scratch.script("check_web", "#!/bin/sh\ntest ! -e DIR/broken\n");
            let text = predicted.text(host);
            Daemon::start_in(Kind::Ours, lan.host(host), scratch, &text, &[])
        };
        let (a, b) = (start("a"), start("b"));
        b.wait_log("Entering BACKUP STATE", 1, PATIENCE);
        let span = Duration::from_millis(3_500);
        wait_until("a is the only MASTER", PATIENCE, || {
            a.logged("Entering MASTER STATE") > 0 && capture.alone("a", span)
        });
        Self { lan, capture, a, b }
    }

    /// When b first advertises after `from`.
    fn b_speaks(&self, from: Stamp) -> Stamp {
        wait_for("b advertises", PATIENCE, || {
            self.capture.first_advert("b", from)
        })
    }

    /// When a last said something before that.
    fn last_word(&self, before: Stamp) -> Stamp {
        let last = self.capture.last_advert("a", before);
        last.expect("a has advertised")
    }
}

#[track_caller]
fn expect(predicted: Duration, from: Stamp, to: Stamp) {
    let measured = to.saturating_sub(from);
    let machine = lateness_between(from, to);
    println!("predicted {predicted:?}, measured {measured:?} (machine late by {machine:?})");
    let off = measured.abs_diff(predicted);
    assert!(
        off <= TOLERANCE.max(predicted / 10) + machine,
        "predicted {predicted:?}, measured {measured:?}; the machine was late by {machine:?}"
    );
}

/// FSM-T-02.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_crash_takes_as_long_as_predicted() {
    let predicted = Predicted::new("crash_and_return");
    let mut live = Live::new(&predicted);
    let killed = live.a.kill();
    let speaks = live.b_speaks(killed);
    expect(
        predicted.since_the_last_word(),
        live.last_word(speaks),
        speaks,
    );
}

/// FSM-T-03: from the goodbye on.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_goodbye_takes_as_long_as_predicted() {
    let predicted = Predicted::new("nopreempt");
    let live = Live::new(&predicted);
    let stopped = live.a.terminate();
    let speaks = live.b_speaks(stopped);
    let goodbye = live.capture.release("a", stopped).expect("a says goodbye");
    expect(predicted.since_the_last_word(), goodbye, speaks);
}

/// LESSONS A2: the one that is frozen does not know, and is told when it runs again.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_freeze_takes_as_long_as_predicted_and_ends_as_predicted() {
    let predicted = Predicted::new("frozen_for_a_snapshot");
    let mut live = Live::new(&predicted);
    let frozen = lab::clock::stamp();
    live.a.freeze();
    let speaks = live.b_speaks(frozen);
    expect(
        predicted.since_the_last_word(),
        live.last_word(speaks),
        speaks,
    );
    live.a.thaw();
    let masters = |document: &Value| {
        let spans = document["spans"].as_array().expect("a list").iter();
        let last = |node: usize| spans.clone().rfind(|span| span["node"] == node);
        [0, 1].map(|node| last(node).expect("a span")["state"].clone())
    };
    assert_eq!(masters(&predicted.document), ["MASTER", "BACKUP"]);
    wait_until("b gives it back", PATIENCE, || {
        live.b.logged("Entering BACKUP STATE") > 1
    });
    assert_eq!(live.lan.holders([203, 0, 113, 100].into()), ["a"]);
}

/// KA-W-10: two results of the script count, then only lower priorities are heard for a down interval.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_failing_script_takes_as_long_as_predicted() {
    let predicted = Predicted::new("a_script_that_fails");
    let live = Live::new(&predicted);
    let broken = lab::clock::stamp();
    fs::write(live.a.directory().join("broken"), "").expect("scratch is writable");
    let speaks = live.b_speaks(broken);
    let adverts = live.capture.adverts();
    let mut whole = adverts
        .iter()
        .filter(|(at, host, advert)| host == "a" && *at < speaks && advert.priority == 200);
    let (last, ..) = whole.next_back().expect("a had its whole priority");
    expect(predicted.since_the_last_word_of(200), *last, speaks);
}

/// FSM-OPEN-11: a detection time and the skew, from the death on.
#[test]
#[ignore = "live: cargo xtask live"]
fn bfd_takes_as_long_as_predicted() {
    let predicted = Predicted::new("bfd_is_faster");
    let mut live = Live::new(&predicted);
    for (daemon, name) in [(&live.a, "b"), (&live.b, "a")] {
        lab::bfd::wait_session(daemon, name, "is up", PATIENCE, |session| {
            session["state"] == "up"
        });
    }
    let killed = live.a.kill();
    let speaks = live.b_speaks(killed);
    expect(predicted.since_the_incident(), killed, speaks);
}
