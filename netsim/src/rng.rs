//! The one source of chance in a world: splitmix64, seeded, no state but a counter.

use core::ops::RangeInclusive;
use core::time::Duration;

/// A probability in parts per million: 0 is never, 1,000,000 is always.
pub type Ppm = u32;

/// Ppm value of certainty.
pub const ALWAYS: Ppm = 1_000_000;

/// A seeded pseudo-random sequence (splitmix64). Good enough to shuffle a network, useless as a secret.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence that belongs to `seed`; every seed is a good one.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; 0 if `bound` is 0. The bias of the modulo does not matter here.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits().checked_rem(bound).unwrap_or(0)
    }

    /// True with probability `ppm` in a million. Draws nothing if the answer is certain.
    pub fn chance(&mut self, ppm: Ppm) -> bool {
        ppm > 0 && (ppm >= ALWAYS || self.below(u64::from(ALWAYS)) < u64::from(ppm))
    }

    /// A duration in the range, in whole nanoseconds. Draws nothing if the range is one point.
    pub fn duration(&mut self, range: &RangeInclusive<Duration>) -> Duration {
        let spread = range.end().saturating_sub(*range.start()).as_nanos();
        match u64::try_from(spread).unwrap_or(u64::MAX - 1) {
            0 => *range.start(),
            spread => *range.start() + Duration::from_nanos(self.below(spread + 1)),
        }
    }
}
