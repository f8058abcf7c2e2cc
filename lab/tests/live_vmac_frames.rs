//! Frames for the virtual MAC address, sent by a client that has learned nothing: it is told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::Stdio;
use std::time::Duration;

use lab::{Conf, Daemon, Kind, Lan, wait_until};

const PATIENCE: Duration = Duration::from_secs(15);
const DEVICE: &str = "vrrp.51";
const MAC: &str = "00:00:5e:00:01:33";
/// Somewhere behind the routers.
const BEHIND: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 9);

/// A router `a` with a network behind it, and a client.
fn lan() -> Lan {
    lab::require_live();
    let lan = Lan::new(&["a", "client"]);
    let router = &lan.host("a").netns;
    router.ip(&[
        "link add behind0 type veth peer name far0",
        "link set far0 up",
        "link set behind0 up",
        "addr add 10.77.0.1/24 dev behind0",
    ]);
    router.shell("echo 1 > /proc/sys/net/ipv4/ip_forward");
    lan
}

fn pings(lan: &Lan, address: Ipv4Addr) -> bool {
    let mut ping = lan.host("client").netns.command("ping");
    ping.args(["-n", "-c", "1", "-W", "1", &address.to_string()]);
    let status = ping.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Packets that a host has forwarded.
fn forwarded(lan: &Lan, host: &str) -> u64 {
    let text = lan.host(host).netns.shell("cat /proc/net/snmp");
    let mut lines = text.lines().filter(|line| line.starts_with("Ip:"));
    let (names, values) = (lines.next().expect("names"), lines.next().expect("values"));
    let mut pairs = names.split(' ').zip(values.split(' '));
    let found = pairs.find(|(name, _)| *name == "ForwDatagrams");
    found
        .and_then(|(_, value)| value.parse().ok())
        .expect("a number")
}

fn start(lan: &Lan) -> Daemon {
    let conf = Conf::new(200).with("use_vmac");
    Daemon::start(Kind::Ours, lan.host("a"), &conf)
}

/// VRRP-HOST-07, RFC 9568 6.4.3: who is Active takes what is sent to the virtual MAC address for its own
/// and forwards it.
#[test]
#[ignore = "live: cargo xtask live"]
fn frames_for_the_virtual_mac_address_are_answered_and_forwarded() {
    let lan = lan();
    let vip = Conf::new(200).service_address();
    let _a = start(&lan);
    wait_until("a is master", PATIENCE, || {
        lan.host("a").link_holds(DEVICE, vip)
    });
    // What is sent to its own address goes to the virtual MAC address.
    let own = lan.host("a").ipv4;
    lan.host("client").netns.ip(&[
        &format!("neighbour replace {own} lladdr {MAC} dev eth0 nud permanent"),
        &format!("route add 10.77.0.0/24 via {vip}"),
    ]);
    wait_until("it answers", PATIENCE, || pings(&lan, own));
    let before = forwarded(&lan, "a");
    wait_until("it forwards", PATIENCE, || {
        // Nobody is there to answer.
        pings(&lan, BEHIND);
        forwarded(&lan, "a") > before
    });
}

/// VRRP-HOST-11, RFC 9568 8.1.3: where the device answers for others, it does so with its own address.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_device_that_answers_for_others_gives_the_virtual_mac_address() {
    let lan = lan();
    let vip = Conf::new(200).service_address();
    let _a = start(&lan);
    wait_until("a is master", PATIENCE, || {
        lan.host("a").link_holds(DEVICE, vip)
    });
    lan.host("a").netns.shell(&format!(
        "echo 1 > /proc/sys/net/ipv4/conf/{DEVICE}/proxy_arp"
    ));
    let client = lan.host("client");
    client.netns.ip(&["route add 10.77.0.0/24 dev eth0"]);
    wait_until("the client has asked and learned", PATIENCE, || {
        pings(&lan, BEHIND);
        client.neighbour(BEHIND.into()) == Some([0, 0, 0x5e, 0, 1, 0x33])
    });
}

/// VRRP-V3-TX-09, RFC 9568 7.4: the virtual MAC address makes no interface identifier.
#[test]
#[ignore = "live: cargo xtask live"]
fn no_ipv6_address_is_made_of_the_virtual_mac_address() {
    let lan = lan();
    let conf = Conf::new(200).ipv6().with("use_vmac");
    let _a = Daemon::start(Kind::Ours, lan.host("a"), &conf);
    let vip = conf.service_address();
    wait_until("a is master", PATIENCE, || {
        lan.host("a").link_holds(DEVICE, vip)
    });
    let made = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x0200, 0x5eff, 0xfe00, 0x0233);
    assert!(!lan.host("a").link_holds(DEVICE, IpAddr::V6(made)));
}
