//! Seeds that once failed, or that were the first to catch a planted mistake: they must stay good.
//!
//! A seed means something only together with the scenario generator. Who changes that collects new ones
//! with `cargo run -p netsim --features vrrp --example mutants`.

#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the example, each uses its part"
)]
mod proof;

/// Seed, and what it is good for.
const PINNED: &[(u64, &str)] = &[
    (0, "skew; order of actions on becoming Active"),
    (1, "equal priorities: a Backup does not compare addresses"),
    (
        3,
        "two Actives of equal priority; preempt delay; release; answer to a lower advert",
    ),
    (4, "an answer starts a new interval"),
    (5, "weights do not move the owner"),
    (6, "of equals the higher address wins"),
    (7, "a stalled node looks at its queue before its timers"),
    (8, "the interval of the Active is learned"),
    (13, "no burst of adverts after a stall"),
    (14, "without preemption the Active is left alone"),
    (22, "the owner does not give in"),
    (
        25,
        "a Backup late by more than a down interval listens first",
    ),
    (36, "an Active answers a release"),
    (
        310,
        "two virtual routers in one box, one advert late, the next one early",
    ),
    (
        378,
        "a stalled Active does not displace what it may not preempt",
    ),
    (
        1727,
        "a fault that comes and goes while the node is stalled",
    ),
    (4321, "a lower advert is answered at most every 10 ms"),
    (25_348, "a weight that comes after the deadline has passed"),
    (60_496, "an answer in between two adverts"),
    (
        101_119,
        "intervals that differ, and a loser that advertises once more",
    ),
    (253_121, "an advert that went early makes a longer gap"),
    (488_039, "jitter longer than the skew"),
    (
        780_836,
        "a priority that changes while an advert is on its way",
    ),
    (
        15_385_657,
        "the last advert of a loser, with a shorter interval, while the winner does not answer",
    ),
];

/// Invariants 1 to 10.
#[test]
fn pinned_seeds_stay_good() {
    for (seed, why) in PINNED {
        if let Err(failure) = proof::check(*seed) {
            panic!("{why}\n{failure}");
        }
    }
}

/// What the proof prints when the skew is truncated to zero: the one step of seed 0 that matters.
#[test]
fn seed_0_stays_good() {
    proof::check_steps(0, false, &[8]);
}
