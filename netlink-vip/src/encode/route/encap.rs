//! What a route wraps packets in (`encap`).

use std::net::{Ipv4Addr, Ipv6Addr};

use netlink_packet_core::DefaultNla;
use netlink_packet_route::route::{
    MplsLabel, RouteIp6Tunnel, RouteIp6TunnelFlags, RouteIpTunnel, RouteIpTunnelFlags,
    RouteLwEnCapType, RouteLwTunnelEncap, RouteMplsIpTunnel,
};

use crate::route::Encap;

const ENCAP_MPLS: u16 = 1;
const ENCAP_IP: u16 = 2;
const ENCAP_ILA: u16 = 3;
const ENCAP_IP6: u16 = 4;

/// Its type and the attributes in its nest; what is not given is left out.
pub(super) fn nest(encap: &Encap) -> (u16, Vec<RouteLwTunnelEncap>) {
    match encap {
        Encap::Ip {
            id,
            destination,
            source,
            tos,
            ttl,
            flags,
        } => {
            let mut list = vec![RouteIpTunnel::Id(*id)];
            if !destination.is_unspecified() {
                list.push(RouteIpTunnel::Destination(*destination));
            }
            if !source.is_unspecified() {
                list.push(RouteIpTunnel::Source(*source));
            }
            if *tos != 0 {
                list.push(RouteIpTunnel::Tos(*tos));
            }
            if *ttl != 0 {
                list.push(RouteIpTunnel::Ttl(*ttl));
            }
            if *flags != 0 {
                let flags = RouteIpTunnelFlags::from_bits_retain(*flags);
                list.push(RouteIpTunnel::Flags(flags));
            }
            let list = list.into_iter().map(RouteLwTunnelEncap::Ip);
            (ENCAP_IP, list.collect())
        }
        Encap::Ip6 {
            id,
            destination,
            source,
            traffic_class,
            hop_limit,
            flags,
        } => {
            let mut list = vec![RouteIp6Tunnel::Id(*id)];
            if !destination.is_unspecified() {
                list.push(RouteIp6Tunnel::Destination(*destination));
            }
            if !source.is_unspecified() {
                list.push(RouteIp6Tunnel::Source(*source));
            }
            if *traffic_class != 0 {
                list.push(RouteIp6Tunnel::Tc(*traffic_class));
            }
            if *hop_limit != 0 {
                list.push(RouteIp6Tunnel::Hoplimit(*hop_limit));
            }
            if *flags != 0 {
                let flags = RouteIp6TunnelFlags::from_bits_retain(*flags);
                list.push(RouteIp6Tunnel::Flags(flags));
            }
            let list = list.into_iter().map(RouteLwTunnelEncap::Ip6);
            (ENCAP_IP6, list.collect())
        }
        Encap::Mpls(labels) => {
            let last = labels.len().saturating_sub(1);
            let label = |(at, label): (usize, &u32)| MplsLabel {
                label: *label,
                traffic_class: 0,
                bottom_of_stack: at == last,
                ttl: 0,
            };
            let labels = labels.iter().enumerate().map(label).collect();
            let nest = RouteLwTunnelEncap::Mpls(RouteMplsIpTunnel::Destination(labels));
            (ENCAP_MPLS, vec![nest])
        }
        Encap::Ila(locator) => {
            let locator = DefaultNla::new(1, locator.to_be_bytes().to_vec());
            (ENCAP_ILA, vec![RouteLwTunnelEncap::Other(locator)])
        }
        Encap::Other(kind) => (*kind, Vec::new()),
    }
}

/// What such a nest says.
pub(super) fn seen(kind: RouteLwEnCapType, nest: &[RouteLwTunnelEncap]) -> Encap {
    match u16::from(kind) {
        ENCAP_IP => seen_ip(nest),
        ENCAP_IP6 => seen_ip6(nest),
        ENCAP_MPLS => {
            let labels = nest.iter().find_map(|item| match item {
                RouteLwTunnelEncap::Mpls(RouteMplsIpTunnel::Destination(labels)) => Some(labels),
                _ => None,
            });
            let labels = labels.into_iter().flatten().map(|label| label.label);
            Encap::Mpls(labels.collect())
        }
        other => Encap::Other(other),
    }
}

fn seen_ip(nest: &[RouteLwTunnelEncap]) -> Encap {
    let (mut id, mut tos, mut ttl, mut flags) = (0, 0, 0, 0);
    let (mut destination, mut source) = (Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED);
    for item in nest {
        match item {
            RouteLwTunnelEncap::Ip(RouteIpTunnel::Id(value)) => id = *value,
            RouteLwTunnelEncap::Ip(RouteIpTunnel::Destination(ip)) => destination = *ip,
            RouteLwTunnelEncap::Ip(RouteIpTunnel::Source(ip)) => source = *ip,
            RouteLwTunnelEncap::Ip(RouteIpTunnel::Tos(value)) => tos = *value,
            RouteLwTunnelEncap::Ip(RouteIpTunnel::Ttl(value)) => ttl = *value,
            RouteLwTunnelEncap::Ip(RouteIpTunnel::Flags(value)) => flags = value.bits(),
            _ => {}
        }
    }
    Encap::Ip {
        id,
        destination,
        source,
        tos,
        ttl,
        flags,
    }
}

fn seen_ip6(nest: &[RouteLwTunnelEncap]) -> Encap {
    let (mut id, mut traffic_class, mut hop_limit, mut flags) = (0, 0, 0, 0);
    let (mut destination, mut source) = (Ipv6Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED);
    for item in nest {
        match item {
            RouteLwTunnelEncap::Ip6(RouteIp6Tunnel::Id(value)) => id = *value,
            RouteLwTunnelEncap::Ip6(RouteIp6Tunnel::Destination(ip)) => destination = *ip,
            RouteLwTunnelEncap::Ip6(RouteIp6Tunnel::Source(ip)) => source = *ip,
            RouteLwTunnelEncap::Ip6(RouteIp6Tunnel::Tc(value)) => traffic_class = *value,
            RouteLwTunnelEncap::Ip6(RouteIp6Tunnel::Hoplimit(value)) => hop_limit = *value,
            RouteLwTunnelEncap::Ip6(RouteIp6Tunnel::Flags(value)) => flags = value.bits(),
            _ => {}
        }
    }
    Encap::Ip6 {
        id,
        destination,
        source,
        traffic_class,
        hop_limit,
        flags,
    }
}
