//! What goes wrong around a router: crashes, stalls, cables, one-way loss, other people's hands.
//!
//! `c::` runs C Keepalived where it makes the same promise, which proves the test; `ours::` runs ours.

use std::net::IpAddr;
use std::time::Duration;

use lab::clock;
use lab::lan::INTERFACE;
use lab::wait::holds_for;
use lab::{Capture, Conf, Daemon, Host, Kind, Lan, Probe, wait_until};

const PATIENCE: Duration = Duration::from_secs(12);

lab::for_kinds! {
    c = CKeepalived {
        a_backup_answers_nobody;
        a_backup_answers_nobody_over_ipv6;
        a_cut_cable_is_a_fault_until_it_is_back;
        one_way_loss_heals_to_one_master;
        an_interface_may_appear_late;
        a_stalled_master_comes_back_to_one_master;
        a_start_up_delay_holds_everything_back;
    }

    ours = Ours {
        /// VRRP-HOST-01, VRRP-HOST-04, ARP-07.
        a_backup_answers_nobody;
        /// VRRP-HOST-02, VRRP-HOST-04, ND-06.
        a_backup_answers_nobody_over_ipv6;
        /// KA-F-01, KA-F-02, KA-F-03, KA-M-11.
        a_cut_cable_is_a_fault_until_it_is_back;
        /// FSM-V3-A-04, KA-M-02.
        one_way_loss_heals_to_one_master;
        /// KA-F-08.
        an_interface_may_appear_late;
        /// KA-F-08.
        an_interface_may_be_deleted_and_made_again;
        /// KA-ST-09, KA-F-05: duplicate address detection, still going on or failed.
        an_address_that_is_not_the_host_s_yet_is_waited_for;
        /// KA-ST-07.
        a_killed_master_leaves_no_duplicate_when_it_comes_back;
        /// KA-ST-07.
        a_killed_master_comes_back_as_backup_without_the_addresses;
        /// KA-ST-07.
        addresses_of_an_earlier_run_that_nobody_wants_any_more_go;
        /// KA-M-08, in our way: repaired instead of given up.
        a_deleted_virtual_address_is_put_back;
        /// FSM-OPEN-02.
        a_stalled_master_comes_back_to_one_master;
        /// FSM-OPEN-02.
        a_stalled_master_without_preemption_leaves_the_new_one_alone;
        /// KA-ST-09.
        ///
        /// Flips: global_defs.vrrp_startup_delay.
        a_start_up_delay_holds_everything_back;
    }
}

/// Address of the virtual router in all of these tests.
fn vip() -> IpAddr {
    Conf::new(1).service_address()
}

struct Pair {
    // Ends before the LAN whose namespace it runs in.
    capture: Capture,
    lan: Lan,
}

impl Pair {
    fn new() -> Self {
        lab::require_live();
        let lan = Lan::new(&["a", "b", "c"]);
        Self {
            capture: Capture::start(&lan),
            lan,
        }
    }

    fn host(&self, name: &str) -> &Host {
        self.lan.host(name)
    }

    #[track_caller]
    fn wait_only_master(&self, host: &str, limit: Duration) {
        let span = Duration::from_millis(300);
        wait_until(&format!("{host} is the only master"), limit, || {
            self.capture.alone(host, span) && self.lan.holders(vip()) == [host]
        });
    }

    /// `a` with priority 200 is the master, `b` with 100 stands by.
    fn start(&self, a: (Kind, &Conf), b: (Kind, &Conf)) -> (Daemon, Daemon) {
        let first = Daemon::start(a.0, self.host("a"), a.1);
        self.wait_only_master("a", PATIENCE);
        let second = Daemon::start(b.0, self.host("b"), b.1);
        second.wait_log("Entering BACKUP STATE", 1, PATIENCE);
        (first, second)
    }
}

fn a_backup_answers_nobody(kind: Kind) {
    nobody_answers(kind, &Conf::new(100));
}

fn a_backup_answers_nobody_over_ipv6(kind: Kind) {
    nobody_answers(kind, &Conf::new(100).ipv6());
}

