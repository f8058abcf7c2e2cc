//! `simulate` as people call it: scenarios with what is printed to the letter, Debian's samples, and the
//! command line.
//!
//! Each folder in `tests/simulate` is a scenario: a `command` (and why), the files, and `expected.txt`.
//! `KEEPALIVED_BLESS=1` writes that anew; look at the difference.

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use program::simulate_in as run_in;

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulate")
}

/// A scenario's document.
fn document(name: &str, more: &[&str]) -> Value {
    let folder = scenarios().join(name);
    let command = command(&folder);
    let mut words: Vec<&str> = command.split_whitespace().collect();
    words.extend(["--json"]);
    words.extend(more);
    let output = run_in(&folder, &words);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{name}: {error}: {}", text(&output.stderr));
    })
}

fn command(folder: &Path) -> String {
    let command = fs::read_to_string(folder.join("command")).expect("a scenario has a command");
    let lines = command.lines().filter(|line| !line.starts_with('#'));
    lines.collect::<Vec<_>>().join(" ")
}

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

/// A file from standard input is a node called stdin.
#[test]
fn a_file_is_read_from_standard_input() {
    let folder = scenarios().join("crash_and_return");
    let mut child = Command::new(env!("CARGO_BIN_EXE_keepalived-rs"))
        .args(["simulate", "-", "b.conf", "--json"])
        .current_dir(&folder)
        .stdin(fs::File::open(folder.join("a.conf")).unwrap())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut said).unwrap();
    assert!(child.wait().unwrap().success());
    let found: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(found["nodes"][0]["name"], "stdin");
    assert_eq!(
        found["instances"][0]["members"].as_array().unwrap().len(),
        2
    );
}

