//! The command line of `simulate`: what can happen, and what is refused.

mod program;
mod scenarios;

use std::fs;
use std::process::Command;

use serde_json::Value;

use program::simulate_in as run_in;
use scenarios::{document, in_folder, instance, scenarios, text};

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
        "a has another file to load: b.conf (it is off)",
        "a is started",
    ];
    assert_eq!(said, expected);
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
            &["a.conf", "b.conf", "--at", "40d", "kill=a"],
            "--at 40d kill=a: 40d is more than 30 days",
        ),
        (
            &[
                "a.conf",
                "b.conf",
                "--at",
                "5s",
                "partition=a/b,client:eth0",
            ],
            "client has no interfaces: name that of a node on the same network, as in partition=a:eth1,b/client",
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

/// A node that is off says so for each virtual router, however that came.
#[test]
fn a_node_that_is_killed_is_off_in_the_timeline() {
    let found = document("crash_and_return", &[]);
    let events = found["events"].as_array().unwrap().iter();
    let mut texts = events
        .filter(|event| event["at"] == 5.0)
        .map(|event| &event["text"]);
    assert!(texts.any(|text| text == "VI_1 OFF: killed"), "{found}");
    let mut spans = found["spans"].as_array().unwrap().iter();
    assert!(spans.any(|span| span["state"] == "OFF" && span["reason"] == "killed"));
}

/// Whether it was stopped or killed, whatever it was before; what a reload has removed is off already.
#[test]
fn a_node_that_leaves_says_once_how_of_each_virtual_router_and_group() {
    let second = instance(200, "").replace("VI_1", "VI_2");
    let second = second.replace("id 51", "id 52").replace("eth0", "eth1");
    let second = second.replace("192.0.2.100", "198.51.100.100");
    let group = "vrrp_sync_group G {\n    group {\n        VI_1\n        VI_2\n    }\n}\n";
    let one = instance(200, "");
    let both = format!("{one}{second}");
    let files = [
        ("a.conf", format!("{group}{both}")),
        ("b.conf", both),
        ("one.conf", one),
    ];
    let off = |words: &str| {
        let words: Vec<&str> = words.split_whitespace().collect();
        let output = in_folder("leaves-once", &files, &[&words[..], &["--json"]].concat());
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let events = found["events"].as_array().unwrap().iter();
        let late = events.filter(|event| event["at"].as_f64().unwrap() >= 8.0);
        let texts = late.map(|event| event["text"].as_str().unwrap().to_owned());
        texts
            .filter(|text| ["OFF", "FAULT"].iter().any(|word| text.contains(word)))
            .collect::<Vec<String>>()
    };
    for (before, command, how) in [
        ("", "stop", "stopped"),
        ("", "kill", "killed"),
        ("--at 6s link=a:eth1:down", "stop", "stopped"),
        ("--at 6s link=a:eth1:down", "kill", "killed"),
        ("--at 7s stall=a:2s", "stop", "stopped"),
    ] {
        let words = format!("a.conf {before} --at 8s {command}=a --at 10s kill=a --at 11s stop=a");
        let expected = [
            format!("VI_1 OFF: {how}"),
            format!("VI_2 OFF: {how}"),
            "group G OFF".to_owned(),
        ];
        assert_eq!(off(&words), expected, "{words}");
    }
    for (command, how) in [("stop", "stopped"), ("kill", "killed")] {
        let words = format!("b.conf --at 6s reload=b:one.conf --at 8s {command}=b --at 9s kill=b");
        assert_eq!(off(&words), [format!("VI_1 OFF: {how}")], "{words}");
    }
}

/// docs/simulate.md has what a frozen node does with what happens to it.
#[test]
fn what_happens_to_a_frozen_node_is_said() {
    let mut words = vec!["a.conf", "b.conf"];
    for (at, what) in [
        ("10s", "stall=a:6s"),
        ("11s", "stall=a:2s"),
        ("12s", "start=a"),
        ("13s", "stall=a:7s"),
        ("14s", "stop=a"),
        ("30s", "start=a"),
        ("40s", "stall=a:30s"),
        ("41s", "kill=a"),
        ("42s", "start=a"),
    ] {
        words.extend(["--at", at, what]);
    }
    words.push("--json");
    let output = run_in(&scenarios().join("nopreempt"), &words);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let incidents = found["incidents"].as_array().unwrap().iter();
    let said: Vec<&str> = incidents.map(|one| one["text"].as_str().unwrap()).collect();
    let expected = [
        "a is frozen for 6.000 s",
        "a is frozen for 2.000 s (it is frozen for longer already)",
        "a is started (it is frozen, and runs on then)",
        "a is frozen for 7.000 s",
        "a is stopped (it is frozen: it will notice afterwards)",
        "a is started",
        "a is frozen for 30.000 s",
        "a is killed",
        "a is started",
    ];
    assert_eq!(said, expected);
    // It runs again when the longest is over, and then hears that it was stopped; a kill waits for nothing.
    let spans = found["spans"].as_array().unwrap().iter();
    let offs = spans.filter(|span| span["node"] == 0 && span["state"] == "OFF");
    let offs: Vec<(f64, f64)> = offs
        .map(|span| {
            (
                span["since"].as_f64().unwrap(),
                span["until"].as_f64().unwrap(),
            )
        })
        .collect();
    assert_eq!(offs, [(20.0, 30.0), (41.0, 42.0)], "{found}");
}

/// 1 is the number of a failure only for who is worse off with it.
#[test]
fn a_file_fails_by_its_number_where_that_is_a_failure() {
    let run = |weight: &str| {
        let tracked = format!("    track_file {{\n        load weight {weight}\n    }}");
        let file = "vrrp_track_file load {\n    file \"/tmp/load\"\n    init_file 0\n}\n";
        let a = format!("{file}{}", instance(150, &tracked));
        let files = [("a.conf", a), ("b.conf", instance(100, ""))];
        in_folder(
            "number",
            &files,
            &["a.conf", "b.conf", "--at", "8s", "fail=load@a"],
        )
    };
    for (weight, told) in [("-60", "a VI_1 has priority 90"), ("0", "a VI_1 FAULT")] {
        let output = run(weight);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(
            text(&output.stdout).contains(told),
            "{}",
            text(&output.stdout)
        );
    }
    let output = run("20");
    assert_eq!(output.status.code(), Some(64));
    let said = text(&output.stderr);
    assert!(
        said.contains("nobody who tracks load is worse off with 1: use value=load@"),
        "{said}"
    );
}

/// Interfaces of different names are two networks by assumption; what is said last depends on it.
#[test]
fn the_last_line_does_not_reassure_where_networks_are_assumed() {
    let folder = scenarios().join("interfaces_with_different_names");
    let told =
        |more: &[&str]| text(&run_in(&folder, &[&["a.conf", "b.conf"], more].concat()).stdout);
    let last = |told: &str| told.lines().last().unwrap_or_default().to_owned();
    let apart = told(&[]);
    assert!(
        last(&apart).starts_with("No rule was broken, if what looks like one"),
        "{apart}"
    );
    let joined = told(&["--wire", "eth0@a=eth1@b"]);
    assert_eq!(last(&joined), "No rule was broken.");
}
