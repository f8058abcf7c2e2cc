//! Scripts on state changes: as whom, with what around them, and what happens to those that misbehave.
//!
//! `c::` runs C Keepalived where it makes the same promise, which proves the test; `ours::` runs ours.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lab::pipe::PipeReader;
use lab::wait::holds_for;
use lab::{Capture, Conf, Daemon, Host, Kind, Lan, Scratch, clock, wait_for, wait_until};
use rustix::process::Signal;

const PATIENCE: Duration = Duration::from_secs(12);

lab::for_kinds! {
    c = CKeepalived {
        a_script_has_the_account_of_the_file;
        a_script_that_others_can_change_is_not_run_where_security_is_wanted;
        a_stop_waits_for_its_script;
        a_master_that_hears_a_lesser_one_says_so;
    }

    ours = Ours {
        /// SCR-02, SCR-03.
        ///
        /// Flips: global_defs.script_user, vrrp_instance.notify_master.
        a_script_has_the_account_of_the_file;
        /// SCR-06.
        ///
        /// Flips: global_defs.set_supplementary_groups.
        a_script_has_the_groups_of_its_user_where_that_is_wanted;
        /// SCR-04, LESSONS C: a safe link to a script that others can change.
        ///
        /// Flips: global_defs.enable_script_security.
        a_script_that_others_can_change_is_not_run_where_security_is_wanted;
        /// SCR-07.
        ///
        /// Flips: global_defs.use_symlink_paths.
        links_in_the_path_of_a_script_stay_where_that_is_wanted;
        /// NOTI-02.
        ///
        /// Flips: vrrp_instance.notify_stop.
        a_stop_waits_for_its_script;
        /// NOTI-05.
        ///
        /// Flips: vrrp_instance.notify_master_rx_lower_pri.
        a_master_that_hears_a_lesser_one_says_so;
        /// SCR-10: no descriptor, no odd environment, a process group of its own.
        scripts_find_a_clean_house;
        /// CORE-04, SCR-10.
        a_script_hears_of_the_death_of_the_daemon;
        /// LESSONS A6, A7: hangs, floods its output, ignores TERM.
        a_script_that_misbehaves_delays_nothing_and_leaves_nothing;
        /// LESSONS A6, A7: the script for the stop itself is no exception.
        a_stop_script_that_misbehaves_does_not_outlive_the_daemon;
        /// SCR-13, in our way: a failure, and told as one.
        a_script_that_cannot_be_started_is_told_of;
    }
}

/// A file with these lines in `global_defs`, and in the instance.
fn text(global: &[&str], instance: &[&str]) -> String {
    let mut conf = Conf::new(200);
    conf.global = global.iter().map(|line| (*line).to_owned()).collect();
    for line in instance {
        conf = conf.with(line);
    }
    // The usual file has a user for scripts of its own.
    match global.iter().any(|line| line.starts_with("script_user")) {
        true => conf.text().replacen("    script_user root\n", "", 1),
        false => conf.text(),
    }
}

/// A directory with one that everybody may write to, `DIR/out`.
fn scratch() -> Scratch {
    let scratch = Scratch::new("a");
    let out = scratch.file("out");
    fs::create_dir(&out).expect("scratch is writable");
    fs::set_permissions(&out, fs::Permissions::from_mode(0o777)).expect("it is ours");
    scratch
}

#[track_caller]
fn wait_text(path: &Path) -> String {
    wait_for(&format!("{} is written", path.display()), PATIENCE, || {
        fs::read_to_string(path)
            .ok()
            .filter(|text| text.ends_with('\n'))
    })
}

