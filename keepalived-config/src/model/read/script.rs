//! Command lines and the users they run as.

use super::line::Line;
use crate::diagnostic::Diagnostics;
use crate::lex::split_command;
use crate::model::script::{Script, ScriptUser};
use crate::schema::{Context, lookup};
use crate::tree::{Node, Word};

/// `KEYWORD COMMAND [USER [[:]GROUP]]`. `None` if there is no command that can be run.
pub(super) fn read(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<Script> {
    let command = line.required("a command", diagnostics)?;
    let argv = match split_command(command.as_str()) {
        Ok(argv) => argv,
        Err(why) => {
            let message = format!("the command of `{}` cannot be read: {why}", line.keyword());
            diagnostics
                .error("bad-command", command.span, message)
                .help("the line is left out");
            return None;
        }
    };
    if argv.first().is_none_or(String::is_empty) {
        let message = format!("the command of `{}` is empty", line.keyword());
        diagnostics
            .warning("empty-command", command.span, message)
            .help("nothing is run");
        return None;
    }
    let rest = behind(line.node);
    if line.keyword() == CHECK && !of_check(line, diagnostics) {
        return None;
    }
    if looks_like_arguments(rest) {
        let first = rest.first()?;
        let message = format!(
            "`{}` takes one command, a user and a group; `{}` is not a user",
            line.keyword(),
            first.as_str()
        );
        diagnostics
            .error(
                "unquoted-command",
                command.span.to(rest.last()?.span),
                message,
            )
            .help("put the command and its arguments in double quotes; nothing is run");
        return None;
    }
    unread_by_shell(command, &argv, diagnostics);
    Some(Script {
        argv,
        user: user(rest),
        span: line.node.span(),
    })
}

/// Programs that take a command as one word behind `-c`.
const SHELLS: [&str; 5] = ["sh", "bash", "dash", "ash", "ksh"];
/// Words that say something to a shell alone.
const OPERATORS: [&str; 8] = ["|", "||", "|&", "&&", "&", ";", "<", ">"];

/// A command is run as it is, and what is written for a shell goes to the program, as with Keepalived.
fn unread_by_shell(command: &Word, argv: &[String], diagnostics: &mut Diagnostics) {
    let Some((program, arguments)) = argv.split_first() else {
        return;
    };
    let name = program.rsplit('/').next().unwrap_or(program);
    let message = match arguments {
        [option, one, next, ..] if SHELLS.contains(&name) && option == "-c" => {
            // With a parameter or a blank in it somebody knows that it is one word.
            if one.contains(['$', ' ']) {
                return;
            }
            format!("`{name} -c` runs `{one}` alone: `{next}` is no part of the command")
        }
        _ if SHELLS.contains(&name) => return,
        _ => {
            let for_shell = |word: &&String| {
                OPERATORS.contains(&word.as_str())
                    || word.starts_with(['>', '`'])
                    || ["2>", "&>", "$("]
                        .iter()
                        .any(|begin| word.starts_with(begin))
                    || word.len() > 1 && word.ends_with(';')
            };
            let Some(word) = arguments.iter().find(for_shell) else {
                return;
            };
            format!("`{word}` is an argument of `{name}`: no shell reads this command")
        }
    };
    diagnostics
        .warning("shell-word", command.span, message)
        .help("write \"sh -c '...'\", with all of the command within the single quotes, or put it into a script");
}

/// The command of a check, which has its user on a line of its own.
const CHECK: &str = "misc_path";

/// The words behind the command that are to be user and group. Of a check those are none that begin with a keyword
/// of its block, where the end of a line is missing, nor the arguments of a command without quotes: Keepalived runs it
/// without them.
fn behind(node: &Node) -> &[Word] {
    let rest = node.arguments().get(1..).unwrap_or_default();
    let keyword = |word: &Word| lookup(Context::MiscCheck, word.as_str()).is_some();
    let nobody = looks_like_arguments(rest)
        || rest
            .first()
            .is_some_and(|first| keyword(first) || first.as_str().contains(['.', '$', '@', '=']));
    match node.keyword() == CHECK && nobody {
        true => &[],
        false => rest,
    }
}

/// Says what becomes of words behind the command of a check, which Keepalived leaves out without a word. False: it
/// must not be run.
fn of_check(line: Line<'_>, diagnostics: &mut Diagnostics) -> bool {
    let all = line.node.arguments().get(1..).unwrap_or_default();
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        return true;
    };
    let (span, word) = (first.span.to(last.span), first.as_str());
    if !behind(line.node).is_empty() {
        let message =
            format!("Keepalived knows no user behind `{CHECK}`; here it runs as `{word}`");
        let help = format!("write `user {word}` on a line of its own");
        diagnostics
            .warning("surplus-argument", span, message)
            .help(help);
        return true;
    }
    let message = format!("`{word}` behind the command of `{CHECK}` does nothing");
    let help = match lookup(Context::MiscCheck, word) {
        Some(_) => format!("`{word}` is a keyword: write it on a line of its own"),
        None => "put the command and its arguments in double quotes".to_owned(),
    };
    if word == "user" {
        // It would run as somebody else than the file says.
        diagnostics
            .error("surplus-argument", span, message)
            .help(help);
        return false;
    }
    diagnostics
        .warning("surplus-argument", span, message)
        .help(help);
    true
}

/// As [`read`], for a look ahead that complains about nothing. Words that `read` refuses are taken for
/// user and group, as Keepalived does.
pub(in crate::model) fn quiet(node: &Node) -> Option<Script> {
    let argv = split_command(node.arguments().first()?.as_str()).ok()?;
    argv.first().filter(|program| !program.is_empty())?;
    Some(Script {
        argv,
        user: user(behind(node)),
        span: node.span(),
    })
}

/// `USER [[:]GROUP]`.
pub(in crate::model) fn user(words: &[Word]) -> Option<ScriptUser> {
    let user = words.first()?;
    let group = words.get(1).map(Word::as_str);
    let name = group.map(|group| group.strip_prefix(':').unwrap_or(group));
    Some(ScriptUser {
        user: user.as_str().to_owned(),
        group: name.filter(|name| !name.is_empty()).map(str::to_owned),
        supplementary: group.is_some_and(|group| group.starts_with(':')),
        span: words
            .last()
            .map_or(user.span, |last| user.span.to(last.span)),
    })
}

/// Words behind a command that cannot be a user and a group: somebody forgot the quotes.
fn looks_like_arguments(words: &[Word]) -> bool {
    words.len() > 2
        || words
            .iter()
            .any(|word| word.as_str().starts_with(['-', '/']))
}
