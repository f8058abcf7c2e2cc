//! Local time, as people read it in logs and dumps.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use keepalived_driver::clock::Clock;

/// The time of day.
pub(crate) fn wall_clock() -> SystemTime {
    Clock.wall()
}

/// `time` in the local time zone, in a `strftime` format.
pub(crate) fn local_text(time: SystemTime, format: &str) -> String {
    match Timestamp::try_from(time) {
        Ok(stamp) => stamp
            .to_zoned(TimeZone::system())
            .strftime(format)
            .to_string(),
        // Out of range: a clock set before the year -9999 or after 9999.
        Err(_) => "(no time)".to_owned(),
    }
}

/// Dates of lines, most of which come within the second of the one before.
#[derive(Debug)]
pub(super) struct Dates {
    /// For `strftime`; nothing below a second.
    format: &'static str,
    /// The second of the last one, and its text.
    last: Option<(u64, String)>,
}

impl Dates {
    pub(super) fn new(format: &'static str) -> Self {
        Self { format, last: None }
    }

    /// As [`local_text`].
    pub(super) fn text(&mut self, at: SystemTime) -> String {
        let second = at.duration_since(UNIX_EPOCH).map(|since| since.as_secs());
        match (&self.last, &second) {
            (Some((known, text)), Ok(second)) if known == second => text.clone(),
            _ => {
                let text = local_text(at, self.format);
                self.last = second.ok().map(|second| (second, text.clone()));
                text
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_second_has_its_date() {
        let mut dates = Dates::new("%S");
        for (millis, text) in [(0, "00"), (999, "00"), (1000, "01"), (500, "00")] {
            let at = UNIX_EPOCH + Duration::from_millis(millis);
            assert_eq!(dates.text(at), text);
        }
    }
}
