//! The thread that turns a loop: how it is scheduled, and how late it comes back.

use std::time::Duration;

use sans_io_time::Instant;

use crate::clock::lateness;
use crate::threads::{Scheduled, ThreadSettings};

/// A turn later than this after its deadline is worth a word.
const WORTH_A_WORD: Duration = Duration::from_millis(100);

/// The thread of one loop. What went wrong with it is told in lines for the log.
#[derive(Debug)]
pub(crate) struct Turning {
    /// At the beginning of each line.
    name: &'static str,
    /// Of the thread that turns; made in the first turn.
    scheduled: Option<Scheduled>,
    /// What `scheduled` was made of last.
    settings: ThreadSettings,
    /// No more than one word about lateness in this time.
    between_words: Duration,
    quiet_until: Option<Instant>,
    pub(crate) worst_lateness: Duration,
}

impl Turning {
    pub(crate) fn new(name: &'static str, between_words: Duration) -> Self {
        Self {
            name,
            scheduled: None,
            settings: ThreadSettings::default(),
            between_words,
            quiet_until: None,
            worst_lateness: Duration::ZERO,
        }
    }

    /// Become what the configuration says, on the thread that turns.
    pub(crate) fn settle(&mut self, wanted: &ThreadSettings) -> Vec<String> {
        if self.scheduled.is_some() && self.settings == *wanted {
            return Vec::new();
        }
        self.settings.clone_from(wanted);
        let scheduled = self.scheduled.get_or_insert_with(Scheduled::new);
        let trouble = scheduled.apply(wanted);
        trouble.into_iter().map(|what| self.line(&what)).collect()
    }

    /// A turn begins. How late it is, if that is worth a word, and what was done about it.
    pub(crate) fn begin(
        &mut self,
        now: Instant,
        deadline: Option<Instant>,
    ) -> (Option<Duration>, Option<String>) {
        let Some(deadline) = deadline else {
            return (None, None);
        };
        let late = lateness(now, deadline);
        self.worst_lateness = self.worst_lateness.max(late);
        let tells = late >= WORTH_A_WORD && self.quiet_until.is_none_or(|at| now >= at);
        if tells {
            self.quiet_until = now.checked_add(self.between_words);
        }
        let scheduled = self.scheduled.as_mut();
        let raised = scheduled.and_then(|scheduled| scheduled.note_lateness(late));
        (tells.then_some(late), raised.map(|what| self.line(&what)))
    }

    /// It has used more time than it may under real-time scheduling. What was done, if it was under that.
    pub(crate) fn leave_realtime(&mut self) -> Option<String> {
        self.scheduled.as_mut()?.leave_realtime().then(|| {
            self.line(
                "used more time without a pause than it may: back to normal scheduling until the next reload",
            )
        })
    }

    fn line(&self, what: &str) -> String {
        format!("{}: {what}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Instant {
        let start = Instant::from_nanos(0);
        start
            .checked_add(Duration::from_millis(milliseconds))
            .unwrap()
    }

    #[test]
    fn a_late_turn_is_worth_a_word_once_in_a_while() {
        let mut thread = Turning::new("it", Duration::from_secs(10));
        let mut late = |now, deadline| thread.begin(at(now), Some(at(deadline))).0;
        assert_eq!(late(1_000, 950), None);
        assert_eq!(late(2_000, 1_900), Some(Duration::from_millis(100)));
        assert_eq!(late(11_000, 10_500), None);
        assert_eq!(late(12_000, 11_900), Some(Duration::from_millis(100)));
        assert_eq!(thread.begin(at(13_000), None), (None, None));
        assert_eq!(thread.worst_lateness, Duration::from_millis(500));
        let mut each = Turning::new("it", Duration::ZERO);
        for now in [1_000, 1_000, 1_001] {
            assert!(each.begin(at(now), Some(at(0))).0.is_some());
        }
    }
}
