//! Names the kernel keeps in arrays of fixed size: checked before they are sent (IPVS-ENC-07).

use std::fmt;
use std::str::FromStr;

use crate::error::ConfigError;

/// A text of 1 to `MAX` octets without NUL, white space, slash or control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name<const MAX: usize>(String);

/// The name of a scheduler module, at most 15 octets: `rr`, `wlc`, `mh`. `none` schedules nothing.
pub type Scheduler = Name<15>;

/// The name of a persistence engine, at most 16 octets: `sip`.
pub type Engine = Name<16>;

/// The name of a network interface, at most 15 octets.
pub type InterfaceName = Name<15>;

impl<const MAX: usize> Name<MAX> {
    /// Checks a text. IPVS-ENC-07.
    ///
    /// # Errors
    /// [`ConfigError::NameLength`] when empty or too long, [`ConfigError::NameCharacter`] else.
    pub fn new(text: &str) -> Result<Self, ConfigError> {
        if text.is_empty() || text.len() > MAX {
            return Err(ConfigError::NameLength { most: MAX });
        }
        let bad = |c: char| c.is_whitespace() || c.is_control() || c == '/';
        if text.contains(bad) {
            return Err(ConfigError::NameCharacter);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> FromStr for Name<MAX> {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        Self::new(text)
    }
}

impl<const MAX: usize> fmt::Display for Name<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> fmt::Debug for Name<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
