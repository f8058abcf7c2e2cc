//! keepalived-rs: a VRRP daemon that reads keepalived.conf, and tools around it.

#![forbid(unsafe_code)]

mod alerts;
mod arguments;
mod check;
mod daemon;
mod daemonize;
mod demo;
mod descriptors;
mod dump;
mod explain;
mod facts;
mod genhash;
mod load;
mod log;
mod lower;
mod messages;
mod namespace;
mod nodes;
mod ownership;
mod pidfile;
mod record;
mod replay;
mod rtnetlink;
mod run;
mod service;
mod signals;
mod simulate;
mod status;
mod stdin;

use std::process::ExitCode;

use arguments::Invocation;
use keepalived_driver::hooks::launch;
use rustix::process::{Signal, set_parent_process_death_signal};

fn main() -> ExitCode {
    descriptors::close_inherited();
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == launch::FIRST_ARGUMENT)
    {
        return launch::launch(std::env::args_os().skip(2)).into();
    }
    let mut words = std::env::args_os();
    let program = words
        .next()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let program = program.rsplit('/').next().unwrap_or("keepalived-rs");
    let words: Result<Vec<String>, _> = words.map(std::ffi::OsString::into_string).collect();
    let Ok(words) = words else {
        eprintln!("{program}: an argument is not valid UTF-8");
        let first = std::env::args_os()
            .nth(1)
            .and_then(|word| word.into_string().ok());
        return ended(first.as_slice());
    };
    if program == genhash::NAME {
        return genhash::run(program, &words);
    }
    match arguments::parse(program, &words) {
        Ok(Invocation::Daemon(options)) => {
            if options.die_with_parent {
                // Fails for no signal that exists.
                let _ = set_parent_process_death_signal(Some(Signal::KILL));
            }
            run::run(&options, words.into_iter().map(Into::into).collect())
        }
        Ok(Invocation::Status(options)) => status::run(&options),
        Ok(Invocation::Check(options)) => check::run(&options),
        Ok(Invocation::Explain(options)) => explain::run(&options),
        Ok(Invocation::Record(options)) => record::run(&options),
        Ok(Invocation::Replay(options)) => replay::run(&options),
        Ok(Invocation::Demo(options)) => demo::run(&options),
        Ok(Invocation::Simulate(options)) => simulate::run(&options),
        Ok(Invocation::Genhash(words)) => genhash::run(&format!("{program} genhash"), &words),
        Ok(Invocation::Signum(name)) => signum(&name),
        Ok(Invocation::Version) => {
            eprintln!("keepalived-rs v{}", env!("CARGO_PKG_VERSION"));
            eprintln!("A memory-safe VRRP daemon that reads keepalived.conf");
            ExitCode::SUCCESS
        }
        Ok(Invocation::Help(text)) => {
            eprint!("{text}");
            ExitCode::SUCCESS
        }
        Err(refusal) => {
            eprintln!("{}", refusal.message);
            if refusal.show_usage {
                eprint!("{}", arguments::usage(program));
            }
            ended(&words)
        }
    }
}

/// The end of a command line that cannot be used.
fn ended(words: &[String]) -> ExitCode {
    match arguments::is_subcommand(words) {
        true => arguments::USAGE.into(),
        // As keepalived.
        false => ExitCode::FAILURE,
    }
}

/// `--signum=NAME`, CLI-16.
fn signum(name: &str) -> ExitCode {
    match signals::by_name(name) {
        Some(number) => {
            println!("{number}");
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("Unknown sigfunc {name}");
            ExitCode::FAILURE
        }
    }
}
