//! HTTP as far as a check needs it: one GET, its head, its body.

mod body;
#[cfg(feature = "regex")]
mod dialect;
mod expect;
mod head;
mod request;

#[cfg(feature = "regex")]
pub use expect::{BodyRegex, RegexError};
pub use expect::{Expectation, Offsets, StatusList};
pub use request::{HttpVersion, Page};

pub(crate) use body::Body;
pub(crate) use expect::Examiner;
pub(crate) use head::{Head, HeadReader};

/// How much of an answer is read before it counts as hostile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Octets of all heads together, interim answers included.
    pub head: usize,
    /// Octets of the body as they come over the wire.
    pub body: usize,
    /// The same where the body is kept until its end, for a regular expression.
    pub kept: usize,
}

impl Default for HttpLimits {
    /// 16 KiB of head, 64 MiB of body, 4 MiB of one that is kept.
    fn default() -> Self {
        Self {
            head: 16 * 1024,
            body: 64 * 1024 * 1024,
            kept: 4 * 1024 * 1024,
        }
    }
}
