//! A daemon under test, ours or C Keepalived: the same flags, the same file, the same signals.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::clock::{self, Stamp};
use crate::{Conf, Host, Scratch, wait_for, wait_until};

/// Whose program runs.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Debian's keepalived (`KEEPALIVED_C_BIN`, default `/usr/sbin/keepalived`).
    CKeepalived,
    /// keepalived-rs (`KEEPALIVED_RS_BIN`, default: built in release mode on demand).
    Ours,
}

/// A running daemon. Dropping it kills all its processes.
#[derive(Debug)]
pub struct Daemon {
    kind: Kind,
    child: Child,
    scratch: Scratch,
    flags: Vec<String>,
    netns: String,
}

impl Daemon {
    /// Starts a daemon on `host` with this configuration.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(kind: Kind, host: &Host, conf: &Conf) -> Self {
        Self::start_with(kind, host, &conf.text())
    }

    /// Starts a daemon on `host` with this text as its configuration file.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start_with(kind: Kind, host: &Host, conf: &str) -> Self {
        Self::start_in(kind, host, Scratch::new(&host.name), conf, &[])
    }

    /// The same in a directory that has been prepared, which `DIR` in the configuration and the
    /// flags stands for, with more flags. Dumps go to that directory too.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start_in(kind: Kind, host: &Host, scratch: Scratch, conf: &str, flags: &[&str]) -> Self {
        let directory = scratch.path().to_str().expect("a path in UTF-8");
        let conf = conf.replace("DIR", directory);
        let flags: Vec<String> = flags
            .iter()
            .map(|flag| flag.replace("DIR", directory))
            .collect();
        fs::write(scratch.file("keepalived.conf"), conf).expect("scratch is writable");
        let child = spawn(kind, host, &scratch, &flags);
        Self {
            flags,
            kind,
            child,
            scratch,
            netns: host.netns.name().to_owned(),
        }
    }

    /// Starts it again, after its end, with the file it had and the log continued.
    ///
    /// # Panics
    /// When it still runs or cannot be started.
    pub fn start_again(&mut self, host: &Host) {
        assert!(self.processes().is_empty(), "start_again: it still runs");
        self.child = spawn(self.kind, host, &self.scratch, &self.flags);
    }

    /// As [`Self::start_again`], with another configuration: the same daemon to itself and to its
    /// host, because its pid files are where they were.
    ///
    /// # Panics
    /// When it still runs or cannot be started.
    pub fn start_again_with(&mut self, host: &Host, conf: &Conf) {
        self.start_again_with_text(host, &conf.text());
    }

    /// As [`Self::start_again_with`], with this text.
    ///
    /// # Panics
    /// When it still runs or cannot be started.
    pub fn start_again_with_text(&mut self, host: &Host, text: &str) {
        fs::write(self.scratch.file("keepalived.conf"), text).expect("scratch is writable");
        self.start_again(host);
    }

    /// Whose program it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The main process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its configuration, pid files and log are.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// Everything it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = fs::read(self.scratch.file("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// How often the log contains `text`, in whatever case: C Keepalived writes both "Entering FAULT
    /// STATE" and "entering FAULT state".
    #[must_use]
    pub fn logged(&self, text: &str) -> usize {
        self.log()
            .to_ascii_lowercase()
            .matches(&text.to_ascii_lowercase())
            .count()
    }

    /// Waits until the log contains `text`, in whatever case, at least `times` times.
    ///
    /// # Panics
    /// When it does not within `limit`; the message holds the log.
    #[track_caller]
    pub fn wait_log(&self, text: &str, times: usize, limit: Duration) {
        let start = clock::now();
        while self.logged(text) < times {
            let log = self.log();
            assert!(
                start.elapsed() < limit,
                "not {times} x {text:?} in the log:\n{log}"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The main process and all below it that still run.
    #[must_use]
    pub fn processes(&mut self) -> Vec<Pid> {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return Vec::new();
        }
        family(self.child.id())
    }

    /// Whether the main process runs.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGKILL for all its processes: the way a machine loses a daemon. Returns when.
    pub fn kill(&mut self) -> Stamp {
        // Stopped parents neither respawn a child nor tidy up after one.
        let main = pid(self.child.id());
        send(main, Signal::STOP);
        let processes = self.processes();
        let at = clock::stamp();
        for process in processes.iter().rev() {
            send(*process, Signal::KILL);
        }
        send(main, Signal::KILL);
        let _status = self.child.wait();
        for process in processes {
            // Gone means reaped: C Keepalived takes a zombie in its pid file for a running daemon.
            wait_until("a killed process is gone", Duration::from_secs(20), || {
                !exists(process)
            });
        }
        at
    }

    /// SIGSTOP for all its processes.
    pub fn freeze(&mut self) {
        self.processes()
            .into_iter()
            .for_each(|process| send(process, Signal::STOP));
    }

    /// SIGCONT for all its processes.
    pub fn thaw(&mut self) {
        self.processes()
            .into_iter()
            .for_each(|process| send(process, Signal::CONT));
    }

    /// A signal for the main process. Returns when it was sent.
    pub fn signal(&self, signal: Signal) -> Stamp {
        let at = clock::stamp();
        send(pid(self.child.id()), signal);
        at
    }

    /// SIGTERM. Returns when it was sent.
    pub fn terminate(&self) -> Stamp {
        self.signal(Signal::TERM)
    }

    /// Waits for the end of the main process.
    ///
    /// # Panics
    /// When it still runs after `limit`.
    #[track_caller]
    pub fn wait_exit(&mut self, limit: Duration) -> ExitStatus {
        wait_for("the daemon ends", limit, || {
            self.child.try_wait().ok().flatten()
        })
    }

    /// Replaces the configuration file and sends SIGHUP. Returns when.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn reload_with(&self, conf: &str) -> Stamp {
        let conf = conf.replace(
            "DIR",
            self.scratch.path().to_str().expect("a path in UTF-8"),
        );
        fs::write(self.scratch.file("keepalived.conf"), conf).expect("scratch is writable");
        self.signal(Signal::HUP)
    }

    /// The JSON dump that it writes when it is asked for one by signal.
    ///
    /// # Panics
    /// When there is none soon.
    #[must_use]
    pub fn dump_json(&self) -> serde_json::Value {
        let path = self.scratch.file("keepalived.json");
        let _ = fs::remove_file(&path);
        // A real-time signal, which the typed ones do not know.
        let status = Command::new("kill")
            .args(["-36", &self.pid().to_string()])
            .status();
        assert!(status.expect("kill runs").success());
        wait_for("a dump", Duration::from_secs(15), || {
            serde_json::from_str(&fs::read_to_string(&path).ok()?).ok()
        })
    }

    /// What `keepalived-rs status --json` answers for this daemon.
    ///
    /// # Panics
    /// When it fails or does not answer JSON.
    #[must_use]
    pub fn status(&self) -> serde_json::Value {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.netns])
            .arg(program(Kind::Ours));
        command
            .args(["status", "--json", "--socket"])
            .arg(self.scratch.file("main.sock"));
        let text = crate::netns::run(&mut command);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("status: {error}: {text}"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let from = log.lines().count().saturating_sub(40);
            eprintln!("--- {:?} in {}, end of its log:", self.kind, self.netns);
            log.lines()
                .skip(from)
                .for_each(|line| eprintln!("    {line}"));
        }
        if self.is_running() {
            self.kill();
        }
    }
}