/// The master has no link and the backup is held still: the address is dead for the client, and lives
/// again when the backup may go on.
fn nobody_answers(kind: Kind, conf: &Conf) {
    let pair = Pair::new();
    let address = conf.service_address();
    let better = Conf {
        priority: 200,
        ..conf.clone()
    };
    let _a = Daemon::start(Kind::CKeepalived, pair.host("a"), &better);
    wait_until("a serves", PATIENCE, || pair.lan.holders(address) == ["a"]);
    let mut b = Daemon::start(kind, pair.host("b"), conf);
    b.wait_log("Entering BACKUP STATE", 1, PATIENCE);
    let client = pair.host("c");
    let probe = Probe::start(client, address);
    probe.wait_answer(PATIENCE);

    b.freeze();
    pair.lan.cut("a");
    client.netns.ip(&["neigh flush dev eth0"]);
    let cut = clock::stamp();
    holds_for("no answer", Duration::from_secs(1), || {
        let late = |echo: &lab::probe::Echo| echo.answered && echo.at > cut;
        !probe.echoes().iter().any(late) && client.neighbour(address).is_none()
    });
    b.thaw();
    probe.wait_answer(PATIENCE);
    assert_eq!(client.neighbour(address), Some(pair.host("b").mac));
}

fn a_cut_cable_is_a_fault_until_it_is_back(kind: Kind) {
    let pair = Pair::new();
    let a = Daemon::start(kind, pair.host("a"), &Conf::new(200));
    pair.wait_only_master("a", PATIENCE);
    pair.lan.cut("a");
    a.wait_log("Entering FAULT STATE", 1, PATIENCE);
    wait_until("the address goes", PATIENCE, || {
        !pair.host("a").holds(vip())
    });
    pair.lan.plug("a");
    a.wait_log("Entering BACKUP STATE", 2, PATIENCE);
    a.wait_log("Entering MASTER STATE", 2, PATIENCE);
    pair.wait_only_master("a", PATIENCE);
}

/// `b` does not hear `a` for a while and becomes master beside it; as soon as it hears it again,
/// it yields, and the client is told where the address is.
fn one_way_loss_heals_to_one_master(kind: Kind) {
    let pair = Pair::new();
    let (_a, b) = pair.start(
        (kind, &Conf::new(200)),
        (Kind::CKeepalived, &Conf::new(100)),
    );
    pair.lan.deafen("b");
    b.wait_log("Entering MASTER STATE", 1, PATIENCE);
    wait_until("both hold it", PATIENCE, || {
        pair.lan.holders(vip()) == ["a", "b"]
    });
    pair.lan.unmute("b");
    pair.wait_only_master("a", PATIENCE);
    let client = pair.host("c");
    let probe = Probe::start(client, vip());
    probe.wait_answer(PATIENCE);
    wait_until("the client knows where it is", PATIENCE, || {
        client.neighbour(vip()) == Some(pair.host("a").mac)
    });
}

/// A router whose interface does not exist yet waits in FAULT for it.
fn an_interface_may_appear_late(kind: Kind) {
    late(kind, false);
}

fn an_interface_may_be_deleted_and_made_again(kind: Kind) {
    late(kind, true);
}

fn late(kind: Kind, again: bool) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    let conf = Conf::new(200).text().replace(INTERFACE, "late0");
    // Without this C Keepalived refuses interfaces that do not exist.
    let conf = conf.replace("global_defs {", "global_defs {\n    dynamic_interfaces");
    let daemon = Daemon::start_with(kind, host, &conf);
    daemon.wait_log("Entering FAULT STATE", 1, PATIENCE);
    for times in 1..=(1 + usize::from(again)) {
        host.netns.ip(&[
            "link add late0 type veth peer name far0",
            "link set far0 up",
            "link set late0 up",
            "addr add 10.9.0.9/24 dev late0",
        ]);
        daemon.wait_log("Entering MASTER STATE", times, PATIENCE);
        let late = || {
            host.netns
                .ip_json(&["address", "show", "dev", "late0"])
                .to_string()
        };
        wait_until("the address is there", PATIENCE, || {
            late().contains("10.9.0.100")
        });
        if times <= usize::from(again) {
            let faults = daemon.logged("Entering FAULT STATE");
            host.netns.ip(&["link del late0"]);
            daemon.wait_log("Entering FAULT STATE", faults + 1, PATIENCE);
        }
    }
}

