//! The echo function: packets to ourselves by way of the neighbour, and theirs on their way back.
//!
//! It is for routers to send echo packets back, without BFD having a part in it. On an interface on
//! which the kernel does not forward, we do that in its place.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::time::Duration;

use bfd::{Definition, SessionId};
use bytes::BytesMut;
use netlink_vip::{InterfaceName, Neighbours};
use sans_io_time::Instant;
use vrrp_proto::Family;

use super::{Running, Sessions};
use crate::bfd::BfdNews;
use crate::election::receive::BATCHES_PER_TURN;
use crate::election::{Elections, RETRY};
use crate::report::Report;
use crate::sockets::bfd::{EchoBuffer, EchoSocket, Echoed, Letter, echo_buffer, family, frame};
use crate::sockets::netlink::{Netlink, Received};
use crate::sources::Source;

/// Echo packets read in one turn, for each family.
const PER_TURN: usize = 64 * BATCHES_PER_TURN;
/// Datagrams about neighbours read in one turn.
const NEWS_PER_TURN: usize = 64;
/// How long it is remembered whether an interface forwards.
const FORWARDING_FOR: Duration = Duration::from_secs(1);

/// What only sessions with the echo function need.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    v4: Option<EchoSocket>,
    v6: Option<EchoSocket>,
    monitor: Option<Netlink>,
    neighbours: Neighbours,
    /// Addresses of ours that echo packets go to.
    own: HashSet<IpAddr>,
    /// Neighbours that were promised to have theirs back.
    peers: HashSet<IpAddr>,
    /// Whether the kernel forwards: by the index of the interface and family, and since when we know.
    forwarding: HashMap<(u32, bool), (Instant, bool)>,
    buffer: BytesMut,
}

impl Echoes {
    fn socket(&mut self, family: Family) -> &mut Option<EchoSocket> {
        match family {
            Family::Ipv4 => &mut self.v4,
            Family::Ipv6 => &mut self.v6,
        }
    }
}

impl Running {
    fn echoes(&self) -> bool {
        matches!(&self.setup.definition, Definition::SingleHop(_, config) if config.echo.is_some())
    }
}

impl Sessions {
    /// Where a session's echo packets leave, and for whom: the kernel's index, and the neighbour's MAC
    /// address. Without an interface of its own it is the one on which the neighbour is known.
    fn way(&self, running: &Running) -> Option<(u32, [u8; 6])> {
        let peer = running.setup.definition.path().peer();
        let neighbours = &self.echoes.neighbours;
        match running.scope {
            0 => neighbours.find(peer).next(),
            link => Some((link, neighbours.mac(peer, link)?)),
        }
    }
}

impl Elections {
    /// Open what the echo function needs, and close it when no session has it.
    pub(super) fn open_echoes(&mut self) {
        let echoing = |running: &&Running| running.echoes();
        let running = self.bfd.running.values().filter(echoing);
        let paths: Vec<_> = running
            .map(|running| running.setup.definition.path())
            .collect();
        if paths.is_empty() {
            self.bfd.echoes = Echoes::default();
            return;
        }
        let echoes = &mut self.bfd.echoes;
        echoes.own = paths.iter().filter_map(bfd::Path::local).collect();
        echoes.peers = paths.iter().map(bfd::Path::peer).collect();
        let mut trouble = Vec::new();
        for wanted in [Family::Ipv4, Family::Ipv6] {
            let needed = paths.iter().any(|path| family(path.peer()) == wanted);
            let socket = self.bfd.echoes.socket(wanted);
            if !needed {
                *socket = None;
            } else if socket.is_none() {
                let opened = EchoSocket::open(wanted).and_then(|socket| {
                    self.register(socket.as_raw_fd(), Source::Echo(wanted).into())?;
                    Ok(socket)
                });
                match opened {
                    Ok(socket) => *self.bfd.echoes.socket(wanted) = Some(socket),
                    Err(error) => trouble.push(format!("BFD: no socket for echo packets: {error}")),
                }
            }
        }
        if self.bfd.echoes.monitor.is_none() {
            let buffer = self.config.netlink_monitor_buffer;
            let opened = Netlink::neighbours(buffer).and_then(|monitor| {
                self.register(monitor.as_raw_fd(), Source::Neighbours.into())?;
                Ok(monitor)
            });
            match opened {
                Ok(monitor) => {
                    self.bfd.echoes.monitor = Some(monitor);
                    self.bfd.echoes.neighbours = Neighbours::new();
                    self.ask_for_neighbours();
                }
                Err(error) => trouble.push(format!("BFD: no news of neighbours: {error}")),
            }
        }
        for message in trouble {
            self.reports.push(Report::Trouble { message });
            let now = self.clock.now();
            self.retry_at = self.retry_at.or_else(|| now.checked_add(RETRY));
        }
    }

    fn ask_for_neighbours(&mut self) {
        let echoes = &mut self.bfd.echoes;
        let Some(monitor) = &echoes.monitor else {
            return;
        };
        if let Some(request) = echoes.neighbours.request()
            && let Err(error) = monitor.send(&request)
        {
            echoes.neighbours.handle_overrun();
            self.reports.push(Report::Trouble {
                message: format!("BFD: cannot ask for neighbours: {error}"),
            });
        }
    }

