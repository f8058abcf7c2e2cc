//! The IP packet around a VRRP message, RFC 9568 5.1.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |Version|  IHL  |Type of Service|          Total Length         |  IPv4, RFC 791 3.1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |         Identification        |Flags|      Fragment Offset    |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Time to Live |    Protocol   |         Header Checksum       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                         Source Address                        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                      Destination Address                      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                    Options (IHL - 5 words)                    |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//!
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |Version| Traffic Class |           Flow Label                  |  IPv6, RFC 8200 3
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |         Payload Length        |  Next Header  |   Hop Limit   |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                  Source Address (16 octets)                   |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                Destination Address (16 octets)                |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::auth::AH_PROTOCOL;
use crate::checksum::Sum;
use crate::error::ParseError;
use crate::types::{Family, PROTOCOL};

const IPV4_HEADER_LEN: usize = 20;
const IPV6_HEADER_LEN: usize = 40;

/// What the IP header of a packet says that VRRP needs to know.
///
/// On an IPv4 raw socket [`split_ipv4`] makes one out of the received octets. IPv6 raw sockets
/// deliver no header: there the caller fills it from the source address, the packet information
/// and the hop limit control messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct IpMeta {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub hop_limit: u8,
}

impl IpMeta {
    /// The family of the packet; `None` if the two addresses are of different ones.
    #[must_use]
    #[inline]
    pub const fn family(&self) -> Option<Family> {
        match (self.source, self.destination) {
            (IpAddr::V4(_), IpAddr::V4(_)) => Some(Family::Ipv4),
            (IpAddr::V6(_), IpAddr::V6(_)) => Some(Family::Ipv6),
            _ => None,
        }
    }
}

/// Splits an IPv4 packet, as a raw socket delivers it, into what its header says and the VRRP
/// message.
///
/// The bounds of the message come from the header length and total length fields (VRRP-GEN-09):
/// IP options are skipped and octets after the packet, such as Ethernet padding, are left out.
///
/// # Errors
///
/// [`ParseError::IpTruncated`], [`IpVersion`](ParseError::IpVersion),
/// [`IpHeaderLength`](ParseError::IpHeaderLength), [`IpTotalLength`](ParseError::IpTotalLength),
/// [`IpHeaderChecksum`](ParseError::IpHeaderChecksum), [`IpFragment`](ParseError::IpFragment),
/// [`AuthenticationHeader`](ParseError::AuthenticationHeader) and
/// [`Protocol`](ParseError::Protocol). The TTL is left to [`Advert::parse`](crate::Advert::parse),
/// since it depends on the policy.
pub fn split_ipv4(datagram: &[u8]) -> Result<(IpMeta, &[u8]), ParseError> {
    let packet = Ipv4::parse(datagram)?;
    expect_protocol(packet.protocol)?;
    Ok((packet.meta, packet.payload))
}

/// An IPv4 packet whose header was found to be good.
pub(crate) struct Ipv4<'a> {
    pub(crate) meta: IpMeta,
    pub(crate) protocol: u8,
    /// The header with its options; read by the authentication header, which covers it.
    #[cfg_attr(not(feature = "auth"), expect(dead_code))]
    pub(crate) header: &'a [u8],
    pub(crate) payload: &'a [u8],
}

