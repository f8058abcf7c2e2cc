//! Services: who they are (the key), and what is configured. Counters are apart, so that equal
//! services are equally configured services.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;

use crate::error::ConfigError;
use crate::name::{Engine, Scheduler};

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Ipv4,
            IpAddr::V6(_) => Self::Ipv6,
        }
    }

    /// Number in messages: `AF_INET` or `AF_INET6`.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Ipv4 => 2,
            Self::Ipv6 => 10,
        }
    }
}

/// A transport protocol by its IP protocol number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(pub u16);

impl Protocol {
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// SCTP.
    pub const SCTP: Self = Self(132);
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TCP => f.write_str("tcp"),
            Self::UDP => f.write_str("udp"),
            Self::SCTP => f.write_str("sctp"),
            Self(number) => write!(f, "protocol {number}"),
        }
    }
}

/// What makes a service this service for the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKey {
    /// Packets to an address and port.
    Address {
        /// TCP, UDP or SCTP.
        protocol: Protocol,
        /// Virtual address.
        address: IpAddr,
        /// Port; 0 is every port and needs persistence.
        port: u16,
    },
    /// Packets with a firewall mark (IPVS-ENC-06).
    Mark {
        /// The mark.
        mark: NonZeroU32,
        /// Family of the packets.
        family: Family,
    },
}

impl ServiceKey {
    /// A service by address.
    #[must_use]
    pub const fn address(protocol: Protocol, address: SocketAddr) -> Self {
        Self::Address {
            protocol,
            address: address.ip(),
            port: address.port(),
        }
    }

    /// The family of the service.
    #[must_use]
    pub const fn family(&self) -> Family {
        match *self {
            Self::Address { address, .. } => Family::of(address),
            Self::Mark { family, .. } => family,
        }
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Address {
                protocol,
                address,
                port,
            } => write!(f, "{protocol} {}", SocketAddr::new(address, port)),
            Self::Mark { mark, family } => {
                let family = if family == Family::Ipv6 { " ipv6" } else { "" };
                write!(f, "fwmark {mark}{family}")
            }
        }
    }
}

/// Bits of a service that stand for themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceFlags(u32);

impl ServiceFlags {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// Every datagram is scheduled anew.
    pub const ONE_PACKET: Self = Self(0x4);
    /// First flag of the scheduler: `sh-fallback`, `mh-fallback`.
    pub const SCHEDULER_1: Self = Self(0x8);
    /// Second flag of the scheduler: `sh-port`, `mh-port`.
    pub const SCHEDULER_2: Self = Self(0x10);
    /// Third flag of the scheduler.
    pub const SCHEDULER_3: Self = Self(0x20);

    /// On the wire only: says that there is persistence; [`Service::persistence`] stands for it.
    pub(crate) const PERSISTENT: u32 = 0x1;
    const ALL: u32 = 0x3c;

    /// Those bits of a kernel's number that stand for themselves: not the one for persistence,
    /// not the kernel's own "hashed" (IPVS-DEC-06).
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & Self::ALL)
    }

    /// As a number.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// These and those.
    #[must_use]
    pub const fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// Whether all of those are set.
    #[must_use]
    pub const fn contains(self, those: Self) -> bool {
        self.0 & those.0 == those.0
    }
}

/// Which clients count as one for persistence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Granularity {
    /// Each address for itself.
    #[default]
    Host,
    /// IPv4 clients with equal bits under this mask.
    Mask(Ipv4Addr),
    /// IPv6 clients with equal prefixes of 1 to 127 bits.
    Prefix(u8),
}

/// Connections of one client go to one destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Persistence {
    /// Seconds that the kernel remembers a client after its last connection; from 1.
    pub timeout: u32,
    /// Which clients count as one.
    pub granularity: Granularity,
}

impl Persistence {
    /// Persistence per client address for so many seconds.
    #[must_use]
    pub const fn seconds(timeout: u32) -> Self {
        Self {
            timeout,
            granularity: Granularity::Host,
        }
    }
}

/// The configuration of a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Service {
    /// Who it is.
    pub key: ServiceKey,
    /// Name of its scheduler.
    pub scheduler: Scheduler,
    /// Its flags.
    pub flags: ServiceFlags,
    /// Whether clients stay with their destination.
    pub persistence: Option<Persistence>,
    /// How a client is recognised, if not by address.
    pub engine: Option<Engine>,
}

impl Service {
    /// A service without flags, persistence and engine.
    #[must_use]
    pub const fn new(key: ServiceKey, scheduler: Scheduler) -> Self {
        Self {
            key,
            scheduler,
            flags: ServiceFlags::NONE,
            persistence: None,
            engine: None,
        }
    }

    /// The same with flags.
    #[must_use]
    pub const fn with_flags(mut self, flags: ServiceFlags) -> Self {
        self.flags = flags;
        self
    }

    /// The same with persistence.
    #[must_use]
    pub const fn with_persistence(mut self, persistence: Persistence) -> Self {
        self.persistence = Some(persistence);
        self
    }

    /// The same with a persistence engine.
    #[must_use]
    pub fn with_engine(mut self, engine: Engine) -> Self {
        self.engine = Some(engine);
        self
    }

    /// Whether the kernel can have it.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self) -> Result<(), ConfigError> {
        if let Some(persistence) = self.persistence {
            if persistence.timeout == 0 {
                return Err(ConfigError::PersistenceTime);
            }
            match (persistence.granularity, self.key.family()) {
                (Granularity::Host, _)
                | (Granularity::Mask(_), Family::Ipv4)
                | (Granularity::Prefix(1..=127), Family::Ipv6) => {}
                _ => return Err(ConfigError::Granularity),
            }
        }
        if let ServiceKey::Address { protocol, port, .. } = self.key {
            if self.flags.contains(ServiceFlags::ONE_PACKET) && protocol != Protocol::UDP {
                return Err(ConfigError::OnePacket);
            }
            if port == 0 && self.persistence.is_none() {
                return Err(ConfigError::PortNeedsPersistence);
            }
        }
        Ok(())
    }

    /// The netmask attribute: a mask in network order for IPv4, a length in host order for IPv6
    /// (IPVS-ENC-04).
    pub(crate) fn netmask(&self) -> [u8; 4] {
        let granularity = self
            .persistence
            .map_or(Granularity::Host, |persistence| persistence.granularity);
        match (granularity, self.key.family()) {
            (Granularity::Mask(mask), _) => mask.octets(),
            (Granularity::Prefix(length), _) => u32::from(length).to_ne_bytes(),
            (Granularity::Host, Family::Ipv4) => [255; 4],
            (Granularity::Host, Family::Ipv6) => 128_u32.to_ne_bytes(),
        }
    }
}

/// Octets of an address attribute: always 16, IPv4 in the first four (IPVS-ENC-02).
pub(crate) fn address_octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V6(address) => address.octets(),
        IpAddr::V4(address) => {
            let mut octets = [0; 16];
            let (first, _) = octets.split_at_mut(4);
            first.copy_from_slice(&address.octets());
            octets
        }
    }
}

/// The address in such octets.
pub(crate) fn address_from(octets: [u8; 16], family: Family) -> IpAddr {
    match family {
        Family::Ipv4 => {
            let [a, b, c, d, ..] = octets;
            Ipv4Addr::new(a, b, c, d).into()
        }
        Family::Ipv6 => Ipv6Addr::from(octets).into(),
    }
}
