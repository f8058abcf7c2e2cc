//! Instances to show, the same as keepalived 2.2.7 was given for comparison.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use keepalived_driver::hooks::{HookCommand, HookSet};
use vrrp_fsm::{BackupPriority, InstanceConfig, Peer, Transport, V2Auth, WireFormat};
use vrrp_proto::{Family, Vrid};

use super::*;

pub(crate) struct Example {
    setup: InstanceSetup,
    state: State,
    installed: Vec<Vip>,
    stats: Stats,
    active_router: Option<ActiveRouter>,
    micros: u64,
}

fn vip(address: &str, prefix: u8, device: &str) -> Vip {
    Vip::new(address.parse().unwrap(), prefix, device.parse().unwrap())
}

impl Example {
    /// A v2 master with a password, labels and excluded addresses.
    pub(crate) fn master() -> Self {
        let addresses = vec![
            vip("192.0.2.100", 24, "v0").with_label(Some("v0:1".to_owned())),
            vip("192.0.2.101", 32, "v0"),
            vip("2001:db8::7", 64, "v0"),
        ];
        let role = Role::Backup {
            priority: BackupPriority::new(100).unwrap(),
            preempt: Preempt::Immediately,
        };
        let fsm = InstanceConfig::new(Vrid::new(51).unwrap(), Family::Ipv4, role)
            .with_format(WireFormat::V2 {
                auth: V2Auth::Password(*b"secret\0\0"),
            })
            .with_interval(AdvertInterval::from_secs(1).unwrap())
            .with_addresses(addresses.iter().take(2).map(|vip| vip.address));
        let mut setup = InstanceSetup::new("VI_1", "v0".parse().unwrap(), fsm);
        setup.announce.repeat = 5;
        setup.announce.delay = Duration::from_secs(5);
        setup.announce.refresh = Duration::ZERO;
        setup.announce.refresh_repeat = 1;
        setup.announce.lower_prio_repeat = 5;
        setup.announce.lower_prio_delay = Duration::from_secs(5);
        setup.addresses.clone_from(&addresses);
        let mut stats = Stats::default();
        stats.adverts_sent = 5;
        stats.became_active = 1;
        Self {
            setup,
            state: State::Active,
            installed: addresses,
            stats,
            active_router: None,
            micros: 1_795_193_340_090_801,
        }
    }

    /// A v3 backup with peers, that may not preempt and has trackers.
    pub(crate) fn backup() -> Self {
        let addresses = vec![vip("10.9.0.53", 24, "x0").with_label(Some("x0:v".to_owned()))];
        let role = Role::Backup {
            priority: BackupPriority::new(90).unwrap(),
            preempt: Preempt::Never,
        };
        let peers = vec![
            Peer::new("10.9.0.2".parse().unwrap()),
            Peer::new("10.9.0.3".parse().unwrap()).with_hop_limit(250..=255),
        ];
        let fsm = InstanceConfig::new(Vrid::new(31).unwrap(), Family::Ipv4, role)
            .with_interval(AdvertInterval::from_centis(50).unwrap())
            .with_transport(Transport::Unicast {
                peers,
                check_source: true,
            })
            .with_addresses(addresses.iter().map(|vip| vip.address));
        let mut setup = InstanceSetup::new("V_A", "x0".parse().unwrap(), fsm);
        setup.announce = Self::master().setup.announce;
        setup.announce.delay = Duration::from_secs(2);
        setup.announce.refresh = Duration::from_secs(60);
        setup.track_primary = false;
        setup.source = Some("10.9.0.1".parse().unwrap());
        setup.unicast_hop_limit = 60;
        setup.track_interfaces = [("v0", -20), ("lo", 0)]
            .map(|(name, weight)| keepalived_driver::TrackedInterface {
                name: name.parse().unwrap(),
                weight,
                reverse: false,
            })
            .to_vec();
        setup.addresses = addresses;
        let active_router = ActiveRouter {
            address: "10.9.0.2".parse().unwrap(),
            priority: Priority::new(150),
            interval: AdvertInterval::from_centis(50).unwrap(),
        };
        Self {
            setup,
            state: State::Backup,
            installed: Vec::new(),
            stats: Stats::default(),
            active_router: Some(active_router),
            micros: 1_795_195_363_025_273,
        }
    }

    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts {
            group: None,
            setup: &self.setup,
            state: self.state,
            faults: Faults::NONE,
            fault_details: &[],
            repairs: &[],
            effective_priority: self.setup.fsm.role.priority(),
            primary_address: Some("192.0.2.2".parse().unwrap()),
            active_router: self.active_router,
            active_interval: self.setup.fsm.interval,
            last_transition: Some((
                UNIX_EPOCH + Duration::from_micros(self.micros),
                Reason::DownTimer,
            )),
            addresses_installed: !self.installed.is_empty(),
            installed: &self.installed,
            missing: &[],
            stats: &self.stats,
        }
    }

    pub(crate) fn hooks() -> HookSet {
        let script = |words: &[&str]| Some(Arc::new(HookCommand::new(words.iter().copied())));
        let mut set = HookSet::default();
        set.master = script(&["/tmp/kc/n.sh", "master", "arg"]);
        set.backup = script(&["/tmp/kc/n.sh"]);
        set.fault = script(&["/tmp/kc/n.sh"]);
        set.stop = script(&["/tmp/kc/n.sh"]);
        set.generic = script(&["/tmp/kc/n.sh"]);
        set
    }
}

/// A group at fault because of one of two members.
pub(crate) fn group() -> super::GroupFacts<'static> {
    super::GroupFacts {
        name: "G",
        state: super::Keepalived::Fault,
        members: vec!["VI_1", "V_A"],
        faulted: 1,
        waiting: 0,
        last_transition: None,
    }
}
