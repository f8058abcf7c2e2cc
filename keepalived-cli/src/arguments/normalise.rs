//! From a command line as getopt_long reads it to one that argh reads.
//!
//! Bundles (`-nlD`), attached values (`-f/path`, `--use-file=x`), abbreviations that fit one flag
//! only, values that may be left out, `--` as the end of the flags, flags after other words.

use super::flags::{Argument, FLAGS, Fate, Flag};
use super::{Refusal, usage};

/// A command line taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Normal {
    /// Words for argh: long flags, each value a word of its own.
    Words(Vec<String>),
    /// The words for the hash generator.
    Genhash(Vec<String>),
    /// `--signum=NAME`.
    Signum(String),
    /// `-v`.
    Version,
    /// `-h`.
    Help,
}

/// Like getopt, the first of `-v`, `-h` and `--signum` ends the reading.
pub(super) fn normalise(arguments: &[String]) -> Result<Normal, Refusal> {
    let mut words = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut next = || rest.next().cloned();
        if argument == "--" {
            match rest.next() {
                Some(word) => return Err(unexpected(word)),
                None => break,
            }
        } else if let Some(long) = argument.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let flag = by_long_name(name).ok_or_else(|| unknown(argument))?;
            if value.is_some() && flag.argument == Argument::None {
                return Err(unknown(argument));
            }
            if flag.fate == Fate::Genhash {
                return Ok(Normal::Genhash(rest.cloned().collect()));
            }
            if let Some(end) = take(flag, value, &mut next, argument, &mut words)? {
                return Ok(end);
            }
        } else if argument.len() > 1 && argument.starts_with('-') {
            let mut letters = argument.chars().skip(1);
            while let Some(letter) = letters.next() {
                let spelling = format!("-{letter}");
                let flag = FLAGS.iter().find(|flag| flag.short == Some(letter));
                let flag = flag.ok_or_else(|| unknown(&spelling))?;
                if flag.fate == Fate::Genhash {
                    let bundled: String = letters.collect();
                    let bundled = Some(format!("-{bundled}")).filter(|word| word.len() > 1);
                    let words = bundled.into_iter().chain(rest.cloned());
                    return Ok(Normal::Genhash(words.collect()));
                }
                let mut value = None;
                if flag.argument != Argument::None {
                    // All that is left of this word belongs to this flag.
                    let attached: String = letters.by_ref().collect();
                    value = (!attached.is_empty()).then_some(attached);
                }
                if let Some(end) = take(flag, value, &mut next, &spelling, &mut words)? {
                    return Ok(end);
                }
            }
        } else {
            return Err(unexpected(argument));
        }
    }
    Ok(Normal::Words(words))
}

/// The flag with this name, or the only one it is the beginning of.
fn by_long_name(name: &str) -> Option<&'static Flag> {
    if let Some(exact) = FLAGS.iter().find(|flag| flag.long == name) {
        return Some(exact);
    }
    let mut matching = FLAGS.iter().filter(|flag| flag.long.starts_with(name));
    let first = matching.next().filter(|_| !name.is_empty())?;
    matching.next().is_none().then_some(first)
}

/// Append what one flag becomes; `Some` if it ends the reading.
fn take(
    flag: &Flag,
    attached: Option<String>,
    next: &mut dyn FnMut() -> Option<String>,
    spelling: &str,
    words: &mut Vec<String>,
) -> Result<Option<Normal>, Refusal> {
    let value = match flag.argument {
        Argument::None => None,
        Argument::Optional(_, default) => Some(attached.unwrap_or_else(|| default.to_owned())),
        Argument::Required(_) => {
            let missing = || Refusal {
                message: format!("Missing parameter for option {spelling}"),
                show_usage: true,
            };
            Some(attached.or_else(next).ok_or_else(missing)?)
        }
    };
    match flag.fate {
        Fate::To(name) => {
            let word = format!("--{name}");
            match value {
                // Given twice, the last one counts, as with getopt; argh refuses a second one.
                Some(value) => match words.iter().position(|earlier| *earlier == word) {
                    Some(earlier) => words
                        .splice(earlier..earlier + 2, [word, value])
                        .for_each(drop),
                    None => words.extend([word, value]),
                },
                None => words.push(word),
            }
            Ok(None)
        }
        Fate::Version => Ok(Some(Normal::Version)),
        Fate::Help => Ok(Some(Normal::Help)),
        Fate::Genhash => Ok(Some(Normal::Genhash(Vec::new()))),
        Fate::Signum => Ok(Some(Normal::Signum(value.unwrap_or_default()))),
        Fate::Refused(reason) => {
            let name = usage::both_names(flag);
            Err(Refusal {
                message: format!("Option {name} is not supported: {reason}"),
                show_usage: false,
            })
        }
    }
}

fn unknown(spelling: &str) -> Refusal {
    Refusal {
        message: format!("Unknown option {spelling}"),
        show_usage: true,
    }
}

fn unexpected(word: &str) -> Refusal {
    Refusal {
        message: format!("Unexpected argument '{word}'"),
        show_usage: true,
    }
}
