//! Reading and sending.

use std::io;
use std::os::fd::AsRawFd;

use bfd::{Buffer, Definition, InterfaceId, MAX_LEN, Purpose, Rx, SessionId};
use sans_io_time::Instant;
use vrrp_proto::Family;

use super::Sessions;
use crate::election::receive::BATCHES_PER_TURN;
use crate::election::{Elections, RETRY};
use crate::gaps::Gaps;
use crate::report::Report;
use crate::sockets::bfd::{Arrived, Envelope, Letter, Receiver, Room, Sender, family};
use crate::sources::{BfdPort, BfdSocket, Source};

/// Which raw socket: family, and the interface it is bound to, 0 for none.
pub(super) type SenderKey = (bool, u32);

/// The key of the socket for a family.
pub(super) fn senders_key(family: Family, scope: u32) -> SenderKey {
    (family == Family::Ipv6, scope)
}

/// Letters that wait for company. When more sessions speak in one turn, the first are sent before
/// the last have been asked.
const OUTBOX: usize = 256;

/// The interface of packets from where no session has named one.
const ELSEWHERE: InterfaceId = InterfaceId(u32::MAX - 1);

impl Sessions {
    /// The sockets that the sessions need.
    fn wanted(&self) -> Vec<BfdSocket> {
        let mut wanted: Vec<BfdSocket> = self
            .running
            .values()
            .map(|running| {
                let port = match running.setup.definition {
                    Definition::SingleHop(..) => BfdPort::SingleHop,
                    Definition::Multihop(..) => BfdPort::Multihop,
                    Definition::Seamless(..) => BfdPort::Initiator,
                };
                let family = family(running.setup.definition.path().peer());
                BfdSocket { port, family }
            })
            .chain(self.reflector_sockets())
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// A socket could not be opened, which is tried again and again. What to say of it, if it is time.
    fn not_open(&mut self, now: Instant, key: BfdSocket, error: &io::Error) -> Option<String> {
        let gaps = self.unopened.entry(key).or_insert_with(|| Gaps::after(1));
        let unsaid = gaps.happened(now)?;
        let port = key.port.number();
        let times = match unsaid {
            0 => String::new(),
            more => format!(" (and {more} times since this was last said)"),
        };
        Some(format!(
            "BFD: cannot listen on UDP port {port}: {error}{times}"
        ))
    }

    /// Take one packet to its session.
    fn hear(&mut self, now: Instant, port: u16, arrived: &Arrived, payload: &[u8]) {
        self.totals.received += 1;
        let interface = self.by_index.get(&arrived.interface).copied();
        let rx = Rx {
            interface: interface.unwrap_or(ELSEWHERE),
            source: arrived.source,
            destination: arrived.destination,
            destination_port: port,
            ttl: arrived.ttl,
            payload,
        };
        // Counted with the session, or, if it is nobody's, in the table.
        let _ = self.table.handle_packet(now, &rx);
    }
}

impl Elections {
    /// Open the sockets that are missing, close those that nobody needs.
    pub(in crate::election) fn open_bfd(&mut self) {
        let wanted = self.bfd.wanted();
        self.bfd.receivers.retain(|key, _| wanted.contains(key));
        self.bfd.unopened.retain(|key, _| wanted.contains(key));
        for key in wanted {
            if self.bfd.receivers.contains_key(&key) {
                continue;
            }
            let opened = Receiver::open(key.family, key.port.number()).and_then(|receiver| {
                self.register(receiver.as_raw_fd(), Source::Bfd(key).into())?;
                let port = receiver.port()?;
                Ok((receiver, port))
            });
            match opened {
                Ok((receiver, port)) => {
                    if key.port == BfdPort::Initiator {
                        let ipv6 = key.family == Family::Ipv6;
                        self.bfd.table.set_seamless_port(ipv6, port);
                    }
                    self.bfd.unopened.remove(&key);
                    self.bfd.receivers.insert(key, (receiver, port));
                }
                Err(error) => {
                    let now = self.clock.now();
                    if let Some(message) = self.bfd.not_open(now, key, &error) {
                        self.reports.push(Report::Trouble { message });
                    }
                    self.retry_at = self.retry_at.or_else(|| now.checked_add(RETRY));
                }
            }
        }
        self.open_echoes();
    }

    /// True if more may be waiting.
    pub(in crate::election) fn read_bfd(&mut self, now: Instant, key: BfdSocket) -> bool {
        let mut room = std::mem::take(&mut self.bfd.room);
        let more = self.read_bfd_batches(now, key, &mut room);
        self.bfd.room = room;
        more
    }

