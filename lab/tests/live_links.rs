//! Links and what is sent on them: delays, spacing of announcements, announcements elsewhere, VRFs,
//! room for what is received.
//!
//! `c::` runs C Keepalived where it makes the same promise, which proves the test; `ours::` runs ours.

use std::collections::BTreeMap;
use std::time::Duration;

use lab::wait::holds_for;
use lab::{Conf, Daemon, Host, Kind, Lan, wait_until};

const PATIENCE: Duration = Duration::from_secs(15);

lab::for_kinds! {
    c = CKeepalived {
        a_link_that_is_back_soon_was_never_away;
        addresses_elsewhere_are_announced_again_and_again;
        a_reload_decides_which_addresses_elsewhere_are_announced;
    }

    ours = Ours {
        /// IF-05, KA-F-07.
        /// Flips: (root).interface_up_down_delays.
        a_link_that_is_back_soon_was_never_away;
        /// GARP-08, KA-O-06.
        /// Flips: vrrp_instance.garp_extra_if, vrrp_instance.vmac_garp_intvl,
        /// global_defs.vrrp_garp_extra_if, global_defs.vrrp_vmac_garp_intvl,
        /// global_defs.vrrp_garp_extra_if/all.
        addresses_elsewhere_are_announced_again_and_again;
        /// GARP-08, KA-M-01: nobody waits for the next election.
        a_reload_decides_which_addresses_elsewhere_are_announced;
        /// GARP-06.
        /// Flips: (root).garp_group, garp_group.garp_interval, garp_group.gna_interval,
        /// garp_group.interface, garp_group.interfaces.
        interfaces_of_a_group_share_one_spacing;
        /// IF-08.
        /// Flips: global_defs.vrrp_rx_bufs_policy, global_defs.vrrp_rx_bufs_multiplier.
        there_is_room_for_adverts_as_asked;
        /// IF-06: the sockets of an instance without interface are bound to its VRF.
        /// Flips: vrrp_instance.vrf.
        an_instance_without_interface_needs_its_vrf;
    }
}

fn lan() -> Lan {
    lab::require_live();
    Lan::new(&["a"])
}

/// A second interface of a host, `other0`; its cable ends in `far0`, in the same namespace.
fn second_interface(host: &Host) {
    host.netns.ip(&[
        "link add other0 type veth peer name far0",
        "link set far0 up",
        "link set other0 up",
        "addr add 10.8.0.1/24 dev other0",
    ]);
}

fn a_link_that_is_back_soon_was_never_away(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    let mut conf = Conf::new(200);
    conf.interval = Duration::from_secs(1);
    let delayed = format!(
        "{}interface_up_down_delays {{\n eth0 1.5 0.2\n}}\n",
        conf.text()
    );
    let daemon = Daemon::start_with(kind, a, &delayed);
    daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
    lan.cut("a");
    std::thread::sleep(Duration::from_millis(200));
    lan.plug("a");
    holds_for("it is no fault", Duration::from_secs(2), || {
        daemon.logged("Entering FAULT STATE") == 0
    });
    lan.cut("a");
    daemon.wait_log("Entering FAULT STATE", 1, PATIENCE);
    lan.plug("a");
    daemon.wait_log("Entering MASTER STATE", 2, PATIENCE);
    daemon.terminate();
    wait_until("it is gone", PATIENCE, || !a.holds(conf.service_address()));

    // Without delays the first moment counts.
    let daemon = Daemon::start(kind, a, &conf);
    daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
    lan.cut("a");
    std::thread::sleep(Duration::from_millis(200));
    lan.plug("a");
    daemon.wait_log("Entering FAULT STATE", 1, PATIENCE);
}

/// How many gratuitous ARPs for each address a host sends on `other0` in so many seconds.
fn announced(host: &Host, seconds: u32) -> BTreeMap<String, usize> {
    let text = host.netns.shell(&format!(
        "timeout {seconds} tcpdump -i far0 -n -l arp 2>/dev/null || true"
    ));
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        // `ARP, Request who-has 10.8.0.101 (ff:ff:ff:ff:ff:ff) tell 10.8.0.101, length 28`
        if let Some(address) = line
            .split_whitespace()
            .skip_while(|word| *word != "tell")
            .nth(1)
        {
            let address = address.trim_end_matches(',').to_owned();
            if line.contains(&format!("who-has {address}")) {
                *counts.entry(address).or_insert(0) += 1;
            }
        }
    }
    counts
}

