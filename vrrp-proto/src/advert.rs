//! Received octets to a validated advert.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |Version| Type  | Virtual Rtr ID|   Priority    |IPvX Addr Count|  VRRPv3, RFC 9568 5.2
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |Reserve| Max Advertise Interval|          Checksum             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |               IPvX Addresses (4 or 16 octets each)            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//!
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |Version| Type  | Virtual Rtr ID|   Priority    | Count IP Addrs|  VRRPv2, RFC 3768 5.1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   Auth Type   |   Adver Int   |          Checksum             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                  IP Addresses (4 octets each)                 |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                 Authentication Data (8 octets)                |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use core::fmt;
use core::iter::FusedIterator;
use core::net::{IpAddr, Ipv6Addr};
use core::slice;

use crate::auth::{AUTH_DATA_LEN, Auth, TRAILER_LEN};
use crate::checksum::{Checksum, Sum};
use crate::error::ParseError;
use crate::ip::IpMeta;
use crate::policy::{ChecksumPolicy, HopLimit, ParsePolicy};
use crate::types::{AdvertInterval, Family, HOP_LIMIT, Priority, Version, Vrid};

/// Octets of the fixed part, both versions.
pub(crate) const HEADER_LEN: usize = 8;

/// The only packet type there is: ADVERTISEMENT, RFC 9568 5.2.2.
pub(crate) const TYPE_ADVERTISEMENT: u8 = 1;

/// The virtual router identifier a message claims, without any validation: for finding the
/// virtual router whose policy decides how to parse. `None` if the message is too short to have
/// one.
#[must_use]
pub fn peek_vrid(message: &[u8]) -> Option<u8> {
    message.get(1).copied()
}

/// A valid advert. It borrows the octets it was made from and allocates nothing.
///
/// There is no other way to get one than [`parse`](Self::parse), so whoever holds one knows that
/// every rule was checked that the octets alone can break.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Advert<'a> {
    version: Version,
    family: Family,
    vrid: Vrid,
    priority: Priority,
    interval: AdvertInterval,
    checksum: Checksum,
    reserved_clear: bool,
    auth: Auth<'a>,
    addresses: &'a [u8],
}

impl<'a> Advert<'a> {
    /// Parses and validates a VRRP message, which is the whole payload of the IP packet.
    ///
    /// Total: every input gives an advert or an error, and the work depends on the octets that
    /// are there, not on the count that they claim (VRRP-GEN-08). The rules are checked in the
    /// order of the variants of [`ParseError`]; the first one broken is the one reported
    /// (VRRP-GEN-12). What needs configuration is not checked here: whether the VRID, version,
    /// authentication, interval, destination and source are the ones expected. VRRP-V2-RX-01.
    ///
    /// # Errors
    ///
    /// The first rule broken, in the order of [`ParseError`], from
    /// [`MixedFamilies`](ParseError::MixedFamilies) on.
    pub fn parse(message: &'a [u8], ip: &IpMeta, policy: &ParsePolicy) -> Result<Self, ParseError> {
        Self::parse_message(message, ip, policy, false).map(|(advert, _)| advert)
    }

