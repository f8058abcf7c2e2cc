//! What an onlooker knows of one router, without a look inside: for how long it may listen, for how long it
//! has been Active. All of it is counted in ticks and ends somewhere, so that there are finitely many states.

use crate::clock::{ADVERT, down, skew};

/// Ticks after which it does not matter any more how long something has lasted.
const LONG: u8 = 18;

/// What a Backup waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Wait {
    /// Three adverts and the skew.
    #[default]
    Down,
    /// The skew, after a release.
    Skew,
    /// An advert and the skew, after a stall.
    Listen,
}

/// What an onlooker knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Watch {
    wait: Wait,
    /// Ticks since the wait began.
    pub(crate) waited: u8,
    /// Ticks until it may, and has to, take over; negative for a stalled one.
    pub(crate) due_in: i16,
    /// Frames lost on their way to it since the wait began.
    pub(crate) lost: u8,
    /// Of another priority since the wait began.
    pub(crate) disturbed: bool,
    /// Ticks for which it has been Active, awake, and of the same priority.
    pub(crate) steady: u8,
}

impl Watch {
    /// A wait begins.
    pub(crate) fn begins(&mut self, wait: Wait, priority: u8) {
        *self = Self {
            wait,
            due_in: i16::from(length(wait, priority)),
            ..Self::default()
        };
    }

    /// It has become Active: nothing to wait for.
    pub(crate) fn active(&mut self) {
        *self = Self::default();
    }

    /// The priority of a waiting one changes: the end of the wait moves, its beginning does not, and what is over is
    /// over (FSM-OPEN-04).
    pub(crate) fn weighed(&mut self, priority: u8) {
        self.disturbed = true;
        self.steady = 0;
        if self.due_in > 0 {
            let whole = i16::from(length(self.wait, priority));
            self.due_in = (whole - i16::from(self.waited)).max(0);
        }
    }

    /// Its process is stopped: an Active one is silent from now on. A Backup misses nothing, its socket keeps it.
    pub(crate) fn stalls(&mut self) {
        self.steady = 0;
    }

    /// A frame to it is lost.
    pub(crate) fn loses(&mut self) {
        self.lost = (self.lost + 1).min(3);
    }

    /// Time goes on for one that is Active (or not).
    pub(crate) fn tick(&mut self, active: bool, awake: bool) {
        if active {
            self.steady = if awake {
                (self.steady + 1).min(LONG)
            } else {
                0
            };
        } else {
            self.waited = self.waited.saturating_add(1);
            self.due_in -= 1;
        }
    }

    /// Waits for three lost adverts.
    pub(crate) fn is_down(&self) -> bool {
        self.wait == Wait::Down
    }
}

fn length(wait: Wait, priority: u8) -> u8 {
    match wait {
        Wait::Down => down(priority),
        Wait::Skew => skew(priority),
        Wait::Listen => ADVERT + skew(priority),
    }
}
