//! Other people's BFD: BIRD and FRR, on a host of a LAN.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::netns::run;
use crate::{Host, Scratch, wait_until};

const PATIENCE: Duration = Duration::from_secs(10);

/// Whether a program is installed; says so if it is not.
#[must_use]
pub fn installed(program: &str) -> bool {
    let found = Path::new(program).is_file()
        || ["/usr/sbin", "/usr/bin"]
            .iter()
            .any(|directory| Path::new(directory).join(program).is_file());
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

#[derive(Debug)]
struct Process(Child);

impl Process {
    fn start(mut command: Command) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("the peer starts"))
    }

    /// `ip netns exec` and `setpriv` become the program itself.
    fn kill(&mut self) {
        if let Some(pid) = Pid::from_raw(self.0.id().cast_signed())
            && matches!(self.0.try_wait(), Ok(None))
        {
            let _just_ended = kill_process(pid, Signal::KILL);
        }
        let _status = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// BIRD 2.
#[derive(Debug)]
pub struct Bird {
    process: Process,
    scratch: Scratch,
}

impl Bird {
    /// With this inside of `protocol bfd`.
    #[must_use]
    pub fn start(host: &Host, protocol: &str) -> Self {
        let scratch = Scratch::new("bird");
        configure(&scratch, protocol);
        let mut command = host.netns.command("bird");
        command.arg("-f").arg("-c").arg(scratch.file("bird.conf"));
        command.arg("-s").arg(scratch.file("bird.ctl"));
        command.arg("-P").arg(scratch.file("bird.pid"));
        let process = Process::start(command);
        wait_until("BIRD listens", PATIENCE, || {
            scratch.file("bird.ctl").exists()
        });
        Self { process, scratch }
    }

    /// Takes another configuration while it runs.
    pub fn reconfigure(&self, protocol: &str) {
        configure(&self.scratch, protocol);
        let _answer = self.ask("configure");
    }

    /// A command of `birdc`.
    #[must_use]
    pub fn ask(&self, question: &str) -> String {
        let mut command = Command::new("birdc");
        command.arg("-s").arg(self.scratch.file("bird.ctl"));
        run(command.args(question.split_whitespace()))
    }

    /// Ends it without a word.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

fn configure(scratch: &Scratch, protocol: &str) {
    let text = format!(
        "router id 192.0.2.2;\nlog \"{}\" all;\nprotocol device {{}}\n\
         protocol bfd {{ {protocol} }}\n",
        scratch.file("bird.log").display()
    );
    std::fs::write(scratch.file("bird.conf"), text).expect("scratch is writable");
}

/// FRR's bfdd, and the zebra it needs.
#[derive(Debug)]
pub struct Frr {
    _zebra: Process,
    bfdd: Process,
    scratch: Scratch,
    netns: String,
}

impl Frr {
    /// With this inside of `bfd`.
    #[must_use]
    pub fn start(host: &Host, configuration: &str) -> Self {
        let scratch = Scratch::new("frr");
        let write = |name: &str, text: &str| {
            std::fs::write(scratch.file(name), text).expect("scratch is writable");
        };
        write("zebra.conf", "hostname peer\n");
        write("bfdd.conf", &format!("bfd\n{configuration}\n"));
        run(Command::new("chown")
            .args(["-R", "frr:frr"])
            .arg(scratch.path()));
        let zebra = Process::start(frr(host, &scratch, "zebra"));
        wait(&scratch.file("zserv.api"));
        let bfdd = Process::start(frr(host, &scratch, "bfdd"));
        wait(&scratch.file("bfdd.vty"));
        let netns = host.netns.name().to_owned();
        Self {
            _zebra: zebra,
            bfdd,
            scratch,
            netns,
        }
    }

    /// Starts bfdd again after [`kill`](Self::kill).
    pub fn restart(&mut self, host: &Host) {
        let _gone = std::fs::remove_file(self.scratch.file("bfdd.vty"));
        self.bfdd = Process::start(frr(host, &self.scratch, "bfdd"));
        wait(&self.scratch.file("bfdd.vty"));
    }

    /// Ends bfdd without a word.
    pub fn kill(&mut self) {
        self.bfdd.kill();
    }

    /// Commands of `vtysh`, one after the other.
    #[must_use]
    pub fn ask(&self, commands: &[&str]) -> String {
        let mut vtysh = Command::new("ip");
        vtysh.args(["netns", "exec", &self.netns, "vtysh", "--vty_socket"]);
        vtysh.arg(self.scratch.path());
        for command in commands {
            vtysh.args(["-c", command]);
        }
        run(&mut vtysh)
    }

    /// The peers, as JSON.
    #[must_use]
    pub fn peers(&self) -> serde_json::Value {
        serde_json::from_str(&self.ask(&["show bfd peers json"])).unwrap_or_default()
    }

    /// Changes a peer.
    pub fn change(&self, peer: &str, line: &str) {
        let _nothing = self.ask(&["configure terminal", "bfd", peer, line]);
    }
}

fn frr(host: &Host, scratch: &Scratch, daemon: &str) -> Command {
    let path = |name: &str| -> PathBuf { scratch.file(name) };
    let mut command = host.netns.command(&format!("/usr/lib/frr/{daemon}"));
    command.args(["-u", "frr", "-g", "frr"]);
    command.arg("-z").arg(path("zserv.api"));
    command.arg("--vty_socket").arg(scratch.path());
    command.arg("-i").arg(path(&format!("{daemon}.pid")));
    command.arg("-f").arg(path(&format!("{daemon}.conf")));
    if daemon == "bfdd" {
        command.arg("--bfdctl").arg(path("bfdd.sock"));
    }
    command
}

fn wait(file: &Path) {
    wait_until("the peer listens", PATIENCE, || file.exists());
    // It answers in a moment.
    std::thread::sleep(Duration::from_millis(100));
}
