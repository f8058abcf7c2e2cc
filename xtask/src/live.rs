//! Live tests: their peers are installed when missing, then real daemons meet in namespaces.

use std::process::Command;

use crate::packages::{install, missing};
use crate::run::{Report, cargo, root, run_alone, succeeds};

/// What to do on a machine that cannot run live tests.
#[derive(Copy, Clone, PartialEq, Eq)]
pub(crate) enum Missing {
    /// They were asked for by name.
    Fails,
    /// They are a part of everything; say so and go on.
    Skips,
}

/// Programs the tests start, and the Debian package of each.
const PEERS: &[(&str, &str)] = &[
    ("keepalived", "keepalived"),
    ("ip", "iproute2"),
    ("tc", "iproute2"),
    ("ping", "iputils-ping"),
    ("tshark", "tshark"),
    ("tcpdump", "tcpdump"),
    ("ps", "procps"),
    ("setpriv", "util-linux"),
    ("nft", "nftables"),
    ("strace", "strace"),
    ("bird", "bird2"),
    ("vtysh", "frr"),
];

/// Servers that only a few tests are about, which are skipped without them, and the Debian package of each.
const SERVERS: &[(&str, &str)] = &[
    ("exim4", "exim4-daemon-light"),
    ("named", "bind9"),
    ("apache2", "apache2-bin"),
];

/// The package of the live tests.
const LAB: &str = "keepalived-lab";

/// Its test programs, one a line: [`crate::compliance`] keeps the list.
pub(crate) const LIVE_TESTS: &str = "xtask/data/live-tests.txt";

/// Programs whose tests take all the processor they get: one at a time, when the others have ended.
const HUNGRY: &[&str] = &[
    "live_bfd_storm",
    "live_churn",
    "live_garbage",
    "live_kills",
    "live_storm",
];

/// How often daemons are killed at random moments when everything is tested; asked for by name, the tests
/// do it as often as they are made for.
const KILLS: (&str, &str) = ("KEEPALIVED_KILLS", "40");

/// More failed tests than this are not the fault of a busy machine.
const MOST_AGAIN: usize = 12;

/// Runs the live tests whose name contains `filter`, or reports them as skipped.
pub(crate) fn run(report: &mut Report, filter: Option<&str>, missing: Missing) {
    let programs = match programs() {
        Ok(programs) => programs,
        Err(why) => return report.fail("live tests", &why),
    };
    let (hungry, modest): (Vec<_>, Vec<_>) = programs
        .iter()
        .map(String::as_str)
        .partition(|name| HUNGRY.contains(name));
    let batches = [
        (
            "live tests",
            Batch {
                package: LAB,
                programs: modest,
                lanes: 4,
            },
        ),
        (
            "live tests, hungry",
            Batch {
                package: LAB,
                programs: hungry,
                lanes: 1,
            },
        ),
        // BFD without the daemon, against other people's.
        (
            "live BFD tests",
            Batch {
                package: "bfd",
                programs: vec!["live"],
                lanes: 2,
            },
        ),
    ];
    if let Some(why) = &obstacle() {
        if missing == Missing::Fails {
            return report.fail("live tests", why);
        }
        println!("\nxtask: live tests are SKIPPED: {why}");
        // Those of the lab are counted as skipped, each; the others do not say so.
        for (name, batch) in batches.iter().filter(|(_, batch)| batch.package == LAB) {
            report.tests(name, &mut batch.command());
            report.note(&format!("skipped: {why}"));
        }
        return;
    }
    // Built first and once, so that no test waits for the compiler.
    let mut build = cargo(&["build", "--release", "--package", "keepalived-cli"]);
    report.check("release build", &mut build);
    for (name, batch) in batches {
        let mut command = batch.run();
        command.args(filter);
        let (kills, few) = KILLS;
        if filter.is_none() && std::env::var_os(kills).is_none() {
            command.env(kills, few);
        }
        let failed = report.tests(name, &mut command);
        again(report, &batch, &failed);
    }
}

/// Test programs of a package, and how many of their tests run at once.
struct Batch<'a> {
    package: &'a str,
    programs: Vec<&'a str>,
    /// Tests mostly wait, but what they measure needs a processor in time.
    lanes: u8,
}

impl Batch<'_> {
    /// What is to be told to the test programs comes behind it.
    fn command(&self) -> Command {
        let mut command = cargo(&["test", "--package", self.package, "--no-fail-fast"]);
        for program in &self.programs {
            command.args(["--test", program]);
        }
        command.arg("--");
        command
    }

    /// The same, and its tests do what they are for.
    fn run(&self) -> Command {
        let mut command = self.command();
        let lanes = format!("--test-threads={}", self.lanes);
        command
            .args(["--include-ignored", &lanes])
            .env("KEEPALIVED_LIVE", "1");
        command
    }
}

/// Tests that failed run once more, each with the machine for itself. They hold daemons to times of
/// milliseconds, ours and others', and the machine may have been busy with the other lanes; what is
/// broken is broken alone as well.
fn again(report: &mut Report, batch: &Batch<'_>, failed: &[String]) {
    if failed.len() > MOST_AGAIN {
        return;
    }
    let passes = |name: &&String| {
        let passed = run_alone(name, batch.run().args(["--exact", name]));
        let word = if passed { "ok" } else { "FAILED" };
        println!("xtask: {name} alone: {word}");
        passed
    };
    let passed: Vec<_> = failed.iter().filter(passes).cloned().collect();
    if !passed.is_empty() {
        report.forgive(&passed);
    }
}

/// The names of the test programs; those of the virtual machine, `guest_*`, are not among them.
fn programs() -> Result<Vec<String>, String> {
    let path = root().join(LIVE_TESTS);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{LIVE_TESTS}: {error}"))?;
    let names = text.lines().filter_map(|line| line.strip_suffix(".rs"));
    Ok(names.map(str::to_owned).collect())
}

/// Why live tests cannot run here, after trying to install what is missing.
fn obstacle() -> Option<String> {
    if !is_root() {
        return Some("not root (try `sudo -E cargo xtask live`)".to_owned());
    }
    if !missing(PEERS).is_empty() {
        install(&missing(PEERS));
    }
    if !missing(PEERS).is_empty() {
        return Some(format!("not installed: {}", missing(PEERS).join(", ")));
    }
    // Each by itself: a machine has one mail server, and that may be another one.
    for package in missing(SERVERS) {
        install(&[package]);
    }
    for package in missing(SERVERS) {
        println!("xtask: not installed, and its tests are skipped: {package}");
    }
    let probe = format!("xtask-probe-{}", std::process::id());
    let netns = |verb: &str| {
        let mut command = Command::new("ip");
        command.args(["netns", verb, &probe]);
        succeeds(command)
    };
    let allowed = netns("add");
    (!(allowed && netns("del"))).then(|| "network namespaces are not allowed here".to_owned())
}

/// Whether we may install packages and make namespaces.
pub(crate) fn is_root() -> bool {
    // The owner of our own /proc entry is our effective user.
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0)
}
