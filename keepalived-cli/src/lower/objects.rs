//! Routes, rules and static objects.

use keepalived_config::model::route::{
    Encap as WantedEncap, Hop as WantedHop, Metric as WantedMetric, Placement as WantedPlacement,
    Prefix as WantedPrefix, Route as WantedRoute,
};
use keepalived_config::model::rule::{Rule as WantedRule, RuleAction as WantedAction};
use keepalived_config::model::{Spanned, Statics};
use netlink_vip::{
    Desired, Encap, Hop, Metric, Object, Placement, Prefix, Route, RouteKind, Rule, RuleAction, Vip,
};

use super::instance::{self, Unusable, name};

/// The static part.
pub(super) fn statics(wanted: &Statics) -> Result<Desired, Unusable> {
    let addresses = wanted.addresses.iter().map(static_address);
    let routes = wanted.routes.iter().map(route);
    let rules = wanted.rules.iter().map(rule);
    Ok(Desired::addresses(addresses.collect::<Result<_, _>>()?)
        .with_routes(routes.collect::<Result<_, _>>()?)
        .with_rules(rules.collect::<Result<_, _>>()?))
}

fn static_address(address: &keepalived_config::model::StaticAddress) -> Result<Vip, Unusable> {
    let mut vip = instance::address(&address.vip, name(&address.device)?)?;
    // Unlike a virtual address it does not hurry, and another host may have it.
    vip.flags.dad = vip.address.is_ipv6() && !address.vip.nodad;
    vip.own = true;
    Ok(vip)
}

/// The static objects whose loss faults this instance (STAT-04).
pub(super) fn tracked(wanted: &Statics, instance: &str) -> Result<Vec<Object>, Unusable> {
    let concerns = |group: &Option<Spanned<String>>| wanted.concerns(group.as_ref(), instance);
    let mut objects = Vec::new();
    for address in &wanted.addresses {
        if concerns(&address.vip.track_group) {
            objects.push(Object::Address(address.vip.address));
        }
    }
    for wanted in wanted
        .routes
        .iter()
        .filter(|route| concerns(&route.track_group))
    {
        objects.push(Object::from(&route(wanted)?));
    }
    for wanted in wanted
        .rules
        .iter()
        .filter(|rule| concerns(&rule.track_group))
    {
        objects.push(Object::from(&rule(wanted)?));
    }
    Ok(objects)
}

fn prefix(wanted: WantedPrefix) -> Prefix {
    Prefix::new(wanted.address, wanted.length)
}

fn realms((from, to): (u16, u16)) -> u32 {
    u32::from(from) << 16 | u32::from(to)
}

pub(super) fn route(wanted: &WantedRoute) -> Result<Route, Unusable> {
    let hops = wanted.hops.iter().map(hop).collect::<Result<_, _>>()?;
    let mut route = Route::new(prefix(wanted.destination), hops);
    route.source = wanted.source.map(prefix);
    route.kind = RouteKind(wanted.kind);
    route.table = wanted.table;
    route.tos = wanted.tos;
    route.metric = wanted.metric;
    route.scope = wanted.scope;
    route.protocol = wanted.protocol;
    route.preferred_source = wanted.preferred_source;
    route.preference = wanted.preference;
    route.expires = wanted.expires;
    route.ttl_propagate = wanted.ttl_propagate;
    route.placement = match wanted.placement {
        WantedPlacement::Prepend => Placement::Prepend,
        WantedPlacement::Append => Placement::Append,
        WantedPlacement::Add => Placement::Alone,
    };
    for metric in &wanted.metrics {
        // The kernel counts round trips in eighths and their variance in quarters of a millisecond.
        let unit = match metric.metric {
            WantedMetric::Rtt => 8,
            WantedMetric::RttVar => 4,
            _ => 1,
        };
        let value = metric.value.saturating_mul(unit);
        route
            .metrics
            .set(kernel_metric(metric.metric), value, metric.lock);
    }
    if let Some((algorithm, lock)) = &wanted.congestion_control {
        route.metrics.set_congestion_control(algorithm, *lock);
    }
    route.tracked = !wanted.no_track;
    Ok(route)
}