fn elsewhere(number: u8, instance: &str, address: &str) -> String {
    format!(
        "vrrp_instance I{number} {{\n interface eth0\n virtual_router_id {number}\n version 3\n\
         advert_int 0.1\n garp_master_delay 0\n garp_master_repeat 1\n {instance}\n\
         virtual_ipaddress {{\n 10.9.0.{number}/24\n 10.8.0.{number}/24 dev other0 {address}\n }}\n}}\n"
    )
}

fn addresses_elsewhere_are_announced_again_and_again(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    second_interface(a);
    let mut conf = elsewhere(101, "garp_extra_if all 1", "");
    conf += &elsewhere(102, "vmac_garp_intvl all 1", "");
    conf += &elsewhere(103, "", "");
    conf += &elsewhere(104, "garp_extra_if 1", "");
    conf += &elsewhere(105, "garp_extra_if 1", "use_vmac");
    let run = |conf: &str, last: u8| {
        let mut daemon = Daemon::start_with(kind, a, conf);
        wait_until("all are masters", PATIENCE, || {
            let shown = a.netns.shell("ip address show");
            (101..=last).all(|number| shown.contains(&format!("10.8.0.{number}/")))
        });
        std::thread::sleep(Duration::from_millis(500));
        let counts = announced(a, 3);
        daemon.terminate();
        let _ = daemon.wait_exit(PATIENCE);
        move |number: u8| {
            counts
                .get(&format!("10.8.0.{number}"))
                .copied()
                .unwrap_or(0)
        }
    };
    let count = run(&conf, 105);
    assert!((2..=4).contains(&count(101)), "{}", count(101));
    assert!((2..=4).contains(&count(102)), "{}", count(102));
    assert_eq!(count(103), 0, "without the keyword");
    assert_eq!(
        count(104),
        0,
        "on another interface without a device, without `all`"
    );
    assert!((2..=4).contains(&count(105)), "{}", count(105));

    let global = |line: &str| {
        let mut conf = format!("global_defs {{\n {line}\n}}\n");
        conf += &elsewhere(101, "", "");
        conf + &elsewhere(102, "", "use_vmac")
    };
    let count = run(&global("vrrp_garp_extra_if all 1"), 102);
    assert!(
        count(101) >= 2 && count(102) >= 2,
        "{} {}",
        count(101),
        count(102)
    );
    let count = run(&global("vrrp_vmac_garp_intvl 1"), 102);
    assert!(
        count(101) == 0 && count(102) >= 2,
        "{} {}",
        count(101),
        count(102)
    );
}

fn a_reload_decides_which_addresses_elsewhere_are_announced(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    second_interface(a);
    let conf = |line: &str| {
        let plain = elsewhere(101, "", "");
        format!("global_defs {{\n {line}\n}}\n{plain}") + &elsewhere(102, "", "use_vmac")
    };
    let daemon = Daemon::start_with(kind, a, &conf(""));
    daemon.wait_log("Entering MASTER STATE", 2, PATIENCE);
    let entered = daemon.logged("Entering");
    // In three seconds there are two of them, or three, where they are sent at all.
    let announces = |plain: bool, device: bool| {
        let what = format!("announced: {plain} and, of a device of ours, {device}");
        wait_until(&what, PATIENCE, || {
            let counts = announced(a, 3);
            let often = |number: u8| counts.get(&format!("10.8.0.{number}")).copied();
            let as_wanted = |number: u8, wanted: bool| match often(number) {
                None => !wanted,
                Some(count) => wanted && (2..=4).contains(&count),
            };
            as_wanted(101, plain) && as_wanted(102, device)
        });
    };
    announces(false, false);
    for (line, plain, device) in [
        ("vrrp_garp_extra_if all 1", true, true),
        ("vrrp_garp_extra_if 1", false, true),
        ("", false, false),
    ] {
        daemon.reload_with(&conf(line));
        announces(plain, device);
    }
    assert_eq!(daemon.logged("Entering"), entered, "{}", daemon.log());
}

