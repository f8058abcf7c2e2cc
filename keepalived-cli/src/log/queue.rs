//! A bounded queue of lines whose writers never wait.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Line;

/// While lines come in a burst, so many of them wait before their writer begins.
const BURST: usize = 64;

/// Lines that wait at most. At 200 octets each that is about a megabyte; a burst of a thousand
/// instances changing state fits.
const LIMIT: usize = 4096;

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Arc<Line>>,
    /// Lines that did not fit since the last one that did.
    lost: u64,
    /// A line has been taken and not yet been written.
    writing: bool,
    /// Callers that have more lines, one directly after the other.
    bursts: usize,
    /// How many wait until all is written.
    awaited: usize,
}

/// A line taken out, and how many were lost before it.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) line: Arc<Line>,
    pub(super) lost: u64,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Append, or count as lost.
    pub(super) fn push(&self, line: Arc<Line>) {
        let mut state = self.lock();
        if state.waiting.len() < LIMIT {
            state.waiting.push_back(line);
        } else {
            state.lost = state.lost.saturating_add(1);
        }
        let wake = state.waiting.len() == if state.bursts > 0 { BURST } else { 1 };
        drop(state);
        // Who takes lines out waits for the first one only. Each call costs a system call.
        if wake {
            self.changed.notify_all();
        }
    }

    /// More lines follow at once, until [`Self::end_burst`].
    pub(super) fn begin_burst(&self) {
        self.lock().bursts += 1;
    }

    pub(super) fn end_burst(&self) {
        let mut state = self.lock();
        state.bursts -= 1;
        let wake = !state.waiting.is_empty();
        drop(state);
        if wake {
            self.changed.notify_all();
        }
    }

    /// The next line; waits for one. Losses are told with the last line that waits: by then there
    /// is room again.
    pub(super) fn take(&self) -> Taken {
        let state = self.lock();
        let mut state = self
            .changed
            .wait_while(state, |state| state.waiting.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        let mut lost = 0;
        if state.waiting.len() == 1 {
            lost = std::mem::take(&mut state.lost);
        }
        state.writing = true;
        match state.waiting.pop_front() {
            Some(line) => Taken { line, lost },
            None => unreachable!("waited until there is a line"),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().waiting.is_empty()
    }

    /// The line taken last has been written.
    pub(super) fn written(&self) {
        let mut state = self.lock();
        state.writing = false;
        let tell = state.waiting.is_empty() && state.awaited > 0;
        drop(state);
        if tell {
            self.changed.notify_all();
        }
    }

    /// Wait until nothing waits and nothing is being written.
    pub(super) fn wait_until_written(&self, patience: Duration) {
        let busy = |state: &mut State| state.writing || !state.waiting.is_empty();
        let mut state = self.lock();
        state.awaited += 1;
        // Whether it comes to that or the patience runs out makes no difference here.
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, patience, busy)
            .unwrap_or_else(PoisonError::into_inner);
        state.awaited -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Level;

    fn line(number: usize) -> Arc<Line> {
        Arc::new(Line {
            at: std::time::SystemTime::UNIX_EPOCH,
            level: Level::Info,
            tag: "t".into(),
            text: number.to_string(),
        })
    }

    /// LESSONS A7, E8: memory is bounded, the caller goes on, and the gap is told.
    #[test]
    fn what_does_not_fit_is_counted_and_told_once() {
        let queue = Queue::default();
        for number in 0..LIMIT + 10 {
            queue.push(line(number));
        }
        for number in 0..LIMIT {
            let taken = queue.take();
            assert_eq!(taken.line.text, number.to_string());
            assert_eq!(taken.lost, if number + 1 == LIMIT { 10 } else { 0 });
        }
        queue.push(line(0));
        assert_eq!(queue.take().lost, 0);
    }

    #[test]
    fn lines_of_a_burst_are_taken_when_there_are_many_or_it_is_over() {
        let queue = Arc::new(Queue::default());
        let taken = Arc::new(Mutex::new(0));
        let (theirs, count) = (Arc::clone(&queue), Arc::clone(&taken));
        std::thread::spawn(move || {
            loop {
                theirs.take();
                *count.lock().unwrap() += 1;
                theirs.written();
            }
        });
        queue.begin_burst();
        for number in 0..BURST {
            queue.push(line(number));
        }
        queue.wait_until_written(Duration::from_secs(20));
        assert_eq!(*taken.lock().unwrap(), BURST);
        queue.push(line(0));
        queue.end_burst();
        queue.wait_until_written(Duration::from_secs(20));
        assert_eq!(*taken.lock().unwrap(), BURST + 1);
    }
}
