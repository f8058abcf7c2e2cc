//! A balancer and the servers it checks: two hosts, and a daemon of ours on the first.

use std::process::Command;
use std::time::Duration;

use crate::backends::Backends;
use crate::netns::run;
use crate::pipe::PipeReader;
use crate::{Daemon, Kind, Lan, Scratch};

/// Host `a` balances, host `b` serves, at 10.9.0.2 and 10.9.0.102.
#[derive(Debug)]
pub struct Balancer {
    /// The two.
    pub lan: Lan,
    /// What runs on `b`.
    pub backends: Backends,
    daemon: Option<Daemon>,
}

impl Balancer {
    /// Two hosts with the servers; no daemon yet.
    ///
    /// # Panics
    /// When they cannot be made.
    #[must_use]
    pub fn new() -> Self {
        crate::require_live();
        let lan = Lan::new(&["a", "b"]);
        let b = lan.host("b");
        b.netns.ip(&["addr add 10.9.0.102/24 dev eth0"]);
        let backends = Backends::start(b);
        Self {
            lan,
            backends,
            daemon: None,
        }
    }

    /// Starts a daemon with these lines in `global_defs` and these blocks, in place of an earlier one.
    /// The pipe of `lvs_notify_fifo`, with everything in it from the first line on.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(&mut self, scratch: Scratch, global: &str, blocks: &str) -> PipeReader {
        self.daemon = None;
        let conf = conf(global, blocks);
        // Open before the daemon writes.
        run(Command::new("mkfifo").arg(scratch.file("fifo")));
        let mut pipe = PipeReader::new(&scratch.file("fifo"));
        let _ = pipe.lines();
        let daemon = Daemon::start_in(Kind::Ours, self.lan.host("a"), scratch, &conf, &[]);
        daemon.wait_log("Startup complete", 1, Duration::from_secs(20));
        self.daemon = Some(daemon);
        pipe
    }

    /// The daemon reads this, in place of what it was started with.
    ///
    /// # Panics
    /// Before it was started.
    pub fn reload(&self, global: &str, blocks: &str) {
        self.daemon().reload_with(&conf(global, blocks));
    }

    /// The daemon.
    ///
    /// # Panics
    /// Before it was started.
    #[must_use]
    pub fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("it was started")
    }

    /// The daemon, to be stopped.
    ///
    /// # Panics
    /// Before it was started.
    pub fn daemon_mut(&mut self) -> &mut Daemon {
        self.daemon.as_mut().expect("it was started")
    }
}

fn conf(global: &str, blocks: &str) -> String {
    format!(
        "global_defs {{\n router_id lab\n script_user root\n lvs_notify_fifo DIR/fifo\n{global}\n}}\n{blocks}"
    )
}

impl Default for Balancer {
    fn default() -> Self {
        Self::new()
    }
}
