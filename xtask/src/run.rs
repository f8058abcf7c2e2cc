//! Running commands, counting their tests, and the table at the end.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

/// Between two looks at what a command has printed.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Whether cargo sets this variable for the program that it runs.
fn tells_of_a_package(variable: &str) -> bool {
    variable.starts_with("CARGO_MANIFEST_") || variable.starts_with("CARGO_PKG_")
}

/// What cargo tells of the package it runs: build scripts look at it and would run again.
pub(crate) fn forget_package(command: &mut Command) {
    for (variable, _) in std::env::vars_os() {
        if variable.to_str().is_some_and(tells_of_a_package) {
            command.env_remove(variable);
        }
    }
}

/// The cargo that runs us, in the root of the repository.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    // `+toolchain` is understood by the proxy only, not by the cargo of one toolchain.
    let proxy = arguments
        .first()
        .is_some_and(|first| first.starts_with('+'));
    let program = std::env::var_os("CARGO")
        .filter(|_| !proxy)
        .unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    if proxy {
        for variable in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTC", "RUSTDOC"] {
            command.env_remove(variable);
        }
    }
    forget_package(&mut command);
    // A person's own fixed target directory still holds; ours must not leak through xtask.
    command.args(arguments).current_dir(root());
    command
}

/// Whether a command succeeds; its output is not shown.
pub(crate) fn succeeds(mut command: Command) -> bool {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Whether a test passes that failed among others; its output is shown. It has to run for that: a name
/// that no program knows is no success.
pub(crate) fn run_alone(name: &str, command: &mut Command) -> bool {
    println!("\nxtask: once more, alone: {name}");
    let _shown_late = std::io::stdout().flush();
    let mut counts = Counts::default();
    let status = show(command, |line| counts.add(line));
    status.is_ok_and(|status| status.success()) && counts.passed > 0
}

/// Runs a command and shows its output, line by line as it comes.
fn show(command: &mut Command, mut see: impl FnMut(&str)) -> io::Result<ExitStatus> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = child.stdout.take().into_iter();
    for line in lines.flat_map(|out| BufReader::new(out).lines()) {
        let line = line?;
        // A console ends its lines as a printer wants it.
        let line = line.trim_end();
        println!("{line}");
        see(line);
    }
    child.wait()
}

/// The standard output of a command that succeeds.
pub(crate) fn output(mut command: Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// One line of the table.
struct Step {
    name: String,
    counts: Counts,
    took: Duration,
    note: String,
}

#[derive(Copy, Clone, Default)]
struct Counts {
    passed: u32,
    failed: u32,
    skipped: u32,
}

/// Finds the names of failed tests in what test programs print.
#[derive(Default)]
struct Failures {
    listing: bool,
    found: Vec<String>,
}

impl Failures {
    /// The names stand indented below the second `failures:` of a program; the first is followed by
    /// what the tests printed.
    fn read(&mut self, line: &str) {
        let name = line.strip_prefix("    ").filter(|name| !name.contains(' '));
        if line == "failures:" {
            self.listing = true;
        } else if let Some(name) = name.filter(|_| self.listing) {
            self.found.push(name.to_owned());
        } else if !line.is_empty() {
            self.listing = false;
        }
    }
}

/// A command that runs beside others; what it prints is shown when it is waited for.
pub(crate) struct Beside {
    name: String,
    child: Child,
    printed: PathBuf,
    start: std::time::Instant,
}

/// All that was run.
#[derive(Default)]
pub(crate) struct Report {
    steps: Vec<Step>,
}

impl Report {
    /// Runs a command that counts as one: it passes or fails.
    pub(crate) fn check(&mut self, name: &str, command: &mut Command) {
        announce(name, command);
        let start = now();
        let (passed, note) = match command.stdin(Stdio::null()).status() {
            Ok(status) if status.success() => (1, String::new()),
            Ok(status) => (0, status.to_string()),
            Err(error) => (0, error.to_string()),
        };
        let counts = Counts {
            passed,
            failed: 1 - passed,
            skipped: 0,
        };
        self.add(name, counts, start.elapsed(), &note);
    }

    /// Runs a `cargo test` and counts the tests it reports. The names of those that failed.
    pub(crate) fn tests(&mut self, name: &str, command: &mut Command) -> Vec<String> {
        announce(name, command);
        let start = now();
        let mut tally = Tally::default();
        let status = show(command, |line| tally.see(line));
        self.count(name, tally, start.elapsed(), said_of(status))
    }

    /// Starts a command that prints into this file; [`Self::end`] waits for it.
    pub(crate) fn begin(name: &str, command: &mut Command, printed: PathBuf) -> io::Result<Beside> {
        announce(name, command);
        let child = command
            .stdin(Stdio::null())
            .stdout(fs::File::create(&printed)?)
            .spawn()?;
        Ok(Beside {
            name: name.to_owned(),
            child,
            printed,
            start: now(),
        })
    }

    /// Counts the tests of a command whose exit code says nothing: it has to print the line `wanted`.
    pub(crate) fn end(&mut self, beside: Beside, wanted: &str) {
        let Beside {
            name,
            mut child,
            printed,
            start,
        } = beside;
        let mut tally = Tally::default();
        let mut said = false;
        let status = follow(&mut child, &printed, |line| {
            println!("{line}");
            tally.see(line);
            said |= line == wanted;
        });
        let status = match status {
            Ok(status) if status.success() && !said => Err("did not come to its end".to_owned()),
            status => said_of(status),
        };
        self.count(&name, tally, start.elapsed(), status);
    }

    fn count(
        &mut self,
        name: &str,
        tally: Tally,
        took: Duration,
        status: Result<(), String>,
    ) -> Vec<String> {
        let Tally {
            mut counts,
            failures,
        } = tally;
        // Something failed that is not a test: it did not build, or a test program died.
        if status.is_err() && counts.failed == 0 {
            counts.failed = 1;
        }
        self.add(name, counts, took, &status.err().unwrap_or_default());
        failures.found
    }

    /// Tests of the step that was added last failed, and passed when each ran again with the machine
    /// for itself: they count as passed, and the table names them.
    pub(crate) fn forgive(&mut self, tests: &[String]) {
        if let Some(step) = self.steps.last_mut() {
            let number = u32::try_from(tests.len()).unwrap_or(u32::MAX);
            step.counts.failed = step.counts.failed.saturating_sub(number);
            step.counts.passed += number;
            step.note = format!("passed only alone: {}", tests.join(", "));
        }
    }

    /// Something that passed, found out by xtask itself.
    pub(crate) fn pass(&mut self, name: &str) {
        self.add(
            name,
            Counts {
                passed: 1,
                ..Counts::default()
            },
            Duration::ZERO,
            "",
        );
    }

    /// Something that failed, found out by xtask itself.
    pub(crate) fn fail(&mut self, name: &str, why: &str) {
        self.add(
            name,
            Counts {
                failed: 1,
                ..Counts::default()
            },
            Duration::ZERO,
            why,
        );
    }

    /// Something that was not tried, and why.
    pub(crate) fn skip(&mut self, name: &str, why: &str) {
        self.add(
            name,
            Counts {
                skipped: 1,
                ..Counts::default()
            },
            Duration::ZERO,
            why,
        );
    }

    /// Explains the step that was added last.
    pub(crate) fn note(&mut self, text: &str) {
        if let Some(step) = self.steps.last_mut() {
            text.clone_into(&mut step.note);
        }
    }

    /// The table, the totals, and the exit code.
    pub(crate) fn finish(self) -> ExitCode {
        let mut total = Counts::default();
        println!(
            "\n{:<24} {:>7} {:>7} {:>8} {:>8}",
            "step", "passed", "failed", "skipped", "seconds"
        );
        for Step {
            name,
            counts,
            took,
            note,
        } in &self.steps
        {
            let Counts {
                passed,
                failed,
                skipped,
            } = counts;
            let seconds = took.as_secs();
            println!("{name:<24} {passed:>7} {failed:>7} {skipped:>8} {seconds:>8}  {note}");
            total.passed += passed;
            total.failed += failed;
            total.skipped += skipped;
        }
        println!(
            "\n{} passed, {} failed, {} skipped",
            total.passed, total.failed, total.skipped
        );
        if total.failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn add(&mut self, name: &str, counts: Counts, took: Duration, note: &str) {
        let failed = if counts.failed > 0 { "FAILED" } else { "ok" };
        println!("xtask: {name}: {failed} {note}");
        let (name, note) = (name.to_owned(), note.to_owned());
        self.steps.push(Step {
            name,
            counts,
            took,
            note,
        });
    }
}

impl Counts {
    /// Adds what a line such as `test result: ok. 5 passed; 0 failed; 1 ignored; ...` says.
    fn add(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("test result: ") else {
            return;
        };
        for part in rest.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let Some(Ok(number)) = words.next().map(str::parse::<u32>) else {
                continue;
            };
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                Some("ignored") => self.skipped += number,
                _ => {}
            }
        }
    }
}

