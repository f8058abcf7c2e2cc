//! Scripts that decide who is master: what they change, and what they must not disturb.
//!
//! `c::` runs C Keepalived where it makes the same promise, which proves the test; `ours::` runs ours.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use lab::clock;
use lab::wait::holds_for;
use lab::{Capture, Conf, Daemon, Kind, Lan, Scratch, wait_until};

const PATIENCE: Duration = Duration::from_secs(20);

lab::for_kinds! {
    c = CKeepalived {
        a_script_moves_mastership_both_ways;
        a_weighted_script_moves_mastership_both_ways;
        results_count_by_rise_and_fall;
        weights_are_those_of_the_use_or_of_the_definition;
        a_script_that_takes_too_long_has_failed;
        what_does_not_run_yet_waits_for_the_first_result;
        a_bad_first_result_runs_the_fault_script;
    }

    ours = Ours {
        /// TRK-02, TRK-03, KA-W-01.
        /// Flips: (root).vrrp_script, vrrp_script.script, vrrp_instance.track_script.
        a_script_moves_mastership_both_ways;
        /// TRK-02, TRK-03, KA-W-02.
        /// Flips: vrrp_script.weight.
        a_weighted_script_moves_mastership_both_ways;
        /// KA-W-07, TRK-11.
        /// Flips: vrrp_script.rise, vrrp_script.fall.
        results_count_by_rise_and_fall;
        /// TRK-03, TRK-08, KA-W-03, KA-W-11.
        /// Flips: TRACK-ENTRY/(name), TRACK-ENTRY/weight, TRACK-ENTRY/reverse, TRACK-ENTRY/noreverse.
        weights_are_those_of_the_use_or_of_the_definition;
        /// KA-W-07, SCR-11.
        /// Flips: vrrp_script.timeout.
        a_script_that_takes_too_long_has_failed;
        /// TRK-10, KA-ST-08.
        /// Flips: vrrp_script.init_fail.
        what_does_not_run_yet_waits_for_the_first_result;
        /// TRK-10, KA-O-08.
        a_bad_first_result_runs_the_fault_script;
    }
}

/// A folder with a script that appends a line to `runs` and then exits with what is in `code`.
struct Check {
    scratch: Scratch,
}

impl Check {
    fn new() -> Self {
        let check = Self {
            scratch: Scratch::new("check"),
        };
        check.returns(0);
        check.program(
            "check",
            "date +%s.%N >> \"$folder/runs\"; exit $(cat \"$folder/code\")",
        );
        check
    }

    fn file(&self, name: &str) -> PathBuf {
        self.scratch.file(name)
    }

    /// From now on the script exits with this.
    fn returns(&self, code: u8) {
        // In one step, so that no run reads half of it.
        fs::write(self.file("code.new"), code.to_string()).expect("scratch is writable");
        fs::rename(self.file("code.new"), self.file("code")).expect("scratch is writable");
    }

    /// Another script in the folder; `$folder` is the folder.
    fn program(&self, name: &str, body: &str) -> String {
        let text = format!("#!/bin/sh\nfolder=DIR\n{body}\n");
        let path = self.scratch.script(name, &text);
        path.display().to_string()
    }

    /// How often the script has run.
    fn runs(&self) -> usize {
        let runs = fs::read_to_string(self.file("runs")).unwrap_or_default();
        runs.lines().count()
    }

    /// A definition of the script under the name `chk`.
    fn definition(&self, lines: &str) -> String {
        script("chk", &self.file("check").display().to_string(), lines)
    }
}

fn script(name: &str, command: &str, lines: &str) -> String {
    format!("vrrp_script {name} {{\n    script \"{command}\"\n{lines}\n}}\n")
}

/// A configuration in which VI_1 tracks these.
fn tracking(priority: u8, definitions: &str, entries: &str) -> String {
    let conf = Conf::new(priority).with(&format!("track_script {{\n{entries}\n}}"));
    with_definitions(&conf, definitions)
}

