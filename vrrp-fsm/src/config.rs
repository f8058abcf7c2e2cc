//! What a virtual router is configured to do. Combinations that make no sense cannot be written
//! down, or are refused by [`InstanceConfig::check`].

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::num::NonZeroU8;
use core::ops::RangeInclusive;
use core::time::Duration;

use crate::hmac::Hmac;
use vrrp_proto::{AdvertInterval, Checksum, ChecksumPolicy, Family, Priority, Version, Vrid};

/// Whether the router owns the addresses, RFC 9568 1.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Role {
    /// The addresses are the router's own interface addresses: priority 255, always preempts,
    /// not moved by trackers (RFC 9568 6.1, KA-W-05, FSM-OPEN-10).
    Owner,
    /// The router stands in for the addresses.
    Backup {
        /// Configured priority, before trackers.
        priority: BackupPriority,
        /// Whether to take over from a live router of lower priority.
        preempt: Preempt,
    },
}

impl Role {
    /// A router that is not the owner, with the default priority 100, and that preempts.
    pub const DEFAULT: Self = Self::Backup {
        priority: BackupPriority::DEFAULT,
        preempt: Preempt::Immediately,
    };

    /// The configured priority: 255 for the owner, else 1..=254.
    #[must_use]
    pub const fn priority(self) -> Priority {
        match self {
            Self::Owner => Priority::OWNER,
            Self::Backup { priority, .. } => Priority::new(priority.get()),
        }
    }
}

/// Priority of a router that does not own the addresses, 1..=254 (RFC 9568 5.2.4). 0 is only ever
/// sent and 255 is for the owner, so neither can be written here (VRRP-GEN-02, VRRP-GEN-03).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "u8")
)]
pub struct BackupPriority(NonZeroU8);

#[cfg(feature = "serde")]
impl TryFrom<u8> for BackupPriority {
    type Error = &'static str;

    fn try_from(value: u8) -> Result<Self, Self::Error> {
        Self::new(value).ok_or("the priority of a backup is 1 to 254")
    }
}

impl BackupPriority {
    /// 100, RFC 9568 6.1.
    pub const DEFAULT: Self = Self(NonZeroU8::MIN.saturating_add(99));

    /// Makes a priority; `None` for 0 and 255.
    #[must_use]
    pub const fn new(value: u8) -> Option<Self> {
        match NonZeroU8::new(value) {
            Some(priority) if value != u8::MAX => Some(Self(priority)),
            _ => None,
        }
    }

    /// The number, 1..=254.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

impl fmt::Display for BackupPriority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What to do about a live Active router of lower priority (RFC 9568 6.1, Preempt_Mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Preempt {
    /// Leave it alone (keepalived's `nopreempt`).
    Never,
    /// Let the down timer run, and take over when it fires.
    Immediately,
    /// As `Immediately`, but only once it has been heard for this long, at most 1000 s
    /// (keepalived's `preempt_delay`, KA-B-04).
    After(Duration),
}

/// Keepalived's `state`: what the operator expects at the start.
///
/// Only the owner can start as Active, RFC 9568 6.4.1. For everybody else both values mean the
/// same: wait for the down interval first (KA-ST-02, KA-ST-03).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Startup {
    /// Listen first.
    Backup,
    /// Be Active at once if owner. Overrides [`Preempt::Never`] and [`Preempt::After`]
    /// (KA-ST-06): see [`InstanceConfig::preempt`].
    Active,
}

/// VRRPv2 authentication of RFC 2338. RFC 3768 has removed it; it protects against accidents at
/// best.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum V2Auth {
    /// Type 0.
    None,
    /// Type 1, a password in clear text, padded with zero octets.
    Password([u8; 8]),
    /// Type 2, an IP authentication header with this password, padded with zero octets, as its key.
    /// VRRP-V2-AUTH-05.
    Ah([u8; 8]),
}

/// Never shows the password.
impl fmt::Debug for V2Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Password(_) => "Password(..)",
            Self::Ah(_) => "Ah(..)",
        })
    }
}

/// Version, and what only that version has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum WireFormat {
    /// VRRPv2, RFC 3768: IPv4 only, intervals in whole seconds that all routers have to share.
    V2 {
        /// Authentication, sent and demanded.
        auth: V2Auth,
    },
    /// VRRPv3, RFC 9568.
    V3 {
        /// Checksum form to send over IPv4; IPv6 has only one.
        ipv4_checksum: Checksum,
        /// Checksum forms to accept over IPv4.
        accept: ChecksumPolicy,
    },
}

impl WireFormat {
    /// VRRPv3 as in RFC 9568 5.2.8, accepting either checksum form.
    pub const DEFAULT: Self = Self::V3 {
        ipv4_checksum: Checksum::MessageOnly,
        accept: ChecksumPolicy::Either,
    };

