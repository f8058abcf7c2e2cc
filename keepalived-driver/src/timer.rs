//! One timerfd for all deadlines: the poll's own timeout is rounded up to milliseconds.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use sans_io_time::Instant;

const NANOS: i64 = 1_000_000_000;

/// A timer on the clock of [`Clock::now`](crate::clock::Clock::now).
#[derive(Debug)]
pub(crate) struct Timer {
    fd: OwnedFd,
    armed: Option<Instant>,
}

impl Timer {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Self {
            fd: timerfd_create(TimerfdClockId::Boottime, flags)?,
            armed: None,
        })
    }

    /// Fire at `deadline`, at once if that has passed, never if there is none.
    pub(crate) fn arm(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        if self.armed == deadline {
            return Ok(());
        }
        // All zero would disarm; a deadline in the past only has to be in the past.
        let nanos = deadline.map_or(0, |deadline| deadline.as_nanos().max(1));
        let value = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: Timespec {
                tv_sec: nanos / NANOS,
                tv_nsec: nanos % NANOS,
            },
        };
        timerfd_settime(&self.fd, TimerfdTimerFlags::ABSTIME, &value)?;
        self.armed = deadline;
        Ok(())
    }

    /// It fired: arming it for the same deadline again must not be skipped.
    pub(crate) fn fired(&mut self) {
        // Arming again resets the count of expirations, so it need not be read.
        self.armed = None;
    }
}

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}
