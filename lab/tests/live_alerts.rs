//! Pipes and mails about changes of state.
//!
//! `c::` runs C Keepalived where it makes the same promise, which proves the test; `ours::` runs ours.

use std::net::TcpListener;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::time::Duration;

use lab::mailbox::MailServer;
use lab::pipe::PipeReader;
use lab::wait::holds_for;
use lab::{Daemon, Host, Kind, Lan, Scratch, wait_until};

const PATIENCE: Duration = Duration::from_secs(12);
const PORT: u16 = 2525;

lab::for_kinds! {
    c = CKeepalived {
        every_change_is_told_by_pipe_and_by_mail;
        nothing_is_told_that_was_not_asked_for;
        one_instance_may_want_what_the_others_do_not;
        a_reload_tells_the_states_again_where_that_is_wanted;
        groups_are_told_of_like_instances;
    }

    ours = Ours {
        /// NOTI-06, NOTI-08, MAIL-01, MAIL-02, MAIL-04, MAIL-05, MAIL-06, NOTI-10.
        ///
        /// Flips: global_defs.notify_fifo, global_defs.vrrp_notify_fifo,
        /// global_defs.vrrp_notify_priority_changes, global_defs.smtp_server,
        /// global_defs.notification_email, global_defs.notification_email_from,
        /// global_defs.smtp_helo_name, global_defs.smtp_alert.
        every_change_is_told_by_pipe_and_by_mail;
        /// The other side of the test above.
        ///
        /// Flips: global_defs.smtp_alert, global_defs.vrrp_notify_priority_changes.
        nothing_is_told_that_was_not_asked_for;
        /// MAIL-03: the server has a name. MAIL-06, MAIL-07, NOTI-08, NOTI-10.
        ///
        /// Flips: vrrp_instance.smtp_alert, vrrp_instance.notify_priority_changes,
        /// global_defs.smtp_alert_vrrp, global_defs.no_email_faults.
        one_instance_may_want_what_the_others_do_not;
        /// NOTI-04, NOTI-09, KA-RL-05.
        ///
        /// Flips: global_defs.fifo_write_vrrp_states_on_reload, vrrp_instance.notify_deleted.
        a_reload_tells_the_states_again_where_that_is_wanted;
        /// NOTI-06, NOTI-10.
        ///
        /// Flips: vrrp_sync_group.smtp_alert.
        groups_are_told_of_like_instances;
        /// NOTI-08: a wish of the group counts for its members.
        ///
        /// Flips: vrrp_sync_group.notify_priority_changes.
        a_group_may_want_the_priorities_of_its_members;
        /// NOTI-07, LESSONS A6: never two readers of one pipe.
        ///
        /// Flips: global_defs.notify_fifo_script, global_defs.vrrp_notify_fifo_script.
        readers_are_started_with_the_pipe_and_again_when_they_die_or_are_changed;
        /// MAIL-04, LESSONS A23.
        ///
        /// Flips: global_defs.smtp_connect_timeout.
        a_silent_mail_server_is_given_up_after_the_time_of_the_file;
    }
}

/// A file with these lines in `global_defs` and these instances: name, VRID, priority, lines.
fn conf(global: &str, instances: &[(&str, u8, u8, &str)]) -> String {
    let mut text = format!("global_defs {{\n router_id lab\n script_user root\n{global}\n}}\n");
    for (name, vrid, priority, lines) in instances {
        text.push_str(&format!(
            "vrrp_instance {name} {{\n state BACKUP\n interface eth0\n version 3\n \
             virtual_router_id {vrid}\n priority {priority}\n advert_int 0.1\n {lines}\n \
             virtual_ipaddress {{\n 10.9.0.{vrid}/24\n }}\n}}\n"
        ));
    }
    text
}

const MAIL: &str = "smtp_server 127.0.0.1 2525\n notification_email {\n ops@x.org\n \
                    \"Bob Builder <bob@y.org>\"\n }\n";
const TRACKED: &str = "track_interface {\n other0 weight 10\n }";

/// A second interface of a host, `other0`; its cable ends in `far0`, in the same namespace.
fn second_interface(host: &Host) {
    host.netns.ip(&[
        "link add other0 type veth peer name far0",
        "link set far0 up",
        "link set other0 up",
    ]);
}

