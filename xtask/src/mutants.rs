//! Which changes of the code no test notices: the mutants that `cargo-mutants` proposes, in the crates that
//! decide something.
//!
//! It proposes them and we judge, since for each mutant it builds and links the test programs anew, which takes
//! ten times longer than to run them. Here they stay: the crate under test is a dynamic library, so only that is
//! built, and the programs are run with it, the quickest first, until one fails. What none of them notices
//! is asked again in the usual way: everything is built, the tests inside the crate count too, and properties get
//! their usual number of cases.
//!
//! It works in a copy, `target/mutants/tree`, so that the sources stay as they are while it runs.
//! `docs/mutation.md` has the results.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::{fs, io};

use crate::run::{Report, cargo, forget_package, now, output, root, succeeds};

mod diff;

use diff::Mutant;

/// What is mutated, and who judges.
struct Subject {
    package: &'static str,
    folder: &'static str,
    features: &'static [&'static str],
    /// Globs of files; all of the crate if there are none.
    files: &'static [&'static str],
    judges: Judges,
}

enum Judges {
    /// The test programs of the crate but these, which need rights or another feature, and the tests inside it.
    AllBut(&'static [&'static str]),
    /// This test program, and the tests inside the crate with its name in theirs.
    Only(&'static str),
}

/// By worth.
const SUBJECTS: &[Subject] = &[
    Subject {
        package: "vrrp-fsm",
        folder: "vrrp-fsm",
        features: &[],
        files: &[],
        judges: Judges::AllBut(&[]),
    },
    Subject {
        package: "bfd",
        folder: "bfd",
        features: &[],
        files: &[],
        judges: Judges::AllBut(&["live"]),
    },
    Subject {
        package: "vrrp-proto",
        folder: "vrrp-proto",
        features: &["--features", "auth"],
        files: &[],
        judges: Judges::AllBut(&["allocations"]),
    },
    Subject {
        package: "keepalived-healthcheck",
        folder: "healthcheck",
        features: &[],
        files: &[],
        judges: Judges::AllBut(&["live"]),
    },
    Subject {
        package: "netlink-vip",
        folder: "netlink-vip",
        features: &[],
        files: &["netlink-vip/src/plan.rs", "netlink-vip/src/plan/*.rs"],
        judges: Judges::AllBut(&["live", "live_routes"]),
    },
    Subject {
        package: "keepalived-ipvs",
        folder: "ipvs",
        features: &[],
        files: &["ipvs/src/diff.rs", "ipvs/src/reconcile.rs"],
        judges: Judges::AllBut(&["kernel"]),
    },
    Subject {
        package: "keepalived-driver",
        folder: "keepalived-driver",
        features: &[],
        files: &[
            "keepalived-driver/src/balance/plan.rs",
            "keepalived-driver/src/balance/reload.rs",
        ],
        judges: Judges::Only("balance"),
    },
];

/// What is for people to read is not tested word by word; and what is stored (feature `serde`) is judged by the
/// tests of `keepalived-recording`.
const LEFT_OUT: [&str; 12] = [
    "--exclude-re",
    "impl ((std::)?fmt::)?(Display|Debug)",
    "--exclude-re",
    r"tls/words\.rs.* (said|certificate|between|plain)\b",
    "--exclude-re",
    "replace_(secrets|keys)|(keys|config)_mut|impl serde::|impl TryFrom<u(8|16)>",
    "--exclude",
    "**/stored.rs",
    "--exclude",
    "**/storing.rs",
    "--exclude",
    "**/disguise.rs",
];

/// An example that does nothing. With one the library is built as for tests: with the features of crates that only
/// those of them want which only tests need.
const NOTHING: &str = "nothing_for_mutants";

/// What a test program may take. One with a mutant may never end, and never stop to ask for more.
struct Limits {
    /// Of the processor: how busy the machine is does not matter.
    seconds: u32,
    kilobytes: u32,
}

const FOR_ONE: Limits = Limits {
    seconds: 5,
    kilobytes: 4_000_000,
};

/// With all cases of the properties.
const FOR_EACH_OF_ALL: Limits = Limits {
    seconds: 60,
    ..FOR_ONE
};

