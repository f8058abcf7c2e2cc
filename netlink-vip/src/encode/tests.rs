//! Golden bytes. Notifications come from `tests/vectors/notifications.txt`, which says how they
//! were captured.

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap())
        .collect()
}

/// What the kernel said after the command (a line of the file that starts like this).
fn notified(command: &str) -> Vec<Fact> {
    let file = include_str!("../../tests/vectors/notifications.txt");
    let mut lines = file
        .lines()
        .skip_while(|l| !l.starts_with(&format!("# {command}")));
    assert!(lines.next().is_some(), "{command}");
    let datagrams = lines.take_while(|l| !l.starts_with('#'));
    datagrams.flat_map(|l| facts(&hex(l))).collect()
}

fn facts(datagram: &[u8]) -> Vec<Fact> {
    messages(datagram).map(|m| m.unwrap().fact).collect()
}

fn name(text: &str) -> InterfaceName {
    InterfaceName::new(text).unwrap()
}

fn seen(address: &str, prefix_len: u8, flags: u32) -> ObservedAddress {
    ObservedAddress {
        index: 3,
        address: address.parse().unwrap(),
        prefix_len,
        peer: None,
        scope: 0,
        broadcast: None,
        label: None,
        preferred: FOREVER,
        valid: FOREVER,
        flags: AddressFlags(flags),
        protocol: 0,
        ours: false,
        tag_lost: false,
    }
}

/// STAT-05: label and broadcast.
#[test]
fn ipv4_notification_is_decoded() {
    let mut wanted = seen("192.0.2.77", 24, 0x80);
    wanted.broadcast = Some([192, 0, 2, 255].into());
    wanted.label = Some("v0:77".into());
    assert_eq!(
        notified("ip addr add 192.0.2.77/24"),
        [Fact::NewAddress(wanted)]
    );
}

/// STAT-05: the local address is the address and the other one the peer, in both families.
#[test]
fn peers_are_told_from_addresses() {
    let mut wanted = seen("10.9.0.1", 32, 0x80);
    wanted.peer = Some("10.9.0.2".parse().unwrap());
    wanted.label = Some("v0".into());
    assert_eq!(
        notified("ip addr add 10.9.0.1 peer"),
        [Fact::NewAddress(wanted)]
    );
    let mut wanted = seen("2001:db8::7a", 128, 0x82);
    wanted.peer = Some("2001:db8::7b".parse().unwrap());
    assert_eq!(
        notified("ip addr add 2001:db8::7a/128 peer"),
        [Fact::NewAddress(wanted)]
    );
}

/// STAT-06, ND-13: lifetimes and flags.
#[test]
fn ipv6_notifications_are_decoded() {
    let plain = seen("2001:db8::77", 64, 0x82);
    assert_eq!(
        notified("ip addr add 2001:db8::77/64 dev v0 nodad"),
        [Fact::NewAddress(plain)]
    );
    let mut deprecated = seen("2001:db8::78", 128, 0xa2);
    deprecated.preferred = 0;
    let added = notified("ip addr add 2001:db8::78/128");
    assert_eq!(added, [Fact::NewAddress(deprecated.clone())]);
    let removed = notified("ip addr del 2001:db8::78/128");
    assert_eq!(removed, [Fact::DelAddress(deprecated)]);
    let tentative = notified("ip addr add 2001:db8::79/64");
    assert!(matches!(&tentative[..], [Fact::NewAddress(seen)] if !seen.is_usable()));
}

/// LESSONS A9: the order in which the kernel takes IPv6 addresses away from a link that goes down.
#[test]
fn link_down_is_told_before_its_addresses_go() {
    let facts = notified("ip link set v0 down");
    let Some(Fact::NewLink(link)) = facts.first() else {
        panic!("{facts:?}");
    };
    assert_eq!((link.index, link.name), (3, name("v0")));
    assert!(!link.flags.admin_up && !link.up());
    assert_eq!(link.kind.as_deref(), Some("veth"));
    assert_eq!(link.parent, Some(2), "a veth names its peer");
    assert_eq!(link.mtu, 1500);
    assert!(link.mac.is_some());
    let gone = facts
        .iter()
        .filter(|fact| matches!(fact, Fact::DelAddress(_)));
    assert_eq!(gone.count(), 4);
}

