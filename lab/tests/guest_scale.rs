//! A thousand services with ten servers each, timed beside `ipvsadm -R` and C Keepalived in the same
//! machine. There a nanosecond is an instruction, so that the figures say how much work it was. In the
//! virtual machine: `cargo xtask ipvs`.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use lab::director::kind;
use lab::{Daemon, Director, Kind, Orders, Scratch, clock, wait_until};

const SERVICES: usize = 1_000;
const SERVERS: usize = 10;
/// Rounds on an emulated processor.
const PATIENCE: Duration = Duration::from_secs(100);

fn conf() -> String {
    let mut text = String::from("global_defs {\n script_user root\n}\n");
    for port in 1..=SERVICES {
        let _ = writeln!(
            text,
            "virtual_server 10.8.0.100 {port} {{\n lvs_sched rr\n protocol TCP"
        );
        for server in 1..=SERVERS {
            let _ = writeln!(text, " real_server 10.9.1.{server} 80 {{\n weight 1\n }}");
        }
        text.push_str("}\n");
    }
    text
}

fn saved() -> String {
    let mut text = String::new();
    for port in 1..=SERVICES {
        let _ = writeln!(text, "-A -t 10.8.0.100:{port} -s rr");
        for server in 1..=SERVERS {
            let _ = writeln!(
                text,
                "-a -t 10.8.0.100:{port} -r 10.9.1.{server}:80 -m -w 1"
            );
        }
    }
    text
}

/// Lines of the kernel's own list, without its three lines of titles.
fn lines(director: &Director) -> usize {
    let read = || fs::read_to_string("/proc/thread-self/net/ip_vs").unwrap_or_default();
    let text = director
        .host()
        .netns
        .spawn(read)
        .join()
        .expect("it is read");
    text.lines().count().saturating_sub(3)
}

/// Installed and removed by a daemon: how long each took.
fn timed(kind: Kind, conf: &str) -> [Duration; 2] {
    let director = Director::new(0);
    let _loads_the_module = director.ipvsadm("-L");
    let start = clock::now();
    let mut daemon = Daemon::start_in(kind, director.host(), Scratch::new("lb"), conf, &[]);
    wait_until("all services are there", PATIENCE, || {
        lines(&director) == SERVICES * (SERVERS + 1)
    });
    let installed = start.elapsed();
    if kind == Kind::Ours {
        let orders = Orders::listen(director.host());
        let before = daemon.logged("reload");
        daemon.reload_with(conf);
        wait_until("it has reloaded", PATIENCE, || {
            daemon.logged("reload") > before
        });
        std::thread::sleep(Duration::from_secs(5));
        assert_eq!(
            orders.writes(),
            Vec::<u8>::new(),
            "a reload without a change"
        );
        // The monitor sees what there is to see.
        director.ipvsadm("-A -f 1 -s rr");
        wait_until("it is seen", PATIENCE, || orders.writes() == [1]);
        director.ipvsadm("-D -f 1");
    }
    let start = clock::now();
    daemon.terminate();
    daemon.wait_exit(PATIENCE);
    let removed = start.elapsed();
    assert_eq!(lines(&director), 0);
    [installed, removed]
}

#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_thousand_services_come_and_go_and_a_reload_without_a_change_asks_for_nothing() {
    lab::require_guest();
    let director = Director::new(0);
    let _loads_the_module = director.ipvsadm("-L");
    let scratch = Scratch::new("saved");
    let path = scratch.file("saved");
    fs::write(&path, saved()).expect("scratch is writable");
    let start = clock::now();
    let input = fs::File::open(&path).expect("it was written");
    let restore = move || {
        let mut command = Command::new("ipvsadm");
        command
            .arg("-R")
            .stdin(Stdio::from(input))
            .status()
            .is_ok_and(|status| status.success())
    };
    assert!(director.host().netns.spawn(restore).join().expect("it ran"));
    let restored = start.elapsed();
    // The kernel counts the services of all namespaces when it goes on with a listing: while that of an
    // earlier test is taken down, one may miss a service.
    wait_until("all of it is listed", PATIENCE, || {
        lines(&director) == SERVICES * (SERVERS + 1)
    });
    drop(director);
    let conf = conf();
    println!("\nfigure: {SERVICES} x {SERVERS}: ipvsadm -R {restored:?}");
    let kinds = match kind() {
        Kind::Ours => vec![Kind::CKeepalived, Kind::Ours],
        kind @ Kind::CKeepalived => vec![kind],
    };
    for kind in kinds {
        let [installed, removed] = timed(kind, &conf);
        println!(
            "\nfigure: {SERVICES} x {SERVERS}: {kind:?} installed after {installed:?}, ended after {removed:?}"
        );
    }
}
