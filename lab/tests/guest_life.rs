//! The table through the life of the daemon: quorum, sorry servers, reload, repair, end. In the virtual machine:
//! `cargo xtask ipvs`.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use lab::director::{SERVICE, kind};
use lab::servers::{Server, Talk, ask_many};
use lab::wait::holds_for;
use lab::{Daemon, Director, Kind, Scratch, wait_until};

const PATIENCE: Duration = Duration::from_secs(10);
/// As long as a change that must not come is waited for.
const CALM: Duration = Duration::from_secs(3);

const SERVICE_LINE: &str = "-A -t 10.8.0.100:80 -s rr";
const FIRST: &str = "-a -t 10.8.0.100:80 -r 10.9.0.3:80 -m -w 1";
const SECOND: &str = "-a -t 10.8.0.100:80 -r 10.9.0.4:80 -m -w 1";
const SORRY: &str = "-a -t 10.8.0.100:80 -r 10.9.0.5:80 -m -w 1";

/// Two servers, each up while a file of its name is there.
struct Case {
    director: Director,
    files: Scratch,
}

impl Case {
    fn new() -> Self {
        lab::require_guest();
        let case = Self {
            director: Director::new(0),
            files: Scratch::new("files"),
        };
        case.up("one");
        case.up("two");
        case
    }

    fn up(&self, name: &str) {
        fs::write(self.files.file(name), "").expect("scratch is writable");
    }

    fn down(&self, name: &str) {
        fs::remove_file(self.files.file(name)).expect("it is there");
    }

    fn exists(&self, name: &str) -> bool {
        self.files.file(name).exists()
    }

    /// A configuration with these global lines, lines of the service, and lines of both servers.
    fn conf(&self, global: &str, service: &str, server: &str) -> String {
        let real = |address: &str, name: &str| {
            format!(
                " real_server {address} 80 {{\n {server}\n MISC_CHECK {{\n misc_path \"/bin/busybox test -e FILES/{name}\"\n \
                 misc_timeout 1\n }}\n }}\n"
            )
        };
        let text = format!(
            "global_defs {{\n script_user root\n {global}\n}}\n\
             virtual_server 10.8.0.100 80 {{\n delay_loop 1\n warmup 0\n lvs_sched rr\n protocol TCP\n {service}\n\
             {}{}}}\n",
            real("10.9.0.3", "one"),
            real("10.9.0.4", "two"),
        );
        text.replace(
            "FILES",
            self.files.path().to_str().expect("a path in UTF-8"),
        )
    }

    fn start(&self, global: &str, service: &str, server: &str) -> Daemon {
        self.director.start(&self.conf(global, service, server))
    }

    fn table(&self, wanted: &[&str]) {
        self.director.wait_table(wanted, PATIENCE);
    }
}

/// Flips: virtual_server.inhibit_on_failure.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_failed_server_goes_or_stays_without_weight() {
    for (line, failed) in [
        ("", None),
        (
            "inhibit_on_failure",
            Some("-a -t 10.8.0.100:80 -r 10.9.0.3:80 -m -w 0"),
        ),
    ] {
        let case = Case::new();
        let _daemon = case.start("", line, "");
        case.table(&[SERVICE_LINE, FIRST, SECOND]);
        case.down("one");
        let lines: Vec<_> = [SERVICE_LINE, SECOND].into_iter().chain(failed).collect();
        case.table(&lines);
        case.up("one");
        case.table(&[SERVICE_LINE, FIRST, SECOND]);
    }
}

/// Flips: virtual_server.real_server.inhibit_on_failure.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn one_server_may_stay_without_weight() {
    let case = Case::new();
    let _daemon = case.start("", "", "inhibit_on_failure");
    case.table(&[SERVICE_LINE, FIRST, SECOND]);
    case.down("two");
    case.table(&[
        SERVICE_LINE,
        FIRST,
        "-a -t 10.8.0.100:80 -r 10.9.0.4:80 -m -w 0",
    ]);
}

