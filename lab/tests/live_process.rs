//! The process itself: how its threads are scheduled and named, where it runs, what surrounds its start,
//! its stop and its reloads.
//!
//! `c::` runs C Keepalived where it makes the same promise, which proves the test; `ours::` runs ours.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lab::wait::holds_for;
use lab::{Conf, Daemon, Host, Kind, Lan, Scratch, clock, wait_for, wait_until};
use rustix::process::Signal;

const PATIENCE: Duration = Duration::from_secs(12);

lab::for_kinds! {
    c = CKeepalived {
        vrrp_is_scheduled_as_the_file_says;
        processes_have_the_names_of_the_file;
        scripts_run_before_and_after_everything;
        a_start_up_script_is_ended_at_its_limit;
        the_namespace_of_the_file_is_entered;
        a_reload_empties_and_removes_its_marker;
        a_reload_happens_at_the_time_of_the_file;
        the_data_dump_has_the_name_of_the_instance;
        every_announcement_is_in_the_detailed_log;
        a_pid_directory_is_used_where_that_is_wanted;
        the_state_dump_goes_where_the_file_says;
        the_json_dump_has_the_version_of_the_file;
        files_are_made_with_the_mask_of_the_file;
    }

    ours = Ours {
        /// SYS-04.
        ///
        /// Flips: global_defs.vrrp_priority, global_defs.vrrp_rt_priority,
        /// global_defs.vrrp_cpu_affinity, global_defs.vrrp_no_swap, global_defs.vrrp_rlimit_rttime.
        vrrp_is_scheduled_as_the_file_says;
        /// SYS-04: BFD shares the thread.
        ///
        /// Flips: global_defs.bfd_priority, global_defs.bfd_rt_priority,
        /// global_defs.bfd_cpu_affinity, global_defs.bfd_no_swap, global_defs.bfd_rlimit_rttime,
        /// global_defs.bfd_rlimit_rtime, global_defs.vrrp_rlimit_rtime,
        /// global_defs.bfd_process_name.
        what_bfd_wants_is_done_to_the_thread_it_shares;
        /// CORE-10.
        ///
        /// Flips: global_defs.process_name, global_defs.vrrp_process_name, global_defs.process_names.
        processes_have_the_names_of_the_file;
        /// SYS-05.
        ///
        /// Flips: global_defs.max_auto_priority, global_defs.min_auto_priority_delay.
        late_timers_raise_the_priority;
        /// CORE-08.
        ///
        /// Flips: global_defs.startup_script, global_defs.shutdown_script.
        scripts_run_before_and_after_everything;
        /// CORE-08.
        ///
        /// Flips: global_defs.startup_script_timeout, global_defs.shutdown_script_timeout.
        a_start_up_script_is_ended_at_its_limit;
        /// SYS-02.
        ///
        /// Flips: (root).net_namespace.
        the_namespace_of_the_file_is_entered;
        /// KA-RL-09: what a reload must not change.
        a_reload_does_not_move_to_another_namespace;
        /// SYS-09.
        ///
        /// Flips: global_defs.reload_file.
        a_reload_empties_and_removes_its_marker;
        /// SYS-08.
        ///
        /// Flips: global_defs.reload_time_file, global_defs.reload_repeat.
        a_reload_happens_at_the_time_of_the_file;
        /// SYS-07.
        ///
        /// Flips: global_defs.reload_check_config.
        complaints_about_a_new_file_go_to_the_log_of_the_check;
        /// CORE-13.
        ///
        /// Flips: global_defs.config_save_dir.
        copies_of_files_and_states_are_kept_around_reloads;
        /// DUMP-01, CORE-12.
        ///
        /// Flips: global_defs.data_use_instance, (root).instance.
        the_data_dump_has_the_name_of_the_instance;
        /// CLI-04, LOG-02.
        every_announcement_is_in_the_detailed_log;
        /// CLI-11: as programs that rotate logs expect it.
        a_reload_opens_the_log_file_anew;
        /// CLI-07.
        without_vrrp_no_instance_runs;
        /// CORE-06, CORE-12.
        ///
        /// Flips: (root).use_pid_dir.
        a_pid_directory_is_used_where_that_is_wanted;
        /// DUMP-01, GLOB-01.
        ///
        /// Flips: global_defs.state_dump_file, global_defs.router_id.
        the_state_dump_goes_where_the_file_says;
        /// CORE-11.
        ///
        /// Flips: global_defs.umask.
        files_are_made_with_the_mask_of_the_file;
        /// DUMP-04.
        ///
        /// Flips: global_defs.json_version.
        the_json_dump_has_the_version_of_the_file;
        /// Adverts of virtual routers that are not configured here.
        ///
        /// Flips: global_defs.log_unknown_vrids.
        adverts_of_unknown_routers_are_told_of_where_that_is_wanted;
        /// SNMP-01, DBUS-01: refused, and the rest of the file runs and can be reloaded.
        what_is_refused_does_not_keep_the_rest_from_running;
    }
}

