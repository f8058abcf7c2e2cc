//! Keys and when they are good. BFD-AU-11.

use alloc::vec::Vec;
use core::fmt;

use subtle::ConstantTimeEq;

use crate::Instant;
use crate::auth::{AuthKind, SHA1_LEN};
use crate::error::ConfigError;

/// A password or key: 1 to 20 octets. Printing it shows nothing.
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Secret {
    /// Filled up with zeros.
    octets: [u8; SHA1_LEN],
    length: usize,
}

impl Secret {
    /// From octets, as they are.
    ///
    /// # Errors
    ///
    /// [`KeyLength`](ConfigError::KeyLength) unless there are 1 to 20.
    pub fn new(secret: &[u8]) -> Result<Self, ConfigError> {
        let length = secret.len();
        let wrong = ConfigError::KeyLength { length };
        if length == 0 {
            return Err(wrong);
        }
        let mut octets = [0; SHA1_LEN];
        let slot = octets.get_mut(..length).ok_or(wrong)?;
        slot.copy_from_slice(secret);
        Ok(Self { octets, length })
    }

    /// From hexadecimal digits, two for every octet. BFD-AU-11.
    ///
    /// # Errors
    ///
    /// [`KeyNotHexadecimal`](ConfigError::KeyNotHexadecimal), or as [`new`](Self::new).
    pub fn from_hex(digits: &str) -> Result<Self, ConfigError> {
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        if !rest.is_empty() {
            return Err(ConfigError::KeyNotHexadecimal);
        }
        let digit = |octet: u8| {
            char::from(octet)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        let octets: Option<Vec<u8>> = pairs
            .iter()
            .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
            .collect();
        Self::new(&octets.ok_or(ConfigError::KeyNotHexadecimal)?)
    }

    /// Number of octets.
    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    /// The octets.
    pub(crate) fn octets(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }

    /// The octets and zeros up to `length`, at most 20.
    pub(crate) fn padded(&self, length: usize) -> &[u8] {
        self.octets.get(..length).unwrap_or(&self.octets)
    }
}

/// In constant time. BFD-AU-13.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.octets().ct_eq(other.octets()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// When a key is good: from one instant, until before another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Lifetime {
    /// The first instant; `None` for always.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    pub from: Option<Instant>,
    /// The first instant after; `None` for never.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    pub until: Option<Instant>,
}

impl Lifetime {
    /// Always.
    pub const ALWAYS: Self = Self {
        from: None,
        until: None,
    };

    /// Whether it is good now.
    #[must_use]
    pub fn contains(&self, now: Instant) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

/// A key.
///
/// To change keys without losing a packet, give the new key to both sides with a lifetime for
/// sending that begins when both have it, and let the old one be accepted for a while after.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Key {
    /// The number that both sides have agreed on.
    pub id: u8,
    /// What both sides know.
    pub secret: Secret,
    /// When to sign with it.
    pub send: Lifetime,
    /// When to accept it.
    pub accept: Lifetime,
}

impl Key {
    /// A key that is always good.
    #[must_use]
    pub const fn new(id: u8, secret: Secret) -> Self {
        Self {
            id,
            secret,
            send: Lifetime::ALWAYS,
            accept: Lifetime::ALWAYS,
        }
    }

    /// Signs at these times only.
    #[must_use]
    pub const fn with_send(mut self, lifetime: Lifetime) -> Self {
        self.send = lifetime;
        self
    }

    /// Is accepted at these times only.
    #[must_use]
    pub const fn with_accept(mut self, lifetime: Lifetime) -> Self {
        self.accept = lifetime;
        self
    }
}

/// How packets are authenticated.
///
/// It fails closed: a session with authentication and without a key that is good now sends
/// nothing and accepts nothing. There is no way from here to unauthenticated packets, and no
/// received packet changes what is required of others: BFD-AU-12.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AuthConfig {
    kind: AuthKind,
    keys: Vec<Key>,
}

impl AuthConfig {
    /// Of the keys that are good for sending, the first one is used.
    ///
    /// # Errors
    ///
    /// [`NoKeys`](ConfigError::NoKeys), [`DuplicateKey`](ConfigError::DuplicateKey),
    /// [`KeyLength`](ConfigError::KeyLength) for a key too long for its type.
    pub fn new(kind: AuthKind, keys: Vec<Key>) -> Result<Self, ConfigError> {
        if keys.is_empty() {
            return Err(ConfigError::NoKeys);
        }
        let mut rest = keys.as_slice();
        while let [key, later @ ..] = rest {
            if later.iter().any(|other| other.id == key.id) {
                return Err(ConfigError::DuplicateKey { id: key.id });
            }
            let length = key.secret.len();
            if length > kind.max_key_len() {
                return Err(ConfigError::KeyLength { length });
            }
            rest = later;
        }
        Ok(Self { kind, keys })
    }

    /// The type.
    #[must_use]
    pub const fn kind(&self) -> AuthKind {
        self.kind
    }

    /// The keys, in their order.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The key to sign with now.
    #[must_use]
    pub fn sending_key(&self, now: Instant) -> Option<&Key> {
        self.keys.iter().find(|key| key.send.contains(now))
    }

    /// The key of this id, good or not.
    #[cfg(feature = "serde")]
    pub(crate) fn keys_mut(&mut self) -> &mut [Key] {
        &mut self.keys
    }

    pub(crate) fn key(&self, id: u8) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }
}
