//! The tables that mark packets, as `nft` reads them.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use ipvs::{AddressRange, Marks, Protocol, ServiceKey};
use proptest::prelude::*;

fn key(protocol: Protocol, address: &str) -> ServiceKey {
    ServiceKey::address(protocol, address.parse::<SocketAddr>().unwrap())
}

fn tcp(address: &str) -> ServiceKey {
    key(Protocol::TCP, address)
}

fn marks(all: &[(&[ServiceKey], u32)]) -> Marks {
    let mut marks = Marks::new("t");
    for (keys, mark) in all {
        let mark = NonZeroU32::new(*mark).unwrap();
        let ranges = AddressRange::of(keys.iter().copied());
        marks
            .ranges
            .extend(ranges.into_iter().map(|range| (range, mark)));
    }
    marks
}

/// IPVS-OPS-09. The whole of it, in the form that C Keepalived gives it, but for the owner and what is marked
/// on all ports.
#[test]
fn packets_to_addresses_of_a_group_get_its_mark() {
    let mut marks = marks(&[
        (
            &[
                tcp("192.0.2.1:80"),
                tcp("192.0.2.2:80"),
                tcp("192.0.2.4:80"),
            ],
            1000,
        ),
        (
            &[tcp("192.0.2.9:0"), key(Protocol::UDP, "[2001:db8::1]:53")],
            1001,
        ),
    ]);
    marks.spared.insert(tcp("192.0.2.9:22"));
    marks.priority = -5;
    let expected = "\
add table ip t
delete table ip t
add table ip6 t
delete table ip6 t
table ip t {
set tcp_spared {
type ipv4_addr . inet_service;
elements = { 192.0.2.9 . 22 };
}
map tcp_map {
type ipv4_addr . inet_service : mark;
flags interval;
elements = { 192.0.2.1-192.0.2.2 . 80 : 1000, 192.0.2.4 . 80 : 1000 };
}
map tcp_all {
type ipv4_addr : mark;
flags interval;
elements = { 192.0.2.9 : 1001 };
}
chain keepalived_rs {
}
chain in {
type filter hook input priority -5; policy accept;
ip daddr . tcp dport @tcp_spared return
meta mark set ip daddr . tcp dport map @tcp_map return
meta l4proto tcp meta mark set ip daddr map @tcp_all return
}
}
table ip6 t {
map udp_map {
type ipv6_addr . inet_service : mark;
flags interval;
elements = { 2001:db8::1 . 53 : 1001 };
}
chain keepalived_rs {
}
chain in {
type filter hook input priority -5; policy accept;
meta mark set ip6 daddr . udp dport map @udp_map return
}
}
";
    assert_eq!(marks.transaction(), expected);
    assert!(!expected.contains("counter"));
    marks.counters = true;
    assert_eq!(marks.transaction().matches("counter return").count(), 3);
}

/// IPVS-OPS-09: what a reload leaves as it is stays, with what was counted.
#[test]
fn members_come_and_go_as_elements() {
    let before = marks(&[(&[tcp("192.0.2.1:80"), tcp("192.0.2.3:80")], 1000)]);
    let after = marks(&[(&[tcp("192.0.2.1:80"), tcp("192.0.2.5:80")], 1000)]);
    assert_eq!(
        after.change(&before),
        "delete element ip t tcp_map { 192.0.2.3 . 80 : 1000 }\n\
         add element ip t tcp_map { 192.0.2.5 . 80 : 1000 }\n"
    );
    assert_eq!(after.change(&after), "");
    // A map more is another form of the table: the family is written anew, and the other one left.
    let wider = marks(&[(
        &[
            tcp("192.0.2.1:80"),
            tcp("192.0.2.5:80"),
            key(Protocol::UDP, "[2001:db8::1]:53"),
        ],
        1000,
    )]);
    let change = wider.change(&after);
    assert!(change.starts_with("add table ip6 t\ndelete table ip6 t\ntable ip6 t {"));
    assert!(!change.contains("table ip t"), "{change}");
    // Under another name the old one goes in the same transaction.
    let mut renamed = after.clone();
    renamed.table = "u".to_owned();
    let change = renamed.change(&after);
    assert!(change.starts_with("add table ip t\ndelete table ip t\n"));
    assert!(change.ends_with(&renamed.transaction()));
    renamed.table = "t".to_owned();
    renamed.priority = 7;
    assert_eq!(renamed.change(&after), renamed.transaction());
}

proptest! {
    /// Ranges have the addresses of the keys and no others, and are as few as there can be.
    #[test]
    fn ranges_have_what_the_keys_have(
        octets in prop::collection::btree_set(0_u8..40, 0..20),
        port in 0_u16..2,
    ) {
        let at = |octet: u8| ServiceKey::address(Protocol::TCP, SocketAddr::new([192, 0, 2, octet].into(), port));
        let ranges = AddressRange::of(octets.iter().map(|octet| at(*octet)));
        for octet in 0..=40 {
            let of = ranges.iter().filter(|range| range.contains(&at(octet))).count();
            prop_assert_eq!(of, usize::from(octets.contains(&octet)));
        }
        let starts = octets.iter().filter(|octet| octet.checked_sub(1).is_none_or(|before| !octets.contains(&before)));
        prop_assert_eq!(ranges.len(), starts.count());
    }
}
