//! The only place that reads a clock.
//!
//! Deadlines count on `CLOCK_BOOTTIME`: it goes on while the machine is suspended, so a router that
//! slept notices how late it is, and steps of the wall clock change nothing.

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};
use sans_io_time::Instant;

/// The monotonic clock of the daemon and, for logs and dumps only, the wall clock.
#[derive(Copy, Clone, Debug, Default)]
pub struct Clock;

impl Clock {
    /// Time since boot, suspended time included.
    #[must_use]
    pub fn now(self) -> Instant {
        let time = clock_gettime(ClockId::Boottime);
        let seconds = time.tv_sec.saturating_mul(1_000_000_000);
        Instant::from_nanos(seconds.saturating_add(time.tv_nsec))
    }

    /// The time of day, for what people read. Never compared with a deadline.
    #[must_use]
    pub fn wall(self) -> SystemTime {
        #[expect(
            clippy::disallowed_methods,
            reason = "this file is where the clock is read"
        )]
        SystemTime::now()
    }

    /// The time of day at which the monotonic clock showed, or will show, `instant`.
    #[must_use]
    pub fn wall_at(self, instant: Instant) -> SystemTime {
        let now = self.now();
        let wall = self.wall();
        if instant > now {
            wall + instant.saturating_duration_since(now)
        } else {
            wall.checked_sub(now.saturating_duration_since(instant))
                .unwrap_or(wall)
        }
    }
}

/// How late `now` is after `deadline`; zero if it is not.
#[must_use]
pub fn lateness(now: Instant, deadline: Instant) -> Duration {
    now.saturating_duration_since(deadline)
}