fn start(kind: Kind, host: &Host, text: &str) -> Daemon {
    Daemon::start_in(kind, host, Scratch::new(&host.name), text, &[])
}

/// Backup, master, less priority, fault, backup, master.
fn go_through_everything(lan: &Lan, daemon: &Daemon, pipe: &mut PipeReader, priorities: bool) {
    let host = lan.host("a");
    pipe.wait_line("INSTANCE \"VI_1\" MASTER 210", PATIENCE);
    host.netns.ip(&["link set far0 down"]);
    if priorities {
        pipe.wait_line("INSTANCE \"VI_1\" MASTER_PRIORITY 200", PATIENCE);
    } else {
        daemon.wait_log("Changing effective priority from 210 to 200", 1, PATIENCE);
    }
    lan.cut("a");
    pipe.wait_line("INSTANCE \"VI_1\" FAULT 200", PATIENCE);
    lan.plug("a");
    pipe.wait_line("INSTANCE \"VI_1\" MASTER 200", PATIENCE);
    daemon.terminate();
    pipe.wait_line("INSTANCE \"VI_1\" STOP 200", PATIENCE);
}

fn every_change_is_told_by_pipe_and_by_mail(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    second_interface(host);
    let server = MailServer::start(&host.netns, PORT);
    let global = format!(
        "{MAIL} notification_email_from \"Keep Alive <ka@z.org>\"\n smtp_helo_name helo.name\n \
         smtp_alert\n notify_fifo DIR/all nobody nogroup\n vrrp_notify_fifo DIR/vrrp\n \
         vrrp_notify_priority_changes"
    );
    let mut daemon = start(kind, host, &conf(&global, &[("VI_1", 51, 200, TRACKED)]));
    let paths = ["all", "vrrp"].map(|name| daemon.directory().join(name));
    let [mut all, mut vrrp] = paths.each_ref().map(|path| PipeReader::new(path));
    wait_until("the pipes are there", PATIENCE, || {
        paths.iter().all(|path| path.exists())
    });
    let facts = paths
        .each_ref()
        .map(|path| std::fs::metadata(path).expect("a pipe"));
    assert!(facts.iter().all(|facts| facts.file_type().is_fifo()));
    assert_eq!(
        facts.each_ref().map(|facts| facts.mode() & 0o777),
        [0o600; 2]
    );
    assert_eq!(facts.each_ref().map(MetadataExt::uid), [65534, 0]);
    // Open before the daemon removes it.
    let _ = vrrp.lines();
    go_through_everything(&lan, &daemon, &mut all, true);
    vrrp.wait_line("INSTANCE \"VI_1\" STOP 200", PATIENCE);
    let lines = all.lines();
    // What C Keepalived says about the priority at its start depends on what it looks at first.
    let wanted = |line: &&String| !line.ends_with("_PRIORITY 210");
    let told: Vec<&str> = lines.iter().filter(wanted).map(String::as_str).collect();
    assert_eq!(
        told,
        [
            "INSTANCE \"VI_1\" BACKUP 210",
            "INSTANCE \"VI_1\" MASTER 210",
            "INSTANCE \"VI_1\" MASTER_PRIORITY 200",
            "INSTANCE \"VI_1\" FAULT 200",
            "INSTANCE \"VI_1\" BACKUP 200",
            "INSTANCE \"VI_1\" MASTER 200",
            "INSTANCE \"VI_1\" STOP 200",
        ]
    );
    assert_eq!(vrrp.lines(), lines);
    daemon.wait_exit(PATIENCE);
    assert!(
        !paths.iter().any(|path| path.exists()),
        "the pipes are removed"
    );

    let mail = server.wait_subject("[lab] VRRP Instance VI_1 - Entering FAULT state", PATIENCE);
    assert_eq!(mail.helo, "helo.name");
    let text = mail.lines.join("\n");
    assert!(
        text.ends_with("\n\n=> VRRP Instance is no longer owning VRRP VIPs <=\n"),
        "{text}"
    );
    assert_eq!(mail.header("From"), Some("Keep Alive <ka@z.org>"));
    assert_eq!(
        mail.header("To"),
        Some("ops@x.org, Bob Builder <bob@y.org>")
    );
    assert_eq!(mail.header("X-Mailer"), Some("Keepalived"));
    if kind == Kind::Ours {
        // C Keepalived puts the display names into the envelope too, which servers refuse.
        assert_eq!(mail.from, "<ka@z.org>");
        assert_eq!(mail.to, ["<ops@x.org>", "<bob@y.org>"]);
    }
    for state in ["BACKUP", "MASTER"] {
        server.wait_subject(
            &format!("[lab] VRRP Instance VI_1 - Entering {state} state"),
            PATIENCE,
        );
    }
    let owning = |mail: &lab::mailbox::Mail| {
        mail.lines
            .iter()
            .any(|line| line == "=> VRRP Instance is now owning VRRP VIPs <=")
    };
    assert!(
        server
            .mails()
            .iter()
            .all(|mail| owning(mail) == mail.subject().contains("MASTER"))
    );
}

