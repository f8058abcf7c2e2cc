//! `check` of several files: which nodes they are, and what is counted.

mod called;

use called::{GOOD, code, file, run, text};

/// One file for two nodes, with lines of one of them.
#[test]
fn check_reads_a_file_for_each_node_by_its_name() {
    let both = GOOD.replace("priority 100", "@lb1 priority 150\n@lb2 priority 90");
    let both = both.replace("router_id 51", "router_id 51\n@lb2 no_accept");
    let path = file("both.conf", &both);
    let path = path.to_str().unwrap();
    let output = run(&["check", "--name", "lb1", "--name", "lb2", path, path]);
    let report = text(&output.stdout);
    assert_eq!(code(&output), Some(0), "{report}");
    assert!(report.contains("lb1: 1 instance, 0 errors"), "{report}");
    assert!(!report.contains("priority-equal"), "{report}");
    let expected = "of `VI_1` is accepted on lb1, dropped on lb2";
    assert!(report.contains(expected), "{report}");
    // Without names they are two nodes of the same, and called apart.
    let output = run(&["check", path, path]);
    let report = text(&output.stdout);
    assert!(report.contains("warning[priority-equal]"), "{report}");
    assert!(
        report.contains("\nboth-2: 1 instance, 0 errors"),
        "{report}"
    );
    let places = [":1 (VI_1 of both)\n", ":1 (VI_1 of both-2)\n"];
    assert!(
        places.iter().all(|place| report.contains(place)),
        "{report}"
    );
    let same = "assumed: both and both-2 have one and the same file, apart from lines that begin with @NAME\n";
    assert!(report.contains(same), "{report}");
    let output = run(&["check", "--json", path, path]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let cluster = answer.as_array().unwrap().last().unwrap();
    assert_eq!(cluster["assumed"].as_array().unwrap().len(), 1, "{cluster}");
    assert_eq!(
        cluster["findings"][0]["places"][1]["node"], "both-2",
        "{cluster}"
    );
    let output = run(&["check", "--name", "lb1", "--name", "lb1", path, path]);
    assert_eq!(code(&output), Some(64));
    assert!(text(&output.stderr).contains("there are two of them"));
    let output = run(&["check", "--name", "", path]);
    assert_eq!(code(&output), Some(64));
    assert!(text(&output.stderr).contains("name of a node cannot be empty"));
}

/// Both would be the one file that comes, or one of them nothing.
#[test]
fn check_reads_standard_input_once() {
    let output = run(&["check", "-", "-"]);
    assert_eq!(code(&output), Some(64), "{}", text(&output.stdout));
    assert!(output.stdout.is_empty());
    assert!(text(&output.stderr).contains("standard input can be read once"));
}

/// What a file lacks because of its mistakes is not missing on the node.
#[test]
fn check_compares_nothing_with_a_file_of_which_nothing_can_be_used() {
    let good = file("together-a.conf", GOOD);
    let other = file(
        "together-b.conf",
        &GOOD.replace("priority 100", "priority 90"),
    );
    let broken = file(
        "together-c.conf",
        &GOOD.replace("router_id 51", "router_id 510"),
    );
    let paths = [&good, &other, &broken].map(|path| path.to_str().unwrap());
    let output = run(&["check", paths[0], paths[1], paths[2], "/nonexistent.conf"]);
    let report = text(&output.stdout);
    assert_eq!(code(&output), Some(2), "{report}");
    assert!(!report.contains("no-partner"), "{report}");
    for path in [paths[2], "/nonexistent.conf"] {
        let line = format!("\n{path} is not compared: nothing of it can be used\n");
        assert!(report.contains(&line), "{report}");
    }
    let last = report.lines().last().unwrap();
    let own = "2 files together: 0 errors, 0 warnings; in the files themselves: ";
    assert!(
        last.starts_with(own) && !last.contains("themselves: 0 errors"),
        "{last}"
    );
    let output = run(&["check", "--json", paths[0], paths[1], paths[2]]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer[3]["left_out"][0], paths[2], "{answer}");
    assert_eq!(
        answer[3]["cluster"].as_array().unwrap().len(),
        2,
        "{answer}"
    );
}

/// The second of two that are one virtual router is left out: it is neither counted nor compared.
#[test]
fn check_counts_a_duplicate_once() {
    let second = GOOD
        .replace("VI_1", "VI_2")
        .replace("192.0.2", "198.51.100");
    let path = file("duplicate.conf", &format!("{GOOD}{second}"));
    let path = path.to_str().unwrap();
    let report = text(&run(&["check", path, path]).stdout);
    assert_eq!(
        report.matches(": 1 instance, 1 error, ").count(),
        2,
        "{report}"
    );
    assert!(!report.contains("(VI_2)"), "{report}");
}

/// The files of two nodes, each good alone.
#[test]
fn check_holds_the_files_of_several_nodes_against_each_other() {
    let one = file("node-a.conf", GOOD);
    let other = GOOD
        .replace("router_id 51", "router_id 52")
        .replace("priority 100", "priority 90");
    let other = file("node-b.conf", &format!("\n\n{other}"));
    let (one, other) = (one.to_str().unwrap(), other.to_str().unwrap());
    let output = run(&["check", one, other]);
    let report = text(&output.stdout);
    assert_eq!(code(&output), Some(2), "{report}");
    for part in [
        "error[vrid-differs]: `VI_1` has virtual_router_id 51",
        &format!(" --> {one}:1 (VI_1)"),
        &format!(" --> {other}:3 (VI_1)"),
        "= then: the nodes do not hear each other",
        "= help: give it the same virtual_router_id",
        "2 files together: 1 error, 0 warnings",
    ] {
        assert!(report.contains(part), "{part}\n{report}");
    }
    let output = run(&["check", "--json", one, other]);
    assert_eq!(code(&output), Some(2));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer.as_array().unwrap().len(), 3, "{answer}");
    let found = &answer[2]["findings"][0];
    assert_eq!(answer[2]["cluster"][1], other, "{answer}");
    assert_eq!(found["code"], "vrid-differs", "{answer}");
    assert_eq!(found["places"][1]["file"], other, "{answer}");
    assert_eq!(found["places"][1]["line"], 3, "{answer}");

    // Judged by themselves.
    let output = run(&["check", "--each", one, other]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stdout));
    assert!(!text(&output.stdout).contains("together"));
    let output = run(&["check", "--each", "--json", one, other]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer.as_array().unwrap().len(), 2, "{answer}");
}

/// A warning is none of the exit code's business, unless --strict.
#[test]
fn what_may_be_meant_between_nodes_fails_the_strict_check_only() {
    let path = file("twice.conf", GOOD);
    let path = path.to_str().unwrap();
    let output = run(&["check", path, path]);
    let report = text(&output.stdout);
    assert_eq!(code(&output), Some(0), "{report}");
    assert!(report.contains("warning[priority-equal]"), "{report}");
    assert_eq!(code(&run(&["check", "--strict", path, path])), Some(1));
    assert_eq!(
        code(&run(&["check", "--strict", "--each", path, path])),
        Some(0)
    );
}
