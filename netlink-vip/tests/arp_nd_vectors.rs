//! All vectors of `vectors/arp_nd.json`, both ways: frames that we send are built octet for octet,
//! frames that we receive are parsed to the same facts or refused for the right reason.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_vip::arp::{ArpFrame, Operation};
use netlink_vip::ndisc::{Kind, NdFrame, solicited_node};
use netlink_vip::{ArpError, ArpTarget, Ethernet, NdError, SendError, conflict};
use serde_json::Value;

fn vectors() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("vectors/arp_nd.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap().clone();
    assert_eq!(vectors.len(), 41);
    assert_eq!(file["count"], 41);
    vectors
}

fn vector(name: &str) -> Vec<u8> {
    let all = vectors();
    hex(all.iter().find(|v| v["name"] == name).unwrap()["hex"]
        .as_str()
        .unwrap())
}

fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap())
        .collect()
}

fn mac(value: &Value) -> [u8; 6] {
    let parts = value.as_str().unwrap().split(':');
    let octets: Vec<_> = parts.map(|p| u8::from_str_radix(p, 16).unwrap()).collect();
    octets.try_into().unwrap()
}

fn flag(value: &Value) -> bool {
    value.as_u64().unwrap() == 1
}

fn ip<T: std::str::FromStr<Err: std::fmt::Debug>>(value: &Value) -> T {
    value.as_str().unwrap().parse().unwrap()
}

fn ethernet(decoded: &Value) -> Ethernet {
    let mut header = Ethernet::new(mac(&decoded["eth_dst"]), mac(&decoded["eth_src"]));
    header.vlan = decoded["vlan"]
        .as_u64()
        .map(|vlan| u16::try_from(vlan).unwrap());
    header
}

fn arp_of(decoded: &Value) -> ArpFrame {
    let arp = &decoded["arp"];
    ArpFrame {
        ethernet: ethernet(decoded),
        operation: match arp["oper"].as_u64() {
            Some(1) => Operation::Request,
            Some(2) => Operation::Reply,
            other => panic!("{other:?}"),
        },
        sender_mac: mac(&arp["sha"]),
        sender: ip(&arp["spa"]),
        target_mac: mac(&arp["tha"]),
        target: ip(&arp["tpa"]),
    }
}

fn nd_of(decoded: &Value) -> NdFrame {
    let icmp = &decoded["icmp6"];
    NdFrame {
        ethernet: ethernet(decoded),
        source: ip(&decoded["ip6"]["src"]),
        destination: ip(&decoded["ip6"]["dst"]),
        kind: match icmp["type"].as_u64() {
            Some(135) => Kind::Solicitation,
            Some(136) => Kind::Advertisement {
                router: flag(&icmp["router"]),
                solicited: flag(&icmp["solicited"]),
                overrides: flag(&icmp["override"]),
            },
            other => panic!("{other:?}"),
        },
        target: ip(&icmp["target"]),
        link_layer: icmp.get("lladdr").map(mac),
    }
}

/// ARP-02, ARP-05, ARP-06, ARP-10, ND-02, ND-04, ND-05, ND-07, ND-08, ND-10, ND-11, ND-15: every vector, none
/// left out.
#[test]
fn every_vector_is_parsed_and_built_as_written() {
    let mut checked = 0;
    for v in vectors() {
        let name = v["name"].as_str().unwrap();
        let frame = hex(v["hex"].as_str().unwrap());
        let decoded = &v["decoded"];
        let usage = v["use"].as_str().unwrap();
        let is_arp = decoded["ethertype"] == "0x0806";
        let reason = v["reason"].as_str().unwrap();
        if usage == "rx" && v["valid"] == false {
            check_refused(name, &frame, is_arp, reason);
        } else {
            let mut out = [0; 128];
            let len = if is_arp {
                let parsed = ArpFrame::parse(&frame).unwrap();
                assert_eq!(parsed, arp_of(decoded), "{name}");
                arp_of(decoded).emit(&mut out).unwrap()
            } else {
                let parsed = NdFrame::parse(&frame).unwrap();
                assert_eq!(parsed, nd_of(decoded), "{name}");
                nd_of(decoded).emit(&mut out).unwrap()
            };
            // What was received may be padded.
            assert!(usage == "rx" || len == frame.len(), "{name}");
            assert_eq!(out[..len], frame[..len], "{name}");
        }
        if usage == "tx-forbidden" {
            check_forbidden(name, &frame, is_arp, reason);
        }
        checked += 1;
    }
    assert_eq!(checked, 41);
}