/// With fewer than the quorum the sorry server is there alone, and goes when they are back.
///
/// Flips: virtual_server.sorry_server, virtual_server.quorum, virtual_server.quorum_up,
/// virtual_server.quorum_down.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn the_sorry_server_stands_in_below_the_quorum() {
    let case = Case::new();
    let _daemon = case.start(
        "",
        "quorum 2\n sorry_server 10.9.0.5 80\n quorum_up \"/bin/busybox touch FILES/gained\"\n \
         quorum_down \"/bin/busybox touch FILES/lost\"",
        "",
    );
    case.table(&[SERVICE_LINE, FIRST, SECOND]);
    assert!(!case.exists("lost"));
    case.down("one");
    case.table(&[SERVICE_LINE, SORRY]);
    wait_until("quorum_down has run", PATIENCE, || case.exists("lost"));
    let _start_counts = fs::remove_file(case.files.file("gained"));
    case.up("one");
    case.table(&[SERVICE_LINE, FIRST, SECOND]);
    wait_until("quorum_up has run", PATIENCE, || case.exists("gained"));
}

/// Without a sorry server the servers that are left stay, below the quorum too.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn below_the_quorum_the_last_servers_stay() {
    let case = Case::new();
    let _daemon = case.start(
        "",
        "quorum 2\n quorum_down \"/bin/busybox touch FILES/lost\"",
        "",
    );
    case.table(&[SERVICE_LINE, FIRST, SECOND]);
    case.down("one");
    wait_until("quorum_down has run", PATIENCE, || case.exists("lost"));
    case.table(&[SERVICE_LINE, SECOND]);
    case.down("two");
    case.table(&[SERVICE_LINE]);
}

/// Flips: virtual_server.hysteresis.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn hysteresis_keeps_the_quorum_a_little_longer() {
    let case = Case::new();
    let _daemon = case.start(
        "",
        "quorum 2\n hysteresis 1\n sorry_server 10.9.0.5 80\n quorum_down \"/bin/busybox touch FILES/lost\"",
        "weight 2",
    );
    let weighty = |line: &str| line.replace("-w 1", "-w 2");
    let (first, second) = (weighty(FIRST), weighty(SECOND));
    case.table(&[SERVICE_LINE, &first, &second]);
    case.down("one");
    case.table(&[SERVICE_LINE, &second]);
    // 2 is not below 2 - 1.
    holds_for("the quorum is kept", CALM, || !case.exists("lost"));
    case.down("two");
    case.table(&[SERVICE_LINE, SORRY]);
}

/// Flips: virtual_server.sorry_server_inhibit, virtual_server.sorry_server_lvs_method.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_sorry_server_may_wait_in_the_table_and_be_reached_otherwise() {
    let case = Case::new();
    let _daemon = case.start(
        "",
        "sorry_server 10.9.0.5 80\n sorry_server_inhibit\n sorry_server_lvs_method DR",
        "",
    );
    let sorry = |weight| format!("-a -t 10.8.0.100:80 -r 10.9.0.5:80 -g -w {weight}");
    case.table(&[SERVICE_LINE, FIRST, SECOND, &sorry(0)]);
    case.down("one");
    case.down("two");
    case.table(&[SERVICE_LINE, &sorry(1)]);
    case.up("one");
    case.table(&[SERVICE_LINE, FIRST, &sorry(0)]);
}

