//! Devices of instances: what they are called, which addresses they carry.

use std::collections::BTreeSet;
use std::sync::Arc;

use keepalived_config::Config as Model;
use keepalived_config::model::{
    Device, DeviceKind, GlobalDefs, IpvlanFlag as WantedFlag, ReceiveRoom, VrrpInstance,
};
use keepalived_driver::{ExtraAnnounce, FirewallSetup, GarpGroup, InstanceSetup, LinkDelay, Vmac};
use netlink_vip::{InterfaceName, IpvlanFlag, LinkKind, Vip, WantedLink, virtual_mac};
use vrrp_proto::Family;

/// How names begin that nobody chose.
const PREFIX: &str = "vrrp";

/// Names of devices, each given once.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// Names that the file chooses, and those of the interfaces it uses, are not free.
    pub(super) fn new(model: &Model) -> Self {
        let chosen = model.instances.iter().flat_map(|instance| {
            let device = instance
                .device
                .as_ref()
                .and_then(|device| device.name.clone());
            device.into_iter().chain([instance.interface.value.clone()])
        });
        Self {
            taken: chosen.collect(),
        }
    }

    /// `PREFIX.VRID`; if that is taken `PREFIX6.VRID` for IPv6, then `PREFIX1.VRID` and so on
    /// (VMAC-01, VMAC-05).
    fn find(&mut self, prefix: &str, vrid: u8, family: Family) -> Option<InterfaceName> {
        let sixth = (family == Family::Ipv6).then(|| format!("{prefix}6.{vrid}"));
        let numbered = (1..=u8::MAX).map(|number| format!("{prefix}{number}.{vrid}"));
        let free = std::iter::once(format!("{prefix}.{vrid}"))
            .chain(sixth)
            .chain(numbered)
            .find(|name| !self.taken.contains(name))?;
        self.taken.insert(free.clone());
        InterfaceName::new(&free).ok()
    }
}

/// Gives the instance its devices, and puts its addresses on them.
pub(super) fn add(
    setup: &mut InstanceSetup,
    global: &GlobalDefs,
    wanted: &VrrpInstance,
    names: &mut Names,
    remarks: &mut Vec<String>,
) {
    setup.vrf = wanted.vrf;
    setup.extra_announce = wanted
        .extra_announce
        .filter(|extra| !extra.every.is_zero())
        .map(|extra| ExtraAnnounce {
            all: extra.all,
            every: extra.every,
        });
    let prefix = global.links.vmac_prefix.as_deref().unwrap_or(PREFIX);
    let mut moves = Vec::new();
    if let Some(device) = &wanted.device {
        let name = match &device.name {
            Some(name) => InterfaceName::new(name).ok(),
            None => names.find(prefix, wanted.vrid.value.get(), wanted.family),
        };
        match name {
            Some(name) => {
                setup.vmac = Some(vmac(setup, wanted, device, name));
                moves.push((setup.interface, wanted.family, name));
            }
            None => hold(setup, wanted, remarks),
        }
    }
    let prefix = global.links.vmac_addr_prefix.as_deref().unwrap_or(prefix);
    let mut unnamed = false;
    for (vip, held) in setup.addresses.iter_mut().zip(wanted.held_addresses()) {
        let family = Family::of(vip.address);
        let foreign = vip.device != setup.interface || family != wanted.family;
        let asked = (wanted.device_per_interface && foreign) || held.use_vmac;
        // One of another family than the device of the instance stays on the interface.
        let known = moves
            .iter()
            .find(|(below, of, _)| *below == vip.device && *of == family)
            .map(|(.., name)| *name);
        let name = match known {
            Some(name) => name,
            None if asked => {
                let Some(name) = names.find(prefix, wanted.vrid.value.get(), family) else {
                    unnamed = true;
                    continue;
                };
                let mac = virtual_mac(wanted.vrid.value.get(), family == Family::Ipv6);
                setup
                    .extra_links
                    .push(WantedLink::macvlan(name, vip.device, mac));
                moves.push((vip.device, family, name));
                name
            }
            None => continue,
        };
        vip.device = name;
    }
    if unnamed {
        hold(setup, wanted, remarks);
    }
}

/// Without the device that is asked for its addresses would have another MAC address than the
/// other router gives them: it does not run.
fn hold(setup: &mut InstanceSetup, wanted: &VrrpInstance, remarks: &mut Vec<String>) {
    let reason = "there is no free name for its device";
    remarks.push(format!("({}) not run: {reason}", *wanted.name));
    setup.hold.get_or_insert_with(|| Arc::from(reason));
}

