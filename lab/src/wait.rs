//! Waiting for a condition, with a limit and a message worth reading.

use std::thread::sleep;
use std::time::Duration;

use crate::clock;

/// How often a condition is looked at. Cheap conditions decide, not this.
const PAUSE: Duration = Duration::from_millis(4);
/// The same where time is counted in instructions: to look is all that takes long there.
const LONG_PAUSE: Duration = Duration::from_millis(100);

fn pause() {
    let counts = clock::counts_instructions();
    sleep(if counts { LONG_PAUSE } else { PAUSE });
}

/// Calls `condition` until it is true.
///
/// # Panics
/// With `what` when it is not true within `limit`.
#[track_caller]
pub fn wait_until(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    wait_for(what, limit, || condition().then_some(()));
}

/// Calls `attempt` until it gives a value.
///
/// # Panics
/// With `what` when there is no value within `limit`.
#[track_caller]
pub fn wait_for<T>(what: &str, limit: Duration, mut attempt: impl FnMut() -> Option<T>) -> T {
    let start = clock::now();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain: {what}");
        pause();
    }
}

/// Checks that `condition` holds now and keeps holding for `span`.
///
/// # Panics
/// With `what` as soon as it does not.
#[track_caller]
pub fn holds_for(what: &str, span: Duration, mut condition: impl FnMut() -> bool) {
    let start = clock::now();
    while start.elapsed() < span {
        assert!(
            condition(),
            "after {:?} it was no longer true: {what}",
            start.elapsed()
        );
        pause();
    }
}
