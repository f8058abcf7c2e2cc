//! An advert to octets.

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::auth::Auth;
use crate::checksum::Checksum;
use crate::error::EmitError;
use crate::ip::IpMeta;
use crate::types::{AdvertInterval, Family, Priority, Version, Vrid};

/// The addresses of an advert that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressList<'a> {
    /// IPv4 addresses.
    V4(&'a [Ipv4Addr]),
    /// IPv6 addresses.
    V6(&'a [Ipv6Addr]),
}

impl AddressList<'_> {
    /// Number of addresses.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::V4(list) => list.len(),
            Self::V6(list) => list.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The family of the addresses.
    #[must_use]
    pub const fn family(&self) -> Family {
        match self {
            Self::V4(_) => Family::Ipv4,
            Self::V6(_) => Family::Ipv6,
        }
    }
}

/// Version of an advert that is to be sent, and what only that version has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format<'a> {
    /// VRRPv2.
    V2 {
        /// Authentication.
        auth: Auth<'a>,
    },
    /// VRRPv3.
    V3 {
        /// Checksum form over IPv4; IPv6 has only one.
        ipv4_checksum: Checksum,
    },
}

impl Format<'_> {
    /// The version.
    #[must_use]
    pub const fn version(&self) -> Version {
        match self {
            Self::V2 { .. } => Version::V2,
            Self::V3 { .. } => Version::V3,
        }
    }
}

/// An advert that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdvertRepr<'a> {
    /// Version and what only that version has.
    pub format: Format<'a>,
    /// Virtual router identifier.
    pub vrid: Vrid,
    /// Priority, 0 to release.
    pub priority: Priority,
    /// The sender's own advertisement interval.
    pub interval: AdvertInterval,
    /// The addresses.
    pub addresses: AddressList<'a>,
}

impl AdvertRepr<'_> {
    /// Octets the message takes.
    #[must_use]
    pub const fn buffer_len(&self) -> usize {
        8
    }

    /// Writes the message.
    ///
    /// # Errors
    ///
    /// Todo.
    pub fn emit(&self, ip: &IpMeta, out: &mut [u8]) -> Result<usize, EmitError> {
        let _ = (ip, out);
        Err(EmitError::MixedFamilies)
    }
}
