//! The tables of `nftables_ipvs` beside those of others. What IPVS does with the marks is tested where there is a
//! kernel with it; that packets get them, and from whom, shows without.

use std::time::Duration;

use lab::wait::holds_for;
use lab::{Daemon, Kind, Lan, require_live, wait_until};

const PATIENCE: Duration = Duration::from_secs(25);
/// Longer than from one look at the tables to the next.
const LOOKED: Duration = Duration::from_secs(12);

const MARKED: &str = "Packets to the addresses of groups are marked by nftables, in table ours";
const TAKEN: &str = "table ip ours is there and is somebody else's (remove it, or give `nftables_ipvs` another name); each address is a service of its own";
const KEPT: &str = "table ip ours is there and is somebody else's (remove it, or give `nftables_ipvs` another name); packets are marked in table elsewhere";

fn conf(addresses: &str) -> String {
    format!(
        "global_defs {{\n nftables_ipvs ours\n}}\n\
         virtual_server_group G {{\n{addresses}\n}}\n\
         virtual_server group G {{\n lb_algo rr\n lb_kind NAT\n protocol TCP\n persistence_timeout 50\n \
         real_server 10.9.0.2 80 {{\n TCP_CHECK {{\n }}\n }}\n}}\n"
    )
}

/// IPVS-OPS-09.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_table_of_somebody_else_is_left_alone() {
    require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    let rule = "ip daddr 10.0.0.1 drop";
    host.netns.shell(&format!(
        "nft 'add table ip ours; add chain ip ours mine {{ type filter hook input priority 0; }}; \
         add rule ip ours mine {rule}'"
    ));
    let text = conf("10.8.0.1 80");
    let daemon = Daemon::start_with(Kind::Ours, host, &text);
    daemon.wait_log(TAKEN, 1, PATIENCE);
    drop(daemon);
    // Nor is it taken by a reload that comes to its name.
    let elsewhere = text.replace("nftables_ipvs ours", "nftables_ipvs elsewhere");
    let daemon = Daemon::start_with(Kind::Ours, host, &elsewhere);
    daemon.wait_log("in table elsewhere", 1, PATIENCE);
    daemon.reload_with(&text);
    daemon.wait_log(KEPT, 1, PATIENCE);
    drop(daemon);
    let left = host.netns.shell("nft list table ip ours");
    assert!(left.contains(rule) && !left.contains("mark"), "{left}");
}

/// IPVS-OPS-09: two daemons that would have the same table and the same marks.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_table_of_another_daemon_is_left_alone() {
    require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    let first = Daemon::start_with(Kind::Ours, host, &conf("10.8.0.1 80"));
    first.wait_log(MARKED, 1, PATIENCE);
    let second = Daemon::start_with(Kind::Ours, host, &conf("10.8.0.2 80"));
    second.wait_log(TAKEN, 1, PATIENCE);
    let table = host.netns.shell("nft list table ip ours");
    assert!(
        table.contains("10.8.0.1") && !table.contains("10.8.0.2"),
        "{table}"
    );
}

/// IPVS-OPS-09: the tables of both families are there, and are seen to be.
#[test]
#[ignore = "live: cargo xtask live"]
fn tables_of_both_families_are_put_back_only_when_they_are_gone() {
    require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    let daemon = Daemon::start_with(Kind::Ours, host, &conf("10.8.0.1 80\n2001:db8::1 80"));
    daemon.wait_log(MARKED, 1, PATIENCE);
    holds_for("the tables are let be", LOOKED, || {
        daemon.logged(MARKED) == 1
    });
    host.netns.shell("nft delete table ip ours");
    let drift = "Somebody changed the marks of packets, table ours; put right";
    daemon.wait_log(drift, 1, PATIENCE);
    let table = host.netns.shell("nft list table ip ours");
    assert!(table.contains("10.8.0.1"), "{table}");
}

/// IPVS-OPS-09: the kernel knows connections and clients by the mark, so that each group has to have its own again.
#[test]
#[ignore = "live: cargo xtask live"]
fn groups_have_their_marks_again_when_the_daemon_was_killed() {
    require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    let old = conf("10.8.0.1 80");
    // A new group, in the file before the one that is there.
    let (global, first) = old.split_at(old.find("virtual_server_group").expect("there"));
    let another = first
        .replace(" G ", " H ")
        .replace("10.8.0.1 ", "10.8.0.2 ");
    let both = format!("{global}{another}{first}");
    let marks = || {
        let table = host.netns.shell("nft list table ip ours");
        let mark = |address: &str| {
            let (_, rest) = table.split_once(&format!("{address} . 80 : "))?;
            rest.split([',', ' ', '\n']).next().map(str::to_owned)
        };
        [mark("10.8.0.1"), mark("10.8.0.2")]
    };
    let given = |marks: [&str; 2]| marks.map(|mark| Some(mark.to_owned()));
    let mut daemon = Daemon::start_with(Kind::Ours, host, &old);
    daemon.wait_log(MARKED, 1, PATIENCE);
    daemon.reload_with(&both);
    let (came, other) = (
        given(["0x000003e8", "0x000003e9"]),
        given(["0x000003e9", "0x000003e8"]),
    );
    wait_until("the new group has a mark", PATIENCE, || marks() == came);
    daemon.kill();
    daemon.start_again(host);
    daemon.wait_log(MARKED, 2, PATIENCE);
    assert_eq!(marks(), came);
    // Where nothing is left there is nothing to go on with.
    daemon.terminate();
    let _ = daemon.wait_exit(PATIENCE);
    daemon.start_again(host);
    daemon.wait_log(MARKED, 3, PATIENCE);
    assert_eq!(marks(), other);
}
