//! All arithmetic on intervals. Whole microseconds on the wire, nanoseconds inside, no floats.

use core::time::Duration;

use crate::Instant;
use crate::rng::Rng;
use crate::types::{DetectMult, Micros};

/// A million: the whole interval.
const WHOLE: u32 = 1_000_000;
/// The shortest that jitter makes of an interval. BFD-TX-02.
const SHORTEST: u32 = 750_000;
/// The longest with a detection multiplier of 1, so that one delayed packet is not the end of the
/// session. BFD-TX-03.
const LONGEST_ALONE: u32 = 900_000;

/// `at + duration`, or the last instant there is.
pub(crate) fn after(at: Instant, duration: Duration) -> Instant {
    at.checked_add(duration)
        .unwrap_or_else(|| Instant::from_nanos(i64::MAX))
}

/// The earlier of two deadlines, of which either may be missing.
pub(crate) fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// How long nothing may be heard: the multiplier of whoever sends, times the interval that was
/// agreed upon for that direction. RFC 5880 6.8.4, BFD-TM-01, BFD-TM-02.
pub(crate) fn detection_time(mult: DetectMult, receiver: Micros, sender: Micros) -> Duration {
    let agreed = receiver.max(sender).to_duration();
    agreed.saturating_mul(u32::from(mult.get()))
}

/// Which part of the interval to wait this time, in millionths. RFC 5880 6.8.7, BFD-TX-02,
/// BFD-TX-03.
pub(crate) fn jitter(rng: &mut Rng, mult: DetectMult) -> u32 {
    let longest = if mult.get() == 1 {
        LONGEST_ALONE
    } else {
        WHOLE
    };
    rng.between(SHORTEST, longest)
}

/// That part of the interval.
pub(crate) fn part(interval: Micros, millionths: u32) -> Duration {
    // One microsecond has a thousand nanoseconds, and the part is in millionths: / 1000.
    let nanos = u64::from(interval.get()).saturating_mul(u64::from(millionths)) / 1000;
    Duration::from_nanos(nanos)
}

/// The sending of packets at an interval with jitter.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Pace {
    /// When the last one was sent.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    last: Option<Instant>,
    /// The part of the interval to wait after it.
    part: u32,
}

impl Pace {
    /// Nothing was sent: the first one is due at once.
    pub(crate) const START: Self = Self {
        last: None,
        part: WHOLE,
    };

    /// One was sent.
    pub(crate) fn sent(&mut self, now: Instant, rng: &mut Rng, mult: DetectMult) {
        self.last = Some(now);
        self.part = jitter(rng, mult);
    }

    /// When the next one is due at this interval, which may have changed since the last one was
    /// sent: BFD-TX-05. `None` for at once.
    pub(crate) fn next(&self, interval: Micros) -> Option<Instant> {
        self.last.map(|last| after(last, part(interval, self.part)))
    }

    /// The first instant at which the next one is not too early.
    pub(crate) fn earliest(&self, interval: Micros) -> Option<Instant> {
        self.last.map(|last| after(last, part(interval, SHORTEST)))
    }
}

#[cfg(test)]
mod tests;