fn vip() -> IpAddr {
    Conf::new(1).service_address()
}

fn start(kind: Kind, host: &Host, global: &[&str]) -> Daemon {
    start_in(kind, host, Scratch::new(&host.name), global)
}

fn start_in(kind: Kind, host: &Host, scratch: Scratch, global: &[&str]) -> Daemon {
    let daemon = Daemon::start_in(kind, host, scratch, &text(global), &[]);
    daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
    daemon
}

fn text(global: &[&str]) -> String {
    let mut conf = Conf::new(200);
    conf.global = global.iter().map(|line| (*line).to_owned()).collect();
    conf.text()
}

/// The folder in `/proc` of what runs VRRP: the process of C Keepalived, a thread of ours.
fn vrrp_of(daemon: &Daemon, names: &[&str]) -> PathBuf {
    if daemon.kind() == Kind::CKeepalived {
        let pid = fs::read_to_string(daemon.directory().join("vrrp.pid")).expect("a pid file");
        return Path::new("/proc").join(pid.trim());
    }
    let tasks = format!("/proc/{}/task", daemon.pid());
    let find = || {
        let entries = fs::read_dir(&tasks).ok()?;
        let mut folders = entries.flatten().map(|entry| entry.path());
        folders.find(|folder| {
            let name = fs::read_to_string(folder.join("comm")).unwrap_or_default();
            names.contains(&name.trim())
        })
    };
    wait_for(&format!("a thread named {names:?}"), PATIENCE, find)
}

/// Nice value, real-time priority and scheduling policy, from `stat`: proc(5).
fn scheduling(folder: &Path) -> [i64; 3] {
    let stat = fs::read_to_string(folder.join("stat")).expect("it runs");
    let fields: Vec<&str> = stat
        .rsplit_once(") ")
        .expect("a name")
        .1
        .split(' ')
        .collect();
    [19, 40, 41].map(|field: usize| fields[field - 3].parse().expect("a number"))
}

/// A line of `status` or `limits`.
fn line(folder: &Path, file: &str, name: &str) -> String {
    let text = fs::read_to_string(folder.join(file)).expect("it runs");
    let line = text.lines().find(|line| line.starts_with(name));
    let words = line.unwrap_or_default()[name.len()..].split_whitespace();
    words.collect::<Vec<_>>().join(" ")
}

/// Round robin.
const RR: i64 = 2;

fn vrrp_is_scheduled_as_the_file_says(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let mut plain = start(kind, lan.host("a"), &[]);
    let thread = vrrp_of(&plain, &["elections"]);
    assert_eq!(scheduling(&thread), [0, 0, 0]);
    assert_ne!(line(&thread, "status", "Cpus_allowed_list:"), "0");
    assert_eq!(line(&thread, "status", "VmLck:"), "0 kB");
    plain.kill();
    let tuned = start(
        kind,
        lan.host("a"),
        &[
            "vrrp_priority -7",
            "vrrp_rt_priority 12",
            "vrrp_cpu_affinity 0",
            "vrrp_no_swap",
            "vrrp_rlimit_rttime 900000",
        ],
    );
    let thread = vrrp_of(&tuned, &["elections"]);
    // C Keepalived sets the nice value only where there is no real-time priority.
    let nice = if kind == Kind::Ours { -7 } else { 0 };
    assert_eq!(scheduling(&thread), [nice, 12, RR]);
    assert_eq!(line(&thread, "status", "Cpus_allowed_list:"), "0");
    assert_ne!(line(&thread, "status", "VmLck:"), "0 kB");
    // C Keepalived warns at half of it.
    let limit = line(&thread, "limits", "Max realtime timeout");
    assert!(limit.contains("900000"), "{limit}");
    if kind == Kind::Ours {
        // Back to what it was, without a restart.
        tuned.reload_with(&text(&[]));
        tuned.wait_log("Reload complete", 1, PATIENCE);
        wait_until("everything is undone", PATIENCE, || {
            scheduling(&thread) == [0, 0, 0]
                && line(&thread, "status", "Cpus_allowed_list:") != "0"
                && line(&thread, "status", "VmLck:") == "0 kB"
        });
    }
}

