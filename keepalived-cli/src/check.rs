//! `check FILE...`: read configurations, report every mistake, and what does not fit together between
//! those of several nodes; exit. `-` is standard input.

mod machine;
mod together;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use keepalived_config::diagnostic::render_all;
use keepalived_config::model::{NOT_SUPPORTED_YET, REFUSED};
use keepalived_config::{Diagnostic, Options as ReadOptions, Parsed, Severity, SourceMap, Span};
use serde_json::{Value, json};

use crate::arguments::{Check, USAGE};
use crate::daemon::says_nothing;
use crate::load::{add_unusable_checks, is_fault};
use crate::nodes::{self, counted};
use crate::run::short_host_name;
use crate::stdin::{self, READ_ONCE, is_stdin};

use together::Together;

/// Exit codes of `check`.
const WARNINGS: u8 = 1;
const ERRORS: u8 = 2;

/// `check FILE...`.
pub(crate) fn run(options: &Check) -> ExitCode {
    if options.files.is_empty() {
        return unusable("no file given");
    }
    let names = match nodes::names(&options.files, &options.name) {
        Ok(names) => names,
        Err(error) => return unusable(&error),
    };
    if !options.name.is_empty() && options.config_id.is_some() {
        return unusable("--config-id: with --name each node has its name for that");
    }
    if options.files.iter().filter(|file| is_stdin(file)).count() > 1 {
        return unusable(READ_ONCE);
    }
    let several = options.files.len() > 1 && !options.each;
    let mut worst = 0;
    let mut documents = Vec::new();
    let mut read_files = Vec::new();
    let mut own = [0; 2];
    for (nth, file) in options.files.iter().enumerate() {
        // Of several nodes each has lines of its own; one file may well be that of this machine.
        let given = options.name.get(nth).or(options.config_id.as_ref());
        let named = names.get(nth).filter(|_| several);
        let id = given.or(named).cloned().or_else(short_host_name);
        let read = ReadOptions::default();
        let read = match id {
            Some(id) => read.with_config_id(id),
            None => read,
        };
        let mut parsed = stdin::parse(file, &read);
        add_unusable_checks(&parsed.config, &mut parsed.diagnostics);
        if parsed.diagnostics.is_empty() && says_nothing(&parsed.config) {
            parsed.diagnostics.push(empty());
        }
        // Of several nodes this can be one at most, and it is not known which.
        if options.files.len() == 1 && !options.elsewhere {
            machine::missing(&parsed.config, &mut parsed.diagnostics);
        }
        if options.strict {
            tighten(&mut parsed.diagnostics);
        }
        let errors = count(&parsed.diagnostics, Severity::Error);
        // What is refused for good is counted by itself: the rest of the file still runs.
        let found = parsed.diagnostics.iter();
        let refused = found.filter(|found| found.code == REFUSED && !is_fault(found));
        let refused = refused.count();
        let warnings = count(&parsed.diagnostics, Severity::Warning) - refused;
        own = [own[0] + errors, own[1] + warnings];
        // One file may be that of two nodes.
        let twice = options.files.iter().filter(|other| *other == file).count() > 1;
        let name = match options.name.get(nth).or_else(|| named.filter(|_| twice)) {
            Some(name) => name.clone(),
            None => file.to_string_lossy().into_owned(),
        };
        worst = worst.max(exit_code(errors, warnings, options));
        if options.json {
            let found = parsed.diagnostics.iter();
            documents.push(json!({
                "file": file.to_string_lossy(),
                "instances": instances(&parsed),
                "services": parsed.config.services.len(),
                "sessions": sessions(&parsed),
                "errors": errors,
                "warnings": warnings,
                "refused": refused,
                "diagnostics": found.map(|found| json(found, &parsed.sources)).collect::<Vec<_>>(),
            }));
            read_files.push((name, parsed));
            continue;
        }
        let mut out = io::stdout().lock();
        let rendered = render_all(&parsed.diagnostics, &parsed.sources);
        // A closed pipe is no reason to stop checking: the exit code counts.
        let _ = write!(out, "{rendered}");
        let _ = writeln!(
            out,
            "{name}: {}, {}{}{}, {}{}",
            counted(instances(&parsed), "instance"),
            match parsed.config.services.len() {
                0 => String::new(),
                services => counted(services, "service") + ", ",
            },
            match sessions(&parsed) {
                0 => String::new(),
                sessions => counted(sessions, "BFD session") + ", ",
            },
            counted(errors, "error"),
            counted(warnings, "warning"),
            match refused {
                0 => String::new(),
                refused => format!(", {} refused", counted(refused, "keyword")),
            }
        );
        read_files.push((name, parsed));
    }
    if several {
        let files = read_files.iter().map(|(name, parsed)| (name, parsed));
        let together = Together::new(files, own, same_files(options, &names));
        let [errors, warnings] =
            [Severity::Error, Severity::Warning].map(|severity| together.count(severity));
        worst = worst.max(exit_code(errors, warnings, options));
        if options.json {
            documents.push(together.json());
        } else {
            // As above: the exit code counts.
            let _ = write!(io::stdout(), "\n{}", together.text());
        }
    }
    if options.json {
        // As above: the exit code counts.
        let _ = writeln!(io::stdout(), "{}", Value::from(documents));
    }
    ExitCode::from(worst)
}

