//! `check FILE...`: read configurations, report every mistake, exit.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use keepalived_config::diagnostic::render_all;
use keepalived_config::model::NOT_SUPPORTED_YET;
use keepalived_config::{Diagnostic, FileSource, Options as ReadOptions, Parsed, Severity};

use crate::arguments::Check;
use crate::load::is_fault;
use crate::run::short_host_name;

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
    for file in &options.files {
        let mut parsed = parse(file, &read);
        if options.strict {
            tighten(&mut parsed.diagnostics);
        }
        let found = parsed.diagnostics.iter();
        // What is refused for good is an error to read and to mend; the rest of the file still runs.
        let errors = found.filter(|found| options.strict || is_fault(found));
        let errors = errors
            .filter(|found| found.severity == Severity::Error)
            .count();
        let refused = count(&parsed.diagnostics, Severity::Error) - errors;
        let warnings = count(&parsed.diagnostics, Severity::Warning);
        let mut out = io::stdout().lock();
        let rendered = render_all(&parsed.diagnostics, &parsed.sources);
        let instances = parsed.config.instances.len();
        // A closed pipe is no reason to stop checking: the exit code counts.
        let _ = write!(out, "{rendered}");
        let _ = writeln!(
            out,
            "{}: {instances} instances, {errors} errors, {warnings} warnings{}",
            file.display(),
            match refused {
                0 => String::new(),
                refused => format!(", {refused} keywords refused"),
            }
        );
        let code = if errors > 0 {
            ERRORS
        } else if warnings > 0 && options.strict {
            WARNINGS
        } else {
            0
        };
        worst = worst.max(code);
    }
    ExitCode::from(worst)
}

fn parse(file: &Path, read: &ReadOptions) -> Parsed {
    keepalived_config::parse(&mut FileSource, &file.to_string_lossy(), read)
}

/// What is known but not supported becomes an error, in what is printed as in what is counted.
fn tighten(diagnostics: &mut [Diagnostic]) {
    for diagnostic in diagnostics {
        if diagnostic.severity == Severity::Warning && diagnostic.code == NOT_SUPPORTED_YET {
            diagnostic.severity = Severity::Error;
        }
    }
}

fn count(diagnostics: &[Diagnostic], wanted: Severity) -> usize {
    let found = diagnostics.iter();
    found.filter(|found| found.severity == wanted).count()
}
