//! Between attributes and what they mean.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::{NonZeroU16, NonZeroU32};

use super::attributes::{DaemonAttribute, DestinationAttribute, ServiceAttribute};
use crate::counters::{Counters, DestinationStatus, ServiceStatus};
use crate::daemon::{SyncDaemon, SyncRole};
use crate::destination::{Checksum, Destination, DestinationKey, Forward, Tunnel};
use crate::error::DecodeError;
use crate::name::Name;
use crate::service::{
    Family, Granularity, Persistence, Protocol, Service, ServiceFlags, ServiceKey, address_from,
    address_octets,
};

/// The most attributes of a nest: one piece of memory each, for there can be a hundred thousand of them.
const MOST: usize = 10;

/// What identifies a service; enough for all that does not create or change it.
pub(super) fn service_ids(key: &ServiceKey) -> Vec<ServiceAttribute> {
    let mut attributes = Vec::with_capacity(MOST);
    attributes.push(ServiceAttribute::Family(key.family().number()));
    match *key {
        ServiceKey::Address {
            protocol,
            address,
            port,
        } => attributes.extend([
            ServiceAttribute::Protocol(protocol.0),
            ServiceAttribute::Address(address_octets(address)),
            ServiceAttribute::Port(port),
        ]),
        // IPVS-ENC-06: the mark stands in the place of protocol, address and port.
        ServiceKey::Mark { mark, .. } => attributes.push(ServiceAttribute::Mark(mark.get())),
    }
    attributes
}

/// The whole of a service. `mask` says which flags are meant (IPVS-ENC-05). IPVS-ENC-01.
pub(super) fn service_full(service: &Service, mask: u32) -> Vec<ServiceAttribute> {
    let mut attributes = service_ids(&service.key);
    let name = service.scheduler.as_str().to_owned();
    attributes.push(ServiceAttribute::Scheduler(name));
    if let Some(engine) = &service.engine {
        attributes.push(ServiceAttribute::Engine(engine.as_str().to_owned()));
    }
    let persistent = if service.persistence.is_some() {
        ServiceFlags::PERSISTENT
    } else {
        0
    };
    let timeout = service
        .persistence
        .map_or(0, |persistence| persistence.timeout);
    attributes.extend([
        ServiceAttribute::Flags {
            flags: service.flags.bits() | persistent,
            mask,
        },
        ServiceAttribute::Timeout(timeout),
        ServiceAttribute::Netmask(service.netmask()),
    ]);
    attributes
}

/// What identifies a destination within its service.
pub(super) fn destination_ids(key: &DestinationKey) -> Vec<DestinationAttribute> {
    let mut attributes = Vec::with_capacity(MOST);
    attributes.extend([
        DestinationAttribute::Family(Family::of(key.address).number()),
        DestinationAttribute::Address(address_octets(key.address)),
        DestinationAttribute::Port(key.port),
    ]);
    attributes
}

/// The whole of a destination. IPVS-ENC-01, IPVS-ENC-03.
pub(super) fn destination_full(destination: &Destination) -> Vec<DestinationAttribute> {
    let mut attributes = destination_ids(&destination.key);
    attributes.push(DestinationAttribute::Forward(destination.forward.number()));
    attributes.push(DestinationAttribute::Weight(destination.weight));
    // IPVS-ENC-08: kernels before 5.3 do not know these.
    if let Forward::Tunnel(tunnel) = destination.forward {
        let (kind, port, checksum) = match tunnel {
            Tunnel::Ipip => (0, 0, Checksum::None),
            Tunnel::Gue { port, checksum } => (1, port.get(), checksum),
            Tunnel::Gre { checksum } => (2, 0, checksum),
        };
        attributes.extend([
            DestinationAttribute::TunnelType(kind),
            DestinationAttribute::TunnelPort(port),
            DestinationAttribute::TunnelFlags(checksum.bits()),
        ]);
    }
    attributes.push(DestinationAttribute::UpperThreshold(
        destination.upper_threshold,
    ));
    attributes.push(DestinationAttribute::LowerThreshold(
        destination.lower_threshold,
    ));
    attributes
}

/// The whole of a sync daemon. IPVS-ENC-03.
pub(super) fn daemon_full(daemon: &SyncDaemon) -> Vec<DaemonAttribute> {
    let mut attributes = daemon_ids(daemon.role, daemon.interface.as_str(), daemon.id);
    if daemon.max_length != 0 {
        attributes.push(DaemonAttribute::MaxLength(daemon.max_length));
    }
    if daemon.port != 0 {
        attributes.push(DaemonAttribute::Port(daemon.port));
    }
    if daemon.ttl != 0 {
        attributes.push(DaemonAttribute::Ttl(daemon.ttl));
    }
    match daemon.group {
        Some(IpAddr::V4(group)) => attributes.push(DaemonAttribute::Group(group.octets())),
        Some(IpAddr::V6(group)) => attributes.push(DaemonAttribute::Group6(group.octets())),
        None => {}
    }
    attributes
}

