//! Packet filter rules: who refuses traffic and what passes all the same, when rules are there.
//!
//! `c::` runs C Keepalived where it makes the same promise, which proves the test; `ours::` runs ours.

use std::net::IpAddr;
use std::process::Stdio;
use std::time::Duration;

use lab::{Conf, Daemon, Host, Kind, Lan, wait_until};

const PATIENCE: Duration = Duration::from_secs(15);

lab::for_kinds! {
    c = CKeepalived {
        who_does_not_accept_drops_traffic_and_can_be_found;
        who_does_not_accept_drops_traffic_and_can_be_found_over_ipv6;
        strict_mode_accepts_nothing_unless_told_to;
        rules_are_written_as_asked_and_go_at_the_end;
    }

    ours = Ours {
        /// FW-01, KA-O-03, VRRP-HOST-08, RFC 9568 6.4.3.
        /// Flips: vrrp_instance.no_accept.
        who_does_not_accept_drops_traffic_and_can_be_found;
        /// FW-01, VRRP-HOST-08, VRRP-HOST-09, RFC 9568 6.1: neighbours find the address all the same.
        who_does_not_accept_drops_traffic_and_can_be_found_over_ipv6;
        /// KA-O-02.
        /// Flips: vrrp_instance.accept.
        strict_mode_accepts_nothing_unless_told_to;
        /// FW-01, VMAC-08.
        /// Flips: global_defs.nftables, global_defs.nftables_priority,
        /// global_defs.nftables_counters.
        rules_are_written_as_asked_and_go_at_the_end;
        /// FW-01.
        /// Flips: global_defs.nftables_ifindex.
        link_local_addresses_are_matched_by_name_or_by_index;
        /// FW-01.
        rules_of_a_killed_run_are_replaced;
        /// FW-01: it says what is missing, and does not run open.
        without_nft_nobody_pretends_to_refuse_traffic;
    }
}

fn lan() -> Lan {
    lab::require_live();
    Lan::new(&["a", "client"])
}

