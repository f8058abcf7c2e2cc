//! Tests that need a kernel with IPVS: they run in a virtual machine that has one.

use std::path::PathBuf;
use std::process::Command;

use crate::live::{Missing, install, is_root};
use crate::run::{Report, cargo, output};
use crate::vm::{ALL_WELL, Machine, Program, find};

/// Programs that are needed here, and the Debian package of each.
const TOOLS: &[(&str, &str)] = &[
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("busybox", "busybox-static"),
    ("ipvsadm", "ipvsadm"),
];

/// Test programs that run in the guest: package, features, name.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("keepalived-ipvs", "client", "kernel"),
    ("keepalived-driver", "", "balance_kernel"),
];

/// Boots the machine and runs the tests whose name contains `filter`.
pub(crate) fn run(report: &mut Report, filter: Option<&str>, missing: Missing) {
    let machine = match obstacle() {
        None => Machine::prepare(),
        Some(why) => Err(why),
    };
    let machine = match machine {
        Ok(machine) => machine,
        Err(why) if missing == Missing::Skips => {
            println!("\nxtask: tests with an IPVS kernel are SKIPPED: {why}");
            return report.skip("ipvs", &format!("skipped: {why}"));
        }
        Err(why) => return report.fail("ipvs", &why),
    };
    let mut programs = Vec::new();
    for (package, features, name) in PROGRAMS {
        let Some(path) = build(package, features, name) else {
            return report.fail("ipvs", &format!("{package}: {name} does not build"));
        };
        let name = (*name).to_owned();
        programs.push(Program { path, name });
    }
    let tools: Vec<_> = ["ipvsadm"].into_iter().filter_map(find).collect();
    match machine.command(&programs, &tools, filter) {
        // The scratch folder has to live as long as the machine.
        Ok((mut command, _scratch)) => report.tests_that_say("ipvs", &mut command, ALL_WELL),
        Err(why) => report.fail("ipvs", &why),
    }
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

/// Builds a test program and finds where it was put.
fn build(package: &str, features: &str, name: &str) -> Option<PathBuf> {
    let arguments = ["test", "--no-run", "--package", package, "--test", name];
    let mut command: Command = cargo(&arguments);
    command.args(["--features", features, "--message-format=json"]);
    let messages = output(command)?;
    let mark = "\"executable\":\"";
    let start = messages.rfind(mark)?.checked_add(mark.len())?;
    let path = messages.get(start..)?.split('"').next()?;
    Some(PathBuf::from(path))
}
