//! Everything around the elections goes wrong at once, and nobody notices on the wire.

use std::fs;
use std::io::Write;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use lab::clock::{self, Stamp};
use lab::{Capture, Daemon, Host, Kind, Lan, Scratch, lateness_between, wait_until};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

const PATIENCE: Duration = Duration::from_secs(12);
const INTERVAL: Duration = Duration::from_millis(100);
const FIRST: u8 = 51;
const COUNT: u8 = 10;
/// How long the storm lasts.
const SPAN: Duration = Duration::from_secs(20);

/// LESSONS A7: a log that nobody reads, a name server that never answers, a pipe that is full, and scripts
/// that take all the processors.
///
/// Flips: global_defs.notify_fifo.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_storm_around_the_elections_makes_no_transition() {
    storm(&[]);
}

/// The same with real-time priority, which is what it is for.
///
/// Flips: global_defs.vrrp_rt_priority.
#[test]
#[ignore = "live: cargo xtask live"]
fn real_time_priority_keeps_adverts_on_time_in_a_storm() {
    storm(&["vrrp_rt_priority 20", "vrrp_no_swap"]);
}

fn storm(more: &[&str]) {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let capture = Capture::start(&lan);
    let scratch = Scratch::new("a");
    // The processor is taken by what the daemon itself started.
    scratch.script(
        "busy",
        "#!/bin/sh\necho >> DIR/busy.log\nwhile :; do :; done\n",
    );
    scratch.script("deaf", "#!/bin/sh\nexec sleep 1000\n");
    let conf = scratch.file("keepalived.conf");
    let busy = scratch.file("busy.log");
    let fifo = scratch.file("fifo");
    fs::write(&conf, text(&scratch, more)).expect("scratch is writable");
    let _names = DeadNames::new(lan.host("a"));
    second_interface(lan.host("a"));
    let a = Silent::start(lan.host("a"), &scratch);
    wait_until(
        "every instance is master, and its script runs",
        PATIENCE,
        || {
            capture.alone("a", INTERVAL * 3)
                && fs::read_to_string(&busy).is_ok_and(|text| text.lines().count() >= 2)
        },
    );
    fill(
        &fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(&fifo)
            .expect("a pipe"),
    );
    let b = Daemon::start_with(Kind::Ours, lan.host("b"), &backup());
    b.wait_log("Entering BACKUP STATE", usize::from(COUNT), PATIENCE);

    let begin = clock::stamp();
    let started = clock::now();
    while started.elapsed() < SPAN {
        // Each makes log lines and pipe lines for every instance.
        lan.host("a")
            .netns
            .ip(&["link set far0 down", "link set far0 up"]);
        std::thread::sleep(Duration::from_millis(50));
    }
    let end = clock::stamp();
    assert_eq!(b.logged("Entering MASTER STATE"), 0, "{}", b.log());
    let status = a.status();
    let instances = status["instances"].as_array().expect("instances");
    assert_eq!(instances.len(), usize::from(COUNT));
    assert!(
        instances.iter().all(|one| one["state"] == "MASTER"),
        "{status}"
    );
    assert!(capture.alone("a", INTERVAL * 3));
    let mut late = lateness(&capture, begin, end);
    late.sort_unstable();
    let at = |part: usize| late[(late.len() - 1) * part / 1000].as_secs_f64() * 1000.0;
    println!(
        "{more:?}: {} adverts, later than their interval by: p50 {:.3} ms, p99 {:.3} ms, p99.9 {:.3} ms, \
         most {:.3} ms; a thread of the test itself was late by {:?} at most",
        late.len(),
        at(500),
        at(990),
        at(999),
        at(1000),
        lateness_between(begin, end),
    );
    if !more.is_empty() {
        assert!(at(999) < 10.0, "{} ms", at(999));
    }
    assert!(late.len() > usize::from(COUNT) * 150, "{}", late.len());
}

/// By how much more than the interval adverts of each instance were apart.
fn lateness(capture: &Capture, begin: Stamp, end: Stamp) -> Vec<Duration> {
    let adverts = capture.adverts();
    let mut late = Vec::new();
    for vrid in FIRST..FIRST + COUNT {
        let own = adverts.iter().filter(|(at, from, advert)| {
            from == "a" && advert.vrid == vrid && *at >= begin && *at <= end
        });
        let stamps: Vec<Stamp> = own.map(|(at, ..)| *at).collect();
        let gaps = stamps
            .windows(2)
            .map(|pair| pair[1].saturating_sub(pair[0]));
        late.extend(gaps.map(|gap| gap.saturating_sub(INTERVAL)));
    }
    late
}