fn check_refused(name: &str, frame: &[u8], is_arp: bool, reason: &str) {
    if is_arp {
        let expected = match reason {
            "TRUNCATED" => ArpError::Truncated,
            "BAD_HTYPE" => ArpError::HardwareType(6),
            "BAD_PTYPE" => ArpError::ProtocolType(0x86dd),
            "BAD_HLEN" => ArpError::HardwareLength(8),
            "BAD_PLEN" => ArpError::ProtocolLength(16),
            "BAD_OPER" => ArpError::Operation(0),
            other => panic!("{other}"),
        };
        assert_eq!(ArpFrame::parse(frame), Err(expected), "{name}");
    } else {
        let expected = match reason {
            "TRUNCATED" => NdError::Truncated,
            "HOP_LIMIT" => NdError::HopLimit(254),
            "BAD_CHECKSUM" => NdError::Checksum,
            "BAD_CODE" => NdError::Code(1),
            "TARGET_MULTICAST" => NdError::TargetMulticast,
            "SOLICITED_MULTICAST" => NdError::SolicitedMulticast,
            "OPTION_LENGTH_ZERO" => NdError::OptionLengthZero,
            "OPTION_OVERRUN" => NdError::OptionOverrun,
            other => panic!("{other}"),
        };
        assert_eq!(NdFrame::parse(frame), Err(expected), "{name}");
    }
}

fn check_forbidden(name: &str, frame: &[u8], is_arp: bool, reason: &str) {
    let verdict = if is_arp {
        ArpFrame::parse(frame)
            .unwrap()
            .check_send([0, 0, 0x5e, 0, 1, 0x33])
    } else {
        NdFrame::parse(frame)
            .unwrap()
            .check_send([0, 0, 0x5e, 0, 2, 0x33])
    };
    let expected = match reason {
        "PHYSICAL_MAC_EXPOSED" => SendError::PhysicalMacExposed,
        "MISSING_TLLA" => SendError::MissingLinkLayerOption,
        other => panic!("{other}"),
    };
    assert_eq!(verdict, Err(expected), "{name}");
}

const VMAC4: [u8; 6] = [0, 0, 0x5e, 0, 1, 0x33];
const VMAC6: [u8; 6] = [0, 0, 0x5e, 0, 2, 0x33];

fn emitted_arp(frame: ArpFrame) -> Vec<u8> {
    let mut out = [0; 128];
    let len = frame.emit(&mut out).unwrap();
    out[..len].to_vec()
}

fn emitted_nd(frame: NdFrame) -> Vec<u8> {
    let mut out = [0; 128];
    let len = frame.emit(&mut out).unwrap();
    out[..len].to_vec()
}

/// ARP-02, ARP-05, RFC 9568 6.4.1.
#[test]
fn arp_announcements_have_each_of_their_forms() {
    let vip = Ipv4Addr::new(192, 0, 2, 100);
    let request = |target| emitted_arp(ArpFrame::announcement(VMAC4, vip, target));
    assert_eq!(
        request(ArpTarget::Broadcast),
        vector("garp-request-vmac-tha-broadcast")
    );
    assert_eq!(
        request(ArpTarget::Sender),
        vector("garp-request-vmac-tha-vmac")
    );
    assert_eq!(
        request(ArpTarget::Zero),
        vector("garp-request-vmac-tha-zero")
    );
    let reply = |target| emitted_arp(ArpFrame::announcement_reply(VMAC4, vip, target));
    assert_eq!(reply(ArpTarget::Broadcast), vector("garp-reply-vmac"));
    assert_eq!(reply(ArpTarget::Sender), vector("garp-reply-vmac-tha-vmac"));
}