/// The bridge speaks about its ports with the numbers of links; that a port left the bridge does
/// not mean that the link is gone.
#[test]
fn bridge_port_that_leaves_is_not_a_deleted_link() {
    let facts = notified("ip link set v2 nomaster");
    assert!(
        !facts
            .iter()
            .any(|fact| matches!(fact, Fact::DelLink { .. })),
        "{facts:?}"
    );
    assert!(facts.contains(&Fact::Other));
    let controllers: Vec<_> = notified("ip link add br0 type bridge")
        .into_iter()
        .filter_map(|fact| {
            if let Fact::NewLink(link) = fact {
                link.controller
            } else {
                None
            }
        })
        .collect();
    assert_eq!(controllers, [4, 4]);
}

/// The life of a macvlan: kind and parent, new name, end.
#[test]
fn macvlan_is_followed() {
    let facts = notified("ip link add link v0 name m0 type macvlan");
    let Some(Fact::NewLink(link)) = facts.last() else {
        panic!("{facts:?}");
    };
    assert_eq!(
        (link.name, link.kind.as_deref()),
        (name("m0"), Some("macvlan"))
    );
    assert_eq!(link.parent, Some(3));
    assert_eq!(link.macvlan_mode, Some(1), "private");
    let facts = notified("ip link set m0 name m1");
    assert!(matches!(&facts[..], [Fact::NewLink(link)] if link.name == name("m1")));
    assert_eq!(
        notified("ip link del m1").last(),
        Some(&Fact::DelLink { index: 7 })
    );
}

/// Requests, octet for octet. The kernel took these very messages in `tests/live.rs`.
#[test]
fn requests_are_built_as_written() {
    let mut out = Vec::new();
    dump_links(1, &mut out);
    let wanted = concat!(
        "28000000120001030100000000000000",
        "00000000000000000000000000000000",
        "08001d0008000000"
    );
    assert_eq!(
        out,
        hex(wanted),
        "RTM_GETLINK, dump, IFLA_EXT_MASK skip-stats"
    );
    out.clear();
    dump_addresses(2, &mut out);
    assert_eq!(out, hex("180000001600010302000000000000000000000000000000"));
    out.clear();
    let vip = Vip::new([192, 0, 2, 77].into(), 24, name("v0"))
        .with_label(Some("v0:77".into()))
        .with_broadcast(Some([192, 0, 2, 255].into()));
    put_address(Verb::Add, 3, &vip, Tag(18), 3, &mut out);
    let wanted = concat!(
        "4c0000001400010603000000000000000218000003000000",
        "08000200c000024d08000100c000024d08000400c00002ff0a00030076303a3737000000",
        "080008000000000005000b0012000000"
    );
    assert_eq!(
        out,
        hex(wanted),
        "create, exclusive; local, address, broadcast, label, flags, tag"
    );
    let second = out.len();
    let vip =
        Vip::new("2001:db8::78".parse().unwrap(), 128, name("v0")).with_preferred_lifetime(Some(0));
    put_address(Verb::Replace, 3, &vip, Tag(18), 4, &mut out);
    ask_for_ack(&mut out, second);
    let wanted = concat!(
        "640000001400050104000000000000000a80020003000000",
        "1400020020010db8000000000000000000000078",
        "1400010020010db8000000000000000000000078",
        "1400060000000000ffffffff0000000000000000",
        "080008000200000005000b0012000000"
    );
    assert_eq!(out[second..], hex(wanted), "replace, acknowledged; NODAD");
    out.clear();
    remove_address(&seen("192.0.2.77", 24, 0), 5, &mut out);
    let wanted = "280000001500010005000000000000000218000003000000\
                  08000200c000024d08000100c000024d";
    assert_eq!(out, hex(wanted));
}