/// What every request about a sync daemon has.
pub(super) fn daemon_ids(role: SyncRole, interface: &str, id: u8) -> Vec<DaemonAttribute> {
    vec![
        DaemonAttribute::State(role.number()),
        DaemonAttribute::Interface(interface.to_owned()),
        DaemonAttribute::Id(id.into()),
    ]
}

fn family(number: u16) -> Result<Family, DecodeError> {
    match number {
        2 => Ok(Family::Ipv4),
        10 => Ok(Family::Ipv6),
        other => Err(DecodeError::Family(other)),
    }
}

/// The service that a nest identifies.
pub(super) fn key_of(attributes: &[ServiceAttribute]) -> Result<ServiceKey, DecodeError> {
    let (mut number, mut protocol, mut octets, mut port, mut mark) = (None, None, None, None, None);
    for attribute in attributes {
        match attribute {
            ServiceAttribute::Family(is) => number = Some(*is),
            ServiceAttribute::Protocol(is) => protocol = Some(Protocol(*is)),
            ServiceAttribute::Address(is) => octets = Some(*is),
            ServiceAttribute::Port(is) => port = Some(*is),
            ServiceAttribute::Mark(is) => mark = NonZeroU32::new(*is),
            _ => {}
        }
    }
    let family = family(number.ok_or(DecodeError::Missing("AF"))?)?;
    if let Some(mark) = mark {
        return Ok(ServiceKey::Mark { mark, family });
    }
    Ok(ServiceKey::Address {
        protocol: protocol.ok_or(DecodeError::Missing("PROTOCOL"))?,
        address: address_from(octets.ok_or(DecodeError::Missing("ADDR"))?, family),
        port: port.ok_or(DecodeError::Missing("PORT"))?,
    })
}

/// A service as the kernel tells of it. IPVS-DEC-01: 64-bit counters if there are any.
pub(super) fn service(attributes: &[ServiceAttribute]) -> Result<ServiceStatus, DecodeError> {
    let key = key_of(attributes)?;
    let mut scheduler = None;
    let (mut engine, mut bits, mut timeout, mut netmask) = (None, 0, 0, None);
    let (mut narrow, mut wide) = (None, None);
    for attribute in attributes {
        match attribute {
            ServiceAttribute::Scheduler(name) => {
                let name = Name::new(name).map_err(|_| DecodeError::Name("SCHED_NAME"))?;
                scheduler = Some(name);
            }
            ServiceAttribute::Engine(name) if !name.is_empty() => {
                engine = Some(Name::new(name).map_err(|_| DecodeError::Name("PE_NAME"))?);
            }
            ServiceAttribute::Flags { flags, .. } => bits = *flags,
            ServiceAttribute::Timeout(seconds) => timeout = *seconds,
            ServiceAttribute::Netmask(octets) => netmask = Some(*octets),
            ServiceAttribute::Stats(counters) => narrow = Some(*counters),
            ServiceAttribute::Stats64(counters) => wide = Some(*counters),
            _ => {}
        }
    }
    let persistence = if bits & ServiceFlags::PERSISTENT == 0 {
        None
    } else {
        Some(Persistence {
            timeout,
            granularity: granularity(key.family(), netmask)?,
        })
    };
    Ok(ServiceStatus {
        service: Service {
            key,
            scheduler: scheduler.ok_or(DecodeError::Missing("SCHED_NAME"))?,
            flags: ServiceFlags::from_bits(bits),
            persistence,
            engine,
        },
        counters: preferred(wide, narrow),
    })
}

fn preferred(wide: Option<Counters>, narrow: Option<Counters>) -> Counters {
    wide.or(narrow).unwrap_or_default()
}

fn granularity(family: Family, netmask: Option<[u8; 4]>) -> Result<Granularity, DecodeError> {
    let Some(octets) = netmask else {
        return Ok(Granularity::Host);
    };
    match (family, octets) {
        (Family::Ipv4, [255, 255, 255, 255]) => Ok(Granularity::Host),
        (Family::Ipv4, octets) => Ok(Granularity::Mask(Ipv4Addr::from(octets))),
        (Family::Ipv6, octets) => match u32::from_ne_bytes(octets) {
            128 => Ok(Granularity::Host),
            length => match u8::try_from(length) {
                Ok(length @ ..=127) => Ok(Granularity::Prefix(length)),
                _ => Err(DecodeError::Range("NETMASK")),
            },
        },
    }
}