fn pings(lan: &Lan, address: IpAddr) -> bool {
    let mut ping = lan.host("client").netns.command("ping");
    ping.args(["-n", "-c", "1", "-W", "1", &address.to_string()]);
    let status = ping.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn rules(host: &Host) -> String {
    host.netns.shell("nft list ruleset")
}

fn who_does_not_accept_drops_traffic_and_can_be_found(kind: Kind) {
    refuses(kind, &Conf::new(200));
}

fn who_does_not_accept_drops_traffic_and_can_be_found_over_ipv6(kind: Kind) {
    refuses(kind, &Conf::new(200).ipv6());
}

fn refuses(kind: Kind, conf: &Conf) {
    let lan = lan();
    let (a, vip) = (lan.host("a"), conf.service_address());
    {
        let mut daemon = Daemon::start(kind, a, conf);
        wait_until("it answers", PATIENCE, || pings(&lan, vip));
        daemon.terminate();
        let _ = daemon.wait_exit(PATIENCE);
        assert!(!a.holds(vip));
    }
    lan.host("client").netns.shell("ip neighbour flush all");
    let _daemon = Daemon::start(kind, a, &conf.clone().with("no_accept"));
    wait_until("it holds the address", PATIENCE, || a.holds(vip));
    assert!(!pings(&lan, vip), "traffic to the address is dropped");
    // Neighbours find it all the same, or nothing could be forwarded by it.
    assert_eq!(lan.host("client").neighbour(vip), Some(a.mac));
    let own: IpAddr = if vip.is_ipv4() {
        a.ipv4.into()
    } else {
        a.ipv6.into()
    };
    assert!(pings(&lan, own), "the host itself answers");
}

fn strict_mode_accepts_nothing_unless_told_to(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    let conf = Conf::new(200).with("strict_mode");
    let vip = conf.service_address();
    {
        let mut daemon = Daemon::start(kind, a, &conf);
        wait_until("it holds the address", PATIENCE, || a.holds(vip));
        assert!(!pings(&lan, vip), "traffic to the address is dropped");
        daemon.terminate();
        // Rules go last, and are nothing that the next one, with another pid file, would remove.
        let _ = daemon.wait_exit(PATIENCE);
        assert!(!a.holds(vip));
    }
    let _daemon = Daemon::start(kind, a, &conf.with("accept"));
    wait_until("it answers", PATIENCE, || pings(&lan, vip));
}

fn rules_are_written_as_asked_and_go_at_the_end(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    let mut conf = Conf::new(200).with("use_vmac");
    {
        let mut daemon = Daemon::start(kind, a, &conf);
        wait_until("the default table", PATIENCE, || {
            rules(a).contains("table ip keepalived")
        });
        wait_until("the default chain", PATIENCE, || {
            rules(a).contains("filter - 1;")
        });
        assert!(!rules(a).contains("counter"));
        daemon.terminate();
        let _ = daemon.wait_exit(PATIENCE);
        assert_eq!(rules(a).trim(), "");
    }
    for line in [
        "nftables mytable",
        "nftables_priority -7",
        "nftables_counters",
    ] {
        conf.global.push(line.to_owned());
    }
    let mut daemon = Daemon::start(kind, a, &conf);
    wait_until("table and chain as asked", PATIENCE, || {
        let rules = rules(a);
        rules.contains("table ip mytable") && rules.contains("filter - 7;")
    });
    let now = rules(a);
    assert!(now.contains("counter packets"), "{now}");
    assert!(
        now.contains("ip protocol igmp meta oifkind \"macvlan\""),
        "{now}"
    );
    assert!(!now.contains("table ip keepalived"), "{now}");
    daemon.terminate();
    let _ = daemon.wait_exit(PATIENCE);
    assert_eq!(rules(a).trim(), "");
}

fn link_local_addresses_are_matched_by_name_or_by_index(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    let conf = Conf::new(200).ipv6().with("no_accept");
    {
        let mut daemon = Daemon::start(kind, a, &conf);
        wait_until("by name", PATIENCE, || {
            rules(a).contains("ip6 daddr . iifname")
        });
        daemon.terminate();
        let _ = daemon.wait_exit(PATIENCE);
    }
    let mut conf = conf;
    conf.global.push("nftables_ifindex".to_owned());
    let _daemon = Daemon::start(kind, a, &conf);
    wait_until("by index", PATIENCE, || {
        rules(a).contains("ip6 daddr . iif @")
    });
}

fn rules_of_a_killed_run_are_replaced(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    let conf = Conf::new(200).with("no_accept");
    let mut daemon = Daemon::start(kind, a, &conf);
    wait_until("it holds the address", PATIENCE, || {
        a.holds(conf.service_address())
    });
    daemon.kill();
    assert!(rules(a).contains("10.9.0.100"));
    let mut other = conf;
    other.addresses = vec!["10.9.0.101/24".to_owned()];
    daemon.start_again_with(a, &other);
    wait_until("it holds the other address", PATIENCE, || {
        a.holds(other.service_address())
    });
    let now = rules(a);
    assert!(
        !now.contains("10.9.0.100") && now.contains("10.9.0.101"),
        "{now}"
    );
    daemon.kill();
    // Nobody needs rules any more, but these bear our mark; those of others stay.
    a.netns
        .shell("nft add table ip6 keepalived; nft add table ip theirs");
    daemon.start_again_with(a, &Conf::new(200));
    wait_until("the rules are gone", PATIENCE, || {
        !rules(a).contains("table ip keepalived")
    });
    let now = rules(a);
    assert!(now.contains("table ip theirs"), "{now}");
    assert!(now.contains("table ip6 keepalived"), "{now}");
}

fn without_nft_nobody_pretends_to_refuse_traffic(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    // Rules that the program refuses stand for a program that is not there: `mark` is a word of its.
    let conf = Conf::new(200).with("no_accept");
    let daemon = Daemon::start_with(
        kind,
        a,
        &conf
            .text()
            .replace("router_id lab", "router_id lab\n nftables mark"),
    );
    daemon.wait_log("traffic to its addresses cannot be refused", 1, PATIENCE);
    assert!(!a.holds(conf.service_address()));
}
