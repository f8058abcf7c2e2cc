//! Pages under `docs/` that are made, not written; CI checks that they are up to date.

use std::fs;

use crate::run::{self, Report, cargo, root};

/// Where the pages of the example begin; its text follows in the next lines.
const PAGE: &str = "\u{c}";

/// `docs/keepalived-parity.md` and `docs/reference/`, from the keyword table.
pub(crate) fn parity(report: &mut Report, check: bool) {
    let example = cargo(&[
        "run",
        "--quiet",
        "--package",
        "xtask",
        "--example",
        "parity",
    ]);
    let Some(text) = run::output(example) else {
        return report.fail("parity", "the keyword table cannot be printed");
    };
    let pages = text
        .split(PAGE)
        .skip(1)
        .map(|part| part.split_once('\n').unwrap_or((part, "")));
    let problems: Vec<String> = pages
        .filter_map(|(name, text)| put(name, text, check).err())
        .collect();
    conclude(report, "parity", &problems);
}

/// Writes `docs/NAME`, or compares it.
pub(crate) fn page(report: &mut Report, verb: &str, name: &str, text: &str, check: bool) {
    let problem = put(name, text, check).err();
    conclude(report, verb, problem.as_slice());
}

fn put(name: &str, text: &str, check: bool) -> Result<(), String> {
    let path = root().join("docs").join(name);
    if check {
        let current = fs::read_to_string(&path).unwrap_or_default();
        return if current == text {
            Ok(())
        } else {
            Err(format!("docs/{name}"))
        };
    }
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder
        .and_then(|()| fs::write(&path, text))
        .map_err(|error| format!("docs/{name}: {error}"))
}

fn conclude(report: &mut Report, verb: &str, problems: &[String]) {
    match problems {
        [] => report.pass(verb),
        _ => report.fail(
            verb,
            &format!(
                "`cargo xtask {verb}` makes these anew: {}",
                problems.join(", ")
            ),
        ),
    }
}
