//! The neighbour table of the kernel, as far as it was told: who has which MAC address.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::encode::{self, Fact, neighbour};

/// Multicast group of its news, for `NETLINK_ADD_MEMBERSHIP` (`RTNLGRP_NEIGH`).
pub const NEIGHBOUR_GROUP: u32 = 3;

/// A copy of the neighbour table.
///
/// Sans-IO: send [`request`](Self::request) through a socket that has joined [`NEIGHBOUR_GROUP`], and
/// hand over every datagram that arrives there.
#[derive(Clone, Debug, Default)]
pub struct Neighbours {
    known: BTreeMap<(IpAddr, u32), [u8; 6]>,
    /// Of the dump that is under way: what it has shown so far.
    dump: Option<Vec<(IpAddr, u32)>>,
    sequence: u32,
    /// News were lost: the table has to be asked for anew.
    lost: bool,
}

impl Neighbours {
    /// Knows nobody.
    #[must_use]
    pub fn new() -> Self {
        Self {
            lost: true,
            ..Self::default()
        }
    }

    /// The request for the whole table, if it has to be asked for: at first, and when news were
    /// lost.
    pub fn request(&mut self) -> Option<Vec<u8>> {
        if self.dump.is_some() || !std::mem::take(&mut self.lost) {
            return None;
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.dump = Some(Vec::new());
        let mut request = Vec::new();
        neighbour::dump_neighbours(self.sequence, &mut request);
        Some(request)
    }

    /// The socket has lost datagrams.
    pub fn handle_overrun(&mut self) {
        self.lost = true;
        // Its end may have been lost, too.
        self.dump = None;
    }

    /// Takes in a datagram. True: something has changed.
    pub fn handle_datagram(&mut self, datagram: &[u8]) -> bool {
        let mut changed = false;
        for message in encode::messages(datagram) {
            // What cannot be read is nobody we could send to.
            let Ok(message) = message else { continue };
            let ours = message.of_dump && message.seq == self.sequence;
            self.lost |= message.interrupted && ours;
            match message.fact {
                Fact::Neighbour(entry) => {
                    let key = (entry.address, entry.link);
                    if let Some(seen) = self.dump.as_mut().filter(|_| ours) {
                        seen.push(key);
                    }
                    changed |= match entry.mac {
                        Some(mac) => self.known.insert(key, mac) != Some(mac),
                        None => self.known.remove(&key).is_some(),
                    };
                }
                Fact::NoNeighbour(entry) => {
                    changed |= self.known.remove(&(entry.address, entry.link)).is_some();
                }
                Fact::Done { errno } if message.seq == self.sequence => {
                    changed |= self.finish(errno == 0);
                }
                Fact::Answer { errno, .. } if message.seq == self.sequence && errno != 0 => {
                    self.dump = None;
                }
                Fact::Overrun => self.handle_overrun(),
                _ => {}
            }
        }
        changed
    }

    /// What a whole dump did not show is gone.
    fn finish(&mut self, whole: bool) -> bool {
        let Some(mut seen) = self.dump.take() else {
            return false;
        };
        if !whole || self.lost {
            return false;
        }
        seen.sort_unstable();
        let before = self.known.len();
        self.known.retain(|key, _| seen.binary_search(key).is_ok());
        self.known.len() != before
    }

    /// The MAC address of a neighbour on a link, by the kernel's index.
    #[must_use]
    pub fn mac(&self, address: IpAddr, link: u32) -> Option<[u8; 6]> {
        self.known.get(&(address, link)).copied()
    }

    /// The links on which this neighbour is known, by the kernel's index, and its MAC address there.
    pub fn find(&self, address: IpAddr) -> impl Iterator<Item = (u32, [u8; 6])> {
        let range = (address, 0)..=(address, u32::MAX);
        self.known
            .range(range)
            .map(|((_, link), mac)| (*link, *mac))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: u16 = 28;
    const GONE: u16 = 29;
    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];
    const REACHABLE: u16 = 2;
    const FAILED: u16 = 32;
    const MULTI: u16 = 2;

    /// As the kernel writes it: `ip monitor neigh`, seen with `nlmon`.
    fn message(
        kind: u16,
        seq: u32,
        flags: u16,
        state: u16,
        last: u8,
        mac: Option<[u8; 6]>,
    ) -> Vec<u8> {
        let mut body = vec![2, 0, 0, 0];
        body.extend(7u32.to_ne_bytes());
        body.extend(state.to_ne_bytes());
        body.extend([0, 1]);
        body.extend([8, 0, 1, 0, 192, 0, 2, last]);
        if let Some(mac) = mac {
            body.extend([10, 0, 2, 0]);
            body.extend(mac);
            body.extend([0, 0]);
        }
        framed(kind, seq, flags, &body)
    }

    fn framed(kind: u16, seq: u32, flags: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(16 + body.len()).unwrap();
        let mut message = length.to_ne_bytes().to_vec();
        message.extend(kind.to_ne_bytes());
        message.extend(flags.to_ne_bytes());
        message.extend(seq.to_ne_bytes());
        message.extend(0u32.to_ne_bytes());
        message.extend(body);
        message
    }

    fn peer(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    /// BFD-EC-05: an echo packet needs the neighbour's MAC address of now.
    #[test]
    fn a_neighbour_is_known_as_long_as_the_kernel_knows_it() {
        let mut table = Neighbours::new();
        assert!(table.handle_datagram(&message(NEW, 0, 0, REACHABLE, 1, Some(MAC))));
        assert_eq!(table.mac(peer(1), 7), Some(MAC));
        assert_eq!(table.mac(peer(1), 8), None);
        assert_eq!(table.find(peer(1)).collect::<Vec<_>>(), [(7, MAC)]);
        assert!(!table.handle_datagram(&message(NEW, 0, 0, REACHABLE, 1, Some(MAC))));
        let other = [2, 0, 0, 0, 0, 10];
        assert!(table.handle_datagram(&message(NEW, 0, 0, REACHABLE, 1, Some(other))));
        assert_eq!(table.mac(peer(1), 7), Some(other));
        assert!(table.handle_datagram(&message(NEW, 0, 0, FAILED, 1, Some(other))));
        assert_eq!(table.mac(peer(1), 7), None);
        table.handle_datagram(&message(NEW, 0, 0, REACHABLE, 1, Some(MAC)));
        assert!(table.handle_datagram(&message(GONE, 0, 0, FAILED, 1, None)));
        assert_eq!(table.find(peer(1)).count(), 0);
    }

    /// News that were lost are made up for.
    #[test]
    fn what_a_whole_dump_does_not_show_is_gone() {
        let mut table = Neighbours::new();
        table.handle_datagram(&message(NEW, 0, 0, REACHABLE, 1, Some(MAC)));
        let request = table.request().unwrap();
        assert_eq!(request[4..8], [30, 0, 1, 3], "RTM_GETNEIGH, a dump");
        assert_eq!(table.request(), None, "one after the other");
        assert!(table.handle_datagram(&message(NEW, 1, MULTI, REACHABLE, 2, Some(MAC))));
        assert!(table.handle_datagram(&framed(3, 1, MULTI, &[0; 4])));
        assert_eq!(
            (table.mac(peer(1), 7), table.mac(peer(2), 7)),
            (None, Some(MAC))
        );
        assert_eq!(table.request(), None);
        table.handle_overrun();
        assert!(table.request().is_some());
        // One that was interrupted shows nothing about what is gone.
        let interrupted = MULTI | 0x10;
        table.handle_datagram(&message(NEW, 2, interrupted, REACHABLE, 3, Some(MAC)));
        table.handle_datagram(&framed(3, 2, MULTI, &[0; 4]));
        assert_eq!(table.mac(peer(2), 7), Some(MAC));
        assert!(table.request().is_some());
        for length in 0..40 {
            let whole = message(NEW, 0, 0, REACHABLE, 4, Some(MAC));
            table.handle_datagram(&whole[..length]);
        }
        assert_eq!(table.mac(peer(4), 7), None);
    }
}
