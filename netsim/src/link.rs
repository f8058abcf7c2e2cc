//! What a path between two nodes does to frames.

use core::ops::RangeInclusive;
use core::time::Duration;

use sans_io_time::Instant;

use crate::rng::{Ppm, Random};

/// Quality of a path, the same in both directions unless a single path was set by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// One-way delay, drawn for each frame and each receiver.
    pub delay: RangeInclusive<Duration>,
    /// Frames of one sender reach one receiver in the order they were sent (a switch does this).
    /// Without it a frame may overtake another when the delay range is wide enough.
    pub fifo: bool,
    /// Which frames vanish.
    pub loss: Loss,
    /// Probability that a frame arrives twice.
    pub duplicate: Ppm,
    /// Probability that a frame arrives damaged, see [`Node::corrupt`](crate::Node::corrupt).
    pub corrupt: Ppm,
}

/// Which frames vanish on a path.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// None.
    Never,
    /// Each frame by itself.
    Random(Ppm),
    /// Bursts (Gilbert model): before each frame a good path turns bad with `enter`, a bad one good
    /// with `leave`; a bad path loses everything. The mean burst is 1,000,000 / `leave` frames.
    Burst {
        /// Probability that a good path turns bad.
        enter: Ppm,
        /// Probability that a bad path turns good.
        leave: Ppm,
    },
}

impl Link {
    /// A path with this delay that keeps the order and loses, doubles and damages nothing.
    #[must_use]
    pub const fn new(delay: RangeInclusive<Duration>) -> Self {
        Self {
            delay,
            fifo: true,
            loss: Loss::Never,
            duplicate: 0,
            corrupt: 0,
        }
    }

    /// A perfect path with one fixed delay.
    #[must_use]
    pub const fn fixed(delay: Duration) -> Self {
        Self::new(delay..=delay)
    }

    /// Sets the loss.
    #[must_use]
    pub const fn with_loss(mut self, loss: Loss) -> Self {
        self.loss = loss;
        self
    }

    /// Lets frames overtake each other.
    #[must_use]
    pub const fn with_reordering(mut self) -> Self {
        self.fifo = false;
        self
    }

    /// Sets the probability that a frame arrives twice.
    #[must_use]
    pub const fn with_duplicates(mut self, ppm: Ppm) -> Self {
        self.duplicate = ppm;
        self
    }

    /// Sets the probability that a frame arrives damaged.
    #[must_use]
    pub const fn with_corruption(mut self, ppm: Ppm) -> Self {
        self.corrupt = ppm;
        self
    }

    /// The largest delay a frame can have.
    #[must_use]
    pub const fn longest(&self) -> Duration {
        *self.delay.end()
    }

    /// Nothing is lost, doubled, damaged or out of order.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.fifo && self.loss == Loss::Never && self.duplicate == 0 && self.corrupt == 0
    }
}

/// One direction between two nodes: an own quality if set, and what the model must remember.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) link: Option<Link>,
    last_arrival: Instant,
    bad: bool,
}

impl Path {
    pub(crate) const fn new() -> Self {
        Self {
            link: None,
            last_arrival: Instant::ZERO,
            bad: false,
        }
    }

    /// Draws whether the next frame vanishes.
    pub(crate) fn loses(&mut self, loss: Loss, random: &mut Random) -> bool {
        match loss {
            Loss::Never => false,
            Loss::Random(ppm) => random.chance(ppm),
            Loss::Burst { enter, leave } => {
                let flips = random.chance(if self.bad { leave } else { enter });
                self.bad ^= flips;
                self.bad
            }
        }
    }

    /// Draws when a frame sent now arrives.
    pub(crate) fn arrival(&mut self, now: Instant, link: &Link, random: &mut Random) -> Instant {
        let drawn = later(now, random.duration(&link.delay));
        let at = if link.fifo {
            drawn.max(self.last_arrival)
        } else {
            drawn
        };
        self.last_arrival = at.max(self.last_arrival);
        at
    }
}

/// `at + wait`, or the end of time.
pub(crate) fn later(at: Instant, wait: Duration) -> Instant {
    at.checked_add(wait)
        .unwrap_or_else(|| Instant::from_nanos(i64::MAX))
}
