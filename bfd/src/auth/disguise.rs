//! Packets and keys without their secrets, for storing: what verified with the real key verifies with the one
//! that stands in its place, and what did not does not.

use alloc::vec;

use crate::auth::sign::hash;
use crate::auth::{AuthConfig, AuthKind, DIGEST_HEADER_LEN, SIMPLE_HEADER_LEN, Secret};
use crate::packet::HEADER_LEN;

/// Stands in the place of each octet of a secret.
const STAND_IN: u8 = b'*';
/// And in that of a password that is nobody's.
const WRONG: u8 = b'#';

impl Secret {
    /// Another one of this length, with a number in it, so that different secrets can stay different.
    #[must_use]
    pub fn stand_in(&self, number: u16) -> Self {
        let mut octets = vec![STAND_IN; self.len()];
        for (slot, octet) in octets.iter_mut().rev().zip(number.to_le_bytes()) {
            *slot = octet;
        }
        // It is as long as one that is good.
        Self::new(&octets).unwrap_or_else(|_| self.clone())
    }
}

impl AuthConfig {
    /// Puts what `stand_in` makes of the secret of each key in its place.
    pub fn replace_secrets(&mut self, stand_in: &mut dyn FnMut(&Secret) -> Secret) {
        for key in self.keys_mut() {
            key.secret = stand_in(&key.secret);
        }
    }

    /// As [`disguise`], of a packet that may be signed with one of these keys. Tells whether it is.
    pub(crate) fn disguise(
        &self,
        packet: &mut [u8],
        stand_in: &mut dyn FnMut(&Secret) -> Secret,
    ) -> bool {
        let Some((header, section)) = packet.split_first_chunk_mut::<HEADER_LEN>() else {
            return false;
        };
        let &mut [number, length, id, ..] = section else {
            return false;
        };
        let kind = self.kind();
        let (Some(key), Some(section)) = (self.key(id), section.get_mut(..length.into())) else {
            return false;
        };
        if number != kind.number() {
            return false;
        }
        let Some(digest_len) = kind.digest_len() else {
            let password = section.get_mut(SIMPLE_HEADER_LEN..).unwrap_or_default();
            let same = password == key.secret.octets();
            if same {
                password.copy_from_slice(stand_in(&key.secret).padded(password.len()));
            }
            return same;
        };
        let Some((front, digest)) = section.split_first_chunk_mut::<DIGEST_HEADER_LEN>() else {
            return false;
        };
        let signed = hash(kind, &[header, front, key.secret.padded(digest_len)]);
        if signed.as_ref() != digest {
            return false;
        }
        let disguised = hash(
            kind,
            &[header, front, stand_in(&key.secret).padded(digest_len)],
        );
        for (slot, octet) in digest.iter_mut().zip(disguised.as_ref()) {
            *slot = *octet;
        }
        true
    }
}

/// Blots out a password that is none of ours: it may be nearly one.
pub(crate) fn blot(packet: &mut [u8]) {
    if let Some((_, section)) = packet.split_first_chunk_mut::<HEADER_LEN>()
        && section.first() == Some(&AuthKind::Simple.number())
    {
        let password = section.get_mut(SIMPLE_HEADER_LEN..).unwrap_or_default();
        password.fill(WRONG);
    }
}