    /// The version.
    #[must_use]
    pub const fn version(&self) -> Version {
        match self {
            Self::V2 { .. } => Version::V2,
            Self::V3 { .. } => Version::V3,
        }
    }
}

/// A router at the other end of a unicast instance. VRRP-EXT-01.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Peer {
    /// Its address, where adverts for it are sent to.
    pub address: IpAddr,
    /// TTL or hop limit that packets from it must come with; `None` for any. VRRP-EXT-02.
    pub hop_limit: Option<RangeInclusive<u8>>,
}

impl Peer {
    /// A peer whose packets may come with any TTL or hop limit.
    #[must_use]
    pub const fn new(address: IpAddr) -> Self {
        Self {
            address,
            hop_limit: None,
        }
    }

    /// Demands a TTL or hop limit in a range.
    #[must_use]
    pub const fn with_hop_limit(mut self, range: RangeInclusive<u8>) -> Self {
        self.hop_limit = Some(range);
        self
    }
}

/// How adverts travel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Transport {
    /// To a multicast group.
    Multicast {
        /// The group, normally [`Family::group`]. VRRP-EXT-08.
        group: IpAddr,
    },
    /// One copy to each peer. VRRP-EXT-01.
    Unicast {
        /// The peers. Without any the router has [`Fault::Configuration`](crate::Fault::Configuration):
        /// it would silently talk to nobody. VRRP-EXT-05.
        peers: Vec<Peer>,
        /// Accept packets of listed peers only. Implied by any peer's hop limit range.
        /// VRRP-EXT-03.
        check_source: bool,
    },
}

/// What to do about an advert that lists other addresses than the configured ones. The order never
/// matters. RFC 9568 7.1, VRRP-V2-RX-10, VRRP-V3-RX-11.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AddressCheck {
    /// Count it, report it, go on.
    Log,
    /// As `Log`, but only look at the first advert of a new sender (keepalived's
    /// `skip_check_adv_addr`, VRRP-EXT-11).
    Skip,
    /// Reject it unless the sender is the owner (RFC 3768 7.1).
    Drop,
}

/// Configuration of one virtual router on one interface.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InstanceConfig {
    /// Virtual router identifier.
    pub vrid: Vrid,
    /// Address family; the other family is another virtual router (VRRP-GEN-04).
    pub family: Family,
    /// Owner or not, priority and preemption.
    pub role: Role,
    /// Version and what only that version has.
    pub format: WireFormat,
    /// Own advertisement interval: whole seconds 1..=255 in VRRPv2, 1..=4095 cs in VRRPv3.
    pub interval: AdvertInterval,
    /// What to be at the start.
    pub startup: Startup,
    /// The addresses to advertise, at most 255, in the order of the configuration. (Managed but
    /// not advertised addresses are no business of this crate: KA-O-07.)
    pub addresses: Vec<IpAddr>,
    /// How adverts travel.
    pub transport: Transport,
    /// Adverts in a row that have to be missed before the Active router counts as gone, 1..=100.
    /// RFC 9568 6.1 has 3. KA-O-01.
    pub down_adverts: NonZeroU8,
    /// Answer a lower priority advert heard as Active with an advert at once (RFC 9568 6.4.3).
    /// `false` is keepalived's `lower_prio_no_advert` and RFC 3768.
    pub answer_lower: bool,
    /// Send one more advert before yielding to a higher priority (keepalived's
    /// `higher_prio_send_advert`).
    pub advert_on_yield: bool,
    /// Reject everything as owner (RFC 3768 7.1; keepalived's `owner_ignore_adverts`).
    pub owner_ignores_adverts: bool,
    /// What to do about other addresses in adverts.
    pub address_check: AddressCheck,
    /// Allow an empty list, and VRRPv3 adverts without addresses.
    pub allow_no_addresses: bool,
    /// Whether [`Fault::LinkDown`](crate::Fault::LinkDown) counts; `false` is keepalived's
    /// `dont_track_primary` (KA-F-05).
    pub track_link: bool,
    /// Refuse IPv6 adverts whose first address is not link-local (RFC 9568 5.2.9,
    /// VRRP-V3-RX-13) instead of reporting them.
    pub link_local_first: bool,
    /// Accept the checksum that keepalived up to 1.3.6 sent to unicast peers (VRRP-V3-CK-05).
    pub old_unicast_checksum: bool,
    /// With [`Preempt::Never`]: step down instead of carrying on when adverts were held up for so
    /// long that a router of this priority must have taken over (keepalived's
    /// `timer_expired_backup`). KA-M-09.
    pub yield_after_stall: Option<BackupPriority>,
    /// Sign adverts and demand signatures (keepalived's `auth_hmac`). KA-AX-02.
    pub hmac: Option<Box<Hmac>>,
}

