//! Where sessions lead, and which packets are theirs.

use core::net::IpAddr;

use crate::config::{BackOff, SessionConfig};
use crate::error::{ConfigError, Rejected};
use crate::seamless::InitiatorConfig;
use crate::types::{Discriminator, MULTIHOP_PORT, SEAMLESS_PORT, SINGLE_HOP_PORT, TTL};

/// An interface, by a number that the caller chooses. It should stay the same when the interface
/// is deleted and comes back, so better not the kernel's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InterfaceId(pub u32);

impl InterfaceId {
    /// No particular one: the neighbour is heard on whichever interface it is. A link-local
    /// address needs one of its own; BFD-SH-07 would like one for all.
    pub const ANY: Self = Self(u32::MAX);
}

/// A path to a neighbour, RFC 5881.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SingleHop {
    /// The interface by which the neighbour is reached, or [`InterfaceId::ANY`]. BFD-SH-07.
    pub interface: InterfaceId,
    /// The neighbour.
    pub peer: IpAddr,
    /// Our own address; `None` to let the kernel choose.
    pub local: Option<IpAddr>,
    /// There is only one neighbour on the interface, whatever source address its first packet
    /// has. BFD-SH-08.
    pub point_to_point: bool,
    /// The TTL of what is sent: [`TTL`], but for a neighbour that knows no better. BFD-SH-05.
    pub ttl: u8,
    /// The lowest TTL that packets without authentication may arrive with: [`TTL`], but for a
    /// neighbour that sends less. BFD-SH-06.
    pub min_ttl: u8,
}

impl SingleHop {
    /// The neighbour `peer` on this interface, as RFC 5881 has it.
    #[must_use]
    pub const fn new(interface: InterfaceId, peer: IpAddr) -> Self {
        Self {
            interface,
            peer,
            local: None,
            point_to_point: false,
            ttl: TTL,
            min_ttl: TTL,
        }
    }

    /// From this address of ours.
    #[must_use]
    pub const fn with_local(mut self, local: Option<IpAddr>) -> Self {
        self.local = local;
        self
    }
}

/// A path over several hops, RFC 5883. Anybody on the way can forge packets, so authentication is
/// worth its price here: BFD-MH-04.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Multihop {
    /// The other end.
    pub peer: IpAddr,
    /// This end; `None` for any address of this system. BFD-MH-03.
    pub local: Option<IpAddr>,
    /// The lowest TTL that packets may arrive with; 0 for any. With 255 − n, the other end is
    /// known to be at most n hops away. BFD-MH-02.
    pub min_ttl: u8,
    /// The TTL of what is sent.
    pub ttl: u8,
}

/// A path to an S-BFD reflector, RFC 7881.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Seamless {
    /// The address of the reflector.
    pub target: IpAddr,
    /// This end; `None` to let the kernel choose.
    pub local: Option<IpAddr>,
}

/// A path of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// To a neighbour.
    SingleHop(SingleHop),
    /// Over several hops.
    Multihop(Multihop),
    /// To an S-BFD reflector.
    Seamless(Seamless),
}

/// A session as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Definition {
    /// With a neighbour.
    SingleHop(SingleHop, SessionConfig),
    /// Over several hops.
    Multihop(Multihop, SessionConfig),
    /// With an S-BFD reflector.
    Seamless(Seamless, InitiatorConfig),
}

/// What a session is found by when a packet does not name it: BFD-RX-09, BFD-SH-07, BFD-MH-03.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Identity {
    Neighbour {
        interface: InterfaceId,
        peer: IpAddr,
    },
    PointToPoint {
        interface: InterfaceId,
        ipv6: bool,
    },
    Pair {
        peer: IpAddr,
        local: Option<IpAddr>,
    },
    Reflector {
        target: IpAddr,
        remote: Discriminator,
    },
}

impl Definition {
    /// The path.
    #[must_use]
    pub const fn path(&self) -> Path {
        match self {
            Self::SingleHop(path, _) => Path::SingleHop(*path),
            Self::Multihop(path, _) => Path::Multihop(*path),
            Self::Seamless(path, _) => Path::Seamless(*path),
        }
    }

