//! Services and servers: who is told of them by script, pipe and mail, what makes a quorum, and when
//! checks rest. What only the kernel's table shows is tested where there is a kernel with IPVS.

use std::fs;
use std::path::Path;
use std::time::Duration;

use lab::backends;
use lab::balancer::Balancer;
use lab::mailbox::MailServer;
use lab::pipe::PipeReader;
use lab::wait::holds_for;
use lab::{Daemon, Kind, Scratch, wait_until};

const PATIENCE: Duration = Duration::from_secs(25);
const BASE: &str = "protocol TCP\n delay_loop 0.2\n warmup 0\n retry 1\n delay_before_retry 0.05\n";

/// A check that passes while this file exists.
fn watches(name: &str) -> String {
    format!("MISC_CHECK {{\n misc_path \"/usr/bin/test -e DIR/{name}\"\n }}")
}

/// A service of these servers, each with the lines of its block.
fn service(number: usize, lines: &str, servers: &[String]) -> String {
    let mut text = format!("virtual_server 10.8.0.{number} 80 {{\n {BASE} {lines}\n");
    for (server, block) in (1..).zip(servers) {
        text += &format!(" real_server 10.9.0.{server} 80 {{\n {block}\n }}\n");
    }
    text + "}\n"
}

fn vs(number: usize, word: &str) -> String {
    format!("VS [10.8.0.{number}]:tcp:80 {word}")
}

fn rs(number: usize, server: usize, word: &str) -> String {
    format!("RS [10.9.0.{server}]:tcp:80 [10.8.0.{number}]:tcp:80 {word}")
}

/// A directory in which these files are.
fn with_files(names: &[&str]) -> Scratch {
    let scratch = Scratch::new("services");
    for name in names {
        fs::write(scratch.file(name), "").expect("scratch is writable");
    }
    scratch
}

fn remove(daemon: &Daemon, name: &str) {
    fs::remove_file(daemon.directory().join(name)).expect("it is there");
}

fn put(daemon: &Daemon, name: &str) {
    fs::write(daemon.directory().join(name), "").expect("scratch is writable");
}

