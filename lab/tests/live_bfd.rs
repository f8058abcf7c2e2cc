//! `bfd_instance`: what each of its words changes on the wire, in the status and in elections.
//!
//! `c::` runs C Keepalived where it makes the same promise, which proves the test; `ours::` runs ours.

use std::collections::BTreeSet;
use std::time::Duration;

use lab::bfd::session;
use lab::peers::{Bird, installed};
use lab::{Capture, Daemon, Host, Kind, Lan, tshark, wait_for, wait_until};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(15);
const BFD: &str = "udp port 3784 or udp port 4784 or udp port 3785";

lab::for_kinds! {
    c = CKeepalived {
        the_weight_of_a_session_moves_the_priority;
        an_instance_faults_with_a_session_without_weight;
        a_session_of_the_group_counts_for_all_its_members;
        sessions_come_up_with_keepalived;
    }

    ours = Ours {
        /// BFD-CL-05, KA-W-01 to KA-W-03, KA-W-09.
        ///
        /// Flips: bfd_instance.weight, bfd_instance.vrrp, bfd_instance.checker, vrrp_instance.track_bfd.
        the_weight_of_a_session_moves_the_priority;
        /// KA-W-09, BFD-CL-02.
        ///
        /// Flips: (root).bfd_instance, bfd_instance.neighbor_ip.
        an_instance_faults_with_a_session_without_weight;
        /// KA-G-07, SG-02, TRK-12.
        ///
        /// Flips: vrrp_sync_group.track_bfd.
        a_session_of_the_group_counts_for_all_its_members;
        /// BFD-FSM-26, BFD-SH-05, BFD-SH-06.
        ///
        /// Flips: bfd_instance.max_hops.
        sessions_come_up_with_keepalived;
    }
}

/// A daemon that has begun.
fn start(kind: Kind, host: &Host, conf: &str) -> Daemon {
    let daemon = Daemon::start_with(kind, host, conf);
    daemon.wait_log("Startup complete", 1, PATIENCE);
    daemon
}

/// The session of this name in the status of a daemon.
fn wait_state(daemon: &Daemon, name: &str, state: &str) -> Value {
    wait_for(&format!("{name} is {state}"), PATIENCE, || {
        Some(session(daemon, name)).filter(|session| session["state"] == state)
    })
}

/// What Wireshark reads in the BFD packets of a capture.
struct Packets(Vec<Vec<String>>);

const FIELDS: [&str; 15] = [
    "ip.src",
    "ipv6.src",
    "ip.dst",
    "ipv6.dst",
    "udp.srcport",
    "udp.dstport",
    "ip.ttl",
    "ipv6.hlim",
    "bfd.sta",
    "bfd.detect_time_multiplier",
    "bfd.desired_min_tx_interval",
    "bfd.required_min_rx_interval",
    "bfd.auth.type",
    "bfd.flags.d",
    "udp.checksum.status",
];

impl Packets {
    fn read(mut capture: Capture) -> Self {
        let file = capture.finish();
        // The kernel leaves the checksum of what goes through its own sockets to the network card.
        let filter =
            "_ws.malformed || (_ws.expert.severity >= 0x600000 && udp.checksum.status != 0)";
        let faults = tshark::fields(&file, filter, &["frame.number"]);
        assert!(faults.is_empty(), "Wireshark objects to {faults:?}");
        Self(tshark::fields(&file, "bfd", &FIELDS))
    }

    /// The values of a field in packets to this address.
    fn to(&self, address: &str, field: &str) -> BTreeSet<String> {
        let column = |name: &str| FIELDS.iter().position(|known| *known == name).unwrap();
        let (v4, v6, wanted) = (column("ip.dst"), column("ipv6.dst"), column(field));
        let of = self
            .0
            .iter()
            .filter(|row| row[v4] == address || row[v6] == address);
        of.map(|row| row[wanted].clone()).collect()
    }
}

fn one(text: &str) -> BTreeSet<String> {
    BTreeSet::from([text.to_owned()])
}

