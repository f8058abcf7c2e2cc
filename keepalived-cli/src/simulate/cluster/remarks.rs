//! What of the files has no part in the simulation, and what is assumed in its stead.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use keepalived_config::Config as Model;
use vrrp_fsm::Transport;

use super::super::document::{Instance, Remark};
use super::super::sessions::is_simulated;
use super::super::topology::{Port, Setup};
use super::Read;
use super::addresses::Plan;
use crate::lower::Lowered;

/// What a daemon complains about at its start and does without, and what it refuses to reload.
pub(super) fn mistakes(node: usize, first: bool, mistakes: &[String], remarks: &mut Vec<Remark>) {
    let what = match first {
        true => "a mistake, taken as the daemon does at its start",
        false => {
            "a mistake because of which a reload is refused; a start takes it as the daemon does"
        }
    };
    let text = |mistake: &String| format!("{what}: {mistake}");
    remarks.extend(mistakes.iter().map(|mistake| Remark {
        node,
        text: text(mistake),
    }));
}

/// Everything about one file.
pub(super) fn collect(node: usize, model: &Model, lowered: &Lowered, remarks: &mut Vec<Remark>) {
    let mut add = |text: String| remarks.push(Remark { node, text });
    let driver = &lowered.driver;
    // What the daemon would say itself.
    for remark in &lowered.remarks {
        add(remark.clone());
    }
    if !lowered.hooks.is_empty() || !lowered.group_hooks.is_empty() {
        add("notify scripts are not run".to_owned());
    }
    if !model.services.is_empty() {
        let count = model.services.len();
        add(format!("virtual servers and their checks ({count})"));
    }
    let instances = &driver.instances;
    let (routes, rules) = instances.iter().fold((0, 0), |(routes, rules), one| {
        (routes + one.routes.len(), rules + one.rules.len())
    });
    for (count, what) in [(routes, "virtual routes"), (rules, "virtual rules")] {
        if count > 0 {
            add(format!("{what} ({count})"));
        }
    }
    let statics = &driver.statics;
    if *statics != Default::default() {
        add("static addresses, routes and rules: taken to be there".to_owned());
    }
    if instances.iter().any(|one| one.links().next().is_some()) {
        add("devices for virtual MAC addresses: addresses are on the interface itself, and a client has more to learn than it would have".to_owned());
    }
    if !driver.delay_after_boot.is_zero() {
        add("vrrp_delay_after_boot: the hosts are taken to have been up for longer".to_owned());
    }
    if !driver.polled_links.is_empty() {
        add("linkbeat polling: the loss of a link is noticed at once".to_owned());
    }
    for session in driver.bfd.iter().filter(|one| !is_simulated(one)) {
        let name = &session.name;
        add(format!("S-BFD session {name}: taken to be up"));
    }
    if driver.bfd_reflector.is_some() {
        add("sbfd_reflector".to_owned());
    }
    if model.bfd.iter().any(|session| session.echo.is_some()) {
        add("BFD echo packets: sessions live by their control packets".to_owned());
    }
}

/// Peers and neighbours that are none of the nodes: nobody is there.
pub(super) fn strangers(read: &[Read], plan: &Plan, remarks: &mut Vec<Remark>) {
    for Read { node, driver, .. } in read {
        let mut add = |what: &str, name: &str, address: IpAddr| {
            if !plan.owner.contains_key(&address) {
                let text =
                    format!("{what} {address} of {name} is none of the nodes: nobody is there");
                let remark = Remark { node: *node, text };
                if !remarks.contains(&remark) {
                    remarks.push(remark);
                }
            }
        };
        for one in &driver.instances {
            if let Transport::Unicast { peers, .. } = &one.fsm.transport {
                peers
                    .iter()
                    .for_each(|peer| add("peer", &one.name, peer.address));
            }
        }
        for session in driver.bfd.iter().filter(|one| is_simulated(one)) {
            add("neighbour", &session.name, session.definition.path().peer());
        }
    }
}

