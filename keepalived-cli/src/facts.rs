//! One instance as people and programs see it from outside: what dumps and `status` have in common.

mod objects;

use std::net::IpAddr;
use std::time::SystemTime;

use keepalived_driver::{GroupSnapshot, InstanceSetup, InstanceSnapshot};
use netlink_vip::{LinkKind, Object, Vip};
pub(crate) use objects::{route_text, rule_text};
use vrrp_fsm::{ActiveRouter, Fault, Faults, Preempt, Reason, Role, Startup, State, Stats};
use vrrp_proto::{AdvertInterval, Priority, Version};

/// What is known about one instance.
#[derive(Clone, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) setup: &'a InstanceSetup,
    pub(crate) group: Option<&'a str>,
    pub(crate) state: State,
    pub(crate) faults: Faults,
    pub(crate) fault_details: &'a [String],
    /// What others removed and was put back, and how often.
    pub(crate) repairs: &'a [(Object, u64)],
    pub(crate) effective_priority: Priority,
    pub(crate) primary_address: Option<IpAddr>,
    pub(crate) active_router: Option<ActiveRouter>,
    pub(crate) active_interval: AdvertInterval,
    pub(crate) last_transition: Option<(SystemTime, Reason)>,
    pub(crate) addresses_installed: bool,
    pub(crate) installed: &'a [Vip],
    pub(crate) missing: &'a [Object],
    pub(crate) stats: &'a Stats,
}

/// Keepalived's four states.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Keepalived {
    Init,
    Backup,
    Master,
    Fault,
}

impl Keepalived {
    /// As in logs and hooks.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::Backup => "BACKUP",
            Self::Master => "MASTER",
            Self::Fault => "FAULT",
        }
    }

    /// As in the JSON dump and KEEPALIVED-MIB.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Init => 0,
            Self::Backup => 1,
            Self::Master => 2,
            Self::Fault => 3,
        }
    }
}

/// What is known about one group.
#[derive(Clone, Debug)]
pub(crate) struct GroupFacts<'a> {
    pub(crate) name: &'a str,
    pub(crate) state: Keepalived,
    pub(crate) members: Vec<&'a str>,
    /// Members with a fault of their own.
    pub(crate) faulted: usize,
    /// Members that only wait.
    pub(crate) waiting: usize,
    pub(crate) last_transition: Option<(SystemTime, Reason)>,
}

impl<'a> From<&'a GroupSnapshot> for GroupFacts<'a> {
    fn from(snapshot: &'a GroupSnapshot) -> Self {
        Self {
            name: &snapshot.setup.name,
            state: keepalived_state(snapshot.state, snapshot.faults),
            members: snapshot.members.iter().map(AsRef::as_ref).collect(),
            faulted: snapshot.faulted,
            waiting: snapshot.waiting,
            last_transition: snapshot.last_transition,
        }
    }
}

/// The state of an instance or a group in keepalived's words.
fn keepalived_state(state: State, faults: Faults) -> Keepalived {
    match state {
        State::Active => Keepalived::Master,
        State::Backup => Keepalived::Backup,
        State::Initialize if faults.iter().any(|fault| fault != Fault::Held) => Keepalived::Fault,
        State::Initialize => Keepalived::Init,
    }
}

impl<'a> From<&'a InstanceSnapshot> for Facts<'a> {
    fn from(snapshot: &'a InstanceSnapshot) -> Self {
        Self {
            setup: &snapshot.setup,
            group: snapshot.group.as_deref(),
            state: snapshot.state,
            faults: snapshot.faults,
            fault_details: &snapshot.fault_details,
            repairs: &snapshot.repairs,
            effective_priority: snapshot.effective_priority,
            primary_address: snapshot.primary_address,
            active_router: snapshot.active_router,
            active_interval: snapshot.active_interval,
            last_transition: snapshot.last_transition,
            addresses_installed: snapshot.addresses_installed,
            installed: &snapshot.installed,
            missing: &snapshot.missing,
            stats: &snapshot.stats,
        }
    }
}

impl<'a> Facts<'a> {
    /// The state in keepalived's words: what is held back at start is not a fault.
    pub(crate) fn keepalived_state(&self) -> Keepalived {
        keepalived_state(self.state, self.faults)
    }

    /// The state it is on its way to.
    pub(crate) fn wanted_state(&self) -> Keepalived {
        match (self.keepalived_state(), self.setup.fsm.startup) {
            (Keepalived::Init, Startup::Active) => Keepalived::Master,
            (Keepalived::Init, Startup::Backup) => Keepalived::Backup,
            (state, _) => state,
        }
    }