/// BFD-SH-01, BFD-SH-02, BFD-SH-05, BFD-MH-01, BFD-TX-04, BFD-TX-06, BFD-TX-11.
///
/// Flips: bfd_instance.neighbour_ip, bfd_instance.source_ip, bfd_instance.min_rx,
/// bfd_instance.idle_tx, bfd_instance.multiplier, bfd_instance.ttl, bfd_instance.hoplimit,
/// bfd_instance.multihop, bfd_instance.passive, bfd_instance.auth, bfd_instance.interface.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_session_sends_what_its_keywords_say() {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    a.netns.ip(&[
        "addr add 10.9.0.11/24 dev eth0",
        "link add other0 type veth peer name far0",
        "link set far0 up",
        "link set other0 up",
    ]);
    let more: Vec<String> = (21..=29)
        .map(|last| format!("addr add 10.9.0.{last}/24 dev eth0"))
        .chain((0x21..=0x23).map(|last| format!("addr add 2001:db8::{last:x}/64 dev eth0 nodad")))
        .chain(
            [
                "addr add fe80::2/64 dev eth0 nodad",
                "addr add fe80::3/64 dev eth0 nodad",
            ]
            .map(String::from),
        )
        .collect();
    b.netns
        .ip(&more.iter().map(String::as_str).collect::<Vec<_>>());
    let conf = "
        bfd_instance plain { neighbor_ip 10.9.0.21
        }
        bfd_instance timed { neighbour_ip 10.9.0.22
            min_rx 50.5
            min_tx 60
            idle_tx 1500
            multiplier 7
        }
        bfd_instance source { neighbor_ip 10.9.0.23
            source_ip 10.9.0.11
            ttl 77
        }
        bfd_instance far { neighbor_ip 10.9.0.24
            multihop
        }
        bfd_instance passive { neighbor_ip 10.9.0.25
            passive
        }
        bfd_instance secret { neighbor_ip 10.9.0.26
            auth meticulous_sha1 7 \"s3cret12\"
        }
        bfd_instance six { neighbor_ip 2001:db8::21
        }
        bfd_instance hops { neighbor_ip 2001:db8::22
            hoplimit 66
        }
        bfd_instance here { neighbor_ip fe80::2
            interface eth0
        }
        bfd_instance there { neighbor_ip fe80::3
            interface other0
        }
    ";
    let capture = Capture::start_matching(&lan, BFD);
    let daemon = start(Kind::Ours, a, conf);
    wait_until("each has sent twice", PATIENCE, || {
        let names = [
            "plain", "timed", "source", "far", "secret", "six", "hops", "here", "there",
        ];
        let sent = |name: &&str| session(&daemon, name)["counters"]["sent"].as_u64() >= Some(2);
        names.iter().all(sent)
    });
    let passive = session(&daemon, "passive");
    drop(daemon);
    let packets = Packets::read(capture);
    let expect = |to: &str, field: &str, value: &str| {
        assert_eq!(
            packets.to(to, field),
            one(value),
            "{field} of packets to {to}"
        );
    };
    expect("10.9.0.21", "ip.src", "10.9.0.1");
    expect("10.9.0.21", "ip.ttl", "255");
    expect("10.9.0.21", "udp.dstport", "3784");
    expect("10.9.0.21", "bfd.required_min_rx_interval", "10000");
    expect("10.9.0.21", "bfd.desired_min_tx_interval", "1000000");
    expect("10.9.0.21", "bfd.detect_time_multiplier", "5");
    expect("10.9.0.21", "bfd.auth.type", "");
    expect("10.9.0.22", "bfd.required_min_rx_interval", "50500");
    expect("10.9.0.22", "bfd.desired_min_tx_interval", "1500000");
    expect("10.9.0.22", "bfd.detect_time_multiplier", "7");
    expect("10.9.0.23", "ip.src", "10.9.0.11");
    expect("10.9.0.23", "ip.ttl", "77");
    expect("10.9.0.24", "udp.dstport", "4784");
    assert!(
        packets.to("10.9.0.25", "udp.dstport").is_empty(),
        "passive and first"
    );
    assert_eq!(passive["counters"]["sent"], 0);
    expect("10.9.0.26", "bfd.auth.type", "5");
    expect("2001:db8::21", "ipv6.hlim", "255");
    expect("2001:db8::22", "ipv6.hlim", "66");
    expect("fe80::2", "udp.dstport", "3784");
    assert!(
        packets.to("fe80::3", "udp.dstport").is_empty(),
        "it left by the other interface"
    );
    assert!(packets.0.iter().all(|row| row[14] == "1"), "good checksums");
    let ports: BTreeSet<String> = packets.0.iter().map(|row| row[4].clone()).collect();
    assert!(ports.len() >= 7, "one each: {ports:?}");
    assert!(
        ports
            .iter()
            .all(|port| port.parse::<u16>().unwrap() >= 49152)
    );
}

