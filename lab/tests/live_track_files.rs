//! Files and processes that decide who is master.
//!
//! `c::` runs C Keepalived where it makes the same promise, which proves the test; `ours::` runs ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lab::{Conf, Daemon, Kind, Lan, Scratch, wait_until};

const PATIENCE: Duration = Duration::from_secs(20);

lab::for_kinds! {
    c = CKeepalived {
        the_number_in_a_file_moves_the_priority_or_faults;
        a_file_is_initialised_at_the_start;
    }

    ours = Ours {
        /// TRK-04, KA-W-06.
        /// Flips: (root).track_file, (root).vrrp_track_file, track_file.file, track_file.weight, vrrp_track_file.file, vrrp_track_file.weight, vrrp_instance.track_file.
        the_number_in_a_file_moves_the_priority_or_faults;
        /// TRK-05.
        /// Flips: track_file.init_file, vrrp_track_file.init_file, track_file.init_file/overwrite.
        a_file_is_initialised_at_the_start;
    }
}

fn definition(keyword: &str, name: &str, path: &Path, lines: &str) -> String {
    format!(
        "{keyword} {name} {{\n    file \"{}\"\n{lines}\n}}\n",
        path.display()
    )
}

/// Definitions have to come first: C Keepalived looks for them while it reads their use.
fn tracking(definitions: &str, entries: &str) -> String {
    let text = Conf::new(100)
        .with(&format!("track_file {{\n{entries}\n}}"))
        .text();
    let at = text.find("vrrp_instance").expect("there is an instance");
    let (head, instance) = text.split_at(at);
    format!("{head}{definitions}{instance}")
}

/// In one step, as people should.
fn write(path: &Path, text: &str) {
    let aside = path.with_extension("new");
    fs::write(&aside, text).expect("scratch is writable");
    fs::rename(&aside, path).expect("scratch is writable");
}

fn the_number_in_a_file_moves_the_priority_or_faults(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let scratch = Scratch::new("files");
    let (load, gate) = (scratch.file("load"), scratch.file("gate"));
    let reversed = scratch.file("reversed");
    write(&load, "5\n");
    write(&reversed, "2\n");
    let definitions = definition("track_file", "load", &load, "weight 2")
        + &definition("vrrp_track_file", "reversed", &reversed, "weight 3 reverse")
        + &definition("track_file", "gate", &gate, "weight 0");
    let conf = tracking(&definitions, "load\nreversed\ngate");
    let a = Daemon::start_with(kind, lan.host("a"), &conf);
    a.wait_log("Entering MASTER STATE", 1, PATIENCE);
    let changes = |to: u8, times| {
        a.wait_log(
            &format!("Changing effective priority from {to}"),
            times,
            PATIENCE,
        );
    };
    // 100 + 2 * 5 - 3 * 2 is 104; written in place, it is 100 + 2 * 20 - 6.
    fs::write(&load, "20\n").expect("scratch is writable");
    changes(104, 1);
    a.wait_log("to 134", 1, PATIENCE);
    // A number that cannot be is ignored, one that is not there is 0.
    write(&load, "99999999999");
    a.wait_log("Invalid number 99999999999 read", 1, PATIENCE);
    fs::remove_file(&load).expect("it is there");
    a.wait_log("from 134 to 94", 1, PATIENCE);
    // Without weight everything but 0 is a fault, and so is -254 or less with one.
    write(&gate, "1");
    a.wait_log("Entering FAULT STATE", 1, PATIENCE);
    write(&gate, "0");
    a.wait_log("Entering MASTER STATE", 2, PATIENCE);
    write(&load, "-127");
    a.wait_log("Entering FAULT STATE", 2, PATIENCE);
    fs::remove_file(&load).expect("it is there");
    a.wait_log("Entering MASTER STATE", 3, PATIENCE);
}

fn a_file_is_initialised_at_the_start(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let scratch = Scratch::new("files");
    let file = |name: &str| scratch.file(name);
    for name in ["kept", "overwritten", "plain"] {
        write(&file(name), "1");
    }
    let definitions = definition("track_file", "new", &file("new"), "init_file 7")
        + &definition("vrrp_track_file", "kept", &file("kept"), "init_file 7")
        + &definition(
            "track_file",
            "over",
            &file("overwritten"),
            "init_file 7 overwrite",
        )
        + &definition("track_file", "plain", &file("plain"), "");
    let conf = tracking(&definitions, "new\nkept\nover\nplain");
    let a = Daemon::start_with(kind, lan.host("a"), &conf);
    a.wait_log("Startup complete", 1, PATIENCE);
    let read = |name: &str| -> String {
        let text = fs::read_to_string(file(name)).unwrap_or_default();
        text.trim().to_owned()
    };
    wait_until("the files are written", PATIENCE, || {
        (
            read("new"),
            read("kept"),
            read("overwritten"),
            read("plain"),
        ) == ("7".into(), "1".into(), "7".into(), "1".into())
    });
    // 100 + 7 + 1 + 7 + 1.
    a.wait_log("to 116", 1, PATIENCE);
}

