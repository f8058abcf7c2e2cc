//! Tests that need a kernel with IPVS: they run in a virtual machine that has one.

use std::path::PathBuf;
use std::process::Command;

use crate::live::{Missing, is_root};
use crate::packages::install;
use crate::run::{Beside, Report, cargo, output};
use crate::vm::{ALL_WELL, Machine, Program, Scratch, find};

/// Programs that are needed here or there, and the Debian package of each.
const TOOLS: &[(&str, &str)] = &[
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("busybox", "busybox-static"),
    ("ipvsadm", "ipvsadm"),
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("tcpdump", "tcpdump"),
    ("setpriv", "util-linux"),
    ("keepalived", "keepalived"),
    ("openssl", "openssl"),
];

/// How many of them stay here.
const HERE: usize = 2;

/// Test programs that run in the guest: package, features, name.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("keepalived-ipvs", "client", "kernel"),
    ("keepalived-driver", "", "balance_kernel"),
    ("keepalived-lab", "", "guest_checks"),
    ("keepalived-lab", "", "guest_table"),
    ("keepalived-lab", "", "guest_life"),
    ("keepalived-lab", "", "guest_clock"),
    ("keepalived-lab", "", "guest_traffic"),
    ("keepalived-lab", "", "guest_links"),
    ("keepalived-lab", "", "guest_groups"),
    ("keepalived-lab", "", "guest_scale"),
    ("keepalived-lab", "", "guest_random"),
];

/// A machine that runs.
pub(crate) struct Guest {
    beside: Beside,
    /// Has to live as long as the machine.
    _scratch: Scratch,
}

/// Boots the machine and runs the tests whose name contains `filter`, or those of the program of that name.
pub(crate) fn run(report: &mut Report, filter: Option<&str>, missing: Missing) {
    let guest = start(report, filter, missing);
    finish(report, guest);
}

/// The same, and does not wait: the machine takes what others leave of a processor, and its time is counted in
/// instructions, so that it does not matter how long it takes. Nothing where it cannot run, which is told.
pub(crate) fn start(report: &mut Report, filter: Option<&str>, missing: Missing) -> Option<Guest> {
    let machine = match obstacle() {
        None => Machine::prepare(),
        Some(why) => Err(why),
    };
    let machine = match machine {
        Ok(machine) => machine,
        Err(why) if missing == Missing::Skips => {
            println!("\nxtask: tests with an IPVS kernel are SKIPPED: {why}");
            report.skip("ipvs", &format!("skipped: {why}"));
            return None;
        }
        Err(why) => {
            report.fail("ipvs", &why);
            return None;
        }
    };
    let booted = boot(&machine, filter);
    booted.map_err(|why| report.fail("ipvs", &why)).ok()
}

/// Waits for the machine, and counts its tests.
pub(crate) fn finish(report: &mut Report, guest: Option<Guest>) {
    if let Some(guest) = guest {
        report.end(guest.beside, ALL_WELL);
    }
}

fn boot(machine: &Machine, filter: Option<&str>) -> Result<Guest, String> {
    // The name of a program stands for all of its tests.
    let named = |filter: &str| PROGRAMS.iter().any(|(_, _, name)| *name == filter);
    let (only, filter) = match filter {
        Some(name) if named(name) => (Some(name), None),
        filter => (None, filter),
    };
    let mut programs = Vec::new();
    for (package, features, name) in PROGRAMS {
        if only.is_some_and(|only| only != *name) {
            continue;
        }
        let path = build(package, features, name);
        let path = path.ok_or_else(|| format!("{package}: {name} does not build"))?;
        let name = (*name).to_owned();
        programs.push(Program { path, name });
    }
    let there = TOOLS.iter().skip(HERE);
    let tool = |path, name: &str| Program {
        path,
        name: name.to_owned(),
    };
    let mut tools: Vec<_> = there
        .filter_map(|(name, _)| Some(tool(find(name)?, name)))
        .collect();
    // Under the name by which it is looked for there, whatever the one that is given is called.
    let daemon = daemon().ok_or("keepalived-cli does not build")?;
    tools.push(tool(daemon, "keepalived-rs"));
    let (mut command, scratch) = machine.command(&programs, &tools, filter)?;
    let printed = scratch.file("console");
    let beside = Report::begin("ipvs", &mut command, printed).map_err(|error| error.to_string())?;
    Ok(Guest {
        beside,
        _scratch: scratch,
    })
}

/// Why there can be no machine here, after trying to install what is missing.
fn obstacle() -> Option<String> {
    let lacking = || {
        let lacking = TOOLS.iter().filter(|(program, _)| find(program).is_none());
        lacking.map(|&(_, package)| package).collect::<Vec<_>>()
    };
    if !lacking().is_empty() && is_root() {
        install(&lacking());
    }
    let lacking = lacking();
    (!lacking.is_empty()).then(|| format!("not installed: {}", lacking.join(", ")))
}

/// The daemon: the one that is given, or that of the live tests.
fn daemon() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("KEEPALIVED_RS_BIN") {
        return Some(path.into());
    }
    let arguments = ["build", "--release", "--package", "keepalived-cli"];
    let mut command = cargo(&arguments);
    command.arg("--message-format=json");
    executable(command)
}

/// Builds a test program and finds where it was put.
fn build(package: &str, features: &str, name: &str) -> Option<PathBuf> {
    let arguments = ["test", "--no-run", "--package", package, "--test", name];
    let mut command: Command = cargo(&arguments);
    command.args(["--features", features, "--message-format=json"]);
    executable(command)
}

/// Where a build put the last program that it made.
fn executable(build: Command) -> Option<PathBuf> {
    let messages = output(build)?;
    let mark = "\"executable\":\"";
    let start = messages.rfind(mark)?.checked_add(mark.len())?;
    let path = messages.get(start..)?.split('"').next()?;
    Some(PathBuf::from(path))
}
