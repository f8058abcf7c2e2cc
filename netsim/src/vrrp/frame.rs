//! What travels on the simulated network.

use core::fmt;
use core::net::IpAddr;
use std::sync::Arc;

use vrrp_proto::IpMeta;

use crate::rng::Random;
use crate::world::NodeId;

/// One frame. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Frame {
    /// A VRRP message as emitted by `vrrp-proto`.
    Advert(Arc<AdvertFrame>),
    /// Gratuitous ARP or unsolicited neighbour advertisements for all addresses of a virtual router.
    Announce {
        /// Where the addresses are now.
        holder: NodeId,
        /// The addresses.
        addresses: Arc<[IpAddr]>,
    },
    /// ARP request or neighbour solicitation.
    Ask(IpAddr),
    /// The answer to it.
    Answer {
        /// Where the address is.
        holder: NodeId,
        /// The address.
        address: IpAddr,
    },
}

/// A VRRP message and the IP facts a receiver learns from its socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AdvertFrame {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub hop_limit: u8,
    /// The VRRP message; with `ah` the whole IPv4 packet, whose header is covered by a check value.
    pub message: Vec<u8>,
    /// There is an IP authentication header in front of the message.
    pub ah: bool,
}

impl AdvertFrame {
    /// The IP facts as the protocol crates want them.
    #[must_use]
    pub const fn ip(&self) -> IpMeta {
        IpMeta {
            source: self.source,
            destination: self.destination,
            hop_limit: self.hop_limit,
        }
    }
}

impl Frame {
    /// Flips one bit of a VRRP message; the others are lost when damaged (their checks are the
    /// Ethernet card's business).
    pub(crate) fn corrupted(&self, random: &mut Random) -> Option<Self> {
        let Self::Advert(advert) = self else {
            return None;
        };
        let mut advert = AdvertFrame::clone(advert);
        let bit = random.below(advert.message.len() as u64 * 8);
        let index = usize::try_from(bit / 8).ok()?;
        *advert.message.get_mut(index)? ^= 1 << (bit % 8);
        Some(Self::Advert(Arc::new(advert)))
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Advert(advert) if advert.ah => {
                write!(f, "authenticated advert from {}", advert.source)
            }
            Self::Advert(advert) => match advert.message.as_slice() {
                [kind, vrid, priority, _, third, fourth, ..] => {
                    let (version, interval) = match kind >> 4 {
                        2 => (2, u16::from(*fourth) * 100),
                        other => (other, u16::from_be_bytes([*third & 0x0f, *fourth])),
                    };
                    write!(f, "v{version} advert vrid {vrid} priority {priority} ")?;
                    write!(f, "interval {interval} cs from {}", advert.source)
                }
                short => write!(f, "advert of {} octets", short.len()),
            },
            Self::Announce { holder, addresses } => {
                write!(
                    f,
                    "announcement: {} addresses are at {holder}",
                    addresses.len()
                )
            }
            Self::Ask(address) => write!(f, "question: who has {address}"),
            Self::Answer { holder, address } => write!(f, "answer: {address} is at {holder}"),
        }
    }
}
