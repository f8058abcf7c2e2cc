//! What a keyword changes in the life of a virtual router: how it starts, what it takes for a fault,
//! whom it listens to.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use lab::clock;
use lab::forge::Forged;
use lab::wire::Frame;
use lab::{Capture, Conf, Daemon, Kind, Lan, inject, wait_until};

const PATIENCE: Duration = Duration::from_secs(15);

fn two_hosts() -> (Lan, Capture) {
    lab::require_live();
    let lan = Lan::new(&["a", "c"]);
    let capture = Capture::start(&lan);
    (lan, capture)
}

/// KA-ST-02, FSM-V3-I-02: the owner is master at once only where it is told so; C the same.
///
/// Flips: vrrp_instance.state.
#[test]
#[ignore = "live: cargo xtask live"]
fn an_owner_that_wants_to_be_backup_listens_first() {
    let (lan, _capture) = two_hosts();
    for kind in [Kind::CKeepalived, Kind::Ours] {
        for (state, listens) in [("MASTER", false), ("BACKUP", true)] {
            let text = Conf::new(255)
                .text()
                .replace("state BACKUP", &format!("state {state}"));
            let daemon = Daemon::start_with(kind, lan.host("a"), &text);
            daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
            let log = daemon.log();
            assert_eq!(daemon.logged("Entering BACKUP STATE") > 0, listens, "{log}");
            assert_eq!(daemon.logged("Entering MASTER STATE"), 1, "{log}");
        }
    }
}

/// KA-F-05: a cable that is out is no fault for who does not look at it; C the same.
///
/// Flips: vrrp_instance.dont_track_primary.
#[test]
#[ignore = "live: cargo xtask live"]
fn who_does_not_track_its_interface_stays_master_without_a_cable() {
    for kind in [Kind::CKeepalived, Kind::Ours] {
        for (line, faults) in [("", true), ("dont_track_primary", false)] {
            let (lan, _capture) = two_hosts();
            // A second interface tells when the daemon has heard of both.
            lan.host("a").netns.ip(&[
                "link add other0 type veth peer name far0",
                "link set far0 up",
                "link set other0 up",
            ]);
            let track = "track_interface {\n        other0 weight 10\n    }";
            let conf = Conf::new(100).with(line).with(track);
            let daemon = Daemon::start(kind, lan.host("a"), &conf);
            daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
            lan.cut("a");
            lan.host("a").netns.ip(&["link set far0 down"]);
            daemon.wait_log("other0", 1, PATIENCE);
            daemon.wait_log(
                if faults {
                    "Entering FAULT STATE"
                } else {
                    "to 100"
                },
                1,
                PATIENCE,
            );
            assert_eq!(
                daemon.logged("Entering FAULT STATE") > 0,
                faults,
                "{}",
                daemon.log()
            );
        }
    }
}

/// VRRP-EXT-08: the group of IPv6 adverts.
///
/// Flips: global_defs.vrrp_mcast_group6.
#[test]
#[ignore = "live: cargo xtask live"]
fn adverts_over_ipv6_go_to_the_group_of_the_file() {
    let (lan, capture) = two_hosts();
    for (line, group) in [("", "ff02::12"), ("vrrp_mcast_group6 ff02::77", "ff02::77")] {
        let group: IpAddr = group.parse().expect("an address");
        let started = clock::stamp();
        let mut conf = Conf::new(200).ipv6();
        conf.global.push(line.to_owned());
        let _daemon = Daemon::start(Kind::Ours, lan.host("a"), &conf);
        wait_until("it advertises", PATIENCE, || {
            capture.first_advert("a", started).is_some()
        });
        let adverts = capture.adverts();
        let seen = adverts.iter().filter(|(at, ..)| *at > started);
        assert!(
            seen.clone().all(|(.., advert)| advert.destination == group),
            "{line}"
        );
    }
}

/// ARP-12: the time between two announcements on one interface.
///
/// Flips: global_defs.vrrp_garp_interval, global_defs.vrrp_gna_interval.
#[test]
#[ignore = "live: cargo xtask live"]
fn announcements_keep_their_distance() {
    let (lan, capture) = two_hosts();
    let spread = |conf: Conf, line: &str| {
        let started = clock::stamp();
        let mut conf = conf
            .with("garp_master_repeat 5")
            .with("garp_master_delay 0");
        conf.global.push(line.to_owned());
        let address = conf.service_address();
        let _daemon = Daemon::start(Kind::Ours, lan.host("a"), &conf);
        let announced = || -> Vec<_> {
            let all = capture.sent().into_iter();
            all.filter(|sent| sent.host == "a" && sent.at > started)
                .filter(|sent| match sent.frame {
                    Frame::GratuitousArp { address: seen, .. } => address == IpAddr::from(seen),
                    Frame::UnsolicitedNa { address: seen, .. } => address == IpAddr::from(seen),
                    _ => false,
                })
                .map(|sent| sent.at)
                .collect()
        };
        wait_until("five announcements", PATIENCE, || announced().len() >= 5);
        let at = announced();
        at[4].saturating_sub(at[0])
    };
    // Four times 0.4 s, less what the first was late.
    let far = Duration::from_millis(1500);
    assert!(spread(Conf::new(200), "") < far / 2);
    assert!(spread(Conf::new(200), "vrrp_garp_interval 0.4") >= far);
    assert!(spread(Conf::new(200).ipv6(), "") < far / 2);
    assert!(spread(Conf::new(200).ipv6(), "vrrp_gna_interval 0.4") >= far);
}