fn what_bfd_wants_is_done_to_the_thread_it_shares(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let wishes = [
        "bfd_priority -3",
        "vrrp_priority -1",
        "bfd_rt_priority 9",
        "vrrp_rt_priority 4",
        "bfd_cpu_affinity 0",
        "bfd_no_swap",
        "bfd_process_name ka_bfd",
    ];
    for (old, limit) in [
        ("bfd_rlimit_rttime 800000", "800000 "),
        ("bfd_rlimit_rtime 700000", "700000 "),
        ("vrrp_rlimit_rtime 600000", "600000 "),
    ] {
        let mut global = wishes.to_vec();
        global.push(old);
        let mut daemon = start(kind, lan.host("a"), &global);
        let thread = vrrp_of(&daemon, &["ka_bfd"]);
        assert_eq!(scheduling(&thread), [-3, 9, RR]);
        assert_eq!(line(&thread, "status", "Cpus_allowed_list:"), "0");
        assert_ne!(line(&thread, "status", "VmLck:"), "0 kB");
        let found = line(&thread, "limits", "Max realtime timeout");
        assert!(found.starts_with(limit), "{old}: {found}");
        daemon.kill();
    }
}

fn processes_have_the_names_of_the_file(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let main = |daemon: &Daemon| {
        let comm = fs::read_to_string(format!("/proc/{}/comm", daemon.pid()));
        comm.expect("it runs").trim().to_owned()
    };
    let vrrp = |daemon: &Daemon, name: &str| {
        let folder = vrrp_of(daemon, &[name]);
        let comm = fs::read_to_string(folder.join("comm")).expect("it runs");
        comm.trim().to_owned()
    };
    let mut plain = start(kind, lan.host("a"), &[]);
    assert_ne!(main(&plain), "ka_main");
    plain.kill();
    let own = ["process_name ka_main", "vrrp_process_name ka_vrrp"];
    let mut named = start(kind, lan.host("a"), &own);
    assert_eq!(main(&named), "ka_main");
    assert_eq!(vrrp(&named, "ka_vrrp"), "ka_vrrp");
    named.kill();
    let mut usual = start(kind, lan.host("a"), &["process_names"]);
    assert_eq!(main(&usual), "keepalived");
    assert_eq!(vrrp(&usual, "keepalived_vrrp"), "keepalived_vrrp");
    usual.kill();
}

fn late_timers_raise_the_priority(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    for (global, raised) in [
        (
            &["max_auto_priority 3", "min_auto_priority_delay 200000"][..],
            true,
        ),
        // The default is a second.
        (&["max_auto_priority 3"], false),
        (&["min_auto_priority_delay 200000"], false),
    ] {
        let mut daemon = start(kind, lan.host("a"), global);
        let thread = vrrp_of(&daemon, &["elections"]);
        assert_eq!(scheduling(&thread), [0, 0, 0]);
        daemon.freeze();
        std::thread::sleep(Duration::from_millis(500));
        daemon.thaw();
        daemon.wait_log("A thread timer expired", 1, PATIENCE);
        if raised {
            daemon.wait_log("raised its real-time priority to 1", 1, PATIENCE);
            wait_until("it is", PATIENCE, || scheduling(&thread)[2] == RR);
        } else {
            holds_for("nothing", Duration::from_millis(200), || {
                scheduling(&thread)[2] == 0
            });
        }
        daemon.kill();
    }
}

fn scripts_run_before_and_after_everything(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    let scratch = Scratch::new("a");
    // Each says whether the address is there.
    let say = |what: &str| {
        format!(
            "#!/bin/sh\necho {what} $1 $(ip -br addr show dev eth0 | grep -c 10.9.0.100) >> DIR/said\n"
        )
    };
    scratch.script("up", &say("up"));
    scratch.script("down", &say("down"));
    let global = [
        "startup_script \"DIR/up now\"",
        "shutdown_script \"DIR/down now\" root root",
    ];
    let mut daemon = start_in(kind, host, scratch, &global);
    let said = daemon.directory().join("said");
    wait_until("it serves", PATIENCE, || host.holds(vip()));
    assert_eq!(fs::read_to_string(&said).expect("up ran"), "up now 0\n");
    daemon.terminate();
    daemon.wait_exit(PATIENCE);
    assert_eq!(
        fs::read_to_string(&said).expect("both ran"),
        "up now 0\ndown now 0\n"
    );
    assert_eq!(daemon.logged("startup script"), 2, "{}", daemon.log());
}

