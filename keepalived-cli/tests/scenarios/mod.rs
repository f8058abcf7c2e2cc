//! Scenarios and files for `simulate`.
#![allow(dead_code, reason = "each test file uses some of them")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use super::program::simulate_in as run_in;

pub(crate) fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

pub(crate) fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulate")
}

/// A scenario's document.
pub(crate) fn document(name: &str, more: &[&str]) -> Value {
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

pub(crate) fn command(folder: &Path) -> String {
    let command = fs::read_to_string(folder.join("command")).expect("a scenario has a command");
    let lines = command.lines().filter(|line| !line.starts_with('#'));
    lines.collect::<Vec<_>>().join(" ")
}

/// Files for a run, in a folder of their own.
pub(crate) fn in_folder(name: &str, files: &[(&str, String)], words: &[&str]) -> Output {
    let folder = std::env::temp_dir().join(format!("keepalived-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for (file, content) in files {
        fs::write(folder.join(file), content).unwrap();
    }
    let output = run_in(&folder, words);
    fs::remove_dir_all(&folder).unwrap();
    output
}

pub(crate) fn instance(priority: u8, lines: &str) -> String {
    format!(
        "vrrp_instance VI_1 {{\n    interface eth0\n    virtual_router_id 51\n    priority {priority}\n{lines}\n    \
        virtual_ipaddress {{\n        192.0.2.100/24\n    }}\n}}\n"
    )
}
