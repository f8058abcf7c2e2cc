//! The tables of nftables that the daemon keeps, those of its packet filter and those that mark packets: what others do to
//! them, whose they are, and what a killed run leaves.

use std::fs;
use std::time::Duration;

use lab::wait::holds_for;
use lab::{Conf, Daemon, Host, Kind, Lan, Scratch, require_live, wait_until};

const PATIENCE: Duration = Duration::from_secs(25);
/// News of the kernel is acted upon at once, but not more often than once in a second.
const SOON: Duration = Duration::from_secs(3);

const MARKED: &str = "Packets to the addresses of groups are marked by nftables, in table ours";
const MARKS_DRIFT: &str = "Somebody changed the marks of packets, table ours; put right";
const FILTER_DRIFT: &str = "Somebody changed our packet filter, table keepalived; put right";

fn lan() -> Lan {
    require_live();
    Lan::new(&["a"])
}

/// A group with addresses of both families, and an instance that refuses traffic.
fn conf(global: &str) -> String {
    let instance = Conf::new(200).with("no_accept").text();
    let instance = instance.replace("router_id lab", &format!("router_id lab\n {global}"));
    format!("{instance}\n{}", services("10.8.0.1 80\n2001:db8::1 80"))
}

fn services(addresses: &str) -> String {
    format!(
        "virtual_server_group G {{\n{addresses}\n}}\n\
         virtual_server group G {{\n lb_algo rr\n lb_kind NAT\n protocol TCP\n persistence_timeout 50\n \
         real_server 10.9.0.2 80 {{\n TCP_CHECK {{\n }}\n }}\n}}\n"
    )
}

fn rules(host: &Host) -> String {
    host.netns.shell("nft list ruleset")
}

fn holds(host: &Host) -> bool {
    host.holds(Conf::new(200).service_address())
}

fn wait_rules(host: &Host, what: &str, limit: Duration, fits: impl Fn(&str) -> bool) {
    wait_until(what, limit, || fits(&rules(host)));
}

/// FW-03, IPVS-OPS-09: whatever somebody does to a table of ours is undone, told and counted; what is done to others is
/// not our business.
#[test]
#[ignore = "live: cargo xtask live"]
fn what_somebody_does_to_our_tables_is_undone_told_and_counted() {
    let lan = lan();
    let host = lan.host("a");
    let daemon = Daemon::start_with(Kind::Ours, host, &conf("nftables_ipvs ours"));
    daemon.wait_log(MARKED, 1, PATIENCE);
    wait_until("it is master", PATIENCE, || holds(host));
    let before = rules(host);
    assert!(
        before.contains("table ip ours") && before.contains("table ip6 ours"),
        "{before}"
    );
    assert!(before.contains("table ip keepalived"), "{before}");
    host.netns
        .shell("nft add table ip theirs; nft delete table ip theirs");
    holds_for("all is let be", Duration::from_secs(2), || {
        daemon.logged("put right") == 0
    });
    let repairs = || {
        let status = daemon.status();
        let of = |kept: &serde_json::Value| {
            assert_eq!(kept["in_force"], true, "{kept}");
            kept["repairs"].as_u64().expect("a number")
        };
        [of(&status["balance"]["marks"]), of(&status["firewall"])]
    };
    let mut times = [0, 0];
    for (of, harm) in [
        (0, "flush chain ip ours in"),
        (0, "delete element ip ours tcp_map { 10.8.0.1 . 80 }"),
        (0, "add element ip ours tcp_map { 10.8.0.99 . 80 : 7 }"),
        (0, "delete table ip6 ours"),
        (0, "add rule ip6 ours in accept"),
        (1, "flush chain ip keepalived in"),
        (1, "flush set ip keepalived vips"),
        (1, "insert rule ip keepalived in accept"),
        (1, "delete table ip keepalived"),
    ] {
        host.netns.shell(&format!("nft '{harm}'"));
        times[of] += 1;
        wait_until(harm, SOON, || repairs() == times);
        assert_eq!(sorted(&rules(host)), sorted(&before), "{harm}");
    }
    host.netns.shell("nft flush ruleset");
    wait_until("all is put back", SOON, || {
        repairs() == times.map(|one| one + 1)
    });
    assert_eq!(sorted(&rules(host)), sorted(&before));
    assert!(daemon.logged(MARKS_DRIFT) >= 3 && daemon.logged(FILTER_DRIFT) >= 3);
    let again = "it is not told as if it were the first time";
    assert_eq!(daemon.logged(MARKED), 1, "{again}");
    assert!(holds(host), "{}", daemon.log());
}

