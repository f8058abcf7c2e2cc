//! What is wrong with a received packet, and with a configuration.

use core::net::IpAddr;
use core::time::Duration;

use vrrp_proto::{AdvertInterval, Family, ParseError, Version, Vrid};

use crate::group::GroupId;
use crate::router::InterfaceId;

/// Why a received packet changed nothing. Always the fault of the sender or of the network, and
/// always counted: see [`Rejections`](crate::Rejections).
///
/// Apart from [`Parse`](Self::Parse) the variants come in the order of the checks; of several
/// faults the first is reported (VRRP-GEN-12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Rejected {
    /// The octets are not a VRRP advert.
    #[error(transparent)]
    Parse(ParseError),
    /// A peer's packet with a TTL or hop limit outside of the configured range. VRRP-EXT-02.
    #[error("the TTL or hop limit {0} is outside of the range configured for the peer")]
    HopLimit(u8),
    /// The other protocol version. RFC 9568 7.1.
    #[error("the version is {0}")]
    VersionMismatch(Version),
    /// No trailer where a signature is demanded. KA-AX-03.
    #[error("the signature is missing")]
    HmacMissing,
    /// A trailer of an unknown scheme. KA-AX-03.
    #[error("the signature is of an unknown scheme")]
    HmacMalformed,
    /// Signed at another time than it is here. KA-AX-05.
    #[error("the signature is of another time; do the clocks differ?")]
    HmacStale,
    /// Signed with a key that is not configured here. KA-AX-03.
    #[error("the signature is with key {0}, which is not configured here")]
    HmacUnknownKey(u8),
    /// Signed with another key of that number, or changed on the way. KA-AX-03.
    #[error("the signature is wrong")]
    HmacInvalid,
    /// Not signed after the last one of this sender. KA-AX-06.
    #[error("the signature has been heard before")]
    HmacReplay,
    /// No such virtual router on this interface for this family. RFC 9568 7.1.
    #[error("the virtual router identifier {0} is not configured here")]
    UnknownVrid(u8),
    /// Another authentication type than the configured one. RFC 3768 5.3.6.
    #[error("the authentication type is {0}")]
    AuthType(u8),
    /// The password is not the configured one. RFC 2338 5.3.6.2.
    #[error("the password is wrong")]
    AuthData,
    /// A message that claims an IP authentication header and has none. VRRP-V2-AUTH-05.
    #[error("the IP authentication header is missing")]
    AhMissing,
    /// An authentication header whose index is not the sender's address. VRRP-V2-AUTH-05.
    #[error("the security parameters index is {0:#010x}, not the sender's address")]
    AhIndex(u32),
    /// Another key, or changed on the way. VRRP-V2-AUTH-05.
    #[error("the check value of the IP authentication header is wrong")]
    AhCheckValue,
    /// A sequence number that is not above the last one. VRRP-V2-AUTH-06.
    #[error("the sequence number {0} of the IP authentication header has been heard before")]
    AhReplay(u32),
    /// VRRPv2 only: not the local interval. RFC 3768 7.1.
    #[error("the advertisement interval is {theirs}")]
    Interval {
        /// The sender's interval.
        theirs: AdvertInterval,
    },
    /// Sent to another group, or by multicast to a unicast instance, or the reverse.
    #[error("the destination is {0}")]
    Destination(IpAddr),
    /// The source is not in the list of peers. VRRP-EXT-03.
    #[error("the source {0} is not a peer")]
    UnknownPeer(IpAddr),
    /// The source is our own address. VRRP-GEN-07.
    #[error("the source is our own address")]
    OwnAdvert,
    /// The local router owns the addresses and is configured to listen to nobody. RFC 3768 7.1.
    #[error("the owner ignores adverts")]
    OwnerIgnores,
    /// Another address list, under [`AddressCheck::Drop`](crate::AddressCheck::Drop).
    #[error("the address list is not the configured one")]
    Addresses,
    /// A good advert, but the virtual router is in Initialize. RFC 9568 6.4.1.
    #[error("the virtual router is not running")]
    NotRunning,
}

impl Rejected {
    /// Number of reasons: indices are 0..COUNT.
    pub const COUNT: usize = ParseError::COUNT + Self::OWN_NAMES.len();

    const OWN_NAMES: [&'static str; 22] = [
        "hop_limit_range",
        "version_mismatch",
        "auth_ext_missing",
        "auth_ext_malformed",
        "auth_ext_stale",
        "auth_ext_unknown_key",
        "auth_ext_invalid_hmac",
        "auth_ext_replay",
        "unknown_vrid",
        "auth_type_mismatch",
        "auth_data",
        "ah_missing",
        "ah_index",
        "ah_check_value",
        "ah_replay",
        "interval_mismatch",
        "destination",
        "unknown_peer",
        "own_advert",
        "owner_ignores",
        "address_list",
        "not_running",
    ];

