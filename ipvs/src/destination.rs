//! Destinations (real servers): where connections go and how packets get there.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;

use crate::error::ConfigError;
use crate::service::{Family, ServiceKey};

/// What the checksum of an outer header covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Checksum {
    /// No checksum.
    #[default]
    None,
    /// Over the whole packet.
    Full,
    /// Offloaded to the remote end (GUE only).
    Remote,
}

impl Checksum {
    pub(crate) const fn bits(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Full => 1,
            Self::Remote => 2,
        }
    }

    pub(crate) const fn from_bits(bits: u16) -> Self {
        match bits & 3 {
            0 => Self::None,
            1 => Self::Full,
            _ => Self::Remote,
        }
    }
}

/// How a packet is wrapped on its way to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tunnel {
    /// An IP header in front.
    Ipip,
    /// Generic UDP encapsulation.
    Gue {
        /// UDP port of the destination.
        port: NonZeroU16,
        /// What the outer checksum covers.
        checksum: Checksum,
    },
    /// Generic routing encapsulation.
    Gre {
        /// What the outer checksum covers.
        checksum: Checksum,
    },
}

/// How packets reach a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forward {
    /// Addresses are translated; answers come back through us.
    Masquerade,
    /// The destination is this host.
    LocalNode,
    /// Wrapped into another packet.
    Tunnel(Tunnel),
    /// Sent to the MAC of the destination, addresses unchanged.
    DirectRoute,
    /// Past the balancer, used by cache clusters.
    Bypass,
}

impl Forward {
    /// Number in messages.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Masquerade => 0,
            Self::LocalNode => 1,
            Self::Tunnel(_) => 2,
            Self::DirectRoute => 3,
            Self::Bypass => 4,
        }
    }
}

/// What makes a destination this destination within its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DestinationKey {
    /// Address.
    pub address: IpAddr,
    /// Port; 0 for that of the packet, in services of a mark or of all ports.
    pub port: u16,
}

impl From<SocketAddr> for DestinationKey {
    fn from(address: SocketAddr) -> Self {
        Self {
            address: address.ip(),
            port: address.port(),
        }
    }
}

impl fmt::Display for DestinationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(f)
    }
}

/// The configuration of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination {
    /// Who it is.
    pub key: DestinationKey,
    /// How packets get there.
    pub forward: Forward,
    /// Its share, 0 to [`Self::MAX_WEIGHT`]; 0 gets no new connections.
    pub weight: u32,
    /// Connections at which it gets no more; 0 is no limit.
    pub upper_threshold: u32,
    /// Connections below which it gets new ones again; 0 is three quarters of the upper.
    pub lower_threshold: u32,
}

impl Destination {
    /// The kernel's limit of a weight.
    ///
    /// DEVIATION(IPVS-ENC-09): Keepalived's manual and ipvsadm stop at 65535, the kernel does not.
    pub const MAX_WEIGHT: u32 = 2_147_483_647;

    /// A destination without thresholds.
    #[must_use]
    pub fn new(key: impl Into<DestinationKey>, forward: Forward, weight: u32) -> Self {
        Self {
            key: key.into(),
            forward,
            weight,
            upper_threshold: 0,
            lower_threshold: 0,
        }
    }

    /// The same with thresholds: connections at which it is full, and below which no longer.
    #[must_use]
    pub const fn with_thresholds(mut self, upper: u32, lower: u32) -> Self {
        self.upper_threshold = upper;
        self.lower_threshold = lower;
        self
    }

    /// As it is in this service: packets whose addresses are not translated keep their port, and where
    /// translation has no port of its own it is that of the service too. A mark tells of no port.
    #[must_use]
    pub const fn within(mut self, service: &ServiceKey) -> Self {
        let port = match service {
            ServiceKey::Address { port, .. } => *port,
            ServiceKey::Mark { .. } => 0,
        };
        let translated = matches!(self.forward, Forward::Masquerade);
        if !translated || self.key.port == 0 {
            self.key.port = port;
        }
        self
    }

    /// Whether the kernel can have it in a service of that family.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, service: Family) -> Result<(), ConfigError> {
        if self.weight > Self::MAX_WEIGHT {
            return Err(ConfigError::Weight(self.weight));
        }
        if self.lower_threshold > self.upper_threshold {
            return Err(ConfigError::Thresholds {
                lower: self.lower_threshold,
                upper: self.upper_threshold,
            });
        }
        let same = Family::of(self.key.address) == service;
        if !same && !matches!(self.forward, Forward::Tunnel(_)) {
            return Err(ConfigError::FamilyNeedsTunnel);
        }
        Ok(())
    }
}
