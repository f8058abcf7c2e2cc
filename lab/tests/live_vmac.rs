//! Virtual MAC addresses: names and settings of devices, and what becomes of them. Two routers that
//! share one are in `live_vmac_pairs.rs`.
//!
//! `c::` runs C Keepalived where it makes the same promise, which proves the test; `ours::` runs ours.

use std::net::IpAddr;
use std::process::Stdio;
use std::time::Duration;

use lab::{Conf, Daemon, Host, Kind, Lan, Scratch, wait_for, wait_until};

const PATIENCE: Duration = Duration::from_secs(15);
const MAC4: [u8; 6] = [0, 0, 0x5e, 0, 1, 51];

lab::for_kinds! {
    c = CKeepalived {
        each_instance_has_a_device_and_a_mac_address_of_its_own;
        devices_have_the_names_that_are_asked_for;
    }

    ours = Ours {
        /// VMAC-01, VMAC-02: names that two instances give, and those that no device can have.
        each_instance_has_a_device_and_a_mac_address_of_its_own;
        /// VMAC-02, VMAC-04, VMAC-05.
        /// Flips: global_defs.vmac_prefix, global_defs.vmac_addr_prefix,
        /// vrrp_instance.use_vmac_addr, ADDRESS-ENTRY/use_vmac.
        devices_have_the_names_that_are_asked_for;
        /// VMAC-02.
        /// Flips: vrrp_instance.use_vmac/name, vrrp_instance.use_vmac/group.
        a_device_has_the_group_that_is_asked_for;
        /// VMAC-10.
        a_killed_run_leaves_devices_that_the_next_takes_over;
        /// VMAC-01.
        a_device_that_is_deleted_is_made_again;
        /// VMAC-01.
        a_device_comes_back_with_its_interface;
        /// VMAC-10.
        an_interface_of_somebody_else_is_not_taken;
        /// VMAC-06: where the kernel has no ipvlan the instance says so.
        /// Flips: vrrp_instance.use_ipvlan.
        a_device_that_the_kernel_refuses_is_a_fault;
        /// VMAC-07.
        /// Flips: vrrp_instance.promote_secondaries, global_defs.disable_local_igmp.
        settings_of_the_kernel_are_restored;
        /// VMAC-07.
        the_reverse_path_filter_moves_and_comes_back;
        /// VMAC-07, VIP-07, IF-09: after a kill the next run knows what they were.
        settings_that_a_killed_run_has_changed_are_restored_by_the_next;
        /// VMAC-01, FW-01: a reload that changes nothing asks the kernel for nothing.
        reloads_without_changes_touch_nothing;
        /// VMAC-01, VMAC-07.
        a_reload_brings_a_device_and_takes_it_away;
        /// VMAC-01: nobody is held up by a hundred of them.
        a_hundred_devices_come_and_go;
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

fn link(host: &Host, name: &str) -> Option<serde_json::Value> {
    host.link(name)
}

fn holds(host: &Host, device: &str, address: IpAddr) -> bool {
    host.link_holds(device, address)
}

fn index(host: &Host, name: &str) -> Option<u64> {
    link(host, name)?.get("ifindex")?.as_u64()
}

fn is_up(host: &Host, name: &str) -> bool {
    let flags = link(host, name).and_then(|link| link.get("flags").cloned());
    flags.is_some_and(|flags| flags.to_string().contains("\"UP\""))
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

fn devices_have_the_names_that_are_asked_for(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    second_interface(a);
    let conf = "global_defs {\n vmac_prefix foo\n vmac_addr_prefix bar\n}\n\
        vrrp_instance A {\n interface eth0\n virtual_router_id 51\n use_vmac\n use_vmac_addr\n\
        virtual_ipaddress {\n 10.9.0.100/24\n 10.8.0.100/24 dev other0\n }\n}\n\
        vrrp_instance B {\n interface eth0\n virtual_router_id 51\n version 3\n use_vmac\n\
        virtual_ipaddress {\n fe80::51/64\n }\n}\n\
        vrrp_instance D {\n interface eth0\n virtual_router_id 53\n use_vmac vv53 00:00:5e:00:09\n\
        virtual_ipaddress {\n 10.9.0.103/24\n }\n}\n\
        vrrp_instance E {\n interface eth0\n virtual_router_id 54\n\
        virtual_ipaddress {\n 10.9.0.104/24\n 10.8.0.104/24 dev other0 use_vmac\n }\n}\n";
    let daemon = Daemon::start_with(kind, a, conf);
    for (name, parent, mac) in [
        ("foo.51", "eth0", "00:00:5e:00:01:33"),
        ("bar.51", "other0", "00:00:5e:00:01:33"),
        ("foo6.51", "eth0", "00:00:5e:00:02:33"),
        ("vv53", "eth0", "00:00:5e:00:09:35"),
        ("bar.54", "other0", "00:00:5e:00:01:36"),
    ] {
        let found = wait_for(&format!("{name} is made"), PATIENCE, || {
            link(a, name).filter(|_| is_up(a, name))
        });
        assert_eq!(found.pointer("/link"), Some(&parent.into()), "{name}");
        assert_eq!(found.pointer("/address"), Some(&mac.into()), "{name}");
    }
    for (device, address) in [
        ("foo.51", "10.9.0.100"),
        ("bar.51", "10.8.0.100"),
        ("bar.54", "10.8.0.104"),
        ("eth0", "10.9.0.104"),
    ] {
        let address = address.parse().expect("an address");
        wait_until("addresses are on their devices", PATIENCE, || {
            holds(a, device, address)
        });
    }
    let vips: Vec<String> = daemon
        .dump_json()
        .as_array()
        .expect("an array of instances")
        .iter()
        .flat_map(|instance| instance["data"]["vips"].as_array().cloned().expect("vips"))
        .map(|vip| vip.as_str().expect("a string").to_owned())
        .collect();
    for vip in [
        "10.9.0.100/24 dev foo.51@eth0 scope global set",
        "10.9.0.103/24 dev vv53@eth0 scope global set",
        "10.9.0.104/24 dev eth0 scope global set",
        "10.8.0.104/24 dev bar.54@other0 use_vmac scope global set",
    ] {
        assert!(vips.iter().any(|known| known == vip), "{vips:?}");
    }
}

fn a_device_has_the_group_that_is_asked_for(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    let conf = Conf::new(200).with("use_vmac name mine group 77");
    let _a = Daemon::start(kind, a, &conf);
    wait_until("it is up", PATIENCE, || is_up(a, "mine"));
    let found = link(a, "mine").expect("it is there");
    assert_eq!(found.pointer("/group"), Some(&"77".into()));

    let scratch = Scratch::new("a");
    std::fs::write(scratch.file("group"), "78 edge\n").expect("scratch is writable");
    let mut conf = Conf::new(200).with("use_vmac name named group edge");
    conf.vrid = 52;
    conf.global.push("iproute_etc_dir DIR".to_owned());
    let _named = Daemon::start_in(kind, a, scratch, &conf.text(), &[]);
    wait_until("it is up", PATIENCE, || is_up(a, "named"));
    let found = link(a, "named").expect("it is there");
    assert_eq!(found.pointer("/group"), Some(&"78".into()));
}

fn a_killed_run_leaves_devices_that_the_next_takes_over(kind: Kind) {
    let lan = lan();
    let (a, conf) = (lan.host("a"), Conf::new(200).with("use_vmac"));
    let vip = conf.service_address();
    let mut daemon = Daemon::start(kind, a, &conf);
    wait_until("it answers", PATIENCE, || pings(&lan, vip));
    let before = index(a, "vrrp.51");
    daemon.kill();
    assert!(holds(a, "vrrp.51", vip), "a killed run leaves everything");
    daemon.start_again(a);
    wait_until("the next answers", PATIENCE, || {
        daemon.logged("Entering MASTER STATE") > 0 && pings(&lan, vip)
    });
    assert_eq!(index(a, "vrrp.51"), before);
    daemon.kill();
    // Nobody wants the device any more, but it bears our mark.
    daemon.start_again_with(a, &Conf::new(200));
    wait_until("the device is gone", PATIENCE, || {
        index(a, "vrrp.51").is_none()
    });
    wait_until("the next answers", PATIENCE, || a.holds(vip));
}

fn a_device_that_is_deleted_is_made_again(kind: Kind) {
    let lan = lan();
    let (a, conf) = (lan.host("a"), Conf::new(200).with("use_vmac"));
    let vip = conf.service_address();
    let _a = Daemon::start(kind, a, &conf);
    wait_until("it answers", PATIENCE, || pings(&lan, vip));
    a.netns.ip(&["link del vrrp.51"]);
    wait_until("it answers again", PATIENCE, || {
        holds(a, "vrrp.51", vip) && pings(&lan, vip)
    });
    a.netns.ip(&["link set vrrp.51 down"]);
    wait_until("it is raised again", PATIENCE, || is_up(a, "vrrp.51"));
}

fn a_device_comes_back_with_its_interface(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    second_interface(a);
    let conf = "vrrp_instance A {\n interface other0\n virtual_router_id 51\n version 3\n\
        advert_int 0.1\n use_vmac\n virtual_ipaddress {\n 10.8.0.100/24\n }\n}\n";
    let vip = "10.8.0.100".parse().expect("an address");
    let daemon = Daemon::start_with(kind, a, conf);
    wait_until("it is master", PATIENCE, || holds(a, "vrrp.51", vip));
    a.netns.ip(&["link del other0"]);
    daemon.wait_log("Entering FAULT STATE", 1, PATIENCE);
    second_interface(a);
    let soon = Duration::from_secs(2);
    wait_until("it is master again", soon, || holds(a, "vrrp.51", vip));
    // Another name, and the first one again.
    a.netns.ip(&[
        "link set other0 down",
        "link set other0 name new0",
        "link set new0 up",
    ]);
    daemon.wait_log("Entering FAULT STATE", 2, PATIENCE);
    a.netns.ip(&[
        "link set new0 down",
        "link set new0 name other0",
        "link set other0 up",
    ]);
    wait_until("it is master once more", soon, || holds(a, "vrrp.51", vip));
}

/// Two instances on one device would both have the MAC address of the first.
fn each_instance_has_a_device_and_a_mac_address_of_its_own(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    let instance = |name: &str, vrid: u8, device: &str| {
        format!(
            "vrrp_instance {name} {{\n interface eth0\n virtual_router_id {vrid}\n use_vmac {device}\n\
            virtual_ipaddress {{\n 10.9.0.{vrid}/24\n }}\n}}\n"
        )
    };
    let conf = [
        instance("A", 109, "vv"),
        instance("B", 110, "vv"),
        instance("C", 111, "\"a b\""),
        instance("D", 112, "\"a:b\""),
        instance("E", 113, "far-too-long-a-name"),
    ];
    let _a = Daemon::start_with(kind, a, &conf.concat());
    for (name, vrid) in [
        ("vv", 109),
        ("vrrp.110", 110),
        ("vrrp.111", 111),
        ("vrrp.112", 112),
        ("vrrp.113", 113),
    ] {
        let vip = format!("10.9.0.{vrid}").parse().expect("an address");
        wait_until(&format!("{name} has {vip}"), PATIENCE, || {
            holds(a, name, vip)
        });
        let found = link(a, name).expect("it is there");
        let mac = format!("00:00:5e:00:01:{vrid:02x}");
        assert_eq!(found.pointer("/address"), Some(&mac.into()), "{name}");
    }
}

fn an_interface_of_somebody_else_is_not_taken(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    a.netns.ip(&["link add vrrp.51 type veth peer name far0"]);
    let daemon = Daemon::start(kind, a, &Conf::new(200).with("use_vmac"));
    daemon.wait_log(
        "there is another interface with the name vrrp.51",
        1,
        PATIENCE,
    );
    daemon.wait_log("Entering FAULT STATE", 1, PATIENCE);
    a.netns.ip(&["link del vrrp.51"]);
    daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
    assert!(is_up(a, "vrrp.51"));
    // Nor is another name made up where the file asks for one that is in use.
    let b = lan.host("b");
    second_interface(b);
    let before = b.netns.shell("ip -br link");
    for name in ["eth0", "other0"] {
        let conf = Conf::new(200).with(&format!("use_vmac {name}"));
        let mut daemon = Daemon::start(kind, b, &conf);
        let fault = format!("there is another interface with the name {name}");
        daemon.wait_log(&fault, 1, PATIENCE);
        daemon.wait_log("Entering FAULT STATE", 1, PATIENCE);
        let told = daemon.logged(&format!("its device cannot be called `{name}`"));
        assert_eq!(told, usize::from(name == "eth0"), "{}", daemon.log());
        daemon.terminate();
        daemon.wait_exit(PATIENCE);
        assert_eq!(b.netns.shell("ip -br link"), before);
    }
}

fn a_device_that_the_kernel_refuses_is_a_fault(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    let with = Conf::new(200).with("use_ipvlan ipv0 10.9.0.77/24 private");
    let can = a
        .netns
        .shell("ip link add t0 link eth0 type ipvlan 2>&1 || true");
    let daemon = Daemon::start(kind, a, &with);
    if can.trim().is_empty() {
        daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
        assert!(holds(a, "ipv0", with.service_address()));
    } else {
        daemon.wait_log("virtual interface ipv0 cannot be made", 1, PATIENCE);
        daemon.wait_log("Entering FAULT STATE", 1, PATIENCE);
    }
}

/// All settings of a host's interfaces, without those of devices that come and go.
fn settings(host: &Host) -> String {
    host.netns.shell(
        "cd /proc/sys/net; grep -r . ipv4/conf ipv6/conf ipv4/igmp_link_local_mcast_reports \
         | grep -v vrrp | sort",
    )
}

fn settings_of_the_kernel_are_restored(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    let before = settings(a);
    let mut conf = Conf::new(200).with("use_vmac").with("promote_secondaries");
    conf.global.push("disable_local_igmp".to_owned());
    let mut daemon = Daemon::start(kind, a, &conf);
    let vip = conf.service_address();
    wait_until("it is master", PATIENCE, || holds(a, "vrrp.51", vip));
    let during = settings(a);
    for line in [
        "ipv4/conf/eth0/arp_ignore:1",
        "ipv4/conf/eth0/arp_filter:1",
        "ipv4/conf/eth0/arp_announce:2",
        "ipv4/conf/eth0/promote_secondaries:1",
        "ipv4/igmp_link_local_mcast_reports:0",
    ] {
        assert!(during.lines().any(|set| set == line), "{line}");
        assert!(!before.lines().any(|set| set == line), "{line} before");
    }
    let device = |key: &str| {
        let path = format!("cat /proc/sys/net/{key}");
        a.netns.shell(&path).trim().to_owned()
    };
    for (key, value) in [
        ("ipv4/conf/vrrp.51/arp_ignore", "1"),
        ("ipv4/conf/vrrp.51/accept_local", "1"),
        ("ipv4/conf/vrrp.51/rp_filter", "0"),
        ("ipv4/conf/vrrp.51/promote_secondaries", "1"),
        ("ipv6/conf/vrrp.51/disable_ipv6", "1"),
    ] {
        assert_eq!(device(key), value, "{key}");
    }
    daemon.terminate();
    let _ = daemon.wait_exit(PATIENCE);
    assert_eq!(settings(a), before);
}

fn settings_that_a_killed_run_has_changed_are_restored_by_the_next(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    a.netns
        .shell("echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter");
    let before = settings(a);
    let mut conf = Conf::new(200).with("use_vmac").with("promote_secondaries");
    conf.global.push("disable_local_igmp".to_owned());
    let vip = conf.service_address();
    let mut daemon = Daemon::start(kind, a, &conf);
    // Once with what was configured then, until it ends; and once without. The addresses of a killed
    // daemon stay, so the log tells when the next one is the master.
    let elected = |daemon: &Daemon, times| {
        daemon.wait_log("Entering MASTER STATE", times, PATIENCE);
    };
    for (next, device, before_it) in [(conf.clone(), "vrrp.51", 0), (Conf::new(200), "eth0", 2)] {
        elected(&daemon, before_it + 1);
        wait_until("it is master", PATIENCE, || holds(a, "vrrp.51", vip));
        let during = settings(a);
        assert_ne!(during, before);
        daemon.kill();
        assert_eq!(settings(a), during);
        daemon.start_again_with(a, &next);
        elected(&daemon, before_it + 2);
        wait_until("the next is master", PATIENCE, || holds(a, device, vip));
        if device == "eth0" {
            wait_until("all is as it was", PATIENCE, || settings(a) == before);
        } else {
            wait_until("all is as before it", PATIENCE, || settings(a) == during);
            daemon.terminate();
            let _ = daemon.wait_exit(PATIENCE);
            assert_eq!(settings(a), before);
            daemon.start_again_with(a, &conf);
        }
    }
    daemon.terminate();
    let _ = daemon.wait_exit(PATIENCE);
    assert_eq!(settings(a), before);
    assert!(!daemon.directory().join("main.settings").exists());
}

fn the_reverse_path_filter_moves_and_comes_back(kind: Kind) {
    let lan = lan();
    let a = lan.host("a");
    a.netns
        .shell("echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter");
    let before = settings(a);
    let conf = Conf::new(200).with("use_vmac");
    let mut daemon = Daemon::start(kind, a, &conf);
    wait_until("it answers", PATIENCE, || {
        pings(&lan, conf.service_address())
    });
    let during = settings(a);
    for line in [
        "ipv4/conf/all/rp_filter:0",
        "ipv4/conf/default/rp_filter:1",
        "ipv4/conf/eth0/rp_filter:1",
    ] {
        assert!(during.lines().any(|set| set == line), "{line}");
    }
    daemon.terminate();
    let _ = daemon.wait_exit(PATIENCE);
    assert_eq!(settings(a), before);
}

fn reloads_without_changes_touch_nothing(kind: Kind) {
    let lan = lan();
    let (a, conf) = (
        lan.host("a"),
        Conf::new(200).with("use_vmac").with("no_accept"),
    );
    let daemon = Daemon::start(kind, a, &conf);
    let vip = conf.service_address();
    wait_until("it is master", PATIENCE, || holds(a, "vrrp.51", vip));
    let rules = a.netns.shell("nft -a list ruleset");
    assert!(rules.contains("10.9.0.100"), "{rules}");
    let mut monitor = a.netns.command("ip");
    let log = daemon.directory().join("monitor.log");
    let file = std::fs::File::create(&log).expect("scratch is writable");
    monitor.args(["monitor", "link", "address", "route"]);
    let mut monitor = monitor.stdout(file).spawn().expect("ip starts");
    a.netns.ip(&["link add probe0 type veth peer name probe1"]);
    let seen = || std::fs::read_to_string(&log).unwrap_or_default();
    wait_until("the monitor listens", PATIENCE, || {
        a.netns
            .ip(&["link set probe0 mtu 1400", "link set probe0 mtu 1500"]);
        seen().contains("probe0")
    });
    for number in 1..=5 {
        daemon.reload_with(&conf.text());
        daemon.wait_log("Reload complete", number, PATIENCE);
    }
    a.netns.ip(&["link set probe0 mtu 1300"]);
    wait_until("the monitor has told all", PATIENCE, || {
        seen().contains("mtu 1300")
    });
    let _ = monitor.kill();
    let _ = monitor.wait();
    assert!(!seen().contains("vrrp.51"), "{}", seen());
    assert_eq!(a.netns.shell("nft -a list ruleset"), rules);
    assert_eq!(daemon.logged("Entering MASTER STATE"), 1);
}

fn a_reload_brings_a_device_and_takes_it_away(kind: Kind) {
    let lan = lan();
    let (a, conf) = (lan.host("a"), Conf::new(200));
    let before = settings(a);
    let daemon = Daemon::start(kind, a, &conf);
    let vip = conf.service_address();
    wait_until("it answers", PATIENCE, || pings(&lan, vip));
    daemon.reload_with(&conf.clone().with("use_vmac").text());
    wait_until("the address is on the device", PATIENCE, || {
        holds(a, "vrrp.51", vip) && !a.holds(vip)
    });
    wait_until("it answers again", PATIENCE, || pings(&lan, vip));
    assert_eq!(lan.host("client").neighbour(vip), Some(MAC4));
    daemon.reload_with(&conf.text());
    wait_until("the address is on the interface", PATIENCE, || a.holds(vip));
    wait_until("the device is gone", PATIENCE, || {
        index(a, "vrrp.51").is_none()
    });
    wait_until("settings are what they were", PATIENCE, || {
        settings(a) == before
    });
    wait_until("rules are gone", PATIENCE, || {
        a.netns.shell("nft list ruleset").trim().is_empty()
    });
}

fn a_hundred_devices_come_and_go(kind: Kind) {
    use std::fmt::Write as _;
    let lan = lan();
    let a = lan.host("a");
    let mut conf = String::new();
    for number in 1..=100 {
        let _ = write!(
            conf,
            "vrrp_instance I{number} {{\n interface eth0\n virtual_router_id {number}\n version 3\n\
             advert_int 0.2\n use_vmac\n no_accept\n virtual_ipaddress {{\n 10.9.{number}.100/24\n }}\n}}\n"
        );
    }
    let mut daemon = Daemon::start_with(kind, a, &conf);
    daemon.wait_log("Entering MASTER STATE", 100, Duration::from_secs(40));
    assert_eq!(daemon.logged("Entering FAULT STATE"), 0);
    daemon.terminate();
    let _ = daemon.wait_exit(Duration::from_secs(60));
    assert!(!a.netns.shell("ip -o link").contains("vrrp."));
    assert_eq!(a.netns.shell("nft list ruleset").trim(), "");
}
