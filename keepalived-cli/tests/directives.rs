//! The directives of the language, seen from outside: a word that no block knows is complained about,
//! so that a complaint shows which text a directive made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder(test: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!(
        "keepalived-directives-{test}-{}",
        std::process::id()
    ));
    fs::create_dir_all(&path).expect("a folder for the test");
    path
}

/// What a configuration test says of a file, and its exit code.
fn judged(path: &Path, flags: &[&str]) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_keepalived-rs"))
        .args(["-t", "-f"])
        .arg(path)
        .args(flags)
        .env("DIRECTIVE_TEST", "from_env")
        .output()
        .expect("the program starts");
    (
        String::from_utf8_lossy(&output.stderr).into_owned(),
        output.status.code(),
    )
}

fn says(content: &str, flags: &[&str], test: &str) -> String {
    let folder = folder(test);
    let path = folder.join("directive.conf");
    fs::write(&path, content).expect("the file is written");
    let said = judged(&path, flags).0;
    fs::remove_dir_all(folder).expect("the folder goes");
    said
}

/// LANG-01.
///
/// Flips: (directive)/#, (directive)/!.
#[test]
fn a_comment_hides_the_rest_of_its_line_unless_its_sign_is_escaped() {
    for sign in ['#', '!'] {
        let said = says(&format!("{sign} no_such_word\n"), &[], "comment");
        assert!(!said.contains("no_such_word"), "{sign}: {said}");
        let said = says("no_such_word\n", &[], "comment");
        assert!(said.contains("no_such_word"), "{sign}: {said}");
        let said = says(&format!("no_such\\{sign}word\n"), &[], "comment");
        assert!(
            said.contains(&format!("no_such{sign}word")),
            "{sign}: {said}"
        );
    }
}

/// LANG-11.
///
/// Flips: (directive)/@, (directive)/@^.
#[test]
fn a_line_counts_only_for_the_configuration_ids_that_it_names() {
    let content = "@here for_here\n@^here for_others\n";
    for (id, seen, hidden) in [
        ("here", "for_here", "for_others"),
        ("there", "for_others", "for_here"),
    ] {
        let said = says(content, &["-i", id], "id");
        assert!(
            said.contains(seen) && !said.contains(hidden),
            "{id}: {said}"
        );
    }
}

/// LANG-12, LANG-13.
///
/// Flips: (directive)/$NAME=, (directive)/$NAME, (directive)/${NAME}, (directive)/${_PWD},
/// (directive)/${_INSTANCE}, (directive)/${_ENV}, (directive)/${_HASH}, (directive)/${_BANG},
/// (directive)/${_RANDOM}.
#[test]
fn a_definition_is_replaced_by_its_text() {
    for (content, expected) in [
        ("$WORD=said\nun$WORD here\n", "unsaid"),
        ("$WORD=said\n$WORD here\n", "said"),
        ("$WORD=over \\\ntwo\nx$WORD here\n", "xover"),
        ("$WORD=said\nun${WORD}_too\n", "unsaid_too"),
        ("un${WORD}_too\n", "un${WORD}_too"),
        ("x${_PWD}\n", "keepalived-directives-definition-"),
        ("instance lb7\nx${_INSTANCE}\n", "xlb7"),
        ("x${_ENV DIRECTIVE_TEST}\n", "xfrom_env"),
        ("x${_HASH}y\n", "x#y"),
        ("x${_BANG}y\n", "x!y"),
        ("x${_RANDOM 7 7}y\n", "x7y"),
    ] {
        let said = says(content, &[], "definition");
        assert!(
            said.contains(&format!("`{expected}")) || said.contains(expected),
            "{content}: {said}"
        );
    }
    // Without a definition the name stays.
    let said = says("un$WORD here\n", &[], "definition");
    assert!(!said.contains("unsaid"), "{said}");
}

/// LANG-14, LANG-15.
///
/// Flips: (directive)/~SEQ, (directive)/~SEQx, (directive)/~LST.
#[test]
fn a_series_makes_one_line_of_each_of_its_values() {
    for (content, expected) in [
        (
            "~SEQ(n, 8, 1, 10) word_$n\n",
            ["word_8", "word_9", "word_10"],
        ),
        (
            "~SEQx(n, 8, 1, 10) word_$n\n",
            ["word_8", "word_9", "word_a"],
        ),
        (
            "~LST(n, red, green, blue) word_$n\n",
            ["word_red", "word_green", "word_blue"],
        ),
    ] {
        let said = says(content, &[], "series");
        for word in expected {
            assert!(said.contains(word), "{content}: {word}: {said}");
        }
    }
}

/// LANG-08, LANG-09.
///
/// Flips: (directive)/include, (directive)/includer, (directive)/includem, (directive)/includew,
/// (directive)/includeb, (directive)/includea.
#[test]
fn an_included_file_counts_and_a_missing_one_is_an_error_where_the_directive_says_so() {
    let folder = folder("include");
    fs::write(folder.join("one.inc"), "word_of_one\n").expect("written");
    let main = folder.join("main.conf");
    let tried = |line: &str| {
        fs::write(&main, format!("{line}\n")).expect("written");
        judged(&main, &[])
    };
    for directive in [
        "include", "includer", "includem", "includew", "includeb", "includea",
    ] {
        let (said, _) = tried(&format!("{directive} one.inc"));
        assert!(said.contains("word_of_one"), "{directive}: {said}");
    }
    // What each of them does not put up with, and the plain one does.
    for (directive, missing) in [
        ("includem", "gone.inc"),
        ("includea", "gone.inc"),
        ("includew", "gone*.inc"),
        ("includea", "gone*.inc"),
        ("includeb", "{one,gone}.inc"),
        ("includea", "{one,gone}.inc"),
    ] {
        let complaint = "error[include";
        let (said, _) = tried(&format!("{directive} {missing}"));
        assert!(said.contains(complaint), "{directive} {missing}: {said}");
        let (said, _) = tried(&format!("include {missing}"));
        assert!(!said.contains(complaint), "include {missing}: {said}");
    }
    // A file that is there and cannot be read: `includer` minds. A folder stands for it, because
    // root may read every file.
    fs::create_dir_all(folder.join("folder.inc")).expect("made");
    assert!(tried("includer folder.inc").0.contains("error"));
    fs::remove_dir_all(folder).expect("the folder goes");
}