/// The destination that a nest identifies. IPVS-DEC-05: without a family it has the service's.
pub(super) fn destination_key(
    attributes: &[DestinationAttribute],
    service: Family,
) -> Result<DestinationKey, DecodeError> {
    let (mut number, mut octets, mut port) = (0, None, None);
    for attribute in attributes {
        match attribute {
            DestinationAttribute::Family(is) => number = *is,
            DestinationAttribute::Address(is) => octets = Some(*is),
            DestinationAttribute::Port(is) => port = Some(*is),
            _ => {}
        }
    }
    let family = if number == 0 {
        service
    } else {
        family(number)?
    };
    let octets = octets.ok_or(DecodeError::Missing("ADDR"))?;
    Ok(DestinationKey {
        address: address_from(octets, family),
        port: port.ok_or(DecodeError::Missing("PORT"))?,
    })
}

/// A destination as the kernel tells of it.
pub(super) fn destination(
    attributes: &[DestinationAttribute],
    service: Family,
) -> Result<DestinationStatus, DecodeError> {
    let key = destination_key(attributes, service)?;
    let mut method = None;
    let (mut kind, mut port, mut bits) = (0, 0, 0);
    let (mut weight, mut upper_threshold, mut lower_threshold) = (0, 0, 0);
    let (mut active, mut inactive, mut persistent) = (0, 0, 0);
    let (mut narrow, mut wide) = (None, None);
    for attribute in attributes {
        match attribute {
            DestinationAttribute::Forward(is) => method = Some(*is),
            DestinationAttribute::Weight(is) => weight = *is,
            DestinationAttribute::UpperThreshold(is) => upper_threshold = *is,
            DestinationAttribute::LowerThreshold(is) => lower_threshold = *is,
            DestinationAttribute::ActiveConnections(is) => active = *is,
            DestinationAttribute::InactiveConnections(is) => inactive = *is,
            DestinationAttribute::PersistentConnections(is) => persistent = *is,
            DestinationAttribute::TunnelType(is) => kind = *is,
            DestinationAttribute::TunnelPort(is) => port = *is,
            DestinationAttribute::TunnelFlags(is) => bits = *is,
            DestinationAttribute::Stats(counters) => narrow = Some(*counters),
            DestinationAttribute::Stats64(counters) => wide = Some(*counters),
            _ => {}
        }
    }
    // Only the low three bits are the method.
    let forward = match method.ok_or(DecodeError::Missing("FWD_METHOD"))? & 7 {
        0 => Forward::Masquerade,
        1 => Forward::LocalNode,
        2 => Forward::Tunnel(tunnel(kind, port, bits)?),
        3 => Forward::DirectRoute,
        4 => Forward::Bypass,
        other => return Err(DecodeError::Forward(other)),
    };
    let destination = Destination {
        key,
        forward,
        weight,
        upper_threshold,
        lower_threshold,
    };
    Ok(DestinationStatus {
        destination,
        active,
        inactive,
        persistent,
        counters: preferred(wide, narrow),
    })
}

fn tunnel(kind: u8, port: u16, bits: u16) -> Result<Tunnel, DecodeError> {
    let checksum = Checksum::from_bits(bits);
    match kind {
        0 => Ok(Tunnel::Ipip),
        1 => {
            let port = NonZeroU16::new(port).ok_or(DecodeError::Range("TUN_PORT"))?;
            Ok(Tunnel::Gue { port, checksum })
        }
        2 => Ok(Tunnel::Gre { checksum }),
        other => Err(DecodeError::Tunnel(other)),
    }
}

/// A sync daemon as the kernel tells of it.
pub(super) fn daemon(attributes: &[DaemonAttribute]) -> Result<SyncDaemon, DecodeError> {
    let (mut role, mut interface, mut id) = (None, None, 0_u32);
    let (mut max_length, mut group, mut port, mut ttl) = (0, None, 0, 0);
    for attribute in attributes {
        match attribute {
            DaemonAttribute::State(1) => role = Some(SyncRole::Master),
            DaemonAttribute::State(2) => role = Some(SyncRole::Backup),
            DaemonAttribute::Interface(name) => {
                interface = Some(Name::new(name).map_err(|_| DecodeError::Name("MCAST_IFN"))?);
            }
            DaemonAttribute::Id(is) => id = *is,
            DaemonAttribute::MaxLength(is) => max_length = *is,
            DaemonAttribute::Group(is) => group = Some(IpAddr::from(*is)),
            DaemonAttribute::Group6(is) => group = Some(Ipv6Addr::from(*is).into()),
            DaemonAttribute::Port(is) => port = *is,
            DaemonAttribute::Ttl(is) => ttl = *is,
            _ => {}
        }
    }
    Ok(SyncDaemon {
        role: role.ok_or(DecodeError::Missing("STATE"))?,
        interface: interface.ok_or(DecodeError::Missing("MCAST_IFN"))?,
        id: u8::try_from(id).map_err(|_| DecodeError::Range("SYNC_ID"))?,
        max_length,
        group,
        port,
        ttl,
    })
}
