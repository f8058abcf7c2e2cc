//! BFD proven by simulation: sessions in pairs, and elections that are guarded by sessions.

#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the example, each uses its part"
)]
mod sessions;

use sessions::{guarded, pair};

/// How many seeds; the environment variable NETSIM_SEEDS asks for more or fewer.
fn seeds() -> u64 {
    std::env::var("NETSIM_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(150)
}

/// RFC 5880 6.8.3, 6.8.4, 6.8.7: a session never drops without detect_mult losses in a row, always
/// drops within the detection time and the delay of a cut, and not earlier; poll sequences end;
/// jitter keeps its bounds. BFD-TM-01, BFD-TM-02, BFD-TX-02, BFD-TX-03, BFD-TX-04, BFD-TX-10.
#[test]
fn sessions_drop_when_they_must_and_never_else() {
    for seed in 0..seeds() {
        let scenario = pair::Scenario::new(seed);
        if let Err((violation, _)) = scenario.run(0) {
            panic!("seed {seed} violates {violation}\n{}", scenario.story());
        }
    }
}

/// FSM-OPEN-11: the best backup takes over within the detection time and its skew, whatever else
/// the sessions believe there are never two lasting masters.
#[test]
fn guarded_routers_take_over_soon_and_agree_in_the_end() {
    for seed in 0..seeds() {
        let scenario = guarded::Scenario::new(seed);
        if let Err((violation, _)) = scenario.run(0) {
            panic!("seed {seed} violates {violation}\n{}", scenario.story());
        }
    }
}

/// BFD-TM-04, BFD-TM-05, BFD-TM-08: a session that was not up changed its mind while the answer to its
/// poll was on its way, took that for an answer to the new offer, and dropped a neighbour that had
/// never heard of it.
#[test]
fn an_answer_to_an_old_offer_is_none_to_the_new_one() {
    let scenario = pair::Scenario::new(52_433);
    if let Err((violation, _)) = scenario.run(0) {
        panic!("{violation}\n{}", scenario.story());
    }
}

/// Rules that nothing is ever measured by prove nothing.
#[test]
fn every_rule_is_put_to_the_test() {
    let mut all = sessions::Figures::default();
    for seed in 0..60 {
        all.add(&sessions::check(seed).unwrap_or_else(|failure| panic!("{failure}")));
    }
    let counts = [
        all.drops_for_loss,
        all.exact_drops,
        all.cuts,
        all.gaps,
        all.polls,
        all.takeovers,
        all.clashes,
    ];
    assert!(counts.iter().all(|count| *count > 10), "{all:?}");
}
