//! Pages under `docs/` that are made, not written; CI checks that they are up to date.

use std::fs;

use crate::run::{self, Report, cargo, root};

/// `docs/keepalived-parity.md`, from the keyword table.
pub(crate) fn parity(report: &mut Report, check: bool) {
    let example = cargo(&[
        "run",
        "--quiet",
        "--package",
        "xtask",
        "--example",
        "parity",
    ]);
    match run::output(example) {
        Some(text) => page(report, "parity", &text, check),
        None => report.fail("parity", "the keyword table cannot be printed"),
    }
}

/// Writes `docs/NAME`, or compares it.
pub(crate) fn page(report: &mut Report, verb: &str, text: &str, check: bool) {
    let name = if verb == "parity" {
        "keepalived-parity.md"
    } else {
        "compliance.md"
    };
    let path = root().join("docs").join(name);
    if check {
        let current = fs::read_to_string(&path).unwrap_or_default();
        if current == text {
            report.pass(verb);
        } else {
            report.fail(
                verb,
                &format!("docs/{name} is out of date: run `cargo xtask {verb}`"),
            );
        }
        return;
    }
    match fs::create_dir_all(root().join("docs")).and_then(|()| fs::write(&path, text)) {
        Ok(()) => report.pass(verb),
        Err(error) => report.fail(verb, &error.to_string()),
    }
}
