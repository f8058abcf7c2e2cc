//! What the members of one virtual router have to have in common.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use vrrp_proto::{Family, Priority, Version};

use super::pairing::{Router, share_addresses};
use super::{Findings, Member, Node, secrets};
use crate::diagnostic::Severity::{Error, Warning};
use crate::model::VrrpInstance;

/// Whether the members are one virtual router on the wire at all.
pub(super) fn same_router(router: &Router<'_>, findings: &mut Findings<'_>) {
    let members = &router.members;
    let Some((first, others)) = members.split_first() else {
        return;
    };
    let name = &first.instance.name.value;
    if members.len() < router.nodes {
        let has: Vec<String> = members
            .iter()
            .map(|member| findings.node(member).to_owned())
            .collect();
        findings.add(
            Warning,
            "no-partner",
            members,
            [
                format!("`{name}` is only on {}", has.join(", ")),
                "a node without it can never take its addresses over".to_owned(),
                "add the instance to the other nodes, or remove it if it is left over".to_owned(),
            ],
        );
    }
    for other in others {
        let pair = [*first, *other];
        let (a, b) = (first.instance, other.instance);
        if a.family != b.family {
            findings.add(
                Error,
                "family-differs",
                &pair,
                [
                    format!(
                        "`{name}` is \
                    {}",
                        findings.each(&pair, |i| family(i.family).to_owned())
                    ),
                    "they are two virtual routers that do not hear each other; both become \
                    master"
                        .to_owned(),
                    "advertise addresses of one family on all nodes, and put the others into \
                    `virtual_ipaddress_excluded` or an instance of their own"
                        .to_owned(),
                ],
            );
        } else if a.vrid.value != b.vrid.value {
            findings.add(
                Error,
                "vrid-differs",
                &pair,
                [
                    format!(
                        "`{name}` has virtual_router_id {}",
                        findings.each(&pair, |i| i.vrid.value.get().to_string())
                    ),
                    match crossed(&pair, findings) {
                        false => "the nodes do not hear each other; both become master and hold \
                        the addresses"
                            .to_owned(),
                        true => format!(
                            "they hear other instances instead: while different nodes are master \
                            of {} and of {}, some addresses are on both and others on none",
                            a.vrid.value.get(),
                            b.vrid.value.get()
                        ),
                    },
                    "give it the same virtual_router_id on all nodes".to_owned(),
                ],
            );
        } else if a.name.value != b.name.value
            && !a.addresses.is_empty()
            && !b.addresses.is_empty()
            && !share_addresses(a, b)
        {
            findings.add(
                Error,
                "vrid-collision",
                &pair,
                [
                    format!(
                        "`{name}` and `{}` have the same virtual_router_id {} and no \
                    address in common",
                        b.name.value,
                        a.vrid.value.get()
                    ),
                    "the one of lower priority yields to the other, and its addresses are \
                    nowhere"
                        .to_owned(),
                    "give one of them another virtual_router_id, unless they are on networks \
                    that do not touch"
                        .to_owned(),
                ],
            );
        }
    }
}

/// Whether either node has the number of the other one for something else on the same interface. (Not known is whether
/// interfaces of different names are on one network.)
fn crossed(pair: &[Member<'_>; 2], findings: &Findings<'_>) -> bool {
    let hears = |here: &Member<'_>, there: &Member<'_>| {
        let node = findings.nodes.get(here.node);
        let mut others = node.into_iter().flat_map(|node| &node.config.instances);
        others.any(|other| {
            let (mine, theirs) = (here.instance, there.instance);
            !other.is_left_out()
                && other.family == theirs.family
                && other.vrid.value == theirs.vrid.value
                && other.interface.value == mine.interface.value
        })
    };
    let [one, other] = pair;
    hears(one, other) || hears(other, one)
}

fn family(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "IPv4",
        Family::Ipv6 => "IPv6",
    }
}

