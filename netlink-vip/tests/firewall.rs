//! Rules as text for `nft`, and the settings beside them.

use netlink_vip::nftables::Family;
use netlink_vip::{
    Firewall, FirewallVmac, InterfaceName, Refused, Setting, SettingPlace, WantedLink, virtual_mac,
};

fn name(text: &str) -> InterfaceName {
    InterfaceName::new(text).unwrap()
}

fn refused(address: &str) -> Refused {
    Refused {
        address: address.parse().unwrap(),
        device: name("eth0"),
        index: Some(2),
    }
}

/// FW-01, VMAC-08.
#[test]
fn reports_of_a_virtual_mac_go_out_below_it() {
    let mut firewall = Firewall::new("keepalived");
    let vmac = FirewallVmac {
        index: 3,
        parent: 2,
        ipv4: true,
        ipv6: false,
    };
    firewall.vmacs.push(vmac);
    let text = firewall.transaction();
    assert!(
        text.contains("ip protocol igmp meta oifkind \"macvlan\""),
        "{text}"
    );
    assert!(text.contains("elements = { 3 : 2 }"), "{text}");
    assert!(!text.contains("table ip6 keepalived {"), "{text}");
    assert!(!text.contains("hook input"), "{text}");
}

/// FW-01: neighbour discovery for a refused address works on.
#[test]
fn a_refused_address_is_dropped_both_ways_but_can_be_found() {
    let mut firewall = Firewall::new("t");
    firewall.refused = vec![
        refused("192.0.2.9"),
        refused("fe80::9"),
        refused("2001:db8::9"),
    ];
    let text = firewall.transaction();
    for line in [
        "ip daddr @vips drop",
        "ip saddr @vips drop",
        "ip6 daddr . iifname @vips_link_local drop",
        "ip6 daddr @vips drop",
        "fe80::9 . \"eth0\"",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let accept = text.find("nd-neighbor-solicit").unwrap();
    assert!(accept < text.find("ip6 daddr @vips drop").unwrap());
    firewall.by_index = true;
    assert!(firewall.transaction().contains("fe80::9 . 2"));
}

/// FW-01: a table that a killed run left is replaced in the same transaction.
#[test]
fn a_transaction_first_removes_what_was_there() {
    let mut firewall = Firewall::new("t");
    assert_eq!(firewall.transaction(), "");
    firewall.refused = vec![refused("192.0.2.9"), refused("2001:db8::9")];
    let removed =
        "add table ip t\ndelete table ip t\nadd table ip6 t\ndelete table ip6 t\ntable ip t {";
    assert!(firewall.transaction().starts_with(removed));
}

/// FW-02: under our name there may be a table of somebody else, in the family that we have nothing for.
#[test]
fn a_family_without_rules_is_not_touched() {
    let mut firewall = Firewall::new("t");
    firewall.refused = vec![refused("2001:db8::9")];
    assert_eq!(firewall.families(), [Family::Ip6]);
    assert!(!firewall.transaction().contains("table ip t"));
    // Of an interface that is not there nothing can be written by its index.
    let mut later = Firewall::new("t");
    later.by_index = true;
    later.refused = vec![refused("fe80::9")];
    assert_eq!(later.families(), [Family::Ip6]);
    later.refused[0].index = None;
    assert_eq!((later.families().len(), &*later.transaction()), (0, ""));
    let mut both = firewall.clone();
    both.refused.push(refused("192.0.2.9"));
    assert_eq!(both.families(), Family::ALL);
    // From one to the other what is ours goes.
    let change = firewall.change(&both);
    assert!(
        change.starts_with("add table ip t\ndelete table ip t\nadd table ip6 t\n"),
        "{change}"
    );
    assert!(!change.contains("\ntable ip t {"), "{change}");
    let mut renamed = firewall.clone();
    renamed.table = "u".to_owned();
    let change = renamed.change(&firewall);
    assert!(
        !change.contains("ip t") && !change.contains("ip u"),
        "{change}"
    );
    assert!(change.contains("delete table ip6 t\n"), "{change}");
}

/// FW-01: what is ours is known by its mark.
#[test]
fn each_table_has_our_mark() {
    let mut firewall = Firewall::new("t");
    firewall.refused = vec![refused("192.0.2.9"), refused("2001:db8::9")];
    let text = firewall.transaction();
    assert_eq!(text.matches("chain keepalived_rs {").count(), 2, "{text}");
}

/// VMAC-07.
#[test]
fn the_strictest_reverse_path_filter_moves_from_all_to_the_interfaces() {
    let moved = Setting::move_rp_filter(1, 0, [(name("a"), 0), (name("b"), 2)]);
    let places: Vec<_> = moved.iter().map(|s| (s.place, s.value)).collect();
    assert_eq!(
        places,
        [
            (SettingPlace::Default, 1),
            (SettingPlace::Interface(name("a")), 1),
            (SettingPlace::All, 0)
        ]
    );
    assert_eq!(Setting::move_rp_filter(0, 0, [(name("a"), 0)]), []);
}

/// VMAC-07.
#[test]
fn a_device_for_ipv4_has_no_ipv6() {
    let link = WantedLink::macvlan(name("vrrp.51"), name("eth0"), virtual_mac(51, false));
    let settings = Setting::of_device(&link, true, false);
    let path = |key| {
        settings
            .iter()
            .find(|s| s.key == key)
            .map(|s| (s.path(), s.value))
    };
    assert_eq!(
        path("disable_ipv6"),
        Some(("ipv6/conf/vrrp.51/disable_ipv6".to_owned(), 1))
    );
    assert_eq!(path("rp_filter").unwrap().1, 0);
    assert_eq!(path("accept_ra"), None);
}
