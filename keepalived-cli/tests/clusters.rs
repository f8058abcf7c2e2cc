//! Whole clusters, each a folder with the file of every node.
//!
//! `tests/clusters/good/NAME`: nothing is found. `tests/clusters/mistakes/CODE`: the finding with that
//! code, and what `check` prints is `expected.txt`, byte for byte. `KEEPALIVED_CLI_REGENERATE=1 cargo
//! test -p keepalived-cli --test clusters` writes these anew, and the table of `docs/check.md`; read the
//! difference before committing it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use keepalived_config::cluster::CODES;
use keepalived_config::diagnostic::CODES as OF_ONE_FILE;

fn folders(kind: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/clusters")
        .join(kind);
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .expect("the clusters are part of the sources")
        .map(|entry| entry.expect("a directory can be listed").path())
        .collect();
    folders.sort();
    folders
}

fn name(folder: &Path) -> &str {
    folder
        .file_name()
        .and_then(|name| name.to_str())
        .expect("plain names")
}

/// What `check` prints about the nodes of a cluster, and its exit code. Paths are those of the folder.
fn check(folder: &Path, flags: &[&str]) -> (String, i32) {
    let mut files: Vec<String> = fs::read_dir(folder)
        .expect("a folder of files")
        .map(|entry| entry.expect("a directory can be listed").file_name())
        .filter_map(|file| file.into_string().ok())
        .filter(|file| file.ends_with(".conf"))
        .collect();
    files.sort();
    assert!(files.len() >= 2, "{}", folder.display());
    let output = Command::new(env!("CARGO_BIN_EXE_keepalived-rs"))
        .arg("check")
        .args(flags)
        .args(files)
        .current_dir(folder)
        .output()
        .expect("the program starts");
    assert!(output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    (text, output.status.code().expect("it ends by itself"))
}

#[test]
fn nothing_is_found_in_a_good_cluster() {
    let good = folders("good");
    assert!(good.len() >= 10, "{}", good.len());
    for folder in good {
        let (text, code) = check(&folder, &["--strict"]);
        assert_eq!(code, 0, "{}:\n{text}", folder.display());
        assert!(
            !text.contains("error[") && !text.contains("warning["),
            "{}:\n{text}",
            folder.display()
        );
    }
}

/// What `simulate` assumes too, the other way round.
#[test]
fn interfaces_of_different_names_are_said_to_be_taken_for_one_network() {
    let folder = |name| {
        folders("good")
            .into_iter()
            .find(|folder| self::name(folder) == name)
    };
    let (text, _) = check(
        &folder("virtual-mac-and-other-interfaces").expect("it is there"),
        &[],
    );
    let assumed =
        "assumed: `VI_1` is on eth0 of a.conf and on ens192 of b.conf: taken to be one network";
    assert!(text.contains(assumed), "{text}");
}

#[test]
fn each_seeded_mistake_is_found_and_said_as_agreed() {
    let regenerate = std::env::var_os("KEEPALIVED_CLI_REGENERATE").is_some();
    let mut wrong = Vec::new();
    for folder in folders("mistakes") {
        let (text, code) = check(&folder, &[]);
        let (_, strict) = check(&folder, &["--strict"]);
        let finding = format!("[{}]: ", name(&folder));
        assert!(text.contains(&finding), "{}:\n{text}", folder.display());
        // An error is one; a warning only under --strict.
        let expected = if text.contains("error[") {
            (2, 2)
        } else {
            (0, 1)
        };
        assert_eq!((code, strict), expected, "{}:\n{text}", folder.display());
        let path = folder.join("expected.txt");
        if regenerate {
            fs::write(&path, &text).expect("the expectation can be written");
        } else if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            wrong.push(format!("--- {} says now:\n{text}", folder.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_is_a_cluster_for_every_mistake_that_can_be_found() {
    let folders = folders("mistakes");
    let shown: BTreeSet<&str> = folders.iter().map(|folder| name(folder)).collect();
    let known: BTreeSet<&str> = CODES.iter().map(|(code, _)| *code).collect();
    assert_eq!(shown, known);
    assert!(CODES.is_sorted_by(|(one, _), (other, _)| one < other));
    assert!(OF_ONE_FILE.is_sorted_by(|(one, _), (other, _)| one < other));
}

/// For programs: what the page about it promises.
#[test]
fn the_document_of_a_cluster_has_the_shape_of_the_page() {
    let folders = folders("mistakes");
    assert!(folders.len() >= 20, "{}", folders.len());
    for folder in folders {
        let (text, _) = check(&folder, &["--json"]);
        let answer: serde_json::Value = serde_json::from_str(&text).expect("one document");
        let (cluster, files) = answer
            .as_array()
            .and_then(|all| all.split_last())
            .expect("an array");
        assert_eq!(
            cluster["cluster"].as_array().map(Vec::len),
            Some(files.len())
        );
        assert!(cluster["left_out"].is_array(), "{cluster}");
        for file in files {
            for count in [
                "instances",
                "services",
                "sessions",
                "errors",
                "warnings",
                "refused",
            ] {
                assert!(file[count].is_u64(), "{count}: {file}");
            }
            assert!(file["file"].is_string() && file["diagnostics"].is_array());
        }
        let findings = cluster["findings"].as_array().expect("a list");
        let count = |word: &str| findings.iter().filter(|f| f["severity"] == *word).count() as u64;
        assert_eq!(cluster["errors"], count("error"), "{cluster}");
        assert_eq!(cluster["warnings"], count("warning"), "{cluster}");
        assert!(findings.iter().any(|f| f["code"] == name(&folder)));
        for finding in findings {
            for text in ["message", "consequence", "help"] {
                assert!(finding[text].as_str().is_some_and(|text| text.len() > 5));
            }
            let places = finding["places"].as_array().expect("a list");
            assert!(!places.is_empty(), "{finding}");
            for place in places {
                assert!(place["file"].is_string() && place["instance"].is_string());
                assert!(place["line"].as_u64() > Some(0) && place["column"].as_u64() > Some(0));
            }
        }
    }
}

#[test]
fn the_page_lists_every_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/check.md");
    let page = fs::read_to_string(&path).expect("the page is part of the sources");
    let severity = |code: &str| {
        let expected = format!("[{code}]: ");
        let said: String = folders("mistakes")
            .iter()
            .filter_map(|folder| fs::read_to_string(folder.join("expected.txt")).ok())
            .collect();
        let word = said.lines().find_map(|line| {
            line.split_once(&expected)
                .map(|(severity, _)| severity.to_owned())
        });
        word.unwrap_or_default()
    };
    let rows: String = CODES
        .iter()
        .map(|(code, meaning)| format!("| `{code}` | {} | {meaning} |\n", severity(code)))
        .collect();
    let of_one_file: String = OF_ONE_FILE
        .iter()
        .map(|(code, meaning)| format!("| `{code}` | {meaning} |\n"))
        .collect();
    let table = |page: &str, head: &str, rows: &str| {
        let (before, rest) = page.split_once(head).expect("a table");
        let tail = rest.split_once("\n\n").map_or("", |(_, tail)| tail);
        format!("{before}{head}{rows}\n{tail}")
    };
    let now = table(
        &page,
        "| code | severity | meaning |\n|---|---|---|\n",
        &rows,
    );
    let now = table(&now, "| code | meaning |\n|---|---|\n", &of_one_file);
    if std::env::var_os("KEEPALIVED_CLI_REGENERATE").is_some() {
        fs::write(&path, now).expect("the page can be written");
    } else {
        assert_eq!(page, now);
    }
}