    /// As [`parse`](Self::parse), of a message that may have an HMAC trailer, which only its length
    /// tells. The trailer is not looked at. Over IPv4 the checksum stops in front of it, over IPv6
    /// it covers it. KA-AX-01.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    pub fn parse_with_trailer(
        message: &'a [u8],
        ip: &IpMeta,
        policy: &ParsePolicy,
    ) -> Result<(Self, Option<&'a [u8; TRAILER_LEN]>), ParseError> {
        Self::parse_message(message, ip, policy, true)
    }

    fn parse_message(
        message: &'a [u8],
        ip: &IpMeta,
        policy: &ParsePolicy,
        may_be_signed: bool,
    ) -> Result<(Self, Option<&'a [u8; TRAILER_LEN]>), ParseError> {
        let family = ip.family().ok_or(ParseError::MixedFamilies)?;
        check_hop_limit(ip, policy.hop_limit)?;
        let (header, body) = message
            .split_first_chunk::<HEADER_LEN>()
            .ok_or(ParseError::HeaderTruncated { got: message.len() })?;
        let &[
            version_type,
            vrid,
            priority,
            count,
            timing_hi,
            timing_lo,
            _,
            _,
        ] = header;
        let version = version_of(version_type >> 4, family)?;
        check_type(version_type & 0x0f)?;
        let (addresses, auth_data, trailer) =
            split_body(version, family, count, body, may_be_signed)?;
        let summed = match (trailer, family) {
            (Some(_), Family::Ipv4) => message
                .split_last_chunk::<TRAILER_LEN>()
                .map(|(bare, _)| bare),
            _ => None,
        };
        let checksum = verified_checksum(summed.unwrap_or(message), version, family, ip, policy)?;
        let vrid = vrid_of(vrid)?;
        let (auth, interval, reserved_clear) = match version {
            Version::V2 => v2_fields(timing_hi, timing_lo, auth_data)?,
            Version::V3 => {
                check_count(count, policy)?;
                v3_fields(timing_hi, timing_lo)?
            }
        };
        if policy.link_local_first && family == Family::Ipv6 {
            check_link_local_first(addresses)?;
        }
        let advert = Self {
            version,
            family,
            vrid,
            priority: Priority::new(priority),
            interval,
            checksum,
            reserved_clear,
            auth,
            addresses,
        };
        Ok((advert, trailer))
    }

    /// Protocol version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Family of the packet and so of every address in it (VRRP-V3-RX-14).
    #[must_use]
    pub const fn family(&self) -> Family {
        self.family
    }

    /// Virtual router identifier, RFC 9568 5.2.3.
    #[must_use]
    pub const fn vrid(&self) -> Vrid {
        self.vrid
    }

    /// Priority of the sender, RFC 9568 5.2.4.
    #[must_use]
    pub const fn priority(&self) -> Priority {
        self.priority
    }

    /// The sender's advertisement interval: whole seconds in VRRPv2 (RFC 3768 5.3.7), 1..=4095
    /// centiseconds in VRRPv3 (RFC 9568 5.2.7).
    #[must_use]
    pub const fn interval(&self) -> AdvertInterval {
        self.interval
    }

    /// The checksum form that verified. If more than one did, the first one in the order of
    /// [`Checksum`] that the policy accepts.
    #[must_use]
    pub const fn checksum(&self) -> Checksum {
        self.checksum
    }

    /// How the advert is authenticated; always [`Auth::None`] in VRRPv3.
    #[must_use]
    pub const fn auth(&self) -> Auth<'a> {
        self.auth
    }

    /// Whether everything a sender has to leave zero is zero: the reserve nibble of VRRPv3
    /// (RFC 9568 5.2.6), the authentication data of VRRPv2 types without any (RFC 3768 5.3.10).
    ///
    /// Receivers ignore those, so this is a reason for a remark at most. VRRP-V2-RX-13,
    /// VRRP-V3-RX-09.
    #[must_use]
    pub const fn reserved_clear(&self) -> bool {
        self.reserved_clear
    }

    /// The advertised addresses in the order of the message, 0..=255 of them. RFC 9568 5.2.9.
    ///
    /// Compare them as a set: order means nothing (VRRP-V2-RX-16), except that the first IPv6 one
    /// should be link-local (VRRP-V3-RX-13).
    #[must_use]
    pub fn addresses(&self) -> Addresses<'a> {
        match self.family {
            Family::Ipv4 => Addresses(Octets::V4(self.addresses.as_chunks().0.iter())),
            Family::Ipv6 => Addresses(Octets::V6(self.addresses.as_chunks().0.iter())),
        }
    }
}

/// Without the password, and with addresses that can be read.
impl fmt::Debug for Advert<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Advert")
            .field("version", &self.version)
            .field("vrid", &self.vrid)
            .field("priority", &self.priority)
            .field("interval", &self.interval)
            .field("checksum", &self.checksum)
            .field("reserved_clear", &self.reserved_clear)
            .field("auth", &self.auth)
            .field("addresses", &self.addresses())
            .finish()
    }
}

/// The addresses of an advert, in the order of the message.
#[derive(Clone)]
pub struct Addresses<'a>(Octets<'a>);

#[derive(Clone)]
enum Octets<'a> {
    V4(slice::Iter<'a, [u8; 4]>),
    V6(slice::Iter<'a, [u8; 16]>),
}

impl Iterator for Addresses<'_> {
    type Item = IpAddr;

    fn next(&mut self) -> Option<IpAddr> {
        match &mut self.0 {
            Octets::V4(octets) => octets.next().copied().map(IpAddr::from),
            Octets::V6(octets) => octets.next().copied().map(IpAddr::from),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Octets::V4(octets) => octets.size_hint(),
            Octets::V6(octets) => octets.size_hint(),
        }
    }
}

