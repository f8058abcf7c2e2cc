//! Interface names.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;

use crate::error::NameError;

/// Longest interface name the kernel accepts, in bytes (`IFNAMSIZ` less its terminator).
pub const NAME_MAX: usize = 15;

/// The name of a network interface: 1 to 15 bytes, stored inline, so copying it costs nothing.
///
/// A name is a wish, not a promise: the interface may not exist yet, or may come back with
/// another index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InterfaceName {
    bytes: [u8; NAME_MAX],
    len: u8,
}

impl InterfaceName {
    /// Takes `name` if the kernel would.
    ///
    /// # Errors
    /// [`NameError`] if it is empty, longer than 15 bytes, `.` or `..`, or holds a slash, a colon,
    /// white space, or a percent sign, which the kernel would replace by a number.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let forbidden =
            |c: char| matches!(c, '/' | ':' | '%' | '\0' | '\u{b}') || c.is_ascii_whitespace();
        if name.is_empty() || name == "." || name == ".." || name.contains(forbidden) {
            return Err(NameError::NotAllowed);
        }
        let mut bytes = [0; NAME_MAX];
        let len = u8::try_from(name.len()).map_err(|_| NameError::TooLong)?;
        let room = bytes.get_mut(..name.len()).ok_or(NameError::TooLong)?;
        room.copy_from_slice(name.as_bytes());
        Ok(Self { bytes, len })
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only `new` makes one, from whole text, so this never falls back.
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl Hash for InterfaceName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl FromStr for InterfaceName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::new(name)
    }
}

impl TryFrom<&str> for InterfaceName {
    type Error = NameError;

    fn try_from(name: &str) -> Result<Self, NameError> {
        Self::new(name)
    }
}