/// Definitions have to come first: C Keepalived looks for them while it reads their use.
fn with_definitions(conf: &Conf, definitions: &str) -> String {
    let text = conf.text();
    let at = text.find("vrrp_instance").expect("there is an instance");
    let (head, instance) = text.split_at(at);
    format!("{head}{definitions}{instance}")
}

#[track_caller]
fn wait_only_master(lan: &Lan, capture: &Capture, host: &str) {
    let vip = Conf::new(1).service_address();
    wait_until(&format!("{host} is the only master"), PATIENCE, || {
        capture.alone(host, Duration::from_millis(300)) && lan.holders(vip) == [host]
    });
}

/// `a`, better than `b`, but with a check; the mastership follows the check.
fn follows_the_check(kind: Kind, lines: &str) {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let capture = Capture::start(&lan);
    let check = Check::new();
    let conf = tracking(200, &check.definition(lines), "chk");
    let _a = Daemon::start_with(kind, lan.host("a"), &conf);
    let _b = Daemon::start(Kind::CKeepalived, lan.host("b"), &Conf::new(100));
    wait_only_master(&lan, &capture, "a");
    check.returns(1);
    wait_only_master(&lan, &capture, "b");
    check.returns(0);
    wait_only_master(&lan, &capture, "a");
}

fn a_script_moves_mastership_both_ways(kind: Kind) {
    follows_the_check(kind, "interval 1");
}

fn a_weighted_script_moves_mastership_both_ways(kind: Kind) {
    follows_the_check(kind, "interval 1\nweight -150");
}

