//! The Rust files of the repository, line by line.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// One file.
pub(crate) struct Source {
    /// Its path below the root.
    pub(crate) name: String,
    /// Its text.
    pub(crate) text: String,
}

impl Source {
    /// Whether the whole file holds tests, examples or benches.
    pub(crate) fn is_test(&self) -> bool {
        let parts = ["/tests/", "/examples/", "/benches/", "/test_"];
        parts.iter().any(|part| self.name.contains(part)) || self.name.ends_with("tests.rs")
    }

    /// Lines with code, numbered from 1: no blank lines, no comments, no module `tests` at the end.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = (1..).zip(self.text.lines());
        let program = numbered.take_while(|(_, line)| *line != "#[cfg(test)]");
        program.filter(|(_, line)| is_code(line))
    }
}

/// Whether a line is more than blank or a comment.
pub(crate) fn is_code(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with("//")
}

/// All Rust files below these folders of the repository.
pub(crate) fn sources(folders: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut queue: Vec<_> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = queue.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let generated = ["target", "corpus", "artifacts"]
                .iter()
                .any(|n| entry.file_name() == *n);
            if path.is_dir() && !generated {
                queue.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(root())
                    .unwrap_or(&path)
                    .to_string_lossy()
                    .into_owned();
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                found.push(Source { name, text });
            }
        }
    }
    assert!(!found.is_empty(), "no Rust file below {folders:?}");
    found
}

/// Every folder with Rust files of ours.
pub(crate) const ALL: &[&str] = &[
    "vrrp-proto",
    "vrrp-fsm",
    "bfd",
    "healthcheck",
    "ipvs",
    "netlink-vip",
    "keepalived-config",
    "netsim",
    "recording",
    "keepalived-driver",
    "keepalived-cli",
    "benches",
    "explore",
    "lab",
    "xtask",
    "fuzz",
];

/// Crates that do no input or output.
pub(crate) const PURE: &[&str] = &[
    "vrrp-proto",
    "vrrp-fsm",
    "bfd",
    "healthcheck",
    "ipvs",
    "netlink-vip",
    "keepalived-config",
    "netsim",
    "recording",
];