pub(crate) fn run(report: &mut Report, arguments: &[&str]) {
    if !succeeds(cargo(&["mutants", "--version"])) {
        return report.fail("mutants", "needs `cargo install --locked cargo-mutants`");
    }
    let (wanted, more) = match arguments {
        [] => (None, &[][..]),
        [package, more @ ..] => (Some(*package), more),
    };
    let subjects = SUBJECTS.iter().filter(|subject| {
        wanted.is_none_or(|wanted| [subject.package, subject.folder].contains(&wanted))
    });
    let mut any = false;
    for subject in subjects {
        any = true;
        if let Err(error) = subject.measure(report, more) {
            report.fail(subject.package, &error.to_string());
        }
    }
    if !any {
        report.fail("mutants", "no such crate; see xtask/src/mutants.rs");
    }
}

/// What became of a mutant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Caught,
    /// A test never ended, so it was noticed.
    Timeout,
    Unviable,
    Missed,
}

const FATES: [(Fate, &str); 4] = [
    (Fate::Caught, "caught"),
    (Fate::Timeout, "timeout"),
    (Fate::Unviable, "does not compile"),
    (Fate::Missed, "missed"),
];

/// Fates by the names of mutants, in a file, so that a run that was stopped goes on where it was.
struct Results {
    path: PathBuf,
    known: BTreeMap<String, Fate>,
}

impl Results {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let known = text.lines().filter_map(|line| {
            let (word, name) = line.split_once('\t')?;
            let (fate, _) = FATES.iter().find(|(_, known)| *known == word)?;
            Some((name.to_owned(), *fate))
        });
        let known = known.collect();
        Self { path, known }
    }

    fn add(&mut self, name: &str, fate: Fate) -> io::Result<()> {
        let line = format!("{}\t{name}\n", fate.word());
        print!("{line}");
        let mut file = fs::File::options()
            .append(true)
            .create(true)
            .open(&self.path)?;
        file.write_all(line.as_bytes())?;
        self.known.insert(name.to_owned(), fate);
        Ok(())
    }

    fn with(&self, wanted: Fate) -> impl Iterator<Item = &str> {
        let known = self.known.iter();
        known.filter_map(move |(name, fate)| (*fate == wanted).then_some(&**name))
    }
}

impl Subject {
    fn measure(&self, report: &mut Report, more: &[&str]) -> io::Result<()> {
        let name = format!("mutants of {}", self.package);
        let home = root().join("target/mutants");
        let tree = home.join("tree");
        let start = now();
        copy(&root(), &tree)?;
        make_dynamic(&tree.join(self.folder))?;
        let mut list = cargo(&["mutants", "--list", "--diff", "--colors=never"]);
        list.current_dir(&tree);
        list.args(["-p", self.package]).args(LEFT_OUT).args(more);
        list.args(self.files.iter().flat_map(|file| ["--file", file]));
        let listed = output(list).ok_or_else(|| io::Error::other("no list of mutants"))?;
        let mutants = diff::read(&listed);

        let programs = self.programs(&tree)?;
        if self.test_all(&tree)? != Fate::Missed {
            report.fail(&name, "its tests fail without any change");
            return Ok(());
        }
        let mut results = Results::read(home.join(format!("{}.tsv", self.package)));
        for mutant in &mutants {
            if results.known.contains_key(&mutant.name) {
                continue;
            }
            let path = tree.join(&mutant.file);
            let text = fs::read_to_string(&path)?;
            let changed = diff::apply(&text, mutant)
                .ok_or_else(|| io::Error::other(format!("does not fit: {}", mutant.name)))?;
            fs::write(&path, changed)?;
            let fate = self.judge(&tree, &programs, mutant);
            fs::write(&path, text)?;
            results.add(&mutant.name, fate?)?;
        }
        let mut note = String::new();
        for (fate, word) in FATES {
            let _into_memory = write!(note, "{} {word}, ", results.with(fate).count());
        }
        let _into_memory = write!(note, "{} s", start.elapsed().as_secs());
        let missed: Vec<&str> = results.with(Fate::Missed).collect();
        if missed.is_empty() {
            report.pass(&name);
            report.note(&note);
        } else {
            report.fail(&name, &format!("{note}\n{}", missed.join("\n")));
        }
        // All were asked: the next run asks them anew.
        fs::rename(&results.path, results.path.with_extension("last.tsv"))
    }