/// Tables are listed in the order in which they were made.
fn sorted(rules: &str) -> Vec<&str> {
    let mut tables: Vec<&str> = rules.split("table ").collect();
    tables.sort_unstable();
    tables
}

/// FW-03: who goes on is told of less and less often, and the tables are put back all the same.
#[test]
#[ignore = "live: cargo xtask live"]
fn who_goes_on_changing_our_tables_is_told_of_in_gaps() {
    let lan = lan();
    let host = lan.host("a");
    let daemon = Daemon::start_with(Kind::Ours, host, &conf("nftables_ipvs ours"));
    daemon.wait_log(MARKED, 1, PATIENCE);
    let repairs = || daemon.status()["balance"]["marks"]["repairs"].as_u64();
    for times in 1..=12 {
        host.netns.shell("nft flush chain ip ours in");
        wait_until("it is put back", SOON, || repairs() == Some(times));
    }
    let told = daemon.logged(MARKS_DRIFT);
    assert!((3..=5).contains(&told), "{told} times:\n{}", daemon.log());
    daemon.wait_log("times more since it was last said", 1, SOON);
}

/// FW-02: the rules of others stay as they are, and who cannot refuse traffic does not pretend to.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_filter_table_of_somebody_else_is_left_alone() {
    let lan = lan();
    let host = lan.host("a");
    let rule = "ip daddr 10.0.0.1 drop";
    host.netns.shell(&format!(
        "nft 'add table ip keepalived; add chain ip keepalived mine {{ type filter hook input priority 0; }}; \
         add rule ip keepalived mine {rule}'"
    ));
    let theirs = rules(host);
    let daemon = Daemon::start(Kind::Ours, host, &Conf::new(200).with("no_accept"));
    daemon.wait_log(
        "table ip keepalived is there and is somebody else's",
        1,
        PATIENCE,
    );
    daemon.wait_log("traffic to its addresses cannot be refused", 1, PATIENCE);
    assert!(!holds(host));
    assert_eq!(rules(host), theirs);
    // Another daemon has that name: the same.
    host.netns.shell("nft flush ruleset");
    wait_until("its way is free", SOON + PATIENCE, || holds(host));
    let mut second = Conf::new(100).with("no_accept");
    (second.vrid, second.addresses) = (77, vec!["10.9.0.177/24".to_owned()]);
    let ours = rules(host);
    let mut other = Daemon::start(Kind::Ours, host, &second);
    other.wait_log(
        "table ip keepalived is there and is somebody else's",
        1,
        PATIENCE,
    );
    other.terminate();
    let _ = other.wait_exit(PATIENCE);
    assert_eq!(rules(host), ours);
}

/// FW-02: whose name ours is in the other family does not matter, nor what he does there.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_table_of_somebody_else_in_the_other_family_is_no_obstacle() {
    let lan = lan();
    let host = lan.host("a");
    host.netns
        .shell("nft 'add table ip keepalived; add chain ip keepalived mine; add table ip ours'");
    let conf = Conf::new(200).ipv6().with("no_accept");
    let text = conf
        .text()
        .replace("router_id lab", "router_id lab\n nftables_ipvs ours");
    let services = services("2001:db8::1 80").replace("10.9.0.2", "2001:db8::2");
    let text = format!("{text}\n{services}");
    let mut daemon = Daemon::start_with(Kind::Ours, host, &text);
    daemon.wait_log(MARKED, 1, PATIENCE);
    wait_until("it is master", PATIENCE, || {
        host.holds(conf.service_address())
    });
    let there = |now: &str| {
        let tables = ["ip6 keepalived", "ip6 ours", "ip keepalived", "ip ours"];
        tables.iter().all(|table| now.contains(table)) && now.contains("chain mine")
    };
    wait_rules(host, "each has his own", PATIENCE, there);
    host.netns
        .shell("nft 'add chain ip keepalived more; add chain ip ours more'");
    holds_for("nothing is put right", SOON, || {
        let log = daemon.log();
        !log.contains("put right") && there(&rules(host))
    });
    daemon.terminate();
    let _ = daemon.wait_exit(PATIENCE);
    let now = rules(host);
    assert!(
        !now.contains("ip6") && now.matches("chain more").count() == 2,
        "{now}"
    );
}

