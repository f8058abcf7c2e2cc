//! How late this machine wakes sleepers, measured beside the daemons.
//!
//! A bound such as "3 intervals and the skew, and 20 ms" says something about a daemon only if
//! the machine ran it when it asked. On each processor a canary asks for short sleeps and keeps the worst
//! lateness it saw, so that a test on a busy machine can allow exactly that much more.

use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::clock::{self, Stamp};

const NAP: Duration = Duration::from_millis(2);
/// Lateness below this is the ordinary price of a sleep and is not kept.
const WORTH_NOTING: Duration = Duration::from_millis(3);

static NOTES: OnceLock<Mutex<Vec<(Stamp, Duration)>>> = OnceLock::new();

/// Starts the canaries of this process, once; where time is counted in instructions, nothing is late.
pub fn start() {
    if clock::counts_instructions() {
        return;
    }
    NOTES.get_or_init(|| {
        let all = sched_getaffinity(None).expect("the kernel knows where this process may run");
        for processor in (0..CpuSet::MAX_CPU).filter(|processor| all.is_set(*processor)) {
            thread::spawn(move || watch(processor));
        }
        Mutex::new(Vec::new())
    });
}

/// The worst lateness noted between two moments; zero on a quiet machine.
#[must_use]
pub fn lateness_between(from: Stamp, to: Stamp) -> Duration {
    let Some(notes) = NOTES.get() else {
        return Duration::ZERO;
    };
    let notes = notes
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let slack = Duration::from_millis(100);
    let inside = notes
        .iter()
        .filter(|(at, _)| *at + slack >= from && *at <= to + slack);
    inside.map(|&(_, late)| late).max().unwrap_or_default()
}

fn watch(processor: usize) {
    let mut only = CpuSet::new();
    only.set(processor);
    // One that was taken away since is not watched.
    let _elsewhere = sched_setaffinity(None, &only);
    loop {
        let before = clock::now();
        thread::sleep(NAP);
        let late = before.elapsed().saturating_sub(NAP);
        if late >= WORTH_NOTING
            && let Some(notes) = NOTES.get()
        {
            let mut notes = notes
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            notes.push((clock::stamp(), late));
        }
    }
}
