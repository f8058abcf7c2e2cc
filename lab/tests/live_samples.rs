//! The configurations that Debian ships as examples of Keepalived's.
//!
//! Needs the package `keepalived`, for its documentation.

use std::fs;
use std::path::Path;
use std::process::Command;

use lab::Kind;

const FOLDER: &str = "/usr/share/doc/keepalived/samples";

/// What is wrong in the examples themselves: file, code, line, and why we are right to complain.
const MISTAKES: &[(&str, &str, u64, &str)] = &[
    (
        "fwmark",
        "protocol-of-mark",
        12,
        "a service of a mark has no protocol",
    ),
    (
        "vrrp",
        "duplicate-address",
        32,
        "the same address once more, with a label",
    ),
    (
        "vrrp.lvs_syncd",
        "small-group",
        3,
        "members are to be listed inside of `group { }`, and are not",
    ),
    ("vrrp.lvs_syncd", "unknown-keyword", 4, "such a member"),
    ("vrrp.lvs_syncd", "unknown-keyword", 5, "such a member"),
    (
        "vrrp.routes",
        "deprecated",
        30,
        "`or`, which is several next hops",
    ),
    ("vrrp.routes", "deprecated", 32, "`gw`, which is `via`"),
    ("vrrp.rules", "bad-address", 11, "`192.168.100./24`"),
    ("vrrp.rules", "bad-address", 26, "`192.168.200./24`"),
    (
        "vrrp.rules",
        "no-preference",
        10,
        "the kernel would choose the place of the rule",
    ),
    (
        "vrrp.rules",
        "no-preference",
        25,
        "the kernel would choose the place of the rule",
    ),
];

/// SMP-01: what Keepalived gives as examples is read here.
#[test]
#[ignore = "live: cargo xtask live"]
fn the_samples_load_but_for_their_own_mistakes() {
    lab::require_live();
    let entries = fs::read_dir(FOLDER).expect("the package keepalived is installed");
    let mut seen = 0;
    let mut expected: Vec<_> = MISTAKES.iter().collect();
    for entry in entries {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_name().expect("files have names");
        let name = name.to_str().expect("in UTF-8");
        let Some(name) = name.strip_prefix("keepalived.conf.") else {
            continue;
        };
        seen += 1;
        for found in complaints(&path) {
            let position = expected.iter().position(|(file, code, line, _)| {
                (*file, *code) == (name, found["code"].as_str().expect("a code"))
                    && found["place"]["line"] == *line
            });
            let position = position.unwrap_or_else(|| panic!("{name}: {found}"));
            expected.remove(position);
        }
    }
    assert!(seen >= 24, "{seen} samples");
    assert!(expected.is_empty(), "no longer found: {expected:?}");
}

fn complaints(path: &Path) -> Vec<serde_json::Value> {
    let output = Command::new(lab::daemon::program(Kind::Ours))
        // Their programs and certificates are nowhere here.
        .args(["check", "--json", "--elsewhere", "--config-id", "high"])
        .arg(path)
        .output()
        .expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let document: serde_json::Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    document[0]["diagnostics"]
        .as_array()
        .expect("a list")
        .clone()
}