fn results_count_by_rise_and_fall(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let check = Check::new();
    let conf = tracking(100, &check.definition("interval 1\nrise 2\nfall 3"), "chk");
    let a = Daemon::start_with(kind, lan.host("a"), &conf);
    a.wait_log("VRRP_Script(chk) succeeded", 1, PATIENCE);
    assert!(check.runs() <= 1, "the first result counts at once");
    // A run may have begun before the change: it is not counted on.
    for (code, needed, line) in [
        (1, 3, "VRRP_Script(chk) failed (exited with status 1)"),
        (0, 2, "VRRP_Script(chk) succeeded"),
    ] {
        check.returns(code);
        let before = check.runs();
        let times = if code == 0 { 2 } else { 1 };
        let start = clock::now();
        while a.logged(line) < times {
            assert!(start.elapsed() < PATIENCE, "not {line:?}:\n{}", a.log());
            assert!(
                check.runs() <= before + needed + 1,
                "{line:?} after more than {needed} results"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        let after = check.runs();
        assert!(
            after >= before + needed,
            "{line:?} after {} results, not {needed}",
            after - before
        );
    }
    assert_eq!(a.logged("now returning 1"), 1, "{}", a.log());
}

fn weights_are_those_of_the_use_or_of_the_definition(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let check = Check::new();
    let command = check.file("check").display().to_string();
    // Powers of two: the sum says which of them count.
    let definitions: String = [
        ("plain", "weight 1"),
        ("overridden", "weight 200"),
        ("turned", "weight 4"),
        ("reversed", "weight 8 reverse"),
        ("straight", "weight 16 reverse"),
    ]
    .into_iter()
    .map(|(name, weight)| script(name, &command, &format!("interval 1\n{weight}")))
    .collect();
    let entries = "plain\noverridden weight 2\nturned weight 4 reverse\nreversed\n\
                   straight weight 16 noreverse";
    let conf = tracking(100, &definitions, entries);
    let a = Daemon::start_with(kind, lan.host("a"), &conf);
    let effective = 100 + 1 + 2 - 4 - 8 + 16;
    a.wait_log(&format!(" to {effective}"), 1, PATIENCE);
    for name in ["plain", "overridden", "turned", "reversed", "straight"] {
        a.wait_log(&format!("VRRP_Script({name}) succeeded"), 1, PATIENCE);
    }
}

fn a_script_that_takes_too_long_has_failed(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let check = Check::new();
    let slow = check.program("slow", "test -e \"$folder/code.slow\" && sleep 30; exit 0");
    let conf = tracking(100, &script("chk", &slow, "interval 2\ntimeout 1"), "chk");
    let a = Daemon::start_with(kind, lan.host("a"), &conf);
    a.wait_log("VRRP_Script(chk) succeeded", 1, PATIENCE);
    fs::write(check.file("code.slow"), "").expect("scratch is writable");
    a.wait_log("VRRP_Script(chk) timed_out", 1, PATIENCE);
    a.wait_log("Entering FAULT STATE", 1, PATIENCE);
    fs::remove_file(check.file("code.slow")).expect("scratch is writable");
    a.wait_log("VRRP_Script(chk) succeeded", 2, PATIENCE);
    a.wait_log("Entering BACKUP STATE", 2, PATIENCE);
}

/// The instance does not even listen for its turn before the check has a result.
fn what_does_not_run_yet_waits_for_the_first_result(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let capture = Capture::start(&lan);
    let check = Check::new();
    let gate = check.program(
        "gate",
        "while ! test -e \"$folder/open\"; do sleep 0.1; done",
    );
    let lines = "interval 60\ntimeout 50";
    let waiting = tracking(200, &script("chk", &gate, lines), "chk");
    let failed = tracking(
        200,
        &script("chk", &gate, &format!("{lines}\ninit_fail")),
        "chk",
    );
    let a = Daemon::start_with(kind, lan.host("a"), &waiting);
    let b = Daemon::start_with(kind, lan.host("b"), &failed);
    a.wait_log("Startup complete", 1, PATIENCE);
    b.wait_log("Startup complete", 1, PATIENCE);
    let vip = Conf::new(1).service_address();
    holds_for("nobody takes the address", Duration::from_secs(2), || {
        lan.holders(vip).is_empty() && capture.adverts().is_empty()
    });
    if kind == Kind::Ours {
        let state = |daemon: &Daemon| daemon.status()["trackers"][0]["state"].clone();
        assert_eq!((state(&a), state(&b)), ("unknown".into(), "down".into()));
    }
    fs::write(check.file("open"), "").expect("scratch is writable");
    wait_until("one of them takes it", PATIENCE, || {
        lan.holders(vip).len() == 1
    });
}

fn ours(host: &str, lan: &Lan, definitions: &str, entries: &str) -> Daemon {
    let conf = tracking(100, definitions, entries);
    Daemon::start_with(Kind::Ours, lan.host(host), &conf)
}

/// SCR-13: keepalived takes a program that is gone for a success and may become master by it.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_script_that_was_deleted_has_failed() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let check = Check::new();
    let a = ours("a", &lan, &check.definition("interval 0.2"), "chk");
    a.wait_log("Entering MASTER STATE", 1, PATIENCE);
    let (path, aside) = (check.file("check"), check.file("aside"));
    fs::rename(&path, &aside).expect("scratch is writable");
    a.wait_log("VRRP_Script(chk) failed (could not be started", 1, PATIENCE);
    a.wait_log("Entering FAULT STATE", 1, PATIENCE);
    let tracker = a.status()["trackers"][0].clone();
    assert_eq!(tracker["state"], "down", "{tracker}");
    fs::rename(&aside, &path).expect("scratch is writable");
    a.wait_log("VRRP_Script(chk) succeeded", 2, PATIENCE);
    a.wait_log("Entering MASTER STATE", 2, PATIENCE);
}

/// TRK-02: more often than once a second, and a script of another account.
/// Flips: vrrp_script.interval, vrrp_script.user.
#[test]
#[ignore = "live: cargo xtask live"]
fn interval_and_user_are_those_of_the_definition() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let check = Check::new();
    let who = check.program("who", "test \"$(id -u)\" != 0");
    let definitions = check.definition("interval 0.1")
        + &script("root", &who, "interval 1\nweight 10")
        + &script("nobody", &who, "interval 1\nweight 20\nuser nobody");
    // The folder has to be open to the other account.
    fs::set_permissions(check.scratch.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    let start = clock::now();
    let a = ours("a", &lan, &definitions, "chk\nroot\nnobody");
    wait_until("twenty runs", PATIENCE, || check.runs() >= 20);
    let took = start.elapsed();
    assert!(took < Duration::from_secs(12), "20 runs took {took:?}");
    a.wait_log(
        "VRRP_Script(root) failed (exited with status 1)",
        1,
        PATIENCE,
    );
    a.wait_log("VRRP_Script(nobody) succeeded", 1, PATIENCE);
    a.wait_log("Changing effective priority from 100 to 120", 1, PATIENCE);
}

/// TRK-11: what nobody tracks does not run. SCR-12: a path behind `<` is opened, no more.
#[test]
#[ignore = "live: cargo xtask live"]
fn an_unused_script_does_not_run_and_a_redirection_opens_a_port_or_a_file() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let check = Check::new();
    let path = check.file("watched").display().to_string();
    let definitions = check.definition("interval 0.1")
        + &script(
            "port",
            "</dev/tcp/127.0.0.1/7080",
            "interval 0.2\nweight 10",
        )
        + &script("file", &format!("<{path}"), "interval 0.2\nweight 20");
    let a = ours("a", &lan, &definitions, "port\nfile");
    a.wait_log("VRRP_Script(port) failed", 1, PATIENCE);
    a.wait_log("VRRP_Script(file) failed", 1, PATIENCE);
    let host = lan.host("a");
    let listener = host.netns.spawn(|| {
        let listener = std::net::TcpListener::bind("127.0.0.1:7080").expect("the port is free");
        let _accepted = listener.accept();
    });
    a.wait_log("VRRP_Script(port) succeeded", 1, PATIENCE);
    fs::write(&path, "").expect("scratch is writable");
    a.wait_log("VRRP_Script(file) succeeded", 1, PATIENCE);
    let _ended = listener.join();
    assert_eq!(check.runs(), 0, "nobody tracks it");
    a.wait_log("script chk is not used", 1, PATIENCE);
}