fn a_start_up_script_is_ended_at_its_limit(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let scratch = Scratch::new("a");
    scratch.script("hang", "#!/bin/sh\nsleep 60 & wait\n");
    let begin = clock::now();
    let global = [
        "startup_script DIR/hang",
        "startup_script_timeout 1",
        "shutdown_script DIR/hang",
        "shutdown_script_timeout 1",
    ];
    let mut daemon = start_in(kind, lan.host("a"), scratch, &global);
    // By default it would be ten seconds.
    assert!(begin.elapsed() >= Duration::from_secs(1));
    assert!(begin.elapsed() < Duration::from_secs(8));
    assert_eq!(
        daemon.logged("startup script timed out"),
        1,
        "{}",
        daemon.log()
    );
    let stop = clock::now();
    daemon.terminate();
    daemon.wait_exit(PATIENCE);
    assert!(stop.elapsed() >= Duration::from_secs(1));
    assert!(stop.elapsed() < Duration::from_secs(8));
}

fn the_namespace_of_the_file_is_entered(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let other = lan.host("b").netns.name();
    let text = format!("net_namespace {other}\n{}", text(&[]));
    let mut daemon = Daemon::start_in(kind, lan.host("a"), Scratch::new("a"), &text, &[]);
    wait_until("the address is in the other namespace", PATIENCE, || {
        lan.holders(vip()) == ["b"]
    });
    daemon.terminate();
    daemon.wait_exit(PATIENCE);
    assert!(lan.holders(vip()).is_empty());
    let _here = start(kind, lan.host("a"), &[]);
    wait_until("without the line it is here", PATIENCE, || {
        lan.holders(vip()) == ["a"]
    });
}

fn a_reload_does_not_move_to_another_namespace(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let daemon = start(kind, lan.host("a"), &[]);
    let other = lan.host("b").netns.name();
    daemon.reload_with(&format!("net_namespace {other}\n{}", text(&[])));
    daemon.wait_log("`net_namespace` cannot be changed", 1, PATIENCE);
    assert_eq!(lan.holders(vip()), ["a"]);
    daemon.reload_with(&format!("instance red\n{}", text(&[])));
    daemon.wait_log("`instance` cannot be changed", 1, PATIENCE);
    daemon.reload_with(&text(&["router_id other"]));
    daemon.wait_log("Reload complete", 1, PATIENCE);
}

fn a_reload_empties_and_removes_its_marker(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    for (global, removed) in [(&["reload_file DIR/marker"][..], true), (&[], false)] {
        let mut daemon = start(kind, lan.host("a"), global);
        let marker = daemon.directory().join("marker");
        fs::write(&marker, "not yet").expect("scratch is writable");
        daemon.signal(Signal::HUP);
        daemon.wait_log("Reload complete", 1, PATIENCE);
        if removed {
            wait_until("the marker is gone", PATIENCE, || !marker.exists());
        } else {
            assert_eq!(fs::read_to_string(&marker).expect("it stays"), "not yet");
        }
        daemon.kill();
    }
}

/// The time of day in that many seconds, in universal time.
fn universal(seconds: u32) -> String {
    let ahead = format!("+{seconds} seconds");
    let mut date = Command::new("date");
    let output = date
        .args(["-u", "-d", &ahead, "+%Y-%m-%d %H:%M:%SZ"])
        .output();
    let text = String::from_utf8(output.expect("date runs").stdout).expect("a date");
    text.trim().to_owned()
}

fn a_reload_happens_at_the_time_of_the_file(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    for (global, stays) in [
        (&["reload_time_file DIR/at"][..], false),
        (&["reload_time_file DIR/at", "reload_repeat"], true),
    ] {
        let mut daemon = start(kind, lan.host("a"), global);
        let file = daemon.directory().join("at");
        fs::write(&file, universal(3) + "\n").expect("scratch is writable");
        daemon.wait_log("Reload complete", 1, PATIENCE);
        // C Keepalived removes it in any case when it holds a date, against its manual page.
        let stays = stays && kind == Kind::Ours;
        wait_until("the file stays if that is wanted", PATIENCE, || {
            file.exists() == stays
        });
        daemon.kill();
    }
}

