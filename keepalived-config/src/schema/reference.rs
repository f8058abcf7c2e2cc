//! The reference of the configuration language: a page per block, made from the keyword table.

use std::fmt::Write as _;

use super::{Context, InlineWord, Keyword, OURS, Status, inline_words, keywords_of};

/// The pages, as file name and Markdown text; the first is the table of contents.
///
/// The text depends on the keyword table only.
#[must_use]
pub fn reference_pages() -> Vec<(String, String)> {
    let mut pages = vec![("README.md".to_owned(), contents())];
    for &context in &Context::ALL {
        pages.push((file(context), block(context)));
    }
    pages.push(("words.md".to_owned(), words()));
    pages
}

/// A name that is the same in every file system: `MISC_CHECK` and `misc_check` must not meet.
fn file(context: Context) -> String {
    match context {
        Context::Root => "root.md".to_owned(),
        other => format!("{}.md", other.path()),
    }
}

fn contents() -> String {
    let mut page = String::from(
        "# Configuration reference\n\n\
         Every keyword of `keepalived.conf`, block by block: arguments, default, the first Keepalived \
         release that has it, and what keepalived-rs does with it. `keepalived-rs explain KEYWORD` says \
         the same on a terminal. These pages are made from the keyword table.\n\n\
         | Block | Keywords |\n|---|---:|\n",
    );
    for &context in &Context::ALL {
        let count = keywords_of(context).count();
        let _ = writeln!(
            page,
            "| [{}]({}) | {count} |",
            context.path(),
            file(context)
        );
    }
    page.push_str("\n[Words inside lines](words.md): the options of addresses, routes, rules, peers and trackers.\n");
    page
}

fn block(context: Context) -> String {
    let mut page = match context {
        Context::Root => "# The top level\n".to_owned(),
        other => format!("# `{}`\n", other.path()),
    };
    for keyword in keywords_of(context) {
        entry(&mut page, keyword);
    }
    page
}

fn entry(page: &mut String, keyword: &Keyword) {
    let _ = write!(page, "\n## {}\n\n", keyword.name);
    let line = format!("{} {}", keyword.name, keyword.arguments);
    let _ = write!(
        page,
        "```text\n{}\n```\n\n{}\n\n",
        line.trim_end(),
        keyword.doc
    );
    if !keyword.default.is_empty() {
        let _ = writeln!(page, "* Default: {}", keyword.default);
    }
    match keyword.since {
        "" => {}
        OURS => page.push_str("* Only keepalived-rs has it\n"),
        since => {
            let _ = writeln!(page, "* Keepalived has it since {since}");
        }
    }
    let _ = writeln!(page, "* keepalived-rs: {}", status(keyword.status));
}

fn words() -> String {
    let mut page = String::from("# Words inside lines\n");
    let mut place = "";
    for word in inline_words() {
        if word.place != place {
            place = word.place;
            let _ = write!(
                page,
                "\n## {place}\n\n| Word | Arguments | keepalived-rs |\n|---|---|---|\n"
            );
        }
        row(&mut page, word);
    }
    page
}

fn row(page: &mut String, word: &InlineWord) {
    let cell = |text: &str| text.replace('|', "\\|");
    let (name, arguments) = (cell(word.name), cell(word.arguments));
    let _ = writeln!(
        page,
        "| `{name}` | {arguments} | {} |",
        cell(&status(word.status))
    );
}

fn status(status: Status) -> String {
    match status {
        Status::Works => "works".to_owned(),
        Status::NoEffect(why) => format!("accepted, needs no effect: {why}"),
        Status::NotYet => "not yet".to_owned(),
        Status::Refused(why) => format!("refused: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::keywords;

    #[test]
    fn every_keyword_is_on_the_page_of_its_block_and_no_page_is_twice() {
        let pages = reference_pages();
        for keyword in keywords() {
            let name = file(keyword.context);
            let (_, text) = pages
                .iter()
                .find(|(page, _)| *page == name)
                .expect("a page");
            assert!(
                text.contains(&format!("\n## {}\n", keyword.name)),
                "{}",
                keyword.path()
            );
        }
        let mut names: Vec<String> = pages
            .iter()
            .map(|(name, _)| name.to_ascii_lowercase())
            .collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), pages.len());
    }
}
