//! Real scripts, started and ended.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};

use rustix::process::{Pid, test_kill_process};

use super::*;

/// Far longer than anything here takes: only a hang meets it.
const HANG: Duration = Duration::from_secs(20);

struct Scene {
    directory: PathBuf,
    reports: Receiver<HookReport>,
    hooks: Option<Hooks>,
}

impl Scene {
    fn new(settings: HookSettings) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("keepalived-hooks-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        let (sender, reports) = channel();
        let report = move |report| drop(sender.send(report));
        Self {
            directory,
            reports,
            hooks: Some(Hooks::start(settings, report).unwrap()),
        }
    }

    /// Another process writes it. What this one has open, each program that another test starts has open
    /// too until it begins, and the kernel runs nothing that is open to write.
    fn script(&self, name: &str, text: &str) -> Arc<HookCommand> {
        let path = self.directory.join(name);
        let text = text.replace("DIR", self.directory.to_str().unwrap());
        let write = "printf %s \"$1\" >\"$0\" && chmod 755 \"$0\"";
        let mut shell = Command::new("/bin/sh");
        let written = shell.args(["-c", write]).arg(&path).arg(text).status();
        assert!(written.unwrap().success());
        HookCommand::new([path]).into()
    }

    fn notify(&self, set: &HookSet, trigger: Trigger) {
        self.hooks
            .as_ref()
            .unwrap()
            .notify(&object(), set, trigger, 100);
    }

    fn next(&self) -> HookReport {
        self.reports.recv_timeout(HANG).expect("a report")
    }

    /// Runs a script with a limit until that is over. On a busy machine it may be over before the script has
    /// made its file `begun`; then it gets a longer one.
    fn run_over_limit(&self, script: &HookCommand, begun: &str) {
        for limit in [300, 3_000, 15_000] {
            let limited = script.clone().with_limit(Duration::from_millis(limit));
            let set = HookSet {
                master: Some(limited.into()),
                ..HookSet::default()
            };
            self.notify(&set, Trigger::Master);
            assert_eq!(self.next_outcome(), Outcome::TimedOut);
            if self.directory.join(begun).exists() {
                return;
            }
        }
        panic!("it never began");
    }

