//! Which interfaces are on one wire: those of the same name, unless the command line or the unicast peers
//! say otherwise.

use std::collections::{BTreeMap, BTreeSet};

use netlink_vip::InterfaceName;
use vrrp_fsm::Transport;

use super::super::topology::Port;
use super::{Read, port};

/// Every interface with the label of its wire.
pub(super) struct Labels(BTreeMap<Port, String>);

/// Names of the wires, what is on each, and which wire each interface is on.
type Wires = (Vec<String>, Vec<Vec<Port>>, BTreeMap<Port, usize>);

impl Labels {
    pub(super) fn new(read: &[Read], names: &[&str], wires: &[String]) -> Result<Self, String> {
        let mut labels = BTreeMap::new();
        for Read { node, driver, .. } in read {
            for interface in interfaces(driver) {
                labels.insert((*node, interface), interface.to_string());
            }
        }
        let mut labels = Self(labels);
        for wire in wires {
            if !wire.contains('=') {
                return Err(format!("--wire {wire}: want eth0@a=eth1@b"));
            }
            for word in wire.split('=') {
                let (node, interface) =
                    port(word, names).map_err(|error| format!("--wire {error}"))?;
                let mut found = false;
                for (port, label) in &mut labels.0 {
                    if port.1 == interface && node.is_none_or(|node| node == port.0) {
                        label.clone_from(wire);
                        found = true;
                    }
                }
                if !found {
                    return Err(format!("--wire {word}: no file uses this interface"));
                }
            }
        }
        labels.join_peers(read);
        Ok(labels)
    }

    /// Unicast peers reach each other, whatever their interfaces are called.
    fn join_peers(&mut self, read: &[Read]) {
        let all = || {
            read.iter().flat_map(|Read { node, driver, .. }| {
                driver.instances.iter().map(move |one| (*node, one))
            })
        };
        for (node, one) in all() {
            let Transport::Unicast { peers, .. } = &one.fsm.transport else {
                continue;
            };
            for (other_node, other) in all().filter(|(other, _)| *other != node) {
                let same = other.fsm.family == one.fsm.family && other.fsm.vrid == one.fsm.vrid;
                let named = |address| peers.iter().any(|peer| peer.address == address);
                if same && other.source.is_some_and(named) {
                    self.join((node, one.interface), (other_node, other.interface));
                }
            }
        }
    }

    fn join(&mut self, one: Port, other: Port) {
        let (Some(label), Some(old)) = (self.0.get(&one).cloned(), self.0.get(&other).cloned())
        else {
            return;
        };
        if label == old {
            return;
        }
        let joined = format!("{label}={old}");
        // Only the two: interfaces of that name elsewhere may be on another wire.
        for port in [one, other] {
            self.0.insert(port, joined.clone());
        }
    }

    pub(super) fn finish(self) -> Wires {
        let names: BTreeSet<&String> = self.0.values().collect();
        let names: Vec<String> = names.into_iter().cloned().collect();
        let mut wires = vec![Vec::new(); names.len()];
        let mut wire_of = BTreeMap::new();
        for (port, label) in &self.0 {
            let wire = names
                .iter()
                .position(|name| name == label)
                .unwrap_or_default();
            if let Some(ports) = wires.get_mut(wire) {
                ports.push(*port);
            }
            wire_of.insert(*port, wire);
        }
        (names, wires, wire_of)
    }
}

/// Every interface that a configuration names. Devices that are made for addresses are none.
fn interfaces(driver: &keepalived_driver::Config) -> BTreeSet<InterfaceName> {
    let mut names = BTreeSet::new();
    for one in &driver.instances {
        let made: Vec<InterfaceName> = one.links().map(|link| link.name).collect();
        names.insert(one.interface);
        names.extend(one.track_interfaces.iter().map(|tracked| tracked.name));
        names.extend(one.track_devices.iter().copied());
        let devices = one.addresses.iter().map(|vip| vip.device);
        names.extend(devices.filter(|device| !made.contains(device)));
        for device in made {
            names.remove(&device);
        }
    }
    names.extend(driver.bfd.iter().filter_map(|one| one.interface));
    names
}