/// Files that are those of several nodes, which may be a slip of the finger. Whoever names the nodes knows.
fn same_files(options: &Check, names: &[String]) -> Vec<String> {
    if !options.name.is_empty() {
        return Vec::new();
    }
    // By whatever way they are named.
    let whole = |file: &PathBuf| fs::canonicalize(file).unwrap_or_else(|_| file.clone());
    let mut of: BTreeMap<PathBuf, Vec<&str>> = BTreeMap::new();
    for (file, name) in options.files.iter().zip(names) {
        of.entry(whole(file)).or_default().push(name);
    }
    let twice = of.values().filter(|names| names.len() > 1);
    twice
        .map(|names| {
            format!(
                "{} have one and the same file, apart from lines that begin with @NAME",
                names.join(" and ")
            )
        })
        .collect()
}

/// The command line cannot be used.
fn unusable(why: &str) -> ExitCode {
    eprintln!("keepalived-rs check: {why}");
    USAGE.into()
}

fn exit_code(errors: usize, warnings: usize, options: &Check) -> u8 {
    if errors > 0 {
        ERRORS
    } else if warnings > 0 && options.strict {
        WARNINGS
    } else {
        0
    }
}

/// A daemon would start and do nothing, and refuse it at a reload.
fn empty() -> Diagnostic {
    let mut found = Diagnostic::new(
        Severity::Warning,
        "empty-file",
        None,
        "nothing is configured in it, or nothing for this node",
    );
    found.help("a daemon that runs does not take it: a file is empty for a moment while it is written anew");
    found
}

/// Instances that are run: of two that are the same virtual router the first.
fn instances(parsed: &Parsed) -> usize {
    let all = parsed.config.instances.iter();
    all.filter(|instance| !instance.is_left_out()).count()
}

/// BFD sessions, S-BFD initiators among them.
fn sessions(parsed: &Parsed) -> usize {
    parsed.config.bfd.len()
}

/// One complaint for programs. Its place is that of its first character, counted from 1.
fn json(found: &Diagnostic, sources: &SourceMap) -> Value {
    let place = |span: Option<Span>| {
        span.map(|span| {
            let place = sources.location(span);
            json!({ "file": place.path, "line": place.line, "column": place.column })
        })
    };
    let notes = found.notes.iter();
    json!({
        "severity": found.severity.name(),
        "code": found.code,
        "message": found.message,
        "place": place(found.span),
        "help": found.help,
        "notes": notes
            .map(|note| json!({ "message": note.message, "place": place(note.span) }))
            .collect::<Vec<_>>(),
    })
}

/// What is known but not supported, yet or for good, becomes an error, in what is printed as in what is counted.
fn tighten(diagnostics: &mut [Diagnostic]) {
    for diagnostic in diagnostics {
        let left_out = matches!(diagnostic.code, NOT_SUPPORTED_YET | REFUSED);
        if diagnostic.severity == Severity::Warning && left_out {
            diagnostic.severity = Severity::Error;
        }
    }
}

fn count(diagnostics: &[Diagnostic], wanted: Severity) -> usize {
    let found = diagnostics.iter();
    found.filter(|found| found.severity == wanted).count()
}