/// LVS-10, RS-06, NOTI-06, NOTI-07.
///
/// Flips: virtual_server.quorum_up, virtual_server.quorum_down, virtual_server.real_server.notify_up,
/// virtual_server.real_server.notify_down, global_defs.rs_init_notifies.
#[test]
#[ignore = "live: cargo xtask live"]
fn scripts_and_pipes_hear_of_servers_and_quorums() {
    let mut balancer = Balancer::new();
    for init in ["", "rs_init_notifies"] {
        let say = |word: &str| format!("\"/bin/sh -c 'echo {word} >> DIR/said'\"");
        let lines = format!("quorum_up {}\n quorum_down {}", say("gained"), say("lost"));
        let server = format!(
            "notify_up {}\n notify_down {}\n {}",
            say("up"),
            say("down"),
            watches("good")
        );
        let services = service(1, &lines, &[server]) + &service(2, "", &[watches("good")]);
        let scratch = with_files(&["good"]);
        let mut pipe = balancer.start(scratch, init, &services);
        let said = |balancer: &Balancer| {
            let text = fs::read_to_string(balancer.daemon().directory().join("said"));
            text.unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let first: &[&str] = match init {
            "" => &["gained"],
            _ => &["up", "gained"],
        };
        wait_until("the first words", PATIENCE, || {
            said(&balancer).len() == first.len()
        });
        remove(balancer.daemon(), "good");
        let number = first.len() + 2;
        wait_until("it goes down", PATIENCE, || said(&balancer).len() == number);
        put(balancer.daemon(), "good");
        wait_until("it comes up", PATIENCE, || {
            said(&balancer).len() == number + 2
        });
        // Servers and services have a queue each.
        let mut all = said(&balancer);
        all.sort();
        let mut expected = vec!["down", "gained", "gained", "lost", "up"];
        expected.extend(["up"].iter().filter(|_| !init.is_empty()));
        assert_eq!(all, expected);
        let lines = pipe.lines();
        let about: Vec<&String> = lines
            .iter()
            .filter(|line| line.contains("10.8.0.1]"))
            .collect();
        let mut events = vec![
            vs(1, "UP"),
            rs(1, 1, "DOWN"),
            vs(1, "DOWN"),
            rs(1, 1, "UP"),
            vs(1, "UP"),
        ];
        if !init.is_empty() {
            events.insert(0, rs(1, 1, "UP"));
        }
        assert_eq!(about, events.iter().collect::<Vec<_>>());
    }
}

/// LVS-12, LVS-18, NOTI-06, NOTI-07: `notify_down` with the first failure, as Keepalived has it; `quorum_down` at once
/// where a sorry server serves, as Keepalived has it too, and else when no check is left that could help.
#[test]
#[ignore = "live: cargo xtask live"]
fn who_begins_as_failed_is_told_of() {
    let say = |word: &str| format!("\"/bin/sh -c 'echo {word} >> DIR/said'\"");
    let lines = |number: usize, more: &str| {
        let (up, down) = (
            say(&format!("{number}gained")),
            say(&format!("{number}lost")),
        );
        format!("quorum_up {up}\n quorum_down {down}\n {more}")
    };
    let server = |number: usize, check: &str| {
        let (up, down) = (say(&format!("{number}up")), say(&format!("{number}down")));
        format!("notify_up {up}\n notify_down {down}\n {check}")
    };
    let broken = "MISC_CHECK {\n misc_path /nonexistent/check\n }";
    // Else a busy machine takes it down once.
    let patient = "MISC_CHECK {\n misc_path /bin/true\n misc_timeout 20\n }";
    let services = service(1, &lines(1, ""), &[server(1, broken)])
        + &service(2, &lines(2, "alpha"), &[server(2, &watches("bad"))])
        + &service(
            3,
            &lines(3, "alpha\n sorry_server 10.9.0.9 80"),
            &[server(3, &watches("bad"))],
        )
        + &service(4, &lines(4, "alpha"), &[server(4, patient)]);
    let mut balancer = Balancer::new();
    let mut pipe = balancer.start(Scratch::new("services"), "", &services);
    let said = |balancer: &Balancer| {
        let text = fs::read_to_string(balancer.daemon().directory().join("said"));
        let text = text.unwrap_or_default();
        let mut all: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        all.sort();
        all
    };
    let expected = [
        "1down", "1lost", "2down", "2lost", "3down", "3lost", "4gained", "4up",
    ];
    wait_until("all was told", PATIENCE, || said(&balancer) == expected);
    holds_for("and once", Duration::from_secs(1), || {
        said(&balancer) == expected
    });
    let lines = pipe.lines();
    let about = |number: usize| {
        let name = format!("10.8.0.{number}]");
        lines
            .iter()
            .filter(|line| line.contains(&name))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(about(1), [rs(1, 1, "DOWN"), vs(1, "DOWN")]);
    assert_eq!(about(2), [rs(2, 1, "DOWN"), vs(2, "DOWN")]);
    assert_eq!(about(3), [vs(3, "DOWN"), rs(3, 1, "DOWN")]);
    assert_eq!(about(4), [rs(4, 1, "UP"), vs(4, "UP")]);
}

/// LVS-20, NOTI-07: what a reload takes away is told of as who had it wanted, and what it brings to a service where
/// `rs_init_notifies` says so, both as by Keepalived.
#[test]
#[ignore = "live: cargo xtask live"]
fn what_a_reload_takes_away_is_told_of_as_a_failure() {
    let say = |word: String| format!("\"/bin/sh -c 'echo {word} >> DIR/said'\"");
    let server = |number: usize| {
        let (up, down) = (say(format!("{number}up")), say(format!("{number}down")));
        format!("notify_up {up}\n notify_down {down}\n {}", watches("good"))
    };
    let told = |number: usize, servers: &[String]| {
        let (up, down) = (say(format!("{number}gained")), say(format!("{number}lost")));
        service(
            number,
            &format!("quorum_up {up}\n quorum_down {down}"),
            servers,
        )
    };
    let mut balancer = Balancer::new();
    for (init, first, last) in [
        ("", vec![], vec![]),
        ("rs_init_notifies", vec!["1up", "1up", "2up"], vec!["3up"]),
    ] {
        let services = told(1, &[server(1), server(2)]) + &told(2, &[server(1)]);
        let mut pipe = balancer.start(with_files(&["good"]), init, &services);
        let said = |expected: &[&str], more: &[&str]| {
            let mut expected: Vec<_> = expected.iter().chain(more).copied().collect();
            expected.sort_unstable();
            wait_until(&format!("{expected:?}"), PATIENCE, || {
                let text = fs::read_to_string(balancer.daemon().directory().join("said"));
                let text = text.unwrap_or_default();
                let mut all: Vec<_> = text.split_whitespace().collect();
                all.sort_unstable();
                all == expected
            });
        };
        let gained = ["1gained", "2gained"];
        said(&gained, &first);
        let before = pipe.lines().len();
        // The second server has another number now.
        let services = told(1, &[server(1), server(3)]).replace("10.9.0.2", "10.9.0.3");
        balancer.reload(init, &services);
        let gone = ["1gained", "2gained", "2down", "1down", "2lost"];
        let all: Vec<_> = first.iter().chain(&last).copied().collect();
        said(&gone, &all);
        let mut lines = pipe.lines().split_off(before);
        lines.sort();
        let mut expected = vec![rs(1, 2, "DOWN"), rs(2, 1, "DOWN"), vs(2, "DOWN")];
        expected.extend(last.iter().map(|_| rs(1, 3, "UP")));
        expected.sort();
        assert_eq!(lines, expected);
    }
}

/// NOTI-07: the program that reads the pipe gets its path.
///
/// Flips: global_defs.lvs_notify_fifo_script.
#[test]
#[ignore = "live: cargo xtask live"]
fn the_reader_of_the_pipe_hears_of_services() {
    let mut balancer = Balancer::new();
    let scratch = with_files(&["good"]);
    scratch.script("reader.sh", "#!/bin/sh\nexec cat \"$1\" > DIR/heard\n");
    let global = "lvs_notify_fifo_script DIR/reader.sh";
    let services = service(1, "", &[watches("good")]);
    // The test reads too, and may take lines from the program; further ones come.
    let pipe = balancer.start(scratch, global, &services);
    drop(pipe);
    let heard = balancer.daemon().directory().join("heard");
    wait_until("the reader hears", PATIENCE, || {
        remove(balancer.daemon(), "good");
        std::thread::sleep(Duration::from_millis(600));
        put(balancer.daemon(), "good");
        std::thread::sleep(Duration::from_millis(600));
        fs::read_to_string(&heard).is_ok_and(|text| text.contains("10.8.0.1"))
    });
}

/// LVS-11, RS-02: weights of live servers against the quorum.
///
/// Flips: virtual_server.quorum, virtual_server.hysteresis, virtual_server.weight,
/// virtual_server.real_server.weight.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_quorum_is_a_matter_of_weights() {
    let mut balancer = Balancer::new();
    let servers = || vec![watches("1"), watches("2"), watches("3")];
    let mut heavy = servers();
    heavy[2] = format!("weight 4\n {}", heavy[2]);
    let services = service(1, "", &servers())
        + &service(2, "quorum 3", &servers())
        + &service(3, "quorum 2\n hysteresis 1", &servers())
        + &service(4, "quorum 2", &servers())
        + &service(5, "quorum 3\n weight 3", &servers())
        + &service(6, "quorum 3", &heavy);
    let mut pipe = balancer.start(with_files(&["1", "2", "3"]), "", &services);
    let lost = |pipe: &mut PipeReader| {
        let lines = pipe.lines();
        let down = (1..=6).filter(|number| lines.contains(&vs(*number, "DOWN")));
        down.collect::<Vec<usize>>()
    };
    remove(balancer.daemon(), "1");
    for number in 1..=6 {
        pipe.wait_line(&rs(number, 1, "DOWN"), PATIENCE);
    }
    wait_until("one is lost", PATIENCE, || lost(&mut pipe) == [2]);
    remove(balancer.daemon(), "2");
    for number in 1..=6 {
        pipe.wait_line(&rs(number, 2, "DOWN"), PATIENCE);
    }
    wait_until("another is lost", PATIENCE, || lost(&mut pipe) == [2, 4]);
    // Back up at quorum and hysteresis together.
    put(balancer.daemon(), "2");
    pipe.wait_lines(&vs(4, "UP"), 2, PATIENCE);
    remove(balancer.daemon(), "2");
    pipe.wait_lines(&vs(4, "DOWN"), 2, PATIENCE);
    remove(balancer.daemon(), "3");
    wait_until("all are lost", PATIENCE, || {
        lost(&mut pipe) == [1, 2, 3, 4, 5, 6]
    });
    put(balancer.daemon(), "2");
    pipe.wait_lines(&vs(1, "UP"), 2, PATIENCE);
    pipe.wait_lines(&rs(3, 2, "UP"), 2, PATIENCE);
    put(balancer.daemon(), "3");
    pipe.wait_lines(&rs(3, 3, "UP"), 1, PATIENCE);
    // Two of the three that quorum and hysteresis want.
    assert_eq!(
        pipe.lines()
            .iter()
            .filter(|line| **line == vs(3, "UP"))
            .count(),
        1
    );
    put(balancer.daemon(), "1");
    pipe.wait_lines(&vs(3, "UP"), 2, PATIENCE);
}

/// LVS-14, LVS-15: in keepalived's words; the table itself is looked at elsewhere.
///
/// Flips: virtual_server.sorry_server, virtual_server.sorry_server_inhibit,
/// virtual_server.inhibit_on_failure, virtual_server.real_server.inhibit_on_failure.
#[test]
#[ignore = "live: cargo xtask live"]
fn failed_servers_and_sorry_servers_are_logged_as_what_becomes_of_them() {
    let mut balancer = Balancer::new();
    let inhibited = format!("inhibit_on_failure\n {}", watches("good"));
    let services = service(1, "", &[watches("good")])
        + &service(2, "inhibit_on_failure", &[watches("good")])
        + &service(3, "", &[inhibited])
        + &service(4, "sorry_server 10.9.0.9 80", &[watches("good")])
        + &service(
            5,
            "sorry_server 10.9.0.9 80\n sorry_server_inhibit",
            &[watches("good")],
        );
    let mut pipe = balancer.start(with_files(&["good"]), "", &services);
    pipe.wait_line(&vs(5, "UP"), PATIENCE);
    remove(balancer.daemon(), "good");
    let daemon = balancer.daemon();
    let (server, sorry) = (
        "service [10.9.0.1]:tcp:80",
        "sorry server [10.9.0.9]:tcp:80",
    );
    for line in [
        format!("Removing {server} from VS [10.8.0.1]:tcp:80"),
        format!("Disabling {server} of VS [10.8.0.2]:tcp:80"),
        format!("Disabling {server} of VS [10.8.0.3]:tcp:80"),
        format!("Adding {sorry} to VS [10.8.0.4]:tcp:80"),
        format!("Enabling {sorry} to VS [10.8.0.5]:tcp:80"),
    ] {
        daemon.wait_log(&line, 1, PATIENCE);
    }
    let status = daemon.status();
    let serves: Vec<_> = status["balance"]["services"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|service| service["sorry_server"]["serves"] == true)
        .collect();
    assert_eq!(serves, [false, false, false, true, true]);
    put(daemon, "good");
    daemon.wait_log(
        &format!("Removing {sorry} from VS [10.8.0.4]:tcp:80"),
        1,
        PATIENCE,
    );
    assert!(
        !daemon
            .log()
            .contains("sorry server [10.9.0.9]:tcp:80 to VS [10.8.0.1]")
    );
}

/// LVS-13: at the end it is as if everything failed, where that is wanted.
///
/// Flips: virtual_server.omega.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_stop_is_told_like_a_failure_where_the_line_says_so() {
    let mut balancer = Balancer::new();
    let say = "quorum_down \"/bin/sh -c 'echo lost >> DIR/said'\"";
    let services = service(1, "", &[watches("good")])
        + &service(2, &format!("omega\n {say}"), &[watches("good")]);
    let mut pipe = balancer.start(with_files(&["good"]), "", &services);
    pipe.wait_line(&vs(2, "UP"), PATIENCE);
    let daemon = balancer.daemon_mut();
    daemon.terminate();
    daemon.wait_exit(PATIENCE);
    let lines = pipe.lines();
    assert!(
        lines.contains(&rs(2, 1, "DOWN")) && lines.contains(&vs(2, "DOWN")),
        "{lines:?}"
    );
    assert!(
        !lines.contains(&rs(1, 1, "DOWN")) && !lines.contains(&vs(1, "DOWN")),
        "{lines:?}"
    );
    let said = fs::read_to_string(daemon.directory().join("said")).unwrap_or_default();
    assert_eq!(said, "lost\n");
    let log = daemon.log();
    assert!(
        log.contains("Shutting down service [10.9.0.1]:tcp:80 from VS [10.8.0.1]:tcp:80"),
        "{log}"
    );
}