/// What changes nothing is said to change nothing.
#[test]
fn incidents_without_effect_say_so() {
    let mut more = Vec::new();
    for (at, what) in [
        ("21s", "start=a"),
        ("22s", "stop=a"),
        ("23s", "stop=a"),
        ("24s", "kill=a"),
        ("25s", "stall=a:1s"),
        ("26s", "reload=a:b.conf"),
        ("27s", "start=a"),
    ] {
        more.extend(["--at", at, what]);
    }
    let found = document("crash_and_return", &more);
    let incidents = found["incidents"].as_array().unwrap().iter();
    let said: Vec<&str> = incidents.map(|one| one["text"].as_str().unwrap()).collect();
    let expected = [
        "a is killed",
        "a is started",
        "a is started (it runs already)",
        "a is stopped",
        "a is stopped (it is off)",
        "a is killed (it is off)",
        "a is frozen for 1.000 s (it is off)",
        "a has another file to load (it is off)",
        "a is started",
    ];
    assert_eq!(said, expected);
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

/// Exit code 1, a sentence, and what was probably meant.
#[test]
fn what_is_misspelt_is_refused_with_what_there_is() {
    let folder = scenarios().join("a_script_that_fails");
    for (words, message) in [
        (
            &["a.conf", "b.conf", "--at", "5s", "kil=a"][..],
            "did you mean kill?",
        ),
        (
            &["a.conf", "b.conf", "--at", "5s", "kill=aa"],
            "did you mean a?",
        ),
        (
            &[
                "a.conf", "b.conf", "--at", "5", "kill=a", "--at", "soon", "heal",
            ],
            "soon is no time",
        ),
        (
            &["a.conf", "b.conf", "--at", "5s"],
            "want a time and what happens",
        ),
        (
            &["a.conf", "b.conf", "--at", "5s", "fail=check_wbe@a"],
            "did you mean check_web?",
        ),
        (
            &["a.conf", "b.conf", "--at", "5s", "fail=check_web@b"],
            "nothing is",
        ),
        (
            &["a.conf", "b.conf", "--at", "5s", "value=check_web@a:5"],
            "check_web is a script: use fail= or ok=",
        ),
        (
            &["a.conf", "b.conf", "--at", "5s", "partition=a/a"],
            "a is named 2 times",
        ),
        (
            &["a.conf", "b.conf", "--at", "5s", "partition=a/client"],
            "every node has to be in one part, and none has b",
        ),
        (
            &["a.conf", "b.conf", "--at", "5s", "cut=a>a"],
            "a cannot be cut from itself",
        ),
        (
            &["a.conf", "b.conf", "--for", "0s"],
            "--for: want more than no time",
        ),
        (
            &["a.conf", "b.conf", "--html", "-"],
            "--html -: the page needs a file",
        ),
        (
            &["a.conf", "b.conf", "--at", "5s", "link=a:eth7", "down"],
            "no interface eth7",
        ),
        (
            &["a.conf", "b.conf", "--at", "5s", "link=a:eth0"],
            "want link=NODE:INTERFACE up|down",
        ),
        (
            &["a.conf", "b.conf", "--at", "50s", "heal", "--for", "20s"],
            "over before the last",
        ),
        (
            &["a.conf", "b.conf", "--wire", "eth0@a=eth9@b"],
            "no file uses this interface",
        ),
        (
            &["a.conf", "b.conf", "--address", "eth0=192.0.2.1"],
            "want eth0@a=192.0.2.1",
        ),
        (
            &["a.conf", "b.conf", "--address", "eth0@a=0.0.0.0"],
            "the unspecified address is no address of a node",
        ),
        (
            &["a.conf", "b.conf", "--address", "eth0@a=224.0.0.18"],
            "a multicast group is no address of a node",
        ),
        (
            &["a.conf", "b.conf", "--address", "eth0@a=127.0.0.1"],
            "a loopback address is no address of a node",
        ),
        (
            &[
                "a.conf",
                "b.conf",
                "--address",
                "eth0@a=10.0.0.1",
                "--address",
                "eth0@b=10.0.0.1",
            ],
            "10.0.0.1 is given twice",
        ),
        (
            &[
                "a.conf",
                "b.conf",
                "--address",
                "eth0@a=10.0.0.1",
                "--address",
                "eth0@a=10.0.0.2",
            ],
            "eth0@a has one of this family already",
        ),
        (
            &[
                "a.conf",
                "b.conf",
                "--at",
                "5s",
                "reload=a:/nonexistent.conf",
            ],
            "/nonexistent.conf: No such file",
        ),
        (
            &["a.conf", "b.conf", "--at", "5s", "reload=a:/tmp"],
            "/tmp: it is a directory",
        ),
        (
            &["a.conf", "b.conf", "--loss", "101%"],
            "no share of frames",
        ),
        (&["a.conf", "nowhere.conf"], "nowhere.conf: No such file"),
        (&["a.conf", "command"], "unknown keyword"),
        (&["a.conf", "command"], "command: no vrrp_instance in it"),
        (&[], "no file given"),
        (&["-", "-"], "standard input can be read once"),
        (
            &["a.conf", "b.conf", "--at", "5s", "clock=a:+1.5s"],
            "+1.5s: a clock makes a step of whole seconds",
        ),
        (
            &["a.conf", "b.conf", "--name", "", "--name", "b"],
            "the name of a node cannot be empty",
        ),
        (
            &["a.conf", "b.conf", "--name", "client", "--name", "b"],
            "client: in `cut` and `partition` that is the clients; give the node another name",
        ),
        (
            &["a.conf", "--name", "a", "--name", "b"],
            "given 2 times for 1 file:",
        ),
        (
            &["a.conf", "-", "--at", "5s", "reload=a:-"],
            "standard input can be read once",
        ),
        (
            &["a.conf", "b.conf", "--seed", "99999999999999999999"],
            "want a number from 0 to 18446744073709551615",
        ),
        (
            &[
                "a.conf",
                "b.conf",
                "--seed",
                "18446744073709551615",
                "--seeds",
                "2",
            ],
            "2 runs from seed 18446744073709551615 on go beyond the last one",
        ),
        (
            &["a.conf", "b.conf", "--seeds", "0"],
            "want a number from 1",
        ),
        (
            &["a.conf", "b.conf", "--at", "5s", "cut=a:eth7>b"],
            "--at 5s cut=a:eth7>b: the file of a has no interface eth7 (there are: eth0)",
        ),
        (
            &["a.conf", "b.conf", "--at", "5s", "cut=client:eth0>b"],
            "client has no interfaces",
        ),
        (
            &["a.conf", "b.conf", "--at", "5s", "partition=a:eth0/client"],
            "none has b",
        ),
    ] {
        let output = run_in(&folder, words);
        let code = output.status.code();
        assert!(matches!(code, Some(1 | 64)), "{words:?}: {code:?}");
        assert!(output.stdout.is_empty(), "{words:?}");
        let said = text(&output.stderr);
        assert!(said.contains(message), "{words:?}: {said}");
    }
}

/// Files for a run, in a folder of their own.
fn in_folder(name: &str, files: &[(&str, String)], words: &[&str]) -> Output {
    let folder = std::env::temp_dir().join(format!("keepalived-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for (file, content) in files {
        fs::write(folder.join(file), content).unwrap();
    }
    let output = run_in(&folder, words);
    fs::remove_dir_all(&folder).unwrap();
    output
}

fn instance(priority: u8, lines: &str) -> String {
    format!(
        "vrrp_instance VI_1 {{\n    interface eth0\n    virtual_router_id 51\n    priority {priority}\n{lines}\n    \
        virtual_ipaddress {{\n        192.0.2.100/24\n    }}\n}}\n"
    )
}

/// With adverts every 12 seconds a crash is noticed after more than 36: RFC 9568 6.1.
#[test]
fn a_run_lasts_until_a_crash_must_have_been_noticed() {
    let slow = |priority| instance(priority, "    version 3\n    advert_int 12");
    let files = [("a.conf", slow(150)), ("b.conf", slow(100))];
    let words = ["a.conf", "b.conf", "--at", "60s", "kill=a", "--json"];
    let output = in_folder("slow", &files, &words);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    // Four intervals, and five seconds.
    assert_eq!(found["meta"]["length"], 113.0);
    assert_eq!(found["takeovers"][1]["to"], 1, "{}", found["takeovers"]);
}

/// `script:` or `process:` before the name says which; what is not there is not offered.
#[test]
fn the_kinds_that_share_a_name_are_named() {
    let objects = "vrrp_script web {\n    script \"/bin/true\"\n}\nvrrp_track_process web {\n    \
                   process nginx\n}\n";
    let tracked = "    track_script {\n        web\n    }\n    track_process {\n        web\n    }";
    let a = format!("{objects}{}", instance(100, tracked));
    let run = |what: &str| {
        let words = ["a.conf", "--at", "5s", what];
        in_folder("kinds", &[("a.conf", a.clone())], &words)
    };
    let said = text(&run("fail=web@a").stderr);
    let all = "several are called web: say script:web or process:web\n";
    assert!(said.ends_with(all), "{said}");
    for kind in ["script", "process"] {
        let output = run(&format!("fail={kind}:web@a"));
        let told = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(told.contains("VI_1 FAULT"), "{told}");
    }
}

/// One of a thing is not several.
#[test]
fn one_is_told_of_as_one() {
    let words = ["a.conf", "--seeds", "1", "--for", "100ms", "--spread", "0s"];
    let output = in_folder("one", &[("a.conf", instance(255, ""))], &words);
    let told = text(&output.stdout);
    for words in [
        "s of 1 node, seed 0",
        "1 advert sent, 0 copies of them lost",
        "; 1 change of state.",
        "\n1 run, seed 0. Above",
        "0 takeovers late, several MASTERs or holders in 0 runs",
    ] {
        assert!(told.contains(words), "{words}:\n{told}");
    }
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

/// Whoever forgets the name of the page names a configuration.
#[test]
fn a_page_takes_the_place_of_a_page_and_of_nothing_else() {
    let folder = std::env::temp_dir().join(format!("keepalived-place-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let node = |priority: u8| {
        format!(
            "vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 7\n priority {priority}\n \
             virtual_ipaddress {{\n 192.0.2.100/24\n }}\n}}\n"
        )
    };
    for (name, priority) in [("a.conf", 150), ("b.conf", 100)] {
        fs::write(folder.join(name), node(priority)).unwrap();
    }
    let output = run_in(&folder, &["--html", "a.conf", "b.conf"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("is no page of `simulate`"), "{said}");
    assert_eq!(
        fs::read_to_string(folder.join("a.conf")).unwrap(),
        node(150)
    );
    for _ in 0..2 {
        let output = run_in(&folder, &["a.conf", "b.conf", "--html", "page.html"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// The page is a file of its own; what is printed does not change, and every span of the document is drawn.
#[test]
fn a_page_is_written_beside_what_is_printed() {
    let folder = std::env::temp_dir().join(format!("keepalived-html-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let mut drawn = 0;
    for entry in fs::read_dir(scenarios()).expect("there are scenarios") {
        let scenario = entry.unwrap().path();
        let name = scenario.file_name().unwrap().to_str().unwrap();
        let command = command(&scenario);
        let words: Vec<&str> = command.split_whitespace().collect();
        let file = folder.join(format!("{name}.html"));
        let page = ["--html", file.to_str().unwrap()];
        let plain = run_in(&scenario, &words);
        let with = run_in(&scenario, &[&words[..], &page[..]].concat());
        assert_eq!(plain.stdout, with.stdout, "{name}");
        assert_eq!(plain.status.code(), with.status.code(), "{name}");
        let html = fs::read_to_string(&file).expect("a page");
        let document = document(name, &page);
        let count = |list: &str| document[list].as_array().map_or(0, Vec::len);
        let bars = count("spans") + count("outages") + count("conflicts");
        assert_eq!(html.matches("class=\"shape bar ").count(), bars, "{name}");
        let marks = count("incidents") + count("events");
        assert_eq!(html.matches("class=\"shape mark ").count(), marks, "{name}");
        assert!(!html.contains("://") && !html.contains("src="), "{name}");
        drawn += 1;
    }
    assert!(drawn >= 5, "{drawn}");
    let first = fs::read_dir(scenarios())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let command = command(&first);
    let mut words: Vec<&str> = command.split_whitespace().collect();
    words.extend(["--html", "/nonexistent/page.html"]);
    let output = run_in(&first, &words);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("/nonexistent/page.html"));
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_file_that_is_reloaded_twice_has_its_mistakes_told_once() {
    let wrong = instance(100, "no_such_word");
    let words = [
        "a.conf",
        "--at",
        "5s",
        "reload=a:b.conf",
        "--at",
        "9s",
        "reload=a:b.conf",
    ];
    let files = [("a.conf", instance(200, "")), ("b.conf", wrong)];
    let told = text(&in_folder("twice", &files, &words).stdout);
    assert_eq!(told.matches("no_such_word").count(), 1, "{told}");
    assert_eq!(told.matches("refuses to reload").count(), 2, "{told}");
}

#[test]
fn a_run_is_as_long_as_its_delays_make_it() {
    let delayed = instance(200, "preempt_delay 30");
    let delayed = format!("global_defs {{\n vrrp_startup_delay 40\n}}\n{delayed}");
    let files = [("a.conf", delayed), ("b.conf", instance(100, ""))];
    let told = text(&in_folder("delays", &files, &["a.conf", "b.conf"]).stdout);
    assert!(told.contains("b -> a"), "{told}");
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