    fn read_bfd_batches(&mut self, now: Instant, key: BfdSocket, room: &mut Room) -> bool {
        for _ in 0..BATCHES_PER_TURN {
            let Some((receiver, port)) = self.bfd.receivers.remove(&key) else {
                return false;
            };
            let sessions = &mut self.bfd;
            let result = receiver.receive(room, |arrived, payload| match key.port {
                BfdPort::Reflector => sessions.reflect(now, arrived, payload),
                _ => sessions.hear(now, port, arrived, payload),
            });
            self.bfd.receivers.insert(key, (receiver, port));
            match result {
                Ok(true) => {}
                Ok(false) => return false,
                Err(error) => {
                    self.reports.push(Report::Trouble {
                        message: format!("receiving BFD packets failed: {error}"),
                    });
                    return false;
                }
            }
        }
        true
    }

    /// Send what sessions have to say.
    pub(in crate::election) fn send_bfd(&mut self, now: Instant) {
        let mut buffer: Buffer = [0; MAX_LEN];
        // Answers of the reflector.
        let mut waiting: usize = self.bfd.outbox.values().map(Vec::len).sum();
        while let Some(transmit) = self.bfd.table.poll_transmit(now, &mut buffer) {
            // A retiring session is not in the configuration any more; it may still have its say.
            let Some(running) = self.bfd.running.get(&transmit.id) else {
                continue;
            };
            let Some(source) = running.source else {
                continue;
            };
            let envelope = Envelope {
                source,
                source_port: transmit.source_port,
                destination: transmit.destination,
                destination_port: transmit.destination_port,
                ttl: transmit.ttl,
                scope: running.scope,
            };
            let Some(letter) = Letter::new(&envelope, &buffer, transmit.length) else {
                continue;
            };
            if transmit.purpose == Purpose::Echo {
                self.send_echo(transmit.id, &letter);
                continue;
            }
            let key = senders_key(family(source), running.scope);
            let outbox = self.bfd.outbox.entry(key).or_default();
            outbox.push((Some(transmit.id), letter));
            waiting += 1;
            if waiting >= OUTBOX {
                waiting = 0;
                self.flush_bfd();
            }
        }
        if waiting > 0 {
            self.flush_bfd();
        }
    }

    fn flush_bfd(&mut self) {
        let mut failures: Vec<(SessionId, std::io::Error)> = Vec::new();
        let Sessions {
            outbox,
            senders,
            totals,
            ..
        } = &mut self.bfd;
        let reconciler = &self.reconciler;
        for (key, letters) in outbox {
            if letters.is_empty() {
                continue;
            }
            let sender = match senders.entry(*key) {
                std::collections::btree_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    let family = if key.0 { Family::Ipv6 } else { Family::Ipv4 };
                    let link = reconciler.link_by_index(key.1);
                    let name = link.as_ref().map(|link| link.name.as_str());
                    Sender::open(family, name).map(|sender| entry.insert(sender))
                }
            };
            match sender {
                Ok(sender) => {
                    let failed = |id: Option<SessionId>, error| {
                        failures.extend(id.map(|id| (id, error)));
                    };
                    let sent = sender.send(letters, failed);
                    totals.sent += u64::try_from(sent).unwrap_or(u64::MAX);
                }
                Err(error) => {
                    let kind = error.kind();
                    let ids = letters.iter().filter_map(|(id, _)| *id);
                    failures.extend(ids.map(|id| (id, kind.into())));
                }
            }
            letters.clear();
        }
        for (id, error) in failures {
            self.note_send_error(id, &error);
        }
    }

    pub(super) fn note_send_error(&mut self, id: SessionId, error: &std::io::Error) {
        let Some(running) = self.bfd.running.get_mut(&id) else {
            return;
        };
        running.send_errors += 1;
        // A link that is down refuses every packet: a word now and then is enough.
        if running.send_errors.is_power_of_two() {
            self.reports.push(Report::Trouble {
                message: format!(
                    "BFD ({}) sending failed ({} times so far): {error}",
                    running.setup.name, running.send_errors
                ),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_port_that_another_program_has_is_not_told_each_second() {
        let mut sessions = Sessions::new();
        let key = |family| BfdSocket {
            port: BfdPort::SingleHop,
            family,
        };
        let at = |second| Instant::from_nanos(0).checked_add(Duration::from_secs(second));
        let mut said = Vec::new();
        for second in 0..100 {
            let error = io::ErrorKind::AddrInUse.into();
            let words = sessions.not_open(at(second).unwrap(), key(Family::Ipv4), &error);
            said.extend(words.map(|words| (second, words)));
        }
        let seconds: Vec<u64> = said.iter().map(|(second, _)| *second).collect();
        assert_eq!(seconds, [0, 10, 30, 70]);
        let first = "BFD: cannot listen on UDP port 3784: address in use";
        assert_eq!(said[0].1, first);
        let later = format!("{first} (and 9 times since this was last said)");
        assert_eq!(said[1].1, later);
        // The other family is another matter.
        let error = io::ErrorKind::AddrInUse.into();
        let words = sessions.not_open(at(71).unwrap(), key(Family::Ipv6), &error);
        assert_eq!(words.as_deref(), Some(first));
    }
}
