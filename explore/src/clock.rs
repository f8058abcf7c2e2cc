//! Time in ticks, and the RFC's arithmetic on it, derived a second time.

use std::time::Duration;

use vrrp_fsm::Instant;

/// A quarter of the advertisement interval, which is one second.
///
/// With priorities that are multiples of 64 every deadline of the machine falls on a tick, in VRRPv2 and VRRPv3
/// alike, so that nothing is lost by looking at whole ticks only: what can happen between two of them
/// can also happen at one of the two.
pub const TICK: Duration = Duration::from_millis(250);
/// The advertisement interval in ticks.
pub const ADVERT: u8 = 4;
/// The longest a frame is on its way, in ticks. Any frame may take this long or no time at all, so frames
/// overtake each other.
pub const DELAY: u8 = 1;

/// Skew_Time in ticks, RFC 9568 6.1 and RFC 3768 6.1 with an interval of one second.
#[must_use]
pub const fn skew(priority: u8) -> u8 {
    // (256 - priority) / 256 of a second is so many quarters.
    ((256 - priority as u16) / 64) as u8
}

/// Active_Down_Interval in ticks.
#[must_use]
pub const fn down(priority: u8) -> u8 {
    3 * ADVERT + skew(priority)
}

/// When everything has to be settled, in ticks after the last trouble: 3A + S(lowest) + A + 4L.
#[must_use]
pub const fn settled(lowest: u8) -> u8 {
    down(lowest) + ADVERT + 4 * DELAY
}

/// The instant of a tick.
pub(crate) fn at(tick: u32) -> Instant {
    let nanos = i64::from(tick) * 250_000_000;
    Instant::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_is_what_the_skew_counts_in() {
        assert_eq!(TICK.as_nanos(), 250_000_000);
        let ticks = [192, 128, 64].map(|priority| (skew(priority), down(priority)));
        assert_eq!(ticks, [(1, 13), (2, 14), (3, 15)]);
        assert_eq!(settled(64), 23);
    }
}
