use core::num::NonZeroU8;
use core::time::Duration;

use vrrp_proto::{AdvertInterval, Priority, Version};

use super::{after, before, down, early, lateness, next_advert, skew};
use crate::Instant;

const THREE: NonZeroU8 = NonZeroU8::new(3).unwrap();

fn timers(version: Version, priority: u8, centis: u16) -> (u128, u128) {
    let interval = AdvertInterval::from_centis(centis).unwrap();
    let skew = skew(version, interval, Priority::new(priority));
    (skew.as_nanos(), down(interval, skew, THREE).as_nanos())
}

/// VRRP-TMR-01, RFC 3768 6.1: the skew is a part of a second whatever the interval.
#[test]
fn v2_skew_is_a_part_of_a_second() {
    for (priority, centis, skew, down) in [
        (100, 100, 609_375_000, 3_609_375_000),
        (254, 100, 7_812_500, 3_007_812_500),
        (1, 100, 996_093_750, 3_996_093_750),
        (100, 25_500, 609_375_000, 765_609_375_000),
        (255, 100, 3_906_250, 3_003_906_250),
    ] {
        assert_eq!(timers(Version::V2, priority, centis), (skew, down));
    }
}

/// VRRP-TMR-02, RFC 9568 6.1: the skew is a part of the interval.
#[test]
fn v3_skew_is_a_part_of_the_interval() {
    for (priority, centis, skew, down) in [
        (100, 100, 609_375_000, 3_609_375_000),
        (200, 50, 109_375_000, 1_609_375_000),
        (254, 1, 78_125, 30_078_125),
        (150, 20, 82_812_500, 682_812_500),
    ] {
        assert_eq!(timers(Version::V3, priority, centis), (skew, down));
    }
}

/// VRRP-TMR-03, FSM-OPEN-08: nothing is cut off; half a nanosecond is rounded up, never early.
#[test]
fn v3_skew_is_exact_for_every_priority_and_interval() {
    for centis in 1..=4095_u16 {
        for priority in 0..=255_u8 {
            let exact_times_256 =
                u128::from(256 - u16::from(priority)) * u128::from(centis) * 10_000_000;
            let (skew, _) = timers(Version::V3, priority, centis);
            let excess = skew * 256 - exact_times_256;
            assert!(excess < 256, "{priority} {centis}");
        }
    }
    let (_, best) = timers(Version::V3, 254, 1);
    let (_, next) = timers(Version::V3, 253, 1);
    assert!(best < next);
}

/// VRRP-TMR-04, RFC 9568 6.1.
#[test]
fn v3_longest_interval_does_not_overflow() {
    let expected = (40_790_039_063, 163_640_039_063);
    assert_eq!(timers(Version::V3, 1, 4095), expected);
    let interval = AdvertInterval::MAX_V2;
    let skew = skew(Version::V3, interval, Priority::new(0));
    assert_eq!(skew, Duration::from_secs(255));
    let most = down(interval, skew, NonZeroU8::MAX);
    assert_eq!(most, Duration::from_secs(255 * 256));
}

/// FSM-T-11.
#[test]
fn next_advert_keeps_the_cadence_or_starts_anew() {
    let interval = AdvertInterval::DEFAULT;
    let at = Instant::from_nanos;
    let second = 1_000_000_000;
    for (now, next) in [
        (0, second),
        (-10_000_000, second - 10_000_000),
        (second - 1, second),
        (second, 2 * second),
        (second + 1, 2 * second + 1),
        (5 * second, 6 * second),
    ] {
        assert_eq!(next_advert(at(0), at(now), interval), at(next));
    }
}

/// DESIGN: 1% of the interval, at most 10 ms.
#[test]
fn early_is_one_percent_at_most_10_milliseconds() {
    for (centis, micros) in [
        (1, 100),
        (10, 1000),
        (100, 10_000),
        (101, 10_000),
        (4095, 10_000),
    ] {
        let interval = AdvertInterval::from_centis(centis).unwrap();
        assert_eq!(early(interval), Duration::from_micros(micros));
    }
}

/// Time has an end, and nothing panics there.
#[test]
fn instants_saturate() {
    let (first, last) = (Instant::from_nanos(i64::MIN), Instant::from_nanos(i64::MAX));
    assert_eq!(after(last, Duration::from_nanos(1)), last);
    assert_eq!(after(first, Duration::MAX), Instant::from_nanos(-1));
    assert_eq!(before(first, Duration::MAX), first);
    assert_eq!(lateness(last, first), Duration::from_nanos(u64::MAX));
    assert_eq!(lateness(first, last), Duration::ZERO);
}
