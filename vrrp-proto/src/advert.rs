//! Received octets to a validated advert.

use core::net::IpAddr;

use crate::auth::Auth;
use crate::checksum::Checksum;
use crate::error::ParseError;
use crate::ip::IpMeta;
use crate::policy::ParsePolicy;
use crate::types::{AdvertInterval, Family, Priority, Version, Vrid};

/// The virtual router identifier a message claims, without any validation.
#[must_use]
pub fn peek_vrid(message: &[u8]) -> Option<u8> {
    message.get(1).copied()
}

/// A valid advert.
#[derive(Clone, Copy)]
pub struct Advert<'a> {
    version: Version,
    family: Family,
    vrid: Vrid,
    priority: Priority,
    interval: AdvertInterval,
    checksum: Checksum,
    reserved_clear: bool,
    auth: Auth<'a>,
    addresses: &'a [u8],
}

impl<'a> Advert<'a> {
    /// Parses and validates.
    ///
    /// # Errors
    ///
    /// The first rule broken.
    pub fn parse(message: &'a [u8], ip: &IpMeta, policy: &ParsePolicy) -> Result<Self, ParseError> {
        let _ = (message, ip, policy);
        Err(ParseError::MixedFamilies)
    }

    /// Protocol version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Family of the packet and so of every address in it.
    #[must_use]
    pub const fn family(&self) -> Family {
        self.family
    }

    /// Virtual router identifier.
    #[must_use]
    pub const fn vrid(&self) -> Vrid {
        self.vrid
    }

    /// Priority of the sender.
    #[must_use]
    pub const fn priority(&self) -> Priority {
        self.priority
    }

    /// The sender's advertisement interval.
    #[must_use]
    pub const fn interval(&self) -> AdvertInterval {
        self.interval
    }

    /// The checksum form that verified.
    #[must_use]
    pub const fn checksum(&self) -> Checksum {
        self.checksum
    }

    /// How the advert is authenticated.
    #[must_use]
    pub const fn auth(&self) -> Auth<'a> {
        self.auth
    }

    /// Whether the bits a sender has to leave zero are zero.
    #[must_use]
    pub const fn reserved_clear(&self) -> bool {
        self.reserved_clear
    }

    /// The advertised addresses in the order of the message.
    #[must_use]
    pub fn addresses(&self) -> Addresses<'a> {
        let (v4, _) = self.addresses.as_chunks();
        Addresses(Inner::V4(v4.iter()))
    }
}

/// The addresses of an advert.
#[derive(Clone, Debug)]
pub struct Addresses<'a>(Inner<'a>);

#[derive(Clone, Debug)]
enum Inner<'a> {
    V4(core::slice::Iter<'a, [u8; 4]>),
    V6(core::slice::Iter<'a, [u8; 16]>),
}

impl Iterator for Addresses<'_> {
    type Item = IpAddr;

    fn next(&mut self) -> Option<IpAddr> {
        match &mut self.0 {
            Inner::V4(octets) => octets.next().copied().map(IpAddr::from),
            Inner::V6(octets) => octets.next().copied().map(IpAddr::from),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Inner::V4(octets) => octets.size_hint(),
            Inner::V6(octets) => octets.size_hint(),
        }
    }
}

impl ExactSizeIterator for Addresses<'_> {}
