//! What can only be seen when all instances are known.

use std::collections::HashMap;
use std::net::IpAddr;

use vrrp_proto::{Family, Vrid};

use super::instance::{Hold, HoldReason, Transport, VrrpInstance};
use crate::diagnostic::Diagnostics;

/// Two instances must not be the same virtual router (UNI-10). The later one is held.
pub(super) fn duplicate_vrids(instances: &mut [VrrpInstance], diagnostics: &mut Diagnostics) {
    let mut seen: HashMap<(String, Family, Vrid), Vec<usize>> = HashMap::new();
    for index in 0..instances.len() {
        let (earlier, rest) = instances.split_at_mut(index);
        let Some(this) = rest.first_mut() else { return };
        let key = (this.interface.value.clone(), this.family, this.vrid.value);
        let others = seen.entry(key).or_default();
        let clash = others
            .iter()
            .filter_map(|&other| earlier.get(other))
            .find(|other| same_destination(&other.transport, &this.transport));
        if let Some(other) = clash {
            let message = format!(
                "`{}` and `{}` are both virtual router {} on {}",
                other.name.value, this.name.value, this.vrid.value, this.interface.value,
            );
            diagnostics
                .error("duplicate-vrid", this.vrid.span, message)
                .help("give it a number of its own; until then it stays in FAULT")
                .note(other.vrid.span, "the first one is here");
            let span = this.vrid.span;
            this.hold.get_or_insert(Hold {
                reason: HoldReason::DuplicateVrid,
                span,
            });
        }
        others.push(index);
    }
}

/// Whether adverts of one could be taken for those of the other.
fn same_destination(one: &Transport, other: &Transport) -> bool {
    let addresses = |transport: &Transport| -> Vec<IpAddr> {
        match transport {
            Transport::Multicast { group } => vec![*group],
            Transport::Unicast { peers, .. } => peers.iter().map(|peer| peer.address).collect(),
        }
    };
    let first = addresses(one);
    addresses(other)
        .iter()
        .any(|address| first.contains(address))
}

/// An address in two instances on one interface: they would take it from each other.
pub(super) fn shared_addresses(instances: &[VrrpInstance], diagnostics: &mut Diagnostics) {
    let mut seen: HashMap<(&str, IpAddr), (&VrrpInstance, crate::tree::Span)> = HashMap::new();
    for instance in instances {
        for vip in instance.addresses.iter().chain(&instance.excluded) {
            let device = vip.device.as_deref().unwrap_or(&instance.interface.value);
            match seen.get(&(device, vip.address)) {
                None => {
                    seen.insert((device, vip.address), (instance, vip.span));
                }
                Some((first, span)) => {
                    let message = if std::ptr::eq(*first, instance) {
                        format!("`{}` has {} twice", instance.name.value, vip.address)
                    } else {
                        format!(
                            "`{}` and `{}` both have {}",
                            first.name.value, instance.name.value, vip.address
                        )
                    };
                    diagnostics
                        .warning("shared-address", vip.span, message)
                        .help("whoever leaves MASTER first takes the address away")
                        .note(*span, "the first one is here");
                }
            }
        }
    }
}
