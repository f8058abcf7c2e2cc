//! The Internet checksum (RFC 1071) over a message and, where it has one, its pseudo header.
//!
//! What is summed in front of the message, RFC 8200 8.1 for IPv6 and its IPv4 counterpart:
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                 Source Address (4 or 16 octets)               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |              Destination Address (4 or 16 octets)             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |              Length of the VRRP message in octets             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                      zero                     |      112      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! The IPv4 pseudo header packs zero, protocol and a 16-bit length into one word instead of the
//! last two, which gives the same sum.

use core::net::IpAddr;

use crate::types::{GROUP_V4, PROTOCOL};

/// What a checksum covers: what made a received one verify, or how to make the one to send.
///
/// There is a choice in VRRPv3 over IPv4 only. VRRPv2 is always [`MessageOnly`](Self::MessageOnly)
/// and IPv6 always [`PseudoHeader`](Self::PseudoHeader).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Checksum {
    /// The VRRP message alone, as RFC 9568 5.2.8 has it for IPv4. VRRP-V3-CK-01.
    MessageOnly,
    /// A pseudo header and the VRRP message: always so over IPv6 (VRRP-V3-CK-02), and the common
    /// reading of RFC 5798 5.2.8 over IPv4 (VRRP-V3-CK-03).
    PseudoHeader,
    /// As `PseudoHeader`, but with 224.0.0.18 for the destination although the packet went to a
    /// unicast address. Spoken by Keepalived up to 1.3.6. VRRP-V3-CK-05.
    OldUnicast,
}

/// A running ones' complement sum of 16-bit words.
///
/// Two properties of that sum make it cheap (RFC 1071 2): words may be taken 32 bits at a time
/// and folded at the end, and the order of the octets within a word does not matter as long as
/// the result is stored in the same order. So everything here is in the machine's own order.
#[derive(Clone, Copy)]
pub(crate) struct Sum(u64);

impl Sum {
    /// The sum of these octets; a last incomplete word is filled up with zero octets.
    ///
    /// Wrapping is out of reach: it would take 16 GiB.
    #[inline]
    pub(crate) fn of(octets: &[u8]) -> Self {
        let (words, rest) = octets.as_chunks::<4>();
        let sum = words.iter().fold(0, |sum: u64, word| {
            sum.wrapping_add(u32::from_ne_bytes(*word).into())
        });
        if rest.is_empty() {
            return Self(sum);
        }
        let mut last = [0; 4];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        Self(sum).and(Self(u32::from_ne_bytes(last).into()))
    }

    /// The sum of the pseudo header of a message of `len` octets; addresses of one family.
    ///
    /// VRRP-V3-CK-02, VRRP-V3-CK-03.
    #[inline]
    pub(crate) fn of_pseudo_header(source: IpAddr, destination: IpAddr, len: usize) -> Self {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        Self::of_address(source)
            .and(Self::of_address(destination))
            .and(Self::of(&len.to_be_bytes()))
            .and(Self::of(&[0, 0, 0, PROTOCOL]))
    }

    /// The sum of the pseudo header that old Keepalived puts in front of unicast adverts.
    ///
    /// VRRP-V3-CK-05.
    pub(crate) fn of_old_unicast(source: IpAddr, len: usize) -> Self {
        Self::of_pseudo_header(source, IpAddr::V4(GROUP_V4), len)
    }

    #[inline]
    fn of_address(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of(&address.octets()),
            IpAddr::V6(address) => Self::of(&address.octets()),
        }
    }

    /// The sum of both.
    #[inline]
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    /// The 16-bit sum, in the machine's order.
    #[inline]
    const fn fold(self) -> u16 {
        let sum = (self.0 >> 32).wrapping_add(self.0 & 0xffff_ffff);
        let sum = (sum >> 16).wrapping_add(sum & 0xffff);
        let sum = (sum >> 16).wrapping_add(sum & 0xffff);
        let sum = (sum >> 16).wrapping_add(sum & 0xffff);
        let [low, high, ..] = sum.to_le_bytes();
        u16::from_le_bytes([low, high])
    }

    /// Whether octets with a checksum among them add up, RFC 1071 1. VRRP-V3-CK-06.
    #[inline]
    pub(crate) const fn verifies(self) -> bool {
        self.fold() == 0xffff
    }

    /// The two octets to put into the checksum field, which was zero while summing.
    #[inline]
    pub(crate) const fn field(self) -> [u8; 2] {
        (!self.fold()).to_ne_bytes()
    }
}

#[cfg(test)]
mod tests;