/// The link-local address is tentative at start for some seconds, then fit for use; another one is found to
/// be somebody else's.
fn an_address_that_is_not_the_host_s_yet_is_waited_for(kind: Kind) {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    host.netns.ip(&["link add late0 type veth peer name far0"]);
    host.netns.shell(
        "cd /proc/sys/net/ipv6/conf; echo 1 > late0/accept_dad; echo 4 > late0/dad_transmits; \
         echo 1 > late0/addr_gen_mode; echo 1 > far0/addr_gen_mode",
    );
    host.netns.ip(&[
        "link set far0 up",
        "link set late0 up",
        "addr add fe80::bb/64 dev far0 nodad",
        "addr add fe80::aa/64 dev late0",
    ]);
    let tentative = || {
        let answer = host
            .netns
            .ip_json(&["-6", "address", "show", "dev", "late0", "tentative"]);
        answer.to_string().contains("fe80::")
    };
    assert!(tentative(), "the kernel takes its time");
    let conf = Conf::new(200).ipv6().text().replace(INTERFACE, "late0");
    let daemon = Daemon::start_with(kind, host, &conf);
    daemon.wait_log(
        "another host uses fe80::aa of late0 is being found",
        1,
        PATIENCE,
    );
    assert!(tentative() || daemon.logged("Entering MASTER STATE") == 1);
    daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
    assert!(!tentative());
    assert_eq!(daemon.logged("Entering FAULT STATE"), 1, "{}", daemon.log());
    // This one is that of the other end of the cable.
    host.netns.ip(&[
        "addr del fe80::aa/64 dev late0",
        "addr add fe80::bb/64 dev late0",
    ]);
    daemon.wait_log("fe80::bb of late0 is in use by another host", 1, PATIENCE);
    assert_eq!(
        daemon.logged("Entering MASTER STATE"),
        1,
        "{}",
        daemon.log()
    );
    host.netns.ip(&["addr add fe80::cc/64 dev late0"]);
    daemon.wait_log("Entering MASTER STATE", 2, PATIENCE);
}

/// kill -9 and a restart: no address is in two places, nobody else's address is touched.
fn a_killed_master_leaves_no_duplicate_when_it_comes_back(kind: Kind) {
    let pair = Pair::new();
    let foreign: Vec<IpAddr> = ["10.9.0.200", "10.9.0.201"]
        .map(|a| a.parse().unwrap())
        .into();
    pair.host("a").netns.ip(&[
        "addr add 10.9.0.200/24 dev eth0",
        "addr add 10.9.0.201/32 dev eth0",
    ]);
    let (mut a, _b) = pair.start((kind, &Conf::new(200)), (kind, &Conf::new(100)));
    a.kill();
    wait_until("b takes over", PATIENCE, || pair.host("b").holds(vip()));
    a.start_again(pair.host("a"));
    pair.wait_only_master("a", PATIENCE);
    for address in foreign {
        assert!(
            pair.host("a").holds(address),
            "{address} was not ours to remove"
        );
    }
    holds_for("one holder", Duration::from_millis(500), || {
        pair.lan.holders(vip()) == ["a"]
    });
}

/// The one that was killed comes back with a lower priority: it must drop what it left behind at once,
/// not only when it loses an election it never enters.
fn a_killed_master_comes_back_as_backup_without_the_addresses(kind: Kind) {
    let pair = Pair::new();
    let (mut a, _b) = pair.start((kind, &Conf::new(200)), (kind, &Conf::new(100)));
    a.kill();
    wait_until("b takes over", PATIENCE, || pair.host("b").holds(vip()));
    assert!(
        pair.host("a").holds(vip()),
        "the dead one's kernel still has it"
    );
    let before = a.logged("Entering BACKUP STATE");
    a.start_again_with(pair.host("a"), &Conf::new(50));
    a.wait_log("Entering BACKUP STATE", before + 1, PATIENCE);
    pair.wait_only_master("b", Duration::from_secs(1));
    holds_for("one holder", Duration::from_millis(500), || {
        pair.lan.holders(vip()) == ["b"]
    });
}