/// BFD-DM-01, BFD-DM-02, BFD-TX-01, BFD-SH-06.
///
/// Flips: bfd_instance.min_tx, bfd_instance.demand.
#[test]
#[ignore = "live: cargo xtask live"]
fn up_sessions_keep_to_what_was_agreed() {
    lab::require_live();
    let lan = Lan::new(&["a", "b"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    b.netns.ip(&["addr add 10.9.0.22/24 dev eth0"]);
    let conf = |demand: &str| {
        format!(
            "bfd_instance quick {{ neighbor_ip 10.9.0.2
                min_tx 70
                min_rx 50
                multiplier 3
            }}
            bfd_instance silent {{ neighbor_ip 10.9.0.22
                min_tx 50
                min_rx 50
                multiplier 3
                {demand}
            }}"
        )
    };
    let peer = "bfd_instance quick { neighbor_ip 10.9.0.1
            source_ip 10.9.0.2
            min_tx 20
            min_rx 20
            multiplier 4
        }
        bfd_instance silent { neighbor_ip 10.9.0.1
            source_ip 10.9.0.22
            interface eth0
            min_tx 50
            min_rx 50
            multiplier 3
        }";
    let other = start(Kind::Ours, b, peer);
    let daemon = start(Kind::Ours, a, &conf("demand 1000"));
    wait_state(&daemon, "silent", "up");
    let quick = wait_for("70 and 50 ms are agreed", PATIENCE, || {
        let found = session(&daemon, "quick");
        (found["transmit_interval_seconds"] == 0.07 && found["detection_time_seconds"] == 0.2)
            .then_some(found)
    });
    assert_eq!(quick["remote"]["detect_mult"], 4);
    wait_until("demand mode is active", PATIENCE, || {
        session(&daemon, "silent")["demand_active"] == true
    });
    let before = session(&daemon, "silent")["counters"]["received"]
        .as_u64()
        .unwrap();
    std::thread::sleep(Duration::from_secs(3));
    let after = session(&daemon, "silent");
    let heard = after["counters"]["received"].as_u64().unwrap() - before;
    assert!(
        (2..15).contains(&heard),
        "{heard} packets, periodic ones would be seventy"
    );
    assert_eq!(after["counters"]["flaps"], 0);
    // Without the keyword, the neighbour speaks again.
    daemon.reload_with(&conf(""));
    wait_until("the neighbour speaks again", PATIENCE, || {
        let now = session(&daemon, "silent");
        now["counters"]["received"].as_u64().unwrap() > before + 60
    });
    let after = session(&daemon, "silent");
    assert_eq!(
        (&after["state"], &after["counters"]["flaps"]),
        (&"up".into(), &0.into())
    );
    drop(other);
}

/// The priority in the last advert of a host.
fn advertised(capture: &Capture, host: &str) -> Option<u8> {
    let adverts = capture.adverts();
    let mut own = adverts.iter().filter(|(_, from, _)| from == host);
    own.next_back().map(|(_, _, advert)| advert.priority)
}

fn peer_conf(b: &Host, names: &[(&str, u8)]) -> String {
    let session = |(name, last): &(&str, u8)| {
        format!(
            "bfd_instance {name} {{ neighbor_ip 10.9.0.{last}
                source_ip {}
                min_tx 50
                min_rx 50
                multiplier 3
            }}\n",
            b.ipv4
        )
    };
    names.iter().map(session).collect()
}

