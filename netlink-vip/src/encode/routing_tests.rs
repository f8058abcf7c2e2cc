//! Golden bytes of routes and rules: requests beside those of `ip`, notifications of the kernel. The
//! files under `tests/vectors` say how they were captured.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::*;
use crate::route::{Encap, Hop, Metric, Placement, Prefix, Route, RouteKind};
use crate::rule::{Rule, RuleAction};

fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap())
        .collect()
}

/// The bytes behind each command of a file.
fn vectors(file: &str) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut lines = file.lines();
    while let Some(line) = lines.next() {
        if let Some(command) = line.strip_prefix("# ip ") {
            all.insert(command.to_owned(), hex(lines.next().unwrap()));
        }
    }
    all
}

fn net(text: &str) -> Prefix {
    let (address, length) = text.split_once('/').unwrap();
    Prefix::new(address.parse().unwrap(), length.parse().unwrap())
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn device(text: &str) -> InterfaceName {
    InterfaceName::new(text).unwrap()
}

fn via(text: &str) -> Hop {
    Hop::new(Some(ip(text)), Some(device("v0")))
}

fn index(name: InterfaceName) -> Option<u32> {
    (name.as_str() == "v0").then_some(3)
}

/// The commands of the files, as routes.
fn routes() -> Vec<(&'static str, Route)> {
    let four = |net_: &str| Route::new(net(net_), vec![via("192.0.2.9")]);
    let six = |net_: &str| Route::new(net(net_), vec![via("2001:db8::9")]);
    let with = |mut route: Route, change: &dyn Fn(&mut Route)| {
        change(&mut route);
        route
    };
    vec![
        (
            "route prepend 10.1.0.0/16 via 192.0.2.9 dev v0 proto 18",
            four("10.1.0.0/16"),
        ),
        (
            "route prepend default via 192.0.2.9 dev v0 proto 18 metric 5 table 5000",
            with(four("0.0.0.0/0"), &|r| {
                r.metric = Some(5);
                r.table = 5000;
            }),
        ),
        (
            "route append 10.2.0.0/16 dev v0 proto 18 scope link src 192.0.2.1 tos 8",
            with(four("10.2.0.0/16"), &|r| {
                r.hops = vec![Hop::new(None, Some(device("v0")))];
                r.preferred_source = Some(ip("192.0.2.1"));
                r.tos = 8;
                r.placement = Placement::Append;
            }),
        ),
        (
            "route add blackhole 10.3.0.0/16 proto 18",
            with(four("10.3.0.0/16"), &|r| {
                r.hops.clear();
                r.kind = RouteKind::BLACKHOLE;
                r.placement = Placement::Alone;
            }),
        ),
        (
            "route prepend 10.4.0.0/16 via 192.0.2.9 dev v0 onlink proto 18 mtu lock 1400 hoplimit 5 congctl cubic",
            with(four("10.4.0.0/16"), &|r| {
                r.hops[0].onlink = true;
                r.metrics.set(Metric::Mtu, 1400, true);
                r.metrics.set(Metric::HopLimit, 5, false);
                r.metrics.set_congestion_control("cubic", false);
            }),
        ),
        (
            "route prepend 10.5.0.0/16 proto 18 nexthop via 192.0.2.9 dev v0 weight 2 nexthop via 192.0.2.10 dev v0 weight 1",
            with(four("10.5.0.0/16"), &|r| {
                r.hops[0].weight = 1;
                r.hops.push(via("192.0.2.10"));
            }),
        ),
        (
            "route prepend 10.6.0.0/16 via inet6 fe80::9 dev v0 proto 18 realms 5/6",
            with(four("10.6.0.0/16"), &|r| {
                r.hops = vec![via("fe80::9")];
                r.hops[0].realms = Some(5 << 16 | 6);
            }),
        ),
        (
            "route prepend 10.7.0.0/16 encap ip id 5 dst 192.0.2.7 ttl 4 tos 3 dev v0 proto 18",
            with(four("10.7.0.0/16"), &|r| {
                r.hops = vec![Hop::new(None, Some(device("v0")))];
                r.hops[0].encap = Some(Encap::Ip {
                    id: 5,
                    destination: "192.0.2.7".parse().unwrap(),
                    source: "0.0.0.0".parse().unwrap(),
                    tos: 3,
                    ttl: 4,
                    flags: 0,
                });
            }),
        ),
        (
            "-6 route prepend 2001:db8:1::/48 via 2001:db8::9 dev v0 proto 18 pref high expires 100",
            with(six("2001:db8:1::/48"), &|r| {
                r.preference = Some(1);
                r.expires = Some(100);
            }),
        ),
        (
            "-6 route prepend 2001:db8:2::/48 from 2001:db8:9::/48 via 2001:db8::9 dev v0 proto 18",
            with(six("2001:db8:2::/48"), &|r| {
                r.source = Some(net("2001:db8:9::/48"));
            }),
        ),
    ]
}

/// The commands of the files, as rules.
fn rules() -> Vec<(&'static str, Rule)> {
    let with = |ipv6, preference, action, change: &dyn Fn(&mut Rule)| {
        let mut rule = Rule::new(ipv6, preference, action);
        change(&mut rule);
        rule
    };
    let ten = || Some(net("10.0.0.0/8"));
    vec![
        (
            "rule add from 10.0.0.0/8 to 10.1.0.0/16 iif v0 oif v1 fwmark 5/255 tos 8 table 7 pref 100 protocol 18",
            with(false, 100, RuleAction::Lookup(7), &|r| {
                r.from = ten();
                r.to = Some(net("10.1.0.0/16"));
                r.iif = Some(device("v0"));
                r.oif = Some(device("v1"));
                r.mark = Some((5, 255));
                r.tos = 8;
            }),
        ),
        (
            "rule add not from 10.0.0.0/8 table 70000 pref 101 protocol 18 suppress_prefixlength 0 suppress_ifgroup 3",
            with(false, 101, RuleAction::Lookup(70_000), &|r| {
                r.from = ten();
                r.invert = true;
                r.suppress_prefix_length = Some(0);
                r.suppress_group = Some(3);
            }),
        ),
        (
            "rule add uidrange 5-9 ipproto tcp sport 5-9 dport 80 table 7 pref 102 protocol 18",
            with(false, 102, RuleAction::Lookup(7), &|r| {
                r.users = Some((5, 9));
                r.ip_protocol = Some(6);
                r.source_ports = Some((5, 9));
                r.destination_ports = Some((80, 80));
            }),
        ),
        (
            "rule add from 10.0.0.0/8 goto 200 pref 103 protocol 18",
            with(false, 103, RuleAction::Goto(200), &|r| r.from = ten()),
        ),
        (
            "-6 rule add from 2001:db8::/32 blackhole pref 104 protocol 18",
            with(true, 104, RuleAction::Blackhole, &|r| {
                r.from = Some(net("2001:db8::/32"));
            }),
        ),
        (
            "rule add from 10.0.0.0/8 l3mdev pref 105 protocol 18",
            with(false, 105, RuleAction::Lookup(0), &|r| {
                r.from = ten();
                r.l3mdev = true;
            }),
        ),
        (
            "rule add from 10.0.0.0/8 tun_id 9 realms 3/4 table 7 pref 106 protocol 18",
            with(false, 106, RuleAction::Lookup(7), &|r| {
                r.from = ten();
                r.tunnel_id = Some(9);
                r.realms = Some(3 << 16 | 4);
            }),
        ),
    ]
}

/// Flags of the message without those that ask for answers, the header, and the attributes: in which
/// order they come and whether a nest is marked as one means nothing to the kernel.
fn meaning(message: &[u8]) -> (u16, Vec<u8>, BTreeMap<u16, Vec<u8>>) {
    let flags = u16_at(message, 6).unwrap() & !(NLM_F_ACK | netlink_packet_core::NLM_F_ECHO);
    let mut all = BTreeMap::new();
    let mut rest = &message[28..];
    while rest.len() >= 4 {
        let length = usize::from(u16_at(rest, 0).unwrap());
        let kind = u16_at(rest, 2).unwrap() & 0x3fff;
        let mut value = rest[4..length].to_vec();
        if kind == 8 || kind == 22 {
            // The attributes of a nest, in any order; a name (16) with or without its end.
            let part = |a: netlink_packet_core::NlaBuffer<&[u8]>| {
                let mut value = a.value().to_vec();
                if kind == 8 && a.kind() == 16 {
                    value.retain(|byte| *byte != 0);
                }
                [&a.kind().to_ne_bytes()[..], &value].concat()
            };
            let mut parts: Vec<Vec<u8>> = attributes_of(&value).map(part).collect();
            parts.sort();
            value = parts.concat();
        }
        all.insert(kind, value);
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    (flags, message[16..28].to_vec(), all)
}

/// STAT-07, STAT-09.
#[test]
fn requests_mean_what_those_of_ip_mean() {
    let file = vectors(include_str!("../../tests/vectors/route_requests.txt"));
    let mut seen = 0;
    for (command, route) in routes() {
        let mut out = Vec::new();
        add_route(&route, 18, index, 0, &mut out);
        let (ours, theirs) = (meaning(&out), meaning(&file[command]));
        assert_eq!(ours.2, theirs.2, "{command}");
        assert_eq!((ours.0, &ours.1), (theirs.0, &theirs.1), "{command}");
        seen += 1;
    }
    for (command, rule) in rules() {
        let mut out = Vec::new();
        add_rule(&rule, 18, 0, &mut out);
        assert_eq!(meaning(&out), meaning(&file[command]), "{command}");
        seen += 1;
    }
    assert_eq!(seen, file.len());
}

/// STAT-07, STAT-09: what the kernel says is what was wanted, so that nothing is asked for again.
#[test]
fn notifications_fit_what_was_asked_for() {
    let file = vectors(include_str!("../../tests/vectors/route_notifications.txt"));
    let facts = |command: &str| -> Vec<Fact> {
        messages(&file[command]).map(|m| m.unwrap().fact).collect()
    };
    for (command, route) in routes() {
        let [
            Fact::NewRoutes {
                routes,
                replaced: false,
            },
        ] = &facts(command)[..]
        else {
            panic!("{command}: {:?}", facts(command));
        };
        let [seen] = &routes[..] else {
            panic!("{command}: {routes:?}");
        };
        let mut seen = seen.clone();
        assert_eq!(seen.protocol, 18, "{command}");
        seen.ours = true;
        assert!(seen.fits(&route, index), "{command}: {seen:?} {route:?}");
        // And it tells others apart.
        for (other, another) in routes_but(command) {
            assert!(!seen.fits(&another, index), "{command} is not {other}");
        }
    }
    for (command, rule) in rules() {
        let [Fact::NewRule(seen)] = &facts(command)[..] else {
            panic!("{command}: {:?}", facts(command));
        };
        let mut seen = seen.clone();
        assert_eq!(seen.protocol, 18, "{command}");
        seen.ours = true;
        assert!(seen.fits(&rule), "{command}: {seen:?}");
    }
}

fn routes_but(command: &str) -> Vec<(&'static str, Route)> {
    let mut all = routes();
    all.retain(|(other, _)| *other != command);
    all
}

/// What the kernel could never say is refused or misread, but does no harm.
#[test]
fn cut_notifications_do_no_harm() {
    let file = vectors(include_str!("../../tests/vectors/route_notifications.txt"));
    for bytes in file.values() {
        for end in 16..bytes.len() {
            let mut cut = bytes[..end].to_vec();
            let length = u32::try_from(end).unwrap();
            cut[..4].copy_from_slice(&length.to_ne_bytes());
            let _ = messages(&cut).count();
        }
        for at in 16..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut odd = bytes.clone();
                odd[at] = value;
                let _ = messages(&odd).count();
            }
        }
    }
}
