//! ARP for IPv4 over Ethernet (RFC 826).
//!
//! ```text
//! offset  0 destination MAC   6 source MAC     12 ethertype 0806
//!        14 hardware type 1  16 protocol 0800  18 lengths 6, 4    20 operation
//!        22 sender MAC       28 sender IP      32 target MAC      38 target IP
//! ```

use std::net::Ipv4Addr;

use crate::announce::ArpTarget;
use crate::error::{ArpError, SendError};
use crate::ethernet::{self, BROADCAST, Ethernet, Writer};

/// Octets of an ARP packet without the Ethernet header.
const PACKET_LEN: usize = 28;
const HARDWARE_ETHERNET: u16 = 1;
const PROTOCOL_IPV4: u16 = 0x0800;

/// What an ARP packet asks or tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Who has the target address?
    Request,
    /// The sender address is at the sender MAC.
    Reply,
}

/// One ARP frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArpFrame {
    /// Ethernet header.
    pub ethernet: Ethernet,
    /// Request or reply.
    pub operation: Operation,
    /// Who sends, by MAC.
    pub sender_mac: [u8; 6],
    /// Who sends, by address; unspecified in a probe (RFC 5227).
    pub sender: Ipv4Addr,
    /// Who is meant, by MAC; without meaning in a request.
    pub target_mac: [u8; 6],
    /// Who is meant, by address.
    pub target: Ipv4Addr,
}

impl ArpFrame {
    /// Gratuitous ARP, request form: `address` is at `mac` (ARP-01, ARP-02, RFC 9568 6.4.1).
    #[must_use]
    pub fn announcement(mac: [u8; 6], address: Ipv4Addr, target: ArpTarget) -> Self {
        let target_mac = match target {
            ArpTarget::Broadcast => BROADCAST,
            ArpTarget::Sender => mac,
            ArpTarget::Zero => [0; 6],
        };
        Self {
            ethernet: Ethernet::new(BROADCAST, mac),
            operation: Operation::Request,
            sender_mac: mac,
            sender: address,
            target_mac,
            target: address,
        }
    }

    /// Gratuitous ARP, reply form (ARP-05).
    #[must_use]
    pub fn announcement_reply(mac: [u8; 6], address: Ipv4Addr, target: ArpTarget) -> Self {
        Self {
            operation: Operation::Reply,
            ..Self::announcement(mac, address, target)
        }
    }

    /// The answer to this request if it asks for `address`, which is at `mac` (ARP-06). A probe
    /// is answered too: that is how the address is defended (RFC 5227 2.4).
    #[must_use]
    pub fn answer(&self, mac: [u8; 6], address: Ipv4Addr) -> Option<Self> {
        if self.operation != Operation::Request || self.target != address || self.is_gratuitous() {
            return None;
        }
        Some(Self {
            ethernet: Ethernet {
                vlan: self.ethernet.vlan,
                ..Ethernet::new(self.sender_mac, mac)
            },
            operation: Operation::Reply,
            sender_mac: mac,
            sender: address,
            target_mac: self.sender_mac,
            target: self.sender,
        })
    }

    /// The sender speaks about itself.
    #[must_use]
    pub fn is_gratuitous(&self) -> bool {
        self.sender == self.target
    }

    /// Reads a received frame; padding is ignored (ARP-10).
    ///
    /// # Errors
    /// [`ArpError`], one variant per rule, checked in the order of the fields.
    pub fn parse(frame: &[u8]) -> Result<Self, ArpError> {
        let (ethernet, kind, packet) = Ethernet::parse(frame).ok_or(ArpError::Truncated)?;
        if kind != ethernet::ARP {
            return Err(ArpError::EtherType(kind));
        }
        Self::parse_packet(ethernet, packet)
    }

    fn parse_packet(ethernet: Ethernet, packet: &[u8]) -> Result<Self, ArpError> {
        let packet = packet
            .first_chunk::<PACKET_LEN>()
            .ok_or(ArpError::Truncated)?;
        let [h0, h1, p0, p1, hlen, plen, o0, o1, addresses @ ..] = *packet;
        let hardware = u16::from_be_bytes([h0, h1]);
        if hardware != HARDWARE_ETHERNET {
            return Err(ArpError::HardwareType(hardware));
        }
        let protocol = u16::from_be_bytes([p0, p1]);
        if protocol != PROTOCOL_IPV4 {
            return Err(ArpError::ProtocolType(protocol));
        }
        if hlen != 6 {
            return Err(ArpError::HardwareLength(hlen));
        }
        if plen != 4 {
            return Err(ArpError::ProtocolLength(plen));
        }
        let operation = match u16::from_be_bytes([o0, o1]) {
            1 => Operation::Request,
            2 => Operation::Reply,
            other => return Err(ArpError::Operation(other)),
        };
        let (sender_mac, rest) = addresses.split_first_chunk().ok_or(ArpError::Truncated)?;
        let (sender, rest) = rest.split_first_chunk::<4>().ok_or(ArpError::Truncated)?;
        let (target_mac, rest) = rest.split_first_chunk().ok_or(ArpError::Truncated)?;
        let target = rest.first_chunk::<4>().ok_or(ArpError::Truncated)?;
        Ok(Self {
            ethernet,
            operation,
            sender_mac: *sender_mac,
            sender: (*sender).into(),
            target_mac: *target_mac,
            target: (*target).into(),
        })
    }

    /// Octets of the frame; padding to the Ethernet minimum is the driver's matter.
    #[must_use]
    pub const fn buffer_len(&self) -> usize {
        self.ethernet.len() + PACKET_LEN
    }

    /// Writes the frame and returns its length.
    ///
    /// # Errors
    /// [`SendError::BufferTooShort`].
    pub fn emit(&self, out: &mut [u8]) -> Result<usize, SendError> {
        let len = self.buffer_len();
        if out.len() < len {
            return Err(SendError::BufferTooShort(len));
        }
        let mut out = Writer::new(out);
        self.ethernet.emit(ethernet::ARP, &mut out);
        out.put(&HARDWARE_ETHERNET.to_be_bytes());
        out.put(&PROTOCOL_IPV4.to_be_bytes());
        out.put(&[6, 4, 0]);
        out.put(&[match self.operation {
            Operation::Request => 1,
            Operation::Reply => 2,
        }]);
        out.put(&self.sender_mac);
        out.put(&self.sender.octets());
        out.put(&self.target_mac);
        out.put(&self.target.octets());
        Ok(len)
    }

    /// Checks that a frame about a virtual address shows no other MAC than the virtual one
    /// (ARP-08, RFC 9568 8.1.2).
    ///
    /// # Errors
    /// [`SendError::PhysicalMacExposed`].
    pub fn check_send(&self, virtual_mac: [u8; 6]) -> Result<(), SendError> {
        if self.sender_mac == virtual_mac && self.ethernet.source == virtual_mac {
            Ok(())
        } else {
            Err(SendError::PhysicalMacExposed)
        }
    }
}
