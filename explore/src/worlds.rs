//! The worlds that are walked through.

use vrrp_fsm::proto::Version;

use crate::plan::{Budget, Member, Plan};

/// No trouble but that routers start when they like and frames overtake each other.
const CALM: Budget = Budget {
    losses: 0,
    doubles: 0,
    crashes: 0,
    stops: 0,
    weights: 0,
    stalls: 0,
};

/// A plan and its name.
pub type Named = (&'static str, Plan);

/// Those that every run of the tests walks through.
#[must_use]
pub fn quick() -> Vec<Named> {
    let high = Member::new(128);
    let low = Member::new(64);
    let two = || Plan::new([high, low]);
    vec![
        ("two, calm", two()),
        ("two, calm, VRRPv2", two().with_version(Version::V2)),
        (
            "two equals, a crash",
            Plan::new([high, high]).with_budget(Budget { crashes: 1, ..CALM }),
        ),
        (
            "two, a loss and a crash",
            two().with_budget(Budget {
                losses: 1,
                crashes: 1,
                ..CALM
            }),
        ),
        (
            "owner and another, a loss and a stop",
            Plan::new([Member::new(255), high]).with_budget(Budget {
                losses: 1,
                stops: 1,
                ..CALM
            }),
        ),
    ]
}

/// Those that `cargo xtask small` walks through.
#[must_use]
pub fn whole() -> Vec<Named> {
    let top = Member::new(192);
    let high = Member::new(128);
    let low = Member::new(64);
    let two = || Plan::new([high, low]);
    let mut worlds = quick();
    worlds.extend([
        (
            "two, three losses and a crash",
            two().with_budget(Budget {
                losses: 3,
                crashes: 1,
                ..CALM
            }),
        ),
        (
            "two, a loss, a crash and a stop",
            two().with_budget(Budget {
                losses: 1,
                crashes: 1,
                stops: 1,
                ..CALM
            }),
        ),
        (
            "two, VRRPv2, two losses and a stop",
            two().with_version(Version::V2).with_budget(Budget {
                losses: 2,
                stops: 1,
                ..CALM
            }),
        ),
        (
            "two equals, two losses and a crash",
            Plan::new([high, high]).with_budget(Budget {
                losses: 2,
                crashes: 1,
                ..CALM
            }),
        ),
        (
            "two that swap priorities, a loss",
            Plan::new([high.or(64), low.or(128)]).with_budget(Budget {
                weights: 2,
                losses: 1,
                ..CALM
            }),
        ),
        (
            "two, a stall and a loss",
            two().with_longest_stall(18).with_budget(Budget {
                stalls: 1,
                losses: 1,
                ..CALM
            }),
        ),
        (
            "two that do not preempt, a loss and a crash",
            Plan::new([high.patient(), low.patient()]).with_budget(Budget {
                losses: 1,
                crashes: 1,
                ..CALM
            }),
        ),
        (
            "two, a frame twice and a stop",
            two().with_budget(Budget {
                doubles: 1,
                stops: 1,
                ..CALM
            }),
        ),
        ("three, calm", Plan::new([top, high, low])),
        (
            "three, two of them equal, calm",
            Plan::new([high, low, high]),
        ),
        (
            "three, a crash",
            Plan::new([high, low, high]).with_budget(Budget { crashes: 1, ..CALM }),
        ),
        (
            "three, a loss",
            Plan::new([top, high, low]).with_budget(Budget { losses: 1, ..CALM }),
        ),
        (
            "three that do not preempt, calm",
            Plan::new([high.patient(), low.patient(), high.patient()]),
        ),
    ]);
    worlds
}

/// Larger ones, for a quiet evening.
#[must_use]
pub fn deep() -> Vec<Named> {
    let (high, low) = (Member::new(128), Member::new(64));
    let two = || Plan::new([high, low]);
    let three = || Plan::new([high, low, high]);
    vec![
        (
            "two, three losses, a crash and a stop",
            two().with_budget(Budget {
                losses: 3,
                crashes: 1,
                stops: 1,
                ..CALM
            }),
        ),
        (
            "two, a stall, a loss and a crash",
            two().with_longest_stall(18).with_budget(Budget {
                stalls: 1,
                losses: 1,
                crashes: 1,
                ..CALM
            }),
        ),
        (
            "three, a loss and a crash",
            three().with_budget(Budget {
                losses: 1,
                crashes: 1,
                ..CALM
            }),
        ),
        (
            "three, two losses",
            three().with_budget(Budget { losses: 2, ..CALM }),
        ),
    ]
}
