//! What the elections loop is told to run: already validated, every name resolved to a type.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use netlink_vip::{
    AnnouncePolicy, Desired, InterfaceName, Object, Route, Rule, Tag, Vip, WantedLink,
};
use vrrp_fsm::{Effect, Influence, InstanceConfig, TrackStatus};
use vrrp_proto::Family;

use crate::bfd::BfdSetup;
use crate::recording::RecordSettings;
use crate::sockets::netlink::NetlinkBuffer;
use crate::tracked::{TrackedObject, TrackerSetup};
use crate::vmac::{ExtraAnnounce, FirewallSetup, GarpGroup, LinkDelay, Vmac};

use crate::threads::ThreadSettings;

/// Everything loop 1 runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// The virtual routers, in the order of the configuration. Shared, not copied, with the running
    /// ones and with snapshots.
    pub instances: Vec<Arc<InstanceSetup>>,
    /// Those of them that change state together.
    pub groups: Vec<Arc<GroupSetup>>,
    /// What instances track apart from interfaces, each once. Only what is used need be here.
    pub trackers: Vec<Arc<TrackerSetup>>,
    /// Addresses, routes and rules that are there while the loop runs, whatever the elections say.
    pub statics: Desired,
    /// Room for answers to our netlink requests (`vrrp_netlink_cmd_rcv_bufs`).
    pub netlink_command_buffer: NetlinkBuffer,
    /// Room for the kernel's news (`vrrp_netlink_monitor_rcv_bufs`).
    pub netlink_monitor_buffer: NetlinkBuffer,
    /// The BFD sessions, in the order of the configuration. One that trackers use is also in
    /// `trackers`.
    pub bfd: Vec<Arc<BfdSetup>>,
    /// What our S-BFD reflector answers to, if there is one. RFC 7880.
    pub bfd_reflector: Option<bfd::ReflectorConfig>,
    /// Instances are held in Initialize for this long after the start of the loop
    /// (`vrrp_startup_delay`).
    pub startup_delay: Duration,
    /// Instances are held in Initialize until the host has been up for this long
    /// (`vrrp_delay_after_boot`). KA-ST-09.
    pub delay_after_boot: Duration,
    /// Marks addresses as ours in the kernel (`IFA_PROTO`), so that a later run can tell them from
    /// foreign ones.
    pub tag: Tag,
    /// Where it is remembered what settings of the kernel were before they were changed, so that a run
    /// after one that was killed restores them. In a folder that a start of the host empties, one for
    /// each daemon; absent: they stay changed. Read when the loop starts.
    pub settings_file: Option<PathBuf>,
    /// Record what the loop hears and does from its start on. Read when the loop starts; see also
    /// [`Remote::record`](crate::Remote::record).
    pub record: Option<RecordSettings>,
    /// Report adverts for VRIDs that are not configured on the interface (`log_unknown_vrids`).
    pub report_unknown_vrids: bool,
    /// Leave the addresses in place on stop (`-V`, `--dont-release-vrrp`).
    pub keep_addresses: bool,
    /// How the rules of the packet filter are written, if any instance needs some.
    pub firewall: FirewallSetup,
    /// The kernel reports no membership of 224.0.0.0/24 while we run (`disable_local_igmp`).
    pub no_local_igmp: bool,
    /// Interfaces that share a spacing of announcements.
    pub garp_groups: Vec<GarpGroup>,
    /// Delays of links; at most one for each interface.
    pub link_delays: Vec<LinkDelay>,
    /// Interfaces whose drivers are asked once a second whether there is a link, beside what the kernel
    /// tells by itself (`linkbeat_interfaces`).
    pub polled_links: Vec<InterfaceName>,
    /// Report every announcement that is sent: many lines, for `-D`.
    pub report_announcements: bool,
    /// Report every address of this machine, whoever's it is except ours, that is there, comes or goes.
    pub report_addresses: bool,
    /// How the thread of the loop is scheduled, and its name. Taken over in the first turn.
    pub thread: ThreadSettings,
}