/// Flips: virtual_server.alpha, virtual_server.ha_suspend.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn servers_count_before_their_first_check_unless_told_otherwise() {
    for (line, there) in [("", true), ("alpha", false)] {
        let case = Case::new();
        case.down("one");
        // The first check comes late.
        let conf = case
            .conf("", line, "")
            .replace("delay_loop 1\n warmup 0", "delay_loop 600\n warmup 600");
        let _daemon = case.director.start(&conf);
        case.director.wait_line(SERVICE_LINE, true, PATIENCE);
        holds_for("the server is (not) there", CALM, || {
            case.director.table().iter().any(|line| line == FIRST) == there
        });
    }
    // Not checked while the address is not here: a server that is down stays.
    let case = Case::new();
    case.director
        .host()
        .netns
        .ip(&["addr del 10.8.0.100/32 dev eth0"]);
    case.down("one");
    let _daemon = case.start("", "ha_suspend", "");
    case.table(&[SERVICE_LINE, FIRST, SECOND]);
    holds_for("nothing is checked", CALM, || {
        case.director.table().len() == 3
    });
    case.director
        .host()
        .netns
        .ip(&["addr add 10.8.0.100/32 dev eth0"]);
    case.table(&[SERVICE_LINE, SECOND]);
}

/// Flips: global_defs.lvs_flush.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn services_of_others_stay_unless_all_are_flushed() {
    for (line, stays) in [("", true), ("lvs_flush", false)] {
        let case = Case::new();
        case.director.ipvsadm("-A -t 192.0.2.1:99 -s lc");
        let _daemon = case.start(line, "", "");
        let other = ["-A -t 192.0.2.1:99 -s lc"];
        let other = other.into_iter().filter(|_| stays);
        let lines: Vec<_> = [SERVICE_LINE, FIRST, SECOND]
            .into_iter()
            .chain(other)
            .collect();
        case.table(&lines);
    }
}

/// Flips: global_defs.lvs_flush_on_stop, global_defs.lvs_flush_onstop.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn at_the_end_our_services_go_and_all_of_them_when_told() {
    for (line, left) in [
        ("", &["-A -t 192.0.2.1:99 -s lc"][..]),
        ("lvs_flush_on_stop", &[][..]),
        ("lvs_flush_onstop", &[][..]),
        ("lvs_flush_on_stop VS", &["-A -t 192.0.2.1:99 -s lc"][..]),
    ] {
        let case = Case::new();
        let mut daemon = case.start(line, "", "");
        case.table(&[SERVICE_LINE, FIRST, SECOND]);
        case.director.ipvsadm("-A -t 192.0.2.1:99 -s lc");
        daemon.terminate();
        let status = daemon.wait_exit(PATIENCE);
        assert!(status.success(), "{line}: {status}");
        assert_eq!(case.director.table(), left, "after `{line}`");
    }
}

/// IPVS-OPS-05: they are set, and put back at the end.
///
/// Flips: global_defs.lvs_timeouts, global_defs.lvs_timeouts/tcp, global_defs.lvs_timeouts/tcpfin,
/// global_defs.lvs_timeouts/udp.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn timeouts_of_connections_are_set_and_put_back() {
    let case = Case::new();
    let timeouts = || case.director.ipvsadm("-L --timeout").trim().to_owned();
    let told = |numbers: &str| format!("Timeout (tcp tcpfin udp): {numbers}");
    assert_eq!(timeouts(), told("900 120 300"));
    let mut daemon = case.start("lvs_timeouts tcp 901 udp 333", "", "");
    let wait = |numbers: &str| {
        let wanted = told(numbers);
        wait_until(&wanted, PATIENCE, || timeouts() == wanted);
    };
    wait("901 120 333");
    daemon.reload_with(&case.conf("lvs_timeouts tcp 901 tcpfin 77", "", ""));
    if kind() == Kind::Ours {
        // C Keepalived leaves the one that is no longer named.
        wait("901 77 300");
    }
    daemon.terminate();
    daemon.wait_exit(PATIENCE);
    if kind() == Kind::Ours {
        wait("900 120 300");
    }
}

