//! Who wins: pure comparisons.

use core::net::IpAddr;

use vrrp_proto::Priority;

/// What an Active router makes of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contest {
    /// The other one wins.
    Lost,
    /// The other one has to go.
    Won,
    /// Same priority and same address: nobody can win, and answering would never end
    /// (VRRP-GEN-07, FSM-V3-A-08).
    Undecided,
}

/// Compares two Active routers, RFC 9568 6.4.3: the higher priority wins, and of equal ones the
/// higher address, as an unsigned number in network order. A router without an address loses.
///
/// FSM-V2-M-04, FSM-V2-M-05, FSM-V2-M-06, FSM-V2-M-07, FSM-V2-M-08, FSM-V3-A-04, FSM-V3-A-05,
/// FSM-V3-A-06, FSM-V3-A-07, FSM-V3-A-08, FSM-T-07, VRRP-EXT-07.
pub(crate) fn contest(own: (Priority, Option<IpAddr>), theirs: (Priority, IpAddr)) -> Contest {
    let theirs = (theirs.0, Some(theirs.1));
    match own.cmp(&theirs) {
        core::cmp::Ordering::Less => Contest::Lost,
        core::cmp::Ordering::Equal => Contest::Undecided,
        core::cmp::Ordering::Greater => Contest::Won,
    }
}

/// The effective priority: the configured one and the weights, within 1..=254 (KA-W-04).
pub(crate) fn weighted(base: u8, weights: i16) -> Priority {
    let sum = i16::from(base).saturating_add(weights).clamp(1, 254);
    Priority::new(u8::try_from(sum).unwrap_or(1))
}
