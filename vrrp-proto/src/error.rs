//! What can be wrong with received octets, and with an advert that is to be sent.
//!
//! Every receive rule that can be judged from the octets alone has one variant, in the order in
//! which the rules are checked. Rules that need configuration (is this VRID ours, is this the
//! password, is this a peer) are the business of whoever has the configuration.

use crate::types::AdvertInterval;

/// Why received octets are not an advert. Always the fault of the sender or of the network.
///
/// The order of the variants is the order of the checks (VRRP-GEN-12): of several faults the
/// first one here is reported. Rules that need the receiver's configuration come after all of
/// these, since they are judged by someone else. [`index`](Self::index) and [`name`](Self::name) are made for an
/// array of counters by reason (VRRP-GEN-06).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ParseError {
    /// The IP packet is shorter than its header or than its length field says. VRRP-GEN-09.
    #[error("the IP packet needs {needed} octets and has {got}")]
    IpTruncated {
        /// Octets that the header asks for.
        needed: usize,
        /// Octets that are there.
        got: usize,
    },
    /// The version of the IP header is not the expected one.
    #[error("the IP version is {found}")]
    IpVersion {
        /// The version nibble.
        found: u8,
    },
    /// The IPv4 header length is less than the 20 octets every header has. VRRP-GEN-09.
    #[error("the IPv4 header length is {octets} octets")]
    IpHeaderLength {
        /// Header length in octets.
        octets: u8,
    },
    /// The IPv4 total length is less than the header length. VRRP-GEN-09.
    #[error("the IPv4 total length {total} is less than the header length {header}")]
    IpTotalLength {
        /// Total length in octets.
        total: u16,
        /// Header length in octets.
        header: u8,
    },
    /// The checksum of the IPv4 header is wrong. Only packet sockets ever show this.
    #[error("the IPv4 header checksum is wrong")]
    IpHeaderChecksum,
    /// A fragment of an IPv4 packet. Only packet sockets ever show this.
    #[error("the packet is an IPv4 fragment")]
    IpFragment,
    /// Source and destination address are of different families.
    #[error("source and destination address are of different families")]
    MixedFamilies,
    /// The packet starts with an IP authentication header (VRRPv2 authentication type 2), in a
    /// place for packets without one. VRRP-V2-AUTH-05.
    #[error("the packet carries an IP authentication header")]
    AuthenticationHeader,
    /// An IP authentication header of another shape than VRRPv2's: 12 octets of integrity check
    /// value, right after an IPv4 header without options. VRRP-V2-AUTH-05.
    #[error("the IP authentication header is not one of VRRP")]
    AuthenticationHeaderShape,
    /// The IP protocol or next header is not 112. RFC 9568 5.1.1.4, 5.1.2.4.
    #[error("the IP protocol is {found}, not 112")]
    Protocol {
        /// The protocol number.
        found: u8,
    },
    /// The TTL or hop limit is not 255. RFC 9568 5.1.1.3, 5.1.2.3.
    #[error("the TTL or hop limit is {found}, not 255")]
    HopLimit {
        /// The TTL or hop limit.
        found: u8,
    },
    /// Fewer than the 8 octets of the fixed part. RFC 9568 7.1.
    #[error("the message has {got} octets, the fixed part alone has 8")]
    HeaderTruncated {
        /// Octets that are there.
        got: usize,
    },
    /// Neither version 2 nor version 3. RFC 9568 7.1.
    #[error("the VRRP version is {found}")]
    Version {
        /// The version nibble.
        found: u8,
    },
    /// Version 2 in an IPv6 packet; VRRPv2 is IPv4 only.
    #[error("VRRPv2 over IPv6")]
    Version2OverIpv6,
    /// Not an ADVERTISEMENT (type 1). RFC 9568 5.2.2.
    #[error("the VRRP type is {found}, not 1")]
    Type {
        /// The type nibble.
        found: u8,
    },
    /// Not all of the counted addresses are there. RFC 9568 7.1.
    #[error("the address list needs {needed} octets and has {got}")]
    AddressesTruncated {
        /// Octets of the whole message according to its address count.
        needed: usize,
        /// Octets that are there.
        got: usize,
    },
    /// The 8 octets of authentication data that end every VRRPv2 message are not all there.
    /// RFC 3768 5.1.
    #[error("the authentication data is missing: {needed} octets needed, {got} there")]
    AuthDataMissing {
        /// Octets of the whole message according to its address count.
        needed: usize,
        /// Octets that are there.
        got: usize,
    },
    /// More octets than the address count accounts for. VRRP-V2-RX-14, VRRP-V3-RX-15.
    #[error("the message should have {expected} octets and has {got}")]
    SurplusOctets {
        /// Octets of the whole message according to its address count.
        expected: usize,
        /// Octets that are there.
        got: usize,
    },
    /// The checksum is wrong in every form that the policy accepts. RFC 9568 5.2.8.
    #[error("the checksum is wrong")]
    Checksum,
    /// The virtual router identifier is 0. RFC 9568 5.2.3.
    #[error("the virtual router identifier is 0")]
    VridZero,
    /// A VRRPv2 authentication type other than 0, 1 and 2. RFC 3768 5.3.6.
    #[error("the authentication type {found} is unknown")]
    AuthType {
        /// The authentication type.
        found: u8,
    },
    /// VRRPv2 advertisement interval 0, which can equal no legal local one. RFC 3768 7.1.
    #[error("the VRRPv2 advertisement interval is 0")]
    V2IntervalZero,
    /// No addresses in a VRRPv3 advert. RFC 9568 5.2.5 (erratum 8299).
    #[error("the address count is 0")]
    CountZero,
    /// VRRPv3 Max Advertise Interval 0. RFC 9568 5.2.7 (erratum 8301).
    #[error("the VRRPv3 maximum advertisement interval is 0")]
    V3IntervalZero,
    /// The first IPv6 address is not link-local; only where the policy asks for it.
    /// RFC 9568 5.2.9 (erratum 8300).
    #[error("the first IPv6 address is not link-local")]
    FirstNotLinkLocal,
}