/// A reload that changes nothing is not seen, one that changes a weight keeps what the kernel has counted.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn counters_survive_a_reload() {
    lab::require_guest();
    let director = Director::new(2);
    let hosts = [director.lan.host("s1"), director.lan.host("s2")];
    let _servers = hosts.map(|host| Server::tcp(host, 80, Talk::Text(host.name.clone())));
    let conf = |weight: u32| {
        format!(
            "virtual_server 10.8.0.100 80 {{\n lvs_sched rr\n protocol TCP\n \
             real_server 10.9.0.3 80 {{\n weight {weight}\n }}\n real_server 10.9.0.4 80 {{\n }}\n}}\n"
        )
    };
    let daemon = director.start(&conf(1));
    director.wait_table(&[SERVICE_LINE, FIRST, SECOND], PATIENCE);
    let service: IpAddr = SERVICE.parse().expect("an address");
    let answers = ask_many(
        director.lan.host("c"),
        SocketAddr::new(service, 80),
        10,
        PATIENCE,
    );
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let connections = || director.column("--stats --exact", "10.9.0.3:80 ", 0);
    wait_until("the kernel has counted", PATIENCE, || {
        connections() == Some(5)
    });
    for weight in [1, 3] {
        daemon.reload_with(&conf(weight));
        let heavy = format!("-a -t 10.8.0.100:80 -r 10.9.0.3:80 -m -w {weight}");
        director.wait_table(&[SERVICE_LINE, &heavy, SECOND], PATIENCE);
        holds_for("the counters stay", CALM, || connections() == Some(5));
    }
}

/// What a reload adds comes, what it takes away goes, and a server that failed stays failed.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_reload_makes_the_difference() {
    let case = Case::new();
    let daemon = case.start("", "", "");
    case.table(&[SERVICE_LINE, FIRST, SECOND]);
    case.down("one");
    case.table(&[SERVICE_LINE, SECOND]);
    let more = "virtual_server 10.8.0.100 81 {\n lvs_sched rr\n protocol TCP\n real_server 10.9.0.3 81 {\n }\n}\n";
    daemon.reload_with(&(case.conf("", "", "") + more));
    let new = "-A -t 10.8.0.100:81 -s rr";
    let server = "-a -t 10.8.0.100:81 -r 10.9.0.3:81 -m -w 1";
    case.table(&[SERVICE_LINE, SECOND, new, server]);
    daemon.reload_with(&case.conf("", "persistence_timeout 60", ""));
    case.table(&["-A -t 10.8.0.100:80 -s rr -p 60", SECOND]);
    daemon.reload_with(more);
    case.table(&[new, server]);
}

/// A server that a reload takes away stays without weight for the time it is given to drain.
///
/// Flips: virtual_server.lvs_drain_time.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_removed_server_may_drain() {
    for line in ["", "lvs_drain_time 4"] {
        let case = Case::new();
        let both = case.conf("", line, "");
        let second = both.find(" real_server 10.9.0.4").expect("it is there");
        let one = format!("{}}}\n", &both[..second]);
        let daemon = case.director.start(&both);
        case.table(&[SERVICE_LINE, FIRST, SECOND]);
        daemon.reload_with(&one);
        if !line.is_empty() {
            let drains = SECOND.replace("-w 1", "-w 0");
            case.table(&[SERVICE_LINE, FIRST, &drains]);
            holds_for("it drains", Duration::from_secs(1), || {
                case.director.ipvsadm("-Sn").contains(&drains)
            });
        }
        case.table(&[SERVICE_LINE, FIRST]);
    }
}

/// When too many servers fail at once the checks are disbelieved: better all of them than too few.
///
/// Flips: virtual_server.panic_threshold.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn below_the_panic_threshold_all_servers_stay() {
    for (line, left) in [
        ("", vec![SERVICE_LINE, SECOND]),
        ("panic_threshold 50", vec![SERVICE_LINE, SECOND]),
        ("panic_threshold 51", vec![SERVICE_LINE, FIRST, SECOND]),
    ] {
        let case = Case::new();
        let script = "notify_down \"/bin/busybox touch FILES/noticed\"";
        let _daemon = case.start("", line, script);
        case.table(&[SERVICE_LINE, FIRST, SECOND]);
        case.down("one");
        wait_until("it is noticed", PATIENCE, || case.exists("noticed"));
        case.table(&left);
        holds_for("so it stays", Duration::from_secs(1), || {
            case.director.ipvsadm("-Sn").contains(FIRST) == left.contains(&FIRST)
        });
    }
}

