//! Small worlds in which everything that can happen does happen, and no rule is broken. More of them:
//! `cargo xtask small`.

use keepalived_explore::{walk, worlds};

/// FSM-T-07, FSM-OPEN-02, RFC 9568 6.4: two routers, with a crash, a stop, losses, and frames that overtake each other.
#[test]
fn no_state_of_a_small_world_breaks_a_rule() {
    let mut counts = Vec::new();
    for (name, plan) in worlds::quick() {
        let verdict = walk(plan, 1);
        println!("{name}: {} states, {} steps", verdict.states, verdict.steps);
        if let Some((rule, way)) = verdict.broken {
            panic!("{name} violates {rule}:\n{}", way.join("\n"));
        }
        assert_eq!(verdict.unseen, [""; 0], "{name} says little");
        counts.push((name, verdict.states));
    }
    // Fewer states are a part of the world that is not looked at any more; more are one that is new. Either
    // is meant, or it is a mistake.
    assert_eq!(
        counts,
        [
            ("two, calm", 2871),
            ("two, calm, VRRPv2", 2871),
            ("two equals, a crash", 10_437),
            ("two, a loss and a crash", 45_021),
            ("owner and another, a loss and a stop", 24_643),
        ]
    );
}
