//! Devices that the kernel of most development machines lacks: ipvlan and VRF. In the virtual machine:
//! `cargo xtask ipvs`.

use std::net::IpAddr;
use std::time::Duration;

use lab::director::kind;
use lab::{Conf, Daemon, Host, Kind, Lan, Probe, wait_until};

const PATIENCE: Duration = Duration::from_secs(12);

fn address() -> IpAddr {
    "10.9.0.100".parse().expect("an address")
}

fn start(host: &Host, conf: &Conf) -> Daemon {
    Daemon::start(kind(), host, conf)
}

/// The addresses are on an ipvlan device, which has the interface's own Ethernet address.
///
/// Flips: vrrp_instance.use_ipvlan.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn an_ipvlan_device_holds_the_addresses() {
    lab::require_guest();
    let lan = Lan::new(&["a", "c"]);
    let (a, client) = (lan.host("a"), lan.host("c"));
    for line in ["", "use_ipvlan ipv51"] {
        let conf = if line.is_empty() {
            Conf::new(150)
        } else {
            Conf::new(150).with(line)
        };
        let mut daemon = start(a, &conf);
        let device = if line.is_empty() {
            lab::lan::INTERFACE
        } else {
            "ipv51"
        };
        wait_until("the address is on its device", PATIENCE, || {
            a.link_holds(device, address())
        });
        let link = a.link("ipv51");
        assert_eq!(link.is_some(), !line.is_empty());
        if let Some(link) = link {
            let kind = link.pointer("/linkinfo/info_kind");
            assert_eq!(
                kind.and_then(|kind| kind.as_str()),
                Some("ipvlan"),
                "{link}"
            );
        }
        let probe = Probe::start(client, address());
        probe.wait_answer(PATIENCE);
        let neighbour = client.neighbour(address());
        assert_eq!(neighbour, Some(a.mac), "the interface's own address");
        drop(probe);
        daemon.terminate();
        daemon.wait_exit(PATIENCE);
        wait_until("the device is gone", PATIENCE, || a.link("ipv51").is_none());
        client.netns.ip(&["neigh flush all"]);
    }
}

fn vrf(host: &Host) {
    host.netns
        .ip(&["link add red type vrf table 100", "link set red up"]);
}

/// Two routers whose interfaces are in a VRF: one is master, and the other takes over when it dies.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn an_election_takes_place_within_a_vrf() {
    lab::require_guest();
    let lan = Lan::new(&["a", "b"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    for host in [a, b] {
        vrf(host);
        host.netns.ip(&["link set eth0 master red"]);
    }
    let mut first = start(a, &Conf::new(200));
    let _second = start(b, &Conf::new(100));
    wait_until("the better one is master", PATIENCE, || {
        lan.holders(address()) == ["a"]
    });
    lab::wait::holds_for("alone", Duration::from_secs(3), || {
        lan.holders(address()) == ["a"]
    });
    first.kill();
    wait_until("the other takes over", PATIENCE, || b.holds(address()));
}

/// An interface that is moved into a VRF, and out of it, while the daemon runs: never two masters that last.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn an_interface_moves_into_a_vrf_and_out_again() {
    lab::require_guest();
    let lan = Lan::new(&["a", "b"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    vrf(a);
    let _first = start(a, &Conf::new(100));
    let _second = start(b, &Conf::new(200));
    let only = |name: &str| {
        wait_until("one of them is master", PATIENCE, || {
            lan.holders(address()) == [name]
        });
        lab::wait::holds_for("and alone", Duration::from_secs(2), || {
            lan.holders(address()) == [name]
        });
    };
    only("b");
    for command in ["link set eth0 master red", "link set eth0 nomaster"] {
        a.netns.ip(&[command]);
        // It still hears the better one.
        std::thread::sleep(Duration::from_secs(1));
        if kind() == Kind::Ours {
            only("b");
        }
        // And is heard: without the better one it is master, with it no longer.
        lan.cut("b");
        wait_until("alone it is master", PATIENCE, || a.holds(address()));
        lan.plug("b");
        only("b");
    }
}
