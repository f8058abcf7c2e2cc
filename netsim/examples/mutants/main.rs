//! Is the proof any good? Plants one mistake after the other into a copy of the crates and runs the proof on
//! it: every mutant must be caught. `cargo run -p netsim --features vrrp,bfd --example mutants [-- NAME ...]`
//!
//! The table it prints is the one in `tests/mutants.md`. With `--small` the judges are the small worlds of `explore` in place of
//! the proof; they are not asked to catch what no small world has in it.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs, io};

mod planted;

use planted::MUTANTS;

const HEAD: &str =
    "| mutant | caught by | first seed | by the global rules alone |\n|---|---|---|---|";
const SMALL_HEAD: &str = "| mutant | caught by |\n|---|---|";

/// The crates that are copied.
const PARTS: [&str; 6] = [
    "vrrp-proto",
    "vrrp-fsm",
    "bfd",
    "netlink-vip",
    "netsim",
    "explore",
];

/// How many seeds a mutant may survive.
const SEEDS: u32 = 20_000;

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(alive) => {
            println!("\n{alive} mutants got away");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> io::Result<usize> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a workspace");
    let copy = env::temp_dir().join(format!("netsim-mutants-{}", std::process::id()));
    let (flags, wanted): (Vec<String>, Vec<String>) = env::args()
        .skip(1)
        .partition(|argument| argument == "--small");
    let small = !flags.is_empty();
    println!("{}", if small { SMALL_HEAD } else { HEAD });
    let mut alive = 0;
    for (name, file, from, to) in MUTANTS {
        if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        // One virtual router is all that a small world has.
        let too_large = ["group", "bfd", "timers before packets"];
        if small && too_large.iter().any(|large| name.starts_with(large)) {
            continue;
        }
        for part in PARTS {
            copy_tree(&home.join(part), &copy.join(part))?;
        }
        fs::copy(home.join("Cargo.lock"), copy.join("Cargo.lock"))?;
        fs::write(
            copy.join("Cargo.toml"),
            manifest(&fs::read_to_string(home.join("Cargo.toml"))?),
        )?;
        let text = fs::read_to_string(copy.join(file))?;
        if !text.contains(from) {
            println!("| {name} | NOT PLANTED: {file} has changed | | |");
            alive += 1;
            continue;
        }
        fs::write(copy.join(file), text.replacen(from, to, 1))?;
        if small {
            println!("| {name} | {} |", small_worlds(&copy)?);
            continue;
        }
        // The rules for sessions are global ones.
        let (rule, seed, weak) = if name.starts_with("bfd") {
            let (rule, seed) = verdict(&copy, " --bfd")?;
            (rule.clone(), seed, rule)
        } else {
            let (rule, seed) = verdict(&copy, " --vrrp")?;
            let (weak, _) = verdict(&copy, " --vrrp --weak")?;
            (rule, seed, weak)
        };
        alive += usize::from(seed.is_empty());
        println!("| {name} | {rule} | {seed} | {weak} |");
    }
    fs::remove_dir_all(&copy)?;
    Ok(alive)
}

/// Runs the proof in the copy: which invariant was violated, with which seed.
fn verdict(copy: &Path, more: &str) -> io::Result<(String, String)> {
    let target = copy.join("target");
    let run = "run --quiet --release --offline -p netsim --features vrrp,bfd --example proof --";
    let arguments = format!("{run} --seeds {SEEDS}{more}");
    let output = Command::new("cargo")
        .args(arguments.split_whitespace())
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", target)
        .env("RUSTFLAGS", "-Awarnings")
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("seed "));
    let parts = line.and_then(|line| line.split_once(" violates "));
    Ok(match parts {
        Some((seed, what)) => (
            what.split(':').next().unwrap_or(what).to_string(),
            seed.to_string(),
        ),
        None if output.status.success() => ("not caught".to_string(), String::new()),
        None => (
            format!("{}", String::from_utf8_lossy(&output.stderr)),
            String::new(),
        ),
    })
}

/// Walks through the small worlds of the copy: which rule was violated in which of them.
fn small_worlds(copy: &Path) -> io::Result<String> {
    let run = "run --quiet --release --offline -p keepalived-explore --example explore";
    let output = Command::new("cargo")
        .args(run.split_whitespace())
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", copy.join("target"))
        .env("RUSTFLAGS", "-Awarnings")
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let parts = text.lines().find_map(|line| line.split_once(" violates "));
    Ok(match parts {
        Some((world, rule)) => format!("{} ({world})", rule.trim_end_matches(':')),
        None if output.status.success() => "not caught".to_string(),
        // Or it never comes by what it has to come by; or it does not compile.
        None => match text.lines().rfind(|line| line.starts_with("never")) {
            Some(never) => never.to_string(),
            None => return Err(io::Error::other(String::from_utf8_lossy(&output.stderr))),
        },
    })
}

/// The workspace manifest with fewer members.
fn manifest(text: &str) -> String {
    let (before, rest) = text.split_once("members = [").expect("a workspace");
    let (_, after) = rest.split_once(']').expect("a list");
    format!("{before}members = {PARTS:?}{after}")
}

fn copy_tree(from: &Path, to: &PathBuf) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
