//! The configured addresses in the form that adverts need, and their comparison with received
//! lists.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use vrrp_proto::{AddressList, Addresses, Family};

/// The addresses in the order in which they are sent.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Advertised {
    V4(Vec<Ipv4Addr>),
    V6(Vec<Ipv6Addr>),
}

impl Advertised {
    /// Keeps the order (VRRP-V3-TX-06), but brings the first link-local IPv6 address to the front
    /// (VRRP-V3-TX-04, RFC 9568 5.2.9). Addresses of the other family are left out; the check of
    /// the configuration refuses them.
    pub(crate) fn new(family: Family, addresses: &[IpAddr]) -> Self {
        match family {
            Family::Ipv4 => Self::V4(
                addresses
                    .iter()
                    .filter_map(|address| match address {
                        IpAddr::V4(address) => Some(*address),
                        IpAddr::V6(_) => None,
                    })
                    .collect(),
            ),
            Family::Ipv6 => {
                let mut list: Vec<_> = addresses
                    .iter()
                    .filter_map(|address| match address {
                        IpAddr::V4(_) => None,
                        IpAddr::V6(address) => Some(*address),
                    })
                    .collect();
                let link_local = list.iter().position(Ipv6Addr::is_unicast_link_local);
                if let Some(place) = link_local
                    && let Some(front) = list.get_mut(..=place)
                {
                    front.rotate_right(1);
                }
                Self::V6(list)
            }
        }
    }

    /// The list as an advert carries it.
    pub(crate) fn as_list(&self) -> AddressList<'_> {
        match self {
            Self::V4(list) => AddressList::V4(list),
            Self::V6(list) => AddressList::V6(list),
        }
    }

    /// Whether a received list has the same addresses, in whatever order (VRRP-V2-RX-16).
    ///
    /// Normally the order is the same too, and that is seen in one pass.
    pub(crate) fn matches(&self, received: Addresses<'_>) -> bool {
        let length = self.as_list().len();
        if received.len() != length {
            return false;
        }
        if self.iter().eq(received.clone()) {
            return true;
        }
        // Both have the same length and ours has no doubles: it is enough that each of ours is
        // there. Sorting keeps this far from 255 * 255 comparisons a packet.
        let mut theirs: Vec<IpAddr> = received.collect();
        theirs.sort_unstable();
        self.iter()
            .all(|address| theirs.binary_search(&address).is_ok())
    }

    fn iter(&self) -> impl Iterator<Item = IpAddr> {
        let (v4, v6) = match self {
            Self::V4(list) => (list.as_slice(), [].as_slice()),
            Self::V6(list) => ([].as_slice(), list.as_slice()),
        };
        let v4 = v4.iter().copied().map(IpAddr::V4);
        v4.chain(v6.iter().copied().map(IpAddr::V6))
    }
}