    pub(crate) fn name(&self) -> &'a str {
        &self.setup.name
    }

    pub(crate) fn base_priority(&self) -> u8 {
        self.setup.fsm.role.priority().get()
    }

    pub(crate) fn preempt(&self) -> Preempt {
        match self.setup.fsm.role {
            // An owner takes over at once, whatever is configured.
            Role::Owner => Preempt::Immediately,
            Role::Backup { preempt, .. } => preempt,
        }
    }

    pub(crate) fn version(&self) -> u8 {
        match self.setup.fsm.version() {
            Version::V2 => 2,
            Version::V3 => 3,
        }
    }

    /// `virtual_ipaddress`: the addresses in adverts.
    pub(crate) fn advertised(&self) -> impl Iterator<Item = &'a Vip> {
        let advertised = &self.setup.fsm.addresses;
        self.setup
            .addresses
            .iter()
            .filter(move |vip| advertised.contains(&vip.address))
    }

    /// `virtual_ipaddress_excluded`: held, not advertised.
    pub(crate) fn excluded(&self) -> impl Iterator<Item = &'a Vip> {
        let advertised = &self.setup.fsm.addresses;
        self.setup
            .addresses
            .iter()
            .filter(move |vip| !advertised.contains(&vip.address))
    }

    /// The kernel has this route or rule because of us.
    pub(crate) fn holds(&self, object: &Object) -> bool {
        self.state == State::Active && !self.missing.contains(object)
    }

    /// The kernel has this address because of us.
    pub(crate) fn is_set(&self, vip: &Vip) -> bool {
        self.installed
            .iter()
            .any(|there| there.address == vip.address && there.device == vip.device)
    }

    /// One of its addresses in keepalived's notation: `192.0.2.1/24 dev vrrp.51@eth0 scope global set`.
    pub(crate) fn vip_text(&self, vip: &Vip) -> String {
        let mut links = self.setup.links();
        let Some(link) = links.find(|link| link.name == vip.device) else {
            return vip_text(vip, vip.device.as_str(), self.is_set(vip));
        };
        let own = self.setup.vmac.as_ref().map(|vmac| vmac.link.name);
        let word = match (&link.kind, own == Some(link.name)) {
            (_, true) => "",
            (LinkKind::Macvlan { .. }, false) => " use_vmac",
            (LinkKind::Ipvlan { .. }, false) => " use_ipvlan",
        };
        let device = format!("{}@{}{word}", link.name, link.parent);
        vip_text(vip, &device, self.is_set(vip))
    }
}

/// An address in keepalived's notation: `192.0.2.1/24 brd 192.0.2.255 dev eth0 scope global label
/// eth0:1 set`. `device` are the words about its device.
pub(crate) fn vip_text(vip: &Vip, device: &str, set: bool) -> String {
    let mut text = vip.address.to_string();
    let longest = if vip.address.is_ipv4() { 32 } else { 128 };
    if vip.peer.is_none() && vip.prefix_len != longest {
        text.push_str(&format!("/{}", vip.prefix_len));
    }
    if let Some(broadcast) = vip.broadcast {
        text.push_str(&format!(" brd {broadcast}"));
    }
    text.push_str(&format!(" dev {device} scope {}", scope_name(vip.scope)));
    if let Some(label) = &vip.label {
        text.push_str(&format!(" label {label}"));
    }
    if let Some(peer) = vip.peer {
        text.push_str(&format!(" peer {peer}/{}", vip.prefix_len));
    }
    if vip.address.is_ipv6() {
        match vip.preferred_lifetime {
            None => text.push_str(" preferred_lft forever"),
            Some(0) => text.push_str(" deprecated"),
            Some(seconds) => text.push_str(&format!(" preferred_lft {seconds}")),
        }
    }
    let flags = [
        (vip.flags.home, " home"),
        (vip.flags.mngtmpaddr, " mngtmpaddr"),
        (vip.flags.noprefixroute, " noprefixroute"),
        (vip.flags.autojoin, " autojoin"),
        (set, " set"),
    ];
    text.extend(flags.iter().filter(|(on, _)| *on).map(|(_, word)| *word));
    text
}

/// `rt_scopes`.
pub(crate) fn scope_name(scope: u8) -> String {
    match scope {
        0 => "global".to_owned(),
        200 => "site".to_owned(),
        253 => "link".to_owned(),
        254 => "host".to_owned(),
        255 => "nowhere".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
pub(crate) mod examples;

#[cfg(test)]
mod tests {
    use super::*;

    /// Compared with the dumps of keepalived 2.2.7 for the same lines of configuration.
    #[test]
    fn addresses_are_written_as_keepalived_writes_them() {
        let vip =
            |text: &str, prefix| Vip::new(text.parse().unwrap(), prefix, "v0".parse().unwrap());
        for (vip, set, expected) in [
            (
                vip("192.0.2.100", 24).with_label(Some("v0:1".to_owned())),
                true,
                "192.0.2.100/24 dev v0 scope global label v0:1 set",
            ),
            (
                vip("192.0.2.101", 32),
                true,
                "192.0.2.101 dev v0 scope global set",
            ),
            (
                vip("10.9.0.50", 24)
                    .with_broadcast(Some([10, 9, 0, 255].into()))
                    .with_scope(253),
                false,
                "10.9.0.50/24 brd 10.9.0.255 dev v0 scope link",
            ),
            (
                vip("10.9.0.52", 32).with_peer(Some("10.9.0.77".parse().unwrap())),
                true,
                "10.9.0.52 dev v0 scope global peer 10.9.0.77/32 set",
            ),
            (
                vip("2001:db8::7", 64),
                true,
                "2001:db8::7/64 dev v0 scope global preferred_lft forever set",
            ),
            (
                vip("fe80::55", 128).with_preferred_lifetime(Some(0)),
                true,
                "fe80::55 dev v0 scope global deprecated set",
            ),
        ] {
            assert_eq!(vip_text(&vip, vip.device.as_str(), set), expected);
        }
    }

    /// features 32.8 and KEEPALIVED-MIB: 0 init, 1 backup, 2 master, 3 fault.
    #[test]
    fn a_delayed_start_is_not_a_fault() {
        let example = examples::Example::master();
        let mut facts = example.facts();
        facts.state = State::Initialize;
        for (faults, state) in [
            (Faults::NONE, Keepalived::Init),
            (Faults::NONE.with(Fault::Held), Keepalived::Init),
            (
                Faults::NONE.with(Fault::Held).with(Fault::LinkDown),
                Keepalived::Fault,
            ),
        ] {
            facts.faults = faults;
            assert_eq!(facts.keepalived_state(), state);
        }
    }
}