fn text(scratch: &Scratch, more: &[&str]) -> String {
    let folder = scratch.path().display();
    let mut text = format!(
        "global_defs {{\n router_id storm\n script_user root\n {}\n notify_fifo {folder}/fifo\n \
         notify_fifo_script {folder}/deaf\n vrrp_notify_priority_changes\n smtp_alert\n \
         smtp_server mail.example.org\n notification_email {{\n ops@example.org\n }}\n}}\n",
        more.join("\n ")
    );
    let script = format!("notify_master {folder}/busy");
    let tracked = "track_interface {\n other0 weight 2\n }";
    for vrid in FIRST..FIRST + COUNT {
        // Two are enough to take both processors of a small machine, four for others.
        let script = if vrid < FIRST + 4 {
            script.as_str()
        } else {
            ""
        };
        text.push_str(&instance(vrid, 200, &format!("{script}\n {tracked}")));
    }
    text
}

fn backup() -> String {
    (FIRST..FIRST + COUNT)
        .map(|vrid| instance(vrid, 100, ""))
        .collect()
}

fn instance(vrid: u8, priority: u8, lines: &str) -> String {
    format!(
        "vrrp_instance V{vrid} {{\n state BACKUP\n interface eth0\n version 3\n \
         virtual_router_id {vrid}\n priority {priority}\n advert_int 0.1\n {lines}\n \
         virtual_ipaddress {{\n 10.9.0.{vrid}/24\n }}\n}}\n"
    )
}

fn second_interface(host: &Host) {
    host.netns.ip(&[
        "link add other0 type veth peer name far0",
        "link set far0 up",
        "link set other0 up",
    ]);
}

/// A name server that takes questions and answers none. `ip netns exec` puts the file in the place of
/// that in `/etc`.
struct DeadNames {
    folder: PathBuf,
}

impl DeadNames {
    fn new(host: &Host) -> Self {
        let folder = Path::new("/etc/netns").join(host.netns.name());
        fs::create_dir_all(&folder).expect("root may");
        fs::write(folder.join("resolv.conf"), "nameserver 127.0.0.1\n").expect("root may");
        fs::write(folder.join("nsswitch.conf"), "hosts: dns\n").expect("root may");
        let (ready, listening) = std::sync::mpsc::channel();
        let _held = host.netns.spawn(move || {
            let socket = UdpSocket::bind("127.0.0.1:53").expect("the port is free");
            let _ = ready.send(());
            std::thread::sleep(Duration::from_secs(120));
            drop(socket);
        });
        listening.recv_timeout(PATIENCE).expect("it listens");
        Self { folder }
    }
}

impl Drop for DeadNames {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

/// Fills a pipe to the last octet.
fn fill(pipe: &impl std::os::fd::AsFd) {
    let flags = fcntl_getfl(pipe).expect("a descriptor");
    fcntl_setfl(pipe, flags | OFlags::NONBLOCK).expect("a descriptor");
    for size in [4096, 1] {
        while rustix::io::write(pipe, &vec![b'x'; size]).is_ok() {}
    }
    fcntl_setfl(pipe, flags).expect("a descriptor");
}

/// Our daemon with a log that is full from the first line: writing to it blocks for ever.
struct Silent {
    child: Child,
    netns: String,
    socket: PathBuf,
    _log: (std::io::PipeReader, std::io::PipeWriter),
}

impl Silent {
    fn start(host: &Host, scratch: &Scratch) -> Self {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        fill(&writer);
        let program = lab::daemon::program(Kind::Ours);
        let mut command = host
            .netns
            .command(program.to_str().expect("a path in UTF-8"));
        command.args(["-n", "-l", "-D", "-G", "-f"]);
        command.arg(scratch.file("keepalived.conf"));
        for (flag, name) in [("-p", "main.pid"), ("-r", "vrrp.pid")] {
            command.arg(flag).arg(scratch.file(name));
        }
        let stderr = writer.try_clone().expect("one more descriptor");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr);
        Self {
            child: command.spawn().expect("it starts"),
            netns: host.netns.name().to_owned(),
            socket: scratch.file("main.sock"),
            _log: (reader, writer),
        }
    }

    fn status(&self) -> serde_json::Value {
        let mut command = std::process::Command::new("ip");
        command.args(["netns", "exec", &self.netns]);
        command.arg(lab::daemon::program(Kind::Ours));
        command
            .args(["status", "--json", "--socket"])
            .arg(&self.socket);
        let text = lab::netns::run(&mut command);
        serde_json::from_str(&text).expect("JSON")
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // Its scripts hear of its death.
        let _gone = self.child.kill();
        let _status = self.child.wait();
        let _ = std::io::stderr().flush();
    }
}