fn complaints_about_a_new_file_go_to_the_log_of_the_check(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let daemon = start(kind, lan.host("a"), &["reload_check_config DIR/check.log"]);
    let log = daemon.directory().join("check.log");
    daemon.reload_with(&text(&["vrrp_version 4"]));
    daemon.wait_log("Reload refused", 1, PATIENCE);
    let said = fs::read_to_string(&log).expect("the log of the check");
    assert!(said.contains("`vrrp_version` takes 2 or 3"), "{said}");
    daemon.reload_with(&text(&[]));
    daemon.wait_log("Reload complete", 1, PATIENCE);
    fs::remove_file(&log).expect("it is there");
    daemon.reload_with(&text(&["vrrp_version 4"]));
    daemon.wait_log("Reload refused", 2, PATIENCE);
    assert!(!log.exists(), "without the keyword there is none");
}

fn copies_of_files_and_states_are_kept_around_reloads(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let daemon = start(kind, lan.host("a"), &["config_save_dir DIR/saved"]);
    daemon.reload_with(&text(&["config_save_dir DIR/saved", "router_id second"]));
    daemon.wait_log("Reload complete", 1, PATIENCE);
    let (folder, pid) = (daemon.directory().join("saved"), daemon.pid());
    let read = |name: &str| fs::read_to_string(folder.join(format!("keepalived.{name}")));
    let first = read(&format!("conf.{pid}.0")).expect("the file of the start");
    let second = read(&format!("conf.{pid}.1")).expect("the file of the reload");
    assert!(!first.contains("router_id second") && second.contains("router_id second"));
    for when in ["before", "after"] {
        let name = format!("data.{pid}.1.{when}");
        let state = wait_for("a state", PATIENCE, || read(&name).ok());
        assert!(state.contains("State = MASTER"), "{when}: {state}");
    }
}

fn the_data_dump_has_the_name_of_the_instance(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    for (global, name) in [
        (&["data_use_instance"][..], "keepalived.red.data"),
        (&[], "keepalived.data"),
    ] {
        let text = format!("instance red\n{}", text(global));
        let mut daemon = Daemon::start_in(kind, lan.host("a"), Scratch::new("a"), &text, &[]);
        daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
        daemon.signal(Signal::USR1);
        let dump = daemon.directory().join(name);
        wait_until(&format!("a dump named {name}"), PATIENCE, || dump.exists());
        daemon.kill();
    }
}

fn what_is_refused_does_not_keep_the_rest_from_running(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let global = ["enable_snmp_vrrp", "enable_traps", "enable_dbus"];
    let daemon = start(kind, lan.host("a"), &global);
    assert_eq!(
        daemon.logged("is not supported: there is no SNMP agent here"),
        2
    );
    assert_eq!(
        daemon.logged("`enable_dbus` is not supported: there is no D-Bus"),
        1
    );
    daemon.reload_with(&text(&global));
    daemon.wait_log("Reload complete", 1, PATIENCE);
}

fn every_announcement_is_in_the_detailed_log(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let daemon = start(kind, lan.host("a"), &["vrrp_garp_master_repeat 3"]);
    daemon.wait_log("Sending gratuitous ARP on eth0 for 10.9.0.100", 3, PATIENCE);
}

fn a_reload_opens_the_log_file_anew(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let flags = ["--log-file=DIR/own.log", "--flush-log-file"];
    let daemon = Daemon::start_in(kind, lan.host("a"), Scratch::new("a"), &text(&[]), &flags);
    daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
    let (own, old) = (
        daemon.directory().join("own.log"),
        daemon.directory().join("old.log"),
    );
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    wait_until("the file has the line too", PATIENCE, || {
        read(&own).contains("MASTER STATE")
    });
    fs::rename(&own, &old).expect("it is ours");
    daemon.signal(Signal::HUP);
    wait_until("a new file", PATIENCE, || {
        read(&own).contains("Reload complete")
    });
    assert!(!read(&old).contains("Reload"), "{}", read(&old));
}

fn without_vrrp_no_instance_runs(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let checks = Daemon::start_in(
        kind,
        lan.host("a"),
        Scratch::new("a"),
        &text(&[]),
        &["-C", "-x"],
    );
    checks.wait_log("Startup complete", 1, PATIENCE);
    checks.wait_log("-x and -A are not supported", 1, PATIENCE);
    let both = Daemon::start_in(
        kind,
        lan.host("b"),
        Scratch::new("b"),
        &text(&[]),
        &["-C", "-P"],
    );
    both.wait_log("Entering MASTER STATE", 1, PATIENCE);
    assert_eq!(checks.logged("Entering"), 0, "{}", checks.log());
    assert_eq!(lan.holders(vip()), ["b"]);
}