impl ParseError {
    /// Number of reasons: indices are 0..COUNT.
    pub const COUNT: usize = Self::NAMES.len();

    /// The short name of every reason at its [`index`](Self::index), for metrics and status
    /// output: lower case with underscores.
    pub const NAMES: [&'static str; 25] = [
        "ip_truncated",
        "ip_version",
        "ip_header_length",
        "ip_total_length",
        "ip_header_checksum",
        "ip_fragment",
        "mixed_families",
        "authentication_header",
        "authentication_header_shape",
        "protocol",
        "hop_limit",
        "header_truncated",
        "version",
        "version2_over_ipv6",
        "type",
        "addresses_truncated",
        "auth_data_missing",
        "surplus_octets",
        "checksum",
        "vrid_zero",
        "auth_type",
        "v2_interval_zero",
        "count_zero",
        "v3_interval_zero",
        "first_not_link_local",
    ];

    /// Position of the reason, 0..[`COUNT`](Self::COUNT), without regard to the data it carries.
    #[must_use]
    pub const fn index(&self) -> usize {
        match self {
            Self::IpTruncated { .. } => 0,
            Self::IpVersion { .. } => 1,
            Self::IpHeaderLength { .. } => 2,
            Self::IpTotalLength { .. } => 3,
            Self::IpHeaderChecksum => 4,
            Self::IpFragment => 5,
            Self::MixedFamilies => 6,
            Self::AuthenticationHeader => 7,
            Self::AuthenticationHeaderShape => 8,
            Self::Protocol { .. } => 9,
            Self::HopLimit { .. } => 10,
            Self::HeaderTruncated { .. } => 11,
            Self::Version { .. } => 12,
            Self::Version2OverIpv6 => 13,
            Self::Type { .. } => 14,
            Self::AddressesTruncated { .. } => 15,
            Self::AuthDataMissing { .. } => 16,
            Self::SurplusOctets { .. } => 17,
            Self::Checksum => 18,
            Self::VridZero => 19,
            Self::AuthType { .. } => 20,
            Self::V2IntervalZero => 21,
            Self::CountZero => 22,
            Self::V3IntervalZero => 23,
            Self::FirstNotLinkLocal => 24,
        }
    }

    /// The short name of the reason, as in [`NAMES`](Self::NAMES).
    #[must_use]
    pub fn name(&self) -> &'static str {
        Self::NAMES.get(self.index()).copied().unwrap_or("unknown")
    }
}

/// Why an advert cannot be written. Always the fault of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The output buffer is too small; nothing was written.
    #[error("the buffer needs {needed} octets and has {got}")]
    BufferTooSmall {
        /// Octets the message takes.
        needed: usize,
        /// Octets the buffer has.
        got: usize,
    },
    /// The count field is one octet: 255 addresses at most. VRRP-V2-TX-07.
    #[error("{count} addresses do not fit in one advert, which carries at most 255")]
    TooManyAddresses {
        /// Number of addresses given.
        count: usize,
    },
    /// The version cannot carry this interval: see [`AdvertInterval::fits`].
    #[error("the advertisement interval of {interval} cannot be expressed in this version")]
    Interval {
        /// The interval given.
        interval: AdvertInterval,
    },
    /// Source, destination and advertised addresses are not of one family.
    #[error("source, destination and advertised addresses are not of one family")]
    MixedFamilies,
    /// VRRPv2 is IPv4 only. VRRP-EXT-13.
    #[error("VRRPv2 over IPv6")]
    Version2OverIpv6,
    /// A message of authentication type 2 makes no sense without the header, which covers the
    /// whole IP packet: `emit_ah` (feature `auth`) writes both. VRRP-V2-AUTH-05.
    #[error("the message needs an IP authentication header in front of it")]
    AuthenticationHeader,
}
