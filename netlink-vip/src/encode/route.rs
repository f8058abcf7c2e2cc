//! Routes.

use std::net::IpAddr;

use netlink_packet_core::{
    DefaultNla, NLM_F_APPEND, NLM_F_CREATE, NLM_F_DUMP, NLM_F_ECHO, NLM_F_EXCL, NlaBuffer,
    ParseableParametrized,
};
use netlink_packet_route::route::{
    RouteAttribute, RouteFlags, RouteHeader, RouteLwEnCapType, RouteMessage, RouteMetric,
    RouteMplsTtlPropagation, RouteNextHop, RouteNextHopFlags, RoutePreference, RouteProtocol,
    RouteRealm, RouteScope, RouteType, RouteVia,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

mod encap;

use super::{Undecodable, append, attributes_of, text, u32_at};
use crate::name::InterfaceName;
use crate::route::{
    Hop, Metrics, ObservedRoute, Placement, Prefix, Route, RouteKind, RoutePlace, SeenHop,
};

const ROUTE_HEADER_LEN: usize = 12;
const RTA_ENCAP: u16 = 22;
const RTA_ENCAP_TYPE: u16 = 21;
const RTA_METRICS: u16 = 8;
const RTA_CACHEINFO: u16 = 12;
const RTAX_LOCK: u16 = 1;
const RTAX_CC_ALGO: u16 = 16;
/// `RTM_F_CLONED`: an entry of the cache, not of a table.
const CLONED: u32 = 0x200;
const ONLINK: u8 = 4;

/// Asks for the routes of one family, of one routing protocol if it is not 0.
pub(crate) fn dump_routes(ipv6: bool, protocol: u8, seq: u32, out: &mut Vec<u8>) {
    let mut message = RouteMessage::default();
    message.header.address_family = family(ipv6);
    message.header.protocol = RouteProtocol::from(protocol);
    message.header.scope = RouteScope::from(0);
    message.header.kind = RouteType::from(0);
    append(RouteNetlinkMessage::GetRoute(message), NLM_F_DUMP, seq, out);
}

/// Adds a route. The kernel is asked to show what it made of it. STAT-07.
pub(crate) fn add_route(
    route: &Route,
    protocol: u8,
    index: impl Fn(InterfaceName) -> Option<u32>,
    seq: u32,
    out: &mut Vec<u8>,
) {
    let index = |hop: &Hop| hop.device.and_then(&index).unwrap_or(0);
    let place = route.place();
    let mut message = message_for(&place, route.kind, route.effective_scope());
    message.header.protocol = RouteProtocol::from(route.protocol.unwrap_or(protocol));
    if route.metric.is_none() {
        let priority = |a: &RouteAttribute| matches!(a, RouteAttribute::Priority(_));
        message.attributes.retain(|a| !priority(a));
    }
    let attributes = &mut message.attributes;
    if let Some(source) = route.preferred_source {
        attributes.push(RouteAttribute::PrefSource(source.into()));
    }
    if let Some(preference) = route.preference {
        attributes.push(RouteAttribute::Preference(RoutePreference::from(
            preference,
        )));
    }
    if let Some(seconds) = route.expires {
        attributes.push(RouteAttribute::Expires(seconds));
    }
    if let Some(on) = route.ttl_propagate {
        let propagation = RouteMplsTtlPropagation::from(u8::from(on));
        attributes.push(RouteAttribute::TtlPropagate(propagation));
    }
    attributes.extend(metrics(&route.metrics));
    match route.hops.as_slice() {
        [] => {}
        [hop] if hop.weight == 0 => {
            if hop.onlink {
                message.header.flags = RouteFlags::Onlink;
            }
            attributes.extend(hop_attributes(hop, route.is_ipv6()));
            let index = index(hop);
            if index != 0 {
                attributes.push(RouteAttribute::Oif(index));
            }
        }
        hops => {
            let next = |hop: &Hop| next_hop(hop, index(hop), route.is_ipv6());
            attributes.push(RouteAttribute::MultiPath(hops.iter().map(next).collect()));
        }
    }
    let flags = NLM_F_CREATE
        | NLM_F_ECHO
        | match route.placement {
            Placement::Prepend => 0,
            Placement::Append => NLM_F_APPEND,
            Placement::Alone => NLM_F_EXCL,
        };
    append(RouteNetlinkMessage::NewRoute(message), flags, seq, out);
}

/// Removes exactly this route.
pub(crate) fn remove_route(seen: &ObservedRoute, seq: u32, out: &mut Vec<u8>) {
    let ipv6 = seen.place.destination.address.is_ipv6();
    let mut message = message_for(&seen.place, seen.kind, seen.scope);
    message.header.protocol = RouteProtocol::from(seen.protocol);
    let attributes = &mut message.attributes;
    if let Some(source) = seen.preferred_source {
        attributes.push(RouteAttribute::PrefSource(source.into()));
    }
    let hop = |seen: &SeenHop| Hop {
        via: seen.via,
        device: None,
        weight: seen.weight,
        onlink: seen.onlink,
        realms: seen.realms,
        // The kernel compares it only with what it can build anew.
        encap: None,
    };
    match seen.hops.as_slice() {
        [] => {}
        [only] => {
            attributes.extend(hop_attributes(&hop(only), ipv6));
            attributes.push(RouteAttribute::Oif(only.index));
        }
        hops => {
            let next = |seen: &SeenHop| next_hop(&hop(seen), seen.index, ipv6);
            attributes.push(RouteAttribute::MultiPath(hops.iter().map(next).collect()));
        }
    }
    append(RouteNetlinkMessage::DelRoute(message), 0, seq, out);
}

fn family(ipv6: bool) -> AddressFamily {
    if ipv6 {
        AddressFamily::Inet6
    } else {
        AddressFamily::Inet
    }
}

fn message_for(place: &RoutePlace, kind: RouteKind, scope: u8) -> RouteMessage {
    let mut message = RouteMessage::default();
    let small = u8::try_from(place.table).ok();
    message.header = RouteHeader {
        address_family: family(place.destination.address.is_ipv6()),
        destination_prefix_length: place.destination.length,
        source_prefix_length: place.source.map_or(0, |source| source.length),
        tos: place.tos,
        table: small.unwrap_or(0),
        scope: RouteScope::from(scope),
        kind: RouteType::from(kind.0),
        ..RouteHeader::default()
    };
    let attributes = &mut message.attributes;
    if place.destination.length > 0 {
        let destination = place.destination.address.into();
        attributes.push(RouteAttribute::Destination(destination));
    }
    if let Some(source) = place.source {
        attributes.push(RouteAttribute::Source(source.address.into()));
    }
    if small.is_none() {
        attributes.push(RouteAttribute::Table(place.table));
    }
    if place.metric != 0 {
        attributes.push(RouteAttribute::Priority(place.metric));
    }
    message
}

fn hop_attributes(hop: &Hop, ipv6: bool) -> Vec<RouteAttribute> {
    let mut attributes = Vec::new();
    if let Some(encap) = &hop.encap {
        let (kind, nest) = encap::nest(encap);
        attributes.push(RouteAttribute::Encap(nest));
        attributes.push(RouteAttribute::EncapType(RouteLwEnCapType::from(kind)));
    }
    match hop.via {
        None => {}
        Some(via) if via.is_ipv6() == ipv6 => {
            attributes.push(RouteAttribute::Gateway(via.into()));
        }
        Some(via) => attributes.push(RouteAttribute::Via(RouteVia::from(via))),
    }
    if let Some(realms) = hop.realms {
        let [destination_low, destination_high, source_low, source_high] = realms.to_le_bytes();
        attributes.push(RouteAttribute::Realm(RouteRealm {
            source: u16::from_le_bytes([source_low, source_high]),
            destination: u16::from_le_bytes([destination_low, destination_high]),
        }));
    }
    attributes
}

fn next_hop(hop: &Hop, index: u32, ipv6: bool) -> RouteNextHop {
    let mut next = RouteNextHop::default();
    next.hops = hop.weight;
    next.interface_index = index;
    if hop.onlink {
        next.flags = RouteNextHopFlags::Onlink;
    }
    next.attributes = hop_attributes(hop, ipv6);
    next
}

fn metrics(metrics: &Metrics) -> Option<RouteAttribute> {
    if metrics.is_empty() {
        return None;
    }
    let mut list = Vec::new();
    if metrics.locked != 0 {
        list.push(RouteMetric::Lock(metrics.locked));
    }
    for (number, value) in &metrics.values {
        let bytes = value.to_ne_bytes().to_vec();
        list.push(RouteMetric::Other(DefaultNla::new(*number, bytes)));
    }
    if let Some(name) = &metrics.congestion_control {
        list.push(RouteMetric::CcAlgo(name.clone()));
    }
    Some(RouteAttribute::Metrics(list))
}

/// What a message shows: several routes if IPv6 routes share the load.
pub(super) fn routes(body: &[u8]) -> Result<Vec<ObservedRoute>, Undecodable> {
    let header = RouteHeader::parse(body).map_err(|_| Undecodable::Body)?;
    let ipv6 = match header.address_family {
        AddressFamily::Inet => false,
        AddressFamily::Inet6 => true,
        // Other families have routes of their own.
        _ => return Ok(Vec::new()),
    };
    if header.flags.bits() & CLONED != 0 {
        return Ok(Vec::new());
    }
    let kind = RouteKind(header.kind.into());
    let mut place = RoutePlace {
        table: header.table.into(),
        destination: Prefix::all(ipv6),
        source: None,
        tos: header.tos,
        metric: 0,
    };
    let mut seen = ObservedRoute {
        place,
        kind,
        scope: header.scope.into(),
        preferred_source: None,
        hops: Vec::new(),
        preference: 0,
        metrics: Metrics::default(),
        protocol: header.protocol.into(),
        ours: false,
        wish: None,
    };
    let bytes = body.get(ROUTE_HEADER_LEN..).unwrap_or_default();
    let encap_type = encap_type(bytes);
    let parameter = (header.address_family, header.kind, encap_type);
    let mut single = Vec::new();
    let mut several = Vec::new();
    for attribute in attributes_of(bytes) {
        match attribute.kind() {
            RTA_METRICS => seen.metrics = seen_metrics(attribute.value()),
            // Counters of use.
            RTA_CACHEINFO => {}
            _ => match RouteAttribute::parse_with_param(&attribute, parameter) {
                Ok(RouteAttribute::Destination(address)) => {
                    let length = header.destination_prefix_length;
                    place.destination = Prefix::new(ip(&address)?, length);
                }
                Ok(RouteAttribute::Source(address)) => {
                    let length = header.source_prefix_length;
                    place.source = Some(Prefix::new(ip(&address)?, length));
                }
                Ok(RouteAttribute::Table(table)) => place.table = table,
                Ok(RouteAttribute::Priority(metric)) => place.metric = metric,
                Ok(RouteAttribute::PrefSource(address)) => {
                    seen.preferred_source = Some(ip(&address)?);
                }
                Ok(RouteAttribute::Preference(preference)) => seen.preference = preference.into(),
                Ok(RouteAttribute::MultiPath(hops)) => several = hops,
                Ok(other) => single.push(other),
                Err(_) => return Err(Undecodable::Body),
            },
        }
    }
    seen.place = place;
    if kind.has_no_hop() {
        return Ok(vec![seen]);
    }
    if several.is_empty() {
        let [flags, ..] = header.flags.bits().to_le_bytes();
        seen.hops = vec![seen_hop(0, 0, flags, &single, encap_type)];
        return Ok(vec![seen]);
    }
    let mut hops = Vec::with_capacity(several.len());
    for next in &several {
        let kind = next.attributes.iter().find_map(|a| match a {
            RouteAttribute::EncapType(kind) => Some(*kind),
            _ => None,
        });
        let kind = kind.unwrap_or(RouteLwEnCapType::None);
        let flags = next.flags.bits();
        hops.push(seen_hop(
            next.interface_index,
            next.hops,
            flags,
            &next.attributes,
            kind,
        ));
    }
    if !ipv6 {
        seen.hops = hops;
        return Ok(vec![seen]);
    }
    let one = |hop| ObservedRoute {
        hops: vec![hop],
        ..seen.clone()
    };
    Ok(hops.into_iter().map(one).collect())
}

/// The type of the encapsulation, without which its nest cannot be read; it comes behind it.
fn encap_type(attributes: &[u8]) -> RouteLwEnCapType {
    let parameter = (
        AddressFamily::Unspec,
        RouteType::Unspec,
        RouteLwEnCapType::None,
    );
    let mut found = attributes_of(attributes).filter(|a| a.kind() == RTA_ENCAP_TYPE);
    let parsed = found
        .next()
        .and_then(|a| RouteAttribute::parse_with_param(&a, parameter).ok());
    match parsed {
        Some(RouteAttribute::EncapType(kind)) => kind,
        _ => RouteLwEnCapType::None,
    }
}

fn ip(address: &netlink_packet_route::route::RouteAddress) -> Result<IpAddr, Undecodable> {
    use netlink_packet_route::route::RouteAddress;
    match address {
        RouteAddress::Inet(v4) => Ok((*v4).into()),
        RouteAddress::Inet6(v6) => Ok((*v6).into()),
        _ => Err(Undecodable::Body),
    }
}

fn seen_hop(
    index: u32,
    weight: u8,
    flags: u8,
    attributes: &[RouteAttribute],
    encap_type: RouteLwEnCapType,
) -> SeenHop {
    let mut hop = SeenHop {
        index,
        weight,
        onlink: flags & ONLINK != 0,
        ..SeenHop::default()
    };
    for attribute in attributes {
        match attribute {
            RouteAttribute::Gateway(address) => hop.via = ip(address).ok(),
            RouteAttribute::Via(RouteVia::Inet(v4)) => hop.via = Some((*v4).into()),
            RouteAttribute::Via(RouteVia::Inet6(v6)) => hop.via = Some((*v6).into()),
            RouteAttribute::Oif(index) => hop.index = *index,
            RouteAttribute::Realm(realm) => {
                hop.realms = Some(u32::from(realm.source) << 16 | u32::from(realm.destination));
            }
            RouteAttribute::Encap(nest) => hop.encap = Some(encap::seen(encap_type, nest)),
            _ => {}
        }
    }
    hop
}

fn seen_metrics(nest: &[u8]) -> Metrics {
    let mut metrics = Metrics::default();
    for attribute in attributes_of(nest) {
        let value = |a: &NlaBuffer<&[u8]>| u32_at(a.value(), 0).unwrap_or(0);
        match attribute.kind() {
            RTAX_LOCK => metrics.locked = value(&attribute),
            RTAX_CC_ALGO => metrics.congestion_control = Some(text(attribute.value())),
            number => {
                metrics.values.insert(number, value(&attribute));
            }
        }
    }
    metrics
}

/// Keeps the number of the nest beside that of its type.
const _: () = assert!(RTA_ENCAP == RTA_ENCAP_TYPE + 1);
