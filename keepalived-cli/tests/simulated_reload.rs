//! What a reload changes of a simulated node.

mod program;
mod scenarios;

use serde_json::Value;

use scenarios::{in_folder, instance, text};

/// A run in which `a` takes another file at 10 s.
fn reloaded(name: &str, files: &[(&str, String); 3], more: &str) -> (Value, Option<i32>) {
    let words = format!("a.conf b.conf --json --for 40s --at 10s reload=a:later.conf {more}");
    let words: Vec<&str> = words.split_whitespace().collect();
    let output = in_folder(name, files, &words);
    let found = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
    (found, output.status.code())
}

fn says(found: &Value, words: &str) -> bool {
    let mut events = found["events"].as_array().unwrap().iter();
    events.any(|event| event["text"].as_str().unwrap().contains(words))
}

const EXCLUDED: &str = "    virtual_ipaddress_excluded {\n        198.51.100.7/32\n    }";
const NO_ACCEPT: &str = "    version 3\n    no_accept";

/// The state machine knows only the advertised addresses.
#[test]
fn an_address_that_is_not_advertised_comes_and_goes_with_a_reload() {
    let files = |before: &str, after: &str| {
        [
            ("a.conf", instance(200, before)),
            ("b.conf", instance(100, EXCLUDED)),
            ("later.conf", instance(200, after)),
        ]
    };
    let (gone, _) = reloaded("excluded-gone", &files(EXCLUDED, ""), "");
    assert!(says(&gone, "0 virtual routers new, 1 changed, 0 gone"));
    let outage = &gone["outages"][0];
    assert_eq!(outage["address"], "198.51.100.7", "{}", gone["outages"]);
    assert_eq!(outage["from"], 10.0);
    assert_eq!(outage["until"], Value::Null);

    let (come, _) = reloaded("excluded-come", &files("", EXCLUDED), "--at 20s kill=a");
    let outages = come["outages"].as_array().unwrap().iter();
    let of = outages.filter(|one| one["address"] == "198.51.100.7");
    // It was reached from the reload on: that it is lost with the node is an outage.
    assert_eq!(of.map(|one| &one["from"]).collect::<Vec<_>>(), [20.0]);
}

/// Where an address is shows in who reaches it, and in where what is for it is dropped.
#[test]
fn an_address_that_a_reload_puts_on_another_interface_is_there_and_nowhere_else() {
    let on = |device: &str| {
        let line = format!("192.0.2.100/24 dev {device}");
        instance(200, NO_ACCEPT).replace("192.0.2.100/24", &line)
    };
    let files = [
        ("a.conf", on("eth0")),
        ("b.conf", on("eth1").replace("200", "100")),
        ("later.conf", on("eth1")),
    ];
    let (found, _) = reloaded("another-device", &files, "");
    let dropped = found["unanswered"].as_array().unwrap().iter();
    let mut there = dropped.filter(|one| one["wire"] == "eth1");
    // It is announced there at once; nobody has answered for it there before.
    let from = there.next().and_then(|one| one["from"].as_f64());
    let at_once = from.is_some_and(|from| (10.0..10.001).contains(&from));
    assert!(at_once, "{}", found["unanswered"]);
    let outages = found["outages"].as_array().unwrap().iter();
    let told = outages.map(|one| (&one["wire"], &one["from"], &one["until"], &one["why"]));
    let (eth0, why) = (Value::from("eth0"), Value::from("a holds it on eth1"));
    let expected = (&eth0, &Value::from(10.0), &Value::Null, &why);
    assert_eq!(told.collect::<Vec<_>>(), [expected]);
    let remarks = found["not_simulated"].to_string();
    let said = "192.0.2.100 is on eth1 here and on eth0 of a: taken to be two networks (--wire eth0@a=eth1@b makes";
    assert!(remarks.contains(said), "{remarks}");
}

/// Whoever drops what is for the address from a reload on does not answer from then on.
#[test]
fn what_is_dropped_is_judged_again_at_a_reload() {
    let files = [
        ("a.conf", instance(200, "    version 3")),
        ("b.conf", instance(100, "    version 3")),
        ("later.conf", instance(200, NO_ACCEPT)),
    ];
    let (found, _) = reloaded("no-accept", &files, "");
    let unanswered = &found["unanswered"][0];
    assert_eq!(unanswered["from"], 10.0, "{}", found["unanswered"]);
}

/// What a reload makes due at once cannot have been due before it.
#[test]
fn a_backup_that_a_reload_makes_due_at_once_is_not_late() {
    let every =
        |seconds: u8, priority: u8| instance(priority, &format!("    advert_int {seconds}"));
    let files = [
        ("a.conf", every(5, 200)),
        ("b.conf", every(1, 100)),
        ("later.conf", every(1, 200)),
    ];
    let (found, code) = reloaded("shorter", &files, "--at 0s kill=b");
    assert_eq!(found["violations"], Value::Array(Vec::new()));
    assert_eq!(found["takeovers"][0]["at"], 10.0, "{}", found["takeovers"]);
    assert_eq!(found["takeovers"][0]["verdict"], "within");
    assert_eq!(code, Some(0));
}

/// What waited for the slow member of its group waits no longer when a reload takes it out of the group.
#[test]
fn a_member_that_leaves_its_group_by_a_reload_is_not_late() {
    let both = |group: &str| {
        let slow = instance(200, "    advert_int 5").replace("VI_1", "VI_2");
        let slow = slow.replace("id 51", "id 52").replace("2.100", "2.200");
        format!("{group}{}{slow}", instance(200, ""))
    };
    let group = "vrrp_sync_group G {\n    group {\n        VI_1\n        VI_2\n    }\n}\n";
    let files = [
        ("a.conf", both(group)),
        ("b.conf", both("").replace("200", "100")),
        ("later.conf", both("")),
    ];
    let (found, code) = reloaded("leaves", &files, "--at 0s kill=b");
    assert_eq!(found["violations"], Value::Array(Vec::new()));
    assert_eq!(found["takeovers"][0]["at"], 10.0, "{}", found["takeovers"]);
    assert_eq!(code, Some(0));
}

/// The client hears nothing of the takeover, and of the refreshes that begin with the reload it does.
#[test]
fn refreshes_that_a_reload_asks_for_begin_with_it() {
    let until = |name: &str, later: &str| {
        let files = [
            ("a.conf", instance(200, "")),
            ("b.conf", instance(100, "")),
            ("later.conf", instance(100, later)),
        ];
        let words = "a.conf b.conf --json --for 90s --at 20s cut=b>client --at 21s kill=a \
                     --at 27s reload=b:later.conf --at 30s heal";
        let words: Vec<&str> = words.split_whitespace().collect();
        let output = in_folder(name, &files, &words);
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        found["outages"][0]["until"].as_f64().unwrap()
    };
    assert!(until("refresh-none", "") > 34.0);
    let found = until("refresh-begun", "    garp_master_refresh 2");
    assert!((30.0..=32.0).contains(&found), "{found}");
}