impl Config {
    /// A configuration of these instances with the defaults for everything else.
    #[must_use]
    pub fn new(instances: Vec<InstanceSetup>) -> Self {
        Self {
            instances: instances.into_iter().map(Arc::new).collect(),
            groups: Vec::new(),
            trackers: Vec::new(),
            statics: Desired::default(),
            netlink_command_buffer: NetlinkBuffer::default(),
            netlink_monitor_buffer: NetlinkBuffer::default(),
            bfd: Vec::new(),
            bfd_reflector: None,
            startup_delay: Duration::ZERO,
            delay_after_boot: Duration::ZERO,
            tag: DEFAULT_TAG,
            settings_file: None,
            record: None,
            report_unknown_vrids: false,
            keep_addresses: false,
            firewall: FirewallSetup::default(),
            no_local_igmp: false,
            garp_groups: Vec::new(),
            link_delays: Vec::new(),
            polled_links: Vec::new(),
            report_announcements: false,
            report_addresses: false,
            thread: ThreadSettings::default(),
        }
    }
}

/// The `IFA_PROTO` value of our addresses: keepalived's routing protocol number, 18, for want of a
/// registry of address protocols.
pub const DEFAULT_TAG: Tag = Tag(18);

/// One virtual router and what surrounds it on this machine.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct InstanceSetup {
    /// The name in the configuration; appears in reports.
    pub name: Arc<str>,
    /// The interface it runs on. It need not exist yet.
    pub interface: InterfaceName,
    /// The election: VRID, priority, timers, peers.
    pub fsm: InstanceConfig,
    /// Every address to hold while Active, advertised or not, in the order of the configuration.
    pub addresses: Vec<Vip>,
    /// Routes to hold while Active.
    pub routes: Vec<Route>,
    /// Policy rules to hold while Active.
    pub rules: Vec<Rule>,
    /// Static objects without which it faults (`track_group`).
    pub track_statics: Vec<Object>,
    /// The secondaries of a subnet stay when its first address goes (`promote_secondaries`).
    pub promote_secondaries: bool,
    /// How gratuitous ARP and neighbour advertisements are paced.
    pub announce: AnnouncePolicy,
    /// Source address of adverts (`mcast_src_ip`, `unicast_src_ip`); the interface's primary
    /// address if absent.
    pub source: Option<IpAddr>,
    /// TTL or hop limit of unicast adverts (`unicast_ttl`); multicast ones always carry 255.
    pub unicast_hop_limit: u8,
    /// Fault the instance while its interface is down (off with `dont_track_primary`).
    pub track_primary: bool,
    /// Further interfaces that decide over fault or priority (`track_interface`).
    pub track_interfaces: Vec<TrackedInterface>,
    /// Scripts, files, processes and BFD sessions that decide over fault or priority, those of its
    /// group included.
    pub trackers: Vec<TrackedObject>,
    /// Other interfaces that addresses of this instance are on: it faults while one of them is down,
    /// because those addresses would be nowhere. Addresses with `no_track` do not count.
    pub track_devices: Vec<InterfaceName>,
    /// Room for received adverts that wait to be read, in octets (`kernel_rx_buf_size`). The
    /// largest wish of the instances that share a socket counts.
    pub receive_buffer: Option<usize>,
    /// Strict mode (`vrrp_strict`, `strict_mode`): what remains to be done about it where the
    /// interface is known. The settings themselves are strict already. KA-O-02.
    pub strict: bool,
    /// Hold the instance for good, with this reason: a configuration that must not run, such as
    /// unicast without peers.
    pub hold: Option<Arc<str>>,
    /// The device that carries the addresses (`use_vmac`, `use_ipvlan`).
    pub vmac: Option<Vmac>,
    /// Devices for addresses on other interfaces (`use_vmac_addr`, `use_vmac` of an address).
    pub extra_links: Vec<WantedLink>,
    /// Traffic to the addresses is dropped (`no_accept`). Held until the packet filter does.
    pub refuse_traffic: bool,
    /// Periodic announcements of addresses on other interfaces.
    pub extra_announce: Option<ExtraAnnounce>,
    /// The interface has to be a VRF: the instance listens on all that belongs to it.
    pub vrf: bool,
}