/// FW-04, IPVS-OPS-09.
#[test]
#[ignore = "live: cargo xtask live"]
fn tables_that_a_killed_run_left_under_other_names_are_removed() {
    let lan = lan();
    let host = lan.host("a");
    let both = "nftables one\n nftables_ipvs two";
    let mut daemon = Daemon::start_with(Kind::Ours, host, &conf(both));
    daemon.wait_log("in table two", 1, PATIENCE);
    wait_until("it is master", PATIENCE, || holds(host));
    // Of another daemon, and of somebody else.
    host.netns
        .shell("nft 'add table ip six; add chain ip six keepalived_rs_other; add table ip seven'");
    daemon.kill();
    let left = rules(host);
    assert!(
        left.contains("ip one") && left.contains("ip6 two"),
        "{left}"
    );
    daemon.start_again_with_text(host, &conf("nftables three\n nftables_ipvs four"));
    wait_rules(host, "new names", PATIENCE, |now| {
        ["ip three", "ip four", "ip6 four"]
            .iter()
            .all(|table| now.contains(table))
    });
    wait_rules(host, "the old names are gone", SOON, |now| {
        !now.contains(" one ") && !now.contains(" two ")
    });
    daemon.kill();
    // Nothing is wanted any more.
    daemon.start_again_with(host, &Conf::new(200));
    wait_rules(host, "only those of others are left", PATIENCE, |now| {
        !now.contains("three") && !now.contains("four")
    });
    let now = rules(host);
    assert!(
        now.contains("table ip six") && now.contains("table ip seven"),
        "{now}"
    );
    drop(daemon);
}

/// FW-05, IPVS-OPS-09: who cannot have the new name keeps the old one, up to date, until the new one is free.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_name_that_is_refused_leaves_the_one_before_in_force() {
    let lan = lan();
    let host = lan.host("a");
    let mut daemon =
        Daemon::start_with(Kind::Ours, host, &conf("nftables one\n nftables_ipvs two"));
    daemon.wait_log("in table two", 1, PATIENCE);
    wait_until("it is master", PATIENCE, || holds(host));
    host.netns
        .shell("nft 'add table ip three; add table ip6 four'");
    let renamed = conf("nftables three\n nftables_ipvs four").replace("10.8.0.1 80", "10.8.0.5 80");
    daemon.reload_with(&renamed);
    daemon.wait_log(
        "table ip6 four is there and is somebody else's (remove it, or give `nftables_ipvs` another name); \
         packets are marked in table two",
        1,
        PATIENCE,
    );
    daemon.wait_log(
        "table ip three is there and is somebody else's (remove it, or give `nftables` another name); \
         the rules stay in table one",
        1,
        PATIENCE,
    );
    let now = rules(host);
    assert!(
        now.contains("10.8.0.5 . 80") && !now.contains("10.8.0.1 . 80"),
        "{now}"
    );
    let status = daemon.status();
    assert_eq!(status["balance"]["marks"]["table"], "two");
    assert_eq!(status["firewall"]["table"], "one");
    assert!(status["firewall"]["trouble"].is_string());
    assert!(holds(host));
    host.netns
        .shell("nft 'delete table ip three; delete table ip6 four'");
    daemon.wait_log("in table four", 1, SOON);
    wait_rules(host, "the new names, and no old ones", SOON, |now| {
        now.contains("table ip three")
            && now.contains("table ip6 four")
            && !now.contains(" one ")
            && !now.contains(" two ")
    });
    assert!(holds(host));
    assert_eq!(
        daemon.status()["firewall"]["trouble"],
        serde_json::Value::Null
    );
    daemon.terminate();
    let _ = daemon.wait_exit(PATIENCE);
    assert_eq!(rules(host).trim(), "", "nothing stays");
}

