//! What the kernel counts: apart from the configuration, so that traffic makes nothing unequal.

use crate::destination::Destination;
use crate::service::Service;

/// Counters and rates. From 64-bit attributes where the kernel has them, else from 32-bit ones,
/// which wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections scheduled.
    pub connections: u64,
    /// Packets from clients.
    pub in_packets: u64,
    /// Packets to clients.
    pub out_packets: u64,
    /// Octets from clients.
    pub in_bytes: u64,
    /// Octets to clients.
    pub out_bytes: u64,
    /// Connections a second, as the kernel estimates it; so are the following.
    pub connection_rate: u64,
    /// Packets a second from clients.
    pub in_packet_rate: u64,
    /// Packets a second to clients.
    pub out_packet_rate: u64,
    /// Octets a second from clients.
    pub in_byte_rate: u64,
    /// Octets a second to clients.
    pub out_byte_rate: u64,
}

impl Counters {
    /// In the order of the attributes, which count from 1.
    pub(crate) const fn in_order(&self) -> [u64; 10] {
        [
            self.connections,
            self.in_packets,
            self.out_packets,
            self.in_bytes,
            self.out_bytes,
            self.connection_rate,
            self.in_packet_rate,
            self.out_packet_rate,
            self.in_byte_rate,
            self.out_byte_rate,
        ]
    }

    pub(crate) const fn field(&mut self, attribute: u16) -> Option<&mut u64> {
        Some(match attribute {
            1 => &mut self.connections,
            2 => &mut self.in_packets,
            3 => &mut self.out_packets,
            4 => &mut self.in_bytes,
            5 => &mut self.out_bytes,
            6 => &mut self.connection_rate,
            7 => &mut self.in_packet_rate,
            8 => &mut self.out_packet_rate,
            9 => &mut self.in_byte_rate,
            10 => &mut self.out_byte_rate,
            _ => return None,
        })
    }
}

/// A service as the kernel tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceStatus {
    /// Its configuration.
    pub service: Service,
    /// What went through it.
    pub counters: Counters,
}

/// A destination as the kernel tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DestinationStatus {
    /// Its configuration.
    pub destination: Destination,
    /// Connections that are open.
    pub active: u32,
    /// Connections that are closing or were never opened.
    pub inactive: u32,
    /// Clients that are remembered.
    pub persistent: u32,
    /// What went to it.
    pub counters: Counters,
}
