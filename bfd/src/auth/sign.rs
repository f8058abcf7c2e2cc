//! Authentication of what is sent, RFC 5880 6.7.2 to 6.7.4.

use md5::Digest as _;
use md5::Md5;
use sha1::Sha1;

use crate::Instant;
use crate::auth::{
    AuthConfig, AuthKind, DIGEST_HEADER_LEN, MD5_LEN, SHA1_LEN, SIMPLE_HEADER_LEN, Secret,
};
use crate::packet::HEADER_LEN;

/// How a packet is to be authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature<'a> {
    /// Not at all: A is clear.
    None,
    /// With this key.
    Key {
        /// The type.
        kind: AuthKind,
        /// The key id.
        id: u8,
        /// The password or key.
        secret: &'a Secret,
        /// The sequence number; passwords have none.
        sequence: u32,
    },
}

impl Signature<'_> {
    pub(crate) const fn is_some(&self) -> bool {
        matches!(self, Self::Key { .. })
    }

    /// Octets of the authentication section.
    pub(crate) const fn section_len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Key { kind, secret, .. } => kind.section_len(secret),
        }
    }

    /// Fills the section, which is as long as it has to be. The reserved octet is 0 and the key
    /// itself is never in the packet: BFD-AU-10.
    pub(crate) fn write(&self, header: &[u8; HEADER_LEN], section: &mut [u8]) {
        let Self::Key {
            kind,
            id,
            secret,
            sequence,
        } = *self
        else {
            return;
        };
        let length = u8::try_from(section.len()).unwrap_or(u8::MAX);
        let Some(digest_len) = kind.digest_len() else {
            if let Some((front, password)) = section.split_first_chunk_mut::<SIMPLE_HEADER_LEN>() {
                *front = [kind.number(), length, id];
                fill(password, secret.octets());
            }
            return;
        };
        let Some((front, digest)) = section.split_first_chunk_mut::<DIGEST_HEADER_LEN>() else {
            return;
        };
        let [a, b, c, d] = sequence.to_be_bytes();
        *front = [kind.number(), length, id, 0, a, b, c, d];
        let hash = hash(kind, &[header, front, secret.padded(digest_len)]);
        fill(digest, hash.as_ref());
    }
}

/// The signature that a session has to use now; `Err` if there is no key for it. A missing key
/// never makes a packet unauthenticated.
pub(crate) fn signature(
    auth: Option<&AuthConfig>,
    now: Instant,
    sequence: u32,
) -> Result<Signature<'_>, NoKey> {
    let Some(auth) = auth else {
        return Ok(Signature::None);
    };
    let key = auth.sending_key(now).ok_or(NoKey)?;
    Ok(Signature::Key {
        kind: auth.kind(),
        id: key.id,
        secret: &key.secret,
        sequence,
    })
}

/// No key is good for sending.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoKey;

/// A digest of either length.
pub(crate) enum Hash {
    Md5([u8; MD5_LEN]),
    Sha1([u8; SHA1_LEN]),
}

impl AsRef<[u8]> for Hash {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Md5(octets) => octets,
            Self::Sha1(octets) => octets,
        }
    }
}

/// The hash of all parts in their order. Only called for types that have a digest.
pub(crate) fn hash(kind: AuthKind, parts: &[&[u8]]) -> Hash {
    match kind {
        AuthKind::Simple | AuthKind::KeyedMd5 | AuthKind::MeticulousMd5 => {
            let mut hash = Md5::new();
            parts.iter().for_each(|part| hash.update(part));
            Hash::Md5(hash.finalize().into())
        }
        AuthKind::KeyedSha1 | AuthKind::MeticulousSha1 => {
            let mut hash = Sha1::new();
            parts.iter().for_each(|part| hash.update(part));
            Hash::Sha1(hash.finalize().into())
        }
    }
}

/// Copies as much as both have.
fn fill(slots: &mut [u8], octets: &[u8]) {
    for (slot, octet) in slots.iter_mut().zip(octets) {
        *slot = *octet;
    }
}