/// KA-M-12: what an owner makes of another owner with a greater address.
///
/// Flips: vrrp_instance.owner_ignore_adverts, global_defs.vrrp_owner_ignore_adverts.
#[test]
#[ignore = "live: cargo xtask live"]
fn an_owner_may_ignore_all_others() {
    let (lan, capture) = two_hosts();
    for (line, global, yields) in [
        ("", "", true),
        ("owner_ignore_adverts", "", false),
        ("", "vrrp_owner_ignore_adverts", false),
    ] {
        let mut conf = Conf::new(255).with(line);
        conf.global.push(global.to_owned());
        let daemon = Daemon::start(Kind::Ours, lan.host("a"), &conf);
        daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
        let frame = inject::frame(lan.host("c"), &forged().packet());
        let heard = clock::stamp() + Duration::from_millis(300);
        let sent = inject::flood(lan.host("c"), vec![frame], 20, 30);
        assert_eq!(sent, [30]);
        let adverts = capture.adverts();
        let own = adverts
            .iter()
            .filter(|(at, host, _)| host == "a" && *at > heard)
            .count();
        assert_eq!(
            own < 3,
            yields,
            "{line} {global}: {own} adverts\n{}",
            daemon.log()
        );
    }
}

fn forged() -> Forged {
    Forged::new(51, 255, Ipv4Addr::new(10, 9, 0, 100))
}

/// VRRP-EXT-11: how often a list of other addresses is noticed.
///
/// Flips: vrrp_instance.skip_check_adv_addr, global_defs.vrrp_skip_check_adv_addr.
#[test]
#[ignore = "live: cargo xtask live"]
fn the_addresses_of_a_known_master_need_not_be_compared_again() {
    let (lan, _capture) = two_hosts();
    for (line, global, skips) in [
        ("", "", false),
        ("skip_check_adv_addr", "", true),
        ("", "vrrp_skip_check_adv_addr", true),
    ] {
        let mut conf = Conf::new(100).with(line);
        conf.global.push(global.to_owned());
        let daemon = Daemon::start(Kind::Ours, lan.host("a"), &conf);
        daemon.wait_log("Entering BACKUP STATE", 1, PATIENCE);
        let mut advert = forged();
        advert.priority = 200;
        advert.addresses = vec![Ipv4Addr::new(10, 9, 0, 222)];
        let frame = inject::frame(lan.host("c"), &advert.packet());
        assert_eq!(inject::flood(lan.host("c"), vec![frame], 50, 20), [20]);
        let counted = || {
            let text = daemon.status().to_string();
            let (_, rest) = text
                .split_once("\"address_list_errors\":")
                .unwrap_or(("", "0"));
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u64>().unwrap_or(0)
        };
        wait_until("the first is noticed", PATIENCE, || counted() >= 1);
        let all = clock::now();
        wait_until("all are read", PATIENCE, || {
            counted() >= 20 || all.elapsed() > Duration::from_millis(700)
        });
        assert_eq!(counted() == 1, skips, "{line} {global}: {}", counted());
    }
}

/// How many adverts find room while nobody reads them.
///
/// Flips: vrrp_instance.kernel_rx_buf_size.
#[test]
#[ignore = "live: cargo xtask live"]
fn the_receive_buffer_holds_as_much_as_asked_for() {
    const SENT: u64 = 400;
    let (lan, _capture) = two_hosts();
    for (size, all) in [(6000, false), (2_000_000, true)] {
        let conf = Conf::new(100).with(&format!("kernel_rx_buf_size {size}"));
        let mut daemon = Daemon::start(Kind::Ours, lan.host("a"), &conf);
        daemon.wait_log("Entering BACKUP STATE", 1, PATIENCE);
        let mut advert = forged();
        advert.priority = 200;
        let frame = inject::frame(lan.host("c"), &advert.packet());
        daemon.freeze();
        assert_eq!(inject::flood(lan.host("c"), vec![frame], 4000, 400), [SENT]);
        daemon.thaw();
        let read = || {
            let status = daemon.status();
            status["loop"]["packets_received"].as_u64().unwrap_or(0)
        };
        wait_until("some are read", PATIENCE, || read() > 0);
        let since = clock::now();
        wait_until("all are read", PATIENCE, || {
            read() >= SENT || since.elapsed() > Duration::from_millis(500)
        });
        assert_eq!(read() >= SENT, all, "{size}: {}", read());
    }
}
