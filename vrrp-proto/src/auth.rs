//! VRRPv2 authentication: types 0 and 1, and the recognition of type 2.

use core::fmt;

/// IP protocol number of the authentication header that VRRPv2 authentication type 2 uses.
pub const AH_PROTOCOL: u8 = 51;

/// How an advert is authenticated. VRRPv3 has no authentication: always [`Auth::None`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Auth<'a> {
    /// Type 0: none; the authentication data is ignored.
    None,
    /// Type 1: a password in clear text, padded with zero octets on the right.
    Password(&'a [u8; 8]),
    /// Type 2: an IP authentication header in front of the message.
    Ah,
}

impl Auth<'_> {
    /// The type on the wire: 0, 1 or 2.
    #[must_use]
    pub const fn number(&self) -> u8 {
        match self {
            Self::None => 0,
            Self::Password(_) => 1,
            Self::Ah => 2,
        }
    }

    /// Whether this is the given password; takes the same time wherever the two differ.
    #[must_use]
    pub fn is_password(&self, expected: &[u8; 8]) -> bool {
        let Self::Password(found) = self else {
            return false;
        };
        let difference = found
            .iter()
            .zip(expected)
            .fold(0, |sum, (a, b)| sum | (a ^ b));
        core::hint::black_box(difference) == 0
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
/// after 8. The flag tells whether something was cut off.
#[must_use]
pub fn pad_password(text: &[u8]) -> ([u8; 8], bool) {
    let mut data = [0; 8];
    for (to, from) in data.iter_mut().zip(text) {
        *to = *from;
    }
    (data, text.len() > data.len())
}
