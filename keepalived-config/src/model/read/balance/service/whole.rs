//! What the lines of a service come to, together.

use vrrp_proto::Family;

use super::super::{method, ports};
use super::{DEFAULT_PERSISTENCE, Raw, SCHEDULER};
use crate::diagnostic::Diagnostics;
use crate::model::balance::{
    Forwarding, GroupEntry, Persistence, Protocol, RealServer, ServiceAddress, ServiceGroup,
    SorryServer, VirtualServer,
};
use crate::tree::{Node, Span};

/// LVS-19, LVS-21: corrections, each with a word. `None` after a complaint that says why nothing is left of it.
pub(super) fn finish(
    node: &Node,
    address: ServiceAddress,
    raw: Raw,
    mut servers: Vec<RealServer>,
    forwarding: Forwarding,
    groups: &[ServiceGroup],
    diagnostics: &mut Diagnostics,
) -> Option<VirtualServer> {
    let span = node.span();
    let marked = matches!(address, ServiceAddress::Mark(_));
    let own = own_family(&address, groups);
    if let (Some(own), Some(said)) = (own, &raw.family)
        && own != said.value
    {
        let own = if own == Family::Ipv4 { "IPv4" } else { "IPv6" };
        let message = format!("the address of the service is one of {own}");
        diagnostics
            .warning("family-of-address", said.span, message)
            .help("the line does nothing; `ip_family` is for services of marks");
    }
    let family = own
        .or_else(|| raw.family.as_ref().map(|said| said.value))
        .or_else(|| servers.first().map(|server| Family::of(server.address)))
        .unwrap_or(Family::Ipv4);
    servers.retain(|server| {
        let fits = Family::of(server.address) == family
            || matches!(server.forwarding, Forwarding::Tunnel(_));
        if !fits {
            other_family("server", server.span, diagnostics);
        }
        fits
    });
    if servers.is_empty() {
        diagnostics
            .error("no-server", span, "the service has no `real_server`")
            .help("the service is left out");
        return None;
    }
    for (code, keyword, used, missing) in [
        (
            "no-scheduler",
            "lb_algo",
            SCHEDULER,
            raw.scheduler.is_none(),
        ),
        (
            "no-forwarding",
            "lb_kind",
            "NAT",
            raw.forwarding.is_none() && method::asked_of(node),
        ),
    ] {
        if missing {
            let message = format!("the service has no `{keyword}`");
            diagnostics
                .warning(code, span, message)
                .help(format!("{used} is used"));
        }
    }
    // A group of nothing but marks is one.
    let marked = marked || only_marks(&address, groups);
    let protocol = match (marked, raw.protocol) {
        (true, Some(protocol)) => {
            diagnostics
                .warning(
                    "protocol-of-mark",
                    protocol.span,
                    "a service of a mark has no protocol",
                )
                .help("the line does nothing");
            None
        }
        (true, None) => None,
        (false, Some(protocol)) => Some(protocol.value),
        (false, None) => {
            diagnostics
                .warning("no-protocol", span, "the service has no `protocol`")
                .help("UDP is used");
            Some(Protocol::Udp)
        }
    };
    let one_packet = raw.one_packet.is_some_and(|place| {
        let fits = marked || protocol == Some(Protocol::Udp);
        if !fits {
            diagnostics
                .warning("ops-not-udp", place, "`ops` is for UDP and for marks only")
                .help("the line does nothing");
        }
        fits
    });
    let ha_suspend = raw.ha_suspend.is_some_and(|place| {
        if marked {
            diagnostics
                .warning(
                    "suspend-of-mark",
                    place,
                    "a mark is no address that could be absent",
                )
                .help("`ha_suspend` does nothing here");
        }
        !marked
    });
    // Without a port only a persistent service makes sense to the kernel.
    let all_ports = has_all_ports(&address, groups);
    let persistent = raw
        .timeout
        .or_else(|| raw.granularity.map(|_| DEFAULT_PERSISTENCE));
    let persistent = persistent.or_else(|| {
        all_ports.then(|| {
            diagnostics
                .warning(
                    "all-ports",
                    span,
                    "a service without port has to be persistent",
                )
                .help(format!(
                    "`persistence_timeout {DEFAULT_PERSISTENCE}` is used"
                ));
            DEFAULT_PERSISTENCE
        })
    });
    let whole = if family == Family::Ipv4 { 32 } else { 128 };
    let persistence = persistent.map(|timeout| Persistence {
        timeout,
        prefix_len: raw.granularity.map_or(whole, |length| length.min(whole)),
        engine: raw.engine.clone(),
    });
    let (quorum, hysteresis) = quorum(&raw, &servers, span, diagnostics);
    let sorry_forwarding = raw.sorry_forwarding;
    for (code, place) in [
        ("inhibit-without-sorry", raw.sorry_inhibit),
        (
            "method-without-sorry",
            sorry_forwarding.as_ref().map(|said| said.span),
        ),
    ] {
        if let (None, Some(place)) = (raw.sorry, place) {
            diagnostics
                .warning(code, place, "there is no `sorry_server`")
                .help("the line does nothing");
        }
    }
    let sorry = raw.sorry.map(|(address, port, span)| SorryServer {
        address,
        port,
        forwarding: sorry_forwarding.map_or(forwarding, |said| said.value),
        inhibit: raw.sorry_inhibit.is_some(),
        span,
    });
    let mut sorry = sorry.filter(|sorry| {
        let joined = matches!(sorry.forwarding, Forwarding::Tunnel(_));
        let fits = joined || Family::of(sorry.address) == family;
        if !fits {
            other_family("sorry server", sorry.span, diagnostics);
        }
        fits
    });
    ports::settle(&address, groups, &mut servers, sorry.as_mut(), diagnostics);
    Some(VirtualServer {
        address,
        family,
        protocol,
        scheduler: raw.scheduler.unwrap_or(SCHEDULER),
        scheduler_flags: raw.flags,
        one_packet,
        persistence,
        quorum,
        hysteresis,
        drain: raw.drain.unwrap_or_default(),
        panic_threshold: raw.panic_threshold,
        quorum_up: raw.quorum_up,
        quorum_down: raw.quorum_down,
        alpha: raw.inherited.alpha.unwrap_or(false),
        omega: raw.omega,
        ha_suspend,
        smtp_alert: raw.smtp_alert,
        snmp_name: raw.snmp_name,
        sorry,
        servers,
        span,
    })
}