    fn next_outcome(&self) -> Outcome {
        match self.next() {
            HookReport::Ended { outcome, .. } => outcome,
            other => panic!("{other:?}"),
        }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.join(name)).unwrap()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn object() -> ObjectId {
    ObjectId::Instance("VI_1".into())
}

fn wait_for(path: &Path) {
    let mut tries = 0;
    while !path.exists() {
        tries += 1;
        assert!(tries < 2000, "{} never came", path.display());
        thread::sleep(Duration::from_millis(10));
    }
}

fn wait_until_gone(pid: u32) {
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    let mut tries = 0;
    while test_kill_process(pid).is_ok() && !is_zombie(pid) {
        tries += 1;
        assert!(tries < 2000, "process {pid:?} lives on");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A descriptor of this process without close-on-exec, beyond the three standard ones.
fn inherited_by_everyone(number: &str) -> bool {
    const CLOEXEC: u32 = 0o2_000_000;
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap_or_default();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    number.parse().is_ok_and(|number: u32| number > 2) && flags.is_some_and(|f| f & CLOEXEC == 0)
}

/// An orphan waits for process 1, which may be slow or missing in a container: dead is dead.
fn is_zombie(pid: Pid) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).is_ok_and(|stat| {
        stat.rsplit(") ")
            .next()
            .is_some_and(|rest| rest.starts_with('Z'))
    })
}

/// LESSONS A6: keepalived lets MASTER and BACKUP scripts finish in any order.
#[test]
fn scripts_of_one_object_never_overlap_and_keep_the_order_of_states() {
    let scene = Scene::new(HookSettings::default());
    let set = HookSet {
        generic: Some(scene.script(
            "all",
            "#!/bin/sh\nmkdir DIR/lock || echo OVERLAP >>DIR/log\n\
             echo \"$@\" >>DIR/log\nrmdir DIR/lock\n",
        )),
        ..HookSet::default()
    };
    let mut expected = String::new();
    for round in 0..40 {
        let trigger = if round % 2 == 0 {
            Trigger::Backup
        } else {
            Trigger::Master
        };
        scene.notify(&set, trigger);
        assert_eq!(scene.next_outcome(), Outcome::Exited(0));
        expected.push_str(&format!("INSTANCE VI_1 {} 100\n", trigger.word()));
    }
    assert_eq!(scene.read("log"), expected);
}

/// The newest state is told last whatever was skipped, and the log says what was.
#[test]
fn behind_a_slow_script_only_the_newest_state_runs() {
    let scene = Scene::new(HookSettings::default());
    let set = HookSet {
        generic: Some(scene.script(
            "all",
            "#!/bin/sh\necho $3 >>DIR/log\n: >DIR/begun\n\
             while [ ! -e DIR/go ]; do sleep 0.01; done\n",
        )),
        ..HookSet::default()
    };
    scene.notify(&set, Trigger::Backup);
    wait_for(&scene.directory.join("begun"));
    for trigger in [Trigger::Master, Trigger::Backup, Trigger::Master] {
        scene.notify(&set, trigger);
    }
    for _ in 0..2 {
        assert!(matches!(scene.next(), HookReport::Superseded { .. }));
    }
    fs::write(scene.directory.join("go"), "").unwrap();
    assert_eq!(scene.next_outcome(), Outcome::Exited(0));
    assert_eq!(scene.next_outcome(), Outcome::Exited(0));
    assert_eq!(scene.read("log"), "BACKUP\nMASTER\n");
}

/// SCR-13, NOTI-01: unlike keepalived's, a missing program is a failure that is reported, and the
/// next script of the same object still runs.
#[test]
fn a_program_that_cannot_be_started_is_reported_and_holds_up_nothing() {
    let scene = Scene::new(HookSettings::default());
    let plain = scene.directory.join("not-executable");
    fs::write(&plain, "#!/bin/sh\n").unwrap();
    for program in [PathBuf::from("/nonexistent/program"), plain] {
        let set = HookSet {
            master: Some(HookCommand::new([program]).into()),
            generic: Some(HookCommand::new(["true"]).into()),
            ..HookSet::default()
        };
        scene.notify(&set, Trigger::Master);
        assert!(matches!(scene.next(), HookReport::NotStarted { .. }));
        assert_eq!(scene.next_outcome(), Outcome::Exited(0));
    }
}

/// Exit codes and signals reach the log.
#[test]
fn failures_say_how_they_failed() {
    let scene = Scene::new(HookSettings::default());
    for (text, outcome) in [
        ("#!/bin/sh\nexit 3\n", Outcome::Exited(3)),
        ("#!/bin/sh\nkill -USR1 $$\n", Outcome::Signalled(10)),
        ("exit 4\n", Outcome::Exited(4)),
    ] {
        let set = HookSet {
            master: Some(scene.script("s", text)),
            ..HookSet::default()
        };
        scene.notify(&set, Trigger::Master);
        assert_eq!(scene.next_outcome(), outcome, "{text}");
    }
}

/// SCR-11, LESSONS E15: TERM to the group, KILL to those who ignore it, and their children too.
#[test]
fn a_script_over_its_limit_is_ended_with_its_whole_process_group() {
    let scene = Scene::new(HookSettings {
        grace: Duration::from_millis(100),
        ..HookSettings::default()
    });
    let script = scene.script(
        "stubborn",
        "#!/bin/sh\ntrap '' TERM\n(echo $$ >DIR/pid; exec sh -c 'echo $$ >DIR/new; mv DIR/new DIR/child; \
         while :; do sleep 1; done') &\nwait\nwhile :; do sleep 1; done\n",
    );
    scene.run_over_limit(&script, "child");
    for file in ["pid", "child"] {
        wait_until_gone(scene.read(file).trim().parse().unwrap());
    }
}

/// SCR-11: the leader of the group ends at TERM, a member of it does not care.
#[test]
fn what_outlives_the_leader_of_its_group_is_killed_too() {
    let scene = Scene::new(HookSettings {
        grace: Duration::from_millis(100),
        ..HookSettings::default()
    });
    let script = scene.script(
        "leader",
        "#!/bin/sh\n(trap '' TERM; exec sh -c 'echo $$ >DIR/new; mv DIR/new DIR/child; \
         while :; do sleep 1; done') &\nwait\n",
    );
    scene.run_over_limit(&script, "child");
    wait_until_gone(scene.read("child").trim().parse().unwrap());
}

/// A slow script is let alone until another one needs its place.
#[test]
fn patience_ends_only_when_somebody_waits() {
    let scene = Scene::new(HookSettings {
        patience: Duration::from_millis(50),
        ..HookSettings::default()
    });
    let set = HookSet {
        master: Some(scene.script("m", "#!/bin/sh\nexec sleep 1000\n")),
        backup: Some(HookCommand::new(["true"]).into()),
        ..HookSet::default()
    };
    scene.notify(&set, Trigger::Master);
    assert!(matches!(scene.next(), HookReport::Slow { .. }));
    scene.notify(&set, Trigger::Backup);
    assert_eq!(scene.next_outcome(), Outcome::TimedOut);
    assert_eq!(scene.next_outcome(), Outcome::Exited(0));
}

/// LESSONS E15: a flood on standard output blocks nobody; nothing but three descriptors on
/// /dev/null, no blocked or ignored signals, an own process group, no IFS or LD_PRELOAD.
#[test]
fn a_script_gets_a_clean_process_and_may_flood_its_output() {
    let scene = Scene::new(HookSettings::default());
    // Other descriptors of this process, as the daemon has many.
    let _open: Vec<_> = (0..20)
        .map(|_| fs::File::open("/dev/zero").unwrap())
        .collect();
    let script = scene.script(
        "look",
        "#!/bin/sh\nhead -c 5000000 /dev/zero\nhead -c 5000000 /dev/zero >&2\n\
         ls -l /proc/$$/fd >DIR/fds\n\
         grep -E '^Sig(Blk|Ign)' /proc/self/status >DIR/signals\n\
         cut -d' ' -f5 /proc/$$/stat >DIR/group\necho $$ >>DIR/group\nenv >DIR/env\npwd >DIR/pwd\n",
    );
    let set = HookSet {
        master: Some(script),
        ..HookSet::default()
    };
    scene.notify(&set, Trigger::Master);
    assert_eq!(scene.next_outcome(), Outcome::Exited(0));
    // The shell holds its script and the listing open. Whoever runs the tests may have left
    // descriptors open that this process inherited: the daemon closes those at its start.
    let fds = scene.read("fds");
    let links = fds.lines().filter_map(|line| line.split_once(" -> "));
    for (left, target) in links {
        let number = left.rsplit(' ').next().unwrap();
        let known = target == "/dev/null" || target.ends_with("/look") || target.ends_with("/fds");
        assert!(known || inherited_by_everyone(number), "{fds}");
    }
    // Of the 31 ordinary signals; the C library keeps the next two to itself. Whoever runs the tests
    // may have made them ignore one, as nohup does with SIGHUP, and that is handed on: the daemon
    // handles its signals itself. But SIGPIPE, which this runtime ignores, must be as usual.
    const SIGPIPE: u64 = 1 << 12;
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    for line in scene.read("signals").lines() {
        let (name, mask) = line.split_once(":\t").unwrap();
        let mask = u64::from_str_radix(mask, 16).unwrap();
        let ours = own
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
        let ours = u64::from_str_radix(ours.unwrap(), 16).unwrap();
        let handed_on = if name == "SigIgn" { ours & !SIGPIPE } else { 0 };
        assert_eq!(mask & 0x7fff_ffff & !handed_on, 0, "{name} {mask:x}");
    }
    let group = scene.read("group");
    let (group, pid) = group.trim().split_once('\n').unwrap();
    assert_eq!(group, pid);
    assert_eq!(scene.read("pwd"), "/\n");
    let environment = scene.read("env");
    assert!(environment.contains("PATH=/"));
    assert!(!environment.lines().any(|line| line.starts_with("LD_")));
}

/// SCR-02, SCR-03: under another account, with no supplementary groups left. Needs root.
#[test]
fn a_script_runs_under_its_own_account() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let scene = Scene::new(HookSettings::default());
    fs::set_permissions(&scene.directory, fs::Permissions::from_mode(0o777)).unwrap();
    let script = scene.script(
        "account",
        "#!/bin/sh\necho $(id -u) $(id -g) $(id -G) >DIR/who\n",
    );
    let script = (*script).clone().with_account(65534, 65533);
    let set = HookSet {
        master: Some(script.into()),
        ..HookSet::default()
    };
    scene.notify(&set, Trigger::Master);
    assert_eq!(scene.next_outcome(), Outcome::Exited(0));
    assert_eq!(scene.read("who"), "65534 65533 65533\n");
}

