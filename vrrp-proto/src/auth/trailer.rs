//! The trailer with which keepalived signs adverts of either version and family (`auth_hmac`,
//! since 2.4.0). No RFC knows it; a receiver without it sees octets too many.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   Scheme 1    |    Key id     |          Reserved 0           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                  Sequence: seconds since 1970                 |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |      in 1/65536 of a second   |            counter            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |         Tag: the first 16 octets of an HMAC-SHA-256           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! The tag covers a pseudo header with family, version, identifier and source address, the message
//! with its checksum taken as zero, and the trailer with its tag taken as zero; not the
//! destination, so that one signature does for all unicast peers.

use core::fmt;
use core::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::auth::TRAILER_LEN;

/// The only scheme there is: HMAC-SHA-256, cut to 128 bits.
pub const TRAILER_SCHEME: u8 = 1;

/// Octets of the trailer in front of the tag.
const FIXED_LEN: usize = 12;

/// Octets of the tag.
const TAG_LEN: usize = 16;

/// Where the checksum of a message is, and how long.
const CHECKSUM_AT: usize = 6;
const CHECKSUM_LEN: usize = 2;

/// A number that grows with every advert a sender signs: seconds since 1970 in the upper half, then
/// 1/65536 of a second, then a counter.
///
/// It goes round in 2106. Comparison is serial number arithmetic (RFC 1982), so that this is no
/// more than another step.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sequence(u64);

impl Sequence {
    /// The 64 bits as one number.
    #[must_use]
    pub const fn new(bits: u64) -> Self {
        Self(bits)
    }

    /// As many seconds since 1970, modulo 2^32, and as many 65536ths of a second.
    #[must_use]
    pub const fn at(seconds: u32, fraction: u16) -> Self {
        let [a, b, c, d] = seconds.to_be_bytes();
        let [e, f] = fraction.to_be_bytes();
        Self(u64::from_be_bytes([a, b, c, d, e, f, 0, 0]))
    }

    /// The 64 bits as one number.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Seconds since 1970, modulo 2^32.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        let [a, b, c, d, ..] = self.0.to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    /// Seconds between the two, without fractions; less than 2^31 either way.
    #[must_use]
    pub const fn seconds_from(self, other: Self) -> u32 {
        let ahead = self.seconds().wrapping_sub(other.seconds());
        ahead.cast_signed().unsigned_abs()
    }

    /// The one right after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// Whether it comes after another one.
    #[must_use]
    pub const fn is_after(self, other: Self) -> bool {
        self.0.wrapping_sub(other.0).cast_signed() > 0
    }
}

impl fmt::Debug for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

/// A key of 32 to 64 octets. Never printed, and compared in constant time.
#[derive(Clone)]
pub struct HmacKey {
    /// Padded with zeros, as an HMAC with this block length does anyway.
    block: [u8; 64],
}

impl HmacKey {
    /// Least octets of a key.
    pub const MIN: usize = 32;
    /// Most octets of a key.
    pub const MAX: usize = 64;

    /// A key of these octets.
    ///
    /// # Errors
    ///
    /// [`KeyLength`] unless there are 32 to 64 of them.
    pub fn new(octets: &[u8]) -> Result<Self, KeyLength> {
        if !(Self::MIN..=Self::MAX).contains(&octets.len()) {
            return Err(KeyLength {
                octets: octets.len(),
            });
        }
        let mut block = [0; Self::MAX];
        for (slot, octet) in block.iter_mut().zip(octets) {
            *slot = *octet;
        }
        Ok(Self { block })
    }

    /// The trailer for a message from this source, its checksum field being whatever it is.
    #[must_use]
    pub fn sign(
        &self,
        id: u8,
        source: IpAddr,
        message: &[u8],
        sequence: Sequence,
    ) -> [u8; TRAILER_LEN] {
        let [s0, s1, s2, s3, s4, s5, s6, s7] = sequence.bits().to_be_bytes();
        let fixed = [TRAILER_SCHEME, id, 0, 0, s0, s1, s2, s3, s4, s5, s6, s7];
        let tag = self.tag(source, message, &fixed);
        let mut trailer = [0; TRAILER_LEN];
        for (slot, octet) in trailer.iter_mut().zip(fixed.iter().chain(&tag)) {
            *slot = *octet;
        }
        trailer
    }

