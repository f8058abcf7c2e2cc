//! Reads a configuration file and prints what is wrong with it.
//!
//! `cargo run -p keepalived-config --example check -- /etc/keepalived/keepalived.conf`

use std::process::ExitCode;

use keepalived_config::diagnostic::{one_line, render_all};
use keepalived_config::{FileSource, Options, parse};

fn main() -> ExitCode {
    let mut path = None;
    let mut short = false;
    let mut options = Options::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--short" => short = true,
            "-i" => options = options.with_config_id(arguments.next().unwrap_or_default()),
            _ => path = Some(argument),
        }
    }
    let Some(path) = path else {
        eprintln!("usage: check [--short] [-i CONFIG_ID] FILE");
        return ExitCode::FAILURE;
    };
    let parsed = parse(&mut FileSource, &path, &options);
    if short {
        for diagnostic in &parsed.diagnostics {
            println!("{}", one_line(diagnostic, &parsed.sources));
        }
    } else {
        print!("{}", render_all(&parsed.diagnostics, &parsed.sources));
    }
    if parsed.has_errors() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
