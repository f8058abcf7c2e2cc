//! `global_defs`: lines about the process itself.

use std::path::PathBuf;
use std::time::Duration;

use super::global::set;
use super::line::{LEFT_OUT, Line, parse_unsigned, refuse};
use super::script;
use crate::diagnostic::Diagnostics;
use crate::model::process::{Process, ReloadMarker, Scheduling};

/// What the kernel keeps of the name of a thread.
const NAME_OCTETS: usize = 15;
/// Processors the kernel's interface can name.
const CPUS: u16 = 1024;

/// Reads a line if it is about the process; false if it is about something else.
pub(super) fn read(line: Line<'_>, process: &mut Process, diagnostics: &mut Diagnostics) -> bool {
    let keyword = line.keyword();
    if let Some(rest) = keyword.strip_prefix("vrrp_")
        && scheduling(rest, line, &mut process.vrrp, diagnostics)
    {
        return true;
    }
    if let Some(rest) = keyword.strip_prefix("bfd_")
        && scheduling(rest, line, &mut process.bfd, diagnostics)
    {
        return true;
    }
    if let Some(rest) = keyword.strip_prefix("checker_")
        && scheduling(rest, line, &mut process.checker, diagnostics)
    {
        return true;
    }
    let names = &mut process.names;
    match keyword {
        "process_names" => names.usual = line.flag(diagnostics),
        "process_name" => set(&mut names.main, name(line, diagnostics).map(Some)),
        "vrrp_process_name" => set(&mut names.vrrp, name(line, diagnostics).map(Some)),
        "checker_process_name" | "lvs_process_name" => {
            set(&mut names.checker, name(line, diagnostics).map(Some));
        }
        "bfd_process_name" => set(&mut names.bfd, name(line, diagnostics).map(Some)),
        "max_auto_priority" => set(
            &mut process.max_auto_priority,
            auto_priority(line, diagnostics),
        ),
        "min_auto_priority_delay" => {
            let micros = line.number(1..=10_000_000_u64, LEFT_OUT, diagnostics);
            set(
                &mut process.min_auto_priority_delay,
                micros.map(Duration::from_micros),
            );
        }
        "startup_script" => process.startup_script = script::read(line, diagnostics),
        "shutdown_script" => process.shutdown_script = script::read(line, diagnostics),
        "startup_script_timeout" => set(&mut process.startup_timeout, limit(line, diagnostics)),
        "shutdown_script_timeout" => set(&mut process.shutdown_timeout, limit(line, diagnostics)),
        "config_save_dir" => set(
            &mut process.config_save_dir,
            path(line, diagnostics).map(Some),
        ),
        "data_use_instance" => set(&mut process.data_use_instance, line.boolean(diagnostics)),
        _ => return reload(line, process, diagnostics),
    }
    true
}

fn reload(line: Line<'_>, process: &mut Process, diagnostics: &mut Diagnostics) -> bool {
    let reload = &mut process.reload;
    let optional = line.node.arguments().first().map(crate::tree::Word::as_str);
    match line.keyword() {
        "reload_check_config" => {
            line.at_most(1, diagnostics);
            reload.check_log = optional.map(PathBuf::from);
        }
        "reload_time_file" => set(&mut reload.time_file, absolute(line, diagnostics).map(Some)),
        "reload_repeat" => reload.repeat = line.flag(diagnostics),
        "reload_file" => {
            reload.marker = match optional {
                None => Some(ReloadMarker::BesidePidFile),
                Some(_) => absolute(line, diagnostics).map(ReloadMarker::At),
            };
        }
        _ => return false,
    }
    true
}

/// `rest` is the keyword without the name of the process in front.
fn scheduling(
    rest: &str,
    line: Line<'_>,
    scheduling: &mut Scheduling,
    diagnostics: &mut Diagnostics,
) -> bool {
    match rest {
        "priority" => set(&mut scheduling.nice, nice(line, diagnostics).map(Some)),
        "rt_priority" => {
            let priority = line.number(1..=99_u8, LEFT_OUT, diagnostics);
            set(&mut scheduling.realtime, priority.map(Some));
        }
        "cpu_affinity" => scheduling.cpus = cpus(line, diagnostics),
        "no_swap" => scheduling.no_swap = line.flag(diagnostics),
        "rlimit_rttime" | "rlimit_rtime" => {
            let micros = line.number(2..=u64::from(u32::MAX), LEFT_OUT, diagnostics);
            set(
                &mut scheduling.rttime,
                micros.map(|micros| Some(Duration::from_micros(micros))),
            );
        }
        _ => return false,
    }
    true
}

fn nice(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<i8> {
    const WHAT: &str = "a whole number from -20 to 19";
    let word = line.word(WHAT, diagnostics)?;
    let value = word
        .as_str()
        .parse()
        .ok()
        .filter(|n| (-20..=19).contains(n));
    if value.is_none() {
        refuse(
            diagnostics,
            "out-of-range",
            line.keyword(),
            WHAT,
            word,
            LEFT_OUT,
        );
    }
    value
}

/// Alone it means the highest; 0 is off, and -1 is off without Keepalived's hint about it.
fn auto_priority(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<Option<u8>> {
    const WHAT: &str = "a whole number from -1 to 99";
    line.at_most(1, diagnostics);
    let Some(word) = line.node.arguments().first() else {
        return Some(Some(99));
    };
    match word.as_str().parse::<i8>() {
        Ok(-1 | 0) => Some(None),
        Ok(priority @ 1..=99) => Some(u8::try_from(priority).ok()),
        _ => {
            refuse(
                diagnostics,
                "out-of-range",
                line.keyword(),
                WHAT,
                word,
                LEFT_OUT,
            );
            None
        }
    }
}

fn cpus(line: Line<'_>, diagnostics: &mut Diagnostics) -> Vec<u16> {
    let mut cpus = Vec::new();
    if line
        .required("numbers of processors", diagnostics)
        .is_none()
    {
        return cpus;
    }
    for word in line.node.arguments() {
        let number = parse_unsigned(word.as_str()).and_then(|number| u16::try_from(number).ok());
        match number.filter(|number| *number < CPUS) {
            Some(number) => cpus.push(number),
            None => {
                let what = "numbers of processors, from 0 to 1023";
                line.bad_number(what, word, "the word is left out", diagnostics);
            }
        }
    }
    cpus
}

fn limit(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<Duration> {
    let seconds = line.number(1..=1000_u64, LEFT_OUT, diagnostics)?;
    Some(Duration::from_secs(seconds))
}

fn name(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<String> {
    let word = line.word("a name", diagnostics)?;
    let text = word.as_str();
    if text.is_empty() || text.len() > NAME_OCTETS || text.contains(char::is_control) {
        let what = "a name of 1 to 15 characters";
        refuse(
            diagnostics,
            "bad-name",
            line.keyword(),
            what,
            word,
            LEFT_OUT,
        );
        return None;
    }
    Some(text.to_owned())
}

fn path(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<PathBuf> {
    let word = line.word("a path", diagnostics)?;
    Some(PathBuf::from(word.as_str()))
}

fn absolute(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<PathBuf> {
    const WHAT: &str = "a path that begins with `/`";
    let word = line.word(WHAT, diagnostics)?;
    let path = PathBuf::from(word.as_str());
    if path.is_absolute() {
        return Some(path);
    }
    refuse(
        diagnostics,
        "bad-path",
        line.keyword(),
        WHAT,
        word,
        LEFT_OUT,
    );
    None
}
