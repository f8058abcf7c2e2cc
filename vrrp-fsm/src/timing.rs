//! All arithmetic on time. Exact: nothing is cut to centiseconds or microseconds, and what does
//! not come out even in nanoseconds is rounded up, so that no timer is ever early.

use core::num::NonZeroU8;
use core::time::Duration;

use vrrp_proto::{AdvertInterval, Priority, Version};

use crate::Instant;

/// Adverts may go out early together with others by at most this.
const EARLY_MAX: Duration = Duration::from_millis(10);

/// `at + wait`, or the end of time (which is 292 years after the zero point).
pub(crate) fn after(at: Instant, wait: Duration) -> Instant {
    let wait = i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX);
    Instant::from_nanos(at.as_nanos().saturating_add(wait))
}

/// How long `now` is past `deadline`; zero if it is not.
pub(crate) fn lateness(now: Instant, deadline: Instant) -> Duration {
    if now > deadline {
        Duration::from_nanos(now.as_nanos().abs_diff(deadline.as_nanos()))
    } else {
        Duration::ZERO
    }
}

/// Skew_Time. VRRP-TMR-01, VRRP-TMR-02, VRRP-TMR-03, VRRP-TMR-04, FSM-T-10, RFC 9568 6.1 and
/// RFC 3768 6.1. FSM-OPEN-08.
///
/// In VRRPv2 it is a part of a second whatever the interval; in VRRPv3 a part of the interval.
pub(crate) fn skew(version: Version, interval: AdvertInterval, priority: Priority) -> Duration {
    let parts = 256_u64.saturating_sub(u64::from(priority.get()));
    let whole = match version {
        Version::V2 => 1_000_000_000,
        Version::V3 => u64::from(interval.centis()).saturating_mul(10_000_000),
    };
    Duration::from_nanos(parts.saturating_mul(whole).div_ceil(256))
}

/// Active_Down_Interval: so many intervals, and the skew. RFC 9568 6.1, KA-O-01.
pub(crate) fn down(interval: AdvertInterval, skew: Duration, adverts: NonZeroU8) -> Duration {
    interval
        .to_duration()
        .saturating_mul(u32::from(adverts.get()))
        .saturating_add(skew)
}

/// The next advert after the one that was due at `due` and is sent at `now`.
///
/// A little late: one interval after `due`, so that the cadence does not drift. So late that this
/// is over already: one interval after `now`, so that there is no burst (FSM-T-11). Early, in the
/// company of others: one interval after `now` too. Backups count their three intervals from the
/// advert they heard; a longer gap after an early one would let them take over after only two
/// lost adverts. Routers with the same interval fall into step by this, and stay there.
pub(crate) fn next_advert(due: Instant, now: Instant, interval: AdvertInterval) -> Instant {
    let next = after(due, interval.to_duration());
    if now >= due && next > now {
        next
    } else {
        after(now, interval.to_duration())
    }
}

/// How much earlier than due an advert may go out in the company of others: 1% of the interval,
/// at most 10 ms.
pub(crate) fn early(interval: AdvertInterval) -> Duration {
    let percent = Duration::from_nanos(u64::from(interval.centis()).saturating_mul(100_000));
    percent.min(EARLY_MAX)
}

/// `due`, brought forward by `by`.
pub(crate) fn before(due: Instant, by: Duration) -> Instant {
    let by = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
    Instant::from_nanos(due.as_nanos().saturating_sub(by))
}

#[cfg(test)]
mod tests;