    /// True if more may be waiting.
    pub(in crate::election) fn read_neighbours(&mut self) -> bool {
        let mut more = true;
        for _ in 0..NEWS_PER_TURN {
            let echoes = &mut self.bfd.echoes;
            let Some(monitor) = &echoes.monitor else {
                return false;
            };
            match monitor.receive(&mut echoes.buffer) {
                Ok(Received::Datagram) => {
                    echoes.neighbours.handle_datagram(&echoes.buffer);
                }
                Ok(Received::Overrun) => echoes.neighbours.handle_overrun(),
                Ok(Received::Nothing) => {
                    more = false;
                    break;
                }
                Err(error) => {
                    echoes.neighbours.handle_overrun();
                    self.reports.push(Report::Trouble {
                        message: format!("BFD: no news of neighbours: {error}"),
                    });
                    more = false;
                    break;
                }
            }
        }
        self.ask_for_neighbours();
        more
    }

    /// Send an echo packet to where its neighbour is now.
    pub(super) fn send_echo(&mut self, id: SessionId, letter: &Letter) {
        let Some(running) = self.bfd.running.get(&id) else {
            return;
        };
        let peer = running.setup.definition.path().peer();
        let way = self.bfd.way(running);
        if way != running.via {
            self.tell_way(id, way);
        }
        let Some((index, mac)) = way else { return };
        let link = self.reconciler.link_by_index(index);
        let Some((link, own)) = link.and_then(|link| Some((link, link.mac?))) else {
            return;
        };
        let frame = frame(mac, own, peer, letter.bytes());
        match self.frames.send(index, link.name.as_str(), &frame) {
            Ok(()) => self.bfd.totals.sent += 1,
            Err(error) => self.note_send_error(id, &error),
        }
    }

    fn tell_way(&mut self, id: SessionId, way: Option<(u32, [u8; 6])>) {
        let Some(running) = self.bfd.running.get_mut(&id) else {
            return;
        };
        let mac = way.map(|(_, mac)| mac);
        let before = std::mem::replace(&mut running.via, way).map(|(_, mac)| mac);
        if before != mac {
            let name = running.setup.name.clone();
            let news = BfdNews::EchoVia { mac };
            self.reports.push(Report::Bfd { name, news });
        }
    }

    /// True if more may be waiting.
    pub(in crate::election) fn read_echo(&mut self, now: Instant, from: Family) -> bool {
        let mut buffer = echo_buffer();
        // Out of its place while it is read: what comes in leads to other parts of the same whole.
        let Some(socket) = self.bfd.echoes.socket(from).take() else {
            return false;
        };
        let more = self.read_echo_packets(now, &socket, &mut buffer);
        *self.bfd.echoes.socket(from) = Some(socket);
        more
    }

    fn read_echo_packets(
        &mut self,
        now: Instant,
        socket: &EchoSocket,
        buffer: &mut EchoBuffer,
    ) -> bool {
        for _ in 0..PER_TURN {
            match socket.receive(buffer) {
                Ok(Some(Some(echoed))) => self.hear_echo(now, echoed),
                Ok(Some(None)) => {}
                Ok(None) => return false,
                // An interface that goes down is told here too, once, and packets may wait behind.
                Err(_) => {}
            }
        }
        true
    }

    fn hear_echo(&mut self, now: Instant, mut echoed: Echoed<'_>) {
        let echoes = &self.bfd.echoes;
        let destination = echoed.destination;
        if echoes.own.contains(&destination) {
            self.bfd.totals.received += 1;
            // Counted with the session, or, if it is nobody's, in the table.
            let _ = self.bfd.table.handle_echo(now, echoed.payload());
            return;
        }
        let asked = echoes.peers.contains(&destination)
            && echoes.neighbours.mac(destination, echoed.link) == Some(echoed.mac);
        let Some(link) = self.reconciler.link_by_index(echoed.link).filter(|_| asked) else {
            return;
        };
        let (name, own) = (link.name, link.mac);
        if self.forwards(now, echoed.link, name, destination.is_ipv6()) {
            return;
        }
        let (index, mac) = (echoed.link, echoed.mac);
        if let (Some(own), Some(packet)) = (own, echoed.forward()) {
            let frame = frame(mac, own, destination, packet);
            // One that is lost is what the neighbour wants to know of.
            if self.frames.send(index, name.as_str(), &frame).is_ok() {
                self.bfd.totals.echoed += 1;
            }
        }
    }

    /// Whether the kernel sends packets on that come in by this interface.
    fn forwards(&mut self, now: Instant, index: u32, name: InterfaceName, ipv6: bool) -> bool {
        let forwarding = &mut self.bfd.echoes.forwarding;
        if let Some((since, forwards)) = forwarding.get(&(index, ipv6))
            && now.saturating_duration_since(*since) < FORWARDING_FOR
        {
            return *forwards;
        }
        let version = if ipv6 { "ipv6" } else { "ipv4" };
        let switch = format!("/proc/sys/net/{version}/conf/{name}/forwarding");
        // Better one packet too few than one too many: the other one is counted as a forgery.
        let forwards = fs::read_to_string(switch).map_or(true, |text| text.trim() != "0");
        forwarding.insert((index, ipv6), (now, forwards));
        forwards
    }
}
