//! Which changes of the code no test notices: `cargo-mutants` over the crates that decide something.
//!
//! It works in a copy, `target/mutants/tree`, so that the sources stay as they are while it runs. There the
//! test files of a crate are one program, since for each mutant linking many takes longer than running them. The
//! first pass asks the tests that are quick, with few cases of each property; the second asks all of them about
//! the mutants that are left. `docs/mutation.md` has the results.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::{fs, io};

use crate::run::{Report, cargo, forget_package, output, root, succeeds};

/// What is mutated, and who judges.
struct Subject {
    package: &'static str,
    folder: &'static str,
    /// Only these files; all of the crate if there are none.
    files: &'static [&'static str],
    judges: Judges,
}

enum Judges {
    /// All tests but those of these files, as one program; the first pass skips tests with these names.
    Together {
        features: &'static [&'static str],
        without: &'static [&'static str],
        slow: &'static [&'static str],
    },
    /// These targets of the crate.
    Chosen(&'static [&'static str]),
}

/// By worth.
const SUBJECTS: &[Subject] = &[
    Subject {
        package: "vrrp-fsm",
        folder: "vrrp-fsm",
        files: &[],
        judges: Judges::Together {
            features: &[],
            without: &[],
            slow: &[
                "no_order_of_faults",
                "a_large_group_costs",
                "all_that_is_due",
            ],
        },
    },
    Subject {
        package: "keepalived-healthcheck",
        folder: "healthcheck",
        files: &["healthcheck/src/pool.rs"],
        judges: Judges::Chosen(&["--test", "pool"]),
    },
    Subject {
        package: "netlink-vip",
        folder: "netlink-vip",
        files: &["netlink-vip/src/plan.rs", "netlink-vip/src/plan/*.rs"],
        judges: Judges::Chosen(&["--test", "plan", "--test", "routes", "--test", "reconcile"]),
    },
    Subject {
        package: "keepalived-ipvs",
        folder: "ipvs",
        files: &["ipvs/src/diff.rs"],
        judges: Judges::Chosen(&["--test", "laws", "--test", "reconcile"]),
    },
    Subject {
        package: "keepalived-driver",
        folder: "keepalived-driver",
        files: &["keepalived-driver/src/balance/plan.rs"],
        judges: Judges::Chosen(&["--lib", "balance"]),
    },
    Subject {
        package: "vrrp-proto",
        folder: "vrrp-proto",
        files: &[],
        judges: Judges::Together {
            features: &["--all-features"],
            without: &["allocations"],
            slow: &[],
        },
    },
    Subject {
        package: "bfd",
        folder: "bfd",
        files: &[],
        judges: Judges::Together {
            features: &[],
            without: &["live"],
            slow: &[],
        },
    },
];

/// What is for people to read, and not tested word by word.
const WORDS: &str = "impl (fmt::)?(Display|Debug)";

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

impl Subject {
    fn measure(&self, report: &mut Report, more: &[&str]) -> io::Result<()> {
        let home = root().join("target/mutants");
        let tree = home.join("tree");
        copy(&root(), &tree)?;
        let quick: &[&str];
        let whole: &[&str];
        let mut features: &[&str] = &[];
        let mut skipped: &[&str] = &[];
        match self.judges {
            Judges::Together {
                features: wanted,
                without,
                slow,
            } => {
                put_together(&tree.join(self.folder), without)?;
                (quick, whole) = (&["--test", "all"], &["--lib", "--test", "all"]);
                (features, skipped) = (wanted, slow);
            }
            Judges::Chosen(targets) => (quick, whole) = (targets, targets),
        }
        let name = |what: &str| format!("{}: {what}", self.package);
        let mut sound = Command::new("nice");
        sound.args(["-n", "19", "cargo", "test", "-p", self.package]);
        sound.args(features).args(whole);
        if !settled(&mut sound, &tree).status()?.success() {
            report.fail(&name("mutants"), "its tests fail without any change");
            return Ok(());
        }
        let out = home.join(self.package);
        let passes = [
            ("first pass", quick, skipped, "2"),
            ("second pass", whole, &[][..], "256"),
        ];
        for (pass, targets, skipped, cases) in passes {
            let mut command = Command::new("nice");
            command
                .args(["-n", "19", "cargo", "mutants", "-p", self.package])
                .args(["--in-place", "--iterate", "--baseline=skip"])
                .args(["--colors=never", "--timeout=20", "--build-timeout=180"])
                .args(["--exclude-re", WORDS])
                .args(features)
                // Given to the build, too, which otherwise makes all tests and examples for every mutant.
                .args(targets.iter().map(|target| format!("--cargo-arg={target}")))
                .args(self.files.iter().flat_map(|file| ["--file", file]))
                .arg("--output")
                .arg(&out)
                .args(more);
            if !skipped.is_empty() {
                command.args(["--", "--"]);
                command.args(skipped.iter().flat_map(|name| ["--skip", name]));
            }
            command.env("PROPTEST_CASES", cases);
            // It fails when a mutant is missed; the first pass is allowed to.
            let status = settled(&mut command, &tree).status()?;
            if pass == "second pass" {
                let missed = fs::read_to_string(out.join("mutants.out/missed.txt"))?;
                match missed.lines().count() {
                    0 if status.success() => report.pass(&name("mutants")),
                    0 => report.fail(&name("mutants"), &status.to_string()),
                    count => report.fail(&name("mutants"), &format!("{count} missed:\n{missed}")),
                }
            }
        }
        Ok(())
    }
}

/// In the copy, without the words that only a debugger reads.
fn settled<'a>(command: &'a mut Command, tree: &Path) -> &'a mut Command {
    forget_package(command);
    command
        .current_dir(tree)
        .env_remove("CARGO_TARGET_DIR")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_PROFILE_TEST_DEBUG", "0")
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

/// Makes the test files of a crate modules of one program.
fn put_together(folder: &Path, without: &[&str]) -> io::Result<()> {
    let mut program = String::from("#![allow(dead_code, unreachable_pub)]\n");
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder.join("tests"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.push(name);
    }
    names.sort();
    for shared in ["common", "support"]
        .iter()
        .filter(|shared| names.iter().any(|name| name == *shared))
    {
        program += &format!("mod {shared};\n");
    }
    let files = names.iter().filter_map(|name| name.strip_suffix(".rs"));
    for name in files.filter(|name| *name != "all" && !without.contains(name)) {
        let path = folder.join("tests").join(format!("{name}.rs"));
        let text: String = fs::read_to_string(&path)?
            .lines()
            .map(|line| match line {
                "mod common;" => "use crate::common;\n".to_owned(),
                "mod support;" => "use crate::support;\n".to_owned(),
                // Attributes of a whole program: the features are those that were asked for.
                _ if line.starts_with("#![") => "\n".to_owned(),
                _ => format!("{line}\n"),
            })
            .collect();
        fs::write(&path, text)?;
        program += &format!("#[path = \"{name}.rs\"]\nmod in_{name};\n");
    }
    fs::write(folder.join("tests/all.rs"), program)?;
    let manifest = folder.join("Cargo.toml");
    let text = fs::read_to_string(&manifest)?;
    let once = text.replacen("[package]\n", "[package]\nautotests = false\n", 1);
    fs::write(
        manifest,
        once + "\n[[test]]\nname = \"all\"\npath = \"tests/all.rs\"\n",
    )
}
