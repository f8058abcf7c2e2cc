//! The state machine, RFC 5880 6.2 and 6.8.6.
//!
//! ```text
//!                              +--+
//!                              |  | UP, ADMIN DOWN, TIMER
//!                              |  V
//!                      DOWN  +------+  INIT
//!               +------------|      |------------+
//!               |            | DOWN |            |
//!               |  +-------->|      |<--------+  |
//!               |  |         +------+         |  |
//!               |  |                          |  |
//!               |  |               ADMIN DOWN,|  |
//!               |  |ADMIN DOWN,          DOWN,|  |
//!               |  |TIMER                TIMER|  |
//!               V  |                          |  V
//!             +------+                      +------+
//!        +----|      |                      |      |----+
//!    DOWN|    | INIT |--------------------->|  UP  |    |INIT, UP
//!        +--->|      | INIT, UP             |      |<---+
//!             +------+                      +------+
//! ```

use crate::types::{Diagnostic, State};

/// Where a received state takes a session, and with which diagnostic, if with a new one.
///
/// BFD-FSM-01, BFD-FSM-02, BFD-FSM-03, BFD-FSM-04, BFD-FSM-05, BFD-FSM-06, BFD-FSM-07,
/// BFD-FSM-08, BFD-FSM-09, BFD-FSM-10, BFD-FSM-11, BFD-FSM-12, BFD-FSM-13, BFD-FSM-14,
/// BFD-FSM-15, BFD-FSM-16, BFD-FSM-24, BFD-FSM-26.
pub(super) const fn next(local: State, received: State) -> Option<(State, Option<Diagnostic>)> {
    match (local, received) {
        (State::AdminDown, _)
        | (State::Down, State::AdminDown | State::Up)
        | (State::Init, State::Down)
        | (State::Up, State::Init | State::Up) => None,
        (State::Init | State::Up, State::AdminDown) | (State::Up, State::Down) => {
            Some((State::Down, Some(Diagnostic::NEIGHBOR_DOWN)))
        }
        (State::Down, State::Down) => Some((State::Init, None)),
        // The RFC does not say when the diagnostic of the last failure is over. BFD-FSM-22.
        (State::Down, State::Init) | (State::Init, State::Init | State::Up) => {
            Some((State::Up, Some(Diagnostic::NONE)))
        }
    }
}