fn kernel_metric(metric: WantedMetric) -> Metric {
    match metric {
        WantedMetric::Mtu => Metric::Mtu,
        WantedMetric::HopLimit => Metric::HopLimit,
        WantedMetric::AdvMss => Metric::AdvMss,
        WantedMetric::Rtt => Metric::Rtt,
        WantedMetric::RttVar => Metric::RttVar,
        WantedMetric::Reordering => Metric::Reordering,
        WantedMetric::Window => Metric::Window,
        WantedMetric::Cwnd => Metric::Cwnd,
        WantedMetric::SsThresh => Metric::SsThresh,
        WantedMetric::RtoMin => Metric::RtoMin,
        WantedMetric::InitCwnd => Metric::InitCwnd,
        WantedMetric::InitRwnd => Metric::InitRwnd,
        WantedMetric::QuickAck => Metric::QuickAck,
        WantedMetric::FastopenNoCookie => Metric::FastopenNoCookie,
        WantedMetric::Features => Metric::Features,
    }
}

fn hop(wanted: &WantedHop) -> Result<Hop, Unusable> {
    let device = wanted.device.as_deref().map(name).transpose()?;
    let mut hop = Hop::new(wanted.via, device);
    hop.weight = u8::try_from(wanted.weight.saturating_sub(1)).unwrap_or(u8::MAX);
    hop.onlink = wanted.onlink;
    hop.realms = wanted.realms.map(realms);
    hop.encap = wanted.encap.as_ref().map(encap);
    Ok(hop)
}

fn encap(wanted: &WantedEncap) -> Encap {
    match wanted {
        WantedEncap::Ip {
            id,
            destination,
            source,
            tos,
            ttl,
            flags,
        } => Encap::Ip {
            id: *id,
            destination: destination.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED),
            source: source.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED),
            tos: *tos,
            ttl: *ttl,
            flags: *flags,
        },
        WantedEncap::Ip6 {
            id,
            destination,
            source,
            traffic_class,
            hop_limit,
            flags,
        } => Encap::Ip6 {
            id: *id,
            destination: destination.unwrap_or(std::net::Ipv6Addr::UNSPECIFIED),
            source: source.unwrap_or(std::net::Ipv6Addr::UNSPECIFIED),
            traffic_class: *traffic_class,
            hop_limit: *hop_limit,
            flags: *flags,
        },
        WantedEncap::Mpls(labels) => Encap::Mpls(labels.clone()),
        WantedEncap::Ila(locator) => Encap::Ila(*locator),
    }
}

pub(super) fn rule(wanted: &WantedRule) -> Result<Rule, Unusable> {
    let action = match wanted.action {
        WantedAction::Table(table) => RuleAction::Lookup(table),
        WantedAction::L3mdev => RuleAction::Lookup(0),
        WantedAction::Goto(preference) => RuleAction::Goto(preference),
        WantedAction::Nop => RuleAction::Nop,
        WantedAction::Blackhole => RuleAction::Blackhole,
        WantedAction::Unreachable => RuleAction::Unreachable,
        WantedAction::Prohibit => RuleAction::Prohibit,
    };
    let mut rule = Rule::new(wanted.ipv6, wanted.preference, action);
    rule.l3mdev = wanted.action == WantedAction::L3mdev;
    rule.invert = wanted.invert;
    rule.from = wanted.from.map(prefix);
    rule.to = wanted.to.map(prefix);
    rule.iif = wanted.iif.as_deref().map(name).transpose()?;
    rule.oif = wanted.oif.as_deref().map(name).transpose()?;
    rule.tos = wanted.tos;
    rule.mark = wanted.mark;
    rule.users = wanted.users;
    rule.ip_protocol = wanted.ip_protocol;
    rule.source_ports = wanted.source_ports;
    rule.destination_ports = wanted.destination_ports;
    rule.tunnel_id = wanted.tunnel_id;
    rule.realms = wanted.realms.map(realms);
    rule.suppress_prefix_length = wanted.suppress_prefix_length;
    rule.suppress_group = wanted.suppress_group;
    rule.protocol = wanted.protocol;
    rule.tracked = !wanted.no_track;
    Ok(rule)
}
