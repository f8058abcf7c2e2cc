//! A virtual router, resolved.

use std::net::IpAddr;
use std::time::Duration;

use vrrp_proto::{AdvertInterval, Family, Priority, Version, Vrid};

use super::authentication::Authentication;
use super::bfd::TrackedBfd;
use super::device::{Device, ExtraAnnounce};
use super::route::Route;
use super::rule::Rule;
use super::script::Notify;
use super::spanned::Spanned;
use super::trackers::Tracked;
use super::vip::Vip;
use crate::tree::Span;

/// One `vrrp_instance`, every default and correction applied. What is here can be run as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VrrpInstance {
    /// Name, unique in the configuration.
    pub name: Spanned<String>,
    /// Interface it runs on.
    pub interface: Spanned<String>,
    /// Number of the virtual router.
    pub vrid: Spanned<Vrid>,
    /// Family of the advertised addresses, the source and the peers.
    pub family: Family,
    /// Protocol version; always V3 for IPv6.
    pub version: Version,
    /// Configured priority, 1..=255; 255 owns the addresses.
    pub priority: Priority,
    /// The state it wants at start.
    pub wanted: WantedState,
    /// Whether it takes over from a living MASTER of lower priority.
    pub preempt: Preempt,
    /// Time between adverts; fits the version.
    pub advert_interval: AdvertInterval,
    /// Lost adverts until a backup takes over, 1..=100.
    pub down_timer_adverts: u8,
    /// Advertised addresses: in the order of the file, all of `family`, at most 255.
    pub addresses: Vec<Vip>,
    /// Addresses held but not advertised, of any family.
    pub excluded: Vec<Vip>,
    /// Routes held with the addresses.
    pub routes: Vec<Route>,
    /// Policy rules held with the addresses.
    pub rules: Vec<Rule>,
    /// How adverts are authenticated.
    pub authentication: Authentication,
    /// Where adverts go.
    pub transport: Transport,
    /// Source of adverts; absent: the first address of the interface.
    pub source: Option<Spanned<IpAddr>>,
    /// Fault when `source` is not present on the host.
    pub track_source: bool,
    /// Fault when `interface` is down.
    pub track_interface: bool,
    /// Further tracked interfaces, each at most once, never `interface` itself.
    pub tracked_interfaces: Vec<TrackedInterface>,
    /// Tracked BFD sessions, each at most once; all of them exist.
    pub tracked_bfd: Vec<TrackedBfd>,
    /// Tracked scripts, files and processes, each at most once; all of them exist.
    pub tracked: Vec<Tracked>,
    /// Leave the pseudo-header out of the VRRPv3 checksum over IPv4.
    pub v3_checksum_as_v2: bool,
    /// What to do about the unicast checksum of releases before 1.3.7.
    pub old_unicast_checksum: OldUnicastChecksum,
    /// Do not answer a lower-priority advert.
    pub lower_prio_no_advert: bool,
    /// Send one last advert before giving way.
    pub higher_prio_send_advert: bool,
    /// As owner, ignore the adverts of others.
    pub owner_ignore_adverts: bool,
    /// Compare the address list of the first advert of a master only.
    pub skip_check_adv_addr: bool,
    /// Strict mode: every correction that the configuration allows has been made. What is left to the
    /// daemon: unicast only where the interface cannot multicast (VRRP-EXT-06), and dropping traffic to
    /// the addresses unless it owns them.
    pub strict: bool,
    /// Step down after a stall in which a member of this priority, 1..=254, must have taken over; only
    /// with `preempt` never.
    pub timer_expired_backup: Option<u8>,
    /// Announcements of addresses.
    pub announce: Announce,
    /// Commands.
    pub notify: Notify,
    /// Receive buffer of the VRRP socket in bytes; absent: the kernel's default.
    pub receive_buffer: Option<u32>,
    /// Why it must not take part; it is shown in FAULT and sends nothing. Absent: it runs.
    pub hold: Option<Hold>,
    /// The device that carries its addresses.
    pub device: Option<Device>,
    /// Addresses on other interfaces get devices of their own (`use_vmac_addr`).
    pub device_per_interface: bool,
    /// It has no interface and runs in a VRF, whose name stands in `interface`.
    pub vrf: bool,
    /// Traffic to its addresses is dropped.
    pub refuse_traffic: bool,
    /// Other addresses of a subnet stay when its first one is removed.
    pub promote_secondaries: bool,
    /// The link of its interface is polled (`linkbeat_use_polling`).
    pub linkbeat: bool,
    /// Periodic announcements on other interfaces.
    pub extra_announce: Option<ExtraAnnounce>,
    /// From the keyword to the name.
    pub span: Span,
}

/// The state an instance wants at start (`state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedState {
    /// `BACKUP`.
    Backup,
    /// `MASTER`: only for an owner does it shorten the wait.
    Master,
}

/// Whether an instance takes over from a living MASTER of lower priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preempt {
    /// `nopreempt`.
    Never,
    /// The default.
    Immediately,
    /// `preempt_delay`: more than zero, at most 1000 s.
    After(Duration),
}

