//! `explain KEYWORD`: what a word of the configuration means, from the table the parser reads.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use keepalived_config::schema::{Keyword, OURS, Status, inline_words, keywords};

use crate::arguments::Explain;

/// Exit code 1 for a word that does not exist.
pub(crate) fn run(options: &Explain) -> ExitCode {
    match text(&options.keyword) {
        Some(text) => {
            let _ = write!(io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("There is no keyword '{}'.", options.keyword);
            let near = similar(&options.keyword);
            if !near.is_empty() {
                eprintln!("Similar: {}", near.join(", "));
            }
            ExitCode::FAILURE
        }
    }
}

fn text(word: &str) -> Option<String> {
    let mut text = String::new();
    for keyword in keywords().filter(|keyword| keyword.name == word) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&entry(keyword));
    }
    for inline in inline_words().filter(|inline| inline.name == word) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{word} {}", inline.arguments);
        let _ = writeln!(text, "  in:      a line of {}", inline.place);
        let _ = writeln!(text, "  here:    {}", status(inline.status));
    }
    (!text.is_empty()).then_some(text)
}

fn entry(keyword: &Keyword) -> String {
    let Keyword {
        name,
        context,
        arguments,
        default,
        since,
        doc,
        ..
    } = keyword;
    let mut text = String::new();
    let _ = writeln!(text, "{name} {arguments}");
    let _ = writeln!(text, "  in:      {}", context.path());
    let _ = writeln!(text, "  meaning: {doc}");
    if !default.is_empty() {
        let _ = writeln!(text, "  default: {default}");
    }
    match *since {
        "" => {}
        OURS => text.push_str("  since:   only keepalived-rs has it\n"),
        since => {
            let _ = writeln!(text, "  since:   Keepalived {since}");
        }
    }
    let _ = writeln!(text, "  here:    {}", status(keyword.status));
    text
}

fn status(status: Status) -> String {
    match status {
        Status::Works => "it has its effect".to_owned(),
        Status::NoEffect(why) => format!("accepted, changes nothing: {why}"),
        Status::NotYet => "known, not supported yet".to_owned(),
        Status::Refused(why) => format!("refused: {why}"),
    }
}

/// Words that contain it or that it contains, or that begin alike.
fn similar(word: &str) -> Vec<&'static str> {
    let lower = word.to_lowercase();
    let mut names: Vec<&'static str> = keywords()
        .map(|keyword| keyword.name)
        .filter(|name| {
            let alike = name
                .bytes()
                .zip(lower.bytes())
                .take_while(|(a, b)| a == b)
                .count();
            !lower.is_empty() && (name.contains(&lower) || alike >= 4)
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(12);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_is_explained_in_every_block_it_exists_in() {
        let text = text("advert_int").unwrap();
        assert!(text.starts_with("advert_int "), "{text}");
        assert!(
            text.contains("meaning:") && text.contains("here:"),
            "{text}"
        );
        let blocks = |word: &str| super::text(word).unwrap().matches("  in:").count();
        let expected = keywords()
            .filter(|keyword| keyword.name == "notify")
            .count();
        assert_eq!(blocks("notify"), expected);
    }

    #[test]
    fn an_unknown_word_gets_suggestions() {
        assert_eq!(text("no_such_word"), None);
        assert!(similar("advert_interval").contains(&"advert_int"));
        assert!(similar("").is_empty());
    }
}
