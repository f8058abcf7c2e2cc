//! DESIGN section 5: the election proven by simulation.

#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the example and the regressions, each uses its part"
)]
mod proof;

use proof::scenario::Scenario;

/// How many seeds; the environment variable NETSIM_SEEDS asks for more or fewer.
fn seeds() -> u64 {
    std::env::var("NETSIM_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(2_000)
}

/// Invariants 1 to 8 and 10, RFC 9568 6.4, FSM tables 2 and 3.
#[test]
fn no_seed_violates_an_invariant() {
    for seed in 0..seeds() {
        if let Err(failure) = proof::check(seed) {
            panic!("{failure}");
        }
    }
}

/// Invariant 10: the same seed gives the same trace, bit for bit.
#[test]
fn the_same_seed_gives_the_same_trace_hash() {
    for seed in 0..200 {
        let once = proof::run(&Scenario::new(seed)).map(|(_, hash)| hash);
        let again = proof::run(&Scenario::new(seed)).map(|(_, hash)| hash);
        assert_eq!(once, again, "seed {seed}");
    }
}

/// A hash that is always the same would satisfy the test above.
#[test]
fn different_seeds_give_different_trace_hashes() {
    let hash = |seed| proof::run(&Scenario::new(seed)).map(|(_, hash)| hash).ok();
    let hashes: std::collections::BTreeSet<_> = (0..200).map(hash).collect();
    assert_eq!(hashes.len(), 200);
}