/// LVS-16: checks rest while the address of the service is elsewhere.
///
/// Flips: virtual_server.ha_suspend.
#[test]
#[ignore = "live: cargo xtask live"]
fn checks_rest_without_the_address_where_the_line_says_so() {
    let mut balancer = Balancer::new();
    let check = |name: &str| {
        format!("MISC_CHECK {{\n misc_path \"/bin/sh -c 'echo x >> DIR/{name}'\"\n }}")
    };
    let services = service(1, "", &[check("always")]) + &service(2, "ha_suspend", &[check("here")]);
    let _pipe = balancer.start(with_files(&[]), "", &services);
    let runs = |balancer: &Balancer, name: &str| {
        let text = fs::read_to_string(balancer.daemon().directory().join(name));
        text.unwrap_or_default().lines().count()
    };
    wait_until("the one is checked", PATIENCE, || {
        runs(&balancer, "always") >= 3
    });
    assert_eq!(runs(&balancer, "here"), 0);
    balancer
        .lan
        .host("a")
        .netns
        .ip(&["addr add 10.8.0.2/32 dev eth0"]);
    wait_until("the other too", PATIENCE, || runs(&balancer, "here") >= 3);
    balancer
        .lan
        .host("a")
        .netns
        .ip(&["addr del 10.8.0.2/32 dev eth0"]);
    balancer
        .daemon()
        .wait_log("Suspending healthchecker", 1, PATIENCE);
    std::thread::sleep(Duration::from_millis(300));
    let (rests, before) = (runs(&balancer, "here"), runs(&balancer, "always"));
    wait_until("it rests while the other runs", PATIENCE, || {
        runs(&balancer, "always") >= before + 3
    });
    assert_eq!(runs(&balancer, "here"), rests);
}