/// The pid files of the command line go first, so this one has none.
fn a_pid_directory_is_used_where_that_is_wanted(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let unique = format!("lab{}", std::process::id());
    let folder = Path::new("/run/keepalived");
    let existed = folder.exists();
    // With a name of its own, so that no other daemon of this machine is met.
    let text = format!("use_pid_dir\ninstance {unique}\n{}", text(&[]));
    let scratch = Scratch::new("a");
    let conf = scratch.file("own.conf");
    fs::write(&conf, text).expect("scratch is writable");
    let program = lab::daemon::program(kind);
    let mut command = lan
        .host("a")
        .netns
        .command(program.to_str().expect("UTF-8"));
    let log = fs::File::create(scratch.file("log")).expect("scratch is writable");
    command
        .args(["-n", "-l", "-G", "-f"])
        .arg(&conf)
        .stdout(log.try_clone().expect("one more"));
    if kind == Kind::Ours {
        command.arg("--no-socket");
    }
    let mut child = command.stderr(log).spawn().expect("it starts");
    let pid_file = |name: &str| folder.join(format!("{name}_{unique}.pid"));
    let written = || {
        fs::read_to_string(pid_file("keepalived"))
            .is_ok_and(|text| text.trim() == child.id().to_string())
            && pid_file("vrrp").exists()
    };
    wait_until("the pid files are in their folder", PATIENCE, written);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, Signal::TERM).expect("it runs");
    child.wait().expect("it ends");
    assert!(!pid_file("keepalived").exists() && !pid_file("vrrp").exists());
    if !existed {
        let _not_ours_alone = fs::remove_dir(folder);
    }
}

fn the_state_dump_goes_where_the_file_says(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    for (global, name, id) in [
        (&[][..], "keepalived.data", "lab"),
        (&["state_dump_file DIR/mine"], "mine", "lab"),
        (
            &["state_dump_file DIR/sub/", "router_id red"],
            "sub/keepalived.data",
            "red",
        ),
    ] {
        // C Keepalived 2.2.7 does not know the keyword.
        if kind == Kind::CKeepalived && !global.is_empty() {
            continue;
        }
        let scratch = Scratch::new("a");
        fs::create_dir(scratch.file("sub")).expect("scratch is writable");
        let mut daemon = start_in(kind, lan.host("a"), scratch, global);
        daemon.signal(Signal::USR1);
        let path = daemon.directory().join(name);
        let text = wait_for(&format!("a dump at {name}"), PATIENCE, || {
            let text = fs::read_to_string(&path).ok();
            text.filter(|text| text.contains("State = MASTER"))
        });
        assert!(text.contains(&format!("Router ID = {id}")), "{text}");
        daemon.kill();
    }
}

fn files_are_made_with_the_mask_of_the_file(kind: Kind) {
    use std::os::unix::fs::PermissionsExt;
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let fifo = "vrrp_notify_fifo DIR/fifo";
    for (global, mode) in [(&[fifo][..], 0o600), (&["umask 026", fifo], 0o640)] {
        let mut daemon = start(kind, lan.host("a"), global);
        let facts = fs::metadata(daemon.directory().join("fifo")).expect("a pipe");
        assert_eq!(facts.permissions().mode() & 0o777, mode);
        daemon.kill();
    }
}

fn the_json_dump_has_the_version_of_the_file(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    for (global, object) in [(&[][..], false), (&["json_version 2"], true)] {
        if kind == Kind::CKeepalived && object {
            // From 2.2.8 on.
            continue;
        }
        let mut daemon = start(kind, lan.host("a"), global);
        let json = daemon.dump_json();
        let instances = if object { &json["vrrp"] } else { &json };
        assert_eq!(instances[0]["data"]["iname"], "VI_1", "{json}");
        daemon.kill();
    }
}

fn adverts_of_unknown_routers_are_told_of_where_that_is_wanted(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a", "b", "c"]);
    let told = start(kind, lan.host("a"), &["log_unknown_vrids"]);
    let mut other = Conf::new(100);
    other.vrid = 77;
    other.addresses = vec!["10.9.0.77/24".to_owned()];
    let quiet = Daemon::start(kind, lan.host("c"), &Conf::new(150));
    let _b = Daemon::start(Kind::CKeepalived, lan.host("b"), &other);
    told.wait_log("Unknown VRID(77) received on interface(eth0)", 1, PATIENCE);
    assert_eq!(quiet.logged("Unknown VRID"), 0, "{}", quiet.log());
}
