//! Authentication of what is received, RFC 5880 6.7.2 to 6.7.4. BFD-RX-13.

use subtle::ConstantTimeEq;

use crate::Instant;
use crate::auth::sign::hash;
use crate::auth::{AuthConfig, AuthKind, AuthSection, DIGEST_HEADER_LEN, Key, SIMPLE_HEADER_LEN};
use crate::error::AuthError;
use crate::packet::{ControlPacket, HEADER_LEN};

/// Judges whether a packet is from whom it should be. Gives its sequence number, if it has one,
/// which the caller has to keep (BFD-AU-08). Nothing is kept of a packet that fails: the sequence
/// number of a first packet is believed after its digest, not before (BFD-AU-07).
///
/// `last` is the sequence number accepted last, if one is known.
pub(crate) fn verify(
    auth: Option<&AuthConfig>,
    now: Instant,
    packet: &ControlPacket<'_>,
    last: Option<u32>,
) -> Result<Option<u32>, AuthError> {
    let (auth, section) = match (auth, packet.auth()) {
        (None, None) => return Ok(None),
        // The A bit is enough: whoever has set it has a section, whatever is in that.
        (None, Some(_)) => return Err(AuthError::Unexpected),
        (Some(_), None) => return Err(AuthError::Missing),
        (Some(auth), Some(section)) => (auth, section),
    };
    let kind = auth.kind();
    if section.kind() != kind.number() {
        return Err(AuthError::Type {
            found: section.kind(),
            expected: kind,
        });
    }
    let wrong_length = AuthError::Length {
        found: section.length(),
    };
    let octets = section.claimed().ok_or(wrong_length)?;
    let &[_, _, id, ..] = octets else {
        return Err(wrong_length);
    };
    let key = acceptable(auth, id, now)?;
    if octets.len() != kind.section_len(&key.secret) {
        return Err(wrong_length);
    }
    if kind == AuthKind::Simple {
        check_password(octets, key)?;
        return Ok(None);
    }
    let sequence = section.sequence().ok_or(wrong_length)?;
    check_sequence(kind, sequence, last, packet)?;
    check_digest(kind, packet, &section, key)?;
    Ok(Some(sequence))
}

/// BFD-AU-02.
fn acceptable(auth: &AuthConfig, id: u8, now: Instant) -> Result<&Key, AuthError> {
    let key = auth.key(id).ok_or(AuthError::UnknownKey { id })?;
    if key.accept.contains(now) {
        Ok(key)
    } else {
        Err(AuthError::KeyNotValid { id })
    }
}

/// BFD-AU-03, BFD-AU-13.
fn check_password(octets: &[u8], key: &Key) -> Result<(), AuthError> {
    let password = octets.get(SIMPLE_HEADER_LEN..).unwrap_or_default();
    if password.ct_eq(key.secret.octets()).into() {
        Ok(())
    } else {
        Err(AuthError::Password)
    }
}

/// The window of numbers that may follow: as many as three times the packets whose loss is
/// noticed, counted in a circle. BFD-AU-05.
fn check_sequence(
    kind: AuthKind,
    found: u32,
    last: Option<u32>,
    packet: &ControlPacket<'_>,
) -> Result<(), AuthError> {
    let Some(last) = last else {
        return Ok(());
    };
    let least = u32::from(kind.is_meticulous());
    let most = u32::from(packet.control().detect_mult.get()).saturating_mul(3);
    if (least..=most).contains(&found.wrapping_sub(last)) {
        Ok(())
    } else {
        Err(AuthError::Sequence { found, last })
    }
}

/// BFD-AU-06, BFD-AU-10, BFD-AU-13.
fn check_digest(
    kind: AuthKind,
    packet: &ControlPacket<'_>,
    section: &AuthSection<'_>,
    key: &Key,
) -> Result<(), AuthError> {
    let before = HEADER_LEN.saturating_add(DIGEST_HEADER_LEN);
    let length = kind.digest_len().unwrap_or_default();
    let found = packet.octets().split_at_checked(before);
    let parts = found.and_then(|(front, rest)| {
        let (digest, after) = rest.split_at_checked(length)?;
        Some((front, digest, after))
    });
    let Some((front, digest, after)) = parts else {
        return Err(AuthError::Length {
            found: section.length(),
        });
    };
    let expected = hash(kind, &[front, key.secret.padded(length), after]);
    if digest.ct_eq(expected.as_ref()).into() {
        Ok(())
    } else {
        Err(AuthError::Digest)
    }
}
