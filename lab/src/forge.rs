//! Adverts of routers that do not exist, to see what a real one makes of them.

use std::net::Ipv4Addr;

use crate::Host;
use crate::inject;

/// An advert over IPv4 as its sender would write it.
#[derive(Clone, Debug)]
pub struct Forged {
    /// 2 or 3.
    pub version: u8,
    /// Virtual router id.
    pub vrid: u8,
    /// Priority.
    pub priority: u8,
    /// Interval in seconds (version 2) or hundredths of one.
    pub interval: u16,
    /// The addresses listed.
    pub addresses: Vec<Ipv4Addr>,
    /// IP source.
    pub source: Ipv4Addr,
    /// IP destination.
    pub destination: Ipv4Addr,
    /// TTL.
    pub ttl: u8,
}

impl Forged {
    /// Version 3, every 100 ms, to the group, from an address that no host has.
    #[must_use]
    pub fn new(vrid: u8, priority: u8, address: Ipv4Addr) -> Self {
        Self {
            version: 3,
            vrid,
            priority,
            interval: 10,
            addresses: vec![address],
            source: Ipv4Addr::new(10, 9, 0, 99),
            destination: Ipv4Addr::new(224, 0, 0, 18),
            ttl: 255,
        }
    }

    /// Header and message.
    #[must_use]
    pub fn packet(&self) -> Vec<u8> {
        self.packet_with(|_| Vec::new())
    }

    /// Header, message, and what `trailer` makes of the message, which no checksum counts in.
    #[must_use]
    pub fn packet_with(&self, trailer: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let count = u8::try_from(self.addresses.len()).unwrap_or(u8::MAX);
        let mut message = vec![self.version << 4 | 1, self.vrid, self.priority, count];
        match self.version {
            2 => message.extend([0, u8::try_from(self.interval).unwrap_or(u8::MAX)]),
            _ => message.extend(self.interval.to_be_bytes()),
        }
        message.extend([0, 0]);
        message.extend(self.addresses.iter().flat_map(Ipv4Addr::octets));
        if self.version == 2 {
            message.extend([0; 8]);
        }
        let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
        // Version 3 counts the addresses and the length of the packet in.
        let mut summed = Vec::new();
        if self.version == 3 {
            summed.extend(self.source.octets());
            summed.extend(self.destination.octets());
            summed.extend([0, 112]);
            summed.extend(length.to_be_bytes());
        }
        summed.extend(&message);
        let [high, low] = checksum(&summed).to_be_bytes();
        message[6] = high;
        message[7] = low;

        let trailer = trailer(&message);
        let total = length + 20 + u16::try_from(trailer.len()).unwrap_or(0);
        let [total_high, total_low] = total.to_be_bytes();
        let mut packet = vec![
            0x45, 0xc0, total_high, total_low, 0, 0, 0, 0, self.ttl, 112, 0, 0,
        ];
        packet.extend(self.source.octets());
        packet.extend(self.destination.octets());
        let [high, low] = checksum(&packet).to_be_bytes();
        packet[10] = high;
        packet[11] = low;
        packet.extend(message);
        packet.extend(trailer);
        packet
    }

    /// One copy on the wire, from `sender`, to `receiver` alone if the destination is no group.
    pub fn send(&self, sender: &Host, receiver: &Host) {
        self.send_packet(&self.packet(), sender, receiver);
    }

    /// As [`Self::send`], of a packet made by [`Self::packet_with`].
    pub fn send_packet(&self, packet: &[u8], sender: &Host, receiver: &Host) {
        let mut frame = inject::frame(sender, packet);
        if !self.destination.is_multicast() {
            frame[..6].copy_from_slice(&receiver.mac);
        }
        let sent = inject::flood(sender, vec![frame], 1000, 1);
        assert_eq!(sent, [1]);
    }
}

fn checksum(octets: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for pair in octets.chunks(2) {
        sum += u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from);
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}
