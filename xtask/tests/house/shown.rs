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
/// must not lose one.
#[test]
fn every_file_of_live_tests_is_listed_and_there() {
    let page = fs::read_to_string(root().join("CONTRIBUTING.md")).expect("the page is there");
    let (_, list) = page.split_once("reads this list:").expect("the list");
    let (list, _) = list.split_once("\n\n").expect("its end");
    let listed: BTreeSet<&str> = list.split('`').skip(1).step_by(2).collect();
    let files = fs::read_dir(root().join("lab/tests")).expect("the folder is there");
    let files: Vec<String> = files
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let there = files.iter().filter_map(|name| {
        let name = name.strip_prefix("live_")?;
        name.strip_suffix(".rs")
    });
    assert_eq!(there.collect::<BTreeSet<_>>(), listed);
}