/// TRK-04: its folder comes and goes, and it may be a link into another one.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_file_is_seen_when_its_folder_comes_later_or_its_link_moves() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let scratch = Scratch::new("files");
    let late: PathBuf = scratch.file("one").join("two").join("late");
    let linked = scratch.file("linked");
    let definitions = definition("track_file", "late", &late, "weight 1")
        + &definition("track_file", "linked", &linked, "weight 1");
    let conf = tracking(&definitions, "late\nlinked");
    let a = Daemon::start_with(Kind::Ours, lan.host("a"), &conf);
    a.wait_log("Entering BACKUP STATE", 1, PATIENCE);
    wait_until("it answers", PATIENCE, || {
        a.directory().join("main.sock").exists()
    });
    let is = |priority: u8| {
        wait_until(&format!("priority {priority}"), PATIENCE, || {
            a.status()["instances"][0]["effective_priority"] == priority
        });
    };
    is(100);
    fs::create_dir_all(late.parent().expect("it has one")).expect("scratch is writable");
    write(&late, "10");
    is(110);
    fs::remove_dir_all(scratch.file("one")).expect("it is there");
    is(100);
    a.wait_log("taken for 0", 1, PATIENCE);
    fs::create_dir_all(late.parent().expect("it has one")).expect("scratch is writable");
    fs::write(&late, "20").expect("scratch is writable");
    is(120);
    // As Kubernetes does it: the link stays, what it leads through is exchanged.
    for (version, number) in [("v1", "1"), ("v2", "2")] {
        fs::create_dir(scratch.file(version)).expect("scratch is writable");
        fs::write(scratch.file(version).join("value"), number).expect("scratch is writable");
    }
    let link = |to: &str, name: &str| {
        let aside = scratch.file("aside");
        std::os::unix::fs::symlink(to, &aside).expect("scratch is writable");
        fs::rename(&aside, scratch.file(name)).expect("scratch is writable");
    };
    link("v1", "data");
    link("data/value", "linked");
    is(121);
    link("v2", "data");
    is(122);
    fs::write(scratch.file("v2").join("value"), "3").expect("scratch is writable");
    is(123);
    // Rubbish, a lot of it, and something that is no file.
    write(&late, &"x".repeat(10_000_000));
    is(103);
    a.wait_log("no number in", 1, PATIENCE);
    let tracker = a.status()["trackers"][0].clone();
    assert_eq!(
        (&tracker["state"], &tracker["value"]),
        (&"value".into(), &0.into())
    );
}

/// A configuration that tracks processes under these names with these definitions.
fn counting(definitions: &[(&str, &str)]) -> String {
    let entries: Vec<&str> = definitions.iter().map(|(name, _)| *name).collect();
    let conf = Conf::new(100).with(&format!("track_process {{\n{}\n}}", entries.join("\n")));
    let text = conf.text();
    let at = text.find("vrrp_instance").expect("there is an instance");
    let (head, instance) = text.split_at(at);
    let blocks: String = definitions
        .iter()
        .map(|(name, lines)| format!("vrrp_track_process {name} {{\n{lines}\n}}\n"))
        .collect();
    format!("{head}{blocks}{instance}")
}

/// A program under a name of its own, so that no other process counts.
struct Program(PathBuf);

impl Program {
    fn new(scratch: &Scratch, name: &str) -> Self {
        let path = scratch.file(name);
        // Not by this process: see `Scratch::script`.
        let mut copy = std::process::Command::new("cp");
        let copied = copy.arg("/bin/sleep").arg(&path).status();
        assert!(copied.is_ok_and(|status| status.success()));
        Self(path)
    }

    fn run(&self, seconds: &[&str]) -> Running {
        let mut command = std::process::Command::new(&self.0);
        Running(command.args(seconds).spawn().expect("it starts"))
    }
}

struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

/// TRK-06, KA-W-08. There is no process connector in another network namespace than the first, so
/// this counts by reading `/proc`, and the log says so.
/// Flips: (root).vrrp_track_process, vrrp_instance.track_process, vrrp_track_process.process, vrrp_track_process.weight, vrrp_track_process.quorum, vrrp_track_process.quorum_max, vrrp_track_process.param_match, vrrp_track_process.full_command.
#[test]
#[ignore = "live: cargo xtask live"]
fn processes_are_counted_and_their_number_moves_the_priority() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let scratch = Scratch::new("programs");
    let program = Program::new(&scratch, "lab-tracked");
    let path = program.0.display().to_string();
    // Powers of two: the sum says which of them are good.
    let full = format!("process \"{path}\" 900\nfull_command\nweight 32");
    let conf = counting(&[
        ("one", "process lab-tracked\nweight 1"),
        ("two", "process lab-tracked\nquorum 2\nweight 2"),
        ("few", "process lab-tracked\nquorum_max 1\nweight 4"),
        ("exact", "process lab-tracked 900\nweight 8"),
        (
            "initial",
            "process lab-tracked 9\nparam_match initial\nweight 16",
        ),
        ("full", &full),
        (
            "partial",
            "process lab-tracked 900\nparam_match partial\nweight 64",
        ),
    ]);
    let a = Daemon::start_with(Kind::Ours, lan.host("a"), &conf);
    a.wait_log("the kernel does not tell of processes here", 1, PATIENCE);
    let is = |priority: u8| {
        wait_until(&format!("priority {priority}"), PATIENCE, || {
            a.status()["instances"][0]["effective_priority"] == priority
        });
    };
    is(100);
    let first = program.run(&["900"]);
    is(100 + 1 + 4 + 8 + 16 + 32 + 64);
    let second = program.run(&["901", "1"]);
    is(100 + 1 + 2 + 8 + 16 + 32 + 64);
    drop(first);
    is(100 + 1 + 4);
    let third = program.run(&["900", "1"]);
    is(100 + 1 + 2 + 64);
    drop((second, third));
    is(100);
    let tracker = a.status()["trackers"][0].clone();
    assert_eq!(
        (&tracker["state"], &tracker["matching"]),
        (&"down".into(), &0.into())
    );
}

