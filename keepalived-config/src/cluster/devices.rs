//! Whether the addresses keep their MAC address when another node takes them over.

use super::pairing::Router;
use super::{Findings, Member, Node};
use crate::diagnostic::Severity::Warning;
use crate::model::{DeviceKind, Transport, Vip, VrrpInstance};

/// What is assumed of a virtual router that is on interfaces of different names. Unicast peers reach each other whatever
/// these are called.
pub(super) fn networks(router: &Router<'_>, nodes: &[Node<'_>]) -> Option<String> {
    let (first, others) = router.members.split_first()?;
    let other = others
        .iter()
        .find(|other| other.instance.interface.value != first.instance.interface.value)?;
    let multicast =
        |member: &Member<'_>| matches!(member.instance.transport, Transport::Multicast { .. });
    let on = |member: &Member<'_>| {
        let node = nodes.get(member.node).map_or("", |node| node.name);
        format!("{} of {node}", member.instance.interface.value)
    };
    (multicast(first) && multicast(other))
        .then(|| one_network(&first.instance.name.value, &on(first), &on(other)))
}

/// The same of an address that is on an interface of its own. Where each is on that of its instance, [`networks`] tells.
pub(super) fn networks_of_addresses(router: &Router<'_>, nodes: &[Node<'_>]) -> Option<String> {
    let (first, others) = router.members.split_first()?;
    let device = |member: &Member<'_>, vip: &Vip| {
        let own = &member.instance.interface.value;
        vip.device.as_ref().unwrap_or(own).clone()
    };
    let apart = |member: &Member<'_>, vip: &Vip| {
        let own = &member.instance.interface.value;
        vip.device.as_ref().is_some_and(|device| device != own)
    };
    let on = |member: &Member<'_>, vip: &Vip| {
        let node = nodes.get(member.node).map_or("", |node| node.name);
        format!("{} of {node}", device(member, vip))
    };
    others.iter().find_map(|other| {
        first.instance.held_addresses().find_map(|here| {
            let mut all = other.instance.held_addresses();
            let there = all.find(|there| there.address == here.address)?;
            let differ = device(first, here) != device(other, there);
            (differ && (apart(first, here) || apart(other, there))).then(|| {
                let what = here.address.to_string();
                one_network(&what, &on(first, here), &on(other, there))
            })
        })
    })
}

fn one_network(what: &str, here: &str, there: &str) -> String {
    format!(
        "`{what}` is on {here} and on {there}: taken to be one network (`simulate` takes them for two, unless --wire \
        says otherwise)"
    )
}

/// The virtual MAC address, if there is one: with the number of the router inside, or another.
fn virtual_mac(instance: &VrrpInstance) -> Option<Option<[u8; 6]>> {
    match instance.device.as_ref()?.kind {
        DeviceKind::Vmac { mac } => Some(mac),
        DeviceKind::Ipvlan { .. } => None,
    }
}

pub(super) fn mac(router: &Router<'_>, findings: &mut Findings<'_>) {
    let Some((first, others)) = router.members.split_first() else {
        return;
    };
    let mine = virtual_mac(first.instance);
    let Some(other) = others
        .iter()
        .find(|other| virtual_mac(other.instance) != mine)
    else {
        return;
    };
    let pair: [Member<'_>; 2] = [*first, *other];
    let kind = |instance: &VrrpInstance| match virtual_mac(instance) {
        None => "no virtual MAC address".to_owned(),
        Some(None) => "that of the RFC".to_owned(),
        Some(Some([a, b, c, d, e, f])) => {
            format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
        }
    };
    findings.add(
        Warning,
        "vmac-differs",
        &pair,
        [
            format!(
                "`{}` has different virtual MAC addresses: {}",
                first.instance.name.value,
                findings.each(&pair, kind)
            ),
            "the addresses change their MAC address at a takeover; who does not see or believe \
            the announcement goes on sending to the old one"
                .to_owned(),
            "set the same `use_vmac` on all nodes, or on none".to_owned(),
        ],
    );
}