/// Whether those that hear each other also understand each other.
pub(super) fn agreement(router: &Router<'_>, findings: &mut Findings<'_>) {
    let Some((first, others)) = router.members.split_first() else {
        return;
    };
    for other in others {
        let (a, b) = (first.instance, other.instance);
        if a.family != b.family || a.vrid.value != b.vrid.value {
            continue;
        }
        let pair = [*first, *other];
        if a.version == b.version {
            interval(&pair, findings);
            secrets::authentication(&pair, findings);
        } else {
            let name = &a.name.value;
            findings.add(
                Error,
                "version-differs",
                &pair,
                [
                    format!(
                        "`{name}` speaks VRRP version {}",
                        findings.each(&pair, |i| number(i.version).to_owned())
                    ),
                    "each refuses the adverts of the other; both become master".to_owned(),
                    "set the same `version` (or `vrrp_version`) on all nodes".to_owned(),
                ],
            );
        }
        addresses(&pair, findings);
        acceptance(&pair, findings);
    }
}

fn number(version: Version) -> &'static str {
    match version {
        Version::V2 => "2",
        Version::V3 => "3",
    }
}

fn interval(pair: &[Member<'_>; 2], findings: &mut Findings<'_>) {
    let [a, b] = pair.map(|member| member.instance);
    if a.advert_interval == b.advert_interval {
        return;
    }
    let seconds = |i: &VrrpInstance| format!("{:?}", i.advert_interval.to_duration());
    let message = format!(
        "`{}` has advert_int {}",
        a.name.value,
        findings.each(pair, seconds)
    );
    let fix = "set the same advert_int on all nodes".to_owned();
    if a.version == Version::V2 {
        let consequence = "version 2 refuses adverts with another interval; both become master";
        findings.add(
            Error,
            "interval-differs",
            pair,
            [message, consequence.to_owned(), fix],
        );
        return;
    }
    let consequence = if a.higher_prio_send_advert || b.higher_prio_send_advert {
        "backups follow the interval of the master; with higher_prio_send_advert a master that \
        yields teaches the others its own once more"
    } else {
        "backups follow the interval of whoever is master, so that a takeover takes longer from \
        one than from the other"
    };
    findings.add(
        Warning,
        "interval-differs",
        pair,
        [message, consequence.to_owned(), fix],
    );
}

fn addresses(pair: &[Member<'_>; 2], findings: &mut Findings<'_>) {
    let [a, b] = pair.map(|member| member.instance);
    let name = &a.name.value;
    let advertised = |i: &VrrpInstance| i.advertised().collect::<BTreeSet<IpAddr>>();
    let held = |i: &VrrpInstance| {
        let all = i.held_addresses().map(|vip| (vip.address, vip.prefix_len));
        all.collect::<BTreeMap<IpAddr, u8>>()
    };
    let (ours, theirs) = (held(a), held(b));
    let only = |x: &BTreeMap<IpAddr, u8>, y: &BTreeMap<IpAddr, u8>| {
        let missing = x.keys().filter(|address| !y.contains_key(address));
        missing.map(ToString::to_string).collect::<Vec<_>>()
    };
    // Two routers with nothing in common were reported as such.
    let collision = a.name.value != b.name.value && !share_addresses(a, b);
    for (member, only) in [
        (&pair[0], only(&ours, &theirs)),
        (&pair[1], only(&theirs, &ours)),
    ] {
        if collision || only.is_empty() {
            continue;
        }
        let node = findings.node(member).to_owned();
        findings.add(
            Error,
            "addresses-differ",
            pair,
            [
                format!("`{name}` has {} on {node} only", shortened(&only)),
                format!("while another node than {node} is master, they are nowhere"),
                "list the same addresses on all nodes".to_owned(),
            ],
        );
    }
    let differing: Vec<String> = ours
        .iter()
        .filter_map(|(address, length)| {
            let other = theirs.get(address).filter(|other| *other != length)?;
            Some(format!("{address}/{length} and /{other}"))
        })
        .collect();
    if !differing.is_empty() {
        findings.add(
            Warning,
            "prefix-differs",
            pair,
            [
                format!("`{name}` has {}", shortened(&differing)),
                "what is on the link of the address depends on who is master".to_owned(),
                "use the same prefix length on all nodes".to_owned(),
            ],
        );
    }
    if ours == theirs && advertised(a) != advertised(b) {
        findings.add(
            Warning,
            "advertised-differ",
            pair,
            [
                format!(
                    "`{name}` advertises other addresses on {} than on \
                {}",
                    findings.node(&pair[0]),
                    findings.node(&pair[1])
                ),
                "adverts that list other addresses are logged, and refused in strict \
                mode"
                    .to_owned(),
                "put the same addresses into `virtual_ipaddress` on all nodes, and the same \
                into `virtual_ipaddress_excluded`"
                    .to_owned(),
            ],
        );
    }
}

/// Who drops what is sent to its addresses, and who does not. The owner never does (RFC 9568 6.1), whatever is written.
fn acceptance(pair: &[Member<'_>; 2], findings: &mut Findings<'_>) {
    let instances = pair.map(|member| member.instance);
    let [a, b] = instances;
    let owns = |i: &VrrpInstance| i.priority == Priority::OWNER;
    let drops = |i: &VrrpInstance| i.refuse_traffic && !owns(i);
    if drops(a) == drops(b) {
        return;
    }
    let word = |i: &VrrpInstance| match (drops(i), owns(i)) {
        (true, _) => "dropped".to_owned(),
        (false, false) => "accepted".to_owned(),
        (false, true) => "accepted, because the addresses are its own,".to_owned(),
    };
    let fix = match instances.into_iter().any(owns) {
        true => {
            "set `accept` on the other nodes (strict mode implies `no_accept`): the owner never drops it"
        }
        false => "set `accept` or `no_accept` (strict mode implies it) on all nodes, or on none",
    };
    findings.add(
        Warning,
        "accept-differs",
        pair,
        [
            format!(
                "what is sent to the addresses of `{}` is {}",
                a.name.value,
                findings.each(pair, word)
            ),
            "whether they answer a ping, or a service on them, depends on who is master".to_owned(),
            fix.to_owned(),
        ],
    );
}

pub(super) fn shortened(items: &[String]) -> String {
    const SHOWN: usize = 3;
    let text = items
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match items.len().saturating_sub(SHOWN) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// An address in different virtual routers of different nodes: two masters hold it at once. (On one
/// node the configuration alone shows it, and of two that are meant to be one it is said that they are not.)
pub(super) fn shared_addresses(
    nodes: &[Node<'_>],
    routers: &[Router<'_>],
    findings: &mut Findings<'_>,
) {
    let are_one = |one: &Member<'_>, other: &Member<'_>| {
        routers.iter().any(|router| {
            let has = |wanted: &Member<'_>| {
                let mut members = router.members.iter();
                members.any(|member| std::ptr::eq(member.instance, wanted.instance))
            };
            has(one) && has(other)
        })
    };
    let mut holders: BTreeMap<IpAddr, Vec<Member<'_>>> = BTreeMap::new();
    for (node, Node { config, .. }) in nodes.iter().enumerate() {
        for instance in config.instances.iter().filter(|one| !one.is_left_out()) {
            for vip in instance.held_addresses() {
                holders
                    .entry(vip.address)
                    .or_default()
                    .push(Member { node, instance });
            }
        }
    }
    let mut reported = BTreeSet::new();
    for (address, members) in holders {
        let Some((first, others)) = members.split_first() else {
            continue;
        };
        let other = others.iter().find(|other| {
            other.node != first.node
                && other.instance.name.value != first.instance.name.value
                && (other.instance.vrid.value, other.instance.family)
                    != (first.instance.vrid.value, first.instance.family)
                && !are_one(first, other)
        });
        let Some(other) = other else {
            continue;
        };
        let pair = [*first, *other];
        if !reported.insert((
            pair[0].node,
            &pair[0].instance.name.value,
            pair[1].node,
            &pair[1].instance.name.value,
        )) {
            continue;
        }
        findings.add(
            Error,
            "address-in-two-routers",
            &pair,
            [
                format!(
                    "{address} is in `{}` on {} and in `{}` on {}",
                    first.instance.name.value,
                    findings.node(first),
                    other.instance.name.value,
                    findings.node(other)
                ),
                "two masters can hold it at the same time".to_owned(),
                "keep each address in one virtual router".to_owned(),
            ],
        );
    }
}
