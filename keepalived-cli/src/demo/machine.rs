//! A router of the demo: a network namespace, a cable, and the real daemon.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::Duration;

use keepalived_driver::clock::Clock;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::narrator::Narrator;
use super::plan::{INTERFACE, PREFIX, RouterPlan};
use super::rtnl::Rtnl;
use super::space::Space;
use crate::daemonize::own_program;
use crate::status;

/// How often something is looked at that is waited for.
const LOOK: Duration = Duration::from_millis(5);
/// A daemon that was asked to stop gets this long.
const STOP_PATIENCE: Duration = Duration::from_secs(3);

pub(super) struct Machine {
    pub(super) plan: RouterPlan,
    port: &'static str,
    space: Space,
    configuration: PathBuf,
    pid_file: PathBuf,
    daemon: Option<Child>,
    narrator: Narrator,
}

impl Machine {
    /// A machine that is off.
    pub(super) fn new(
        plan: RouterPlan,
        port: &'static str,
        folder: &Path,
        narrator: Narrator,
    ) -> io::Result<Self> {
        let configuration = folder.join(format!("{port}.conf"));
        fs::write(&configuration, plan.configuration())?;
        Ok(Self {
            plan,
            port,
            space: Space::new(plan.name)?,
            configuration,
            pid_file: folder.join(format!("{port}.pid")),
            daemon: None,
            narrator,
        })
    }

    /// Plug it into the switch, switch its interface on, start the daemon.
    pub(super) fn power_on(&mut self, switch: &Rtnl, bridge: &str) -> io::Result<()> {
        switch.add_cable(bridge, self.port, self.space.namespace(), INTERFACE)?;
        let address = self.plan.address;
        let mut command = Command::new(own_program()?);
        command
            .args([
                "--dont-fork",
                "--log-console",
                "--no-syslog",
                "--die-with-parent",
            ])
            .arg("--use-file")
            .arg(&self.configuration)
            .arg("--pid")
            .arg(&self.pid_file)
            .arg("--vrrp_pid")
            .arg(self.pid_file.with_extension("vrrp.pid"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut daemon = self.space.run(move || {
            let rtnl = Rtnl::open()?;
            rtnl.set_up("lo")?;
            rtnl.set_up(INTERFACE)?;
            rtnl.add_address(INTERFACE, address, PREFIX)?;
            command.spawn()
        })?;
        if let Some(log) = daemon.stderr.take() {
            let (narrator, name) = (self.narrator, self.plan.name);
            thread::Builder::new()
                .name("log-reader".into())
                .spawn(move || repeat_log(log, name, narrator))?;
        }
        self.daemon = Some(daemon);
        Ok(())
    }

    /// The machine dies: the daemon without a last word, the interface with everything on it.
    pub(super) fn power_off(&mut self, switch: &Rtnl) -> io::Result<()> {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill()?;
            switch.delete(self.port)?;
            daemon.wait()?;
        }
        Ok(())
    }

    /// Ask the daemon to stop; it releases the address first.
    pub(super) fn ask_to_stop(&self) -> io::Result<()> {
        match &self.daemon {
            Some(daemon) => Ok(kill_process(Pid::from_child(daemon), Signal::TERM)?),
            None => Ok(()),
        }
    }

    /// Wait for its end, and force it if it does not come.
    pub(super) fn wait_for_end(&mut self) {
        let Some(mut daemon) = self.daemon.take() else {
            return;
        };
        let ended = wait_until(STOP_PATIENCE, || {
            daemon
                .try_wait()
                .is_ok_and(|status| status.is_some())
                .then_some(())
        });
        if ended.is_none() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }

    /// What its daemon says over the control socket.
    fn document(&self) -> Option<Value> {
        let answer = status::ask(&self.pid_file.with_extension("sock"), "status").ok()?;
        serde_json::from_str(&answer).ok()
    }

    /// Its only instance.
    fn status(&self) -> Option<Value> {
        Some(self.document()?["instances"][0].take())
    }

    /// The hardware address of its interface.
    pub(super) fn mac(&self) -> Option<String> {
        let document = self.document()?;
        let link = document["links"]
            .as_array()?
            .iter()
            .find(|link| link["name"] == INTERFACE)?;
        Some(link["mac"].as_str()?.to_owned())
    }

    pub(super) fn is_master(&self) -> bool {
        self.status()
            .is_some_and(|status| status["state"] == "MASTER" && status["addresses_set"] == true)
    }

    /// One line about what it is doing.
    pub(super) fn describe(&self) -> String {
        let name = self.plan.name;
        let Some(status) = self.status() else {
            return format!("{name}   off");
        };
        let state = status["state"].as_str().unwrap_or("?");
        let detail = if status["addresses_set"] == true {
            let address = status["addresses"][0]["address"].as_str().unwrap_or("?");
            format!("holds {address}")
        } else if let Some(active) = status["active_router"]["address"].as_str() {
            format!(
                "hears {active} with priority {}",
                status["active_router"]["priority"]
            )
        } else {
            "does not hold the address".to_owned()
        };
        format!("{name}   {state:<8} {detail}")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.ask_to_stop();
        self.wait_for_end();
    }
}

/// Poll until there is an answer or the patience is over.
pub(super) fn wait_until<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let clock = Clock;
    let end = clock.now().checked_add(patience)?;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if clock.now() >= end {
            return None;
        }
        thread::sleep(LOOK);
    }
}

/// The lines of a daemon's log that belong to the story.
fn repeat_log(log: ChildStderr, name: &str, narrator: Narrator) {
    for line in BufReader::new(log).lines().map_while(Result::ok) {
        // Behind `Fri Nov 20 16:48:56 2026: `.
        let text = line.get(26..).unwrap_or(&line);
        let state = text.contains("Entering") && text.contains("STATE");
        let other = text.contains("higher priority") || text.contains("priority 0");
        if state || other {
            narrator.say(&format!("   {name} logs: {text}"));
        }
    }
}
