//! SIGHUP, scripts and signals of a running router.

use std::fs;
use std::net::IpAddr;
use std::process::{Child, Stdio};
use std::time::Duration;

use lab::clock::{self, Stamp};
use lab::wait::holds_for;
use lab::wire::Frame;
use lab::{Capture, Conf, Daemon, Host, Kind, Lan, Scratch, lateness_between, wait_until};

const PATIENCE: Duration = Duration::from_secs(12);

/// A running master, what it sends, and what changes in its kernel.
struct Master {
    capture: Capture,
    daemon: Daemon,
    monitor: Monitor,
    conf: Conf,
    /// State changes in the log at the start.
    entered: usize,
    lan: Lan,
}

impl Master {
    fn start(kind: Kind) -> Self {
        Self::start_with(kind, Conf::new(200))
    }

    fn start_with(kind: Kind, conf: Conf) -> Self {
        lab::require_live();
        let lan = Lan::new(&["a"]);
        let capture = Capture::start(&lan);
        let daemon = Daemon::start(kind, lan.host("a"), &conf);
        daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
        wait_until("it advertises", PATIENCE, || {
            capture.alone("a", Duration::from_millis(350))
        });
        let monitor = Monitor::start(lan.host("a"), &daemon);
        let entered = daemon.logged("Entering");
        Self {
            capture,
            daemon,
            monitor,
            conf,
            entered,
            lan,
        }
    }

    fn holds(&self, address: &str) -> bool {
        self.lan
            .host("a")
            .holds(address.parse::<IpAddr>().expect("an address"))
    }

    /// Gratuitous ARPs since `from`.
    fn announced(&self, from: Stamp) -> usize {
        let sent = self.capture.sent().into_iter();
        sent.filter(|sent| sent.at >= from && matches!(sent.frame, Frame::GratuitousArp { .. }))
            .count()
    }

    /// The longest time between two adverts since `from`, beyond what the machine was late.
    fn longest_gap(&self, from: Stamp) -> Duration {
        let adverts = self.capture.adverts();
        let stamps: Vec<_> = adverts
            .iter()
            .map(|&(at, ..)| at)
            .filter(|at| *at >= from)
            .collect();
        let gap = |pair: &[Stamp]| {
            pair[1]
                .saturating_sub(pair[0])
                .saturating_sub(lateness_between(pair[0], pair[1]))
        };
        stamps.windows(2).map(gap).max().unwrap_or(Duration::MAX)
    }

    /// Nothing moved: state, addresses, cadence, kernel.
    fn expect_undisturbed(&self, since: Stamp) {
        let span = Duration::from_millis(700);
        holds_for("it keeps its address", span, || self.holds("10.9.0.100"));
        assert_eq!(
            self.daemon.logged("Entering"),
            self.entered,
            "{}",
            self.daemon.log()
        );
        let gap = self.longest_gap(since.saturating_sub(self.conf.interval * 2));
        assert!(
            gap < self.conf.interval + Duration::from_millis(20),
            "no advert for {gap:?}"
        );
        assert_eq!(self.monitor.changes(), "", "the kernel was told something");
    }
}

/// `ip monitor address` while something should, or should not, change.
struct Monitor {
    child: Child,
    file: std::path::PathBuf,
}

impl Monitor {
    fn start(host: &Host, daemon: &Daemon) -> Self {
        let file = daemon.directory().join("monitor");
        let output = fs::File::create(&file).expect("scratch is writable");
        let mut command = host.netns.command("ip");
        let child = command
            .args(["-o", "monitor", "address"])
            .stdout(output)
            .stdin(Stdio::null());
        let this = Self {
            child: child.spawn().expect("ip starts"),
            file,
        };
        // It listens once it reports a change that we make ourselves.
        let mut number = 0;
        wait_until("the monitor listens", PATIENCE, || {
            number += 1;
            host.netns.ip(&[
                &format!("addr add 127.9.9.{number}/32 dev lo"),
                &format!("addr del 127.9.9.{number}/32 dev lo"),
            ]);
            fs::read_to_string(&this.file).is_ok_and(|text| text.contains("127.9.9."))
        });
        this
    }