/// IPv6 knows no label, broadcast and scope; IPv4 no NODAD.
#[test]
fn attributes_of_the_other_family_are_left_out() {
    let mut vip = Vip::new("2001:db8::1".parse().unwrap(), 64, name("v0")).with_scope(253);
    vip.label = Some("x".into());
    vip.broadcast = Some([1, 2, 3, 4].into());
    let mut out = Vec::new();
    put_address(Verb::Add, 3, &vip, Tag(0), 1, &mut out);
    let Fact::NewAddress(back) = facts(&out).remove(0) else {
        panic!();
    };
    assert_eq!(
        (back.scope, back.label, back.broadcast, back.protocol),
        (0, None, None, 0)
    );
    assert!(back.flags.contains(AddressFlags::NODAD));
    assert_eq!(
        flags_of(&Vip::new([1, 2, 3, 4].into(), 32, name("v0"))),
        AddressFlags(0)
    );
}

/// A refusal with the kernel's words, put together by hand with `NETLINK_CAP_ACK` and without;
/// `tests/live.rs` reads the real thing.
#[test]
fn extended_acknowledgement_is_read() {
    let text = b"ipv4: Address already assigned\0";
    let mut ack = Vec::new();
    ack.extend(((16 + 4 + 16 + 4 + text.len()) as u32).to_ne_bytes());
    ack.extend(2_u16.to_ne_bytes());
    ack.extend((0x100_u16 | 0x200).to_ne_bytes());
    ack.extend([7, 0, 0, 0, 9, 0, 0, 0]);
    ack.extend((-17_i32).to_ne_bytes());
    ack.extend([0; 16]);
    ack.extend(((4 + text.len()) as u16).to_ne_bytes());
    ack.extend(1_u16.to_ne_bytes());
    ack.extend(text);
    let wanted = Message {
        seq: 7,
        port: 9,
        of_dump: false,
        interrupted: false,
        fact: Fact::Answer {
            errno: 17,
            message: Some("ipv4: Address already assigned".into()),
        },
    };
    assert_eq!(messages(&ack).collect::<Vec<_>>(), [Ok(wanted.clone())]);
    // Without NETLINK_CAP_ACK the whole request stands before the text.
    let mut long = ack[..36].to_vec();
    long[6..8].copy_from_slice(&0x200_u16.to_ne_bytes());
    long[20..24].copy_from_slice(&24_u32.to_ne_bytes());
    long.extend([0xee; 8]);
    long.extend(&ack[36..]);
    let length = long.len() as u32;
    long[..4].copy_from_slice(&length.to_ne_bytes());
    assert_eq!(messages(&long).collect::<Vec<_>>(), [Ok(wanted)]);
}

/// One bad message does not hide the next; a length that cannot be ends the datagram.
#[test]
fn undecodable_messages_are_skipped() {
    let good = {
        let mut out = Vec::new();
        remove_address(&seen("192.0.2.1", 32, 0), 1, &mut out);
        out
    };
    let mut bad = good.clone();
    bad[4..6].copy_from_slice(&NEWADDR.to_ne_bytes());
    bad[17] = 99;
    let datagram = [bad.clone(), good.clone()].concat();
    let all: Vec<_> = messages(&datagram).collect();
    assert_eq!(all[0], Err(Undecodable::Body));
    assert!(matches!(&all[1], Ok(message) if matches!(message.fact, Fact::DelAddress(_))));
    for length in [0_u32, 15, 1000] {
        bad[..4].copy_from_slice(&length.to_ne_bytes());
        let datagram = [bad.clone(), good.clone()].concat();
        assert_eq!(
            messages(&datagram).collect::<Vec<_>>(),
            [Err(Undecodable::Header)]
        );
    }
}

/// LESSONS E9: no mangled datagram makes the decoder panic.
#[test]
fn mangled_datagrams_do_no_harm() {
    let file = include_str!("../../tests/vectors/notifications.txt");
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize
    };
    for line in file.lines().filter(|l| !l.starts_with('#')) {
        let whole = hex(line);
        for _ in 0..2000 {
            let mut bytes = whole.clone();
            for _ in 0..=random() % 4 {
                let at = random() % bytes.len();
                bytes[at] = random() as u8;
            }
            bytes.truncate(random() % (bytes.len() + 1));
            messages(&bytes).for_each(drop);
        }
    }
}
