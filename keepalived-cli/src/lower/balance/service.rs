//! A virtual server: the services of the kernel, and the servers behind them.

use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::{NonZeroU16, NonZeroU32};

use ipvs::{
    AddressRange, Checksum, Destination, Engine, Forward, Granularity, Persistence, Scheduler,
    Service, ServiceFlags, ServiceKey, Tunnel,
};
use keepalived_config::Config as Model;
use keepalived_config::model::VirtualServer;
use keepalived_config::model::balance::{
    Forwarding, GroupEntry, Protocol, RealServer, ServiceAddress, Tunnel as TunnelKind,
    TunnelChecksum,
};
use keepalived_driver::balance::{Gather, ServerSetup, ServiceSetup, SorrySetup};
use vrrp_proto::Family;

use super::names;

/// The whole of it.
pub(super) fn setup(
    label: &str,
    wanted: &VirtualServer,
    services: Vec<Service>,
    servers: Vec<ServerSetup>,
) -> ServiceSetup {
    let suspend_without = if wanted.ha_suspend {
        let addresses = services.iter().filter_map(|service| match service.key {
            ServiceKey::Address { address, .. } => Some(address),
            ServiceKey::Mark { .. } => None,
        });
        addresses.collect()
    } else {
        Vec::new()
    };
    let mut setup = ServiceSetup::new(label, services, servers);
    setup.quorum = wanted.quorum;
    setup.hysteresis = wanted.hysteresis;
    setup.drain = wanted.drain;
    setup.panic_below = wanted.panic_threshold;
    setup.omega = wanted.omega;
    setup.suspend_without = suspend_without;
    setup.sorry = wanted.sorry.as_ref().map(|sorry| SorrySetup {
        label: names::server(wanted, sorry.address, sorry.port).into(),
        destination: Destination::new(
            SocketAddr::new(sorry.address, sorry.port),
            forward(sorry.forwarding),
            1,
        ),
        inhibit: sorry.inhibit,
    });
    setup
}

/// A server, as the kernel knows it. RS-01, RS-02, RS-04.
pub(super) fn destination(server: &RealServer) -> Destination {
    let key = SocketAddr::new(server.address, server.port);
    Destination::new(key, forward(server.forwarding), server.weight)
        .with_thresholds(server.upper_threshold, server.lower_threshold)
}

fn forward(wanted: Forwarding) -> Forward {
    match wanted {
        Forwarding::Nat => Forward::Masquerade,
        Forwarding::DirectRouting => Forward::DirectRoute,
        Forwarding::Tunnel(tunnel) => Forward::Tunnel(match tunnel {
            TunnelKind::Ipip => Tunnel::Ipip,
            TunnelKind::Gue {
                port,
                checksum: sum,
            } => Tunnel::Gue {
                port: NonZeroU16::new(port).unwrap_or(NonZeroU16::MIN),
                checksum: checksum(sum),
            },
            TunnelKind::Gre { checksum: sum } => Tunnel::Gre {
                checksum: checksum(sum),
            },
        }),
    }
}

const fn checksum(wanted: TunnelChecksum) -> Checksum {
    match wanted {
        TunnelChecksum::None => Checksum::None,
        TunnelChecksum::Full => Checksum::Full,
        TunnelChecksum::Remote => Checksum::Remote,
    }
}

/// What the kernel gets: one service, or one for each address and mark of a group. What is in `taken`
/// a service before has, as the reader has said. LVS-01, LVS-02.
pub(super) fn services(
    model: &Model,
    wanted: &VirtualServer,
    taken: &mut HashSet<ServiceKey>,
) -> Result<Vec<Service>, String> {
    let family = match wanted.family {
        Family::Ipv4 => ipvs::Family::Ipv4,
        Family::Ipv6 => ipvs::Family::Ipv6,
    };
    let mut keys = Vec::new();
    match &wanted.address {
        ServiceAddress::Address { address, port } => {
            keys.push(address_key(wanted, *address, *port));
        }
        ServiceAddress::Mark(mark) => keys.extend(mark_key(*mark, family)),
        ServiceAddress::Group(name) => {
            let group = model
                .service_groups
                .iter()
                .find(|group| group.name.value == name.value)
                .ok_or_else(|| format!("there is no group {}", name.value))?;
            for entry in &group.entries {
                match *entry {
                    GroupEntry::Addresses { first, last, port } => {
                        let addresses = range(first, last);
                        keys.extend(addresses.map(|address| address_key(wanted, address, port)));
                    }
                    GroupEntry::Mark(mark, own) => {
                        let family = match own {
                            Some(Family::Ipv4) => ipvs::Family::Ipv4,
                            Some(Family::Ipv6) => ipvs::Family::Ipv6,
                            None => family,
                        };
                        keys.extend(mark_key(mark, family));
                    }
                }
            }
        }
    }
    keys.retain(|key| taken.insert(*key));
    keys.into_iter().map(|key| service(wanted, key)).collect()
}