const MAIL: &str = "smtp_server 127.0.0.1 2525\n notification_email {\n ops@x.org\n }\n \
                    notification_email_from ka@x.org";

/// MAIL-06, RS-06, LVS-18: mails about servers come unless they are not wanted, mails about services
/// only if they are.
///
/// Flips: global_defs.smtp_alert_checker, virtual_server.smtp_alert,
/// virtual_server.real_server.smtp_alert.
#[test]
#[ignore = "live: cargo xtask live"]
fn mails_about_services_and_servers_come_where_they_are_wanted() {
    for (global, services_told, servers_told) in [
        ("", vec![2], vec![1, 2, 3]),
        ("smtp_alert_checker", vec![1, 2, 3, 4], vec![1, 2, 3]),
        ("smtp_alert_checker off", vec![2], vec![3]),
    ] {
        let mut balancer = Balancer::new();
        let mails = MailServer::start(&balancer.lan.host("a").netns, 2525);
        let wanted = format!("smtp_alert\n {}", watches("good"));
        let unwanted = format!("smtp_alert off\n {}", watches("good"));
        let services = service(1, "", &[watches("good")])
            + &service(2, "smtp_alert", &[watches("good")])
            + &service(3, "", &[wanted])
            + &service(4, "", &[unwanted]);
        let global = format!("{MAIL}\n{global}");
        let mut pipe = balancer.start(with_files(&["good"]), &global, &services);
        pipe.wait_line(&vs(4, "UP"), PATIENCE);
        remove(balancer.daemon(), "good");
        pipe.wait_line(&vs(4, "DOWN"), PATIENCE);
        let count = services_told.len() + servers_told.len();
        let down = || {
            let mails = mails.mails().into_iter();
            let subjects = mails.map(|mail| mail.subject().to_owned());
            let mut subjects: Vec<_> = subjects.filter(|text| text.ends_with(" - DOWN")).collect();
            subjects.sort();
            subjects
        };
        let server = |number: &usize| {
            format!(
                "[lab] Realserver [10.9.0.1]:tcp:80 of virtual server [10.8.0.{number}]:tcp:80 - DOWN"
            )
        };
        let service =
            |number: &usize| format!("[lab] Virtualserver [10.8.0.{number}]:tcp:80 - DOWN");
        let expected = servers_told.iter().map(server);
        let expected: Vec<_> = expected.chain(services_told.iter().map(service)).collect();
        wait_until(&format!("{count} mails"), PATIENCE, || {
            down().len() >= count
        });
        holds_for("no more mails", Duration::from_millis(300), || {
            down().len() == count
        });
        assert_eq!(down(), expected);
    }
}