/// Where adverts go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// To a group.
    Multicast {
        /// The group, of the instance's family.
        group: IpAddr,
    },
    /// To each peer.
    Unicast {
        /// The peers, each once; empty only for an instance on hold.
        peers: Vec<Peer>,
        /// TTL or hop limit of sent adverts.
        ttl: u8,
        /// Adverts of others than the peers are refused.
        check_source: bool,
    },
}

/// A unicast peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// Its address, of the instance's family.
    pub address: IpAddr,
    /// Least TTL or hop limit accepted from it.
    pub min_ttl: Option<u8>,
    /// Greatest TTL or hop limit accepted from it.
    pub max_ttl: Option<u8>,
    /// The whole entry.
    pub span: Span,
}

/// A tracked interface.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackedInterface {
    /// Its name.
    pub name: Spanned<String>,
    /// -253..=253. 0: when it is down, FAULT. Positive: added while it is up. Negative: taken while it is down.
    pub weight: i16,
    /// Negates the weight. With weight 0: FAULT when it is up.
    pub reverse: bool,
}

/// What to do about the unicast checksum of releases before 1.3.7.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OldUnicastChecksum {
    /// Find out from what is received.
    #[default]
    Detect,
    /// Use it.
    Always,
    /// Never use it.
    Never,
}

/// How often addresses are announced. Packets are counted per address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Announce {
    /// Packets on becoming MASTER, from 1.
    pub repeat: u32,
    /// Time to the second burst; zero: no second burst.
    pub delay: Duration,
    /// Time between refreshes; zero: none.
    pub refresh: Duration,
    /// Packets at a refresh, from 1.
    pub refresh_repeat: u32,
    /// Packets after a lower-priority advert; zero: none.
    pub lower_prio_repeat: u32,
    /// Time to the second burst after that; zero: no second burst.
    pub lower_prio_delay: Duration,
}

/// Why an instance must not take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The reason.
    pub reason: HoldReason,
    /// What in the file is to blame.
    pub span: Span,
}

/// Reasons for [`Hold`]. In each of them running would be worse than not running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HoldReason {
    /// Authentication is asked for that cannot be done; running without it would be open to anybody.
    Authentication,
    /// Unicast is asked for and no peer can be used; multicast would reach others.
    NoPeer,
    /// Another instance has the same number, family, interface and destination.
    DuplicateVrid,
    /// The network namespace of the file cannot be entered.
    Namespace,
    /// VRRPv2 over IPv6, which no RFC knows.
    VersionFamily,
}

impl HoldReason {
    /// A short sentence for logs.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Authentication => "its authentication cannot be done",
            Self::NoPeer => "it has no usable unicast peer",
            Self::DuplicateVrid => "another instance has the same virtual router",
            Self::Namespace => "its network namespace cannot be entered",
            Self::VersionFamily => "VRRP version 2 has no IPv6",
        }
    }
}

/// Bytes that signed adverts are longer.
pub(super) const TRAILER: u32 = 28;
/// Bytes that adverts with an IP authentication header are longer.
const AUTHENTICATION_HEADER: u32 = 24;

/// How many addresses of `family` fit into an advert over a link with this MTU, at most 255.
///
/// Counts like Keepalived (measured at 576, 1280 and 1500), which sets the Ethernet header aside too.
#[must_use]
pub fn max_advertised(family: Family, version: Version, mtu: u32) -> usize {
    let (ip_header, address) = match family {
        Family::Ipv4 => (20, 4),
        Family::Ipv6 => (40, 16),
    };
    let auth = match version {
        Version::V2 => 8,
        Version::V3 => 0,
    };
    let room = mtu.saturating_sub(14 + ip_header + 8 + auth) / address;
    usize::try_from(room).map_or(255, |room| room.min(255))
}

impl VrrpInstance {
    /// Another instance of the file is the same virtual router: this one is not run.
    #[must_use]
    pub fn is_left_out(&self) -> bool {
        let reason = self.hold.map(|hold| hold.reason);
        reason == Some(HoldReason::DuplicateVrid)
    }

    /// The advertised addresses in order, as an advert lists them.
    pub fn advertised(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().map(|vip| vip.address)
    }

    /// Every address that the MASTER holds: the advertised ones first.
    pub fn held_addresses(&self) -> impl Iterator<Item = &Vip> {
        self.addresses.iter().chain(&self.excluded)
    }

    /// How many addresses fit into one of its adverts over a link with this MTU.
    #[must_use]
    pub fn room(&self, mtu: u32) -> usize {
        let taken = match self.authentication {
            Authentication::Hmac(_) => TRAILER,
            Authentication::Ah(_) => AUTHENTICATION_HEADER,
            Authentication::None | Authentication::Password(_) => 0,
        };
        max_advertised(self.family, self.version, mtu.saturating_sub(taken))
    }

    /// Moves the addresses that do not fit into an advert over a link with this MTU to `excluded`.
    /// VIP-03.
    ///
    /// The model assumes 1500; the daemon calls this when it knows the interface. Returns how many
    /// were moved.
    pub fn limit_to_mtu(&mut self, mtu: u32) -> usize {
        let keep = self.room(mtu).min(self.addresses.len());
        let moved = self.addresses.split_off(keep);
        let count = moved.len();
        self.excluded.splice(0..0, moved);
        count
    }
}