    /// A number for each reason, 0..[`COUNT`](Self::COUNT), for an array of counters.
    #[must_use]
    pub const fn index(&self) -> usize {
        let own = match self {
            Self::Parse(error) => return error.index(),
            Self::HopLimit(_) => 0,
            Self::VersionMismatch(_) => 1,
            Self::HmacMissing => 2,
            Self::HmacMalformed => 3,
            Self::HmacStale => 4,
            Self::HmacUnknownKey(_) => 5,
            Self::HmacInvalid => 6,
            Self::HmacReplay => 7,
            Self::UnknownVrid(_) => 8,
            Self::AuthType(_) => 9,
            Self::AuthData => 10,
            Self::AhMissing => 11,
            Self::AhIndex(_) => 12,
            Self::AhCheckValue => 13,
            Self::AhReplay(_) => 14,
            Self::Interval { .. } => 15,
            Self::Destination(_) => 16,
            Self::UnknownPeer(_) => 17,
            Self::OwnAdvert => 18,
            Self::OwnerIgnores => 19,
            Self::Addresses => 20,
            Self::NotRunning => 21,
        };
        ParseError::COUNT + own
    }

    /// The short name of a reason, for metrics and status output. No two are the same.
    #[must_use]
    pub fn name(&self) -> &'static str {
        Self::name_of(self.index())
    }

    /// The short name of the reason with this [`index`](Self::index).
    pub(crate) fn name_of(index: usize) -> &'static str {
        ParseError::NAMES
            .iter()
            .chain(&Self::OWN_NAMES)
            .nth(index)
            .copied()
            .unwrap_or("unknown")
    }
}

impl From<ParseError> for Rejected {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

/// Why a configuration is refused. Always the fault of whoever wrote it; nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ConfigError {
    /// VRRPv2 is IPv4 only. VRRP-EXT-13.
    #[error("VRRPv2 cannot be used with IPv6")]
    Version2OverIpv6,
    /// The version cannot carry the interval. VRRP-TMR-05, VRRP-TMR-06.
    #[error("{version} cannot carry an advertisement interval of {interval}")]
    Interval {
        /// The configured version.
        version: Version,
        /// The configured interval.
        interval: AdvertInterval,
    },
    /// More than 100 lost adverts. KA-O-01.
    #[error("{0} lost adverts are more than 100")]
    DownAdverts(u8),
    /// More than 1000 s. KA-B-07.
    #[error("the preempt delay {0:?} is longer than 1000 s")]
    PreemptDelay(Duration),
    /// No addresses, without [`allow_no_addresses`](crate::InstanceConfig::allow_no_addresses).
    /// VRRP-V3-TX-05.
    #[error("there are no addresses")]
    NoAddresses,
    /// More than 255 addresses. VRRP-V2-TX-07.
    #[error("{0} addresses are more than the 255 that an advert can carry")]
    TooManyAddresses(usize),
    /// An address of the other family in the list.
    #[error("the address {0} is of the other family")]
    AddressFamily(IpAddr),
    /// An address twice in the list.
    #[error("the address {0} is listed twice")]
    DuplicateAddress(IpAddr),
    /// A multicast, unspecified or broadcast address in the list.
    #[error("the address {0} cannot be a virtual address")]
    AddressKind(IpAddr),
    /// The group is not a multicast address of the family. VRRP-EXT-08.
    #[error("the group {0} is not a multicast address of the family")]
    Group(IpAddr),
    /// A peer that is not a unicast address of the family.
    #[error("the peer {0} is not a unicast address of the family")]
    Peer(IpAddr),
    /// A peer twice in the list.
    #[error("the peer {0} is listed twice")]
    DuplicatePeer(IpAddr),
    /// A hop limit range that contains nothing.
    #[error("the hop limit range of peer {0} is empty")]
    HopLimitRange(IpAddr),
    /// A key number of 0, one that is there twice, or the active one without a key. KA-AX-02.
    #[error("there has to be one signing key with number {0}")]
    HmacKey(u8),
    /// A time window outside of 1 s to 300 s. KA-AX-05.
    #[error("the time window {0:?} of signatures is not 1 s to 300 s")]
    HmacWindow(Duration),
    /// A signing key and a VRRPv2 authentication type at the same time. KA-AX-02.
    #[error("signed adverts and VRRPv2 authentication exclude each other")]
    TwoAuthentications,
    /// [`Instance::reconfigure`](crate::Instance::reconfigure) to another VRID or family, which
    /// is another virtual router.
    #[error("another identifier or family is another virtual router")]
    Identity,
    /// The same virtual router twice on one interface.
    #[error("{family} virtual router {vrid} is configured twice on interface {}", interface.0)]
    Duplicate {
        /// The interface.
        interface: InterfaceId,
        /// The family.
        family: Family,
        /// The identifier.
        vrid: Vrid,
    },
    /// More virtual routers than identifiers for them.
    #[error("too many virtual routers")]
    TooManyInstances,
    /// The same group twice.
    #[error("synchronisation group {} is configured twice", .0.0)]
    DuplicateGroup(GroupId),
    /// A group without members.
    #[error("synchronisation group {} has no members", .0.0)]
    EmptyGroup(GroupId),
    /// A group with a member that is not configured.
    #[error("synchronisation group {} has a member that is not configured", .0.0)]
    NoSuchMember(GroupId),
    /// A group with a member that it has already, or that is in another group. KA-G-09.
    #[error("synchronisation group {} has a member that is in a group already", .0.0)]
    MemberTwice(GroupId),
}
