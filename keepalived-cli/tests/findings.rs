//! What `explain` says of findings in one file is what `check` says of the samples of keepalived-config.
//! `KEEPALIVED_CLI_REGENERATE=1 cargo test -p keepalived-cli --test findings` writes the table anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A line for each code: how severe it is, and the help of the first sample that has one.
fn table() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut samples: Vec<_> = fs::read_dir(root.join("../keepalived-config/tests/golden/mistakes"))
        .expect("the samples are part of the sources")
        .map(|entry| entry.expect("a directory can be listed").path())
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
        .collect();
    samples.sort();
    let mut found: BTreeMap<String, (BTreeSet<String>, Option<String>)> = BTreeMap::new();
    for sample in samples {
        let text = fs::read_to_string(sample).expect("text");
        let mut last = None;
        for line in text.lines() {
            let head = line
                .split_once("]: ")
                .and_then(|(head, _)| head.split_once('['));
            if let Some((severity @ ("error" | "warning" | "note"), code)) = head {
                let entry = found.entry(code.to_owned()).or_default();
                entry.0.insert(severity.to_owned());
                last = Some(code.to_owned());
            } else if let (Some(help), Some(code)) =
                (line.trim_start().strip_prefix("= help: "), &last)
                && let Some(entry) = found.get_mut(code)
            {
                entry.1.get_or_insert_with(|| help.to_owned());
            }
        }
    }
    found
        .into_iter()
        .map(|(code, (severities, help))| {
            let severities: Vec<String> = severities.into_iter().collect();
            format!(
                "{code}\t{}\t{}\n",
                severities.join(" or "),
                help.unwrap_or_default()
            )
        })
        .collect()
}

#[test]
fn what_is_explained_is_what_the_samples_show() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/explain/one_file.tsv");
    let table = table();
    assert!(table.lines().count() > 100);
    if std::env::var_os("KEEPALIVED_CLI_REGENERATE").is_some() {
        fs::write(path, table).expect("written");
    } else {
        assert_eq!(fs::read_to_string(path).expect("there"), table);
    }
}

fn explain(word: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_keepalived-rs"))
        .args(["explain", word])
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{word}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_finding_is_explained_with_severity_consequence_and_remedy() {
    let text = explain("vrid-differs");
    for words in [
        "severity: error",
        "then:     the nodes do not hear",
        "help:     give it the same",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let text = explain("needs-nopreempt");
    assert!(
        text.contains("severity: warning") && text.contains("help: "),
        "{text}"
    );
}

#[test]
fn the_rules_of_simulate_are_explained() {
    let page = include_str!("../../docs/simulate.md");
    let rules = page
        .split("| rule | broken when |")
        .nth(1)
        .expect("a table");
    let rows = rules
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut count = 0;
    for row in rows {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let rule = cells.next().expect("a rule").trim_matches('`');
        let meaning = cells.next().expect("a meaning");
        let text = explain(rule);
        assert!(
            text.contains("found by: simulate") && text.contains(meaning),
            "{row}: {text}"
        );
        count += 1;
    }
    assert!(count >= 6, "{count}");
}
