//! What the pages for people promise is there.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::sources::{ALL, root};

/// A page; that it is missing is a failure.
fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The lines `name = value` of all tables of dependencies in a manifest.
fn dependencies(manifest: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in page(manifest).lines() {
        if line.starts_with('[') {
            assert!(
                !line.contains("dependencies."),
                "{manifest}: one line for each, not {line}"
            );
            inside = line.ends_with("dependencies]");
        } else if inside
            && !line.starts_with('#')
            && let Some((name, value)) = line.split_once('=')
        {
            found.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    found
}

#[test]
fn every_dependency_is_explained_in_architecture_md() {
    let page = page("ARCHITECTURE.md");
    let table = page.split("\n## Dependencies").nth(1).expect("the table");
    let mut missing = BTreeSet::new();
    let mut escaped = Vec::new();
    let mut unknown = dependencies("Cargo.toml");
    assert!(
        unknown.len() > 20,
        "the workspace has lost its dependencies"
    );
    for folder in ALL {
        let manifest = format!("{folder}/Cargo.toml");
        for (name, value) in dependencies(&manifest) {
            // The fuzz targets are no member of the workspace.
            if !value.contains("workspace = true") && *folder != "fuzz" {
                escaped.push(format!("{manifest}: {name}"));
            }
            unknown.push((name, value));
        }
    }
    for (name, value) in unknown {
        // Two packages bear a prefix that their folders do not.
        let folder = name.strip_prefix("keepalived-").unwrap_or(&name);
        let ours = value.contains("path =") || [folder, &name].iter().any(|n| ALL.contains(n));
        if !ours && !table.contains(&format!("`{name}`")) {
            missing.insert(name);
        }
    }
    assert!(
        escaped.is_empty(),
        "not from [workspace.dependencies]: {escaped:#?}"
    );
    assert!(
        missing.is_empty(),
        "ARCHITECTURE.md does not say why: {missing:?}"
    );
}

/// The commands of a page: lines of its `sh` blocks.
fn commands(page: &str) -> Vec<&str> {
    let blocks = page.split("```").skip(1).step_by(2);
    let languages = ["sh\n", "bash\n", "console\n"];
    let shell = blocks.filter_map(|block| languages.iter().find_map(|l| block.strip_prefix(*l)));
    shell
        .flat_map(str::lines)
        .map(|line| line.trim_start_matches("$ "))
        .collect()
}

#[test]
fn the_commands_of_the_readme_exist() {
    let page = page("README.md");
    let cargo: Vec<_> = commands(&page)
        .into_iter()
        .filter(|c| c.contains("cargo "))
        .collect();
    assert!(
        cargo.len() >= 2,
        "README.md shows two commands to begin with, found {cargo:?}"
    );
    for command in cargo {
        let words: Vec<_> = command
            .split_whitespace()
            .skip_while(|word| *word != "cargo")
            .collect();
        match words.get(1..) {
            Some(["xtask", verb, ..]) => assert!(xtask_knows(verb), "no such verb: {command}"),
            Some(["run", ..]) => assert!(targets_exist(&words), "no such target: {command}"),
            Some(["build" | "test" | "install" | "doc" | "bench", ..]) => {}
            _ => panic!("README.md: cannot judge `{command}`"),
        }
    }
}

fn xtask_knows(verb: &str) -> bool {
    let help = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("help")
        .output()
        .expect("xtask runs");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    help.lines()
        .any(|line| line.split_whitespace().next() == Some(verb))
}

/// Whether what `-p`, `--bin` and `--example` name is in the manifests.
fn targets_exist(words: &[&str]) -> bool {
    words.windows(2).all(|pair| match pair {
        ["-p" | "--package", name] => root().join(name).join("Cargo.toml").exists(),
        ["--bin", name] => {
            let cli = root().join("keepalived-cli/Cargo.toml");
            fs::read_to_string(cli).is_ok_and(|manifest| manifest.contains(&format!("\"{name}\"")))
        }
        _ => true,
    })
}

#[test]
fn the_licences_are_there() {
    for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
        assert!(root().join(name).exists(), "{name} is missing");
    }
}

#[test]
fn the_compliance_table_names_only_ids_that_the_sources_can_cite() {
    let table = fs::read_to_string(root().join("xtask/data/requirements.tsv")).expect("the table");
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    assert!(rows.clone().count() > 250, "the table has lost rows");
    for row in rows {
        let id = row.split('\t').next().unwrap_or(row);
        let shape = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
        assert!(
            id.contains('-') && id.chars().all(shape),
            "not an id: {row}"
        );
    }
}