    /// Whether the tag of a trailer was made with this key for this message from this source.
    /// Takes the same time wherever the two differ.
    #[must_use]
    pub fn verifies(&self, source: IpAddr, message: &[u8], trailer: &Trailer<'_>) -> bool {
        let expected = self.tag(source, message, trailer.fixed);
        expected.ct_eq(trailer.tag).into()
    }

    fn tag(&self, source: IpAddr, message: &[u8], fixed: &[u8; FIXED_LEN]) -> [u8; TAG_LEN] {
        let version_type = message.first().copied().unwrap_or(0);
        let vrid = message.get(1).copied().unwrap_or(0);
        let mut address = [0; 16];
        let family = match source {
            IpAddr::V4(source) => {
                for (slot, octet) in address.iter_mut().zip(source.octets()) {
                    *slot = octet;
                }
                4
            }
            IpAddr::V6(source) => {
                address = source.octets();
                6
            }
        };
        let (head, rest) = message
            .split_at_checked(CHECKSUM_AT)
            .unwrap_or((message, &[]));
        let mut mac = Hmac::<Sha256>::new(&self.block.into());
        mac.update(&[family, version_type >> 4, vrid, 0]);
        mac.update(&address);
        mac.update(head);
        mac.update(&[0; CHECKSUM_LEN]);
        mac.update(rest.get(CHECKSUM_LEN..).unwrap_or(&[]));
        mac.update(fixed);
        mac.update(&[0; TAG_LEN]);
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let (tag, _) = digest.split_first_chunk().unwrap_or((&[0; TAG_LEN], &[]));
        *tag
    }
}

/// As two halves: longer arrays cannot be stored.
#[cfg(feature = "serde")]
impl serde::Serialize for HmacKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut halves = [[0; 32]; 2];
        for (slot, octet) in halves.as_flattened_mut().iter_mut().zip(self.block) {
            *slot = octet;
        }
        halves.serialize(serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for HmacKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let halves = <[[u8; 32]; 2]>::deserialize(deserializer)?;
        let mut block = [0; 64];
        for (slot, octet) in block.iter_mut().zip(halves.as_flattened()) {
            *slot = *octet;
        }
        Ok(Self { block })
    }
}

impl PartialEq for HmacKey {
    fn eq(&self, other: &Self) -> bool {
        self.block.ct_eq(&other.block).into()
    }
}

impl Eq for HmacKey {}

/// Never shows the key.
impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacKey(..)")
    }
}

/// A key of the wrong length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key has {octets} octets, not 32 to 64")]
pub struct KeyLength {
    /// How many there are.
    pub octets: usize,
}

/// A received trailer of a known scheme, not yet verified.
#[derive(Clone, Copy, Debug)]
pub struct Trailer<'a> {
    fixed: &'a [u8; FIXED_LEN],
    tag: &'a [u8; TAG_LEN],
}

impl<'a> Trailer<'a> {
    /// Looks at the last octets of a message.
    ///
    /// # Errors
    ///
    /// [`MalformedTrailer`] if the scheme is unknown or the reserved octets are not zero.
    pub fn parse(octets: &'a [u8; TRAILER_LEN]) -> Result<Self, MalformedTrailer> {
        let (fixed, rest) = octets
            .split_first_chunk::<FIXED_LEN>()
            .ok_or(MalformedTrailer)?;
        let tag = rest.first_chunk().ok_or(MalformedTrailer)?;
        match fixed {
            [TRAILER_SCHEME, _, 0, 0, ..] => Ok(Self { fixed, tag }),
            _ => Err(MalformedTrailer),
        }
    }

    /// The number of the key it claims to be signed with.
    #[must_use]
    pub const fn key_id(&self) -> u8 {
        let [_, id, ..] = *self.fixed;
        id
    }

    /// The sender's sequence number.
    #[must_use]
    pub const fn sequence(&self) -> Sequence {
        let [_, _, _, _, a, b, c, d, e, f, g, h] = *self.fixed;
        Sequence(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }
}

/// A trailer of an unknown scheme, or with something in its reserved octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the trailer is of an unknown scheme")]
pub struct MalformedTrailer;
