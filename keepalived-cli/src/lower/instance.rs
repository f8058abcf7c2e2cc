//! One `vrrp_instance`.

use std::num::NonZeroU8;
use std::sync::Arc;

use keepalived_config::model::{
    Authentication, GlobalDefs, HmacKey as WantedKey, HmacMode as WantedMode, KeyBytes, KeySource,
    OldUnicastChecksum, Preempt as WantedPreempt, Transport as WantedTransport, Vip as WantedVip,
    VrrpInstance, WantedState,
};
use keepalived_driver::{InstanceSetup, TrackedInterface};
use netlink_vip::{AnnouncePolicy, InterfaceName, NameError, Vip, VipFlags};
use vrrp_fsm::{
    AddressCheck, AntiReplay, BackupPriority, ConfigError, Hmac, HmacMode, InstanceConfig, Peer,
    Preempt, Role, Startup, Transport, V2Auth, WireFormat,
};
use vrrp_proto::{Checksum, ChecksumPolicy, Version};

use super::device::receive_buffer;
use super::{Machine, objects};

/// The MTU assumed for an interface that does not exist yet: Ethernet's.
const ETHERNET_MTU: u32 = 1500;

/// Why an instance cannot be run at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("interface name {name}: {error}")]
    Interface { name: String, error: NameError },
    #[error(transparent)]
    Election(#[from] ConfigError),
}

/// What the elections loop runs for this instance.
pub(super) fn setup(
    global: &GlobalDefs,
    wanted: &VrrpInstance,
    machine: &dyn Machine,
    remarks: &mut Vec<String>,
) -> Result<InstanceSetup, Unusable> {
    let mut wanted = wanted.clone();
    let mtu = machine.mtu(&wanted.interface).unwrap_or(ETHERNET_MTU);
    let moved = wanted.limit_to_mtu(mtu);
    if moved > 0 {
        remarks.push(format!(
            "({}) {moved} addresses do not fit into an advert; they are held but not advertised",
            *wanted.name
        ));
    }
    let interface = name(&wanted.interface)?;
    let (hmac, keyless) = hmac(&wanted, machine, remarks);
    let mut fsm = election(&wanted);
    if let Some(hmac) = hmac {
        fsm = fsm.with_hmac(hmac);
    }
    if wanted.hold.is_none() {
        fsm.check()?;
    }
    let mut setup = InstanceSetup::new(&wanted.name, interface, fsm);
    setup.addresses = wanted
        .addresses
        .iter()
        .chain(&wanted.excluded)
        .map(|vip| address(vip, interface))
        .collect::<Result<_, _>>()?;
    let routes = wanted.routes.iter().map(objects::route);
    setup.routes = routes.collect::<Result<_, _>>()?;
    let rules = wanted.rules.iter().map(objects::rule);
    setup.rules = rules.collect::<Result<_, _>>()?;
    setup.announce = announce(global, &wanted);
    setup.source = wanted.source.as_ref().map(|source| source.value);
    if let WantedTransport::Unicast { ttl, .. } = wanted.transport {
        setup.unicast_hop_limit = ttl;
    }
    setup.track_primary = wanted.track_interface;
    setup.track_interfaces = wanted
        .tracked_interfaces
        .iter()
        .map(|tracked| {
            Ok(TrackedInterface {
                name: name(&tracked.name)?,
                weight: tracked.weight,
                reverse: tracked.reverse,
            })
        })
        .collect::<Result<_, Unusable>>()?;
    setup
        .trackers
        .extend(wanted.tracked_bfd.iter().map(super::bfd::tracked));
    setup.track_devices = tracked_devices(&wanted, interface)?;
    setup.receive_buffer = receive_buffer(global, &wanted, mtu);
    setup.refuse_traffic = wanted.refuse_traffic;
    setup.promote_secondaries = wanted.promote_secondaries;
    setup.strict = wanted.strict;
    setup.hold = wanted
        .hold
        .map(|hold| Arc::from(hold.reason.text()))
        .or(keyless);
    Ok(setup)
}