/// Hands over what a command prints into a file, line by line, until it has ended.
fn follow(child: &mut Child, printed: &Path, mut see: impl FnMut(&str)) -> io::Result<ExitStatus> {
    let mut file = BufReader::new(fs::File::open(printed)?);
    let mut line = Vec::new();
    loop {
        let ended = child.try_wait()?;
        while file.read_until(b'\n', &mut line)? > 0 && (line.ends_with(b"\n") || ended.is_some()) {
            // A console ends its lines as a printer wants it.
            see(&String::from_utf8_lossy(line.trim_ascii_end()));
            line.clear();
        }
        if let Some(status) = ended {
            return Ok(status);
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}

/// What is printed of tests.
#[derive(Default)]
struct Tally {
    counts: Counts,
    failures: Failures,
}

impl Tally {
    fn see(&mut self, line: &str) {
        self.counts.add(line);
        self.failures.read(line);
    }
}

/// In words, if it is no success.
fn said_of(status: io::Result<ExitStatus>) -> Result<(), String> {
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(status.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

fn announce(name: &str, command: &Command) {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    let words = command.get_args().map(|word| word.to_string_lossy());
    let line = words.fold(program.to_string_lossy().into_owned(), |line, word| {
        line + " " + &word
    });
    println!("\nxtask: {name}: {line}");
    let _shown_late = std::io::stdout().flush();
}

#[allow(
    clippy::disallowed_methods,
    reason = "how long a developer waited; no daemon runs this"
)]
pub(crate) fn now() -> std::time::Instant {
    std::time::Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_failed_tests_are_found() {
        let mut failures = Failures::default();
        let printed = "test ours::held ... FAILED\n\nfailures:\n\n---- ours::held stdout ----\n    \
                       word\n\nfailures:\n    ours::held\n    c::held\n\n\
                       test result: FAILED. 1 passed; 2 failed\n    word\n";
        printed.lines().for_each(|line| failures.read(line));
        assert_eq!(failures.found, ["ours::held", "c::held"]);
    }

    #[test]
    fn the_result_line_of_a_test_program_is_counted() {
        let mut counts = Counts::default();
        counts
            .add("test result: FAILED. 12 passed; 3 failed; 2 ignored; 0 measured; 1 filtered out");
        counts.add("test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; finished in 0.00s");
        counts.add("running 7 passed tests");
        assert_eq!((counts.passed, counts.failed, counts.skipped), (13, 3, 2));
    }
}
