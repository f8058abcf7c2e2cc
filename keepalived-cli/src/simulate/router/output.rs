//! What the elections want done, and what becomes of it on simulated interfaces.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use keepalived_driver::InstanceSetup;
use keepalived_driver::bfd::BfdSetup;
use netlink_vip::InterfaceName;
use netsim::vrrp::{AdvertFrame, Frame};
use netsim::{Effect, NodeId, To};
use vrrp_fsm::{
    Action, Announce, Authenticate, InstanceId, Notice, Router, State, Transmit, Transport,
};
use vrrp_proto::{Family, HOP_LIMIT, IpMeta};

use super::super::frame::{BfdPacket, Carried, Note, Wired};
use super::super::topology::{OnWire, Port, on_wires};
use super::RouterBox;

impl RouterBox {
    /// The next output, oldest first.
    pub(in crate::simulate) fn poll_effect(&mut self) -> Option<Effect<Wired, Note>> {
        if self.out.is_empty() {
            self.collect();
        }
        self.out.pop_front()
    }

    /// Carries out what the state machines want, in their order.
    pub(super) fn collect(&mut self) {
        while let Some((id, action)) = self.router.as_mut().and_then(Router::poll_action) {
            self.carry_out(id, action);
        }
        self.send_sessions();
        let Some(router) = &self.router else {
            return;
        };
        for (id, running) in &mut self.running {
            let Some(instance) = router.instance(*id) else {
                continue;
            };
            running.deadline = instance.next_timeout();
            let priority = instance.effective_priority().get();
            if std::mem::replace(&mut running.priority, priority) != priority {
                let place = running.place;
                self.out
                    .push_back(Effect::Note(Note::Priority { place, priority }));
            }
        }
    }

    fn send_sessions(&mut self) {
        while let Some(mut sessions) = self.sessions.take() {
            let packet = sessions.poll_packet(self.now, |setup| self.local_of(setup));
            self.sessions = Some(sessions);
            match packet {
                Some(packet) => self.send_bfd(packet),
                None => break,
            }
        }
    }

    fn carry_out(&mut self, id: InstanceId, action: Action) {
        let Some(running) = self.running.get(&id) else {
            return;
        };
        let (place, setup) = (running.place, Arc::clone(&running.setup));
        let note = match action {
            Action::Transmit(what) => {
                self.transmit(id, place, &setup, what);
                return;
            }
            Action::InstallAddresses => {
                let wire_of = &self.shared.topology.wire_of;
                let addresses: Arc<[OnWire]> = on_wires(wire_of, self.node, &setup).into();
                self.table.insert(place, Arc::clone(&addresses));
                Note::Installed { place, addresses }
            }
            Action::RemoveAddresses => {
                self.table.remove(&place);
                self.announcing.forget(id);
                Note::Removed { place }
            }
            Action::Announce(why) => {
                self.announcing.begin(self.now, id, &setup, why);
                self.announce_due();
                return;
            }
            Action::Transition { from, to, reason } => {
                let (faults, waits, why) = self.held_by(id);
                Note::State {
                    place,
                    from,
                    to,
                    reason,
                    faults,
                    waits,
                    why,
                }
            }
            Action::GroupTransition(change) => {
                let place = usize::try_from(change.group.0).unwrap_or(usize::MAX);
                let Some(name) = self.groups.get(place) else {
                    return;
                };
                Note::Group {
                    name: Arc::clone(name),
                    to: change.to,
                }
            }
            Action::Notice(Notice::FaultsChanged { .. }) => {
                let (faults, waits, why) = self.held_by(id);
                Note::Faults {
                    place,
                    faults,
                    waits,
                    why,
                }
            }
            Action::Notice(notice) => Note::Notice { place, notice },
            _ => return,
        };
        self.out.push_back(Effect::Note(note));
    }

    /// The state machine knows only the advertised addresses, and neither the others nor their devices.
    pub(super) fn addresses_changed(&mut self, id: InstanceId) {
        if self.state_of(id) != State::Active {
            return;
        }
        self.carry_out(id, Action::InstallAddresses);
        if let Some(running) = self.running.get(&id) {
            let why = Announce::Promotion;
            self.announcing.begin(self.now, id, &running.setup, why);
        }
    }

    /// Tells the client of each wire where the addresses on it are.
    pub(super) fn announce(&mut self, setup: &InstanceSetup) {
        let mut by_wire: BTreeMap<usize, (InterfaceName, Vec<IpAddr>)> = BTreeMap::new();
        let topology = Arc::clone(&self.shared.topology);
        for vip in &setup.addresses {
            // A device that is made for the addresses is on the instance's interface.
            let device = (self.node, vip.device);
            let (interface, wire) = match topology.wire_of.get(&device) {
                Some(wire) => (vip.device, *wire),
                None => match topology.wire_of.get(&(self.node, setup.interface)) {
                    Some(wire) => (setup.interface, *wire),
                    None => continue,
                },
            };
            let entry = by_wire.entry(wire);
            let (_, addresses) = entry.or_insert((interface, Vec::new()));
            addresses.push(vip.address);
        }
        for (wire, (interface, addresses)) in by_wire {
            let frame = Frame::Announce {
                holder: NodeId(self.node),
                addresses: addresses.into(),
            };
            self.send(topology.client(wire), interface, Carried::Vrrp(frame));
        }
    }