/// KA-W-08: a short break of a process is none. Without weight a missing process is a fault.
/// Flips: vrrp_track_process.terminate_delay, vrrp_track_process.fork_delay, vrrp_track_process.delay.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_process_that_is_replaced_within_its_delay_was_never_gone() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let scratch = Scratch::new("programs");
    let program = Program::new(&scratch, "lab-delayed");
    let conf = counting(&[
        ("patient", "process lab-delayed\nterminate_delay 600"),
        ("slow", "process lab-delayed\nfork_delay 600\nweight 1"),
        ("both", "process lab-delayed\ndelay 3600\nweight 4"),
        ("prompt", "process lab-delayed\nweight 2"),
    ]);
    let first = program.run(&["900"]);
    let a = Daemon::start_with(Kind::Ours, lan.host("a"), &conf);
    a.wait_log("Entering BACKUP STATE", 1, PATIENCE);
    wait_until("it answers", PATIENCE, || {
        a.directory().join("main.sock").exists()
    });
    let is = |priority: u8| {
        wait_until(&format!("priority {priority}"), PATIENCE, || {
            a.status()["instances"][0]["effective_priority"] == priority
        });
    };
    // What is there at the start counts at once.
    a.wait_log("Entering MASTER STATE", 1, PATIENCE);
    is(107);
    drop(first);
    is(104);
    let _second = program.run(&["900"]);
    is(106);
    assert_eq!(a.logged("Entering FAULT STATE"), 0, "{}", a.log());
}

/// IF-07. Only the first network namespace has a process connector: this daemon runs there, and its
/// instance waits for an interface that does not exist, so that it sends nothing.
/// Flips: global_defs.process_monitor_rcv_bufs, global_defs.process_monitor_rcv_bufs_force.
#[test]
#[ignore = "live: cargo xtask live"]
fn the_buffer_for_news_of_processes_has_the_size_of_the_file() {
    lab::require_live();
    let limit: u64 = fs::read_to_string("/proc/sys/net/core/rmem_max")
        .expect("it can be read")
        .trim()
        .parse()
        .expect("a number");
    for (lines, wanted) in [
        ("process_monitor_rcv_bufs 50000", 100_000),
        ("process_monitor_rcv_bufs 30000000", 2 * limit),
        (
            "process_monitor_rcv_bufs 30000000\nprocess_monitor_rcv_bufs_force",
            60_000_000,
        ),
    ] {
        let scratch = Scratch::new("buffer");
        let conf = counting(&[("one", "process lab-tracked\nweight 1")])
            .replace("interface eth0", "interface lab-none")
            .replacen(
                "global_defs {",
                &format!("global_defs {{\ndynamic_interfaces\n{lines}"),
                1,
            );
        fs::write(scratch.file("conf"), conf).expect("scratch is writable");
        let child = std::process::Command::new(lab::daemon::program(Kind::Ours))
            .args(["-n", "-G", "--no-socket", "-f"])
            .arg(scratch.file("conf"))
            .arg("-p")
            .arg(scratch.file("pid"))
            .arg("-r")
            .arg(scratch.file("vrrp"))
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("it starts");
        let daemon = Running(child);
        let user = format!("/{} ", daemon.0.id());
        let sizes = || -> Vec<u64> {
            let mut command = std::process::Command::new("ss");
            let text = lab::netns::run(command.args(["-f", "netlink", "-m"]));
            let lines = text.lines().filter(|line| line.contains("connector:"));
            let size = |line: &str| line.split("rb").nth(1)?.split(',').next()?.parse().ok();
            lines
                .filter(|line| line.contains(&user))
                .filter_map(size)
                .collect()
        };
        wait_until(
            &format!("{lines}: the kernel has {wanted} octets"),
            PATIENCE,
            || {
                let sizes = sizes();
                !sizes.is_empty() && sizes.iter().all(|size| *size == wanted)
            },
        );
    }
}
