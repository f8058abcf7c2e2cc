//! The fuzz targets, one after another, and what came of each.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::run::{Report, cargo, output, root, succeeds};

/// Octets of a minimised corpus that are kept beside the seeds of a target: all of them together stay small.
const KEPT: u64 = 12 * 1024;

/// What a run of a target came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    executions: u64,
    /// Places in the code that were reached.
    coverage: u64,
    /// Inputs that reach something new.
    corpus: u64,
    /// What was found, in the fuzzer's words.
    finding: Option<String>,
}

impl Outcome {
    /// Reads a line of libFuzzer's.
    fn read(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        if let Some(number) = words.next().and_then(|word| word.strip_prefix('#')) {
            let executions = number.trim_end_matches(':').parse().unwrap_or(0);
            self.executions = self.executions.max(executions);
            let words: Vec<_> = words.collect();
            for pair in words.windows(2) {
                let [key, value] = pair else { continue };
                let number = value.split('/').next().and_then(|word| word.parse().ok());
                match (*key, number) {
                    ("cov:", Some(number)) => self.coverage = number,
                    ("corp:", Some(number)) => self.corpus = number,
                    _ => {}
                }
            }
        } else if let Some(number) = line.strip_prefix("stat::number_of_executed_units:") {
            self.executions = number.trim().parse().unwrap_or(self.executions);
        } else if line.contains("panicked at") || line.contains("ERROR: libFuzzer") {
            self.finding.get_or_insert_with(|| line.trim().to_owned());
        } else if let Some(path) = line.split("Test unit written to ").nth(1) {
            let finding = self.finding.take().unwrap_or_default();
            self.finding = Some(format!("{finding} ({path})"));
        }
    }
}

/// `[--minutes N | --minimise] [TARGET]`.
pub(crate) fn run(report: &mut Report, mut arguments: &[&str]) {
    let mut minutes = 1;
    let mut minimise = false;
    match arguments {
        ["--minutes", number, rest @ ..] => {
            let Ok(number) = number.parse::<u32>() else {
                return report.fail("fuzz", "--minutes takes a whole number");
            };
            (minutes, arguments) = (number, rest);
        }
        ["--minimise", rest @ ..] => (minimise, arguments) = (true, rest),
        _ => {}
    }
    let Some(fuzzer) = fuzzer() else {
        let how = "needs `cargo install cargo-fuzz --locked`, and a toolchain that it can use";
        return report.fail("fuzz", how);
    };
    let listed = output(fuzzer(&["list"])).unwrap_or_default();
    let listed: Vec<&str> = listed.split_whitespace().collect();
    let targets = match arguments {
        [] => listed.clone(),
        names => names.to_vec(),
    };
    if let Some(unknown) = targets.iter().find(|name| !listed.contains(name)) {
        return report.fail("fuzz", &format!("there is no target {unknown}"));
    }
    let mut table = Vec::new();
    for target in targets {
        let name = format!("fuzz {target}");
        if minimise {
            match minimised(target, fuzzer(&["cmin", target])) {
                Ok(kept) => {
                    println!("xtask: {target}: {kept} inputs kept");
                    report.pass(&name);
                }
                Err(why) => report.fail(&name, &why),
            }
            continue;
        }
        let outcome = one(fuzzer(&["run", target]), target, minutes);
        match &outcome.finding {
            Some(finding) => report.fail(&name, finding),
            None => report.pass(&name),
        }
        table.push((target, outcome));
    }
    if !table.is_empty() {
        println!(
            "\n{:<18}{:>14}{:>10}{:>8}  finding",
            "target", "executions", "coverage", "corpus"
        );
    }
    for (target, outcome) in table {
        let Outcome {
            executions,
            coverage,
            corpus,
            finding,
        } = outcome;
        let finding = finding.unwrap_or_else(|| "none".to_owned());
        println!("{target:<18}{executions:>14}{coverage:>10}{corpus:>8}  {finding}");
    }
}