    fn transmit(&mut self, id: InstanceId, place: usize, setup: &InstanceSetup, what: Transmit) {
        let now = self.now;
        let Some(router) = &mut self.router else {
            return;
        };
        let with = router.authenticate(now, id, what);
        let Some(instance) = router.instance(id) else {
            return;
        };
        let Some(source) = instance.primary_address() else {
            return;
        };
        if with == Authenticate::Impossible {
            return;
        }
        let repr = instance.advert(what);
        let hop_limit = match setup.fsm.transport {
            Transport::Multicast { .. } => HOP_LIMIT,
            Transport::Unicast { .. } => setup.unicast_hop_limit,
        };
        let advert = |destination| {
            let ip = IpMeta {
                source,
                destination,
                hop_limit,
            };
            let longest = repr.ah_packet_len().max(repr.buffer_len() + TRAILER);
            let mut message = vec![0; longest];
            let length = match &with {
                Authenticate::Ah { key, sequence } => {
                    repr.emit_ah(&ip, key, *sequence, &mut message)
                }
                Authenticate::Trailer(trailer) => {
                    repr.emit_with_trailer(&ip, trailer, &mut message)
                }
                Authenticate::Nothing | Authenticate::Impossible => repr.emit(&ip, &mut message),
            };
            message.truncate(length.ok()?);
            Some(Carried::Vrrp(Frame::Advert(Arc::new(AdvertFrame {
                source,
                destination,
                hop_limit,
                message,
                ah: matches!(with, Authenticate::Ah { .. }),
            }))))
        };
        let priority = match what {
            Transmit::Release => 0,
            Transmit::Advert => instance.effective_priority().get(),
        };
        let mut copies = Vec::new();
        match &setup.fsm.transport {
            Transport::Multicast { group } => copies.extend(advert(*group).map(|one| (None, one))),
            Transport::Unicast { peers, .. } => {
                let peers = peers.iter().map(|peer| peer.address);
                copies.extend(peers.filter_map(|peer| Some((Some(peer), advert(peer)?))));
            }
        }
        // Without a link nothing leaves.
        if !self.shared.is_plugged((self.node, setup.interface)) {
            return;
        }
        self.out
            .push_back(Effect::Note(Note::Transmits { place, priority }));
        let topology = Arc::clone(&self.shared.topology);
        for (peer, carries) in copies {
            match peer {
                None => self.broadcast(setup.interface, &carries),
                // A peer that is none of the nodes hears nothing.
                Some(peer) => {
                    if let Some(port) = topology.owner.get(&peer) {
                        self.send_to_port(setup.interface, *port, carries);
                    }
                }
            }
        }
    }

    /// To a client, if the interface has a link and the wire is whole.
    pub(super) fn send(&mut self, to: NodeId, interface: InterfaceName, carries: Carried) {
        let port = (self.node, interface);
        if self.shared.is_plugged(port) && self.shared.passes(port, None) {
            self.out.push_back(Effect::Send {
                to: To::Node(to),
                frame: Wired { interface, carries },
            });
        }
    }

    /// To one interface of another node, if both have a link and the wire is whole.
    fn send_to_port(&mut self, from: InterfaceName, port: Port, carries: Carried) {
        let own = (self.node, from);
        if !self.shared.passes(own, Some(port.0)) {
            if let Carried::Vrrp(Frame::Advert(_)) = carries {
                self.out.push_back(Effect::Note(Note::Lost));
            }
            return;
        }
        if self.shared.is_plugged(own) && self.shared.is_plugged(port) {
            self.out.push_back(Effect::Send {
                to: To::Node(NodeId(port.0)),
                frame: Wired {
                    interface: port.1,
                    carries,
                },
            });
        }
    }

    /// To everybody on the wire but its client.
    fn broadcast(&mut self, from: InterfaceName, carries: &Carried) {
        let topology = Arc::clone(&self.shared.topology);
        for port in topology.neighbours((self.node, from)) {
            self.send_to_port(from, port, carries.clone());
        }
    }

    /// The address from which a session is sent, if it does not say.
    fn local_of(&self, setup: &BfdSetup) -> Option<IpAddr> {
        let topology = &self.shared.topology;
        let peer = setup.definition.path().peer();
        let family = Family::of(peer);
        let towards = topology.owner.get(&peer)?;
        let wire = topology.wire_of.get(towards)?;
        let mut ports = topology.wires.get(*wire)?.iter();
        let own = ports.find(|port| port.0 == self.node)?;
        topology.primary.get(&(*own, family)).copied()
    }

    fn send_bfd(&mut self, packet: BfdPacket) {
        let topology = Arc::clone(&self.shared.topology);
        let (Some(to), Some(from)) = (
            topology.owner.get(&packet.destination),
            topology.owner.get(&packet.source),
        ) else {
            return;
        };
        if from.0 == self.node {
            self.send_to_port(from.1, *to, Carried::Bfd(Arc::new(packet)));
        }
    }
}

/// Room for the check value behind an advert, in octets: more than any of them takes.
const TRAILER: usize = 64;
