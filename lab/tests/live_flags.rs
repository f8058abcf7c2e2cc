//! Flags of the command line that change what a running daemon does.

use std::time::Duration;

use lab::{Conf, Daemon, Kind, Lan, Scratch};

const PATIENCE: Duration = Duration::from_secs(20);

/// CLI-21: in the words of C Keepalived, and of its own addresses neither says anything.
#[test]
#[ignore = "live: cargo xtask live"]
fn addresses_that_come_and_go_are_logged_where_that_is_wanted() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    let reports = "Netlink reflector reports IP";
    for kind in [Kind::CKeepalived, Kind::Ours] {
        for (flags, wanted) in [(&["-a"][..], true), (&[], false)] {
            let conf = Conf::new(100).text();
            let mut daemon = Daemon::start_in(kind, host, Scratch::new("a"), &conf, flags);
            daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
            for address in ["10.9.0.77/24", "fd09::77/64"] {
                host.netns.ip(&[&format!("addr add {address} dev eth0")]);
                host.netns.ip(&[&format!("addr del {address} dev eth0")]);
            }
            if wanted {
                for address in ["10.9.0.77", "fd09::77"] {
                    let line = format!("{reports} {address} added to eth0");
                    daemon.wait_log(&line, 1, PATIENCE);
                    let line = format!("{reports} {address} removed from eth0");
                    daemon.wait_log(&line, 1, PATIENCE);
                }
                daemon.wait_log(&format!("{reports} 127.0.0.1 added to lo"), 1, PATIENCE);
            }
            daemon.terminate();
            daemon.wait_exit(PATIENCE);
            let told = daemon.logged(reports);
            assert_eq!(told > 0, wanted, "{kind:?} {flags:?}\n{}", daemon.log());
            let own = daemon.logged(&format!("{reports} 10.9.0.100"));
            assert_eq!(own, 0, "{kind:?}\n{}", daemon.log());
        }
    }
}
