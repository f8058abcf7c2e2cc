//! What is different in each advert although its message is the same: signatures and sequence
//! numbers.

use alloc::vec;
use core::time::Duration;

use vrrp_proto::{IpMeta, TRAILER_LEN};

use crate::action::Transmit;
use crate::config::{V2Auth, WireFormat};
use crate::{Instant, timing};

use super::Instance;

/// What has to go with an advert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authenticate {
    /// Nothing: the message alone, which stays the same until
    /// [`advert_version`](Instance::advert_version) changes.
    Nothing,
    /// An IP authentication header: see `AdvertRepr::emit_ah`.
    Ah {
        /// Its key.
        key: [u8; 8],
        /// Its sequence number.
        sequence: u32,
    },
    /// A trailer, the same for all destinations: see `AdvertRepr::emit_with_trailer`.
    Trailer([u8; TRAILER_LEN]),
    /// The advert must not be sent: a signature is wanted and cannot be made, because nobody has
    /// told the wall clock or there is no source address.
    Impossible,
}

impl Instance {
    /// Whether every advert is another one, though its message be the same.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        let ah = matches!(
            self.config.format,
            WireFormat::V2 {
                auth: V2Auth::Ah(_)
            }
        );
        ah || self
            .config
            .hmac
            .as_ref()
            .is_some_and(|hmac| hmac.mode.signs())
    }

    /// What to send with an [`advert`](Self::advert) now. Takes the next sequence number, so one
    /// call goes with one transmission, to however many peers. KA-AX-07, VRRP-V2-AUTH-05,
    /// VRRP-V2-AUTH-06.
    pub fn authenticate(&mut self, now: Instant, transmit: Transmit) -> Authenticate {
        if let WireFormat::V2 {
            auth: V2Auth::Ah(key),
        } = self.config.format
        {
            // RFC 2402 3.3.2: it must not go round. It would take 136 years of adverts.
            self.ah_sequence = self.ah_sequence.saturating_add(1);
            return Authenticate::Ah {
                key,
                sequence: self.ah_sequence,
            };
        }
        if !self.is_authenticated() {
            return Authenticate::Nothing;
        }
        self.trailer(now, transmit)
            .map_or(Authenticate::Impossible, Authenticate::Trailer)
    }

    fn trailer(&mut self, now: Instant, transmit: Transmit) -> Option<[u8; TRAILER_LEN]> {
        let source = self.primary?;
        let wall = self.wall_time(now)?;
        let advert = self.advert(transmit);
        let mut message = vec![0; advert.buffer_len()];
        // The destination is covered by the checksum only, and that is not covered.
        let ip = IpMeta {
            source,
            destination: source,
            hop_limit: vrrp_proto::HOP_LIMIT,
        };
        advert.emit(&ip, &mut message).ok()?;
        let hmac = self.config.hmac.as_ref()?;
        self.signatures.sign(hmac, wall, source, &message)
    }

    /// The wall clock of the router that has all of them, if it was told.
    pub(crate) const fn wall_clock_is(&mut self, wall: Option<(Instant, Duration)>) {
        if wall.is_some() {
            self.wall = wall;
        }
    }

    /// The wall clock, as last told and as time has passed since.
    pub(super) fn wall_time(&self, now: Instant) -> Option<Duration> {
        self.wall
            .map(|(told, wall)| wall.saturating_add(timing::lateness(now, told)))
    }
}