fn spawn(kind: Kind, host: &Host, scratch: &Scratch, flags: &[String]) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(scratch.file("log"));
    let log = log.expect("scratch is writable");
    let mut command = host
        .netns
        .command(program(kind).to_str().expect("a path in UTF-8"));
    // -G with -l: without a syslog daemon libc would also write every line to the console.
    command
        .args(["-n", "-l", "-D", "-G", "-f"])
        .arg(scratch.file("keepalived.conf"));
    for (flag, name) in [
        ("-p", "main.pid"),
        ("-r", "vrrp.pid"),
        ("-c", "chk.pid"),
        ("-b", "bfd.pid"),
    ] {
        command.arg(flag).arg(scratch.file(name));
    }
    command.args(flags).env("TMPDIR", scratch.path());
    // Programs that a test has put there come first.
    let path = std::env::var("PATH").unwrap_or_default();
    let bin = scratch.file("bin");
    command.env("PATH", format!("{}:{path}", bin.display()));
    command
        .stdout(log.try_clone().expect("one more descriptor"))
        .stderr(log);
    command.spawn().expect("the daemon starts")
}

/// The executable of a kind.
///
/// # Panics
/// When ours has to be built and does not build.
#[must_use]
pub fn program(kind: Kind) -> PathBuf {
    static OURS: OnceLock<PathBuf> = OnceLock::new();
    match kind {
        Kind::CKeepalived => std::env::var_os("KEEPALIVED_C_BIN")
            .map_or_else(|| PathBuf::from("/usr/sbin/keepalived"), PathBuf::from),
        Kind::Ours => OURS.get_or_init(our_program).clone(),
    }
}

fn our_program() -> PathBuf {
    if let Some(path) = std::env::var_os("KEEPALIVED_RS_BIN") {
        return path.into();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    // What cargo tells of this package: build scripts look at it and would run again, and most of the
    // program would be compiled again.
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_str().unwrap_or_default();
        if name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_") {
            build.env_remove(&variable);
        }
    }
    let status = build
        .args(["build", "--release", "--package", "keepalived-cli"])
        .current_dir(&root)
        .status()
        .expect("cargo starts");
    assert!(status.success(), "keepalived-cli does not build");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |d| root.join(d));
    target.join("release/keepalived-rs")
}

/// A process and everything below it, parents first.
fn family(main: u32) -> Vec<Pid> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(child) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        if let Some(parent) = parent_of(child) {
            parents.push((child, parent));
        }
    }
    let mut members = vec![main];
    let mut next = 0;
    while let Some(&parent) = members.get(next) {
        members.extend(
            parents
                .iter()
                .filter(|(_, p)| *p == parent)
                .map(|&(child, _)| child),
        );
        next += 1;
    }
    members.into_iter().map(pid).collect()
}

/// The parent, from `/proc/PID/stat`.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may contain anything, so count from the last one.
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

fn exists(process: Pid) -> bool {
    parent_of(process.as_raw_nonzero().get().cast_unsigned()).is_some()
}

fn pid(raw: u32) -> Pid {
    Pid::from_raw(raw.cast_signed()).expect("a process id is not 0")
}

fn send(process: Pid, signal: Signal) {
    // The process may just have ended; that is what most senders wanted anyway.
    let _gone = kill_process(process, signal);
}
