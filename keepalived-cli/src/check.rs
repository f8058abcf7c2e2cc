//! `check FILE...`: read configurations, report every mistake, and what does not fit together between
//! those of several nodes; exit. `-` is standard input.

mod machine;
mod together;

use std::io::{self, Write};
use std::process::ExitCode;

use keepalived_config::diagnostic::render_all;
use keepalived_config::model::{NOT_SUPPORTED_YET, REFUSED};
use keepalived_config::{Diagnostic, Options as ReadOptions, Parsed, Severity, SourceMap, Span};
use serde_json::{Value, json};

use crate::arguments::Check;
use crate::load::{add_unusable_checks, is_fault};
use crate::run::short_host_name;
use crate::stdin;

use together::Together;

/// Exit codes of `check`.
const WARNINGS: u8 = 1;
const ERRORS: u8 = 2;

/// `check FILE...`.
pub(crate) fn run(options: &Check) -> ExitCode {
    if options.files.is_empty() {
        eprintln!("keepalived-rs check: no file given");
        return ExitCode::from(ERRORS);
    }
    let mut read = ReadOptions::default();
    if let Some(id) = options.config_id.clone().or_else(short_host_name) {
        read = read.with_config_id(id);
    }
    let mut worst = 0;
    let mut documents = Vec::new();
    let mut read_files = Vec::new();
    for file in &options.files {
        let mut parsed = stdin::parse(file, &read);
        add_unusable_checks(&parsed.config, &mut parsed.diagnostics);
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
        worst = worst.max(exit_code(errors, warnings, options));
        if options.json {
            let found = parsed.diagnostics.iter();
            documents.push(json!({
                "file": file.to_string_lossy(),
                "instances": parsed.config.instances.len(),
                "services": parsed.config.services.len(),
                "sessions": sessions(&parsed),
                "errors": errors,
                "warnings": warnings,
                "refused": refused,
                "diagnostics": found.map(|found| json(found, &parsed.sources)).collect::<Vec<_>>(),
            }));
            read_files.push((file.as_path(), parsed));
            continue;
        }
        let mut out = io::stdout().lock();
        let rendered = render_all(&parsed.diagnostics, &parsed.sources);
        let instances = parsed.config.instances.len();
        // A closed pipe is no reason to stop checking: the exit code counts.
        let _ = write!(out, "{rendered}");
        let _ = writeln!(
            out,
            "{}: {instances} instances, {}{}{errors} errors, {warnings} warnings{}",
            file.display(),
            match parsed.config.services.len() {
                0 => String::new(),
                services => format!("{services} services, "),
            },
            match sessions(&parsed) {
                0 => String::new(),
                sessions => format!("{sessions} BFD sessions, "),
            },
            match refused {
                0 => String::new(),
                refused => format!(", {refused} keywords refused"),
            }
        );
        read_files.push((file.as_path(), parsed));
    }
    if read_files.len() > 1 && !options.each {
        let files = read_files.iter().map(|(path, parsed)| (*path, parsed));
        let together = Together::new(files);
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

fn exit_code(errors: usize, warnings: usize, options: &Check) -> u8 {
    if errors > 0 {
        ERRORS
    } else if warnings > 0 && options.strict {
        WARNINGS
    } else {
        0
    }
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
