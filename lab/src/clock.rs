//! The clocks of the live tests. Captures are stamped with wall-clock time, so that is what is compared.
#![allow(
    clippy::disallowed_methods,
    reason = "live tests measure real time; nothing here ships"
)]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment in wall-clock time, as captures stamp it: the time since the Unix epoch.
pub type Stamp = Duration;

/// The wall clock, comparable with the stamps of a capture.
#[must_use]
pub fn stamp() -> Stamp {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// The monotonic clock, for limits.
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Whether time is counted in executed instructions, as in the virtual machine of `cargo xtask ipvs`:
/// then nothing is late, and waiting takes no time.
#[must_use]
pub fn counts_instructions() -> bool {
    std::env::var_os("KEEPALIVED_COUNTED_TIME").is_some()
}
