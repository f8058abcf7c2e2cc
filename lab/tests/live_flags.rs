//! Flags that change what a running daemon does, and what `status` tells people of it.

use std::time::Duration;

use lab::{Conf, Daemon, Kind, Lan, Scratch, wait_until};

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

/// SG-01, TRK-01: a router at fault, and how to find out why without a program for JSON.
#[test]
#[ignore = "live: cargo xtask live"]
fn status_tells_people_why_a_router_is_at_fault() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    let first = Conf::new(100).with("track_script {\nbroken\n}").text();
    let mut second = Conf::new(100);
    second.vrid = 99;
    second.addresses = vec!["10.9.0.99/24".to_owned()];
    let second = second.text().replace("VI_1", "VI_2");
    let (_, second) = second.split_once("vrrp_instance").expect("there is one");
    let conf = format!(
        "{first}vrrp_instance{second}\
         vrrp_script broken {{\nscript \"/bin/sh -c 'exit 3'\"\ninterval 1\nfall 1\n}}\n\
         vrrp_sync_group G {{\ngroup {{\nVI_1\nVI_2\n}}\n}}\n\
         bfd_instance to_b {{\nneighbor_ip 10.9.0.2\n}}\n"
    );
    let daemon = Daemon::start_with(Kind::Ours, host, &conf);
    daemon.wait_log("(VI_1) Fault: something it tracks has failed", 1, PATIENCE);
    let status = || {
        let program = lab::daemon::program(Kind::Ours);
        let mut command = host.netns.command(program.to_str().expect("in UTF-8"));
        let socket = daemon.directory().join("main.sock");
        lab::netns::run(command.arg("status").arg("--socket").arg(socket))
    };
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "G FAULT VI_1 (at fault), VI_2",
        "script broken down exited with status 3, run",
        "VI_1 (fault)",
        "VI_1: something it tracks has failed",
        "VI_2: another member of its group is at fault",
        "to_b down",
    ] {
        wait_until(part, PATIENCE, || {
            status().lines().any(|line| words(line).contains(part))
        });
    }
}