impl DoubleEndedIterator for Addresses<'_> {
    fn next_back(&mut self) -> Option<IpAddr> {
        match &mut self.0 {
            Octets::V4(octets) => octets.next_back().copied().map(IpAddr::from),
            Octets::V6(octets) => octets.next_back().copied().map(IpAddr::from),
        }
    }
}

impl ExactSizeIterator for Addresses<'_> {}

impl FusedIterator for Addresses<'_> {}

/// The addresses that are left.
impl fmt::Debug for Addresses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// RFC 9568 5.1.1.3 and 5.1.2.3: a packet that was routed has not come from this link.
///
/// VRRP-V2-RX-02, VRRP-V3-RX-01; VRRP-EXT-02 for unicast.
fn check_hop_limit(ip: &IpMeta, policy: HopLimit) -> Result<(), ParseError> {
    let required = match policy {
        HopLimit::Exact255ForMulticast => ip.destination.is_multicast(),
        HopLimit::Exact255 => true,
        HopLimit::Any => false,
    };
    if required && ip.hop_limit != HOP_LIMIT {
        return Err(ParseError::HopLimit {
            found: ip.hop_limit,
        });
    }
    Ok(())
}

/// RFC 9568 7.1 and RFC 3768 7.1: the version. VRRP-V2-RX-03, VRRP-V3-RX-02, VRRP-EXT-13.
fn version_of(found: u8, family: Family) -> Result<Version, ParseError> {
    match (found, family) {
        (2, Family::Ipv4) => Ok(Version::V2),
        (2, Family::Ipv6) => Err(ParseError::Version2OverIpv6),
        (3, _) => Ok(Version::V3),
        _ => Err(ParseError::Version { found }),
    }
}

/// RFC 9568 5.2.2: a packet of unknown type is discarded. VRRP-V2-RX-04, VRRP-V3-RX-03.
fn check_type(found: u8) -> Result<(), ParseError> {
    if found == TYPE_ADVERTISEMENT {
        Ok(())
    } else {
        Err(ParseError::Type { found })
    }
}

/// RFC 9568 7.1 and RFC 3768 7.1: the message is complete, and nothing follows it.
///
/// VRRP-V2-RX-06, VRRP-V2-RX-14, VRRP-V3-RX-04, VRRP-V3-RX-14, VRRP-V3-RX-15. The
/// authentication data of VRRPv3, which has none, is zero.
fn split_body(
    version: Version,
    family: Family,
    count: u8,
    body: &[u8],
    may_be_signed: bool,
) -> Result<Parts<'_>, ParseError> {
    let auth_len = match version {
        Version::V2 => AUTH_DATA_LEN,
        Version::V3 => 0,
    };
    // At most 8 + 255 * 16 + 8: out of reach of saturation.
    let list_len = usize::from(count).saturating_mul(family.address_len());
    let needed = HEADER_LEN.saturating_add(list_len).saturating_add(auth_len);
    let got = HEADER_LEN.saturating_add(body.len());
    let (addresses, rest) = body
        .split_at_checked(list_len)
        .ok_or(ParseError::AddressesTruncated { needed, got })?;
    let auth_data = match version {
        Version::V2 => rest
            .first_chunk()
            .ok_or(ParseError::AuthDataMissing { needed, got })?,
        Version::V3 => &[0; AUTH_DATA_LEN],
    };
    let surplus = rest.get(auth_len..).unwrap_or(&[]);
    let trailer = match <&[u8; TRAILER_LEN]>::try_from(surplus) {
        Ok(trailer) if may_be_signed => Some(trailer),
        _ if surplus.is_empty() => None,
        _ => {
            return Err(ParseError::SurplusOctets {
                expected: needed,
                got,
            });
        }
    };
    Ok((addresses, auth_data, trailer))
}

/// Addresses, authentication data of VRRPv2, and the HMAC trailer.
type Parts<'a> = (
    &'a [u8],
    &'a [u8; AUTH_DATA_LEN],
    Option<&'a [u8; TRAILER_LEN]>,
);