/// LVS-20, MAIL-06: as Keepalived tells of it, whether there are mails about each check or not.
#[test]
#[ignore = "live: cargo xtask live"]
fn mails_tell_of_what_a_reload_takes_away() {
    for line in ["", "no_checker_emails"] {
        let mut balancer = Balancer::new();
        let mails = MailServer::start(&balancer.lan.host("a").netns, 2525);
        let global = format!("{MAIL}\n{line}");
        let (good, other) = (watches("good"), service(2, "", &[watches("good")]));
        let both = service(1, "smtp_alert", &[good]) + &other;
        let mut pipe = balancer.start(with_files(&["good"]), &global, &both);
        pipe.wait_line(&vs(2, "UP"), PATIENCE);
        balancer.reload(&global, &other);
        for subject in [
            "[lab] Realserver [10.9.0.1]:tcp:80 of virtual server [10.8.0.1]:tcp:80 - DOWN",
            "[lab] Virtualserver [10.8.0.1]:tcp:80 - DOWN",
        ] {
            mails.wait_subject(subject, PATIENCE);
        }
    }
}

/// MAIL-06: mails about each check, or about servers only.
///
/// Flips: global_defs.no_checker_emails.
#[test]
#[ignore = "live: cargo xtask live"]
fn mails_about_single_checks_come_unless_they_are_not_wanted() {
    for (line, expected) in [("", 2), ("no_checker_emails", 1)] {
        let mut balancer = Balancer::new();
        let mails = MailServer::start(&balancer.lan.host("a").netns, 2525);
        let both = format!("{}\n {}", watches("1"), watches("2"));
        let global = format!("{MAIL}\n{line}");
        let mut pipe = balancer.start(with_files(&["1", "2"]), &global, &service(1, "", &[both]));
        remove(balancer.daemon(), "1");
        pipe.wait_line(&vs(1, "DOWN"), PATIENCE);
        remove(balancer.daemon(), "2");
        let daemon = balancer.daemon();
        daemon.wait_log("by [/usr/bin/test] failed", 2, PATIENCE);
        wait_until("mails", PATIENCE, || mails.mails().len() >= expected);
        holds_for("no more mails", Duration::from_millis(300), || {
            mails.mails().len() == expected
        });
    }
}