fn a_script_has_the_account_of_the_file(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let master = "notify_master DIR/who";
    for (global, instance, expected) in [
        ("script_user root", master, "0 0\n"),
        ("script_user nobody", master, "65534 65534\n"),
        ("script_user nobody daemon", master, "65534 1\n"),
        (
            "script_user nobody",
            "notify_master DIR/who daemon nogroup",
            "1 65534\n",
        ),
    ] {
        let scratch = scratch();
        let script = scratch.script(
            "who",
            "#!/bin/sh\necho $(id -u) $(id -g) > DIR/out/w; mv DIR/out/w DIR/out/who\n",
        );
        assert!(script.exists());
        let text = text(&[global], &[instance]);
        let mut daemon = Daemon::start_in(kind, lan.host("a"), scratch, &text, &[]);
        assert_eq!(
            wait_text(&daemon.directory().join("out/who")),
            expected,
            "{instance}"
        );
        daemon.kill();
    }
}

/// More groups for a namespace: `ip netns exec` puts files of this folder in the place of those in
/// `/etc`.
struct Groups(PathBuf);

impl Groups {
    fn new(host: &Host, lines: &str) -> Self {
        let folder = Path::new("/etc/netns").join(host.netns.name());
        fs::create_dir_all(&folder).expect("root may");
        let groups = fs::read_to_string("/etc/group").expect("there are groups");
        fs::write(folder.join("group"), groups + lines).expect("root may");
        Self(folder)
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

fn a_script_has_the_groups_of_its_user_where_that_is_wanted(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let _groups = Groups::new(lan.host("a"), "kalab:x:54321:nobody\n");
    let plain = "notify_master DIR/who nobody nogroup";
    let colon = "notify_master DIR/who nobody :nogroup";
    for (global, instance, expected) in [
        ("", plain, "65534\n"),
        ("", colon, "65534 54321\n"),
        ("set_supplementary_groups", plain, "65534 54321\n"),
        ("set_supplementary_groups off", plain, "65534\n"),
    ] {
        let scratch = scratch();
        scratch.script(
            "who",
            "#!/bin/sh\nid -G > DIR/out/w; mv DIR/out/w DIR/out/who\n",
        );
        let text = text(&[global], &[instance]);
        let mut daemon = Daemon::start_in(kind, lan.host("a"), scratch, &text, &[]);
        let groups = wait_text(&daemon.directory().join("out/who"));
        assert_eq!(groups, expected, "{global} {instance}");
        daemon.kill();
    }
}

fn a_script_that_others_can_change_is_not_run_where_security_is_wanted(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    for (security, runs) in [("", true), ("enable_script_security", false)] {
        let scratch = scratch();
        // The folder is everybody's, so that everybody can put another script in its place.
        scratch.script("out/open", "#!/bin/sh\necho > DIR/open\n");
        scratch.script("closed", "#!/bin/sh\necho > DIR/closed\n");
        symlink(scratch.file("out/open"), scratch.file("link")).expect("scratch is writable");
        let text = text(
            &[security],
            &["notify_backup DIR/closed", "notify_master DIR/link"],
        );
        let mut daemon = Daemon::start_in(kind, lan.host("a"), scratch, &text, &[]);
        wait_text(&daemon.directory().join("closed"));
        daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
        let open = daemon.directory().join("open");
        if runs {
            wait_text(&open);
        } else {
            holds_for("it does not run", Duration::from_millis(400), || {
                !open.exists()
            });
        }
        daemon.kill();
    }
}

fn links_in_the_path_of_a_script_stay_where_that_is_wanted(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    for (global, name) in [("", "real"), ("use_symlink_paths", "link")] {
        let scratch = scratch();
        let real = scratch.script("real", "#!/bin/sh\nbasename $0 > DIR/name\n");
        symlink(real, scratch.file("link")).expect("scratch is writable");
        let text = text(&[global], &["notify_master DIR/link"]);
        let mut daemon = Daemon::start_in(kind, lan.host("a"), scratch, &text, &[]);
        assert_eq!(wait_text(&daemon.directory().join("name")).trim(), name);
        daemon.kill();
    }
}

fn a_stop_waits_for_its_script(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    for (line, expected) in [("notify_stop DIR/bye", "bye\n"), ("", "")] {
        let scratch = scratch();
        scratch.script("bye", "#!/bin/sh\nsleep 0.4\necho bye > DIR/bye.log\n");
        let text = text(&[], &[line]);
        let mut daemon = Daemon::start_in(kind, lan.host("a"), scratch, &text, &[]);
        daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
        let log = daemon.directory().join("bye.log");
        daemon.terminate();
        daemon.wait_exit(PATIENCE);
        assert_eq!(fs::read_to_string(log).unwrap_or_default(), expected);
    }
}

/// The lesser one does not hear the better one, and takes over.
fn a_master_that_hears_a_lesser_one_says_so(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let scratch = scratch();
    scratch.script("lower", "#!/bin/sh\necho lower $* > DIR/lower.log\n");
    let text = text(
        &["vrrp_notify_fifo DIR/fifo"],
        &[
            "notify_master_rx_lower_pri \"DIR/lower now\"",
            "notify DIR/none",
        ],
    );
    let a = Daemon::start_in(kind, lan.host("a"), scratch, &text, &[]);
    let mut pipe = PipeReader::new(&a.directory().join("fifo"));
    pipe.wait_line("INSTANCE \"VI_1\" MASTER 200", PATIENCE);
    lan.deafen("b");
    let _b = Daemon::start(Kind::CKeepalived, lan.host("b"), &Conf::new(100));
    assert_eq!(wait_text(&a.directory().join("lower.log")), "lower now\n");
    pipe.wait_line("INSTANCE \"VI_1\" MASTER_RX_LOWER_PRI 200", PATIENCE);
}

fn scripts_find_a_clean_house(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let scratch = scratch();
    scratch.script(
        "look",
        "#!/bin/sh\n{ ls /proc/self/fd | tr '\\n' ' '; echo; readlink /proc/$$/fd/0; \
         set -- $(cat /proc/$$/stat); [ $5 = $$ ] && echo leads; \
         grep SigBlk /proc/self/status; } > DIR/l; mv DIR/l DIR/seen\n",
    );
    let text = text(&["vrrp_notify_fifo DIR/fifo"], &["notify_master DIR/look"]);
    let daemon = Daemon::start_in(kind, lan.host("a"), scratch, &text, &[]);
    let look = wait_text(&daemon.directory().join("seen"));
    let lines: Vec<&str> = look.lines().collect();
    // 3 is the folder that `ls` reads, and the shell closes its own.
    assert_eq!(lines[0], "0 1 2 3 ", "{look}");
    assert_eq!(lines[1], "/dev/null", "{look}");
    assert_eq!(lines[2], "leads", "{look}");
    assert!(lines[3].ends_with("\t0000000000000000"), "{look}");
}

fn a_script_hears_of_the_death_of_the_daemon(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let scratch = scratch();
    scratch.script(
        "long",
        "#!/bin/sh\ntrap 'echo term > DIR/term; exit' TERM\necho $$ > DIR/pid\n\
         while :; do sleep 0.1; done\n",
    );
    // As another user too: the change of user must not undo the wish.
    let line = "notify_master DIR/long";
    let mut daemon = Daemon::start_in(kind, lan.host("a"), scratch, &text(&[], &[line]), &[]);
    let folder = daemon.directory().to_owned();
    let pid = wait_text(&folder.join("pid"));
    daemon.signal(Signal::KILL);
    daemon.wait_exit(PATIENCE);
    assert_eq!(wait_text(&folder.join("term")), "term\n");
    let process = Path::new("/proc").join(pid.trim());
    wait_until("the script is gone", PATIENCE, || !process.exists());
}

/// Processes that belong to a process group, and those of them that nobody has waited for.
fn group_members(leader: &str) -> (usize, usize) {
    let mut found = (0, 0);
    for entry in fs::read_dir("/proc").expect("proc").flatten() {
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let Some((_, rest)) = stat.rsplit_once(") ") else {
            continue;
        };
        let fields: Vec<&str> = rest.split(' ').collect();
        if fields.get(2) == Some(&leader) {
            found.0 += 1;
            found.1 += usize::from(fields[0] == "Z");
        }
    }
    found
}

fn a_script_that_misbehaves_delays_nothing_and_leaves_nothing(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let capture = Capture::start(&lan);
    let scratch = scratch();
    // Two processes, so that it takes a group to end them; as busy as can be, and deaf to TERM.
    scratch.script(
        "mad",
        "#!/bin/sh\ntrap '' TERM\necho $$ > DIR/pid\n(trap '' TERM; while :; do echo flood; done) &\n\
         while :; do echo flood; echo flood >&2; done\n",
    );
    let text = text(&[], &["notify_master DIR/mad", "notify_stop /bin/true"]);
    let mut a = Daemon::start_in(kind, lan.host("a"), scratch, &text, &[]);
    let pid = wait_text(&a.directory().join("pid")).trim().to_owned();
    let b = Daemon::start(Kind::CKeepalived, lan.host("b"), &Conf::new(100));
    b.wait_log("Entering BACKUP STATE", 1, PATIENCE);
    wait_until("a advertises", PATIENCE, || {
        capture.alone("a", Duration::from_millis(300))
    });
    holds_for("a stays the only master", Duration::from_secs(2), || {
        capture.alone("a", Duration::from_millis(300)) && b.logged("Entering MASTER STATE") == 0
    });
    assert_eq!(group_members(&pid), (2, 0));
    let begin = clock::now();
    a.terminate();
    a.wait_exit(PATIENCE);
    assert!(
        begin.elapsed() < Duration::from_secs(4),
        "{:?}",
        begin.elapsed()
    );
    wait_until("nothing of the script is left", PATIENCE, || {
        group_members(&pid).0 == 0
    });
}

fn a_stop_script_that_misbehaves_does_not_outlive_the_daemon(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let scratch = scratch();
    scratch.script(
        "mad",
        "#!/bin/sh\ntrap '' TERM\n(trap '' TERM; while :; do echo flood; done) &\n\
         (trap '' TERM; while :; do sleep 0.01; done) &\necho $$ > DIR/pid\nwhile :; do echo flood; done\n",
    );
    let text = text(&[], &["notify_stop DIR/mad"]);
    let mut a = Daemon::start_in(kind, lan.host("a"), scratch, &text, &[]);
    a.wait_log("Entering MASTER STATE", 1, PATIENCE);
    let begin = clock::now();
    a.terminate();
    let pid = wait_text(&a.directory().join("pid")).trim().to_owned();
    a.wait_exit(PATIENCE);
    assert!(
        begin.elapsed() < Duration::from_secs(4),
        "{:?}",
        begin.elapsed()
    );
    wait_until("nothing of the script is left", PATIENCE, || {
        group_members(&pid).0 == 0
    });
}

fn a_script_that_cannot_be_started_is_told_of(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let scratch = scratch();
    let gone = scratch.script("gone", "#!/bin/sh\n");
    scratch.script("bad", "#!/no/such/interpreter\n");
    scratch.script("plain", "echo plain $* > DIR/plain.log\n");
    let text = text(
        &[],
        &[
            "notify_backup \"DIR/plain text\"",
            "notify_master DIR/bad",
            "notify_fault DIR/gone",
        ],
    );
    let daemon = Daemon::start_in(kind, lan.host("a"), scratch, &text, &[]);
    // Without a first line that names a program the shell runs it.
    assert_eq!(
        wait_text(&daemon.directory().join("plain.log")),
        "plain text\n"
    );
    // What can be known beforehand is told beforehand.
    let why = "bad disabled: its interpreter is /no/such/interpreter: there is no";
    daemon.wait_log(why, 1, PATIENCE);
    fs::remove_file(gone).expect("it is there");
    lan.cut("a");
    daemon.wait_log("for FAULT could not be started: No such file", 1, PATIENCE);
}
