//! Arithmetic with points in time.

use core::time::Duration;

use sans_io_time::Instant;

/// `now + wait`, at the latest the end of time: the plain operator panics there.
pub(crate) fn after(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait)
        .unwrap_or_else(|| Instant::from_nanos(i64::MAX))
}