/// Somebody else's change of what is ours is undone within a second, and told.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn what_somebody_removes_is_back_within_a_second() {
    if kind() == Kind::CKeepalived {
        // It does not look.
        return;
    }
    let case = Case::new();
    let daemon = case.start("", "", "");
    case.table(&[SERVICE_LINE, FIRST, SECOND]);
    for change in [
        "-D -t 10.8.0.100:80",
        "-d -t 10.8.0.100:80 -r 10.9.0.3:80",
        "-e -t 10.8.0.100:80 -r 10.9.0.4:80 -m -w 9",
        "-E -t 10.8.0.100:80 -s lc",
        "-a -t 10.8.0.100:80 -r 10.9.0.9:80 -m",
        "-C",
    ] {
        case.director.ipvsadm(change);
        case.director
            .wait_table(&[SERVICE_LINE, FIRST, SECOND], Duration::from_millis(1500));
    }
    daemon.wait_log("somebody changed services of ours", 6, PATIENCE);
}

/// What a killed daemon left is taken over, and what its successor does not want of it goes.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_killed_daemon_is_followed_by_another() {
    let case = Case::new();
    let mut daemon = case.start("", "", "");
    case.table(&[SERVICE_LINE, FIRST, SECOND]);
    daemon.kill();
    case.table(&[SERVICE_LINE, FIRST, SECOND]);
    case.down("two");
    daemon.start_again(case.director.host());
    case.table(&[SERVICE_LINE, FIRST]);
    daemon.terminate();
    daemon.wait_exit(PATIENCE);
    case.table(&[]);
}

/// Services that a killed daemon left go although the next one has never heard of them, to the last; those of
/// others stay. C Keepalived leaves them.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn what_a_killed_daemon_left_goes_when_it_is_not_in_the_file_any_more() {
    if kind() == Kind::CKeepalived {
        return;
    }
    let case = Case::new();
    let conf = case.conf("", "", "");
    let mut daemon = case.director.start(&conf);
    let other = "-A -u 10.8.0.101:53 -s rr";
    case.director.ipvsadm(other);
    case.table(&[SERVICE_LINE, FIRST, SECOND, other]);
    daemon.kill();
    let moved = conf.replace("10.8.0.100 80", "10.8.0.100 81");
    daemon.start_again_with_text(case.director.host(), &moved);
    let lines = [SERVICE_LINE, FIRST, SECOND].map(|line| line.replace("100:80", "100:81"));
    let lines: Vec<_> = lines.iter().map(String::as_str).chain([other]).collect();
    case.table(&lines);
    daemon.kill();
    daemon.start_again_with_text(case.director.host(), "global_defs {\n}\n");
    case.table(&[other]);
}

/// `-I`: the balancing goes on without the daemon. What the next one does not want of it, it removes; C
/// Keepalived leaves that.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn services_may_outlive_the_daemon_and_are_known_to_the_next_one() {
    for flag in ["-I", "--dont-release-ipvs"] {
        let case = Case::new();
        let conf = case.conf("", "", "");
        let mut daemon = case.director.start_in(Scratch::new("keep"), &conf, &[flag]);
        case.table(&[SERVICE_LINE, FIRST, SECOND]);
        daemon.terminate();
        let status = daemon.wait_exit(PATIENCE);
        assert!(status.success(), "{flag}: {status}");
        case.table(&[SERVICE_LINE, FIRST, SECOND]);
        if kind() == Kind::CKeepalived {
            continue;
        }
        let moved = conf.replace("10.8.0.100 80", "10.8.0.100 81");
        daemon.start_again_with_text(case.director.host(), &moved);
        let lines = [SERVICE_LINE, FIRST, SECOND].map(|line| line.replace("100:80", "100:81"));
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        case.table(&lines);
    }
}