/// Every other interface with an address or a route that counts, once.
fn tracked_devices(
    wanted: &VrrpInstance,
    interface: InterfaceName,
) -> Result<Vec<InterfaceName>, Unusable> {
    let mut devices = Vec::new();
    let addresses = wanted.held_addresses().filter(|vip| !vip.no_track);
    let addresses = addresses.filter_map(|vip| vip.device.as_ref());
    let routes = wanted.routes.iter().filter(|route| !route.no_track);
    let hops = routes.flat_map(|route| &route.hops);
    for device in addresses.chain(hops.filter_map(|hop| hop.device.as_ref())) {
        let device = name(device)?;
        if device != interface && !devices.contains(&device) {
            devices.push(device);
        }
    }
    Ok(devices)
}

pub(super) fn name(text: &str) -> Result<InterfaceName, Unusable> {
    InterfaceName::new(text).map_err(|error| Unusable::Interface {
        name: text.to_owned(),
        error,
    })
}

fn election(wanted: &VrrpInstance) -> InstanceConfig {
    let preempt = match wanted.preempt {
        WantedPreempt::Never => Preempt::Never,
        WantedPreempt::Immediately => Preempt::Immediately,
        WantedPreempt::After(delay) => Preempt::After(delay),
    };
    let role = match BackupPriority::new(wanted.priority.get()) {
        Some(priority) => Role::Backup { priority, preempt },
        None => Role::Owner,
    };
    let format = match wanted.version {
        Version::V2 => WireFormat::V2 {
            auth: match &wanted.authentication {
                Authentication::Password(password) => V2Auth::Password(password.bytes()),
                Authentication::Ah(password) => V2Auth::Ah(password.bytes()),
                _ => V2Auth::None,
            },
        },
        Version::V3 => WireFormat::V3 {
            ipv4_checksum: sent_checksum(wanted),
            accept: ChecksumPolicy::Either,
        },
    };
    let transport = match &wanted.transport {
        WantedTransport::Multicast { group } => Transport::Multicast { group: *group },
        WantedTransport::Unicast {
            peers,
            check_source,
            ..
        } => Transport::Unicast {
            peers: peers
                .iter()
                .map(|peer| match (peer.min_ttl, peer.max_ttl) {
                    (None, None) => Peer::new(peer.address),
                    (low, high) => Peer::new(peer.address)
                        .with_hop_limit(low.unwrap_or(0)..=high.unwrap_or(u8::MAX)),
                })
                .collect(),
            check_source: *check_source,
        },
    };
    let down_adverts =
        NonZeroU8::new(wanted.down_timer_adverts).unwrap_or(InstanceConfig::DEFAULT_DOWN_ADVERTS);
    InstanceConfig::new(*wanted.vrid, wanted.family, role)
        .with_format(format)
        .with_interval(wanted.advert_interval)
        .with_startup(match wanted.wanted {
            WantedState::Master => Startup::Active,
            WantedState::Backup => Startup::Backup,
        })
        .with_addresses(wanted.addresses.iter().map(|vip| vip.address))
        .with_allow_no_addresses(wanted.addresses.is_empty())
        .with_transport(transport)
        .with_down_adverts(down_adverts)
        .with_answer_lower(!wanted.lower_prio_no_advert)
        .with_advert_on_yield(wanted.higher_prio_send_advert)
        .with_owner_ignores_adverts(wanted.owner_ignore_adverts)
        // DEVIATION(keepalived 2.2.7): it drops an advert that lists other addresses than its own, and then
        // both routers are master; here the election goes on and the difference is told.
        .with_address_check(if wanted.skip_check_adv_addr {
            AddressCheck::Skip
        } else {
            AddressCheck::Log
        })
        .with_yield_after_stall(wanted.timer_expired_backup.and_then(BackupPriority::new))
        .with_track_link(wanted.track_interface)
        .with_old_unicast_checksum(wanted.old_unicast_checksum != OldUnicastChecksum::Never)
}

