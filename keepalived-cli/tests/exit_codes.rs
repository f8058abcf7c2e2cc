//! `docs/exit-codes.md`: every code in it is one that a subcommand ends with.

mod tape;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

fn file(name: &str, text: &str) -> String {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("exit-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    fs::write(&path, text).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

fn tape(name: &str, planted: bool) -> PathBuf {
    tape::recording(&format!("exit-{name}"), planted)
}

/// With one virtual router; `more` is a line of it.
fn node(name: &str, more: &str) -> String {
    let text = format!(
        "vrrp_instance V {{\n interface eth0\n virtual_router_id 51\n priority 100\n {more}\n \
         virtual_ipaddress {{\n 192.0.2.9/24\n }}\n}}\n"
    );
    file(name, &text)
}

/// Made once: a test that writes a file anew takes it from another one, which runs at the same time.
static CASES: LazyLock<Vec<(&str, i32, Vec<String>)>> = LazyLock::new(cases);

/// What a command ends with, by command and code.
fn cases() -> Vec<(&'static str, i32, Vec<String>)> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let good = node("good.conf", "");
    let good = good.as_str();
    let warned = node("warned.conf", "garp_master_delay 1\n garp_master_delay 2");
    let wrong = node("wrong.conf", "no_such_keyword");
    let empty = file("empty.conf", "");
    let same = tape("same", false);
    let other = tape("other", true);
    let damaged = tape("damaged", false);
    let mut octets = fs::read(&damaged).expect("there");
    octets.pop();
    fs::write(&damaged, octets).expect("written");
    let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    vec![
        ("check", 64, words(&["check"])),
        ("check", 64, words(&["check", "--bogus", good])),
        ("check", 64, words(&["check", good, "--name", "a/b"])),
        ("check", 64, words(&["check", "-", "-"])),
        ("check", 64, words(&["check", good, good, "--name", "a"])),
        (
            "check",
            64,
            words(&["check", good, "--name", "a", "--config-id", "b"]),
        ),
        ("check", 0, words(&["check", &empty])),
        ("check", 1, words(&["check", "--strict", &empty])),
        ("check", 0, words(&["check", good])),
        ("check", 0, words(&["check", &warned])),
        ("check", 1, words(&["check", "--strict", &warned])),
        ("check", 2, words(&["check", &wrong])),
        ("check", 2, words(&["check", "/nonexistent.conf"])),
        ("simulate", 64, words(&["simulate"])),
        ("simulate", 64, words(&["simulate", "--bogus", good])),
        ("simulate", 64, words(&["simulate", good, "--name", "a/b"])),
        (
            "simulate",
            64,
            words(&["simulate", good, "--at", "5s", "kill=b"]),
        ),
        (
            "simulate",
            64,
            words(&["simulate", good, "--at", "5s", "link=good:eth7", "down"]),
        ),
        (
            "simulate",
            64,
            words(&["simulate", good, "--address", "eth0@good=x"]),
        ),
        (
            "simulate",
            64,
            words(&["simulate", good, "--wire", "eth7=eth0"]),
        ),
        ("simulate", 64, words(&["simulate", good, "--for", "x"])),
        ("simulate", 0, words(&["simulate", good])),
        ("simulate", 1, words(&["simulate", "/nonexistent.conf"])),
        ("simulate", 1, words(&["simulate", &empty])),
        (
            "simulate",
            1,
            words(&["simulate", good, "--html", "/nonexistent/page"]),
        ),
        ("simulate", 2, {
            let (one, two) = (node("one.conf", ""), node("two.conf", "advert_int 5"));
            words(&["simulate", &one, &two])
        }),
        ("replay", 64, words(&["replay"])),
        ("replay", 64, words(&["replay", "--bogus", &path(&same)])),
        ("replay", 0, words(&["replay", &path(&same)])),
        ("replay", 1, words(&["replay", &path(&other)])),
        ("replay", 2, words(&["replay", "/nonexistent"])),
        ("replay", 2, words(&["replay", good])),
        ("replay", 3, words(&["replay", &path(&damaged)])),
        ("record", 64, words(&["record"])),
        ("record", 64, words(&["record", "start"])),
        ("record", 64, words(&["record", "start", "/tmp/tape:1"])),
        (
            "record",
            2,
            words(&["record", "status", "--socket", "/nonexistent"]),
        ),
        ("explain", 64, words(&["explain"])),
        ("explain", 0, words(&["explain", "priority"])),
        ("explain", 1, words(&["explain", "no_such_word"])),
        ("status", 64, words(&["status", "--bogus"])),
        ("status", 1, words(&["status", "--socket", "/nonexistent"])),
        ("demo", 64, words(&["demo", "--bogus"])),
        ("demo", 0, words(&["demo", "--simulate", "--fast"])),
    ]
}

/// Needs a running daemon (`lab/tests/live_record.rs`), or a machine that fails (`src/replay.rs`) or can do nothing.
const ELSEWHERE: [(&str, i32); 5] = [
    ("record", 0),
    ("record", 1),
    ("replay", 4),
    ("status", 0),
    ("demo", 1),
];

#[test]
fn every_subcommand_ends_with_the_code_of_the_table() {
    for (command, code, words) in &*CASES {
        let output = Command::new(env!("CARGO_BIN_EXE_keepalived-rs"))
            .args(words)
            .output()
            .expect("the program starts");
        assert_eq!(
            output.status.code(),
            Some(*code),
            "{command} {words:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn the_table_of_exit_codes_has_those_that_are_tested_and_no_others() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/exit-codes.md");
    let page = fs::read_to_string(page).expect("it is there");
    let mut told = BTreeSet::new();
    for line in page.lines() {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let (Some(command), Some(code)) = (cells.next(), cells.next()) else {
            continue;
        };
        if let Ok(code) = code.parse::<i32>() {
            told.insert((command.trim_matches('`').to_owned(), code));
        }
    }
    let tested = CASES.iter().map(|(command, code, _)| (*command, *code));
    let tested = tested.chain(ELSEWHERE).map(|(command, code)| match code {
        64 => ("all of these".to_owned(), code),
        _ => (command.to_owned(), code),
    });
    assert_eq!(told, tested.collect::<BTreeSet<_>>());
}

#[test]
fn a_word_that_is_no_text_is_one_that_cannot_be_used() {
    use std::os::unix::ffi::OsStrExt;
    let word = std::ffi::OsStr::from_bytes(b"\xff");
    for (words, code) in [(&["check"][..], 64), (&[], 1)] {
        let output = Command::new(env!("CARGO_BIN_EXE_keepalived-rs"))
            .args(words)
            .arg(word)
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(code), "{words:?}");
    }
}
