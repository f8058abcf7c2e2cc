//! What those who watch tracked objects have to tell people.

use crate::hooks::Outcome;

/// One thing worth a log line about a tracked object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrackReport {
    /// A script is good now, or bad, after so many results in a row as it takes.
    ScriptChanged {
        /// Its name.
        name: String,
        /// How the last run ended; an exit with 0 is what makes it good.
        outcome: Outcome,
    },
    /// A script ended with another status than the time before.
    ScriptReturns {
        /// Its name.
        name: String,
        /// The status.
        code: i32,
    },
    /// A script could not be started, which is a failure like any other.
    ScriptNotStarted {
        /// Its name.
        name: String,
        /// Why.
        error: String,
    },
    /// A script that should start is still running.
    ScriptOverlaps {
        /// Its name.
        name: String,
    },
    /// More scripts are due than may run at once.
    ScriptsWait {
        /// How many run.
        running: usize,
    },
    /// Something about a tracker that an operator should know.
    Remark {
        /// Which tracker, such as `file load`.
        tracker: String,
        /// The story in one line.
        text: String,
    },
    /// A thread that watches had died of a bug and was started again.
    Restarted {
        /// What it watches.
        what: &'static str,
    },
    /// A thread that watches cannot go on; what it watches keeps its last state.
    Failed {
        /// What it watches.
        what: &'static str,
        /// Why.
        error: String,
    },
}