/// Keys and stage of `auth_hmac`, or why the instance has to be held: a file without a usable key
/// never makes it run without one. KA-AX-02.
fn hmac(
    wanted: &VrrpInstance,
    machine: &dyn Machine,
    remarks: &mut Vec<String>,
) -> (Option<Hmac>, Option<Arc<str>>) {
    let Authentication::Hmac(wanted_hmac) = &wanted.authentication else {
        return (None, None);
    };
    let mut keys = Vec::new();
    let mut trouble = Vec::new();
    for key in &wanted_hmac.keys {
        let id = key.id.value;
        match bytes_of(key, machine) {
            Ok((bytes, warning)) => {
                if let Some(warning) = warning {
                    remarks.push(format!("({}) SECURITY: {warning}", *wanted.name));
                }
                match vrrp_proto::HmacKey::new(&bytes) {
                    Ok(key) => keys.push((id, key)),
                    Err(error) => trouble.push(format!("key {id}: {error}")),
                }
            }
            Err(error) => trouble.push(error),
        }
    }
    for trouble in &trouble {
        remarks.push(format!("({}) {trouble}", *wanted.name));
    }
    match Hmac::new(keys, wanted_hmac.active) {
        Ok(hmac) => {
            let hmac = hmac
                .with_anti_replay(match wanted_hmac.time_window {
                    Some(window) => AntiReplay::Time { window },
                    None => AntiReplay::Monotonic,
                })
                .with_mode(match wanted_hmac.mode {
                    WantedMode::ReceiveOnly => HmacMode::ReceiveOnly,
                    WantedMode::Permissive => HmacMode::Permissive,
                    WantedMode::Enforce => HmacMode::Enforce,
                });
            (Some(hmac), None)
        }
        Err(error) => {
            let why = trouble
                .into_iter()
                .next()
                .unwrap_or_else(|| error.to_string());
            (
                None,
                Some(format!("its adverts cannot be signed: {why}").into()),
            )
        }
    }
}

/// A key, and a warning about its file.
fn bytes_of(key: &WantedKey, machine: &dyn Machine) -> Result<(Vec<u8>, Option<String>), String> {
    let path = match &key.key {
        KeySource::Here(bytes) => return Ok((bytes.bytes().to_vec(), None)),
        KeySource::File(path) => path,
    };
    let at = path.display();
    let secret = machine
        .secret(path)
        .map_err(|error| format!("key {}: {at}: {error}", key.id.value))?;
    let bytes = KeyBytes::from_file(&secret.content)
        .map_err(|error| format!("key {}: {at}: {error}", key.id.value))?;
    let warning = secret
        .exposed
        .then(|| format!("others can read {at}, the file of key {}", key.id.value));
    Ok((bytes.bytes().to_vec(), warning))
}

/// The checksum of our own VRRPv3 adverts over IPv4.
fn sent_checksum(wanted: &VrrpInstance) -> Checksum {
    let unicast = matches!(wanted.transport, WantedTransport::Unicast { .. });
    if wanted.v3_checksum_as_v2 {
        Checksum::MessageOnly
    } else if unicast && wanted.old_unicast_checksum == OldUnicastChecksum::Always {
        Checksum::OldUnicast
    } else {
        // As keepalived, and most of what it meets.
        Checksum::PseudoHeader
    }
}

pub(super) fn address(wanted: &WantedVip, interface: InterfaceName) -> Result<Vip, Unusable> {
    let device = match &wanted.device {
        Some(device) => name(device)?,
        None => interface,
    };
    let flags = wanted.flags;
    let vip_flags = VipFlags {
        // An announcement for an address that is still being examined would come too early.
        dad: false,
        home: flags.home,
        mngtmpaddr: flags.mngtmpaddr,
        noprefixroute: flags.noprefixroute,
        autojoin: flags.autojoin,
    };
    Ok(Vip::new(wanted.address, wanted.prefix_len, device)
        .with_scope(wanted.scope)
        .with_broadcast(wanted.broadcast)
        .with_peer(wanted.peer)
        .with_label(wanted.label.clone())
        .with_preferred_lifetime(wanted.preferred_lifetime)
        .with_flags(vip_flags)
        .with_tracked(!wanted.no_track))
}

fn announce(global: &GlobalDefs, wanted: &VrrpInstance) -> AnnouncePolicy {
    let count = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
    let announce = wanted.announce;
    let mut policy = AnnouncePolicy::default();
    policy.repeat = count(announce.repeat);
    policy.delay = announce.delay;
    policy.refresh = announce.refresh;
    policy.refresh_repeat = count(announce.refresh_repeat);
    policy.lower_prio_repeat = count(announce.lower_prio_repeat);
    policy.lower_prio_delay = announce.lower_prio_delay;
    policy.garp_interval = global.garp_interval;
    policy.gna_interval = global.gna_interval;
    policy
}

#[cfg(test)]
mod tests;
