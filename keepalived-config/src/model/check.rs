//! What can only be seen when all instances are known.

use std::collections::HashMap;
use std::net::IpAddr;

use vrrp_proto::{Family, Vrid};

use super::device::LinkDelay;
use super::instance::{Hold, HoldReason, Transport, VrrpInstance};
use crate::diagnostic::Diagnostics;
use crate::tree::Span;

/// Two instances must not be the same virtual router (UNI-10). The later one is held.
///
/// They are the same if number, family, interface and any destination agree.
pub(super) fn duplicate_vrids(instances: &mut [VrrpInstance], diagnostics: &mut Diagnostics) {
    type Key = (String, Family, Vrid, IpAddr);
    let mut seen: HashMap<Key, (String, Span)> = HashMap::new();
    for instance in instances {
        let destinations: Vec<IpAddr> = match &instance.transport {
            Transport::Multicast { group } => vec![*group],
            Transport::Unicast { peers, .. } => peers.iter().map(|peer| peer.address).collect(),
        };
        let mut clash = None;
        for destination in destinations {
            let interface = instance.interface.value.clone();
            let key = (interface, instance.family, instance.vrid.value, destination);
            let own = || (instance.name.value.clone(), instance.vrid.span);
            let first = seen.entry(key).or_insert_with(own);
            if first.0 != instance.name.value && clash.is_none() {
                clash = Some(first.clone());
            }
        }
        if let Some((name, first)) = clash {
            let message = format!(
                "`{name}` and `{}` are both virtual router {} on {}",
                instance.name.value, instance.vrid.value, instance.interface.value,
            );
            let span = instance.vrid.span;
            diagnostics
                .error("duplicate-vrid", span, message)
                .help("give it a number of its own; until then it is left out")
                .note(first, "the first one is here");
            instance.hold.get_or_insert(Hold {
                reason: HoldReason::DuplicateVrid,
                span,
            });
        }
    }
}

/// A device has one MAC address, so it serves one instance: the first that names it. Others get
/// the names they would have without (VMAC-02). One named like an interface cannot be made (VMAC-10).
pub(super) fn device_names(instances: &mut [VrrpInstance], diagnostics: &mut Diagnostics) {
    let interface = |one: &VrrpInstance| (one.interface.value.clone(), one.interface.span);
    let interfaces: HashMap<String, Span> = instances.iter().map(interface).collect();
    let mut seen: HashMap<String, (String, Span)> = HashMap::new();
    for instance in instances {
        let unknown = |hold: &Hold| hold.reason == HoldReason::DuplicateVrid;
        let Some(device) = &mut instance.device else {
            continue;
        };
        // Of the instance that is left out there is no device.
        if instance.hold.as_ref().is_some_and(unknown) {
            continue;
        }
        let Some(name) = device.name.take() else {
            continue;
        };
        if let Some(there) = interfaces.get(&name) {
            let message = format!(
                "`{}`: its device cannot be called `{name}` like an interface",
                instance.name.value
            );
            diagnostics
                .error("device-name-taken", device.span, message)
                .help(
                    "give it a name of its own; while there is that interface the instance is held",
                )
                .note(*there, "the interface is here");
        }
        if let Some((other, first)) = seen.get(&name) {
            let message = format!(
                "`{}`: the device `{name}` is that of `{other}`",
                instance.name.value
            );
            diagnostics
                .error("device-name-twice", device.span, message)
                .help("give it a name of its own; until then it has the name that it gets without one")
                .note(*first, "the first one is here");
        } else {
            seen.insert(name.clone(), (instance.name.value.clone(), device.span));
            device.name = Some(name);
        }
    }
}

/// An address held twice on one interface: whoever leaves MASTER first takes it from the other.
pub(super) fn shared_addresses(instances: &[VrrpInstance], diagnostics: &mut Diagnostics) {
    let mut seen: HashMap<(&str, IpAddr), (&VrrpInstance, Span)> = HashMap::new();
    for instance in instances {
        for vip in instance.held_addresses() {
            let device = vip.device.as_deref().unwrap_or(&instance.interface.value);
            let Some((first, span)) = seen.insert((device, vip.address), (instance, vip.span))
            else {
                continue;
            };
            let (message, help) = if std::ptr::eq(first, instance) {
                (
                    format!("`{}` has {} twice", instance.name.value, vip.address),
                    "one of them is enough",
                )
            } else {
                (
                    format!(
                        "`{}` and `{}` both have {}",
                        first.name.value, instance.name.value, vip.address
                    ),
                    "whoever leaves MASTER first takes the address away",
                )
            };
            diagnostics
                .warning("shared-address", vip.span, message)
                .help(help)
                .note(span, "the other one is here");
        }
    }
}

/// A link that is down for longer than its backups wait is taken over before it counts as down: such
/// a delay is left out, as in Keepalived (IF-05).
pub(super) fn link_delays(
    mut delays: Vec<LinkDelay>,
    instances: &[VrrpInstance],
    diagnostics: &mut Diagnostics,
) -> Vec<LinkDelay> {
    let limit = |instance: &VrrpInstance| {
        let adverts = u32::from(instance.down_timer_adverts.saturating_sub(1));
        instance
            .advert_interval
            .to_duration()
            .saturating_mul(adverts)
    };
    for delay in &mut delays {
        let name = &delay.interface.value;
        let uses = |instance: &&VrrpInstance| {
            let tracked = &instance.tracked_interfaces;
            instance.interface.value == *name || tracked.iter().any(|t| t.name.value == *name)
        };
        let users = instances.iter().filter(uses);
        let Some(instance) = users.min_by_key(|instance| limit(instance)) else {
            continue;
        };
        let limit = limit(instance);
        if delay.down.max(delay.up) < limit {
            continue;
        }
        let message = format!(
            "the delays of `{name}` must be less than {} s, because of `{}`",
            limit.as_secs_f64(),
            instance.name.value
        );
        diagnostics
            .error("long-delay", delay.interface.span, message)
            .help("longer ones are left out: a backup would take over before the link counts");
        for long in [&mut delay.down, &mut delay.up] {
            if *long >= limit {
                *long = std::time::Duration::ZERO;
            }
        }
    }
    delays
}
