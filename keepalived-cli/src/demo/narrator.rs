//! The voice of the demo.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use keepalived_driver::clock::Clock;
use sans_io_time::Instant;

/// Prints the story with the time since its beginning.
#[derive(Copy, Clone, Debug)]
pub(super) struct Narrator {
    clock: Clock,
    begin: Instant,
    pauses: bool,
}

impl Narrator {
    pub(super) fn new(pauses: bool) -> Self {
        let clock = Clock;
        Self {
            clock,
            begin: clock.now(),
            pauses,
        }
    }

    /// A line with the time in front.
    pub(super) fn say(&self, text: &str) {
        let seconds = self
            .clock
            .now()
            .saturating_duration_since(self.begin)
            .as_secs_f64();
        let stamp = format!("[{seconds:5.2} s] ");
        let mut lines = text.lines();
        self.print(&format!("{stamp}{}", lines.next().unwrap_or_default()));
        for line in lines {
            self.print(&format!("{:10}{line}", ""));
        }
    }

    /// A line without the time.
    pub(super) fn print(&self, text: &str) {
        // A reader that went away is no reason to leave the stage half built.
        let _ = writeln!(io::stdout(), "{text}");
    }

    /// Time to read.
    pub(super) fn pause(&self, duration: Duration) {
        if self.pauses {
            thread::sleep(duration);
        }
    }
}