/// What a link leads to is run, under the name of the link: a part of busybox does what its name says.
#[test]
fn a_program_is_told_its_name() {
    let scene = Scene::new(HookSettings::default());
    let name = scene.directory.join("name");
    let text = format!("echo $0 >{}", name.display());
    let shell = HookCommand::new(["/bin/sh", "-c", &text]).with_name("/bin/called");
    let set = HookSet {
        master: Some(shell.into()),
        ..HookSet::default()
    };
    scene.notify(&set, Trigger::Master);
    assert_eq!(scene.next_outcome(), Outcome::Exited(0));
    assert_eq!(scene.read("name"), "/bin/called\n");
}

/// NOTI-02: the stop script is waited for, even behind a script that hangs.
#[test]
fn a_hanging_script_does_not_keep_the_stop_script_from_running() {
    let mut scene = Scene::new(HookSettings::default());
    let set = HookSet {
        master: Some(scene.script("m", "#!/bin/sh\n: >DIR/begun\nexec sleep 1000\n")),
        stop: Some(scene.script("s", "#!/bin/sh\n: >DIR/stopped\n")),
        ..HookSet::default()
    };
    scene.notify(&set, Trigger::Master);
    wait_for(&scene.directory.join("begun"));
    scene.notify(&set, Trigger::Stop);
    let all_ended = scene.hooks.take().unwrap().stop(HANG);
    assert!(all_ended);
    assert_eq!(scene.next_outcome(), Outcome::TimedOut);
    assert_eq!(scene.next_outcome(), Outcome::Exited(0));
    assert!(scene.directory.join("stopped").exists());
}