/// The sync daemon has the role of the instance that it follows.
///
/// Flips: global_defs.lvs_sync_daemon, global_defs.lvs_sync_daemon/inst, global_defs.lvs_sync_daemon/id,
/// global_defs.lvs_sync_daemon/maxlen, global_defs.lvs_sync_daemon/port, global_defs.lvs_sync_daemon/ttl,
/// global_defs.lvs_sync_daemon/group.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn the_sync_daemon_follows_an_instance() {
    let case = Case::new();
    let conf = |priority: u32, words: &str| {
        let global = format!("lvs_sync_daemon eth0 {words}");
        let instance = format!(
            "vrrp_instance VI {{\n state BACKUP\n interface eth0\n virtual_router_id 7\n priority {priority}\n \
             advert_int 1\n virtual_ipaddress {{\n 10.9.0.200/24\n }}\n}}\n"
        );
        instance + &case.conf(&global, "", "")
    };
    let words = "inst VI id 17 maxlen 1300 port 8900 ttl 3 group 224.0.0.99";
    let daemons = || case.director.ipvsadm("-L --daemon");
    let mut daemon = case.director.start(&conf(100, words));
    wait_until("a backup first", PATIENCE, || daemons().contains("backup"));
    wait_until("then the master", PATIENCE, || daemons().contains("master"));
    let told = daemons();
    for part in [
        "syncid=17",
        "maxlen=1300",
        "port=8900",
        "ttl=3",
        "224.0.0.99",
        "eth0",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert!(!told.contains("backup"), "{told}");
    // A better router takes over.
    let peer = Director::host(&case.director);
    let _same_switch = peer;
    case.director.lan.cut("lb");
    wait_until("no master without a link", PATIENCE, || {
        daemons().contains("backup")
    });
    case.director.lan.plug("lb");
    wait_until("master again", PATIENCE, || daemons().contains("master"));
    daemon.terminate();
    daemon.wait_exit(PATIENCE);
    assert_eq!(daemons().trim(), "");
}

/// Without an instance to follow it does both.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_sync_daemon_without_an_instance_has_both_roles() {
    let case = Case::new();
    let _daemon = case.start("lvs_sync_daemon eth0 id 3", "", "");
    wait_until("both", PATIENCE, || {
        let told = case.director.ipvsadm("-L --daemon");
        told.contains("master") && told.contains("backup") && told.contains("syncid=3")
    });
}

/// The older way to say it, in the instance.
///
/// Flips: vrrp_instance.lvs_sync_daemon_interface.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn an_instance_may_name_the_interface_of_the_sync_daemon() {
    let case = Case::new();
    let instance = "vrrp_instance VI {\n state BACKUP\n interface eth0\n virtual_router_id 7\n advert_int 1\n \
                    lvs_sync_daemon_interface eth0\n virtual_ipaddress {\n 10.9.0.200/24\n }\n}\n";
    let _daemon = case
        .director
        .start(&(instance.to_owned() + &case.conf("", "", "")));
    wait_until("the role of a master", PATIENCE, || {
        let told = case.director.ipvsadm("-L --daemon");
        told.contains("master") && told.contains("eth0")
    });
}

/// The table is another namespace's; what is checked is in the daemon's own.
///
/// Flips: (root).net_namespace_ipvs.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn the_table_of_another_namespace_is_kept() {
    let case = Case::new();
    let other = Director::new(0);
    let name = other.host().netns.name();
    let conf = format!("net_namespace_ipvs {name}\n{}", case.conf("", "", ""));
    let _daemon = case.director.start(&conf);
    other.wait_table(&[SERVICE_LINE, FIRST, SECOND], PATIENCE);
    case.down("one");
    other.wait_table(&[SERVICE_LINE, SECOND], PATIENCE);
    assert_eq!(case.director.table(), Vec::<String>::new());
}
