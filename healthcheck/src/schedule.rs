//! When a check runs.

use std::time::Duration;

/// When a check runs, and how many results make a verdict (CHK-05, CHK-06, CHK-07, LVS-12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// From the start of one check to the start of the next; `None` for what is watched elsewhere
    /// and tells by itself.
    pub interval: Option<Duration>,
    /// Further attempts after a failure while the server counts as up; none after that of the very first attempt.
    pub retries: u32,
    /// From the end of a failed attempt to the next one.
    pub delay_before_retry: Duration,
    /// The first check comes at a random time up to this, so that not all run at once.
    pub warmup: Duration,
    /// Down until a check passes, not up until one fails.
    pub alpha: bool,
    /// Successes in a row that bring a failed check back; at least 1.
    pub rise: u32,
    /// Failures in a row, each with its retries, that take a check down; at least 1. They come at the
    /// regular times; the retries of each at their own.
    pub fall: u32,
    /// A check of several pages looks at the next one at once while it comes up.
    pub fast_recovery: bool,
    /// Tell of each failed attempt, not of the one that decides only.
    pub log_all_failures: bool,
}

impl Schedule {
    /// Keepalived's defaults for this interval: one retry after a second, a warm-up of up to the
    /// interval.
    #[must_use]
    pub const fn every(interval: Duration) -> Self {
        Self {
            interval: Some(interval),
            retries: 1,
            delay_before_retry: Duration::from_secs(1),
            warmup: interval,
            alpha: false,
            rise: 1,
            fall: 1,
            fast_recovery: false,
            log_all_failures: false,
        }
    }

    /// For what is watched elsewhere: no clock, no retries.
    #[must_use]
    pub const fn told() -> Self {
        let mut schedule = Self::every(Duration::ZERO);
        schedule.interval = None;
        schedule.retries = 0;
        schedule
    }
}