impl InstanceConfig {
    /// A VRRPv3 router that advertises every second to the group of its family, without addresses
    /// yet.
    #[must_use]
    pub const fn new(vrid: Vrid, family: Family, role: Role) -> Self {
        Self {
            vrid,
            family,
            role,
            format: WireFormat::DEFAULT,
            interval: AdvertInterval::DEFAULT,
            startup: match role {
                Role::Owner => Startup::Active,
                Role::Backup { .. } => Startup::Backup,
            },
            addresses: Vec::new(),
            transport: Transport::Multicast {
                group: family.group(),
            },
            down_adverts: Self::DEFAULT_DOWN_ADVERTS,
            answer_lower: true,
            advert_on_yield: false,
            owner_ignores_adverts: false,
            address_check: AddressCheck::Log,
            allow_no_addresses: false,
            track_link: true,
            link_local_first: false,
            old_unicast_checksum: false,
            yield_after_stall: None,
            hmac: None,
        }
    }

    /// 3, RFC 9568 6.1.
    pub const DEFAULT_DOWN_ADVERTS: NonZeroU8 = NonZeroU8::MIN.saturating_add(2);

    /// Sets [`format`](Self::format).
    #[must_use]
    pub const fn with_format(mut self, format: WireFormat) -> Self {
        self.format = format;
        self
    }

    /// Sets [`interval`](Self::interval).
    #[must_use]
    pub const fn with_interval(mut self, interval: AdvertInterval) -> Self {
        self.interval = interval;
        self
    }

    /// Sets [`startup`](Self::startup).
    #[must_use]
    pub const fn with_startup(mut self, startup: Startup) -> Self {
        self.startup = startup;
        self
    }

    /// Sets [`addresses`](Self::addresses).
    #[must_use]
    pub fn with_addresses(mut self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.addresses = addresses.into_iter().collect();
        self
    }

    /// Sets [`transport`](Self::transport).
    #[must_use]
    pub fn with_transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Sets [`down_adverts`](Self::down_adverts).
    #[must_use]
    pub const fn with_down_adverts(mut self, adverts: NonZeroU8) -> Self {
        self.down_adverts = adverts;
        self
    }

    /// Sets [`answer_lower`](Self::answer_lower).
    #[must_use]
    pub const fn with_answer_lower(mut self, answer: bool) -> Self {
        self.answer_lower = answer;
        self
    }

    /// Sets [`advert_on_yield`](Self::advert_on_yield).
    #[must_use]
    pub const fn with_advert_on_yield(mut self, send: bool) -> Self {
        self.advert_on_yield = send;
        self
    }

    /// Sets [`owner_ignores_adverts`](Self::owner_ignores_adverts).
    #[must_use]
    pub const fn with_owner_ignores_adverts(mut self, ignore: bool) -> Self {
        self.owner_ignores_adverts = ignore;
        self
    }

    /// Sets [`address_check`](Self::address_check).
    #[must_use]
    pub const fn with_address_check(mut self, check: AddressCheck) -> Self {
        self.address_check = check;
        self
    }

    /// Sets [`allow_no_addresses`](Self::allow_no_addresses).
    #[must_use]
    pub const fn with_allow_no_addresses(mut self, allow: bool) -> Self {
        self.allow_no_addresses = allow;
        self
    }

    /// Sets [`track_link`](Self::track_link).
    #[must_use]
    pub const fn with_track_link(mut self, track: bool) -> Self {
        self.track_link = track;
        self
    }

    /// Sets [`link_local_first`](Self::link_local_first).
    #[must_use]
    pub const fn with_link_local_first(mut self, require: bool) -> Self {
        self.link_local_first = require;
        self
    }

    /// Sets [`old_unicast_checksum`](Self::old_unicast_checksum).
    #[must_use]
    pub const fn with_old_unicast_checksum(mut self, accept: bool) -> Self {
        self.old_unicast_checksum = accept;
        self
    }

    /// Sets [`yield_after_stall`](Self::yield_after_stall).
    #[must_use]
    pub const fn with_yield_after_stall(mut self, priority: Option<BackupPriority>) -> Self {
        self.yield_after_stall = priority;
        self
    }

    /// Sets [`hmac`](Self::hmac).
    #[must_use]
    pub fn with_hmac(mut self, hmac: Hmac) -> Self {
        self.hmac = Some(Box::new(hmac));
        self
    }

    /// The version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.format.version()
    }

    /// The preemption that is in force: the owner always preempts (KA-B-08, FSM-OPEN-10), and
    /// [`Startup::Active`] overrides the configured one (KA-ST-06, KA-B-07).
    #[must_use]
    pub const fn preempt(&self) -> Preempt {
        match (self.role, self.startup) {
            (Role::Owner, _) | (_, Startup::Active) => Preempt::Immediately,
            (Role::Backup { preempt, .. }, Startup::Backup) => preempt,
        }
    }
}
