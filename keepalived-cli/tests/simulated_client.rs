//! What the client of `simulate` reaches and believes.

mod program;
mod scenarios;

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use scenarios::{in_folder, instance};

/// The two nodes of a scenario, with other words.
fn simulate(words: &[&str]) -> Output {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulate/crash_and_return");
    program::simulate_in(&folder, words)
}

/// The client goes on with b, which has announced the address and gives it back unheard, until it doubts that: 5 s
/// after the announcement it asks b, 3 s later everybody; once b has answered that is 15 to 45 s later. So
/// it does wherever in the scenario that is.
#[test]
fn how_long_a_client_believes_does_not_depend_on_when_the_scenario_begins() {
    // From the start of both: when the client loses the address by the heal, and when it is back.
    let outage = |start: f64, heal: f64, seed: u64| {
        let at = |after: f64, what: &str| ["--at".to_owned(), format!("{}s {what}", start + after)];
        let mut words: Vec<String> = ["a.conf", "b.conf", "--json", "--delay", "200us"]
            .map(str::to_owned)
            .into();
        for node in ["a", "b"] {
            words.extend(["--at".to_owned(), format!("0s kill={node}")]);
        }
        words.extend(at(0.0, "start=a").into_iter().chain(at(0.0, "start=b")));
        words.extend(at(5.0, "partition=a/b,client"));
        words.extend(at(heal, "heal"));
        words.extend(["--for".to_owned(), format!("{}s", start + 90.0)]);
        words.extend(["--seed".to_owned(), seed.to_string()]);
        let words: Vec<&str> = words.iter().flat_map(|word| word.split(' ')).collect();
        let output = simulate(&words);
        let found: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {output:?}"));
        let all = found["outages"].as_array().expect("a list");
        let [_cut, healed] = all.as_slice() else {
            panic!("{all:?}");
        };
        let time = |key: &str| healed[key].as_f64().expect("a time") - start;
        (time("from"), time("until"))
    };
    let near = |(from, until): (f64, f64), (also, likewise): (f64, f64)| {
        (from - also).abs() < 1e-5 && (until - likewise).abs() < 1e-5
    };
    for (heal, earliest, latest) in [(9.0, 15.8, 15.9), (12.0, 15.8, 15.9), (16.0, 35.8, 65.9)] {
        for seed in 0..8 {
            let first = outage(1.0, heal, seed);
            assert!((heal..heal + 1.0).contains(&first.0), "{first:?}");
            assert!((earliest..latest).contains(&first.1), "{first:?}");
            for start in [3.3, 9.7] {
                let other = outage(start, heal, seed);
                assert!(near(first, other), "{heal} {seed}: {first:?} {other:?}");
            }
        }
    }
}

/// No outage is no good news where nothing was reached to begin with.
#[test]
fn an_address_that_was_never_reached_is_listed() {
    let page = std::env::temp_dir().join(format!("keepalived-never-{}.html", std::process::id()));
    let mut words = vec!["a.conf", "b.conf", "--for", "9s"];
    words.extend(["--at", "0s", "link=a:eth0", "down"]);
    words.extend(["--at", "0s", "link=b:eth0", "down"]);
    words.extend(["--html", page.to_str().unwrap()]);
    let output = simulate(&words);
    let html = fs::read_to_string(&page).expect("a page");
    fs::remove_file(&page).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let line = "never reached: 203.0.113.100 (VI_1): nobody has announced it";
    assert!(said.contains(line), "{said}");
    assert!(!said.contains("it stayed so"), "{said}");
    assert!(html.contains("1 address never reached"));
    assert!(!html.contains("could be reached all the time"));
    words.push("--json");
    let found: Value = serde_json::from_slice(&simulate(&words).stdout).unwrap();
    fs::remove_file(&page).unwrap();
    assert_eq!(found["never_reached"][0]["address"], "203.0.113.100");
}

/// RFC 9568 6.1, Accept_Mode: who does not accept forwards and answers ARP, and drops what is for the address itself. The
/// owner accepts whatever is written.
#[test]
fn an_address_whose_holder_accepts_nothing_is_reached_and_does_not_answer() {
    let version3 = |priority, line: &str| instance(priority, &format!("    version 3\n    {line}"));
    let files = [
        ("a.conf", version3(255, "no_accept")),
        ("b.conf", version3(150, "no_accept")),
        ("c.conf", version3(100, "accept")),
    ];
    let words = "a.conf b.conf c.conf --at 10s kill=a --at 20s kill=b --for 40s";
    let words: Vec<&str> = words.split(' ').collect();
    let output = in_folder("accept", &files, &[&words[..], &["--json"]].concat());
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = found["unanswered"].as_array().expect("a list");
    let [one] = all.as_slice() else {
        panic!("{all:?}");
    };
    assert_eq!(
        (&one["node"], &one["address"]),
        (&1.into(), &"192.0.2.100".into())
    );
    // From the takeover by b until it is killed; then c answers.
    let outages = found["outages"].as_array().expect("a list");
    assert_eq!(outages.len(), 2, "{outages:?}");
    assert_eq!(
        (&one["from"], &one["until"]),
        (&outages[0]["until"], &20.0.into())
    );
    let output = in_folder("accept", &files, &words);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = "Reached and without an answer: 192.0.2.100 (VI_1) from ";
    assert!(
        told.contains(line) && told.contains("b forwards, and drops"),
        "{told}"
    );
}
