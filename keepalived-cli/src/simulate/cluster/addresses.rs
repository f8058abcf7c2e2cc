//! Who has which address: as the files say, as the peers say, or made up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use vrrp_fsm::Transport;
use vrrp_proto::Family;

use super::super::topology::Port;
use super::{Read, family, port};

/// The addresses of interfaces.
pub(super) struct Plan {
    /// The address that adverts are sent from.
    pub(super) primary: BTreeMap<(Port, Family), IpAddr>,
    /// Where every address is.
    pub(super) owner: BTreeMap<IpAddr, Port>,
    /// Those that no file has.
    pub(super) made_up: BTreeSet<(Port, Family)>,
    /// Those that only the peers name.
    pub(super) inferred: Vec<(Port, IpAddr)>,
    /// Those that a second node has too.
    pub(super) twice: BTreeSet<(usize, IpAddr)>,
}

/// What a node says about one session or virtual router: its own address, and those of others.
struct Says {
    port: Port,
    own: Option<IpAddr>,
    others: Vec<IpAddr>,
}

impl Plan {
    pub(super) fn new(
        read: &[Read],
        names: &[&str],
        wire_of: &BTreeMap<Port, usize>,
        given: &[String],
    ) -> Result<Self, String> {
        let mut plan = Self {
            primary: BTreeMap::new(),
            owner: BTreeMap::new(),
            made_up: BTreeSet::new(),
            inferred: Vec::new(),
            twice: BTreeSet::new(),
        };
        for word in given {
            let wrong = || format!("--address {word}: want eth0@a=192.0.2.1");
            let (place, address) = word.split_once('=').ok_or_else(wrong)?;
            let address: IpAddr = address.parse().map_err(|_| wrong())?;
            let (node, interface) =
                port(place, names).map_err(|error| format!("--address {error}"))?;
            let port = (node.ok_or_else(wrong)?, interface);
            if !wire_of.contains_key(&port) {
                return Err(format!("--address {word}: no file uses this interface"));
            }
            if let Some(what) = not_of_a_node(address) {
                return Err(format!("--address {word}: {what} is no address of a node"));
            }
            if plan.owner.contains_key(&address) {
                return Err(format!("--address {word}: {address} is given twice"));
            }
            if plan.primary.contains_key(&(port, family(address))) {
                return Err(format!(
                    "--address {word}: {place} has one of this family already"
                ));
            }
            plan.take(port, address);
        }
        for Read { node, driver, .. } in read {
            for one in &driver.instances {
                if let Some(source) = one.source {
                    plan.take((*node, one.interface), source);
                }
            }
        }
        plan.ask_peers(read);
        plan.ask_sessions(read, wire_of);
        plan.make_up(read, wire_of);
        Ok(plan)
    }

    /// The first address of an interface is its primary one.
    fn take(&mut self, port: Port, address: IpAddr) {
        self.primary
            .entry((port, family(address)))
            .or_insert(address);
        let owner = *self.owner.entry(address).or_insert(port);
        if owner.0 != port.0 {
            self.twice.insert((port.0, address));
        }
    }

    /// Whoever the unicast peers of others name and nobody else is, is the one without an address.
    fn ask_peers(&mut self, read: &[Read]) {
        let mut all: BTreeMap<(Family, u8), Vec<Says>> = BTreeMap::new();
        for Read { node, driver, .. } in read {
            for one in &driver.instances {
                let Transport::Unicast { peers, .. } = &one.fsm.transport else {
                    continue;
                };
                let port = (*node, one.interface);
                let own = one.source;
                let known = self.primary.get(&(port, one.fsm.family)).copied();
                let key = (one.fsm.family, one.fsm.vrid.get());
                all.entry(key).or_default().push(Says {
                    port,
                    own: own.or(known),
                    others: peers.iter().map(|peer| peer.address).collect(),
                });
            }
        }
        for says in all.values() {
            self.infer(says);
        }
    }

