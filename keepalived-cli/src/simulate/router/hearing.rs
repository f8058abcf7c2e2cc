//! What arrives: adverts, questions of clients, BFD packets.

use std::sync::Arc;
use std::time::Duration;

use keepalived_driver::InstanceSetup;
use keepalived_driver::tracked::{TrackerId, TrackerKind};
use netlink_vip::InterfaceName;
use netsim::vrrp::{AdvertFrame, Frame};
use netsim::{Effect, Instant, NodeId};
use vrrp_fsm::{Event, Rx, TrackStatus, Transport, V2Auth, WireFormat};
use vrrp_proto::{AhPacket, Family};

use super::super::frame::{Carried, Note, Wired};
use super::super::sessions::News;
use super::{RouterBox, Running};

impl RouterBox {
    pub(in crate::simulate) fn handle_frame(&mut self, now: Instant, from: NodeId, frame: &Wired) {
        self.now = now;
        let port = (self.node, frame.interface);
        let sender = Some(from.0).filter(|node| *node < self.shared.topology.nodes());
        let wire = self.shared.topology.wire_of.get(&port).copied();
        let passes = |wire| self.shared.passes_on(wire, sender, Some(self.node));
        if !self.shared.is_plugged(port) || !wire.is_none_or(passes) {
            return;
        }
        match &frame.carries {
            Carried::Vrrp(Frame::Advert(advert)) => self.hear(from, frame.interface, advert),
            Carried::Vrrp(Frame::Ask(address)) => {
                // Linux answers for addresses of other interfaces too, and back goes what it sends by its routes.
                let asked = wire.map(|wire| (wire, *address));
                let mut held = self.table.values().flat_map(|held| held.iter());
                if held.any(|known| Some(*known) == asked) {
                    let answer = Frame::Answer {
                        holder: NodeId(self.node),
                        address: *address,
                    };
                    self.send(from, frame.interface, Carried::Vrrp(answer));
                }
            }
            Carried::Vrrp(_) => {}
            Carried::Bfd(packet) => {
                if let Some(sessions) = &mut self.sessions {
                    sessions.handle_packet(now, packet);
                }
                self.hear_sessions();
            }
        }
    }

    fn hear(&mut self, from: NodeId, interface: InterfaceName, advert: &AdvertFrame) {
        if !self.listens(interface, advert) {
            return;
        }
        let now = self.now;
        let arrival = self.intern(&interface);
        let Some(router) = &mut self.router else {
            return;
        };
        let packet = AhPacket::parse(&advert.message);
        let (verdict, message) = match &packet {
            Ok(packet) if advert.ah => (
                router.handle_ah_packet(now, arrival, packet),
                packet.message(),
            ),
            Err(error) if advert.ah => (Err((*error).into()), advert.message.as_slice()),
            _ => {
                let rx = Rx {
                    interface: arrival,
                    ip: advert.ip(),
                    message: &advert.message,
                };
                (router.handle_packet(now, rx), advert.message.as_slice())
            }
        };
        let vrid = message.get(1);
        let family = Family::of(advert.source);
        let meant = self.running.values().find(|running| {
            let fsm = &running.setup.fsm;
            running.setup.interface == interface
                && fsm.family == family
                && vrid == Some(&fsm.vrid.get())
        });
        if let Some(running) = meant {
            let place = running.place;
            let arrived = Note::Arrived { place, from };
            self.out.push_back(Effect::Note(arrived));
        }
        match verdict {
            Ok(id) => {
                let Some((priority, interval)) = read(message) else {
                    return;
                };
                let deadline = router
                    .instance(id)
                    .and_then(vrrp_fsm::Instance::next_timeout);
                let Some(running) = self.running.get_mut(&id) else {
                    return;
                };
                let armed = running.deadline != deadline;
                running.deadline = deadline;
                self.out.push_back(Effect::Note(Note::Heard {
                    place: running.place,
                    from,
                    priority,
                    interval,
                    armed,
                }));
            }
            Err(rejected) => self.out.push_back(Effect::Note(Note::Refused {
                from,
                rule: rejected.name(),
                why: rejected.to_string(),
            })),
        }
    }

    /// Whether the daemon has a socket to which the kernel gives this: there is one for each interface and family
    /// that an instance is on, which has joined the groups of those instances, and another one where an
    /// instance authenticates by header.
    fn listens(&self, interface: InterfaceName, advert: &AdvertFrame) -> bool {
        let family = Family::of(advert.source);
        let here = || {
            let all = self.running.values().map(|running| &running.setup);
            all.filter(|one| one.interface == interface && one.fsm.family == family)
        };
        let by_header = |one: &Arc<InstanceSetup>| {
            let format = &one.fsm.format;
            matches!(
                format,
                WireFormat::V2 {
                    auth: V2Auth::Ah(_)
                }
            )
        };
        let joined = |one: &Arc<InstanceSetup>| match one.fsm.transport {
            Transport::Multicast { group } => group == advert.destination,
            Transport::Unicast { .. } => false,
        };
        let socket = match advert.ah {
            true => here().any(by_header),
            false => here().next().is_some(),
        };
        socket && (!advert.destination.is_multicast() || here().any(joined))
    }

    /// What BFD has found out counts for the elections in the same turn.
    pub(super) fn hear_sessions(&mut self) {
        let mut changed = false;
        let Some(sessions) = &mut self.sessions else {
            return;
        };
        let mut lost = Vec::new();
        while let Some(news) = sessions.poll_news() {
            let News {
                name,
                peer,
                up,
                silent,
                why,
            } = news;
            let Some(up) = up else {
                continue;
            };
            let id = TrackerId::new(TrackerKind::Bfd, &name);
            let status = if up {
                TrackStatus::Up
            } else {
                TrackStatus::Down
            };
            changed |= self.objects.set(&id, status);
            self.out
                .push_back(Effect::Note(Note::Session { name, up, why }));
            if !up && silent {
                lost.push((id, peer));
            }
        }
        for (tracker, peer) in lost {
            let uses = |running: &Running| {
                let mut trackers = running.setup.trackers.iter();
                trackers.any(|used| used.tracker == tracker)
            };
            let users = self.running.iter().filter(|(_, running)| uses(running));
            let users: Vec<_> = users.map(|(id, running)| (*id, running.place)).collect();
            for (id, place) in users {
                self.out.push_back(Effect::Note(Note::Gone { place }));
                self.tell(id, Event::ActiveLost(peer));
            }
        }
        if changed {
            self.settle();
        }
    }
}

/// Priority and interval of a message that was found to be good.
fn read(message: &[u8]) -> Option<(u8, Duration)> {
    let [kind, _, priority, _, third, fourth, ..] = message else {
        return None;
    };
    let centis = match kind >> 4 {
        2 => u64::from(*fourth) * 100,
        _ => u64::from(u16::from_be_bytes([third & 0x0f, *fourth])),
    };
    Some((*priority, Duration::from_millis(centis * 10)))
}
