//! Links that are polled: what the kernel is asked, seen from outside with `strace`.

use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

use lab::{Conf, Daemon, Host, Kind, Lan, clock, wait_until};

const PATIENCE: Duration = Duration::from_secs(20);

/// A daemon and the record of all that it sends.
struct Traced {
    daemon: Daemon,
    strace: Child,
}

impl Traced {
    fn start(host: &Host, conf: &str) -> Self {
        let daemon = Daemon::start_with(Kind::Ours, host, conf);
        daemon.wait_log("Startup complete", 1, PATIENCE);
        let mut strace = host.netns.command("strace");
        strace.args(["-f", "-qq", "-x", "-e", "trace=sendto,sendmsg"]);
        strace.arg("-o").arg(daemon.directory().join("strace"));
        strace.args(["-p", &daemon.pid().to_string()]);
        let strace = strace.stderr(Stdio::null()).spawn();
        Self {
            daemon,
            strace: strace.expect("strace starts"),
        }
    }

    /// How often it was asked for the link of this interface: the command of the family `ethtool`, and the
    /// name in a nested attribute.
    fn asked(&self, interface: &str) -> usize {
        let record = fs::read_to_string(self.daemon.directory().join("strace"));
        let record = record.unwrap_or_default();
        let requests = record.lines().filter(|line| is_about(line, interface));
        requests.count()
    }
}

fn is_about(line: &str, interface: &str) -> bool {
    let name: String = interface
        .bytes()
        .map(|byte| format!("\\x{byte:02x}"))
        .collect();
    // ETHTOOL_MSG_LINKSTATE_GET in version 1.
    line.contains("\\x06\\x01\\x00\\x00") && line.contains(&name)
}

impl Drop for Traced {
    fn drop(&mut self) {
        let _ = self.strace.kill();
        let _ = self.strace.wait();
    }
}

/// IF-04: a driver is asked where that is configured, and only there; and the kernel's own news count at
/// once all the same.
/// Flips: (root).linkbeat_use_polling, vrrp_instance.linkbeat_use_polling, (root).linkbeat_interfaces,
/// linkbeat_interfaces/IOCTL.
#[test]
#[ignore = "live: cargo xtask live"]
fn drivers_are_asked_for_their_link_where_that_is_configured() {
    lab::require_live();
    std::thread::scope(|scope| {
        for (before, within, asks) in [
            ("", "", false),
            ("linkbeat_use_polling\n", "", true),
            ("", "linkbeat_use_polling", true),
            ("linkbeat_interfaces {\n eth0\n}\n", "", true),
            ("linkbeat_interfaces {\n eth0 ETHTOOL\n}\n", "", true),
            ("linkbeat_interfaces {\n eth0 IOCTL\n}\n", "", false),
            ("linkbeat_interfaces {\n other0\n}\n", "", false),
        ] {
            scope.spawn(move || {
                let lan = Lan::new(&["a"]);
                let conf = Conf::new(100).with(within).text();
                let traced = Traced::start(lan.host("a"), &format!("{before}{conf}"));
                let daemon = &traced.daemon;
                daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
                if asks {
                    wait_until("it asks", PATIENCE, || traced.asked("eth0") >= 3);
                } else {
                    let start = clock::now();
                    wait_until("three seconds pass", PATIENCE, || {
                        start.elapsed() > Duration::from_secs(3)
                    });
                    assert_eq!(traced.asked("eth0"), 0, "{before}{within}");
                }
                lan.cut("a");
                daemon.wait_log("Entering FAULT STATE", 1, PATIENCE);
                lan.plug("a");
                daemon.wait_log("Entering MASTER STATE", 2, PATIENCE);
            });
        }
    });
}