impl InstanceSetup {
    /// An instance with keepalived's defaults for everything but the election itself.
    #[must_use]
    pub fn new(name: &str, interface: InterfaceName, fsm: InstanceConfig) -> Self {
        Self {
            name: name.into(),
            interface,
            fsm,
            addresses: Vec::new(),
            routes: Vec::new(),
            rules: Vec::new(),
            track_statics: Vec::new(),
            promote_secondaries: false,
            announce: AnnouncePolicy::default(),
            source: None,
            unicast_hop_limit: vrrp_proto::HOP_LIMIT,
            track_primary: true,
            track_interfaces: Vec::new(),
            trackers: Vec::new(),
            track_devices: Vec::new(),
            receive_buffer: None,
            strict: false,
            hold: None,
            vmac: None,
            extra_links: Vec::new(),
            refuse_traffic: false,
            extra_announce: None,
            vrf: false,
        }
    }

    /// The devices that are made for it.
    pub fn links(&self) -> impl Iterator<Item = &WantedLink> {
        let own = self.vmac.iter().map(|vmac| &vmac.link);
        own.chain(&self.extra_links)
    }

    /// Whether one of its devices carries IPv4, and whether it carries IPv6.
    #[must_use]
    pub fn families_on(&self, device: InterfaceName) -> (bool, bool) {
        let own = self
            .vmac
            .as_ref()
            .is_some_and(|vmac| vmac.link.name == device);
        let carries = |family: Family| {
            let here = |vip: &Vip| vip.device == device && Family::of(vip.address) == family;
            (own && self.fsm.family == family) || self.addresses.iter().any(here)
        };
        (carries(Family::Ipv4), carries(Family::Ipv6))
    }
}

impl InstanceSetup {
    /// The interface it runs on and those its addresses are on.
    pub(crate) fn own_devices(&self) -> impl Iterator<Item = InterfaceName> {
        let addresses = self.addresses.iter().map(|vip| vip.device);
        [self.interface].into_iter().chain(addresses)
    }

    /// All that it holds while Active.
    pub(crate) fn desired(&self) -> Desired {
        Desired::addresses(self.addresses.clone())
            .with_routes(self.routes.clone())
            .with_rules(self.rules.clone())
    }
}

/// Instances that change state together (`vrrp_sync_group`). What the group tracks is among the
/// trackers of each of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupSetup {
    /// The name in the configuration; appears in reports. The same name is the same group from one
    /// configuration to the next.
    pub name: Arc<str>,
    /// Its members, by position in [`Config::instances`]: at least one, none twice, and none that is
    /// in another group.
    pub members: Vec<usize>,
}

impl GroupSetup {
    /// A group of these instances.
    #[must_use]
    pub fn new(name: &str, members: Vec<usize>) -> Self {
        Self {
            name: name.into(),
            members,
        }
    }
}

/// An interface whose state counts for an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedInterface {
    /// Which interface.
    pub name: InterfaceName,
    /// Zero: the instance faults while the interface is down (up, if `reverse`). Positive: added to
    /// the priority while up. Negative: taken from it while down. -253..=253.
    pub weight: i16,
    /// Negate the weight; with weight zero, fault while the interface is up.
    pub reverse: bool,
}

impl TrackedInterface {
    /// What the interface means for the priority of the instance while it is up, or while it is not.
    ///
    /// # Errors
    ///
    /// The instance must not run: why, in words.
    pub fn verdict(&self, up: bool) -> Result<i16, String> {
        let (status, is) = if up {
            (TrackStatus::Up, "up")
        } else {
            (TrackStatus::Down, "down")
        };
        let influence = Influence::new(self.weight).with_reverse(self.reverse);
        match influence.effect(status) {
            Effect::Adjust(adjustment) => Ok(adjustment),
            Effect::Fault | Effect::Waiting => {
                Err(format!("tracked interface {} is {is}", self.name))
            }
        }
    }
}
