//! `simulate` as people call it: scenarios with what is printed to the letter, and Debian's samples.
//!
//! Each folder in `tests/simulate` is a scenario: a `command` (and why), the files, and `expected.txt`.
//! `KEEPALIVED_BLESS=1` writes that anew; look at the difference.

mod program;
mod scenarios;

use std::fs;
use std::path::Path;

use serde_json::Value;

use program::simulate_in as run_in;
use scenarios::{command, document, in_folder, instance, scenarios, text};

/// LESSONS A and E: what users have suffered from, and what happens here instead.
#[test]
fn scenarios_end_as_they_are_written_down() {
    let bless = std::env::var_os("KEEPALIVED_BLESS").is_some();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for entry in fs::read_dir(scenarios()).expect("there are scenarios") {
        let folder = entry.unwrap().path();
        let command = command(&folder);
        let output = run_in(&folder, &command.split_whitespace().collect::<Vec<_>>());
        let code = output.status.code().expect("it ends by itself");
        let found = format!(
            "{}{}exit code {code}\n",
            text(&output.stdout),
            text(&output.stderr)
        );
        let file = folder.join("expected.txt");
        if bless {
            fs::write(&file, &found).unwrap();
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if found != expected {
            wrong.push(format!("{}:\n{found}", folder.display()));
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
    assert!(seen >= 10, "{seen} scenarios");
}

/// What the README shows is what is printed.
#[test]
fn the_readme_shows_what_is_printed() {
    let expected = fs::read_to_string(scenarios().join("crash_and_return/expected.txt")).unwrap();
    let printed = expected.trim_end_matches("exit code 0\n").trim_end();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    assert!(fs::read_to_string(readme).unwrap().contains(printed));
}

/// A takeover after a crash takes the down interval since the last advert, at most: RFC 9568 6.1.
#[test]
fn the_document_says_what_the_protocol_allows() {
    let document = document("crash_and_return", &[]);
    let crash = &document["takeovers"][1];
    assert_eq!((&crash["from"], &crash["to"]), (&0.into(), &1.into()));
    let bound = crash["bound"].as_f64().unwrap();
    // 3 intervals and (256 - 100) / 256 of one.
    assert!((bound - 3.609_375).abs() < 1e-6, "{bound}");
    assert!(crash["took"].as_f64().unwrap() <= bound);
    assert_eq!(crash["verdict"], "within");
    let outage = &document["outages"][0];
    assert_eq!(outage["address"], "203.0.113.100");
    assert_eq!(outage["from"], 5.0);
}

/// The number is one node's own from the reload on, the address is not: nobody gives way any more. Beside each
/// other on two wires they are no conflict, and `--wire` makes the two one.
#[test]
fn an_address_under_two_numbers_is_held_twice() {
    let reload = ["--at", "6s", "reload=a:a-later.conf", "--for", "20s"];
    let folder = std::env::temp_dir().join(format!("keepalived-twice-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let twice = scenarios().join("two_numbers_for_one_address");
    let a = fs::read_to_string(twice.join("a.conf")).unwrap();
    fs::write(folder.join("a-later.conf"), &a).unwrap();
    fs::write(folder.join("a.conf"), a.replace("51", "52")).unwrap();
    fs::copy(twice.join("b.conf"), folder.join("b.conf")).unwrap();
    let words = [&["a.conf", "b.conf", "--json"][..], &reload[..]].concat();
    let output = run_in(&folder, &words);
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(output.status.code(), Some(2));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let conflict = &found["conflicts"][0];
    assert_eq!(conflict["address"], "203.0.113.100");
    assert_eq!(conflict["nodes"], serde_json::json!([0, 1]));
    assert!(conflict["from"].as_f64().unwrap() > 6.0);
    assert_eq!(found["violations"][0]["rule"], "address-held-twice");

    let name = "interfaces_with_different_names";
    let apart = document(name, &[]);
    assert_eq!(apart["conflicts"].as_array().unwrap().len(), 0);
    let remark = apart["not_simulated"][0]["text"].as_str().unwrap();
    assert!(remark.contains("--wire eth0@a=eth1@b"), "{remark}");
    let joined = document(name, &["--wire", "eth0@a=eth1@b"]);
    assert_eq!(joined["not_simulated"].as_array().unwrap().len(), 0);
    assert_eq!(joined["instances"].as_array().unwrap().len(), 1);
}

/// Two that never hear a word of each other break no rule of the protocol: the wire does.
#[test]
fn a_wire_that_loses_everything_is_nobodys_fault() {
    let folder = scenarios().join("nopreempt");
    let words = ["a.conf", "b.conf", "--loss", "100%", "--for", "60s"];
    let output = run_in(&folder, &[&words[..], &["--json"]].concat());
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["conflicts"][0]["until"], Value::Null);
    assert_eq!(
        found["conflicts"][0]["why"],
        "the wire loses whatever they say"
    );
    assert_eq!(found["violations"], Value::Array(Vec::new()));
    assert_eq!(output.status.code(), Some(0));
}

/// Whoever preempts answers the first advert with a lower priority: from there its time is measured, and after
/// a delay too, during which it follows whom it is to succeed. KA-B-04.
#[test]
fn a_preempting_takeover_is_measured_from_the_first_lower_advert() {
    let folder = std::env::temp_dir().join(format!("keepalived-preempt-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let crash = scenarios().join("crash_and_return");
    let a = fs::read_to_string(crash.join("a.conf")).unwrap();
    fs::copy(crash.join("b.conf"), folder.join("b.conf")).unwrap();
    let with_delay = a.replace("priority", "preempt_delay 5\n    priority");
    for (a, name, least, most) in [(&a, "at once", 2.3, 3.2), (&with_delay, "delay", 7.4, 9.0)] {
        fs::write(folder.join("a.conf"), a).unwrap();
        let words = "a.conf b.conf --at 5s kill=a --at 20.5s start=a --for 40s --json";
        let words: Vec<&str> = words.split(' ').collect();
        let found: Value = serde_json::from_slice(&run_in(&folder, &words).stdout).unwrap();
        let adverts = found["adverts"].as_array().unwrap().iter();
        let of_b = adverts.filter(|one| one["node"] == 1 && one["at"].as_f64().unwrap() > 20.5);
        let first = of_b.map(|one| one["at"].as_f64().unwrap()).next().unwrap();
        let takeover = &found["takeovers"][2];
        assert_eq!(
            takeover["why"], "the old one has a lower priority",
            "{name}"
        );
        let (at, took) = (
            takeover["at"].as_f64().unwrap(),
            takeover["took"].as_f64().unwrap(),
        );
        assert!(
            (at - took - first).abs() < 0.001,
            "{name}: {takeover} {first}"
        );
        assert!((least..most).contains(&took), "{name}: {took}");
        assert_eq!(takeover["verdict"], "within", "{name}: {takeover}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// Whoever takes over is MASTER a little before the old one hears of it: that is a handover and no conflict.
#[test]
fn handovers_are_listed_and_are_no_conflicts() {
    let found = document("crash_and_return", &[]);
    assert_eq!(found["conflicts"], Value::Array(Vec::new()));
    let handover = &found["handovers"][0];
    assert_eq!(handover["nodes"], serde_json::json!([0, 1]));
    let length = handover["length"].as_f64().unwrap();
    assert!(length > 0.0 && length <= 0.0016, "{length}");
    // Whoever does not hear the other is named, in either direction.
    for (cut, why) in [("a>b", "b does not hear a"), ("b>a", "a does not hear b")] {
        let cut = format!("cut={cut}");
        let words = ["a.conf", "b.conf", "--json", "--at", "5s", &cut];
        let output = run_in(&scenarios().join("nopreempt"), &words);
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let conflicts = found["conflicts"].as_array().unwrap();
        assert!(
            conflicts.iter().all(|one| one["why"] == why),
            "{conflicts:?}"
        );
    }
}

/// The spans of a node and virtual router follow each other without gaps.
#[test]
fn spans_have_no_gaps() {
    let document = document("three_nodes_and_a_wire_that_falls_apart", &[]);
    for node in 0..3 {
        let spans = document["spans"].as_array().unwrap().iter();
        let mine: Vec<&Value> = spans.filter(|span| span["node"] == node).collect();
        assert_eq!(mine[0]["since"], 0.0);
        for pair in mine.windows(2) {
            assert_eq!(pair[0]["until"], pair[1]["since"]);
        }
        assert_eq!(mine.last().unwrap()["until"], document["meta"]["length"]);
    }
}

/// The worst of many runs is shown again by the command that is printed with it.
#[test]
fn the_worst_run_is_replayed_by_its_command() {
    let folder = scenarios().join("crash_and_return");
    let many = document("crash_and_return", &["--seeds", "40"]);
    let replay = many["seeds"]["replay"].as_str().unwrap();
    assert_eq!(many["seeds"]["count"], 40);
    assert!(many["seeds"]["takeover"]["count"].as_u64().unwrap() >= 80);
    let words: Vec<&str> = replay.split_whitespace().skip(2).collect();
    let output = run_in(&folder, &[&words[..], &["--json"]].concat());
    let alone: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(alone["spans"], many["spans"]);
    assert_eq!(alone["outages"], many["outages"]);
    assert_eq!(alone["seeds"], Value::Null);
}

/// Debian's samples with VRRP, as the files of two nodes of which one has a lower priority: whatever
/// they hold is elected, and succeeded after a crash. One has lines for `@high` and `@low`.
#[test]
fn debians_samples_can_be_simulated() {
    let samples = Path::new("/usr/share/doc/keepalived/samples");
    let Ok(entries) = fs::read_dir(samples) else {
        eprintln!("skipped: Debian's keepalived is not installed");
        return;
    };
    let folder = std::env::temp_dir().join(format!("keepalived-simulate-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let mut simulated = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(content) = fs::read_to_string(&path)
            .ok()
            .filter(|c| c.contains("vrrp_instance"))
        else {
            continue;
        };
        let lower = content
            .replace("priority 100", "priority 90")
            .replace("priority 150", "priority 140");
        let (high, low) = (folder.join("high.conf"), folder.join("low.conf"));
        fs::write(&high, &content).unwrap();
        fs::write(&low, lower).unwrap();
        let words = "high.conf low.conf --at 60s kill=high --for 120s --json";
        let words: Vec<&str> = words.split(' ').collect();
        let output = run_in(&folder, &words);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{name}: {}",
            text(&output.stderr)
        );
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        // These have mistakes of their own, which a daemon starts without.
        let faulty = ["lvs_syncd", "vrrp.rules"];
        let mistakes = document["not_simulated"].to_string().contains("a mistake");
        let is_faulty = faulty.iter().any(|sign| name.ends_with(sign));
        assert_eq!(mistakes, is_faulty, "{name}");
        for (place, instance) in document["instances"].as_array().unwrap().iter().enumerate() {
            let mut spans = document["spans"].as_array().unwrap().iter();
            let last = spans.rfind(|span| span["instance"] == place && span["node"] == 1);
            let members = instance["members"].as_array().unwrap().len();
            let state = last.map(|span| span["state"].clone());
            let title = format!("{name}: {}", instance["name"]);
            assert_eq!((members, state), (2, Some("MASTER".into())), "{title}");
        }
        simulated += 1;
    }
    fs::remove_dir_all(&folder).unwrap();
    assert!(simulated >= 10, "{simulated} samples");
}

/// The same words as in the log of the daemon, `keepalived-driver/src/tracked/effects.rs`.
#[test]
fn what_holds_a_node_is_said_as_the_daemon_says_it() {
    let script = "vrrp_script chk {\n    script /bin/true\n    interval 1\n}\n";
    let tracks = instance(200, "track_script {\n chk\n}");
    let words = ["a.conf", "--at", "8s", "fail=chk@a"];
    let told = in_folder("words", &[("a.conf", format!("{script}{tracks}"))], &words);
    let told = text(&told.stdout);
    assert!(
        told.contains("FAULT: tracked script chk has failed"),
        "{told}"
    );
}

#[test]
fn a_conflict_on_a_wire_that_loses_frames_is_put_down_to_that() {
    let files = [("a.conf", instance(200, "")), ("b.conf", instance(100, ""))];
    let mut conflicts = 0;
    for seed in ["1", "2", "3", "4", "5"] {
        let words = [
            "a.conf", "b.conf", "--loss", "60%", "--for", "60s", "--seed", seed,
        ];
        let told = text(&in_folder("lossy", &files, &words).stdout);
        for line in told.lines().filter(|line| line.starts_with("Several")) {
            assert!(line.contains(": the wire lost "), "{line}");
            conflicts += 1;
        }
    }
    assert!(conflicts > 5, "{conflicts}");
}
