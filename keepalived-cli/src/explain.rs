//! `explain KEYWORD`: what a word of the configuration means, from the table the parser reads; and
//! what a finding of `check` means, or a rule of `simulate`.

mod findings;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use keepalived_config::cluster::CODES;
use keepalived_config::diagnostic::meaning;
use keepalived_config::schema::{Keyword, OURS, Status, inline_words, keywords, nearest};

use crate::arguments::Explain;
use crate::simulate::RULES;

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
    // `bfd_instance.echo` as well as `echo`, and any part of the path.
    let (block, word) = match word.rsplit_once('.') {
        Some((block, word)) => (Some(block), word),
        None => (None, word),
    };
    let inside = |path: &str| match block {
        None => true,
        Some(block) => path
            .strip_suffix(block)
            .is_some_and(|before| before.is_empty() || before.ends_with('.')),
    };
    let named = keywords().filter(|keyword| keyword.name == word);
    for keyword in named.filter(|keyword| inside(keyword.context.path())) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&entry(keyword));
    }
    let named = inline_words().filter(|inline| inline.name == word);
    for inline in named.filter(|inline| inside(inline.place)) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{word} {}", inline.arguments);
        let _ = writeln!(text, "  in:      a line of {}", inline.place);
        let _ = writeln!(text, "  here:    {}", status(inline.status));
    }
    if let Some((code, meaning)) = CODES
        .iter()
        .find(|(code, _)| block.is_none() && *code == word)
    {
        let _ = writeln!(
            text,
            "{code}\n  found by: check, in the files of several nodes"
        );
        if let Some(sample) = findings::between_nodes(code) {
            let _ = writeln!(text, "  severity: {}, in the usual case", sample.severity);
            let _ = writeln!(text, "  meaning:  {meaning}");
            let _ = writeln!(text, "  such as:  {}", sample.message);
            let _ = writeln!(text, "  then:     {}", sample.then);
            let _ = writeln!(text, "  help:     {}", sample.help);
        }
    }
    if let Some((rule, meaning)) = RULES
        .iter()
        .find(|(rule, _)| block.is_none() && *rule == word)
    {
        let _ = writeln!(
            text,
            "{rule}\n  found by: simulate\n  severity: a rule was broken, exit code 2"
        );
        let _ = writeln!(text, "  meaning:  broken when {meaning}");
    }
    if let Some(meaning) = meaning(word).filter(|_| block.is_none()) {
        let _ = writeln!(text, "{word}\n  found by: check, in one file");
        let known = findings::in_one_file(word);
        let severity = known.map_or("as `check` prints it", |(severity, _)| severity);
        let _ = writeln!(text, "  severity: {severity}");
        let _ = writeln!(text, "  meaning:  {meaning}");
        if let Some((_, help)) = known.filter(|(_, help)| !help.is_empty()) {
            let _ = writeln!(text, "  help:     {help} (in one case)");
        }
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

/// The word that is spelled most like it, and those that contain it or begin alike. A block in front
/// of it stays there.
fn similar(word: &str) -> Vec<String> {
    const MOST: usize = 12;
    let (block, last) = word
        .rsplit_once('.')
        .map_or(("", word), |(block, last)| (block, last));
    let lower = last.to_lowercase();
    let in_block = |keyword: &&Keyword| {
        let path = keyword.context.path();
        block.is_empty() || path == block || path.rsplit('.').next() == Some(block)
    };
    let mut names: Vec<&str> = keywords()
        .filter(in_block)
        .map(|keyword| keyword.name)
        .collect();
    if names.is_empty() {
        // The block is what is wrong.
        let blocks = keywords().map(|keyword| keyword.context.path());
        return nearest(block, blocks)
            .map(|near| format!("{near}.{last}"))
            .into_iter()
            .collect();
    }
    if block.is_empty() {
        names.extend(CODES.iter().map(|(code, _)| *code));
        names.extend(RULES.iter().map(|(rule, _)| *rule));
    }
    names.sort_unstable();
    names.dedup();
    let near = nearest(&lower, names.iter().copied());
    let alike = |name: &&str| {
        let same = name.bytes().zip(lower.bytes());
        let same = same.take_while(|(a, b)| a == b).count();
        !lower.is_empty() && Some(*name) != near && (name.contains(&lower) || same >= 4)
    };
    let others = names.iter().copied().filter(|name| alike(name));
    let found = near.into_iter().chain(others).take(MOST);
    found
        .map(|name| match block {
            "" => name.to_owned(),
            block => format!("{block}.{name}"),
        })
        .collect()
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
        let similar = |word: &str| super::similar(word).join(" ");
        assert!(similar("advert_interval").contains("advert_int"));
        assert_eq!(similar(""), "");
        assert_eq!(similar("ecko"), "echo");
        assert_eq!(similar("bfd_instance.ecko"), "bfd_instance.echo");
        assert_eq!(similar("bfd_instanse.echo"), "bfd_instance.echo");
        assert!(similar("vrid-difers").starts_with("vrid-differs"));
    }

    #[test]
    fn a_word_is_found_with_its_block_and_in_that_block_only() {
        let blocks = |word: &str| {
            let text = super::text(word).unwrap_or_default();
            text.matches("  in:").count()
        };
        assert_eq!(blocks("bfd_instance.sbfd"), 1);
        assert_eq!(blocks("vrrp_instance.notify"), 1);
        assert_eq!(blocks("HTTP_GET.url.path"), 1);
        assert_eq!(blocks("virtual_server.real_server.HTTP_GET.url.path"), 1);
        assert_eq!(blocks("instance.notify"), 0);
        assert_eq!(blocks("bfd_instance.priority"), 0);
    }

    #[test]
    fn every_finding_of_check_is_explained() {
        for (code, meaning) in CODES.iter().chain(keepalived_config::diagnostic::CODES) {
            let text = super::text(code).unwrap();
            assert!(text.contains(meaning), "{text}");
        }
    }
}
