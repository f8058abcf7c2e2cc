//! The echo function, RFC 5880 6.4, 6.8.8 and 6.8.9, RFC 5881 4: packets that the other side's
//! forwarding plane sends back, unseen by its BFD.
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                      our discriminator                        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                       sequence number                         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |        a number only we and those on the link can know        |
//! |                                                               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                when it was sent, in nanoseconds               |
//! |                                                               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! The content is nobody's business but ours, so this is our own. It is no shorter than that of
//! FRR, whose daemon sends back what is at least as long.

use core::time::Duration;

use crate::Instant;
use crate::error::Rejected;
use crate::packet::Buffer;
use crate::rng::Rng;
use crate::session::Session;
use crate::stats::count;
use crate::timing::{Pace, after, detection_time};
use crate::types::{DetectMult, Discriminator, Micros};

/// Octets of an echo packet.
const ECHO_LEN: usize = 24;

/// The receiver's discriminator of an echo packet that has come back, for finding its session.
/// `None` if it is too short to be one of ours.
pub(crate) fn peek(payload: &[u8]) -> Option<Discriminator> {
    let (word, _) = payload.split_first_chunk::<4>()?;
    Discriminator::new(u32::from_be_bytes(*word))
}

#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Echo {
    /// So that nobody can keep the session alive who does not see its packets.
    token: u64,
    /// The interval and when it began to apply, while active.
    active: Option<Active>,
    /// Of the packet sent last.
    sent: u32,
    /// Of the one that came back last.
    returned: u32,
    /// How long that one took.
    round_trip: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Active {
    interval: Micros,
    pace: Pace,
    ready: bool,
    /// When one came back last, or when it all began.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    since: Instant,
}

impl Echo {
    pub(super) const fn new(token: u64) -> Self {
        Self {
            token,
            active: None,
            sent: 0,
            returned: 0,
            round_trip: None,
        }
    }

    pub(super) const fn is_active(&self) -> bool {
        self.active.is_some()
    }

    pub(super) fn is_ready(&self) -> bool {
        self.active.is_some_and(|active| active.ready)
    }

    /// When the next packet is due, unless it is already.
    pub(super) fn next(&self) -> Option<Instant> {
        let active = self.active.as_ref().filter(|active| !active.ready)?;
        active.pace.next(active.interval)
    }

    /// The packet is due, or not yet.
    pub(super) fn reschedule(&mut self, now: Instant) {
        if let Some(active) = &mut self.active
            && active
                .pace
                .next(active.interval)
                .is_some_and(|next| next <= now)
        {
            active.ready = true;
        }
    }

    fn write(&mut self, now: Instant, local: Discriminator, out: &mut Buffer) -> Option<usize> {
        self.sent = self.sent.wrapping_add(1);
        let (front, rest) = out
            .first_chunk_mut::<ECHO_LEN>()?
            .split_first_chunk_mut::<4>()?;
        let (number, rest) = rest.split_first_chunk_mut::<4>()?;
        let (token, time) = rest.split_first_chunk_mut::<8>()?;
        *front = local.get().to_be_bytes();
        *number = self.sent.to_be_bytes();
        *token = self.token.to_be_bytes();
        *time.first_chunk_mut()? = now.as_nanos().to_be_bytes();
        Some(ECHO_LEN)
    }

    /// Sequence number and time of sending, if the packet is one of ours that is still awaited.
    fn read(&self, local: Discriminator, payload: &[u8]) -> Option<(u32, Instant)> {
        let (front, rest) = payload.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first_chunk::<4>()?;
        let (token, time) = rest.split_first_chunk::<8>()?;
        let time = i64::from_be_bytes(time.try_into().ok()?);
        let ours = *front == local.get().to_be_bytes() && *token == self.token.to_be_bytes();
        let number = u32::from_be_bytes(*number);
        let awaited = self.sent.wrapping_sub(self.returned);
        let ahead = number.wrapping_sub(self.returned);
        let awaited = ours && (1..=awaited).contains(&ahead);
        awaited.then(|| (number, Instant::from_nanos(time)))
    }

    fn note_sent(&mut self, now: Instant, rng: &mut Rng, mult: DetectMult) {
        if let Some(active) = &mut self.active {
            active.ready = false;
            active.pace.sent(now, rng, mult);
        }
    }
}

impl Session {
    /// How often echo packets are sent; `None` if they are not. BFD-EC-02, BFD-RX-15.
    pub(super) fn echo_interval(&self) -> Option<Micros> {
        let own = self.config.echo?;
        let remote = self.remote.required_min_echo_rx;
        (self.is_up() && !remote.is_zero()).then(|| own.max(remote))
    }

    /// Starts and stops the echo function.
    pub(super) fn update_echo(&mut self, now: Instant) {
        let interval = self.echo_interval();
        let echo = &mut self.echo;
        match (interval, &mut echo.active) {
            (Some(interval), Some(active)) => active.interval = interval,
            (Some(interval), None) => {
                echo.returned = echo.sent;
                echo.active = Some(Active {
                    interval,
                    pace: Pace::START,
                    ready: true,
                    since: now,
                });
            }
            (None, _) => echo.active = None,
        }
    }

    /// Writes the next echo packet to send, and returns its length. It goes to one's own address
    /// by way of the other side, UDP port [`ECHO_PORT`](crate::ECHO_PORT). BFD-EC-05.
    ///
    /// DEVIATION(RFC 5881 4): it also comes from there, an address of the subnet or link-local, which
    /// may make the other side send redirects; they are for our own address, for which no route is
    /// changed. BFD-EC-06.
    #[must_use = "a packet that is polled has to be sent"]
    pub fn poll_echo(&mut self, now: Instant, out: &mut Buffer) -> Option<usize> {
        self.echo.active.filter(|active| active.ready)?;
        let length = self.echo.write(now, self.local, out)?;
        self.echo
            .note_sent(now, &mut self.rng, self.config.detect_mult);
        count(&mut self.stats.echo_sent);
        Some(length)
    }

    /// Takes an echo packet that has come back.
    ///
    /// # Errors
    ///
    /// [`Rejected::Echo`] if it is none of this session's, or has come back before; or if no
    /// echo packets are sent at present (BFD-EC-01).
    pub fn handle_echo(&mut self, now: Instant, payload: &[u8]) -> Result<(), Rejected> {
        let found = self.echo.read(self.local, payload);
        let (Some((number, sent)), Some(active)) = (found, &mut self.echo.active) else {
            self.stats.rejected.add(&Rejected::Echo);
            return Err(Rejected::Echo);
        };
        active.since = now;
        self.echo.returned = number;
        self.echo.round_trip = Some(now.saturating_duration_since(sent));
        count(&mut self.stats.echo_received);
        Ok(())
    }

    /// How long the last echo packet took that has come back.
    #[must_use]
    pub fn echo_round_trip(&self) -> Option<Duration> {
        self.echo.round_trip
    }

    /// When too many echo packets in a row are missing. RFC 5880 6.8.5.
    pub(super) fn echo_deadline(&self) -> Option<Instant> {
        let active = self.echo.active.as_ref()?;
        let time = detection_time(self.config.detect_mult, active.interval, active.interval);
        Some(after(active.since, time))
    }
}
