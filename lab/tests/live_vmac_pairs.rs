//! Two routers that share a virtual MAC address: one is MASTER, the other hears it, and a client finds
//! the same MAC address whoever it is.
//!
//! Each test runs with ours on both sides and with C Keepalived on either; `c_and_c` proves the test.

use std::net::IpAddr;
use std::process::Stdio;
use std::time::Duration;

use lab::wait::holds_for;
use lab::{Conf, Daemon, Kind, Lan, clock, wait_until};

const PATIENCE: Duration = Duration::from_secs(15);
const DEVICE: &str = "vrrp.51";
const MAC4: [u8; 6] = [0, 0, 0x5e, 0, 1, 51];
const MAC6: [u8; 6] = [0, 0, 0x5e, 0, 2, 51];

macro_rules! for_pairs {
    ($($pair:ident = $first:ident, $second:ident { $($(#[$doc:meta])* $test:ident;)* })*) => {$(
        mod $pair {
            $(
                $(#[$doc])*
                #[test]
                #[ignore = "live: cargo xtask live"]
                fn $test() {
                    super::$test(lab::Kind::$first, lab::Kind::$second);
                }
            )*
        }
    )*};
}

for_pairs! {
    c_and_c = CKeepalived, CKeepalived {
        the_virtual_mac_stays_when_the_master_changes;
        the_virtual_mac_stays_when_the_master_changes_over_ipv6;
        adverts_leave_by_the_interface_itself_if_asked;
        a_pair_with_authentication_headers_has_one_master;
    }

    ours_and_ours = Ours, Ours {
        /// VMAC-01, VRRP-HOST-05, VRRP-V2-TX-03, RFC 9568 6.4.3, 8.1.2: what adverts come from and the client learns.
        /// Flips: vrrp_instance.use_vmac.
        the_virtual_mac_stays_when_the_master_changes;
        /// VMAC-01, VRRP-HOST-06, ND-07, RFC 9568 6.4.3, 8.2.2: what the client learns.
        the_virtual_mac_stays_when_the_master_changes_over_ipv6;
        /// VMAC-03, VRRP-EXT-10.
        /// Flips: vrrp_instance.vmac_xmit_base.
        adverts_leave_by_the_interface_itself_if_asked;
        /// VMAC-03.
        one_of_a_pair_may_send_by_the_interface_itself;
        /// VMAC-01, VRRP-V2-AUTH-05.
        a_pair_with_authentication_headers_has_one_master;
        /// VMAC-01, KA-AX-02.
        a_pair_with_signed_adverts_has_one_master;
        /// VMAC-01.
        a_pair_over_unicast_has_one_master;
        /// VMAC-01.
        a_backup_hears_the_master_whatever_becomes_of_its_device;
    }

    ours_and_c = Ours, CKeepalived {
        /// VMAC-01.
        the_virtual_mac_stays_when_the_master_changes;
        /// VMAC-01.
        the_virtual_mac_stays_when_the_master_changes_over_ipv6;
        /// VMAC-03.
        adverts_leave_by_the_interface_itself_if_asked;
        /// VMAC-01, VRRP-V2-AUTH-05.
        a_pair_with_authentication_headers_has_one_master;
        /// VMAC-01.
        a_pair_over_unicast_has_one_master;
    }

    c_and_ours = CKeepalived, Ours {
        /// VMAC-01.
        the_virtual_mac_stays_when_the_master_changes;
        /// VMAC-01.
        the_virtual_mac_stays_when_the_master_changes_over_ipv6;
        /// VMAC-03.
        adverts_leave_by_the_interface_itself_if_asked;
        /// VMAC-01, VRRP-V2-AUTH-05.
        a_pair_with_authentication_headers_has_one_master;
        /// VMAC-01.
        a_pair_over_unicast_has_one_master;
        /// VMAC-01.
        a_backup_hears_the_master_whatever_becomes_of_its_device;
        /// VMAC-10: it is made as C makes it, which is not as we need it.
        a_device_that_c_left_is_taken_over_and_the_master_heard;
    }
}

/// Hosts `a` and `b` for routers, and `client`.
fn lan() -> Lan {
    lab::require_live();
    Lan::new(&["a", "b", "client"])
}

fn pings(lan: &Lan, address: IpAddr) -> bool {
    let mut ping = lan.host("client").netns.command("ping");
    ping.args(["-n", "-c", "1", "-W", "1", &address.to_string()]);
    let status = ping.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Source MAC address of the next advert that a host sends.
fn advert_mac(lan: &Lan, host: &str) -> String {
    let line = lan.switch().shell(&format!(
        "timeout 10 tcpdump -i sw{host} -Q in -e -n -c 1 'ip proto 112 or ip6 proto 112 or ip proto 51' 2>/dev/null"
    ));
    let mut words = line.split_whitespace();
    words
        .nth(1)
        .expect("tcpdump -e names the sender")
        .to_owned()
}

fn text(mac: [u8; 6]) -> String {
    mac.map(|octet| format!("{octet:02x}")).join(":")
}

/// The hosts that hold an address on their device or on their interface.
fn holders(lan: &Lan, vip: IpAddr) -> Vec<&str> {
    let hosts = ["a", "b"].into_iter();
    let holds = |host: &&str| {
        lan.host(host).link_holds(DEVICE, vip) || lan.host(host).link_holds("eth0", vip)
    };
    hosts.filter(holds).collect()
}

/// The client knows the virtual MAC address. Not so with C Keepalived over IPv4, whose host asks for
/// the client in the name of the virtual address, with the MAC address of the interface.
fn learned(lan: &Lan, kind: Kind, vip: IpAddr, mac: [u8; 6]) {
    if kind == Kind::Ours || vip.is_ipv6() {
        assert_eq!(lan.host("client").neighbour(vip), Some(mac));
    }
}

/// What a daemon of ours has read and what it has believed.
fn heard(daemon: &Daemon) -> (u64, u64) {
    let status = daemon.status();
    let number = |path: &str| status.pointer(path).and_then(serde_json::Value::as_u64);
    let read = number("/loop/packets_received").expect("a number");
    let believed = number("/instances/0/counters/adverts_received").expect("a number");
    let rejected = status.pointer("/instances/0/rejected").expect("reasons");
    let reasons = rejected.as_object().expect("an object").iter();
    for (reason, count) in reasons.filter(|(reason, _)| *reason != "not_running") {
        assert_eq!(count, 0, "{reason}: {status}");
    }
    (read, believed)
}

/// For longer than it takes to miss a MASTER, only `a` holds the address; `b` is BACKUP all the
/// while, has heard each advert, and none of them twice.
fn only_a_is_master(lan: &Lan, b: &Daemon, conf: &Conf) {
    let vip = conf.service_address();
    let masters = b.logged("Entering MASTER STATE");
    let ours = b.kind() == Kind::Ours;
    let (start, before) = (clock::now(), ours.then(|| heard(b)));
    holds_for("a alone holds it", conf.interval * 5 + PAUSE, || {
        holders(lan, vip) == ["a"]
    });
    assert_eq!(b.logged("Entering MASTER STATE"), masters, "b stays BACKUP");
    if let Some((read, believed)) = before {
        let now = heard(b);
        let sent = start.elapsed().as_secs_f64() / conf.interval.as_secs_f64();
        assert!(now.1 >= believed + 4, "heard too few: {before:?} {now:?}");
        assert!(
            f64::from(u32::try_from(now.0 - read).expect("few")) <= sent + 2.0,
            "heard some twice: {before:?} {now:?} of {sent}"
        );
    }
}

const PAUSE: Duration = Duration::from_secs(1);

/// What a pair is to show; see [`pair`].
struct Pair<'a> {
    a: &'a Conf,
    b: &'a Conf,
    /// What clients learn.
    mac: [u8; 6],
    /// Adverts of `a` and of `b` leave by the interface itself.
    base: [bool; 2],
}

/// `a` is MASTER, then `b`, then `a` again; and never both.
fn pair(first: Kind, second: Kind, of: &Pair<'_>) {
    let lan = lan();
    let vip = of.a.service_address();
    let sender = |host: &str, base: bool| match base {
        true => text(lan.host(host).mac),
        false => text(of.mac),
    };
    let mut a = Daemon::start(first, lan.host("a"), of.a);
    wait_until("a holds it", PATIENCE, || {
        lan.host("a").link_holds(DEVICE, vip)
    });
    let b = Daemon::start(second, lan.host("b"), of.b);
    b.wait_log("Entering BACKUP STATE", 1, PATIENCE);
    wait_until("b has its device", PATIENCE, || {
        lan.host("b").link(DEVICE).is_some()
    });
    only_a_is_master(&lan, &b, of.a);
    assert!(
        !lan.host("a").holds(vip),
        "it is on the device, not on the interface"
    );
    wait_until("a answers", PATIENCE, || pings(&lan, vip));
    learned(&lan, first, vip, of.mac);
    assert_eq!(advert_mac(&lan, "a"), sender("a", of.base[0]));

    a.terminate();
    let _ = a.wait_exit(PATIENCE);
    wait_until("b holds it", PATIENCE, || holders(&lan, vip) == ["b"]);
    wait_until("b answers", PATIENCE, || pings(&lan, vip));
    lan.host("client").netns.shell("ip neighbour flush all");
    wait_until("b answers who asks anew", PATIENCE, || pings(&lan, vip));
    learned(&lan, second, vip, of.mac);
    assert_eq!(advert_mac(&lan, "b"), sender("b", of.base[1]));
    assert!(
        lan.host("a").link(DEVICE).is_none(),
        "the device of a is gone"
    );

    let backups = b.logged("Entering BACKUP STATE");
    a.start_again(lan.host("a"));
    b.wait_log("Entering BACKUP STATE", backups + 1, PATIENCE);
    wait_until("a holds it", PATIENCE, || holders(&lan, vip) == ["a"]);
    only_a_is_master(&lan, &b, of.a);
}

/// Both with the same lines, sending by their devices.
fn alike(first: Kind, second: Kind, mac: [u8; 6], conf: impl Fn(u8) -> Conf) {
    let (a, b) = (conf(200).with("use_vmac"), conf(100).with("use_vmac"));
    let (a, b, base) = (&a, &b, [false; 2]);
    pair(first, second, &Pair { a, b, mac, base });
}

fn the_virtual_mac_stays_when_the_master_changes(first: Kind, second: Kind) {
    alike(first, second, MAC4, Conf::new);
}

fn the_virtual_mac_stays_when_the_master_changes_over_ipv6(first: Kind, second: Kind) {
    alike(first, second, MAC6, |priority| Conf::new(priority).ipv6());
}

fn a_pair_with_authentication_headers_has_one_master(first: Kind, second: Kind) {
    let lines = "authentication {\n auth_type AH\n auth_pass s3cret12\n }";
    alike(first, second, MAC4, |priority| {
        Conf::new(priority).version2().with(lines)
    });
}

fn a_pair_with_signed_adverts_has_one_master(first: Kind, second: Kind) {
    let lines = "auth_hmac {\n key 1 0123456789abcdef0123456789abcdef\n active_key 1\n\
        anti_replay monotonic\n }";
    alike(first, second, MAC4, |priority| {
        Conf::new(priority).with(lines)
    });
    alike(first, second, MAC6, |priority| {
        Conf::new(priority).ipv6().with(lines)
    });
}

fn with_base(first: Kind, second: Kind, base: [bool; 2]) {
    let conf = |priority, base| {
        let conf = Conf::new(priority).with("use_vmac");
        if base {
            conf.with("vmac_xmit_base")
        } else {
            conf
        }
    };
    let (a, b) = (&conf(200, base[0]), &conf(100, base[1]));
    let mac = MAC4;
    pair(first, second, &Pair { a, b, mac, base });
}

fn adverts_leave_by_the_interface_itself_if_asked(first: Kind, second: Kind) {
    with_base(first, second, [true, true]);
}

fn one_of_a_pair_may_send_by_the_interface_itself(first: Kind, second: Kind) {
    with_base(first, second, [true, false]);
    with_base(first, second, [false, true]);
}

fn a_pair_over_unicast_has_one_master(first: Kind, second: Kind) {
    for ipv6 in [false, true] {
        let lan = lan();
        let (host_a, host_b) = (lan.host("a"), lan.host("b"));
        let conf = |priority| match ipv6 {
            true => Conf::new(priority).ipv6().with("use_vmac"),
            false => Conf::new(priority).with("use_vmac"),
        };
        let to_b = conf(200).unicast(host_a, host_b);
        let to_a = conf(100).unicast(host_b, host_a);
        let vip = to_b.service_address();
        let _a = Daemon::start(first, host_a, &to_b);
        wait_until("a holds it", PATIENCE, || host_a.link_holds(DEVICE, vip));
        let b = Daemon::start(second, host_b, &to_a);
        b.wait_log("Entering BACKUP STATE", 1, PATIENCE);
        only_a_is_master(&lan, &b, &to_b);
    }
}

fn a_backup_hears_the_master_whatever_becomes_of_its_device(first: Kind, second: Kind) {
    let lan = lan();
    let host = lan.host("b");
    let conf = |priority| Conf::new(priority).with("use_vmac");
    let vip = conf(200).service_address();
    let _a = Daemon::start(first, lan.host("a"), &conf(200));
    wait_until("a holds it", PATIENCE, || {
        lan.host("a").link_holds(DEVICE, vip)
    });
    let b = Daemon::start(second, host, &conf(100));
    let ready = || {
        let link = host.link(DEVICE);
        let field = |path: &str| link.as_ref().and_then(|link| link.pointer(path).cloned());
        field("/linkinfo/info_data/mode") == Some("vepa".into())
            && field("/flags").is_some_and(|flags| flags.to_string().contains("\"UP\""))
            && b.status().pointer("/instances/0/state") == Some(&"BACKUP".into())
    };
    b.wait_log("Entering BACKUP STATE", 1, PATIENCE);
    wait_until("b is ready", PATIENCE, ready);
    for change in [
        "link del vrrp.51",
        "link set vrrp.51 down",
        "link set vrrp.51 type macvlan mode private",
    ] {
        host.netns.ip(&[change]);
        wait_until(change, PATIENCE, ready);
        only_a_is_master(&lan, &b, &conf(200));
    }
    assert_eq!(b.logged("Entering MASTER STATE"), 0);
}

fn a_device_that_c_left_is_taken_over_and_the_master_heard(first: Kind, second: Kind) {
    let lan = lan();
    let host = lan.host("b");
    let conf = |priority| Conf::new(priority).with("use_vmac");
    let vip = conf(200).service_address();
    let _a = Daemon::start(first, lan.host("a"), &conf(200));
    wait_until("a holds it", PATIENCE, || {
        lan.host("a").link_holds(DEVICE, vip)
    });
    let mut before = Daemon::start(first, host, &conf(100));
    before.wait_log("Entering BACKUP STATE", 1, PATIENCE);
    before.kill();
    let index = |link: Option<serde_json::Value>| link.and_then(|link| link["ifindex"].as_u64());
    let left = index(host.link(DEVICE));
    assert!(left.is_some());
    let b = Daemon::start(second, host, &conf(100));
    b.wait_log("Entering BACKUP STATE", 1, PATIENCE);
    only_a_is_master(&lan, &b, &conf(200));
    assert_eq!(index(host.link(DEVICE)), left);
}
