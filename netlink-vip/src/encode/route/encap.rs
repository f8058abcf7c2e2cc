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
            let list = ip(*id, *destination, *source, *tos, *ttl, *flags);
            (ENCAP_IP, list)
        }
        Encap::Ip6 {
            id,
            destination,
            source,
            traffic_class,
            hop_limit,
            flags,
        } => {
            let list = ip6(
                *id,
                *destination,
                *source,
                *traffic_class,
                *hop_limit,
                *flags,
            );
            (ENCAP_IP6, list)
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

/// Tunnels of IPv4 and IPv6 have the same attributes, in types of their own: how one is written, and how it is read.
macro_rules! tunnel {
    (
        $write:ident, $read:ident, $address:ty, $attribute:ident, $flags:ident,
        $kind:ident { $class:ident: $Class:ident, $hops:ident: $Hops:ident }
    ) => {
        fn $write(
            id: u64,
            destination: $address,
            source: $address,
            $class: u8,
            $hops: u8,
            flags: u16,
        ) -> Vec<RouteLwTunnelEncap> {
            let given =
                |address: $address| Some(address).filter(|address| !address.is_unspecified());
            let flags = Some(flags).filter(|flags| *flags != 0);
            let list = [
                Some($attribute::Id(id)),
                given(destination).map($attribute::Destination),
                given(source).map($attribute::Source),
                ($class != 0).then_some($attribute::$Class($class)),
                ($hops != 0).then_some($attribute::$Hops($hops)),
                flags.map(|flags| $attribute::Flags($flags::from_bits_retain(flags))),
            ];
            let list = list.into_iter().flatten();
            list.map(RouteLwTunnelEncap::$kind).collect()
        }

        fn $read(nest: &[RouteLwTunnelEncap]) -> Encap {
            let (mut id, mut $class, mut $hops, mut flags) = (0, 0, 0, 0);
            let unspecified = <$address>::UNSPECIFIED;
            let (mut destination, mut source) = (unspecified, unspecified);
            for item in nest {
                let RouteLwTunnelEncap::$kind(item) = item else {
                    continue;
                };
                match item {
                    $attribute::Id(value) => id = *value,
                    $attribute::Destination(address) => destination = *address,
                    $attribute::Source(address) => source = *address,
                    $attribute::$Class(value) => $class = *value,
                    $attribute::$Hops(value) => $hops = *value,
                    $attribute::Flags(value) => flags = value.bits(),
                    _ => {}
                }
            }
            Encap::$kind {
                id,
                destination,
                source,
                $class,
                $hops,
                flags,
            }
        }
    };
}

tunnel!(
    ip,
    seen_ip,
    Ipv4Addr,
    RouteIpTunnel,
    RouteIpTunnelFlags,
    Ip { tos: Tos, ttl: Ttl }
);
tunnel!(
    ip6,
    seen_ip6,
    Ipv6Addr,
    RouteIp6Tunnel,
    RouteIp6TunnelFlags,
    Ip6 {
        traffic_class: Tc,
        hop_limit: Hoplimit
    }
);