impl<'a> Ipv4<'a> {
    /// VRRP-GEN-09.
    pub(crate) fn parse(datagram: &'a [u8]) -> Result<Self, ParseError> {
        let header: &[u8; IPV4_HEADER_LEN] =
            datagram.first_chunk().ok_or(ParseError::IpTruncated {
                needed: IPV4_HEADER_LEN,
                got: datagram.len(),
            })?;
        let &[
            version_ihl,
            _tos,
            total_hi,
            total_lo,
            _,
            _,
            fragment_hi,
            fragment_lo,
            hop_limit,
            protocol,
            _,
            _,
            s0,
            s1,
            s2,
            s3,
            d0,
            d1,
            d2,
            d3,
        ] = header;
        expect_ip_version(version_ihl, 4)?;
        // At most 15 words, so 60 octets.
        let header_len = (version_ihl & 0x0f).saturating_mul(4);
        if usize::from(header_len) < IPV4_HEADER_LEN {
            return Err(ParseError::IpHeaderLength { octets: header_len });
        }
        let total = u16::from_be_bytes([total_hi, total_lo]);
        if total < u16::from(header_len) {
            return Err(ParseError::IpTotalLength {
                total,
                header: header_len,
            });
        }
        let truncated = ParseError::IpTruncated {
            needed: total.into(),
            got: datagram.len(),
        };
        let packet = datagram.get(..usize::from(total)).ok_or(truncated)?;
        let (header, payload) = packet
            .split_at_checked(header_len.into())
            .ok_or(truncated)?;
        if !Sum::of(header).verifies() {
            return Err(ParseError::IpHeaderChecksum);
        }
        // More Fragments and the offset; Don't Fragment and the unused bit may be anything.
        if u16::from_be_bytes([fragment_hi, fragment_lo]) & 0x3fff != 0 {
            return Err(ParseError::IpFragment);
        }
        let source = Ipv4Addr::new(s0, s1, s2, s3).into();
        let destination = Ipv4Addr::new(d0, d1, d2, d3).into();
        let meta = IpMeta {
            source,
            destination,
            hop_limit,
        };
        Ok(Self {
            meta,
            protocol,
            header,
            payload,
        })
    }
}

/// Splits an IPv6 packet, as a packet socket delivers it, into what its header says and the VRRP
/// message.
///
/// Raw sockets deliver the message alone and have no use for this. Extension headers are not
/// followed: nothing sends adverts with any. Bounds as in [`split_ipv4`] (VRRP-GEN-09).
///
/// # Errors
///
/// [`ParseError::IpTruncated`], [`IpVersion`](ParseError::IpVersion),
/// [`AuthenticationHeader`](ParseError::AuthenticationHeader) and
/// [`Protocol`](ParseError::Protocol).
pub fn split_ipv6(datagram: &[u8]) -> Result<(IpMeta, &[u8]), ParseError> {
    let got = datagram.len();
    let truncated = ParseError::IpTruncated {
        needed: IPV6_HEADER_LEN,
        got,
    };
    let (fixed, rest) = datagram.split_first_chunk::<8>().ok_or(truncated)?;
    let (source, rest) = rest.split_first_chunk::<16>().ok_or(truncated)?;
    let (destination, payload) = rest.split_first_chunk::<16>().ok_or(truncated)?;
    let &[version, _, _, _, len_hi, len_lo, next_header, hop_limit] = fixed;
    expect_ip_version(version, 6)?;
    let len = usize::from(u16::from_be_bytes([len_hi, len_lo]));
    let needed = IPV6_HEADER_LEN.saturating_add(len);
    let message = payload
        .get(..len)
        .ok_or(ParseError::IpTruncated { needed, got })?;
    expect_protocol(next_header)?;
    let source = Ipv6Addr::from(*source).into();
    let destination = Ipv6Addr::from(*destination).into();
    Ok((
        IpMeta {
            source,
            destination,
            hop_limit,
        },
        message,
    ))
}

fn expect_ip_version(first: u8, expected: u8) -> Result<(), ParseError> {
    let found = first >> 4;
    if found == expected {
        Ok(())
    } else {
        Err(ParseError::IpVersion { found })
    }
}

/// RFC 9568 5.1.1.4 and 5.1.2.4; VRRP-V2-AUTH-05 for the authentication header.
fn expect_protocol(found: u8) -> Result<(), ParseError> {
    match found {
        PROTOCOL => Ok(()),
        AH_PROTOCOL => Err(ParseError::AuthenticationHeader),
        _ => Err(ParseError::Protocol { found }),
    }
}