/// How cargo-fuzz is called here: with a nightly toolchain, or else with the stable one as if it were that.
fn fuzzer() -> Option<fn(&[&str]) -> Command> {
    fn nightly(words: &[&str]) -> Command {
        cargo(&[&["+nightly", "fuzz"], words].concat())
    }
    fn stable(words: &[&str]) -> Command {
        let mut command = cargo(&[&["fuzz"], words].concat());
        command.env("RUSTC_BOOTSTRAP", "1");
        command
    }
    let all: [fn(&[&str]) -> Command; 2] = [nightly, stable];
    all.into_iter()
        .find(|fuzzer| succeeds(fuzzer(&["--version"])))
}

fn one(mut command: Command, target: &str, minutes: u32) -> Outcome {
    let folder = |kind: &str| root().join("fuzz").join(kind).join(target);
    let mut outcome = Outcome::default();
    // New inputs go to the first folder; the other one is read.
    let corpus = folder("corpus");
    if let Err(error) = fs::create_dir_all(&corpus) {
        outcome.finding = Some(format!("{}: {error}", corpus.display()));
        return outcome;
    }
    let seconds = format!("-max_total_time={}", minutes.saturating_mul(60));
    command.arg(corpus).arg(folder("regressions"));
    command.args(["--", &seconds, "-print_final_stats=1", "-timeout=20"]);
    println!("\nxtask: fuzz {target}, {minutes} min");
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::inherit())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            outcome.finding = Some(error.to_string());
            return outcome;
        }
    };
    let lines = child.stderr.take().map(BufReader::new);
    for line in lines
        .into_iter()
        .flat_map(BufReader::lines)
        .map_while(Result::ok)
    {
        outcome.read(&line);
        if !line.starts_with('#') {
            eprintln!("{line}");
        }
    }
    let ended = child.wait();
    if !ended.is_ok_and(|status| status.success()) {
        outcome
            .finding
            .get_or_insert_with(|| "it failed".to_owned());
    }
    outcome
}

/// Makes the corpus small, and keeps the smallest of what is left, so that the tests run it.
fn minimised(target: &str, mut command: Command) -> Result<usize, String> {
    let status = command.stdin(Stdio::null()).status();
    if !status.is_ok_and(|status| status.success()) {
        return Err("cannot be minimised: run it first".to_owned());
    }
    let folder = |kind: &str| root().join("fuzz").join(kind).join(target);
    keep(&folder("corpus"), &folder("regressions")).map_err(|error| error.to_string())
}

fn keep(corpus: &Path, kept: &Path) -> std::io::Result<usize> {
    fs::create_dir_all(kept)?;
    // What it kept the last time is in the corpus again, as far as it is still worth it.
    for entry in fs::read_dir(kept)?.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.len() == 40 && name.bytes().all(|octet| octet.is_ascii_hexdigit()) {
            fs::remove_file(entry.path())?;
        }
    }
    let inputs: BTreeSet<_> = fs::read_dir(corpus)?
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.len(), entry.file_name())))
        .collect();
    let mut left = KEPT;
    let mut count = 0;
    for (length, name) in inputs {
        // A folder counts a block for each, however small.
        let Some(rest) = left.checked_sub(length.max(64)) else {
            break;
        };
        left = rest;
        fs::copy(corpus.join(&name), kept.join(&name))?;
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_fuzzer_are_understood() {
        let mut outcome = Outcome::default();
        for line in [
            "INFO: Seed: 1",
            "#2\tINITED cov: 10 ft: 11 corp: 1/1b exec/s: 0 rss: 40Mb",
            "#4096\tpulse  cov: 120 ft: 200 corp: 33/1024b lim: 43 exec/s: 2048 rss: 50Mb",
            "stat::number_of_executed_units: 5000",
        ] {
            outcome.read(line);
        }
        let expected = Outcome {
            executions: 5000,
            coverage: 120,
            corpus: 33,
            finding: None,
        };
        assert_eq!(outcome, expected);
        outcome.read("thread 'main' panicked at fuzz/src/x.rs:1:2:");
        outcome.read("artifact_prefix='a/'; Test unit written to a/crash-1");
        let finding = outcome.finding.unwrap();
        assert!(
            finding.contains("x.rs:1:2") && finding.contains("a/crash-1"),
            "{finding}"
        );
    }
}
