//! What the hooks thread tells the rest of the program.

use std::fmt;
use std::io;
use std::time::Duration;

use super::{ObjectId, Trigger};

/// One thing worth a log line about a script.
#[derive(Debug)]
#[non_exhaustive]
pub enum HookReport {
    /// A script ended, well or not.
    Ended {
        /// Whose script.
        object: ObjectId,
        /// What it was run for.
        trigger: Trigger,
        /// The program with its arguments.
        command: String,
        /// How it ended.
        outcome: Outcome,
        /// How long it ran.
        took: Duration,
    },
    /// A script could not be started.
    NotStarted {
        /// Whose script.
        object: ObjectId,
        /// What it should have been run for.
        trigger: Trigger,
        /// The program with its arguments.
        command: String,
        /// Why.
        error: io::Error,
    },
    /// Scripts of older states were dropped because a newer state came before they could start.
    Superseded {
        /// Whose scripts.
        object: ObjectId,
        /// Which states were not told.
        dropped: Vec<Trigger>,
        /// The state that is told in their place.
        by: Trigger,
    },
    /// A script runs longer than the patience of the settings; it goes on until another script of
    /// its object waits.
    Slow {
        /// Whose script.
        object: ObjectId,
        /// The program with its arguments.
        command: String,
        /// For how long it has run.
        running: Duration,
    },
    /// A reader of a pipe was ended because it is not wanted any more, or not so.
    Dismissed {
        /// Its pipe.
        object: ObjectId,
        /// The program with its arguments.
        command: String,
    },
    /// The daemon ended before this script did, or before it could start.
    Abandoned {
        /// Whose script.
        object: ObjectId,
        /// What it was for.
        trigger: Trigger,
        /// The program with its arguments.
        command: String,
        /// It had been started, and was sent TERM.
        started: bool,
    },
}

/// How a script ended.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It returned this code; 0 is success.
    Exited(i32),
    /// It died by this signal.
    Signalled(i32),
    /// It was ended because it ran too long.
    TimedOut,
}

impl Outcome {
    /// The script did what it was asked to do.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::Exited(0)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exited with status {code}"),
            Self::Signalled(signal) => write!(f, "exited due to signal {signal}"),
            Self::TimedOut => write!(f, "took too long and was ended"),
        }
    }
}

impl fmt::Display for HookReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended {
                object,
                trigger,
                command,
                outcome,
                took,
            } => {
                let word = trigger.word();
                let seconds = took.as_secs_f64();
                write!(
                    f,
                    "{object} Script {command} for {word} {outcome} after {seconds:.3} s"
                )
            }
            Self::NotStarted {
                object,
                trigger,
                command,
                error,
            } => {
                let word = trigger.word();
                write!(
                    f,
                    "{object} Script {command} for {word} could not be started: {error}"
                )
            }
            Self::Superseded {
                object,
                dropped,
                by,
            } => {
                let words: Vec<_> = dropped.iter().map(|trigger| trigger.word()).collect();
                let (words, by) = (words.join(", "), by.word());
                write!(
                    f,
                    "{object} Scripts for {words} not run, {by} came before they could start"
                )
            }
            Self::Slow {
                object,
                command,
                running,
            } => {
                let seconds = running.as_secs();
                write!(
                    f,
                    "{object} Script {command} is still running after {seconds} s"
                )
            }
            Self::Dismissed { object, command } => write!(
                f,
                "{object} Script {command} for reading was ended: a reload took it out or changed it"
            ),
            Self::Abandoned {
                object,
                trigger,
                command,
                started: true,
            } => {
                let word = trigger.word();
                write!(
                    f,
                    "{object} Script {command} for {word} did not end in time for the stop"
                )
            }
            Self::Abandoned {
                object,
                trigger,
                command,
                started: false,
            } => {
                let word = trigger.word();
                write!(
                    f,
                    "{object} Script {command} for {word} not run, the daemon has stopped"
                )
            }
        }
    }
}
