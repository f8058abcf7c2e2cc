//! An advert to octets, RFC 9568 5.2 and RFC 3768 5.1.
//!
//! ```text
//!       0          1          2          3          4          5        6   7
//! +----------+----------+----------+----------+----------+----------+----------+
//! |  0x31    |   VRID   | Priority |  Count   | interval in 10 ms   | Checksum |  VRRPv3
//! +----------+----------+----------+----------+----------+----------+----------+
//! |  0x21    |   VRID   | Priority |  Count   | Auth Type| seconds  | Checksum |  VRRPv2
//! +----------+----------+----------+----------+----------+----------+----------+
//! ```
//!
//! followed by the addresses and, in VRRPv2, the 8 octets of authentication data. The full
//! pictures are at the receiving side.

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::advert::{HEADER_LEN, TYPE_ADVERTISEMENT};
use crate::auth::{AUTH_DATA_LEN, Auth, TRAILER_LEN};
use crate::checksum::{Checksum, Sum};
use crate::error::EmitError;
use crate::ip::IpMeta;
use crate::types::{AdvertInterval, Family, Priority, Version, Vrid};

/// The addresses of an advert that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressList<'a> {
    /// IPv4 addresses.
    V4(&'a [Ipv4Addr]),
    /// IPv6 addresses.
    V6(&'a [Ipv6Addr]),
}

impl AddressList<'_> {
    /// Number of addresses.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::V4(list) => list.len(),
            Self::V6(list) => list.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The family of the addresses.
    #[must_use]
    pub const fn family(&self) -> Family {
        match self {
            Self::V4(_) => Family::Ipv4,
            Self::V6(_) => Family::Ipv6,
        }
    }
}

/// Version of an advert that is to be sent, and what only that version has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format<'a> {
    /// VRRPv2, IPv4 only.
    V2 {
        /// Authentication; with [`Auth::Ah`] the whole packet has to be written, by `emit_ah`.
        auth: Auth<'a>,
    },
    /// VRRPv3, either family.
    V3 {
        /// Checksum form over IPv4; IPv6 has only one. VRRP-V3-CK-04.
        ipv4_checksum: Checksum,
    },
}

impl Format<'_> {
    /// The version.
    #[must_use]
    pub const fn version(&self) -> Version {
        match self {
            Self::V2 { .. } => Version::V2,
            Self::V3 { .. } => Version::V3,
        }
    }
}

/// An advert that is to be sent. Plain data: what cannot be sent is found by
/// [`emit`](Self::emit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdvertRepr<'a> {
    /// Version and what only that version has.
    pub format: Format<'a>,
    /// Virtual router identifier.
    pub vrid: Vrid,
    /// Priority; [`Priority::RELEASE`] to give up the Active role (VRRP-V2-TX-06,
    /// VRRP-V3-TX-07).
    pub priority: Priority,
    /// The sender's own advertisement interval; it has to [fit](AdvertInterval::fits) the version.
    pub interval: AdvertInterval,
    /// The addresses, 255 at most.
    pub addresses: AddressList<'a>,
}

