//! Network namespaces: made here, used by name, removed on drop.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Every name starts like this, then the process id of the test.
const PREFIX: &str = "kalab";
static NEXT: AtomicU32 = AtomicU32::new(0);
static SWEEP: Once = Once::new();

/// One network namespace. Dropping it (also while a test panics) removes it.
#[derive(Debug)]
pub struct Netns {
    name: String,
}

impl Netns {
    /// Makes a namespace with a unique name ending in `label`, loopback up, quiet IPv6 defaults.
    ///
    /// # Panics
    /// When `ip netns add` fails.
    #[must_use]
    pub fn new(label: &str) -> Self {
        SWEEP.call_once(remove_leftovers);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}-{label}", std::process::id());
        run(Command::new("ip").args(["netns", "add", &name]));
        let this = Self { name };
        // Addresses must be usable at once: detection of duplicates is not what is tested.
        this.shell(
            "cd /proc/sys/net; \
             for d in all default; do echo 0 > ipv6/conf/$d/accept_dad; \
             echo 0 > ipv6/conf/$d/accept_ra; echo 0 > ipv6/conf/$d/router_solicitations; \
             echo 0 > ipv4/conf/$d/rp_filter; done",
        );
        this.ip(&["link set lo up"]);
        this
    }

    /// The name that `ip netns` knows.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `ip` commands here, in one batch.
    ///
    /// # Panics
    /// When one fails.
    pub fn ip(&self, commands: &[&str]) {
        use std::io::Write;
        let mut child = Command::new("ip")
            .args(["-n", &self.name, "-batch", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("ip starts");
        let mut input = child.stdin.take().expect("stdin is piped");
        for command in commands {
            writeln!(input, "{command}").expect("ip reads its batch");
        }
        drop(input);
        let output = child.wait_with_output().expect("ip ends");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "ip in {}: {commands:?}: {errors}",
            self.name
        );
    }

    /// What an `ip -json` command answers here.
    ///
    /// # Panics
    /// When it fails or does not answer JSON.
    #[must_use]
    pub fn ip_json(&self, arguments: &[&str]) -> serde_json::Value {
        let text = run(Command::new("ip")
            .args(["-n", &self.name, "-json"])
            .args(arguments));
        if text.trim().is_empty() {
            return serde_json::Value::Array(Vec::new());
        }
        serde_json::from_str(&text).expect("ip -json answers JSON")
    }

    /// Runs a shell line here.
    ///
    /// # Panics
    /// When it fails.
    pub fn shell(&self, line: &str) -> String {
        run(self.command("sh").args(["-c", line]))
    }

    /// A command that will run here; its process id is that of `program`, and it does not
    /// outlive the thread that starts it.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args([
            "netns",
            "exec",
            &self.name,
            "setpriv",
            "--pdeathsig",
            "KILL",
            "--",
        ]);
        command.arg(program).stdin(Stdio::null());
        command
    }

    /// Runs `work` on a new thread whose network namespace is this one.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> thread::JoinHandle<T> {
        let path = PathBuf::from("/run/netns").join(&self.name);
        thread::spawn(move || {
            let namespace = File::open(path).expect("the namespace exists");
            move_into_link_name_space(
                std::os::fd::AsFd::as_fd(&namespace),
                Some(LinkNameSpaceType::Network),
            )
            .expect("root may enter a network namespace");
            work()
        })
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// Runs a command to its end and gives its standard output.
///
/// # Panics
/// When it cannot start or fails.
pub fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}: {errors}",
        output.status
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn remove(name: &str) {
    let mut command = Command::new("ip");
    command.args(["netns", "del", name]).stdin(Stdio::null());
    let _gone_already = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
}

/// A test process that was killed could not drop anything: clean up after those that are gone.
fn remove_leftovers() {
    let Ok(entries) = std::fs::read_dir("/run/netns") else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(rest) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let Some(pid) = rest.split('-').next() else {
            continue;
        };
        if pid.parse::<u32>().is_ok() && !PathBuf::from("/proc").join(pid).exists() {
            remove(&name);
        }
    }
}
