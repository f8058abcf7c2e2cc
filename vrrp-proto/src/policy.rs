//! What the receiving virtual router wants of the octets, before its configuration is compared.

use crate::checksum::Checksum;

/// Receive options that concern the octets of a packet.
///
/// The default is the interoperable profile; [`rfc9568`](Self::rfc9568) is the strict one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParsePolicy {
    /// When the TTL or hop limit has to be 255.
    pub hop_limit: HopLimit,
    /// Which checksum forms verify a VRRPv3 advert over IPv4.
    pub checksum: ChecksumPolicy,
    /// Also accept [`Checksum::OldUnicast`] in VRRPv3 adverts sent to a unicast IPv4 address.
    /// VRRP-V3-CK-05.
    pub old_unicast_checksum: bool,
    /// Accept VRRPv3 adverts without addresses: for a virtual router that has none configured
    /// itself. VRRP-V3-RX-08.
    pub allow_no_addresses: bool,
    /// Refuse IPv6 adverts whose first address is not link-local. VRRP-V3-RX-13.
    ///
    /// DEVIATION(RFC 9568 5.2.9): off by default, as other implementations accept such adverts.
    pub link_local_first: bool,
}

impl ParsePolicy {
    /// The interoperable profile, same as `Default`.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            hop_limit: HopLimit::Exact255ForMulticast,
            checksum: ChecksumPolicy::Either,
            old_unicast_checksum: false,
            allow_no_addresses: false,
            link_local_first: false,
        }
    }

    /// What RFC 9568 with its errata says to the letter: hop limit 255 always, IPv4 checksum
    /// without a pseudo header, first IPv6 address link-local.
    #[must_use]
    pub const fn rfc9568() -> Self {
        Self {
            hop_limit: HopLimit::Exact255,
            checksum: ChecksumPolicy::Only(Checksum::MessageOnly),
            old_unicast_checksum: false,
            allow_no_addresses: false,
            link_local_first: true,
        }
    }

    /// Sets [`hop_limit`](Self::hop_limit).
    #[must_use]
    pub const fn with_hop_limit(mut self, hop_limit: HopLimit) -> Self {
        self.hop_limit = hop_limit;
        self
    }

    /// Sets [`checksum`](Self::checksum).
    #[must_use]
    pub const fn with_checksum(mut self, checksum: ChecksumPolicy) -> Self {
        self.checksum = checksum;
        self
    }

    /// Sets [`old_unicast_checksum`](Self::old_unicast_checksum).
    #[must_use]
    pub const fn with_old_unicast_checksum(mut self, accept: bool) -> Self {
        self.old_unicast_checksum = accept;
        self
    }

    /// Sets [`allow_no_addresses`](Self::allow_no_addresses).
    #[must_use]
    pub const fn with_allow_no_addresses(mut self, allow: bool) -> Self {
        self.allow_no_addresses = allow;
        self
    }

    /// Sets [`link_local_first`](Self::link_local_first).
    #[must_use]
    pub const fn with_link_local_first(mut self, require: bool) -> Self {
        self.link_local_first = require;
        self
    }
}

/// When the TTL (IPv4) or hop limit (IPv6) of a received packet has to be 255.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HopLimit {
    /// In multicast packets; unicast ones come with any value, since they may have been routed
    /// (VRRP-EXT-02).
    ///
    /// DEVIATION(RFC 9568 5.1.1.3): the RFC knows no unicast adverts and wants 255 in all.
    #[default]
    Exact255ForMulticast,
    /// In every packet, RFC 9568 5.1.1.3 and 5.1.2.3.
    Exact255,
    /// Never.
    Any,
}

/// Which checksum forms verify a VRRPv3 advert over IPv4. VRRP-V3-CK-04.
///
/// VRRPv2 never has a pseudo header and IPv6 always has one, whatever this says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ChecksumPolicy {
    /// With and without the IPv4 pseudo header; both are on the wire in the field.
    ///
    /// DEVIATION(RFC 9568 5.2.8): the RFC has no IPv4 pseudo header; Keepalived and FRR send one.
    #[default]
    Either,
    /// Only this form.
    Only(Checksum),
}