/// SYS-04, CORE-10: the thread of checks.
///
/// Flips: global_defs.checker_priority, global_defs.checker_rt_priority,
/// global_defs.checker_cpu_affinity, global_defs.checker_no_swap, global_defs.checker_rlimit_rttime,
/// global_defs.checker_rlimit_rtime, global_defs.checker_process_name, global_defs.lvs_process_name.
#[test]
#[ignore = "live: cargo xtask live"]
fn the_thread_of_checks_is_what_the_file_says() {
    let mut balancer = Balancer::new();
    let services = service(1, "", &[watches("good")]);
    let processors = || {
        fs::read_to_string("/proc/cpuinfo").map_or(1, |text| text.matches("processor\t").count())
    };
    for (lines, expected) in [
        ("", ("balance", 0, 0, false)),
        (
            "checker_process_name abc\n checker_priority 5",
            ("abc", 5, 0, false),
        ),
        (
            "lvs_process_name xyz\n checker_rt_priority 7\n checker_no_swap",
            ("xyz", 0, 7, true),
        ),
    ] {
        let _pipe = balancer.start(with_files(&["good"]), lines, &services);
        let pid = balancer.daemon().pid();
        let (name, nice, realtime, locked) = expected;
        wait_until(&format!("a thread {expected:?}"), PATIENCE, || {
            let found = thread(pid, name);
            found.is_some_and(|stat| (stat.0, stat.1) == (nice, realtime))
        });
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
        let locked_now = !status
            .lines()
            .any(|line| line.split_whitespace().eq(["VmLck:", "0", "kB"]));
        assert_eq!(locked_now, locked, "{status}");
    }
    let _pipe = balancer.start(with_files(&["good"]), "checker_cpu_affinity 0", &services);
    let pid = balancer.daemon().pid();
    wait_until("one processor", PATIENCE, || {
        let status = thread_status(pid, "balance").unwrap_or_default();
        status.contains("Cpus_allowed_list:\t0\n") || processors() == 1
    });
    for keyword in ["checker_rlimit_rttime", "checker_rlimit_rtime"] {
        let _pipe = balancer.start(
            with_files(&["good"]),
            &format!("{keyword} 123456"),
            &services,
        );
        let pid = balancer.daemon().pid();
        wait_until(keyword, PATIENCE, || {
            let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
            limits
                .lines()
                .any(|line| line.starts_with("Max realtime timeout") && line.contains("123456"))
        });
    }
}

