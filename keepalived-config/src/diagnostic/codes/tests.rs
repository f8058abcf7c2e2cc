//! Every code that the sources give is in the list.

use std::fs;
use std::path::Path;

use super::*;

/// What comes in front of a code.
const CALLS: [&str; 4] = [".error(", ".warning(", "refuse(", "Diagnostic::new("];

fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let all = fs::read_to_string(path).unwrap();
            text.push_str(all.split("#[cfg(test)]").next().unwrap());
            text.push('\n');
        }
    }
}

/// A complaint that is made in a test is looked at when it is made; here are all others.
#[test]
fn every_code_in_the_sources_is_explained() {
    let mut text = String::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut text,
    );
    let mut seen = 0;
    for call in CALLS {
        for after in text.split(call).skip(1) {
            let Some((before, rest)) = after.split_once('"') else {
                continue;
            };
            let Some((code, next)) = rest.split_once('"') else {
                continue;
            };
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let is_code = code.starts_with(|c: char| c.is_ascii_lowercase())
                && code.chars().all(fits)
                && next.starts_with(',');
            if before.contains([';', '{']) || !is_code {
                continue;
            }
            assert!(meaning(code).is_some(), "{code} is not explained");
            seen += 1;
        }
    }
    assert!(seen > 200, "{seen}");
    assert!(CODES.is_sorted_by(|(one, _), (other, _)| one < other));
    assert!(
        CODES
            .iter()
            .all(|(_, meaning)| meaning.ends_with('.') && meaning.len() > 15)
    );
}