fn nothing_is_told_that_was_not_asked_for(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    second_interface(host);
    let server = MailServer::start(&host.netns, PORT);
    let global = format!("{MAIL} vrrp_notify_fifo DIR/vrrp");
    let daemon = start(kind, host, &conf(&global, &[("VI_1", 51, 200, TRACKED)]));
    let mut vrrp = PipeReader::new(&daemon.directory().join("vrrp"));
    go_through_everything(&lan, &daemon, &mut vrrp, false);
    let lines = vrrp.lines();
    assert!(
        !lines.iter().any(|line| line.contains("_PRIORITY")),
        "{lines:?}"
    );
    assert_eq!(server.mails(), []);
}

fn one_instance_may_want_what_the_others_do_not(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    second_interface(host);
    let server = MailServer::start(&host.netns, PORT);
    let global = format!(
        "{} smtp_alert on\n smtp_alert_vrrp off\n no_email_faults\n vrrp_notify_fifo DIR/vrrp",
        MAIL.replace("127.0.0.1", "localhost")
    );
    let both = format!("smtp_alert\n notify_priority_changes\n {TRACKED}");
    let instances = [
        ("LOUD", 51, 200, both.as_str()),
        ("QUIET", 52, 200, TRACKED),
    ];
    let daemon = start(kind, host, &conf(&global, &instances));
    let mut vrrp = PipeReader::new(&daemon.directory().join("vrrp"));
    vrrp.wait_line("INSTANCE \"LOUD\" MASTER 210", PATIENCE);
    vrrp.wait_line("INSTANCE \"QUIET\" MASTER 210", PATIENCE);
    host.netns.ip(&["link set far0 down"]);
    vrrp.wait_line("INSTANCE \"LOUD\" MASTER_PRIORITY 200", PATIENCE);
    lan.cut("a");
    vrrp.wait_line("INSTANCE \"QUIET\" FAULT 200", PATIENCE);
    lan.plug("a");
    vrrp.wait_line("INSTANCE \"QUIET\" MASTER 200", PATIENCE);
    let quiet = |line: &String| line.contains("QUIET") && line.contains("_PRIORITY");
    assert!(!vrrp.lines().iter().any(quiet), "{:?}", vrrp.lines());
    let masters = || {
        let mails = server.mails();
        let is_master =
            |mail: &&lab::mailbox::Mail| mail.subject().contains("LOUD - Entering MASTER");
        mails.iter().filter(is_master).count()
    };
    wait_until("both mails about MASTER", PATIENCE, || masters() == 2);
    for mail in server.mails() {
        let subject = mail.subject();
        assert!(
            subject.contains("LOUD") && !subject.contains("FAULT"),
            "{subject}"
        );
    }
}

