//! The usage text, from the table of flags.

use std::fmt::Write;

use super::flags::{Argument, FLAGS, Fate, Flag};

/// Where the explanations begin.
const COLUMN: usize = 34;

/// `-f, --use-file`.
pub(super) fn both_names(flag: &Flag) -> String {
    match flag.short {
        Some(short) => format!("-{short}, --{}", flag.long),
        None => format!("--{}", flag.long),
    }
}

/// All flags that have an effect, and the subcommands.
pub(crate) fn usage(program: &str) -> String {
    let mut text = format!(
        "Usage: {program} [OPTION...]                 run the daemon\n\
         \x20      {program} status [--json]             show what a running daemon does\n\
         \x20      {program} check [--strict] FILE...    look for mistakes in configurations\n\
         \x20      {program} simulate FILE... [--at ...]  what the nodes will do when something happens\n\
         \x20      {program} explain KEYWORD             what a word of the configuration means\n\
         \x20      {program} record start FILE           record what a running daemon hears and does\n\
         \x20      {program} record stop | status        end that, or see how it goes\n\
         \x20      {program} replay FILE                 run a recording again, and compare\n\
         \x20      {program} genhash -s ADDRESS ...       the digest of a page\n\
         \x20      {program} demo                        watch a failover on this machine\n\n"
    );
    for flag in FLAGS {
        if matches!(flag.fate, Fate::Refused(_)) || flag.help == "internal" {
            continue;
        }
        let indent = if flag.short.is_some() { "  " } else { "      " };
        let value = match flag.argument {
            Argument::None => String::new(),
            Argument::Required(name) => format!("={name}"),
            Argument::Optional(name, _) => format!("[={name}]"),
        };
        let left = format!("{indent}{}{value}", both_names(flag));
        if left.len() < COLUMN {
            let _ = writeln!(text, "{left:COLUMN$}{}", flag.help);
        } else {
            let _ = writeln!(text, "{left}\n{:COLUMN$}{}", "", flag.help);
        }
    }
    text
}
