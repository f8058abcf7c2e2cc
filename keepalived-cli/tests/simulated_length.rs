//! How long `simulate` goes on unless it is told.

mod program;
mod scenarios;

use serde_json::Value;

use program::simulate_in as run_in;
use scenarios::{in_folder, instance, scenarios, text};

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

#[test]
fn a_run_is_as_long_as_its_delays_make_it() {
    let delayed = instance(200, "preempt_delay 30");
    let delayed = format!("global_defs {{\n vrrp_startup_delay 40\n}}\n{delayed}");
    let files = [("a.conf", delayed), ("b.conf", instance(100, ""))];
    let told = text(&in_folder("delays", &files, &["a.conf", "b.conf"]).stdout);
    assert!(told.contains("b -> a"), "{told}");
}

/// The client goes on with b, which has yielded unheard, until it doubts that: for up to 53 s.
#[test]
fn a_run_waits_for_a_client_that_has_yet_to_find_the_address() {
    let words =
        "a.conf b.conf --at 5s kill=a --at 10s cut=a>client --at 12s start=a --at 30s heal --json";
    let words: Vec<&str> = words.split(' ').collect();
    let run = |seed: &str, more: &[&str]| {
        let folder = scenarios().join("a_client_that_does_not_hear");
        run_in(&folder, &[&words[..], &["--seed", seed], more].concat())
    };
    let outage = |found: &Value| found["outages"].as_array().unwrap().last().unwrap().clone();
    let mut waited = 0;
    for seed in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        let found: Value = serde_json::from_slice(&run(seed, &[]).stdout).unwrap();
        let (length, until) = (
            found["meta"]["length"].as_f64().unwrap(),
            &outage(&found)["until"],
        );
        assert!(
            until.as_f64().is_some_and(|until| until <= length),
            "{found}"
        );
        // No longer than that takes, and as long as before where it takes no time.
        assert!((45.0..=105.0).contains(&length), "{length}");
        waited += u32::from(length > 45.0);
        let short: Value = serde_json::from_slice(&run(seed, &["--for", "30s"]).stdout).unwrap();
        assert_eq!(short["meta"]["length"], 30.0);
        assert_eq!(outage(&short)["until"], Value::Null);
    }
    assert!(waited > 0);
}

/// What nobody would mend is not waited for, and told of at its end.
#[test]
fn an_outage_that_lasts_is_told_of_as_one() {
    let files = [("a.conf", instance(200, "")), ("b.conf", instance(100, ""))];
    let words = [
        "a.conf", "b.conf", "--at", "8s", "kill=a", "--at", "9s", "kill=b",
    ];
    let told = text(&in_folder("lasts", &files, &words).stdout);
    assert!(told.starts_with("Simulated: 24.000 s"), "{told}");
    for line in [
        "    24.000 s  the end: the client on eth0 has not reached 192.0.2.100 for 16.000 s\n",
        "the longest 16.000 s, and it was not back at the end\n",
    ] {
        assert!(told.contains(line), "{told}");
    }
}