fn the_weight_of_a_session_moves_the_priority(kind: Kind) {
    if !installed("bird") {
        return;
    }
    let lan = Lan::new(&["a", "b"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    for (host, lasts) in [(a, [11, 12]), (b, [22, 23])] {
        let lines = lasts.map(|last| format!("addr add 10.9.0.{last}/24 dev eth0"));
        host.netns.ip(&[&lines[0], &lines[1]]);
    }
    let conf = |weight: &str, checker: &str| {
        let session = |name: &str, last: u8, source: u8, more: &str| {
            format!(
                "bfd_instance {name} {{ neighbor_ip 10.9.0.{last}
                    source_ip 10.9.0.{source}
                    min_tx 50
                    min_rx 50
                    multiplier 3
                    {more}
                }}\n"
            )
        };
        session("one", 2, 1, weight)
            + &session("two", 22, 11, "vrrp")
            + &session("three", 23, 12, checker)
            + "vrrp_instance VI {
                interface eth0
                virtual_router_id 51
                version 3
                advert_int 0.1
                priority 100
                virtual_ipaddress { 10.9.0.100/24 }
                track_bfd {
                    one
                    two weight 7 reverse
                    three weight 50
                }
            }"
    };
    let capture = Capture::start(&lan);
    let mut daemon = start(kind, a, &conf("weight 30", "checker"));
    wait_until("alone, the base counts", PATIENCE, || {
        advertised(&capture, "a") == Some(100)
    });
    let protocol: String = [(1, 2), (11, 22), (12, 23)]
        .map(|(to, from)| format!("neighbor 10.9.0.{to} dev \"eth0\" local 10.9.0.{from}; "))
        .concat();
    let protocol = format!("interface \"eth0\" {{ interval 50 ms; multiplier 3; }}; {protocol}");
    let mut bird = Bird::start(b, &protocol);
    wait_until("30 are added and 7 taken", PATIENCE, || {
        advertised(&capture, "a") == Some(123)
    });
    daemon.reload_with(&conf("weight -40 reverse", "vrrp"));
    wait_until("one adds nothing while up, three adds 50", PATIENCE, || {
        advertised(&capture, "a") == Some(143)
    });
    bird.kill();
    wait_until("one adds 40 while down", PATIENCE, || {
        advertised(&capture, "a") == Some(140)
    });
    assert!(daemon.is_running());
}

