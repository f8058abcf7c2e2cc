//! The rules are not blind: mistakes are found, with the way to them.

use keepalived_explore::{Budget, Member, Plan, Planted, walk};

fn high_and_low() -> Plan {
    Plan::new([Member::new(128), Member::new(64)])
}

fn equals() -> Plan {
    Plan::new([Member::new(128), Member::new(128)])
}

fn a_stall() -> Budget {
    Budget {
        stalls: 1,
        ..Budget::default()
    }
}

/// Walks until a rule is broken; the way there has to end with these words.
fn finds(plan: Plan, rule: &str, end: &str) {
    let (broken, way) = walk(plan, 1).broken.expect("the mistake is found");
    let told = way.join("\n");
    println!("{broken}\n{told}");
    assert!(broken.starts_with(rule), "{broken}\n{told}");
    assert!(told.ends_with(end), "{told}");
}

#[test]
fn a_missing_tie_break_is_found() {
    let plan = equals().with_planted(Planted::NoTieBreak);
    finds(
        plan,
        "3, 5, 6",
        "two Active routers hear each other and go on",
    );
}

#[test]
fn equal_addresses_are_found() {
    let plan = equals().with_planted(Planted::SameAddress);
    finds(
        plan,
        "3, 5, 6",
        "a Backup takes over from a live Active router",
    );
}

#[test]
fn timers_that_come_before_packets_are_found() {
    let plan = high_and_low().with_budget(a_stall()).with_longest_stall(16);
    let plan = plan.with_planted(Planted::TimersFirst);
    finds(
        plan,
        "3, 5, 6",
        "a Backup takes over from a live Active router",
    );
}

#[test]
fn packets_thrown_away_after_a_stall_are_found() {
    let plan = high_and_low().with_budget(a_stall());
    let plan = plan.with_planted(Planted::DeafAfterStall);
    finds(
        plan,
        "3, 5, 6",
        "a Backup takes over from a live Active router",
    );
}

#[test]
fn addresses_that_stay_are_found() {
    let plan = high_and_low().with_planted(Planted::KeepsAddresses);
    finds(plan, "7", "b Backup(64)");
}

#[test]
fn a_release_that_is_not_heard_is_found() {
    let budget = Budget {
        stops: 1,
        ..Budget::default()
    };
    let plan = high_and_low().with_budget(budget);
    finds(plan.with_planted(Planted::NoRelease), "3", "");
}

#[test]
fn a_down_timer_that_is_a_tick_short_is_found() {
    let plan = high_and_low().with_planted(Planted::FastClock);
    finds(plan, "3, 5, 6", "a Backup takes over before its time");
}
