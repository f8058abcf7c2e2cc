//! Every kind of descriptor the elections loop waits for: `grep Source::` shows them all.

use mio::Token;
use vrrp_fsm::InterfaceId;
use vrrp_proto::Family;

/// What became readable.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Source {
    /// The deadline timer.
    Timer,
    /// Another thread has a command.
    Waker,
    /// News of links and addresses.
    NetlinkMonitor,
    /// Answers to our requests.
    NetlinkCommand,
    /// ARP packets that name an address of ours.
    Arp,
    /// Neighbour advertisements.
    Advertisements,
    /// The neighbour table has changed.
    Neighbours,
    /// Echo packets of BFD, ours or a neighbour's.
    Echo(Family),
    /// BFD packets.
    Bfd(BfdSocket),
    /// Adverts on an interface.
    Vrrp(InterfaceId, Family),
    /// Adverts with an IP authentication header on an interface.
    Ah(InterfaceId),
}

/// One socket for all BFD packets of a family to a port.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BfdSocket {
    pub(crate) port: BfdPort,
    pub(crate) family: Family,
}

/// The ports that BFD listens to.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum BfdPort {
    /// RFC 5881.
    SingleHop,
    /// RFC 5883.
    Multihop,
    /// RFC 7881: questions to our S-BFD reflector.
    Reflector,
    /// Answers to our S-BFD initiators: whichever is free.
    Initiator,
}

impl BfdPort {
    const ALL: [Self; 4] = [
        Self::SingleHop,
        Self::Multihop,
        Self::Reflector,
        Self::Initiator,
    ];

    /// The UDP port, 0 for any.
    pub(crate) const fn number(self) -> u16 {
        match self {
            Self::SingleHop => bfd::SINGLE_HOP_PORT,
            Self::Multihop => bfd::MULTIHOP_PORT,
            Self::Reflector => bfd::SEAMLESS_PORT,
            Self::Initiator => 0,
        }
    }
}

impl BfdSocket {
    /// Every one there can be, in the order of their tokens.
    fn all() -> impl Iterator<Item = Self> {
        BfdPort::ALL
            .into_iter()
            .flat_map(|port| [Family::Ipv4, Family::Ipv6].map(|family| Self { port, family }))
    }
}

/// The first token that stands for an advert socket.
const VRRP_BASE: usize = 32;
/// Advert sockets that an interface can have.
const PER_INTERFACE: usize = 3;

const fn first_of(interface: InterfaceId) -> usize {
    // Never near the end: a number is the place in a list of names.
    VRRP_BASE + PER_INTERFACE * (interface.0 as usize)
}
/// The first token that stands for a BFD socket.
const BFD_BASE: usize = 16;

impl From<Source> for Token {
    fn from(source: Source) -> Self {
        Self(match source {
            Source::Timer => 0,
            Source::Waker => 1,
            Source::NetlinkMonitor => 2,
            Source::NetlinkCommand => 3,
            Source::Arp => 4,
            Source::Advertisements => 5,
            Source::Neighbours => 6,
            Source::Echo(Family::Ipv4) => 7,
            Source::Echo(Family::Ipv6) => 8,
            Source::Vrrp(interface, Family::Ipv4) => first_of(interface),
            Source::Vrrp(interface, Family::Ipv6) => first_of(interface) + 1,
            Source::Ah(interface) => first_of(interface) + 2,
            Source::Bfd(socket) => {
                let place = BfdSocket::all().position(|other| other == socket);
                BFD_BASE + place.unwrap_or(0)
            }
        })
    }
}

impl TryFrom<Token> for Source {
    type Error = Token;

    fn try_from(token: Token) -> Result<Self, Token> {
        Ok(match token.0 {
            0 => Self::Timer,
            1 => Self::Waker,
            2 => Self::NetlinkMonitor,
            3 => Self::NetlinkCommand,
            4 => Self::Arp,
            5 => Self::Advertisements,
            6 => Self::Neighbours,
            7 => Self::Echo(Family::Ipv4),
            8 => Self::Echo(Family::Ipv6),
            number if number >= VRRP_BASE => {
                let number = number - VRRP_BASE;
                let interface = u32::try_from(number / PER_INTERFACE).map_err(|_| token)?;
                match number % PER_INTERFACE {
                    0 => Self::Vrrp(InterfaceId(interface), Family::Ipv4),
                    1 => Self::Vrrp(InterfaceId(interface), Family::Ipv6),
                    _ => Self::Ah(InterfaceId(interface)),
                }
            }
            number => {
                let place = number.checked_sub(BFD_BASE).ok_or(token)?;
                Self::Bfd(BfdSocket::all().nth(place).ok_or(token)?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_has_a_token_of_its_own_and_comes_back_from_it() {
        let sources = [
            Source::Timer,
            Source::Waker,
            Source::NetlinkMonitor,
            Source::NetlinkCommand,
            Source::Arp,
            Source::Advertisements,
            Source::Neighbours,
            Source::Echo(Family::Ipv4),
            Source::Echo(Family::Ipv6),
            Source::Vrrp(InterfaceId(0), Family::Ipv4),
            Source::Vrrp(InterfaceId(0), Family::Ipv6),
            Source::Ah(InterfaceId(0)),
            Source::Vrrp(InterfaceId(1), Family::Ipv4),
            Source::Vrrp(InterfaceId(7), Family::Ipv4),
            Source::Ah(InterfaceId(7)),
        ];
        let sources: Vec<Source> = BfdSocket::all().map(Source::Bfd).chain(sources).collect();
        let tokens: std::collections::BTreeSet<Token> =
            sources.iter().map(|source| Token::from(*source)).collect();
        assert_eq!(tokens.len(), sources.len());
        for source in sources {
            assert_eq!(Source::try_from(Token::from(source)), Ok(source));
        }
        assert_eq!(Source::try_from(Token(9)), Err(Token(9)));
    }
}
