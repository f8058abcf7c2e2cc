//! Authentication, RFC 5880 6.7 and 4.2 to 4.4.
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Auth Type 1  |   Auth Len    |  Auth Key ID  |  Password ... |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//!
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | Auth Type 2-5 |   Auth Len    |  Auth Key ID  |   Reserved    |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                        Sequence Number                        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                 Digest, 16 or 20 octets ...                   |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! The digest is the hash of the whole packet with the key, filled up with zeros, in place of the
//! digest. It is not an HMAC, and MD5 and SHA1 are not what one would take today; but these five
//! types are all there is to speak with other BFD implementations.

#[cfg(feature = "serde")]
mod disguise;
mod keys;
mod sequence;
mod sign;
mod verify;

#[cfg(feature = "serde")]
pub(crate) use disguise::blot;
pub use keys::{AuthConfig, Key, Lifetime, Secret};
pub(crate) use sequence::Sequence;
pub use sign::Signature;
pub(crate) use sign::signature;
pub(crate) use verify::verify;

/// Octets up to the end of the key id.
const SIMPLE_HEADER_LEN: usize = 3;
/// Octets up to the digest.
const DIGEST_HEADER_LEN: usize = 8;
const MD5_LEN: usize = 16;
const SHA1_LEN: usize = 20;

/// The five types of authentication. BFD-AU-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AuthKind {
    /// A password in clear.
    Simple,
    /// MD5; an observed packet can be repeated.
    KeyedMd5,
    /// MD5; every packet counts.
    MeticulousMd5,
    /// SHA1; an observed packet can be repeated.
    KeyedSha1,
    /// SHA1; every packet counts. The best there is.
    MeticulousSha1,
}

impl AuthKind {
    /// The type on the wire, 1 to 5.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Simple => 1,
            Self::KeyedMd5 => 2,
            Self::MeticulousMd5 => 3,
            Self::KeyedSha1 => 4,
            Self::MeticulousSha1 => 5,
        }
    }

    /// A short name: lower case with underscores.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::KeyedMd5 => "keyed_md5",
            Self::MeticulousMd5 => "meticulous_md5",
            Self::KeyedSha1 => "keyed_sha1",
            Self::MeticulousSha1 => "meticulous_sha1",
        }
    }

    /// Whether every packet has a sequence number of its own.
    #[must_use]
    pub const fn is_meticulous(self) -> bool {
        matches!(self, Self::MeticulousMd5 | Self::MeticulousSha1)
    }

    /// Octets of the longest key. BFD-AU-11.
    #[must_use]
    pub const fn max_key_len(self) -> usize {
        match self {
            Self::Simple | Self::KeyedMd5 | Self::MeticulousMd5 => MD5_LEN,
            Self::KeyedSha1 | Self::MeticulousSha1 => SHA1_LEN,
        }
    }

    /// Octets of the digest; `None` for a password.
    const fn digest_len(self) -> Option<usize> {
        match self {
            Self::Simple => None,
            Self::KeyedMd5 | Self::MeticulousMd5 => Some(MD5_LEN),
            Self::KeyedSha1 | Self::MeticulousSha1 => Some(SHA1_LEN),
        }
    }

    /// Octets of the whole section with this key.
    const fn section_len(self, secret: &Secret) -> usize {
        match self.digest_len() {
            None => SIMPLE_HEADER_LEN.saturating_add(secret.len()),
            Some(digest) => DIGEST_HEADER_LEN.saturating_add(digest),
        }
    }
}

/// The authentication section of a received packet, not verified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AuthSection<'a> {
    kind: u8,
    length: u8,
    octets: &'a [u8],
}

impl<'a> AuthSection<'a> {
    /// From everything that follows the header; `None` if type and length are not there.
    pub(crate) const fn new(octets: &'a [u8]) -> Option<Self> {
        match octets {
            &[kind, length, ..] => Some(Self {
                kind,
                length,
                octets,
            }),
            _ => None,
        }
    }

    /// The type field, which may be none of [`AuthKind`].
    #[must_use]
    pub const fn kind(&self) -> u8 {
        self.kind
    }

    /// The length field, which may be a lie.
    #[must_use]
    pub const fn length(&self) -> u8 {
        self.length
    }

    /// The key id, if it is there.
    #[must_use]
    pub fn key_id(&self) -> Option<u8> {
        self.octets.get(2).copied()
    }

    /// The sequence number, if the section is of a type that has one and it is there.
    #[must_use]
    pub fn sequence(&self) -> Option<u32> {
        let (_, rest) = self.octets.split_first_chunk::<4>()?;
        let has_one = (2..=5).contains(&self.kind);
        let (word, _) = rest.split_first_chunk().filter(|_| has_one)?;
        Some(u32::from_be_bytes(*word))
    }

    /// The octets that the length field claims, if they are all there.
    fn claimed(&self) -> Option<&'a [u8]> {
        self.octets.get(..usize::from(self.length))
    }
}
