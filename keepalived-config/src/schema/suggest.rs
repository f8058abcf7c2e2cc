//! What a person probably meant by a word that a block does not know.

use super::{Context, Keyword, keywords, keywords_of};

/// What to offer for an unknown word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Suggestions {
    /// The keyword of the same block that is spelled most like it, if one is near enough.
    pub spelling: Option<&'static Keyword>,
    /// Other blocks that know exactly this word.
    pub elsewhere: Vec<Context>,
}

impl Suggestions {
    /// One sentence for the help line of a diagnostic, if there is anything to say.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        if let Some(keyword) = self.spelling {
            return Some(format!("did you mean `{}`?", keyword.name));
        }
        if self.elsewhere.contains(&Context::Root) {
            return Some("this keyword belongs at the top level of the file".to_owned());
        }
        let mut names: Vec<String> = Vec::new();
        for context in &self.elsewhere {
            let name = format!("`{context}`");
            if !names.contains(&name) {
                names.push(name);
            }
        }
        const SHOWN: usize = 3;
        if names.len() > SHOWN {
            names.truncate(SHOWN);
            names.push("other".to_owned());
        }
        let (last, others) = names.split_last()?;
        let places = match others {
            [] => last.clone(),
            others => format!("{} or {last}", others.join(", ")),
        };
        Some(format!("this keyword belongs in a {places} block"))
    }
}

/// What to do about a word that files have and Keepalived does not know in this block, or no longer: it has never
/// done anything there, and so the file is as good without.
#[must_use]
pub(crate) fn idle(context: Context, word: &str) -> Option<&'static str> {
    match (context, word) {
        (Context::VirtualServer, "nat_mask" | "net_mask") => Some("remove the line"),
        (Context::GlobalDefs, "lvs_id") => Some("remove the line"),
        // Elsewhere it is another name for the same.
        (_, "nb_get_retry") if super::lookup(context, "retry").is_some() => {
            Some("here it is `retry`")
        }
        _ => None,
    }
}

/// Looks for what `word` may have been meant to be in `context`.
#[must_use]
pub fn suggestions(context: Context, word: &str) -> Suggestions {
    let elsewhere: Vec<Context> = keywords()
        .filter(|keyword| keyword.name == word && keyword.context != context)
        .map(|keyword| keyword.context)
        .collect();
    // A word that exists somewhere else was not misspelled.
    let spelling = if elsewhere.is_empty() {
        nearest_keyword(context, word)
    } else {
        None
    };
    Suggestions {
        spelling,
        elsewhere,
    }
}

/// Names that a check has elsewhere, or that are made like those of others.
const KNOWN_AS: [(&str, &str); 6] = [
    ("HTTPS_GET", "SSL_GET"),
    ("HTTPS_CHECK", "SSL_GET"),
    ("TLS_GET", "SSL_GET"),
    ("HTTP_CHECK", "HTTP_GET"),
    ("ICMP_CHECK", "PING_CHECK"),
    ("SCRIPT_CHECK", "MISC_CHECK"),
];

fn nearest_keyword(context: Context, word: &str) -> Option<&'static Keyword> {
    let mut known = KNOWN_AS.iter();
    let known = known.find(|(name, _)| name.eq_ignore_ascii_case(word));
    if let Some(keyword) = known.and_then(|(_, name)| super::lookup(context, name)) {
        return Some(keyword);
    }
    let name = nearest(word, keywords_of(context).map(|keyword| keyword.name))?;
    super::lookup(context, name)
}

/// The candidate nearest to `word`, if it is near enough to be a misspelling.
///
/// Near enough is at most one edit per three characters; ties go to the first candidate.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No keyword is longer than 40 characters; very long words are not worth comparing.
    let length = word.chars().count();
    if length == 0 || length > 64 {
        return None;
    }
    let limit = (length / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(distance, candidate)| distance <= limit && distance < candidate.len())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Edits (insert, delete, replace, swap of neighbours) from `left` to `right`, ignoring case
/// and the difference between `-` and `_`.
fn distance(left: &str, right: &str) -> usize {
    let fold = |c: char| {
        if c == '-' {
            '_'
        } else {
            c.to_ascii_lowercase()
        }
    };
    let left: Vec<char> = left.chars().map(fold).collect();
    let right: Vec<char> = right.chars().map(fold).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for (i, &a) in left.iter().enumerate() {
        let mut current = vec![i + 1];
        for (j, &b) in right.iter().enumerate() {
            let replaced = previous[j] + usize::from(a != b);
            let mut best = replaced.min(previous[j + 1] + 1).min(current[j] + 1);
            if i > 0 && j > 0 && a == right[j - 1] && left[i - 1] == b {
                best = best.min(before[j - 1] + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut previous, current);
    }
    previous.last().copied().unwrap_or(left.len())
}