    /// What changed, without the changes of [`Self::start`].
    fn changes(&self) -> String {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        let foreign = text.lines().filter(|line| !line.contains("127.9.9."));
        foreign.map(|line| format!("{line}\n")).collect()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// KA-M-12.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_reload_of_the_same_file_disturbs_nothing() {
    let master = Master::start(Kind::Ours);
    let asked = master.daemon.reload_with(&master.conf.text());
    master.daemon.wait_log("eload", 1, PATIENCE);
    master.expect_undisturbed(asked);
}

#[test]
#[ignore = "live: cargo xtask live"]
fn a_broken_file_changes_nothing_and_the_log_says_why() {
    let master = Master::start(Kind::Ours);
    let broken = master
        .conf
        .text()
        .replace("priority 200", "priority 2000\n    prioritty 7");
    let asked = master.daemon.reload_with(&broken);
    master.daemon.wait_log("keepalived.conf", 2, PATIENCE);
    wait_until("the log names the mistake", PATIENCE, || {
        master.daemon.log().contains("priority")
    });
    master.expect_undisturbed(asked);

    // A file that is not there at all, and then a good one: it still listens.
    fs::remove_file(master.daemon.directory().join("keepalived.conf")).expect("it was there");
    let asked = master.daemon.signal(rustix::process::Signal::HUP);
    master.expect_undisturbed(asked);
    let mut more = master.conf.clone();
    more.addresses.push("10.9.0.101/24".to_owned());
    master.daemon.reload_with(&more.text());
    wait_until("the new address is there", PATIENCE, || {
        master.holds("10.9.0.101")
    });
}

/// RLD-01: an editor empties the file before it writes it anew.
#[test]
#[ignore = "live: cargo xtask live"]
fn an_empty_or_unreadable_file_removes_nothing() {
    let master = Master::start(Kind::Ours);
    let file = master.daemon.directory().join("keepalived.conf");
    let comments = "# Only words.\n\n! And more of them.\n";
    for (number, text) in ["", "\n", comments].into_iter().enumerate() {
        let asked = master.daemon.reload_with(text);
        master
            .daemon
            .wait_log("Reload refused", number + 1, PATIENCE);
        master.expect_undisturbed(asked);
    }
    assert!(
        master.daemon.log().contains("nothing is configured in it"),
        "{}",
        master.daemon.log()
    );

    // One that is there and cannot be read, which a directory is even to root.
    fs::remove_file(&file).expect("it was there");
    fs::create_dir(&file).expect("scratch is writable");
    let asked = master.daemon.signal(rustix::process::Signal::HUP);
    master.daemon.wait_log("Reload refused", 4, PATIENCE);
    master.expect_undisturbed(asked);
    fs::remove_dir(&file).expect("it is empty");

    // What was meant comes through.
    let mut more = master.conf.clone();
    more.addresses.push("10.9.0.101/24".to_owned());
    master.daemon.reload_with(&more.text());
    wait_until("the new address is there", PATIENCE, || {
        master.holds("10.9.0.101")
    });
}

#[test]
#[ignore = "live: cargo xtask live"]
fn a_reload_changes_only_what_changed() {
    let master = Master::start(Kind::Ours);
    let mut more = master.conf.clone();
    more.addresses.push("10.9.0.101/24".to_owned());
    let asked = master.daemon.reload_with(&more.text());
    wait_until("the new address is there", PATIENCE, || {
        master.holds("10.9.0.101")
    });
    assert!(
        !master.monitor.changes().contains("10.9.0.100/"),
        "{}",
        master.monitor.changes()
    );

    master.daemon.reload_with(&master.conf.text());
    wait_until("it is gone again", PATIENCE, || !master.holds("10.9.0.101"));
    assert!(
        !master.monitor.changes().contains("10.9.0.100/"),
        "{}",
        master.monitor.changes()
    );
    assert_eq!(
        master.daemon.logged("Entering"),
        master.entered,
        "{}",
        master.daemon.log()
    );
    let some = clock::stamp() + master.conf.interval * 5;
    wait_until("it goes on advertising", PATIENCE, || {
        master.capture.first_advert("a", some).is_some()
    });
    let gap = master.longest_gap(asked);
    assert!(
        gap < master.conf.interval + Duration::from_millis(20),
        "no advert for {gap:?}"
    );
}

/// KA-M-01: nobody waits for the next election.
fn a_master_obeys_a_changed_refresh(kind: Kind) {
    let quiet = Conf::new(200)
        .with("garp_master_repeat 1")
        .with("garp_master_delay 0");
    let often = quiet.clone().with("garp_master_refresh 1");
    let master = Master::start_with(kind, quiet);
    let asked = master.daemon.reload_with(&often.text());
    wait_until("the refreshes begin", PATIENCE, || {
        master.announced(asked) >= 3
    });
    if kind == Kind::Ours {
        let soon = asked + Duration::from_millis(900);
        let first = master.announced(asked) - master.announced(soon);
        assert_eq!(first, 0, "announced because of the reload");
    }

    let asked = master.daemon.reload_with(&master.conf.text());
    let silence = Duration::from_millis(2500);
    wait_until("the refreshes end", PATIENCE, || {
        let from = clock::stamp().saturating_sub(silence);
        from > asked && master.announced(from) == 0
    });
    assert_eq!(
        master.daemon.logged("Entering"),
        master.entered,
        "{}",
        master.daemon.log()
    );
}

#[test]
#[ignore = "live: cargo xtask live"]
fn a_master_obeys_a_changed_refresh_ours() {
    a_master_obeys_a_changed_refresh(Kind::Ours);
}

#[test]
#[ignore = "live: cargo xtask live"]
fn a_master_obeys_a_changed_refresh_c_keepalived() {
    a_master_obeys_a_changed_refresh(Kind::CKeepalived);
}

/// KA-O-08: the same story, told by our scripts and by those of C Keepalived.
///
/// Flips: vrrp_instance.notify, vrrp_instance.notify_master, vrrp_instance.notify_backup,
/// vrrp_instance.notify_fault, vrrp_instance.notify_stop.
#[test]
#[ignore = "live: cargo xtask live"]
fn scripts_run_in_order_and_with_the_words_of_c_keepalived() {
    let theirs = story(Kind::CKeepalived);
    assert!(theirs.len() >= 8, "a story of {theirs:?}");
    println!("{theirs:#?}");
    let ours = story(Kind::Ours);
    // C starts scripts and does not wait for them: of two quick changes the later may speak first.
    let sorted = |story: &[String]| {
        let mut story = story.to_vec();
        story.sort();
        story
    };
    assert_eq!(sorted(&ours), sorted(&theirs));
    // Ours run one after the other, so they tell the story as it was.
    let states: Vec<&str> = ours
        .iter()
        .filter_map(|line| line.strip_prefix("any INSTANCE VI_1 ")?.split(' ').next())
        .collect();
    assert_eq!(
        states,
        ["BACKUP", "MASTER", "FAULT", "BACKUP", "MASTER", "STOP"],
        "{ours:#?}"
    );
}

/// Start, cable out, cable in, stop; each script appends what it was called with.
fn story(kind: Kind) -> Vec<String> {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let capture = Capture::start(&lan);
    let scratch = Scratch::new("scripts");
    let diary = scratch.file("diary");
    let script = scratch.script("script", "#!/bin/sh\necho \"$@\" >> DIR/diary\n");
    let script = script.display().to_string();
    let mut conf = Conf::new(200);
    for state in ["master", "backup", "fault", "stop"] {
        conf = conf.with(&format!("notify_{state} \"{script} only-{state}\""));
    }
    let conf = conf.with(&format!("notify \"{script} any\""));

    let mut daemon = Daemon::start(kind, lan.host("a"), &conf);
    daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
    wait_until("it advertises", PATIENCE, || {
        capture.alone("a", Duration::from_millis(300))
    });
    let told = || fs::read_to_string(&diary).unwrap_or_default();
    lan.cut("a");
    daemon.wait_log("Entering FAULT STATE", 1, PATIENCE);
    // Scripts of a state that has passed before they could start are left out.
    wait_until("the scripts of the fault ran", PATIENCE, || {
        told().lines().count() >= 6
    });
    lan.plug("a");
    daemon.wait_log("Entering MASTER STATE", 2, PATIENCE);
    // Six transitions, two scripts each; the last two belong to the stop.
    wait_until("all scripts ran", PATIENCE, || told().lines().count() >= 10);
    daemon.terminate();
    daemon.wait_exit(PATIENCE);
    wait_until("the stop scripts ran", PATIENCE, || told().contains("STOP"));
    let since = clock::now();
    wait_until("the diary is finished", PATIENCE, || {
        since.elapsed() > Duration::from_millis(300)
    });
    let mut lines: Vec<_> = told()
        .lines()
        .map(|line| line.replace(&script, "SCRIPT"))
        .collect();
    // A state script and the general one may run at the same time: their order is no promise.
    for pair in lines.chunks_mut(2) {
        pair.sort();
    }
    lines
}
