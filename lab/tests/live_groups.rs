//! Synchronisation groups: two networks, two hosts on both of them, and instances that move together.
//!
//! Modules are named after who runs on `a` and on `b`. `c_c::` is C Keepalived on both, which proves
//! the test.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use lab::wait::holds_for;
use lab::{Capture, Daemon, Host, Kind, Lan, Scratch, wait_until};

const PATIENCE: Duration = Duration::from_secs(15);
/// Of adverts, in milliseconds.
const INTERVAL: u32 = 100;

macro_rules! for_pairs {
    ($($pair:ident = $a:ident, $b:ident { $($(#[$doc:meta])* $test:ident;)* })*) => {$(
        mod $pair {
            $(
                $(#[$doc])*
                #[test]
                #[ignore = "live: cargo xtask live"]
                fn $test() {
                    super::$test(lab::Kind::$a, lab::Kind::$b);
                }
            )*
        }
    )*};
}

for_pairs! {
    c_c = CKeepalived, CKeepalived {
        a_link_down_on_one_moves_both;
        without_a_group_only_one_moves;
        a_group_that_must_not_preempt_stays_backup;
        both_move_when_the_daemon_is_killed;
        what_a_group_tracks_counts_for_its_members;
    }

    ours_c = Ours, CKeepalived {
        /// KA-G-04, KA-G-05, KA-G-08, SG-01, SG-03.
        ///
        /// Flips: (root).vrrp_sync_group, vrrp_sync_group.group, vrrp_sync_group.notify,
        /// vrrp_sync_group.notify_master, vrrp_sync_group.notify_backup, vrrp_sync_group.notify_fault,
        /// vrrp_sync_group.notify_stop.
        a_link_down_on_one_moves_both;
        without_a_group_only_one_moves;
        /// KA-G-01.
        a_group_that_must_not_preempt_stays_backup;
        /// KA-G-02.
        both_move_when_the_daemon_is_killed;
        /// KA-G-07, SG-02.
        ///
        /// Flips: vrrp_sync_group.track_interface.
        what_a_group_tracks_counts_for_its_members;
        /// KA-G-07, TRK-12, SG-05: here 2.2.7 says so and does otherwise.
        ///
        /// Flips: vrrp_sync_group.sync_group_tracking_weight, vrrp_sync_group.global_tracking.
        weights_of_members_count_where_the_group_says_so;
        /// A reload that adds or removes a member: C takes the group down for a down interval.
        members_come_and_go_while_the_group_stays;
        a_group_that_begins_at_fault_says_so;
    }

    c_ours = CKeepalived, Ours {
        a_link_down_on_one_moves_both;
        without_a_group_only_one_moves;
        a_group_that_must_not_preempt_stays_backup;
        both_move_when_the_daemon_is_killed;
    }

    ours_ours = Ours, Ours {
        a_link_down_on_one_moves_both;
        both_move_when_the_daemon_is_killed;
    }
}

/// Two networks: `eth0` of every host is on the LAN, `eth1` on a second bridge.
fn two_networks(hosts: &[&str]) -> Lan {
    lab::require_live();
    let lan = Lan::new(hosts);
    lan.switch().ip(&[
        "link add br1 type bridge",
        "link set br1 type bridge mcast_snooping 0 forward_delay 0",
        "link set br1 addrgenmode none",
        "link set br1 up",
    ]);
    for (number, host) in (1..).zip(lan.hosts()) {
        let (name, netns) = (&host.name, host.netns.name());
        lan.switch().ip(&[
            &format!("link add se{name} type veth peer name eth1 netns {netns}"),
            &format!("link set se{name} addrgenmode none"),
            &format!("link set se{name} master br1"),
            &format!("link set se{name} up"),
        ]);
        host.netns.ip(&[
            "link set eth1 up",
            &format!("addr add 10.10.0.{number}/24 dev eth1"),
        ]);
    }
    lan
}

fn cut_second(lan: &Lan, host: &str) {
    lan.switch().ip(&[&format!("link set se{host} down")]);
}

fn plug_second(lan: &Lan, host: &str) {
    lan.switch().ip(&[&format!("link set se{host} up")]);
}

/// V0 on `eth0` holds 10.9.0.100, V1 on `eth1` holds 10.10.0.100.
#[derive(Clone, Debug)]
struct Pair {
    priority: u8,
    /// Lines of both instances.
    both: String,
    /// Lines of V0.
    first: String,
    /// Lines of the group; no group if `None`.
    group: Option<String>,
    /// Without V1.
    alone: bool,
}

impl Pair {
    fn new(priority: u8) -> Self {
        Self {
            priority,
            both: String::new(),
            first: String::new(),
            group: Some(String::new()),
            alone: false,
        }
    }

    fn text(&self) -> String {
        let mut text = "global_defs {\n router_id lab\n script_user root\n}\n".to_owned();
        let members = if self.alone { "V0" } else { "V0\n  V1" };
        if let Some(lines) = &self.group {
            let group = format!("vrrp_sync_group G {{\n group {{\n  {members}\n }}\n{lines}}}\n");
            text.push_str(&group);
        }
        let count = if self.alone { 1 } else { 2 };
        for (number, net) in (0..count).zip([9, 10]) {
            let own = if number == 0 { &self.first } else { "" };
            text.push_str(&format!(
                "vrrp_instance V{number} {{\n interface eth{number}\n \
                 virtual_router_id 5{number}\n version 3\n priority {}\n advert_int 0.{INTERVAL:03}\n\
                 {}{own} virtual_ipaddress {{\n  10.{net}.0.100/24\n }}\n}}\n",
                self.priority, self.both
            ));
        }
        text
    }
}

fn address(net: u8) -> IpAddr {
    IpAddr::from([10, net, 0, 100])
}

/// Whether a host holds this address on any interface.
fn holds(host: &Host, address: IpAddr) -> bool {
    let answer = host.netns.ip_json(&["address", "show"]);
    answer
        .to_string()
        .contains(&format!("\"local\":\"{address}\""))
}

/// The hosts with the address of V0, and those with the address of V1.
fn holders(lan: &Lan) -> [Vec<&str>; 2] {
    [9, 10].map(|net| {
        let hosts = lan.hosts().iter();
        let holding = hosts.filter(|host| holds(host, address(net)));
        holding.map(|host| host.name.as_str()).collect()
    })
}

#[track_caller]
fn wait_holders(lan: &Lan, first: &str, second: &str) {
    let what = format!("V0 is on {first} and V1 on {second}");
    wait_until(&what, PATIENCE, || {
        holders(lan) == [vec![first], vec![second]]
    });
}

/// A script that writes its arguments into a file, and the lines of a group that run it.
fn diary(scratch: &Scratch) -> String {
    let script = scratch.script("write.sh", "#!/bin/sh\necho \"$@\" >> DIR/diary\n");
    let script = script.display();
    let mut lines = format!(" notify \"{script}\"\n");
    for state in ["master", "backup", "fault", "stop"] {
        lines.push_str(&format!(" notify_{state} \"{script} only-{state}\"\n"));
    }
    lines
}

fn read_diary(scratch: &Path) -> Vec<String> {
    let text = fs::read_to_string(scratch.join("diary")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Which lines are there, whatever their order: C does not wait for its scripts.
#[track_caller]
fn wait_diary(scratch: &Scratch, line: &str, times: usize) {
    let count = || {
        let lines = read_diary(scratch.path());
        lines.iter().filter(|told| *told == line).count()
    };
    let what = format!("{times} times {line:?} in {:?}", scratch.path());
    wait_until(&what, PATIENCE, || count() >= times);
    assert_eq!(count(), times, "{:?}", read_diary(scratch.path()));
}

fn a_link_down_on_one_moves_both(kind: Kind, other: Kind) {
    let lan = two_networks(&["a", "b"]);
    let scratch = Scratch::new("groups");
    let conf = Pair {
        group: Some(diary(&scratch)),
        ..Pair::new(200)
    };
    let mut a = Daemon::start_with(kind, lan.host("a"), &conf.text());
    wait_holders(&lan, "a", "a");
    let b = Daemon::start_with(other, lan.host("b"), &Pair::new(100).text());
    b.wait_log("Entering BACKUP STATE", 2, PATIENCE);
    if kind == Kind::Ours {
        let status = a.status();
        let group = &status["groups"][0];
        assert_eq!(group["state"], "MASTER", "{group}");
        assert_eq!(group["members"], serde_json::json!(["V0", "V1"]));
    }
    for (round, second) in [(1, false), (2, true)] {
        if second {
            cut_second(&lan, "a");
        } else {
            lan.cut("a");
        }
        wait_holders(&lan, "b", "b");
        wait_diary(&scratch, "GROUP G FAULT 0", round);
        wait_diary(&scratch, "only-fault", round);
        if second {
            plug_second(&lan, "a");
        } else {
            lan.plug("a");
        }
        wait_holders(&lan, "a", "a");
        wait_diary(&scratch, "GROUP G MASTER 0", round + 1);
        wait_diary(&scratch, "only-master", round + 1);
        wait_diary(&scratch, "GROUP G BACKUP 0", round + 1);
        wait_diary(&scratch, "only-backup", round + 1);
    }
    a.terminate();
    a.wait_exit(PATIENCE);
    wait_holders(&lan, "b", "b");
    wait_diary(&scratch, "GROUP G STOP 0", 1);
    wait_diary(&scratch, "only-stop", 1);
    if kind == Kind::Ours {
        let told = read_diary(scratch.path());
        let states: Vec<&str> = told
            .iter()
            .filter_map(|line| line.strip_prefix("GROUP G ")?.strip_suffix(" 0"))
            .collect();
        let round = ["BACKUP", "MASTER", "FAULT"];
        let expected = [&round[..], &round[..], &["BACKUP", "MASTER", "STOP"]].concat();
        assert_eq!(states, expected, "each once and in order");
    }
}

fn without_a_group_only_one_moves(kind: Kind, other: Kind) {
    let lan = two_networks(&["a", "b"]);
    let conf = |priority| Pair {
        group: None,
        ..Pair::new(priority)
    };
    let _a = Daemon::start_with(kind, lan.host("a"), &conf(200).text());
    wait_holders(&lan, "a", "a");
    let b = Daemon::start_with(other, lan.host("b"), &conf(100).text());
    b.wait_log("Entering BACKUP STATE", 2, PATIENCE);
    cut_second(&lan, "a");
    wait_holders(&lan, "a", "b");
}

fn a_group_that_must_not_preempt_stays_backup(kind: Kind, other: Kind) {
    let lan = two_networks(&["a", "b"]);
    let conf = |priority| Pair {
        both: " nopreempt\n".to_owned(),
        ..Pair::new(priority)
    };
    let a = Daemon::start_with(kind, lan.host("a"), &conf(200).text());
    wait_holders(&lan, "a", "a");
    let mut b = Daemon::start_with(other, lan.host("b"), &conf(100).text());
    b.wait_log("Entering BACKUP STATE", 2, PATIENCE);
    lan.cut("a");
    wait_holders(&lan, "b", "b");
    lan.plug("a");
    a.wait_log("Entering BACKUP STATE", 4, PATIENCE);
    holds_for("b stays", Duration::from_millis(1200), || {
        holders(&lan) == [["b"], ["b"]]
    });
    b.terminate();
    b.wait_exit(PATIENCE);
    wait_holders(&lan, "a", "a");
}

fn both_move_when_the_daemon_is_killed(kind: Kind, other: Kind) {
    let lan = two_networks(&["a", "b"]);
    let mut a = Daemon::start_with(kind, lan.host("a"), &Pair::new(200).text());
    wait_holders(&lan, "a", "a");
    let b = Daemon::start_with(other, lan.host("b"), &Pair::new(100).text());
    b.wait_log("Entering BACKUP STATE", 2, PATIENCE);
    a.kill();
    // What the dead one held is still there.
    wait_until("b has both", PATIENCE, || {
        holders(&lan).iter().all(|holding| holding.contains(&"b"))
    });
    a.start_again(lan.host("a"));
    wait_holders(&lan, "a", "a");
}

/// A third interface of a host; its cable ends in `far0`, in the same namespace.
fn third_interface(host: &Host) {
    host.netns.ip(&[
        "link add other0 type veth peer name far0",
        "link set far0 up",
        "link set other0 up",
    ]);
}

fn set_far(host: &Host, up: bool) {
    let word = if up { "up" } else { "down" };
    host.netns.ip(&[&format!("link set far0 {word}")]);
}

/// The priority in the latest advert of a host with this number.
fn last(capture: &Capture, host: &str, vrid: u8) -> Option<u8> {
    let adverts = capture.adverts();
    let own = adverts
        .iter()
        .filter(|(_, from, advert)| from == host && advert.vrid == vrid);
    own.map(|(_, _, advert)| advert.priority).next_back()
}

#[track_caller]
fn wait_priorities(capture: &Capture, host: &str, wanted: [u8; 1]) {
    let what = format!("{host} says {wanted:?}");
    let now = || [last(capture, host, 50)] == wanted.map(Some);
    wait_until(&what, PATIENCE, now);
    holds_for(&what, Duration::from_millis(300), now);
}

fn what_a_group_tracks_counts_for_its_members(kind: Kind, _: Kind) {
    let lan = two_networks(&["a"]);
    let capture = Capture::start(&lan);
    let host = lan.host("a");
    third_interface(host);
    let track = |weight: &str| Pair {
        group: Some(format!(" track_interface {{\n  other0{weight}\n }}\n")),
        ..Pair::new(200)
    };
    let a = Daemon::start_with(kind, host, &track(" weight -20").text());
    wait_holders(&lan, "a", "a");
    wait_priorities(&capture, "a", [200]);
    set_far(host, false);
    wait_priorities(&capture, "a", [180]);
    a.wait_log(
        "(V1) Changing effective priority from 200 to 180",
        1,
        PATIENCE,
    );
    set_far(host, true);
    wait_priorities(&capture, "a", [200]);
    a.reload_with(&track("").text());
    wait_holders(&lan, "a", "a");
    set_far(host, false);
    wait_until("neither is here", PATIENCE, || {
        holders(&lan).iter().all(Vec::is_empty)
    });
    set_far(host, true);
    wait_holders(&lan, "a", "a");
}

fn weights_of_members_count_where_the_group_says_so(kind: Kind, _: Kind) {
    let lan = two_networks(&["a"]);
    let capture = Capture::start(&lan);
    let host = lan.host("a");
    third_interface(host);
    let conf = |line: &str| Pair {
        first: " track_interface {\n  other0 weight 10\n }\n".to_owned(),
        group: Some(line.to_owned()),
        ..Pair::new(200)
    };
    let a = Daemon::start_with(kind, host, &conf("").text());
    wait_holders(&lan, "a", "a");
    wait_priorities(&capture, "a", [200]);
    for (line, priority) in [
        (" sync_group_tracking_weight\n", 210),
        ("", 200),
        (" global_tracking\n", 210),
    ] {
        a.reload_with(&conf(line).text());
        wait_priorities(&capture, "a", [priority]);
    }
    assert_eq!(a.logged("Entering MASTER STATE"), 2, "{}", a.log());
}

fn members_come_and_go_while_the_group_stays(kind: Kind, other: Kind) {
    let lan = two_networks(&["a", "b"]);
    let alone = Pair {
        alone: true,
        ..Pair::new(200)
    };
    let a = Daemon::start_with(kind, lan.host("a"), &alone.text());
    wait_until("V0 is on a", PATIENCE, || holds(lan.host("a"), address(9)));
    let b = Daemon::start_with(other, lan.host("b"), &Pair::new(100).text());
    b.wait_log("Entering BACKUP STATE", 2, PATIENCE);
    let stays = |what: &str| {
        holds_for(what, Duration::from_millis(800), || {
            holds(lan.host("a"), address(9))
        });
    };
    a.reload_with(&Pair::new(200).text());
    a.wait_log("Reload complete", 1, PATIENCE);
    stays("V0 stays on a while V1 joins");
    wait_holders(&lan, "a", "a");
    a.reload_with(&alone.text());
    a.wait_log("Reload complete", 2, PATIENCE);
    stays("V0 stays on a while V1 leaves");
    wait_until("V1 is gone", PATIENCE, || {
        !holds(lan.host("a"), address(10))
    });
    // One that is down is a member all the same.
    cut_second(&lan, "a");
    a.reload_with(&Pair::new(200).text());
    wait_holders(&lan, "b", "b");
    // Without it the rest is free, and the peer, whose group is whole, gives way.
    a.reload_with(&alone.text());
    wait_until("V0 is back", PATIENCE, || {
        holders(&lan)[0] == ["a"] && holders(&lan)[1].is_empty()
    });
    assert_eq!(a.logged("(V0) Entering FAULT STATE"), 1, "{}", a.log());
}

fn a_group_that_begins_at_fault_says_so(kind: Kind, _: Kind) {
    let lan = two_networks(&["a"]);
    let scratch = Scratch::new("groups");
    cut_second(&lan, "a");
    let conf = Pair {
        group: Some(diary(&scratch)),
        ..Pair::new(200)
    };
    let a = Daemon::start_with(kind, lan.host("a"), &conf.text());
    wait_diary(&scratch, "GROUP G FAULT 0", 1);
    a.wait_log("Entering FAULT STATE", 2, PATIENCE);
    plug_second(&lan, "a");
    wait_holders(&lan, "a", "a");
    wait_diary(&scratch, "GROUP G BACKUP 0", 1);
    wait_diary(&scratch, "GROUP G MASTER 0", 1);
    assert_eq!(read_diary(scratch.path()).len(), 6, "nothing else");
    a.reload_with(&conf.text());
    a.wait_log("Reload complete", 1, PATIENCE);
    holds_for(
        "the same again is no event",
        Duration::from_millis(400),
        || read_diary(scratch.path()).len() == 6 && holders(&lan) == [["a"], ["a"]],
    );
}