/// ARP-06, RFC 9568 6.4.3, RFC 5227 2.4: requests and probes are answered, announcements of others
/// are not.
#[test]
fn arp_requests_for_the_address_are_answered() {
    let vip = Ipv4Addr::new(192, 0, 2, 100);
    let received = |name| ArpFrame::parse(&vector(name)).unwrap();
    let answer = received("arp-request-for-vip").answer(VMAC4, vip).unwrap();
    assert_eq!(emitted_arp(answer), vector("arp-reply-for-vip-vmac"));
    assert_eq!(answer.check_send(VMAC4), Ok(()));
    let defence = received("arp-probe-for-vip").answer(VMAC4, vip).unwrap();
    assert_eq!(
        (defence.sender, defence.target),
        (vip, Ipv4Addr::UNSPECIFIED)
    );
    assert_eq!(
        received("garp-for-vip-from-other-mac").answer(VMAC4, vip),
        None
    );
    assert_eq!(
        received("arp-request-for-vip").answer(VMAC4, Ipv4Addr::new(192, 0, 2, 99)),
        None
    );
}

/// ND-02, ND-04: flags R and O, never S, target link-layer option always.
#[test]
fn advertisements_are_built_as_rfc_9568_wants_them() {
    let vll: Ipv6Addr = "fe80::51".parse().unwrap();
    let global: Ipv6Addr = "2001:db8::100".parse().unwrap();
    let una = |address, source, router| {
        let frame = NdFrame::announcement(VMAC6, address, source, router);
        assert_eq!(frame.check_send(VMAC6), Ok(()));
        emitted_nd(frame)
    };
    assert_eq!(una(vll, vll, true), vector("una-vll"));
    assert_eq!(una(global, global, true), vector("una-global-vip"));
    assert_eq!(
        una(global, vll, true),
        vector("una-global-vip-source-virtual-link-local")
    );
    let host = NdFrame::parse(&vector("una-host-not-router")).unwrap();
    let mac = host.link_layer.unwrap();
    let ours = NdFrame::announcement(mac, host.target, host.source, false);
    assert_eq!(emitted_nd(ours), vector("una-host-not-router"));
}

/// ND-05, RFC 4861 7.2.4: S is set only towards a known asker.
#[test]
fn solicitations_for_the_address_are_answered() {
    let vip: Ipv6Addr = "2001:db8::100".parse().unwrap();
    let received = |name| NdFrame::parse(&vector(name)).unwrap();
    let answer = received("ns-for-vip").answer(VMAC6, vip, true).unwrap();
    assert_eq!(emitted_nd(answer), vector("na-solicited-reply"));
    let answer = received("ns-dad-for-vip").answer(VMAC6, vip, true).unwrap();
    assert_eq!(emitted_nd(answer), vector("na-answer-to-dad"));
    assert_eq!(
        received("ns-for-vip").answer(VMAC6, "2001:db8::101".parse().unwrap(), true),
        None
    );
}

/// ND-08, RFC 9568 8.2.2.
#[test]
fn solicitation_of_the_active_carries_the_virtual_mac() {
    let theirs = NdFrame::parse(&vector("ns-sent-by-active-for-host")).unwrap();
    let ours = NdFrame::solicitation(VMAC6, theirs.source, theirs.target);
    assert_eq!(emitted_nd(ours), vector("ns-sent-by-active-for-host"));
}

/// ND-01, RFC 4291 2.7.1.
#[test]
fn solicited_node_group_takes_the_last_three_octets() {
    let address: Ipv6Addr = "2001:db8::12:3456".parse().unwrap();
    assert_eq!(
        solicited_node(address),
        "ff02::1:ff12:3456".parse::<Ipv6Addr>().unwrap()
    );
}

/// RFC 4861 7.1.1: a solicitation from the unspecified address has no source option and goes to a
/// solicited-node group.
#[test]
fn anonymous_solicitations_follow_their_rules() {
    let good = NdFrame::parse(&vector("ns-dad-for-vip")).unwrap();
    let mut with_option = good;
    with_option.link_layer = Some(VMAC6);
    let mut elsewhere = good;
    elsewhere.destination = netlink_vip::ndisc::ALL_NODES;
    for bad in [with_option, elsewhere] {
        assert_eq!(
            NdFrame::parse(&emitted_nd(bad)),
            Err(NdError::UnspecifiedSource)
        );
    }
}

