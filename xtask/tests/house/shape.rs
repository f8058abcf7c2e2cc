//! Files stay small enough to be read.

use crate::sources::{ALL, is_code, sources};

/// A file past 500 code lines is usually two; at this many it has to be.
const LIMIT: usize = 700;

#[test]
fn no_file_has_more_than_700_code_lines() {
    let mut offences = Vec::new();
    for source in sources(ALL) {
        let lines = source.text.lines().filter(|line| is_code(line)).count();
        if lines > LIMIT {
            offences.push(format!("{}: {lines}", source.name));
        }
    }
    assert!(
        offences.is_empty(),
        "more than {LIMIT} code lines:\n{}",
        offences.join("\n")
    );
}

#[test]
fn no_file_was_left_with_debugging_or_unfinished_code() {
    let mut offences = Vec::new();
    for source in sources(ALL)
        .iter()
        .filter(|source| !source.name.starts_with("xtask/tests/"))
    {
        for (number, line) in source.code() {
            let marks = ["todo!(", "unimplemented!(", "dbg!("];
            if marks.iter().any(|mark| line.contains(mark)) {
                offences.push(format!("{}:{number}: {}", source.name, line.trim()));
            }
        }
    }
    assert!(offences.is_empty(), "unfinished:\n{}", offences.join("\n"));
}