fn a_reload_tells_the_states_again_where_that_is_wanted(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let wanted = "vrrp_notify_fifo DIR/vrrp\n fifo_write_vrrp_states_on_reload";
    let unwanted = "vrrp_notify_fifo DIR/vrrp";
    let mut last = Vec::new();
    for (host, global, vrid) in [("a", wanted, 51), ("b", unwanted, 61)] {
        let stay = ("STAY", vrid, 200, "");
        let gone = ("GONE", vrid + 1, 200, "");
        let deleted = ("DELETED", vrid + 2, 200, "notify_deleted");
        let daemon = start(kind, lan.host(host), &conf(global, &[stay, gone, deleted]));
        let mut vrrp = PipeReader::new(&daemon.directory().join("vrrp"));
        for name in ["STAY", "GONE", "DELETED"] {
            vrrp.wait_line(&format!("INSTANCE \"{name}\" MASTER 200"), PATIENCE);
        }
        let before = vrrp.lines().len();
        daemon.reload_with(&conf(global, &[stay]));
        daemon.wait_log("Reload complete", 1, PATIENCE);
        vrrp.wait_line("INSTANCE \"GONE\" FAULT 200", PATIENCE);
        vrrp.wait_line("INSTANCE \"DELETED\" DELETED 200", PATIENCE);
        if kind == Kind::Ours && host == "a" {
            vrrp.wait_lines("INSTANCE \"STAY\" MASTER 200", 2, PATIENCE);
        }
        last.push((daemon, vrrp, before));
    }
    for (_, vrrp, before) in &mut last {
        let lines = vrrp.lines();
        let again = lines
            .iter()
            .skip(*before)
            .filter(|line| line.contains("STAY"));
        // C Keepalived 2.2.7 tells the states of groups only, against its own manual page.
        let told = usize::from(kind == Kind::Ours && lines.len() == *before + 3);
        assert_eq!(again.count(), told, "{lines:?}");
    }
    let lengths: Vec<_> = last.iter().map(|(.., before)| before).collect();
    assert_eq!(lengths[0], lengths[1]);
}

fn readers_are_started_with_the_pipe_and_again_when_they_die_or_are_changed(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    let scratch = Scratch::new("a");
    // Opens the pipe (which goes when the daemon does) before it says who it is, then writes down what
    // comes; ends when it is told to by a line.
    scratch.script(
        "reader",
        "#!/bin/sh\ntrap 'echo \"end $$\" >> DIR/'$1'.log' EXIT\ntrap 'exit 0' TERM\nexec < $2\n\
         echo \"begin $$ $*\" >> DIR/$1.log\nwhile read -r line; do echo \"$line\" >> DIR/$1.log; \
         case $line in *MASTER_RX*|*FAULT*) exit 1;; esac; done\n",
    );
    let global = "notify_fifo DIR/all\n notify_fifo_script \"DIR/reader one\"\n \
                  vrrp_notify_fifo DIR/vrrp\n vrrp_notify_fifo_script \"DIR/reader two\"";
    let text = conf(global, &[("VI_1", 51, 200, "")]);
    let mut daemon = Daemon::start_in(kind, host, scratch, &text, &[]);
    let folder = daemon.directory().to_owned();
    let log = |name: &str| {
        std::fs::read_to_string(folder.join(format!("{name}.log"))).unwrap_or_default()
    };
    let count = |name: &str, what: &str| {
        log(name)
            .lines()
            .filter(|line| line.starts_with(what))
            .count()
    };
    for (name, pipe) in [("one", "all"), ("two", "vrrp")] {
        wait_until("it hears", PATIENCE, || {
            log(name).contains("INSTANCE \"VI_1\" MASTER 200")
        });
        let path = folder.join(pipe);
        assert!(
            log(name)
                .lines()
                .next()
                .is_some_and(|line| { line.ends_with(&format!("{name} {}", path.display())) })
        );
    }
    // Dies of what it reads; the next one hears what comes after.
    lan.cut("a");
    wait_until("the readers die", PATIENCE, || {
        count("one", "end") == 1 && count("two", "end") == 1
    });
    lan.plug("a");
    wait_until("there are new readers", PATIENCE, || {
        count("one", "begin") == 2 && count("two", "begin") == 2
    });
    wait_until("they hear", PATIENCE, || {
        count("one", "INSTANCE \"VI_1\" MASTER") == 2
    });
    let text = conf(global, &[("VI_1", 51, 200, ""), ("VI_2", 52, 200, "")]);
    if kind == Kind::Ours {
        // As it is it stays, and hears what there is to hear.
        daemon.reload_with(&text);
        wait_until("it hears on", PATIENCE, || {
            log("one").contains("INSTANCE \"VI_2\" MASTER 200")
        });
        assert_eq!(count("one", "begin"), 2, "{}", log("one"));
        let path = folder.join("reader");
        let script = std::fs::read_to_string(&path).expect("it is there");
        std::fs::write(&path, script + "# another edition\n").expect("it can be written");
    }
    daemon.reload_with(&text);
    wait_until("the reload restarts them", PATIENCE, || {
        count("one", "begin") == 3
    });
    let order: Vec<_> = log("one")
        .lines()
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .filter(|word| word == "begin" || word == "end")
        .collect();
    assert_eq!(
        order,
        ["begin", "end", "begin", "end", "begin"],
        "one at a time"
    );
    daemon.terminate();
    daemon.wait_exit(PATIENCE);
    wait_until("nothing is left", PATIENCE, || {
        count("one", "end") == 3 && log("one").contains("INSTANCE \"VI_1\" STOP 200")
    });
}

