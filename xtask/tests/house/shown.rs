//! Every keyword that is said to work has a test that shows it.

use std::collections::BTreeSet;
use std::fs;

use keepalived_config::schema::{InlineWord, Keyword, Status, inline_words, keywords};

use crate::flips;
use crate::sources::root;

/// Keywords that worked before this rule and still wait for their test. Only to be shortened.
const WAITING: &str = "xtask/data/not-shown.txt";

#[test]
fn every_keyword_that_works_is_shown_by_a_test() {
    let tests = flips::scan(&root(), flips::FOLDERS);
    let waiting = fs::read_to_string(root().join(WAITING)).unwrap_or_default();
    let waiting: BTreeSet<&str> = waiting.lines().collect();
    let works = |status: Status| status == Status::Works;
    let keywords = keywords()
        .filter(|keyword| works(keyword.status))
        .map(Keyword::path);
    let words = inline_words()
        .filter(|word| works(word.status))
        .map(InlineWord::path);
    let missing: Vec<String> = keywords
        .chain(words)
        .filter(|path| !tests.contains_key(path) && !waiting.contains(path.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "no test says `/// Flips: ` of: {missing:#?}"
    );
}

#[test]
fn tests_show_only_keywords_that_exist() {
    let known: BTreeSet<String> = keywords()
        .map(Keyword::path)
        .chain(inline_words().map(InlineWord::path))
        .collect();
    for (keyword, tests) in flips::scan(&root(), flips::FOLDERS) {
        assert!(
            known.contains(&keyword),
            "{tests:?} shows `{keyword}`, which is no keyword"
        );
    }
}

/// The live tests are many files, and each was written because of something that once went wrong: a merge
/// must not lose one. `cargo xtask compliance` adds what is new.
#[test]
fn every_file_of_live_tests_that_is_listed_is_there() {
    let list = fs::read_to_string(root().join("xtask/data/live-tests.txt")).expect("the list");
    let lost = list
        .lines()
        .filter(|name| !root().join("lab/tests").join(name).is_file());
    assert_eq!(lost.collect::<Vec<_>>(), [""; 0]);
    assert!(list.lines().count() > 30, "{list}");
}