/// ND-10: an option walk sees all options, and a MAC behind others.
#[test]
fn options_before_the_wanted_one_are_stepped_over() {
    let plain = NdFrame::parse(&vector("una-vll")).unwrap();
    let bare = {
        let mut frame = plain;
        frame.link_layer = None;
        emitted_nd(frame)
    };
    // An unknown option of 16 octets, then the target link-layer option.
    let mut frame = bare;
    frame.extend([0xfe, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    frame.extend([2, 1, 0, 0, 0x5e, 0, 2, 0x33]);
    frame[19] = 24 + 16 + 8;
    fix_checksum(&mut frame);
    assert_eq!(NdFrame::parse(&frame), Ok(plain));
    // A zero length behind it voids the message all the same.
    frame.extend([0xfe, 0, 0, 0, 0, 0, 0, 0]);
    frame[19] = 24 + 16 + 8 + 8;
    fix_checksum(&mut frame);
    assert_eq!(NdFrame::parse(&frame), Err(NdError::OptionLengthZero));
}

/// RFC 1071 over the pseudo-header, written apart from the one under test.
fn fix_checksum(frame: &mut [u8]) {
    frame[56..58].fill(0);
    let mut sum: u64 = u64::from(58_u16) + (frame.len() as u64 - 54);
    for pair in frame[22..].chunks(2) {
        sum += u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0));
    }
    let folded = sum % 0xffff;
    let value = if folded == 0 { 0 } else { 0xffff - folded };
    frame[56..58].copy_from_slice(&(value as u16).to_be_bytes());
}

/// ARP-10, ND-10: no cut of any vector makes the parsers panic, and none that matters is accepted.
#[test]
fn truncated_frames_are_refused() {
    for v in vectors().iter().filter(|v| v["valid"] == true) {
        let frame = hex(v["hex"].as_str().unwrap());
        let is_arp = v["decoded"]["ethertype"] == "0x0806";
        let needed = if is_arp && v["decoded"]["vlan"].is_null() {
            42
        } else {
            frame.len()
        };
        for len in 0..needed {
            assert!(ArpFrame::parse(&frame[..len]).is_err());
            assert!(NdFrame::parse(&frame[..len]).is_err());
        }
    }
}

/// A buffer that is too short is refused, not written half.
#[test]
fn short_buffers_are_refused() {
    let frame = ArpFrame::announcement(VMAC4, Ipv4Addr::LOCALHOST, ArpTarget::Broadcast);
    assert_eq!(frame.emit(&mut [0; 41]), Err(SendError::BufferTooShort(42)));
    let frame = NdFrame::announcement(VMAC6, Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, true);
    assert_eq!(frame.emit(&mut [0; 85]), Err(SendError::BufferTooShort(86)));
}

/// ARP-11, RFC 5227 2.4, RFC 4861 7.2.5: claims of others are found, our own frames, probes and
/// solicitations are none.
#[test]
fn claims_of_others_are_detected() {
    let vip4: IpAddr = "192.0.2.100".parse().unwrap();
    let vip6: IpAddr = "2001:db8::100".parse().unwrap();
    let ours = |address| address == vip4 || address == vip6;
    let detect = |name: &str, mine: &[[u8; 6]]| {
        conflict::detect(&vector(name), ours, |mac| mine.contains(&mac))
    };
    let theirs = ArpFrame::parse(&vector("garp-for-vip-from-other-mac"))
        .unwrap()
        .sender_mac;
    let found = detect("garp-for-vip-from-other-mac", &[VMAC4]).unwrap();
    assert_eq!((found.address, found.claimed_by), (vip4, theirs));
    let found = detect("arp-reply-for-vip-vmac", &[]).unwrap();
    assert_eq!((found.address, found.claimed_by), (vip4, VMAC4));
    let found = detect("una-global-vip", &[]).unwrap();
    assert_eq!((found.address, found.claimed_by), (vip6, VMAC6));
    assert_eq!(detect("una-global-vip", &[VMAC6]), None);
    assert_eq!(detect("garp-request-vmac-tha-broadcast", &[VMAC4]), None);
    for silent in [
        "arp-probe-for-vip",
        "arp-request-for-vip",
        "ns-for-vip",
        "ns-dad-for-vip",
    ] {
        assert_eq!(detect(silent, &[]), None, "{silent}");
    }
    assert_eq!(detect("na-hop-limit-254", &[]), None);
}
