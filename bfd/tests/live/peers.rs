//! Other people's BFD.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::agent::now;
use crate::net::{Net, Process, exists, run};

/// Says why a test does not run, if a program is missing.
pub(crate) fn has(programs: &[&str]) -> bool {
    let missing: Vec<_> = programs.iter().filter(|program| !exists(program)).collect();
    if missing.is_empty() {
        return true;
    }
    eprintln!("skipped: no {missing:?} here; packages: frr, bird2, keepalived");
    false
}

/// BIRD 2.
pub(crate) struct Bird {
    process: Process,
    directory: PathBuf,
}

impl Bird {
    /// With this inside of `protocol bfd`.
    pub(crate) fn start(net: &Net, protocol: &str) -> Self {
        let directory = net.directory.clone();
        Self::configure(&directory, protocol);
        let mut command = net.command('b', "bird");
        let path = |name: &str| directory.join(name);
        command.arg("-f").arg("-c").arg(path("bird.conf"));
        command
            .arg("-s")
            .arg(path("bird.ctl"))
            .arg("-P")
            .arg(path("bird.pid"));
        let process = Process::start(command);
        wait_for(&path("bird.ctl"));
        Self { process, directory }
    }

    fn configure(directory: &std::path::Path, protocol: &str) {
        let log = directory.join("bird.log");
        let text = format!(
            "router id 192.0.2.2;\nlog \"{}\" all;\nprotocol device {{}}\n\
             protocol bfd {{ {protocol} }}\n",
            log.display()
        );
        std::fs::write(directory.join("bird.conf"), text).unwrap();
    }

    /// Takes another configuration while it runs.
    pub(crate) fn reconfigure(&self, protocol: &str) {
        Self::configure(&self.directory, protocol);
        self.ask("configure");
    }

    pub(crate) fn ask(&self, question: &str) -> String {
        let control = self.directory.join("bird.ctl");
        run(&format!("birdc -s {} {question}", control.display()))
    }

    pub(crate) fn kill(&mut self) {
        // The child of `ip netns exec` is bird itself.
        self.process.kill();
    }
}

/// FRR's bfdd, and the zebra it needs.
pub(crate) struct Frr {
    _zebra: Process,
    bfdd: Process,
    directory: PathBuf,
}

impl Frr {
    /// With this inside of `bfd`.
    pub(crate) fn start(net: &Net, configuration: &str) -> Self {
        let directory = net.directory.clone();
        let path = |name: &str| directory.join(name);
        std::fs::write(path("zebra.conf"), "hostname b\n").unwrap();
        std::fs::write(path("bfdd.conf"), format!("bfd\n{configuration}\n")).unwrap();
        run(&format!("chown -R frr:frr {}", directory.display()));
        let zebra = Process::start(Self::command(net, "zebra"));
        wait_for(&path("zserv.api"));
        let bfdd = Process::start(Self::command(net, "bfdd"));
        wait_for(&path("bfdd.vty"));
        Self {
            _zebra: zebra,
            bfdd,
            directory,
        }
    }

    fn command(net: &Net, daemon: &str) -> Command {
        let path = |name: String| net.directory.join(name);
        let mut command = net.command('b', &format!("/usr/lib/frr/{daemon}"));
        command.args(["-u", "frr", "-g", "frr"]);
        command.arg("-z").arg(path("zserv.api".into()));
        command.arg("--vty_socket").arg(&net.directory);
        command.arg("-i").arg(path(format!("{daemon}.pid")));
        command.arg("-f").arg(path(format!("{daemon}.conf")));
        if daemon == "bfdd" {
            command.arg("--bfdctl").arg(path("bfdd.sock".into()));
        }
        command
    }

    /// Starts bfdd again after [`kill`](Self::kill).
    pub(crate) fn restart(&mut self, net: &Net) {
        let _ = std::fs::remove_file(self.directory.join("bfdd.vty"));
        self.bfdd = Process::start(Self::command(net, "bfdd"));
        wait_for(&self.directory.join("bfdd.vty"));
    }

    pub(crate) fn kill(&mut self) {
        self.bfdd.kill();
    }

    /// Commands of vtysh, one after the other.
    pub(crate) fn ask(&self, commands: &[&str]) -> String {
        let mut vtysh = Command::new("vtysh");
        vtysh.arg("--vty_socket").arg(&self.directory);
        for command in commands {
            vtysh.args(["-c", command]);
        }
        let output = vtysh.output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The one peer, as JSON.
    pub(crate) fn peer(&self) -> serde_json::Value {
        let text = self.ask(&["show bfd peers json"]);
        let all: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        all.get(0).cloned().unwrap_or_default()
    }

    /// Changes the one peer.
    pub(crate) fn change(&self, peer: &str, line: &str) {
        self.ask(&["configure terminal", "bfd", peer, line]);
    }
}

/// Keepalived in C.
pub(crate) struct Keepalived(Process);

impl Keepalived {
    pub(crate) fn start(net: &Net, configuration: &str) -> Self {
        let path = |name: &str| net.directory.join(name);
        let text = format!("global_defs {{\n router_id b\n}}\n{configuration}\n");
        std::fs::write(path("keepalived.conf"), text).unwrap();
        // Its children have to end with it.
        let mut command = net.command('b', "unshare");
        command.args(["--fork", "--pid", "--kill-child", "keepalived"]);
        command
            .args(["-n", "-l", "-f"])
            .arg(path("keepalived.conf"));
        let files = [("-p", "main.pid"), ("-r", "vrrp.pid"), ("-b", "bfd.pid")];
        for (flag, file) in files {
            // In a process namespace of its own, a killed one looks alive for ever.
            let _ = std::fs::remove_file(path(file));
            command.arg(flag).arg(path(file));
        }
        Self(Process::start(command))
    }

    pub(crate) fn kill(&mut self) {
        self.0.kill();
    }
}

fn wait_for(file: &std::path::Path) {
    let deadline = now() + Duration::from_secs(10);
    while !file.exists() {
        assert!(now() < deadline, "no {}", file.display());
        std::thread::sleep(Duration::from_millis(10));
    }
    // It listens in a moment.
    std::thread::sleep(Duration::from_millis(100));
}