/// LESSONS A6: a script that ignores TERM and has children, and one that floods its output, hold up
/// nothing and leave nothing behind.
#[test]
#[ignore = "live: cargo xtask live"]
fn bad_scripts_hold_up_nothing_and_leave_nothing_behind() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let check = Check::new();
    let deaf = check.program(
        "deaf",
        "trap '' TERM; echo x >> \"$folder/deaf.runs\"; sleep 77 & while :; do sleep 76; done",
    );
    let flood = check.program("flood", "yes no | head -c 100000000; yes no >&2");
    let definitions = script("deaf", &deaf, "interval 0.3\ntimeout 0.3\nweight 1")
        + &script("flood", &flood, "interval 1\ntimeout 0.9\nweight 1")
        + &check.definition("interval 0.3");
    let mut a = ours("a", &lan, &definitions, "deaf\nflood\nchk");
    a.wait_log("VRRP_Script(deaf) timed_out", 1, PATIENCE);
    a.wait_log("VRRP_Script(flood) timed_out", 1, PATIENCE);
    let before = check.runs();
    wait_until("the good one goes on", PATIENCE, || {
        check.runs() > before + 10
    });
    let deaf_runs = || {
        let runs = fs::read_to_string(check.file("deaf.runs")).unwrap_or_default();
        runs.lines().count()
    };
    wait_until("the deaf one is killed and runs again", PATIENCE, || {
        deaf_runs() >= 3
    });
    let zombies = |daemon: &mut Daemon| {
        let all = daemon.processes();
        let is_zombie = |pid: &str| {
            fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
        };
        all.iter()
            .filter(|pid| is_zombie(&pid.as_raw_nonzero().to_string()))
            .count()
    };
    // One may just have ended; none may stay.
    wait_until("no zombies", PATIENCE, || zombies(&mut a) == 0);
    wait_until("few processes", PATIENCE, || a.processes().len() < 12);
    a.terminate();
    a.wait_exit(PATIENCE);
    let folder = check.scratch.path().display().to_string();
    wait_until("nothing of them runs", PATIENCE, || !anybody_runs(&folder));
}