impl AdvertRepr<'_> {
    /// Octets the message takes: 8, 4 or 16 for every address, and 8 more in VRRPv2.
    #[must_use]
    pub const fn buffer_len(&self) -> usize {
        let trailer_len = match self.format {
            Format::V2 { .. } => AUTH_DATA_LEN,
            Format::V3 { .. } => 0,
        };
        let list_len = self
            .addresses
            .len()
            .saturating_mul(self.addresses.family().address_len());
        HEADER_LEN
            .saturating_add(list_len)
            .saturating_add(trailer_len)
    }

    /// Writes the message to the front of `out` and returns its length, which is
    /// [`buffer_len`](Self::buffer_len).
    ///
    /// Of `ip`, only the addresses matter: some checksum forms cover them. An empty address list
    /// is written as it is; whether to send one is for the configuration to decide
    /// (VRRP-V3-TX-05). The order of the addresses is kept (VRRP-V3-TX-04, VRRP-V3-TX-06).
    ///
    /// RFC 9568 7.2 and RFC 3768 7.2: VRRP-V2-TX-01, VRRP-V3-TX-01, VRRP-V2-TX-02.
    ///
    /// # Errors
    ///
    /// See [`EmitError`]; `out` is then unchanged.
    pub fn emit(&self, ip: &IpMeta, out: &mut [u8]) -> Result<usize, EmitError> {
        self.emit_message(ip, out, Carrier::Ip)
    }

    /// As [`emit`](Self::emit), with a trailer behind the message: that of an HMAC key for this
    /// message, made once for all destinations. Over IPv4 the checksum stops in front of the
    /// trailer, over IPv6 it covers it, as keepalived has it. KA-AX-01.
    ///
    /// # Errors
    ///
    /// As for [`emit`](Self::emit).
    pub fn emit_with_trailer(
        &self,
        ip: &IpMeta,
        trailer: &[u8; TRAILER_LEN],
        out: &mut [u8],
    ) -> Result<usize, EmitError> {
        let bare = self.buffer_len();
        let len = bare.saturating_add(TRAILER_LEN);
        let too_small = EmitError::BufferTooSmall {
            needed: len,
            got: out.len(),
        };
        let whole = out.get_mut(..len).ok_or(too_small)?;
        let (message, slot) = whole.split_at_mut_checked(bare).ok_or(too_small)?;
        self.emit(ip, message)?;
        slot.copy_from_slice(trailer);
        if ip.family() == Some(Family::Ipv6) {
            set_checksum(whole, [0; 2]);
            let checksum = self.checksum(whole, Family::Ipv6, ip);
            set_checksum(whole, checksum);
        }
        Ok(len)
    }

    /// Writes the message as it is carried by plain IP, or behind an authentication header.
    pub(crate) fn emit_message(
        &self,
        ip: &IpMeta,
        out: &mut [u8],
        carrier: Carrier,
    ) -> Result<usize, EmitError> {
        let family = self.family(ip)?;
        let ah = matches!(self.format, Format::V2 { auth: Auth::Ah });
        if ah != (carrier == Carrier::AuthenticationHeader) {
            return Err(EmitError::AuthenticationHeader);
        }
        let header = self.header()?;
        let len = self.buffer_len();
        let too_small = EmitError::BufferTooSmall {
            needed: len,
            got: out.len(),
        };
        let message = out.get_mut(..len).ok_or(too_small)?;
        let (header_slot, body) = message.split_first_chunk_mut().ok_or(too_small)?;
        *header_slot = header;
        match self.addresses {
            AddressList::V4(list) => fill(body, list.iter().map(Ipv4Addr::octets)),
            AddressList::V6(list) => fill(body, list.iter().map(Ipv6Addr::octets)),
        }
        if let (Format::V2 { auth }, Some(slot)) = (self.format, message.last_chunk_mut()) {
            *slot = auth.data();
        }
        let checksum = self.checksum(message, family, ip);
        set_checksum(message, checksum);
        Ok(len)
    }

    /// The one family of everything; VRRPv2 has IPv4 only (VRRP-EXT-13).
    fn family(&self, ip: &IpMeta) -> Result<Family, EmitError> {
        let family = ip
            .family()
            .filter(|family| *family == self.addresses.family())
            .ok_or(EmitError::MixedFamilies)?;
        match (self.format, family) {
            (Format::V2 { .. }, Family::Ipv6) => Err(EmitError::Version2OverIpv6),
            _ => Ok(family),
        }
    }

    /// The fixed part, its checksum field zero.
    ///
    /// The reserve nibble is zero since an interval that fits leaves it so (VRRP-V3-TX-02).
    fn header(&self) -> Result<[u8; HEADER_LEN], EmitError> {
        let count = self.addresses.len();
        let count = u8::try_from(count).map_err(|_| EmitError::TooManyAddresses { count })?;
        let version = self.format.version();
        let unfit = EmitError::Interval {
            interval: self.interval,
        };
        let [timing_hi, timing_lo] = match self.format {
            Format::V2 { auth } => [auth.number(), self.interval.whole_secs().ok_or(unfit)?],
            Format::V3 { .. } if !self.interval.fits(version) => return Err(unfit),
            Format::V3 { .. } => self.interval.centis().to_be_bytes(),
        };
        Ok([
            version.number() << 4 | TYPE_ADVERTISEMENT,
            self.vrid.get(),
            self.priority.get(),
            count,
            timing_hi,
            timing_lo,
            0,
            0,
        ])
    }

    /// The checksum field of a message in which it is still zero. VRRP-V2-CK-01, VRRP-V3-CK-01,
    /// VRRP-V3-CK-02, VRRP-V3-CK-03, VRRP-V3-CK-05, VRRP-V3-CK-07.
    fn checksum(&self, message: &[u8], family: Family, ip: &IpMeta) -> [u8; 2] {
        let form = match (self.format, family) {
            (Format::V2 { .. }, _) => Checksum::MessageOnly,
            (Format::V3 { .. }, Family::Ipv6) => Checksum::PseudoHeader,
            (Format::V3 { ipv4_checksum }, Family::Ipv4) => ipv4_checksum,
        };
        let sum = Sum::of(message);
        let len = message.len();
        match form {
            Checksum::MessageOnly => sum,
            Checksum::PseudoHeader => {
                sum.and(Sum::of_pseudo_header(ip.source, ip.destination, len))
            }
            Checksum::OldUnicast => sum.and(Sum::of_old_unicast(ip.source, len)),
        }
        .field()
    }
}

/// What is in front of the message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Ip,
    AuthenticationHeader,
}

fn set_checksum(message: &mut [u8], checksum: [u8; 2]) {
    if let [_, _, _, _, _, _, high, low, ..] = message {
        [*high, *low] = checksum;
    }
}

/// Writes addresses one after the other to the front of a buffer that is long enough.
fn fill<const N: usize>(body: &mut [u8], addresses: impl Iterator<Item = [u8; N]>) {
    let (slots, _) = body.as_chunks_mut();
    for (slot, octets) in slots.iter_mut().zip(addresses) {
        *slot = octets;
    }
}