fn addresses_of_an_earlier_run_that_nobody_wants_any_more_go(kind: Kind) {
    let pair = Pair::new();
    let mut conf = Conf::new(200);
    conf.addresses.push("10.9.0.101/24".to_owned());
    let old: IpAddr = conf.addresses[1].trim_end_matches("/24").parse().unwrap();
    let mut a = Daemon::start(kind, pair.host("a"), &conf);
    wait_until("both are there", PATIENCE, || {
        pair.lan.holders(old) == ["a"]
    });
    a.kill();
    a.start_again_with(pair.host("a"), &Conf::new(200));
    wait_until("the old one goes", PATIENCE, || {
        pair.lan.holders(old).is_empty()
    });
    pair.wait_only_master("a", PATIENCE);
}

fn a_deleted_virtual_address_is_put_back(kind: Kind) {
    let pair = Pair::new();
    let a = Daemon::start(kind, pair.host("a"), &Conf::new(200));
    pair.wait_only_master("a", PATIENCE);
    let deleted = clock::stamp();
    pair.host("a")
        .netns
        .ip(&["addr del 10.9.0.100/24 dev eth0"]);
    wait_until("it is back", Duration::from_secs(2), || {
        pair.host("a").holds(vip())
    });
    wait_until("and announced again", Duration::from_secs(2), || {
        let sent = pair.capture.sent();
        sent.iter().any(|sent| {
            sent.at > deleted && matches!(sent.frame, lab::wire::Frame::GratuitousArp { .. })
        })
    });
    assert_eq!(a.logged("Entering MASTER STATE"), 1, "{}", a.log());
    pair.wait_only_master("a", PATIENCE);
}

/// SIGSTOP for five seconds: `b` takes over; after SIGCONT there is one master within a second and the
/// client reaches it.
fn a_stalled_master_comes_back_to_one_master(kind: Kind) {
    stall(kind, &Conf::new(200), "a");
}

/// With nopreempt the one that slept must not disturb the one that took over.
fn a_stalled_master_without_preemption_leaves_the_new_one_alone(kind: Kind) {
    stall(kind, &Conf::new(200).with("nopreempt"), "b");
}

/// Nothing is sent before the delay and the down interval after it have passed; then all goes on.
fn a_start_up_delay_holds_everything_back(kind: Kind) {
    const DELAY: Duration = Duration::from_secs(2);
    let pair = Pair::new();
    let mut conf = Conf::new(200);
    conf.global.push("vrrp_startup_delay 2".to_owned());
    let started = clock::stamp();
    let a = Daemon::start(kind, pair.host("a"), &conf);
    a.wait_log("Entering MASTER STATE", 1, PATIENCE);
    pair.wait_only_master("a", PATIENCE);
    let first = pair.capture.first_advert("a", started);
    let held = first.expect("it advertises") - started;
    let wanted = DELAY + conf.down_interval();
    assert!(held >= wanted, "an advert after {held:?}, not {wanted:?}");
    let sent = pair.capture.sent();
    let early = sent.iter().find(|sent| {
        sent.at < started + wanted && matches!(sent.frame, lab::wire::Frame::GratuitousArp { .. })
    });
    assert!(early.is_none(), "announced before its time: {early:?}");
}

fn stall(kind: Kind, conf: &Conf, winner: &str) {
    let pair = Pair::new();
    let (mut a, b) = pair.start((kind, conf), (kind, &Conf::new(100)));
    let probe = Probe::start(pair.host("c"), vip());
    probe.wait_answer(PATIENCE);
    a.freeze();
    let frozen = clock::now();
    b.wait_log("Entering MASTER STATE", 1, PATIENCE);
    wait_until("b serves", PATIENCE, || {
        pair.capture.alone("b", Duration::from_millis(250))
    });
    let rest = Duration::from_secs(5).saturating_sub(frozen.elapsed());
    holds_for("nobody else serves meanwhile", rest, || {
        pair.capture.no_other("b", Duration::from_millis(250))
    });
    a.thaw();
    pair.wait_only_master(winner, Duration::from_secs(1));
    probe.wait_answer(Duration::from_secs(1));
    let right = pair.host(winner).mac;
    wait_until(
        "the client knows where it is",
        Duration::from_secs(2),
        || pair.host("c").neighbour(vip()) == Some(right),
    );
    holds_for("and it stays so", Duration::from_secs(1), || {
        pair.lan.holders(vip()) == [winner]
    });
}
