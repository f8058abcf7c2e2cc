//! Definitions of tracked objects: `vrrp_script`, `track_file`, `vrrp_track_process`.

use std::time::Duration;

use super::instance::text;
use super::line::{LEFT_OUT, Line, refuse};
use super::{script, track};
use crate::diagnostic::Diagnostics;
use crate::model::script::Script;
use crate::model::spanned::Spanned;
use crate::model::trackers::{
    Check, Defined, InitFile, ParamMatch, TrackFile, TrackProcess, TrackScript, TrackedKind,
    Trackers, Weight,
};
use crate::tree::Node;

/// A thousandth of a second to the greatest number of seconds that fits.
const MILLISECOND: u64 = 1000;
const LONGEST: u64 = 4_294_967_295_000_000;
const HOUR: u64 = 3_600_000_000;

/// Reads the block if it is such a definition.
pub(super) fn read(
    node: &Node,
    trackers: &mut Trackers,
    defined: &mut Defined,
    diagnostics: &mut Diagnostics,
) {
    let kind = match node.keyword() {
        "vrrp_script" => TrackedKind::Script,
        "track_file" | "vrrp_track_file" => TrackedKind::File,
        "vrrp_track_process" => TrackedKind::Process,
        _ => return,
    };
    let line = Line::new(node);
    let Some(name) = line.word("a name", diagnostics).map(text) else {
        return;
    };
    if !defined.claim(kind, &name, diagnostics) {
        return;
    }
    let weight = match kind {
        TrackedKind::Script => script_block(node, &name, diagnostics).map(|read| {
            let weight = read.weight;
            trackers.scripts.push(read);
            weight
        }),
        TrackedKind::File => file_block(node, &name, diagnostics).map(|read| {
            let weight = read.weight;
            trackers.files.push(read);
            weight
        }),
        TrackedKind::Process => process_block(node, &name, diagnostics).map(|read| {
            let weight = read.weight;
            trackers.processes.push(read);
            weight
        }),
    };
    if let Some(weight) = weight {
        defined.set(kind, &name, weight);
    }
}

fn script_block(
    block: &Node,
    name: &Spanned<String>,
    diagnostics: &mut Diagnostics,
) -> Option<TrackScript> {
    let mut check = None;
    let mut tried = false;
    let mut user = None;
    let mut interval = Duration::from_secs(1);
    let mut timeout = None;
    let (mut rise, mut fall) = (1, 1);
    let mut weight = Weight::default();
    let mut init_fail = false;
    for entry in block.entries() {
        let line = Line::new(entry);
        match entry.keyword() {
            "script" => {
                tried = true;
                check = command(line, diagnostics);
            }
            "user" => {
                line.at_most(2, diagnostics);
                if line.required("a user", diagnostics).is_some() {
                    user = script::user(entry.arguments());
                }
            }
            "interval" => {
                let instead = "1 s is used";
                let read = line.seconds(MILLISECOND..=LONGEST, instead, diagnostics);
                interval = read.unwrap_or(Duration::from_secs(1));
            }
            "timeout" => {
                let instead = "the interval is used";
                timeout = line.seconds(MILLISECOND..=LONGEST, instead, diagnostics);
            }
            "rise" => rise = line.number(1..=MOST_RESULTS, ONE, diagnostics).unwrap_or(1),
            "fall" => fall = line.number(1..=MOST_RESULTS, ONE, diagnostics).unwrap_or(1),
            "weight" => read_weight(line, TrackedKind::Script, &mut weight, diagnostics),
            "init_fail" => init_fail = line.flag(diagnostics),
            _ => {}
        }
    }
    let Some(mut check) = check else {
        if !tried {
            missing(block, name, "script", diagnostics);
        }
        return None;
    };
    let (Check::Command(script) | Check::Open(script)) = &mut check;
    script.user = user;
    Some(TrackScript {
        name: name.clone(),
        check,
        interval,
        timeout: timeout.unwrap_or(interval),
        weight,
        rise,
        fall,
        init_fail,
    })
}

const MOST_RESULTS: u32 = 2_147_483_647;
const ONE: &str = "1 is used";