/// The entries of the group that is the address of the service; none if it is something else.
fn entries<'a>(address: &ServiceAddress, groups: &'a [ServiceGroup]) -> &'a [GroupEntry] {
    let ServiceAddress::Group(name) = address else {
        return &[];
    };
    let mut groups = groups.iter();
    let group = groups.find(|group| group.name.value == name.value);
    group.map_or(&[], |group| &group.entries)
}

/// The service has no port, or an entry of its group has none.
fn has_all_ports(address: &ServiceAddress, groups: &[ServiceGroup]) -> bool {
    let mut entries = entries(address, groups).iter();
    matches!(address, ServiceAddress::Address { port: 0, .. })
        || entries.any(|entry| matches!(entry, GroupEntry::Addresses { port: 0, .. }))
}

/// Each entry of the group is a mark, and there is one.
fn only_marks(address: &ServiceAddress, groups: &[ServiceGroup]) -> bool {
    let entries = entries(address, groups);
    let mark = |entry: &GroupEntry| matches!(entry, GroupEntry::Mark(..));
    !entries.is_empty() && entries.iter().all(mark)
}

/// The kernel would not take it.
fn other_family(which: &str, span: Span, diagnostics: &mut Diagnostics) {
    let message = format!("the {which} has another address family than the service");
    diagnostics
        .error("family-mismatch", span, message)
        .help(format!(
            "only a tunnel can join them; the {which} is left out"
        ));
}

/// The family that the address itself has, a mark has none: LVS-17.
fn own_family(address: &ServiceAddress, groups: &[ServiceGroup]) -> Option<Family> {
    match address {
        ServiceAddress::Address { address, .. } => Some(Family::of(*address)),
        ServiceAddress::Mark(_) => None,
        ServiceAddress::Group(name) => {
            let group = groups.iter().find(|group| group.name.value == name.value)?;
            group.entries.iter().find_map(|entry| match entry {
                GroupEntry::Addresses { first, .. } => Some(Family::of(*first)),
                GroupEntry::Mark(_, family) => *family,
            })
        }
    }
}

/// The quorum can be no more than all servers together, and the margin must leave something of it.
fn quorum(
    raw: &Raw,
    servers: &[RealServer],
    span: Span,
    diagnostics: &mut Diagnostics,
) -> (u32, u32) {
    let total = servers
        .iter()
        .fold(0_u32, |sum, server| sum.saturating_add(server.weight));
    let mut quorum = raw.quorum.unwrap_or(1);
    if quorum > total.max(1) {
        let message =
            format!("the quorum of {quorum} is more than the weight of all servers, {total}");
        quorum = total.max(1);
        diagnostics
            .warning("quorum-too-large", span, message)
            .help(format!("{quorum} is used"));
    }
    let mut hysteresis = raw.hysteresis.unwrap_or(0);
    if hysteresis >= quorum {
        let message = format!("the hysteresis of {hysteresis} is not below the quorum of {quorum}");
        hysteresis = quorum - 1;
        if raw.hysteresis.is_some_and(|wanted| wanted > 0) {
            diagnostics
                .warning("hysteresis-too-large", span, message)
                .help(format!("{hysteresis} is used"));
        }
    }
    (quorum, hysteresis)
}