    /// Test programs that take the library as it is when they are run; the quickest first.
    fn programs(&self, tree: &Path) -> io::Result<Programs> {
        let mut rustc = Command::new("rustc");
        rustc.args(["--print", "target-libdir"]);
        let std = output(rustc).unwrap_or_default();
        let debug = tree.join("target/debug");
        let paths = [debug.clone(), debug.join("deps"), std.trim().into()];
        let mut programs = Programs {
            paths: Vec::new(),
            folder: tree.join(self.folder),
            libraries: std::env::join_paths(paths).map_err(io::Error::other)?,
        };
        let mut build = self.cargo(tree, &["test", "--no-run"]);
        let built = build.args(self.test_programs(tree)?).output()?;
        let said = String::from_utf8_lossy(&built.stderr);
        // `Executable tests/groups.rs (target/debug/deps/groups-12bf2a021407f0e4)`
        let built = said.lines().filter_map(|line| {
            let (_, program) = line
                .trim()
                .strip_prefix("Executable tests/")?
                .split_once(" (")?;
            Some(tree.join(program.trim_end_matches(')')))
        });
        let built: Vec<PathBuf> = built.collect();
        // From here on the library is built alone. Does it still fit to the programs?
        if built.is_empty() || !self.build(tree)? {
            return Err(io::Error::other(said.into_owned()));
        }
        let mut timed = Vec::new();
        for program in built {
            let start = now();
            if !programs.run(&program)?.success() {
                let why = format!("{} fails without any change", program.display());
                return Err(io::Error::other(why));
            }
            timed.push((start.elapsed(), program));
        }
        timed.sort();
        programs.paths = timed.into_iter().map(|(_, program)| program).collect();
        Ok(programs)
    }

    fn judge(&self, tree: &Path, programs: &Programs, mutant: &Mutant) -> io::Result<Fate> {
        let asked: &[PathBuf] = match mutant.fits_programs() {
            true => &programs.paths,
            false => &[],
        };
        if !asked.is_empty() && !self.build(tree)? {
            return Ok(Fate::Unviable);
        }
        for program in asked {
            let status = programs.run(program)?;
            // 127: the program needs a generic function that only the code without the change has made.
            if !status.success() && status.code() != Some(127) {
                return Ok(Fate::of_failure(status));
            }
        }
        self.test_all(tree)
    }

    fn build(&self, tree: &Path) -> io::Result<bool> {
        // Touched, so that the one without a change is built, too.
        let library = tree.join(self.folder).join("src/lib.rs");
        fs::write(&library, fs::read(&library)?)?;
        let mut build = self.cargo(tree, &["build", "--lib", "--example", NOTHING]);
        Ok(build.output()?.status.success())
    }

    /// In the usual way: all is built, and the tests inside the crate are asked, too.
    fn test_all(&self, tree: &Path) -> io::Result<Fate> {
        let programs = self.test_programs(tree)?;
        let mut build = self.cargo(tree, &["test", "--no-run", "--lib"]);
        if !quietly(build.args(&programs))?.success() {
            return Ok(Fate::Unviable);
        }
        let mut inside = vec!["--lib".to_owned()];
        if let Judges::Only(name) = self.judges {
            inside.push(name.to_owned());
        }
        for asked in [inside, programs] {
            let mut tests = bounded(&FOR_EACH_OF_ALL);
            self.settle(tests.args(["cargo", "test"]), tree);
            let status = quietly(tests.env("BFD_SEEDS", "200").args(asked))?;
            if !status.success() {
                return Ok(Fate::of_failure(status));
            }
        }
        Ok(Fate::Missed)
    }

    /// The arguments with which cargo takes the test programs.
    fn test_programs(&self, tree: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        match self.judges {
            Judges::AllBut(without) => {
                for entry in fs::read_dir(tree.join(self.folder).join("tests"))? {
                    let name = entry?.file_name().to_string_lossy().into_owned();
                    let name = name.strip_suffix(".rs").map(str::to_owned);
                    names.extend(name.filter(|name| !without.contains(&&**name)));
                }
            }
            Judges::Only(name) => names.push(name.to_owned()),
        }
        let arguments = names.into_iter().map(|name| ["--test".to_owned(), name]);
        Ok(arguments.flatten().collect())
    }

