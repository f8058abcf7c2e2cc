//! The parity page: every keyword and what this daemon does with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Context, Priority, Status, inline_words, keywords, keywords_of};

/// How many keywords have which status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Keywords that have their effect.
    pub works: usize,
    /// Keywords that are accepted and need no effect.
    pub no_effect: usize,
    /// Keywords that are known and not built yet.
    pub not_yet: usize,
    /// Keywords that are known and not honoured.
    pub refused: usize,
}

impl Counts {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.works + self.no_effect + self.not_yet + self.refused
    }

    fn of(statuses: impl Iterator<Item = Status>) -> Self {
        statuses.fold(Self::default(), |mut counts, status| {
            match status {
                Status::Works => counts.works += 1,
                Status::NoEffect(_) => counts.no_effect += 1,
                Status::NotYet => counts.not_yet += 1,
                Status::Refused(_) => counts.refused += 1,
            }
            counts
        })
    }
}

/// Counts the registered keywords by status.
#[must_use]
pub fn counts() -> Counts {
    Counts::of(keywords().map(|keyword| keyword.status))
}

/// The parity page as Markdown: counts, then a table per block, then the inline words.
///
/// `tests` names the tests that show the effect of a keyword: by its block and name, joined by a dot
/// (`vrrp_instance.priority`), or by place and word, joined by a slash (`ADDRESS-ENTRY/dev`).
#[must_use]
pub fn parity_markdown(tests: &BTreeMap<String, BTreeSet<String>>) -> String {
    let mut page = String::new();
    page.push_str("# What works\n\n");
    page.push_str(
        "Every keyword of `keepalived.conf` and what keepalived-rs does with it. \
         This page is generated from the keyword table. `Shown by` is a test in which flipping the \
         keyword changes what somebody outside of the daemon sees.\n\n",
    );
    summary(&mut page);
    for &context in &Context::ALL {
        block(&mut page, context, tests);
    }
    inline(&mut page, tests);
    page
}

fn summary(page: &mut String) {
    page.push_str("| | Works | No effect needed | Not yet | Refused | All |\n");
    page.push_str("|---|---:|---:|---:|---:|---:|\n");
    for (title, priority) in [
        ("P0: nearly every configuration", Priority::P0),
        ("P1: common in production", Priority::P1),
        ("P2: specialised", Priority::P2),
    ] {
        let of_priority = keywords().filter(|keyword| keyword.priority == priority);
        row(
            page,
            title,
            &Counts::of(of_priority.map(|keyword| keyword.status)),
        );
    }
    row(page, "All keywords", &counts());
    row(
        page,
        "Words inside lines",
        &Counts::of(inline_words().map(|word| word.status)),
    );
    page.push('\n');
}

fn row(page: &mut String, title: &str, counts: &Counts) {
    let Counts {
        works,
        no_effect,
        not_yet,
        refused,
    } = counts;
    let total = counts.total();
    line(
        page,
        format_args!("| {title} | {works} | {no_effect} | {not_yet} | {refused} | {total} |"),
    );
}

fn block(page: &mut String, context: Context, tests: &BTreeMap<String, BTreeSet<String>>) {
    let counts = Counts::of(keywords_of(context).map(|keyword| keyword.status));
    let (path, works, total) = (context.path(), counts.works, counts.total());
    line(
        page,
        format_args!("## {path}\n\n{works} of {total} work.\n"),
    );
    page.push_str("| Keyword | Arguments | Default | P | Status | For | Shown by |\n");
    page.push_str("|---|---|---|---|---|---|---|\n");
    for keyword in keywords_of(context) {
        line(
            page,
            format_args!(
                "| `{}` | {} | {} | {:?} | {} | {} | {} |",
                keyword.name,
                code(keyword.arguments),
                cell(keyword.default),
                keyword.priority,
                status(keyword.status),
                cell(keyword.doc),
                shown_by(tests, &keyword.path()),
            ),
        );
    }
    page.push('\n');
}

fn inline(page: &mut String, tests: &BTreeMap<String, BTreeSet<String>>) {
    page.push_str("## Words inside lines\n\n");
    page.push_str(
        "| Place | Word | Arguments | P | Status | Shown by |\n|---|---|---|---|---|---|\n",
    );
    for word in inline_words() {
        line(
            page,
            format_args!(
                "| {} | {} | {} | {:?} | {} | {} |",
                code(word.place),
                code(word.name),
                code(word.arguments),
                word.priority,
                status(word.status),
                shown_by(tests, &word.path()),
            ),
        );
    }
}

/// One of the tests, by its own name; the others are a search away.
fn shown_by(tests: &BTreeMap<String, BTreeSet<String>>, path: &str) -> String {
    let first = tests.get(path).and_then(BTreeSet::first);
    first.map_or_else(String::new, |test| code(test))
}

fn status(status: Status) -> String {
    match status {
        Status::Works => "works".to_owned(),
        Status::NoEffect(why) => format!("no effect: {}", cell(why)),
        Status::NotYet => "not yet".to_owned(),
        Status::Refused(why) => format!("refused: {}", cell(why)),
    }
}

/// Text that cannot end a table cell early.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn code(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("`{}`", cell(text))
    }
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = page.write_fmt(text);
    page.push('\n');
}
