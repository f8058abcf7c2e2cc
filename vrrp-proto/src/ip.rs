//! The IP packet around a VRRP message.

use core::net::IpAddr;

use crate::error::ParseError;
use crate::types::Family;

/// What the IP header of a packet says that VRRP needs to know.
///
/// On an IPv4 raw socket [`split_ipv4`] makes one out of the received octets. IPv6 raw sockets
/// deliver no header: there the caller fills it from the source address, the packet information
/// and the hop limit control messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    pub const fn family(&self) -> Option<Family> {
        match (self.source, self.destination) {
            (IpAddr::V4(_), IpAddr::V4(_)) => Some(Family::Ipv4),
            (IpAddr::V6(_), IpAddr::V6(_)) => Some(Family::Ipv6),
            _ => None,
        }
    }
}

/// Splits an IPv4 packet into what its header says and the VRRP message.
///
/// # Errors
///
/// todo
pub fn split_ipv4(datagram: &[u8]) -> Result<(IpMeta, &[u8]), ParseError> {
    let _ = datagram;
    Err(ParseError::MixedFamilies)
}

/// Splits an IPv6 packet into what its header says and the VRRP message.
///
/// # Errors
///
/// todo
pub fn split_ipv6(datagram: &[u8]) -> Result<(IpMeta, &[u8]), ParseError> {
    let _ = datagram;
    Err(ParseError::MixedFamilies)
}
