//! When a loop that failed is started again.

use std::time::Duration;

use vrrp_fsm::Instant;

/// A loop that ran this long is started again at once; others after a growing delay.
const LONG_LIFE: Duration = Duration::from_secs(60);
/// Between the second failure of a loop and the next attempt; doubled up to a minute.
const FIRST: Duration = Duration::from_secs(1);
const LAST: Duration = Duration::from_secs(60);

/// How long to wait before the next start of a loop.
#[derive(Debug, Default)]
pub(super) struct Respawn {
    delay: Duration,
    at: Option<Instant>,
}

impl Respawn {
    /// The loop that began at `started` has failed.
    pub(super) fn failed(&mut self, started: Instant, now: Instant) {
        if now.saturating_duration_since(started) >= LONG_LIFE {
            self.delay = Duration::ZERO;
        }
        self.at = now.checked_add(self.delay);
        self.delay = (self.delay * 2).clamp(FIRST, LAST);
    }

    /// How long there is to wait, if the loop is to be started.
    pub(super) fn patience(&self, now: Instant) -> Option<Duration> {
        self.at.map(|at| at.saturating_duration_since(now))
    }

    /// Whether it is to be started now; true once for each failure.
    pub(super) fn take_due(&mut self, now: Instant) -> bool {
        let due = self.at.is_some_and(|at| at <= now);
        if due {
            self.at = None;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_loop_that_fails_at_once_again_is_started_later_each_time() {
        let mut respawn = Respawn::default();
        assert_eq!(respawn.patience(at(0)), None);
        let mut waits = Vec::new();
        for _ in 0..9 {
            respawn.failed(at(100), at(100));
            waits.push(respawn.patience(at(100)).map(|wait| wait.as_secs()));
        }
        let expected = [0, 1, 2, 4, 8, 16, 32, 60, 60];
        assert_eq!(waits, expected.map(Some));
        assert!(!respawn.take_due(at(159)));
        assert!(respawn.take_due(at(160)));
        assert!(!respawn.take_due(at(160)), "once");
        respawn.failed(at(160), at(220));
        assert!(respawn.take_due(at(220)), "it ran for long");
    }
}