fn a_silent_mail_server_is_given_up_after_the_time_of_the_file(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    let (ready, listening) = std::sync::mpsc::channel();
    let _held = host.netns.spawn(move || {
        let listener = TcpListener::bind(("127.0.0.1", PORT)).expect("the port is free");
        let _ = ready.send(());
        std::thread::sleep(Duration::from_secs(30));
        drop(listener);
    });
    listening.recv_timeout(PATIENCE).expect("it listens");
    let silent = |timeout: &str| format!("{MAIL} smtp_alert\n {timeout}");
    let instance = |vrid| [("VI_1", vrid, 200, "")];
    let short = start(
        kind,
        host,
        &conf(&silent("smtp_connect_timeout 1"), &instance(51)),
    );
    let long = start(kind, host, &conf(&silent(""), &instance(52)));
    short.wait_log("SMTP alert not sent yet", 1, PATIENCE);
    holds_for("the other waits", Duration::from_secs(1), || {
        long.logged("SMTP alert not sent yet") == 0
    });
}

fn group(name: &str, members: &str, lines: &str) -> String {
    format!("vrrp_sync_group {name} {{\n group {{\n {members}\n }}\n {lines}\n}}\n")
}

fn groups_are_told_of_like_instances(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    let server = MailServer::start(&host.netns, PORT);
    let global = format!("{MAIL} smtp_alert_vrrp off\n vrrp_notify_fifo DIR/vrrp");
    let instances = [("A", 51, 200, ""), ("B", 52, 200, "")];
    let text =
        conf(&global, &instances) + &group("LOUD", "A", "smtp_alert") + &group("QUIET", "B", "");
    let mut daemon = start(kind, host, &text);
    let mut vrrp = PipeReader::new(&daemon.directory().join("vrrp"));
    vrrp.wait_line("GROUP \"LOUD\" BACKUP 0", PATIENCE);
    vrrp.wait_line("GROUP \"LOUD\" MASTER 0", PATIENCE);
    vrrp.wait_line("GROUP \"QUIET\" MASTER 0", PATIENCE);
    let mail = server.wait_subject("[lab] VRRP Group LOUD - Entering MASTER state", PATIENCE);
    let body = "=> All VRRP group instances are now in MASTER state <=";
    assert!(mail.lines.iter().any(|line| line == body), "{mail:?}");
    daemon.terminate();
    vrrp.wait_line("GROUP \"LOUD\" STOP 0", PATIENCE);
    daemon.wait_exit(PATIENCE);
    for mail in server.mails() {
        assert!(mail.subject().contains("Group LOUD"), "{}", mail.subject());
    }
}

fn a_group_may_want_the_priorities_of_its_members(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    second_interface(host);
    let instances = [("A", 51, 200, TRACKED), ("B", 52, 200, TRACKED)];
    let text = conf("vrrp_notify_fifo DIR/vrrp", &instances)
        + &group(
            "LOUD",
            "A",
            "notify_priority_changes\n sync_group_tracking_weight",
        )
        + &group("QUIET", "B", "sync_group_tracking_weight");
    let daemon = start(kind, host, &text);
    let mut vrrp = PipeReader::new(&daemon.directory().join("vrrp"));
    vrrp.wait_line("INSTANCE \"A\" MASTER 210", PATIENCE);
    vrrp.wait_line("INSTANCE \"B\" MASTER 210", PATIENCE);
    host.netns.ip(&["link set far0 down"]);
    vrrp.wait_line("INSTANCE \"A\" MASTER_PRIORITY 200", PATIENCE);
    daemon.wait_log(
        "(B) Changing effective priority from 210 to 200",
        1,
        PATIENCE,
    );
    let lines = vrrp.lines();
    let quiet = |line: &String| line.contains("\"B\"") && line.contains("_PRIORITY");
    assert!(!lines.iter().any(quiet), "{lines:?}");
}
