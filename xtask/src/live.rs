//! Live tests: their peers are installed when missing, then real daemons meet in namespaces.

use std::path::Path;
use std::process::Command;

use crate::run::{Report, cargo, run_alone, succeeds};

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
    ("bird", "bird2"),
    ("vtysh", "frr"),
];

/// How many tests run at once: they mostly wait, but what they measure needs a processor in time.
const LANES: &str = "--test-threads=4";

/// More failed tests than this are not the fault of a busy machine.
const MOST_AGAIN: usize = 12;

/// Runs the live tests whose name contains `filter`, or reports them as skipped.
pub(crate) fn run(report: &mut Report, filter: Option<&str>, missing: Missing) {
    let mut command = tests();
    if let Some(filter) = filter {
        command.arg(filter);
    }
    let obstacle = obstacle();
    if let Some(why) = &obstacle {
        if missing == Missing::Fails {
            return report.fail("live tests", why);
        }
        println!("\nxtask: live tests are SKIPPED: {why}");
        report.tests("live tests", &mut command);
        return report.note(&format!("skipped: {why}"));
    }
    // Built first and once, so that no test waits for the compiler.
    let mut build = cargo(&["build", "--release", "--package", "keepalived-cli"]);
    report.check("release build", &mut build);
    command
        .args(["--include-ignored", LANES])
        .env("KEEPALIVED_LIVE", "1");
    let failed = report.tests("live tests", &mut command);
    again(report, &failed);
    // BFD without the daemon, against other people's.
    let mut bfd = cargo(&["test", "--package", "bfd", "--test", "live", "--"]);
    if let Some(filter) = filter {
        bfd.arg(filter);
    }
    bfd.arg("--test-threads=1").env("KEEPALIVED_LIVE", "1");
    report.tests("live BFD tests", &mut bfd);
}

/// The command that runs live tests; what is to be told to the test programs comes behind it.
fn tests() -> Command {
    cargo(&[
        "test",
        "--package",
        "keepalived-lab",
        // The others, `guest_*`, are for the virtual machine.
        "--lib",
        "--test",
        "live_*",
        "--no-fail-fast",
        "--",
    ])
}

/// Tests that failed run once more, each with the machine for itself. They hold daemons to times of
/// milliseconds, ours and others', and the machine may have been busy with the other lanes; what is
/// broken is broken alone as well.
fn again(report: &mut Report, failed: &[String]) {
    if failed.len() > MOST_AGAIN {
        return;
    }
    let passes = |name: &&String| {
        let mut command = tests();
        command
            .args(["--include-ignored", "--exact", name])
            .env("KEEPALIVED_LIVE", "1");
        let passed = run_alone(name, &mut command);
        println!(
            "xtask: {name} alone: {}",
            if passed { "ok" } else { "FAILED" }
        );
        passed
    };
    let passed: Vec<_> = failed.iter().filter(passes).cloned().collect();
    if !passed.is_empty() {
        report.forgive(&passed);
    }
}

/// Why live tests cannot run here, after trying to install what is missing.
fn obstacle() -> Option<String> {
    if !is_root() {
        return Some("not root (try `sudo -E cargo xtask live`)".to_owned());
    }
    if !missing().is_empty() {
        install(&missing());
    }
    if !missing().is_empty() {
        return Some(format!("not installed: {}", missing().join(", ")));
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

fn missing() -> Vec<&'static str> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let installed = |name: &str| {
        path.split(':')
            .any(|dir| Path::new(dir).join(name).is_file())
    };
    let mut packages: Vec<_> = PEERS
        .iter()
        .filter(|(name, _)| !installed(name))
        .map(|&(_, package)| package)
        .collect();
    packages.dedup();
    packages
}

/// Installs Debian packages, as well as it can.
pub(crate) fn install(packages: &[&str]) {
    println!("\nxtask: installing {}", packages.join(" "));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("timeout");
        command.args(["300", "apt-get", "-q", "-y"]).args(arguments);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command.status().is_ok_and(|status| status.success())
    };
    let install: Vec<_> = ["install", "--no-install-recommends"]
        .iter()
        .chain(packages)
        .copied()
        .collect();
    // The lists of a new machine are empty or old; fetch them only if that turns out to be so.
    if !apt(&install) && apt(&["update"]) {
        apt(&install);
    }
}