/// FW-01: a program that fails is asked again at once, and then soon.
#[test]
#[ignore = "live: cargo xtask live"]
fn nft_that_fails_at_first_is_asked_again_soon() {
    for (failures, told) in [(1, 0), (2, 1)] {
        let lan = lan();
        let host = lan.host("a");
        let scratch = Scratch::new("fails");
        let program = format!(
            "#!/bin/sh\necho >>DIR/tried\n[ $(wc -l <DIR/tried) -gt {failures} ] || exit 1\nexec {nft} \"$@\"\n",
            nft = host.netns.shell("command -v nft").trim(),
        );
        fs::create_dir(scratch.file("bin")).unwrap();
        scratch.script("bin/nft", &program);
        let tried = scratch.file("tried");
        let text = format!(
            "global_defs {{\n nftables_ipvs ours\n}}\n{}",
            services("10.8.0.1 80")
        );
        let daemon = Daemon::start_in(Kind::Ours, host, scratch, &text, &[]);
        wait_until("it is tried", PATIENCE, || tried.exists());
        daemon.wait_log(MARKED, 1, SOON);
        assert_eq!(daemon.logged("cannot be marked"), told, "{}", daemon.log());
    }
}

/// FW-04, IPVS-OPS-09: two daemons of one host, each with its pid files and its names of tables.
#[test]
#[ignore = "live: cargo xtask live"]
fn two_daemons_keep_their_tables_beside_each_other() {
    let lan = lan();
    let host = lan.host("a");
    let with = |names: [&str; 2], vrid: u8| {
        let mut conf = Conf::new(200).with("no_accept");
        conf.vrid = vrid;
        conf.addresses = vec![format!("10.9.0.{vrid}/24")];
        conf.global = vec![format!(
            "nftables {}\n nftables_ipvs {}",
            names[0], names[1]
        )];
        let addresses = format!("10.8.0.{vrid} 80\n2001:db8::{vrid} 80");
        format!("{}\n{}", conf.text(), services(&addresses))
    };
    // What is in the tables of these names, in whatever order they were made.
    let tables = |names: [&str; 2]| {
        let all = rules(host);
        let of = |table: &&str| {
            names
                .iter()
                .any(|name| table.contains(&format!(" {name} ")))
        };
        let own: Vec<_> = sorted(&all)
            .into_iter()
            .filter(of)
            .map(str::to_owned)
            .collect();
        own
    };
    let repairs = |daemon: &Daemon| {
        let status = daemon.status();
        let of = |kept: &serde_json::Value| kept["repairs"].as_u64().expect("a number");
        [of(&status["firewall"]), of(&status["balance"]["marks"])]
    };
    let (one, two) = (["one", "onemarks"], ["two", "twomarks"]);
    let mut first = Daemon::start_with(Kind::Ours, host, &with(one, 51));
    let whole = |names: [&str; 2]| {
        wait_until("all tables are whole", PATIENCE, || {
            let all = tables(names).concat();
            all.matches("dport map").count() >= 2
                && all.contains("@vips")
                && all.contains("10.9.0.")
        });
    };
    whole(one);
    let second = Daemon::start_with(Kind::Ours, host, &with(two, 52));
    whole(two);
    let (ones, twos) = (tables(one), tables(two));
    assert_eq!((ones.len(), twos.len()), (3, 3), "{}", rules(host));

    // Each puts back its own, and takes what is done to the other's for none of its business.
    for (at, table) in [(0, "ip two"), (1, "ip twomarks"), (1, "ip6 twomarks")] {
        let before = repairs(&second)[at];
        host.netns.shell(&format!("nft delete table {table}"));
        wait_until("it is put back", SOON, || repairs(&second)[at] > before);
        assert_eq!(tables(two), twos);
    }
    assert_eq!(repairs(&first), [0, 0], "{}", first.log());
    assert_eq!(tables(one), ones);
    host.netns.shell("nft flush ruleset");
    wait_until("each puts back its own, once", SOON, || {
        (repairs(&first), repairs(&second)) == ([1, 1], [2, 3])
    });
    assert_eq!((tables(one), tables(two)), (ones, twos.clone()));

    // A killed one that is there again under other names removes what it has left, and nothing else.
    first.kill();
    let three = ["three", "threemarks"];
    first.start_again_with_text(host, &with(three, 51));
    whole(three);
    wait_until("its old tables are gone", SOON, || tables(one).is_empty());
    assert_eq!(tables(three).len(), 3);
    first.terminate();
    let _ = first.wait_exit(PATIENCE);
    assert!(tables(three).is_empty(), "{}", rules(host));
    holds_for("the other's stay", SOON, || tables(two) == twos);
    assert_eq!(repairs(&second), [2, 3], "{}", second.log());
}
