//! VRRPv2 authentication: types 0 and 1, and the recognition of type 2.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                     Authentication Data (1)                   |  RFC 3768 5.3.10
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                     Authentication Data (2)                   |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! With the feature `auth` there are two rooms behind this one: [`ah`], the authentication header of
//! type 2 (IP protocol 51, in front of the message), and [`trailer`], the HMAC trailer that
//! Keepalived can append to a message of either version.

#[cfg(feature = "auth")]
pub(crate) mod ah;
#[cfg(feature = "auth")]
pub(crate) mod trailer;

use core::fmt;
use core::hint::black_box;

use crate::error::ParseError;

/// Octets of the authentication data that ends every VRRPv2 message.
pub(crate) const AUTH_DATA_LEN: usize = 8;

/// Octets of the HMAC trailer that Keepalived can append to a message: KA-AX-01.
pub const TRAILER_LEN: usize = 28;

/// IP protocol number of the authentication header that VRRPv2 authentication type 2 uses.
pub const AH_PROTOCOL: u8 = 51;

/// How an advert is authenticated, RFC 2338 5.3.6. VRRPv3 has no authentication: always
/// [`Auth::None`].
///
/// Equality is for tests and configuration; compare received passwords with
/// [`is_password`](Self::is_password).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Auth<'a> {
    /// Type 0: none. The authentication data of a received advert is ignored (VRRP-V2-RX-13).
    None,
    /// Type 1: a password in clear text, padded with zero octets on the right.
    Password(&'a [u8; 8]),
    /// Type 2: an IP authentication header in front of the message. A received advert only claims
    /// this: [`split_ipv4`](crate::split_ipv4) refuses packets that have the header, and
    /// `AhPacket` (feature `auth`) takes those alone.
    Ah,
}

impl<'a> Auth<'a> {
    /// What a received authentication type and data mean. VRRP-V2-AUTH-01.
    pub(crate) const fn from_wire(number: u8, data: &'a [u8; 8]) -> Result<Self, ParseError> {
        match number {
            0 => Ok(Self::None),
            1 => Ok(Self::Password(data)),
            2 => Ok(Self::Ah),
            found => Err(ParseError::AuthType { found }),
        }
    }

    /// The authentication type on the wire: 0, 1 or 2.
    #[must_use]
    pub const fn number(&self) -> u8 {
        match self {
            Self::None => 0,
            Self::Password(_) => 1,
            Self::Ah => 2,
        }
    }

    /// The authentication data on the wire: zero where there is no password. VRRP-V2-TX-05.
    pub(crate) const fn data(&self) -> [u8; AUTH_DATA_LEN] {
        match self {
            Self::Password(data) => **data,
            Self::None | Self::Ah => [0; AUTH_DATA_LEN],
        }
    }

    /// Whether this is the given password, all 8 octets of it (VRRP-V2-AUTH-02).
    ///
    /// Takes the same time wherever the two differ (VRRP-V2-AUTH-03); false if there is no
    /// password at all.
    #[must_use]
    pub fn is_password(&self, expected: &[u8; 8]) -> bool {
        let Self::Password(found) = self else {
            return false;
        };
        let difference = found
            .iter()
            .zip(expected)
            .fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
        difference == 0
    }
}

/// Never shows the password.
impl fmt::Debug for Auth<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Password(_) => "Password(..)",
            Self::Ah => "Ah",
        })
    }
}

/// Makes the 8 octets of a password out of its text: padded with zero octets on the right, cut
/// after 8. The flag tells whether something was cut off. VRRP-V2-AUTH-04.
#[must_use]
pub fn pad_password(text: &[u8]) -> ([u8; 8], bool) {
    let mut data = [0; AUTH_DATA_LEN];
    for (to, from) in data.iter_mut().zip(text) {
        *to = *from;
    }
    (data, text.len() > AUTH_DATA_LEN)
}
