//! The sequence numbers of a session, RFC 5880 6.8.1.

use crate::Instant;
use crate::auth::AuthKind;

/// The numbers of both directions.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Sequence {
    /// XmitAuthSeq: of the next packet. BFD-VAR-08.
    next: u32,
    /// RcvAuthSeq, with the instant from which it is no longer known. BFD-VAR-07.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    received: Option<(u32, Instant)>,
}

impl Sequence {
    pub(crate) const fn new(first: u32) -> Self {
        Self {
            next: first,
            received: None,
        }
    }

    /// The number of the next packet. A meticulous one counts every packet; the others count
    /// those that say something new. BFD-AU-09.
    pub(crate) const fn advance(&mut self, kind: AuthKind, changed: bool) -> u32 {
        if changed || kind.is_meticulous() {
            self.next = self.next.wrapping_add(1);
        }
        self.next
    }

    /// The number accepted last, unless there was silence for so long that the other side may
    /// have started anew. BFD-AU-14.
    pub(crate) fn last(&self, now: Instant) -> Option<u32> {
        self.received
            .filter(|(_, until)| now < *until)
            .map(|(number, _)| number)
    }

    /// BFD-AU-08. Known until two detection times of silence have passed.
    pub(crate) const fn accept(&mut self, number: u32, until: Instant) {
        self.received = Some((number, until));
    }

    /// The number accepted last, however long ago that was.
    pub(crate) fn received(&self) -> Option<u32> {
        self.received.map(|(number, _)| number)
    }

    pub(crate) const fn forget(&mut self) {
        self.received = None;
    }
}