/// NOTI-02: it is waited for, but not for ever.
#[test]
fn a_stop_script_that_hangs_is_abandoned_and_reported() {
    let mut scene = Scene::new(HookSettings::default());
    let set = HookSet {
        stop: Some(scene.script("s", "#!/bin/sh\n: >DIR/begun\nexec sleep 1000\n")),
        ..HookSet::default()
    };
    scene.notify(&set, Trigger::Stop);
    wait_for(&scene.directory.join("begun"));
    assert!(!scene.hooks.take().unwrap().stop(Duration::from_millis(100)));
    assert!(matches!(
        scene.next(),
        HookReport::Abandoned { started: true, .. }
    ));
}

/// NOTI-07: it was said to have taken too long, after the grace that scripts have.
#[test]
fn a_reader_that_a_reload_takes_out_is_told_of_as_that_when_it_ends() {
    let scene = Scene::new(HookSettings {
        grace: HANG,
        ..HookSettings::default()
    });
    let command = scene.script("reader", "#!/bin/sh\necho > DIR/begun\nexec sleep 600\n");
    let hooks = scene.hooks.as_ref().unwrap();
    let wanted = ReaderSettings::new("/pipe", command);
    hooks.set_readers(vec![wanted.clone()]);
    wait_for(&scene.directory.join("begun"));
    hooks.set_readers(vec![wanted]);
    hooks.set_readers(Vec::new());
    let said = scene.next();
    assert!(
        matches!(&said, HookReport::Dismissed { object, .. } if object.name() == "/pipe"),
        "{said:?}"
    );
}

/// A server left in the background by a script lives on, and its end leaves no zombie with us.
#[test]
fn what_a_script_leaves_in_the_background_lives_on() {
    let scene = Scene::new(HookSettings::default());
    let set = HookSet {
        master: Some(scene.script(
            "m",
            "#!/bin/sh\n(while [ ! -e DIR/go ]; do sleep 0.01; done; echo done; : >DIR/lived) &\n",
        )),
        ..HookSet::default()
    };
    scene.notify(&set, Trigger::Master);
    assert_eq!(scene.next_outcome(), Outcome::Exited(0));
    fs::write(scene.directory.join("go"), "").unwrap();
    wait_for(&scene.directory.join("lived"));
}