/// Whether some process has this in its command line.
fn anybody_runs(text: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("there is /proc");
    processes.flatten().any(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(text)
    })
}

/// LESSONS A3: a reload keeps the state of what is unchanged, asks what is changed at once, and
/// throws out nobody meanwhile.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_reload_keeps_states_and_asks_a_changed_script_at_once() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let check = Check::new();
    let gate = check.program(
        "gate",
        "while ! test -e \"$folder/open\"; do sleep 0.1; done; exit 3",
    );
    let kept = script("kept", "/bin/true", "interval 600\nweight 10");
    let a = ours(
        "a",
        &lan,
        &(kept.clone() + &check.definition("interval 600")),
        "kept\nchk",
    );
    a.wait_log("Entering MASTER STATE", 1, PATIENCE);
    a.wait_log("VRRP_Script(kept) succeeded", 1, PATIENCE);
    // The same name with another command, that takes its time, and a new one.
    let definitions = kept
        + &script("chk", &gate, "interval 600\nfall 5")
        + &script("new", &gate, "interval 600");
    a.reload_with(&tracking(100, &definitions, "kept\nchk\nnew"));
    a.wait_log("Reload complete", 1, PATIENCE);
    let vip = Conf::new(1).service_address();
    holds_for("it stays master", Duration::from_secs(1), || {
        lan.holders(vip) == ["a"]
    });
    let status = a.status();
    assert_eq!(status["instances"][0]["effective_priority"], 110);
    assert_eq!(a.logged("VRRP_Script(kept) succeeded"), 1, "not run again");
    fs::write(check.file("open"), "").expect("scratch is writable");
    a.wait_log(
        "VRRP_Script(chk) failed (exited with status 3)",
        1,
        PATIENCE,
    );
    a.wait_log("Entering FAULT STATE", 1, PATIENCE);
    assert_eq!(a.logged("Entering MASTER STATE"), 1, "{}", a.log());
}

/// LESSONS A7, KA#2519: a thousand scripts a second do not make adverts late.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_thousand_scripts_a_second_leave_the_elections_alone() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let (mut definitions, mut entries) = (String::new(), String::new());
    for number in 0..1000 {
        definitions += &script(&format!("s{number}"), "/bin/true", "interval 1\nweight 1");
        entries += &format!("s{number}\n");
    }
    lab::canary::start();
    let begin = clock::stamp();
    let a = ours("a", &lan, &definitions, &entries);
    a.wait_log("Entering MASTER STATE", 1, PATIENCE);
    let runs = |daemon: &Daemon| -> u64 {
        let status = daemon.status();
        let trackers = status["trackers"].as_array().cloned().unwrap_or_default();
        trackers.iter().filter_map(|one| one["runs"].as_u64()).sum()
    };
    wait_until("each has run", PATIENCE, || runs(&a) >= 1000);
    let (before, start) = (runs(&a), clock::now());
    // A measurement, not a wait: the rate and the lateness of five seconds.
    std::thread::sleep(Duration::from_secs(5));
    let (after, took) = (runs(&a), start.elapsed());
    let noise = lab::lateness_between(begin, clock::stamp());
    let status = a.status();
    let late = status["loop"]["worst_lateness_seconds"]
        .as_f64()
        .expect("a number");
    let rate = (after - before) as f64 / took.as_secs_f64();
    eprintln!("{rate:.0} runs a second, worst lateness {late:.6} s, canary {noise:?}");
    assert!(
        late < 0.02 + noise.as_secs_f64(),
        "late by {late} s, canary {noise:?}"
    );
    assert_eq!(status["instances"][0]["state"], "MASTER");
}