/// One service in place of these, if the file asks for that.
pub(super) fn gather(
    model: &Model,
    wanted: &VirtualServer,
    services: &[Service],
) -> Result<Option<Gather>, String> {
    let ServiceAddress::Group(name) = &wanted.address else {
        return Ok(None);
    };
    let marks = &model.global.balance.group_marks;
    let mut groups = model.service_groups.iter();
    if !groups.any(|group| group.name.value == name.value && marks.stand_for(group)) {
        return Ok(None);
    }
    let keys = services.iter().map(|service| service.key);
    let ranges = AddressRange::of(keys.clone());
    let families: BTreeSet<_> = keys.map(|key| key.family()).collect();
    let like = families.into_iter().map(|family| {
        let mark = NonZeroU32::MIN;
        service(wanted, ServiceKey::Mark { mark, family })
    });
    let services = like.collect::<Result<_, _>>()?;
    Ok(Some(Gather { ranges, services }))
}

fn address_key(wanted: &VirtualServer, address: IpAddr, port: u16) -> ServiceKey {
    let protocol = match wanted.protocol {
        Some(Protocol::Tcp) => ipvs::Protocol::TCP,
        Some(Protocol::Sctp) => ipvs::Protocol::SCTP,
        Some(Protocol::Udp) | None => ipvs::Protocol::UDP,
    };
    ServiceKey::address(protocol, SocketAddr::new(address, port))
}

fn mark_key(mark: u32, family: ipvs::Family) -> Option<ServiceKey> {
    let mark = NonZeroU32::new(mark)?;
    Some(ServiceKey::Mark { mark, family })
}

/// Both ends included.
fn range(first: IpAddr, last: IpAddr) -> Box<dyn Iterator<Item = IpAddr>> {
    match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            let bits = first.to_bits()..=last.to_bits();
            Box::new(bits.map(|bits| Ipv4Addr::from_bits(bits).into()))
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            let bits = first.to_bits()..=last.to_bits();
            Box::new(bits.map(|bits| Ipv6Addr::from_bits(bits).into()))
        }
        _ => Box::new(std::iter::empty()),
    }
}

fn service(wanted: &VirtualServer, key: ServiceKey) -> Result<Service, String> {
    let scheduler = Scheduler::new(wanted.scheduler).map_err(|error| error.to_string())?;
    let [first, second, third] = wanted.scheduler_flags;
    let flags = [
        (first, ServiceFlags::SCHEDULER_1),
        (second, ServiceFlags::SCHEDULER_2),
        (third, ServiceFlags::SCHEDULER_3),
        (wanted.one_packet, ServiceFlags::ONE_PACKET),
    ];
    let flags = flags.into_iter().filter(|(on, _)| *on);
    let flags = flags.fold(ServiceFlags::NONE, |all, (_, flag)| all.with(flag));
    let mut service = Service::new(key, scheduler).with_flags(flags);
    if let Some(persistence) = &wanted.persistence {
        service.persistence = Some(Persistence {
            timeout: persistence.timeout,
            granularity: granularity(persistence.prefix_len, wanted.family, key.family()),
        });
        if let Some(engine) = &persistence.engine {
            service.engine = Some(Engine::new(engine).map_err(|error| error.to_string())?);
        }
    }
    service.check().map_err(|error| error.to_string())?;
    Ok(service)
}

/// A client by itself is one in either family: a group may have addresses of both.
fn granularity(bits: u8, of: Family, family: ipvs::Family) -> Granularity {
    let whole = match of {
        Family::Ipv4 => 32,
        Family::Ipv6 => 128,
    };
    match family {
        _ if bits == whole => Granularity::Host,
        ipvs::Family::Ipv4 if bits < 32 => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            Granularity::Mask(Ipv4Addr::from_bits(mask))
        }
        ipvs::Family::Ipv6 if (1..128).contains(&bits) => Granularity::Prefix(bits),
        _ => Granularity::Host,
    }
}
