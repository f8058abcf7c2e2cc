//! Bounds and means of what is drawn, and arithmetic at the edges.

use alloc::vec::Vec;
use core::num::NonZeroU8;
use core::time::Duration;

use super::*;

fn mult(number: u8) -> DetectMult {
    NonZeroU8::new(number).unwrap()
}

/// BFD-TX-02, RFC 5880 6.8.7.
#[test]
fn intervals_are_shortened_by_up_to_a_quarter() {
    let mut rng = Rng::new(1);
    let interval = Micros::from_millis(50).unwrap();
    let drawn: Vec<u64> = (0..10_000)
        .map(|_| part(interval, jitter(&mut rng, mult(3))).as_nanos() as u64)
        .collect();
    let (least, most) = (drawn.iter().min().unwrap(), drawn.iter().max().unwrap());
    assert!((37_500_000..37_600_000).contains(least), "{least}");
    assert!((49_900_000..=50_000_000).contains(most), "{most}");
    let mean = drawn.iter().sum::<u64>() / 10_000;
    assert!((43_650_000..43_850_000).contains(&mean), "{mean}");
}

/// BFD-TX-03, RFC 5880 6.8.7.
#[test]
fn a_lone_packet_comes_at_nine_tenths_of_its_interval_at_the_latest() {
    let mut rng = Rng::new(2);
    let drawn: Vec<u32> = (0..10_000).map(|_| jitter(&mut rng, mult(1))).collect();
    assert!(drawn.iter().all(|part| (750_000..=900_000).contains(part)));
    assert!(drawn.iter().any(|part| *part > 899_000));
}

/// BFD-TM-01: 64 bits are needed.
#[test]
fn the_longest_detection_time_is_what_the_rfc_says() {
    let time = detection_time(mult(255), Micros::new(1), Micros::new(u32::MAX));
    assert_eq!(time, Duration::from_micros(1_095_216_660_225));
    assert_eq!(
        part(Micros::new(u32::MAX), WHOLE),
        Micros::new(u32::MAX).to_duration()
    );
    assert_eq!(
        after(Instant::from_nanos(i64::MAX), time),
        Instant::from_nanos(i64::MAX)
    );
}

/// BFD-TM-12, RFC 7419.
#[test]
fn intervals_round_up_to_the_next_microsecond() {
    let round = |nanos| Micros::from_duration(Duration::from_nanos(nanos));
    assert_eq!(round(3_300_000), Micros::new(3300));
    assert_eq!(round(3_300_001), Micros::new(3301));
    assert_eq!(round(u64::MAX), Micros::new(u32::MAX));
    assert_eq!(Micros::from_millis(4_294_968), None);
}

/// Two draws of one seed are the same, those of another are not.
#[test]
fn the_seed_decides() {
    let draw = |seed| {
        let mut rng = Rng::new(seed);
        [(); 8].map(|()| rng.next_u32())
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
}