/// Nice value and real-time priority of the thread of this name.
fn thread(pid: u32, name: &str) -> Option<(i32, i32)> {
    let stat = thread_file(pid, name, "stat")?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // Fields 19 and 40 of proc_pid_stat(5), the third being the first here.
    Some((fields.get(16)?.parse().ok()?, fields.get(37)?.parse().ok()?))
}

fn thread_status(pid: u32, name: &str) -> Option<String> {
    thread_file(pid, name, "status")
}

fn thread_file(pid: u32, name: &str, file: &str) -> Option<String> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let paths = threads.flatten().map(|entry| entry.path());
    let mut named = paths
        .filter(|path| fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim() == name));
    fs::read_to_string(named.next()?.join(file)).ok()
}

/// LVS-20: what a reload leaves as it is is not checked anew, and stays failed.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_failed_server_stays_failed_over_a_reload() {
    let mut balancer = Balancer::new();
    let first = service(1, "", &[watches("good")]);
    let mut pipe = balancer.start(with_files(&[]), "", &first);
    pipe.wait_line(&vs(1, "DOWN"), PATIENCE);
    let text = format!(
        "global_defs {{\n router_id lab\n script_user root\n lvs_notify_fifo DIR/fifo\n}}\n{first}{}",
        service(2, "", &[watches("good")])
    );
    balancer.daemon().reload_with(&text);
    pipe.wait_line(&vs(2, "UP"), PATIENCE);
    pipe.wait_line(&vs(2, "DOWN"), PATIENCE);
    let about = |line: &&String| line.contains("[10.8.0.1]");
    assert_eq!(
        pipe.lines().iter().filter(about).count(),
        3,
        "{:?}",
        pipe.lines()
    );
}

