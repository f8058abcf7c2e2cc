//! Local time, as people read it in logs and dumps.

use std::time::SystemTime;

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
