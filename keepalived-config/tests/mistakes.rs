//! Every kind of mistake, and exactly what is said about it.
//!
//! `tests/golden/mistakes/NAME.conf` is parsed, and what is said must be `NAME.txt`, byte for byte.
//! `KEEPALIVED_CONFIG_REGENERATE=1 cargo test --test mistakes` writes the expectations anew; read
//! the difference before committing it: people will have to understand these texts at night.

mod machine;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use keepalived_config::diagnostic::render_all;
use keepalived_config::{MemorySource, Options, parse};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/mistakes")
}

/// The names of all samples.
fn samples() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory())
        .expect("the samples are part of the sources")
        .filter_map(|entry| {
            let name = entry.expect("a directory can be listed").file_name();
            name.to_str()?.strip_suffix(".conf").map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

/// What is said about a sample: the complaints and the exit code of test mode.
fn said(name: &str) -> String {
    let path = directory().join(format!("{name}.conf"));
    let text = fs::read(path).expect("the sample can be read");
    let file = format!("{name}.conf");
    let mut source = MemorySource::new().with_file(&file, text);
    let parsed = parse(&mut source, &file, &Options::default());
    let code = parsed
        .config
        .test_exit_code(&parsed.diagnostics, &machine::Sample);
    let rendered = render_all(&parsed.diagnostics, &parsed.sources);
    format!("{rendered}\n== test mode exits with {code}\n")
}

/// KA A16 of the lessons: every mistake is shown with its place and what to do about it.
#[test]
fn every_mistake_is_reported_as_agreed() {
    let regenerate = std::env::var_os("KEEPALIVED_CONFIG_REGENERATE").is_some();
    let mut wrong = Vec::new();
    for name in samples() {
        let said = said(&name);
        let path = directory().join(format!("{name}.txt"));
        if regenerate {
            fs::write(&path, &said).expect("the expectation can be written");
        } else if fs::read_to_string(&path).ok().as_deref() != Some(&*said) {
            wrong.push(format!("--- {name} says now:\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_are_enough_samples_and_no_orphans() {
    let names: BTreeSet<String> = samples().into_iter().collect();
    assert!(names.len() >= 60, "{}", names.len());
    for entry in fs::read_dir(directory()).expect("the samples are part of the sources") {
        let file = entry.expect("a directory can be listed").file_name();
        let stem = file.to_str().and_then(|name| name.strip_suffix(".txt"));
        assert!(
            stem.is_none_or(|stem| names.contains(stem)),
            "{}",
            file.display()
        );
    }
}

/// A message that shows no place makes people search; only whole-file problems may do that.
#[test]
fn every_complaint_about_a_sample_has_a_place_and_most_have_help() {
    let (mut all, mut helped) = (0_u32, 0_u32);
    for name in samples() {
        let file = format!("{name}.conf");
        let text = fs::read(directory().join(&file)).expect("the sample can be read");
        let mut source = MemorySource::new().with_file(&file, text);
        let parsed = parse(&mut source, &file, &Options::default());
        assert!(!parsed.diagnostics.is_empty(), "{name} says nothing");
        for diagnostic in &parsed.diagnostics {
            assert!(diagnostic.span.is_some(), "{name}: {}", diagnostic.message);
            all += 1;
            helped += u32::from(diagnostic.help.is_some() || !diagnostic.notes.is_empty());
        }
    }
    assert!(
        helped * 10 >= all * 9,
        "{helped} of {all} complaints say what to do"
    );
}