    fn ask_sessions(&mut self, read: &[Read], wire_of: &BTreeMap<Port, usize>) {
        let mut all: BTreeMap<Family, BTreeMap<usize, Says>> = BTreeMap::new();
        for Read { node, driver, .. } in read {
            let usual = driver.instances.first().map(|one| one.interface);
            for session in &driver.bfd {
                let path = session.definition.path();
                let interface = session.interface.or(usual);
                let Some(interface) = interface.filter(|one| wire_of.contains_key(&(*node, *one)))
                else {
                    continue;
                };
                let port = (*node, interface);
                let family = family(path.peer());
                if let Some(local) = path.local() {
                    self.take(port, local);
                }
                let known = path.local().or_else(|| {
                    let known = self.primary.get(&(port, family));
                    known.copied()
                });
                let sessions = all.entry(family).or_default();
                let says = sessions.entry(*node).or_insert_with(|| Says {
                    port,
                    own: known,
                    others: Vec::new(),
                });
                says.others.push(path.peer());
            }
        }
        for says in all.into_values() {
            let says: Vec<Says> = says.into_values().collect();
            self.infer(&says);
        }
    }

    fn infer(&mut self, all: &[Says]) {
        for one in all.iter().filter(|one| one.own.is_none()) {
            let named = all.iter().filter(|other| other.port != one.port);
            let candidates: BTreeSet<IpAddr> = named
                .flat_map(|other| other.others.iter().copied())
                .filter(|address| !one.others.contains(address))
                .filter(|address| !self.owner.contains_key(address))
                .collect();
            if let (Some(address), 1) = (candidates.first(), candidates.len()) {
                self.take(one.port, *address);
                self.inferred.push((one.port, *address));
            }
        }
    }

    /// Whatever adverts are sent from and no file has: a number for the wire, and one for the node.
    fn make_up(&mut self, read: &[Read], wire_of: &BTreeMap<Port, usize>) {
        let mut taken: BTreeSet<IpAddr> = self.owner.keys().copied().collect();
        for Read { driver, .. } in read {
            for one in &driver.instances {
                taken.extend(one.addresses.iter().map(|vip| vip.address));
            }
        }
        for Read { node, driver, .. } in read {
            for one in &driver.instances {
                let port = (*node, one.interface);
                let key = (port, one.fsm.family);
                if self.primary.contains_key(&key) {
                    continue;
                }
                let wire = wire_of.get(&port).copied().unwrap_or_default();
                let address = (0..)
                    .map(|attempt| made_up(one.fsm.family, wire, *node, attempt))
                    .find(|address| !in_use(*address, &taken));
                let Some(address) = address else {
                    continue;
                };
                self.primary.insert(key, address);
                self.owner.insert(address, port);
                self.made_up.insert(key);
            }
        }
    }

    /// The address of a node on an interface, for people.
    pub(super) fn text(&self, port: Port, family: Family) -> String {
        let address = self.primary.get(&(port, family));
        address.map_or_else(|| "none".to_owned(), IpAddr::to_string)
    }
}

/// What an address is that no interface can have.
fn not_of_a_node(address: IpAddr) -> Option<&'static str> {
    if address.is_unspecified() {
        Some("the unspecified address")
    } else if address.is_loopback() {
        Some("a loopback address")
    } else if address.is_multicast() {
        Some("a multicast group")
    } else if address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        Some("the broadcast address")
    } else {
        None
    }
}

/// Networks for documentation first, so that nobody takes them for real ones.
fn made_up(family: Family, wire: usize, node: usize, attempt: usize) -> IpAddr {
    let small = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
    let net = wire + attempt;
    let host = small(node + 1);
    match family {
        Family::Ipv4 => match net {
            0 => Ipv4Addr::new(192, 0, 2, host),
            1 => Ipv4Addr::new(198, 51, 100, host),
            2 => Ipv4Addr::new(203, 0, 113, host),
            more => Ipv4Addr::new(10, 255, small(more), host),
        }
        .into(),
        Family::Ipv6 => {
            let host = u16::from(host);
            let net = u16::from(small(net)) + 1;
            Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, net, host).into()
        }
    }
}

/// Somebody has an address of the same small network.
fn in_use(address: IpAddr, taken: &BTreeSet<IpAddr>) -> bool {
    let net = |address: &IpAddr| match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Some([a, b, c])
        }
        IpAddr::V6(_) => None,
    };
    match address {
        IpAddr::V4(_) => taken.iter().any(|other| net(other) == net(&address)),
        IpAddr::V6(_) => taken.contains(&address),
    }
}