/// DUMP-01, DUMP-05: under keepalived's titles, and as a table.
#[test]
#[ignore = "live: cargo xtask live"]
fn the_dump_and_the_table_show_services_servers_and_checks() {
    let mut balancer = Balancer::new();
    let services = service(1, "quorum_up /bin/true", &[watches("good"), watches("bad")]);
    let mut pipe = balancer.start(with_files(&["good"]), "", &services);
    pipe.wait_line(&rs(1, 2, "DOWN"), PATIENCE);
    let daemon = balancer.daemon();
    let path = daemon.directory().join("keepalived_check.data");
    daemon.signal(rustix::process::Signal::USR1);
    wait_until("the dump", PATIENCE, || path.exists());
    let dump = fs::read_to_string(&path).expect("it is there");
    for line in [
        " VS VIP = 10.8.0.1, VPORT = 80\n",
        "   lvs_sched = wlc\n",
        "   quorum = 1, hysteresis = 0\n",
        "   Quorum up notify script = '/usr/bin/true', uid:gid 0:0\n",
        "   RIP = 10.9.0.2, RPORT = 80, WEIGHT = 1 EFF WEIGHT = 1\n",
        "------< Health checkers >------\n [10.8.0.1]:tcp:80 -> [10.9.0.1]:tcp:80\n",
        "   Keepalive method = MISC_CHECK\n",
        ": exit code 1\n",
    ] {
        assert!(dump.contains(line), "{line:?} in\n{dump}");
    }
    let program = lab::daemon::program(Kind::Ours);
    let socket = daemon.directory().join("main.sock");
    let ask = format!("{} status --socket {}", program.display(), socket.display());
    let table = balancer.lan.host("a").netns.shell(&ask);
    for words in [
        "[10.8.0.1]:tcp:80",
        "1 of 2 servers up",
        "MISC_CHECK failed",
        "MISC_CHECK ok",
        "IPVS: not there, nothing is balanced",
        "[10.9.0.2]:tcp:80 of [10.8.0.1]:tcp:80: MISC_CHECK: exit code 1",
    ] {
        assert!(table.contains(words), "{words:?} in\n{table}");
    }
    // There is no kernel that could have a weight.
    let server = &daemon.status()["balance"]["services"][0]["servers"][0];
    assert_eq!(server["effective_weight"], 1);
    assert_eq!(server["weight_in_kernel"], serde_json::Value::Null);
}

/// CLI-07: one half or the other.
#[test]
#[ignore = "live: cargo xtask live"]
fn either_half_can_be_left_out() {
    let balancer = Balancer::new();
    let host = balancer.lan.host("a");
    let text = format!(
        "global_defs {{\n script_user root\n}}\n{}{}",
        lab::Conf::new(100).text(),
        service(1, "", &[watches("good")])
    );
    for (flags, vrrp, checks) in [
        (&[][..], true, true),
        (&["-P"], true, false),
        (&["-C"], false, true),
        (&["-P", "-C"], true, true),
    ] {
        let daemon = Daemon::start_in(Kind::Ours, host, with_files(&["good"]), &text, flags);
        let (master, active) = ("Entering MASTER STATE", "Activating healthchecker");
        if vrrp {
            daemon.wait_log(master, 1, PATIENCE);
        }
        if checks {
            daemon.wait_log(active, 1, PATIENCE);
            assert!(daemon.directory().join("chk.pid").exists(), "{flags:?}");
        }
        daemon.wait_log("Startup complete", 1, PATIENCE);
        let status = daemon.status();
        assert_eq!(
            status["instances"]
                .as_array()
                .is_some_and(|all| !all.is_empty()),
            vrrp
        );
        assert_eq!(status["balance"].is_object(), checks, "{flags:?}");
    }
}

/// GEN-01: C Keepalived's generator says the same.
#[test]
#[ignore = "live: cargo xtask live"]
fn the_hash_generator_prints_what_keepaliveds_prints() {
    let balancer = Balancer::new();
    let netns = &balancer.lan.host("a").netns;
    let ours = lab::daemon::program(Kind::Ours);
    let theirs = lab::daemon::program(Kind::CKeepalived);
    let (http, https) = (backends::HTTP, backends::HTTPS);
    for arguments in [
        format!("-s 10.9.0.2 -p {http} -u /"),
        format!("--server 10.9.0.2 --port {http} --url /missing --protocol 1.1"),
        format!("-S -s 10.9.0.2 -p {https} -u /"),
        format!("-SI -s 10.9.0.2 -p {https} -u /named -V good.example"),
    ] {
        let hash =
            |program: &Path| netns.shell(&format!("{} --genhash {arguments}", program.display()));
        assert_eq!(hash(&ours), hash(&theirs), "{arguments}");
    }
    let digest = netns.shell(&format!(
        "{} genhash -s 10.9.0.2 -p {http} -u /",
        ours.display()
    ));
    assert_eq!(digest.trim(), backends::DIGEST);
}
