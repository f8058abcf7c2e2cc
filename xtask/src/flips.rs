//! Which test shows that a keyword has its effect.
//!
//! A test says so in its documentation: `/// Flips: vrrp_instance.priority, ADDRESS-ENTRY/dev.` It
//! means that turning this keyword on, off, or to another value changes what somebody outside of the
//! daemon sees: kernel state, packets, the log of a script, an exit code. Words inside lines are
//! named after their place, with a slash. The list may go on in the next lines, up to a full stop.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::files::rust_files;

/// Where tests of the daemon are.
pub(crate) const FOLDERS: &[&str] = &[
    "keepalived-config",
    "keepalived-driver",
    "keepalived-cli",
    "lab",
];

const MARK: &str = "/// Flips: ";

/// The tests of each keyword, as `crate/file.rs: name`.
pub(crate) type Flips = BTreeMap<String, BTreeSet<String>>;

/// What all Rust files below these folders say.
pub(crate) fn scan(root: &Path, folders: &[&str]) -> Flips {
    let mut found = Flips::new();
    for file in folders
        .iter()
        .flat_map(|folder| rust_files(&root.join(folder)))
    {
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy();
        scan_file(
            &name,
            &fs::read_to_string(&file).unwrap_or_default(),
            &mut found,
        );
    }
    found
}

fn scan_file(name: &str, text: &str, found: &mut Flips) {
    let mut pending: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines().map(str::trim) {
        let list = match (line.strip_prefix(MARK), open) {
            (Some(list), _) => Some(list),
            (None, true) => line.strip_prefix("/// "),
            (None, false) => None,
        };
        if let Some(list) = list {
            open = !list.ends_with('.');
            let names = list.trim_end_matches('.').split(',').map(str::trim);
            pending.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
            continue;
        }
        if line.starts_with("//") || line.starts_with('#') || pending.is_empty() {
            continue;
        }
        open = false;
        let Some(test) = test_name(line) else {
            continue;
        };
        for keyword in pending.drain(..) {
            found
                .entry(keyword)
                .or_default()
                .insert(format!("{name}: {test}"));
        }
    }
}

/// `fn name(..)`, or `name;` where a macro makes tests of names.
fn test_name(line: &str) -> Option<&str> {
    let name = match line.split_once("fn ") {
        Some((_, rest)) => rest.split(['(', '<']).next()?,
        None => line.strip_suffix(';')?,
    };
    let named = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(named)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flips(text: &str) -> Flips {
        let mut found = Flips::new();
        scan_file("x/tests/x.rs", text, &mut found);
        found
    }

    #[test]
    fn a_mark_counts_for_the_test_below_it_and_may_span_lines() {
        let found = flips(
            "/// KA-1.\n/// Flips: a.b, c.d.e,\n/// ROUTE-ENTRY/via.\n#[test]\nfn it_does() {}\nfn other() {}\n",
        );
        let keys: Vec<_> = found.keys().map(String::as_str).collect();
        assert_eq!(keys, ["ROUTE-ENTRY/via", "a.b", "c.d.e"]);
        assert!(found["a.b"].contains("x/tests/x.rs: it_does"));
        assert_eq!(found["a.b"].len(), 1);
    }

    #[test]
    fn an_entry_of_a_macro_that_makes_tests_is_a_test() {
        let found = flips("ours = Ours {\n    /// Flips: a.b.\n    it_works;\n}\n");
        assert!(found["a.b"].contains("x/tests/x.rs: it_works"));
    }
}