/// Addresses that nobody has told, where they matter.
pub(super) fn addresses(
    plan: &Plan,
    instances: &[Instance],
    names: &[&str],
    remarks: &mut Vec<Remark>,
) {
    for (node, address) in &plan.twice {
        let text =
            format!("{address} belongs to another node already, which gets what is sent there");
        remarks.push(Remark { node: *node, text });
    }
    for ((node, interface), address) in &plan.inferred {
        let text =
            format!("the address of {interface} is taken to be {address}, as others call it");
        remarks.push(Remark { node: *node, text });
    }
    for ((node, interface), family) in &plan.made_up {
        let name = interface.to_string();
        let equal = instances.iter().any(|one| {
            let mine = one.members.iter().find(|member| member.node == *node);
            mine.is_some_and(|mine| {
                let mut others = one.members.iter();
                one.family == *family
                    && mine.interface == name
                    && others.any(|other| other.node != *node && other.priority == mine.priority)
            })
        });
        if equal {
            let address = plan.text((*node, *interface), *family);
            let node_name = names.get(*node).copied().unwrap_or_default();
            remarks.push(Remark {
                node: *node,
                text: format!(
                    "the address of {name} is not in the file and decides between equal priorities: \
                     taken to be {address} (--address {name}@{node_name}=ADDRESS)"
                ),
            });
        }
    }
}

/// Virtual routers of different nodes that look like one, on interfaces with different names. Whether there are any.
pub(super) fn networks(instances: &[Instance], names: &[&str], remarks: &mut Vec<Remark>) -> bool {
    let before = remarks.len();
    let name = |node: usize| names.get(node).copied().unwrap_or_default();
    for (nth, one) in instances.iter().enumerate() {
        for other in instances.iter().skip(nth + 1) {
            let address = one
                .addresses
                .iter()
                .find(|address| other.addresses.contains(address));
            let has = |instance: &Instance, node: usize| {
                let mut members = instance.members.iter();
                members.any(|member| member.node == node)
            };
            // A node with both says itself that they are two.
            let both = |node: &usize| has(one, *node) && has(other, *node);
            let alike = one.name == other.name || address.is_some();
            if !alike || one.family != other.family || one.wire == other.wire {
                continue;
            }
            if (0..names.len()).any(|node| both(&node)) {
                continue;
            }
            let (Some(here), Some(there)) = (one.members.first(), other.members.first()) else {
                continue;
            };
            let what = match address {
                Some(address) => address.to_string(),
                None => one.name.clone(),
            };
            remarks.push(two_networks(
                &what,
                (name(here.node), &here.interface),
                (there.node, name(there.node), &there.interface),
            ));
        }
    }
    remarks.len() > before
}

/// Addresses of one virtual router that are on different networks. Whether there are any.
pub(super) fn devices(
    setups: &[Vec<Arc<Setup>>],
    wire_of: &BTreeMap<Port, usize>,
    names: &[&str],
    remarks: &mut Vec<Remark>,
) -> bool {
    let before = remarks.len();
    let name = |node: usize| names.get(node).copied().unwrap_or_default();
    let mut known: BTreeMap<(usize, IpAddr), (Port, usize)> = BTreeMap::new();
    for (node, files) in setups.iter().enumerate() {
        let instances = files
            .iter()
            .flat_map(|file| file.driver.instances.iter().zip(&file.places));
        for (one, place) in instances {
            for vip in &one.addresses {
                // A device that is made for addresses is on the interface below it.
                let ports = [(node, vip.device), (node, one.interface)];
                let wire = |port: &Port| Some((*port, *wire_of.get(port)?));
                let Some((port, wire)) = ports.iter().find_map(wire) else {
                    continue;
                };
                let first = known.entry((*place, vip.address)).or_insert((port, wire));
                let ((other, interface), on) = *first;
                if other != node && on != wire {
                    remarks.push(two_networks(
                        &vip.address.to_string(),
                        (name(other), interface.as_str()),
                        (node, name(node), port.1.as_str()),
                    ));
                }
            }
        }
    }
    remarks.len() > before
}

/// On an interface of one node, and on one of the other, which the remark is about.
fn two_networks(
    what: &str,
    one: (&str, &str),
    (node, name, interface): (usize, &str, &str),
) -> Remark {
    let (other, there) = one;
    Remark {
        node,
        text: format!(
            "{what} is on {interface} here and on {there} of {other}: taken to be two networks \
             (--wire {there}@{other}={interface}@{name} makes them one)"
        ),
    }
}