    pub(super) const fn identity(&self) -> Identity {
        match self {
            Self::SingleHop(path, _) if path.point_to_point => Identity::PointToPoint {
                interface: path.interface,
                ipv6: path.peer.is_ipv6(),
            },
            Self::SingleHop(path, _) => Identity::Neighbour {
                interface: path.interface,
                peer: path.peer,
            },
            Self::Multihop(path, _) => Identity::Pair {
                peer: path.peer,
                local: path.local,
            },
            Self::Seamless(path, config) => Identity::Reflector {
                target: path.target,
                remote: config.remote,
            },
        }
    }

    /// What a session alone cannot judge. BFD-EC-03, BFD-EC-05.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let path = self.path();
        if path
            .local()
            .is_some_and(|local| local.is_ipv4() != path.peer().is_ipv4())
        {
            return Err(ConfigError::MixedFamilies);
        }
        match self {
            Self::SingleHop(path, config) => {
                if config.echo.is_some() && path.local.is_none() {
                    return Err(ConfigError::EchoWithoutAddress);
                }
                config.check()
            }
            Self::Multihop(_, config) => {
                if config.echo.is_some() || !config.required_min_echo_rx.is_zero() {
                    return Err(ConfigError::EchoMultihop);
                }
                config.check()
            }
            Self::Seamless(_, config) if config.desired_min_tx.is_zero() => {
                Err(ConfigError::TransmitIntervalZero)
            }
            Self::Seamless(..) => Ok(()),
        }
    }

    /// With what goes without saying on this path. BFD-MH-06.
    pub(super) fn complete(mut self) -> Self {
        match &mut self {
            Self::Multihop(_, config) if config.back_off == BackOff::OverSeveralHops => {
                config.back_off = BackOff::On;
            }
            _ => {}
        }
        self
    }
}

impl Path {
    /// The other end.
    #[must_use]
    pub const fn peer(&self) -> IpAddr {
        match self {
            Self::SingleHop(path) => path.peer,
            Self::Multihop(path) => path.peer,
            Self::Seamless(path) => path.target,
        }
    }

    /// This end, if it is given.
    #[must_use]
    pub const fn local(&self) -> Option<IpAddr> {
        match self {
            Self::SingleHop(path) => path.local,
            Self::Multihop(path) => path.local,
            Self::Seamless(path) => path.local,
        }
    }

    /// The interface, if the path is bound to one.
    #[must_use]
    pub const fn interface(&self) -> Option<InterfaceId> {
        match self {
            Self::SingleHop(path) if path.interface.0 != InterfaceId::ANY.0 => Some(path.interface),
            Self::SingleHop(_) | Self::Multihop(_) | Self::Seamless(_) => None,
        }
    }

    /// The UDP port that packets are sent to. BFD-SH-01, BFD-MH-01.
    #[must_use]
    pub const fn port(&self) -> u16 {
        match self {
            Self::SingleHop(_) => SINGLE_HOP_PORT,
            Self::Multihop(_) => MULTIHOP_PORT,
            Self::Seamless(_) => SEAMLESS_PORT,
        }
    }

    /// The TTL or hop limit of what is sent. BFD-SH-05.
    #[must_use]
    pub const fn ttl(&self) -> u8 {
        match self {
            Self::SingleHop(path) => path.ttl,
            Self::Multihop(path) => path.ttl,
            Self::Seamless(_) => TTL,
        }
    }

    /// Whether a packet that is for a session on this path has come by way of it.
    ///
    /// GTSM, RFC 5881 5: what was not routed has a TTL of 255; a session that authenticates its
    /// packets knows better. BFD-RX-10, BFD-SH-06, BFD-SH-09, BFD-MH-01, BFD-MH-02.
    pub(super) fn check(
        &self,
        destination_port: u16,
        source_port: u16,
        ttl: u8,
        authenticated: bool,
    ) -> Result<(), Rejected> {
        let (port, least) = match self {
            Self::SingleHop(_) if authenticated => (SINGLE_HOP_PORT, 0),
            Self::SingleHop(path) => (SINGLE_HOP_PORT, path.min_ttl),
            Self::Multihop(path) => (MULTIHOP_PORT, path.min_ttl),
            // Answers come back to where the question came from.
            Self::Seamless(_) => (source_port, 0),
        };
        if destination_port != port {
            return Err(Rejected::Port {
                found: destination_port,
            });
        }
        if ttl < least {
            return Err(Rejected::Ttl { found: ttl, least });
        }
        Ok(())
    }
}
