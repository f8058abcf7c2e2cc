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
    /// Adverts on an interface.
    Vrrp(InterfaceId, Family),
    /// Adverts with an IP authentication header on an interface.
    Ah(InterfaceId),
}

/// The first token that stands for an advert socket.
const VRRP_BASE: usize = 16;
/// Advert sockets that an interface can have.
const PER_INTERFACE: usize = 3;

const fn first_of(interface: InterfaceId) -> usize {
    // Never near the end: a number is the place in a list of names.
    VRRP_BASE + PER_INTERFACE * (interface.0 as usize)
}

impl From<Source> for Token {
    fn from(source: Source) -> Self {
        Self(match source {
            Source::Timer => 0,
            Source::Waker => 1,
            Source::NetlinkMonitor => 2,
            Source::NetlinkCommand => 3,
            Source::Arp => 4,
            Source::Advertisements => 5,
            Source::Vrrp(interface, Family::Ipv4) => first_of(interface),
            Source::Vrrp(interface, Family::Ipv6) => first_of(interface) + 1,
            Source::Ah(interface) => first_of(interface) + 2,
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
            number if number >= VRRP_BASE => {
                let number = number - VRRP_BASE;
                let interface = u32::try_from(number / PER_INTERFACE).map_err(|_| token)?;
                match number % PER_INTERFACE {
                    0 => Self::Vrrp(InterfaceId(interface), Family::Ipv4),
                    1 => Self::Vrrp(InterfaceId(interface), Family::Ipv6),
                    _ => Self::Ah(InterfaceId(interface)),
                }
            }
            _ => return Err(token),
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
            Source::Vrrp(InterfaceId(0), Family::Ipv4),
            Source::Vrrp(InterfaceId(0), Family::Ipv6),
            Source::Ah(InterfaceId(0)),
            Source::Vrrp(InterfaceId(1), Family::Ipv4),
            Source::Vrrp(InterfaceId(7), Family::Ipv4),
            Source::Ah(InterfaceId(7)),
        ];
        let tokens: std::collections::BTreeSet<Token> =
            sources.iter().map(|source| Token::from(*source)).collect();
        assert_eq!(tokens.len(), sources.len());
        for source in sources {
            assert_eq!(Source::try_from(Token::from(source)), Ok(source));
        }
        assert_eq!(Source::try_from(Token(9)), Err(Token(9)));
    }
}