/// RFC 9568 5.2.8 and RFC 3768 5.3.8: the checksum, in the forms the policy accepts.
///
/// VRRP-V2-CK-01, VRRP-V2-RX-05, VRRP-V3-RX-05, VRRP-V3-CK-01, VRRP-V3-CK-02, VRRP-V3-CK-03,
/// VRRP-V3-CK-04, VRRP-V3-CK-05, VRRP-V3-CK-06, VRRP-V3-CK-07. The message is summed once; a form
/// is that sum and the one of its pseudo header.
fn verified_checksum(
    message: &[u8],
    version: Version,
    family: Family,
    ip: &IpMeta,
    policy: &ParsePolicy,
) -> Result<Checksum, ParseError> {
    let sum = Sum::of(message);
    let verifies = |form| match form {
        Checksum::MessageOnly => sum.verifies(),
        Checksum::PseudoHeader => sum
            .and(Sum::of_pseudo_header(
                ip.source,
                ip.destination,
                message.len(),
            ))
            .verifies(),
        Checksum::OldUnicast => {
            !ip.destination.is_multicast()
                && sum
                    .and(Sum::of_old_unicast(ip.source, message.len()))
                    .verifies()
        }
    };
    let accepted = |form| match (version, family) {
        (Version::V2, _) => form == Checksum::MessageOnly,
        (Version::V3, Family::Ipv6) => form == Checksum::PseudoHeader,
        (Version::V3, Family::Ipv4) => match (form, policy.checksum) {
            (Checksum::OldUnicast, _) if policy.old_unicast_checksum => true,
            (Checksum::OldUnicast, ChecksumPolicy::Either) => false,
            (_, ChecksumPolicy::Either) => true,
            (form, ChecksumPolicy::Only(only)) => form == only,
        },
    };
    [
        Checksum::MessageOnly,
        Checksum::PseudoHeader,
        Checksum::OldUnicast,
    ]
    .into_iter()
    .find(|form| accepted(*form) && verifies(*form))
    .ok_or(ParseError::Checksum)
}

/// RFC 9568 5.2.3: 0 is no VRID, so it can be none that is configured here.
///
/// VRRP-V2-RX-07, VRRP-V3-RX-06.
fn vrid_of(found: u8) -> Result<Vrid, ParseError> {
    Vrid::new(found).ok_or(ParseError::VridZero)
}

/// RFC 3768 7.1: octets 4 and 5 of VRRPv2, and whether the data of a type without any is zero.
///
/// VRRP-V2-AUTH-01, VRRP-V2-RX-09, VRRP-V2-RX-13. Whether the interval is the local one is not
/// known here, but 0 can never be (VRRP-V2-RX-11).
fn v2_fields(
    auth_type: u8,
    secs: u8,
    auth_data: &[u8; AUTH_DATA_LEN],
) -> Result<(Auth<'_>, AdvertInterval, bool), ParseError> {
    let auth = Auth::from_wire(auth_type, auth_data)?;
    let interval = AdvertInterval::from_secs(secs).ok_or(ParseError::V2IntervalZero)?;
    Ok((auth, interval, auth_data == &auth.data()))
}

/// RFC 9568 5.2.6 and 5.2.7 (erratum 8301): octets 4 and 5 of VRRPv3, and whether the reserve
/// nibble, which is not part of the interval, is zero.
///
/// VRRP-V3-RX-09, VRRP-V3-RX-12.
fn v3_fields(high: u8, low: u8) -> Result<(Auth<'static>, AdvertInterval, bool), ParseError> {
    let centis = u16::from_be_bytes([high & 0x0f, low]);
    let interval = AdvertInterval::from_centis(centis).ok_or(ParseError::V3IntervalZero)?;
    Ok((Auth::None, interval, high & 0xf0 == 0))
}

/// RFC 9568 5.2.5 (erratum 8299): an advert without addresses is ignored. VRRP-V3-RX-08.
fn check_count(count: u8, policy: &ParsePolicy) -> Result<(), ParseError> {
    if count == 0 && !policy.allow_no_addresses {
        Err(ParseError::CountZero)
    } else {
        Ok(())
    }
}

/// RFC 9568 5.2.9 (erratum 8300): the first IPv6 address is the link-local one. VRRP-V3-RX-13.
fn check_link_local_first(addresses: &[u8]) -> Result<(), ParseError> {
    match addresses.first_chunk::<16>() {
        Some(first) if !Ipv6Addr::from(*first).is_unicast_link_local() => {
            Err(ParseError::FirstNotLinkLocal)
        }
        _ => Ok(()),
    }
}
