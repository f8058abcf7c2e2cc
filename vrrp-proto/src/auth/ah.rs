//! The IP authentication header of VRRPv2 authentication type 2: RFC 2338 5.3.6.3, in the form of
//! RFC 2402 with HMAC-MD5-96, as keepalived puts it on the wire. IPv4 only.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | Next Hdr 112  | Payload Len 4 |           Reserved            |  RFC 2402 2
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     Security Parameters Index: the sender's IPv4 address      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                    Sequence Number, from 1                    |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |       Integrity Check Value: 12 octets of an HMAC-MD5         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! The check value covers the IP header, this header and the message. What routers may change is
//! taken as zero (RFC 2402 3.3.3.1.1.1): TOS, flags and fragment offset, header checksum, and the
//! TTL of unicast packets. The TTL of a packet to a multicast group is covered; it is 255 or the
//! packet is refused anyway.
//!
//! Sequence numbers are for the virtual router to judge. MD5 is what the format prescribes; of the
//! two extensions with a key the HMAC trailer is the better one.

use core::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use subtle::ConstantTimeEq;

use crate::auth::AH_PROTOCOL;
use crate::checksum::Sum;
use crate::emit::AdvertRepr;
use crate::error::{EmitError, ParseError};
use crate::ip::{IpMeta, Ipv4};
use crate::types::{PROTOCOL, TRAFFIC_CLASS};

/// Octets of the authentication header.
pub const AH_HEADER_LEN: usize = 24;

/// Octets of an IPv4 header without options: no other can be authenticated here.
const IPV4_HEADER_LEN: usize = 20;

/// Octets of the authentication header in front of the check value.
const AH_FIXED_LEN: usize = 12;

/// Octets of the check value.
const ICV_LEN: usize = 12;

/// Length field: 32-bit words of the header, less 2.
const AH_WORDS: u8 = 4;

/// A received IPv4 packet with an authentication header, of the right shape and not yet verified.
#[derive(Clone, Copy, Debug)]
pub struct AhPacket<'a> {
    meta: IpMeta,
    ip: &'a [u8; IPV4_HEADER_LEN],
    fixed: &'a [u8; AH_FIXED_LEN],
    icv: &'a [u8; ICV_LEN],
    message: &'a [u8],
}

impl<'a> AhPacket<'a> {
    /// Takes an IPv4 packet apart, as a raw socket delivers it. Nothing of it is to be believed
    /// before [`verifies`](Self::verifies). VRRP-V2-AUTH-05.
    ///
    /// # Errors
    ///
    /// Those of [`split_ipv4`](crate::split_ipv4), and
    /// [`AuthenticationHeaderShape`](ParseError::AuthenticationHeaderShape).
    pub fn parse(datagram: &'a [u8]) -> Result<Self, ParseError> {
        let packet = Ipv4::parse(datagram)?;
        if packet.protocol != AH_PROTOCOL {
            return Err(ParseError::Protocol {
                found: packet.protocol,
            });
        }
        let shape = ParseError::AuthenticationHeaderShape;
        let ip = packet.header.try_into().map_err(|_| shape)?;
        let (fixed, rest) = packet
            .payload
            .split_first_chunk::<AH_FIXED_LEN>()
            .ok_or(shape)?;
        let (icv, message) = rest.split_first_chunk().ok_or(shape)?;
        match fixed {
            [PROTOCOL, AH_WORDS, ..] => Ok(Self {
                meta: packet.meta,
                ip,
                fixed,
                icv,
                message,
            }),
            [PROTOCOL, ..] => Err(shape),
            [found, ..] => Err(ParseError::Protocol { found: *found }),
        }
    }

    /// The octets of the packet, in pieces: [`parse`](Self::parse) takes them again when put together.
    #[must_use]
    pub const fn pieces(&self) -> [&'a [u8]; 4] {
        [self.ip, self.fixed, self.icv, self.message]
    }

    /// The check value that this packet would have with another key.
    #[must_use]
    pub fn check_value(&self, key: &[u8; 8]) -> [u8; ICV_LEN] {
        let multicast = self.meta.destination.is_multicast();
        check_value(key, self.ip, multicast, self.fixed, self.message)
    }

    /// What the IP header says.
    #[must_use]
    pub const fn meta(&self) -> &IpMeta {
        &self.meta
    }

    /// The VRRP message behind the header.
    #[must_use]
    pub const fn message(&self) -> &'a [u8] {
        self.message
    }

    /// The security parameters index; the sender's address in VRRP.
    #[must_use]
    pub const fn index(&self) -> u32 {
        let [_, _, _, _, a, b, c, d, ..] = *self.fixed;
        u32::from_be_bytes([a, b, c, d])
    }

    /// Whether the index is the source address, as it has to be.
    #[must_use]
    pub fn index_is_source(&self) -> bool {
        match self.meta.source {
            IpAddr::V4(source) => source.to_bits() == self.index(),
            IpAddr::V6(_) => false,
        }
    }

    /// The sequence number.
    #[must_use]
    pub const fn sequence(&self) -> u32 {
        let [_, _, _, _, _, _, _, _, a, b, c, d] = *self.fixed;
        u32::from_be_bytes([a, b, c, d])
    }

    /// Whether the check value was made with this key: a password, padded with zero octets on the
    /// right. Takes the same time wherever the two differ. VRRP-V2-AUTH-05.
    #[must_use]
    pub fn verifies(&self, key: &[u8; 8]) -> bool {
        let multicast = self.meta.destination.is_multicast();
        let expected = check_value(key, self.ip, multicast, self.fixed, self.message);
        expected.ct_eq(self.icv).into()
    }
}