    fn cargo(&self, tree: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new("nice");
        command.args(["-n", "19", "cargo"]).args(arguments);
        self.settle(&mut command, tree);
        command
    }

    /// A cargo in the copy, for this package, without the words that only a debugger or a person reads.
    fn settle(&self, command: &mut Command, tree: &Path) {
        let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
        forget_package(command);
        command
            .args(["-p", self.package])
            .args(self.features)
            .current_dir(tree)
            .env_remove("CARGO_TARGET_DIR")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TERM_COLOR", "never")
            .env("RUSTFLAGS", flags + " -Cprefer-dynamic --cap-lints allow");
    }
}

/// Test programs that are not built again.
struct Programs {
    paths: Vec<PathBuf>,
    /// Where cargo would run them.
    folder: PathBuf,
    libraries: OsString,
}

impl Programs {
    /// With few cases of each property and few seeds: they tell most mutants.
    fn run(&self, program: &Path) -> io::Result<ExitStatus> {
        let mut command = bounded(&FOR_ONE);
        command
            .arg(program)
            .current_dir(&self.folder)
            .env("LD_LIBRARY_PATH", &self.libraries)
            .env("PROPTEST_CASES", "4")
            .env("BFD_SEEDS", "20");
        quietly(&mut command)
    }
}

impl Fate {
    fn word(self) -> &'static str {
        let known = FATES.iter().find(|(fate, _)| *fate == self);
        known.map_or("", |(_, word)| word)
    }

    fn of_failure(status: ExitStatus) -> Self {
        // 124 says `timeout`; 9 is the signal that ends who has used up its share of the processor.
        match (status.code(), status.signal()) {
            (Some(124), _) | (_, Some(9)) => Self::Timeout,
            _ => Self::Caught,
        }
    }
}

/// A program within limits; what it is comes next.
fn bounded(Limits { seconds, kilobytes }: &Limits) -> Command {
    let limited = format!("ulimit -t {seconds}; ulimit -v {kilobytes}; exec \"$0\" \"$@\"");
    let patience = seconds.saturating_mul(20).to_string();
    let mut command = Command::new("nice");
    command
        .args(["-n", "19", "timeout", "--kill-after=5", &patience])
        .args(["sh", "-c", &limited]);
    command
}

fn quietly(command: &mut Command) -> io::Result<ExitStatus> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
}

/// Brings the copy up to date: files that git knows or would take. What is the same is left alone, so that it is not
/// built again.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut list = Command::new("git");
    list.args(["ls-files", "-co", "--exclude-standard"])
        .current_dir(from);
    let listed = output(list).ok_or_else(|| io::Error::other("git does not list the files"))?;
    let listed: BTreeSet<&str> = listed.lines().collect();
    for name in listed {
        // One that was deleted and not committed yet is listed too.
        let Ok(bytes) = fs::read(from.join(name)) else {
            continue;
        };
        let target = to.join(name);
        if fs::read(&target).is_ok_and(|there| there == bytes) {
            continue;
        }
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(target, bytes)?;
    }
    Ok(())
}

/// Makes the crate in this folder of the copy a dynamic library. Those need the standard library.
fn make_dynamic(folder: &Path) -> io::Result<()> {
    let manifest = folder.join("Cargo.toml");
    let text = fs::read_to_string(&manifest)?;
    let kind = "[lib]\ncrate-type = [\"dylib\"]\n";
    let changed = if text.contains("[lib]\n") {
        text.replacen("[lib]\n", kind, 1)
    } else {
        format!("{text}\n{kind}")
    };
    fs::write(manifest, changed)?;
    let examples = folder.join("examples");
    fs::create_dir_all(&examples)?;
    fs::write(examples.join(format!("{NOTHING}.rs")), "fn main() {}\n")?;
    let library = folder.join("src/lib.rs");
    let text = fs::read_to_string(&library)?;
    fs::write(
        library,
        text.replacen("#[cfg(test)]\nextern crate std;", "extern crate std;", 1),
    )
}