/// The command of a `vrrp_script`, which is one word or a quoted line; the user has a line of its
/// own.
fn command(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<Check> {
    let first = line.required("a command", diagnostics)?;
    if let [_, second, ..] = line.node.arguments() {
        // Keepalived runs it without its arguments, which is rarely what was meant.
        let last = line.node.arguments().last().unwrap_or(second);
        let message = format!(
            "`script` takes one command; `{}` is not part of it",
            second.as_str()
        );
        diagnostics
            .error("unquoted-command", second.span.to(last.span), message)
            .help("put the command and its arguments in double quotes; nothing is run");
        return None;
    }
    if let Some(path) = first.as_str().trim_start().strip_prefix('<') {
        let path = path.trim();
        if path.starts_with('/') && !path.contains(char::is_whitespace) {
            return Some(Check::Open(Script {
                argv: vec![path.to_owned()],
                user: None,
                span: line.node.span(),
            }));
        }
        let message = "behind `<` there has to be one absolute path and nothing else";
        diagnostics
            .error("bad-command", first.span, message)
            .help("nothing is run");
        return None;
    }
    script::read(line, diagnostics).map(Check::Command)
}

fn file_block(
    block: &Node,
    name: &Spanned<String>,
    diagnostics: &mut Diagnostics,
) -> Option<TrackFile> {
    let mut path = None;
    let mut weight = Weight::new(1);
    let mut init = None;
    for entry in block.entries() {
        let line = Line::new(entry);
        match entry.keyword() {
            "file" => {
                if let Some(word) = line.word("the path of a file", diagnostics) {
                    if word.as_str().starts_with('/') {
                        path = Some(text(word));
                    } else {
                        let what = "an absolute path";
                        refuse(diagnostics, "bad-path", "file", what, word, LEFT_OUT);
                    }
                }
            }
            "weight" => read_weight(line, TrackedKind::File, &mut weight, diagnostics),
            "init_file" => init = init_file(line, diagnostics),
            _ => {}
        }
    }
    let Some(path) = path else {
        missing(block, name, "file", diagnostics);
        return None;
    };
    Some(TrackFile {
        name: name.clone(),
        path,
        weight,
        init,
    })
}

/// `init_file [VALUE] [overwrite]`.
fn init_file(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<InitFile> {
    line.at_most(2, diagnostics);
    let mut init = InitFile::default();
    for word in line.node.arguments().iter().take(2) {
        if word.as_str() == "overwrite" {
            init.overwrite = true;
            continue;
        }
        match word.as_str().parse::<i32>() {
            Ok(value) => init.value = value.into(),
            Err(_) => {
                let what = "a whole number, or `overwrite`";
                line.bad_number(what, word, LEFT_OUT, diagnostics);
                return None;
            }
        }
    }
    Some(init)
}

fn process_block(
    block: &Node,
    name: &Spanned<String>,
    diagnostics: &mut Diagnostics,
) -> Option<TrackProcess> {
    let mut process = None;
    let mut read = TrackProcess {
        name: name.clone(),
        process: name.clone(),
        arguments: Vec::new(),
        param_match: None,
        weight: Weight::default(),
        quorum: 1,
        quorum_max: None,
        fork_delay: Duration::ZERO,
        terminate_delay: Duration::ZERO,
        full_command: false,
    };
    let mut quorum_max = None;
    for entry in block.entries() {
        let line = Line::new(entry);
        let mut delay = || line.seconds(1..=HOUR, LEFT_OUT, diagnostics);
        match entry.keyword() {
            "delay" => {
                if let Some(delay) = delay() {
                    (read.fork_delay, read.terminate_delay) = (delay, delay);
                }
            }
            "fork_delay" => read.fork_delay = delay().unwrap_or(read.fork_delay),
            "terminate_delay" => read.terminate_delay = delay().unwrap_or(read.terminate_delay),
            "process" => {
                if let Some(word) = line.required("the name of a program", diagnostics) {
                    process = Some(text(word));
                    let rest = entry.arguments().get(1..).unwrap_or_default();
                    read.arguments = rest.iter().map(|word| word.as_str().to_owned()).collect();
                }
            }
            "param_match" => {
                if let Some(word) = line.word("`initial` or `partial`", diagnostics) {
                    read.param_match = match word.as_str() {
                        "initial" => Some(ParamMatch::Initial),
                        "partial" => Some(ParamMatch::Partial),
                        _ => {
                            let what = "`initial` or `partial`";
                            refuse(diagnostics, "bad-word", "param_match", what, word, LEFT_OUT);
                            None
                        }
                    };
                }
            }
            "weight" => read_weight(line, TrackedKind::Process, &mut read.weight, diagnostics),
            "quorum" => {
                read.quorum = line.number(1..=u16::MAX, ONE, diagnostics).unwrap_or(1);
            }
            "quorum_max" => {
                let most = line.number(0..=u16::MAX, LEFT_OUT, diagnostics);
                quorum_max = most.map(|most| Spanned::new(most, entry.span()));
            }
            "full_command" => read.full_command = line.flag(diagnostics),
            _ => {}
        }
    }
    let Some(process) = process else {
        missing(block, name, "process", diagnostics);
        return None;
    };
    read.process = process;
    if let Some(most) = quorum_max {
        // `quorum_max 0` alone asks for none at all.
        let none = most.value == 0;
        if !none && most.value < read.quorum {
            let message = format!(
                "`quorum_max` is less than `quorum`, which is {}",
                read.quorum
            );
            diagnostics
                .error("quorum-order", most.span, message)
                .help("the line is left out");
        } else {
            read.quorum_max = Some(most.value);
            if none {
                read.quorum = 0;
            }
        }
    }
    Some(read)
}

/// `weight N [reverse]` of a definition.
fn read_weight(
    line: Line<'_>,
    kind: TrackedKind,
    weight: &mut Weight,
    diagnostics: &mut Diagnostics,
) {
    line.at_most(2, diagnostics);
    let Some(word) = line.required("a whole number", diagnostics) else {
        return;
    };
    let Some(value) = track::number(word, kind.most(), LEFT_OUT, diagnostics) else {
        return;
    };
    *weight = Weight::new(value);
    match line.node.arguments().get(1) {
        Some(word) if word.as_str() == "reverse" => weight.reverse = true,
        Some(word) => {
            let message = format!("`{}` cannot stand behind the weight", word.as_str());
            diagnostics
                .error("unknown-option", word.span, message)
                .help("only `reverse` can; the word is left out");
        }
        None => {}
    }
}

fn missing(block: &Node, name: &Spanned<String>, what: &str, diagnostics: &mut Diagnostics) {
    let message = format!("`{} {}` has no `{what}` line", block.keyword(), name.value);
    diagnostics
        .error("missing-keyword", block.span(), message)
        .help("the block is left out");
}
