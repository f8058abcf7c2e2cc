//! How adverts are authenticated.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::spanned::Spanned;

/// Authentication of adverts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authentication {
    /// None.
    None,
    /// VRRPv2 plain password.
    Password(Password),
    /// VRRPv2 over IPv4 with an IP authentication header, the password being its key.
    Ah(Password),
    /// Signed adverts of either version.
    Hmac(HmacAuth),
}

/// The eight bytes of a password, padded with zeros. Never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Password([u8; 8]);

impl Password {
    /// The first eight bytes of `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut bytes = [0; 8];
        for (slot, byte) in bytes.iter_mut().zip(text.bytes()) {
            *slot = byte;
        }
        Self(bytes)
    }

    /// The bytes as they are sent.
    #[must_use]
    pub const fn bytes(&self) -> [u8; 8] {
        self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("********")
    }
}

/// `auth_hmac`, every default filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HmacAuth {
    /// Keys by number, 1..=255, each number once. Those in files have not been read.
    pub keys: Vec<HmacKey>,
    /// The number of the one that signs; it is among `keys`.
    pub active: u8,
    /// How far a clock may differ, 1 s to 300 s in whole seconds; absent: the sequence alone counts
    /// (`anti_replay monotonic`).
    pub time_window: Option<Duration>,
    /// What is signed and what is demanded.
    pub mode: HmacMode,
}

/// A numbered key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HmacKey {
    /// 1..=255; where it is in the file.
    pub id: Spanned<u8>,
    /// The key, or where it is.
    pub key: KeySource,
}

/// Where a key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The file itself.
    Here(KeyBytes),
    /// Another file: see [`KeyBytes::from_file`] for what is in it.
    File(PathBuf),
}

/// A key of 32 to 64 bytes. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyBytes(Vec<u8>);

impl KeyBytes {
    /// A key as it is written: text, or hexadecimal digits behind `hex:`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, without showing it.
    pub fn from_text(text: &[u8]) -> Result<Self, BadKey> {
        let bytes = match text.strip_prefix(b"hex:") {
            Some(digits) => hexadecimal(digits).ok_or(BadKey::Hexadecimal)?,
            None => text.to_vec(),
        };
        if (32..=64).contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(BadKey::Length(bytes.len()))
        }
    }

    /// The key in a file of its own: as it would be written, and a line end behind it.
    ///
    /// # Errors
    ///
    /// As for [`from_text`](Self::from_text).
    pub fn from_file(content: &[u8]) -> Result<Self, BadKey> {
        let text = content.strip_suffix(b"\n").unwrap_or(content);
        Self::from_text(text.strip_suffix(b"\r").unwrap_or(text))
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("********")
    }
}

/// What is wrong with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Not 32 to 64 bytes.
    #[error("it has {0} bytes, not 32 to 64")]
    Length(usize),
    /// Something else than pairs of digits behind `hex:`.
    #[error("it is not made of pairs of hexadecimal digits")]
    Hexadecimal,
}

/// What is signed and what is demanded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HmacMode {
    /// Plain adverts are sent, signatures are verified where there are any.
    ReceiveOnly,
    /// Adverts are signed, plain ones are taken too.
    Permissive,
    /// Adverts are signed, and nothing else is taken.
    #[default]
    Enforce,
}

fn hexadecimal(digits: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| {
            let high = char::from(*high).to_digit(16)?;
            let low = char::from(*low).to_digit(16)?;
            u8::try_from(high << 4 | low).ok()
        })
        .collect()
}
