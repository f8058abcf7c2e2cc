//! `replay`: exit codes, and what is told of a recording.

mod tape;

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

use tape::recording;

fn replay(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_keepalived-rs"))
        .arg("replay")
        .args(words)
        .output()
        .expect("the program starts")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

#[test]
fn a_recording_is_told_as_a_story_and_ends_with_0() {
    let path = recording("same", false);
    let output = replay(&[path.to_str().unwrap()]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(
        told.contains("INIT -> MASTER: started as the owner"),
        "{told}"
    );
    assert!(told.contains(", 0 differences;"), "{told}");
    assert!(told.contains("  eth0 is down\n"), "{told}");
    let tracked = "  tracked script web has failed\n";
    assert!(told.contains(tracked), "{told}");
    assert!(told.contains("  192.0.2.1 is on eth0\n"), "{told}");
    assert!(
        !told.contains('\x1b'),
        "what is in a file does nothing to a terminal"
    );
}

#[test]
fn a_machine_that_did_something_else_ends_with_1_and_the_place() {
    let path = recording("planted", true);
    let output = replay(&[path.to_str().unwrap()]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("DIFFERENCE at call"), "{told}");
    assert!(told.contains("(what is to be done): recorded"), "{told}");
    let output = replay(&["--json", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["verdict"], "differs");
    assert!(document["summary"]["differences"].as_u64() > Some(0));
}

#[test]
fn what_is_no_recording_ends_with_2() {
    let path = recording("cut", false);
    let octets = fs::read(&path).unwrap();
    for (length, why) in [
        (0, "this is not a recording"),
        (10, "the header is damaged"),
        (70, "no complete beginning"),
    ] {
        fs::write(&path, &octets[..length]).unwrap();
        let output = replay(&[path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{length}");
        assert!(text(&output.stderr).contains(why), "{length} {output:?}");
    }
    let output = replay(&["/nonexistent"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_damaged_recording_is_said_to_be_one_and_where() {
    let path = recording("damaged", false);
    let good = fs::read(&path).unwrap();
    let cut = good[..good.len() - 3].to_vec();
    let mut changed = good;
    let last = changed.len() - 1;
    changed[last] ^= 1;
    for octets in [cut, changed] {
        fs::write(&path, octets).unwrap();
        let output = replay(&[path.to_str().unwrap()]);
        let told = text(&output.stdout);
        assert_eq!(output.status.code(), Some(3), "{told}");
        assert!(
            told.contains("DAMAGE: segment 1 cannot be read from octet "),
            "{told}"
        );
        let output = replay(&["--json", path.to_str().unwrap()]);
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["verdict"], "damaged");
        assert_eq!(document["summary"]["damaged"], 1);
    }
}

/// The fields of an object and of those in it, by the name of the object.
fn fields(path: &str, value: &serde_json::Value, found: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Array(items) => items.iter().for_each(|item| fields(path, item, found)),
        serde_json::Value::Object(object) => {
            for (name, value) in object {
                let name = format!("{path}.{name}");
                fields(&name, value, found);
                found.insert(name);
            }
        }
        _ => {}
    }
}

/// The same of docs/recording.md, of the tables whose title begins with `title`.
fn told(title: &str) -> BTreeSet<String> {
    let page = include_str!("../../docs/recording.md");
    let sections = page.split("\n#### ").skip(1);
    let mut found = BTreeSet::new();
    for section in sections.filter(|section| section.starts_with(title)) {
        let (path, table) = section.split_once('\n').unwrap();
        let rows = table.lines().filter(|line| line.starts_with("| `"));
        for cell in rows.filter_map(|row| row.split('|').nth(1)) {
            let names = cell.split('`').skip(1).step_by(2);
            found.extend(names.map(|name| format!("{path}.{name}")));
        }
    }
    found
}

#[test]
fn the_document_of_a_replay_is_the_one_of_the_page() {
    let mut found = BTreeSet::new();
    for (name, planted) in [("page-same", false), ("page-other", true)] {
        let path = recording(name, planted);
        let output = replay(&["--json", "--all", path.to_str().unwrap()]);
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        fields("replay", &document, &mut found);
    }
    assert_eq!(found, told("replay"));
}
