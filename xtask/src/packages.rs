//! Debian packages: which of them are missing, and their installation.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;

/// Asked by Debian's packages before they start a service.
const POLICY: &str = "/usr/sbin/policy-rc.d";
/// By which a file there is known to be ours.
const OURS: &str = "#!/bin/sh\n# cargo xtask: programs are wanted, and no services\nexit 101\n";

/// The packages of those programs that are not there.
pub(crate) fn missing(programs: &[(&'static str, &'static str)]) -> Vec<&'static str> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let installed = |name: &str| {
        path.split(':')
            .any(|dir| Path::new(dir).join(name).is_file())
    };
    let mut packages: Vec<_> = programs
        .iter()
        .filter(|(name, _)| !installed(name))
        .map(|&(_, package)| package)
        .collect();
    packages.dedup();
    packages
}

/// Installs Debian packages, as well as it can, but never in the place of others.
pub(crate) fn install(packages: &[&str]) {
    println!("\nxtask: installing {}", packages.join(" "));
    let _quiet = NoServices::new();
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("timeout");
        command.args(["300", "apt-get", "-q", "-y"]).args(arguments);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command.status().is_ok_and(|status| status.success())
    };
    let install: Vec<_> = ["install", "--no-install-recommends", "--no-remove"]
        .iter()
        .chain(packages)
        .copied()
        .collect();
    // The lists of a new machine are empty or old; fetch them only if that turns out to be so.
    if !apt(&install) && apt(&["update"]) {
        apt(&install);
    }
}

/// While it lives, packages that are installed start nothing: a name server and a mail server that nobody has set up
/// are not what somebody wants who runs tests. A machine with a policy of its own keeps that.
struct NoServices;

impl NoServices {
    fn new() -> Self {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o755);
        let made = options.open(POLICY);
        match made.and_then(|mut file| file.write_all(OURS.as_bytes())) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                println!("xtask: {POLICY}: {error}");
            }
            _ => {}
        }
        Self
    }
}

impl Drop for NoServices {
    /// Also what a run that was killed has left.
    fn drop(&mut self) {
        if fs::read_to_string(POLICY).is_ok_and(|text| text == OURS) {
            let _ = fs::remove_file(POLICY);
        }
    }
}