fn an_instance_faults_with_a_session_without_weight(kind: Kind) {
    let lan = Lan::new(&["a", "b"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    let conf = "bfd_instance one { neighbor_ip 10.9.0.2
            source_ip 10.9.0.1
            min_tx 50
            min_rx 50
            multiplier 3
        }
        vrrp_instance VI {
            interface eth0
            virtual_router_id 51
            version 3
            advert_int 0.1
            priority 100
            virtual_ipaddress { 10.9.0.100/24 }
            track_bfd { one }
        }";
    let daemon = start(kind, a, conf);
    daemon.wait_log("Entering FAULT STATE", 1, PATIENCE);
    assert!(!a.holds("10.9.0.100".parse().unwrap()));
    let mut other = start(kind, b, &peer_conf(b, &[("one", 1)]));
    daemon.wait_log("Entering MASTER STATE", 1, PATIENCE);
    daemon.wait_log(
        "VRRP_Instance(VI) Tracked BFD instance one is UP",
        1,
        PATIENCE,
    );
    other.kill();
    daemon.wait_log(
        "VRRP_Instance(VI) Tracked BFD instance one is DOWN",
        1,
        PATIENCE,
    );
    daemon.wait_log("Entering FAULT STATE", 2, PATIENCE);
    daemon.wait_log(
        "(one) Entering Down state (Local diagnostic - Control Detection Time Expired",
        1,
        PATIENCE,
    );
    wait_until("the address is gone", PATIENCE, || {
        !a.holds("10.9.0.100".parse().unwrap())
    });
}

fn a_session_of_the_group_counts_for_all_its_members(kind: Kind) {
    let lan = Lan::new(&["a", "b"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    let conf = |group: &str| {
        let instance = |number: u8| {
            format!(
                "vrrp_instance V{number} {{
                    interface eth0
                    virtual_router_id 5{number}
                    version 3
                    advert_int 0.1
                    priority 100
                    virtual_ipaddress {{ 10.9.0.10{number}/24
                    }}
                }}\n"
            )
        };
        peer_conf(a, &[("one", 2)])
            + &instance(0)
            + &instance(1)
            + &format!("vrrp_sync_group G {{ group {{ V0\nV1\n}}\n{group}\n}}\n")
    };
    let holds = || [100, 101].map(|last| a.holds([10, 9, 0, last].into()));
    let capture = Capture::start(&lan);
    let mut daemon = start(kind, a, &conf("track_bfd {\none\n}"));
    daemon.wait_log("Entering FAULT STATE", 2, PATIENCE);
    assert_eq!(holds(), [false; 2]);
    let mut other = start(kind, b, &peer_conf(b, &[("one", 1)]));
    wait_until("the session lets both work", PATIENCE, || {
        holds() == [true; 2]
    });
    other.kill();
    wait_until("without it neither may", PATIENCE, || holds() == [false; 2]);
    // The flip: without the entry the session is nobody's business.
    daemon.reload_with(&conf(""));
    wait_until("nothing is asked of the session", PATIENCE, || {
        holds() == [true; 2]
    });
    daemon.reload_with(&conf("track_bfd {\none weight -30\n}"));
    let down = |vrid: u8| {
        let adverts = capture.adverts();
        let mut own = adverts.iter().filter(|(_, _, advert)| advert.vrid == vrid);
        own.next_back().map(|(_, _, advert)| advert.priority)
    };
    wait_until("both are told to give way", PATIENCE, || {
        (down(50), down(51)) == (Some(70), Some(70))
    });
    assert!(daemon.is_running());
}

/// The daemon under test on one side, C Keepalived on the other one.
fn sessions_come_up_with_keepalived(kind: Kind) {
    let lan = Lan::new(&["a", "b"]);
    let (a, b) = (lan.host("a"), lan.host("b"));
    let more = |first: u8| [1, 2].map(|n| format!("addr add 10.9.0.{}/24 dev eth0", first + n));
    for (host, first) in [(a, 10), (b, 20)] {
        let lines = more(first);
        host.netns.ip(&[&lines[0], &lines[1]]);
    }
    let pair = |name: &str, source: &str, neighbor: &str, more: &str| {
        format!(
            "bfd_instance {name} {{ neighbor_ip {neighbor}
                source_ip {source}
                min_tx 50
                min_rx 50
                multiplier 3
                {more}
            }}\n"
        )
    };
    let here = pair("four", "10.9.0.1", "10.9.0.2", "")
        + &pair("six", "2001:db8::1", "2001:db8::2", "")
        + &pair("near", "10.9.0.11", "10.9.0.21", "")
        + &pair("far", "10.9.0.12", "10.9.0.22", "max_hops 1");
    // Packets that claim to have come a hop further.
    let there = pair("four", "10.9.0.2", "10.9.0.1", "")
        + &pair("six", "2001:db8::2", "2001:db8::1", "")
        + &pair("near", "10.9.0.21", "10.9.0.11", "ttl 254")
        + &pair("far", "10.9.0.22", "10.9.0.12", "ttl 254");
    let capture = Capture::start_matching(&lan, BFD);
    let daemon = start(kind, a, &here);
    let mut other = start(Kind::CKeepalived, b, &there);
    for name in ["four", "six", "far"] {
        daemon.wait_log(&format!("({name}) Entering Up state"), 1, PATIENCE);
        other.wait_log(&format!("({name}) Entering Up state"), 1, PATIENCE);
    }
    assert_eq!(daemon.logged("(near) Entering Up state"), 0);
    if kind == Kind::Ours {
        let near = session(&daemon, "near");
        assert!(near["rejected"]["ttl"].as_u64() > Some(0), "{near}");
        let four = wait_for("50 ms are agreed", PATIENCE, || {
            Some(session(&daemon, "four")).filter(|four| four["detection_time_seconds"] == 0.15)
        });
        assert_eq!(four["remote"]["state"], "up");
    }
    other.kill();
    for name in ["four", "six", "far"] {
        daemon.wait_log(&format!("({name}) Entering Down state"), 1, PATIENCE);
    }
    other.start_again(b);
    for name in ["four", "six", "far"] {
        daemon.wait_log(&format!("({name}) Entering Up state"), 2, PATIENCE);
    }
    drop(daemon);
    let packets = Packets::read(capture);
    assert!(packets.0.len() > 50);
}