/// VMAC-04.
fn vmac(
    setup: &mut InstanceSetup,
    wanted: &VrrpInstance,
    device: &Device,
    name: InterfaceName,
) -> Vmac {
    let vrid = wanted.vrid.value.get();
    let mut own = None;
    let kind = match device.kind {
        DeviceKind::Vmac { mac } => LinkKind::Macvlan {
            mac: mac.unwrap_or_else(|| virtual_mac(vrid, wanted.family == Family::Ipv6)),
        },
        DeviceKind::Ipvlan { flag, address } => {
            own = address.map(|(address, length)| Vip::new(address, length, name));
            LinkKind::Ipvlan {
                flag: match flag {
                    WantedFlag::Bridge => IpvlanFlag::Bridge,
                    WantedFlag::Private => IpvlanFlag::Private,
                    WantedFlag::Vepa => IpvlanFlag::Vepa,
                },
            }
        }
    };
    if let Some(own) = &own {
        setup.source = setup.source.or(Some(own.address));
    }
    let link = WantedLink::new(name, setup.interface, kind).with_group(device.group);
    let mut vmac = Vmac::new(link);
    vmac.xmit_base = device.xmit_base;
    vmac.own_address = own;
    vmac
}

/// Interfaces that share a spacing of announcements. A name that no interface can have is left out.
pub(super) fn garp_groups(model: &Model) -> Vec<GarpGroup> {
    let group = |group: &keepalived_config::model::GarpGroup| GarpGroup {
        interfaces: names(&group.interfaces),
        garp_interval: group.garp_interval,
        gna_interval: group.gna_interval,
    };
    model.garp_groups.iter().map(group).collect()
}

fn names(all: &[String]) -> Vec<InterfaceName> {
    all.iter().filter_map(|name| name.parse().ok()).collect()
}

/// How long links have to stay down or up.
pub(super) fn link_delays(model: &Model) -> Vec<LinkDelay> {
    let delay = |delay: &keepalived_config::model::LinkDelay| {
        Some(LinkDelay {
            interface: delay.interface.value.parse().ok()?,
            down: delay.down,
            up: delay.up,
        })
    };
    model.link_delays.iter().filter_map(delay).collect()
}

/// Interfaces whose links are polled: those that are named, and those of instances where that is asked for.
pub(super) fn polled_links(model: &Model, instances: &[Arc<InstanceSetup>]) -> Vec<InterfaceName> {
    let linkbeat = &model.linkbeat;
    let mut polled: BTreeSet<InterfaceName> = names(&linkbeat.interfaces).into_iter().collect();
    let asking = model.instances.iter().filter(|one| one.linkbeat);
    let own = |one: &VrrpInstance| one.interface.value.parse::<InterfaceName>().ok();
    polled.extend(asking.filter_map(own));
    if linkbeat.all {
        for setup in instances {
            let tracked = setup.track_interfaces.iter().map(|tracked| tracked.name);
            let all = tracked.chain(setup.track_devices.iter().copied());
            let made = |name: &InterfaceName| setup.links().any(|link| link.name == *name);
            polled.extend(all.filter(|name| !made(name)));
            polled.insert(setup.interface);
        }
    }
    for name in names(&linkbeat.flags_only) {
        polled.remove(&name);
    }
    polled.into_iter().collect()
}

/// How rules of the packet filter are written.
pub(super) fn firewall(global: &GlobalDefs) -> FirewallSetup {
    let links = &global.links;
    let mut setup = FirewallSetup::default();
    setup.table.clone_from(&links.table);
    setup.priority = links.filter_priority;
    setup.counters = links.filter_counters;
    setup.by_index = links.filter_by_index;
    setup
}

/// Room for received adverts: what the instance says, or what the policy comes to (IF-08).
pub(super) fn receive_buffer(
    global: &GlobalDefs,
    wanted: &VrrpInstance,
    mtu: u32,
) -> Option<usize> {
    let links = &global.links;
    let packet = |octets: u32| octets.saturating_mul(links.receive_multiplier);
    let octets = match (wanted.receive_buffer, links.receive_room) {
        (Some(own), _) => own,
        (None, Some(ReceiveRoom::Bytes(octets))) => octets,
        (None, Some(ReceiveRoom::Mtu)) => packet(mtu),
        (None, Some(ReceiveRoom::Advert)) => {
            let (header, address) = match wanted.family {
                Family::Ipv4 => (20 + 8 + 8, 4),
                Family::Ipv6 => (40 + 8, 16),
            };
            let count = u32::try_from(wanted.addresses.len()).unwrap_or(u32::MAX);
            packet(count.saturating_mul(address).saturating_add(header))
        }
        (None, None) => return None,
    };
    usize::try_from(octets).ok()
}

#[cfg(test)]
mod tests;