impl AdvertRepr<'_> {
    /// Octets that [`emit_ah`](Self::emit_ah) writes.
    #[must_use]
    pub const fn ah_packet_len(&self) -> usize {
        self.buffer_len()
            .saturating_add(IPV4_HEADER_LEN)
            .saturating_add(AH_HEADER_LEN)
    }

    /// Writes the whole IPv4 packet to the front of `out`, because the check value covers its
    /// header, and returns its length. The format has to have [`Auth::Ah`](crate::Auth::Ah).
    ///
    /// The identification is taken from the sequence number and never zero: a raw socket would
    /// put another one in its place, and the packet would not verify any more. VRRP-V2-AUTH-05.
    ///
    /// # Errors
    ///
    /// See [`EmitError`]; [`EmitError::AuthenticationHeader`] if the format is another one. `out`
    /// may then have been written to.
    pub fn emit_ah(
        &self,
        ip: &IpMeta,
        key: &[u8; 8],
        sequence: u32,
        out: &mut [u8],
    ) -> Result<usize, EmitError> {
        let (IpAddr::V4(source), IpAddr::V4(destination)) = (ip.source, ip.destination) else {
            return Err(EmitError::MixedFamilies);
        };
        let len = self.ah_packet_len();
        let too_small = EmitError::BufferTooSmall {
            needed: len,
            got: out.len(),
        };
        // 20 + 24 + 8 + 255 * 4 + 8 at most.
        let total = u16::try_from(len).map_err(|_| too_small)?;
        let packet = out.get_mut(..len).ok_or(too_small)?;
        let (header_slot, rest) = packet
            .split_first_chunk_mut::<IPV4_HEADER_LEN>()
            .ok_or(too_small)?;
        let (fixed_slot, rest) = rest
            .split_first_chunk_mut::<AH_FIXED_LEN>()
            .ok_or(too_small)?;
        let (icv_slot, message) = rest.split_first_chunk_mut::<ICV_LEN>().ok_or(too_small)?;
        self.emit_message(ip, message, crate::emit::Carrier::AuthenticationHeader)?;

        let [total_hi, total_lo] = total.to_be_bytes();
        let [_, _, id_hi, id_lo] = sequence.to_be_bytes();
        let id_lo = if id_hi == 0 && id_lo == 0 { 1 } else { id_lo };
        let [s0, s1, s2, s3] = source.octets();
        let [d0, d1, d2, d3] = destination.octets();
        let mut header = [
            0x45,
            TRAFFIC_CLASS,
            total_hi,
            total_lo,
            id_hi,
            id_lo,
            0,
            0,
            ip.hop_limit,
            AH_PROTOCOL,
            0,
            0,
            s0,
            s1,
            s2,
            s3,
            d0,
            d1,
            d2,
            d3,
        ];
        let [n0, n1, n2, n3] = sequence.to_be_bytes();
        let fixed = [PROTOCOL, AH_WORDS, 0, 0, s0, s1, s2, s3, n0, n1, n2, n3];
        *icv_slot = check_value(key, &header, destination.is_multicast(), &fixed, message);
        *fixed_slot = fixed;
        [header[10], header[11]] = Sum::of(&header).field();
        *header_slot = header;
        Ok(len)
    }
}

/// The first 12 octets of the HMAC-MD5 over header, authentication header and message.
fn check_value(
    key: &[u8; 8],
    ip: &[u8; IPV4_HEADER_LEN],
    multicast: bool,
    fixed: &[u8; AH_FIXED_LEN],
    message: &[u8],
) -> [u8; ICV_LEN] {
    let mut header = *ip;
    // TOS; flags and fragment offset; header checksum.
    [header[1], header[6], header[7], header[10], header[11]] = [0; 5];
    if !multicast {
        header[8] = 0;
    }
    // An HMAC pads its key with zeros to the block of its hash, so this is the password itself.
    let mut block = [0; 64];
    for (slot, octet) in block.iter_mut().zip(key) {
        *slot = *octet;
    }
    let mut mac = Hmac::<Md5>::new(&block.into());
    mac.update(&header);
    mac.update(fixed);
    mac.update(&[0; ICV_LEN]);
    mac.update(message);
    let digest: [u8; 16] = mac.finalize().into_bytes().into();
    let [icv @ .., _, _, _, _] = digest;
    icv
}