/// The times between the announcements that a host sends on any interface, in order.
fn gaps(host: &Host, filter: &str, seconds: u32) -> Vec<f64> {
    let text = host.netns.shell(&format!(
        "timeout {seconds} tcpdump -i any -Q out -tt -n -l '{filter}' 2>/dev/null || true"
    ));
    // Every frame that leaves `other0` is seen on `far0` as one that comes in, and not counted.
    let times: Vec<f64> = text
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn interfaces_of_a_group_share_one_spacing(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    second_interface(a);
    let arp = "arp and arp[14:4] == arp[24:4]";
    let na = "icmp6 and ip6[40] == 136";
    let mut v4 = Conf::new(200);
    v4.addresses.push("10.8.0.100/24 dev other0".to_owned());
    let mut v6 = Conf::new(200).ipv6();
    v6.addresses
        .push("2001:db8:8::100/64 dev other0".to_owned());
    let run = |text: &str, filter: &str| {
        let daemon = std::cell::RefCell::new(None);
        std::thread::scope(|scope| {
            let gaps = scope.spawn(|| gaps(a, filter, 3));
            std::thread::sleep(Duration::from_millis(500));
            *daemon.borrow_mut() = Some(Daemon::start_with(kind, a, text));
            let gaps = gaps.join().expect("tcpdump ends");
            if let Some(mut daemon) = daemon.borrow_mut().take() {
                daemon.terminate();
                let _ = daemon.wait_exit(PATIENCE);
            }
            gaps
        })
    };
    let apart = |gaps: &[f64]| gaps.len() >= 5 && gaps.iter().all(|gap| *gap > 0.18);
    let free = run(&v4.text(), arp);
    assert!(!apart(&free), "{free:?}");
    let both = "interfaces {\n eth0\n other0\n }";
    let group = |conf: &Conf, line: &str, members: &str| {
        format!("garp_group {{\n {line}\n {members}\n}}\n{}", conf.text())
    };
    let shared = run(&group(&v4, "garp_interval 0.2", both), arp);
    assert!(apart(&shared), "{shared:?}");
    // With one member, those of the other interface do not wait.
    let one = run(&group(&v4, "garp_interval 0.2", "interface eth0"), arp);
    assert!(!apart(&one) && one.iter().any(|gap| *gap > 0.18), "{one:?}");
    let shared = run(&group(&v6, "gna_interval 0.2", both), na);
    assert!(apart(&shared), "{shared:?}");
    let other = run(&group(&v6, "garp_interval 0.2", both), na);
    assert!(!apart(&other), "{other:?}");
}

/// Room of the socket that receives adverts, in octets, as the kernel counts it: twice what was
/// asked for. Asked of a copy of the daemon's own descriptor.
fn room(daemon: &Daemon) -> Option<usize> {
    use rustix::net::{Protocol, sockopt};
    use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
    let pid = Pid::from_raw(daemon.pid().cast_signed())?;
    let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    let folder = std::fs::read_dir(format!("/proc/{}/fd", daemon.pid())).ok()?;
    let numbers = folder
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let vrrp = Protocol::from_raw(112.try_into().ok()?);
    let mut copies =
        numbers.filter_map(|fd| pidfd_getfd(&process, fd, PidfdGetfdFlags::empty()).ok());
    let socket = copies.find(|fd| sockopt::socket_protocol(fd) == Ok(Some(vrrp)))?;
    sockopt::socket_recv_buffer_size(socket).ok()
}

fn there_is_room_for_adverts_as_asked(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    let run = |lines: &[&str], octets: usize| {
        let mut conf = Conf::new(200);
        conf.global = lines.iter().map(|line| (*line).to_owned()).collect();
        let mut daemon = Daemon::start(kind, a, &conf);
        daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
        assert_eq!(room(&daemon), Some(2 * octets), "{lines:?}");
        daemon.terminate();
        let _ = daemon.wait_exit(PATIENCE);
    };
    run(&["vrrp_rx_bufs_policy 300000"], 300_000);
    run(&["vrrp_rx_bufs_policy MTU"], 3 * 1500);
    run(
        &["vrrp_rx_bufs_policy MTU", "vrrp_rx_bufs_multiplier 40"],
        40 * 1500,
    );
    run(
        &["vrrp_rx_bufs_policy ADVERT", "vrrp_rx_bufs_multiplier 1000"],
        1000 * 40,
    );
}

fn an_instance_without_interface_needs_its_vrf(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    second_interface(a);
    let conf = |vrf: &str| {
        format!(
            "vrrp_instance A {{\n vrf {vrf}\n virtual_router_id 51\n version 3\n\
             unicast_src_ip 10.9.0.1\n unicast_peer {{\n 10.9.0.2\n }}\n\
             virtual_ipaddress {{\n 10.9.0.100/24 dev eth0\n }}\n}}\n"
        )
    };
    let daemon = Daemon::start_with(kind, a, &conf("red"));
    daemon.wait_log("interface red does not exist", 1, PATIENCE);
    daemon.reload_with(&conf("other0"));
    daemon.wait_log("other0 is no VRF", 1, PATIENCE);
    let made = a
        .netns
        .shell("ip link add red type vrf table 10 2>&1 || true");
    if made.trim().is_empty() {
        a.netns.ip(&["link set red up", "link set eth0 master red"]);
        daemon.reload_with(&conf("red"));
        daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
    }
}