/// TRK-12: what a group tracks holds, or moves, every member.
/// Flips: vrrp_sync_group.track_script, vrrp_sync_group.track_file, vrrp_sync_group.track_process.
#[test]
#[ignore = "live: cargo xtask live"]
fn trackers_of_a_group_are_those_of_every_member() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let check = Check::new();
    let file = check.file("number");
    fs::write(&file, "5").expect("scratch is writable");
    let definitions = check.definition("interval 0.2")
        + &format!("track_file number {{\nfile \"{}\"\n}}\n", file.display())
        + "vrrp_track_process ours {\nprocess lab-nowhere\nquorum_max 0\nweight 10\n}\n";
    let mut second = Conf::new(100);
    second.vrid = 52;
    second.addresses = vec!["10.9.0.101/24".to_owned()];
    let second = second.text().replace("VI_1", "VI_2");
    let at = second.find("vrrp_instance").expect("there is an instance");
    let (_, second) = second.split_at(at);
    let conf = with_definitions(&Conf::new(100), &definitions)
        + second
        + "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\ntrack_script {\nchk\n}\n\
           track_file {\nnumber\n}\ntrack_process {\nours\n}\n}\n";
    let a = Daemon::start_with(Kind::Ours, lan.host("a"), &conf);
    let both = |line: &str, times| {
        a.wait_log(&format!("(VI_1) {line}"), times, PATIENCE);
        a.wait_log(&format!("(VI_2) {line}"), times, PATIENCE);
    };
    both("Entering MASTER STATE", 1);
    wait_until(
        "both are moved by the file and the processes",
        PATIENCE,
        || {
            let status = a.status();
            [0, 1]
                .iter()
                .all(|one| status["instances"][one]["effective_priority"] == 115)
        },
    );
    check.returns(1);
    both("Entering FAULT STATE", 1);
    check.returns(0);
    both("Entering MASTER STATE", 2);
}

/// Whether the result is there before the router starts or after, it is at fault from the start, and
/// so is its group.
fn a_bad_first_result_runs_the_fault_script(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    for wait in ["0", "1"] {
        let scratch = Scratch::new("a");
        let script = scratch.script("check", &format!("#!/bin/sh\nsleep {wait}\nexit 1\n"));
        let note = scratch.script("note", "#!/bin/sh\necho \"$@\" >> \"${0%/*}/notes\"\n");
        let note = note.display();
        let first = Conf::new(100)
            .with("track_script {\nbad\n}")
            .with(&format!("notify \"{note}\""))
            .text();
        let mut second = Conf::new(100);
        second.vrid = 99;
        second.addresses = vec!["10.9.0.99/24".to_owned()];
        let second = second.text().replace("VI_1", "VI_2");
        let (_, second) = second.split_once("vrrp_instance").expect("there is one");
        let (head, first) = first.split_once("vrrp_instance").expect("there is one");
        let conf = format!(
            "{head}vrrp_script bad {{\nscript \"{}\"\ninterval 3\nfall 1\n}}\n\
             vrrp_sync_group G {{\ngroup {{\nVI_1\nVI_2\n}}\nnotify \"{note}\"\n}}\n\
             vrrp_instance{first}vrrp_instance{second}",
            script.display()
        );
        let mut daemon = Daemon::start_in(kind, lan.host("a"), scratch, &conf, &[]);
        let file = daemon.directory().join("notes");
        let told = || {
            let text = fs::read_to_string(&file).unwrap_or_default();
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort_unstable();
            lines
        };
        wait_until("the scripts are told of FAULT", PATIENCE, || {
            told() == ["GROUP G FAULT 0", "INSTANCE VI_1 FAULT 100"]
        });
        daemon.kill();
    }
}
