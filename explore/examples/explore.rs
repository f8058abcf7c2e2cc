//! Walks through all states of small networks and prints how many there are.
//!
//! ```text
//! cargo run --release -p keepalived-explore --example explore             # what `cargo xtask small` runs
//! cargo run --release -p keepalived-explore --example explore -- --quick  # what the tests run
//! cargo run --release -p keepalived-explore --example explore -- --deep   # minutes, and some gigabytes
//! cargo run --release -p keepalived-explore --example explore -- three    # those with this word in their names
//! ```
//!
//! If a rule is broken, the shortest way there is printed, and the exit code is 1.

use std::process::ExitCode;

use keepalived_explore::{walk, worlds};

fn main() -> ExitCode {
    let mut named = worlds::whole();
    let mut word = None;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--quick" => named = worlds::quick(),
            "--deep" => named = worlds::deep(),
            _ => word = Some(argument),
        }
    }
    named.retain(|(name, _)| word.as_ref().is_none_or(|word| name.contains(word)));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!("| world | states | steps |\n|---|---:|---:|");
    let (mut states, mut steps, mut good) = (0, 0, true);
    for (name, plan) in named {
        let verdict = walk(plan, threads);
        println!("| {name} | {} | {} |", verdict.states, verdict.steps);
        states += verdict.states;
        steps += verdict.steps;
        if let Some((rule, way)) = &verdict.broken {
            println!("\n{name} violates {rule}:\n\n{}\n", way.join("\n"));
            return ExitCode::FAILURE;
        }
        for situation in &verdict.unseen {
            println!("\nnever: {situation}\n");
            good = false;
        }
    }
    println!("| all | {states} | {steps} |");
    match good && states > 0 {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
